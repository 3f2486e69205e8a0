/* SPDX-License-Identifier: Apache-2.0
 *
 * Time-Stamp Protocol: the messages of RFC 3161 with RFC 5816, both sides. Nothing here knows a network or a clock.
 */
#ifndef TP_PKI_TIMESTAMP_H
#define TP_PKI_TIMESTAMP_H

#include "pki/cms.h"

#define TP_PKI_TIMESTAMP_REQUEST_MAX  ((size_t)16 << 10)
#define TP_PKI_TIMESTAMP_RESPONSE_MAX ((size_t)1 << 20)
#define TP_PKI_OID_MAX                128 /* dotted text with NUL */
#define TP_PKI_NONCE_MAX              64
#define TP_PKI_TIMESTAMP_SERIAL_MAX   20

/* PKIFailureInfo (RFC 3161 §2.4.2), by bit number. */
enum tp_pki_timestamp_failure {
    TP_PKI_BAD_ALG = 0,
    TP_PKI_BAD_REQUEST = 2,
    TP_PKI_BAD_DATA_FORMAT = 5,
    TP_PKI_TIME_NOT_AVAILABLE = 14,
    TP_PKI_UNACCEPTED_POLICY = 15,
    TP_PKI_UNACCEPTED_EXTENSION = 16,
    TP_PKI_ADD_INFO_NOT_AVAILABLE = 17,
    TP_PKI_SYSTEM_FAILURE = 25
};
const char *tp_pki_timestamp_failure_name(int failure); /* "timeNotAvailable"; "none of RFC 3161" */

struct tp_pki_timestamp_request {
    enum tp_pki_hash hash; /* of the imprint; NONE: an algorithm that is not known, or one with parameters (badAlg) */
    uint8_t imprint[64];
    size_t imprint_len;
    bool imprint_bare; /* its algorithm is without parameters, instead of with NULL */
    char policy[TP_PKI_OID_MAX]; /* "": any */
    uint8_t nonce[TP_PKI_NONCE_MAX]; /* content bytes of the INTEGER */
    size_t nonce_len; /* 0: none */
    bool cert_req;
    bool has_extensions;
};
TP_MUST_USE enum tp_rc tp_pki_timestamp_request_make(const struct tp_pki_timestamp_request *request, struct tp_buf *ret_der);
/* Exactly one TimeStampReq, DER, nothing behind it. TP_MALFORMED; RET_FAILURE says badRequest or badDataFormat. */
TP_MUST_USE enum tp_rc tp_pki_timestamp_request_parse(struct tp_bytes der, struct tp_error *error,
                                                      struct tp_pki_timestamp_request *ret_request, int *ret_failure);

/* What a token says (TSTInfo). */
struct tp_pki_timestamp_info {
    enum tp_pki_hash hash;
    uint8_t imprint[64];
    size_t imprint_len;
    bool imprint_bare; /* as in the request */
    char policy[TP_PKI_OID_MAX];
    uint8_t serial[TP_PKI_TIMESTAMP_SERIAL_MAX]; /* big-endian, without leading zeros */
    size_t serial_len;
    int64_t time_us;     /* genTime, UTC microseconds */
    int64_t accuracy_us; /* -1: not told */
    bool ordering;
    uint8_t nonce[TP_PKI_NONCE_MAX];
    size_t nonce_len;
};

/* ---- the server's side ---- */

/* TSTInfo of INFO signed by SIGNER, in a granted TimeStampResp; certificates go in when CERTIFICATES. HASH: of the signature.
 * Appended. */
TP_MUST_USE enum tp_rc tp_pki_timestamp_grant(const struct tp_pki_timestamp_info *info, const struct tp_pki_signer *signer,
                                              enum tp_pki_hash hash, bool certificates, struct tp_error *error,
                                              struct tp_buf *ret_response);
/* A TimeStampResp that rejects, with statusString WORDS (English) and FAILURE. */
TP_MUST_USE enum tp_rc tp_pki_timestamp_reject(int failure, const char *words, struct tp_buf *ret_response);

/* TP_CONFIG with words unless the certificate (DER) is for timestamps alone (RFC 3161 §2.3). */
TP_MUST_USE enum tp_rc tp_pki_timestamp_certificate_check(struct tp_bytes certificate, struct tp_error *error);

/* ---- the client's side ---- */

/* The token of a granted response (DER, appended). TP_REFUSED with the TSA's own words and the failure's name otherwise. */
TP_MUST_USE enum tp_rc tp_pki_timestamp_response_token(struct tp_bytes response, struct tp_error *error,
                                                       struct tp_buf *ret_token);

/* A token that somebody else made: a CMS with one signer, id-ct-TSTInfo inside. Digits of its time beyond microseconds are cut
 * off. Critical extensions are TP_MALFORMED: they could say anything of the time. */
struct tp_pki_timestamp;
TP_MUST_USE enum tp_rc tp_pki_timestamp_parse(struct tp_bytes token, struct tp_error *error,
                                              struct tp_pki_timestamp **ret_timestamp);
void tp_pki_timestamp_free(struct tp_pki_timestamp *timestamp);
TP_DEFINE_AUTO(struct tp_pki_timestamp, tp_pki_timestamp_free)
const struct tp_pki_timestamp_info *tp_pki_timestamp_info(const struct tp_pki_timestamp *timestamp);
const struct tp_pki_cms *tp_pki_timestamp_cms(const struct tp_pki_timestamp *timestamp);
/* The signature of the token by its own signer certificate (which EXTRA, DER, is where the token has none; may be none); ESS
 * names it; it has exactly the extended key usage timeStamping, critical (RFC 3161 §2.3). Not the chain, not revocation.
 * RET_CERTIFICATE is a view into TIMESTAMP or EXTRA. As tp_pki_cms_verify; TP_CRYPTO also when ESS names another certificate,
 * TP_REFUSED: the certificate is not for timestamps alone. */
TP_MUST_USE enum tp_rc tp_pki_timestamp_verify(const struct tp_pki_timestamp *timestamp, struct tp_bytes extra,
                                               struct tp_error *error, struct tp_bytes *ret_certificate);
/* TP_DATA unless the token is over MESSAGE's hash: DIGEST must be by the hash that the info names. TP_UNSUPPORTED: by one that
 * is not known. */
TP_MUST_USE enum tp_rc tp_pki_timestamp_is_over(const struct tp_pki_timestamp *timestamp, struct tp_bytes digest,
                                                struct tp_error *error);

#endif
