/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "p11/gate.h"
#include "p11/module.h"
#include "p11/slot.h"

#include <stdio.h>
#include <string.h>

#define LOOK_AGAIN_MS   1000  /* what the engine said is believed for this long by those who do not wait */
#define LOOK_TIMEOUT_MS 1000  /* CKF_DONT_BLOCK: what they wait all the same for an engine that hangs */
#define WAIT_MS         50000 /* one question; the engine takes up to a minute */
#define WAIT_TIMEOUT_MS (WAIT_MS + 10000)
#define DELAY_FIRST_MS  100 /* after a question that failed; doubled each time */
#define DELAY_MOST_MS   5000

enum tp_rc tp_p11_watch_init(struct tp_p11_watch *watch)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&watch->mutex, NULL) != 0 || pthread_condattr_init(&attributes) != 0)
        return TP_MEMORY;
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(&watch->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return failed != 0 ? TP_MEMORY : TP_OK;
}

void tp_p11_watch_clear(struct tp_p11_watch *watch)
{
    tp_ipc_client_free(watch->client);
    (void)pthread_cond_destroy(&watch->changed);
    (void)pthread_mutex_destroy(&watch->mutex);
}

void tp_p11_watch_interrupt(struct tp_p11_watch *watch)
{
    if (watch->client != NULL)
        tp_ipc_client_disconnect(watch->client);
    pthread_mutex_lock(&watch->mutex);
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->mutex);
}

/* ---- flags; the mutex is held ---- */

static bool same(const struct tp_p11_seen *a, const struct tp_p11_seen *b)
{
    return a->present == b->present && a->enrolled == b->enrolled && a->locked == b->locked &&
           a->suspended == b->suspended && strcmp(a->id, b->id) == 0;
}

/* The first time is no event: C_Initialize has cleared all flags, and what was before is nobody's business. */
static void see(struct tp_p11_slot *slot, const struct tp_p11_seen *seen)
{
    struct tp_p11_watched *watched = &slot->watched;
    if (watched->known && !same(&watched->seen, seen)) {
        watched->happened = true;
        pthread_cond_broadcast(&slot->module->watch.changed);
    }
    watched->seen = *seen;
    watched->known = true;
}

void tp_p11_watch_see(struct tp_p11_slot *slot, const struct tp_p11_seen *seen)
{
    struct tp_p11_watch *watch = &slot->module->watch;
    pthread_mutex_lock(&watch->mutex);
    see(slot, seen);
    pthread_mutex_unlock(&watch->mutex);
}

/* Each event is one thread's. */
static bool take(struct tp_p11_module *module, CK_SLOT_ID *ret_slot)
{
    for (size_t i = 0; i < module->slot_count; i++) {
        if (!module->slots[i].watched.happened)
            continue;
        module->slots[i].watched.happened = false;
        *ret_slot = module->slots[i].id;
        return true;
    }
    return false;
}

/* ---- asking ---- */

static void take_in(struct tp_p11_module *module, const Tp__Ipc__EventsReply *reply)
{
    for (size_t i = 0; i < reply->n_events; i++) {
        const Tp__Ipc__Event *event = reply->events[i];
        struct tp_p11_seen seen = {.present = event->present,
                                   .enrolled = event->enrolled,
                                   .locked = event->locked,
                                   .suspended = event->suspended};
        (void)snprintf(seen.id, sizeof(seen.id), "%s", event->user_id);
        for (size_t at = 0; at < module->slot_count; at++)
            if (!module->slots[at].serves_all && strcmp(module->slots[at].user, event->user) == 0)
                see(&module->slots[at], &seen);
    }
    module->watch.since = reply->now;
}

static size_t name_all(struct tp_p11_module *module, char *names[TP_CLIENT_USERS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < module->slot_count; i++)
        if (!module->slots[i].serves_all)
            names[count++] = module->slots[i].user;
    return count;
}

/* The mutex is held, but for while asking: `asking` keeps others from it, or an older answer might come last. */
static enum tp_rc ask(struct tp_p11_module *module, struct tp_ipc_client *client, uint32_t wait_ms, int64_t timeout_ms,
                      struct tp_error *error)
{
    struct tp_p11_watch *watch = &module->watch;
    Tp__Ipc__EventsRequest request = TP__IPC__EVENTS_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    char *names[TP_CLIENT_USERS_MAX];
    request.since = watch->since;
    request.wait_ms = wait_ms;
    request.users = names;
    request.n_users = name_all(module, names);
    watch->asking = true;
    pthread_mutex_unlock(&watch->mutex);
    enum tp_rc rc =
        tp_ipc_call(client, TP_OP_EVENTS, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, timeout_ms, error, &reply);
    pthread_mutex_lock(&watch->mutex);
    watch->asking = false;
    if (rc == TP_OK)
        take_in(module, (const Tp__Ipc__EventsReply *)reply.message);
    tp_ipc_reply_clear(&reply);
    pthread_cond_broadcast(&watch->changed); /* somebody else may have to ask now */
    return rc;
}

/* ---- without waiting ---- */

CK_RV tp_p11_watch_look(struct tp_p11_module *module, CK_SLOT_ID *ret_slot)
{
    struct tp_p11_watch *watch = &module->watch;
    pthread_mutex_lock(&watch->mutex);
    bool found = take(module, ret_slot);
    bool old = tp_clock_monotonic_ms() - watch->looked_ms >= LOOK_AGAIN_MS;
    if (!found && watch->client != NULL && old && !watch->asking) {
        enum tp_rc rc = ask(module, module->client, 0, LOOK_TIMEOUT_MS, NULL);
        watch->looked_ms = tp_clock_monotonic_ms();
        found = rc == TP_OK && take(module, ret_slot); /* an engine that cannot be asked tells of no event */
    }
    pthread_mutex_unlock(&watch->mutex);
    return found ? CKR_OK : CKR_NO_EVENT;
}

/* ---- waiting ---- */

/* An engine that is away comes back; the events of the meantime are told then. */
static void put_off(struct tp_p11_watch *watch, const struct tp_error *error)
{
    if (watch->delay_ms == 0)
        tp_log(TP_LOG_INFO, "C_WaitForSlotEvent: waits for the engine: %s", tp_error_words(error));
    watch->delay_ms = watch->delay_ms == 0 ? DELAY_FIRST_MS : 2 * watch->delay_ms;
    if (watch->delay_ms > DELAY_MOST_MS)
        watch->delay_ms = DELAY_MOST_MS;
    watch->again_ms = tp_clock_monotonic_ms() + watch->delay_ms;
}

static void ask_and_wait(struct tp_p11_module *module)
{
    struct tp_p11_watch *watch = &module->watch;
    struct tp_error error = {0};
    if (ask(module, watch->client, WAIT_MS, WAIT_TIMEOUT_MS, &error) == TP_OK)
        watch->delay_ms = watch->again_ms = 0;
    else
        put_off(watch, &error);
}

/* The mutex is held; until something may be different. */
static void wait_once(struct tp_p11_module *module)
{
    struct tp_p11_watch *watch = &module->watch;
    if (watch->asking || watch->client == NULL) {
        (void)pthread_cond_wait(&watch->changed, &watch->mutex);
    } else if (tp_deadline_left_ms(watch->again_ms) > 0) {
        struct timespec until = tp_deadline_timespec(watch->again_ms);
        (void)pthread_cond_timedwait(&watch->changed, &watch->mutex, &until);
    } else {
        ask_and_wait(module);
    }
}

CK_RV tp_p11_watch_wait(struct tp_p11_module *module, CK_SLOT_ID *ret_slot)
{
    struct tp_p11_watch *watch = &module->watch;
    bool found = false;
    pthread_mutex_lock(&watch->mutex);
    while (tp_p11_gate_is_open(module) && !(found = take(module, ret_slot)))
        wait_once(module);
    pthread_mutex_unlock(&watch->mutex);
    return found ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED; /* 3.0 §5.5.4 */
}
