/* SPDX-License-Identifier: Apache-2.0
 *
 * The attributes of one object: a list that is filled once and then only read, so that threads may share it.
 */
#ifndef TP_P11_ATTRIBUTE_H
#define TP_P11_ATTRIBUTE_H

#include "base/bytes.h"
#include "trustp11/cryptoki.h"

struct tp_p11_attribute {
    CK_ATTRIBUTE_TYPE type;
    uint32_t offset, len; /* in `values` */
};

struct tp_p11_attributes {
    struct tp_p11_attribute *items;
    size_t count, capacity;
    struct tp_buf values;
};

void tp_p11_attributes_clear(struct tp_p11_attributes *attributes);
/* Adds TYPE, which must not be there yet. */
TP_MUST_USE enum tp_rc tp_p11_attributes_add(struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type,
                                             struct tp_bytes value);
TP_MUST_USE enum tp_rc tp_p11_attributes_add_bool(struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type,
                                                  bool value);
TP_MUST_USE enum tp_rc tp_p11_attributes_add_ulong(struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type,
                                                   CK_ULONG value);

/* RET_VALUE is a view, valid as long as the list is. */
bool tp_p11_attributes_find(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type,
                            struct tp_bytes *ret_value);
struct tp_bytes tp_p11_attributes_value(const struct tp_p11_attributes *attributes,
                                        CK_ATTRIBUTE_TYPE type);                                 /* or none */
bool tp_p11_attributes_bool(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type); /* absent: false */
CK_ULONG tp_p11_attributes_ulong(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE_TYPE type, CK_ULONG fallback);

/* Whether every attribute of the template is there with that value (C_FindObjectsInit, 3.0 §5.7.7). */
bool tp_p11_attributes_match(const struct tp_p11_attributes *attributes, const CK_ATTRIBUTE *template, CK_ULONG count);
/* C_GetAttributeValue (3.0 §5.7.5): goes through the whole template, whatever happens on the way. */
CK_RV tp_p11_attributes_read(const struct tp_p11_attributes *attributes, CK_ATTRIBUTE *template, CK_ULONG count);

/* ---- templates of callers ---- */

/* A count or a length of a caller that is not meant: what is beyond is not looked at. */
#define TP_P11_TEMPLATE_MOST 1024                 /* attributes: more than the specification has */
#define TP_P11_VALUE_MOST    ((CK_ULONG)1 << 20) /* bytes of one value */

/* CKR_ARGUMENTS_BAD when the template cannot be read at all, CKR_ATTRIBUTE_VALUE_INVALID when a value is too long. */
CK_RV tp_p11_template_check(const CK_ATTRIBUTE *template, CK_ULONG count);
const CK_ATTRIBUTE *tp_p11_template_find(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type);
struct tp_bytes tp_p11_template_value(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type);
/* FALLBACK when the attribute is absent; CKR_ATTRIBUTE_VALUE_INVALID when it is not of the type. */
CK_RV tp_p11_template_bool(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type, bool fallback,
                           bool *ret_value);
CK_RV tp_p11_template_ulong(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type, CK_ULONG fallback,
                            CK_ULONG *ret_value);

#endif
