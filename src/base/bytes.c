/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST ((size_t)64) /* bytes of the first allocation */

struct tp_bytes tp_bytes_of_string(const char *text)
{
    return text == NULL ? TP_BYTES_NONE : TP_BYTES(text, strlen(text));
}

bool tp_bytes_equal(struct tp_bytes a, struct tp_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool tp_bytes_equal_secret(struct tp_bytes a, struct tp_bytes b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

void tp_buf_clear(struct tp_buf *buf)
{
    free(buf->data);
    *buf = TP_BUF_INIT;
}

void tp_buf_reset(struct tp_buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

enum tp_rc tp_buf_reserve(struct tp_buf *buf, size_t more)
{
    if (more > TP_BUF_MAX - buf->len)
        return TP_TOO_LARGE;
    size_t need = buf->len + more + 1; /* the NUL */
    if (need <= buf->capacity)
        return TP_OK;
    size_t capacity = buf->capacity < BUF_FIRST ? BUF_FIRST : buf->capacity;
    while (capacity < need)
        capacity *= 2; /* cannot overflow: need is at most TP_BUF_MAX + 1 */
    uint8_t *data = realloc(buf->data, capacity);
    if (data == NULL)
        return TP_MEMORY;
    data[buf->len] = '\0';
    buf->data = data;
    buf->capacity = capacity;
    return TP_OK;
}

enum tp_rc tp_buf_append(struct tp_buf *buf, struct tp_bytes bytes)
{
    TP_TRY(tp_buf_reserve(buf, bytes.len));
    if (bytes.len > 0)
        memcpy(buf->data + buf->len, bytes.data, bytes.len);
    buf->len += bytes.len;
    buf->data[buf->len] = '\0';
    return TP_OK;
}

enum tp_rc tp_buf_append_u8(struct tp_buf *buf, uint8_t value)
{
    return tp_buf_append(buf, TP_BYTES(&value, 1));
}

enum tp_rc tp_buf_append_string(struct tp_buf *buf, const char *text)
{
    return tp_buf_append(buf, tp_bytes_of_string(text));
}

enum tp_rc tp_buf_printf(struct tp_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return TP_BAD_ARGUMENT;
    TP_TRY(tp_buf_reserve(buf, (size_t)len));
    va_start(args, format);
    (void)vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
    return TP_OK;
}

struct tp_bytes tp_buf_bytes(const struct tp_buf *buf)
{
    return TP_BYTES(buf->data, buf->len);
}

const char *tp_buf_string(const struct tp_buf *buf)
{
    return buf->data == NULL ? "" : (const char *)buf->data;
}

void tp_put_be32(uint8_t *at, uint32_t value)
{
    for (int i = 3; i >= 0; i--) {
        at[i] = (uint8_t)(value & 0xFF);
        value >>= 8;
    }
}

uint32_t tp_get_be32(const uint8_t *at)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | at[i];
    return value;
}

void tp_put_be64(uint8_t *at, uint64_t value)
{
    tp_put_be32(at, (uint32_t)(value >> 32));
    tp_put_be32(at + 4, (uint32_t)(value & UINT32_MAX));
}

uint64_t tp_get_be64(const uint8_t *at)
{
    return (uint64_t)tp_get_be32(at) << 32 | tp_get_be32(at + 4);
}
