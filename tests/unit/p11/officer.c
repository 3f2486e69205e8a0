/* SPDX-License-Identifier: Apache-2.0
 *
 * The SO: PKCS#11's rules for it (3.0 §5.5.6, §5.5.7, §5.6.1, §5.6.8), and that nothing of an officer's is left behind.
 */
#include "base/rc.h"
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEW_PIN "a first PIN"

static struct fixture f;
static char log_path[128];

static void open_with(const char *conf)
{
    fixture_prepare(&f, conf);
    (void)snprintf(log_path, sizeof(log_path), "%s.log", f.folder);
    cr_assert_eq(setenv("TRUSTP11_DEBUG", log_path, 1), 0);
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    f.session = open_session(0, CKF_RW_SESSION);
    (void)fake_engine_add_key(f.engine, "p-256", "key", true);
}

static void open_all(void)
{
    open_with("users = alice, nobody\nofficer = olga\n");
}

static void open_without_officer(void)
{
    open_with("users = alice, nobody\n");
}

static void open_for_session_login(void)
{
    open_with("users = alice\nofficer = olga\nlogin = session\n");
}

static void close_all(void)
{
    (void)unlink(log_path);
    fixture_close(&f);
}

TestSuite(p11_officer, .init = open_all, .fini = close_all);
TestSuite(p11_officer_unnamed, .init = open_without_officer, .fini = close_all);
TestSuite(p11_officer_session_login, .init = open_for_session_login, .fini = close_all);

static CK_RV so_login(CK_SESSION_HANDLE session, const char *pin)
{
    return C_Login(session, CKU_SO, (CK_UTF8CHAR *)pin, strlen(pin));
}

static CK_RV login_as(CK_SESSION_HANDLE session, const char *pin, const char *name)
{
    return C_LoginUser(session, CKU_SO, (CK_UTF8CHAR *)pin, strlen(pin), (CK_UTF8CHAR *)name, strlen(name));
}

static CK_RV init_pin(CK_SESSION_HANDLE session, const char *pin)
{
    return C_InitPIN(session, (CK_UTF8CHAR *)pin, strlen(pin));
}

static CK_RV set_pin(CK_SESSION_HANDLE session, const char *old_pin, const char *new_pin)
{
    return C_SetPIN(session, (CK_UTF8CHAR *)old_pin, strlen(old_pin), (CK_UTF8CHAR *)new_pin, strlen(new_pin));
}

static CK_RV init_token(CK_SLOT_ID slot, const char *pin, const char *label)
{
    CK_UTF8CHAR padded[32];
    memset(padded, ' ', sizeof(padded));
    memcpy(padded, label, strlen(label));
    return C_InitToken(slot, (CK_UTF8CHAR *)pin, strlen(pin), padded);
}

static CK_TOKEN_INFO info_of(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    cr_assert_eq(C_GetTokenInfo(slot, &info), CKR_OK);
    return info;
}

static bool log_has(const char *words)
{
    char line[1024];
    bool found = false;
    FILE *log = fopen(log_path, "r");
    cr_assert_not_null(log);
    while (!found && fgets(line, sizeof(line), log) != NULL)
        found = strstr(line, words) != NULL;
    (void)fclose(log);
    return found;
}

/* ---- logging in and out ---- */

Test(p11_officer, the_so_is_in_the_so_state_and_sees_public_objects_only)
{
    CK_SESSION_HANDLE other = open_session(0, CKF_RW_SESSION);
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_expect_eq(state_of(f.session), CKS_RW_SO_FUNCTIONS);
    cr_expect_eq(state_of(other), CKS_RW_SO_FUNCTIONS);
    cr_expect_eq(find_one(f.session, CKO_PRIVATE_KEY, "key"), CK_INVALID_HANDLE);
    cr_expect_neq(find_one(f.session, CKO_PUBLIC_KEY, "key"), CK_INVALID_HANDLE);
    cr_assert_eq(C_Logout(other), CKR_OK);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(C_Logout(f.session), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(fake_engine_logins(f.engine), 0);
}

Test(p11_officer, a_wrong_pin_or_none_does_not)
{
    cr_expect_eq(so_login(f.session, "wrong horse 000000"), CKR_PIN_INCORRECT);
    cr_expect_eq(so_login(f.session, FAKE_PIN_CODE), CKR_PIN_INCORRECT, "the user's");
    cr_expect_eq(so_login(f.session, ""), CKR_PIN_INCORRECT);
    cr_expect_eq(C_Login(f.session, CKU_SO, NULL, 8), CKR_ARGUMENTS_BAD);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 2);
}

Test(p11_officer, user_and_so_keep_each_other_out)
{
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_expect_eq(so_login(f.session, FAKE_SO_CODE), CKR_USER_ALREADY_LOGGED_IN);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(so_login(f.session, FAKE_SO_CODE), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    cr_expect_eq(state_of(f.session), CKS_RW_USER_FUNCTIONS);
}

Test(p11_officer, there_is_no_so_beside_a_read_only_session_and_none_beside_the_so)
{
    CK_SESSION_HANDLE read_only = open_session(0, 0), refused = 77;
    cr_expect_eq(so_login(f.session, FAKE_SO_CODE), CKR_SESSION_READ_ONLY_EXISTS);
    cr_expect_eq(so_login(read_only, FAKE_SO_CODE), CKR_SESSION_READ_ONLY_EXISTS);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 0);
    cr_assert_eq(C_CloseSession(read_only), CKR_OK);
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_expect_eq(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &refused), CKR_SESSION_READ_WRITE_SO_EXISTS);
    cr_expect_eq(refused, 77);
    cr_expect_eq(info_of(0).ulSessionCount, 1);
    (void)open_session(0, CKF_RW_SESSION);
    (void)open_session(1, 0); /* another token's */
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    (void)open_session(0, 0);
}

Test(p11_officer, an_officer_who_is_named_comes_before_the_configurations)
{
    cr_expect_eq(login_as(f.session, FAKE_PIN_CODE, "alice"), CKR_USER_TYPE_INVALID);
    cr_assert_eq(login_as(f.session, FAKE_SO_CODE, "olga"), CKR_OK);
    cr_expect_eq(state_of(f.session), CKS_RW_SO_FUNCTIONS);
}

Test(p11_officer, a_user_who_is_no_officer_is_logged_out_again_at_once)
{
    cr_expect_eq(login_as(f.session, FAKE_PIN_CODE, "alice"), CKR_USER_TYPE_INVALID);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGOUT), 1);
    cr_expect_eq(fake_engine_logins(f.engine), 0);
    cr_expect(log_has("alice is logged out again: not an officer"));
}

Test(p11_officer, a_name_that_nobody_has_or_that_is_none)
{
    char longer[200];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    cr_expect_eq(login_as(f.session, FAKE_SO_CODE, "mallory"), CKR_USER_TYPE_INVALID);
    cr_expect_eq(login_as(f.session, FAKE_SO_CODE, longer), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_LoginUser(f.session, CKU_SO, (CK_UTF8CHAR *)FAKE_SO_CODE, strlen(FAKE_SO_CODE), (CK_UTF8CHAR *)"o\0lga", 5),
                 CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_LoginUser(f.session, CKU_SO, (CK_UTF8CHAR *)FAKE_SO_CODE, strlen(FAKE_SO_CODE), NULL, 4),
                 CKR_ARGUMENTS_BAD);
}

Test(p11_officer_unnamed, who_is_the_so_must_be_configured_or_named)
{
    cr_expect_eq(so_login(f.session, FAKE_SO_CODE), CKR_USER_TYPE_INVALID);
    cr_expect(log_has("officer = NAME"));
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 0);
    cr_expect_eq(login_as(f.session, FAKE_SO_CODE, "olga"), CKR_OK);
    cr_expect_eq(init_pin(f.session, NEW_PIN), CKR_OK);
}

/* What an officer may do is not left to whoever uses the process next. */
Test(p11_officer, with_the_last_session_the_so_is_logged_out_in_the_engine_too)
{
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_expect_eq(fake_engine_logins(f.engine), 1);
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    cr_expect_eq(fake_engine_logins(f.engine), 0);
    f.session = open_session(0, CKF_RW_SESSION);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(init_pin(f.session, NEW_PIN), CKR_USER_NOT_LOGGED_IN);
}

Test(p11_officer, with_the_library_the_so_is_logged_out_in_the_engine_too)
{
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    cr_expect_eq(fake_engine_logins(f.engine), 0);
}

Test(p11_officer, the_so_signs_nothing)
{
    CK_BYTE signature[512];
    CK_ULONG len = sizeof(signature);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_expect_neq(sign(f.session, CKM_ECDSA_SHA256, key, "x", 1, signature, &len), CKR_OK);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_SIGN), 0);
}

/* The keys are public objects there, and `trustp11 login` is what they sign by: never the officer's login. */
Test(p11_officer_session_login, the_sos_login_is_not_taken_for_a_signature)
{
    CK_BYTE signature[512];
    CK_ULONG len = sizeof(signature);
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "key");
    cr_expect_eq(sign(f.session, CKM_ECDSA_SHA256, key, "x", 1, signature, &len), CKR_USER_NOT_LOGGED_IN);
    fake_engine_open_shared(f.engine, true);
    len = sizeof(signature);
    cr_expect_eq(sign(f.session, CKM_ECDSA_SHA256, key, "x", 1, signature, &len), CKR_OK);
}

/* ---- C_InitPIN ---- */

Test(p11_officer, the_first_pin_is_good_for_set_pin_alone)
{
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_assert_eq(init_pin(f.session, NEW_PIN), CKR_OK);
    cr_expect(log_has("good for C_SetPIN alone; keys that were lost with the old one: 1"));
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_neq(info_of(0).flags & CKF_USER_PIN_TO_BE_CHANGED, 0);
    cr_expect_eq(login(f.session, NEW_PIN FAKE_CODE), CKR_PIN_EXPIRED);
    cr_assert_eq(set_pin(f.session, NEW_PIN FAKE_CODE, "a PIN of my own"), CKR_OK);
    cr_expect_eq(info_of(0).flags & CKF_USER_PIN_TO_BE_CHANGED, 0);
    cr_expect_eq(login(f.session, "a PIN of my own" FAKE_CODE), CKR_OK);
}

Test(p11_officer, without_a_second_factor_the_log_says_that_it_is_an_enrolment_code)
{
    fake_engine_set_factor(f.engine, false);
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_assert_eq(init_pin(f.session, NEW_PIN), CKR_OK);
    cr_expect(log_has("trustp11 enrol --user alice"));
    cr_expect_eq(info_of(0).flags & (CKF_USER_PIN_INITIALIZED | CKF_USER_PIN_TO_BE_CHANGED), 0);
}

Test(p11_officer, only_the_so_sets_a_first_pin)
{
    cr_expect_eq(init_pin(f.session, NEW_PIN), CKR_USER_NOT_LOGGED_IN);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(init_pin(f.session, NEW_PIN), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_PIN_INIT), 0);
}

Test(p11_officer, what_is_no_pin_is_told_apart)
{
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_expect_eq(init_pin(f.session, "short"), CKR_PIN_LEN_RANGE);
    cr_expect_eq(init_pin(f.session, ""), CKR_PIN_LEN_RANGE);
    cr_expect_eq(init_pin(f.session, "12345678"), CKR_PIN_INVALID);
    cr_expect_eq(C_InitPIN(f.session, NULL, 8), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_InitPIN(f.session, NULL, 0), CKR_PIN_LEN_RANGE);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
}

/* Whose login has ended in the engine may run as root, whom the engine would let do it all the same. */
Test(p11_officer, an_so_whose_login_has_ended_is_told_so)
{
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    fake_engine_end_authorisations(f.engine);
    cr_expect_eq(init_pin(f.session, NEW_PIN), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_PIN_INIT), 0);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
}

/* ---- C_SetPIN ---- */

Test(p11_officer, the_so_changes_the_officers_own_pin)
{
    cr_assert_eq(so_login(f.session, FAKE_SO_CODE), CKR_OK);
    cr_expect_eq(set_pin(f.session, FAKE_PIN_CODE, "of the officer"), CKR_PIN_INCORRECT, "the user's");
    cr_assert_eq(set_pin(f.session, FAKE_SO_CODE, "of the officer"), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(so_login(f.session, FAKE_SO_CODE), CKR_PIN_INCORRECT);
    cr_assert_eq(so_login(f.session, "of the officer" FAKE_CODE), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_OK, "the user's is as it was");
}

/* ---- C_InitToken ---- */

Test(p11_officer, a_token_is_made_anew_and_nobody_stays_logged_in)
{
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    cr_assert_eq(init_token(0, FAKE_SO_CODE, "Card of Alice"), CKR_OK);
    cr_expect_eq(fake_engine_logins(f.engine), 0);
    cr_expect_eq(memcmp(info_of(0).label, "Card of Alice                   ", 32), 0);
    cr_expect_eq(info_of(0).flags & CKF_USER_PIN_INITIALIZED, 0);
    f.session = open_session(0, CKF_RW_SESSION);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_USER_PIN_NOT_INITIALIZED);
}

Test(p11_officer, a_token_that_is_not_initialised_is_there_to_be_and_is_seen_at_once)
{
    const CK_FLAGS initialised = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
    CK_SLOT_INFO slot;
    cr_assert_eq(C_GetSlotInfo(1, &slot), CKR_OK);
    cr_expect_eq(slot.flags, CKF_TOKEN_PRESENT, "one that can be initialised");
    cr_expect_eq(info_of(1).flags & initialised, 0);
    cr_expect_eq(memcmp(info_of(1).label, "                                ", 32), 0);
    cr_assert_eq(init_token(1, FAKE_SO_CODE, "of nobody"), CKR_OK);
    cr_expect_eq(info_of(1).flags & initialised, CKF_TOKEN_INITIALIZED);
    cr_expect_eq(memcmp(info_of(1).label, "of nobody ", 10), 0);
    cr_expect(log_has("nobody was added"));
}

Test(p11_officer, a_token_is_not_made_anew_by_others_or_under_way)
{
    CK_UTF8CHAR label[32] = "not filled up";
    cr_expect_eq(init_token(0, FAKE_SO_CODE, "x"), CKR_SESSION_EXISTS);
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    cr_expect_eq(init_token(0, "wrong horse 000000", "x"), CKR_PIN_INCORRECT);
    cr_expect_eq(init_token(0, "", "x"), CKR_PIN_INCORRECT);
    cr_expect_eq(C_InitToken(0, NULL, 7, label), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_InitToken(0, (CK_UTF8CHAR *)FAKE_SO_CODE, strlen(FAKE_SO_CODE), label), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_InitToken(0, (CK_UTF8CHAR *)FAKE_SO_CODE, strlen(FAKE_SO_CODE), NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(init_token(9, FAKE_SO_CODE, "x"), CKR_SLOT_ID_INVALID);
    fake_engine_fail(f.engine, TP_OP_LOGIN, TP_PIN_LOCKED);
    cr_expect_eq(init_token(0, FAKE_SO_CODE, "x"), CKR_PIN_LOCKED);
    fake_engine_fail(f.engine, TP_OP_LOGIN, 0);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_TOKEN_INIT), 0);
    fake_engine_fail(f.engine, TP_OP_TOKEN_INIT, TP_NOT_PERMITTED);
    cr_expect_eq(init_token(0, FAKE_SO_CODE, "x"), CKR_TOKEN_WRITE_PROTECTED);
    cr_expect_eq(fake_engine_logins(f.engine), 0);
    cr_expect_eq(memcmp(info_of(0).label, "Alice's token", 13), 0);
}
