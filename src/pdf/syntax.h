/* SPDX-License-Identifier: Apache-2.0
 *
 * PDF syntax (ISO 32000-2 §7.2, §7.3) read a second time, without QPDF: cross-reference sections, which QPDF does not show, and
 * objects that every reader has to read alike. So it is strict: what readers are known to read in different ways is refused.
 */
#ifndef TP_PDF_SYNTAX_H
#define TP_PDF_SYNTAX_H

#include "pdf/value.h"

/* Which references lead to the null object. NULL function: none. */
struct tp_pdf_absence {
    bool (*is_absent)(void *context, struct tp_pdf_ref ref);
    void *context;
};
struct tp_pdf_syntax {
    struct tp_bytes text;
    size_t at; /* where reading goes on */
    struct tp_pdf_absence absence; /* §7.3.7: in a dictionary, what is null is not there; QPDF leaves it out, too */
};
bool tp_pdf_is_space(uint8_t c); /* table 1 */
bool tp_pdf_is_regular(uint8_t c);
bool tp_pdf_is_digit(uint8_t c);
/* White space and comments are skipped before each of these. What is not there: false, or TP_MALFORMED. */
void tp_pdf_syntax_skip(struct tp_pdf_syntax *syntax);
bool tp_pdf_syntax_word(struct tp_pdf_syntax *syntax, const char *word);        /* and the word ends there */
bool tp_pdf_syntax_number(struct tp_pdf_syntax *syntax, uint64_t *ret_number);  /* digits alone */
bool tp_pdf_syntax_object(struct tp_pdf_syntax *syntax, struct tp_pdf_ref *ret_ref); /* "4 0 obj" */
/* "stream" and its line's end (§7.3.8.1): the data begin at AT. */
bool tp_pdf_syntax_stream(struct tp_pdf_syntax *syntax);
/* Strings as written, also where the document is encrypted. A dictionary with a key twice and two values for it is TP_MALFORMED,
 * as are numbers that do not fit; nested deeper than TP_PDF_DEPTH_MAX: TP_TOO_LARGE. */
TP_MUST_USE enum tp_rc tp_pdf_syntax_value(struct tp_pdf_syntax *syntax, struct tp_pdf_arena *arena,
                                           const struct tp_pdf_value **ret_value);

#endif
