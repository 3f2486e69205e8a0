/* SPDX-License-Identifier: Apache-2.0
 *
 * In which order records and jobs begin; pool, ledger, loop and socket are told here, and say it back.
 */
#include "engine/together.h"

#include "engine/loop.h"

#include <criterion/criterion.h>
#include <string.h>

static char told[64];
static struct tp_engine engine;

void tp_pool_push(struct tp_pool *pool, struct tp_job *jobs)
{
    (void)pool;
    if (jobs != NULL)
        strcat(told, "sign ");
}

void tp_ledger_submit(struct tp_ledger *ledger, struct tp_ledger_tx *txs)
{
    (void)ledger, (void)txs;
    strcat(told, "record ");
}

void tp_loop_leave(struct tp_engine *own, struct tp_job *job)
{
    (void)own, (void)job;
    strcat(told, "alone ");
}

void tp_ipc_hold(void)
{
}

void tp_ipc_send(void)
{
}

static void run(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error)
{
    (void)job, (void)session, (void)error;
}

/* So many requests, of which the last one's record waits for company or not. */
static const char *begun(unsigned requests, bool busy, bool patient)
{
    struct tp_ledger_tx txs[2] = {{.next = requests > 1 ? &txs[1] : NULL}};
    struct tp_job jobs[2] = {{.next = requests > 1 ? &jobs[1] : NULL}};
    txs[requests - 1].patient = patient;
    told[0] = '\0';
    tp_together_begin(&engine, txs, jobs, busy, run);
    return told;
}

Test(together, the_hsm_begins_before_the_disk)
{
    cr_expect_str_eq(begun(2, false, false), "sign record ");
}

/* A signer that has ended before the record is there asks nobody for haste: it would lie until something else comes. */
Test(together, a_record_that_waits_for_company_is_there_before_anybody_signs)
{
    cr_expect_str_eq(begun(2, false, true), "record sign ");
    cr_expect_str_eq(begun(2, true, true), "record sign ");
    cr_expect_str_eq(begun(2, true, false), "record sign ");
}

Test(together, a_lone_request_is_signed_by_who_has_read_it)
{
    cr_expect_str_eq(begun(1, false, false), "record alone ");
    cr_expect_str_eq(begun(1, false, true), "record alone ");
    cr_expect_str_eq(begun(1, true, false), "record sign ");
}

Test(together, refusals_have_a_record_alone)
{
    struct tp_ledger_tx tx = {.next = NULL};
    told[0] = '\0';
    tp_together_begin(&engine, &tx, NULL, false, run);
    cr_expect_str_eq(told, "record ");
}
