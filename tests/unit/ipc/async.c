/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's end for an event loop: many requests under way, and what becomes of them when things go wrong.
 */
#include "ipc/async.h"
#include "base/clock.h"
#include "served.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MANY       100
#define PATIENCE_MS 10000

static struct served served;
static struct tp_ipc_async *async;
static unsigned answers;
static enum tp_rc last_rc;
static char last_words[256];

/* CONTEXT: the data that a SIGN must come back with, or NULL. */
static void done(void *context, enum tp_rc rc, const struct tp_error *error, const ProtobufCMessage *message)
{
    answers++;
    last_rc = rc;
    (void)snprintf(last_words, sizeof(last_words), "%s", error != NULL ? tp_error_words(error) : "");
    cr_assert_eq(message != NULL, rc == TP_OK);
    if (rc == TP_OK && context != NULL) {
        const Tp__Ipc__SignReply *reply = (const Tp__Ipc__SignReply *)(const void *)message;
        cr_assert_eq(reply->signature.len, sizeof(unsigned));
        cr_assert_eq(memcmp(reply->signature.data, context, sizeof(unsigned)), 0, "somebody else's answer");
    }
}

static enum tp_rc ask_sign(unsigned *data)
{
    struct tp_error error = {0};
    Tp__Ipc__SignRequest request = TP__IPC__SIGN_REQUEST__INIT;
    request.data = (ProtobufCBinaryData){.data = (uint8_t *)data, .len = sizeof(*data)};
    const enum tp_rc rc = tp_ipc_async_ask(async, TP_OP_SIGN, &request.base, 5000, done, data, &error);
    tp_error_clear(&error);
    return rc;
}

static enum tp_rc ask_status(int64_t timeout_ms)
{
    struct tp_error error = {0};
    Tp__Ipc__Empty request = TP__IPC__EMPTY__INIT;
    const enum tp_rc rc = tp_ipc_async_ask(async, TP_OP_STATUS, &request.base, timeout_ms, done, NULL, &error);
    tp_error_clear(&error);
    return rc;
}

static bool is_connected(void)
{
    return tp_ipc_async_connected(async);
}

static bool is_away(void)
{
    return !tp_ipc_async_connected(async);
}

static unsigned wanted;
static bool all_answered(void)
{
    return answers >= wanted;
}

/* Turns of a loop, as its owner makes them. */
static void turn_until(bool (*holds)(void))
{
    const int64_t until_ms = tp_clock_monotonic_ms() + PATIENCE_MS;
    while (!holds() && tp_clock_monotonic_ms() < until_ms) {
        tp_ipc_async_flush(async);
        struct pollfd wait = {.fd = tp_ipc_async_fd(async), .events = POLLIN};
        if (poll(&wait, 1, 20) > 0)
            tp_ipc_async_turn(async);
        tp_ipc_async_tick(async);
    }
    cr_assert(holds(), "%u answers; \"%s\"", answers, tp_ipc_async_words(async));
}

static void turn_until_answered(unsigned count)
{
    wanted = count;
    turn_until(all_answered);
}

static void begin_with(const char *path, const char *user, unsigned most)
{
    struct tp_error error = {0};
    const struct tp_ipc_client_config config = {.socket_path = path, .engine_user = user, .program = "unit"};
    cr_assert_eq(tp_ipc_async_new(&config, most, &error, &async), TP_OK, "%s", tp_error_words(&error));
    cr_assert_not(tp_ipc_async_connected(async));
}

static void connect_with(unsigned most)
{
    begin_with(served.path, NULL, most);
    turn_until(is_connected);
}

static void begin(void)
{
    served_folder(&served);
    served_start(&served, (struct tp_ipc_server_config){0});
    answers = 0;
}

static void end(void)
{
    tp_ipc_async_free(async);
    served_stop(&served);
    served_clear(&served);
}

TestSuite(async, .init = begin, .fini = end);

Test(async, many_requests_are_under_way_and_each_gets_its_own_answer)
{
    unsigned data[MANY];
    connect_with(MANY);
    for (unsigned i = 0; i < MANY; i++) {
        data[i] = i * 7919;
        cr_assert_eq(ask_sign(&data[i]), TP_OK);
    }
    cr_assert_eq(tp_ipc_async_waiting(async), MANY);
    turn_until_answered(MANY);
    cr_assert_eq(answers, MANY);
    cr_assert_eq(last_rc, TP_OK);
    cr_assert_eq(tp_ipc_async_waiting(async), 0);
}

Test(async, one_more_than_may_be_under_way_is_refused_and_there_is_room_again_afterwards)
{
    unsigned data[4] = {1, 2, 3, 4};
    connect_with(3);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(ask_sign(&data[i]), TP_OK);
    cr_assert_eq(ask_sign(&data[3]), TP_BUSY);
    turn_until_answered(3);
    cr_assert_eq(ask_sign(&data[3]), TP_OK);
    turn_until_answered(4);
}

Test(async, before_there_is_a_connection_nothing_is_taken)
{
    unsigned data = 1;
    begin_with(served.path, NULL, 1);
    cr_assert_eq(ask_sign(&data), TP_UNREACHABLE);
    turn_until(is_connected);
    cr_assert_eq(ask_sign(&data), TP_OK);
    turn_until_answered(1);
}

Test(async, a_refusal_has_its_code_and_words)
{
    struct tp_error error = {0};
    Tp__Ipc__LogoutRequest request = TP__IPC__LOGOUT_REQUEST__INIT;
    connect_with(1);
    cr_assert_eq(tp_ipc_async_ask(async, TP_OP_LOGOUT, &request.base, 5000, done, NULL, &error), TP_OK);
    turn_until_answered(1);
    cr_assert_eq(last_rc, TP_PIN_WRONG);
    cr_assert_str_eq(last_words, "no such login");
}

Test(async, operations_with_secrets_and_messages_of_others_are_not_asked)
{
    struct tp_error error = {0};
    Tp__Ipc__LoginRequest login = TP__IPC__LOGIN_REQUEST__INIT;
    Tp__Ipc__Empty empty = TP__IPC__EMPTY__INIT;
    connect_with(1);
    cr_assert_eq(tp_ipc_async_ask(async, TP_OP_LOGIN, &login.base, 5000, done, NULL, &error), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_ipc_async_ask(async, TP_OP_SIGN, &empty.base, 5000, done, NULL, &error), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_ipc_async_waiting(async), 0);
    tp_error_clear(&error);
}

Test(async, who_has_waited_long_enough_is_told_and_a_late_answer_harms_nobody)
{
    unsigned data = 5;
    connect_with(2);
    cr_assert_eq(ask_status(50), TP_OK);
    turn_until_answered(1);
    cr_assert_eq(last_rc, TP_TIMEOUT);
    (void)served_release(&served);
    cr_assert_eq(ask_sign(&data), TP_OK);
    turn_until_answered(2);
    cr_assert_eq(last_rc, TP_OK);
    cr_assert_eq(answers, 2);
}

Test(async, the_end_of_the_engine_answers_all_and_a_new_one_is_found)
{
    unsigned data = 6;
    connect_with(4);
    cr_assert_eq(ask_status(5000), TP_OK);
    cr_assert_eq(ask_status(5000), TP_OK);
    tp_ipc_async_flush(async);
    served_wait_kept(&served, 2);
    (void)served_release(&served);
    served_stop(&served);
    turn_until_answered(2);
    turn_until(is_away);
    cr_assert_eq(tp_ipc_async_waiting(async), 0);
    cr_assert_eq(ask_sign(&data), TP_UNREACHABLE);
    served_start(&served, (struct tp_ipc_server_config){0});
    turn_until(is_connected);
    cr_assert_eq(ask_sign(&data), TP_OK);
    turn_until_answered(3);
    cr_assert_eq(last_rc, TP_OK);
}

Test(async, what_is_under_way_when_it_is_freed_is_not_answered)
{
    connect_with(2);
    cr_assert_eq(ask_status(5000), TP_OK);
    tp_ipc_async_flush(async);
    served_wait_kept(&served, 1);
    tp_ipc_async_free(async);
    async = NULL;
    (void)served_release(&served);
    cr_assert_eq(answers, 0);
}

Test(async, an_engine_of_another_user_is_asked_nothing)
{
    unsigned data = 7;
    begin_with(served.path, "54321", 1);
    const int64_t until_ms = tp_clock_monotonic_ms() + PATIENCE_MS;
    while (tp_ipc_async_words(async)[0] == '\0' && tp_clock_monotonic_ms() < until_ms) {
        tp_ipc_async_flush(async);
        struct pollfd wait = {.fd = tp_ipc_async_fd(async), .events = POLLIN};
        if (poll(&wait, 1, 20) > 0)
            tp_ipc_async_turn(async);
        tp_ipc_async_tick(async);
    }
    cr_assert(strstr(tp_ipc_async_words(async), "54321") != NULL, "\"%s\"", tp_ipc_async_words(async));
    cr_assert_not(tp_ipc_async_connected(async));
    cr_assert_eq(ask_sign(&data), TP_UNREACHABLE);
}
