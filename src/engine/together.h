/* SPDX-License-Identifier: Apache-2.0
 *
 * What is signed while it is recorded (architecture: A signature): the two begin together, and answers that one commit of
 * the ledger allows leave together.
 */
#ifndef TP_ENGINE_TOGETHER_H
#define TP_ENGINE_TOGETHER_H

#include "engine/internal.h"

/* By a callback of the ledger, before it answers: this thread gathers its answers until … */
void tp_together_hold(void);
/* … the ledger's after_batch, which sends them. */
void tp_together_send(void *engine);
/* Begins TXS in the ledger and JOBS with the signers; BUSY: what tp_pool_busy said when they were made. A lone job is run by
 * this thread, as RUN_LONE. A transaction without a job may be gone as soon as this is called. */
void tp_together_begin(struct tp_engine *engine, struct tp_ledger_tx *txs, struct tp_job *jobs, bool busy,
                       void (*run_lone)(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *error));

#endif
