/* SPDX-License-Identifier: Apache-2.0
 *
 * The routes of the net process: one table. What a row does not allow is answered here, before its function runs.
 */
#ifndef TP_SERVER_ROUTE_H
#define TP_SERVER_ROUTE_H

#include "base/bytes.h"
#include "ipc/async.h"
#include "server/net_conf.h"

#include <event2/http.h>

/* A request as a route gets it: it answers exactly once, now or later, with tp_exchange_answer. */
struct tp_exchange {
    struct tp_front *front;
    struct evhttp_request *request;
    const char *method, *path; /* as the log has them: of the table, static */
    int64_t begun_us;
    size_t body_len;
};
/* TYPE may be NULL with an empty BODY. EXCHANGE is gone afterwards; its connection is kept for the next request after HTTP_OK
 * alone, and while others need not wait for it. */
void tp_exchange_answer(struct tp_exchange *exchange, int status, const char *type, struct tp_bytes body);
/* An answer of one line for people; RETRY_AFTER_S 0: not said. */
void tp_exchange_fail(struct tp_exchange *exchange, int status, unsigned retry_after_s, const char *words);

struct tp_route {
    const char *(*path)(const struct tp_net_conf *conf); /* NULL: the route is not served */
    enum evhttp_cmd_type method;
    const char *allow; /* the method's name */
    const char *type; /* media type of the request's body */
    size_t body_max;
    /* BODY is the callee's for the call only. */
    void (*run)(struct tp_exchange *exchange, struct tp_bytes body, struct tp_ipc_async *engine);
};
/* RFC 9110: 400 for a request whose end is in doubt, 411 for one without a length, 404 for what is not there, 405 with Allow for
 * another method, 415 for another media type, 413 for too much. */
void tp_route_run(struct tp_exchange *exchange, const struct tp_net_conf *conf, struct tp_ipc_async *engine);

/* tsa_route.c */
extern const struct tp_route tp_tsa_route;

#endif
