/* SPDX-License-Identifier: Apache-2.0
 *
 * Session objects: public keys and certificates that a program brings along to verify with (Java), and copies of token
 * objects (pkcs11-provider). Private keys cannot be brought: there is no way for them into the HSM from here.
 */
#include "p11/object.h"

#include <stdlib.h>
#include <string.h>

/* What a template may say freely. Attributes that are not here must be as they are in the original. */
static const struct {
    CK_ATTRIBUTE_TYPE type;
    bool on_copy; /* and in C_SetAttributeValue; else only in C_CreateObject */
} changeable[] = {
    {CKA_LABEL, true},
    {CKA_ID, true},
    {CKA_SUBJECT, true},
    {CKA_START_DATE, true},
    {CKA_END_DATE, true},
    {CKA_TOKEN, true},
    {CKA_PRIVATE, true},
    {CKA_MODIFIABLE, true},
    {CKA_COPYABLE, true},
    {CKA_DESTROYABLE, true},
    {CKA_VERIFY, false},
    {CKA_VERIFY_RECOVER, false},
    {CKA_ENCRYPT, false},
    {CKA_WRAP, false},
    {CKA_DERIVE, false},
    {CKA_EC_PARAMS, false}, /* of Edwards curves: OBJECT IDENTIFIER or name */
    {CKA_EC_POINT, false},  /* with or without its OCTET STRING */
    {CKA_ISSUER, false},
    {CKA_SERIAL_NUMBER, false},
    {CKA_URL, false},
    {CKA_CERTIFICATE_CATEGORY, false},
    {CKA_HASH_OF_SUBJECT_PUBLIC_KEY, false},
    {CKA_HASH_OF_ISSUER_PUBLIC_KEY, false},
};

static bool is_changeable(CK_ATTRIBUTE_TYPE type, bool copying)
{
    for (size_t i = 0; i < sizeof(changeable) / sizeof(changeable[0]); i++)
        if (changeable[i].type == type)
            return changeable[i].on_copy || !copying;
    return false;
}

static CK_RV check_changes(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                           bool copying)
{
    for (CK_ULONG i = 0; i < count; i++) {
        struct tp_bytes value, wanted = TP_BYTES(template[i].pValue, template[i].ulValueLen);
        if (tp_p11_template_find(template, i, template[i].type) != NULL)
            return CKR_TEMPLATE_INCONSISTENT; /* the same attribute twice */
        if (!tp_p11_attributes_find(&original->attributes, template[i].type, &value))
            return CKR_ATTRIBUTE_TYPE_INVALID;
        if (!is_changeable(template[i].type, copying) && !tp_bytes_equal(value, wanted))
            return CKR_ATTRIBUTE_READ_ONLY;
        if (is_changeable(template[i].type, copying) && value.len == sizeof(CK_BBOOL) && wanted.len != value.len)
            return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return CKR_OK;
}

/* What a copy says where the template says nothing: not the original's word, which tells of a write-protected token. */
static bool session_default(CK_ATTRIBUTE_TYPE type, bool *ret_value)
{
    *ret_value = type != CKA_TOKEN;
    return type == CKA_TOKEN || type == CKA_MODIFIABLE || type == CKA_DESTROYABLE;
}

static enum tp_rc put_merged(struct tp_p11_attributes *attributes, const struct tp_p11_object *original,
                             CK_ATTRIBUTE_TYPE type, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    bool value;
    if (tp_p11_template_find(template, count, type) != NULL)
        return tp_p11_attributes_add(attributes, type, tp_p11_template_value(template, count, type));
    if (original->owner == 0 && session_default(type, &value))
        return tp_p11_attributes_add_bool(attributes, type, value);
    return tp_p11_attributes_add(attributes, type, tp_p11_attributes_value(&original->attributes, type));
}

static enum tp_rc merge(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                        struct tp_p11_object **ret_object)
{
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = calloc(1, sizeof(*object));
    if (object == NULL)
        return TP_MEMORY;
    atomic_init(&object->refs, 1);
    object->class = original->class;
    object->always_authenticate = original->always_authenticate;
    object->key = original->key;
    memcpy(object->credential, original->credential, sizeof(object->credential));
    for (size_t i = 0; i < original->attributes.count; i++)
        TP_TRY(put_merged(&object->attributes, original, original->attributes.items[i].type, template, count));
    object->is_private = tp_p11_attributes_bool(&object->attributes, CKA_PRIVATE);
    *ret_object = object;
    object = NULL;
    return TP_OK;
}

CK_RV tp_p11_object_copy(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                         struct tp_p11_object **ret_object)
{
    CK_RV rv = check_changes(original, template, count, true);
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = NULL;
    if (rv != CKR_OK)
        return rv;
    if (merge(original, template, count, &object) != TP_OK)
        return CKR_HOST_MEMORY;
    if (tp_p11_attributes_bool(&object->attributes, CKA_TOKEN))
        return CKR_TOKEN_WRITE_PROTECTED;
    if (original->is_private && !object->is_private) /* a copy must not open what the login guards */
        return CKR_TEMPLATE_INCONSISTENT;
    *ret_object = object;
    object = NULL;
    return CKR_OK;
}

/* ---- C_CreateObject ---- */

static CK_RV make_key(const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_error *error,
                      struct tp_p11_object **ret_object)
{
    struct tp_buf spki TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    CK_RV rv = tp_p11_key_of_template(template, count, &spki);
    if (rv != CKR_OK)
        return rv;
    struct tp_p11_source source = {.role = TP_P11_PUBLIC_KEY, .spki = tp_buf_bytes(&spki)};
    enum tp_rc rc = tp_p11_object_make(&source, error, ret_object);
    return rc == TP_OK ? CKR_OK : rc == TP_MEMORY ? CKR_HOST_MEMORY : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV make_certificate(const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_error *error,
                              struct tp_p11_object **ret_object)
{
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    struct tp_p11_source source = {.role = TP_P11_ISSUER,
                                   .certificate = tp_p11_template_value(template, count, CKA_VALUE)};
    CK_RV rv = tp_p11_template_ulong(template, count, CKA_CERTIFICATE_TYPE, type, &type);
    if (rv != CKR_OK)
        return rv;
    if (type != CKC_X_509)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (source.certificate.len == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    enum tp_rc rc = tp_p11_object_make(&source, error, ret_object);
    return rc == TP_OK ? CKR_OK : rc == TP_MEMORY ? CKR_HOST_MEMORY : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV make_by_class(const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_error *error,
                           struct tp_p11_object **ret_object)
{
    CK_OBJECT_CLASS class = CK_UNAVAILABLE_INFORMATION;
    CK_RV rv = tp_p11_template_ulong(template, count, CKA_CLASS, class, &class);
    if (rv != CKR_OK)
        return rv;
    switch (class) {
    case CKO_PUBLIC_KEY:
        return make_key(template, count, error, ret_object);
    case CKO_CERTIFICATE:
        return make_certificate(template, count, error, ret_object);
    case CK_UNAVAILABLE_INFORMATION:
        return CKR_TEMPLATE_INCOMPLETE;
    default:
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
}

CK_RV tp_p11_object_create(const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_error *error,
                           struct tp_p11_object **ret_object)
{
    bool token = false;
    CK_RV rv = tp_p11_template_bool(template, count, CKA_TOKEN, false, &token);
    if (rv != CKR_OK || token)
        return rv != CKR_OK ? rv : CKR_TOKEN_WRITE_PROTECTED;
    struct tp_p11_object *plain TP_AUTO(tp_p11_object_unref_p) = NULL;
    rv = make_by_class(template, count, error, &plain);
    if (rv == CKR_OK)
        rv = check_changes(plain, template, count, false);
    if (rv != CKR_OK)
        return rv;
    return merge(plain, template, count, ret_object) == TP_OK ? CKR_OK : CKR_HOST_MEMORY;
}
