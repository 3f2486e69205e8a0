/* SPDX-License-Identifier: Apache-2.0
 *
 * provider-signature(7) for the keys of signer_provider.c.
 *
 * Parameters (digest, padding, the AlgorithmIdentifier that X.509 and CMS write) are kept by a verification of the
 * default provider with the public key, which therefore also verifies; only what makes a signature is ours: it hashes
 * and calls the signer.
 */
#include "pki/signer_internal.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct operation {
    const struct tp_pki_signer *signer; /* its EVP_PKEY, which libcrypto holds, keeps it alive */
    EVP_PKEY *key;                      /* the public one */
    EVP_MD_CTX *verify;                 /* digest-sign and digest-verify; holds PARAMS */
    EVP_PKEY_CTX *raw;                  /* sign and verify of a hash; is PARAMS */
    EVP_PKEY_CTX *params;
    EVP_MD_CTX *hash; /* of the message, while signing */
};

static void operation_reset(struct operation *operation)
{
    EVP_MD_CTX_free(operation->verify);
    EVP_PKEY_CTX_free(operation->raw);
    EVP_MD_CTX_free(operation->hash);
    operation->verify = operation->hash = NULL;
    operation->raw = operation->params = NULL;
}

static void *operation_new(void *provider, const char *properties)
{
    (void)provider, (void)properties;
    return calloc(1, sizeof(struct operation));
}

static void operation_free(void *context)
{
    struct operation *operation = context;
    if (operation == NULL)
        return;
    operation_reset(operation);
    EVP_PKEY_free(operation->key);
    free(operation);
}

static bool md_copy(const EVP_MD_CTX *from, EVP_MD_CTX **ret_copy)
{
    if (from == NULL)
        return true;
    *ret_copy = EVP_MD_CTX_new();
    return *ret_copy != NULL && EVP_MD_CTX_copy_ex(*ret_copy, from) == 1;
}

static bool operation_copy(const struct operation *from, struct operation *copy)
{
    copy->signer = from->signer;
    if (from->key != NULL && EVP_PKEY_up_ref(from->key) != 1)
        return false;
    copy->key = from->key;
    if (!md_copy(from->verify, &copy->verify) || !md_copy(from->hash, &copy->hash))
        return false;
    if (from->raw != NULL && (copy->raw = EVP_PKEY_CTX_dup(from->raw)) == NULL)
        return false;
    copy->params = copy->verify != NULL ? EVP_MD_CTX_get_pkey_ctx(copy->verify) : copy->raw;
    return true;
}

static void *operation_dup(void *context)
{
    struct operation *copy = calloc(1, sizeof *copy);
    if (copy != NULL && operation_copy(context, copy))
        return copy;
    operation_free(copy);
    return NULL;
}

/* Against a NULL key libcrypto means "the same as before". */
static bool key_take(struct operation *operation, void *data)
{
    const struct tp_pki_key_data *key = data;
    tp_pki_signer_keep_none();
    if (key == NULL)
        return operation->signer != NULL;
    if (key->signer == NULL || EVP_PKEY_up_ref(key->signer->public_key) != 1)
        return false;
    EVP_PKEY_free(operation->key);
    operation->key = key->signer->public_key;
    operation->signer = key->signer;
    return true;
}

/* ---- parameters ---- */

/* PSS without a word about the salt would verify any, and write an AlgorithmIdentifier with the longest. */
static bool salt_fix(struct operation *operation)
{
    int padding = 0;
    if (!operation->signer->info.is_rsa)
        return true;
    return EVP_PKEY_CTX_get_rsa_padding(operation->params, &padding) > 0 &&
           (padding != RSA_PKCS1_PSS_PADDING ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(operation->params, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static int refuse(const char *words)
{
    tp_pki_signer_keep(TP_MECHANISM, words);
    return 0;
}

/* What signs later must be what the AlgorithmIdentifier says: signatures with PKCS#1 and PSS, MGF1 with the same hash,
 * and salt as long as it. */
static int params_check(struct operation *operation)
{
    int padding = 0, salt = 0;
    const EVP_MD *hash = NULL, *mask = NULL;
    if (!operation->signer->info.is_rsa)
        return 1;
    if (EVP_PKEY_CTX_get_rsa_padding(operation->params, &padding) <= 0)
        return 0;
    if (padding == RSA_PKCS1_PADDING)
        return 1;
    if (padding != RSA_PKCS1_PSS_PADDING)
        return refuse("the signer makes RSA signatures with PKCS#1 v1.5 and PSS only");
    if (EVP_PKEY_CTX_get_signature_md(operation->params, &hash) <= 0 ||
        EVP_PKEY_CTX_get_rsa_mgf1_md(operation->params, &mask) <= 0 ||
        EVP_PKEY_CTX_get_rsa_pss_saltlen(operation->params, &salt) <= 0)
        return 0;
    if (hash == NULL || mask == NULL || EVP_MD_get_type(hash) != EVP_MD_get_type(mask))
        return refuse("the signer makes RSA-PSS signatures with one hash for message and MGF1 only");
    if (salt != RSA_PSS_SALTLEN_DIGEST && salt != EVP_MD_get_size(hash))
        return refuse("the signer makes RSA-PSS signatures with a salt as long as the hash only");
    return 1;
}

static int set_params(void *context, const OSSL_PARAM params[])
{
    struct operation *operation = context;
    if (params == NULL || operation->params == NULL)
        return params == NULL;
    if (EVP_PKEY_CTX_set_params(operation->params, params) != 1)
        return 0;
    return OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE) == NULL ||
           OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN) != NULL || salt_fix(operation);
}

static int get_params(void *context, OSSL_PARAM params[])
{
    struct operation *operation = context;
    return operation->params != NULL && EVP_PKEY_CTX_get_params(operation->params, params) == 1;
}

static const OSSL_PARAM *settable_params(void *context, void *provider)
{
    static const OSSL_PARAM common[] = {OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
                                        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
                                        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
                                        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
                                        OSSL_PARAM_END};
    const struct operation *operation = context;
    (void)provider;
    return operation != NULL && operation->params != NULL ? EVP_PKEY_CTX_settable_params(operation->params) : common;
}

static const OSSL_PARAM *gettable_params(void *context, void *provider)
{
    static const OSSL_PARAM common[] = {OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
                                        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0), OSSL_PARAM_END};
    const struct operation *operation = context;
    (void)provider;
    return operation != NULL && operation->params != NULL ? EVP_PKEY_CTX_gettable_params(operation->params) : common;
}

/* ---- the signature ---- */

static enum tp_pki_scheme scheme_of(struct operation *operation)
{
    int padding = 0;
    if (operation->signer->info.is_ed)
        return TP_PKI_EDDSA;
    if (operation->signer->info.is_ec)
        return TP_PKI_ECDSA;
    return EVP_PKEY_CTX_get_rsa_padding(operation->params, &padding) > 0 && padding == RSA_PKCS1_PSS_PADDING
               ? TP_PKI_RSA_PSS
               : TP_PKI_RSA_PKCS1;
}

static int sign_input(struct operation *operation, enum tp_pki_hash hash, struct tp_bytes bytes,
                      unsigned char *signature, size_t *signature_len, size_t room)
{
    struct tp_buf made TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pki_sign_input input = {.scheme = scheme_of(operation), .hash = hash, .input = bytes};
    if (!params_check(operation) || tp_pki_signer_call_kept(operation->signer, &input, &made) != TP_OK ||
        made.len > room)
        return 0;
    memcpy(signature, made.data, made.len);
    *signature_len = made.len;
    return 1;
}

/* libcrypto asks for the length first. */
static bool asks_length(const struct operation *operation, const unsigned char *signature, size_t *signature_len)
{
    if (signature == NULL)
        *signature_len = tp_pki_signer_most(operation->signer);
    return signature == NULL;
}

/* ---- of a hash ---- */

static int raw_init(void *context, void *key, const OSSL_PARAM params[])
{
    struct operation *operation = context;
    operation_reset(operation);
    if (!key_take(operation, key))
        return 0;
    operation->raw = operation->params = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), operation->key, NULL);
    return operation->raw != NULL && EVP_PKEY_verify_init(operation->raw) == 1 && set_params(operation, params);
}

/* What the caller has set; without, what the input itself says: PKCS#1's DigestInfo, or ECDSA's length. */
static enum tp_pki_hash raw_hash(struct operation *operation, struct tp_bytes *input)
{
    const EVP_MD *md = NULL;
    enum tp_pki_hash hash = TP_PKI_HASH_NONE;
    if (EVP_PKEY_CTX_get_signature_md(operation->params, &md) > 0 && md != NULL)
        return tp_pki_hash_of_md(md);
    if (operation->signer->info.is_ec)
        return tp_pki_hash_by_len(input->len);
    return tp_pki_digest_info_parse(*input, &hash, input) == TP_OK ? hash : TP_PKI_HASH_NONE;
}

static int raw_sign(void *context, unsigned char *signature, size_t *signature_len, size_t room,
                    const unsigned char *tbs, size_t tbs_len)
{
    struct operation *operation = context;
    struct tp_bytes input = TP_BYTES(tbs, tbs_len);
    if (operation->params == NULL)
        return 0;
    if (asks_length(operation, signature, signature_len))
        return 1;
    const enum tp_pki_hash hash = raw_hash(operation, &input);
    return sign_input(operation, hash, input, signature, signature_len, room);
}

static int raw_verify(void *context, const unsigned char *signature, size_t signature_len, const unsigned char *tbs,
                      size_t tbs_len)
{
    struct operation *operation = context;
    return operation->raw == NULL ? 0 : EVP_PKEY_verify(operation->raw, signature, signature_len, tbs, tbs_len);
}

/* ---- of a message ---- */

static int message_verify_init(void *context, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct operation *operation = context;
    operation_reset(operation);
    if (!key_take(operation, key))
        return 0;
    operation->verify = EVP_MD_CTX_new();
    return operation->verify != NULL &&
           EVP_DigestVerifyInit_ex(operation->verify, &operation->params,
                                   digest != NULL && digest[0] != '\0' ? digest : NULL, tp_crypto_libctx(), NULL,
                                   operation->key, NULL) == 1 &&
           set_params(operation, params);
}

static int message_sign_init(void *context, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct operation *operation = context;
    const EVP_MD *md = NULL;
    if (message_verify_init(operation, digest, key, params) != 1)
        return 0;
    if (operation->signer->info.is_ed)
        return 1;
    operation->hash = EVP_MD_CTX_new();
    return operation->hash != NULL && EVP_PKEY_CTX_get_signature_md(operation->params, &md) > 0 && md != NULL &&
           tp_pki_hash_of_md(md) != TP_PKI_HASH_NONE &&
           EVP_DigestInit_ex2(operation->hash, tp_crypto_digest(tp_pki_hash_libcrypto(tp_pki_hash_of_md(md))), NULL) ==
               1;
}

static int message_sign_update(void *context, const unsigned char *data, size_t len)
{
    const struct operation *operation = context;
    return operation->hash == NULL ? 0 : EVP_DigestUpdate(operation->hash, data, len);
}

static int message_sign_final(void *context, unsigned char *signature, size_t *signature_len, size_t room)
{
    struct operation *operation = context;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (operation->hash == NULL)
        return 0;
    if (asks_length(operation, signature, signature_len))
        return 1;
    const enum tp_pki_hash hash = tp_pki_hash_of_md(EVP_MD_CTX_get0_md(operation->hash));
    return EVP_DigestFinal_ex(operation->hash, digest, &len) == 1 &&
           sign_input(operation, hash, TP_BYTES(digest, len), signature, signature_len, room);
}

static int message_sign(void *context, unsigned char *signature, size_t *signature_len, size_t room,
                        const unsigned char *data, size_t len)
{
    struct operation *operation = context;
    if (operation->params == NULL)
        return 0;
    if (asks_length(operation, signature, signature_len))
        return 1;
    if (operation->signer->info.is_ed)
        return sign_input(operation, TP_PKI_HASH_NONE, TP_BYTES(data, len), signature, signature_len, room);
    return message_sign_update(operation, data, len) == 1 &&
           message_sign_final(operation, signature, signature_len, room);
}

static int message_verify_update(void *context, const unsigned char *data, size_t len)
{
    const struct operation *operation = context;
    return operation->verify == NULL ? 0 : EVP_DigestVerifyUpdate(operation->verify, data, len);
}

static int message_verify_final(void *context, const unsigned char *signature, size_t len)
{
    const struct operation *operation = context;
    return operation->verify == NULL ? 0 : EVP_DigestVerifyFinal(operation->verify, signature, len);
}

static int message_verify(void *context, const unsigned char *signature, size_t signature_len,
                          const unsigned char *data, size_t len)
{
    const struct operation *operation = context;
    return operation->verify == NULL ? 0 : EVP_DigestVerify(operation->verify, signature, signature_len, data, len);
}

/* ---- the tables ---- */

typedef void function(void);

#define COMMON_FUNCTIONS                                                                                               \
    {OSSL_FUNC_SIGNATURE_NEWCTX, (function *)operation_new},                                                           \
        {OSSL_FUNC_SIGNATURE_FREECTX, (function *)operation_free},                                                     \
        {OSSL_FUNC_SIGNATURE_DUPCTX, (function *)operation_dup},                                                       \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (function *)message_sign_init},                                         \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (function *)message_sign},                                                   \
        {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, (function *)message_verify_init},                                     \
        {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, (function *)message_verify},                                               \
        {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, (function *)get_params},                                                  \
    {                                                                                                                  \
        OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, (function *)gettable_params                                           \
    }

static const OSSL_DISPATCH hashing_functions[] = {
    COMMON_FUNCTIONS,
    {OSSL_FUNC_SIGNATURE_SIGN_INIT, (function *)raw_init},
    {OSSL_FUNC_SIGNATURE_SIGN, (function *)raw_sign},
    {OSSL_FUNC_SIGNATURE_VERIFY_INIT, (function *)raw_init},
    {OSSL_FUNC_SIGNATURE_VERIFY, (function *)raw_verify},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (function *)message_sign_update},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (function *)message_sign_final},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, (function *)message_verify_update},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, (function *)message_verify_final},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (function *)set_params},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (function *)settable_params},
    {0, NULL}};
static const OSSL_DISPATCH message_functions[] = {COMMON_FUNCTIONS, {0, NULL}};

const OSSL_ALGORITHM tp_pki_signature_algorithms[] = {
    {TP_PKI_PROVIDER "-RSA", "provider=" TP_PKI_PROVIDER, hashing_functions, NULL},
    {TP_PKI_PROVIDER "-ECDSA", "provider=" TP_PKI_PROVIDER, hashing_functions, NULL},
    {TP_PKI_PROVIDER "-ED25519", "provider=" TP_PKI_PROVIDER, message_functions, NULL},
    {TP_PKI_PROVIDER "-ED448", "provider=" TP_PKI_PROVIDER, message_functions, NULL},
    {NULL, NULL, NULL, NULL}};
