/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a certificate by which it is chosen from many: views, read without libcrypto, which takes a hundred
 * times as long for the whole.
 */
#ifndef TP_PKI_CERTIFICATE_PARTS_H
#define TP_PKI_CERTIFICATE_PARTS_H

#include "base/der.h"
#include "pki/internal.h"

struct tp_pki_certificate_parts {
    struct tp_bytes validity; /* content: notBefore, notAfter */
    struct tp_bytes subject;  /* Name, whole */
    struct tp_bytes key;      /* content of subjectPublicKey, unused bits left out */
    struct tp_bytes key_id;   /* content of subjectKeyIdentifier; none: it has none */
};
/* TP_MALFORMED: no certificate. That it is right otherwise is not said. */
TP_MUST_USE enum tp_rc tp_pki_certificate_parts_read(struct tp_bytes der, struct tp_pki_certificate_parts *ret_parts);
/* Whether it was valid at AT_MS, both ends included. */
bool tp_pki_certificate_parts_valid(const struct tp_pki_certificate_parts *parts, int64_t at_ms);
/* To be compared with X509_NAME_cmp (RFC 5280 §7.1); the caller frees it. NULL: it is no name. */
X509_NAME *tp_pki_certificate_parts_subject(const struct tp_pki_certificate_parts *parts);

#endif
