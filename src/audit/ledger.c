/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/checkpoint.h"
#include "audit/internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tp_ledger_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    int code = pthread_condattr_init(&attributes);

    if (code != 0)
        return code;
    code = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (code == 0)
        code = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return code;
}

enum tp_rc tp_ledger_refuse_tampered(struct tp_ledger *ledger, struct tp_error *error)
{
    enum tp_rc rc = TP_OK;

    pthread_mutex_lock(&ledger->state_mutex);
    if (ledger->view.tampered)
        rc = tp_error_set(error, TP_TAMPERED, "%s; nothing is written until an officer has accepted it",
                          ledger->view.why);
    pthread_mutex_unlock(&ledger->state_mutex);
    return rc;
}

void tp_ledger_mistrust(struct tp_ledger *ledger, const struct tp_error *why)
{
    pthread_mutex_lock(&ledger->state_mutex);
    if (!ledger->view.tampered) {
        ledger->view.tampered = true;
        (void)snprintf(ledger->view.why, sizeof ledger->view.why, "%s", tp_error_words(why));
    }
    pthread_mutex_unlock(&ledger->state_mutex);
}

/* ---- its life ---- */

static enum tp_rc locks_init(struct tp_ledger *ledger)
{
    if (tp_ledger_cond_init(&ledger->wake) != 0)
        return TP_MEMORY;
    pthread_mutex_init(&ledger->reader_mutex, NULL); /* plain mutexes: glibc's cannot fail */
    pthread_mutex_init(&ledger->commit_mutex, NULL);
    pthread_mutex_init(&ledger->queue_mutex, NULL);
    pthread_mutex_init(&ledger->state_mutex, NULL);
    ledger->locks_made = true;
    return TP_OK;
}

static void locks_destroy(struct tp_ledger *ledger)
{
    if (!ledger->locks_made)
        return;
    pthread_cond_destroy(&ledger->wake);
    pthread_mutex_destroy(&ledger->reader_mutex);
    pthread_mutex_destroy(&ledger->commit_mutex);
    pthread_mutex_destroy(&ledger->queue_mutex);
    pthread_mutex_destroy(&ledger->state_mutex);
}

void tp_ledger_close(struct tp_ledger *ledger)
{
    if (ledger == NULL)
        return;
    tp_committer_stop(ledger);
    tp_store_close(ledger->reader);
    tp_store_close(ledger->writer);
    tp_census_free(ledger->census);
    tp_intents_clear(&ledger->intents);
    tp_batch_free(ledger->batch);
    tp_buf_clear(&ledger->spki);
    free(ledger->origin);
    locks_destroy(ledger);
    free(ledger);
}

static enum tp_rc ledger_new(const struct tp_ledger_config *config, struct tp_error *error,
                             struct tp_ledger **ret_ledger)
{
    struct tp_ledger *ledger TP_AUTO(tp_ledger_close_p) = NULL;

    TP_TRY(tp_checkpoint_origin_check(config->origin, error));
    ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL)
        return TP_MEMORY;
    ledger->config = *config;
    ledger->origin = strdup(config->origin);
    ledger->batch = calloc(1, sizeof *ledger->batch);
    if (ledger->origin == NULL || ledger->batch == NULL)
        return TP_MEMORY;
    TP_TRY(tp_buf_append(&ledger->spki, config->keys.sign_spki));
    TP_TRY(tp_census_new(&ledger->census));
    TP_TRY(locks_init(ledger));
    ledger->config.keys.sign_spki = tp_buf_bytes(&ledger->spki);
    ledger->config.origin = ledger->origin;
    ledger->config.store_url = NULL;
    ledger->last = &ledger->first;
    ledger->checkpoint_due_ms = INT64_MAX;
    *ret_ledger = ledger;
    ledger = NULL;
    return TP_OK;
}

/* ---- opening ---- */

/* The head of an empty log is made before there is a store: without its HSM nothing is left behind. */
static enum tp_rc create(struct tp_ledger *ledger, const char *url, struct tp_error *error)
{
    struct tp_head head = {.slots = 1};

    TP_TRY(tp_tlog_root(&ledger->committed.tlog, &head.log_root));
    TP_TRY(tp_head_seal(&head, &ledger->config.keys, error, &ledger->head));
    TP_TRY(tp_store_open(url, TP_STORE_CREATE, error, &ledger->writer));
    TP_TRY(tp_store_begin(ledger->writer, error));
    TP_TRY(tp_head_write(ledger->writer, &ledger->head, error));
    TP_TRY(tp_store_commit(ledger->writer, error));
    ledger->committed.slots = 1;
    return TP_OK;
}

/* What is found wrong does not close the ledger to readers; nothing is written to it. */
static enum tp_rc open_existing(struct tp_ledger *ledger, const char *url, struct tp_error *error)
{
    struct tp_error why = {.rc = TP_OK};
    enum tp_rc rc;

    TP_TRY(tp_store_open(url, TP_STORE_WRITE, error, &ledger->writer));
    rc = tp_startup_check(ledger, &why);
    if (rc == TP_TAMPERED) {
        tp_ledger_mistrust(ledger, &why);
        return TP_OK;
    }
    if (rc != TP_OK) {
        if (error != NULL)
            *error = why;
        return rc;
    }
    tp_intents_orphan(&ledger->intents);
    return ledger->intents.ended == 0 ? TP_OK : tp_batch_commit(ledger, error);
}

enum tp_rc tp_ledger_open(const struct tp_ledger_config *config, bool create_it, struct tp_error *error,
                          struct tp_ledger **ret_ledger)
{
    struct tp_ledger *ledger TP_AUTO(tp_ledger_close_p) = NULL;
    enum tp_rc rc;

    TP_TRY(ledger_new(config, error, &ledger));
    if (create_it)
        TP_TRY(create(ledger, config->store_url, error));
    else
        TP_TRY(open_existing(ledger, config->store_url, error));
    TP_TRY(tp_store_open(config->store_url, TP_STORE_READ, error, &ledger->reader));
    TP_TRY(tp_committer_start(ledger, error));
    rc = ledger->view.tampered ? tp_error_set(error, TP_TAMPERED, "%s", ledger->view.why) : TP_OK;
    *ret_ledger = ledger;
    ledger = NULL;
    return rc;
}

/* ---- what the workers call ---- */

void tp_ledger_submit(struct tp_ledger *ledger, struct tp_ledger_tx *txs)
{
    struct tp_ledger_tx **last = &txs;
    bool hurried = false, sleeps;

    for (; *last != NULL; last = &(*last)->next)
        hurried = hurried || !(*last)->patient;
    if (last == &txs)
        return;
    pthread_mutex_lock(&ledger->queue_mutex);
    *ledger->last = txs;
    ledger->last = last;
    sleeps = hurried && tp_committer_hurry(ledger);
    pthread_mutex_unlock(&ledger->queue_mutex);
    if (sleeps)
        tp_committer_wake(ledger);
}

void tp_ledger_hurry(struct tp_ledger *ledger)
{
    bool sleeps;

    pthread_mutex_lock(&ledger->queue_mutex);
    sleeps = ledger->first != NULL && tp_committer_hurry(ledger);
    pthread_mutex_unlock(&ledger->queue_mutex);
    if (sleeps)
        tp_committer_wake(ledger);
}

void tp_ledger_complete(struct tp_ledger *ledger, uint64_t index, bool ok, const uint8_t signature_hash[32])
{
    enum tp_intent_state state = ok ? TP_INTENT_OK : TP_INTENT_FAILED;
    bool first, sleeps = false;

    pthread_mutex_lock(&ledger->queue_mutex);
    first = ledger->intents.ended == 0;
    if (tp_intents_end(&ledger->intents, index, state, ok ? signature_hash : NULL) && first) {
        ledger->completion_due_ms = tp_clock_monotonic_ms() + ledger->config.completion_delay_ms;
        sleeps = ledger->wakes_ms > ledger->completion_due_ms && tp_committer_rouse(ledger);
    }
    pthread_mutex_unlock(&ledger->queue_mutex);
    if (sleeps)
        tp_committer_wake(ledger);
}

void tp_ledger_info(struct tp_ledger *ledger, struct tp_ledger_info *ret_info)
{
    pthread_mutex_lock(&ledger->queue_mutex);
    ret_info->open_intents = tp_intents_count(&ledger->intents);
    pthread_mutex_lock(&ledger->state_mutex);
    ret_info->entries = ledger->view.entries;
    ret_info->records = tp_census_records(ledger->census);
    ret_info->commits = ledger->view.commits;
    ret_info->checkpoint_size = ledger->view.checkpoint;
    ret_info->tampered = ledger->view.tampered;
    (void)snprintf(ret_info->why, sizeof ret_info->why, "%s", ledger->view.tampered ? ledger->view.why : "");
    pthread_mutex_unlock(&ledger->state_mutex);
    pthread_mutex_unlock(&ledger->queue_mutex);
}
