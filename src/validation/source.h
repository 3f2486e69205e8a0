/* SPDX-License-Identifier: Apache-2.0
 *
 * Where evidence that is missing is had from: OCSP first, CRL otherwise (AIA, CDP), issuers (AIA), through a cache that
 * keeps each answer as long as it is valid. The network can be forbidden.
 *
 * An answer may be valid for days, and who it is about may have been revoked since: what was had longer ago than is recent
 * is asked for again, and only used where nobody answers.
 */
#ifndef TP_VALIDATION_SOURCE_H
#define TP_VALIDATION_SOURCE_H

#include "http/http.h"
#include "validation/evidence.h"

struct tp_validation_source_config {
    const char *cache_dir; /* kept from run to run; NULL: in memory only */
    bool offline;          /* only evidence that is given */
    bool crl_only;         /* never ask OCSP responders */
    bool always;           /* ask also where the evidence that is there would be enough */
    int64_t recent_ms;     /* what was had so long ago is asked for again; 0: nothing is, as long as it is valid */
    size_t crl_most; /* bytes of a CRL that is worth embedding; 0: 2 MiB. Larger ones are used to check, and refused
                      * for embedding with words */
    int64_t timeout_ms; /* of one exchange, 0: TP_HTTP_TIMEOUT_MS; of one gathering four times as long */
};
struct tp_validation_source; /* threads may share it */
TP_MUST_USE enum tp_rc tp_validation_source_new(const struct tp_validation_source_config *config,
                                                struct tp_error *error, struct tp_validation_source **ret_source);
void tp_validation_source_free(struct tp_validation_source *source);
TP_DEFINE_AUTO(struct tp_validation_source, tp_validation_source_free)

/* Adds to EVIDENCE all that proves LEAF at AT_MS for PURPOSE: the chain to an anchor; for each certificate but anchors
 * (and OCSP responders with id-pkix-ocsp-nocheck) an OCSP response or a CRL that is fresh at AT_MS; the chains of OCSP
 * responders likewise. Uses what EVIDENCE has first. Whole or an error: TP_REFUSED when something in it is revoked
 * (words name it, and when), TP_NOT_FOUND when something cannot be had (words name it, and what was tried), TP_PEER no
 * chain to an anchor. */
TP_MUST_USE enum tp_rc tp_validation_gather(struct tp_validation_source *source, struct tp_bytes leaf,
                                            enum tp_pki_purpose purpose, const struct tp_pki_anchors *anchors,
                                            int64_t at_ms, struct tp_evidence *evidence, struct tp_error *error);

/* The same in two steps, for who verifies. Adds the chain of LEAF at AT_MS, with issuers from where certificates say that they are to be
 * had; TP_PEER: there is none. Nobody is asked past UNTIL_MS (monotonic). */
TP_MUST_USE enum tp_rc tp_validation_gather_chain(struct tp_validation_source *source, struct tp_bytes leaf,
                                                  enum tp_pki_purpose purpose, const struct tp_pki_anchors *anchors, int64_t at_ms,
                                                  int64_t until_ms, struct tp_evidence *evidence, struct tp_error *error);
/* Adds what is known at AT_MS of the certificates of CHAIN, leaf first, whose last is an anchor: everybody is asked, also where EVIDENCE has
 * an answer, which knows nothing of what has happened since; of what has ended nobody is asked. Results as of tp_validation_gather;
 * what was found is there in any case. */
TP_MUST_USE enum tp_rc tp_validation_gather_statuses(struct tp_validation_source *source, const struct tp_bytes *chain, size_t len,
                                                     int64_t at_ms, int64_t until_ms, struct tp_evidence *evidence,
                                                     struct tp_error *error);

#endif
