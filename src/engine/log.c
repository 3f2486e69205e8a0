/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log for those who may read it: lists with filters, checkpoints, and an officer's word after a mismatch.
 */
#include "base/clock.h"
#include "engine/call.h"
#include "engine/people.h"
#include "engine/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MOST 1000      /* entries in one answer */
#define SCAN_MOST 200000    /* entries looked at for one answer: the client goes on from the cursor */
#define CHUNK 512           /* of them at a time: so many are looked at before it is asked how their intents ended */

struct listing {
    struct tp_call *call;
    const Tp__Ipc__AuditListRequest *message;
    uint8_t subject[TP_SUBJECT_LEN]; /* of message->user */
    char user_id[TP_ID_LEN];
    uint32_t limit;
    uint64_t seen; /* entries looked at */
    uint64_t first, last; /* of them, in this chunk: their lowest and highest index */
    size_t in_chunk;
    bool intent[CHUNK]; /* which of those that this chunk has added are intents */
    bool intents;       /* any of them */
    size_t begin;       /* where those lie in ENTRIES */
    Tp__Ipc__AuditEntry *entries; /* what was found; up to a chunk more than LIMIT */
    Tp__Ipc__AuditEntry **pointers;
    size_t len;
};

/* ---- filters ---- */

/* The name of an action is that one alone (signatures, not how they were completed); anything else is the beginning of
 * several ("user."). */
static bool is_action(const char *action, const char *wanted)
{
    if (tp_action_words(wanted) != NULL)
        return strcmp(action, wanted) == 0;
    return strncmp(action, wanted, strlen(wanted)) == 0;
}

static bool is_by_or_about(const struct listing *listing, const Tp__Audit__Entry *entry)
{
    if (listing->message->user[0] == '\0')
        return true;
    return (entry->subject.len == TP_SUBJECT_LEN && memcmp(entry->subject.data, listing->subject, TP_SUBJECT_LEN) == 0) ||
           strcmp(entry->object, listing->user_id) == 0;
}

static bool is_intent(const Tp__Audit__Entry *entry)
{
    return strcmp(entry->outcome, TP_OUTCOME_INTENT) == 0;
}

static bool has_outcome(const struct listing *listing, const char *outcome)
{
    return listing->message->outcome[0] == '\0' || strcmp(outcome, listing->message->outcome) == 0;
}

/* By all but the outcome of an intent, which its own entry does not know. */
static bool wanted(const struct listing *listing, const Tp__Audit__Entry *entry)
{
    const Tp__Ipc__AuditListRequest *message = listing->message;
    return is_action(entry->action, message->action) && (is_intent(entry) || has_outcome(listing, entry->outcome)) &&
           (message->object[0] == '\0' || strcmp(entry->object, message->object) == 0) &&
           (message->since_ms == 0 || entry->time_ms >= message->since_ms) &&
           (message->until_ms == 0 || entry->time_ms < message->until_ms) && is_by_or_about(listing, entry);
}

/* ---- collecting ---- */

static enum tp_rc add(struct listing *listing, uint64_t index, const Tp__Audit__Entry *entry)
{
    Tp__Ipc__AuditEntry *item = &listing->entries[listing->len];
    size_t len = tp__audit__entry__get_packed_size(entry);
    tp__ipc__audit_entry__init(item);
    item->index = index;
    item->entry.data = malloc(len + 1);
    if (item->entry.data == NULL)
        return TP_MEMORY;
    item->entry.len = tp__audit__entry__pack(entry, item->entry.data);
    listing->intent[listing->len - listing->begin] = is_intent(entry);
    listing->intents = listing->intents || is_intent(entry);
    listing->len++;
    return TP_OK;
}

static enum tp_rc each(void *context, uint64_t index, const Tp__Audit__Entry *entry)
{
    struct listing *listing = context;
    listing->first = listing->in_chunk == 0 || index < listing->first ? index : listing->first;
    listing->last = listing->in_chunk == 0 || index > listing->last ? index : listing->last;
    listing->in_chunk++;
    listing->seen++;
    return wanted(listing, entry) ? add(listing, index, entry) : TP_OK;
}

/* ---- how intents ended ---- */

/* Keeps an entry that the chunk has added, unless it has another outcome than is asked for. ENDED may be NULL. */
static void settle_one(struct listing *listing, size_t at, const char *ended)
{
    Tp__Ipc__AuditEntry item = listing->entries[at];
    bool intent = listing->intent[at - listing->begin];
    if (intent && !has_outcome(listing, ended == NULL ? TP_OUTCOME_INTENT : ended)) {
        free(item.entry.data);
        return;
    }
    if (intent && ended != NULL)
        item.ended = (char *)(uintptr_t)ended;
    listing->entries[listing->len++] = item;
}

static enum tp_rc settle(struct listing *listing)
{
    const char *endings[CHUNK];
    size_t end = listing->len;
    struct tp_call *call = listing->call;
    TP_TRY(tp_ledger_endings(call->engine->ledger, listing->first, listing->in_chunk, &call->error, endings));
    listing->len = listing->begin;
    for (size_t i = listing->begin; i < end; i++)
        settle_one(listing, i, endings[listing->entries[i].index - listing->first]);
    return TP_OK;
}

/* ---- names ---- */

/* A label, for what is still known under an id. */
static char *name_of_object(struct tp_engine *engine, const char *id)
{
    struct tp_credential *credential = NULL;
    char *copy = NULL;
    pthread_mutex_lock(&engine->lock);
    HASH_FIND_STR(engine->credentials, id, credential);
    if (credential != NULL)
        copy = strdup(credential->label);
    pthread_mutex_unlock(&engine->lock);
    return copy;
}

/* The hash stays when a person is erased: then nobody knows any more who it was. */
static void add_subject(struct tp_engine *engine, ProtobufCBinaryData subject, Tp__Ipc__AuditEntry *item)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (subject.len != TP_SUBJECT_LEN)
        return;
    enum tp_rc rc = tp_ledger_text(engine->ledger, subject.data, NULL, &text);
    char *name = rc == TP_OK ? strdup(tp_buf_string(&text)) : NULL;
    if (name != NULL)
        item->subject = name;
    item->subject_erased = rc == TP_NOT_FOUND;
}

static void add_names(struct listing *listing)
{
    for (size_t i = 0; i < listing->len; i++) {
        Tp__Ipc__AuditEntry *item = &listing->entries[i];
        Tp__Audit__Entry *entry = tp__audit__entry__unpack(NULL, item->entry.len, item->entry.data);
        if (entry == NULL)
            continue;
        add_subject(listing->call->engine, entry->subject, item);
        char *object = name_of_object(listing->call->engine, entry->object);
        if (object != NULL)
            item->object_name = object;
        tp__audit__entry__free_unpacked(entry, NULL);
    }
}

static void free_text(char *text)
{
    if (text != (char *)(uintptr_t)protobuf_c_empty_string)
        free(text);
}

static void listing_clear(struct listing *listing)
{
    for (size_t i = 0; i < listing->len; i++) {
        free(listing->entries[i].entry.data);
        free_text(listing->entries[i].subject);
        free_text(listing->entries[i].object_name);
    }
    free(listing->entries);
    free(listing->pointers);
}

static enum tp_rc find_user(struct listing *listing)
{
    struct tp_call *call = listing->call;
    struct tp_user *user = NULL;
    if (listing->message->user[0] == '\0')
        return TP_OK;
    TP_TRY(tp_people_get(call->engine, listing->message->user, &call->error, &user));
    memcpy(listing->subject, user->subject, sizeof listing->subject);
    memcpy(listing->user_id, user->id, sizeof listing->user_id);
    tp_people_release(call->engine, user);
    return TP_OK;
}

/* ---- pages ---- */

static enum tp_rc look_at_chunk(struct listing *listing, uint64_t from)
{
    struct tp_call *call = listing->call;
    listing->in_chunk = 0;
    listing->intents = false;
    listing->begin = listing->len;
    TP_TRY(tp_ledger_entries(call->engine->ledger, from, CHUNK, listing->message->backwards, &call->error, each, listing));
    return listing->intents ? settle(listing) : TP_OK;
}

/* Sets where to go on after the entry INDEX, or that the log ends there. */
static void go_on_after(const struct listing *listing, uint64_t index, Tp__Ipc__AuditListReply *reply)
{
    reply->more = !(listing->message->backwards && index == 0);
    reply->cursor = listing->message->backwards ? index - 1 : index + 1;
}

/* What the last chunk has found beyond the limit is for the next answer. */
static void cut(struct listing *listing, Tp__Ipc__AuditListReply *reply)
{
    if (listing->len <= listing->limit)
        return;
    for (size_t i = listing->limit; i < listing->len; i++)
        free(listing->entries[i].entry.data);
    listing->len = listing->limit;
    go_on_after(listing, listing->entries[listing->len - 1].index, reply);
}

static enum tp_rc collect(struct listing *listing, Tp__Ipc__AuditListReply *reply)
{
    reply->cursor = listing->message->from;
    reply->more = true;
    while (reply->more && listing->len < listing->limit && listing->seen < SCAN_MOST) {
        TP_TRY(look_at_chunk(listing, reply->cursor));
        go_on_after(listing, listing->message->backwards ? listing->first : listing->last, reply);
        reply->more = reply->more && listing->in_chunk == CHUNK;
    }
    cut(listing, reply);
    return TP_OK;
}

static enum tp_rc list(struct listing *listing)
{
    struct tp_call *call = listing->call;
    Tp__Ipc__AuditListReply reply = TP__IPC__AUDIT_LIST_REPLY__INIT;
    TP_TRY(find_user(listing));
    listing->entries = calloc(listing->limit + CHUNK, sizeof listing->entries[0]);
    listing->pointers = calloc(listing->limit, sizeof listing->pointers[0]);
    if (listing->entries == NULL || listing->pointers == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    TP_TRY(collect(listing, &reply));
    add_names(listing);
    for (size_t i = 0; i < listing->len; i++)
        listing->pointers[i] = &listing->entries[i];
    reply.entries = listing->pointers;
    reply.n_entries = listing->len;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_audit_list(struct tp_call *call)
{
    const Tp__Ipc__AuditListRequest *message = (const Tp__Ipc__AuditListRequest *)call->request->message;
    struct listing listing = {
        .call = call,
        .message = message,
        .limit = message->limit == 0 || message->limit > LIST_MOST ? LIST_MOST : message->limit,
    };
    enum tp_rc rc = list(&listing);
    listing_clear(&listing);
    return rc;
}

/* ---- checkpoint ---- */

enum tp_rc tp_op_audit_checkpoint(struct tp_call *call)
{
    Tp__Ipc__CheckpointReply reply = TP__IPC__CHECKPOINT_REPLY__INIT;
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_bytes spki = tp_buf_bytes(&call->engine->vault.checkpoint_spki);
    TP_TRY(tp_ledger_checkpoint(call->engine->ledger, call->request->deadline_ms, &call->error, &note));
    reply.note = (char *)(uintptr_t)tp_buf_string(&note);
    reply.spki = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)spki.data, .len = spki.len};
    reply.origin = call->engine->origin;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

/* ---- accept ---- */

enum tp_rc tp_op_accept(struct tp_call *call)
{
    const Tp__Ipc__AcceptRequest *message = (const Tp__Ipc__AcceptRequest *)call->request->message;
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_ledger_info info;
    struct tp_trail trail;
    if (message->reason[0] == '\0')
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "say what you found out about the mismatch: --reason TEXT");
    tp_trail_init(&trail, TP_ACTION_AUDIT_ACCEPT, "ok");
    tp_trail_call(&trail, call);
    tp_trail_outcome(&trail, "ok", message->reason);
    tp_ledger_info(call->engine->ledger, &info);
    tp_trail_say(&trail, "%s", info.why);
    TP_TRY(tp_ledger_accept(call->engine->ledger, tp_trail_entry(&trail), &call->error));
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}
