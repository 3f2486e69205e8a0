/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/private_key.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <string.h>

#define PASSWORD "correct horse"

static EVP_PKEY *key, *issuer_key, *other_key;
static struct tp_buf spki, own, issuer, root, others;
static OSSL_PROVIDER *standard, *legacy; /* to write old files with */

static struct tp_buf certificate(const char *subject, const char *issued_by, EVP_PKEY *of, EVP_PKEY *by)
{
    return forge_certificate(
        &(struct forge_certificate){.subject = subject, .issuer = issued_by, .is_ca = of != key, .key = of, .issuer_key = by});
}

static void make(void)
{
    standard = OSSL_PROVIDER_load(NULL, "default");
    legacy = OSSL_PROVIDER_load(NULL, "legacy");
    cr_assert(standard != NULL && legacy != NULL);
    key = forge_key("P-256");
    issuer_key = forge_key("P-256");
    other_key = forge_key("P-384");
    spki = forge_spki(key);
    own = certificate("alice", "issuer", key, issuer_key);
    issuer = certificate("issuer", "root", issuer_key, other_key);
    root = certificate("root", "root", other_key, other_key);
    others = certificate("else", "else", issuer_key, issuer_key);
}

static void clear(void)
{
    struct tp_buf *const bufs[] = {&spki, &own, &issuer, &root, &others};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        tp_buf_clear(bufs[i]);
    EVP_PKEY_free(key);
    EVP_PKEY_free(issuer_key);
    EVP_PKEY_free(other_key);
    OSSL_PROVIDER_unload(legacy);
    OSSL_PROVIDER_unload(standard);
}

TestSuite(private_file, .init = make, .fini = clear, .timeout = 60);

static X509 *x509(const struct tp_buf *der)
{
    const unsigned char *at = der->data;
    X509 *made = d2i_X509(NULL, &at, (long)der->len);
    cr_assert_not_null(made);
    return made;
}

static struct tp_secret *secret(const char *text)
{
    struct tp_secret *made = NULL;
    cr_assert_eq(tp_secret_new_copy(tp_bytes_of_string(text), &made), TP_OK);
    return made;
}

/* Reads FILE with PASSWORD (NULL: none) and looks whether the key is there, with CERTIFICATES of its chain. */
static void taken(struct tp_bytes file, const char *password, size_t certificates, const char *what)
{
    struct tp_pki_private_file read = {0};
    struct tp_error error = {0};
    struct tp_secret *given = password == NULL ? NULL : secret(password);
    cr_expect_eq(tp_pki_private_file_wants_password(file), password != NULL, "%s", what);
    cr_assert_eq(tp_pki_private_file_read(file, given, &error, &read), TP_OK, "%s: %s", what, tp_error_words(&error));
    cr_expect(tp_bytes_equal(tp_buf_bytes(&read.spki), tp_buf_bytes(&spki)), "%s", what);
    cr_expect_gt(tp_secret_len(read.pkcs8), 0);
    cr_assert_eq(read.certificates_len, certificates, "%s: %zu", what, read.certificates_len);
    if (certificates > 0)
        cr_expect(tp_bytes_equal(tp_buf_bytes(&read.certificates[0]), tp_buf_bytes(&own)), "%s", what);
    if (certificates > 1)
        cr_expect(tp_bytes_equal(tp_buf_bytes(&read.certificates[1]), tp_buf_bytes(&issuer)), "%s", what);
    tp_pki_private_file_clear(&read);
    tp_secret_free(given);
    cr_expect_eq(ERR_peek_error(), 0, "%s: libcrypto's queue is the thread's", what);
}

static void refused(struct tp_bytes file, const char *password, enum tp_rc rc, const char *words)
{
    struct tp_pki_private_file read = {.certificates_len = 0};
    struct tp_error error = {0};
    struct tp_secret *given = password == NULL ? NULL : secret(password);
    enum tp_rc got = tp_pki_private_file_read(file, given, &error, &read);
    cr_expect_eq(got, rc, "%s: %s %s", words, tp_rc_name(got), tp_error_words(&error));
    cr_expect_not_null(strstr(tp_error_words(&error), words), "%s: %s", words, tp_error_words(&error));
    cr_expect_null(read.pkcs8);
    tp_secret_free(given);
}

struct plan {
    const char *password;
    int key_cipher, certificate_cipher, iterations, mac_iterations;
};

static struct tp_buf pkcs12(struct plan plan)
{
    struct tp_buf file = TP_BUF_INIT;
    unsigned char *der = NULL;
    X509 *leaf = x509(&own);
    STACK_OF(X509) *more = sk_X509_new_null();
    sk_X509_push(more, x509(&root));
    sk_X509_push(more, x509(&others));
    sk_X509_push(more, x509(&issuer));
    PKCS12 *made = PKCS12_create(plan.password, "alice", key, leaf, more, plan.key_cipher, plan.certificate_cipher,
                                 plan.iterations, plan.mac_iterations, 0);
    cr_assert_not_null(made, "%s", ERR_error_string(ERR_peek_last_error(), NULL));
    const int len = i2d_PKCS12(made, &der);
    cr_assert_eq(tp_buf_append(&file, TP_BYTES(der, (size_t)len)), TP_OK);
    OPENSSL_free(der);
    PKCS12_free(made);
    X509_free(leaf);
    sk_X509_pop_free(more, X509_free);
    return file;
}

Test(private_file, pkcs12_is_read_whatever_it_is_encrypted_with)
{
    static const struct {
        const char *what;
        struct plan plan;
    } rows[] = {
        {"AES-256", {PASSWORD, NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048}},
        {"RC2 and triple DES", {PASSWORD, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And40BitRC2_CBC, 2048, 1}},
        {"certificates in clear", {PASSWORD, NID_aes_128_cbc, -1, 2048, 2048}},
        {"no password", {NULL, -1, -1, 1, 1}},
        {"nothing at all", {NULL, -1, -1, 1, -1}},
        {"an empty password", {"", NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf file = pkcs12(rows[i].plan);
        const char *password = rows[i].plan.password;
        taken(tp_buf_bytes(&file), password == NULL || password[0] == '\0' ? NULL : password, 3, rows[i].what);
        tp_buf_clear(&file);
    }
}

Test(private_file, pkcs12_with_a_wrong_password_is_refused)
{
    struct tp_buf file = pkcs12((struct plan){PASSWORD, NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048});
    refused(tp_buf_bytes(&file), "correct hors", TP_BAD_ARGUMENT, "password is wrong");
    refused(tp_buf_bytes(&file), NULL, TP_BAD_ARGUMENT, "password is wrong");
    file.data[file.len / 2] ^= 1;
    refused(tp_buf_bytes(&file), PASSWORD, TP_BAD_ARGUMENT, "password is wrong, or the file is damaged");
    tp_buf_clear(&file);
    file = pkcs12((struct plan){PASSWORD, NID_aes_256_cbc, NID_aes_256_cbc, 2048, -1}); /* and no MAC */
    taken(tp_buf_bytes(&file), PASSWORD, 3, "no MAC");
    refused(tp_buf_bytes(&file), "wrong", TP_BAD_ARGUMENT, "password is wrong");
    tp_buf_clear(&file);
}

Test(private_file, whose_mac_takes_days_is_refused_at_once)
{
    struct tp_buf file = pkcs12((struct plan){PASSWORD, NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048});
    const unsigned char *at = file.data;
    const ASN1_INTEGER *count = NULL;
    unsigned char *der = NULL;
    PKCS12 *parsed = d2i_PKCS12(NULL, &at, (long)file.len);
    PKCS12_get0_mac(NULL, NULL, NULL, &count, parsed);
    cr_assert_eq(ASN1_INTEGER_set((ASN1_INTEGER *)(uintptr_t)count, 2000000000), 1);
    const int len = i2d_PKCS12(parsed, &der);
    refused(TP_BYTES(der, (size_t)len), PASSWORD, TP_UNSUPPORTED, "rounds");
    cr_expect_not(tp_pki_private_file_wants_password(TP_BYTES(der, (size_t)len)));
    OPENSSL_free(der);
    PKCS12_free(parsed);
    tp_buf_clear(&file);
}

/* Takes ALGORITHM over. */
static void refused_cost(X509_ALGOR *algorithm)
{
    X509_SIG *encrypted = X509_SIG_new();
    X509_ALGOR *into = NULL;
    ASN1_OCTET_STRING *data = NULL;
    unsigned char *der = NULL;
    cr_assert_not_null(algorithm);
    X509_SIG_getm(encrypted, &into, &data);
    cr_assert(X509_ALGOR_copy(into, algorithm) && ASN1_OCTET_STRING_set(data, (const unsigned char *)PASSWORD, 8));
    const int len = i2d_X509_SIG(encrypted, &der);
    refused(TP_BYTES(der, (size_t)len), PASSWORD, TP_UNSUPPORTED, "rounds");
    OPENSSL_free(der);
    X509_SIG_free(encrypted);
    X509_ALGOR_free(algorithm);
}

Test(private_file, whose_decryption_takes_days_is_refused_at_once)
{
    unsigned char salt[8] = {0};
    refused_cost(PKCS5_pbe2_set(EVP_aes_256_cbc(), 2000001, NULL, 0));
    refused_cost(PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 2000001, NULL, 0));
    refused_cost(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof salt, NULL, 1 << 14, 8, 31));
}

static struct tp_buf bio_take(BIO *bio)
{
    struct tp_buf file = TP_BUF_INIT;
    char *text = NULL;
    const long len = BIO_get_mem_data(bio, &text);
    cr_assert_eq(tp_buf_append(&file, TP_BYTES(text, (size_t)len)), TP_OK);
    BIO_free(bio);
    return file;
}

static void add_certificate(BIO *bio, const struct tp_buf *der)
{
    X509 *made = x509(der);
    cr_assert_eq(PEM_write_bio_X509(bio, made), 1);
    X509_free(made);
}

static const EVP_CIPHER *cipher_of(bool encrypted)
{
    return encrypted ? EVP_aes_128_cbc() : NULL;
}

static char password_text[] = PASSWORD;
#define PASSWORD_OF(encrypted) ((encrypted) ? (unsigned char *)password_text : NULL), \
    (encrypted) ? (int)strlen(PASSWORD) : 0, NULL, NULL

Test(private_file, pem_is_read_encrypted_or_not)
{
    for (int encrypted = 0; encrypted <= 1; encrypted++) {
        const char *password = encrypted ? PASSWORD : NULL;
        BIO *bio = BIO_new(BIO_s_mem());
        add_certificate(bio, &issuer);
        cr_assert(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher_of(encrypted), (char *)(encrypted ? password_text : NULL),
                                                encrypted ? (int)strlen(PASSWORD) : 0, NULL, NULL));
        add_certificate(bio, &own);
        struct tp_buf file = bio_take(bio);
        taken(tp_buf_bytes(&file), password, 2, "PKCS#8");
        if (encrypted) {
            refused(tp_buf_bytes(&file), "wrong", TP_BAD_ARGUMENT, "password is wrong");
            refused(tp_buf_bytes(&file), NULL, TP_BAD_ARGUMENT, "password is wrong");
        }
        tp_buf_clear(&file);
        bio = BIO_new(BIO_s_mem());
        cr_assert(PEM_write_bio_PrivateKey_traditional(bio, key, cipher_of(encrypted), PASSWORD_OF(encrypted)));
        file = bio_take(bio);
        taken(tp_buf_bytes(&file), password, 0, "traditional");
        if (encrypted)
            refused(tp_buf_bytes(&file), "wrong", TP_BAD_ARGUMENT, "password is wrong");
        tp_buf_clear(&file);
    }
}

static struct tp_buf der_of(int (*write)(BIO *, const EVP_PKEY *), const EVP_PKEY *of)
{
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert_eq(write(bio, of), 1);
    return bio_take(bio);
}

static int write_pkcs8(BIO *bio, const EVP_PKEY *of)
{
    return i2d_PKCS8PrivateKeyInfo_bio(bio, of);
}

static int write_traditional(BIO *bio, const EVP_PKEY *of)
{
    return i2d_PrivateKey_bio(bio, of);
}

static int write_encrypted(BIO *bio, const EVP_PKEY *of)
{
    return i2d_PKCS8PrivateKey_bio(bio, of, EVP_aes_256_cbc(), PASSWORD, (int)strlen(PASSWORD), NULL, NULL);
}

Test(private_file, der_is_read)
{
    struct tp_buf file = der_of(write_pkcs8, key);
    taken(tp_buf_bytes(&file), NULL, 0, "PKCS#8");
    file.len--;
    refused(tp_buf_bytes(&file), NULL, TP_NOT_FOUND, "no private key");
    tp_buf_clear(&file);
    file = der_of(write_traditional, key);
    taken(tp_buf_bytes(&file), NULL, 0, "ECPrivateKey");
    cr_assert_eq(tp_buf_append_u8(&file, 0), TP_OK);
    refused(tp_buf_bytes(&file), NULL, TP_NOT_FOUND, "no private key");
    tp_buf_clear(&file);
    file = der_of(write_encrypted, key);
    taken(tp_buf_bytes(&file), PASSWORD, 0, "encrypted PKCS#8");
    refused(tp_buf_bytes(&file), "wrong", TP_BAD_ARGUMENT, "password is wrong");
    tp_buf_clear(&file);
}

Test(private_file, with_no_key_or_two_or_a_foreign_one_is_refused)
{
    BIO *bio = BIO_new(BIO_s_mem());
    add_certificate(bio, &own);
    struct tp_buf file = bio_take(bio);
    refused(tp_buf_bytes(&file), NULL, TP_NOT_FOUND, "no private key");
    tp_buf_clear(&file);
    bio = BIO_new(BIO_s_mem());
    cr_assert(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) &&
              PEM_write_bio_PKCS8PrivateKey(bio, other_key, NULL, NULL, 0, NULL, NULL));
    file = bio_take(bio);
    refused(tp_buf_bytes(&file), NULL, TP_BAD_ARGUMENT, "more than one private key");
    tp_buf_clear(&file);
    refused(tp_bytes_of_string("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"), NULL,
            TP_UNSUPPORTED, "ssh-keygen");
    refused(tp_bytes_of_string("-----BEGIN PRIVATE KEY-----\nAAAA\n"), NULL, TP_MALFORMED, "broken");
    refused(tp_bytes_of_string("no key"), NULL, TP_NOT_FOUND, "no private key");
    refused(TP_BYTES_NONE, NULL, TP_NOT_FOUND, "no private key");
    EVP_PKEY *small = forge_key("rsa-1024");
    file = der_of(write_pkcs8, small);
    refused(tp_buf_bytes(&file), NULL, TP_UNSUPPORTED, "2048");
    tp_buf_clear(&file);
    EVP_PKEY_free(small);
}

Test(private_file, of_others_certificates_says_how_many)
{
    struct tp_pki_private_file read = {0};
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
    add_certificate(bio, &others);
    add_certificate(bio, &root);
    struct tp_buf file = bio_take(bio);
    cr_assert_eq(tp_pki_private_file_read(tp_buf_bytes(&file), NULL, NULL, &read), TP_OK);
    cr_expect_eq(read.certificates_len, 0);
    cr_expect_eq(read.others, 2);
    tp_pki_private_file_clear(&read);
    tp_buf_clear(&file);
}

/* Whatever its end, it is answered, and leaves the thread's libcrypto as it was. */
Test(private_file, that_is_cut_is_refused)
{
    struct tp_buf file = pkcs12((struct plan){PASSWORD, NID_aes_256_cbc, NID_aes_256_cbc, 1, 1});
    struct tp_secret *given = secret(PASSWORD);
    OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(NULL);
    for (size_t len = 0; len < file.len; len += 7) {
        struct tp_pki_private_file read = {0};
        cr_expect_neq(tp_pki_private_file_read(TP_BYTES(file.data, len), given, NULL, &read), TP_OK, "%zu", len);
    }
    cr_expect_eq(OSSL_LIB_CTX_set0_default(NULL), before);
    tp_secret_free(given);
    tp_buf_clear(&file);
}
