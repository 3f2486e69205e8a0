/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/certificate.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <string.h>

/* A CA, and a leaf under it, for the tests that need both. */
static EVP_PKEY *ca_key, *leaf_key;
static struct tp_buf ca, leaf;

static void setup(void)
{
    ca_key = forge_key("P-256");
    leaf_key = forge_key("P-384");
    ca = forge_certificate(&(struct forge_certificate){.subject = "ca",
                                                       .issuer = "ca",
                                                       .key = ca_key,
                                                       .issuer_key = ca_key,
                                                       .is_ca = true,
                                                       .key_usage = "critical,keyCertSign,cRLSign"});
    leaf = forge_certificate(&(struct forge_certificate){.subject = "Hanako \xe5\xb1\xb1\xe7\x94\xb0, Ltd.",
                                                         .issuer = "ca",
                                                         .serial = "00F00DFACE",
                                                         .key = leaf_key,
                                                         .issuer_key = ca_key,
                                                         .key_usage = "critical,digitalSignature,nonRepudiation"});
}

static void teardown(void)
{
    tp_buf_clear(&ca), tp_buf_clear(&leaf);
    EVP_PKEY_free(ca_key), EVP_PKEY_free(leaf_key);
}

TestSuite(certificate, .init = setup, .fini = teardown);

Test(certificate, gives_what_is_in_it)
{
    struct tp_pki_certificate parsed = {0};
    struct tp_buf spki = forge_spki(leaf_key);
    cr_assert_eq(tp_pki_certificate_parse(tp_buf_bytes(&leaf), NULL, &parsed), TP_OK);
    cr_assert_str_eq(parsed.subject, "CN=Hanako \xe5\xb1\xb1\xe7\x94\xb0\\, Ltd.,C=JP");
    cr_assert_str_eq(parsed.issuer, "CN=ca,C=JP");
    cr_assert_str_eq(parsed.serial, "f00dface");
    cr_assert_eq(parsed.not_before_ms, FORGE_NOT_BEFORE_MS);
    cr_assert_eq(parsed.not_after_ms, FORGE_NOT_AFTER_MS);
    cr_assert_eq(parsed.key_usage, (unsigned)(TP_PKI_DIGITAL_SIGNATURE | TP_PKI_NON_REPUDIATION));
    cr_assert_not(parsed.is_ca);
    cr_assert(tp_bytes_equal(tp_buf_bytes(&parsed.spki), tp_buf_bytes(&spki)));
    cr_assert(tp_bytes_equal(tp_buf_bytes(&parsed.serial_der), TP_BYTES("\x02\x05\x00\xf0\x0d\xfa\xce", 7)));
    struct tp_pki_certificate issuer = {0};
    cr_assert_eq(tp_pki_certificate_parse(tp_buf_bytes(&ca), NULL, &issuer), TP_OK);
    cr_assert(tp_bytes_equal(tp_buf_bytes(&parsed.issuer_der), tp_buf_bytes(&issuer.subject_der)));
    cr_assert_not(tp_bytes_equal(tp_buf_bytes(&parsed.issuer_der), tp_buf_bytes(&parsed.subject_der)));
    cr_assert(issuer.is_ca);
    cr_assert_eq(issuer.key_usage, (unsigned)(TP_PKI_KEY_CERT_SIGN | TP_PKI_CRL_SIGN));
    tp_pki_certificate_clear(&parsed), tp_pki_certificate_clear(&issuer);
    tp_buf_clear(&spki);
}

Test(certificate, without_key_usage_is_not_limited_and_with_others_is)
{
    static const struct {
        const char *usage;
        unsigned bits;
    } rows[] = {{NULL, ~0u}, {"keyEncipherment", 1u << 2}, {"keyAgreement,decipherOnly", 1u << 4 | 1u << 8}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf der = forge_certificate(&(struct forge_certificate){
            .subject = "a", .issuer = "ca", .key = leaf_key, .issuer_key = ca_key, .key_usage = rows[i].usage});
        struct tp_pki_certificate parsed = {0};
        cr_assert_eq(tp_pki_certificate_parse(tp_buf_bytes(&der), NULL, &parsed), TP_OK);
        cr_assert_eq(parsed.key_usage, rows[i].bits, "%zu: %x", i, parsed.key_usage);
        tp_pki_certificate_clear(&parsed);
        tp_buf_clear(&der);
    }
}

Test(certificate, with_control_characters_in_its_name_shows_them_escaped)
{
    struct tp_buf der = forge_certificate(
        &(struct forge_certificate){.subject = "a\nb\x1b[2J", .issuer = "ca", .key = leaf_key, .issuer_key = ca_key});
    struct tp_pki_certificate parsed = {0};
    cr_assert_eq(tp_pki_certificate_parse(tp_buf_bytes(&der), NULL, &parsed), TP_OK);
    cr_assert_str_eq(parsed.subject, "CN=a\\0Ab\\1B[2J,C=JP");
    tp_pki_certificate_clear(&parsed);
    tp_buf_clear(&der);
}

Test(certificate, cut_or_extended_is_refused)
{
    struct tp_pki_certificate parsed = {.is_ca = true};
    for (size_t len = 0; len < leaf.len; len++)
        cr_assert_eq(tp_pki_certificate_parse(TP_BYTES(leaf.data, len), NULL, &parsed), TP_MALFORMED, "%zu", len);
    cr_assert_eq(tp_buf_append_u8(&leaf, 0), TP_OK);
    cr_assert_eq(tp_pki_certificate_parse(tp_buf_bytes(&leaf), NULL, &parsed), TP_MALFORMED);
    cr_assert(parsed.is_ca, "outputs stay as they were");
}

Test(certificate, larger_than_the_limit_is_refused)
{
    struct tp_pki_certificate parsed;
    uint8_t *large = calloc(1, (64 << 10) + 1);
    cr_assert_eq(tp_pki_certificate_parse(TP_BYTES(large, (64 << 10) + 1), NULL, &parsed), TP_TOO_LARGE);
    free(large);
}

Test(certificate, is_issued_by_the_one_that_signed_it)
{
    cr_assert_eq(tp_pki_certificate_issued_by(tp_buf_bytes(&leaf), tp_buf_bytes(&ca), NULL), TP_OK);
    cr_assert_eq(tp_pki_certificate_issued_by(tp_buf_bytes(&ca), tp_buf_bytes(&ca), NULL), TP_OK, "self-signed");
}

Test(certificate, is_not_issued_by_another_name_another_key_or_after_a_change)
{
    struct tp_buf same_name = forge_certificate(&(struct forge_certificate){
        .subject = "ca", .issuer = "ca", .key = leaf_key, .issuer_key = leaf_key, .is_ca = true});
    struct tp_buf same_key = forge_certificate(&(struct forge_certificate){
        .subject = "cb", .issuer = "cb", .key = ca_key, .issuer_key = ca_key, .is_ca = true});
    struct tp_error error = {0};
    const struct tp_bytes subject = tp_buf_bytes(&leaf);
    cr_assert_eq(tp_pki_certificate_issued_by(subject, tp_buf_bytes(&same_name), &error), TP_BAD_ARGUMENT);
    cr_assert_not_null(strstr(tp_error_words(&error), "key"));
    cr_assert_eq(tp_pki_certificate_issued_by(subject, tp_buf_bytes(&same_key), &error), TP_BAD_ARGUMENT);
    cr_assert_not_null(strstr(tp_error_words(&error), "names another issuer"));
    char *name = memmem(leaf.data, leaf.len, "Hanako", 6);
    name[0] = 'h';
    cr_assert_eq(tp_pki_certificate_issued_by(subject, tp_buf_bytes(&ca), &error), TP_BAD_ARGUMENT);
    tp_buf_clear(&same_name), tp_buf_clear(&same_key);
}

/* ---- files ---- */

struct seen {
    struct tp_bytes expected[4];
    size_t count, most;
};

static enum tp_rc see(void *context, struct tp_bytes der)
{
    struct seen *seen = context;
    cr_assert(tp_bytes_equal(der, seen->expected[seen->count]), "certificate %zu", seen->count);
    seen->count++;
    return seen->count == seen->most ? TP_BUSY : TP_OK;
}

Test(certificate, files_in_pem_give_all_in_their_order)
{
    struct tp_buf file = TP_BUF_INIT;
    struct seen seen = {.expected = {tp_buf_bytes(&leaf), tp_buf_bytes(&ca)}};
    cr_assert_eq(tp_buf_append_string(&file, "subject=Hanako\nissuer=ca\n"), TP_OK);
    cr_assert_eq(tp_pki_pem_write("CERTIFICATE", tp_buf_bytes(&leaf), &file), TP_OK);
    cr_assert_eq(tp_pki_pem_write("PUBLIC KEY", TP_BYTES("abc", 3), &file), TP_OK);
    cr_assert_eq(tp_pki_pem_write("CERTIFICATE", tp_buf_bytes(&ca), &file), TP_OK);
    cr_assert_eq(tp_pki_certificates_read(tp_buf_bytes(&file), NULL, see, &seen), TP_OK);
    cr_assert_eq(seen.count, 2);
    seen.count = 0, seen.most = 1;
    cr_assert_eq(tp_pki_certificates_read(tp_buf_bytes(&file), NULL, see, &seen), TP_BUSY, "the callback stops it");
    cr_assert_eq(seen.count, 1);
    tp_buf_clear(&file);
}

Test(certificate, files_in_der_give_one)
{
    struct seen seen = {.expected = {tp_buf_bytes(&leaf)}};
    cr_assert_eq(tp_pki_certificates_read(tp_buf_bytes(&leaf), NULL, see, &seen), TP_OK);
    cr_assert_eq(seen.count, 1);
}

static struct tp_buf pkcs7_of(struct tp_bytes a, struct tp_bytes b)
{
    const struct tp_bytes ders[] = {a, b};
    PKCS7 *pkcs7 = PKCS7_new();
    cr_assert_eq(PKCS7_set_type(pkcs7, NID_pkcs7_signed), 1);
    cr_assert_eq(PKCS7_content_new(pkcs7, NID_pkcs7_data), 1);
    for (size_t i = 0; i < 2; i++) {
        const unsigned char *at = ders[i].data;
        X509 *x509 = d2i_X509(NULL, &at, (long)ders[i].len);
        cr_assert_eq(PKCS7_add_certificate(pkcs7, x509), 1);
        X509_free(x509);
    }
    unsigned char *der = NULL;
    const int len = i2d_PKCS7(pkcs7, &der);
    struct tp_buf buf = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append(&buf, TP_BYTES(der, (size_t)len)), TP_OK);
    OPENSSL_free(der);
    PKCS7_free(pkcs7);
    return buf;
}

Test(certificate, files_in_pkcs7_give_all_in_der_and_in_pem)
{
    struct tp_buf file = pkcs7_of(tp_buf_bytes(&leaf), tp_buf_bytes(&ca)), pem = TP_BUF_INIT;
    cr_assert_eq(tp_pki_pem_write("PKCS7", tp_buf_bytes(&file), &pem), TP_OK);
    const struct tp_bytes files[] = {tp_buf_bytes(&file), tp_buf_bytes(&pem)};
    for (size_t i = 0; i < 2; i++) {
        struct seen seen = {.expected = {tp_buf_bytes(&leaf), tp_buf_bytes(&ca)}};
        cr_assert_eq(tp_pki_certificates_read(files[i], NULL, see, &seen), TP_OK);
        cr_assert_eq(seen.count, 2);
    }
    tp_buf_clear(&file), tp_buf_clear(&pem);
}

Test(certificate, files_without_or_with_broken_certificates_are_refused)
{
    struct tp_buf no_certificate = TP_BUF_INIT, broken = TP_BUF_INIT;
    struct seen seen = {.expected = {tp_buf_bytes(&leaf)}};
    cr_assert_eq(tp_pki_pem_write("PUBLIC KEY", TP_BYTES("abc", 3), &no_certificate), TP_OK);
    cr_assert_eq(tp_pki_pem_write("CERTIFICATE", tp_buf_bytes(&leaf), &broken), TP_OK);
    cr_assert_eq(tp_pki_pem_write("CERTIFICATE", TP_BYTES("abc", 3), &broken), TP_OK);
    cr_assert_eq(tp_pki_certificates_read(tp_buf_bytes(&no_certificate), NULL, see, &seen), TP_NOT_FOUND);
    cr_assert_eq(tp_pki_certificates_read(tp_buf_bytes(&broken), NULL, see, &seen), TP_MALFORMED);
    cr_assert_eq(tp_pki_certificates_read(TP_BYTES_NONE, NULL, see, &seen), TP_MALFORMED);
    cr_assert_eq(tp_pki_certificates_read(tp_bytes_of_string("\x30\x80\x06\x01"), NULL, see, &seen), TP_MALFORMED);
    tp_buf_clear(&no_certificate), tp_buf_clear(&broken);
}

/* Whether it is kept cannot be seen from outside but by its time; that it is right can. */
Test(certificate, that_is_kept_is_read_as_before)
{
    struct tp_pki_certificate first = {0}, again = {0}, other = {0};
    tp_pki_x509_cache_start();
    cr_assert_eq(tp_pki_certificate_parse(tp_buf_bytes(&leaf), NULL, &first), TP_OK);
    cr_assert_eq(tp_pki_certificate_parse(tp_buf_bytes(&leaf), NULL, &again), TP_OK);
    cr_assert_eq(tp_pki_certificate_parse(tp_buf_bytes(&ca), NULL, &other), TP_OK);
    cr_expect_str_eq(again.subject, first.subject);
    cr_expect(tp_bytes_equal(tp_buf_bytes(&again.spki), tp_buf_bytes(&first.spki)));
    cr_expect_str_eq(other.subject, "CN=ca,C=JP");
    leaf.data[leaf.len / 2] ^= 1; /* the same end, another certificate or none */
    cr_expect_neq(tp_pki_certificate_issued_by(tp_buf_bytes(&leaf), tp_buf_bytes(&ca), NULL), TP_OK);
    leaf.data[leaf.len / 2] ^= 1;
    cr_expect_eq(tp_pki_certificate_issued_by(tp_buf_bytes(&leaf), tp_buf_bytes(&ca), NULL), TP_OK);
    cr_expect_neq(tp_pki_certificate_parse(TP_BYTES(leaf.data, leaf.len - 1), NULL, &other), TP_OK);
    tp_pki_certificate_clear(&first), tp_pki_certificate_clear(&again), tp_pki_certificate_clear(&other);
}
