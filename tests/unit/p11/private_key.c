/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program brings as a private key, against what libcrypto writes of the same key.
 */
#include "p11/private_key.h"
#include "fixture.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#define PARTS_MAX 8
#define PART_MAX  600

#define P256    "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P521    "\x06\x05\x2b\x81\x04\x00\x23"
#define ED25519 "\x06\x03\x2b\x65\x70"

static CK_BYTE parts[PARTS_MAX][PART_MAX];
static CK_ATTRIBUTE items[PARTS_MAX];
static CK_ULONG count;

static void add(CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    cr_assert_leq(len, PART_MAX);
    memcpy(parts[count], value, len);
    items[count] = (CK_ATTRIBUTE){type, parts[count], len};
    count++;
}

static void add_number(CK_ATTRIBUTE_TYPE type, const EVP_PKEY *pkey, const char *name)
{
    BIGNUM *number = NULL;
    CK_BYTE bytes[PART_MAX];
    cr_assert_eq(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
    add(type, bytes, (size_t)BN_bn2bin(number, bytes));
    BN_clear_free(number);
}

static void take_rsa(const EVP_PKEY *pkey)
{
    add_number(CKA_MODULUS, pkey, OSSL_PKEY_PARAM_RSA_N);
    add_number(CKA_PUBLIC_EXPONENT, pkey, OSSL_PKEY_PARAM_RSA_E);
    add_number(CKA_PRIVATE_EXPONENT, pkey, OSSL_PKEY_PARAM_RSA_D);
    add_number(CKA_PRIME_1, pkey, OSSL_PKEY_PARAM_RSA_FACTOR1);
    add_number(CKA_PRIME_2, pkey, OSSL_PKEY_PARAM_RSA_FACTOR2);
    add_number(CKA_EXPONENT_1, pkey, OSSL_PKEY_PARAM_RSA_EXPONENT1);
    add_number(CKA_EXPONENT_2, pkey, OSSL_PKEY_PARAM_RSA_EXPONENT2);
    add_number(CKA_COEFFICIENT, pkey, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
}

static struct tp_p11_template template(void)
{
    return (struct tp_p11_template){items, count};
}

/* What was made is a key that libcrypto takes, and PKEY. */
static void expect_same(enum tp_p11_kind kind, const EVP_PKEY *pkey)
{
    struct tp_secret *pkcs8 = NULL;
    cr_assert_eq(tp_p11_private_key_of_template(template(), kind, &pkcs8), CKR_OK);
    const unsigned char *at = tp_secret_bytes(pkcs8).data;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)tp_secret_len(pkcs8));
    cr_assert_not_null(info);
    cr_expect_eq(at, tp_secret_bytes(pkcs8).data + tp_secret_len(pkcs8));
    EVP_PKEY *read = EVP_PKCS82PKEY(info);
    cr_assert_not_null(read);
    cr_expect_eq(EVP_PKEY_eq(read, pkey), 1);
    EVP_PKEY_free(read);
    PKCS8_PRIV_KEY_INFO_free(info);
    tp_secret_free(pkcs8);
}

static void expect_refused(enum tp_p11_kind kind, CK_RV rv)
{
    struct tp_secret *pkcs8 = NULL;
    cr_expect_eq(tp_p11_private_key_of_template(template(), kind, &pkcs8), rv);
    cr_expect_null(pkcs8);
}

static EVP_PKEY *make_ec(const char *name, const char *oid, size_t oid_len)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", name);
    cr_assert_not_null(pkey);
    add(CKA_EC_PARAMS, oid, oid_len);
    add_number(CKA_VALUE, pkey, OSSL_PKEY_PARAM_PRIV_KEY); /* leading zeros cut: the field's length must come back */
    return pkey;
}

Test(p11_private_key, rsa_keys_of_every_size)
{
    for (size_t bits = 2048; bits <= 4096; bits += 1024) {
        EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
        count = 0;
        take_rsa(pkey);
        expect_same(TP_P11_RSA, pkey);
        EVP_PKEY_free(pkey);
    }
}

Test(p11_private_key, an_rsa_key_without_one_of_its_parts_is_incomplete)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    take_rsa(pkey);
    for (size_t i = 0; i < PARTS_MAX; i++) {
        const CK_ULONG len = items[i].ulValueLen;
        items[i].ulValueLen = 0;
        expect_refused(TP_P11_RSA, CKR_TEMPLATE_INCOMPLETE);
        items[i].ulValueLen = len;
    }
    EVP_PKEY_free(pkey);
}

Test(p11_private_key, one_that_is_longer_than_any_is_refused)
{
    static const CK_BYTE ones[PART_MAX] = {[0 ... PART_MAX - 1] = 0xff};
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
                                              CKA_PRIME_2, CKA_EXPONENT_1,      CKA_EXPONENT_2,       CKA_COEFFICIENT};
    for (size_t i = 0; i < PARTS_MAX; i++)
        add(types[i], ones, sizeof(ones));
    expect_refused(TP_P11_RSA, CKR_ATTRIBUTE_VALUE_INVALID);
}

Test(p11_private_key, keys_on_curves_with_and_without_their_point)
{
    CK_BYTE point[160] = {0x04};
    for (size_t i = 0; i < 20; i++) { /* some scalars begin with zeros */
        count = 0;
        EVP_PKEY *pkey =
            i % 2 == 0 ? make_ec("P-256", P256, sizeof(P256) - 1) : make_ec("P-521", P521, sizeof(P521) - 1);
        expect_same(TP_P11_EC, pkey);
        size_t len = 0;
        cr_assert_eq(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len), 1);
        add(CKA_EC_POINT, point, len);
        expect_same(TP_P11_EC, pkey);
        EVP_PKEY_free(pkey);
    }
}

Test(p11_private_key, scalars_and_curves_that_do_not_fit_are_refused)
{
    static const CK_BYTE long_one[33] = {1};
    add(CKA_EC_PARAMS, P256, sizeof(P256) - 1);
    expect_refused(TP_P11_EC, CKR_TEMPLATE_INCOMPLETE);
    add(CKA_VALUE, long_one, sizeof(long_one));
    expect_refused(TP_P11_EC, CKR_ATTRIBUTE_VALUE_INVALID);
    expect_refused(TP_P11_ED, CKR_CURVE_NOT_SUPPORTED);
    count = 0;
    add(CKA_EC_PARAMS, "\x06\x01\x01", 3);
    add(CKA_VALUE, long_one, 32);
    expect_refused(TP_P11_EC, CKR_CURVE_NOT_SUPPORTED);
}

Test(p11_private_key, edwards_keys)
{
    CK_BYTE value[32];
    size_t len = sizeof(value);
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    cr_assert_eq(EVP_PKEY_get_raw_private_key(pkey, value, &len), 1);
    add(CKA_EC_PARAMS, ED25519, sizeof(ED25519) - 1);
    add(CKA_VALUE, value, sizeof(value));
    expect_same(TP_P11_ED, pkey);
    items[1].ulValueLen = 31;
    expect_refused(TP_P11_ED, CKR_ATTRIBUTE_VALUE_INVALID);
    EVP_PKEY_free(pkey);
}
