/* SPDX-License-Identifier: Apache-2.0
 *
 * C_GenerateKeyPair: the engine has the HSM make a key of the user's, for signatures.
 */
#ifndef TP_P11_KEY_PAIR_H
#define TP_P11_KEY_PAIR_H

#include "p11/call.h"
#include "p11/key_template.h"

CK_RV tp_p11_key_pair_generate(struct tp_p11_call *call, const CK_MECHANISM *mechanism, struct tp_p11_template public,
                               struct tp_p11_template private, CK_OBJECT_HANDLE *ret_public,
                               CK_OBJECT_HANDLE *ret_private);

#endif
