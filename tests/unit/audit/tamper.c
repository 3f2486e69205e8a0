/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody with a database tool. Found at the next start, by readers, or by the auditor's program.
 */
#include "fixture.h"

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

TestSuite(tamper, .init = setup, .fini = teardown);

/* 700 entries, checkpoints at 300 and 690; records: anna at 2, berta at 1, clara deleted, an owner's list of three. */
static void fill(void)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_ledger_change gone = change_of("clara", 1, "");
    struct tp_ledger_text text = {.salt = tp_bytes_of_string("salt"), .text = tp_bytes_of_string("Anna Muster")};
    struct tp_ledger_tx tx = {.texts = &text, .texts_len = 1};
    uint8_t hash[32];

    assert_ok(commit_change(&fixture, change_of("anna", 1, "first")));
    assert_ok(commit_change(&fixture, change_of("anna", 2, "second")));
    assert_ok(commit_change(&fixture, change_of("berta", 1, "b")));
    assert_ok(commit_change(&fixture, change_of("clara", 1, "c")));
    gone.delete = true;
    assert_ok(commit_change(&fixture, gone));
    for (int i = 0; i < 3; i++) {
        struct tp_ledger_change owned = change_of((const char *[]){"f1", "f2", "f3"}[i], 1, "x");

        owned.owner = "anna";
        owned.kind = "factor";
        assert_ok(commit_change(&fixture, owned));
    }
    tx.entry = entry_of("user.add", TP_OUTCOME_OK);
    assert_ok(tp_sha256(text.salt, text.text, TP_BYTES_NONE, hash));
    tx.entry->subject = (ProtobufCBinaryData){.len = sizeof hash, .data = hash};
    assert_ok(tp_ledger_commit(fixture.ledger, &tx, tp_clock_monotonic_ms() + 30000, NULL, NULL));
    commit_entries(&fixture, 291);
    assert_ok(tp_ledger_checkpoint(fixture.ledger, tp_clock_monotonic_ms() + 30000, NULL, &note));
    commit_entries(&fixture, 390);
    assert_ok(tp_ledger_checkpoint(fixture.ledger, tp_clock_monotonic_ms() + 30000, NULL, &note));
    commit_entries(&fixture, 10);
}

/* Closes without a last checkpoint, as a crash would. */
static void crash(void)
{
    fixture.keys.fail_sign = fixture.keys.signs + 1;
    fixture_close(&fixture);
}

/* ---- each kind of tampering ---- */

static const struct {
    const char *what, *sql;
    bool at_start, by_auditor;
    long bad_index; /* that the auditor names; -1: none */
} kinds[] = {
    {"nothing", "SELECT 1", false, false, -1},
    {"an entry since the checkpoint edited",
     "UPDATE entry SET content = CAST(replace(CAST(content AS TEXT), 'sign', "
     "'sing') AS BLOB) WHERE idx = 695",
     true, true, -1},
    {"an old entry edited",
     "UPDATE entry SET content = CAST(replace(CAST(content AS TEXT), 'sign', 'sing') AS BLOB) "
     "WHERE idx = 100",
     false, true, -1},
    {"an entry made unreadable", "UPDATE entry SET content = x'ff' WHERE idx = 100", false, true, 100},
    {"an entry emptied", "UPDATE entry SET content = x'' WHERE idx = 100", false, true, 100},
    {"an entry removed", "DELETE FROM entry WHERE idx = 695", true, true, 695},
    {"an old entry removed", "DELETE FROM entry WHERE idx = 100", false, true, 100},
    {"an old entry removed, the rest moved up",
     "DELETE FROM entry WHERE idx = 100;"
     "UPDATE entry SET idx = -idx WHERE idx > 100;"
     "UPDATE entry SET idx = -idx - 1 WHERE idx < 0",
     true, true, -1},
    {"the last entry removed", "DELETE FROM entry WHERE idx = 699", true, true, 699},
    {"an entry added", "INSERT INTO entry SELECT 700, content FROM entry WHERE idx = 699", true, true, 700},
    {"entries swapped",
     "UPDATE entry SET idx = -1 WHERE idx = 2; UPDATE entry SET idx = 2 WHERE idx = 8;"
     "UPDATE entry SET idx = 8 WHERE idx = -1",
     false, true, -1},
    {"an old entry swapped with a late one",
     "UPDATE entry SET idx = -1 WHERE idx = 2;"
     "UPDATE entry SET idx = 2 WHERE idx = 699;"
     "UPDATE entry SET idx = 699 WHERE idx = -1",
     true, true, -1},
    {"a log node changed", "UPDATE node SET content = zeroblob(32) WHERE tree = 0 AND level = 8 AND idx = 0", true,
     true, -1},
    {"a log node removed", "DELETE FROM node WHERE tree = 0 AND level = 8 AND idx = 1", true, true, -1},
    {"a log node added", "INSERT INTO node VALUES (0, 16, 0, zeroblob(32))", false, true, -1},
    {"the newest checkpoint removed", "DELETE FROM checkpoint WHERE size = 690", true, true, -1},
    {"an older checkpoint under the newest's size",
     "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE "
     "size = 300) WHERE size = 690",
     true, true, -1},
    {"an old checkpoint broken", "UPDATE checkpoint SET note = x'00' WHERE size = 300", false, true, -1},
    {"a checkpoint at another size", "UPDATE checkpoint SET size = 299 WHERE size = 300", false, true, -1},
    {"the head removed", "DELETE FROM value WHERE name = 'head'", true, true, -1},
    {"the head cut", "UPDATE value SET content = substr(content, 1, 100)", true, true, -1},
    {"a record edited", "UPDATE record SET content = CAST('third' AS BLOB) WHERE id = 'anna'", true, true, -1},
    {"a record renamed", "UPDATE record SET name = 'eve' WHERE id = 'anna'", true, true, -1},
    {"a record deleted", "DELETE FROM record WHERE id = 'f2'", true, true, -1},
    {"a record added",
     "INSERT INTO record SELECT 99, kind, 'eve', owner, 'eve', version, mac, content FROM record "
     "WHERE id = 'anna'",
     true, true, -1},
    {"records' contents swapped",
     "UPDATE record SET mac = (SELECT mac FROM record r WHERE r.id = 'berta'), content = "
     "(SELECT content FROM record r WHERE r.id = 'berta') WHERE id = 'anna'",
     true, true, -1},
    {"a state node changed", "UPDATE node SET content = zeroblob(512) WHERE tree = 1 AND level = 8", true, true, -1},
    {"a low state node changed", "UPDATE node SET content = zeroblob(512) WHERE tree = 1 AND level = 1", false, true,
     -1},
    {"a state node removed", "DELETE FROM node WHERE tree = 1 AND level = 3", false, true, -1},
    {"a state node added", "INSERT INTO node VALUES (1, 1, 77, zeroblob(512))", false, true, -1},
    {"a clear text edited", "UPDATE text SET content = CAST('Eve Muster' AS BLOB)", false, true, -1},
};

Test(tamper, is_found_at_the_next_start_or_by_the_auditor, .timeout = 120)
{
    char copy[512];

    fill();
    crash();
    snprintf(copy, sizeof copy, "VACUUM INTO '%s/copy.db'", fixture.folder);
    fixture_sql(&fixture, copy);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct tp_error error = {.rc = TP_OK};
        struct tp_verify_report report;
        enum tp_rc rc;

        snprintf(copy, sizeof copy, "cp %s/copy.db %s && rm -f %s-wal %s-shm", fixture.folder, fixture.store,
                 fixture.store, fixture.store);
        cr_assert_eq(system(copy), 0);
        fixture_sql(&fixture, kinds[i].sql);
        rc = fixture_verify(&fixture, TP_BYTES_NONE, &error, &report);
        cr_assert(rc == (kinds[i].by_auditor ? TP_TAMPERED : TP_OK), "%s, auditor: %s %s", kinds[i].what,
                  tp_rc_name(rc), tp_error_words(&error));
        cr_assert_eq(report.bad_index, (uint64_t)kinds[i].bad_index, "%s: %lu", kinds[i].what, report.bad_index);
        tp_error_clear(&error);
        rc = fixture_try_open(&fixture, &error);
        cr_assert(rc == (kinds[i].at_start ? TP_TAMPERED : TP_OK), "%s, start: %s %s", kinds[i].what, tp_rc_name(rc),
                  tp_error_words(&error));
        cr_assert_not_null(fixture.ledger);
        crash();
    }
    snprintf(copy, sizeof copy, "%s/copy.db", fixture.folder);
    cr_assert_eq(remove(copy), 0);
}

Test(tamper, with_a_valid_older_version_of_a_record_is_found)
{
    char sql[512];

    assert_ok(commit_change(&fixture, change_of("anna", 1, "tries 0")));
    snprintf(sql, sizeof sql, "ATTACH '%s/old.db' AS old; CREATE TABLE old.record AS SELECT * FROM record; DETACH old",
             fixture.folder);
    fixture_sql(&fixture, sql);
    assert_ok(commit_change(&fixture, change_of("anna", 2, "tries 5")));
    snprintf(
        sql, sizeof sql,
        "ATTACH '%s/old.db' AS old; UPDATE record SET (version, mac, content) = (SELECT version, mac, content FROM "
        "old.record); DETACH old",
        fixture.folder);
    fixture_sql(&fixture, sql);
    {
        struct tp_ledger_record record;
        struct tp_error error = {.rc = TP_OK};
        struct tp_verify_report report;

        assert_rc(tp_ledger_get(fixture.ledger, "user", "anna", NULL, &record), TP_TAMPERED);
        assert_rc(fixture_verify(&fixture, TP_BYTES_NONE, &error, &report), TP_TAMPERED);
        cr_assert_not_null(strstr(error.words, "rolled back"), "%s", error.words);
        assert_rc(commit_change(&fixture, change_of("anna", 2, "tries 0")), TP_TAMPERED);
    }
    fixture_close(&fixture);
    assert_rc(fixture_try_open(&fixture, NULL), TP_TAMPERED);
    snprintf(sql, sizeof sql, "%s/old.db", fixture.folder);
    remove(sql);
}

/* ---- while the engine runs ---- */

static enum tp_rc nothing(void *context, const struct tp_ledger_record *record)
{
    (void)record;
    ++*(int *)context;
    return TP_OK;
}

static enum tp_rc list(const char *kind, const char *owner)
{
    uint64_t cursor = 0;
    int seen = 0;

    return tp_ledger_each(fixture.ledger, kind, owner, &cursor, 100, NULL, nothing, &seen);
}

Test(tamper, with_a_deleted_row_is_no_not_found)
{
    struct tp_ledger_record record;

    fill();
    fixture_sql(&fixture, "DELETE FROM record WHERE id IN ('anna', 'f2')");
    assert_rc(tp_ledger_get(fixture.ledger, "user", "anna", NULL, &record), TP_TAMPERED);
    assert_rc(tp_ledger_find(fixture.ledger, "user", "", "anna", NULL, &record), TP_TAMPERED);
    assert_rc(list("factor", "anna"), TP_TAMPERED);
    assert_rc(list("user", NULL), TP_TAMPERED);
    assert_rc(commit_change(&fixture, change_of("anna", 1, "reborn")), TP_TAMPERED);
    assert_rc(commit_change(&fixture, change_of("anna", 3, "third")), TP_TAMPERED);
    assert_rc(tp_ledger_get(fixture.ledger, "user", "nobody", NULL, &record), TP_NOT_FOUND);
    assert_ok(tp_ledger_get(fixture.ledger, "user", "berta", NULL, &record));
    tp_ledger_record_clear(&record);
}

Test(tamper, with_an_added_row_is_not_listed)
{
    fill();
    assert_ok(list("factor", "anna"));
    fixture_sql(&fixture, "INSERT INTO record SELECT 99, kind, 'f4', owner, 'f4', version, mac, content FROM record "
                          "WHERE id = 'f3'");
    assert_rc(list("factor", "anna"), TP_TAMPERED);
    assert_ok(list("user", ""));
}

Test(tamper, with_a_clear_text_is_refused)
{
    struct tp_buf found TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint8_t hash[32];

    fill();
    assert_ok(tp_sha256(tp_bytes_of_string("salt"), tp_bytes_of_string("Anna Muster"), TP_BYTES_NONE, hash));
    assert_ok(tp_ledger_text(fixture.ledger, hash, NULL, &found));
    fixture_sql(&fixture, "UPDATE text SET content = CAST('Eve Muster' AS BLOB)");
    assert_rc(tp_ledger_text(fixture.ledger, hash, NULL, &found), TP_TAMPERED);
}

/* ---- the whole database ---- */

Test(tamper, with_the_whole_database_is_found_with_an_older_checkpoint)
{
    struct tp_buf early TP_AUTO(tp_buf_clear) = TP_BUF_INIT, late TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    int64_t deadline_ms = tp_clock_monotonic_ms() + 30000;
    struct tp_verify_report report;
    char sql[512];

    commit_entries(&fixture, 10);
    assert_ok(tp_ledger_checkpoint(fixture.ledger, deadline_ms, NULL, &early));
    snprintf(sql, sizeof sql, "VACUUM INTO '%s/copy.db'", fixture.folder);
    fixture_sql(&fixture, sql);
    assert_ok(commit_change(&fixture, change_of("anna", 1, "a")));
    assert_ok(tp_ledger_checkpoint(fixture.ledger, deadline_ms, NULL, &late));
    assert_ok(fixture_verify(&fixture, tp_buf_bytes(&early), NULL, &report));
    assert_ok(fixture_verify(&fixture, tp_buf_bytes(&late), NULL, &report));
    fixture_close(&fixture);
    /* rolled back: in itself it is sound */
    snprintf(sql, sizeof sql, "mv %s/copy.db %s && rm -f %s-wal %s-shm", fixture.folder, fixture.store, fixture.store,
             fixture.store);
    cr_assert_eq(system(sql), 0);
    assert_ok(fixture_verify(&fixture, TP_BYTES_NONE, NULL, &report));
    assert_ok(fixture_verify(&fixture, tp_buf_bytes(&early), NULL, &report));
    assert_rc(fixture_verify(&fixture, tp_buf_bytes(&late), NULL, &report), TP_TAMPERED);
    /* forked: it has grown again, otherwise */
    fixture_open(&fixture);
    assert_ok(commit_change(&fixture, change_of("eve", 1, "e")));
    assert_ok(fixture_verify(&fixture, tp_buf_bytes(&early), NULL, &report));
    assert_rc(fixture_verify(&fixture, tp_buf_bytes(&late), NULL, &report), TP_TAMPERED);
}

Test(tamper, with_the_older_checkpoint_itself_is_refused)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_verify_report report;

    commit_entries(&fixture, 10);
    assert_ok(tp_ledger_checkpoint(fixture.ledger, tp_clock_monotonic_ms() + 30000, NULL, &note));
    note.data[note.len - 20] ^= 1;
    cr_assert(fixture_verify(&fixture, tp_buf_bytes(&note), NULL, &report) != TP_OK);
    assert_rc(fixture_verify(&fixture, tp_bytes_of_string("hello"), NULL, &report), TP_MALFORMED);
}
