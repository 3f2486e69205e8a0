/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts that nobody uses (RS-23).
 */
#ifndef TP_ENGINE_DORMANT_H
#define TP_ENGINE_DORMANT_H

#include "engine/call.h"

/* No login for SPAN_MS, and neither made, resumed nor reset since. A closed account is none. */
bool tp_user_is_dormant(const Tp__Engine__User *user, int64_t span_ms, int64_t now_ms);
/* TP_REFUSED, with words, unless USER is dormant for SPAN_MS and may be suspended for it: not the last officer who can act.
 * With engine->sweep held, so that two who suspend at once do not each see the other's officer. */
TP_MUST_USE enum tp_rc tp_user_check_dormant(struct tp_call *call, const Tp__Engine__User *user, int64_t span_ms);

#endif
