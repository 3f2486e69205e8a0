/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of what is known of a person (RS-25, PA-18): the records of a closed account, and the name beside the log. What
 * the log holds is a salted hash, without its salt then: the entries stay, and verify, and speak of nobody.
 */
#include "engine/call.h"
#include "engine/edit.h"
#include "engine/people.h"

struct erasure {
    struct tp_edit *edit;
    unsigned factors;
};

static enum tp_rc erase_factor(void *context, const struct tp_ledger_record *record)
{
    struct erasure *erasure = context;
    erasure->factors++;
    return tp_edit_factor_delete(erasure->edit, record->id, record->version);
}

static enum tp_rc erase_all(struct tp_call *call, struct tp_user *user, struct erasure *erasure)
{
    uint64_t cursor = 0;
    TP_TRY(tp_ledger_each(call->engine->ledger, "factor", user->id, &cursor, SIZE_MAX, &call->error, erase_factor, erasure));
    for (struct tp_credential *at = user->credentials; at != NULL; at = at->next) /* closing has taken them: none */
        TP_TRY(tp_edit_key_delete(erasure->edit, at));
    TP_TRY(tp_edit_user_delete(erasure->edit, user));
    return tp_edit_text_erase(erasure->edit, tp_field(user->record->salt), user->name);
}

static enum tp_rc erase(struct tp_call *call, struct tp_user *user)
{
    const Tp__Ipc__UserRequest *message = (const Tp__Ipc__UserRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    if (!user->record->closed)
        return tp_error_set(&call->error, TP_NOT_PERMITTED, "the account is still open; close it first: trustp11 user close");
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_USER_ERASE, &edit));
    struct erasure erasure = {.edit = edit};
    TP_TRY(erase_all(call, user, &erasure));
    tp_edit_object(edit, "user", user->id);
    tp_edit_outcome(edit, "ok", message->reason);
    tp_edit_detail(edit, "factors %u", erasure.factors);
    TP_TRY(tp_edit_commit(edit, &call->error));
    return tp_call_done(call);
}

enum tp_rc tp_op_user_erase(struct tp_call *call)
{
    const Tp__Ipc__UserRequest *message = (const Tp__Ipc__UserRequest *)call->request->message;
    return tp_call_on_user(call, message->user, erase);
}
