/* SPDX-License-Identifier: Apache-2.0
 *
 * One frame on the socket, either way; all integers little-endian:
 *
 *   offset  size
 *        0     4  body length
 *        4     2  operation (ipc/operation.h)
 *        6     2  result code (enum tp_rc) in a reply; 0 in a request
 *        8     4  request number, chosen by the client, echoed in the reply; any order of replies is fine
 *       12     4  request: ms that the client will wait; reply: 0
 *       16     2  length of the first secret      18  2  length of the second
 *       20     4  zero
 *       24        body (a packed message), then the secrets' bytes
 *
 * Secrets are outside the body so that they go from the socket into locked memory and are wiped there: the buffers that
 * frames are received into are tp_secret memory themselves (RS-6; they do not pass through the message library).
 */
#ifndef TP_IPC_FRAME_H
#define TP_IPC_FRAME_H

#include "base/rc.h"

#include <stddef.h>
#include <stdint.h>

#define TP_IPC_HEADER_LEN 24
#define TP_IPC_SECRET_MAX 2560 /* bytes of one secret: an RSA-4096 key that is imported (TP_PKI_PRIVATE_KEY_MAX) */

struct tp_ipc_header {
    uint32_t body_len;
    uint16_t op, rc;
    uint32_t number;
    uint32_t wait_ms;
    uint16_t secret_len[2];
};
void tp_ipc_header_pack(const struct tp_ipc_header *header, uint8_t ret_bytes[TP_IPC_HEADER_LEN]);
/* TP_MALFORMED when a length is past its limit, an operation unknown, or what must be zero is not. REPLY: which side reads. */
TP_MUST_USE enum tp_rc tp_ipc_header_unpack(const uint8_t bytes[TP_IPC_HEADER_LEN], int reply,
                                            struct tp_ipc_header *ret_header);
/* Header, body and secrets. */
size_t tp_ipc_header_total(const struct tp_ipc_header *header);

#endif
