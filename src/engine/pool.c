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
    struct tp_job *first, *last; /* the first jobs of the owners' queues, in the order in which they are served */
    unsigned idle, waiting;
    bool ending;
    unsigned threads_len;
    pthread_t threads[];
};

/* What the job that this thread runs has left to it. */
static _Thread_local struct tp_job *kept;

/* ---- the queues; the lock is held ---- */

/* FIRST, with what is behind it, is served when all others that wait now have been. */
static void line_up(struct tp_pool *pool, struct tp_job *first)
{
    first->next_first = NULL;
    *(pool->first == NULL ? &pool->first : &pool->last->next_first) = first;
    pool->last = first;
}

/* Looks at owners, not at jobs: few at a time. */
static struct tp_job *queue_of(struct tp_pool *pool, uint32_t owner)
{
    struct tp_job *at = pool->first;
    while (at != NULL && at->owner != owner)
        at = at->next_first;
    return at;
}

static void put(struct tp_pool *pool, struct tp_job *job)
{
    struct tp_job *first = queue_of(pool, job->owner);
    job->next = NULL;
    pool->waiting++;
    if (first != NULL) {
        first->last->next = job;
        first->last = job;
        first->count++;
        return;
    }
    job->last = job;
    job->count = 1;
    line_up(pool, job);
}

static struct tp_job *take_first(struct tp_pool *pool)
{
    struct tp_job *job = pool->first, *behind = job->next;
    pool->first = job->next_first;
    pool->waiting--;
    if (behind != NULL) {
        behind->last = job->last;
        behind->count = job->count - 1;
        line_up(pool, behind);
    }
    job->next = NULL;
    return job;
}

/* ---- threads ---- */

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
    struct tp_job *job = pool->first == NULL ? NULL : take_first(pool);
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
    if (jobs == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    for (struct tp_job *next; jobs != NULL; jobs = next, count++) {
        next = jobs->next;
        put(pool, jobs);
    }
    unsigned wake = count < pool->idle ? count : pool->idle;
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < wake; i++)
        pthread_cond_signal(&pool->work);
}

bool tp_pool_offer(struct tp_pool *pool, struct tp_job *job, unsigned most)
{
    pthread_mutex_lock(&pool->lock);
    const struct tp_job *first = queue_of(pool, job->owner);
    bool room = first == NULL || first->count < most;
    if (room)
        put(pool, job);
    bool wake = room && pool->idle > 0;
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        pthread_cond_signal(&pool->work);
    return room;
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
