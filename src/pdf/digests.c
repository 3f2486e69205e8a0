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

/* Among the doubts of a number. */
#define SEEN     0x80
#define REFERRED 0x40 /* by a key of a dictionary that QPDF leaves out */
#define OPENED   0x20 /* as an object stream */
#define KNOWN    0x10 /* among the references of the object that is looked at */
#define OURS     (SEEN | REFERRED | OPENED | KNOWN)

struct reaching {
    struct tp_pdf_reader *reader;
    struct tp_pdf_numbering numbering;
    uint8_t *doubts; /* by number: enum tp_pdf_doubt, and SEEN */
    struct tp_pdf_digest *digests;
    size_t len, capacity, done;
    struct tp_pdf_strays strays;
    enum tp_rc strayed;     /* what went wrong with them */
    uint64_t late;          /* the newest object stream with a member that is in use elsewhere, before it */
    bool hiding;            /* what is reached from now on QPDF does not find */
    bool doubtful;          /* readers may mend the file */
    bool misnamed;          /* a dictionary that was read again refers to an object by another generation than it has */
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
    struct tp_pdf_digest *digest = &reaching->digests[reaching->len++];
    *digest = (struct tp_pdf_digest){.ref = ref};
    if (reaching->hiding) {
        reaching->doubts[ref.id] |= TP_PDF_DOUBT_HIDDEN;
        digest->at = tp_pdf_numbering_place(&reaching->numbering, ref.id);
    }
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
    if (ref.id == 0 || ref.id >= reaching->reader->size)
        return true;
    reaching->doubts[ref.id] |= REFERRED;
    if (!tp_pdf_number_is_used(number_of(reaching, ref.id)))
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

static enum tp_rc reach_on(struct reaching *reaching)
{
    while (reaching->done < reaching->len) {
        struct tp_pdf_digest *digest = &reaching->digests[reaching->done++];
        TP_TRY(digest_object(reaching, digest, tp_pdf_reader_look_up(reaching->reader, digest->ref)));
        qpdf_oh_release_all(reaching->reader->qpdf);
    }
    return TP_OK;
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
    return reach_on(reaching);
}

/* ---- members of object streams ---- */

struct member {
    struct tp_pdf_digest *digest; /* NULL: not reached */
    uint64_t stream;
    uint32_t id;
};

static bool is_referred(void *context, uint32_t id)
{
    const struct reaching *reaching = context;
    return (reaching->doubts[id] & (SEEN | REFERRED)) != 0;
}

/* Whether who mends the file shows a member of the object stream ID, at AT, rather than what is in use of its number. */
static bool is_late(struct reaching *reaching, const struct tp_pdf_object_stream *stream, uint32_t id, uint64_t at)
{
    for (size_t i = 0; i < stream->len; i++) {
        const uint32_t member = stream->members[i].id;
        if (member >= reaching->numbering.size)
            continue;
        const struct tp_pdf_number *number = number_of(reaching, member);
        const uint64_t place = tp_pdf_numbering_place(&reaching->numbering, member);
        const bool here = number->kind == TP_PDF_ENTRY_COMPRESSED && number->at == id;
        if (!here && place < at && (place != 0 || is_referred(reaching, member)))
            return true;
    }
    return false;
}

/* The object stream ID; an entry that does not lead to it is not followed. TP_MALFORMED when readers may see different things in it. */
static enum tp_rc open_stream(struct reaching *reaching, uint64_t id, struct tp_pdf_object_stream *ret_stream)
{
    if (id >= reaching->numbering.size || number_of(reaching, (uint32_t)id)->astray)
        return TP_MALFORMED;
    const enum tp_rc rc = tp_pdf_object_stream_open(reaching->reader, &reaching->numbering, id,
                                                    (struct tp_pdf_absence){is_absent, reaching}, ret_stream);
    reaching->doubts[id] |= OPENED;
    const uint64_t at = tp_pdf_numbering_place(&reaching->numbering, (uint32_t)id);
    if (at > reaching->late && (rc != TP_OK || is_late(reaching, ret_stream, (uint32_t)id, at)))
        reaching->late = at;
    return rc;
}

static int by_stream(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    return (left->stream > right->stream) - (left->stream < right->stream);
}

/* Those of one object stream. */
static enum tp_rc reread_members(struct reaching *reaching, const struct member *members, size_t len)
{
    struct tp_pdf_object_stream stream TP_AUTO(tp_pdf_object_stream_close) = {.len = 0};
    const enum tp_rc opened = open_stream(reaching, members[0].stream, &stream);
    if (opened == TP_MEMORY)
        return opened;
    for (size_t i = 0; i < len; i++) {
        struct tp_pdf_digest *digest = members[i].digest;
        const struct tp_pdf_number *number = number_of(reaching, members[i].id);
        bool same = false;
        if (number->index >= stream.len || stream.members[number->index].id != members[i].id)
            reaching->numbering.sections[number->section - 1].doubtful = true;
        if (digest == NULL)
            continue;
        if (members[i].stream < reaching->numbering.size)
            digest->at = number_of(reaching, (uint32_t)members[i].stream)->at;
        if (opened == TP_OK)
            TP_TRY(tp_pdf_reread_member(&stream, digest->ref.id, number->index, digest->hash, &same));
        take_doubts(reaching, digest, same);
    }
    return TP_OK;
}

/* Of every number that is in an object stream, by stream. */
static size_t list_members(struct reaching *reaching, struct member *members)
{
    size_t len = 0;
    for (size_t i = 0; i < reaching->len; i++)
        if (number_of(reaching, reaching->digests[i].ref.id)->kind == TP_PDF_ENTRY_COMPRESSED)
            members[len++] = (struct member){.digest = &reaching->digests[i], .id = reaching->digests[i].ref.id};
    for (uint32_t id = 0; id < reaching->numbering.size; id++)
        if (number_of(reaching, id)->kind == TP_PDF_ENTRY_COMPRESSED && (reaching->doubts[id] & SEEN) == 0)
            members[len++] = (struct member){.id = id};
    for (size_t i = 0; i < len; i++)
        members[i].stream = number_of(reaching, members[i].id)->at;
    if (len > 0)
        qsort(members, len, sizeof(*members), by_stream);
    return len;
}

static enum tp_rc reread_streams(struct reaching *reaching, struct member *members)
{
    const size_t len = list_members(reaching, members);
    for (size_t first = 0, count; first < len; first += count) {
        for (count = 1; first + count < len && members[first + count].stream == members[first].stream;)
            count++;
        TP_TRY(reread_members(reaching, members + first, count));
    }
    return TP_OK;
}

/* QPDF is not asked: what nobody refers to may be damaged, and it would mend the file. */
static enum tp_rc open_other(struct reaching *reaching, uint32_t id)
{
    struct tp_pdf_object_stream stream TP_AUTO(tp_pdf_object_stream_close) = {.len = 0};
    const struct tp_pdf_number *number = number_of(reaching, id);
    bool is = false;
    enum tp_rc rc = tp_pdf_reread_is_object_stream(reaching->reader, number->at, &is);
    if (rc == TP_MALFORMED && (reaching->doubts[id] & SEEN) == 0 && number->at > reaching->late)
        reaching->late = number->at; /* it may be one for others */
    if (rc == TP_OK && is)
        rc = open_stream(reaching, id, &stream);
    return rc == TP_MEMORY ? rc : TP_OK;
}

/* Object streams that no entry leads into: who mends the file takes their members all the same. */
static enum tp_rc open_others(struct reaching *reaching)
{
    for (uint32_t id = 1; id < reaching->numbering.size; id++) {
        const struct tp_pdf_number *number = number_of(reaching, id);
        if (number->kind == TP_PDF_ENTRY_USED && !number->astray && (reaching->doubts[id] & OPENED) == 0)
            TP_TRY(open_other(reaching, id));
    }
    return TP_OK;
}

/* ---- what is hidden from QPDF ---- */

/* An object that some readers find where others do not: it has to stay as it is, with what only it leads to. */
static enum tp_rc take_hidden(void *context, uint32_t id)
{
    struct reaching *reaching = context;
    if (id == 0 || id >= reaching->reader->size || (reaching->doubts[id] & KNOWN) != 0 || number_of(reaching, id)->astray)
        return TP_OK;
    TP_TRY(enqueue(reaching, (struct tp_pdf_ref){id, number_of(reaching, id)->generation}));
    reaching->doubts[id] |= TP_PDF_DOUBT_HIDDEN;
    return TP_OK;
}

/* The same of what nothing else leads to. */
static enum tp_rc take_lost(void *context, uint32_t id)
{
    const struct reaching *reaching = context;
    return id < reaching->reader->size && (reaching->doubts[id] & SEEN) == 0 ? take_hidden(context, id) : TP_OK;
}

/* An object that does not end could refer to anything. */
static enum tp_rc scan(struct reaching *reaching, struct tp_bytes text, tp_pdf_ref_fn *take)
{
    const enum tp_rc rc = tp_pdf_refs_scan(text, take, reaching);
    reaching->numbering.lost = reaching->numbering.lost || rc == TP_TOO_LARGE;
    return rc == TP_TOO_LARGE ? TP_OK : rc;
}

/* From its header, or what stands there, on. */
static enum tp_rc scan_at(struct reaching *reaching, uint64_t at, tp_pdf_ref_fn *take)
{
    const size_t header = reaching->reader->ends.header_at;
    struct tp_pdf_syntax syntax = {TP_BYTES(reaching->reader->file.data + header, reaching->reader->file.len - header), (size_t)at, {0}};
    struct tp_pdf_ref ref;
    if (at == 0 || at >= syntax.text.len)
        return TP_OK;
    (void)tp_pdf_syntax_object(&syntax, &ref);
    return scan(reaching, TP_BYTES(syntax.text.data + syntax.at, syntax.text.len - syntax.at), take);
}

static enum tp_rc scan_member(struct reaching *reaching, uint32_t id)
{
    struct tp_pdf_object_stream stream TP_AUTO(tp_pdf_object_stream_close) = {.len = 0};
    const struct tp_pdf_number *number = number_of(reaching, id);
    const enum tp_rc rc = tp_pdf_object_stream_open(reaching->reader, &reaching->numbering, number->at,
                                                    (struct tp_pdf_absence){is_absent, reaching}, &stream);
    if (rc == TP_MALFORMED)
        reaching->numbering.lost = true; /* its members could be anything */
    if (rc != TP_OK || number->index >= stream.len)
        return rc == TP_MEMORY ? rc : TP_OK;
    const size_t at = stream.members[number->index].at;
    return scan(reaching, TP_BYTES(stream.data + at, stream.data_len - at), take_hidden);
}

static void mark(struct reaching *reaching, const struct tp_pdf_value *value, bool known)
{
    struct tp_bytes key;
    const uint32_t id = tp_pdf_ref(value).id;
    if (id != 0 && id < reaching->reader->size)
        reaching->doubts[id] = (uint8_t)(known ? reaching->doubts[id] | KNOWN : reaching->doubts[id] & ~KNOWN);
    for (size_t i = 0; tp_pdf_kind(value) == TP_PDF_ARRAY && i < tp_pdf_len(value); i++)
        mark(reaching, tp_pdf_at(value, i), known);
    for (size_t i = 0; tp_pdf_is_dictionary(value) && i < tp_pdf_len(value); i++)
        mark(reaching, tp_pdf_entry(value, i, &key), known);
}

static enum tp_rc scan_places(struct reaching *reaching, uint32_t id)
{
    const struct tp_pdf_number number = *number_of(reaching, id);
    if (number.kind == TP_PDF_ENTRY_COMPRESSED)
        TP_TRY(scan_member(reaching, id));
    else
        TP_TRY(scan_at(reaching, number.at, take_hidden));
    return scan_at(reaching, number.other, take_hidden);
}

/* What is written in an object of which readers may see different things, but for what QPDF has found there. */
static enum tp_rc look_again(struct reaching *reaching, struct tp_pdf_ref ref)
{
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pdf_value *value = NULL;
    qpdf_oh oh = tp_pdf_reader_look_up(reaching->reader, ref);
    TP_TRY(tp_pdf_reader_encode_without(reaching->reader, oh, qpdf_oh_is_stream(reaching->reader->qpdf, oh) ? "/Length" : NULL, &wire));
    TP_TRY(tp_pdf_arena_new(&arena));
    TP_TRY(tp_pdf_wire_decode(arena, tp_buf_bytes(&wire), &value));
    mark(reaching, value, true);
    const enum tp_rc rc = scan_places(reaching, ref.id);
    mark(reaching, value, false);
    return rc;
}

/* Whether a reader may have a reason to mend the file. */
static bool is_doubtful(const struct reaching *reaching)
{
    bool doubtful = reaching->numbering.lost;
    for (size_t i = 0; !doubtful && i < reaching->numbering.sections_len; i++)
        doubtful = reaching->numbering.sections[i].doubtful;
    for (size_t i = 0; !doubtful && i < reaching->len; i++)
        doubtful = (reaching->doubts[reaching->digests[i].ref.id] & TP_PDF_DOUBT_SYNTAX) != 0;
    return doubtful;
}

static void note_stray(void *context, size_t end)
{
    struct reaching *reaching = context;
    const enum tp_rc rc = reaching->doubtful ? scan_at(reaching, end, take_lost) : TP_OK;
    reaching->strayed = reaching->strayed == TP_OK ? rc : reaching->strayed;
}

/* From the beginning of the file. Who mends it follows what is in them. */
static enum tp_rc reach_strays(struct reaching *reaching)
{
    const struct tp_pdf_reader *reader = reaching->reader;
    struct tp_pdf_strays *strays = &reaching->strays;
    const size_t header = reader->ends.header_at;
    const uint64_t in_stream = reaching->late == 0 ? 0 : reaching->late + 1;
    tp_pdf_strays_find(TP_BYTES(reader->file.data + header, reader->file.len - header), &reaching->numbering,
                       &(struct tp_pdf_stray_asked){is_referred, note_stray, reaching}, strays);
    if (strays->late < in_stream)
        strays->late = in_stream;
    strays->unled += strays->unled == 0 ? 0 : header;
    strays->late += strays->late == 0 ? 0 : header;
    return reaching->strayed;
}

static enum tp_rc reach_hidden(struct reaching *reaching)
{
    reaching->hiding = true;
    reaching->doubtful = is_doubtful(reaching);
    TP_TRY(reach_strays(reaching));
    TP_TRY(reach_on(reaching));
    for (size_t i = 0; i < reaching->len; i++) {
        const struct tp_pdf_ref ref = reaching->digests[i].ref;
        if ((reaching->doubts[ref.id] & TP_PDF_DOUBT_SYNTAX) != 0 || number_of(reaching, ref.id)->twice)
            TP_TRY(look_again(reaching, ref));
        TP_TRY(reach_on(reaching));
    }
    return TP_OK;
}

/* ---- the trailer ---- */

/* Some readers take a key that leads nowhere for damage, and mend the file; QPDF leaves it out. */
static bool leads_nowhere(struct reaching *reaching)
{
    const struct tp_pdf_value *trailer = reaching->numbering.trailer;
    bool nowhere = false;
    for (size_t i = 0; tp_pdf_is_dictionary(trailer) && i < tp_pdf_len(trailer); i++) {
        struct tp_bytes key;
        const struct tp_pdf_value *value = tp_pdf_entry(trailer, i, &key);
        nowhere = nowhere || (tp_pdf_kind(value) == TP_PDF_REFERENCE && is_absent(reaching, tp_pdf_ref(value)));
    }
    reaching->misnamed = false;
    return nowhere;
}

/* ---- the answer ---- */

/* From the beginning of the file. */
static uint64_t find_roots(const struct reaching *reaching)
{
    const struct tp_pdf_reader *reader = reaching->reader;
    const size_t header = reader->ends.header_at;
    const uint64_t found = tp_pdf_roots_find(TP_BYTES(reader->file.data + header, reader->file.len - header), &reaching->numbering);
    return found == 0 ? 0 : found + header;
}

static enum tp_rc put_head(struct reaching *reaching, struct tp_buf *answer)
{
    uint8_t doubt[32];
    TP_TRY(tp_pdf_numbering_doubt(&reaching->numbering, doubt));
    TP_TRY(tp_buf_append_u8(answer, reaching->numbering.lost ? 1 : 0));
    TP_TRY(tp_buf_append_u8(answer, leads_nowhere(reaching) ? 1 : 0));
    TP_TRY(tp_buf_append(answer, TP_BYTES(doubt, sizeof(doubt))));
    TP_TRY(tp_pdf_wire_put_u64(answer, reaching->strays.unled));
    TP_TRY(tp_pdf_wire_put_u64(answer, reaching->strays.late));
    return tp_pdf_wire_put_u64(answer, find_roots(reaching));
}

static enum tp_rc put_digests(struct reaching *reaching, struct tp_buf *answer)
{
    TP_TRY(put_head(reaching, answer));
    if (reaching->len > 0)
        qsort(reaching->digests, reaching->len, sizeof(*reaching->digests), tp_pdf_digest_compare);
    for (size_t i = 0; i < reaching->len; i++) {
        const struct tp_pdf_digest *digest = &reaching->digests[i];
        uint8_t doubts = reaching->doubts[digest->ref.id] & (uint8_t)~OURS;
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
    struct member *members = calloc(reaching->len + reaching->numbering.size + 1, sizeof(*members));
    const enum tp_rc rc = members == NULL ? TP_MEMORY : reread_streams(reaching, members);
    free(members);
    TP_TRY(rc);
    TP_TRY(open_others(reaching));
    return reach_hidden(reaching);
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
