/* SPDX-License-Identifier: Apache-2.0
 *
 * Templates of keys that are to be on the token: what a program may say of one that is made, and of one that it brings.
 */
#ifndef TP_P11_KEY_TEMPLATE_H
#define TP_P11_KEY_TEMPLATE_H

#include "base/error.h"
#include "p11/attribute.h"
#include "p11/mechanism.h"

/* A template of the caller's. */
struct tp_p11_template {
    const CK_ATTRIBUTE *items;
    CK_ULONG count;
};

enum tp_p11_key_side {
    TP_P11_MAKE_PUBLIC = 1, /* C_GenerateKeyPair's two */
    TP_P11_MAKE_PRIVATE = 2,
    TP_P11_BRING_PRIVATE = 4 /* C_CreateObject */
};

/* CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT: for what a key here cannot be;
 * ERROR says what that is. A private key's template must say CKA_TOKEN. */
CK_RV tp_p11_key_template_check(struct tp_p11_template template, enum tp_p11_key_side side, enum tp_p11_kind kind,
                                struct tp_error *error);

#endif
