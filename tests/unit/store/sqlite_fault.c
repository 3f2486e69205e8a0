/* SPDX-License-Identifier: Apache-2.0
 *
 * The n-th allocation inside SQLite fails, for every n: the answer is an error with words, nothing is half written, and
 * the handle works again afterwards.
 */
#include "place.h"

static sqlite3_mem_methods real;
static unsigned long left; /* allocations until one fails; 0: none does */

static bool fails_now(void)
{
    return left > 0 && --left == 0;
}

static void *malloc_or_fail(int len)
{
    return fails_now() ? NULL : real.xMalloc(len);
}

static void *realloc_or_fail(void *old, int len)
{
    return fails_now() ? NULL : real.xRealloc(old, len);
}

static void faults_set_up(void)
{
    sqlite3_mem_methods failing;

    cr_assert_eq(sqlite3_shutdown(), SQLITE_OK);
    cr_assert_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real), SQLITE_OK);
    failing = real;
    failing.xMalloc = malloc_or_fail;
    failing.xRealloc = realloc_or_fail;
    cr_assert_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
    place_set_up();
}

#define FAULT_TEST(suite, name) Test(suite, name, .init = faults_set_up, .fini = place_tear_down)

static enum tp_rc write_some(struct tp_store *store)
{
    struct tp_store_record record = {.kind = "user", .id = "1", .slot = 1, .version = 1};
    static const uint8_t hash[TP_STORE_HASH_LEN];

    TP_TRY(tp_store_begin(store, &error));
    TP_TRY(tp_store_record_put(store, &record, &error));
    TP_TRY(tp_store_savepoint(store, &error));
    TP_TRY(tp_store_text_put(store, hash, TP_BYTES("s", 1), TP_BYTES("t", 1), &error));
    TP_TRY(tp_store_text_erase(store, hash, &error));
    TP_TRY(tp_store_savepoint_release(store, &error));
    TP_TRY(tp_store_node_put(store, 0, 0, 0, TP_BYTES("n", 1), &error));
    TP_TRY(tp_store_entry_append(store, 0, TP_BYTES("e", 1), &error));
    TP_TRY(tp_store_value_put(store, "head", TP_BYTES("h", 1), &error));
    return tp_store_commit(store, &error);
}

static enum tp_rc stop(void *context, uint64_t index, struct tp_bytes content)
{
    (void)context;
    (void)index;
    (void)content;
    return TP_OK;
}

static enum tp_rc read_some(struct tp_store *store)
{
    struct tp_buf value TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_store_record record;
    uint64_t slot = 0;

    TP_TRY(tp_store_record_get(store, "user", "1", &error, &record));
    TP_TRY(tp_store_value_get(store, "head", &error, &value));
    TP_TRY(tp_store_slot_next(store, &error, &slot));
    TP_TRY(tp_store_entry_each(store, 0, 10, true, &error, stop, NULL));
    return tp_store_check(store, &error);
}

/* What is there of a write_some: all or nothing. */
static bool is_written(struct tp_store *store)
{
    struct tp_store_record record;
    uint64_t end = 0;
    bool record_is_there = tp_store_record_get(store, "user", "1", NULL, &record) == TP_OK;

    MUST(tp_store_entry_end(store, &error, &end));
    cr_assert_eq(end == 1, record_is_there);
    return record_is_there;
}

/* The n-th failure of one run; whether the run came to its end without one. */
static bool write_fails_cleanly(unsigned long n)
{
    struct tp_store *store = store_make();
    enum tp_rc rc;
    bool reached;

    tp_error_clear(&error);
    left = n;
    rc = write_some(store);
    reached = left == 0;
    left = 0;
    cr_assert(rc == TP_OK || rc == TP_MEMORY, "%lu: %s: %s", n, tp_rc_name(rc), tp_error_words(&error));
    cr_assert(rc == TP_OK || error.rc == rc);
    tp_store_rollback(store);
    cr_assert_eq(is_written(store), rc == TP_OK, "allocation %lu", n);
    if (rc != TP_OK)
        MUST(write_some(store));
    MUST(read_some(store));
    tp_store_close(store);
    cr_assert_eq(unlink(place_path(STORE)), 0);
    return !reached;
}

FAULT_TEST(sqlite_fault, in_writing_undoes_the_transaction)
{
    unsigned long n = 1;

    while (!write_fails_cleanly(n))
        n++;
    cr_assert_gt(n, 20, "the faults were not injected");
}

FAULT_TEST(sqlite_fault, in_reading_is_out_of_memory_and_passes)
{
    struct tp_store *store = store_make();
    bool reached = true;

    MUST(write_some(store));
    tp_store_close(store);
    for (unsigned long n = 1; reached; n++) {
        enum tp_rc rc;

        store = store_reopen(TP_STORE_READ);
        left = n;
        rc = read_some(store);
        reached = left == 0;
        left = 0;
        cr_assert(rc == TP_OK || rc == TP_MEMORY, "%lu: %s: %s", n, tp_rc_name(rc), tp_error_words(&error));
        MUST(read_some(store));
        tp_store_close(store);
    }
}

FAULT_TEST(sqlite_fault, in_making_a_store_leaves_none)
{
    bool reached = true;

    for (unsigned long n = 1; reached; n++) {
        enum tp_rc rc;

        left = n;
        rc = store_try(TP_STORE_CREATE);
        reached = left == 0;
        left = 0;
        cr_assert(rc == TP_OK || rc == TP_MEMORY, "%lu: %s: %s", n, tp_rc_name(rc), tp_error_words(&error));
        cr_assert_eq(place_has(STORE), rc == TP_OK);
        if (rc != TP_OK)
            cr_assert_eq(store_try(TP_STORE_CREATE), TP_OK);
        cr_assert_eq(unlink(place_path(STORE)), 0);
    }
}
