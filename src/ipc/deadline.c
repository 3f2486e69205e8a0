/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/internal_server.h"

static void tell_late(struct tp_ipc_connection *connection, struct tp_ipc_pending *pending)
{
    struct tp_ipc_body body;
    struct tp_ipc_header header = {
        .op = (uint16_t)pending->request.operation->op, .rc = TP_TIMEOUT, .number = pending->number};
    pending->late = true;
    if (tp_ipc_failure_pack(TP_TIMEOUT, "", 0, &body) != TP_OK)
        return;
    tp_ipc_connection_put(connection, &header, body.bytes, TP_BYTES_NONE);
    tp_ipc_body_clear(&body);
}

/* Mutex held. */
static void check_requests(struct tp_ipc_connection *connection)
{
    int64_t now_ms = connection->server->now_ms;
    for (struct tp_ipc_pending *at = connection->oldest; at != NULL; at = at->younger)
        if (!at->late && at->request.deadline_ms <= now_ms)
            tell_late(connection, at);
    tp_ipc_connection_flush(connection);
}

/* A client may be silent between frames for as long as it likes, but not within one, nor before its greeting, nor while
 * it has answers to read. Time during which we did not read does not count against it, unless it was for memory that
 * its uid holds: what is unfinished holds some of that, and might wait for itself. Mutex held. */
static bool has_stalled(struct tp_ipc_connection *connection)
{
    const struct tp_ipc_server *server = connection->server;
    int64_t since_ms = server->now_ms - server->config.stall_most_ms;
    if (connection->blocked && connection->moved_ms <= since_ms)
        return true;
    if (connection->paused && tp_ipc_account_has_room(server, connection->account, 0))
        connection->frame_ms = server->now_ms;
    bool unfinished = !connection->greeted || tp_ipc_reader_midway(&connection->reader);
    return unfinished && connection->frame_ms <= since_ms;
}

void tp_ipc_server_check_deadlines(struct tp_ipc_server *server)
{
    for (struct tp_ipc_connection *at = server->first; at != NULL; at = at->next) {
        pthread_mutex_lock(&at->mutex);
        check_requests(at);
        bool stalled = has_stalled(at);
        pthread_mutex_unlock(&at->mutex);
        if (stalled)
            tp_ipc_connection_doom(at);
    }
}
