/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects read a second time, without QPDF and from where the numbering has them: whether all readers see the same there.
 */
#ifndef TP_PDF_REREAD_H
#define TP_PDF_REREAD_H

#include "pdf/numbering.h"
#include "pdf/syntax.h"

/* The object at an offset of the file: REF's, and as QPDF has it: VALUE (of a stream: without /Length), and a stream's /Length.
 * In encrypted documents its strings are not compared. */
struct tp_pdf_reread {
    struct tp_pdf_ref ref;
    const struct tp_pdf_value *value;
    size_t length;
    struct tp_pdf_absence absence;
};
TP_MUST_USE enum tp_rc tp_pdf_reread_object(struct tp_pdf_reader *reader, uint64_t at, const struct tp_pdf_reread *expected,
                                            bool *ret_same);

/* ---- ref_scan.c ---- */

/* Each reference in the value that TEXT begins with, as lenient readers find it: what is no syntax is passed over. TP_TOO_LARGE: it does
 * not end. */
typedef enum tp_rc tp_pdf_ref_fn(void *context, uint32_t id);
TP_MUST_USE enum tp_rc tp_pdf_refs_scan(struct tp_bytes text, tp_pdf_ref_fn *take, void *context);

/* ---- reread.c ---- */

/* An object stream (§7.5.7) of the numbering. */
struct tp_pdf_object_stream {
    struct tp_pdf_member {
        uint32_t id;
        size_t at; /* in DATA */
    } *members;
    size_t len;
    unsigned char *data;
    size_t data_len;
    struct tp_pdf_absence absence;
};
/* Whether one is AT. TP_MALFORMED: readers may see different things there. */
TP_MUST_USE enum tp_rc tp_pdf_reread_is_object_stream(const struct tp_pdf_reader *reader, uint64_t at, bool *ret_is);
/* TP_MALFORMED when not every reader would see the same in it. */
TP_MUST_USE enum tp_rc tp_pdf_object_stream_open(struct tp_pdf_reader *reader, const struct tp_pdf_numbering *numbering, uint64_t id,
                                                 struct tp_pdf_absence absence, struct tp_pdf_object_stream *ret_stream);
void tp_pdf_object_stream_close(struct tp_pdf_object_stream *stream);
/* Whether object ID is its member INDEX, of a value with this hash (SHA-256 of its encoding). */
TP_MUST_USE enum tp_rc tp_pdf_reread_member(const struct tp_pdf_object_stream *stream, uint32_t id, uint32_t index,
                                            const uint8_t hash[32], bool *ret_same);

#endif
