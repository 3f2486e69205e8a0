/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs of `trustp11 user` share.
 */
#ifndef TP_CLI_USERS_H
#define TP_CLI_USERS_H

#include "cli/output.h"

/* Adds the users to LIST, or the one called NAME unless ""; with --dormant only those. */
TP_MUST_USE enum tp_rc tp_cli_users(struct tp_cli *cli, const char *name, json_t *list);
/* user suspend --dormant */
TP_MUST_USE enum tp_rc tp_cli_user_suspend_dormant(struct tp_cli *cli);

#endif
