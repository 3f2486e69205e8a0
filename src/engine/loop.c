/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop.h"

#define GRACE_MS 5000

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
    loop->job = (struct tp_job){.run = run, .without_hsm = true};
    loop->engine = engine;
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
    tp_pool_keep(job);
    tp_ipc_server_leave(engine->server);
}
