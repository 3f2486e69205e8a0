/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of an OCSPResponse (RFC 6960 §4.2.1): views.
 */
#ifndef TP_PKI_OCSP_PARTS_H
#define TP_PKI_OCSP_PARTS_H

#include "base/der.h"
#include "pki/internal.h"
#include "pki/ocsp.h"

#define TP_PKI_OCSP_CERTIFICATES 16
#define TP_PKI_OCSP_ANSWERS      1024

struct tp_pki_ocsp_basic {
    struct tp_bytes signed_part;                      /* ResponseData, whole */
    struct tp_bytes algorithm, signature;             /* whole; content */
    struct tp_bytes responder_name, responder_key_id; /* one of them: Name, whole; KeyHash, content */
    int64_t produced_ms;
    struct tp_bytes answers; /* content of SEQUENCE OF SingleResponse */
    struct tp_bytes nonce;   /* none: it has none */
    struct tp_bytes certificates[TP_PKI_OCSP_CERTIFICATES];
    size_t certificates_len;
};
/* TP_BUSY: tryLater; TP_REFUSED: another status than successful. */
TP_MUST_USE enum tp_rc tp_pki_ocsp_read(struct tp_bytes response, struct tp_error *error,
                                        struct tp_pki_ocsp_basic *ret_basic);

/* Of one certificate, in CertID. */
struct tp_pki_ocsp_subject {
    X509 *x509, *issuer;
    struct tp_bytes issuer_key; /* content of the BIT STRING */
};
TP_MUST_USE enum tp_rc tp_pki_ocsp_subject_load(struct tp_bytes certificate, struct tp_bytes issuer,
                                                struct tp_error *error, struct tp_pki_ocsp_subject *ret_subject);
void tp_pki_ocsp_subject_clear(struct tp_pki_ocsp_subject *subject);
/* Hashes of a name (whole) and of a key as CertID and ResponderID have them. */
TP_MUST_USE enum tp_rc tp_pki_ocsp_hash(enum tp_pki_hash hash, struct tp_bytes bytes,
                                        uint8_t ret_hash[EVP_MAX_MD_SIZE]);
TP_MUST_USE enum tp_rc tp_pki_name_der(const X509_NAME *name, struct tp_buf *ret_der);

#endif
