/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum tp_rc tp_lock_file_take(const char *store, struct tp_error *error, int *ret_fd)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s.lock", store) >= (int)sizeof path)
        return tp_error_set(error, TP_CONFIG, "the store's path is too long: %s", store);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return tp_error_set(error, TP_IO, "%s: %s; is the folder there, and ours to write?", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum tp_rc rc = errno == EWOULDBLOCK
                            ? tp_error_set(error, TP_EXISTS, "an engine already serves %s", store)
                            : tp_error_set(error, TP_IO, "%s: %s", path, strerror(errno));
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return TP_OK;
}

void tp_lock_file_release(int fd)
{
    if (fd >= 0)
        close(fd);
}
