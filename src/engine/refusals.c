/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/refusals.h"

#include "base/clock.h"
#include "engine/call.h"
#include "engine/trail.h"

#include <inttypes.h>
#include <stdlib.h>

#define BURST           1000 /* entries at once, and then … */
#define EVERY_MS        1000 /* … one more each second: 86,400 a day, some 20 MB */
#define RECORD_EVERY_MS 60000

/* A uid whose allowance is not whole. */
struct tp_refuser {
    uid_t uid;
    struct tp_bucket bucket;
    uint64_t left_out; /* refusals that have no entry and are not counted in one yet */
    int64_t recorded_ms;
    UT_hash_handle hh; /* engine->refusers */
};

static struct tp_refuser *refuser_of(struct tp_engine *engine, uid_t uid)
{
    struct tp_refuser *refuser = NULL;
    HASH_FIND(hh, engine->refusers, &uid, sizeof uid, refuser);
    if (refuser != NULL)
        return refuser;
    refuser = calloc(1, sizeof *refuser);
    if (refuser == NULL)
        return NULL;
    refuser->uid = uid;
    HASH_ADD(hh, engine->refusers, uid, sizeof refuser->uid, refuser);
    return refuser;
}

bool tp_refusals_admit_locked(struct tp_engine *engine, uid_t uid)
{
    struct tp_refuser *refuser = refuser_of(engine, uid);
    if (refuser == NULL || tp_bucket_take(&refuser->bucket, BURST, EVERY_MS, tp_clock_monotonic_ms()))
        return true; /* out of memory is no reason to keep silent */
    refuser->left_out++;
    return false;
}

bool tp_refusals_admit(struct tp_engine *engine, uid_t uid)
{
    pthread_mutex_lock(&engine->lock);
    bool admitted = tp_refusals_admit_locked(engine, uid);
    pthread_mutex_unlock(&engine->lock);
    return admitted;
}

void tp_refusals_turned_away(void *context, const struct tp_ipc_peer *peer, const struct tp_ipc_operation *operation,
                             enum tp_rc rc, const char *words)
{
    struct tp_engine *engine = context;
    struct tp_trail trail;
    const struct tp_duty *duty = operation == NULL ? NULL : tp_duty(operation->op);
    atomic_fetch_add_explicit(&engine->counters.refusals, 1, memory_order_relaxed);
    if (!tp_refusals_admit(engine, peer->uid))
        return;
    tp_trail_init(&trail, duty == NULL ? TP_ACTION_CONNECTION_REFUSED : duty->action, "refused");
    tp_trail_peer(&trail, peer);
    tp_trail_role(&trail, TP_ROLE_ANYONE);
    tp_trail_outcome(&trail, "refused", words);
    tp_trail_say(&trail, "%s: %s", operation == NULL ? "connection" : operation->words, tp_rc_words(rc));
    tp_trail_post(engine, &trail);
}

static void record(struct tp_engine *engine, struct tp_refuser *refuser, int64_t now_ms)
{
    struct tp_trail trail;
    tp_trail_init(&trail, TP_ACTION_REFUSALS, "refused");
    tp_trail_role(&trail, TP_ROLE_ENGINE);
    tp_trail_outcome(&trail, "refused", "more refusals than are recorded one by one");
    tp_trail_say(&trail, "uid %u, %" PRIu64 " not recorded", (unsigned)refuser->uid, refuser->left_out);
    tp_trail_post(engine, &trail);
    refuser->left_out = 0;
    refuser->recorded_ms = now_ms;
}

static void forget(struct tp_engine *engine, struct tp_refuser *refuser)
{
    HASH_DEL(engine->refusers, refuser);
    free(refuser);
}

void tp_refusals_tick(struct tp_engine *engine, int64_t now_ms)
{
    struct tp_refuser *at, *next;
    pthread_mutex_lock(&engine->lock);
    HASH_ITER(hh, engine->refusers, at, next)
    {
        if (at->left_out > 0 && (at->recorded_ms == 0 || now_ms >= at->recorded_ms + RECORD_EVERY_MS))
            record(engine, at, now_ms);
        if (at->left_out == 0 && at->bucket.full_ms <= now_ms)
            forget(engine, at); /* it has its whole allowance again */
    }
    pthread_mutex_unlock(&engine->lock);
}

void tp_refusals_clear(struct tp_engine *engine)
{
    struct tp_refuser *at, *next;
    pthread_mutex_lock(&engine->lock);
    HASH_ITER(hh, engine->refusers, at, next)
    {
        if (at->left_out > 0)
            record(engine, at, 0);
        forget(engine, at);
    }
    pthread_mutex_unlock(&engine->lock);
}
