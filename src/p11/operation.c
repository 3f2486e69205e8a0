/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/operation.h"
#include "p11/rv.h"
#include "p11/secret_key.h"
#include "p11/session.h"
#include "p11/slot.h"

#include <string.h>

#define ECDSA_INPUT_MOST 64          /* bytes of the longest hash */
#define EDDSA_INPUT_MOST (12u << 10) /* bytes: the message goes to the engine, in a request of 16 KiB at most */
#define PKCS1_PADDING    11          /* bytes, RFC 8017 §9.2 */

void tp_p11_operation_clear(struct tp_p11_operation *operation)
{
    tp_p11_operation_end(operation);
    tp_p11_hash_clear(&operation->hash);
}

void tp_p11_operation_end(struct tp_p11_operation *operation)
{
    tp_p11_object_unref(operation->key);
    operation->key = NULL;
    operation->mechanism = NULL;
    operation->in_parts = false;
    operation->authorised = false;
    tp_buf_clear(&operation->parts);
    tp_p11_mac_clear(&operation->mac);
}

/* ---- beginning ---- */

static CK_RV check_key(const struct tp_p11_object *key, const struct tp_p11_mechanism *row, CK_FLAGS use)
{
    bool signing = use == CKF_SIGN;
    if (tp_p11_mac_is(row))
        return tp_p11_secret_key_check(key, row, signing ? CKA_SIGN : CKA_VERIFY);
    if (key->secret != NULL)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (key->class != (signing ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY))
        return key->class == CKO_PRIVATE_KEY || key->class == CKO_PUBLIC_KEY ? CKR_KEY_FUNCTION_NOT_PERMITTED
                                                                             : CKR_KEY_HANDLE_INVALID;
    if (key->key.kind != row->kind)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!tp_p11_attributes_bool(&key->attributes, signing ? CKA_SIGN : CKA_VERIFY))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    return CKR_OK;
}

/* A private key that is not seen any more since the login has ended: "not logged in" makes consumers ask for the PIN
 * again, where "no such key" makes them give up. The login is judged by the clock and by what is known here: beginning
 * must not cost a round trip, and the engine judges again before it signs. */
static CK_RV check_login(struct tp_p11_slot *slot, const struct tp_p11_object *key)
{
    return key->is_private && !tp_p11_login_seems_open(slot) ? CKR_USER_NOT_LOGGED_IN : CKR_OK;
}

static CK_RV begin_primitive(struct tp_p11_operation *operation, const struct tp_p11_object *key,
                             const struct tp_p11_mechanism *row, CK_FLAGS use, const CK_MECHANISM *mechanism)
{
    CK_RV rv = tp_p11_mechanism_parameter(row, mechanism, use, key->key.bits, &operation->pss);
    if (rv == CKR_OK && row->hash != TP_PKI_HASH_NONE)
        rv = tp_p11_rv(tp_p11_hash_begin(&operation->hash, row->hash));
    operation->signature_len = key->key.signature_len;
    return rv;
}

static CK_RV begin_mac(struct tp_p11_operation *operation, const struct tp_p11_object *key,
                       const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism)
{
    CK_RV rv = tp_p11_mac_begin(&operation->mac, row, mechanism, key);
    operation->signature_len = operation->mac.len;
    return rv;
}

static CK_RV begin(struct tp_p11_operation *operation, struct tp_p11_object *key, const struct tp_p11_mechanism *row,
                   CK_FLAGS use, const CK_MECHANISM *mechanism)
{
    CK_RV rv = check_key(key, row, use);
    if (rv == CKR_OK)
        rv = tp_p11_mac_is(row) ? begin_mac(operation, key, row, mechanism)
                                : begin_primitive(operation, key, row, use, mechanism);
    if (rv != CKR_OK)
        return rv;
    operation->mechanism = row;
    operation->key = tp_p11_object_ref(key);
    return CKR_OK;
}

CK_RV tp_p11_operation_key(struct tp_p11_call *call, CK_FLAGS use, const CK_MECHANISM *mechanism,
                           CK_OBJECT_HANDLE key_handle, const struct tp_p11_mechanism **ret_row,
                           struct tp_p11_object **ret_key)
{
    const struct tp_p11_mechanism *row = tp_p11_mechanism(mechanism->mechanism);
    if (row == NULL || (row->flags & use) == 0)
        return CKR_MECHANISM_INVALID;
    struct tp_p11_object *key = tp_p11_inventory_get(call->session->slot, key_handle, true);
    if (key == NULL)
        return CKR_KEY_HANDLE_INVALID;
    CK_RV rv = check_login(call->session->slot, key);
    if (rv != CKR_OK) {
        tp_p11_object_unref(key);
        return rv;
    }
    *ret_row = row;
    *ret_key = key;
    return CKR_OK;
}

CK_RV tp_p11_operation_begin(struct tp_p11_call *call, struct tp_p11_operation *operation, CK_FLAGS use,
                             const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key_handle)
{
    const struct tp_p11_mechanism *row = NULL;
    struct tp_p11_object *key TP_AUTO(tp_p11_object_unref_p) = NULL;
    bool active = operation->mechanism != NULL;
    if (mechanism == NULL) { /* 3.0 §5.13.1: ends what is active */
        tp_p11_operation_end(operation);
        return active ? CKR_OK : CKR_ARGUMENTS_BAD;
    }
    if (active)
        return CKR_OPERATION_ACTIVE;
    CK_RV rv = tp_p11_operation_key(call, use, mechanism, key_handle, &row, &key);
    return rv == CKR_OK ? begin(operation, key, row, use, mechanism) : rv;
}

CK_RV tp_p11_operation_begin_like(struct tp_p11_operation *operation, struct tp_p11_operation *model)
{
    CK_RV rv = CKR_OK;
    if (tp_p11_mac_is(model->mechanism))
        rv = tp_p11_rv(tp_p11_mac_begin_like(&operation->mac, &model->mac));
    else if (model->mechanism->hash != TP_PKI_HASH_NONE)
        rv = tp_p11_rv(tp_p11_hash_begin(&operation->hash, model->mechanism->hash));
    if (rv != CKR_OK)
        return rv;
    operation->mechanism = model->mechanism;
    operation->key = tp_p11_object_ref(model->key);
    operation->signature_len = model->signature_len;
    operation->pss = model->pss;
    operation->authorised = model->authorised;
    memcpy(operation->authorisation, model->authorisation, sizeof(operation->authorisation));
    model->authorised = false;
    return CKR_OK;
}

/* ---- data ---- */

/* How much a primitive takes, at least and at most. PSS takes exactly a hash. */
static void input_limits(const struct tp_p11_operation *operation, size_t *ret_least, size_t *ret_most)
{
    *ret_least = 0;
    *ret_most = 0;
    switch (operation->mechanism->primitive) {
    case TP_IPC_RSA_PKCS:
        *ret_most = operation->signature_len - PKCS1_PADDING;
        break;
    case TP_IPC_RSA_PSS:
        *ret_least = *ret_most = tp_pki_hash_len(operation->pss.hash);
        break;
    case TP_IPC_ECDSA:
        *ret_least = 1;
        *ret_most = ECDSA_INPUT_MOST;
        break;
    case TP_IPC_EDDSA:
        *ret_most = EDDSA_INPUT_MOST;
        break;
    }
}

static CK_RV add_part(struct tp_p11_operation *operation, struct tp_bytes part)
{
    size_t least, most;
    if (!tp_p11_is_memory(part))
        return CKR_ARGUMENTS_BAD;
    if (tp_p11_mac_is(operation->mechanism))
        return tp_p11_rv(tp_p11_mac_update(&operation->mac, part));
    if (operation->mechanism->hash != TP_PKI_HASH_NONE)
        return tp_p11_rv(tp_p11_hash_update(&operation->hash, part));
    input_limits(operation, &least, &most);
    if (part.len > most - operation->parts.len)
        return CKR_DATA_LEN_RANGE;
    return tp_p11_rv(tp_buf_append(&operation->parts, part));
}

CK_RV tp_p11_operation_update(struct tp_p11_operation *operation, struct tp_bytes part)
{
    operation->in_parts = true;
    CK_RV rv = add_part(operation, part);
    if (rv != CKR_OK)
        tp_p11_operation_end(operation);
    return rv;
}

static CK_RV hashed_input(struct tp_p11_operation *operation, const struct tp_bytes *data,
                          uint8_t room[TP_P11_INPUT_ROOM], struct tp_bytes *ret_input)
{
    uint8_t hash[TP_P11_HASH_MAX];
    size_t hash_len = tp_pki_hash_len(operation->mechanism->hash), len = hash_len;
    CK_RV rv = data == NULL ? CKR_OK : add_part(operation, *data);
    if (rv != CKR_OK)
        return rv;
    enum tp_rc rc = tp_p11_hash_finish(&operation->hash, hash);
    if (rc == TP_OK && operation->mechanism->primitive == TP_IPC_RSA_PKCS)
        rc = tp_pki_digest_info_make(operation->mechanism->hash, TP_BYTES(hash, hash_len), room, &len);
    else if (rc == TP_OK)
        memcpy(room, hash, hash_len);
    if (rc == TP_OK)
        *ret_input = TP_BYTES(room, len);
    return tp_p11_rv(rc);
}

static CK_RV raw_input(const struct tp_p11_operation *operation, const struct tp_bytes *data,
                       struct tp_bytes *ret_input)
{
    size_t least, most;
    struct tp_bytes input = data == NULL ? tp_buf_bytes(&operation->parts) : *data;
    if (!tp_p11_is_memory(input))
        return CKR_ARGUMENTS_BAD;
    input_limits(operation, &least, &most);
    if (input.len < least || input.len > most)
        return CKR_DATA_LEN_RANGE;
    *ret_input = input;
    return CKR_OK;
}

CK_RV tp_p11_operation_mac(struct tp_p11_operation *operation, const struct tp_bytes *data,
                           uint8_t ret_value[TP_P11_MAC_MAX])
{
    CK_RV rv = data == NULL ? CKR_OK : add_part(operation, *data);
    return rv != CKR_OK ? rv : tp_p11_rv(tp_p11_mac_finish(&operation->mac, ret_value));
}

CK_RV tp_p11_operation_input(struct tp_p11_operation *operation, const struct tp_bytes *data,
                             uint8_t room[TP_P11_INPUT_ROOM], struct tp_bytes *ret_input)
{
    if (operation->mechanism->hash != TP_PKI_HASH_NONE)
        return hashed_input(operation, data, room, ret_input);
    return raw_input(operation, data, ret_input);
}
