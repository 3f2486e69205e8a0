/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts that nobody uses: found, and suspended one by one, so that each has an entry of its own in the log (RS-23).
 */
#include "cli/prompt.h"
#include "cli/users.h"

#include <string.h>

#define NAMES_SHOWN 10 /* in the question */

static const struct tp_cli_column columns[] = {{"name", "USER"}, {"result", "RESULT"}, {NULL, NULL}};

static bool is_active(const json_t *user)
{
    return strcmp(json_string_value(json_object_get(user, "state")), "suspended") != 0;
}

/* Those who are not suspended yet, of LIST. */
static json_t *pick(struct tp_cli *cli, const json_t *list)
{
    json_t *picked = json_array();
    for (size_t i = 0; i < json_array_size(list); i++)
        if (is_active(json_array_get(list, i)))
            tp_cli_list_add(cli, picked, json_incref(json_array_get(list, i)));
    return picked;
}

static const char *name_at(const json_t *list, size_t at)
{
    return json_string_value(json_object_get(json_array_get(list, at), "name"));
}

static enum tp_rc ask(struct tp_cli *cli, const json_t *picked)
{
    struct tp_buf question TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const size_t count = json_array_size(picked);
    if (count == 0)
        return TP_OK;
    TP_TRY(tp_buf_printf(&question, "This suspends %zu dormant user%s:", count, count == 1 ? "" : "s"));
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++)
        TP_TRY(tp_buf_printf(&question, "%s %s", i > 0 ? "," : "", name_at(picked, i)));
    TP_TRY(tp_buf_printf(&question, "%s. Go on?", count > NAMES_SHOWN ? ", …" : ""));
    return tp_cli_confirm(cli, tp_buf_string(&question));
}

/* The engine looks again, at each: who has logged in meanwhile is left alone, and so is the last officer. */
static enum tp_rc suspend_one(struct tp_cli *cli, const char *name, json_t *results)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__UserRequest request = TP__IPC__USER_REQUEST__INIT;
    const char *reason = tp_cli_text(&cli->args, "reason");
    request.user = (char *)(uintptr_t)name;
    request.reason = (char *)(uintptr_t)(reason == NULL ? "dormant" : reason);
    request.dormant_ms = tp_cli_number(&cli->args, "dormant", 0);
    enum tp_rc rc = tp_cli_call(cli, TP_OP_USER_SUSPEND, &request.base, NULL, NULL, &reply);
    if (rc != TP_OK && rc != TP_REFUSED)
        return rc;
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "name", name);
    tp_cli_put_flag(cli, object, "suspended", rc == TP_OK);
    tp_cli_put_text(cli, object, "result", rc == TP_OK ? "suspended" : tp_error_words(&cli->error));
    tp_cli_list_add(cli, results, object);
    tp_error_clear(&cli->error);
    return TP_OK;
}

static enum tp_rc suspend_all(struct tp_cli *cli, const json_t *picked)
{
    json_t *results = json_array();
    enum tp_rc rc = ask(cli, picked);
    for (size_t i = 0; rc == TP_OK && i < json_array_size(picked); i++)
        rc = suspend_one(cli, name_at(picked, i), results);
    if (rc == TP_OK)
        return tp_cli_emit_list(cli, results, columns, "nobody is dormant for that long");
    json_decref(results);
    return rc;
}

enum tp_rc tp_cli_user_suspend_dormant(struct tp_cli *cli)
{
    json_t *list = json_array();
    enum tp_rc rc = tp_cli_users(cli, "", list);
    json_t *picked = pick(cli, list);
    if (rc == TP_OK)
        rc = suspend_all(cli, picked);
    json_decref(picked);
    json_decref(list);
    return rc;
}
