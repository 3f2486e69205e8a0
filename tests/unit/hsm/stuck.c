/* SPDX-License-Identifier: Apache-2.0
 *
 * A call that does not come back: tests/fault holds it until it is told to let go.
 */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

#define STUCK_MS 40

static struct tp_hsm *hsm;
static struct tp_hsm_session *session;

static void make(void)
{
    struct tp_error error = {0};
    fixture_make();
    struct tp_hsm_config config = {.uri = fx.fault_uri, .sessions = 2, .cached_keys = 1, .stuck_ms = STUCK_MS};
    cr_assert_eq(tp_hsm_open(&config, &error, &hsm), TP_OK, "%s", tp_error_words(&error));
    session = acquire(hsm);
    make_keys(session);
}

static void clear(void)
{
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    fixture_remove();
}

TestSuite(hsm_stuck, .init = make, .fini = clear, .timeout = 60);

static void *mac_thread(void *context)
{
    static uint8_t mac[TP_HSM_MAC_LEN];
    enum tp_rc *ret_rc = context;
    *ret_rc = tp_hsm_mac(session, TP_HSM_ROLE_ROW, tp_bytes_of_string("x"), TP_BYTES_NONE, NULL, mac);
    return NULL;
}

static unsigned stuck_calls(void)
{
    struct tp_hsm_info info;
    tp_hsm_info(hsm, &info);
    cr_expect_eq(info.present, info.stuck == 0);
    return info.stuck;
}

static void wait_until_stuck(void)
{
    while (stuck_calls() == 0)
        ; /* the test's time limit is the end of it */
}

Test(hsm_stuck, takes_the_token_out_of_service_until_it_returns)
{
    struct tp_error error = {0};
    struct tp_hsm_session *other = NULL;
    pthread_t thread;
    enum tp_rc rc = TP_INTERNAL;
    cr_expect_eq(stuck_calls(), 0);
    fault_rules("C_Sign 1 hold\n");
    cr_assert_eq(pthread_create(&thread, NULL, mac_thread, &rc), 0);
    wait_until_stuck();
    cr_expect_eq(stuck_calls(), 1);
    cr_expect_eq(tp_hsm_session_acquire(hsm, in_ms(60000), &error, &other), TP_HSM_ABSENT);
    cr_expect_not_null(strstr(tp_error_words(&error), "has not answered for"), "%s", tp_error_words(&error));
    fault_rules(NULL);
    pthread_join(thread, NULL);
    cr_expect_eq(rc, TP_OK);
    cr_expect_eq(stuck_calls(), 0);
    other = acquire(hsm);
    tp_hsm_session_release(other);
}

Test(hsm_stuck, ends_the_waiting_of_those_who_want_a_session)
{
    struct tp_error error = {0};
    struct tp_hsm_session *other = acquire(hsm), *third = NULL; /* none is free now */
    pthread_t thread;
    enum tp_rc rc = TP_INTERNAL;
    fault_rules("C_Sign 1 hold\n");
    cr_assert_eq(pthread_create(&thread, NULL, mac_thread, &rc), 0);
    cr_expect_eq(tp_hsm_session_acquire(hsm, in_ms(60000), &error, &third), TP_HSM_ABSENT);
    fault_rules(NULL);
    pthread_join(thread, NULL);
    tp_hsm_session_release(other);
}

Test(hsm_stuck, keeps_the_library_from_being_finalised)
{
    struct tp_error error = {0};
    struct tp_hsm_session *other = acquire(hsm);
    pthread_t thread;
    enum tp_rc rc = TP_INTERNAL;
    uint8_t mac[TP_HSM_MAC_LEN];
    fault_rules("C_Sign 1 hold\nC_SignInit 2 fail 0x30\n");
    (void)fault_fired();
    cr_assert_eq(pthread_create(&thread, NULL, mac_thread, &rc), 0);
    wait_until_stuck();
    cr_assert(fault_fired());
    cr_expect_eq(tp_hsm_mac(other, TP_HSM_ROLE_ROW, TP_BYTES_NONE, TP_BYTES_NONE, &error, mac), TP_HSM_ABSENT);
    cr_expect_eq(tp_hsm_session_renew(other, in_ms(20), &error), TP_HSM_ABSENT);
    cr_expect_eq(rc, TP_INTERNAL, "the call came back");
    fault_rules(NULL);
    pthread_join(thread, NULL);
    cr_expect_eq(rc, TP_OK, "the library was finalised under a call");
    cr_expect_eq(tp_hsm_session_renew(other, in_ms(5000), &error), TP_OK, "%s", tp_error_words(&error));
    cr_expect_eq(tp_hsm_session_renew(session, in_ms(5000), &error), TP_OK);
    tp_hsm_session_release(other);
}

Test(hsm_stuck, is_not_what_a_slow_call_is)
{
    struct tp_error error = {0};
    uint8_t mac[TP_HSM_MAC_LEN];
    fault_rules("C_Sign 1 delay 5\n");
    cr_expect_eq(tp_hsm_mac(session, TP_HSM_ROLE_ROW, TP_BYTES_NONE, TP_BYTES_NONE, &error, mac), TP_OK);
    cr_expect_eq(stuck_calls(), 0);
    cr_expect(fault_fired());
}
