/* SPDX-License-Identifier: Apache-2.0
 *
 * C_Verify…: with libcrypto, in this process. The engine is not asked.
 */
#ifndef TP_P11_VERIFY_H
#define TP_P11_VERIFY_H

#include "p11/call.h"

CK_RV tp_p11_verify_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV tp_p11_verify_whole(struct tp_p11_call *call, struct tp_bytes data, struct tp_bytes signature);
CK_RV tp_p11_verify_update(struct tp_p11_call *call, struct tp_bytes part);
CK_RV tp_p11_verify_final(struct tp_p11_call *call, struct tp_bytes signature);

#endif
