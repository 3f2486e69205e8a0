/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's calls, to the real server and to one that misbehaves.
 */
#include "raw.h"
#include "served.h"

#include "ipc/client.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct served served;
static struct tp_ipc_client *client;
static struct tp_error error;
static struct tp_ipc_reply reply;

static void new_client(void)
{
    struct tp_ipc_client_config config = {.socket_path = served.path, .timeout_ms = 20000};
    cr_assert_eq(tp_ipc_client_new(&config, &client), TP_OK);
}

static void up(void)
{
    served_folder(&served);
    served_start(&served, (struct tp_ipc_server_config){.requests_most = 0});
    new_client();
}

static void down(void)
{
    tp_ipc_client_free(client);
    served_clear(&served);
}

static enum tp_rc call(enum tp_ipc_op op, int64_t timeout_ms)
{
    Tp__Ipc__Empty empty = TP__IPC__EMPTY__INIT;
    tp_ipc_reply_clear(&reply);
    return tp_ipc_call(client, op, &empty.base, TP_BYTES_NONE, TP_BYTES_NONE, timeout_ms, &error, &reply);
}

static enum tp_rc token(const char *user)
{
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    request.user = (char *)(uintptr_t)user;
    tp_ipc_reply_clear(&reply);
    return tp_ipc_call(client, TP_OP_TOKEN, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, &error, &reply);
}

static enum tp_rc sign(uint8_t *ret_signature, size_t *ret_len)
{
    static uint8_t data[32] = {1, 2, 3};
    Tp__Ipc__SignRequest request = TP__IPC__SIGN_REQUEST__INIT;
    request.data = (ProtobufCBinaryData){sizeof(data), data};
    return tp_ipc_sign(client, &request, 0, &error, ret_signature, ret_len);
}

static enum tp_rc sign_any(void)
{
    uint8_t signature[64];
    size_t len = sizeof(signature);
    return sign(signature, &len);
}

TestSuite(call, .init = up, .fini = down, .timeout = 60);

Test(call, brings_the_reply)
{
    cr_assert_eq(token("alice"), TP_OK, "%s", tp_error_words(&error));
    cr_assert_str_eq(((Tp__Ipc__TokenReply *)reply.message)->label, "alice");
    cr_assert_null(reply.secret);
    tp_ipc_reply_clear(&reply);
    cr_assert_null(reply.message);
}

Test(call, brings_the_engines_refusal_with_words_and_tries)
{
    Tp__Ipc__LogoutRequest request = TP__IPC__LOGOUT_REQUEST__INIT;
    cr_assert_eq(tp_ipc_call(client, TP_OP_LOGOUT, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, &error, &reply),
                 TP_PIN_WRONG);
    cr_assert_str_eq(tp_error_words(&error), "no such login");
    cr_assert_eq(reply.tries_left, 3u);
    cr_assert_null(reply.message);
    Tp__Ipc__UserRequest other = TP__IPC__USER_REQUEST__INIT;
    cr_assert_eq(tp_ipc_call(client, TP_OP_USER_CLOSE, &other.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, &error, &reply),
                 TP_UNSUPPORTED);
    cr_assert_str_eq(tp_error_words(&error), tp_rc_words(TP_UNSUPPORTED), "no words of its own: the table's");
    cr_assert_eq(reply.tries_left, 0u);
}

static enum tp_rc enrol(struct tp_bytes code, struct tp_bytes pin)
{
    Tp__Ipc__EnrolRequest request = TP__IPC__ENROL_REQUEST__INIT;
    tp_ipc_reply_clear(&reply);
    return tp_ipc_call(client, TP_OP_ENROL, &request.base, code, pin, 0, &error, &reply);
}

Test(call, carries_secrets_both_ways)
{
    cr_assert_eq(enrol(TP_BYTES("code", 4), TP_BYTES("new pin", 7)), TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(((Tp__Ipc__EnrolReply *)reply.message)->digits, 4u);
    cr_assert(tp_bytes_equal(tp_secret_bytes(reply.secret), TP_BYTES("new pin", 7)));
    tp_ipc_reply_clear(&reply);
}

Test(call, sends_nothing_when_the_secrets_are_not_the_operations)
{
    static const uint8_t large[TP_IPC_SECRET_MAX + 1];
    cr_assert_eq(enrol(TP_BYTES("code", 4), TP_BYTES_NONE), TP_BAD_ARGUMENT);
    cr_assert_eq(enrol(TP_BYTES_NONE, TP_BYTES("pin", 3)), TP_BAD_ARGUMENT);
    cr_assert_eq(enrol(TP_BYTES("code", 4), TP_BYTES(large, sizeof(large))), TP_TOO_LARGE);
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    cr_assert_eq(tp_ipc_call(client, TP_OP_TOKEN, &request.base, TP_BYTES("x", 1), TP_BYTES_NONE, 0, &error, &reply),
                 TP_BAD_ARGUMENT);
    cr_assert_eq(tp_ipc_call(client, TP_OP_SIGN, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, &error, &reply),
                 TP_BAD_ARGUMENT, "not the operation's message");
    cr_assert_eq(tp_ipc_client_generation(client), 0u, "it has not even connected");
}

Test(call, sends_nothing_when_the_body_is_over_the_limit)
{
    char *user = calloc(1, TP_IPC_BODY_SMALL + 1);
    memset(user, 'u', TP_IPC_BODY_SMALL);
    cr_assert_eq(token(user), TP_TOO_LARGE);
    cr_assert_eq(tp_ipc_client_generation(client), 0u);
    user[TP_IPC_BODY_SMALL - 4] = '\0'; /* tag, and three bytes of length at most */
    cr_assert_eq(token(user), TP_OK);
    tp_ipc_reply_clear(&reply);
    free(user);
}

Test(call, carries_large_requests_and_replies)
{
    Tp__Ipc__CrlRequest crl = TP__IPC__CRL_REQUEST__INIT;
    crl.der.len = 11 << 20;
    crl.der.data = calloc(1, crl.der.len);
    cr_assert_eq(tp_ipc_call(client, TP_OP_CRL_IMPORT, &crl.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, &error, &reply),
                 TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(((Tp__Ipc__CrlReply *)reply.message)->revoked, crl.der.len);
    tp_ipc_reply_clear(&reply);
    free(crl.der.data);
    Tp__Ipc__ObjectsRequest objects = TP__IPC__OBJECTS_REQUEST__INIT;
    objects.known = 9 << 20;
    cr_assert_eq(tp_ipc_call(client, TP_OP_OBJECTS, &objects.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, &error, &reply),
                 TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(((Tp__Ipc__ObjectsReply *)reply.message)->credentials[0]->certificate.len, objects.known);
    tp_ipc_reply_clear(&reply);
}

Test(call, sign_brings_the_signature)
{
    uint8_t signature[32] = {0};
    size_t len = sizeof(signature);
    cr_assert_eq(sign(signature, &len), TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(len, 32u);
    cr_assert_eq(signature[2], 3);
}

Test(call, sign_leaves_too_small_a_buffer_untouched)
{
    uint8_t signature[31] = {9};
    size_t len = sizeof(signature);
    cr_assert_eq(sign(signature, &len), TP_TOO_LARGE);
    cr_assert_eq(len, sizeof(signature));
    cr_assert_eq(signature[0], 9);
}

Test(call, gives_up_at_its_deadline_and_the_connection_stays_good)
{
    cr_assert_eq(token("alice"), TP_OK);
    cr_assert_eq(call(TP_OP_DOCTOR, 1), TP_TIMEOUT);
    served_wait_kept(&served, 1);
    cr_assert_eq(token("alice"), TP_OK);
    cr_assert_eq(served_release(&served), 1u);
    cr_assert_eq(token("bob"), TP_OK, "the late answer is nobody's");
    cr_assert_str_eq(((Tp__Ipc__TokenReply *)reply.message)->label, "bob");
    cr_assert_eq(tp_ipc_client_generation(client), 1u);
    tp_ipc_reply_clear(&reply);
}

Test(call, does_not_notice_an_engine_that_was_restarted_in_between)
{
    cr_assert_eq(sign_any(), TP_OK);
    cr_assert_eq(tp_ipc_client_generation(client), 1u);
    served_stop(&served);
    served_start(&served, (struct tp_ipc_server_config){.requests_most = 0});
    cr_assert_eq(sign_any(), TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(tp_ipc_client_generation(client), 2u);
}

Test(call, says_so_when_the_engine_has_stopped_for_good)
{
    cr_assert_eq(sign_any(), TP_OK);
    served_stop(&served);
    cr_assert_eq(sign_any(), TP_UNREACHABLE);
    cr_assert_not_null(strstr(tp_error_words(&error), served.path));
}

static void *wait_kept_and_disconnect(void *unused)
{
    (void)unused;
    served_wait_kept(&served, 1);
    tp_ipc_client_disconnect(client);
    return NULL;
}

Test(call, is_interrupted_by_disconnect_and_the_handle_can_be_used_again)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, wait_kept_and_disconnect, NULL), 0);
    cr_assert_eq(call(TP_OP_STATUS, 0), TP_UNREACHABLE, "though it changes nothing, it is not sent again");
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_eq(served.kept_total, 1u);
    (void)served_release(&served);
    cr_assert_eq(token("alice"), TP_OK);
    cr_assert_eq(tp_ipc_client_generation(client), 2u);
    tp_ipc_reply_clear(&reply);
}

Test(call, child_of_fork_drops_the_handle_without_harm_to_the_parent)
{
    cr_assert_eq(token("alice"), TP_OK);
    pid_t pid = fork();
    if (pid == 0) {
        tp_ipc_client_abandon(client);
        new_client();
        enum tp_rc rc = token("child");
        _exit(rc == TP_OK ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert_eq(token("alice"), TP_OK);
    cr_assert_eq(tp_ipc_client_generation(client), 1u);
    tp_ipc_reply_clear(&reply);
}

/* ---- an engine that misbehaves ---- */

enum trick { DROPS_FIRST, GARBAGE, WRONG_OPERATION, WRONG_NUMBER_FIRST, EMPTY_SIGNATURE, UNREADABLE };

static struct {
    int listen_fd;
    enum trick trick;
    unsigned requests, connections;
} fake;

static void answer_empty(int fd, uint16_t op, uint32_t number)
{
    raw_send(fd, (struct tp_ipc_header){.op = op, .number = number}, TP_BYTES_NONE);
}

static void greet(int fd)
{
    struct tp_ipc_header header;
    uint8_t body[64];
    Tp__Ipc__HelloReply hello = TP__IPC__HELLO_REPLY__INIT;
    hello.protocol = TP_IPC_PROTOCOL;
    size_t len = tp__ipc__hello_reply__pack(&hello, body);
    if (!raw_read(fd, 0, &header, NULL))
        return;
    header = (struct tp_ipc_header){.op = TP_OP_HELLO, .number = header.number, .body_len = (uint32_t)len};
    raw_send(fd, header, TP_BYTES(body, len));
}

/* False when the connection is to be dropped. */
static bool answer_falsely(int fd, const struct tp_ipc_header *asked)
{
    switch (fake.trick) {
    case DROPS_FIRST:
        if (fake.requests == 1)
            return false;
        break;
    case GARBAGE:
        raw_send_bytes(fd, TP_BYTES("this is not a frame at all, nor is it one", 41));
        return true;
    case WRONG_OPERATION:
        answer_empty(fd, TP_OP_LOGIN, asked->number);
        return true;
    case WRONG_NUMBER_FIRST:
        answer_empty(fd, asked->op, asked->number + 1000);
        break;
    case EMPTY_SIGNATURE:
        break;
    case UNREADABLE:
        raw_send(fd, (struct tp_ipc_header){.op = asked->op, .number = asked->number, .body_len = 2},
                 TP_BYTES("\012\177", 2));
        return true;
    }
    answer_empty(fd, asked->op, asked->number);
    return true;
}

static void *fake_engine(void *unused)
{
    (void)unused;
    for (;;) {
        int fd = accept(fake.listen_fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct tp_ipc_header header;
        fake.connections++;
        greet(fd);
        while (raw_read(fd, 0, &header, NULL)) {
            fake.requests++;
            if (!answer_falsely(fd, &header))
                break;
        }
        close(fd);
    }
}

/* The code of one call of OP to an engine that does TRICK. */
static enum tp_rc tricked(enum trick trick, enum tp_ipc_op op)
{
    pthread_t thread;
    served_folder(&served);
    fake.trick = trick;
    fake.requests = fake.connections = 0;
    fake.listen_fd = raw_listen(served.path);
    cr_assert_eq(pthread_create(&thread, NULL, fake_engine, NULL), 0);
    new_client();
    enum tp_rc rc = op == TP_OP_SIGN ? sign_any() : call(op, 0);
    tp_ipc_reply_clear(&reply);
    tp_ipc_client_free(client);
    cr_assert_eq(shutdown(fake.listen_fd, SHUT_RDWR), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    close(fake.listen_fd);
    served_clear(&served);
    return rc;
}

Test(broken, call_that_changes_nothing_is_sent_again_once, .timeout = 60)
{
    cr_assert_eq(tricked(DROPS_FIRST, TP_OP_STATUS), TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(fake.requests, 2u);
    cr_assert_eq(fake.connections, 2u);
}

Test(broken, call_that_may_have_changed_something_is_not_sent_again, .timeout = 60)
{
    cr_assert_eq(tricked(DROPS_FIRST, TP_OP_DOCTOR), TP_UNREACHABLE);
    cr_assert_eq(fake.requests, 1u);
    cr_assert_eq(tricked(DROPS_FIRST, TP_OP_SIGN), TP_UNREACHABLE);
    cr_assert_eq(fake.requests, 1u);
}

Test(broken, engine_that_sends_garbage_is_given_up, .timeout = 60)
{
    cr_assert_eq(tricked(GARBAGE, TP_OP_DOCTOR), TP_UNREACHABLE);
    cr_assert_eq(tricked(WRONG_OPERATION, TP_OP_DOCTOR), TP_UNREACHABLE);
}

Test(broken, answer_that_nobody_waits_for_is_dropped, .timeout = 60)
{
    cr_assert_eq(tricked(WRONG_NUMBER_FIRST, TP_OP_DOCTOR), TP_OK);
}

Test(broken, answer_that_cannot_be_read_is_no_success, .timeout = 60)
{
    cr_assert_eq(tricked(UNREADABLE, TP_OP_DOCTOR), TP_MALFORMED);
    cr_assert_eq(tricked(UNREADABLE, TP_OP_SIGN), TP_MALFORMED);
    cr_assert_eq(tricked(EMPTY_SIGNATURE, TP_OP_SIGN), TP_MALFORMED);
}
