/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/internal.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/tmp/cache-XXXXXX", folder[64];

static void setup(void)
{
    cr_assert_not_null(mkdtemp(root));
    (void)snprintf(folder, sizeof folder, "%s/a/b", root);
}

static void teardown(void)
{
    char command[96];
    (void)snprintf(command, sizeof command, "rm -r %s", root);
    cr_assert_eq(system(command), 0);
}

TestSuite(cache, .init = setup, .fini = teardown);

static struct tp_validation_cache *cache_open(const char *at)
{
    struct tp_validation_cache *cache = NULL;
    cr_assert_eq(tp_validation_cache_new(at, NULL, &cache), TP_OK);
    return cache;
}

static void key_make(const char *name, tp_validation_key ret_key)
{
    cr_assert_eq(tp_validation_cache_key("ocsp", name, TP_BYTES("request", 7), ret_key), TP_OK);
}

static bool has(struct tp_validation_cache *cache, const char *name, int64_t now_ms, const char *content)
{
    struct tp_buf found TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    tp_validation_key key;
    key_make(name, key);
    if (tp_validation_cache_get(cache, key, now_ms, INT64_MIN, &found) != TP_OK)
        return false;
    cr_expect_str_eq(tp_buf_string(&found), content);
    return true;
}

static void put(struct tp_validation_cache *cache, const char *name, const char *content, int64_t until_ms)
{
    tp_validation_key key;
    key_make(name, key);
    tp_validation_cache_put(cache, key, tp_bytes_of_string(content), until_ms, 1000);
}

/* The only file that is there. */
static const char *the_file(void)
{
    static char path[512];
    DIR *dir = opendir(folder);
    path[0] = '\0';
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.') {
            cr_assert_eq(path[0], '\0', "more than one file: %s", entry->d_name);
            (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        }
    (void)closedir(dir);
    return path;
}

static bool has_since(struct tp_validation_cache *cache, const char *name, int64_t since_ms)
{
    struct tp_buf found TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    tp_validation_key key;
    key_make(name, key);
    return tp_validation_cache_get(cache, key, 1000, since_ms, &found) == TP_OK;
}

Test(cache, tells_what_is_recent_from_what_is_only_valid)
{
    struct tp_validation_cache *cache = cache_open(folder);
    put(cache, "x", "answer", 2000);
    cr_expect(has_since(cache, "x", 1000));
    cr_expect_not(has_since(cache, "x", 1001));
    tp_validation_cache_free(cache);
    cache = cache_open(folder); /* from the disk */
    cr_expect_not(has_since(cache, "x", 1001));
    cr_expect(has_since(cache, "x", 1000));
    tp_validation_cache_free(cache);
}

Test(cache, what_is_there_since_a_time_to_come_is_not_recent)
{
    struct tp_validation_cache *cache = cache_open(folder);
    tp_validation_key key;
    key_make("x", key);
    tp_validation_cache_put(cache, key, tp_bytes_of_string("response"), 3000, 1001);
    cr_expect_not(has_since(cache, "x", 900));
    tp_validation_cache_put(cache, key, tp_bytes_of_string("response"), 3000, 1000);
    cr_expect(has_since(cache, "x", 900));
    tp_validation_cache_free(cache);
}

static enum tp_rc open_with(mode_t mode, uid_t owner)
{
    struct tp_validation_cache *cache = NULL;
    struct tp_error error = {0};
    cr_assert(chmod(folder, mode) == 0 && chown(folder, owner, (gid_t)-1) == 0);
    const enum tp_rc rc = tp_validation_cache_new(folder, &error, &cache);
    cr_expect(rc == TP_OK || strstr(error.words, folder) != NULL, "%s", error.words);
    tp_validation_cache_free(cache);
    return rc;
}

Test(cache, a_folder_of_others_is_refused)
{
    tp_validation_cache_free(cache_open(folder));
    cr_expect_eq(open_with(0750, geteuid()), TP_OK);
    cr_expect_eq(open_with(01777, geteuid()), TP_IO);
    if (geteuid() == 0)
        cr_expect_eq(open_with(0700, 4001), TP_IO);
}

Test(cache, gives_back_what_is_valid_and_nothing_else)
{
    struct tp_validation_cache *cache = cache_open(folder);
    put(cache, "x", "answer", 2000);
    cr_expect(has(cache, "x", 1999, "answer"));
    cr_expect_not(has(cache, "x", 2000, ""));
    cr_expect_not(has(cache, "y", 1000, ""));
    put(cache, "late", "answer", 1000);
    cr_expect_not(has(cache, "late", 0, ""), "it was not valid when it came");
    tp_validation_cache_free(cache);
}

Test(cache, outlives_its_process_for_its_owner_alone)
{
    struct stat st;
    struct tp_validation_cache *cache = cache_open(folder);
    put(cache, "x", "answer", 2000);
    tp_validation_cache_free(cache);
    cr_assert_eq(stat(the_file(), &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    cr_assert_eq(stat(folder, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0700);
    cache = cache_open(folder);
    cr_expect(has(cache, "x", 1999, "answer"));
    cr_expect_not(has(cache, "x", 2000, ""));
    tp_validation_cache_free(cache);
}

Test(cache, a_damaged_file_is_not_there_and_is_replaced)
{
    struct tp_validation_cache *cache = cache_open(folder);
    put(cache, "x", "answer", 2000);
    tp_validation_cache_free(cache);
    struct stat st;
    cr_assert_eq(stat(the_file(), &st), 0);
    char path[512];
    (void)snprintf(path, sizeof path, "%s", the_file());
    for (long at = 0; at < st.st_size; at++) { /* each byte counts: what it says, and until when */
        FILE *file = fopen(path, "r+");
        cr_assert(file != NULL && fseek(file, at, SEEK_SET) == 0);
        const int byte = fgetc(file);
        cr_assert(fseek(file, at, SEEK_SET) == 0 && fputc(byte ^ 1, file) != EOF && fclose(file) == 0);
        cache = cache_open(folder);
        cr_expect_not(has(cache, "x", 1999, ""), "%ld", at);
        tp_validation_cache_free(cache);
        file = fopen(path, "r+");
        cr_assert(file != NULL && fseek(file, at, SEEK_SET) == 0 && fputc(byte, file) != EOF && fclose(file) == 0);
    }
    cr_assert_eq(truncate(path, st.st_size / 2), 0);
    cache = cache_open(folder);
    cr_expect_not(has(cache, "x", 1999, ""));
    put(cache, "x", "again", 2000);
    tp_validation_cache_free(cache);
    cache = cache_open(folder);
    cr_expect(has(cache, "x", 1999, "again"));
    tp_validation_cache_free(cache);
}

Test(cache, in_memory_alone_leaves_nothing)
{
    struct tp_validation_cache *cache = cache_open(NULL);
    put(cache, "x", "answer", 2000);
    cr_expect(has(cache, "x", 1999, "answer"));
    tp_validation_cache_free(cache);
    cache = cache_open(NULL);
    cr_expect_not(has(cache, "x", 1999, ""));
    tp_validation_cache_free(cache);
}

Test(cache, keeps_more_on_disk_than_in_memory)
{
    struct tp_validation_cache *cache = cache_open(folder);
    char name[16];
    for (int i = 0; i < 600; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        put(cache, name, name, 2000);
    }
    for (int i = 0; i < 600; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        cr_assert(has(cache, name, 1999, name), "%s", name);
    }
    tp_validation_cache_free(cache);
}

Test(cache, a_folder_that_cannot_be_made_is_told)
{
    struct tp_validation_cache *cache = NULL;
    struct tp_error error = {0};
    cr_expect_eq(tp_validation_cache_new("/proc/none/cache", &error, &cache), TP_IO);
    cr_expect_not_null(strstr(error.words, "/proc/none/cache"));
}

Test(cache, processes_that_write_the_same_do_not_meet)
{
    enum { PROCESSES = 4, TIMES = 50 };
    pid_t children[PROCESSES];
    struct tp_validation_cache *cache = cache_open(folder);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct tp_validation_cache *own = cache_open(folder);
            for (int j = 0; j < TIMES; j++)
                put(own, "x", "answer", 2000);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;
        cr_assert(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    cr_expect(has(cache, "x", 1999, "answer"));
    cr_expect_neq(the_file()[0], '\0', "and leave nothing else behind");
    tp_validation_cache_free(cache);
}
