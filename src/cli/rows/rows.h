/* SPDX-License-Identifier: Apache-2.0
 *
 * How the rows of the table of subcommands are written: one file of rows a group of nouns, joined in command.c.
 */
#ifndef TP_CLI_ROWS_ROWS_H
#define TP_CLI_ROWS_ROWS_H

#include "cli/command.h"
#include "cli/commands.h"

struct tp_cli_rows {
    const struct tp_cli_command *commands;
    size_t len;
};
#define TP_CLI_ROWS(name) const struct tp_cli_rows name = {rows, sizeof rows / sizeof rows[0]}

/* clang-format off */
#define FLAG(n, w)              {.name = n, .kind = TP_CLI_FLAG, .words = w}
#define TEXT(n, a, w)           {.name = n, .kind = TP_CLI_TEXT, .argument = a, .words = w}
#define TEXTS(n, a, w)          {.name = n, .kind = TP_CLI_TEXT, .argument = a, .words = w, .repeated = true}
#define A_FILE(n, w)            {.name = n, .kind = TP_CLI_FILE, .argument = "FILE", .words = w}
#define NUMBER(n, a, w, lo, hi) {.name = n, .kind = TP_CLI_INTEGER, .argument = a, .words = w, .min = lo, .max = hi}
#define SPAN(n, w)              {.name = n, .kind = TP_CLI_DURATION, .argument = "TIME", .words = w}
#define WHEN(n, w)              {.name = n, .kind = TP_CLI_TIME, .argument = "TIME", .words = w}
#define PAST(n, w)              {.name = n, .kind = TP_CLI_PAST, .argument = "TIME", .words = w}
#define CHOICE(n, w, c)         {.name = n, .kind = TP_CLI_CHOICE, .argument = "WORD", .words = w, .choices = c}
#define CHOICES(n, a, w, c)     {.name = n, .kind = TP_CLI_CHOICE, .argument = a, .words = w, .choices = c, .repeated = true}
#define OFFERED(n, a, w, o)     {.name = n, .kind = TP_CLI_TEXT, .argument = a, .words = w, .offers = o}
#define END                     {.name = NULL}
/* clang-format on */
#define OPTIONS(...) ((const struct tp_cli_option[]){__VA_ARGS__, END})
#define NO_OPTIONS   ((const struct tp_cli_option[]){END})

#define USER      TEXT("user", "USER", "whom it is about; default: the one user that the client configuration names")
#define REASON    TEXT("reason", "TEXT", "why; written to the audit log")
#define YES       FLAG("yes", "do not ask whether it is meant")
#define PIN_FILE  A_FILE("pin-file", "read the PIN from the first line of FILE, which only its owner may read")
#define MODULE    A_FILE("module", "path of libtrustp11.so; default: the installed one")

#define SECRETS                                                                                                        \
    "Secrets are asked for at the terminal, without echo. When standard input is not a terminal, they are read from "  \
    "it: one line a prompt, in the order of the prompts."

extern const struct tp_cli_rows tp_cli_rows_account, tp_cli_rows_key, tp_cli_rows_audit, tp_cli_rows_setup, tp_cli_rows_tsa;
extern const struct tp_cli_rows tp_cli_rows_pdf;

#endif
