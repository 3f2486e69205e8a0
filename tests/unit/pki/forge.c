/* SPDX-License-Identifier: Apache-2.0 */
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static struct tp_buf take(unsigned char *der, int len)
{
    struct tp_buf buf = TP_BUF_INIT;
    cr_assert_gt(len, 0);
    cr_assert_eq(tp_buf_append(&buf, TP_BYTES(der, (size_t)len)), TP_OK);
    OPENSSL_free(der);
    return buf;
}

static EVP_PKEY *dsa_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, NULL);
    EVP_PKEY *parameters = NULL, *key = NULL;
    cr_assert_eq(EVP_PKEY_paramgen_init(context), 1);
    cr_assert_eq(EVP_PKEY_CTX_set_dsa_paramgen_bits(context, 1024), 1);
    cr_assert_eq(EVP_PKEY_paramgen(context, &parameters), 1);
    EVP_PKEY_CTX_free(context);
    context = EVP_PKEY_CTX_new(parameters, NULL);
    cr_assert_eq(EVP_PKEY_keygen_init(context), 1);
    cr_assert_eq(EVP_PKEY_keygen(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(parameters);
    return key;
}

EVP_PKEY *forge_key(const char *type)
{
    EVP_PKEY *key = NULL;
    if (strncmp(type, "rsa-", 4) == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)strtoul(type + 4, NULL, 10));
    else if (strcmp(type, "DSA") == 0)
        key = dsa_key();
    else if (strncmp(type, "ED", 2) == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, type);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
    cr_assert_not_null(key, "cannot make a key %s", type);
    return key;
}

struct tp_buf forge_spki(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    const int len = i2d_PUBKEY(key, &der);
    return take(der, len);
}

static X509_NAME *name_of(const char *common_name)
{
    X509_NAME *name = X509_NAME_new();
    cr_assert_eq(X509_NAME_add_entry_by_txt(name, "C", MBSTRING_UTF8, (const unsigned char *)"JP", -1, -1, 0), 1);
    cr_assert_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0),
                 1);
    return name;
}

static ASN1_INTEGER *serial_of(const char *hex)
{
    BIGNUM *number = NULL;
    cr_assert_gt(BN_hex2bn(&number, hex), 0);
    ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(number, NULL);
    BN_free(number);
    cr_assert_not_null(serial);
    return serial;
}

static const EVP_MD *md_of(EVP_PKEY *key)
{
    const int id = EVP_PKEY_get_base_id(key);
    return id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448 ? NULL : EVP_sha256();
}

static void extension_add(X509 *x509, int nid, const char *value)
{
    X509V3_CTX context;
    CONF *conf = NCONF_new(NULL); /* some extensions want to look something up */
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    X509V3_set_nconf(&context, conf);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    cr_assert_not_null(extension, "%s", value);
    cr_assert_eq(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
    NCONF_free(conf);
}

static X509_EXTENSION *unknown_make(const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    cr_assert_eq(ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2), 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
    return extension;
}

static void unknown_add(X509 *x509, const char *oid)
{
    X509_EXTENSION *extension = unknown_make(oid);
    cr_assert_eq(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

struct tp_buf forge_certificate(const struct forge_certificate *plan)
{
    X509 *x509 = X509_new();
    X509_NAME *subject = name_of(plan->subject), *issuer = name_of(plan->issuer);
    ASN1_INTEGER *serial = serial_of(plan->serial != NULL ? plan->serial : "01");
    cr_assert_eq(X509_set_version(x509, X509_VERSION_3), 1);
    cr_assert_eq(X509_set_serialNumber(x509, serial), 1);
    cr_assert_eq(X509_set_subject_name(x509, subject), 1);
    cr_assert_eq(X509_set_issuer_name(x509, issuer), 1);
    const char *begin = plan->not_before != NULL ? plan->not_before : "260101000000Z";
    const char *end = plan->not_after != NULL ? plan->not_after : "270101000000Z";
    cr_assert_eq(ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), begin), 1);
    cr_assert_eq(ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), end), 1);
    cr_assert_eq(X509_set_pubkey(x509, plan->key), 1);
    if (plan->key_usage != NULL)
        extension_add(x509, NID_key_usage, plan->key_usage);
    if (plan->is_ca)
        extension_add(x509, NID_basic_constraints, "critical,CA:TRUE");
    for (size_t i = 0; i < FORGE_EXTENSIONS && plan->extensions[i].name != NULL; i++)
        extension_add(x509, OBJ_txt2nid(plan->extensions[i].name), plan->extensions[i].value);
    if (plan->critical_oid != NULL)
        unknown_add(x509, plan->critical_oid);
    cr_assert_gt(X509_sign(x509, plan->issuer_key, md_of(plan->issuer_key)), 0);
    unsigned char *der = NULL;
    const int len = i2d_X509(x509, &der);
    X509_free(x509);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    ASN1_INTEGER_free(serial);
    return take(der, len);
}

static void revoked_add(X509_CRL *crl, const struct forge_revoked *plan)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *serial = serial_of(plan->serial);
    ASN1_TIME *time = ASN1_TIME_new();
    cr_assert_eq(ASN1_TIME_set_string_X509(time, "260201000000Z"), 1);
    cr_assert_eq(X509_REVOKED_set_serialNumber(entry, serial), 1);
    cr_assert_eq(X509_REVOKED_set_revocationDate(entry, time), 1);
    if (plan->reason >= 0) {
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
        cr_assert_eq(ASN1_ENUMERATED_set(reason, plan->reason), 1);
        cr_assert_eq(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0), 1);
        ASN1_ENUMERATED_free(reason);
    }
    if (plan->critical_oid != NULL) {
        X509_EXTENSION *extension = unknown_make(plan->critical_oid);
        cr_assert_eq(X509_REVOKED_add_ext(entry, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    if (plan->of_another) {
        GENERAL_NAMES *names = GENERAL_NAMES_new();
        GENERAL_NAME *name = GENERAL_NAME_new();
        GENERAL_NAME_set0_value(name, GEN_DIRNAME, name_of("another"));
        cr_assert_gt(sk_GENERAL_NAME_push(names, name), 0);
        cr_assert_eq(X509_REVOKED_add1_ext_i2d(entry, NID_certificate_issuer, names, 1, 0), 1);
        GENERAL_NAMES_free(names);
    }
    cr_assert_eq(X509_CRL_add0_revoked(crl, entry), 1);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(time);
}

static void critical_add(X509_CRL *crl, const char *oid)
{
    X509_EXTENSION *extension = unknown_make(oid);
    cr_assert_eq(X509_CRL_add_ext(crl, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

struct tp_buf forge_crl(const struct forge_crl *plan)
{
    X509_CRL *crl = X509_CRL_new();
    X509_NAME *issuer = name_of(plan->issuer);
    ASN1_TIME *time = ASN1_TIME_new();
    cr_assert_eq(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    cr_assert_eq(X509_CRL_set_issuer_name(crl, issuer), 1);
    cr_assert_eq(ASN1_TIME_set_string_X509(time, "260101000000Z"), 1);
    cr_assert_eq(X509_CRL_set1_lastUpdate(crl, time), 1);
    cr_assert_eq(ASN1_TIME_set_string_X509(time, "270101000000Z"), 1);
    if (!plan->no_next_update)
        cr_assert_eq(X509_CRL_set1_nextUpdate(crl, time), 1);
    for (size_t i = 0; i < plan->revoked_len; i++)
        revoked_add(crl, &plan->revoked[i]);
    if (plan->is_delta) {
        ASN1_INTEGER *base = serial_of("01");
        cr_assert_eq(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
        ASN1_INTEGER_free(base);
    }
    if (plan->number != NULL) {
        ASN1_INTEGER *number = serial_of(plan->number);
        cr_assert_eq(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0), 1);
        ASN1_INTEGER_free(number);
    }
    if (plan->point != NULL) {
        X509_EXTENSION *point = X509V3_EXT_conf_nid(NULL, NULL, NID_issuing_distribution_point, plan->point);
        cr_assert_eq(X509_CRL_add_ext(crl, point, -1), 1);
        X509_EXTENSION_free(point);
    }
    if (plan->critical_oid != NULL)
        critical_add(crl, plan->critical_oid);
    X509_CRL_sort(crl);
    const EVP_MD *md = plan->md != NULL ? EVP_get_digestbyname(plan->md) : md_of(plan->issuer_key);
    cr_assert_gt(X509_CRL_sign(crl, plan->issuer_key, md), 0);
    unsigned char *der = NULL;
    const int len = i2d_X509_CRL(crl, &der);
    X509_CRL_free(crl);
    X509_NAME_free(issuer);
    ASN1_TIME_free(time);
    return take(der, len);
}

/* ---- signing ---- */

static enum tp_rc sign_message(EVP_PKEY *key, struct tp_bytes message, struct tp_buf *ret_signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t signature[256];
    size_t len = sizeof signature;
    cr_assert_eq(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
    cr_assert_eq(EVP_DigestSign(context, signature, &len, message.data, message.len), 1);
    EVP_MD_CTX_free(context);
    return tp_buf_append(ret_signature, TP_BYTES(signature, len));
}

/* PKCS#11 has r and s side by side, each of FIELD_LEN bytes; libcrypto has DER. */
static enum tp_rc append_raw(const uint8_t *der, size_t len, size_t field_len, struct tp_buf *ret_signature)
{
    uint8_t raw[2 * 66];
    const unsigned char *at = der;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
    cr_assert_not_null(signature);
    cr_assert_gt(BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)field_len), 0);
    cr_assert_gt(BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + field_len, (int)field_len), 0);
    ECDSA_SIG_free(signature);
    return tp_buf_append(ret_signature, TP_BYTES(raw, 2 * field_len));
}

static enum tp_rc sign_hash(EVP_PKEY *key, const struct tp_pki_sign_input *input, struct tp_buf *ret_signature)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    uint8_t signature[1024];
    size_t len = sizeof signature;
    const bool pss = input->scheme == TP_PKI_RSA_PSS, rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    cr_assert_eq(EVP_PKEY_sign_init(context), 1);
    if (rsa)
        cr_assert_gt(EVP_PKEY_CTX_set_rsa_padding(context, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING), 0);
    cr_assert_gt(EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(tp_pki_hash_libcrypto(input->hash))), 0);
    if (pss)
        cr_assert_gt(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST), 0);
    cr_assert_eq(EVP_PKEY_sign(context, signature, &len, input->input.data, input->input.len), 1);
    EVP_PKEY_CTX_free(context);
    if (rsa)
        return tp_buf_append(ret_signature, TP_BYTES(signature, len));
    return append_raw(signature, len, (size_t)(EVP_PKEY_get_bits(key) + 7) / 8, ret_signature);
}

static enum tp_rc sign_truly(void *context, const struct tp_pki_sign_input *input, struct tp_error *error,
                             struct tp_buf *ret_signature)
{
    (void)error;
    if (input->scheme == TP_PKI_EDDSA)
        return sign_message(context, input->input, ret_signature);
    return sign_hash(context, input, ret_signature);
}

static enum tp_rc sign_fails(void *context, const struct tp_pki_sign_input *input, struct tp_error *error,
                             struct tp_buf *ret_signature)
{
    (void)context, (void)input, (void)ret_signature;
    return tp_error_set(error, TP_HSM_ABSENT, "the card was pulled");
}

static enum tp_rc sign_garbage(void *context, const struct tp_pki_sign_input *input, struct tp_error *error,
                               struct tp_buf *ret_signature)
{
    TP_TRY(sign_truly(context, input, error, ret_signature));
    ret_signature->data[ret_signature->len / 2] ^= 0x10;
    return TP_OK;
}

static enum tp_rc sign_short(void *context, const struct tp_pki_sign_input *input, struct tp_error *error,
                             struct tp_buf *ret_signature)
{
    TP_TRY(sign_truly(context, input, error, ret_signature));
    ret_signature->len--;
    return TP_OK;
}

static enum tp_rc sign_nothing(void *context, const struct tp_pki_sign_input *input, struct tp_error *error,
                               struct tp_buf *ret_signature)
{
    (void)context, (void)input, (void)error, (void)ret_signature;
    return TP_OK;
}

static void release(void *context)
{
    EVP_PKEY_free(context);
}

const struct tp_pki_signer_calls forge_true = {.sign = sign_truly, .release = release},
                                 forge_failing = {.sign = sign_fails, .release = release},
                                 forge_garbage = {.sign = sign_garbage, .release = release},
                                 forge_short = {.sign = sign_short, .release = release},
                                 forge_nothing = {.sign = sign_nothing, .release = release};

struct tp_pki_signer *forge_signer(EVP_PKEY *key, const struct tp_pki_signer_calls *calls)
{
    struct tp_buf spki = forge_spki(key);
    struct tp_pki_signer *signer = NULL;
    struct tp_error error = {0};
    cr_assert_eq(tp_pki_signer_new(tp_buf_bytes(&spki), NULL, 0, calls, key, &error, &signer), TP_OK, "%s",
                 tp_error_words(&error));
    tp_buf_clear(&spki);
    return signer;
}
