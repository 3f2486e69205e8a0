/* SPDX-License-Identifier: Apache-2.0
 *
 * XML and HTML that are well-formed because there is no other way to write them: elements nest by opening and closing, and
 * every text is escaped. The first failure is kept, and everything after it does nothing.
 */
#ifndef TP_PADES_REPORT_MARKUP_H
#define TP_PADES_REPORT_MARKUP_H

#include "base/bytes.h"

#define TP_PADES_MARKUP_DEPTH 24

struct tp_pades_markup {
    struct tp_buf *to;
    const char *open[TP_PADES_MARKUP_DEPTH];
    size_t depth;
    enum tp_rc rc;
};

void tp_pades_raw(struct tp_pades_markup *markup, const char *constant); /* of this program alone */
/* NAME, VALUE: an attribute; NULL: none. NAMEs are this program's, and outlive the element. */
void tp_pades_open(struct tp_pades_markup *markup, const char *element, const char *name, const char *value);
void tp_pades_close(struct tp_pades_markup *markup);
TP_PRINTF(2, 3) void tp_pades_text(struct tp_pades_markup *markup, const char *format, ...);
/* Element, text, end; nothing at all when TEXT is NULL or "". */
void tp_pades_leaf(struct tp_pades_markup *markup, const char *element, const char *text);
void tp_pades_leaf_time(struct tp_pades_markup *markup, const char *element, int64_t utc_ms);
void tp_pades_leaf_base64(struct tp_pades_markup *markup, const char *element, struct tp_bytes bytes);
/* Closes what is open, and says how it went. */
TP_MUST_USE enum tp_rc tp_pades_markup_end(struct tp_pades_markup *markup);

#endif
