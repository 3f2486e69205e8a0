/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/attribute.h"

#include <stdlib.h>
#include <string.h>

void tp_p11_attributes_clear(struct tp_p11_attributes *attributes)
{
    free(attributes->items);
    tp_buf_clear(&attributes->values);
    *attributes = (struct tp_p11_attributes){0};
}

static enum tp_rc reserve_one(struct tp_p11_attributes *attributes)
{
    if (attributes->count < attributes->capacity)
        return TP_OK;
    size_t capacity = attributes->capacity == 0 ? 32 : 2 * attributes->capacity;
    struct tp_p11_attribute *items = reallocarray(attributes->items, capacity, sizeof(*items));
    if (items == NULL)
        return TP_MEMORY;
    attributes->items = items;
    attributes->capacity = capacity;
    return TP_OK;
}

enum tp_rc tp_p11_attributes_add(struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type, struct tp_bytes value)
{
    TP_TRY(reserve_one(attributes));
    size_t offset = attributes->values.len;
    TP_TRY(tp_buf_append(&attributes->values, value)); /* refuses before TP_BUF_MAX: the casts below fit */
    attributes->items[attributes->count++] = (struct tp_p11_attribute){type, (uint32_t)offset, (uint32_t)value.len};
    return TP_OK;
}

enum tp_rc tp_p11_attributes_add_bool(struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type, bool value)
{
    CK_BBOOL byte = value ? CK_TRUE : CK_FALSE;
    return tp_p11_attributes_add(attributes, type, TP_BYTES(&byte, sizeof(byte)));
}

enum tp_rc tp_p11_attributes_add_ulong(struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    return tp_p11_attributes_add(attributes, type, TP_BYTES(&value, sizeof(value)));
}

bool tp_p11_attributes_find(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type,
                            struct tp_bytes *ret_value)
{
    for (size_t i = 0; i < attributes->count; i++)
        if (attributes->items[i].type == type) {
            const struct tp_p11_attribute *item = &attributes->items[i];
            *ret_value = item->len == 0 ? TP_BYTES_NONE : TP_BYTES(attributes->values.data + item->offset, item->len);
            return true;
        }
    return false;
}

struct tp_bytes tp_p11_attributes_value(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type)
{
    struct tp_bytes value = TP_BYTES_NONE;
    (void)tp_p11_attributes_find(attributes, type, &value);
    return value;
}

bool tp_p11_attributes_bool(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type)
{
    struct tp_bytes value = tp_p11_attributes_value(attributes, type);
    return value.len == sizeof(CK_BBOOL) && value.data[0] != CK_FALSE;
}

CK_ULONG tp_p11_attributes_ulong(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type, CK_ULONG fallback)
{
    struct tp_bytes value = tp_p11_attributes_value(attributes, type);
    CK_ULONG number = fallback;
    if (value.len == sizeof(number))
        memcpy(&number, value.data, sizeof(number));
    return number;
}

bool tp_p11_attributes_match(const struct tp_p11_attributes *attributes, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        struct tp_bytes value;
        if (!tp_p11_attributes_find(attributes, template[i].type, &value) ||
            !tp_bytes_equal(value, TP_BYTES(template[i].pValue, template[i].ulValueLen)))
            return false;
    }
    return true;
}

/* What a private key is made of: never here, but "sensitive" is the answer, not "no such attribute" (3.0 §4.9). */
static bool is_sensitive(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_PRIVATE_EXPONENT, CKA_PRIME_1,     CKA_PRIME_2, CKA_EXPONENT_1,
                                              CKA_EXPONENT_2,       CKA_COEFFICIENT, CKA_VALUE};
    if (tp_p11_attributes_ulong(attributes, CKA_CLASS, CKO_DATA) != CKO_PRIVATE_KEY)
        return false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i] == type)
            return true;
    return false;
}

static CK_RV read_one(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE *wanted)
{
    struct tp_bytes value;
    CK_ULONG room = wanted->ulValueLen;
    wanted->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (is_sensitive(attributes, wanted->type))
        return CKR_ATTRIBUTE_SENSITIVE;
    if (!tp_p11_attributes_find(attributes, wanted->type, &value))
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (wanted->pValue != NULL && room < value.len)
        return CKR_BUFFER_TOO_SMALL;
    if (wanted->pValue != NULL && value.len > 0)
        memcpy(wanted->pValue, value.data, value.len);
    wanted->ulValueLen = value.len;
    return CKR_OK;
}

CK_RV tp_p11_attributes_read(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV first = CKR_OK;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV rv = read_one(attributes, &template[i]);
        if (first == CKR_OK)
            first = rv;
    }
    return first;
}

/* ---- templates of callers ---- */

CK_RV tp_p11_template_check(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    if ((template == NULL && count > 0) || count > TP_P11_TEMPLATE_MOST)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < count; i++)
        if (template[i].pValue == NULL && template[i].ulValueLen > 0)
            return CKR_ARGUMENTS_BAD;
        else if (template[i].ulValueLen > TP_P11_VALUE_MOST)
            return CKR_ATTRIBUTE_VALUE_INVALID;
    return CKR_OK;
}

const CK_ATTRIBUTE *tp_p11_template_find(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (template[i].type == type)
            return &template[i];
    return NULL;
}

struct tp_bytes tp_p11_template_value(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type)
{
    const CK_ATTRIBUTE *found = tp_p11_template_find(template, count, type);
    return found == NULL ? TP_BYTES_NONE : TP_BYTES(found->pValue, found->ulValueLen);
}

CK_RV tp_p11_template_bool(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type, bool fallback,
                           bool *ret_value)
{
    const CK_ATTRIBUTE *found = tp_p11_template_find(template, count, type);
    if (found != NULL && found->ulValueLen != sizeof(CK_BBOOL))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    *ret_value = found == NULL ? fallback : *(const CK_BBOOL *)found->pValue != CK_FALSE;
    return CKR_OK;
}

CK_RV tp_p11_template_ulong(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type, CK_ULONG fallback,
                            CK_ULONG *ret_value)
{
    const CK_ATTRIBUTE *found = tp_p11_template_find(template, count, type);
    if (found != NULL && found->ulValueLen != sizeof(CK_ULONG))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (found == NULL)
        *ret_value = fallback;
    else
        memcpy(ret_value, found->pValue, sizeof(CK_ULONG)); /* a caller's pointer may be unaligned */
    return CKR_OK;
}
