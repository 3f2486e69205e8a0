/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers that wait for the next document. A fork costs half a millisecond, one that is there a tenth; so who has answered
 * without any error stays, for a while: what a document has left in its memory should not pile up.
 */
#include "pdf/process.h"

#include <pthread.h>
#include <stdlib.h>

#define IDLE_MOST  16
#define FILES_MOST 256   /* of one reader */
#define USED_MOST  60000 /* ms: well below what the sandbox allows in all */

#define TIME_MS     10000
#define MEMORY      ((size_t)512 << 20)
#define STREAM_MOST ((size_t)64 << 20)

struct tp_pdf_pool {
    struct tp_pdf_limits limits;
    struct tp_pdf_zygote *zygote;
    pthread_mutex_t mutex;
    struct tp_pdf_process *idle;
    unsigned idle_count;
};

static void set_limits(struct tp_pdf_pool *pool, const struct tp_pdf_limits *limits)
{
    const struct tp_pdf_limits given = limits == NULL ? (struct tp_pdf_limits){0} : *limits;
    pool->limits.time_ms = given.time_ms > 0 ? given.time_ms : TIME_MS;
    pool->limits.memory = given.memory > 0 ? given.memory : MEMORY;
    pool->limits.stream_most = given.stream_most > 0 && given.stream_most < TP_BUF_MAX ? given.stream_most : STREAM_MOST;
}

enum tp_rc tp_pdf_pool_new(const struct tp_pdf_limits *limits, struct tp_error *error, struct tp_pdf_pool **ret_pool)
{
    struct tp_pdf_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return TP_MEMORY;
    set_limits(pool, limits);
    (void)pthread_mutex_init(&pool->mutex, NULL);
    const enum tp_rc rc = tp_pdf_zygote_start(pool->limits.memory, error, &pool->zygote);
    if (rc != TP_OK) {
        tp_pdf_pool_free(pool);
        return rc;
    }
    *ret_pool = pool;
    return TP_OK;
}

void tp_pdf_pool_free(struct tp_pdf_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->idle != NULL) {
        struct tp_pdf_process *process = pool->idle;
        pool->idle = process->next;
        tp_pdf_process_free(process);
    }
    tp_pdf_zygote_stop(pool->zygote);
    (void)pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

const struct tp_pdf_limits *tp_pdf_pool_limits(const struct tp_pdf_pool *pool)
{
    return &pool->limits;
}

enum tp_rc tp_pdf_pool_take(struct tp_pdf_pool *pool, struct tp_error *error, struct tp_pdf_process **ret_process)
{
    (void)pthread_mutex_lock(&pool->mutex);
    struct tp_pdf_process *process = pool->idle;
    if (process != NULL) {
        pool->idle = process->next;
        pool->idle_count--;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    if (process == NULL)
        return tp_pdf_process_new(pool->zygote, error, ret_process);
    process->next = NULL;
    *ret_process = process;
    return TP_OK;
}

void tp_pdf_pool_give(struct tp_pdf_pool *pool, struct tp_pdf_process *process)
{
    bool kept = false;
    if (process == NULL)
        return;
    (void)pthread_mutex_lock(&pool->mutex);
    if (!process->broken && process->files < FILES_MOST && process->used_ms < USED_MOST && pool->idle_count < IDLE_MOST) {
        process->next = pool->idle;
        pool->idle = process;
        pool->idle_count++;
        kept = true;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    if (!kept)
        tp_pdf_process_free(process);
}
