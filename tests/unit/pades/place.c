/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/place.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static char folder[] = "/tmp/trustp11-place-XXXXXX";
static int in;
static struct tp_error error;

static void path_of(const char *name, char ret_path[PATH_MAX])
{
    (void)snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);
}

static void put(const char *name, const char *content)
{
    char path[PATH_MAX];
    path_of(name, path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert(fputs(content, file) >= 0);
    cr_assert_eq(fclose(file), 0);
}

static void assert_content(const char *name, const char *wanted)
{
    char path[PATH_MAX], content[64] = "";
    path_of(name, path);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s is not there", name);
    (void)!fread(content, 1, sizeof content - 1, file);
    (void)fclose(file);
    cr_assert_str_eq(content, wanted);
}

static size_t count(void)
{
    size_t files = 0;
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL)
        files += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    (void)closedir(entries);
    return files;
}

static void setup(void)
{
    char path[PATH_MAX];
    cr_assert_not_null(mkdtemp(folder));
    put("in", "before");
    path_of("in", path);
    cr_assert_eq(chmod(path, 0640), 0);
    in = open(path, O_RDONLY);
    cr_assert_geq(in, 0);
}

static void teardown(void)
{
    char command[PATH_MAX];
    (void)close(in);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    (void)!system(command);
}

TestSuite(place, .init = setup, .fini = teardown);

static struct tp_pades_place *place_of(const char *name, bool force)
{
    char path[PATH_MAX];
    struct tp_pades_place *place = NULL;
    path_of(name, path);
    cr_assert_eq(tp_pades_place_new(path, in, force, &error, &place), TP_OK, "%s", error.words);
    return place;
}

static void write_version(struct tp_pades_place *place, const char *content)
{
    int fd;
    cr_assert_eq(tp_pades_place_next(place, &error, &fd), TP_OK, "%s", error.words);
    cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
}

Test(place, nothing_is_seen_before_it_is_whole)
{
    struct tp_pades_place *place = place_of("out", false);
    write_version(place, "one");
    cr_assert_eq(count(), 1);
    int first = tp_pades_place_fd(place);
    write_version(place, "two");
    char content[8] = "";
    cr_assert_eq(pread(first, content, sizeof content, 0), 3, "the version before can still be read");
    cr_assert_eq(count(), 1);
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_OK, "%s", error.words);
    tp_pades_place_free(place);
    assert_content("out", "two");
    cr_assert_eq(count(), 2);
    char path[PATH_MAX];
    struct stat status;
    path_of("out", path);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0640);
}

Test(place, what_is_not_committed_is_gone)
{
    struct tp_pades_place *place = place_of("out", false);
    write_version(place, "one");
    tp_pades_place_free(place);
    cr_assert_eq(count(), 1);
}

Test(place, a_version_is_written_again)
{
    struct tp_pades_place *place = place_of("out", false);
    int fd;
    write_version(place, "a long one");
    cr_assert_eq(tp_pades_place_again(place, &error, &fd), TP_OK);
    cr_assert_eq(write(fd, "short", 5), 5);
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_OK);
    tp_pades_place_free(place);
    assert_content("out", "short");
}

Test(place, in_is_replaced_under_any_name)
{
    char path[PATH_MAX], target[PATH_MAX];
    path_of("in", target);
    path_of("link", path);
    cr_assert_eq(symlink(target, path), 0);
    struct tp_pades_place *place = place_of("link", false);
    write_version(place, "after");
    assert_content("in", "before");
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_OK, "%s", error.words);
    tp_pades_place_free(place);
    assert_content("in", "after");
    struct stat status;
    cr_assert(lstat(path, &status) == 0 && S_ISLNK(status.st_mode));
}

static enum tp_rc refusal(const char *name, bool force)
{
    char path[PATH_MAX];
    struct tp_pades_place *place = NULL;
    path_of(name, path);
    enum tp_rc rc = tp_pades_place_new(path, in, force, &error, &place);
    cr_assert_null(place);
    return rc;
}

Test(place, what_is_there_is_replaced_when_it_is_meant)
{
    put("out", "precious");
    cr_assert_eq(refusal("out", false), TP_EXISTS);
    struct tp_pades_place *place = place_of("out", true);
    write_version(place, "new");
    assert_content("out", "precious");
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_OK);
    tp_pades_place_free(place);
    assert_content("out", "new");
    cr_assert_eq(count(), 2);
}

Test(place, a_hard_link_to_the_input_is_another_file)
{
    char path[PATH_MAX], other[PATH_MAX];
    path_of("in", path), path_of("other", other);
    cr_assert_eq(link(path, other), 0);
    path_of("to-other", path);
    cr_assert_eq(symlink("other", path), 0);
    cr_assert_eq(refusal("other", false), TP_EXISTS);
    cr_assert_eq(refusal("to-other", false), TP_NOT_PERMITTED);
    struct tp_pades_place *place = place_of("./in", false);
    write_version(place, "new");
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_OK);
    tp_pades_place_free(place);
    assert_content("in", "new");
    assert_content("other", "before");
    tp_pades_place_free(place_of("other", true));
}

Test(place, somebody_else_was_first)
{
    struct tp_pades_place *place = place_of("out", false);
    write_version(place, "mine");
    put("out", "theirs");
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_EXISTS);
    tp_pades_place_free(place);
    assert_content("out", "theirs");
    cr_assert_eq(count(), 2);
}

Test(place, somebody_else_was_at_the_input_meanwhile)
{
    char path[PATH_MAX], other[PATH_MAX];
    struct tp_pades_place *place = place_of("in", false);
    write_version(place, "mine");
    put("in", "theirs, longer");
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_EXISTS);
    tp_pades_place_free(place);
    assert_content("in", "theirs, longer");
    (void)close(in);
    path_of("in", path), path_of("other", other);
    in = open(path, O_RDONLY);
    place = place_of("in", false);
    write_version(place, "mine");
    put("other", "another");
    cr_assert_eq(rename(other, path), 0);
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_EXISTS);
    tp_pades_place_free(place);
    assert_content("in", "another");
    cr_assert_eq(count(), 1);
}

/* One of the length and with the time of what was there: only the time of change tells it. */
Test(place, a_change_with_its_time_put_back_is_seen)
{
    char path[PATH_MAX];
    struct stat before, after;
    struct tp_pades_place *place = place_of("in", false);
    write_version(place, "mine");
    path_of("in", path);
    cr_assert_eq(stat(path, &before), 0);
    do { /* the clock that files are marked by has ticks of some milliseconds */
        put("in", "theirs");
        cr_assert_eq(utimensat(AT_FDCWD, path, (struct timespec[]){before.st_atim, before.st_mtim}, 0), 0);
        cr_assert_eq(stat(path, &after), 0);
    } while (after.st_ctim.tv_sec == before.st_ctim.tv_sec && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    cr_assert_eq(after.st_size, before.st_size);
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_EXISTS);
    tp_pades_place_free(place);
    assert_content("in", "theirs");
}

Test(place, a_document_that_is_changed_while_it_is_read_is_not_signed)
{
    struct tp_pades_place *place = place_of("out", false);
    write_version(place, "of before");
    cr_assert_eq(tp_pades_place_check_in(place, &error), TP_OK, "%s", error.words);
    put("in", "another");
    cr_assert_eq(tp_pades_place_check_in(place, &error), TP_BUSY);
    tp_pades_place_free(place);
    place = place_of("out", false);
    cr_assert_eq(tp_pades_place_check_in(place, &error), TP_OK, "%s", error.words);
    tp_pades_place_free(place);
}

Test(place, one_alone_replaces_a_document_at_a_time)
{
    char path[PATH_MAX];
    struct tp_pades_place *place = place_of("in", false);
    write_version(place, "first");
    cr_assert_eq(refusal("in", false), TP_BUSY);
    cr_assert_not_null(strstr(error.words, "another program"), "%s", error.words);
    tp_pades_place_free(place_of("out", false));
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_OK, "%s", error.words);
    tp_pades_place_free(place);
    for (int force = 0; force < 2; force++) {
        cr_assert_eq(refusal("in", force), TP_EXISTS, "who has opened it before knows nothing of what is there now");
        cr_assert_not_null(strstr(error.words, "meanwhile"), "%s", error.words);
    }
    tp_pades_place_free(place_of("out", true));
    (void)close(in);
    path_of("in", path);
    in = open(path, O_RDONLY);
    place = place_of("in", false);
    write_version(place, "second");
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_OK, "%s", error.words);
    tp_pades_place_free(place);
    assert_content("in", "second");
}

/* ---- who may read and write it ---- */

#define LIST "system.posix_acl_access"

/* The owner 6, user 1234 NAMED, the group GROUP, mask 6, others OTHER. */
static void put_list(unsigned named, unsigned group, unsigned other)
{
    const unsigned entries[][3] = {{1, 6, ~0u}, {2, named, 1234}, {4, group, ~0u}, {16, 6, ~0u}, {32, other, ~0u}};
    uint8_t list[4 + 8 * 5] = {2};
    for (size_t i = 0; i < 5; i++) {
        list[4 + 8 * i] = (uint8_t)entries[i][0];
        list[6 + 8 * i] = (uint8_t)entries[i][1];
        for (size_t j = 0; j < 4; j++)
            list[8 + 8 * i + j] = (uint8_t)(entries[i][2] >> 8 * j);
    }
    if (fsetxattr(in, LIST, list, sizeof list, 0) != 0)
        cr_skip("no access control lists here: %s", strerror(errno));
}

static struct stat result(const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    struct tp_pades_place *place = place_of(name, true);
    write_version(place, "signed");
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_OK, "%s", error.words);
    tp_pades_place_free(place);
    path_of(name, path);
    cr_assert_eq(stat(path, &status), 0);
    return status;
}

static ssize_t list_of(const char *name, uint8_t ret_list[64])
{
    char path[PATH_MAX];
    path_of(name, path);
    return getxattr(path, LIST, ret_list, 64);
}

Test(place, who_is_let_in_by_a_list_alone_is_not_let_in_by_bits)
{
    static const struct {
        unsigned named, group, other;
        mode_t wanted;
    } cases[] = {{6, 0, 0, 0600}, {6, 4, 0, 0640}, {6, 6, 4, 0664}, {4, 6, 4, 0644}, {0, 4, 4, 0600}};
    uint8_t list[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_list(cases[i].named, cases[i].group, cases[i].other);
        const struct stat status = result("out");
        cr_assert_eq(status.st_mode & 0777, cases[i].wanted, "%zu: %o", i, status.st_mode & 0777);
        cr_assert_lt(list_of("out", list), 0);
    }
}

Test(place, what_takes_the_place_of_a_document_has_its_list_and_attributes)
{
    uint8_t before[64], after[64];
    char note[8] = "", path[PATH_MAX];
    put_list(6, 0, 0);
    const bool noted = fsetxattr(in, "user.note", "mine", 4, 0) == 0; /* tmpfs of old kernels has none */
    const ssize_t len = list_of("in", before);
    cr_assert_gt(len, 0);
    cr_assert_eq(result("in").st_mode & 0777, 0660);
    cr_assert_eq(list_of("in", after), len);
    cr_assert_arr_eq(before, after, (size_t)len);
    path_of("in", path);
    cr_assert(!noted || getxattr(path, "user.note", note, sizeof note) == 4);
    cr_assert_str_eq(note, noted ? "mine" : "");
}

Test(place, a_list_of_the_folder_is_not_one_of_the_document)
{
    uint8_t list[64];
    put_list(6, 6, 0);
    const ssize_t len = list_of("in", list);
    cr_assert_eq(setxattr(folder, "system.posix_acl_default", list, (size_t)len, 0), 0);
    cr_assert_eq(fremovexattr(in, LIST), 0);
    cr_assert_eq(fchmod(in, 0660), 0);
    cr_assert_eq(result("in").st_mode & 0777, 0660);
    cr_assert_lt(list_of("in", list), 0);
}

Test(place, a_group_that_is_not_kept_gets_no_more_than_everybody)
{
    static const mode_t modes[][2] = {{0660, 0600}, {0664, 0644}, {0604, 0600}, {0640, 0600}};
    if (geteuid() != 0)
        cr_skip("by root alone");
    cr_assert_eq(fchown(in, 1234, 1234), 0);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        cr_assert_eq(fchmod(in, modes[i][0]), 0);
        for (int again = 0; again < 2; again++) { /* the second replaces the first */
            const struct stat status = result("out");
            cr_assert_eq(status.st_mode & 0777, modes[i][1], "%o: %o", modes[i][0], status.st_mode & 0777);
            cr_assert_eq(status.st_uid, 0);
        }
    }
    const struct stat status = result("in");
    cr_assert_eq(status.st_mode & 0777, 0640);
    cr_assert(status.st_uid == 1234 && status.st_gid == 1234);
}

Test(place, links_and_folders_are_refused)
{
    char path[PATH_MAX];
    put("precious", "precious");
    path_of("link", path);
    cr_assert_eq(symlink("precious", path), 0);
    path_of("dangling", path);
    cr_assert_eq(symlink("nowhere", path), 0);
    for (int force = 0; force < 2; force++) {
        cr_assert_eq(refusal("link", force), TP_NOT_PERMITTED);
        cr_assert_eq(refusal("dangling", force), TP_NOT_PERMITTED);
        cr_assert_eq(refusal(".", force), TP_NOT_PERMITTED);
    }
    cr_assert_eq(refusal("no/such", false), TP_IO);
    cr_assert_eq(refusal("x/", false), TP_USAGE);
}
