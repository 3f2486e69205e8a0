/* SPDX-License-Identifier: Apache-2.0
 *
 * An erased text, and a deleted record once all are written anew, leave no trace in any of the files (RS-25, PA-18).
 */
#include "place.h"

#include <stdlib.h>

#define TEXTS 600

static void hash_of(unsigned number, uint8_t ret_hash[TP_STORE_HASH_LEN])
{
    for (unsigned i = 0; i < TP_STORE_HASH_LEN; i++)
        ret_hash[i] = (uint8_t)(number * 2654435761u >> (i % 24));
    ret_hash[0] = (uint8_t)number;
    ret_hash[1] = (uint8_t)(number >> 8);
}

/* From some bytes to several overflow pages. */
static struct tp_bytes text_of(unsigned number, char text[9000])
{
    int len = snprintf(text, 9000, "Erika Mustermann %05u", number);
    size_t padding = number % 20 == 0 ? 8000 : number * 7 % 150;

    memset(text + len, '.', padding);
    return TP_BYTES(text, (size_t)len + padding);
}

static void put(struct tp_store *store, unsigned first, unsigned count)
{
    MUST(tp_store_begin(store, &error));
    for (unsigned i = first; i < first + count; i++) {
        uint8_t hash[TP_STORE_HASH_LEN];
        char text[9000], salt[32];

        hash_of(i, hash);
        (void)snprintf(salt, sizeof salt, "salt of no. %05u", i);
        MUST(tp_store_text_put(store, hash, tp_bytes_of_string(salt), text_of(i, text), &error));
    }
    MUST(tp_store_commit(store, &error));
}

static void erase(struct tp_store *store, unsigned number)
{
    uint8_t hash[TP_STORE_HASH_LEN];

    hash_of(number, hash);
    MUST(tp_store_begin(store, &error));
    MUST(tp_store_text_erase(store, hash, &error));
    MUST(tp_store_commit(store, &error));
}

static bool traces(const char *name, unsigned number)
{
    char text[32], salt[32];
    int text_len = snprintf(text, sizeof text, "Erika Mustermann %05u", number);
    int salt_len = snprintf(salt, sizeof salt, "salt of no. %05u", number);

    return place_contains(name, text, (size_t)text_len) || place_contains(name, salt, (size_t)salt_len);
}

PLACED_TEST(sqlite_erase, leaves_no_trace_of_many_texts_erased_one_by_one)
{
    struct tp_store *store = store_make();

    for (unsigned i = 0; i < TEXTS; i += 50)
        put(store, i, 50);
    for (unsigned i = 0; i < TEXTS; i++) {
        unsigned number = i * 389 % TEXTS; /* all, in no order */

        if (number % 3 != 0)
            erase(store, number);
    }
    for (unsigned i = 0; i < TEXTS; i++) {
        cr_assert_eq(traces(STORE, i), i % 3 == 0, "text %u", i);
        cr_assert_not(traces(STORE "-wal", i));
    }
    tp_store_close(store);
}

PLACED_TEST(sqlite_erase, waits_for_a_reader_and_is_done_with_the_next_commit)
{
    struct tp_store *store = store_make();
    struct tp_store *reader = store_reopen(TP_STORE_READ);
    uint64_t end = 0;

    put(store, 0, 3);
    MUST(tp_store_begin(reader, &error));
    MUST(tp_store_entry_end(reader, &error, &end));
    erase(store, 1);
    cr_assert(traces(STORE "-wal", 1), "nothing to wait for");
    tp_store_close(reader);
    put(store, 10, 1);
    cr_assert_not(traces(STORE "-wal", 1));
    cr_assert_not(traces(STORE, 1));
    cr_assert(traces(STORE, 2));
    tp_store_close(store);
}

PLACED_TEST(sqlite_erase, is_finished_when_the_store_is_opened_again)
{
    struct tp_store *store = store_make();
    struct tp_store *reader = store_reopen(TP_STORE_READ);
    uint64_t end = 0;

    put(store, 0, 3);
    MUST(tp_store_begin(reader, &error));
    MUST(tp_store_entry_end(reader, &error, &end));
    erase(store, 1);
    tp_store_close(store); /* the log stays: this is not the last connection */
    tp_store_rollback(reader);
    cr_assert(traces(STORE "-wal", 1), "nothing to finish");
    store = store_reopen(TP_STORE_WRITE);
    cr_assert_not(traces(STORE "-wal", 1));
    cr_assert_not(traces(STORE, 1));
    tp_store_close(reader);
    tp_store_close(store);
}

/* ---- records ---- */

#define RECORDS 600
#define VERSIONS 9

/* In no order and of any length, so that the index by name is split and joined at every place: without the rewriting SQLite
 * 3.40 leaves some of these. */
static void name_of(unsigned number, char name[TP_STORE_NAME_MAX + 1])
{
    (void)snprintf(name, TP_STORE_NAME_MAX + 1, "%08x erika%0*u", number * 2654457456u, (int)(number * 37 % 200 + 4), number);
}

static void put_record(struct tp_store *store, unsigned number, uint64_t version, size_t len)
{
    struct tp_store_record record = {.kind = "user", .slot = number + 1, .version = version};
    char content[900];
    int used;

    (void)snprintf(record.id, sizeof record.id, "%032x", number);
    name_of(number, record.name);
    used = snprintf(content, sizeof content, "Mustermann of %s", record.name);
    memset(content + used, '.', sizeof content - (size_t)used);
    record.content = TP_BYTES(content, len);
    MUST(tp_store_record_put(store, &record, &error));
}

static void put_records(struct tp_store *store)
{
    MUST(tp_store_begin(store, &error));
    for (unsigned i = 0; i < RECORDS; i++)
        put_record(store, i, 1, 400);
    for (uint64_t version = 2; version <= VERSIONS; version++)
        for (unsigned i = 0; i < RECORDS; i++)
            put_record(store, i, version, 300 + (i * 7919 + version * 104729) % 500);
    MUST(tp_store_commit(store, &error));
}

static unsigned traces_of_records(const char *file)
{
    unsigned found = 0;

    for (unsigned i = 0; i < RECORDS; i += 3) {
        char name[TP_STORE_NAME_MAX + 1];

        name_of(i, name);
        found += place_contains(file, name, strlen(name));
    }
    return found;
}

static void delete_records(struct tp_store *store)
{
    for (unsigned i = 0; i < RECORDS; i += 3) {
        char id[TP_ID_LEN];

        (void)snprintf(id, sizeof id, "%032x", i);
        MUST(tp_store_record_delete(store, "user", id, VERSIONS, &error));
    }
}

PLACED_TEST(sqlite_erase, leaves_no_trace_of_records_that_are_deleted_once_all_are_written_anew)
{
    struct tp_store *store = store_make();
    struct tp_store_record got;
    uint64_t count = 0, slot = 0;

    put_records(store);
    MUST(tp_store_begin(store, &error));
    MUST(tp_store_savepoint(store, &error));
    delete_records(store);
    MUST(tp_store_records_rewrite(store, &error));
    MUST(tp_store_savepoint_release(store, &error));
    MUST(tp_store_commit(store, &error));
    cr_expect_eq(traces_of_records(STORE), 0);
    cr_expect_eq(traces_of_records(STORE "-wal"), 0);
    MUST(tp_store_record_count(store, "user", &error, &count));
    cr_expect_eq(count, RECORDS - RECORDS / 3);
    MUST(tp_store_slot_next(store, &error, &slot));
    cr_expect_eq(slot, RECORDS + 1);
    for (unsigned i = 1; i < RECORDS; i += 3) {
        char name[TP_STORE_NAME_MAX + 1];

        name_of(i, name);
        MUST(tp_store_record_find(store, "user", "", name, &error, &got));
        cr_expect_eq(got.slot, i + 1);
        cr_expect_eq(got.version, VERSIONS);
    }
    MUST(tp_store_check(store, &error));
    tp_store_close(store);
}
