/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define CHUNK_LEN   ((size_t)4096 - sizeof(struct tp_ipc_chunk)) /* bytes of a chunk that is kept for the next frames */
#define SPARES_MOST 2                                            /* one being sent, one being filled */
#define PIECES_MOST 16                                           /* chunks that one system call sends */

enum tp_rc tp_ipc_body_pack(const ProtobufCMessage *message, size_t most, struct tp_ipc_body *ret_body)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    if (len > most)
        return TP_TOO_LARGE;
    uint8_t *large = len > sizeof(ret_body->small) ? malloc(len) : NULL;
    if (large == NULL && len > sizeof(ret_body->small))
        return TP_MEMORY;
    uint8_t *to = large != NULL ? large : ret_body->small;
    ret_body->large = large;
    ret_body->bytes = TP_BYTES(to, protobuf_c_message_pack(message, to));
    return TP_OK;
}

void tp_ipc_body_clear(struct tp_ipc_body *body)
{
    free(body->large);
    body->large = NULL;
}

static void chunk_free(struct tp_ipc_chunk *chunk)
{
    tp_secret_free(chunk->secret);
    free(chunk);
}

static struct tp_ipc_chunk *plain_chunk(struct tp_ipc_outbox *outbox, size_t len)
{
    struct tp_ipc_chunk *chunk = outbox->spare;
    if (chunk != NULL && len <= CHUNK_LEN) {
        outbox->spare = chunk->next;
        outbox->spares--;
        return chunk;
    }
    size_t capacity = len < CHUNK_LEN ? CHUNK_LEN : len;
    chunk = malloc(sizeof(*chunk) + capacity);
    if (chunk != NULL)
        *chunk = (struct tp_ipc_chunk){.data = chunk->own, .capacity = capacity};
    return chunk;
}

/* Of exactly this frame's length, so that no other frame is put behind it and it is wiped as soon as it is sent. */
static struct tp_ipc_chunk *secret_chunk(size_t len)
{
    struct tp_ipc_chunk *chunk = calloc(1, sizeof(*chunk));
    if (chunk == NULL)
        return NULL;
    if (tp_secret_new(len, &chunk->secret) != TP_OK) {
        free(chunk);
        return NULL;
    }
    chunk->data = tp_secret_data(chunk->secret);
    chunk->capacity = len;
    return chunk;
}

static uint8_t *reserve(struct tp_ipc_outbox *outbox, size_t len, bool secret)
{
    struct tp_ipc_chunk *chunk = outbox->last;
    if (secret || chunk == NULL || len > chunk->capacity - chunk->len) {
        chunk = secret ? secret_chunk(len) : plain_chunk(outbox, len);
        if (chunk == NULL)
            return NULL;
        chunk->next = NULL;
        if (outbox->last == NULL)
            outbox->first = chunk;
        else
            outbox->last->next = chunk;
        outbox->last = chunk;
    }
    uint8_t *at = chunk->data + chunk->len;
    chunk->len += len;
    outbox->waiting += len;
    return at;
}

static uint8_t *put(uint8_t *at, struct tp_bytes bytes)
{
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

enum tp_rc tp_ipc_outbox_append(struct tp_ipc_outbox *outbox, struct tp_ipc_header header, struct tp_bytes body,
                                const struct tp_bytes secret[TP_IPC_SECRETS_MAX])
{
    if (body.len > UINT32_MAX || secret[0].len > TP_IPC_SECRET_MAX || secret[1].len > TP_IPC_SECRET_MAX)
        return TP_TOO_LARGE;
    header.body_len = (uint32_t)body.len;
    header.secret_len[0] = (uint16_t)secret[0].len;
    header.secret_len[1] = (uint16_t)secret[1].len;
    uint8_t *at = reserve(outbox, tp_ipc_header_total(&header), secret[0].len + secret[1].len > 0);
    if (at == NULL)
        return TP_MEMORY;
    tp_ipc_header_pack(&header, at);
    at = put(at + TP_IPC_HEADER_LEN, body);
    (void)put(put(at, secret[0]), secret[1]);
    return TP_OK;
}

struct tp_ipc_chunk *tp_ipc_outbox_take(struct tp_ipc_outbox *outbox)
{
    struct tp_ipc_chunk *chunks = outbox->first;
    outbox->first = outbox->last = NULL;
    return chunks;
}

static size_t pieces_of(const struct tp_ipc_chunk *chunk, struct iovec pieces[PIECES_MOST])
{
    size_t count = 0;
    for (; chunk != NULL && count < PIECES_MOST; chunk = chunk->next)
        if (chunk->sent < chunk->len)
            pieces[count++] = (struct iovec){chunk->data + chunk->sent, chunk->len - chunk->sent};
    return count;
}

static void mark_sent(struct tp_ipc_chunk *chunk, size_t len)
{
    for (; len > 0; chunk = chunk->next) {
        size_t part = chunk->len - chunk->sent < len ? chunk->len - chunk->sent : len;
        chunk->sent += part;
        len -= part;
    }
}

enum tp_rc tp_ipc_chunks_send(struct tp_ipc_chunk *chunks, int fd, size_t *ret_sent)
{
    struct iovec pieces[PIECES_MOST];
    size_t total = 0;
    *ret_sent = 0;
    for (;;) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = pieces_of(chunks, pieces)};
        if (message.msg_iovlen == 0)
            return TP_OK;
        ssize_t len = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? TP_OK : TP_UNREACHABLE;
        mark_sent(chunks, (size_t)len);
        *ret_sent = total += (size_t)len;
    }
}

static void recycle(struct tp_ipc_outbox *outbox, struct tp_ipc_chunk *chunk)
{
    if (chunk->secret != NULL || chunk->capacity != CHUNK_LEN || outbox->spares == SPARES_MOST) {
        chunk_free(chunk);
        return;
    }
    chunk->len = chunk->sent = 0;
    chunk->next = outbox->spare;
    outbox->spare = chunk;
    outbox->spares++;
}

/* What is left goes before what has been appended meanwhile. */
void tp_ipc_outbox_put_back(struct tp_ipc_outbox *outbox, struct tp_ipc_chunk *chunks, size_t sent)
{
    outbox->waiting -= sent;
    struct tp_ipc_chunk **end = &outbox->first, *appended = outbox->first;
    while (chunks != NULL) {
        struct tp_ipc_chunk *chunk = chunks;
        chunks = chunk->next;
        if (chunk->sent == chunk->len) {
            recycle(outbox, chunk);
            continue;
        }
        *end = chunk;
        end = &chunk->next;
        if (appended == NULL)
            outbox->last = chunk;
    }
    *end = appended;
}

static void chunks_free(struct tp_ipc_chunk *chunks)
{
    while (chunks != NULL) {
        struct tp_ipc_chunk *next = chunks->next;
        chunk_free(chunks);
        chunks = next;
    }
}

void tp_ipc_outbox_clear(struct tp_ipc_outbox *outbox)
{
    chunks_free(outbox->first);
    chunks_free(outbox->spare);
    *outbox = (struct tp_ipc_outbox){0};
}
