/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ledger does for those who use it well.
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

TestSuite(ledger, .init = setup, .fini = teardown);

static enum tp_rc get(const char *id, struct tp_ledger_record *ret)
{
    return tp_ledger_get(fixture.ledger, "user", id, NULL, ret);
}

static void assert_content(const char *id, uint64_t version, const char *content)
{
    struct tp_ledger_record record;

    assert_ok(get(id, &record));
    cr_assert_eq(record.version, version);
    cr_assert_str_eq(tp_buf_string(&record.content), content);
    cr_assert_str_eq(record.name, id);
    tp_ledger_record_clear(&record);
}

static struct tp_ledger_info info(void)
{
    struct tp_ledger_info info;

    tp_ledger_info(fixture.ledger, &info);
    return info;
}

/* ---- records ---- */

Test(ledger, reads_what_it_has_written)
{
    struct tp_ledger_record record;

    assert_ok(commit_change(&fixture, change_of("anna", 1, "first")));
    assert_content("anna", 1, "first");
    assert_ok(commit_change(&fixture, change_of("anna", 2, "second")));
    assert_content("anna", 2, "second");
    assert_ok(tp_ledger_find(fixture.ledger, "user", "", "anna", NULL, &record));
    cr_assert_str_eq(record.id, "anna");
    tp_ledger_record_clear(&record);
    assert_rc(get("berta", &record), TP_NOT_FOUND);
    assert_rc(tp_ledger_find(fixture.ledger, "user", "", "berta", NULL, &record), TP_NOT_FOUND);
    cr_assert_eq(info().records, 1);
    cr_assert_eq(info().entries, 2);
}

Test(ledger, reads_the_same_after_it_was_opened_again)
{
    assert_ok(commit_change(&fixture, change_of("anna", 1, "first")));
    assert_ok(commit_change(&fixture, change_of("berta", 1, "b")));
    assert_ok(commit_change(&fixture, change_of("anna", 2, "second")));
    commit_entries(&fixture, 600); /* past two tiles */
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_content("anna", 2, "second");
    assert_content("berta", 1, "b");
    cr_assert_eq(info().entries, 603);
    cr_assert_eq(info().checkpoint_size, 603);
    assert_ok(commit_change(&fixture, change_of("anna", 3, "third")));
    assert_content("anna", 3, "third");
}

Test(ledger, refuses_a_version_that_somebody_else_was_faster_with)
{
    struct tp_ledger_change gone = change_of("anna", 2, "");

    assert_ok(commit_change(&fixture, change_of("anna", 1, "first")));
    assert_ok(commit_change(&fixture, change_of("anna", 2, "second")));
    assert_rc(commit_change(&fixture, change_of("anna", 2, "other")), TP_BUSY);
    assert_rc(commit_change(&fixture, change_of("anna", 4, "other")), TP_BUSY);
    assert_rc(commit_change(&fixture, change_of("berta", 2, "other")), TP_BUSY);
    gone.delete = true;
    gone.version = 1;
    assert_rc(commit_change(&fixture, gone), TP_BUSY);
    assert_content("anna", 2, "second");
    cr_assert_eq(info().entries, 2);
}

Test(ledger, refuses_an_id_or_name_that_is_taken)
{
    struct tp_ledger_change same_name = change_of("berta", 1, "x");

    assert_ok(commit_change(&fixture, change_of("anna", 1, "first")));
    assert_rc(commit_change(&fixture, change_of("anna", 1, "again")), TP_EXISTS);
    same_name.name = "anna";
    assert_rc(commit_change(&fixture, same_name), TP_EXISTS);
    cr_assert_eq(info().records, 1);
    assert_ok(commit_change(&fixture, change_of("berta", 1, "x")));
}

Test(ledger, deletes_and_takes_the_name_again)
{
    struct tp_ledger_change gone = change_of("anna", 1, "");
    struct tp_ledger_record record;

    assert_ok(commit_change(&fixture, change_of("anna", 1, "first")));
    gone.delete = true;
    assert_ok(commit_change(&fixture, gone));
    assert_rc(get("anna", &record), TP_NOT_FOUND);
    assert_rc(commit_change(&fixture, gone), TP_BUSY);
    assert_ok(commit_change(&fixture, change_of("anna", 1, "reborn")));
    assert_content("anna", 1, "reborn");
    fixture_close(&fixture);
    fixture_open(&fixture);
    assert_content("anna", 1, "reborn");
}

Test(ledger, changes_several_records_together_or_none)
{
    struct tp_ledger_change changes[2] = {change_of("anna", 1, "a"), change_of("berta", 2, "b")};
    struct tp_ledger_tx tx = {.changes = changes, .changes_len = 2, .entry = entry_of("user.add", TP_OUTCOME_OK)};
    struct tp_ledger_record record;
    int64_t deadline_ms = tp_clock_monotonic_ms() + 30000;

    assert_rc(tp_ledger_commit(fixture.ledger, &tx, deadline_ms, NULL, NULL), TP_BUSY);
    assert_rc(get("anna", &record), TP_NOT_FOUND);
    changes[1].version = 1;
    assert_ok(tp_ledger_commit(fixture.ledger, &tx, deadline_ms, NULL, NULL));
    assert_content("anna", 1, "a");
    assert_content("berta", 1, "b");
}

Test(ledger, refuses_records_and_entries_that_are_not_well_formed)
{
    struct tp_ledger_tx tx = {.entry = entry_of("", TP_OUTCOME_OK)};
    struct tp_ledger_change long_kind = change_of("anna", 1, "a");
    int64_t deadline_ms = tp_clock_monotonic_ms() + 30000;

    assert_rc(tp_ledger_commit(fixture.ledger, &tx, deadline_ms, NULL, NULL), TP_BAD_ARGUMENT);
    tx.entry = entry_of("sign", TP_OUTCOME_INTENT); /* an intent that nobody will close */
    assert_rc(tp_ledger_commit(fixture.ledger, &tx, deadline_ms, NULL, NULL), TP_BAD_ARGUMENT);
    tx.entry = entry_of("sign", TP_OUTCOME_OK);
    tx.intent = true;
    assert_rc(tp_ledger_commit(fixture.ledger, &tx, deadline_ms, NULL, NULL), TP_BAD_ARGUMENT);
    long_kind.kind = "sixteen-letters!";
    assert_rc(commit_change(&fixture, long_kind), TP_BAD_ARGUMENT);
    assert_rc(commit_change(&fixture, change_of("", 1, "a")), TP_BAD_ARGUMENT);
    assert_rc(commit_change(&fixture, change_of("anna", 0, "a")), TP_BAD_ARGUMENT);
    cr_assert_eq(info().entries, 0);
}

/* ---- lists ---- */

struct listed {
    size_t len;
    char ids[4096];
};

static enum tp_rc list(void *context, const struct tp_ledger_record *record)
{
    struct listed *listed = context;

    listed->len++;
    strncat(listed->ids, record->id, sizeof listed->ids - strlen(listed->ids) - 1);
    strncat(listed->ids, " ", sizeof listed->ids - strlen(listed->ids) - 1);
    return TP_OK;
}

static void add_owned(const char *id, const char *owner)
{
    struct tp_ledger_change change = change_of(id, 1, "x");

    change.owner = owner;
    assert_ok(commit_change(&fixture, change));
}

Test(ledger, lists_a_kind_or_an_owners_part_of_it_page_by_page)
{
    struct listed all = {0}, ours = {0};
    uint64_t cursor = 0;
    char id[8];

    for (int i = 0; i < 70; i++) {
        snprintf(id, sizeof id, "%02d", i);
        add_owned(id, i % 7 == 0 ? "ours" : "theirs");
    }
    assert_ok(tp_ledger_each(fixture.ledger, "user", NULL, &cursor, SIZE_MAX, NULL, list, &all));
    cr_assert_eq(all.len, 70);
    cursor = 0;
    assert_ok(tp_ledger_each(fixture.ledger, "user", "ours", &cursor, 4, NULL, list, &ours));
    cr_assert_str_eq(ours.ids, "00 07 14 21 ");
    assert_ok(tp_ledger_each(fixture.ledger, "user", "ours", &cursor, 100, NULL, list, &ours));
    cr_assert_str_eq(ours.ids, "00 07 14 21 28 35 42 49 56 63 ");
    assert_ok(tp_ledger_each(fixture.ledger, "user", "ours", &cursor, 100, NULL, list, &ours));
    cr_assert_eq(ours.len, 10);
    cursor = 0;
    assert_ok(tp_ledger_each(fixture.ledger, "key", NULL, &cursor, 100, NULL, list, &ours));
    cr_assert_eq(ours.len, 10);
}

static enum tp_rc stop(void *context, const struct tp_ledger_record *record)
{
    (void)record;
    return --*(int *)context == 0 ? TP_REFUSED : TP_OK;
}

Test(ledger, stops_a_list_where_it_is_told_to)
{
    uint64_t cursor = 0;
    int left = 2;
    struct listed rest = {0};

    add_owned("1", "");
    add_owned("2", "");
    add_owned("3", "");
    assert_rc(tp_ledger_each(fixture.ledger, "user", NULL, &cursor, 10, NULL, stop, &left), TP_REFUSED);
    assert_ok(tp_ledger_each(fixture.ledger, "user", NULL, &cursor, 10, NULL, list, &rest));
    cr_assert_str_eq(rest.ids, "2 3 ");
}

/* ---- entries and texts ---- */

struct read {
    size_t len;
    uint64_t index[700];
    char action[32];
    int64_t time_ms;
};

static enum tp_rc read_entry(void *context, uint64_t index, const Tp__Audit__Entry *entry)
{
    struct read *read = context;

    read->index[read->len++] = index;
    snprintf(read->action, sizeof read->action, "%s", entry->action);
    read->time_ms = entry->time_ms;
    return TP_OK;
}

Test(ledger, gives_entries_in_both_directions)
{
    struct read read = {0};

    commit_entries(&fixture, 300);
    assert_ok(commit_entry(&fixture, "last"));
    assert_ok(tp_ledger_entries(fixture.ledger, 10, 100, false, NULL, read_entry, &read));
    cr_assert_eq(read.len, 100);
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(read.index[i], 10 + i);
    read.len = 0;
    assert_ok(tp_ledger_entries(fixture.ledger, UINT64_MAX, 100, true, NULL, read_entry, &read));
    cr_assert_eq(read.len, 100);
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(read.index[i], 300 - i);
    read.len = 0;
    assert_ok(tp_ledger_entries(fixture.ledger, 300, UINT64_MAX, false, NULL, read_entry, &read));
    cr_assert_eq(read.len, 1);
    cr_assert_str_eq(read.action, "last");
    cr_assert(read.time_ms > 0);
    assert_ok(tp_ledger_entries(fixture.ledger, 301, 5, false, NULL, read_entry, &read));
    assert_ok(tp_ledger_entries(fixture.ledger, 2, 500, true, NULL, read_entry, &read));
    cr_assert_eq(read.len, 4);
}

Test(ledger, keeps_texts_until_they_are_erased)
{
    struct tp_ledger_text text = {.salt = tp_bytes_of_string("salt"), .text = tp_bytes_of_string("Anna Muster")};
    struct tp_ledger_tx tx = {.texts = &text, .texts_len = 1, .entry = entry_of("user.add", TP_OUTCOME_OK)};
    struct tp_buf found TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_verify_report report;
    uint8_t hash[32];

    assert_ok(tp_sha256(text.salt, text.text, TP_BYTES_NONE, hash));
    tx.entry->subject = (ProtobufCBinaryData){.len = sizeof hash, .data = hash};
    assert_rc(tp_ledger_text(fixture.ledger, hash, NULL, &found), TP_NOT_FOUND);
    assert_ok(tp_ledger_commit(fixture.ledger, &tx, tp_clock_monotonic_ms() + 30000, NULL, NULL));
    assert_ok(tp_ledger_text(fixture.ledger, hash, NULL, &found));
    cr_assert_str_eq(tp_buf_string(&found), "Anna Muster");
    assert_ok(fixture_verify(&fixture, TP_BYTES_NONE, NULL, &report));
    cr_assert_eq(report.texts_erased, 0);
    text.erase = true;
    for (unsigned i = 0; i < 2; i++) { /* what is erased already stays so */
        tx.entry = entry_of("user.erase", TP_OUTCOME_OK);
        assert_ok(tp_ledger_commit(fixture.ledger, &tx, tp_clock_monotonic_ms() + 30000, NULL, NULL));
        assert_rc(tp_ledger_text(fixture.ledger, hash, NULL, &found), TP_NOT_FOUND);
    }
    assert_ok(fixture_verify(&fixture, TP_BYTES_NONE, NULL, &report));
    cr_assert_eq(report.texts_erased, 1);
}

/* ---- checkpoints ---- */

Test(ledger, makes_checkpoints_that_an_auditor_can_use_later)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT, again TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    int64_t deadline_ms = tp_clock_monotonic_ms() + 30000;
    struct tp_verify_report report;

    assert_rc(tp_ledger_checkpoint(fixture.ledger, deadline_ms, NULL, &note), TP_NOT_FOUND);
    commit_entries(&fixture, 300);
    assert_ok(tp_ledger_checkpoint(fixture.ledger, deadline_ms, NULL, &note));
    assert_ok(tp_ledger_checkpoint(fixture.ledger, deadline_ms, NULL, &again));
    cr_assert(tp_bytes_equal(tp_buf_bytes(&note), tp_buf_bytes(&again)));
    commit_entries(&fixture, 300);
    assert_ok(fixture_verify(&fixture, tp_buf_bytes(&note), NULL, &report));
    cr_assert_eq(report.entries, 600);
    cr_assert_eq(report.checkpoints, 1);
    cr_assert_eq(report.last_checkpoint_size, 300);
    cr_assert_eq(report.unsigned_entries, 300);
    cr_assert_eq(report.bad_index, UINT64_MAX);
}

Test(ledger, gives_up_a_checkpoint_that_cannot_be_signed_and_makes_the_next)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    int64_t deadline_ms = tp_clock_monotonic_ms() + 30000;

    assert_ok(commit_entry(&fixture, "x"));
    fixture.keys.fail_sign = 1;
    assert_rc(tp_ledger_checkpoint(fixture.ledger, deadline_ms, NULL, &note), TP_HSM_ABSENT);
    cr_assert_eq(note.len, 0);
    cr_assert_eq(info().checkpoint_size, 0);
    assert_ok(tp_ledger_checkpoint(fixture.ledger, deadline_ms, NULL, &note));
    cr_assert_eq(info().checkpoint_size, 1);
}

Test(ledger, makes_checkpoints_by_itself_after_so_many_entries)
{
    fixture_close(&fixture);
    fixture.config.checkpoint_entries = 10;
    fixture_open(&fixture);
    for (int i = 0; i < 25; i++)
        assert_ok(commit_entry(&fixture, "x"));
    fixture_close(&fixture); /* waits for the committer */
    cr_assert_geq(fixture_number(&fixture, "SELECT count(*) FROM checkpoint"), 3);
    cr_assert_eq(fixture_number(&fixture, "SELECT max(size) FROM checkpoint"), 25);
}

/* ---- its edges ---- */

Test(ledger, is_not_made_over_another)
{
    struct tp_ledger *other = NULL;

    assert_rc(tp_ledger_open(&fixture.config, true, NULL, &other), TP_EXISTS);
    cr_assert_null(other);
}

Test(ledger, leaves_nothing_behind_when_it_cannot_be_made)
{
    struct tp_ledger *other = NULL;
    char url[128];

    snprintf(url, sizeof url, "%s/other.db", fixture.folder);
    fixture.config.store_url = url;
    fixture.keys.fail_mac = fixture.keys.macs + 1;
    assert_rc(tp_ledger_open(&fixture.config, true, NULL, &other), TP_HSM_ABSENT);
    cr_assert_null(other);
    assert_rc(tp_ledger_open(&fixture.config, false, NULL, &other), TP_NOT_FOUND);
    fixture.config.origin = "with space";
    assert_rc(tp_ledger_open(&fixture.config, true, NULL, &other), TP_CONFIG);
}

Test(ledger, says_when_it_does_not_answer_in_time)
{
    struct tp_ledger_tx tx = {.entry = entry_of("x", TP_OUTCOME_OK)};
    struct group group;

    pthread_mutex_lock(&fixture.keys.answers);
    assert_rc(tp_ledger_commit(fixture.ledger, &tx, 0, NULL, NULL), TP_TIMEOUT);
    pthread_mutex_unlock(&fixture.keys.answers);
    group_init(&group); /* whatever was given up is still answered, before what came after it */
    group_add_entry(&group, false);
    group_run(&group, fixture.ledger);
    assert_ok(group.member[0].rc);
    cr_assert_eq(group.member[0].index, 1);
}
