/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/internal_server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG     256
#define ACCEPT_MOST 16 /* connections taken at one wake-up: others want to be read from, too */
#define FD_FIRST    FD_SETSIZE

/* ---- the socket file ---- */

static int try_connect(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int failed = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
    (void)close(fd);
    return failed;
}

/* Two engines that start at once are kept apart by a lock of theirs; this is for what an engine that was killed left.
 */
static enum tp_rc remove_stale(const struct sockaddr_un *address, struct tp_error *error)
{
    struct stat there;
    if (lstat(address->sun_path, &there) != 0)
        return errno == ENOENT ? TP_OK : tp_error_set(error, TP_CONFIG, "%s: %s", address->sun_path, strerror(errno));
    if (!S_ISSOCK(there.st_mode))
        return tp_error_set(error, TP_CONFIG, "%s is there and is no socket; remove it, or configure another path",
                            address->sun_path);
    int failed = try_connect(address);
    if (failed == 0 || failed == EAGAIN)
        return tp_error_set(error, TP_EXISTS, "another process listens on %s; stop it first", address->sun_path);
    if (failed != ECONNREFUSED || unlink(address->sun_path) != 0)
        return tp_error_set(error, TP_CONFIG, "%s cannot be replaced: %s", address->sun_path,
                            strerror(failed != ECONNREFUSED ? failed : errno));
    return TP_OK;
}

/* The mode is set before anybody can connect: until listen(2), connecting is refused. */
static bool bind_and_listen(int fd, const struct sockaddr_un *address, mode_t mode)
{
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
        return false;
    if (chmod(address->sun_path, mode) == 0 && listen(fd, BACKLOG) == 0)
        return true;
    int saved_errno = errno;
    (void)unlink(address->sun_path);
    errno = saved_errno;
    return false;
}

enum tp_rc tp_ipc_listen(const char *path, mode_t mode, struct tp_error *error, int *ret_fd)
{
    struct sockaddr_un address;
    TP_TRY(tp_ipc_address_make(path, error, &address));
    TP_TRY(remove_stale(&address, error));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind_and_listen(fd, &address, mode)) {
        *ret_fd = fd;
        return TP_OK;
    }
    enum tp_rc rc = tp_error_set(error, TP_CONFIG, "cannot listen on %s: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* ---- accepting ---- */

/* Said before the greeting was read, as its answer: the client waits for one. */
static void turn_away(int fd, const char *words)
{
    struct tp_ipc_body body;
    struct tp_ipc_outbox outbox = {.first = NULL};
    const struct tp_bytes no_secrets[TP_IPC_SECRETS_MAX] = {TP_BYTES_NONE, TP_BYTES_NONE};
    if (tp_ipc_failure_pack(TP_BUSY, words, 0, &body) != TP_OK)
        return;
    struct tp_ipc_header header = {.op = TP_OP_HELLO, .rc = TP_BUSY};
    size_t sent;
    if (tp_ipc_outbox_append(&outbox, header, body.bytes, no_secrets) == TP_OK)
        (void)!tp_ipc_chunks_send(outbox.first, fd, &sent); /* whether it hears or not, it goes */
    tp_ipc_outbox_clear(&outbox);
    tp_ipc_body_clear(&body);
}

static void refuse(const struct tp_ipc_server *server, int fd, const struct tp_ipc_peer *peer, const char *words)
{
    const struct tp_ipc_server_config *config = &server->config;
    if (config->turned_away != NULL)
        config->turned_away(config->context, peer, NULL, TP_BUSY, words);
    turn_away(fd, words);
}

static void admit(struct tp_ipc_server *server, int fd)
{
    struct tp_ipc_peer peer;
    struct tp_ipc_account *account = NULL;
    const char *limit = NULL;
    if (tp_ipc_peer_read(fd, &peer) == TP_OK)
        account = tp_ipc_account_of(server, peer.uid);
    if (account != NULL && (limit = tp_ipc_room_make(server, account)) == NULL &&
        tp_ipc_connection_new(server, fd, &peer, account) == TP_OK)
        return;
    if (limit != NULL)
        refuse(server, fd, &peer, limit);
    (void)close(fd);
}

/* The low numbers are left to the store and to the HSM's module, which may use select(2). */
static int move_up(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_FIRST);
    if (high < 0) /* the limit is too low for that */
        return fd;
    (void)close(fd);
    return high;
}

static void listen_for(struct tp_ipc_server *server, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = &server->listen_fd};
    (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, server->listen_fd, &event);
}

/* Without descriptors, the queue would wake us again and again for nothing. */
void tp_ipc_server_accept(struct tp_ipc_server *server)
{
    for (int i = 0; i < ACCEPT_MOST; i++) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            admit(server, move_up(fd));
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            server->deaf = true;
            listen_for(server, 0);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

void tp_ipc_server_hear_again(struct tp_ipc_server *server)
{
    if (server->deaf && !atomic_load(&server->stopping))
        listen_for(server, EPOLLIN);
    server->deaf = false;
}
