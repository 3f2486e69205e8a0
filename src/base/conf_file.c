/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration file's bytes: what may be read, and how much of it.
 */
#include "base/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_LEN ((size_t)1 << 20)
#define READ_LEN     ((size_t)4096)

static enum tp_rc check_file(int fd, bool owner_only, const char *file, struct tp_error *error, size_t *ret_len)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return tp_error_set(error, TP_CONFIG, "%s: %s", file, strerrordesc_np(errno));
    if (!S_ISREG(st.st_mode))
        return tp_error_set(error, TP_CONFIG, "%s: not a regular file", file);
    if (st.st_size < 0 || (uintmax_t)st.st_size > FILE_MAX_LEN)
        return tp_error_set(error, TP_CONFIG, "%s: larger than 1 MiB", file);
    if (owner_only && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return tp_error_set(error, TP_CONFIG, "%s: others may write this file; run chmod go-w on it", file);
    if (owner_only && st.st_uid != 0 && st.st_uid != geteuid())
        return tp_error_set(error, TP_CONFIG, "%s: belongs to uid %lu, who may write it; make it yours or root's", file,
                            (unsigned long)st.st_uid);
    *ret_len = (size_t)st.st_size;
    return TP_OK;
}

/* Reads to the end: the file may be growing while it is read, but not past the limit. */
static enum tp_rc read_all(int fd, const char *file, struct tp_error *error, struct tp_buf *ret_text)
{
    for (;;) {
        TP_TRY(tp_buf_reserve(ret_text, READ_LEN));
        ssize_t len = read(fd, ret_text->data + ret_text->len, READ_LEN);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return tp_error_set(error, TP_CONFIG, "%s: %s", file, strerrordesc_np(errno));
        if (len == 0)
            return TP_OK;
        if ((size_t)len > FILE_MAX_LEN - ret_text->len)
            return tp_error_set(error, TP_CONFIG, "%s: larger than 1 MiB", file);
        ret_text->len += (size_t)len;
    }
}

enum tp_rc tp_conf_file_read(const char *file, bool owner_only, struct tp_error *error, struct tp_buf *ret_text)
{
    /* O_NONBLOCK: a FIFO in the place of the file must not stop us here */
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return tp_error_set(error, TP_CONFIG, "%s: %s", file, strerrordesc_np(errno));
    size_t len = 0;
    enum tp_rc rc = check_file(fd, owner_only, file, error, &len);
    if (rc == TP_OK)
        rc = tp_buf_reserve(ret_text, len);
    if (rc == TP_OK)
        rc = read_all(fd, file, error, ret_text);
    (void)close(fd);
    return rc;
}
