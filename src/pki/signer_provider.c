/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenSSL provider that makes a signer an EVP_PKEY: here the keys (provider-keymgmt(7)), in signer_signature.c what
 * they sign with.
 *
 * The keys carry the names of the default provider ("RSA", "EC", …): so EVP_PKEY_eq() compares them with the default's
 * keys, and the default's encoders write their SubjectPublicKeyInfo, both through `export`. Their signatures carry
 * names of their own: libcrypto first looks for a signature in any provider that takes the key, and would find the
 * default's, which has the public half only.
 */
#include "pki/signer_internal.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define PARAM_SIGNER TP_PKI_PROVIDER "-signer" /* the bytes of a pointer to the signer */
#define PROPERTIES   "provider=" TP_PKI_PROVIDER

static void *key_new(void *provider)
{
    (void)provider;
    return calloc(1, sizeof(struct tp_pki_key_data));
}

static void key_free(void *data)
{
    struct tp_pki_key_data *key = data;
    if (key != NULL && key->signer != NULL)
        tp_pki_signer_unref(key->signer);
    free(key);
}

static void *key_dup(const void *data, int selection)
{
    (void)selection;
    const struct tp_pki_key_data *key = data;
    struct tp_pki_key_data *copy = calloc(1, sizeof *copy);
    if (copy == NULL || key->signer == NULL)
        return copy;
    atomic_fetch_add(&key->signer->references, 1);
    copy->signer = key->signer;
    return copy;
}

/* Parameters, public and private key are all there, whatever is asked for. */
static int key_has(const void *data, int selection)
{
    (void)selection;
    const struct tp_pki_key_data *key = data;
    return key != NULL && key->signer != NULL;
}

static int key_match(const void *a, const void *b, int selection)
{
    (void)selection;
    const struct tp_pki_key_data *first = a, *second = b;
    return key_has(a, 0) && key_has(b, 0) &&
           tp_bytes_equal(tp_buf_bytes(&first->signer->spki), tp_buf_bytes(&second->signer->spki));
}

/* Only from tp_pki_signer_key_make: a public key of another provider, that libcrypto would have us take over, cannot
 * sign. */
static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
    (void)selection;
    struct tp_pki_key_data *key = data;
    const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, PARAM_SIGNER);
    if (param == NULL || param->data_type != OSSL_PARAM_OCTET_STRING || param->data_size != sizeof key->signer ||
        key->signer != NULL)
        return 0;
    memcpy(&key->signer, param->data, sizeof key->signer);
    atomic_fetch_add(&key->signer->references, 1);
    return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_string(PARAM_SIGNER, NULL, 0), OSSL_PARAM_END};
    (void)selection;
    return types;
}

/* The public half, whatever is asked for; the default provider's key of it knows how. */
static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *context)
{
    const struct tp_pki_key_data *key = data;
    OSSL_PARAM *params = NULL;
    if (!key_has(key, selection) || (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 ||
        EVP_PKEY_todata(key->signer->public_key, EVP_PKEY_PUBLIC_KEY, &params) != 1)
        return 0;
    const int done = callback(params, context);
    OSSL_PARAM_free(params);
    return done;
}

static const OSSL_PARAM *key_export_types(int selection)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                                       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0), OSSL_PARAM_END};
    return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL;
}

/* bits, security-bits, max-size, default-digest, mandatory-digest, group, …: what the public key says. */
static int key_get_params(void *data, OSSL_PARAM params[])
{
    const struct tp_pki_key_data *key = data;
    OSSL_PARAM *digest = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST);
    if (!key_has(key, 0) || EVP_PKEY_get_params(key->signer->public_key, params) != 1)
        return 0;
    const char *name =
        tp_pki_hash_libcrypto(key->signer->info.is_ed ? TP_PKI_HASH_NONE : tp_pki_signer_hash(key->signer));
    return digest == NULL || OSSL_PARAM_set_utf8_string(digest, name != NULL ? name : "") == 1;
}

static const OSSL_PARAM *key_gettable_params(void *provider)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
                                       OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
                                       OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
                                       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
                                       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
                                       OSSL_PARAM_END};
    (void)provider;
    return types;
}

/* ---- the tables ---- */

typedef void function(void);

#define KEY_FUNCTIONS(kind, signature)                                                                                 \
    static const char *kind##_operation_name(int operation)                                                            \
    {                                                                                                                  \
        return operation == OSSL_OP_SIGNATURE ? signature : NULL;                                                      \
    }                                                                                                                  \
    static const OSSL_DISPATCH kind##_functions[] = {                                                                  \
        {OSSL_FUNC_KEYMGMT_NEW, (function *)key_new},                                                                  \
        {OSSL_FUNC_KEYMGMT_FREE, (function *)key_free},                                                                \
        {OSSL_FUNC_KEYMGMT_DUP, (function *)key_dup},                                                                  \
        {OSSL_FUNC_KEYMGMT_HAS, (function *)key_has},                                                                  \
        {OSSL_FUNC_KEYMGMT_MATCH, (function *)key_match},                                                              \
        {OSSL_FUNC_KEYMGMT_IMPORT, (function *)key_import},                                                            \
        {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (function *)key_import_types},                                                \
        {OSSL_FUNC_KEYMGMT_EXPORT, (function *)key_export},                                                            \
        {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (function *)key_export_types},                                                \
        {OSSL_FUNC_KEYMGMT_GET_PARAMS, (function *)key_get_params},                                                    \
        {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (function *)key_gettable_params},                                          \
        {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (function *)kind##_operation_name},                                   \
        {0, NULL}}

KEY_FUNCTIONS(rsa, TP_PKI_PROVIDER "-RSA");
KEY_FUNCTIONS(ec, TP_PKI_PROVIDER "-ECDSA");
KEY_FUNCTIONS(ed25519, TP_PKI_PROVIDER "-ED25519");
KEY_FUNCTIONS(ed448, TP_PKI_PROVIDER "-ED448");

static const OSSL_ALGORITHM key_algorithms[] = {{"RSA", PROPERTIES, rsa_functions, NULL},
                                                {"EC", PROPERTIES, ec_functions, NULL},
                                                {"ED25519", PROPERTIES, ed25519_functions, NULL},
                                                {"ED448", PROPERTIES, ed448_functions, NULL},
                                                {NULL, NULL, NULL, NULL}};

static const OSSL_ALGORITHM *provider_query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT)
        return key_algorithms;
    return operation == OSSL_OP_SIGNATURE ? tp_pki_signature_algorithms : NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                         void **context)
{
    static const OSSL_DISPATCH functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function *)provider_query},
                                              {0, NULL}};
    static int nothing; /* libcrypto wants a context that is not NULL */
    (void)handle, (void)in;
    *out = functions;
    *context = &nothing;
    return 1;
}

/* ---- the key ---- */

enum tp_rc tp_pki_signer_key_make(struct tp_pki_signer *signer, EVP_PKEY **ret_key)
{
    OSSL_LIB_CTX *libctx = tp_crypto_libctx_with(TP_PKI_PROVIDER, provider_init);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(PARAM_SIGNER, (void *)&signer, sizeof(struct tp_pki_signer *)),
        OSSL_PARAM_construct_end()};
    const char *type = EVP_PKEY_get0_type_name(signer->public_key);
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context TP_AUTO(EVP_PKEY_CTX_free_p) =
        libctx != NULL && type != NULL ? EVP_PKEY_CTX_new_from_name(libctx, type, PROPERTIES) : NULL;
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
        return TP_CRYPTO;
    *ret_key = key;
    return TP_OK;
}
