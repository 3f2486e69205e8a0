/* SPDX-License-Identifier: Apache-2.0 */
#include "base/new_file.h"

#include "base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OPEN_FILES "/proc/self/fd" /* where a file without a name gets one; not there in every chroot */

static enum tp_rc hidden_name(char ret_name[TP_NEW_FILE_HIDDEN_LEN])
{
    uint8_t random[8];
    char hex[2 * sizeof random + 1];
    TP_TRY(tp_random(random, sizeof random));
    tp_hex_encode(TP_BYTES(random, sizeof random), hex);
    (void)snprintf(ret_name, TP_NEW_FILE_HIDDEN_LEN, ".trustp11-%s", hex);
    return TP_OK;
}

static enum tp_rc make_hidden(struct tp_new_file *file, mode_t mode)
{
    TP_TRY(hidden_name(file->hidden));
    file->fd = openat(file->folder, file->hidden, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, mode);
    return file->fd < 0 ? TP_IO : TP_OK;
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
        TP_TRY(hidden_name(hidden));
        if (link_to(file, hidden) != 0)
            return TP_IO;
        memcpy(file->hidden, hidden, sizeof hidden);
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
