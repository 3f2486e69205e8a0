/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to the tokens in the slots (C_WaitForSlotEvent, 3.0 §5.5.4): whatever a token shows of its user has
 * changed: added, enrolled, locked, suspended, gone, and back again. A slot's flag is set then, until a thread takes
 * it.
 *
 * No thread of our own: of the threads that wait, one asks the engine for all, by a question that the engine answers
 * when there is something to say. It has a connection of its own: the one for calls is read by one of its callers for
 * all, and one who waits for so long would make each of them wait for two threads to be woken.
 */
#ifndef TP_P11_WATCH_H
#define TP_P11_WATCH_H

#include "base/error.h"
#include "ipc/client.h"
#include "trustp11/cryptoki.h"

#include <pthread.h>

struct tp_p11_module;
struct tp_p11_slot;

/* What a token shows of its user. */
struct tp_p11_seen {
    bool present, enrolled, locked, suspended;
    char id[17]; /* the token's serial number: who it is, whatever the name */
};

/* A slot's part; under the watch's mutex. */
struct tp_p11_watched {
    bool known, happened;
    struct tp_p11_seen seen;
};

struct tp_p11_watch {
    pthread_mutex_t mutex; /* of all below, and of each slot's `watched`; never held while the engine is asked */
    pthread_cond_t changed;
    struct tp_ipc_client *client; /* connected once somebody waits; NULL: there is nothing to watch */
    bool asking;                  /* a thread asks for all */
    uint64_t since;               /* the engine's mark */
    int64_t looked_ms;            /* monotonic: when it was last asked by somebody who does not wait */
    int64_t again_ms, delay_ms;   /* no question before, since the last one failed; and by how much */
};

/* The client is left to the module. */
TP_MUST_USE enum tp_rc tp_p11_watch_init(struct tp_p11_watch *watch);
void tp_p11_watch_clear(struct tp_p11_watch *watch);
/* Makes every thread that waits look whether the module is being closed. */
void tp_p11_watch_interrupt(struct tp_p11_watch *watch);

/* What the engine has just said of SLOT's user, in whatever answer. */
void tp_p11_watch_see(struct tp_p11_slot *slot, const struct tp_p11_seen *seen);

/* CKR_NO_EVENT, or CKR_OK with a slot. Asks at most once a second. */
CK_RV tp_p11_watch_look(struct tp_p11_module *module, CK_SLOT_ID *ret_slot);
/* Waits for one; CKR_CRYPTOKI_NOT_INITIALIZED when the module is closed meanwhile. */
CK_RV tp_p11_watch_wait(struct tp_p11_module *module, CK_SLOT_ID *ret_slot);

#endif
