/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "base/ids.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_sha256(struct tp_bytes a, struct tp_bytes b, struct tp_bytes c, const char *expected)
{
    uint8_t hash[TP_SHA256_LEN];
    char text[2 * TP_SHA256_LEN + 1];
    cr_assert_eq(tp_sha256(a, b, c, hash), TP_OK);
    tp_hex_encode(TP_BYTES(hash, sizeof(hash)), text);
    cr_assert_str_eq(text, expected);
}

static void context_hashes(void)
{
    assert_sha256(TP_BYTES("abc", 3), TP_BYTES_NONE, TP_BYTES_NONE,
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* FIPS 180-2, B.1 */
Test(crypto, sha256_joins_its_three_parts)
{
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_sha256(TP_BYTES("abc", 3), TP_BYTES_NONE, TP_BYTES_NONE, abc);
    assert_sha256(TP_BYTES("a", 1), TP_BYTES("b", 1), TP_BYTES("c", 1), abc);
    assert_sha256(TP_BYTES_NONE, TP_BYTES("ab", 2), TP_BYTES("c", 1), abc);
    assert_sha256(TP_BYTES_NONE, TP_BYTES_NONE, TP_BYTES_NONE,
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* That nothing is left when it is in time is what tests/integration/test_import.py looks for, in the engine's memory. */
Test(crypto, says_when_it_is_too_late_to_wipe_what_is_freed)
{
    context_hashes();
    cr_assert_not(tp_crypto_wipe_freed());
    context_hashes();
    tp_crypto_release();
}

Test(crypto, context_is_private_and_has_the_default_provider)
{
    OSSL_LIB_CTX *libctx = tp_crypto_libctx();
    cr_assert_not_null(libctx);
    cr_assert_eq(tp_crypto_libctx(), libctx);
    cr_assert_neq(libctx, OSSL_LIB_CTX_get0_global_default());
    cr_assert(OSSL_PROVIDER_available(libctx, "default"));
    cr_assert_not(OSSL_PROVIDER_available(libctx, "legacy"));
    tp_crypto_release();
}

Test(crypto, digest_is_fetched_once)
{
    const EVP_MD *md = tp_crypto_digest("SHA3-256");
    cr_assert_not_null(md);
    cr_assert_eq(EVP_MD_get_size(md), 32);
    cr_assert_eq(tp_crypto_digest("SHA3-256"), md);
    cr_assert_neq(tp_crypto_digest("SHA512"), md);
    tp_crypto_release();
}

Test(crypto, unknown_digest_is_refused_and_leaves_no_trace)
{
    cr_assert_null(tp_crypto_digest("NO-SUCH-DIGEST"));
    cr_assert_null(tp_crypto_digest("MD4")); /* of the legacy provider */
    cr_assert_eq(ERR_peek_error(), 0);
    tp_crypto_release();
}

Test(crypto, the_callers_error_queue_stays_as_it_was)
{
    ERR_raise(ERR_LIB_USER, 42);
    cr_assert_null(tp_crypto_digest("NO-SUCH-DIGEST"));
    cr_assert_eq(ERR_GET_REASON(ERR_get_error()), 42);
    cr_assert_eq(ERR_get_error(), 0);
    tp_crypto_release();
}

Test(crypto, after_release_a_first_use_makes_it_anew)
{
    uint8_t before[TP_SHA256_LEN], after[TP_SHA256_LEN];
    cr_assert_eq(tp_sha256(TP_BYTES("x", 1), TP_BYTES_NONE, TP_BYTES_NONE, before), TP_OK);
    tp_crypto_release();
    tp_crypto_release();
    cr_assert_eq(tp_sha256(TP_BYTES("x", 1), TP_BYTES_NONE, TP_BYTES_NONE, after), TP_OK);
    cr_assert_eq(memcmp(before, after, sizeof(before)), 0);
    tp_crypto_release();
}

static void *first_use(void *ret_md)
{
    *(const EVP_MD **)ret_md = tp_crypto_digest("SHA384");
    return tp_crypto_libctx();
}

Test(crypto, threads_that_come_at_the_same_time_share_one_context)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    const EVP_MD *mds[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, first_use, &mds[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        void *libctx = NULL;
        cr_assert_eq(pthread_join(threads[i], &libctx), 0);
        cr_assert_eq(libctx, tp_crypto_libctx());
        cr_assert_not_null(mds[i]);
        cr_assert_eq(EVP_MD_get_size(mds[i]), 48);
    }
    tp_crypto_release();
}

Test(crypto, random_bytes_fill_the_whole_buffer_and_differ)
{
    uint8_t a[64] = {0}, b[64] = {0}, none[16] = {0};
    cr_assert_eq(tp_random(a, sizeof(a)), TP_OK);
    cr_assert_eq(tp_random(b, sizeof(b)), TP_OK);
    cr_assert_neq(memcmp(a, b, sizeof(a)), 0);
    for (size_t i = 0; i < sizeof(a); i += sizeof(none))
        cr_assert_neq(memcmp(a + i, none, sizeof(none)), 0);
    cr_assert_eq(tp_random(none, 0), TP_OK);
    tp_crypto_release();
}

Test(crypto, identifiers_are_32_lower_case_hex_digits_and_differ)
{
    char a[TP_ID_LEN], b[TP_ID_LEN];
    cr_assert_eq(tp_id_make(a), TP_OK);
    cr_assert_eq(tp_id_make(b), TP_OK);
    cr_assert_eq(strlen(a), TP_ID_LEN - 1);
    cr_assert_eq(strspn(a, "0123456789abcdef"), TP_ID_LEN - 1);
    cr_assert_str_neq(a, b);
    tp_crypto_release();
}

Test(crypto, libcryptos_end_is_noticed)
{
    cr_assert(!tp_crypto_ended());
    cr_assert_neq(tp_crypto_libctx(), NULL);
    cr_assert(!tp_crypto_ended());
    OPENSSL_cleanup();
    cr_assert(tp_crypto_ended());
}

/* Whether $OPENSSL_CONF is read when somebody hashes in libcrypto's own context; it makes an object known. */
static bool reads_conf(void)
{
    char path[] = "/tmp/trustp11-crypto-XXXXXX";
    uint8_t digest[TP_SHA256_LEN];
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_gt(dprintf(fd, "openssl_conf = a\n[a]\noid_section = b\n[b]\nunitObject = 1.2.3.4.5.6.7.8\n"), 0);
    (void)close(fd);
    setenv("OPENSSL_CONF", path, 1);
    cr_assert_eq(EVP_Q_digest(NULL, "SHA256", NULL, "", 0, digest, NULL), 1);
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    (void)unlink(path);
    return OBJ_txt2nid("unitObject") != NID_undef;
}

Test(crypto, a_program_of_ours_reads_no_configuration_of_libcrypto)
{
    tp_crypto_ignore_conf();
    cr_assert_not(reads_conf());
}

Test(crypto, other_programs_read_theirs)
{
    cr_assert(reads_conf());
}
