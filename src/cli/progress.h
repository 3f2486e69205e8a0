/* SPDX-License-Identifier: Apache-2.0
 *
 * What people see while they wait: nothing for the first second, then a bar where the end is known, or the seconds that
 * have passed. Only on a terminal. Drawn by a thread of its own, since what one waits for is often a single call.
 */
#ifndef TP_CLI_PROGRESS_H
#define TP_CLI_PROGRESS_H

#include "cli/cli.h"

struct tp_cli_progress;

/* NULL when there is nobody to see it (or no memory for it): the others do nothing then. LABEL is copied. */
struct tp_cli_progress *tp_cli_progress_begin(const struct tp_cli *cli, const char *label);
/* WHAT replaces the label; NULL keeps it. From any thread. */
void tp_cli_progress_update(struct tp_cli_progress *progress, uint64_t done, uint64_t total, const char *what);
void tp_cli_progress_end(struct tp_cli_progress *progress); /* takes the line away, and releases */

/* The line as it is drawn, for WIDTH columns: "label  [#####     ]  50 %". */
void tp_cli_progress_line(char *ret_line, size_t ret_line_len, const char *label, uint64_t done, uint64_t total,
                          int64_t passed_ms);

#endif
