/* SPDX-License-Identifier: Apache-2.0
 *
 * How the engine is: figures for `status`, and for `doctor` what is wrong or could be better, with advice.
 */
#include "base/clock.h"
#include "engine/authority.h"
#include "engine/call.h"
#include "engine/crl.h"
#include "engine/people.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void fill_hsm(struct tp_engine *engine, struct tp_hsm_info *info, Tp__Ipc__StatusReply *reply)
{
    tp_hsm_info(engine->hsm, info);
    reply->cached_keys = info->cached_keys;
    reply->hsm_present = info->present;
    reply->hsm_token = info->token;
    reply->hsm_module = info->module;
    reply->hsm_stuck = info->stuck;
    reply->hsm_losses = info->losses;
}

static void fill_ledger(struct tp_engine *engine, struct tp_ledger_info *info, Tp__Ipc__StatusReply *reply)
{
    tp_ledger_info(engine->ledger, info);
    reply->entries = info->entries;
    reply->records = info->records;
    reply->commits = info->commits;
    reply->checkpoint_size = info->checkpoint_size;
    reply->tampered = info->tampered;
    reply->tampered_words = info->why;
}

enum tp_rc tp_op_status(struct tp_call *call)
{
    struct tp_engine *engine = call->engine;
    Tp__Ipc__StatusReply reply = TP__IPC__STATUS_REPLY__INIT;
    struct tp_hsm_info hsm_info;
    struct tp_ledger_info ledger_info;
    reply.version = (char *)(uintptr_t)TP_VERSION;
    reply.deployment = (char *)(uintptr_t)engine->conf.name;
    reply.development = engine->spawned;
    reply.started_ms = engine->started_ms;
    reply.pid = (uint32_t)getpid();
    reply.uid = geteuid();
    fill_ledger(engine, &ledger_info, &reply);
    fill_hsm(engine, &hsm_info, &reply);
    reply.signatures = atomic_load(&engine->counters.signatures);
    reply.refusals = atomic_load(&engine->counters.refusals);
    reply.connections = tp_ipc_server_connections(engine->server);
    reply.clock_synchronised = tp_clock_synchronised();
    reply.memory_locked = tp_secret_locked();
    TP_TRY(tp_ledger_count(engine->ledger, "user", &call->error, &reply.users));
    pthread_mutex_lock(&engine->lock);
    reply.authorisations = HASH_COUNT(engine->authorisations);
    pthread_mutex_unlock(&engine->lock);
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

/* ---- doctor ---- */

#define CHECKS_MOST 32

struct doctor {
    struct tp_engine *engine;
    Tp__Ipc__Check checks[CHECKS_MOST], *pointers[CHECKS_MOST];
    char words[CHECKS_MOST][TP_ERROR_WORDS_LEN];
    size_t len;
};

/* VERDICT: "ok", "note" or "bad"; NAME and ADVICE are static. */
static void say(struct doctor *doctor, const char *name, const char *verdict, const char *advice, const char *format, ...)
    TP_PRINTF(5, 6);

static void say(struct doctor *doctor, const char *name, const char *verdict, const char *advice, const char *format, ...)
{
    va_list arguments;
    if (doctor->len == CHECKS_MOST)
        return;
    Tp__Ipc__Check *check = &doctor->checks[doctor->len];
    va_start(arguments, format);
    vsnprintf(doctor->words[doctor->len], sizeof doctor->words[0], format, arguments);
    va_end(arguments);
    tp__ipc__check__init(check);
    check->name = (char *)(uintptr_t)name;
    check->verdict = (char *)(uintptr_t)verdict;
    check->advice = (char *)(uintptr_t)(strcmp(verdict, "ok") == 0 ? "" : advice);
    check->words = doctor->words[doctor->len];
    doctor->pointers[doctor->len] = check;
    doctor->len++;
}

static void check_hsm(struct doctor *doctor)
{
    struct tp_hsm_info info;
    tp_hsm_info(doctor->engine->hsm, &info);
    say(doctor, "hsm", info.present ? "ok" : "bad",
        "connect the HSM or start its service; the engine finds it again by itself", "token \"%s\" (%s %s, serial %s) %s",
        info.token, info.manufacturer, info.model, info.serial, info.present ? "answers" : "does not answer");
    if (info.stuck > 0)
        say(doctor, "hsm calls", "bad", "look at the HSM's own log; restart the engine once it answers again",
            "%u calls have not returned", info.stuck);
    if (strstr(info.model, "SoftHSM") != NULL || strstr(info.manufacturer, "SoftHSM") != NULL)
        say(doctor, "hsm kind", "note", "use a certified HSM in production (RS-18: FIPS 140-2 level 3)",
            "SoftHSM keeps its keys in files: for development and tests");
}

static void check_key_types(struct doctor *doctor)
{
    const struct tp_hsm_abilities *abilities = &doctor->engine->abilities;
    static const char *const names[TP_HSM_KEY_TYPE_END] = {
        [TP_HSM_RSA_2048] = "key rsa-2048", [TP_HSM_RSA_3072] = "key rsa-3072", [TP_HSM_RSA_4096] = "key rsa-4096",
        [TP_HSM_P256] = "key p-256",        [TP_HSM_P384] = "key p-384",        [TP_HSM_P521] = "key p-521",
        [TP_HSM_ED25519] = "key ed25519",
    };
    say(doctor, "hsm wrapping", abilities->wrap_mechanism != NULL ? "ok" : "bad",
        "this HSM cannot serve: it needs AES key wrap with padding", "%s",
        abilities->wrap_mechanism != NULL ? abilities->wrap_mechanism : "none that we know");
    for (int type = 1; type < TP_HSM_KEY_TYPE_END; type++) {
        bool good = abilities->key[type].generate && abilities->key[type].wrap && abilities->key[type].unwrap &&
                    abilities->key[type].sign;
        say(doctor, names[type], good ? "ok" : "note", "keys of this type cannot be made here",
            "generates: %s, wraps: %s, unwraps: %s, signs: %s%s%s", abilities->key[type].generate ? "yes" : "no",
            abilities->key[type].wrap ? "yes" : "no", abilities->key[type].unwrap ? "yes" : "no",
            abilities->key[type].sign ? "yes" : "no", abilities->key[type].why_not[0] != '\0' ? "; " : "",
            abilities->key[type].why_not);
    }
}

static void check_import(struct doctor *doctor)
{
    const struct tp_hsm_abilities *abilities = &doctor->engine->abilities;
    say(doctor, "key import", abilities->import ? "ok" : "note", "keys are made in the HSM: trustp11 key generate",
        abilities->import ? "the HSM takes keys that were made elsewhere%s%s" : "no key that was made elsewhere can be imported%s%s",
        abilities->import ? "" : ": ", abilities->import_why_not);
}

static void check_log(struct doctor *doctor)
{
    struct tp_ledger_info info;
    tp_ledger_info(doctor->engine->ledger, &info);
    if (info.tampered)
        say(doctor, "audit log", "bad", "find out who changed it; then: trustp11 audit accept --reason TEXT", "%s", info.why);
    else
        say(doctor, "audit log", "ok", "", "%llu entries, checkpoint at %llu", (unsigned long long)info.entries,
            (unsigned long long)info.checkpoint_size);
}

/* A list is good until the next one is due: certificates that were revoked since are not known. */
static void check_crls(struct doctor *doctor)
{
    struct tp_crl_state state;
    struct tp_error error = {0};
    char time[TP_TIME_TEXT_LEN];
    const char *advice = "fetch the present one from the CA: trustp11 crl import FILE";
    if (tp_crl_state(doctor->engine, &error, &state) != TP_OK) {
        say(doctor, "revocation lists", "bad", "look at the check of the audit log", "%s", tp_error_words(&error));
        return;
    }
    if (state.overdue == 0) {
        say(doctor, "revocation lists", "ok", "", "%zu kept, none overdue", state.kept);
        return;
    }
    tp_time_format(state.next_update_ms, false, time);
    say(doctor, "revocation lists", "note", advice, "%zu of %zu kept are overdue; that of \"%s\" since %s", state.overdue,
        state.kept, state.issuer, time);
}

static void check_timestamps(struct doctor *doctor)
{
    struct tp_timestamps *timestamps = &doctor->engine->timestamps;
    struct tp_error why = {0};
    int64_t ignored;
    if (!timestamps->wanted)
        return;
    pthread_mutex_lock(&doctor->engine->lock);
    const bool usable = timestamps->authority != NULL;
    pthread_mutex_unlock(&doctor->engine->lock);
    if (!usable)
        say(doctor, "timestamps", "bad", "mend [tsa] in engine.conf, then start the engine anew", "%s", timestamps->why_not);
    else if (tp_authority_why_not(doctor->engine, &why) != TP_OK)
        say(doctor, "timestamps", "bad", "make room; until then there are none", "%s", tp_error_words(&why));
    else if (tp_tsa_clock_now(timestamps->clock, &why, &ignored) != TP_OK)
        say(doctor, "timestamps", "bad", "requests are answered timeNotAvailable until then", "%s", tp_error_words(&why));
    else
        say(doctor, "timestamps", "ok", "", "given, and the clock is good for them");
    tp_error_clear(&why);
}

static void check_surroundings(struct doctor *doctor)
{
    bool clock = tp_clock_synchronised(), locked = tp_secret_locked();
    say(doctor, "clock", clock ? "ok" : "note", "run an NTP client (RS-13)", "%s",
        clock ? "synchronised" : "the kernel says that its clock is not synchronised");
    say(doctor, "secret memory", locked ? "ok" : "note", "raise RLIMIT_MEMLOCK (systemd: LimitMEMLOCK=)", "%s",
        locked ? "locked" : "some could not be locked and may reach the swap space");
    say(doctor, "mode", doctor->engine->spawned ? "note" : "ok",
        "development: whoever owns this account can reach everything; use a service in production", "%s",
        doctor->engine->spawned ? "spawned under the user's own account" : "service");
}

enum tp_rc tp_op_doctor(struct tp_call *call)
{
    Tp__Ipc__DoctorReply reply = TP__IPC__DOCTOR_REPLY__INIT;
    struct doctor doctor = {.engine = call->engine};
    check_surroundings(&doctor);
    check_hsm(&doctor);
    check_key_types(&doctor);
    check_import(&doctor);
    check_log(&doctor);
    check_crls(&doctor);
    check_timestamps(&doctor);
    reply.checks = doctor.pointers;
    reply.n_checks = doctor.len;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}
