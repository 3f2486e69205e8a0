/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "ipc/internal_server.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define OUTPUT_PAUSE ((size_t)256 << 10) /* bytes waiting, above which a connection is not read from */
#define OUTPUT_MOST  TP_IPC_REPLY_MAX    /* bytes waiting, above which it is cut off */

static const char unread[] = "closed for more unread answers than a connection may have";
static const char far_over[] = "closed for more unread answers than all connections of this user may have";

static void enlist(struct tp_ipc_connection *connection)
{
    struct tp_ipc_server *server = connection->server;
    connection->next = server->first;
    if (server->first != NULL)
        server->first->previous = connection;
    server->first = connection;
    connection->account->connections++;
    atomic_fetch_add_explicit(&connection->account->refs, 1, memory_order_relaxed);
    server->privileged += connection->account->privileged;
    atomic_fetch_add(&server->connections, 1);
}

enum tp_rc tp_ipc_connection_new(struct tp_ipc_server *server, int fd, const struct tp_ipc_peer *peer,
                                 struct tp_ipc_account *account)
{
    struct tp_ipc_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return TP_MEMORY;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        free(connection);
        return TP_IO;
    }
    connection->server = server;
    connection->account = account;
    connection->peer = *peer;
    connection->peer.connection = ++server->connection_number;
    connection->fd = fd;
    connection->interest = EPOLLIN;
    connection->reader.only = TP_OP_HELLO;
    connection->reader.admit = tp_ipc_connection_admit;
    connection->reader.admit_context = connection;
    connection->frame_ms = connection->used_ms = server->now_ms;
    atomic_init(&connection->refs, 1);
    pthread_mutex_init(&connection->mutex, NULL);
    enlist(connection);
    return TP_OK;
}

void tp_ipc_connection_unref(struct tp_ipc_connection *connection)
{
    if (atomic_fetch_sub_explicit(&connection->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct tp_ipc_account *account = connection->account;
    atomic_fetch_sub_explicit(&account->bytes, connection->charged, memory_order_relaxed);
    pthread_mutex_destroy(&connection->mutex);
    free(connection);
    atomic_fetch_sub_explicit(&account->refs, 1, memory_order_release); /* it may be gone at once */
}

/* ---- closing ---- */

/* It counts no longer: its place may be for somebody who is just coming. */
void tp_ipc_connection_doom(struct tp_ipc_connection *connection)
{
    struct tp_ipc_server *server = connection->server;
    if (connection->doomed)
        return;
    connection->doomed = true;
    connection->next_doomed = server->doomed;
    server->doomed = connection;
    connection->account->connections--;
    server->privileged -= connection->account->privileged;
    atomic_store(&server->last_ms, server->now_ms);
    atomic_fetch_sub(&server->connections, 1);
}

static void unlist(struct tp_ipc_connection *connection)
{
    struct tp_ipc_server *server = connection->server;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        server->first = connection->next;
}

static void output_end(struct tp_ipc_connection *connection)
{
    tp_ipc_outbox_clear(&connection->outbox);
    (void)close(connection->fd);
    tp_ipc_connection_settle(connection);
}

static void tell_cut(const struct tp_ipc_connection *connection, const char *words)
{
    const struct tp_ipc_server_config *config = &connection->server->config;
    if (words != NULL && config->turned_away != NULL)
        config->turned_away(config->context, &connection->peer, NULL, TP_BUSY, words);
}

/* A thread that is in send() keeps the descriptor until it is back, or the number might be somebody else's by then. */
static void close_one(struct tp_ipc_connection *connection)
{
    struct tp_ipc_server *server = connection->server;
    (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    tp_ipc_reader_clear(&connection->reader);
    pthread_mutex_lock(&connection->mutex);
    connection->closed = true;
    connection->input_len = 0;
    const char *cut = connection->cut;
    if (connection->sending)
        (void)shutdown(connection->fd, SHUT_RDWR);
    else
        output_end(connection);
    pthread_mutex_unlock(&connection->mutex);
    unlist(connection);
    tell_cut(connection, cut);
    if (connection->greeted && server->config.gone != NULL)
        server->config.gone(server->config.context, &connection->peer);
    tp_ipc_connection_unref(connection);
}

void tp_ipc_server_close_doomed(struct tp_ipc_server *server)
{
    while (server->doomed != NULL) {
        struct tp_ipc_connection *connection = server->doomed;
        server->doomed = connection->next_doomed;
        close_one(connection);
    }
}

/* ---- requests in flight ---- */

void tp_ipc_connection_join(struct tp_ipc_connection *connection, struct tp_ipc_pending *pending)
{
    pending->older = connection->youngest;
    if (connection->youngest != NULL)
        connection->youngest->younger = pending;
    else
        connection->oldest = pending;
    connection->youngest = pending;
    connection->in_flight++;
    connection->requests_len += pending->len;
}

void tp_ipc_connection_leave(struct tp_ipc_connection *connection, struct tp_ipc_pending *pending)
{
    if (pending->older != NULL)
        pending->older->younger = pending->younger;
    else
        connection->oldest = pending->younger;
    if (pending->younger != NULL)
        pending->younger->older = pending->older;
    else
        connection->youngest = pending->older;
    connection->in_flight--;
    connection->requests_len -= pending->len;
}

/* ---- output ---- */

/* WORDS: for the log, when it is for a limit; else NULL. */
static void break_off(struct tp_ipc_connection *connection, const char *words)
{
    connection->broken = true;
    connection->cut = words;
    (void)shutdown(connection->fd, SHUT_RDWR);
}

/* Blocked: what does not wait for its client is on its way out, however much there is of it. */
static const char *limit_reached(const struct tp_ipc_connection *connection)
{
    if (connection->outbox.waiting > OUTPUT_MOST)
        return unread;
    return connection->blocked && tp_ipc_account_is_far_over(connection->server, connection->account) ? far_over : NULL;
}

void tp_ipc_connection_put(struct tp_ipc_connection *connection, const struct tp_ipc_header *header,
                           struct tp_bytes body, struct tp_bytes secret)
{
    const struct tp_bytes secrets[TP_IPC_SECRETS_MAX] = {secret, TP_BYTES_NONE};
    if (connection->closed || connection->broken)
        return;
    const char *limit = limit_reached(connection);
    if (limit != NULL || tp_ipc_outbox_append(&connection->outbox, *header, body, secrets) != TP_OK)
        break_off(connection, limit);
}

static void send_some(struct tp_ipc_connection *connection)
{
    size_t taken = connection->outbox.waiting;
    struct tp_ipc_chunk *chunks = tp_ipc_outbox_take(&connection->outbox);
    pthread_mutex_unlock(&connection->mutex);
    size_t sent;
    enum tp_rc rc = tp_ipc_chunks_send(chunks, connection->fd, &sent);
    pthread_mutex_lock(&connection->mutex);
    tp_ipc_outbox_put_back(&connection->outbox, chunks, sent);
    connection->blocked = rc == TP_OK && sent < taken;
    if (connection->blocked)
        connection->moved_ms = tp_clock_monotonic_ms();
    if (rc != TP_OK && !connection->closed)
        break_off(connection, NULL);
}

/* What has been sent leaves the account; what has not may be too much for it. */
static void take_stock(struct tp_ipc_connection *connection)
{
    tp_ipc_connection_settle(connection);
    const char *limit = limit_reached(connection);
    if (!connection->broken && limit != NULL)
        break_off(connection, limit);
    if (connection->broken) {
        tp_ipc_outbox_clear(&connection->outbox); /* nobody will read it */
        tp_ipc_connection_settle(connection);
    }
}

void tp_ipc_connection_flush(struct tp_ipc_connection *connection)
{
    if (connection->closed || connection->sending)
        return;
    connection->sending = true;
    while (!connection->closed && !connection->broken && !connection->blocked && connection->outbox.waiting > 0)
        send_some(connection);
    connection->sending = false;
    if (connection->closed) {
        output_end(connection);
    } else {
        take_stock(connection);
        tp_ipc_connection_look(connection);
    }
}

/* Reading goes on at half the limit, so that a busy connection does not change its mind with every answer. What waits for
 * room in its uid's account looks again at each tick. */
static bool must_pause(const struct tp_ipc_connection *connection)
{
    unsigned most = connection->server->config.requests_most;
    return connection->in_flight >= most || connection->outbox.waiting > OUTPUT_PAUSE ||
           (connection->paused && connection->in_flight > most / 2) ||
           !tp_ipc_account_has_room(connection->server, connection->account, 0);
}

void tp_ipc_connection_look(struct tp_ipc_connection *connection)
{
    struct tp_ipc_server *server = connection->server;
    tp_ipc_connection_settle(connection);
    if (connection->closed)
        return;
    connection->paused = must_pause(connection);
    bool deaf = connection->paused || atomic_load_explicit(&server->stopping, memory_order_relaxed);
    uint32_t interest = (deaf ? 0u : (uint32_t)EPOLLIN) | (connection->blocked ? (uint32_t)EPOLLOUT : 0u);
    if (interest == connection->interest)
        return;
    struct epoll_event event = {.events = interest, .data.ptr = connection};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) == 0)
        connection->interest = interest;
    else
        break_off(connection, NULL);
}
