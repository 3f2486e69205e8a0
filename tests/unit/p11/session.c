/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdlib.h>

static struct fixture f;

static void open_all(void)
{
    fixture_open(&f, "users = alice, nobody\n");
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_session, .init = open_all, .fini = close_all);

Test(p11_session, information_says_how_it_was_opened)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE read_only = open_session(0, 0);
    cr_assert_eq(C_GetSessionInfo(f.session, &info), CKR_OK);
    cr_expect_eq(info.slotID, 0);
    cr_expect_eq(info.flags, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    cr_expect_eq(info.state, CKS_RW_PUBLIC_SESSION);
    cr_expect_eq(info.ulDeviceError, 0);
    cr_expect_eq(state_of(read_only), CKS_RO_PUBLIC_SESSION);
    cr_expect_eq(C_GetSessionInfo(f.session, NULL), CKR_ARGUMENTS_BAD);
}

Test(p11_session, what_cannot_be_opened)
{
    CK_SESSION_HANDLE session;
    cr_expect_eq(C_OpenSession(0, CKF_RW_SESSION, NULL, NULL, &session), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    cr_expect_eq(C_OpenSession(9, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_SLOT_ID_INVALID);
    cr_expect_eq(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
}

Test(p11_session, a_closed_session_is_gone_and_its_handle_never_comes_back)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE closed = open_session(0, 0);
    cr_assert_eq(C_CloseSession(closed), CKR_OK);
    cr_expect_eq(C_CloseSession(closed), CKR_SESSION_HANDLE_INVALID);
    for (int i = 0; i < 100; i++) {
        CK_SESSION_HANDLE session = open_session(0, 0);
        cr_expect_neq(session, closed);
        cr_assert_eq(C_CloseSession(session), CKR_OK);
    }
    cr_expect_eq(C_GetSessionInfo(closed, &info), CKR_SESSION_HANDLE_INVALID);
    cr_expect_eq(C_GetSessionInfo(CK_INVALID_HANDLE, &info), CKR_SESSION_HANDLE_INVALID);
    cr_expect_eq(C_GetSessionInfo(~0UL, &info), CKR_SESSION_HANDLE_INVALID);
}

Test(p11_session, closing_all_of_a_slot_leaves_the_others)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE here = open_session(0, 0), there = open_session(1, 0);
    cr_assert_eq(C_CloseAllSessions(0), CKR_OK);
    cr_expect_eq(C_GetSessionInfo(here, &info), CKR_SESSION_HANDLE_INVALID);
    cr_expect_eq(C_GetSessionInfo(f.session, &info), CKR_SESSION_HANDLE_INVALID);
    cr_expect_eq(C_GetSessionInfo(there, &info), CKR_OK);
    cr_expect_eq(C_CloseAllSessions(9), CKR_SLOT_ID_INVALID);
}

Test(p11_session, ten_thousand_are_fine)
{
    enum { MANY = 12000 };
    CK_SESSION_HANDLE *sessions = calloc(MANY, sizeof(*sessions));
    CK_TOKEN_INFO info;
    for (size_t i = 0; i < MANY; i++)
        sessions[i] = open_session(0, i % 2 == 0 ? CKF_RW_SESSION : 0);
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(info.ulSessionCount, MANY + 1);
    cr_expect_eq(info.ulRwSessionCount, MANY / 2 + 1);
    cr_expect_eq(state_of(sessions[MANY - 1]), CKS_RO_PUBLIC_SESSION);
    cr_assert_eq(C_CloseAllSessions(0), CKR_OK);
    cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(info.ulSessionCount, 0);
    free(sessions);
}

Test(p11_session, operations_can_be_cancelled_one_by_one)
{
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    cr_assert_eq(C_DigestInit(f.session, &mechanism), CKR_OK);
    cr_assert_eq(C_FindObjectsInit(f.session, NULL, 0), CKR_OK);
    cr_assert_eq(C_SessionCancel(f.session, CKF_FIND_OBJECTS), CKR_OK);
    cr_expect_eq(C_FindObjectsFinal(f.session), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(C_DigestInit(f.session, &mechanism), CKR_OPERATION_ACTIVE);
    cr_assert_eq(C_SessionCancel(f.session, CKF_DIGEST), CKR_OK);
    cr_expect_eq(C_DigestInit(f.session, &mechanism), CKR_OK);
    cr_expect_eq(C_SessionCancel(CK_INVALID_HANDLE, CKF_DIGEST), CKR_SESSION_HANDLE_INVALID);
}

Test(p11_session, what_is_not_supported_says_so_in_the_specifications_words)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG len = 0;
    CK_BYTE byte = 0;
    cr_expect_eq(C_SignRecoverInit(f.session, &mechanism, 1), CKR_FUNCTION_NOT_SUPPORTED);
    cr_expect_eq(C_VerifyRecoverInit(f.session, &mechanism, 1), CKR_FUNCTION_NOT_SUPPORTED);
    cr_expect_eq(C_GenerateKeyPair(f.session, &mechanism, NULL, 0, NULL, 0, &key, &key), CKR_FUNCTION_NOT_SUPPORTED);
    cr_expect_eq(C_DeriveKey(f.session, &mechanism, 1, NULL, 0, &key), CKR_FUNCTION_NOT_SUPPORTED);
    cr_expect_eq(C_MessageEncryptInit(f.session, &mechanism, 1), CKR_FUNCTION_NOT_SUPPORTED);
    cr_expect_eq(C_EncapsulateKey(f.session, &mechanism, 1, NULL, 0, NULL, &len, &key), CKR_FUNCTION_NOT_SUPPORTED);
    cr_expect_eq(C_AsyncGetID(f.session, &byte, &len), CKR_FUNCTION_NOT_SUPPORTED);
    cr_expect_eq(C_WrapKeyAuthenticated(f.session, &mechanism, 1, 1, NULL, 0, NULL, &len), CKR_FUNCTION_NOT_SUPPORTED);
    cr_expect_eq(C_GetFunctionStatus(f.session), CKR_FUNCTION_NOT_PARALLEL);
    cr_expect_eq(C_CancelFunction(f.session), CKR_FUNCTION_NOT_PARALLEL);
    cr_expect_eq(C_GetOperationState(f.session, NULL, &len), CKR_STATE_UNSAVEABLE);
    cr_expect_eq(C_SetOperationState(f.session, &byte, 1, 0, 0), CKR_SAVED_STATE_INVALID);
}

Test(p11_session, what_is_not_supported_still_looks_at_the_session)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    cr_expect_eq(C_EncryptInit(CK_INVALID_HANDLE, &mechanism, 1), CKR_SESSION_HANDLE_INVALID);
    cr_expect_eq(C_MessageEncryptInit(CK_INVALID_HANDLE, &mechanism, 1), CKR_SESSION_HANDLE_INVALID);
    cr_expect_eq(C_MessageSignInit(CK_INVALID_HANDLE, &mechanism, 1), CKR_SESSION_HANDLE_INVALID);
    cr_expect_eq(C_AsyncJoin(CK_INVALID_HANDLE, NULL, 0, NULL, 0), CKR_SESSION_HANDLE_INVALID);
    cr_expect_eq(C_GetFunctionStatus(CK_INVALID_HANDLE), CKR_SESSION_HANDLE_INVALID);
}

Test(p11_session, asynchronous_ones_are_not_opened)
{
    CK_SESSION_HANDLE session = 0;
    cr_expect_eq(C_OpenSession(0, CKF_SERIAL_SESSION | CKF_ASYNC_SESSION, NULL, NULL, &session),
                 CKR_SESSION_ASYNC_NOT_SUPPORTED);
    cr_expect_eq(session, 0);
}

Test(p11_session, nothing_claims_to_have_been_validated)
{
    CK_FLAGS flags = 1;
    cr_assert_eq(C_GetSessionValidationFlags(f.session, CKS_LAST_VALIDATION_OK, &flags), CKR_OK);
    cr_expect_eq(flags, 0);
    cr_expect_eq(C_GetSessionValidationFlags(f.session, 2, &flags), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GetSessionValidationFlags(f.session, CKS_LAST_VALIDATION_OK, NULL), CKR_ARGUMENTS_BAD);
}
