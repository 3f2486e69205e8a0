/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup/textfile.h"
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static enum tp_rc failed(struct tp_error *error, const char *path)
{
    enum tp_rc rc = errno == EACCES || errno == EPERM || errno == EROFS ? TP_NOT_PERMITTED : TP_IO;
    return tp_error_set(error, rc, "%s: %s", path, strerror(errno));
}

/* The folder above PATH, which is absolute: "/" is above itself. */
static void cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    slash[slash == path] = '\0';
}

/* ---- whose ---- */

/* Root could write everywhere, but what it makes in somebody's home would not be theirs. */
static enum tp_rc check_owner(const char *path, const struct stat *status, struct tp_error *error)
{
    if (status->st_uid == geteuid() || (geteuid() != 0 && access(path, W_OK) == 0))
        return TP_OK;
    return tp_error_set(error, TP_NOT_PERMITTED, "%s belongs to another user (uid %u): run this as that user", path,
                        (unsigned)status->st_uid);
}

enum tp_rc tp_setup_folder_check(const char *path, struct tp_error *error, unsigned *ret_missing)
{
    char folder[PATH_MAX];
    struct stat status;
    unsigned missing = 0;
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (; stat(folder, &status) != 0; cut_last(folder), missing++)
        if (errno != ENOENT)
            return failed(error, folder);
    if (!S_ISDIR(status.st_mode))
        return tp_error_set(error, TP_EXISTS, "%s is no folder", folder);
    TP_TRY(check_owner(folder, &status, error));
    if (access(folder, W_OK | X_OK) != 0)
        return failed(error, folder);
    *ret_missing = missing;
    return TP_OK;
}

static enum tp_rc check_file(const char *path, const struct stat *status, struct tp_error *error)
{
    if (!S_ISREG(status->st_mode))
        return tp_error_set(error, TP_NOT_PERMITTED, "%s is no regular file", path);
    TP_TRY(check_owner(path, status, error));
    if ((status->st_mode & S_IWUSR) == 0)
        return tp_error_set(error, TP_NOT_PERMITTED,
                            "%s is read-only; chmod u+w it first, if it is meant to be changed", path);
    return TP_OK;
}

/* ---- reading ---- */

void tp_setup_textfile_clear(struct tp_setup_textfile *file)
{
    tp_buf_clear(&file->text);
}

static enum tp_rc read_there(struct tp_setup_textfile *file, struct tp_error *error)
{
    struct stat status;
    if (stat(file->path, &status) != 0)
        return failed(error, file->path);
    TP_TRY(check_file(file->path, &status, error));
    TP_TRY(tp_cli_file_read(file->path, TP_SETUP_TEXT_MAX, error, &file->text));
    if (strlen(tp_buf_string(&file->text)) != file->text.len)
        return tp_error_set(error, TP_MALFORMED, "%s is no text", file->path);
    file->there = true;
    file->mode = status.st_mode & 07777;
    return TP_OK;
}

enum tp_rc tp_setup_textfile_read(const char *path, struct tp_error *error, struct tp_setup_textfile *ret_file)
{
    struct tp_setup_textfile file TP_AUTO(tp_setup_textfile_clear) = {.there = false};
    char folder[PATH_MAX];
    struct stat status;
    if (realpath(path, file.path) == NULL) {
        if (errno != ENOENT)
            return failed(error, path);
        if (lstat(path, &status) == 0)
            return tp_error_set(error, TP_NOT_FOUND, "%s is a link to nothing", path);
        (void)snprintf(file.path, sizeof file.path, "%s", path);
    } else {
        TP_TRY(read_there(&file, error));
    }
    (void)snprintf(folder, sizeof folder, "%s", file.path);
    cut_last(folder);
    TP_TRY(tp_setup_folder_check(folder, error, &file.missing));
    *ret_file = file;
    file.text = TP_BUF_INIT;
    return TP_OK;
}

/* ---- writing ---- */

enum tp_rc tp_setup_folders_make(const char *path, mode_t mode, struct tp_error *error)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, mode) != 0 && errno != EEXIST)
            return failed(error, folder);
        *slash = '/';
    }
    return TP_OK;
}

void tp_setup_folders_remove(const char *path, unsigned count)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    while (count-- > 0) {
        cut_last(folder);
        if (rmdir(folder) != 0)
            return;
    }
}

/* Access lists and labels are attributes of the file that is replaced, like its mode. What cannot be carried over is
 * not worth a failure: the mode has been. */
static void copy_attributes(const char *from, int to)
{
    char names[4096], value[4096];
    ssize_t names_len = listxattr(from, names, sizeof names), len;
    for (char *name = names; names_len > 0 && name < names + names_len; name += strlen(name) + 1)
        if ((len = getxattr(from, name, value, sizeof value)) >= 0)
            (void)!fsetxattr(to, name, value, (size_t)len, 0);
}

static bool fill(int fd, const char *path, mode_t mode, struct tp_bytes text)
{
    struct stat old;
    if (stat(path, &old) == 0) {
        (void)!fchown(fd, (uid_t)-1, old.st_gid); /* a group that we are not in is not ours to give */
        copy_attributes(path, fd);
    }
    return fchmod(fd, mode) == 0 && tp_cli_file_put(fd, text) == TP_OK && fsync(fd) == 0;
}

/* The name of a file is content of its folder. */
static bool sync_folder(const char *path)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    cut_last(folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return synced;
}

enum tp_rc tp_setup_textfile_replace(const char *path, mode_t mode, struct tp_bytes text, struct tp_error *error)
{
    char fresh[PATH_MAX];
    int len = snprintf(fresh, sizeof fresh, "%s.trustp11-XXXXXX", path);
    int fd = len < 0 || (size_t)len >= sizeof fresh ? -1 : mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return failed(error, path);
    bool filled = fill(fd, path, mode, text);
    filled = close(fd) == 0 && filled && rename(fresh, path) == 0;
    if (filled && sync_folder(path))
        return TP_OK;
    enum tp_rc rc = failed(error, path);
    (void)unlink(fresh);
    return rc;
}

enum tp_rc tp_setup_textfile_remove(const char *path, struct tp_error *error)
{
    return unlink(path) == 0 && sync_folder(path) ? TP_OK : failed(error, path);
}
