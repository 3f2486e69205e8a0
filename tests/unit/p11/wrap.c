/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static struct fixture f;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY, private_class = CKO_PRIVATE_KEY;
static CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET, rsa_type = CKK_RSA;
static CK_BYTE data[1024], out[1024], back[1024];
static CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0}, kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0};

static void open_all(void)
{
    fixture_open(&f, NULL);
    (void)fake_engine_add_key(f.engine, "rsa-2048", "rsa", true);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    srand(5);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (CK_BYTE)rand();
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_wrap, .init = open_all, .fini = close_all);

static CK_OBJECT_HANDLE wrapping_key(const CK_BYTE *value, size_t len)
{
    CK_ATTRIBUTE more[] = {{CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}};
    return bring_key(f.session, CKK_AES, value, len, more, 2);
}

static CK_OBJECT_HANDLE extractable(CK_KEY_TYPE type, const CK_BYTE *value, size_t len)
{
    CK_ATTRIBUTE more[] = {{CKA_EXTRACTABLE, &yes, 1}};
    return bring_key(f.session, type, value, len, more, 1);
}

static CK_RV wrap(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key, CK_ULONG *ret_len)
{
    *ret_len = sizeof(out);
    return C_WrapKey(f.session, mechanism, wrapping, key, out, ret_len);
}

static CK_RV unwrap(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping, CK_ULONG len, CK_KEY_TYPE *type,
                    CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_class, sizeof(secret_class)}, {CKA_KEY_TYPE, type, sizeof(*type)}};
    return C_UnwrapKey(f.session, mechanism, unwrapping, out, len, template, 2, ret_key);
}

#define KEK256 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const struct vector {
    CK_MECHANISM *mechanism;
    const char *wrapping, *key, *wrapped;
} vectors[] = {
    /* RFC 3394 §4.1, §4.3, §4.6 */
    {&kw, "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
     "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
    {&kw, KEK256, "00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
    {&kw, KEK256, "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
     "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
    /* RFC 5649 §6 */
    {&kwp, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "c37b7e6492584340bed12207808941155068f738",
     "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
    {&kwp, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"},
};

Test(p11_wrap, known_answers_and_that_a_bit_off_is_none)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        CK_BYTE wrapping[32], value[64], expected[64];
        CK_ULONG len = 0, asked = 0;
        CK_OBJECT_HANDLE unwrapped = CK_INVALID_HANDLE, none = CK_INVALID_HANDLE;
        size_t wrapping_len = unhex(vectors[i].wrapping, wrapping), value_len = unhex(vectors[i].key, value),
               expected_len = unhex(vectors[i].wrapped, expected);
        CK_OBJECT_HANDLE key = extractable(CKK_GENERIC_SECRET, value, value_len);
        CK_OBJECT_HANDLE kek = wrapping_key(wrapping, wrapping_len);
        cr_expect_eq(C_WrapKey(f.session, vectors[i].mechanism, kek, key, NULL, &asked), CKR_OK);
        cr_expect_eq(asked, expected_len);
        asked--;
        cr_expect_eq(C_WrapKey(f.session, vectors[i].mechanism, kek, key, out, &asked), CKR_BUFFER_TOO_SMALL);
        cr_assert_eq(wrap(vectors[i].mechanism, kek, key, &len), CKR_OK, "%zu", i);
        cr_assert_eq(len, expected_len, "%zu", i);
        cr_expect_eq(memcmp(out, expected, len), 0, "%zu", i);
        cr_assert_eq(unwrap(vectors[i].mechanism, kek, len, &generic, &unwrapped), CKR_OK, "%zu", i);
        cr_expect_eq(get_bytes(f.session, unwrapped, CKA_VALUE, back, sizeof(back)), value_len, "%zu", i);
        cr_expect_eq(memcmp(back, value, value_len), 0, "%zu", i);
        for (size_t j = 0; j < len; j++) {
            out[j] ^= 0x10;
            cr_expect_eq(unwrap(vectors[i].mechanism, kek, len, &generic, &none), CKR_WRAPPED_KEY_INVALID, "%zu", i);
            out[j] ^= 0x10;
        }
        cr_expect_eq(none, CK_INVALID_HANDLE);
    }
}

Test(p11_wrap, keys_of_all_lengths_come_back)
{
    for (size_t len = 1; len <= 512; len += len < 40 ? 1 : 59) {
        CK_ULONG wrapped_len = 0;
        CK_OBJECT_HANDLE kek = wrapping_key(data, 16 + len % 3 * 8), key = extractable(CKK_GENERIC_SECRET, data, len),
                         unwrapped = CK_INVALID_HANDLE;
        CK_RV expected = len % 8 == 0 && len >= 16 ? CKR_OK : CKR_KEY_SIZE_RANGE;
        cr_expect_eq(wrap(&kw, kek, key, &wrapped_len), expected, "%zu", len);
        if (expected == CKR_OK)
            cr_expect_eq(unwrap(&kw, kek, wrapped_len, &generic, &unwrapped), CKR_OK);
        cr_expect_eq(wrap(&kwp, kek, key, &wrapped_len), CKR_OK, "%zu", len);
        cr_assert_eq(unwrap(&kwp, kek, wrapped_len, &generic, &unwrapped), CKR_OK);
        cr_expect_eq(get_bytes(f.session, unwrapped, CKA_VALUE, back, sizeof(back)), len);
        cr_expect_eq(memcmp(back, data, len), 0);
    }
}

Test(p11_wrap, an_unwrapped_key_is_what_the_specification_says)
{
    CK_BBOOL *sensitive = &yes;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_class, sizeof(secret_class)},
                               {CKA_KEY_TYPE, &aes, sizeof(aes)},
                               {CKA_SENSITIVE, sensitive, 1},
                               TEXT(CKA_LABEL, "from afar")};
    CK_ULONG len = 0;
    CK_OBJECT_HANDLE kek = wrapping_key(data, 32), key = extractable(CKK_AES, data, 24), unwrapped = CK_INVALID_HANDLE;
    cr_assert_eq(wrap(&kw, kek, key, &len), CKR_OK);
    cr_assert_eq(C_UnwrapKey(f.session, &kw, kek, out, len, template, 4, &unwrapped), CKR_OK);
    cr_expect_eq(find_one(f.session, CKO_SECRET_KEY, "from afar"), unwrapped);
    cr_expect_eq(get_ulong(f.session, unwrapped, CKA_VALUE_LEN), 24);
    cr_expect_eq(get_bool(f.session, unwrapped, CKA_EXTRACTABLE), 1);
    cr_expect_eq(get_bool(f.session, unwrapped, CKA_NEVER_EXTRACTABLE), 0);
    cr_expect_eq(get_bool(f.session, unwrapped, CKA_ALWAYS_SENSITIVE), 0);
    cr_expect_eq(get_bool(f.session, unwrapped, CKA_LOCAL), 0);
    cr_expect_eq(get_bool(f.session, unwrapped, CKA_TOKEN), 0);
    cr_expect_eq(get_ulong(f.session, unwrapped, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
}

Test(p11_wrap, what_is_not_wrapped)
{
    CK_ATTRIBUTE trusted_only[] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_WRAP_WITH_TRUSTED, &yes, 1}};
    CK_ATTRIBUTE no_wrap[] = {{CKA_WRAP, &no, 1}};
    CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0}, rsa_pkcs = {CKM_RSA_PKCS, NULL, 0}, odd = {CKM_AES_KEY_WRAP, data, 4},
                 odd_pad = {CKM_AES_KEY_WRAP_KWP, data, 8}, null = {CKM_AES_KEY_WRAP, NULL, 8};
    CK_ULONG len = 0;
    CK_OBJECT_HANDLE kek = wrapping_key(data, 32), key = extractable(CKK_AES, data, 32),
                     closed = bring_key(f.session, CKK_AES, data, 32, NULL, 0),
                     trusting = bring_key(f.session, CKK_AES, data, 32, trusted_only, 2),
                     other = bring_key(f.session, CKK_AES, data, 32, no_wrap, 1),
                     secret = bring_key(f.session, CKK_GENERIC_SECRET, data, 32, NULL, 0),
                     rsa = find_one(f.session, CKO_PRIVATE_KEY, "rsa"),
                     rsa_public = find_one(f.session, CKO_PUBLIC_KEY, "rsa"),
                     certificate = find_one(f.session, CKO_CERTIFICATE, "rsa");
    cr_expect_eq(wrap(&kw, kek, key, &len), CKR_OK);
    cr_expect_eq(wrap(&kw, kek, closed, &len), CKR_KEY_UNEXTRACTABLE);
    cr_expect_eq(wrap(&kw, kek, trusting, &len), CKR_KEY_NOT_WRAPPABLE);
    cr_expect_eq(wrap(&kw, kek, rsa, &len), CKR_KEY_UNEXTRACTABLE);
    cr_expect_eq(wrap(&kw, kek, rsa_public, &len), CKR_KEY_NOT_WRAPPABLE);
    cr_expect_eq(wrap(&kw, kek, certificate, &len), CKR_KEY_HANDLE_INVALID);
    cr_expect_eq(wrap(&kw, kek, 424242, &len), CKR_KEY_HANDLE_INVALID);
    cr_expect_eq(wrap(&kw, other, key, &len), CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_expect_eq(wrap(&kw, secret, key, &len), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(wrap(&kw, rsa_public, key, &len), CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(wrap(&kw, 424242, key, &len), CKR_WRAPPING_KEY_HANDLE_INVALID);
    cr_expect_eq(wrap(&ecb, kek, key, &len), CKR_MECHANISM_INVALID);
    cr_expect_eq(wrap(&rsa_pkcs, kek, key, &len), CKR_MECHANISM_INVALID);
    cr_expect_eq(wrap(&odd, kek, key, &len), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(wrap(&odd_pad, kek, key, &len), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(wrap(&null, kek, key, &len), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(wrap(NULL, kek, key, &len), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_WrapKey(f.session, &kw, kek, key, out, NULL), CKR_ARGUMENTS_BAD);
}

Test(p11_wrap, what_is_not_unwrapped)
{
    CK_ATTRIBUTE private[] = {{CKA_CLASS, &private_class, sizeof(private_class)},
                              {CKA_KEY_TYPE, &rsa_type, sizeof(rsa_type)}};
    CK_ATTRIBUTE odd_class[] = {{CKA_CLASS, &private_class, sizeof(private_class)}, {CKA_KEY_TYPE, &aes, sizeof(aes)}};
    CK_ATTRIBUTE good[] = {{CKA_CLASS, &secret_class, sizeof(secret_class)}, {CKA_KEY_TYPE, &aes, sizeof(aes)}};
    CK_ATTRIBUTE token[] = {good[0], good[1], {CKA_TOKEN, &yes, 1}},
                 valued[] = {good[0], good[1], {CKA_VALUE, data, 32}};
    CK_ATTRIBUTE no_unwrap[] = {{CKA_WRAP, &yes, 1}};
    CK_ULONG len = 0;
    CK_OBJECT_HANDLE kek = wrapping_key(data, 32), key = extractable(CKK_GENERIC_SECRET, data, 40),
                     wraps_only = bring_key(f.session, CKK_AES, data, 32, no_unwrap, 1),
                     rsa = find_one(f.session, CKO_PRIVATE_KEY, "rsa"), made = CK_INVALID_HANDLE;
    cr_assert_eq(wrap(&kw, kek, key, &len), CKR_OK);
    cr_expect_eq(unwrap(&kw, kek, len, &aes, &made), CKR_WRAPPED_KEY_INVALID); /* 40 bytes are no AES key */
    cr_expect_eq(unwrap(&kwp, kek, len, &generic, &made), CKR_WRAPPED_KEY_INVALID);
    cr_expect_eq(unwrap(&kw, wraps_only, len, &generic, &made), CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_expect_eq(unwrap(&kw, key, len, &generic, &made), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(unwrap(&kw, rsa, len, &generic, &made), CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(unwrap(&kw, 424242, len, &generic, &made), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    cr_expect_eq(unwrap(&kw, kek, len - 1, &generic, &made), CKR_WRAPPED_KEY_LEN_RANGE);
    cr_expect_eq(unwrap(&kw, kek, 16, &generic, &made), CKR_WRAPPED_KEY_LEN_RANGE);
    cr_expect_eq(unwrap(&kw, kek, 0, &generic, &made), CKR_WRAPPED_KEY_LEN_RANGE);
    cr_expect_eq(unwrap(&kw, kek, 1024, &generic, &made), CKR_WRAPPED_KEY_LEN_RANGE);
    cr_assert_eq(wrap(&kw, kek, extractable(CKK_AES, data, 32), &len), CKR_OK);
    cr_expect_eq(C_UnwrapKey(f.session, &kw, kek, out, len, private, 2, &made), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(C_UnwrapKey(f.session, &kw, kek, out, len, odd_class, 2, &made), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(C_UnwrapKey(f.session, &kw, kek, out, len, token, 3, &made), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(C_UnwrapKey(f.session, &kw, kek, out, len, valued, 3, &made), CKR_TEMPLATE_INCONSISTENT);
    cr_expect_eq(C_UnwrapKey(f.session, &kw, kek, out, len, good + 1, 1, &made), CKR_TEMPLATE_INCOMPLETE);
    cr_expect_eq(C_UnwrapKey(f.session, &kw, kek, out, len, good, 1, &made), CKR_TEMPLATE_INCOMPLETE);
    cr_expect_eq(C_UnwrapKey(f.session, &kw, kek, NULL, len, good, 2, &made), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_UnwrapKey(f.session, &kw, kek, out, len, good, 2, NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_UnwrapKey(f.session, NULL, kek, out, len, good, 2, &made), CKR_ARGUMENTS_BAD);
    cr_expect_eq(made, CK_INVALID_HANDLE);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(C_UnwrapKey(f.session, &kw, kek, out, len, good, 2, &made), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
}
