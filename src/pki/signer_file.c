/* SPDX-License-Identifier: Apache-2.0
 *
 * A signer whose private key lies in this process, as libcrypto keeps it.
 */
#include "pki/private_key.h"
#include "pki/signer_internal.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

static enum tp_rc failed(struct tp_error *error)
{
    return tp_error_set(error, TP_CRYPTO, "libcrypto could not sign with the key of the file");
}

static enum tp_rc sign_message(EVP_PKEY *key, struct tp_bytes message, struct tp_error *error,
                               struct tp_buf *ret_signature)
{
    EVP_MD_CTX *context TP_AUTO(EVP_MD_CTX_free_p) = EVP_MD_CTX_new();
    uint8_t signature[128];
    size_t len = sizeof signature;
    if (context == NULL || EVP_DigestSignInit_ex(context, NULL, NULL, tp_crypto_libctx(), NULL, key, NULL) != 1 ||
        EVP_DigestSign(context, signature, &len, message.data, message.len) != 1)
        return failed(error);
    return tp_buf_append(ret_signature, TP_BYTES(signature, len));
}

/* r ‖ s, as every kind of signer gives it. */
static enum tp_rc append_raw(EVP_PKEY *key, const uint8_t *der, size_t der_len, struct tp_buf *ret_signature)
{
    uint8_t raw[2 * 66];
    const int half = (EVP_PKEY_get_bits(key) + 7) / 8;
    ECDSA_SIG *signature = half <= 66 ? d2i_ECDSA_SIG(NULL, &der, (long)der_len) : NULL;
    const bool done = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, half) == half &&
                      BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + half, half) == half;
    ECDSA_SIG_free(signature);
    return done ? tp_buf_append(ret_signature, TP_BYTES(raw, 2 * (size_t)half)) : TP_CRYPTO;
}

static bool prepare(EVP_PKEY_CTX *context, const struct tp_pki_sign_input *input)
{
    const EVP_MD *md = tp_crypto_digest(tp_pki_hash_libcrypto(input->hash));
    const bool pss = input->scheme == TP_PKI_RSA_PSS;
    return md != NULL && EVP_PKEY_sign_init(context) == 1 &&
           (input->scheme == TP_PKI_ECDSA ||
            EVP_PKEY_CTX_set_rsa_padding(context, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) > 0) &&
           EVP_PKEY_CTX_set_signature_md(context, md) > 0 &&
           (!pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static enum tp_rc sign(void *own, const struct tp_pki_sign_input *input, struct tp_error *error,
                       struct tp_buf *ret_signature)
{
    TP_PKI_ERRORS_KEEP;
    EVP_PKEY *key = own;
    uint8_t signature[512]; /* RSA-4096, the longest that tp_pki_private_file_read takes */
    size_t len = sizeof signature;
    if (input->scheme == TP_PKI_EDDSA)
        return sign_message(key, input->input, error, ret_signature);
    EVP_PKEY_CTX *context TP_AUTO(EVP_PKEY_CTX_free_p) = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), key, NULL);
    if (context == NULL || !prepare(context, input) ||
        EVP_PKEY_sign(context, signature, &len, input->input.data, input->input.len) != 1)
        return failed(error);
    if (input->scheme == TP_PKI_ECDSA)
        return append_raw(key, signature, len, ret_signature);
    return tp_buf_append(ret_signature, TP_BYTES(signature, len));
}

static void release(void *own)
{
    EVP_PKEY_free(own);
}

static const struct tp_pki_signer_calls calls = {.sign = sign, .release = release, .own_libcrypto = true};

static enum tp_rc key_load(const struct tp_secret *pkcs8, struct tp_error *error, EVP_PKEY **ret_key)
{
    const struct tp_bytes der = tp_secret_bytes(pkcs8);
    const unsigned char *at = der.data;
    EVP_PKEY *key = d2i_AutoPrivateKey_ex(NULL, &at, (long)der.len, tp_crypto_libctx(), NULL);
    if (key == NULL)
        return tp_error_set(error, TP_CRYPTO, "libcrypto cannot use the private key of the file");
    *ret_key = key;
    return TP_OK;
}

enum tp_rc tp_pki_signer_of_file(struct tp_bytes file, const struct tp_secret *password,
                                 const struct tp_bytes *certificates, size_t certificates_len, struct tp_error *error,
                                 struct tp_pki_signer **ret_signer)
{
    TP_PKI_ERRORS_KEEP;
    EVP_PKEY *key = NULL;
    struct tp_bytes own[TP_PKI_PRIVATE_FILE_CERTIFICATES];
    struct tp_pki_private_file content TP_AUTO(tp_pki_private_file_clear) = {0};
    TP_TRY(tp_pki_private_file_read(file, password, error, &content));
    TP_TRY(key_load(content.pkcs8, error, &key));
    for (size_t i = 0; i < content.certificates_len; i++)
        own[i] = tp_buf_bytes(&content.certificates[i]);
    if (certificates_len == 0)
        return tp_pki_signer_new(tp_buf_bytes(&content.spki), own, content.certificates_len, &calls, key, error,
                                 ret_signer);
    return tp_pki_signer_new(tp_buf_bytes(&content.spki), certificates, certificates_len, &calls, key, error,
                             ret_signer);
}
