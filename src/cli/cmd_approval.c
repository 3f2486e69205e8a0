/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/prompt.h"

#include <string.h>

static const struct tp_cli_column columns[] = {
    {"id", "LOGIN"}, {"program", "PROGRAM"}, {"pid", "PROCESS"}, {"uid", "UID"}, {"since", "SINCE"}, {NULL, NULL},
};

static json_t *describe(struct tp_cli *cli, const Tp__Ipc__Approval *waiting)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "id", waiting->id);
    tp_cli_put_text(cli, object, "user", waiting->user);
    tp_cli_put_text(cli, object, "program", waiting->program);
    tp_cli_put_count(cli, object, "pid", waiting->pid);
    tp_cli_put_count(cli, object, "uid", waiting->uid);
    tp_cli_put_time(cli, object, "since", waiting->since_ms, false);
    return object;
}

static enum tp_rc ask_list(struct tp_cli *cli, char *user, struct tp_ipc_reply *ret_reply)
{
    Tp__Ipc__UserRequest request = TP__IPC__USER_REQUEST__INIT;
    request.user = user;
    return tp_cli_call(cli, TP_OP_APPROVAL_LIST, &request.base, NULL, NULL, ret_reply);
}

enum tp_rc tp_cli_approval_list(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    char *user;
    TP_TRY(tp_cli_user(cli, &user));
    TP_TRY(ask_list(cli, user, &reply));
    const Tp__Ipc__ApprovalListReply *waiting = (const void *)reply.message;
    json_t *list = json_array();
    for (size_t i = 0; i < waiting->n_approvals; i++)
        tp_cli_list_add(cli, list, describe(cli, waiting->approvals[i]));
    return tp_cli_emit_list(cli, list, columns, "no login waits");
}

/* The one that is named; without a name the only one that waits, so that nobody approves another than they mean. */
static enum tp_rc choose(struct tp_cli *cli, const Tp__Ipc__ApprovalListReply *waiting,
                         const Tp__Ipc__Approval **ret_chosen)
{
    const char *id = tp_cli_operand(&cli->args, 0);
    if (waiting->n_approvals == 0)
        return tp_error_set(&cli->error, TP_NOT_FOUND, "no login waits; begin one in the program first");
    if (id == NULL && waiting->n_approvals > 1)
        return tp_error_set(&cli->error, TP_USAGE, "%zu logins wait: say which one; trustp11 approval list shows them",
                            waiting->n_approvals);
    for (size_t i = 0; i < waiting->n_approvals; i++) {
        *ret_chosen = waiting->approvals[i];
        if (id == NULL || strcmp(id, waiting->approvals[i]->id) == 0)
            return TP_OK;
    }
    return tp_error_set(&cli->error, TP_NOT_FOUND, "%s: no such login waits, or no longer", id);
}

static enum tp_rc answer(struct tp_cli *cli, enum tp_ipc_op op, const Tp__Ipc__Approval *chosen,
                         const struct tp_secret *code)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__ApprovalRequest request = TP__IPC__APPROVAL_REQUEST__INIT;
    request.user = chosen->user;
    request.id = chosen->id;
    return tp_cli_call(cli, op, &request.base, code, NULL, &reply);
}

/* Runs OP for the login that is meant; people see which one before they are asked for a code. */
static enum tp_rc judge(struct tp_cli *cli, enum tp_ipc_op op, const char *done)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_secret *code TP_AUTO(tp_secret_free_p) = NULL;
    const Tp__Ipc__Approval *chosen = NULL;
    char *user;
    TP_TRY(tp_cli_user(cli, &user));
    TP_TRY(ask_list(cli, user, &reply));
    TP_TRY(choose(cli, (const void *)reply.message, &chosen));
    tp_cli_remark(cli, "%s wants to log in as %s (process %u of uid %u)", chosen->program, chosen->user, chosen->pid,
                  chosen->uid);
    if (op == TP_OP_APPROVAL_GIVE)
        TP_TRY(tp_cli_secret_ask(cli, "One-time code", NULL, &code));
    TP_TRY(answer(cli, op, chosen, code));
    return tp_cli_emit_ok(cli, "%s: %s", chosen->program, done);
}

enum tp_rc tp_cli_approval_give(struct tp_cli *cli)
{
    return judge(cli, TP_OP_APPROVAL_GIVE, "logged in");
}

enum tp_rc tp_cli_approval_refuse(struct tp_cli *cli)
{
    return judge(cli, TP_OP_APPROVAL_REFUSE, "refused");
}
