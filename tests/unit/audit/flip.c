/* SPDX-License-Identifier: Apache-2.0
 *
 * Every column of every table, byte by byte: whatever is flipped, somebody notices.
 */
#include "fixture.h"

#include <sqlite3.h>
#include <stdlib.h>

static struct fixture fixture;

static void setup(void)
{
    fixture_begin(&fixture);
    fixture_create(&fixture);
}

static void teardown(void)
{
    fixture_end(&fixture);
}

TestSuite(flip, .init = setup, .fini = teardown);

/* Closes without a last checkpoint, as a crash would. */
static void crash(void)
{
    fixture.keys.fail_sign = fixture.keys.signs + 1;
    fixture_close(&fixture);
}

/* One column of one row with one bit of one byte flipped; text and integer columns keep their type. */
struct cell {
    const char *table, *column;
    const char *type; /* i, t or b */
};

static const struct cell cells[] = {
    {"entry", "idx", "i"},    {"entry", "content", "b"},  {"node", "tree", "i"},       {"node", "level", "i"},
    {"node", "idx", "i"},     {"node", "content", "b"},   {"checkpoint", "size", "i"}, {"checkpoint", "note", "b"},
    {"value", "name", "t"},   {"value", "content", "b"},  {"record", "slot", "i"},     {"record", "kind", "t"},
    {"record", "id", "t"},    {"record", "owner", "t"},   {"record", "name", "t"},     {"record", "version", "i"},
    {"record", "mac", "b"},   {"record", "content", "b"}, {"text", "hash", "b"},       {"text", "salt", "b"},
    {"text", "content", "b"}, {"text", "erased", "i"},
};

/* The bytes of a value that is to be flipped. An integer is flipped in its lowest byte. */
static void flip(sqlite3 *db, const struct cell *cell, sqlite3_int64 row, long byte)
{
    char sql[512];
    char *words = NULL;
    int code;

    if (cell->type[0] == 'i')
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = %s + 1 - 2 * (%s & 1) WHERE picked(%lld)", cell->table,
                 cell->column, cell->column, cell->column, row);
    else
        snprintf(
            sql, sizeof sql,
            "UPDATE %s SET %s = CAST(substr(CAST(%s AS BLOB), 1, %ld) || flipped(substr(CAST(%s AS BLOB), %ld, 1)) || "
            "substr(CAST(%s AS BLOB), %ld) AS %s) WHERE picked(%lld)",
            cell->table, cell->column, cell->column, byte, cell->column, byte + 1, cell->column, byte + 2,
            cell->type[0] == 't' ? "TEXT" : "BLOB", row);
    code = sqlite3_exec(db, sql, NULL, NULL, &words);
    cr_assert(code == SQLITE_OK || code == SQLITE_CONSTRAINT, "%s: %s", sql, words);
    sqlite3_free(words);
}

/* picked(n): true for the n-th row that is asked about. flipped(b): another byte. */
static sqlite3_int64 asked;

static void picked(sqlite3_context *context, int count, sqlite3_value **value)
{
    (void)count;
    sqlite3_result_int(context, asked++ == sqlite3_value_int64(value[0]));
}

static void flipped(sqlite3_context *context, int count, sqlite3_value **value)
{
    const uint8_t *byte = sqlite3_value_blob(value[0]);
    uint8_t other;

    (void)count;
    cr_assert(sqlite3_value_bytes(value[0]) == 1);
    other = byte[0] ^ 1;
    sqlite3_result_blob(context, &other, 1, SQLITE_TRANSIENT);
}

/* The auditor cannot check the HSM's MAC at the head's end: the engine does, when it starts. */
static bool found(const char *what)
{
    struct tp_verify_report report;
    struct tp_error error = {.rc = TP_OK};
    enum tp_rc rc = fixture_verify(&fixture, TP_BYTES_NONE, &error, &report);

    if (rc == TP_TAMPERED || rc == TP_STORE_DAMAGED)
        return true;
    cr_assert(rc == TP_OK, "%s: %s %s", what, tp_rc_name(rc), tp_error_words(&error));
    rc = fixture_try_open(&fixture, &error);
    crash();
    return rc == TP_TAMPERED;
}

/* ---- the walk ---- */

static char restore[512]; /* a shell command: the store as it was */

static void fill(void)
{
    struct tp_ledger_text text = {.salt = tp_bytes_of_string("salt"), .text = tp_bytes_of_string("Anna")};
    struct tp_ledger_tx tx = {.texts = &text, .texts_len = 1, .entry = entry_of("user.add", TP_OUTCOME_OK)};
    struct tp_ledger_change owned = change_of("f", 1, "x");

    assert_ok(commit_change(&fixture, change_of("anna", 1, "first")));
    owned.owner = "anna";
    assert_ok(commit_change(&fixture, owned));
    assert_ok(tp_ledger_commit(fixture.ledger, &tx, tp_clock_monotonic_ms() + 30000, NULL, NULL));
    commit_entries(&fixture, 256);
    fixture_close(&fixture); /* with a checkpoint */
}

/* False when nothing was changed, because another row has that key. */
static bool flip_one(const struct cell *cell, long row, long byte)
{
    sqlite3 *db = NULL;
    bool changed;

    cr_assert_eq(system(restore), 0);
    cr_assert(sqlite3_open(fixture.store, &db) == SQLITE_OK);
    sqlite3_create_function(db, "picked", 1, SQLITE_UTF8, NULL, picked, NULL, NULL);
    sqlite3_create_function(db, "flipped", 1, SQLITE_UTF8, NULL, flipped, NULL, NULL);
    sqlite3_exec(db, "PRAGMA ignore_check_constraints = 1", NULL, NULL, NULL);
    asked = 0;
    flip(db, cell, row, byte);
    changed = sqlite3_total_changes(db) != 0;
    sqlite3_close(db);
    return changed;
}

static long bytes_of(const struct cell *cell, long row)
{
    char sql[256];

    if (cell->type[0] == 'i')
        return 1;
    snprintf(sql, sizeof sql, "SELECT length(CAST(%s AS BLOB)) FROM %s LIMIT 1 OFFSET %ld", cell->column, cell->table,
             row);
    return fixture_number(&fixture, sql);
}

/* Of long values some bytes only, so that this takes seconds. */
static long step_of(long bytes)
{
    if (bytes > 256)
        return 37;
    return bytes > 64 ? 3 : 1;
}

static long flip_row(const struct cell *cell, long row)
{
    long bytes = bytes_of(cell, row), flips = 0;
    char what[128];

    for (long byte = 0; byte < bytes; byte += step_of(bytes)) {
        if (!flip_one(cell, row, byte))
            continue;
        snprintf(what, sizeof what, "%s.%s, row %ld, byte %ld", cell->table, cell->column, row, byte);
        cr_assert(found(what), "not found: %s", what);
        flips++;
    }
    cr_assert_eq(system(restore), 0);
    return flips;
}

Test(flip, of_any_byte_of_any_column_of_any_row_is_found, .timeout = 300)
{
    char sql[256], copy[128];
    long flips = 0;

    fill();
    snprintf(copy, sizeof copy, "%s/copy.db", fixture.folder);
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", copy);
    fixture_sql(&fixture, sql);
    snprintf(restore, sizeof restore, "cp %s %s && rm -f %s-wal %s-shm", copy, fixture.store, fixture.store,
             fixture.store);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        /* the log's rows are all alike: some of them */
        long rows, stride = strcmp(cells[i].table, "entry") == 0 ? 37 : 1;

        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", cells[i].table);
        rows = fixture_number(&fixture, sql);
        for (long row = 0; row < rows; row += stride)
            flips += flip_row(&cells[i], row);
    }
    cr_assert_gt(flips, 500, "%ld", flips);
    remove(copy);
}
