/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifiers: random, 128 bits, lower-case hex. They name users, factors, credentials and authorisations in the store,
 * in the log and on the wire; names and labels of people stay out of keys and indexes (RS-25).
 */
#ifndef TP_BASE_IDS_H
#define TP_BASE_IDS_H

#include "base/rc.h"

#define TP_ID_LEN 33 /* with NUL */

TP_MUST_USE enum tp_rc tp_id_make(char ret_id[TP_ID_LEN]);

#endif
