/* SPDX-License-Identifier: Apache-2.0
 *
 * Intents, and how it is recorded that they ended.
 */
#include "fixture.h"

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

TestSuite(completion, .init = setup, .fini = teardown);

static struct tp_ledger_info info(void)
{
    struct tp_ledger_info info;

    tp_ledger_info(fixture.ledger, &info);
    return info;
}

static void assert_sound(void)
{
    struct tp_error error = {.rc = TP_OK};
    struct tp_verify_report report;
    enum tp_rc rc = fixture_verify(&fixture, TP_BYTES_NONE, &error, &report);

    cr_assert(rc == TP_OK, "%s", tp_error_words(&error));
}

static long completion_entries(void)
{
    return fixture_number(&fixture,
                          "SELECT count(*) FROM entry WHERE instr(content, CAST('sign.completed' AS BLOB)) > 0");
}

static void open_intents(struct group *group, size_t count)
{
    group_init(group);
    for (size_t i = 0; i < count; i++)
        group_add_entry(group, true);
    group_run(group, fixture.ledger);
    for (size_t i = 0; i < count; i++)
        assert_ok(group->member[i].rc);
}

Test(completion, of_many_stands_in_one_entry_of_the_next_batch)
{
    static const uint8_t hash[32] = {1};
    struct group group;

    open_intents(&group, 100);
    cr_assert_eq(info().open_intents, 100);
    for (size_t i = 0; i < 100; i++)
        tp_ledger_complete(fixture.ledger, group.member[i].index, i % 2 == 0, hash);
    tp_ledger_complete(fixture.ledger, 7, true, hash);    /* again */
    tp_ledger_complete(fixture.ledger, 4711, true, hash); /* never was */
    assert_ok(commit_entry(&fixture, "x"));
    cr_assert_eq(info().entries, 102);
    cr_assert_eq(info().open_intents, 0);
    cr_assert_eq(completion_entries(), 1);
    assert_sound();
}

Test(completion, is_written_alone_when_no_company_comes)
{
    static const uint8_t hash[32] = {1};
    struct group group;

    fixture_close(&fixture);
    fixture.config.completion_delay_ms = 1;
    fixture_open(&fixture);
    open_intents(&group, 1);
    tp_ledger_complete(fixture.ledger, 0, true, hash);
    for (int64_t until = tp_clock_monotonic_ms() + 20000; info().open_intents != 0;)
        cr_assert(tp_clock_monotonic_ms() < until);
    cr_assert_eq(info().entries, 2);
}

Test(completion, that_waits_is_written_when_the_ledger_closes)
{
    static const uint8_t hash[32] = {1};
    struct group group;

    open_intents(&group, 3);
    for (uint64_t i = 0; i < 3; i++)
        tp_ledger_complete(fixture.ledger, i, true, hash);
    fixture_close(&fixture);
    cr_assert_eq(fixture_number(&fixture, "SELECT count(*) FROM entry"), 4);
    fixture_open(&fixture);
    cr_assert_eq(info().entries, 4);
}

Test(completion, survives_a_batch_that_failed)
{
    static const uint8_t hash[32] = {1};
    struct group group, failing;

    open_intents(&group, 3);
    for (uint64_t i = 0; i < 3; i++)
        tp_ledger_complete(fixture.ledger, i, true, hash);
    fixture.keys.fail_mac = fixture.keys.macs + 1;
    group_init(&failing);
    group_add_entry(&failing, false);
    group_run(&failing, fixture.ledger);
    assert_rc(failing.member[0].rc, TP_HSM_ABSENT);
    cr_assert_eq(info().open_intents, 3);
    assert_ok(commit_entry(&fixture, "x"));
    cr_assert_eq(info().open_intents, 0);
    cr_assert_eq(completion_entries(), 1);
    assert_sound();
}

struct unknown {
    size_t entries, completions, odd;
};

static enum tp_rc look_for_unknown(void *context, uint64_t index, const Tp__Audit__Entry *entry)
{
    struct unknown *unknown = context;

    (void)index;
    if (strcmp(entry->action, "outcome.unknown") != 0)
        return TP_OK;
    unknown->entries++;
    for (size_t i = 0; i < entry->n_completions; i++) {
        unknown->completions += strcmp(entry->completions[i]->outcome, "unknown") == 0;
        unknown->odd += entry->completions[i]->intent % 2;
    }
    return TP_OK;
}

Test(completion, is_unknown_for_intents_that_an_engine_left_open)
{
    static const uint8_t hash[32] = {1};
    struct unknown unknown = {0};
    struct group group;

    open_intents(&group, 100);
    for (uint64_t i = 0; i < 100; i += 2)
        tp_ledger_complete(fixture.ledger, i, true, hash);
    assert_ok(commit_entry(&fixture, "x"));
    commit_entries(&fixture, 500);
    fixture_close(&fixture);
    fixture_open(&fixture);
    cr_assert_eq(info().open_intents, 0);
    assert_ok(tp_ledger_entries(fixture.ledger, 0, UINT64_MAX, false, NULL, look_for_unknown, &unknown));
    cr_assert_eq(unknown.entries, 1);
    cr_assert_eq(unknown.completions, 50);
    cr_assert_eq(unknown.odd, 50);
    assert_sound();
    fixture_close(&fixture);
    fixture_open(&fixture); /* and only once */
    memset(&unknown, 0, sizeof unknown);
    assert_ok(tp_ledger_entries(fixture.ledger, 0, UINT64_MAX, false, NULL, look_for_unknown, &unknown));
    cr_assert_eq(unknown.entries, 1);
}

Test(completion, of_more_than_an_entry_holds_takes_several)
{
    struct group group;

    for (int i = 0; i < 5; i++)
        open_intents(&group, 250);
    fixture_close(&fixture);
    fixture_open(&fixture);
    cr_assert_eq(info().open_intents, 0);
    cr_assert_eq(info().entries, 1250 + 3);
    assert_sound();
}

/* ---- asked for by those who read ---- */

static void assert_ending(uint64_t from, size_t count, size_t at, const char *expected)
{
    const char *endings[16];

    assert_ok(tp_ledger_endings(fixture.ledger, from, count, NULL, endings));
    if (expected == NULL)
        cr_assert_null(endings[at]);
    else
        cr_assert_str_eq(endings[at], expected);
}

Test(completion, is_found_from_the_intent_however_far_behind_it_stands)
{
    static const uint8_t hash[32] = {1};
    struct group group;

    open_intents(&group, 4);
    tp_ledger_complete(fixture.ledger, 1, true, hash);
    commit_entries(&fixture, 700);
    tp_ledger_complete(fixture.ledger, 2, false, hash);
    assert_ok(commit_entry(&fixture, "x"));
    assert_ending(0, 4, 0, NULL); /* open still */
    assert_ending(0, 4, 1, "ok");
    assert_ending(2, 1, 0, "failed");
    assert_ending(0, 8, 6, NULL); /* no intent */
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_ok(commit_entry(&fixture, "x"));
    assert_ending(0, 4, 3, "unknown");
    assert_ending(0, 4, 2, "failed");
}
