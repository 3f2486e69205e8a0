/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/edit.h"

#include "base/clock.h"
#include "engine/events.h"
#include "engine/people.h"
#include "engine/trail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum part { PART_USER, PART_USER_NEW, PART_USER_DELETE, PART_KEY, PART_KEY_NEW, PART_KEY_DELETE, PART_BESIDE, PART_BESIDE_NEW,
            PART_BESIDE_DELETE, PART_OTHER };

/* One record of the transaction. */
struct item {
    enum part part;
    char kind[16], id[TP_ID_LEN], owner[TP_ID_LEN], name[TP_STORE_NAME_MAX + 1];
    uint64_t version;
    bool delete;
    struct tp_user *user;
    struct tp_credential *credential;
    struct tp_beside *beside;
    ProtobufCMessage *record; /* written on until the commit; then memory's */
    struct tp_buf content;
};

#define TEXTS_MOST 4

struct tp_edit {
    struct tp_engine *engine;
    struct tp_trail trail;
    struct item *items;
    size_t items_len, items_capacity;
    struct tp_ledger_text texts[TEXTS_MOST];
    size_t texts_len;
};

/* ---- fields ---- */

enum tp_rc tp_field_text(char **field, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return TP_MEMORY;
    if (*field != (char *)(uintptr_t)protobuf_c_empty_string)
        free(*field);
    *field = copy;
    return TP_OK;
}

enum tp_rc tp_field_bytes(ProtobufCBinaryData *field, struct tp_bytes bytes)
{
    uint8_t *copy = NULL;
    if (bytes.len > 0) {
        copy = malloc(bytes.len);
        if (copy == NULL)
            return TP_MEMORY;
        memcpy(copy, bytes.data, bytes.len);
    }
    free(field->data);
    field->data = copy;
    field->len = bytes.len;
    return TP_OK;
}

struct tp_bytes tp_field(ProtobufCBinaryData field)
{
    return TP_BYTES(field.data, field.len);
}

ProtobufCMessage *tp_record_copy(const ProtobufCMessage *record)
{
    size_t len = protobuf_c_message_get_packed_size(record);
    uint8_t *bytes = malloc(len + 1);
    if (bytes == NULL)
        return NULL;
    protobuf_c_message_pack(record, bytes);
    ProtobufCMessage *copy = protobuf_c_message_unpack(record->descriptor, NULL, len, bytes);
    free(bytes);
    return copy;
}

/* ---- construction ---- */

enum tp_rc tp_edit_new(struct tp_engine *engine, const struct tp_call *call, enum tp_action action,
                       struct tp_edit **ret_edit)
{
    struct tp_edit *edit = calloc(1, sizeof *edit);
    if (edit == NULL)
        return TP_MEMORY;
    edit->engine = engine;
    tp_trail_init(&edit->trail, action, "ok");
    if (call != NULL)
        tp_trail_call(&edit->trail, call);
    *ret_edit = edit;
    return TP_OK;
}

void tp_edit_free(struct tp_edit *edit)
{
    if (edit == NULL)
        return;
    for (size_t i = 0; i < edit->items_len; i++) {
        if (edit->items[i].record != NULL)
            protobuf_c_message_free_unpacked(edit->items[i].record, NULL);
        tp_buf_clear(&edit->items[i].content);
    }
    for (size_t i = 0; i < edit->texts_len; i++) {
        free((void *)(uintptr_t)edit->texts[i].salt.data);
        free((void *)(uintptr_t)edit->texts[i].text.data);
    }
    free(edit->items);
    free(edit);
}

static struct item *add_item(struct tp_edit *edit, enum part part, const char *kind, const char *id, const char *owner,
                             const char *name, uint64_t version)
{
    if (edit->items_len == edit->items_capacity) {
        size_t capacity = edit->items_capacity == 0 ? 8 : edit->items_capacity * 2;
        struct item *items = realloc(edit->items, capacity * sizeof *items);
        if (items == NULL)
            return NULL;
        edit->items = items;
        edit->items_capacity = capacity;
    }
    struct item *item = &edit->items[edit->items_len++];
    *item = (struct item){.part = part, .version = version};
    snprintf(item->kind, sizeof item->kind, "%s", kind);
    snprintf(item->id, sizeof item->id, "%s", id);
    snprintf(item->owner, sizeof item->owner, "%s", owner);
    snprintf(item->name, sizeof item->name, "%s", name);
    return item;
}

static struct item *find_item(struct tp_edit *edit, const char *kind, const char *id)
{
    for (size_t i = 0; i < edit->items_len; i++)
        if (strcmp(edit->items[i].kind, kind) == 0 && strcmp(edit->items[i].id, id) == 0)
            return &edit->items[i];
    return NULL;
}

Tp__Engine__User *tp_edit_user(struct tp_edit *edit, struct tp_user *user)
{
    struct item *item = find_item(edit, "user", user->id);
    if (item == NULL) {
        ProtobufCMessage *copy = tp_record_copy(&user->record->base);
        item = copy == NULL ? NULL : add_item(edit, PART_USER, "user", user->id, "", user->name, user->version + 1);
        if (item == NULL) {
            if (copy != NULL)
                protobuf_c_message_free_unpacked(copy, NULL);
            return NULL;
        }
        item->user = user;
        item->record = copy;
    }
    return (Tp__Engine__User *)item->record;
}

Tp__Engine__Key *tp_edit_key(struct tp_edit *edit, struct tp_credential *credential)
{
    ProtobufCMessage *copy = tp_record_copy(&credential->record->base);
    struct item *item = copy == NULL ? NULL
                                     : add_item(edit, PART_KEY, "credential", credential->id, credential->user->id,
                                                credential->label, credential->version + 1);
    if (item == NULL) {
        if (copy != NULL)
            protobuf_c_message_free_unpacked(copy, NULL);
        return NULL;
    }
    item->credential = credential;
    item->record = copy;
    return (Tp__Engine__Key *)copy;
}

Tp__Engine__User *tp_edit_user_new(struct tp_edit *edit, const char *id, const char *name)
{
    Tp__Engine__User *record = malloc(sizeof *record);
    struct item *item = record == NULL ? NULL : add_item(edit, PART_USER_NEW, "user", id, "", name, 1);
    if (item == NULL) {
        free(record);
        return NULL;
    }
    tp__engine__user__init(record);
    item->record = &record->base;
    return record;
}

Tp__Engine__Key *tp_edit_key_new(struct tp_edit *edit, struct tp_user *user, const char *id, const char *label)
{
    Tp__Engine__Key *record = malloc(sizeof *record);
    struct item *item =
        record == NULL ? NULL : add_item(edit, PART_KEY_NEW, "credential", id, user->id, label, 1);
    if (item == NULL) {
        free(record);
        return NULL;
    }
    tp__engine__key__init(record);
    item->user = user;
    item->record = &record->base;
    return record;
}

enum tp_rc tp_edit_key_delete(struct tp_edit *edit, struct tp_credential *credential)
{
    struct item *item = add_item(edit, PART_KEY_DELETE, "credential", credential->id, credential->user->id,
                                 credential->label, credential->version);
    if (item == NULL)
        return TP_MEMORY;
    item->delete = true;
    item->credential = credential;
    return TP_OK;
}

enum tp_rc tp_edit_user_delete(struct tp_edit *edit, struct tp_user *user)
{
    struct item *item = add_item(edit, PART_USER_DELETE, "user", user->id, "", user->name, user->version);
    if (item == NULL)
        return TP_MEMORY;
    item->delete = true;
    item->user = user;
    return TP_OK;
}

void tp_edit_key_rename(struct tp_edit *edit, const struct tp_credential *credential, const char *label)
{
    struct item *item = find_item(edit, "credential", credential->id);
    if (item != NULL)
        snprintf(item->name, sizeof item->name, "%s", label);
}

/* Their names are their ids: labels need not differ. */
static struct item *add_beside(struct tp_edit *edit, enum part part, struct tp_user *user, const char *id,
                               uint64_t version)
{
    struct item *item = add_item(edit, part, "object", id, user->id, id, version);
    if (item != NULL)
        item->user = user;
    return item;
}

Tp__Engine__Object *tp_edit_beside(struct tp_edit *edit, struct tp_user *user, struct tp_beside *beside)
{
    ProtobufCMessage *copy = tp_record_copy(&beside->record->base);
    struct item *item = copy == NULL ? NULL : add_beside(edit, PART_BESIDE, user, beside->id, beside->version + 1);
    if (item == NULL) {
        if (copy != NULL)
            protobuf_c_message_free_unpacked(copy, NULL);
        return NULL;
    }
    item->beside = beside;
    item->record = copy;
    return (Tp__Engine__Object *)copy;
}

Tp__Engine__Object *tp_edit_beside_new(struct tp_edit *edit, struct tp_user *user, const char *id)
{
    Tp__Engine__Object *record = malloc(sizeof *record);
    struct item *item = record == NULL ? NULL : add_beside(edit, PART_BESIDE_NEW, user, id, 1);
    if (item == NULL) {
        free(record);
        return NULL;
    }
    tp__engine__object__init(record);
    item->record = &record->base;
    return record;
}

enum tp_rc tp_edit_beside_delete(struct tp_edit *edit, struct tp_user *user, struct tp_beside *beside)
{
    struct item *item = add_beside(edit, PART_BESIDE_DELETE, user, beside->id, beside->version);
    if (item == NULL)
        return TP_MEMORY;
    item->delete = true;
    item->beside = beside;
    return TP_OK;
}

static enum tp_rc pack_item(struct item *item, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    tp_buf_reset(&item->content);
    TP_TRY(tp_buf_reserve(&item->content, len));
    protobuf_c_message_pack(message, item->content.data);
    item->content.len = len;
    return TP_OK;
}

static enum tp_rc add_packed(struct tp_edit *edit, const char *kind, const char *id, const char *owner,
                             const char *name, uint64_t version, const ProtobufCMessage *message)
{
    struct item *item = add_item(edit, PART_OTHER, kind, id, owner, name, version);
    if (item == NULL)
        return TP_MEMORY;
    return pack_item(item, message);
}

enum tp_rc tp_edit_factor(struct tp_edit *edit, const char *id, const char *owner, const char *name, uint64_t version,
                          const Tp__Engine__Factor *factor)
{
    return add_packed(edit, "factor", id, owner, name, version + 1, &factor->base);
}

enum tp_rc tp_edit_factor_delete(struct tp_edit *edit, const char *id, uint64_t version)
{
    struct item *item = add_item(edit, PART_OTHER, "factor", id, "", "", version);
    if (item == NULL)
        return TP_MEMORY;
    item->delete = true;
    return TP_OK;
}

enum tp_rc tp_edit_token(struct tp_edit *edit, const char *id, const char *name, uint64_t version,
                         const Tp__Engine__Token *token)
{
    return add_packed(edit, "token", id, "", name, version + 1, &token->base);
}

enum tp_rc tp_edit_service(struct tp_edit *edit, const char *id, const char *name, uint64_t version,
                           const Tp__Engine__ServiceKey *key)
{
    return add_packed(edit, "service", id, "", name, version + 1, &key->base);
}

enum tp_rc tp_edit_crl(struct tp_edit *edit, const char *id, const char *owner, const char *name, uint64_t version,
                       const Tp__Engine__Crl *crl)
{
    return add_packed(edit, "crl", id, owner, name, version + 1, &crl->base);
}

static struct tp_bytes copy_bytes(struct tp_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len + 1);
    if (copy == NULL)
        return TP_BYTES_NONE;
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return TP_BYTES(copy, bytes.len);
}

enum tp_rc tp_edit_text(struct tp_edit *edit, struct tp_bytes salt, const char *text)
{
    if (edit->texts_len == TEXTS_MOST)
        return TP_INTERNAL;
    struct tp_ledger_text *item = &edit->texts[edit->texts_len++];
    item->salt = copy_bytes(salt);
    item->text = copy_bytes(tp_bytes_of_string(text));
    return item->salt.data != NULL && item->text.data != NULL ? TP_OK : TP_MEMORY;
}

enum tp_rc tp_edit_text_erase(struct tp_edit *edit, struct tp_bytes salt, const char *text)
{
    TP_TRY(tp_edit_text(edit, salt, text));
    edit->texts[edit->texts_len - 1].erase = true;
    return TP_OK;
}

/* ---- the entry ---- */

void tp_edit_object(struct tp_edit *edit, const char *kind, const char *id)
{
    tp_trail_object(&edit->trail, kind, id);
}

void tp_edit_subject(struct tp_edit *edit, const struct tp_user *user)
{
    tp_trail_subject(&edit->trail, user->subject);
}

void tp_edit_outcome(struct tp_edit *edit, const char *outcome, const char *reason)
{
    tp_trail_outcome(&edit->trail, outcome, reason);
}

void tp_edit_detail(struct tp_edit *edit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tp_trail_detail(&edit->trail, format, arguments);
    va_end(arguments);
}

void tp_edit_authorisation(struct tp_edit *edit, const char *id)
{
    tp_trail_authorisation(&edit->trail, id);
}

/* ---- commit ---- */

static enum tp_rc pack_items(struct tp_edit *edit)
{
    for (size_t i = 0; i < edit->items_len; i++) {
        struct item *item = &edit->items[i];
        if (item->record != NULL)
            TP_TRY(pack_item(item, item->record));
    }
    return TP_OK;
}

/* What a new record becomes in memory: at most one of each in an edit. */
struct added {
    struct tp_credential *credential;
    struct tp_beside *beside;
};

/* Memory follows what is durable now. New users are read when they are first asked for. */
static void apply(struct tp_edit *edit, struct item *item, struct added *added)
{
    switch (item->part) {
    case PART_USER:
        tp_people_user_changed(edit->engine, item->user, (Tp__Engine__User *)item->record);
        item->record = NULL;
        break;
    case PART_KEY:
        tp_people_key_changed(edit->engine, item->credential, item->name, (Tp__Engine__Key *)item->record);
        item->record = NULL;
        break;
    case PART_KEY_NEW:
        tp_people_key_added(edit->engine, item->user, added->credential);
        break;
    case PART_KEY_DELETE:
        tp_people_key_removed(edit->engine, item->credential);
        break;
    case PART_BESIDE:
        tp_people_beside_changed(edit->engine, item->user, item->beside, (Tp__Engine__Object *)item->record);
        item->record = NULL;
        break;
    case PART_BESIDE_NEW:
        tp_people_beside_added(edit->engine, item->user, added->beside);
        break;
    case PART_BESIDE_DELETE:
        tp_people_beside_removed(edit->engine, item->user, item->beside);
        break;
    case PART_USER_DELETE:
        tp_people_user_removed(edit->engine, item->user);
        break;
    case PART_USER_NEW:
        tp_events_note_locked(edit->engine, item->name, item->id, NULL, (const Tp__Engine__User *)item->record);
        break;
    case PART_OTHER:
        break;
    }
}

/* Made before the commit, so that nothing can fail after it. */
static enum tp_rc prepare_new(struct tp_edit *edit, struct added *added)
{
    for (size_t i = 0; i < edit->items_len; i++) {
        struct item *item = &edit->items[i];
        if (item->part == PART_KEY_NEW)
            added->credential = tp_credential_new(item->id, item->name, 1, (Tp__Engine__Key *)item->record);
        else if (item->part == PART_BESIDE_NEW)
            added->beside = tp_beside_new(item->id, 1, (Tp__Engine__Object *)item->record);
        else
            continue;
        if (item->part == PART_KEY_NEW ? added->credential == NULL : added->beside == NULL)
            return TP_MEMORY;
        item->record = NULL;
    }
    return TP_OK;
}

static void added_clear(struct added *added)
{
    tp_credential_free(added->credential);
    tp_beside_free(added->beside);
}

static struct tp_ledger_change *changes_of(const struct tp_edit *edit)
{
    struct tp_ledger_change *changes = calloc(edit->items_len + 1, sizeof *changes);
    for (size_t i = 0; changes != NULL && i < edit->items_len; i++) {
        const struct item *item = &edit->items[i];
        changes[i] = (struct tp_ledger_change){
            .kind = item->kind,
            .id = item->id,
            .owner = item->owner,
            .name = item->name,
            .version = item->version,
            .delete = item->delete,
            .content = tp_buf_bytes(&item->content),
        };
    }
    return changes;
}

static enum tp_rc commit(struct tp_edit *edit, bool intent, struct tp_error *error, uint64_t *ret_index)
{
    struct tp_ledger_change *changes = changes_of(edit);
    if (changes == NULL)
        return tp_error_set(error, TP_MEMORY, "out of memory");
    struct tp_ledger_tx tx = {
        .changes = changes,
        .changes_len = edit->items_len,
        .texts = edit->texts,
        .texts_len = edit->texts_len,
        .entry = tp_trail_entry(&edit->trail),
        .intent = intent,
    };
    enum tp_rc rc =
        tp_ledger_commit(edit->engine->ledger, &tx, tp_clock_monotonic_ms() + TP_COMMIT_WAIT_MS, error, ret_index);
    free(changes);
    return rc;
}

/* Codes after which it is not known whether the change was made (TP_TIMEOUT, a store that failed in the middle of it), or
 * after which memory is known not to be what the store holds (TP_BUSY). */
static bool leaves_doubt(enum tp_rc rc)
{
    static const enum tp_rc codes[] = {TP_TIMEOUT,    TP_BUSY,          TP_STORE, TP_STORE_BUSY,
                                       TP_STORE_FULL, TP_STORE_DAMAGED, TP_IO,    TP_MEMORY};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] == rc)
            return true;
    return false;
}

static void doubt(struct tp_edit *edit)
{
    for (size_t i = 0; i < edit->items_len; i++) {
        const struct item *item = &edit->items[i];
        struct tp_user *user = item->credential != NULL ? item->credential->user : item->user;
        if (user != NULL && !user->doubtful)
            tp_people_doubt(edit->engine, user);
    }
}

/* A key that is gone from the store must not stay unwrapped in the HSM. */
static void forget_deleted(struct tp_edit *edit)
{
    for (size_t i = 0; i < edit->items_len; i++)
        if (edit->items[i].part == PART_KEY_DELETE)
            tp_hsm_key_forget(edit->engine->hsm, edit->items[i].id);
}

enum tp_rc tp_edit_commit_index(struct tp_edit *edit, bool intent, struct tp_error *error, uint64_t *ret_index)
{
    struct added added = {0};
    enum tp_rc rc = pack_items(edit);
    if (rc == TP_OK)
        rc = prepare_new(edit, &added);
    if (rc == TP_OK) {
        rc = commit(edit, intent, error, ret_index);
        if (leaves_doubt(rc))
            doubt(edit);
    }
    if (rc != TP_OK) {
        added_clear(&added);
        return rc;
    }
    pthread_mutex_lock(&edit->engine->lock);
    for (size_t i = 0; i < edit->items_len; i++)
        apply(edit, &edit->items[i], &added);
    pthread_mutex_unlock(&edit->engine->lock);
    tp_events_tell(edit->engine);
    forget_deleted(edit);
    return TP_OK;
}

enum tp_rc tp_edit_commit(struct tp_edit *edit, struct tp_error *error)
{
    return tp_edit_commit_index(edit, false, error, NULL);
}
