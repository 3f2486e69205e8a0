/* SPDX-License-Identifier: Apache-2.0
 *
 * BER to DER, as far as CMS needs it (RFC 5652 §2 lets SignedData be BER): indefinite lengths and lengths that are
 * longer than need be become definite and short, OCTET STRINGs in pieces become whole. Values stay as they are, so that
 * what was DER (certificates, whose signatures are over their bytes) comes out unchanged.
 */
#include "base/der.h"
#include "pki/internal.h"

#define DEPTH_MOST        32
#define TAG_OCTETS_MOST   6
#define LENGTH_BYTES_MOST 4
#define CONSTRUCTED       0x20
#define PIECES            (TP_DER_OCTET_STRING | CONSTRUCTED)

struct head {
    size_t tag_len;
    size_t len; /* of the content, when it is definite */
    bool indefinite, constructed;
};

static bool tag_take(struct tp_bytes *at, struct head *head)
{
    size_t len = 1;
    if (at->len == 0)
        return false;
    if ((at->data[0] & 0x1f) == 0x1f) /* X.690 §8.1.2.4: more octets, the last one without its highest bit */
        do
            if (++len > TAG_OCTETS_MOST || len > at->len)
                return false;
        while ((at->data[len - 1] & 0x80) != 0);
    head->constructed = (at->data[0] & CONSTRUCTED) != 0;
    head->tag_len = len;
    *at = TP_BYTES(at->data + len, at->len - len);
    return true;
}

static bool length_take(struct tp_bytes *at, struct head *head)
{
    if (at->len == 0)
        return false;
    const uint8_t first = at->data[0];
    const size_t count = first < 0x80 ? 0 : first & 0x7f;
    head->indefinite = first == 0x80;
    head->len = first < 0x80 ? first : 0;
    if (count > LENGTH_BYTES_MOST || at->len < 1 + count || (head->indefinite && !head->constructed))
        return false;
    for (size_t i = 0; i < count; i++)
        head->len = head->len << 8 | at->data[1 + i];
    *at = TP_BYTES(at->data + 1 + count, at->len - 1 - count);
    return head->indefinite || head->len <= at->len;
}

static bool end_take(struct tp_bytes *at)
{
    if (at->len < 2 || at->data[0] != 0 || at->data[1] != 0)
        return false;
    *at = TP_BYTES(at->data + 2, at->len - 2);
    return true;
}

static enum tp_rc element(struct tp_bytes *at, unsigned depth, bool pieces, struct tp_buf *ret_der);

/* The elements of a constructed one. PIECES: they are parts of one OCTET STRING. */
static enum tp_rc elements(struct tp_bytes *at, const struct head *head, unsigned depth, bool pieces,
                           struct tp_buf *ret_der)
{
    struct tp_bytes inside = head->indefinite ? *at : TP_BYTES(at->data, head->len);
    while (head->indefinite ? !end_take(&inside) : inside.len > 0)
        TP_TRY(element(&inside, depth + 1, pieces, ret_der));
    *at = head->indefinite ? inside : TP_BYTES(at->data + head->len, at->len - head->len);
    return TP_OK;
}

static enum tp_rc content(struct tp_bytes *at, const struct head *head, unsigned depth, bool pieces,
                          struct tp_buf *ret_der)
{
    if (head->constructed)
        return elements(at, head, depth, pieces, ret_der);
    const struct tp_bytes value = TP_BYTES(at->data, head->len);
    *at = TP_BYTES(at->data + head->len, at->len - head->len);
    return value.len == 0 ? TP_OK : tp_buf_append(ret_der, value);
}

/* What is before the last octet of a tag, when there is more than one. */
static enum tp_rc tag_put(struct tp_bytes tag, bool in_pieces, struct tp_buf *ret_der, size_t *ret_mark)
{
    if (tag.len > 1)
        TP_TRY(tp_buf_append(ret_der, TP_BYTES(tag.data, tag.len - 1)));
    return tp_der_open(ret_der, in_pieces ? TP_DER_OCTET_STRING : tag.data[tag.len - 1], ret_mark);
}

static enum tp_rc element(struct tp_bytes *at, unsigned depth, bool pieces, struct tp_buf *ret_der)
{
    const uint8_t *begin = at->data;
    struct head head;
    if (depth > DEPTH_MOST || !tag_take(at, &head) || !length_take(at, &head))
        return TP_MALFORMED;
    const bool is_octets = (begin[0] & ~CONSTRUCTED) == TP_DER_OCTET_STRING, in_pieces = begin[0] == PIECES;
    if (pieces)
        return is_octets ? content(at, &head, depth, true, ret_der) : TP_MALFORMED;
    size_t mark;
    TP_TRY(tag_put(TP_BYTES(begin, head.tag_len), in_pieces, ret_der, &mark));
    TP_TRY(content(at, &head, depth, in_pieces, ret_der));
    return tp_der_close(ret_der, mark);
}

enum tp_rc tp_pki_ber_to_der(struct tp_bytes ber, struct tp_buf *ret_der, size_t *ret_len)
{
    struct tp_bytes at = ber;
    TP_TRY(element(&at, 0, false, ret_der));
    *ret_len = ber.len - at.len;
    return TP_OK;
}
