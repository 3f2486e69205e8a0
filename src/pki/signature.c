/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/signature.h"

#include "base/der.h"
#include "pki/internal.h"
#include "pki/oid.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#define RSA_BITS_LEAST 2048
#define EC_BITS_LEAST  224
#define SALT_MOST      2048 /* bytes: a modulus of 16384 bits */

#define OID_PKCS1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01" /* 1.2.840.113549.1.1 */
#define OID_X962  "\x2a\x86\x48\xce\x3d"             /* 1.2.840.10045 */
#define OID_SIGS  "\x60\x86\x48\x01\x65\x03\x04\x03" /* 2.16.840.1.101.3.4.3 */

static const struct tp_bytes oid_pss = TP_PKI_OID(OID_PKCS1 "\x0a"), oid_mgf1 = TP_PKI_OID(OID_PKCS1 "\x08");

static const struct {
    struct tp_bytes oid;
    struct tp_pki_signature_algorithm algorithm;
} algorithms[] = {
    {TP_PKI_OID(OID_PKCS1 "\x01"), {.scheme = TP_PKI_RSA_PKCS1}}, /* rsaEncryption: RFC 3370 §3.2 */
    {TP_PKI_OID(OID_PKCS1 "\x04"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_MD5}},
    {TP_PKI_OID(OID_PKCS1 "\x05"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA1}},
    {TP_PKI_OID("\x2b\x0e\x03\x02\x03"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_MD5}},  /* 1.3.14.3.2.3 */
    {TP_PKI_OID("\x2b\x0e\x03\x02\x1d"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA1}}, /* 1.3.14.3.2.29 */
    {TP_PKI_OID(OID_PKCS1 "\x0e"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA224}},
    {TP_PKI_OID(OID_PKCS1 "\x0b"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA256}},
    {TP_PKI_OID(OID_PKCS1 "\x0c"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA384}},
    {TP_PKI_OID(OID_PKCS1 "\x0d"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA512}},
    {TP_PKI_OID(OID_PKCS1 "\x0f"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA512_224}},
    {TP_PKI_OID(OID_PKCS1 "\x10"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA512_256}},
    {TP_PKI_OID(OID_SIGS "\x0d"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA3_224}},
    {TP_PKI_OID(OID_SIGS "\x0e"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA3_256}},
    {TP_PKI_OID(OID_SIGS "\x0f"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA3_384}},
    {TP_PKI_OID(OID_SIGS "\x10"), {.scheme = TP_PKI_RSA_PKCS1, .hash = TP_PKI_SHA3_512}},
    {TP_PKI_OID(OID_X962 "\x02\x01"), {.scheme = TP_PKI_ECDSA}}, /* id-ecPublicKey, as some programs have it here */
    {TP_PKI_OID(OID_X962 "\x04\x01"), {.scheme = TP_PKI_ECDSA, .hash = TP_PKI_SHA1}},
    {TP_PKI_OID(OID_X962 "\x04\x03\x01"), {.scheme = TP_PKI_ECDSA, .hash = TP_PKI_SHA224}},
    {TP_PKI_OID(OID_X962 "\x04\x03\x02"), {.scheme = TP_PKI_ECDSA, .hash = TP_PKI_SHA256}},
    {TP_PKI_OID(OID_X962 "\x04\x03\x03"), {.scheme = TP_PKI_ECDSA, .hash = TP_PKI_SHA384}},
    {TP_PKI_OID(OID_X962 "\x04\x03\x04"), {.scheme = TP_PKI_ECDSA, .hash = TP_PKI_SHA512}},
    {TP_PKI_OID(OID_SIGS "\x09"), {.scheme = TP_PKI_ECDSA, .hash = TP_PKI_SHA3_224}},
    {TP_PKI_OID(OID_SIGS "\x0a"), {.scheme = TP_PKI_ECDSA, .hash = TP_PKI_SHA3_256}},
    {TP_PKI_OID(OID_SIGS "\x0b"), {.scheme = TP_PKI_ECDSA, .hash = TP_PKI_SHA3_384}},
    {TP_PKI_OID(OID_SIGS "\x0c"), {.scheme = TP_PKI_ECDSA, .hash = TP_PKI_SHA3_512}},
    {TP_PKI_OID("\x2b\x65\x70"), {.scheme = TP_PKI_EDDSA, .edwards = EVP_PKEY_ED25519}}, /* RFC 8410 §3 */
    {TP_PKI_OID("\x2b\x65\x71"), {.scheme = TP_PKI_EDDSA, .edwards = EVP_PKEY_ED448}},
};

/* ---- reading ---- */

enum tp_pki_hash tp_pki_hash_of_algorithm(struct tp_bytes algorithm)
{
    struct tp_bytes inside, oid;
    if (!tp_der_take(&algorithm, TP_DER_SEQUENCE, NULL, &inside) || !tp_der_take(&inside, TP_DER_OID, &oid, NULL))
        return TP_PKI_HASH_NONE;
    for (enum tp_pki_hash hash = TP_PKI_HASH_NONE + 1; hash < TP_PKI_HASH_END; hash++)
        if (tp_bytes_equal(oid, tp_pki_hash_oid(hash)))
            return hash;
    return TP_PKI_HASH_NONE;
}

/* An INTEGER in an EXPLICIT [n], or FALLBACK when that is absent; more than MOST counts as MOST + 1. */
static bool number_optional(struct tp_bytes *at, uint8_t tag, unsigned fallback, unsigned most, unsigned *ret_number)
{
    struct tp_bytes inside, number;
    *ret_number = fallback;
    if (!tp_der_take(at, tag, NULL, &inside))
        return true;
    if (!tp_der_take(&inside, TP_DER_INTEGER, NULL, &number) || inside.len != 0 || number.len == 0 ||
        (number.data[0] & 0x80) != 0)
        return false;
    *ret_number = 0;
    for (number = tp_der_without_zeros(number); number.len > 0 && *ret_number <= most;
         number = TP_BYTES(number.data + 1, number.len - 1))
        *ret_number = *ret_number << 8 | number.data[0];
    *ret_number = *ret_number > most ? most + 1 : *ret_number;
    return true;
}

/* RSASSA-PSS-params (RFC 4055 §3.1); absent fields are SHA-1, MGF1 with it, 20, and 1. */
static bool pss_read(struct tp_bytes parameters, struct tp_pki_signature_algorithm *algorithm)
{
    struct tp_bytes fields, inside, mask, oid;
    unsigned trailer;
    *algorithm =
        (struct tp_pki_signature_algorithm){.scheme = TP_PKI_RSA_PSS, .hash = TP_PKI_SHA1, .mask_hash = TP_PKI_SHA1};
    if (!tp_der_take(&parameters, TP_DER_SEQUENCE, NULL, &fields) || parameters.len != 0)
        return false;
    if (tp_der_take(&fields, TP_DER_CONSTRUCTED + 0, NULL, &inside))
        algorithm->hash = tp_pki_hash_of_algorithm(inside);
    if (tp_der_take(&fields, TP_DER_CONSTRUCTED + 1, NULL, &inside)) {
        if (!tp_der_take(&inside, TP_DER_SEQUENCE, NULL, &mask) || !tp_der_take(&mask, TP_DER_OID, NULL, &oid) ||
            !tp_bytes_equal(oid, oid_mgf1))
            return false;
        algorithm->mask_hash = tp_pki_hash_of_algorithm(mask);
    }
    return number_optional(&fields, TP_DER_CONSTRUCTED + 2, 20, SALT_MOST, &algorithm->salt_len) &&
           number_optional(&fields, TP_DER_CONSTRUCTED + 3, 1, 1, &trailer) && fields.len == 0 && trailer == 1 &&
           algorithm->salt_len <= SALT_MOST && algorithm->hash != TP_PKI_HASH_NONE &&
           algorithm->mask_hash != TP_PKI_HASH_NONE;
}

enum tp_rc tp_pki_signature_algorithm_read(struct tp_bytes algorithm, struct tp_error *error,
                                           struct tp_pki_signature_algorithm *ret_algorithm)
{
    struct tp_bytes inside, oid;
    struct tp_pki_signature_algorithm found;
    if (!tp_der_take(&algorithm, TP_DER_SEQUENCE, NULL, &inside) || !tp_der_take(&inside, TP_DER_OID, NULL, &oid))
        return tp_error_set(error, TP_MALFORMED, "the signature algorithm is not an AlgorithmIdentifier");
    if (tp_bytes_equal(oid, oid_pss)) {
        if (!pss_read(inside, &found))
            return tp_error_set(error, TP_UNSUPPORTED, "the parameters of RSASSA-PSS are not ones that are known");
        *ret_algorithm = found;
        return TP_OK;
    }
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (!tp_bytes_equal(oid, algorithms[i].oid))
            continue;
        *ret_algorithm = algorithms[i].algorithm;
        return TP_OK;
    }
    return tp_error_set(error, TP_UNSUPPORTED, "the signature algorithm is not known");
}

/* ---- checking ---- */

static bool key_fits(const struct tp_pki_signature_algorithm *algorithm, const EVP_PKEY *key)
{
    const int id = EVP_PKEY_get_base_id(key);
    switch (algorithm->scheme) {
    case TP_PKI_RSA_PKCS1:
        return id == EVP_PKEY_RSA;
    case TP_PKI_RSA_PSS:
        return id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS;
    case TP_PKI_ECDSA:
        return id == EVP_PKEY_EC;
    case TP_PKI_EDDSA:
        return id == algorithm->edwards;
    }
    return false;
}

/* RFC 5480 §2.1.1 forbids explicit parameters of a curve, and they have been an attack (CVE-2020-0601). */
static bool curve_is_named(const EVP_PKEY *key)
{
    int explicit_parameters = 0;
    (void)EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_parameters);
    return explicit_parameters == 0;
}

static enum tp_rc key_check(const struct tp_pki_signature_algorithm *algorithm, const EVP_PKEY *key,
                            struct tp_error *error)
{
    if (!key_fits(algorithm, key))
        return tp_error_set(error, TP_CRYPTO, "the signature is of another kind than the certificate's key makes");
    if (!curve_is_named(key))
        return tp_error_set(error, TP_UNSUPPORTED, "the public key's curve has no name");
    return TP_OK;
}

static enum tp_rc complain(struct tp_error *error)
{
    return tp_error_set(error, TP_CRYPTO, "the signature does not fit the certificate's key and what is signed");
}

static bool padding_set(EVP_PKEY_CTX *context, const struct tp_pki_signature_algorithm *algorithm)
{
    if (algorithm->scheme == TP_PKI_RSA_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    if (algorithm->scheme != TP_PKI_RSA_PSS)
        return true;
    const EVP_MD *mask = tp_crypto_digest(tp_pki_hash_libcrypto(algorithm->mask_hash));
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 && mask != NULL &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, mask) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)algorithm->salt_len) == 1;
}

TP_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
TP_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)

enum tp_rc tp_pki_signature_check_digest(const struct tp_pki_signature_algorithm *algorithm, EVP_PKEY *key,
                                         struct tp_bytes digest, struct tp_bytes signature, struct tp_error *error)
{
    TP_PKI_ERRORS_KEEP;
    TP_TRY(key_check(algorithm, key, error));
    const char *name = tp_pki_hash_libcrypto(algorithm->hash);
    const EVP_MD *md = name == NULL ? NULL : tp_crypto_digest(name);
    if (algorithm->scheme == TP_PKI_EDDSA || md == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "a signature of this kind cannot be checked with a hash alone");
    if (digest.len != tp_pki_hash_len(algorithm->hash))
        return tp_error_set(error, TP_DATA_LENGTH, "a hash of %zu bytes is not one of %s", digest.len,
                            tp_pki_hash_name(algorithm->hash));
    EVP_PKEY_CTX *context TP_AUTO(EVP_PKEY_CTX_free_p) = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), key, NULL);
    if (context == NULL || EVP_PKEY_verify_init(context) != 1 || !padding_set(context, algorithm) ||
        EVP_PKEY_CTX_set_signature_md(context, md) != 1)
        return complain(error);
    return EVP_PKEY_verify(context, signature.data, signature.len, digest.data, digest.len) == 1 ? TP_OK
                                                                                                 : complain(error);
}

static enum tp_rc edwards_check(EVP_PKEY *key, struct tp_bytes message, struct tp_bytes signature,
                                struct tp_error *error)
{
    EVP_MD_CTX *context TP_AUTO(EVP_MD_CTX_free_p) = EVP_MD_CTX_new();
    if (context == NULL)
        return TP_MEMORY;
    if (EVP_DigestVerifyInit_ex(context, NULL, NULL, tp_crypto_libctx(), NULL, key, NULL) != 1 ||
        EVP_DigestVerify(context, signature.data, signature.len, message.data, message.len) != 1)
        return complain(error);
    return TP_OK;
}

enum tp_rc tp_pki_signature_check(const struct tp_pki_signature_algorithm *algorithm, EVP_PKEY *key,
                                  struct tp_bytes message, struct tp_bytes signature, struct tp_error *error)
{
    TP_PKI_ERRORS_KEEP;
    TP_TRY(key_check(algorithm, key, error));
    if (algorithm->scheme == TP_PKI_EDDSA)
        return edwards_check(key, message, signature, error);
    uint8_t digest[EVP_MAX_MD_SIZE];
    const char *name = tp_pki_hash_libcrypto(algorithm->hash);
    const EVP_MD *md = name == NULL ? NULL : tp_crypto_digest(name);
    if (md == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "the hash of the signature is not known");
    if (EVP_Digest(message.data, message.len, digest, NULL, md, NULL) != 1)
        return TP_CRYPTO;
    return tp_pki_signature_check_digest(algorithm, key, TP_BYTES(digest, tp_pki_hash_len(algorithm->hash)), signature,
                                         error);
}

/* ---- telling ---- */

static void curve_text(const EVP_PKEY *key, char ret_text[40])
{
    static const char *const names[][2] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}};
    char group[32] = "";
    if (key == NULL || EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) != 1)
        group[0] = '\0';
    const char *name = group;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        name = strcmp(group, names[i][0]) == 0 ? names[i][1] : name;
    (void)snprintf(ret_text, 40, "%s%s", name[0] != '\0' ? " " : "", name);
}

void tp_pki_signature_text(const struct tp_pki_signature_algorithm *algorithm, const EVP_PKEY *key, char *ret_text,
                           size_t ret_text_len)
{
    char size[40] = "";
    const char *hash = tp_pki_hash_name(algorithm->hash);
    if (algorithm->scheme == TP_PKI_EDDSA) {
        (void)snprintf(ret_text, ret_text_len, "%s", algorithm->edwards == EVP_PKEY_ED448 ? "Ed448" : "Ed25519");
        return;
    }
    if (algorithm->scheme == TP_PKI_ECDSA) {
        curve_text(key, size);
        (void)snprintf(ret_text, ret_text_len, "ECDSA%s, %s", size, hash);
        return;
    }
    if (key != NULL)
        (void)snprintf(size, sizeof size, "-%d", EVP_PKEY_get_bits(key));
    (void)snprintf(ret_text, ret_text_len, "RSA%s, %s, %s", size,
                   algorithm->scheme == TP_PKI_RSA_PSS ? "PSS" : "PKCS#1 v1.5", hash);
}

bool tp_pki_key_is_anybodys(const EVP_PKEY *key)
{
    const int kind = EVP_PKEY_get_base_id(key);
    BIGNUM *e = NULL;
    if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_RSA_PSS)
        return false;
    const bool known = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1;
    const bool anybodys = !known || !BN_is_odd(e) || BN_is_one(e);
    BN_free(e);
    return anybodys;
}

static bool key_is_weak(const EVP_PKEY *key)
{
    const int kind = EVP_PKEY_get_base_id(key);
    const bool has_modulus = kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS || kind == EVP_PKEY_DSA;
    return EVP_PKEY_get_bits(key) < (has_modulus ? RSA_BITS_LEAST : EC_BITS_LEAST) || tp_pki_key_is_anybodys(key);
}

bool tp_pki_signature_is_weak(const struct tp_pki_signature_algorithm *algorithm, const EVP_PKEY *key)
{
    if (algorithm->scheme == TP_PKI_EDDSA)
        return false;
    return algorithm->hash == TP_PKI_MD5 || algorithm->hash == TP_PKI_SHA1 || (key != NULL && key_is_weak(key));
}

enum tp_rc tp_pki_certificate_is_weak(struct tp_bytes certificate, struct tp_error *error, bool *ret_weak)
{
    TP_PKI_ERRORS_KEEP;
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    int hash = NID_undef;
    TP_TRY(tp_pki_x509_load(certificate, error, &x509));
    const EVP_PKEY *key = X509_get0_pubkey(x509);
    (void)X509_get_signature_info(x509, &hash, NULL, NULL, NULL);
    *ret_weak = hash == NID_sha1 || hash == NID_md5 || hash == NID_md4 || hash == NID_md2 || key == NULL || key_is_weak(key);
    return TP_OK;
}
