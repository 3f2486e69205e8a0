/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommands: one table (command.c) that parsing, --help, shell completion and the manual page's test all read.
 */
#ifndef TP_CLI_COMMAND_H
#define TP_CLI_COMMAND_H

#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tp_cli;

enum tp_cli_kind {
    TP_CLI_FLAG,
    TP_CLI_TEXT,
    TP_CLI_FILE,     /* a text that shells complete with file names */
    TP_CLI_INTEGER,  /* min..max */
    TP_CLI_DURATION, /* "15m": milliseconds */
    TP_CLI_TIME,     /* RFC 3339: UTC milliseconds */
    TP_CLI_PAST,     /* the same; or "1h": so long ago */
    TP_CLI_CHOICE    /* one of `choices`, separated by '|' */
};

struct tp_cli_option {
    const char *name; /* without the dashes; NULL ends a list */
    enum tp_cli_kind kind;
    const char *argument; /* "USER"; NULL for flags */
    const char *words;
    const char *choices;
    const char *offers; /* words that shells offer, separated by '|', where others are taken too; or NULL */
    int64_t min, max;
    bool repeated; /* may be given more than once */
};

struct tp_cli_command {
    const char *noun;
    const char *verb;     /* NULL: the noun stands alone */
    const char *operands; /* "USER", "[KEY]", "FILE...", "" */
    const char *words;    /* one line */
    const char *details;  /* what --help says besides; "" when there is nothing */
    const char *examples; /* lines, each a whole command */
    const struct tp_cli_option *options;
    enum tp_rc (*run)(struct tp_cli *cli);
};

/* Options that every command takes. */
extern const struct tp_cli_option tp_cli_global_options[];

size_t tp_cli_commands_len(void);
const struct tp_cli_command *tp_cli_command_at(size_t index);
/* NULL when there is none. VERB NULL finds a noun that stands alone. */
const struct tp_cli_command *tp_cli_command_find(const char *noun, const char *verb);
/* The first command with this noun, or NULL. */
const struct tp_cli_command *tp_cli_noun_find(const char *noun);
/* NULL when neither COMMAND (which may be NULL) nor the global options have it. */
const struct tp_cli_option *tp_cli_option_find(const struct tp_cli_command *command, const char *name, size_t name_len);

#endif
