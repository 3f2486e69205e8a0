/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to users, and who is told of it.
 */
#include "../ipc/raw.h"
#include "world.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS      20000
#define SHORT_MS     300
#define OF_UID_MOST  256 /* events.c */
#define OF_CONN_MOST 256 /* server.h: requests_most */
#define NAMES_MOST   64  /* events.c */

static struct world world;
static struct tp_ipc_client *client;
static struct person alice;
static int fd; /* where questions wait */

static int greeted(void)
{
    int made = raw_connect(world.socket_path);
    cr_assert_eq(raw_hello(made, TP_IPC_PROTOCOL), TP_OK);
    return made;
}

static void begin(void)
{
    world_make(&world, "", "");
    world_start(&world);
    client = world_client(&world, 0);
    person_add(&alice, client, "alice", "");
    fd = greeted();
}

static void end(void)
{
    (void)close(fd);
    tp_ipc_client_free(client);
    if (world.engine != NULL)
        world_stop(&world);
    world_remove(&world);
}

TestSuite(engine_events, .init = begin, .fini = end, .timeout = 110);

/* ---- questions ---- */

static Tp__Ipc__EventsRequest question(uint64_t since, char **names, size_t names_len, uint32_t wait_ms)
{
    Tp__Ipc__EventsRequest request = TP__IPC__EVENTS_REQUEST__INIT;
    request.since = since;
    request.users = names;
    request.n_users = names_len;
    request.wait_ms = wait_ms;
    return request;
}

static void ask_on(int on, uint32_t number, uint64_t since, const char *name, uint32_t wait_ms)
{
    char *names[] = {world_text(name)};
    Tp__Ipc__EventsRequest request = question(since, names, 1, wait_ms);
    raw_ask(on, TP_OP_EVENTS, number, &request.base);
}

struct told {
    enum tp_rc rc;
    uint64_t now;
    size_t len;
    Tp__Ipc__Event first; /* without its texts */
    char name[32], id[TP_ID_LEN];
};

static struct told read_told(void)
{
    struct tp_ipc_header header;
    struct tp_buf body TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct told told = {.len = 0};
    cr_assert(raw_read(fd, 1, &header, &body));
    told.rc = (enum tp_rc)header.rc;
    if (told.rc != TP_OK)
        return told;
    Tp__Ipc__EventsReply *reply = tp__ipc__events_reply__unpack(NULL, body.len, body.data);
    cr_assert_not_null(reply);
    told.now = reply->now;
    told.len = reply->n_events;
    if (told.len > 0) {
        told.first = *reply->events[0];
        snprintf(told.name, sizeof told.name, "%s", told.first.user);
        snprintf(told.id, sizeof told.id, "%s", told.first.user_id);
        told.first.user = told.first.user_id = NULL;
    }
    tp__ipc__events_reply__free_unpacked(reply, NULL);
    return told;
}

static struct told ask(uint64_t since, const char *name, uint32_t wait_ms)
{
    ask_on(fd, 1, since, name, wait_ms);
    return read_told();
}

/* A question that waits. */
static void begin_waiting(uint64_t since, const char *name)
{
    ask_on(fd, 1, since, name, WAIT_MS);
    cr_assert(raw_is_silent(fd, SHORT_MS), "it is answered before anything happens");
}

static void expect_told(const struct told *told, const char *name, bool present, bool locked, bool suspended)
{
    cr_expect_eq(told->rc, TP_OK);
    cr_assert_eq(told->len, 1u);
    cr_expect_str_eq(told->name, name);
    cr_expect_eq(told->first.present, present);
    cr_expect_eq(told->first.locked, locked);
    cr_expect_eq(told->first.suspended, suspended);
    cr_expect_eq(strlen(told->id), present ? TP_ID_LEN - 1u : 0u);
}

static enum tp_rc add_user(const char *name)
{
    Tp__Ipc__UserAddRequest request = TP__IPC__USER_ADD_REQUEST__INIT;
    request.user = world_text(name);
    return world_call(client, TP_OP_USER_ADD, &request.base, TP_BYTES_NONE, NULL);
}

/* OP on alice, while a question waits. What it is answered. */
static struct told after(uint64_t since, enum tp_ipc_op op)
{
    begin_waiting(since, "alice");
    cr_assert_eq(world_user(client, op, "alice"), TP_OK);
    return read_told();
}

/* ---- what is told ---- */

Test(engine_events, the_first_question_is_answered_at_once_with_how_things_are)
{
    struct told told = ask(0, "alice", WAIT_MS);
    expect_told(&told, "alice", true, false, false);
    cr_expect(told.first.enrolled);
    cr_expect_neq(told.now, 0u);
    told = ask(0, "bob", WAIT_MS);
    expect_told(&told, "bob", false, false, false);
}

Test(engine_events, every_change_that_a_token_shows_ends_the_waiting)
{
    uint64_t since = ask(0, "alice", 0).now;
    struct told told = after(since, TP_OP_USER_SUSPEND);
    expect_told(&told, "alice", true, false, true);
    told = after(told.now, TP_OP_USER_RESUME);
    expect_told(&told, "alice", true, false, false);
    told = after(told.now, TP_OP_USER_RESET);
    expect_told(&told, "alice", true, false, false);
    cr_expect_not(told.first.enrolled);
    told = after(told.now, TP_OP_USER_CLOSE);
    expect_told(&told, "alice", true, false, true);
    told = after(told.now, TP_OP_USER_ERASE);
    expect_told(&told, "alice", false, false, false);
}

Test(engine_events, who_is_locked_and_unlocked_is_told)
{
    uint64_t since = ask(0, "alice", 0).now;
    begin_waiting(since, "alice");
    for (unsigned i = 0; i < WORLD_TRIES; i++)
        (void)person_login_with(&alice, client, (struct login){0}, "wrong horse000000", NULL, NULL);
    struct told told = read_told();
    expect_told(&told, "alice", true, true, false);
    told = after(told.now, TP_OP_USER_UNLOCK);
    expect_told(&told, "alice", true, false, false);
}

Test(engine_events, a_user_who_is_added_is_told)
{
    uint64_t since = ask(0, "bob", 0).now;
    begin_waiting(since, "bob");
    cr_assert_eq(add_user("bob"), TP_OK);
    struct told told = read_told();
    expect_told(&told, "bob", true, false, false);
    cr_expect_not(told.first.enrolled);
}

Test(engine_events, what_has_happened_before_the_question_is_told_at_once_and_in_its_order)
{
    uint64_t since = ask(0, "alice", 0).now;
    cr_assert_eq(world_user(client, TP_OP_USER_SUSPEND, "alice"), TP_OK);
    cr_assert_eq(world_user(client, TP_OP_USER_RESUME, "alice"), TP_OK);
    struct told told = ask(since, "alice", WAIT_MS);
    cr_assert_eq(told.len, 2u);
    cr_expect(told.first.suspended);
    cr_expect_eq(ask(told.now, "alice", 0).len, 0u, "once");
}

Test(engine_events, a_login_is_no_event)
{
    uint64_t since = ask(0, "alice", 0).now;
    begin_waiting(since, "alice");
    cr_assert_eq(person_login(&alice, client, (struct login){0}, NULL), TP_OK);
    cr_expect(raw_is_silent(fd, SHORT_MS));
}

/* ---- what is not ---- */

Test(engine_events, who_waits_in_vain_is_answered_in_time_with_nothing)
{
    uint64_t since = ask(0, "alice", 0).now;
    int64_t begun_ms = tp_clock_monotonic_ms();
    struct told told = ask(since, "alice", SHORT_MS);
    cr_expect_eq(told.rc, TP_OK);
    cr_expect_eq(told.len, 0u);
    cr_expect_geq(tp_clock_monotonic_ms() - begun_ms, SHORT_MS - 10);
}

Test(engine_events, of_others_nothing_is_told_not_even_that_something_happened)
{
    uint64_t since = ask(0, "bob", 0).now;
    begin_waiting(since, "bob");
    cr_assert_eq(world_user(client, TP_OP_USER_SUSPEND, "alice"), TP_OK);
    cr_expect(raw_is_silent(fd, SHORT_MS));
    cr_assert_eq(add_user("bob"), TP_OK);
    (void)read_told();
    cr_assert_eq(world_user(client, TP_OP_USER_RESUME, "alice"), TP_OK);
    struct told told = ask(since, "carol", 0);
    cr_expect_eq(told.len, 0u);
    cr_expect_eq(told.now, since, "the mark tells of others");
}

Test(engine_events, whoever_names_nobody_or_too_many_is_refused)
{
    char *names[NAMES_MOST + 1];
    for (size_t i = 0; i <= NAMES_MOST; i++)
        names[i] = world_text("alice");
    const size_t lens[] = {0, NAMES_MOST + 1};
    for (size_t i = 0; i < 2; i++) {
        Tp__Ipc__EventsRequest request = question(0, names, lens[i], 0);
        cr_expect_eq(world_call(client, TP_OP_EVENTS, &request.base, TP_BYTES_NONE, NULL), TP_BAD_ARGUMENT);
    }
    Tp__Ipc__EventsRequest request = question(0, names, NAMES_MOST, 0);
    cr_expect_eq(world_call(client, TP_OP_EVENTS, &request.base, TP_BYTES_NONE, NULL), TP_OK);
}

/* ---- marks that are not known ---- */

Test(engine_events, a_mark_of_another_engine_is_answered_with_how_things_are)
{
    struct told told = ask(4711, "alice", WAIT_MS);
    expect_told(&told, "alice", true, false, false);
    cr_expect_neq(told.now, 4711u);
}

Test(engine_events, a_mark_that_is_forgotten_is_answered_with_how_things_are)
{
    uint64_t since = ask(0, "bob", 0).now;
    for (unsigned i = 0; i < TP_EVENTS_KEPT - 1; i++)
        cr_assert_eq(world_user(client, i % 2 == 0 ? TP_OP_USER_SUSPEND : TP_OP_USER_RESUME, "alice"), TP_OK);
    cr_expect_eq(ask(since, "bob", 0).len, 0u, "the last event before is still kept");
    cr_assert_eq(world_user(client, TP_OP_USER_RESUME, "alice"), TP_OK);
    struct told told = ask(since, "bob", WAIT_MS);
    expect_told(&told, "bob", false, false, false);
    cr_expect_neq(told.now, since);
}

/* ---- how many wait ---- */

Test(engine_events, those_who_wait_keep_nobody_from_working)
{
    uint64_t since = ask(0, "alice", 0).now;
    for (uint32_t i = 0; i < OF_CONN_MOST / 2; i++)
        ask_on(fd, i + 1, since, "alice", WAIT_MS);
    cr_assert(raw_is_silent(fd, SHORT_MS));
    cr_expect_eq(world_look(client, "alice"), TP_OK);
    cr_expect_eq(person_login(&alice, client, (struct login){0}, NULL), TP_OK);
}

static void fill_room(int on, uint64_t since)
{
    for (uint32_t i = 0; i < OF_UID_MOST; i++)
        ask_on(on, i + 1, since, "alice", WAIT_MS);
    cr_assert(raw_is_silent(on, SHORT_MS));
}

Test(engine_events, more_than_its_share_of_waiting_is_refused_to_a_uid)
{
    uint64_t since = ask(0, "alice", 0).now;
    int other = greeted();
    fill_room(other, since);
    cr_expect_eq(ask(since, "alice", WAIT_MS).rc, TP_BUSY);
    cr_expect_eq(ask(since, "alice", 0).rc, TP_OK, "who does not wait needs no room");
    cr_assert_eq(world_user(client, TP_OP_USER_SUSPEND, "alice"), TP_OK);
    cr_expect_eq(ask(since, "alice", WAIT_MS).len, 1u, "nor what has news already");
    (void)close(other);
}

Test(engine_events, whoever_goes_away_makes_room)
{
    uint64_t since = ask(0, "alice", 0).now;
    int other = greeted();
    fill_room(other, since);
    (void)close(other);
    struct told told = {.rc = TP_BUSY};
    int64_t until_ms = tp_clock_monotonic_ms() + WAIT_MS / 2;
    while (told.rc == TP_BUSY && tp_clock_monotonic_ms() < until_ms)
        told = ask(since, "alice", SHORT_MS);
    cr_expect_eq(told.rc, TP_OK);
}

Test(engine_events, an_engine_that_ends_does_not_wait_for_those_who_wait)
{
    uint64_t since = ask(0, "alice", 0).now;
    begin_waiting(since, "alice");
    int64_t begun_ms = tp_clock_monotonic_ms();
    world_stop(&world);
    world.engine = NULL;
    cr_expect_lt(tp_clock_monotonic_ms() - begun_ms, 4000);
    cr_expect_eq(read_told().rc, TP_UNREACHABLE);
}

/* ---- the service's own token ---- */

Test(engine_events, the_service_has_a_token_without_a_user)
{
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    cr_assert_eq(tp_ipc_call(client, TP_OP_TOKEN, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply), TP_OK);
    const Tp__Ipc__TokenReply *token = (const Tp__Ipc__TokenReply *)reply.message;
    cr_expect_str_eq(token->label, world.engine->conf.name);
    cr_expect_eq(strlen(token->user_id), TP_ID_LEN - 1u);
    cr_expect(token->enrolled && !token->locked && !token->suspended && !token->open);
    cr_expect_gt(token->pin_max, token->pin_min);
    tp_ipc_reply_clear(&reply);
    request.user = world_text("*");
    cr_expect_eq(world_call(client, TP_OP_TOKEN, &request.base, TP_BYTES_NONE, NULL), TP_NOT_FOUND);
}
