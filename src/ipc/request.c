/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests are used again: the server's thread takes from a list of its own; whoever answers puts them on a shared one,
 * which the server's thread empties in one go (so that nothing is ever taken from its middle, and no lock is needed).
 */
#include "ipc/internal_server.h"

#include <stdlib.h>

static struct tp_ipc_pending *take_spare(struct tp_ipc_server *server)
{
    if (server->spare == NULL) {
        server->spare = atomic_exchange_explicit(&server->returned, NULL, memory_order_acquire);
        server->spares = 0;
        for (const struct tp_ipc_pending *at = server->spare; at != NULL; at = at->next_spare)
            server->spares++;
    }
    struct tp_ipc_pending *pending = server->spare;
    if (pending != NULL) {
        server->spare = pending->next_spare;
        server->spares--;
    }
    return pending;
}

struct tp_ipc_pending *tp_ipc_pending_new(struct tp_ipc_connection *connection)
{
    struct tp_ipc_pending *pending = take_spare(connection->server);
    if (pending == NULL) {
        pending = malloc(sizeof(*pending));
        if (pending == NULL)
            return NULL;
        tp_ipc_arena_init(&pending->arena);
    }
    atomic_fetch_add_explicit(&connection->refs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&connection->server->outstanding, 1, memory_order_relaxed);
    pending->request = (struct tp_ipc_request){.peer = &connection->peer};
    pending->connection = connection;
    pending->older = pending->younger = pending->next_spare = NULL;
    pending->late = false;
    return pending;
}

/* The count goes down last: tp_ipc_server_free may follow at once. */
void tp_ipc_pending_release(struct tp_ipc_pending *pending)
{
    struct tp_ipc_server *server = pending->connection->server;
    for (unsigned i = 0; i < TP_IPC_SECRETS_MAX; i++)
        tp_secret_free(pending->request.secret[i]);
    tp_ipc_arena_clear(&pending->arena);
    tp_ipc_connection_unref(pending->connection);
    pending->next_spare = atomic_load_explicit(&server->returned, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&server->returned, &pending->next_spare, pending,
                                                  memory_order_release, memory_order_relaxed))
        ;
    atomic_fetch_sub_explicit(&server->outstanding, 1, memory_order_release);
}

void tp_ipc_pending_trim(struct tp_ipc_server *server, unsigned most)
{
    while (server->spares > most || (most == 0 && atomic_load(&server->returned) != NULL))
        free(take_spare(server));
}
