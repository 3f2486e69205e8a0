/* SPDX-License-Identifier: Apache-2.0
 *
 * Searching: what matches is decided once, at C_FindObjectsInit, and then only handed out.
 */
#ifndef TP_P11_FIND_H
#define TP_P11_FIND_H

#include "p11/call.h"

struct tp_p11_find {
    bool active;
    struct tp_buf handles; /* CK_OBJECT_HANDLE, one after the other */
    size_t next;           /* bytes that have been handed out */
};
void tp_p11_find_clear(struct tp_p11_find *find);
void tp_p11_find_end(struct tp_p11_find *find);

CK_RV tp_p11_find_init(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count);
CK_RV tp_p11_find_next(struct tp_p11_call *call, CK_OBJECT_HANDLE *ret_objects, CK_ULONG most, CK_ULONG *ret_count);
CK_RV tp_p11_find_final(struct tp_p11_call *call);

#endif
