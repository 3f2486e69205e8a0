/* SPDX-License-Identifier: Apache-2.0
 *
 * CK_RV: names for people, and the result code that each becomes (PKCS#11 v2.40 base, 5.1).
 */
#ifndef TP_HSM_CKR_H
#define TP_HSM_CKR_H

#include "base/rc.h"

#include <stdbool.h>
#include <trustp11/cryptoki.h>

/* Ours, never a module's: the call was not made, since the session belongs to a token that was lost. */
#define TP_CKR_NOT_CALLED (CKR_VENDOR_DEFINED | 0x54500001UL)

const char *tp_hsm_ckr_name(CK_RV rv); /* "CKR_…"; "an unknown CKR" */
enum tp_rc tp_hsm_ckr_rc(CK_RV rv);
/* Whether it says that token, session or handles are gone, so that only a new login helps. */
bool tp_hsm_ckr_is_loss(CK_RV rv);

#endif
