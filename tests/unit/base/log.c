/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A packet pipe keeps the borders of write(2) calls: one read gives what one write put in. */
static int ends[2];

static void open_pipe(void)
{
    cr_assert_eq(pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
}

/* "" when nothing was written. */
static const char *next_line(void)
{
    static char line[4097];
    ssize_t len = read(ends[0], line, sizeof(line) - 1);
    line[len > 0 ? len : 0] = '\0';
    return line;
}

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int result = regexec(&regex, text, 0, NULL, 0);
    regfree(&regex);
    return result == 0;
}

Test(log, a_message_is_one_write_with_time_program_and_level, .init = open_pipe)
{
    tp_log_open(ends[1], TP_LOG_INFO, "trustp11d");
    tp_log(TP_LOG_WARNING, "disk %d%% full", 93);
    cr_assert(matches(next_line(), "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z trustp11d\\[[0-9]+\\] "
                                   "warning: disk 93% full\n$"));
    cr_assert_str_eq(next_line(), "");
}

Test(log, levels_up_to_the_limit_are_written, .init = open_pipe)
{
    tp_log_open(ends[1], TP_LOG_INFO, "x");
    tp_log(TP_LOG_ERROR, "one");
    tp_log(TP_LOG_INFO, "two");
    cr_assert(matches(next_line(), " error: one\n$"));
    cr_assert(matches(next_line(), " info: two\n$"));
}

Test(log, levels_past_the_limit_are_not_written, .init = open_pipe)
{
    tp_log_open(ends[1], TP_LOG_INFO, "x");
    tp_log(TP_LOG_DEBUG, "three");
    cr_assert_str_eq(next_line(), "");
}

Test(log, nothing_is_written_before_open_and_after_close, .init = open_pipe)
{
    tp_log(TP_LOG_ERROR, "before");
    tp_log_open(ends[1], TP_LOG_DEBUG, "x");
    tp_log_close();
    tp_log(TP_LOG_ERROR, "after");
    tp_log_open(-1, TP_LOG_DEBUG, "x");
    tp_log(TP_LOG_ERROR, "nowhere");
    cr_assert_str_eq(next_line(), "");
}

Test(log, a_message_cannot_forge_a_second_line, .init = open_pipe)
{
    tp_log_open(ends[1], TP_LOG_INFO, "x\ny");
    tp_log(TP_LOG_INFO, "user %s", "a\n2026-11-22T10:48:00.123Z trustp11d[1] info: forged\x1B[1m");
    const char *line = next_line();
    cr_assert_eq(strchr(line, '\n'), line + strlen(line) - 1);
    cr_assert_not_null(strstr(line, "x?y["));
    cr_assert_not_null(strstr(line, "user a?2026"));
    cr_assert_null(strchr(line, 0x1B));
    cr_assert_str_eq(next_line(), "");
}

Test(log, a_long_message_is_cut_but_still_one_line, .init = open_pipe)
{
    char text[10000], ident[300];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memset(ident, 'i', sizeof(ident));
    ident[sizeof(ident) - 1] = '\0';
    tp_log_open(ends[1], TP_LOG_INFO, ident);
    tp_log(TP_LOG_WARNING, "%s", text);
    const char *line = next_line();
    cr_assert_gt(strlen(line), 1500);
    cr_assert_leq(strlen(line), 2048);
    cr_assert_eq(line[strlen(line) - 1], '\n');
    cr_assert_str_eq(next_line(), "");
}

Test(log, nothing_goes_into_what_has_the_number_of_a_file_that_was_closed, .init = open_pipe)
{
    int fd = dup(ends[1]);
    tp_log_open_own(fd, TP_LOG_INFO, "x");
    tp_log(TP_LOG_INFO, "written");
    cr_assert(matches(next_line(), "written\n$"));
    cr_assert_eq(close(fd), 0);
    open_pipe();
    cr_assert_eq(dup2(ends[1], fd), fd);
    tp_log(TP_LOG_INFO, "not written");
    cr_assert_str_eq(next_line(), "");
}

Test(log, errno_is_left_alone, .init = open_pipe)
{
    tp_log_open(ends[1], TP_LOG_INFO, "x");
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    errno = ENOTTY;
    tp_log(TP_LOG_INFO, "into nowhere");
    cr_assert_eq(errno, ENOTTY);
}

static void *log_some(void *letter)
{
    for (int i = 0; i < 4; i++)
        tp_log(TP_LOG_INFO, "%s%s%s%s", (char *)letter, (char *)letter, (char *)letter, (char *)letter);
    return NULL;
}

Test(log, lines_of_threads_do_not_mix, .init = open_pipe)
{
    static char letters[][9] = {"aaaaaaaa", "bbbbbbbb", "cccccccc"};
    pthread_t threads[3];
    tp_log_open(ends[1], TP_LOG_INFO, "x");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, log_some, letters[i]), 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 12; i++)
        cr_assert(matches(next_line(), " info: (a{32}|b{32}|c{32})\n$"));
    cr_assert_str_eq(next_line(), "");
}
