/* SPDX-License-Identifier: Apache-2.0
 *
 * The zygote: a fork of our process from before it held secrets, which forks readers when told so. Told is, over a
 * SOCK_SEQPACKET socket, FORK with the reader's end of its socket (the answer is a pid), END and a pid (the answer is how it
 * ended), or QUIT. A reader stays its child, unreaped, until END names it: so a pid never means another process.
 */
#include "base/crypto.h"
#include "pdf/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum order { FORK = 1, END, QUIT };
struct message {
    int32_t order; /* in answers 0 */
    int32_t number;
};

/* ---- messages ---- */

static bool send_message(int socket, struct message message, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {&message, sizeof(message)};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        control.head = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
        header.msg_control = control.room;
        header.msg_controllen = sizeof(control.room);
    }
    ssize_t done;
    while ((done = sendmsg(socket, &header, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return done == (ssize_t)sizeof(message);
}

static bool receive_message(int socket, struct message *ret_message, int *ret_fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {ret_message, sizeof(*ret_message)};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
    ssize_t done;
    while ((done = recvmsg(socket, &header, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&header);
    if (done == (ssize_t)sizeof(*ret_message) && head != NULL && head->cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(head), sizeof(int));
    return done == (ssize_t)sizeof(*ret_message);
}

/* ---- the zygote's side ---- */

/* The zygote's end is the reader's: it has no other reason to live. */
_Noreturn static void become_reader(int zygote_socket, int socket, size_t memory)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || dup2(socket, TP_PDF_READER_SOCKET) < 0)
        _exit(1);
    (void)close(zygote_socket);
    if (socket != TP_PDF_READER_SOCKET)
        (void)close(socket);
    tp_pdf_serve(memory);
}

static int32_t fork_reader(int zygote_socket, int socket, size_t memory)
{
    const pid_t pid = fork();
    if (pid == 0)
        become_reader(zygote_socket, socket, memory);
    return pid > 0 ? pid : -1;
}

static int32_t end_reader(pid_t pid)
{
    int status = -1;
    if (pid <= 0 || kill(pid, SIGKILL) != 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

void tp_pdf_zygote_run(int socket, size_t memory)
{
    struct message message;
    for (;;) {
        int fd = -1;
        if (!receive_message(socket, &message, &fd) || message.order == QUIT)
            _exit(0); /* our process is gone, and readers go with the zygote */
        const int32_t number = message.order == FORK ? fork_reader(socket, fd, memory) : end_reader(message.number);
        if (fd >= 0)
            (void)close(fd);
        if (!send_message(socket, (struct message){0, number}, -1))
            _exit(0);
    }
}

/* ---- ours ---- */

struct tp_pdf_zygote {
    pthread_mutex_t mutex; /* one order and its answer at a time */
    int socket;
    pid_t pid;
};

/* In the child: nothing of the parent's stays but code and one socket. The digest is used here once, since what libcrypto opens
 * for that no reader may. Not PR_SET_PDEATHSIG: that is sent when the thread ends that has forked. The socket's end says the
 * same of the process. */
_Noreturn static void become_zygote(int socket, size_t memory)
{
    struct sigaction normal = {.sa_handler = SIG_DFL};
    uint8_t hash[TP_SHA256_LEN];
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &normal, NULL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    const int high = fcntl(socket, F_DUPFD_CLOEXEC, 3);
    if (high < 0 || dup2(high, 3) < 0 || close_range(4, ~0U, 0) != 0)
        _exit(1);
    for (int fd = 0; fd < 3; fd++) {
        (void)close(fd);
        if (open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
            _exit(1);
    }
    tp_crypto_abandon();
    tp_crypto_ignore_conf();
    if (tp_sha256(TP_BYTES_NONE, TP_BYTES_NONE, TP_BYTES_NONE, hash) != TP_OK || prctl(PR_SET_DUMPABLE, 0) != 0)
        _exit(1);
    tp_pdf_zygote_run(3, memory);
}

enum tp_rc tp_pdf_zygote_start(size_t memory, struct tp_error *error, struct tp_pdf_zygote **ret_zygote)
{
    int sockets[2];
    struct tp_pdf_zygote *zygote = calloc(1, sizeof(*zygote));
    if (zygote == NULL)
        return TP_MEMORY;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
        free(zygote);
        return tp_error_set(error, TP_IO, "no socket for the readers of PDFs: %s", strerror(errno));
    }
    zygote->pid = fork();
    if (zygote->pid == 0)
        become_zygote(sockets[1], memory);
    const int failed = errno;
    (void)close(sockets[1]);
    zygote->socket = sockets[0];
    (void)pthread_mutex_init(&zygote->mutex, NULL);
    if (zygote->pid < 0) {
        tp_pdf_zygote_stop(zygote);
        return tp_error_set(error, TP_IO, "no process for the readers of PDFs: %s", strerror(failed));
    }
    *ret_zygote = zygote;
    return TP_OK;
}

void tp_pdf_zygote_stop(struct tp_pdf_zygote *zygote)
{
    if (zygote == NULL)
        return;
    (void)send_message(zygote->socket, (struct message){QUIT, 0}, -1); /* another child of ours may have the socket, too */
    (void)close(zygote->socket);
    if (zygote->pid > 0)
        while (waitpid(zygote->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    (void)pthread_mutex_destroy(&zygote->mutex);
    free(zygote);
}

static bool order(struct tp_pdf_zygote *zygote, struct message message, int fd, int32_t *ret_number)
{
    struct message reply = {0, 0};
    int none = -1;
    (void)pthread_mutex_lock(&zygote->mutex);
    const bool done = send_message(zygote->socket, message, fd) && receive_message(zygote->socket, &reply, &none);
    (void)pthread_mutex_unlock(&zygote->mutex);
    if (none >= 0)
        (void)close(none);
    *ret_number = reply.number;
    return done;
}

enum tp_rc tp_pdf_zygote_fork(struct tp_pdf_zygote *zygote, struct tp_error *error, pid_t *ret_pid, int *ret_socket)
{
    int sockets[2];
    int32_t pid = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return tp_error_set(error, TP_IO, "no socket for a reader of PDFs: %s", strerror(errno));
    const bool done = order(zygote, (struct message){FORK, 0}, sockets[1], &pid);
    (void)close(sockets[1]);
    if (done && pid > 0) {
        *ret_pid = pid;
        *ret_socket = sockets[0];
        return TP_OK;
    }
    (void)close(sockets[0]);
    return done ? tp_error_set(error, TP_IO, "no more processes can be started for reading PDFs")
                : tp_error_set(error, TP_UNREACHABLE,
                               "the process that starts readers of PDFs has ended; start this program anew");
}

int tp_pdf_zygote_end(struct tp_pdf_zygote *zygote, pid_t pid)
{
    int32_t status = -1;
    return order(zygote, (struct message){END, pid}, -1, &status) ? status : -1;
}
