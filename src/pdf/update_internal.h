/* SPDX-License-Identifier: Apache-2.0
 *
 * An update: what is collected (update.c), cross-references (xref.c), and how it is written (update_write.c, copy.c).
 */
#ifndef TP_PDF_UPDATE_INTERNAL_H
#define TP_PDF_UPDATE_INTERNAL_H

#include "pdf/internal.h"
#include "pdf/security.h"
#include "pdf/update.h"

#include <openssl/evp.h>
#include <uthash.h>

#define TP_PDF_OFFSET_MAX UINT64_C(9999999999) /* §7.5.4: ten digits */
#define TP_PDF_RANGE_LEN  36                   /* "[0 " and three numbers of ten digits, blanks, "]" */

struct tp_pdf_item {
    struct tp_pdf_ref ref;
    const struct tp_pdf_value *value; /* the caller's, or of the update's arena */
    struct tp_buf text;               /* from its number to endobj */
    uint64_t at;                      /* where it comes to lie */
    size_t range_at, contents_at, contents_len; /* of a signature, in TEXT */
    UT_hash_handle hh;
};

struct tp_pdf_update {
    struct tp_pdf_document *document;
    struct tp_pdf_arena *arena;
    struct tp_pdf_security *security; /* NULL: the document is not encrypted */
    struct tp_pdf_item *items; /* by number, in the order in which they were put */
    struct tp_pdf_item *signature; /* one of them; NULL */
    uint32_t next_id;
};

/* What it was opened with (document.c); empty: nothing. */
const struct tp_secret *tp_pdf_document_password(const struct tp_pdf_document *document);

/* ---- xref.c ---- */

/* The section that ends the file, from AT on; the items know where they lie. Appended. */
TP_MUST_USE enum tp_rc tp_pdf_xref_make(struct tp_pdf_update *update, uint64_t at, struct tp_error *error,
                                        struct tp_buf *ret_text);

/* ---- copy.c ---- */

struct tp_pdf_output {
    int fd;
    uint64_t at;
    EVP_MD_CTX *hash;      /* NULL: nothing is hashed */
    struct tp_buf waiting; /* to be written at AT; a small document goes out with one call */
};
/* Writes, now or later, and hashes where told. TP_STORE_FULL, TP_IO. */
TP_MUST_USE enum tp_rc tp_pdf_output_put(struct tp_pdf_output *output, struct tp_bytes bytes, bool hashed,
                                         struct tp_error *error);
/* At once, whatever waits. */
TP_MUST_USE enum tp_rc tp_pdf_output_write(struct tp_pdf_output *output, struct tp_bytes bytes, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_pdf_output_flush(struct tp_pdf_output *output, struct tp_error *error);
/* The first LENGTH bytes of FD. RET_LAST is the last one. */
TP_MUST_USE enum tp_rc tp_pdf_output_copy(struct tp_pdf_output *output, int fd, uint64_t length, struct tp_error *error,
                                          uint8_t *ret_last);
TP_MUST_USE enum tp_rc tp_pdf_output_error(struct tp_error *error); /* errno in words */

#endif
