/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

#define MS_PER_SECOND   1000
#define SECONDS_PER_DAY 86400
#define EARLIEST_MS     INT64_C(-62135596800000) /* 0001-01-01T00:00:00.000Z: RFC 3339 has four digits for the year */
#define LATEST_MS       INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define DURATION_MAX_S  (INT64_C(3653) * SECONDS_PER_DAY) /* ten years, leap days included */

static int64_t now_us(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now); /* fails only for a clock that Linux does not have */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Weak, so that a test that defines its own gets a fake clock in everything it links. */
__attribute__((weak)) int64_t tp_clock_utc_ms(void)
{
    return now_us(CLOCK_REALTIME) / 1000;
}

__attribute__((weak)) int64_t tp_clock_monotonic_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

__attribute__((weak)) int64_t tp_clock_monotonic_ms(void)
{
    return tp_clock_monotonic_us() / 1000;
}

bool tp_clock_synchronised(void)
{
    struct timex state = {.modes = 0};
    int kernel_state = adjtimex(&state);
    return kernel_state >= 0 && kernel_state != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

int tp_deadline_left_ms(int64_t deadline_ms)
{
    int64_t now_ms = tp_clock_monotonic_ms();
    if (deadline_ms <= now_ms)
        return 0;
    return deadline_ms - now_ms > INT_MAX ? INT_MAX : (int)(deadline_ms - now_ms);
}

struct timespec tp_deadline_timespec(int64_t deadline_ms)
{
    int64_t ms = deadline_ms < 0 ? 0 : deadline_ms;
    return (struct timespec){.tv_sec = (time_t)(ms / MS_PER_SECOND), .tv_nsec = (long)(ms % MS_PER_SECOND) * 1000000};
}

/* ---- the calendar: years of 365 days from March to February, four hundred of them at a time ---- */

#define DAYS_PER_ERA  146097 /* 400 years */
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */

static int64_t floor_div(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

void tp_time_split(int64_t utc_s, struct tm *ret_tm)
{
    int64_t days = floor_div(utc_s, SECONDS_PER_DAY), rest = utc_s - days * SECONDS_PER_DAY;
    int64_t era = floor_div(days + DAYS_TO_EPOCH, DAYS_PER_ERA);
    int64_t day = days + DAYS_TO_EPOCH - era * DAYS_PER_ERA; /* of the era */
    int64_t year = (day - day / 1460 + day / 36524 - day / (DAYS_PER_ERA - 1)) / 365;
    day -= 365 * year + year / 4 - year / 100; /* now of the year */
    int64_t month = (5 * day + 2) / 153;       /* from March: 31 30 31 30 31 days, again and again */
    *ret_tm = (struct tm){
        .tm_year = (int)(era * 400 + year + (month >= 10) - 1900),
        .tm_mon = (int)(month < 10 ? month + 2 : month - 10),
        .tm_mday = (int)(day - (153 * month + 2) / 5 + 1),
        .tm_hour = (int)(rest / 3600),
        .tm_min = (int)(rest / 60 % 60),
        .tm_sec = (int)(rest % 60),
    };
}

int64_t tp_time_join(const struct tm *tm)
{
    int64_t month = tm->tm_mon < 2 ? tm->tm_mon + 10 : tm->tm_mon - 2;
    int64_t year = (int64_t)tm->tm_year + 1900 - (tm->tm_mon < 2), era = floor_div(year, 400);
    year -= era * 400;
    int64_t days = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5 + tm->tm_mday - 1;
    days += era * DAYS_PER_ERA - DAYS_TO_EPOCH;
    return ((days * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec;
}

/* ---- text ---- */

static void format_zone(const struct tm *tm, bool local, char *ret_text, size_t ret_text_len)
{
    if (!local) {
        (void)snprintf(ret_text, ret_text_len, "Z");
        return;
    }
    long minutes = tm->tm_gmtoff / 60;
    unsigned distance = (unsigned)(minutes < 0 ? -minutes : minutes);
    (void)snprintf(ret_text, ret_text_len, "%c%02u:%02u", minutes < 0 ? '-' : '+', distance / 60 % 100, distance % 60);
}

void tp_time_format(int64_t utc_ms, bool local, char ret_text[TP_TIME_TEXT_LEN])
{
    int64_t ms = utc_ms < EARLIEST_MS ? EARLIEST_MS : utc_ms > LATEST_MS ? LATEST_MS : utc_ms;
    int64_t rest_ms = ms % MS_PER_SECOND;
    if (rest_ms < 0)
        rest_ms += MS_PER_SECOND;
    time_t seconds = (time_t)((ms - rest_ms) / MS_PER_SECOND);
    struct tm tm = {0};
    if (!local || localtime_r(&seconds, &tm) == NULL)
        tp_time_split(seconds, &tm);
    char zone[8];
    format_zone(&tm, local, zone, sizeof(zone));
    (void)snprintf(ret_text, TP_TIME_TEXT_LEN, "%04u-%02u-%02uT%02u:%02u:%02u.%03u%s",
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
                   (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100,
                   (unsigned)rest_ms % MS_PER_SECOND, zone);
}

/* WIDTH digits at *TEXT, a number from MIN to MAX; *TEXT then stands behind them. */
static bool take_number(const char **text, int width, int min, int max, int *ret_number)
{
    int number = 0;
    for (int i = 0; i < width; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        number = number * 10 + (**text - '0');
    }
    *ret_number = number;
    return number >= min && number <= max;
}

static bool take_char(const char **text, const char *any_of)
{
    if (**text == '\0' || strchr(any_of, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

static bool take_date(const char **text, struct tm *tm)
{
    int year = 0, month = 0;
    if (!take_number(text, 4, 1, 9999, &year) || !take_char(text, "-") || !take_number(text, 2, 1, 12, &month) ||
        !take_char(text, "-") || !take_number(text, 2, 1, 31, &tm->tm_mday))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    struct tm normal;
    tp_time_split(tp_time_join(tm), &normal); /* makes the 30th of February the 1st or 2nd of March */
    return normal.tm_mday == tm->tm_mday;
}

/* ".123": any number of digits; what is finer than a millisecond is dropped. */
static bool take_fraction(const char **text, int *ret_ms)
{
    if (!take_char(text, "."))
        return true;
    int ms = 0, weight = 100;
    const char *first = *text;
    for (; **text >= '0' && **text <= '9'; (*text)++, weight /= 10)
        ms += (**text - '0') * weight;
    *ret_ms = ms;
    return *text != first;
}

static bool take_zone(const char **text, int *ret_offset_s)
{
    if (take_char(text, "Zz"))
        return true;
    int sign = **text == '-' ? -1 : 1, hours = 0, minutes = 0;
    if (!take_char(text, "+-") || !take_number(text, 2, 0, 23, &hours) || !take_char(text, ":") ||
        !take_number(text, 2, 0, 59, &minutes))
        return false;
    *ret_offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool take_time(const char **text, struct tm *tm, int *ret_ms, int *ret_offset_s)
{
    return take_char(text, "Tt ") && take_number(text, 2, 0, 23, &tm->tm_hour) && take_char(text, ":") &&
           take_number(text, 2, 0, 59, &tm->tm_min) && take_char(text, ":") &&
           take_number(text, 2, 0, 60, &tm->tm_sec) && take_fraction(text, ret_ms) && take_zone(text, ret_offset_s);
}

enum tp_rc tp_time_parse(const char *text, int64_t *ret_utc_ms)
{
    struct tm tm = {0};
    int ms = 0, offset_s = 0;
    if (!take_date(&text, &tm) || (*text != '\0' && !take_time(&text, &tm, &ms, &offset_s)) || *text != '\0')
        return TP_MALFORMED;
    bool leap = tm.tm_sec == 60;
    int64_t seconds = tp_time_join(&tm) - offset_s;
    if (leap && seconds % SECONDS_PER_DAY != 0) /* RFC 3339 §5.7: a leap second is the last one of a UTC day */
        return TP_MALFORMED;
    *ret_utc_ms = seconds * MS_PER_SECOND + ms;
    return TP_OK;
}

static bool unit_seconds(char unit, int64_t *ret_seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', SECONDS_PER_DAY}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].unit == unit) {
            *ret_seconds = units[i].seconds;
            return true;
        }
    }
    return false;
}

enum tp_rc tp_duration_parse(const char *text, int64_t *ret_ms)
{
    int64_t number = 0, unit_s = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
        if (number > DURATION_MAX_S)
            return TP_MALFORMED;
    }
    if (at == text || !unit_seconds(*at, &unit_s) || (*at != '\0' && at[1] != '\0') || number > DURATION_MAX_S / unit_s)
        return TP_MALFORMED;
    *ret_ms = number * unit_s * MS_PER_SECOND;
    return TP_OK;
}
