/* SPDX-License-Identifier: Apache-2.0
 *
 * The attributes of a secret key (secret_key.h).
 */
#ifndef TP_P11_SECRET_ATTRIBUTE_H
#define TP_P11_SECRET_ATTRIBUTE_H

#include "p11/object.h"

/* A key that is being made. */
struct tp_p11_secret_making {
    const CK_ATTRIBUTE *template;
    CK_ULONG count;
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE generated_with; /* CK_UNAVAILABLE_INFORMATION: it was brought */
    bool private, extractable;        /* when the template does not say it */
    struct tp_p11_object *object;     /* with its secret, and `key` filled in */
};

/* Whether each attribute of the template is one of a secret key (or its CKA_VALUE), has its form, and is there once. */
CK_RV tp_p11_secret_attributes_check(const CK_ATTRIBUTE *template, CK_ULONG count);
/* Those of the object, by a template that was checked. */
CK_RV tp_p11_secret_attributes_make(const struct tp_p11_secret_making *making);
/* Those of ORIGINAL with what the template changes, as far as it may: CKR_ATTRIBUTE_READ_ONLY. */
CK_RV tp_p11_secret_attributes_copy(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                                    struct tp_p11_attributes *ret_attributes);

#endif
