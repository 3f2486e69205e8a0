/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "pdf/security.h"

#include <openssl/err.h>
#include <openssl/provider.h>

#define BLOCK 16

TP_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
TP_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)

/* ---- RC4 ---- */

void tp_pdf_rc4_clear(struct tp_pdf_rc4 *rc4)
{
    EVP_CIPHER_free(rc4->cipher);
    if (rc4->legacy != NULL)
        (void)OSSL_PROVIDER_unload(rc4->legacy);
    OSSL_LIB_CTX_free(rc4->libctx);
    *rc4 = (struct tp_pdf_rc4){0};
}

static enum tp_rc rc4_load(struct tp_pdf_rc4 *rc4)
{
    if (rc4->cipher != NULL)
        return TP_OK;
    if (rc4->libctx == NULL)
        rc4->libctx = OSSL_LIB_CTX_new();
    if (rc4->libctx == NULL)
        return TP_MEMORY;
    (void)ERR_set_mark();
    if (rc4->legacy == NULL)
        rc4->legacy = OSSL_PROVIDER_load(rc4->libctx, "legacy");
    if (rc4->legacy != NULL)
        rc4->cipher = EVP_CIPHER_fetch(rc4->libctx, "RC4", NULL);
    (void)ERR_pop_to_mark();
    return rc4->cipher != NULL ? TP_OK : TP_UNSUPPORTED;
}

/* The length of the key comes before the key. */
enum tp_rc tp_pdf_rc4_apply(struct tp_pdf_rc4 *rc4, struct tp_bytes key, uint8_t *data, size_t len)
{
    TP_TRY(rc4_load(rc4));
    EVP_CIPHER_CTX *ctx TP_AUTO(EVP_CIPHER_CTX_free_p) = EVP_CIPHER_CTX_new();
    int done = 0;
    if (ctx == NULL)
        return TP_MEMORY;
    if (len > TP_BUF_MAX)
        return TP_TOO_LARGE;
    const bool good = EVP_EncryptInit_ex2(ctx, rc4->cipher, NULL, NULL, NULL) == 1 &&
                      EVP_CIPHER_CTX_set_key_length(ctx, (int)key.len) == 1 &&
                      EVP_EncryptInit_ex2(ctx, NULL, key.data, NULL, NULL) == 1 &&
                      EVP_EncryptUpdate(ctx, data, &done, data, (int)len) == 1;
    return good ? TP_OK : TP_CRYPTO;
}

/* ---- AES ---- */

enum tp_rc tp_pdf_aes(bool encrypt, struct tp_bytes key, const uint8_t iv[16], bool padded, struct tp_bytes input,
                      uint8_t *ret_output, size_t *ret_len)
{
    EVP_CIPHER_CTX *ctx TP_AUTO(EVP_CIPHER_CTX_free_p) = EVP_CIPHER_CTX_new();
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(tp_crypto_libctx(), key.len == BLOCK ? "AES-128-CBC" : "AES-256-CBC", NULL);
    int len = 0, last = 0;
    const bool good = ctx != NULL && cipher != NULL && input.len <= TP_BUF_MAX &&
                      EVP_CipherInit_ex2(ctx, cipher, key.data, iv, encrypt ? 1 : 0, NULL) == 1 &&
                      EVP_CIPHER_CTX_set_padding(ctx, padded ? 1 : 0) == 1 &&
                      EVP_CipherUpdate(ctx, ret_output, &len, input.data, (int)input.len) == 1 &&
                      EVP_CipherFinal_ex(ctx, ret_output + len, &last) == 1;
    EVP_CIPHER_free(cipher);
    if (good)
        *ret_len = (size_t)len + (size_t)last;
    return good ? TP_OK : TP_CRYPTO;
}

/* ---- hashes ---- */

enum tp_rc tp_pdf_hash(const char *name, const struct tp_bytes *parts, size_t parts_len, uint8_t *ret_hash)
{
    const EVP_MD *digest = tp_crypto_digest(name);
    EVP_MD_CTX *ctx TP_AUTO(EVP_MD_CTX_free_p) = EVP_MD_CTX_new();
    if (digest == NULL)
        return TP_UNSUPPORTED;
    if (ctx == NULL)
        return TP_MEMORY;
    bool good = EVP_DigestInit_ex2(ctx, digest, NULL) == 1;
    for (size_t i = 0; good && i < parts_len; i++)
        good = parts[i].len == 0 || EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    return good && EVP_DigestFinal_ex(ctx, ret_hash, NULL) == 1 ? TP_OK : TP_CRYPTO;
}
