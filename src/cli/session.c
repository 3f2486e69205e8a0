/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"
#include "cli/output.h"
#include "cli/prompt.h"

#include <string.h>

static enum tp_rc refuse_state(struct tp_cli *cli, const char *user, const Tp__Ipc__TokenReply *token)
{
    if (token->suspended)
        return tp_error_set(&cli->error, TP_REFUSED, "%s is suspended, or closed for good; ask an officer", user);
    if (!token->enrolled)
        return tp_error_set(&cli->error, TP_NOT_ENROLLED,
                            "%s has no PIN and second factor yet; trustp11 enrol --user %s sets them", user, user);
    if (token->locked)
        return tp_error_set(
            &cli->error, TP_PIN_LOCKED,
            "%s is locked after too many wrong tries; an officer can unlock it: trustp11 user unlock %s", user, user);
    return TP_OK;
}

enum tp_rc tp_cli_session_check(struct tp_cli *cli, char *user, struct tp_cli_terms *ret_terms)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    request.user = user;
    TP_TRY(tp_cli_call(cli, TP_OP_TOKEN, &request.base, NULL, NULL, &reply));
    const Tp__Ipc__TokenReply *token = (const void *)reply.message;
    *ret_terms = (struct tp_cli_terms){.approval = token->approval, .code_digits = token->code_digits};
    return refuse_state(cli, user, token);
}

enum tp_rc tp_cli_session_login(struct tp_cli *cli, const Tp__Ipc__LoginRequest *request,
                                struct tp_ipc_reply *ret_reply)
{
    struct tp_secret *secret TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_cli_terms terms;
    TP_TRY(tp_cli_session_check(cli, request->user, &terms));
    if (!terms.approval) {
        TP_TRY(tp_cli_secret_ask_login(cli, "PIN", terms.code_digits, &secret));
    } else {
        TP_TRY(tp_cli_secret_ask(cli, "PIN", "pin-file", &secret));
        tp_cli_remark(cli, "Waiting for approval; give it in another place: trustp11 approval give --user %s",
                      request->user);
    }
    return tp_cli_call(cli, TP_OP_LOGIN, &request->base, secret, NULL, ret_reply);
}

static enum tp_rc is_open(struct tp_cli *cli, char *user, bool *ret_open)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__AuthorisationRequest request = TP__IPC__AUTHORISATION_REQUEST__INIT;
    request.user = user;
    TP_TRY(tp_cli_call(cli, TP_OP_AUTHORISATION, &request.base, NULL, NULL, &reply));
    *ret_open = ((const Tp__Ipc__AuthorisationReply *)(const void *)reply.message)->open;
    return TP_OK;
}

enum tp_rc tp_cli_session_begin(struct tp_cli *cli, char *user, struct tp_cli_session *ret_session)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__LoginRequest request = TP__IPC__LOGIN_REQUEST__INIT;
    struct tp_cli_session session = {.cli = cli, .user = user};
    bool open = false;
    TP_TRY(is_open(cli, user, &open));
    if (!open) {
        request.user = user;
        TP_TRY(tp_cli_session_login(cli, &request, &reply));
        const Tp__Ipc__LoginReply *login = (const void *)reply.message;
        if (strlen(login->authorisation) >= sizeof session.id)
            return tp_error_set(&cli->error, TP_INTERNAL, "the engine's name for the login is too long");
        strcpy(session.id, login->authorisation);
    }
    *ret_session = session;
    return TP_OK;
}

void tp_cli_session_end(struct tp_cli_session *session)
{
    if (session->id[0] == '\0')
        return;
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__LogoutRequest request = TP__IPC__LOGOUT_REQUEST__INIT;
    struct tp_error kept = session->cli->error; /* of what was done with it: that is what people want to hear */
    request.user = session->user;
    request.authorisation = session->id;
    enum tp_rc rc = tp_cli_call(session->cli, TP_OP_LOGOUT, &request.base, NULL, NULL, &reply);
    session->cli->error = kept; /* it ends with the connection in any case */
    (void)rc;
}
