/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting the engine on a development machine, from within somebody else's process: posix_spawn does not run that
 * program's fork handlers and copies none of its memory. The engine detaches itself; several that start at once sort it
 * out with a lock of theirs, and the losers exit with 0.
 */
#include "ipc/internal_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define REAP_TRIES    50
#define REAP_PAUSE_MS 10

/* Beside the socket: where whoever configured the one will look. */
static int open_log(const struct tp_ipc_client_config *config, struct tp_ipc_spawn *spawn)
{
    (void)snprintf(spawn->log, sizeof(spawn->log), "%s.log", config->socket_path);
    int fd = open(spawn->log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    (void)snprintf(spawn->log, sizeof(spawn->log), "/dev/null");
    return open(spawn->log, O_WRONLY | O_CLOEXEC);
}

/* The log may be any descriptor, even 0 of a program that has closed its own: it is copied before /dev/null becomes 0.
 */
static int actions_make(int log_fd, posix_spawn_file_actions_t *actions)
{
    int failed = posix_spawn_file_actions_adddup2(actions, log_fd, STDOUT_FILENO);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
    if (failed == 0)
        failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (failed == 0)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return failed;
}

/* The host program's blocked, ignored and handled signals are not the engine's, nor is its session. */
static int attributes_make(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int failed = posix_spawnattr_setsigdefault(attributes, &all);
    if (failed == 0)
        failed = posix_spawnattr_setsigmask(attributes, &none);
    if (failed == 0)
        failed =
            posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    return failed;
}

static int start(const char *program, const char *conf, int log_fd, pid_t *ret_pid)
{
    const char *const words[] = {program, "engine", "--spawned", "--config", conf, NULL};
    char *argv[sizeof(words) / sizeof(words[0])];
    memcpy(argv, words, sizeof(words)); /* posix_spawn does not write to them, whatever its prototype says */
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        failed = actions_make(log_fd, &actions);
        if (failed == 0)
            failed = attributes_make(&attributes);
        if (failed == 0)
            failed = posix_spawn(ret_pid, program, &actions, &attributes, argv, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

enum tp_rc tp_ipc_spawn_start(const struct tp_ipc_client_config *config, struct tp_error *error,
                              struct tp_ipc_spawn *spawn)
{
    const char *program = config->engine_program != NULL ? config->engine_program : TP_ENGINE_PROGRAM;
    if (getauxval(AT_SECURE) != 0)
        return tp_error_set(error, TP_NOT_PERMITTED,
                            "a set-uid program does not start engines; start trustp11d yourself");
    int log_fd = open_log(config, spawn);
    if (log_fd < 0)
        return tp_error_set(error, TP_UNREACHABLE, "cannot open /dev/null for the engine: %s", strerror(errno));
    int failed = start(program, config->engine_conf, log_fd, &spawn->pid);
    (void)close(log_fd);
    if (failed != 0)
        return tp_error_set(error, TP_UNREACHABLE,
                            "cannot start the engine %s: %s; say where trustp11d is: engine_program in trustp11.conf",
                            program, strerror(failed));
    return TP_OK;
}

static enum tp_rc ended(struct tp_ipc_spawn *spawn, int status, struct tp_error *error)
{
    spawn->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TP_OK; /* detached, or another process's engine has won */
    return tp_error_set(error, TP_UNREACHABLE, "the engine ended while it started (%s %d); see %s",
                        WIFEXITED(status) ? "exit status" : "signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), spawn->log);
}

/* ECHILD: the host program ignores SIGCHLD, or has reaped the child itself. Whether the engine came shows in
 * connecting. */
enum tp_rc tp_ipc_spawn_check(struct tp_ipc_spawn *spawn, struct tp_error *error)
{
    if (spawn->pid == 0)
        return TP_OK;
    int status;
    pid_t pid = waitpid(spawn->pid, &status, WNOHANG);
    if (pid == spawn->pid)
        return ended(spawn, status, error);
    if (pid < 0 && errno == ECHILD)
        spawn->pid = 0;
    return TP_OK;
}

/* The process that was started ends once the engine has detached itself: no zombie is left to the host program. */
void tp_ipc_spawn_reap(struct tp_ipc_spawn *spawn)
{
    for (int i = 0; i < REAP_TRIES && spawn->pid != 0; i++) {
        if (tp_ipc_spawn_check(spawn, NULL) != TP_OK || spawn->pid == 0)
            return;
        (void)nanosleep(&(struct timespec){.tv_nsec = REAP_PAUSE_MS * 1000000L}, NULL);
    }
}
