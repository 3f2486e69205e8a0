/* SPDX-License-Identifier: Apache-2.0 */
#include "pades_agree.h"
#include "pades/verify/verify.h"

#include <stdlib.h>

bool pades_judges(struct tp_pdf_pool *pool, int fd, const struct tp_secret *password)
{
    struct tp_pki_anchors *nobody = NULL;
    struct tp_pades_verification *verification = NULL;
    if (tp_pki_anchors_new(&nobody) != TP_OK)
        abort();
    const struct tp_pades_trial trial = {.anchors = nobody};
    const bool judges = tp_pades_verify(pool, fd, password, &trial, NULL, &verification) == TP_OK;
    tp_pades_verification_free(verification);
    tp_pki_anchors_free(nobody);
    return judges;
}

/* Nobody is trusted, so no verdict is TOTAL-PASSED; that nothing is wrong with the signature itself can be told without. */
bool pades_agrees(struct tp_pdf_pool *pool, int fd, const struct tp_secret *password)
{
    struct tp_pki_anchors *nobody = NULL;
    struct tp_pades_verification *verification = NULL;
    if (tp_pki_anchors_new(&nobody) != TP_OK)
        abort();
    const struct tp_pades_trial trial = {.anchors = nobody};
    bool agrees = tp_pades_verify(pool, fd, password, &trial, NULL, &verification) == TP_OK && verification->signatures_len > 0;
    if (agrees && verification->signatures_len < TP_PADES_SIGNATURES_MAX) {
        const struct tp_pades_signature *newest = verification->signatures[verification->signatures_len - 1];
        agrees = newest->intact && newest->whole;
    }
    tp_pades_verification_free(verification);
    tp_pki_anchors_free(nobody);
    return agrees;
}
