/* SPDX-License-Identifier: Apache-2.0 */
#include "server/front.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/limits.h"
#include "server/route.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD_MAX   8192
#define BODY_MAX   ((size_t)64 << 10) /* beyond what any route takes: evhttp ends what is longer, routes answer 413 */
#define IN_FLIGHT  1024
#define LOOK_MS    250
#define DRAIN_MS   10000
#define WAITING    4096 /* connections in the kernel, as far as net.core.somaxconn lets it: evhttp's 128 would soon be strangers' */
#define WORDS_MAX  128
#define PRIORITIES 3 /* evhttp has the middle one */

struct tp_front {
    const struct tp_net_conf *conf;
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *bound[TP_NET_PLACES];
    size_t bound_len;
    struct tp_limits *limits;
    struct tp_ipc_async *engine;
    bool connected, told; /* as it was said last; it was, once */
    struct event *engine_event, *flush, *tick, *signals[2];
    unsigned open; /* exchanges not answered yet */
    int64_t drain_until_ms; /* 0: serving */
};

/* ---- answers ---- */

static int descriptor_of(struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    return connection == NULL ? -1 : bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
}

/* Neither addresses nor anything that a client has written: method and path are the table's. */
static void log_access(const struct tp_exchange *exchange, int status, size_t len)
{
    if (exchange->front->conf->access_log)
        tp_log(TP_LOG_INFO, "%s %s %d, %zu bytes in, %zu out, %lld us", exchange->method, exchange->path, status, exchange->body_len,
               len, (long long)(tp_clock_monotonic_us() - exchange->begun_us));
}

/* evhttp reads no body of a HEAD, whatever its length: what follows an error may be part of what it was the answer to, and is not
 * to be taken for a request. And a connection that others wait for is given up with each answer, since its next request may come
 * in time for ever. */
static bool is_last(const struct tp_front *front, int status)
{
    return status != HTTP_OK || front->drain_until_ms != 0 || tp_limits_crowded(front->limits);
}

/* RFC 9110 §2.5: answered as what we speak, whatever minor version was asked with; evhttp would repeat that. */
static void speak_our_version(struct evhttp_request *request)
{
    if (request->major == 1 && request->minor > 1)
        request->minor = 1;
}

void tp_exchange_answer(struct tp_exchange *exchange, int status, const char *type, struct tp_bytes body)
{
    struct tp_front *front = exchange->front;
    struct evhttp_request *request = exchange->request;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    log_access(exchange, status, body.len);
    if (type != NULL)
        evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    if (is_last(front, status))
        evhttp_add_header(headers, "Connection", "close");
    if (body.len > 0 && evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) /* RFC 9110 §9.3.2; evhttp would send it */
        evbuffer_add(evhttp_request_get_output_buffer(request), body.data, body.len);
    tp_limits_answered(front->limits, descriptor_of(request));
    front->open--;
    free(exchange);
    evhttp_send_reply(request, status, NULL, NULL); /* the reason is evhttp's */
}

void tp_exchange_fail(struct tp_exchange *exchange, int status, unsigned retry_after_s, const char *words)
{
    char text[WORDS_MAX], seconds[16];
    const int len = snprintf(text, sizeof text, "%s\n", words);
    if (retry_after_s > 0) {
        (void)snprintf(seconds, sizeof seconds, "%u", retry_after_s);
        evhttp_add_header(evhttp_request_get_output_headers(exchange->request), "Retry-After", seconds);
    }
    tp_exchange_answer(exchange, status, "text/plain; charset=utf-8", TP_BYTES(text, (size_t)len));
}

static void on_request(struct evhttp_request *request, void *context)
{
    struct tp_front *front = context;
    struct tp_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL) {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    *exchange = (struct tp_exchange){
        .front = front, .request = request, .method = "-", .path = "-", .begun_us = tp_clock_monotonic_us()};
    front->open++;
    speak_our_version(request);
    tp_limits_whole(front->limits, descriptor_of(request));
    tp_route_run(exchange, front->conf, front->engine);
    event_active(front->flush, EV_WRITE, 0);
}

/* ---- the loop ---- */

static void take_connections(struct tp_front *front, bool wanted)
{
    for (size_t i = 0; i < front->bound_len; i++) {
        struct evconnlistener *listener = evhttp_bound_socket_get_listener(front->bound[i]);
        (void)(wanted ? evconnlistener_enable(listener) : evconnlistener_disable(listener));
    }
}

/* No descriptor is left: trying again before the next look would only burn time. CONTEXT is evhttp's. */
static void on_accept_failed(struct evconnlistener *listener, void *context)
{
    (void)context;
    (void)evconnlistener_disable(listener);
}

/* Also once at start, whatever it is: operators look at the log then. The engine may come later, as services do that start at the
 * same time, or again after an update; until then balancers and clients find a 503, and nothing has to be started twice. */
static void tell_engine(struct tp_front *front)
{
    const bool connected = tp_ipc_async_connected(front->engine);
    const char *why = tp_ipc_async_words(front->engine);
    if ((front->told && connected == front->connected) || (!connected && why[0] == '\0'))
        return;
    if (connected)
        tp_log(TP_LOG_INFO, "connected to the engine");
    else
        tp_log(TP_LOG_WARNING, "without the engine, so that requests are answered 503: %s", why);
    front->connected = connected, front->told = true;
}

static void on_engine(evutil_socket_t fd, short what, void *context)
{
    struct tp_front *front = context;
    (void)fd, (void)what;
    tp_ipc_async_turn(front->engine);
    tell_engine(front);
}

/* After all else that is ready: what was asked meanwhile goes out in one go, and becomes one group in the engine's log. */
static void on_flush(evutil_socket_t fd, short what, void *context)
{
    struct tp_front *front = context;
    (void)fd, (void)what;
    tp_ipc_async_flush(front->engine);
}

static void drained(struct tp_front *front, unsigned connections, int64_t now_ms)
{
    if (front->open == 0 && (connections == 0 || now_ms >= front->drain_until_ms))
        (void)event_base_loopbreak(front->base);
    if (now_ms >= front->drain_until_ms)
        (void)event_base_loopbreak(front->base);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct tp_front *front = context;
    const int64_t now_ms = tp_clock_monotonic_ms();
    const bool draining = front->drain_until_ms != 0;
    (void)fd, (void)what;
    tp_ipc_async_tick(front->engine);
    tell_engine(front);
    const unsigned connections = tp_limits_sweep(front->limits, now_ms, draining);
    if (draining)
        drained(front, connections, now_ms);
    else
        take_connections(front, !tp_limits_full(front->limits, connections));
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct tp_front *front = context;
    (void)number, (void)what;
    if (front->drain_until_ms != 0)
        return;
    front->drain_until_ms = tp_clock_monotonic_ms() + DRAIN_MS;
    for (size_t i = 0; i < front->bound_len; i++)
        evhttp_del_accept_socket(front->http, front->bound[i]);
    front->bound_len = 0;
}

/* ---- beginning and end ---- */

static enum tp_rc listen_at(struct tp_front *front, const struct tp_net_place *place, struct tp_error *error)
{
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(front->http, place->address, place->port);
    if (bound == NULL)
        return tp_error_set(error, TP_IO, "cannot listen at %s port %u: %s", place->address, place->port, strerror(errno));
    (void)listen(evhttp_bound_socket_get_fd(bound), WAITING); /* once more: more of them */
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(bound), on_accept_failed);
    front->bound[front->bound_len++] = bound;
    return TP_OK;
}

static bool make_http(struct tp_front *front)
{
    front->http = evhttp_new(front->base);
    if (front->http == NULL)
        return false;
    evhttp_set_gencb(front->http, on_request, front);
    evhttp_set_max_headers_size(front->http, HEAD_MAX);
    evhttp_set_max_body_size(front->http, (ev_ssize_t)BODY_MAX);
    evhttp_set_default_content_type(front->http, NULL);
    evhttp_set_timeout(front->http, (int)(front->conf->time_ms / 1000) + 1);
    evhttp_set_allowed_methods(front->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    return true;
}

static bool add_events(struct tp_front *front)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    const struct timeval look = {.tv_usec = LOOK_MS * 1000};
    front->engine_event = event_new(front->base, tp_ipc_async_fd(front->engine), EV_READ | EV_PERSIST, on_engine, front);
    front->flush = event_new(front->base, -1, 0, on_flush, front);
    front->tick = event_new(front->base, -1, EV_PERSIST, on_tick, front);
    if (front->engine_event == NULL || front->tick == NULL || front->flush == NULL ||
        event_priority_set(front->flush, PRIORITIES - 1) != 0 || event_add(front->engine_event, NULL) != 0 ||
        event_add(front->tick, &look) != 0)
        return false;
    for (size_t i = 0; i < 2; i++) {
        front->signals[i] = evsignal_new(front->base, numbers[i], on_signal, front);
        if (front->signals[i] == NULL || event_add(front->signals[i], NULL) != 0)
            return false;
    }
    return true;
}

/* evhttp stops and begins reading for each request: the kernel is told of what is left of that by the next wait. */
static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static enum tp_rc start(struct tp_front *front, struct tp_error *error)
{
    const struct tp_ipc_client_config engine = {
        .socket_path = front->conf->engine, .engine_user = front->conf->engine_user, .program = "trustp11d net"};
    TP_TRY(tp_limits_new(front->conf->connections, front->conf->time_ms, &front->limits));
    front->base = make_base();
    if (front->base == NULL || event_base_priority_init(front->base, PRIORITIES) != 0 || !make_http(front))
        return TP_MEMORY;
    for (size_t i = 0; i < front->conf->places_len; i++)
        TP_TRY(listen_at(front, &front->conf->places[i], error));
    TP_TRY(tp_ipc_async_new(&engine, IN_FLIGHT, error, &front->engine));
    return add_events(front) ? TP_OK : TP_MEMORY;
}

enum tp_rc tp_front_new(const struct tp_net_conf *conf, struct tp_error *error, struct tp_front **ret_front)
{
    struct tp_front *front TP_AUTO(tp_front_free_p) = calloc(1, sizeof *front);
    if (front == NULL)
        return TP_MEMORY;
    front->conf = conf;
    TP_TRY(start(front, error));
    *ret_front = front;
    front = NULL;
    return TP_OK;
}

static void event_free_unless_null(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

void tp_front_free(struct tp_front *front)
{
    if (front == NULL)
        return;
    event_free_unless_null(front->engine_event);
    event_free_unless_null(front->flush);
    event_free_unless_null(front->tick);
    event_free_unless_null(front->signals[0]);
    event_free_unless_null(front->signals[1]);
    tp_ipc_async_free(front->engine);
    if (front->http != NULL)
        evhttp_free(front->http);
    if (front->base != NULL)
        event_base_free(front->base);
    tp_limits_free(front->limits);
    free(front);
}

enum tp_rc tp_front_run(struct tp_front *front, struct tp_error *error)
{
    tp_ipc_async_tick(front->engine);
    if (event_base_dispatch(front->base) < 0)
        return tp_error_set(error, TP_INTERNAL, "the loop has ended by itself");
    return TP_OK;
}
