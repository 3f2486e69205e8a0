/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/bin:/usr/sbin:/bin"

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool tp_setup_program_find(const char *name, char ret_path[PATH_MAX])
{
    const char *folders = secure_getenv("PATH");
    for (const char *at = folders == NULL ? DEFAULT_PATH : folders; *at != '\0';) {
        int len = (int)strcspn(at, ":");
        int written = snprintf(ret_path, PATH_MAX, "%.*s/%s", len, at, name);
        if (len > 0 && written > 0 && written < PATH_MAX && is_program(ret_path))
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

/* What the program says goes into a file without a name: a pipe that nobody empties could stop it. */
static int spawn(const char *path, const char *const *argv, int said, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t ignored;
    (void)sigemptyset(&ignored);
    (void)sigaddset(&ignored, SIGPIPE); /* by us; not by them */
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigdefault(&attributes, &ignored);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&files, said, STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, said, STDERR_FILENO);
    int result =
        posix_spawn(ret_pid, path, &files, &attributes, (char *const *)(uintptr_t)argv, environ); /* reads ARGV only */
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    return result;
}

/* The last line that is not empty: what was wrong. */
static void last_line(int said, char *ret_line, size_t line_len)
{
    char text[2048];
    off_t size = lseek(said, 0, SEEK_END), begin = size > (off_t)sizeof text - 1 ? size - (off_t)sizeof text + 1 : 0;
    ssize_t len = pread(said, text, sizeof text - 1, begin);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
        len--;
    text[len < 0 ? 0 : len] = '\0';
    const char *newline = strrchr(text, '\n');
    (void)snprintf(ret_line, line_len, "%.*s", (int)line_len - 1, newline == NULL ? text : newline + 1);
}

static enum tp_rc judge(const char *name, int status, int said, struct tp_error *error)
{
    char line[256];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TP_OK;
    last_line(said, line, sizeof line);
    return tp_error_set(error, TP_IO, "%s failed: %s", name, line[0] == '\0' ? "it does not say why" : line);
}

enum tp_rc tp_setup_program_run(const char *const *argv, struct tp_error *error)
{
    char path[PATH_MAX];
    pid_t pid;
    int status = 0;
    if (!tp_setup_program_find(argv[0], path))
        return tp_error_set(error, TP_NOT_FOUND, "%s is not installed", argv[0]);
    FILE *said = tmpfile();
    if (said == NULL)
        return tp_error_set(error, TP_IO, "no temporary file: %s", strerror(errno));
    int result = spawn(path, argv, fileno(said), &pid);
    enum tp_rc rc = TP_OK;
    if (result != 0)
        rc = tp_error_set(error, TP_IO, "%s: %s", path, strerror(result));
    while (rc == TP_OK && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            rc = tp_error_set(error, TP_IO, "%s: %s", path, strerror(errno));
    if (rc == TP_OK)
        rc = judge(argv[0], status, fileno(said), error);
    (void)fclose(said);
    return rc;
}
