/* SPDX-License-Identifier: Apache-2.0 */
#include "base/der.h"

#include <string.h>

#define LENGTH_BYTES_MOST 4
#define LONG_FORM         0x80
#define ARC_BYTES_MOST    10 /* of 64 bits, seven at a time */

/* ---- reading ---- */

static bool read_length(struct tp_bytes der, size_t *ret_head_len, size_t *ret_len)
{
    const size_t count = der.len < 2 || der.data[1] < LONG_FORM ? 0 : der.data[1] & 0x7f;
    if (der.len < 2 || count > LENGTH_BYTES_MOST || (der.data[1] >= LONG_FORM && count == 0) || der.len < 2 + count)
        return false;
    size_t len = count == 0 ? der.data[1] : 0;
    for (size_t i = 0; i < count; i++)
        len = len << 8 | der.data[2 + i];
    *ret_head_len = 2 + count;
    *ret_len = len;
    return len <= der.len - *ret_head_len;
}

bool tp_der_take(struct tp_bytes *at, uint8_t tag, struct tp_bytes *ret_whole, struct tp_bytes *ret_content)
{
    size_t head_len, len;
    if (at->len == 0 || (tag != TP_DER_ANY && at->data[0] != tag) || (at->data[0] & 0x1f) == 0x1f ||
        !read_length(*at, &head_len, &len))
        return false;
    if (ret_whole != NULL)
        *ret_whole = TP_BYTES(at->data, head_len + len);
    if (ret_content != NULL)
        *ret_content = TP_BYTES(at->data + head_len, len);
    *at = TP_BYTES(at->data + head_len + len, at->len - head_len - len);
    return true;
}

struct tp_bytes tp_der_without_zeros(struct tp_bytes number)
{
    while (number.len > 0 && number.data[0] == 0)
        number = TP_BYTES(number.data + 1, number.len - 1);
    return number;
}

/* ---- writing ---- */

/* The length octets of X.690 §10.1. */
static size_t length_write(size_t len, uint8_t ret_octets[1 + LENGTH_BYTES_MOST])
{
    size_t count = 0;
    while (len >= LONG_FORM && count < LENGTH_BYTES_MOST && len >> (8 * count) != 0)
        count++;
    ret_octets[0] = (uint8_t)(count == 0 ? len : LONG_FORM | count);
    for (size_t i = 0; i < count; i++)
        ret_octets[1 + i] = (uint8_t)(len >> (8 * (count - 1 - i)));
    return 1 + count;
}

enum tp_rc tp_der_put(struct tp_buf *buf, uint8_t tag, struct tp_bytes content)
{
    uint8_t octets[1 + LENGTH_BYTES_MOST];
    const size_t octets_len = length_write(content.len, octets);
    TP_TRY(tp_buf_append_u8(buf, tag));
    TP_TRY(tp_buf_append(buf, TP_BYTES(octets, octets_len)));
    return content.len == 0 ? TP_OK : tp_buf_append(buf, content);
}

enum tp_rc tp_der_open(struct tp_buf *buf, uint8_t tag, size_t *ret_mark)
{
    TP_TRY(tp_buf_append(buf, TP_BYTES(((const uint8_t[]){tag, 0}), 2)));
    *ret_mark = buf->len;
    return TP_OK;
}

/* One octet for the length is there already; the content makes room for more. */
enum tp_rc tp_der_close(struct tp_buf *buf, size_t mark)
{
    uint8_t octets[1 + LENGTH_BYTES_MOST];
    const size_t len = buf->len - mark, octets_len = length_write(len, octets);
    if (octets_len > 1) {
        TP_TRY(tp_buf_append(buf, TP_BYTES(octets, octets_len - 1)));
        memmove(buf->data + mark + octets_len - 1, buf->data + mark, len);
    }
    memcpy(buf->data + mark - 1, octets, octets_len);
    return TP_OK;
}

enum tp_rc tp_der_put_unsigned(struct tp_buf *buf, struct tp_bytes big_endian)
{
    size_t mark;
    const struct tp_bytes number = tp_der_without_zeros(big_endian);
    TP_TRY(tp_der_open(buf, TP_DER_INTEGER, &mark));
    if (number.len == 0 || (number.data[0] & 0x80) != 0)
        TP_TRY(tp_buf_append_u8(buf, 0));
    if (number.len > 0)
        TP_TRY(tp_buf_append(buf, number));
    return tp_der_close(buf, mark);
}

enum tp_rc tp_der_put_number(struct tp_buf *buf, uint64_t number)
{
    uint8_t octets[8];
    tp_put_be64(octets, number);
    return tp_der_put_unsigned(buf, TP_BYTES(octets, sizeof octets));
}

/* The number at *TEXT, which is moved behind it. */
static bool arc_read(const char **text, uint64_t *ret_arc)
{
    uint64_t arc = 0;
    const char *at = *text;
    if (*at < '0' || *at > '9' || (at[0] == '0' && at[1] >= '0' && at[1] <= '9'))
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (arc > (UINT64_MAX - 9) / 10)
            return false;
        arc = arc * 10 + (uint64_t)(*at - '0');
    }
    *text = at;
    *ret_arc = arc;
    return true;
}

static enum tp_rc arc_put(struct tp_buf *buf, uint64_t arc)
{
    uint8_t octets[ARC_BYTES_MOST];
    size_t at = sizeof octets;
    do {
        at--;
        octets[at] = (uint8_t)((arc & 0x7f) | (at + 1 < sizeof octets ? 0x80 : 0));
        arc >>= 7;
    } while (arc != 0);
    return tp_buf_append(buf, TP_BYTES(octets + at, sizeof octets - at));
}

enum tp_rc tp_der_put_oid(struct tp_buf *buf, const char *dotted)
{
    uint64_t first, arc;
    size_t mark;
    /* X.690 §8.19.4: the first two make one number */
    if (!arc_read(&dotted, &first) || first > 2 || *dotted++ != '.' || !arc_read(&dotted, &arc) ||
        (first < 2 && arc > 39) || arc > UINT64_MAX - 80)
        return TP_BAD_ARGUMENT;
    TP_TRY(tp_der_open(buf, TP_DER_OID, &mark));
    TP_TRY(arc_put(buf, first * 40 + arc));
    while (*dotted == '.') {
        dotted++;
        if (!arc_read(&dotted, &arc))
            return TP_BAD_ARGUMENT;
        TP_TRY(arc_put(buf, arc));
    }
    return *dotted == '\0' ? tp_der_close(buf, mark) : TP_BAD_ARGUMENT;
}

/* "…the shorter components being padded at their trailing end with 0-octets": no DER element is another's beginning, so
 * that the padding decides nothing. */
int tp_der_compare(struct tp_bytes a, struct tp_bytes b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int difference = len == 0 ? 0 : memcmp(a.data, b.data, len);
    return difference != 0 ? difference : (a.len > b.len) - (a.len < b.len);
}
