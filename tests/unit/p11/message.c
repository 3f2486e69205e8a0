/* SPDX-License-Identifier: Apache-2.0
 *
 * One key for many messages (3.0), and a signature that is given before its data (3.2).
 */
#include "fixture.h"

#include <string.h>

static struct fixture f;
static CK_BYTE one[] = "the first message", two[] = "another one";
static CK_BYTE signature[512];
static CK_ULONG signature_len;
static CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
static CK_OBJECT_HANDLE private_key, public_key;
static size_t number; /* of the key, for the engine */

static void open_all(void)
{
    fixture_open(&f, NULL);
    number = fake_engine_add_key(f.engine, "p-256", "p-256", false);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    private_key = find_one(f.session, CKO_PRIVATE_KEY, "p-256");
    public_key = find_one(f.session, CKO_PUBLIC_KEY, "p-256");
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_message, .init = open_all, .fini = close_all);

static CK_RV sign_message(CK_BYTE *data, CK_ULONG len)
{
    signature_len = sizeof(signature);
    return C_SignMessage(f.session, NULL, 0, data, len, signature, &signature_len);
}

static void expect_good(CK_BYTE *data, CK_ULONG len)
{
    cr_expect_eq(verify(f.session, mechanism.mechanism, public_key, data, len, signature, signature_len), CKR_OK);
}

static void sign_one(void)
{
    signature_len = sizeof(signature);
    cr_assert_eq(sign(f.session, mechanism.mechanism, private_key, one, sizeof(one), signature, &signature_len), CKR_OK);
}

/* ---- signing ---- */

Test(p11_message, many_are_signed_after_one_init)
{
    cr_assert_eq(C_MessageSignInit(f.session, &mechanism, private_key), CKR_OK);
    cr_assert_eq(sign_message(one, sizeof(one)), CKR_OK);
    expect_good(one, sizeof(one));
    cr_assert_eq(sign_message(two, sizeof(two)), CKR_OK);
    expect_good(two, sizeof(two));
    cr_expect_eq(C_MessageSignFinal(f.session), CKR_OK);
    cr_expect_eq(sign_message(one, sizeof(one)), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(C_MessageSignFinal(f.session), CKR_OPERATION_NOT_INITIALIZED);
}

Test(p11_message, one_is_signed_in_parts)
{
    cr_assert_eq(C_MessageSignInit(f.session, &mechanism, private_key), CKR_OK);
    cr_assert_eq(C_SignMessageBegin(f.session, NULL, 0), CKR_OK);
    cr_expect_eq(sign_message(two, sizeof(two)), CKR_OPERATION_ACTIVE);
    cr_expect_eq(C_MessageSignFinal(f.session), CKR_OPERATION_ACTIVE);
    cr_assert_eq(C_SignMessageNext(f.session, NULL, 0, one, 4, NULL, NULL), CKR_OK);
    signature_len = 0;
    cr_assert_eq(C_SignMessageNext(f.session, NULL, 0, one + 4, sizeof(one) - 4, NULL, &signature_len), CKR_OK);
    cr_expect_eq(signature_len, 64, "only the length was asked for");
    cr_assert_eq(C_SignMessageNext(f.session, NULL, 0, one + 4, sizeof(one) - 4, signature, &signature_len), CKR_OK);
    expect_good(one, sizeof(one));
    cr_assert_eq(sign_message(two, sizeof(two)), CKR_OK, "the next message");
    cr_expect_eq(C_SignMessageNext(f.session, NULL, 0, one, 4, NULL, NULL), CKR_OPERATION_NOT_INITIALIZED);
}

Test(p11_message, a_length_is_told_before_there_is_room)
{
    cr_assert_eq(C_MessageSignInit(f.session, &mechanism, private_key), CKR_OK);
    signature_len = 0;
    cr_assert_eq(C_SignMessage(f.session, NULL, 0, one, sizeof(one), NULL, &signature_len), CKR_OK);
    cr_expect_eq(signature_len, 64);
    signature_len = 63;
    cr_assert_eq(C_SignMessage(f.session, NULL, 0, one, sizeof(one), signature, &signature_len), CKR_BUFFER_TOO_SMALL);
    cr_assert_eq(C_SignMessage(f.session, NULL, 0, one, sizeof(one), signature, &signature_len), CKR_OK);
    expect_good(one, sizeof(one));
}

Test(p11_message, what_cannot_be_is_refused_and_the_next_message_is_signed)
{
    CK_BYTE parameter = 0;
    cr_expect_eq(C_SignMessageBegin(f.session, NULL, 0), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(C_MessageSignInit(f.session, &mechanism, public_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_assert_eq(C_MessageSignInit(f.session, &mechanism, private_key), CKR_OK);
    cr_expect_eq(C_MessageSignInit(f.session, &mechanism, private_key), CKR_OPERATION_ACTIVE);
    cr_expect_eq(C_SignMessageBegin(f.session, &parameter, 1), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(C_SignMessage(f.session, NULL, 0, NULL, 1, signature, &signature_len), CKR_BUFFER_TOO_SMALL);
    cr_expect_eq(sign_message(NULL, 1), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_SignMessage(f.session, NULL, 0, one, sizeof(one), signature, NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(sign_message(one, sizeof(one)), CKR_OK);
}

Test(p11_message, cancelling_ends_both_kinds_and_only_them)
{
    CK_MECHANISM digest = {CKM_SHA256, NULL, 0};
    cr_assert_eq(C_DigestInit(f.session, &digest), CKR_OK);
    cr_assert_eq(C_MessageSignInit(f.session, &mechanism, private_key), CKR_OK);
    cr_assert_eq(C_SignMessageBegin(f.session, NULL, 0), CKR_OK);
    cr_assert_eq(C_MessageVerifyInit(f.session, &mechanism, public_key), CKR_OK);
    cr_assert_eq(C_SessionCancel(f.session, CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY), CKR_OK);
    cr_expect_eq(C_MessageSignFinal(f.session), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(C_MessageVerifyFinal(f.session), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(C_DigestUpdate(f.session, one, sizeof(one)), CKR_OK);
}

Test(p11_message, a_key_that_always_authenticates_wants_a_login_for_each)
{
    fake_engine_set_always_authenticate(f.engine, number);
    private_key = find_one(f.session, CKO_PRIVATE_KEY, "p-256");
    cr_assert_eq(C_MessageSignInit(f.session, &mechanism, private_key), CKR_OK);
    cr_expect_eq(sign_message(one, sizeof(one)), CKR_USER_NOT_LOGGED_IN);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(C_Login(f.session, CKU_CONTEXT_SPECIFIC, (CK_BYTE *)FAKE_PIN_CODE, strlen(FAKE_PIN_CODE)), CKR_OK);
        cr_expect_eq(sign_message(one, sizeof(one)), CKR_OK);
        cr_expect_eq(sign_message(one, sizeof(one)), CKR_USER_NOT_LOGGED_IN);
    }
}

/* ---- verifying ---- */

Test(p11_message, many_are_verified_after_one_init)
{
    sign_one();
    cr_assert_eq(C_MessageVerifyInit(f.session, &mechanism, public_key), CKR_OK);
    cr_expect_eq(C_VerifyMessage(f.session, NULL, 0, one, sizeof(one), signature, signature_len), CKR_OK);
    cr_expect_eq(C_VerifyMessage(f.session, NULL, 0, two, sizeof(two), signature, signature_len), CKR_SIGNATURE_INVALID);
    cr_assert_eq(C_VerifyMessageBegin(f.session, NULL, 0), CKR_OK);
    cr_expect_eq(C_VerifyMessageNext(f.session, NULL, 0, one, 4, NULL, 0), CKR_OK);
    cr_expect_eq(C_VerifyMessageNext(f.session, NULL, 0, one + 4, sizeof(one) - 4, signature, signature_len), CKR_OK);
    cr_expect_eq(C_VerifyMessage(f.session, NULL, 0, one, sizeof(one), signature, 63), CKR_SIGNATURE_LEN_RANGE);
    cr_expect_eq(C_MessageVerifyFinal(f.session), CKR_OK);
}

Test(p11_message, a_signature_that_is_given_first_is_verified_over_what_follows)
{
    sign_one();
    cr_assert_eq(C_VerifySignatureInit(f.session, &mechanism, public_key, signature, signature_len), CKR_OK);
    cr_expect_eq(C_VerifySignature(f.session, one, sizeof(one)), CKR_OK);
    cr_expect_eq(C_VerifySignature(f.session, one, sizeof(one)), CKR_OPERATION_NOT_INITIALIZED);
    cr_assert_eq(C_VerifySignatureInit(f.session, &mechanism, public_key, signature, signature_len), CKR_OK);
    cr_assert_eq(C_VerifySignatureUpdate(f.session, one, 4), CKR_OK);
    cr_expect_eq(C_VerifySignature(f.session, one, sizeof(one)), CKR_OPERATION_ACTIVE);
    cr_assert_eq(C_VerifySignatureUpdate(f.session, one + 4, sizeof(one) - 4), CKR_OK);
    cr_expect_eq(C_VerifySignatureFinal(f.session), CKR_OK);
    cr_assert_eq(C_VerifySignatureInit(f.session, &mechanism, public_key, signature, signature_len), CKR_OK);
    cr_expect_eq(C_VerifySignature(f.session, two, sizeof(two)), CKR_SIGNATURE_INVALID);
}

Test(p11_message, a_signature_that_is_given_first_must_be_one)
{
    sign_one();
    cr_expect_eq(C_VerifySignatureInit(f.session, &mechanism, public_key, NULL, 64), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_VerifySignatureInit(f.session, &mechanism, public_key, signature, 63), CKR_SIGNATURE_LEN_RANGE);
    cr_expect_eq(C_VerifySignatureInit(f.session, &mechanism, private_key, signature, signature_len),
                 CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_expect_eq(C_VerifySignatureFinal(f.session), CKR_OPERATION_NOT_INITIALIZED);
    cr_assert_eq(C_VerifySignatureInit(f.session, &mechanism, public_key, signature, signature_len), CKR_OK);
    cr_expect_eq(C_VerifyInit(f.session, &mechanism, public_key), CKR_OK, "another operation");
    cr_assert_eq(C_SessionCancel(f.session, CKF_VERIFY), CKR_OK);
    cr_expect_eq(C_VerifySignatureFinal(f.session), CKR_OPERATION_NOT_INITIALIZED);
}
