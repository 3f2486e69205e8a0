/* SPDX-License-Identifier: Apache-2.0
 *
 * As much of the Compact Font Format (Adobe Technical Note 5176) as says by which numbers a PDF names the glyphs of a font: a font
 * with CIDs has its own (its charset), another is counted (ISO 32000-2 §9.7.4.2).
 */
#include "pades/visible/look.h"

struct reader {
    struct tp_bytes cff;
    size_t at;
    bool failed;
};

static uint32_t number(struct reader *reader, size_t len)
{
    uint32_t value = 0;
    if (len > 4 || reader->at > reader->cff.len || reader->cff.len - reader->at < len) {
        reader->failed = true;
        return 0;
    }
    for (size_t i = 0; i < len; i++)
        value = value << 8 | reader->cff.data[reader->at++];
    return value;
}

/* Steps over an INDEX (§5); RET_FIRST: where its first object lies. */
static void index_skip(struct reader *reader, size_t *ret_first, size_t *ret_first_end)
{
    uint32_t count = number(reader, 2), size = count == 0 ? 0 : number(reader, 1), first = 1, last = 1, second = 1;
    if (count == 0 || size < 1 || size > 4) {
        reader->failed = reader->failed || count != 0;
        *ret_first = *ret_first_end = reader->at;
        return;
    }
    for (uint32_t i = 0; i <= count && !reader->failed; i++) {
        last = number(reader, size);
        first = i == 0 ? last : first;
        second = i == 1 ? last : second;
    }
    size_t base = reader->at - 1; /* offsets count from the byte before */
    *ret_first = base + first;
    *ret_first_end = base + second;
    reader->at = base + last;
    reader->failed = reader->failed || first < 1 || second < first || last < second || reader->at > reader->cff.len;
}

/* One operand of a DICT (§4, table 3); reals are stepped over. */
static int64_t operand(struct reader *reader, uint32_t b0)
{
    if (b0 >= 32 && b0 <= 246)
        return (int64_t)b0 - 139;
    if (b0 >= 247 && b0 <= 250)
        return ((int64_t)b0 - 247) * 256 + number(reader, 1) + 108;
    if (b0 >= 251 && b0 <= 254)
        return -((int64_t)b0 - 251) * 256 - (int64_t)number(reader, 1) - 108;
    if (b0 == 28)
        return (int16_t)number(reader, 2);
    if (b0 == 29)
        return (int32_t)number(reader, 4);
    uint32_t nibbles = 0;
    while (b0 == 30 && !reader->failed && (nibbles & 0xF) != 0xF && nibbles >> 4 != 0xF)
        nibbles = number(reader, 1);
    reader->failed = reader->failed || b0 != 30;
    return 0;
}

/* The Top DICT between the reader and END (§9): 15 is the charset's offset, 12 30 makes a font one with CIDs. */
static void top_dict(struct reader *reader, size_t end, int64_t *ret_charset, bool *ret_keyed)
{
    int64_t last = 0;
    while (reader->at < end && !reader->failed) {
        uint32_t b0 = number(reader, 1);
        if (b0 > 21) {
            last = operand(reader, b0);
            continue;
        }
        if (b0 == 15)
            *ret_charset = last;
        if (b0 == 12 && number(reader, 1) == 30)
            *ret_keyed = true;
    }
}

/* Glyph 0 is CID 0 and not listed (§13). */
static void charset(struct reader *reader, uint32_t *ret_cids, size_t len)
{
    uint32_t format = number(reader, 1);
    reader->failed = reader->failed || format > 2;
    if (len > 0)
        ret_cids[0] = 0;
    for (size_t glyph = 1; glyph < len && !reader->failed;) {
        uint32_t cid = number(reader, 2), more = format == 0 ? 0 : number(reader, format);
        for (uint32_t i = 0; i <= more && glyph < len; i++)
            ret_cids[glyph++] = cid + i;
    }
}

enum tp_rc tp_pades_cff_cids(struct tp_bytes cff, bool *ret_keyed, uint32_t *ret_cids, size_t len)
{
    struct reader reader = {.cff = cff};
    size_t first, end;
    int64_t at = 0;
    bool keyed = false;
    (void)number(&reader, 2);
    reader.at = number(&reader, 1); /* hdrSize */
    index_skip(&reader, &first, &end);
    index_skip(&reader, &first, &end);
    reader.at = first;
    top_dict(&reader, end, &at, &keyed);
    for (size_t i = 0; i < len; i++)
        ret_cids[i] = (uint32_t)i;
    if (keyed && at > 2) { /* 0 to 2 are charsets that everybody knows, of fonts without CIDs */
        reader.at = (size_t)at;
        charset(&reader, ret_cids, len);
    }
    if (reader.failed)
        return TP_MALFORMED;
    *ret_keyed = keyed;
    return TP_OK;
}
