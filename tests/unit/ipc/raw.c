/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 20000 /* then the test fails instead of hanging */

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cr_assert_lt(strlen(path), sizeof(address.sun_path));
    strcpy(address.sun_path, path);
    return address;
}

int raw_connect(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%m");
    return fd;
}

/* The system call itself, which changes this thread alone: the server's stays who it is. */
static void become(uid_t uid)
{
    cr_assert_eq(syscall(SYS_setresuid, -1, (int)uid, -1), 0, "%m");
}

int raw_connect_as(const char *path, uid_t uid)
{
    become(uid);
    int fd = raw_connect(path);
    become(0);
    return fd;
}

int raw_listen(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%m");
    cr_assert_eq(listen(fd, 8), 0);
    return fd;
}

int raw_accept(int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

/* The other side may have closed: what matters is what can be read then. */
void raw_send_bytes(int fd, struct tp_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t len = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (len <= 0)
            return;
        bytes.data += len;
        bytes.len -= (size_t)len;
    }
}

void raw_send(int fd, struct tp_ipc_header header, struct tp_bytes rest)
{
    struct tp_buf frame = TP_BUF_INIT;
    uint8_t head[TP_IPC_HEADER_LEN];
    tp_ipc_header_pack(&header, head);
    cr_assert_eq(tp_buf_append(&frame, TP_BYTES(head, sizeof(head))), TP_OK);
    cr_assert_eq(tp_buf_append(&frame, rest), TP_OK);
    raw_send_bytes(fd, tp_buf_bytes(&frame));
    tp_buf_clear(&frame);
}

void raw_ask(int fd, enum tp_ipc_op op, uint32_t number, const ProtobufCMessage *message)
{
    uint8_t body[4096];
    size_t len = protobuf_c_message_get_packed_size(message);
    cr_assert_leq(len, sizeof(body));
    (void)protobuf_c_message_pack(message, body);
    struct tp_ipc_header header = {
        .body_len = (uint32_t)len, .op = (uint16_t)op, .number = number, .wait_ms = PATIENCE_MS};
    raw_send(fd, header, TP_BYTES(body, len));
}

void raw_ask_empty(int fd, enum tp_ipc_op op, uint32_t number)
{
    struct tp_ipc_header header = {.op = (uint16_t)op, .number = number, .wait_ms = PATIENCE_MS};
    raw_send(fd, header, TP_BYTES_NONE);
}

static bool read_exactly(int fd, uint8_t *to, size_t len)
{
    while (len > 0) {
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        cr_assert_eq(poll(&wanted, 1, PATIENCE_MS), 1, "nothing comes");
        ssize_t part = recv(fd, to, len, 0);
        if (part <= 0)
            return false;
        to += part;
        len -= (size_t)part;
    }
    return true;
}

bool raw_read(int fd, int reply, struct tp_ipc_header *ret_header, struct tp_buf *body)
{
    uint8_t head[TP_IPC_HEADER_LEN];
    struct tp_buf rest = TP_BUF_INIT;
    if (!read_exactly(fd, head, sizeof(head)))
        return false;
    cr_assert_eq(tp_ipc_header_unpack(head, reply, ret_header), TP_OK);
    size_t len = tp_ipc_header_total(ret_header) - TP_IPC_HEADER_LEN;
    cr_assert_eq(tp_buf_reserve(&rest, len), TP_OK);
    bool whole = read_exactly(fd, rest.data, len);
    rest.len = ret_header->body_len;
    if (body != NULL) {
        tp_buf_clear(body);
        *body = rest;
    } else {
        tp_buf_clear(&rest);
    }
    return whole;
}

enum tp_rc raw_hello(int fd, uint32_t protocol)
{
    Tp__Ipc__HelloRequest hello = TP__IPC__HELLO_REQUEST__INIT;
    char program[] = "raw\n\033[2J";
    struct tp_ipc_header header;
    hello.protocol = protocol;
    hello.program = program;
    raw_ask(fd, TP_OP_HELLO, 7, &hello.base);
    cr_assert(raw_read(fd, 1, &header, NULL));
    cr_assert_eq(header.op, TP_OP_HELLO);
    return (enum tp_rc)header.rc;
}

bool raw_is_served(int fd)
{
    struct tp_ipc_header header;
    raw_ask_empty(fd, TP_OP_TOKEN, 4711);
    return raw_read(fd, 1, &header, NULL) && header.op == TP_OP_TOKEN && header.number == 4711 && header.rc == TP_OK;
}

bool raw_is_silent(int fd, int for_ms)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    return poll(&wanted, 1, for_ms) == 0;
}

bool raw_is_closed(int fd)
{
    uint8_t byte;
    while (read_exactly(fd, &byte, 1))
        ;
    return true;
}
