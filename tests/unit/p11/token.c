/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"
#include "fixture.h"
#include "p11/slot.h"

#include <string.h>

static struct fixture f;

static void open_all(void)
{
    fixture_open(&f, "users = alice, nobody\n");
}

static void open_for_session_login(void)
{
    fixture_open(&f, "users = alice\nlogin = session\n");
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_token, .init = open_all, .fini = close_all);
TestSuite(p11_token_session_login, .init = open_for_session_login, .fini = close_all);

static CK_FLAGS flags_now(void)
{
    CK_TOKEN_INFO info;
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    return info.flags;
}

Test(p11_token, one_slot_for_each_user)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 0;
    cr_assert_eq(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    cr_assert_eq(count, 2);
    count = 1;
    cr_assert_eq(C_GetSlotList(CK_FALSE, slots, &count), CKR_BUFFER_TOO_SMALL);
    cr_assert_eq(count, 2);
    cr_assert_eq(C_GetSlotList(CK_FALSE, slots, &count), CKR_OK);
    cr_expect_eq(slots[0], 0);
    cr_expect_eq(slots[1], 1);
    cr_expect_eq(C_GetSlotList(CK_TRUE, slots, NULL), CKR_ARGUMENTS_BAD);
}

Test(p11_token, a_slot_is_named_after_its_user)
{
    CK_SLOT_INFO info;
    cr_assert_eq(C_GetSlotInfo(0, &info), CKR_OK);
    cr_expect_eq(memcmp(info.slotDescription, "trustp11: alice   ", 18), 0);
    cr_expect_eq(info.slotDescription[63], ' ');
    cr_expect_eq(info.flags, CKF_TOKEN_PRESENT);
    cr_expect_eq(C_GetSlotInfo(2, &info), CKR_SLOT_ID_INVALID);
    cr_expect_eq(C_GetSlotInfo(0, NULL), CKR_ARGUMENTS_BAD);
}

Test(p11_token, information_is_what_the_engine_says)
{
    CK_TOKEN_INFO info;
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(memcmp(info.label, "Alice's token                   ", 32), 0);
    cr_expect_eq(memcmp(info.serialNumber, "0011223344556677", 16), 0);
    cr_expect_eq(info.ulMinPinLen, FAKE_PIN_MIN);
    cr_expect_eq(info.ulMaxPinLen, FAKE_PIN_MAX + strlen(FAKE_CODE));
    cr_expect_eq(info.ulSessionCount, 1);
    cr_expect_eq(info.ulRwSessionCount, 1);
    cr_expect_eq(info.ulMaxSessionCount, CK_EFFECTIVELY_INFINITE);
    cr_expect_eq(C_GetTokenInfo(2, &info), CKR_SLOT_ID_INVALID);
    cr_expect_eq(C_GetTokenInfo(0, NULL), CKR_ARGUMENTS_BAD);
}

Test(p11_token, flags_of_a_token_in_order)
{
    cr_expect_eq(flags_now(),
                 CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED |
                     CKF_DUAL_CRYPTO_OPERATIONS);
}

Test(p11_token, a_user_who_has_not_enrolled_has_no_pin)
{
    fake_engine_set_user(f.engine, false, false, false);
    cr_expect_eq(flags_now() & CKF_USER_PIN_INITIALIZED, 0);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_USER_PIN_NOT_INITIALIZED);
}

Test(p11_token, flags_warn_as_the_tries_go_down)
{
    const CK_FLAGS tries = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
    cr_expect_eq(flags_now() & tries, 0);
    cr_expect_eq(login(f.session, "wrong horse 000000"), CKR_PIN_INCORRECT);
    cr_expect_eq(flags_now() & tries, CKF_USER_PIN_COUNT_LOW);
    fake_engine_set_tries(f.engine, 1);
    cr_expect_eq(flags_now() & tries, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
    cr_expect_eq(login(f.session, "wrong horse 000000"), CKR_PIN_INCORRECT);
    cr_expect_eq(flags_now() & tries, CKF_USER_PIN_LOCKED);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_PIN_LOCKED);
}

Test(p11_token, a_suspended_user_cannot_log_in_and_the_flags_say_so)
{
    fake_engine_set_user(f.engine, true, false, true);
    cr_expect_neq(flags_now() & CKF_USER_PIN_LOCKED, 0);
}

Test(p11_token, a_user_whom_the_engine_does_not_know_has_no_token)
{
    CK_TOKEN_INFO info;
    cr_expect_eq(C_GetTokenInfo(1, &info), CKR_TOKEN_NOT_PRESENT);
}

Test(p11_token, the_slot_of_a_user_whom_the_engine_does_not_know_is_empty)
{
    CK_SLOT_INFO info;
    CK_SLOT_ID slots[2] = {77, 77};
    CK_ULONG count = 0;
    cr_assert_eq(C_GetSlotInfo(1, &info), CKR_OK);
    cr_expect_eq(info.flags, CKF_REMOVABLE_DEVICE);
    cr_expect_eq(memcmp(info.slotDescription, "trustp11: nobody  ", 18), 0);
    cr_assert_eq(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    cr_assert_eq(count, 1);
    cr_assert_eq(C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    cr_expect_eq(slots[0], 0);
    cr_expect_eq(slots[1], 77);
    count = 0;
    cr_expect_eq(C_GetSlotList(CK_TRUE, slots, &count), CKR_BUFFER_TOO_SMALL);
    cr_expect_eq(count, 1);
}

Test(p11_token, only_an_engine_that_says_so_takes_the_token_out_of_the_slot)
{
    static const int others[] = {TP_NOT_PERMITTED, TP_BUSY, TP_STORE, TP_HSM_ABSENT};
    CK_SLOT_INFO info;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CK_TOKEN_INFO fresh; /* asks, whatever is remembered */
        fake_engine_fail(f.engine, TP_OP_TOKEN, others[i]);
        cr_expect_neq(C_GetTokenInfo(0, &fresh), CKR_OK);
        cr_assert_eq(C_GetSlotInfo(0, &info), CKR_OK);
        cr_expect_eq(info.flags, CKF_TOKEN_PRESENT, "%d", others[i]);
    }
}

Test(p11_token, an_engine_that_is_away_leaves_tokens_in_all_slots)
{
    CK_SLOT_INFO info;
    fake_engine_halt(f.engine);
    for (CK_SLOT_ID slot = 0; slot < 2; slot++) {
        cr_assert_eq(C_GetSlotInfo(slot, &info), CKR_OK);
        cr_expect_eq(info.flags, CKF_TOKEN_PRESENT);
    }
    fake_engine_resume(f.engine);
}

Test(p11_token, the_engine_is_asked_for_a_slots_token_at_most_once_a_second)
{
    CK_SLOT_INFO info;
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(C_GetSlotInfo(1, &info), CKR_OK);
    cr_expect_leq(fake_engine_count(f.engine, TP_OP_TOKEN), 10);
    cr_expect_geq(fake_engine_count(f.engine, TP_OP_TOKEN), 1);
}

Test(p11_token, an_engine_that_is_away_is_said_at_once_and_found_again)
{
    CK_TOKEN_INFO info;
    CK_ULONG count = 0;
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    fake_engine_halt(f.engine);
    cr_expect_eq(C_GetTokenInfo(0, &info), CKR_DEVICE_REMOVED);
    cr_expect_eq(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    cr_expect_eq(count, 2);
    fake_engine_resume(f.engine);
    cr_expect_eq(C_GetTokenInfo(0, &info), CKR_OK);
}

Test(p11_token_session_login, a_token_does_not_require_login)
{
    cr_expect_eq(flags_now() & CKF_LOGIN_REQUIRED, 0);
}

Test(p11_token, mechanisms_are_listed_and_described)
{
    CK_MECHANISM_TYPE types[128];
    CK_MECHANISM_INFO info;
    CK_ULONG count = 0, room = 128;
    cr_assert_eq(C_GetMechanismList(0, NULL, &count), CKR_OK);
    cr_assert_leq(count, 128);
    room = count - 1;
    cr_expect_eq(C_GetMechanismList(0, types, &room), CKR_BUFFER_TOO_SMALL);
    cr_expect_eq(room, count);
    cr_assert_eq(C_GetMechanismList(0, types, &room), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        cr_expect_eq(C_GetMechanismInfo(0, types[i], &info), CKR_OK, "0x%lx", types[i]);
        cr_expect_neq(info.flags, 0);
    }
    cr_expect_eq(C_GetMechanismList(9, NULL, &count), CKR_SLOT_ID_INVALID);
}

Test(p11_token, mechanisms_that_are_not_there_are_invalid)
{
    CK_MECHANISM_INFO info;
    cr_expect_eq(C_GetMechanismInfo(0, CKM_MD5_RSA_PKCS, &info), CKR_MECHANISM_INVALID);
    cr_expect_eq(C_GetMechanismInfo(0, CKM_RSA_PKCS, NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GetMechanismInfo(9, CKM_RSA_PKCS, &info), CKR_SLOT_ID_INVALID);
}

static bool is_listed(CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_TYPE types[128];
    CK_ULONG count = 128;
    cr_assert_eq(C_GetMechanismList(0, types, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++)
        if (types[i] == type)
            return true;
    return false;
}

static CK_FLAGS eddsa_of(CK_SLOT_ID slot)
{
    CK_MECHANISM_INFO info = {0};
    cr_expect_eq(C_GetMechanismInfo(slot, CKM_EDDSA, &info), CKR_OK);
    return info.flags & (CKF_SIGN | CKF_VERIFY);
}

Test(p11_token, tokens_with_an_edwards_key_only_sign_with_one)
{
    (void)fake_engine_add_key(f.engine, "p-256", "ec", false);
    cr_expect(is_listed(CKM_EDDSA));
    cr_expect_eq(eddsa_of(0), CKF_VERIFY);
    (void)fake_engine_add_key(f.engine, "ed25519", "ed", false);
    cr_expect_eq(eddsa_of(0), CKF_SIGN | CKF_VERIFY);
    cr_expect_eq(eddsa_of(1), CKF_VERIFY); /* nobody's */
    fake_engine_halt(f.engine);
    cr_expect_eq(eddsa_of(0), CKF_SIGN | CKF_VERIFY); /* what was last told */
    fake_engine_resume(f.engine);
}

Test(p11_token, mechanisms_are_listed_while_the_engine_is_away)
{
    fake_engine_halt(f.engine);
    cr_expect(is_listed(CKM_ECDSA));
    cr_expect_eq(eddsa_of(0), CKF_VERIFY); /* no key was ever told of */
    fake_engine_resume(f.engine);
}

Test(p11_token, mechanisms_over_sha_1_are_shown_for_verifying_only)
{
    static const CK_MECHANISM_TYPE weak[] = {CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_ECDSA_SHA1};
    static const CK_MECHANISM_TYPE strong[] = {CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA_SHA256};
    CK_MECHANISM_INFO info;
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(C_GetMechanismInfo(0, weak[i], &info), CKR_OK);
        cr_expect_eq(info.flags & (CKF_SIGN | CKF_VERIFY), CKF_VERIFY, "0x%lx", weak[i]);
        cr_assert_eq(C_GetMechanismInfo(0, strong[i], &info), CKR_OK);
        cr_expect_eq(info.flags & (CKF_SIGN | CKF_VERIFY), CKF_SIGN | CKF_VERIFY, "0x%lx", strong[i]);
    }
    cr_assert_eq(C_GetMechanismInfo(0, CKM_SHA_1, &info), CKR_OK);
    cr_expect_eq(info.flags, CKF_DIGEST);
}

Test(p11_token, mechanism_limits_are_in_bits)
{
    CK_MECHANISM_INFO info;
    cr_assert_eq(C_GetMechanismInfo(0, CKM_SHA256_RSA_PKCS, &info), CKR_OK);
    cr_expect_eq(info.flags, CKF_SIGN | CKF_VERIFY | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY);
    cr_expect_eq(info.ulMinKeySize, 2048);
    cr_expect_eq(info.ulMaxKeySize, 4096);
    cr_assert_eq(C_GetMechanismInfo(0, CKM_ECDSA, &info), CKR_OK);
    cr_expect_eq(info.ulMinKeySize, 256);
    cr_expect_eq(info.ulMaxKeySize, 521);
    cr_expect_eq(info.flags & (CKF_SIGN | CKF_VERIFY | CKF_EC_F_P), CKF_SIGN | CKF_VERIFY | CKF_EC_F_P);
}

Test(p11_token, without_an_officer_no_token_can_be_made)
{
    CK_UTF8CHAR label[32] = {0};
    cr_expect_eq(C_InitToken(0, NULL, 0, label), CKR_SESSION_EXISTS);
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    cr_expect_eq(C_InitToken(0, NULL, 0, label), CKR_TOKEN_WRITE_PROTECTED);
    cr_expect_eq(C_InitToken(0, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_InitToken(9, NULL, 0, label), CKR_SLOT_ID_INVALID);
}

/* ---- C_SetPIN ---- */

static CK_RV set_pin(CK_SESSION_HANDLE session, const char *old_pin, const char *new_pin)
{
    return C_SetPIN(session, (CK_UTF8CHAR *)old_pin, strlen(old_pin), (CK_UTF8CHAR *)new_pin, strlen(new_pin));
}

Test(p11_token, the_pin_can_be_changed_and_then_only_the_new_one_is_right)
{
    cr_assert_eq(set_pin(f.session, FAKE_PIN_CODE, "battery staple"), CKR_OK);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_PIN_INCORRECT);
    cr_expect_eq(login(f.session, "battery staple" FAKE_CODE), CKR_OK);
}

Test(p11_token, a_pin_is_not_changed_with_a_wrong_one_or_to_a_bad_one)
{
    cr_expect_eq(set_pin(f.session, "wrong horse 000000", "battery staple"), CKR_PIN_INCORRECT);
    cr_expect_eq(set_pin(f.session, FAKE_PIN_CODE, "short"), CKR_PIN_LEN_RANGE);
    cr_expect_eq(set_pin(f.session, FAKE_PIN_CODE, ""), CKR_PIN_LEN_RANGE);
    cr_expect_eq(set_pin(f.session, "", "battery staple"), CKR_PIN_INCORRECT);
    cr_expect_eq(C_SetPIN(f.session, NULL, 4, NULL, 4), CKR_ARGUMENTS_BAD);
    cr_expect_eq(set_pin(open_session(0, 0), FAKE_PIN_CODE, "battery staple"), CKR_SESSION_READ_ONLY);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
}

Test(p11_token, without_an_officer_no_first_pin_is_set)
{
    cr_expect_eq(C_InitPIN(f.session, (CK_UTF8CHAR *)"12345678", 8), CKR_USER_NOT_LOGGED_IN);
}

/* ---- fields of fixed length ---- */

Test(p11_pad, a_text_that_fits_is_filled_up_with_blanks)
{
    unsigned char field[8];
    tp_p11_pad(field, sizeof(field), "abc");
    cr_expect_eq(memcmp(field, "abc     ", 8), 0);
    tp_p11_pad(field, sizeof(field), "");
    cr_expect_eq(memcmp(field, "        ", 8), 0);
    tp_p11_pad(field, sizeof(field), "abcdefgh");
    cr_expect_eq(memcmp(field, "abcdefgh", 8), 0);
}

Test(p11_pad, a_text_that_does_not_is_cut_between_characters)
{
    unsigned char field[8];
    tp_p11_pad(field, sizeof(field), "abcdefg\xc3\xa9");
    cr_expect_eq(memcmp(field, "abcdefg ", 8), 0);
    tp_p11_pad(field, sizeof(field), "abcde\xe3\x81\x82\xe3\x81\x84");
    cr_expect_eq(memcmp(field, "abcde\xe3\x81\x82", 8), 0);
}
