/* SPDX-License-Identifier: Apache-2.0
 *
 * Going through all that a document's trailer leads to (digests.c tells what was found): by QPDF (reach.c), in its object streams
 * (reach_stream.c), and where QPDF sees nothing but others may (reach_hidden.c).
 */
#ifndef TP_PDF_REACH_H
#define TP_PDF_REACH_H

#include "pdf/internal.h"
#include "pdf/reader.h"
#include "pdf/reread.h"

/* Among the doubts of a number, for the time of the walk. */
#define TP_PDF_REACH_SEEN     0x80
#define TP_PDF_REACH_REFERRED 0x40 /* by a key of a dictionary that QPDF leaves out */
#define TP_PDF_REACH_OPENED   0x20 /* as an object stream */
#define TP_PDF_REACH_KNOWN    0x10 /* among the references of the object that is looked at */
#define TP_PDF_REACH_OURS     (TP_PDF_REACH_SEEN | TP_PDF_REACH_REFERRED | TP_PDF_REACH_OPENED | TP_PDF_REACH_KNOWN)

struct tp_pdf_reaching {
    struct tp_pdf_reader *reader;
    struct tp_pdf_numbering numbering;
    uint8_t *doubts; /* by number: enum tp_pdf_doubt, and those above */
    struct tp_pdf_digest *digests; /* of what is reached; the first DONE have been looked at */
    size_t len, capacity, done;
    struct tp_pdf_strays strays;
    enum tp_rc strayed;     /* what went wrong with them */
    uint64_t late;          /* the newest object stream with a member that is in use elsewhere, before it */
    bool hiding;            /* what is reached from now on QPDF does not find */
    bool doubtful;          /* readers may mend the file */
    bool misnamed;          /* a dictionary that was read again refers to an object by another generation than it has */
    struct tp_error *error;
};

/* The three parts of the walk, in this order. */
TP_MUST_USE enum tp_rc tp_pdf_reach(struct tp_pdf_reaching *reaching);
TP_MUST_USE enum tp_rc tp_pdf_reach_streams(struct tp_pdf_reaching *reaching);
TP_MUST_USE enum tp_rc tp_pdf_reach_hidden(struct tp_pdf_reaching *reaching);

/* ---- among them ---- */

struct tp_pdf_number *tp_pdf_reach_number(const struct tp_pdf_reaching *reaching, uint32_t id);
/* REF is looked at by and by, once; may move the digests. */
TP_MUST_USE enum tp_rc tp_pdf_reach_add(struct tp_pdf_reaching *reaching, struct tp_pdf_ref ref);
/* Looks at what has been added, and at what that leads to. */
TP_MUST_USE enum tp_rc tp_pdf_reach_on(struct tp_pdf_reaching *reaching);
/* What reading DIGEST's object again has shown. */
void tp_pdf_reach_doubt(struct tp_pdf_reaching *reaching, const struct tp_pdf_digest *digest, bool same);
bool tp_pdf_reach_is_referred(void *reaching, uint32_t id);
/* Whether QPDF leaves out a dictionary's key that refers to REF: others may find something there. */
bool tp_pdf_reach_is_absent(void *reaching, struct tp_pdf_ref ref);

#endif
