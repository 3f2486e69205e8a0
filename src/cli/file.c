/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t read_some(int fd, void *at, size_t len)
{
    ssize_t got;
    do
        got = read(fd, at, len);
    while (got < 0 && errno == EINTR);
    return got;
}

static enum tp_rc read_all(int fd, size_t most, struct tp_buf *ret_bytes)
{
    uint8_t block[16384];
    size_t total = 0;
    ssize_t got;
    while ((got = read_some(fd, block, sizeof block)) > 0) {
        total += (size_t)got;
        if (total > most)
            return TP_TOO_LARGE;
        TP_TRY(tp_buf_append(ret_bytes, TP_BYTES(block, (size_t)got)));
    }
    return got < 0 ? TP_IO : TP_OK;
}

static enum tp_rc open_input(const char *path, struct tp_error *error, int *ret_fd)
{
    bool is_input = strcmp(path, "-") == 0;
    int fd = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tp_error_set(error, errno == ENOENT ? TP_NOT_FOUND : TP_IO, "%s: %s", path, strerror(errno));
    *ret_fd = fd;
    return TP_OK;
}

static enum tp_rc read_failed(const char *path, size_t most, enum tp_rc rc, struct tp_error *error)
{
    if (rc == TP_TOO_LARGE)
        return tp_error_set(error, rc, "%s: larger than %zu bytes; is it the right file?", path, most);
    return tp_error_set(error, rc, "%s: %s", path, rc == TP_IO ? strerror(errno) : tp_rc_words(rc));
}

enum tp_rc tp_cli_file_read(const char *path, size_t most, struct tp_error *error, struct tp_buf *ret_bytes)
{
    int fd;
    TP_TRY(open_input(path, error, &fd));
    enum tp_rc rc = read_all(fd, most, ret_bytes);
    if (rc != TP_OK)
        rc = read_failed(path, most, rc, error);
    (void)close(fd);
    return rc;
}

static enum tp_rc read_secret(int fd, struct tp_secret *secret)
{
    size_t len = 0, capacity = tp_secret_capacity(secret);
    ssize_t got = 0;
    while (len < capacity && (got = read_some(fd, tp_secret_data(secret) + len, capacity - len)) > 0)
        len += (size_t)got;
    if (got < 0)
        return TP_IO;
    return len == capacity ? TP_TOO_LARGE : tp_secret_set_len(secret, len);
}

static enum tp_rc check_private(int fd, const char *path, struct tp_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return tp_error_set(error, TP_IO, "%s: %s", path, strerror(errno));
    if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return tp_error_set(error, TP_NOT_PERMITTED, "%s: others can read it; chmod 600 it first", path);
    return TP_OK;
}

enum tp_rc tp_cli_file_read_secret(const char *path, struct tp_error *error, struct tp_secret **ret_secret)
{
    struct tp_secret *secret TP_AUTO(tp_secret_free_p) = NULL;
    int fd;
    TP_TRY(tp_secret_new(TP_SECRET_MAX, &secret));
    TP_TRY(open_input(path, error, &fd));
    enum tp_rc rc = check_private(fd, path, error);
    if (rc == TP_OK && (rc = read_secret(fd, secret)) != TP_OK)
        rc = read_failed(path, TP_SECRET_MAX - 1, rc, error);
    (void)close(fd);
    TP_TRY(rc);
    *ret_secret = secret;
    secret = NULL;
    return TP_OK;
}

enum tp_rc tp_cli_file_put(int fd, struct tp_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.data, bytes.len);
        if (put < 0 && errno != EINTR)
            return TP_IO;
        if (put > 0)
            bytes = TP_BYTES(bytes.data + put, bytes.len - (size_t)put);
    }
    return TP_OK;
}

static enum tp_rc refuse_existing(const char *path, struct tp_error *error)
{
    return tp_error_set(error, TP_EXISTS, "%s is there already; move it away first", path);
}

enum tp_rc tp_cli_file_place_check(const char *path, struct tp_error *error)
{
    struct stat about;
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder == NULL)
        return TP_MEMORY;
    enum tp_rc rc = TP_OK;
    if (lstat(path, &about) == 0)
        rc = refuse_existing(path, error);
    else if (access(folder, W_OK | X_OK) != 0)
        rc = tp_error_set(error, TP_IO, "%s: it cannot be made in the folder %s: %s", path, folder, strerror(errno));
    free(folder);
    return rc;
}

enum tp_rc tp_cli_file_make(const char *path, mode_t mode, struct tp_error *error, int *ret_fd)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return errno == EEXIST ? refuse_existing(path, error)
                               : tp_error_set(error, TP_IO, "%s: %s", path, strerror(errno));
    if (fchmod(fd, mode) != 0) { /* since the umask has had its say on MODE */
        enum tp_rc rc = tp_error_set(error, TP_IO, "%s: %s", path, strerror(errno));
        (void)close(fd);
        (void)unlink(path);
        return rc;
    }
    *ret_fd = fd;
    return TP_OK;
}

enum tp_rc tp_cli_file_fill(int fd, const char *path, struct tp_bytes bytes, struct tp_error *error)
{
    bool written = tp_cli_file_put(fd, bytes) == TP_OK && fsync(fd) == 0;
    enum tp_rc rc = written ? TP_OK : tp_error_set(error, TP_IO, "%s: %s", path, strerror(errno));
    if (close(fd) != 0 && rc == TP_OK)
        rc = tp_error_set(error, TP_IO, "%s: %s", path, strerror(errno));
    if (rc != TP_OK)
        (void)unlink(path);
    return rc;
}

enum tp_rc tp_cli_file_write(const char *path, mode_t mode, struct tp_bytes bytes, struct tp_error *error)
{
    int fd;
    TP_TRY(tp_cli_file_make(path, mode, error, &fd));
    return tp_cli_file_fill(fd, path, bytes, error);
}
