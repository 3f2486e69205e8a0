/* SPDX-License-Identifier: Apache-2.0
 *
 * What the protocol itself costs: N threads of one client, each in a closed loop of SIGN calls that the server answers
 * at once with 72 bytes. Client and server are in this one process, so the CPU figure has both.
 *
 *   ipc_echo [SECONDS [THREADS…]]
 */
#include "base/clock.h"
#include "ipc/client.h"
#include "ipc/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREADS_MOST 256

static char socket_path[64];
static struct tp_ipc_client *client;
static atomic_bool stop;
static atomic_ulong calls;

static void handle(void *context, struct tp_ipc_request *requests)
{
    static uint8_t signature[72] = {0x30};
    Tp__Ipc__SignReply reply = TP__IPC__SIGN_REPLY__INIT;
    reply.signature = (ProtobufCBinaryData){sizeof(signature), signature};
    (void)context;
    tp_ipc_hold();
    while (requests != NULL) {
        struct tp_ipc_request *next = requests->next;
        tp_ipc_answer(requests, &reply.base, TP_BYTES_NONE);
        requests = next;
    }
    tp_ipc_send();
}

static void *serve(void *server)
{
    struct tp_error error = {.rc = TP_OK};
    if (tp_ipc_server_run(server, 0, &error) != TP_OK)
        (void)fprintf(stderr, "%s\n", tp_error_words(&error));
    return NULL;
}

static void *call(void *unused)
{
    uint8_t hash[32] = {1};
    Tp__Ipc__SignRequest request = TP__IPC__SIGN_REQUEST__INIT;
    char id[] = "0123456789abcdef0123456789abcdef", hash_name[] = "SHA-256";
    request.authorisation = request.credential = id;
    request.hash_name = hash_name;
    request.data = (ProtobufCBinaryData){sizeof(hash), hash};
    unsigned long done = 0;
    (void)unused;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        uint8_t signature[512];
        size_t len = sizeof(signature);
        struct tp_error error = {.rc = TP_OK};
        if (tp_ipc_sign(client, &request, 0, &error, signature, &len) != TP_OK) {
            (void)fprintf(stderr, "%s\n", tp_error_words(&error));
            exit(1);
        }
        done++;
    }
    atomic_fetch_add(&calls, done);
    return NULL;
}

static int64_t cpu_us(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
}

static void measure(unsigned threads, unsigned seconds)
{
    pthread_t thread[THREADS_MOST];
    atomic_store(&stop, false);
    atomic_store(&calls, 0);
    int64_t cpu = cpu_us(), start = tp_clock_monotonic_us();
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, call, NULL) != 0)
            exit(1);
    (void)sleep(seconds);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < threads; i++)
        (void)pthread_join(thread[i], NULL);
    double elapsed = (double)(tp_clock_monotonic_us() - start), used = (double)(cpu_us() - cpu);
    double count = (double)atomic_load(&calls);
    (void)printf("%3u threads: %8.0f calls/s, %6.2f us CPU a call (client and server)\n", threads,
                 count * 1e6 / elapsed, used / count);
}

static void fail(const char *what, const struct tp_error *error)
{
    (void)fprintf(stderr, "%s: %s\n", what, tp_error_words(error));
    exit(1);
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {"1", "8", "32"};
    unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
    char **given = argc > 2 ? argv + 2 : (char **)(uintptr_t)usual;
    int count = argc > 2 ? argc - 2 : 3;
    struct tp_ipc_server *server = NULL;
    struct tp_error error = {.rc = TP_OK};
    pthread_t thread;
    (void)snprintf(socket_path, sizeof(socket_path), "/tmp/ipc_echo.%ld", (long)getpid());
    struct tp_ipc_server_config served = {
        .socket_path = socket_path, .socket_mode = 0600, .handle = handle, .hello = TP__IPC__HELLO_REPLY__INIT};
    struct tp_ipc_client_config asked = {.socket_path = socket_path};
    if (tp_ipc_server_new(&served, &error, &server) != TP_OK)
        fail("server", &error);
    if (tp_ipc_client_new(&asked, &client) != TP_OK || pthread_create(&thread, NULL, serve, server) != 0)
        fail("client", &error);
    for (int i = 0; i < count; i++) {
        unsigned threads = (unsigned)atoi(given[i]);
        measure(threads < THREADS_MOST ? threads : THREADS_MOST, seconds);
    }
    tp_ipc_client_free(client);
    tp_ipc_server_stop(server);
    (void)pthread_join(thread, NULL);
    tp_ipc_server_free(server);
    return 0;
}
