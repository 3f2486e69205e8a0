/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the reading side of cms.h share.
 */
#ifndef TP_PKI_CMS_READER_H
#define TP_PKI_CMS_READER_H

#include "base/der.h"
#include "pki/cms.h"
#include "pki/internal.h"
#include "pki/signature.h"

#define TP_PKI_CMS_EVIDENCE   1024 /* CRLs, and OCSP responses */
#define TP_PKI_CMS_ATTRIBUTES 64   /* of one signer, signed and unsigned each */

/* One SignerInfo (RFC 5652 §5.3): views into the CMS. */
struct tp_pki_cms_part {
    struct tp_bytes sid, digest_algorithm, signature_algorithm; /* whole elements */
    struct tp_bytes attributes;                                 /* content of signedAttrs */
    struct tp_bytes unsigned_attributes;
    /* Values of signed attributes, whole elements; none when there is no such one. */
    struct tp_bytes content_type, message_digest, signing_time, ess, ess_v2, protection;
    struct tp_pki_signature_algorithm algorithm; /* as far as it is known */
    enum tp_rc algorithm_rc;
    X509 *x509; /* the signer's, one of the CMS's; NULL when it is not there */
    struct tp_pki_cms_signer facts;
};

struct tp_pki_cms_views {
    struct tp_bytes *items;
    size_t len;
};

struct tp_pki_cms {
    struct tp_buf der; /* everything points into it */
    size_t len;        /* bytes of the encoding that it was read from */
    char content_type[128];
    struct tp_bytes content_type_oid; /* whole element */
    struct tp_bytes content;
    struct tp_bytes certificates[TP_PKI_CMS_CERTIFICATES];
    X509 *x509[TP_PKI_CMS_CERTIFICATES]; /* NULL where libcrypto cannot read it */
    size_t certificates_len;
    struct tp_pki_cms_views crls, ocsps;
    struct tp_buf made[TP_PKI_CMS_EVIDENCE]; /* OCSPResponses around the BasicOCSPResponses of revocation-values */
    size_t made_len;
    struct tp_pki_cms_part parts[TP_PKI_CMS_SIGNERS];
    size_t parts_len;
};

/* Fills in the attributes of PART, and takes what evidence is among them. */
TP_MUST_USE enum tp_rc tp_pki_cms_attributes_read(struct tp_pki_cms *cms, struct tp_pki_cms_part *part,
                                                  struct tp_error *error);
/* After all certificates are known: who signed, and how. */
void tp_pki_cms_part_judge(struct tp_pki_cms *cms, struct tp_pki_cms_part *part);

/* `crls` of SignedData; the Adobe attribute; revocation-values. Content of what holds them. */
TP_MUST_USE enum tp_rc tp_pki_cms_take_crls(struct tp_pki_cms *cms, struct tp_bytes choices);
TP_MUST_USE enum tp_rc tp_pki_cms_take_archival(struct tp_pki_cms *cms, struct tp_bytes archival);
TP_MUST_USE enum tp_rc tp_pki_cms_take_values(struct tp_pki_cms *cms, struct tp_bytes values);
/* Up to TP_PKI_CMS_CERTIFICATES, each once. */
void tp_pki_cms_take_certificate(struct tp_pki_cms *cms, struct tp_bytes der);

/* Whether there is signing-certificate (RFC 2634 §5.4) or signing-certificate-v2 (RFC 5035 §3), and what there is of
 * them names X509, which is DER. */
bool tp_pki_cms_ess_fits(const struct tp_pki_cms_part *part, const X509 *x509, struct tp_bytes der);
/* As tp_pki_cms_verify, with this certificate. */
TP_MUST_USE enum tp_rc tp_pki_cms_verify_with(const struct tp_pki_cms *cms, size_t signer, X509 *x509,
                                              struct tp_bytes digest, struct tp_error *error);

/* Takes the element off the front of *AT when it has TAG; none otherwise. */
static inline struct tp_bytes tp_pki_der_optional(struct tp_bytes *at, uint8_t tag)
{
    struct tp_bytes content = TP_BYTES_NONE;
    return tp_der_take(at, tag, NULL, &content) ? content : TP_BYTES_NONE;
}

#endif
