/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of others (names, labels, reasons, a program's claim about itself) on a terminal and in JSON.
 */
#ifndef TP_CLI_TEXT_H
#define TP_CLI_TEXT_H

#include "base/bytes.h"

/* Before anything else here: characters are UTF-8, whatever the environment says. */
void tp_cli_text_start(void);
/* Appends TEXT as a terminal may have it: what is not UTF-8, steers terminals, or is not to be seen
 * (bidirectional controls and other format characters), becomes '?'; combining marks stay. */
TP_MUST_USE enum tp_rc tp_cli_text_clean(const char *text, struct tp_buf *ret_clean);
/* Terminal columns of a clean text; wide characters take two. */
size_t tp_cli_text_width(const char *clean);

#endif
