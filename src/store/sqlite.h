/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite backend, private: the handle, its prepared statements, and the one place where SQLite's codes become ours.
 */
#ifndef TP_STORE_SQLITE_H
#define TP_STORE_SQLITE_H

#include "store/backend.h"

#include <limits.h>
#include <sqlite3.h>

#define TP_STORE_SQLITE_WAIT_MS     2000       /* for another process's lock */
#define TP_STORE_SQLITE_APPLICATION 0x74703131 /* "tp11", in the file's header: file(1) and we know it by this */

/* One prepared statement each, made on first use and kept: preparing costs more than running most of them. */
enum tp_store_query_name {
    TP_STORE_QUERY_BEGIN,
    TP_STORE_QUERY_SNAPSHOT,
    TP_STORE_QUERY_COMMIT,
    TP_STORE_QUERY_ROLLBACK,
    TP_STORE_QUERY_SAVEPOINT,
    TP_STORE_QUERY_SAVEPOINT_RELEASE,
    TP_STORE_QUERY_SAVEPOINT_ROLLBACK,
    TP_STORE_QUERY_RECORD_GET,
    TP_STORE_QUERY_RECORD_FIND,
    TP_STORE_QUERY_RECORD_EACH,
    TP_STORE_QUERY_RECORD_EACH_OF_ALL,
    TP_STORE_QUERY_RECORD_EACH_OF_OWNER,
    TP_STORE_QUERY_RECORD_INSERT,
    TP_STORE_QUERY_RECORD_REPLACE,
    TP_STORE_QUERY_RECORD_DELETE,
    TP_STORE_QUERY_RECORD_COUNT,
    TP_STORE_QUERY_SLOT_LAST,
    TP_STORE_QUERY_ENTRY_APPEND,
    TP_STORE_QUERY_ENTRY_EACH,
    TP_STORE_QUERY_ENTRY_EACH_BACKWARDS,
    TP_STORE_QUERY_ENTRY_LAST,
    TP_STORE_QUERY_NODE_PUT,
    TP_STORE_QUERY_NODE_GET,
    TP_STORE_QUERY_NODE_REMOVE,
    TP_STORE_QUERY_NODE_COUNT,
    TP_STORE_QUERY_NODES_CLEAR,
    TP_STORE_QUERY_CHECKPOINT_PUT,
    TP_STORE_QUERY_CHECKPOINT_GET,
    TP_STORE_QUERY_VALUE_PUT,
    TP_STORE_QUERY_VALUE_GET,
    TP_STORE_QUERY_TEXT_PUT,
    TP_STORE_QUERY_TEXT_GET,
    TP_STORE_QUERY_TEXT_EACH,
    TP_STORE_QUERY_TEXT_ERASE,
    TP_STORE_QUERY_COUNT
};

extern const char *const tp_store_query_sql[TP_STORE_QUERY_COUNT];

struct tp_store_sqlite {
    struct tp_store store; /* first: a struct tp_store * is a pointer to this */
    sqlite3 *db;
    sqlite3_stmt *statements[TP_STORE_QUERY_COUNT];
    struct tp_buf content; /* of the record that was read last */
    uint64_t end;          /* of the log, while END_KNOWN: within one transaction nobody else moves it */
    bool end_known;
    bool purge_due; /* something was erased, and may still stand in the write-ahead log */
    char path[PATH_MAX];
};

static inline struct tp_store_sqlite *tp_store_sqlite_of(struct tp_store *store)
{
    return (struct tp_store_sqlite *)store;
}

/* CODE (an extended result code) as ours, with words that name the file; a transaction that is open is lost, except to
 * a violated constraint, which is TP_EXISTS without words. */
TP_MUST_USE enum tp_rc tp_store_sqlite_fail(struct tp_store_sqlite *sqlite, int code, struct tp_error *error);
/* What a row holds is not what we write. */
TP_MUST_USE enum tp_rc tp_store_sqlite_damaged(struct tp_store_sqlite *sqlite, const char *what,
                                               struct tp_error *error);

/* ---- one use of a prepared statement ---- */

struct tp_store_query {
    struct tp_store_sqlite *sqlite;
    sqlite3_stmt *statement; /* NULL when it could not be prepared */
    int code;                /* the first failure; the calls after it do nothing */
};

struct tp_store_query tp_store_query_start(struct tp_store_sqlite *sqlite, enum tp_store_query_name name);
/* Parameters, from 1. The memory must last until the query ends. Integers fit in 63 bits (backend.h). */
void tp_store_query_integer(struct tp_store_query *query, int at, uint64_t value);
void tp_store_query_text(struct tp_store_query *query, int at, const char *text);
void tp_store_query_bytes(struct tp_store_query *query, int at, struct tp_bytes bytes);
/* TP_OK: a row is there. TP_NOT_FOUND: no more. */
TP_MUST_USE enum tp_rc tp_store_query_step(struct tp_store_query *query, struct tp_error *error);
/* Columns of the row, from 0; false when it holds something else. */
bool tp_store_query_get_integer(const struct tp_store_query *query, int at, uint64_t *ret_value);
bool tp_store_query_get_text(const struct tp_store_query *query, int at, char *ret_text, size_t ret_text_size);
bool tp_store_query_get_array(const struct tp_store_query *query, int at, uint8_t *ret_bytes, size_t ret_bytes_len);
struct tp_bytes tp_store_query_get_bytes(const struct tp_store_query *query, int at); /* until the next step or end */
void tp_store_query_end(struct tp_store_query *query);
/* For statements without rows: step and end. */
TP_MUST_USE enum tp_rc tp_store_query_run(struct tp_store_query *query, struct tp_error *error);
/* The same, TP_NOT_FOUND when no row was changed. */
TP_MUST_USE enum tp_rc tp_store_query_change(struct tp_store_query *query, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_store_query_once(struct tp_store_sqlite *sqlite, enum tp_store_query_name name,
                                           struct tp_error *error);

/* The first column of the first row of SQL as text, cut to fit. For what is asked once a handle. */
#define TP_STORE_ANSWER_LEN 200
TP_MUST_USE enum tp_rc tp_store_sqlite_ask(struct tp_store_sqlite *sqlite, const char *sql, struct tp_error *error,
                                           char ret_answer[TP_STORE_ANSWER_LEN]);
TP_MUST_USE enum tp_rc tp_store_sqlite_ask_number(struct tp_store_sqlite *sqlite, const char *sql,
                                                  struct tp_error *error, long *ret_number);

/* ---- migrations (sqlite_schema.c) ---- */

struct tp_store_migration {
    int version; /* 1, 2, … in the order of the table */
    const char *sql;
};

extern const struct tp_store_migration tp_store_migrations[];
extern const size_t tp_store_migration_count;

/* TP_STORE_NEWER when the database is past the table of COUNT rows. */
TP_MUST_USE enum tp_rc tp_store_sqlite_check_version(struct tp_store_sqlite *sqlite, size_t count,
                                                     struct tp_error *error, long *ret_version);
/* Runs those that are due, in one transaction. */
TP_MUST_USE enum tp_rc tp_store_sqlite_migrate(struct tp_store_sqlite *sqlite,
                                               const struct tp_store_migration *migrations, size_t count,
                                               struct tp_error *error);

/* ---- open and close (sqlite_open.c) ---- */

TP_MUST_USE enum tp_rc tp_store_sqlite_open(const char *path, enum tp_store_mode mode, struct tp_error *error,
                                            struct tp_store **ret_store);
void tp_store_sqlite_close(struct tp_store *store);
/* Copies the write-ahead log into the database and empties it, unless somebody reads; tried again after the next
 * commit then. */
void tp_store_sqlite_purge(struct tp_store_sqlite *sqlite);

/* ---- members of the vtable that have files of their own (sqlite_record.c, sqlite_log.c) ---- */

enum tp_rc tp_store_sqlite_record_get(struct tp_store *store, const char *kind, const char *id, struct tp_error *error,
                                      struct tp_store_record *ret_record);
enum tp_rc tp_store_sqlite_record_find(struct tp_store *store, const char *kind, const char *owner, const char *name,
                                       struct tp_error *error, struct tp_store_record *ret_record);
enum tp_rc tp_store_sqlite_record_each(struct tp_store *store, const char *kind, const char *owner, uint64_t after,
                                       uint64_t limit, struct tp_error *error, tp_store_record_fn *each, void *context);
enum tp_rc tp_store_sqlite_record_put(struct tp_store *store, const struct tp_store_record *record,
                                      struct tp_error *error);
enum tp_rc tp_store_sqlite_record_delete(struct tp_store *store, const char *kind, const char *id, uint64_t version,
                                         struct tp_error *error);
enum tp_rc tp_store_sqlite_records_rewrite(struct tp_store *store, struct tp_error *error);
enum tp_rc tp_store_sqlite_slot_next(struct tp_store *store, struct tp_error *error, uint64_t *ret_slot);
enum tp_rc tp_store_sqlite_record_count(struct tp_store *store, const char *kind, struct tp_error *error,
                                        uint64_t *ret_count);

enum tp_rc tp_store_sqlite_entry_append(struct tp_store *store, uint64_t index, struct tp_bytes content,
                                        struct tp_error *error);
enum tp_rc tp_store_sqlite_entry_each(struct tp_store *store, uint64_t first, uint64_t last, bool backwards,
                                      struct tp_error *error, tp_store_entry_fn *each, void *context);
enum tp_rc tp_store_sqlite_entry_end(struct tp_store *store, struct tp_error *error, uint64_t *ret_end);
enum tp_rc tp_store_sqlite_node_put(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                                    struct tp_bytes node, struct tp_error *error);
enum tp_rc tp_store_sqlite_node_get(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                                    uint8_t *ret_node, size_t ret_node_len, struct tp_error *error);
enum tp_rc tp_store_sqlite_checkpoint_put(struct tp_store *store, uint64_t size, struct tp_bytes note,
                                          struct tp_error *error);
enum tp_rc tp_store_sqlite_checkpoint_get(struct tp_store *store, uint64_t most, struct tp_error *error,
                                          uint64_t *ret_size, struct tp_buf *ret_note);
enum tp_rc tp_store_sqlite_value_put(struct tp_store *store, const char *name, struct tp_bytes value,
                                     struct tp_error *error);
enum tp_rc tp_store_sqlite_value_get(struct tp_store *store, const char *name, struct tp_error *error,
                                     struct tp_buf *ret_value);
enum tp_rc tp_store_sqlite_text_put(struct tp_store *store, const uint8_t *hash, struct tp_bytes salt,
                                    struct tp_bytes text, struct tp_error *error);
enum tp_rc tp_store_sqlite_text_get(struct tp_store *store, const uint8_t *hash, struct tp_error *error,
                                    struct tp_buf *ret_salt, struct tp_buf *ret_text);
enum tp_rc tp_store_sqlite_text_erase(struct tp_store *store, const uint8_t *hash, struct tp_error *error);
enum tp_rc tp_store_sqlite_text_each(struct tp_store *store, struct tp_error *error, tp_store_text_fn *each,
                                     void *context);
enum tp_rc tp_store_sqlite_node_remove(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                                       struct tp_error *error);
enum tp_rc tp_store_sqlite_node_count(struct tp_store *store, unsigned tree, struct tp_error *error,
                                      uint64_t *ret_count);
enum tp_rc tp_store_sqlite_nodes_clear(struct tp_store *store, unsigned tree, struct tp_error *error);

#endif
