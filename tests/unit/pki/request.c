/* SPDX-License-Identifier: Apache-2.0 */
#include "forge.h"
#include "pki/certificate.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

static X509_REQ *decode(const struct tp_buf *der)
{
    const unsigned char *at = der->data;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der->len);
    cr_assert_not_null(request);
    cr_assert_eq(at, der->data + der->len);
    return request;
}

static void subject_is(X509_REQ *request, const char *expected)
{
    char text[512];
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert_geq(X509_NAME_print_ex(bio, X509_REQ_get_subject_name(request), 0, XN_FLAG_RFC2253), 0);
    const int len = BIO_read(bio, text, sizeof text - 1);
    text[len > 0 ? len : 0] = '\0';
    BIO_free(bio);
    cr_assert_str_eq(text, expected);
}

Test(request, verifies_for_every_kind_of_key)
{
    static const struct {
        const char *type;
        int nid;
    } rows[] = {
        {"rsa-2048", NID_sha256WithRSAEncryption}, {"P-256", NID_ecdsa_with_SHA256}, {"P-384", NID_ecdsa_with_SHA384},
        {"P-521", NID_ecdsa_with_SHA512},          {"ED25519", NID_ED25519},         {"ED448", NID_ED448}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EVP_PKEY *key = forge_key(rows[i].type);
        EVP_PKEY_up_ref(key);
        struct tp_pki_signer *own = forge_signer(key, &forge_true);
        struct tp_buf der = TP_BUF_INIT;
        struct tp_error error = {0};
        cr_assert_eq(tp_pki_request_make(own, "/C=JP/CN=a", NULL, 0, NULL, 0, &error, &der), TP_OK, "%s: %s",
                     rows[i].type, tp_error_words(&error));
        X509_REQ *request = decode(&der);
        cr_assert_eq(X509_REQ_verify(request, key), 1);
        cr_assert_eq(X509_REQ_get_signature_nid(request), rows[i].nid);
        cr_assert_eq(X509_REQ_get_version(request), X509_REQ_VERSION_1);
        STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
        cr_assert_leq(sk_X509_EXTENSION_num(extensions), 0, "no names were given");
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
        X509_REQ_free(request);
        tp_buf_clear(&der);
        tp_pki_signer_free(own);
        EVP_PKEY_free(key);
    }
}

/* ---- with one key and its signer for all ---- */

static struct tp_pki_signer *signer;

static void setup(void)
{
    signer = forge_signer(forge_key("P-256"), &forge_true);
}

static void teardown(void)
{
    tp_pki_signer_free(signer);
}

TestSuite(request_of, .init = setup, .fini = teardown);

static enum tp_rc make(const char *subject, const char *dns, const char *email, struct tp_buf *ret_der)
{
    return tp_pki_request_make(signer, subject, &dns, dns != NULL ? 1 : 0, &email, email != NULL ? 1 : 0, NULL,
                               ret_der);
}

Test(request_of, a_subject_in_either_form_is_the_same)
{
    static const struct {
        const char *given, *expected;
    } rows[] = {
        {"/C=JP/O=Example/CN=a", "CN=a,O=Example,C=JP"},
        {"CN=a,O=Example,C=JP", "CN=a,O=Example,C=JP"},
        {"CN = a , O = Example , C=JP", "CN=a,O=Example,C=JP"},
        {"/CN=a\\/b", "CN=a/b"},
        {"/CN=a, b+c", "CN=a\\, b\\+c"},
        {"CN=a\\, b\\2Bc", "CN=a\\, b\\+c"},
        {"CN=a\\ ", "CN=a\\ "},
        {"CN=a+UID=u,C=JP", "UID=u+CN=a,C=JP"}, /* DER sorts what stands together */
        {"CN=\xe5\xb1\xb1", "CN=\\E5\\B1\\B1"},
        {"2.5.4.3=a", "CN=a"},
        {"/CN=a=b", "CN=a=b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf der = TP_BUF_INIT;
        cr_assert_eq(make(rows[i].given, NULL, NULL, &der), TP_OK, "%s", rows[i].given);
        X509_REQ *request = decode(&der);
        subject_is(request, rows[i].expected);
        X509_REQ_free(request);
        tp_buf_clear(&der);
    }
}

Test(request_of, a_subject_that_is_not_one_is_refused)
{
    static const char *const subjects[] = {
        "",           "/",        "CN",          "CN=",   "/CN=",       "=a",     "CN=a,",
        "CN=a,,C=JP", "nosuch=a", "C=JPN",       "C=J",   "CN=\xff",    "CN=a\\", "CN=a\\00b",
        "CN=#0C0161", "CN=\"a\"", "/C=JP//CN=a", "CN=a+", "99.99.99=a",
    };
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        struct tp_buf der = TP_BUF_INIT;
        cr_assert_eq(make(subjects[i], NULL, NULL, &der), TP_BAD_ARGUMENT, "%s", subjects[i]);
        cr_assert_eq(der.len, 0);
    }
    char *large = malloc(4000);
    memset(large, 'a', 3999);
    memcpy(large, "CN=", 3);
    large[3999] = '\0';
    struct tp_buf der = TP_BUF_INIT;
    cr_assert_eq(make(large, NULL, NULL, &der), TP_BAD_ARGUMENT);
    free(large);
}

Test(request_of, names_has_them_in_subject_alt_name)
{
    struct tp_buf der = TP_BUF_INIT;
    cr_assert_eq(make("/CN=a", "*.example.jp", "hanako@example.jp", &der), TP_OK);
    X509_REQ *request = decode(&der);
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    cr_assert_eq(sk_GENERAL_NAME_num(names), 2);
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, 0), &type);
    cr_assert_eq(type, GEN_DNS);
    cr_assert(tp_bytes_equal(TP_BYTES(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
                             tp_bytes_of_string("*.example.jp")));
    value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, 1), &type);
    cr_assert_eq(type, GEN_EMAIL);
    cr_assert(tp_bytes_equal(TP_BYTES(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
                             tp_bytes_of_string("hanako@example.jp")));
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_free(request);
    tp_buf_clear(&der);
}

Test(request_of, names_that_are_none_is_refused)
{
    static const char *const dns[] = {"",       ".",   "a b", "-a.jp", "a-", "a..b", "a.", "\xe5\xb1\xb1.jp",
                                      "a*b.jp", "a/b", "*."};
    static const char *const email[] = {"", "a", "@a.jp", "a@", "a b@a.jp", "a@b@", "a@*.jp", "<a>@b.jp", "\xe5@b.jp"};
    struct tp_buf der = TP_BUF_INIT;
    for (size_t i = 0; i < sizeof dns / sizeof dns[0]; i++)
        cr_assert_eq(make("/CN=a", dns[i], NULL, &der), TP_BAD_ARGUMENT, "%s", dns[i]);
    for (size_t i = 0; i < sizeof email / sizeof email[0]; i++)
        cr_assert_eq(make("/CN=a", NULL, email[i], &der), TP_BAD_ARGUMENT, "%s", email[i]);
    cr_assert_eq(der.len, 0);
}

Test(request_of, too_many_names_is_refused)
{
    const char *names[65];
    struct tp_buf der = TP_BUF_INIT;
    for (size_t i = 0; i < 65; i++)
        names[i] = "example.jp";
    cr_assert_eq(tp_pki_request_make(signer, "/CN=a", names, 65, NULL, 0, NULL, &der), TP_TOO_LARGE);
    cr_assert_eq(tp_pki_request_make(signer, "/CN=a", names, 64, NULL, 0, NULL, &der), TP_OK);
    tp_buf_clear(&der);
}

Test(request_of, a_signer_that_fails_or_signs_something_else_is_refused)
{
    static const struct tp_pki_signer_calls *const calls[] = {&forge_garbage, &forge_nothing, &forge_failing};
    static const enum tp_rc expected[] = {TP_CRYPTO, TP_CRYPTO, TP_HSM_ABSENT};
    for (size_t i = 0; i < 3; i++) {
        struct tp_pki_signer *bad = forge_signer(forge_key("P-256"), calls[i]);
        struct tp_buf der = TP_BUF_INIT;
        struct tp_error error = {0};
        cr_assert_eq(tp_pki_request_make(bad, "/CN=a", NULL, 0, NULL, 0, &error, &der), expected[i]);
        cr_assert_eq(error.rc, expected[i]);
        cr_assert_eq(der.len, 0);
        tp_pki_signer_free(bad);
    }
}

Test(pem, is_what_libcrypto_reads_back)
{
    struct tp_buf pem = TP_BUF_INIT;
    char *label = NULL, *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    cr_assert_eq(tp_pki_pem_write("CERTIFICATE REQUEST", TP_BYTES("\x00\x01\x02", 3), &pem), TP_OK);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    cr_assert_eq(PEM_read_bio(bio, &label, &header, &data, &len), 1);
    cr_assert_str_eq(label, "CERTIFICATE REQUEST");
    cr_assert(tp_bytes_equal(TP_BYTES(data, (size_t)len), TP_BYTES("\x00\x01\x02", 3)));
    OPENSSL_free(label), OPENSSL_free(header), OPENSSL_free(data);
    BIO_free(bio);
    tp_buf_clear(&pem);
}
