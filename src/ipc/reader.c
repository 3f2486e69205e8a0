/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/internal.h"

#include <stdlib.h>
#include <string.h>

#define REST_FIRST ((size_t)4 << 10) /* bytes of the first allocation for a frame that arrives in pieces */

static void drop_rest(struct tp_ipc_reader *reader)
{
    if (reader->rest_secret != NULL)
        tp_secret_free(reader->rest_secret);
    else
        free(reader->rest);
    reader->rest_secret = NULL;
    reader->rest = NULL;
    reader->rest_capacity = 0;
}

static void start_frame(struct tp_ipc_reader *reader)
{
    drop_rest(reader);
    reader->have = 0;
    reader->complete = false;
    reader->refused = TP_OK;
}

bool tp_ipc_reader_midway(const struct tp_ipc_reader *reader)
{
    return reader->have > 0 && !reader->complete;
}

size_t tp_ipc_reader_claim(const struct tp_ipc_reader *reader)
{
    bool collects = tp_ipc_reader_midway(reader) && reader->have >= TP_IPC_HEADER_LEN && reader->refused == TP_OK;
    return collects ? tp_ipc_header_total(&reader->header) : 0;
}

void tp_ipc_reader_clear(struct tp_ipc_reader *reader)
{
    start_frame(reader);
    tp_wipe(reader->head, sizeof(reader->head));
}

static size_t take(struct tp_bytes *input, uint8_t *to, size_t want)
{
    size_t len = input->len < want ? input->len : want;
    if (len > 0) {
        memcpy(to, input->data, len);
        input->data += len;
        input->len -= len;
    }
    return len;
}

static enum tp_rc take_header(struct tp_ipc_reader *reader, struct tp_bytes *input)
{
    reader->have += take(input, reader->head + reader->have, TP_IPC_HEADER_LEN - reader->have);
    if (reader->have < TP_IPC_HEADER_LEN)
        return TP_OK;
    TP_TRY(tp_ipc_header_unpack(reader->head, reader->reply, &reader->header));
    if (reader->only != 0 && reader->only != reader->header.op)
        return TP_MALFORMED;
    if (reader->admit != NULL && reader->header.body_len > TP_IPC_BODY_SMALL)
        reader->refused = reader->admit(reader->admit_context, &reader->header);
    return TP_OK;
}

/* Secrets: all at once, since they must not be copied about and are at most some kilobytes. */
static enum tp_rc reserve_secret(struct tp_ipc_reader *reader, size_t rest_len)
{
    if (reader->rest_secret != NULL)
        return TP_OK;
    TP_TRY(tp_secret_new(rest_len, &reader->rest_secret));
    reader->rest = tp_secret_data(reader->rest_secret);
    reader->rest_capacity = rest_len;
    return TP_OK;
}

static enum tp_rc reserve(struct tp_ipc_reader *reader, size_t need, size_t rest_len)
{
    if (reader->header.secret_len[0] > 0 || reader->header.secret_len[1] > 0)
        return reserve_secret(reader, rest_len);
    if (need <= reader->rest_capacity)
        return TP_OK;
    size_t capacity = reader->rest_capacity < REST_FIRST ? REST_FIRST : reader->rest_capacity;
    while (capacity < need)
        capacity *= 2; /* need is at most TP_IPC_REPLY_MAX */
    if (capacity > rest_len)
        capacity = rest_len;
    uint8_t *rest = realloc(reader->rest, capacity);
    if (rest == NULL)
        return TP_MEMORY;
    reader->rest = rest;
    reader->rest_capacity = capacity;
    return TP_OK;
}

static void frame_make(const struct tp_ipc_reader *reader, const uint8_t *rest, struct tp_ipc_frame *ret_frame)
{
    const struct tp_ipc_header *header = &reader->header;
    *ret_frame = (struct tp_ipc_frame){.header = *header, .refused = reader->refused};
    if (rest == NULL || reader->refused != TP_OK)
        return;
    const uint8_t *secret = header->body_len == 0 ? rest : rest + header->body_len;
    ret_frame->body = TP_BYTES(rest, header->body_len);
    ret_frame->secret[0] = TP_BYTES(secret, header->secret_len[0]);
    ret_frame->secret[1] =
        TP_BYTES(header->secret_len[0] == 0 ? secret : secret + header->secret_len[0], header->secret_len[1]);
}

static void skip(struct tp_bytes *input, size_t len)
{
    if (len == 0) /* there may be no memory to point into */
        return;
    input->data += len;
    input->len -= len;
}

/* The rest of the frame, when some of it has come before or not all of it is here. */
static enum tp_rc collect(struct tp_ipc_reader *reader, struct tp_bytes *input, size_t rest_len)
{
    size_t rest_have = reader->have - TP_IPC_HEADER_LEN;
    size_t more = rest_len - rest_have < input->len ? rest_len - rest_have : input->len;
    if (more == 0)
        return TP_OK;
    if (reader->refused != TP_OK) {
        skip(input, more);
    } else {
        TP_TRY(reserve(reader, rest_have + more, rest_len));
        (void)take(input, reader->rest + rest_have, more);
    }
    reader->have += more;
    return TP_OK;
}

enum tp_rc tp_ipc_reader_next(struct tp_ipc_reader *reader, struct tp_bytes *input, struct tp_ipc_frame *ret_frame,
                              bool *ret_complete)
{
    if (reader->complete)
        start_frame(reader);
    if (reader->have < TP_IPC_HEADER_LEN)
        TP_TRY(take_header(reader, input));
    if (reader->have < TP_IPC_HEADER_LEN) {
        *ret_complete = false;
        return TP_OK;
    }
    size_t rest_len = tp_ipc_header_total(&reader->header) - TP_IPC_HEADER_LEN;
    if (reader->have == TP_IPC_HEADER_LEN && input->len >= rest_len) {
        frame_make(reader, input->data, ret_frame);
        skip(input, rest_len);
        reader->complete = true;
    } else {
        TP_TRY(collect(reader, input, rest_len));
        reader->complete = reader->have == TP_IPC_HEADER_LEN + rest_len;
        if (reader->complete)
            frame_make(reader, reader->rest, ret_frame);
    }
    *ret_complete = reader->complete;
    return TP_OK;
}
