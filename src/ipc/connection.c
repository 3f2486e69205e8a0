/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "ipc/internal_server.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define OUTPUT_PAUSE ((size_t)256 << 10) /* bytes waiting, above which a connection is not read from */
#define OUTPUT_MOST  TP_IPC_REPLY_MAX    /* bytes waiting, above which it is cut off */

enum tp_rc tp_ipc_connection_new(struct tp_ipc_server *server, int fd, const struct tp_ipc_peer *peer)
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
    connection->peer = *peer;
    connection->peer.connection = ++server->connection_number;
    connection->fd = fd;
    connection->interest = EPOLLIN;
    connection->reader.only = TP_OP_HELLO;
    connection->frame_ms = server->now_ms;
    atomic_init(&connection->refs, 1);
    pthread_mutex_init(&connection->mutex, NULL);
    connection->next = server->first;
    if (server->first != NULL)
        server->first->previous = connection;
    server->first = connection;
    atomic_fetch_add(&server->connections, 1);
    return TP_OK;
}

void tp_ipc_connection_unref(struct tp_ipc_connection *connection)
{
    if (atomic_fetch_sub_explicit(&connection->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&connection->mutex);
    free(connection);
}

/* ---- closing ---- */

void tp_ipc_connection_doom(struct tp_ipc_connection *connection)
{
    if (connection->doomed)
        return;
    connection->doomed = true;
    connection->next_doomed = connection->server->doomed;
    connection->server->doomed = connection;
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
    atomic_store(&server->last_ms, server->now_ms);
    atomic_fetch_sub(&server->connections, 1);
}

static void output_end(struct tp_ipc_connection *connection)
{
    tp_ipc_outbox_clear(&connection->outbox);
    (void)close(connection->fd);
}

/* A thread that is in send() keeps the descriptor until it is back, or the number might be somebody else's by then. */
static void close_one(struct tp_ipc_connection *connection)
{
    struct tp_ipc_server *server = connection->server;
    (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    pthread_mutex_lock(&connection->mutex);
    connection->closed = true;
    if (connection->sending)
        (void)shutdown(connection->fd, SHUT_RDWR);
    else
        output_end(connection);
    pthread_mutex_unlock(&connection->mutex);
    tp_ipc_reader_clear(&connection->reader);
    unlist(connection);
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
}

/* ---- output ---- */

static void break_off(struct tp_ipc_connection *connection)
{
    connection->broken = true;
    (void)shutdown(connection->fd, SHUT_RDWR);
}

void tp_ipc_connection_put(struct tp_ipc_connection *connection, const struct tp_ipc_header *header,
                           struct tp_bytes body, struct tp_bytes secret)
{
    const struct tp_bytes secrets[TP_IPC_SECRETS_MAX] = {secret, TP_BYTES_NONE};
    if (connection->closed || connection->broken)
        return;
    if (connection->outbox.waiting > OUTPUT_MOST ||
        tp_ipc_outbox_append(&connection->outbox, *header, body, secrets) != TP_OK)
        break_off(connection);
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
        break_off(connection);
}

void tp_ipc_connection_flush(struct tp_ipc_connection *connection)
{
    if (connection->closed || connection->sending)
        return;
    connection->sending = true;
    while (!connection->closed && !connection->broken && !connection->blocked && connection->outbox.waiting > 0)
        send_some(connection);
    connection->sending = false;
    if (connection->closed)
        output_end(connection);
    else
        tp_ipc_connection_look(connection);
}

/* Reading goes on at half the limit, so that a busy connection does not change its mind with every answer. */
static bool must_pause(const struct tp_ipc_connection *connection)
{
    unsigned most = connection->server->config.requests_most;
    return connection->in_flight >= most || connection->outbox.waiting > OUTPUT_PAUSE ||
           (connection->paused && connection->in_flight > most / 2);
}

void tp_ipc_connection_look(struct tp_ipc_connection *connection)
{
    struct tp_ipc_server *server = connection->server;
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
        break_off(connection);
}
