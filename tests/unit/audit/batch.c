/* SPDX-License-Identifier: Apache-2.0
 *
 * Group commit: what fails alone, what fails together, and that nothing is ever half done.
 */
#include "fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

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

TestSuite(batch, .init = setup, .fini = teardown);

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

Test(batch, commits_what_is_submitted_together_at_once_and_in_order)
{
    struct group group;

    group_init(&group);
    for (int i = 0; i < 200; i++)
        group_add_entry(&group, false);
    group_run(&group, fixture.ledger);
    for (size_t i = 0; i < group.len; i++) {
        assert_ok(group.member[i].rc);
        cr_assert_eq(group.member[i].index, i);
        cr_assert_eq(group.member[i].order, i);
    }
    cr_assert_eq(info().commits, 1);
    cr_assert_eq(fixture.keys.macs, 2); /* one for the empty log, one for all of these */
}

Test(batch, takes_no_more_than_its_limit)
{
    struct group group;

    group_init(&group);
    for (int i = 0; i < 300; i++)
        group_add_entry(&group, false);
    group_run(&group, fixture.ledger);
    cr_assert_eq(info().commits, 2);
    cr_assert_eq(group.member[299].index, 299);
}

Test(batch, lets_one_fail_alone)
{
    struct tp_ledger_change clash = change_of("other", 1, "x");
    struct tp_ledger_record record;
    struct group group;

    clash.name = "anna";
    group_init(&group);
    group_add_change(&group, change_of("anna", 1, "a"));
    group_add_change(&group, change_of("anna", 1, "b"));
    group_add_change(&group, clash);
    group_add_change(&group, change_of("anna", 2, "c"));
    group_add_change(&group, change_of("anna", 2, "d"));
    group_add_change(&group, change_of("nobody", 7, "d"));
    group_add_entry(&group, false);
    group_run(&group, fixture.ledger);
    assert_ok(group.member[0].rc);
    assert_rc(group.member[1].rc, TP_EXISTS);
    assert_rc(group.member[2].rc, TP_EXISTS);
    assert_ok(group.member[3].rc);
    assert_rc(group.member[4].rc, TP_BUSY);
    assert_rc(group.member[5].rc, TP_BUSY);
    assert_ok(group.member[6].rc);
    cr_assert_eq(group.member[6].index, 2);
    cr_assert_eq(info().commits, 1);
    assert_ok(tp_ledger_get(fixture.ledger, "user", "anna", NULL, &record));
    cr_assert_str_eq(tp_buf_string(&record.content), "c");
    tp_ledger_record_clear(&record);
    assert_sound();
}

Test(batch, writes_nothing_when_all_have_failed)
{
    struct group group;

    group_init(&group);
    group_add_change(&group, change_of("anna", 3, "a"));
    group_add_change(&group, change_of("anna", 2, "a"));
    group_run(&group, fixture.ledger);
    assert_rc(group.member[0].rc, TP_BUSY);
    assert_rc(group.member[1].rc, TP_BUSY);
    cr_assert_eq(info().commits, 0);
    cr_assert_eq(info().entries, 0);
    assert_sound();
}

/* Deleted and made again, renamed and the name taken, all within one transaction of the store. */
Test(batch, sees_what_came_before_in_itself)
{
    struct tp_ledger_change gone = change_of("anna", 1, ""), renamed = change_of("berta", 2, "x");
    struct tp_ledger_change takes = change_of("clara", 1, "x");
    struct group group;

    assert_ok(commit_change(&fixture, change_of("anna", 1, "a")));
    assert_ok(commit_change(&fixture, change_of("berta", 1, "b")));
    gone.delete = true;
    renamed.name = "other";
    takes.name = "berta";
    group_init(&group);
    group_add_change(&group, gone);
    group_add_change(&group, change_of("anna", 1, "again"));
    group_add_change(&group, renamed);
    group_add_change(&group, takes);
    group_run(&group, fixture.ledger);
    for (size_t i = 0; i < group.len; i++)
        assert_ok(group.member[i].rc);
    cr_assert_eq(info().records, 3);
    fixture_close(&fixture);
    assert_sound();
    fixture_open(&fixture);
}

/* Whichever call of the HSM fails: those who hear an error have left no trace, the others are there, and it goes on. */
Test(batch, leaves_no_trace_when_any_call_of_the_hsm_fails)
{
    for (int nth = 1; nth <= 6; nth++) {
        struct tp_ledger_change gone = change_of("anna", 1, "");
        struct tp_ledger_info before;
        struct group group, next;

        if (nth == 1)
            assert_ok(commit_change(&fixture, change_of("anna", 1, "a")));
        before = info();
        gone.delete = true;
        group_init(&group);
        group_add_entry(&group, true);
        group_add_change(&group, change_of("berta", 1, "b"));
        group_add_change(&group, change_of("clara", 1, "c"));
        group_add_change(&group, change_of("berta", 2, "b2"));
        group_add_change(&group, gone);
        group_add_entry(&group, false);
        fixture.keys.fail_mac = fixture.keys.macs + nth;
        group_run(&group, fixture.ledger);
        if (nth > 4) { /* three records and the head need four: nothing has failed */
            assert_ok(group.member[0].rc);
            break;
        }
        for (size_t i = 0; i < group.len; i++)
            assert_rc(group.member[i].rc, TP_HSM_ABSENT);
        cr_assert_eq(info().entries, before.entries);
        cr_assert_eq(info().records, before.records);
        cr_assert_eq(info().open_intents, 0);
        assert_sound();
        group_init(&next);
        group_add_entry(&next, false);
        group_run(&next, fixture.ledger);
        assert_ok(next.member[0].rc);
        cr_assert_eq(next.member[0].index, before.entries);
    }
    assert_sound();
    fixture_close(&fixture);
    fixture_open(&fixture);
}

/* A disk that is full, at every size that the file may not grow past. */
Test(batch, goes_on_when_the_disk_has_space_again)
{
    char wal[128];
    struct stat status;
    struct rlimit limit, tight;
    uint64_t expected = 0;
    bool refused = false;

    snprintf(wal, sizeof wal, "%s-wal", fixture.store);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    for (rlim_t more = 0; more < 60000; more += 5000) {
        struct group group, next;

        cr_assert_eq(stat(wal, &status), 0);
        tight = limit;
        tight.rlim_cur = (rlim_t)status.st_size + more;
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
        group_init(&group);
        for (int i = 0; i < 20; i++)
            group_add_entry(&group, false);
        group_add_change(&group, change_of("anna", expected == 0 ? 1 : 99, "a"));
        group_run(&group, fixture.ledger);
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        refused = refused || group.member[0].rc != TP_OK;
        for (size_t i = 0; i < 20; i++) {
            assert_rc(group.member[i].rc, group.member[0].rc);
            expected += group.member[i].rc == TP_OK;
        }
        expected += group.member[20].rc == TP_OK;
        cr_assert_eq(info().entries, expected);
        group_init(&next);
        group_add_entry(&next, false);
        group_run(&next, fixture.ledger);
        assert_ok(next.member[0].rc);
        cr_assert_eq(next.member[0].index, expected++);
    }
    cr_assert(refused);
    assert_sound();
}

/* ---- patience ---- */

struct patient {
    struct tp_ledger_tx tx;
    Tp__Audit__Entry entry;
    atomic_int answers;
    enum tp_rc rc;
};

static void patient_done(struct tp_ledger_tx *tx, enum tp_rc rc, const struct tp_error *error, uint64_t index)
{
    struct patient *patient = tx->context;
    (void)error, (void)index;
    patient->rc = rc;
    atomic_fetch_add(&patient->answers, 1);
}

static void submit_patient(struct patient *patient)
{
    patient->entry = *entry_of("sign", "ok");
    patient->tx = (struct tp_ledger_tx){
        .entry = &patient->entry, .patient = true, .done = patient_done, .context = patient};
    tp_ledger_submit(fixture.ledger, &patient->tx);
}

Test(batch, what_is_patient_comes_along_with_what_is_not)
{
    static struct patient first, second;

    submit_patient(&first);
    submit_patient(&second);
    assert_ok(commit_entry(&fixture, "login"));
    cr_expect_eq(atomic_load(&first.answers), 1);
    cr_expect_eq(atomic_load(&second.answers), 1);
    cr_expect_eq(info().commits, 1);
    assert_sound();
}

Test(batch, what_is_patient_comes_along_with_a_checkpoint)
{
    static struct patient patient;
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;

    assert_ok(commit_entry(&fixture, "login"));
    submit_patient(&patient);
    assert_ok(tp_ledger_checkpoint(fixture.ledger, tp_clock_monotonic_ms() + 10000, NULL, &note));
    cr_expect_eq(atomic_load(&patient.answers), 1);
    assert_sound();
}

Test(batch, what_is_patient_is_committed_when_it_is_hurried)
{
    static struct patient patient;

    submit_patient(&patient);
    tp_ledger_hurry(fixture.ledger);
    while (atomic_load(&patient.answers) == 0)
        (void)sched_yield();
    assert_ok(patient.rc);
}

Test(batch, what_is_patient_is_not_lost_when_the_ledger_closes)
{
    static struct patient patient;

    submit_patient(&patient);
    fixture_close(&fixture);
    cr_expect_eq(atomic_load(&patient.answers), 1);
    assert_ok(patient.rc);
    fixture_open(&fixture);
    cr_expect_eq(info().entries, 1);
}
