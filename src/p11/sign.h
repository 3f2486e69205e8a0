/* SPDX-License-Identifier: Apache-2.0
 *
 * C_Sign…: one round trip to the engine a signature.
 */
#ifndef TP_P11_SIGN_H
#define TP_P11_SIGN_H

#include "p11/operation.h"

CK_RV tp_p11_sign_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV tp_p11_sign_whole(struct tp_p11_call *call, struct tp_bytes data, CK_BYTE *ret_signature, CK_ULONG *ret_len);
CK_RV tp_p11_sign_update(struct tp_p11_call *call, struct tp_bytes part);
CK_RV tp_p11_sign_final(struct tp_p11_call *call, CK_BYTE *ret_signature, CK_ULONG *ret_len);

/* The end of OPERATION, whose data are DATA, or NULL: what was given in parts. Only asking for the length lets it go on. */
CK_RV tp_p11_sign_finish(struct tp_p11_call *call, struct tp_p11_operation *operation, const struct tp_bytes *data,
                         CK_BYTE *ret_signature, CK_ULONG *ret_len);

/* CKA_ALWAYS_AUTHENTICATE: the credential of the signature that wants a login of its own, NULL when none does; and that
 * login's authorisation. */
char *tp_p11_sign_wants_login(struct tp_p11_session *session);
void tp_p11_sign_authorise(struct tp_p11_session *session, const char *authorisation);

#endif
