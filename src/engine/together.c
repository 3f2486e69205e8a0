/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/together.h"

#include "engine/loop.h"

static _Thread_local bool holding;

void tp_together_hold(void)
{
    if (!holding) {
        tp_ipc_hold();
        holding = true;
    }
}

void tp_together_send(void *engine)
{
    (void)engine;
    if (holding) {
        holding = false;
        tp_ipc_send();
    }
}

static bool are_patient(const struct tp_ledger_tx *txs)
{
    for (; txs != NULL; txs = txs->next)
        if (txs->patient)
            return true;
    return false;
}

/* A refusal's memory may be gone as soon as its transaction is submitted, but it is in no job. The HSM begins first, unless it
 * is busy or a record waits for company: that must be in the queue before a signer can ask for haste, or nobody ever does. */
void tp_together_begin(struct tp_engine *engine, struct tp_ledger_tx *txs, struct tp_job *jobs, bool busy,
                       void (*run_lone)(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error))
{
    bool lone = !busy && jobs != NULL && jobs->next == NULL, first = !busy && !lone && !are_patient(txs);
    if (lone)
        jobs->run = run_lone;
    if (first)
        tp_pool_push(engine->signers, jobs);
    tp_ledger_submit(engine->ledger, txs);
    if (lone)
        tp_loop_leave(engine, jobs);
    else if (!first)
        tp_pool_push(engine->signers, jobs);
}
