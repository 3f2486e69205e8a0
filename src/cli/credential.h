/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's keys, as the engine shows them to everybody.
 */
#ifndef TP_CLI_CREDENTIAL_H
#define TP_CLI_CREDENTIAL_H

#include "cli/cli.h"

/* RET_REPLY holds a Tp__Ipc__ObjectsReply. */
TP_MUST_USE enum tp_rc tp_cli_credentials(struct tp_cli *cli, char *user, struct tp_ipc_reply *ret_reply);
/* By id, or by label where only one has it. RET_CREDENTIAL lies in OBJECTS. */
TP_MUST_USE enum tp_rc tp_cli_credential_find(struct tp_cli *cli, const struct tp_ipc_reply *objects, const char *name,
                                              const Tp__Ipc__Credential **ret_credential);

#endif
