/* SPDX-License-Identifier: Apache-2.0
 *
 * Records in SQLite.
 */
#include "store/sqlite.h"

/* A row that another program has written may hold anything (STRICT and CHECK go with the schema, which it may have
 * changed too). CONTENT stays SQLite's memory. */
static enum tp_rc read_record(const struct tp_store_query *query, struct tp_error *error,
                              struct tp_store_record *ret_record)
{
    struct tp_store_record *to = ret_record;
    bool sound = tp_store_query_get_text(query, 0, to->kind, sizeof to->kind) &&
                 tp_store_query_get_text(query, 1, to->id, sizeof to->id) &&
                 tp_store_query_get_text(query, 2, to->owner, sizeof to->owner) &&
                 tp_store_query_get_text(query, 3, to->name, sizeof to->name) &&
                 tp_store_query_get_integer(query, 4, &to->slot) &&
                 tp_store_query_get_integer(query, 5, &to->version) &&
                 tp_store_query_get_array(query, 6, to->mac, sizeof to->mac);

    to->content = tp_store_query_get_bytes(query, 7);
    if (!sound || to->content.len > TP_STORE_CONTENT_MAX)
        return tp_store_sqlite_damaged(query->sqlite, "a record is malformed", error);
    return TP_OK;
}

/* A row that stayed open would keep its snapshot, and with it the write-ahead log: the content is copied. */
static enum tp_rc read_only_record(struct tp_store_query *query, struct tp_error *error,
                                   struct tp_store_record *ret_record)
{
    struct tp_store_sqlite *sqlite = query->sqlite;
    struct tp_store_record record;

    TP_TRY(tp_store_query_step(query, error));
    TP_TRY(read_record(query, error, &record));
    tp_buf_reset(&sqlite->content);
    if (tp_buf_append(&sqlite->content, record.content) != TP_OK)
        return tp_error_set(error, TP_MEMORY, "%s: out of memory", sqlite->path);
    record.content = tp_buf_bytes(&sqlite->content);
    *ret_record = record;
    return TP_OK;
}

enum tp_rc tp_store_sqlite_record_get(struct tp_store *store, const char *kind, const char *id, struct tp_error *error,
                                      struct tp_store_record *ret_record)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_RECORD_GET);
    enum tp_rc rc;

    tp_store_query_text(&query, 1, kind);
    tp_store_query_text(&query, 2, id);
    rc = read_only_record(&query, error, ret_record);
    tp_store_query_end(&query);
    return rc;
}

enum tp_rc tp_store_sqlite_record_find(struct tp_store *store, const char *kind, const char *owner, const char *name,
                                       struct tp_error *error, struct tp_store_record *ret_record)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_RECORD_FIND);
    enum tp_rc rc;

    tp_store_query_text(&query, 1, kind);
    tp_store_query_text(&query, 2, owner);
    tp_store_query_text(&query, 3, name);
    rc = read_only_record(&query, error, ret_record);
    tp_store_query_end(&query);
    return rc;
}

static enum tp_store_query_name query_of_each(const char *kind, const char *owner)
{
    if (kind == NULL)
        return TP_STORE_QUERY_RECORD_EACH_OF_ALL;
    return owner == NULL ? TP_STORE_QUERY_RECORD_EACH : TP_STORE_QUERY_RECORD_EACH_OF_OWNER;
}

enum tp_rc tp_store_sqlite_record_each(struct tp_store *store, const char *kind, const char *owner, uint64_t after,
                                       uint64_t limit, struct tp_error *error, tp_store_record_fn *each, void *context)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), query_of_each(kind, owner));
    struct tp_store_record record;
    enum tp_rc rc;
    bool more;

    if (kind != NULL)
        tp_store_query_text(&query, 1, kind);
    tp_store_query_integer(&query, 2, after);
    tp_store_query_integer(&query, 3, limit);
    if (owner != NULL)
        tp_store_query_text(&query, 4, owner);
    do {
        rc = tp_store_query_step(&query, error);
        more = rc == TP_OK;
        if (more)
            rc = read_record(&query, error, &record);
        if (more && rc == TP_OK)
            rc = each(context, &record);
    } while (more && rc == TP_OK);
    tp_store_query_end(&query);
    return !more && rc == TP_NOT_FOUND ? TP_OK : rc;
}

enum tp_rc tp_store_sqlite_record_put(struct tp_store *store, const struct tp_store_record *record,
                                      struct tp_error *error)
{
    bool insert = record->version == 1;
    struct tp_store_query query = tp_store_query_start(
        tp_store_sqlite_of(store), insert ? TP_STORE_QUERY_RECORD_INSERT : TP_STORE_QUERY_RECORD_REPLACE);

    tp_store_query_text(&query, 1, record->kind);
    tp_store_query_text(&query, 2, record->id);
    tp_store_query_text(&query, 3, record->owner);
    tp_store_query_text(&query, 4, record->name);
    tp_store_query_integer(&query, 5, record->slot);
    tp_store_query_integer(&query, 6, record->version);
    tp_store_query_bytes(&query, 7, TP_BYTES(record->mac, sizeof record->mac));
    tp_store_query_bytes(&query, 8, record->content);
    return insert ? tp_store_query_run(&query, error) : tp_store_query_change(&query, error);
}

enum tp_rc tp_store_sqlite_record_delete(struct tp_store *store, const char *kind, const char *id, uint64_t version,
                                         struct tp_error *error)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_RECORD_DELETE);

    tp_store_query_text(&query, 1, kind);
    tp_store_query_text(&query, 2, id);
    tp_store_query_integer(&query, 3, version);
    return tp_store_query_change(&query, error);
}

/* secure_delete overwrites the rows that are deleted, but not what SQLite leaves behind when it moves others between pages
 * to make room: of a hundred names in an index, one or the other could still be read. Emptied, all pages of the table and
 * its indices are overwritten; put back in order of slot, the rows of the table are not moved again, and what the indices
 * leave behind is of those that are there. */
static const char rewriting[] =
    "CREATE TEMP TABLE kept AS SELECT slot, kind, id, owner, name, version, mac, content FROM main.record;"
    "DELETE FROM main.record;"
    "INSERT INTO main.record (slot, kind, id, owner, name, version, mac, content)"
    " SELECT slot, kind, id, owner, name, version, mac, content FROM temp.kept ORDER BY slot;"
    "DROP TABLE temp.kept";

enum tp_rc tp_store_sqlite_records_rewrite(struct tp_store *store, struct tp_error *error)
{
    struct tp_store_sqlite *sqlite = tp_store_sqlite_of(store);
    int code = sqlite3_exec(sqlite->db, rewriting, NULL, NULL, NULL);

    if (code != SQLITE_OK)
        return tp_store_sqlite_fail(sqlite, code, error);
    sqlite->purge_due = true;
    return TP_OK;
}

static enum tp_rc read_number(struct tp_store_query *query, struct tp_error *error, uint64_t *ret_number)
{
    TP_TRY(tp_store_query_step(query, error));
    if (!tp_store_query_get_integer(query, 0, ret_number))
        return tp_store_sqlite_damaged(query->sqlite, "a number is malformed", error);
    return TP_OK;
}

enum tp_rc tp_store_sqlite_slot_next(struct tp_store *store, struct tp_error *error, uint64_t *ret_slot)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_SLOT_LAST);
    uint64_t last = 0;
    enum tp_rc rc = read_number(&query, error, &last);

    tp_store_query_end(&query);
    if (rc != TP_OK && rc != TP_NOT_FOUND) /* not found: no record was ever made */
        return rc;
    *ret_slot = last + 1;
    return TP_OK;
}

enum tp_rc tp_store_sqlite_record_count(struct tp_store *store, const char *kind, struct tp_error *error,
                                        uint64_t *ret_count)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_RECORD_COUNT);
    enum tp_rc rc;

    tp_store_query_text(&query, 1, kind);
    rc = read_number(&query, error, ret_count);
    tp_store_query_end(&query);
    return rc;
}
