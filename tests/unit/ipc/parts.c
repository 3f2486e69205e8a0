/* SPDX-License-Identifier: Apache-2.0
 *
 * The pieces that both ends are made of, by themselves.
 */
#include "ipc/internal_server.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- reader ---- */

/* Three requests: one with body, one with two secrets, one with nothing. */
static size_t three_frames(uint8_t *ret_bytes)
{
    const struct tp_ipc_header headers[] = {
        {.op = TP_OP_TOKEN, .number = 1, .body_len = 5},
        {.op = TP_OP_ENROL, .number = 2, .body_len = 3, .secret_len = {4, 2}},
        {.op = TP_OP_STATUS, .number = 3},
    };
    const char *const rests[] = {"\012\003bob", "\012\001xPINSno", ""};
    size_t len = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t rest_len = tp_ipc_header_total(&headers[i]) - TP_IPC_HEADER_LEN;
        tp_ipc_header_pack(&headers[i], ret_bytes + len);
        memcpy(ret_bytes + len + TP_IPC_HEADER_LEN, rests[i], rest_len);
        len += TP_IPC_HEADER_LEN + rest_len;
    }
    return len;
}

static void check_frame(const struct tp_ipc_frame *frame)
{
    static const size_t body_lens[] = {0, 5, 3, 0}, first_lens[] = {0, 0, 4, 0}, second_lens[] = {0, 0, 2, 0};
    uint32_t number = frame->header.number;
    cr_assert_eq(frame->body.len, body_lens[number]);
    cr_assert_eq(frame->secret[0].len, first_lens[number]);
    cr_assert_eq(frame->secret[1].len, second_lens[number]);
    if (number == 1)
        cr_assert_arr_eq(frame->body.data, "\012\003bob", 5);
    if (number == 2) {
        cr_assert_arr_eq(frame->secret[0].data, "PINS", 4);
        cr_assert_arr_eq(frame->secret[1].data, "no", 2);
    }
}

static void read_in_pieces(size_t piece)
{
    uint8_t bytes[256];
    size_t len = three_frames(bytes), read = 0;
    struct tp_ipc_reader reader = {.reply = 0};
    uint32_t frames = 0;
    while (read < len) {
        struct tp_bytes input = TP_BYTES(bytes + read, len - read < piece ? len - read : piece);
        bool complete = true;
        read += input.len;
        while (complete) {
            struct tp_ipc_frame frame;
            cr_assert_eq(tp_ipc_reader_next(&reader, &input, &frame, &complete), TP_OK);
            if (complete) {
                cr_assert_eq(frame.header.number, ++frames);
                check_frame(&frame);
            }
        }
        cr_assert_eq(input.len, 0u);
    }
    cr_assert_eq(frames, 3u);
    cr_assert_not(tp_ipc_reader_midway(&reader));
    tp_ipc_reader_clear(&reader);
}

Test(reader, frames_are_the_same_however_they_arrive)
{
    for (size_t piece = 1; piece < 120; piece++)
        read_in_pieces(piece);
}

Test(reader, knows_when_it_is_midway)
{
    uint8_t bytes[256];
    (void)three_frames(bytes);
    for (size_t len = 1; len < TP_IPC_HEADER_LEN + 5; len++) {
        struct tp_ipc_reader reader = {.reply = 0};
        struct tp_bytes input = TP_BYTES(bytes, len);
        struct tp_ipc_frame frame;
        bool complete;
        cr_assert_eq(tp_ipc_reader_next(&reader, &input, &frame, &complete), TP_OK);
        cr_assert_not(complete);
        cr_assert(tp_ipc_reader_midway(&reader));
        tp_ipc_reader_clear(&reader);
    }
}

static enum tp_rc read_header(uint16_t only, struct tp_ipc_header header)
{
    uint8_t bytes[TP_IPC_HEADER_LEN];
    struct tp_ipc_reader reader = {.only = only};
    struct tp_bytes input = TP_BYTES(bytes, sizeof(bytes));
    struct tp_ipc_frame frame;
    bool complete;
    tp_ipc_header_pack(&header, bytes);
    enum tp_rc rc = tp_ipc_reader_next(&reader, &input, &frame, &complete);
    tp_ipc_reader_clear(&reader);
    return rc;
}

Test(reader, refuses_by_the_header_before_a_body_is_collected)
{
    struct tp_ipc_header large = {.op = TP_OP_CRL_IMPORT, .body_len = TP_IPC_BODY_LARGE};
    cr_assert_eq(read_header(0, large), TP_OK);
    cr_assert_eq(read_header(TP_OP_CRL_IMPORT, large), TP_OK);
    cr_assert_eq(read_header(TP_OP_HELLO, large), TP_MALFORMED);
    large.body_len++;
    cr_assert_eq(read_header(0, large), TP_MALFORMED);
}

Test(reader, memory_follows_what_came_and_not_what_was_announced)
{
    uint8_t bytes[TP_IPC_HEADER_LEN + 10] = {0};
    struct tp_ipc_header header = {.op = TP_OP_CRL_IMPORT, .body_len = TP_IPC_BODY_LARGE};
    struct tp_ipc_reader reader = {.reply = 0};
    struct tp_bytes input = TP_BYTES(bytes, sizeof(bytes));
    struct tp_ipc_frame frame;
    bool complete;
    tp_ipc_header_pack(&header, bytes);
    cr_assert_eq(tp_ipc_reader_next(&reader, &input, &frame, &complete), TP_OK);
    cr_assert_leq(reader.rest_capacity, 4096u);
    tp_ipc_reader_clear(&reader);
}

/* ---- outbox ---- */

static void append(struct tp_ipc_outbox *outbox, uint32_t number, size_t body_len, size_t secret_len)
{
    uint8_t *body = calloc(1, body_len + 1), secret[TP_IPC_SECRET_MAX] = {0};
    const struct tp_bytes secrets[] = {TP_BYTES(secret, secret_len), TP_BYTES_NONE};
    struct tp_ipc_header header = {.op = TP_OP_ENROL, .number = number};
    memset(body, (int)(number & 0x7F), body_len);
    memset(secret, 0xA5, secret_len);
    cr_assert_eq(tp_ipc_outbox_append(outbox, header, TP_BYTES(body, body_len), secrets), TP_OK);
    free(body);
}

static uint32_t drain(int fd, struct tp_ipc_reader *reader, uint32_t last)
{
    uint8_t bytes[1000];
    ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    struct tp_bytes input = TP_BYTES(bytes, len < 0 ? 0 : (size_t)len);
    bool complete = true;
    while (complete) {
        struct tp_ipc_frame frame;
        cr_assert_eq(tp_ipc_reader_next(reader, &input, &frame, &complete), TP_OK);
        if (!complete)
            break;
        cr_assert_eq(frame.header.number, ++last, "frames arrive in order");
        for (size_t i = 0; i < frame.body.len; i++)
            cr_assert_eq(frame.body.data[i], last & 0x7F);
        for (size_t i = 0; i < frame.secret[0].len; i++)
            cr_assert_eq(frame.secret[0].data[i], 0xA5);
    }
    return last;
}

Test(outbox, keeps_order_and_content_through_partial_sends_and_what_is_appended_meanwhile)
{
    int fd[2], small = 4096;
    struct tp_ipc_outbox outbox = {.first = NULL};
    struct tp_ipc_reader reader = {.reply = 1};
    uint32_t queued = 0, seen = 0;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    cr_assert_eq(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    while (seen < 300) {
        if (queued < 300) {
            queued++;
            append(&outbox, queued, queued * 37 % 9000, queued % 3 == 0 ? 100 : 0);
        }
        size_t sent;
        struct tp_ipc_chunk *chunks = tp_ipc_outbox_take(&outbox);
        if (queued < 300)
            append(&outbox, ++queued, 10, 0); /* while another is in send */
        cr_assert_eq(tp_ipc_chunks_send(chunks, fd[0], &sent), TP_OK);
        tp_ipc_outbox_put_back(&outbox, chunks, sent);
        seen = drain(fd[1], &reader, seen);
    }
    cr_assert_eq(outbox.waiting, 0u);
    cr_assert_null(outbox.first);
    tp_ipc_reader_clear(&reader);
    tp_ipc_outbox_clear(&outbox);
}

Test(outbox, says_when_the_other_side_is_gone_and_raises_no_signal)
{
    int fd[2];
    size_t sent;
    struct tp_ipc_outbox outbox = {.first = NULL};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    append(&outbox, 1, 10, 0);
    cr_assert_eq(tp_ipc_chunks_send(outbox.first, fd[0], &sent), TP_OK);
    cr_assert_eq(close(fd[1]), 0);
    append(&outbox, 2, 10, 0);
    cr_assert_eq(tp_ipc_chunks_send(outbox.first, fd[0], &sent), TP_UNREACHABLE);
    tp_ipc_outbox_clear(&outbox);
}

Test(outbox, refuses_a_secret_over_the_limit_and_takes_one_at_it)
{
    uint8_t secret[TP_IPC_SECRET_MAX + 1] = {0};
    struct tp_ipc_outbox outbox = {.first = NULL};
    struct tp_bytes secrets[] = {TP_BYTES(secret, TP_IPC_SECRET_MAX + 1), TP_BYTES_NONE};
    cr_assert_eq(tp_ipc_outbox_append(&outbox, (struct tp_ipc_header){.op = TP_OP_LOGIN}, TP_BYTES_NONE, secrets),
                 TP_TOO_LARGE);
    cr_assert_null(outbox.first);
    secrets[0].len--;
    cr_assert_eq(tp_ipc_outbox_append(&outbox, (struct tp_ipc_header){.op = TP_OP_LOGIN}, TP_BYTES_NONE, secrets),
                 TP_OK);
    cr_assert_not_null(outbox.first->secret, "a frame with a secret lies in secret memory");
    tp_ipc_outbox_clear(&outbox);
}

Test(body, is_packed_up_to_the_limit_and_not_past_it)
{
    static uint8_t data[5000];
    struct tp_ipc_body body;
    Tp__Ipc__SignReply reply = TP__IPC__SIGN_REPLY__INIT;
    reply.signature = (ProtobufCBinaryData){sizeof(data), data};
    size_t len = tp__ipc__sign_reply__get_packed_size(&reply);
    cr_assert_eq(tp_ipc_body_pack(&reply.base, len - 1, &body), TP_TOO_LARGE);
    cr_assert_eq(tp_ipc_body_pack(&reply.base, len, &body), TP_OK);
    cr_assert_eq(body.bytes.len, len);
    tp_ipc_body_clear(&body);
}

/* ---- arena ---- */

Test(arena, gives_distinct_aligned_memory_also_when_it_is_full)
{
    struct tp_ipc_arena *arena = malloc(sizeof(*arena));
    uint8_t *given[200];
    tp_ipc_arena_init(arena);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 200; i++) {
            given[i] = arena->allocator.alloc(arena->allocator.allocator_data, i + 1);
            cr_assert_eq((uintptr_t)given[i] % alignof(max_align_t), 0u);
            memset(given[i], (int)i, i + 1);
        }
        for (size_t i = 0; i < 200; i++)
            for (size_t k = 0; k <= i; k++)
                cr_assert_eq(given[i][k], i);
        for (size_t i = 0; i < 200; i += 3)
            arena->allocator.free(arena->allocator.allocator_data, given[i]);
        tp_ipc_arena_clear(arena);
    }
    cr_assert_null(arena->allocator.alloc(arena->allocator.allocator_data, SIZE_MAX));
    tp_ipc_arena_clear(arena);
    free(arena);
}

Test(arena, holds_a_sign_request_without_help)
{
    static uint8_t packed[1024], data[64];
    char id[] = "0123456789abcdef0123456789abcdef", user[] = "somebody@example.org", hash[] = "SHA-512";
    Tp__Ipc__SignRequest request = TP__IPC__SIGN_REQUEST__INIT;
    struct tp_ipc_arena arena;
    request.authorisation = request.credential = id;
    request.user = user;
    request.hash_name = hash;
    request.data = (ProtobufCBinaryData){sizeof(data), data};
    size_t len = tp__ipc__sign_request__pack(&request, packed);
    tp_ipc_arena_init(&arena);
    cr_assert_not_null(tp__ipc__sign_request__unpack(&arena.allocator, len, packed));
    cr_assert_null(arena.blocks);
    tp_ipc_arena_clear(&arena);
}

/* ---- peer ---- */

Test(peer, start_time_is_found_behind_any_name)
{
    static const char tail[] = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21";
    static const char *const names[] = {"cat", "a b", "x) S 1 2 3",
                                        "((",  ")",   "1) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 5"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), "4242 (%s)%s", names[i], tail);
        cr_assert_eq(tp_ipc_stat_started(text), 987654u, "%s", names[i]);
    }
}

Test(peer, start_time_is_unknown_where_there_is_none)
{
    static const char *const texts[] = {
        "",
        "12 (cat",
        "12 (cat)",
        "12 (cat) S 1 2 3",
        "12 (cat) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -1 20",
        "12 (cat) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99999999999999999999 20"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        cr_assert_eq(tp_ipc_stat_started(texts[i]), 0u, "%s", texts[i]);
}

Test(peer, claim_is_cut_and_cleaned)
{
    struct tp_ipc_peer peer;
    char claim[200];
    memset(claim, 'x', sizeof(claim));
    claim[1] = '\n';
    claim[2] = '\x1b';
    claim[sizeof(claim) - 1] = '\0';
    tp_ipc_peer_set_program(&peer, claim);
    cr_assert_eq(strlen(peer.program), sizeof(peer.program) - 1);
    cr_assert_arr_eq(peer.program, "x??x", 4);
    tp_ipc_peer_set_program(&peer, "firefox");
    cr_assert_str_eq(peer.program, "firefox");
}
