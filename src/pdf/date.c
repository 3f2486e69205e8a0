/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates (ISO 32000-2 §7.9.4): D:YYYYMMDDHHmmSSOHH'mm, all behind the year optional; a time without a zone is taken as UTC.
 */
#include "base/clock.h"
#include "pdf/internal.h"

#include <stdio.h>
#include <time.h>

#define YEAR_LEAST 1000

struct reading {
    struct tp_bytes left;
};

/* A number of COUNT digits; FALLBACK when nothing is left or a zone begins. */
static enum tp_rc take_number(struct reading *reading, size_t count, int fallback, int least, int most, int *ret_number)
{
    const uint8_t *at = reading->left.data;
    int number = 0;
    if (reading->left.len == 0 || *at == 'Z' || *at == '+' || *at == '-') {
        *ret_number = fallback;
        return fallback < 0 ? TP_MALFORMED : TP_OK;
    }
    if (reading->left.len < count)
        return TP_MALFORMED;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return TP_MALFORMED;
        number = number * 10 + (at[i] - '0');
    }
    reading->left = TP_BYTES(at + count, reading->left.len - count);
    *ret_number = number;
    return number < least || number > most ? TP_MALFORMED : TP_OK;
}

static void skip(struct reading *reading, uint8_t c)
{
    if (reading->left.len > 0 && reading->left.data[0] == c)
        reading->left = TP_BYTES(reading->left.data + 1, reading->left.len - 1);
}

/* Minutes east of Greenwich. The apostrophe behind the minutes was in PDF 1.x. */
static enum tp_rc take_zone(struct reading *reading, int *ret_minutes)
{
    int hours = 0, minutes = 0;
    if (reading->left.len == 0) {
        *ret_minutes = 0;
        return TP_OK;
    }
    const uint8_t sign = reading->left.data[0];
    reading->left = TP_BYTES(reading->left.data + 1, reading->left.len - 1);
    TP_TRY(take_number(reading, 2, 0, 0, 23, &hours));
    skip(reading, '\'');
    TP_TRY(take_number(reading, 2, 0, 0, 59, &minutes));
    skip(reading, '\'');
    *ret_minutes = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
    if ((sign != '+' && sign != '-' && sign != 'Z') || (sign == 'Z' && *ret_minutes != 0))
        return TP_MALFORMED;
    return reading->left.len > 0 ? TP_MALFORMED : TP_OK;
}

enum tp_rc tp_pdf_date(struct tp_bytes string, int64_t *ret_utc_ms)
{
    struct reading reading = {string};
    struct tm tm = {0};
    int zone = 0;
    if (string.len >= 2 && string.data[0] == 'D' && string.data[1] == ':')
        reading.left = TP_BYTES(string.data + 2, string.len - 2);
    TP_TRY(take_number(&reading, 4, -1, YEAR_LEAST, 9999, &tm.tm_year));
    TP_TRY(take_number(&reading, 2, 1, 1, 12, &tm.tm_mon));
    TP_TRY(take_number(&reading, 2, 1, 1, 31, &tm.tm_mday));
    TP_TRY(take_number(&reading, 2, 0, 0, 23, &tm.tm_hour));
    TP_TRY(take_number(&reading, 2, 0, 0, 59, &tm.tm_min));
    TP_TRY(take_number(&reading, 2, 0, 0, 59, &tm.tm_sec));
    TP_TRY(take_zone(&reading, &zone));
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    const int day = tm.tm_mday;
    const int64_t seconds = tp_time_join(&tm);
    tp_time_split(seconds, &tm);
    if (tm.tm_mday != day) /* 31 February */
        return TP_MALFORMED;
    *ret_utc_ms = (seconds - (int64_t)zone * 60) * 1000;
    return TP_OK;
}

const struct tp_pdf_value *tp_pdf_new_date(struct tp_pdf_arena *arena, int64_t utc_ms)
{
    char text[64];
    struct tm tm = {0};
    tp_time_split(utc_ms / 1000, &tm);
    const size_t len = strftime(text, sizeof(text), "D:%Y%m%d%H%M%SZ", &tm);
    return tp_pdf_new_bytes(arena, TP_PDF_STRING, TP_BYTES(text, len));
}
