/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "ipc/internal_client.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char gone[] = "the engine closed the connection; try again";

enum tp_rc tp_ipc_link_new(int fd, pthread_mutex_t *mutex, struct tp_ipc_link **ret_link)
{
    struct tp_ipc_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return TP_MEMORY;
    enum tp_rc rc = tp_secret_new(TP_IPC_INPUT_LEN, &link->input);
    if (rc != TP_OK) {
        free(link);
        return rc;
    }
    link->fd = fd;
    tp_process_fd_look(fd, &link->file);
    link->mutex = mutex;
    link->reader.reply = 1;
    atomic_init(&link->refs, 1);
    *ret_link = link;
    return TP_OK;
}

void tp_ipc_link_unref(struct tp_ipc_link *link)
{
    if (atomic_fetch_sub(&link->refs, 1) != 1)
        return;
    tp_process_fd_close(link->fd, &link->file);
    tp_ipc_reader_clear(&link->reader);
    tp_ipc_outbox_clear(&link->outbox);
    tp_secret_free(link->input);
    free(link);
}

bool tp_ipc_link_is_there(const struct tp_ipc_link *link)
{
    return tp_process_fd_is(link->fd, &link->file);
}

void tp_ipc_waiter_clear(struct tp_ipc_waiter *waiter)
{
    free(waiter->large);
    tp_secret_free(waiter->secret);
    waiter->large = NULL;
    waiter->secret = NULL;
}

static void fail_all(struct tp_ipc_link *link)
{
    struct tp_ipc_wakes wakes = {.count = 0};
    while (link->oldest != NULL) {
        struct tp_ipc_waiter *waiter = link->oldest;
        waiter->unsent = waiter->end > link->left;
        waiter->interrupted = link->interrupted;
        tp_ipc_wakes_add(&wakes, waiter);
        tp_ipc_waiter_finish(link, waiter, TP_UNREACHABLE, link->words);
    }
    tp_ipc_wakes_send(&wakes);
}

/* The shutdown wakes whoever is in poll(2) on it; the descriptor stays until the last of them has left. While bytes are
 * on their way, only the sender will know whose requests have left: then it is the one to tell the waiters. */
void tp_ipc_link_break(struct tp_ipc_link *link, const char *words, bool interrupted)
{
    link->broken = true;
    link->words = words;
    link->interrupted = interrupted;
    if (tp_ipc_link_is_there(link))
        (void)shutdown(link->fd, SHUT_RDWR);
    if (!link->sending)
        fail_all(link);
}

/* ---- sending ---- */

/* One turn: all that waits. False when the socket did not take it all. */
static bool send_some(struct tp_ipc_link *link)
{
    size_t taken = link->outbox.waiting;
    struct tp_ipc_chunk *chunks = tp_ipc_outbox_take(&link->outbox);
    pthread_mutex_unlock(link->mutex);
    size_t sent;
    enum tp_rc rc = tp_ipc_chunks_send(chunks, link->fd, &sent);
    pthread_mutex_lock(link->mutex);
    tp_ipc_outbox_put_back(&link->outbox, chunks, sent);
    link->left += sent;
    if (rc != TP_OK && !link->broken)
        tp_ipc_link_break(link, gone, false);
    return sent == taken;
}

/* Somebody asleep whose request is among what waits to be sent. */
static struct tp_ipc_waiter *next_sender(const struct tp_ipc_link *link)
{
    struct tp_ipc_waiter *waiter = link->oldest;
    while (waiter != NULL && (!waiter->parked || waiter->end <= link->left))
        waiter = waiter->younger;
    return waiter;
}

/* Whether one whose own reply has come must go on sending: only for the leader, which is in poll(2) and cannot be
 * called. Others take over; what nobody waits for is left to the next request. */
static bool must_stay(const struct tp_ipc_link *link)
{
    return next_sender(link) == NULL && link->leader != NULL && link->leader->end > link->left;
}

/* False: SELF does not wait any longer. */
static bool wait_for_room(const struct tp_ipc_link *link, const struct tp_ipc_waiter *self)
{
    int left_ms = self == NULL ? 0 : tp_deadline_left_ms(self->deadline_ms);
    if (left_ms == 0 || (tp_ipc_waiter_is_done(self) && !must_stay(link)))
        return false;
    struct pollfd wanted = {.fd = link->fd, .events = POLLOUT};
    pthread_mutex_unlock(link->mutex);
    (void)poll(&wanted, 1, left_ms);
    pthread_mutex_lock(link->mutex);
    return true;
}

static void call_next_sender(const struct tp_ipc_link *link)
{
    struct tp_ipc_wakes wakes = {.count = 0};
    struct tp_ipc_waiter *sender = next_sender(link);
    if (sender != NULL)
        tp_ipc_wakes_call(&wakes, sender);
    tp_ipc_wakes_send(&wakes);
}

void tp_ipc_link_flush(struct tp_ipc_link *link, const struct tp_ipc_waiter *self)
{
    if (link->sending)
        return;
    link->sending = true;
    bool room = true;
    while (room && !link->broken && link->outbox.waiting > 0)
        room = send_some(link) || (!link->broken && wait_for_room(link, self));
    link->sending = false;
    if (link->broken)
        fail_all(link);
    else if (!room)
        call_next_sender(link);
}

/* ---- a call ---- */

static void enqueue(struct tp_ipc_link *link, struct tp_ipc_waiter *waiter)
{
    waiter->older = link->youngest;
    if (link->youngest != NULL)
        link->youngest->younger = waiter;
    else
        link->oldest = waiter;
    link->youngest = waiter;
}

/* Everything but `small`, which is filled when it is needed. */
static void waiter_init(struct tp_ipc_waiter *waiter, const struct tp_ipc_ask *ask)
{
    atomic_init(&waiter->state, TP_IPC_WAITING);
    waiter->older = waiter->younger = NULL;
    waiter->parked = waiter->interrupted = false;
    waiter->unsent = true;
    waiter->op = ask->header.op;
    waiter->deadline_ms = ask->deadline_ms;
    waiter->end = UINT64_MAX;
    waiter->rc = TP_INTERNAL;
    waiter->words = NULL;
    waiter->large = NULL;
    waiter->secret = NULL;
    waiter->body_len = 0;
}

void tp_ipc_link_exchange(struct tp_ipc_link *link, const struct tp_ipc_ask *ask, struct tp_ipc_waiter *waiter)
{
    waiter_init(waiter, ask);
    struct tp_ipc_header header = ask->header;
    header.number = waiter->number = ++link->number;
    size_t before = link->outbox.waiting;
    enum tp_rc rc = tp_ipc_outbox_append(&link->outbox, header, ask->body, ask->secret);
    if (rc != TP_OK) {
        tp_ipc_waiter_finish(link, waiter, rc, "the request could not be queued");
    } else {
        link->queued += link->outbox.waiting - before;
        waiter->end = link->queued;
        enqueue(link, waiter);
        if (!link->attended)
            tp_ipc_link_flush(link, waiter);
    }
    tp_ipc_link_wait(link, waiter);
}
