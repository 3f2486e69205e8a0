/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pool.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_WAIT_MS 2000

struct tp_pool {
    struct tp_hsm *hsm;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct tp_job *first, **last;
    unsigned idle, waiting;
    bool ending;
    unsigned threads_len;
    pthread_t threads[];
};

/* What the job that this thread runs has left to it. */
static _Thread_local struct tp_job *kept;

/* The next job, or NULL when the pool ends and nothing is left. */
static struct tp_job *take(struct tp_pool *pool)
{
    struct tp_job *own = kept;
    kept = NULL;
    if (own != NULL)
        return own;
    pthread_mutex_lock(&pool->lock);
    while (pool->first == NULL && !pool->ending) {
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    struct tp_job *job = pool->first;
    if (job != NULL) {
        pool->first = job->next;
        if (pool->first == NULL)
            pool->last = &pool->first;
        pool->waiting--;
        job->next = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void *run(void *context)
{
    struct tp_pool *pool = context;
    struct tp_hsm_session *session = NULL;
    for (struct tp_job *job; (job = take(pool)) != NULL;) {
        struct tp_error error = {0};
        if (session == NULL && !job->without_hsm &&
            tp_hsm_session_acquire(pool->hsm, tp_clock_monotonic_ms() + SESSION_WAIT_MS, &error, &session) != TP_OK)
            session = NULL;
        job->run(job, session, &error);
    }
    if (session != NULL) /* a thread that never had work has none */
        tp_hsm_session_release(session);
    return NULL;
}

static enum tp_rc start(struct tp_pool *pool, unsigned threads, const char *name, struct tp_error *error)
{
    for (; pool->threads_len < threads; pool->threads_len++) {
        if (pthread_create(&pool->threads[pool->threads_len], NULL, run, pool) != 0)
            return tp_error_set(error, TP_MEMORY, "cannot start a thread of the pool \"%s\"; is a task limit reached?", name);
        pthread_setname_np(pool->threads[pool->threads_len], name);
    }
    return TP_OK;
}

enum tp_rc tp_pool_new(struct tp_hsm *hsm, unsigned threads, const char *name, struct tp_error *error,
                       struct tp_pool **ret_pool)
{
    struct tp_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->threads[0]);
    if (pool == NULL)
        return tp_error_set(error, TP_MEMORY, "out of memory");
    pool->hsm = hsm;
    pool->last = &pool->first;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    enum tp_rc rc = start(pool, threads, name, error);
    if (rc != TP_OK) {
        tp_pool_free(pool);
        return rc;
    }
    *ret_pool = pool;
    return TP_OK;
}

void tp_pool_free(struct tp_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads_len; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void tp_pool_push(struct tp_pool *pool, struct tp_job *jobs)
{
    unsigned count = 0;
    struct tp_job **end = &jobs;
    for (; *end != NULL; end = &(*end)->next)
        count++;
    if (count == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    *pool->last = jobs;
    pool->last = end;
    pool->waiting += count;
    unsigned wake = count < pool->idle ? count : pool->idle;
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < wake; i++)
        pthread_cond_signal(&pool->work);
}

void tp_pool_keep(struct tp_job *job)
{
    kept = job;
}

bool tp_pool_busy(struct tp_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool busy = pool->idle <= pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return busy;
}
