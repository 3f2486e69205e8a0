/* SPDX-License-Identifier: Apache-2.0 */
#include "tsa/internal.h"

#include <criterion/criterion.h>

Test(rest, doubles_up_to_ten_minutes_and_ends_with_a_success)
{
    struct tp_tsa_rest rest = {0};
    int64_t now = 1000000, expected = 1000;
    cr_expect_eq(tp_tsa_rest_left_ms(&rest, now), 0);
    for (int i = 0; i < 40; i++) {
        tp_tsa_rest_failed(&rest, 0, 0, now);
        cr_assert_eq(tp_tsa_rest_left_ms(&rest, now), expected, "%d", i);
        cr_assert_eq(tp_tsa_rest_left_ms(&rest, now + expected - 1), 1);
        now += expected;
        cr_assert_eq(tp_tsa_rest_left_ms(&rest, now), 0);
        expected = 2 * expected > 600000 ? 600000 : 2 * expected;
    }
    tp_tsa_rest_succeeded(&rest);
    tp_tsa_rest_failed(&rest, 0, 0, now);
    cr_expect_eq(tp_tsa_rest_left_ms(&rest, now), 1000);
}

Test(rest, a_status_of_400_rests_as_everything_does)
{
    struct tp_tsa_rest rest = {0};
    tp_tsa_rest_failed(&rest, 400, 0, 5);
    cr_expect_eq(tp_tsa_rest_left_ms(&rest, 5), 1000);
}

Test(rest, heeds_retry_after_and_429)
{
    struct tp_tsa_rest silent = {0}, told = {0}, briefly = {0};
    tp_tsa_rest_failed(&silent, 429, 0, 5);
    cr_expect_eq(tp_tsa_rest_left_ms(&silent, 5), 60000);
    tp_tsa_rest_failed(&told, 503, 3600000, 5);
    cr_expect_eq(tp_tsa_rest_left_ms(&told, 5), 3600000, "longer than the ten minutes of our own");
    tp_tsa_rest_failed(&briefly, 429, 10, 5);
    cr_expect_eq(tp_tsa_rest_left_ms(&briefly, 5), 1000, "never shorter than our own");
}

Test(rest, failures_at_the_same_time_are_one)
{
    struct tp_tsa_rest rest = {0};
    for (int i = 0; i < 4; i++)
        tp_tsa_rest_failed(&rest, 0, 0, 5);
    cr_expect_eq(tp_tsa_rest_left_ms(&rest, 5), 1000);
    tp_tsa_rest_failed(&rest, 429, 30000, 5);
    cr_expect_eq(tp_tsa_rest_left_ms(&rest, 5), 30000, "but what one of them was told counts");
}
