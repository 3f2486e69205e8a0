/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's transaction around a batch. The trees in memory stay at the last committed head until COMMIT has
 * succeeded.
 *
 * COMMIT may fail and have happened all the same (the disk answered too late, the error came from a later step). Then
 * the head in the store tells: it is the new one, or the old one. If it cannot be read either, the batch stays in
 * doubt: its callers hear the error, and nothing is committed until the head has been read. An intent that turns out to
 * have been committed gets the outcome "unknown", since its caller has given up.
 */
#include "audit/internal.h"

#include "base/clock.h"

#include <string.h>

/* ---- the census ---- */

static enum tp_rc census_change(struct tp_census *census, const struct tp_census_change *change, bool undo)
{
    if (change->removed == undo)
        return tp_census_add(census, &change->record);
    tp_census_remove(census, &change->record);
    return TP_OK;
}

/* Backwards; adding again what was just removed cannot fail (census.h). */
static void census_undo(struct tp_ledger *ledger)
{
    struct tp_batch *batch = ledger->batch;

    pthread_mutex_lock(&ledger->state_mutex);
    while (batch->changes_applied > 0)
        (void)census_change(ledger->census, &batch->change[--batch->changes_applied], true);
    pthread_mutex_unlock(&ledger->state_mutex);
}

/* Before COMMIT, since it can fail and COMMIT cannot be undone. A reader that sees it too early finds rows that do not
 * agree with it, and looks again once the batch has ended (reader.c). */
static enum tp_rc census_apply(struct tp_ledger *ledger)
{
    struct tp_batch *batch = ledger->batch;
    enum tp_rc rc = TP_OK;

    pthread_mutex_lock(&ledger->state_mutex);
    while (rc == TP_OK && batch->changes_applied < batch->changes) {
        rc = census_change(ledger->census, &batch->change[batch->changes_applied], false);
        batch->changes_applied += rc == TP_OK;
    }
    pthread_mutex_unlock(&ledger->state_mutex);
    return rc;
}

/* ---- after COMMIT ---- */

/* queue_mutex is held. */
static void intents_adopt(struct tp_ledger *ledger, enum tp_intent_state state)
{
    tp_intents_settle(&ledger->intents, true);
    for (size_t i = 0; i < ledger->batch->intents; i++)
        tp_intents_add(&ledger->intents, ledger->batch->intent[i], state);
}

static void view_adopt(struct tp_ledger *ledger)
{
    const struct tp_batch *batch = ledger->batch;

    pthread_mutex_lock(&ledger->state_mutex);
    ledger->view.state_root = batch->trees.state_root;
    ledger->view.entries = batch->trees.tlog.size;
    ledger->view.checkpoint = batch->trees.checkpoint;
    ledger->view.commits++;
    pthread_mutex_unlock(&ledger->state_mutex);
}

/* The batch is committed: the trees in memory follow. Intents and entries change in one moment (tp_ledger_info): an
 * intent is closed by an entry that can be read. */
static void adopt(struct tp_ledger *ledger, enum tp_intent_state state)
{
    ledger->committed = ledger->batch->trees;
    ledger->head = ledger->batch->head;
    ledger->batch->changes_applied = 0;
    pthread_mutex_lock(&ledger->queue_mutex);
    intents_adopt(ledger, state);
    view_adopt(ledger);
    pthread_mutex_unlock(&ledger->queue_mutex);
}

static void intents_return(struct tp_ledger *ledger)
{
    pthread_mutex_lock(&ledger->queue_mutex);
    tp_intents_settle(&ledger->intents, false);
    pthread_mutex_unlock(&ledger->queue_mutex);
}

/* ---- doubt ---- */

static bool same_head(const struct tp_head_value *a, const struct tp_head_value *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Whether the store has the batch's head. Any error: that could not be found out. */
static enum tp_rc look(struct tp_ledger *ledger, struct tp_error *error, bool *ret_committed)
{
    struct tp_head_value value;

    TP_TRY(tp_head_read(ledger->writer, error, &value));
    if (!same_head(&value, &ledger->batch->head) && !same_head(&value, &ledger->head))
        return tp_error_set(error, TP_TAMPERED,
                            "audit: the head of the log was written by something other than this engine");
    *ret_committed = same_head(&value, &ledger->batch->head);
    return TP_OK;
}

static enum tp_rc doubt_end(struct tp_ledger *ledger, struct tp_error *error)
{
    bool committed;

    TP_TRY(look(ledger, error, &committed));
    if (committed) {
        TP_TRY(census_apply(ledger));
        adopt(ledger, TP_INTENT_UNKNOWN);
    } else {
        intents_return(ledger);
    }
    ledger->doubtful = false;
    return TP_OK;
}

/* COMMIT has failed with RC. */
static enum tp_rc commit_failed(struct tp_ledger *ledger, enum tp_rc rc, struct tp_error *error)
{
    bool committed;

    if (look(ledger, NULL, &committed) != TP_OK) {
        ledger->doubtful = true;
        return tp_error_prefix(error, rc, "audit: whether it was recorded is not known");
    }
    return committed ? TP_OK : rc;
}

/* ---- the steps ---- */

enum tp_rc tp_batch_begin(struct tp_ledger *ledger, struct tp_error *error)
{
    struct tp_batch *batch = ledger->batch;

    if (ledger->doubtful)
        TP_TRY(doubt_end(ledger, error));
    batch->trees = ledger->committed;
    batch->changes = batch->changes_applied = batch->intents = 0;
    batch->now_ms = tp_clock_utc_ms();
    return tp_store_begin(ledger->writer, error);
}

static enum tp_rc head_of(struct tp_ledger *ledger, struct tp_head *ret_head)
{
    const struct tp_batch *batch = ledger->batch;
    struct tp_head head = {
        .entries = batch->trees.tlog.size,
        .state_root = batch->trees.state_root,
        .slots = batch->trees.slots,
        .checkpoint = batch->trees.checkpoint,
    };
    enum tp_rc rc;

    TP_TRY(tp_tlog_root(&batch->trees.tlog, &head.log_root));
    pthread_mutex_lock(&ledger->queue_mutex);
    rc = tp_intents_reserve(&ledger->intents, batch->intents);
    head.lowest_open = tp_intents_lowest(&ledger->intents, batch->intents != 0 ? batch->intent[0] : head.entries);
    pthread_mutex_unlock(&ledger->queue_mutex);
    *ret_head = head;
    return rc;
}

enum tp_rc tp_batch_end(struct tp_ledger *ledger, struct tp_error *error)
{
    struct tp_batch *batch = ledger->batch;
    struct tp_head head;
    enum tp_rc rc;

    TP_TRY(head_of(ledger, &head));
    TP_TRY(tp_head_seal(&head, &ledger->config.keys, error, &batch->head));
    TP_TRY(tp_head_write(ledger->writer, &batch->head, error));
    TP_TRY(census_apply(ledger));
    rc = tp_store_commit(ledger->writer, error);
    if (rc != TP_OK)
        rc = commit_failed(ledger, rc, error);
    if (rc == TP_OK)
        adopt(ledger, TP_INTENT_OPEN);
    return rc;
}

void tp_batch_abandon(struct tp_ledger *ledger)
{
    tp_store_rollback(ledger->writer);
    census_undo(ledger);
    if (!ledger->doubtful)
        intents_return(ledger);
}
