/* SPDX-License-Identifier: Apache-2.0
 *
 * Records.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

CONTRACT(store_record, comes_back_as_it_was_put_by_id_and_by_name)
{
    struct tp_store_record put = store_record("credential", 7, "0123456789abcdef0123456789abcdef", "Schlüssel ☂");
    struct tp_store_record got;

    store_record_put(f, &put);
    MUST(tp_store_record_get(f->store, put.kind, put.id, &f->error, &got));
    cr_assert(store_record_same(&put, &got));
    MUST(tp_store_record_find(f->store, put.kind, put.owner, put.name, &f->error, &got));
    cr_assert(store_record_same(&put, &got));
}

CONTRACT(store_record, of_another_id_kind_owner_or_name_is_not_found_and_the_output_untouched)
{
    struct tp_store_record put = store_record("user", 1, "o", "alice");
    struct tp_store_record got = {.slot = 99};

    store_record_put(f, &put);
    ANSWERS(TP_NOT_FOUND, tp_store_record_get(f->store, "user", "2", &f->error, &got));
    ANSWERS(TP_NOT_FOUND, tp_store_record_get(f->store, "factor", put.id, &f->error, &got));
    ANSWERS(TP_NOT_FOUND, tp_store_record_find(f->store, "user", "o", "Alice", &f->error, &got));
    ANSWERS(TP_NOT_FOUND, tp_store_record_find(f->store, "user", "", "alice", &f->error, &got));
    ANSWERS(TP_NOT_FOUND, tp_store_record_find(f->store, "factor", "o", "alice", &f->error, &got));
    cr_assert_eq(got.slot, 99);
}

CONTRACT(store_record, words_of_a_refusal_do_not_repeat_the_name)
{
    struct tp_store_record got;

    ANSWERS(TP_NOT_FOUND, tp_store_record_find(f->store, "user", "", "Erika Mustermann", &f->error, &got));
    cr_assert_null(strstr(tp_error_words(&f->error), "Erika"));
}

CONTRACT(store_record, without_a_name_is_never_found_by_name)
{
    struct tp_store_record one = store_record("user", 1, "", "");
    struct tp_store_record two = store_record("user", 2, "", "");
    struct tp_store_record got;

    store_record_put(f, &one);
    store_record_put(f, &two);
    ANSWERS(TP_NOT_FOUND, tp_store_record_find(f->store, "user", "", "", &f->error, &got));
}

CONTRACT(store_record, of_empty_or_large_or_binary_content_comes_back)
{
    static const size_t lens[] = {0, 1, 5000, TP_STORE_CONTENT_MAX};
    uint8_t *content = malloc(TP_STORE_CONTENT_MAX);
    struct tp_store_record got;

    cr_assert_not_null(content);
    for (size_t i = 0; i < TP_STORE_CONTENT_MAX; i++)
        content[i] = (uint8_t)(i * 7);
    for (unsigned i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct tp_store_record put = store_record("blob", i + 1, "", "");

        put.content = lens[i] == 0 ? TP_BYTES_NONE : TP_BYTES(content, lens[i]);
        store_record_put(f, &put);
        MUST(tp_store_record_get(f->store, "blob", put.id, &f->error, &got));
        cr_assert(store_record_same(&put, &got), "%zu bytes", lens[i]);
    }
    free(content);
}

CONTRACT(store_record, past_a_limit_is_refused_and_at_the_limit_kept)
{
    struct tp_store_record most = store_record("user", 1, "", "");
    struct tp_store_record bad;

    memset(most.kind, 'k', sizeof most.kind - 1);
    memset(most.id, 'i', sizeof most.id - 1);
    memset(most.owner, 'o', sizeof most.owner - 1);
    memset(most.name, 'n', sizeof most.name - 1);
    most.slot = INT64_MAX;
    store_record_put(f, &most);
    MUST(tp_store_record_get(f->store, most.kind, most.id, &f->error, &bad));
    cr_assert(store_record_same(&most, &bad));

    MUST(tp_store_begin(f->store, &f->error));
#define REFUSED_WITH(change)                                                                                           \
    do {                                                                                                               \
        bad = store_record("user", 2, "", "");                                                                         \
        change;                                                                                                        \
        ANSWERS(TP_BAD_ARGUMENT, tp_store_record_put(f->store, &bad, &f->error));                                      \
    } while (0)
    REFUSED_WITH(memset(bad.kind, 'k', sizeof bad.kind));
    REFUSED_WITH(memset(bad.id, 'i', sizeof bad.id));
    REFUSED_WITH(memset(bad.owner, 'o', sizeof bad.owner));
    REFUSED_WITH(memset(bad.name, 'n', sizeof bad.name));
    REFUSED_WITH(bad.kind[0] = '\0');
    REFUSED_WITH(bad.id[0] = '\0');
    REFUSED_WITH(bad.slot = 0);
    REFUSED_WITH(bad.slot = (uint64_t)INT64_MAX + 1);
    REFUSED_WITH(bad.version = 0);
    REFUSED_WITH(bad.version = UINT64_MAX);
#undef REFUSED_WITH
    bad = store_record("user", 2, "", "");
    bad.content.len = TP_STORE_CONTENT_MAX + 1;
    ANSWERS(TP_TOO_LARGE, tp_store_record_put(f->store, &bad, &f->error));
    bad = store_record("user", 2, "", "");
    MUST(tp_store_record_put(f->store, &bad, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
}

CONTRACT(store_record, second_with_the_same_id_slot_or_name_is_refused_and_the_transaction_lives)
{
    struct tp_store_record first = store_record("user", 1, "o", "alice");
    struct tp_store_record same_id = store_record("user", 1, "o", "bob");
    struct tp_store_record same_slot = store_record("user", 2, "o", "carol");
    struct tp_store_record same_name = store_record("user", 3, "o", "alice");
    struct tp_store_record fine = store_record("user", 4, "p", "alice");
    struct tp_store_record other_kind = store_record("factor", 1, "o", "alice");
    uint64_t count = 0;

    same_id.slot = 5;
    same_slot.slot = 1;
    other_kind.slot = 6;
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_record_put(f->store, &first, &f->error));
    ANSWERS(TP_EXISTS, tp_store_record_put(f->store, &same_id, &f->error));
    ANSWERS(TP_EXISTS, tp_store_record_put(f->store, &same_slot, &f->error));
    ANSWERS(TP_EXISTS, tp_store_record_put(f->store, &same_name, &f->error));
    MUST(tp_store_record_put(f->store, &fine, &f->error));
    MUST(tp_store_record_put(f->store, &other_kind, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    MUST(tp_store_record_count(f->store, "user", &f->error, &count));
    cr_assert_eq(count, 2);
}

CONTRACT(store_record, next_version_replaces_the_one_before)
{
    struct tp_store_record record = store_record("user", 1, "o", "alice");
    struct tp_store_record got;

    store_record_put(f, &record);
    record.version = 2;
    record.content = TP_BYTES("second", 6);
    record.mac[0] ^= 1;
    store_record_put(f, &record);
    record.version = 3;
    (void)snprintf(record.name, sizeof record.name, "alicia");
    (void)snprintf(record.owner, sizeof record.owner, "p");
    store_record_put(f, &record);
    MUST(tp_store_record_find(f->store, "user", "p", "alicia", &f->error, &got));
    cr_assert(store_record_same(&record, &got));
    ANSWERS(TP_NOT_FOUND, tp_store_record_find(f->store, "user", "o", "alice", &f->error, &got));
}

CONTRACT(store_record, version_that_does_not_follow_is_refused)
{
    static const uint64_t wrong[] = {2, 4, 5, INT64_MAX};
    struct tp_store_record record = store_record("user", 1, "", "");
    struct tp_store_record got;

    store_record_put(f, &record);
    record.version = 2;
    store_record_put(f, &record);
    MUST(tp_store_begin(f->store, &f->error));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        record.version = wrong[i];
        ANSWERS(TP_NOT_FOUND, tp_store_record_put(f->store, &record, &f->error));
    }
    record.version = 1;
    ANSWERS(TP_EXISTS, tp_store_record_put(f->store, &record, &f->error));
    record.version = 3;
    record.slot = 2;
    ANSWERS(TP_NOT_FOUND, tp_store_record_put(f->store, &record, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    MUST(tp_store_record_get(f->store, "user", record.id, &f->error, &got));
    cr_assert_eq(got.version, 2);
}

CONTRACT(store_record, may_not_be_renamed_to_a_name_that_is_taken)
{
    struct tp_store_record alice = store_record("user", 1, "", "alice");
    struct tp_store_record bob = store_record("user", 2, "", "bob");
    struct tp_store_record got;

    store_record_put(f, &alice);
    store_record_put(f, &bob);
    bob.version = 2;
    (void)snprintf(bob.name, sizeof bob.name, "alice");
    MUST(tp_store_begin(f->store, &f->error));
    ANSWERS(TP_EXISTS, tp_store_record_put(f->store, &bob, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    MUST(tp_store_record_find(f->store, "user", "", "bob", &f->error, &got));
    cr_assert_eq(got.version, 1);
}

CONTRACT(store_record, is_deleted_in_the_named_version_only)
{
    struct tp_store_record record = store_record("user", 1, "", "alice");
    struct tp_store_record got;

    store_record_put(f, &record);
    MUST(tp_store_begin(f->store, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_record_delete(f->store, "user", record.id, 2, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_record_delete(f->store, "factor", record.id, 1, &f->error));
    MUST(tp_store_record_get(f->store, "user", record.id, &f->error, &got));
    MUST(tp_store_record_delete(f->store, "user", record.id, 1, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_record_delete(f->store, "user", record.id, 1, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_record_get(f->store, "user", record.id, &f->error, &got));
}

static uint64_t slot_next(struct store_fixture *f)
{
    uint64_t slot = 0;

    MUST(tp_store_slot_next(f->store, &f->error, &slot));
    return slot;
}

CONTRACT(store_slot, begins_at_one_and_follows_the_highest)
{
    struct tp_store_record first = store_record("user", 1, "", "");
    struct tp_store_record far = store_record("user", 40, "", "");
    struct tp_store_record between = store_record("user", 20, "", "");

    cr_assert_eq(slot_next(f), 1);
    store_record_put(f, &first);
    cr_assert_eq(slot_next(f), 2);
    store_record_put(f, &far);
    store_record_put(f, &between);
    cr_assert_eq(slot_next(f), 41);
}

CONTRACT(store_slot, of_a_deleted_record_is_never_given_again)
{
    struct tp_store_record record = store_record("user", 1, "", "");

    store_record_put(f, &record);
    record = store_record("user", 2, "", "");
    store_record_put(f, &record);
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_record_delete(f->store, "user", record.id, 1, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    cr_assert_eq(slot_next(f), 3);
    tp_store_close(f->store);
    f->store = store_again(f, TP_STORE_WRITE);
    cr_assert_eq(slot_next(f), 3);
}

CONTRACT(store_slot, of_a_put_that_was_undone_was_never_used)
{
    struct tp_store_record record = store_record("user", 1, "", "");

    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_record_put(f->store, &record, &f->error));
    cr_assert_eq(slot_next(f), 2);
    tp_store_rollback(f->store);
    cr_assert_eq(slot_next(f), 1);
}

/* ---- walks ---- */

struct walk {
    struct store_fixture *f;
    unsigned count;
    uint64_t slots[16];
    unsigned stop_after; /* 0: never */
    enum tp_rc stop_with;
};

static enum tp_rc note_slot(void *context, const struct tp_store_record *record)
{
    struct walk *walk = context;
    struct tp_store_record expected = store_record(record->kind, (unsigned)record->slot, record->owner, record->name);

    cr_assert_lt(walk->count, 16);
    cr_assert(store_record_same(&expected, record));
    walk->slots[walk->count++] = record->slot;
    return walk->count == walk->stop_after ? walk->stop_with : TP_OK;
}

static bool walked(const struct walk *walk, unsigned count, const uint64_t *slots)
{
    return walk->count == count && memcmp(walk->slots, slots, count * sizeof slots[0]) == 0;
}

/* Slots 1…6: users 1, 2, 5 of owner "a", 3 of owner "b", 6 of none; 4 is a factor of "a". Put out of order. */
static void put_six(struct store_fixture *f)
{
    static const struct {
        unsigned slot;
        const char *kind, *owner;
    } six[] = {{5, "user", "a"}, {1, "user", "a"}, {4, "factor", "a"},
               {2, "user", "a"}, {6, "user", ""},  {3, "user", "b"}};

    for (size_t i = 0; i < sizeof six / sizeof six[0]; i++) {
        struct tp_store_record record = store_record(six[i].kind, six[i].slot, six[i].owner, "");

        store_record_put(f, &record);
    }
}

CONTRACT(store_walk, goes_through_a_kind_in_order_of_slot)
{
    struct walk walk = {.f = f};

    put_six(f);
    MUST(tp_store_record_each(f->store, "user", NULL, 0, 0, &f->error, note_slot, &walk));
    cr_assert(walked(&walk, 5, (const uint64_t[]){1, 2, 3, 5, 6}));
}

CONTRACT(store_walk, keeps_to_the_owner_and_to_records_without_one)
{
    struct walk of_a = {.f = f}, of_none = {.f = f}, of_nobody = {.f = f};

    put_six(f);
    MUST(tp_store_record_each(f->store, "user", "a", 0, 0, &f->error, note_slot, &of_a));
    cr_assert(walked(&of_a, 3, (const uint64_t[]){1, 2, 5}));
    MUST(tp_store_record_each(f->store, "user", "", 0, 0, &f->error, note_slot, &of_none));
    cr_assert(walked(&of_none, 1, (const uint64_t[]){6}));
    MUST(tp_store_record_each(f->store, "user", "nobody", 0, 0, &f->error, note_slot, &of_nobody));
    cr_assert_eq(of_nobody.count, 0);
}

CONTRACT(store_walk, goes_in_pages)
{
    struct walk first = {.f = f}, second = {.f = f}, owned = {.f = f}, past = {.f = f};

    put_six(f);
    MUST(tp_store_record_each(f->store, "user", NULL, 0, 2, &f->error, note_slot, &first));
    cr_assert(walked(&first, 2, (const uint64_t[]){1, 2}));
    MUST(tp_store_record_each(f->store, "user", NULL, 2, 2, &f->error, note_slot, &second));
    cr_assert(walked(&second, 2, (const uint64_t[]){3, 5}));
    MUST(tp_store_record_each(f->store, "user", "a", 1, 1, &f->error, note_slot, &owned));
    cr_assert(walked(&owned, 1, (const uint64_t[]){2}));
    MUST(tp_store_record_each(f->store, "user", NULL, 6, 0, &f->error, note_slot, &past));
    MUST(tp_store_record_each(f->store, "user", NULL, UINT64_MAX, 0, &f->error, note_slot, &past));
    cr_assert_eq(past.count, 0);
}

CONTRACT(store_walk, stops_with_the_code_of_the_caller)
{
    static const enum tp_rc codes[] = {TP_REFUSED, TP_NOT_FOUND, TP_STORE};

    put_six(f);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct walk walk = {.f = f, .stop_after = 2, .stop_with = codes[i]};

        cr_assert_eq(tp_store_record_each(f->store, "user", NULL, 0, 0, &f->error, note_slot, &walk), codes[i]);
        cr_assert_eq(walk.count, 2);
    }
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
}

static enum tp_rc call_the_store(void *context, const struct tp_store_record *record)
{
    struct store_fixture *f = context;
    struct tp_store_record got;

    ANSWERS(TP_INTERNAL, tp_store_record_get(f->store, record->kind, record->id, &f->error, &got));
    ANSWERS(TP_INTERNAL, tp_store_commit(f->store, &f->error));
    tp_store_rollback(f->store);
    return TP_OK;
}

CONTRACT(store_walk, may_not_call_the_store)
{
    struct tp_store_record got, record = store_record("user", 7, "", "");

    put_six(f);
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_record_put(f->store, &record, &f->error));
    cr_assert_eq(tp_store_record_each(f->store, "user", NULL, 0, 0, &f->error, call_the_store, f), TP_OK);
    MUST(tp_store_commit(f->store, &f->error));
    MUST(tp_store_record_get(f->store, "user", record.id, &f->error, &got));
}

CONTRACT(store_walk, count_is_of_one_kind)
{
    uint64_t count = 99;

    put_six(f);
    MUST(tp_store_record_count(f->store, "user", &f->error, &count));
    cr_assert_eq(count, 5);
    MUST(tp_store_record_count(f->store, "factor", &f->error, &count));
    cr_assert_eq(count, 1);
    MUST(tp_store_record_count(f->store, "officer", &f->error, &count));
    cr_assert_eq(count, 0);
}
