/* SPDX-License-Identifier: Apache-2.0
 *
 * PDF syntax read without QPDF: whatever is accepted can be written, and is the same when it is read again.
 */
#include "pdf/internal.h"
#include "pdf/syntax.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_pdf_arena *arena = NULL;
    const struct tp_pdf_value *value = NULL, *again = NULL;
    struct tp_buf text = TP_BUF_INIT;
    struct tp_pdf_syntax syntax = {.text = TP_BYTES(data, len)};
    require(tp_pdf_arena_new(&arena) == TP_OK);
    if (tp_pdf_syntax_value(&syntax, arena, &value) == TP_OK) {
        require(syntax.at <= len && tp_pdf_write(value, NULL, &text) == TP_OK);
        syntax = (struct tp_pdf_syntax){.text = tp_buf_bytes(&text)};
        require(tp_pdf_syntax_value(&syntax, arena, &again) == TP_OK && tp_pdf_equal(value, again));
    }
    tp_buf_clear(&text);
    tp_pdf_arena_free(arena);
    return 0;
}
