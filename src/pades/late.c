/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/late.h"

#include "pades/verify.h"

#include <stdio.h>

/* EN 319 102-1: good once, and nothing proves that it is from then. */
static bool wants_proof(enum tp_subindication sub)
{
    return sub == TP_SUB_OUT_OF_BOUNDS_NO_POE || sub == TP_SUB_OUT_OF_BOUNDS_NOT_REVOKED ||
           sub == TP_SUB_REVOKED_NO_POE || sub == TP_SUB_REVOKED_CA_NO_POE ||
           sub == TP_SUB_CRYPTO_CONSTRAINTS_FAILURE_NO_POE;
}

static enum tp_rc check(const struct tp_pades_signature *signature, struct tp_error *error,
                        char note[TP_ERROR_WORDS_LEN])
{
    if (signature->verdict.indication == TP_TOTAL_PASSED || signature->form == TP_PADES_DOCUMENT_TIMESTAMP)
        return TP_OK;
    if (signature->proven_ms == INT64_MAX && wants_proof(signature->verdict.sub))
        return tp_error_set(error, TP_REFUSED, "it is too late for the signature in %.100s: %.380s", signature->field,
                            signature->verdict.why);
    (void)snprintf(note, TP_ERROR_WORDS_LEN, "the signature in %.100s is not good: %.380s", signature->field,
                   signature->verdict.why);
    return TP_OK;
}

enum tp_rc tp_pades_late_check(struct tp_pades_service *service, int fd, const struct tp_secret *password,
                               struct tp_error *error, char ret_note[TP_ERROR_WORDS_LEN])
{
    const struct tp_pades_means *means = tp_pades_service_means(service);
    const struct tp_pades_trial trial = {
        .anchors = means->anchors, .tsa_anchors = means->tsa_anchors, .given = means->given, .source = means->source};
    struct tp_pades_verification *verification TP_AUTO(tp_pades_verification_free_p) = NULL;
    TP_TRY(tp_pades_verify(means->pool, fd, password, &trial, error, &verification));
    for (size_t i = 0; i < verification->signatures_len; i++)
        TP_TRY(check(verification->signatures[i], error, ret_note));
    return TP_OK;
}
