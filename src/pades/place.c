/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/place.h"

#include "base/file_state.h"
#include "base/new_file.h"
#include "pades/access.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

struct tp_pades_place {
    char *path, *name; /* NAME lies in the folder */
    int folder, locked; /* -1: not IN_PLACE */
    bool replace, in_place; /* it is IN that is replaced */
    int in_fd;              /* the caller's */
    struct stat in;
    mode_t bits; /* IN's permissions (access.h) */
    struct tp_new_file now, before;
};

static enum tp_rc io_failed(const struct tp_pades_place *place, const char *what, struct tp_error *error)
{
    int number = errno;
    bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return tp_error_set(error, full ? TP_STORE_FULL : TP_IO, "%s: %s: %s%s", place->path, what, strerror(number),
                        full ? "; nothing has been written there" : "");
}

/* Asked before anything is signed: a one-time code and a timestamp are used up by then. */
static enum tp_rc check_folder(const struct tp_pades_place *place, struct tp_error *error)
{
    if (faccessat(place->folder, ".", W_OK | X_OK, AT_EACCESS) == 0)
        return TP_OK;
    return tp_error_set(error, TP_IO, "%s: its folder cannot be written to: %s; name a place in another", place->path,
                        strerror(errno));
}

enum tp_rc tp_pades_place_check_in(const struct tp_pades_place *place, struct tp_error *error)
{
    struct stat now;
    if (fstat(place->in_fd, &now) == 0 && tp_file_state_is_same(&now, &place->in))
        return TP_OK;
    return tp_error_set(error, TP_BUSY, "the document was changed by another program while it was being signed; sign it again when "
                        "that is done");
}

static enum tp_rc left_alone(const struct tp_pades_place *place, struct tp_error *error)
{
    return tp_error_set(error, TP_EXISTS, "%s was changed by somebody else meanwhile; it is left alone", place->path);
}

/* Somebody may have been at it while the signature was made: what he has written would be lost. */
static enum tp_rc check_as_it_was(const struct tp_pades_place *place, struct tp_error *error)
{
    struct stat now;
    if (fstatat(place->folder, place->name, &now, AT_SYMLINK_NOFOLLOW) == 0 && tp_file_state_is_same(&now, &place->in))
        return TP_OK;
    return left_alone(place, error);
}

/* ---- the lock of a document that is replaced ---- */

/* Two that replace one document at once would both see it as it was, and one signature would be lost. The lock is taken before
 * anything is signed: whoever comes second has not used up a one-time code by then. It is on a descriptor of our own: that of IN
 * is shared with its reader, which may keep it. */
static int lock_exclusively(struct tp_pades_place *place, int access)
{
    place->locked = openat(place->folder, place->name, access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return place->locked < 0 ? -1 : flock(place->locked, LOCK_EX | LOCK_NB);
}

static void unlock(struct tp_pades_place *place)
{
    if (place->locked < 0)
        return;
    (void)flock(place->locked, LOCK_UN); /* a process that is just being forked may still have it open */
    (void)close(place->locked);
    place->locked = -1;
}

/* On Windows' shares a lock keeps everybody from reading, the reader of IN among them. */
static bool is_share(int fd)
{
    static const uint32_t kinds[] = {0x517b, 0xff534d42, 0xfe534d42}; /* SMB, CIFS, SMB2 (statfs(2)) */
    struct statfs system;
    const bool known = fstatfs(fd, &system) == 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (known && (uint32_t)system.f_type == kinds[i])
            return true;
    return false;
}

/* NFS locks exclusively what is open for writing alone; where there are no locks, what is left is that it is looked at again. */
static enum tp_rc lock(struct tp_pades_place *place, struct tp_error *error)
{
    if (is_share(place->folder))
        return check_as_it_was(place, error);
    int failed = lock_exclusively(place, O_RDONLY);
    if (failed != 0 && place->locked >= 0 && errno == EBADF) {
        unlock(place);
        failed = lock_exclusively(place, O_RDWR);
    }
    if (failed != 0 && errno == EWOULDBLOCK)
        return tp_error_set(error, TP_BUSY, "%s is being signed by another program; try again when that is done", place->path);
    return check_as_it_was(place, error);
}

void tp_pades_place_free(struct tp_pades_place *place)
{
    if (place == NULL)
        return;
    tp_new_file_drop(&place->now);
    tp_new_file_drop(&place->before);
    unlock(place);
    if (place->folder >= 0)
        (void)close(place->folder);
    free(place->path);
    free(place->name);
    free(place);
}

/* Without /proc: a file that has one name has no other. */
static bool is_only_name_of(int in, const char *path)
{
    struct stat ours, theirs;
    return fstat(in, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino &&
           ours.st_nlink == 1;
}

/* The name by which IN was opened, however it is written. A hard link is the same file under another name, but replaced it is another
 * file: who has given both names has meant two. */
static bool is_name_of(int in, const char *path)
{
    char self[64];
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", in);
    char *ours = realpath(self, NULL), *theirs = realpath(path, NULL);
    const bool same = ours == NULL ? is_only_name_of(in, path) : theirs != NULL && strcmp(ours, theirs) == 0;
    free(ours);
    free(theirs);
    return same;
}

/* IN was at PATH when it was opened, and another program has put something else there since. It would not be IN that --force replaces,
 * but what has come of it. */
static bool was_name_of(int in, const char *path)
{
    static const char gone[] = " (deleted)"; /* proc(5) */
    char self[64], was[PATH_MAX + sizeof gone];
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", in);
    const ssize_t len = readlink(self, was, sizeof was - 1);
    const ssize_t cut = len - (ssize_t)strlen(gone);
    was[len < 0 ? 0 : len] = '\0';
    if (cut < 0 || strcmp(was + cut, gone) != 0)
        return false;
    was[cut] = '\0';
    char *theirs = realpath(path, NULL);
    const bool same = theirs != NULL && strcmp(was, theirs) == 0;
    free(theirs);
    return same;
}

/* What is at the path now, and whether it may be replaced. A link that leads to IN is replaced where it leads. */
static enum tp_rc look(struct tp_pades_place *place, int in, bool force, struct tp_error *error)
{
    struct stat status;
    if (lstat(place->path, &status) != 0)
        return errno == ENOENT ? TP_OK : io_failed(place, "looking for it", error);
    bool link = S_ISLNK(status.st_mode), is_in = is_name_of(in, place->path);
    if (link && (!is_in || stat(place->path, &status) != 0))
        return tp_error_set(error, TP_NOT_PERMITTED, "%s is a symbolic link; name the file that it is to be", place->path);
    if (!S_ISREG(status.st_mode))
        return tp_error_set(error, TP_NOT_PERMITTED, "%s is no regular file", place->path);
    place->in_place = is_in;
    if (!is_in && was_name_of(in, place->path))
        return left_alone(place, error);
    if (!is_in && !force)
        return tp_error_set(error, TP_EXISTS, "%s is there already; move it away, or --force", place->path);
    place->replace = true;
    if (!link)
        return TP_OK;
    char *real = realpath(place->path, NULL);
    if (real == NULL)
        return io_failed(place, "following it", error);
    free(place->path);
    place->path = real;
    return TP_OK;
}

static enum tp_rc open_folder(struct tp_pades_place *place, struct tp_error *error)
{
    char *copy = strdup(place->path), *other = strdup(place->path);
    place->name = other == NULL ? NULL : strdup(basename(other));
    place->folder = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool memory = copy == NULL || place->name == NULL;
    free(copy);
    free(other);
    if (memory)
        return TP_MEMORY;
    return place->folder < 0 ? io_failed(place, "its folder", error) : check_folder(place, error);
}

static enum tp_rc set_up(struct tp_pades_place *place, const char *path, int in, bool force, struct tp_error *error)
{
    place->folder = place->locked = place->now.fd = place->before.fd = -1;
    if ((place->path = strdup(path)) == NULL)
        return TP_MEMORY;
    if (path[0] == '\0' || path[strlen(path) - 1] == '/')
        return tp_error_set(error, TP_USAGE, "'%s' is no name of a file", path);
    place->in_fd = in;
    if (fstat(in, &place->in) != 0)
        return tp_error_set(error, TP_IO, "what is to be signed: %s", strerror(errno));
    place->bits = tp_pades_access_bits(in, &place->in);
    TP_TRY(look(place, in, force, error));
    TP_TRY(open_folder(place, error));
    return place->in_place ? lock(place, error) : TP_OK;
}

enum tp_rc tp_pades_place_new(const char *path, int in, bool force, struct tp_error *error, struct tp_pades_place **ret_place)
{
    struct tp_pades_place *place TP_AUTO(tp_pades_place_free_p) = calloc(1, sizeof *place);
    if (place == NULL)
        return TP_MEMORY;
    TP_TRY(set_up(place, path, in, force, error));
    *ret_place = place;
    place = NULL;
    return TP_OK;
}

enum tp_rc tp_pades_place_next(struct tp_pades_place *place, struct tp_error *error, int *ret_fd)
{
    struct tp_new_file next;
    const enum tp_rc rc = tp_new_file_make(place->folder, S_IRUSR | S_IWUSR, &next);
    if (rc != TP_OK)
        return rc == TP_IO ? io_failed(place, "making a file in its folder", error) : rc;
    tp_new_file_drop(&place->before);
    place->before = place->now;
    place->now = next;
    *ret_fd = next.fd;
    return TP_OK;
}

enum tp_rc tp_pades_place_again(struct tp_pades_place *place, struct tp_error *error, int *ret_fd)
{
    if (ftruncate(place->now.fd, 0) != 0 || lseek(place->now.fd, 0, SEEK_SET) != 0)
        return io_failed(place, "writing it again", error);
    *ret_fd = place->now.fd;
    return TP_OK;
}

int tp_pades_place_fd(const struct tp_pades_place *place)
{
    return place->now.fd;
}

static void give_access(const struct tp_pades_place *place)
{
    if (place->in_place)
        tp_pades_access_copy(place->now.fd, place->locked, &place->in, place->bits);
    else
        tp_pades_access_give(place->now.fd, &place->in, place->bits);
}

void tp_pades_place_start_sync(const struct tp_pades_place *place)
{
    (void)sync_file_range(place->now.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

enum tp_rc tp_pades_place_sync(struct tp_pades_place *place, struct tp_error *error)
{
    give_access(place);
    return fdatasync(place->now.fd) == 0 ? TP_OK : io_failed(place, "writing", error);
}

enum tp_rc tp_pades_place_name(struct tp_pades_place *place, struct tp_error *error)
{
    if (place->in_place)
        TP_TRY(check_as_it_was(place, error));
    const enum tp_rc rc = place->replace ? tp_new_file_name_over(&place->now, place->name)
                                         : tp_new_file_name(&place->now, place->name);
    if (rc == TP_EXISTS)
        return tp_error_set(error, rc, "%s was made by somebody else meanwhile; it is left alone", place->path);
    return rc == TP_IO ? io_failed(place, "naming it", error) : rc;
}

enum tp_rc tp_pades_place_sync_folder(const struct tp_pades_place *place, struct tp_error *error)
{
    return fsync(place->folder) == 0 || errno == EINVAL ? TP_OK : io_failed(place, "its folder", error);
}

enum tp_rc tp_pades_place_commit(struct tp_pades_place *place, struct tp_error *error)
{
    TP_TRY(tp_pades_place_sync(place, error));
    TP_TRY(tp_pades_place_name(place, error));
    return tp_pades_place_sync_folder(place, error);
}
