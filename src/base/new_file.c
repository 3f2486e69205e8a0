/* SPDX-License-Identifier: Apache-2.0 */
#include "base/new_file.h"

#include "base/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define OPEN_FILES "/proc/self/fd" /* where a file without a name gets one; not there in every chroot */
#define HIDDEN     ".trustp11-"
#define DIGITS     16
#define SWEEP_MOST 4096    /* entries of a folder that are looked at */
#define OLD_S      86400   /* and nobody has it locked: whoever made it is no more */

/* ---- what is left of who was killed ---- */

static bool is_hidden_name(const char *name)
{
    const size_t len = strlen(HIDDEN);
    return strncmp(name, HIDDEN, len) == 0 && strspn(name + len, "0123456789abcdef") == DIGITS && name[len + DIGITS] == '\0';
}

static bool is_left(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
           status.st_mtim.tv_sec < time(NULL) - OLD_S && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void sweep_one(int folder, const char *name)
{
    const int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (is_left(fd))
        (void)unlinkat(folder, name, 0);
    (void)close(fd);
}

static void sweep_entries(int folder, DIR *entries)
{
    const struct dirent *entry;
    for (size_t i = 0; i < SWEEP_MOST && (entry = readdir(entries)) != NULL; i++)
        if (is_hidden_name(entry->d_name))
            sweep_one(folder, entry->d_name);
}

/* A batch has one folder for all its results, which is not read again for each. */
static bool is_swept(int folder)
{
    static _Thread_local dev_t device;
    static _Thread_local ino_t number;
    struct stat status;
    if (fstat(folder, &status) != 0 || (status.st_dev == device && status.st_ino == number))
        return true;
    device = status.st_dev;
    number = status.st_ino;
    return false;
}

static void sweep(int folder)
{
    const int fd = is_swept(folder) ? -1 : openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    DIR *entries = fdopendir(fd);
    if (entries == NULL) {
        (void)close(fd);
        return;
    }
    sweep_entries(folder, entries);
    (void)closedir(entries);
}

/* ---- making ---- */

static enum tp_rc hidden_name(int folder, char ret_name[TP_NEW_FILE_HIDDEN_LEN])
{
    uint8_t random[DIGITS / 2];
    char hex[DIGITS + 1];
    sweep(folder);
    TP_TRY(tp_random(random, sizeof random));
    tp_hex_encode(TP_BYTES(random, sizeof random), hex);
    (void)snprintf(ret_name, TP_NEW_FILE_HIDDEN_LEN, HIDDEN "%s", hex);
    return TP_OK;
}

static enum tp_rc make_hidden(struct tp_new_file *file, mode_t mode)
{
    TP_TRY(hidden_name(file->folder, file->hidden));
    file->fd = openat(file->folder, file->hidden, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, mode);
    if (file->fd < 0)
        return TP_IO;
    (void)flock(file->fd, LOCK_EX | LOCK_NB); /* it is somebody's, however old it gets */
    return TP_OK;
}

/* O_TMPFILE is not there on every file system (NFS, FAT, overlays of old kernels). */
static enum tp_rc make_unnamed(struct tp_new_file *file, mode_t mode)
{
    file->fd = openat(file->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (file->fd >= 0)
        return TP_OK;
    return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT ? make_hidden(file, mode) : TP_IO;
}

enum tp_rc tp_new_file_make(int folder, mode_t mode, struct tp_new_file *ret_file)
{
    struct tp_new_file file = {.folder = folder, .fd = -1};
    TP_TRY(access(OPEN_FILES, X_OK) == 0 ? make_unnamed(&file, mode) : make_hidden(&file, mode));
    *ret_file = file;
    return TP_OK;
}

/* ---- naming ---- */

/* Gives a file without a name NAME. linkat with AT_EMPTY_PATH would want a capability (open(2), O_TMPFILE). */
static int link_to(const struct tp_new_file *file, const char *name)
{
    char self[64];
    (void)snprintf(self, sizeof self, OPEN_FILES "/%d", file->fd);
    return linkat(AT_FDCWD, self, file->folder, name, AT_SYMLINK_FOLLOW);
}

/* FAT and others have no hard links; NFS and others have no rename that spares what is there, but links. */
static int name_hidden(struct tp_new_file *file, const char *name)
{
    (void)flock(file->fd, LOCK_UN); /* once it has its name anybody may lock it */
    if (renameat2(file->folder, file->hidden, file->folder, name, RENAME_NOREPLACE) == 0) {
        file->hidden[0] = '\0';
        return 0;
    }
    const bool unknown = errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
    return unknown ? linkat(file->folder, file->hidden, file->folder, name, 0) : -1;
}

/* rename(2) replaces, link(2) never does. */
enum tp_rc tp_new_file_name(struct tp_new_file *file, const char *name)
{
    if ((file->hidden[0] == '\0' ? link_to(file, name) : name_hidden(file, name)) == 0)
        return TP_OK;
    return errno == EEXIST ? TP_EXISTS : TP_IO;
}

enum tp_rc tp_new_file_name_over(struct tp_new_file *file, const char *name)
{
    char hidden[TP_NEW_FILE_HIDDEN_LEN];
    if (file->hidden[0] == '\0') {
        TP_TRY(hidden_name(file->folder, hidden));
        if (link_to(file, hidden) != 0)
            return TP_IO;
        memcpy(file->hidden, hidden, sizeof hidden);
    } else {
        (void)flock(file->fd, LOCK_UN);
    }
    if (renameat(file->folder, file->hidden, file->folder, name) != 0)
        return TP_IO;
    file->hidden[0] = '\0';
    return TP_OK;
}

void tp_new_file_drop(struct tp_new_file *file)
{
    if (file->hidden[0] != '\0')
        (void)unlinkat(file->folder, file->hidden, 0);
    if (file->fd >= 0)
        (void)close(file->fd);
    *file = (struct tp_new_file)TP_NEW_FILE_NONE;
}
