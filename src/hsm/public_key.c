/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/public_key.h"
#include "base/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <string.h>

#define MODULUS_MAX    1024 /* RSA-8192 */
#define POINT_MAX      160  /* P-521 with its OCTET STRING: 136 */
#define CUSTODIAN_BITS 2048 /* the least */
#define OCTET_STRING   0x04
#define LENGTH_OF_ONE  0x81 /* DER: the length is in the next octet */

TP_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
TP_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
TP_DEFINE_AUTO(BIGNUM, BN_free)
TP_DEFINE_AUTO(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
TP_DEFINE_AUTO(OSSL_PARAM, OSSL_PARAM_free)

static enum tp_rc from_params(const char *algorithm, OSSL_PARAM *params, EVP_PKEY **ret_key)
{
    EVP_PKEY_CTX *context TP_AUTO(EVP_PKEY_CTX_free_p) =
        EVP_PKEY_CTX_new_from_name(tp_crypto_libctx(), algorithm, NULL);
    if (context == NULL || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, ret_key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        return TP_CRYPTO;
    return TP_OK;
}

static enum tp_rc rsa_key(struct tp_bytes modulus, struct tp_bytes exponent, EVP_PKEY **ret_key)
{
    BIGNUM *n TP_AUTO(BN_free_p) = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
    BIGNUM *e TP_AUTO(BN_free_p) = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
    OSSL_PARAM_BLD *build TP_AUTO(OSSL_PARAM_BLD_free_p) = OSSL_PARAM_BLD_new();
    if (n == NULL || e == NULL || build == NULL || !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        return TP_CRYPTO;
    OSSL_PARAM *params TP_AUTO(OSSL_PARAM_free_p) = OSSL_PARAM_BLD_to_param(build);
    return params != NULL ? from_params("RSA", params, ret_key) : TP_CRYPTO;
}

static enum tp_rc point_key(const struct tp_hsm_key_kind *kind, struct tp_bytes point, EVP_PKEY **ret_key)
{
    if (kind->type == CKK_EC_EDWARDS) {
        *ret_key = EVP_PKEY_new_raw_public_key_ex(tp_crypto_libctx(), "ED25519", NULL, point.data, point.len);
        return *ret_key != NULL ? TP_OK : TP_CRYPTO;
    }
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)kind->group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point.data, point.len),
        OSSL_PARAM_construct_end(),
    };
    return from_params("EC", params, ret_key);
}

/* The content of a DER OCTET STRING that fills BYTES; none if it is not one. Points are shorter than 256 bytes. */
static struct tp_bytes octet_string(struct tp_bytes bytes)
{
    if (bytes.len >= 2 && bytes.data[0] == OCTET_STRING && bytes.data[1] < 0x80 && bytes.data[1] == bytes.len - 2)
        return TP_BYTES(bytes.data + 2, bytes.len - 2);
    if (bytes.len >= 3 && bytes.data[0] == OCTET_STRING && bytes.data[1] == LENGTH_OF_ONE &&
        bytes.data[2] == bytes.len - 3)
        return TP_BYTES(bytes.data + 3, bytes.len - 3);
    return TP_BYTES_NONE;
}

enum tp_rc tp_hsm_public_key_point(struct tp_bytes attribute, size_t point_len, struct tp_bytes *ret_point)
{
    struct tp_bytes inner = octet_string(attribute);
    if (inner.len == point_len)
        *ret_point = inner;
    else if (attribute.len == point_len)
        *ret_point = attribute;
    else
        return TP_MALFORMED;
    return TP_OK;
}

static enum tp_rc append_spki(EVP_PKEY *key, struct tp_buf *ret_spki)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    if (len <= 0)
        return TP_CRYPTO;
    enum tp_rc rc = tp_buf_append(ret_spki, TP_BYTES(der, (size_t)len));
    OPENSSL_free(der);
    return rc;
}

static enum tp_rc read_rsa(struct tp_hsm_session *session, CK_OBJECT_HANDLE object, struct tp_error *error,
                           EVP_PKEY **ret_key)
{
    uint8_t modulus[MODULUS_MAX], exponent[MODULUS_MAX];
    CK_ATTRIBUTE attributes[] = {{CKA_MODULUS, modulus, sizeof(modulus)},
                                 {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)}};
    TP_HSM_TRY(session, error, C_GetAttributeValue, object, attributes, 2);
    return rsa_key(TP_BYTES(modulus, attributes[0].ulValueLen), TP_BYTES(exponent, attributes[1].ulValueLen), ret_key);
}

static enum tp_rc read_point(struct tp_hsm_session *session, CK_OBJECT_HANDLE object,
                             const struct tp_hsm_key_kind *kind, struct tp_error *error, EVP_PKEY **ret_key)
{
    uint8_t value[POINT_MAX];
    CK_ATTRIBUTE attribute = {CKA_EC_POINT, value, sizeof(value)};
    struct tp_bytes point;
    TP_HSM_TRY(session, error, C_GetAttributeValue, object, &attribute, 1);
    TP_TRY(tp_hsm_public_key_point(TP_BYTES(value, attribute.ulValueLen), kind->point_len, &point));
    return point_key(kind, point, ret_key);
}

enum tp_rc tp_hsm_public_key_read(struct tp_hsm_session *session, CK_OBJECT_HANDLE object,
                                  const struct tp_hsm_key_kind *kind, struct tp_error *error, struct tp_buf *ret_spki)
{
    EVP_PKEY *key TP_AUTO(EVP_PKEY_free_p) = NULL;
    enum tp_rc rc =
        kind->type == CKK_RSA ? read_rsa(session, object, error, &key) : read_point(session, object, kind, error, &key);
    if (rc == TP_OK)
        rc = append_spki(key, ret_spki);
    if (rc == TP_CRYPTO || rc == TP_MALFORMED)
        return tp_error_set(error, TP_HSM, "the HSM made a %s key whose public half is not one; see the HSM",
                            kind->name);
    return rc;
}

static EVP_PKEY *parse_spki(struct tp_bytes spki)
{
    const unsigned char *at = spki.data;
    EVP_PKEY *key = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, tp_crypto_libctx(), NULL);
    if (key != NULL && at != spki.data + spki.len) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

static enum tp_rc rsa_number(const EVP_PKEY *key, const char *name, uint8_t *ret_bytes, size_t *ret_len)
{
    BIGNUM *number TP_AUTO(BN_free_p) = NULL;
    if (!EVP_PKEY_get_bn_param(key, name, &number) || BN_num_bytes(number) > MODULUS_MAX)
        return TP_CRYPTO;
    *ret_len = (size_t)BN_bn2bin(number, ret_bytes);
    return TP_OK;
}

enum tp_rc tp_hsm_public_key_import(struct tp_hsm_session *session, struct tp_bytes spki, struct tp_error *error,
                                    struct tp_hsm_scrap *ret_key)
{
    EVP_PKEY *key TP_AUTO(EVP_PKEY_free_p) = parse_spki(spki);
    uint8_t modulus[MODULUS_MAX], exponent[MODULUS_MAX];
    size_t modulus_len, exponent_len;
    struct tp_hsm_template template;
    CK_OBJECT_HANDLE object;
    if (key == NULL || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < CUSTODIAN_BITS ||
        rsa_number(key, OSSL_PKEY_PARAM_RSA_N, modulus, &modulus_len) != TP_OK ||
        rsa_number(key, OSSL_PKEY_PARAM_RSA_E, exponent, &exponent_len) != TP_OK)
        return tp_error_set(error, TP_BAD_ARGUMENT,
                            "the key that the backup is to be wrapped to is no RSA public key of %d to %d bits",
                            CUSTODIAN_BITS, MODULUS_MAX * 8);
    tp_hsm_template_start(&template, &tp_hsm_class_public, &tp_hsm_type_rsa, false, TP_HSM_USE_WRAP);
    tp_hsm_template_add(&template, CKA_MODULUS, modulus, modulus_len);
    tp_hsm_template_add(&template, CKA_PUBLIC_EXPONENT, exponent, exponent_len);
    TP_HSM_TRY(session, error, C_CreateObject, template.at, template.count, &object);
    *ret_key = (struct tp_hsm_scrap){.session = session, .object = object};
    return TP_OK;
}
