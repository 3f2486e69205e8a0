/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/digest.h"
#include "base/crypto.h"
#include "p11/mechanism.h"
#include "p11/rv.h"
#include "p11/secret_key.h"
#include "p11/session.h"
#include "p11/slot.h"

#include <string.h>

/* ---- the context ---- */

void tp_p11_hash_clear(struct tp_p11_hash *hash)
{
    EVP_MD_CTX_free(hash->ctx);
    hash->ctx = NULL;
}

enum tp_rc tp_p11_hash_begin(struct tp_p11_hash *hash, enum tp_pki_hash which)
{
    const EVP_MD *md = tp_crypto_digest(tp_pki_hash_libcrypto(which));
    if (hash->ctx == NULL)
        hash->ctx = EVP_MD_CTX_new();
    if (md == NULL || hash->ctx == NULL)
        return TP_MEMORY;
    return EVP_DigestInit_ex2(hash->ctx, md, NULL) == 1 ? TP_OK : TP_CRYPTO;
}

enum tp_rc tp_p11_hash_update(struct tp_p11_hash *hash, struct tp_bytes part)
{
    return part.len == 0 || EVP_DigestUpdate(hash->ctx, part.data, part.len) == 1 ? TP_OK : TP_CRYPTO;
}

enum tp_rc tp_p11_hash_finish(struct tp_p11_hash *hash, uint8_t ret_hash[TP_P11_HASH_MAX])
{
    unsigned len = 0;
    uint8_t value[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(hash->ctx, value, &len) != 1 || len > TP_P11_HASH_MAX)
        return TP_CRYPTO;
    memcpy(ret_hash, value, len);
    return TP_OK;
}

bool tp_p11_has_room(const CK_BYTE *output, CK_ULONG *ret_len, size_t needed, CK_RV *ret_rv)
{
    CK_ULONG room = *ret_len;
    *ret_len = needed;
    *ret_rv = output != NULL && room < needed ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    return output != NULL && room >= needed;
}

bool tp_p11_is_memory(struct tp_bytes bytes)
{
    return (bytes.data != NULL || bytes.len == 0) && bytes.len <= PTRDIFF_MAX;
}

/* ---- C_Digest… ---- */

void tp_p11_digest_clear(struct tp_p11_digest *digest)
{
    tp_p11_hash_clear(&digest->hash);
}

void tp_p11_digest_end(struct tp_p11_digest *digest)
{
    digest->which = TP_PKI_HASH_NONE;
    digest->in_parts = false;
}

CK_RV tp_p11_digest_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism)
{
    struct tp_p11_digest *digest = &call->session->digest;
    bool active = digest->which != TP_PKI_HASH_NONE;
    if (mechanism == NULL) { /* 3.0 §5.12.1: ends what is active */
        tp_p11_digest_end(digest);
        return active ? CKR_OK : CKR_ARGUMENTS_BAD;
    }
    if (active)
        return CKR_OPERATION_ACTIVE;
    const struct tp_p11_mechanism *row = tp_p11_mechanism(mechanism->mechanism);
    if (row == NULL || (row->flags & CKF_DIGEST) == 0)
        return CKR_MECHANISM_INVALID;
    if (mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    enum tp_rc rc = tp_p11_hash_begin(&digest->hash, row->hash);
    if (rc == TP_OK)
        digest->which = row->hash;
    return tp_p11_rv(rc);
}

static CK_RV update(struct tp_p11_digest *digest, struct tp_bytes part)
{
    if (!tp_p11_is_memory(part)) {
        tp_p11_digest_end(digest);
        return CKR_ARGUMENTS_BAD;
    }
    enum tp_rc rc = tp_p11_hash_update(&digest->hash, part);
    if (rc != TP_OK)
        tp_p11_digest_end(digest);
    return tp_p11_rv(rc);
}

static CK_RV finish(struct tp_p11_digest *digest, CK_BYTE *ret_digest)
{
    uint8_t value[TP_P11_HASH_MAX];
    enum tp_rc rc = tp_p11_hash_finish(&digest->hash, value);
    if (rc == TP_OK)
        memcpy(ret_digest, value, tp_pki_hash_len(digest->which));
    tp_p11_digest_end(digest);
    return tp_p11_rv(rc);
}

CK_RV tp_p11_digest_whole(struct tp_p11_call *call, struct tp_bytes data, CK_BYTE *ret_digest, CK_ULONG *ret_len)
{
    struct tp_p11_digest *digest = &call->session->digest;
    CK_RV rv;
    if (digest->which == TP_PKI_HASH_NONE)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (digest->in_parts)
        return CKR_OPERATION_ACTIVE;
    if (ret_len == NULL) {
        tp_p11_digest_end(digest);
        return CKR_ARGUMENTS_BAD;
    }
    if (!tp_p11_has_room(ret_digest, ret_len, tp_pki_hash_len(digest->which), &rv))
        return rv;
    rv = update(digest, data);
    return rv != CKR_OK ? rv : finish(digest, ret_digest);
}

CK_RV tp_p11_digest_update(struct tp_p11_call *call, struct tp_bytes part)
{
    struct tp_p11_digest *digest = &call->session->digest;
    if (digest->which == TP_PKI_HASH_NONE)
        return CKR_OPERATION_NOT_INITIALIZED;
    digest->in_parts = true;
    return update(digest, part);
}

/* A key whose value may not be seen is not hashed either: for a short one the hash would be as good as the value. */
static CK_RV update_with(struct tp_p11_digest *digest, const struct tp_p11_object *key)
{
    if (key->secret != NULL && tp_p11_secret_key_is_open(key))
        return update(digest, tp_secret_bytes(key->secret));
    tp_p11_digest_end(digest);
    return CKR_KEY_INDIGESTIBLE;
}

CK_RV tp_p11_digest_key(struct tp_p11_call *call, CK_OBJECT_HANDLE key)
{
    struct tp_p11_slot *slot = call->session->slot;
    struct tp_p11_digest *digest = &call->session->digest;
    if (digest->which == TP_PKI_HASH_NONE)
        return CKR_OPERATION_NOT_INITIALIZED;
    digest->in_parts = true;
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) =
        tp_p11_inventory_get(slot, key, tp_p11_login_is_open(slot));
    if (object != NULL)
        return update_with(digest, object);
    tp_p11_digest_end(digest);
    return CKR_KEY_HANDLE_INVALID;
}

CK_RV tp_p11_digest_final(struct tp_p11_call *call, CK_BYTE *ret_digest, CK_ULONG *ret_len)
{
    struct tp_p11_digest *digest = &call->session->digest;
    CK_RV rv;
    if (digest->which == TP_PKI_HASH_NONE)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (ret_len == NULL) {
        tp_p11_digest_end(digest);
        return CKR_ARGUMENTS_BAD;
    }
    if (!tp_p11_has_room(ret_digest, ret_len, tp_pki_hash_len(digest->which), &rv))
        return rv;
    return finish(digest, ret_digest);
}
