/* SPDX-License-Identifier: Apache-2.0
 *
 * C_Verify…: with libcrypto, in this process. The engine is not asked.
 */
#ifndef TP_P11_VERIFY_H
#define TP_P11_VERIFY_H

#include "p11/operation.h"

CK_RV tp_p11_verify_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV tp_p11_verify_whole(struct tp_p11_call *call, struct tp_bytes data, struct tp_bytes signature);
CK_RV tp_p11_verify_update(struct tp_p11_call *call, struct tp_bytes part);
CK_RV tp_p11_verify_final(struct tp_p11_call *call, struct tp_bytes signature);
/* The end of OPERATION, whose data are DATA, or NULL: what was given in parts. */
CK_RV tp_p11_verify_finish(struct tp_p11_operation *operation, const struct tp_bytes *data, struct tp_bytes signature);

/* ---- C_VerifySignature… (3.2): the signature comes first ---- */

struct tp_p11_verify_signature {
    struct tp_p11_operation operation;
    struct tp_buf signature;
};
void tp_p11_verify_signature_clear(struct tp_p11_verify_signature *verify);
void tp_p11_verify_signature_end(struct tp_p11_verify_signature *verify);

CK_RV tp_p11_verify_signature_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                                   struct tp_bytes signature);
CK_RV tp_p11_verify_signature_whole(struct tp_p11_call *call, struct tp_bytes data);
CK_RV tp_p11_verify_signature_update(struct tp_p11_call *call, struct tp_bytes part);
CK_RV tp_p11_verify_signature_final(struct tp_p11_call *call);

#endif
