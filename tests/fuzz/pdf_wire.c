/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of PDFs answer with: whatever is accepted is the only encoding of its value, and can be written.
 */
#include "pdf/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_value(struct tp_pdf_arena *arena, const struct tp_pdf_value *value, struct tp_bytes wire)
{
    struct tp_buf again = TP_BUF_INIT, text = TP_BUF_INIT;
    const struct tp_pdf_value *other = NULL;
    require(tp_pdf_wire_encode(value, &again) == TP_OK);
    require(tp_bytes_equal(tp_buf_bytes(&again), wire));
    require(tp_pdf_wire_decode(arena, tp_buf_bytes(&again), &other) == TP_OK && tp_pdf_equal(value, other));
    require(tp_pdf_write(value, NULL, &text) == TP_OK);
    tp_buf_clear(&again);
    tp_buf_clear(&text);
}

static void read_text(struct tp_bytes bytes)
{
    struct tp_buf text = TP_BUF_INIT;
    int64_t utc_ms = 0;
    require(tp_pdf_text(bytes, &text) == TP_OK);
    (void)!tp_pdf_date(bytes, &utc_ms);
    tp_buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_pdf_arena *arena = NULL;
    const struct tp_pdf_value *value = NULL;
    require(tp_pdf_arena_new(&arena) == TP_OK);
    if (tp_pdf_wire_decode(arena, TP_BYTES(data, len), &value) == TP_OK)
        check_value(arena, value, TP_BYTES(data, len));
    read_text(TP_BYTES(data, len));
    tp_pdf_arena_free(arena);
    return 0;
}
