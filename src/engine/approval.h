/* SPDX-License-Identifier: Apache-2.0
 *
 * Approval in another place ([login] approval = yes): a program gives the PIN alone, and its login waits until the owner
 * has given a one-time code somewhere else, where they are told which program waits. No program ever sees a code then.
 *
 * PIN and code are looked at together when both are there: who gives a PIN and gets no approval learns nothing about it.
 */
#ifndef TP_ENGINE_APPROVAL_H
#define TP_ENGINE_APPROVAL_H

#include "engine/call.h"

/* Keeps CALL's request, a login with a PIN, until it is approved or refused, or its client's time is over; it is answered
 * then. TP_BUSY when too many wait. */
TP_MUST_USE enum tp_rc tp_approval_wait(struct tp_call *call);
/* The server's tick: refuses what has waited too long, and everything once the engine ends. */
void tp_approval_tick(struct tp_engine *engine, int64_t now_ms);

#endif
