/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/mac.h"
#include "p11/rv.h"

#include <openssl/core_names.h>
#include <string.h>

#define CMAC_LEN 16

TP_DEFINE_AUTO(EVP_MAC, EVP_MAC_free)
TP_DEFINE_AUTO(EVP_MAC_CTX, EVP_MAC_CTX_free)

bool tp_p11_mac_is(const struct tp_p11_mechanism *mechanism)
{
    return mechanism->mode >= TP_P11_HMAC && mechanism->mode <= TP_P11_CMAC_GENERAL;
}

void tp_p11_mac_clear(struct tp_p11_mac *mac)
{
    EVP_MAC_CTX_free(mac->ctx);
    *mac = (struct tp_p11_mac){0};
}

static bool is_general(const struct tp_p11_mechanism *row)
{
    return row->mode == TP_P11_HMAC_GENERAL || row->mode == TP_P11_CMAC_GENERAL;
}

static bool is_hmac(const struct tp_p11_mechanism *row)
{
    return row->mode == TP_P11_HMAC || row->mode == TP_P11_HMAC_GENERAL;
}

/* CK_MAC_GENERAL_PARAMS (mechanisms 3.0 §2.20.3): a length. 0 is refused: such a signature verifies with everything. */
static CK_RV len_of(const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism, size_t *ret_len)
{
    CK_ULONG len = 0;
    size_t full_len = is_hmac(row) ? tp_pki_hash_len(row->hash) : CMAC_LEN;
    if (!is_general(row)) {
        *ret_len = full_len;
        return mechanism->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
    }
    if (mechanism->pParameter == NULL || mechanism->ulParameterLen != sizeof(len))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&len, mechanism->pParameter, sizeof(len));
    if (len == 0 || len > full_len)
        return CKR_MECHANISM_PARAM_INVALID;
    *ret_len = len;
    return CKR_OK;
}

static enum tp_rc ctx_new(const struct tp_p11_mechanism *row, struct tp_bytes key, EVP_MAC_CTX **ret_ctx)
{
    char cbc[] = "AES-256-CBC", hash[16] = "";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
    EVP_MAC *method TP_AUTO(EVP_MAC_free_p) = EVP_MAC_fetch(tp_crypto_libctx(), is_hmac(row) ? "HMAC" : "CMAC", NULL);
    EVP_MAC_CTX *ctx TP_AUTO(EVP_MAC_CTX_free_p) = method == NULL ? NULL : EVP_MAC_CTX_new(method);
    if (ctx == NULL)
        return TP_MEMORY;
    if (is_hmac(row)) {
        strncpy(hash, tp_pki_hash_libcrypto(row->hash), sizeof(hash) - 1);
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0);
    } else {
        memcpy(cbc, key.len == 16 ? "AES-128" : key.len == 24 ? "AES-192" : "AES-256", 7);
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cbc, 0);
    }
    if (EVP_MAC_init(ctx, key.data, key.len, params) != 1)
        return TP_CRYPTO;
    *ret_ctx = ctx;
    ctx = NULL;
    return TP_OK;
}

CK_RV tp_p11_mac_begin(struct tp_p11_mac *mac, const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism,
                       const struct tp_p11_object *key)
{
    TP_P11_ERRORS_KEEP;
    struct tp_p11_mac new = {0};
    CK_RV rv = len_of(row, mechanism, &new.len);
    if (rv == CKR_OK)
        rv = tp_p11_rv(ctx_new(row, tp_secret_bytes(key->secret), &new.ctx));
    if (rv == CKR_OK)
        *mac = new;
    return rv;
}

enum tp_rc tp_p11_mac_begin_like(struct tp_p11_mac *mac, const struct tp_p11_mac *model)
{
    TP_P11_ERRORS_KEEP;
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(model->ctx);
    if (ctx == NULL)
        return TP_MEMORY;
    *mac = (struct tp_p11_mac){ctx, model->len};
    return TP_OK;
}

enum tp_rc tp_p11_mac_update(struct tp_p11_mac *mac, struct tp_bytes part)
{
    TP_P11_ERRORS_KEEP;
    return part.len == 0 || EVP_MAC_update(mac->ctx, part.data, part.len) == 1 ? TP_OK : TP_CRYPTO;
}

enum tp_rc tp_p11_mac_finish(struct tp_p11_mac *mac, uint8_t ret_value[TP_P11_MAC_MAX])
{
    TP_P11_ERRORS_KEEP;
    size_t len = 0;
    return EVP_MAC_final(mac->ctx, ret_value, &len, TP_P11_MAC_MAX) == 1 && len >= mac->len ? TP_OK : TP_CRYPTO;
}
