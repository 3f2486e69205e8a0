/* SPDX-License-Identifier: Apache-2.0
 *
 * --help, at every level, from the command table.
 */
#ifndef TP_CLI_HELP_H
#define TP_CLI_HELP_H

#include "cli/options.h"

#include <stdio.h>

/* For the whole program, for a noun, or for one command: as far as ARGS got. */
void tp_cli_help(FILE *out, const struct tp_cli_args *args);

#endif
