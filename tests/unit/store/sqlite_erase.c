/* SPDX-License-Identifier: Apache-2.0
 *
 * An erased text leaves no trace in any of the files (RS-25, PA-18).
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
