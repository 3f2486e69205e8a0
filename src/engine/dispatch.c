/* SPDX-License-Identifier: Apache-2.0
 *
 * From the server's batches to whoever answers: signing at once, everything else in the lane of its row. One place asks the
 * permit table; nothing reaches an operation without it.
 */
#include "base/clock.h"
#include "base/text.h"
#include "engine/authorisation.h"
#include "engine/call.h"
#include "engine/login.h"
#include "engine/people.h"
#include "engine/refusals.h"
#include "engine/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Requests of one uid that wait in a lane: as many as one connection may have. Some seconds' work of looking, half a
 * minute's of logging in: who waits behind so many of their own waits in vain. */
#define WAITING_MOST 256
#define WAITING_WORDS "too many requests of this user wait already; try again when some of them have been answered"

static const struct tp_duty duties[] = {
    /* operation, lane, its name in the log, a failure is recorded, needs the HSM, function */
    {TP_OP_TOKEN, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_token},
    {TP_OP_OBJECTS, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_objects},
    {TP_OP_LOGIN, TP_LANE_LOGIN, TP_ACTION_LOGIN, false, true, tp_op_login}, /* records its own refusals */
    {TP_OP_LOGOUT, TP_LANE_OFFICE, TP_ACTION_LOGOUT, false, false, tp_op_logout},
    {TP_OP_AUTHORISATION, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_authorisation},
    {TP_OP_SIGN, TP_LANE_SIGN, TP_ACTION_SIGN, false, false, NULL},
    {TP_OP_CSR, TP_LANE_LOGIN, TP_ACTION_KEY_CSR, true, true, tp_op_csr},
    {TP_OP_PIN_CHANGE, TP_LANE_LOGIN, TP_ACTION_PIN_CHANGE, true, true, tp_op_pin_change},
    {TP_OP_ENROL, TP_LANE_LOGIN, TP_ACTION_ENROL, true, true, tp_op_enrol},
    {TP_OP_ENROL_CONFIRM, TP_LANE_LOGIN, TP_ACTION_ENROL_CONFIRM, true, true, tp_op_enrol_confirm},
    {TP_OP_APPROVAL_LIST, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_approval_list},
    {TP_OP_APPROVAL_GIVE, TP_LANE_LOGIN, TP_ACTION_LOGIN_APPROVAL, false, true, tp_op_approval_give}, /* the login's are recorded */
    {TP_OP_APPROVAL_REFUSE, TP_LANE_OFFICE, TP_ACTION_LOGIN_APPROVAL, false, false, tp_op_approval_refuse},
    {TP_OP_EVENTS, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_events},
    {TP_OP_USER_ADD, TP_LANE_OFFICE, TP_ACTION_USER_ADD, true, true, tp_op_user_add},
    {TP_OP_USER_LIST, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_user_list},
    {TP_OP_USER_SUSPEND, TP_LANE_OFFICE, TP_ACTION_USER_SUSPEND, true, false, tp_op_user_suspend},
    {TP_OP_USER_RESUME, TP_LANE_OFFICE, TP_ACTION_USER_RESUME, true, false, tp_op_user_resume},
    {TP_OP_USER_UNLOCK, TP_LANE_OFFICE, TP_ACTION_USER_UNLOCK, true, false, tp_op_user_unlock},
    {TP_OP_USER_CLOSE, TP_LANE_OFFICE, TP_ACTION_USER_CLOSE, true, false, tp_op_user_close},
    {TP_OP_USER_ERASE, TP_LANE_OFFICE, TP_ACTION_USER_ERASE, true, false, tp_op_user_erase},
    {TP_OP_USER_RESET, TP_LANE_OFFICE, TP_ACTION_USER_RESET, true, true, tp_op_user_reset},
    {TP_OP_PIN_INIT, TP_LANE_LOGIN, TP_ACTION_PIN_INIT, true, true, tp_op_pin_init},
    {TP_OP_TOKEN_INIT, TP_LANE_OFFICE, TP_ACTION_TOKEN_INIT, true, false, tp_op_token_init},
    {TP_OP_FACTOR_ADD, TP_LANE_OFFICE, TP_ACTION_FACTOR_ADD, true, true, tp_op_factor_add},
    {TP_OP_FACTOR_LIST, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_factor_list},
    {TP_OP_FACTOR_REMOVE, TP_LANE_OFFICE, TP_ACTION_FACTOR_REMOVE, true, false, tp_op_factor_remove},
    {TP_OP_KEY_GENERATE, TP_LANE_LOGIN, TP_ACTION_KEY_GENERATE, true, true, tp_op_key_generate},
    {TP_OP_KEY_IMPORT, TP_LANE_LOGIN, TP_ACTION_KEY_IMPORT, true, true, tp_op_key_import},
    {TP_OP_KEY_STATE, TP_LANE_OFFICE, TP_ACTION_KEY_STATE, true, false, tp_op_key_state},
    {TP_OP_KEY_DELETE, TP_LANE_OFFICE, TP_ACTION_KEY_DELETE, true, false, tp_op_key_delete},
    {TP_OP_KEY_CHANGE, TP_LANE_OFFICE, TP_ACTION_KEY_CHANGE, true, false, tp_op_key_change},
    {TP_OP_OBJECT_PUT, TP_LANE_OFFICE, TP_ACTION_OBJECT_PUT, true, false, tp_op_object_put},
    {TP_OP_OBJECT_DELETE, TP_LANE_OFFICE, TP_ACTION_OBJECT_DELETE, true, false, tp_op_object_delete},
    {TP_OP_CERT_IMPORT, TP_LANE_OFFICE, TP_ACTION_CERT_IMPORT, true, false, tp_op_cert_import},
    {TP_OP_CERT_REMOVE, TP_LANE_OFFICE, TP_ACTION_CERT_REMOVE, true, false, tp_op_cert_remove},
    {TP_OP_CRL_IMPORT, TP_LANE_OFFICE, TP_ACTION_CRL_IMPORT, true, false, tp_op_crl_import},
    {TP_OP_POLICY_EXPLAIN, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_policy_explain},
    {TP_OP_POLICY_SHOW, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_policy_show},
    {TP_OP_TIMESTAMP, TP_LANE_SIGN, TP_ACTION_TIMESTAMP, false, false, NULL},
    {TP_OP_TSA_KEY_MAKE, TP_LANE_LOGIN, TP_ACTION_TSA_KEY_MAKE, true, true, tp_op_tsa_key_make},
    {TP_OP_TSA_KEY_CSR, TP_LANE_LOGIN, TP_ACTION_TSA_KEY_CSR, true, true, tp_op_tsa_key_csr},
    {TP_OP_TSA_CERT_IMPORT, TP_LANE_OFFICE, TP_ACTION_TSA_CERT_IMPORT, true, false, tp_op_tsa_cert_import},
    {TP_OP_AUDIT_LIST, TP_LANE_OFFICE, TP_ACTION_AUDIT_LIST, true, false, tp_op_audit_list},
    {TP_OP_AUDIT_CHECKPOINT, TP_LANE_OFFICE, TP_ACTION_AUDIT_CHECKPOINT, true, false, tp_op_audit_checkpoint},
    {TP_OP_STATUS, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_status},
    {TP_OP_DOCTOR, TP_LANE_OFFICE, TP_ACTION_LOOK, false, false, tp_op_doctor},
    {TP_OP_ACCEPT, TP_LANE_OFFICE, TP_ACTION_AUDIT_ACCEPT, true, false, tp_op_accept},
};

const struct tp_duty *tp_duty(enum tp_ipc_op op)
{
    for (size_t i = 0; i < sizeof duties / sizeof duties[0]; i++)
        if (duties[i].op == op)
            return &duties[i];
    return NULL;
}

/* ---- who asks ---- */

/* A field that is one text; "" when the message has none of that name. */
static const char *text_of(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    if (field == NULL || field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
        return "";
    return *(char *const *)(const void *)((const char *)message + field->offset);
}

/* The user that the request speaks of: the field "user" that most messages have. */
static const char *user_of(const ProtobufCMessage *message)
{
    return text_of(message, "user");
}

struct tp_authorisation *tp_call_owner_locked(struct tp_engine *engine, const struct tp_ipc_peer *peer, const char *user)
{
    struct tp_user *known = NULL;
    int64_t now_ms = tp_clock_monotonic_ms();
    HASH_FIND_STR(engine->users, user, known);
    for (struct tp_authorisation *at = known != NULL ? known->authorisations : NULL; at != NULL; at = at->user_next)
        if (tp_authorisation_usable(at, peer, now_ms))
            return at;
    return NULL;
}

/* Who is locked after wrong PINs signs nothing, and has no role either. */
static unsigned roles_of_user(const struct tp_engine *engine, const struct tp_user *user)
{
    unsigned roles = 0;
    for (size_t i = 0; i < user->record->n_roles && !tp_login_locked(engine, user->record); i++) {
        enum tp_role role;
        if (tp_role_parse(user->record->roles[i], &role) == TP_OK)
            roles |= (unsigned)role;
    }
    return roles;
}

/* Roles of the people who are logged in at the peer's uid. */
static unsigned roles_logged_in_locked(struct tp_engine *engine, const struct tp_ipc_peer *peer)
{
    unsigned roles = 0;
    int64_t now_ms = tp_clock_monotonic_ms();
    struct tp_authorisation *at, *next;
    HASH_ITER(hh, engine->authorisations, at, next)
    {
        if (tp_authorisation_usable(at, peer, now_ms))
            roles |= roles_of_user(engine, at->user);
    }
    return roles;
}

/* Looking at every open login is for those who need a role: not for what anyone may ask. */
static unsigned roles_held_locked(struct tp_engine *engine, const struct tp_ipc_request *request)
{
    enum tp_role ignored;
    const struct tp_ipc_peer *peer = request->peer;
    unsigned roles = TP_ROLE_ANYONE;
    if (peer->uid == 0 || peer->uid == geteuid())
        roles |= TP_ROLE_ENGINE;
    if (tp_permit(request->operation->words, TP_ROLE_ANYONE, &ignored) != TP_OK)
        roles |= roles_logged_in_locked(engine, peer);
    if (tp_call_owner_locked(engine, peer, user_of(request->message)) != NULL)
        roles |= TP_ROLE_OWNER;
    return roles;
}

unsigned tp_call_roles_locked(const struct tp_call *call)
{
    return call->held | roles_logged_in_locked(call->engine, call->request->peer);
}

/* A body that has not come yet does not say whom it is about: an owner is not known by it. */
bool tp_dispatch_may_send_large(void *context, const struct tp_ipc_peer *peer, const struct tp_ipc_operation *operation)
{
    struct tp_engine *engine = context;
    enum tp_role ignored;
    if (peer->uid == 0 || peer->uid == geteuid())
        return true;
    pthread_mutex_lock(&engine->lock);
    unsigned roles = TP_ROLE_ANYONE | roles_logged_in_locked(engine, peer);
    pthread_mutex_unlock(&engine->lock);
    return tp_permit(operation->words, roles, &ignored) == TP_OK;
}

/* Whose login gives the caller ROLE, for the log; NULL when none does: the engine's own uid needs no login. */
static const struct tp_authorisation *login_with_locked(const struct tp_call *call, enum tp_role role)
{
    const struct tp_ipc_peer *peer = call->request->peer;
    int64_t now_ms = tp_clock_monotonic_ms();
    struct tp_authorisation *at, *next;
    if (role == TP_ROLE_OWNER)
        return tp_call_owner_locked(call->engine, peer, user_of(call->request->message));
    HASH_ITER(hh, call->engine->authorisations, at, next)
    {
        if ((roles_of_user(call->engine, at->user) & (unsigned)role) != 0 && tp_authorisation_usable(at, peer, now_ms))
            return at;
    }
    return NULL;
}

static void act_as_locked(struct tp_call *call, enum tp_role role)
{
    bool needs_login = (role & (TP_ROLE_ANYONE | TP_ROLE_ENGINE)) == 0;
    const struct tp_authorisation *login = needs_login ? login_with_locked(call, role) : NULL;
    call->role = role;
    call->has_subject = login != NULL;
    if (login != NULL)
        memcpy(call->subject, login->user->subject, sizeof call->subject);
}

void tp_call_act_as(struct tp_call *call, enum tp_role role)
{
    pthread_mutex_lock(&call->engine->lock);
    act_as_locked(call, role);
    pthread_mutex_unlock(&call->engine->lock);
}

bool tp_call_act_as_officer(struct tp_call *call)
{
    if ((call->held & (TP_ROLE_OFFICER | TP_ROLE_ENGINE)) == 0)
        return false;
    tp_call_act_as(call, (call->held & TP_ROLE_OFFICER) != 0 ? TP_ROLE_OFFICER : TP_ROLE_ENGINE);
    return true;
}

/* Asked anew when the user's turn has come: the login may have ended while others were at work. */
static bool is_owner_still(struct tp_call *call)
{
    struct tp_engine *engine = call->engine;
    pthread_mutex_lock(&engine->lock);
    const struct tp_authorisation *login =
        tp_call_owner_locked(engine, call->request->peer, user_of(call->request->message));
    const bool still = login != NULL && !tp_login_locked(engine, login->user->record);
    pthread_mutex_unlock(&engine->lock);
    return still;
}

enum tp_rc tp_call_owner_may(struct tp_call *call, enum tp_owner_wish wish)
{
    const bool allowed = call->engine->conf.owner[wish];
    if (call->role != TP_ROLE_OWNER || (allowed && is_owner_still(call)) || tp_call_act_as_officer(call))
        return TP_OK;
    if (allowed)
        return tp_error_set(&call->error, TP_NOT_PERMITTED,
                            "the login has ended, or the user is locked after wrong PINs; log in again, or ask an officer");
    return tp_error_set(&call->error, TP_NOT_PERMITTED,
                        "owners may not do this themselves here; ask an officer (engine.conf: [owner] %s = no)",
                        tp_owner_wish_name(wish));
}

/* ---- running ---- */

enum tp_rc tp_call_turn(struct tp_call *call, const char *name, struct tp_user **ret_user)
{
    return tp_people_get_turn(call->engine, name, call->request->deadline_ms, &call->error, ret_user);
}

enum tp_rc tp_call_on_user(struct tp_call *call, const char *name, tp_call_act *act)
{
    struct tp_user *user = NULL;
    TP_TRY(tp_call_turn(call, name, &user));
    enum tp_rc rc = act(call, user);
    tp_people_release_turn(call->engine, user);
    return rc;
}

enum tp_rc tp_call_done(struct tp_call *call)
{
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

/* "NAME" becomes "*". */
static void hide(char *words, const char *name)
{
    char quoted[TP_ERROR_WORDS_LEN];
    const int len = snprintf(quoted, sizeof quoted, "\"%s\"", name);
    if (name[0] == '\0' || len < 0 || (size_t)len >= sizeof quoted)
        return;
    for (char *at = words; (at = strstr(at, quoted)) != NULL; at += 3) {
        at[1] = '*';
        memmove(at + 2, at + len - 1, strlen(at + len - 1) + 1);
    }
}

/* Why it was refused, without the names that the caller gave: what the log says cannot be erased (RS-25). */
static void words_for_the_log(const struct tp_call *call, char ret_words[TP_ERROR_WORDS_LEN])
{
    static const char *const names[] = {"user", "display", "label", "certificate_label", "application", "credential"};
    snprintf(ret_words, TP_ERROR_WORDS_LEN, "%s", tp_error_words(&call->error));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        hide(ret_words, text_of(call->request->message, names[i]));
}

/* What it would have been done to, as far as memory knows it: a key of the user's, or the user. */
static void trail_object(struct tp_call *call, struct tp_trail *trail)
{
    const ProtobufCMessage *message = call->request->message;
    struct tp_user *user = NULL;
    pthread_mutex_lock(&call->engine->lock);
    HASH_FIND_STR(call->engine->users, user_of(message), user);
    const struct tp_credential *credential =
        user == NULL ? NULL : tp_people_credential(user, text_of(message, "credential"));
    if (credential != NULL)
        tp_trail_object(trail, "credential", credential->id);
    else if (user != NULL)
        tp_trail_object(trail, "user", user->id);
    pthread_mutex_unlock(&call->engine->lock);
}

static void record_failure(struct tp_call *call, enum tp_rc rc)
{
    struct tp_trail trail;
    char words[TP_ERROR_WORDS_LEN];
    if (call->written || !tp_refusals_admit(call->engine, call->request->peer->uid))
        return;
    bool refused = rc == TP_NOT_PERMITTED || rc == TP_REFUSED || rc == TP_PIN_WRONG || rc == TP_PIN_LOCKED;
    tp_trail_init(&trail, call->duty->action, "failed");
    tp_trail_call(&trail, call);
    words_for_the_log(call, words);
    trail_object(call, &trail);
    tp_trail_outcome(&trail, refused ? "refused" : "failed", words);
    if (call->duty->action == TP_ACTION_LOOK)
        tp_trail_say(&trail, "%s", call->request->operation->words);
    tp_trail_post(call->engine, &trail);
}

/* One text of a message, or all of a repeated field. */
static enum tp_rc check_field(struct tp_call *call, const ProtobufCFieldDescriptor *field)
{
    const char *message = (const char *)call->request->message;
    const void *at = message + field->offset;
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return tp_text_check(field->name, *(char *const *)at, &call->error);
    const size_t len = *(const size_t *)(const void *)(message + field->quantifier_offset);
    for (size_t i = 0; i < len; i++)
        TP_TRY(tp_text_check(field->name, (*(char **const *)at)[i], &call->error));
    return TP_OK;
}

/* At the door, for all operations: what gets in is kept, and goes on to other programs as it is (CKA_LABEL). */
static enum tp_rc check_texts(struct tp_call *call)
{
    const ProtobufCMessageDescriptor *descriptor = call->request->message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        if (descriptor->fields[i].type == PROTOBUF_C_TYPE_STRING)
            TP_TRY(check_field(call, &descriptor->fields[i]));
    return TP_OK;
}

/* Who may, from the table; and the login that would help whoever asks. */
static enum tp_rc not_permitted(struct tp_call *call)
{
    const char *words = call->request->operation->words, *user = user_of(call->request->message);
    char who[256];
    bool owner = tp_permit_owner(words) && user[0] != '\0';
    tp_permit_words(words, user, who, sizeof who);
    return tp_error_set(&call->error, TP_NOT_PERMITTED,
                        "\"%s\" is not permitted to uid %u: it is for %s; ask one of them, or log in first: trustp11 login "
                        "--user %s",
                        words, (unsigned)call->request->peer->uid, who, owner ? user : "NAME");
}

static enum tp_rc permitted(struct tp_call *call)
{
    const char *words = call->request->operation->words;
    enum tp_role role = TP_ROLE_ANYONE;
    pthread_mutex_lock(&call->engine->lock);
    call->held = roles_held_locked(call->engine, call->request);
    enum tp_rc rc = tp_permit(words, call->held, &role);
    act_as_locked(call, role);
    pthread_mutex_unlock(&call->engine->lock);
    return rc == TP_OK ? check_texts(call) : not_permitted(call);
}

/* Who is late has been told so, and must find that nothing was done: here, and again when the user's turn has come, which
 * may take as long (tp_people_turn). What is late only after that may be done all the same. */
static enum tp_rc perform(struct tp_call *call, const struct tp_error *session_error)
{
    if (tp_clock_monotonic_ms() >= call->request->deadline_ms)
        return tp_error_set(&call->error, TP_TIMEOUT, "the engine was too busy; try again");
    TP_TRY(permitted(call));
    if (call->duty->needs_hsm && call->session == NULL) {
        call->error = *session_error;
        return session_error->rc;
    }
    if (call->duty->needs_hsm) /* the token may have been away since this thread's last call, and be back */
        TP_TRY(tp_hsm_session_renew(call->session, call->request->deadline_ms, &call->error));
    return call->duty->run(call);
}

static void run(struct tp_job *job, struct tp_hsm_session *session, const struct tp_error *session_error)
{
    struct tp_call *call = (struct tp_call *)job;
    struct tp_ipc_request *request = call->request;
    call->session = session;
    enum tp_rc rc = perform(call, session_error);
    if (rc == TP_HSM_ABSENT && session != NULL) {
        /* The next caller of this thread finds a session that works, if the token is back by then. */
        struct tp_error ignored = {0};
        if (tp_hsm_session_renew(session, tp_clock_monotonic_ms() + 1000, &ignored) != TP_OK)
            tp_error_clear(&ignored);
    }
    if (rc != TP_OK) {
        atomic_fetch_add_explicit(&call->engine->counters.refusals, 1, memory_order_relaxed);
        if (call->duty->recorded || rc == TP_NOT_PERMITTED)
            record_failure(call, rc);
        tp_ipc_refuse(request, rc, &call->error, call->tries_left);
    }
    free(call);
}

/* In the server's thread, before there is a call. */
static void turn_away(struct tp_engine *engine, struct tp_ipc_request *request, enum tp_rc rc, const char *words)
{
    struct tp_error error = {0};
    (void)tp_error_set(&error, rc, "%s", words);
    tp_refusals_turned_away(engine, request->peer, request->operation, rc, words);
    tp_ipc_refuse(request, rc, &error, 0);
}

static struct tp_pool *lane_of(struct tp_engine *engine, const struct tp_duty *duty)
{
    return duty->lane == TP_LANE_LOGIN ? engine->logins : engine->office;
}

static void dispatch(struct tp_engine *engine, struct tp_ipc_request *request)
{
    const struct tp_duty *duty = tp_duty(request->operation->op);
    struct tp_call *call = duty == NULL ? NULL : calloc(1, sizeof *call);
    if (call == NULL) {
        tp_ipc_refuse(request, duty == NULL ? TP_UNSUPPORTED : TP_MEMORY, NULL, 0);
        return;
    }
    call->job.run = run;
    call->job.owner = request->peer->uid;
    call->job.without_hsm = !duty->needs_hsm;
    call->engine = engine;
    call->request = request;
    call->duty = duty;
    if (tp_pool_offer(lane_of(engine, duty), &call->job, WAITING_MOST))
        return;
    free(call);
    turn_away(engine, request, TP_BUSY, WAITING_WORDS);
}

/* Signatures of one wake-up stay together, and so do timestamps: they become one group in the log. */
void tp_dispatch(void *context, struct tp_ipc_request *requests)
{
    struct tp_engine *engine = context;
    struct tp_ipc_request *signatures = NULL, **end = &signatures, *timestamps = NULL, **timestamps_end = &timestamps;
    for (struct tp_ipc_request *request = requests, *next; request != NULL; request = next) {
        next = request->next;
        request->next = NULL;
        if (request->operation->op == TP_OP_SIGN) {
            *end = request;
            end = &request->next;
        } else if (request->operation->op == TP_OP_TIMESTAMP) { /* for anyone: the permit table says so */
            *timestamps_end = request;
            timestamps_end = &request->next;
        } else {
            dispatch(engine, request);
        }
    }
    if (signatures != NULL)
        tp_sign_batch(engine, signatures);
    if (timestamps != NULL)
        tp_timestamp_batch(engine, timestamps);
}
