/* SPDX-License-Identifier: Apache-2.0
 *
 * C_WaitForSlotEvent: what is an event, who gets it, and what waiting costs.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define LOOK_AGAIN_US 1100000 /* watch.c: LOOK_AGAIN_MS, and a little */
#define SHORT_US      100000

static struct fixture f;

static void open_all(void)
{
    fixture_open(&f, "users = " FAKE_USER ", " FAKE_OTHER "\n");
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_watch, .init = open_all, .fini = close_all, .timeout = 60);

static void suspend(bool suspended)
{
    fake_engine_set_user(f.engine, true, false, suspended);
}

/* ---- without waiting ---- */

static CK_RV look(CK_SLOT_ID *slot)
{
    *slot = 99;
    return C_WaitForSlotEvent(CKF_DONT_BLOCK, slot, NULL);
}

/* Once what was asked last is no longer believed. */
static CK_RV look_again(CK_SLOT_ID *slot)
{
    (void)usleep(LOOK_AGAIN_US);
    return look(slot);
}

Test(p11_watch, nothing_is_no_event)
{
    CK_SLOT_ID slot;
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
    cr_expect_eq(look_again(&slot), CKR_NO_EVENT);
}

Test(p11_watch, an_event_is_told_once)
{
    CK_SLOT_ID slot;
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
    fake_engine_add_other(f.engine);
    cr_expect_eq(look_again(&slot), CKR_OK);
    cr_expect_eq(slot, 1UL);
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
    cr_expect_eq(look_again(&slot), CKR_NO_EVENT);
}

Test(p11_watch, each_slot_has_its_own_event)
{
    CK_SLOT_ID slot;
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
    fake_engine_add_other(f.engine);
    suspend(true);
    cr_expect_eq(look_again(&slot), CKR_OK);
    cr_expect_eq(slot, 0UL);
    cr_expect_eq(look(&slot), CKR_OK);
    cr_expect_eq(slot, 1UL);
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
}

Test(p11_watch, what_was_before_anybody_looked_is_no_event)
{
    CK_SLOT_ID slot;
    suspend(true);
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
}

Test(p11_watch, looking_again_and_again_asks_the_engine_once_a_second)
{
    CK_SLOT_ID slot;
    for (unsigned i = 0; i < 1000; i++)
        cr_assert_eq(look(&slot), CKR_NO_EVENT);
    cr_expect_leq(fake_engine_count(f.engine, TP_OP_EVENTS), 2u);
}

Test(p11_watch, what_a_token_s_information_shows_is_an_event_too)
{
    CK_TOKEN_INFO info;
    CK_SLOT_ID slot;
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
    suspend(true);
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(look(&slot), CKR_OK, "it is known without another question");
    cr_expect_eq(slot, 0UL);
    cr_expect_eq(look_again(&slot), CKR_NO_EVENT, "and told once");
}

Test(p11_watch, an_engine_that_does_not_answer_has_no_events)
{
    CK_SLOT_ID slot;
    fake_engine_fail(f.engine, TP_OP_EVENTS, TP_BUSY);
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
    fake_engine_halt(f.engine);
    cr_expect_eq(look_again(&slot), CKR_NO_EVENT);
    fake_engine_resume(f.engine);
}

Test(p11_watch, a_hanging_engine_keeps_nobody_for_long_who_does_not_wait)
{
    struct timespec begun, ended;
    CK_SLOT_ID slot;
    fake_engine_stall(f.engine, TP_OP_EVENTS, true);
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    cr_expect_lt(ended.tv_sec - begun.tv_sec, 5);
    fake_engine_stall(f.engine, TP_OP_EVENTS, false);
}

/* ---- what a slot says of itself ---- */

static CK_FLAGS slot_flags(CK_SLOT_ID slot)
{
    CK_SLOT_INFO info;
    cr_assert_eq(C_GetSlotInfo(slot, &info), CKR_OK);
    return info.flags & (CKF_TOKEN_PRESENT | CKF_REMOVABLE_DEVICE);
}

Test(p11_watch, a_slot_whose_token_is_there_is_not_one_for_tokens_that_come_and_go)
{
    cr_expect_eq(slot_flags(0), CKF_TOKEN_PRESENT);
}

Test(p11_watch, a_slot_without_a_token_waits_for_one_and_says_so_for_good)
{
    cr_expect_eq(slot_flags(1), CKF_REMOVABLE_DEVICE);
    fake_engine_add_other(f.engine);
    (void)usleep(LOOK_AGAIN_US);
    cr_expect_eq(slot_flags(1), CKF_REMOVABLE_DEVICE | CKF_TOKEN_PRESENT);
}

Test(p11_watch, a_token_that_comes_joins_the_list_of_slots_under_the_same_number)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    cr_assert_eq(C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    cr_expect_eq(count, 1UL);
    fake_engine_add_other(f.engine);
    (void)usleep(LOOK_AGAIN_US);
    cr_assert_eq(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    cr_expect_eq(count, 2UL);
    cr_assert_eq(C_GetSlotList(CK_FALSE, slots, &count), CKR_OK);
    cr_expect(count == 2 && slots[0] == 0 && slots[1] == 1);
}

/* ---- waiting ---- */

struct waiter {
    pthread_t thread;
    atomic_bool done;
    CK_SLOT_ID slot;
    CK_RV rv;
};

static void *wait_for_event(void *context)
{
    struct waiter *waiter = context;
    waiter->rv = C_WaitForSlotEvent(0, &waiter->slot, NULL);
    atomic_store(&waiter->done, true);
    return NULL;
}

static void begin_waiting(struct waiter *waiter)
{
    *waiter = (struct waiter){.slot = 99};
    cr_assert_eq(pthread_create(&waiter->thread, NULL, wait_for_event, waiter), 0);
}

static void expect_event(struct waiter *waiter, CK_SLOT_ID slot)
{
    cr_assert_eq(pthread_join(waiter->thread, NULL), 0);
    cr_expect_eq(waiter->rv, CKR_OK);
    cr_expect_eq(waiter->slot, slot);
}

Test(p11_watch, who_waits_is_told_when_a_user_is_added)
{
    struct waiter waiter;
    begin_waiting(&waiter);
    fake_engine_wait_watched(f.engine, 1);
    (void)usleep(SHORT_US);
    cr_expect_not(atomic_load(&waiter.done));
    fake_engine_add_other(f.engine);
    expect_event(&waiter, 1);
}

Test(p11_watch, who_waits_is_told_of_a_suspension_and_of_its_end)
{
    struct waiter waiter;
    for (unsigned i = 0; i < 2; i++) {
        begin_waiting(&waiter);
        fake_engine_wait_watched(f.engine, 1);
        suspend(i == 0);
        expect_event(&waiter, 0);
    }
}

Test(p11_watch, what_changes_nothing_wakes_nobody)
{
    struct waiter waiter;
    begin_waiting(&waiter);
    fake_engine_wait_watched(f.engine, 1);
    suspend(false);
    fake_engine_wait_watched(f.engine, 1); /* it asks again */
    cr_expect_not(atomic_load(&waiter.done));
    suspend(true);
    expect_event(&waiter, 0);
}

Test(p11_watch, other_calls_do_not_wait_for_who_waits)
{
    struct waiter waiter;
    CK_TOKEN_INFO info;
    CK_SLOT_ID slot;
    begin_waiting(&waiter);
    fake_engine_wait_watched(f.engine, 1);
    cr_expect_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    unsigned asked = fake_engine_count(f.engine, TP_OP_EVENTS);
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_EVENTS), asked, "somebody asks already");
    suspend(true);
    expect_event(&waiter, 0);
}

static unsigned count_done(struct waiter *waiters, unsigned count)
{
    unsigned done = 0;
    for (unsigned i = 0; i < count; i++)
        done += atomic_load(&waiters[i].done);
    return done;
}

Test(p11_watch, each_event_is_given_to_one_of_several)
{
    struct waiter waiters[3];
    for (unsigned i = 0; i < 3; i++)
        begin_waiting(&waiters[i]);
    for (unsigned i = 0; i < 3; i++) {
        fake_engine_wait_watched(f.engine, 1);
        suspend(i % 2 == 0);
        while (count_done(waiters, 3) <= i)
            (void)usleep(1000);
        (void)usleep(SHORT_US);
        cr_expect_eq(count_done(waiters, 3), i + 1);
    }
    for (unsigned i = 0; i < 3; i++)
        expect_event(&waiters[i], 0);
}

Test(p11_watch, waiting_survives_the_engine_and_tells_what_happened_while_it_was_away)
{
    struct waiter waiter;
    begin_waiting(&waiter);
    fake_engine_wait_watched(f.engine, 1);
    fake_engine_halt(f.engine);
    fake_engine_resume(f.engine);
    fake_engine_wait_watched(f.engine, 1);
    cr_expect_not(atomic_load(&waiter.done), "an engine that comes back is no event");
    fake_engine_halt(f.engine);
    suspend(true);
    fake_engine_resume(f.engine);
    expect_event(&waiter, 0);
}

Test(p11_watch, an_engine_that_refuses_is_not_asked_in_a_loop)
{
    struct waiter waiter;
    fake_engine_fail(f.engine, TP_OP_EVENTS, TP_BUSY);
    begin_waiting(&waiter);
    (void)usleep(10 * SHORT_US);
    cr_expect_not(atomic_load(&waiter.done));
    unsigned asked = fake_engine_count(f.engine, TP_OP_EVENTS);
    cr_expect(asked >= 2 && asked <= 6, "%u questions in a second", asked);
    fake_engine_fail(f.engine, TP_OP_EVENTS, 0);
    fake_engine_wait_watched(f.engine, 1);
    suspend(true);
    expect_event(&waiter, 0);
}

/* ---- the end ---- */

static void expect_end(struct waiter *waiters, unsigned count)
{
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(pthread_join(waiters[i].thread, NULL), 0);
        cr_expect_eq(waiters[i].rv, CKR_CRYPTOKI_NOT_INITIALIZED);
    }
}

Test(p11_watch, finalising_ends_all_waiting)
{
    struct waiter waiters[3];
    for (unsigned i = 0; i < 3; i++)
        begin_waiting(&waiters[i]);
    fake_engine_wait_watched(f.engine, 1);
    (void)usleep(SHORT_US);
    expect_end(waiters, 3);
}

Test(p11_watch, finalising_ends_waiting_for_an_engine_that_is_away)
{
    struct waiter waiters[2];
    fake_engine_halt(f.engine);
    for (unsigned i = 0; i < 2; i++)
        begin_waiting(&waiters[i]);
    (void)usleep(3 * SHORT_US);
    expect_end(waiters, 2);
    fake_engine_resume(f.engine);
}

Test(p11_watch, after_finalising_everything_begins_anew)
{
    CK_SLOT_ID slot;
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    suspend(true);
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    cr_expect_eq(look(&slot), CKR_NO_EVENT);
}
