/* SPDX-License-Identifier: Apache-2.0
 *
 * trustp11d, for deployments that spawn it.
 */
#ifndef TP_CLI_ENGINE_PROGRAM_H
#define TP_CLI_ENGINE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* Whether the trustp11d that belongs to this program is another than the installed one, which is found without being
 * named; then RET_PATH is its. */
bool tp_cli_engine_program_find(char ret_path[PATH_MAX]);

#endif
