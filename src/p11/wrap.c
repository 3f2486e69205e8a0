/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/wrap.h"
#include "p11/digest.h"
#include "p11/objects.h"
#include "p11/rv.h"
#include "p11/secret_key.h"
#include "p11/session.h"
#include "p11/slot.h"

#include <string.h>

#define BLOCK       8 /* bytes: half of one of AES */
#define WRAPPED_MAX (TP_P11_GENERIC_LEN_MAX + BLOCK)

TP_DEFINE_AUTO(EVP_CIPHER, EVP_CIPHER_free)
TP_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

/* ---- libcrypto ---- */

static const struct wrapping {
    const char *names[3]; /* libcrypto's, by the key's length */
    size_t iv_len;        /* of the parameter, when there is one (mechanisms 3.0 §2.14) */
} wrappings[] = {
    [TP_P11_KW] = {{"AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP"}, 8},
    [TP_P11_KWP] = {{"AES-128-WRAP-PAD", "AES-192-WRAP-PAD", "AES-256-WRAP-PAD"}, 4},
};

/* Without a parameter it is the specification's own IV (RFC 3394 §2.2.3.1, RFC 5649 §3). */
static CK_RV check_parameter(const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism)
{
    if (mechanism->ulParameterLen == 0)
        return CKR_OK;
    bool right = mechanism->pParameter != NULL && mechanism->ulParameterLen == wrappings[row->mode].iv_len;
    return right ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

struct with {
    const struct tp_p11_mechanism *row;
    const uint8_t *iv; /* NULL: the specification's */
    struct tp_bytes key;
    bool unwrapping;
};

/* TP_DATA when what is unwrapped was not wrapped with this key. */
static enum tp_rc run(const struct with *with, struct tp_bytes in, uint8_t *out, size_t *ret_len)
{
    TP_P11_ERRORS_KEEP;
    const char *name = wrappings[with->row->mode].names[with->key.len / 8 - 2];
    EVP_CIPHER *method TP_AUTO(EVP_CIPHER_free_p) = EVP_CIPHER_fetch(tp_crypto_libctx(), name, NULL);
    EVP_CIPHER_CTX *ctx TP_AUTO(EVP_CIPHER_CTX_free_p) = EVP_CIPHER_CTX_new();
    int len = 0;
    if (method == NULL || ctx == NULL)
        return TP_MEMORY;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex2(ctx, method, with->key.data, with->iv, with->unwrapping ? 0 : 1, NULL) != 1)
        return TP_CRYPTO;
    if (EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) != 1 || len <= 0)
        return with->unwrapping ? TP_DATA : TP_CRYPTO;
    *ret_len = (size_t)len;
    return TP_OK;
}

/* ---- keys ---- */

/* What a call answers of the key that wraps, in the place of what others answer. */
struct answers {
    CK_RV handle, type;
};
static const struct answers wrapping_answers = {CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPING_KEY_TYPE_INCONSISTENT};
static const struct answers unwrapping_answers = {CKR_UNWRAPPING_KEY_HANDLE_INVALID,
                                                  CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT};

static CK_RV answer(const struct answers *answers, CK_RV rv)
{
    return rv == CKR_KEY_HANDLE_INVALID ? answers->handle : rv == CKR_KEY_TYPE_INCONSISTENT ? answers->type : rv;
}

static CK_RV get_key(const struct tp_p11_call *call, CK_OBJECT_HANDLE handle, struct tp_p11_object **ret_key)
{
    struct tp_p11_slot *slot = call->session->slot;
    struct tp_p11_object *key TP_AUTO(tp_p11_object_unref_p) = tp_p11_inventory_get(slot, handle, true);
    if (key == NULL)
        return CKR_KEY_HANDLE_INVALID;
    if (key->is_private && !tp_p11_login_seems_open(slot))
        return CKR_USER_NOT_LOGGED_IN;
    *ret_key = key;
    key = NULL;
    return CKR_OK;
}

static CK_RV find_row(const CK_MECHANISM *mechanism, CK_FLAGS use, const struct tp_p11_mechanism **ret_row)
{
    const struct tp_p11_mechanism *row = tp_p11_mechanism(mechanism->mechanism);
    if (row == NULL || (row->flags & use) == 0)
        return CKR_MECHANISM_INVALID;
    *ret_row = row;
    return check_parameter(row, mechanism);
}

/* Whether a key may be taken out. No key here is CKA_TRUSTED. */
static CK_RV check_wrapped(const struct tp_p11_object *key)
{
    if (key->key.kind == TP_P11_NO_KEY)
        return CKR_KEY_HANDLE_INVALID;
    if (key->class == CKO_PUBLIC_KEY)
        return CKR_KEY_NOT_WRAPPABLE;
    if (!tp_p11_attributes_bool(&key->attributes, CKA_EXTRACTABLE))
        return CKR_KEY_UNEXTRACTABLE; /* users' private keys, always */
    return key->secret == NULL || tp_p11_attributes_bool(&key->attributes, CKA_WRAP_WITH_TRUSTED)
               ? CKR_KEY_NOT_WRAPPABLE
               : CKR_OK;
}

/* ---- wrapping ---- */

static CK_RV wrap_value(const struct with *with, struct tp_bytes value, CK_BYTE *ret_wrapped, CK_ULONG *ret_len)
{
    uint8_t wrapped[WRAPPED_MAX + BLOCK];
    size_t len = 0, needed = (value.len + BLOCK - 1) / BLOCK * BLOCK + BLOCK;
    CK_RV rv;
    if (with->row->mode == TP_P11_KW && (value.len % BLOCK != 0 || value.len < 2 * BLOCK))
        return CKR_KEY_SIZE_RANGE; /* RFC 3394 §2 */
    if (!tp_p11_has_room(ret_wrapped, ret_len, needed, &rv))
        return rv;
    enum tp_rc rc = run(with, value, wrapped, &len);
    if (rc == TP_OK && len != needed)
        rc = TP_INTERNAL;
    if (rc == TP_OK)
        memcpy(ret_wrapped, wrapped, needed);
    return tp_p11_rv(rc);
}

CK_RV tp_p11_wrap(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_handle,
                  CK_OBJECT_HANDLE key_handle, CK_BYTE *ret_wrapped, CK_ULONG *ret_len)
{
    struct tp_p11_object *wrapping TP_AUTO(tp_p11_object_unref_p) = NULL, *key TP_AUTO(tp_p11_object_unref_p) = NULL;
    struct with with = {0};
    if (mechanism == NULL || ret_len == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = find_row(mechanism, CKF_WRAP, &with.row);
    if (rv == CKR_OK)
        rv = answer(&wrapping_answers, get_key(call, wrapping_handle, &wrapping));
    if (rv == CKR_OK)
        rv = answer(&wrapping_answers, tp_p11_secret_key_check(wrapping, with.row, CKA_WRAP));
    if (rv == CKR_OK)
        rv = get_key(call, key_handle, &key);
    if (rv == CKR_OK)
        rv = check_wrapped(key);
    if (rv != CKR_OK)
        return rv;
    with.iv = mechanism->ulParameterLen == 0 ? NULL : mechanism->pParameter;
    with.key = tp_secret_bytes(wrapping->secret);
    return wrap_value(&with, tp_secret_bytes(key->secret), ret_wrapped, ret_len);
}

/* ---- unwrapping ---- */

static bool is_wrapped_len(const struct tp_p11_mechanism *row, size_t len)
{
    return len % BLOCK == 0 && len <= WRAPPED_MAX && len >= (row->mode == TP_P11_KW ? 3 : 2) * BLOCK;
}

static CK_RV unwrap_value(const struct with *with, struct tp_bytes wrapped, struct tp_secret **ret_value)
{
    struct tp_secret *value TP_AUTO(tp_secret_free_p) = NULL;
    size_t len = 0;
    if (!is_wrapped_len(with->row, wrapped.len))
        return CKR_WRAPPED_KEY_LEN_RANGE;
    enum tp_rc rc = tp_secret_new(wrapped.len + BLOCK, &value);
    if (rc == TP_OK)
        rc = run(with, wrapped, tp_secret_data(value), &len);
    if (rc == TP_OK)
        rc = tp_secret_set_len(value, len);
    if (rc != TP_OK)
        return rc == TP_DATA ? CKR_WRAPPED_KEY_INVALID : tp_p11_rv(rc);
    *ret_value = value;
    value = NULL;
    return CKR_OK;
}

static CK_RV unwrap_with(struct tp_p11_call *call, const struct with *with, struct tp_bytes wrapped,
                         const CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    struct tp_secret *value = NULL;
    struct tp_p11_object *object = NULL;
    CK_RV rv = unwrap_value(with, wrapped, &value);
    if (rv == CKR_OK)
        rv = tp_p11_secret_key_unwrapped(call, value, template, count, &object);
    return rv == CKR_OK ? tp_p11_objects_add(call, object, ret_key) : rv;
}

CK_RV tp_p11_unwrap(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_handle,
                    struct tp_bytes wrapped, const CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    struct tp_p11_object *unwrapping TP_AUTO(tp_p11_object_unref_p) = NULL;
    struct with with = {.unwrapping = true};
    if (mechanism == NULL || ret_key == NULL || wrapped.data == NULL ||
        tp_p11_template_check(template, count) != CKR_OK)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = find_row(mechanism, CKF_UNWRAP, &with.row);
    if (rv == CKR_OK)
        rv = answer(&unwrapping_answers, get_key(call, unwrapping_handle, &unwrapping));
    if (rv == CKR_OK)
        rv = answer(&unwrapping_answers, tp_p11_secret_key_check(unwrapping, with.row, CKA_UNWRAP));
    if (rv != CKR_OK)
        return rv;
    with.iv = mechanism->ulParameterLen == 0 ? NULL : mechanism->pParameter;
    with.key = tp_secret_bytes(unwrapping->secret);
    return unwrap_with(call, &with, wrapped, template, count, ret_key);
}
