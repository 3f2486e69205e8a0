/* SPDX-License-Identifier: Apache-2.0
 *
 * An officer accepts what the store holds. The trees are made anew from it and the log says so, in one transaction,
 * with a checkpoint: what is checked at the next start begins there.
 *
 * This mends the engine, not the evidence. Checkpoints made before stay in the store and with those who keep them, the
 * log no longer leads to them, and an auditor will find that for as long as there is a log (verify.h). Records whose
 * own MAC is wrong stay refused: the officer has no key to make them right.
 */
#include "audit/internal.h"
#include "audit/log_scan.h"
#include "audit/rows.h"

#include <string.h>

struct rebuild {
    struct tp_ledger *ledger;
    struct tp_intents *intents;
    struct tp_census *census;
};

/* An entry that cannot be read opens and closes nothing. */
static enum tp_rc log_entry(void *context, const struct tp_tlog *tlog, uint64_t index, struct tp_bytes content,
                            struct tp_error *error)
{
    struct rebuild *rebuild = context;
    Tp__Audit__Entry *entry;
    enum tp_rc rc;

    (void)tlog;
    (void)error;
    if (tp_log_entry_parse(index, content, NULL, &entry) != TP_OK)
        return TP_OK;
    rc = tp_log_intents_follow(rebuild->intents, index, entry);
    tp__audit__entry__free_unpacked(entry, NULL);
    return rc;
}

static enum tp_rc log_node(void *context, const struct tp_tlog_node *node, struct tp_error *error)
{
    struct rebuild *rebuild = context;

    return tp_log_node_put(rebuild->ledger->writer, node, error);
}

static enum tp_rc state_row(void *context, const struct tp_store_record *record, const struct tp_state_hash *leaf,
                            struct tp_error *error)
{
    struct rebuild *rebuild = context;

    return tp_rows_to_census(rebuild->census, record, leaf, error);
}

static enum tp_rc state_node(void *context, unsigned level, uint64_t index, const struct tp_state_node *node,
                             struct tp_error *error)
{
    struct rebuild *rebuild = context;

    return tp_store_node_put(rebuild->ledger->writer, TP_AUDIT_TREE_STATE, level, index,
                             TP_BYTES(node->bytes, sizeof node->bytes), error);
}

static enum tp_rc rebuild_log(struct rebuild *rebuild, struct tp_error *error)
{
    struct tp_store *store = rebuild->ledger->writer;
    struct tp_log_scan scan = {.store = store, .context = rebuild, .entry = log_entry, .node = log_node};
    uint64_t end;

    TP_TRY(tp_store_nodes_clear(store, TP_AUDIT_TREE_LOG, error));
    TP_TRY(tp_store_entry_end(store, error, &end));
    TP_TRY(tp_log_scan_run(&scan, end, error));
    rebuild->ledger->batch->trees.tlog = scan.tlog;
    return TP_OK;
}

static enum tp_rc rebuild_state(struct rebuild *rebuild, struct tp_error *error)
{
    struct tp_trees *trees = &rebuild->ledger->batch->trees;
    struct tp_store *store = rebuild->ledger->writer;
    const struct tp_rows_walk walk = {.store = store, .context = rebuild, .row = state_row, .node = state_node};
    uint64_t slots;

    TP_TRY(tp_store_nodes_clear(store, TP_AUDIT_TREE_STATE, error));
    TP_TRY(tp_rows_walk(&walk, error, &trees->state_root));
    TP_TRY(tp_store_slot_next(store, error, &slots));
    if (slots > trees->slots) /* a slot that was given is not given again, whatever became of its row */
        trees->slots = slots;
    return TP_OK;
}

/* The intents that the log leaves open; nothing that this engine did since has been written. */
static void intents_replace(struct tp_ledger *ledger, struct tp_intents *intents)
{
    struct tp_intents old;

    tp_intents_orphan(intents);
    pthread_mutex_lock(&ledger->queue_mutex);
    old = ledger->intents;
    ledger->intents = *intents;
    pthread_mutex_unlock(&ledger->queue_mutex);
    *intents = old;
}

static enum tp_rc transact(struct tp_ledger *ledger, Tp__Audit__Entry *entry, struct tp_intents *intents,
                           struct tp_census *census, struct tp_error *error)
{
    struct rebuild rebuild = {.ledger = ledger, .intents = intents, .census = census};
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint64_t index;

    TP_TRY(rebuild_log(&rebuild, error));
    TP_TRY(rebuild_state(&rebuild, error));
    intents_replace(ledger, intents);
    TP_TRY(tp_batch_append(ledger, entry, error, &index));
    TP_TRY(tp_batch_completions(ledger, error));
    TP_TRY(tp_checkpointing_put(ledger, error, &note));
    return tp_batch_end(ledger, error);
}

/* The batch is committed: from now on readers believe it. */
static void reopen(struct tp_ledger *ledger, struct tp_census **census)
{
    struct tp_census *old;

    pthread_mutex_lock(&ledger->state_mutex);
    old = ledger->census;
    ledger->census = *census;
    ledger->view.tampered = false;
    ledger->view.rootless = false;
    pthread_mutex_unlock(&ledger->state_mutex);
    *census = old;
}

static enum tp_rc accept_locked(struct tp_ledger *ledger, Tp__Audit__Entry *entry, struct tp_error *error)
{
    struct tp_census *census TP_AUTO(tp_census_free_p) = NULL;
    struct tp_intents intents TP_AUTO(tp_intents_clear) = {0};
    enum tp_rc rc;

    if (tp_ledger_refuse_tampered(ledger, NULL) == TP_OK)
        return tp_error_set(error, TP_BAD_ARGUMENT, "audit: nothing was found wrong with the store: nothing to accept");
    TP_TRY(tp_member_check_entry(entry, false, error));
    TP_TRY(tp_census_new(&census));
    TP_TRY(tp_batch_begin(ledger, error));
    rc = transact(ledger, entry, &intents, census, error);
    if (rc == TP_OK)
        reopen(ledger, &census);
    else
        tp_batch_abandon(ledger);
    return rc;
}

enum tp_rc tp_ledger_accept(struct tp_ledger *ledger, Tp__Audit__Entry *entry, struct tp_error *error)
{
    enum tp_rc rc;

    pthread_mutex_lock(&ledger->commit_mutex);
    rc = accept_locked(ledger, entry, error);
    pthread_mutex_unlock(&ledger->commit_mutex);
    return rc;
}
