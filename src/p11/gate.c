/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/gate.h"
#include "base/log.h"
#include "p11/module.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_MOST     ((size_t)64 << 10) /* the largest page of any Linux that we run on */
#define STRAGGLERS_NS 10000000L

/* All zero is a closed gate with a free mutex (PTHREAD_MUTEX_INITIALIZER and PTHREAD_COND_INITIALIZER are zeros on
 * Linux): the state of a fresh process, and of a child of fork. */
struct gate {
    pthread_mutex_t mutex; /* opening and closing */
    pthread_cond_t changed;
    _Atomic(struct tp_p11_module *) module;
    atomic_uint inside;
    atomic_bool closing;
};

/* Room for one whole page, wherever the array begins. In .bss rather than mapped, so that it comes and goes with the
 * library: a mapping would have to be undone by a destructor, which also runs at exit, under the feet of other threads.
 */
static uint8_t room[2 * PAGE_MOST];
/* Outside of the page, so that a child knows what it has inherited. */
static struct tp_p11_module *opened;

/* Of this thread: how often it is in here. More than once it can be in a signal handler that has interrupted a call, or
 * in a library that a call of ours uses and that uses us. */
static _Thread_local volatile unsigned within;

static size_t page_len(void)
{
    long len = sysconf(_SC_PAGESIZE);
    return len > 0 && (size_t)len <= PAGE_MOST ? (size_t)len : PAGE_MOST;
}

/* Aligned to the largest page, which is aligned to any. */
static struct gate *the_gate(void)
{
    uintptr_t at = ((uintptr_t)room + PAGE_MOST - 1) / PAGE_MOST * PAGE_MOST;
    return (struct gate *)at;
}

bool tp_p11_gate_is_within(void)
{
    return within > 0;
}

struct tp_p11_module *tp_p11_gate_enter(void)
{
    struct gate *gate = the_gate();
    within++;
    (void)atomic_fetch_add(&gate->inside, 1);
    struct tp_p11_module *module = atomic_load(&gate->module);
    if (module == NULL)
        tp_p11_gate_leave();
    return module;
}

void tp_p11_gate_leave(void)
{
    struct gate *gate = the_gate();
    if (atomic_fetch_sub(&gate->inside, 1) == 1 && atomic_load(&gate->closing)) {
        pthread_mutex_lock(&gate->mutex);
        pthread_cond_broadcast(&gate->changed);
        pthread_mutex_unlock(&gate->mutex);
    }
    within--;
}

bool tp_p11_gate_is_open(const struct tp_p11_module *module)
{
    return atomic_load(&the_gate()->module) == module;
}

/* ---- opening ---- */

/* The mutex is held. */
static CK_RV open_locked(struct gate *gate)
{
    while (atomic_load(&gate->closing))
        pthread_cond_wait(&gate->changed, &gate->mutex);
    if (atomic_load(&gate->module) != NULL)
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    if (opened != NULL) { /* a module, and yet the gate is closed: it is our parent's */
        tp_p11_module_abandon(opened);
        opened = NULL;
    }
    CK_RV rv = tp_p11_module_new(&opened);
    if (rv == CKR_OK)
        atomic_store(&gate->module, opened);
    return rv;
}

static CK_RV open_from_outside(void)
{
    struct gate *gate = the_gate();
    /* before the mutex is first used; harmless when it was done before */
    if (madvise(gate, page_len(), MADV_WIPEONFORK) != 0)
        return CKR_GENERAL_ERROR;
    pthread_mutex_lock(&gate->mutex);
    CK_RV rv = open_locked(gate);
    pthread_mutex_unlock(&gate->mutex);
    return rv;
}

/* FUNCTION, unless this thread is in the middle of another call: with the mutex it would wait for itself. */
static CK_RV from_outside(CK_RV (*function)(void))
{
    if (within > 0)
        return CKR_FUNCTION_FAILED;
    within++;
    CK_RV rv = function();
    within--;
    return rv;
}

CK_RV tp_p11_gate_open(void)
{
    return from_outside(open_from_outside);
}

/* ---- closing ---- */

/* A thread that was between the gate and the engine may have begun to wait after it was interrupted: interrupt again.
 */
static void wait_for_stragglers(struct gate *gate, struct tp_p11_module *module)
{
    while (atomic_load(&gate->inside) > 0) {
        struct timespec until;
        tp_p11_module_interrupt(module);
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += STRAGGLERS_NS;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        (void)pthread_cond_timedwait(&gate->changed, &gate->mutex, &until);
    }
}

/* The mutex is held, but for while waiting: `closing` keeps C_Initialize out until the end. */
static CK_RV close_locked(struct gate *gate)
{
    struct tp_p11_module *module = atomic_load(&gate->module);
    if (module == NULL)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    atomic_store(&gate->closing, true);
    atomic_store(&gate->module, NULL);
    pthread_cond_broadcast(&gate->changed);
    wait_for_stragglers(gate, module);
    opened = NULL;
    tp_p11_module_free(module);
    atomic_store(&gate->closing, false);
    pthread_cond_broadcast(&gate->changed);
    return CKR_OK;
}

static CK_RV close_from_outside(void)
{
    struct gate *gate = the_gate();
    pthread_mutex_lock(&gate->mutex);
    CK_RV rv = close_locked(gate);
    pthread_mutex_unlock(&gate->mutex);
    return rv;
}

CK_RV tp_p11_gate_close(void)
{
    return from_outside(close_from_outside);
}
