/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/session.h"

static const struct tp_cli_column columns[] = {
    {"user", "User"},
    {"until", "Until"},
    {"signatures_left", "Signatures left"},
    {NULL, NULL},
};

#define ANSWER_MS 10000 /* from the opening of a login to the moment when its answer is looked at */

/* Whether the login is shorter, or for fewer signatures, than was wished for. */
static bool is_cut(const struct tp_cli *cli, const Tp__Ipc__LoginReply *login)
{
    int64_t for_ms = tp_cli_number(&cli->args, "for", 0), signatures = tp_cli_number(&cli->args, "signatures", 0);
    return (for_ms > 0 && login->until_ms < tp_clock_utc_ms() + for_ms - ANSWER_MS) ||
           (login->signatures_left > 0 && login->signatures_left < signatures);
}

static enum tp_rc describe(struct tp_cli *cli, const char *user, const Tp__Ipc__LoginReply *login)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "user", user);
    tp_cli_put_time(cli, object, "until", login->until_ms, false);
    if (login->signatures_left > 0)
        tp_cli_put_count(cli, object, "signatures_left", login->signatures_left);
    tp_cli_put_flag(cli, object, "joined", login->joined);
    tp_cli_put_flag(cli, object, "cut", is_cut(cli, login));
    TP_TRY(tp_cli_emit_record(cli, object, columns));
    if (is_cut(cli, login))
        tp_cli_remark(cli, login->joined
                               ? "This joined the login that was open already, and ends with it; trustp11 logout first"
                               : "That is less than was asked for: the policy allows no more (trustp11 policy show)");
    return TP_OK;
}

enum tp_rc tp_cli_login(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__LoginRequest request = TP__IPC__LOGIN_REQUEST__INIT;
    TP_TRY(tp_cli_user(cli, &request.user));
    request.shared = true;
    request.for_ms = tp_cli_number(&cli->args, "for", 0);
    request.signatures = (uint32_t)tp_cli_number(&cli->args, "signatures", 0);
    TP_TRY(tp_cli_session_login(cli, &request, &reply));
    return describe(cli, request.user, (const void *)reply.message);
}

enum tp_rc tp_cli_logout(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__LogoutRequest request = TP__IPC__LOGOUT_REQUEST__INIT;
    TP_TRY(tp_cli_user(cli, &request.user));
    TP_TRY(tp_cli_call(cli, TP_OP_LOGOUT, &request.base, NULL, NULL, &reply));
    return tp_cli_emit_ok(cli, "%s: logged out", request.user);
}
