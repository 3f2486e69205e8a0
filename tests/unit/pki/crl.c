/* SPDX-License-Identifier: Apache-2.0 */
#include "base/der.h"
#include "forge.h"
#include "pki/certificate.h"
#include "pki/signature.h"

#include <criterion/criterion.h>
#include <string.h>

static EVP_PKEY *ca_key, *other_key;
static struct tp_buf ca, crl;

static const struct forge_revoked revoked[] = {
    {.serial = "02", .reason = -1},
    {.serial = "03", .reason = 1},
    {.serial = "04", .reason = 6},
    {.serial = "05", .reason = 8 /* removeFromCRL */},
    {.serial = "00F00DFACE", .reason = 4},
    {.serial = "06", .reason = 7 /* not used */},
};

static struct tp_buf ca_make(const char *name, EVP_PKEY *key, const char *usage)
{
    return forge_certificate(&(struct forge_certificate){
        .subject = name, .issuer = name, .key = key, .issuer_key = key, .is_ca = true, .key_usage = usage});
}

static struct forge_crl plan(void)
{
    return (struct forge_crl){.issuer = "ca", .issuer_key = ca_key, .revoked = revoked, .revoked_len = 6};
}

static void setup(void)
{
    ca_key = forge_key("P-256");
    other_key = forge_key("P-256");
    ca = ca_make("ca", ca_key, "critical,keyCertSign,cRLSign");
    const struct forge_crl usual = plan();
    crl = forge_crl(&usual);
}

static void teardown(void)
{
    tp_buf_clear(&ca), tp_buf_clear(&crl);
    EVP_PKEY_free(ca_key), EVP_PKEY_free(other_key);
}

TestSuite(crl, .init = setup, .fini = teardown);

Test(crl, gives_its_header_in_der_and_in_pem)
{
    struct tp_buf pem = TP_BUF_INIT;
    struct tp_pki_certificate issuer = {0};
    cr_assert_eq(tp_pki_pem_write("X509 CRL", tp_buf_bytes(&crl), &pem), TP_OK);
    cr_assert_eq(tp_pki_certificate_parse(tp_buf_bytes(&ca), NULL, &issuer), TP_OK);
    const struct tp_bytes files[] = {tp_buf_bytes(&crl), tp_buf_bytes(&pem)};
    for (size_t i = 0; i < 2; i++) {
        struct tp_pki_crl header = {0};
        cr_assert_eq(tp_pki_crl_parse(files[i], NULL, &header), TP_OK);
        cr_assert_str_eq(header.issuer, "CN=ca,C=JP");
        cr_assert(tp_bytes_equal(tp_buf_bytes(&header.issuer_der), tp_buf_bytes(&issuer.subject_der)));
        cr_assert_eq(header.this_update_ms, FORGE_NOT_BEFORE_MS);
        cr_assert_eq(header.next_update_ms, FORGE_NOT_AFTER_MS);
        cr_assert_eq(header.revoked, 6);
        tp_pki_crl_clear(&header);
    }
    tp_pki_certificate_clear(&issuer);
    tp_buf_clear(&pem);
}

Test(crl, without_next_update_and_without_entries_says_so)
{
    struct forge_crl empty = plan();
    empty.no_next_update = true, empty.revoked_len = 0;
    struct tp_buf der = forge_crl(&empty);
    struct tp_pki_crl header = {0};
    cr_assert_eq(tp_pki_crl_parse(tp_buf_bytes(&der), NULL, &header), TP_OK);
    cr_assert_eq(header.next_update_ms, 0);
    cr_assert_eq(header.revoked, 0);
    struct tp_pki_crl_index *index = NULL;
    const char *reason = NULL;
    bool hold = false;
    cr_assert_eq(tp_pki_crl_index_new(tp_buf_bytes(&der), NULL, &index), TP_OK);
    cr_assert_eq(tp_pki_crl_find(index, TP_BYTES("\x02\x01\x02", 3), &reason, &hold), TP_NOT_FOUND);
    tp_pki_crl_index_free(index);
    tp_pki_crl_clear(&header);
    tp_buf_clear(&der);
}

static struct tp_pki_crl header_of(const char *number, const char *point, enum tp_rc expected)
{
    struct forge_crl numbered = plan();
    struct tp_pki_crl header = {0};
    numbered.number = number, numbered.point = point;
    struct tp_buf der = forge_crl(&numbered);
    cr_assert_eq(tp_pki_crl_parse(tp_buf_bytes(&der), NULL, &header), expected, "%s %s", number, point);
    tp_buf_clear(&der);
    return header;
}

Test(crl, numbers_are_in_order_whatever_their_length)
{
    static const char *const numbers[] = {"00", "7F", "80", "FF", "0100",
                                          "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"};
    struct tp_pki_crl before = header_of(NULL, NULL, TP_OK);
    cr_expect_not(before.has_number);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct tp_pki_crl header = header_of(numbers[i], NULL, TP_OK);
        cr_expect(header.has_number);
        cr_expect(i == 0 || memcmp(before.number, header.number, sizeof header.number) < 0, "%s", numbers[i]);
        tp_pki_crl_clear(&before);
        before = header;
    }
    tp_pki_crl_clear(&before);
    (void)header_of("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", NULL, TP_MALFORMED);
    (void)header_of("-05", NULL, TP_MALFORMED);
}

Test(crl, scopes_tell_partitions_apart)
{
    struct tp_pki_crl all = header_of(NULL, NULL, TP_OK), users = header_of(NULL, "onlyuser:TRUE", TP_OK),
                      point = header_of(NULL, "fullname:URI:http://ca/1.crl", TP_OK);
    cr_expect_eq(all.scope.len, 0);
    cr_expect_gt(users.scope.len, 0);
    cr_expect_not(tp_bytes_equal(tp_buf_bytes(&users.scope), tp_buf_bytes(&point.scope)));
    tp_pki_crl_clear(&all), tp_pki_crl_clear(&users), tp_pki_crl_clear(&point);
}

Test(crl, pem_becomes_the_same_der)
{
    struct tp_buf pem = TP_BUF_INIT, from_pem = TP_BUF_INIT, from_der = TP_BUF_INIT;
    cr_assert_eq(tp_pki_pem_write("X509 CRL", tp_buf_bytes(&crl), &pem), TP_OK);
    cr_assert_eq(tp_pki_crl_der(tp_buf_bytes(&pem), NULL, &from_pem), TP_OK);
    cr_assert_eq(tp_pki_crl_der(tp_buf_bytes(&crl), NULL, &from_der), TP_OK);
    cr_expect(tp_bytes_equal(tp_buf_bytes(&from_pem), tp_buf_bytes(&crl)));
    cr_expect(tp_bytes_equal(tp_buf_bytes(&from_der), tp_buf_bytes(&crl)));
    cr_expect_eq(tp_pki_crl_der(tp_buf_bytes(&ca), NULL, &from_der), TP_MALFORMED);
    tp_buf_clear(&pem), tp_buf_clear(&from_pem), tp_buf_clear(&from_der);
}

Test(crl, verifies_with_its_issuer)
{
    cr_assert_eq(tp_pki_crl_verify(tp_buf_bytes(&crl), tp_buf_bytes(&ca), NULL), TP_OK);
    struct tp_buf unlimited = ca_make("ca", ca_key, NULL);
    cr_assert_eq(tp_pki_crl_verify(tp_buf_bytes(&crl), tp_buf_bytes(&unlimited), NULL), TP_OK,
                 "no key usage extension");
    tp_buf_clear(&unlimited);
}

Test(crl, does_not_verify_with_another_key_name_or_usage_or_after_a_change)
{
    struct tp_buf other[] = {ca_make("ca", other_key, "cRLSign"), ca_make("cb", ca_key, "cRLSign"),
                             ca_make("ca", ca_key, "keyCertSign")};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(tp_pki_crl_verify(tp_buf_bytes(&crl), tp_buf_bytes(&other[i]), NULL), TP_BAD_ARGUMENT, "%zu", i);
        tp_buf_clear(&other[i]);
    }
    uint8_t *serial = memmem(crl.data, crl.len, "\xf0\x0d\xfa\xce", 4);
    serial[3] ^= 1;
    cr_assert_eq(tp_pki_crl_verify(tp_buf_bytes(&crl), tp_buf_bytes(&ca), NULL), TP_BAD_ARGUMENT);
}

static enum tp_rc find(const struct tp_pki_crl_index *index, const char *der, size_t len, const char *reason, bool hold)
{
    const char *found = NULL;
    bool found_hold = false;
    const enum tp_rc rc = tp_pki_crl_find(index, TP_BYTES(der, len), &found, &found_hold);
    if (rc == TP_OK) {
        cr_assert_str_eq(found, reason);
        cr_assert_eq(found_hold, hold);
    } else {
        cr_assert_null(found, "outputs stay as they were");
    }
    return rc;
}

Test(crl, signed_with_md5_proves_nothing)
{
    EVP_PKEY *rsa_key = forge_key("rsa-2048");
    struct tp_buf rsa_ca = ca_make("ca", rsa_key, NULL);
    struct forge_crl signed_by_rsa = plan();
    signed_by_rsa.issuer_key = rsa_key;
    struct tp_buf good = forge_crl(&signed_by_rsa);
    signed_by_rsa.md = "MD5";
    struct tp_buf weak = forge_crl(&signed_by_rsa);
    cr_expect_eq(tp_pki_crl_verify(tp_buf_bytes(&good), tp_buf_bytes(&rsa_ca), NULL), TP_OK);
    cr_expect_eq(tp_pki_crl_verify(tp_buf_bytes(&weak), tp_buf_bytes(&rsa_ca), NULL), TP_UNSUPPORTED);
    tp_buf_clear(&rsa_ca), tp_buf_clear(&good), tp_buf_clear(&weak);
    EVP_PKEY_free(rsa_key);
}

Test(crl, signed_with_md5_by_another_name_proves_nothing)
{
    static const unsigned char usual[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04}, other[] = {0x2b, 0x0e, 0x03, 0x02, 0x03};
    const struct tp_bytes oids[] = {TP_BYTES(usual, sizeof usual), TP_BYTES(other, sizeof other)};
    for (size_t i = 0; i < 2; i++) {
        struct tp_pki_signature_algorithm algorithm;
        struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        size_t mark;
        cr_assert_eq(tp_der_open(&der, TP_DER_SEQUENCE, &mark), TP_OK);
        cr_assert_eq(tp_der_put(&der, TP_DER_OID, oids[i]), TP_OK);
        cr_assert_eq(tp_der_close(&der, mark), TP_OK);
        cr_assert_eq(tp_pki_signature_algorithm_read(tp_buf_bytes(&der), NULL, &algorithm), TP_OK);
        cr_expect_eq(algorithm.hash, TP_PKI_MD5);
    }
}

/* What kind of key it is decides nothing: the hash of its signature is told. */
Test(crl, signed_with_dsa_tells_its_hash)
{
    EVP_PKEY *dsa = forge_key("DSA");
    struct forge_crl by_dsa = plan();
    by_dsa.issuer_key = dsa;
    static const struct {
        const char *md;
        enum tp_pki_hash hash;
        enum tp_rc rc;
    } rows[] = {{"SHA1", TP_PKI_SHA1, TP_OK}, {"SHA256", TP_PKI_SHA256, TP_OK}};
    struct tp_buf dsa_ca = ca_make("ca", dsa, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        by_dsa.md = rows[i].md;
        struct tp_buf der = forge_crl(&by_dsa);
        struct tp_pki_crl header = {0};
        cr_assert_eq(tp_pki_crl_parse(tp_buf_bytes(&der), NULL, &header), TP_OK);
        cr_expect_eq(header.hash, rows[i].hash, "%s", rows[i].md);
        cr_expect_eq(tp_pki_crl_verify(tp_buf_bytes(&der), tp_buf_bytes(&dsa_ca), NULL), rows[i].rc);
        tp_pki_crl_clear(&header);
        tp_buf_clear(&der);
    }
    tp_buf_clear(&dsa_ca);
    EVP_PKEY_free(dsa);
}

Test(crl, with_entries_that_are_not_understood_says_who_is_on_it_and_of_nobody_else)
{
    struct forge_revoked entries[2][2] = {{{.serial = "02", .reason = 1}, {.serial = "03", .reason = -1, .critical_oid = "1.3.6.1.4.1.55555.1"}},
                                          {{.serial = "02", .reason = 1}, {.serial = "03", .reason = -1, .of_another = true}}};
    for (size_t i = 0; i < 2; i++) {
        struct forge_crl forged = plan();
        forged.revoked = entries[i], forged.revoked_len = 2;
        struct tp_buf der = forge_crl(&forged);
        struct tp_pki_crl_index *index = NULL;
        struct tp_pki_crl_entry entry;
        const char *reason = NULL;
        bool hold = false;
        cr_assert_eq(tp_pki_crl_index_new(tp_buf_bytes(&der), NULL, &index), TP_OK);
        cr_expect_eq(tp_pki_crl_entry(index, TP_BYTES("\x02\x01\x02", 3), &entry), TP_OK);
        cr_expect_eq(tp_pki_crl_entry(index, TP_BYTES("\x02\x01\x04", 3), &entry), TP_UNSUPPORTED);
        cr_expect_eq(tp_pki_crl_find(index, TP_BYTES("\x02\x01\x04", 3), &reason, &hold), TP_NOT_FOUND, "where keys are stopped alone");
        tp_pki_crl_index_free(index);
        tp_buf_clear(&der);
    }
}

Test(crl, finds_what_is_on_it_and_nothing_else)
{
    struct tp_pki_crl_index *index = NULL;
    cr_assert_eq(tp_pki_crl_index_new(tp_buf_bytes(&crl), NULL, &index), TP_OK);
    cr_assert_eq(find(index, "\x02\x01\x02", 3, "unspecified", false), TP_OK, "no reason given");
    cr_assert_eq(find(index, "\x02\x01\x03", 3, "keyCompromise", false), TP_OK);
    cr_assert_eq(find(index, "\x02\x01\x04", 3, "certificateHold", true), TP_OK);
    cr_assert_eq(find(index, "\x02\x05\x00\xf0\x0d\xfa\xce", 7, "superseded", false), TP_OK);
    cr_assert_eq(find(index, "\x02\x01\x06", 3, "unspecified", false), TP_OK, "a reason that does not exist");
    cr_assert_eq(find(index, "\x02\x01\x05", 3, "", false), TP_NOT_FOUND, "removeFromCRL");
    cr_assert_eq(find(index, "\x02\x01\x01", 3, "", false), TP_NOT_FOUND);
    cr_assert_eq(find(index, "\x02\x04\xf0\x0d\xfa\xce", 6, "", false), TP_NOT_FOUND, "a negative number");
    cr_assert_eq(find(index, "\x02\x01\x02\x00", 4, "", false), TP_MALFORMED);
    cr_assert_eq(find(index, "\x04\x01\x02", 3, "", false), TP_MALFORMED);
    cr_assert_eq(find(index, "", 0, "", false), TP_MALFORMED);
    tp_pki_crl_index_free(index);
}

Test(crl, that_is_a_delta_or_has_an_unknown_critical_extension_is_refused)
{
    struct forge_crl plans[] = {plan(), plan(), plan()};
    plans[1].is_delta = true;
    plans[2].critical_oid = "1.3.6.1.4.1.55555.1";
    const enum tp_rc expected[] = {TP_OK, TP_UNSUPPORTED, TP_UNSUPPORTED};
    for (size_t i = 0; i < 3; i++) {
        struct tp_buf der = forge_crl(&plans[i]);
        struct tp_pki_crl header = {0};
        struct tp_pki_crl_index *index = NULL;
        cr_assert_eq(tp_pki_crl_parse(tp_buf_bytes(&der), NULL, &header), expected[i], "%zu", i);
        cr_assert_eq(tp_pki_crl_index_new(tp_buf_bytes(&der), NULL, &index), expected[i]);
        cr_assert_eq(tp_pki_crl_verify(tp_buf_bytes(&der), tp_buf_bytes(&ca), NULL), expected[i]);
        tp_pki_crl_index_free(index);
        tp_pki_crl_clear(&header);
        tp_buf_clear(&der);
    }
}

Test(crl, files_that_are_cut_doubled_or_something_else_are_refused)
{
    struct tp_pki_crl header = {0};
    struct tp_buf two = TP_BUF_INIT, none = TP_BUF_INIT;
    for (size_t len = 0; len < crl.len; len++)
        cr_assert_eq(tp_pki_crl_parse(TP_BYTES(crl.data, len), NULL, &header), TP_MALFORMED, "%zu", len);
    cr_assert_eq(tp_pki_pem_write("X509 CRL", tp_buf_bytes(&crl), &two), TP_OK);
    cr_assert_eq(tp_pki_pem_write("X509 CRL", tp_buf_bytes(&crl), &two), TP_OK);
    cr_assert_eq(tp_pki_crl_parse(tp_buf_bytes(&two), NULL, &header), TP_MALFORMED);
    cr_assert_eq(tp_pki_pem_write("CERTIFICATE", tp_buf_bytes(&ca), &none), TP_OK);
    cr_assert_eq(tp_pki_crl_parse(tp_buf_bytes(&none), NULL, &header), TP_NOT_FOUND);
    cr_assert_eq(tp_buf_append_u8(&crl, 0), TP_OK);
    cr_assert_eq(tp_pki_crl_parse(tp_buf_bytes(&crl), NULL, &header), TP_MALFORMED);
    uint8_t *large = calloc(1, (10 << 20) + 1);
    cr_assert_eq(tp_pki_crl_parse(TP_BYTES(large, (10 << 20) + 1), NULL, &header), TP_TOO_LARGE);
    free(large);
    tp_buf_clear(&two), tp_buf_clear(&none);
}

Test(crl, an_entry_says_when)
{
    struct tp_pki_crl_index *index = NULL;
    struct tp_pki_crl_entry entry = {0};
    cr_assert_eq(tp_pki_crl_index_new(tp_buf_bytes(&crl), NULL, &index), TP_OK);
    cr_assert_eq(tp_pki_crl_entry(index, TP_BYTES("\x02\x01\x03", 3), &entry), TP_OK);
    cr_expect_str_eq(entry.reason, "keyCompromise");
    cr_expect_not(entry.hold);
    cr_expect_gt(entry.revoked_ms, 0);
    cr_expect_eq(tp_pki_crl_entry(index, TP_BYTES("\x02\x01\x05", 3), &entry), TP_NOT_FOUND);
    tp_pki_crl_index_free(index);
}

Test(crl, a_scope_covers_some_certificates)
{
    static const struct {
        const char *point;
        enum tp_rc user, issuer;
        bool all_reasons;
    } rows[] = {{NULL, TP_OK, TP_OK, true},
                {"onlyuser:TRUE", TP_OK, TP_NOT_FOUND, true},
                {"onlyCA:TRUE", TP_NOT_FOUND, TP_OK, true},
                {"onlyAA:TRUE", TP_NOT_FOUND, TP_NOT_FOUND, true},
                {"indirectCRL:TRUE", TP_UNSUPPORTED, TP_UNSUPPORTED, true},
                {"onlysomereasons:keyCompromise", TP_OK, TP_OK, false},
                {"fullname:URI:http://ca/1.crl", TP_NOT_FOUND, TP_NOT_FOUND, true}};
    struct tp_buf user = forge_certificate(
        &(struct forge_certificate){.subject = "user", .issuer = "ca", .key = other_key, .issuer_key = ca_key});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_pki_crl header = header_of(NULL, rows[i].point, TP_OK);
        bool all_reasons = true;
        const struct tp_bytes scope = tp_buf_bytes(&header.scope);
        cr_expect_eq(tp_pki_crl_covers(scope, tp_buf_bytes(&user), NULL, &all_reasons), rows[i].user, "%zu", i);
        cr_expect_eq(tp_pki_crl_covers(scope, tp_buf_bytes(&ca), NULL, &all_reasons), rows[i].issuer, "%zu", i);
        cr_expect_eq(all_reasons, rows[i].all_reasons, "%zu", i);
        tp_pki_crl_clear(&header);
    }
    bool all_reasons = true;
    cr_expect_eq(tp_pki_crl_covers(TP_BYTES("\x30\x01\x02", 3), tp_buf_bytes(&user), NULL, &all_reasons), TP_MALFORMED);
    tp_buf_clear(&user);
}
