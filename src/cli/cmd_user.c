/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/enrolment_code.h"
#include "cli/prompt.h"
#include "cli/users.h"

#define ROLES_MAX TP_CLI_VALUES_MAX

static const struct tp_cli_column columns[] = {
    {"name", "USER"},        {"state", "STATE"},           {"roles", "ROLES"},  {"keys", "KEYS"}, {"locked", "LOCKED"},
    {"tries_left", "TRIES"}, {"last_login", "LAST LOGIN"}, {"display", "NAME"}, {NULL, NULL},
};

/* ---- acting on one user ---- */

static enum tp_rc act(struct tp_cli *cli, enum tp_ipc_op op, const char *question, struct tp_ipc_reply *ret_reply)
{
    Tp__Ipc__UserRequest request = TP__IPC__USER_REQUEST__INIT;
    if (question != NULL)
        TP_TRY(tp_cli_confirm(cli, question));
    request.user = (char *)(uintptr_t)tp_cli_operand(&cli->args, 0);
    const char *reason = tp_cli_text(&cli->args, "reason");
    request.reason = (char *)(uintptr_t)(reason == NULL ? "" : reason);
    return tp_cli_call(cli, op, &request.base, NULL, NULL, ret_reply);
}

static enum tp_rc act_and_say(struct tp_cli *cli, enum tp_ipc_op op, const char *question, const char *what)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    TP_TRY(act(cli, op, question, &reply));
    return tp_cli_emit_ok(cli, "%s: %s", tp_cli_operand(&cli->args, 0), what);
}

enum tp_rc tp_cli_user_suspend(struct tp_cli *cli)
{
    const bool dormant = tp_cli_text(&cli->args, "dormant") != NULL;
    if (dormant == (tp_cli_operand(&cli->args, 0) != NULL))
        return tp_error_set(&cli->error, TP_USAGE, "say who: a user, or --dormant TIME for all who are dormant");
    if (dormant)
        return tp_cli_user_suspend_dormant(cli);
    return act_and_say(cli, TP_OP_USER_SUSPEND, NULL, "suspended; trustp11 user resume lets them sign again");
}

enum tp_rc tp_cli_user_resume(struct tp_cli *cli)
{
    return act_and_say(cli, TP_OP_USER_RESUME, NULL, "may sign again");
}

enum tp_rc tp_cli_user_unlock(struct tp_cli *cli)
{
    return act_and_say(cli, TP_OP_USER_UNLOCK, NULL, "unlocked");
}

enum tp_rc tp_cli_user_close(struct tp_cli *cli)
{
    return act_and_say(cli, TP_OP_USER_CLOSE,
                       "This ends the account and destroys its keys; it cannot be undone. Go on?", "closed");
}

enum tp_rc tp_cli_user_erase(struct tp_cli *cli)
{
    return act_and_say(cli, TP_OP_USER_ERASE,
                       "This takes away all that is known of the user, and the name beside the audit log; it cannot be "
                       "undone. Go on?",
                       "erased");
}

/* ---- users with a new enrolment code ---- */

static enum tp_rc hand_out(struct tp_cli *cli, struct tp_cli_enrolment_code *place, const struct tp_ipc_reply *reply)
{
    return tp_cli_enrolment_code_give(cli, place, tp_cli_operand(&cli->args, 0), (const void *)reply->message,
                                      reply->secret);
}

enum tp_rc tp_cli_user_reset(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_cli_enrolment_code place TP_AUTO(tp_cli_enrolment_code_clear) = {.path = NULL};
    TP_TRY(tp_cli_enrolment_code_prepare(cli, &place));
    TP_TRY(act(cli, TP_OP_USER_RESET,
               "Keys are sealed with the PIN: with a new PIN the present keys cannot sign any more, and new keys and "
               "certificates are needed. Go on?",
               &reply));
    return hand_out(cli, &place, &reply);
}

/* The engine checks it, too; here it is known what the option is called. */
static enum tp_rc check_display(struct tp_cli *cli, const char *display)
{
    if (tp_text_check("--display", display, &cli->error) == TP_OK)
        return TP_OK;
    return cli->error.rc = TP_USAGE;
}

enum tp_rc tp_cli_user_add(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_cli_enrolment_code place TP_AUTO(tp_cli_enrolment_code_clear) = {.path = NULL};
    Tp__Ipc__UserAddRequest request = TP__IPC__USER_ADD_REQUEST__INIT;
    char *roles[ROLES_MAX];
    const char *role, *display = tp_cli_text(&cli->args, "display");
    request.user = (char *)(uintptr_t)tp_cli_operand(&cli->args, 0);
    request.display = (char *)(uintptr_t)(display == NULL ? "" : display);
    request.roles = roles;
    TP_TRY(check_display(cli, display));
    while ((role = tp_cli_text_at(&cli->args, "role", request.n_roles)) != NULL)
        roles[request.n_roles++] = (char *)(uintptr_t)role;
    TP_TRY(tp_cli_enrolment_code_prepare(cli, &place));
    TP_TRY(tp_cli_usage(cli, tp_cli_call(cli, TP_OP_USER_ADD, &request.base, NULL, NULL, &reply)));
    return hand_out(cli, &place, &reply);
}

/* ---- listing ---- */

static json_t *describe(struct tp_cli *cli, const Tp__Ipc__User *user)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "id", user->id);
    tp_cli_put_text(cli, object, "name", user->name);
    tp_cli_put_text(cli, object, "display", user->display);
    tp_cli_put_text(cli, object, "state", user->state);
    tp_cli_put_list(cli, object, "roles", user->roles, user->n_roles);
    tp_cli_put_text(cli, object, "factor", user->factor);
    tp_cli_put_count(cli, object, "keys", user->keys);
    tp_cli_put_flag(cli, object, "locked", user->locked);
    tp_cli_put_count(cli, object, "tries_left", user->tries_left);
    tp_cli_put_time(cli, object, "created", user->created_ms, false);
    tp_cli_put_time(cli, object, "last_login", user->last_login_ms, false);
    return object;
}

static enum tp_rc fetch_page(struct tp_cli *cli, Tp__Ipc__ListRequest *request, json_t *list)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    TP_TRY(tp_cli_call(cli, TP_OP_USER_LIST, &request->base, NULL, NULL, &reply));
    const Tp__Ipc__UserListReply *page = (const void *)reply.message;
    for (size_t i = 0; i < page->n_users; i++)
        tp_cli_list_add(cli, list, describe(cli, page->users[i]));
    request->cursor = page->cursor;
    return TP_OK;
}

enum tp_rc tp_cli_users(struct tp_cli *cli, const char *name, json_t *list)
{
    Tp__Ipc__ListRequest request = TP__IPC__LIST_REQUEST__INIT;
    request.user = (char *)(uintptr_t)name;
    request.dormant_ms = tp_cli_number(&cli->args, "dormant", 0);
    enum tp_rc rc;
    do
        rc = fetch_page(cli, &request, list);
    while (rc == TP_OK && request.cursor != 0);
    return rc;
}

enum tp_rc tp_cli_user_list(struct tp_cli *cli)
{
    const char *user = tp_cli_operand(&cli->args, 0);
    json_t *list = json_array();
    enum tp_rc rc = tp_cli_users(cli, user == NULL ? "" : user, list);
    if (rc != TP_OK) {
        json_decref(list);
        return rc;
    }
    return tp_cli_emit_list(cli, list, columns,
                            tp_cli_text(&cli->args, "dormant") != NULL ? "nobody is dormant for that long"
                                                                       : "no users yet; trustp11 user add makes one");
}
