/* SPDX-License-Identifier: Apache-2.0
 *
 * X.509 certificates, requests and CRLs, over libcrypto: parsing what others made, for deciding and for showing.
 */
#ifndef TP_PKI_CERTIFICATE_H
#define TP_PKI_CERTIFICATE_H

#include "base/bytes.h"
#include "base/error.h"
#include "pki/key.h"

#define TP_PKI_DN_MAX     512
#define TP_PKI_SERIAL_MAX 64 /* hex, with NUL */
#define TP_PKI_CRL_NUMBER_LEN 20

/* Bits of RFC 5280 §4.2.1.3. */
enum tp_pki_key_usage {
    TP_PKI_DIGITAL_SIGNATURE = 1 << 0,
    TP_PKI_NON_REPUDIATION = 1 << 1,
    TP_PKI_KEY_CERT_SIGN = 1 << 5,
    TP_PKI_CRL_SIGN = 1 << 6
};

struct tp_pki_certificate {
    char subject[TP_PKI_DN_MAX], issuer[TP_PKI_DN_MAX]; /* RFC 4514, UTF-8 */
    char serial[TP_PKI_SERIAL_MAX];                     /* hex, lower case */
    int64_t not_before_ms, not_after_ms;
    unsigned key_usage; /* ~0u when the extension is absent */
    bool is_ca;
    enum tp_pki_hash hash; /* that its issuer signed; NONE: not known, or EdDSA */
    struct tp_buf spki; /* DER */
    /* Name, Name, INTEGER: PKCS#11's CKA_SUBJECT, _ISSUER, _SERIAL_NUMBER */
    struct tp_buf subject_der, issuer_der, serial_der;
};
/* From here on certificates that were parsed are kept, some hundred of them, for this whole process: in our own programs alone,
 * never in the module, which other people's programs fork, unload, and outlive. */
void tp_pki_x509_cache_start(void);
TP_MUST_USE enum tp_rc tp_pki_certificate_parse(struct tp_bytes der, struct tp_error *error,
                                                struct tp_pki_certificate *ret_certificate);
void tp_pki_certificate_clear(struct tp_pki_certificate *certificate);
/* Whether ISSUER (DER) signed CERTIFICATE (DER): name and signature, nothing else. TP_BAD_ARGUMENT when not. */
TP_MUST_USE enum tp_rc tp_pki_certificate_issued_by(struct tp_bytes certificate, struct tp_bytes issuer,
                                                    struct tp_error *error);
/* Signed over MD5 or SHA-1, or of a key that is too short: RSA below 2048 bits, EC below 224. */
TP_MUST_USE enum tp_rc tp_pki_certificate_is_weak(struct tp_bytes certificate, struct tp_error *error, bool *ret_weak);
/* Whether two Names (DER) are the same in whatever strings they are written (RFC 5280 §7.1): PrintableString and UTF8String, upper and
 * lower case, more or less white space. */
bool tp_pki_names_equal(struct tp_bytes a, struct tp_bytes b);
/* PEM (any number) or one DER, or a PKCS#7 "certs only", from a file's bytes: EACH is called in the file's order. */
typedef enum tp_rc tp_pki_der_fn(void *context, struct tp_bytes der);
TP_MUST_USE enum tp_rc tp_pki_certificates_read(struct tp_bytes file, struct tp_error *error, tp_pki_der_fn *each,
                                                void *context);

struct tp_pki_crl {
    char issuer[TP_PKI_DN_MAX];
    struct tp_buf issuer_der;
    int64_t this_update_ms, next_update_ms; /* next: 0 when absent */
    bool has_number;
    uint8_t number[TP_PKI_CRL_NUMBER_LEN]; /* CRLNumber (§5.2.3), big-endian: memcmp() says which is older */
    struct tp_buf scope;                   /* DER of the issuingDistributionPoint (§5.2.5); empty: all that it issued */
    enum tp_pki_hash hash;                 /* that it is signed over; NONE: not known, or EdDSA */
    size_t revoked;
};
/* Header of a CRL; PEM or DER, at most 10 MiB. Delta CRLs and unknown critical extensions: TP_UNSUPPORTED. */
TP_MUST_USE enum tp_rc tp_pki_crl_parse(struct tp_bytes file, struct tp_error *error, struct tp_pki_crl *ret_crl);
void tp_pki_crl_clear(struct tp_pki_crl *crl);
/* The list itself in DER, whatever the file is; appended. */
TP_MUST_USE enum tp_rc tp_pki_crl_der(struct tp_bytes file, struct tp_error *error, struct tp_buf *ret_der);
/* Checks name, key usage and signature with the issuer's certificate (DER). TP_BAD_ARGUMENT when it is not the
 * issuer's. */
TP_MUST_USE enum tp_rc tp_pki_crl_verify(struct tp_bytes file, struct tp_bytes issuer, struct tp_error *error);
/* TP_OK: on it (removeFromCRL aside); RET_REASON its CRLReason ("keyCompromise", static), RET_HOLD certificateHold.
 * TP_NOT_FOUND: not on it. To look for many, parse once: */
struct tp_pki_crl_index;
TP_MUST_USE enum tp_rc tp_pki_crl_index_new(struct tp_bytes file, struct tp_error *error,
                                            struct tp_pki_crl_index **ret_index);
void tp_pki_crl_index_free(struct tp_pki_crl_index *index);
TP_DEFINE_AUTO(struct tp_pki_crl_index, tp_pki_crl_index_free)
/* Threads may share an index. */
TP_MUST_USE enum tp_rc tp_pki_crl_find(const struct tp_pki_crl_index *index, struct tp_bytes serial_der,
                                       const char **ret_reason, bool *ret_hold);
/* The same, with when. TP_UNSUPPORTED: not on it, but it has entries that are not understood, so that this says nothing. */
struct tp_pki_crl_entry {
    const char *reason;
    bool hold;
    int64_t revoked_ms;
};
TP_MUST_USE enum tp_rc tp_pki_crl_entry(const struct tp_pki_crl_index *index, struct tp_bytes serial_der,
                                        struct tp_pki_crl_entry *ret_entry);
/* Whether a CRL of SCOPE (of struct tp_pki_crl) speaks about CERTIFICATE (DER): RFC 5280 §6.3.3 (b). TP_NOT_FOUND with words when
 * not; TP_UNSUPPORTED when it is indirect. RET_ALL_REASONS: one that is not on it is not revoked for any reason. */
TP_MUST_USE enum tp_rc tp_pki_crl_covers(struct tp_bytes scope, struct tp_bytes certificate, struct tp_error *error,
                                         bool *ret_all_reasons);

/* A PKCS#10 request (RFC 2986) for SIGNER's key, signed with it and tp_pki_signer_hash(); RSA with PKCS#1 v1.5. SUBJECT:
 * "/C=JP/O=…/CN=…" or RFC 4514; DNS and EMAIL names (64 of each at most) go into subjectAltName. */
struct tp_pki_signer;
TP_MUST_USE enum tp_rc tp_pki_request_make(const struct tp_pki_signer *signer, const char *subject, const char *const *dns,
                                           size_t dns_len, const char *const *email, size_t email_len,
                                           struct tp_error *error, struct tp_buf *ret_der);
/* Whether a request could carry these names: TP_BAD_ARGUMENT with words, before anybody has to prove who they are. */
TP_MUST_USE enum tp_rc tp_pki_request_check(const char *subject, const char *const *dns, size_t dns_len,
                                            const char *const *email, size_t email_len, struct tp_error *error);
/* DER to PEM with LABEL ("CERTIFICATE REQUEST"), appended. */
TP_MUST_USE enum tp_rc tp_pki_pem_write(const char *label, struct tp_bytes der, struct tp_buf *ret_pem);

#endif
