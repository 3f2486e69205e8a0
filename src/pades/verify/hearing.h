/* SPDX-License-Identifier: Apache-2.0
 *
 * A document before the court: verify.c begins and judges, document.c reads what is there, examine.c looks at each
 * signature in the revision that it signs, and at what came after.
 */
#ifndef TP_PADES_VERIFY_HEARING_H
#define TP_PADES_VERIFY_HEARING_H

#include "pades/change/change.h"

struct tp_pades_subject { /* one signature on its way */
    struct tp_pades_signature *signature; /* the verification's */
    struct tp_pades_found found;          /* values of the newest document, then of the signed revision */
    struct tp_buf contents;
    struct tp_pdf_document *document;     /* the signed revision; the hearing's own when it is the newest */
    bool usable;                          /* bytes and revision are in order */
    bool store;                           /* its revision has a DSS; of document timestamps */
    bool proves;                          /* a document timestamp that is good */
};

struct tp_pades_hearing {
    struct tp_pdf_pool *pool;
    int fd;
    const struct tp_secret *password;
    struct tp_error *error;
    struct tp_pades_revisions revisions;
    struct tp_pdf_document *document; /* the newest revision */
    struct tp_pades_finds finds;
    struct tp_pdf_digests newest;
    struct tp_pdf_digests *history; /* by revision; empty ones are not known */
    struct tp_pades_court court;
    bool store;                       /* the newest revision has a DSS */
    struct tp_pades_subject subjects[TP_PADES_SIGNATURES_MAX];
    size_t len;
    int64_t until_ms; /* monotonic: no signature is looked at any more then */
    struct tp_pades_verification *verification;
};

/* Revisions, the newest document, its signatures with their bytes looked at, in the order in which they were made. */
TP_MUST_USE enum tp_rc tp_pades_hearing_read(struct tp_pades_hearing *hearing);
/* Each usable signature in its revision, and the changes since. */
TP_MUST_USE enum tp_rc tp_pades_hearing_examine(struct tp_pades_hearing *hearing);

/* Texts of a signature from DOCUMENT, whose values FOUND has. */
TP_MUST_USE enum tp_rc tp_pades_subject_describe(struct tp_pades_hearing *hearing, struct tp_pades_subject *subject,
                                                 struct tp_pdf_document *document);
/* Takes it out: TOTAL-FAILED, FORMAT_FAILURE. */
void tp_pades_subject_refuse(struct tp_pades_subject *subject, const char *words);
void tp_pades_subject_close(const struct tp_pades_hearing *hearing, struct tp_pades_subject *subject);
uint64_t tp_pades_subject_end(const struct tp_pades_subject *subject); /* of what it covers */

#endif
