/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/worth.h"

#include "pades/internal.h"
#include "pades/verify/verify.h"

#include <stdio.h>

static bool is_stamp(const struct tp_pades_signature *signature)
{
    return signature->form == TP_PADES_DOCUMENT_TIMESTAMP;
}

static const char *place(const struct tp_pades_signature *signature)
{
    return signature->field[0] == '\0' ? "no field" : signature->field;
}

static enum tp_rc check_whole(const struct tp_pades_signature *signature, struct tp_error *error)
{
    const struct tp_verdict *verdict = &signature->verdict;
    if (verdict->indication != TP_TOTAL_FAILED)
        return TP_OK;
    return tp_error_set(error, TP_REFUSED,
                        "the %s in %.100s is %s, %s (%.240s), and what is bad is not made to last; nothing was written",
                        is_stamp(signature) ? "timestamp" : "signature", place(signature),
                        tp_indication_name(verdict->indication), tp_subindication_name(verdict->sub), verdict->why);
}

/* EN 319 102-1: good once, and nothing proves that it is from then. */
static bool wants_proof(enum tp_subindication sub)
{
    return sub == TP_SUB_OUT_OF_BOUNDS_NO_POE || sub == TP_SUB_OUT_OF_BOUNDS_NOT_REVOKED ||
           sub == TP_SUB_REVOKED_NO_POE || sub == TP_SUB_REVOKED_CA_NO_POE ||
           sub == TP_SUB_CRYPTO_CONSTRAINTS_FAILURE_NO_POE;
}

static enum tp_rc check_time(const struct tp_pades_signature *signature, struct tp_error *error,
                             char note[TP_ERROR_WORDS_LEN])
{
    if (signature->verdict.indication == TP_TOTAL_PASSED || is_stamp(signature))
        return TP_OK;
    if (signature->proven_ms == INT64_MAX && wants_proof(signature->verdict.sub))
        return tp_error_set(error, TP_REFUSED, "it is too late for the signature in %.100s: %.380s", place(signature),
                            signature->verdict.why);
    (void)snprintf(note, TP_ERROR_WORDS_LEN, "the signature in %.100s is not good: %.380s", place(signature),
                   signature->verdict.why);
    return TP_OK;
}

static enum tp_pades_level level_of(const struct tp_pades_signature *signature)
{
    static const enum tp_pades_level levels[] = {
        [TP_PADES_REACHED_NOTHING] = TP_PADES_B_B, [TP_PADES_REACHED_CMS] = TP_PADES_B_B,
        [TP_PADES_REACHED_B] = TP_PADES_B_B,       [TP_PADES_REACHED_T] = TP_PADES_B_T,
        [TP_PADES_REACHED_LT] = TP_PADES_B_LT,     [TP_PADES_REACHED_LTA] = TP_PADES_B_LTA,
    };
    return levels[signature->reached];
}

static enum tp_pades_level lowest(const struct tp_pades_verification *verification)
{
    enum tp_pades_level level = TP_PADES_LEVEL_END;
    for (size_t i = 0; i < verification->signatures_len; i++)
        if (!is_stamp(verification->signatures[i]) && level_of(verification->signatures[i]) < level)
            level = level_of(verification->signatures[i]);
    return level == TP_PADES_LEVEL_END ? TP_PADES_B_B : level;
}

enum tp_rc tp_pades_worth_check(struct tp_pades_service *service, int fd, const struct tp_secret *password,
                                bool in_time, struct tp_error *error, struct tp_pades_worth *ret_worth)
{
    const struct tp_pades_means *means = tp_pades_service_means(service);
    const struct tp_pades_trial trial = {
        .anchors = means->anchors, .tsa_anchors = means->tsa_anchors, .given = means->given, .source = means->source};
    struct tp_pades_verification *verification TP_AUTO(tp_pades_verification_free_p) = NULL;
    struct tp_pades_worth worth = {.note = ""};
    TP_TRY(tp_pades_work_opened(tp_pades_verify(means->pool, fd, password, &trial, error, &verification), error));
    for (size_t i = 0; i < verification->signatures_len; i++)
        TP_TRY(check_whole(verification->signatures[i], error));
    for (size_t i = 0; in_time && i < verification->signatures_len; i++)
        TP_TRY(check_time(verification->signatures[i], error, worth.note));
    worth.level = lowest(verification);
    *ret_worth = worth;
    return TP_OK;
}
