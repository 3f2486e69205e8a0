/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to users, as a token shows it: added, enrolled, locked, suspended, gone, and back again. Programs wait for it
 * (C_WaitForSlotEvent) by one question that is answered when there is something to say, or when its time is over: no
 * thread waits with them.
 *
 * Who names a user hears of that one what TOKEN tells anybody. Nobody hears of others, not even that anything happened:
 * marks are random, and an answer without news has the asker's own mark.
 */
#ifndef TP_ENGINE_EVENTS_H
#define TP_ENGINE_EVENTS_H

#include "engine/call.h"

/* What a token shows of a user's state; also what TOKEN answers. */
struct tp_shown {
    bool enrolled, locked, suspended;
};
struct tp_shown tp_events_shown(const struct tp_engine *engine, const Tp__Engine__User *record);

TP_MUST_USE enum tp_rc tp_events_init(struct tp_engine *engine);
/* With the engine's lock held: RECORD is in the place of BEFORE from now on. NULL: there is, or was, no such user. */
void tp_events_note_locked(struct tp_engine *engine, const char *name, const char *id, const Tp__Engine__User *before,
                           const Tp__Engine__User *record);
/* After that, without the lock: answers those who wait for it. */
void tp_events_tell(struct tp_engine *engine);
/* A connection is gone: nobody waits there any more. */
void tp_events_gone(struct tp_engine *engine, const struct tp_ipc_peer *peer);
/* The server's tick: answers those who have waited for as long as they wished, and everybody once the engine ends. */
void tp_events_tick(struct tp_engine *engine, int64_t now_ms);
/* At the end, when nobody asks any more. */
void tp_events_clear(struct tp_engine *engine);

#endif
