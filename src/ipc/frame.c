/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/frame.h"
#include "ipc/operation.h"

#include <stdbool.h>

static void put_le(uint8_t *at, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i) & 0xFF);
}

static uint32_t get_le32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint16_t get_le16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

void tp_ipc_header_pack(const struct tp_ipc_header *header, uint8_t ret_bytes[TP_IPC_HEADER_LEN])
{
    put_le(ret_bytes, header->body_len, 4);
    put_le(ret_bytes + 4, header->op, 2);
    put_le(ret_bytes + 6, header->rc, 2);
    put_le(ret_bytes + 8, header->number, 4);
    put_le(ret_bytes + 12, header->wait_ms, 4);
    put_le(ret_bytes + 16, header->secret_len[0], 2);
    put_le(ret_bytes + 18, header->secret_len[1], 2);
    put_le(ret_bytes + 20, 0, 4);
}

/* A request has exactly the secrets that its operation takes, so that no handler has to ask whether they are there. */
static bool request_fits(const struct tp_ipc_header *header, const struct tp_ipc_operation *operation)
{
    for (unsigned i = 0; i < TP_IPC_SECRETS_MAX; i++)
        if ((header->secret_len[i] > 0) != (i < operation->secrets))
            return false;
    return header->body_len <= operation->most && header->rc == TP_OK;
}

/* A reply has at most one secret, and then a body small enough for both to lie in secret memory. */
static bool reply_fits(const struct tp_ipc_header *header)
{
    size_t most = header->secret_len[0] > 0 ? TP_IPC_BODY_SMALL : TP_IPC_REPLY_MAX;
    return header->body_len <= most && header->secret_len[1] == 0 && header->rc < TP_RC_COUNT && header->wait_ms == 0;
}

enum tp_rc tp_ipc_header_unpack(const uint8_t bytes[TP_IPC_HEADER_LEN], int reply, struct tp_ipc_header *ret_header)
{
    struct tp_ipc_header header = {
        .body_len = get_le32(bytes),
        .op = get_le16(bytes + 4),
        .rc = get_le16(bytes + 6),
        .number = get_le32(bytes + 8),
        .wait_ms = get_le32(bytes + 12),
        .secret_len = {get_le16(bytes + 16), get_le16(bytes + 18)},
    };
    const struct tp_ipc_operation *operation = tp_ipc_operation(header.op);
    if (operation == NULL || get_le32(bytes + 20) != 0)
        return TP_MALFORMED;
    if (header.secret_len[0] > TP_IPC_SECRET_MAX || header.secret_len[1] > TP_IPC_SECRET_MAX)
        return TP_MALFORMED;
    if (reply ? !reply_fits(&header) : !request_fits(&header, operation))
        return TP_MALFORMED;
    *ret_header = header;
    return TP_OK;
}

size_t tp_ipc_header_total(const struct tp_ipc_header *header)
{
    return TP_IPC_HEADER_LEN + (size_t)header->body_len + header->secret_len[0] + header->secret_len[1];
}
