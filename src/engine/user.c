/* SPDX-License-Identifier: Apache-2.0
 *
 * Users, as an officer sees them (RS-23: one account each, locked, suspended, closed).
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "engine/account.h"
#include "engine/authorisation.h"
#include "engine/dormant.h"
#include "engine/edit.h"
#include "engine/login.h"
#include "engine/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE_LEN 20        /* characters: 100 bits */
#define LIST_MOST 1000     /* users in one answer */
#define ROLES_MOST 8

/* ---- enrolment codes ---- */

/* Crockford's letters: none that is read as another. */
static const char code_letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static enum tp_rc make_code(struct tp_secret **ret_code)
{
    struct tp_secret *code TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(CODE_LEN, &code));
    TP_TRY(tp_secret_set_len(code, CODE_LEN));
    uint8_t *at = tp_secret_data(code);
    TP_TRY(tp_random(at, CODE_LEN));
    for (size_t i = 0; i < CODE_LEN; i++)
        at[i] = (uint8_t)code_letters[at[i] % (sizeof code_letters - 1)]; /* 256 is a multiple of 32: no bias */
    *ret_code = code;
    code = NULL;
    return TP_OK;
}

static enum tp_rc open_enrolment(struct tp_call *call, const char *user_id, Tp__Engine__User *record,
                                 struct tp_secret **ret_code)
{
    TP_TRY(make_code(ret_code));
    return tp_account_open_enrolment(call, user_id, record, tp_secret_bytes(*ret_code));
}

static void answer_code(struct tp_call *call, const char *user_id, const struct tp_secret *code)
{
    Tp__Ipc__UserAddReply reply = TP__IPC__USER_ADD_REPLY__INIT;
    reply.user_id = (char *)(uintptr_t)user_id;
    reply.until_ms = tp_clock_utc_ms() + call->engine->conf.enrol_ms;
    tp_ipc_answer(call->request, &reply.base, tp_secret_bytes(code));
}

/* ---- add ---- */

static enum tp_rc set_roles(struct tp_call *call, char *const *roles, size_t roles_len, Tp__Engine__User *record)
{
    if (roles_len > ROLES_MOST)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "at most %d roles", ROLES_MOST);
    if (roles_len == 0)
        return TP_OK;
    record->roles = calloc(roles_len, sizeof record->roles[0]);
    if (record->roles == NULL)
        return TP_MEMORY;
    unsigned given = 0;
    for (size_t i = 0; i < roles_len; i++) {
        enum tp_role role;
        if (tp_role_parse(roles[i], &role) != TP_OK)
            return tp_error_set(&call->error, TP_BAD_ARGUMENT, "there is no role \"%s\": officer, auditor, operator", roles[i]);
        if ((given & (unsigned)role) != 0)
            return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the role \"%s\" is given twice", roles[i]);
        given |= (unsigned)role;
        record->roles[i] = strdup(roles[i]);
        if (record->roles[i] == NULL)
            return TP_MEMORY;
        record->n_roles = i + 1;
    }
    return TP_OK;
}

enum tp_rc tp_op_user_add(struct tp_call *call)
{
    const Tp__Ipc__UserAddRequest *message = (const Tp__Ipc__UserAddRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    struct tp_secret *code TP_AUTO(tp_secret_free_p) = NULL;
    Tp__Engine__User *record = NULL;
    char id[TP_ID_LEN];
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_USER_ADD, &edit));
    TP_TRY(tp_account_begin(call, edit, message->user, id, &record));
    TP_TRY(tp_field_text(&record->display, message->display));
    TP_TRY(set_roles(call, message->roles, message->n_roles, record));
    TP_TRY(open_enrolment(call, id, record, &code));
    TP_TRY(tp_account_commit_new(call, edit, message->user));
    answer_code(call, id, code);
    return TP_OK;
}

/* ---- list ---- */

struct listing {
    struct tp_call *call;
    Tp__Ipc__User *users;
    Tp__Ipc__User **pointers;
    size_t len;
    int64_t dormant_ms; /* only who is dormant for so long; 0: all */
};

static const char *state_of(const Tp__Engine__User *record)
{
    if (record->closed || record->suspended)
        return record->closed ? "closed" : "suspended";
    if (record->enrolled)
        return record->pin_initial ? "initial-pin" : "enrolled";
    return tp_account_is_blank(record) ? "no-pin" : "invited";
}

static enum tp_rc list_one(struct listing *listing, const struct tp_ledger_record *record, Tp__Engine__User *user)
{
    struct tp_tries tries = {.used = user->tries_used, .locked = user->locked};
    Tp__Ipc__User *item = &listing->users[listing->len];
    tp__ipc__user__init(item);
    item->id = strdup(record->id);
    item->name = strdup(record->name);
    item->display = strdup(user->display);
    item->state = (char *)(uintptr_t)state_of(user);
    item->locked = tp_login_locked(listing->call->engine, user);
    item->tries_left = tp_tries_left(&tries, listing->call->engine->conf.tries_most);
    item->created_ms = user->created_ms;
    item->last_login_ms = user->last_login_ms;
    item->factor = strdup(user->factor);
    item->roles = user->roles; /* moved: the listing frees it */
    item->n_roles = user->n_roles;
    user->roles = NULL;
    user->n_roles = 0;
    listing->pointers[listing->len++] = item;
    return item->id != NULL && item->name != NULL && item->display != NULL && item->factor != NULL ? TP_OK : TP_MEMORY;
}

static enum tp_rc list_each(void *context, const struct tp_ledger_record *record)
{
    struct listing *listing = context;
    Tp__Engine__User *user = tp__engine__user__unpack(NULL, record->content.len, record->content.data);
    if (user == NULL)
        return TP_STORE_DAMAGED;
    bool wanted = listing->dormant_ms <= 0 || tp_user_is_dormant(user, listing->dormant_ms, tp_clock_utc_ms());
    enum tp_rc rc = wanted ? list_one(listing, record, user) : TP_OK;
    tp__engine__user__free_unpacked(user, NULL);
    return rc;
}

static void listing_clear(struct listing *listing)
{
    for (size_t i = 0; i < listing->len; i++) {
        Tp__Ipc__User *item = &listing->users[i];
        free(item->id);
        free(item->name);
        free(item->display);
        free(item->factor);
        for (size_t role = 0; role < item->n_roles; role++)
            free(item->roles[role]);
        free(item->roles);
    }
    free(listing->users);
    free(listing->pointers);
}

static enum tp_rc list_by_name(struct listing *listing, const char *name)
{
    struct tp_call *call = listing->call;
    struct tp_ledger_record record = {0};
    enum tp_rc rc = tp_ledger_find(call->engine->ledger, "user", "", name, &call->error, &record);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(&call->error, rc, "there is no user \"%s\"; see: trustp11 user list", name);
    TP_TRY(rc);
    rc = list_each(listing, &record);
    tp_ledger_record_clear(&record);
    return rc;
}

static enum tp_rc count_one(void *context, const struct tp_ledger_record *record)
{
    Tp__Ipc__User *item = context;
    (void)record;
    item->keys++;
    return TP_OK;
}

static enum tp_rc count_keys(struct tp_call *call, Tp__Ipc__User *item)
{
    uint64_t cursor = 0;
    return tp_ledger_each(call->engine->ledger, "credential", item->id, &cursor, SIZE_MAX, &call->error, count_one, item);
}

static enum tp_rc list(struct listing *listing, uint32_t limit)
{
    struct tp_call *call = listing->call;
    const Tp__Ipc__ListRequest *message = (const Tp__Ipc__ListRequest *)call->request->message;
    uint64_t cursor = message->cursor;
    listing->users = calloc(limit, sizeof listing->users[0]);
    listing->pointers = calloc(limit, sizeof listing->pointers[0]);
    if (listing->users == NULL || listing->pointers == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    if (message->user[0] != '\0')
        TP_TRY(list_by_name(listing, message->user));
    else
        TP_TRY(tp_ledger_each(call->engine->ledger, "user", NULL, &cursor, limit, &call->error, list_each, listing));
    for (size_t i = 0; i < listing->len; i++)
        TP_TRY(count_keys(call, &listing->users[i]));
    Tp__Ipc__UserListReply reply = TP__IPC__USER_LIST_REPLY__INIT;
    reply.users = listing->pointers;
    reply.n_users = listing->len;
    reply.cursor = cursor == message->cursor ? 0 : cursor;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_user_list(struct tp_call *call)
{
    const Tp__Ipc__ListRequest *message = (const Tp__Ipc__ListRequest *)call->request->message;
    uint32_t limit = message->limit == 0 || message->limit > LIST_MOST ? LIST_MOST : message->limit;
    struct listing listing = {.call = call, .dormant_ms = message->dormant_ms};
    enum tp_rc rc = list(&listing, limit);
    listing_clear(&listing);
    return rc;
}

/* ---- states ---- */

/* What one verb does to the record; TP_OK, or a refusal with words. */
typedef enum tp_rc change_fn(struct tp_call *call, Tp__Engine__User *record);

static enum tp_rc suspend(struct tp_call *call, Tp__Engine__User *record)
{
    const Tp__Ipc__UserRequest *message = (const Tp__Ipc__UserRequest *)call->request->message;
    TP_TRY(tp_account_not_closed(call, record));
    if (message->dormant_ms > 0)
        TP_TRY(tp_user_check_dormant(call, record, message->dormant_ms));
    record->suspended = true;
    return TP_OK;
}

static enum tp_rc resume(struct tp_call *call, Tp__Engine__User *record)
{
    TP_TRY(tp_account_not_closed(call, record));
    if (!record->suspended)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the user is not suspended");
    record->suspended = false;
    record->renewed_ms = tp_clock_utc_ms();
    return TP_OK;
}

static enum tp_rc unlock(struct tp_call *call, Tp__Engine__User *record)
{
    TP_TRY(tp_account_not_closed(call, record));
    if (record->tries_used == 0 && !record->locked)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the user is not locked, and has all tries left");
    struct tp_tries tries = {.used = record->tries_used, .locked = record->locked};
    tp_tries_unlock(&tries);
    record->tries_used = tries.used;
    record->locked = tries.locked;
    return TP_OK;
}

static enum tp_rc shut(struct tp_call *call, Tp__Engine__User *record)
{
    TP_TRY(tp_account_not_closed(call, record));
    record->closed = true;
    record->enrolled = false;
    TP_TRY(tp_field_bytes(&record->enrol_verifier, TP_BYTES_NONE));
    return TP_OK;
}

static enum tp_rc change_user(struct tp_call *call, struct tp_user *user, enum tp_action action, change_fn *change)
{
    const Tp__Ipc__UserRequest *message = (const Tp__Ipc__UserRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    TP_TRY(tp_edit_new(call->engine, call, action, &edit));
    Tp__Engine__User *record = tp_edit_user(edit, user);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    unsigned keys = 0;
    TP_TRY(change(call, record));
    if (record->closed) {
        TP_TRY(tp_account_delete_keys(edit, user, &keys));
        tp_edit_detail(edit, "keys destroyed %u", keys);
    }
    tp_edit_object(edit, "user", user->id);
    tp_edit_outcome(edit, "ok", message->reason);
    return tp_edit_commit(edit, &call->error);
}

static enum tp_rc with_user(struct tp_call *call, enum tp_action action, change_fn *change, bool ends_logins)
{
    const Tp__Ipc__UserRequest *message = (const Tp__Ipc__UserRequest *)call->request->message;
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_user *user = NULL;
    TP_TRY(tp_call_turn(call, message->user, &user));
    enum tp_rc rc = change_user(call, user, action, change);
    if (rc == TP_OK && ends_logins)
        tp_authorisation_end_user(call->engine, user, tp_action_words(tp_action_name(action)));
    tp_people_release_turn(call->engine, user);
    if (rc == TP_OK)
        tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return rc;
}

enum tp_rc tp_op_user_suspend(struct tp_call *call)
{
    const Tp__Ipc__UserRequest *message = (const Tp__Ipc__UserRequest *)call->request->message;
    if (message->dormant_ms <= 0)
        return with_user(call, TP_ACTION_USER_SUSPEND, suspend, true);
    pthread_mutex_lock(&call->engine->sweep); /* other officers are looked at */
    enum tp_rc rc = with_user(call, TP_ACTION_USER_SUSPEND, suspend, true);
    pthread_mutex_unlock(&call->engine->sweep);
    return rc;
}

enum tp_rc tp_op_user_resume(struct tp_call *call)
{
    return with_user(call, TP_ACTION_USER_RESUME, resume, false);
}

enum tp_rc tp_op_user_unlock(struct tp_call *call)
{
    return with_user(call, TP_ACTION_USER_UNLOCK, unlock, false);
}

enum tp_rc tp_op_user_close(struct tp_call *call)
{
    return with_user(call, TP_ACTION_USER_CLOSE, shut, true);
}

/* ---- reset ---- */

/* A forgotten PIN cannot be recovered, so neither can what it sealed: the keys go, and the user enrols anew. A key that has
 * still waited for its owner goes too: whoever has the new code would be its owner, and that is for the owner alone (RS-6).
 * Only who has never enrolled has none to lose: keys that were made for them go on waiting. */
static enum tp_rc reset(struct tp_call *call, struct tp_user *user, struct tp_secret **ret_code)
{
    const Tp__Ipc__UserRequest *message = (const Tp__Ipc__UserRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    unsigned keys = 0;
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_USER_RESET, &edit));
    Tp__Engine__User *record = tp_edit_user(edit, user);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    TP_TRY(tp_account_not_closed(call, record));
    if (record->enrolled)
        TP_TRY(tp_account_delete_keys(edit, user, &keys));
    record->enrolled = record->pin_initial = record->locked = false;
    record->renewed_ms = tp_clock_utc_ms();
    record->tries_used = 0;
    TP_TRY(tp_field_bytes(&record->pin_verifier, TP_BYTES_NONE));
    TP_TRY(open_enrolment(call, user->id, record, ret_code));
    tp_edit_object(edit, "user", user->id);
    tp_edit_outcome(edit, "ok", message->reason);
    tp_edit_detail(edit, "keys lost %u", keys);
    return tp_edit_commit(edit, &call->error);
}

enum tp_rc tp_op_user_reset(struct tp_call *call)
{
    const Tp__Ipc__UserRequest *message = (const Tp__Ipc__UserRequest *)call->request->message;
    struct tp_secret *code TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_user *user = NULL;
    char id[TP_ID_LEN];
    TP_TRY(tp_call_turn(call, message->user, &user));
    memcpy(id, user->id, sizeof id);
    tp_authorisation_end_user(call->engine, user, "user.reset");
    enum tp_rc rc = reset(call, user, &code);
    tp_people_release_turn(call->engine, user);
    if (rc == TP_OK)
        answer_code(call, id, code);
    return rc;
}
