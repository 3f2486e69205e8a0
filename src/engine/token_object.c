/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/token_object.h"

#include "engine/edit.h"
#include "engine/people.h"
#include "pki/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS_MOST 100  /* of a user: the token is for keys */
#define VALUE_MAX    8192 /* bytes */
#define TEXT_MAX     128  /* label, application */
#define ID_MAX       64   /* CKA_ID, CKA_OBJECT_ID */

/* ---- view ---- */

enum tp_rc tp_object_view_locked(const struct tp_beside *beside, struct tp_object_view *ret_view)
{
    struct tp_object_view *view = ret_view;
    memset(view, 0, sizeof *view);
    view->record = (Tp__Engine__Object *)tp_record_copy(&beside->record->base);
    if (view->record == NULL)
        return TP_MEMORY;
    snprintf(view->id, sizeof view->id, "%s", beside->id);
    tp__ipc__token_object__init(&view->message);
    view->message.id = view->id;
    view->message.kind = view->record->kind;
    view->message.label = view->record->label;
    view->message.cka_id = view->record->cka_id;
    view->message.application = view->record->application;
    view->message.object_id = view->record->object_id;
    view->message.value = view->record->value;
    return TP_OK;
}

void tp_object_view_clear(struct tp_object_view *view)
{
    if (view->record != NULL)
        tp__engine__object__free_unpacked(view->record, NULL);
    view->record = NULL;
}

static enum tp_rc answer(struct tp_call *call, const struct tp_user *user, const char *id)
{
    Tp__Ipc__ObjectReply reply = TP__IPC__OBJECT_REPLY__INIT;
    struct tp_object_view view = {0};
    enum tp_rc rc = TP_NOT_FOUND;
    pthread_mutex_lock(&call->engine->lock);
    for (const struct tp_beside *at = user->beside; at != NULL && rc == TP_NOT_FOUND; at = at->next)
        if (strcmp(at->id, id) == 0)
            rc = tp_object_view_locked(at, &view);
    pthread_mutex_unlock(&call->engine->lock);
    TP_TRY(rc);
    reply.object = &view.message;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    tp_object_view_clear(&view);
    return TP_OK;
}

/* ---- what may be kept ---- */

static enum tp_rc check_certificate(struct tp_call *call, struct tp_bytes der)
{
    struct tp_pki_certificate certificate = {0};
    TP_TRY(tp_pki_certificate_parse(der, &call->error, &certificate));
    tp_pki_certificate_clear(&certificate);
    return TP_OK;
}

/* Only what a kind has: a field that nobody will ever be shown is a mistake of the caller's. */
static enum tp_rc check_kind(struct tp_call *call, const Tp__Ipc__ObjectRequest *message)
{
    const bool data = strcmp(message->kind, "data") == 0, certificate = strcmp(message->kind, "certificate") == 0;
    if (!data && !certificate)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "data and certificates are kept beside keys, nothing else");
    if (data ? message->cka_id.len > 0 : message->application[0] != '\0' || message->object_id.len > 0)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "an application or an object id is for data, an id for certificates");
    return data ? TP_OK : check_certificate(call, tp_field(message->value));
}

static enum tp_rc check_wish(struct tp_call *call, const Tp__Ipc__ObjectRequest *message)
{
    if (strlen(message->label) > TEXT_MAX || strlen(message->application) > TEXT_MAX)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "label and application have at most %d bytes", TEXT_MAX);
    if (message->cka_id.len > ID_MAX || message->object_id.len > ID_MAX)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "an id has at most %d bytes", ID_MAX);
    if (message->value.len > VALUE_MAX)
        return tp_error_set(&call->error, TP_TOO_LARGE, "an object beside keys has at most %d bytes", VALUE_MAX);
    return check_kind(call, message);
}

static enum tp_rc may_have_more(struct tp_call *call, const struct tp_user *user)
{
    unsigned count = 0;
    if (user->record->closed)
        return tp_error_set(&call->error, TP_NOT_PERMITTED, "the user is closed, for good");
    for (const struct tp_beside *at = user->beside; at != NULL; at = at->next)
        count++;
    if (count < OBJECTS_MOST)
        return TP_OK;
    return tp_error_set(&call->error, TP_NOT_PERMITTED, "there are %u objects beside the keys already; delete some first", count);
}

/* ---- the operations ---- */

static enum tp_rc find(struct tp_call *call, struct tp_user *user, const char *id, struct tp_beside **ret_beside)
{
    for (struct tp_beside *at = user->beside; at != NULL; at = at->next) {
        if (strcmp(at->id, id) != 0)
            continue;
        *ret_beside = at;
        return TP_OK;
    }
    return tp_error_set(&call->error, TP_NOT_FOUND, "there is no such object beside the keys; look again what there is");
}

static enum tp_rc fill(const Tp__Ipc__ObjectRequest *message, Tp__Engine__Object *record)
{
    TP_TRY(tp_field_text(&record->kind, message->kind));
    TP_TRY(tp_field_text(&record->label, message->label));
    TP_TRY(tp_field_bytes(&record->cka_id, tp_field(message->cka_id)));
    TP_TRY(tp_field_text(&record->application, message->application));
    TP_TRY(tp_field_bytes(&record->object_id, tp_field(message->object_id)));
    return tp_field_bytes(&record->value, tp_field(message->value));
}

/* A copy to write on: of the one that the request names, or a new one, whose id is made. */
static enum tp_rc begin(struct tp_call *call, struct tp_user *user, struct tp_edit *edit, char ret_id[TP_ID_LEN],
                        Tp__Engine__Object **ret_record)
{
    const Tp__Ipc__ObjectRequest *message = (const Tp__Ipc__ObjectRequest *)call->request->message;
    struct tp_beside *known = NULL;
    if (message->object[0] == '\0') {
        TP_TRY(may_have_more(call, user));
        TP_TRY(tp_id_make(ret_id));
        *ret_record = tp_edit_beside_new(edit, user, ret_id);
    } else {
        TP_TRY(find(call, user, message->object, &known));
        if (strcmp(known->record->kind, message->kind) != 0)
            return tp_error_set(&call->error, TP_BAD_ARGUMENT, "an object stays of its kind, which is %s", known->record->kind);
        memcpy(ret_id, known->id, TP_ID_LEN);
        *ret_record = tp_edit_beside(edit, user, known);
    }
    return *ret_record != NULL ? TP_OK : tp_error_set(&call->error, TP_MEMORY, "out of memory");
}

static enum tp_rc put(struct tp_call *call, struct tp_user *user)
{
    const Tp__Ipc__ObjectRequest *message = (const Tp__Ipc__ObjectRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    Tp__Engine__Object *record = NULL;
    char id[TP_ID_LEN];
    TP_TRY(tp_call_owner_may(call, TP_OWNER_OBJECT));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_OBJECT_PUT, &edit));
    TP_TRY(begin(call, user, edit, id, &record));
    TP_TRY(fill(message, record));
    tp_edit_object(edit, "object", id);
    tp_edit_detail(edit, "%s of user %s", message->kind, user->id);
    TP_TRY(tp_edit_commit(edit, &call->error));
    return answer(call, user, id);
}

enum tp_rc tp_op_object_put(struct tp_call *call)
{
    const Tp__Ipc__ObjectRequest *message = (const Tp__Ipc__ObjectRequest *)call->request->message;
    TP_TRY(check_wish(call, message));
    return tp_call_on_user(call, message->user, put);
}

static enum tp_rc delete(struct tp_call *call, struct tp_user *user)
{
    const Tp__Ipc__ObjectRequest *message = (const Tp__Ipc__ObjectRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    struct tp_beside *known = NULL;
    TP_TRY(tp_call_owner_may(call, TP_OWNER_OBJECT));
    TP_TRY(find(call, user, message->object, &known));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_OBJECT_DELETE, &edit));
    TP_TRY(tp_edit_beside_delete(edit, user, known));
    tp_edit_object(edit, "object", known->id);
    tp_edit_detail(edit, "of user %s", user->id);
    TP_TRY(tp_edit_commit(edit, &call->error));
    return tp_call_done(call);
}

enum tp_rc tp_op_object_delete(struct tp_call *call)
{
    const Tp__Ipc__ObjectRequest *message = (const Tp__Ipc__ObjectRequest *)call->request->message;
    return tp_call_on_user(call, message->user, delete);
}
