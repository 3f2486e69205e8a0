/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fixture f;
static const char data[] = "what is signed";
static CK_BYTE signature[512];
static CK_ULONG signature_len;

static void open_all(void)
{
    fixture_open(&f, NULL);
    (void)fake_engine_add_key(f.engine, "p-256", "key", true);
}

static void open_for_session_login(void)
{
    fixture_open(&f, "users = alice\nlogin = session\n");
    (void)fake_engine_add_key(f.engine, "p-256", "key", true);
}

static void close_all(void)
{
    fixture_close(&f);
}

static CK_RV sign_with(CK_OBJECT_HANDLE key)
{
    signature_len = sizeof(signature);
    return sign(f.session, CKM_ECDSA_SHA256, key, data, sizeof(data), signature, &signature_len);
}

TestSuite(p11_login, .init = open_all, .fini = close_all);

/* ---- logging in and out ---- */

Test(p11_login, the_right_pin_logs_all_sessions_in_and_logout_all_out)
{
    CK_SESSION_HANDLE other = open_session(0, 0);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(state_of(f.session), CKS_RW_USER_FUNCTIONS);
    cr_expect_eq(state_of(other), CKS_RO_USER_FUNCTIONS);
    cr_expect_eq(state_of(open_session(0, 0)), CKS_RO_USER_FUNCTIONS);
    cr_assert_eq(C_Logout(other), CKR_OK);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(state_of(other), CKS_RO_PUBLIC_SESSION);
    cr_expect_eq(C_Logout(f.session), CKR_USER_NOT_LOGGED_IN);
}

Test(p11_login, a_wrong_pin_does_not)
{
    cr_expect_eq(login(f.session, "wrong horse 000000"), CKR_PIN_INCORRECT);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
}

Test(p11_login, twice_is_said)
{
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_USER_ALREADY_LOGGED_IN);
    cr_expect_eq(login(open_session(0, 0), "wrong horse 000000"), CKR_USER_ALREADY_LOGGED_IN);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 1);
}

Test(p11_login, logout_ends_the_authorisation_in_the_engine)
{
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGOUT), 1);
}

Test(p11_login, closing_the_last_session_logs_out_here)
{
    CK_SESSION_HANDLE other = open_session(0, 0);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    cr_expect_eq(state_of(other), CKS_RO_USER_FUNCTIONS);
    cr_assert_eq(C_CloseSession(other), CKR_OK);
    f.session = open_session(0, CKF_RW_SESSION);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
}

Test(p11_login, with_a_user_name_only_the_slots_own)
{
    CK_BYTE *pin = (CK_BYTE *)FAKE_PIN_CODE;
    CK_ULONG len = strlen(FAKE_PIN_CODE);
    cr_expect_eq(C_LoginUser(f.session, CKU_USER, pin, len, (CK_BYTE *)"bob", 3), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_LoginUser(f.session, CKU_USER, pin, len, NULL, 3), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_LoginUser(f.session, CKU_USER, pin, len, (CK_BYTE *)"alice", 5), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(C_LoginUser(f.session, CKU_USER, pin, len, NULL, 0), CKR_OK);
}

Test(p11_login, after_a_login_for_the_uid_the_pin_alone_is_enough)
{
    cr_expect_eq(login(f.session, FAKE_PIN), CKR_PIN_INCORRECT);
    fake_engine_open_shared(f.engine, true);
    cr_expect_eq(login(f.session, FAKE_PIN), CKR_OK);
}

/* ---- other users ---- */

Test(p11_login, without_an_officer_the_so_is_refused_in_the_specifications_order)
{
    CK_UTF8CHAR pin[] = "12345678";
    cr_expect_eq(C_Login(f.session, CKU_SO, pin, 8), CKR_USER_TYPE_INVALID);
    CK_SESSION_HANDLE read_only = open_session(0, 0);
    cr_expect_eq(C_Login(f.session, CKU_SO, pin, 8), CKR_SESSION_READ_ONLY_EXISTS);
    cr_assert_eq(C_CloseSession(read_only), CKR_OK);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(C_Login(f.session, CKU_SO, pin, 8), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    cr_expect_eq(C_Login(f.session, 77, pin, 8), CKR_USER_TYPE_INVALID);
}

/* ---- PINs that cannot be right ---- */

Test(p11_login, an_empty_or_short_pin_never_reaches_the_engine)
{
    cr_expect_eq(C_Login(f.session, CKU_USER, NULL, 0), CKR_PIN_INCORRECT);
    cr_expect_eq(login(f.session, ""), CKR_PIN_INCORRECT);
    cr_expect_eq(login(f.session, "1234567"), CKR_PIN_INCORRECT);
    cr_expect_eq(C_Login(f.session, CKU_USER, NULL, 8), CKR_ARGUMENTS_BAD);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 0);
}

Test(p11_login, a_pin_of_the_least_length_reaches_it)
{
    cr_expect_eq(login(f.session, "12345678"), CKR_PIN_INCORRECT);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 1);
}

Test(p11_login, a_consumer_that_loops_is_told_locked_but_a_right_pin_still_goes_through)
{
    for (int i = 0; i < 10; i++)
        cr_expect_eq(login(f.session, ""), CKR_PIN_INCORRECT);
    for (int i = 0; i < 1000; i++)
        cr_expect_eq(login(f.session, ""), CKR_PIN_LOCKED);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 0);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(login(f.session, ""), CKR_PIN_INCORRECT);
}

Test(p11_login, a_pin_that_is_too_long_for_the_protocol_is_refused_here)
{
    CK_UTF8CHAR pin[2000];
    memset(pin, 'x', sizeof(pin));
    cr_expect_eq(C_Login(f.session, CKU_USER, pin, sizeof(pin)), CKR_PIN_INCORRECT);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 0);
}

/* Whether the module's log, which a test has had opened at PATH, has WORDS in it. */
static bool log_has(const char *path, const char *words)
{
    char line[1024];
    bool found = false;
    FILE *log = fopen(path, "r");
    cr_assert_not_null(log);
    while (!found && fgets(line, sizeof(line), log) != NULL)
        found = strstr(line, words) != NULL;
    (void)fclose(log);
    return found;
}

Test(p11_login_log, why_a_pin_was_not_sent_and_what_to_give_is_in_the_log_but_never_the_pin)
{
    char path[128];
    CK_UTF8CHAR pin[2000];
    fixture_prepare(&f, NULL);
    (void)snprintf(path, sizeof(path), "%s.log", f.folder);
    cr_assert_eq(setenv("TRUSTP11_DEBUG", path, 1), 0);
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    f.session = open_session(0, 0);
    memset(pin, 'x', sizeof(pin));
    cr_expect_eq(login(f.session, ""), CKR_PIN_INCORRECT);
    cr_expect(log_has(path, "it is empty; give the PIN followed by the one-time code"));
    cr_expect_not(log_has(path, "it is shorter"));
    cr_expect_eq(login(f.session, "s3cr3t"), CKR_PIN_INCORRECT);
    cr_expect(log_has(path, "it is shorter than any PIN"));
    cr_expect_eq(C_Login(f.session, CKU_USER, pin, sizeof(pin)), CKR_PIN_INCORRECT);
    cr_expect(log_has(path, "it is longer than any PIN"));
    cr_expect_not(log_has(path, "s3cr3t"));
    cr_expect_not(log_has(path, "xxxx"));
    (void)unlink(path);
    fixture_close(&f);
}

/* ---- an authorisation ends ---- */

Test(p11_login, when_the_count_is_used_up_all_sessions_are_public_again)
{
    CK_SESSION_HANDLE other = open_session(0, 0);
    fake_engine_set_terms(f.engine, 2, 600000);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    cr_assert_eq(sign_with(key), CKR_OK);
    cr_expect_eq(state_of(other), CKS_RO_USER_FUNCTIONS);
    cr_assert_eq(sign_with(key), CKR_OK);
    cr_expect_eq(state_of(other), CKS_RO_PUBLIC_SESSION);
    cr_expect_eq(find_one(f.session, CKO_PRIVATE_KEY, "key"), CK_INVALID_HANDLE);
    cr_expect_eq(sign_with(key), CKR_USER_NOT_LOGGED_IN);
    cr_assert_eq(login(other, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(find_one(f.session, CKO_PRIVATE_KEY, "key"), key);
    cr_expect_eq(sign_with(key), CKR_OK);
}

Test(p11_login, when_an_officer_ends_it_the_signature_says_so_and_the_next_login_works)
{
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    fake_engine_end_authorisations(f.engine);
    cr_expect_eq(sign_with(key), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(get_bool(f.session, key, CKA_SIGN), -1);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(sign_with(key), CKR_OK);
}

Test(p11_login, when_its_time_has_passed_nothing_has_to_be_asked)
{
    fake_engine_set_terms(f.engine, 0, 0);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_AUTHORISATION), 0);
}

Test(p11_login, when_the_engine_has_restarted_the_session_is_public_and_works_again)
{
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    fake_engine_halt(f.engine);
    fake_engine_resume(f.engine);
    cr_expect_eq(find_one(f.session, CKO_PUBLIC_KEY, "key") != CK_INVALID_HANDLE, true); /* reconnects */
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(sign_with(key), CKR_USER_NOT_LOGGED_IN);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(sign_with(key), CKR_OK);
}

Test(p11_login, the_state_is_asked_for_at_most_once_a_second)
{
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    for (int i = 0; i < 1000; i++)
        (void)state_of(f.session);
    cr_expect_leq(fake_engine_count(f.engine, TP_OP_AUTHORISATION), 10);
}

/* ---- CKA_ALWAYS_AUTHENTICATE ---- */

static CK_RV context_login(const char *pin)
{
    return C_Login(f.session, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR *)pin, strlen(pin));
}

static CK_RV sign_after(const char *pin, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    CK_RV rv = C_SignInit(f.session, &mechanism, key);
    if (rv == CKR_OK && pin != NULL)
        rv = context_login(pin);
    signature_len = sizeof(signature);
    return rv != CKR_OK ? rv : C_Sign(f.session, (CK_BYTE *)data, sizeof(data), signature, &signature_len);
}

Test(p11_login, a_key_that_always_authenticates_signs_once_for_each_login)
{
    fake_engine_set_always_authenticate(f.engine, 0);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    cr_expect_eq(get_bool(f.session, key, CKA_ALWAYS_AUTHENTICATE), CK_TRUE);
    cr_expect_eq(sign_after(NULL, key), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(sign_after(FAKE_PIN_CODE, key), CKR_OK);
    cr_expect_eq(sign_after(NULL, key), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(sign_after("wrong horse 000000", key), CKR_PIN_INCORRECT);
}

Test(p11_login, a_login_for_a_signature_is_good_for_nothing_after_logout)
{
    static const CK_BYTE data[] = "what is signed";
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    fake_engine_set_always_authenticate(f.engine, 0);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    cr_assert_eq(C_SignInit(f.session, &mechanism, key), CKR_OK);
    cr_assert_eq(context_login(FAKE_PIN_CODE), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(C_Sign(f.session, (CK_BYTE *)data, sizeof(data), signature, &len), CKR_USER_NOT_LOGGED_IN);
}

Test(p11_login, a_login_for_a_signature_needs_one_that_waits_for_it)
{
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(context_login(FAKE_PIN_CODE), CKR_OPERATION_NOT_INITIALIZED);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    cr_expect_eq(sign_after(FAKE_PIN_CODE, key), CKR_OPERATION_NOT_INITIALIZED);
}

/* ---- login = session ---- */

TestSuite(p11_login_session, .init = open_for_session_login, .fini = close_all);

Test(p11_login_session, keys_are_visible_and_sign_while_the_user_is_logged_in_elsewhere)
{
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    cr_assert_neq(key, CK_INVALID_HANDLE);
    cr_expect_eq(get_bool(f.session, key, CKA_PRIVATE), CK_FALSE);
    cr_expect_eq(sign_with(key), CKR_USER_NOT_LOGGED_IN);
    fake_engine_open_shared(f.engine, true);
    cr_expect_eq(sign_with(key), CKR_OK);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    fake_engine_open_shared(f.engine, false);
    cr_expect_eq(sign_with(key), CKR_USER_NOT_LOGGED_IN);
}

Test(p11_login_session, a_pin_still_works)
{
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(state_of(f.session), CKS_RW_USER_FUNCTIONS);
    cr_expect_eq(sign_with(key), CKR_OK);
}

Test(p11_login_session, a_key_that_always_authenticates_stays_private)
{
    fake_engine_set_always_authenticate(f.engine, 0);
    cr_expect_eq(find_one(f.session, CKO_PRIVATE_KEY, "key"), CK_INVALID_HANDLE);
    cr_expect_neq(find_one(f.session, CKO_CERTIFICATE, "key"), CK_INVALID_HANDLE);
}
