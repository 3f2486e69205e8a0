/* SPDX-License-Identifier: Apache-2.0 */
#include "pdf/reach.h"

#include "base/crypto.h"

#include <stdlib.h>

struct tp_pdf_number *tp_pdf_reach_number(const struct tp_pdf_reaching *reaching, uint32_t id)
{
    return &reaching->numbering.numbers[id];
}

/* REF as it is to be read: by the generation that its number has. */
static struct tp_pdf_ref by_number(struct tp_pdf_reaching *reaching, struct tp_pdf_ref ref)
{
    const struct tp_pdf_number *number = tp_pdf_reach_number(reaching, ref.id);
    const bool used = tp_pdf_number_is_used(number);
    if (used && number->generation != ref.generation)
        reaching->doubts[ref.id] |= TP_PDF_DOUBT_GENERATION;
    return used ? (struct tp_pdf_ref){ref.id, number->generation} : ref;
}

bool tp_pdf_reach_is_referred(void *context, uint32_t id)
{
    const struct tp_pdf_reaching *reaching = context;
    return (reaching->doubts[id] & (TP_PDF_REACH_SEEN | TP_PDF_REACH_REFERRED)) != 0;
}

enum tp_rc tp_pdf_reach_add(struct tp_pdf_reaching *reaching, struct tp_pdf_ref ref)
{
    if (ref.id == 0 || ref.id >= reaching->reader->size)
        return TP_OK;
    ref = by_number(reaching, ref);
    if ((reaching->doubts[ref.id] & TP_PDF_REACH_SEEN) != 0)
        return TP_OK;
    reaching->doubts[ref.id] |= TP_PDF_REACH_SEEN;
    if (reaching->len == reaching->capacity) {
        const size_t capacity = reaching->capacity == 0 ? 256 : 2 * reaching->capacity;
        struct tp_pdf_digest *digests = realloc(reaching->digests, capacity * sizeof(*digests));
        if (digests == NULL)
            return TP_MEMORY;
        reaching->digests = digests;
        reaching->capacity = capacity;
    }
    struct tp_pdf_digest *digest = &reaching->digests[reaching->len++];
    *digest = (struct tp_pdf_digest){.ref = ref};
    if (reaching->hiding) {
        reaching->doubts[ref.id] |= TP_PDF_DOUBT_HIDDEN;
        digest->at = tp_pdf_numbering_place(&reaching->numbering, ref.id);
    }
    return TP_OK;
}

static enum tp_rc enqueue_all(struct tp_pdf_reaching *reaching, const struct tp_pdf_value *value)
{
    struct tp_bytes key;
    TP_TRY(tp_pdf_reach_add(reaching, tp_pdf_ref(value)));
    for (size_t i = 0; tp_pdf_kind(value) == TP_PDF_ARRAY && i < tp_pdf_len(value); i++)
        TP_TRY(enqueue_all(reaching, tp_pdf_at(value, i)));
    for (size_t i = 0; tp_pdf_is_dictionary(value) && i < tp_pdf_len(value); i++)
        TP_TRY(enqueue_all(reaching, tp_pdf_entry(value, i, &key)));
    return TP_OK;
}

bool tp_pdf_reach_is_absent(void *context, struct tp_pdf_ref ref)
{
    struct tp_pdf_reaching *reaching = context;
    if (ref.id == 0 || ref.id >= reaching->reader->size)
        return true;
    reaching->doubts[ref.id] |= TP_PDF_REACH_REFERRED;
    if (!tp_pdf_number_is_used(tp_pdf_reach_number(reaching, ref.id)))
        return true;
    if (tp_pdf_reach_number(reaching, ref.id)->generation != ref.generation) {
        reaching->misnamed = true;
        return true;
    }
    qpdf_oh oh = tp_pdf_reader_look_up(reaching->reader, ref);
    const bool absent = qpdf_oh_is_null(reaching->reader->qpdf, oh) != 0;
    qpdf_oh_release(reaching->reader->qpdf, oh);
    return absent;
}

void tp_pdf_reach_doubt(struct tp_pdf_reaching *reaching, const struct tp_pdf_digest *digest, bool same)
{
    uint8_t *doubts = &reaching->doubts[digest->ref.id];
    if (!same)
        *doubts |= TP_PDF_DOUBT_SYNTAX;
    if (reaching->misnamed)
        *doubts |= TP_PDF_DOUBT_GENERATION;
    reaching->misnamed = false;
}

/* Members of object streams wait until they are together with their like. */
static enum tp_rc reread(struct tp_pdf_reaching *reaching, struct tp_pdf_digest *digest, const struct tp_pdf_value *value, qpdf_oh oh)
{
    const struct tp_pdf_number *number = tp_pdf_reach_number(reaching, digest->ref.id);
    const bool is_stream = tp_pdf_kind(value) == TP_PDF_STREAM;
    const struct tp_pdf_reread expected = {digest->ref, value, is_stream ? tp_pdf_reader_length(reaching->reader, oh) : 0,
                                           {tp_pdf_reach_is_absent, reaching}};
    bool same = false;
    if (number->kind != TP_PDF_ENTRY_USED)
        return TP_OK;
    digest->at = number->at;
    TP_TRY(tp_pdf_reread_object(reaching->reader, number->at, &expected, &same));
    tp_pdf_reach_doubt(reaching, digest, same);
    return TP_OK;
}

static enum tp_rc look_at(struct tp_pdf_reaching *reaching, struct tp_pdf_digest *digest, struct tp_bytes wire, qpdf_oh oh)
{
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    const struct tp_pdf_value *value = NULL;
    TP_TRY(tp_pdf_arena_new(&arena));
    TP_TRY(tp_pdf_wire_decode(arena, wire, &value));
    TP_TRY(reread(reaching, digest, value, oh));
    return enqueue_all(reaching, value); /* may move the digests */
}

static enum tp_rc digest_object(struct tp_pdf_reaching *reaching, struct tp_pdf_digest *digest, qpdf_oh oh)
{
    struct tp_pdf_reader *reader = reaching->reader;
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const bool is_stream = qpdf_oh_is_stream(reader->qpdf, oh) != 0;
    unsigned char *data = NULL;
    size_t len = 0;
    const enum tp_rc encoded = tp_pdf_reader_encode_without(reader, oh, is_stream ? "/Length" : NULL, &wire);
    TP_TRY(tp_pdf_reader_check(reader, "an object of the document", reaching->error));
    TP_TRY(tp_pdf_reader_say(encoded, "an object of the document", reaching->error));
    if (is_stream)
        TP_TRY(tp_pdf_reader_data(reader, oh, true, reaching->error, &data, &len));
    enum tp_rc rc = tp_sha256(tp_buf_bytes(&wire), TP_BYTES(data, len), TP_BYTES_NONE, digest->hash);
    free(data);
    if (rc == TP_OK)
        rc = look_at(reaching, digest, tp_buf_bytes(&wire), oh);
    return rc;
}

enum tp_rc tp_pdf_reach_on(struct tp_pdf_reaching *reaching)
{
    while (reaching->done < reaching->len) {
        struct tp_pdf_digest *digest = &reaching->digests[reaching->done++];
        TP_TRY(digest_object(reaching, digest, tp_pdf_reader_look_up(reaching->reader, digest->ref)));
        qpdf_oh_release_all(reaching->reader->qpdf);
    }
    return TP_OK;
}

enum tp_rc tp_pdf_reach(struct tp_pdf_reaching *reaching)
{
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    const struct tp_pdf_value *trailer = NULL;
    TP_TRY(tp_pdf_reader_encode(reaching->reader, qpdf_get_trailer(reaching->reader->qpdf), &wire));
    TP_TRY(tp_pdf_arena_new(&arena));
    TP_TRY(tp_pdf_wire_decode(arena, tp_buf_bytes(&wire), &trailer));
    TP_TRY(enqueue_all(reaching, trailer));
    return tp_pdf_reach_on(reaching);
}
