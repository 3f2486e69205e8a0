/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/events.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "engine/login.h"
#include "engine/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WATCHERS_MOST 1024
#define OF_UID_MOST   256   /* nobody takes the room of all others */
#define NAMES_MOST    64    /* slots of one configuration: TP_CLIENT_USERS_MAX */
#define WAIT_MOST_MS  60000 /* a client that is there asks again; one that is not is forgotten by then */
#define MARGIN_MS     500   /* before the client's time is over: it is answered instead of being told that it is late */

/* A request that is not answered yet. */
struct tp_watcher {
    struct tp_ipc_request *request;
    uint64_t next; /* number of the first event that it has not been looked at for */
    int64_t until_ms;
    struct tp_watcher *others;
};

/* An answer under construction: copies, since it is sent without the lock. */
struct news {
    uint64_t mark;
    size_t len;
    Tp__Ipc__Event row[NAMES_MOST], *rows[NAMES_MOST];
    struct tp_event event[NAMES_MOST];
};

struct tp_shown tp_events_shown(const struct tp_engine *engine, const Tp__Engine__User *record)
{
    return (struct tp_shown){.enrolled = record->enrolled,
                             .locked = tp_login_locked(engine, record),
                             .suspended = record->suspended || record->closed};
}

/* ---- what has happened; the engine's lock is held ---- */

static bool same(const struct tp_shown *a, const struct tp_shown *b)
{
    return a->enrolled == b->enrolled && a->locked == b->locked && a->suspended == b->suspended;
}

/* One that nobody has seen before, from this engine or an earlier one, and that tells nothing. */
static enum tp_rc mark_make(uint64_t *ret_mark)
{
    uint64_t mark = 0;
    while (mark == 0) /* which no client has */
        TP_TRY(tp_random(&mark, sizeof mark));
    *ret_mark = mark;
    return TP_OK;
}

enum tp_rc tp_events_init(struct tp_engine *engine)
{
    return mark_make(&engine->events.first_mark);
}

static struct tp_event *event_at(struct tp_events *events, uint64_t number)
{
    return &events->ring[number % TP_EVENTS_KEPT];
}

static uint64_t mark_now(struct tp_events *events)
{
    return events->count == 0 ? events->first_mark : event_at(events, events->count - 1)->mark;
}

static uint64_t oldest(const struct tp_events *events)
{
    return events->count > TP_EVENTS_KEPT ? events->count - TP_EVENTS_KEPT : 0;
}

static void describe(const struct tp_engine *engine, const char *name, const char *id, const Tp__Engine__User *record,
                     struct tp_event *event)
{
    struct tp_shown shown = {.enrolled = false};
    if (record != NULL)
        shown = tp_events_shown(engine, record);
    *event = (struct tp_event){.present = record != NULL,
                               .enrolled = shown.enrolled,
                               .locked = shown.locked,
                               .suspended = shown.suspended};
    snprintf(event->id, sizeof event->id, "%s", record != NULL ? id : "");
    snprintf(event->name, sizeof event->name, "%s", name);
}

void tp_events_note_locked(struct tp_engine *engine, const char *name, const char *id, const Tp__Engine__User *before,
                           const Tp__Engine__User *record)
{
    struct tp_events *events = &engine->events;
    if (before != NULL && record != NULL) {
        const struct tp_shown was = tp_events_shown(engine, before), is = tp_events_shown(engine, record);
        if (same(&was, &is))
            return;
    }
    struct tp_event *event = event_at(events, events->count);
    const uint64_t before_mark = mark_now(events);
    describe(engine, name, id, record, event);
    if (mark_make(&event->mark) != TP_OK)
        event->mark = before_mark + 1; /* it tells that something has happened, and serves all the same */
    events->count++;
}

/* Where whoever has MARK goes on; false when it is not known, or no longer. */
static bool find_mark(struct tp_events *events, uint64_t mark, uint64_t *ret_next)
{
    for (uint64_t at = events->count; mark != 0 && at > oldest(events); at--) {
        if (event_at(events, at - 1)->mark != mark)
            continue;
        *ret_next = at;
        return true;
    }
    *ret_next = 0;
    return mark == events->first_mark && oldest(events) == 0;
}

static bool is_named(const Tp__Ipc__EventsRequest *message, const char *name)
{
    for (size_t i = 0; i < message->n_users; i++)
        if (strcmp(message->users[i], name) == 0)
            return true;
    return false;
}

static const Tp__Ipc__EventsRequest *message_of(const struct tp_ipc_request *request)
{
    return (const Tp__Ipc__EventsRequest *)request->message;
}

/* Whether there are news from NEXT on; NEXT moves behind all that is none. So much at once that some of it has been
 * forgotten is news as well. */
static bool has_news(struct tp_events *events, const Tp__Ipc__EventsRequest *message, uint64_t *next)
{
    if (*next < oldest(events))
        return true;
    while (*next < events->count && !is_named(message, event_at(events, *next)->name))
        ++*next;
    return *next < events->count;
}

/* ---- answers ---- */

static void add_row(struct news *news, const struct tp_event *event)
{
    struct tp_event *copy = &news->event[news->len];
    Tp__Ipc__Event *row = news->rows[news->len] = &news->row[news->len];
    *copy = *event;
    tp__ipc__event__init(row);
    row->user = copy->name;
    row->user_id = copy->id;
    row->present = copy->present;
    row->enrolled = copy->enrolled;
    row->locked = copy->locked;
    row->suspended = copy->suspended;
    news->len++;
}

static void answer(struct tp_ipc_request *request, struct news *news)
{
    Tp__Ipc__EventsReply reply = TP__IPC__EVENTS_REPLY__INIT;
    reply.now = news->mark;
    reply.events = news->rows;
    reply.n_events = news->len;
    tp_ipc_answer(request, &reply.base, TP_BYTES_NONE);
}

/* What of it is for the asker, from NEXT on; what does not fit is told when they ask again. False: some is forgotten. */
static bool gather_locked(struct tp_events *events, const Tp__Ipc__EventsRequest *message, uint64_t next,
                          struct news *news)
{
    news->mark = message->since;
    news->len = 0;
    if (next < oldest(events))
        return false;
    for (; next < events->count && news->len < NAMES_MOST; next++) {
        const struct tp_event *event = event_at(events, next);
        if (!is_named(message, event->name))
            continue;
        add_row(news, event);
        news->mark = event->mark;
    }
    return true;
}

static void answer_news(struct tp_engine *engine, struct tp_ipc_request *request, uint64_t next)
{
    struct news news;
    pthread_mutex_lock(&engine->lock);
    bool whole = gather_locked(&engine->events, message_of(request), next, &news);
    pthread_mutex_unlock(&engine->lock);
    if (!whole)
        news.mark = 0; /* asked with, it is answered with how things are */
    answer(request, &news);
}

static enum tp_rc look_at(struct tp_call *call, const char *name, struct news *news)
{
    struct tp_engine *engine = call->engine;
    struct tp_user *user = NULL;
    struct tp_event event;
    enum tp_rc rc = tp_people_get(engine, name, &call->error, &user);
    if (rc != TP_OK && rc != TP_NOT_FOUND)
        return rc;
    pthread_mutex_lock(&engine->lock);
    describe(engine, name, user != NULL ? user->id : "", user != NULL ? user->record : NULL, &event);
    pthread_mutex_unlock(&engine->lock);
    tp_people_release(engine, user);
    tp_error_clear(&call->error);
    add_row(news, &event);
    return TP_OK;
}

/* How things are with all who are named, for who cannot know what has happened since. What happens meanwhile is told
 * again when they ask next. */
static enum tp_rc answer_all(struct tp_call *call, uint64_t mark)
{
    const Tp__Ipc__EventsRequest *message = message_of(call->request);
    struct news news = {.mark = mark};
    for (size_t i = 0; i < message->n_users; i++)
        TP_TRY(look_at(call, message->users[i], &news));
    answer(call->request, &news);
    return TP_OK;
}

/* ---- waiting ---- */

static bool room_locked(const struct tp_engine *engine, uid_t uid)
{
    unsigned all = 0, of_uid = 0;
    for (const struct tp_watcher *at = engine->events.watchers; at != NULL; at = at->others) {
        all++;
        of_uid += at->request->peer->uid == uid;
    }
    return all < WATCHERS_MOST && of_uid < OF_UID_MOST;
}

static int64_t until(const struct tp_ipc_request *request)
{
    uint32_t wait_ms = message_of(request)->wait_ms;
    int64_t until_ms = tp_clock_monotonic_ms() + (wait_ms < WAIT_MOST_MS ? wait_ms : WAIT_MOST_MS);
    int64_t latest_ms = request->deadline_ms - MARGIN_MS;
    return until_ms < latest_ms ? until_ms : latest_ms;
}

/* Whether it waits now; RET_NEXT is from where on there are news when it need not. */
static enum tp_rc park(struct tp_engine *engine, struct tp_watcher *watcher, bool *ret_waits, uint64_t *ret_next)
{
    const Tp__Ipc__EventsRequest *message = message_of(watcher->request);
    enum tp_rc rc = TP_OK;
    *ret_waits = false;
    pthread_mutex_lock(&engine->lock);
    (void)find_mark(&engine->events, message->since, &watcher->next); /* known: whoever asks has looked */
    if (!has_news(&engine->events, message, &watcher->next) && watcher->until_ms > tp_clock_monotonic_ms()) {
        *ret_waits = room_locked(engine, watcher->request->peer->uid);
        rc = *ret_waits ? TP_OK : TP_BUSY;
    }
    *ret_next = watcher->next;
    if (*ret_waits) {
        watcher->others = engine->events.watchers;
        engine->events.watchers = watcher;
    }
    pthread_mutex_unlock(&engine->lock);
    return rc;
}

static enum tp_rc wait_or_answer(struct tp_call *call)
{
    struct tp_watcher *watcher = malloc(sizeof *watcher);
    bool waits;
    uint64_t next;
    if (watcher == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    *watcher = (struct tp_watcher){.request = call->request, .until_ms = until(call->request)};
    enum tp_rc rc = park(call->engine, watcher, &waits, &next);
    if (rc == TP_OK && waits)
        return TP_OK; /* it may be answered, and gone, by now */
    free(watcher);
    if (rc != TP_OK)
        return tp_error_set(&call->error, rc, "too many programs wait for events; ask again in a while");
    answer_news(call->engine, call->request, next);
    return TP_OK;
}

/* Names are wanted: who may be told of all users has `user list`, and the log. */
static enum tp_rc check(struct tp_call *call)
{
    const Tp__Ipc__EventsRequest *message = message_of(call->request);
    if (message->n_users == 0 || message->n_users > NAMES_MOST)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "name the users whose events are wanted, %d at most", NAMES_MOST);
    if (tp_ipc_server_stopping(call->engine->server))
        return tp_error_set(&call->error, TP_UNREACHABLE, "the engine ends; ask again when it is back");
    return TP_OK;
}

enum tp_rc tp_op_events(struct tp_call *call)
{
    struct tp_engine *engine = call->engine;
    uint64_t next;
    TP_TRY(check(call));
    pthread_mutex_lock(&engine->lock);
    bool known = find_mark(&engine->events, message_of(call->request)->since, &next);
    uint64_t mark = mark_now(&engine->events);
    pthread_mutex_unlock(&engine->lock);
    return known ? wait_or_answer(call) : answer_all(call, mark);
}

/* ---- the end of waiting ---- */

typedef bool wanted_fn(struct tp_engine *engine, struct tp_watcher *watcher, const void *context);

/* Takes out all for which WANTED holds. */
static struct tp_watcher *take_out(struct tp_engine *engine, wanted_fn *wanted, const void *context)
{
    struct tp_watcher *taken = NULL;
    pthread_mutex_lock(&engine->lock);
    for (struct tp_watcher **at = &engine->events.watchers; *at != NULL;) {
        struct tp_watcher *watcher = *at;
        if (!wanted(engine, watcher, context)) {
            at = &watcher->others;
            continue;
        }
        *at = watcher->others;
        watcher->others = taken;
        taken = watcher;
    }
    pthread_mutex_unlock(&engine->lock);
    return taken;
}

static void answer_each(struct tp_engine *engine, struct tp_watcher *watchers)
{
    for (struct tp_watcher *next; watchers != NULL; watchers = next) {
        next = watchers->others;
        answer_news(engine, watchers->request, watchers->next);
        free(watchers);
    }
}

static void refuse_each(struct tp_watcher *watchers)
{
    struct tp_error error = {0};
    (void)tp_error_set(&error, TP_UNREACHABLE, "the engine ends; ask again when it is back");
    for (struct tp_watcher *next; watchers != NULL; watchers = next) {
        next = watchers->others;
        tp_ipc_refuse(watchers->request, error.rc, &error, 0);
        free(watchers);
    }
}

static bool hears_of_it(struct tp_engine *engine, struct tp_watcher *watcher, const void *context)
{
    (void)context;
    return has_news(&engine->events, message_of(watcher->request), &watcher->next);
}

static bool is_over(struct tp_engine *engine, struct tp_watcher *watcher, const void *now_ms)
{
    (void)engine;
    return watcher->until_ms <= *(const int64_t *)now_ms;
}

static bool is_from(struct tp_engine *engine, struct tp_watcher *watcher, const void *connection)
{
    (void)engine;
    return watcher->request->peer->connection == *(const uint64_t *)connection;
}

void tp_events_tell(struct tp_engine *engine)
{
    answer_each(engine, take_out(engine, hears_of_it, NULL));
}

void tp_events_gone(struct tp_engine *engine, const struct tp_ipc_peer *peer)
{
    refuse_each(take_out(engine, is_from, &peer->connection));
}

void tp_events_tick(struct tp_engine *engine, int64_t now_ms)
{
    if (tp_ipc_server_stopping(engine->server))
        tp_events_clear(engine);
    else
        answer_each(engine, take_out(engine, is_over, &now_ms));
}

void tp_events_clear(struct tp_engine *engine)
{
    const int64_t end_ms = INT64_MAX;
    refuse_each(take_out(engine, is_over, &end_ms));
}
