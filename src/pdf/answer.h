/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reader has answered, taken apart. The other half of reader.h; whatever it may send is looked at as foreign
 * input.
 */
#ifndef TP_PDF_ANSWER_H
#define TP_PDF_ANSWER_H

#include "pdf/document.h"

/* All: TP_MALFORMED: no reader of ours says that. TP_TOO_LARGE, TP_MEMORY. Values are in ARENA. */

/* Sets all of RET_FACTS but `length`. RET_CATALOG is NULL unless the trailer refers to it. */
TP_MUST_USE enum tp_rc tp_pdf_answer_facts(struct tp_pdf_arena *arena, struct tp_bytes answer,
                                           struct tp_pdf_facts *ret_facts, const struct tp_pdf_value **ret_trailer,
                                           const struct tp_pdf_value **ret_catalog);
/* RET_INHERITED: a dictionary of what the page has from the nodes above it. */
TP_MUST_USE enum tp_rc tp_pdf_answer_page(struct tp_pdf_arena *arena, struct tp_bytes answer,
                                          struct tp_pdf_ref *ret_ref, const struct tp_pdf_value **ret_page,
                                          const struct tp_pdf_value **ret_inherited);
/* RET_DIGESTS: to be cleared by the caller, once it is TP_OK. */
TP_MUST_USE enum tp_rc tp_pdf_answer_digests(struct tp_bytes answer, struct tp_pdf_digests *ret_digests);

#endif
