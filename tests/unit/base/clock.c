/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int64_t parsed(const char *text)
{
    int64_t ms = 0;
    cr_assert_eq(tp_time_parse(text, &ms), TP_OK, "%s", text);
    return ms;
}

static const char *formatted(int64_t ms, bool local)
{
    static char text[TP_TIME_TEXT_LEN];
    tp_time_format(ms, local, text);
    return text;
}

Test(clock, wall_clock_agrees_with_the_c_library)
{
    int64_t before = (int64_t)time(NULL) - 1, now_ms = tp_clock_utc_ms();
    cr_assert_geq(now_ms, before * 1000);
    cr_assert_lt(now_ms, ((int64_t)time(NULL) + 2) * 1000);
}

Test(clock, monotonic_time_never_goes_back)
{
    int64_t us = tp_clock_monotonic_us(), ms = tp_clock_monotonic_ms();
    cr_assert_geq(ms, us / 1000);
    cr_assert_geq(tp_clock_monotonic_us(), us);
}

Test(clock, what_is_left_of_a_deadline_is_bounded)
{
    cr_assert_eq(tp_deadline_left_ms(0), 0);
    cr_assert_eq(tp_deadline_left_ms(INT64_MIN), 0);
    cr_assert_eq(tp_deadline_left_ms(INT64_MAX), INT_MAX);
    int left_ms = tp_deadline_left_ms(tp_clock_monotonic_ms() + 3600000);
    cr_assert(left_ms > 0 && left_ms <= 3600000);
}

Test(clock, deadline_becomes_a_timespec)
{
    struct timespec ts = tp_deadline_timespec(12345);
    cr_assert_eq(ts.tv_sec, 12);
    cr_assert_eq(ts.tv_nsec, 345000000);
    cr_assert_eq(tp_deadline_timespec(-1).tv_sec, 0);
}

static void compare_with_c_library(int64_t seconds)
{
    struct tm ours, theirs;
    time_t at = (time_t)seconds;
    tp_time_split(seconds, &ours);
    cr_assert_neq(gmtime_r(&at, &theirs), NULL);
    cr_assert(ours.tm_year == theirs.tm_year && ours.tm_mon == theirs.tm_mon && ours.tm_mday == theirs.tm_mday &&
                  ours.tm_hour == theirs.tm_hour && ours.tm_min == theirs.tm_min && ours.tm_sec == theirs.tm_sec,
              "%lld", (long long)seconds);
    cr_assert_eq(tp_time_join(&ours), seconds);
}

Test(clock, the_calendar_is_the_c_librarys)
{
    for (int64_t day = -719162; day <= 2932896; day++) /* years 1 to 9999, every one */
        compare_with_c_library(day * 86400 + (day & 1 ? 0 : 86399));
}

Test(clock, what_is_beyond_its_range_is_carried)
{
    struct tm february = {.tm_year = 126, .tm_mon = 1, .tm_mday = 30, .tm_hour = 24}, carried;
    tp_time_split(tp_time_join(&february), &carried);
    cr_assert(carried.tm_mon == 2 && carried.tm_mday == 3 && carried.tm_hour == 0);
}

Test(clock, times_are_written_in_utc)
{
    cr_assert_str_eq(formatted(0, false), "1970-01-01T00:00:00.000Z");
    cr_assert_str_eq(formatted(INT64_C(1795344480123), false), "2026-11-22T10:48:00.123Z");
    cr_assert_str_eq(formatted(-1, false), "1969-12-31T23:59:59.999Z");
    cr_assert_str_eq(formatted(INT64_MAX, false), "9999-12-31T23:59:59.999Z");
    cr_assert_str_eq(formatted(INT64_MIN, false), "0001-01-01T00:00:00.000Z");
}

Test(clock, local_times_carry_their_offset)
{
    setenv("TZ", "JST-9", 1);
    tzset();
    cr_assert_str_eq(formatted(INT64_C(1795344480123), true), "2026-11-22T19:48:00.123+09:00");
    setenv("TZ", "NST3:30", 1);
    tzset();
    cr_assert_str_eq(formatted(INT64_C(1795344480123), true), "2026-11-22T07:18:00.123-03:30");
    cr_assert_eq(parsed("2026-11-22T07:18:00.123-03:30"), INT64_C(1795344480123));
}

Test(clock, rfc_3339_times_are_read)
{
    cr_assert_eq(parsed("1970-01-01T00:00:00Z"), 0);
    cr_assert_eq(parsed("1969-12-31T23:59:59.999Z"), -1);
    cr_assert_eq(parsed("2026-11-22"), INT64_C(1795305600000));
    cr_assert_eq(parsed("2026-11-22T10:48:00.123Z"), INT64_C(1795344480123));
    cr_assert_eq(parsed("2026-11-22t19:48:00.123999+09:00"), INT64_C(1795344480123));
    cr_assert_eq(parsed("2026-11-22 10:48:00.1z"), INT64_C(1795344480100));
    cr_assert_eq(parsed("2024-02-29"), INT64_C(1709164800000));
    cr_assert_eq(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
    cr_assert_eq(parsed("2017-01-01T08:59:60+09:00"), parsed("2017-01-01T00:00:00Z"));
}

Test(clock, what_is_written_is_read_back)
{
    static const int64_t times[] = {0, -62135596800000, 253402300799999, 1709164800001, -1};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        cr_assert_eq(parsed(formatted(times[i], false)), times[i]);
}

Test(clock, other_times_are_refused)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11",
        "2026-1-2",
        "2026-13-01",
        "2026-00-01",
        "2026-11-00",
        "2026-11-31",
        "2025-02-29",
        "1900-02-29",
        "0000-01-01",
        "2026-11-22T",
        "2026-11-22Z",
        " 2026-11-22",
        "2026-11-22 ",
        "2026-11-22T10:48",
        "+026-11-22",
        "-001-11-22",
        "2026-11-22T10:48:00",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:48:60Z",
        "2026-11-22T10:48:61Z",
        "2026-11-22T10:48:00.Z",
        "2026-11-22T10:48:00,1Z",
        "2026-11-22T10:48:00Zx",
        "2026-11-22T10:48:00+0900",
        "2026-11-22T10:48:00+24:00",
        "2026-11-22T10:48:00+09:60",
        "12026-11-22",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t ms = 42;
        cr_assert_eq(tp_time_parse(bad[i], &ms), TP_MALFORMED, "%s", bad[i]);
        cr_assert_eq(ms, 42);
    }
}

Test(clock, durations_are_read)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0", 0},         {"90", 90000},       {"90s", 90000},          {"15m", 900000},
                {"8h", 28800000}, {"30d", 2592000000}, {"3653d", 315619200000}, {"007s", 7000}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t ms = 0;
        cr_assert_eq(tp_duration_parse(good[i].text, &ms), TP_OK, "%s", good[i].text);
        cr_assert_eq(ms, good[i].ms, "%s", good[i].text);
    }
}

Test(clock, other_durations_are_refused)
{
    static const char *const bad[] = {"",
                                      "s",
                                      "-1s",
                                      "+1s",
                                      "1 s",
                                      " 1s",
                                      "1s ",
                                      "1x",
                                      "1S",
                                      "1ms",
                                      "1h30m",
                                      "1.5h",
                                      "3654d",
                                      "87673h",
                                      "315619201",
                                      "99999999999999999999d",
                                      "9223372036854775808"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t ms = 42;
        cr_assert_eq(tp_duration_parse(bad[i], &ms), TP_MALFORMED, "%s", bad[i]);
        cr_assert_eq(ms, 42);
    }
}
