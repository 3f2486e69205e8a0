/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands about keys share.
 */
#ifndef TP_CLI_KEY_H
#define TP_CLI_KEY_H

#include "cli/cli.h"

/* --id, in bytes; nothing without it. Appended. */
TP_MUST_USE enum tp_rc tp_cli_key_id(struct tp_cli *cli, struct tp_buf *ret_id);
/* Says which key the engine has made, from its KeyReply. */
TP_MUST_USE enum tp_rc tp_cli_key_made(struct tp_cli *cli, const struct tp_ipc_reply *reply);

#endif
