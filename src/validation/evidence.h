/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence about certificates: certificates of issuers, OCSP responses and CRLs, wherever they come from: given files,
 * what is embedded in a document, the cache, the network. One set for a document: each item once.
 */
#ifndef TP_VALIDATION_EVIDENCE_H
#define TP_VALIDATION_EVIDENCE_H

#include "pki/ocsp.h"
#include "pki/path.h"

#define TP_EVIDENCE_ITEMS_MAX 8192
#define TP_EVIDENCE_BYTES_MAX ((size_t)96 << 20)
/* What comes with a document may take so much of each kind, in its store and in its signatures: a quarter is left for what is given, and
 * what is asked for, so that nobody keeps us from hearing of a revocation by burying it. */
#define TP_EVIDENCE_SHARE_ITEMS (TP_EVIDENCE_ITEMS_MAX / 8)
#define TP_EVIDENCE_SHARE_BYTES (TP_EVIDENCE_BYTES_MAX / 8)
enum tp_evidence_share { TP_EVIDENCE_OF_STORE, TP_EVIDENCE_OF_SIGNATURES, TP_EVIDENCE_SHARE_END };

enum tp_evidence_kind { TP_EVIDENCE_CERTIFICATE, TP_EVIDENCE_OCSP, TP_EVIDENCE_CRL, TP_EVIDENCE_KIND_END };

struct tp_evidence; /* one thread at a time */
TP_MUST_USE enum tp_rc tp_evidence_new(struct tp_evidence **ret_evidence);
void tp_evidence_free(struct tp_evidence *evidence);
TP_DEFINE_AUTO(struct tp_evidence, tp_evidence_free)
/* DER; the same bytes again change nothing. FROM is for reports ("DSS", "network", a file's name); copied. POE_MS: a
 * time at which it is proven to have existed; INT64_MAX: none. The earliest one counts. */
TP_MUST_USE enum tp_rc tp_evidence_add(struct tp_evidence *evidence, enum tp_evidence_kind kind, struct tp_bytes der,
                                       const char *from, int64_t poe_ms);
/* The same from where anybody may have put more: TP_TOO_LARGE when SHARE has as much of KIND as it may. */
TP_MUST_USE enum tp_rc tp_evidence_add_share(struct tp_evidence *evidence, enum tp_evidence_share share, enum tp_evidence_kind kind,
                                             struct tp_bytes der, const char *from, int64_t poe_ms);
/* Certificates that are looked at before all others: they come with what is judged, where others may have been put
 * beside it by anybody. What is not there is passed over. */
void tp_evidence_prefer(struct tp_evidence *evidence, struct tp_bytes certificate);
size_t tp_evidence_len(const struct tp_evidence *evidence, enum tp_evidence_kind kind);
struct tp_bytes tp_evidence_at(const struct tp_evidence *evidence, enum tp_evidence_kind kind, size_t index);
/* As it was added. */
const char *tp_evidence_from(const struct tp_evidence *evidence, enum tp_evidence_kind kind, size_t index);
int64_t tp_evidence_poe_ms(const struct tp_evidence *evidence, enum tp_evidence_kind kind, size_t index);

#endif
