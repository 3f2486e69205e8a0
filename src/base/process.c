/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
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

void tp_process_fd_look(int fd, struct tp_process_file *ret_file)
{
    struct stat status;
    *ret_file = (struct tp_process_file){0};
    if (fstat(fd, &status) == 0)
        *ret_file = (struct tp_process_file){status.st_dev, status.st_ino};
}

/* A confined program may not be allowed to look. */
bool tp_process_fd_is(int fd, const struct tp_process_file *file)
{
    struct stat status;
    if (file->number == 0)
        return true;
    if (fstat(fd, &status) != 0)
        return errno != EBADF;
    return status.st_dev == file->device && status.st_ino == file->number;
}

void tp_process_fd_close(int fd, const struct tp_process_file *file)
{
    if (tp_process_fd_is(fd, file))
        (void)close(fd);
}
