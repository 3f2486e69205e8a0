/* SPDX-License-Identifier: Apache-2.0
 *
 * The statements: all answered by an index, so that what they cost does not grow with the store.
 */
#include "place.h"

/* The one table that may be walked: a row for each AUTOINCREMENT table, of which there is one. */
static bool may_walk(const char *step)
{
    return strcmp(step, "SCAN sqlite_sequence") == 0;
}

static void explain(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    char text[1024];

    (void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
    cr_assert_eq(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(statement, 3);

        cr_assert(strstr(step, "SCAN") == NULL || may_walk(step), "%s: %s", sql, step);
        cr_assert_null(strstr(step, "TEMP B-TREE"), "%s: %s", sql, step);
    }
    (void)sqlite3_finalize(statement);
}

PLACED_TEST(sqlite_query, none_walks_a_table_or_sorts)
{
    struct tp_store *store = store_make();

    for (size_t i = TP_STORE_QUERY_RECORD_GET; i < TP_STORE_QUERY_COUNT; i++)
        explain(store_db(store), tp_store_query_sql[i]);
    tp_store_close(store);
}

PLACED_TEST(sqlite_query, each_name_has_its_statement)
{
    for (size_t i = 0; i < TP_STORE_QUERY_COUNT; i++)
        cr_assert_not_null(tp_store_query_sql[i], "%zu", i);
}

PLACED_TEST(sqlite_query, reading_holds_no_snapshot_afterwards)
{
    struct tp_store *store = store_make();
    struct tp_store_record record = {.kind = "user", .id = "1", .name = "n", .slot = 1, .version = 1};
    sqlite3_stmt *open_one;

    MUST(tp_store_begin(store, &error));
    MUST(tp_store_record_put(store, &record, &error));
    MUST(tp_store_commit(store, &error));
    MUST(tp_store_record_get(store, "user", "1", &error, &record));
    MUST(tp_store_record_find(store, "user", "", "n", &error, &record));
    for (open_one = NULL; (open_one = sqlite3_next_stmt(store_db(store), open_one)) != NULL;)
        cr_assert_eq(sqlite3_stmt_busy(open_one), 0, "%s", sqlite3_sql(open_one));
    tp_store_close(store);
}
