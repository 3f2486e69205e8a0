/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/process.h"

#include "ipc/internal_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STARTED_FIELD 22
#define STATE_FIELD   3 /* the first one behind the name */
#define STAT_LEN      1024

/* The name in field 2 may have spaces and parentheses in it; what follows it has none. */
static const char *behind_name(const char *text)
{
    const char *at = strrchr(text, ')');
    return at != NULL && at[1] == ' ' ? at + 1 : NULL;
}

uint64_t tp_ipc_stat_started(const char *text)
{
    const char *at = behind_name(text);
    for (unsigned field = STATE_FIELD; field < STARTED_FIELD && at != NULL; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL || at[0] != ' ' || at[1] < '0' || at[1] > '9')
        return 0;
    errno = 0;
    unsigned long long started = strtoull(at + 1, NULL, 10);
    return errno == 0 ? started : 0;
}

static void read_stat(pid_t pid, char ret_text[STAT_LEN])
{
    char path[64];
    ssize_t len = 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, ret_text, STAT_LEN - 1);
        (void)close(fd);
    }
    ret_text[len > 0 ? len : 0] = '\0';
}

uint64_t tp_ipc_process_started(pid_t pid)
{
    char text[STAT_LEN];
    read_stat(pid, text);
    return tp_ipc_stat_started(text);
}

bool tp_ipc_process_alive(pid_t pid, uint64_t started)
{
    char text[STAT_LEN];
    read_stat(pid, text);
    const char *state = behind_name(text);
    return state != NULL && strchr("ZXx", state[1]) == NULL && tp_ipc_stat_started(text) == started;
}
