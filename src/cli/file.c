/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file.h"
#include "base/new_file.h"

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

static enum tp_rc failed(const char *path, struct tp_error *error)
{
    return tp_error_set(error, TP_IO, "%s: %s", path, strerror(errno));
}

char *tp_cli_file_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

enum tp_rc tp_cli_file_place_check(const char *path, struct tp_error *error)
{
    struct stat about;
    char *folder = tp_cli_file_folder(path);
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

/* ---- new files ---- */

struct tp_cli_new_file {
    char *path;
    const char *name; /* in PATH */
    int folder;
    struct tp_new_file file;
};

void tp_cli_new_file_free(struct tp_cli_new_file *file)
{
    if (file == NULL)
        return;
    tp_new_file_drop(&file->file);
    if (file->folder >= 0)
        (void)close(file->folder);
    free(file->path);
    free(file);
}

/* Its folder need not be one that can be read. */
static enum tp_rc open_folder(struct tp_cli_new_file *file, struct tp_error *error)
{
    char *folder = tp_cli_file_folder(file->path);
    if (folder == NULL)
        return TP_MEMORY;
    file->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const enum tp_rc rc = file->folder < 0 ? failed(file->path, error) : TP_OK;
    free(folder);
    return rc;
}

static enum tp_rc set_up(struct tp_cli_new_file *file, const char *path, mode_t mode, struct tp_error *error)
{
    const char *slash = strrchr(path, '/');
    if ((file->path = strdup(path)) == NULL)
        return TP_MEMORY;
    file->name = slash == NULL ? file->path : file->path + (slash - path) + 1;
    if (file->name[0] == '\0')
        return tp_error_set(error, TP_USAGE, "'%s' is no name of a file", path);
    TP_TRY(open_folder(file, error));
    const enum tp_rc rc = tp_new_file_make(file->folder, mode, &file->file);
    return rc == TP_IO ? failed(path, error) : rc;
}

static enum tp_rc make(const char *path, mode_t mode, struct tp_error *error, struct tp_cli_new_file **ret_file)
{
    struct tp_cli_new_file *file TP_AUTO(tp_cli_new_file_free_p) = calloc(1, sizeof *file);
    if (file == NULL)
        return TP_MEMORY;
    file->folder = -1;
    file->file = (struct tp_new_file)TP_NEW_FILE_NONE;
    TP_TRY(set_up(file, path, mode, error));
    *ret_file = file;
    file = NULL;
    return TP_OK;
}

enum tp_rc tp_cli_file_make(const char *path, mode_t mode, struct tp_error *error, struct tp_cli_new_file **ret_file)
{
    struct stat about;
    if (lstat(path, &about) == 0)
        return refuse_existing(path, error);
    return make(path, mode, error, ret_file);
}

static enum tp_rc write_durably(struct tp_cli_new_file *file, struct tp_bytes bytes, struct tp_error *error)
{
    const int fd = file->file.fd;
    return tp_cli_file_put(fd, bytes) == TP_OK && fsync(fd) == 0 ? TP_OK : failed(file->path, error);
}

static enum tp_rc named(const struct tp_cli_new_file *file, enum tp_rc rc, struct tp_error *error)
{
    if (rc == TP_EXISTS)
        return refuse_existing(file->path, error);
    return rc == TP_IO ? failed(file->path, error) : rc;
}

/* A folder that cannot be read cannot be synced either: the name is there, and will be durable in its time. */
static enum tp_rc sync_folder(const struct tp_cli_new_file *file, struct tp_error *error)
{
    const int folder = openat(file->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno == EACCES ? TP_OK : failed(file->path, error);
    const bool synced = fsync(folder) == 0 || errno == EINVAL;
    const enum tp_rc rc = synced ? TP_OK : failed(file->path, error);
    (void)close(folder);
    return rc;
}

enum tp_rc tp_cli_file_fill(struct tp_cli_new_file *file, struct tp_bytes bytes, struct tp_error *error)
{
    TP_TRY(write_durably(file, bytes, error));
    TP_TRY(named(file, tp_new_file_name(&file->file, file->name), error));
    return sync_folder(file, error);
}

enum tp_rc tp_cli_file_write(const char *path, mode_t mode, struct tp_bytes bytes, struct tp_error *error)
{
    struct tp_cli_new_file *file TP_AUTO(tp_cli_new_file_free_p) = NULL;
    TP_TRY(tp_cli_file_make(path, mode, error, &file));
    return tp_cli_file_fill(file, bytes, error);
}

enum tp_rc tp_cli_file_write_for(const char *path, mode_t mode, gid_t group, struct tp_bytes bytes, struct tp_error *error)
{
    struct tp_cli_new_file *file TP_AUTO(tp_cli_new_file_free_p) = NULL;
    TP_TRY(tp_cli_file_make(path, S_IRUSR | S_IWUSR, error, &file));
    if (fchown(file->file.fd, (uid_t)-1, group) != 0 || fchmod(file->file.fd, mode) != 0)
        return failed(path, error);
    return tp_cli_file_fill(file, bytes, error);
}

enum tp_rc tp_cli_file_replace(const char *path, mode_t mode, struct tp_bytes bytes, struct tp_error *error)
{
    struct tp_cli_new_file *file TP_AUTO(tp_cli_new_file_free_p) = NULL;
    struct stat about;
    if (lstat(path, &about) == 0 && !S_ISREG(about.st_mode))
        return tp_error_set(error, TP_EXISTS, "%s is there already, and no regular file; move it away first", path);
    TP_TRY(make(path, mode, error, &file));
    TP_TRY(write_durably(file, bytes, error));
    TP_TRY(named(file, tp_new_file_name_over(&file->file, file->name), error));
    return sync_folder(file, error);
}
