/* SPDX-License-Identifier: Apache-2.0
 *
 * Secret keys (AES, generic secrets, keys for HMAC), which programs and test suites expect a token to have. They are
 * session objects: they live in this process and go with their session, and the engine never hears of them. The value
 * is in the object's tp_secret and nowhere else; what may be read of it, and what it may be used for, its attributes
 * say (3.0 §4.10).
 */
#ifndef TP_P11_SECRET_KEY_H
#define TP_P11_SECRET_KEY_H

#include "p11/call.h"
#include "p11/object.h"

/* C_CreateObject, for templates with CKO_SECRET_KEY. */
CK_RV tp_p11_secret_key_create(const struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                               struct tp_p11_object **ret_object);
/* C_UnwrapKey: takes over VALUE, whatever happens. */
CK_RV tp_p11_secret_key_unwrapped(const struct tp_p11_call *call, struct tp_secret *value, const CK_ATTRIBUTE *template,
                                  CK_ULONG count, struct tp_p11_object **ret_object);
/* C_GenerateKey. */
CK_RV tp_p11_secret_key_generate(const struct tp_p11_call *call, const CK_MECHANISM *mechanism,
                                 const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_p11_object **ret_object);
/* C_CopyObject, C_SetAttributeValue: a copy of ORIGINAL with what the template changes. What has become sensitive,
 * unextractable or private stays so: CKR_ATTRIBUTE_READ_ONLY. */
CK_RV tp_p11_secret_key_copy(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                             struct tp_p11_object **ret_object);

/* C_GetAttributeValue: the value of a key that is not sensitive, and extractable; else CKR_ATTRIBUTE_SENSITIVE. */
CK_RV tp_p11_secret_key_read(const struct tp_p11_object *key, CK_ATTRIBUTE *template, CK_ULONG count);
/* Whether the value may leave the module in the clear. */
bool tp_p11_secret_key_is_open(const struct tp_p11_object *key);
/* Whether the mechanism may be used with KEY for what USAGE (CKA_SIGN, …) stands for: CKR_KEY_HANDLE_INVALID,
 * CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED. */
CK_RV tp_p11_secret_key_check(const struct tp_p11_object *key, const struct tp_p11_mechanism *mechanism,
                              CK_ATTRIBUTE_TYPE usage);

#endif
