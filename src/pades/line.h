/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of documents in one line, as terminals, reports and comparisons take them.
 */
#ifndef TP_PADES_LINE_H
#define TP_PADES_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define TP_PADES_LINE_MAX 256 /* with the zero byte; longer texts end in an ellipsis */

/* TEXT cut to what fits, at a character's border, with an ellipsis. LINE_LEN is 4 at least. Control characters become '?'. */
void tp_pades_line(const char *text, char *ret_line, size_t line_len);
/* A field's whole name, with a zero byte behind it, as a line. False: the line is not all of it as it is, and may be another
 * field's. */
bool tp_pades_name_line(const char *name, size_t name_len, char ret_line[TP_PADES_LINE_MAX]);

#endif
