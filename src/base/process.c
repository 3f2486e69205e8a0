/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Upwards: open() takes the lowest number that is free, which is then FD itself. */
bool tp_process_std_fill(struct tp_process_std *ret_std)
{
    struct tp_process_std std = {{false, false, false}};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        std.open[fd] = fcntl(fd, F_GETFD) != -1;
        if (!std.open[fd] && open("/dev/null", O_RDWR) != fd)
            return false;
    }
    *ret_std = std;
    return true;
}

int tp_process_fd_raise(int fd)
{
    if (fd < STDIN_FILENO || fd > STDERR_FILENO)
        return fd;
    int raised = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int failed = errno;
    (void)close(fd);
    errno = failed;
    return raised;
}
