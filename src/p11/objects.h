/* SPDX-License-Identifier: Apache-2.0
 *
 * The C_ functions on objects: those of the session here, those of the token in token_object.h.
 */
#ifndef TP_P11_OBJECTS_H
#define TP_P11_OBJECTS_H

#include "p11/call.h"

CK_RV tp_p11_objects_create(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                            CK_OBJECT_HANDLE *ret_object);
CK_RV tp_p11_objects_copy(struct tp_p11_call *call, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *template,
                          CK_ULONG count, CK_OBJECT_HANDLE *ret_object);
CK_RV tp_p11_objects_destroy(struct tp_p11_call *call, CK_OBJECT_HANDLE object);
CK_RV tp_p11_objects_size(struct tp_p11_call *call, CK_OBJECT_HANDLE object, CK_ULONG *ret_size);
CK_RV tp_p11_objects_get(struct tp_p11_call *call, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count);
CK_RV tp_p11_objects_set(struct tp_p11_call *call, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *template,
                         CK_ULONG count);

#endif
