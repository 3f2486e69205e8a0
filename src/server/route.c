/* SPDX-License-Identifier: Apache-2.0 */
#include "server/route.h"

#include "server/framing.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>

static const struct tp_route *const routes[] = {&tp_tsa_route};

/* Without the query, which no route has. */
static bool is_at(const struct evhttp_request *request, const char *path)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *asked = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    return path != NULL && asked != NULL && strcmp(path, asked) == 0;
}

static const struct tp_route *find(const struct evhttp_request *request, const struct tp_net_conf *conf, const char **ret_path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        *ret_path = routes[i]->path(conf);
        if (is_at(request, *ret_path))
            return routes[i];
    }
    return NULL;
}

/* Parameters ("; charset=…") say nothing here. */
static bool is_of_type(struct evhttp_request *request, const char *type)
{
    const char *given = evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type");
    const size_t len = strlen(type);
    return given != NULL && strncasecmp(given, type, len) == 0 && (given[len] == '\0' || given[len] == ';' || given[len] == ' ');
}

/* Without one there is no body (RFC 9112 §6.3), and what was meant to be would be the next request. */
static bool has_length(struct evhttp_request *request)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Length") != NULL;
}

void tp_route_run(struct tp_exchange *exchange, const struct tp_net_conf *conf, struct tp_ipc_async *engine)
{
    struct evhttp_request *request = exchange->request;
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const char *path = NULL, *words = NULL;
    const int unclear = tp_framing_judge(request, &words);
    if (unclear != 0) {
        tp_exchange_fail(exchange, unclear, 0, words);
        return;
    }
    const struct tp_route *route = find(request, conf, &path);
    if (route == NULL) {
        tp_exchange_fail(exchange, HTTP_NOTFOUND, 0, "there is nothing here");
        return;
    }
    exchange->path = path;
    exchange->body_len = evbuffer_get_length(body);
    if (evhttp_request_get_command(request) != route->method) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", route->allow);
        tp_exchange_fail(exchange, HTTP_BADMETHOD, 0, "this method is not served here");
        return;
    }
    exchange->method = route->allow;
    if (!has_length(request))
        tp_exchange_fail(exchange, 411, 0, TP_FRAMING_NO_LENGTH);
    else if (!is_of_type(request, route->type))
        tp_exchange_fail(exchange, 415, 0, "requests here are of another media type");
    else if (exchange->body_len > route->body_max)
        tp_exchange_fail(exchange, HTTP_ENTITYTOOLARGE, 0, "the request is larger than any can be");
    else
        route->run(exchange, TP_BYTES(evbuffer_pullup(body, -1), exchange->body_len), engine);
}
