/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files that write CMS.
 */
#ifndef TP_PKI_CMS_INTERNAL_H
#define TP_PKI_CMS_INTERNAL_H

#include "base/der.h"
#include "pki/cms.h"
#include "pki/signer_internal.h"

#define TP_PKI_OID_DATA        "1.2.840.113549.1.7.1"
#define TP_PKI_OID_SIGNED_DATA "1.2.840.113549.1.7.2"
#define TP_PKI_OID_TIMESTAMP   "1.2.840.113549.1.9.16.2.14" /* signature-time-stamp */

/* Elements of a SET OF, which DER has in order (X.690 §11.6). Views into what the caller keeps. */
#define TP_PKI_DER_SET_MOST 64
struct tp_pki_der_set {
    struct tp_bytes elements[TP_PKI_DER_SET_MOST];
    size_t len;
};
TP_MUST_USE enum tp_rc tp_pki_der_set_add(struct tp_pki_der_set *set, struct tp_bytes element);
/* Sorts SET and appends the elements, without a tag. */
TP_MUST_USE enum tp_rc tp_pki_der_set_put(struct tp_pki_der_set *set, struct tp_buf *buf);

TP_MUST_USE enum tp_rc tp_pki_cms_put_digest_algorithm(enum tp_pki_hash hash, struct tp_buf *buf);
/* TAG: SEQUENCE, or the one of an implicit tag. TP_UNSUPPORTED: no such algorithm. */
TP_MUST_USE enum tp_rc tp_pki_cms_put_signature_algorithm(const struct tp_pki_cms_order *order, uint8_t tag,
                                                          struct tp_buf *buf);
/* What the order's key signs with. */
enum tp_pki_scheme tp_pki_cms_scheme(const struct tp_pki_cms_order *order);
/* The content of SignedAttributes. */
TP_MUST_USE enum tp_rc tp_pki_cms_put_attributes(const struct tp_pki_cms_order *order, struct tp_error *error,
                                                 struct tp_buf *buf);
/* An Attribute with one value: TYPE and VALUE, a whole element. */
TP_MUST_USE enum tp_rc tp_pki_cms_put_attribute(const char *type, struct tp_bytes value, struct tp_buf *buf);

#endif
