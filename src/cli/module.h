/* SPDX-License-Identifier: Apache-2.0
 *
 * libtrustp11.so as a file: where it is, and whether a program could load it.
 */
#ifndef TP_CLI_MODULE_H
#define TP_CLI_MODULE_H

#include "cli/cli.h"

#include <limits.h>

#define TP_CLI_MODULE_FILE "libtrustp11.so"

enum tp_cli_module {
    TP_CLI_MODULE_OK,
    TP_CLI_MODULE_UNLOADABLE, /* is not there, is no library, or lacks one */
    TP_CLI_MODULE_OTHER_ARCH,
    TP_CLI_MODULE_NO_PKCS11,
    TP_CLI_MODULE_NOT_OURS,
    TP_CLI_MODULE_NOT_STARTING /* with the configuration that programs would find */
};

/* What --module names, or the installed one. */
void tp_cli_module_path(const struct tp_cli *cli, char ret_path[PATH_MAX]);
/* Loads it, as a program would. WORDS: what the loader has to say, or PATH itself. */
enum tp_cli_module tp_cli_module_look(const char *path, char *ret_words, size_t words_len);
/* Whether PATH is a library for a machine of another kind than this program's; false as well when it cannot be read. */
bool tp_cli_module_is_foreign(const char *path);
/* Whether a registration that names PATH means a libtrustp11.so, wherever that lies or lay. */
bool tp_cli_module_is_named(const char *path);

#endif
