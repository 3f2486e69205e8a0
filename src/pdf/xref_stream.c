/* SPDX-License-Identifier: Apache-2.0 */
#include "pdf/numbering.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ENTRIES_MOST ((size_t)64 << 20) /* bytes */
#define CHUNK        ((size_t)64 << 10)
#define ROW_MOST     4096

enum { PNG_NONE, PNG_SUB, PNG_UP, PNG_AVERAGE, PNG_PAETH }; /* PNG (ISO/IEC 15948) §9 */

/* ---- FlateDecode ---- */

static enum tp_rc inflate_all(z_stream *stream, struct tp_buf *data)
{
    uint8_t chunk[CHUNK];
    for (int code = Z_OK; code != Z_STREAM_END;) {
        stream->next_out = chunk;
        stream->avail_out = sizeof(chunk);
        code = inflate(stream, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END)
            return TP_MALFORMED;
        if (data->len > ENTRIES_MOST)
            return TP_TOO_LARGE;
        TP_TRY(tp_buf_append(data, TP_BYTES(chunk, sizeof(chunk) - stream->avail_out)));
    }
    return TP_OK;
}

static enum tp_rc inflate_data(struct tp_bytes packed, struct tp_buf *data)
{
    z_stream stream = {.next_in = (uint8_t *)packed.data, .avail_in = (uInt)packed.len};
    if (packed.len > UINT32_MAX || inflateInit(&stream) != Z_OK)
        return TP_TOO_LARGE;
    const enum tp_rc rc = inflate_all(&stream, data);
    (void)inflateEnd(&stream);
    return rc;
}

/* ---- predictors (§7.4.4.4) ---- */

static uint8_t paeth(int left, int up, int corner)
{
    const int a = abs(up - corner), b = abs(left - corner), c = abs(left + up - 2 * corner);
    return (uint8_t)(a <= b && a <= c ? left : b <= c ? up : corner);
}

/* ROW is still as it was written, ABOVE is not any more. */
static bool undo_row(uint8_t *row, const uint8_t *above, size_t len, size_t pixel, uint8_t filter)
{
    for (size_t i = 0; i < len; i++) {
        const int left = i >= pixel ? row[i - pixel] : 0, corner = i >= pixel ? above[i - pixel] : 0;
        const uint8_t predicted[] = {[PNG_NONE] = 0,
                                     [PNG_SUB] = (uint8_t)left,
                                     [PNG_UP] = above[i],
                                     [PNG_AVERAGE] = (uint8_t)((left + above[i]) / 2),
                                     [PNG_PAETH] = paeth(left, above[i], corner)};
        if (filter > PNG_PAETH)
            return false;
        row[i] = (uint8_t)(row[i] + predicted[filter]);
    }
    return true;
}

static enum tp_rc undo_png(struct tp_bytes data, size_t row_len, size_t pixel, struct tp_buf *ret_entries)
{
    uint8_t row[ROW_MOST], above[ROW_MOST] = {0};
    for (size_t at = 0; at < data.len; at += row_len + 1) {
        const size_t left = data.len - at - 1, len = left < row_len ? left : row_len;
        memcpy(row, data.data + at + 1, len);
        if (!undo_row(row, above, len, pixel, data.data[at]))
            return TP_MALFORMED;
        TP_TRY(tp_buf_append(ret_entries, TP_BYTES(row, len)));
        memcpy(above, row, len);
    }
    return TP_OK;
}

static enum tp_rc undo_predictor(const struct tp_pdf_value *parameters, struct tp_bytes data, struct tp_buf *ret_entries)
{
    const int64_t predictor = tp_pdf_integer(tp_pdf_get(parameters, "Predictor"), 1);
    const int64_t colors = tp_pdf_integer(tp_pdf_get(parameters, "Colors"), 1);
    const int64_t bits = tp_pdf_integer(tp_pdf_get(parameters, "BitsPerComponent"), 8);
    const int64_t columns = tp_pdf_integer(tp_pdf_get(parameters, "Columns"), 1);
    if (predictor == 1)
        return tp_buf_append(ret_entries, data);
    if (predictor < 10 || colors < 1 || colors > 32 || bits < 1 || bits > 16 || columns < 1 || columns > ROW_MOST)
        return TP_UNSUPPORTED;
    const size_t row = (size_t)(colors * bits * columns + 7) / 8, pixel = (size_t)(colors * bits + 7) / 8;
    return row > ROW_MOST ? TP_UNSUPPORTED : undo_png(data, row, pixel, ret_entries);
}

/* ---- the stream ---- */

/* The value itself, or the only one of an array. */
static const struct tp_pdf_value *only(const struct tp_pdf_value *value)
{
    return tp_pdf_kind(value) == TP_PDF_ARRAY && tp_pdf_len(value) == 1 ? tp_pdf_at(value, 0) : value;
}

enum tp_rc tp_pdf_xref_stream_decode(const struct tp_pdf_value *dictionary, struct tp_bytes data, struct tp_buf *ret_entries)
{
    struct tp_buf plain TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pdf_value *filter = only(tp_pdf_get(dictionary, "Filter"));
    const struct tp_pdf_value *parameters = only(tp_pdf_get(dictionary, "DecodeParms"));
    const int64_t len = tp_pdf_integer(tp_pdf_get(dictionary, "Length"), -1);
    if (len < 0 || (uint64_t)len > data.len)
        return TP_MALFORMED;
    const struct tp_bytes raw = TP_BYTES(data.data, (size_t)len);
    if (tp_pdf_kind(filter) == TP_PDF_NULL)
        return raw.len > ENTRIES_MOST ? TP_TOO_LARGE : tp_buf_append(ret_entries, raw);
    if (!tp_pdf_is_name(filter, "FlateDecode"))
        return TP_UNSUPPORTED;
    TP_TRY(inflate_data(raw, &plain));
    return undo_predictor(parameters, tp_buf_bytes(&plain), ret_entries);
}
