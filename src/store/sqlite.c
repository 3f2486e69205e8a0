/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite backend: its transactions, and the table that makes it one. https://sqlite.org/lang_transaction.html
 */
#include "store/sqlite.h"

#include <string.h>

static enum tp_rc check(struct tp_store *store, struct tp_error *error)
{
    char answer[TP_STORE_ANSWER_LEN];

    TP_TRY(tp_store_sqlite_ask(tp_store_sqlite_of(store), "PRAGMA quick_check(1)", error, answer));
    return strcmp(answer, "ok") == 0 ? TP_OK : tp_store_sqlite_damaged(tp_store_sqlite_of(store), answer, error);
}

/* Writing takes the lock at once (BEGIN IMMEDIATE): a transaction that has read first and writes later could find the
 * database changed in between, and no amount of waiting would help it. */
static enum tp_rc begin(struct tp_store *store, struct tp_error *error)
{
    struct tp_store_sqlite *sqlite = tp_store_sqlite_of(store);

    sqlite->end_known = false;
    return tp_store_query_once(sqlite, store->mode == TP_STORE_READ ? TP_STORE_QUERY_SNAPSHOT : TP_STORE_QUERY_BEGIN,
                               error);
}

static enum tp_rc commit(struct tp_store *store, struct tp_error *error)
{
    struct tp_store_sqlite *sqlite = tp_store_sqlite_of(store);

    TP_TRY(tp_store_query_once(sqlite, TP_STORE_QUERY_COMMIT, error));
    sqlite->end_known = false;
    if (sqlite->purge_due)
        tp_store_sqlite_purge(sqlite);
    return TP_OK;
}

/* SQLite may have rolled back by itself (autocommit is on again); ROLLBACK itself cannot fail otherwise: what cannot be
 * read back now is read back from the log when the file is next opened. */
static void rollback(struct tp_store *store)
{
    struct tp_store_sqlite *sqlite = tp_store_sqlite_of(store);
    enum tp_rc ignored;

    sqlite->end_known = false;
    if (sqlite3_get_autocommit(sqlite->db) != 0)
        return;
    ignored = tp_store_query_once(sqlite, TP_STORE_QUERY_ROLLBACK, NULL);
    (void)ignored;
}

static enum tp_rc savepoint(struct tp_store *store, struct tp_error *error)
{
    return tp_store_query_once(tp_store_sqlite_of(store), TP_STORE_QUERY_SAVEPOINT, error);
}

static enum tp_rc savepoint_release(struct tp_store *store, struct tp_error *error)
{
    return tp_store_query_once(tp_store_sqlite_of(store), TP_STORE_QUERY_SAVEPOINT_RELEASE, error);
}

/* ROLLBACK TO leaves the savepoint itself open. A failure marks the transaction as lost (tp_store_sqlite_fail). */
static void savepoint_rollback(struct tp_store *store)
{
    struct tp_store_sqlite *sqlite = tp_store_sqlite_of(store);
    enum tp_rc rc = tp_store_query_once(sqlite, TP_STORE_QUERY_SAVEPOINT_ROLLBACK, NULL);

    sqlite->end_known = false;
    if (rc == TP_OK)
        rc = savepoint_release(store, NULL);
    (void)rc;
}

const struct tp_store_backend tp_store_sqlite = {
    .scheme = "sqlite",
    .open = tp_store_sqlite_open,
    .close = tp_store_sqlite_close,
    .check = check,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .savepoint = savepoint,
    .savepoint_release = savepoint_release,
    .savepoint_rollback = savepoint_rollback,
    .record_get = tp_store_sqlite_record_get,
    .record_find = tp_store_sqlite_record_find,
    .record_each = tp_store_sqlite_record_each,
    .record_put = tp_store_sqlite_record_put,
    .record_delete = tp_store_sqlite_record_delete,
    .records_rewrite = tp_store_sqlite_records_rewrite,
    .slot_next = tp_store_sqlite_slot_next,
    .record_count = tp_store_sqlite_record_count,
    .entry_append = tp_store_sqlite_entry_append,
    .entry_each = tp_store_sqlite_entry_each,
    .entry_end = tp_store_sqlite_entry_end,
    .node_put = tp_store_sqlite_node_put,
    .node_get = tp_store_sqlite_node_get,
    .node_remove = tp_store_sqlite_node_remove,
    .node_count = tp_store_sqlite_node_count,
    .nodes_clear = tp_store_sqlite_nodes_clear,
    .checkpoint_put = tp_store_sqlite_checkpoint_put,
    .checkpoint_get = tp_store_sqlite_checkpoint_get,
    .value_put = tp_store_sqlite_value_put,
    .value_get = tp_store_sqlite_value_get,
    .text_put = tp_store_sqlite_text_put,
    .text_get = tp_store_sqlite_text_get,
    .text_erase = tp_store_sqlite_text_erase,
    .text_each = tp_store_sqlite_text_each,
};
