/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static struct fixture f;
static CK_BYTE data[1000], encrypted[1100], decrypted[1100], iv[16], mac[64], expected[64];
static CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, 16}, sha256 = {CKM_SHA256, NULL, 0}, hmac = {CKM_SHA256_HMAC, NULL, 0};
static CK_OBJECT_HANDLE aes, secret;

static void open_all(void)
{
    fixture_open(&f, NULL);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (CK_BYTE)(i * 7 + i / 256);
    aes = bring_key(f.session, CKK_AES, data, 32, NULL, 0);
    secret = bring_key(f.session, CKK_GENERIC_SECRET, data, 20, NULL, 0);
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_dual, .init = open_all, .fini = close_all);

typedef CK_RV (*dual_fn)(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *result, CK_ULONG *len);

/* All of IN in parts of 1, 2, 3… bytes, each asked for its length and tried with too little room first. Returns the
 * length of what came out. */
static CK_ULONG in_parts(dual_fn update, const CK_BYTE *in, CK_ULONG in_len, CK_BYTE *result)
{
    CK_ULONG at = 0, result_len = 0;
    for (CK_ULONG part = 1; at < in_len; at += part, part++) {
        CK_ULONG asked = 0, len;
        part = part < in_len - at ? part : in_len - at;
        cr_assert_eq(update(f.session, (CK_BYTE *)in + at, part, NULL, &asked), CKR_OK);
        len = asked - 1;
        if (asked > 0)
            cr_assert_eq(update(f.session, (CK_BYTE *)in + at, part, result + result_len, &len), CKR_BUFFER_TOO_SMALL);
        len = asked;
        cr_assert_eq(update(f.session, (CK_BYTE *)in + at, part, result + result_len, &len), CKR_OK);
        result_len += len;
    }
    return result_len;
}

static void expect_hash(void)
{
    CK_ULONG len = sizeof(mac);
    cr_assert_eq(EVP_Digest(data, sizeof(data), expected, NULL, EVP_sha256(), NULL), 1);
    cr_assert_eq(C_DigestFinal(f.session, mac, &len), CKR_OK);
    cr_expect_eq(memcmp(mac, expected, 32), 0);
}

static CK_ULONG encrypt_whole(void)
{
    CK_ULONG len = sizeof(encrypted);
    cr_assert_eq(C_EncryptInit(f.session, &cbc, aes), CKR_OK);
    cr_assert_eq(C_Encrypt(f.session, data, sizeof(data), encrypted, &len), CKR_OK);
    return len;
}

Test(p11_dual, what_is_encrypted_is_hashed)
{
    CK_BYTE whole[1100];
    CK_ULONG whole_len = encrypt_whole(), last = 16;
    memcpy(whole, encrypted, whole_len);
    cr_assert_eq(C_EncryptInit(f.session, &cbc, aes), CKR_OK);
    cr_assert_eq(C_DigestInit(f.session, &sha256), CKR_OK);
    CK_ULONG len = in_parts(C_DigestEncryptUpdate, data, sizeof(data), encrypted);
    cr_assert_eq(C_EncryptFinal(f.session, encrypted + len, &last), CKR_OK);
    cr_assert_eq(len + last, whole_len);
    cr_expect_eq(memcmp(encrypted, whole, whole_len), 0);
    expect_hash();
}

Test(p11_dual, where_it_lies_when_it_is_encrypted_in_place_too)
{
    CK_ULONG len = sizeof(data), whole_len = encrypt_whole();
    memcpy(decrypted, data, sizeof(data));
    cr_assert_eq(C_EncryptInit(f.session, &cbc, aes), CKR_OK);
    cr_assert_eq(C_DigestInit(f.session, &sha256), CKR_OK);
    cr_assert_eq(C_DigestEncryptUpdate(f.session, decrypted, sizeof(data), decrypted, &len), CKR_OK);
    cr_expect_eq(memcmp(decrypted, encrypted, len), 0);
    cr_expect_lt(len, whole_len);
    expect_hash();
}

Test(p11_dual, what_was_decrypted_is_hashed)
{
    CK_ULONG whole_len = encrypt_whole(), last = 16;
    cr_assert_eq(C_DecryptInit(f.session, &cbc, aes), CKR_OK);
    cr_assert_eq(C_DigestInit(f.session, &sha256), CKR_OK);
    CK_ULONG len = in_parts(C_DecryptDigestUpdate, encrypted, whole_len, decrypted);
    cr_assert_eq(C_DecryptFinal(f.session, decrypted + len, &last), CKR_OK);
    cr_assert_eq(len + last, sizeof(data));
    cr_expect_eq(memcmp(decrypted, data, sizeof(data)), 0);
    cr_assert_eq(C_DigestUpdate(f.session, decrypted + len, last), CKR_OK);
    expect_hash();
}

Test(p11_dual, what_is_encrypted_is_signed_and_verified_when_it_was_decrypted)
{
    CK_ULONG last = 16, mac_len = sizeof(mac);
    for (int i = 0; i < 2; i++) { /* the second time one bit of the signature is off */
        cr_assert_eq(C_EncryptInit(f.session, &cbc, aes), CKR_OK);
        cr_assert_eq(C_SignInit(f.session, &hmac, secret), CKR_OK);
        CK_ULONG len = in_parts(C_SignEncryptUpdate, data, sizeof(data), encrypted);
        last = 16;
        cr_assert_eq(C_EncryptFinal(f.session, encrypted + len, &last), CKR_OK);
        cr_assert_eq(C_SignFinal(f.session, mac, &mac_len), CKR_OK);
        cr_assert_not_null(HMAC(EVP_sha256(), data, 20, data, sizeof(data), expected, NULL));
        cr_expect_eq(memcmp(mac, expected, 32), 0);
        mac[0] ^= (CK_BYTE)i;
        cr_assert_eq(C_DecryptInit(f.session, &cbc, aes), CKR_OK);
        cr_assert_eq(C_VerifyInit(f.session, &hmac, secret), CKR_OK);
        CK_ULONG out_len = in_parts(C_DecryptVerifyUpdate, encrypted, len + last, decrypted);
        last = 16;
        cr_assert_eq(C_DecryptFinal(f.session, decrypted + out_len, &last), CKR_OK);
        cr_assert_eq(C_VerifyUpdate(f.session, decrypted + out_len, last), CKR_OK);
        cr_expect_eq(C_VerifyFinal(f.session, mac, 32), i == 0 ? CKR_OK : CKR_SIGNATURE_INVALID);
    }
}

Test(p11_dual, both_must_have_been_begun)
{
    static const struct {
        dual_fn update;
        CK_FLAGS cipher, other;
    } rows[] = {{C_DigestEncryptUpdate, CKF_ENCRYPT, CKF_DIGEST},
                {C_DecryptDigestUpdate, CKF_DECRYPT, CKF_DIGEST},
                {C_SignEncryptUpdate, CKF_ENCRYPT, CKF_SIGN},
                {C_DecryptVerifyUpdate, CKF_DECRYPT, CKF_VERIFY}};
    CK_ULONG len = sizeof(encrypted);
    for (size_t i = 0; i < 4; i++) {
        for (int begun = 0; begun < 4; begun++) {
            CK_RV rv = begun == 3 ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
            cr_assert_eq(C_EncryptInit(f.session, &cbc, aes), CKR_OK);
            cr_assert_eq(C_DecryptInit(f.session, &cbc, aes), CKR_OK);
            cr_assert_eq(C_DigestInit(f.session, &sha256), CKR_OK);
            cr_assert_eq(C_SignInit(f.session, &hmac, secret), CKR_OK);
            cr_assert_eq(C_VerifyInit(f.session, &hmac, secret), CKR_OK);
            cr_assert_eq(C_SessionCancel(f.session, (begun & 1 ? 0 : rows[i].cipher) | (begun & 2 ? 0 : rows[i].other)),
                         CKR_OK);
            len = sizeof(encrypted);
            cr_expect_eq(rows[i].update(f.session, data, 64, encrypted, &len), rv, "%zu %d", i, begun);
            cr_expect_eq(rows[i].update(f.session, data, 64, encrypted, NULL),
                         begun == 3 ? CKR_ARGUMENTS_BAD : CKR_OPERATION_NOT_INITIALIZED);
            cr_assert_eq(C_SessionCancel(f.session, CKF_ENCRYPT | CKF_DECRYPT | CKF_DIGEST | CKF_SIGN | CKF_VERIFY),
                         CKR_OK);
        }
    }
}
