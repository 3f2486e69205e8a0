/* SPDX-License-Identifier: Apache-2.0
 *
 * OCSPRequest (RFC 6960 §4.1), for one certificate.
 */
#include "pki/ocsp_parts.h"
#include "pki/oid.h"

#define NONCE_MOST 32 /* RFC 8954 §2.1 */

static const struct tp_bytes oid_nonce = TP_PKI_OID(TP_PKI_ARC_OCSP "\x02");

/* ---- whom it is about ---- */

void tp_pki_ocsp_subject_clear(struct tp_pki_ocsp_subject *subject)
{
    X509_free(subject->x509);
    X509_free(subject->issuer);
    *subject = (struct tp_pki_ocsp_subject){0};
}

enum tp_rc tp_pki_ocsp_subject_load(struct tp_bytes certificate, struct tp_bytes issuer, struct tp_error *error,
                                    struct tp_pki_ocsp_subject *ret_subject)
{
    struct tp_pki_ocsp_subject subject TP_AUTO(tp_pki_ocsp_subject_clear) = {0};
    TP_TRY(tp_pki_x509_load(certificate, error, &subject.x509));
    TP_TRY(tp_pki_x509_load(issuer, error, &subject.issuer));
    if (X509_NAME_cmp(X509_get_issuer_name(subject.x509), X509_get_subject_name(subject.issuer)) != 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the certificate names another issuer than the one given");
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(subject.issuer);
    if (key == NULL || ASN1_STRING_length(key) <= 0)
        return tp_error_set(error, TP_MALFORMED, "the issuer's certificate has no public key");
    subject.issuer_key = TP_BYTES(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key));
    *ret_subject = subject;
    subject = (struct tp_pki_ocsp_subject){0};
    return TP_OK;
}

enum tp_rc tp_pki_ocsp_hash(enum tp_pki_hash hash, struct tp_bytes bytes, uint8_t ret_hash[EVP_MAX_MD_SIZE])
{
    const char *name = tp_pki_hash_libcrypto(hash);
    const EVP_MD *md = name == NULL ? NULL : tp_crypto_digest(name);
    return md != NULL && EVP_Digest(bytes.data, bytes.len, ret_hash, NULL, md, NULL) == 1 ? TP_OK : TP_CRYPTO;
}

enum tp_rc tp_pki_name_der(const X509_NAME *name, struct tp_buf *ret_der)
{
    unsigned char *der = NULL;
    return tp_pki_der_take(&der, i2d_X509_NAME(name, &der), ret_der);
}

/* ---- the request ---- */

static enum tp_rc hash_put(struct tp_bytes bytes, struct tp_buf *buf)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    TP_TRY(tp_pki_ocsp_hash(TP_PKI_SHA1, bytes, hash));
    return tp_der_put(buf, TP_DER_OCTET_STRING, TP_BYTES(hash, tp_pki_hash_len(TP_PKI_SHA1)));
}

static enum tp_rc cert_id_put(const struct tp_pki_ocsp_subject *subject, struct tp_buf *buf)
{
    size_t mark, algorithm;
    unsigned char *serial = NULL;
    struct tp_buf name TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pki_name_der(X509_get_issuer_name(subject->x509), &name));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &algorithm));
    TP_TRY(tp_buf_append(buf, tp_pki_hash_oid(TP_PKI_SHA1)));
    TP_TRY(tp_der_put(buf, TP_DER_NULL, TP_BYTES_NONE));
    TP_TRY(tp_der_close(buf, algorithm));
    TP_TRY(hash_put(tp_buf_bytes(&name), buf));
    TP_TRY(hash_put(subject->issuer_key, buf));
    TP_TRY(tp_pki_der_take(&serial, i2d_ASN1_INTEGER(X509_get0_serialNumber(subject->x509), &serial), buf));
    return tp_der_close(buf, mark);
}

/* §4.4.1: extnValue holds an OCTET STRING. */
static enum tp_rc nonce_put(struct tp_bytes nonce, struct tp_buf *buf)
{
    size_t explicit, list, extension, value;
    TP_TRY(tp_der_open(buf, TP_DER_CONSTRUCTED + 2, &explicit));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &list));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &extension));
    TP_TRY(tp_der_put(buf, TP_DER_OID, oid_nonce));
    TP_TRY(tp_der_open(buf, TP_DER_OCTET_STRING, &value));
    TP_TRY(tp_der_put(buf, TP_DER_OCTET_STRING, nonce));
    TP_TRY(tp_der_close(buf, value));
    TP_TRY(tp_der_close(buf, extension));
    TP_TRY(tp_der_close(buf, list));
    return tp_der_close(buf, explicit);
}

static enum tp_rc request_put(const struct tp_pki_ocsp_subject *subject, struct tp_bytes nonce, struct tp_buf *buf)
{
    size_t all, tbs, list, one;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &all));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &tbs));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &list));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &one));
    TP_TRY(cert_id_put(subject, buf));
    TP_TRY(tp_der_close(buf, one));
    TP_TRY(tp_der_close(buf, list));
    if (nonce.len > 0)
        TP_TRY(nonce_put(nonce, buf));
    TP_TRY(tp_der_close(buf, tbs));
    return tp_der_close(buf, all);
}

enum tp_rc tp_pki_ocsp_request(struct tp_bytes certificate, struct tp_bytes issuer, struct tp_bytes nonce,
                               struct tp_error *error, struct tp_buf *ret_der)
{
    TP_PKI_ERRORS_KEEP;
    struct tp_pki_ocsp_subject subject TP_AUTO(tp_pki_ocsp_subject_clear) = {0};
    struct tp_buf request TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (nonce.len > NONCE_MOST)
        return tp_error_set(error, TP_TOO_LARGE, "an OCSP nonce has at most %d bytes", NONCE_MOST);
    TP_TRY(tp_pki_ocsp_subject_load(certificate, issuer, error, &subject));
    TP_TRY(request_put(&subject, nonce, &request));
    return tp_buf_append(ret_der, tp_buf_bytes(&request));
}
