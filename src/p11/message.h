/* SPDX-License-Identifier: Apache-2.0
 *
 * C_MessageSign…, C_MessageVerify… (3.0 §5.14, §5.16): a mechanism and a key for any number of messages, each whole or in
 * parts. None of our mechanisms has a parameter of its own for a message.
 */
#ifndef TP_P11_MESSAGE_H
#define TP_P11_MESSAGE_H

#include "p11/operation.h"

struct tp_p11_message {
    struct tp_p11_operation model;   /* what every message is begun like; not active: no messages */
    struct tp_p11_operation current; /* the message that was begun; not active: none */
};
void tp_p11_message_clear(struct tp_p11_message *message);
void tp_p11_message_end(struct tp_p11_message *message); /* may be called when none is active */

CK_RV tp_p11_message_sign_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV tp_p11_message_sign(struct tp_p11_call *call, struct tp_bytes parameter, struct tp_bytes data,
                          CK_BYTE *ret_signature, CK_ULONG *ret_len);
CK_RV tp_p11_message_sign_begin(struct tp_p11_call *call, struct tp_bytes parameter);
/* RET_LEN NULL: there is more to come. */
CK_RV tp_p11_message_sign_next(struct tp_p11_call *call, struct tp_bytes parameter, struct tp_bytes data,
                               CK_BYTE *ret_signature, CK_ULONG *ret_len);
CK_RV tp_p11_message_sign_final(struct tp_p11_call *call);

CK_RV tp_p11_message_verify_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV tp_p11_message_verify(struct tp_p11_call *call, struct tp_bytes parameter, struct tp_bytes data,
                            struct tp_bytes signature);
CK_RV tp_p11_message_verify_begin(struct tp_p11_call *call, struct tp_bytes parameter);
/* No SIGNATURE: there is more to come. */
CK_RV tp_p11_message_verify_next(struct tp_p11_call *call, struct tp_bytes parameter, struct tp_bytes data,
                                 struct tp_bytes signature);
CK_RV tp_p11_message_verify_final(struct tp_p11_call *call);

#endif
