/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash of every object that can be reached from the trailer. Hashed is the encoding of wire.c, which is one for each value;
 * of a stream its raw data behind it. What a reference leads to is a matter of that object's own hash.
 */
#include "base/crypto.h"
#include "pdf/internal.h"
#include "pdf/reader.h"

#include <stdlib.h>
#include <string.h>

struct reaching {
    struct tp_pdf_reader *reader;
    uint8_t *seen;
    struct tp_pdf_ref *queue;
    size_t queue_len, queue_capacity, done;
    struct tp_buf *answer;
    struct tp_error *error;
};

static enum tp_rc enqueue(struct reaching *reaching, struct tp_pdf_ref ref)
{
    const uint8_t bit = (uint8_t)(1u << ref.id % 8);
    if (ref.id == 0 || ref.id >= reaching->reader->size || (reaching->seen[ref.id / 8] & bit) != 0)
        return TP_OK;
    reaching->seen[ref.id / 8] |= bit;
    if (reaching->queue_len == reaching->queue_capacity) {
        const size_t capacity = reaching->queue_capacity == 0 ? 256 : 2 * reaching->queue_capacity;
        struct tp_pdf_ref *queue = realloc(reaching->queue, capacity * sizeof(*queue));
        if (queue == NULL)
            return TP_MEMORY;
        reaching->queue = queue;
        reaching->queue_capacity = capacity;
    }
    reaching->queue[reaching->queue_len++] = ref;
    return TP_OK;
}

static enum tp_rc enqueue_all(struct reaching *reaching, const struct tp_pdf_value *value)
{
    struct tp_bytes key;
    TP_TRY(enqueue(reaching, tp_pdf_ref(value)));
    for (size_t i = 0; tp_pdf_kind(value) == TP_PDF_ARRAY && i < tp_pdf_len(value); i++)
        TP_TRY(enqueue_all(reaching, tp_pdf_at(value, i)));
    for (size_t i = 0; tp_pdf_is_dictionary(value) && i < tp_pdf_len(value); i++)
        TP_TRY(enqueue_all(reaching, tp_pdf_entry(value, i, &key)));
    return TP_OK;
}

static enum tp_rc enqueue_wire(struct reaching *reaching, struct tp_bytes wire)
{
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    const struct tp_pdf_value *value = NULL;
    TP_TRY(tp_pdf_arena_new(&arena));
    TP_TRY(tp_pdf_wire_decode(arena, wire, &value));
    return enqueue_all(reaching, value);
}

static enum tp_rc put_digest(struct reaching *reaching, struct tp_pdf_ref ref, struct tp_bytes wire, struct tp_bytes data)
{
    uint8_t hash[TP_SHA256_LEN];
    TP_TRY(tp_sha256(wire, data, TP_BYTES_NONE, hash));
    TP_TRY(tp_pdf_wire_put_ref(reaching->answer, ref));
    return tp_buf_append(reaching->answer, TP_BYTES(hash, sizeof(hash)));
}

static enum tp_rc digest_object(struct reaching *reaching, struct tp_pdf_ref ref, qpdf_oh oh)
{
    struct tp_pdf_reader *reader = reaching->reader;
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const bool is_stream = qpdf_oh_is_stream(reader->qpdf, oh) != 0;
    unsigned char *data = NULL;
    size_t len = 0;
    const enum tp_rc encoded = tp_pdf_reader_encode_without(reader, oh, is_stream ? "/Length" : NULL, &wire);
    TP_TRY(tp_pdf_reader_check(reader, "an object of the document", reaching->error));
    TP_TRY(tp_pdf_reader_say(encoded, "an object of the document", reaching->error));
    TP_TRY(enqueue_wire(reaching, tp_buf_bytes(&wire)));
    if (is_stream)
        TP_TRY(tp_pdf_reader_data(reader, oh, true, reaching->error, &data, &len));
    const enum tp_rc rc = put_digest(reaching, ref, tp_buf_bytes(&wire), TP_BYTES(data, len));
    free(data);
    return rc;
}

static enum tp_rc reach(struct reaching *reaching)
{
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pdf_reader_encode(reaching->reader, qpdf_get_trailer(reaching->reader->qpdf), &wire));
    TP_TRY(enqueue_wire(reaching, tp_buf_bytes(&wire)));
    while (reaching->done < reaching->queue_len) {
        const struct tp_pdf_ref ref = reaching->queue[reaching->done++];
        TP_TRY(digest_object(reaching, ref, tp_pdf_reader_look_up(reaching->reader, ref)));
        qpdf_oh_release_all(reaching->reader->qpdf);
    }
    return TP_OK;
}

enum tp_rc tp_pdf_reader_digests(struct tp_pdf_reader *reader, struct tp_error *error, struct tp_buf *ret_answer)
{
    struct reaching reaching = {.reader = reader, .answer = ret_answer, .error = error};
    reaching.seen = calloc(1, (size_t)reader->size / 8 + 1);
    const enum tp_rc rc = reaching.seen == NULL ? TP_MEMORY : reach(&reaching);
    free(reaching.seen);
    free(reaching.queue);
    qpdf_oh_release_all(reader->qpdf);
    return rc;
}
