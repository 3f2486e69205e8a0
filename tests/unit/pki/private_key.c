/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/private_key.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

TestSuite(private_key, .timeout = 120);

static struct tp_buf pkcs8_of(EVP_PKEY *key)
{
    struct tp_buf buf = TP_BUF_INIT;
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    cr_assert_not_null(info);
    const int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    cr_assert_gt(len, 0);
    cr_assert_eq(tp_buf_append(&buf, TP_BYTES(der, (size_t)len)), TP_OK);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return buf;
}

static void refused_bytes(struct tp_bytes der, enum tp_rc rc, const char *what)
{
    struct tp_error error = {0};
    struct tp_secret *pkcs8 = NULL;
    struct tp_buf spki = TP_BUF_INIT;
    enum tp_rc got = tp_pki_private_key_parse(der, &error, &pkcs8, &spki);
    cr_expect_eq(got, rc, "%s: %s, %s", what, tp_rc_name(got), tp_error_words(&error));
    cr_expect_null(pkcs8, "%s", what);
    cr_expect_eq(spki.len, 0, "%s", what);
}

static void refused(EVP_PKEY *key, enum tp_rc rc, const char *what)
{
    struct tp_buf der = pkcs8_of(key);
    refused_bytes(tp_buf_bytes(&der), rc, what);
    tp_buf_clear(&der);
    EVP_PKEY_free(key);
}

static EVP_PKEY *rsa(unsigned bits, unsigned primes, unsigned long exponent)
{
    EVP_PKEY *key = NULL;
    BIGNUM *e = BN_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    cr_assert(BN_set_word(e, exponent) && EVP_PKEY_keygen_init(context) > 0 &&
              EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) > 0 &&
              EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e) > 0 &&
              (primes == 2 || EVP_PKEY_CTX_set_rsa_keygen_primes(context, (int)primes) > 0) &&
              EVP_PKEY_keygen(context, &key) > 0);
    EVP_PKEY_CTX_free(context);
    BN_free(e);
    return key;
}

Test(private_key, of_each_kind_is_taken_and_written_alike)
{
    static const char *const kinds[] = {"rsa-2048", "P-256", "P-384", "P-521", "ED25519"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        EVP_PKEY *key = forge_key(kinds[i]);
        struct tp_buf der = pkcs8_of(key), expected = forge_spki(key), spki = TP_BUF_INIT, again_spki = TP_BUF_INIT;
        struct tp_secret *pkcs8 = NULL, *again = NULL;
        struct tp_error error = {0};
        cr_assert_eq(tp_pki_private_key_parse(tp_buf_bytes(&der), &error, &pkcs8, &spki), TP_OK, "%s: %s", kinds[i],
                     tp_error_words(&error));
        cr_expect(tp_bytes_equal(tp_buf_bytes(&spki), tp_buf_bytes(&expected)), "%s", kinds[i]);
        cr_assert_eq(tp_pki_private_key_parse(tp_secret_bytes(pkcs8), &error, &again, &again_spki), TP_OK);
        cr_expect(tp_bytes_equal(tp_secret_bytes(pkcs8), tp_secret_bytes(again)), "%s", kinds[i]);
        tp_secret_free(pkcs8);
        tp_secret_free(again);
        tp_buf_clear(&der);
        tp_buf_clear(&expected);
        tp_buf_clear(&spki);
        tp_buf_clear(&again_spki);
        EVP_PKEY_free(key);
    }
}

Test(private_key, of_the_largest_kind_fits)
{
    EVP_PKEY *key = rsa(4096, 2, RSA_F4);
    struct tp_buf der = pkcs8_of(key), spki = TP_BUF_INIT;
    struct tp_secret *pkcs8 = NULL;
    cr_assert_eq(tp_pki_private_key_parse(tp_buf_bytes(&der), NULL, &pkcs8, &spki), TP_OK);
    cr_expect_leq(tp_secret_len(pkcs8), TP_PKI_PRIVATE_KEY_MAX);
    tp_secret_free(pkcs8);
    tp_buf_clear(&spki);
    tp_buf_clear(&der);
    EVP_PKEY_free(key);
}

/* The certificate's key is written uncompressed, so this one has to be, too. */
Test(private_key, with_a_compressed_point_gives_the_uncompressed_spki)
{
    EVP_PKEY *key = forge_key("P-256");
    struct tp_buf expected = forge_spki(key), spki = TP_BUF_INIT;
    struct tp_secret *pkcs8 = NULL;
    cr_assert_eq(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), 1);
    struct tp_buf der = pkcs8_of(key);
    cr_assert_eq(tp_pki_private_key_parse(tp_buf_bytes(&der), NULL, &pkcs8, &spki), TP_OK);
    cr_expect(tp_bytes_equal(tp_buf_bytes(&spki), tp_buf_bytes(&expected)));
    tp_secret_free(pkcs8);
    tp_buf_clear(&der);
    tp_buf_clear(&spki);
    tp_buf_clear(&expected);
    EVP_PKEY_free(key);
}

Test(private_key, of_other_kinds_is_refused)
{
    refused(forge_key("rsa-1024"), TP_UNSUPPORTED, "rsa-1024");
    refused(rsa(2056, 2, RSA_F4), TP_UNSUPPORTED, "rsa-2056");
    refused(rsa(2048, 3, RSA_F4), TP_UNSUPPORTED, "three primes");
    refused(rsa(2048, 2, 3), TP_UNSUPPORTED, "exponent 3");
    refused(forge_key("secp256k1"), TP_UNSUPPORTED, "secp256k1");
    refused(forge_key("ED448"), TP_UNSUPPORTED, "ed448");
    refused(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), TP_UNSUPPORTED, "x25519");
    EVP_PKEY *pss = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    cr_assert(EVP_PKEY_keygen_init(context) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0 &&
              EVP_PKEY_keygen(context, &pss) > 0);
    EVP_PKEY_CTX_free(context);
    refused(pss, TP_UNSUPPORTED, "rsa-pss");
}

/* RFC 5480, 2.1.1: they have been an attack (CVE-2020-0601). */
Test(private_key, with_explicit_parameters_is_refused)
{
    EVP_PKEY *key = forge_key("P-256");
    cr_assert_eq(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT), 1);
    refused(key, TP_UNSUPPORTED, "explicit");
}

Test(private_key, that_is_cut_or_has_more_behind_it_is_refused)
{
    EVP_PKEY *key = forge_key("P-256");
    struct tp_buf der = pkcs8_of(key);
    for (size_t len = 0; len < der.len; len++)
        refused_bytes(TP_BYTES(der.data, len), TP_MALFORMED, "cut");
    cr_assert_eq(tp_buf_append_u8(&der, 0), TP_OK);
    refused_bytes(tp_buf_bytes(&der), TP_MALFORMED, "longer");
    static const uint8_t large[TP_PKI_PRIVATE_KEY_MAX + 1] = {0x30, 0x82, 0x09, 0xfd};
    refused_bytes(TP_BYTES(large, sizeof large), TP_TOO_LARGE, "large");
    tp_buf_clear(&der);
    EVP_PKEY_free(key);
}

/* An RSA key with NAME's number made another by one bit. */
static EVP_PKEY *with_wrong(EVP_PKEY *good, const char *name, int bit)
{
    OSSL_PARAM *params = NULL;
    EVP_PKEY *bad = NULL;
    BIGNUM *number = NULL;
    cr_assert_eq(EVP_PKEY_todata(good, EVP_PKEY_KEYPAIR, &params), 1);
    OSSL_PARAM *at = OSSL_PARAM_locate(params, name);
    cr_assert_not_null(at);
    cr_assert(OSSL_PARAM_get_BN(at, &number));
    cr_assert(BN_is_bit_set(number, bit) ? BN_clear_bit(number, bit) : BN_set_bit(number, bit));
    cr_assert(OSSL_PARAM_set_BN(at, number));
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    cr_assert(EVP_PKEY_fromdata_init(context) > 0 && EVP_PKEY_fromdata(context, &bad, EVP_PKEY_KEYPAIR, params) > 0);
    EVP_PKEY_CTX_free(context);
    BN_free(number);
    OSSL_PARAM_free(params);
    return bad;
}

Test(private_key, whose_parts_do_not_fit_is_refused)
{
    static const char *const parts[] = {OSSL_PKEY_PARAM_RSA_N,       OSSL_PKEY_PARAM_RSA_D,
                                        OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    EVP_PKEY *good = forge_key("rsa-2048");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        refused(with_wrong(good, parts[i], 77), TP_BAD_ARGUMENT, parts[i]);
    refused(with_wrong(good, OSSL_PKEY_PARAM_RSA_D, 1960), TP_BAD_ARGUMENT, "d");
    EVP_PKEY_free(good);
}

/* The public key that an ECPrivateKey (RFC 5915) carries is another's. */
Test(private_key, with_another_public_key_is_refused)
{
    EVP_PKEY *key = forge_key("P-256"), *other = forge_key("P-256");
    struct tp_buf der = pkcs8_of(key), other_der = pkcs8_of(other);
    cr_assert_eq(der.len, other_der.len);
    memcpy(der.data + der.len - 65, other_der.data + other_der.len - 65, 65); /* the point ends it */
    refused_bytes(tp_buf_bytes(&der), TP_BAD_ARGUMENT, "another's point");
    der.data[der.len - 1] ^= 1;
    refused_bytes(tp_buf_bytes(&der), TP_MALFORMED, "no point of the curve");
    tp_buf_clear(&der);
    tp_buf_clear(&other_der);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}
