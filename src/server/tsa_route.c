/* SPDX-License-Identifier: Apache-2.0
 *
 * POST of a TimeStampReq (RFC 3161 §3.4): the engine's answer is passed on as it is, rejections among them.
 *
 * Where the engine has none (it is away, too busy, has no key) the answer is 503 with Retry-After, and not a TimeStampResp with
 * systemFailure under 200: clients take a TimeStampResp for the authority's last word and give up, or show it to people, while
 * a 503 is tried again, or with the next authority, by them as by proxies and balancers before us; monitoring sees it; and
 * nothing that would look like the authority's word comes from a process that cannot sign.
 */
#include "base/log.h"
#include "server/route.h"

#define TYPE_QUERY "application/timestamp-query"
#define TYPE_REPLY "application/timestamp-reply"
#define BODY_MAX   (TP_IPC_BODY_SMALL - 16) /* 16 KiB as the engine takes them, its field's head included */
#define ENGINE_MS  10000
#define RETRY_AFTER_S 2

static const char *path(const struct tp_net_conf *conf)
{
    return conf->tsa;
}

static void failed(struct tp_exchange *exchange, const struct tp_error *error)
{
    tp_log(TP_LOG_WARNING, "no timestamp: %s", tp_error_words(error));
    tp_exchange_fail(exchange, HTTP_SERVUNAVAIL, RETRY_AFTER_S, "no timestamp can be made now; try again");
}

static void answered(void *context, enum tp_rc rc, const struct tp_error *error, const ProtobufCMessage *message)
{
    struct tp_exchange *exchange = context;
    const Tp__Ipc__DerReply *reply = (const Tp__Ipc__DerReply *)(const void *)message;
    if (rc == TP_OK)
        tp_exchange_answer(exchange, HTTP_OK, TYPE_REPLY, TP_BYTES(reply->der.data, reply->der.len));
    else
        failed(exchange, error);
}

static void run(struct tp_exchange *exchange, struct tp_bytes body, struct tp_ipc_async *engine)
{
    struct tp_error error = {0};
    Tp__Ipc__TimestampRequest request = TP__IPC__TIMESTAMP_REQUEST__INIT;
    request.request = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)body.data, .len = body.len};
    if (tp_ipc_async_ask(engine, TP_OP_TIMESTAMP, &request.base, ENGINE_MS, answered, exchange, &error) != TP_OK)
        failed(exchange, &error);
}

const struct tp_route tp_tsa_route = {
    .path = path, .method = EVHTTP_REQ_POST, .allow = "POST", .type = TYPE_QUERY, .body_max = BODY_MAX, .run = run};
