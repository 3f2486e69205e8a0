/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate of a module: calls pass it, and C_Finalize happens only when it is closed and nobody is inside.
 *
 * A reader-writer lock spread over its readers: each pass writes only its own stamp, so that calls on different
 * sessions share no cache line that any of them writes; and the stamp says since when a call has been running.
 */
#ifndef TP_HSM_GATE_H
#define TP_HSM_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct tp_hsm_pass {
    _Atomic int64_t since_ms; /* monotonic; 0: not inside */
    struct tp_hsm_pass *next;
};

struct tp_hsm_gate {
    atomic_bool closed;
    pthread_mutex_t lock;
    pthread_cond_t moved; /* somebody left a closed gate, or it was opened */
    struct tp_hsm_pass *passes;
};

void tp_hsm_gate_init(struct tp_hsm_gate *gate);
void tp_hsm_gate_clear(struct tp_hsm_gate *gate);
void tp_hsm_gate_add(struct tp_hsm_gate *gate, struct tp_hsm_pass *pass);
void tp_hsm_gate_remove(struct tp_hsm_gate *gate, struct tp_hsm_pass *pass);

/* Waits while the gate is closed, at most PATIENCE_MS; false: still closed. */
bool tp_hsm_gate_enter(struct tp_hsm_gate *gate, struct tp_hsm_pass *pass, int64_t patience_ms);
void tp_hsm_gate_leave(struct tp_hsm_gate *gate, struct tp_hsm_pass *pass);
/* Closes it and waits until nobody is inside; false, and open again, if that has not happened by the deadline. */
bool tp_hsm_gate_close(struct tp_hsm_gate *gate, int64_t deadline_ms);
void tp_hsm_gate_open(struct tp_hsm_gate *gate);
/* The stamp alone, for whoever closed the gate: its calls can get stuck as well. */
void tp_hsm_pass_begin(struct tp_hsm_pass *pass);
void tp_hsm_pass_end(struct tp_hsm_pass *pass);
/* For how long the pass has been inside; 0: it is not. */
int64_t tp_hsm_pass_age_ms(const struct tp_hsm_pass *pass);

#endif
