/* SPDX-License-Identifier: Apache-2.0
 *
 * The one-time enrolment code on its way to an officer: shown once, or written into a file for scripts.
 */
#ifndef TP_CLI_ENROLMENT_CODE_H
#define TP_CLI_ENROLMENT_CODE_H

#include "cli/cli.h"
#include "cli/file.h"

/* Where the code goes: the file of --code-file, made before the engine is asked, since a code that is lost means another
 * reset, and seen when the code is in it. Cleared on every way out. */
struct tp_cli_enrolment_code {
    const char *path; /* NULL: standard output */
    struct tp_cli_new_file *file;
};

TP_MUST_USE enum tp_rc tp_cli_enrolment_code_prepare(struct tp_cli *cli, struct tp_cli_enrolment_code *ret_place);
TP_MUST_USE enum tp_rc tp_cli_enrolment_code_give(struct tp_cli *cli, struct tp_cli_enrolment_code *place,
                                                  const char *user, const Tp__Ipc__UserAddReply *added,
                                                  const struct tp_secret *code);
void tp_cli_enrolment_code_clear(struct tp_cli_enrolment_code *place);

#endif
