/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/oaep.h"
#include "base/crypto.h"
#include "pki/key.h"

#include <openssl/rsa.h>

TP_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
TP_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

/* SHA-256 where the token has it; SoftHSM's OAEP knows SHA-1 only, which is no weakness there (RFC 8017, 7.1). Whoever
 * restores tries both. */
static struct oaep {
    CK_RSA_PKCS_OAEP_PARAMS params; /* not const, since PKCS#11's structures know none */
    const char *digest;
} kinds[] = {
    {{.hashAlg = CKM_SHA256, .mgf = CKG_MGF1_SHA256, .source = CKZ_DATA_SPECIFIED}, "SHA256"},
    {{.hashAlg = CKM_SHA_1, .mgf = CKG_MGF1_SHA1, .source = CKZ_DATA_SPECIFIED}, "SHA1"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static CK_MECHANISM mechanism_of(struct oaep *kind)
{
    return (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &kind->params, sizeof(kind->params)};
}

enum tp_rc tp_hsm_oaep_wrap(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE key,
                            struct tp_error *error, struct tp_buf *ret_wrapped)
{
    uint8_t wrapped[TP_HSM_SIGNATURE_MAX];
    CK_ULONG len = 0;
    CK_RV rv = CKR_OK;
    for (size_t i = 0; i < KINDS; i++) {
        CK_MECHANISM mechanism = mechanism_of(&kinds[i]);
        len = sizeof(wrapped);
        rv = TP_HSM_CALL(session, C_WrapKey, &mechanism, by, key, wrapped, &len);
        if (rv == CKR_OK || tp_hsm_ckr_is_loss(rv))
            break;
    }
    TP_TRY(tp_hsm_call_rc(session->hsm, rv, "C_WrapKey", error));
    return tp_buf_append(ret_wrapped, TP_BYTES(wrapped, len));
}

static enum tp_rc encrypt(EVP_PKEY *to, const struct oaep *kind, struct tp_bytes clear, uint8_t *ret_cipher,
                          size_t *ret_len)
{
    EVP_PKEY_CTX *context TP_AUTO(EVP_PKEY_CTX_free_p) = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), to, NULL);
    const EVP_MD *digest = tp_crypto_digest(kind->digest);
    size_t len = TP_HSM_SIGNATURE_MAX;
    if (context == NULL || digest == NULL || EVP_PKEY_encrypt_init(context) <= 0 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context, digest) <= 0 || EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) <= 0 ||
        EVP_PKEY_encrypt(context, ret_cipher, &len, clear.data, clear.len) <= 0)
        return TP_CRYPTO;
    *ret_len = len;
    return TP_OK;
}

enum tp_rc tp_hsm_oaep_send(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, struct tp_bytes spki,
                            struct tp_bytes aes, struct tp_error *error, struct tp_hsm_scrap *ret_key)
{
    EVP_PKEY *to TP_AUTO(EVP_PKEY_free_p) = NULL;
    struct tp_hsm_template template;
    CK_OBJECT_HANDLE key = 0;
    CK_RV rv = CKR_OK;
    TP_TRY(tp_pki_key_load(spki, error, &to));
    tp_hsm_template_start(&template, &tp_hsm_class_secret, &tp_hsm_type_aes, false, TP_HSM_USE_UNWRAP);
    for (size_t i = 0; i < KINDS; i++) {
        CK_MECHANISM mechanism = mechanism_of(&kinds[i]);
        uint8_t cipher[TP_HSM_SIGNATURE_MAX];
        size_t len;
        TP_TRY(encrypt(to, &kinds[i], aes, cipher, &len));
        rv = TP_HSM_CALL(session, C_UnwrapKey, &mechanism, by, cipher, len, template.at, template.count, &key);
        if (rv == CKR_OK || tp_hsm_ckr_is_loss(rv))
            break;
    }
    TP_TRY(tp_hsm_call_rc(session->hsm, rv, "C_UnwrapKey with CKM_RSA_PKCS_OAEP", error));
    *ret_key = (struct tp_hsm_scrap){.session = session, .object = key};
    return TP_OK;
}
