/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash of every object that can be reached from the trailer. Hashed is the encoding of wire.c, which is one for each value;
 * of a stream its raw data behind it. What a reference leads to is a matter of that object's own hash.
 *
 * Objects are followed by their numbers, as most readers do, and each is read a second time: where readers could see other
 * things than QPDF does, that is said.
 */
#include "base/crypto.h"
#include "pdf/internal.h"
#include "pdf/reader.h"
#include "pdf/reread.h"

#include <stdlib.h>
#include <string.h>

#define SEEN 0x80 /* among the doubts of a number */

struct reaching {
    struct tp_pdf_reader *reader;
    struct tp_pdf_numbering numbering;
    uint8_t *doubts; /* by number: enum tp_pdf_doubt, and SEEN */
    struct tp_pdf_digest *digests;
    size_t len, capacity, done;
    bool misnamed; /* a dictionary that was read again refers to an object by another generation than it has */
    struct tp_error *error;
};

/* ---- reaching ---- */

static struct tp_pdf_number *number_of(const struct reaching *reaching, uint32_t id)
{
    return &reaching->numbering.numbers[id];
}

/* REF as it is to be read: by the generation that its number has. */
static struct tp_pdf_ref by_number(struct reaching *reaching, struct tp_pdf_ref ref)
{
    const struct tp_pdf_number *number = number_of(reaching, ref.id);
    const bool used = tp_pdf_number_is_used(number);
    if (used && number->generation != ref.generation)
        reaching->doubts[ref.id] |= TP_PDF_DOUBT_GENERATION;
    return used ? (struct tp_pdf_ref){ref.id, number->generation} : ref;
}

static enum tp_rc enqueue(struct reaching *reaching, struct tp_pdf_ref ref)
{
    if (ref.id == 0 || ref.id >= reaching->reader->size)
        return TP_OK;
    ref = by_number(reaching, ref);
    if ((reaching->doubts[ref.id] & SEEN) != 0)
        return TP_OK;
    reaching->doubts[ref.id] |= SEEN;
    if (reaching->len == reaching->capacity) {
        const size_t capacity = reaching->capacity == 0 ? 256 : 2 * reaching->capacity;
        struct tp_pdf_digest *digests = realloc(reaching->digests, capacity * sizeof(*digests));
        if (digests == NULL)
            return TP_MEMORY;
        reaching->digests = digests;
        reaching->capacity = capacity;
    }
    reaching->digests[reaching->len++] = (struct tp_pdf_digest){.ref = ref};
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

/* ---- one object ---- */

/* As QPDF finds what a dictionary's key refers to: where it leaves the key out, others may find something. */
static bool is_absent(void *context, struct tp_pdf_ref ref)
{
    struct reaching *reaching = context;
    if (ref.id == 0 || ref.id >= reaching->reader->size || !tp_pdf_number_is_used(number_of(reaching, ref.id)))
        return true;
    if (number_of(reaching, ref.id)->generation != ref.generation) {
        reaching->misnamed = true;
        return true;
    }
    qpdf_oh oh = tp_pdf_reader_look_up(reaching->reader, ref);
    const bool absent = qpdf_oh_is_null(reaching->reader->qpdf, oh) != 0;
    qpdf_oh_release(reaching->reader->qpdf, oh);
    return absent;
}

/* What reading DIGEST's object again has shown. */
static void take_doubts(struct reaching *reaching, const struct tp_pdf_digest *digest, bool same)
{
    uint8_t *doubts = &reaching->doubts[digest->ref.id];
    if (!same)
        *doubts |= TP_PDF_DOUBT_SYNTAX;
    if (reaching->misnamed)
        *doubts |= TP_PDF_DOUBT_GENERATION;
    reaching->misnamed = false;
}

/* Members of object streams wait until they are together with their like. */
static enum tp_rc reread(struct reaching *reaching, struct tp_pdf_digest *digest, const struct tp_pdf_value *value, qpdf_oh oh)
{
    const struct tp_pdf_number *number = number_of(reaching, digest->ref.id);
    const bool is_stream = tp_pdf_kind(value) == TP_PDF_STREAM;
    const struct tp_pdf_reread expected = {digest->ref, value, is_stream ? tp_pdf_reader_length(reaching->reader, oh) : 0,
                                           {is_absent, reaching}};
    bool same = false;
    if (number->kind != TP_PDF_ENTRY_USED)
        return TP_OK;
    digest->at = number->at;
    TP_TRY(tp_pdf_reread_object(reaching->reader, number->at, &expected, &same));
    take_doubts(reaching, digest, same);
    return TP_OK;
}

static enum tp_rc look_at(struct reaching *reaching, struct tp_pdf_digest *digest, struct tp_bytes wire, qpdf_oh oh)
{
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    const struct tp_pdf_value *value = NULL;
    TP_TRY(tp_pdf_arena_new(&arena));
    TP_TRY(tp_pdf_wire_decode(arena, wire, &value));
    TP_TRY(reread(reaching, digest, value, oh));
    return enqueue_all(reaching, value); /* may move the digests */
}

static enum tp_rc digest_object(struct reaching *reaching, struct tp_pdf_digest *digest, qpdf_oh oh)
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

static enum tp_rc reach(struct reaching *reaching)
{
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    const struct tp_pdf_value *trailer = NULL;
    TP_TRY(tp_pdf_reader_encode(reaching->reader, qpdf_get_trailer(reaching->reader->qpdf), &wire));
    TP_TRY(tp_pdf_arena_new(&arena));
    TP_TRY(tp_pdf_wire_decode(arena, tp_buf_bytes(&wire), &trailer));
    TP_TRY(enqueue_all(reaching, trailer));
    while (reaching->done < reaching->len) {
        struct tp_pdf_digest *digest = &reaching->digests[reaching->done++];
        TP_TRY(digest_object(reaching, digest, tp_pdf_reader_look_up(reaching->reader, digest->ref)));
        qpdf_oh_release_all(reaching->reader->qpdf);
    }
    return TP_OK;
}

/* ---- members of object streams ---- */

struct member {
    struct tp_pdf_digest *digest;
    uint64_t stream;
};

static int by_stream(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    return (left->stream > right->stream) - (left->stream < right->stream);
}

/* Those of one object stream. */
static enum tp_rc reread_members(struct reaching *reaching, const struct member *members, size_t len)
{
    struct tp_pdf_object_stream stream TP_AUTO(tp_pdf_object_stream_close) = {.len = 0};
    const enum tp_rc opened = tp_pdf_object_stream_open(reaching->reader, &reaching->numbering, members[0].stream,
                                                        (struct tp_pdf_absence){is_absent, reaching}, &stream);
    if (opened == TP_MEMORY)
        return opened;
    for (size_t i = 0; i < len; i++) {
        struct tp_pdf_digest *digest = members[i].digest;
        bool same = false;
        if (members[i].stream < reaching->numbering.size)
            digest->at = number_of(reaching, (uint32_t)members[i].stream)->at;
        if (opened == TP_OK)
            TP_TRY(tp_pdf_reread_member(&stream, digest->ref.id, number_of(reaching, digest->ref.id)->index, digest->hash, &same));
        take_doubts(reaching, digest, same);
    }
    return TP_OK;
}

static enum tp_rc reread_streams(struct reaching *reaching, struct member *members)
{
    size_t len = 0;
    for (size_t i = 0; i < reaching->len; i++) {
        const struct tp_pdf_number *number = number_of(reaching, reaching->digests[i].ref.id);
        if (number->kind == TP_PDF_ENTRY_COMPRESSED)
            members[len++] = (struct member){&reaching->digests[i], number->at};
    }
    if (len > 0)
        qsort(members, len, sizeof(*members), by_stream);
    for (size_t first = 0, count; first < len; first += count) {
        for (count = 1; first + count < len && members[first + count].stream == members[first].stream;)
            count++;
        TP_TRY(reread_members(reaching, members + first, count));
    }
    return TP_OK;
}

/* ---- the answer ---- */

/* From the beginning of the file. */
static uint64_t find_stray(struct reaching *reaching)
{
    const struct tp_pdf_reader *reader = reaching->reader;
    const size_t header = reader->ends.header_at;
    const uint64_t end = tp_pdf_stray_find(TP_BYTES(reader->file.data + header, reader->file.len - header), &reaching->numbering.places);
    return end == 0 ? 0 : header + end;
}

static enum tp_rc put_digests(struct reaching *reaching, struct tp_buf *answer)
{
    TP_TRY(tp_buf_append_u8(answer, reaching->numbering.lost ? 1 : 0));
    TP_TRY(tp_buf_append(answer, TP_BYTES(reaching->numbering.doubt, sizeof(reaching->numbering.doubt))));
    TP_TRY(tp_pdf_wire_put_u64(answer, find_stray(reaching)));
    if (reaching->len > 0)
        qsort(reaching->digests, reaching->len, sizeof(*reaching->digests), tp_pdf_digest_compare);
    for (size_t i = 0; i < reaching->len; i++) {
        const struct tp_pdf_digest *digest = &reaching->digests[i];
        uint8_t doubts = reaching->doubts[digest->ref.id] & (uint8_t)~SEEN;
        if (number_of(reaching, digest->ref.id)->twice)
            doubts |= TP_PDF_DOUBT_SYNTAX;
        TP_TRY(tp_pdf_wire_put_ref(answer, digest->ref));
        TP_TRY(tp_buf_append(answer, TP_BYTES(digest->hash, sizeof(digest->hash))));
        TP_TRY(tp_pdf_wire_put_u64(answer, digest->at));
        TP_TRY(tp_buf_append_u8(answer, doubts));
    }
    return TP_OK;
}

static enum tp_rc digest_all(struct reaching *reaching)
{
    TP_TRY(tp_pdf_numbering_read(reaching->reader->file, &reaching->reader->ends, reaching->reader->size, &reaching->numbering));
    TP_TRY(reach(reaching));
    struct member *members = calloc(reaching->len + 1, sizeof(*members));
    const enum tp_rc rc = members == NULL ? TP_MEMORY : reread_streams(reaching, members);
    free(members);
    return rc;
}

enum tp_rc tp_pdf_reader_digests(struct tp_pdf_reader *reader, struct tp_error *error, struct tp_buf *ret_answer)
{
    struct reaching reaching = {.reader = reader, .error = error};
    reaching.doubts = calloc(1, (size_t)reader->size + 1);
    enum tp_rc rc = reaching.doubts == NULL ? TP_MEMORY : digest_all(&reaching);
    if (rc == TP_OK)
        rc = put_digests(&reaching, ret_answer);
    tp_pdf_numbering_clear(&reaching.numbering);
    free(reaching.doubts);
    free(reaching.digests);
    qpdf_oh_release_all(reader->qpdf);
    return rc;
}
