/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of keys that tokens can make, as the engine names them.
 */
#ifndef TP_P11_KEY_TYPE_H
#define TP_P11_KEY_TYPE_H

#include "p11/mechanism.h"

struct tp_p11_key_type {
    const char *name; /* "rsa-2048", "p-256", …: KeyGenerateRequest.key_type */
    enum tp_p11_kind kind;
    CK_ULONG bits;
};

/* NULL when there is none. */
const struct tp_p11_key_type *tp_p11_key_type(enum tp_p11_kind kind, CK_ULONG bits);

/* Sets of types: one bit each. Names that are not known here (a newer engine's) are left out. */
unsigned tp_p11_key_types_of(char *const *names, size_t count);
bool tp_p11_key_types_have(unsigned types, const struct tp_p11_key_type *type);
/* The smallest and the largest of KIND; false when there is none. */
bool tp_p11_key_types_range(unsigned types, enum tp_p11_kind kind, CK_ULONG *ret_min, CK_ULONG *ret_max);

#endif
