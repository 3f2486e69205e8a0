/* SPDX-License-Identifier: Apache-2.0
 *
 * What one uid gets of the server, however it tries: memory, connections, the server's time. And that it gets it.
 */
#include "base/clock.h"
#include "ipc/internal_server.h"
#include "raw.h"
#include "served.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB     ((size_t)1 << 20)
#define SOON_MS 2000 /* on a machine that has other things to do */
#define ALICE   4001 /* uids that need no names */
#define BOB     4002

static struct served served;

static void start(struct tp_ipc_server_config config)
{
    served_folder(&served);
    served_start(&served, config);
}

/* Patient, so that a machine that is busy with other things is not taken for a client that stalls. */
static void up(void)
{
    start((struct tp_ipc_server_config){.stall_most_ms = 30000});
}

static void down(void)
{
    served_clear(&served);
}

static int greet(int fd)
{
    cr_assert_eq(raw_hello(fd, TP_IPC_PROTOCOL), TP_OK);
    return fd;
}

static int greeted(void)
{
    return greet(raw_connect(served.path));
}

static enum tp_rc read_rc(int fd, uint32_t number)
{
    struct tp_ipc_header header;
    cr_assert(raw_read(fd, 1, &header, NULL));
    cr_assert_eq(header.number, number);
    return (enum tp_rc)header.rc;
}

static void send_large(int fd, uint32_t number, size_t len)
{
    uint8_t *packed = malloc(len);
    Tp__Ipc__CrlRequest request = TP__IPC__CRL_REQUEST__INIT;
    request.der.data = calloc(1, len);
    request.der.len = len - 3; /* at least: tag, and a length of two bytes */
    while (tp__ipc__crl_request__get_packed_size(&request) > len)
        request.der.len--;
    cr_assert_eq(tp__ipc__crl_request__pack(&request, packed), len);
    raw_send(fd, (struct tp_ipc_header){.op = TP_OP_CRL_IMPORT, .number = number, .body_len = (uint32_t)len, .wait_ms = 10000},
             TP_BYTES(packed, len));
    free(request.der.data);
    free(packed);
}

static size_t most_bytes(void)
{
    size_t most = 0;
    for (struct tp_ipc_account *at = served.server->accounts; at != NULL; at = at->hh.next)
        most = atomic_load(&at->bytes) > most ? atomic_load(&at->bytes) : most;
    return most;
}

/* ---- large bodies ---- */

TestSuite(bounds, .init = up, .fini = down, .timeout = 60);

Test(bounds, large_body_of_who_may_not_is_refused_with_words_and_takes_no_memory)
{
    int fd = greeted(), other = greeted();
    served.no_large = true;
    struct tp_ipc_header large = {.op = TP_OP_CRL_IMPORT, .number = 5, .body_len = TP_IPC_BODY_LARGE};
    static uint8_t bytes[64 << 10];
    raw_send(fd, large, TP_BYTES_NONE);
    for (size_t sent = 0; sent < TP_IPC_BODY_LARGE; sent += sizeof(bytes)) {
        raw_send_bytes(fd, TP_BYTES(bytes, sizeof(bytes)));
        cr_assert_lt(most_bytes(), MIB);
    }
    cr_expect_eq(read_rc(fd, 5), TP_NOT_PERMITTED);
    cr_expect_eq(served.away_op, (unsigned)TP_OP_CRL_IMPORT);
    cr_expect_eq(served.away_rc, TP_NOT_PERMITTED);
    cr_expect(raw_is_served(fd), "the connection goes on");
    cr_expect(raw_is_served(other));
    close(fd);
    close(other);
}

Test(bounds, large_body_of_who_may_is_served_and_a_small_one_is_not_asked_about)
{
    int fd = greeted();
    send_large(fd, 1, TP_IPC_BODY_SMALL);
    cr_expect_eq(read_rc(fd, 1), TP_OK);
    cr_expect_eq(served.large_asked, 0u);
    send_large(fd, 2, TP_IPC_BODY_SMALL + 1);
    cr_expect_eq(read_rc(fd, 2), TP_OK);
    cr_expect_eq(served.large_asked, 1u);
    served.no_large = true;
    send_large(fd, 3, TP_IPC_BODY_SMALL);
    cr_expect_eq(read_rc(fd, 3), TP_OK);
    close(fd);
}

Test(bounds, who_may_not_is_asked_about_seldom)
{
    int fd = greeted();
    int64_t begun_ms = tp_clock_monotonic_ms();
    served.no_large = true;
    for (uint32_t i = 0; i < 100; i++) {
        send_large(fd, i, TP_IPC_BODY_SMALL + 1);
        cr_expect_eq(read_rc(fd, i), TP_NOT_PERMITTED);
    }
    cr_expect_leq(served.large_asked, 1 + (tp_clock_monotonic_ms() - begun_ms) / 20);
    cr_expect_eq(served.turned_away, 100u);
    close(fd);
}

/* ---- fields ---- */

Test(bounds, unknown_fields_are_refused_and_the_connection_goes_on)
{
    int fd = greeted();
    raw_send(fd, (struct tp_ipc_header){.op = TP_OP_TOKEN, .number = 9, .body_len = 7}, TP_BYTES("\012\003bob\170\000", 7));
    cr_expect_eq(read_rc(fd, 9), TP_UNSUPPORTED);
    cr_expect_eq(served.requests, 0u);
    cr_expect_eq(served.turned_away, 1u);
    cr_expect(raw_is_served(fd));
    close(fd);
}

/* Of a kind that once took seconds. */
static void check_cheap(const char *field, enum tp_rc rc)
{
    int fd = greeted(), other = greeted();
    uint8_t *body = malloc(TP_IPC_BODY_LARGE);
    for (size_t i = 0; i < TP_IPC_BODY_LARGE; i += 2)
        memcpy(body + i, field, 2);
    raw_send(fd, (struct tp_ipc_header){.op = TP_OP_CRL_IMPORT, .number = 1, .body_len = TP_IPC_BODY_LARGE},
             TP_BYTES(body, TP_IPC_BODY_LARGE));
    int64_t begun_ms = tp_clock_monotonic_ms();
    cr_expect(raw_is_served(other));
    cr_expect(rc == TP_MALFORMED ? raw_is_closed(fd) : read_rc(fd, 1) == rc);
    cr_expect_lt(tp_clock_monotonic_ms() - begun_ms, 200);
    free(body);
    close(fd);
    close(other);
}

Test(bounds, millions_of_fields_cost_nothing)
{
    check_cheap("\170\000", TP_UNSUPPORTED);
    check_cheap("\012\000", TP_MALFORMED); /* known, each again instead of the last */
}

/* ---- memory of a uid ---- */

Test(budget, of_unfinished_bodies_is_kept_by_what_was_announced, .timeout = 60)
{
    start((struct tp_ipc_server_config){.bytes_most_per_uid = 20 * MIB, .stall_most_ms = 60000});
    int begun = greeted(), fd = greeted();
    struct tp_ipc_header large = {.op = TP_OP_CRL_IMPORT, .number = 5, .body_len = TP_IPC_BODY_LARGE};
    raw_send(begun, large, TP_BYTES("x", 1));
    cr_assert(raw_is_served(fd)); /* the server has seen it */
    send_large(fd, 1, TP_IPC_BODY_LARGE);
    cr_expect_eq(read_rc(fd, 1), TP_BUSY);
    cr_expect_eq(served.away_rc, TP_BUSY);
    send_large(fd, 2, 7 * MIB);
    cr_expect_eq(read_rc(fd, 2), TP_OK, "there is room for a smaller one");
    close(begun);
    served_wait_gone(&served, 1);
    send_large(fd, 3, TP_IPC_BODY_LARGE);
    cr_expect_eq(read_rc(fd, 3), TP_OK);
    close(fd);
    down();
}

Test(budget, of_requests_that_are_not_answered_stops_reading_until_they_are, .timeout = 60)
{
    start((struct tp_ipc_server_config){.bytes_most_per_uid = MIB});
    enum { EACH = 100, CONNECTIONS = 5 };
    int fds[CONNECTIONS], other = greeted();
    for (size_t i = 0; i < CONNECTIONS; i++)
        fds[i] = greeted();
    for (size_t i = 0; i < CONNECTIONS; i++) {
        for (uint32_t number = 0; number < EACH; number++)
            raw_ask_empty(fds[i], TP_OP_STATUS, number);
        if (i == 0)
            served_wait_kept(&served, EACH);
    }
    raw_ask_empty(other, TP_OP_TOKEN, 1);
    cr_expect(raw_is_silent(other, 300), "it is of the same uid");
    cr_expect_lt(served_kept(&served), (unsigned)(EACH * CONNECTIONS));
    while (served.requests < EACH * CONNECTIONS + 1) {
        (void)served_release(&served);
        (void)usleep(10000);
    }
    cr_expect_eq(read_rc(other, 1), TP_OK);
    (void)served_release(&served);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        for (uint32_t number = 0; number < EACH; number++) {
            struct tp_ipc_header header;
            cr_assert(raw_read(fds[i], 1, &header, NULL));
        }
        close(fds[i]);
    }
    close(other);
    down();
}

static void ask_mibs(int fd, unsigned count)
{
    Tp__Ipc__ObjectsRequest request = TP__IPC__OBJECTS_REQUEST__INIT;
    uint8_t body[16];
    struct tp_buf frames = TP_BUF_INIT;
    request.known = MIB;
    size_t len = tp__ipc__objects_request__pack(&request, body);
    struct tp_ipc_header header = {.op = TP_OP_OBJECTS, .body_len = (uint32_t)len, .wait_ms = 10000};
    for (unsigned i = 0; i < count; i++) {
        uint8_t head[TP_IPC_HEADER_LEN];
        tp_ipc_header_pack(&header, head);
        cr_assert_eq(tp_buf_append(&frames, TP_BYTES(head, sizeof(head))), TP_OK);
        cr_assert_eq(tp_buf_append(&frames, TP_BYTES(body, len)), TP_OK);
    }
    raw_send_bytes(fd, tp_buf_bytes(&frames)); /* at once, so that they are read at once */
    tp_buf_clear(&frames);
}

/* Until the answer counts: the handler answers what it gets together before any of it does. Who is over the budget gets none. */
static void ask_mib_and_wait(int fd)
{
    const size_t before = most_bytes();
    ask_mibs(fd, 1);
    for (unsigned ms = 0; before <= 4 * MIB && most_bytes() < before + MIB / 2 && ms < 10000; ms++)
        (void)usleep(1000);
}

Test(budget, of_answers_that_nobody_reads_stops_reading_until_there_is_room, .timeout = 60)
{
    start((struct tp_ipc_server_config){.bytes_most_per_uid = 4 * MIB, .stall_most_ms = 60000});
    enum { CONNECTIONS = 8 };
    int fds[CONNECTIONS], other = greeted();
    for (size_t i = 0; i < CONNECTIONS; i++)
        fds[i] = greeted();
    for (size_t i = 0; i < CONNECTIONS; i++) {
        ask_mib_and_wait(fds[i]);
    }
    raw_ask_empty(other, TP_OP_TOKEN, 1);
    cr_expect(raw_is_silent(other, 500));
    cr_expect_gt(most_bytes(), 4 * MIB);
    cr_expect_lt(most_bytes(), 6 * MIB);
    cr_expect_eq(served.turned_away, 0u);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct tp_ipc_header header;
        cr_assert(raw_read(fds[i], 1, &header, NULL), "nothing is lost meanwhile");
        cr_assert_gt(header.body_len, MIB);
        close(fds[i]);
    }
    cr_expect_eq(read_rc(other, 1), TP_OK);
    close(other);
    down();
}

Test(budget, is_kept_in_the_end_by_cutting_off_who_does_not_read, .timeout = 60)
{
    start((struct tp_ipc_server_config){.bytes_most_per_uid = 4 * MIB, .stall_most_ms = 60000});
    int deaf = greeted(), other = greeted();
    ask_mibs(deaf, 12);
    served_wait_away(&served, 1);
    cr_expect_eq(served.away_op, 0u);
    cr_expect_not_null(strstr(served.away_words, "unread answers"), "%s", served.away_words);
    cr_expect(raw_is_served(other));
    cr_expect_lt(most_bytes(), MIB);
    close(deaf);
    close(other);
    down();
}

Test(budget, that_is_full_of_unfinished_requests_is_free_again_after_a_while, .timeout = 60)
{
    start((struct tp_ipc_server_config){.bytes_most_per_uid = MIB, .stall_most_ms = 1000});
    enum { CONNECTIONS = 120 };
    int fds[CONNECTIONS];
    static uint8_t half[10 << 10], hello[TP_IPC_HEADER_LEN + 2] = {2, 0, TP_OP_HELLO};
    memcpy(hello + TP_IPC_HEADER_LEN, "\010\001", 2);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct tp_ipc_header header = {.op = TP_OP_TOKEN, .body_len = TP_IPC_BODY_SMALL};
        fds[i] = raw_connect(served.path);
        raw_send_bytes(fds[i], TP_BYTES(hello, sizeof(hello))); /* who is over the budget gets no answer to it */
        raw_send(fds[i], header, TP_BYTES(half, sizeof(half)));
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        cr_assert(raw_is_closed(fds[i]));
        close(fds[i]);
    }
    int fd = greeted();
    cr_expect(raw_is_served(fd));
    close(fd);
    down();
}

/* ---- the server's time ---- */

/* All that it has read is not handed over before somebody else is read from. */
Test(bounds, thousands_of_requests_at_once_do_not_hold_up_another_connection)
{
    enum { CONNECTIONS = 64, EACH = 600 };
    int fds[CONNECTIONS], other = greeted();
    uint8_t frames[EACH * TP_IPC_HEADER_LEN];
    struct tp_ipc_header header = {.op = TP_OP_TOKEN, .wait_ms = 10000};
    for (size_t i = 0; i < EACH; i++)
        tp_ipc_header_pack(&header, frames + i * TP_IPC_HEADER_LEN);
    for (size_t i = 0; i < CONNECTIONS; i++)
        fds[i] = greeted();
    for (size_t i = 0; i < CONNECTIONS; i++)
        raw_send_bytes(fds[i], TP_BYTES(frames, sizeof(frames)));
    int64_t begun_ms = tp_clock_monotonic_ms();
    cr_expect(raw_is_served(other));
    cr_expect_lt(tp_clock_monotonic_ms() - begun_ms, SOON_MS);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        for (size_t k = 0; k < EACH; k++)
            cr_assert(raw_read(fds[i], 1, &header, NULL));
        close(fds[i]);
    }
    close(other);
}

/* ---- connections of several uids ---- */

static void start_for_all(struct tp_ipc_server_config config)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    start(config);
    cr_assert_eq(chmod(served.folder, 0711), 0);
    cr_assert_eq(chmod(served.path, 0666), 0);
}

static void open_as(uid_t uid, int *ret_fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ret_fds[i] = greet(raw_connect_as(served.path, uid));
}

static enum tp_rc hello_as(uid_t uid, int *ret_fd)
{
    *ret_fd = raw_connect_as(served.path, uid);
    return raw_hello(*ret_fd, TP_IPC_PROTOCOL);
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

Test(room, is_kept_for_root, .timeout = 60)
{
    int alice[6], root[2], fd;
    start_for_all((struct tp_ipc_server_config){.connections_most = 8, .connections_kept = 2});
    open_as(ALICE, alice, 6);
    cr_expect_eq(hello_as(ALICE, &fd), TP_BUSY);
    cr_expect_eq(served.turned_away, 1u);
    cr_expect_eq(served.away_op, 0u);
    close(fd);
    open_as(0, root, 2);
    for (unsigned i = 0; i < 6; i++)
        cr_expect(raw_is_served(alice[i]), "nothing was taken from her");
    close_all(alice, 6);
    close_all(root, 2);
    down();
}

Test(room, is_shared_by_those_who_want_it_and_the_longest_unused_goes_first, .timeout = 60)
{
    int alice[6], bob[3], fd;
    start_for_all((struct tp_ipc_server_config){.connections_most = 8, .connections_kept = 2});
    open_as(ALICE, alice, 6);
    (void)usleep(20000);
    for (unsigned i = 1; i < 6; i++)
        cr_assert(raw_is_served(alice[i]));
    (void)usleep(20000);
    open_as(BOB, bob, 1);
    cr_expect(raw_is_closed(alice[0]), "that is the one that was not used");
    cr_expect_not_null(strstr(served.away_words, "make room"));
    open_as(BOB, bob + 1, 2);
    served_wait_gone(&served, 3);
    cr_expect_eq(hello_as(BOB, &fd), TP_BUSY, "three are his half");
    close(fd);
    cr_expect_eq(hello_as(ALICE, &fd), TP_BUSY, "and three hers");
    close(fd);
    for (unsigned i = 0; i < 3; i++)
        cr_expect(raw_is_served(bob[i]));
    close_all(alice, 6);
    close_all(bob, 3);
    down();
}

Test(room, is_not_held_by_requests_that_wait_but_those_go_last, .timeout = 60)
{
    int alice[4], bob[2];
    start_for_all((struct tp_ipc_server_config){.connections_most = 4, .connections_kept = 0});
    open_as(ALICE, alice, 4);
    for (unsigned i = 0; i < 3; i++)
        raw_ask_empty(alice[i], TP_OP_STATUS, 1);
    served_wait_kept(&served, 3);
    (void)usleep(20000);
    cr_assert(raw_is_served(alice[3]));
    open_as(BOB, bob, 1);
    cr_expect(raw_is_closed(alice[3]));
    open_as(BOB, bob + 1, 1);
    served_wait_gone(&served, 2);
    cr_expect_eq(served_release(&served), 3u);
    close_all(alice, 4);
    close_all(bob, 2);
    down();
}

Test(room, of_root_is_made_by_others_when_all_is_taken, .timeout = 60)
{
    int alice[6], root[4], fd;
    start_for_all((struct tp_ipc_server_config){.connections_most = 8, .connections_kept = 2});
    open_as(ALICE, alice, 6);
    open_as(0, root, 4);
    served_wait_gone(&served, 2);
    cr_expect_eq(hello_as(BOB, &fd), TP_OK, "and his by hers");
    served_wait_gone(&served, 3);
    close(fd);
    for (unsigned i = 0; i < 4; i++)
        cr_expect(raw_is_served(root[i]));
    close_all(alice, 6);
    close_all(root, 4);
    down();
}

/* ---- numbers of descriptors ---- */

Test(bounds, low_descriptors_are_left_to_others)
{
    struct rlimit files;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_max < 2 * FD_SETSIZE)
        cr_skip_test("there are too few descriptors");
    files.rlim_cur = 2 * FD_SETSIZE;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    int high = greeted();
    cr_expect(raw_is_served(high));
    cr_expect_geq(served.server->first->fd, FD_SETSIZE);
    files.rlim_cur = FD_SETSIZE;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    int low = greeted();
    cr_expect(raw_is_served(low), "with few it is served all the same");
    cr_expect_lt(served.server->first->fd, FD_SETSIZE);
    close(low);
    close(high);
}

/* ---- accounts ---- */

Test(account, is_forgotten_when_nothing_is_left_of_it, .timeout = 60)
{
    int fd;
    start_for_all((struct tp_ipc_server_config){.requests_most = 0});
    for (uid_t uid = ALICE; uid < ALICE + 20; uid++) {
        cr_assert_eq(hello_as(uid, &fd), TP_OK);
        close(fd);
    }
    fd = greeted();
    served_wait_gone(&served, 20);
    int64_t until_ms = tp_clock_monotonic_ms() + SOON_MS;
    while (HASH_COUNT(served.server->accounts) > 1 && tp_clock_monotonic_ms() < until_ms)
        (void)usleep(20000);
    cr_expect_eq(HASH_COUNT(served.server->accounts), 1u);
    cr_expect_eq(served.server->accounts->uid, 0u);
    cr_expect_eq(atomic_load(&served.server->accounts->bytes), 0u);
    close(fd);
    down();
}
