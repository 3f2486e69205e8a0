/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as what a socket brings, to either end, in pieces of any size. Besides not crashing: no frame
 * is past its limits, what is given out is what came, and the pieces make no difference.
 */
#include "ipc/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_limits(const struct tp_ipc_frame *frame, int reply)
{
    const struct tp_ipc_operation *operation = tp_ipc_operation(frame->header.op);
    require(operation != NULL);
    require(frame->body.len == frame->header.body_len);
    require(frame->body.len <= (reply ? TP_IPC_REPLY_MAX : operation->most));
    for (unsigned i = 0; i < TP_IPC_SECRETS_MAX; i++) {
        require(frame->secret[i].len <= TP_IPC_SECRET_MAX);
        require(reply || (frame->secret[i].len > 0) == (i < operation->secrets));
    }
}

static void unpack(const struct tp_ipc_frame *frame, int reply)
{
    const struct tp_ipc_operation *operation = tp_ipc_operation(frame->header.op);
    struct tp_ipc_arena arena;
    tp_ipc_arena_init(&arena);
    (void)!protobuf_c_message_unpack(reply ? operation->reply : operation->request, &arena.allocator, frame->body.len,
                                     frame->body.data);
    tp_ipc_arena_clear(&arena);
}

/* The frame as it lay in the stream that ends at END. */
static void check_content(const struct tp_ipc_frame *frame, const uint8_t *end)
{
    const uint8_t *at = end - tp_ipc_header_total(&frame->header) + TP_IPC_HEADER_LEN;
    require(frame->body.len == 0 || memcmp(frame->body.data, at, frame->body.len) == 0);
    at += frame->body.len;
    require(frame->secret[0].len == 0 || memcmp(frame->secret[0].data, at, frame->secret[0].len) == 0);
    at += frame->secret[0].len;
    require(frame->secret[1].len == 0 || memcmp(frame->secret[1].data, at, frame->secret[1].len) == 0);
}

/* How many frames there are in DATA when it comes in pieces of PIECE bytes. */
static size_t read_all(const uint8_t *data, size_t len, size_t piece, int reply)
{
    struct tp_ipc_reader reader = {.reply = reply};
    size_t frames = 0;
    enum tp_rc rc = TP_OK;
    for (size_t at = 0; at < len && rc == TP_OK; at += piece) {
        struct tp_bytes input = TP_BYTES(data + at, len - at < piece ? len - at : piece);
        bool complete = true;
        while (rc == TP_OK && complete) {
            struct tp_ipc_frame frame;
            rc = tp_ipc_reader_next(&reader, &input, &frame, &complete);
            if (rc != TP_OK || !complete)
                break;
            check_limits(&frame, reply);
            check_content(&frame, input.data);
            unpack(&frame, reply);
            frames++;
        }
    }
    tp_ipc_reader_clear(&reader);
    return frames;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    int reply = data[0] & 1;
    size_t piece = (size_t)data[1] + 1;
    size_t whole = read_all(data + 2, len - 2, len, reply);
    require(read_all(data + 2, len - 2, piece, reply) == whole);
    return 0;
}
