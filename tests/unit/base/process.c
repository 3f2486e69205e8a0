/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_null_device(int fd)
{
    struct stat null, status;
    return stat("/dev/null", &null) == 0 && fstat(fd, &status) == 0 && status.st_rdev == null.st_rdev;
}

/* In a child, whose descriptors are its own: bit 0 is set when standard output was noted as open, bit 1 when it now is
 * the null device, bit 2 when the next descriptor would be one of the three. */
static int child_with(bool closes_out)
{
    pid_t child = fork();
    if (child == 0) {
        struct tp_process_std std;
        if (closes_out)
            (void)close(STDOUT_FILENO);
        if (!tp_process_std_fill(&std))
            _exit(64);
        _exit((std.open[STDOUT_FILENO] ? 1 : 0) | (is_null_device(STDOUT_FILENO) ? 2 : 0) | (dup(0) <= 2 ? 4 : 0));
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

Test(process, a_closed_standard_output_becomes_the_null_device_and_is_noted)
{
    cr_assert_eq(child_with(true), 2);
}

Test(process, an_open_standard_output_is_left_alone)
{
    bool null_before = is_null_device(STDOUT_FILENO);
    cr_assert_eq(child_with(false), null_before ? 3 : 1);
}

/* ---- a library's descriptors ---- */

static int new_descriptor(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

Test(process, a_librarys_descriptor_is_raised_above_the_standard_ones)
{
    cr_assert_eq(close(STDIN_FILENO), 0);
    int fd = new_descriptor();
    cr_assert_eq(fd, STDIN_FILENO);
    fd = tp_process_fd_raise(fd);
    cr_expect_gt(fd, STDERR_FILENO);
    cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cr_expect_eq(fcntl(STDIN_FILENO, F_GETFD), -1);
}

Test(process, one_that_is_high_enough_stays)
{
    int fd = new_descriptor();
    cr_expect_eq(tp_process_fd_raise(fd), fd);
    cr_expect_neq(fcntl(fd, F_GETFD), -1);
}

Test(process, none_stays_none_and_errno_says_why)
{
    errno = ENOENT;
    cr_expect_eq(tp_process_fd_raise(-1), -1);
    cr_expect_eq(errno, ENOENT);
}

Test(process, a_descriptor_is_known_again_and_another_of_its_number_is_not_closed)
{
    struct tp_process_file file;
    int fd = new_descriptor();
    tp_process_fd_look(fd, &file);
    cr_expect(tp_process_fd_is(fd, &file));
    cr_assert_eq(close(fd), 0);
    cr_expect_not(tp_process_fd_is(fd, &file));
    int other = open("/", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(other, fd);
    cr_expect_not(tp_process_fd_is(fd, &file));
    tp_process_fd_close(fd, &file);
    cr_expect_neq(fcntl(other, F_GETFD), -1);
    tp_process_fd_look(other, &file);
    tp_process_fd_close(other, &file);
    cr_expect_eq(fcntl(other, F_GETFD), -1);
}
