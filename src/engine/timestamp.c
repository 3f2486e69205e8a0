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
#include "engine/halves.h"
#include "engine/refusals.h"
#include "engine/together.h"
#include "engine/trail.h"
#include "tsa/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stamping {
    struct tp_job job; /* first: the pool's view of it */
    struct tp_ledger_tx tx;
    struct tp_trail trail;
    struct tp_engine *engine;
    struct tp_ipc_request *request;
    struct tp_authority *authority; /* a reference */
    struct tp_tsa_outcome outcome;
    bool unrecorded; /* a refusal too many: see refusals.h */

    struct tp_halves halves;
    struct tp_buf response;
};

/* ---- the end ---- */

/* Both halves are there: the only place from which a token leaves. */
static void finish(struct stamping *stamping)
{
    struct tp_engine *engine = stamping->engine;
    const enum tp_rc rc = tp_halves_rc(&stamping->halves);
    if (rc == TP_OK) {
        Tp__Ipc__DerReply reply = TP__IPC__DER_REPLY__INIT;
        reply.der = (ProtobufCBinaryData){.data = stamping->response.data, .len = stamping->response.len};
        if (stamping->outcome.granted)
            atomic_fetch_add_explicit(&engine->counters.timestamps, 1, memory_order_relaxed);
        tp_ipc_answer(stamping->request, &reply.base, TP_BYTES_NONE);
    } else {
        tp_ipc_refuse(stamping->request, rc, &stamping->halves.error, 0);
    }
    if (stamping->outcome.granted && stamping->halves.durable_rc == TP_OK)
        tp_halves_close(&stamping->halves, engine, rc == TP_OK, tp_buf_bytes(&stamping->response));
    if (stamping->response.len > 0)
        tp_wipe(stamping->response.data, stamping->response.len);
    tp_buf_clear(&stamping->response);
    tp_authority_give(engine, stamping->authority);
    free(stamping);
}

static void durable(struct tp_ledger_tx *tx, enum tp_rc rc, const struct tp_error *error, uint64_t index)
{
    struct stamping *stamping = tx->context;
    tp_together_hold();
    if (tp_halves_durable(&stamping->halves, rc, error, index, "timestamp"))
        finish(stamping);
}

/* ---- the signer's half ---- */

static enum tp_rc sign_once(struct stamping *stamping)
{
    tp_buf_reset(&stamping->response);
    return tp_tsa_answer(&stamping->authority->profile, &stamping->outcome, &stamping->halves.error, &stamping->response);
}

/* A token of the HSM that was lost and is back needs one more try. */
static enum tp_rc sign_with(struct stamping *stamping, struct tp_hsm_session *session)
{
    tp_authority_key_lend(session);
    enum tp_rc rc = sign_once(stamping);
    if (rc == TP_HSM_ABSENT && session != NULL && stamping->authority->in_hsm) {
        rc = tp_hsm_session_renew(session, stamping->request->deadline_ms, &stamping->halves.error);
        if (rc == TP_OK)
            rc = sign_once(stamping);
    }
    tp_authority_key_lend(NULL);
    return rc;
}

static void run(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    struct stamping *stamping = (struct stamping *)job;
    if (session == NULL && stamping->authority->in_hsm) {
        stamping->halves.error = *error;
        stamping->halves.sign_rc = error->rc;
    } else if (tp_clock_monotonic_ms() >= stamping->request->deadline_ms) {
        stamping->halves.sign_rc = tp_error_set(&stamping->halves.error, TP_TIMEOUT, "the engine was too busy to sign in time; try again");
    } else {
        stamping->halves.sign_rc = sign_with(stamping, session);
    }
    atomic_fetch_sub_explicit(&stamping->engine->timestamps.signing, 1, memory_order_relaxed);
    /* Its record has waited for company until now, and takes along those of all who wait still: a commit costs as much as half
     * a signature, and while others are signed there is one soon. */
    tp_halves_hurry(&stamping->halves, &stamping->tx, stamping->engine);
    if (tp_halves_done(&stamping->halves, TP_HALF_SIGNED))
        finish(stamping);
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
    stamping->halves.sign_rc = sign_once(stamping);
    stamping->unrecorded = !tp_refusals_admit(engine, stamping->request->peer->uid);
    atomic_store(&stamping->halves.done, TP_HALF_SIGNED);
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
    enum tp_rc rc = authority == NULL ? TP_UNSUPPORTED : tp_authority_why_not(engine, &error);
    struct stamping *stamping = rc == TP_OK ? begin(engine, authority, request) : NULL;
    if (stamping != NULL)
        return stamping;
    tp_ipc_refuse(request, rc == TP_OK ? TP_MEMORY : rc, rc == TP_OK ? NULL : &error, 0);
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
            stamping->tx.patient = atomic_fetch_add_explicit(&engine->timestamps.signing, 1, memory_order_relaxed) > 0;
            *jobs_end = &stamping->job;
            jobs_end = &stamping->job.next;
        }
    }
    tp_together_begin(engine, txs, jobs, busy, run); /* without lingering: the net process asks for many, none of them at once */
}
