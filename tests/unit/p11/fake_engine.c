/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_internal.h"

#include <string.h>

static void handle(void *context, struct tp_ipc_request *requests)
{
    struct fake_engine *engine = context;
    pthread_mutex_lock(&engine->mutex);
    while (requests != NULL) {
        struct tp_ipc_request *request = requests;
        requests = request->next;
        enum tp_ipc_op op = request->operation->op;
        engine->count[op]++;
        if (engine->stall[op]) {
            request->next = engine->kept;
            engine->kept = request;
            pthread_cond_broadcast(&engine->changed);
        } else {
            fake_answer(engine, request);
        }
    }
    pthread_mutex_unlock(&engine->mutex);
}

static void *run(void *context)
{
    struct fake_engine *engine = context;
    struct tp_error error = {0};
    if (tp_ipc_server_run(engine->server, 0, &error) != TP_OK)
        (void)fprintf(stderr, "fake engine: %s\n", tp_error_words(&error));
    return NULL;
}

void fake_engine_resume(struct fake_engine *engine)
{
    static char version[] = "fake", deployment[] = "test";
    struct tp_error error = {0};
    struct tp_ipc_server_config config = {.socket_path = engine->socket_path,
                                          .socket_mode = 0600,
                                          .context = engine,
                                          .handle = handle,
                                          .hello = TP__IPC__HELLO_REPLY__INIT};
    config.hello.protocol = TP_IPC_PROTOCOL;
    config.hello.version = version;
    config.hello.deployment = deployment;
    if (tp_ipc_server_new(&config, &error, &engine->server) != TP_OK) {
        (void)fprintf(stderr, "fake engine: %s\n", tp_error_words(&error));
        abort();
    }
    MUST(pthread_create(&engine->thread, NULL, run, engine) == 0);
}

void fake_engine_halt(struct fake_engine *engine)
{
    tp_ipc_server_stop(engine->server);
    pthread_mutex_lock(&engine->mutex);
    fake_drop_kept(engine);
    fake_drop_watching(engine);
    for (unsigned i = 0; i < engine->login_count; i++)
        engine->logins[i].open = false;
    pthread_mutex_unlock(&engine->mutex);
    MUST(pthread_join(engine->thread, NULL) == 0);
    pthread_mutex_lock(&engine->mutex);
    fake_drop_kept(engine);
    fake_drop_watching(engine);
    pthread_mutex_unlock(&engine->mutex);
    tp_ipc_server_free(engine->server);
    engine->server = NULL;
}

struct fake_engine *fake_engine_start(const char *socket_path)
{
    struct fake_engine *engine = calloc(1, sizeof(*engine));
    MUST(engine != NULL);
    engine->socket_path = strdup(socket_path);
    (void)pthread_mutex_init(&engine->mutex, NULL);
    (void)pthread_cond_init(&engine->changed, NULL);
    engine->generation = engine->events = 1;
    engine->for_ms = 600000;
    fake_engine_add_user(engine, FAKE_USER, FAKE_PIN);
    (void)snprintf(engine->users[0].label, sizeof(engine->users[0].label), "Alice's token");
    fake_engine_add_user(engine, FAKE_OFFICER, FAKE_SO_PIN);
    engine->users[1].officer = true;
    fake_keys_start(engine);
    fake_engine_resume(engine);
    return engine;
}

void fake_engine_stop(struct fake_engine *engine)
{
    if (engine->server != NULL)
        fake_engine_halt(engine);
    fake_keys_free(engine);
    for (size_t i = 0; i < engine->user_count; i++)
        free(engine->users[i].name);
    free(engine->socket_path);
    (void)pthread_mutex_destroy(&engine->mutex);
    (void)pthread_cond_destroy(&engine->changed);
    free(engine);
}
