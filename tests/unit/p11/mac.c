/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

static struct fixture f;
static CK_BBOOL no = CK_FALSE;
static CK_BYTE mac[256], key_bytes[256], data[4096];

static void open_all(void)
{
    fixture_open(&f, NULL);
    (void)fake_engine_add_key(f.engine, "rsa-2048", "rsa", true);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    srand(7);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (CK_BYTE)rand();
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_mac, .init = open_all, .fini = close_all);

/* GENERAL 0: the mechanism has no parameter. */
static CK_RV sign_with(CK_MECHANISM_TYPE type, CK_ULONG general, CK_OBJECT_HANDLE key, const void *of, size_t len,
                       CK_ULONG *ret_len)
{
    CK_MECHANISM mechanism = {type, general == 0 ? NULL : &general, general == 0 ? 0 : sizeof(general)};
    CK_RV rv = C_SignInit(f.session, &mechanism, key);
    *ret_len = sizeof(mac);
    return rv != CKR_OK ? rv : C_Sign(f.session, (CK_BYTE *)of, len, mac, ret_len);
}

static CK_RV verify_with(CK_MECHANISM_TYPE type, CK_ULONG general, CK_OBJECT_HANDLE key, const void *of, size_t len,
                         CK_ULONG mac_len)
{
    CK_MECHANISM mechanism = {type, general == 0 ? NULL : &general, general == 0 ? 0 : sizeof(general)};
    CK_RV rv = C_VerifyInit(f.session, &mechanism, key);
    return rv != CKR_OK ? rv : C_Verify(f.session, (CK_BYTE *)of, len, mac, mac_len);
}

#define B20      "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
#define C20      "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
#define A16      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A131     A16 A16 A16 A16 A16 A16 A16 A16 "aaaaaa"
#define CMAC_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define CMAC_40  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"

static const struct vector {
    CK_MECHANISM_TYPE type;
    CK_KEY_TYPE key_type;
    CK_ULONG general;
    const char *key, *data, *mac;
} vectors[] = {
    /* RFC 2202 §3, case 1; RFC 4231 §4.2, §4.3, §4.6, §4.7 */
    {CKM_SHA_1_HMAC, CKK_SHA_1_HMAC, 0, B20, "4869205468657265", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {CKM_SHA224_HMAC, CKK_SHA224_HMAC, 0, B20, "4869205468657265",
     "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22"},
    {CKM_SHA256_HMAC, CKK_SHA256_HMAC, 0, B20, "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {CKM_SHA384_HMAC, CKK_SHA384_HMAC, 0, B20, "4869205468657265",
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"},
    {CKM_SHA512_HMAC, CKK_SHA512_HMAC, 0, B20, "4869205468657265",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702"
     "e696c203a126854"},
    {CKM_SHA256_HMAC, CKK_GENERIC_SECRET, 0, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {CKM_SHA256_HMAC_GENERAL, CKK_GENERIC_SECRET, 16, C20, "546573742057697468205472756e636174696f6e",
     "a3b6167473100ee06e0c796c2955552b"},
    {CKM_SHA256_HMAC, CKK_GENERIC_SECRET, 0, A131,
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    /* RFC 4493 §4 */
    {CKM_AES_CMAC, CKK_AES, 0, CMAC_KEY, "", "bb1d6929e95937287fa37d129b756746"},
    {CKM_AES_CMAC, CKK_AES, 0, CMAC_KEY, "6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"},
    {CKM_AES_CMAC, CKK_AES, 0, CMAC_KEY, CMAC_40, "dfa66747de9ae63030ca32611497c827"},
    {CKM_AES_CMAC, CKK_AES, 0, CMAC_KEY, CMAC_40 "e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
     "51f0bebf7e3b9d92fc49741779363cfe"},
    {CKM_AES_CMAC_GENERAL, CKK_AES, 4, CMAC_KEY, CMAC_40, "dfa66747"},
};

Test(p11_mac, known_answers_and_that_one_bit_off_is_none)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *vector = &vectors[i];
        CK_BYTE expected[64], message[256];
        CK_ULONG len = 0;
        size_t key_len = unhex(vector->key, key_bytes), data_len = unhex(vector->data, message),
               expected_len = unhex(vector->mac, expected);
        CK_OBJECT_HANDLE key = bring_key(f.session, vector->key_type, key_bytes, key_len, NULL, 0);
        cr_assert_eq(sign_with(vector->type, vector->general, key, message, data_len, &len), CKR_OK, "%zu", i);
        cr_assert_eq(len, expected_len, "%zu", i);
        cr_expect_eq(memcmp(mac, expected, len), 0, "%zu", i);
        cr_expect_eq(verify_with(vector->type, vector->general, key, message, data_len, len), CKR_OK, "%zu", i);
        cr_expect_eq(verify_with(vector->type, vector->general, key, message, data_len, len - 1),
                     CKR_SIGNATURE_LEN_RANGE, "%zu", i);
        mac[len - 1] ^= 1;
        cr_expect_eq(verify_with(vector->type, vector->general, key, message, data_len, len), CKR_SIGNATURE_INVALID,
                     "%zu", i);
    }
}

Test(p11_mac, every_hash_in_parts_is_what_libcrypto_says)
{
    static const struct {
        CK_MECHANISM_TYPE type, general;
        const char *hash;
    } rows[] = {{CKM_SHA_1_HMAC, CKM_SHA_1_HMAC_GENERAL, "SHA1"},
                {CKM_SHA224_HMAC, CKM_SHA224_HMAC_GENERAL, "SHA224"},
                {CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, "SHA256"},
                {CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL, "SHA384"},
                {CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL, "SHA512"},
                {CKM_SHA3_224_HMAC, CKM_SHA3_224_HMAC_GENERAL, "SHA3-224"},
                {CKM_SHA3_256_HMAC, CKM_SHA3_256_HMAC_GENERAL, "SHA3-256"},
                {CKM_SHA3_384_HMAC, CKM_SHA3_384_HMAC_GENERAL, "SHA3-384"},
                {CKM_SHA3_512_HMAC, CKM_SHA3_512_HMAC_GENERAL, "SHA3-512"},
                {CKM_SHA512_224_HMAC, CKM_SHA512_224_HMAC_GENERAL, "SHA512-224"},
                {CKM_SHA512_256_HMAC, CKM_SHA512_256_HMAC_GENERAL, "SHA512-256"}};
    for (int i = 0; i < 440; i++) {
        size_t at = (size_t)i % 11, key_len = 1 + (size_t)rand() % 200, len = (size_t)rand() % sizeof(data);
        unsigned char expected[EVP_MAX_MD_SIZE];
        unsigned expected_len = 0;
        CK_OBJECT_HANDLE key = bring_key(f.session, CKK_GENERIC_SECRET, data, key_len, NULL, 0);
        cr_assert_not_null(
            HMAC(EVP_get_digestbyname(rows[at].hash), data, (int)key_len, data, len, expected, &expected_len));
        CK_ULONG general = 1 + (CK_ULONG)rand() % expected_len, mac_len = sizeof(mac);
        bool cut = rand() % 2 == 0;
        CK_MECHANISM mechanism = {cut ? rows[at].general : rows[at].type, cut ? &general : NULL,
                                  cut ? sizeof(general) : 0};
        cr_assert_eq(C_SignInit(f.session, &mechanism, key), CKR_OK);
        for (size_t done = 0, part; done < len; done += part) {
            part = 1 + (size_t)rand() % (len - done);
            cr_assert_eq(C_SignUpdate(f.session, data + done, part), CKR_OK);
        }
        cr_assert_eq(C_SignFinal(f.session, mac, &mac_len), CKR_OK);
        cr_assert_eq(mac_len, cut ? general : expected_len);
        cr_expect_eq(memcmp(mac, expected, mac_len), 0, "%s", rows[at].hash);
        cr_assert_eq(C_VerifyInit(f.session, &mechanism, key), CKR_OK);
        cr_assert_eq(C_VerifyUpdate(f.session, data, len), CKR_OK);
        cr_expect_eq(C_VerifyFinal(f.session, mac, mac_len), CKR_OK);
        cr_assert_eq(C_DestroyObject(f.session, key), CKR_OK);
    }
}

Test(p11_mac, keys_are_used_for_what_they_are_for)
{
    CK_ATTRIBUTE no_sign[] = {{CKA_SIGN, &no, 1}}, no_verify[] = {{CKA_VERIFY, &no, 1}};
    CK_MECHANISM_TYPE only[] = {CKM_SHA256_HMAC};
    CK_ATTRIBUTE allowed[] = {{CKA_ALLOWED_MECHANISMS, only, sizeof(only)}};
    CK_ULONG len = 0;
    CK_OBJECT_HANDLE aes = bring_key(f.session, CKK_AES, data, 16, NULL, 0),
                     generic = bring_key(f.session, CKK_GENERIC_SECRET, data, 16, NULL, 0),
                     sha512 = bring_key(f.session, CKK_SHA512_HMAC, data, 16, NULL, 0),
                     mute = bring_key(f.session, CKK_AES, data, 16, no_sign, 1),
                     blind = bring_key(f.session, CKK_AES, data, 16, no_verify, 1),
                     narrow = bring_key(f.session, CKK_GENERIC_SECRET, data, 16, allowed, 1),
                     rsa = find_one(f.session, CKO_PRIVATE_KEY, "rsa"), profile = CK_INVALID_HANDLE;
    CK_OBJECT_CLASS class = CKO_PROFILE;
    CK_ATTRIBUTE profiles[] = {{CKA_CLASS, &class, sizeof(class)}};
    cr_assert_gt(find_all(f.session, profiles, 1, &profile, 1), 0);
    cr_expect_eq(sign_with(CKM_SHA256_HMAC, 0, aes, data, 9, &len), CKR_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(sign_with(CKM_AES_CMAC, 0, generic, data, 9, &len), CKR_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(sign_with(CKM_SHA256_HMAC, 0, sha512, data, 9, &len), CKR_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(sign_with(CKM_SHA512_HMAC, 0, sha512, data, 9, &len), CKR_OK);
    cr_expect_eq(sign_with(CKM_AES_CMAC, 0, rsa, data, 9, &len), CKR_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(sign_with(CKM_AES_CMAC, 0, profile, data, 9, &len), CKR_KEY_HANDLE_INVALID);
    cr_expect_eq(sign_with(CKM_AES_CMAC, 0, 424242, data, 9, &len), CKR_KEY_HANDLE_INVALID);
    cr_expect_eq(sign_with(CKM_AES_CMAC, 0, mute, data, 9, &len), CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_expect_eq(sign_with(CKM_AES_CMAC, 0, blind, data, 9, &len), CKR_OK);
    cr_expect_eq(verify_with(CKM_AES_CMAC, 0, mute, data, 9, len), CKR_OK);
    cr_expect_eq(verify_with(CKM_AES_CMAC, 0, blind, data, 9, len), CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_expect_eq(sign_with(CKM_SHA256_HMAC, 0, narrow, data, 9, &len), CKR_OK);
    cr_expect_eq(sign_with(CKM_SHA512_HMAC, 0, narrow, data, 9, &len), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

Test(p11_mac, parameters_are_lengths_that_there_are)
{
    CK_OBJECT_HANDLE aes = bring_key(f.session, CKK_AES, data, 16, NULL, 0),
                     generic = bring_key(f.session, CKK_GENERIC_SECRET, data, 16, NULL, 0);
    CK_ULONG len = 0, zero = 0;
    CK_MECHANISM nothing = {CKM_AES_CMAC_GENERAL, &zero, sizeof(zero)}, none = {CKM_AES_CMAC_GENERAL, NULL, 0},
                 narrow = {CKM_AES_CMAC_GENERAL, &zero, 4};
    cr_expect_eq(sign_with(CKM_AES_CMAC_GENERAL, 16, aes, data, 9, &len), CKR_OK);
    cr_expect_eq(sign_with(CKM_AES_CMAC_GENERAL, 17, aes, data, 9, &len), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(sign_with(CKM_SHA256_HMAC_GENERAL, 33, generic, data, 9, &len), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(sign_with(CKM_SHA256_HMAC, 32, generic, data, 9, &len), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(C_SignInit(f.session, &nothing, aes), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(C_SignInit(f.session, &none, aes), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(C_SignInit(f.session, &narrow, aes), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(C_SignFinal(f.session, mac, &len), CKR_OPERATION_NOT_INITIALIZED);
}

Test(p11_mac, a_length_is_asked_for_and_the_operation_goes_on)
{
    CK_MECHANISM mechanism = {CKM_SHA384_HMAC, NULL, 0};
    CK_OBJECT_HANDLE key = bring_key(f.session, CKK_GENERIC_SECRET, data, 16, NULL, 0);
    CK_ULONG len = 0;
    cr_assert_eq(C_SignInit(f.session, &mechanism, key), CKR_OK);
    cr_expect_eq(C_Sign(f.session, data, 9, NULL, &len), CKR_OK);
    cr_expect_eq(len, 48);
    len = 47;
    cr_expect_eq(C_Sign(f.session, data, 9, mac, &len), CKR_BUFFER_TOO_SMALL);
    cr_assert_eq(C_DestroyObject(f.session, key), CKR_OK); /* the operation has what it needs */
    cr_expect_eq(C_Sign(f.session, data, 9, mac, &len), CKR_OK);
    cr_expect_eq(C_Sign(f.session, data, 9, mac, &len), CKR_OPERATION_NOT_INITIALIZED);
}

Test(p11_mac, many_messages_and_signatures_given_first)
{
    CK_MECHANISM mechanism = {CKM_AES_CMAC, NULL, 0};
    CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, 32, NULL, 0);
    CK_BYTE whole[16];
    CK_ULONG len = sizeof(mac);
    cr_assert_eq(sign_with(CKM_AES_CMAC, 0, key, data, 100, &len), CKR_OK);
    memcpy(whole, mac, sizeof(whole));
    cr_assert_eq(C_MessageSignInit(f.session, &mechanism, key), CKR_OK);
    for (int i = 0; i < 3; i++) {
        memset(mac, 0, sizeof(mac));
        len = sizeof(mac);
        cr_assert_eq(C_SignMessageBegin(f.session, NULL, 0), CKR_OK);
        cr_assert_eq(C_SignMessageNext(f.session, NULL, 0, data, 60, NULL, NULL), CKR_OK);
        cr_assert_eq(C_SignMessageNext(f.session, NULL, 0, data + 60, 40, mac, &len), CKR_OK);
        cr_expect_eq(memcmp(mac, whole, sizeof(whole)), 0);
    }
    cr_assert_eq(C_MessageSignFinal(f.session), CKR_OK);
    cr_assert_eq(C_VerifySignatureInit(f.session, &mechanism, key, whole, 16), CKR_OK);
    cr_expect_eq(C_VerifySignature(f.session, data, 100), CKR_OK);
    cr_assert_eq(C_VerifySignatureInit(f.session, &mechanism, key, whole, 16), CKR_OK);
    cr_expect_eq(C_VerifySignature(f.session, data, 99), CKR_SIGNATURE_INVALID);
    cr_expect_eq(C_VerifySignatureInit(f.session, &mechanism, key, whole, 15), CKR_SIGNATURE_LEN_RANGE);
}

Test(p11_mac, what_is_said_of_them_is_true)
{
    CK_MECHANISM_INFO info;
    cr_assert_eq(C_GetMechanismInfo(0, CKM_SHA_1_HMAC, &info), CKR_OK);
    cr_expect_eq(info.flags, CKF_SIGN | CKF_VERIFY | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY);
    cr_expect_eq(info.ulMinKeySize, 1);
    cr_expect_eq(info.ulMaxKeySize, 512);
    cr_assert_eq(C_GetMechanismInfo(0, CKM_AES_CMAC, &info), CKR_OK);
    cr_expect_eq(info.ulMinKeySize, 16);
    cr_expect_eq(info.ulMaxKeySize, 32);
    cr_assert_eq(C_GetMechanismInfo(0, CKM_GENERIC_SECRET_KEY_GEN, &info), CKR_OK);
    cr_expect_eq(info.flags, CKF_GENERATE);
    cr_expect_eq(info.ulMaxKeySize, 4096);
    cr_expect_eq(C_GetMechanismInfo(0, CKM_MD5_HMAC, &info), CKR_MECHANISM_INVALID);
}
