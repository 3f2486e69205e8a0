/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/session.h"

enum tp_rc tp_cli_pin_change(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_secret *present TP_AUTO(tp_secret_free_p) = NULL, *fresh TP_AUTO(tp_secret_free_p) = NULL;
    Tp__Ipc__PinChangeRequest request = TP__IPC__PIN_CHANGE_REQUEST__INIT;
    struct tp_cli_terms terms;
    TP_TRY(tp_cli_user(cli, &request.user));
    TP_TRY(tp_cli_session_check(cli, request.user, &terms));
    if (cli->terminal)
        tp_cli_remark(cli,
                      "The new PIN seals your keys. Nobody can recover it: if it is forgotten, the keys are lost.");
    TP_TRY(tp_cli_secret_ask_login(cli, "Present PIN", terms.code_digits, &present));
    TP_TRY(tp_cli_secret_ask_new(cli, "New PIN", "new-pin-file", &fresh));
    TP_TRY(tp_cli_call(cli, TP_OP_PIN_CHANGE, &request.base, present, fresh, &reply));
    return tp_cli_emit_ok(cli, "%s: the new PIN holds from now on", request.user);
}
