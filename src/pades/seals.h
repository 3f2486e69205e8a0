/* SPDX-License-Identifier: Apache-2.0
 *
 * The signatures and document timestamps that are in a document, in the order in which they were made; for extend.c and age.c.
 */
#ifndef TP_PADES_SEALS_H
#define TP_PADES_SEALS_H

#include "pades/form.h"
#include "pki/timestamp.h"

#define TP_PADES_SEALS_MAX 1024

struct tp_pades_seal {
    const char *field;   /* in the form */
    bool is_stamp;       /* a document timestamp */
    uint64_t end;        /* of what it covers */
    struct tp_pki_cms *cms;             /* of a signature; NULL: of a kind that cannot be read */
    struct tp_pki_timestamp *timestamp; /* of a document timestamp, or the first one in the signature; NULL: none */
};
struct tp_pades_seals {
    struct tp_pades_form form;
    struct tp_pades_seal *seals;
    size_t len;
};
TP_MUST_USE enum tp_rc tp_pades_seals_read(struct tp_pdf_document *document, struct tp_error *error,
                                           struct tp_pades_seals *ret_seals);
void tp_pades_seals_clear(struct tp_pades_seals *seals);
/* The certificate that made it (DER, a view); none when it is not there. */
struct tp_bytes tp_pades_seal_certificate(const struct tp_pades_seal *seal);
/* When it is proven to have existed: by its own timestamp, or the first document timestamp behind it. 0: by none. */
int64_t tp_pades_seal_proven_ms(const struct tp_pades_seals *seals, size_t index);

#endif
