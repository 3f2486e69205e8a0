/* SPDX-License-Identifier: Apache-2.0 */
#include "tsa/clock.h"

#include <criterion/criterion.h>
#include <string.h>

#define ACCURACY_US INT64_C(1000000)
#define SECOND_US   INT64_C(1000000)

/* The kernel of these tests. */
static int64_t utc_us, boot_us;
static struct tp_tsa_discipline discipline;
static unsigned looks;

void tp_tsa_kernel_clocks(int64_t *ret_utc_us, int64_t *ret_boot_us)
{
    *ret_utc_us = utc_us;
    *ret_boot_us = boot_us;
}

void tp_tsa_kernel_discipline(struct tp_tsa_discipline *ret_discipline)
{
    looks++;
    *ret_discipline = discipline;
}

static struct tp_tsa_clock *clock_begin(bool unwatched)
{
    struct tp_tsa_clock *clock = NULL;
    utc_us = INT64_C(1780000000) * SECOND_US;
    boot_us = 5000 * SECOND_US;
    looks = 0;
    discipline = (struct tp_tsa_discipline){.synchronised = true, .error_us = 1000};
    cr_assert_eq(tp_tsa_clock_new(ACCURACY_US, unwatched, &clock), TP_OK);
    return clock;
}

static void pass(int64_t us)
{
    utc_us += us;
    boot_us += us;
}

static int64_t told(struct tp_tsa_clock *clock)
{
    struct tp_error error = {0};
    int64_t time_us = 0;
    cr_assert_eq(tp_tsa_clock_now(clock, &error, &time_us), TP_OK, "%s", tp_error_words(&error));
    return time_us;
}

static void refused(struct tp_tsa_clock *clock, const char *word)
{
    struct tp_error error = {0};
    int64_t time_us = 42;
    cr_assert_eq(tp_tsa_clock_now(clock, &error, &time_us), TP_REFUSED);
    cr_expect_eq(time_us, 42);
    cr_expect(strstr(tp_error_words(&error), word) != NULL, "%s", tp_error_words(&error));
}

Test(clock, tells_the_kernels_time)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    cr_expect_eq(told(clock), utc_us);
    pass(7);
    cr_expect_eq(told(clock), utc_us);
    tp_tsa_clock_free(clock);
}

Test(clock, no_two_times_are_the_same)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    const int64_t first = told(clock);
    cr_expect_eq(told(clock), first + 1);
    cr_expect_eq(told(clock), first + 2);
    pass(SECOND_US);
    cr_expect_eq(told(clock), first + SECOND_US);
    tp_tsa_clock_free(clock);
}

Test(clock, discipline_is_demanded)
{
    static const struct {
        struct tp_tsa_discipline discipline;
        const char *word; /* NULL: it is good */
    } rows[] = {
        {{.synchronised = false, .error_us = 1}, "not synchronised"},
        {{.synchronised = true, .error_us = ACCURACY_US}, NULL},
        {{.synchronised = true, .error_us = ACCURACY_US + 1}, "may be wrong"},
        {{.synchronised = true, .leaping = true}, "leap second"},
    };
    struct tp_tsa_clock *clock = clock_begin(false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        discipline = rows[i].discipline;
        pass(SECOND_US);
        if (rows[i].word != NULL)
            refused(clock, rows[i].word);
        else
            (void)told(clock);
    }
    tp_tsa_clock_free(clock);
}

Test(clock, unwatched_believes_it)
{
    struct tp_tsa_clock *clock = clock_begin(true);
    discipline = (struct tp_tsa_discipline){.synchronised = false, .error_us = 1000 * SECOND_US};
    cr_expect_eq(told(clock), utc_us);
    utc_us += 3600 * SECOND_US;
    cr_expect_eq(told(clock), utc_us);
    tp_tsa_clock_free(clock);
}

Test(clock, the_kernel_is_not_asked_for_each_token)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    for (int i = 0; i < 1000; i++) {
        pass(10);
        (void)told(clock);
    }
    cr_expect_eq(looks, 1);
    pass(SECOND_US);
    (void)told(clock);
    cr_expect_eq(looks, 2);
    tp_tsa_clock_free(clock);
}

Test(clock, a_step_forward_is_noticed_and_waited_out)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    (void)told(clock);
    utc_us += 5 * SECOND_US;
    refused(clock, "was set by 5000000 us");
    pass(TP_TSA_CLOCK_REST_US - 1);
    refused(clock, "was set by");
    pass(1);
    cr_expect_eq(told(clock), utc_us);
    tp_tsa_clock_free(clock);
}

Test(clock, after_a_step_ntp_has_the_word)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    (void)told(clock);
    utc_us += 5 * SECOND_US;
    discipline.synchronised = false; /* as the kernel does when the clock is set */
    refused(clock, "not synchronised");
    pass(2 * TP_TSA_CLOCK_REST_US);
    refused(clock, "not synchronised");
    discipline.synchronised = true;
    pass(SECOND_US);
    (void)told(clock);
    tp_tsa_clock_free(clock);
}

Test(clock, a_step_back_never_repeats_a_time)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    const int64_t before = told(clock);
    utc_us -= 60 * SECOND_US;
    refused(clock, "was set by -60000000 us");
    pass(TP_TSA_CLOCK_REST_US);
    refused(clock, "behind a timestamp");
    pass(50 * SECOND_US);
    cr_expect_geq(told(clock), before + 1);
    tp_tsa_clock_free(clock);
}

/* Smaller than what is promised: allowed, as long as it is not backwards. */
Test(clock, a_small_step_is_within_the_promise)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    const int64_t before = told(clock);
    utc_us -= ACCURACY_US / 2;
    cr_expect_eq(told(clock), before + 1);
    utc_us += ACCURACY_US;
    cr_expect_eq(told(clock), utc_us);
    tp_tsa_clock_free(clock);
}

Test(clock, small_steps_add_up)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        struct tp_tsa_clock *clock = clock_begin(false);
        (void)told(clock);
        for (int i = 0; i < 9; i++) {
            pass(SECOND_US);
            utc_us += sign * ACCURACY_US / 9;
            (void)told(clock);
        }
        pass(30 * 86400 * SECOND_US); /* however far apart they are */
        utc_us += sign * ACCURACY_US / 9;
        refused(clock, sign > 0 ? "was set by 1111110 us" : "was set by -1111110 us");
        pass(TP_TSA_CLOCK_REST_US);
        (void)told(clock);
        utc_us += sign * ACCURACY_US / 2; /* counted anew */
        pass(SECOND_US);
        (void)told(clock);
        tp_tsa_clock_free(clock);
    }
}

Test(clock, steps_during_the_rest_prolong_it)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    (void)told(clock);
    for (int i = 0; i < 3; i++) {
        utc_us += 2 * ACCURACY_US;
        refused(clock, "was set by");
        pass(TP_TSA_CLOCK_REST_US - 1);
        refused(clock, "was set by");
    }
    pass(1);
    (void)told(clock);
    tp_tsa_clock_free(clock);
}

Test(clock, suspend_is_no_step_and_a_watched_step_is_old)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    (void)told(clock);
    pass(8 * 3600 * SECOND_US); /* both clocks go on while the machine sleeps */
    (void)told(clock);
    utc_us += 5 * SECOND_US;
    tp_tsa_clock_watch(clock);
    pass(TP_TSA_CLOCK_REST_US);
    (void)told(clock);
    tp_tsa_clock_free(clock);
}

Test(clock, begins_after_an_earlier_process)
{
    struct tp_tsa_clock *clock = clock_begin(false);
    tp_tsa_clock_begin_after(clock, utc_us + 100);
    cr_expect_eq(told(clock), utc_us + 101);
    tp_tsa_clock_begin_after(clock, utc_us - 5 * SECOND_US); /* which is no going back */
    cr_expect_eq(told(clock), utc_us + 102);
    tp_tsa_clock_begin_after(clock, utc_us + 2 * ACCURACY_US);
    refused(clock, "behind a timestamp");
    tp_tsa_clock_free(clock);
}

Test(clock, needs_an_accuracy)
{
    struct tp_tsa_clock *clock = NULL;
    cr_expect_eq(tp_tsa_clock_new(0, false, &clock), TP_BAD_ARGUMENT);
    cr_expect_null(clock);
}
