/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/internal_server.h"
#include "ipc/process.h"

#include <string.h>

enum tp_rc tp_ipc_peer_read(int fd, struct tp_ipc_peer *ret_peer)
{
    struct ucred there;
    socklen_t len = sizeof(there);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &there, &len) != 0 || len != sizeof(there))
        return TP_PEER;
    *ret_peer = (struct tp_ipc_peer){
        .uid = there.uid, .gid = there.gid, .pid = there.pid, .pid_started = tp_ipc_process_started(there.pid)};
    return TP_OK;
}

/* The claim goes into logs and onto terminals: no control characters. */
void tp_ipc_peer_set_program(struct tp_ipc_peer *peer, const char *claim)
{
    size_t len = strnlen(claim, sizeof(peer->program) - 1);
    for (size_t i = 0; i < len; i++)
        peer->program[i] = claim[i];
    peer->program[len] = '\0';
    for (char *at = peer->program; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7F)
            *at = '?';
}
