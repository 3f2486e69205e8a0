/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/log_scan.h"

#include "audit/action.h"
#include "audit/state_tree.h"

#include <inttypes.h>
#include <string.h>

/* ---- a source of subtrees ---- */

static enum tp_rc leaf_each(void *context, uint64_t index, struct tp_bytes content)
{
    (void)index;
    return tp_tlog_leaf(content, context);
}

static enum tp_rc source_get(void *context, unsigned level, uint64_t index, struct tp_error *error,
                             struct tp_tlog_hash *ret_hash)
{
    struct tp_store *store = context;
    enum tp_rc rc;

    if (level == 0) {
        TP_TRY(tp_tlog_leaf(TP_BYTES_NONE, ret_hash)); /* should it be missing */
        return tp_store_entry_each(store, index, 1, false, error, leaf_each, ret_hash);
    }
    rc = tp_store_node_get(store, TP_AUDIT_TREE_LOG, level, index, ret_hash->bytes, sizeof ret_hash->bytes, error);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, TP_TAMPERED, "audit: node %" PRIu64 " of level %u of the log's tree is missing",
                            index, level);
    return rc;
}

struct tp_tlog_source tp_log_source(struct tp_store *store)
{
    return (struct tp_tlog_source){.context = store, .get = source_get};
}

enum tp_rc tp_log_node_put(struct tp_store *store, const struct tp_tlog_node *node, struct tp_error *error)
{
    return tp_store_node_put(store, TP_AUDIT_TREE_LOG, node->level, node->index,
                             TP_BYTES(node->hash.bytes, sizeof node->hash.bytes), error);
}

/* ---- from one end to the other ---- */

/* Entries up to the next multiple of 256: at most one of them completes nodes, which are handed on when the store is
 * free. */
struct chunk {
    struct tp_log_scan *scan;
    struct tp_error *error;
    struct tp_tlog_kept kept;
};

static enum tp_rc chunk_take(struct chunk *chunk, struct tp_bytes content)
{
    struct tp_log_scan *scan = chunk->scan;
    uint64_t index = scan->tlog.size;
    struct tp_tlog_hash leaf;

    TP_TRY(tp_tlog_leaf(content, &leaf));
    TP_TRY(tp_tlog_append(&scan->tlog, &leaf, &chunk->kept));
    return scan->entry(scan->context, &scan->tlog, index, content, chunk->error);
}

static enum tp_rc chunk_fill(struct chunk *chunk, uint64_t index)
{
    while (chunk->scan->tlog.size < index)
        TP_TRY(chunk_take(chunk, TP_BYTES_NONE));
    return TP_OK;
}

static enum tp_rc chunk_each(void *context, uint64_t index, struct tp_bytes content)
{
    TP_TRY(chunk_fill(context, index));
    return chunk_take(context, content);
}

enum tp_rc tp_log_scan_run(struct tp_log_scan *scan, uint64_t end, struct tp_error *error)
{
    while (scan->tlog.size < end) {
        struct chunk chunk = {.scan = scan, .error = error};
        uint64_t from = scan->tlog.size, left = TP_TLOG_TILE - from % TP_TLOG_TILE;
        uint64_t count = left < end - from ? left : end - from;

        TP_TRY(tp_store_entry_each(scan->store, from, count, false, error, chunk_each, &chunk));
        TP_TRY(chunk_fill(&chunk, from + count));
        for (size_t i = 0; scan->node != NULL && i < chunk.kept.len; i++)
            TP_TRY(scan->node(scan->context, &chunk.kept.node[i], error));
    }
    return TP_OK;
}

/* ---- what entries say ---- */

enum tp_rc tp_log_entry_parse(uint64_t index, struct tp_bytes content, struct tp_error *error,
                              Tp__Audit__Entry **ret_entry)
{
    Tp__Audit__Entry *entry = content.len == 0 ? NULL : tp__audit__entry__unpack(NULL, content.len, content.data);

    if (entry == NULL)
        return tp_error_set(error, TP_TAMPERED, "audit: entry %" PRIu64 " of the log is %s", index,
                            content.len == 0 ? "missing" : "not well-formed");
    *ret_entry = entry;
    return TP_OK;
}

enum tp_rc tp_log_intents_follow(struct tp_intents *intents, uint64_t index, const Tp__Audit__Entry *entry)
{
    if (strcmp(entry->outcome, TP_OUTCOME_INTENT) == 0) {
        TP_TRY(tp_intents_reserve(intents, 1));
        tp_intents_add(intents, index, TP_INTENT_OPEN);
    }
    for (size_t i = 0; i < entry->n_completions; i++)
        tp_intents_close(intents, entry->completions[i]->intent);
    return TP_OK;
}
