/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static struct fixture f;
static CK_BBOOL no = CK_FALSE;
static CK_BYTE data[4096], out[4200], back[4200], room[4200];

static void open_all(void)
{
    fixture_open(&f, NULL);
    (void)fake_engine_add_key(f.engine, "rsa-2048", "rsa", true);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    srand(11);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (CK_BYTE)rand();
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_cipher, .init = open_all, .fini = close_all);

typedef CK_RV (*init_fn)(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
typedef CK_RV (*whole_fn)(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *result, CK_ULONG *len);
typedef CK_RV (*final_fn)(CK_SESSION_HANDLE session, CK_BYTE *result, CK_ULONG *len);
static const struct way {
    init_fn init;
    whole_fn whole, update;
    final_fn final;
} ways[] = {{C_EncryptInit, C_Encrypt, C_EncryptUpdate, C_EncryptFinal},
            {C_DecryptInit, C_Decrypt, C_DecryptUpdate, C_DecryptFinal}};
static const struct way *const encrypting = &ways[0], *const decrypting = &ways[1];

static CK_RV whole(const struct way *way, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, const CK_BYTE *in,
                   CK_ULONG in_len, CK_BYTE *result, CK_ULONG *ret_len)
{
    CK_RV rv = way->init(f.session, mechanism, key);
    *ret_len = sizeof(out);
    return rv != CKR_OK ? rv : way->whole(f.session, (CK_BYTE *)in, in_len, result, ret_len);
}

/* In parts of any length, each first with a question for its length and one byte of room too little. */
static CK_RV in_parts(const struct way *way, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, const CK_BYTE *in,
                      CK_ULONG in_len, CK_BYTE *result, CK_ULONG *ret_len)
{
    CK_ULONG done = 0, result_len = 0, asked, len;
    CK_RV rv = way->init(f.session, mechanism, key);
    while (rv == CKR_OK && done < in_len) {
        CK_ULONG part = 1 + (CK_ULONG)rand() % (rand() % 2 == 0 ? 40 : in_len - done);
        part = part < in_len - done ? part : in_len - done;
        cr_assert_eq(way->update(f.session, (CK_BYTE *)in + done, part, NULL, &asked), CKR_OK);
        len = asked - 1;
        if (asked > 0)
            cr_assert_eq(way->update(f.session, (CK_BYTE *)in + done, part, room, &len), CKR_BUFFER_TOO_SMALL);
        len = asked;
        rv = way->update(f.session, (CK_BYTE *)in + done, part, result + result_len, &len);
        cr_assert(rv != CKR_OK || len == asked);
        result_len += len;
        done += part;
    }
    if (rv == CKR_OK)
        rv = way->final(f.session, NULL, &asked);
    if (rv != CKR_OK)
        return rv;
    len = asked - 1;
    if (asked > 0)
        cr_assert_eq(way->final(f.session, room, &len), CKR_BUFFER_TOO_SMALL);
    len = asked;
    rv = way->final(f.session, result + result_len, &len);
    cr_assert(rv != CKR_OK || len == asked);
    *ret_len = result_len + len;
    return rv;
}

#define ZERO16 "00000000000000000000000000000000"
#define K128   "2b7e151628aed2a6abf7158809cf4f3c"
#define P2     "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
#define GCM_P60                                                                                                        \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de6"   \
    "57ba637b39"

static const struct vector {
    CK_MECHANISM_TYPE type;
    const char *key, *iv, *aad, *plain, *encrypted; /* with the tag */
} vectors[] = {
    /* SP 800-38A, F.1.1, F.1.3, F.1.5, F.2.1, F.5.1 */
    {CKM_AES_ECB, K128, "", "", "6bc1bee22e409f96e93d7e117393172a", "3ad77bb40d7a3660a89ecaf32466ef97"},
    {CKM_AES_ECB, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "", "", "6bc1bee22e409f96e93d7e117393172a",
     "bd334f1d6e45f25ff712a214571fa5cc"},
    {CKM_AES_ECB, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "", "",
     "6bc1bee22e409f96e93d7e117393172a", "f3eed1bdb5d2a03c064b5a7e3db181f8"},
    {CKM_AES_CBC, K128, "000102030405060708090a0b0c0d0e0f", "", P2,
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"},
    {CKM_AES_CTR, K128, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "", P2,
     "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"},
    /* the test cases 1, 2 and 4 of the proposal of GCM to NIST */
    {CKM_AES_GCM, ZERO16, "000000000000000000000000", "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {CKM_AES_GCM, ZERO16, "000000000000000000000000", "", ZERO16,
     "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
    {CKM_AES_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2", GCM_P60,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
     "3d58e0915bc94fbc3221a5db94fae95ae7121a47"},
};

struct parameter {
    CK_BYTE iv[256], aad[256];
    CK_GCM_PARAMS gcm;
    CK_AES_CTR_PARAMS ctr;
};

/* The mechanism with an IV (GCM: and what is authenticated with it, and a tag of 128 bits). */
static CK_MECHANISM with_iv(CK_MECHANISM_TYPE type, struct parameter *parameter, CK_ULONG iv_len, CK_ULONG aad_len)
{
    parameter->gcm = (CK_GCM_PARAMS){parameter->iv, iv_len, 0, parameter->aad, aad_len, 128};
    parameter->ctr = (CK_AES_CTR_PARAMS){.counter_bits = 128};
    memcpy(parameter->ctr.cb, parameter->iv, 16);
    switch (type) {
    case CKM_AES_ECB:
        return (CK_MECHANISM){type, NULL, 0};
    case CKM_AES_CTR:
        return (CK_MECHANISM){type, &parameter->ctr, sizeof(parameter->ctr)};
    case CKM_AES_GCM:
        return (CK_MECHANISM){type, &parameter->gcm, sizeof(parameter->gcm)};
    default:
        return (CK_MECHANISM){type, parameter->iv, iv_len};
    }
}

Test(p11_cipher, known_answers_and_that_a_bit_off_is_none)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct parameter parameter = {0};
        CK_BYTE key_bytes[32], plain[64], expected[128];
        CK_ULONG len = 0;
        CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, key_bytes, unhex(vectors[i].key, key_bytes), NULL, 0);
        size_t iv_len = unhex(vectors[i].iv, parameter.iv), aad_len = unhex(vectors[i].aad, parameter.aad),
               plain_len = unhex(vectors[i].plain, plain), expected_len = unhex(vectors[i].encrypted, expected);
        CK_MECHANISM mechanism = with_iv(vectors[i].type, &parameter, iv_len, aad_len);
        cr_assert_eq(whole(encrypting, &mechanism, key, plain, plain_len, out, &len), CKR_OK, "%zu", i);
        cr_assert_eq(len, expected_len, "%zu", i);
        cr_expect_eq(memcmp(out, expected, len), 0, "%zu", i);
        cr_assert_eq(whole(decrypting, &mechanism, key, out, len, back, &len), CKR_OK, "%zu", i);
        cr_assert_eq(len, plain_len, "%zu", i);
        cr_expect_eq(memcmp(back, plain, plain_len), 0, "%zu", i);
        out[expected_len - 1] ^= 1;
        CK_RV rv = whole(decrypting, &mechanism, key, out, expected_len, back, &len);
        cr_expect(vectors[i].type == CKM_AES_GCM ? rv == CKR_ENCRYPTED_DATA_INVALID
                                                 : rv == CKR_OK && memcmp(back, plain, plain_len) != 0,
                  "%zu", i);
    }
}

/* What libcrypto says, in one piece; returns the length. */
static size_t expect_from_libcrypto(CK_MECHANISM_TYPE type, size_t key_len, const struct parameter *parameter,
                                    size_t iv_len, size_t aad_len, size_t len, CK_BYTE *result)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *name;
    } names[] = {{CKM_AES_ECB, "ECB"},
                 {CKM_AES_CBC, "CBC"},
                 {CKM_AES_CBC_PAD, "CBC"},
                 {CKM_AES_CTR, "CTR"},
                 {CKM_AES_GCM, "GCM"}};
    char name[16];
    size_t at = 0;
    int n = 0, last = 0;
    while (names[at].type != type)
        at++;
    (void)snprintf(name, sizeof(name), "AES-%zu-%s", 8 * key_len, names[at].name);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    cr_assert_eq(EVP_EncryptInit_ex(ctx, EVP_get_cipherbyname(name), NULL, NULL, NULL), 1);
    if (type == CKM_AES_GCM)
        cr_assert_eq(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)iv_len, NULL), 1);
    cr_assert_eq(EVP_EncryptInit_ex(ctx, NULL, NULL, data, parameter->iv), 1);
    (void)EVP_CIPHER_CTX_set_padding(ctx, type == CKM_AES_CBC_PAD);
    if (type == CKM_AES_GCM && aad_len > 0)
        cr_assert_eq(EVP_EncryptUpdate(ctx, NULL, &n, parameter->aad, (int)aad_len), 1);
    n = 0;
    if (len > 0)
        cr_assert_eq(EVP_EncryptUpdate(ctx, result, &n, data, (int)len), 1);
    cr_assert_eq(EVP_EncryptFinal_ex(ctx, result + n, &last), 1);
    if (type == CKM_AES_GCM)
        cr_assert_eq(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, result + n), 1);
    EVP_CIPHER_CTX_free(ctx);
    return (size_t)(n + last) + (type == CKM_AES_GCM ? 16 : 0);
}

Test(p11_cipher, any_length_in_any_parts_is_what_libcrypto_says_and_comes_back)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_AES_ECB, CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_CTR, CKM_AES_GCM};
    static CK_BYTE expected[4200];
    for (int i = 0; i < 1000; i++) {
        CK_MECHANISM_TYPE type = types[i % 5];
        struct parameter parameter = {0};
        size_t key_len = 16 + 8 * (size_t)(rand() % 3), len = (size_t)rand() % (rand() % 2 == 0 ? 70 : sizeof(data));
        size_t iv_len = type == CKM_AES_GCM ? 1 + (size_t)rand() % 128 : 16, aad_len = (size_t)rand() % 200;
        CK_ULONG out_len = 0, back_len = 0;
        if (type == CKM_AES_ECB || type == CKM_AES_CBC)
            len -= len % 16;
        for (size_t j = 0; j < sizeof(parameter.iv); j++)
            parameter.iv[j] = parameter.aad[j] = (CK_BYTE)rand();
        CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, key_len, NULL, 0);
        CK_MECHANISM mechanism = with_iv(type, &parameter, iv_len, aad_len);
        size_t expected_len = expect_from_libcrypto(type, key_len, &parameter, iv_len, aad_len, len, expected);
        cr_assert_eq((rand() % 2 == 0 ? whole : in_parts)(encrypting, &mechanism, key, data, len, out, &out_len),
                     CKR_OK);
        cr_assert_eq(out_len, expected_len, "0x%lx %zu", type, len);
        cr_assert_eq(memcmp(out, expected, out_len), 0, "0x%lx %zu", type, len);
        cr_assert_eq((rand() % 2 == 0 ? whole : in_parts)(decrypting, &mechanism, key, out, out_len, back, &back_len),
                     CKR_OK);
        cr_assert_eq(back_len, len, "0x%lx %zu", type, len);
        cr_assert_eq(memcmp(back, data, len), 0, "0x%lx %zu", type, len);
        cr_assert_eq(C_DestroyObject(f.session, key), CKR_OK);
    }
}

Test(p11_cipher, input_and_output_may_be_the_same_memory)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_AES_ECB, CKM_AES_CBC_PAD, CKM_AES_CTR, CKM_AES_GCM};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct parameter parameter = {0};
        CK_ULONG len = 0, part = sizeof(back);
        CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, 16, NULL, 0);
        CK_MECHANISM mechanism = with_iv(types[i], &parameter, 16, 20);
        memcpy(out, data, 1600);
        cr_assert_eq(whole(encrypting, &mechanism, key, out, 1600, out, &len), CKR_OK);
        cr_assert_eq(whole(encrypting, &mechanism, key, data, 1600, back, &part), CKR_OK);
        cr_expect_eq(memcmp(out, back, len), 0, "0x%lx", types[i]);
        cr_assert_eq(whole(decrypting, &mechanism, key, out, len, out, &len), CKR_OK);
        cr_assert_eq(len, 1600);
        cr_expect_eq(memcmp(out, data, 1600), 0, "0x%lx", types[i]);
        /* with something pending, too */
        memcpy(out, data, 1600);
        cr_assert_eq(C_EncryptInit(f.session, &mechanism, key), CKR_OK);
        len = part = sizeof(out);
        cr_assert_eq(C_EncryptUpdate(f.session, out, 5, out, &len), CKR_OK);
        cr_assert_eq(C_EncryptUpdate(f.session, out + 5, 1595, out + 5, &part), CKR_OK);
        cr_expect_eq(memcmp(out + 5, back + len, part), 0, "0x%lx", types[i]);
        cr_assert_eq(C_EncryptInit(f.session, NULL, 0), CKR_OK);
    }
}

/* ---- refused ---- */

Test(p11_cipher, nothing_is_decrypted_before_the_tag_is_known)
{
    struct parameter parameter = {0};
    CK_ULONG len = 0, part = 0;
    CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, 16, NULL, 0);
    CK_MECHANISM mechanism = with_iv(CKM_AES_GCM, &parameter, 12, 20);
    cr_assert_eq(whole(encrypting, &mechanism, key, data, 100, out, &len), CKR_OK);
    for (int i = 0; i < 4; i++) {
        CK_BYTE sealed[116];
        memcpy(sealed, out, len);
        parameter.aad[0] = i == 0;
        sealed[i == 1 ? 0 : i == 2 ? 50 : 115] ^= i > 0;
        memset(back, 0xee, sizeof(back));
        part = sizeof(back);
        cr_assert_eq(C_DecryptInit(f.session, &mechanism, key), CKR_OK);
        cr_assert_eq(C_DecryptUpdate(f.session, sealed, 60, back, &part), CKR_OK);
        cr_expect_eq(part, 0);
        part = sizeof(back);
        cr_assert_eq(C_DecryptUpdate(f.session, sealed + 60, 56, back, &part), CKR_OK);
        cr_expect_eq(part, 0);
        cr_expect_eq(back[0], 0xee);
        part = sizeof(back);
        cr_expect_eq(C_DecryptFinal(f.session, back, &part), CKR_ENCRYPTED_DATA_INVALID, "%d", i);
        for (int j = 0; j < 100; j++)
            cr_assert(back[j] == 0 || back[j] == 0xee);
        cr_expect_eq(C_DecryptFinal(f.session, back, &part), CKR_OPERATION_NOT_INITIALIZED);
    }
    parameter.aad[0] = 0;
    cr_expect_eq(whole(decrypting, &mechanism, key, out, 15, back, &part), CKR_ENCRYPTED_DATA_LEN_RANGE);
    cr_expect_eq(whole(decrypting, &mechanism, key, out, len, back, &part), CKR_OK);
}

Test(p11_cipher, lengths_that_are_none)
{
    struct parameter parameter = {0};
    CK_ULONG len = 0;
    CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, 16, NULL, 0);
    CK_MECHANISM ecb = with_iv(CKM_AES_ECB, &parameter, 0, 0), cbc = {CKM_AES_CBC, parameter.iv, 16},
                 pad = {CKM_AES_CBC_PAD, parameter.iv, 16};
    cr_expect_eq(whole(encrypting, &ecb, key, data, 15, out, &len), CKR_DATA_LEN_RANGE);
    cr_expect_eq(whole(decrypting, &cbc, key, data, 17, out, &len), CKR_ENCRYPTED_DATA_LEN_RANGE);
    cr_expect_eq(whole(decrypting, &pad, key, data, 17, out, &len), CKR_ENCRYPTED_DATA_LEN_RANGE);
    cr_expect_eq(whole(decrypting, &pad, key, data, 0, out, &len), CKR_ENCRYPTED_DATA_LEN_RANGE);
    cr_expect_eq(in_parts(encrypting, &cbc, key, data, 33, out, &len), CKR_DATA_LEN_RANGE);
    cr_expect_eq(in_parts(decrypting, &pad, key, data, 33, out, &len), CKR_ENCRYPTED_DATA_LEN_RANGE);
    cr_expect_eq(C_EncryptFinal(f.session, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(C_DecryptFinal(f.session, out, &len), CKR_OPERATION_NOT_INITIALIZED);
}

Test(p11_cipher, padding_that_is_none)
{
    CK_BYTE iv[16] = {0};
    CK_MECHANISM cbc = {CKM_AES_CBC, iv, 16}, pad = {CKM_AES_CBC_PAD, iv, 16};
    CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, 16, NULL, 0);
    for (int last = 0; last < 20; last++) {
        CK_ULONG len = 0, back_len = 0;
        CK_BYTE text[48];
        memset(text, last, sizeof(text)); /* right only when the last byte is 1 … 16 */
        cr_assert_eq(whole(encrypting, &cbc, key, text, 48, out, &len), CKR_OK);
        CK_RV expected = last >= 1 && last <= 16 ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID;
        cr_expect_eq(whole(decrypting, &pad, key, out, 48, back, &back_len), expected, "%d", last);
        cr_expect(expected != CKR_OK || back_len == 48u - (CK_ULONG)last);
        cr_expect_eq(in_parts(decrypting, &pad, key, out, 48, back, &back_len), expected, "%d", last);
        cr_expect(expected != CKR_OK || back_len == 48u - (CK_ULONG)last);
    }
}

Test(p11_cipher, a_counter_does_not_begin_anew)
{
    CK_AES_CTR_PARAMS params = {.counter_bits = 32};
    CK_MECHANISM mechanism = {CKM_AES_CTR, &params, sizeof(params)};
    CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, 16, NULL, 0);
    CK_ULONG len = 0;
    memset(params.cb, 0xff, 16);
    params.cb[15] = 0xfe; /* two blocks are left */
    for (CK_ULONG bits = 1; bits <= 128; bits += bits < 8 ? 1 : 8) {
        params.counter_bits = bits;
        CK_RV more = bits == 128 ? CKR_OK : CKR_DATA_LEN_RANGE;
        cr_expect_eq(whole(encrypting, &mechanism, key, data, 32, out, &len), CKR_OK, "%lu", bits);
        cr_expect_eq(whole(encrypting, &mechanism, key, data, 33, out, &len), more, "%lu", bits);
        cr_expect_eq(C_EncryptInit(f.session, &mechanism, key), CKR_OK);
        cr_expect_eq(C_EncryptUpdate(f.session, data, 30, out, &len), CKR_OK);
        cr_expect_eq(C_EncryptUpdate(f.session, data, 2, out, &len), CKR_OK);
        cr_expect_eq(C_EncryptUpdate(f.session, data, 1, out, &len), more);
        (void)C_EncryptInit(f.session, NULL, 0);
    }
    params.cb[7] = 0; /* of 72 bits the upper ones are not all used */
    params.counter_bits = 72;
    cr_expect_eq(whole(encrypting, &mechanism, key, data, 100, out, &len), CKR_OK);
}

Test(p11_cipher, parameters_are_looked_at)
{
    struct parameter parameter = {0};
    CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, 16, NULL, 0);
    CK_MECHANISM gcm = with_iv(CKM_AES_GCM, &parameter, 12, 0), ctr = with_iv(CKM_AES_CTR, &parameter, 16, 0);
    CK_MECHANISM bad[] = {{CKM_AES_ECB, parameter.iv, 16},
                          {CKM_AES_CBC, parameter.iv, 15},
                          {CKM_AES_CBC, NULL, 16},
                          {CKM_AES_CBC_PAD, NULL, 0},
                          {CKM_AES_CTR, &parameter.ctr, 8},
                          {CKM_AES_GCM, &parameter.gcm, sizeof(parameter.gcm) - 8},
                          {CKM_AES_GCM, NULL, 0}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_eq(C_EncryptInit(f.session, &bad[i], key), CKR_MECHANISM_PARAM_INVALID, "%zu", i);
    for (CK_ULONG bits = 0; bits <= 129; bits++) {
        parameter.gcm.tag_bits = bits;
        CK_RV expected = bits == 32 || bits == 64 || (bits >= 96 && bits <= 128 && bits % 8 == 0)
                             ? CKR_OK
                             : CKR_MECHANISM_PARAM_INVALID;
        cr_expect_eq(C_EncryptInit(f.session, &gcm, key), expected, "%lu", bits);
        if (expected == CKR_OK)
            cr_expect_eq(C_EncryptInit(f.session, NULL, 0), CKR_OK);
    }
    parameter.gcm.tag_bits = 128;
    for (int i = 0; i < 4; i++) {
        CK_GCM_PARAMS params = parameter.gcm;
        CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof(params)};
        params.iv_len = i == 0 ? 0 : i == 1 ? 129 : 12;
        params.iv_ptr = i == 2 ? NULL : params.iv_ptr;
        params.aad_ptr = NULL;
        params.aad_len = i == 3 ? 1 : 0;
        cr_expect_eq(C_DecryptInit(f.session, &mechanism, key), CKR_MECHANISM_PARAM_INVALID, "%d", i);
    }
    parameter.ctr.counter_bits = 0;
    cr_expect_eq(C_EncryptInit(f.session, &ctr, key), CKR_MECHANISM_PARAM_INVALID);
    parameter.ctr.counter_bits = 129;
    cr_expect_eq(C_EncryptInit(f.session, &ctr, key), CKR_MECHANISM_PARAM_INVALID);
}

Test(p11_cipher, keys_are_used_for_what_they_are_for)
{
    CK_ATTRIBUTE no_encrypt[] = {{CKA_ENCRYPT, &no, 1}};
    CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0}, cmac = {CKM_AES_CMAC, NULL, 0}, none = {CKM_AES_OFB, NULL, 0},
                 rsa_pkcs = {CKM_RSA_PKCS, NULL, 0};
    CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, 16, NULL, 0),
                     mute = bring_key(f.session, CKK_AES, data, 16, no_encrypt, 1),
                     generic = bring_key(f.session, CKK_GENERIC_SECRET, data, 16, NULL, 0),
                     rsa = find_one(f.session, CKO_PRIVATE_KEY, "rsa"),
                     rsa_public = find_one(f.session, CKO_PUBLIC_KEY, "rsa");
    cr_expect_eq(C_EncryptInit(f.session, &ecb, mute), CKR_KEY_FUNCTION_NOT_PERMITTED);
    cr_expect_eq(C_DecryptInit(f.session, &ecb, mute), CKR_OK);
    cr_expect_eq(C_DecryptInit(f.session, &ecb, mute), CKR_OPERATION_ACTIVE);
    cr_expect_eq(C_DecryptInit(f.session, NULL, 0), CKR_OK);
    cr_expect_eq(C_DecryptInit(f.session, NULL, 0), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_EncryptInit(f.session, &ecb, generic), CKR_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(C_EncryptInit(f.session, &ecb, 424242), CKR_KEY_HANDLE_INVALID);
    cr_expect_eq(C_EncryptInit(f.session, &cmac, key), CKR_MECHANISM_INVALID);
    cr_expect_eq(C_EncryptInit(f.session, &none, key), CKR_MECHANISM_INVALID);
    /* a user's key signs, and does nothing else */
    cr_expect_eq(C_DecryptInit(f.session, &ecb, rsa), CKR_KEY_TYPE_INCONSISTENT);
    cr_expect_eq(C_DecryptInit(f.session, &rsa_pkcs, rsa), CKR_MECHANISM_INVALID);
    cr_expect_eq(C_EncryptInit(f.session, &rsa_pkcs, rsa_public), CKR_MECHANISM_INVALID);
}

Test(p11_cipher, order_of_calls_and_what_ends_an_operation)
{
    CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0};
    CK_OBJECT_HANDLE key = bring_key(f.session, CKK_AES, data, 16, NULL, 0);
    CK_ULONG len = sizeof(out);
    cr_expect_eq(C_Encrypt(f.session, data, 16, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(C_DecryptUpdate(f.session, data, 16, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    cr_assert_eq(C_EncryptInit(f.session, &ecb, key), CKR_OK);
    cr_assert_eq(C_DestroyObject(f.session, key), CKR_OK); /* the operation has what it needs */
    cr_assert_eq(C_EncryptUpdate(f.session, data, 3, out, &len), CKR_OK);
    cr_expect_eq(len, 0);
    cr_expect_eq(C_Encrypt(f.session, data, 16, out, &len), CKR_OPERATION_ACTIVE);
    cr_expect_eq(C_EncryptUpdate(f.session, NULL, 16, out, &len), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_EncryptUpdate(f.session, data, 16, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    key = bring_key(f.session, CKK_AES, data, 16, NULL, 0);
    cr_assert_eq(C_EncryptInit(f.session, &ecb, key), CKR_OK);
    cr_expect_eq(C_Encrypt(f.session, data, 16, out, NULL), CKR_ARGUMENTS_BAD);
    cr_assert_eq(C_EncryptInit(f.session, &ecb, key), CKR_OK);
    cr_assert_eq(C_DecryptInit(f.session, &ecb, key), CKR_OK);
    cr_assert_eq(C_SessionCancel(f.session, CKF_ENCRYPT), CKR_OK);
    cr_expect_eq(C_EncryptFinal(f.session, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    len = 0;
    cr_expect_eq(C_Decrypt(f.session, data, 16, out, &len), CKR_BUFFER_TOO_SMALL);
    cr_expect_eq(len, 16);
    cr_expect_eq(C_Decrypt(f.session, data, 16, out, &len), CKR_OK);
    cr_assert_eq(C_DecryptInit(f.session, &ecb, key), CKR_OK);
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    f.session = open_session(0, 0);
    cr_expect_eq(C_Decrypt(f.session, data, 16, out, &len), CKR_OPERATION_NOT_INITIALIZED);
}
