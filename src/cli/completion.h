/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion scripts for shells, from the command table: `trustp11 --completion bash`. Those in conf/completion/ are
 * what this prints, and a test says so.
 */
#ifndef TP_CLI_COMPLETION_H
#define TP_CLI_COMPLETION_H

#include "base/error.h"

#include <stdio.h>

/* SHELL: bash, zsh or fish; TP_USAGE for others. */
TP_MUST_USE enum tp_rc tp_cli_completion(FILE *out, const char *shell, struct tp_error *error);

#endif
