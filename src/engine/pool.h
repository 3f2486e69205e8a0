/* SPDX-License-Identifier: Apache-2.0
 *
 * A pool of threads, each with a session of the HSM of its own (architecture: Keys: one owner session per worker). Jobs are
 * pushed in chains, with one wake-up for each job that an idle thread can take. Each owner has a queue; the threads take a
 * job from one owner's after the other's, so that nobody waits for all that somebody else has asked for.
 */
#ifndef TP_ENGINE_POOL_H
#define TP_ENGINE_POOL_H

#include "hsm/hsm.h"

#include <stdint.h>

#define TP_POOL_OURS UINT32_MAX /* owner of the engine's own jobs: no uid */

struct tp_pool;

struct tp_job {
    struct tp_job *next; /* in a chain; in the pool: of the same owner */
    uint32_t owner;      /* for whom: a uid, or TP_POOL_OURS */
    /* The pool's, while this is the first of its owner's queue: its last, how many they are, and the next owner's first. */
    struct tp_job *last, *next_first;
    unsigned count;
    bool without_hsm; /* no session is looked for: SESSION may be NULL for no reason */
    /* SESSION is NULL when the HSM had none to give by now: the job answers with ERROR then. It may be renewed in place. */
    void (*run)(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error);
};

TP_MUST_USE enum tp_rc tp_pool_new(struct tp_hsm *hsm, unsigned threads, const char *name, struct tp_error *error,
                                   struct tp_pool **ret_pool);
/* Runs what is queued, then ends the threads. */
void tp_pool_free(struct tp_pool *pool);
/* Queues a chain; the job belongs to the pool until it runs. */
void tp_pool_push(struct tp_pool *pool, struct tp_job *jobs);
/* One job, unless its owner has MOST waiting: then it stays the caller's, and the answer is false. */
bool tp_pool_offer(struct tp_pool *pool, struct tp_job *job, unsigned most);
/* By a job, for the thread that runs it: JOB is what this thread runs next, before anything that is queued. One at a time. */
void tp_pool_keep(struct tp_job *job);
/* Whether a job that is pushed now has to wait for its turn. */
bool tp_pool_busy(struct tp_pool *pool);

#endif
