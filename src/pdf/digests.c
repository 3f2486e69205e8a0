/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash of every object that can be reached from the trailer. Hashed is the encoding of wire.c, which is one for each value;
 * of a stream its raw data behind it. What a reference leads to is a matter of that object's own hash.
 *
 * Objects are followed by their numbers, as most readers do, and each is read a second time: where readers could see other
 * things than QPDF does, that is said.
 */
#include "pdf/reach.h"

#include <stdlib.h>

/* Some readers take a key that leads nowhere for damage, and mend the file; QPDF leaves it out. */
static bool leads_nowhere(struct tp_pdf_reaching *reaching)
{
    const struct tp_pdf_value *trailer = reaching->numbering.trailer;
    bool nowhere = false;
    for (size_t i = 0; tp_pdf_is_dictionary(trailer) && i < tp_pdf_len(trailer); i++) {
        struct tp_bytes key;
        const struct tp_pdf_value *value = tp_pdf_entry(trailer, i, &key);
        nowhere = nowhere || (tp_pdf_kind(value) == TP_PDF_REFERENCE && tp_pdf_reach_is_absent(reaching, tp_pdf_ref(value)));
    }
    reaching->misnamed = false;
    return nowhere;
}

/* From the beginning of the file. */
static uint64_t find_roots(const struct tp_pdf_reaching *reaching)
{
    const struct tp_pdf_reader *reader = reaching->reader;
    const size_t header = reader->ends.header_at;
    const uint64_t found = tp_pdf_roots_find(TP_BYTES(reader->file.data + header, reader->file.len - header), &reaching->numbering);
    return found == 0 ? 0 : found + header;
}

static enum tp_rc put_head(struct tp_pdf_reaching *reaching, struct tp_buf *answer)
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

static enum tp_rc put_digests(struct tp_pdf_reaching *reaching, struct tp_buf *answer)
{
    TP_TRY(put_head(reaching, answer));
    if (reaching->len > 0)
        qsort(reaching->digests, reaching->len, sizeof(*reaching->digests), tp_pdf_digest_compare);
    for (size_t i = 0; i < reaching->len; i++) {
        const struct tp_pdf_digest *digest = &reaching->digests[i];
        uint8_t doubts = reaching->doubts[digest->ref.id] & (uint8_t)~TP_PDF_REACH_OURS;
        if (tp_pdf_reach_number(reaching, digest->ref.id)->twice)
            doubts |= TP_PDF_DOUBT_SYNTAX;
        TP_TRY(tp_pdf_wire_put_ref(answer, digest->ref));
        TP_TRY(tp_buf_append(answer, TP_BYTES(digest->hash, sizeof(digest->hash))));
        TP_TRY(tp_pdf_wire_put_u64(answer, digest->at));
        TP_TRY(tp_buf_append_u8(answer, doubts));
    }
    return TP_OK;
}

static enum tp_rc digest_all(struct tp_pdf_reaching *reaching)
{
    TP_TRY(tp_pdf_numbering_read(reaching->reader->file, &reaching->reader->ends, reaching->reader->size, &reaching->numbering));
    TP_TRY(tp_pdf_reach(reaching));
    TP_TRY(tp_pdf_reach_streams(reaching));
    return tp_pdf_reach_hidden(reaching);
}

enum tp_rc tp_pdf_reader_digests(struct tp_pdf_reader *reader, struct tp_error *error, struct tp_buf *ret_answer)
{
    struct tp_pdf_reaching reaching = {.reader = reader, .error = error};
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
