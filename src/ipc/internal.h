/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two ends share: reading frames, writing them, and memory for messages. The client's and the server's own
 * parts are in internal_client.h and internal_server.h.
 */
#ifndef TP_IPC_INTERNAL_H
#define TP_IPC_INTERNAL_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"
#include "ipc/frame.h"
#include "ipc/operation.h"

#include <protobuf-c/protobuf-c.h>
#include <stdalign.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#define TP_IPC_INPUT_LEN ((size_t)16 << 10) /* bytes that one recv takes */

/* ---- reading ---- */

struct tp_ipc_frame {
    struct tp_ipc_header header;
    struct tp_bytes body;
    struct tp_bytes secret[TP_IPC_SECRETS_MAX];
    enum tp_rc refused; /* by the reader's `admit`: body and secrets are not there */
};

/* Cuts a stream into frames. One that lies whole in what was received is not copied; one that arrives in pieces is
 * collected in memory that grows with what has come, not with what was announced; secret memory if it has secrets. */
struct tp_ipc_reader {
    int reply;     /* which side reads, as tp_ipc_header_unpack wants it */
    uint16_t only; /* the one operation that is taken now; 0: all. Refused by the header, before a body is collected */
    /* Asked about each body above TP_IPC_BODY_SMALL when its header is in. Unless TP_OK, the body is skipped as it comes,
     * without memory for it. NULL: all are taken. */
    enum tp_rc (*admit)(void *context, const struct tp_ipc_header *header);
    void *admit_context;
    enum tp_rc refused; /* what it said of the present frame */
    bool complete; /* the collected frame has been given out and goes at the next call */
    size_t have;   /* bytes of the present frame that have come */
    uint8_t head[TP_IPC_HEADER_LEN];
    struct tp_ipc_header header; /* once HAVE covers it */
    uint8_t *rest;               /* what follows the header; owned, or inside rest_secret */
    size_t rest_capacity;
    struct tp_secret *rest_secret;
};
/* Takes bytes off the front of INPUT up to the end of a frame. RET_COMPLETE: whether there is one; it is valid until
 * the next call, as long as INPUT's memory is. After an error the stream cannot be read further. */
TP_MUST_USE enum tp_rc tp_ipc_reader_next(struct tp_ipc_reader *reader, struct tp_bytes *input,
                                          struct tp_ipc_frame *ret_frame, bool *ret_complete);
bool tp_ipc_reader_midway(const struct tp_ipc_reader *reader); /* part of a frame has come */
/* Bytes that the frame which is being collected will have, counted from when its header is in. */
size_t tp_ipc_reader_claim(const struct tp_ipc_reader *reader);
void tp_ipc_reader_clear(struct tp_ipc_reader *reader);

/* ---- writing ---- */

/* A message packed outside of any lock; small ones (all of the hot path) without allocating. */
struct tp_ipc_body {
    struct tp_bytes bytes;
    uint8_t *large;
    uint8_t small[2048];
};
TP_MUST_USE enum tp_rc tp_ipc_body_pack(const ProtobufCMessage *message, size_t most, struct tp_ipc_body *ret_body);
void tp_ipc_body_clear(struct tp_ipc_body *body);

/* A piece of what is to be written. Frames with secrets lie in chunks of secret memory of their own. */
struct tp_ipc_chunk {
    struct tp_ipc_chunk *next;
    struct tp_secret *secret;
    uint8_t *data;
    size_t len, sent, capacity;
    uint8_t own[];
};

/* Frames in the order in which they go out. No lock of its own: it is under its owner's. */
struct tp_ipc_outbox {
    struct tp_ipc_chunk *first, *last, *spare;
    unsigned spares;
    size_t waiting; /* bytes not yet sent */
};
/* Appends a frame; the lengths in HEADER are set from BODY and SECRET. Nothing is appended on failure. */
TP_MUST_USE enum tp_rc tp_ipc_outbox_append(struct tp_ipc_outbox *outbox, struct tp_ipc_header header,
                                            struct tp_bytes body, const struct tp_bytes secret[TP_IPC_SECRETS_MAX]);
/* So that nobody waits for a lock while a system call runs: the sender takes all chunks, sends without the lock, and
 * puts back what is left. In between others append. */
struct tp_ipc_chunk *tp_ipc_outbox_take(struct tp_ipc_outbox *outbox);
/* As much as the socket takes without blocking. TP_UNREACHABLE when it is broken. */
TP_MUST_USE enum tp_rc tp_ipc_chunks_send(struct tp_ipc_chunk *chunks, int fd, size_t *ret_sent);
void tp_ipc_outbox_put_back(struct tp_ipc_outbox *outbox, struct tp_ipc_chunk *chunks, size_t sent);
void tp_ipc_outbox_clear(struct tp_ipc_outbox *outbox);

/* ---- messages, before they are unpacked ---- */

#define TP_IPC_FIELDS_MOST 1024 /* in one request: a certificate request has its names in fields of their own */

/* Of a message without messages in it, such as all requests are. TP_UNSUPPORTED: it has a field that DESCRIPTOR does not
 * know. TP_MALFORMED: it has too many, or cannot be read. */
TP_MUST_USE enum tp_rc tp_ipc_fields_check(const ProtobufCMessageDescriptor *descriptor, struct tp_bytes body);

/* ---- memory for unpacked messages ---- */

#define TP_IPC_ARENA_LEN 1024 /* bytes: a SignRequest or a SignReply with all that hangs on it */

/* Allocator for protobuf-c that hands out parts of one piece; what does not fit comes from malloc. Freed as a whole. */
struct tp_ipc_arena {
    ProtobufCAllocator allocator; /* points to this struct: it must not move */
    struct tp_ipc_arena_block *blocks;
    size_t used;
    alignas(max_align_t) uint8_t own[TP_IPC_ARENA_LEN];
};
void tp_ipc_arena_init(struct tp_ipc_arena *arena);
void tp_ipc_arena_clear(struct tp_ipc_arena *arena); /* may be used again */

/* ---- sockets ---- */

/* TP_CONFIG when PATH is longer than a socket's path can be. */
TP_MUST_USE enum tp_rc tp_ipc_address_make(const char *path, struct tp_error *error, struct sockaddr_un *ret_address);

#endif
