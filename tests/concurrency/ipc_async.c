/* SPDX-License-Identifier: Apache-2.0
 *
 * An event loop and the thread that connects for it (ipc/async.h), through restarts of the engine: each request is answered
 * once, with its own answer or a refusal that is true.
 */
#include "base/clock.h"
#include "ipc/async.h"
#include "ipc/server.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIVES   5
#define EACH    300
#define FLYING  16
#define LIFE_MS 20000

static char folder[] = "/tmp/ipc-async-XXXXXX";
static char socket_path[64];
static struct tp_ipc_async *async;
static unsigned numbers[FLYING];
static unsigned asked, good, lost;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

/* ---- an engine that gives back what it is to sign ---- */

static struct tp_ipc_server *server;
static pthread_t server_thread;

static void handle(void *context, struct tp_ipc_request *requests)
{
    (void)context;
    while (requests != NULL) {
        struct tp_ipc_request *next = requests->next;
        Tp__Ipc__SignReply reply = TP__IPC__SIGN_REPLY__INIT;
        reply.signature = ((const Tp__Ipc__SignRequest *)(const void *)requests->message)->data;
        tp_ipc_answer(requests, &reply.base, TP_BYTES_NONE);
        requests = next;
    }
}

static void *serve(void *unused)
{
    struct tp_error error = {0};
    (void)unused;
    require(tp_ipc_server_run(server, 1000, &error) == TP_OK, "the server");
    return NULL;
}

static void server_begin(void)
{
    struct tp_error error = {0};
    struct tp_ipc_server_config config = {.socket_path = socket_path, .socket_mode = 0600, .connections_most = 4, .handle = handle};
    tp__ipc__hello_reply__init(&config.hello);
    config.hello.protocol = TP_IPC_PROTOCOL;
    require(tp_ipc_server_new(&config, &error, &server) == TP_OK, tp_error_words(&error));
    require(pthread_create(&server_thread, NULL, serve, NULL) == 0, "no thread");
}

static void server_end(void)
{
    tp_ipc_server_stop(server);
    (void)pthread_join(server_thread, NULL);
    tp_ipc_server_free(server);
}

/* ---- the loop ---- */

static void done(void *context, enum tp_rc rc, const struct tp_error *error, const ProtobufCMessage *message)
{
    const Tp__Ipc__SignReply *reply = (const Tp__Ipc__SignReply *)(const void *)message;
    unsigned *number = context;
    (void)error;
    require(*number != 0, "answered twice");
    require(rc == TP_OK || rc == TP_UNREACHABLE, "an answer that nobody gave");
    if (rc == TP_OK) {
        require(reply->signature.len == sizeof *number && memcmp(reply->signature.data, number, sizeof *number) == 0, "another's answer");
        good++;
    } else {
        lost++;
    }
    *number = 0;
}

static void ask_all(void)
{
    for (unsigned i = 0; i < FLYING; i++) {
        struct tp_error error = {0};
        Tp__Ipc__SignRequest request = TP__IPC__SIGN_REQUEST__INIT;
        if (numbers[i] != 0 || !tp_ipc_async_connected(async))
            continue;
        numbers[i] = ++asked;
        request.data = (ProtobufCBinaryData){.data = (uint8_t *)&numbers[i], .len = sizeof numbers[i]};
        if (tp_ipc_async_ask(async, TP_OP_SIGN, &request.base, 5000, done, &numbers[i], &error) != TP_OK) {
            numbers[i] = 0;
            asked--;
        }
        tp_error_clear(&error);
    }
}

static void turn(void)
{
    tp_ipc_async_flush(async);
    struct pollfd wait = {.fd = tp_ipc_async_fd(async), .events = POLLIN};
    if (poll(&wait, 1, 20) > 0)
        tp_ipc_async_turn(async);
    tp_ipc_async_tick(async);
}

static void live(void)
{
    const unsigned before = good;
    const int64_t until_ms = tp_clock_monotonic_ms() + LIFE_MS;
    server_begin();
    while (good - before < EACH && tp_clock_monotonic_ms() < until_ms) {
        ask_all();
        turn();
    }
    require(good - before >= EACH, "the engine is not found again");
    ask_all(); /* some are under way when it ends */
    tp_ipc_async_flush(async);
    server_end();
}

int main(void)
{
    struct tp_error error = {0};
    const struct tp_ipc_client_config config = {.socket_path = socket_path, .program = "test"};
    require(mkdtemp(folder) != NULL, "no folder");
    (void)snprintf(socket_path, sizeof socket_path, "%s/sock", folder);
    require(tp_ipc_async_new(&config, FLYING, &error, &async) == TP_OK, tp_error_words(&error));
    for (unsigned i = 0; i < LIVES; i++)
        live();
    for (unsigned i = 0; i < 500 && tp_ipc_async_waiting(async) > 0; i++)
        turn();
    require(good + lost == asked, "a request was never answered");
    tp_ipc_async_free(async);
    (void)unlink(socket_path);
    (void)rmdir(folder);
    return 0;
}
