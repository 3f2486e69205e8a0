/* SPDX-License-Identifier: Apache-2.0
 *
 * A private key that a program brings along (C_CreateObject with CKA_TOKEN): on its way to the HSM it is PKCS#8 in
 * locked memory, nothing else, and for as long as the engine takes to import it.
 */
#ifndef TP_P11_PRIVATE_KEY_H
#define TP_P11_PRIVATE_KEY_H

#include "base/secret.h"
#include "p11/call.h"
#include "p11/key_template.h"

/* PKCS#8 (RFC 5958) of the parts in a template of KIND: an RSA key's all (mechanisms 3.0 §2.1.3), CKA_EC_PARAMS and
 * CKA_VALUE of others (§2.3.4). CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_VALUE_INVALID, CKR_CURVE_NOT_SUPPORTED. Whether
 * the parts fit each other is the engine's to say. */
CK_RV tp_p11_private_key_of_template(struct tp_p11_template template, enum tp_p11_kind kind,
                                     struct tp_secret **ret_pkcs8);

CK_RV tp_p11_private_key_create(struct tp_p11_call *call, struct tp_p11_template template,
                                CK_OBJECT_HANDLE *ret_object);

#endif
