/* SPDX-License-Identifier: Apache-2.0
 *
 * The order in which a pool's threads take jobs, without an HSM.
 */
#include "engine/pool.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define DONE_MOST 64

static struct tp_pool *pool;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static char done[DONE_MOST + 1]; /* owners, in the order in which their jobs ran; one thread writes */
static size_t done_len;

static void note(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    (void)session, (void)error;
    cr_assert_null(job->next, "a job that runs is alone");
    done[done_len++] = (char)job->owner;
    free(job);
}

static void wait_at_gate(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    note(job, session, error);
}

static struct tp_job *job_new(char owner)
{
    struct tp_job *job = calloc(1, sizeof *job);
    job->owner = (uint32_t)owner;
    job->without_hsm = true;
    job->run = note;
    return job;
}

/* One job for each letter. */
static struct tp_job *chain(const char *owners)
{
    struct tp_job *first = NULL, **end = &first;
    for (; *owners != '\0'; owners++, end = &(*end)->next)
        *end = job_new(*owners);
    return first;
}

/* One thread, which has something to do until finish(): that is first in line, whatever comes behind it. */
static void begin(void)
{
    struct tp_job *busy = job_new('-');
    busy->run = wait_at_gate;
    pthread_mutex_lock(&gate);
    cr_assert_eq(tp_pool_new(NULL, 1, "test", NULL, &pool), TP_OK);
    tp_pool_push(pool, busy);
}

static void finish(const char *order)
{
    pthread_mutex_unlock(&gate);
    tp_pool_free(pool);
    cr_expect_str_eq(done, order);
}

TestSuite(engine_pool, .timeout = 60);

Test(engine_pool, owners_take_turns_and_each_keeps_its_order)
{
    begin();
    tp_pool_push(pool, chain("aaaa"));
    tp_pool_push(pool, chain("bb"));
    tp_pool_push(pool, chain("c"));
    finish("-abcabaa");
}

Test(engine_pool, owners_in_one_chain_take_turns_as_well)
{
    begin();
    tp_pool_push(pool, chain("aababcc"));
    tp_pool_push(pool, NULL);
    finish("-abcabca");
}

Test(engine_pool, one_owner_is_served_as_it_asks)
{
    begin();
    tp_pool_push(pool, chain("aaa"));
    tp_pool_push(pool, chain("aa"));
    finish("-aaaaa");
}

Test(engine_pool, who_comes_late_is_next_but_for_those_who_wait)
{
    begin();
    tp_pool_push(pool, chain("aaaaaaaa"));
    tp_pool_push(pool, chain("b"));
    tp_pool_push(pool, chain("c"));
    tp_pool_push(pool, chain("b"));
    finish("-abcabaaaaaa");
}

Test(engine_pool, takes_so_many_of_one_owner_and_no_more)
{
    begin();
    for (unsigned i = 0; i < 3; i++)
        cr_expect(tp_pool_offer(pool, job_new('a'), 3));
    struct tp_job *fourth = job_new('a');
    cr_expect_not(tp_pool_offer(pool, fourth, 3));
    cr_expect(tp_pool_offer(pool, job_new('b'), 3), "another owner's are counted alone");
    cr_expect(tp_pool_offer(pool, fourth, 4), "what was refused is the caller's still");
    finish("-abaaa");
}

static void offer_again(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    note(job, session, error);
    cr_expect(tp_pool_offer(pool, job_new('a'), 1), "what has been taken does not wait any longer");
}

Test(engine_pool, counts_down_when_jobs_are_taken)
{
    begin();
    struct tp_job *job = job_new('a');
    job->run = offer_again;
    cr_expect(tp_pool_offer(pool, job, 1));
    finish("-aa");
}

static void keep_one(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    note(job, session, error);
    tp_pool_keep(job_new('k'));
}

Test(engine_pool, what_a_job_keeps_is_run_before_all_that_waits)
{
    begin();
    struct tp_job *job = job_new('a');
    job->run = keep_one;
    tp_pool_push(pool, job);
    tp_pool_push(pool, chain("bc"));
    finish("-akbc");
}

/* ---- many threads ---- */

#define OWNERS 7
#define EACH   20000

static atomic_uint ran[OWNERS];

static void count(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    (void)session, (void)error;
    atomic_fetch_add(&ran[job->owner], 1);
    free(job);
}

static void *push_all(void *context)
{
    uint32_t *owner = context;
    for (unsigned i = 0; i < EACH; i++) {
        struct tp_job *job = job_new(0);
        job->owner = *owner;
        job->run = count;
        tp_pool_push(pool, job);
    }
    return NULL;
}

Test(engine_pool, runs_each_job_once)
{
    pthread_t threads[OWNERS];
    uint32_t owners[OWNERS];
    cr_assert_eq(tp_pool_new(NULL, 4, "test", NULL, &pool), TP_OK);
    for (uint32_t i = 0; i < OWNERS; i++) {
        owners[i] = i;
        cr_assert_eq(pthread_create(&threads[i], NULL, push_all, &owners[i]), 0);
    }
    for (unsigned i = 0; i < OWNERS; i++)
        pthread_join(threads[i], NULL);
    tp_pool_free(pool);
    for (unsigned i = 0; i < OWNERS; i++)
        cr_expect_eq(atomic_load(&ran[i]), (unsigned)EACH);
}
