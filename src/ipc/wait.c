/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for a reply without a thread of our own. Of the callers that wait, one leads: it sleeps in poll(2) and reads
 * for all; the others sleep on a futex each, and are woken when their own reply is there, and not before. A leader
 * whose own reply has come asks the youngest sleeper to lead, whose reply will most likely come last, so that the lead
 * changes hands seldom.
 */
#include "base/clock.h"
#include "ipc/internal_client.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char lost[] = "the connection to the engine was lost before it answered; try again";
static const char garbled[] = "the engine sent something that is no answer; check that its version fits this one";

static const char late[] = "the engine did not answer in time; see what it is doing with `trustp11 status`";

/* ---- futex ---- */

static void futex_wake(atomic_uint *state)
{
    (void)syscall(SYS_futex, state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* While STATE is WAITING, until the deadline. */
static void futex_wait(atomic_uint *state, int64_t deadline_ms)
{
    struct timespec until = tp_deadline_timespec(deadline_ms);
    while (atomic_load_explicit(state, memory_order_acquire) == TP_IPC_WAITING) {
        long result =
            syscall(SYS_futex, state, FUTEX_WAIT_BITSET_PRIVATE, TP_IPC_WAITING, &until, NULL, FUTEX_BITSET_MATCH_ANY);
        if (result != 0 && errno == ETIMEDOUT)
            return;
    }
}

void tp_ipc_wakes_add(struct tp_ipc_wakes *wakes, struct tp_ipc_waiter *waiter)
{
    if (!waiter->parked)
        return;
    if (wakes->count == sizeof(wakes->state) / sizeof(wakes->state[0]))
        tp_ipc_wakes_send(wakes);
    wakes->state[wakes->count++] = &waiter->state;
}

void tp_ipc_wakes_call(struct tp_ipc_wakes *wakes, struct tp_ipc_waiter *waiter)
{
    tp_ipc_wakes_add(wakes, waiter);
    atomic_store_explicit(&waiter->state, TP_IPC_CALLED, memory_order_release);
}

void tp_ipc_wakes_send(struct tp_ipc_wakes *wakes)
{
    for (unsigned i = 0; i < wakes->count; i++)
        futex_wake(wakes->state[i]);
    wakes->count = 0;
}

/* ---- reading for all ---- */

bool tp_ipc_waiter_is_done(const struct tp_ipc_waiter *waiter)
{
    return atomic_load_explicit(&waiter->state, memory_order_acquire) == TP_IPC_DONE;
}

/* Answers come nearly in the order of the requests. */
static struct tp_ipc_waiter *find(const struct tp_ipc_link *link, uint32_t number)
{
    struct tp_ipc_waiter *waiter = link->oldest;
    while (waiter != NULL && waiter->number != number)
        waiter = waiter->younger;
    return waiter;
}

static enum tp_rc keep_reply(struct tp_ipc_waiter *waiter, const struct tp_ipc_frame *frame)
{
    if (frame->secret[0].len > 0)
        TP_TRY(tp_secret_new_copy(frame->secret[0], &waiter->secret));
    waiter->body_len = frame->body.len;
    if (frame->body.len > sizeof(waiter->small)) {
        waiter->large = malloc(frame->body.len);
        if (waiter->large == NULL)
            return TP_MEMORY;
    }
    if (frame->body.len > 0)
        memcpy(waiter->large != NULL ? waiter->large : waiter->small, frame->body.data, frame->body.len);
    return TP_OK;
}

/* False when the frame cannot be an answer to what was asked. One to a call that has given up is nobody's. */
static bool deliver(struct tp_ipc_link *link, const struct tp_ipc_frame *frame, struct tp_ipc_wakes *wakes)
{
    struct tp_ipc_waiter *waiter = find(link, frame->header.number);
    if (waiter == NULL)
        return true;
    if (waiter->op != frame->header.op)
        return false;
    enum tp_rc kept = keep_reply(waiter, frame);
    tp_ipc_wakes_add(wakes, waiter);
    if (kept == TP_OK)
        tp_ipc_waiter_finish(link, waiter, (enum tp_rc)frame->header.rc, NULL);
    else
        tp_ipc_waiter_finish(link, waiter, kept, "out of memory for the engine's answer");
    return true;
}

static void deliver_all(struct tp_ipc_link *link, struct tp_bytes input, struct tp_ipc_wakes *wakes)
{
    struct tp_ipc_frame frame;
    bool complete = true;
    while (complete) {
        if (tp_ipc_reader_next(&link->reader, &input, &frame, &complete) != TP_OK ||
            (complete && !deliver(link, &frame, wakes))) {
            tp_ipc_link_break(link, garbled, false);
            return;
        }
    }
}

/* TP_OK with a length of 0: something else happened, look again. ALSO_WRITABLE: bytes wait for room in the socket. */
static enum tp_rc receive(const struct tp_ipc_link *link, bool also_writable, int64_t deadline_ms, size_t *ret_len)
{
    struct pollfd wanted = {.fd = link->fd, .events = (short)(also_writable ? POLLIN | POLLOUT : POLLIN)};
    int left_ms = tp_deadline_left_ms(deadline_ms);
    int ready = poll(&wanted, 1, left_ms);
    *ret_len = 0;
    if (ready == 0 && left_ms == 0)
        return TP_TIMEOUT;
    if (ready <= 0 || (wanted.revents & ~POLLOUT) == 0)
        return TP_OK;
    ssize_t len = recv(link->fd, tp_secret_data(link->input), TP_IPC_INPUT_LEN, MSG_DONTWAIT);
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return TP_OK;
    if (len <= 0)
        return TP_UNREACHABLE;
    *ret_len = (size_t)len;
    return TP_OK;
}

static void take_in(struct tp_ipc_link *link, struct tp_ipc_waiter *self, enum tp_rc received, size_t len,
                    struct tp_ipc_wakes *wakes)
{
    if (received == TP_UNREACHABLE && !link->broken)
        tp_ipc_link_break(link, lost, false);
    else if (received == TP_TIMEOUT && !tp_ipc_waiter_is_done(self))
        tp_ipc_waiter_finish(link, self, TP_TIMEOUT, late);
    else if (len > 0 && !link->broken)
        deliver_all(link, TP_BYTES(tp_secret_data(link->input), len), wakes);
    tp_wipe(tp_secret_data(link->input), len); /* an answer may have had a secret */
}

/* Whoever is not asleep finds the lead vacant when it comes to wait. */
static void hand_on_lead(struct tp_ipc_link *link, struct tp_ipc_wakes *wakes)
{
    struct tp_ipc_waiter *heir = link->broken ? NULL : link->youngest;
    while (heir != NULL && !heir->parked)
        heir = heir->older;
    link->leader = heir;
    if (heir != NULL)
        tp_ipc_wakes_call(wakes, heir);
}

/* Wakes them with the mutex free. Some will have a next request before we are done: whoever sees that we attend to the
 * link leaves the sending to us, so that one system call sends for several. */
static void attend(struct tp_ipc_link *link, struct tp_ipc_wakes *wakes)
{
    if (wakes->count == 0)
        return;
    link->attended = true;
    pthread_mutex_unlock(link->mutex);
    tp_ipc_wakes_send(wakes);
    pthread_mutex_lock(link->mutex);
    link->attended = false;
    tp_ipc_link_flush(link, NULL);
}

static void lead(struct tp_ipc_link *link, struct tp_ipc_waiter *self)
{
    struct tp_ipc_wakes wakes = {.count = 0};
    link->leader = self;
    while (!tp_ipc_waiter_is_done(self) && !link->broken) {
        bool blocked = !link->sending && link->outbox.waiting > 0;
        pthread_mutex_unlock(link->mutex);
        size_t len;
        enum tp_rc received = receive(link, blocked, self->deadline_ms, &len);
        pthread_mutex_lock(link->mutex);
        take_in(link, self, received, len, &wakes);
        if (blocked)
            tp_ipc_link_flush(link, NULL);
        if (!tp_ipc_waiter_is_done(self))
            attend(link, &wakes);
    }
    hand_on_lead(link, &wakes);
    attend(link, &wakes);
}

/* ---- waiting ---- */

void tp_ipc_waiter_finish(struct tp_ipc_link *link, struct tp_ipc_waiter *waiter, enum tp_rc rc, const char *words)
{
    if (waiter->older != NULL)
        waiter->older->younger = waiter->younger;
    else if (link->oldest == waiter)
        link->oldest = waiter->younger;
    if (waiter->younger != NULL)
        waiter->younger->older = waiter->older;
    else if (link->youngest == waiter)
        link->youngest = waiter->older;
    waiter->rc = rc;
    waiter->words = words;
    atomic_store_explicit(&waiter->state, TP_IPC_DONE, memory_order_release);
}

/* Asleep until there is a reply, a call to lead or to send, or no more time. Entered with the mutex held, left
 * without. */
static void park(struct tp_ipc_link *link, struct tp_ipc_waiter *self)
{
    atomic_store_explicit(&self->state, TP_IPC_WAITING, memory_order_relaxed); /* a call has been heard */
    self->parked = true;
    pthread_mutex_unlock(link->mutex);
    futex_wait(&self->state, self->deadline_ms);
}

/* Its request is among what waits, and nobody is sending or about to. */
static bool must_send(const struct tp_ipc_link *link, const struct tp_ipc_waiter *self)
{
    return self->end > link->left && !link->sending && !link->attended;
}

void tp_ipc_link_wait(struct tp_ipc_link *link, struct tp_ipc_waiter *self)
{
    while (!tp_ipc_waiter_is_done(self)) {
        if (!link->broken && (link->leader == NULL || link->leader == self)) {
            lead(link, self);
        } else if (tp_deadline_left_ms(self->deadline_ms) == 0) {
            tp_ipc_waiter_finish(link, self, TP_TIMEOUT, late);
        } else if (!link->broken && must_send(link, self)) {
            tp_ipc_link_flush(link, self);
        } else {
            park(link, self);
            if (tp_ipc_waiter_is_done(self))
                return; /* nothing of the link is needed any more, its mutex least of all */
            pthread_mutex_lock(link->mutex);
            self->parked = false;
        }
    }
    pthread_mutex_unlock(link->mutex);
}
