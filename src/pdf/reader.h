/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader's side: one document in memory, through QPDF. Used in the sandboxed process (serve.c) and, without one, by the
 * fuzzers. Its answers are encoded (wire.c).
 */
#ifndef TP_PDF_READER_H
#define TP_PDF_READER_H

#include "base/error.h"
#include "pdf/document.h"

struct tp_pdf_reader;
/* FILE stays the caller's and must stay readable. PASSWORD: not secret memory, since QPDF keeps it in the heap anyway. */
TP_MUST_USE enum tp_rc tp_pdf_reader_open(struct tp_bytes file, const char *password, size_t stream_most,
                                          struct tp_error *error, struct tp_pdf_reader **ret_reader);
void tp_pdf_reader_free(struct tp_pdf_reader *reader);
TP_DEFINE_AUTO(struct tp_pdf_reader, tp_pdf_reader_free)

/* All append to RET_ANSWER. Facts: numbers, the trailer behind its length, and the catalog, which everybody asks for next. A page:
 * its reference, its object behind its length, and what it inherits. */
TP_MUST_USE enum tp_rc tp_pdf_reader_facts(struct tp_pdf_reader *reader, struct tp_error *error, struct tp_buf *ret_answer);
TP_MUST_USE enum tp_rc tp_pdf_reader_object(struct tp_pdf_reader *reader, struct tp_pdf_ref ref, struct tp_error *error,
                                            struct tp_buf *ret_answer);
TP_MUST_USE enum tp_rc tp_pdf_reader_stream(struct tp_pdf_reader *reader, struct tp_pdf_ref ref, struct tp_error *error,
                                            struct tp_buf *ret_answer);
TP_MUST_USE enum tp_rc tp_pdf_reader_page(struct tp_pdf_reader *reader, uint32_t index, struct tp_error *error,
                                          struct tp_buf *ret_answer);
TP_MUST_USE enum tp_rc tp_pdf_reader_digests(struct tp_pdf_reader *reader, struct tp_error *error,
                                             struct tp_buf *ret_answer);

/* ---- what its files share ---- */

#include <qpdf/qpdf-c.h>

/* A file's end and beginning, which QPDF does not tell of. */
struct tp_pdf_ends {
    bool header;       /* there is one */
    size_t header_at;  /* what is before %PDF; offsets count from there */
    int64_t startxref; /* as written: -1: none */
    bool table;        /* there begins a table, not a stream */
    bool twofold;      /* a linearized file by its length, whose first part is not what startxref names: readers begin at either */
};
void tp_pdf_ends_look(struct tp_bytes file, struct tp_pdf_ends *ret_ends);

struct tp_pdf_reader {
    qpdf_data qpdf;
    struct tp_bytes file;
    struct tp_pdf_ends ends;
    size_t stream_most;
    uint32_t size;
    bool repaired; /* from the beginning */
    bool rebuilt;  /* since: QPDF has put another table in the place of the document's, and nothing is answered any more */
};
/* TP_OK unless QPDF has complained since; then its words, as TP_MALFORMED, TP_PIN_WRONG, … */
TP_MUST_USE enum tp_rc tp_pdf_reader_check(struct tp_pdf_reader *reader, const char *what, struct tp_error *error);
/* The null object for numbers that are not in the file. */
qpdf_oh tp_pdf_reader_look_up(struct tp_pdf_reader *reader, struct tp_pdf_ref ref);
/* OH, encoded: what it refers to is not followed, but OH itself is looked through when it is a reference. */
TP_MUST_USE enum tp_rc tp_pdf_reader_encode(struct tp_pdf_reader *reader, qpdf_oh oh, struct tp_buf *ret_wire);
/* KEY (with its slash) of a dictionary's members that are left out (NULL: none). */
TP_MUST_USE enum tp_rc tp_pdf_reader_encode_without(struct tp_pdf_reader *reader, qpdf_oh oh, const char *without,
                                                    struct tp_buf *ret_wire);
/* Words for what encoding ended with, about WHAT; returns RC. */
enum tp_rc tp_pdf_reader_say(enum tp_rc rc, const char *what, struct tp_error *error);
/* Data of a stream, appended; RAW: its filters not undone, but decrypted. */
TP_MUST_USE enum tp_rc tp_pdf_reader_data(struct tp_pdf_reader *reader, qpdf_oh stream, bool raw, struct tp_error *error,
                                          unsigned char **ret_data, size_t *ret_len);
/* Whether DICTIONARY is a signature whose /Contents QPDF does not give as it is, and then what it is (contents.c). */
bool tp_pdf_reader_contents(struct tp_pdf_reader *reader, qpdf_oh dictionary, struct tp_buf *ret_contents);
/* What a stream's /Length says; 0: nothing that it could be. */
size_t tp_pdf_reader_length(struct tp_pdf_reader *reader, qpdf_oh stream);
struct tp_pdf_ref tp_pdf_reader_ref(struct tp_pdf_reader *reader, qpdf_oh oh); /* id 0: direct */

#endif
