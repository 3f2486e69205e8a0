/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema, as numbered migrations. A row that has been released is never edited: add one. The number of the newest
 * is PRAGMA user_version, in the file's header, set in the transaction that runs it.
 */
#include "store/sqlite.h"

#include <stdio.h>

/* STRICT: a column holds its type or the write fails. CHECKs are for tables whose rows are few and decide something;
 * the log's rows are many and verified by their hashes. record: the slot is the row's number, so that a walk in order
 * of slot is a walk along an index; AUTOINCREMENT, because a slot is never used again. An index ends in the row's
 * number, i.e. the slot: (kind), (kind, owner) answer each(). entry: rows in order of index; an append touches the last
 * page only. text: a table beside an index, not WITHOUT ROWID: texts are of any length. */
static const char first_schema[] =
    "CREATE TABLE record ("
    " slot INTEGER PRIMARY KEY AUTOINCREMENT CHECK (slot > 0),"
    " kind TEXT NOT NULL CHECK (length(CAST(kind AS BLOB)) BETWEEN 1 AND 15),"
    " id TEXT NOT NULL CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 32),"
    " owner TEXT NOT NULL CHECK (length(CAST(owner AS BLOB)) <= 32),"
    " name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) <= 255),"
    " version INTEGER NOT NULL CHECK (version > 0),"
    " mac BLOB NOT NULL CHECK (length(mac) = 32),"
    " content BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX record_id ON record (kind, id);"
    "CREATE INDEX record_kind ON record (kind);"
    "CREATE INDEX record_owner ON record (kind, owner);"
    "CREATE UNIQUE INDEX record_name ON record (kind, owner, name) WHERE name <> '';"
    "CREATE TABLE entry (idx INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;"
    "CREATE TABLE node (tree INTEGER NOT NULL, level INTEGER NOT NULL, idx INTEGER NOT NULL, content BLOB NOT NULL,"
    " PRIMARY KEY (tree, level, idx)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;"
    "CREATE TABLE value (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE text (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
    " erased INTEGER NOT NULL CHECK (erased IN (0, 1)), salt BLOB NOT NULL, content BLOB NOT NULL) STRICT;";

const struct tp_store_migration tp_store_migrations[] = {
    {1, first_schema},
};
const size_t tp_store_migration_count = sizeof tp_store_migrations / sizeof tp_store_migrations[0];

enum tp_rc tp_store_sqlite_check_version(struct tp_store_sqlite *sqlite, size_t count, struct tp_error *error,
                                         long *ret_version)
{
    long version = 0;

    TP_TRY(tp_store_sqlite_ask_number(sqlite, "PRAGMA user_version", error, &version));
    if (version < 0)
        return tp_store_sqlite_damaged(sqlite, "a negative schema version", error);
    if ((size_t)version > count)
        return tp_error_set(error, TP_STORE_NEWER,
                            "%s: its schema has version %ld, this program knows %zu; use the newer trustp11",
                            sqlite->path, version, count);
    *ret_version = version;
    return TP_OK;
}

static enum tp_rc run(struct tp_store_sqlite *sqlite, const char *sql, struct tp_error *error)
{
    int code = sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? TP_OK : tp_store_sqlite_fail(sqlite, code, error);
}

static enum tp_rc migrate_one(struct tp_store_sqlite *sqlite, const struct tp_store_migration *migration,
                              struct tp_error *error)
{
    char set_version[64];

    (void)snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", migration->version);
    TP_TRY(run(sqlite, migration->sql, error));
    return run(sqlite, set_version, error);
}

/* The version is read again under the lock: another process may have done the work while we waited. */
static enum tp_rc migrate_locked(struct tp_store_sqlite *sqlite, const struct tp_store_migration *migrations,
                                 size_t count, struct tp_error *error)
{
    char set_application[64];
    long version = 0;

    (void)snprintf(set_application, sizeof set_application, "PRAGMA application_id = %d", TP_STORE_SQLITE_APPLICATION);
    TP_TRY(tp_store_sqlite_check_version(sqlite, count, error, &version));
    for (size_t i = (size_t)version; i < count; i++)
        TP_TRY(migrate_one(sqlite, &migrations[i], error));
    TP_TRY(run(sqlite, set_application, error));
    return tp_store_query_once(sqlite, TP_STORE_QUERY_COMMIT, error);
}

enum tp_rc tp_store_sqlite_migrate(struct tp_store_sqlite *sqlite, const struct tp_store_migration *migrations,
                                   size_t count, struct tp_error *error)
{
    long version = 0;
    enum tp_rc rc;

    TP_TRY(tp_store_sqlite_check_version(sqlite, count, error, &version));
    if ((size_t)version == count)
        return TP_OK;
    TP_TRY(tp_store_query_once(sqlite, TP_STORE_QUERY_BEGIN, error));
    rc = migrate_locked(sqlite, migrations, count, error);
    if (rc != TP_OK && sqlite3_get_autocommit(sqlite->db) == 0) {
        enum tp_rc ignored = tp_store_query_once(sqlite, TP_STORE_QUERY_ROLLBACK, NULL); /* closed next, in any case */

        (void)ignored;
    }
    return rc;
}
