/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys: what they are, and r ‖ s against X9.62's SEQUENCE.
 */
#include "pki/internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <string.h>

#define RSA_BITS_MOST  16384 /* libcrypto's own limit */
#define FIELD_LEN_MOST 66    /* P-521 */

static const struct {
    int id;            /* EVP_PKEY_ */
    const char *group; /* EC only: libcrypto's name of the curve */
    const char *type;
    unsigned bits, field_len;
} types[] = {
    {EVP_PKEY_RSA, NULL, NULL, 0, 0}, /* the name has the size in it */
    {EVP_PKEY_EC, "prime256v1", "p-256", 256, 32},
    {EVP_PKEY_EC, "secp384r1", "p-384", 384, 48},
    {EVP_PKEY_EC, "secp521r1", "p-521", 521, 66},
    {EVP_PKEY_ED25519, NULL, "ed25519", 256, 0},
    {EVP_PKEY_ED448, NULL, "ed448", 456, 0},
};

/* What is written back is DER: a difference means that the input was a laxer BER form, whose key identifier and
 * equality with a certificate's key would both be in doubt. */
static bool is_der_of(struct tp_bytes der, const X509_PUBKEY *spki)
{
    unsigned char *again = NULL;
    const int len = i2d_X509_PUBKEY(spki, &again);
    const bool same = len > 0 && tp_bytes_equal(der, TP_BYTES(again, (size_t)len));
    OPENSSL_free(again);
    return same;
}

enum tp_rc tp_pki_spki_load(struct tp_bytes der, struct tp_error *error, X509_PUBKEY **ret_spki)
{
    if (der.len > TP_PKI_SPKI_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "a public key of %zu bytes is larger than any that we know", der.len);
    X509_PUBKEY *spki TP_AUTO(X509_PUBKEY_free_p) = X509_PUBKEY_new_ex(tp_crypto_libctx(), NULL);
    if (spki == NULL)
        return TP_MEMORY;
    const unsigned char *at = der.data;
    if (d2i_X509_PUBKEY(&spki, &at, (long)der.len) == NULL || !is_der_of(der, spki))
        return tp_error_set(error, TP_MALFORMED, "the public key is not a SubjectPublicKeyInfo in DER");
    *ret_spki = spki;
    spki = NULL;
    return TP_OK;
}

enum tp_rc tp_pki_key_load(struct tp_bytes spki, struct tp_error *error, EVP_PKEY **ret_key)
{
    TP_PKI_ERRORS_KEEP;
    X509_PUBKEY *parsed TP_AUTO(X509_PUBKEY_free_p) = NULL;
    TP_TRY(tp_pki_spki_load(spki, error, &parsed));
    EVP_PKEY *key = X509_PUBKEY_get(parsed);
    if (key == NULL)
        return tp_error_set(error, TP_MALFORMED, "the public key cannot be read");
    *ret_key = key;
    return TP_OK;
}

/* Empty when the key has no named curve. Explicit parameters that happen to equal a named curve do not count: RFC 5480
 * §2.1.1 forbids them, and they have been an attack (CVE-2020-0601). */
static void group_name(const EVP_PKEY *key, char ret_group[32])
{
    int explicit_parameters = 0;
    (void)EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_parameters);
    if (explicit_parameters != 0 ||
        EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, ret_group, 32, NULL) != 1)
        ret_group[0] = '\0';
}

static enum tp_rc key_describe(const EVP_PKEY *key, struct tp_error *error, struct tp_pki_key_info *info)
{
    const int id = EVP_PKEY_get_base_id(key);
    char group[32] = "";
    if (id == EVP_PKEY_EC)
        group_name(key, group);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].id != id || (types[i].group != NULL && strcmp(types[i].group, group) != 0))
            continue;
        const int key_bits = EVP_PKEY_get_bits(key);
        info->bits = types[i].bits != 0 ? types[i].bits : (unsigned)(key_bits > 0 ? key_bits : 0);
        info->field_len = types[i].field_len;
        info->is_rsa = id == EVP_PKEY_RSA;
        info->is_ec = id == EVP_PKEY_EC;
        info->is_ed = !info->is_rsa && !info->is_ec;
        if (info->is_rsa)
            (void)snprintf(info->type, sizeof info->type, "rsa-%u", info->bits);
        else
            (void)snprintf(info->type, sizeof info->type, "%s", types[i].type);
        return info->bits <= RSA_BITS_MOST ? TP_OK : tp_error_set(error, TP_UNSUPPORTED, "the RSA key is too large");
    }
    return tp_error_set(
        error, TP_UNSUPPORTED,
        "the public key is neither RSA nor on P-256, P-384, P-521 (as a named curve), Ed25519 or Ed448");
}

static enum tp_rc key_identify(X509_PUBKEY *spki, uint8_t ret_key_id[20])
{
    const unsigned char *bits = NULL;
    int bits_len = 0;
    if (X509_PUBKEY_get0_param(NULL, &bits, &bits_len, NULL, spki) != 1 || bits_len <= 0)
        return TP_MALFORMED;
    const EVP_MD *sha1 = tp_crypto_digest("SHA1");
    if (sha1 == NULL || EVP_Digest(bits, (size_t)bits_len, ret_key_id, NULL, sha1, NULL) != 1)
        return TP_CRYPTO;
    return TP_OK;
}

enum tp_rc tp_pki_key_info(struct tp_bytes spki, struct tp_error *error, struct tp_pki_key_info *ret_info)
{
    TP_PKI_ERRORS_KEEP;
    X509_PUBKEY *parsed TP_AUTO(X509_PUBKEY_free_p) = NULL;
    TP_TRY(tp_pki_spki_load(spki, error, &parsed));
    const EVP_PKEY *key = X509_PUBKEY_get0(parsed);
    if (key == NULL)
        return tp_error_set(error, TP_MALFORMED, "the public key cannot be read");
    struct tp_pki_key_info info = {0};
    TP_TRY(key_describe(key, error, &info));
    TP_TRY(key_identify(parsed, info.key_id));
    *ret_info = info;
    return TP_OK;
}

/* ---- how long ---- */

static const struct {
    int id; /* EVP_PKEY_ */
    const char *name;
} moduli[] = {{EVP_PKEY_RSA, "rsa"}, {EVP_PKEY_RSA_PSS, "rsa-pss"}, {EVP_PKEY_DSA, "dsa"}};

static void size_describe(const EVP_PKEY *key, struct tp_pki_key_size *ret_size)
{
    const char *name = "ec";
    const int bits = EVP_PKEY_get_bits(key);
    ret_size->is_modulus = false;
    ret_size->bits = (unsigned)(bits > 0 ? bits : 0);
    for (size_t i = 0; i < sizeof moduli / sizeof moduli[0]; i++)
        if (moduli[i].id == EVP_PKEY_get_base_id(key)) {
            ret_size->is_modulus = true;
            name = moduli[i].name;
        }
    (void)snprintf(ret_size->name, sizeof ret_size->name, "%s-%u", name, ret_size->bits);
}

enum tp_rc tp_pki_key_size(struct tp_bytes spki, struct tp_error *error, struct tp_pki_key_size *ret_size)
{
    TP_PKI_ERRORS_KEEP;
    EVP_PKEY *key = NULL;
    TP_TRY(tp_pki_key_load(spki, error, &key));
    size_describe(key, ret_size);
    EVP_PKEY_free(key);
    return TP_OK;
}

/* ---- from a file ---- */

static enum tp_rc spki_of_certificate(struct tp_bytes der, struct tp_error *error, struct tp_buf *ret_spki)
{
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    TP_TRY(tp_pki_x509_load(der, error, &x509));
    unsigned char *spki = NULL;
    return tp_pki_der_take(&spki, i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &spki), ret_spki);
}

static enum tp_rc spki_check(struct tp_bytes der, struct tp_error *error, struct tp_buf *ret_spki)
{
    X509_PUBKEY *spki TP_AUTO(X509_PUBKEY_free_p) = NULL;
    TP_TRY(tp_pki_spki_load(der, error, &spki));
    return tp_buf_append(ret_spki, der);
}

struct key_search {
    struct tp_error *error;
    struct tp_buf *spki;
    bool found;
};

static enum tp_rc block_take(void *context, const char *label, struct tp_bytes der)
{
    struct key_search *search = context;
    if (search->found)
        return TP_OK;
    if (strcmp(label, "PUBLIC KEY") == 0) {
        search->found = true;
        return spki_check(der, search->error, search->spki);
    }
    if (strcmp(label, "CERTIFICATE") == 0) {
        search->found = true;
        return spki_of_certificate(der, search->error, search->spki);
    }
    return TP_OK;
}

static enum tp_rc der_read(struct tp_bytes der, struct tp_error *error, struct tp_buf *ret_spki)
{
    if (spki_check(der, NULL, ret_spki) == TP_OK || spki_of_certificate(der, NULL, ret_spki) == TP_OK)
        return TP_OK;
    return tp_error_set(error, TP_MALFORMED, "the file holds neither a public key nor a certificate, in PEM or in DER");
}

enum tp_rc tp_pki_key_read(struct tp_bytes file, struct tp_error *error, struct tp_buf *ret_spki)
{
    TP_PKI_ERRORS_KEEP;
    if (file.len > TP_PKI_FILE_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the file is larger than %zu bytes", TP_PKI_FILE_MAX);
    if (!tp_pki_pem_is(file))
        return der_read(file, error, ret_spki);
    struct key_search search = {.error = error, .spki = ret_spki};
    TP_TRY(tp_pki_pem_read(file, error, block_take, &search));
    if (!search.found)
        return tp_error_set(error, TP_NOT_FOUND, "the file holds neither a PUBLIC KEY nor a CERTIFICATE");
    return TP_OK;
}

/* ---- ECDSA signatures ---- */

enum tp_rc tp_pki_ecdsa_to_der(struct tp_bytes raw, struct tp_buf *ret_der)
{
    if (raw.len == 0 || raw.len % 2 != 0 || raw.len / 2 > FIELD_LEN_MOST)
        return TP_MALFORMED;
    const int half = (int)(raw.len / 2);
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r TP_AUTO(BN_free_p) = BN_bin2bn(raw.data, half, NULL);
    BIGNUM *s TP_AUTO(BN_free_p) = BN_bin2bn(raw.data + half, half, NULL);
    enum tp_rc rc = TP_MEMORY;
    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL;
        unsigned char *der = NULL;
        rc = tp_pki_der_take(&der, i2d_ECDSA_SIG(signature, &der), ret_der);
    }
    ECDSA_SIG_free(signature);
    return rc;
}
