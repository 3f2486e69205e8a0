/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "engine/approval.h"
#include "engine/authorisation.h"
#include "engine/authority.h"
#include "engine/call.h"
#include "engine/events.h"
#include "engine/facts.h"
#include "engine/lock_file.h"
#include "engine/loop.h"
#include "engine/people.h"
#include "engine/refusals.h"
#include "engine/service_key.h"
#include "engine/together.h"
#include "engine/trail.h"
#include "engine/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PROOF_KEY_LEN 32
#define OFFICE_THREADS 2
#define SPARE_SESSIONS 4 /* the ledger's committer and readers, and one for looking */
#define SESSION_WAIT_MS 10000
#define COMPLETION_DELAY_MS 50
#define CONNECTIONS_MOST 4096
#define OWN_FILES 256 /* descriptors: a software token has a file for each object that it looks at, a network one sockets */

/* ---- start ---- */

static enum tp_rc open_hsm(struct tp_engine *engine, struct tp_error *error)
{
    const struct tp_engine_conf *conf = &engine->conf;
    struct tp_hsm_session *session TP_AUTO(tp_hsm_session_release_p) = NULL;
    struct tp_hsm_config config = {
        .uri = conf->hsm,
        .sessions = conf->workers + 1 + conf->login_workers + OFFICE_THREADS + SPARE_SESSIONS,
        .cached_keys = conf->cached_keys,
    };
    TP_TRY(tp_hsm_open(&config, error, &engine->hsm));
    TP_TRY(tp_hsm_session_acquire(engine->hsm, tp_clock_monotonic_ms() + SESSION_WAIT_MS, error, &session));
    TP_TRY(tp_hsm_token_keys_find(session, error));
    return tp_hsm_probe(session, error, &engine->abilities);
}

static enum tp_rc open_ledger(struct tp_engine *engine, struct tp_error *error)
{
    struct tp_ledger_config config = {
        .store_url = engine->conf.store,
        .origin = engine->origin,
        .checkpoint_entries = engine->conf.checkpoint_entries,
        .checkpoint_ms = engine->conf.checkpoint_ms,
        .completion_delay_ms = COMPLETION_DELAY_MS,
        .after_batch = tp_together_send,
        .after_batch_context = engine,
    };
    engine->vault.hsm = engine->hsm;
    TP_TRY(tp_service_key_public(&engine->conf, error, &engine->vault.checkpoint_spki));
    tp_vault_ledger_keys(&engine->vault, &config.keys);
    enum tp_rc rc = tp_ledger_open(&config, false, error, &engine->ledger);
    if (rc == TP_TAMPERED && engine->ledger != NULL) { /* those who look are served */
        tp_error_clear(error);
        rc = TP_OK;
    }
    TP_TRY(rc);
    engine->vault.ledger = engine->ledger;
    return tp_service_key_read(&engine->vault, error);
}

static enum tp_rc start_pools(struct tp_engine *engine, struct tp_error *error)
{
    TP_TRY(tp_pool_new(engine->hsm, engine->conf.workers + 1, "sign", error, &engine->signers));
    TP_TRY(tp_pool_new(engine->hsm, engine->conf.login_workers, "login", error, &engine->logins));
    return tp_pool_new(engine->hsm, OFFICE_THREADS, "office", error, &engine->office);
}

static enum tp_rc make_proof_key(struct tp_engine *engine)
{
    TP_TRY(tp_secret_new(PROOF_KEY_LEN, &engine->proof_key));
    TP_TRY(tp_secret_set_len(engine->proof_key, PROOF_KEY_LEN));
    return tp_random(tp_secret_data(engine->proof_key), PROOF_KEY_LEN);
}

static void gone(void *context, const struct tp_ipc_peer *peer)
{
    tp_authorisation_gone(context, peer);
    tp_events_gone(context, peer);
}

static bool idle(struct tp_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    bool nobody = engine->authorisations == NULL;
    pthread_mutex_unlock(&engine->lock);
    return nobody && tp_ipc_server_idle_ms(engine->server) >= engine->conf.idle_ms;
}

static void tell_tampered(struct tp_engine *engine)
{
    struct tp_ledger_info info;
    tp_ledger_info(engine->ledger, &info);
    if (info.tampered && !engine->told_tampered && engine->tell_tampered != NULL)
        engine->tell_tampered(info.why);
    engine->told_tampered = info.tampered;
}

static void tick(void *context, int64_t now_ms)
{
    struct tp_engine *engine = context;
    tp_authorisation_tick(engine, now_ms);
    tp_refusals_tick(engine, now_ms);
    tp_approval_tick(engine, now_ms);
    tp_events_tick(engine, now_ms);
    tp_facts_clock(engine);
    tp_authority_tick(engine);
    tell_tampered(engine);
    if (engine->spawned && idle(engine))
        tp_ipc_server_stop(engine->server);
}

/* Clients never get the descriptors that the HSM's module and the store need: without one, the token would seem lost. */
static unsigned connections_most(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= CONNECTIONS_MOST + OWN_FILES)
        return CONNECTIONS_MOST;
    unsigned all = (unsigned)files.rlim_cur;
    return all / 2 > OWN_FILES ? all - OWN_FILES : all / 2 + 1;
}

static enum tp_rc listen_for_clients(struct tp_engine *engine, struct tp_error *error)
{
    struct tp_ipc_server_config config = {
        .socket_path = engine->conf.socket,
        .socket_mode = engine->conf.socket_open ? 0666 : 0600,
        .context = engine,
        .connections_most = connections_most(),
        .handle = tp_dispatch,
        .may_send_large = tp_dispatch_may_send_large,
        .turned_away = tp_refusals_turned_away,
        .gone = gone,
        .tick = tick,
    };
    tp__ipc__hello_reply__init(&config.hello);
    config.hello.protocol = TP_IPC_PROTOCOL;
    config.hello.version = (char *)(uintptr_t)TP_VERSION;
    config.hello.deployment = (char *)(uintptr_t)engine->conf.name;
    config.hello.development = engine->spawned;
    return tp_ipc_server_new(&config, error, &engine->server);
}

static enum tp_rc record(struct tp_engine *engine, enum tp_action action, struct tp_error *error)
{
    struct tp_trail trail;
    struct tp_ledger_info info;
    tp_ledger_info(engine->ledger, &info);
    if (info.tampered)
        return TP_OK; /* nothing is written until an officer has looked */
    tp_trail_init(&trail, action, "ok");
    tp_trail_role(&trail, TP_ROLE_ENGINE);
    tp_trail_say(&trail, "version %s%s", TP_VERSION, engine->spawned ? ", development" : "");
    return tp_trail_commit(engine, &trail, error);
}

/* The lock comes first: two engines on one store would be two writers (one per deployment). */
static enum tp_rc start(struct tp_engine *engine, const char *conf_path, struct tp_error *error)
{
    TP_TRY(tp_engine_conf_read(conf_path, error, &engine->conf));
    snprintf(engine->origin, sizeof engine->origin, "trustp11/%s", engine->conf.name);
    TP_TRY(tp_lock_file_take(engine->conf.store, error, &engine->lock_fd));
    TP_TRY(make_proof_key(engine));
    TP_TRY(tp_events_init(engine));
    TP_TRY(open_hsm(engine, error));
    TP_TRY(open_ledger(engine, error));
    TP_TRY(tp_authority_start(engine, error));
    TP_TRY(start_pools(engine, error));
    TP_TRY(record(engine, TP_ACTION_ENGINE_START, error));
    tp_facts_clock(engine);
    return listen_for_clients(engine, error);
}

enum tp_rc tp_engine_new(const char *conf_path, bool spawned, struct tp_error *error, struct tp_engine **ret_engine)
{
    struct tp_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return tp_error_set(error, TP_MEMORY, "out of memory");
    pthread_mutex_init(&engine->lock, NULL);
    pthread_mutex_init(&engine->sweep, NULL);
    tp_loop_init(engine);
    engine->lock_fd = -1;
    engine->spawned = spawned;
    engine->started_ms = tp_clock_utc_ms();
    enum tp_rc rc = start(engine, conf_path, error);
    if (rc != TP_OK) {
        tp_engine_free(engine);
        return rc;
    }
    *ret_engine = engine;
    return TP_OK;
}

/* ---- run and end ---- */

enum tp_rc tp_engine_run(struct tp_engine *engine, struct tp_error *error)
{
    return tp_loop_run(engine, error);
}

void tp_engine_stop(struct tp_engine *engine)
{
    tp_ipc_server_stop(engine->server);
}

const char *tp_engine_without_timestamps(const struct tp_engine *engine)
{
    const struct tp_timestamps *timestamps = &engine->timestamps;
    return timestamps->wanted && timestamps->authority == NULL ? timestamps->why_not : NULL;
}

void tp_engine_on_tampered(struct tp_engine *engine, void (*tell)(const char *words))
{
    engine->tell_tampered = tell;
    tell_tampered(engine);
}

/* In the order in which things lean on each other: no thread outlives what it uses. */
void tp_engine_free(struct tp_engine *engine)
{
    struct tp_error ignored = {0};
    if (engine == NULL)
        return;
    tp_pool_free(engine->signers);
    tp_pool_free(engine->logins); /* what it still had to do may have opened logins */
    if (engine->server != NULL) {
        tp_authorisation_end_all(engine);
        tp_refusals_clear(engine);
        if (record(engine, TP_ACTION_ENGINE_STOP, &ignored) != TP_OK)
            tp_error_clear(&ignored); /* the log then simply ends here; the next start finds it whole */
    }
    tp_pool_free(engine->office);
    tp_events_clear(engine); /* what the office still had to do may have been to wait */
    tp_ledger_close(engine->ledger);
    tp_ipc_server_free(engine->server);
    tp_authority_stop(engine);
    tp_people_clear(engine);
    tp_hsm_close(engine->hsm);
    tp_buf_clear(&engine->vault.checkpoint_blob);
    tp_buf_clear(&engine->vault.checkpoint_spki);
    tp_secret_free(engine->proof_key);
    tp_lock_file_release(engine->lock_fd);
    tp_engine_conf_clear(&engine->conf);
    tp_loop_clear(engine);
    pthread_mutex_destroy(&engine->sweep);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}
