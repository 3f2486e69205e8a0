/* SPDX-License-Identifier: Apache-2.0
 *
 * Who gets a connection when they are scarce. A uid with fewer than another, by two at least, takes one of the other's:
 * so each gets its equal share in the end, however many the others have opened, and two of equal strength do not take
 * from each other for ever.
 */
#include "ipc/internal_server.h"

static const char of_uid[] = "this user has as many connections to the engine as one may; end some programs";
static const char full[] = "the engine has as many connections as it may; try again later";
static const char taken[] = "closed to make room for the connections of others";

static bool has_room(const struct tp_ipc_server *server, const struct tp_ipc_account *account)
{
    const struct tp_ipc_server_config *config = &server->config;
    unsigned all = atomic_load_explicit(&server->connections, memory_order_relaxed), others = all - server->privileged;
    return all < config->connections_most &&
           (account->privileged || others < config->connections_most - config->connections_kept);
}

/* The uid with the most of what ACCOUNT may have. */
static const struct tp_ipc_account *largest(const struct tp_ipc_server *server, const struct tp_ipc_account *account)
{
    const struct tp_ipc_account *found = account;
    for (const struct tp_ipc_account *at = server->accounts; at != NULL; at = at->hh.next)
        if (at->connections > found->connections && (account->privileged || !at->privileged))
            found = at;
    return found;
}

static bool is_busy(struct tp_ipc_connection *connection)
{
    pthread_mutex_lock(&connection->mutex);
    bool busy = connection->in_flight > 0;
    pthread_mutex_unlock(&connection->mutex);
    return busy;
}

/* One that waits for an answer goes last: but it goes, or holding requests would hold connections. */
static struct tp_ipc_connection *longest_unused(const struct tp_ipc_server *server, const struct tp_ipc_account *account)
{
    struct tp_ipc_connection *found = NULL;
    bool found_busy = true;
    for (struct tp_ipc_connection *at = server->first; at != NULL; at = at->next) {
        if (at->account != account || at->doomed)
            continue;
        bool busy = is_busy(at);
        if (found == NULL || busy < found_busy || (busy == found_busy && at->used_ms <= found->used_ms)) {
            found = at;
            found_busy = busy;
        }
    }
    return found;
}

static void give_up(struct tp_ipc_connection *connection)
{
    pthread_mutex_lock(&connection->mutex);
    connection->cut = taken;
    pthread_mutex_unlock(&connection->mutex);
    tp_ipc_connection_doom(connection);
}

const char *tp_ipc_room_make(struct tp_ipc_server *server, const struct tp_ipc_account *account)
{
    if (account->connections >= server->config.connections_most_per_uid)
        return of_uid;
    if (has_room(server, account))
        return NULL;
    const struct tp_ipc_account *from = largest(server, account);
    struct tp_ipc_connection *unused = NULL;
    if (from->connections > account->connections + 1)
        unused = longest_unused(server, from);
    if (unused == NULL)
        return full;
    give_up(unused);
    return NULL;
}
