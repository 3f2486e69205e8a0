/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/key.h"
#include "base/crypto.h"
#include "p11/der.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <string.h>

#define POINT_MAX   133  /* P-521: 04, x, y */
#define MODULUS_MAX 2048 /* bytes */
#define MODULUS_MIN 64   /* bytes: less has no room for padding */

TP_DEFINE_AUTO(BIGNUM, BN_free)
TP_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
TP_DEFINE_AUTO(OSSL_PARAM, OSSL_PARAM_free)
TP_DEFINE_AUTO(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)

/* OBJECT IDENTIFIERs in DER: RFC 8017 §C, RFC 5480 §2.1.1. */
#define RSA_ENCRYPTION "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define EC_PUBLIC_KEY  "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"

/* Curves by their OBJECT IDENTIFIER, which is CKA_EC_PARAMS (RFC 5480 §2.1.1, RFC 8410 §3). */
static const struct curve {
    const char *name; /* libcrypto's */
    bool edwards;
    size_t bits, signature_len, point_len;
    const char *oid;
    size_t oid_len;
} curves[] = {
    {"prime256v1", false, 256, 64, 65, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10},
    {"secp384r1", false, 384, 96, 97, "\x06\x05\x2b\x81\x04\x00\x22", 7},
    {"secp521r1", false, 521, 132, 133, "\x06\x05\x2b\x81\x04\x00\x23", 7},
    {"ED25519", true, 255, 64, 32, "\x06\x03\x2b\x65\x70", 5},
    {"ED448", true, 448, 114, 57, "\x06\x03\x2b\x65\x71", 5},
};

static const struct curve *find_curve(struct tp_bytes oid)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (tp_bytes_equal(oid, TP_BYTES(curves[i].oid, curves[i].oid_len)))
            return &curves[i];
    return NULL;
}

/* ---- from SubjectPublicKeyInfo ---- */

static enum tp_rc add_rsa(struct tp_bytes bits, struct tp_p11_attributes *attributes, struct tp_p11_key *key)
{
    struct tp_bytes modulus, exponent;
    TP_TRY(tp_p11_rsa_read(bits, &modulus, &exponent));
    if (modulus.len < MODULUS_MIN || modulus.len > MODULUS_MAX)
        return TP_UNSUPPORTED;
    key->kind = TP_P11_RSA;
    key->signature_len = modulus.len;
    key->bits = 8 * modulus.len;
    for (uint8_t top = modulus.data[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
        key->bits--;
    TP_TRY(tp_p11_attributes_add_ulong(attributes, CKA_KEY_TYPE, CKK_RSA));
    TP_TRY(tp_p11_attributes_add(attributes, CKA_MODULUS, modulus));
    TP_TRY(tp_p11_attributes_add_ulong(attributes, CKA_MODULUS_BITS, key->bits));
    return tp_p11_attributes_add(attributes, CKA_PUBLIC_EXPONENT, exponent);
}

/* The point in a DER OCTET STRING (mechanisms 3.0 §2.3.3; Edwards keys alike, §2.3.5). */
static enum tp_rc add_point(struct tp_bytes point, struct tp_p11_attributes *attributes)
{
    uint8_t der[3 + POINT_MAX] = {0x04, (uint8_t)point.len};
    size_t head_len = 2;
    if (point.len >= 0x80) {
        der[1] = 0x81;
        der[2] = (uint8_t)point.len;
        head_len = 3;
    }
    memcpy(der + head_len, point.data, point.len);
    return tp_p11_attributes_add(attributes, CKA_EC_POINT, TP_BYTES(der, head_len + point.len));
}

static enum tp_rc add_curve(struct tp_bytes oid, struct tp_bytes point, struct tp_p11_attributes *attributes,
                            struct tp_p11_key *key)
{
    const struct curve *curve = find_curve(oid);
    if (curve == NULL || point.len != curve->point_len)
        return TP_UNSUPPORTED;
    key->kind = curve->edwards ? TP_P11_ED : TP_P11_EC;
    key->bits = curve->bits;
    key->signature_len = curve->signature_len;
    TP_TRY(tp_p11_attributes_add_ulong(attributes, CKA_KEY_TYPE, curve->edwards ? CKK_EC_EDWARDS : CKK_EC));
    TP_TRY(tp_p11_attributes_add(attributes, CKA_EC_PARAMS, oid));
    return add_point(point, attributes);
}

static enum tp_rc add_by_algorithm(const struct tp_p11_spki *spki, struct tp_p11_attributes *attributes,
                                   struct tp_p11_key *key)
{
    if (tp_bytes_equal(spki->algorithm, TP_BYTES(RSA_ENCRYPTION, sizeof(RSA_ENCRYPTION) - 1)))
        return add_rsa(spki->bits, attributes, key);
    /* the curve is named beside id-ecPublicKey; Edwards curves are algorithms of their own (RFC 5480, RFC 8410) */
    bool named = tp_bytes_equal(spki->algorithm, TP_BYTES(EC_PUBLIC_KEY, sizeof(EC_PUBLIC_KEY) - 1));
    return add_curve(named ? spki->parameters : spki->algorithm, spki->bits, attributes, key);
}

enum tp_rc tp_p11_key_attributes(struct tp_bytes der, struct tp_error *error, struct tp_p11_attributes *ret_attributes,
                                 struct tp_p11_key *ret_key)
{
    struct tp_p11_spki spki;
    TP_TRY(tp_p11_attributes_add(ret_attributes, CKA_PUBLIC_KEY_INFO, der));
    enum tp_rc rc = tp_p11_spki_read(der, &spki);
    if (rc == TP_OK)
        rc = add_by_algorithm(&spki, ret_attributes, ret_key);
    if (rc == TP_MALFORMED || rc == TP_UNSUPPORTED)
        return tp_error_set(error, rc, "a public key is neither RSA nor on P-256, P-384, P-521, Ed25519 or Ed448");
    return rc;
}

/* ---- from a template ---- */

static enum tp_rc spki_of_key(EVP_PKEY *pkey, struct tp_buf *ret_spki)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    enum tp_rc rc = len > 0 ? tp_buf_append(ret_spki, TP_BYTES(der, (size_t)len)) : TP_MEMORY;
    OPENSSL_free(der);
    return rc;
}

static enum tp_rc spki_of_params(const char *algorithm, OSSL_PARAM *params, struct tp_buf *ret_spki)
{
    EVP_PKEY_CTX *ctx TP_AUTO(EVP_PKEY_CTX_free_p) =
        EVP_PKEY_CTX_new_from_name(tp_crypto_libctx(), algorithm, "provider=default");
    EVP_PKEY *pkey TP_AUTO(EVP_PKEY_free_p) = NULL;
    if (ctx == NULL || params == NULL)
        return TP_MEMORY;
    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return TP_BAD_ARGUMENT;
    return spki_of_key(pkey, ret_spki);
}

static enum tp_rc rsa_spki(struct tp_bytes modulus, struct tp_bytes exponent, struct tp_buf *ret_spki)
{
    if (modulus.len > MODULUS_MAX || exponent.len > modulus.len)
        return TP_BAD_ARGUMENT;
    BIGNUM *n TP_AUTO(BN_free_p) = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
    BIGNUM *e TP_AUTO(BN_free_p) = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
    OSSL_PARAM_BLD *build TP_AUTO(OSSL_PARAM_BLD_free_p) = OSSL_PARAM_BLD_new();
    if (n == NULL || e == NULL || build == NULL || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return TP_MEMORY;
    OSSL_PARAM *params TP_AUTO(OSSL_PARAM_free_p) = OSSL_PARAM_BLD_to_param(build);
    return spki_of_params("RSA", params, ret_spki);
}

/* Callers wrap the point in an OCTET STRING as the specification says, or give it bare, as old ones do. What is as long
 * as a point is bare, even when it begins as an OCTET STRING would. */
static struct tp_bytes point_unwrap(const struct curve *curve, struct tp_bytes value)
{
    size_t head = value.len > 2 && value.data[1] == 0x81 ? 3 : 2;
    if (value.len != curve->point_len && value.len > head && value.data[0] == 0x04 &&
        value.data[head - 1] == value.len - head)
        return TP_BYTES(value.data + head, value.len - head);
    return value;
}

static enum tp_rc ec_spki(struct tp_bytes params, struct tp_bytes value, struct tp_buf *ret_spki)
{
    const struct curve *curve = find_curve(params);
    if (curve == NULL || curve->edwards)
        return TP_BAD_ARGUMENT;
    struct tp_bytes point = point_unwrap(curve, value);
    OSSL_PARAM_BLD *build TP_AUTO(OSSL_PARAM_BLD_free_p) = OSSL_PARAM_BLD_new();
    if (build == NULL || OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) != 1)
        return TP_MEMORY;
    OSSL_PARAM *list TP_AUTO(OSSL_PARAM_free_p) = OSSL_PARAM_BLD_to_param(build);
    return spki_of_params("EC", list, ret_spki);
}

/* Edwards curves have names, too, as PrintableString (mechanisms 3.0 §2.3.5). */
static const struct curve *find_edwards(struct tp_bytes params)
{
    static const struct {
        const char *der;
        size_t der_len, bits;
    } names[] = {{"\x13\x0c"
                  "edwards25519",
                  14, 255},
                 {"\x13\x0a"
                  "edwards448",
                  12, 448}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (size_t j = 0; j < sizeof(curves) / sizeof(curves[0]); j++)
            if (curves[j].bits == names[i].bits && tp_bytes_equal(params, TP_BYTES(names[i].der, names[i].der_len)))
                return &curves[j];
    const struct curve *curve = find_curve(params);
    return curve != NULL && curve->edwards ? curve : NULL;
}

static enum tp_rc edwards_spki(struct tp_bytes params, struct tp_bytes value, struct tp_buf *ret_spki)
{
    const struct curve *curve = find_edwards(params);
    if (curve == NULL)
        return TP_BAD_ARGUMENT;
    struct tp_bytes point = point_unwrap(curve, value);
    if (point.len != curve->point_len)
        return TP_BAD_ARGUMENT;
    EVP_PKEY *pkey TP_AUTO(EVP_PKEY_free_p) =
        EVP_PKEY_new_raw_public_key_ex(tp_crypto_libctx(), curve->name, "provider=default", point.data, point.len);
    return pkey == NULL ? TP_BAD_ARGUMENT : spki_of_key(pkey, ret_spki);
}

CK_RV tp_p11_key_of_template(const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_buf *ret_spki)
{
    TP_P11_ERRORS_KEEP;
    CK_KEY_TYPE type = CK_UNAVAILABLE_INFORMATION;
    CK_RV rv = tp_p11_template_ulong(template, count, CKA_KEY_TYPE, type, &type);
    if (rv == CKR_OK && type == CK_UNAVAILABLE_INFORMATION)
        rv = CKR_TEMPLATE_INCOMPLETE;
    if (rv == CKR_OK && type != CKK_RSA && type != CKK_EC && type != CKK_EC_EDWARDS)
        rv = CKR_ATTRIBUTE_VALUE_INVALID;
    if (rv != CKR_OK)
        return rv;
    bool rsa = type == CKK_RSA;
    struct tp_bytes a = tp_p11_template_value(template, count, rsa ? CKA_MODULUS : CKA_EC_PARAMS);
    struct tp_bytes b = tp_p11_template_value(template, count, rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT);
    if (a.len == 0 || b.len == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    enum tp_rc rc = (rsa ? rsa_spki : type == CKK_EC ? ec_spki : edwards_spki)(a, b, ret_spki);
    return rc == TP_OK ? CKR_OK : rc == TP_BAD_ARGUMENT ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_HOST_MEMORY;
}
