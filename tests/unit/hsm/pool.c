/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

HSM_SUITE(hsm_pool);

static enum tp_rc mac(struct tp_hsm_session *session, struct tp_error *error)
{
    uint8_t out[TP_HSM_MAC_LEN];
    return tp_hsm_mac(session, TP_HSM_ROLE_ROW, tp_bytes_of_string("x"), TP_BYTES_NONE, error, out);
}

Test(hsm_pool, gives_each_session_to_one_at_a_time)
{
    struct tp_error error = {0};
    struct tp_hsm_info info;
    struct tp_hsm *hsm = open_hsm(fx.uri, 2, 1);
    struct tp_hsm_session *a = acquire(hsm), *b = acquire(hsm), *c = NULL;
    cr_expect_neq(a, b);
    tp_hsm_info(hsm, &info);
    cr_expect_eq(info.sessions_free, 0);
    cr_expect_eq(tp_hsm_session_acquire(hsm, in_ms(5), &error, &c), TP_TIMEOUT);
    cr_expect_null(c);
    tp_hsm_session_release(a);
    c = acquire(hsm);
    cr_expect_eq(c, a);
    tp_hsm_session_release(b);
    tp_hsm_session_release(c);
    tp_hsm_close(hsm);
}

/* No cr_assert here: Criterion leaks what it remembers of a thread. */
static void *acquire_thread(void *context)
{
    struct tp_hsm_session *session = NULL;
    enum tp_rc rc = tp_hsm_session_acquire(context, in_ms(10000), NULL, &session);
    return rc == TP_OK ? session : NULL;
}

Test(hsm_pool, wakes_whoever_waits_when_a_session_comes_back)
{
    void *got = NULL;
    pthread_t thread;
    struct tp_hsm *hsm = open_hsm(fx.uri, 1, 1);
    struct tp_hsm_session *session = acquire(hsm);
    cr_assert_eq(pthread_create(&thread, NULL, acquire_thread, hsm), 0);
    tp_hsm_session_release(session);
    pthread_join(thread, &got);
    cr_assert_eq(got, session);
    tp_hsm_session_release(got);
    tp_hsm_close(hsm);
}

Test(hsm_pool, gives_a_free_session_even_past_the_deadline)
{
    struct tp_error error = {0};
    struct tp_hsm *hsm = open_hsm(fx.uri, 1, 1);
    struct tp_hsm_session *session = NULL;
    cr_expect_eq(tp_hsm_session_acquire(hsm, in_ms(-1), &error, &session), TP_OK);
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
}

Test(hsm_pool, renewing_a_good_session_changes_nothing)
{
    struct tp_error error = {0};
    struct tp_hsm *hsm = open_hsm(fx.uri, 1, 4);
    struct tp_hsm_session *session = acquire(hsm);
    struct stored_key stored;
    make_keys(session);
    stored_key_make(session, TP_HSM_P256, true, &stored);
    cr_assert_eq(sign_once(session, "a", &stored, &error), TP_OK);
    cr_expect_eq(tp_hsm_session_renew(session, in_ms(100), &error), TP_OK);
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK);
    cr_expect_eq(stored.loads, 1);
    stored_key_clear(&stored);
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
}

/* ---- two tokens of one library ---- */

static struct tp_hsm *open_token(const char *label)
{
    char uri[600];
    snprintf(uri, sizeof(uri), "pkcs11:token=%s?%s", label, strchr(fx.fault_uri, '?') + 1);
    return open_hsm(uri, 1, 1);
}

Test(hsm_pool, two_tokens_of_one_library_live_side_by_side)
{
    struct tp_error error = {0};
    fixture_add_token("ca");
    struct tp_hsm *hsm = open_token("test"), *ca = open_token("ca");
    struct tp_hsm_session *session = acquire(hsm), *ca_session = acquire(ca);
    make_keys(session);
    make_keys(ca_session);
    cr_expect_eq(mac(session, &error), TP_OK);
    cr_expect_eq(mac(ca_session, &error), TP_OK);
    tp_hsm_session_release(ca_session);
    tp_hsm_close(ca);
    cr_expect_eq(mac(session, &error), TP_OK, "closing one closed the other: %s", tp_error_words(&error));
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
}

Test(hsm_pool, a_lost_token_does_not_take_its_neighbour_with_it)
{
    struct tp_error error = {0};
    struct tp_hsm_info info;
    fixture_add_token("ca");
    struct tp_hsm *hsm = open_token("test"), *ca = open_token("ca");
    struct tp_hsm_session *session = acquire(hsm), *ca_session = acquire(ca);
    make_keys(session);
    make_keys(ca_session);
    fault_rules("C_SignInit 1 fail 0x30\n");
    cr_expect_eq(mac(ca_session, &error), TP_HSM_ABSENT);
    cr_expect_eq(mac(session, &error), TP_OK);
    cr_expect_eq(tp_hsm_session_renew(ca_session, in_ms(5000), &error), TP_OK, "%s", tp_error_words(&error));
    cr_expect_eq(mac(ca_session, &error), TP_OK);
    cr_expect_eq(mac(session, &error), TP_OK);
    tp_hsm_info(hsm, &info);
    cr_expect_eq(info.losses, 0);
    tp_hsm_session_release(ca_session);
    tp_hsm_session_release(session);
    tp_hsm_close(ca);
    tp_hsm_close(hsm);
}
