/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <openssl/evp.h>
#include <string.h>

static struct fixture f;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET, sha256_hmac = CKK_SHA256_HMAC;
static CK_BYTE bytes[1024], value[1024];

static void open_all(void)
{
    fixture_open(&f, NULL);
    (void)fake_engine_add_key(f.engine, "rsa-2048", "rsa", true);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    for (size_t i = 0; i < sizeof(value); i++)
        value[i] = (CK_BYTE)i;
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_secret_key, .init = open_all, .fini = close_all);

/* C_CreateObject of a key of LEN bytes, with one more attribute when MORE is given. */
static CK_RV create(CK_KEY_TYPE *type, CK_ULONG len, const CK_ATTRIBUTE *more, CK_ULONG more_count,
                    CK_OBJECT_HANDLE *key)
{
    CK_ATTRIBUTE template[12] = {
        {CKA_CLASS, &secret_class, sizeof(secret_class)}, {CKA_KEY_TYPE, type, sizeof(*type)}, {CKA_VALUE, value, len}};
    if (more_count > 0)
        memcpy(template + 3, more, more_count * sizeof(*more));
    return C_CreateObject(f.session, template, 3 + more_count, key);
}

static CK_RV generate(CK_MECHANISM_TYPE type, CK_ULONG len, const CK_ATTRIBUTE *more, CK_ULONG more_count,
                      CK_OBJECT_HANDLE *key)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_ATTRIBUTE template[12] = {{CKA_VALUE_LEN, &len, sizeof(len)}};
    if (more_count > 0)
        memcpy(template + 1, more, more_count * sizeof(*more));
    return C_GenerateKey(f.session, &mechanism, template, 1 + more_count, key);
}

static CK_RV read_value(CK_OBJECT_HANDLE key, CK_ULONG *len)
{
    CK_ATTRIBUTE wanted = {CKA_VALUE, bytes, sizeof(bytes)};
    CK_RV rv = C_GetAttributeValue(f.session, key, &wanted, 1);
    *len = wanted.ulValueLen;
    return rv;
}

static CK_RV set(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type, CK_BBOOL *flag)
{
    CK_ATTRIBUTE template = {type, flag, sizeof(*flag)};
    return C_SetAttributeValue(f.session, key, &template, 1);
}

Test(p11_secret_key, what_is_brought_says_what_it_is)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_ULONG size = 0;
    cr_assert_eq(create(&aes, 32, NULL, 0, &key), CKR_OK);
    cr_expect_eq(get_ulong(f.session, key, CKA_CLASS), CKO_SECRET_KEY);
    cr_expect_eq(get_ulong(f.session, key, CKA_KEY_TYPE), CKK_AES);
    cr_expect_eq(get_ulong(f.session, key, CKA_VALUE_LEN), 32);
    cr_expect_eq(get_ulong(f.session, key, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        int value;
    } flags[] = {{CKA_TOKEN, 0},      {CKA_PRIVATE, 1},
                 {CKA_LOCAL, 0},      {CKA_ALWAYS_SENSITIVE, 0},
                 {CKA_SENSITIVE, 0},  {CKA_NEVER_EXTRACTABLE, 0},
                 {CKA_ENCRYPT, 1},    {CKA_EXTRACTABLE, 0},
                 {CKA_DECRYPT, 1},    {CKA_SIGN, 1},
                 {CKA_VERIFY, 1},     {CKA_WRAP, 0},
                 {CKA_UNWRAP, 0},     {CKA_DERIVE, 0},
                 {CKA_TRUSTED, 0},    {CKA_WRAP_WITH_TRUSTED, 0},
                 {CKA_MODIFIABLE, 1}, {CKA_COPYABLE, 1},
                 {CKA_DESTROYABLE, 1}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        cr_expect_eq(get_bool(f.session, key, flags[i].type), flags[i].value, "0x%lx", flags[i].type);
    cr_expect_eq(C_GetObjectSize(f.session, key, &size), CKR_OK);
    cr_expect_gt(size, 32);
}

Test(p11_secret_key, what_is_generated_is_random_and_local)
{
    CK_OBJECT_HANDLE a = CK_INVALID_HANDLE, b = CK_INVALID_HANDLE;
    CK_ATTRIBUTE open[] = {{CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE closed[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}};
    CK_BYTE first[32];
    CK_ULONG len = 0;
    cr_assert_eq(generate(CKM_AES_KEY_GEN, 32, open, 1, &a), CKR_OK);
    cr_assert_eq(generate(CKM_AES_KEY_GEN, 32, open, 1, &b), CKR_OK);
    cr_assert_eq(read_value(a, &len), CKR_OK);
    memcpy(first, bytes, sizeof(first));
    cr_assert_eq(read_value(b, &len), CKR_OK);
    cr_expect_neq(memcmp(first, bytes, sizeof(first)), 0);
    cr_expect_eq(get_bool(f.session, a, CKA_LOCAL), 1);
    cr_expect_eq(get_ulong(f.session, a, CKA_KEY_GEN_MECHANISM), CKM_AES_KEY_GEN);
    cr_expect_eq(get_bool(f.session, a, CKA_NEVER_EXTRACTABLE), 0);
    cr_assert_eq(generate(CKM_SHA256_KEY_GEN, 20, closed, 2, &a), CKR_OK);
    cr_expect_eq(get_ulong(f.session, a, CKA_KEY_TYPE), CKK_SHA256_HMAC);
    cr_expect_eq(get_bool(f.session, a, CKA_NEVER_EXTRACTABLE), 1);
    cr_expect_eq(get_bool(f.session, a, CKA_ALWAYS_SENSITIVE), 1);
}

Test(p11_secret_key, what_cannot_be_made)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_MECHANISM with_parameter = {CKM_AES_KEY_GEN, value, 4}, no_generation = {CKM_SHA256, NULL, 0},
                 plain = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG len = 32;
    CK_KEY_TYPE des = CKK_DES3;
    CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
    CK_BYTE check[] = {1, 2, 3};
    CK_ATTRIBUTE length[] = {{CKA_VALUE_LEN, &len, sizeof(len)}};
    CK_ATTRIBUTE token[] = {{CKA_TOKEN, &yes, 1}}, trusted[] = {{CKA_TRUSTED, &yes, 1}},
                 local[] = {{CKA_LOCAL, &yes, 1}}, twice[] = {{CKA_SIGN, &yes, 1}, {CKA_SIGN, &yes, 1}},
                 wide[] = {{CKA_SIGN, &len, sizeof(len)}}, modulus[] = {{CKA_MODULUS, value, 9}},
                 check_value[] = {{CKA_CHECK_VALUE, check, 3}}, date[] = {{CKA_START_DATE, value, 5}},
                 other_type[] = {{CKA_KEY_TYPE, &generic, sizeof(generic)}},
                 class[] = {{CKA_CLASS, &private_class, sizeof(private_class)}}, valued[] = {{CKA_VALUE, value, 32}},
                 allowed[] = {{CKA_ALLOWED_MECHANISMS, value, 7}};
    cr_expect_eq(create(&aes, 31, NULL, 0, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create(&aes, 0, NULL, 0, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create(&generic, 513, NULL, 0, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create(&des, 24, NULL, 0, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create(&aes, 16, length, 1, &key), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(create(&aes, 16, token, 1, &key), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(create(&aes, 16, trusted, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(create(&aes, 16, local, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(create(&aes, 16, twice, 2, &key), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(create(&aes, 16, wide, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create(&aes, 16, modulus, 1, &key), CKR_ATTRIBUTE_TYPE_INVALID);
    cr_expect_eq(create(&aes, 16, check_value, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create(&aes, 16, date, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create(&aes, 16, allowed, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(generate(CKM_AES_KEY_GEN, 20, NULL, 0, &key), CKR_KEY_SIZE_RANGE);
    cr_expect_eq(generate(CKM_GENERIC_SECRET_KEY_GEN, 0, NULL, 0, &key), CKR_KEY_SIZE_RANGE);
    cr_expect_eq(generate(CKM_GENERIC_SECRET_KEY_GEN, 513, NULL, 0, &key), CKR_KEY_SIZE_RANGE);
    cr_expect_eq(generate(CKM_AES_KEY_GEN, 32, token, 1, &key), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(generate(CKM_AES_KEY_GEN, 32, other_type, 1, &key), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(generate(CKM_AES_KEY_GEN, 32, class, 1, &key), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(generate(CKM_AES_KEY_GEN, 32, valued, 1, &key), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(C_GenerateKey(f.session, &plain, NULL, 0, &key), CKR_TEMPLATE_INCOMPLETE);
    cr_expect_eq(C_GenerateKey(f.session, &plain, length, 1, NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateKey(f.session, NULL, length, 1, &key), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateKey(f.session, &plain, NULL, 1, &key), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateKey(f.session, &with_parameter, length, 1, &key), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(C_GenerateKey(f.session, &no_generation, length, 1, &key), CKR_MECHANISM_INVALID);
    cr_expect_eq(key, CK_INVALID_HANDLE);
}

Test(p11_secret_key, a_read_only_session_hears_that_it_is_one)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_ATTRIBUTE token[] = {{CKA_TOKEN, &yes, 1}};
    f.session = open_session(0, 0);
    cr_expect_eq(create(&aes, 16, token, 1, &key), CKR_SESSION_READ_ONLY);
    cr_expect_eq(create(&aes, 16, NULL, 0, &key), CKR_OK);
}

Test(p11_secret_key, the_value_is_read_only_when_it_may_be)
{
    static const struct {
        CK_BBOOL *sensitive, *extractable;
        CK_RV rv;
    } cases[] = {{&no, &yes, CKR_OK},
                 {&yes, &yes, CKR_ATTRIBUTE_SENSITIVE},
                 {&no, &no, CKR_ATTRIBUTE_SENSITIVE},
                 {&yes, &no, CKR_ATTRIBUTE_SENSITIVE}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CK_ATTRIBUTE more[] = {{CKA_SENSITIVE, cases[i].sensitive, 1}, {CKA_EXTRACTABLE, cases[i].extractable, 1}};
        CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
        CK_ULONG len = 0;
        memset(bytes, 0xee, sizeof(bytes));
        cr_assert_eq(create(&generic, 100, more, 2, &key), CKR_OK);
        cr_expect_eq(read_value(key, &len), cases[i].rv);
        cr_expect_eq(len, cases[i].rv == CKR_OK ? 100 : CK_UNAVAILABLE_INFORMATION);
        cr_expect_eq(memcmp(bytes, value, 100) == 0, cases[i].rv == CKR_OK);
        cr_expect_eq(bytes[100], 0xee);
    }
}

Test(p11_secret_key, reading_goes_through_the_whole_template)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_ATTRIBUTE open[] = {{CKA_EXTRACTABLE, &yes, 1}};
    CK_ULONG type = 0;
    CK_ATTRIBUTE wanted[] = {{CKA_VALUE, bytes, 15}, {CKA_KEY_TYPE, &type, sizeof(type)}, {CKA_VALUE, NULL, 0}};
    cr_assert_eq(create(&aes, 16, open, 1, &key), CKR_OK);
    cr_expect_eq(C_GetAttributeValue(f.session, key, wanted, 3), CKR_BUFFER_TOO_SMALL);
    cr_expect_eq(wanted[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    cr_expect_eq(type, CKK_AES);
    cr_expect_eq(wanted[2].ulValueLen, 16);
}

Test(p11_secret_key, check_values_are_the_specifications)
{
    /* AES-128 with the key 00 … 0f over zeros (c6a13b37878f5b826f4f8162a1c8d879); SHA-1 of 00 01 02 (0c7a623f…) */
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_BYTE right[] = {0xc6, 0xa1, 0x3b};
    CK_ATTRIBUTE given[] = {{CKA_CHECK_VALUE, right, 3}}, none[] = {{CKA_CHECK_VALUE, NULL, 0}};
    cr_assert_eq(create(&aes, 16, given, 1, &key), CKR_OK);
    cr_assert_eq(get_bytes(f.session, key, CKA_CHECK_VALUE, bytes, sizeof(bytes)), 3);
    cr_expect_eq(memcmp(bytes, right, 3), 0);
    cr_assert_eq(create(&generic, 3, NULL, 0, &key), CKR_OK);
    cr_assert_eq(get_bytes(f.session, key, CKA_CHECK_VALUE, bytes, sizeof(bytes)), 3);
    cr_expect_eq(memcmp(bytes, "\x0c\x7a\x62", 3), 0);
    cr_assert_eq(create(&aes, 16, none, 1, &key), CKR_OK);
    cr_expect_eq(get_bytes(f.session, key, CKA_CHECK_VALUE, bytes, sizeof(bytes)), 0);
}

Test(p11_secret_key, what_has_become_closed_stays_closed)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE, copy = CK_INVALID_HANDLE;
    CK_ATTRIBUTE open[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_PRIVATE, &no, 1}};
    CK_ATTRIBUTE insensitive[] = {{CKA_SENSITIVE, &no, 1}}, extractable[] = {{CKA_EXTRACTABLE, &yes, 1}},
                 public[] = {{CKA_PRIVATE, &no, 1}}, private[] = {{CKA_PRIVATE, &yes, 1}},
                 token[] = {{CKA_TOKEN, &yes, 1}}, valued[] = {{CKA_VALUE, value, 16}};
    cr_assert_eq(create(&aes, 16, open, 2, &key), CKR_OK);
    cr_expect_eq(set(key, CKA_SENSITIVE, &no), CKR_OK); /* as it was */
    cr_expect_eq(set(key, CKA_SENSITIVE, &yes), CKR_OK);
    cr_expect_eq(set(key, CKA_SENSITIVE, &no), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(set(key, CKA_EXTRACTABLE, &no), CKR_OK);
    cr_expect_eq(set(key, CKA_EXTRACTABLE, &yes), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(set(key, CKA_ALWAYS_SENSITIVE, &yes), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(set(key, CKA_TRUSTED, &yes), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(C_SetAttributeValue(f.session, key, valued, 1), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(C_CopyObject(f.session, key, insensitive, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(C_CopyObject(f.session, key, extractable, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(C_CopyObject(f.session, key, token, 1, &copy), CKR_TEMPLATE_INCONSISTENT);
    cr_assert_eq(C_CopyObject(f.session, key, private, 1, &copy), CKR_OK);
    cr_expect_eq(get_bool(f.session, copy, CKA_PRIVATE), 1);
    cr_expect_eq(get_bool(f.session, copy, CKA_SENSITIVE), 1);
    cr_expect_eq(C_CopyObject(f.session, copy, public, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
}

Test(p11_secret_key, labels_and_usages_can_be_changed)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE, copy = CK_INVALID_HANDLE;
    CK_ATTRIBUTE label[] = {TEXT(CKA_LABEL, "mine"), TEXT(CKA_ID, "\x01\x02")}, fixed[] = {{CKA_COPYABLE, &no, 1}};
    cr_assert_eq(create(&sha256_hmac, 16, NULL, 0, &key), CKR_OK);
    cr_expect_eq(C_SetAttributeValue(f.session, key, label, 2), CKR_OK);
    cr_expect_eq(find_one(f.session, CKO_SECRET_KEY, "mine"), key);
    cr_expect_eq(set(key, CKA_SIGN, &no), CKR_OK);
    cr_expect_eq(get_bool(f.session, key, CKA_SIGN), 0);
    cr_assert_eq(C_CopyObject(f.session, key, fixed, 1, &copy), CKR_OK);
    cr_expect_eq(get_bool(f.session, copy, CKA_SIGN), 0);
    cr_expect_eq(C_CopyObject(f.session, copy, NULL, 0, &key), CKR_ACTION_PROHIBITED);
    cr_expect_eq(set(copy, CKA_COPYABLE, &yes), CKR_ATTRIBUTE_READ_ONLY);
    cr_expect_eq(set(copy, CKA_MODIFIABLE, &no), CKR_OK);
    cr_expect_eq(set(copy, CKA_SIGN, &yes), CKR_ACTION_PROHIBITED);
}

Test(p11_secret_key, nobody_finds_a_key_by_its_value)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE, found[4];
    CK_ATTRIBUTE by_value[] = {{CKA_VALUE, value, 16}}, by_type[] = {{CKA_KEY_TYPE, &aes, sizeof(aes)}};
    cr_assert_eq(create(&aes, 16, NULL, 0, &key), CKR_OK);
    cr_expect_eq(find_all(f.session, by_type, 1, found, 4), 1);
    cr_expect_eq(find_all(f.session, by_value, 1, found, 4), 0);
}

Test(p11_secret_key, private_ones_go_with_the_login_and_all_with_their_session)
{
    CK_OBJECT_HANDLE secret_key = CK_INVALID_HANDLE, public_one = CK_INVALID_HANDLE;
    CK_ATTRIBUTE public[] = {{CKA_PRIVATE, &no, 1}};
    CK_ATTRIBUTE class[] = {{CKA_CLASS, &secret_class, sizeof(secret_class)}};
    CK_OBJECT_HANDLE found[4];
    CK_SESSION_HANDLE first = f.session;
    f.session = open_session(0, 0);
    cr_assert_eq(create(&aes, 16, NULL, 0, &secret_key), CKR_OK);
    cr_assert_eq(create(&aes, 16, public, 1, &public_one), CKR_OK);
    cr_expect_eq(find_all(first, class, 1, found, 4), 2);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(create(&aes, 16, NULL, 0, &secret_key), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(generate(CKM_AES_KEY_GEN, 16, NULL, 0, &secret_key), CKR_USER_NOT_LOGGED_IN);
    cr_expect_eq(find_all(first, class, 1, found, 4), 1);
    cr_expect_eq(found[0], public_one);
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    f.session = first;
    cr_expect_eq(find_all(first, class, 1, found, 4), 0);
    cr_assert_eq(create(&aes, 16, public, 1, &public_one), CKR_OK);
    cr_assert_eq(C_DestroyObject(first, public_one), CKR_OK);
    cr_expect_eq(C_DestroyObject(first, public_one), CKR_OBJECT_HANDLE_INVALID);
}

/* ---- C_DigestKey ---- */

Test(p11_secret_key, an_open_key_is_digested_as_its_value_would_be)
{
    CK_ATTRIBUTE open[] = {{CKA_EXTRACTABLE, &yes, 1}};
    CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_BYTE expected[32];
    CK_ULONG len = sizeof(bytes);
    cr_assert_eq(create(&generic, 100, open, 1, &key), CKR_OK);
    cr_assert_eq(C_DigestInit(f.session, &sha256), CKR_OK);
    cr_assert_eq(C_DigestKey(f.session, key), CKR_OK);
    cr_expect_eq(C_Digest(f.session, value, 1, bytes, &len), CKR_OPERATION_ACTIVE);
    cr_assert_eq(C_DigestUpdate(f.session, value + 100, 23), CKR_OK);
    cr_assert_eq(C_DigestFinal(f.session, bytes, &len), CKR_OK);
    cr_assert_eq(EVP_Digest(value, 123, expected, NULL, EVP_sha256(), NULL), 1);
    cr_expect_eq(memcmp(bytes, expected, 32), 0);
}

Test(p11_secret_key, a_closed_one_is_not_digested)
{
    CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE, rsa = find_one(f.session, CKO_PRIVATE_KEY, "rsa");
    cr_assert_eq(create(&generic, 100, NULL, 0, &key), CKR_OK);
    cr_assert_eq(C_DigestInit(f.session, &sha256), CKR_OK);
    cr_expect_eq(C_DigestKey(f.session, key), CKR_KEY_INDIGESTIBLE);
    cr_expect_eq(C_DigestUpdate(f.session, value, 1), CKR_OPERATION_NOT_INITIALIZED);
    cr_assert_eq(C_DigestInit(f.session, &sha256), CKR_OK);
    cr_expect_eq(C_DigestKey(f.session, rsa), CKR_KEY_INDIGESTIBLE);
    cr_assert_eq(C_DigestInit(f.session, &sha256), CKR_OK);
    cr_expect_eq(C_DigestKey(f.session, 424242), CKR_KEY_HANDLE_INVALID);
}

Test(p11_secret_key, a_secret_key_is_none_for_the_engine)
{
    CK_MECHANISM rsa = {CKM_RSA_PKCS, NULL, 0};
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    cr_assert_eq(create(&generic, 100, NULL, 0, &key), CKR_OK);
    cr_expect_eq(C_SignInit(f.session, &rsa, key), CKR_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(C_VerifyInit(f.session, &rsa, key), CKR_KEY_TYPE_INCONSISTENT);
}
