/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's loop is a job of the signers' pool, which has one thread more than there are signers: whichever of them runs
 * the loop may leave it to another and sign what it has just read. A lone signer so wakes one thread less on the way of
 * its request, and a thread that has to be woken costs more than everything else that we add to the HSM's time.
 *
 * Whoever has so signed lingers for a moment and looks whether the next request comes at once, as it does from a program that
 * signs one thing after the other: then no thread of ours has to be woken at all.
 */
#ifndef TP_ENGINE_LOOP_H
#define TP_ENGINE_LOOP_H

#include "engine/internal.h"

void tp_loop_init(struct tp_engine *engine);
void tp_loop_clear(struct tp_engine *engine);
/* Serves until tp_ipc_server_stop, or a failure; the caller's thread only waits. */
TP_MUST_USE enum tp_rc tp_loop_run(struct tp_engine *engine, struct tp_error *error);
/* After a job that tp_loop_leave was given, in its thread. */
void tp_loop_linger(struct tp_engine *engine);
/* By the handler, when a thread of the pool is idle: that one goes on with the loop, and JOB is run here. */
void tp_loop_leave(struct tp_engine *engine, struct tp_job *job);

#endif
