/* SPDX-License-Identifier: Apache-2.0
 *
 * The one table from result codes to CK_RV, and the names of CK_RV for the log.
 */
#ifndef TP_P11_RV_H
#define TP_P11_RV_H

#include "base/rc.h"
#include "trustp11/cryptoki.h"

CK_RV tp_p11_rv(enum tp_rc rc);
/* "CKR_PIN_INCORRECT"; "CKR_?" for a value that this module never answers. Static storage. */
const char *tp_p11_rv_name(CK_RV rv);

#endif
