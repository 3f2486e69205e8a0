/* SPDX-License-Identifier: Apache-2.0
 *
 * All SQL that runs more than once, and its use. https://sqlite.org/c3ref/stmt.html
 */
#include "store/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD "SELECT kind, id, owner, name, slot, version, mac, content FROM record "

/* A unit test has SQLite explain each of these: none may walk a table, whatever its size. */
const char *const tp_store_query_sql[TP_STORE_QUERY_COUNT] = {
    [TP_STORE_QUERY_BEGIN] = "BEGIN IMMEDIATE",
    [TP_STORE_QUERY_SNAPSHOT] = "BEGIN DEFERRED",
    [TP_STORE_QUERY_COMMIT] = "COMMIT",
    [TP_STORE_QUERY_ROLLBACK] = "ROLLBACK",
    [TP_STORE_QUERY_SAVEPOINT] = "SAVEPOINT member",
    [TP_STORE_QUERY_SAVEPOINT_RELEASE] = "RELEASE member",
    [TP_STORE_QUERY_SAVEPOINT_ROLLBACK] = "ROLLBACK TO member",

    [TP_STORE_QUERY_RECORD_GET] = RECORD "WHERE kind = ?1 AND id = ?2",
    /* name <> '' is what lets the partial index answer */
    [TP_STORE_QUERY_RECORD_FIND] = RECORD "WHERE kind = ?1 AND owner = ?2 AND name = ?3 AND name <> ''",
    [TP_STORE_QUERY_RECORD_EACH] = RECORD "WHERE kind = ?1 AND slot > ?2 ORDER BY slot LIMIT ?3",
    [TP_STORE_QUERY_RECORD_EACH_OF_ALL] = RECORD "WHERE slot > ?2 ORDER BY slot LIMIT ?3",
    [TP_STORE_QUERY_RECORD_EACH_OF_OWNER] =
        RECORD "WHERE kind = ?1 AND owner = ?4 AND slot > ?2 ORDER BY slot LIMIT ?3",
    [TP_STORE_QUERY_RECORD_INSERT] = "INSERT INTO record (kind, id, owner, name, slot, version, mac, content) "
                                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [TP_STORE_QUERY_RECORD_REPLACE] = "UPDATE record SET owner = ?3, name = ?4, version = ?6, mac = ?7, content = ?8 "
                                      "WHERE slot = ?5 AND kind = ?1 AND id = ?2 AND version = ?6 - 1",
    [TP_STORE_QUERY_RECORD_DELETE] = "DELETE FROM record WHERE kind = ?1 AND id = ?2 AND version = ?3",
    [TP_STORE_QUERY_RECORD_COUNT] = "SELECT count(*) FROM record WHERE kind = ?1",
    /* What AUTOINCREMENT keeps: it outlives the record that had the slot. One row for the one such table. */
    [TP_STORE_QUERY_SLOT_LAST] = "SELECT seq FROM sqlite_sequence WHERE name = 'record'",

    [TP_STORE_QUERY_ENTRY_APPEND] = "INSERT INTO entry (idx, content) VALUES (?1, ?2)",
    [TP_STORE_QUERY_ENTRY_EACH] = "SELECT idx, content FROM entry WHERE idx BETWEEN ?1 AND ?2 ORDER BY idx",
    [TP_STORE_QUERY_ENTRY_EACH_BACKWARDS] =
        "SELECT idx, content FROM entry WHERE idx BETWEEN ?1 AND ?2 ORDER BY idx DESC",
    [TP_STORE_QUERY_ENTRY_LAST] = "SELECT max(idx) FROM entry",

    [TP_STORE_QUERY_NODE_PUT] = "INSERT OR REPLACE INTO node (tree, level, idx, content) VALUES (?1, ?2, ?3, ?4)",
    [TP_STORE_QUERY_NODE_GET] = "SELECT content FROM node WHERE tree = ?1 AND level = ?2 AND idx = ?3",
    [TP_STORE_QUERY_NODE_REMOVE] = "DELETE FROM node WHERE tree = ?1 AND level = ?2 AND idx = ?3",
    [TP_STORE_QUERY_NODE_COUNT] = "SELECT count(*) FROM node WHERE tree = ?1",
    [TP_STORE_QUERY_NODES_CLEAR] = "DELETE FROM node WHERE tree = ?1",
    [TP_STORE_QUERY_CHECKPOINT_PUT] = "INSERT OR REPLACE INTO checkpoint (size, note) VALUES (?1, ?2)",
    [TP_STORE_QUERY_CHECKPOINT_GET] = "SELECT size, note FROM checkpoint WHERE size <= ?1 ORDER BY size DESC LIMIT 1",
    [TP_STORE_QUERY_VALUE_PUT] = "INSERT OR REPLACE INTO value (name, content) VALUES (?1, ?2)",
    [TP_STORE_QUERY_VALUE_GET] = "SELECT content FROM value WHERE name = ?1",
    [TP_STORE_QUERY_TEXT_PUT] = "INSERT INTO text (hash, erased, salt, content) VALUES (?1, 0, ?2, ?3) "
                                "ON CONFLICT (hash) DO UPDATE SET erased = 0, salt = ?2, content = ?3 "
                                "WHERE text.erased = 1",
    [TP_STORE_QUERY_TEXT_GET] = "SELECT salt, content FROM text WHERE hash = ?1 AND erased = 0",
    [TP_STORE_QUERY_TEXT_EACH] = "SELECT hash, erased, salt, content FROM text WHERE number > ?1 ORDER BY number",
    [TP_STORE_QUERY_TEXT_ERASE] = "UPDATE text SET erased = 1, salt = zeroblob(length(salt)), "
                                  "content = zeroblob(length(content)) WHERE hash = ?1 AND erased = 0",
};

struct tp_store_query tp_store_query_start(struct tp_store_sqlite *sqlite, enum tp_store_query_name name)
{
    sqlite3_stmt **statement = &sqlite->statements[name];
    int code = SQLITE_OK;

    if (*statement == NULL)
        code = sqlite3_prepare_v3(sqlite->db, tp_store_query_sql[name], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return (struct tp_store_query){.sqlite = sqlite, .statement = *statement, .code = code};
}

void tp_store_query_integer(struct tp_store_query *query, int at, uint64_t value)
{
    if (query->code == SQLITE_OK)
        query->code = sqlite3_bind_int64(query->statement, at, (sqlite3_int64)value);
}

void tp_store_query_text(struct tp_store_query *query, int at, const char *text)
{
    if (query->code == SQLITE_OK)
        query->code = sqlite3_bind_text(query->statement, at, text, -1, SQLITE_STATIC);
}

/* A null pointer would be SQL's NULL, which is not the empty string. */
void tp_store_query_bytes(struct tp_store_query *query, int at, struct tp_bytes bytes)
{
    if (query->code == SQLITE_OK)
        query->code = sqlite3_bind_blob64(query->statement, at, bytes.len == 0 ? (const void *)"" : bytes.data,
                                          bytes.len, SQLITE_STATIC);
}

enum tp_rc tp_store_query_step(struct tp_store_query *query, struct tp_error *error)
{
    int code = query->code != SQLITE_OK ? query->code : sqlite3_step(query->statement);

    if (code == SQLITE_ROW)
        return TP_OK;
    if (code == SQLITE_DONE)
        return TP_NOT_FOUND;
    return tp_store_sqlite_fail(query->sqlite, code, error);
}

bool tp_store_query_get_integer(const struct tp_store_query *query, int at, uint64_t *ret_value)
{
    sqlite3_int64 value;

    if (sqlite3_column_type(query->statement, at) != SQLITE_INTEGER)
        return false;
    value = sqlite3_column_int64(query->statement, at);
    if (value < 0)
        return false;
    *ret_value = (uint64_t)value;
    return true;
}

struct tp_bytes tp_store_query_get_bytes(const struct tp_store_query *query, int at)
{
    const void *data = sqlite3_column_blob(query->statement, at);
    int len = sqlite3_column_bytes(query->statement, at);

    return data == NULL || len <= 0 ? TP_BYTES_NONE : TP_BYTES(data, (size_t)len);
}

bool tp_store_query_get_text(const struct tp_store_query *query, int at, char *ret_text, size_t ret_text_size)
{
    struct tp_bytes text = tp_store_query_get_bytes(query, at);

    if (text.len >= ret_text_size || (text.len > 0 && memchr(text.data, '\0', text.len) != NULL))
        return false;
    if (text.len > 0)
        memcpy(ret_text, text.data, text.len);
    ret_text[text.len] = '\0';
    return true;
}

bool tp_store_query_get_array(const struct tp_store_query *query, int at, uint8_t *ret_bytes, size_t ret_bytes_len)
{
    struct tp_bytes bytes = tp_store_query_get_bytes(query, at);

    if (bytes.len != ret_bytes_len)
        return false;
    if (bytes.len > 0)
        memcpy(ret_bytes, bytes.data, bytes.len);
    return true;
}

/* Its code is that of the last step, which has been dealt with. */
void tp_store_query_end(struct tp_store_query *query)
{
    (void)sqlite3_reset(query->statement);
}

enum tp_rc tp_store_query_run(struct tp_store_query *query, struct tp_error *error)
{
    enum tp_rc rc = tp_store_query_step(query, error);

    tp_store_query_end(query);
    return rc == TP_NOT_FOUND ? TP_OK : rc;
}

enum tp_rc tp_store_query_change(struct tp_store_query *query, struct tp_error *error)
{
    TP_TRY(tp_store_query_run(query, error));
    return sqlite3_changes64(query->sqlite->db) == 0 ? TP_NOT_FOUND : TP_OK;
}

enum tp_rc tp_store_query_once(struct tp_store_sqlite *sqlite, enum tp_store_query_name name, struct tp_error *error)
{
    struct tp_store_query query = tp_store_query_start(sqlite, name);

    return tp_store_query_run(&query, error);
}

enum tp_rc tp_store_sqlite_ask(struct tp_store_sqlite *sqlite, const char *sql, struct tp_error *error,
                               char ret_answer[TP_STORE_ANSWER_LEN])
{
    struct tp_store_query query = {.sqlite = sqlite};
    char answer[TP_STORE_ANSWER_LEN];
    enum tp_rc rc;
    int code;

    query.code = sqlite3_prepare_v2(sqlite->db, sql, -1, &query.statement, NULL);
    rc = tp_store_query_step(&query, error);
    if (rc == TP_OK) {
        const unsigned char *text = sqlite3_column_text(query.statement, 0);

        (void)snprintf(answer, sizeof answer, "%s", text == NULL ? "" : (const char *)text);
    }
    code = sqlite3_finalize(query.statement); /* knows of a conversion to text that ran out of memory */
    if (rc == TP_NOT_FOUND)
        return tp_store_sqlite_damaged(sqlite, sql, error);
    if (rc == TP_OK && code != SQLITE_OK)
        return tp_store_sqlite_fail(sqlite, code, error);
    if (rc == TP_OK)
        memcpy(ret_answer, answer, sizeof answer);
    return rc;
}

enum tp_rc tp_store_sqlite_ask_number(struct tp_store_sqlite *sqlite, const char *sql, struct tp_error *error,
                                      long *ret_number)
{
    char answer[TP_STORE_ANSWER_LEN];

    TP_TRY(tp_store_sqlite_ask(sqlite, sql, error, answer));
    *ret_number = strtol(answer, NULL, 10);
    return TP_OK;
}
