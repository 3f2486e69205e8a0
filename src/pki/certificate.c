/* SPDX-License-Identifier: Apache-2.0
 *
 * X.509 certificates.
 */
#include "base/clock.h"
#include "base/der.h"
#include "pki/internal.h"

#include <openssl/pkcs7.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* d2i functions take what they were given, or free it and set it NULL: X509_free in the clean-up is right either way.
 */
static enum tp_rc x509_parse(struct tp_bytes der, struct tp_error *error, X509 **ret_x509)
{
    X509 *x509 TP_AUTO(X509_free_p) = X509_new_ex(tp_crypto_libctx(), NULL);
    if (x509 == NULL)
        return TP_MEMORY;
    const unsigned char *at = der.data;
    if (d2i_X509(&x509, &at, (long)der.len) == NULL || at != der.data + der.len)
        return tp_error_set(error, TP_MALFORMED, "this is not one X.509 certificate");
    if ((X509_get_extension_flags(x509) & EXFLAG_INVALID) != 0)
        return tp_error_set(error, TP_MALFORMED, "the certificate has extensions that contradict RFC 5280");
    *ret_x509 = x509;
    x509 = NULL;
    return TP_OK;
}

enum tp_rc tp_pki_x509_load(struct tp_bytes der, struct tp_error *error, X509 **ret_x509)
{
    if (der.len > TP_PKI_CERTIFICATE_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the certificate is larger than %zu bytes", TP_PKI_CERTIFICATE_MAX);
    X509 *x509 = tp_pki_x509_cache_get(der);
    if (x509 == NULL) {
        TP_TRY(x509_parse(der, error, &x509));
        tp_pki_x509_cache_put(der, x509);
    }
    *ret_x509 = x509;
    return TP_OK;
}

enum tp_rc tp_pki_time(const ASN1_TIME *time, int64_t *ret_utc_ms)
{
    struct tm tm;
    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
        return TP_MALFORMED;
    *ret_utc_ms = tp_time_join(&tm) * 1000;
    return TP_OK;
}

enum tp_rc tp_pki_time_take(struct tp_bytes *at, uint8_t tag, int64_t *ret_utc_ms)
{
    struct tp_bytes whole;
    if (!tp_der_take(at, tag, &whole, NULL))
        return TP_MALFORMED;
    const unsigned char *der = whole.data;
    ASN1_TIME *time = d2i_ASN1_TIME(NULL, &der, (long)whole.len);
    const enum tp_rc rc = tp_pki_time(time, ret_utc_ms);
    ASN1_TIME_free(time);
    return rc;
}

/* BIT STRING order: bit 0 of RFC 5280 is the first byte's highest, and libcrypto keeps the bytes as they are. */
static unsigned usage_bits(uint32_t libcrypto)
{
    if (libcrypto == UINT32_MAX)
        return ~0u;
    unsigned usage = (libcrypto & KU_DECIPHER_ONLY) != 0 ? 1u << 8 : 0;
    for (unsigned bit = 0; bit < 8; bit++)
        if ((libcrypto & (0x80u >> bit)) != 0)
            usage |= 1u << bit;
    return usage;
}

static enum tp_rc serial_text(const ASN1_INTEGER *serial, char ret_text[TP_PKI_SERIAL_MAX])
{
    const int len = ASN1_STRING_length(serial);
    if (len <= 0 || (size_t)len > (TP_PKI_SERIAL_MAX - 2) / 2)
        return TP_MALFORMED;
    const bool negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
    ret_text[0] = '-';
    tp_hex_encode(TP_BYTES(ASN1_STRING_get0_data(serial), (size_t)len), ret_text + (negative ? 1 : 0));
    return TP_OK;
}

static enum tp_pki_hash signed_hash(X509 *x509)
{
    int nid = NID_undef;
    if (X509_get_signature_info(x509, &nid, NULL, NULL, NULL) != 1 || nid == NID_undef)
        return TP_PKI_HASH_NONE;
    return tp_pki_hash_parse(OBJ_nid2sn(nid));
}

static enum tp_rc texts_fill(const X509 *x509, struct tp_pki_certificate *certificate)
{
    TP_TRY(tp_pki_name_text(X509_get_subject_name(x509), certificate->subject));
    TP_TRY(tp_pki_name_text(X509_get_issuer_name(x509), certificate->issuer));
    TP_TRY(serial_text(X509_get0_serialNumber(x509), certificate->serial));
    TP_TRY(tp_pki_time(X509_get0_notBefore(x509), &certificate->not_before_ms));
    return tp_pki_time(X509_get0_notAfter(x509), &certificate->not_after_ms);
}

static enum tp_rc ders_fill(const X509 *x509, struct tp_pki_certificate *certificate)
{
    unsigned char *der = NULL;
    TP_TRY(tp_pki_der_take(&der, i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der), &certificate->spki));
    TP_TRY(tp_pki_der_take(&der, i2d_X509_NAME(X509_get_subject_name(x509), &der), &certificate->subject_der));
    TP_TRY(tp_pki_der_take(&der, i2d_X509_NAME(X509_get_issuer_name(x509), &der), &certificate->issuer_der));
    return tp_pki_der_take(&der, i2d_ASN1_INTEGER(X509_get0_serialNumber(x509), &der), &certificate->serial_der);
}

void tp_pki_certificate_clear(struct tp_pki_certificate *certificate)
{
    tp_buf_clear(&certificate->spki);
    tp_buf_clear(&certificate->subject_der);
    tp_buf_clear(&certificate->issuer_der);
    tp_buf_clear(&certificate->serial_der);
    *certificate = (struct tp_pki_certificate){0};
}

enum tp_rc tp_pki_certificate_parse(struct tp_bytes der, struct tp_error *error,
                                    struct tp_pki_certificate *ret_certificate)
{
    TP_PKI_ERRORS_KEEP;
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    TP_TRY(tp_pki_x509_load(der, error, &x509));
    struct tp_pki_certificate certificate TP_AUTO(tp_pki_certificate_clear) = {0};
    if (texts_fill(x509, &certificate) != TP_OK)
        return tp_error_set(error, TP_MALFORMED,
                            "the certificate's names, serial number or dates are not as RFC 5280 says");
    TP_TRY(ders_fill(x509, &certificate));
    certificate.key_usage = usage_bits(X509_get_key_usage(x509));
    certificate.hash = signed_hash(x509);
    certificate.is_ca = X509_check_ca(x509) == 1; /* 1: by basicConstraints; other values are guesses about old ones */
    *ret_certificate = certificate;
    certificate = (struct tp_pki_certificate){0};
    return TP_OK;
}

enum tp_rc tp_pki_certificate_issued_by(struct tp_bytes certificate, struct tp_bytes issuer, struct tp_error *error)
{
    TP_PKI_ERRORS_KEEP;
    X509 *subject TP_AUTO(X509_free_p) = NULL, *signer TP_AUTO(X509_free_p) = NULL;
    TP_TRY(tp_pki_x509_load(certificate, error, &subject));
    TP_TRY(tp_pki_x509_load(issuer, error, &signer));
    if (X509_NAME_cmp(X509_get_issuer_name(subject), X509_get_subject_name(signer)) != 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the certificate names another issuer than the one given");
    EVP_PKEY *key = X509_get0_pubkey(signer);
    if (key == NULL || X509_verify(subject, key) != 1)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the certificate was not signed with the issuer's key");
    return TP_OK;
}

/* ---- files ---- */

struct reading {
    struct tp_error *error;
    tp_pki_der_fn *each;
    void *context;
    size_t count;
};

static enum tp_rc one_certificate(struct reading *reading, struct tp_bytes der)
{
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    TP_TRY(tp_pki_x509_load(der, reading->error, &x509));
    reading->count++;
    return reading->each(reading->context, der);
}

static enum tp_rc pkcs7_walk(struct reading *reading, const PKCS7 *pkcs7)
{
    const STACK_OF(X509) *stack = PKCS7_type_is_signed(pkcs7) ? pkcs7->d.sign->cert : NULL;
    for (int i = 0; i < sk_X509_num(stack); i++) {
        struct tp_buf certificate TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        unsigned char *der = NULL;
        TP_TRY(tp_pki_der_take(&der, i2d_X509(sk_X509_value(stack, i), &der), &certificate));
        TP_TRY(one_certificate(reading, tp_buf_bytes(&certificate)));
    }
    return TP_OK;
}

static enum tp_rc pkcs7_read(struct reading *reading, struct tp_bytes der)
{
    PKCS7 *pkcs7 = PKCS7_new_ex(tp_crypto_libctx(), NULL);
    if (pkcs7 == NULL)
        return TP_MEMORY;
    const unsigned char *at = der.data;
    enum tp_rc rc = TP_OK;
    if (d2i_PKCS7(&pkcs7, &at, (long)der.len) == NULL || at != der.data + der.len)
        rc = tp_error_set(reading->error, TP_MALFORMED, "the file is neither a certificate nor PKCS#7 certificates");
    else
        rc = pkcs7_walk(reading, pkcs7);
    PKCS7_free(pkcs7);
    return rc;
}

static enum tp_rc block_take(void *context, const char *label, struct tp_bytes der)
{
    struct reading *reading = context;
    if (strcmp(label, "CERTIFICATE") == 0 || strcmp(label, "X509 CERTIFICATE") == 0)
        return one_certificate(reading, der);
    if (strcmp(label, "PKCS7") == 0 || strcmp(label, "CMS") == 0)
        return pkcs7_read(reading, der);
    return TP_OK; /* other things may stand beside certificates */
}

/* PKCS#7 begins with SEQUENCE, OBJECT IDENTIFIER; a certificate with SEQUENCE, SEQUENCE. */
static bool is_pkcs7(struct tp_bytes der)
{
    const unsigned char *at = der.data;
    long len = 0;
    int tag = 0, class = 0;
    if (der.len == 0 || (ASN1_get_object(&at, &len, &tag, &class, (long)der.len) & 0x80) != 0)
        return false;
    return at < der.data + der.len && *at == V_ASN1_OBJECT;
}

static enum tp_rc der_read(struct reading *reading, struct tp_bytes file)
{
    if (file.len == 0 || file.data[0] != TP_DER_SEQUENCE)
        return tp_error_set(reading->error, TP_MALFORMED,
                            "this is no certificate: neither in PEM nor in DER, nor PKCS#7");
    return one_certificate(reading, file);
}

enum tp_rc tp_pki_certificates_read(struct tp_bytes file, struct tp_error *error, tp_pki_der_fn *each, void *context)
{
    TP_PKI_ERRORS_KEEP;
    struct reading reading = {.error = error, .each = each, .context = context};
    if (file.len > TP_PKI_FILE_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the file is larger than %zu bytes", TP_PKI_FILE_MAX);
    if (tp_pki_pem_is(file))
        TP_TRY(tp_pki_pem_read(file, error, block_take, &reading));
    else if (is_pkcs7(file))
        TP_TRY(pkcs7_read(&reading, file));
    else
        TP_TRY(der_read(&reading, file));
    if (reading.count == 0)
        return tp_error_set(error, TP_NOT_FOUND, "the file holds no certificate");
    return TP_OK;
}
