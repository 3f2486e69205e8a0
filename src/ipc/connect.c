/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/process.h"
#include "ipc/internal_client.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_PAUSE_MS 20
#define RESTART_MS     2000               /* a start may have lost against an engine that was just ending */
#define PASSWD_MOST    ((size_t)64 << 10) /* bytes of one user's entry */

enum tp_rc tp_ipc_address_make(const char *path, struct tp_error *error, struct sockaddr_un *ret_address)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(address.sun_path))
        return tp_error_set(error, TP_CONFIG, "the socket's path \"%s\" has %zu bytes; give one of 1 to %zu", path, len,
                            sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, len + 1);
    *ret_address = address;
    return TP_OK;
}

/* ---- who is there ---- */

static bool uid_of_number(const char *text, uid_t *ret_uid)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number >= (uid_t)-1)
        return false;
    *ret_uid = (uid_t)number;
    return true;
}

static bool uid_of_name(const char *name, uid_t *ret_uid)
{
    for (size_t size = 1024; size <= PASSWD_MOST; size *= 4) {
        char *strings = malloc(size);
        struct passwd entry, *found = NULL;
        int failed = strings == NULL ? ENOMEM : getpwnam_r(name, &entry, strings, size, &found);
        uid_t uid = found != NULL ? found->pw_uid : (uid_t)-1;
        free(strings);
        if (failed != ERANGE) {
            if (found != NULL)
                *ret_uid = uid;
            return found != NULL;
        }
    }
    return false;
}

bool tp_ipc_engine_user_find(const char *engine_user, atomic_llong *known)
{
    uid_t uid;
    if (atomic_load(known) >= 0)
        return true;
    if (!uid_of_number(engine_user, &uid) && !uid_of_name(engine_user, &uid))
        return false;
    atomic_store(known, uid);
    return true;
}

/* Our own is asked for each time: programs change it. */
static enum tp_rc engine_uid(const struct tp_ipc_dial *dial, struct tp_error *error, uid_t *ret_uid)
{
    const char *user = dial->config->engine_user;
    if (user != NULL && !tp_ipc_engine_user_find(user, dial->engine_uid))
        return tp_error_set(error, TP_CONFIG, "there is no user \"%s\" on this machine, as which the engine should run",
                            user);
    *ret_uid = user == NULL ? geteuid() : (uid_t)atomic_load(dial->engine_uid);
    return TP_OK;
}

/* Before anything is said: a socket that somebody else has put there must not be told a PIN. */
static enum tp_rc check_peer(const struct tp_ipc_dial *dial, int fd, struct tp_error *error)
{
    const char *path = dial->config->socket_path;
    uid_t wanted = (uid_t)-1;
    struct ucred there;
    socklen_t len = sizeof(there);
    TP_TRY(engine_uid(dial, error, &wanted));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &there, &len) != 0 || len != sizeof(there))
        return tp_error_set(error, TP_PEER, "cannot tell who listens on %s: %s", path, strerror(errno));
    if (there.uid == wanted)
        return TP_OK;
    return tp_error_set(error, TP_PEER,
                        "%s belongs to a process of uid %lu, not of uid %lu; nothing was sent; if that is the engine, "
                        "name its user: %s",
                        path, (unsigned long)there.uid, (unsigned long)wanted,
                        dial->config->engine_conf != NULL ? "engine_user in trustp11.conf"
                                                          : "[engine] user in net.conf");
}

/* ---- connecting ---- */

/* 0, or errno. The socket stays non-blocking: every wait of ours is a poll with a deadline. */
static int connect_once(const struct sockaddr_un *address, int *ret_fd)
{
    int fd = tp_process_fd_raise(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0)
        return errno;
    int failed;
    do
        failed = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
    while (failed == EINTR);
    if (failed == 0)
        *ret_fd = fd;
    else
        (void)close(fd);
    return failed;
}

static bool nobody_listens(int failed)
{
    return failed == ENOENT || failed == ECONNREFUSED;
}

static enum tp_rc connect_words(const struct tp_ipc_dial *dial, int failed, struct tp_error *error)
{
    const char *path = dial->config->socket_path;
    if (tp_ipc_dial_interrupted(dial))
        return tp_error_set(error, TP_UNREACHABLE, "%s", tp_ipc_interrupted);
    if (failed == EAGAIN || (nobody_listens(failed) && dial->config->spawn))
        return tp_error_set(error, TP_TIMEOUT, "the engine at %s took no connection in time", path);
    if (failed == EACCES)
        return tp_error_set(
            error, TP_UNREACHABLE,
            "no way to the engine at %s (%s): its user lets others in by socket_open = yes in engine.conf, and by "
            "the mode of the folders above (chmod a+x)",
            path, strerror(failed));
    return tp_error_set(error, TP_UNREACHABLE, "no engine at %s (%s); start trustp11d%s", path, strerror(failed),
                        dial->config->engine_conf != NULL ? ", or set engine = spawn" : "");
}

static enum tp_rc keep_starting(const struct tp_ipc_dial *dial, struct tp_ipc_spawn *spawn, struct tp_error *error)
{
    int64_t now_ms = tp_clock_monotonic_ms();
    TP_TRY(tp_ipc_spawn_check(spawn, error));
    if (spawn->pid != 0 || now_ms < spawn->next_ms)
        return TP_OK;
    TP_TRY(tp_ipc_spawn_start(dial->config, error, spawn));
    spawn->next_ms = now_ms + RESTART_MS;
    return TP_OK;
}

/* EAGAIN: the engine's queue of connections is full. */
static enum tp_rc connect_until(const struct tp_ipc_dial *dial, const struct sockaddr_un *address,
                                struct tp_ipc_spawn *spawn, struct tp_error *error, int *ret_fd)
{
    for (;;) {
        int failed = connect_once(address, ret_fd);
        if (failed == 0)
            return TP_OK;
        bool starting = nobody_listens(failed) && dial->config->spawn;
        if (tp_ipc_dial_interrupted(dial) || (failed != EAGAIN && !starting) ||
            tp_deadline_left_ms(dial->deadline_ms) == 0)
            return connect_words(dial, failed, error);
        if (starting)
            TP_TRY(keep_starting(dial, spawn, error));
        (void)nanosleep(&(struct timespec){.tv_nsec = RETRY_PAUSE_MS * 1000000L}, NULL);
    }
}

enum tp_rc tp_ipc_dial(const struct tp_ipc_dial *dial, struct tp_error *error, int *ret_fd)
{
    struct sockaddr_un address;
    int fd = -1;
    TP_TRY(tp_ipc_address_make(dial->config->socket_path, error, &address));
    struct tp_ipc_spawn spawn = {.pid = 0};
    TP_TRY(connect_until(dial, &address, &spawn, error, &fd));
    tp_ipc_spawn_reap(&spawn);
    enum tp_rc rc = check_peer(dial, fd, error);
    if (rc == TP_OK)
        rc = tp_ipc_hello(dial, fd, error);
    if (rc != TP_OK) {
        (void)close(fd);
        return rc;
    }
    *ret_fd = fd;
    return TP_OK;
}
