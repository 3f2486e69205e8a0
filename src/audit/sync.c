/* SPDX-License-Identifier: Apache-2.0
 *
 * One transaction, and waiting for it. It is copied, because who waits may give up before the committer is done with
 * it.
 */
#include "audit/internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Belongs to the one who waits and to the committer; the last to leave frees it. Under queue_mutex. */
struct job {
    struct tp_ledger_tx tx;
    struct tp_ledger *ledger;
    pthread_cond_t answered;
    bool answered_made, done, deserted;
    enum tp_rc rc;
    struct tp_error error;
    uint64_t index;
    struct tp_ledger_change *changes;
    struct tp_ledger_text *texts;
    uint8_t *memory; /* what changes and texts point to */
    size_t used;
};

static void job_free(struct job *job)
{
    if (job->tx.entry != NULL)
        tp__audit__entry__free_unpacked(job->tx.entry, NULL);
    if (job->answered_made)
        pthread_cond_destroy(&job->answered);
    free(job->changes);
    free(job->texts);
    free(job->memory);
    free(job);
}
TP_DEFINE_AUTO(struct job, job_free)

/* ---- copying ---- */

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static size_t tx_size(const struct tp_ledger_tx *tx)
{
    size_t size = 1;

    for (size_t i = 0; i < tx->changes_len; i++) {
        const struct tp_ledger_change *change = &tx->changes[i];

        size += text_size(change->kind) + text_size(change->id) + text_size(change->owner) + text_size(change->name);
        size += change->content.len;
    }
    for (size_t i = 0; i < tx->texts_len; i++)
        size += tx->texts[i].salt.len + tx->texts[i].text.len;
    return size;
}

static struct tp_bytes copy_bytes(struct job *job, struct tp_bytes bytes)
{
    uint8_t *at = job->memory + job->used;

    if (bytes.len != 0)
        memcpy(at, bytes.data, bytes.len);
    job->used += bytes.len;
    return TP_BYTES(at, bytes.len);
}

static const char *copy_text(struct job *job, const char *text)
{
    return text == NULL ? NULL : (const char *)copy_bytes(job, TP_BYTES(text, text_size(text))).data;
}

static void copy_changes(struct job *job, const struct tp_ledger_tx *tx)
{
    for (size_t i = 0; i < tx->changes_len; i++) {
        const struct tp_ledger_change *from = &tx->changes[i];

        job->changes[i] = (struct tp_ledger_change){
            .kind = copy_text(job, from->kind),
            .id = copy_text(job, from->id),
            .owner = copy_text(job, from->owner),
            .name = copy_text(job, from->name),
            .version = from->version,
            .delete = from->delete,
            .content = copy_bytes(job, from->content),
        };
    }
    for (size_t i = 0; i < tx->texts_len; i++)
        job->texts[i] = (struct tp_ledger_text){.salt = copy_bytes(job, tx->texts[i].salt),
                                                .text = copy_bytes(job, tx->texts[i].text),
                                                .erase = tx->texts[i].erase};
}

static enum tp_rc copy_entry(const Tp__Audit__Entry *entry, Tp__Audit__Entry **ret_entry)
{
    struct tp_buf packed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;

    TP_TRY(tp_buf_reserve(&packed, tp__audit__entry__get_packed_size(entry)));
    packed.len = tp__audit__entry__pack(entry, packed.data);
    *ret_entry = tp__audit__entry__unpack(NULL, packed.len, packed.data);
    return *ret_entry == NULL ? TP_MEMORY : TP_OK;
}

static void answered(struct tp_ledger_tx *tx, enum tp_rc rc, const struct tp_error *error, uint64_t index);

static enum tp_rc job_new(struct tp_ledger *ledger, const struct tp_ledger_tx *tx, struct job **ret_job)
{
    struct job *job TP_AUTO(job_free_p) = calloc(1, sizeof *job);

    if (job == NULL)
        return TP_MEMORY;
    job->ledger = ledger;
    job->memory = malloc(tx_size(tx));
    job->changes = calloc(tx->changes_len + 1, sizeof *job->changes);
    job->texts = calloc(tx->texts_len + 1, sizeof *job->texts);
    job->answered_made = tp_ledger_cond_init(&job->answered) == 0;
    if (job->memory == NULL || job->changes == NULL || job->texts == NULL || !job->answered_made)
        return TP_MEMORY;
    copy_changes(job, tx);
    TP_TRY(copy_entry(tx->entry, &job->tx.entry));
    job->tx.changes = job->changes;
    job->tx.changes_len = tx->changes_len;
    job->tx.texts = job->texts;
    job->tx.texts_len = tx->texts_len;
    job->tx.intent = tx->intent;
    job->tx.done = answered;
    job->tx.context = job;
    *ret_job = job;
    job = NULL;
    return TP_OK;
}

/* ---- waiting ---- */

static void answered(struct tp_ledger_tx *tx, enum tp_rc rc, const struct tp_error *error, uint64_t index)
{
    struct job *job = tx->context;
    struct tp_ledger *ledger = job->ledger;
    bool deserted;

    pthread_mutex_lock(&ledger->queue_mutex);
    job->rc = rc;
    job->error = *error;
    job->index = index;
    job->done = true;
    deserted = job->deserted;
    if (!deserted)
        pthread_cond_signal(&job->answered);
    pthread_mutex_unlock(&ledger->queue_mutex);
    if (deserted)
        job_free(job);
}

/* Whether the job was answered; if not, it is the committer's to free. */
static bool wait_for(struct job *job, int64_t deadline_ms)
{
    struct timespec until = tp_deadline_timespec(deadline_ms);
    bool done;

    pthread_mutex_lock(&job->ledger->queue_mutex);
    while (!job->done && pthread_cond_timedwait(&job->answered, &job->ledger->queue_mutex, &until) == 0)
        continue;
    done = job->done;
    job->deserted = !done;
    pthread_mutex_unlock(&job->ledger->queue_mutex);
    return done;
}

enum tp_rc tp_ledger_commit(struct tp_ledger *ledger, const struct tp_ledger_tx *tx, int64_t deadline_ms,
                            struct tp_error *error, uint64_t *ret_index)
{
    struct job *job = NULL;
    enum tp_rc rc;

    TP_TRY(job_new(ledger, tx, &job));
    tp_ledger_submit(ledger, &job->tx);
    if (!wait_for(job, deadline_ms))
        return tp_error_set(error, TP_TIMEOUT,
                            "audit: the store did not answer in time: whether this was recorded is not "
                            "known; look before trying again");
    rc = job->rc;
    if (rc != TP_OK && error != NULL)
        *error = job->error;
    if (rc == TP_OK && ret_index != NULL)
        *ret_index = job->index;
    job_free(job);
    return rc;
}
