/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader's side of PDFs without its process: whatever can be asked, each answer well-formed.
 */
#include "pdf/internal.h"
#include "pdf/reader.h"

#include <stdlib.h>
#include <string.h>

#define OBJECTS_MOST 40
#define FACTS_LEN    24 /* before the trailer */
#define REF_LEN      6
#define DIGESTS_HEAD 33
#define DIGEST_REST 41
#define STREAM_MOST  ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* The answer's value, from SKIP on; emptied. */
static const struct tp_pdf_value *take(struct tp_pdf_arena *arena, struct tp_buf *answer, size_t skip)
{
    const struct tp_pdf_value *value = NULL;
    require(answer->len >= skip);
    require(tp_pdf_wire_decode(arena, TP_BYTES(answer->data + skip, answer->len - skip), &value) == TP_OK);
    tp_buf_reset(answer);
    return value;
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
        tp_buf_reset(answer);
        if (tp_pdf_reader_object(reader, ref, &error, answer) != TP_OK)
            continue;
        if (is_tame(take(arena, answer, 0)))
            (void)!tp_pdf_reader_stream(reader, ref, &error, answer);
    }
    tp_buf_reset(answer);
}

static void ask(struct tp_pdf_reader *reader, struct tp_pdf_arena *arena)
{
    struct tp_error error = {0};
    struct tp_buf answer = TP_BUF_INIT;
    if (tp_pdf_reader_facts(reader, &error, &answer) == TP_OK)
        (void)take(arena, &answer, FACTS_LEN);
    ask_for_objects(reader, arena, &answer);
    if (tp_pdf_reader_page(reader, 1, &error, &answer) == TP_OK)
        require(tp_pdf_is_dictionary(take(arena, &answer, REF_LEN)));
    tp_buf_reset(&answer);
    if (tp_pdf_reader_digests(reader, &error, &answer) == TP_OK)
        require(answer.len >= DIGESTS_HEAD && (answer.len - DIGESTS_HEAD) % (REF_LEN + DIGEST_REST) == 0);
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
