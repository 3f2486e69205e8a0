/* SPDX-License-Identifier: Apache-2.0
 *
 * The SO of PKCS#11. Here that is an officer: a user of the engine with that role, whose PIN and one-time code are the SO PIN
 * of every slot. `officer` of trustp11.conf says who, or C_LoginUser does. The login is one like any other (login.h), and what
 * it allows is the engine's permit table.
 *
 * An officer must not come to know a PIN that signs (RS-6): what C_InitPIN sets is good for C_SetPIN alone, and the keys that
 * the old PIN has sealed are lost.
 */
#ifndef TP_P11_OFFICER_H
#define TP_P11_OFFICER_H

#include "p11/call.h"

/* C_Login and C_LoginUser as CKU_SO. NAME empty: the configuration's. */
CK_RV tp_p11_officer_login(struct tp_p11_call *call, struct tp_bytes pin, struct tp_bytes name);
CK_RV tp_p11_officer_init_pin(struct tp_p11_call *call, struct tp_bytes pin);
/* LABEL: 32 bytes, filled up with blanks. */
CK_RV tp_p11_officer_init_token(struct tp_p11_call *call, CK_SLOT_ID id, struct tp_bytes pin, const CK_UTF8CHAR *label);

#endif
