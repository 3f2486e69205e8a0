/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/timestamp.h"
#include "base/der.h"
#include "cms_forge.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <string.h>

#define TSA_POLICY "1.2.3.4.1"
#define TST_INFO   "1.2.840.113549.1.9.16.1.4"
#define TIME_US    INT64_C(1780000000123456) /* 2026-05-28T20:26:40.123456Z */
#define MESSAGE    "what is to be stamped"

static EVP_PKEY *ca_key, *key;
static struct tp_buf ca, tsa;

static struct tp_buf tsa_make(const char *usage)
{
    struct forge_certificate certificate = {.subject = "tsa",
                                            .issuer = "ca",
                                            .serial = "42",
                                            .key = key,
                                            .issuer_key = ca_key,
                                            .key_usage = "critical,digitalSignature"};
    if (usage != NULL)
        certificate.extensions[0] = (struct forge_extension){"extendedKeyUsage", usage};
    return forge_certificate(&certificate);
}

static void setup(void)
{
    ca_key = forge_key("P-256");
    key = forge_key("rsa-2048");
    ca = forge_certificate(&(struct forge_certificate){
        .subject = "ca", .issuer = "ca", .key = ca_key, .issuer_key = ca_key, .is_ca = true});
    tsa = tsa_make("critical,timeStamping");
}

static void teardown(void)
{
    tp_buf_clear(&ca), tp_buf_clear(&tsa);
    EVP_PKEY_free(ca_key), EVP_PKEY_free(key);
}

TestSuite(timestamp, .init = setup, .fini = teardown);

static struct tp_pki_signer *signer_with(const struct tp_buf *certificate)
{
    struct tp_pki_signer *signer = NULL;
    struct tp_buf spki = forge_spki(key);
    const struct tp_bytes chain[] = {tp_buf_bytes(certificate), tp_buf_bytes(&ca)};
    cr_assert_eq(EVP_PKEY_up_ref(key), 1);
    cr_assert_eq(tp_pki_signer_new(tp_buf_bytes(&spki), chain, 2, &forge_true, key, NULL, &signer), TP_OK);
    tp_buf_clear(&spki);
    return signer;
}

static struct tp_pki_timestamp_request request_of(enum tp_pki_hash hash)
{
    struct tp_pki_timestamp_request request = {.hash = hash, .imprint_len = tp_pki_hash_len(hash), .cert_req = true};
    unsigned len = 0;
    const EVP_MD *md = EVP_get_digestbyname(tp_pki_hash_libcrypto(hash));
    cr_assert_eq(EVP_Digest(MESSAGE, strlen(MESSAGE), request.imprint, &len, md, NULL), 1);
    cr_assert_eq(len, request.imprint_len);
    return request;
}

static struct tp_pki_timestamp_info info_usual(void)
{
    const struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA256);
    struct tp_pki_timestamp_info info = {.hash = TP_PKI_SHA256,
                                         .imprint_len = 32,
                                         .policy = TSA_POLICY,
                                         .serial = {0x80, 0x01},
                                         .serial_len = 2,
                                         .time_us = TIME_US,
                                         .accuracy_us = 1500250,
                                         .ordering = true,
                                         .nonce = {0x00, 0xff, 0x01},
                                         .nonce_len = 3};
    memcpy(info.imprint, request.imprint, 32);
    return info;
}

/* ---- requests ---- */

static enum tp_rc parse(struct tp_bytes der, struct tp_pki_timestamp_request *request, int *failure)
{
    struct tp_error error = {0};
    const enum tp_rc rc = tp_pki_timestamp_request_parse(der, &error, request, failure);
    cr_assert(rc == TP_OK || error.words[0] != '\0');
    return rc;
}

Test(timestamp, requests_come_back_as_they_were)
{
    for (enum tp_pki_hash hash = TP_PKI_MD5; hash < TP_PKI_HASH_END; hash++) {
        struct tp_pki_timestamp_request request = request_of(hash), back = {0};
        struct tp_buf der = TP_BUF_INIT;
        int failure = -1;
        strcpy(request.policy, hash % 2 == 0 ? TSA_POLICY : "");
        request.nonce_len = hash % 3;
        for (size_t i = 0; i < request.nonce_len; i++)
            request.nonce[i] = (uint8_t)(0x81 + i);
        request.cert_req = hash % 2 == 0;
        request.imprint_bare = hash % 3 == 0;
        cr_assert_eq(tp_pki_timestamp_request_make(&request, &der), TP_OK);
        cr_assert_eq(parse(tp_buf_bytes(&der), &back, &failure), TP_OK, "%s", tp_pki_hash_name(hash));
        cr_expect_eq(memcmp(&request, &back, sizeof back), 0, "%s", tp_pki_hash_name(hash));
        cr_expect_eq(failure, -1);
        tp_buf_clear(&der);
    }
}

Test(timestamp, requests_are_what_libcrypto_reads)
{
    struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA512);
    struct tp_buf der = TP_BUF_INIT;
    strcpy(request.policy, TSA_POLICY);
    request.nonce_len = 9, request.nonce[1] = 0xff;
    cr_assert_eq(tp_pki_timestamp_request_make(&request, &der), TP_OK);
    const unsigned char *at = der.data;
    TS_REQ *parsed = d2i_TS_REQ(NULL, &at, (long)der.len);
    cr_assert_not_null(parsed);
    cr_expect_eq(at - der.data, (long)der.len);
    cr_expect_eq(TS_REQ_get_cert_req(parsed), 1);
    cr_expect_eq(ASN1_STRING_length(TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(parsed))), 64);
    cr_expect_eq(ASN1_STRING_length(TS_REQ_get_nonce(parsed)), 8);
    TS_REQ_free(parsed);
    tp_buf_clear(&der);
}

Test(timestamp, requests_that_are_cut_extended_or_changed_are_refused)
{
    struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA256), back = {0};
    struct tp_buf der = TP_BUF_INIT;
    int failure = -1;
    cr_assert_eq(tp_pki_timestamp_request_make(&request, &der), TP_OK);
    for (size_t len = 0; len < der.len; len++) {
        cr_assert_eq(parse(TP_BYTES(der.data, len), &back, &failure), TP_MALFORMED, "%zu", len);
        cr_assert_eq(failure, TP_PKI_BAD_DATA_FORMAT);
    }
    cr_assert_eq(tp_buf_append_u8(&der, 0), TP_OK);
    cr_assert_eq(parse(tp_buf_bytes(&der), &back, &failure), TP_MALFORMED);
    der.len--;
    der.data[4] = 2; /* the version */
    cr_assert_eq(parse(tp_buf_bytes(&der), &back, &failure), TP_MALFORMED);
    cr_assert_eq(failure, TP_PKI_BAD_REQUEST);
    der.data[4] = 1;
    uint8_t *oid = memmem(der.data, der.len, "\x04\x02\x01\x05", 4);
    oid[2] = 3; /* SHA-512 with 32 bytes */
    cr_assert_eq(parse(tp_buf_bytes(&der), &back, &failure), TP_MALFORMED);
    cr_assert_eq(failure, TP_PKI_BAD_DATA_FORMAT);
    oid[2] = 0x63; /* not known: parsed, for the server to refuse with badAlg */
    cr_assert_eq(parse(tp_buf_bytes(&der), &back, &failure), TP_OK);
    cr_expect_eq(back.hash, TP_PKI_HASH_NONE);
    tp_buf_clear(&der);
    struct tp_buf large = TP_BUF_INIT;
    cr_assert_eq(tp_buf_reserve(&large, TP_PKI_TIMESTAMP_REQUEST_MAX + 1), TP_OK);
    memset(large.data, 0x30, TP_PKI_TIMESTAMP_REQUEST_MAX + 1);
    cr_expect_eq(parse(TP_BYTES(large.data, TP_PKI_TIMESTAMP_REQUEST_MAX + 1), &back, &failure), TP_MALFORMED);
    tp_buf_clear(&large);
}

Test(timestamp, a_nonce_is_short_and_an_integer)
{
    static const struct {
        uint8_t nonce[66];
        size_t len;
        enum tp_rc rc;
    } rows[] = {{{5}, 1, TP_OK},  {{0x80}, 1, TP_OK},      {{0, 0x80}, 2, TP_OK},  {{0, 0x7f}, 2, TP_MALFORMED},
                {{1}, 64, TP_OK}, {{1}, 65, TP_MALFORMED}, {{0}, 0, TP_MALFORMED}, {{0xff, 0x80}, 2, TP_MALFORMED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA256);
        struct tp_pki_timestamp_request back = {0};
        struct tp_buf inside = TP_BUF_INIT, der = TP_BUF_INIT, all = TP_BUF_INIT;
        int failure = -1;
        cr_assert_eq(tp_pki_timestamp_request_make(&request, &der), TP_OK);
        struct tp_bytes at = tp_buf_bytes(&der), fields;
        cr_assert(tp_der_take(&at, TP_DER_SEQUENCE, NULL, &fields));
        fields.len -= 3; /* certReq */
        cr_assert_eq(tp_buf_append(&inside, fields), TP_OK);
        cr_assert_eq(tp_der_put(&inside, TP_DER_INTEGER, TP_BYTES(rows[i].nonce, rows[i].len)), TP_OK);
        cr_assert_eq(tp_der_put(&all, TP_DER_SEQUENCE, tp_buf_bytes(&inside)), TP_OK);
        cr_expect_eq(parse(tp_buf_bytes(&all), &back, &failure), rows[i].rc, "%zu", i);
        cr_expect(rows[i].rc != TP_OK || (back.nonce_len == rows[i].len && !back.cert_req));
        tp_buf_clear(&inside), tp_buf_clear(&der), tp_buf_clear(&all);
    }
}

/* ---- tokens ---- */

static struct tp_buf token_of(const struct tp_pki_timestamp_info *info, const struct tp_buf *certificate, bool included)
{
    struct tp_pki_signer *signer = signer_with(certificate);
    struct tp_buf response = TP_BUF_INIT, token = TP_BUF_INIT;
    struct tp_error error = {0};
    cr_assert_eq(tp_pki_timestamp_grant(info, signer, TP_PKI_SHA256, included, &error, &response), TP_OK, "%s",
                 tp_error_words(&error));
    cr_assert_eq(tp_pki_timestamp_response_token(tp_buf_bytes(&response), &error, &token), TP_OK, "%s",
                 tp_error_words(&error));
    tp_pki_signer_free(signer);
    tp_buf_clear(&response);
    return token;
}

static struct tp_pki_timestamp *timestamp_of(const struct tp_buf *token)
{
    struct tp_pki_timestamp *timestamp = NULL;
    struct tp_error error = {0};
    cr_assert_eq(tp_pki_timestamp_parse(tp_buf_bytes(token), &error, &timestamp), TP_OK, "%s", tp_error_words(&error));
    return timestamp;
}

Test(timestamp, that_is_granted_says_what_it_was_told)
{
    const struct tp_pki_timestamp_info info = info_usual();
    struct tp_buf token = token_of(&info, &tsa, true);
    struct tp_pki_timestamp *timestamp = timestamp_of(&token);
    struct tp_bytes certificate = TP_BYTES_NONE;
    cr_expect_eq(memcmp(tp_pki_timestamp_info(timestamp), &info, sizeof info), 0);
    cr_expect_eq(tp_pki_cms_certificates_len(tp_pki_timestamp_cms(timestamp)), 1, "the root stays away");
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, NULL, &certificate), TP_OK);
    cr_expect(tp_bytes_equal(certificate, tp_buf_bytes(&tsa)));
    cr_expect_eq(tp_pki_timestamp_is_over(timestamp, TP_BYTES(info.imprint, 32), NULL), TP_OK);
    uint8_t other[32] = {0};
    cr_expect_eq(tp_pki_timestamp_is_over(timestamp, TP_BYTES(other, 32), NULL), TP_DATA);
    cr_expect_eq(tp_pki_timestamp_is_over(timestamp, TP_BYTES(info.imprint, 31), NULL), TP_DATA);
    tp_pki_timestamp_free(timestamp);
    tp_buf_clear(&token);
}

Test(timestamp, without_a_certificate_wants_it_given)
{
    const struct tp_pki_timestamp_info info = info_usual();
    struct tp_buf token = token_of(&info, &tsa, false);
    struct tp_pki_timestamp *timestamp = timestamp_of(&token);
    struct tp_bytes certificate = TP_BYTES_NONE;
    struct tp_buf twin =
        tsa_make("critical,timeStamping"); /* same key and name; only the signature of the CA differs */
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, NULL, &certificate), TP_NOT_FOUND);
    struct tp_error error = {0};
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, tp_buf_bytes(&ca), &error, &certificate), TP_CRYPTO);
    cr_expect_not_null(strstr(error.words, "do not name"), "no signature is checked for it: %s", error.words);
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, tp_buf_bytes(&twin), NULL, &certificate), TP_CRYPTO, "ESS");
    cr_expect_eq(certificate.len, 0);
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, tp_buf_bytes(&tsa), NULL, &certificate), TP_OK);
    cr_expect(tp_bytes_equal(certificate, tp_buf_bytes(&tsa)));
    tp_pki_timestamp_free(timestamp);
    tp_buf_clear(&token), tp_buf_clear(&twin);
}

Test(timestamp, of_a_certificate_that_is_not_for_timestamps_alone_is_refused)
{
    static const struct {
        const char *usage;
        enum tp_rc rc;
    } rows[] = {{"critical,timeStamping", TP_OK},
                {"timeStamping", TP_REFUSED},
                {"critical,timeStamping,emailProtection", TP_REFUSED},
                {"critical,emailProtection", TP_REFUSED},
                {NULL, TP_REFUSED}};
    const struct tp_pki_timestamp_info info = info_usual();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf certificate = tsa_make(rows[i].usage), token = token_of(&info, &certificate, true);
        struct tp_pki_timestamp *timestamp = timestamp_of(&token);
        struct tp_bytes found;
        cr_expect_eq(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, NULL, &found), rows[i].rc, "%s", rows[i].usage);
        tp_pki_timestamp_free(timestamp);
        tp_buf_clear(&certificate), tp_buf_clear(&token);
    }
}

Test(timestamp, that_was_changed_does_not_verify)
{
    const struct tp_pki_timestamp_info info = info_usual();
    struct tp_buf token = token_of(&info, &tsa, true);
    struct tp_bytes found;
    uint8_t *imprint = memmem(token.data, token.len, info.imprint, 32);
    imprint[0] ^= 1;
    struct tp_pki_timestamp *timestamp = timestamp_of(&token);
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, NULL, &found), TP_DATA);
    tp_pki_timestamp_free(timestamp);
    imprint[0] ^= 1;
    token.data[token.len - 1] ^= 1;
    timestamp = timestamp_of(&token);
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, NULL, &found), TP_CRYPTO);
    tp_pki_timestamp_free(timestamp);
    tp_buf_clear(&token);
}

Test(timestamp, without_signing_certificate_is_refused)
{
    const struct tp_pki_timestamp_info info = info_usual();
    struct tp_buf usual = token_of(&info, &tsa, true);
    struct tp_pki_timestamp *timestamp = timestamp_of(&usual), *bare = NULL;
    static const struct {
        enum cms_ess ess;
        enum tp_rc rc;
    } rows[] = {
        {CMS_ESS_V1, TP_OK}, {CMS_ESS_V2, TP_OK}, {CMS_ESS_NONE, TP_CRYPTO}, {CMS_ESS_V2_OTHER_HASH, TP_CRYPTO}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_bytes found;
        struct cms_hand hand = {.key = key,
                                .certificate = tp_buf_bytes(&tsa),
                                .md = "SHA256",
                                .content_type = TST_INFO,
                                .content = tp_pki_cms_content(tp_pki_timestamp_cms(timestamp)),
                                .ess = rows[i].ess};
        struct tp_buf token = cms_hand(&hand);
        bare = timestamp_of(&token);
        cr_expect_eq(tp_pki_timestamp_verify(bare, TP_BYTES_NONE, NULL, &found), rows[i].rc, "%zu", i);
        tp_pki_timestamp_free(bare);
        tp_buf_clear(&token);
    }
    tp_pki_timestamp_free(timestamp);
    tp_buf_clear(&usual);
}

Test(timestamp, is_no_other_cms)
{
    struct cms_hand hand = {
        .key = key, .certificate = tp_buf_bytes(&tsa), .md = "SHA256", .content = tp_bytes_of_string("data")};
    struct tp_buf data = cms_hand(&hand);
    struct tp_pki_timestamp *timestamp = NULL;
    cr_expect_eq(tp_pki_timestamp_parse(tp_buf_bytes(&data), NULL, &timestamp), TP_MALFORMED);
    hand.content_type = TST_INFO; /* and no TSTInfo in it */
    struct tp_buf empty = cms_hand(&hand);
    cr_expect_eq(tp_pki_timestamp_parse(tp_buf_bytes(&empty), NULL, &timestamp), TP_MALFORMED);
    cr_expect_null(timestamp);
    tp_buf_clear(&data), tp_buf_clear(&empty);
}

/* ---- time and accuracy ---- */

static void expect_text(int64_t time_us, const char *text)
{
    struct tp_pki_timestamp_info info = info_usual();
    info.time_us = time_us;
    struct tp_buf token = token_of(&info, &tsa, true);
    struct tp_pki_timestamp *timestamp = timestamp_of(&token);
    const struct tp_bytes content = tp_pki_cms_content(tp_pki_timestamp_cms(timestamp));
    char element[40] = {0x18, (char)strlen(text)};
    strcpy(element + 2, text);
    cr_expect_not_null(memmem(content.data, content.len, element, 2 + strlen(text)), "%s", text);
    cr_expect_eq(tp_pki_timestamp_info(timestamp)->time_us, time_us, "%s", text);
    tp_pki_timestamp_free(timestamp);
    tp_buf_clear(&token);
}

Test(timestamp, has_a_time_without_zeros_at_its_end)
{
    expect_text(INT64_C(1780000000000000), "20260528202640Z");
    expect_text(INT64_C(1780000000100000), "20260528202640.1Z");
    expect_text(INT64_C(1780000000123456), "20260528202640.123456Z");
    expect_text(INT64_C(1780000000000001), "20260528202640.000001Z");
    expect_text(INT64_C(1780000000010000), "20260528202640.01Z");
    expect_text(INT64_C(951782400000000), "20000229000000Z");
    expect_text(INT64_C(1780272000000000), "20260601000000Z");
}

/* TSTInfo with another genTime and what follows it, as strangers might send. */
static enum tp_rc parse_time(const char *time, struct tp_bytes rest, struct tp_pki_timestamp_info *ret_info)
{
    struct tp_pki_timestamp_info info = info_usual();
    struct tp_buf usual = token_of(&info, &tsa, true), content = TP_BUF_INIT, all = TP_BUF_INIT;
    struct tp_pki_timestamp *timestamp = timestamp_of(&usual), *changed = NULL;
    struct tp_bytes at = tp_pki_cms_content(tp_pki_timestamp_cms(timestamp)), fields;
    cr_assert(tp_der_take(&at, TP_DER_SEQUENCE, NULL, &fields));
    const uint8_t *old = memmem(fields.data, fields.len, "\x18\x16", 2);
    cr_assert_eq(tp_buf_append(&content, TP_BYTES(fields.data, (size_t)(old - fields.data))), TP_OK);
    cr_assert_eq(tp_der_put(&content, TP_DER_GENERALIZED_TIME, tp_bytes_of_string(time)), TP_OK);
    if (rest.len > 0)
        cr_assert_eq(tp_buf_append(&content, rest), TP_OK);
    cr_assert_eq(tp_der_put(&all, TP_DER_SEQUENCE, tp_buf_bytes(&content)), TP_OK);
    struct cms_hand hand = {.key = key,
                            .certificate = tp_buf_bytes(&tsa),
                            .md = "SHA256",
                            .content_type = TST_INFO,
                            .content = tp_buf_bytes(&all)};
    struct tp_buf token = cms_hand(&hand);
    const enum tp_rc rc = tp_pki_timestamp_parse(tp_buf_bytes(&token), NULL, &changed);
    if (rc == TP_OK)
        *ret_info = *tp_pki_timestamp_info(changed);
    tp_pki_timestamp_free(changed), tp_pki_timestamp_free(timestamp);
    tp_buf_clear(&usual), tp_buf_clear(&content), tp_buf_clear(&all), tp_buf_clear(&token);
    return rc;
}

Test(timestamp, of_others_may_have_any_fraction_and_must_be_in_utc)
{
    static const struct {
        const char *text;
        int64_t time_us; /* 0: refused */
    } rows[] = {
        {"20260528202640Z", INT64_C(1780000000000000)},
        {"20260528202640.500Z", INT64_C(1780000000500000)},
        {"20260528202640.1234567890Z", INT64_C(1780000000123456)},
        {"20240229000000Z", INT64_C(1709164800000000)},
        {"20161231235960Z", INT64_C(1483228800000000)}, /* a leap second */
        {"20260528202640", 0},
        {"20260528202640.Z", 0},
        {"20260528202640,5Z", 0},
        {"20260528202640+0900", 0},
        {"202605282026Z", 0},
        {"20260229000000Z", 0},
        {"20261328202640Z", 0},
        {"20260528242640Z", 0},
        {"19690528202640Z", 0},
        {"2026052820264xZ", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_pki_timestamp_info info = {0};
        const enum tp_rc rc = parse_time(rows[i].text, TP_BYTES_NONE, &info);
        cr_expect_eq(rc, rows[i].time_us != 0 ? TP_OK : TP_MALFORMED, "%s", rows[i].text);
        cr_expect_eq(info.time_us, rows[i].time_us, "%s", rows[i].text);
        cr_expect(rc != TP_OK || (info.accuracy_us == -1 && !info.ordering && info.nonce_len == 0));
    }
}

Test(timestamp, of_others_may_have_a_name_and_extensions_that_are_not_critical)
{
    static const struct {
        const char *rest;
        size_t len;
        enum tp_rc rc;
        int64_t accuracy_us;
    } rows[] = {
        {"\x30\x03\x02\x01\x01", 5, TP_OK, 1000000},
        {"\x30\x04\x80\x02\x01\xf4", 6, TP_OK, 500000},
        {"\x30\x00", 2, TP_OK, 0},
        {"\x30\x04\x80\x02\x03\xe8", 6, TP_MALFORMED, 0},         /* 1000 ms */
        {"\x30\x03\x02\x01\xff", 5, TP_MALFORMED, 0},             /* negative */
        {"\x30\x06\x81\x01\x07\x80\x01\x07", 8, TP_MALFORMED, 0}, /* out of order */
        {"\xa0\x04\xa4\x02\x30\x00", 6, TP_OK, -1},               /* tsa */
        {"\xa1\x0b\x30\x09\x06\x03\x2a\x03\x04\x04\x02\x05\x00", 13, TP_OK, -1},
        {"\xa1\x0e\x30\x0c\x06\x03\x2a\x03\x04\x01\x01\xff\x04\x02\x05\x00", 16, TP_MALFORMED, -1}, /* critical */
        {"\x05\x00", 2, TP_MALFORMED, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_pki_timestamp_info info = {0};
        cr_expect_eq(parse_time("20260528202640Z", TP_BYTES(rows[i].rest, rows[i].len), &info), rows[i].rc, "%zu", i);
        cr_expect(rows[i].rc != TP_OK || info.accuracy_us == rows[i].accuracy_us, "%zu", i);
    }
}

Test(timestamp, has_its_accuracy_in_three_parts)
{
    static const int64_t rows[] = {-1, 0, 1, 999, 1000, 999999, 1000000, 1000001, 60001000};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_pki_timestamp_info info = info_usual();
        info.accuracy_us = rows[i], info.ordering = false, info.nonce_len = 0;
        memset(info.nonce, 0, sizeof info.nonce);
        struct tp_buf token = token_of(&info, &tsa, true);
        struct tp_pki_timestamp *timestamp = timestamp_of(&token);
        cr_expect_eq(memcmp(tp_pki_timestamp_info(timestamp), &info, sizeof info), 0, "%zu", i);
        tp_pki_timestamp_free(timestamp);
        tp_buf_clear(&token);
    }
}

/* ---- responses ---- */

Test(timestamp, refusals_tell_why)
{
    static const int failures[] = {
        TP_PKI_BAD_ALG,           TP_PKI_BAD_REQUEST,          TP_PKI_BAD_DATA_FORMAT,        TP_PKI_TIME_NOT_AVAILABLE,
        TP_PKI_UNACCEPTED_POLICY, TP_PKI_UNACCEPTED_EXTENSION, TP_PKI_ADD_INFO_NOT_AVAILABLE, TP_PKI_SYSTEM_FAILURE};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        struct tp_buf response = TP_BUF_INIT, token = TP_BUF_INIT;
        struct tp_error error = {0};
        cr_assert_eq(tp_pki_timestamp_reject(failures[i], "the clock\nis away", &response), TP_OK);
        cr_expect_eq(tp_pki_timestamp_response_token(tp_buf_bytes(&response), &error, &token), TP_REFUSED);
        cr_expect_not_null(strstr(error.words, tp_pki_timestamp_failure_name(failures[i])), "%s", error.words);
        cr_expect_not_null(strstr(error.words, "the clock?is away"), "%s", error.words);
        cr_expect_eq(token.len, 0);
        const unsigned char *at = response.data;
        TS_RESP *parsed = d2i_TS_RESP(NULL, &at, (long)response.len);
        cr_assert_not_null(parsed);
        const ASN1_BIT_STRING *info = TS_STATUS_INFO_get0_failure_info(TS_RESP_get_status_info(parsed));
        cr_expect_eq(ASN1_BIT_STRING_get_bit(info, failures[i]), 1);
        TS_RESP_free(parsed);
        tp_buf_clear(&response), tp_buf_clear(&token);
    }
    cr_expect_str_eq(tp_pki_timestamp_failure_name(14), "timeNotAvailable");
    cr_expect_str_eq(tp_pki_timestamp_failure_name(3), "none of RFC 3161");
}

Test(timestamp, answers_that_are_none_are_refused)
{
    static const struct {
        const char *der;
        size_t len;
        enum tp_rc rc;
    } rows[] = {
        {"\x30\x05\x30\x03\x02\x01\x00", 7, TP_MALFORMED}, /* granted, and no token */
        {"\x30\x05\x30\x03\x02\x01\x03", 7, TP_REFUSED},   /* waiting */
        {"\x30\x05\x30\x03\x02\x01\x09", 7, TP_REFUSED},
        {"\x30\x05\x30\x03\x02\x01\x00\x00", 8, TP_MALFORMED},
        {"\x30\x02\x30\x00", 4, TP_MALFORMED},
        {"<html>", 6, TP_MALFORMED},
        {"", 0, TP_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf token = TP_BUF_INIT;
        struct tp_error error = {0};
        cr_expect_eq(tp_pki_timestamp_response_token(TP_BYTES(rows[i].der, rows[i].len), &error, &token), rows[i].rc,
                     "%zu", i);
        cr_expect(error.words[0] != '\0' && token.len == 0);
    }
}

/* ---- libcrypto's client and server ---- */

static X509 *x509_of(const struct tp_buf *der)
{
    const unsigned char *at = der->data;
    return d2i_X509(NULL, &at, (long)der->len);
}

Test(timestamp, is_what_libcrypto_verifies)
{
    const struct tp_pki_timestamp_info info = info_usual();
    struct tp_pki_signer *signer = signer_with(&tsa);
    struct tp_buf response = TP_BUF_INIT;
    cr_assert_eq(tp_pki_timestamp_grant(&info, signer, TP_PKI_SHA384, true, NULL, &response), TP_OK);
    const unsigned char *at = response.data;
    TS_RESP *parsed = d2i_TS_RESP(NULL, &at, (long)response.len);
    cr_assert_not_null(parsed);
    cr_expect_eq(at - response.data, (long)response.len);
    TS_VERIFY_CTX *context = TS_VERIFY_CTX_new();
    X509_STORE *store = X509_STORE_new();
    X509 *root = x509_of(&ca);
    cr_assert_eq(X509_STORE_add_cert(store, root), 1);
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), FORGE_NOT_BEFORE_MS / 1000 + 86400);
    TS_VERIFY_CTX_set_store(context, store);
    TS_VERIFY_CTX_set_data(context, BIO_new_mem_buf(MESSAGE, (int)strlen(MESSAGE)));
    (void)TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_SIGNATURE | TS_VFY_DATA);
    cr_expect_eq(TS_RESP_verify_response(context, parsed), 1);
    TS_VERIFY_CTX_free(context); /* and the store, and the data */
    TS_RESP_free(parsed);
    X509_free(root);
    tp_pki_signer_free(signer);
    tp_buf_clear(&response);
}

static ASN1_INTEGER *serial_next(TS_RESP_CTX *context, void *data)
{
    (void)context, (void)data;
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    cr_assert_eq(ASN1_INTEGER_set(serial, 77), 1);
    return serial;
}

Test(timestamp, of_libcrypto_is_read_and_verified)
{
    struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA512);
    struct tp_buf der = TP_BUF_INIT, token = TP_BUF_INIT;
    request.nonce_len = 2, request.nonce[0] = 0x12;
    cr_assert_eq(tp_pki_timestamp_request_make(&request, &der), TP_OK);
    TS_RESP_CTX *context = TS_RESP_CTX_new();
    X509 *certificate = x509_of(&tsa);
    ASN1_OBJECT *policy = OBJ_txt2obj(TSA_POLICY, 1);
    cr_assert_eq(TS_RESP_CTX_set_signer_cert(context, certificate), 1);
    cr_assert_eq(TS_RESP_CTX_set_signer_key(context, key), 1);
    cr_assert_eq(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()), 1);
    cr_assert_eq(TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()), 1); /* RFC 5816 */
    cr_assert_eq(TS_RESP_CTX_set_def_policy(context, policy), 1);
    cr_assert_eq(TS_RESP_CTX_add_md(context, EVP_sha512()), 1);
    cr_assert_eq(TS_RESP_CTX_set_accuracy(context, 1, 2, 3), 1);
    TS_RESP_CTX_set_serial_cb(context, serial_next, NULL);
    BIO *query = BIO_new_mem_buf(der.data, (int)der.len);
    TS_RESP *made = TS_RESP_create_response(context, query);
    BIO_free(query);
    cr_assert_not_null(made);
    unsigned char *response = NULL;
    const int len = i2d_TS_RESP(made, &response);
    struct tp_error error = {0};
    cr_assert_eq(tp_pki_timestamp_response_token(TP_BYTES(response, (size_t)len), &error, &token), TP_OK, "%s",
                 tp_error_words(&error));
    struct tp_pki_timestamp *timestamp = timestamp_of(&token);
    struct tp_bytes found;
    const struct tp_pki_timestamp_info *info = tp_pki_timestamp_info(timestamp);
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, &error, &found), TP_OK, "%s",
                 tp_error_words(&error));
    cr_expect_eq(tp_pki_timestamp_is_over(timestamp, TP_BYTES(request.imprint, 64), NULL), TP_OK);
    cr_expect_eq(info->hash, TP_PKI_SHA512);
    cr_expect_str_eq(info->policy, TSA_POLICY);
    cr_expect(tp_bytes_equal(TP_BYTES(info->nonce, info->nonce_len), TP_BYTES(request.nonce, 2)));
    cr_expect(info->serial_len == 1 && info->serial[0] == 77);
    cr_expect_eq(info->accuracy_us, 1002003);
    tp_pki_timestamp_free(timestamp);
    OPENSSL_free(response);
    TS_RESP_free(made), TS_RESP_CTX_free(context), X509_free(certificate), ASN1_OBJECT_free(policy);
    tp_buf_clear(&der), tp_buf_clear(&token);
}
