/* SPDX-License-Identifier: Apache-2.0
 *
 * A private key that was made elsewhere, into the HSM and out again as all others are kept. Many HSMs forbid to create a
 * private key from its values, so none does here: the HSM makes a transport key pair, and unwraps an AES key by it and
 * the private key by that one. No value of a key crosses the interface in clear, and nothing of it stays.
 */
#include "base/crypto.h"
#include "hsm/internal.h"
#include "hsm/key_type.h"
#include "hsm/oaep.h"
#include "hsm/public_key.h"
#include "pki/key.h"
#include "pki/private_key.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#define WRAP_BLOCK 8 /* RFC 5649: padded to it, and one more in front */
#define HASH_LEN   32

TP_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
TP_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
TP_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)
TP_DEFINE_AUTO(EVP_CIPHER, EVP_CIPHER_free)
TP_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

/* ---- to the HSM ---- */

/* RFC 5649. The result is a secret for the moment in which libcrypto has the clear text in it. */
static enum tp_rc wrap_by_aes(struct tp_bytes aes, struct tp_bytes clear, struct tp_secret **ret_wrapped)
{
    struct tp_secret *wrapped TP_AUTO(tp_secret_free_p) = NULL;
    EVP_CIPHER *cipher TP_AUTO(EVP_CIPHER_free_p) = EVP_CIPHER_fetch(tp_crypto_libctx(), "AES-256-WRAP-PAD", NULL);
    EVP_CIPHER_CTX *context TP_AUTO(EVP_CIPHER_CTX_free_p) = EVP_CIPHER_CTX_new();
    int len = 0;
    if (cipher == NULL || context == NULL)
        return TP_CRYPTO;
    TP_TRY(tp_secret_new(clear.len + 2 * (size_t)WRAP_BLOCK, &wrapped));
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_EncryptInit_ex2(context, cipher, aes.data, NULL, NULL) != 1 ||
        EVP_EncryptUpdate(context, tp_secret_data(wrapped), &len, clear.data, (int)clear.len) != 1 || len <= 0)
        return TP_CRYPTO;
    TP_TRY(tp_secret_set_len(wrapped, (size_t)len));
    *ret_wrapped = wrapped;
    wrapped = NULL;
    return TP_OK;
}

/* A new AES key as a session object, and PKCS8 wrapped by it. */
static enum tp_rc make_transport(struct tp_hsm_session *session, struct tp_bytes pkcs8, struct tp_error *error,
                                 struct tp_hsm_scrap *ret_by, struct tp_secret **ret_wrapped)
{
    const struct tp_hsm_key_kind *rsa = tp_hsm_key_kind_of(TP_HSM_RSA_2048);
    const struct tp_hsm_pair_uses uses = {.public_uses = TP_HSM_USE_WRAP, .private_uses = TP_HSM_USE_UNWRAP};
    struct tp_hsm_scrap public_key TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    struct tp_hsm_scrap private_key TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    struct tp_secret *aes TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_buf spki TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_secret_new(TP_HSM_AES_LEN, &aes));
    TP_TRY(tp_random(tp_secret_data(aes), TP_HSM_AES_LEN));
    TP_TRY(tp_secret_set_len(aes, TP_HSM_AES_LEN));
    TP_TRY(tp_hsm_pair_generate_for(session, rsa, &uses, error, &public_key, &private_key));
    TP_TRY(tp_hsm_public_key_read(session, public_key.object, rsa, error, &spki));
    TP_TRY(wrap_by_aes(tp_secret_bytes(aes), pkcs8, ret_wrapped));
    return tp_hsm_oaep_send(session, private_key.object, tp_buf_bytes(&spki), tp_secret_bytes(aes), error, ret_by);
}

static enum tp_rc put_in(struct tp_hsm_session *session, const struct tp_hsm_key_kind *kind, struct tp_bytes pkcs8,
                         struct tp_error *error, struct tp_hsm_scrap *ret_key)
{
    struct tp_hsm_scrap by TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    struct tp_secret *wrapped TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_hsm_template template;
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE key = 0;
    TP_TRY(tp_hsm_wrap_mechanism(session->hsm, error, &mechanism));
    TP_TRY(make_transport(session, pkcs8, error, &by, &wrapped));
    tp_hsm_template_start(&template, &tp_hsm_class_private, &kind->type, true, TP_HSM_USE_SIGN);
    TP_HSM_TRY(session, error, C_UnwrapKey, &mechanism, by.object, tp_secret_data(wrapped), tp_secret_len(wrapped),
               template.at, template.count, &key);
    *ret_key = (struct tp_hsm_scrap){.session = session, .object = key};
    return TP_OK;
}

/* ---- that it is the key ---- */

static bool verify_hash(EVP_PKEY *key, bool is_rsa, struct tp_bytes hash, struct tp_bytes signature)
{
    EVP_PKEY_CTX *context TP_AUTO(EVP_PKEY_CTX_free_p) = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), key, NULL);
    return context != NULL && EVP_PKEY_verify_init(context) > 0 &&
           (!is_rsa || (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0 &&
                        EVP_PKEY_CTX_set_signature_md(context, tp_crypto_digest("SHA256")) > 0)) &&
           EVP_PKEY_verify(context, signature.data, signature.len, hash.data, hash.len) == 1;
}

static bool verify_message(EVP_PKEY *key, struct tp_bytes message, struct tp_bytes signature)
{
    EVP_MD_CTX *context TP_AUTO(EVP_MD_CTX_free_p) = EVP_MD_CTX_new();
    return context != NULL &&
           EVP_DigestVerifyInit_ex(context, NULL, NULL, tp_crypto_libctx(), NULL, key, NULL) == 1 &&
           EVP_DigestVerify(context, signature.data, signature.len, message.data, message.len) == 1;
}

static bool verify(struct tp_bytes spki, enum tp_hsm_mechanism mechanism, struct tp_bytes hash, struct tp_bytes signature)
{
    EVP_PKEY *key TP_AUTO(EVP_PKEY_free_p) = NULL;
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (tp_pki_key_load(spki, NULL, &key) != TP_OK)
        return false;
    if (mechanism == TP_HSM_EDDSA)
        return verify_message(key, hash, signature);
    if (mechanism == TP_HSM_ECDSA) {
        if (tp_pki_ecdsa_to_der(signature, &der) != TP_OK)
            return false;
        signature = tp_buf_bytes(&der);
    }
    return verify_hash(key, mechanism == TP_HSM_RSA_PKCS, hash, signature);
}

static bool proves(struct tp_bytes spki, enum tp_hsm_mechanism mechanism, struct tp_bytes hash, struct tp_bytes signature)
{
    ERR_set_mark();
    bool good = verify(spki, mechanism, hash, signature);
    ERR_pop_to_mark();
    return good;
}

/* A signature of the object's over something that nobody chose: what unwrapped is the private half of SPKI, in this HSM's
 * reading of it, and it signs. */
static enum tp_rc prove(struct tp_hsm_session *session, enum tp_hsm_key_type type, CK_OBJECT_HANDLE object,
                        struct tp_bytes spki, struct tp_error *error)
{
    const struct tp_hsm_key_kind *kind = tp_hsm_key_kind_of(type);
    struct tp_hsm_key key = {.hsm = session->hsm, .handle = object, .epoch = session->epoch, .type = type};
    struct tp_hsm_sign_params params = {.mechanism = kind->sign};
    uint8_t hash[HASH_LEN], info[TP_PKI_DIGEST_INFO_MAX], signature[TP_HSM_SIGNATURE_MAX];
    struct tp_bytes data = TP_BYTES(hash, sizeof(hash));
    size_t info_len = 0, len = 0;
    TP_TRY(tp_random(hash, sizeof(hash)));
    if (kind->sign == TP_HSM_RSA_PKCS) {
        TP_TRY(tp_pki_digest_info_make(TP_PKI_SHA256, data, info, &info_len));
        data = TP_BYTES(info, info_len);
    }
    TP_TRY(tp_hsm_sign(session, &key, &params, data, error, signature, &len));
    if (proves(spki, kind->sign, TP_BYTES(hash, sizeof(hash)), TP_BYTES(signature, len)))
        return TP_OK;
    return tp_error_set(error, TP_HSM, "the HSM took the key, but what it signs does not verify with the public key");
}

/* ---- the whole ---- */

enum tp_rc tp_hsm_import_under(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, enum tp_hsm_key_type type,
                               struct tp_bytes pkcs8, struct tp_bytes spki, struct tp_error *error,
                               struct tp_secret **ret_wrapped)
{
    const struct tp_hsm_key_kind *kind = tp_hsm_key_kind_of(type);
    struct tp_hsm_scrap key TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    if (kind == NULL || pkcs8.len == 0 || pkcs8.len > TP_PKI_PRIVATE_KEY_MAX)
        return tp_error_set(error, TP_BAD_ARGUMENT, "that is no private key of a type that is known");
    enum tp_rc rc = put_in(session, kind, pkcs8, error, &key);
    if (rc != TP_OK)
        return tp_error_prefix(error, rc, "the HSM does not take the %s key", kind->name);
    TP_TRY(prove(session, type, key.object, spki, error));
    return tp_hsm_wrap_to_secret(session, by, key.object, error, ret_wrapped);
}

enum tp_rc tp_hsm_key_import(struct tp_hsm_session *session, struct tp_bytes wrapped_uwk, enum tp_hsm_key_type type,
                             struct tp_bytes pkcs8, struct tp_bytes spki, struct tp_error *error,
                             struct tp_secret **ret_wrapped)
{
    struct tp_hsm_scrap uwk TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    CK_OBJECT_HANDLE by;
    TP_TRY(tp_hsm_uwk_unwrap(session, wrapped_uwk, TP_HSM_USE_WRAP, error, &uwk, &by));
    return tp_hsm_import_under(session, by, type, pkcs8, spki, error, ret_wrapped);
}
