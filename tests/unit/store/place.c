/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

char place[PLACE_LEN];
struct tp_error error;

void place_set_up(void)
{
    const char *temporary = getenv("TMPDIR");
    int len = snprintf(place, sizeof place, "%s/trustp11-store-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    cr_assert_lt(len, (int)sizeof place);
    cr_assert_not_null(mkdtemp(place));
}

void place_tear_down(void)
{
    DIR *folder = opendir(place);

    cr_assert_not_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        (void)unlinkat(dirfd(folder), entry->d_name, 0); /* "." and ".." refuse */
    (void)closedir(folder);
    cr_assert_eq(rmdir(place), 0);
}

const char *place_path(const char *name)
{
    static char paths[4][2 * PLACE_LEN];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", place, name);
    return path;
}

bool place_has(const char *name)
{
    return access(place_path(name), F_OK) == 0;
}

bool place_contains(const char *name, const void *needle, size_t needle_len)
{
    struct stat status;
    int fd = open(place_path(name), O_RDONLY | O_CLOEXEC);
    char *bytes;
    bool found;

    cr_assert_geq(fd, 0);
    cr_assert_eq(fstat(fd, &status), 0);
    bytes = malloc((size_t)status.st_size + 1);
    cr_assert_not_null(bytes);
    cr_assert_eq(read(fd, bytes, (size_t)status.st_size), status.st_size);
    found = memmem(bytes, (size_t)status.st_size, needle, needle_len) != NULL;
    free(bytes);
    (void)close(fd);
    return found;
}

struct tp_store *store_make(void)
{
    struct tp_store *store = NULL;

    MUST(tp_store_open(place_path(STORE), TP_STORE_CREATE, &error, &store));
    return store;
}

struct tp_store *store_reopen(enum tp_store_mode mode)
{
    struct tp_store *store = NULL;

    MUST(tp_store_open(place_path(STORE), mode, &error, &store));
    return store;
}

enum tp_rc store_try(enum tp_store_mode mode)
{
    struct tp_store *store = NULL;
    enum tp_rc rc = tp_store_open(place_path(STORE), mode, &error, &store);

    cr_assert_eq(store != NULL, rc == TP_OK);
    tp_store_close(store);
    return rc;
}

void store_run_sql(const char *name, const char *sql)
{
    sqlite3 *db = NULL;

    cr_assert_eq(sqlite3_open(place_path(name), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
}

sqlite3 *store_db(struct tp_store *store)
{
    return tp_store_sqlite_of(store)->db;
}
