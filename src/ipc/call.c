/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "ipc/internal_client.h"

#include <string.h>

static bool changes_nothing(uint16_t op)
{
    return op == TP_OP_HELLO || op == TP_OP_TOKEN || op == TP_OP_OBJECTS || op == TP_OP_AUTHORISATION ||
           op == TP_OP_STATUS || op == TP_OP_EVENTS;
}

static enum tp_rc exchange_once(struct tp_ipc_client *client, const struct tp_ipc_dial *dial, struct tp_ipc_ask *ask,
                                struct tp_error *error, struct tp_ipc_waiter *waiter)
{
    struct tp_ipc_link *link;
    pthread_mutex_lock(&client->mutex);
    enum tp_rc rc = tp_ipc_client_link(client, dial, error, &link);
    if (rc != TP_OK) {
        pthread_mutex_unlock(&client->mutex);
        return rc;
    }
    ask->header.wait_ms = (uint32_t)tp_deadline_left_ms(ask->deadline_ms);
    tp_ipc_link_exchange(link, ask, waiter);
    tp_ipc_link_unref(link);
    return TP_OK;
}

/* TP_OK when WAITER has a result, the engine's or the link's. */
static enum tp_rc exchange(struct tp_ipc_client *client, struct tp_ipc_ask *ask, struct tp_error *error,
                           struct tp_ipc_waiter *waiter)
{
    struct tp_ipc_dial dial = {.config = &client->config,
                               .deadline_ms = ask->deadline_ms,
                               .interrupts = &client->interrupts,
                               .interrupt = atomic_load(&client->interrupts),
                               .engine_uid = &client->engine_uid};
    TP_TRY(exchange_once(client, &dial, ask, error, waiter));
    bool again = waiter->rc == TP_UNREACHABLE && waiter->words != NULL && !waiter->interrupted &&
                 (waiter->unsent || changes_nothing(ask->header.op));
    if (!again)
        return TP_OK;
    tp_ipc_waiter_clear(waiter);
    return exchange_once(client, &dial, ask, error, waiter);
}

static struct tp_bytes waiter_body(const struct tp_ipc_waiter *waiter)
{
    return TP_BYTES(waiter->large != NULL ? waiter->large : waiter->small, waiter->body_len);
}

/* Code and words of a call that failed; the engine's words, unless the link has some of its own. */
static enum tp_rc failure(const struct tp_ipc_waiter *waiter, struct tp_error *error, uint32_t *ret_tries_left)
{
    if (waiter->words != NULL)
        return tp_error_set(error, waiter->rc, "%s", waiter->words);
    struct tp_ipc_arena arena;
    tp_ipc_arena_init(&arena);
    struct tp_bytes body = waiter_body(waiter);
    Tp__Ipc__Failure *told = tp__ipc__failure__unpack(&arena.allocator, body.len, body.data);
    bool has_words = told != NULL && told->words[0] != '\0';
    (void)tp_error_set(error, waiter->rc, "%s", has_words ? told->words : tp_rc_words(waiter->rc));
    if (told != NULL && ret_tries_left != NULL)
        *ret_tries_left = told->tries_left;
    tp_ipc_arena_clear(&arena);
    return waiter->rc;
}

static enum tp_rc misread(struct tp_error *error)
{
    return tp_error_set(error, TP_MALFORMED,
                        "the engine's answer cannot be read; check that its version fits this one");
}

static enum tp_rc ask_make(const struct tp_ipc_client *client, const struct tp_ipc_operation *operation,
                           const ProtobufCMessage *request, int64_t timeout_ms, struct tp_ipc_body *body,
                           struct tp_ipc_ask *ret_ask)
{
    if (operation == NULL || request->descriptor != operation->request)
        return TP_BAD_ARGUMENT;
    TP_TRY(tp_ipc_body_pack(request, operation->most, body));
    *ret_ask = (struct tp_ipc_ask){
        .header = {.op = (uint16_t)operation->op},
        .body = body->bytes,
        .deadline_ms = tp_clock_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : client->config.timeout_ms),
    };
    return TP_OK;
}

static enum tp_rc ask_add_secret(struct tp_ipc_ask *ask, unsigned index, bool wanted, struct tp_bytes secret)
{
    if (secret.len > TP_IPC_SECRET_MAX)
        return TP_TOO_LARGE;
    ask->secret[index] = secret;
    return (secret.len > 0) == wanted ? TP_OK : TP_BAD_ARGUMENT;
}

static enum tp_rc unasked(struct tp_error *error, enum tp_rc rc)
{
    return tp_error_set(error, rc, "the request was not sent: %s", tp_rc_words(rc));
}

void tp_ipc_reply_clear(struct tp_ipc_reply *reply)
{
    if (reply->message != NULL)
        protobuf_c_message_free_unpacked(reply->message, NULL);
    tp_secret_free(reply->secret);
    *reply = (struct tp_ipc_reply){.message = NULL};
}

static enum tp_rc reply_read(const struct tp_ipc_operation *operation, struct tp_ipc_waiter *waiter,
                             struct tp_error *error, struct tp_ipc_reply *ret_reply)
{
    if (waiter->rc != TP_OK)
        return failure(waiter, error, &ret_reply->tries_left);
    struct tp_bytes body = waiter_body(waiter);
    ret_reply->message = protobuf_c_message_unpack(operation->reply, NULL, body.len, body.data);
    if (ret_reply->message == NULL)
        return misread(error);
    ret_reply->secret = waiter->secret;
    waiter->secret = NULL;
    return TP_OK;
}

enum tp_rc tp_ipc_call(struct tp_ipc_client *client, enum tp_ipc_op op, const ProtobufCMessage *request,
                       struct tp_bytes secret_0, struct tp_bytes secret_1, int64_t timeout_ms, struct tp_error *error,
                       struct tp_ipc_reply *ret_reply)
{
    const struct tp_ipc_operation *operation = tp_ipc_operation((unsigned)op);
    struct tp_ipc_body body = {.large = NULL};
    struct tp_ipc_ask ask;
    *ret_reply = (struct tp_ipc_reply){.message = NULL};
    enum tp_rc rc = ask_make(client, operation, request, timeout_ms, &body, &ask);
    if (rc == TP_OK)
        rc = ask_add_secret(&ask, 0, operation->secrets > 0, secret_0);
    if (rc == TP_OK)
        rc = ask_add_secret(&ask, 1, operation->secrets > 1, secret_1);
    if (rc != TP_OK) {
        tp_ipc_body_clear(&body);
        return unasked(error, rc);
    }
    struct tp_ipc_waiter waiter;
    rc = exchange(client, &ask, error, &waiter);
    tp_ipc_body_clear(&body);
    if (rc != TP_OK)
        return rc;
    rc = reply_read(operation, &waiter, error, ret_reply);
    tp_ipc_waiter_clear(&waiter);
    return rc;
}

static enum tp_rc signature_read(const struct tp_ipc_waiter *waiter, struct tp_error *error, uint8_t *ret_signature,
                                 size_t *ret_signature_len)
{
    if (waiter->rc != TP_OK)
        return failure(waiter, error, NULL);
    struct tp_ipc_arena arena;
    tp_ipc_arena_init(&arena);
    struct tp_bytes body = waiter_body(waiter);
    Tp__Ipc__SignReply *reply = tp__ipc__sign_reply__unpack(&arena.allocator, body.len, body.data);
    enum tp_rc rc = TP_OK;
    if (reply == NULL || reply->signature.len == 0) {
        rc = misread(error);
    } else if (reply->signature.len > *ret_signature_len) {
        rc = tp_error_set(error, TP_TOO_LARGE, "the signature has %zu bytes, the caller's buffer %zu",
                          reply->signature.len, *ret_signature_len);
    } else {
        memcpy(ret_signature, reply->signature.data, reply->signature.len);
        *ret_signature_len = reply->signature.len;
    }
    tp_ipc_arena_clear(&arena);
    return rc;
}

enum tp_rc tp_ipc_sign(struct tp_ipc_client *client, const Tp__Ipc__SignRequest *request, int64_t timeout_ms,
                       struct tp_error *error, uint8_t *ret_signature, size_t *ret_signature_len)
{
    struct tp_ipc_body body;
    struct tp_ipc_ask ask;
    enum tp_rc rc = ask_make(client, tp_ipc_operation(TP_OP_SIGN), &request->base, timeout_ms, &body, &ask);
    if (rc != TP_OK)
        return unasked(error, rc);
    struct tp_ipc_waiter waiter;
    rc = exchange(client, &ask, error, &waiter);
    tp_ipc_body_clear(&body);
    if (rc != TP_OK)
        return rc;
    rc = signature_read(&waiter, error, ret_signature, ret_signature_len);
    tp_ipc_waiter_clear(&waiter);
    return rc;
}
