/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine refuses before it does anything, and what it no longer does when it is too late.
 */
#include "../ipc/raw.h"
#include "world.h"

#include "base/clock.h"
#include "engine/call.h"
#include "engine/people.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHORT_MS     300
#define PATIENCE_MS  30000
#define LANE_THREADS 2 /* engine.conf: login_workers */
#define WAITING_MOST 256 /* dispatch.c */

static struct world world;
static struct tp_ipc_client *client, *hasty;
static struct person alice;
static struct tp_user *user; /* her turn is ours */

static void begin(void)
{
    world_make(&world, "", "");
    world_start(&world);
    client = world_client(&world, 0);
    hasty = world_client(&world, SHORT_MS);
    person_add(&alice, client, "alice", "");
}

static void end(void)
{
    tp_ipc_client_free(client);
    tp_ipc_client_free(hasty);
    world_stop(&world);
    world_remove(&world);
}

TestSuite(engine_limits, .init = begin, .fini = end, .timeout = 110);

static void take_turn(void)
{
    cr_assert_eq(tp_people_get(world.engine, "alice", NULL, &user), TP_OK);
    cr_assert_eq(tp_people_turn(world.engine, user, INT64_MAX, NULL), TP_OK);
}

static uint64_t refusals(void)
{
    return atomic_load(&world.engine->counters.refusals);
}

/* Until as many as COUNT have been refused. */
static void wait_refused(uint64_t count)
{
    int64_t until_ms = tp_clock_monotonic_ms() + PATIENCE_MS;
    while (refusals() < count && tp_clock_monotonic_ms() < until_ms)
        (void)usleep(1000);
    cr_assert_eq(refusals(), count);
}

static unsigned logins_open(void)
{
    pthread_mutex_lock(&world.engine->lock);
    unsigned count = HASH_COUNT(world.engine->authorisations);
    pthread_mutex_unlock(&world.engine->lock);
    return count;
}

static uint64_t entries(void)
{
    struct tp_ledger_info info;
    tp_ledger_info(world.engine->ledger, &info);
    return info.entries;
}

/* ---- too late ---- */

Test(engine_limits, a_login_whose_turn_comes_too_late_uses_up_no_code)
{
    char secret[64];
    person_secret(&alice, secret);
    take_turn();
    uint64_t refused = refusals(), recorded = entries();
    cr_expect_eq(person_login_with(&alice, hasty, (struct login){0}, secret, NULL, NULL), TP_TIMEOUT);
    tp_people_release_turn(world.engine, user);
    wait_refused(refused + 1);
    cr_expect_eq(logins_open(), 0u);
    cr_expect_eq(entries(), recorded, "no try was counted");
    cr_expect_eq(person_login_with(&alice, client, (struct login){0}, secret, NULL, NULL), TP_OK, "the code is good");
    cr_expect_eq(logins_open(), 1u);
}

Test(engine_limits, a_turn_in_time_is_taken)
{
    take_turn();
    tp_people_release_turn(world.engine, user);
    int64_t now_ms = tp_clock_monotonic_ms();
    cr_assert_eq(tp_people_get_turn(world.engine, "alice", now_ms + PATIENCE_MS, NULL, &user), TP_OK);
    tp_people_release_turn(world.engine, user);
    cr_expect_eq(tp_people_get_turn(world.engine, "alice", now_ms, NULL, &user), TP_TIMEOUT);
    cr_expect_eq(tp_people_get_turn(world.engine, "alice", now_ms + PATIENCE_MS, NULL, &user), TP_OK, "it was given back");
    tp_people_release_turn(world.engine, user);
}

/* ---- too many ---- */

static int greeted(void)
{
    int fd = raw_connect(world.socket_path);
    cr_assert_eq(raw_hello(fd, TP_IPC_PROTOCOL), TP_OK);
    return fd;
}

static void ask_login(int fd, uint32_t number)
{
    static const char body_and_secret[] = "\012\005alicea-wrong-one000000";
    struct tp_ipc_header header = {
        .op = TP_OP_LOGIN, .number = number, .body_len = 7, .wait_ms = SHORT_MS, .secret_len = {17, 0}};
    raw_send(fd, header, TP_BYTES(body_and_secret, 24));
}

static unsigned count_rc(int fd, unsigned count, enum tp_rc rc)
{
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++) {
        struct tp_ipc_header header;
        cr_assert(raw_read(fd, 1, &header, NULL));
        found += header.rc == rc;
        cr_expect(header.rc == TP_BUSY || header.rc == TP_TIMEOUT, "%s", tp_rc_name((enum tp_rc)header.rc));
    }
    return found;
}

Test(engine_limits, so_many_requests_of_a_uid_wait_and_the_others_are_refused_and_recorded)
{
    enum { FIRST = 200, SECOND = 100, TOO_MANY = FIRST + SECOND - WAITING_MOST - LANE_THREADS };
    char id[TP_ID_LEN];
    int first = greeted(), second = greeted();
    take_turn();
    uint64_t refused = refusals(), recorded = entries();
    for (uint32_t i = 0; i < LANE_THREADS; i++)
        ask_login(first, i);
    (void)usleep(100000); /* the threads have taken these, and wait for the turn */
    for (uint32_t i = LANE_THREADS; i < FIRST; i++)
        ask_login(first, i);
    for (uint32_t i = 0; i < SECOND; i++)
        ask_login(second, i);
    unsigned busy = count_rc(first, FIRST, TP_BUSY) + count_rc(second, SECOND, TP_BUSY);
    cr_expect_eq(busy, (unsigned)TOO_MANY);
    tp_people_release_turn(world.engine, user);
    wait_refused(refused + FIRST + SECOND);
    int64_t until_ms = tp_clock_monotonic_ms() + PATIENCE_MS;
    while (entries() < recorded + TOO_MANY && tp_clock_monotonic_ms() < until_ms)
        (void)usleep(1000);
    cr_expect_eq(entries(), recorded + TOO_MANY, "what came too late is in no entry, and no try");
    cr_expect_eq(person_login(&alice, client, (struct login){0}, id), TP_OK);
    close(first);
    close(second);
}

/* ---- large ---- */

static bool may_send(uid_t uid, enum tp_ipc_op op)
{
    const struct tp_ipc_peer peer = {.uid = uid, .pid = getpid()};
    return tp_dispatch_may_send_large(world.engine, &peer, tp_ipc_operation(op));
}

Test(engine_limits, large_requests_are_for_root_and_the_engine_and_whoever_has_the_role)
{
    cr_expect(may_send(0, TP_OP_CRL_IMPORT));
    cr_expect(may_send(geteuid(), TP_OP_CRL_IMPORT));
    cr_expect_not(may_send(geteuid() + 4001, TP_OP_CRL_IMPORT));
    cr_expect_not(may_send(geteuid() + 4001, TP_OP_CERT_IMPORT));
}

/* As one of that uid would open it. */
static void log_in_at(struct person *person, uid_t uid)
{
    cr_assert_eq(person_login(person, client, (struct login){.shared = true}, NULL), TP_OK);
    pthread_mutex_lock(&world.engine->lock);
    for (struct tp_authorisation *at = world.engine->authorisations; at != NULL; at = at->hh.next)
        at->uid = uid;
    pthread_mutex_unlock(&world.engine->lock);
}

Test(engine_limits, large_requests_are_for_an_officer_who_is_logged_in_there_and_nobody_else)
{
    static struct person olga, otto;
    const uid_t uid = geteuid() + 4001;
    person_add(&olga, client, "olga", "officer");
    person_add(&otto, client, "otto", "operator");
    log_in_at(&otto, uid);
    log_in_at(&alice, uid);
    cr_expect_not(may_send(uid, TP_OP_CRL_IMPORT), "neither an operator nor somebody who signs");
    log_in_at(&olga, uid);
    cr_expect(may_send(uid, TP_OP_CRL_IMPORT));
    cr_expect(may_send(uid, TP_OP_CERT_IMPORT));
    cr_expect_not(may_send(uid + 1, TP_OP_CRL_IMPORT), "she is not logged in there");
}
