/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <string.h>

static struct fixture f;
static CK_BYTE bytes[8192];

static void open_all(void)
{
    fixture_open(&f, NULL);
    (void)fake_engine_add_key(f.engine, "rsa-2048", "rsa", true);
    (void)fake_engine_add_key(f.engine, "p-256", "ec", true);
    (void)fake_engine_add_key(f.engine, "p-521", "bare", false);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_session_object, .init = open_all, .fini = close_all);

static CK_OBJECT_HANDLE find(CK_OBJECT_CLASS class, const char *label)
{
    CK_OBJECT_HANDLE object = find_one(f.session, class, label);
    cr_assert_neq(object, CK_INVALID_HANDLE, "no %s of class %lu", label, class);
    return object;
}

/* ---- copies ---- */

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

Test(p11_session_object, a_private_key_can_be_copied_into_the_session_and_signs)
{
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, 1}, TEXT(CKA_LABEL, "copy")};
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    CK_ULONG len = sizeof(bytes);
    cr_assert_eq(C_CopyObject(f.session, find(CKO_PRIVATE_KEY, "ec"), template, 2, &copy), CKR_OK);
    cr_expect_eq(get_bool(f.session, copy, CKA_TOKEN), 0);
    cr_expect_eq(get_bool(f.session, copy, CKA_SENSITIVE), 1);
    cr_expect_eq(get_bool(f.session, copy, CKA_EXTRACTABLE), 0);
    cr_expect_eq(find(CKO_PRIVATE_KEY, "copy"), copy);
    cr_expect_eq(sign(f.session, CKM_ECDSA_SHA256, copy, "x", 1, bytes, &len), CKR_OK);
}

Test(p11_session_object, a_copy_goes_with_its_session)
{
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, 1}, TEXT(CKA_LABEL, "copy")};
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    CK_SESSION_HANDLE short_lived = open_session(0, 0);
    cr_assert_eq(C_CopyObject(short_lived, find(CKO_PRIVATE_KEY, "ec"), template, 2, &copy), CKR_OK);
    cr_expect_eq(find(CKO_PRIVATE_KEY, "copy"), copy);
    cr_assert_eq(C_CloseSession(short_lived), CKR_OK);
    cr_expect_eq(find_one(f.session, CKO_PRIVATE_KEY, "copy"), CK_INVALID_HANDLE);
}

Test(p11_session_object, a_private_copy_goes_with_the_login)
{
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, 1}, TEXT(CKA_LABEL, "copy")};
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    cr_assert_eq(C_CopyObject(f.session, find(CKO_PRIVATE_KEY, "ec"), template, 2, &copy), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(find_one(f.session, CKO_PRIVATE_KEY, "copy"), CK_INVALID_HANDLE);
}

Test(p11_session_object, a_copy_cannot_open_what_the_original_guards)
{
    CK_ATTRIBUTE on_token[] = {{CKA_TOKEN, &yes, 1}};
    CK_ATTRIBUTE public[] = {{CKA_TOKEN, &no, 1}, {CKA_PRIVATE, &no, 1}};
    CK_ATTRIBUTE extractable[] = {{CKA_TOKEN, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE insensitive[] = {{CKA_TOKEN, &no, 1}, {CKA_SENSITIVE, &no, 1}};
    CK_ATTRIBUTE unknown[] = {{CKA_TOKEN, &no, 1}, {CKA_VALUE_LEN, &yes, 1}};
    CK_ATTRIBUTE twice[] = {{CKA_TOKEN, &no, 1}, {CKA_TOKEN, &no, 1}};
    CK_OBJECT_HANDLE key = find(CKO_PRIVATE_KEY, "ec"), copy = CK_INVALID_HANDLE;
    cr_expect_eq(C_CopyObject(f.session, key, on_token, 1, &copy), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(C_CopyObject(f.session, key, public, 2, &copy), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(C_CopyObject(f.session, key, extractable, 2, &copy), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(C_CopyObject(f.session, key, insensitive, 2, &copy), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(C_CopyObject(f.session, key, unknown, 2, &copy), CKR_ATTRIBUTE_TYPE_INVALID);
    cr_expect_eq(C_CopyObject(f.session, key, twice, 2, &copy), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(C_CopyObject(f.session, 424242, on_token, 1, &copy), CKR_OBJECT_HANDLE_INVALID);
    cr_expect_eq(C_CopyObject(f.session, key, on_token, 1, NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(copy, CK_INVALID_HANDLE);
}

Test(p11_session_object, token_objects_are_not_changed_or_destroyed_in_read_only_sessions_or_without_a_login)
{
    CK_ATTRIBUTE label[] = {TEXT(CKA_LABEL, "new")};
    CK_OBJECT_HANDLE key = find(CKO_PRIVATE_KEY, "ec");
    CK_SESSION_HANDLE read_only = open_session(0, 0);
    CK_OBJECT_HANDLE public = find(CKO_PUBLIC_KEY, "ec");
    cr_expect_eq(C_DestroyObject(read_only, key), CKR_SESSION_READ_ONLY);
    cr_expect_eq(C_SetAttributeValue(read_only, key, label, 1), CKR_SESSION_READ_ONLY);
    cr_expect_eq(C_DestroyObject(f.session, 424242), CKR_OBJECT_HANDLE_INVALID);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(C_SetAttributeValue(f.session, public, label, 1), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(C_DestroyObject(f.session, public), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_KEY_CHANGE) + fake_engine_count(f.engine, TP_OP_KEY_DELETE), 0);
}

Test(p11_session_object, a_copy_can_be_renamed_and_destroyed)
{
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, 1}}, label[] = {TEXT(CKA_LABEL, "new")},
                 sign_no[] = {{CKA_SIGN, &no, 1}};
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    cr_assert_eq(C_CopyObject(f.session, find(CKO_PUBLIC_KEY, "ec"), template, 1, &copy), CKR_OK);
    cr_expect_eq(C_SetAttributeValue(f.session, copy, label, 1), CKR_OK);
    cr_expect_eq(find(CKO_PUBLIC_KEY, "new"), copy);
    cr_expect_eq(C_SetAttributeValue(f.session, copy, template, 1), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(C_SetAttributeValue(f.session, copy, sign_no, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    cr_expect_eq(C_DestroyObject(f.session, copy), CKR_OK);
    cr_expect_eq(C_DestroyObject(f.session, copy), CKR_OBJECT_HANDLE_INVALID);
}

Test(p11_session_object, a_copy_that_may_not_be_changed_is_not)
{
    CK_ATTRIBUTE template[] = {
        {CKA_TOKEN, &no, 1}, {CKA_MODIFIABLE, &no, 1}, {CKA_DESTROYABLE, &no, 1}, {CKA_COPYABLE, &no, 1}};
    CK_ATTRIBUTE label[] = {TEXT(CKA_LABEL, "new")};
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE, again = CK_INVALID_HANDLE;
    cr_assert_eq(C_CopyObject(f.session, find(CKO_PUBLIC_KEY, "ec"), template, 4, &copy), CKR_OK);
    cr_expect_eq(C_SetAttributeValue(f.session, copy, label, 1), CKR_ACTION_PROHIBITED);
    cr_expect_eq(C_DestroyObject(f.session, copy), CKR_ACTION_PROHIBITED);
    cr_expect_eq(C_CopyObject(f.session, copy, label, 1, &again), CKR_ACTION_PROHIBITED);
}

/* ---- C_CreateObject ---- */

static CK_OBJECT_CLASS public_key = CKO_PUBLIC_KEY, certificate_class = CKO_CERTIFICATE, private_key = CKO_PRIVATE_KEY;
static CK_KEY_TYPE ec = CKK_EC, rsa = CKK_RSA, aes = CKK_AES;

Test(p11_session_object, a_public_key_can_be_brought_along_and_verifies)
{
    CK_BYTE point[256], signature[64];
    CK_ULONG len = sizeof(signature);
    CK_OBJECT_HANDLE own = find(CKO_PUBLIC_KEY, "ec"), made = CK_INVALID_HANDLE;
    size_t params_len = get_bytes(f.session, own, CKA_EC_PARAMS, bytes, sizeof(bytes));
    size_t point_len = get_bytes(f.session, own, CKA_EC_POINT, point, sizeof(point));
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &public_key, sizeof(public_key)},
                               {CKA_KEY_TYPE, &ec, sizeof(ec)},
                               {CKA_TOKEN, &no, 1},
                               {CKA_VERIFY, &yes, 1},
                               {CKA_EC_PARAMS, bytes, params_len},
                               {CKA_EC_POINT, point, point_len}};
    cr_assert_eq(C_CreateObject(f.session, template, 6, &made), CKR_OK);
    cr_expect_eq(get_bool(f.session, made, CKA_LOCAL), 0);
    cr_expect_eq(get_bool(f.session, made, CKA_TOKEN), 0);
    cr_expect_eq(get_ulong(f.session, made, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
    cr_assert_eq(sign(f.session, CKM_ECDSA_SHA256, find(CKO_PRIVATE_KEY, "ec"), "x", 1, signature, &len), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_ECDSA_SHA256, made, "x", 1, signature, len), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_ECDSA_SHA256, made, "y", 1, signature, len), CKR_SIGNATURE_INVALID);
}

Test(p11_session_object, an_rsa_public_key_too)
{
    CK_BYTE exponent[8], signature[256];
    CK_ULONG len = sizeof(signature);
    CK_OBJECT_HANDLE own = find(CKO_PUBLIC_KEY, "rsa"), made = CK_INVALID_HANDLE;
    size_t modulus_len = get_bytes(f.session, own, CKA_MODULUS, bytes, sizeof(bytes));
    size_t exponent_len = get_bytes(f.session, own, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent));
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &public_key, sizeof(public_key)},
                               {CKA_KEY_TYPE, &rsa, sizeof(rsa)},
                               {CKA_MODULUS, bytes, modulus_len},
                               {CKA_PUBLIC_EXPONENT, exponent, exponent_len}};
    cr_assert_eq(C_CreateObject(f.session, template, 4, &made), CKR_OK);
    cr_assert_eq(sign(f.session, CKM_SHA256_RSA_PKCS, find(CKO_PRIVATE_KEY, "rsa"), "x", 1, signature, &len), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_SHA256_RSA_PKCS, made, "x", 1, signature, len), CKR_OK);
}

Test(p11_session_object, a_certificate_can_be_brought_along)
{
    struct tp_bytes der = fake_engine_certificate(f.engine, 1);
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &certificate_class, sizeof(certificate_class)},
                               {CKA_VALUE, (void *)der.data, der.len},
                               TEXT(CKA_LABEL, "mine")};
    cr_assert_eq(C_CreateObject(f.session, template, 3, &made), CKR_OK);
    cr_expect_eq(find(CKO_CERTIFICATE, "mine"), made);
    cr_expect_eq(get_bool(f.session, made, CKA_TOKEN), 0);
}

Test(p11_session_object, what_cannot_be_created)
{
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    CK_ATTRIBUTE none[] = {{CKA_TOKEN, &no, 1}};
    CK_ATTRIBUTE on_token[] = {{CKA_CLASS, &public_key, sizeof(public_key)}, {CKA_TOKEN, &yes, 1}};
    CK_ATTRIBUTE private[] = {{CKA_CLASS, &private_key, sizeof(private_key)}, {CKA_KEY_TYPE, &rsa, sizeof(rsa)}};
    CK_ATTRIBUTE without[] = {{CKA_CLASS, &public_key, sizeof(public_key)}, {CKA_KEY_TYPE, &rsa, sizeof(rsa)}};
    CK_ATTRIBUTE typeless[] = {{CKA_CLASS, &public_key, sizeof(public_key)}};
    CK_ATTRIBUTE strange[] = {{CKA_CLASS, &public_key, sizeof(public_key)}, {CKA_KEY_TYPE, &aes, sizeof(aes)}};
    CK_ATTRIBUTE garbage[] = {{CKA_CLASS, &certificate_class, sizeof(certificate_class)}, TEXT(CKA_VALUE, "garbage")};
    cr_expect_eq(C_CreateObject(f.session, none, 1, &made), CKR_TEMPLATE_INCOMPLETE);
    cr_expect_eq(C_CreateObject(f.session, on_token, 2, &made), CKR_TEMPLATE_INCOMPLETE);
    cr_expect_eq(C_CreateObject(open_session(0, 0), on_token, 2, &made), CKR_SESSION_READ_ONLY);
    cr_expect_eq(C_CreateObject(f.session, private, 2, &made), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(C_CreateObject(f.session, without, 2, &made), CKR_TEMPLATE_INCOMPLETE);
    cr_expect_eq(C_CreateObject(f.session, typeless, 1, &made), CKR_TEMPLATE_INCOMPLETE);
    cr_expect_eq(C_CreateObject(f.session, strange, 2, &made), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(C_CreateObject(f.session, garbage, 2, &made), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(C_CreateObject(f.session, NULL, 2, &made), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_CreateObject(f.session, garbage, 2, NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(made, CK_INVALID_HANDLE);
}

Test(p11_session_object, a_point_that_is_not_on_the_curve_is_no_key)
{
    CK_OBJECT_HANDLE own = find(CKO_PUBLIC_KEY, "ec"), made = CK_INVALID_HANDLE;
    CK_BYTE point[256];
    size_t params_len = get_bytes(f.session, own, CKA_EC_PARAMS, bytes, sizeof(bytes));
    size_t point_len = get_bytes(f.session, own, CKA_EC_POINT, point, sizeof(point));
    point[point_len - 1] ^= 1;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &public_key, sizeof(public_key)},
                               {CKA_KEY_TYPE, &ec, sizeof(ec)},
                               {CKA_EC_PARAMS, bytes, params_len},
                               {CKA_EC_POINT, point, point_len}};
    cr_expect_eq(C_CreateObject(f.session, template, 4, &made), CKR_ATTRIBUTE_VALUE_INVALID);
}
