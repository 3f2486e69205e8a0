/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/private_key.h"
#include "pki/internal.h"

#include <openssl/core_names.h>
#include <string.h>

#define EXPONENT_BITS_LEAST 17 /* 65537 and up, FIPS 186-5 A.1.1: HSMs refuse the smaller ones that were once in use */
#define EXPONENT_BITS_MOST  256

TP_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
TP_DEFINE_AUTO(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

static void number_clear(BIGNUM **number)
{
    BN_clear_free(*number);
}

static const char *const types[] = {"rsa-2048", "rsa-3072", "rsa-4096", "p-256", "p-384", "p-521", "ed25519"};

static enum tp_rc load(struct tp_bytes der, struct tp_error *error, EVP_PKEY **ret_key)
{
    if (der.len > TP_PKI_PRIVATE_KEY_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "a private key of %zu bytes is larger than any that is taken: RSA-4096",
                            der.len);
    const unsigned char *at = der.data;
    PKCS8_PRIV_KEY_INFO *info TP_AUTO(PKCS8_PRIV_KEY_INFO_free_p) =
        der.len == 0 ? NULL : d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
    if (info == NULL || at != der.data + der.len)
        return tp_error_set(error, TP_MALFORMED, "the private key is not a PrivateKeyInfo (PKCS#8) in DER");
    EVP_PKEY *key = EVP_PKCS82PKEY_ex(info, tp_crypto_libctx(), NULL);
    if (key == NULL)
        return tp_error_set(error, TP_MALFORMED, "the private key in the PKCS#8 is broken, or of a kind that is not known");
    *ret_key = key;
    return TP_OK;
}

/* A point that was compressed would give another SubjectPublicKeyInfo than the certificate's. */
static enum tp_rc normalise(EVP_PKEY *key)
{
    if (!EVP_PKEY_is_a(key, "EC"))
        return TP_OK;
    return EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                          OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 1 &&
                   EVP_PKEY_set_int_param(key, OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, 1) == 1
               ? TP_OK
               : TP_CRYPTO;
}

static enum tp_rc take_spki(EVP_PKEY *key, struct tp_error *error, struct tp_buf *spki)
{
    unsigned char *der = NULL;
    struct tp_error why = {0};
    struct tp_pki_key_info info;
    TP_TRY(normalise(key));
    TP_TRY(tp_pki_der_take(&der, i2d_PUBKEY(key, &der), spki));
    /* Curves by explicit parameters and RSASSA-PSS keys end here, too. */
    if (tp_pki_key_info(tp_buf_bytes(spki), &why, &info) == TP_OK)
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            if (strcmp(types[i], info.type) == 0)
                return TP_OK;
    return tp_error_set(error, TP_UNSUPPORTED,
                        "the private key is none of RSA with 2048, 3072 or 4096 bits, P-256, P-384, P-521 (as a named "
                        "curve), Ed25519");
}

static bool number_get(const EVP_PKEY *key, const char *name, BIGNUM **ret_number)
{
    return EVP_PKEY_get_bn_param(key, name, ret_number) == 1;
}

/* Two primes of the same length, and an exponent that is no attack of its own. That they are primes, and that all fits
 * together, EVP_PKEY_check finds out, more slowly. */
static enum tp_rc check_rsa(const EVP_PKEY *key, struct tp_error *error)
{
    BIGNUM *e TP_AUTO(number_clear) = NULL, *d TP_AUTO(number_clear) = NULL, *p TP_AUTO(number_clear) = NULL,
               *q TP_AUTO(number_clear) = NULL, *third TP_AUTO(number_clear) = NULL;
    const int bits = EVP_PKEY_get_bits(key);
    if (!EVP_PKEY_is_a(key, "RSA"))
        return TP_OK;
    if (number_get(key, OSSL_PKEY_PARAM_RSA_FACTOR3, &third))
        return tp_error_set(error, TP_UNSUPPORTED, "the RSA key has more than two primes");
    if (!number_get(key, OSSL_PKEY_PARAM_RSA_E, &e) || !number_get(key, OSSL_PKEY_PARAM_RSA_D, &d) ||
        !number_get(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &p) || !number_get(key, OSSL_PKEY_PARAM_RSA_FACTOR2, &q))
        return tp_error_set(error, TP_BAD_ARGUMENT, "the RSA key lacks its primes");
    if (!BN_is_odd(e) || BN_num_bits(e) < EXPONENT_BITS_LEAST || BN_num_bits(e) > EXPONENT_BITS_MOST)
        return tp_error_set(error, TP_UNSUPPORTED,
                            "the RSA key's public exponent is not an odd number of %d to %d bits; make a new key",
                            EXPONENT_BITS_LEAST, EXPONENT_BITS_MOST);
    if (BN_num_bits(p) != bits / 2 || BN_num_bits(q) != bits / 2 || BN_num_bits(d) > bits || BN_num_bits(d) <= bits / 2)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the RSA key's primes or its private exponent have a wrong length");
    return TP_OK;
}

static enum tp_rc check(EVP_PKEY *key, struct tp_error *error)
{
    TP_TRY(check_rsa(key, error));
    EVP_PKEY_CTX *context TP_AUTO(EVP_PKEY_CTX_free_p) = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), key, NULL);
    if (context == NULL)
        return TP_MEMORY;
    if (EVP_PKEY_check(context) != 1)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the private key's parts do not belong together: it is damaged");
    return TP_OK;
}

static enum tp_rc write(const EVP_PKEY *key, struct tp_secret **ret_pkcs8)
{
    struct tp_secret *pkcs8 TP_AUTO(tp_secret_free_p) = NULL;
    PKCS8_PRIV_KEY_INFO *info TP_AUTO(PKCS8_PRIV_KEY_INFO_free_p) = EVP_PKEY2PKCS8(key);
    const int len = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    if (len <= 0 || (size_t)len > TP_PKI_PRIVATE_KEY_MAX)
        return TP_CRYPTO;
    TP_TRY(tp_secret_new((size_t)len, &pkcs8));
    unsigned char *at = tp_secret_data(pkcs8);
    if (i2d_PKCS8_PRIV_KEY_INFO(info, &at) != len)
        return TP_CRYPTO;
    TP_TRY(tp_secret_set_len(pkcs8, (size_t)len));
    *ret_pkcs8 = pkcs8;
    pkcs8 = NULL;
    return TP_OK;
}

enum tp_rc tp_pki_private_key_parse(struct tp_bytes der, struct tp_error *error, struct tp_secret **ret_pkcs8,
                                    struct tp_buf *ret_spki)
{
    TP_PKI_ERRORS_KEEP;
    EVP_PKEY *key TP_AUTO(EVP_PKEY_free_p) = NULL;
    struct tp_secret *pkcs8 TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_buf spki TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(load(der, error, &key));
    TP_TRY(take_spki(key, error, &spki));
    TP_TRY(check(key, error));
    TP_TRY(write(key, &pkcs8));
    TP_TRY(tp_buf_append(ret_spki, tp_buf_bytes(&spki)));
    *ret_pkcs8 = pkcs8;
    pkcs8 = NULL;
    return TP_OK;
}

enum tp_rc tp_pki_private_key_make(struct tp_secret **ret_pkcs8, struct tp_buf *ret_spki)
{
    TP_PKI_ERRORS_KEEP;
    EVP_PKEY *key TP_AUTO(EVP_PKEY_free_p) = EVP_PKEY_Q_keygen(tp_crypto_libctx(), NULL, "EC", "P-256");
    struct tp_secret *pkcs8 TP_AUTO(tp_secret_free_p) = NULL;
    if (key == NULL)
        return TP_CRYPTO;
    TP_TRY(write(key, &pkcs8));
    TP_TRY(take_spki(key, NULL, ret_spki));
    *ret_pkcs8 = pkcs8;
    pkcs8 = NULL;
    return TP_OK;
}
