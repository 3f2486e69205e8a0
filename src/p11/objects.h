/* SPDX-License-Identifier: Apache-2.0
 *
 * The C_ functions on objects. The token is write-protected: what is made or changed here lives in the session.
 */
#ifndef TP_P11_OBJECTS_H
#define TP_P11_OBJECTS_H

#include "p11/call.h"

struct tp_p11_object;

CK_RV tp_p11_objects_create(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                            CK_OBJECT_HANDLE *ret_object);
/* C_GenerateKey: secret keys. */
CK_RV tp_p11_objects_generate(struct tp_p11_call *call, const CK_MECHANISM *mechanism, const CK_ATTRIBUTE *template,
                              CK_ULONG count, CK_OBJECT_HANDLE *ret_key);
/* Makes OBJECT one of this session, and takes it over, whatever happens. */
CK_RV tp_p11_objects_add(struct tp_p11_call *call, struct tp_p11_object *object, CK_OBJECT_HANDLE *ret_handle);
CK_RV tp_p11_objects_copy(struct tp_p11_call *call, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *template,
                          CK_ULONG count, CK_OBJECT_HANDLE *ret_object);
CK_RV tp_p11_objects_destroy(struct tp_p11_call *call, CK_OBJECT_HANDLE object);
CK_RV tp_p11_objects_size(struct tp_p11_call *call, CK_OBJECT_HANDLE object, CK_ULONG *ret_size);
CK_RV tp_p11_objects_get(struct tp_p11_call *call, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count);
CK_RV tp_p11_objects_set(struct tp_p11_call *call, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *template,
                         CK_ULONG count);

#endif
