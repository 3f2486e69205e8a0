/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static struct tp_hsm *hsm;
static struct tp_hsm_session *session;
static struct stored_key stored;

static void make_with(const char *uri)
{
    hsm = open_hsm(uri, 2, 4);
    session = acquire(hsm);
    make_keys(session);
    stored_key_make(session, TP_HSM_P256, true, &stored);
}

static void make(void)
{
    fixture_make();
    make_with(fx.uri);
}

static void make_faulty(void)
{
    fixture_make();
    make_with(fx.fault_uri);
}

static void clear(void)
{
    stored_key_clear(&stored);
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    fixture_remove();
}

TestSuite(hsm_loss, .init = make, .fini = clear, .timeout = 60);
TestSuite(hsm_loss_faulty, .init = make_faulty, .fini = clear, .timeout = 60);

static enum tp_rc mac(struct tp_error *error)
{
    uint8_t out[TP_HSM_MAC_LEN];
    return tp_hsm_mac(session, TP_HSM_ROLE_ROW, tp_bytes_of_string("x"), TP_BYTES_NONE, error, out);
}

static struct tp_hsm_info info(void)
{
    struct tp_hsm_info now;
    tp_hsm_info(hsm, &now);
    return now;
}

static enum tp_rc renew(struct tp_error *error)
{
    return tp_hsm_session_renew(session, in_ms(5000), error);
}

static void renews(void)
{
    struct tp_error error = {0};
    enum tp_rc rc = renew(&error);
    cr_assert_eq(rc, TP_OK, "%s: %s", tp_rc_name(rc), tp_error_words(&error));
}

Test(hsm_loss, of_the_token_makes_every_verb_answer_absent)
{
    struct tp_error error = {0};
    struct tp_buf out = TP_BUF_INIT;
    struct tp_hsm_abilities abilities;
    struct tp_hsm_session *other = NULL;
    fixture_take_away();
    cr_expect_eq(mac(&error), TP_HSM_ABSENT, "%s", tp_error_words(&error));
    cr_expect_eq(tp_hsm_uwk_generate(session, &error, &out), TP_HSM_ABSENT);
    cr_expect_eq(tp_hsm_encrypt(session, TP_BYTES_NONE, &error, &out), TP_HSM_ABSENT);
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_HSM_ABSENT);
    cr_expect_eq(tp_hsm_token_keys_find(session, &error), TP_HSM_ABSENT);
    cr_expect_eq(tp_hsm_probe(session, &error, &abilities), TP_HSM_ABSENT);
    cr_expect_eq(tp_hsm_session_acquire(hsm, in_ms(2000), &error, &other), TP_HSM_ABSENT);
    cr_expect_eq(renew(&error), TP_HSM_ABSENT);
    cr_expect_not(info().present);
    cr_expect_eq(info().losses, 1);
    cr_expect_eq(out.len, 0);
    fixture_bring_back();
}

Test(hsm_loss, ends_when_the_token_comes_back)
{
    struct tp_error error = {0};
    fixture_take_away();
    cr_assert_eq(mac(&error), TP_HSM_ABSENT);
    cr_assert_eq(renew(&error), TP_HSM_ABSENT);
    fixture_bring_back();
    cr_expect_eq(mac(&error), TP_HSM_ABSENT, "a session of the old login works");
    renews();
    cr_expect_eq(mac(&error), TP_OK, "%s", tp_error_words(&error));
    cr_expect(info().present);
}

Test(hsm_loss, is_overcome_by_acquire_as_well)
{
    struct tp_error error = {0};
    fixture_take_away();
    cr_assert_eq(mac(&error), TP_HSM_ABSENT);
    fixture_bring_back();
    tp_hsm_session_release(session);
    session = acquire(hsm);
    cr_expect_eq(mac(&error), TP_OK, "%s", tp_error_words(&error));
}

Test(hsm_loss, during_an_unwrap_is_not_called_damage)
{
    struct tp_error error = {0};
    struct tp_hsm_key *key = NULL;
    fixture_take_away();
    cr_expect_eq(tp_hsm_key_get(session, "a", stored_key_load, &stored, &error, &key), TP_HSM_ABSENT);
    cr_expect_null(key);
    fixture_bring_back();
    renews();
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK, "%s", tp_error_words(&error));
}

Test(hsm_loss, makes_cached_keys_load_again)
{
    struct tp_error error = {0};
    cr_assert_eq(sign_once(session, "a", &stored, &error), TP_OK);
    cr_assert_eq(sign_once(session, "b", &stored, &error), TP_OK);
    fixture_take_away();
    cr_assert_eq(mac(&error), TP_HSM_ABSENT);
    fixture_bring_back();
    renews();
    cr_expect_eq(info().cached_keys, 0);
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK, "%s", tp_error_words(&error));
    cr_expect_eq(stored.loads, 3);
}

Test(hsm_loss, makes_a_held_key_answer_absent)
{
    struct tp_error error = {0};
    struct tp_hsm_key *key = NULL;
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len;
    struct tp_hsm_sign_params params = {.mechanism = TP_HSM_ECDSA};
    cr_assert_eq(tp_hsm_key_get(session, "a", stored_key_load, &stored, &error, &key), TP_OK);
    fixture_take_away();
    cr_assert_eq(mac(&error), TP_HSM_ABSENT);
    cr_expect_eq(tp_hsm_sign(session, key, &params, data_for(TP_HSM_P256), &error, signature, &len), TP_HSM_ABSENT);
    fixture_bring_back();
    renews();
    cr_expect_eq(tp_hsm_sign(session, key, &params, data_for(TP_HSM_P256), &error, signature, &len), TP_HSM_ABSENT);
    tp_hsm_key_put(key);
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK);
}

Test(hsm_loss, of_a_token_that_another_one_replaces_is_a_swap)
{
    struct tp_error error = {0};
    char swapped[160], theirs[160];
    snprintf(swapped, sizeof(swapped), "%s/tokens", fx.dir);
    snprintf(theirs, sizeof(theirs), "%s/theirs", fx.dir);
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    fixture_empty();
    fixture_add_token("test"); /* the same label, another serial number */
    cr_assert_eq(rename(swapped, theirs), 0);
    fixture_bring_back();
    hsm = open_hsm(fx.uri, 2, 4);
    session = acquire(hsm);
    cr_assert_eq(tp_hsm_token_keys_find(session, &error), TP_OK);
    fixture_take_away();
    cr_assert_eq(mac(&error), TP_HSM_ABSENT);
    cr_assert_eq(rename(theirs, swapped), 0);
    cr_expect_eq(renew(&error), TP_HSM_SWAPPED, "%s", tp_error_words(&error));
    cr_assert_eq(rename(swapped, theirs), 0);
    fixture_bring_back();
    renews();
}

Test(hsm_loss_faulty, by_a_pulled_card_is_noticed_and_ends)
{
    struct tp_error error = {0};
    fault_rules("* * gone\n");
    cr_expect_eq(mac(&error), TP_HSM_ABSENT);
    cr_expect_eq(renew(&error), TP_HSM_ABSENT);
    cr_expect_not_null(strstr(tp_error_words(&error), "no token test"), "%s", tp_error_words(&error));
    fault_rules(NULL);
    renews();
    cr_expect_eq(mac(&error), TP_OK, "%s", tp_error_words(&error));
}

Test(hsm_loss_faulty, of_one_kind_is_like_another)
{
    const char *codes[] = {"0x30", "0x32", "0xE0", "0xB3", "0xB0", "0x190", "0x101", "0x82", "0x60", "0x90"};
    struct tp_error error = {0};
    char rule[64];
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        snprintf(rule, sizeof(rule), "C_SignInit 1 fail %s\n", codes[i]);
        fault_rules(rule);
        cr_expect_eq(mac(&error), TP_HSM_ABSENT, "%s", codes[i]);
        renews();
        cr_expect_eq(mac(&error), TP_OK, "%s: %s", codes[i], tp_error_words(&error));
    }
    cr_expect_eq(info().losses, sizeof(codes) / sizeof(codes[0]));
}

Test(hsm_loss_faulty, is_not_what_a_mere_failure_is)
{
    struct tp_error error = {0};
    fault_rules("C_SignInit 1 fail 0x5\nC_Sign 1 fail 0x6\n");
    cr_expect_eq(mac(&error), TP_HSM);
    cr_expect_not_null(strstr(tp_error_words(&error), "CKR_GENERAL_ERROR"));
    cr_expect_eq(mac(&error), TP_HSM);
    cr_expect_not_null(strstr(tp_error_words(&error), "CKR_FUNCTION_FAILED"));
    cr_expect_eq(mac(&error), TP_OK, "%s", tp_error_words(&error));
    cr_expect_eq(info().losses, 0);
}

/* 0x5 means damage to SoftHSM, and trouble to others. */
Test(hsm_loss_faulty, hiccups_of_an_unwrap_are_not_damage)
{
    struct tp_error error = {0};
    fault_rules("C_UnwrapKey 1 fail 0x5\n");
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK, "%s", tp_error_words(&error));
    fault_rules("C_UnwrapKey 1 fail 0x5\nC_GetTokenInfo 1 fail 0x5\n");
    cr_expect_eq(sign_once(session, "b", &stored, &error), TP_HSM_ABSENT, "%s", tp_error_words(&error));
    fault_rules(NULL);
    renews();
    cr_expect_eq(sign_once(session, "b", &stored, &error), TP_OK, "%s", tp_error_words(&error));
}

Test(hsm_loss_faulty, with_a_pin_that_is_then_refused_is_not_tried_twice)
{
    struct tp_error error = {0};
    fault_rules("C_SignInit 1 fail 0x30\nC_Login 1 fail 0xA0\n");
    cr_expect_eq(mac(&error), TP_HSM_ABSENT);
    cr_expect_eq(renew(&error), TP_HSM_PIN);
    fault_rules("C_Login 1+ fail 0x5\n"); /* would be seen if it were tried */
    (void)fault_fired();
    cr_expect_eq(renew(&error), TP_HSM_PIN);
    cr_expect_not(fault_fired());
}

Test(hsm_loss_faulty, of_a_key_that_cannot_be_destroyed_ends_the_login_that_it_lives_in)
{
    struct tp_error error = {0};
    struct tp_buf wrapped = TP_BUF_INIT;
    fault_rules("C_DestroyObject 1 fail 0x5\n");
    cr_expect_eq(tp_hsm_uwk_generate(session, &error, &wrapped), TP_OK);
    cr_expect_eq(info().losses, 1);
    cr_expect_eq(mac(&error), TP_HSM_ABSENT);
    renews();
    cr_expect_eq(mac(&error), TP_OK);
    tp_buf_clear(&wrapped);
}
