/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_internal.h"

#include <string.h>

#define ASKED_MOST 64

static void describe(struct fake_engine *engine, char *name, Tp__Ipc__Event *event)
{
    static char nobody[] = "";
    struct fake_user *user = fake_find_user(engine, name);
    tp__ipc__event__init(event);
    event->user = name;
    event->user_id = user == NULL ? nobody : user->id;
    event->present = user != NULL;
    event->enrolled = user != NULL && user->enrolled;
    event->locked = user != NULL && user->locked;
    event->suspended = user != NULL && user->suspended;
}

/* How things are with all who are asked about, whatever it is that has happened. */
static void answer_events(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__EventsRequest *asked = (const Tp__Ipc__EventsRequest *)request->message;
    Tp__Ipc__EventsReply reply = TP__IPC__EVENTS_REPLY__INIT;
    Tp__Ipc__Event row[ASKED_MOST], *rows[ASKED_MOST];
    MUST(asked->n_users <= ASKED_MOST);
    for (size_t i = 0; asked->since != engine->events && i < asked->n_users; i++) {
        describe(engine, asked->users[i], &row[i]);
        rows[reply.n_events++] = &row[i];
    }
    reply.now = engine->events;
    reply.events = rows;
    tp_ipc_answer(request, &reply.base, TP_BYTES_NONE);
}

void fake_on_events(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__EventsRequest *asked = (const Tp__Ipc__EventsRequest *)request->message;
    if (asked->n_users == 0) {
        tp_ipc_refuse(request, TP_BAD_ARGUMENT, NULL, 0);
    } else if (asked->since != engine->events || asked->wait_ms == 0) {
        answer_events(engine, request);
    } else {
        request->next = engine->watching;
        engine->watching = request;
        pthread_cond_broadcast(&engine->changed);
    }
}

void fake_tell(struct fake_engine *engine)
{
    engine->events++;
    while (engine->watching != NULL) {
        struct tp_ipc_request *request = engine->watching;
        engine->watching = request->next;
        answer_events(engine, request);
    }
}

void fake_drop_watching(struct fake_engine *engine)
{
    while (engine->watching != NULL) {
        struct tp_ipc_request *request = engine->watching;
        engine->watching = request->next;
        tp_ipc_refuse(request, TP_UNREACHABLE, NULL, 0);
    }
}

static unsigned watching(const struct fake_engine *engine)
{
    unsigned count = 0;
    for (const struct tp_ipc_request *at = engine->watching; at != NULL; at = at->next)
        count++;
    return count;
}

void fake_engine_wait_watched(struct fake_engine *engine, unsigned count)
{
    pthread_mutex_lock(&engine->mutex);
    while (watching(engine) < count)
        pthread_cond_wait(&engine->changed, &engine->mutex);
    pthread_mutex_unlock(&engine->mutex);
}
