/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/internal_server.h"

#include <errno.h>
#include <stdio.h>

#define LARGE_AGAIN_MS 20 /* before who may send large bodies is asked again about a uid that may not */
#define HANDLER_LEN    ((size_t)4 << 10) /* bytes that a handler has for a request, about */

/* ---- the greeting ---- */

static void reply(struct tp_ipc_connection *connection, const struct tp_ipc_frame *frame, enum tp_rc rc,
                  struct tp_bytes body)
{
    struct tp_ipc_header header = {.op = frame->header.op, .rc = (uint16_t)rc, .number = frame->header.number};
    pthread_mutex_lock(&connection->mutex);
    tp_ipc_connection_put(connection, &header, body, TP_BYTES_NONE);
    tp_ipc_connection_flush(connection);
    pthread_mutex_unlock(&connection->mutex);
}

static enum tp_rc greeting_pack(const struct tp_ipc_connection *connection, uint32_t protocol,
                                struct tp_ipc_body *ret_body)
{
    if (protocol == TP_IPC_PROTOCOL)
        return tp_ipc_body_pack(&connection->server->config.hello.base, TP_IPC_BODY_SMALL, ret_body);
    char words[128];
    (void)snprintf(words, sizeof(words), "the engine speaks protocol %d, not %u; install the same version of both",
                   TP_IPC_PROTOCOL, protocol);
    return tp_ipc_failure_pack(TP_UNSUPPORTED, words, 0, ret_body);
}

/* A second HELLO is answered and changes nothing: handlers may be reading what the first one said. */
static bool greet(struct tp_ipc_connection *connection, const struct tp_ipc_frame *frame)
{
    struct tp_ipc_arena arena;
    tp_ipc_arena_init(&arena);
    Tp__Ipc__HelloRequest *hello = tp__ipc__hello_request__unpack(&arena.allocator, frame->body.len, frame->body.data);
    bool well_formed = hello != NULL;
    uint32_t protocol = well_formed ? hello->protocol : 0;
    bool same = protocol == TP_IPC_PROTOCOL;
    if (same && !connection->greeted) {
        tp_ipc_peer_set_program(&connection->peer, hello->program);
        connection->greeted = true;
        connection->reader.only = 0;
    }
    tp_ipc_arena_clear(&arena);
    struct tp_ipc_body body;
    if (!well_formed || greeting_pack(connection, protocol, &body) != TP_OK)
        return false;
    reply(connection, frame, same ? TP_OK : TP_UNSUPPORTED, body.bytes);
    tp_ipc_body_clear(&body);
    return same;
}

/* ---- what the server refuses of itself ---- */

static const char *words_for(enum tp_rc rc)
{
    switch (rc) {
    case TP_NOT_PERMITTED:
        return "so large a request is not permitted to this user; ask an officer, or log in as one: trustp11 login --user NAME";
    case TP_BUSY:
        return "other requests of this user take all the room that it has; try again when they have been answered";
    case TP_UNSUPPORTED:
        return "the request has fields that the engine does not know; install the same version of both";
    default:
        return "";
    }
}

static bool refuse_frame(struct tp_ipc_connection *connection, const struct tp_ipc_frame *frame, enum tp_rc rc)
{
    const struct tp_ipc_server_config *config = &connection->server->config;
    struct tp_ipc_body body;
    if (config->turned_away != NULL)
        config->turned_away(config->context, &connection->peer, tp_ipc_operation(frame->header.op), rc, words_for(rc));
    if (tp_ipc_failure_pack(rc, words_for(rc), 0, &body) != TP_OK)
        return false;
    reply(connection, frame, rc, body.bytes);
    tp_ipc_body_clear(&body);
    return true;
}

/* Finding out may mean looking at all who are logged in. */
static bool may_send_large(struct tp_ipc_connection *connection, const struct tp_ipc_header *header)
{
    const struct tp_ipc_server *server = connection->server;
    struct tp_ipc_account *account = connection->account;
    if (server->config.may_send_large == NULL)
        return true;
    if (server->now_ms < account->no_large_ms)
        return false;
    bool may = server->config.may_send_large(server->config.context, &connection->peer, tp_ipc_operation(header->op));
    if (!may)
        account->no_large_ms = server->now_ms + LARGE_AGAIN_MS;
    return may;
}

/* The whole body counts from here on: else several that are begun could wait for each other's room. */
enum tp_rc tp_ipc_connection_admit(void *context, const struct tp_ipc_header *header)
{
    struct tp_ipc_connection *connection = context;
    if (!may_send_large(connection, header))
        return TP_NOT_PERMITTED;
    return tp_ipc_account_has_room(connection->server, connection->account, header->body_len) ? TP_OK : TP_BUSY;
}

/* ---- requests ---- */

static bool fill(struct tp_ipc_pending *pending, const struct tp_ipc_frame *frame)
{
    struct tp_ipc_request *request = &pending->request;
    pending->number = frame->header.number;
    pending->len = sizeof(*pending) + HANDLER_LEN + tp_ipc_header_total(&frame->header);
    request->operation = tp_ipc_operation(frame->header.op);
    for (unsigned i = 0; i < TP_IPC_SECRETS_MAX; i++)
        if (frame->secret[i].len > 0 && tp_secret_new_copy(frame->secret[i], &request->secret[i]) != TP_OK)
            return false;
    request->message = protobuf_c_message_unpack(request->operation->request, &pending->arena.allocator,
                                                 frame->body.len, frame->body.data);
    return request->message != NULL;
}

static bool take_request(struct tp_ipc_connection *connection, const struct tp_ipc_frame *frame)
{
    struct tp_ipc_server *server = connection->server;
    struct tp_ipc_pending *pending = tp_ipc_pending_new(connection);
    if (pending == NULL)
        return false;
    if (!fill(pending, frame)) {
        tp_ipc_pending_release(pending);
        return false;
    }
    int64_t wait_ms = frame->header.wait_ms;
    if (wait_ms > server->config.wait_most_ms)
        wait_ms = server->config.wait_most_ms;
    pending->request.deadline_ms = server->now_ms + wait_ms;
    *server->chain_end = &pending->request;
    server->chain_end = &pending->request.next;
    return true;
}

static bool take_frame(struct tp_ipc_connection *connection, const struct tp_ipc_frame *frame)
{
    enum tp_rc rc = frame->refused;
    connection->used_ms = connection->server->now_ms;
    connection->account->taken++;
    if (rc == TP_OK)
        rc = tp_ipc_fields_check(tp_ipc_operation(frame->header.op)->request, frame->body);
    if (rc == TP_MALFORMED)
        return false;
    if (rc != TP_OK)
        return refuse_frame(connection, frame, rc);
    return frame->header.op == TP_OP_HELLO ? greet(connection, frame) : take_request(connection, frame);
}

/* False when the connection must be closed: what came is malformed, or there is no memory for it. */
static bool take_input(struct tp_ipc_connection *connection, struct tp_bytes input)
{
    struct tp_ipc_frame frame;
    bool complete = true;
    if (!tp_ipc_reader_midway(&connection->reader) && connection->greeted)
        connection->frame_ms = connection->server->now_ms;
    while (complete) {
        if (tp_ipc_reader_next(&connection->reader, &input, &frame, &complete) != TP_OK)
            return false;
        if (!complete)
            break;
        if (!take_frame(connection, &frame))
            return false;
        connection->frame_ms = connection->server->now_ms;
    }
    return true;
}

/* And what has been read of the next one. */
static void join_new(struct tp_ipc_connection *connection, struct tp_ipc_request *request)
{
    size_t input_len = tp_ipc_reader_claim(&connection->reader);
    if (request == NULL && input_len == connection->input_len) /* which only this thread writes */
        return;
    pthread_mutex_lock(&connection->mutex);
    connection->input_len = input_len;
    for (; request != NULL; request = request->next)
        tp_ipc_connection_join(connection, (struct tp_ipc_pending *)request);
    tp_ipc_connection_look(connection);
    pthread_mutex_unlock(&connection->mutex);
}

/* Else epoll tells of it again: at once, or when it is listened to again. */
static bool may_read(struct tp_ipc_connection *connection)
{
    struct tp_ipc_server *server = connection->server;
    if (tp_ipc_account_has_had_its_share(server, connection->account))
        return false;
    if (tp_ipc_account_has_room(server, connection->account, 0))
        return true;
    pthread_mutex_lock(&connection->mutex);
    tp_ipc_connection_look(connection);
    pthread_mutex_unlock(&connection->mutex);
    return false;
}

void tp_ipc_connection_receive(struct tp_ipc_connection *connection)
{
    struct tp_ipc_server *server = connection->server;
    if (!may_read(connection))
        return;
    uint8_t *input = tp_secret_data(server->input);
    ssize_t len = recv(connection->fd, input, TP_IPC_INPUT_LEN, MSG_DONTWAIT);
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    struct tp_ipc_request **first_new = server->chain_end;
    if (len <= 0 || !take_input(connection, TP_BYTES(input, (size_t)len)))
        tp_ipc_connection_doom(connection);
    if (len <= 0)
        return;
    tp_wipe(input, (size_t)len); /* PINs have been copied into secrets of their own */
    join_new(connection, *first_new);
}
