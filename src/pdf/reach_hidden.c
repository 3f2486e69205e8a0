/* SPDX-License-Identifier: Apache-2.0
 *
 * What QPDF does not find, and other readers may.
 */
#include "pdf/reach.h"

/* An object that some readers find where others do not: it has to stay as it is, with what only it leads to. */
static enum tp_rc take_hidden(void *context, uint32_t id)
{
    struct tp_pdf_reaching *reaching = context;
    if (id == 0 || id >= reaching->reader->size || (reaching->doubts[id] & TP_PDF_REACH_KNOWN) != 0 ||
        tp_pdf_reach_number(reaching, id)->astray)
        return TP_OK;
    TP_TRY(tp_pdf_reach_add(reaching, (struct tp_pdf_ref){id, tp_pdf_reach_number(reaching, id)->generation}));
    reaching->doubts[id] |= TP_PDF_DOUBT_HIDDEN;
    return TP_OK;
}

/* The same of what nothing else leads to. */
static enum tp_rc take_lost(void *context, uint32_t id)
{
    const struct tp_pdf_reaching *reaching = context;
    return id < reaching->reader->size && (reaching->doubts[id] & TP_PDF_REACH_SEEN) == 0 ? take_hidden(context, id) : TP_OK;
}

/* An object that does not end could refer to anything. */
static enum tp_rc scan(struct tp_pdf_reaching *reaching, struct tp_bytes text, tp_pdf_ref_fn *take)
{
    const enum tp_rc rc = tp_pdf_refs_scan(text, take, reaching);
    reaching->numbering.lost = reaching->numbering.lost || rc == TP_TOO_LARGE;
    return rc == TP_TOO_LARGE ? TP_OK : rc;
}

/* From its header, or what stands there, on. */
static enum tp_rc scan_at(struct tp_pdf_reaching *reaching, uint64_t at, tp_pdf_ref_fn *take)
{
    const size_t header = reaching->reader->ends.header_at;
    struct tp_pdf_syntax syntax = {TP_BYTES(reaching->reader->file.data + header, reaching->reader->file.len - header), (size_t)at, {0}};
    struct tp_pdf_ref ref;
    if (at == 0 || at >= syntax.text.len)
        return TP_OK;
    (void)tp_pdf_syntax_object(&syntax, &ref);
    return scan(reaching, TP_BYTES(syntax.text.data + syntax.at, syntax.text.len - syntax.at), take);
}

static enum tp_rc scan_member(struct tp_pdf_reaching *reaching, uint32_t id)
{
    struct tp_pdf_object_stream stream TP_AUTO(tp_pdf_object_stream_close) = {.len = 0};
    const struct tp_pdf_number *number = tp_pdf_reach_number(reaching, id);
    const enum tp_rc rc = tp_pdf_object_stream_open(reaching->reader, &reaching->numbering, number->at,
                                                    (struct tp_pdf_absence){tp_pdf_reach_is_absent, reaching}, &stream);
    if (rc == TP_MALFORMED)
        reaching->numbering.lost = true; /* its members could be anything */
    if (rc != TP_OK || number->index >= stream.len)
        return rc == TP_MEMORY ? rc : TP_OK;
    const size_t at = stream.members[number->index].at;
    return scan(reaching, TP_BYTES(stream.data + at, stream.data_len - at), take_hidden);
}

static void mark(struct tp_pdf_reaching *reaching, const struct tp_pdf_value *value, bool known)
{
    struct tp_bytes key;
    const uint32_t id = tp_pdf_ref(value).id;
    if (id != 0 && id < reaching->reader->size)
        reaching->doubts[id] = (uint8_t)(known ? reaching->doubts[id] | TP_PDF_REACH_KNOWN : reaching->doubts[id] & ~TP_PDF_REACH_KNOWN);
    for (size_t i = 0; tp_pdf_kind(value) == TP_PDF_ARRAY && i < tp_pdf_len(value); i++)
        mark(reaching, tp_pdf_at(value, i), known);
    for (size_t i = 0; tp_pdf_is_dictionary(value) && i < tp_pdf_len(value); i++)
        mark(reaching, tp_pdf_entry(value, i, &key), known);
}

static enum tp_rc scan_places(struct tp_pdf_reaching *reaching, uint32_t id)
{
    const struct tp_pdf_number number = *tp_pdf_reach_number(reaching, id);
    if (number.kind == TP_PDF_ENTRY_COMPRESSED)
        TP_TRY(scan_member(reaching, id));
    else
        TP_TRY(scan_at(reaching, number.at, take_hidden));
    return scan_at(reaching, number.other, take_hidden);
}

/* What is written in an object of which readers may see different things, but for what QPDF has found there. */
static enum tp_rc look_again(struct tp_pdf_reaching *reaching, struct tp_pdf_ref ref)
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
static bool is_doubtful(const struct tp_pdf_reaching *reaching)
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
    struct tp_pdf_reaching *reaching = context;
    const enum tp_rc rc = reaching->doubtful ? scan_at(reaching, end, take_lost) : TP_OK;
    reaching->strayed = reaching->strayed == TP_OK ? rc : reaching->strayed;
}

/* From the beginning of the file. Who mends it follows what is in them. */
static enum tp_rc reach_strays(struct tp_pdf_reaching *reaching)
{
    const struct tp_pdf_reader *reader = reaching->reader;
    struct tp_pdf_strays *strays = &reaching->strays;
    const size_t header = reader->ends.header_at;
    const uint64_t in_stream = reaching->late == 0 ? 0 : reaching->late + 1;
    tp_pdf_strays_find(TP_BYTES(reader->file.data + header, reader->file.len - header), &reaching->numbering,
                       &(struct tp_pdf_stray_asked){tp_pdf_reach_is_referred, note_stray, reaching}, strays);
    if (strays->late < in_stream)
        strays->late = in_stream;
    strays->unled += strays->unled == 0 ? 0 : header;
    strays->late += strays->late == 0 ? 0 : header;
    return reaching->strayed;
}

enum tp_rc tp_pdf_reach_hidden(struct tp_pdf_reaching *reaching)
{
    reaching->hiding = true;
    reaching->doubtful = is_doubtful(reaching);
    TP_TRY(reach_strays(reaching));
    TP_TRY(tp_pdf_reach_on(reaching));
    for (size_t i = 0; i < reaching->len; i++) {
        const struct tp_pdf_ref ref = reaching->digests[i].ref;
        if ((reaching->doubts[ref.id] & TP_PDF_DOUBT_SYNTAX) != 0 || tp_pdf_reach_number(reaching, ref.id)->twice)
            TP_TRY(look_again(reaching, ref));
        TP_TRY(tp_pdf_reach_on(reaching));
    }
    return TP_OK;
}
