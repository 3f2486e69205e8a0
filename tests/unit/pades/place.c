/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/place.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    cr_assert_eq(refusal("in", false), TP_EXISTS, "who has opened it before knows nothing of what is there now");
    (void)close(in);
    path_of("in", path);
    in = open(path, O_RDONLY);
    place = place_of("in", false);
    write_version(place, "second");
    cr_assert_eq(tp_pades_place_commit(place, &error), TP_OK, "%s", error.words);
    tp_pades_place_free(place);
    assert_content("in", "second");
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
