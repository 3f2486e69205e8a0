/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/server.h"
#include "base/clock.h"
#include "ipc/internal_server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_MS       250
#define GRACE_LOOK_MS 5 /* how often the last answers are looked for while stopping */
#define EVENTS_MOST   64
#define SPARES_MOST   1024 /* requests kept for use */
#define KEPT_PART     16   /* one of so many connections is kept for root and our own uid */
/* Of one uid: some thousand requests at a time, or two of the largest; and twice as much holds the largest answer. */
#define BYTES_MOST    TP_IPC_REPLY_MAX

/* ---- the handle ---- */

static void config_fill(struct tp_ipc_server_config *config)
{
    if (config->connections_most == 0)
        config->connections_most = 4096;
    if (config->connections_kept == 0)
        config->connections_kept = config->connections_most / KEPT_PART;
    if (config->connections_most_per_uid == 0)
        config->connections_most_per_uid = 1024;
    if (config->requests_most == 0)
        config->requests_most = 256;
    if (config->bytes_most_per_uid == 0)
        config->bytes_most_per_uid = BYTES_MOST;
    if (config->wait_most_ms == 0)
        config->wait_most_ms = 300000;
    if (config->stall_most_ms == 0)
        config->stall_most_ms = 10000;
    if (config->hello.base.descriptor == NULL)
        tp__ipc__hello_reply__init(&config->hello);
    config->hello.protocol = TP_IPC_PROTOCOL;
}

static bool watch(int epoll_fd, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static enum tp_rc open_all(struct tp_ipc_server *server, struct tp_error *error)
{
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->epoll_fd < 0 || server->bell_fd < 0)
        return tp_error_set(error, TP_IO, "cannot set up a server loop: %s", strerror(errno));
    if (tp_secret_new(TP_IPC_INPUT_LEN, &server->input) != TP_OK)
        return tp_error_set(error, TP_MEMORY, "no memory for the server's input");
    TP_TRY(tp_ipc_listen(server->config.socket_path, server->config.socket_mode, error, &server->listen_fd));
    if (!watch(server->epoll_fd, server->listen_fd, &server->listen_fd) ||
        !watch(server->epoll_fd, server->bell_fd, &server->bell_fd))
        return tp_error_set(error, TP_IO, "cannot set up a server loop: %s", strerror(errno));
    return TP_OK;
}

enum tp_rc tp_ipc_server_new(const struct tp_ipc_server_config *config, struct tp_error *error,
                             struct tp_ipc_server **ret_server)
{
    struct tp_ipc_server *server = calloc(1, sizeof(*server));
    char *path = strdup(config->socket_path);
    if (server == NULL || path == NULL) {
        free(server);
        free(path);
        return tp_error_set(error, TP_MEMORY, "no memory for a server");
    }
    pthread_mutex_init(&server->turn, NULL);
    server->config = *config;
    server->config.socket_path = path;
    config_fill(&server->config);
    server->listen_fd = server->epoll_fd = server->bell_fd = -1;
    server->chain_end = &server->chain;
    server->now_ms = tp_clock_monotonic_ms();
    atomic_init(&server->last_ms, server->now_ms);
    enum tp_rc rc = open_all(server, error);
    if (rc != TP_OK) {
        tp_ipc_server_free(server);
        return rc;
    }
    *ret_server = server;
    return TP_OK;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

/* The file first: an engine that starts now sees either a live socket or none. */
void tp_ipc_server_free(struct tp_ipc_server *server)
{
    if (server == NULL)
        return;
    if (server->listen_fd >= 0)
        (void)unlink(server->config.socket_path);
    close_fd(server->listen_fd);
    close_fd(server->epoll_fd);
    close_fd(server->bell_fd);
    tp_ipc_pending_trim(server, 0);
    tp_ipc_accounts_trim(server);
    tp_secret_free(server->input);
    free((void *)(uintptr_t)server->config.socket_path);
    pthread_mutex_destroy(&server->turn);
    free(server);
}

void tp_ipc_server_stop(struct tp_ipc_server *server)
{
    int saved_errno = errno; /* may be called by a signal handler */
    atomic_store(&server->stopping, true);
    (void)!write(server->bell_fd, &(uint64_t){1}, sizeof(uint64_t));
    errno = saved_errno;
}

bool tp_ipc_server_stopping(const struct tp_ipc_server *server)
{
    return atomic_load(&server->stopping);
}

unsigned tp_ipc_server_connections(const struct tp_ipc_server *server)
{
    return atomic_load(&server->connections);
}

int64_t tp_ipc_server_idle_ms(const struct tp_ipc_server *server)
{
    return tp_ipc_server_connections(server) > 0 ? 0 : tp_clock_monotonic_ms() - atomic_load(&server->last_ms);
}

/* ---- one wake-up ---- */

static void connection_event(struct tp_ipc_connection *connection, uint32_t events)
{
    if (events & EPOLLOUT) {
        pthread_mutex_lock(&connection->mutex);
        connection->blocked = false;
        tp_ipc_connection_flush(connection);
        pthread_mutex_unlock(&connection->mutex);
    }
    if (events & EPOLLIN)
        tp_ipc_connection_receive(connection);
    else if (events & (EPOLLHUP | EPOLLERR))
        tp_ipc_connection_doom(connection);
}

static void event(struct tp_ipc_server *server, const struct epoll_event *what)
{
    if (what->data.ptr == &server->listen_fd)
        tp_ipc_server_accept(server);
    else if (what->data.ptr != &server->bell_fd) /* the bell rings once and keeps the loop awake until it ends */
        connection_event(what->data.ptr, what->events);
}

static void hand_over(struct tp_ipc_server *server)
{
    struct tp_ipc_request *chain = server->chain;
    if (chain == NULL)
        return;
    server->chain = NULL;
    server->chain_end = &server->chain;
    atomic_store_explicit(&server->last_ms, server->now_ms, memory_order_relaxed);
    server->config.handle(server->config.context, chain);
}

static void tick(struct tp_ipc_server *server)
{
    if (server->now_ms < server->tick_ms)
        return;
    server->tick_ms = server->now_ms + TICK_MS;
    tp_ipc_server_check_deadlines(server);
    tp_ipc_server_close_doomed(server);
    tp_ipc_server_hear_again(server);
    tp_ipc_pending_trim(server, SPARES_MOST);
    tp_ipc_accounts_trim(server);
    if (server->config.tick != NULL)
        server->config.tick(server->config.context, server->now_ms);
}

/* Takes what there is, with the turn. Returns how much, or -1 as epoll_wait(2) does. */
static int look(struct tp_ipc_server *server)
{
    struct epoll_event events[EVENTS_MOST];
    int count = epoll_wait(server->epoll_fd, events, EVENTS_MOST, 0);
    if (count <= 0)
        return count;
    server->now_ms = tp_clock_monotonic_ms();
    server->step++;
    for (int i = 0; i < count; i++)
        event(server, &events[i]);
    hand_over(server);
    tp_ipc_server_close_doomed(server);
    return count;
}

/* Asleep without the turn, and told only that there is something: what it is, whoever has the turn takes, so that nobody
 * holds a connection that another thread has closed. */
static enum tp_rc step(struct tp_ipc_server *server, int64_t until_ms, struct tp_error *error)
{
    struct pollfd any = {.fd = server->epoll_fd, .events = POLLIN};
    int ready = poll(&any, 1, tp_deadline_left_ms(until_ms));
    pthread_mutex_lock(&server->turn);
    int count = ready > 0 ? look(server) : ready;
    int failure = count < 0 && errno != EINTR ? errno : 0;
    server->now_ms = tp_clock_monotonic_ms();
    tick(server);
    pthread_mutex_unlock(&server->turn);
    return failure == 0 ? TP_OK : tp_error_set(error, TP_IO, "the server loop failed: %s", strerror(failure));
}

bool tp_ipc_server_glance(struct tp_ipc_server *server)
{
    if (pthread_mutex_trylock(&server->turn) != 0)
        return false;
    bool any = !atomic_load_explicit(&server->stopping, memory_order_relaxed) && look(server) > 0;
    pthread_mutex_unlock(&server->turn);
    return any;
}

/* ---- the loop ---- */

/* Requests without an answer, or answers that are not yet sent. */
static bool owes(struct tp_ipc_server *server)
{
    bool waiting = atomic_load_explicit(&server->outstanding, memory_order_acquire) > 0;
    for (struct tp_ipc_connection *at = server->first; at != NULL && !waiting; at = at->next) {
        pthread_mutex_lock(&at->mutex);
        waiting = !at->broken && at->outbox.waiting > 0;
        pthread_mutex_unlock(&at->mutex);
    }
    return waiting;
}

/* Nothing is accepted or read any more: `stopping` takes EPOLLIN out of every connection's interest. */
static void stop_hearing(struct tp_ipc_server *server)
{
    (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listen_fd, NULL);
    (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->bell_fd, NULL);
    for (struct tp_ipc_connection *at = server->first; at != NULL; at = at->next) {
        pthread_mutex_lock(&at->mutex);
        tp_ipc_connection_look(at);
        pthread_mutex_unlock(&at->mutex);
    }
}

static void close_all(struct tp_ipc_server *server)
{
    for (struct tp_ipc_connection *at = server->first; at != NULL; at = at->next)
        tp_ipc_connection_doom(at);
    tp_ipc_server_close_doomed(server);
}

enum tp_rc tp_ipc_server_run(struct tp_ipc_server *server, int64_t grace_ms, struct tp_error *error)
{
    enum tp_rc rc = TP_OK;
    server->left = false;
    while (rc == TP_OK && !server->left && !atomic_load_explicit(&server->stopping, memory_order_relaxed))
        rc = step(server, server->tick_ms, error);
    if (rc == TP_OK && server->left)
        return TP_OK;
    pthread_mutex_lock(&server->turn); /* whoever glances is through, and does not come back */
    stop_hearing(server);
    pthread_mutex_unlock(&server->turn);
    int64_t until_ms = tp_clock_monotonic_ms() + grace_ms;
    while (rc == TP_OK && owes(server) && tp_deadline_left_ms(until_ms) > 0)
        rc = step(server, tp_clock_monotonic_ms() + GRACE_LOOK_MS, error);
    close_all(server);
    server->left = false; /* while stopping there is no other thread to go on */
    return rc;
}

void tp_ipc_server_leave(struct tp_ipc_server *server)
{
    server->left = true;
}

bool tp_ipc_server_left(const struct tp_ipc_server *server)
{
    return server->left;
}
