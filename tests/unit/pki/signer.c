/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/signer.h"
#include "base/crypto.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const types[] = {"rsa-2048", "P-256", "P-384", "P-521", "ED25519", "ED448"};
#define TYPES (sizeof types / sizeof types[0])

static const EVP_MD *md_of(const struct tp_pki_signer *signer)
{
    const char *name = tp_pki_hash_libcrypto(tp_pki_signer_hash(signer));
    return name != NULL ? tp_crypto_digest(name) : NULL;
}

static EVP_PKEY *public_of(const struct tp_pki_signer *signer)
{
    EVP_PKEY *key = NULL;
    cr_assert_eq(tp_pki_key_load(tp_pki_signer_spki(signer), NULL, &key), TP_OK);
    return key;
}

/* ---- through libcrypto ---- */

Test(signer, is_the_key_of_a_request)
{
    for (size_t i = 0; i < TYPES; i++) {
        struct tp_pki_signer *signer = forge_signer(forge_key(types[i]), &forge_true);
        EVP_PKEY *public = public_of(signer);
        X509_REQ *request = X509_REQ_new_ex(tp_crypto_libctx(), NULL);
        cr_assert_eq(X509_REQ_set_pubkey(request, tp_pki_signer_key(signer)), 1, "%s", types[i]);
        cr_assert_gt(X509_REQ_sign(request, tp_pki_signer_key(signer), md_of(signer)), 0, "%s", types[i]);
        cr_assert_eq(X509_REQ_verify(request, public), 1, "%s", types[i]);
        cr_assert_eq(X509_REQ_verify(request, tp_pki_signer_key(signer)), 1, "%s: our key verifies, too", types[i]);
        tp_pki_signer_free(signer);
        cr_assert_eq(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1, "%s: what the request holds lives on",
                     types[i]);
        X509_REQ_free(request);
        EVP_PKEY_free(public);
    }
}

Test(signer, is_the_key_of_a_certificate_and_equals_its_public_half)
{
    for (size_t i = 0; i < TYPES; i++) {
        struct tp_pki_signer *signer = forge_signer(forge_key(types[i]), &forge_true);
        EVP_PKEY *public = public_of(signer), *key = tp_pki_signer_key(signer), *other = forge_key(types[i]);
        X509 *x509 = X509_new_ex(tp_crypto_libctx(), NULL);
        cr_assert_eq(X509_set_pubkey(x509, key), 1);
        cr_assert_gt(X509_sign(x509, key, md_of(signer)), 0, "%s", types[i]);
        cr_assert_eq(X509_verify(x509, public), 1, "%s", types[i]);
        cr_assert_eq(EVP_PKEY_eq(key, public), 1, "%s", types[i]);
        cr_assert_eq(EVP_PKEY_eq(public, key), 1, "%s", types[i]);
        cr_assert_neq(EVP_PKEY_eq(key, other), 1, "%s", types[i]);
        cr_assert_eq(X509_check_private_key(x509, key), 1, "%s", types[i]);
        cr_assert_eq(EVP_PKEY_get_base_id(key), EVP_PKEY_get_base_id(public));
        cr_assert_eq(EVP_PKEY_get_bits(key), EVP_PKEY_get_bits(public));
        X509_free(x509);
        EVP_PKEY_free(public);
        EVP_PKEY_free(other);
        tp_pki_signer_free(signer);
    }
}

static int digest_sign(EVP_PKEY *key, const char *md, bool pss, bool parts, uint8_t *signature, size_t *len)
{
    EVP_PKEY_CTX *params = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = EVP_DigestSignInit_ex(context, &params, md, tp_crypto_libctx(), NULL, key, NULL);
    if (done == 1 && pss)
        done = EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING);
    if (done == 1 && parts)
        done = EVP_DigestSignUpdate(context, "ab", 2) == 1 && EVP_DigestSignUpdate(context, "c", 1) == 1 &&
               EVP_DigestSignFinal(context, signature, len) == 1;
    else if (done == 1)
        done = EVP_DigestSign(context, signature, len, (const uint8_t *)"abc", 3);
    EVP_MD_CTX_free(context);
    return done;
}

static int digest_verify(EVP_PKEY *key, const char *md, bool pss, const uint8_t *signature, size_t len)
{
    EVP_PKEY_CTX *params = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = EVP_DigestVerifyInit_ex(context, &params, md, tp_crypto_libctx(), NULL, key, NULL);
    if (done == 1 && pss)
        done = EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(params, RSA_PSS_SALTLEN_DIGEST) > 0;
    done = done == 1 && EVP_DigestVerify(context, signature, len, (const uint8_t *)"abc", 3) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

Test(signer, signs_messages_with_every_scheme_whole_and_in_parts)
{
    static const struct {
        const char *type, *md;
        bool pss;
    } rows[] = {{"rsa-2048", "SHA256", false}, {"rsa-2048", "SHA3-256", false}, {"rsa-2048", "SHA512", true},
                {"rsa-2048", NULL, false},     {"P-256", "SHA256", false},      {"P-384", "SHA384", false},
                {"P-521", "SHA512", false},    {"P-256", "SHA512", false},      {"ED25519", NULL, false},
                {"ED448", NULL, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int parts = 0; parts < 2; parts++) {
            struct tp_pki_signer *signer = forge_signer(forge_key(rows[i].type), &forge_true);
            EVP_PKEY *public = public_of(signer);
            uint8_t signature[512];
            size_t len = sizeof signature;
            const int done =
                digest_sign(tp_pki_signer_key(signer), rows[i].md, rows[i].pss, parts == 1, signature, &len);
            if (parts == 1 && tp_pki_signer_info(signer)->is_ed) {
                cr_assert_neq(done, 1, "EdDSA reads the message twice: it has no parts");
            } else {
                cr_assert_eq(done, 1, "%s %s", rows[i].type, rows[i].md);
                cr_assert_eq(digest_verify(public, rows[i].md, rows[i].pss, signature, len), 1, "%s %s", rows[i].type,
                             rows[i].md);
                signature[len / 2] ^= 1;
                cr_assert_neq(digest_verify(tp_pki_signer_key(signer), rows[i].md, rows[i].pss, signature, len), 1);
            }
            EVP_PKEY_free(public);
            tp_pki_signer_free(signer);
        }
}

static int raw_sign(const struct tp_pki_signer *signer, const char *md, struct tp_bytes input, uint8_t *signature,
                    size_t *len)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), tp_pki_signer_key(signer), NULL);
    const int done = EVP_PKEY_sign_init(context) == 1 &&
                     (md == NULL || EVP_PKEY_CTX_set_signature_md(context, tp_crypto_digest(md)) > 0) &&
                     EVP_PKEY_sign(context, signature, len, input.data, input.len) == 1;
    EVP_PKEY_CTX_free(context);
    return done;
}

Test(signer, signs_a_hash_and_nothing_of_another_length)
{
    static const uint8_t bytes[TP_PKI_DIGEST_INFO_MAX + 1] = {1};
    uint8_t signature[512], info[TP_PKI_DIGEST_INFO_MAX];
    size_t len, info_len;
    struct tp_pki_signer *rsa = forge_signer(forge_key("rsa-2048"), &forge_true);
    struct tp_pki_signer *ec = forge_signer(forge_key("P-256"), &forge_true);
    cr_assert_eq(tp_pki_digest_info_make(TP_PKI_SHA256, TP_BYTES(bytes, 32), info, &info_len), TP_OK);
    len = sizeof signature;
    cr_assert_eq(raw_sign(rsa, "SHA256", TP_BYTES(bytes, 32), signature, &len), 1);
    len = sizeof signature;
    cr_assert_eq(raw_sign(rsa, NULL, TP_BYTES(info, info_len), signature, &len), 1, "PKCS#1: a DigestInfo");
    len = sizeof signature;
    cr_assert_eq(raw_sign(ec, NULL, TP_BYTES(bytes, 32), signature, &len), 1);
    for (size_t i = 0; i <= sizeof bytes; i += i == 31 ? 2 : 1) {
        len = sizeof signature;
        cr_assert_neq(raw_sign(rsa, "SHA256", TP_BYTES(bytes, i), signature, &len), 1, "%zu", i);
        cr_assert_neq(raw_sign(rsa, NULL, TP_BYTES(bytes, i), signature, &len), 1, "%zu is no DigestInfo", i);
        cr_assert_neq(raw_sign(ec, "SHA256", TP_BYTES(bytes, i), signature, &len), 1, "%zu", i);
        struct tp_error error = {0};
        cr_assert_eq(tp_pki_signer_failed(&error, TP_INTERNAL), TP_DATA_LENGTH);
    }
    tp_pki_signer_free(rsa);
    tp_pki_signer_free(ec);
}

Test(signer, makes_no_other_salt_mask_or_padding)
{
    static const struct {
        int padding, salt;
        const char *mask;
        int expected;
    } rows[] = {{RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, "SHA256", 1},
                {RSA_PKCS1_PSS_PADDING, 32, NULL, 1},
                {RSA_PKCS1_PSS_PADDING, 20, NULL, 0},
                {RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_MAX, NULL, 0},
                {RSA_PKCS1_PSS_PADDING, 32, "SHA1", 0},
                {RSA_X931_PADDING, 0, NULL, 0}};
    struct tp_pki_signer *signer = forge_signer(forge_key("rsa-2048"), &forge_true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EVP_PKEY_CTX *params = NULL;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        uint8_t signature[512];
        size_t len = sizeof signature;
        cr_assert_eq(EVP_DigestSignInit_ex(context, &params, "SHA256", tp_crypto_libctx(), NULL,
                                           tp_pki_signer_key(signer), NULL),
                     1);
        bool set = EVP_PKEY_CTX_set_rsa_padding(params, rows[i].padding) > 0;
        set = set && (rows[i].salt == 0 || EVP_PKEY_CTX_set_rsa_pss_saltlen(params, rows[i].salt) > 0);
        set = set && (rows[i].mask == NULL || EVP_PKEY_CTX_set_rsa_mgf1_md_name(params, rows[i].mask, NULL) > 0);
        cr_assert_eq(set && EVP_DigestSign(context, signature, &len, (const uint8_t *)"abc", 3) == 1, rows[i].expected,
                     "row %zu", i);
        EVP_MD_CTX_free(context);
    }
    tp_pki_signer_free(signer);
}

/* ---- what the callback does wrong ---- */

Test(signer, a_callback_that_fails_is_heard_through_libcrypto)
{
    struct tp_pki_signer *signer = forge_signer(forge_key("P-256"), &forge_failing);
    struct tp_error error = {0};
    uint8_t signature[512];
    size_t len = sizeof signature;
    cr_assert_neq(digest_sign(tp_pki_signer_key(signer), "SHA256", false, false, signature, &len), 1);
    cr_assert_eq(tp_pki_signer_failed(&error, TP_INTERNAL), TP_HSM_ABSENT);
    cr_assert_str_eq(tp_error_words(&error), "the card was pulled");
    tp_error_clear(&error);
    cr_assert_eq(tp_pki_signer_failed(&error, TP_INTERNAL), TP_INTERNAL, "said once");
    cr_assert_eq(error.rc, TP_OK);
    len = sizeof signature;
    cr_assert_neq(digest_sign(tp_pki_signer_key(signer), "SHA256", false, false, signature, &len), 1);
    EVP_MD_CTX *next = EVP_MD_CTX_new();
    cr_assert_eq(
        EVP_DigestSignInit_ex(next, NULL, "SHA256", tp_crypto_libctx(), NULL, tp_pki_signer_key(signer), NULL), 1);
    cr_assert_eq(tp_pki_signer_failed(&error, TP_CRYPTO), TP_CRYPTO, "another operation has begun since");
    EVP_MD_CTX_free(next);
    struct tp_buf made = TP_BUF_INIT;
    cr_assert_eq(tp_pki_signer_sign(signer, TP_PKI_ECDSA, TP_PKI_SHA256, TP_BYTES("abc", 3), &error, &made),
                 TP_HSM_ABSENT);
    cr_assert_str_eq(tp_error_words(&error), "the card was pulled");
    cr_assert_eq(made.len, 0);
    tp_pki_signer_free(signer);
}

Test(signer, garbage_for_a_signature_is_refused)
{
    static const struct tp_pki_signer_calls *const calls[] = {&forge_garbage, &forge_short, &forge_nothing};
    for (size_t i = 0; i < TYPES; i++)
        for (size_t j = 0; j < 3; j++) {
            struct tp_pki_signer *signer = forge_signer(forge_key(types[i]), calls[j]);
            const struct tp_pki_key_info *info = tp_pki_signer_info(signer);
            struct tp_error error = {0};
            struct tp_buf made = TP_BUF_INIT;
            const enum tp_pki_scheme scheme = info->is_rsa ? TP_PKI_RSA_PSS : info->is_ec ? TP_PKI_ECDSA : TP_PKI_EDDSA;
            cr_assert_eq(
                tp_pki_signer_sign(signer, scheme, tp_pki_signer_hash(signer), TP_BYTES("abc", 3), &error, &made),
                TP_CRYPTO, "%s %zu", types[i], j);
            cr_assert_eq(error.rc, TP_CRYPTO);
            cr_assert_eq(made.len, 0);
            tp_pki_signer_free(signer);
        }
}

Test(signer, what_does_not_go_with_the_key_is_refused)
{
    static const struct {
        const char *type;
        enum tp_pki_scheme scheme;
        enum tp_pki_hash hash;
        enum tp_rc expected;
    } rows[] = {{"rsa-2048", TP_PKI_ECDSA, TP_PKI_SHA256, TP_MECHANISM},
                {"rsa-2048", TP_PKI_EDDSA, TP_PKI_HASH_NONE, TP_MECHANISM},
                {"rsa-2048", TP_PKI_RSA_PKCS1, TP_PKI_HASH_NONE, TP_DATA_LENGTH},
                {"P-256", TP_PKI_RSA_PSS, TP_PKI_SHA256, TP_MECHANISM},
                {"P-256", TP_PKI_ECDSA, TP_PKI_HASH_NONE, TP_DATA_LENGTH},
                {"ED25519", TP_PKI_EDDSA, TP_PKI_SHA512, TP_MECHANISM},
                {"ED25519", (enum tp_pki_scheme)99, TP_PKI_HASH_NONE, TP_MECHANISM},
                {"P-256", TP_PKI_ECDSA, (enum tp_pki_hash)99, TP_CRYPTO}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_pki_signer *signer = forge_signer(forge_key(rows[i].type), &forge_true);
        struct tp_error error = {0};
        struct tp_buf made = TP_BUF_INIT;
        cr_assert_eq(tp_pki_signer_sign(signer, rows[i].scheme, rows[i].hash, TP_BYTES("abc", 3), &error, &made),
                     rows[i].expected, "row %zu", i);
        cr_assert_eq(error.rc, rows[i].expected);
        tp_pki_signer_free(signer);
    }
}

/* ---- certificates ---- */

Test(signer, has_its_chain_and_refuses_another_ones)
{
    EVP_PKEY *key = forge_key("P-256"), *ca = forge_key("P-256"), *other = forge_key("P-256");
    struct tp_buf own = forge_certificate(&(struct forge_certificate){"a", "ca", .key = key, .issuer_key = ca});
    struct tp_buf issuer =
        forge_certificate(&(struct forge_certificate){"ca", "ca", .is_ca = true, .key = ca, .issuer_key = ca});
    struct tp_buf foreign = forge_certificate(&(struct forge_certificate){"b", "ca", .key = other, .issuer_key = ca});
    struct tp_buf spki = forge_spki(key);
    const struct tp_bytes right[] = {tp_buf_bytes(&own), tp_buf_bytes(&issuer)};
    const struct tp_bytes wrong[][2] = {{tp_buf_bytes(&foreign), tp_buf_bytes(&issuer)},
                                        {tp_buf_bytes(&own), tp_buf_bytes(&foreign)},
                                        {TP_BYTES("\x30\x00", 2), tp_buf_bytes(&issuer)}};
    static const enum tp_rc expected[] = {TP_BAD_ARGUMENT, TP_BAD_ARGUMENT, TP_MALFORMED};
    struct tp_pki_signer *signer = NULL;
    EVP_PKEY_up_ref(key);
    cr_assert_eq(tp_pki_signer_new(tp_buf_bytes(&spki), right, 2, &forge_true, key, NULL, &signer), TP_OK);
    cr_assert_eq(tp_pki_signer_certificates_len(signer), 2);
    cr_assert(tp_bytes_equal(tp_pki_signer_certificate(signer, 1), right[1]));
    cr_assert_eq(tp_pki_signer_certificate(signer, 2).len, 0);
    tp_pki_signer_free(signer);
    for (size_t i = 0; i < 3; i++) {
        struct tp_error error = {0};
        struct tp_pki_signer *none = NULL;
        EVP_PKEY_up_ref(key); /* taken also when it fails: LeakSanitizer tells */
        cr_assert_eq(tp_pki_signer_new(tp_buf_bytes(&spki), wrong[i], 2, &forge_true, key, &error, &none), expected[i],
                     "%zu", i);
        cr_assert_eq(error.rc, expected[i]);
        cr_assert_null(none);
    }
    tp_buf_clear(&own), tp_buf_clear(&issuer), tp_buf_clear(&foreign), tp_buf_clear(&spki);
    EVP_PKEY_free(key), EVP_PKEY_free(ca), EVP_PKEY_free(other);
}

/* ---- files ---- */

static struct tp_buf pem_of(EVP_PKEY *key)
{
    char *text = NULL;
    struct tp_buf pem = TP_BUF_INIT;
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert_eq(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    const long len = BIO_get_mem_data(bio, &text);
    cr_assert_eq(tp_buf_append(&pem, TP_BYTES(text, (size_t)len)), TP_OK);
    BIO_free(bio);
    return pem;
}

Test(signer, of_a_file_signs_with_every_scheme)
{
    static const struct {
        const char *type;
        enum tp_pki_scheme scheme;
    } rows[] = {{"rsa-2048", TP_PKI_RSA_PKCS1}, {"rsa-2048", TP_PKI_RSA_PSS}, {"P-256", TP_PKI_ECDSA},
                {"P-384", TP_PKI_ECDSA},        {"P-521", TP_PKI_ECDSA},      {"ED25519", TP_PKI_EDDSA}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EVP_PKEY *key = forge_key(rows[i].type);
        struct tp_buf pem = pem_of(key), made = TP_BUF_INIT;
        struct tp_pki_signer *signer = NULL;
        struct tp_error error = {0};
        cr_assert_eq(tp_pki_signer_of_file(tp_buf_bytes(&pem), NULL, NULL, 0, &error, &signer), TP_OK, "%s",
                     tp_error_words(&error));
        cr_assert_eq(
            tp_pki_signer_sign(signer, rows[i].scheme, tp_pki_signer_hash(signer), TP_BYTES("abc", 3), NULL, &made),
            TP_OK);
        cr_assert_eq(digest_verify(key, tp_pki_hash_libcrypto(tp_pki_signer_hash(signer)),
                                   rows[i].scheme == TP_PKI_RSA_PSS, made.data, made.len),
                     1, "%s", rows[i].type);
        tp_pki_signer_free(signer);
        tp_buf_clear(&pem), tp_buf_clear(&made);
        EVP_PKEY_free(key);
    }
}

Test(signer, of_a_file_without_key_or_with_another_ones_certificate_is_refused)
{
    EVP_PKEY *key = forge_key("P-256"), *other = forge_key("P-256");
    struct tp_buf pem = pem_of(key);
    struct tp_buf foreign = forge_certificate(&(struct forge_certificate){"b", "b", .key = other, .issuer_key = other});
    const struct tp_bytes chain[] = {tp_buf_bytes(&foreign)};
    struct tp_pki_signer *signer = NULL;
    cr_assert_eq(tp_pki_signer_of_file(tp_buf_bytes(&pem), NULL, chain, 1, NULL, &signer), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_pki_signer_of_file(TP_BYTES_NONE, NULL, NULL, 0, NULL, &signer), TP_NOT_FOUND);
    cr_assert_null(signer);
    tp_buf_clear(&pem), tp_buf_clear(&foreign);
    EVP_PKEY_free(key), EVP_PKEY_free(other);
}

/* ---- the context ---- */

static void works(void)
{
    struct tp_pki_signer *signer = forge_signer(forge_key("P-256"), &forge_true);
    EVP_PKEY *public = public_of(signer);
    uint8_t signature[512];
    size_t len = sizeof signature;
    cr_assert_eq(digest_sign(tp_pki_signer_key(signer), "SHA256", false, false, signature, &len), 1);
    cr_assert_eq(digest_verify(public, "SHA256", false, signature, len), 1);
    EVP_PKEY_free(public);
    tp_pki_signer_free(signer);
}

Test(signer, works_in_a_context_that_is_made_anew)
{
    for (int i = 0; i < 3; i++) {
        works();
        tp_crypto_release();
    }
}

Test(signer, works_in_a_child_that_abandons_its_parents_context)
{
    works();
    const pid_t child = fork();
    if (child == 0) {
        tp_crypto_abandon();
        works();
        _exit(0);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* libcrypto 3.0 remembers an implementation by its name alone: ours must not get among those that all others fetch. */
Test(signer, leaves_the_default_providers_keys_to_everybody_else)
{
    for (size_t i = 0; i < TYPES; i++) {
        struct tp_pki_signer *signer = forge_signer(forge_key(types[i]), &forge_true);
        const char *name = EVP_PKEY_get0_type_name(tp_pki_signer_key(signer)),
                   *md = tp_pki_hash_libcrypto(tp_pki_signer_hash(signer));
        uint8_t signature[512];
        size_t len = sizeof signature;
        cr_assert_eq(digest_sign(tp_pki_signer_key(signer), md, false, false, signature, &len), 1);
        EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(tp_crypto_libctx(), name, NULL);
        cr_assert_str_eq(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(keys)), "default", "%s", name);
        EVP_KEYMGMT_free(keys);
        EVP_PKEY *made = EVP_PKEY_Q_keygen(tp_crypto_libctx(), NULL, "EC", "P-256");
        cr_assert_not_null(made);
        EVP_PKEY_free(made);
        tp_pki_signer_free(signer);
    }
}

Test(signer, leaves_the_error_queue_alone)
{
    struct tp_pki_signer *signer = forge_signer(forge_key("rsa-2048"), &forge_garbage);
    struct tp_buf made = TP_BUF_INIT;
    ERR_clear_error();
    cr_assert_eq(tp_pki_signer_sign(signer, TP_PKI_RSA_PKCS1, TP_PKI_SHA256, TP_BYTES("abc", 3), NULL, &made),
                 TP_CRYPTO);
    cr_assert_eq(ERR_peek_error(), 0);
    tp_pki_signer_free(signer);
}
