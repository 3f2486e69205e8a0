/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/authorisation.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "engine/people.h"
#include "engine/trail.h"
#include "engine/vault.h"
#include "ipc/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROOF_LEN 32
#define SECRET_LEN (TP_SEALING_KEY_LEN + 2 * PROOF_LEN)
#define TICK_MS 1000
#define OF_USER_MOST 256 /* logins of one user: nobody takes the room of all others */
#define ORPHANS_MOST 64  /* processes that one tick looks for */

enum proof { PROOF_GIVEN, PROOF_PIN };

static uint8_t *proof_of(const struct tp_authorisation *authorisation, enum proof which)
{
    return tp_secret_data(authorisation->secret) + TP_SEALING_KEY_LEN + (size_t)which * PROOF_LEN;
}

static enum tp_rc make_proof(struct tp_engine *engine, struct tp_bytes given, uint8_t ret_proof[PROOF_LEN])
{
    struct tp_bytes key = tp_secret_bytes(engine->proof_key);
    size_t len = 0;
    unsigned char *done = EVP_Q_mac(tp_crypto_libctx(), "HMAC", NULL, "SHA256", NULL, key.data, key.len, given.data,
                                    given.len, ret_proof, PROOF_LEN, &len);
    return done != NULL && len == PROOF_LEN ? TP_OK : TP_CRYPTO;
}

/* ---- finding ---- */

static bool same_process(const struct tp_authorisation *authorisation, const struct tp_ipc_peer *peer)
{
    return authorisation->pid == peer->pid && peer->pid_started != 0 &&
           authorisation->pid_started == peer->pid_started;
}

bool tp_authorisation_live(const struct tp_authorisation *authorisation, int64_t now_ms)
{
    return now_ms < authorisation->until_ms &&
           (authorisation->granted == 0 || authorisation->used < authorisation->granted);
}

bool tp_authorisation_usable(const struct tp_authorisation *authorisation, const struct tp_ipc_peer *peer, int64_t now_ms)
{
    return authorisation->uid == peer->uid &&
           (authorisation->scope == TP_SCOPE_UID || same_process(authorisation, peer)) &&
           tp_authorisation_live(authorisation, now_ms);
}

static struct tp_authorisation *find_shared(struct tp_engine *engine, const struct tp_ipc_peer *peer, const char *name)
{
    struct tp_user *user = NULL;
    int64_t now_ms = tp_clock_monotonic_ms();
    HASH_FIND_STR(engine->users, name, user);
    for (struct tp_authorisation *at = user != NULL ? user->authorisations : NULL; at != NULL; at = at->user_next)
        if (at->scope == TP_SCOPE_UID && at->uid == peer->uid && tp_authorisation_live(at, now_ms))
            return at;
    return NULL;
}

struct tp_authorisation *tp_authorisation_find_locked(struct tp_engine *engine, const struct tp_ipc_peer *peer,
                                                      const char *id, const char *name)
{
    struct tp_authorisation *found = NULL;
    if (id[0] == '\0')
        return find_shared(engine, peer, name);
    HASH_FIND_STR(engine->authorisations, id, found);
    if (found == NULL || !tp_authorisation_usable(found, peer, tp_clock_monotonic_ms()))
        return NULL;
    found->orphan = false;
    return found;
}

void tp_authorisation_view_locked(const struct tp_authorisation *authorisation,
                                  struct tp_authorisation_view *ret_view)
{
    memcpy(ret_view->id, authorisation->id, sizeof ret_view->id);
    ret_view->until_utc_ms = tp_clock_utc_ms() + authorisation->until_ms - tp_clock_monotonic_ms();
    ret_view->signatures_left = authorisation->granted == 0 ? 0 : authorisation->granted - authorisation->used;
}

bool tp_authorisation_any_locked(const struct tp_user *user)
{
    int64_t now_ms = tp_clock_monotonic_ms();
    for (const struct tp_authorisation *at = user->authorisations; at != NULL; at = at->user_next)
        if (tp_authorisation_live(at, now_ms))
            return true;
    return false;
}

static bool proves(const struct tp_authorisation *authorisation, enum proof which, const uint8_t proof[PROOF_LEN])
{
    return tp_bytes_equal_secret(TP_BYTES(proof_of(authorisation, which), PROOF_LEN), TP_BYTES(proof, PROOF_LEN));
}

enum tp_rc tp_authorisation_join(struct tp_engine *engine, const struct tp_user *user, const struct tp_ipc_peer *peer,
                                 struct tp_bytes given, struct tp_authorisation_view *ret_view, bool *ret_shared)
{
    uint8_t proof[PROOF_LEN];
    enum tp_rc rc = TP_NOT_FOUND;
    int64_t now_ms = tp_clock_monotonic_ms();
    TP_TRY(make_proof(engine, given, proof));
    *ret_shared = false;
    pthread_mutex_lock(&engine->lock);
    for (struct tp_authorisation *at = user->authorisations; at != NULL && rc != TP_OK; at = at->user_next) {
        if (!tp_authorisation_usable(at, peer, now_ms) || at->credential[0] != '\0')
            continue;
        bool shared = at->scope == TP_SCOPE_UID;
        *ret_shared = *ret_shared || shared;
        if (!proves(at, PROOF_GIVEN, proof) && !(shared && proves(at, PROOF_PIN, proof)))
            continue;
        at->orphan = false;
        tp_authorisation_view_locked(at, ret_view);
        rc = TP_OK;
    }
    pthread_mutex_unlock(&engine->lock);
    tp_wipe(proof, sizeof proof);
    return rc;
}

enum tp_rc tp_authorisation_lend(struct tp_engine *engine, struct tp_user *user, const struct tp_ipc_peer *peer,
                                 struct tp_bytes given, struct tp_secret **ret_key)
{
    uint8_t proof[PROOF_LEN];
    enum tp_rc rc = TP_NOT_FOUND;
    int64_t now_ms = tp_clock_monotonic_ms();
    TP_TRY(make_proof(engine, given, proof));
    pthread_mutex_lock(&engine->lock);
    for (struct tp_authorisation *at = user->authorisations; at != NULL && rc == TP_NOT_FOUND; at = at->user_next) {
        if (at->scope != TP_SCOPE_PROCESS || at->credential[0] != '\0' || at->lent ||
            !tp_authorisation_usable(at, peer, now_ms) || !proves(at, PROOF_GIVEN, proof))
            continue;
        at->lent = true;
        rc = tp_secret_new_copy(TP_BYTES(tp_secret_data(at->secret), TP_SEALING_KEY_LEN), ret_key);
    }
    pthread_mutex_unlock(&engine->lock);
    tp_wipe(proof, sizeof proof);
    return rc;
}

enum tp_rc tp_authorisation_sealing_key(struct tp_engine *engine, struct tp_user *user, const char *id,
                                        struct tp_secret **ret_key)
{
    enum tp_rc rc = TP_NOT_LOGGED_IN;
    int64_t now_ms = tp_clock_monotonic_ms();
    pthread_mutex_lock(&engine->lock);
    for (struct tp_authorisation *at = user->authorisations; at != NULL && rc == TP_NOT_LOGGED_IN; at = at->user_next)
        if (now_ms < at->until_ms && (id[0] == '\0' || strcmp(at->id, id) == 0)) /* the last signature of a counted one is still to be made */
            rc = tp_secret_new_copy(TP_BYTES(tp_secret_data(at->secret), TP_SEALING_KEY_LEN), ret_key);
    pthread_mutex_unlock(&engine->lock);
    return rc;
}

/* ---- opening ---- */

static enum tp_rc fill_secret(struct tp_engine *engine, const struct tp_authorisation_wish *wish,
                              struct tp_secret **ret_secret)
{
    struct tp_secret *secret TP_AUTO(tp_secret_free_p) = NULL;
    if (wish->sealing_key.len != TP_SEALING_KEY_LEN)
        return TP_INTERNAL;
    TP_TRY(tp_secret_new(SECRET_LEN, &secret));
    TP_TRY(tp_secret_append(secret, wish->sealing_key));
    TP_TRY(tp_secret_set_len(secret, SECRET_LEN));
    TP_TRY(make_proof(engine, wish->given, tp_secret_data(secret) + TP_SEALING_KEY_LEN));
    TP_TRY(make_proof(engine, wish->pin, tp_secret_data(secret) + TP_SEALING_KEY_LEN + PROOF_LEN));
    *ret_secret = secret;
    secret = NULL;
    return TP_OK;
}

static void insert(struct tp_engine *engine, struct tp_authorisation *authorisation)
{
    struct tp_user *user = authorisation->user;
    tp_people_hold_locked(engine, user);
    authorisation->user_next = user->authorisations;
    user->authorisations = authorisation;
    HASH_ADD_STR(engine->authorisations, id, authorisation);
}

static bool room_locked(const struct tp_engine *engine, const struct tp_user *user)
{
    unsigned of_user = 0;
    for (const struct tp_authorisation *at = user->authorisations; at != NULL; at = at->user_next)
        of_user++;
    return of_user < OF_USER_MOST && HASH_COUNT(engine->authorisations) < engine->conf.authorisations_most;
}

static enum tp_rc no_room(struct tp_error *error)
{
    return tp_error_set(error, TP_BUSY,
                        "too many logins are open; log out where you can, try again later, or raise \"authorisations\"");
}

enum tp_rc tp_authorisation_room(struct tp_engine *engine, const struct tp_user *user, struct tp_error *error)
{
    pthread_mutex_lock(&engine->lock);
    bool room = room_locked(engine, user);
    pthread_mutex_unlock(&engine->lock);
    return room ? TP_OK : no_room(error);
}

enum tp_rc tp_authorisation_open(struct tp_engine *engine, struct tp_user *user, const struct tp_ipc_peer *peer,
                                 const struct tp_authorisation_wish *wish, const char *id, struct tp_error *error,
                                 struct tp_authorisation_view *ret_view)
{
    struct tp_authorisation *made = calloc(1, sizeof *made);
    if (made == NULL || fill_secret(engine, wish, &made->secret) != TP_OK) {
        free(made);
        return tp_error_set(error, TP_MEMORY, "out of memory for the login");
    }
    snprintf(made->id, sizeof made->id, "%s", id);
    made->user = user;
    made->scope = wish->scope;
    made->uid = peer->uid;
    made->pid = peer->pid;
    made->pid_started = peer->pid_started;
    made->opened_ms = tp_clock_monotonic_ms();
    made->until_ms = made->opened_ms + wish->for_ms;
    made->granted = wish->signatures;
    snprintf(made->credential, sizeof made->credential, "%s", wish->credential);
    made->orphan = made->scope == TP_SCOPE_PROCESS; /* until it is used: its process may have gone while it waited */
    pthread_mutex_lock(&engine->lock);
    bool room = room_locked(engine, user);
    if (room) {
        insert(engine, made);
        tp_authorisation_view_locked(made, ret_view);
    }
    pthread_mutex_unlock(&engine->lock);
    if (room)
        return TP_OK;
    tp_secret_free(made->secret);
    free(made);
    return no_room(error);
}

/* ---- ending ---- */

/* Unwrapped keys go when nobody may use them any more; the HSM is asked from a thread that may wait for it. */
struct forget_job {
    struct tp_job job;
    struct tp_engine *engine;
    struct tp_user *user; /* a reference */
};

static void forget_keys(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    struct forget_job *forget = (struct forget_job *)job;
    struct tp_engine *engine = forget->engine;
    (void)session, (void)error;
    pthread_mutex_lock(&engine->lock);
    size_t count = 0, at = 0;
    bool unused = !tp_authorisation_any_locked(forget->user);
    for (struct tp_credential *key = forget->user->credentials; key != NULL; key = key->next)
        count++;
    char(*ids)[TP_ID_LEN] = unused ? calloc(count + 1, sizeof *ids) : NULL;
    for (struct tp_credential *key = forget->user->credentials; key != NULL && ids != NULL; key = key->next)
        memcpy(ids[at++], key->id, TP_ID_LEN);
    tp_people_release_locked(engine, forget->user);
    pthread_mutex_unlock(&engine->lock);
    for (size_t i = 0; i < at; i++)
        tp_hsm_key_forget(engine->hsm, ids[i]);
    free(ids);
    free(forget);
}

static void forget_later(struct tp_engine *engine, struct tp_user *user)
{
    struct forget_job *forget = calloc(1, sizeof *forget);
    if (forget == NULL)
        return;
    forget->job.run = forget_keys;
    forget->job.owner = TP_POOL_OURS;
    forget->job.without_hsm = true;
    forget->engine = engine;
    forget->user = user;
    tp_people_hold_locked(engine, user);
    tp_pool_push(engine->office, &forget->job);
}

static void record_end(struct tp_engine *engine, const struct tp_authorisation *authorisation, const char *reason)
{
    struct tp_trail trail;
    tp_trail_init(&trail, TP_ACTION_LOGIN_ENDED, "ok");
    tp_trail_outcome(&trail, "ok", reason);
    tp_trail_subject(&trail, authorisation->user->subject);
    tp_trail_role(&trail, TP_ROLE_ENGINE);
    tp_trail_object(&trail, "user", authorisation->user->id);
    tp_trail_authorisation(&trail, authorisation->id);
    trail.entry.use = authorisation->used;
    tp_trail_post(engine, &trail);
}

void tp_authorisation_end_locked(struct tp_engine *engine, struct tp_authorisation *authorisation, const char *reason)
{
    struct tp_user *user = authorisation->user;
    struct tp_authorisation **at = &user->authorisations;
    record_end(engine, authorisation, reason);
    while (*at != authorisation)
        at = &(*at)->user_next;
    *at = authorisation->user_next;
    HASH_DEL(engine->authorisations, authorisation);
    if (user->authorisations == NULL)
        forget_later(engine, user);
    tp_people_release_locked(engine, user);
    tp_secret_free(authorisation->secret);
    free(authorisation);
}

void tp_authorisation_end_user(struct tp_engine *engine, struct tp_user *user, const char *reason)
{
    pthread_mutex_lock(&engine->lock);
    while (user->authorisations != NULL)
        tp_authorisation_end_locked(engine, user->authorisations, reason);
    pthread_mutex_unlock(&engine->lock);
}

void tp_authorisation_end_all(struct tp_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    while (engine->authorisations != NULL)
        tp_authorisation_end_locked(engine, engine->authorisations, "the engine ends");
    pthread_mutex_unlock(&engine->lock);
}

void tp_authorisation_gone(struct tp_engine *engine, const struct tp_ipc_peer *peer)
{
    struct tp_authorisation *at, *next;
    pthread_mutex_lock(&engine->lock);
    HASH_ITER(hh, engine->authorisations, at, next)
    {
        if (at->scope == TP_SCOPE_PROCESS && same_process(at, peer))
            at->orphan = true;
    }
    pthread_mutex_unlock(&engine->lock);
}

static const char *why_ended(const struct tp_authorisation *authorisation, int64_t now_ms)
{
    if (now_ms >= authorisation->until_ms)
        return "its time is up";
    if (!tp_authorisation_live(authorisation, now_ms) && authorisation->under_way == 0)
        return "its signatures are used up";
    return NULL;
}

/* ---- those whose process may have ended: the kernel is asked without the lock ---- */

struct orphan {
    char id[TP_ID_LEN];
    pid_t pid;
    uint64_t pid_started;
};

/* The next ORPHANS_MOST, in turn. */
static size_t list_orphans(struct tp_engine *engine, struct orphan orphans[ORPHANS_MOST])
{
    struct tp_authorisation *at, *next;
    size_t place = 0, len = 0;
    pthread_mutex_lock(&engine->lock);
    HASH_ITER(hh, engine->authorisations, at, next)
    {
        if (!at->orphan || place++ < engine->orphans_seen || len == ORPHANS_MOST)
            continue;
        orphans[len] = (struct orphan){.pid = at->pid, .pid_started = at->pid_started};
        memcpy(orphans[len++].id, at->id, sizeof at->id);
    }
    pthread_mutex_unlock(&engine->lock);
    engine->orphans_seen = len == ORPHANS_MOST ? engine->orphans_seen + len : 0;
    return len;
}

static void end_orphans(struct tp_engine *engine)
{
    struct orphan orphans[ORPHANS_MOST];
    size_t len = list_orphans(engine, orphans);
    for (size_t i = 0; i < len; i++) {
        struct tp_authorisation *found = NULL;
        if (tp_ipc_process_alive(orphans[i].pid, orphans[i].pid_started))
            continue;
        pthread_mutex_lock(&engine->lock);
        HASH_FIND_STR(engine->authorisations, orphans[i].id, found);
        if (found != NULL)
            tp_authorisation_end_locked(engine, found, "its process has ended");
        pthread_mutex_unlock(&engine->lock);
    }
}

void tp_authorisation_tick(struct tp_engine *engine, int64_t now_ms)
{
    struct tp_authorisation *at, *next;
    if (now_ms < engine->ticked_ms + TICK_MS)
        return;
    engine->ticked_ms = now_ms;
    pthread_mutex_lock(&engine->lock);
    HASH_ITER(hh, engine->authorisations, at, next)
    {
        const char *why = why_ended(at, now_ms);
        if (why != NULL)
            tp_authorisation_end_locked(engine, at, why);
    }
    pthread_mutex_unlock(&engine->lock);
    end_orphans(engine);
}
