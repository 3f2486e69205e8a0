/* SPDX-License-Identifier: Apache-2.0
 *
 * C_WrapKey and C_UnwrapKey among the secret keys of the session. Users' private keys are neither wrapped nor unwrapped
 * here: they never leave the HSM's hands.
 */
#ifndef TP_P11_WRAP_H
#define TP_P11_WRAP_H

#include "p11/call.h"

CK_RV tp_p11_wrap(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                  CK_OBJECT_HANDLE key, CK_BYTE *ret_wrapped, CK_ULONG *ret_len);
CK_RV tp_p11_unwrap(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
                    struct tp_bytes wrapped, const CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_key);

#endif
