/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/people.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "engine/authorisation.h"
#include "engine/events.h"
#include "engine/trail.h"
#include "pki/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_USERS_MOST 1024 /* kept without a reference, so that programs that come back need not wait for the store */

enum tp_rc tp_people_subject(struct tp_bytes salt, const char *name, uint8_t ret_subject[TP_SUBJECT_LEN])
{
    return tp_sha256(salt, tp_bytes_of_string(name), TP_BYTES_NONE, ret_subject);
}

/* ---- credentials ---- */

static void derive_certificate(struct tp_credential *credential)
{
    const Tp__Engine__Key *record = credential->record;
    struct tp_pki_certificate certificate = {0};
    credential->certificate_matches = false;
    credential->key_usage = 0;
    credential->not_before_ms = credential->not_after_ms = 0;
    if (record->n_certificates == 0 ||
        tp_pki_certificate_parse(TP_BYTES(record->certificates[0].data, record->certificates[0].len), NULL,
                                 &certificate) != TP_OK)
        return;
    credential->certificate_matches =
        tp_bytes_equal(tp_buf_bytes(&certificate.spki), TP_BYTES(record->spki.data, record->spki.len));
    credential->key_usage = certificate.key_usage;
    credential->not_before_ms = certificate.not_before_ms;
    credential->not_after_ms = certificate.not_after_ms;
    tp_pki_certificate_clear(&certificate);
}

static void derive(struct tp_credential *credential)
{
    struct tp_pki_key_info info;
    credential->key_bits = 0;
    if (tp_pki_key_info(TP_BYTES(credential->record->spki.data, credential->record->spki.len), NULL, &info) == TP_OK)
        credential->key_bits = info.bits;
    derive_certificate(credential);
}

struct tp_credential *tp_credential_new(const char *id, const char *label, uint64_t version, Tp__Engine__Key *record)
{
    struct tp_credential *credential = calloc(1, sizeof *credential);
    if (credential == NULL)
        return NULL;
    snprintf(credential->id, sizeof credential->id, "%s", id);
    snprintf(credential->label, sizeof credential->label, "%s", label);
    credential->version = version;
    credential->record = record;
    derive(credential);
    return credential;
}

void tp_credential_free(struct tp_credential *credential)
{
    if (credential == NULL)
        return;
    tp__engine__key__free_unpacked(credential->record, NULL);
    free(credential);
}

struct tp_credential *tp_people_credential(struct tp_user *user, const char *id_or_label)
{
    struct tp_credential *by_label = NULL;
    for (struct tp_credential *at = user->credentials; at != NULL; at = at->next) {
        if (strcmp(at->id, id_or_label) == 0)
            return at;
        if (strcmp(at->label, id_or_label) == 0)
            by_label = at;
    }
    return by_label;
}

const char *tp_people_no_credential(const struct tp_user *user)
{
    return user->credentials == NULL ? "the user has no keys yet; make one with: trustp11 key generate"
                                     : "no such key; see: trustp11 key list";
}

/* ---- what is beside them ---- */

struct tp_beside *tp_beside_new(const char *id, uint64_t version, Tp__Engine__Object *record)
{
    struct tp_beside *beside = calloc(1, sizeof *beside);
    if (beside == NULL)
        return NULL;
    snprintf(beside->id, sizeof beside->id, "%s", id);
    beside->version = version;
    beside->record = record;
    return beside;
}

void tp_beside_free(struct tp_beside *beside)
{
    if (beside == NULL)
        return;
    tp__engine__object__free_unpacked(beside->record, NULL);
    free(beside);
}

/* ---- reading a user ---- */

static void user_free(struct tp_user *user)
{
    if (user == NULL)
        return;
    for (struct tp_credential *at = user->credentials, *next; at != NULL; at = next) {
        next = at->next;
        tp_credential_free(at);
    }
    for (struct tp_beside *at = user->beside, *next; at != NULL; at = next) {
        next = at->next;
        tp_beside_free(at);
    }
    if (user->record != NULL)
        tp__engine__user__free_unpacked(user->record, NULL);
    pthread_mutex_destroy(&user->turn);
    free(user);
}

/* Oldest first: many programs take the first key they find. */
static void append(struct tp_user *user, struct tp_credential *credential)
{
    credential->user = user;
    *user->credentials_end = credential;
    user->credentials_end = &credential->next;
}

static enum tp_rc read_credential(void *context, const struct tp_ledger_record *record)
{
    struct tp_user *user = context;
    Tp__Engine__Key *key = tp__engine__key__unpack(NULL, record->content.len, record->content.data);
    if (key == NULL)
        return TP_STORE_DAMAGED;
    struct tp_credential *credential = tp_credential_new(record->id, record->name, record->version, key);
    if (credential == NULL) {
        tp__engine__key__free_unpacked(key, NULL);
        return TP_MEMORY;
    }
    append(user, credential);
    return TP_OK;
}

static void append_beside(struct tp_user *user, struct tp_beside *beside)
{
    beside->next = NULL;
    *user->beside_end = beside;
    user->beside_end = &beside->next;
}

static enum tp_rc read_beside(void *context, const struct tp_ledger_record *record)
{
    struct tp_user *user = context;
    Tp__Engine__Object *object = tp__engine__object__unpack(NULL, record->content.len, record->content.data);
    if (object == NULL)
        return TP_STORE_DAMAGED;
    struct tp_beside *beside = tp_beside_new(record->id, record->version, object);
    if (beside == NULL) {
        tp__engine__object__free_unpacked(object, NULL);
        return TP_MEMORY;
    }
    append_beside(user, beside);
    return TP_OK;
}

static enum tp_rc fill_user(struct tp_engine *engine, const struct tp_ledger_record *record, struct tp_user *user,
                            struct tp_error *error)
{
    uint64_t cursor = 0;
    snprintf(user->id, sizeof user->id, "%s", record->id);
    snprintf(user->name, sizeof user->name, "%s", record->name);
    user->version = record->version;
    user->record = tp__engine__user__unpack(NULL, record->content.len, record->content.data);
    if (user->record == NULL)
        return tp_error_set(error, TP_STORE_DAMAGED, "the record of user %s cannot be read; restore the store from a backup",
                            record->id);
    TP_TRY(tp_people_subject(TP_BYTES(user->record->salt.data, user->record->salt.len), user->name, user->subject));
    TP_TRY(tp_ledger_each(engine->ledger, "credential", user->id, &cursor, SIZE_MAX, error, read_credential, user));
    cursor = 0;
    return tp_ledger_each(engine->ledger, "object", user->id, &cursor, SIZE_MAX, error, read_beside, user);
}

static enum tp_rc read_user(struct tp_engine *engine, const struct tp_ledger_record *record, struct tp_error *error,
                            struct tp_user **ret_user)
{
    struct tp_user *user = calloc(1, sizeof *user);
    if (user == NULL)
        return tp_error_set(error, TP_MEMORY, "out of memory");
    pthread_mutex_init(&user->turn, NULL);
    user->credentials_end = &user->credentials;
    user->beside_end = &user->beside;
    enum tp_rc rc = fill_user(engine, record, user, error);
    if (rc != TP_OK) {
        user_free(user);
        return rc;
    }
    *ret_user = user;
    return TP_OK;
}

static enum tp_rc load(struct tp_engine *engine, const char *name, struct tp_error *error, struct tp_user **ret_user)
{
    struct tp_ledger_record record = {0};
    enum tp_rc rc = tp_ledger_find(engine->ledger, "user", "", name, error, &record);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, TP_NOT_FOUND, "there is no user \"%s\"; see: trustp11 user list", name);
    TP_TRY(rc);
    rc = read_user(engine, &record, error, ret_user);
    tp_ledger_record_clear(&record);
    return rc;
}

/* ---- what is in memory; the engine's lock is held ---- */

static void idle_remove(struct tp_engine *engine, struct tp_user *user)
{
    *(user->idle_previous != NULL ? &user->idle_previous->idle_next : &engine->idle_first) = user->idle_next;
    *(user->idle_next != NULL ? &user->idle_next->idle_previous : &engine->idle_last) = user->idle_previous;
    user->idle_previous = user->idle_next = NULL;
    engine->idle_len--;
}

static void idle_add(struct tp_engine *engine, struct tp_user *user)
{
    user->idle_previous = engine->idle_last;
    *(engine->idle_last != NULL ? &engine->idle_last->idle_next : &engine->idle_first) = user;
    engine->idle_last = user;
    engine->idle_len++;
}

static void unindex_credentials(struct tp_engine *engine, struct tp_user *user)
{
    for (struct tp_credential *at = user->credentials; at != NULL; at = at->next)
        HASH_DEL(engine->credentials, at);
}

static void forget(struct tp_engine *engine, struct tp_user *user)
{
    idle_remove(engine, user);
    HASH_DEL(engine->users, user);
    unindex_credentials(engine, user);
    engine->objects_clock++; /* a load that began before this may be old: see tp_people_get */
    user_free(user);
}

void tp_people_hold_locked(struct tp_engine *engine, struct tp_user *user)
{
    if (user->references++ == 0)
        idle_remove(engine, user);
}

void tp_people_release_locked(struct tp_engine *engine, struct tp_user *user)
{
    if (--user->references > 0)
        return;
    if (user->gone) {
        user_free(user);
        return;
    }
    idle_add(engine, user);
    if (engine->idle_len > IDLE_USERS_MOST)
        forget(engine, engine->idle_first);
}

void tp_people_release(struct tp_engine *engine, struct tp_user *user)
{
    if (user == NULL)
        return;
    pthread_mutex_lock(&engine->lock);
    tp_people_release_locked(engine, user);
    pthread_mutex_unlock(&engine->lock);
}

void tp_people_clear(struct tp_engine *engine)
{
    while (engine->idle_first != NULL)
        forget(engine, engine->idle_first);
}

static struct tp_user *find(struct tp_engine *engine, const char *name)
{
    struct tp_user *user = NULL;
    HASH_FIND_STR(engine->users, name, user);
    if (user != NULL)
        tp_people_hold_locked(engine, user);
    return user;
}

static void insert(struct tp_engine *engine, struct tp_user *user)
{
    user->references = 1;
    user->objects = ++engine->objects_clock;
    HASH_ADD_STR(engine->users, name, user);
    for (struct tp_credential *at = user->credentials; at != NULL; at = at->next)
        HASH_ADD_STR(engine->credentials, id, at);
}

enum tp_rc tp_people_get(struct tp_engine *engine, const char *name, struct tp_error *error, struct tp_user **ret_user)
{
    if (strlen(name) > TP_STORE_NAME_MAX)
        return tp_error_set(error, TP_NOT_FOUND, "a user's name has at most %d bytes", TP_STORE_NAME_MAX);
    for (;;) {
        pthread_mutex_lock(&engine->lock);
        struct tp_user *known = find(engine, name), *loaded = NULL;
        uint64_t before = engine->objects_clock;
        pthread_mutex_unlock(&engine->lock);
        if (known == NULL) {
            TP_TRY(load(engine, name, error, &loaded));
            pthread_mutex_lock(&engine->lock);
            known = find(engine, name);
            /* Nobody may have changed and dropped this user while it was being read without the lock. */
            if (known == NULL && before == engine->objects_clock) {
                insert(engine, loaded);
                known = loaded;
                loaded = NULL;
            }
            pthread_mutex_unlock(&engine->lock);
            user_free(loaded);
        }
        if (known != NULL) {
            *ret_user = known;
            return TP_OK;
        }
    }
}

enum tp_rc tp_people_get_by_id(struct tp_engine *engine, const char *id, struct tp_error *error,
                               struct tp_user **ret_user)
{
    struct tp_ledger_record record = {0};
    TP_TRY(tp_ledger_get(engine->ledger, "user", id, error, &record));
    enum tp_rc rc = tp_people_get(engine, record.name, error, ret_user);
    tp_ledger_record_clear(&record);
    return rc;
}

/* ---- changes ---- */

void tp_people_user_changed(struct tp_engine *engine, struct tp_user *user, Tp__Engine__User *record)
{
    tp_events_note_locked(engine, user->name, user->id, user->record, record);
    tp__engine__user__free_unpacked(user->record, NULL);
    user->record = record;
    user->version++;
}

/* Whoever holds a reference finds out at its turn; the name may be another person's by then. */
void tp_people_user_removed(struct tp_engine *engine, struct tp_user *user)
{
    HASH_DEL(engine->users, user);
    unindex_credentials(engine, user);
    engine->objects_clock++; /* a load that began before this is old: see tp_people_get */
    user->gone = true;
    tp_events_note_locked(engine, user->name, user->id, user->record, NULL);
}

static void objects_changed(struct tp_engine *engine, struct tp_user *user)
{
    user->objects = ++engine->objects_clock;
}

void tp_people_key_changed(struct tp_engine *engine, struct tp_credential *credential, const char *label,
                           Tp__Engine__Key *record)
{
    snprintf(credential->label, sizeof credential->label, "%s", label);
    tp__engine__key__free_unpacked(credential->record, NULL);
    credential->record = record;
    credential->version++;
    derive(credential);
    objects_changed(engine, credential->user);
}

void tp_people_key_added(struct tp_engine *engine, struct tp_user *user, struct tp_credential *credential)
{
    append(user, credential);
    HASH_ADD_STR(engine->credentials, id, credential);
    objects_changed(engine, user);
}

void tp_people_key_removed(struct tp_engine *engine, struct tp_credential *credential)
{
    struct tp_user *user = credential->user;
    struct tp_credential **at = &user->credentials;
    while (*at != credential)
        at = &(*at)->next;
    *at = credential->next;
    if (user->credentials_end == &credential->next)
        user->credentials_end = at;
    HASH_DEL(engine->credentials, credential);
    objects_changed(engine, user);
    tp_credential_free(credential);
}

void tp_people_beside_changed(struct tp_engine *engine, struct tp_user *user, struct tp_beside *beside,
                              Tp__Engine__Object *record)
{
    tp__engine__object__free_unpacked(beside->record, NULL);
    beside->record = record;
    beside->version++;
    objects_changed(engine, user);
}

void tp_people_beside_added(struct tp_engine *engine, struct tp_user *user, struct tp_beside *beside)
{
    append_beside(user, beside);
    objects_changed(engine, user);
}

void tp_people_beside_removed(struct tp_engine *engine, struct tp_user *user, struct tp_beside *beside)
{
    struct tp_beside **at = &user->beside;
    while (*at != beside)
        at = &(*at)->next;
    *at = beside->next;
    if (user->beside_end == &beside->next)
        user->beside_end = at;
    objects_changed(engine, user);
    tp_beside_free(beside);
}

/* ---- turns, and what to do after a commit without an answer ---- */

static void exchange_beside(struct tp_user *user, struct tp_user *fresh)
{
    struct tp_beside *known = user->beside;
    user->beside = fresh->beside;
    user->beside_end = fresh->beside != NULL ? fresh->beside_end : &user->beside;
    fresh->beside = known;
}

/* USER gets what FRESH was read with, and FRESH what was known before. */
static void exchange_locked(struct tp_engine *engine, struct tp_user *user, struct tp_user *fresh)
{
    struct tp_credential *known = user->credentials, *read = fresh->credentials;
    Tp__Engine__User *record = user->record;
    tp_events_note_locked(engine, user->name, user->id, user->record, fresh->record);
    unindex_credentials(engine, user);
    user->record = fresh->record;
    fresh->record = record;
    user->version = fresh->version;
    user->credentials = fresh->credentials = NULL;
    user->credentials_end = &user->credentials;
    for (struct tp_credential *next; read != NULL; read = next) {
        next = read->next;
        read->next = NULL;
        append(user, read);
        HASH_ADD_STR(engine->credentials, id, read);
    }
    fresh->credentials = known;
    exchange_beside(user, fresh);
    objects_changed(engine, user);
}

/* An entry behind the change that ended openly: once this one is recorded, that one has happened, or never will. */
static enum tp_rc wait_for_the_end(struct tp_engine *engine, const struct tp_user *user, struct tp_error *error)
{
    struct tp_trail trail;
    tp_trail_init(&trail, TP_ACTION_USER_REREAD, "ok");
    tp_trail_role(&trail, TP_ROLE_ENGINE);
    tp_trail_subject(&trail, user->subject);
    tp_trail_object(&trail, "user", user->id);
    tp_trail_outcome(&trail, "ok", "a change had ended openly");
    return tp_trail_commit(engine, &trail, error);
}

static enum tp_rc is_gone(const struct tp_user *user, struct tp_error *error)
{
    return tp_error_set(error, TP_NOT_FOUND, "there is no user \"%s\"; see: trustp11 user list", user->name);
}

/* The change that ended openly was an erasure. FRESH: who has the name now, or NULL. */
static enum tp_rc remove_erased(struct tp_engine *engine, struct tp_user *user, struct tp_user *fresh, struct tp_error *error)
{
    pthread_mutex_lock(&engine->lock);
    tp_people_user_removed(engine, user);
    pthread_mutex_unlock(&engine->lock);
    tp_events_tell(engine);
    user_free(fresh);
    return is_gone(user, error);
}

static enum tp_rc read_again(struct tp_engine *engine, struct tp_user *user, struct tp_error *error)
{
    struct tp_user *fresh = NULL;
    TP_TRY(wait_for_the_end(engine, user, error));
    enum tp_rc rc = load(engine, user->name, error, &fresh);
    if (rc == TP_NOT_FOUND || (rc == TP_OK && strcmp(fresh->id, user->id) != 0))
        return remove_erased(engine, user, fresh, error);
    TP_TRY(rc);
    pthread_mutex_lock(&engine->lock);
    exchange_locked(engine, user, fresh);
    pthread_mutex_unlock(&engine->lock);
    tp_events_tell(engine);
    for (struct tp_credential *at = fresh->credentials; at != NULL; at = at->next)
        tp_hsm_key_forget(engine->hsm, at->id); /* it may be gone, or sealed anew */
    user_free(fresh);
    user->doubtful = false;
    return TP_OK;
}

enum tp_rc tp_people_turn(struct tp_engine *engine, struct tp_user *user, int64_t deadline_ms, struct tp_error *error)
{
    pthread_mutex_lock(&user->turn);
    enum tp_rc rc = user->gone ? is_gone(user, error) : user->doubtful ? read_again(engine, user, error) : TP_OK;
    if (rc == TP_OK && tp_clock_monotonic_ms() >= deadline_ms)
        rc = tp_error_set(error, TP_TIMEOUT, "others were at work on this user for too long; try again");
    if (rc != TP_OK)
        pthread_mutex_unlock(&user->turn);
    return rc;
}

void tp_people_turn_end(struct tp_user *user)
{
    pthread_mutex_unlock(&user->turn);
}

enum tp_rc tp_people_get_turn(struct tp_engine *engine, const char *name, int64_t deadline_ms, struct tp_error *error,
                              struct tp_user **ret_user)
{
    struct tp_user *user = NULL;
    TP_TRY(tp_people_get(engine, name, error, &user));
    enum tp_rc rc = tp_people_turn(engine, user, deadline_ms, error);
    if (rc == TP_OK)
        *ret_user = user;
    else
        tp_people_release(engine, user);
    return rc;
}

void tp_people_release_turn(struct tp_engine *engine, struct tp_user *user)
{
    tp_people_turn_end(user);
    tp_people_release(engine, user);
}

void tp_people_doubt(struct tp_engine *engine, struct tp_user *user)
{
    user->doubtful = true;
    tp_authorisation_end_user(engine, user, "a change ended openly");
}
