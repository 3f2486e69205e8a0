/* SPDX-License-Identifier: Apache-2.0
 *
 * A slot that serves many users: who logs in by name, and what the next one finds of them.
 */
#include "fixture.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static struct fixture f;
static CK_SLOT_ID shared; /* the slot that serves all */

static void prepare(const char *conf, CK_SLOT_ID slot)
{
    fixture_prepare(&f, conf);
    fake_engine_add_other(f.engine);
    (void)fake_engine_add_key(f.engine, "p-256", "alice's", true);
    size_t second = fake_engine_add_key(f.engine, "p-256", "bob's", true);
    fake_engine_set_owner(f.engine, second, FAKE_OTHER);
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    shared = slot;
    f.session = open_session(slot, CKF_RW_SESSION);
}

static void open_all(void)
{
    prepare("users = *\n", 0);
}

static void open_besides(void)
{
    prepare("users = *, " FAKE_USER "\n", 1);
}

static void open_with_officer(void)
{
    prepare("users = *, " FAKE_USER "\nofficer = " FAKE_OFFICER "\n", 1);
}

static void open_for_session_login(void)
{
    prepare("users = *\nlogin = session\n", 0);
    fake_engine_open_shared(f.engine, true);
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_slots, .init = open_all, .fini = close_all, .timeout = 60);
TestSuite(p11_slots_besides, .init = open_besides, .fini = close_all, .timeout = 60);
TestSuite(p11_slots_officer, .init = open_with_officer, .fini = close_all, .timeout = 60);
TestSuite(p11_slots_session, .init = open_for_session_login, .fini = close_all, .timeout = 60);

static CK_RV login_user_with(const char *name, size_t name_len, const char *pin)
{
    return C_LoginUser(f.session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin), (CK_UTF8CHAR *)name, name_len);
}

static CK_RV login_user(const char *name)
{
    return login_user_with(name, strlen(name), FAKE_PIN_CODE);
}

static CK_ULONG count_all(void)
{
    return find_all(f.session, NULL, 0, NULL, 0);
}

static CK_OBJECT_HANDLE private_key(const char *label)
{
    return find_one(f.session, CKO_PRIVATE_KEY, label);
}

static CK_RV sign_with(CK_OBJECT_HANDLE key)
{
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    return sign(f.session, CKM_ECDSA_SHA256, key, "text", 4, signature, &len);
}

/* ---- the token ---- */

Test(p11_slots, there_is_one_slot_and_its_token_is_the_service)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_TOKEN_INFO info;
    cr_assert_eq(C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    cr_expect_eq(count, 1UL);
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(memcmp(info.label, "Test   ", 7), 0);
    cr_expect_eq(memcmp(info.serialNumber, "2222223344556677", 16), 0);
    cr_expect_neq(info.flags & CKF_LOGIN_REQUIRED, 0UL);
}

Test(p11_slots, its_token_is_not_that_of_a_user_who_is_locked)
{
    CK_TOKEN_INFO info;
    fake_engine_set_user(f.engine, true, true, true);
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(info.flags & CKF_USER_PIN_LOCKED, 0UL);
}

Test(p11_slots, before_a_login_there_is_nothing_and_nobody_is_asked_about)
{
    cr_expect_eq(count_all(), 0UL);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_OBJECTS), 0u);
}

/* ---- who logs in ---- */

Test(p11_slots, a_pin_without_a_name_is_tried_on_nobody)
{
    cr_expect_eq(login(f.session, FAKE_PIN_CODE), CKR_USER_TYPE_INVALID);
    cr_expect_eq(login_user_with("", 0, FAKE_PIN_CODE), CKR_USER_TYPE_INVALID);
    cr_expect_eq(login_user_with(NULL, 0, FAKE_PIN_CODE), CKR_USER_TYPE_INVALID);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 0u);
    cr_expect_eq(C_Login(f.session, CKU_SO, (CK_UTF8CHAR *)"pin", 3), CKR_USER_TYPE_INVALID);
}

Test(p11_slots, names_that_are_none_are_refused)
{
    char longer[128];
    memset(longer, 'a', sizeof(longer));
    cr_expect_eq(login_user_with(NULL, 5, FAKE_PIN_CODE), CKR_ARGUMENTS_BAD);
    cr_expect_eq(login_user_with("alice\0x", 7, FAKE_PIN_CODE), CKR_ARGUMENTS_BAD);
    cr_expect_eq(login_user_with(longer, sizeof(longer), FAKE_PIN_CODE), CKR_ARGUMENTS_BAD);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 0u);
    cr_expect_eq(login_user_with(longer, sizeof(longer) - 1, FAKE_PIN_CODE), CKR_PIN_INCORRECT);
}

Test(p11_slots, a_name_that_nobody_has_is_a_wrong_pin_and_not_for_ever)
{
    for (unsigned i = 0; i < 10; i++)
        cr_expect_eq(login_user("nobody"), CKR_PIN_INCORRECT);
    cr_expect_eq(login_user("nobody"), CKR_PIN_LOCKED);
    cr_expect_eq(login_user(FAKE_USER), CKR_OK, "a right one still goes through");
}

Test(p11_slots, a_wrong_pin_is_one_of_who_is_named)
{
    cr_expect_eq(login_user_with(FAKE_OTHER, 3, "wrong horse000000"), CKR_PIN_INCORRECT);
    cr_expect_eq(state_of(f.session), CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(count_all(), 0UL);
}

Test(p11_slots, one_is_logged_in_at_a_time)
{
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    cr_expect_eq(state_of(f.session), CKS_RW_USER_FUNCTIONS);
    cr_expect_eq(login_user(FAKE_USER), CKR_USER_ALREADY_LOGGED_IN);
    cr_expect_eq(login_user(FAKE_OTHER), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    cr_expect_eq(C_Login(f.session, CKU_SO, (CK_UTF8CHAR *)"pin", 3), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    cr_expect_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(login_user(FAKE_OTHER), CKR_OK);
}

/* ---- whose objects ---- */

Test(p11_slots, two_sign_in_turn_each_with_their_own_keys)
{
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    cr_expect_eq(private_key("bob's"), CK_INVALID_HANDLE);
    cr_expect_eq(sign_with(private_key("alice's")), CKR_OK);
    cr_expect_eq(C_Logout(f.session), CKR_OK);
    cr_assert_eq(login_user(FAKE_OTHER), CKR_OK);
    cr_expect_eq(private_key("alice's"), CK_INVALID_HANDLE);
    cr_expect_eq(sign_with(private_key("bob's")), CKR_OK);
}

Test(p11_slots, with_the_login_everything_goes)
{
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    CK_OBJECT_HANDLE key = private_key("alice's");
    CK_OBJECT_HANDLE certificate = find_one(f.session, CKO_CERTIFICATE, "alice's");
    CK_OBJECT_HANDLE public_key = find_one(f.session, CKO_PUBLIC_KEY, "alice's");
    cr_assert(key != 0 && certificate != 0 && public_key != 0);
    cr_expect_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(count_all(), 0UL);
    for (unsigned i = 0; i < 2; i++) {
        cr_expect_eq(get_bool(f.session, certificate, CKA_TOKEN), -1);
        cr_expect_eq(get_bool(f.session, public_key, CKA_TOKEN), -1);
        cr_expect_eq(get_bool(f.session, key, CKA_TOKEN), -1);
        cr_expect_eq(sign_with(key), CKR_KEY_HANDLE_INVALID);
        if (i == 0)
            cr_assert_eq(login_user(FAKE_OTHER), CKR_OK);
        cr_expect_eq(private_key("alice's"), CK_INVALID_HANDLE);
    }
}

Test(p11_slots, everything_on_it_is_private_and_it_says_so)
{
    CK_OBJECT_HANDLE objects[16];
    CK_ULONG profile = CKP_PUBLIC_CERTIFICATES_TOKEN;
    CK_ATTRIBUTE template[] = {{CKA_PROFILE_ID, &profile, sizeof(profile)}};
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    CK_ULONG count = find_all(f.session, NULL, 0, objects, 16);
    cr_expect_geq(count, 6UL);
    for (CK_ULONG i = 0; i < count; i++)
        cr_expect_eq(get_bool(f.session, objects[i], CKA_PRIVATE), 1);
    cr_expect_eq(find_all(f.session, template, 1, NULL, 0), 0UL);
}

Test(p11_slots, what_one_has_begun_another_does_not_finish)
{
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    cr_assert_eq(C_SignInit(f.session, &mechanism, private_key("alice's")), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_assert_eq(login_user(FAKE_OTHER), CKR_OK);
    cr_expect_neq(C_Sign(f.session, (CK_BYTE *)"text", 4, signature, &len), CKR_OK);
}

static CK_OBJECT_HANDLE make_private_copy(CK_OBJECT_HANDLE original)
{
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, sizeof(no)}};
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    cr_assert_eq(C_CopyObject(f.session, original, template, 1, &copy), CKR_OK);
    return copy;
}

Test(p11_slots, a_login_that_ends_by_itself_leaves_nothing_to_the_next)
{
    fake_engine_set_terms(f.engine, 0, 300);
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PUBLIC_KEY, "alice's"), copy = make_private_copy(key);
    cr_expect_eq(get_bool(f.session, copy, CKA_PRIVATE), 1);
    (void)usleep(400000);
    cr_expect_eq(count_all(), 0UL);
    cr_expect_eq(get_bool(f.session, key, CKA_TOKEN), -1);
    fake_engine_set_terms(f.engine, 0, 60000);
    cr_assert_eq(login_user(FAKE_OTHER), CKR_OK);
    cr_expect_eq(get_bool(f.session, key, CKA_TOKEN), -1);
    cr_expect_eq(get_bool(f.session, copy, CKA_TOKEN), -1);
    cr_expect_neq(private_key("bob's"), CK_INVALID_HANDLE);
}

Test(p11_slots, with_the_last_session_the_login_goes)
{
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    f.session = open_session(shared, CKF_RW_SESSION);
    cr_expect_eq(count_all(), 0UL);
    cr_expect_eq(login_user(FAKE_OTHER), CKR_OK);
}

static void *find_something(void *session)
{
    (void)find_all(*(CK_SESSION_HANDLE *)session, NULL, 0, NULL, 0);
    return NULL;
}

Test(p11_slots, an_answer_that_comes_too_late_gives_nobody_the_objects_of_another)
{
    pthread_t thread;
    CK_SESSION_HANDLE other = open_session(shared, 0);
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    fake_engine_stall(f.engine, TP_OP_OBJECTS, true);
    cr_assert_eq(pthread_create(&thread, NULL, find_something, &other), 0);
    fake_engine_wait_stalled(f.engine);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_assert_eq(login_user(FAKE_OTHER), CKR_OK);
    fake_engine_release(f.engine, TP_OP_OBJECTS);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_expect_eq(private_key("alice's"), CK_INVALID_HANDLE);
    cr_expect_neq(private_key("bob's"), CK_INVALID_HANDLE);
}

/* ---- for one signature ---- */

Test(p11_slots, a_login_for_a_signature_is_that_of_who_is_logged_in)
{
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    CK_UTF8CHAR *pin = (CK_UTF8CHAR *)FAKE_PIN_CODE, *bob = (CK_UTF8CHAR *)FAKE_OTHER;
    const CK_ULONG pin_len = strlen(FAKE_PIN_CODE);
    fake_engine_set_always_authenticate(f.engine, 0);
    cr_expect_eq(C_Login(f.session, CKU_CONTEXT_SPECIFIC, pin, pin_len), CKR_USER_NOT_LOGGED_IN);
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    cr_assert_eq(C_SignInit(f.session, &mechanism, private_key("alice's")), CKR_OK);
    cr_expect_eq(C_LoginUser(f.session, CKU_CONTEXT_SPECIFIC, pin, pin_len, bob, 3), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_Login(f.session, CKU_CONTEXT_SPECIFIC, pin, pin_len), CKR_OK);
    cr_expect_eq(C_Sign(f.session, (CK_BYTE *)"text", 4, signature, &len), CKR_OK);
}

/* ---- what is written, and by whom ---- */

static CK_RV make_pair(const char *label, CK_OBJECT_HANDLE *ret_private)
{
    static CK_BYTE p_256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}; /* RFC 5480 §2.1.1.1 */
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE of_public[] = {{CKA_TOKEN, &yes, sizeof(yes)}, {CKA_EC_PARAMS, p_256, sizeof(p_256)}};
    CK_ATTRIBUTE of_private[] = {{CKA_TOKEN, &yes, sizeof(yes)}, {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    CK_OBJECT_HANDLE public;
    return C_GenerateKeyPair(f.session, &mechanism, of_public, 2, of_private, 2, &public, ret_private);
}

Test(p11_slots, a_key_that_is_made_is_of_who_is_logged_in)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    cr_expect_eq(make_pair("new", &key), CKR_USER_NOT_LOGGED_IN);
    cr_assert_eq(login_user(FAKE_OTHER), CKR_OK);
    cr_assert_eq(make_pair("new", &key), CKR_OK);
    cr_expect_eq(sign_with(key), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    cr_expect_eq(private_key("new"), CK_INVALID_HANDLE);
    cr_expect_eq(C_DestroyObject(f.session, key), CKR_OBJECT_HANDLE_INVALID);
}

Test(p11_slots_officer, nobody_is_the_so_of_a_slot_for_all)
{
    CK_UTF8CHAR *pin = (CK_UTF8CHAR *)FAKE_SO_CODE, *olga = (CK_UTF8CHAR *)FAKE_OFFICER;
    CK_ULONG pin_len = strlen(FAKE_SO_CODE);
    CK_SESSION_HANDLE hers;
    cr_expect_eq(C_Login(f.session, CKU_SO, pin, pin_len), CKR_USER_TYPE_INVALID);
    cr_expect_eq(C_LoginUser(f.session, CKU_SO, pin, pin_len, olga, strlen(FAKE_OFFICER)), CKR_USER_TYPE_INVALID);
    cr_expect_eq(C_InitPIN(f.session, (CK_UTF8CHAR *)FAKE_PIN, strlen(FAKE_PIN)), CKR_USER_NOT_LOGGED_IN);
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    cr_expect_eq(C_InitToken(shared, pin, pin_len, (CK_UTF8CHAR *)"a label of thirty-two characters"),
                 CKR_TOKEN_WRITE_PROTECTED);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_LOGIN), 0u, "no PIN is sent");
    cr_assert_eq(C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &hers), CKR_OK);
    cr_expect_eq(C_Login(hers, CKU_SO, pin, pin_len), CKR_OK, "in a user's slot");
}

/* ---- the PIN ---- */

Test(p11_slots, the_pin_is_that_of_who_is_logged_in)
{
    CK_UTF8CHAR *old_pin = (CK_UTF8CHAR *)FAKE_PIN_CODE, *new_pin = (CK_UTF8CHAR *)"another horse";
    cr_expect_eq(C_SetPIN(f.session, old_pin, strlen(FAKE_PIN_CODE), new_pin, 13), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_PIN_CHANGE), 0u);
    cr_assert_eq(login_user(FAKE_USER), CKR_OK);
    cr_expect_eq(C_SetPIN(f.session, old_pin, strlen(FAKE_PIN_CODE), new_pin, 13), CKR_OK);
}

/* ---- login = session ---- */

Test(p11_slots_session, a_shared_login_is_no_login_of_somebody_here)
{
    CK_TOKEN_INFO info;
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_neq(info.flags & CKF_LOGIN_REQUIRED, 0UL);
    cr_expect_eq(count_all(), 0UL);
    cr_assert_eq(login_user_with(FAKE_USER, 5, FAKE_PIN), CKR_OK, "the PIN alone joins it");
    cr_expect_eq(sign_with(private_key("alice's")), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(count_all(), 0UL);
}

/* ---- besides slots of users ---- */

Test(p11_slots_besides, a_slot_of_a_user_is_that_one_s_alone)
{
    CK_SESSION_HANDLE hers = open_session(0, 0);
    CK_UTF8CHAR *pin = (CK_UTF8CHAR *)FAKE_PIN_CODE;
    const CK_ULONG pin_len = strlen(FAKE_PIN_CODE);
    cr_expect_eq(C_LoginUser(hers, CKU_USER, pin, pin_len, (CK_UTF8CHAR *)FAKE_OTHER, 3), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_LoginUser(hers, CKU_USER, pin, pin_len, (CK_UTF8CHAR *)FAKE_USER, 5), CKR_OK);
    cr_expect_neq(find_one(hers, CKO_PRIVATE_KEY, "alice's"), CK_INVALID_HANDLE);
    cr_expect_eq(count_all(), 0UL, "the slot for all knows nothing of it");
    cr_expect_eq(login_user(FAKE_OTHER), CKR_OK);
    cr_expect_neq(private_key("bob's"), CK_INVALID_HANDLE);
    cr_expect_eq(find_one(hers, CKO_PRIVATE_KEY, "bob's"), CK_INVALID_HANDLE);
}

Test(p11_slots_besides, its_own_token_has_no_events)
{
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    cr_expect_eq(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
    fake_engine_set_user(f.engine, true, false, true);
    cr_assert_eq(C_GetTokenInfo(1, &info), CKR_OK);
    cr_expect_eq(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_OK);
    cr_expect_eq(slot, 0UL);
}

static void *wait_for_event(void *rv)
{
    CK_SLOT_ID slot;
    *(CK_RV *)rv = C_WaitForSlotEvent(0, &slot, NULL);
    return NULL;
}

Test(p11_slots, where_there_are_no_events_waiting_asks_nobody_and_ends_with_the_module)
{
    pthread_t thread;
    CK_RV rv = CKR_OK;
    cr_assert_eq(pthread_create(&thread, NULL, wait_for_event, &rv), 0);
    (void)usleep(100000);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_EVENTS), 0u);
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_expect_eq(rv, CKR_CRYPTOKI_NOT_INITIALIZED);
}
