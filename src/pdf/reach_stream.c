/* SPDX-License-Identifier: Apache-2.0
 *
 * Object streams (§7.5.7), read again: their members are looked at together, so that each stream is opened once.
 */
#include "pdf/reach.h"

#include <stdlib.h>

struct member {
    struct tp_pdf_digest *digest; /* NULL: not reached */
    uint64_t stream;
    uint32_t id;
};

/* Whether who mends the file shows a member of the object stream ID, at AT, rather than what is in use of its number. */
static bool is_late(struct tp_pdf_reaching *reaching, const struct tp_pdf_object_stream *stream, uint32_t id, uint64_t at)
{
    for (size_t i = 0; i < stream->len; i++) {
        const uint32_t member = stream->members[i].id;
        if (member >= reaching->numbering.size)
            continue;
        const struct tp_pdf_number *number = tp_pdf_reach_number(reaching, member);
        const uint64_t place = tp_pdf_numbering_place(&reaching->numbering, member);
        const bool here = number->kind == TP_PDF_ENTRY_COMPRESSED && number->at == id;
        if (!here && place < at && (place != 0 || tp_pdf_reach_is_referred(reaching, member)))
            return true;
    }
    return false;
}

/* The object stream ID; an entry that does not lead to it is not followed. TP_MALFORMED when readers may see different things in it. */
static enum tp_rc open_stream(struct tp_pdf_reaching *reaching, uint64_t id, struct tp_pdf_object_stream *ret_stream)
{
    if (id >= reaching->numbering.size || tp_pdf_reach_number(reaching, (uint32_t)id)->astray)
        return TP_MALFORMED;
    const enum tp_rc rc = tp_pdf_object_stream_open(reaching->reader, &reaching->numbering, id,
                                                    (struct tp_pdf_absence){tp_pdf_reach_is_absent, reaching}, ret_stream);
    reaching->doubts[id] |= TP_PDF_REACH_OPENED;
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
static enum tp_rc reread_members(struct tp_pdf_reaching *reaching, const struct member *members, size_t len)
{
    struct tp_pdf_object_stream stream TP_AUTO(tp_pdf_object_stream_close) = {.len = 0};
    const enum tp_rc opened = open_stream(reaching, members[0].stream, &stream);
    if (opened == TP_MEMORY)
        return opened;
    for (size_t i = 0; i < len; i++) {
        struct tp_pdf_digest *digest = members[i].digest;
        const struct tp_pdf_number *number = tp_pdf_reach_number(reaching, members[i].id);
        bool same = false;
        if (number->index >= stream.len || stream.members[number->index].id != members[i].id)
            reaching->numbering.sections[number->section - 1].doubtful = true;
        if (digest == NULL)
            continue;
        if (members[i].stream < reaching->numbering.size)
            digest->at = tp_pdf_reach_number(reaching, (uint32_t)members[i].stream)->at;
        if (opened == TP_OK)
            TP_TRY(tp_pdf_reread_member(&stream, digest->ref.id, number->index, digest->hash, &same));
        tp_pdf_reach_doubt(reaching, digest, same);
    }
    return TP_OK;
}

/* Of every number that is in an object stream, by stream. */
static size_t list_members(struct tp_pdf_reaching *reaching, struct member *members)
{
    size_t len = 0;
    for (size_t i = 0; i < reaching->len; i++)
        if (tp_pdf_reach_number(reaching, reaching->digests[i].ref.id)->kind == TP_PDF_ENTRY_COMPRESSED)
            members[len++] = (struct member){.digest = &reaching->digests[i], .id = reaching->digests[i].ref.id};
    for (uint32_t id = 0; id < reaching->numbering.size; id++)
        if (tp_pdf_reach_number(reaching, id)->kind == TP_PDF_ENTRY_COMPRESSED && (reaching->doubts[id] & TP_PDF_REACH_SEEN) == 0)
            members[len++] = (struct member){.id = id};
    for (size_t i = 0; i < len; i++)
        members[i].stream = tp_pdf_reach_number(reaching, members[i].id)->at;
    if (len > 0)
        qsort(members, len, sizeof(*members), by_stream);
    return len;
}

static enum tp_rc reread_all(struct tp_pdf_reaching *reaching, struct member *members)
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
static enum tp_rc open_other(struct tp_pdf_reaching *reaching, uint32_t id)
{
    struct tp_pdf_object_stream stream TP_AUTO(tp_pdf_object_stream_close) = {.len = 0};
    const struct tp_pdf_number *number = tp_pdf_reach_number(reaching, id);
    bool is = false;
    enum tp_rc rc = tp_pdf_reread_is_object_stream(reaching->reader, number->at, &is);
    if (rc == TP_MALFORMED && (reaching->doubts[id] & TP_PDF_REACH_SEEN) == 0 && number->at > reaching->late)
        reaching->late = number->at; /* it may be one for others */
    if (rc == TP_OK && is)
        rc = open_stream(reaching, id, &stream);
    return rc == TP_MEMORY ? rc : TP_OK;
}

/* Object streams that no entry leads into: who mends the file takes their members all the same. */
static enum tp_rc open_others(struct tp_pdf_reaching *reaching)
{
    for (uint32_t id = 1; id < reaching->numbering.size; id++) {
        const struct tp_pdf_number *number = tp_pdf_reach_number(reaching, id);
        if (number->kind == TP_PDF_ENTRY_USED && !number->astray && (reaching->doubts[id] & TP_PDF_REACH_OPENED) == 0)
            TP_TRY(open_other(reaching, id));
    }
    return TP_OK;
}

enum tp_rc tp_pdf_reach_streams(struct tp_pdf_reaching *reaching)
{
    struct member *members = calloc(reaching->len + reaching->numbering.size + 1, sizeof(*members));
    const enum tp_rc rc = members == NULL ? TP_MEMORY : reread_all(reaching, members);
    free(members);
    return rc == TP_OK ? open_others(reaching) : rc;
}
