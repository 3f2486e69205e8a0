/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/access.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LIST       "system.posix_acl_access" /* POSIX.1e, as the kernel gives it (linux/posix_acl_xattr.h), little-endian */
#define VALUE_MOST ((size_t)64 << 10)        /* XATTR_SIZE_MAX, XATTR_LIST_MAX */
#define HEAD_LEN   4
#define ENTRY_LEN  8

enum tag { USER = 2, GROUP_OBJECT = 4, GROUP = 8, MASK = 16, OTHER = 32 };

static unsigned little(const uint8_t *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

/* What everybody who is named has; RET_GROUP: what the owning group has. */
static mode_t read_list(const uint8_t *list, size_t len, mode_t *ret_group)
{
    mode_t mask = 7, least = 7;
    *ret_group = 0;
    for (size_t at = HEAD_LEN; at + ENTRY_LEN <= len; at += ENTRY_LEN) {
        const unsigned tag = little(list + at), bits = little(list + at + 2) & 7;
        if (tag == USER || tag == GROUP)
            least &= bits;
        if (tag == GROUP_OBJECT)
            *ret_group = bits;
        if (tag == MASK)
            mask = bits;
    }
    *ret_group &= mask;
    return least & mask;
}

mode_t tp_pades_access_bits(int in, const struct stat *status)
{
    const mode_t bits = status->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
    uint8_t list[4096];
    mode_t group;
    if ((bits & (S_IRWXG | S_IRWXO)) == 0)
        return bits;
    const ssize_t len = fgetxattr(in, LIST, list, sizeof list);
    if (len < 0) /* one that is longer than anybody's is not looked through */
        return errno == ERANGE ? bits & S_IRWXU : bits;
    const mode_t least = read_list(list, (size_t)len, &group);
    return (bits & S_IRWXU) | (group & least) << 3 | (bits & S_IRWXO & least);
}

/* Who was in the group is now among the others, and who is in the new one was: both get what both had. */
static mode_t with_other_group(mode_t bits)
{
    const mode_t both = bits >> 3 & bits & S_IRWXO;
    return (bits & S_IRWXU) | both << 3 | both;
}

static bool has_group(int fd, gid_t group)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_gid == group;
}

void tp_pades_access_give(int fd, const struct stat *in, mode_t bits)
{
    (void)fchmod(fd, has_group(fd, in->st_gid) ? bits : with_other_group(bits));
}

static void copy_attribute(int fd, int from, const char *name)
{
    uint8_t *value = malloc(VALUE_MOST);
    const ssize_t len = value == NULL ? -1 : fgetxattr(from, name, value, VALUE_MOST);
    if (len >= 0)
        (void)fsetxattr(fd, name, value, (size_t)len, 0);
    free(value);
}

/* Those of programs and people: where it was downloaded from, what it is tagged with. */
static void copy_user_attributes(int fd, int from)
{
    char *names = malloc(VALUE_MOST);
    const ssize_t len = names == NULL ? -1 : flistxattr(from, names, VALUE_MOST);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1)
        if (strncmp(names + at, "user.", 5) == 0)
            copy_attribute(fd, from, names + at);
    free(names);
}

/* The owner can only be kept by root. The list that the folder gives its new files is none of this one's. */
void tp_pades_access_copy(int fd, int from, const struct stat *in, mode_t bits)
{
    if (fchown(fd, in->st_uid, in->st_gid) != 0)
        (void)!fchown(fd, (uid_t)-1, in->st_gid);
    (void)fremovexattr(fd, LIST);
    tp_pades_access_give(fd, in, bits);
    if (from < 0)
        return;
    if (has_group(fd, in->st_gid))
        copy_attribute(fd, from, LIST);
    copy_user_attributes(fd, from);
}
