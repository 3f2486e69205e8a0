/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

static struct fixture f;
static CK_BYTE digest[64];
static CK_ULONG digest_len;

static void open_all(void)
{
    fixture_open(&f, NULL);
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_digest, .init = open_all, .fini = close_all);

static CK_RV begin(CK_MECHANISM_TYPE type)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    digest_len = sizeof(digest);
    return C_DigestInit(f.session, &mechanism);
}

Test(p11_digest, every_hash_is_the_right_one_whole_and_in_parts)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *name;
    } rows[] = {{CKM_SHA_1, "SHA1"},           {CKM_SHA224, "SHA224"},
                {CKM_SHA256, "SHA256"},        {CKM_SHA384, "SHA384"},
                {CKM_SHA512, "SHA512"},        {CKM_SHA3_224, "SHA3-224"},
                {CKM_SHA3_256, "SHA3-256"},    {CKM_SHA3_384, "SHA3-384"},
                {CKM_SHA3_512, "SHA3-512"},    {CKM_SHA512_224, "SHA512-224"},
                {CKM_SHA512_256, "SHA512-256"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char expected[64];
        size_t len = 0;
        cr_assert_eq(EVP_Q_digest(NULL, rows[i].name, NULL, "abcdef", 6, expected, &len), 1);
        cr_assert_eq(begin(rows[i].type), CKR_OK, "%s", rows[i].name);
        cr_assert_eq(C_Digest(f.session, (CK_BYTE *)"abcdef", 6, digest, &digest_len), CKR_OK);
        cr_expect_eq(digest_len, len, "%s", rows[i].name);
        cr_expect_eq(memcmp(digest, expected, len), 0, "%s", rows[i].name);
        cr_assert_eq(begin(rows[i].type), CKR_OK);
        cr_assert_eq(C_DigestUpdate(f.session, (CK_BYTE *)"abc", 3), CKR_OK);
        cr_assert_eq(C_DigestUpdate(f.session, (CK_BYTE *)"def", 3), CKR_OK);
        cr_assert_eq(C_DigestFinal(f.session, digest, &digest_len), CKR_OK);
        cr_expect_eq(memcmp(digest, expected, len), 0, "%s", rows[i].name);
    }
}

Test(p11_digest, a_hash_that_is_not_offered_is_refused)
{
    cr_expect_eq(begin(CKM_MD5), CKR_MECHANISM_INVALID);
    cr_expect_eq(begin(CKM_RSA_PKCS), CKR_MECHANISM_INVALID);
    cr_expect_eq(C_Digest(f.session, digest, 1, digest, &digest_len), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(C_DigestInit(f.session, NULL), CKR_ARGUMENTS_BAD);
}

Test(p11_digest, a_buffer_that_is_too_small_keeps_the_operation)
{
    cr_assert_eq(begin(CKM_SHA256), CKR_OK);
    cr_expect_eq(C_Digest(f.session, (CK_BYTE *)"abc", 3, NULL, &digest_len), CKR_OK);
    cr_expect_eq(digest_len, 32);
    digest_len = 31;
    cr_expect_eq(C_Digest(f.session, (CK_BYTE *)"abc", 3, digest, &digest_len), CKR_BUFFER_TOO_SMALL);
    cr_expect_eq(C_Digest(f.session, (CK_BYTE *)"abc", 3, digest, &digest_len), CKR_OK);
    cr_expect_eq(memcmp(digest, "\xba\x78\x16\xbf", 4), 0);
}

Test(p11_digest, order_of_calls_is_kept)
{
    cr_assert_eq(begin(CKM_SHA256), CKR_OK);
    cr_expect_eq(begin(CKM_SHA256), CKR_OPERATION_ACTIVE);
    cr_expect_eq(C_DigestUpdate(f.session, (CK_BYTE *)"abc", 3), CKR_OK);
    cr_expect_eq(C_Digest(f.session, (CK_BYTE *)"abc", 3, digest, &digest_len), CKR_OPERATION_ACTIVE);
    cr_expect_eq(C_DigestUpdate(f.session, NULL, 3), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_DigestFinal(f.session, digest, &digest_len), CKR_OPERATION_NOT_INITIALIZED);
}

Test(p11_digest, keys_are_not_digested)
{
    (void)fake_engine_add_key(f.engine, "p-256", "key", false);
    CK_OBJECT_HANDLE key = find_one(f.session, CKO_PUBLIC_KEY, "key");
    cr_expect_eq(C_DigestKey(f.session, key), CKR_OPERATION_NOT_INITIALIZED);
    cr_assert_eq(begin(CKM_SHA256), CKR_OK);
    cr_expect_eq(C_DigestKey(f.session, key), CKR_KEY_INDIGESTIBLE);
    cr_assert_eq(begin(CKM_SHA256), CKR_OK);
    cr_expect_eq(C_DigestKey(f.session, 424242), CKR_KEY_HANDLE_INVALID);
}

/* ---- random numbers ---- */

Test(p11_digest, random_bytes_differ_and_large_amounts_are_given)
{
    static CK_BYTE large[200000];
    CK_BYTE a[32] = {0}, b[32] = {0};
    cr_assert_eq(C_GenerateRandom(f.session, a, sizeof(a)), CKR_OK);
    cr_assert_eq(C_GenerateRandom(f.session, b, sizeof(b)), CKR_OK);
    cr_expect_neq(memcmp(a, b, sizeof(a)), 0);
    cr_assert_eq(C_GenerateRandom(f.session, large, sizeof(large)), CKR_OK);
    cr_expect_neq(memcmp(large, large + sizeof(large) - 32, 32), 0);
    cr_expect_eq(C_GenerateRandom(f.session, NULL, 0), CKR_OK);
    cr_expect_eq(C_GenerateRandom(f.session, NULL, 1), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateRandom(CK_INVALID_HANDLE, a, 1), CKR_SESSION_HANDLE_INVALID);
}

Test(p11_digest, a_seed_is_taken)
{
    CK_BYTE a[32] = {0};
    cr_expect_eq(C_SeedRandom(f.session, (CK_BYTE *)"seed", 4), CKR_OK);
    cr_expect_eq(C_SeedRandom(f.session, NULL, 4), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_GenerateRandom(f.session, a, sizeof(a)), CKR_OK);
}

struct late {
    pthread_barrier_t used, finalised;
    CK_OBJECT_HANDLE key;
};

/* Whatever of libcrypto's a thread comes into touch with: it must keep nothing that C_Finalize takes away. */
static void *use_then_outlive(void *context)
{
    struct late *late = context;
    CK_BYTE bytes[64] = {0};
    CK_SESSION_HANDLE session = open_session(0, 0);
    CK_ULONG len = sizeof(bytes);
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    (void)C_GenerateRandom(session, bytes, sizeof(bytes));
    (void)C_SeedRandom(session, bytes, sizeof(bytes));
    (void)C_DigestInit(session, &mechanism);
    (void)C_Digest(session, bytes, sizeof(bytes), bytes, &len);
    cr_expect_eq(verify(session, CKM_ECDSA_SHA256, late->key, "x", 1, bytes, sizeof(bytes)), CKR_SIGNATURE_INVALID);
    (void)pthread_barrier_wait(&late->used);
    (void)pthread_barrier_wait(&late->finalised);
    return NULL; /* the thread's own state in libcrypto is freed now */
}

Test(p11_digest, a_thread_may_outlive_the_module)
{
    struct late late;
    pthread_t thread;
    (void)fake_engine_add_key(f.engine, "p-256", "key", true);
    late.key = find_one(f.session, CKO_PUBLIC_KEY, "key");
    (void)pthread_barrier_init(&late.used, NULL, 2);
    (void)pthread_barrier_init(&late.finalised, NULL, 2);
    cr_assert_eq(pthread_create(&thread, NULL, use_then_outlive, &late), 0);
    (void)pthread_barrier_wait(&late.used);
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    (void)pthread_barrier_wait(&late.finalised);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_expect_eq(C_Initialize(NULL), CKR_OK);
}
