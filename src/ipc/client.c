/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/client.h"
#include "base/clock.h"
#include "ipc/internal_client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_FALLBACK_MS 30000

const char tp_ipc_interrupted[] = "interrupted: this program is disconnecting from the engine";

static const char closed_by_program[] = "this program has closed the connection to the engine; try again";

/* ---- the handle ---- */

static bool copy_string(const char *from, const char **ret_copy)
{
    *ret_copy = from == NULL ? NULL : strdup(from);
    return from == NULL || *ret_copy != NULL;
}

static bool config_copy(const struct tp_ipc_client_config *from, struct tp_ipc_client_config *to)
{
    *to = (struct tp_ipc_client_config){.spawn = from->spawn, .timeout_ms = from->timeout_ms};
    if (to->timeout_ms <= 0)
        to->timeout_ms = TIMEOUT_FALLBACK_MS;
    return copy_string(from->socket_path, &to->socket_path) && copy_string(from->engine_user, &to->engine_user) &&
           copy_string(from->engine_conf, &to->engine_conf) && copy_string(from->engine_program, &to->engine_program) &&
           copy_string(from->program, &to->program);
}

static void config_clear(struct tp_ipc_client_config *config)
{
    const char *const strings[] = {config->socket_path, config->engine_user, config->engine_conf,
                                   config->engine_program, config->program};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        free((void *)(uintptr_t)strings[i]);
}

static void locks_init(struct tp_ipc_client *client)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&client->mutex, NULL);
    pthread_cond_init(&client->dialled, &attr);
    pthread_condattr_destroy(&attr);
}

enum tp_rc tp_ipc_client_new(const struct tp_ipc_client_config *config, struct tp_ipc_client **ret_client)
{
    if (config->socket_path == NULL || (config->spawn && config->engine_conf == NULL))
        return TP_BAD_ARGUMENT;
    struct tp_ipc_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return TP_MEMORY;
    if (!config_copy(config, &client->config)) {
        config_clear(&client->config);
        free(client);
        return TP_MEMORY;
    }
    locks_init(client);
    atomic_init(&client->fd, -1);
    atomic_init(&client->engine_uid, -1);
    *ret_client = client;
    return TP_OK;
}

void tp_ipc_client_prepare(struct tp_ipc_client *client)
{
    if (client->config.engine_user != NULL)
        (void)tp_ipc_engine_user_find(client->config.engine_user, &client->engine_uid);
}

/* Mutex held. */
static void drop_link(struct tp_ipc_client *client)
{
    struct tp_ipc_link *link = client->link;
    client->link = NULL;
    atomic_store(&client->fd, -1);
    if (link != NULL)
        tp_ipc_link_unref(link);
}

void tp_ipc_client_free(struct tp_ipc_client *client)
{
    if (client == NULL)
        return;
    drop_link(client);
    pthread_cond_destroy(&client->dialled);
    pthread_mutex_destroy(&client->mutex);
    config_clear(&client->config);
    free(client);
}

/* The parent's locks may be held by threads that do not exist here: nothing but the descriptor is touched. */
void tp_ipc_client_abandon(struct tp_ipc_client *client)
{
    int fd = atomic_exchange(&client->fd, -1);
    if (fd >= 0)
        tp_process_fd_close(fd, &client->file);
}

void tp_ipc_client_disconnect(struct tp_ipc_client *client)
{
    pthread_mutex_lock(&client->mutex);
    atomic_fetch_add(&client->interrupts, 1);
    pthread_cond_broadcast(&client->dialled);
    if (client->link != NULL && !client->link->broken)
        tp_ipc_link_break(client->link, tp_ipc_interrupted, true);
    drop_link(client);
    pthread_mutex_unlock(&client->mutex);
}

uint64_t tp_ipc_client_generation(const struct tp_ipc_client *client)
{
    return atomic_load(&client->generation);
}

/* ---- a connection for a call ---- */

bool tp_ipc_dial_interrupted(const struct tp_ipc_dial *dial)
{
    return atomic_load(dial->interrupts) != dial->interrupt;
}

static enum tp_rc dial_link(struct tp_ipc_client *client, const struct tp_ipc_dial *dial, struct tp_error *error,
                            struct tp_ipc_link **ret_link)
{
    int fd = -1;
    TP_TRY(tp_ipc_dial(dial, error, &fd));
    enum tp_rc rc = tp_ipc_link_new(fd, &client->mutex, ret_link);
    if (rc == TP_OK)
        return TP_OK;
    (void)close(fd);
    return tp_error_set(error, rc, "no memory for a connection to the engine");
}

/* Mutex held, released while dialling. */
static enum tp_rc dial_for_all(struct tp_ipc_client *client, const struct tp_ipc_dial *dial, struct tp_error *error)
{
    struct tp_ipc_link *link;
    client->dialling = true;
    pthread_mutex_unlock(&client->mutex);
    enum tp_rc rc = dial_link(client, dial, error, &link);
    pthread_mutex_lock(&client->mutex);
    client->dialling = false;
    pthread_cond_broadcast(&client->dialled);
    if (rc != TP_OK)
        return rc;
    client->link = link;
    client->file = link->file;
    atomic_store(&client->fd, link->fd);
    atomic_fetch_add(&client->generation, 1);
    return TP_OK;
}

static enum tp_rc wait_for_dial(struct tp_ipc_client *client, const struct tp_ipc_dial *dial, struct tp_error *error)
{
    struct timespec until = tp_deadline_timespec(dial->deadline_ms);
    if (pthread_cond_timedwait(&client->dialled, &client->mutex, &until) != 0)
        return tp_error_set(error, TP_TIMEOUT, "no connection to the engine in time; is it starting, or stuck?");
    return TP_OK;
}

enum tp_rc tp_ipc_client_link(struct tp_ipc_client *client, const struct tp_ipc_dial *dial, struct tp_error *error,
                              struct tp_ipc_link **ret_link)
{
    if (client->link != NULL && !client->link->broken && !tp_ipc_link_is_there(client->link))
        tp_ipc_link_break(client->link, closed_by_program, false);
    if (client->link != NULL && client->link->broken)
        drop_link(client);
    while (client->link == NULL && !tp_ipc_dial_interrupted(dial))
        TP_TRY(client->dialling ? wait_for_dial(client, dial, error) : dial_for_all(client, dial, error));
    if (tp_ipc_dial_interrupted(dial))
        return tp_error_set(error, TP_UNREACHABLE, "%s", tp_ipc_interrupted);
    *ret_link = client->link;
    atomic_fetch_add(&client->link->refs, 1);
    return TP_OK;
}
