/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/secret_key.h"
#include "p11/module.h"
#include "p11/rv.h"
#include "p11/secret_attribute.h"
#include "p11/session.h"

#include <stdlib.h>
#include <string.h>

static const struct type {
    CK_KEY_TYPE type;
    enum tp_p11_kind kind;
    enum tp_pki_hash hash; /* the only one that the key is for */
} types[] = {
    {CKK_GENERIC_SECRET, TP_P11_GENERIC, TP_PKI_HASH_NONE},
    {CKK_AES, TP_P11_AES, TP_PKI_HASH_NONE},
    {CKK_SHA_1_HMAC, TP_P11_GENERIC, TP_PKI_SHA1},
    {CKK_SHA224_HMAC, TP_P11_GENERIC, TP_PKI_SHA224},
    {CKK_SHA256_HMAC, TP_P11_GENERIC, TP_PKI_SHA256},
    {CKK_SHA384_HMAC, TP_P11_GENERIC, TP_PKI_SHA384},
    {CKK_SHA512_HMAC, TP_P11_GENERIC, TP_PKI_SHA512},
    {CKK_SHA512_224_HMAC, TP_P11_GENERIC, TP_PKI_SHA512_224},
    {CKK_SHA512_256_HMAC, TP_P11_GENERIC, TP_PKI_SHA512_256},
    {CKK_SHA3_224_HMAC, TP_P11_GENERIC, TP_PKI_SHA3_224},
    {CKK_SHA3_256_HMAC, TP_P11_GENERIC, TP_PKI_SHA3_256},
    {CKK_SHA3_384_HMAC, TP_P11_GENERIC, TP_PKI_SHA3_384},
    {CKK_SHA3_512_HMAC, TP_P11_GENERIC, TP_PKI_SHA3_512},
};
#define TYPES_LEN (sizeof(types) / sizeof(types[0]))

static const struct type *find_type(CK_KEY_TYPE wanted)
{
    for (size_t i = 0; i < TYPES_LEN; i++)
        if (types[i].type == wanted)
            return &types[i];
    return NULL;
}

/* Of the key that a mechanism generates. */
static const struct type *type_of_mechanism(const struct tp_p11_mechanism *mechanism)
{
    for (size_t i = 0; i < TYPES_LEN; i++)
        if (types[i].kind == mechanism->kind && types[i].hash == mechanism->hash)
            return &types[i];
    return NULL;
}

static bool is_len_of(const struct type *type, size_t len)
{
    if (type->kind == TP_P11_AES)
        return len == 16 || len == 24 || len == 32;
    return len >= 1 && len <= TP_P11_GENERIC_LEN_MAX;
}

/* ---- making ---- */

struct making {
    struct tp_p11_secret_making common;
    const struct type *type;
};

/* Private, as the user's keys are, unless a login elsewhere is enough (login = session): then nobody logs in here. */
static bool is_private(const struct tp_p11_call *call)
{
    return !call->module->session_login;
}

static enum tp_rc object_new(struct tp_secret *value, const struct tp_p11_key *key, struct tp_p11_object **ret_object)
{
    struct tp_p11_object *object = calloc(1, sizeof(*object));
    if (object == NULL) {
        tp_secret_free(value);
        return TP_MEMORY;
    }
    atomic_init(&object->refs, 1);
    object->class = CKO_SECRET_KEY;
    object->secret = value;
    object->key = *key;
    *ret_object = object;
    return TP_OK;
}

/* Takes over VALUE. */
static CK_RV make(struct making *making, struct tp_secret *value, struct tp_p11_object **ret_object)
{
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = NULL;
    const struct tp_p11_key key = {
        .kind = making->type->kind, .hash = making->type->hash, .bits = 8 * tp_secret_len(value)};
    if (object_new(value, &key, &object) != TP_OK)
        return CKR_HOST_MEMORY;
    making->common.type = making->type->type;
    making->common.object = object;
    CK_RV rv = tp_p11_secret_attributes_make(&making->common);
    if (rv != CKR_OK)
        return rv;
    object->is_private = tp_p11_attributes_bool(&object->attributes, CKA_PRIVATE);
    *ret_object = object;
    object = NULL;
    return CKR_OK;
}

/* What the template says before there is a key. CKA_TOKEN true is refused with the other attributes; but what a R/O
 * session hears is that it is one. */
static CK_RV check_begin(const struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    bool token = false;
    CK_RV rv = tp_p11_secret_attributes_check(template, count);
    if (rv == CKR_OK)
        rv = tp_p11_template_bool(template, count, CKA_TOKEN, false, &token);
    if (rv == CKR_OK && token && (call->session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    return rv;
}

static CK_RV type_of_template(const CK_ATTRIBUTE *template, CK_ULONG count, const struct type **ret_type)
{
    CK_KEY_TYPE wanted = CK_UNAVAILABLE_INFORMATION;
    CK_RV rv = tp_p11_template_ulong(template, count, CKA_KEY_TYPE, wanted, &wanted);
    if (rv != CKR_OK)
        return rv;
    if (wanted == CK_UNAVAILABLE_INFORMATION)
        return CKR_TEMPLATE_INCOMPLETE;
    *ret_type = find_type(wanted);
    return *ret_type == NULL ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
}

CK_RV tp_p11_secret_key_create(const struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                               struct tp_p11_object **ret_object)
{
    struct making making = {.common = {.template = template,
                                       .count = count,
                                       .generated_with = CK_UNAVAILABLE_INFORMATION,
                                       .private = is_private(call)}};
    struct tp_secret *value = NULL;
    CK_RV rv = check_begin(call, template, count);
    if (rv == CKR_OK)
        rv = type_of_template(template, count, &making.type);
    if (rv != CKR_OK)
        return rv;
    if (tp_p11_template_find(template, count, CKA_VALUE) == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    struct tp_bytes brought = tp_p11_template_value(template, count, CKA_VALUE);
    if (!is_len_of(making.type, brought.len))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (tp_secret_new_copy(brought, &value) != TP_OK)
        return CKR_HOST_MEMORY;
    return make(&making, value, ret_object);
}

static CK_RV check_unwrapped(const struct tp_p11_call *call, const struct tp_secret *value, struct making *making)
{
    CK_OBJECT_CLASS class = CK_UNAVAILABLE_INFORMATION;
    CK_RV rv = check_begin(call, making->common.template, making->common.count);
    if (rv == CKR_OK)
        rv = tp_p11_template_ulong(making->common.template, making->common.count, CKA_CLASS, class, &class);
    if (rv == CKR_OK && class == CK_UNAVAILABLE_INFORMATION)
        rv = CKR_TEMPLATE_INCOMPLETE;
    if (rv == CKR_OK)
        rv = type_of_template(making->common.template, making->common.count, &making->type);
    if (rv != CKR_OK)
        return rv;
    if (tp_p11_template_find(making->common.template, making->common.count, CKA_VALUE) != NULL)
        return CKR_TEMPLATE_INCONSISTENT;
    return is_len_of(making->type, tp_secret_len(value)) ? CKR_OK : CKR_WRAPPED_KEY_INVALID;
}

/* Extractable unless the template says otherwise (3.0 §5.18.4). */
CK_RV tp_p11_secret_key_unwrapped(const struct tp_p11_call *call, struct tp_secret *value, const CK_ATTRIBUTE *template,
                                  CK_ULONG count, struct tp_p11_object **ret_object)
{
    struct making making = {.common = {.template = template,
                                       .count = count,
                                       .generated_with = CK_UNAVAILABLE_INFORMATION,
                                       .private = is_private(call),
                                       .extractable = true}};
    CK_RV rv = check_unwrapped(call, value, &making);
    if (rv == CKR_OK)
        return make(&making, value, ret_object);
    tp_secret_free(value);
    return rv;
}

/* ---- generating ---- */

static CK_RV length_of_template(const struct type *type, const CK_ATTRIBUTE *template, CK_ULONG count, size_t *ret_len)
{
    CK_ULONG len = CK_UNAVAILABLE_INFORMATION;
    if (tp_p11_template_find(template, count, CKA_VALUE) != NULL)
        return CKR_TEMPLATE_INCONSISTENT;
    if (tp_p11_template_find(template, count, CKA_VALUE_LEN) == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    CK_RV rv = tp_p11_template_ulong(template, count, CKA_VALUE_LEN, len, &len);
    if (rv != CKR_OK)
        return rv;
    *ret_len = len;
    return is_len_of(type, len) ? CKR_OK : CKR_KEY_SIZE_RANGE;
}

static enum tp_rc random_secret(size_t len, struct tp_secret **ret_secret)
{
    struct tp_secret *secret TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(len, &secret));
    TP_TRY(tp_secret_set_len(secret, len));
    TP_TRY(tp_random(tp_secret_data(secret), len));
    *ret_secret = secret;
    secret = NULL;
    return TP_OK;
}

CK_RV tp_p11_secret_key_generate(const struct tp_p11_call *call, const CK_MECHANISM *mechanism,
                                 const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_p11_object **ret_object)
{
    TP_P11_ERRORS_KEEP;
    const struct tp_p11_mechanism *row = tp_p11_mechanism(mechanism->mechanism);
    struct tp_secret *value = NULL;
    size_t len = 0;
    if (row == NULL || row->mode != TP_P11_KEY_GEN)
        return CKR_MECHANISM_INVALID;
    if (mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    struct making making = {
        .common = {.template = template, .count = count, .generated_with = row->type, .private = is_private(call)},
        .type = type_of_mechanism(row)};
    CK_RV rv = check_begin(call, template, count);
    if (rv == CKR_OK)
        rv = length_of_template(making.type, template, count, &len);
    if (rv == CKR_OK)
        rv = tp_p11_rv(random_secret(len, &value));
    return rv != CKR_OK ? rv : make(&making, value, ret_object);
}
/* ---- copies and changes ---- */

CK_RV tp_p11_secret_key_copy(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                             struct tp_p11_object **ret_object)
{
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = NULL;
    struct tp_secret *value = NULL;
    if (tp_secret_new_copy(tp_secret_bytes(original->secret), &value) != TP_OK ||
        object_new(value, &original->key, &object) != TP_OK)
        return CKR_HOST_MEMORY;
    CK_RV rv = tp_p11_secret_attributes_copy(original, template, count, &object->attributes);
    if (rv != CKR_OK)
        return rv;
    object->is_private = tp_p11_attributes_bool(&object->attributes, CKA_PRIVATE);
    *ret_object = object;
    object = NULL;
    return CKR_OK;
}

/* ---- use ---- */

bool tp_p11_secret_key_is_for(const struct tp_p11_key *key, const struct tp_p11_mechanism *mechanism)
{
    return key->kind == mechanism->kind && (key->hash == TP_PKI_HASH_NONE || key->hash == mechanism->hash);
}

bool tp_p11_secret_key_is_open(const struct tp_p11_object *key)
{
    return !tp_p11_attributes_bool(&key->attributes, CKA_SENSITIVE) &&
           tp_p11_attributes_bool(&key->attributes, CKA_EXTRACTABLE);
}

static CK_RV read_value(const struct tp_p11_object *key, CK_ATTRIBUTE *wanted)
{
    struct tp_bytes value = tp_secret_bytes(key->secret);
    CK_ULONG room = wanted->ulValueLen;
    wanted->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (!tp_p11_secret_key_is_open(key))
        return CKR_ATTRIBUTE_SENSITIVE;
    if (wanted->pValue != NULL && room < value.len)
        return CKR_BUFFER_TOO_SMALL;
    if (wanted->pValue != NULL)
        memcpy(wanted->pValue, value.data, value.len);
    wanted->ulValueLen = value.len;
    return CKR_OK;
}

CK_RV tp_p11_secret_key_read(const struct tp_p11_object *key, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV first = CKR_OK;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV rv = template[i].type == CKA_VALUE ? read_value(key, &template[i])
                                                 : tp_p11_attributes_read(&key->attributes, &template[i], 1);
        if (first == CKR_OK)
            first = rv;
    }
    return first;
}

static bool is_allowed(const struct tp_p11_object *key, CK_MECHANISM_TYPE type)
{
    struct tp_bytes allowed = tp_p11_attributes_value(&key->attributes, CKA_ALLOWED_MECHANISMS);
    for (size_t i = 0; i + sizeof(type) <= allowed.len; i += sizeof(type))
        if (memcmp(allowed.data + i, &type, sizeof(type)) == 0)
            return true;
    return false;
}

CK_RV tp_p11_secret_key_check(const struct tp_p11_object *key, const struct tp_p11_mechanism *mechanism,
                              CK_ATTRIBUTE_TYPE usage)
{
    if (key->key.kind == TP_P11_NO_KEY)
        return CKR_KEY_HANDLE_INVALID;
    if (key->secret == NULL || !tp_p11_secret_key_is_for(&key->key, mechanism))
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!tp_p11_attributes_bool(&key->attributes, usage) || !is_allowed(key, mechanism->type))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    return CKR_OK;
}
