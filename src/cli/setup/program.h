/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs of others: where they are, and running one. No shell is between us and them.
 */
#ifndef TP_CLI_SETUP_PROGRAM_H
#define TP_CLI_SETUP_PROGRAM_H

#include "base/bytes.h"
#include "base/error.h"

#include <limits.h>

/* Whether NAME is in $PATH (or in /usr/bin and /usr/sbin, when there is none), and where. */
bool tp_setup_program_find(const char *name, char ret_path[PATH_MAX]);
/* Runs ARGV, found in $PATH, with nothing to read; TP_NOT_FOUND when there is no such program; TP_IO, with the last
 * line that it has said, when it fails. */
TP_MUST_USE enum tp_rc tp_setup_program_run(const char *const *argv, struct tp_error *error);

#endif
