/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/approval.h"

#include "base/clock.h"
#include "engine/login.h"
#include "engine/people.h"
#include "engine/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST         256
#define OF_UID_MOST  32  /* nobody takes the room of all others */
#define MARGIN_MS    500 /* before the client's time is over: it is told why */

struct tp_waiting {
    char id[TP_ID_LEN];
    struct tp_ipc_request *request; /* not answered yet; its first secret is the PIN */
    int64_t since_ms;               /* UTC */
    struct tp_waiting *next;
};

static const char *user_of(const struct tp_waiting *waiting)
{
    return ((const Tp__Ipc__LoginRequest *)waiting->request->message)->user;
}

/* ---- waiting ---- */

static bool room_locked(const struct tp_engine *engine, uid_t uid)
{
    unsigned all = 0, of_uid = 0;
    for (const struct tp_waiting *at = engine->waiting; at != NULL; at = at->next) {
        all++;
        of_uid += at->request->peer->uid == uid;
    }
    return all < MOST && of_uid < OF_UID_MOST;
}

static bool add(struct tp_engine *engine, struct tp_waiting *waiting)
{
    pthread_mutex_lock(&engine->lock);
    bool room = room_locked(engine, waiting->request->peer->uid);
    if (room) {
        waiting->next = engine->waiting;
        engine->waiting = waiting;
    }
    pthread_mutex_unlock(&engine->lock);
    return room;
}

enum tp_rc tp_approval_wait(struct tp_call *call)
{
    struct tp_waiting *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL || tp_id_make(waiting->id) != TP_OK) {
        free(waiting);
        return tp_error_set(&call->error, TP_MEMORY, "out of memory for the login");
    }
    waiting->request = call->request;
    waiting->since_ms = tp_clock_utc_ms();
    if (add(call->engine, waiting))
        return TP_OK;
    free(waiting);
    return tp_error_set(&call->error, TP_BUSY,
                        "too many logins wait for approval; approve or refuse some: trustp11 approval list");
}

/* ---- the end of waiting ---- */

/* Takes out the first for which WANTED holds, or returns NULL. */
typedef bool wanted_fn(const struct tp_waiting *waiting, const void *context);

static struct tp_waiting *take_out(struct tp_engine *engine, wanted_fn *wanted, const void *context)
{
    pthread_mutex_lock(&engine->lock);
    struct tp_waiting **at = &engine->waiting, *found;
    while (*at != NULL && !wanted(*at, context))
        at = &(*at)->next;
    found = *at;
    if (found != NULL)
        *at = found->next;
    pthread_mutex_unlock(&engine->lock);
    return found;
}

static void end(struct tp_waiting *waiting, enum tp_rc rc, const struct tp_error *error, uint32_t tries_left)
{
    tp_ipc_refuse(waiting->request, rc, error, tries_left);
    free(waiting);
}

static bool is_late(const struct tp_waiting *waiting, const void *now_ms)
{
    return waiting->request->deadline_ms - MARGIN_MS <= *(const int64_t *)now_ms;
}

void tp_approval_tick(struct tp_engine *engine, int64_t now_ms)
{
    struct tp_error error = {0};
    struct tp_waiting *late;
    bool ending = tp_ipc_server_stopping(engine->server);
    int64_t until_ms = ending ? INT64_MAX : now_ms;
    (void)tp_error_set(&error, ending ? TP_UNREACHABLE : TP_TIMEOUT,
                       ending ? "the engine ends; log in again when it is back"
                              : "the login was not approved in time; approve it with: trustp11 approval give");
    while ((late = take_out(engine, is_late, &until_ms)) != NULL)
        end(late, error.rc, &error, 0);
}

/* ---- who may see and judge them: the account that they come from, and the engine's ---- */

static bool is_own(const struct tp_waiting *waiting, const struct tp_ipc_peer *peer)
{
    return peer->uid == waiting->request->peer->uid || peer->uid == 0 || peer->uid == geteuid();
}

struct question {
    const struct tp_ipc_peer *peer;
    const Tp__Ipc__ApprovalRequest *message;
};

static bool is_asked_for(const struct tp_waiting *waiting, const void *context)
{
    const struct question *question = context;
    return strcmp(waiting->id, question->message->id) == 0 && strcmp(user_of(waiting), question->message->user) == 0 &&
           is_own(waiting, question->peer);
}

static enum tp_rc take_asked_for(struct tp_call *call, struct tp_waiting **ret_waiting)
{
    const struct question question = {.peer = call->request->peer,
                                      .message = (const Tp__Ipc__ApprovalRequest *)call->request->message};
    struct tp_waiting *found = take_out(call->engine, is_asked_for, &question);
    if (found == NULL)
        return tp_error_set(&call->error, TP_NOT_FOUND,
                            "no such login waits, or no longer; see: trustp11 approval list");
    *ret_waiting = found;
    return TP_OK;
}

/* ---- list ---- */

struct listing {
    Tp__Ipc__Approval row[MOST], *rows[MOST];
    struct tp_ipc_peer peer[MOST]; /* what the rows point into; the requests may be gone by the time they are sent */
    char id[MOST][TP_ID_LEN];
    size_t len;
};

static void list_one(struct listing *listing, const struct tp_waiting *waiting, char *user)
{
    size_t at = listing->len++;
    Tp__Ipc__Approval *row = listing->rows[at] = &listing->row[at];
    listing->peer[at] = *waiting->request->peer;
    memcpy(listing->id[at], waiting->id, TP_ID_LEN);
    tp__ipc__approval__init(row);
    row->id = listing->id[at];
    row->user = user;
    row->program = listing->peer[at].program;
    row->uid = listing->peer[at].uid;
    row->pid = (uint32_t)listing->peer[at].pid;
    row->since_ms = waiting->since_ms;
}

enum tp_rc tp_op_approval_list(struct tp_call *call)
{
    const Tp__Ipc__UserRequest *message = (const Tp__Ipc__UserRequest *)call->request->message;
    Tp__Ipc__ApprovalListReply reply = TP__IPC__APPROVAL_LIST_REPLY__INIT;
    struct listing *listing = calloc(1, sizeof *listing);
    if (listing == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    pthread_mutex_lock(&call->engine->lock);
    for (const struct tp_waiting *at = call->engine->waiting; at != NULL; at = at->next)
        if (strcmp(user_of(at), message->user) == 0 && is_own(at, call->request->peer))
            list_one(listing, at, message->user);
    pthread_mutex_unlock(&call->engine->lock);
    reply.approvals = listing->rows;
    reply.n_approvals = listing->len;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    free(listing);
    return TP_OK;
}

/* ---- give ---- */

/* The login, as if its program had given PIN and code. It answers the program. */
static enum tp_rc log_in(struct tp_call *call, struct tp_waiting *waiting, struct tp_user *user)
{
    struct tp_call login = {.engine = call->engine,
                            .request = waiting->request,
                            .duty = tp_duty(TP_OP_LOGIN),
                            .session = call->session,
                            .role = TP_ROLE_OWNER,
                            .held = TP_ROLE_ANYONE};
    char by[64];
    (void)snprintf(by, sizeof by, "approved by uid %u, %.32s", (unsigned)call->request->peer->uid,
                   call->request->peer->program);
    enum tp_rc rc = tp_login_approved(&login, user, tp_secret_bytes(call->request->secret[0]), by);
    if (rc == TP_OK) {
        free(waiting);
        return TP_OK;
    }
    call->error = login.error;
    call->tries_left = login.tries_left;
    if (rc == TP_PIN_LENGTH && add(call->engine, waiting)) /* that was no code: nothing has been looked at */
        return rc;
    end(waiting, rc, &login.error, login.tries_left);
    return rc;
}

/* Neither the program that waits nor who approves may have been told already that it is too late. */
static int64_t deadline_of_both(const struct tp_call *call, const struct tp_waiting *waiting)
{
    int64_t approved_ms = call->request->deadline_ms, waiting_ms = waiting->request->deadline_ms;
    return approved_ms < waiting_ms ? approved_ms : waiting_ms;
}

static enum tp_rc judge(struct tp_call *call, struct tp_waiting *waiting)
{
    struct tp_user *user = NULL;
    enum tp_rc rc = tp_people_get_turn(call->engine, user_of(waiting), deadline_of_both(call, waiting), &call->error,
                                       &user);
    if (rc != TP_OK) {
        end(waiting, rc, &call->error, 0);
        return rc;
    }
    rc = log_in(call, waiting, user);
    tp_people_release_turn(call->engine, user);
    return rc;
}

enum tp_rc tp_op_approval_give(struct tp_call *call)
{
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_waiting *waiting = NULL;
    TP_TRY(take_asked_for(call, &waiting));
    TP_TRY(judge(call, waiting));
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

/* ---- refuse ---- */

/* The program is refused whatever becomes of the entry; whoever refuses hears of it. */
enum tp_rc tp_op_approval_refuse(struct tp_call *call)
{
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_waiting *waiting = NULL;
    struct tp_error error = {0};
    struct tp_trail trail;
    TP_TRY(take_asked_for(call, &waiting));
    tp_trail_init(&trail, TP_ACTION_LOGIN_APPROVAL, "refused");
    tp_trail_call(&trail, call);
    tp_trail_outcome(&trail, "refused", "the login was not approved");
    tp_trail_say(&trail, "of program %.40s, uid %u", waiting->request->peer->program,
                 (unsigned)waiting->request->peer->uid);
    enum tp_rc rc = tp_trail_commit(call->engine, &trail, &call->error);
    (void)tp_error_set(&error, TP_REFUSED, "the login was refused in another place");
    end(waiting, TP_REFUSED, &error, 0);
    TP_TRY(rc);
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}
