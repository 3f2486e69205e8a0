/* SPDX-License-Identifier: Apache-2.0
 *
 * A token as it is after C_InitToken: a label, no object, no PIN. The second factor stays: it is the person's, not the token's,
 * and an officer who sets the first PIN (pin_init.c) does not have it. Whoever has lost it needs `trustp11 user reset`. A user
 * who is not there yet is added.
 */
#include "engine/account.h"
#include "engine/authorisation.h"

#include <string.h>

static const Tp__Ipc__TokenInitRequest *message_of(const struct tp_call *call)
{
    return (const Tp__Ipc__TokenInitRequest *)call->request->message;
}

static void answer(struct tp_call *call, unsigned keys_lost, bool added)
{
    Tp__Ipc__TokenInitReply reply = TP__IPC__TOKEN_INIT_REPLY__INIT;
    reply.keys_lost = keys_lost;
    reply.added = added;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
}

/* An enrolment that is open stays so, that nothing given up before comes back into use, but its code is good no more. */
static enum tp_rc clear(Tp__Engine__User *record)
{
    TP_TRY(tp_field_bytes(&record->pin_verifier, TP_BYTES_NONE));
    TP_TRY(tp_field_bytes(&record->uwk, TP_BYTES_NONE));
    record->enrolled = record->pin_initial = false;
    record->enrol_until_ms = 0;
    tp_account_renew(record);
    return TP_OK;
}

static enum tp_rc init_token(struct tp_call *call, struct tp_user *user)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    unsigned keys = 0;
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_TOKEN_INIT, &edit));
    Tp__Engine__User *record = tp_edit_user(edit, user);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    TP_TRY(tp_account_not_closed(call, record));
    TP_TRY(tp_account_delete_keys(edit, user, &keys));
    TP_TRY(tp_account_delete_beside(edit, user));
    TP_TRY(clear(record));
    TP_TRY(tp_field_text(&record->label, message_of(call)->label));
    tp_edit_object(edit, "user", user->id);
    tp_edit_detail(edit, "keys lost %u", keys);
    tp_authorisation_end_user(call->engine, user, "token.init");
    TP_TRY(tp_edit_commit(edit, &call->error));
    answer(call, keys, false);
    return TP_OK;
}

static enum tp_rc add(struct tp_call *call)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    Tp__Engine__User *record = NULL;
    char id[TP_ID_LEN];
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_TOKEN_INIT, &edit));
    TP_TRY(tp_account_begin(call, edit, message_of(call)->user, id, &record));
    TP_TRY(tp_field_text(&record->label, message_of(call)->label));
    tp_edit_detail(edit, "added");
    TP_TRY(tp_account_commit_new(call, edit, message_of(call)->user));
    answer(call, 0, true);
    return TP_OK;
}

enum tp_rc tp_op_token_init(struct tp_call *call)
{
    if (strlen(message_of(call)->label) > TP_TOKEN_LABEL_LEN)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a token's label has at most %d bytes", TP_TOKEN_LABEL_LEN);
    enum tp_rc rc = tp_call_on_user(call, message_of(call)->user, init_token);
    return rc == TP_NOT_FOUND ? add(call) : rc;
}
