/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/verify.h"
#include "base/crypto.h"
#include "p11/rv.h"
#include "p11/session.h"
#include "pki/key.h"

#include <openssl/rsa.h>

TP_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
TP_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)

CK_RV tp_p11_verify_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return tp_p11_operation_begin(call, &call->session->verify, CKF_VERIFY, mechanism, key);
}

/* libcrypto answers 0 or a negative number for a bad signature, depending on what is bad about it. */
static enum tp_rc answer(int result)
{
    return result == 1 ? TP_OK : TP_DATA;
}

/* Without a hash set, libcrypto compares the whole of what was padded: the DigestInfo, or what the caller signed. */
static bool set_pkcs1(EVP_PKEY_CTX *ctx, const struct tp_p11_pss *pss)
{
    (void)pss;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
}

static bool set_pss(EVP_PKEY_CTX *ctx, const struct tp_p11_pss *pss)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(ctx, tp_crypto_digest(tp_pki_hash_libcrypto(pss->hash))) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, tp_crypto_digest(tp_pki_hash_libcrypto(pss->mgf_hash))) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)pss->salt_len) == 1;
}

static enum tp_rc verify_rsa(EVP_PKEY *pkey, const struct tp_p11_operation *operation, struct tp_bytes input,
                             struct tp_bytes signature)
{
    EVP_PKEY_CTX *ctx TP_AUTO(EVP_PKEY_CTX_free_p) = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), pkey, NULL);
    bool is_pss = operation->mechanism->primitive == TP_IPC_RSA_PSS;
    if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 || !(is_pss ? set_pss : set_pkcs1)(ctx, &operation->pss))
        return TP_CRYPTO;
    return answer(EVP_PKEY_verify(ctx, signature.data, signature.len, input.data, input.len));
}

static enum tp_rc verify_ecdsa(EVP_PKEY *pkey, struct tp_bytes input, struct tp_bytes signature)
{
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    EVP_PKEY_CTX *ctx TP_AUTO(EVP_PKEY_CTX_free_p) = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), pkey, NULL);
    TP_TRY(tp_pki_ecdsa_to_der(signature, &der));
    if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1)
        return TP_CRYPTO;
    return answer(EVP_PKEY_verify(ctx, der.data, der.len, input.data, input.len));
}

static enum tp_rc verify_eddsa(EVP_PKEY *pkey, struct tp_bytes input, struct tp_bytes signature)
{
    EVP_MD_CTX *ctx TP_AUTO(EVP_MD_CTX_free_p) = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestVerifyInit_ex(ctx, NULL, NULL, tp_crypto_libctx(), NULL, pkey, NULL) != 1)
        return TP_CRYPTO;
    return answer(EVP_DigestVerify(ctx, signature.data, signature.len, input.data, input.len));
}

static enum tp_rc verify_input(const struct tp_p11_operation *operation, struct tp_bytes input,
                               struct tp_bytes signature)
{
    TP_P11_ERRORS_KEEP;
    EVP_PKEY *pkey TP_AUTO(EVP_PKEY_free_p) = NULL;
    TP_TRY(tp_pki_key_load(tp_p11_attributes_value(&operation->key->attributes, CKA_PUBLIC_KEY_INFO), NULL, &pkey));
    switch (operation->mechanism->kind) {
    case TP_P11_RSA:
        return verify_rsa(pkey, operation, input, signature);
    case TP_P11_EC:
        return verify_ecdsa(pkey, input, signature);
    case TP_P11_ED:
        return verify_eddsa(pkey, input, signature);
    case TP_P11_GENERIC:
    case TP_P11_AES:
    case TP_P11_NO_KEY:
        break;
    }
    return TP_INTERNAL;
}

static CK_RV check_mac(struct tp_p11_operation *operation, const struct tp_bytes *data, struct tp_bytes signature)
{
    uint8_t value[TP_P11_MAC_MAX];
    CK_RV rv = tp_p11_operation_mac(operation, data, value);
    if (rv == CKR_OK && !tp_bytes_equal_secret(signature, TP_BYTES(value, operation->signature_len)))
        rv = CKR_SIGNATURE_INVALID;
    tp_wipe(value, sizeof(value));
    return rv;
}

/* DATA NULL: what was given in parts. */
static CK_RV check_signature(struct tp_p11_operation *operation, const struct tp_bytes *data, struct tp_bytes signature)
{
    uint8_t room[TP_P11_INPUT_ROOM];
    struct tp_bytes input;
    if (signature.data == NULL)
        return CKR_ARGUMENTS_BAD;
    if (signature.len != operation->signature_len)
        return CKR_SIGNATURE_LEN_RANGE;
    if (tp_p11_mac_is(operation->mechanism))
        return check_mac(operation, data, signature);
    CK_RV rv = tp_p11_operation_input(operation, data, room, &input);
    if (rv != CKR_OK)
        return rv;
    enum tp_rc rc = verify_input(operation, input, signature);
    return rc == TP_DATA ? CKR_SIGNATURE_INVALID : tp_p11_rv(rc);
}

CK_RV tp_p11_verify_finish(struct tp_p11_operation *operation, const struct tp_bytes *data, struct tp_bytes signature)
{
    CK_RV rv = check_signature(operation, data, signature);
    tp_p11_operation_end(operation);
    return rv;
}

CK_RV tp_p11_verify_whole(struct tp_p11_call *call, struct tp_bytes data, struct tp_bytes signature)
{
    struct tp_p11_operation *operation = &call->session->verify;
    if (operation->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return operation->in_parts ? CKR_OPERATION_ACTIVE : tp_p11_verify_finish(operation, &data, signature);
}

CK_RV tp_p11_verify_update(struct tp_p11_call *call, struct tp_bytes part)
{
    if (call->session->verify.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return tp_p11_operation_update(&call->session->verify, part);
}

CK_RV tp_p11_verify_final(struct tp_p11_call *call, struct tp_bytes signature)
{
    if (call->session->verify.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return tp_p11_verify_finish(&call->session->verify, NULL, signature);
}

/* ---- C_VerifySignature… ---- */

void tp_p11_verify_signature_end(struct tp_p11_verify_signature *verify)
{
    tp_p11_operation_end(&verify->operation);
    tp_buf_clear(&verify->signature);
}

void tp_p11_verify_signature_clear(struct tp_p11_verify_signature *verify)
{
    tp_p11_operation_clear(&verify->operation);
    tp_buf_clear(&verify->signature);
}

CK_RV tp_p11_verify_signature_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                                   struct tp_bytes signature)
{
    struct tp_p11_verify_signature *verify = &call->session->verify_signature;
    if (mechanism != NULL && signature.data == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = tp_p11_operation_begin(call, &verify->operation, CKF_VERIFY, mechanism, key);
    if (rv != CKR_OK || mechanism == NULL)
        return rv;
    rv = signature.len == verify->operation.signature_len
             ? tp_p11_rv(tp_buf_append(&verify->signature, signature))
             : CKR_SIGNATURE_LEN_RANGE;
    if (rv != CKR_OK)
        tp_p11_verify_signature_end(verify);
    return rv;
}

static CK_RV finish_signature(struct tp_p11_verify_signature *verify, const struct tp_bytes *data)
{
    CK_RV rv = tp_p11_verify_finish(&verify->operation, data, tp_buf_bytes(&verify->signature));
    tp_p11_verify_signature_end(verify);
    return rv;
}

CK_RV tp_p11_verify_signature_whole(struct tp_p11_call *call, struct tp_bytes data)
{
    struct tp_p11_verify_signature *verify = &call->session->verify_signature;
    if (verify->operation.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return verify->operation.in_parts ? CKR_OPERATION_ACTIVE : finish_signature(verify, &data);
}

CK_RV tp_p11_verify_signature_update(struct tp_p11_call *call, struct tp_bytes part)
{
    struct tp_p11_verify_signature *verify = &call->session->verify_signature;
    if (verify->operation.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = tp_p11_operation_update(&verify->operation, part);
    if (rv != CKR_OK)
        tp_p11_verify_signature_end(verify);
    return rv;
}

CK_RV tp_p11_verify_signature_final(struct tp_p11_call *call)
{
    struct tp_p11_verify_signature *verify = &call->session->verify_signature;
    return verify->operation.mechanism == NULL ? CKR_OPERATION_NOT_INITIALIZED : finish_signature(verify, NULL);
}
