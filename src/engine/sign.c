/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing, step by step (architecture: A signature), the path that must cost nothing but the HSM's own time:
 *
 *   server's thread    finds authorisation and credential, asks the policy, uses the authorisation up by one
 *   signers' threads   sign in the HSM                        } at the same time
 *   committer          makes the intent durable with others'  }
 *                      (a lone request is signed by the thread that has read it: loop.h)
 *   whoever is later   answers: a signature leaves only when both are done (M-2)
 *
 * A refusal takes the same way without the HSM: it is answered when it is recorded (RS-8).
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "engine/authorisation.h"
#include "engine/call.h"
#include "engine/facts.h"
#include "engine/halves.h"
#include "engine/loop.h"
#include "engine/people.h"
#include "engine/refusals.h"
#include "engine/together.h"
#include "engine/trail.h"
#include "engine/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_MAX 512 /* a DigestInfo or a hash is far shorter; the policy refuses what is longer than either */

struct signing {
    struct tp_job job; /* first: the pool's view of it */
    struct tp_ledger_tx tx;
    struct tp_trail trail;
    struct tp_engine *engine;
    struct tp_ipc_request *request;
    struct tp_user *user; /* a reference */
    char credential[TP_ID_LEN];
    char authorisation[TP_ID_LEN];
    struct tp_hsm_sign_params params;
    uint8_t data[DATA_MAX];
    size_t data_len;
    enum tp_rc decision; /* of the policy */
    bool unrecorded;     /* a refusal too many: see refusals.h */

    struct tp_halves halves;
    size_t signature_len;
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
};

/* ---- the end ---- */

/* Queues can be long: what was stopped since the decision (RS-16) releases nothing any more. */
static enum tp_rc last_look_locked(struct signing *signing, const struct tp_authorisation *authorisation)
{
    struct tp_credential *credential = NULL;
    if (authorisation == NULL)
        return tp_error_set(&signing->halves.error, TP_NOT_LOGGED_IN, "the login has ended meanwhile; log in again");
    HASH_FIND_STR(signing->engine->credentials, signing->credential, credential);
    if (credential == NULL || credential->record->state != TP_STATE_ACTIVE)
        return tp_error_set(&signing->halves.error, TP_KEY_UNUSABLE, "the key was stopped or deleted a moment ago");
    return TP_OK;
}

/* Gives back what decide() has taken. RC is how the signature ended so far; returns whether it may leave. */
static enum tp_rc give_back(struct signing *signing, enum tp_rc rc)
{
    struct tp_engine *engine = signing->engine;
    struct tp_authorisation *authorisation = NULL;
    if (signing->decision != TP_OK)
        return rc;
    pthread_mutex_lock(&engine->lock);
    HASH_FIND_STR(engine->authorisations, signing->authorisation, authorisation);
    if (rc == TP_OK)
        rc = last_look_locked(signing, authorisation);
    if (authorisation != NULL)
        authorisation->under_way--;
    tp_people_release_locked(engine, signing->user);
    pthread_mutex_unlock(&engine->lock);
    return rc;
}

/* Both halves are there: the only place from which a signature leaves. */
static void finish(struct signing *signing)
{
    enum tp_rc rc = give_back(signing, tp_halves_rc(&signing->halves));
    if (rc == TP_OK) {
        Tp__Ipc__SignReply reply = TP__IPC__SIGN_REPLY__INIT;
        reply.signature = (ProtobufCBinaryData){.data = signing->signature, .len = signing->signature_len};
        atomic_fetch_add_explicit(&signing->engine->counters.signatures, 1, memory_order_relaxed);
        tp_ipc_answer(signing->request, &reply.base, TP_BYTES_NONE);
    } else {
        tp_ipc_refuse(signing->request, rc, &signing->halves.error, 0);
    }
    if (signing->decision == TP_OK && signing->halves.durable_rc == TP_OK)
        tp_halves_close(&signing->halves, signing->engine, rc == TP_OK, TP_BYTES(signing->signature, signing->signature_len));
    tp_wipe(signing->signature, signing->signature_len);
    free(signing);
}

static void durable(struct tp_ledger_tx *tx, enum tp_rc rc, const struct tp_error *error, uint64_t index)
{
    struct signing *signing = tx->context;
    tp_together_hold();
    if (tp_halves_durable(&signing->halves, rc, error, index, "signature"))
        finish(signing);
}

/* ---- the HSM's half ---- */

/* The sealed blob is copied under the lock, opened outside it. */
static enum tp_rc copy_blob(struct signing *signing, struct tp_error *error, struct tp_buf *ret_sealed,
                            struct tp_hsm_wrapped *ret_wrapped)
{
    struct tp_credential *credential = NULL;
    enum tp_rc rc = TP_OK;
    pthread_mutex_lock(&signing->engine->lock);
    HASH_FIND_STR(signing->engine->credentials, signing->credential, credential);
    if (credential == NULL || credential->user != signing->user || credential->record->pending)
        rc = tp_error_set(error, TP_KEY_UNUSABLE, "the key was deleted or changed a moment ago");
    if (rc == TP_OK) {
        ret_wrapped->type = (enum tp_hsm_key_type)credential->record->type;
        rc = tp_buf_append(ret_sealed, TP_BYTES(credential->record->blob.data, credential->record->blob.len));
    }
    if (rc == TP_OK)
        rc = tp_buf_append(&ret_wrapped->uwk,
                           TP_BYTES(signing->user->record->uwk.data, signing->user->record->uwk.len));
    pthread_mutex_unlock(&signing->engine->lock);
    return rc;
}

static enum tp_rc load(void *context, struct tp_error *error, struct tp_hsm_wrapped *ret_wrapped)
{
    struct signing *signing = context;
    struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_secret *key TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(copy_blob(signing, error, &sealed, ret_wrapped));
    enum tp_rc rc = tp_authorisation_sealing_key(signing->engine, signing->user, signing->authorisation, &key);
    if (rc != TP_OK)
        return tp_error_set(error, rc, "the login has ended; log in again");
    return tp_vault_unseal(tp_secret_bytes(key), signing->user->id, signing->credential, tp_buf_bytes(&sealed), error,
                           &ret_wrapped->key);
}

static enum tp_rc sign_once(struct signing *signing, struct tp_hsm_session *session)
{
    struct tp_hsm_key *key = NULL;
    TP_TRY(tp_hsm_key_get(session, signing->credential, load, signing, &signing->halves.error, &key));
    enum tp_rc rc = tp_hsm_sign(session, key, &signing->params, TP_BYTES(signing->data, signing->data_len),
                                &signing->halves.error, signing->signature, &signing->signature_len);
    tp_hsm_key_put(key);
    return rc;
}

/* A token that was lost and is back needs one more try: the wrapped key is at hand, so nobody has to log in again. */
static enum tp_rc sign_with_renewal(struct signing *signing, struct tp_hsm_session *session)
{
    enum tp_rc rc = sign_once(signing, session);
    if (rc != TP_HSM_ABSENT)
        return rc;
    TP_TRY(tp_hsm_session_renew(session, signing->request->deadline_ms, &signing->halves.error));
    return sign_once(signing, session);
}

/* Returns whether the request has been answered. */
static bool make_signature(struct signing *signing, struct tp_hsm_session *session, const struct tp_error *error)
{
    /* What waited for this thread lets its record wait too, with that of all others that wait: now it is needed. */
    tp_halves_hurry(&signing->halves, &signing->tx, signing->engine);
    if (session == NULL) {
        signing->halves.error = *error;
        signing->halves.sign_rc = error->rc;
    } else if (tp_clock_monotonic_ms() >= signing->request->deadline_ms) {
        signing->halves.sign_rc = tp_error_set(&signing->halves.error, TP_TIMEOUT, "the HSM was too busy to sign in time; try again");
    } else {
        signing->halves.sign_rc = sign_with_renewal(signing, session);
    }
    const bool later = tp_halves_done(&signing->halves, TP_HALF_SIGNED);
    if (later)
        finish(signing);
    return later;
}

static void run(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    (void)make_signature((struct signing *)job, session, error);
}

/* While the disk is the slower one, there is nothing yet that the client could follow with its next request. */
static void run_lone(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    struct tp_engine *engine = ((struct signing *)job)->engine;
    if (make_signature((struct signing *)job, session, error))
        tp_loop_linger(engine);
}

/* ---- the beginning; the engine's lock is held ---- */

static const Tp__Ipc__SignRequest *message_of(const struct tp_ipc_request *request)
{
    return (const Tp__Ipc__SignRequest *)request->message;
}

static enum tp_rc refuse(struct signing *signing, enum tp_rc rc, const char *words)
{
    tp_trail_outcome(&signing->trail, "refused", words);
    return tp_error_set(&signing->halves.error, rc, "%s", words);
}

static enum tp_rc take_data(struct signing *signing, const Tp__Ipc__SignRequest *message)
{
    if (message->data.len > DATA_MAX)
        return refuse(signing, TP_DATA_LENGTH, "more data than a hash or DigestInfo has");
    if (message->data.len > 0)
        memcpy(signing->data, message->data.data, message->data.len);
    signing->data_len = message->data.len;
    if (tp_facts_params(message->mechanism, message->hash_bits, message->mgf_bits, message->salt_len,
                        &signing->params) != TP_OK)
        return refuse(signing, TP_MECHANISM, "unknown mechanism");
    return TP_OK;
}

static enum tp_rc ask_policy(struct signing *signing, const Tp__Ipc__SignRequest *message,
                             struct tp_credential *credential, struct tp_authorisation *authorisation)
{
    struct tp_policy_facts facts;
    struct tp_policy_decision decision;
    tp_facts_locked(signing->engine, credential, authorisation, &facts);
    facts.params = signing->params;
    facts.data = TP_BYTES(signing->data, signing->data_len);
    facts.has_data = true;
    facts.claimed = message->hash_name[0] == '\0' ? TP_PKI_HASH_NONE : tp_pki_hash_parse(message->hash_name);
    tp_policy_decide(&signing->engine->conf.policy, &facts, &decision);
    tp_trail_signing(&signing->trail, &signing->params, decision.hash, decision.digest, authorisation->used + 1);
    return decision.rc == TP_OK ? TP_OK : refuse(signing, decision.rc, decision.words);
}

static enum tp_rc decide(struct signing *signing, const Tp__Ipc__SignRequest *message)
{
    struct tp_engine *engine = signing->engine;
    struct tp_credential *credential = NULL;
    struct tp_authorisation *authorisation =
        tp_authorisation_find_locked(engine, signing->request->peer, message->authorisation, message->user);
    HASH_FIND_STR(engine->credentials, message->credential, credential);
    if (authorisation == NULL)
        return refuse(signing, TP_NOT_LOGGED_IN, "not logged in, or the login has ended; log in again");
    memcpy(signing->authorisation, authorisation->id, sizeof signing->authorisation);
    tp_trail_authorisation(&signing->trail, authorisation->id);
    tp_trail_subject(&signing->trail, authorisation->user->subject);
    tp_trail_role(&signing->trail, TP_ROLE_OWNER);
    if (credential == NULL || credential->user != authorisation->user)
        return refuse(signing, TP_KEY_UNUSABLE, "that key is not one of the user who is logged in");
    if (authorisation->credential[0] != '\0' && strcmp(authorisation->credential, credential->id) != 0)
        return refuse(signing, TP_NOT_LOGGED_IN, "that login was for one signature with another key; log in again");
    memcpy(signing->credential, credential->id, sizeof signing->credential);
    tp_trail_object(&signing->trail, "credential", credential->id);
    TP_TRY(take_data(signing, message));
    TP_TRY(ask_policy(signing, message, credential, authorisation));
    authorisation->used++;
    authorisation->under_way++;
    signing->user = authorisation->user;
    tp_people_hold_locked(engine, signing->user);
    return TP_OK;
}

static struct signing *begin(struct tp_engine *engine, struct tp_ipc_request *request)
{
    struct signing *signing = malloc(sizeof *signing);
    if (signing == NULL)
        return NULL;
    memset(signing, 0, offsetof(struct signing, signature));
    signing->engine = engine;
    signing->request = request;
    signing->job.run = run;
    signing->job.owner = request->peer->uid;
    tp_trail_init(&signing->trail, TP_ACTION_SIGN, "intent");
    tp_trail_peer(&signing->trail, request->peer);
    signing->decision = decide(signing, message_of(request));
    if (signing->decision != TP_OK) {
        atomic_fetch_add_explicit(&engine->counters.refusals, 1, memory_order_relaxed);
        signing->halves.sign_rc = signing->decision;
        signing->unrecorded = !tp_refusals_admit_locked(engine, request->peer->uid);
        atomic_store(&signing->halves.done, TP_HALF_SIGNED); /* the HSM has no part in it */
    }
    signing->tx.entry = tp_trail_entry(&signing->trail);
    signing->tx.intent = signing->decision == TP_OK;
    signing->tx.done = durable;
    signing->tx.context = signing;
    return signing;
}

static void answer_unrecorded(struct tp_job *jobs)
{
    for (struct tp_job *next; jobs != NULL; jobs = next) {
        next = jobs->next;
        finish((struct signing *)jobs);
    }
}

void tp_sign_batch(struct tp_engine *engine, struct tp_ipc_request *requests)
{
    struct tp_ledger_tx *txs = NULL, **txs_end = &txs;
    struct tp_job *jobs = NULL, **jobs_end = &jobs, *unrecorded = NULL;
    bool busy = tp_pool_busy(engine->signers);
    pthread_mutex_lock(&engine->lock);
    for (struct tp_ipc_request *request = requests, *next; request != NULL; request = next) {
        next = request->next;
        struct signing *signing = begin(engine, request);
        if (signing == NULL) {
            tp_ipc_refuse(request, TP_MEMORY, NULL, 0);
            continue;
        }
        if (signing->unrecorded) {
            signing->job.next = unrecorded;
            unrecorded = &signing->job;
            continue;
        }
        *txs_end = &signing->tx;
        txs_end = &signing->tx.next;
        if (signing->decision == TP_OK) {
            signing->tx.patient = busy;
            *jobs_end = &signing->job;
            jobs_end = &signing->job.next;
        }
    }
    pthread_mutex_unlock(&engine->lock);
    tp_together_begin(engine, txs, jobs, busy, run_lone);
    answer_unrecorded(unrecorded);
}
