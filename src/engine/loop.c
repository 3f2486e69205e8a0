/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS  5000
#define LINGER_US 200    /* the most that lingering costs in vain, once for each row of requests */
#define QUIET_US  2000000 /* no lingering for so long after the processor was wanted by others */

static _Thread_local bool lingering;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void end(struct tp_loop *loop, enum tp_rc rc, const struct tp_error *error)
{
    pthread_mutex_lock(&loop->lock);
    loop->rc = rc;
    loop->error = *error;
    loop->ended = true;
    pthread_cond_signal(&loop->changed);
    pthread_mutex_unlock(&loop->lock);
}

static void run(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *session_error)
{
    struct tp_loop *loop = (struct tp_loop *)job;
    struct tp_engine *engine = loop->engine;
    struct tp_error error = {0};
    (void)session, (void)session_error;
    enum tp_rc rc = tp_ipc_server_run(engine->server, GRACE_MS, &error);
    if (rc == TP_OK && tp_ipc_server_left(engine->server))
        tp_pool_push(engine->signers, job); /* and from here on it is another thread's */
    else
        end(loop, rc, &error);
}

void tp_loop_init(struct tp_engine *engine)
{
    struct tp_loop *loop = &engine->loop;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->changed, NULL);
    loop->job = (struct tp_job){.run = run, .owner = TP_POOL_OURS, .without_hsm = true};
    loop->engine = engine;
    loop->many_processors = sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

void tp_loop_clear(struct tp_engine *engine)
{
    pthread_cond_destroy(&engine->loop.changed);
    pthread_mutex_destroy(&engine->loop.lock);
}

enum tp_rc tp_loop_run(struct tp_engine *engine, struct tp_error *error)
{
    struct tp_loop *loop = &engine->loop;
    tp_pool_push(engine->signers, &loop->job);
    pthread_mutex_lock(&loop->lock);
    while (!loop->ended)
        pthread_cond_wait(&loop->changed, &loop->lock);
    pthread_mutex_unlock(&loop->lock);
    *error = loop->error;
    return loop->rc;
}

void tp_loop_leave(struct tp_engine *engine, struct tp_job *job)
{
    struct tp_loop *loop = &engine->loop;
    int64_t ended_us = atomic_load_explicit(&loop->ended_us, memory_order_relaxed);
    int64_t at_us = now_us(), quiet_until_us = atomic_load_explicit(&loop->quiet_until_us, memory_order_relaxed);
    atomic_store_explicit(&loop->brisk, at_us - ended_us < LINGER_US && at_us >= quiet_until_us, memory_order_relaxed);
    tp_pool_keep(job);
    if (!lingering) /* the thread that runs the loop goes on with it */
        tp_ipc_server_leave(engine->server);
}

/* Whoever else wants this processor has it. Somebody with much to do takes a whole slice of time then, and a thread that sleeps
 * would be preferred to one that has just run: so nobody lingers on a machine that is busy with other things. */
static void linger(struct tp_engine *engine, int64_t began_us)
{
    int64_t before_us = began_us, at_us = began_us;
    while (at_us - before_us < LINGER_US && at_us - began_us < LINGER_US) {
        if (tp_ipc_server_glance(engine->server))
            return;
        (void)sched_yield();
        before_us = at_us;
        at_us = now_us();
    }
    if (at_us - before_us >= LINGER_US)
        atomic_store_explicit(&engine->loop.quiet_until_us, at_us + QUIET_US, memory_order_relaxed);
}

/* Only while requests have come so fast; on one processor it would only keep others from it. */
void tp_loop_linger(struct tp_engine *engine)
{
    struct tp_loop *loop = &engine->loop;
    int64_t ended_us = now_us();
    atomic_store_explicit(&loop->ended_us, ended_us, memory_order_relaxed);
    if (!loop->many_processors || !atomic_load_explicit(&loop->brisk, memory_order_relaxed))
        return;
    lingering = true;
    linger(engine, ended_us);
    lingering = false;
}
