/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <criterion/criterion.h>
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
