/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/cms.h"
#include "base/der.h"
#include "cms_forge.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT "what is signed"

static EVP_PKEY *ca_key, *key;
static struct tp_buf ca, leaf;

static struct tp_buf leaf_make(EVP_PKEY *leaf_key, const char *serial)
{
    return forge_certificate(&(struct forge_certificate){.subject = "Hanako",
                                                         .issuer = "ca",
                                                         .serial = serial,
                                                         .key = leaf_key,
                                                         .issuer_key = ca_key,
                                                         .key_usage = "critical,digitalSignature,nonRepudiation",
                                                         .extensions = {{"subjectKeyIdentifier", "hash"}}});
}

static void setup(void)
{
    ca_key = forge_key("P-256");
    key = forge_key("rsa-2048");
    ca = forge_certificate(&(struct forge_certificate){
        .subject = "ca", .issuer = "ca", .key = ca_key, .issuer_key = ca_key, .is_ca = true});
    leaf = leaf_make(key, "1234");
}

static void teardown(void)
{
    tp_buf_clear(&ca), tp_buf_clear(&leaf);
    EVP_PKEY_free(ca_key), EVP_PKEY_free(key);
}

TestSuite(cms, .init = setup, .fini = teardown);

static struct cms_forge plan(void)
{
    return (struct cms_forge){.key = key,
                              .certificate = tp_buf_bytes(&leaf),
                              .other = tp_buf_bytes(&ca),
                              .content = tp_bytes_of_string(CONTENT),
                              .flags = CMS_DETACHED | CMS_CADES};
}

static struct tp_pki_cms *parse(const struct tp_buf *der)
{
    struct tp_pki_cms *cms = NULL;
    struct tp_error error = {0};
    cr_assert_eq(tp_pki_cms_parse(tp_buf_bytes(der), &error, &cms), TP_OK, "%s", tp_error_words(&error));
    return cms;
}

static enum tp_rc verify_content(const struct tp_pki_cms *cms, const char *content)
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    struct tp_pki_cms_signer signer;
    struct tp_error error = {0};
    tp_pki_cms_signer(cms, 0, &signer);
    if (signer.hash != TP_PKI_HASH_NONE) {
        const EVP_MD *md = EVP_get_digestbyname(tp_pki_hash_libcrypto(signer.hash));
        cr_assert_eq(EVP_Digest(content, strlen(content), digest, NULL, md, NULL), 1);
    }
    const enum tp_rc rc = tp_pki_cms_verify(cms, 0, TP_BYTES(digest, tp_pki_hash_len(signer.hash)), &error);
    cr_assert(rc == TP_OK || error.words[0] != '\0', "no words");
    return rc;
}

static enum tp_rc verify_der(const struct tp_buf *der)
{
    struct tp_pki_cms *cms = NULL;
    struct tp_error error = {0};
    enum tp_rc rc = tp_pki_cms_parse(tp_buf_bytes(der), &error, &cms);
    rc = rc == TP_OK ? verify_content(cms, CONTENT) : rc;
    tp_pki_cms_free(cms);
    return rc;
}

/* ---- what is in it ---- */

Test(cms, of_libcrypto_is_read_and_verified)
{
    struct cms_forge usual = plan();
    struct tp_buf der = cms_forge(&usual);
    struct tp_pki_cms *cms = parse(&der);
    struct tp_pki_cms_signer signer;
    cr_expect_eq(tp_pki_cms_len(cms), der.len);
    cr_expect_str_eq(tp_pki_cms_content_type(cms), "1.2.840.113549.1.7.1");
    cr_expect_eq(tp_pki_cms_content(cms).len, 0);
    cr_expect_eq(tp_pki_cms_certificates_len(cms), 2);
    cr_expect_eq(tp_pki_cms_signers_len(cms), 1);
    tp_pki_cms_signer(cms, 0, &signer);
    cr_expect_eq(signer.hash, TP_PKI_SHA256);
    cr_expect_str_eq(signer.algorithm, "RSA-2048, PKCS#1 v1.5, SHA-256");
    cr_expect(tp_bytes_equal(signer.certificate, tp_buf_bytes(&leaf)));
    cr_expect_eq(signer.signature.len, 256);
    cr_expect_eq(signer.message_digest.len, 32);
    cr_expect_gt(signer.signing_time_ms, FORGE_NOT_BEFORE_MS);
    cr_expect(signer.has_attributes && signer.has_ess && signer.ess_fits && !signer.weak);
    cr_expect_eq(signer.timestamps_len, 0);
    cr_expect_eq(verify_content(cms, CONTENT), TP_OK);
    cr_expect_eq(verify_content(cms, "something else"), TP_DATA);
    cr_expect_eq(tp_pki_cms_verify(cms, 1, TP_BYTES_NONE, NULL), TP_NOT_FOUND);
    cr_expect_eq(tp_pki_cms_verify(cms, 0, TP_BYTES("1234", 4), NULL), TP_DATA_LENGTH);
    tp_pki_cms_free(cms);
    tp_buf_clear(&der);
}

Test(cms, with_its_content_inside_in_der_and_in_pieces)
{
    struct cms_forge with_content = plan();
    with_content.flags = CMS_CADES | CMS_BINARY;
    for (int in_pieces = 0; in_pieces <= 1; in_pieces++) {
        with_content.in_pieces = in_pieces == 1;
        struct tp_buf der = cms_forge(&with_content);
        cr_assert_eq(der.data[1] == 0x80, in_pieces == 1, "an indefinite length");
        struct tp_pki_cms *cms = parse(&der);
        cr_expect_eq(tp_pki_cms_len(cms), der.len);
        cr_expect(tp_bytes_equal(tp_pki_cms_content(cms), tp_bytes_of_string(CONTENT)));
        cr_expect_eq(verify_content(cms, CONTENT), TP_OK);
        tp_pki_cms_free(cms);
        tp_buf_clear(&der);
    }
}

Test(cms, gives_what_its_signature_is_over)
{
    for (int bare = 0; bare <= 1; bare++) {
        struct cms_forge forge = plan();
        struct tp_buf attributes = TP_BUF_INIT;
        if (bare)
            forge.flags = CMS_BINARY | CMS_DETACHED | CMS_NOATTR;
        struct tp_buf der = cms_forge(&forge);
        struct tp_pki_cms *cms = parse(&der);
        struct tp_pki_cms_signer signer;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        tp_pki_cms_signer(cms, 0, &signer);
        cr_assert_eq(tp_pki_cms_signed_attributes(cms, 0, &attributes), TP_OK);
        cr_expect_eq(attributes.len == 0, bare == 1);
        cr_assert_eq(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, forge.key), 1);
        const struct tp_bytes over = bare ? tp_bytes_of_string(CONTENT) : tp_buf_bytes(&attributes);
        cr_expect_eq(EVP_DigestVerify(context, signer.signature.data, signer.signature.len, over.data, over.len), 1);
        EVP_MD_CTX_free(context);
        tp_pki_cms_free(cms);
        tp_buf_clear(&attributes), tp_buf_clear(&der);
    }
}

/* Every constructed element with an indefinite length, and every primitive one with more octets for its length than
 * need be. */
static void to_ber(struct tp_bytes der, struct tp_buf *ber)
{
    struct tp_bytes whole, content;
    while (tp_der_take(&der, TP_DER_ANY, &whole, &content)) {
        const bool constructed = (whole.data[0] & 0x20) != 0;
        const uint8_t head[] = {whole.data[0], 0x84, 0, 0, (uint8_t)(content.len >> 8), (uint8_t)content.len};
        cr_assert_eq(tp_buf_append(ber, constructed ? TP_BYTES(((const uint8_t[]){whole.data[0], 0x80}), 2)
                                                    : TP_BYTES(head, sizeof head)),
                     TP_OK);
        if (constructed)
            to_ber(content, ber);
        else if (content.len > 0)
            cr_assert_eq(tp_buf_append(ber, content), TP_OK);
        if (constructed)
            cr_assert_eq(tp_buf_append(ber, TP_BYTES("\0", 2)), TP_OK);
    }
    cr_assert_eq(der.len, 0);
}

Test(cms, in_ber_throughout_is_the_same)
{
    struct cms_forge usual = plan();
    struct tp_buf der = cms_forge(&usual), ber = TP_BUF_INIT;
    to_ber(tp_buf_bytes(&der), &ber);
    const size_t len = ber.len;
    cr_assert_eq(tp_buf_append(&ber, TP_BYTES("\0\0\0", 4)), TP_OK); /* padding */
    struct tp_pki_cms *cms = parse(&ber);
    struct tp_pki_cms_signer signer;
    tp_pki_cms_signer(cms, 0, &signer);
    cr_expect_eq(tp_pki_cms_len(cms), len);
    cr_expect(tp_bytes_equal(signer.certificate, tp_buf_bytes(&leaf)));
    cr_expect(signer.ess_fits);
    cr_expect_eq(verify_content(cms, CONTENT), TP_OK);
    cr_expect_eq(verify_content(cms, CONTENT "!"), TP_DATA);
    tp_pki_cms_free(cms);
    tp_buf_clear(&der), tp_buf_clear(&ber);
}

Test(cms, may_have_zeros_behind_it_and_nothing_else)
{
    struct cms_forge usual = plan();
    for (int in_pieces = 0; in_pieces <= 1; in_pieces++) {
        usual.in_pieces = in_pieces == 1;
        struct tp_buf der = cms_forge(&usual);
        const size_t len = der.len;
        struct tp_pki_cms *cms = NULL;
        for (size_t i = 0; i < 1000; i++)
            cr_assert_eq(tp_buf_append_u8(&der, 0), TP_OK);
        cms = parse(&der);
        cr_expect_eq(tp_pki_cms_len(cms), len);
        tp_pki_cms_free(cms), cms = NULL;
        der.data[der.len - 1] = 1;
        cr_expect_eq(tp_pki_cms_parse(tp_buf_bytes(&der), NULL, &cms), TP_MALFORMED);
        tp_buf_clear(&der);
    }
}

Test(cms, by_every_kind_of_key_and_hash)
{
    static const struct {
        const char *key, *md, *text;
        bool pss, weak;
    } rows[] = {
        {"rsa-2048", "SHA384", "RSA-2048, PKCS#1 v1.5, SHA-384", false, false},
        {"rsa-2048", "SHA3-256", "RSA-2048, PKCS#1 v1.5, SHA3-256", false, false},
        {"rsa-2048", "SHA1", "RSA-2048, PKCS#1 v1.5, SHA-1", false, true},
        {"rsa-1024", "SHA256", "RSA-1024, PKCS#1 v1.5, SHA-256", false, true},
        {"rsa-2048", "SHA256", "RSA-2048, PSS, SHA-256", true, false},
        {"rsa-2048", "SHA512", "RSA-2048, PSS, SHA-512", true, false},
        {"P-256", "SHA256", "ECDSA P-256, SHA-256", false, false},
        {"P-384", "SHA384", "ECDSA P-384, SHA-384", false, false},
        {"P-521", "SHA512", "ECDSA P-521, SHA-512", false, false},
        {"brainpoolP256r1", "SHA256", "ECDSA brainpoolP256r1, SHA-256", false, false},
        {"P-192", "SHA256", "ECDSA prime192v1, SHA-256", false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EVP_PKEY *other = forge_key(rows[i].key);
        struct tp_buf certificate = leaf_make(other, "77");
        struct cms_forge forge = plan();
        forge.key = other, forge.certificate = tp_buf_bytes(&certificate);
        forge.md = rows[i].md, forge.pss = rows[i].pss;
        struct tp_buf der = cms_forge(&forge);
        struct tp_pki_cms *cms = parse(&der);
        struct tp_pki_cms_signer signer;
        tp_pki_cms_signer(cms, 0, &signer);
        cr_expect_str_eq(signer.algorithm, rows[i].text);
        cr_expect_eq(signer.weak, rows[i].weak, "%s", rows[i].text);
        cr_expect_eq(verify_content(cms, CONTENT), TP_OK, "%s", rows[i].text);
        cr_expect_eq(verify_content(cms, CONTENT "!"), TP_DATA);
        tp_pki_cms_free(cms);
        der.data[der.len - 1] ^= 1; /* of the signature, which is last */
        cr_expect_eq(verify_der(&der), TP_CRYPTO, "%s", rows[i].text);
        tp_buf_clear(&der), tp_buf_clear(&certificate);
        EVP_PKEY_free(other);
    }
}

Test(cms, of_pss_with_any_salt_and_mask)
{
    static const struct {
        const char *md, *mask_md;
        int salt_len;
    } rows[] = {{"SHA256", "SHA256", 32},
                {"SHA256", "SHA512", 32},
                {"SHA512", "SHA256", 1},
                {"SHA256", "SHA1", 20},
                {"SHA384", "SHA384", 190}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cms_forge forge = plan();
        forge.pss = true, forge.md = rows[i].md, forge.mask_md = rows[i].mask_md, forge.salt_len = rows[i].salt_len;
        struct tp_buf der = cms_forge(&forge);
        cr_expect_eq(verify_der(&der), TP_OK, "%zu", i);
        der.data[der.len - 1] ^= 1;
        cr_expect_eq(verify_der(&der), TP_CRYPTO, "%zu", i);
        tp_buf_clear(&der);
    }
}

Test(cms, of_a_signer_by_key_identifier)
{
    struct cms_forge forge = plan();
    forge.flags |= CMS_USE_KEYID;
    struct tp_buf der = cms_forge(&forge);
    struct tp_pki_cms *cms = parse(&der);
    struct tp_pki_cms_signer signer;
    tp_pki_cms_signer(cms, 0, &signer);
    cr_expect(tp_bytes_equal(signer.certificate, tp_buf_bytes(&leaf)));
    cr_expect_eq(verify_content(cms, CONTENT), TP_OK);
    tp_pki_cms_free(cms);
    tp_buf_clear(&der);
}

Test(cms, of_our_own_making_is_read_and_verified)
{
    struct tp_pki_signer *signer = NULL;
    struct tp_buf spki = forge_spki(key), der = TP_BUF_INIT;
    const struct tp_bytes chain[] = {tp_buf_bytes(&leaf)};
    cr_assert_eq(EVP_PKEY_up_ref(key), 1);
    cr_assert_eq(tp_pki_signer_new(tp_buf_bytes(&spki), chain, 1, &forge_true, key, NULL, &signer), TP_OK);
    for (int pss = 0; pss <= 1; pss++) {
        const struct tp_pki_cms_order order = {
            .signer = signer, .hash = TP_PKI_SHA512, .pss = pss == 1, .content = tp_bytes_of_string(CONTENT)};
        cr_assert_eq(tp_pki_cms_make(&order, NULL, &der), TP_OK);
        struct tp_pki_cms *cms = parse(&der);
        struct tp_pki_cms_signer facts;
        tp_pki_cms_signer(cms, 0, &facts);
        cr_expect(facts.ess_fits && facts.signing_time_ms == 0 && !facts.weak);
        cr_expect_eq(verify_content(cms, CONTENT), TP_OK);
        cr_expect_eq(verify_content(cms, CONTENT "!"), TP_DATA);
        tp_pki_cms_free(cms);
        tp_buf_clear(&der);
    }
    tp_pki_signer_free(signer);
    tp_buf_clear(&spki);
}

/* ---- by hand ---- */

Test(cms, by_hand_with_ed25519)
{
    EVP_PKEY *edwards = forge_key("ED25519");
    struct tp_buf certificate = leaf_make(edwards, "99");
    struct cms_hand hand = {.key = edwards,
                            .certificate = tp_buf_bytes(&certificate),
                            .md = "SHA512",
                            .content = tp_bytes_of_string(CONTENT)};
    struct tp_buf der = cms_hand(&hand);
    struct tp_pki_cms *cms = parse(&der);
    struct tp_pki_cms_signer signer;
    tp_pki_cms_signer(cms, 0, &signer);
    cr_expect_str_eq(signer.algorithm, "Ed25519");
    cr_expect_not(signer.weak);
    cr_expect_eq(verify_content(cms, CONTENT), TP_OK);
    tp_pki_cms_free(cms);
    der.data[der.len - 1] ^= 1;
    cr_expect_eq(verify_der(&der), TP_CRYPTO);
    tp_buf_clear(&der), tp_buf_clear(&certificate);
    EVP_PKEY_free(edwards);
}

static struct cms_hand hand_plan(void)
{
    return (struct cms_hand){
        .key = key, .certificate = tp_buf_bytes(&leaf), .md = "SHA256", .content = tp_bytes_of_string(CONTENT)};
}

static enum tp_rc verify_hand(const struct cms_hand *hand)
{
    struct tp_buf der = cms_hand(hand);
    const enum tp_rc rc = verify_der(&der);
    tp_buf_clear(&der);
    return rc;
}

Test(cms, whose_attributes_are_not_as_they_must_be_is_refused)
{
    static const struct {
        enum cms_fault fault;
        enum tp_rc rc;
    } rows[] = {
        {CMS_GOOD, TP_OK},
        {CMS_OUT_OF_ORDER, TP_OK},    /* signed as it is sent */
        {CMS_SIGNED_IN_ORDER, TP_OK}, /* sent as it came, signed as DER */
        {CMS_DIGEST_TWICE, TP_MALFORMED},
        {CMS_DIGEST_TWO_VALUES, TP_MALFORMED},
        {CMS_NO_DIGEST, TP_MALFORMED},
        {CMS_NO_TYPE, TP_MALFORMED},
        {CMS_OTHER_TYPE, TP_MALFORMED},
        {CMS_OTHER_DIGEST, TP_DATA},
        {CMS_CHANGED, TP_CRYPTO},
        {CMS_NO_ATTRIBUTES, TP_OK},
        {CMS_NO_ATTRIBUTES_OTHER_TYPE, TP_MALFORMED},
        {CMS_UNKNOWN_HASH, TP_UNSUPPORTED},
        {CMS_UNKNOWN_ALGORITHM, TP_UNSUPPORTED},
        {CMS_NO_CERTIFICATE, TP_NOT_FOUND},
        {CMS_PROTECTED, TP_OK},
        {CMS_PROTECTED_OTHER_HASH, TP_CRYPTO},
        {CMS_PROTECTED_OTHER_SIGNATURE, TP_CRYPTO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cms_hand hand = hand_plan();
        hand.fault = rows[i].fault;
        cr_expect_eq(verify_hand(&hand), rows[i].rc, "%zu: %s", i, tp_rc_name(verify_hand(&hand)));
    }
}

Test(cms, with_another_certificate_of_that_name_and_number_does_not_verify)
{
    EVP_PKEY *other_key = forge_key("rsa-2048");
    struct tp_buf other = leaf_make(other_key, "1234");
    struct cms_hand hand = hand_plan();
    hand.included = tp_buf_bytes(&other);
    struct tp_buf der = cms_hand(&hand);
    struct tp_pki_cms *cms = parse(&der);
    struct tp_pki_cms_signer signer;
    tp_pki_cms_signer(cms, 0, &signer);
    cr_expect(tp_bytes_equal(signer.certificate, tp_buf_bytes(&other)));
    cr_expect(signer.has_ess && !signer.ess_fits);
    cr_expect_eq(verify_content(cms, CONTENT), TP_CRYPTO);
    tp_pki_cms_free(cms);
    tp_buf_clear(&der), tp_buf_clear(&other);
    EVP_PKEY_free(other_key);
}

Test(cms, with_two_certificates_that_may_be_meant_takes_the_one_that_is_signed)
{
    EVP_PKEY *other_key = forge_key("rsa-2048");
    struct tp_buf other = leaf_make(other_key, "1234");
    struct cms_hand hand = hand_plan();
    hand.included = tp_buf_bytes(&other), hand.included_too = tp_buf_bytes(&leaf);
    cr_expect_eq(verify_hand(&hand), TP_OK);
    tp_buf_clear(&other);
    EVP_PKEY_free(other_key);
}

static void expect_ess(enum cms_ess ess, bool has, bool fits)
{
    struct cms_hand hand = hand_plan();
    hand.ess = ess;
    struct tp_buf der = cms_hand(&hand);
    struct tp_pki_cms *cms = parse(&der);
    struct tp_pki_cms_signer signer;
    tp_pki_cms_signer(cms, 0, &signer);
    cr_expect_eq(signer.has_ess, has, "%d", (int)ess);
    cr_expect_eq(signer.ess_fits, fits, "%d", (int)ess);
    cr_expect_eq(verify_content(cms, CONTENT), TP_OK);
    tp_pki_cms_free(cms);
    tp_buf_clear(&der);
}

Test(cms, says_whether_its_attributes_name_the_certificate)
{
    expect_ess(CMS_ESS_V2, true, true);
    expect_ess(CMS_ESS_V2_SHA512, true, true);
    expect_ess(CMS_ESS_V2_MD5, true, false);
    expect_ess(CMS_ESS_V2_SERIAL, true, true);
    expect_ess(CMS_ESS_V1, true, true);
    expect_ess(CMS_ESS_BOTH, true, true);
    expect_ess(CMS_ESS_NONE, false, false);
    expect_ess(CMS_ESS_V2_OTHER_HASH, true, false);
    expect_ess(CMS_ESS_V2_OTHER_SERIAL, true, false);
    expect_ess(CMS_ESS_BOTH_ONE_WRONG, true, false);
}

Test(cms, with_evidence_gives_it)
{
    struct tp_buf crl = forge_crl(&(struct forge_crl){.issuer = "ca", .issuer_key = ca_key});
    static const uint8_t basic[] = {0x30, 0x03, 0x02, 0x01, 0x07};
    static const uint8_t response[] = {0x30, 0x16, 0x0a, 0x01, 0x00, 0xa0, 0x11, 0x30, 0x0f, 0x06, 0x09, 0x2b,
                                       0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01, 0x04, 0x02, 0x05, 0x00};
    for (enum cms_evidence where = CMS_IN_CRLS; where <= CMS_IN_VALUES; where++) {
        struct cms_hand hand = hand_plan();
        hand.evidence = where, hand.crl = tp_buf_bytes(&crl);
        hand.ocsp = where == CMS_IN_VALUES ? TP_BYTES(basic, sizeof basic) : TP_BYTES(response, sizeof response);
        struct tp_buf der = cms_hand(&hand);
        struct tp_pki_cms *cms = parse(&der);
        cr_assert_eq(tp_pki_cms_crls_len(cms), 1, "%d", (int)where);
        cr_expect(tp_bytes_equal(tp_pki_cms_crl(cms, 0), tp_buf_bytes(&crl)));
        cr_assert_eq(tp_pki_cms_ocsps_len(cms), 1, "%d", (int)where);
        const struct tp_bytes ocsp = tp_pki_cms_ocsp(cms, 0);
        cr_expect_gt(ocsp.len, sizeof basic);
        if (where == CMS_IN_VALUES)
            cr_expect_not_null(memmem(ocsp.data, ocsp.len, basic, sizeof basic));
        else
            cr_expect(tp_bytes_equal(ocsp, TP_BYTES(response, sizeof response)));
        cr_expect_eq(tp_pki_cms_crl(cms, 1).len, 0);
        cr_expect_eq(verify_content(cms, CONTENT), TP_OK);
        tp_pki_cms_free(cms);
        tp_buf_clear(&der);
    }
    tp_buf_clear(&crl);
}

Test(cms, with_timestamps_gives_eight_of_them)
{
    struct cms_hand hand = hand_plan();
    for (hand.timestamps = 0; hand.timestamps <= 10; hand.timestamps++) {
        struct tp_buf der = cms_hand(&hand);
        struct tp_pki_cms *cms = parse(&der);
        struct tp_pki_cms_signer signer;
        tp_pki_cms_signer(cms, 0, &signer);
        cr_expect_eq(signer.timestamps_len, hand.timestamps < 8 ? hand.timestamps : 8);
        if (signer.timestamps_len > 0)
            cr_expect(tp_bytes_equal(signer.timestamps[0], TP_BYTES("\x30\x03\x02\x01\x00", 5)));
        tp_pki_cms_free(cms);
        tp_buf_clear(&der);
    }
}

/* In the order of their encodings: longer ones come behind the signer's, shorter ones before it. */
static struct tp_buf with_certificates(const struct tp_buf *der, bool longer)
{
    static const char *const names[] = {"x", "a name that is as long as a name can be, so as to be in the end"};
    const unsigned char *at = der->data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->len);
    cr_assert_not_null(cms);
    for (unsigned i = 0; i < TP_PKI_CMS_CERTIFICATES; i++) {
        char serial[5];
        (void)snprintf(serial, sizeof serial, "%04X", 0x1000 + i);
        struct tp_buf made = forge_certificate(&(struct forge_certificate){
            .subject = names[longer], .issuer = names[longer], .serial = serial, .key = longer ? key : ca_key, .issuer_key = longer ? key : ca_key});
        const unsigned char *bytes = made.data;
        X509 *x509 = d2i_X509(NULL, &bytes, (long)made.len);
        cr_assert_eq(CMS_add0_cert(cms, x509), 1);
        tp_buf_clear(&made);
    }
    struct tp_buf whole = TP_BUF_INIT;
    unsigned char *bytes = NULL;
    const int len = i2d_CMS_ContentInfo(cms, &bytes);
    cr_assert_gt(len, 0);
    cr_assert_eq(tp_buf_append(&whole, TP_BYTES(bytes, (size_t)len)), TP_OK);
    OPENSSL_free(bytes);
    CMS_ContentInfo_free(cms);
    return whole;
}

Test(cms, with_more_certificates_than_are_kept_is_not_malformed)
{
    const struct cms_forge usual = plan();
    struct tp_buf der = cms_forge(&usual);
    for (int longer = 0; longer < 2; longer++) {
        struct tp_buf many = with_certificates(&der, longer != 0);
        struct tp_pki_cms *cms = parse(&many);
        cr_expect_eq(tp_pki_cms_certificates_len(cms), TP_PKI_CMS_CERTIFICATES);
        cr_expect_eq(verify_content(cms, CONTENT), longer != 0 ? TP_OK : TP_NOT_FOUND);
        tp_pki_cms_free(cms);
        tp_buf_clear(&many);
    }
    tp_buf_clear(&der);
}

Test(cms, with_several_signers_verifies_each)
{
    EVP_PKEY *second = forge_key("P-256");
    struct tp_buf certificate = leaf_make(second, "5678");
    struct cms_forge forge = plan();
    forge.second_key = second, forge.second = tp_buf_bytes(&certificate);
    struct tp_buf der = cms_forge(&forge);
    struct tp_pki_cms *cms = parse(&der);
    uint8_t digest[32];
    cr_assert_eq(EVP_Digest(CONTENT, strlen(CONTENT), digest, NULL, EVP_sha256(), NULL), 1);
    cr_assert_eq(tp_pki_cms_signers_len(cms), 2);
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(tp_pki_cms_verify(cms, i, TP_BYTES(digest, 32), NULL), TP_OK, "%zu", i);
    digest[0] ^= 1;
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(tp_pki_cms_verify(cms, i, TP_BYTES(digest, 32), NULL), TP_DATA, "%zu", i);
    tp_pki_cms_free(cms);
    tp_buf_clear(&der), tp_buf_clear(&certificate);
    EVP_PKEY_free(second);
}

/* ---- bad input ---- */

Test(cms, that_is_cut_is_refused)
{
    struct cms_forge usual = plan();
    for (int in_pieces = 0; in_pieces <= 1; in_pieces++) {
        usual.in_pieces = in_pieces == 1;
        struct tp_buf der = cms_forge(&usual);
        for (size_t len = 0; len < der.len; len++) {
            struct tp_pki_cms *cms = NULL;
            cr_assert_eq(tp_pki_cms_parse(TP_BYTES(der.data, len), NULL, &cms), TP_MALFORMED, "%zu", len);
            cr_assert_null(cms);
        }
        tp_buf_clear(&der);
    }
}

Test(cms, with_a_bit_changed_anywhere_is_not_taken_for_the_same)
{
    struct cms_hand hand = hand_plan();
    struct tp_buf der = cms_hand(&hand);
    struct tp_pki_cms_signer before, after;
    struct tp_pki_cms *cms = parse(&der);
    tp_pki_cms_signer(cms, 0, &before);
    for (size_t i = 0; i < 8 * der.len; i += 3) {
        struct tp_pki_cms *changed = NULL;
        der.data[i / 8] ^= (uint8_t)(1 << i % 8);
        if (tp_pki_cms_parse(tp_buf_bytes(&der), NULL, &changed) == TP_OK && tp_pki_cms_signers_len(changed) == 1 &&
            verify_content(changed, CONTENT) == TP_OK) {
            tp_pki_cms_signer(changed, 0,
                              &after); /* what is not signed may differ: versions, hashes in use, parameters */
            cr_expect(tp_bytes_equal(before.message_digest, after.message_digest), "bit %zu", i);
        }
        tp_pki_cms_free(changed);
        der.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    tp_pki_cms_free(cms);
    tp_buf_clear(&der);
}

Test(cms, that_is_nested_or_large_or_something_else_is_refused)
{
    struct tp_pki_cms *cms = NULL;
    uint8_t *large = calloc(1, TP_PKI_CMS_MAX + 1);
    cr_expect_eq(tp_pki_cms_parse(TP_BYTES(large, TP_PKI_CMS_MAX + 1), NULL, &cms), TP_TOO_LARGE);
    for (size_t i = 0; i < 100000; i += 2)
        large[i] = 0x30, large[i + 1] = 0x80;
    cr_expect_eq(tp_pki_cms_parse(TP_BYTES(large, 100000), NULL, &cms), TP_MALFORMED, "depth");
    cr_expect_eq(tp_pki_cms_parse(tp_buf_bytes(&leaf), NULL, &cms), TP_MALFORMED, "a certificate");
    cr_expect_eq(tp_pki_cms_parse(TP_BYTES_NONE, NULL, &cms), TP_MALFORMED);
    /* ContentInfo of id-data */
    cr_expect_eq(tp_pki_cms_parse(TP_BYTES("\x30\x0f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x02\x04\x00", 17),
                                  NULL, &cms),
                 TP_MALFORMED);
    free(large);
}
