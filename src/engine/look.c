/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients look at: a slot's token and objects, and what the policy would say.
 */
#include "engine/authorisation.h"
#include "engine/call.h"
#include "engine/events.h"
#include "engine/facts.h"
#include "engine/key.h"
#include "engine/login.h"
#include "engine/people.h"
#include "engine/token_object.h"

#include "base/clock.h"
#include "base/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MOST 8 /* of any factor's code (otp.h) */

/* ---- TOKEN ---- */

/* A name cut to what a token's label holds, not within a character. */
static void label_of(const char *name, char ret_label[TP_TOKEN_LABEL_LEN + 1])
{
    size_t len = strlen(name);
    if (len > TP_TOKEN_LABEL_LEN)
        for (len = TP_TOKEN_LABEL_LEN; len > 0 && ((unsigned char)name[len] & 0xC0) == 0x80; len--)
            ;
    memcpy(ret_label, name, len);
    ret_label[len] = '\0';
}

static unsigned code_digits(struct tp_engine *engine, const char *factor)
{
    struct tp_ledger_record record = {0};
    unsigned digits = engine->conf.otp.digits;
    if (factor[0] == '\0' || tp_ledger_get(engine->ledger, "factor", factor, NULL, &record) != TP_OK)
        return digits;
    Tp__Engine__Factor *message = tp__engine__factor__unpack(NULL, record.content.len, record.content.data);
    if (message != NULL) {
        digits = message->digits;
        tp__engine__factor__free_unpacked(message, NULL);
    }
    tp_ledger_record_clear(&record);
    return digits;
}

static size_t list_key_types(const struct tp_engine *engine, char *ret_types[TP_HSM_KEY_TYPE_END])
{
    size_t len = 0;
    for (size_t i = TP_HSM_RSA_2048; i < TP_HSM_KEY_TYPE_END; i++)
        if (tp_key_can_make(engine, (enum tp_hsm_key_type)i))
            ret_types[len++] = (char *)(uintptr_t)tp_hsm_key_type_name((enum tp_hsm_key_type)i);
    return len;
}

static void describe_locked(struct tp_call *call, struct tp_user *user, Tp__Ipc__TokenReply *reply)
{
    const struct tp_engine_conf *conf = &call->engine->conf;
    const Tp__Engine__User *record = user->record;
    struct tp_tries tries = {.used = record->tries_used, .locked = record->locked};
    const struct tp_shown shown = tp_events_shown(call->engine, record);
    reply->enrolled = shown.enrolled;
    reply->pin_initial = record->pin_initial;
    reply->locked = shown.locked;
    reply->suspended = shown.suspended;
    reply->tries_left = tp_tries_left(&tries, conf->tries_most);
    reply->tries_most = conf->tries_most;
    reply->pin_min = (uint32_t)conf->pin_least;
    reply->pin_max = TP_PIN_MAX;
    reply->objects = user->objects;
    reply->approval = conf->approval;
    reply->open = tp_authorisation_find_locked(call->engine, call->request->peer, "", user->name) != NULL;
}

/* The token of a slot that serves many users. It is of this deployment: no other has its checkpoint key. */
static enum tp_rc answer_service(struct tp_call *call)
{
    const struct tp_engine *engine = call->engine;
    Tp__Ipc__TokenReply reply = TP__IPC__TOKEN_REPLY__INIT;
    uint8_t digest[TP_SHA256_LEN];
    char id[TP_ID_LEN], label[TP_TOKEN_LABEL_LEN + 1], *key_types[TP_HSM_KEY_TYPE_END];
    TP_TRY(tp_sha256(tp_buf_bytes(&engine->vault.checkpoint_spki), TP_BYTES_NONE, TP_BYTES_NONE, digest));
    tp_hex_encode(TP_BYTES(digest, (TP_ID_LEN - 1) / 2), id);
    label_of(engine->conf.name, label);
    reply.user_id = id;
    reply.label = label;
    reply.enrolled = true;
    reply.tries_left = reply.tries_most = engine->conf.tries_most;
    reply.pin_min = (uint32_t)engine->conf.pin_least;
    reply.pin_max = TP_PIN_MAX;
    reply.code_digits = DIGITS_MOST;
    reply.approval = engine->conf.approval;
    reply.key_types = key_types;
    reply.n_key_types = list_key_types(engine, key_types);
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_token(struct tp_call *call)
{
    const Tp__Ipc__TokenRequest *message = (const Tp__Ipc__TokenRequest *)call->request->message;
    Tp__Ipc__TokenReply reply = TP__IPC__TOKEN_REPLY__INIT;
    char id[TP_ID_LEN], label[TP_TOKEN_LABEL_LEN + 1], factor[TP_ID_LEN], *key_types[TP_HSM_KEY_TYPE_END];
    struct tp_user *user = NULL;
    if (message->user[0] == '\0')
        return answer_service(call);
    TP_TRY(tp_people_get(call->engine, message->user, &call->error, &user));
    pthread_mutex_lock(&call->engine->lock);
    label_of(user->record->label[0] != '\0' ? user->record->label : user->name, label); /* an officer's choice */
    memcpy(id, user->id, sizeof id);
    snprintf(factor, sizeof factor, "%s", user->record->factor);
    describe_locked(call, user, &reply);
    pthread_mutex_unlock(&call->engine->lock);
    tp_people_release(call->engine, user);
    reply.user_id = id;
    reply.label = label;
    reply.code_digits = code_digits(call->engine, factor);
    reply.key_types = key_types;
    reply.n_key_types = list_key_types(call->engine, key_types);
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

/* ---- OBJECTS ---- */

struct objects {
    struct tp_key_view *views;
    Tp__Ipc__Credential **pointers;
    size_t len;
    struct tp_object_view *beside;
    Tp__Ipc__TokenObject **beside_pointers;
    size_t beside_len;
};

/* Why a key was stopped ("laptop stolen") is personal (RS-25): for its owner and those who look after it, not for whoever
 * can open the socket. Every open login is looked at only when there is a reason to hide. */
static void hide_reason_locked(struct tp_call *call, struct tp_key_view *view)
{
    const unsigned may = TP_ROLE_OWNER | TP_ROLE_OFFICER | TP_ROLE_AUDITOR | TP_ROLE_OPERATOR | TP_ROLE_ENGINE;
    if (view->message.reason[0] != '\0' && (tp_call_roles_locked(call) & may) == 0)
        view->message.reason = (char *)(uintptr_t)protobuf_c_empty_string;
}

static enum tp_rc copy_objects_locked(struct tp_call *call, struct tp_user *user, struct objects *objects)
{
    size_t count = 0;
    for (struct tp_credential *at = user->credentials; at != NULL; at = at->next)
        count++;
    objects->views = calloc(count + 1, sizeof objects->views[0]);
    objects->pointers = calloc(count + 1, sizeof objects->pointers[0]);
    if (objects->views == NULL || objects->pointers == NULL)
        return TP_MEMORY;
    for (struct tp_credential *at = user->credentials; at != NULL; at = at->next) {
        TP_TRY(tp_key_view_locked(at, &objects->views[objects->len]));
        hide_reason_locked(call, &objects->views[objects->len]);
        objects->pointers[objects->len] = &objects->views[objects->len].message;
        objects->len++;
    }
    return TP_OK;
}

static enum tp_rc copy_beside_locked(const struct tp_user *user, struct objects *objects)
{
    size_t count = 0;
    for (const struct tp_beside *at = user->beside; at != NULL; at = at->next)
        count++;
    objects->beside = calloc(count + 1, sizeof objects->beside[0]);
    objects->beside_pointers = calloc(count + 1, sizeof objects->beside_pointers[0]);
    if (objects->beside == NULL || objects->beside_pointers == NULL)
        return TP_MEMORY;
    for (const struct tp_beside *at = user->beside; at != NULL; at = at->next) {
        TP_TRY(tp_object_view_locked(at, &objects->beside[objects->beside_len]));
        objects->beside_pointers[objects->beside_len] = &objects->beside[objects->beside_len].message;
        objects->beside_len++;
    }
    return TP_OK;
}

static void objects_clear(struct objects *objects)
{
    for (size_t i = 0; i < objects->len; i++)
        tp_key_view_clear(&objects->views[i]);
    for (size_t i = 0; i < objects->beside_len; i++)
        tp_object_view_clear(&objects->beside[i]);
    free(objects->views);
    free(objects->pointers);
    free(objects->beside);
    free(objects->beside_pointers);
}

static enum tp_rc answer_objects(struct tp_call *call, struct tp_user *user, struct objects *objects)
{
    const Tp__Ipc__ObjectsRequest *message = (const Tp__Ipc__ObjectsRequest *)call->request->message;
    Tp__Ipc__ObjectsReply reply = TP__IPC__OBJECTS_REPLY__INIT;
    enum tp_rc rc = TP_OK;
    pthread_mutex_lock(&call->engine->lock);
    reply.generation = user->objects;
    reply.unchanged = message->known == user->objects;
    if (!reply.unchanged)
        rc = copy_objects_locked(call, user, objects);
    if (!reply.unchanged && rc == TP_OK)
        rc = copy_beside_locked(user, objects);
    pthread_mutex_unlock(&call->engine->lock);
    if (rc != TP_OK)
        return tp_error_set(&call->error, rc, "out of memory for the list of keys");
    reply.credentials = objects->pointers;
    reply.n_credentials = objects->len;
    reply.objects = objects->beside_pointers;
    reply.n_objects = objects->beside_len;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_objects(struct tp_call *call)
{
    const Tp__Ipc__ObjectsRequest *message = (const Tp__Ipc__ObjectsRequest *)call->request->message;
    struct objects objects = {0};
    struct tp_user *user = NULL;
    TP_TRY(tp_people_get(call->engine, message->user, &call->error, &user));
    enum tp_rc rc = answer_objects(call, user, &objects);
    objects_clear(&objects);
    tp_people_release(call->engine, user);
    return rc;
}

/* ---- policy ---- */

/* What is asked about: the present, or what the message supposes. */
static enum tp_rc suppose(struct tp_call *call, struct tp_user *user, struct tp_policy_facts *facts)
{
    const Tp__Ipc__ExplainRequest *message = (const Tp__Ipc__ExplainRequest *)call->request->message;
    struct tp_engine *engine = call->engine;
    struct tp_credential *credential = tp_people_credential(user, message->credential);
    if (credential == NULL)
        return tp_error_set(&call->error, TP_NOT_FOUND, "%s", tp_people_no_credential(user));
    if (message->login_age_ms < 0)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a login is not younger than now");
    tp_facts_locked(engine, credential, tp_call_owner_locked(engine, call->request->peer, user->name), facts);
    if (message->at_ms != 0) {
        time_t at = (time_t)(message->at_ms / 1000);
        struct tm local = {0};
        localtime_r(&at, &local);
        facts->now_ms = message->at_ms;
        facts->local_hour = (unsigned)local.tm_hour;
    }
    if (message->login_age_ms != 0 || message->used != 0) { /* a login that is supposed to be open */
        facts->authorised = true;
        facts->single = facts->always_authenticate;
        facts->used = message->used;
        facts->granted = engine->conf.policy.signatures_most;
        facts->login_age_ms = message->login_age_ms;
        facts->authorisation_left_ms = engine->conf.login_ms - message->login_age_ms;
    }
    facts->data = TP_BYTES(message->data.data, message->data.len);
    facts->has_data = message->data.len > 0;
    facts->claimed = message->hash_name[0] == '\0' ? TP_PKI_HASH_NONE : tp_pki_hash_parse(message->hash_name);
    return tp_facts_params(message->mechanism, message->hash_bits, message->mgf_bits, message->salt_len, &facts->params);
}

static void answer_explained(struct tp_call *call, const struct tp_policy_facts *facts)
{
    struct tp_policy_finding found[TP_POLICY_RULES_MAX];
    Tp__Ipc__Finding findings[TP_POLICY_RULES_MAX], *pointers[TP_POLICY_RULES_MAX];
    Tp__Ipc__ExplainReply reply = TP__IPC__EXPLAIN_REPLY__INIT;
    size_t len = tp_policy_explain(&call->engine->conf.policy, facts, found);
    reply.allowed = true;
    for (size_t i = 0; i < len; i++) {
        tp__ipc__finding__init(&findings[i]);
        findings[i].rule = (char *)(uintptr_t)found[i].rule;
        findings[i].ok = found[i].ok;
        findings[i].words = found[i].words;
        pointers[i] = &findings[i];
        reply.allowed = reply.allowed && found[i].ok;
    }
    reply.findings = pointers;
    reply.n_findings = len;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
}

enum tp_rc tp_op_policy_explain(struct tp_call *call)
{
    const Tp__Ipc__ExplainRequest *message = (const Tp__Ipc__ExplainRequest *)call->request->message;
    struct tp_policy_facts facts;
    struct tp_user *user = NULL;
    TP_TRY(tp_people_get(call->engine, message->user, &call->error, &user));
    pthread_mutex_lock(&call->engine->lock);
    enum tp_rc rc = suppose(call, user, &facts);
    pthread_mutex_unlock(&call->engine->lock);
    if (rc == TP_OK)
        answer_explained(call, &facts);
    tp_people_release(call->engine, user);
    return rc;
}

/* One setting for people; the values are written into VALUES. */
struct setting {
    const char *name, *meaning;
    char value[32];
};

#define SETTINGS_LEN (15 + TP_OWNER_WISHES_LEN)

static void yes_no(struct setting *setting, const char *name, const char *meaning, bool value)
{
    *setting = (struct setting){.name = name, .meaning = meaning};
    snprintf(setting->value, sizeof setting->value, "%s", value ? "yes" : "no");
}

static void number(struct setting *setting, const char *name, const char *meaning, int64_t value, const char *unit)
{
    *setting = (struct setting){.name = name, .meaning = meaning};
    snprintf(setting->value, sizeof setting->value, "%" PRId64 "%s", value, unit);
}

static void fill_settings(const struct tp_engine_conf *conf, struct setting settings[SETTINGS_LEN])
{
    const struct tp_policy *policy = &conf->policy;
    yes_no(&settings[0], "policy.insecure_sha1", "SHA-1 may be signed", policy->allow_sha1);
    yes_no(&settings[1], "policy.without_certificate", "a key without certificate may sign", policy->allow_no_certificate);
    yes_no(&settings[2], "policy.synchronised_clock", "nothing is signed while the clock is unsynchronised",
           policy->require_synchronised_clock);
    number(&settings[3], "policy.rsa_bits", "shortest RSA key that signs", policy->rsa_bits_least, " bits");
    number(&settings[4], "policy.signatures", "signatures for one login; 0: not limited", policy->signatures_most, "");
    number(&settings[5], "policy.login_age", "longest since the login", policy->login_age_most_ms / 1000, " s");
    number(&settings[6], "policy.hour_from", "first local hour of the day", policy->hour_from, " h");
    number(&settings[7], "policy.hour_until", "hour when the day ends", policy->hour_until, " h");
    yes_no(&settings[8], "policy.rsa_pkcs", "CKM_RSA_PKCS and its hash variants", (policy->mechanisms >> TP_HSM_RSA_PKCS) & 1);
    yes_no(&settings[9], "policy.rsa_pss", "CKM_RSA_PKCS_PSS and its hash variants", (policy->mechanisms >> TP_HSM_RSA_PSS) & 1);
    yes_no(&settings[10], "policy.ecdsa", "CKM_ECDSA and its hash variants", (policy->mechanisms >> TP_HSM_ECDSA) & 1);
    yes_no(&settings[11], "policy.eddsa", "CKM_EDDSA", (policy->mechanisms >> TP_HSM_EDDSA) & 1);
    number(&settings[12], "login.for", "a login lasts", conf->login_ms / 1000, " s");
    number(&settings[13], "pin.least", "shortest PIN", (int64_t)conf->pin_least, " bytes");
    number(&settings[14], "pin.tries", "wrong tries until the user is locked", conf->tries_most, "");
#define ROW(name, key, fallback, words) yes_no(&settings[15 + TP_OWNER_##name], "owner." key, words, conf->owner[TP_OWNER_##name]);
    TP_OWNER_WISHES(ROW)
#undef ROW
}

enum tp_rc tp_op_policy_show(struct tp_call *call)
{
    struct setting settings[SETTINGS_LEN];
    Tp__Ipc__Setting messages[SETTINGS_LEN], *pointers[SETTINGS_LEN];
    Tp__Ipc__SettingsReply reply = TP__IPC__SETTINGS_REPLY__INIT;
    fill_settings(&call->engine->conf, settings);
    for (size_t i = 0; i < SETTINGS_LEN; i++) {
        tp__ipc__setting__init(&messages[i]);
        messages[i].name = (char *)(uintptr_t)settings[i].name;
        messages[i].value = settings[i].value;
        messages[i].meaning = (char *)(uintptr_t)settings[i].meaning;
        pointers[i] = &messages[i];
    }
    reply.settings = pointers;
    reply.n_settings = SETTINGS_LEN;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}
