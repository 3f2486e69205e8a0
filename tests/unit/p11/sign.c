/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"
#include "fixture.h"

#include <string.h>

static struct fixture f;
static const char text[] =
    "a document that is longer than any hash, so that it has to be hashed, in one piece or several";
#define TEXT_LEN (sizeof(text) - 1)
static CK_BYTE signature[1024];
static CK_ULONG signature_len;

static void open_all(void)
{
    fixture_open(&f, NULL);
    (void)fake_engine_add_key(f.engine, "rsa-2048", "rsa", false);
    (void)fake_engine_add_key(f.engine, "p-256", "p-256", false);
    (void)fake_engine_add_key(f.engine, "p-384", "p-384", false);
    (void)fake_engine_add_key(f.engine, "p-521", "p-521", false);
    (void)fake_engine_add_key(f.engine, "ed25519", "ed25519", false);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_sign, .init = open_all, .fini = close_all);

static CK_OBJECT_HANDLE private_key(const char *label)
{
    return find_one(f.session, CKO_PRIVATE_KEY, label);
}

static CK_OBJECT_HANDLE public_key(const char *label)
{
    return find_one(f.session, CKO_PUBLIC_KEY, label);
}

static CK_RV sign_text(CK_MECHANISM_TYPE type, const char *label)
{
    signature_len = sizeof(signature);
    return sign(f.session, type, private_key(label), text, TEXT_LEN, signature, &signature_len);
}

static CK_RV init_sign(CK_MECHANISM_TYPE type, const char *label)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    return C_SignInit(f.session, &mechanism, private_key(label));
}

/* ---- what is right ---- */

static const struct {
    const char *label;
    CK_MECHANISM_TYPE type;
    CK_ULONG signature_len;
} hashing[] = {
    {"rsa", CKM_SHA1_RSA_PKCS, 256},   {"rsa", CKM_SHA224_RSA_PKCS, 256}, {"rsa", CKM_SHA256_RSA_PKCS, 256},
    {"rsa", CKM_SHA384_RSA_PKCS, 256}, {"rsa", CKM_SHA512_RSA_PKCS, 256}, {"rsa", CKM_SHA3_256_RSA_PKCS, 256},
    {"p-256", CKM_ECDSA_SHA1, 64},     {"p-256", CKM_ECDSA_SHA256, 64},   {"p-256", CKM_ECDSA_SHA512, 64},
    {"p-384", CKM_ECDSA_SHA384, 96},   {"p-521", CKM_ECDSA_SHA512, 132},  {"p-521", CKM_ECDSA_SHA3_512, 132},
    {"ed25519", CKM_EDDSA, 64},
};
#define HASHING_LEN (sizeof(hashing) / sizeof(hashing[0]))

Test(p11_sign, every_mechanism_makes_a_signature_that_verifies_and_only_over_that_text)
{
    for (size_t i = 0; i < HASHING_LEN; i++) {
        const char *label = hashing[i].label;
        cr_assert_eq(sign_text(hashing[i].type, label), CKR_OK, "0x%lx", hashing[i].type);
        cr_expect_eq(signature_len, hashing[i].signature_len, "0x%lx", hashing[i].type);
        CK_OBJECT_HANDLE key = public_key(label);
        cr_expect_eq(verify(f.session, hashing[i].type, key, text, TEXT_LEN, signature, signature_len), CKR_OK, "0x%lx",
                     hashing[i].type);
        cr_expect_eq(verify(f.session, hashing[i].type, key, text, TEXT_LEN - 1, signature, signature_len),
                     CKR_SIGNATURE_INVALID, "0x%lx", hashing[i].type);
        signature[signature_len / 2] ^= 1;
        cr_expect_eq(verify(f.session, hashing[i].type, key, text, TEXT_LEN, signature, signature_len),
                     CKR_SIGNATURE_INVALID, "0x%lx", hashing[i].type);
    }
}

static void in_parts(CK_MECHANISM_TYPE type, const char *label)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    signature_len = sizeof(signature);
    cr_assert_eq(C_SignInit(f.session, &mechanism, private_key(label)), CKR_OK);
    cr_assert_eq(C_SignUpdate(f.session, (CK_BYTE *)text, 10), CKR_OK);
    cr_assert_eq(C_SignUpdate(f.session, NULL, 0), CKR_OK);
    cr_assert_eq(C_SignUpdate(f.session, (CK_BYTE *)text + 10, TEXT_LEN - 10), CKR_OK);
    cr_assert_eq(C_SignFinal(f.session, signature, &signature_len), CKR_OK);
}

Test(p11_sign, what_comes_in_parts_is_what_comes_whole)
{
    for (size_t i = 0; i < HASHING_LEN; i++) {
        CK_MECHANISM mechanism = {hashing[i].type, NULL, 0};
        CK_OBJECT_HANDLE key = public_key(hashing[i].label);
        in_parts(hashing[i].type, hashing[i].label);
        cr_expect_eq(verify(f.session, hashing[i].type, key, text, TEXT_LEN, signature, signature_len), CKR_OK);
        cr_assert_eq(C_VerifyInit(f.session, &mechanism, key), CKR_OK);
        cr_assert_eq(C_VerifyUpdate(f.session, (CK_BYTE *)text, TEXT_LEN - 1), CKR_OK);
        cr_assert_eq(C_VerifyUpdate(f.session, (CK_BYTE *)text + TEXT_LEN - 1, 1), CKR_OK);
        cr_expect_eq(C_VerifyFinal(f.session, signature, signature_len), CKR_OK);
    }
}

Test(p11_sign, raw_rsa_signs_a_digest_info_and_is_the_same_as_the_hashing_mechanism)
{
    CK_BYTE info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
    CK_ULONG digest_len = 32;
    cr_assert_eq(C_DigestInit(f.session, &sha256), CKR_OK);
    cr_assert_eq(C_Digest(f.session, (CK_BYTE *)text, TEXT_LEN, info + 19, &digest_len), CKR_OK);
    signature_len = sizeof(signature);
    cr_assert_eq(sign(f.session, CKM_RSA_PKCS, private_key("rsa"), info, 51, signature, &signature_len), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_RSA_PKCS, public_key("rsa"), info, 51, signature, signature_len), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_SHA256_RSA_PKCS, public_key("rsa"), text, TEXT_LEN, signature, signature_len),
                 CKR_OK);
}

Test(p11_sign, raw_rsa_of_what_is_no_digest_info_is_refused_by_the_engine)
{
    signature_len = sizeof(signature);
    cr_expect_eq(sign(f.session, CKM_RSA_PKCS, private_key("rsa"), "hello", 5, signature, &signature_len),
                 CKR_DATA_INVALID);
}

Test(p11_sign, raw_ecdsa_signs_a_hash_whole_or_in_parts)
{
    CK_BYTE hash[32];
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    memset(hash, 7, sizeof(hash));
    signature_len = sizeof(signature);
    cr_assert_eq(sign(f.session, CKM_ECDSA, private_key("p-256"), hash, 32, signature, &signature_len), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_ECDSA, public_key("p-256"), hash, 32, signature, signature_len), CKR_OK);
    cr_assert_eq(C_SignInit(f.session, &mechanism, private_key("p-256")), CKR_OK);
    cr_assert_eq(C_SignUpdate(f.session, hash, 16), CKR_OK);
    cr_assert_eq(C_SignUpdate(f.session, hash + 16, 16), CKR_OK);
    signature_len = sizeof(signature);
    cr_assert_eq(C_SignFinal(f.session, signature, &signature_len), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_ECDSA, public_key("p-256"), hash, 32, signature, signature_len), CKR_OK);
}

Test(p11_sign, the_engine_gets_the_hash_and_its_name_never_the_document)
{
    char name[32];
    size_t len = 0;
    cr_assert_eq(sign_text(CKM_ECDSA_SHA384, "p-384"), CKR_OK);
    fake_engine_last_sign(f.engine, name, &len);
    cr_expect_str_eq(name, "SHA-384");
    cr_expect_eq(len, 48);
    cr_assert_eq(sign_text(CKM_SHA256_RSA_PKCS, "rsa"), CKR_OK);
    fake_engine_last_sign(f.engine, name, &len);
    cr_expect_str_eq(name, "SHA-256");
    cr_expect_eq(len, 51);
}

Test(p11_sign, one_signature_is_one_round_trip)
{
    CK_OBJECT_HANDLE key = private_key("p-256");
    unsigned before[] = {fake_engine_count(f.engine, TP_OP_SIGN), fake_engine_count(f.engine, TP_OP_OBJECTS),
                         fake_engine_count(f.engine, TP_OP_TOKEN), fake_engine_count(f.engine, TP_OP_AUTHORISATION)};
    for (int i = 0; i < 10; i++) {
        signature_len = sizeof(signature);
        cr_assert_eq(sign(f.session, CKM_ECDSA_SHA256, key, text, TEXT_LEN, signature, &signature_len), CKR_OK);
    }
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_SIGN), before[0] + 10);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_OBJECTS), before[1]);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_TOKEN), before[2]);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_AUTHORISATION), before[3]);
}

/* ---- PSS ---- */

static CK_RV pss(CK_MECHANISM_TYPE type, CK_MECHANISM_TYPE hash, CK_ULONG mgf, CK_ULONG salt_len, CK_ULONG data_len)
{
    CK_RSA_PKCS_PSS_PARAMS params = {hash, mgf, salt_len};
    CK_MECHANISM mechanism = {type, &params, sizeof(params)};
    signature_len = sizeof(signature);
    CK_RV rv = C_SignInit(f.session, &mechanism, private_key("rsa"));
    if (rv == CKR_OK)
        rv = C_Sign(f.session, (CK_BYTE *)text, data_len, signature, &signature_len);
    if (rv != CKR_OK)
        return rv;
    cr_assert_eq(C_VerifyInit(f.session, &mechanism, public_key("rsa")), CKR_OK);
    return C_Verify(f.session, (CK_BYTE *)text, data_len, signature, signature_len);
}

Test(p11_sign, pss_with_parameters_that_go_together)
{
    cr_expect_eq(pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32, 32), CKR_OK);
    cr_expect_eq(pss(CKM_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1, 20, 20), CKR_OK);
    cr_expect_eq(pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA1, 0, 32), CKR_OK);
    cr_expect_eq(pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 222, 32), CKR_OK);
    cr_expect_eq(pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32, TEXT_LEN), CKR_OK);
    cr_expect_eq(pss(CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 48, TEXT_LEN), CKR_OK);
    cr_expect_eq(pss(CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512, 64, TEXT_LEN), CKR_OK);
}

Test(p11_sign, pss_with_parameters_that_do_not)
{
    CK_MECHANISM without = {CKM_SHA256_RSA_PKCS_PSS, NULL, 0};
    cr_expect_eq(C_SignInit(f.session, &without, private_key("rsa")), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 48, 9), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(pss(CKM_RSA_PKCS_PSS, CKM_MD5, CKG_MGF1_SHA256, 32, 16), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(pss(CKM_RSA_PKCS_PSS, CKM_SHA256, 99, 32, 32), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 223, 32), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, ~0UL, 32), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32, 31), CKR_DATA_LEN_RANGE);
}

/* ---- buffers ---- */

Test(p11_sign, without_a_buffer_the_length_and_the_operation_goes_on)
{
    cr_assert_eq(init_sign(CKM_SHA256_RSA_PKCS, "rsa"), CKR_OK);
    signature_len = 0;
    cr_assert_eq(C_Sign(f.session, (CK_BYTE *)text, TEXT_LEN, NULL, &signature_len), CKR_OK);
    cr_assert_eq(signature_len, 256);
    signature_len = 255;
    cr_assert_eq(C_Sign(f.session, (CK_BYTE *)text, TEXT_LEN, signature, &signature_len), CKR_BUFFER_TOO_SMALL);
    cr_assert_eq(signature_len, 256);
    cr_assert_eq(C_Sign(f.session, (CK_BYTE *)text, TEXT_LEN, signature, &signature_len), CKR_OK);
    cr_expect_eq(C_Sign(f.session, (CK_BYTE *)text, TEXT_LEN, signature, &signature_len),
                 CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(verify(f.session, CKM_SHA256_RSA_PKCS, public_key("rsa"), text, TEXT_LEN, signature, signature_len),
                 CKR_OK);
}

Test(p11_sign, the_same_at_the_end_of_parts)
{
    cr_assert_eq(init_sign(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
    cr_assert_eq(C_SignUpdate(f.session, (CK_BYTE *)text, TEXT_LEN), CKR_OK);
    signature_len = 0;
    cr_assert_eq(C_SignFinal(f.session, NULL, &signature_len), CKR_OK);
    cr_assert_eq(signature_len, 64);
    signature_len = 63;
    cr_assert_eq(C_SignFinal(f.session, signature, &signature_len), CKR_BUFFER_TOO_SMALL);
    cr_assert_eq(C_SignFinal(f.session, signature, &signature_len), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_ECDSA_SHA256, public_key("p-256"), text, TEXT_LEN, signature, signature_len),
                 CKR_OK);
}

/* ---- what is wrong ---- */

Test(p11_sign, a_mechanism_a_key_and_a_use_that_do_not_go_together)
{
    CK_MECHANISM rsa = {CKM_SHA256_RSA_PKCS, NULL, 0}, digest = {CKM_SHA256, NULL, 0},
                 md5 = {CKM_MD5_RSA_PKCS, NULL, 0};
    CK_MECHANISM with_parameter = {CKM_SHA256_RSA_PKCS, signature, 4};
    cr_expect_eq(C_SignInit(f.session, &rsa, private_key("p-256")), CKR_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(C_SignInit(f.session, &rsa, public_key("rsa")), CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_expect_eq(C_VerifyInit(f.session, &rsa, private_key("rsa")), CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_expect_eq(C_SignInit(f.session, &rsa, 424242), CKR_KEY_HANDLE_INVALID);
    cr_expect_eq(C_SignInit(f.session, &digest, private_key("rsa")), CKR_MECHANISM_INVALID);
    cr_expect_eq(C_SignInit(f.session, &md5, private_key("rsa")), CKR_MECHANISM_INVALID);
    cr_expect_eq(C_SignInit(f.session, &with_parameter, private_key("rsa")), CKR_MECHANISM_PARAM_INVALID);
    cr_expect_eq(C_SignInit(f.session, NULL, private_key("rsa")), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_Sign(f.session, signature, 1, signature, &signature_len), CKR_OPERATION_NOT_INITIALIZED);
}

Test(p11_sign, one_operation_at_a_time_and_a_null_mechanism_ends_it)
{
    cr_assert_eq(init_sign(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
    cr_expect_eq(init_sign(CKM_ECDSA_SHA256, "p-256"), CKR_OPERATION_ACTIVE);
    cr_expect_eq(C_SignInit(f.session, NULL, 0), CKR_OK);
    cr_expect_eq(C_SignUpdate(f.session, (CK_BYTE *)text, 1), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(init_sign(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
}

Test(p11_sign, what_was_begun_in_parts_is_not_ended_whole)
{
    cr_assert_eq(init_sign(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
    cr_assert_eq(C_SignUpdate(f.session, (CK_BYTE *)text, TEXT_LEN), CKR_OK);
    signature_len = sizeof(signature);
    cr_expect_eq(C_Sign(f.session, (CK_BYTE *)text, TEXT_LEN, signature, &signature_len), CKR_OPERATION_ACTIVE);
}

Test(p11_sign, data_of_a_length_that_cannot_be_signed_ends_the_operation)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *label;
        CK_ULONG len;
    } rows[] = {{CKM_RSA_PKCS, "rsa", 246}, {CKM_ECDSA, "p-256", 65}, {CKM_ECDSA, "p-256", 0}};
    CK_BYTE data[300] = {0};
    for (size_t i = 0; i < 3; i++) {
        signature_len = sizeof(signature);
        cr_expect_eq(
            sign(f.session, rows[i].type, private_key(rows[i].label), data, rows[i].len, signature, &signature_len),
            CKR_DATA_LEN_RANGE);
        cr_expect_eq(C_SignFinal(f.session, signature, &signature_len), CKR_OPERATION_NOT_INITIALIZED);
    }
    cr_assert_eq(init_sign(CKM_ECDSA, "p-256"), CKR_OK);
    cr_expect_eq(C_SignUpdate(f.session, data, 64), CKR_OK);
    cr_expect_eq(C_SignUpdate(f.session, data, 1), CKR_DATA_LEN_RANGE);
    cr_expect_eq(C_SignUpdate(f.session, data, 1), CKR_OPERATION_NOT_INITIALIZED);
}

Test(p11_sign, arguments_that_are_missing_end_the_operation)
{
    cr_assert_eq(init_sign(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
    cr_expect_eq(C_Sign(f.session, (CK_BYTE *)text, TEXT_LEN, signature, NULL), CKR_ARGUMENTS_BAD);
    cr_assert_eq(init_sign(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
    signature_len = sizeof(signature);
    cr_expect_eq(C_Sign(f.session, NULL, TEXT_LEN, signature, &signature_len), CKR_ARGUMENTS_BAD);
    cr_expect_eq(init_sign(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
}

Test(p11_sign, a_key_that_may_not_be_used_now_is_refused_and_found_again_later)
{
    CK_OBJECT_HANDLE key = private_key("p-256");
    fake_engine_set_state(f.engine, 1, "suspended");
    cr_expect_eq(sign_text(CKM_ECDSA_SHA256, "p-256"), CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_expect_eq(private_key("p-256"), key);
    fake_engine_set_state(f.engine, 1, "active");
    cr_expect_eq(sign_text(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
}

Test(p11_sign, a_key_that_was_deleted_meanwhile_is_no_key)
{
    CK_OBJECT_HANDLE key = private_key("p-256");
    fake_engine_set_state(f.engine, 1, "deleted");
    signature_len = sizeof(signature);
    cr_expect_eq(sign(f.session, CKM_ECDSA_SHA256, key, text, TEXT_LEN, signature, &signature_len),
                 CKR_KEY_HANDLE_INVALID);
}

Test(p11_sign, what_the_engine_answers_is_what_the_consumer_hears_and_the_state_is_clean_after)
{
    static const struct {
        int rc;
        CK_RV rv;
    } rows[] = {{TP_REFUSED, CKR_FUNCTION_REJECTED}, {TP_MECHANISM, CKR_MECHANISM_INVALID},
                {TP_HSM, CKR_DEVICE_ERROR},          {TP_HSM_ABSENT, CKR_DEVICE_REMOVED},
                {TP_BUSY, CKR_FUNCTION_FAILED},      {TP_DATA, CKR_DATA_INVALID}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_engine_fail(f.engine, TP_OP_SIGN, rows[i].rc);
        cr_expect_eq(sign_text(CKM_ECDSA_SHA256, "p-256"), rows[i].rv, "%s", tp_rc_name((enum tp_rc)rows[i].rc));
    }
    fake_engine_fail(f.engine, TP_OP_SIGN, 0);
    cr_expect_eq(sign_text(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
}

Test(p11_sign, an_engine_that_goes_away_is_said_and_does_not_take_the_session_with_it)
{
    fake_engine_halt(f.engine);
    signature_len = sizeof(signature);
    CK_SESSION_INFO info;
    cr_expect_eq(C_GetSessionInfo(f.session, &info), CKR_OK);
    cr_expect_eq(C_FindObjectsInit(f.session, NULL, 0), CKR_DEVICE_REMOVED);
    fake_engine_resume(f.engine);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE) != CKR_SESSION_HANDLE_INVALID, true);
}

/* ---- verification ---- */

Test(p11_sign, a_signature_of_the_wrong_length_is_said)
{
    cr_assert_eq(sign_text(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
    cr_expect_eq(verify(f.session, CKM_ECDSA_SHA256, public_key("p-256"), text, TEXT_LEN, signature, 63),
                 CKR_SIGNATURE_LEN_RANGE);
    cr_expect_eq(verify(f.session, CKM_ECDSA_SHA256, public_key("p-256"), text, TEXT_LEN, NULL, 64), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_VerifyFinal(f.session, signature, 64), CKR_OPERATION_NOT_INITIALIZED);
}

Test(p11_sign, verification_needs_no_login_and_no_engine)
{
    CK_OBJECT_HANDLE key = public_key("rsa");
    cr_assert_eq(sign_text(CKM_SHA256_RSA_PKCS, "rsa"), CKR_OK);
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    fake_engine_halt(f.engine);
    cr_expect_eq(verify(f.session, CKM_SHA256_RSA_PKCS, key, text, TEXT_LEN, signature, signature_len), CKR_OK);
}

Test(p11_sign, signing_and_verifying_may_go_on_side_by_side)
{
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    cr_assert_eq(sign_text(CKM_ECDSA_SHA256, "p-256"), CKR_OK);
    cr_assert_eq(C_SignInit(f.session, &mechanism, private_key("p-256")), CKR_OK);
    cr_assert_eq(C_VerifyInit(f.session, &mechanism, public_key("p-256")), CKR_OK);
    cr_expect_eq(C_Verify(f.session, (CK_BYTE *)text, TEXT_LEN, signature, signature_len), CKR_OK);
    signature_len = sizeof(signature);
    cr_expect_eq(C_Sign(f.session, (CK_BYTE *)text, TEXT_LEN, signature, &signature_len), CKR_OK);
}
