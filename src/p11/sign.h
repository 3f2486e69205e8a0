/* SPDX-License-Identifier: Apache-2.0
 *
 * C_Sign…: one round trip to the engine a signature.
 */
#ifndef TP_P11_SIGN_H
#define TP_P11_SIGN_H

#include "p11/call.h"

CK_RV tp_p11_sign_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV tp_p11_sign_whole(struct tp_p11_call *call, struct tp_bytes data, CK_BYTE *ret_signature, CK_ULONG *ret_len);
CK_RV tp_p11_sign_update(struct tp_p11_call *call, struct tp_bytes part);
CK_RV tp_p11_sign_final(struct tp_p11_call *call, CK_BYTE *ret_signature, CK_ULONG *ret_len);

/* CKA_ALWAYS_AUTHENTICATE: whether a signature waits for a login of its own, and that login's authorisation. */
bool tp_p11_sign_wants_login(const struct tp_p11_session *session);
void tp_p11_sign_authorise(struct tp_p11_session *session, const char *authorisation);

#endif
