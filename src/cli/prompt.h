/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets and answers from people. A secret is read without echo from the terminal straight into a tp_secret; or, when
 * standard input is not a terminal, from the next line there (so a script writes the lines in the order of the
 * prompts); or from the first line of the file that an option names. Never from arguments or the environment, which
 * others can see.
 */
#ifndef TP_CLI_PROMPT_H
#define TP_CLI_PROMPT_H

#include "cli/cli.h"

/* LABEL: "PIN", for the prompt and for errors. FILE_OPTION: name of the option that may name a file, or NULL. */
TP_MUST_USE enum tp_rc tp_cli_secret_ask(struct tp_cli *cli, const char *label, const char *file_option,
                                         struct tp_secret **ret_secret);
/* The same for a new secret: at a terminal it is asked for twice. */
TP_MUST_USE enum tp_rc tp_cli_secret_ask_new(struct tp_cli *cli, const char *label, const char *file_option,
                                             struct tp_secret **ret_secret);
/* "PIN" and "One-time code", as one secret in the form that the engine takes. DIGITS: of a code of this user (0: not known):
 * one that is shorter would be taken for a wrong PIN, and count as a try. */
TP_MUST_USE enum tp_rc tp_cli_secret_ask_login(struct tp_cli *cli, const char *pin_label, unsigned digits,
                                               struct tp_secret **ret_secret);
/* Whether a person says yes to QUESTION, or has said --yes. TP_REFUSED when not; TP_USAGE where nobody can be asked. */
TP_MUST_USE enum tp_rc tp_cli_confirm(struct tp_cli *cli, const char *question);
/* The first line from a descriptor: what a secret is read with. TP_NOT_FOUND at the end of input. */
TP_MUST_USE enum tp_rc tp_cli_secret_line(int fd, struct tp_secret **ret_secret);

#endif
