/* SPDX-License-Identifier: Apache-2.0
 *
 * Migrations: from each older version to the newest, all or nothing, never backwards.
 */
#include "place.h"

static const struct tp_store_migration three[] = {
    {1, "CREATE TABLE a (x)"},
    {2, "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)"},
    {3, "CREATE TABLE b AS SELECT y FROM a"},
};

static const struct tp_store_migration third_fails[] = {
    {1, "CREATE TABLE a (x)"},
    {2, "ALTER TABLE a ADD COLUMN y"},
    {3, "INSERT INTO nowhere VALUES (1)"},
};

static struct tp_store_sqlite raw;

static void raw_open(void)
{
    raw = (struct tp_store_sqlite){.path = "migrated.db"};
    cr_assert_eq(sqlite3_open(place_path("migrated.db"), &raw.db), SQLITE_OK);
}

static void raw_close(void)
{
    for (size_t i = 0; i < TP_STORE_QUERY_COUNT; i++)
        (void)sqlite3_finalize(raw.statements[i]);
    cr_assert_eq(sqlite3_close(raw.db), SQLITE_OK);
    cr_assert_eq(unlink(place_path("migrated.db")), 0);
}

static long number(const char *sql)
{
    long answer = -1;

    MUST(tp_store_sqlite_ask_number(&raw, sql, &error, &answer));
    return answer;
}

PLACED_TEST(sqlite_migration, runs_those_that_are_due_from_each_older_version)
{
    for (size_t from = 0; from <= 3; from++) {
        raw_open();
        MUST(tp_store_sqlite_migrate(&raw, three, from, &error));
        cr_assert_eq(number("PRAGMA user_version"), (long)from);
        MUST(tp_store_sqlite_migrate(&raw, three, 3, &error));
        cr_assert_eq(number("PRAGMA user_version"), 3);
        cr_assert_eq(number("SELECT count(*) FROM a WHERE y = 2"), 1, "from %zu", from);
        cr_assert_eq(number("SELECT y FROM b"), 2);
        cr_assert_eq(number("PRAGMA application_id"), TP_STORE_SQLITE_APPLICATION);
        raw_close();
    }
}

PLACED_TEST(sqlite_migration, that_fails_undoes_all_of_this_run)
{
    raw_open();
    MUST(tp_store_sqlite_migrate(&raw, third_fails, 1, &error));
    REFUSED(TP_STORE, "migrated.db", tp_store_sqlite_migrate(&raw, third_fails, 3, &error));
    cr_assert_eq(number("PRAGMA user_version"), 1);
    cr_assert_eq(number("SELECT count(*) FROM pragma_table_info('a')"), 1);
    MUST(tp_store_sqlite_migrate(&raw, three, 3, &error));
    raw_close();
}

PLACED_TEST(sqlite_migration, does_not_touch_a_newer_database)
{
    raw_open();
    MUST(tp_store_sqlite_migrate(&raw, three, 3, &error));
    REFUSED(TP_STORE_NEWER, "version 3", tp_store_sqlite_migrate(&raw, three, 2, &error));
    cr_assert_eq(number("PRAGMA user_version"), 3);
    raw_close();
}

PLACED_TEST(sqlite_migration, numbers_follow_each_other)
{
    for (size_t i = 0; i < tp_store_migration_count; i++)
        cr_assert_eq(tp_store_migrations[i].version, (int)i + 1);
}

PLACED_TEST(sqlite_schema, newer_one_is_refused_with_both_numbers)
{
    char words[64];

    tp_store_close(store_make());
    store_run_sql(STORE, "PRAGMA user_version = 4711");
    (void)snprintf(words, sizeof words, "this program knows %zu", tp_store_migration_count);
    REFUSED(TP_STORE_NEWER, "version 4711", store_try(TP_STORE_WRITE));
    REFUSED(TP_STORE_NEWER, words, store_try(TP_STORE_READ));
}

PLACED_TEST(sqlite_schema, negative_one_is_damage)
{
    tp_store_close(store_make());
    store_run_sql(STORE, "PRAGMA user_version = -1");
    REFUSED(TP_STORE_DAMAGED, "schema version", store_try(TP_STORE_WRITE));
}

PLACED_TEST(sqlite_schema, older_one_is_read_as_it_is_and_brought_up_by_a_writer)
{
    struct tp_store *store;
    long version = -1;

    /* older than the first: nothing but the header */
    store_run_sql(STORE, "PRAGMA application_id = 0x74703131");
    store = store_reopen(TP_STORE_READ);
    MUST(tp_store_sqlite_ask_number(tp_store_sqlite_of(store), "PRAGMA user_version", &error, &version));
    cr_assert_eq(version, 0);
    tp_store_close(store);
    store = store_reopen(TP_STORE_WRITE);
    MUST(tp_store_sqlite_ask_number(tp_store_sqlite_of(store), "PRAGMA user_version", &error, &version));
    cr_assert_eq(version, (long)tp_store_migration_count);
    MUST(tp_store_check(store, &error));
    tp_store_close(store);
}
