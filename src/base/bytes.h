/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes: a view (struct tp_bytes, borrowed, never freed), a growable buffer (struct tp_buf, owned), hex/base64/base32,
 * and comparison in constant time. Nothing secret goes into a tp_buf: secrets live in tp_secret (secret.h).
 */
#ifndef TP_BASE_BYTES_H
#define TP_BASE_BYTES_H

#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tp_bytes {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
};

#define TP_BYTES(pointer, length) ((struct tp_bytes){.data = (const uint8_t *)(pointer), .len = (length)})
#define TP_BYTES_NONE ((struct tp_bytes){.data = NULL, .len = 0})

struct tp_bytes tp_bytes_of_string(const char *text); /* without the NUL; NULL gives none */
bool tp_bytes_equal(struct tp_bytes a, struct tp_bytes b);
/* In a time that depends on the lengths only. */
bool tp_bytes_equal_secret(struct tp_bytes a, struct tp_bytes b);

struct tp_buf {
    uint8_t *data;
    size_t len;
    size_t capacity;
};

#define TP_BUF_INIT ((struct tp_buf){0})
#define TP_BUF_MAX ((size_t)64 << 20) /* a buffer never grows past this: TP_TOO_LARGE */

void tp_buf_clear(struct tp_buf *buf); /* frees; the struct may be used again */
void tp_buf_reset(struct tp_buf *buf); /* length 0, memory kept */
TP_MUST_USE enum tp_rc tp_buf_reserve(struct tp_buf *buf, size_t more);
/* BYTES must not lie in BUF, whose memory may move. */
TP_MUST_USE enum tp_rc tp_buf_append(struct tp_buf *buf, struct tp_bytes bytes);
TP_MUST_USE enum tp_rc tp_buf_append_u8(struct tp_buf *buf, uint8_t value);
TP_MUST_USE enum tp_rc tp_buf_append_string(struct tp_buf *buf, const char *text);
TP_MUST_USE enum tp_rc tp_buf_printf(struct tp_buf *buf, const char *format, ...) TP_PRINTF(2, 3);
struct tp_bytes tp_buf_bytes(const struct tp_buf *buf);
/* A NUL is kept after the last byte, so data is a C string when the content is text; "" when empty. */
const char *tp_buf_string(const struct tp_buf *buf);

/* Lower-case hex. ret_text holds 2*len+1 characters. */
void tp_hex_encode(struct tp_bytes bytes, char *ret_text);
TP_MUST_USE enum tp_rc tp_hex_decode(const char *text, size_t text_len, struct tp_buf *ret_bytes); /* appends */
/* RFC 4648 §4, with padding, one line. */
TP_MUST_USE enum tp_rc tp_base64_encode(struct tp_bytes bytes, struct tp_buf *ret_text); /* appends */
TP_MUST_USE enum tp_rc tp_base64_decode(const char *text, size_t text_len, struct tp_buf *ret_bytes); /* strict; appends */
/* RFC 4648 §6 without padding, upper case (the form of otpauth URIs). ret_text holds (len*8+4)/5+1 characters. */
void tp_base32_encode(struct tp_bytes bytes, char *ret_text);

/* Big-endian integers in a buffer that the caller has checked for room. */
void tp_put_be64(uint8_t *at, uint64_t value);
uint64_t tp_get_be64(const uint8_t *at);
void tp_put_be32(uint8_t *at, uint32_t value);
uint32_t tp_get_be32(const uint8_t *at);

#endif
