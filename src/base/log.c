/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/clock.h"
#include "base/internal.h"
#include "base/process.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_LEN 2048 /* bytes, with the newline: below PIPE_BUF, so that lines of several processes never mix */
#define IDENT_LEN    64

static const struct {
    const char *word;
    int priority;
} levels[] = {
    [TP_LOG_ERROR] = {"error", LOG_ERR},
    [TP_LOG_WARNING] = {"warning", LOG_WARNING},
    [TP_LOG_INFO] = {"info", LOG_INFO},
    [TP_LOG_DEBUG] = {"debug", LOG_DEBUG},
};

static atomic_int sink_fd = -1;
static atomic_int sink_most = TP_LOG_ERROR;
static struct tp_process_file sink_file; /* not known, or what sink_fd must be; as sink_ident */
static char sink_ident[IDENT_LEN];       /* written by tp_log_open only, before there are threads */

void tp_log_open(int fd, enum tp_log_level most, const char *ident)
{
    (void)snprintf(sink_ident, sizeof(sink_ident), "%s", ident);
    tp_base_line_clean(sink_ident);
    sink_file = (struct tp_process_file){0};
    atomic_store(&sink_most, (int)most);
    atomic_store(&sink_fd, fd);
}

void tp_log_open_own(int fd, enum tp_log_level most, const char *ident)
{
    tp_log_open(-1, most, ident);
    tp_process_fd_look(fd, &sink_file);
    atomic_store(&sink_fd, fd);
}

void tp_log_close(void)
{
    atomic_store(&sink_fd, -1);
}

/* One write(2) for the line. What a log cannot take is lost: there is nobody to tell. */
static void write_line(int fd, const char *line, size_t len)
{
    ssize_t written;
    do
        written = write(fd, line, len);
    while (written < 0 && errno == EINTR);
}

static void write_stamped(int fd, enum tp_log_level level, const char *message)
{
    char stamp[TP_TIME_TEXT_LEN], line[LINE_MAX_LEN];
    if (!tp_process_fd_is(fd, &sink_file))
        return;
    tp_time_format(tp_clock_utc_ms(), false, stamp);
    int len = snprintf(line, sizeof(line), "%s %s[%ld] %s: %s\n", stamp, sink_ident, (long)getpid(), levels[level].word,
                       message);
    if (len > 0 && (size_t)len < sizeof(line))
        write_line(fd, line, (size_t)len);
}

void tp_log(enum tp_log_level level, const char *format, ...)
{
    int fd = atomic_load(&sink_fd);
    if ((fd < 0 && fd != TP_LOG_SYSLOG) || (int)level > atomic_load(&sink_most))
        return;
    int saved_errno = errno;
    char message[LINE_MAX_LEN - TP_TIME_TEXT_LEN - IDENT_LEN - 48]; /* 48: pid, level word and punctuation */
    va_list args;
    va_start(args, format);
    if (vsnprintf(message, sizeof(message), format, args) < 0)
        message[0] = '\0';
    va_end(args);
    tp_base_line_clean(message);
    if (fd == TP_LOG_SYSLOG) /* without openlog(3), whose settings belong to the whole process */
        syslog(LOG_DAEMON | levels[level].priority, "%s[%ld] %s: %s", sink_ident, (long)getpid(), levels[level].word,
               message);
    else
        write_stamped(fd, level, message);
    errno = saved_errno;
}
