/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client may not do, and that it costs that client's connection and nobody else's. Each has beside it what is
 * still allowed.
 */
#include "raw.h"
#include "served.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct served served;

/* Patient, so that a machine that is busy with other things is not taken for a client that stalls. */
static void up(void)
{
    served_folder(&served);
    served_start(&served, (struct tp_ipc_server_config){.requests_most = 4, .stall_most_ms = 30000});
}

static void up_impatient(void)
{
    served_folder(&served);
    served_start(&served, (struct tp_ipc_server_config){.stall_most_ms = 1000});
}

static void down(void)
{
    served_clear(&served);
}

static int greeted(void)
{
    int fd = raw_connect(served.path);
    cr_assert_eq(raw_hello(fd, TP_IPC_PROTOCOL), TP_OK);
    return fd;
}

/* BYTES end their connection, and leave the neighbour's alone. */
static void check_closes(struct tp_bytes bytes)
{
    int neighbour = greeted(), fd = greeted();
    raw_send_bytes(fd, bytes);
    cr_assert(raw_is_closed(fd));
    cr_assert(raw_is_served(neighbour));
    close(fd);
    close(neighbour);
}

static void check_header_closes(struct tp_ipc_header header)
{
    uint8_t bytes[TP_IPC_HEADER_LEN];
    tp_ipc_header_pack(&header, bytes);
    check_closes(TP_BYTES(bytes, sizeof(bytes)));
}

TestSuite(limits, .init = up, .fini = down, .timeout = 60);
TestSuite(stalls, .init = up_impatient, .fini = down, .timeout = 60);

Test(limits, unknown_operation_closes)
{
    check_header_closes((struct tp_ipc_header){.op = 19});
}

Test(limits, body_over_the_limit_closes)
{
    check_header_closes((struct tp_ipc_header){.op = TP_OP_CRL_IMPORT, .body_len = TP_IPC_BODY_LARGE + 1});
    check_header_closes((struct tp_ipc_header){.op = TP_OP_SIGN, .body_len = TP_IPC_BODY_SMALL + 1});
    check_header_closes((struct tp_ipc_header){.op = TP_OP_SIGN, .body_len = UINT32_MAX});
}

Test(limits, body_at_the_limit_is_served)
{
    uint8_t *packed = malloc(TP_IPC_BODY_LARGE);
    Tp__Ipc__CrlRequest request = TP__IPC__CRL_REQUEST__INIT;
    request.der.len = TP_IPC_BODY_LARGE - 5; /* tag, and four bytes of length */
    request.der.data = calloc(1, request.der.len);
    cr_assert_eq(tp__ipc__crl_request__pack(&request, packed), TP_IPC_BODY_LARGE);
    int fd = greeted();
    struct tp_buf body = TP_BUF_INIT;
    struct tp_ipc_header header = {.op = TP_OP_CRL_IMPORT, .body_len = TP_IPC_BODY_LARGE, .wait_ms = 10000};
    raw_send(fd, header, TP_BYTES(packed, TP_IPC_BODY_LARGE));
    cr_assert(raw_read(fd, 1, &header, &body));
    Tp__Ipc__CrlReply *reply = tp__ipc__crl_reply__unpack(NULL, body.len, body.data);
    cr_assert_eq(reply->revoked, request.der.len);
    tp__ipc__crl_reply__free_unpacked(reply, NULL);
    tp_buf_clear(&body);
    free(request.der.data);
    free(packed);
    close(fd);
}

Test(limits, secrets_that_are_not_the_operations_close)
{
    check_header_closes((struct tp_ipc_header){.op = TP_OP_SIGN, .secret_len = {4, 0}});
    check_header_closes((struct tp_ipc_header){.op = TP_OP_LOGIN, .secret_len = {0, 0}});
    check_header_closes((struct tp_ipc_header){.op = TP_OP_LOGIN, .secret_len = {4, 4}});
    check_header_closes((struct tp_ipc_header){.op = TP_OP_ENROL, .secret_len = {4, 0}});
    check_header_closes((struct tp_ipc_header){.op = TP_OP_ENROL, .secret_len = {4, TP_IPC_SECRET_MAX + 1}});
}

Test(limits, secrets_that_are_the_operations_are_served)
{
    int fd = greeted();
    struct tp_ipc_header header = {.op = TP_OP_ENROL, .wait_ms = 10000, .secret_len = {4, TP_IPC_SECRET_MAX}};
    uint8_t secrets[4 + TP_IPC_SECRET_MAX] = {0};
    raw_send(fd, header, TP_BYTES(secrets, sizeof(secrets)));
    cr_assert(raw_read(fd, 1, &header, NULL));
    cr_assert_eq(header.rc, TP_OK);
    cr_assert_eq(header.secret_len[0], TP_IPC_SECRET_MAX);
    close(fd);
}

Test(limits, garbage_closes)
{
    uint8_t garbage[3000];
    for (size_t i = 0; i < sizeof(garbage); i++)
        garbage[i] = (uint8_t)(i * 167 + 13);
    check_closes(TP_BYTES(garbage, sizeof(garbage)));
}

Test(limits, body_that_is_no_message_closes)
{
    uint8_t bytes[TP_IPC_HEADER_LEN + 3] = {0};
    struct tp_ipc_header header = {.op = TP_OP_TOKEN, .body_len = 3};
    tp_ipc_header_pack(&header, bytes);
    memcpy(bytes + TP_IPC_HEADER_LEN, "\012\177x", 3); /* a string of 127 bytes that has one */
    check_closes(TP_BYTES(bytes, sizeof(bytes)));
}

Test(limits, requests_before_the_malformed_one_are_still_answered_into_a_valid_peer)
{
    int fd = greeted();
    raw_ask_empty(fd, TP_OP_STATUS, 1);
    raw_ask_empty(fd, (enum tp_ipc_op)19, 2);
    cr_assert(raw_is_closed(fd));
    served_wait_kept(&served, 1);
    cr_assert_eq(served.kept->peer->pid, getpid());
    cr_assert_eq(served_release(&served), 1u);
    close(fd);
}

Test(stalls, half_a_header_and_silence_closes_and_silence_between_frames_does_not)
{
    int quiet = greeted(), half = greeted();
    uint8_t bytes[TP_IPC_HEADER_LEN] = {0};
    raw_send_bytes(half, TP_BYTES(bytes, TP_IPC_HEADER_LEN / 2));
    cr_assert(raw_is_closed(half));
    cr_assert(raw_is_served(quiet));
    close(half);
    close(quiet);
}

Test(stalls, half_a_body_and_silence_closes)
{
    int half = greeted();
    raw_send(half, (struct tp_ipc_header){.op = TP_OP_TOKEN, .body_len = 100}, TP_BYTES("x", 1));
    cr_assert(raw_is_closed(half));
    close(half);
}

Test(stalls, no_greeting_and_silence_closes)
{
    int silent = raw_connect(served.path);
    cr_assert(raw_is_closed(silent));
    close(silent);
}

Test(limits, more_requests_than_may_be_in_flight_wait_unread)
{
    int busy = greeted(), other = greeted();
    for (uint32_t i = 0; i < 4; i++)
        raw_ask_empty(busy, TP_OP_STATUS, i);
    served_wait_kept(&served, 4);
    for (uint32_t i = 4; i < 6; i++)
        raw_ask_empty(busy, TP_OP_STATUS, i);
    for (int i = 0; i < 5; i++)
        cr_assert(raw_is_served(other)); /* the server has been around several times */
    cr_assert_eq(served_kept(&served), 4u);
    cr_assert_eq(served_release(&served), 4u);
    served_wait_kept(&served, 6);
    cr_assert_eq(served_release(&served), 2u);
    close(busy);
    close(other);
}

Test(stalls, client_that_never_reads_is_cut_off_and_others_are_not)
{
    int deaf = greeted(), other = greeted();
    Tp__Ipc__ObjectsRequest request = TP__IPC__OBJECTS_REQUEST__INIT;
    request.known = 1 << 20;
    raw_ask(deaf, TP_OP_OBJECTS, 1, &request.base);
    served_wait_gone(&served, 1);
    cr_assert(raw_is_served(other));
    close(deaf);
    close(other);
}

Test(limits, client_that_reads_gets_all_of_a_large_answer)
{
    int fd = greeted();
    struct tp_ipc_header header;
    Tp__Ipc__ObjectsRequest request = TP__IPC__OBJECTS_REQUEST__INIT;
    request.known = 8 << 20;
    raw_ask(fd, TP_OP_OBJECTS, 1, &request.base);
    cr_assert(raw_read(fd, 1, &header, NULL));
    cr_assert_eq(header.rc, TP_OK);
    cr_assert_gt(header.body_len, 8u << 20);
    cr_assert(raw_is_served(fd));
    close(fd);
}

Test(limits, answer_over_the_limit_becomes_a_refusal)
{
    int fd = greeted();
    struct tp_ipc_header header;
    Tp__Ipc__ObjectsRequest request = TP__IPC__OBJECTS_REQUEST__INIT;
    request.known = TP_IPC_REPLY_MAX + 1;
    raw_ask(fd, TP_OP_OBJECTS, 1, &request.base);
    cr_assert(raw_read(fd, 1, &header, NULL));
    cr_assert_eq(header.rc, TP_TOO_LARGE);
    cr_assert(raw_is_served(fd));
    close(fd);
}

/* ---- how many connections ---- */

static void check_connections(struct tp_ipc_server_config config)
{
    struct tp_ipc_header header;
    served_folder(&served);
    served_start(&served, config);
    int first = greeted(), second = greeted(), third = raw_connect(served.path);
    cr_assert(raw_read(third, 1, &header, NULL));
    cr_assert_eq(header.op, TP_OP_HELLO);
    cr_assert_eq(header.rc, TP_BUSY);
    cr_assert(raw_is_closed(third));
    cr_assert(raw_is_served(first));
    close(second);
    served_wait_gone(&served, 1);
    second = greeted();
    cr_assert(raw_is_served(second), "a place that is given up can be taken");
    close(first);
    close(second);
    close(third);
    served_clear(&served);
}

Test(connections, over_the_limit_are_turned_away_with_words, .timeout = 60)
{
    check_connections((struct tp_ipc_server_config){.connections_most = 2});
}

Test(connections, of_one_uid_over_its_limit_are_turned_away_with_words, .timeout = 60)
{
    check_connections((struct tp_ipc_server_config){.connections_most_per_uid = 2});
}
