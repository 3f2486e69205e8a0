/* SPDX-License-Identifier: Apache-2.0
 *
 * TSTInfo (RFC 3161 §2.4.2): what a token says.
 */
#include "base/clock.h"
#include "pki/internal.h"
#include "pki/timestamp_parts.h"

#include <stdio.h>
#include <string.h>

#define MICROS_PER_SECOND INT64_C(1000000)
#define LATEST_US         (INT64_C(253402300800) * MICROS_PER_SECOND) /* 10000-01-01: GeneralizedTime has four digits */
#define ACCURACY_MOST_S   (INT64_C(366) * 86400)
#define FRACTION_DIGITS   6
#define TIME_LEN          14 /* YYYYMMDDhhmmss */

/* ---- genTime ---- */

/* "…at most as many digits as needed": no trailing zeros, and no point without digits. */
static enum tp_rc time_put(struct tp_buf *buf, int64_t time_us)
{
    char text[48];
    struct tm tm;
    if (time_us < 0 || time_us >= LATEST_US)
        return TP_BAD_ARGUMENT;
    tp_time_split(time_us / MICROS_PER_SECOND, &tm);
    int len = snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02d.%06d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                       tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(time_us % MICROS_PER_SECOND));
    while (text[len - 1] == '0' && len > TIME_LEN + 1)
        len--;
    len -= text[len - 1] == '.' ? 1 : 0;
    text[len++] = 'Z';
    return tp_der_put(buf, TP_DER_GENERALIZED_TIME, TP_BYTES(text, (size_t)len));
}

static bool digits_read(const uint8_t *at, size_t count, int least, int most, int *ret_number)
{
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        number = number * 10 + (at[i] - '0');
    }
    *ret_number = number;
    return number >= least && number <= most;
}

/* Digits beyond microseconds are cut off. Trailing zeros are against the rule, and some TSAs send them. */
static bool fraction_read(struct tp_bytes text, int *ret_micros)
{
    int micros = 0;
    if (text.len < 2 || text.data[0] != '.')
        return false;
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        micros = i <= FRACTION_DIGITS ? micros * 10 + (text.data[i] - '0') : micros;
    }
    for (size_t i = text.len; i <= FRACTION_DIGITS; i++)
        micros *= 10;
    *ret_micros = micros;
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 1 && leap ? 29 : days[month];
}

static enum tp_rc time_take(struct tp_bytes *at, int64_t *ret_time_us)
{
    struct tp_bytes text;
    struct tm tm = {0};
    int year, month, micros = 0;
    if (!tp_der_take(at, TP_DER_GENERALIZED_TIME, NULL, &text) || text.len <= TIME_LEN ||
        text.data[text.len - 1] != 'Z')
        return TP_MALFORMED;
    const struct tp_bytes fraction = TP_BYTES(text.data + TIME_LEN, text.len - TIME_LEN - 1);
    if (!digits_read(text.data, 4, 1970, 9999, &year) || !digits_read(text.data + 4, 2, 1, 12, &month) ||
        !digits_read(text.data + 6, 2, 1, days_in(year, month - 1), &tm.tm_mday) ||
        !digits_read(text.data + 8, 2, 0, 23, &tm.tm_hour) || !digits_read(text.data + 10, 2, 0, 59, &tm.tm_min) ||
        !digits_read(text.data + 12, 2, 0, 60, &tm.tm_sec) || /* 60: a leap second */
        (fraction.len > 0 && !fraction_read(fraction, &micros)))
        return TP_MALFORMED;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    *ret_time_us = tp_time_join(&tm) * MICROS_PER_SECOND + micros;
    return TP_OK;
}

/* ---- accuracy ---- */

static enum tp_rc accuracy_put(struct tp_buf *buf, int64_t accuracy_us)
{
    size_t mark;
    const struct {
        uint8_t tag;
        int64_t value;
    } parts[] = {{TP_DER_INTEGER, accuracy_us / MICROS_PER_SECOND},
                 {TP_DER_CONTEXT + 0, accuracy_us / 1000 % 1000},
                 {TP_DER_CONTEXT + 1, accuracy_us % 1000}};
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mark));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const size_t at = buf->len;
        if (parts[i].value == 0 && !(i == 0 && accuracy_us == 0))
            continue;
        TP_TRY(tp_der_put_number(buf, (uint64_t)parts[i].value));
        buf->data[at] = parts[i].tag; /* IMPLICIT */
    }
    return tp_der_close(buf, mark);
}

static bool number_take(struct tp_bytes *at, uint8_t tag, int64_t least, int64_t most, int64_t *ret_number)
{
    struct tp_bytes content;
    *ret_number = 0;
    if (!tp_der_take(at, tag, NULL, &content))
        return true;
    if (content.len == 0 || content.len > 5 || (content.data[0] & 0x80) != 0)
        return false;
    for (size_t i = 0; i < content.len; i++)
        *ret_number = *ret_number << 8 | content.data[i];
    return *ret_number >= least && *ret_number <= most;
}

/* millis and micros are INTEGER (1..999), and a zero is sent by some. */
static enum tp_rc accuracy_take(struct tp_bytes *at, int64_t *ret_accuracy_us)
{
    struct tp_bytes inside;
    int64_t seconds, millis, micros;
    *ret_accuracy_us = -1;
    if (!tp_der_take(at, TP_DER_SEQUENCE, NULL, &inside))
        return TP_OK;
    if (!number_take(&inside, TP_DER_INTEGER, 0, ACCURACY_MOST_S, &seconds) ||
        !number_take(&inside, TP_DER_CONTEXT + 0, 0, 999, &millis) ||
        !number_take(&inside, TP_DER_CONTEXT + 1, 0, 999, &micros) || inside.len != 0)
        return TP_MALFORMED;
    *ret_accuracy_us = seconds * MICROS_PER_SECOND + millis * 1000 + micros;
    return TP_OK;
}

/* ---- the whole ---- */

enum tp_rc tp_pki_timestamp_info_write(const struct tp_pki_timestamp_info *info, struct tp_buf *ret_der)
{
    size_t mark;
    if (info->serial_len > TP_PKI_TIMESTAMP_SERIAL_MAX || info->nonce_len > TP_PKI_NONCE_MAX ||
        info->imprint_len > sizeof info->imprint)
        return TP_TOO_LARGE;
    TP_TRY(tp_der_open(ret_der, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_der_put_number(ret_der, 1));
    TP_TRY(tp_der_put_oid(ret_der, info->policy));
    TP_TRY(tp_pki_imprint_put(ret_der, info->hash, info->imprint_bare, TP_BYTES(info->imprint, info->imprint_len)));
    TP_TRY(tp_der_put_unsigned(ret_der, TP_BYTES(info->serial, info->serial_len)));
    TP_TRY(time_put(ret_der, info->time_us));
    if (info->accuracy_us >= 0)
        TP_TRY(accuracy_put(ret_der, info->accuracy_us));
    if (info->ordering)
        TP_TRY(tp_buf_append(ret_der, TP_BYTES(tp_pki_der_true, sizeof tp_pki_der_true)));
    if (info->nonce_len > 0)
        TP_TRY(tp_der_put(ret_der, TP_DER_INTEGER, TP_BYTES(info->nonce, info->nonce_len)));
    return tp_der_close(ret_der, mark);
}

static enum tp_rc serial_take(struct tp_bytes *at, struct tp_pki_timestamp_info *info)
{
    struct tp_bytes serial;
    if (!tp_der_take(at, TP_DER_INTEGER, NULL, &serial) || serial.len == 0 || (serial.data[0] & 0x80) != 0)
        return TP_MALFORMED;
    serial = tp_der_without_zeros(serial);
    if (serial.len > TP_PKI_TIMESTAMP_SERIAL_MAX)
        return TP_MALFORMED;
    if (serial.len > 0)
        memcpy(info->serial, serial.data, serial.len);
    info->serial_len = serial.len;
    return TP_OK;
}

/* Extensions that are critical say something about the time that we do not understand (RFC 5280 §4.2). */
static bool extensions_are_known(struct tp_bytes extensions)
{
    struct tp_bytes extension;
    bool critical = false;
    while (extensions.len > 0)
        if (!tp_der_take(&extensions, TP_DER_SEQUENCE, NULL, &extension) ||
            !tp_der_take(&extension, TP_DER_OID, NULL, NULL) || tp_pki_flag_take(&extension, &critical) != TP_OK ||
            critical)
            return false;
    return true;
}

static enum tp_rc rest_take(struct tp_bytes *at, struct tp_pki_timestamp_info *info)
{
    struct tp_bytes extensions = TP_BYTES_NONE;
    TP_TRY(accuracy_take(at, &info->accuracy_us));
    TP_TRY(tp_pki_flag_take(at, &info->ordering));
    const enum tp_rc rc = tp_pki_nonce_take(at, info->nonce, &info->nonce_len);
    if (rc != TP_NOT_FOUND)
        TP_TRY(rc);
    (void)!tp_der_take(at, TP_DER_CONSTRUCTED + 0, NULL, NULL); /* tsa: a hint; the certificate says who it was */
    (void)!tp_der_take(at, TP_DER_CONSTRUCTED + 1, NULL, &extensions);
    return at->len == 0 && extensions_are_known(extensions) ? TP_OK : TP_MALFORMED;
}

enum tp_rc tp_pki_timestamp_info_read(struct tp_bytes der, struct tp_error *error,
                                      struct tp_pki_timestamp_info *ret_info)
{
    struct tp_pki_timestamp_info info = {0};
    struct tp_pki_imprint imprint = {.bytes = info.imprint, .len = &info.imprint_len};
    struct tp_bytes at, version;
    if (!tp_der_take(&der, TP_DER_SEQUENCE, NULL, &at) || der.len != 0 ||
        !tp_der_take(&at, TP_DER_INTEGER, NULL, &version) || version.len != 1 || version.data[0] != 1)
        return tp_error_set(error, TP_MALFORMED, "the timestamp says nothing in the form of RFC 3161 (TSTInfo)");
    if (tp_pki_policy_take(&at, info.policy) != TP_OK)
        return tp_error_set(error, TP_MALFORMED, "the timestamp names no policy");
    if (tp_pki_imprint_take(&at, &imprint) != TP_OK)
        return tp_error_set(error, TP_MALFORMED, "the timestamp's imprint is malformed");
    info.hash = imprint.hash;
    info.imprint_bare = imprint.bare;
    if (serial_take(&at, &info) != TP_OK || time_take(&at, &info.time_us) != TP_OK)
        return tp_error_set(error, TP_MALFORMED, "the timestamp's serial number or time is not as RFC 3161 says");
    if (rest_take(&at, &info) != TP_OK)
        return tp_error_set(error, TP_MALFORMED,
                            "the timestamp's accuracy, nonce or extensions are malformed or not known");
    *ret_info = info;
    return TP_OK;
}
