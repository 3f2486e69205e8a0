/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader's side of PDFs without its process: whatever can be asked, each answer well-formed.
 */
#include "pdf/answer.h"
#include "pdf/internal.h"
#include "pdf/reader.h"

#include <stdlib.h>

#define OBJECTS_MOST 40
#define STREAM_MOST  ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A chain of filters makes gigabytes of nothing: in the real reader, memory's limit ends that. */
static bool is_tame(const struct tp_pdf_value *stream)
{
    return tp_pdf_kind(tp_pdf_get(stream, "Filter")) == TP_PDF_NAME;
}

static void ask_for_objects(struct tp_pdf_reader *reader, struct tp_pdf_arena *arena, struct tp_buf *answer)
{
    struct tp_error error = {0};
    for (uint32_t id = 0; id < OBJECTS_MOST; id++) {
        const struct tp_pdf_ref ref = {id, 0};
        const struct tp_pdf_value *value = NULL;
        tp_buf_reset(answer);
        if (tp_pdf_reader_object(reader, ref, &error, answer) != TP_OK)
            continue;
        require(tp_pdf_wire_decode(arena, tp_buf_bytes(answer), &value) == TP_OK);
        tp_buf_reset(answer);
        if (is_tame(value))
            (void)!tp_pdf_reader_stream(reader, ref, &error, answer);
    }
}

static void ask_for_facts(struct tp_pdf_reader *reader, struct tp_pdf_arena *arena, struct tp_buf *answer)
{
    struct tp_error error = {0};
    struct tp_pdf_facts facts;
    const struct tp_pdf_value *trailer = NULL, *catalog = NULL;
    tp_buf_reset(answer);
    if (tp_pdf_reader_facts(reader, &error, answer) == TP_OK)
        require(tp_pdf_answer_facts(arena, tp_buf_bytes(answer), &facts, &trailer, &catalog) == TP_OK);
}

static void ask_for_a_page(struct tp_pdf_reader *reader, struct tp_pdf_arena *arena, struct tp_buf *answer)
{
    struct tp_error error = {0};
    struct tp_pdf_ref ref;
    const struct tp_pdf_value *page = NULL, *inherited = NULL;
    tp_buf_reset(answer);
    if (tp_pdf_reader_page(reader, 1, &error, answer) == TP_OK)
        require(tp_pdf_answer_page(arena, tp_buf_bytes(answer), &ref, &page, &inherited) == TP_OK);
}

static void ask_for_digests(struct tp_pdf_reader *reader, struct tp_buf *answer)
{
    struct tp_error error = {0};
    struct tp_pdf_digests digests = {.len = 0};
    tp_buf_reset(answer);
    if (tp_pdf_reader_digests(reader, &error, answer) == TP_OK)
        require(tp_pdf_answer_digests(tp_buf_bytes(answer), &digests) == TP_OK);
    tp_pdf_digests_clear(&digests);
}

static void ask(struct tp_pdf_reader *reader, struct tp_pdf_arena *arena)
{
    struct tp_buf answer = TP_BUF_INIT;
    ask_for_facts(reader, arena, &answer);
    ask_for_objects(reader, arena, &answer);
    ask_for_a_page(reader, arena, &answer);
    ask_for_digests(reader, &answer);
    tp_buf_clear(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_error error = {0};
    struct tp_pdf_reader *reader = NULL;
    struct tp_pdf_arena *arena = NULL;
    require(tp_pdf_arena_new(&arena) == TP_OK);
    if (tp_pdf_reader_open(TP_BYTES(data, len), "user", STREAM_MOST, &error, &reader) == TP_OK)
        ask(reader, arena);
    else
        require(error.words[0] != '\0');
    tp_pdf_reader_free(reader);
    tp_pdf_arena_free(arena);
    return 0;
}
