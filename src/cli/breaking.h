/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that do one document after the other are broken off by a signal, or by an error that all others would meet: what is
 * under way is finished, and what is done is told.
 */
#ifndef TP_CLI_BREAKING_H
#define TP_CLI_BREAKING_H

#include "cli/cli.h"

#include <signal.h>

#define TP_CLI_BREAKING_LEN 3 /* SIGINT, SIGTERM, SIGHUP */

struct tp_cli_breaking {
    struct sigaction before[TP_CLI_BREAKING_LEN];
};
/* From here on the signals are noted; the second of a kind ends the process. What is ignored, as under nohup, stays so. */
void tp_cli_breaking_begin(struct tp_cli_breaking *ret_breaking);
void tp_cli_breaking_end(const struct tp_cli_breaking *breaking);
bool tp_cli_broken_off(void); /* by a signal since begin */
/* What the next document would only meet again: the login is over, the HSM or all TSAs are away, the disk is full. */
bool tp_cli_fails_for_all(enum tp_rc rc);
/* Says that documents are left, by STOP, or a signal when that is OK. */
void tp_cli_breaking_say(struct tp_cli *cli, const struct tp_error *stop);

#endif
