/* SPDX-License-Identifier: Apache-2.0
 *
 * The arguments of one call, checked against the row of the command table that they name.
 */
#ifndef TP_CLI_OPTIONS_H
#define TP_CLI_OPTIONS_H

#include "base/error.h"
#include "cli/command.h"

#define TP_CLI_VALUES_MAX   128
#define TP_CLI_OPERANDS_MAX 64

enum tp_cli_wish { TP_CLI_RUN, TP_CLI_HELP, TP_CLI_VERSION, TP_CLI_COMPLETION };

struct tp_cli_value {
    const struct tp_cli_option *option;
    const char *text; /* from argv; "" for flags */
    int64_t number;   /* INTEGER, DURATION and TIME in ms */
};

struct tp_cli_args {
    enum tp_cli_wish wish;
    const struct tp_cli_command *command; /* NULL with help for everything, or for a noun */
    const char *noun;                     /* as given, or NULL */
    const char *shell;                    /* with TP_CLI_COMPLETION */
    struct tp_cli_value values[TP_CLI_VALUES_MAX];
    size_t values_len;
    const char *operands[TP_CLI_OPERANDS_MAX];
    size_t operands_len;
};

/* ARGV[0] is skipped; strings stay the caller's. TP_USAGE with words. */
TP_MUST_USE enum tp_rc tp_cli_parse(int argc, char *const *argv, struct tp_error *error, struct tp_cli_args *ret_args);

/* Whether --json is among the words: known before they are checked, so that what is wrong with them is told in JSON. */
bool tp_cli_wants_json(int argc, char *const *argv);

/* Asking for an option that the command does not have is a mistake in the program: abort(). */
bool tp_cli_flag(const struct tp_cli_args *args, const char *name);
const char *tp_cli_text(const struct tp_cli_args *args, const char *name); /* NULL when not given */
int64_t tp_cli_number(const struct tp_cli_args *args, const char *name, int64_t fallback);
/* The INDEX-th value of an option that may be repeated; NULL past the last. */
const char *tp_cli_text_at(const struct tp_cli_args *args, const char *name, size_t index);
const char *tp_cli_operand(const struct tp_cli_args *args, size_t index); /* NULL when not given */

#endif
