/* SPDX-License-Identifier: Apache-2.0
 *
 * Making checkpoints: by the committer, when they are due or asked for.
 */
#include "audit/checkpoint.h"
#include "audit/internal.h"

#include "base/clock.h"

/* Somebody in tp_ledger_checkpoint. On its stack: it takes itself out of the list when its time is up. */
struct tp_checkpoint_wait {
    struct tp_checkpoint_wait *next;
    pthread_cond_t answered;
    bool accepted, done;
    enum tp_rc rc;
    struct tp_error error;
    struct tp_buf note;
};

/* ---- making one; commit_mutex is held ---- */

enum tp_rc tp_checkpointing_put(struct tp_ledger *ledger, struct tp_error *error, struct tp_buf *ret_note)
{
    struct tp_trees *trees = &ledger->batch->trees;
    struct tp_checkpoint checkpoint = {.size = trees->tlog.size};

    TP_TRY(tp_tlog_root(&trees->tlog, &checkpoint.root));
    TP_TRY(tp_checkpoint_make(&checkpoint, ledger->origin, &ledger->config.keys, error, ret_note));
    trees->checkpoint = checkpoint.size;
    return tp_store_checkpoint_put(ledger->writer, checkpoint.size, tp_buf_bytes(ret_note), error);
}

static enum tp_rc put_and_commit(struct tp_ledger *ledger, struct tp_error *error, struct tp_buf *ret_note)
{
    TP_TRY(tp_checkpointing_put(ledger, error, ret_note));
    return tp_batch_end(ledger, error);
}

static enum tp_rc make(struct tp_ledger *ledger, struct tp_error *error, struct tp_buf *ret_note)
{
    enum tp_rc rc;

    TP_TRY(tp_batch_begin(ledger, error));
    rc = put_and_commit(ledger, error, ret_note);
    if (rc != TP_OK)
        tp_batch_abandon(ledger);
    return rc;
}

/* A log never signs two checkpoints of one size: the one that is there is given out again. */
static enum tp_rc run_locked(struct tp_ledger *ledger, struct tp_error *error, struct tp_buf *ret_note)
{
    uint64_t size = ledger->committed.tlog.size, there;

    TP_TRY(tp_ledger_refuse_tampered(ledger, error));
    if (size == 0)
        return tp_error_set(error, TP_NOT_FOUND, "audit: the log is empty: there is nothing to make a checkpoint of");
    if (ledger->committed.checkpoint != size)
        return make(ledger, error, ret_note);
    return tp_store_checkpoint_get(ledger->writer, size, error, &there, ret_note);
}

enum tp_rc tp_checkpointing_run(struct tp_ledger *ledger, struct tp_error *error, struct tp_buf *ret_note)
{
    enum tp_rc rc;

    pthread_mutex_lock(&ledger->commit_mutex);
    rc = run_locked(ledger, error, ret_note);
    pthread_mutex_unlock(&ledger->commit_mutex);
    return rc;
}

/* ---- waiting for one ---- */

void tp_checkpointing_accept(struct tp_ledger *ledger)
{
    for (struct tp_checkpoint_wait *wait = ledger->waiting; wait != NULL; wait = wait->next)
        wait->accepted = true;
}

static void unlink_wait(struct tp_ledger *ledger, struct tp_checkpoint_wait *wait)
{
    struct tp_checkpoint_wait **at = &ledger->waiting;

    while (*at != NULL && *at != wait)
        at = &(*at)->next;
    if (*at != NULL)
        *at = wait->next;
}

static void answer(struct tp_checkpoint_wait *wait, enum tp_rc rc, const struct tp_error *error, struct tp_bytes note)
{
    wait->error = *error;
    wait->rc = rc == TP_OK ? tp_buf_append(&wait->note, note) : rc;
    wait->done = true;
    pthread_cond_signal(&wait->answered);
}

void tp_checkpointing_answer(struct tp_ledger *ledger, enum tp_rc rc, const struct tp_error *error,
                             struct tp_bytes note)
{
    struct tp_checkpoint_wait *wait = ledger->waiting, *next;

    for (; wait != NULL; wait = next) {
        next = wait->next;
        if (!wait->accepted)
            continue;
        unlink_wait(ledger, wait);
        answer(wait, rc, error, note);
    }
}

/* Until it is answered, or DEADLINE_MS has come. */
static enum tp_rc wait_for(struct tp_ledger *ledger, struct tp_checkpoint_wait *wait, int64_t deadline_ms,
                           struct tp_error *error)
{
    struct timespec until = tp_deadline_timespec(deadline_ms);

    pthread_mutex_lock(&ledger->queue_mutex);
    wait->next = ledger->waiting;
    ledger->waiting = wait;
    if (tp_committer_rouse(ledger))
        tp_committer_wake(ledger); /* which frees it by waiting, below */
    while (!wait->done && pthread_cond_timedwait(&wait->answered, &ledger->queue_mutex, &until) == 0)
        continue;
    if (!wait->done) {
        unlink_wait(ledger, wait);
        wait->rc = tp_error_set(&wait->error, TP_TIMEOUT, "audit: no checkpoint was made in time; try again");
    }
    pthread_mutex_unlock(&ledger->queue_mutex);
    if (wait->rc != TP_OK && error != NULL)
        *error = wait->error;
    return wait->rc;
}

enum tp_rc tp_ledger_checkpoint(struct tp_ledger *ledger, int64_t deadline_ms, struct tp_error *error,
                                struct tp_buf *ret_note)
{
    struct tp_checkpoint_wait wait = {.note = TP_BUF_INIT};
    enum tp_rc rc;

    if (tp_ledger_cond_init(&wait.answered) != 0)
        return TP_MEMORY;
    rc = wait_for(ledger, &wait, deadline_ms, error);
    pthread_cond_destroy(&wait.answered);
    if (rc == TP_OK)
        rc = tp_buf_append(ret_note, tp_buf_bytes(&wait.note));
    tp_buf_clear(&wait.note);
    return rc;
}
