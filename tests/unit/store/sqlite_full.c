/* SPDX-License-Identifier: Apache-2.0
 *
 * No room: the transaction is lost as a whole, says so until it is ended, and the store lives on.
 */
#include "place.h"

#include <signal.h>
#include <sys/resource.h>

static uint8_t block[65536];

/* Appends until something else than TP_OK is answered. */
static enum tp_rc append_until_refused(struct tp_store *store, uint64_t *index)
{
    enum tp_rc rc = TP_OK;

    for (int i = 0; i < 1000 && rc == TP_OK; i++) {
        rc = tp_store_entry_append(store, *index, TP_BYTES(block, sizeof block), &error);
        if (rc == TP_OK)
            ++*index;
    }
    return rc;
}

static void commit_small(struct tp_store *store, uint64_t index)
{
    MUST(tp_store_begin(store, &error));
    MUST(tp_store_entry_append(store, index, TP_BYTES("small", 5), &error));
    MUST(tp_store_commit(store, &error));
}

static uint64_t end_of(struct tp_store *store)
{
    uint64_t end = 99;

    MUST(tp_store_entry_end(store, &error, &end));
    return end;
}

static void limit_pages(struct tp_store *store, int most)
{
    char sql[64];

    (void)snprintf(sql, sizeof sql, "PRAGMA max_page_count = %d", most);
    cr_assert_eq(sqlite3_exec(store_db(store), sql, NULL, NULL, NULL), SQLITE_OK);
}

PLACED_TEST(sqlite_full, database_loses_the_transaction_and_nothing_else)
{
    struct tp_store *store = store_make();
    uint64_t index = 1;

    commit_small(store, 0);
    limit_pages(store, 100);
    MUST(tp_store_begin(store, &error));
    cr_assert_eq(append_until_refused(store, &index), TP_STORE_FULL);
    cr_assert_not_null(strstr(tp_error_words(&error), STORE));
    cr_assert_gt(index, 1);
    REFUSED(TP_STORE_FULL, "lost", tp_store_entry_append(store, index, TP_BYTES("x", 1), &error));
    REFUSED(TP_STORE_FULL, "lost", tp_store_value_put(store, "head", TP_BYTES("x", 1), &error));
    REFUSED(TP_STORE_FULL, "lost", tp_store_commit(store, &error));
    cr_assert_eq(end_of(store), 1);
    commit_small(store, 1);
    MUST(tp_store_check(store, &error));
    tp_store_close(store);
}

PLACED_TEST(sqlite_full, savepoint_does_not_bring_a_lost_transaction_back)
{
    struct tp_store *store = store_make();
    uint64_t index = 1;

    limit_pages(store, 100);
    MUST(tp_store_begin(store, &error));
    MUST(tp_store_entry_append(store, 0, TP_BYTES("first member", 12), &error));
    MUST(tp_store_savepoint(store, &error));
    cr_assert_eq(append_until_refused(store, &index), TP_STORE_FULL);
    tp_store_savepoint_rollback(store);
    REFUSED(TP_STORE_FULL, "lost", tp_store_entry_append(store, 1, TP_BYTES("x", 1), &error));
    tp_store_rollback(store);
    cr_assert_eq(end_of(store), 0);
    commit_small(store, 0);
    tp_store_close(store);
}

/* A file-size limit stands for a disk: write(2) fails where SQLite cannot foresee it, here while the log is written at
 * commit. The signal is what the services ignore as well. */
PLACED_TEST(sqlite_full, disk_is_noticed_at_commit_and_room_makes_it_work_again)
{
    struct tp_store *store = store_make();
    struct rlimit before, tight = {.rlim_cur = 256 * 1024};
    uint64_t index = 1;

    commit_small(store, 0);
    cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight.rlim_max = before.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
    MUST(tp_store_begin(store, &error));
    for (; index < 11; index++)
        MUST(tp_store_entry_append(store, index, TP_BYTES(block, sizeof block), &error));
    REFUSED(TP_STORE_FULL, "disk is full", tp_store_commit(store, &error));
    cr_assert_eq(end_of(store), 1);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    commit_small(store, 1);
    MUST(tp_store_check(store, &error));
    tp_store_close(store);
    cr_assert_eq(store_try(TP_STORE_WRITE), TP_OK);
}

PLACED_TEST(sqlite_full, disk_leaves_no_half_made_store)
{
    struct rlimit before, tight = {.rlim_cur = 4096};

    cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight.rlim_max = before.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
    REFUSED(TP_STORE_FULL, STORE, store_try(TP_STORE_CREATE));
    cr_assert_not(place_has(STORE));
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    cr_assert_eq(store_try(TP_STORE_CREATE), TP_OK);
}
