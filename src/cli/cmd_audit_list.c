/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/action.h"
#include "audit/entry.pb-c.h"
#include "cli/commands.h"
#include "cli/credential.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NEWEST    50  /* entries, when nothing else was asked for */
#define PAGE_SIZE 500 /* entries of one question to the engine */
#define ID_DIGITS 32  /* of an id in the log */

static const struct tp_cli_column columns[] = {
    {"index", "ENTRY"},    {"time", "TIME"},     {"who", "WHO"},        {"action", "ACTION"},
    {"result", "OUTCOME"}, {"object", "ABOUT"},  {"program", "CLIENT"}, {"mechanism", "MECHANISM"},
    {"hash", "HASH"},      {"detail", "DETAIL"}, {"reason", "REASON"},  {NULL, NULL},
};

/* ---- one entry ---- */

static void put_client(struct tp_cli *cli, json_t *object, const Tp__Audit__Entry *entry)
{
    if (!entry->has_client)
        return;
    tp_cli_put_count(cli, object, "uid", entry->uid);
    tp_cli_put_count(cli, object, "pid", entry->pid);
    tp_cli_put_text(cli, object, "program", entry->program); /* what it said of itself */
}

static void put_completions(struct tp_cli *cli, json_t *object, const Tp__Audit__Entry *entry)
{
    json_t *list = json_array();
    for (size_t i = 0; i < entry->n_completions; i++) {
        const Tp__Audit__Completion *completion = entry->completions[i];
        json_t *item = json_object();
        tp_cli_put_count(cli, item, "intent", completion->intent);
        tp_cli_put_text(cli, item, "outcome", completion->outcome);
        tp_cli_put_hex(cli, item, "signature_sha256", TP_BYTES(completion->signature.data, completion->signature.len));
        tp_cli_list_add(cli, list, item);
    }
    tp_cli_put(cli, object, "completions", list);
}

/* For people, in a line: which intents ended, and whether all ended well. */
static void put_ended(struct tp_cli *cli, json_t *object, const Tp__Audit__Entry *entry)
{
    char words[96];
    size_t well = 0;
    for (size_t i = 0; i < entry->n_completions; i++)
        well += strcmp(entry->completions[i]->outcome, "ok") == 0;
    const Tp__Audit__Completion *first = entry->completions[0], *last = entry->completions[entry->n_completions - 1];
    if (entry->n_completions == 1)
        snprintf(words, sizeof words, "entry %" PRIu64 " ended: %s", first->intent, first->outcome);
    else
        snprintf(words, sizeof words, "%zu of entries %" PRIu64 " to %" PRIu64 " ended, %zu of them ok",
                 entry->n_completions, first->intent, last->intent, well);
    tp_cli_put_text(cli, object, "detail", words);
}

static void put_changes(struct tp_cli *cli, json_t *object, const Tp__Audit__Entry *entry)
{
    json_t *list = json_array();
    for (size_t i = 0; i < entry->n_changes; i++) {
        const Tp__Audit__Change *change = entry->changes[i];
        json_t *item = json_object();
        tp_cli_put_text(cli, item, "kind", change->kind);
        tp_cli_put_text(cli, item, "id", change->id);
        tp_cli_put_count(cli, item, "version", change->version);
        tp_cli_put_flag(cli, item, "deleted", change->deleted);
        tp_cli_list_add(cli, list, item);
    }
    tp_cli_put(cli, object, "changes", list);
}

/* For people: who it was, or at least which account of the machine. */
static void put_who(struct tp_cli *cli, json_t *object, const Tp__Ipc__AuditEntry *row, const Tp__Audit__Entry *entry)
{
    char words[24];
    if (row->subject_erased)
        tp_cli_put_flag(cli, object, "subject_erased", true);
    if (cli->json)
        return;
    (void)snprintf(words, sizeof words, "uid %" PRIu32, entry->uid);
    const char *who = row->subject[0] != '\0' ? row->subject : row->subject_erased ? "(erased)" : NULL;
    tp_cli_put_text(cli, object, "who", who != NULL ? who : entry->has_client ? words : NULL);
}

/* For people: how it ended, which for an intent a later entry says. */
static void put_result(struct tp_cli *cli, json_t *object, const char *ended, const Tp__Audit__Entry *entry)
{
    if (!cli->json)
        tp_cli_put_text(cli, object, "result", ended[0] != '\0' ? ended : entry->outcome);
}

static void put_entry(struct tp_cli *cli, json_t *object, const Tp__Audit__Entry *entry)
{
    tp_cli_put_time(cli, object, "time", entry->time_ms, tp_cli_flag(&cli->args, "local"));
    tp_cli_put_text(cli, object, "action", entry->action);
    tp_cli_put_text(cli, object, "outcome", entry->outcome);
    tp_cli_put_text(cli, object, "reason", entry->reason);
    tp_cli_put_hex(cli, object, "subject_hash", TP_BYTES(entry->subject.data, entry->subject.len));
    tp_cli_put_text(cli, object, "role", entry->role);
    put_client(cli, object, entry);
    tp_cli_put_text(cli, object, "object_kind", entry->object_kind);
    tp_cli_put_text(cli, object, "object_id", entry->object);
    tp_cli_put_text(cli, object, "authorisation", entry->authorisation);
    if (entry->use > 0)
        tp_cli_put_count(cli, object, "use", entry->use);
    tp_cli_put_text(cli, object, "mechanism", entry->mechanism);
    tp_cli_put_hex(cli, object, "hash", TP_BYTES(entry->hash.data, entry->hash.len));
    tp_cli_put_text(cli, object, "detail", entry->detail);
    if (entry->n_changes > 0)
        put_changes(cli, object, entry);
    if (entry->n_completions > 0) {
        put_completions(cli, object, entry);
        put_ended(cli, object, entry);
    }
}

static json_t *describe(struct tp_cli *cli, const Tp__Ipc__AuditEntry *row)
{
    json_t *object = json_object();
    tp_cli_put_count(cli, object, "index", row->index);
    tp_cli_put_text(cli, object, "subject", row->subject);
    tp_cli_put_text(cli, object, "object", row->object_name);
    tp_cli_put_text(cli, object, "ended", row->ended);
    Tp__Audit__Entry *entry = tp__audit__entry__unpack(NULL, row->entry.len, row->entry.data);
    if (entry == NULL) /* shown all the same: what is damaged must not disappear from the list */
        tp_cli_put_text(cli, object, "reason", "this entry cannot be read; see trustp11 audit verify");
    else {
        put_who(cli, object, row, entry);
        put_result(cli, object, row->ended, entry);
        put_entry(cli, object, entry);
        if (json_object_get(object, "object") == NULL)
            tp_cli_put_text(cli, object, "object", entry->object);
        tp__audit__entry__free_unpacked(entry, NULL);
    }
    return object;
}

/* ---- pages ---- */

static enum tp_rc fetch(struct tp_cli *cli, Tp__Ipc__AuditListRequest *request, json_t *list, bool *ret_more)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    TP_TRY(tp_cli_call(cli, TP_OP_AUDIT_LIST, &request->base, NULL, NULL, &reply));
    const Tp__Ipc__AuditListReply *page = (const void *)reply.message;
    for (size_t i = 0; i < page->n_entries; i++)
        tp_cli_list_add(cli, list, describe(cli, page->entries[i]));
    request->from = page->cursor;
    *ret_more = page->more;
    return TP_OK;
}

/* For people: a table with its headings for each page, so that a long log needs no memory. */
static enum tp_rc print(struct tp_cli *cli, const json_t *list)
{
    if (!cli->json)
        return tp_cli_emit_list(cli, json_incref((json_t *)(uintptr_t)list), columns, "no such entries");
    for (size_t i = 0; i < json_array_size(list); i++)
        TP_TRY(tp_cli_emit_line(cli, json_incref(json_array_get(list, i))));
    return TP_OK;
}

static enum tp_rc list_forwards(struct tp_cli *cli, Tp__Ipc__AuditListRequest *request)
{
    bool more = true, any = false;
    request->limit = PAGE_SIZE;
    while (more) {
        json_t *page = json_array();
        enum tp_rc rc = fetch(cli, request, page, &more);
        bool worth = json_array_size(page) > 0 || (!more && !any);
        if (rc == TP_OK && worth)
            rc = print(cli, page);
        any = any || json_array_size(page) > 0;
        json_decref(page);
        TP_TRY(rc);
    }
    return TP_OK;
}

static json_t *reversed(struct tp_cli *cli, const json_t *list)
{
    json_t *copy = json_array();
    for (size_t i = json_array_size(list); i > 0; i--)
        tp_cli_list_add(cli, copy, json_incref(json_array_get(list, i - 1)));
    return copy;
}

static enum tp_rc list_newest(struct tp_cli *cli, Tp__Ipc__AuditListRequest *request, size_t most)
{
    json_t *found = json_array();
    bool more = true;
    enum tp_rc rc = TP_OK;
    request->backwards = true;
    request->from = UINT64_MAX;
    while (rc == TP_OK && more && json_array_size(found) < most) {
        size_t missing = most - json_array_size(found);
        request->limit = missing < PAGE_SIZE ? (uint32_t)missing : PAGE_SIZE;
        rc = fetch(cli, request, found, &more);
    }
    json_t *list = reversed(cli, found);
    if (rc == TP_OK)
        rc = print(cli, list);
    json_decref(list);
    json_decref(found);
    return rc;
}

static char *text_or_none(const struct tp_cli *cli, const char *option)
{
    const char *text = tp_cli_text(&cli->args, option);
    return (char *)(uintptr_t)(text == NULL ? "" : text);
}

/* An action's name, or the beginning of one ("user."): a word that no entry can have is a mistake in typing. */
static enum tp_rc check_action(struct tp_cli *cli, const char *wanted)
{
    struct tp_buf known TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const char *last = "";
    for (size_t i = 0; i < TP_ACTION_COUNT; i++) {
        const char *name = tp_action_name((enum tp_action)i);
        const size_t stem_len = strcspn(name, ".");
        if (strncmp(name, wanted, strlen(wanted)) == 0)
            return TP_OK;
        if (stem_len != strcspn(last, ".") || strncmp(name, last, stem_len) != 0)
            TP_TRY(tp_buf_printf(&known, "%s%.*s", i > 0 ? ", " : "", (int)stem_len, name));
        last = name;
    }
    return tp_error_set(&cli->error, TP_USAGE, "--action %.24s: no such action; they begin with %s", wanted,
                        tp_buf_string(&known));
}

/* ---- what --object names ---- */

static bool is_id(const char *text)
{
    return strlen(text) == ID_DIGITS && strspn(text, "0123456789abcdef") == ID_DIGITS;
}

/* A user of that name. Anything but that there is none goes on to the caller. */
static enum tp_rc find_user_named(struct tp_cli *cli, const char *name, char ret_id[ID_DIGITS + 1])
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    request.user = (char *)(uintptr_t)name;
    TP_TRY(tp_cli_call(cli, TP_OP_TOKEN, &request.base, NULL, NULL, &reply));
    (void)snprintf(ret_id, ID_DIGITS + 1, "%s", ((const Tp__Ipc__TokenReply *)(const void *)reply.message)->user_id);
    return TP_OK;
}

static enum tp_rc find_key_named(struct tp_cli *cli, char *user, const char *name, char ret_id[ID_DIGITS + 1])
{
    struct tp_ipc_reply objects TP_AUTO(tp_ipc_reply_clear) = {0};
    const Tp__Ipc__Credential *credential;
    TP_TRY(tp_cli_credentials(cli, user, &objects));
    TP_TRY(tp_cli_credential_find(cli, &objects, name, &credential));
    (void)snprintf(ret_id, ID_DIGITS + 1, "%s", credential->id);
    return TP_OK;
}

/* The log knows ids; people know names. A label is one of --user's keys: whoever did something to that key is meant then,
 * so that REQUEST asks no more about the user. */
static enum tp_rc resolve_object(struct tp_cli *cli, Tp__Ipc__AuditListRequest *request, char ret_id[ID_DIGITS + 1])
{
    const char *name = tp_cli_text(&cli->args, "object");
    if (name == NULL || is_id(name))
        return TP_OK;
    enum tp_rc rc = request->user[0] != '\0' ? find_key_named(cli, request->user, name, ret_id) : TP_NOT_FOUND;
    if (rc == TP_OK)
        request->user = (char *)(uintptr_t)"";
    if (rc == TP_NOT_FOUND)
        rc = find_user_named(cli, name, ret_id);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(&cli->error, TP_USAGE,
                            "--object %s: neither an id nor a user's name; for a key's label say whose it is: --user USER",
                            name);
    request->object = ret_id;
    return rc;
}

enum tp_rc tp_cli_audit_list(struct tp_cli *cli)
{
    Tp__Ipc__AuditListRequest request = TP__IPC__AUDIT_LIST_REQUEST__INIT;
    char object[ID_DIGITS + 1] = "";
    int64_t last = tp_cli_number(&cli->args, "last", 0);
    bool all = tp_cli_flag(&cli->args, "all");
    request.user = text_or_none(cli, "user");
    request.action = text_or_none(cli, "action");
    request.outcome = text_or_none(cli, "outcome");
    request.object = text_or_none(cli, "object");
    request.since_ms = tp_cli_number(&cli->args, "since", 0);
    request.until_ms = tp_cli_number(&cli->args, "until", 0);
    TP_TRY(check_action(cli, request.action));
    if (all && last > 0)
        return tp_error_set(&cli->error, TP_USAGE, "--all and --last exclude each other");
    TP_TRY(resolve_object(cli, &request, object));
    if (all || (last == 0 && request.since_ms != 0))
        return list_forwards(cli, &request);
    return list_newest(cli, &request, last > 0 ? (size_t)last : NEWEST);
}
