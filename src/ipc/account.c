/* SPDX-License-Identifier: Apache-2.0
 *
 * What each uid takes of the server: connections, memory, and the server's time. Nobody gets more by opening more
 * connections.
 */
#include "ipc/internal_server.h"

#include <stdlib.h>
#include <unistd.h>

#define REQUESTS_STEP 256 /* requests of one uid that one wake-up takes: others come next, whatever it sends */
#define GRAIN         ((size_t)16 << 10) /* bytes by which a connection may differ from what its account says */

/* NULL: no memory. */
struct tp_ipc_account *tp_ipc_account_of(struct tp_ipc_server *server, uid_t uid)
{
    struct tp_ipc_account *account = NULL;
    HASH_FIND(hh, server->accounts, &uid, sizeof(uid), account);
    if (account != NULL)
        return account;
    account = calloc(1, sizeof(*account));
    if (account == NULL)
        return NULL;
    account->uid = uid;
    account->privileged = uid == 0 || uid == geteuid();
    HASH_ADD(hh, server->accounts, uid, sizeof(account->uid), account);
    return account;
}

static void forget(struct tp_ipc_server *server, struct tp_ipc_account *account)
{
    HASH_DEL(server->accounts, account);
    free(account);
}

/* References are only added by the server's thread, which this is. */
void tp_ipc_accounts_trim(struct tp_ipc_server *server)
{
    struct tp_ipc_account *at, *next;
    HASH_ITER(hh, server->accounts, at, next)
    {
        if (atomic_load_explicit(&at->refs, memory_order_acquire) == 0)
            forget(server, at);
    }
}

/* ---- memory ---- */

static size_t bytes_of(const struct tp_ipc_account *account)
{
    return atomic_load_explicit(&account->bytes, memory_order_relaxed);
}

bool tp_ipc_account_has_room(const struct tp_ipc_server *server, const struct tp_ipc_account *account, size_t len)
{
    size_t used = bytes_of(account), most = server->config.bytes_most_per_uid;
    return used <= most && len <= most - used;
}

bool tp_ipc_account_is_far_over(const struct tp_ipc_server *server, const struct tp_ipc_account *account)
{
    return bytes_of(account) / 2 > server->config.bytes_most_per_uid;
}

/* In steps: requests that come and go at once touch nothing that connections share. */
void tp_ipc_connection_settle(struct tp_ipc_connection *connection)
{
    size_t held = connection->input_len + connection->requests_len + connection->outbox.waiting;
    size_t charged = connection->charged, difference = held > charged ? held - charged : charged - held;
    if (difference < GRAIN)
        return;
    if (held > charged)
        atomic_fetch_add_explicit(&connection->account->bytes, difference, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(&connection->account->bytes, difference, memory_order_relaxed);
    connection->charged = held;
}

/* ---- the server's time ---- */

bool tp_ipc_account_has_had_its_share(struct tp_ipc_server *server, struct tp_ipc_account *account)
{
    if (account->step != server->step) {
        account->step = server->step;
        account->taken = 0;
    }
    return account->taken >= REQUESTS_STEP;
}
