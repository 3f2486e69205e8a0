/* SPDX-License-Identifier: Apache-2.0
 *
 * The server, spoken to by hand: what it answers, and how it starts and ends.
 */
#include "raw.h"
#include "served.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct served served;

static void up(void)
{
    served_folder(&served);
    served_start(&served, (struct tp_ipc_server_config){.requests_most = 0});
}

static void down(void)
{
    served_clear(&served);
}

static int greeted(void)
{
    int fd = raw_connect(served.path);
    cr_assert_eq(raw_hello(fd, TP_IPC_PROTOCOL), TP_OK);
    return fd;
}

TestSuite(serving, .init = up, .fini = down, .timeout = 60);

Test(serving, greets_who_says_hello_and_serves_then)
{
    int fd = greeted();
    cr_assert(raw_is_served(fd));
    cr_assert_eq(raw_hello(fd, TP_IPC_PROTOCOL), TP_OK, "again does no harm");
    cr_assert(raw_is_served(fd));
    close(fd);
}

Test(serving, goes_on_in_another_thread_when_its_own_has_left)
{
    int fd = greeted();
    atomic_store(&served.leaves, true);
    for (unsigned i = 1; i <= 5; i++) {
        cr_assert(raw_is_served(fd));
        while (atomic_load(&served.left) < i)
            usleep(100);
    }
    atomic_store(&served.leaves, false);
    cr_assert(raw_is_served(fd));
    cr_assert_eq(atomic_load(&served.left), 5u);
    close(fd);
}

static atomic_bool glancing;
static atomic_uint glances;

static void *glance(void *unused)
{
    while (atomic_load(&glancing))
        if (tp_ipc_server_glance(served.server))
            atomic_fetch_add(&glances, 1);
    return unused;
}

Test(serving, serves_by_the_hand_of_whoever_glances_while_its_own_thread_sleeps)
{
    pthread_t thread;
    int fd = greeted(), other = greeted();
    atomic_store(&glancing, true);
    cr_assert_eq(pthread_create(&thread, NULL, glance, NULL), 0);
    while (atomic_load(&glances) < 20) {
        cr_assert(raw_is_served(fd));
        cr_assert(raw_is_served(other));
    }
    close(other); /* and is closed by either */
    cr_assert(raw_is_served(fd));
    atomic_store(&glancing, false);
    pthread_join(thread, NULL);
    cr_assert(raw_is_served(fd));
    close(fd);
}

Test(serving, closes_on_who_does_not_say_hello_first)
{
    int fd = raw_connect(served.path);
    raw_ask_empty(fd, TP_OP_TOKEN, 1);
    cr_assert(raw_is_closed(fd));
    cr_assert_eq(served.requests, 0u);
    close(fd);
}

Test(serving, refuses_another_protocol_with_words)
{
    int fd = raw_connect(served.path);
    cr_assert_eq(raw_hello(fd, TP_IPC_PROTOCOL + 1), TP_UNSUPPORTED);
    raw_ask_empty(fd, TP_OP_TOKEN, 1);
    cr_assert(raw_is_closed(fd));
    cr_assert_eq(served.requests, 0u);
    close(fd);
}

Test(serving, tells_the_handler_who_the_kernel_says_is_there)
{
    int fd = greeted();
    cr_assert(raw_is_served(fd));
    cr_assert_eq(served.last_peer.uid, geteuid());
    cr_assert_eq(served.last_peer.gid, getegid());
    cr_assert_eq(served.last_peer.pid, getpid());
    cr_assert_gt(served.last_peer.pid_started, 0u);
    cr_assert_str_eq(served.last_peer.program, "raw??[2J");
    uint64_t first = served.last_peer.connection;
    int other = greeted();
    cr_assert(raw_is_served(other));
    cr_assert_neq(served.last_peer.connection, first);
    close(fd);
    close(other);
}

Test(serving, answers_in_any_order_by_number)
{
    int fd = greeted();
    struct tp_ipc_header header;
    raw_ask_empty(fd, TP_OP_STATUS, 10);
    cr_assert(raw_is_served(fd)); /* overtakes the one that is kept */
    cr_assert_eq(served_release(&served), 1u);
    cr_assert(raw_read(fd, 1, &header, NULL));
    cr_assert_eq(header.op, TP_OP_STATUS);
    cr_assert_eq(header.number, 10u);
    close(fd);
}

Test(serving, refusal_carries_code_words_and_tries)
{
    int fd = greeted();
    struct tp_ipc_header header;
    struct tp_buf body = TP_BUF_INIT;
    raw_ask_empty(fd, TP_OP_LOGOUT, 5);
    cr_assert(raw_read(fd, 1, &header, &body));
    cr_assert_eq(header.rc, TP_PIN_WRONG);
    Tp__Ipc__Failure *failure = tp__ipc__failure__unpack(NULL, body.len, body.data);
    cr_assert_not_null(failure);
    cr_assert_str_eq(failure->words, "no such login");
    cr_assert_eq(failure->tries_left, 3u);
    tp__ipc__failure__free_unpacked(failure, NULL);
    tp_buf_clear(&body);
    close(fd);
}

Test(serving, answers_for_a_client_that_has_gone_go_into_the_void)
{
    int fd = greeted();
    raw_ask_empty(fd, TP_OP_STATUS, 1);
    served_wait_kept(&served, 1);
    close(fd);
    served_wait_gone(&served, 1);
    cr_assert_eq(served.last_peer.pid, getpid());
    cr_assert_eq(served.kept->peer->pid, getpid(), "the peer outlives its connection");
    cr_assert_eq(served_release(&served), 1u);
    int other = greeted();
    cr_assert(raw_is_served(other));
    close(other);
}

Test(serving, tells_the_client_when_its_time_is_over_and_drops_the_late_answer)
{
    int fd = greeted();
    struct tp_ipc_header header = {.op = TP_OP_STATUS, .number = 77, .wait_ms = 1};
    raw_send(fd, header, TP_BYTES_NONE);
    served_wait_kept(&served, 1);
    cr_assert(raw_read(fd, 1, &header, NULL));
    cr_assert_eq(header.number, 77u);
    cr_assert_eq(header.rc, TP_TIMEOUT);
    cr_assert_eq(served_release(&served), 1u);
    cr_assert(raw_is_served(fd), "the next frame is the next answer");
    close(fd);
}

Test(serving, gives_what_is_outstanding_its_grace_when_it_stops)
{
    int fd = greeted();
    struct tp_ipc_header header;
    raw_ask_empty(fd, TP_OP_STATUS, 1);
    served_wait_kept(&served, 1);
    tp_ipc_server_stop(served.server);
    cr_assert_eq(served_release(&served), 1u);
    cr_assert(raw_read(fd, 1, &header, NULL));
    cr_assert_eq(header.rc, TP_OK);
    cr_assert(raw_is_closed(fd));
    cr_assert_eq(pthread_join(served.thread, NULL), 0);
    tp_ipc_server_free(served.server);
    served.server = NULL;
    close(fd);
}

Test(serving, counts_connections_and_idle_time)
{
    int fd = greeted();
    cr_assert_eq(tp_ipc_server_connections(served.server), 1u);
    cr_assert_eq(tp_ipc_server_idle_ms(served.server), 0);
    close(fd);
    served_wait_gone(&served, 1);
    cr_assert_eq(tp_ipc_server_connections(served.server), 0u);
    cr_assert_geq(tp_ipc_server_idle_ms(served.server), 0);
}

/* ---- the socket file ---- */

static enum tp_rc try_server(mode_t mode, struct tp_error *error)
{
    struct tp_ipc_server_config config = {.socket_path = served.path, .socket_mode = mode};
    struct tp_ipc_server *server = NULL;
    enum tp_rc rc = tp_ipc_server_new(&config, error, &server);
    if (rc == TP_OK)
        tp_ipc_server_free(server);
    return rc;
}

Test(serving, does_not_take_the_socket_of_a_living_server)
{
    struct tp_error error;
    cr_assert_eq(try_server(0600, &error), TP_EXISTS);
    cr_assert_not_null(strstr(tp_error_words(&error), served.path));
    int fd = greeted();
    cr_assert(raw_is_served(fd));
    close(fd);
}

Test(socket_file, of_a_dead_server_is_replaced, .timeout = 60)
{
    served_folder(&served);
    close(raw_listen(served.path));
    cr_assert_eq(access(served.path, F_OK), 0);
    cr_assert_eq(try_server(0600, NULL), TP_OK);
    cr_assert_neq(access(served.path, F_OK), 0, "and removed at the end");
    served_clear(&served);
}

Test(socket_file, that_is_no_socket_is_left_alone, .timeout = 60)
{
    struct tp_error error;
    served_folder(&served);
    close(open(served.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    cr_assert_eq(try_server(0600, &error), TP_CONFIG);
    cr_assert_eq(access(served.path, F_OK), 0);
    served_clear(&served);
}

Test(socket_file, has_the_mode_that_was_asked_for_whatever_the_umask, .timeout = 60)
{
    static const mode_t modes[] = {0600, 0666};
    served_folder(&served);
    (void)umask(0177);
    for (size_t i = 0; i < 2; i++) {
        struct tp_ipc_server_config config = {.socket_path = served.path, .socket_mode = modes[i]};
        struct stat there;
        struct tp_ipc_server *server;
        cr_assert_eq(tp_ipc_server_new(&config, NULL, &server), TP_OK);
        cr_assert_eq(stat(served.path, &there), 0);
        cr_assert_eq(there.st_mode & 07777, modes[i]);
        tp_ipc_server_free(server);
    }
    served_clear(&served);
}

Test(socket_file, with_too_long_a_path_is_refused, .timeout = 60)
{
    char path[200];
    struct tp_error error;
    struct tp_ipc_server *server;
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    struct tp_ipc_server_config config = {.socket_path = path};
    cr_assert_eq(tp_ipc_server_new(&config, &error, &server), TP_CONFIG);
    cr_assert_not_null(strstr(tp_error_words(&error), "107"));
}
