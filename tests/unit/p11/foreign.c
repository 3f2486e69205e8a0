/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification with public keys that a program brings along, of what libcrypto signed: no token has to do with it.
 */
#include "fixture.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

static struct fixture f;
static CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;
static CK_BYTE signature[1024], point[256];
static const CK_BYTE text[] = "what is signed is what is meant";

static void open_all(void)
{
    fixture_open(&f, NULL);
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_foreign, .init = open_all, .fini = close_all);

static CK_OBJECT_HANDLE bring_rsa(EVP_PKEY *pkey)
{
    CK_BYTE modulus[512], exponent[8];
    CK_KEY_TYPE type = CKK_RSA;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    BIGNUM *n = NULL, *e = NULL;
    cr_assert_eq(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    cr_assert_eq(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e), 1);
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &public_class, sizeof(public_class)},
                               {CKA_KEY_TYPE, &type, sizeof(type)},
                               {CKA_MODULUS, modulus, (CK_ULONG)BN_bn2bin(n, modulus)},
                               {CKA_PUBLIC_EXPONENT, exponent, (CK_ULONG)BN_bn2bin(e, exponent)}};
    cr_assert_eq(C_CreateObject(f.session, template, 4, &key), CKR_OK);
    BN_free(n);
    BN_free(e);
    return key;
}

static CK_RV create_ec(CK_KEY_TYPE type, const void *params, CK_ULONG params_len, CK_ULONG point_len,
                       CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &public_class, sizeof(public_class)},
                               {CKA_KEY_TYPE, &type, sizeof(type)},
                               {CKA_EC_PARAMS, (void *)params, params_len},
                               {CKA_EC_POINT, point, point_len}};
    return C_CreateObject(f.session, template, 4, ret_key);
}

static size_t sign_by_libcrypto(EVP_PKEY *pkey, const char *hash, int pss_salt)
{
    size_t len = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    cr_assert_eq(EVP_DigestSignInit_ex(ctx, &pctx, hash, NULL, NULL, pkey, NULL), 1);
    if (pss_salt >= 0) {
        cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
        cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, pss_salt), 1);
    }
    cr_assert_eq(EVP_DigestSign(ctx, signature, &len, text, sizeof(text)), 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

/* r and s, each as long as the order, out of DER. */
static size_t unpack_ecdsa(size_t der_len, int half)
{
    const unsigned char *at = signature;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    cr_assert_not_null(parsed);
    cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, half), half);
    cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + half, half), half);
    ECDSA_SIG_free(parsed);
    return 2 * (size_t)half;
}

static void expect_verified(CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, size_t len, const char *what)
{
    cr_assert_eq(C_VerifyInit(f.session, mechanism, key), CKR_OK, "%s", what);
    cr_expect_eq(C_Verify(f.session, (CK_BYTE *)text, sizeof(text), signature, len), CKR_OK, "%s", what);
    cr_assert_eq(C_VerifyInit(f.session, mechanism, key), CKR_OK, "%s", what);
    cr_expect_eq(C_Verify(f.session, (CK_BYTE *)text, sizeof(text) - 1, signature, len), CKR_SIGNATURE_INVALID, "%s",
                 what);
    signature[3] ^= 1;
    cr_assert_eq(C_VerifyInit(f.session, mechanism, key), CKR_OK, "%s", what);
    cr_expect_eq(C_Verify(f.session, (CK_BYTE *)text, sizeof(text), signature, len), CKR_SIGNATURE_INVALID, "%s", what);
}

static const struct {
    const char *hash;
    size_t len;
    CK_MECHANISM_TYPE type, pkcs1, pss, ecdsa;
    CK_RSA_PKCS_MGF_TYPE mgf;
} hashes[] = {
    {"SHA1", 20, CKM_SHA_1, CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_ECDSA_SHA1, CKG_MGF1_SHA1},
    {"SHA224", 28, CKM_SHA224, CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKM_ECDSA_SHA224, CKG_MGF1_SHA224},
    {"SHA256", 32, CKM_SHA256, CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA_SHA256, CKG_MGF1_SHA256},
    {"SHA384", 48, CKM_SHA384, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_ECDSA_SHA384, CKG_MGF1_SHA384},
    {"SHA512", 64, CKM_SHA512, CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKM_ECDSA_SHA512, CKG_MGF1_SHA512},
    {"SHA3-224", 28, CKM_SHA3_224, CKM_SHA3_224_RSA_PKCS, CKM_SHA3_224_RSA_PKCS_PSS, CKM_ECDSA_SHA3_224,
     CKG_MGF1_SHA3_224},
    {"SHA3-256", 32, CKM_SHA3_256, CKM_SHA3_256_RSA_PKCS, CKM_SHA3_256_RSA_PKCS_PSS, CKM_ECDSA_SHA3_256,
     CKG_MGF1_SHA3_256},
    {"SHA3-384", 48, CKM_SHA3_384, CKM_SHA3_384_RSA_PKCS, CKM_SHA3_384_RSA_PKCS_PSS, CKM_ECDSA_SHA3_384,
     CKG_MGF1_SHA3_384},
    {"SHA3-512", 64, CKM_SHA3_512, CKM_SHA3_512_RSA_PKCS, CKM_SHA3_512_RSA_PKCS_PSS, CKM_ECDSA_SHA3_512,
     CKG_MGF1_SHA3_512},
};
#define HASHES_LEN (sizeof(hashes) / sizeof(hashes[0]))

Test(p11_foreign, rsa_with_every_hash_and_padding)
{
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    CK_OBJECT_HANDLE key = bring_rsa(pkey);
    for (size_t i = 0; i < HASHES_LEN; i++) {
        CK_MECHANISM pkcs1 = {hashes[i].pkcs1, NULL, 0};
        CK_ULONG salt_len = (CK_ULONG)rand() % (256 - hashes[i].len - 2 + 1);
        CK_RSA_PKCS_PSS_PARAMS params = {hashes[i].type, hashes[i].mgf, salt_len};
        CK_MECHANISM pss = {hashes[i].pss, &params, sizeof(params)};
        expect_verified(&pkcs1, key, sign_by_libcrypto(pkey, hashes[i].hash, -1), hashes[i].hash);
        expect_verified(&pss, key, sign_by_libcrypto(pkey, hashes[i].hash, (int)salt_len), hashes[i].hash);
    }
    EVP_PKEY_free(pkey);
}

Test(p11_foreign, another_hash_salt_or_mask_is_another_signature)
{
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    CK_OBJECT_HANDLE key = bring_rsa(pkey);
    CK_RSA_PKCS_PSS_PARAMS params = {CKM_SHA3_256, CKG_MGF1_SHA3_256, 32};
    CK_MECHANISM pss = {CKM_SHA3_256_RSA_PKCS_PSS, &params, sizeof(params)};
    size_t len = sign_by_libcrypto(pkey, "SHA3-256", 32);
    for (int i = 0; i < 4; i++) {
        params.sLen = i == 1 ? 31 : 32;
        params.mgf = i == 2 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA3_256;
        pss.mechanism = i == 3 ? CKM_SHA256_RSA_PKCS_PSS : CKM_SHA3_256_RSA_PKCS_PSS;
        params.hashAlg = i == 3 ? CKM_SHA256 : CKM_SHA3_256;
        cr_assert_eq(C_VerifyInit(f.session, &pss, key), CKR_OK);
        cr_expect_eq(C_Verify(f.session, (CK_BYTE *)text, sizeof(text), signature, len),
                     i == 0 ? CKR_OK : CKR_SIGNATURE_INVALID, "%d", i);
    }
    params = (CK_RSA_PKCS_PSS_PARAMS){CKM_SHA256, CKG_MGF1_SHA3_256, 32};
    pss.mechanism = CKM_SHA3_256_RSA_PKCS_PSS;
    cr_expect_eq(C_VerifyInit(f.session, &pss, key), CKR_MECHANISM_PARAM_INVALID);
    params = (CK_RSA_PKCS_PSS_PARAMS){CKM_SHA3_256, CKG_MGF1_SHA3_256, 256 - 32 - 1};
    cr_expect_eq(C_VerifyInit(f.session, &pss, key), CKR_MECHANISM_PARAM_INVALID);
    EVP_PKEY_free(pkey);
}

Test(p11_foreign, pss_with_sha_3_is_not_signed_and_says_so)
{
    CK_MECHANISM_INFO info;
    CK_RSA_PKCS_PSS_PARAMS params = {CKM_SHA3_256, CKG_MGF1_SHA3_256, 32};
    CK_MECHANISM hashed = {CKM_SHA3_256_RSA_PKCS_PSS, &params, sizeof(params)},
                 raw = {CKM_RSA_PKCS_PSS, &params, sizeof(params)};
    (void)fake_engine_add_key(f.engine, "rsa-2048", "rsa", true);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PRIVATE_KEY, "rsa");
    cr_assert_eq(C_GetMechanismInfo(0, CKM_SHA3_256_RSA_PKCS_PSS, &info), CKR_OK);
    cr_expect_eq(info.flags, CKF_VERIFY | CKF_MESSAGE_VERIFY);
    cr_expect_eq(C_SignInit(f.session, &hashed, key), CKR_MECHANISM_INVALID);
    cr_expect_eq(C_SignInit(f.session, &raw, key), CKR_MECHANISM_PARAM_INVALID);
    params = (CK_RSA_PKCS_PSS_PARAMS){CKM_SHA256, CKG_MGF1_SHA3_256, 32};
    cr_expect_eq(C_SignInit(f.session, &raw, key), CKR_MECHANISM_PARAM_INVALID);
    params.mgf = CKG_MGF1_SHA256;
    cr_expect_eq(C_SignInit(f.session, &raw, key), CKR_OK);
}

Test(p11_foreign, ecdsa_with_every_hash)
{
    static const struct {
        const char *name, *params;
        CK_ULONG params_len;
        int half;
    } curves[] = {{"P-256", "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, 32},
                  {"P-384", "\x06\x05\x2b\x81\x04\x00\x22", 7, 48},
                  {"P-521", "\x06\x05\x2b\x81\x04\x00\x23", 7, 66}};
    for (size_t i = 0; i < HASHES_LEN * 3; i++) {
        size_t c = i % 3, h = i / 3, point_len = 0;
        CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
        EVP_PKEY *pkey = EVP_EC_gen(curves[c].name);
        CK_MECHANISM mechanism = {hashes[h].ecdsa, NULL, 0};
        cr_assert_eq(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &point_len),
                     1);
        cr_assert_eq(create_ec(CKK_EC, curves[c].params, curves[c].params_len, point_len, &key), CKR_OK);
        size_t len = unpack_ecdsa(sign_by_libcrypto(pkey, hashes[h].hash, -1), curves[c].half);
        expect_verified(&mechanism, key, len, hashes[h].hash);
        EVP_PKEY_free(pkey);
    }
}

Test(p11_foreign, a_bare_point_that_looks_wrapped_is_a_point_all_the_same)
{
    EVP_PKEY *pkey = NULL;
    size_t len = 0;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    do { /* 04 is "uncompressed", and an OCTET STRING's tag; 3f its length */
        EVP_PKEY_free(pkey);
        pkey = EVP_EC_gen("P-256");
        cr_assert_eq(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len), 1);
    } while (point[1] != len - 2);
    cr_assert_eq(create_ec(CKK_EC, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, len, &key), CKR_OK);
    expect_verified(&mechanism, key, unpack_ecdsa(sign_by_libcrypto(pkey, "SHA256", -1), 32), "P-256");
    EVP_PKEY_free(pkey);
}

/* ---- Edwards curves ---- */

static const struct {
    const char *name, *oid, *curve_name;
    CK_ULONG oid_len, curve_name_len;
    size_t point_len, signature_len;
} edwards[] = {{"ED25519", "\x06\x03\x2b\x65\x70",
                "\x13\x0c"
                "edwards25519",
                5, 14, 32, 64},
               {"ED448", "\x06\x03\x2b\x65\x71",
                "\x13\x0a"
                "edwards448",
                5, 12, 57, 114}};

/* The point in its OCTET STRING when WRAPPED; returns the length. */
static size_t get_point(EVP_PKEY *pkey, bool wrapped)
{
    size_t len = sizeof(point) - 2, head = wrapped ? 2 : 0;
    cr_assert_eq(EVP_PKEY_get_raw_public_key(pkey, point + head, &len), 1);
    if (wrapped) {
        point[0] = 0x04;
        point[1] = (CK_BYTE)len;
    }
    return head + len;
}

Test(p11_foreign, edwards_keys_come_in_every_form)
{
    for (size_t i = 0; i < 8; i++) {
        size_t at = i % 2;
        bool wrapped = i / 2 % 2 == 0, by_name = i >= 4;
        CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
        CK_MECHANISM mechanism = {CKM_EDDSA, NULL, 0};
        EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, edwards[at].name);
        cr_assert_eq(create_ec(CKK_EC_EDWARDS, by_name ? edwards[at].curve_name : edwards[at].oid,
                               by_name ? edwards[at].curve_name_len : edwards[at].oid_len, get_point(pkey, wrapped),
                               &key),
                     CKR_OK, "%zu", i);
        cr_assert_eq(sign_by_libcrypto(pkey, NULL, -1), edwards[at].signature_len);
        expect_verified(&mechanism, key, edwards[at].signature_len, edwards[at].name);
        EVP_PKEY_free(pkey);
    }
}

Test(p11_foreign, edwards_keys_that_are_none)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    size_t len = get_point(pkey, true);
    cr_expect_eq(create_ec(CKK_EC_EDWARDS, edwards[0].oid, 5, len - 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create_ec(CKK_EC_EDWARDS, edwards[1].oid, 5, len, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create_ec(CKK_EC, edwards[0].oid, 5, len, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create_ec(CKK_EC_EDWARDS, "\x06\x05\x2b\x81\x04\x00\x22", 7, len, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create_ec(CKK_EC_EDWARDS,
                           "\x13\x0c"
                           "edwards25518",
                           14, len, &key),
                 CKR_ATTRIBUTE_VALUE_INVALID);
    cr_expect_eq(create_ec(CKK_EC_EDWARDS, edwards[0].oid, 5, 0, &key), CKR_TEMPLATE_INCOMPLETE);
    cr_expect_eq(key, CK_INVALID_HANDLE);
    EVP_PKEY_free(pkey);
}

Test(p11_foreign, the_parameter_of_eddsa_is_plain_or_refused)
{
    CK_BYTE context[] = {1};
    CK_EDDSA_PARAMS plain = {CK_FALSE, 0, NULL}, prehashed = {CK_TRUE, 0, NULL}, in_context = {CK_FALSE, 1, context};
    for (size_t i = 0; i < 2; i++) {
        CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
        EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, edwards[i].name);
        CK_MECHANISM mechanism = {CKM_EDDSA, &plain, sizeof(plain)};
        cr_assert_eq(create_ec(CKK_EC_EDWARDS, edwards[i].oid, 5, get_point(pkey, true), &key), CKR_OK);
        if (i == 1) { /* Ed448 */
            cr_assert_eq(sign_by_libcrypto(pkey, NULL, -1), 114);
            expect_verified(&mechanism, key, 114, "ED448");
        } else {
            cr_expect_eq(C_VerifyInit(f.session, &mechanism, key), CKR_MECHANISM_PARAM_INVALID);
        }
        mechanism.pParameter = &prehashed;
        cr_expect_eq(C_VerifyInit(f.session, &mechanism, key), CKR_MECHANISM_PARAM_INVALID);
        mechanism.pParameter = &in_context;
        cr_expect_eq(C_VerifyInit(f.session, &mechanism, key), CKR_MECHANISM_PARAM_INVALID);
        mechanism.pParameter = NULL;
        cr_expect_eq(C_VerifyInit(f.session, &mechanism, key), CKR_MECHANISM_PARAM_INVALID);
        mechanism = (CK_MECHANISM){CKM_EDDSA, &plain, sizeof(plain) - 1};
        cr_expect_eq(C_VerifyInit(f.session, &mechanism, key), CKR_MECHANISM_PARAM_INVALID);
        EVP_PKEY_free(pkey);
    }
}
