/* SPDX-License-Identifier: Apache-2.0
 *
 * Two operations of a session with one part (3.0 §5.17): hashing or signing what is encrypted, and hashing or verifying
 * what was decrypted.
 */
#ifndef TP_P11_DUAL_H
#define TP_P11_DUAL_H

#include "p11/call.h"

/* The other operation: C_DigestUpdate, C_SignUpdate, C_VerifyUpdate. */
typedef CK_RV tp_p11_update_fn(struct tp_p11_call *call, struct tp_bytes part);

/* OTHER gets PART, and the active encryption, too. */
CK_RV tp_p11_dual_encrypt(struct tp_p11_call *call, tp_p11_update_fn *other, struct tp_bytes part, CK_BYTE *ret_part,
                          CK_ULONG *ret_len);
/* The active decryption gets PART, and OTHER what comes out. */
CK_RV tp_p11_dual_decrypt(struct tp_p11_call *call, tp_p11_update_fn *other, struct tp_bytes part, CK_BYTE *ret_part,
                          CK_ULONG *ret_len);

#endif
