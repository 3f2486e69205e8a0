/* SPDX-License-Identifier: Apache-2.0
 *
 * Files: their modes, their settings, and those that are not opened.
 */
#include "place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void commit_one(struct tp_store *store)
{
    MUST(tp_store_begin(store, &error));
    MUST(tp_store_value_put(store, "v", TP_BYTES("value", 5), &error));
    MUST(tp_store_commit(store, &error));
}

static mode_t mode_of(const char *name)
{
    struct stat status;

    cr_assert_eq(stat(place_path(name), &status), 0, "%s", name);
    return status.st_mode & 07777;
}

PLACED_TEST(sqlite_files, are_readable_by_the_owner_alone_whatever_the_umask)
{
    static const mode_t umasks[] = {0, 0022, 0777};

    for (size_t i = 0; i < sizeof umasks / sizeof umasks[0]; i++) {
        mode_t before = umask(umasks[i]);
        struct tp_store *store = store_make();

        commit_one(store);
        cr_assert_eq(mode_of(STORE), 0600);
        cr_assert_eq(mode_of(STORE "-wal"), 0600);
        cr_assert_eq(mode_of(STORE "-shm"), 0600);
        tp_store_close(store);
        cr_assert_eq(unlink(place_path(STORE)), 0);
        (void)umask(before);
    }
}

PLACED_TEST(sqlite_files, leave_nothing_beside_the_store_after_close)
{
    struct tp_store *store = store_make();

    commit_one(store);
    tp_store_close(store);
    cr_assert(place_has(STORE));
    cr_assert_not(place_has(STORE "-wal"));
    cr_assert_not(place_has(STORE "-shm"));
}

PLACED_TEST(sqlite_files, link_is_not_followed_to_make_a_store)
{
    cr_assert_eq(symlink(place_path("elsewhere"), place_path(STORE)), 0);
    REFUSED(TP_EXISTS, STORE, store_try(TP_STORE_CREATE));
    cr_assert_not(place_has("elsewhere"));
}

PLACED_TEST(sqlite_files, folder_that_is_not_there_is_named)
{
    struct tp_store *store = NULL;

    REFUSED(TP_STORE, "none/store.db", tp_store_open(place_path("none/store.db"), TP_STORE_CREATE, &error, &store));
    REFUSED(TP_STORE, place, tp_store_open(place, TP_STORE_WRITE, &error, &store));
    REFUSED(TP_NOT_FOUND, "trustp11 init", store_try(TP_STORE_WRITE));
    REFUSED(TP_NOT_FOUND, STORE, store_try(TP_STORE_READ));
    cr_assert_null(store);
}

static void answers(struct tp_store *store, const char *pragma, const char *expected)
{
    char answer[TP_STORE_ANSWER_LEN];

    MUST(tp_store_sqlite_ask(tp_store_sqlite_of(store), pragma, &error, answer));
    cr_assert_str_eq(answer, expected, "%s is %s", pragma, answer);
}

PLACED_TEST(sqlite_settings, of_a_writer_are_durable_and_strict)
{
    static const struct {
        const char *pragma, *value;
    } rows[] = {
        {"PRAGMA journal_mode", "wal"},          {"PRAGMA synchronous", "2"},     {"PRAGMA secure_delete", "1"},
        {"PRAGMA cell_size_check", "1"},         {"PRAGMA trusted_schema", "0"},  {"PRAGMA temp_store", "2"},
        {"PRAGMA locking_mode", "normal"},       {"PRAGMA busy_timeout", "2000"}, {"PRAGMA wal_autocheckpoint", "2000"},
        {"PRAGMA application_id", "1953509681"},
    };
    static const enum tp_store_mode modes[] = {TP_STORE_CREATE, TP_STORE_WRITE};

    for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
        struct tp_store *store = store_reopen(modes[m]);

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            answers(store, rows[i].pragma, rows[i].value);
        tp_store_close(store);
    }
}

PLACED_TEST(sqlite_settings, of_a_reader_are_strict)
{
    struct tp_store *reader;

    tp_store_close(store_make());
    reader = store_reopen(TP_STORE_READ);
    answers(reader, "PRAGMA trusted_schema", "0");
    answers(reader, "PRAGMA cell_size_check", "1");
    cr_assert_eq(sqlite3_db_readonly(store_db(reader), "main"), 1);
    cr_assert_neq(sqlite3_exec(store_db(reader), "DELETE FROM value", NULL, NULL, NULL), SQLITE_OK);
    tp_store_close(reader);
}

PLACED_TEST(sqlite_settings, triggers_in_the_file_do_not_run)
{
    struct tp_store *store;
    uint64_t end = 0;

    tp_store_close(store_make());
    store_run_sql(STORE, "CREATE TRIGGER evil AFTER INSERT ON entry BEGIN DELETE FROM entry; END");
    store = store_reopen(TP_STORE_WRITE);
    MUST(tp_store_begin(store, &error));
    MUST(tp_store_entry_append(store, 0, TP_BYTES("kept", 4), &error));
    MUST(tp_store_commit(store, &error));
    MUST(tp_store_entry_end(store, &error, &end));
    cr_assert_eq(end, 1);
    tp_store_close(store);
}

PLACED_TEST(sqlite_settings, view_in_place_of_a_table_is_refused)
{
    struct tp_store *store;
    struct tp_store_record record;

    tp_store_close(store_make());
    store_run_sql(STORE, "ALTER TABLE record RENAME TO hidden; CREATE VIEW record AS SELECT * FROM hidden");
    store = store_reopen(TP_STORE_WRITE);
    REFUSED(TP_STORE, STORE, tp_store_record_get(store, "user", "1", &error, &record));
    tp_store_close(store);
}

PLACED_TEST(sqlite_foreign, database_of_another_program_is_refused_and_left_alone)
{
    store_run_sql(STORE, "CREATE TABLE theirs (x); PRAGMA user_version = 1");
    REFUSED(TP_STORE, "no trustp11 store", store_try(TP_STORE_WRITE));
    REFUSED(TP_STORE, "no trustp11 store", store_try(TP_STORE_READ));
    cr_assert_not(place_has(STORE "-wal"));
    store_run_sql(STORE, "DROP TABLE theirs");
}

PLACED_TEST(sqlite_foreign, init_that_was_cut_short_is_named)
{
    cr_assert_eq(close(open(place_path(STORE), O_CREAT | O_WRONLY, 0600)), 0);
    REFUSED(TP_STORE, "cut short", store_try(TP_STORE_WRITE));
    REFUSED(TP_STORE, "cut short", store_try(TP_STORE_READ));
}

static void write_at(off_t at, const void *bytes, size_t len)
{
    int fd = open(place_path(STORE), O_RDWR | O_CREAT, 0600);

    cr_assert_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
    cr_assert_eq(close(fd), 0);
}

PLACED_TEST(sqlite_damage, file_that_is_no_database_is_said_to_be_damaged)
{
    static const char letter[4096] = "Dear Sir or Madam";

    write_at(0, letter, sizeof letter);
    REFUSED(TP_STORE_DAMAGED, "no database", store_try(TP_STORE_WRITE));
    REFUSED(TP_STORE_DAMAGED, STORE, store_try(TP_STORE_READ));
    cr_assert(place_contains(STORE, letter, 17));
}

/* Overwrites all pages after the first: the schema can be read, nothing else. */
static void damage_pages(void)
{
    static uint8_t junk[4096];
    struct stat status;

    memset(junk, 0xa5, sizeof junk);
    cr_assert_eq(stat(place_path(STORE), &status), 0);
    for (off_t at = sizeof junk; at < status.st_size; at += (off_t)sizeof junk)
        write_at(at, junk, sizeof junk);
}

PLACED_TEST(sqlite_damage, pages_are_noticed_by_reading_writing_and_the_check)
{
    struct tp_store *store = store_make();
    struct tp_buf value TP_AUTO(tp_buf_clear) = TP_BUF_INIT;

    commit_one(store);
    tp_store_close(store);
    damage_pages();
    store = store_reopen(TP_STORE_WRITE);
    REFUSED(TP_STORE_DAMAGED, "backup", tp_store_check(store, &error));
    REFUSED(TP_STORE_DAMAGED, "backup", tp_store_value_get(store, "v", &error, &value));
    MUST(tp_store_begin(store, &error));
    REFUSED(TP_STORE_DAMAGED, STORE, tp_store_value_put(store, "v", TP_BYTES("x", 1), &error));
    REFUSED(TP_STORE_DAMAGED, "lost", tp_store_value_put(store, "v", TP_BYTES("x", 1), &error));
    REFUSED(TP_STORE_DAMAGED, "lost", tp_store_commit(store, &error));
    REFUSED(TP_INTERNAL, "no transaction", tp_store_commit(store, &error));
    tp_store_close(store);
}

PLACED_TEST(sqlite_damage, structure_is_named_by_the_check)
{
    struct tp_store *store;

    tp_store_close(store_make());
    store_run_sql(STORE, "PRAGMA writable_schema = ON; "
                         "UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'checkpoint'");
    store = store_reopen(TP_STORE_READ);
    REFUSED(TP_STORE_DAMAGED, STORE, tp_store_check(store, &error));
    tp_store_close(store);
}

PLACED_TEST(sqlite_damage, rows_that_we_would_not_write_are_refused)
{
    static const char *const changes[] = {
        "kind = CAST(x'757365720078' AS TEXT)",
        "name = printf('%300s', 'x')",
        "owner = printf('%33s', 'x')",
        "version = -1",
        "mac = x'00'",
    };

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct tp_store *store = store_make();
        struct tp_store_record record = {.kind = "user", .id = "1", .slot = 1, .version = 1};
        char sql[256];

        MUST(tp_store_begin(store, &error));
        MUST(tp_store_record_put(store, &record, &error));
        MUST(tp_store_commit(store, &error));
        tp_store_close(store);
        (void)snprintf(sql, sizeof sql, "PRAGMA ignore_check_constraints = ON; UPDATE record SET %s", changes[i]);
        store_run_sql(STORE, sql);
        store = store_reopen(TP_STORE_READ);
        if (i == 0) { /* a kind with a NUL inside is another kind */
            REFUSED(TP_NOT_FOUND, "user", tp_store_record_get(store, "user", "1", &error, &record));
        } else {
            REFUSED(TP_STORE_DAMAGED, STORE, tp_store_record_get(store, "user", "1", &error, &record));
        }
        tp_store_close(store);
        cr_assert_eq(unlink(place_path(STORE)), 0);
    }
}

/* As a user who may read but not write: root may always. */
PLACED_TEST(sqlite_access, file_that_may_not_be_written_is_refused_to_a_writer_at_once)
{
    tp_store_close(store_make());
    cr_assert_eq(chmod(place_path(STORE), 0444), 0);
    cr_assert_eq(chmod(place, 0777), 0);
    cr_assert(geteuid() != 0 || seteuid(65534) == 0);
    REFUSED(TP_STORE, "may not be written", store_try(TP_STORE_WRITE));
    cr_assert(geteuid() == getuid() || seteuid(getuid()) == 0);
}

PLACED_TEST(sqlite_access, file_that_may_not_be_read_is_refused)
{
    tp_store_close(store_make());
    cr_assert_eq(chmod(place_path(STORE), getuid() == 0 ? 0600 : 0), 0);
    cr_assert_eq(chmod(place, 0755), 0);
    cr_assert(geteuid() != 0 || seteuid(65534) == 0);
    REFUSED(TP_STORE, "cannot be opened", store_try(TP_STORE_READ));
    REFUSED(TP_STORE, "cannot be opened", store_try(TP_STORE_WRITE));
    cr_assert(geteuid() == getuid() || seteuid(getuid()) == 0);
    cr_assert_eq(chmod(place_path(STORE), 0600), 0);
    cr_assert_eq(store_try(TP_STORE_READ), TP_OK);
}
