/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects of the token, as programs make, change and destroy them: what the engine is asked for, which knows whether
 * the user may ([owner] of engine.conf) and writes it down. All that belongs to one key is one thing there: its label
 * and its id are those of private key, public key and certificate, but that a certificate may have a label of its own.
 */
#ifndef TP_P11_TOKEN_OBJECT_H
#define TP_P11_TOKEN_OBJECT_H

#include "ipc/client_conf.h"
#include "p11/call.h"
#include "p11/object.h"

#include <protobuf-c/protobuf-c.h>

/* What comes first for all of them: CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN. */
CK_RV tp_p11_token_object_check(struct tp_p11_call *call);

/* A certificate (of one of the user's keys, or any other), data, a private key (private_key.h), or the public half of a
 * key that is there. */
CK_RV tp_p11_token_object_create(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                                 CK_OBJECT_HANDLE *ret_object);
/* Label and id; of data, all that they are. What is as it was may be said again. */
CK_RV tp_p11_token_object_change(struct tp_p11_call *call, const struct tp_p11_object *object,
                                 const CK_ATTRIBUTE *template, CK_ULONG count);
/* A private key with all that belongs to it; a key's certificate with its issuers; what lies beside keys. */
CK_RV tp_p11_token_object_destroy(struct tp_p11_call *call, const struct tp_p11_object *object);

/* Whose the token is now: RET_OWNER. */
char *tp_p11_token_object_owner(struct tp_p11_call *call, char ret_owner[TP_CLIENT_USER_LEN]);
/* Bytes as a request holds them: a view. */
ProtobufCBinaryData tp_p11_token_object_field(struct tp_bytes bytes);
/* A text of an attribute as the engine takes it, to be freed: CKR_ATTRIBUTE_VALUE_INVALID when it is none. FALLBACK
 * when the attribute is not there. */
CK_RV tp_p11_token_object_text(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type,
                               const char *fallback, char **ret_text);
/* The label of a key that is to be on the token, likewise. Keys have labels, and no two of a user's the same: who gives
 * none gets one of KIND and a number. */
CK_RV tp_p11_key_label(const CK_ATTRIBUTE *label, const char *kind, char **ret_label);
/* The handle of what the engine has just made, once the list of objects has been brought. */
CK_RV tp_p11_token_object_handle(struct tp_p11_call *call, enum tp_p11_role role, const char *engine_id,
                                 CK_OBJECT_HANDLE *ret_handle);
/* What the engine says of a template. */
CK_RV tp_p11_token_object_rv(enum tp_rc rc);

#endif
