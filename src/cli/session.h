/* SPDX-License-Identifier: Apache-2.0
 *
 * Proving to the engine who one is, for the commands that need it.
 */
#ifndef TP_CLI_SESSION_H
#define TP_CLI_SESSION_H

#include "cli/cli.h"

/* How USER logs in, so that nobody types a PIN in vain; the engine checks all of it again. Refuses who cannot. */
struct tp_cli_terms {
    bool approval;        /* the PIN alone, and then the login waits for its owner's word */
    unsigned code_digits; /* of a one-time code */
};
TP_MUST_USE enum tp_rc tp_cli_session_check(struct tp_cli *cli, char *user, struct tp_cli_terms *ret_terms);
/* Asks for PIN and one-time code and logs in as REQUEST says. Refuses before asking when the user cannot log in. */
TP_MUST_USE enum tp_rc tp_cli_session_login(struct tp_cli *cli, const Tp__Ipc__LoginRequest *request,
                                            struct tp_ipc_reply *ret_reply);

/* The authorisation for one command: what `trustp11 login` has opened (id empty), or one of its own, which
 * tp_cli_session_end closes again. */
struct tp_cli_session {
    struct tp_cli *cli;
    char *user;
    char id[64];
};
TP_MUST_USE enum tp_rc tp_cli_session_begin(struct tp_cli *cli, char *user, struct tp_cli_session *ret_session);
void tp_cli_session_end(struct tp_cli_session *session);

#endif
