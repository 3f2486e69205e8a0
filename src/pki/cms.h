/* SPDX-License-Identifier: Apache-2.0
 *
 * CMS SignedData (RFC 5652) with the signed attributes of CAdES (ETSI EN 319 122-1) and of PAdES (ETSI EN 319 142-1 §6.3).
 * The making side writes DER itself: libcrypto's CMS_SignerInfo_sign() puts a signingTime in that PAdES forbids.
 */
#ifndef TP_PKI_CMS_H
#define TP_PKI_CMS_H

#include "pki/certificate.h"
#include "pki/signer.h"

#define TP_PKI_CMS_MAX          ((size_t)16 << 20) /* what is read; embedded CRLs may be large */
#define TP_PKI_CMS_CERTIFICATES 64
#define TP_PKI_CMS_SIGNERS      16

/* ---- making ---- */

struct tp_pki_cms_order {
    const struct tp_pki_signer *signer; /* all its certificates go in, but a self-signed root */
    enum tp_pki_hash hash;              /* of content and signed attributes; with EdDSA SHA-512 for Ed25519 (RFC 8419) */
    bool pss;                           /* RSA only */
    struct tp_bytes digest;             /* of the content, by HASH; none: of CONTENT, which is hashed here */
    const char *content_type;           /* dotted OID; NULL: id-data */
    struct tp_bytes content;            /* eContent; none: detached */
    int64_t signing_time_ms;            /* 0: no signingTime, as in PAdES */
    const char *commitment;             /* dotted OID of a commitment-type-indication (EN 319 122-1 §5.2.3), or NULL */
    bool no_certificates;               /* not even the signer's, which the attributes name all the same (RFC 3161 §2.4.1) */
};
/* Signed attributes: content-type, message-digest, signing-certificate-v2, cms-algorithm-protection (RFC 6211), and what ORDER
 * names. Appended. TP_UNSUPPORTED: MD5, SHA-1, or a hash that does not go with the key (Ed25519: SHA-512 only; Ed448 would want
 * SHAKE256). TP_NOT_FOUND: the signer has no certificate. */
TP_MUST_USE enum tp_rc tp_pki_cms_make(const struct tp_pki_cms_order *order, struct tp_error *error, struct tp_buf *ret_der);
/* An upper bound of what tp_pki_cms_make will append for this order, without signing; the digest need not be known yet. */
TP_MUST_USE enum tp_rc tp_pki_cms_size(const struct tp_pki_cms_order *order, size_t *ret_most);
/* The signature value of the only SignerInfo: what a signature timestamp is over. A view into CMS. */
TP_MUST_USE enum tp_rc tp_pki_cms_signature(struct tp_bytes cms, struct tp_error *error, struct tp_bytes *ret_signature);
/* CMS with TOKEN as signature-time-stamp (EN 319 122-1 §5.3) among the unsigned attributes of its only SignerInfo; appended. */
TP_MUST_USE enum tp_rc tp_pki_cms_add_timestamp(struct tp_bytes cms, struct tp_bytes token, struct tp_error *error,
                                                struct tp_buf *ret_der);

/* ---- reading what others made ---- */

struct tp_pki_cms; /* parsed, immutable; owns its memory */

/* BER or DER; zero bytes behind it are allowed (the padding of /Contents), anything else is TP_MALFORMED. So are signed attributes
 * that are there twice, or without content-type and message-digest: each reader would see another one. */
TP_MUST_USE enum tp_rc tp_pki_cms_parse(struct tp_bytes der, struct tp_error *error, struct tp_pki_cms **ret_cms);
void tp_pki_cms_free(struct tp_pki_cms *cms);
TP_DEFINE_AUTO(struct tp_pki_cms, tp_pki_cms_free)

size_t tp_pki_cms_len(const struct tp_pki_cms *cms); /* bytes of the encoding itself, without the padding */
const char *tp_pki_cms_content_type(const struct tp_pki_cms *cms);      /* dotted */
struct tp_bytes tp_pki_cms_content(const struct tp_pki_cms *cms);       /* eContent; none when detached */
/* Of `certificates`, and of certificate-values (EN 319 122-1 §A.1.1.2); each once, and no more than TP_PKI_CMS_CERTIFICATES. */
size_t tp_pki_cms_certificates_len(const struct tp_pki_cms *cms);
struct tp_bytes tp_pki_cms_certificate(const struct tp_pki_cms *cms, size_t index); /* DER */
/* CRLs and OCSP responses that lie in `crls`, in adbe-revocationInfoArchival or in revocation-values; DER. */
size_t tp_pki_cms_crls_len(const struct tp_pki_cms *cms);
struct tp_bytes tp_pki_cms_crl(const struct tp_pki_cms *cms, size_t index);
size_t tp_pki_cms_ocsps_len(const struct tp_pki_cms *cms);
struct tp_bytes tp_pki_cms_ocsp(const struct tp_pki_cms *cms, size_t index); /* OCSPResponse */

struct tp_pki_cms_signer {
    enum tp_pki_hash hash;             /* digestAlgorithm; NONE when not known */
    enum tp_pki_hash signature_hash;   /* of the signature over the attributes; NONE: EdDSA, or not known */
    char algorithm[64];                /* for people: "RSA-2048, PKCS#1 v1.5, SHA-256" */
    struct tp_bytes certificate;       /* DER; none when it is not there */
    struct tp_bytes signature;
    struct tp_bytes message_digest;    /* none without signed attributes */
    int64_t signing_time_ms;           /* the signer's claim; 0: none */
    bool has_attributes, has_ess, ess_fits; /* signing-certificate or -v2; and it names `certificate` */
    struct tp_bytes timestamps[8];     /* signature-time-stamp tokens, DER */
    size_t timestamps_len;
    bool weak;                         /* MD5 or SHA-1, RSA below 2048 bits, EC below 224 */
};
size_t tp_pki_cms_signers_len(const struct tp_pki_cms *cms);
/* Views into CMS. */
void tp_pki_cms_signer(const struct tp_pki_cms *cms, size_t index, struct tp_pki_cms_signer *ret_signer);
/* What the signature is over (RFC 5652 §5.4): the DER of the SET OF signed attributes, appended. Nothing where there are none: then
 * it is over the content. */
TP_MUST_USE enum tp_rc tp_pki_cms_signed_attributes(const struct tp_pki_cms *cms, size_t signer, struct tp_buf *ret_der);
/* Whether a content could be the DER of somebody's signed attributes: a signature without attributes over it may have been taken from
 * a signature over another content, and its attributes have become the content (RFC 5652 has nothing against that). */
bool tp_pki_cms_are_attributes(struct tp_bytes content);
/* TP_OK: DIGEST (of the content by the signer's hash) is the message-digest, and the signature over the signed attributes (or
 * over DIGEST, without any) is the certificate's. TP_DATA: another content. TP_CRYPTO: the signature does not fit.
 * TP_UNSUPPORTED: an algorithm that is not known. TP_NOT_FOUND: no certificate. TP_MALFORMED: the content-type attribute says
 * other than the content, or attributes are missing where they must be. TP_DATA_LENGTH: DIGEST is none by that hash. */
TP_MUST_USE enum tp_rc tp_pki_cms_verify(const struct tp_pki_cms *cms, size_t signer, struct tp_bytes digest,
                                         struct tp_error *error);

#endif
