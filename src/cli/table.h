/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON objects as text for people: aligned by what characters take on a terminal, and harmless to it.
 */
#ifndef TP_CLI_TABLE_H
#define TP_CLI_TABLE_H

#include "cli/output.h"

/* "Heading:  value", one line a column; what the object lacks is left out. */
TP_MUST_USE enum tp_rc tp_cli_table_record(FILE *out, const json_t *object, const struct tp_cli_column *columns);
/* Headings, then a line an object; "-" for what it lacks. */
TP_MUST_USE enum tp_rc tp_cli_table_list(FILE *out, const json_t *list, const struct tp_cli_column *columns);

#endif
