/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite's result codes as ours. https://sqlite.org/rescode.html
 */
#include "store/sqlite.h"

#include <errno.h>
#include <string.h>

static const struct {
    int code; /* primary */
    enum tp_rc rc;
    const char *words;
} meanings[] = {
    {SQLITE_BUSY, TP_STORE_BUSY, "another process is writing; try again, or end that process"},
    {SQLITE_PROTOCOL, TP_STORE_BUSY, "other processes keep taking the lock; try again"},
    {SQLITE_FULL, TP_STORE_FULL, "the disk is full; make room and try again"},
    {SQLITE_CORRUPT, TP_STORE_DAMAGED, "the database is damaged; restore it from a backup"},
    {SQLITE_NOTADB, TP_STORE_DAMAGED,
     "this is no database, or its beginning is damaged; check the path, or restore it"},
    {SQLITE_CANTOPEN, TP_STORE, "it cannot be opened; check its path, owner and mode"},
    {SQLITE_READONLY, TP_STORE, "it may not be written; check owner and mode of the file and of its folder"},
    {SQLITE_PERM, TP_STORE, "access is denied; check its owner and mode"},
    {SQLITE_IOERR, TP_STORE, "reading or writing failed; check the disk"},
    {SQLITE_TOOBIG, TP_TOO_LARGE, "a value is too large"},
    {SQLITE_NOMEM, TP_MEMORY, "out of memory"},
    {SQLITE_MISUSE, TP_INTERNAL, "the database library was misused"},
};

/* No room: the disk's, the user's, or the process's (RLIMIT_FSIZE). */
static bool is_out_of_room(int number)
{
    return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/* The errno behind CODE, 0 when there is none. SQLite does not keep it for a COMMIT, the write-ahead log's file does.
 */
static int system_number(sqlite3 *db, int code)
{
    int primary = code & 0xff, number = 0;
    sqlite3_file *log = NULL;

    if (primary != SQLITE_IOERR && primary != SQLITE_CANTOPEN)
        return 0;
    number = sqlite3_system_errno(db);
    if (number == 0 && sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
        log != NULL && log->pMethods != NULL)
        (void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
    return number;
}

static bool is_uniqueness(int code)
{
    return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID;
}

static enum tp_rc meaning(int code, int number, const char **ret_words)
{
    int primary = code & 0xff;

    if (primary == SQLITE_CANTOPEN && number == ENOENT) {
        *ret_words = "there is no store; make one with 'trustp11 init', or check the path";
        return TP_NOT_FOUND;
    }
    if (primary == SQLITE_IOERR && is_out_of_room(number))
        primary = SQLITE_FULL;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].code == primary) {
            *ret_words = meanings[i].words;
            return meanings[i].rc;
        }
    }
    *ret_words = "the database failed";
    return TP_STORE;
}

enum tp_rc tp_store_sqlite_fail(struct tp_store_sqlite *sqlite, int code, struct tp_error *error)
{
    int number = system_number(sqlite->db, code);
    const char *words;
    enum tp_rc rc;

    if (is_uniqueness(code))
        return TP_EXISTS;
    rc = meaning(code, number, &words);
    if (sqlite->store.transaction != TP_STORE_NO_TRANSACTION && sqlite->store.lost == TP_OK)
        sqlite->store.lost = rc;
    if (number != 0)
        return tp_error_set(error, rc, "%s: %s (%s: %s)", sqlite->path, words, sqlite3_errstr(code), strerror(number));
    return tp_error_set(error, rc, "%s: %s (%s)", sqlite->path, words, sqlite3_errmsg(sqlite->db));
}

enum tp_rc tp_store_sqlite_damaged(struct tp_store_sqlite *sqlite, const char *what, struct tp_error *error)
{
    return tp_error_set(error, TP_STORE_DAMAGED, "%s: the database is damaged; restore it from a backup (%s)",
                        sqlite->path, what);
}
