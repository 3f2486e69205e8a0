/* SPDX-License-Identifier: Apache-2.0
 *
 * Timestamps (RFC 3161), the way of a signature (sign.c): decided in the server's thread, signed by a signer's while the
 * committer makes the record durable, answered by whoever of the two is later. A token whose record could not be written is
 * wiped (M-2). A rejection is an answer, too, and is recorded before it leaves (RS-8), as far as refusals.c admits.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "engine/authority.h"
#include "engine/authority_key.h"
#include "engine/call.h"
#include "engine/loop.h"
#include "engine/refusals.h"
#include "engine/together.h"
#include "engine/trail.h"
#include "tsa/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HALF_SIGNED = 1, HALF_DURABLE = 2, BOTH_HALVES = HALF_SIGNED | HALF_DURABLE };

struct stamping {
    struct tp_job job; /* first: the pool's view of it */
    struct tp_ledger_tx tx;
    struct tp_trail trail;
    struct tp_engine *engine;
    struct tp_ipc_request *request;
    struct tp_authority *authority; /* a reference */
    struct tp_tsa_outcome outcome;
    bool unrecorded; /* a refusal too many: see refusals.h */

    atomic_uint halves;
    enum tp_rc durable_rc, sign_rc;
    uint64_t index; /* of the intent */
    struct tp_error error;
    struct tp_buf response;
};

/* ---- the end ---- */

static void close_intent(struct stamping *stamping, bool ok)
{
    uint8_t hash[TP_SHA256_LEN] = {0};
    if (ok && tp_sha256(tp_buf_bytes(&stamping->response), TP_BYTES_NONE, TP_BYTES_NONE, hash) != TP_OK)
        memset(hash, 0, sizeof hash);
    tp_ledger_complete(stamping->engine->ledger, stamping->index, ok, hash);
}

/* Both halves are there: the only place from which a token leaves. */
static void finish(struct stamping *stamping)
{
    struct tp_engine *engine = stamping->engine;
    const enum tp_rc rc = stamping->durable_rc != TP_OK ? stamping->durable_rc : stamping->sign_rc;
    if (rc == TP_OK) {
        Tp__Ipc__DerReply reply = TP__IPC__DER_REPLY__INIT;
        reply.der = (ProtobufCBinaryData){.data = stamping->response.data, .len = stamping->response.len};
        if (stamping->outcome.granted)
            atomic_fetch_add_explicit(&engine->counters.timestamps, 1, memory_order_relaxed);
        tp_ipc_answer(stamping->request, &reply.base, TP_BYTES_NONE);
    } else {
        tp_ipc_refuse(stamping->request, rc, &stamping->error, 0);
    }
    if (stamping->outcome.granted && stamping->durable_rc == TP_OK)
        close_intent(stamping, rc == TP_OK);
    if (stamping->response.len > 0)
        tp_wipe(stamping->response.data, stamping->response.len);
    tp_buf_clear(&stamping->response);
    tp_authority_give(engine, stamping->authority);
    free(stamping);
}

/* Whether that was the later one: STAMPING is gone then. */
static bool half_done(struct stamping *stamping, unsigned half)
{
    const bool both = (atomic_fetch_or(&stamping->halves, half) | half) == BOTH_HALVES;
    if (both)
        finish(stamping);
    return both;
}

static void durable(struct tp_ledger_tx *tx, enum tp_rc rc, const struct tp_error *error, uint64_t index)
{
    struct stamping *stamping = tx->context;
    tp_together_hold();
    stamping->durable_rc = rc;
    stamping->index = index;
    if (rc == TP_OK) {
        (void)half_done(stamping, HALF_DURABLE);
        return;
    }
    /* The signer's thread may be writing its own words: these are for when it has ended. */
    if ((atomic_fetch_or(&stamping->halves, HALF_DURABLE) | HALF_DURABLE) != BOTH_HALVES)
        return;
    stamping->error = *error;
    (void)tp_error_prefix(&stamping->error, rc, "the timestamp was not released, since it could not be recorded");
    finish(stamping);
}

/* ---- the signer's half ---- */

static enum tp_rc sign_once(struct stamping *stamping)
{
    tp_buf_reset(&stamping->response);
    return tp_tsa_answer(&stamping->authority->profile, &stamping->outcome, &stamping->error, &stamping->response);
}

/* A token of the HSM that was lost and is back needs one more try. */
static enum tp_rc sign_with(struct stamping *stamping, struct tp_hsm_session *session)
{
    tp_authority_key_lend(session);
    enum tp_rc rc = sign_once(stamping);
    if (rc == TP_HSM_ABSENT && session != NULL && stamping->authority->in_hsm) {
        rc = tp_hsm_session_renew(session, stamping->request->deadline_ms, &stamping->error);
        if (rc == TP_OK)
            rc = sign_once(stamping);
    }
    tp_authority_key_lend(NULL);
    return rc;
}

/* Returns whether the request has been answered. */
static bool make_token(struct stamping *stamping, struct tp_hsm_session *session, const struct tp_error *error)
{
    if (stamping->tx.patient && (atomic_load(&stamping->halves) & HALF_DURABLE) == 0)
        tp_ledger_hurry(stamping->engine->ledger);
    if (session == NULL && stamping->authority->in_hsm) {
        stamping->error = *error;
        stamping->sign_rc = error->rc;
    } else if (tp_clock_monotonic_ms() >= stamping->request->deadline_ms) {
        stamping->sign_rc = tp_error_set(&stamping->error, TP_TIMEOUT, "the engine was too busy to sign in time; try again");
    } else {
        stamping->sign_rc = sign_with(stamping, session);
    }
    return half_done(stamping, HALF_SIGNED);
}

static void run(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    (void)make_token((struct stamping *)job, session, error);
}

static void run_lone(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    struct tp_engine *engine = ((struct stamping *)job)->engine;
    if (make_token((struct stamping *)job, session, error))
        tp_loop_linger(engine);
}

/* ---- the beginning ---- */

static void decide(struct stamping *stamping)
{
    struct tp_timestamps *timestamps = &stamping->engine->timestamps;
    const Tp__Ipc__TimestampRequest *message = (const Tp__Ipc__TimestampRequest *)stamping->request->message;
    struct tp_error why = {0};
    struct tp_tsa_moment moment = {.serial_len = TP_TSA_SERIAL_LEN};
    if (tp_tsa_clock_now(timestamps->clock, &why, &moment.time_us) != TP_OK)
        moment.no_time = tp_error_words(&why);
    tp_tsa_serials_next(&timestamps->serials, moment.serial);
    tp_tsa_decide(&stamping->authority->profile, TP_BYTES(message->request.data, message->request.len), &moment, &stamping->outcome);
    tp_error_clear(&why);
}

/* The entry of a token: its serial number, what it is over, when, under which policy. */
static void trail_granted(struct stamping *stamping)
{
    const struct tp_pki_timestamp_info *info = &stamping->outcome.info;
    char serial[2 * TP_TSA_SERIAL_LEN + 1], time[TP_TIME_TEXT_LEN];
    tp_hex_encode(TP_BYTES(info->serial, info->serial_len), serial);
    tp_time_format(info->time_us / 1000, false, time);
    tp_trail_object(&stamping->trail, "timestamp", serial);
    tp_trail_imprint(&stamping->trail, info->hash, TP_BYTES(info->imprint, info->imprint_len));
    tp_trail_say(&stamping->trail, "%s, policy %s", time, info->policy);
}

static void trail_rejected(struct stamping *stamping)
{
    char reason[TP_ERROR_WORDS_LEN + 32];
    (void)snprintf(reason, sizeof reason, "%s: %s", tp_pki_timestamp_failure_name(stamping->outcome.failure), stamping->outcome.why);
    tp_trail_outcome(&stamping->trail, "refused", reason);
}

/* There is nothing to sign in a rejection. */
static void reject(struct stamping *stamping)
{
    struct tp_engine *engine = stamping->engine;
    atomic_fetch_add_explicit(&engine->counters.refusals, 1, memory_order_relaxed);
    stamping->sign_rc = sign_once(stamping);
    stamping->unrecorded = !tp_refusals_admit(engine, stamping->request->peer->uid);
    atomic_store(&stamping->halves, HALF_SIGNED);
}

static struct stamping *begin(struct tp_engine *engine, struct tp_authority *authority, struct tp_ipc_request *request)
{
    struct stamping *stamping = calloc(1, sizeof *stamping);
    if (stamping == NULL)
        return NULL;
    stamping->engine = engine;
    stamping->request = request;
    stamping->authority = authority;
    stamping->job.run = run;
    stamping->job.owner = request->peer->uid;
    stamping->job.without_hsm = !authority->in_hsm;
    tp_trail_init(&stamping->trail, TP_ACTION_TIMESTAMP, "intent");
    tp_trail_peer(&stamping->trail, request->peer);
    tp_trail_role(&stamping->trail, TP_ROLE_ANYONE);
    decide(stamping);
    if (stamping->outcome.granted) {
        trail_granted(stamping);
    } else {
        trail_rejected(stamping);
        reject(stamping);
    }
    stamping->tx.entry = tp_trail_entry(&stamping->trail);
    stamping->tx.intent = stamping->outcome.granted;
    stamping->tx.done = durable;
    stamping->tx.context = stamping;
    return stamping;
}

/* NULL: the request has been answered. */
static struct stamping *begin_or_answer(struct tp_engine *engine, struct tp_ipc_request *request)
{
    struct tp_error error = {0};
    pthread_mutex_lock(&engine->lock);
    struct tp_authority *authority = tp_authority_take_locked(engine);
    if (authority == NULL)
        (void)tp_error_set(&error, TP_UNSUPPORTED, "%s",
                           engine->timestamps.wanted ? engine->timestamps.why_not
                                                     : "this engine gives no timestamps; set [tsa] key in engine.conf");
    pthread_mutex_unlock(&engine->lock);
    struct stamping *stamping = authority == NULL ? NULL : begin(engine, authority, request);
    if (stamping != NULL)
        return stamping;
    tp_ipc_refuse(request, authority == NULL ? TP_UNSUPPORTED : TP_MEMORY, authority == NULL ? &error : NULL, 0);
    if (authority != NULL)
        tp_authority_give(engine, authority);
    return NULL;
}

void tp_timestamp_batch(struct tp_engine *engine, struct tp_ipc_request *requests)
{
    struct tp_ledger_tx *txs = NULL, **txs_end = &txs;
    struct tp_job *jobs = NULL, **jobs_end = &jobs;
    const bool busy = tp_pool_busy(engine->signers);
    for (struct tp_ipc_request *request = requests, *next; request != NULL; request = next) {
        next = request->next;
        struct stamping *stamping = begin_or_answer(engine, request);
        if (stamping == NULL)
            continue;
        if (stamping->unrecorded) {
            finish(stamping);
            continue;
        }
        *txs_end = &stamping->tx;
        txs_end = &stamping->tx.next;
        if (stamping->outcome.granted) {
            stamping->tx.patient = busy;
            *jobs_end = &stamping->job;
            jobs_end = &stamping->job.next;
        }
    }
    tp_together_begin(engine, txs, jobs, busy, run_lone);
}
