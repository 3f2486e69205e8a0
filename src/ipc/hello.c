/* SPDX-License-Identifier: Apache-2.0
 *
 * The first exchange on a connection: both sides must speak the same protocol. Before any other thread can use it.
 */
#include "base/clock.h"
#include "ipc/internal_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM_LEN 64 /* bytes, with NUL: what the engine keeps of the claim */
#define LOOK_UP_MS  50 /* how often a waiting dial looks whether it was interrupted */

/* The name of this process as the kernel knows it. */
static void own_name(char ret_name[PROGRAM_LEN])
{
    ret_name[0] = '\0';
    int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t len = read(fd, ret_name, PROGRAM_LEN - 1);
    (void)close(fd);
    ret_name[len > 0 ? len : 0] = '\0';
    ret_name[strcspn(ret_name, "\n")] = '\0';
}

static enum tp_rc hello_pack(const struct tp_ipc_dial *dial, uint8_t *ret_frame, size_t size, size_t *ret_len)
{
    char own[PROGRAM_LEN];
    own_name(own);
    Tp__Ipc__HelloRequest hello = TP__IPC__HELLO_REQUEST__INIT;
    hello.protocol = TP_IPC_PROTOCOL;
    hello.program = dial->config->program != NULL ? (char *)(uintptr_t)dial->config->program : own;
    size_t body_len = tp__ipc__hello_request__get_packed_size(&hello);
    if (body_len > size - TP_IPC_HEADER_LEN)
        return TP_TOO_LARGE;
    struct tp_ipc_header header = {
        .body_len = (uint32_t)body_len, .op = TP_OP_HELLO, .wait_ms = (uint32_t)tp_deadline_left_ms(dial->deadline_ms)};
    tp_ipc_header_pack(&header, ret_frame);
    (void)tp__ipc__hello_request__pack(&hello, ret_frame + TP_IPC_HEADER_LEN);
    *ret_len = TP_IPC_HEADER_LEN + body_len;
    return TP_OK;
}

static enum tp_rc wait_readable(const struct tp_ipc_dial *dial, int fd, struct tp_error *error)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    for (;;) {
        int left_ms = tp_deadline_left_ms(dial->deadline_ms);
        if (poll(&wanted, 1, left_ms < LOOK_UP_MS ? left_ms : LOOK_UP_MS) > 0)
            return TP_OK;
        if (tp_ipc_dial_interrupted(dial))
            return tp_error_set(error, TP_UNREACHABLE, "%s", tp_ipc_interrupted);
        if (left_ms == 0)
            return tp_error_set(error, TP_TIMEOUT, "the engine at %s did not greet in time", dial->config->socket_path);
    }
}

static enum tp_rc refused(const struct tp_ipc_frame *frame, struct tp_error *error)
{
    enum tp_rc rc = (enum tp_rc)frame->header.rc;
    struct tp_ipc_arena arena;
    tp_ipc_arena_init(&arena);
    Tp__Ipc__Failure *told = tp__ipc__failure__unpack(&arena.allocator, frame->body.len, frame->body.data);
    (void)tp_error_set(error, rc, "the engine refused the connection: %s",
                       told != NULL && told->words[0] != '\0' ? told->words : tp_rc_words(rc));
    tp_ipc_arena_clear(&arena);
    return rc;
}

static enum tp_rc not_an_engine(const struct tp_ipc_dial *dial, struct tp_error *error)
{
    return tp_error_set(error, TP_MALFORMED,
                        "what answers at %s does not speak the engine's protocol; end it, or correct the path",
                        dial->config->socket_path);
}

static enum tp_rc hello_read(const struct tp_ipc_dial *dial, const struct tp_ipc_frame *frame, struct tp_error *error)
{
    if (frame->header.op != TP_OP_HELLO)
        return not_an_engine(dial, error);
    if (frame->header.rc != TP_OK)
        return refused(frame, error);
    struct tp_ipc_arena arena;
    tp_ipc_arena_init(&arena);
    Tp__Ipc__HelloReply *reply = tp__ipc__hello_reply__unpack(&arena.allocator, frame->body.len, frame->body.data);
    uint32_t protocol = reply == NULL ? 0 : reply->protocol;
    tp_ipc_arena_clear(&arena);
    if (protocol == TP_IPC_PROTOCOL)
        return TP_OK;
    return tp_error_set(error, TP_UNSUPPORTED,
                        "the engine speaks protocol %u, this program %d; install the same version of both", protocol,
                        TP_IPC_PROTOCOL);
}

/* TP_OK without a frame: more must come. */
static enum tp_rc receive(const struct tp_ipc_dial *dial, int fd, struct tp_ipc_reader *reader, struct tp_error *error,
                          bool *ret_complete)
{
    uint8_t bytes[1024];
    struct tp_ipc_frame frame;
    ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return TP_OK;
    if (len <= 0)
        return tp_error_set(error, TP_UNREACHABLE,
                            "what listens at %s closed the connection without a greeting; try again, or see its log",
                            dial->config->socket_path);
    struct tp_bytes input = TP_BYTES(bytes, (size_t)len);
    enum tp_rc rc = tp_ipc_reader_next(reader, &input, &frame, ret_complete);
    if (rc != TP_OK || input.len > 0)
        return not_an_engine(dial, error);
    return *ret_complete ? hello_read(dial, &frame, error) : TP_OK;
}

/* A fresh socket has room for a greeting. That it cannot be sent is no reason not to read why. */
enum tp_rc tp_ipc_hello(const struct tp_ipc_dial *dial, int fd, struct tp_error *error)
{
    uint8_t frame[512];
    size_t len;
    if (hello_pack(dial, frame, sizeof(frame), &len) != TP_OK)
        return tp_error_set(error, TP_CONFIG, "the program's name is too long; give at most %d bytes", PROGRAM_LEN - 1);
    (void)send(fd, frame, len, MSG_NOSIGNAL);
    struct tp_ipc_reader reader = {.reply = 1, .only = TP_OP_HELLO};
    bool complete = false;
    enum tp_rc rc = TP_OK;
    while (rc == TP_OK && !complete) {
        rc = wait_readable(dial, fd, error);
        if (rc == TP_OK)
            rc = receive(dial, fd, &reader, error, &complete);
    }
    tp_ipc_reader_clear(&reader);
    return rc;
}
