/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's keys, once they are there: one of the states that the policy knows (RS-5, RS-16), and what they may sign without a
 * certificate. How they come about is in key_make.c.
 */
#include "engine/key.h"

#include "base/clock.h"
#include "engine/authorisation.h"
#include "engine/edit.h"
#include "engine/people.h"
#include "engine/vault.h"
#include "pki/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CKA_ID_MAX 64
#define LABEL_MAX 128

/* ---- view ---- */

enum tp_rc tp_key_view_locked(const struct tp_credential *credential, struct tp_key_view *ret_view)
{
    struct tp_key_view *view = ret_view;
    memset(view, 0, sizeof *view);
    view->record = (Tp__Engine__Key *)tp_record_copy(&credential->record->base);
    if (view->record == NULL)
        return TP_MEMORY;
    snprintf(view->id, sizeof view->id, "%s", credential->id);
    snprintf(view->label, sizeof view->label, "%s", credential->label);
    const Tp__Engine__Key *record = view->record;
    tp__ipc__credential__init(&view->message);
    view->message.id = view->id;
    view->message.cka_id = record->cka_id;
    view->message.label = view->label;
    view->message.key_type = (char *)(uintptr_t)tp_hsm_key_type_name((enum tp_hsm_key_type)record->type);
    view->message.spki = record->spki;
    if (record->n_certificates > 0)
        view->message.certificate = record->certificates[0];
    if (record->n_certificates > 1) {
        view->message.chain = record->certificates + 1;
        view->message.n_chain = record->n_certificates - 1;
    }
    view->message.state = (char *)(uintptr_t)tp_policy_state_name((enum tp_policy_state)record->state);
    view->message.pending = record->pending;
    view->message.created_ms = record->created_ms;
    view->message.reason = record->reason;
    view->message.always_authenticate = record->always_authenticate;
    view->message.certificate_label = record->certificate_label;
    view->message.imported = record->imported;
    return TP_OK;
}

void tp_key_view_clear(struct tp_key_view *view)
{
    if (view->record != NULL)
        tp__engine__key__free_unpacked(view->record, NULL);
    view->record = NULL;
}

void tp_key_answer(struct tp_call *call, struct tp_credential *credential)
{
    Tp__Ipc__KeyReply reply = TP__IPC__KEY_REPLY__INIT;
    struct tp_key_view view;
    pthread_mutex_lock(&call->engine->lock);
    enum tp_rc rc = tp_key_view_locked(credential, &view);
    pthread_mutex_unlock(&call->engine->lock);
    if (rc != TP_OK) {
        tp_ipc_refuse(call->request, rc, NULL, 0);
        return;
    }
    reply.credential = &view.message;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    tp_key_view_clear(&view);
}

enum tp_rc tp_key_with(struct tp_call *call, const char *user_name, const char *name, tp_key_fn *function)
{
    struct tp_user *user = NULL;
    TP_TRY(tp_call_turn(call, user_name, &user));
    pthread_mutex_lock(&call->engine->lock);
    struct tp_credential *credential = tp_people_credential(user, name);
    pthread_mutex_unlock(&call->engine->lock);
    enum tp_rc rc = credential == NULL
                        ? tp_error_set(&call->error, TP_NOT_FOUND, "%s", tp_people_no_credential(user))
                        : function(call, user, credential); /* it cannot go away while we have the turn */
    tp_people_release_turn(call->engine, user);
    return rc;
}

/* ---- names ---- */

enum tp_rc tp_key_check_label(struct tp_call *call, const char *label)
{
    size_t len = strlen(label);
    if (len > 0 && len <= LABEL_MAX)
        return TP_OK;
    return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a key needs a label of 1 to %d bytes", LABEL_MAX);
}

/* Programs that choose a key by CKA_ID must find one. */
enum tp_rc tp_key_check_id(struct tp_call *call, const struct tp_user *user, const struct tp_credential *credential,
                           struct tp_bytes cka_id)
{
    if (cka_id.len > CKA_ID_MAX)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "an id has at most %d bytes", CKA_ID_MAX);
    for (const struct tp_credential *at = user->credentials; at != NULL; at = at->next)
        if (at != credential && tp_bytes_equal(tp_field(at->record->cka_id), cka_id))
            return tp_error_set(&call->error, TP_EXISTS, "another key of the user has that id already; choose another");
    return TP_OK;
}

enum tp_rc tp_key_label_exists(struct tp_call *call, const char *label)
{
    return tp_error_set(&call->error, TP_EXISTS, "the user has a key with the label \"%s\" already; choose another", label);
}

/* ---- states ---- */

/* Who may lead from where to where. Revoked is for good. */
static const struct transition {
    enum tp_policy_state from, to;
    bool owner; /* the owner may do it too: a key is stopped at once (RS-16) */
} transitions[] = {
    {TP_STATE_ACTIVE, TP_STATE_SUSPENDED, true},    {TP_STATE_ACTIVE, TP_STATE_DOUBT, true},
    {TP_STATE_ACTIVE, TP_STATE_REVOKED, false},     {TP_STATE_SUSPENDED, TP_STATE_ACTIVE, false},
    {TP_STATE_SUSPENDED, TP_STATE_DOUBT, true},     {TP_STATE_SUSPENDED, TP_STATE_REVOKED, false},
    {TP_STATE_DOUBT, TP_STATE_ACTIVE, false},       {TP_STATE_DOUBT, TP_STATE_SUSPENDED, false},
    {TP_STATE_DOUBT, TP_STATE_REVOKED, false},
};

static bool owner_may_make(enum tp_policy_state to)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
        if (transitions[i].to == to && transitions[i].owner)
            return true;
    return false;
}

static enum tp_rc check_transition(struct tp_call *call, enum tp_policy_state from, enum tp_policy_state to)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++) {
        if (transitions[i].from != from || transitions[i].to != to)
            continue;
        if (call->role != TP_ROLE_OWNER || transitions[i].owner || tp_call_act_as_officer(call))
            return TP_OK;
        return tp_error_set(&call->error, TP_NOT_PERMITTED, "only an officer can make a key %s", tp_policy_state_name(to));
    }
    if (from == to)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the key's state is \"%s\" already", tp_policy_state_name(to));
    return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a key in state \"%s\" cannot be made \"%s\"; see: trustp11 key list",
                        tp_policy_state_name(from), tp_policy_state_name(to));
}

static enum tp_rc set_state(struct tp_call *call, struct tp_user *user, struct tp_credential *credential)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    enum tp_policy_state to = TP_STATE_DELETED;
    (void)user;
    if (tp_policy_state_parse(message->state, &to) != TP_OK || to == TP_STATE_DELETED || to == TP_STATE_PENDING)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a key is made active, suspended, doubt or revoked");
    if (call->role == TP_ROLE_OWNER && !owner_may_make(to))
        (void)tp_call_act_as_officer(call); /* whether or not it succeeds: it is not the owner's to do */
    TP_TRY(check_transition(call, (enum tp_policy_state)credential->record->state, to));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_KEY_STATE, &edit));
    Tp__Engine__Key *record = tp_edit_key(edit, credential);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    record->state = (uint32_t)to;
    TP_TRY(tp_field_text(&record->reason, message->reason));
    tp_edit_object(edit, "credential", credential->id);
    tp_edit_outcome(edit, "ok", message->reason);
    tp_edit_detail(edit, "state %s", tp_policy_state_name(to));
    TP_TRY(tp_edit_commit(edit, &call->error));
    tp_key_answer(call, credential);
    return TP_OK;
}

enum tp_rc tp_op_key_state(struct tp_call *call)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    return tp_key_with(call, message->user, message->credential, set_state);
}

/* Whoever stopped an imported key would find it back, and good, by the copy that its owner has. */
static enum tp_rc check_stays_stopped(struct tp_call *call, const struct tp_credential *credential)
{
    const Tp__Engine__Key *record = credential->record;
    if (!record->imported || record->state == TP_STATE_ACTIVE || call->role != TP_ROLE_OWNER || tp_call_act_as_officer(call))
        return TP_OK;
    return tp_error_set(&call->error, TP_NOT_PERMITTED,
                        "only an officer can delete an imported key that was stopped: it could be imported again");
}

static enum tp_rc delete_key(struct tp_call *call, struct tp_user *user, struct tp_credential *credential)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    char id[TP_ID_LEN];
    memcpy(id, credential->id, sizeof id);
    TP_TRY(tp_call_owner_may(call, TP_OWNER_DELETE));
    TP_TRY(check_stays_stopped(call, credential));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_KEY_DELETE, &edit));
    TP_TRY(tp_edit_key_delete(edit, credential));
    tp_edit_object(edit, "credential", id);
    tp_edit_outcome(edit, "ok", message->reason);
    tp_edit_detail(edit, "of user %s", user->id);
    TP_TRY(tp_edit_commit(edit, &call->error));
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_key_delete(struct tp_call *call)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    return tp_key_with(call, message->user, message->credential, delete_key);
}

/* ---- change ---- */

/* Labels are personal (RS-25): the log says what was changed, not into what. */
static enum tp_rc put_changes(struct tp_call *call, struct tp_edit *edit, struct tp_credential *credential)
{
    const Tp__Ipc__KeyChangeRequest *message = (const Tp__Ipc__KeyChangeRequest *)call->request->message;
    Tp__Engine__Key *record = tp_edit_key(edit, credential);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    if (message->label[0] != '\0')
        tp_edit_key_rename(edit, credential, message->label);
    if (message->cka_id.len > 0)
        TP_TRY(tp_field_bytes(&record->cka_id, tp_field(message->cka_id)));
    if (message->certificate_label[0] != '\0')
        TP_TRY(tp_field_text(&record->certificate_label, message->certificate_label));
    tp_edit_object(edit, "credential", credential->id);
    tp_edit_detail(edit, "changed:%s%s%s", message->label[0] != '\0' ? " label" : "", message->cka_id.len > 0 ? " id" : "",
                   message->certificate_label[0] != '\0' ? " certificate-label" : "");
    return TP_OK;
}

static enum tp_rc check_changes(struct tp_call *call, const struct tp_user *user, const struct tp_credential *credential)
{
    const Tp__Ipc__KeyChangeRequest *message = (const Tp__Ipc__KeyChangeRequest *)call->request->message;
    if (message->label[0] == '\0' && message->cka_id.len == 0 && message->certificate_label[0] == '\0')
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "nothing to change: give a label or an id");
    if (message->label[0] != '\0')
        TP_TRY(tp_key_check_label(call, message->label));
    if (message->certificate_label[0] != '\0')
        TP_TRY(tp_key_check_label(call, message->certificate_label));
    return message->cka_id.len == 0 ? TP_OK : tp_key_check_id(call, user, credential, tp_field(message->cka_id));
}

static enum tp_rc change(struct tp_call *call, struct tp_user *user, struct tp_credential *credential)
{
    const Tp__Ipc__KeyChangeRequest *message = (const Tp__Ipc__KeyChangeRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    TP_TRY(tp_call_owner_may(call, TP_OWNER_CHANGE));
    TP_TRY(check_changes(call, user, credential));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_KEY_CHANGE, &edit));
    TP_TRY(put_changes(call, edit, credential));
    enum tp_rc rc = tp_edit_commit(edit, &call->error);
    if (rc == TP_EXISTS)
        return tp_key_label_exists(call, message->label);
    TP_TRY(rc);
    tp_key_answer(call, credential);
    return TP_OK;
}

enum tp_rc tp_op_key_change(struct tp_call *call)
{
    const Tp__Ipc__KeyChangeRequest *message = (const Tp__Ipc__KeyChangeRequest *)call->request->message;
    return tp_key_with(call, message->user, message->credential, change);
}
