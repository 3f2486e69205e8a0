/* SPDX-License-Identifier: Apache-2.0 */
#include "base/new_file.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char path[] = "/tmp/trustp11-new-file-XXXXXX";
static int folder;

static void setup(void)
{
    cr_assert_not_null(mkdtemp(path));
    folder = open(path, O_PATH | O_DIRECTORY);
    cr_assert_geq(folder, 0);
}

static void teardown(void)
{
    char command[PATH_MAX];
    (void)close(folder);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    (void)!system(command);
}

TestSuite(new_file, .init = setup, .fini = teardown);

static size_t count(void)
{
    size_t files = 0;
    DIR *entries = opendir(path);
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL)
        files += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(entries);
    return files;
}

static struct tp_new_file file_with(const char *content, mode_t mode)
{
    struct tp_new_file file;
    cr_assert_eq(tp_new_file_make(folder, mode, &file), TP_OK, "%s", strerror(errno));
    cr_assert_eq(write(file.fd, content, strlen(content)), (ssize_t)strlen(content));
    return file;
}

static void assert_content(const char *name, const char *wanted)
{
    char content[64] = "";
    const int fd = openat(folder, name, O_RDONLY);
    cr_assert_geq(fd, 0, "%s is not there", name);
    cr_assert_geq(read(fd, content, sizeof content - 1), 0);
    (void)close(fd);
    cr_assert_str_eq(content, wanted);
}

static mode_t mode_of(const char *name)
{
    struct stat status;
    cr_assert_eq(fstatat(folder, name, &status, 0), 0);
    return status.st_mode & 0777;
}

Test(new_file, it_is_there_when_it_is_named_and_never_over_another)
{
    struct tp_new_file file = file_with("one", 0600), other = file_with("other", 0600);
    cr_assert_eq(count(), 0);
    cr_assert_eq(tp_new_file_name(&file, "name"), TP_OK, "%s", strerror(errno));
    cr_assert_eq(tp_new_file_name(&other, "name"), TP_EXISTS);
    tp_new_file_drop(&file);
    tp_new_file_drop(&other);
    assert_content("name", "one");
    cr_assert_eq(count(), 1);
}

Test(new_file, it_takes_the_place_of_another_when_that_is_meant)
{
    struct tp_new_file file = file_with("one", 0600), other = file_with("other", 0600);
    cr_assert_eq(tp_new_file_name_over(&file, "name"), TP_OK, "%s", strerror(errno));
    cr_assert_eq(tp_new_file_name_over(&other, "name"), TP_OK, "%s", strerror(errno));
    tp_new_file_drop(&file);
    tp_new_file_drop(&other);
    assert_content("name", "other");
    cr_assert_eq(count(), 1);
}

Test(new_file, what_is_not_named_is_gone)
{
    struct tp_new_file file = file_with("one", 0600);
    tp_new_file_drop(&file);
    tp_new_file_drop(&file);
    cr_assert_eq(count(), 0);
}

Test(new_file, the_umask_has_its_say)
{
    (void)umask(077);
    struct tp_new_file file = file_with("one", 0644);
    cr_assert_eq(tp_new_file_name(&file, "private"), TP_OK);
    tp_new_file_drop(&file);
    (void)umask(022);
    file = file_with("one", 0644);
    cr_assert_eq(tp_new_file_name(&file, "public"), TP_OK);
    tp_new_file_drop(&file);
    file = file_with("one", 0600);
    cr_assert_eq(tp_new_file_name(&file, "secret"), TP_OK);
    tp_new_file_drop(&file);
    cr_assert_eq(mode_of("private"), 0600);
    cr_assert_eq(mode_of("public"), 0644);
    cr_assert_eq(mode_of("secret"), 0600);
}

/* ---- other file systems, and none of /proc ---- */

#define FAIL(number) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (number))
#define CALL_IS(number, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, (skip))

static void filter(const struct sock_filter *steps, size_t len)
{
    const struct sock_fprog program = {.len = (unsigned short)len, .filter = (struct sock_filter *)(uintptr_t)steps};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        cr_skip("no seccomp here: %s", strerror(errno));
}

/* As FAT: LINKS false; as NFS: true, and no renames that spare what is there. No files without a name in both. */
static void be_file_system(bool links)
{
    const struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        CALL_IS(links ? SYS_renameat2 : SYS_linkat, 1),
        FAIL(links ? EINVAL : EPERM),
        CALL_IS(SYS_openat, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        FAIL(EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    filter(steps, sizeof steps / sizeof steps[0]);
}

static void lose_proc(void)
{
    const struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_access
        CALL_IS(SYS_access, 1),
        FAIL(ENOENT),
#endif
        CALL_IS(SYS_faccessat, 1),
        FAIL(ENOENT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    filter(steps, sizeof steps / sizeof steps[0]);
}

static void assert_hidden_ones_are_named(void)
{
    struct tp_new_file file = file_with("one", 0600), other = file_with("other", 0600), lost = file_with("lost", 0600);
    cr_assert_eq(count(), 3, "each has a hidden name");
    cr_assert_eq(tp_new_file_name(&file, "name"), TP_OK, "%s", strerror(errno));
    cr_assert_eq(tp_new_file_name(&other, "name"), TP_EXISTS);
    assert_content("name", "one");
    cr_assert_eq(tp_new_file_name_over(&other, "name"), TP_OK, "%s", strerror(errno));
    tp_new_file_drop(&file);
    tp_new_file_drop(&other);
    tp_new_file_drop(&lost);
    assert_content("name", "other");
    cr_assert_eq(count(), 1);
}

Test(new_file, it_is_named_where_there_are_no_links)
{
    be_file_system(false);
    assert_hidden_ones_are_named();
}

Test(new_file, it_is_named_where_every_rename_replaces)
{
    be_file_system(true);
    assert_hidden_ones_are_named();
}

Test(new_file, it_is_named_without_proc)
{
    lose_proc();
    assert_hidden_ones_are_named();
}

static int put_old(const char *name, time_t age)
{
    const struct timespec at = {.tv_sec = time(NULL) - age};
    const int fd = openat(folder, name, O_CREAT | O_RDWR, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(futimens(fd, (struct timespec[]){at, at}), 0);
    return fd;
}

Test(new_file, what_is_left_of_who_was_killed_is_removed)
{
    const char *const others[] = {".trustp11-0123456789abcde", ".trustp11-0123456789abcdef0", ".trustp11-0123456789abcdeg", "0123456789abcdef"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        (void)close(put_old(others[i], 100000));
    (void)close(put_old(".trustp11-0000000000000001", 80000));
    const int locked = put_old(".trustp11-0000000000000002", 100000);
    cr_assert_eq(flock(locked, LOCK_EX), 0);
    cr_assert_eq(mkdirat(folder, ".trustp11-0000000000000003", 0700), 0);
    cr_assert_eq(symlinkat("0123456789abcdef", folder, ".trustp11-0000000000000004"), 0);
    (void)close(put_old(".trustp11-0000000000000005", 100000));
    cr_assert_eq(count(), 9);
    be_file_system(false);
    struct tp_new_file file = file_with("one", 0600);
    cr_assert_eq(count(), 9, "the fifth is gone, and the new one there");
    cr_assert_eq(faccessat(folder, ".trustp11-0000000000000005", F_OK, 0), -1);
    const struct timespec at = {.tv_sec = time(NULL) - 100000};
    cr_assert_eq(futimens(file.fd, (struct timespec[]){at, at}), 0);
    (void)close(locked);
    char other_path[] = "/tmp/trustp11-new-file-XXXXXX";
    cr_assert_not_null(mkdtemp(other_path));
    const int there = open(other_path, O_PATH | O_DIRECTORY);
    struct tp_new_file elsewhere, next;
    cr_assert_eq(tp_new_file_make(there, 0600, &elsewhere), TP_OK);
    cr_assert_eq(tp_new_file_make(folder, 0600, &next), TP_OK);
    cr_assert_eq(count(), 9, "the second is gone, and the next there: what is being made is nobody else's to remove");
    cr_assert_eq(tp_new_file_name(&file, "name"), TP_OK);
    tp_new_file_drop(&elsewhere);
    tp_new_file_drop(&next);
    (void)close(there);
    (void)rmdir(other_path);
    const int named = openat(folder, "name", O_RDONLY);
    cr_assert_eq(flock(named, LOCK_EX | LOCK_NB), 0, "what has its name is locked no more");
    (void)close(named);
    tp_new_file_drop(&file);
}
