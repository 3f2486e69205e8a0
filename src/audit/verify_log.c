/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: each entry, its tree against the head, every checkpoint and every stored node, and what it says about
 * records.
 */
#include "audit/log_scan.h"
#include "audit/verify_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_EVERY 1024

/* ---- roots ---- */

static enum tp_rc compare_root(const struct tp_tlog *tlog, const struct tp_tlog_hash *expected, const char *whose,
                               struct tp_error *error)
{
    struct tp_tlog_hash root;

    TP_TRY(tp_tlog_root(tlog, &root));
    if (memcmp(root.bytes, expected->bytes, sizeof root.bytes) == 0)
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED, "audit: the log's first %" PRIu64 " entries are not those of %s",
                        tlog->size, whose);
}

/* Whatever speaks of a log of this size. */
static enum tp_rc compare_roots(struct tp_verify *verify, const struct tp_tlog *tlog, struct tp_error *error)
{
    if (verify->has_older && verify->older.size == tlog->size)
        TP_TRY(compare_root(tlog, &verify->older.root, "the older checkpoint: it was replaced", error));
    if (verify->checkpoints_passed == verify->checkpoints ||
        verify->checkpoint[verify->checkpoints_passed].size != tlog->size)
        return TP_OK;
    return compare_root(tlog, &verify->checkpoint[verify->checkpoints_passed++].root, "its checkpoint", error);
}

/* ---- entries ---- */

static enum tp_rc wrong(struct tp_verify *verify, uint64_t index, const char *what, struct tp_error *error)
{
    verify->report.bad_index = index;
    return tp_error_set(error, TP_TAMPERED, "audit: entry %" PRIu64 " of the log %s", index, what);
}

/* Records go from version to version; the first that does not is named. */
static enum tp_rc follow_change(struct tp_verify *verify, uint64_t index, const Tp__Audit__Change *change,
                                struct tp_error *error)
{
    uint8_t key[TP_KEYMAP_KEY_LEN];
    struct tp_verify_record *record;
    uint64_t expected;
    void *value;

    TP_TRY(tp_verify_key(change->kind, change->id, key));
    TP_TRY(tp_keymap_put(&verify->records, key, &value));
    record = value;
    expected = change->deleted ? record->version : record->deleted ? 1 : record->version + 1;
    if (change->version == 0 || change->version != expected || (change->deleted && record->deleted) ||
        change->leaf.len != (change->deleted ? 0 : sizeof record->leaf.bytes))
        return wrong(verify, index, "changes a record to a version that does not follow", error);
    verify->inserts += change->version == 1 && !change->deleted;
    record->version = change->version;
    record->deleted = change->deleted;
    if (!change->deleted)
        memcpy(record->leaf.bytes, change->leaf.data, sizeof record->leaf.bytes);
    (void)snprintf(record->kind, sizeof record->kind, "%s", change->kind);
    (void)snprintf(record->id, sizeof record->id, "%s", change->id);
    return TP_OK;
}

static enum tp_rc follow_subject(struct tp_verify *verify, const ProtobufCBinaryData *subject)
{
    void *value;

    return subject->len < TP_KEYMAP_KEY_LEN ? TP_OK : tp_keymap_put(&verify->subjects, subject->data, &value);
}

static enum tp_rc follow(struct tp_verify *verify, uint64_t index, const Tp__Audit__Entry *entry,
                         struct tp_error *error)
{
    if (entry->action[0] == '\0' || entry->outcome[0] == '\0')
        return wrong(verify, index, "says neither what was done nor how it ended", error);
    for (size_t i = 0; i < entry->n_changes; i++)
        TP_TRY(follow_change(verify, index, entry->changes[i], error));
    TP_TRY(follow_subject(verify, &entry->subject));
    return tp_log_intents_follow(&verify->intents, index, entry);
}

static enum tp_rc log_entry(void *context, const struct tp_tlog *tlog, uint64_t index, struct tp_bytes content,
                            struct tp_error *error)
{
    struct tp_verify *verify = context;
    Tp__Audit__Entry *entry;
    enum tp_rc rc = tp_log_entry_parse(index, content, error, &entry);

    if (rc == TP_TAMPERED)
        verify->report.bad_index = index;
    TP_TRY(rc);
    rc = follow(verify, index, entry, error);
    tp__audit__entry__free_unpacked(entry, NULL);
    TP_TRY(rc);
    verify->report.entries = tlog->size;
    if (verify->progress != NULL && (tlog->size % PROGRESS_EVERY == 0 || tlog->size == verify->head.entries))
        verify->progress(verify->context, tlog->size, verify->head.entries);
    return compare_roots(verify, tlog, error);
}

static enum tp_rc log_node(void *context, const struct tp_tlog_node *node, struct tp_error *error)
{
    struct tp_verify *verify = context;
    struct tp_tlog_hash stored;
    enum tp_rc rc = tp_store_node_get(verify->store, TP_AUDIT_TREE_LOG, node->level, node->index, stored.bytes,
                                      sizeof stored.bytes, NULL);

    verify->nodes++;
    if (rc == TP_OK && memcmp(stored.bytes, node->hash.bytes, sizeof stored.bytes) == 0)
        return TP_OK;
    if (rc != TP_OK && rc != TP_NOT_FOUND)
        return rc;
    return tp_error_set(error, TP_TAMPERED,
                        "audit: of the entries %" PRIu64 " to %" PRIu64
                        " of the log, one was changed, or the tree above them",
                        node->index << node->level, ((node->index + 1) << node->level) - 1);
}

/* ---- the end of it ---- */

static enum tp_rc check_head(struct tp_verify *verify, const struct tp_tlog *tlog, struct tp_error *error)
{
    const struct tp_head *head = &verify->head;
    uint64_t end;

    TP_TRY(compare_root(tlog, &head->log_root, "its head", error));
    TP_TRY(tp_store_entry_end(verify->store, error, &end));
    if (end != head->entries)
        return wrong(verify, head->entries, "comes after the last that the head knows", error);
    if (head->lowest_open != tp_intents_lowest(&verify->intents, head->entries))
        return tp_error_set(error, TP_TAMPERED, "audit: the head's oldest open intent is not that of the log");
    if (head->slots != verify->inserts + 1)
        return tp_error_set(error, TP_TAMPERED, "audit: the head has given %" PRIu64 " slots, the log %" PRIu64,
                            head->slots - 1, verify->inserts);
    return TP_OK;
}

enum tp_rc tp_verify_log(struct tp_verify *verify, struct tp_error *error)
{
    struct tp_log_scan scan = {.store = verify->store, .context = verify, .entry = log_entry, .node = log_node};

    TP_TRY(compare_roots(verify, &scan.tlog, error)); /* a checkpoint of the empty log */
    TP_TRY(tp_log_scan_run(&scan, verify->head.entries, error));
    TP_TRY(check_head(verify, &scan.tlog, error));
    TP_TRY(tp_verify_node_count(verify, TP_AUDIT_TREE_LOG, error));
    verify->report.unsigned_entries = verify->head.entries - verify->report.last_checkpoint_size;
    return TP_OK;
}
