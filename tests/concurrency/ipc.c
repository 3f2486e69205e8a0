/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads on one client, and several that answer in an order of their own: each caller must get its own reply, or
 * a refusal that is true, through timeouts, disconnects, restarts and a server that lets only few requests in at a
 * time.
 */
#include "base/clock.h"
#include "ipc/client.h"
#include "ipc/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLERS    8
#define WORKERS    3
#define BATCH_MOST 5

static char folder[] = "/tmp/ipc-concurrency-XXXXXX";
static char socket_path[64];
static struct tp_ipc_client *client;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

/* ---- an engine with workers that answer last come, first served ---- */

static struct {
    struct tp_ipc_server *server;
    pthread_t loop, worker[WORKERS];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct tp_ipc_request *stack;
    bool ending;
} engine = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void handle(void *context, struct tp_ipc_request *requests)
{
    (void)context;
    pthread_mutex_lock(&engine.mutex);
    while (requests != NULL) {
        struct tp_ipc_request *next = requests->next;
        requests->next = engine.stack;
        engine.stack = requests;
        requests = next;
    }
    pthread_cond_broadcast(&engine.changed);
    pthread_mutex_unlock(&engine.mutex);
}

static void answer(struct tp_ipc_request *request)
{
    if (request->operation->op == TP_OP_SIGN) {
        Tp__Ipc__SignReply reply = TP__IPC__SIGN_REPLY__INIT;
        reply.signature = ((Tp__Ipc__SignRequest *)request->message)->data;
        tp_ipc_answer(request, &reply.base, TP_BYTES_NONE);
    } else if (request->operation->op == TP_OP_ENROL) {
        Tp__Ipc__EnrolReply reply = TP__IPC__ENROL_REPLY__INIT;
        reply.issuer = ((Tp__Ipc__EnrolRequest *)request->message)->user;
        tp_ipc_answer(request, &reply.base, tp_secret_bytes(request->secret[0]));
    } else if (request->operation->op == TP_OP_CRL_IMPORT) {
        Tp__Ipc__CrlReply reply = TP__IPC__CRL_REPLY__INIT;
        reply.revoked = (uint32_t)((Tp__Ipc__CrlRequest *)request->message)->der.len;
        tp_ipc_answer(request, &reply.base, TP_BYTES_NONE);
    } else {
        struct tp_error error;
        (void)tp_error_set(&error, TP_BUSY, "%s", ((Tp__Ipc__TokenRequest *)request->message)->user);
        tp_ipc_refuse(request, TP_BUSY, &error, 0);
    }
}

static size_t take_batch(struct tp_ipc_request *batch[BATCH_MOST])
{
    size_t count = 0;
    pthread_mutex_lock(&engine.mutex);
    while (engine.stack == NULL && !engine.ending)
        pthread_cond_wait(&engine.changed, &engine.mutex);
    while (engine.stack != NULL && count < BATCH_MOST) {
        batch[count++] = engine.stack;
        engine.stack = engine.stack->next;
    }
    pthread_mutex_unlock(&engine.mutex);
    return count;
}

static void *work(void *unused)
{
    struct tp_ipc_request *batch[BATCH_MOST];
    size_t count;
    (void)unused;
    while ((count = take_batch(batch)) > 0) {
        bool held = count % 2 == 0;
        if (held)
            tp_ipc_hold();
        for (size_t i = 0; i < count; i++)
            answer(batch[i]);
        if (held)
            tp_ipc_send();
    }
    return NULL;
}

static void *loop(void *unused)
{
    (void)unused;
    require(tp_ipc_server_run(engine.server, 10000, NULL) == TP_OK, "the server's loop");
    return NULL;
}

static void engine_start(unsigned requests_most)
{
    struct tp_ipc_server_config config = {
        .socket_path = socket_path, .socket_mode = 0600, .handle = handle, .requests_most = requests_most};
    engine.ending = false;
    require(tp_ipc_server_new(&config, NULL, &engine.server) == TP_OK, "the server starts");
    require(pthread_create(&engine.loop, NULL, loop, NULL) == 0, "thread");
    for (int i = 0; i < WORKERS; i++)
        require(pthread_create(&engine.worker[i], NULL, work, NULL) == 0, "thread");
}

static void engine_stop(void)
{
    tp_ipc_server_stop(engine.server);
    pthread_join(engine.loop, NULL);
    pthread_mutex_lock(&engine.mutex);
    engine.ending = true;
    pthread_cond_broadcast(&engine.changed);
    pthread_mutex_unlock(&engine.mutex);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(engine.worker[i], NULL);
    tp_ipc_server_free(engine.server);
}

/* ---- callers ---- */

struct caller {
    pthread_t thread;
    unsigned id, calls;
    int64_t timeout_ms;
    bool may_fail; /* TP_TIMEOUT or TP_UNREACHABLE */
    bool large;    /* every other request is larger than a socket holds */
    unsigned done, failed;
};

static enum tp_rc call_sign(const struct caller *caller, unsigned number)
{
    uint8_t data[64], signature[64] = {0};
    size_t len = sizeof(signature);
    Tp__Ipc__SignRequest request = TP__IPC__SIGN_REQUEST__INIT;
    memset(data, (int)caller->id, sizeof(data));
    memcpy(data, &number, sizeof(number));
    request.data = (ProtobufCBinaryData){sizeof(data), data};
    enum tp_rc rc = tp_ipc_sign(client, &request, caller->timeout_ms, NULL, signature, &len);
    require(rc != TP_OK || (len == sizeof(data) && memcmp(data, signature, len) == 0), "the signature is our own");
    return rc;
}

static enum tp_rc call_enrol(const struct caller *caller, unsigned number)
{
    char user[32], secret[1000];
    struct tp_ipc_reply reply;
    Tp__Ipc__EnrolRequest request = TP__IPC__ENROL_REQUEST__INIT;
    (void)snprintf(user, sizeof(user), "%u %u", caller->id, number);
    memset(secret, 'a' + (int)caller->id, sizeof(secret));
    request.user = user;
    struct tp_bytes sent = TP_BYTES(secret, 1 + number % sizeof(secret));
    enum tp_rc rc =
        tp_ipc_call(client, TP_OP_ENROL, &request.base, sent, TP_BYTES("pin", 3), caller->timeout_ms, NULL, &reply);
    if (rc == TP_OK) {
        require(strcmp(((Tp__Ipc__EnrolReply *)reply.message)->issuer, user) == 0, "the reply is our own");
        require(tp_bytes_equal(tp_secret_bytes(reply.secret), sent), "the secret is our own");
    }
    tp_ipc_reply_clear(&reply);
    return rc;
}

static enum tp_rc call_token(const struct caller *caller, unsigned number)
{
    char user[32];
    struct tp_error error = {.rc = TP_OK};
    struct tp_ipc_reply reply;
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    (void)snprintf(user, sizeof(user), "%u %u", caller->id, number);
    request.user = user;
    enum tp_rc rc = tp_ipc_call(client, TP_OP_TOKEN, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, caller->timeout_ms,
                                &error, &reply);
    require(rc != TP_OK, "a refusal is no success");
    require(rc != TP_BUSY || strcmp(tp_error_words(&error), user) == 0, "the words are our own");
    tp_ipc_reply_clear(&reply);
    return rc == TP_BUSY ? TP_OK : rc;
}

static void *call(void *argument)
{
    static enum tp_rc (*const kinds[])(const struct caller *, unsigned) = {call_sign, call_sign, call_enrol,
                                                                           call_token};
    struct caller *caller = argument;
    for (unsigned i = 0; i < caller->calls; i++) {
        enum tp_rc rc = kinds[i % 4](caller, i);
        require(rc == TP_OK || (caller->may_fail && (rc == TP_TIMEOUT || rc == TP_UNREACHABLE)), tp_rc_name(rc));
        caller->done += rc == TP_OK;
        caller->failed += rc != TP_OK;
    }
    return NULL;
}

static struct caller callers[CALLERS];

static void callers_start(unsigned calls, int64_t timeout_ms, bool may_fail, bool large)
{
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] =
            (struct caller){.id = i, .calls = calls, .timeout_ms = timeout_ms, .may_fail = may_fail, .large = large};
        require(pthread_create(&callers[i].thread, NULL, call, &callers[i]) == 0, "thread");
    }
}

static void callers_join(const char *what)
{
    unsigned done = 0, failed = 0;
    for (unsigned i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        done += callers[i].done;
        failed += callers[i].failed;
    }
    (void)printf("%-15s %6u answered, %5u refused\n", what, done, failed);
}

static void with_disconnects(void)
{
    callers_start(400, 0, true, false);
    for (int i = 0; i < 50; i++) {
        tp_ipc_client_disconnect(client);
        (void)call_sign(&(struct caller){.id = 99, .may_fail = true}, (unsigned)i);
    }
    callers_join("disconnects");
}

static void with_restarts(void)
{
    callers_start(400, 0, true, false);
    for (int i = 0; i < 10; i++) {
        (void)call_sign(&(struct caller){.id = 99, .may_fail = true}, (unsigned)i);
        engine_stop();
        engine_start(0);
    }
    callers_join("restarts");
}

int main(void)
{
    require(mkdtemp(folder) != NULL, "folder");
    (void)snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
    struct tp_ipc_client_config config = {.socket_path = socket_path};
    require(tp_ipc_client_new(&config, &client) == TP_OK, "client");
    engine_start(0);
    callers_start(800, 0, false, false);
    callers_join("plain");
    callers_start(400, 1, true, false);
    callers_join("hurried");
    with_disconnects();
    with_restarts();
    engine_stop();
    engine_start(2);
    callers_start(400, 0, false, false);
    callers_join("two at once");
    callers_start(50, 0, false, true);
    callers_join("large");
    callers_start(100, 1, true, true);
    callers_join("large, hurried");
    callers_start(50, 0, false, true);
    callers_join("large");
    engine_stop();
    tp_ipc_client_free(client);
    require(rmdir(folder) == 0, "nothing is left behind");
    return 0;
}
