/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/log.h"
#include "base/log.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDENT "libtrustp11"

/* Under the gate's mutex. */
static int own_fd = -1; /* a file that we opened */
static struct tp_process_file own_file;
static bool is_open;

/* A file is made for its owner alone: it names users and their keys' states. */
static int open_file(const char *path)
{
    own_fd = tp_process_fd_raise(
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600));
    if (own_fd >= 0)
        tp_process_fd_look(own_fd, &own_file);
    return own_fd;
}

/* /dev/stderr is a link, which open_file follows nowhere. */
static int sink_of(const char *place)
{
    if (strcmp(place, "stderr") == 0 || strcmp(place, "/dev/stderr") == 0)
        return STDERR_FILENO;
    if (strcmp(place, "syslog") == 0)
        return TP_LOG_SYSLOG;
    return open_file(place);
}

void tp_p11_log_open(const char *configured)
{
    const char *place = secure_getenv("TRUSTP11_DEBUG");
    if (is_open)
        return; /* the environment has said so already */
    if (place == NULL || place[0] == '\0')
        place = configured;
    if (place == NULL)
        return;
    int fd = sink_of(place);
    bool failed = fd < 0 && fd != TP_LOG_SYSLOG;
    const char *why = strerrordesc_np(errno);
    is_open = true;
    if (own_fd >= 0)
        tp_log_open_own(own_fd, TP_LOG_DEBUG, IDENT);
    else
        tp_log_open(failed ? TP_LOG_SYSLOG : fd, failed ? TP_LOG_WARNING : TP_LOG_DEBUG, IDENT);
    if (failed) /* whoever waits for lines in that file looks for them here next */
        tp_log(TP_LOG_WARNING, "%s: %s; the log goes to syslog", place, why);
}

void tp_p11_log_close(void)
{
    tp_log_close();
    if (own_fd >= 0)
        tp_process_fd_close(own_fd, &own_file);
    own_fd = -1;
    is_open = false;
}

void tp_p11_log_failure(const char *name, const struct tp_error *error, enum tp_rc rc)
{
    if (!is_open)
        tp_log_open(TP_LOG_SYSLOG, TP_LOG_WARNING, IDENT);
    tp_log(TP_LOG_ERROR, "%s: %s", name, error->rc != TP_OK ? tp_error_words(error) : tp_rc_words(rc));
}
