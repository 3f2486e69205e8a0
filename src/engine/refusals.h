/* SPDX-License-Identifier: Apache-2.0
 *
 * How many refusals the log takes, and the entries of those that come before any operation. Whoever can open the socket
 * can be refused as often as they like, and each refusal is an entry (RS-8) that is kept for years: so every uid has an
 * allowance. What goes beyond it is counted, and the count is recorded instead: the log says that there was a flood and
 * how large, and is not itself flooded.
 */
#ifndef TP_ENGINE_REFUSALS_H
#define TP_ENGINE_REFUSALS_H

#include "engine/internal.h"

/* Whether a refusal of a client of UID gets an entry of its own; if not, it has been counted. */
bool tp_refusals_admit_locked(struct tp_engine *engine, uid_t uid);
bool tp_refusals_admit(struct tp_engine *engine, uid_t uid);
/* The server's turned_away: what it, or dispatch.c, has refused before anybody was asked. Does not block. */
void tp_refusals_turned_away(void *engine, const struct tp_ipc_peer *peer, const struct tp_ipc_operation *operation,
                             enum tp_rc rc, const char *words);
/* Records what was counted; for the tick. */
void tp_refusals_tick(struct tp_engine *engine, int64_t now_ms);
/* At the end, while the ledger still takes entries: records what is left and forgets all. */
void tp_refusals_clear(struct tp_engine *engine);

#endif
