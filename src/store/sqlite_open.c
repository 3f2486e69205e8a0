/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening, configuring and closing an SQLite database. https://sqlite.org/security.html, https://sqlite.org/wal.html
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file is data, not a program: no triggers, views, extensions or functions from it (trusted_schema below), no SQL
 * that could write past the b-trees, and "x" is a column or an error, never a string. */
static const struct {
    int option, value;
} switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},   {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0}, {SQLITE_DBCONFIG_DQS_DDL, 0},        {SQLITE_DBCONFIG_DQS_DML, 0},
};

static const struct {
    const char *sql;
    bool writer_only;
} settings[] = {
    {"PRAGMA trusted_schema = OFF", false},
    /* damage is found when a page is read, not when it has been followed */
    {"PRAGMA cell_size_check = ON", false},
    {"PRAGMA locking_mode = NORMAL", false}, /* auditors read while the engine writes */
    {"PRAGMA temp_store = MEMORY", false},   /* no copy of a row in /tmp */
    /* 16 MiB: the inner pages of all indexes over 10^6 records, and the right edge of the log. No mmap: an I/O error
     * would be a SIGBUS in the engine instead of a code. */
    {"PRAGMA cache_size = -16384", false},
    {"PRAGMA synchronous = FULL", true}, /* commit means: on the disk (one fdatasync of the log) */
    /* erased personal texts leave no copy in freed pages either (RS-25, PA-18) */
    {"PRAGMA secure_delete = ON", true},
    /* 2,000 pages, 8 MB. Measured with one and with 32 rows a commit: at 1,000 the syncs of the checkpoints show, at
     * 4,000 and more the growth of the file does (a commit that lengthens it waits for the file system's journal). */
    {"PRAGMA wal_autocheckpoint = 2000", true},
    {"PRAGMA journal_size_limit = 33554432", true}, /* what one huge transaction has grown is given back */
};

static enum tp_rc set_switches(struct tp_store_sqlite *sqlite, struct tp_error *error)
{
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        int code = sqlite3_db_config(sqlite->db, switches[i].option, switches[i].value, (int *)NULL);

        if (code != SQLITE_OK)
            return tp_store_sqlite_fail(sqlite, code, error);
    }
    return TP_OK;
}

static enum tp_rc set_settings(struct tp_store_sqlite *sqlite, struct tp_error *error)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        int code = SQLITE_OK;

        if (!settings[i].writer_only || sqlite->store.mode != TP_STORE_READ)
            code = sqlite3_exec(sqlite->db, settings[i].sql, NULL, NULL, NULL);
        if (code != SQLITE_OK)
            return tp_store_sqlite_fail(sqlite, code, error);
    }
    return TP_OK;
}

/* Asked for, and looked at: a file system without shared memory silently keeps the old mode. */
static enum tp_rc set_write_ahead_log(struct tp_store_sqlite *sqlite, struct tp_error *error)
{
    char answer[TP_STORE_ANSWER_LEN];

    TP_TRY(tp_store_sqlite_ask(sqlite, "PRAGMA journal_mode = WAL", error, answer));
    if (strcmp(answer, "wal") != 0)
        return tp_error_set(error, TP_STORE,
                            "%s: its file system cannot hold a write-ahead log; put the store on a local disk",
                            sqlite->path);
    return TP_OK;
}

static enum tp_rc check_ours(struct tp_store_sqlite *sqlite, struct tp_error *error)
{
    long application = 0;

    TP_TRY(tp_store_sqlite_ask_number(sqlite, "PRAGMA application_id", error, &application));
    if (application != TP_STORE_SQLITE_APPLICATION)
        return tp_error_set(error, TP_STORE,
                            "%s: this is no trustp11 store; check the path (only if an 'init' was cut short here: "
                            "remove the file and run 'trustp11 init' again)",
                            sqlite->path);
    return TP_OK;
}

/* SQLite opens for reading only what it may not write, and would say so at the first write. */
static enum tp_rc check_writable(struct tp_store_sqlite *sqlite, struct tp_error *error)
{
    if (sqlite->store.mode != TP_STORE_READ && sqlite3_db_readonly(sqlite->db, "main") == 1)
        return tp_store_sqlite_fail(sqlite, SQLITE_READONLY, error);
    return TP_OK;
}

/* Nothing is written before we know that the file is ours, and not newer than we are. */
static enum tp_rc configure(struct tp_store_sqlite *sqlite, struct tp_error *error)
{
    long version = 0;

    (void)sqlite3_busy_timeout(sqlite->db, TP_STORE_SQLITE_WAIT_MS);
    TP_TRY(set_switches(sqlite, error));
    if (sqlite->store.mode != TP_STORE_CREATE)
        TP_TRY(check_ours(sqlite, error));
    TP_TRY(tp_store_sqlite_check_version(sqlite, tp_store_migration_count, error, &version));
    TP_TRY(check_writable(sqlite, error));
    TP_TRY(set_settings(sqlite, error));
    if (sqlite->store.mode == TP_STORE_READ)
        return TP_OK;
    TP_TRY(set_write_ahead_log(sqlite, error));
    TP_TRY(tp_store_sqlite_migrate(sqlite, tp_store_migrations, tp_store_migration_count, error));
    tp_store_sqlite_purge(sqlite);
    return TP_OK;
}

/* NOMUTEX: a handle belongs to one thread at a time (store.h). NOFOLLOW is not wanted: the store may be linked to. */
static enum tp_rc connect_to(struct tp_store_sqlite *sqlite, struct tp_error *error)
{
    int access = sqlite->store.mode == TP_STORE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int code = sqlite3_open_v2(sqlite->path, &sqlite->db, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

    return code == SQLITE_OK ? configure(sqlite, error) : tp_store_sqlite_fail(sqlite, code, error);
}

static enum tp_rc system_failed(const char *path, const char *verb, struct tp_error *error)
{
    int number = errno;
    enum tp_rc rc = number == EEXIST ? TP_EXISTS : number == ENOSPC || number == EDQUOT ? TP_STORE_FULL : TP_STORE;

    return tp_error_set(error, rc, "%s: cannot %s: %s", path, verb, strerror(number));
}

/* The name of a new file is durable only once its folder is. */
static enum tp_rc sync_folder(const char *path, struct tp_error *error)
{
    char copy[PATH_MAX];
    int fd;
    enum tp_rc rc = TP_OK;

    (void)snprintf(copy, sizeof copy, "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return system_failed(path, "open its folder", error);
    if (fsync(fd) != 0)
        rc = system_failed(path, "sync its folder", error);
    (void)close(fd);
    return rc;
}

/* Made by us, for the mode: SQLite's own would be 0644, and its -wal and -shm take theirs from this file. fchmod,
 * because a umask may have taken even more away. Only a new file may be opened and closed beside SQLite: closing any
 * descriptor of a file drops this process's locks on it (fcntl(2)). */
static enum tp_rc create_file(const char *path, struct tp_error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    enum tp_rc rc = TP_OK;

    if (fd < 0)
        return system_failed(path, "make the store", error);
    if (fchmod(fd, S_IRUSR | S_IWUSR) != 0)
        rc = system_failed(path, "set its mode", error);
    (void)close(fd);
    if (rc == TP_OK)
        rc = sync_folder(path, error);
    if (rc != TP_OK)
        (void)unlink(path);
    return rc;
}

/* "./" before a relative path: SQLite takes ":memory:" and "file:…" for something else than files. */
static enum tp_rc handle_new(const char *place, enum tp_store_mode mode, struct tp_error *error,
                             struct tp_store_sqlite **ret_sqlite)
{
    struct tp_store_sqlite *sqlite = calloc(1, sizeof *sqlite);
    int len;

    if (sqlite == NULL)
        return tp_error_set(error, TP_MEMORY, "%s: out of memory", place);
    len = snprintf(sqlite->path, sizeof sqlite->path, "%s%s", place[0] == '/' ? "" : "./", place);
    if (len < 0 || (size_t)len >= sizeof sqlite->path) {
        free(sqlite);
        return tp_error_set(error, TP_BAD_ARGUMENT, "store: the path is longer than %zu bytes", (size_t)PATH_MAX - 1);
    }
    sqlite->store = (struct tp_store){.backend = &tp_store_sqlite, .mode = mode};
    *ret_sqlite = sqlite;
    return TP_OK;
}

static void handle_free(struct tp_store_sqlite *sqlite)
{
    for (size_t i = 0; i < TP_STORE_QUERY_COUNT; i++)
        (void)sqlite3_finalize(sqlite->statements[i]);
    (void)sqlite3_close(sqlite->db); /* rolls back, and as the last connection empties the write-ahead log */
    tp_buf_clear(&sqlite->content);
    free(sqlite);
}

enum tp_rc tp_store_sqlite_open(const char *path, enum tp_store_mode mode, struct tp_error *error,
                                struct tp_store **ret_store)
{
    struct tp_store_sqlite *sqlite = NULL;
    enum tp_rc rc;

    TP_TRY(handle_new(path, mode, error, &sqlite));
    rc = mode == TP_STORE_CREATE ? create_file(sqlite->path, error) : TP_OK;
    if (rc == TP_OK) {
        rc = connect_to(sqlite, error);
        if (rc != TP_OK && mode == TP_STORE_CREATE)
            (void)unlink(sqlite->path); /* half a store helps nobody; SQLite removes a log that has no database */
    }
    if (rc != TP_OK) {
        handle_free(sqlite);
        return rc;
    }
    *ret_store = &sqlite->store;
    return TP_OK;
}

void tp_store_sqlite_close(struct tp_store *store)
{
    handle_free(tp_store_sqlite_of(store));
}

/* Without waiting: this stands in the way of the next commit. */
void tp_store_sqlite_purge(struct tp_store_sqlite *sqlite)
{
    int code;

    (void)sqlite3_busy_timeout(sqlite->db, 0);
    code = sqlite3_wal_checkpoint_v2(sqlite->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(sqlite->db, TP_STORE_SQLITE_WAIT_MS);
    sqlite->purge_due = code != SQLITE_OK;
}
