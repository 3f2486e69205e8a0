/* SPDX-License-Identifier: Apache-2.0
 *
 * How a client comes to its connection: whom it accepts there, and how it starts an engine.
 */
#include "raw.h"
#include "served.h"

#include "ipc/client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct served served;
static struct tp_error error;

static enum tp_rc ask(struct tp_ipc_client_config config)
{
    struct tp_ipc_client *client;
    struct tp_ipc_reply reply;
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    config.socket_path = config.socket_path == NULL ? served.path : config.socket_path;
    cr_assert_eq(tp_ipc_client_new(&config, &client), TP_OK);
    enum tp_rc rc =
        tp_ipc_call(client, TP_OP_TOKEN, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 15000, &error, &reply);
    tp_ipc_reply_clear(&reply);
    tp_ipc_client_free(client);
    return rc;
}

static void up(void)
{
    served_folder(&served);
    served_start(&served, (struct tp_ipc_server_config){.requests_most = 0});
}

static void down(void)
{
    served_clear(&served);
}

TestSuite(peer_check, .init = up, .fini = down, .timeout = 60);

Test(peer_check, accepts_our_own_user_when_none_is_named)
{
    cr_assert_eq(ask((struct tp_ipc_client_config){.program = "unit"}), TP_OK, "%s", tp_error_words(&error));
    cr_assert_str_eq(served.last_peer.program, "unit");
}

Test(peer_check, accepts_the_named_user_by_name_and_by_number)
{
    char number[32];
    const struct passwd *own = getpwuid(geteuid());
    (void)snprintf(number, sizeof(number), "%lu", (unsigned long)geteuid());
    cr_assert_eq(ask((struct tp_ipc_client_config){.engine_user = number}), TP_OK, "%s", tp_error_words(&error));
    if (own != NULL)
        cr_assert_eq(ask((struct tp_ipc_client_config){.engine_user = own->pw_name}), TP_OK);
}

Test(peer_check, refuses_a_name_that_is_no_user)
{
    cr_assert_eq(ask((struct tp_ipc_client_config){.engine_user = "no such user"}), TP_CONFIG);
    cr_assert_eq(ask((struct tp_ipc_client_config){.engine_user = "99999999999999999999"}), TP_CONFIG);
    cr_assert_eq(ask((struct tp_ipc_client_config){.engine_user = "-1"}), TP_CONFIG);
}

static void *count_bytes(void *listen_fd)
{
    static size_t count;
    uint8_t byte;
    int fd = raw_accept(*(int *)listen_fd);
    count = 0;
    while (recv(fd, &byte, 1, 0) == 1)
        count++;
    close(fd);
    return &count;
}

Test(peer, of_another_user_is_refused_before_a_byte_is_sent, .timeout = 60)
{
    char other[32];
    pthread_t thread;
    void *count;
    served_folder(&served);
    int listen_fd = raw_listen(served.path);
    cr_assert_eq(pthread_create(&thread, NULL, count_bytes, &listen_fd), 0);
    (void)snprintf(other, sizeof(other), "%lu", (unsigned long)geteuid() + 1);
    cr_assert_eq(ask((struct tp_ipc_client_config){.engine_user = other, .engine_conf = "/the/engine.conf"}), TP_PEER);
    cr_assert_not_null(strstr(tp_error_words(&error), "engine_user in trustp11.conf"), "%s", tp_error_words(&error));
    cr_assert_eq(pthread_join(thread, &count), 0);
    cr_assert_eq(*(size_t *)count, 0u);
    close(listen_fd);
    served_clear(&served);
}

Test(connect, without_an_engine_says_what_to_do, .timeout = 60)
{
    served_folder(&served);
    cr_assert_eq(ask((struct tp_ipc_client_config){.spawn = false}), TP_UNREACHABLE);
    cr_assert_not_null(strstr(tp_error_words(&error), "start trustp11d"));
    cr_assert_null(strstr(tp_error_words(&error), "spawn"), "the net process has no such setting");
    cr_assert_eq(ask((struct tp_ipc_client_config){.engine_conf = "/the/engine.conf"}), TP_UNREACHABLE);
    cr_assert_not_null(strstr(tp_error_words(&error), "or set engine = spawn"));
    served_clear(&served);
}

Test(connect, refuses_too_long_a_path, .timeout = 60)
{
    char path[109];
    memset(path, 'p', sizeof(path));
    path[108] = '\0';
    cr_assert_eq(ask((struct tp_ipc_client_config){.socket_path = path}), TP_CONFIG);
    path[107] = '\0';
    cr_assert_eq(ask((struct tp_ipc_client_config){.socket_path = path}), TP_UNREACHABLE, "as long as it may be");
}

Test(connect, passes_on_that_the_engine_is_full, .timeout = 60)
{
    served_folder(&served);
    served_start(&served, (struct tp_ipc_server_config){.connections_most = 1});
    int fd = raw_connect(served.path);
    cr_assert_eq(raw_hello(fd, TP_IPC_PROTOCOL), TP_OK);
    cr_assert_eq(ask((struct tp_ipc_client_config){.spawn = false}), TP_BUSY, "%s", tp_error_words(&error));
    close(fd);
    served_wait_gone(&served, 1);
    cr_assert_eq(ask((struct tp_ipc_client_config){.spawn = false}), TP_OK, "%s", tp_error_words(&error));
    served_clear(&served);
}

static void *speak_protocol_2(void *listen_fd)
{
    struct tp_ipc_header header;
    uint8_t body[64];
    Tp__Ipc__HelloReply hello = TP__IPC__HELLO_REPLY__INIT;
    hello.protocol = TP_IPC_PROTOCOL + 1;
    size_t len = tp__ipc__hello_reply__pack(&hello, body);
    int fd = raw_accept(*(int *)listen_fd);
    cr_assert(raw_read(fd, 0, &header, NULL));
    raw_send(fd, (struct tp_ipc_header){.op = TP_OP_HELLO, .body_len = (uint32_t)len}, TP_BYTES(body, len));
    cr_assert(raw_is_closed(fd));
    close(fd);
    return NULL;
}

Test(connect, refuses_an_engine_of_another_protocol, .timeout = 60)
{
    pthread_t thread;
    served_folder(&served);
    int listen_fd = raw_listen(served.path);
    cr_assert_eq(pthread_create(&thread, NULL, speak_protocol_2, &listen_fd), 0);
    cr_assert_eq(ask((struct tp_ipc_client_config){.spawn = false}), TP_UNSUPPORTED);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    close(listen_fd);
    served_clear(&served);
}

/* ---- spawn ---- */

static struct {
    char program[64], fifo[64], log[80];
    char told[512]; /* what the program said into the fifo */
} spawned;

static void script(const char *text)
{
    served_folder(&served);
    (void)snprintf(spawned.program, sizeof(spawned.program), "%s/engine", served.folder);
    (void)snprintf(spawned.fifo, sizeof(spawned.fifo), "%s/fifo", served.folder);
    (void)snprintf(spawned.log, sizeof(spawned.log), "%s.log", served.path);
    FILE *file = fopen(spawned.program, "we");
    cr_assert_not_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", text);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(spawned.program, 0700), 0);
    cr_assert_eq(mkfifo(spawned.fifo, 0600), 0);
}

static void script_clear(void)
{
    (void)unlink(spawned.program);
    (void)unlink(spawned.fifo);
    (void)unlink(spawned.log);
    served_clear(&served);
}

static struct tp_ipc_client_config spawning(void)
{
    return (struct tp_ipc_client_config){
        .spawn = true, .engine_conf = "/the/engine.conf", .engine_program = spawned.program};
}

/* Plays the engine that the program would have started. */
static void *serve_when_told(void *unused)
{
    (void)unused;
    int fd = open(spawned.fifo, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t part;
    while ((part = read(fd, spawned.told + len, sizeof(spawned.told) - 1 - len)) > 0)
        len += (size_t)part;
    spawned.told[len] = '\0';
    close(fd);
    served_start(&served, (struct tp_ipc_server_config){.requests_most = 0});
    return NULL;
}

static const char reporting[] = "fds=$(ls /proc/$$/fd) ends=$(readlink /proc/$$/fd/0 /proc/$$/fd/1)\n"
                                "exec 3>\"$(dirname \"$0\")/fifo\"\n"
                                "echo \"$@\" >&3; echo \"$fds\" >&3; echo \"$ends\" >&3\n"
                                "grep -E '^Sig(Blk|Ign)' /proc/self/status >&3\n";

/* The set of signals in a line of /proc/PID/status. */
static unsigned long signals_told(const char *name)
{
    const char *at = strstr(spawned.told, name);
    cr_assert_not_null(at, "%s", spawned.told);
    return strtoul(at + strlen(name), NULL, 16);
}

static void check_started(void)
{
    pthread_t thread;
    script(reporting);
    cr_assert_eq(pthread_create(&thread, NULL, serve_when_told, NULL), 0);
    cr_assert_eq(ask(spawning()), TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_not_null(strstr(spawned.told, "engine --spawned --config /the/engine.conf\n"), "%s", spawned.told);
}

Test(spawn, starts_the_engine_and_waits_for_it, .timeout = 60)
{
    check_started();
    script_clear();
}

Test(spawn, gives_the_engine_nothing_of_the_host_programs, .timeout = 60)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    cr_assert_eq(dup2(STDERR_FILENO, 77), 77); /* a descriptor without close-on-exec */
    cr_assert_eq(pthread_sigmask(SIG_BLOCK, &blocked, NULL), 0);
    (void)signal(SIGHUP, SIG_IGN);
    check_started();
    cr_assert_null(strstr(spawned.told, "77\n"), "%s", spawned.told);
    cr_assert_not_null(strstr(spawned.told, "/dev/null\n"), "%s", spawned.told);
    cr_assert_not_null(strstr(spawned.told, spawned.log), "%s", spawned.told);
    cr_assert_eq(signals_told("SigBlk:"), 0u);
    cr_assert_eq(signals_told("SigIgn:") & (1ul << (SIGHUP - 1)), 0u);
    script_clear();
}

Test(spawn, says_which_setting_names_a_program_that_is_not_there, .timeout = 60)
{
    served_folder(&served);
    cr_assert_eq(ask((struct tp_ipc_client_config){
                     .spawn = true, .engine_conf = "/the/engine.conf", .engine_program = "/nowhere/trustp11d"}),
                 TP_UNREACHABLE);
    cr_assert_not_null(strstr(tp_error_words(&error), "engine_program in trustp11.conf"), "%s", tp_error_words(&error));
    (void)snprintf(spawned.log, sizeof(spawned.log), "%s.log", served.path);
    (void)unlink(spawned.log);
    served_clear(&served);
}

Test(spawn, does_not_need_to_hear_of_its_child, .timeout = 60)
{
    (void)signal(SIGCHLD, SIG_IGN); /* waitpid answers ECHILD */
    check_started();
    script_clear();
}

Test(spawn, says_how_the_engine_failed_and_where_it_wrote, .timeout = 60)
{
    script("echo words; exit 3");
    cr_assert_eq(ask(spawning()), TP_UNREACHABLE);
    cr_assert_not_null(strstr(tp_error_words(&error), "exit status 3"), "%s", tp_error_words(&error));
    cr_assert_not_null(strstr(tp_error_words(&error), spawned.log));
    char line[32] = "";
    FILE *log = fopen(spawned.log, "re");
    cr_assert_not_null(log);
    cr_assert_not_null(fgets(line, sizeof(line), log));
    cr_assert_str_eq(line, "words\n");
    (void)fclose(log);
    script_clear();
}

Test(spawn, says_that_there_is_no_such_program, .timeout = 60)
{
    script("exit 0");
    cr_assert_eq(unlink(spawned.program), 0);
    cr_assert_eq(ask(spawning()), TP_UNREACHABLE);
    cr_assert_not_null(strstr(tp_error_words(&error), spawned.program), "%s", tp_error_words(&error));
    script_clear();
}

Test(spawn, is_not_done_when_an_engine_is_there, .timeout = 60)
{
    script("exit 3");
    served_start(&served, (struct tp_ipc_server_config){.requests_most = 0});
    cr_assert_eq(ask(spawning()), TP_OK, "%s", tp_error_words(&error));
    cr_assert_neq(access(spawned.log, F_OK), 0);
    script_clear();
}

Test(spawn, needs_the_engines_configuration, .timeout = 60)
{
    struct tp_ipc_client *client;
    struct tp_ipc_client_config config = {.socket_path = "/tmp/x", .spawn = true};
    cr_assert_eq(tp_ipc_client_new(&config, &client), TP_BAD_ARGUMENT);
}
