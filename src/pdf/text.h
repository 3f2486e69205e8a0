/* SPDX-License-Identifier: Apache-2.0
 *
 * Text in PDFDocEncoding, for passwords (ISO 32000-2 §7.6.4.3.2).
 */
#ifndef TP_PDF_TEXT_H
#define TP_PDF_TEXT_H

#include "base/bytes.h"

/* TEXT is UTF-8. TP_MALFORMED: it has a character that the encoding lacks. Appended. */
TP_MUST_USE enum tp_rc tp_pdf_text_to_doc(struct tp_bytes text, struct tp_buf *ret_string);

#endif
