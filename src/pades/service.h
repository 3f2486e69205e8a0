/* SPDX-License-Identifier: Apache-2.0
 *
 * What making a signature needs of the world: who reads PDFs, who signs, who stamps, where evidence comes from.
 */
#ifndef TP_PADES_SERVICE_H
#define TP_PADES_SERVICE_H

#include "pdf/document.h"
#include "pki/signer.h"
#include "tsa/client.h"
#include "validation/source.h"

/* Everything is the caller's, and outlives the service. */
struct tp_pades_means {
    struct tp_pdf_pool *pool;
    const struct tp_pki_signer *signer;   /* NULL: nobody signs (extend) */
    struct tp_tsa_client *tsa;            /* NULL: B-B only */
    struct tp_validation_source *source;  /* NULL: up to B-T only */
    const struct tp_pki_anchors *anchors, *tsa_anchors; /* of signers, of TSAs; with SOURCE */
    const struct tp_evidence *given;      /* certificates, OCSP responses, CRLs from files; NULL: none. Not changed meanwhile */
};

struct tp_pades_service; /* threads may share it, as they may the means */
TP_MUST_USE enum tp_rc tp_pades_service_new(const struct tp_pades_means *means, struct tp_error *error,
                                            struct tp_pades_service **ret_service);
void tp_pades_service_free(struct tp_pades_service *service);
TP_DEFINE_AUTO(struct tp_pades_service, tp_pades_service_free)
const struct tp_pades_means *tp_pades_service_means(const struct tp_pades_service *service);

#endif
