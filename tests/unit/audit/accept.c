/* SPDX-License-Identifier: Apache-2.0
 *
 * A store that was changed from outside, and an officer who accepts it.
 */
#include "fixture.h"

static struct fixture fixture;

static void setup(void)
{
    fixture_begin(&fixture);
    fixture_create(&fixture);
    assert_ok(commit_change(&fixture, change_of("anna", 1, "a")));
    assert_ok(commit_change(&fixture, change_of("berta", 1, "b")));
    commit_entries(&fixture, 300);
}

static void teardown(void)
{
    fixture_end(&fixture);
}

TestSuite(accept, .init = setup, .fini = teardown);

static void tamper(const char *sql)
{
    struct tp_error error = {.rc = TP_OK};

    fixture_close(&fixture);
    fixture_sql(&fixture, sql);
    assert_rc(fixture_try_open(&fixture, &error), TP_TAMPERED);
    cr_assert_not_null(fixture.ledger);
    cr_assert(error.words[0] != '\0');
}

static void accept_it(void)
{
    struct tp_error error = {.rc = TP_OK};
    enum tp_rc rc = tp_ledger_accept(fixture.ledger, entry_of("audit.accept", TP_OUTCOME_OK), &error);

    cr_assert(rc == TP_OK, "%s", tp_error_words(&error));
}

static struct tp_ledger_info info(void)
{
    struct tp_ledger_info info;

    tp_ledger_info(fixture.ledger, &info);
    return info;
}

Test(accept, is_what_a_changed_store_needs_before_anything_is_written)
{
    struct tp_ledger_record record;

    tamper("DELETE FROM record WHERE id = 'anna'");
    cr_assert(info().tampered);
    assert_rc(commit_entry(&fixture, "x"), TP_TAMPERED);
    assert_ok(tp_ledger_get(fixture.ledger, "user", "berta", NULL, &record)); /* what can be verified can be read */
    tp_ledger_record_clear(&record);
    accept_it();
    cr_assert(!info().tampered);
    assert_ok(commit_entry(&fixture, "x"));
    assert_ok(commit_change(&fixture, change_of("anna", 1, "again")));
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_ok(tp_ledger_get(fixture.ledger, "user", "anna", NULL, &record));
    tp_ledger_record_clear(&record);
}

Test(accept, is_refused_when_nothing_is_wrong)
{
    assert_rc(tp_ledger_accept(fixture.ledger, entry_of("audit.accept", TP_OUTCOME_OK), NULL), TP_BAD_ARGUMENT);
}

Test(accept, does_not_make_an_edited_record_believable)
{
    struct tp_ledger_record record;

    tamper("UPDATE record SET content = CAST('evil' AS BLOB) WHERE id = 'anna'");
    accept_it();
    assert_rc(tp_ledger_get(fixture.ledger, "user", "anna", NULL, &record), TP_TAMPERED);
    assert_ok(tp_ledger_get(fixture.ledger, "user", "berta", NULL, &record));
    tp_ledger_record_clear(&record);
}

static void reopens_after(const char *sql)
{
    tamper(sql);
    accept_it();
    commit_entries(&fixture, 5);
    fixture_close(&fixture);
    fixture_open(&fixture);
    commit_entries(&fixture, 300);
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_ok(commit_change(&fixture, change_of("clara", 1, "c")));
}

Test(accept, opens_a_log_with_a_hole)
{
    reopens_after("DELETE FROM entry WHERE idx = 301; DELETE FROM value");
}

Test(accept, opens_a_log_that_was_cut)
{
    reopens_after("DELETE FROM entry WHERE idx > 270");
}

Test(accept, opens_a_log_with_more_entries_than_its_head_knows)
{
    reopens_after("INSERT INTO entry SELECT 302, content FROM entry WHERE idx = 301");
}

Test(accept, opens_a_store_without_nodes_checkpoints_and_head)
{
    reopens_after("DELETE FROM node; DELETE FROM checkpoint; DELETE FROM value");
}

Test(accept, hides_nothing_from_an_auditor)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_verify_report report;

    assert_ok(tp_ledger_checkpoint(fixture.ledger, tp_clock_monotonic_ms() + 30000, NULL, &note));
    tamper("UPDATE entry SET content = CAST(replace(CAST(content AS TEXT), 'sign', 'sing') AS BLOB) WHERE idx = 301");
    accept_it();
    assert_rc(fixture_verify(&fixture, tp_buf_bytes(&note), NULL, &report), TP_TAMPERED);
    assert_rc(fixture_verify(&fixture, TP_BYTES_NONE, NULL, &report), TP_TAMPERED);
}

Test(accept, leaves_all_as_it_was_when_the_hsm_fails)
{
    tamper("DELETE FROM record WHERE id = 'anna'");
    for (int nth = 1; nth <= 1; nth++) {
        fixture.keys.fail_mac = fixture.keys.macs + nth;
        assert_rc(tp_ledger_accept(fixture.ledger, entry_of("audit.accept", TP_OUTCOME_OK), NULL), TP_HSM_ABSENT);
        cr_assert(info().tampered);
        assert_rc(commit_entry(&fixture, "x"), TP_TAMPERED);
    }
    fixture.keys.fail_sign = fixture.keys.signs + 1;
    assert_rc(tp_ledger_accept(fixture.ledger, entry_of("audit.accept", TP_OUTCOME_OK), NULL), TP_HSM_ABSENT);
    accept_it();
    assert_ok(commit_entry(&fixture, "x"));
}
