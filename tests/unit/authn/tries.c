/* SPDX-License-Identifier: Apache-2.0 */
#include "authn/tries.h"

#include <criterion/criterion.h>

Test(authn_tries, the_last_try_locks_also_when_it_never_ends)
{
    struct tp_tries tries = {.used = 4};
    cr_expect_not(tp_tries_locked(&tries, 5));
    cr_expect_eq(tp_tries_reserve(&tries, 5), TP_OK);
    cr_expect(tp_tries_locked(&tries, 5));
    tp_tries_end(&tries, 5, TP_TRY_STALE);
    cr_expect_not(tp_tries_locked(&tries, 5), "given back");
    tries.locked = true;
    cr_expect(tp_tries_locked(&tries, 5), "an officer's");
}

Test(tries, count_before_anything_is_checked_and_lock_at_the_most)
{
    struct tp_tries tries = {0};
    for (uint32_t i = 1; i <= 5; i++) {
        cr_assert_eq(tp_tries_reserve(&tries, 5), TP_OK);
        cr_assert_eq(tries.used, i);
        tp_tries_end(&tries, 5, TP_TRY_WRONG);
        cr_assert_eq(tries.locked, i == 5);
        cr_assert_eq(tp_tries_left(&tries, 5), 5 - i);
    }
    cr_assert_eq(tp_tries_reserve(&tries, 5), TP_PIN_LOCKED);
    cr_assert_eq(tries.used, 5);
}

Test(tries, that_were_right_start_the_count_anew)
{
    struct tp_tries tries = {.used = 4};
    cr_assert_eq(tp_tries_reserve(&tries, 5), TP_OK);
    tp_tries_end(&tries, 5, TP_TRY_RIGHT);
    cr_assert_eq(tries.used, 0);
    cr_assert_not(tries.locked, "the fifth was right");
    cr_assert_eq(tp_tries_left(&tries, 5), 5);
}

Test(tries, that_are_stale_are_given_back_but_no_more_than_that)
{
    struct tp_tries tries = {.used = 2};
    cr_assert_eq(tp_tries_reserve(&tries, 5), TP_OK);
    tp_tries_end(&tries, 5, TP_TRY_STALE);
    cr_assert_eq(tries.used, 2);
    tries.used = 0;
    tp_tries_end(&tries, 5, TP_TRY_STALE);
    cr_assert_eq(tries.used, 0);
}

Test(tries, in_parallel_count_every_one)
{
    struct tp_tries tries = {0};
    unsigned allowed = 0;
    for (unsigned i = 0; i < 64; i++)
        allowed += tp_tries_reserve(&tries, 5) == TP_OK;
    cr_assert_eq(allowed, 5);
}

/* A crash between reserving and ending leaves `used` at the most, and `locked` false. */
Test(tries, that_never_ended_stay_counted)
{
    struct tp_tries tries = {.used = 5, .locked = false};
    cr_assert_eq(tp_tries_reserve(&tries, 5), TP_PIN_LOCKED);
    cr_assert_eq(tp_tries_left(&tries, 5), 0);
}

Test(tries, locked_stay_locked_after_a_right_one_until_unlocked)
{
    struct tp_tries tries = {.used = 1, .locked = true};
    tp_tries_end(&tries, 5, TP_TRY_RIGHT);
    cr_assert(tries.locked);
    cr_assert_eq(tp_tries_reserve(&tries, 5), TP_PIN_LOCKED);
    tp_tries_unlock(&tries);
    cr_assert_eq(tp_tries_reserve(&tries, 5), TP_OK);
    cr_assert_eq(tries.used, 1);
}

Test(tries, with_a_smaller_most_than_are_used_are_locked)
{
    struct tp_tries tries = {.used = 4};
    cr_assert_eq(tp_tries_reserve(&tries, 3), TP_PIN_LOCKED);
    cr_assert_eq(tp_tries_left(&tries, 3), 0);
    cr_assert_eq(tp_tries_reserve(&tries, 5), TP_OK);
}

/* ---- the bucket ---- */

Test(bucket, gives_the_burst_and_then_one_each_time)
{
    struct tp_bucket bucket = {0};
    const int64_t start_ms = 1000000;
    for (unsigned i = 0; i < 3; i++)
        cr_assert(tp_bucket_take(&bucket, 3, 1000, start_ms));
    cr_assert_not(tp_bucket_take(&bucket, 3, 1000, start_ms));
    cr_assert_not(tp_bucket_take(&bucket, 3, 1000, start_ms + 999));
    cr_assert(tp_bucket_take(&bucket, 3, 1000, start_ms + 1000));
    cr_assert_not(tp_bucket_take(&bucket, 3, 1000, start_ms + 1000));
}

Test(bucket, refused_takes_nothing)
{
    struct tp_bucket bucket = {0};
    cr_assert(tp_bucket_take(&bucket, 1, 1000, 5000));
    for (int64_t now_ms = 5001; now_ms < 6000; now_ms++)
        cr_assert_not(tp_bucket_take(&bucket, 1, 1000, now_ms));
    cr_assert(tp_bucket_take(&bucket, 1, 1000, 6000));
}

Test(bucket, is_full_again_after_a_pause_and_no_fuller)
{
    struct tp_bucket bucket = {0};
    unsigned taken = 0;
    for (unsigned i = 0; i < 10; i++)
        taken += tp_bucket_take(&bucket, 3, 1000, 1000);
    for (unsigned i = 0; i < 10; i++)
        taken += tp_bucket_take(&bucket, 3, 1000, 100000);
    cr_assert_eq(taken, 6);
}

Test(bucket, of_no_size_gives_nothing)
{
    struct tp_bucket bucket = {0};
    cr_assert_not(tp_bucket_take(&bucket, 0, 1000, 1000));
    cr_assert(tp_bucket_take(&bucket, 1, 1000, 1000));
}
