/* SPDX-License-Identifier: Apache-2.0
 *
 * OCSP (RFC 6960), the client's side: requests, and responses as evidence.
 */
#ifndef TP_PKI_OCSP_H
#define TP_PKI_OCSP_H

#include "pki/certificate.h"

#define TP_PKI_OCSP_MAX ((size_t)256 << 10)

/* For one certificate (DER) of ISSUER (DER), CertID by SHA-1 (RFC 5019 §2.1.1, what responders know); NONCE may be none. */
TP_MUST_USE enum tp_rc tp_pki_ocsp_request(struct tp_bytes certificate, struct tp_bytes issuer, struct tp_bytes nonce,
                                           struct tp_error *error, struct tp_buf *ret_der);

enum tp_pki_ocsp_status { TP_PKI_OCSP_GOOD, TP_PKI_OCSP_REVOKED, TP_PKI_OCSP_UNKNOWN };
struct tp_pki_ocsp_answer {
    enum tp_pki_ocsp_status status;
    int64_t revoked_ms;  /* 0 unless revoked */
    const char *reason;  /* "keyCompromise", static; NULL: not told */
    int64_t this_update_ms, next_update_ms /* 0: none */, produced_ms;
    struct tp_buf responder; /* DER of the certificate that signed the response: the issuer, or a delegate of it */
    enum tp_pki_hash hash;   /* that the response is signed over; NONE: EdDSA */
    bool by_delegate, no_check; /* id-pkix-ocsp-nocheck in the delegate's certificate */
};
void tp_pki_ocsp_answer_clear(struct tp_pki_ocsp_answer *answer);
/* What RESPONSE (an OCSPResponse) says of CERTIFICATE: status successful, its CertID (by any hash), signed by ISSUER or by a
 * certificate that ISSUER issued with id-kp-OCSPSigning, found in the response or in EXTRA. NONCE, where given, must be
 * repeated when the response has one. Of several answers the newest counts. TP_NOT_FOUND: it is about others. TP_CRYPTO,
 * TP_PEER: signed by somebody else. TP_BUSY: tryLater; TP_REFUSED: another status. Times are for the caller to judge, and so
 * is a delegate's certificate: its validity, its revocation unless `no_check`. */
TP_MUST_USE enum tp_rc tp_pki_ocsp_find(struct tp_bytes response, struct tp_bytes certificate, struct tp_bytes issuer,
                                        const struct tp_bytes *extra, size_t extra_len, struct tp_bytes nonce,
                                        struct tp_error *error, struct tp_pki_ocsp_answer *ret_answer);

/* Where a certificate says that its status is to be had (AIA, CDP) and its issuer (AIA caIssuers): http(s) only, at most
 * four each. */
struct tp_pki_places {
    char *ocsp[4], *crl[4], *issuer[4];
    size_t ocsp_len, crl_len, issuer_len;
};
TP_MUST_USE enum tp_rc tp_pki_places_read(struct tp_bytes certificate, struct tp_error *error,
                                          struct tp_pki_places *ret_places);
void tp_pki_places_clear(struct tp_pki_places *places);

#endif
