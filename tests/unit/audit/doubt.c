/* SPDX-License-Identifier: Apache-2.0
 *
 * A COMMIT that fails and may have happened all the same. The linker puts the functions below in front of the store's
 * (meson.build: --wrap).
 */
#include "fixture.h"

enum tp_rc __real_tp_store_commit(struct tp_store *store, struct tp_error *error);
enum tp_rc __wrap_tp_store_commit(struct tp_store *store, struct tp_error *error);
enum tp_rc __real_tp_store_value_get(struct tp_store *store, const char *name, struct tp_error *error,
                                     struct tp_buf *ret_value);
enum tp_rc __wrap_tp_store_value_get(struct tp_store *store, const char *name, struct tp_error *error,
                                     struct tp_buf *ret_value);

static enum { WORKS, DONE_BUT_FAILS, FAILS } commit_does; /* the next COMMIT */
static int unreadable;                                    /* how many of the next values cannot be read */

enum tp_rc __wrap_tp_store_commit(struct tp_store *store, struct tp_error *error)
{
    unsigned does = commit_does;

    commit_does = WORKS;
    if (does == WORKS)
        return __real_tp_store_commit(store, error);
    if (does == FAILS)
        tp_store_rollback(store);
    else
        assert_ok(__real_tp_store_commit(store, error));
    return tp_error_set(error, TP_IO, "the test pulled the disk's cable");
}

enum tp_rc __wrap_tp_store_value_get(struct tp_store *store, const char *name, struct tp_error *error,
                                     struct tp_buf *ret_value)
{
    if (unreadable == 0)
        return __real_tp_store_value_get(store, name, error, ret_value);
    unreadable--;
    return tp_error_set(error, TP_IO, "the test pulled the disk's cable");
}

static struct fixture fixture;

static void setup(void)
{
    fixture_begin(&fixture);
    fixture_create(&fixture);
    assert_ok(commit_change(&fixture, change_of("anna", 1, "a")));
}

/* However it went: what is there is sound, and opens. */
static void teardown(void)
{
    struct tp_error error = {.rc = TP_OK};
    struct tp_verify_report report;

    fixture_close(&fixture);
    cr_assert(fixture_verify(&fixture, TP_BYTES_NONE, &error, &report) == TP_OK, "%s", tp_error_words(&error));
    fixture_open(&fixture);
    fixture_end(&fixture);
}

TestSuite(doubt, .init = setup, .fini = teardown);

static struct tp_ledger_info info(void)
{
    struct tp_ledger_info info;

    tp_ledger_info(fixture.ledger, &info);
    return info;
}

/* An intent, a new record and one that is changed. */
static void run(struct group *group)
{
    group_init(group);
    group_add_entry(group, true);
    group_add_change(group, change_of("berta", 1, "b"));
    group_add_change(group, change_of("anna", 2, "a2"));
    group_run(group, fixture.ledger);
}

static enum tp_rc get_berta(void)
{
    struct tp_ledger_record record = {.version = 0};
    enum tp_rc rc = tp_ledger_get(fixture.ledger, "user", "berta", NULL, &record);

    tp_ledger_record_clear(&record);
    return rc;
}

Test(doubt, ends_at_once_when_the_head_says_that_it_was_committed)
{
    struct group group;

    commit_does = DONE_BUT_FAILS;
    run(&group);
    for (size_t i = 0; i < group.len; i++)
        assert_ok(group.member[i].rc);
    cr_assert_eq(info().open_intents, 1);
    assert_ok(get_berta());
    assert_ok(commit_change(&fixture, change_of("anna", 3, "a3")));
}

Test(doubt, ends_at_once_when_the_head_says_that_it_was_not)
{
    struct group group;

    commit_does = FAILS;
    run(&group);
    for (size_t i = 0; i < group.len; i++)
        assert_rc(group.member[i].rc, TP_IO);
    cr_assert_eq(info().entries, 1);
    cr_assert_eq(info().open_intents, 0);
    assert_rc(get_berta(), TP_NOT_FOUND);
    assert_ok(commit_change(&fixture, change_of("anna", 2, "other")));
}

Test(doubt, lasts_until_the_head_can_be_read_and_then_takes_what_was_committed)
{
    struct group group;

    commit_does = DONE_BUT_FAILS;
    unreadable = 2;
    run(&group);
    for (size_t i = 0; i < group.len; i++) {
        assert_rc(group.member[i].rc, TP_IO);
        cr_assert_not_null(strstr(group.member[i].error.words, "not known"));
    }
    assert_rc(commit_entry(&fixture, "x"), TP_IO); /* the head still cannot be read */
    cr_assert_eq(info().entries, 1);
    assert_ok(commit_change(&fixture, change_of("anna", 3, "a3")));
    assert_ok(get_berta());
    cr_assert_eq(info().open_intents, 0);    /* nobody will end that intent: it has ended unknown, */
    cr_assert_eq(info().entries, 1 + 3 + 2); /* in an entry of the same batch */
    cr_assert_eq(fixture_number(&fixture, "SELECT count(*) FROM entry WHERE "
                                          "instr(content, CAST('outcome.unknown' AS BLOB)) > 0"),
                 1);
}

Test(doubt, lasts_until_the_head_can_be_read_and_then_forgets_what_was_not_committed)
{
    struct group group;

    commit_does = FAILS;
    unreadable = 1;
    run(&group);
    assert_rc(group.member[0].rc, TP_IO);
    assert_ok(commit_change(&fixture, change_of("anna", 2, "other")));
    cr_assert_eq(info().entries, 2);
    assert_rc(get_berta(), TP_NOT_FOUND);
    cr_assert_eq(info().open_intents, 0);
}
