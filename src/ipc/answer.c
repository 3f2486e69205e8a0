/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/internal_server.h"

#define HELD_MOST 32 /* connections that one batch of answers gathers for; further ones are written to at once */

/* Connections that this thread has put answers into since tp_ipc_hold. */
static _Thread_local struct {
    bool on;
    unsigned count;
    struct tp_ipc_connection *connection[HELD_MOST];
} held;

void tp_ipc_hold(void)
{
    held.on = true;
}

void tp_ipc_send(void)
{
    held.on = false;
    for (unsigned i = 0; i < held.count; i++) {
        struct tp_ipc_connection *connection = held.connection[i];
        pthread_mutex_lock(&connection->mutex);
        tp_ipc_connection_flush(connection);
        pthread_mutex_unlock(&connection->mutex);
        tp_ipc_connection_unref(connection);
    }
    held.count = 0;
}

/* Whether the answer can wait for tp_ipc_send. */
static bool hold(struct tp_ipc_connection *connection)
{
    if (!held.on)
        return false;
    for (unsigned i = 0; i < held.count; i++)
        if (held.connection[i] == connection)
            return true;
    if (held.count == HELD_MOST)
        return false;
    atomic_fetch_add_explicit(&connection->refs, 1, memory_order_relaxed);
    held.connection[held.count++] = connection;
    return true;
}

static void answer(struct tp_ipc_pending *pending, enum tp_rc rc, struct tp_bytes body, struct tp_bytes secret)
{
    struct tp_ipc_connection *connection = pending->connection;
    struct tp_ipc_header header = {
        .op = (uint16_t)pending->request.operation->op, .rc = (uint16_t)rc, .number = pending->number};
    bool wait = hold(connection);
    pthread_mutex_lock(&connection->mutex);
    if (!pending->late)
        tp_ipc_connection_put(connection, &header, body, secret);
    tp_ipc_connection_leave(connection, pending);
    if (!wait)
        tp_ipc_connection_flush(connection);
    pthread_mutex_unlock(&connection->mutex);
    tp_ipc_pending_release(pending);
}

enum tp_rc tp_ipc_failure_pack(enum tp_rc rc, const char *words, uint32_t tries_left, struct tp_ipc_body *ret_body)
{
    Tp__Ipc__Failure failure = TP__IPC__FAILURE__INIT;
    const char *told = words[0] != '\0' ? words : tp_rc_words(rc);
    failure.words = (char *)(uintptr_t)told; /* packing only reads it */
    failure.tries_left = tries_left;
    return tp_ipc_body_pack(&failure.base, TP_IPC_BODY_SMALL, ret_body);
}

static void refuse(struct tp_ipc_pending *pending, enum tp_rc rc, const char *words, uint32_t tries_left)
{
    struct tp_ipc_body body = {.large = NULL};
    if (tp_ipc_failure_pack(rc, words, tries_left, &body) != TP_OK)
        body.bytes = TP_BYTES_NONE;
    answer(pending, rc, body.bytes, TP_BYTES_NONE);
    tp_ipc_body_clear(&body);
}

/* A reply that is not the operation's, or that a client would not accept, is a mistake of the handler's. */
static enum tp_rc reply_pack(const struct tp_ipc_operation *operation, const ProtobufCMessage *message,
                             struct tp_bytes secret, struct tp_ipc_body *ret_body)
{
    if (message->descriptor != operation->reply || secret.len > TP_IPC_SECRET_MAX)
        return TP_INTERNAL;
    return tp_ipc_body_pack(message, secret.len > 0 ? TP_IPC_BODY_SMALL : TP_IPC_REPLY_MAX, ret_body);
}

void tp_ipc_answer(struct tp_ipc_request *request, const ProtobufCMessage *message, struct tp_bytes secret)
{
    struct tp_ipc_pending *pending = (struct tp_ipc_pending *)request;
    struct tp_ipc_body body;
    enum tp_rc rc = reply_pack(request->operation, message, secret, &body);
    if (rc != TP_OK) {
        refuse(pending, rc, "", 0);
        return;
    }
    answer(pending, TP_OK, body.bytes, secret);
    tp_ipc_body_clear(&body);
}

void tp_ipc_refuse(struct tp_ipc_request *request, enum tp_rc rc, const struct tp_error *error, uint32_t tries_left)
{
    refuse((struct tp_ipc_pending *)request, rc == TP_OK ? TP_INTERNAL : rc, error == NULL ? "" : error->words,
           tries_left);
}
