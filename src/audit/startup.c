/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ledger believes when it opens: nothing but the head, and that only with its MAC. The rest must lead to it:
 *  - the log's tree is read as it was at the newest checkpoint, from the nodes that are stored; it must have the root
 * that was signed. From there on (or from the oldest open intent, should that be older) every entry is hashed again,
 * and must lead to the head's root. Older entries are the auditor's (verify.h);
 *  - all rows of records are hashed into a state tree, which must have the head's state root: so that a row that was
 *    edited, put in, rolled back or deleted is found now, and the census can be trusted.
 */
#include "audit/checkpoint.h"
#include "audit/internal.h"
#include "audit/log_scan.h"
#include "audit/rows.h"

#include <inttypes.h>
#include <string.h>

static enum tp_rc tampered(struct tp_error *error, const char *what)
{
    return tp_error_set(error, TP_TAMPERED, "audit: %s", what);
}

static enum tp_rc check_state(struct tp_ledger *ledger, const struct tp_head *head, struct tp_error *error)
{
    const struct tp_rows_walk walk = {.store = ledger->writer, .context = ledger->census, .row = tp_rows_to_census};
    struct tp_state_node node;
    struct tp_state_hash root, top = {{0}};
    enum tp_rc rc;

    TP_TRY(tp_rows_walk(&walk, error, &root));
    if (!tp_state_hash_equal(&root, &head->state_root))
        return tampered(error, "a record was changed, added, rolled back or deleted outside of this program; see "
                               "\"trustp11 audit verify\"");
    rc =
        tp_store_node_get(ledger->writer, TP_AUDIT_TREE_STATE, TP_STATE_DEPTH, 0, node.bytes, sizeof node.bytes, error);
    if (rc == TP_OK)
        rc = tp_state_node_hash(&node, &top);
    if (rc != TP_OK && rc != TP_NOT_FOUND)
        return rc;
    return tp_state_hash_equal(&top, &root) ? TP_OK
                                            : tampered(error, "the stored state tree is not that of the records");
}

/* ---- the log ---- */

struct log_check {
    struct tp_ledger *ledger;
    struct tp_checkpoint checkpoint;
    uint64_t missing; /* the first entry that is not there */
};

/* The newest that the head knows of; size 0 when there is none yet. */
static enum tp_rc checkpoint_read(struct tp_ledger *ledger, const struct tp_head *head, struct tp_error *error,
                                  struct tp_checkpoint *ret_checkpoint)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint64_t size = 0;
    enum tp_rc rc;

    *ret_checkpoint = (struct tp_checkpoint){.size = 0};
    if (head->checkpoint == 0)
        return TP_OK;
    rc = tp_store_checkpoint_get(ledger->writer, head->checkpoint, error, &size, &note);
    if (rc == TP_NOT_FOUND || (rc == TP_OK && size != head->checkpoint))
        return tampered(error, "the newest checkpoint is missing");
    TP_TRY(rc);
    rc = tp_checkpoint_open(tp_buf_bytes(&note), ledger->origin, tp_buf_bytes(&ledger->spki), error, ret_checkpoint);
    if (rc == TP_MALFORMED || (rc == TP_OK && ret_checkpoint->size != size))
        return tampered(error, "the newest checkpoint is not the one that was made");
    return rc;
}

static enum tp_rc compare_checkpoint(const struct log_check *check, const struct tp_tlog *tlog, struct tp_error *error)
{
    struct tp_tlog_hash root;

    if (tlog->size != check->checkpoint.size || tlog->size == 0)
        return TP_OK;
    TP_TRY(tp_tlog_root(tlog, &root));
    if (memcmp(root.bytes, check->checkpoint.root.bytes, sizeof root.bytes) == 0)
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED,
                        "audit: the log's first %" PRIu64 " entries are not those of the checkpoint", tlog->size);
}

static enum tp_rc log_entry(void *context, const struct tp_tlog *tlog, uint64_t index, struct tp_bytes content,
                            struct tp_error *error)
{
    struct log_check *check = context;
    Tp__Audit__Entry *entry;
    enum tp_rc rc;

    TP_TRY(compare_checkpoint(check, tlog, error));
    if (content.len == 0) {
        check->missing = index < check->missing ? index : check->missing;
        return TP_OK;
    }
    TP_TRY(tp_log_entry_parse(index, content, error, &entry));
    rc = tp_log_intents_follow(&check->ledger->intents, index, entry);
    tp__audit__entry__free_unpacked(entry, NULL);
    return rc;
}

static enum tp_rc log_node(void *context, const struct tp_tlog_node *node, struct tp_error *error)
{
    struct log_check *check = context;
    struct tp_tlog_source source = tp_log_source(check->ledger->writer);
    struct tp_tlog_hash hash;

    TP_TRY(source.get(source.context, node->level, node->index, error, &hash));
    if (memcmp(hash.bytes, node->hash.bytes, sizeof hash.bytes) == 0)
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED, "audit: node %" PRIu64 " of level %u of the log's tree was changed",
                        node->index, node->level);
}

static enum tp_rc compare_end(struct tp_ledger *ledger, const struct log_check *check, const struct tp_tlog *tlog,
                              const struct tp_head *head, struct tp_error *error)
{
    struct tp_tlog_hash root;
    uint64_t end;

    TP_TRY(tp_tlog_root(tlog, &root));
    if (memcmp(root.bytes, head->log_root.bytes, sizeof root.bytes) != 0 && check->missing != UINT64_MAX)
        return tp_error_set(error, TP_TAMPERED, "audit: entry %" PRIu64 " of the log is missing", check->missing);
    if (memcmp(root.bytes, head->log_root.bytes, sizeof root.bytes) != 0)
        return tampered(error, "an entry of the log since the newest checkpoint was changed");
    TP_TRY(tp_store_entry_end(ledger->writer, error, &end));
    if (end == head->entries)
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED, "audit: the log has %" PRIu64 " entries, its head speaks of %" PRIu64, end,
                        head->entries);
}

static enum tp_rc check_log(struct tp_ledger *ledger, const struct tp_head *head, struct tp_error *error)
{
    struct tp_tlog_source source = tp_log_source(ledger->writer);
    struct log_check check = {.ledger = ledger, .missing = UINT64_MAX};
    struct tp_log_scan scan = {.store = ledger->writer, .context = &check, .entry = log_entry, .node = log_node};
    uint64_t from;

    TP_TRY(checkpoint_read(ledger, head, error, &check.checkpoint));
    from = head->lowest_open < check.checkpoint.size ? head->lowest_open : check.checkpoint.size;
    TP_TRY(tp_tlog_load(&source, from, error, &scan.tlog));
    TP_TRY(compare_checkpoint(&check, &scan.tlog, error));
    TP_TRY(tp_log_scan_run(&scan, head->entries, error));
    TP_TRY(compare_end(ledger, &check, &scan.tlog, head, error));
    ledger->committed.tlog = scan.tlog;
    return TP_OK;
}

/* ---- the head ---- */

static enum tp_rc check_head(struct tp_ledger *ledger, struct tp_error *error, struct tp_head *ret_head)
{
    TP_TRY(tp_head_read(ledger->writer, error, &ledger->head));
    TP_TRY(tp_head_check(&ledger->head, &ledger->config.keys, error));
    return tp_head_parse(&ledger->head, error, ret_head);
}

static void view_set(struct tp_ledger *ledger, const struct tp_head *head)
{
    pthread_mutex_lock(&ledger->state_mutex);
    ledger->view.state_root = head->state_root;
    ledger->view.entries = head->entries;
    ledger->view.checkpoint = head->checkpoint;
    pthread_mutex_unlock(&ledger->state_mutex);
}

enum tp_rc tp_startup_check(struct tp_ledger *ledger, struct tp_error *error)
{
    struct tp_head head;

    ledger->view.rootless = true;
    TP_TRY(check_head(ledger, error, &head));
    ledger->view.rootless = false;
    view_set(ledger, &head);
    ledger->committed.state_root = head.state_root;
    ledger->committed.slots = head.slots;
    ledger->committed.checkpoint = head.checkpoint;
    TP_TRY(check_state(ledger, &head, error));
    return check_log(ledger, &head, error);
}
