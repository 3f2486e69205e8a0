/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/dormant.h"

#include "base/clock.h"
#include "engine/login.h"

#include <string.h>

static int64_t last_used_ms(const Tp__Engine__User *user)
{
    int64_t last_ms = user->created_ms;
    if (user->last_login_ms > last_ms)
        last_ms = user->last_login_ms;
    return user->renewed_ms > last_ms ? user->renewed_ms : last_ms;
}

bool tp_user_is_dormant(const Tp__Engine__User *user, int64_t span_ms, int64_t now_ms)
{
    return !user->closed && last_used_ms(user) <= now_ms - span_ms;
}

/* ---- officers ---- */

struct officers {
    struct tp_engine *engine;
    size_t count;
};

static bool is_officer(const Tp__Engine__User *user)
{
    for (size_t i = 0; i < user->n_roles; i++)
        if (strcmp(user->roles[i], tp_role_name(TP_ROLE_OFFICER)) == 0)
            return true;
    return false;
}

static bool can_act_as_officer(const struct tp_engine *engine, const Tp__Engine__User *user)
{
    return user->enrolled && !user->suspended && !user->closed && !tp_login_locked(engine, user) && is_officer(user);
}

static enum tp_rc count_each(void *context, const struct tp_ledger_record *record)
{
    struct officers *officers = context;
    Tp__Engine__User *user = tp__engine__user__unpack(NULL, record->content.len, record->content.data);
    if (user == NULL)
        return TP_STORE_DAMAGED;
    officers->count += can_act_as_officer(officers->engine, user);
    tp__engine__user__free_unpacked(user, NULL);
    return TP_OK;
}

/* A job that suspends who is dormant must not leave a deployment without anybody who could resume them. */
static enum tp_rc check_not_last(struct tp_call *call, const Tp__Engine__User *user)
{
    struct officers officers = {.engine = call->engine};
    uint64_t cursor = 0;
    if (!can_act_as_officer(call->engine, user))
        return TP_OK;
    TP_TRY(tp_ledger_each(call->engine->ledger, "user", NULL, &cursor, SIZE_MAX, &call->error, count_each, &officers));
    if (officers.count > 1)
        return TP_OK;
    return tp_error_set(&call->error, TP_REFUSED, "the last officer who can act is not suspended for being dormant");
}

enum tp_rc tp_user_check_dormant(struct tp_call *call, const Tp__Engine__User *user, int64_t span_ms)
{
    if (user->suspended || !tp_user_is_dormant(user, span_ms, tp_clock_utc_ms()))
        return tp_error_set(&call->error, TP_REFUSED, "the user is suspended already, or not dormant any more");
    return check_not_last(call, user);
}
