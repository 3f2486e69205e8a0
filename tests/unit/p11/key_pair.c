/* SPDX-License-Identifier: Apache-2.0
 *
 * C_GenerateKeyPair, and what becomes of keys after it. The fake engine makes rsa-2048 and p-256.
 */
#include "fixture.h"

#include <string.h>

static struct fixture f;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_ULONG bits = 2048;
static CK_OBJECT_HANDLE public, private;

#define P256      "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P384      "\x06\x05\x2b\x81\x04\x00\x22"
#define SECP256K1 "\x06\x05\x2b\x81\x04\x00\x0a"
#define ED25519                                                                                                        \
    "\x13\x0c"                                                                                                         \
    "edwards25519"

static void begin(void)
{
    fixture_open(&f, "users = alice, nobody\n");
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
}

static void end(void)
{
    fixture_close(&f);
}

TestSuite(p11_key_pair, .init = begin, .fini = end);

/* With CKA_TOKEN, and one more attribute on each side. */
static CK_RV generate(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_ATTRIBUTE of_public,
                      CK_ATTRIBUTE of_private)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_ATTRIBUTE public_template[] = {{CKA_TOKEN, &yes, 1}, of_public};
    CK_ATTRIBUTE private_template[] = {{CKA_TOKEN, &yes, 1}, of_private};
    public = private = CK_INVALID_HANDLE;
    return C_GenerateKeyPair(session, &mechanism, public_template, 2, private_template, 2, &public, &private);
}

static const CK_ATTRIBUTE curve = TEXT(CKA_EC_PARAMS, P256), size = {CKA_MODULUS_BITS, &bits, sizeof(bits)};

static CK_RV generate_ec(const char *label)
{
    return generate(f.session, CKM_EC_KEY_PAIR_GEN, curve,
                    (CK_ATTRIBUTE){CKA_LABEL, (void *)(uintptr_t)label, strlen(label)});
}

Test(p11_key_pair, both_halves_are_there_and_sign_and_verify)
{
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    cr_assert_eq(generate_ec("mine"), CKR_OK);
    cr_expect_eq(find_one(f.session, CKO_PUBLIC_KEY, "mine"), public);
    cr_expect_eq(find_one(f.session, CKO_PRIVATE_KEY, "mine"), private);
    cr_expect_eq(get_bool(f.session, private, CKA_TOKEN), 1);
    cr_expect_eq(get_bool(f.session, private, CKA_LOCAL), 1);
    cr_assert_eq(sign(f.session, CKM_ECDSA_SHA256, private, "hello", 5, signature, &len), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_ECDSA_SHA256, public, "hello", 5, signature, len), CKR_OK);
    cr_assert_eq(generate(f.session, CKM_RSA_PKCS_KEY_PAIR_GEN, size, (CK_ATTRIBUTE)TEXT(CKA_LABEL, "rsa")), CKR_OK);
    cr_expect_eq(get_ulong(f.session, public, CKA_MODULUS_BITS), 2048);
}

Test(p11_key_pair, who_gives_no_label_gets_one_and_a_second_key_another)
{
    char label[2][64] = {"", ""};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(generate(f.session, CKM_EC_KEY_PAIR_GEN, curve, (CK_ATTRIBUTE){CKA_SIGN, &yes, 1}), CKR_OK);
        cr_assert_gt(get_bytes(f.session, private, CKA_LABEL, label[i], sizeof(label[i]) - 1), 0);
    }
    cr_expect_neq(strcmp(label[0], label[1]), 0);
}

Test(p11_key_pair, a_label_that_is_taken_is_refused)
{
    cr_assert_eq(generate_ec("mine"), CKR_OK);
    cr_expect_eq(generate_ec("mine"), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(private, CK_INVALID_HANDLE);
}

Test(p11_key_pair, needs_a_login_and_a_session_that_may_write)
{
    CK_ATTRIBUTE sign_yes = {CKA_SIGN, &yes, 1};
    cr_expect_eq(generate(open_session(0, 0), CKM_EC_KEY_PAIR_GEN, curve, sign_yes), CKR_SESSION_READ_ONLY);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(generate(f.session, CKM_EC_KEY_PAIR_GEN, curve, sign_yes), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_KEY_GENERATE), 0);
}

/* Uses that a signature key does not have come out false; what would weaken it is refused. */
Test(p11_key_pair, templates_are_taken_or_refused_attribute_by_attribute)
{
    static CK_OBJECT_CLASS data = CKO_DATA;
    static CK_KEY_TYPE rsa = CKK_RSA, ec = CKK_EC;
    static CK_DATE date;
    const struct {
        CK_ATTRIBUTE of_private;
        CK_RV rv;
    } cases[] = {
        {{CKA_SENSITIVE, &yes, 1}, CKR_OK},
        {{CKA_SENSITIVE, &no, 1}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_EXTRACTABLE, &no, 1}, CKR_OK},
        {{CKA_EXTRACTABLE, &yes, 1}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_PRIVATE, &no, 1}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_SIGN, &no, 1}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_DECRYPT, &yes, 1}, CKR_OK},
        {{CKA_UNWRAP, &yes, 1}, CKR_OK},
        {{CKA_DERIVE, &yes, 1}, CKR_OK},
        {{CKA_DERIVE, &rsa, sizeof(rsa)}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_MODIFIABLE, &no, 1}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_CLASS, &data, sizeof(data)}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_KEY_TYPE, &rsa, sizeof(rsa)}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_KEY_TYPE, &ec, sizeof(ec)}, CKR_OK},
        {{CKA_KEY_TYPE, &ec, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_START_DATE, NULL, 0}, CKR_OK},
        {{CKA_START_DATE, &date, sizeof(date)}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_VALUE, &yes, 1}, CKR_ATTRIBUTE_TYPE_INVALID},
        {{CKA_TOKEN, &yes, 1}, CKR_TEMPLATE_INCONSISTENT}, /* a second time */
        {TEXT(CKA_LABEL, "with\0nul"), CKR_ATTRIBUTE_VALUE_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(generate(f.session, CKM_EC_KEY_PAIR_GEN, curve, cases[i].of_private), cases[i].rv, "case %zu", i);
    cr_assert_eq(generate(f.session, CKM_EC_KEY_PAIR_GEN, curve, (CK_ATTRIBUTE){CKA_DECRYPT, &yes, 1}), CKR_OK);
    cr_expect_eq(get_bool(f.session, private, CKA_DECRYPT), 0);
}

Test(p11_key_pair, keys_that_the_token_cannot_make_are_refused)
{
    static CK_ULONG strange = 2047, large = 4096;
    const struct {
        CK_MECHANISM_TYPE mechanism;
        CK_ATTRIBUTE of_public;
        CK_RV rv;
    } cases[] = {
        {CKM_EC_KEY_PAIR_GEN, TEXT(CKA_EC_PARAMS, SECP256K1), CKR_CURVE_NOT_SUPPORTED},
        {CKM_EC_KEY_PAIR_GEN, TEXT(CKA_EC_PARAMS, P384), CKR_CURVE_NOT_SUPPORTED},    /* not this HSM */
        {CKM_EC_KEY_PAIR_GEN, TEXT(CKA_EC_PARAMS, ED25519), CKR_CURVE_NOT_SUPPORTED}, /* another mechanism's */
        {CKM_EC_EDWARDS_KEY_PAIR_GEN, TEXT(CKA_EC_PARAMS, ED25519), CKR_CURVE_NOT_SUPPORTED},
        {CKM_EC_KEY_PAIR_GEN, {CKA_VERIFY, &yes, 1}, CKR_TEMPLATE_INCOMPLETE},
        {CKM_RSA_PKCS_KEY_PAIR_GEN, {CKA_VERIFY, &yes, 1}, CKR_TEMPLATE_INCOMPLETE},
        {CKM_RSA_PKCS_KEY_PAIR_GEN, {CKA_MODULUS_BITS, &strange, sizeof(strange)}, CKR_ATTRIBUTE_VALUE_INVALID},
        {CKM_RSA_PKCS_KEY_PAIR_GEN, {CKA_MODULUS_BITS, &large, sizeof(large)}, CKR_ATTRIBUTE_VALUE_INVALID},
        {CKM_RSA_PKCS, {CKA_MODULUS_BITS, &bits, sizeof(bits)}, CKR_MECHANISM_INVALID},
        {CKM_DSA_KEY_PAIR_GEN, {CKA_MODULUS_BITS, &bits, sizeof(bits)}, CKR_MECHANISM_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(generate(f.session, cases[i].mechanism, cases[i].of_public, (CK_ATTRIBUTE){CKA_SIGN, &yes, 1}),
                     cases[i].rv, "case %zu", i);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_KEY_GENERATE), 0);
}

Test(p11_key_pair, arguments_that_are_missing_are_told)
{
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0}, parameter = {CKM_EC_KEY_PAIR_GEN, &yes, 1};
    CK_ATTRIBUTE template[] = {curve}, on_token[] = {{CKA_TOKEN, &yes, 1}};
    cr_expect_eq(C_GenerateKeyPair(f.session, NULL, template, 1, on_token, 1, &public, &private), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateKeyPair(f.session, &mechanism, NULL, 1, on_token, 1, &public, &private), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateKeyPair(f.session, &mechanism, template, 1, NULL, 1, &public, &private), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateKeyPair(f.session, &mechanism, template, 1, on_token, 1, NULL, &private), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateKeyPair(f.session, &mechanism, template, 1, on_token, 1, &public, NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateKeyPair(f.session, &parameter, template, 1, on_token, 1, &public, &private),
                 CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(C_GenerateKeyPair(f.session, &mechanism, template, 1, NULL, 0, &public, &private),
                 CKR_TEMPLATE_INCONSISTENT); /* a session's key */
}

Test(p11_key_pair, mechanisms_are_those_of_what_the_token_makes)
{
    CK_MECHANISM_INFO info;
    cr_assert_eq(C_GetMechanismInfo(0, CKM_RSA_PKCS_KEY_PAIR_GEN, &info), CKR_OK);
    cr_expect_eq(info.flags, CKF_GENERATE_KEY_PAIR);
    cr_expect_eq(info.ulMinKeySize, 2048);
    cr_expect_eq(info.ulMaxKeySize, 2048);
    cr_assert_eq(C_GetMechanismInfo(0, CKM_EC_KEY_PAIR_GEN, &info), CKR_OK);
    cr_expect_eq(info.ulMaxKeySize, 256);
    cr_expect_eq(C_GetMechanismInfo(0, CKM_EC_EDWARDS_KEY_PAIR_GEN, &info), CKR_MECHANISM_INVALID);
    cr_expect_eq(C_GetMechanismInfo(1, CKM_EC_KEY_PAIR_GEN, &info), CKR_MECHANISM_INVALID); /* nobody's */
}

/* ---- afterwards ---- */

Test(p11_key_pair, label_and_id_of_all_that_belongs_to_a_key_change_together)
{
    CK_ATTRIBUTE changes[] = {TEXT(CKA_LABEL, "new"), TEXT(CKA_ID, "\1\2\3\4")}, empty[] = {{CKA_LABEL, NULL, 0}};
    CK_ATTRIBUTE same[] = {{CKA_SIGN, &yes, 1}}, other[] = {{CKA_SIGN, &no, 1}},
                 unknown[] = {{CKA_VALUE_LEN, &bits, 8}};
    CK_BYTE id[8];
    cr_assert_eq(generate_ec("mine"), CKR_OK);
    cr_assert_eq(C_SetAttributeValue(f.session, private, changes, 2), CKR_OK);
    cr_expect_eq(find_one(f.session, CKO_PUBLIC_KEY, "new"), public);
    cr_expect_eq(find_one(f.session, CKO_PRIVATE_KEY, "mine"), CK_INVALID_HANDLE);
    cr_expect_eq(get_bytes(f.session, public, CKA_ID, id, sizeof(id)), 4);
    cr_expect_eq(C_SetAttributeValue(f.session, private, same, 1), CKR_OK);
    cr_expect_eq(C_SetAttributeValue(f.session, private, other, 1), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(C_SetAttributeValue(f.session, private, unknown, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    cr_expect_eq(C_SetAttributeValue(f.session, private, empty, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_KEY_CHANGE), 1);
}

Test(p11_key_pair, a_public_key_goes_with_its_private_key_and_can_be_destroyed_once_more)
{
    cr_assert_eq(generate_ec("mine"), CKR_OK);
    cr_expect_eq(C_DestroyObject(f.session, public), CKR_ACTION_PROHIBITED);
    cr_assert_eq(C_DestroyObject(f.session, private), CKR_OK);
    cr_expect_eq(find_one(f.session, CKO_PUBLIC_KEY, "mine"), CK_INVALID_HANDLE);
    cr_expect_eq(C_DestroyObject(f.session, private), CKR_OBJECT_HANDLE_INVALID);
    cr_expect_eq(C_DestroyObject(f.session, public), CKR_OK);
    cr_expect_eq(C_DestroyObject(f.session, public), CKR_OBJECT_HANDLE_INVALID);
}

Test(p11_key_pair, a_refusal_of_the_engines_changes_nothing)
{
    CK_ATTRIBUTE label[] = {TEXT(CKA_LABEL, "new")};
    cr_assert_eq(generate_ec("mine"), CKR_OK);
    fake_engine_fail(f.engine, TP_OP_KEY_DELETE, TP_NOT_PERMITTED);
    fake_engine_fail(f.engine, TP_OP_KEY_CHANGE, TP_NOT_PERMITTED);
    cr_expect_eq(C_DestroyObject(f.session, private), CKR_ACTION_PROHIBITED);
    cr_expect_eq(C_SetAttributeValue(f.session, private, label, 1), CKR_ACTION_PROHIBITED);
    cr_expect_eq(find_one(f.session, CKO_PRIVATE_KEY, "mine"), private);
    cr_expect_eq(find_one(f.session, CKO_PUBLIC_KEY, "mine"), public);
}
