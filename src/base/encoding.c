/* SPDX-License-Identifier: Apache-2.0
 *
 * Hex, base64 (RFC 4648 §4) and base32 (§6). The decoders are strict: one text for each sequence of bytes, so that two
 * texts that differ never name the same thing.
 */
#include "base/bytes.h"

#include <string.h>

#define NO_DIGIT 0xFFu

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base32_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void tp_hex_encode(struct tp_bytes bytes, char *ret_text)
{
    for (size_t i = 0; i < bytes.len; i++) {
        ret_text[2 * i] = hex_digits[bytes.data[i] >> 4];
        ret_text[2 * i + 1] = hex_digits[bytes.data[i] & 0x0F];
    }
    ret_text[2 * bytes.len] = '\0';
}

static unsigned hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return (unsigned)(digit - 'a') + 10;
    if (digit >= 'A' && digit <= 'F')
        return (unsigned)(digit - 'A') + 10;
    return NO_DIGIT;
}

enum tp_rc tp_hex_decode(const char *text, size_t text_len, struct tp_buf *ret_bytes)
{
    if (text_len % 2 != 0)
        return TP_MALFORMED;
    TP_TRY(tp_buf_reserve(ret_bytes, text_len / 2));
    uint8_t *out = ret_bytes->data + ret_bytes->len; /* past the end until all of it is good */
    for (size_t i = 0; i < text_len / 2; i++) {
        unsigned high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        if (high == NO_DIGIT || low == NO_DIGIT) {
            ret_bytes->data[ret_bytes->len] = '\0';
            return TP_MALFORMED;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    out[text_len / 2] = '\0';
    ret_bytes->len += text_len / 2;
    return TP_OK;
}

enum tp_rc tp_base64_encode(struct tp_bytes bytes, struct tp_buf *ret_text)
{
    if (bytes.len > TP_BUF_MAX)
        return TP_TOO_LARGE;
    size_t text_len = (bytes.len + 2) / 3 * 4;
    TP_TRY(tp_buf_reserve(ret_text, text_len));
    uint8_t *out = ret_text->data + ret_text->len;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= have > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= have > 2 ? bytes.data[i + 2] : 0;
        for (size_t k = 0; k < 4; k++)
            *out++ = k <= have ? (uint8_t)base64_digits[group >> (18 - 6 * k) & 0x3F] : '=';
    }
    *out = '\0';
    ret_text->len += text_len;
    return TP_OK;
}

static unsigned base64_value(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return (unsigned)(digit - 'A');
    if (digit >= 'a' && digit <= 'z')
        return (unsigned)(digit - 'a') + 26;
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0') + 52;
    return digit == '+' ? 62 : digit == '/' ? 63 : NO_DIGIT;
}

/* Four characters, the last PADDING of which are '=', to 3 - PADDING bytes. The bits that fall away must be zero. */
static bool base64_group(const char *text, size_t padding, uint8_t *ret_bytes)
{
    uint32_t group = 0;
    for (size_t k = 0; k < 4; k++) {
        unsigned value = k < 4 - padding ? base64_value(text[k]) : 0;
        if (value == NO_DIGIT)
            return false;
        group = group << 6 | value;
    }
    if ((group & ((1u << 8 * padding) - 1)) != 0)
        return false;
    for (size_t k = 0; k < 3 - padding; k++)
        ret_bytes[k] = (uint8_t)(group >> (16 - 8 * k) & 0xFF);
    return true;
}

static size_t base64_padding(const char *text, size_t text_len)
{
    if (text_len == 0 || text[text_len - 1] != '=')
        return 0;
    return text[text_len - 2] == '=' ? 2 : 1;
}

enum tp_rc tp_base64_decode(const char *text, size_t text_len, struct tp_buf *ret_bytes)
{
    if (text_len % 4 != 0)
        return TP_MALFORMED;
    size_t padding = base64_padding(text, text_len);
    size_t bytes_len = text_len / 4 * 3 - padding;
    TP_TRY(tp_buf_reserve(ret_bytes, bytes_len));
    uint8_t *out = ret_bytes->data + ret_bytes->len; /* past the end until all of it is good */
    for (size_t i = 0; i < text_len; i += 4) {
        if (!base64_group(text + i, i + 4 == text_len ? padding : 0, out)) {
            ret_bytes->data[ret_bytes->len] = '\0';
            return TP_MALFORMED;
        }
        out += i + 4 == text_len ? 3 - padding : 3;
    }
    *out = '\0';
    ret_bytes->len += bytes_len;
    return TP_OK;
}

void tp_base32_encode(struct tp_bytes bytes, char *ret_text)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | bytes.data[i];
        for (have += 8; have >= 5; have -= 5)
            *ret_text++ = base32_digits[bits >> (have - 5) & 0x1F];
    }
    if (have > 0)
        *ret_text++ = base32_digits[bits << (5 - have) & 0x1F];
    *ret_text = '\0';
}
