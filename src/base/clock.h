/* SPDX-License-Identifier: Apache-2.0
 *
 * Time. Wall clock in milliseconds since 1970-01-01T00:00:00Z (RS-13: UTC inside), monotonic time for deadlines.
 * The three tp_clock_* that read a clock are weak symbols: a test puts a fake behind one by defining it.
 */
#ifndef TP_BASE_CLOCK_H
#define TP_BASE_CLOCK_H

#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

int64_t tp_clock_utc_ms(void);
int64_t tp_clock_monotonic_ms(void);
int64_t tp_clock_monotonic_us(void);
/* Whether the kernel's clock is disciplined (adjtimex without STA_UNSYNC); RS-13. */
bool tp_clock_synchronised(void);

/* A deadline is a monotonic time in ms. What is left of it, 0 when it has passed, at most INT_MAX (for poll). */
int tp_deadline_left_ms(int64_t deadline_ms);
struct timespec tp_deadline_timespec(int64_t deadline_ms); /* for pthread_cond_timedwait on CLOCK_MONOTONIC */

/* gmtime_r and timegm without the lock that the C library has for time zones, in UTC as well: fork does not free it for
 * the child, which would wait for ever. Seconds since 1970, and the fields of struct tm from year to second. */
void tp_time_split(int64_t utc_s, struct tm *ret_tm);
int64_t tp_time_join(const struct tm *tm); /* a month from 0 to 11; the others may be out of their ranges */

#define TP_TIME_TEXT_LEN 32 /* with NUL: 2026-11-22T10:48:00.123Z or …+09:00 */
/* RFC 3339 with milliseconds; in UTC ('Z'), or in the local time zone of TZ with its offset. */
void tp_time_format(int64_t utc_ms, bool local, char ret_text[TP_TIME_TEXT_LEN]);
/* Accepts RFC 3339 (date alone, or with time and Z or offset; a date alone is midnight UTC). */
TP_MUST_USE enum tp_rc tp_time_parse(const char *text, int64_t *ret_utc_ms);
/* "90s", "15m", "8h", "30d"; a bare number is seconds. TP_MALFORMED otherwise, or past 10 years. */
TP_MUST_USE enum tp_rc tp_duration_parse(const char *text, int64_t *ret_ms);

#endif
