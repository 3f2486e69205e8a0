/* SPDX-License-Identifier: Apache-2.0
 *
 * The committer: one thread that takes what waits and commits it together.
 *
 * It is woken once when it sleeps, and not at all while it works: what is submitted meanwhile makes the next batch. So
 * the batches grow by themselves as the disk gets slower, and a lone transaction waits for nothing.
 */
#include "audit/internal.h"

#include "base/clock.h"

/* What one round has to do. */
struct round {
    bool batch, checkpoint;
};

bool tp_committer_rouse(struct tp_ledger *ledger)
{
    const bool sleeps = ledger->idle;

    ledger->idle = false;
    return sleeps;
}

bool tp_committer_hurry(struct tp_ledger *ledger)
{
    ledger->hurried = true;
    return tp_committer_rouse(ledger);
}

void tp_committer_wake(struct tp_ledger *ledger)
{
    pthread_cond_signal(&ledger->wake);
}

/* ---- what is due; queue_mutex is held ---- */

static bool completions_due(const struct tp_ledger *ledger, int64_t now_ms)
{
    return ledger->intents.ended != 0 && now_ms >= ledger->completion_due_ms;
}

/* Entries that no checkpoint speaks of. */
static uint64_t unsigned_entries(struct tp_ledger *ledger)
{
    uint64_t entries;

    pthread_mutex_lock(&ledger->state_mutex);
    entries = ledger->view.tampered ? 0 : ledger->view.entries - ledger->view.checkpoint;
    pthread_mutex_unlock(&ledger->state_mutex);
    return entries;
}

/* When the next checkpoint must be made, INT64_MAX for never. */
static int64_t checkpoint_due_ms(struct tp_ledger *ledger, int64_t now_ms)
{
    const struct tp_ledger_config *config = &ledger->config;
    uint64_t entries = unsigned_entries(ledger);
    int64_t due_ms;

    if (entries == 0) {
        ledger->checkpoint_due_ms = INT64_MAX;
        return INT64_MAX;
    }
    if (ledger->checkpoint_due_ms == INT64_MAX && config->checkpoint_ms > 0)
        ledger->checkpoint_due_ms = now_ms + config->checkpoint_ms;
    due_ms = ledger->checkpoint_due_ms;
    if (config->checkpoint_entries != 0 && entries >= config->checkpoint_entries)
        due_ms = now_ms;
    return due_ms > ledger->checkpoint_after_ms ? due_ms : ledger->checkpoint_after_ms;
}

/* Takes up to a batch full off the queue. */
static void take(struct tp_ledger *ledger)
{
    struct tp_batch *batch = ledger->batch;

    for (batch->members = 0; ledger->first != NULL && batch->members < TP_BATCH_MAX; batch->members++) {
        batch->member[batch->members].tx = ledger->first;
        ledger->first = ledger->first->next;
    }
    if (ledger->first == NULL)
        ledger->last = &ledger->first;
    ledger->hurried = ledger->hurried && ledger->first != NULL;
}

/* Whether there is anything to do now. */
static bool round_find(struct tp_ledger *ledger, int64_t now_ms, struct round *ret_round)
{
    struct round round = {
        .batch = ledger->hurried || completions_due(ledger, now_ms) || (ledger->stop && ledger->first != NULL),
        .checkpoint = ledger->waiting != NULL || checkpoint_due_ms(ledger, now_ms) <= now_ms,
    };

    if (!round.batch && !round.checkpoint)
        return false;
    round.batch = round.batch || ledger->first != NULL; /* what is patient comes along */
    take(ledger);
    tp_checkpointing_accept(ledger);
    *ret_round = round;
    return true;
}

static void sleep_until_due(struct tp_ledger *ledger, int64_t now_ms)
{
    int64_t due_ms = checkpoint_due_ms(ledger, now_ms);
    struct timespec until;

    if (ledger->intents.ended != 0 && ledger->completion_due_ms < due_ms)
        due_ms = ledger->completion_due_ms;
    /* An open intent ends soon: whoever ends it need not wake us then, which would cost each lone signature a system
     * call and a change of threads. */
    if (tp_intents_count(&ledger->intents) != 0 && now_ms + ledger->config.completion_delay_ms < due_ms)
        due_ms = now_ms + ledger->config.completion_delay_ms;
    ledger->wakes_ms = due_ms;
    ledger->idle = true;
    if (due_ms == INT64_MAX) {
        pthread_cond_wait(&ledger->wake, &ledger->queue_mutex);
    } else {
        until = tp_deadline_timespec(due_ms);
        pthread_cond_timedwait(&ledger->wake, &ledger->queue_mutex, &until);
    }
    ledger->idle = false;
}

/* Waits for the next round; false when the ledger closes and nothing is left in the queue. */
static bool round_next(struct tp_ledger *ledger, struct round *ret_round)
{
    bool any = false;

    pthread_mutex_lock(&ledger->queue_mutex);
    for (;;) {
        int64_t now_ms = tp_clock_monotonic_ms();

        any = round_find(ledger, now_ms, ret_round);
        if (any || ledger->stop)
            break;
        sleep_until_due(ledger, now_ms);
    }
    pthread_mutex_unlock(&ledger->queue_mutex);
    return any;
}

/* ---- doing it ---- */

/* Completions that could not be recorded are not tried again at once; a batch that comes takes them along anyway. */
static void postpone_completions(struct tp_ledger *ledger)
{
    pthread_mutex_lock(&ledger->queue_mutex);
    ledger->completion_due_ms = tp_clock_monotonic_ms() + TP_RETRY_MS;
    pthread_mutex_unlock(&ledger->queue_mutex);
}

static void do_batch(struct tp_ledger *ledger)
{
    struct tp_batch *batch = ledger->batch;

    if (tp_batch_commit(ledger, NULL) != TP_OK)
        postpone_completions(ledger);
    for (size_t i = 0; i < batch->members; i++) {
        struct tp_member *member = &batch->member[i];

        member->tx->done(member->tx, member->rc, &member->error, member->index);
    }
    if (batch->members != 0 && ledger->config.after_batch != NULL)
        ledger->config.after_batch(ledger->config.after_batch_context);
}

static void do_checkpoint(struct tp_ledger *ledger)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error error = {.rc = TP_OK};
    enum tp_rc rc = tp_checkpointing_run(ledger, &error, &note);

    pthread_mutex_lock(&ledger->queue_mutex);
    ledger->checkpoint_due_ms = INT64_MAX;
    ledger->checkpoint_after_ms = rc == TP_OK ? 0 : tp_clock_monotonic_ms() + TP_RETRY_MS;
    tp_checkpointing_answer(ledger, rc, &error, tp_buf_bytes(&note));
    pthread_mutex_unlock(&ledger->queue_mutex);
}

static void *run(void *context)
{
    struct tp_ledger *ledger = context;
    struct round round;

    while (round_next(ledger, &round)) {
        if (round.batch)
            do_batch(ledger);
        if (round.checkpoint)
            do_checkpoint(ledger);
    }
    return NULL;
}

/* ---- its life ---- */

enum tp_rc tp_committer_start(struct tp_ledger *ledger, struct tp_error *error)
{
    if (pthread_create(&ledger->committer, NULL, run, ledger) != 0)
        return tp_error_set(error, TP_MEMORY, "audit: no thread for the ledger could be started");
    ledger->committer_runs = true;
    return TP_OK;
}

/* What has ended but waited for company is still recorded. Should that fail, the next start records it as unknown. */
static enum tp_rc last_words(struct tp_ledger *ledger)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;

    ledger->batch->members = 0;
    TP_TRY(tp_batch_commit(ledger, NULL));
    return tp_checkpointing_run(ledger, NULL, &note);
}

void tp_committer_stop(struct tp_ledger *ledger)
{
    enum tp_rc ignored;

    if (!ledger->committer_runs)
        return;
    pthread_mutex_lock(&ledger->queue_mutex);
    ledger->stop = true;
    pthread_mutex_unlock(&ledger->queue_mutex);
    tp_committer_wake(ledger);
    pthread_join(ledger->committer, NULL);
    ledger->committer_runs = false;
    ignored = last_words(ledger);
    (void)ignored;
}
