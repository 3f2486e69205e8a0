/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a certificate was good when it signed: EN 319 102-1 §5.2.6 (X.509 validation), §5.6.2 (past certificate
 * validation, control time sliding) and §5.6.3 (proofs of existence), over evidence that is there. Asks no network.
 */
#ifndef TP_VALIDATION_CERTIFICATE_H
#define TP_VALIDATION_CERTIFICATE_H

#include "validation/evidence.h"
#include "validation/verdict.h"

struct tp_validation_question {
    struct tp_bytes leaf; /* DER */
    enum tp_pki_purpose purpose;
    const struct tp_pki_anchors *anchors;
    int64_t now_ms; /* the validation time */
    int64_t
        poe_ms; /* the earliest time at which the signature is proven to have existed; INT64_MAX: none: now counts */
    int64_t after_ms; /* the signature is proven not to have existed before (a content timestamp); 0: not known */
    int64_t grace_ms; /* how old revocation data may be when it has no nextUpdate; 0: a day */
    /* §5.6.2.2 to the letter: data that is not fresh any more vouches for the time up to its issuance. Otherwise up to
     * its nextUpdate, the last moment at which it was fresh: CRLs are mostly older than the signature that they are
     * embedded for. */
    bool strict;
};
struct tp_validation_step { /* one a certificate of the chain, leaf first */
    struct tp_pki_certificate certificate;
    struct tp_buf der;
    bool anchor, revoked;
    int64_t revoked_ms;
    const char *reason;
    char status_from[TP_ERROR_WORDS_LEN]; /* "OCSP of CN=…, 2026-…", "CRL …", "not checked: anchor" */
    int64_t status_ms;     /* thisUpdate of that evidence; 0: none */
};
struct tp_validation_answer {
    struct tp_verdict verdict;
    int64_t control_ms; /* the time at which it is proven good */
    struct tp_validation_step *steps;
    size_t steps_len;
};
TP_MUST_USE enum tp_rc tp_validation_certificate(const struct tp_validation_question *question,
                                                 const struct tp_evidence *evidence, struct tp_error *error,
                                                 struct tp_validation_answer *ret_answer);
void tp_validation_answer_clear(struct tp_validation_answer *answer);

#endif
