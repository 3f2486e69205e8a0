/* SPDX-License-Identifier: Apache-2.0
 *
 * Encrypted PSKC values (RFC 6030 §6): a pre-shared key (§6.1) or one derived from a passphrase (§6.2), AES in CBC mode
 * as XML Encryption has it, and a MAC over IV and ciphertext.
 */
#include "authn/internal.h"
#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#define AES_BLOCK       16
#define ITERATIONS_MOST 10000000u

TP_DEFINE_AUTO(EVP_CIPHER, EVP_CIPHER_free)
TP_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
TP_DEFINE_AUTO(EVP_KDF, EVP_KDF_free)
TP_DEFINE_AUTO(EVP_KDF_CTX, EVP_KDF_CTX_free)

static const struct {
    const char *uri, *name;
    size_t key_len;
} ciphers[] = {
    {"http://www.w3.org/2001/04/xmlenc#aes128-cbc", "AES-128-CBC", 16},
    {"http://www.w3.org/2001/04/xmlenc#aes192-cbc", "AES-192-CBC", 24},
    {"http://www.w3.org/2001/04/xmlenc#aes256-cbc", "AES-256-CBC", 32},
};

static const struct {
    const char *uri, *digest;
} macs[] = {
    {"http://www.w3.org/2000/09/xmldsig#hmac-sha1", "SHA1"},
    {"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "SHA256"},
    {"http://www.w3.org/2001/04/xmldsig-more#hmac-sha384", "SHA384"},
    {"http://www.w3.org/2001/04/xmldsig-more#hmac-sha512", "SHA512"},
};

void tp_pskc_keys_clear(struct tp_pskc_keys *keys)
{
    tp_secret_free(keys->cipher_key);
    tp_secret_free(keys->mac_key);
    keys->cipher_key = keys->mac_key = NULL;
}

/* The digest of an HMAC, by URI; ABSENT when the file names none. NULL when it is not known. */
static const char *mac_digest(const char *uri, const char *absent)
{
    if (uri[0] == '\0')
        return absent;
    for (size_t i = 0; i < sizeof macs / sizeof macs[0]; i++)
        if (strcmp(macs[i].uri, uri) == 0)
            return macs[i].digest;
    return NULL;
}

/* ---- AES ---- */

static enum tp_rc aes_cbc(const char *name, struct tp_bytes key, struct tp_bytes iv_and_cipher, uint8_t *ret_clear)
{
    EVP_CIPHER *cipher TP_AUTO(EVP_CIPHER_free_p) = EVP_CIPHER_fetch(tp_crypto_libctx(), name, NULL);
    EVP_CIPHER_CTX *aes TP_AUTO(EVP_CIPHER_CTX_free_p) = EVP_CIPHER_CTX_new();
    const uint8_t *body = iv_and_cipher.data + AES_BLOCK;
    const int body_len = (int)(iv_and_cipher.len - AES_BLOCK);
    int clear_len = 0;
    if (cipher == NULL || aes == NULL || EVP_DecryptInit_ex2(aes, cipher, key.data, iv_and_cipher.data, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(aes, 0) != 1 || EVP_DecryptUpdate(aes, ret_clear, &clear_len, body, body_len) != 1 ||
        clear_len != body_len)
        return TP_CRYPTO;
    return TP_OK;
}

/* XML Encryption §5.2: the last byte says how many to drop; the others of the padding are arbitrary. */
static enum tp_rc padding_drop(struct tp_secret *clear, size_t len)
{
    const uint8_t drop = tp_secret_data(clear)[len - 1];
    if (drop == 0 || drop > AES_BLOCK)
        return TP_PIN_WRONG;
    return tp_secret_set_len(clear, len - drop);
}

static enum tp_rc value_decrypt(const char *uri, struct tp_bytes iv_and_cipher, struct tp_bytes key,
                                struct tp_error *error, struct tp_secret **ret_clear)
{
    size_t row = 0;
    while (row < sizeof ciphers / sizeof ciphers[0] && strcmp(ciphers[row].uri, uri) != 0)
        row++;
    if (row == sizeof ciphers / sizeof ciphers[0])
        return tp_error_set(error, TP_UNSUPPORTED, "the PSKC file is encrypted with %s; known are AES in CBC mode",
                            uri);
    if (key.len != ciphers[row].key_len)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the PSKC file needs a key of %zu bytes, not %zu",
                            ciphers[row].key_len, key.len);
    if (iv_and_cipher.len < 2 * AES_BLOCK || iv_and_cipher.len % AES_BLOCK != 0)
        return tp_error_set(error, TP_MALFORMED, "an encrypted value of the PSKC file is not IV and whole blocks");
    const size_t clear_len = iv_and_cipher.len - AES_BLOCK;
    struct tp_secret *clear TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(clear_len, &clear));
    enum tp_rc rc = aes_cbc(ciphers[row].name, key, iv_and_cipher, tp_secret_data(clear));
    if (rc == TP_OK)
        rc = padding_drop(clear, clear_len);
    if (rc != TP_OK)
        return tp_error_set(error, rc, "a value of the PSKC file does not decrypt: wrong key or passphrase?");
    *ret_clear = clear;
    clear = NULL;
    return TP_OK;
}

/* ---- keys ---- */

static enum tp_rc pbkdf2(const char *digest, struct tp_bytes passphrase, struct tp_bytes salt, uint64_t iterations,
                         struct tp_secret *key, size_t key_len)
{
    EVP_KDF *kdf TP_AUTO(EVP_KDF_free_p) = EVP_KDF_fetch(tp_crypto_libctx(), "PBKDF2", NULL);
    EVP_KDF_CTX *context TP_AUTO(EVP_KDF_CTX_free_p) = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    int as_rfc_8018 = 1; /* rather than SP 800-132, whose least lengths the RFC's own example does not reach */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)passphrase.data, passphrase.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.data, salt.len),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &as_rfc_8018),
        OSSL_PARAM_construct_end(),
    };
    if (context == NULL || EVP_KDF_derive(context, tp_secret_data(key), key_len, params) != 1)
        return TP_CRYPTO;
    return tp_secret_set_len(key, key_len);
}

static enum tp_rc key_derive(const struct tp_pskc_values *values, struct tp_bytes passphrase, struct tp_error *error,
                             struct tp_secret **ret_key)
{
    uint64_t iterations = 0, key_len = 16;
    const char *kdf = strrchr(values->text[TP_PSKC_KDF], '#'), *len = values->text[TP_PSKC_KEY_LEN];
    const char *digest = mac_digest(values->text[TP_PSKC_PRF], "SHA1"); /* RFC 8018 appendix A.2: the default */
    struct tp_secret *salt TP_AUTO(tp_secret_free_p) = NULL, *key TP_AUTO(tp_secret_free_p) = NULL;
    if (kdf == NULL || strcmp(kdf, "#pbkdf2") != 0 || digest == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "the PSKC file derives its key in a way that is not known");
    if (passphrase.len == 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the PSKC file is encrypted with a passphrase: give it with --passphrase-file");
    if (tp_pskc_base64(values->text[TP_PSKC_SALT], &salt) != TP_OK || tp_secret_len(salt) == 0 ||
        tp_pskc_number(values->text[TP_PSKC_ITERATIONS], ITERATIONS_MOST, &iterations) != TP_OK || iterations == 0 ||
        (len[0] != '\0' && tp_pskc_number(len, 32, &key_len) != TP_OK) || key_len < 16)
        return tp_error_set(error, TP_MALFORMED,
                            "the PSKC file's salt, iteration count or key length is not acceptable");
    TP_TRY(tp_secret_new(key_len, &key));
    TP_TRY(pbkdf2(digest, passphrase, tp_secret_bytes(salt), iterations, key, key_len));
    *ret_key = key;
    key = NULL;
    return TP_OK;
}

static enum tp_rc cipher_key_find(const struct tp_pskc_values *values, struct tp_pskc_keys *keys,
                                  struct tp_error *error)
{
    if (keys->cipher_key != NULL)
        return TP_OK;
    if (values->text[TP_PSKC_KDF][0] != '\0')
        return key_derive(values, keys->passphrase, error, &keys->cipher_key);
    if (keys->key.len == 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the PSKC file is encrypted with a pre-shared key: give it with --key-file");
    return tp_secret_new_copy(keys->key, &keys->cipher_key);
}

/* §6.1.1: the MAC key comes encrypted with the same key; where there is none, the encryption key itself is meant. */
static enum tp_rc mac_key_find(const struct tp_pskc_values *values, struct tp_pskc_keys *keys, struct tp_error *error)
{
    if (keys->mac_key != NULL)
        return TP_OK;
    if (values->text[TP_PSKC_MAC_KEY][0] == '\0')
        return tp_secret_new_copy(tp_secret_bytes(keys->cipher_key), &keys->mac_key);
    struct tp_secret *encrypted TP_AUTO(tp_secret_free_p) = NULL;
    if (tp_pskc_base64(values->text[TP_PSKC_MAC_KEY], &encrypted) != TP_OK)
        return tp_error_set(error, TP_MALFORMED, "the PSKC file's MAC key is not base64");
    return value_decrypt(values->text[TP_PSKC_MAC_KEY_CIPHER], tp_secret_bytes(encrypted),
                         tp_secret_bytes(keys->cipher_key), error, &keys->mac_key);
}

/* ---- MAC, then decrypt ---- */

static enum tp_rc mac_compare(const char *digest, struct tp_bytes key, struct tp_bytes data, struct tp_bytes expected)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t mac_len = 0;
    if (EVP_Q_mac(tp_crypto_libctx(), "HMAC", NULL, digest, NULL, key.data, key.len, data.data, data.len, mac,
                  sizeof mac, &mac_len) == NULL)
        return TP_CRYPTO;
    return tp_bytes_equal_secret(TP_BYTES(mac, mac_len), expected) ? TP_OK : TP_PIN_WRONG;
}

/* A file that names a MAC method must have a MAC at each value: taking one away must not be a way around it. */
static enum tp_rc mac_check(const struct tp_pskc_values *values, struct tp_pskc_keys *keys, struct tp_bytes encrypted,
                            struct tp_error *error)
{
    const char *method = values->text[TP_PSKC_MAC_METHOD], *text = values->text[TP_PSKC_SEED_MAC];
    const char *digest = mac_digest(method, NULL);
    struct tp_secret *expected TP_AUTO(tp_secret_free_p) = NULL;
    if (method[0] == '\0' && text[0] == '\0')
        return TP_OK;
    if (digest == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "the PSKC file's MAC method is not known");
    if (text[0] == '\0' || tp_pskc_base64(text, &expected) != TP_OK)
        return tp_error_set(error, TP_MALFORMED, "an encrypted value of the PSKC file lacks its MAC");
    TP_TRY(mac_key_find(values, keys, error));
    const enum tp_rc rc = mac_compare(digest, tp_secret_bytes(keys->mac_key), encrypted, tp_secret_bytes(expected));
    if (rc != TP_OK)
        return tp_error_set(error, rc,
                            "the MAC of a value in the PSKC file does not fit: wrong key, or a damaged file");
    return TP_OK;
}

enum tp_rc tp_pskc_seed_decrypt(const struct tp_pskc_values *values, struct tp_pskc_keys *keys, struct tp_error *error,
                                struct tp_secret **ret_seed)
{
    struct tp_secret *encrypted TP_AUTO(tp_secret_free_p) = NULL;
    if (tp_pskc_base64(values->text[TP_PSKC_SEED_ENCRYPTED], &encrypted) != TP_OK)
        return tp_error_set(error, TP_MALFORMED, "an encrypted value of the PSKC file is not base64");
    TP_TRY(cipher_key_find(values, keys, error));
    TP_TRY(mac_check(values, keys, tp_secret_bytes(encrypted), error));
    return value_decrypt(values->text[TP_PSKC_SEED_CIPHER], tp_secret_bytes(encrypted),
                         tp_secret_bytes(keys->cipher_key), error, ret_seed);
}
