/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/gate.h"
#include "base/clock.h"

#include <errno.h>
#include <stddef.h>

void tp_hsm_gate_init(struct tp_hsm_gate *gate)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&gate->moved, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&gate->lock, NULL);
    atomic_init(&gate->closed, false);
    gate->passes = NULL;
}

void tp_hsm_gate_clear(struct tp_hsm_gate *gate)
{
    pthread_cond_destroy(&gate->moved);
    pthread_mutex_destroy(&gate->lock);
}

void tp_hsm_gate_add(struct tp_hsm_gate *gate, struct tp_hsm_pass *pass)
{
    pthread_mutex_lock(&gate->lock);
    pass->next = gate->passes;
    gate->passes = pass;
    pthread_mutex_unlock(&gate->lock);
}

void tp_hsm_gate_remove(struct tp_hsm_gate *gate, struct tp_hsm_pass *pass)
{
    pthread_mutex_lock(&gate->lock);
    struct tp_hsm_pass **at = &gate->passes;
    while (*at != NULL && *at != pass)
        at = &(*at)->next;
    if (*at != NULL)
        *at = pass->next;
    pthread_mutex_unlock(&gate->lock);
}

void tp_hsm_pass_begin(struct tp_hsm_pass *pass)
{
    int64_t now_ms = tp_clock_monotonic_ms();
    atomic_store(&pass->since_ms, now_ms > 0 ? now_ms : 1);
}

void tp_hsm_pass_end(struct tp_hsm_pass *pass)
{
    atomic_store(&pass->since_ms, 0);
}

int64_t tp_hsm_pass_age_ms(const struct tp_hsm_pass *pass)
{
    int64_t since_ms = atomic_load(&pass->since_ms);
    return since_ms == 0 ? 0 : tp_clock_monotonic_ms() - since_ms;
}

static bool wait_until(struct tp_hsm_gate *gate, int64_t deadline_ms)
{
    struct timespec until = tp_deadline_timespec(deadline_ms);
    return pthread_cond_timedwait(&gate->moved, &gate->lock, &until) != ETIMEDOUT;
}

static bool wait_for_opening(struct tp_hsm_gate *gate, int64_t deadline_ms)
{
    bool waiting = true;
    pthread_mutex_lock(&gate->lock);
    while (atomic_load(&gate->closed) && waiting)
        waiting = wait_until(gate, deadline_ms);
    bool open = !atomic_load(&gate->closed);
    pthread_mutex_unlock(&gate->lock);
    return open;
}

bool tp_hsm_gate_enter(struct tp_hsm_gate *gate, struct tp_hsm_pass *pass, int64_t patience_ms)
{
    /* Stamp first, look second; close() does it the other way round, and all of it is sequentially consistent, so one
     * of the two sees the other. */
    tp_hsm_pass_begin(pass);
    if (!atomic_load(&gate->closed))
        return true;
    int64_t deadline_ms = tp_clock_monotonic_ms() + patience_ms;
    do {
        tp_hsm_gate_leave(gate, pass);
        if (!wait_for_opening(gate, deadline_ms))
            return false;
        tp_hsm_pass_begin(pass);
    } while (atomic_load(&gate->closed));
    return true;
}

void tp_hsm_gate_leave(struct tp_hsm_gate *gate, struct tp_hsm_pass *pass)
{
    tp_hsm_pass_end(pass);
    if (!atomic_load(&gate->closed))
        return;
    pthread_mutex_lock(&gate->lock);
    pthread_cond_broadcast(&gate->moved);
    pthread_mutex_unlock(&gate->lock);
}

static bool somebody_is_inside(const struct tp_hsm_gate *gate)
{
    for (const struct tp_hsm_pass *pass = gate->passes; pass != NULL; pass = pass->next)
        if (atomic_load(&pass->since_ms) != 0)
            return true;
    return false;
}

bool tp_hsm_gate_close(struct tp_hsm_gate *gate, int64_t deadline_ms)
{
    bool waiting = true;
    pthread_mutex_lock(&gate->lock);
    while (atomic_load(&gate->closed) && waiting) /* by another token of this module */
        waiting = wait_until(gate, deadline_ms);
    bool mine = !atomic_load(&gate->closed);
    if (mine)
        atomic_store(&gate->closed, true);
    while (mine && somebody_is_inside(gate) && waiting)
        waiting = wait_until(gate, deadline_ms);
    bool empty = mine && !somebody_is_inside(gate);
    pthread_mutex_unlock(&gate->lock);
    if (mine && !empty)
        tp_hsm_gate_open(gate);
    return empty;
}

void tp_hsm_gate_open(struct tp_hsm_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    atomic_store(&gate->closed, false);
    pthread_cond_broadcast(&gate->moved);
    pthread_mutex_unlock(&gate->lock);
}
