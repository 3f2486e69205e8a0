/* SPDX-License-Identifier: Apache-2.0 */
/* Who signed or stamped: the certificate at the time that is proven, with what is there and what can be had. */
#include "base/clock.h"
#include "pades/verify/internal.h"

#include <stdio.h>
#include <string.h>

#define CHAINS_MOST 4 /* that are asked about for one certificate: what is found may open another way */

static const struct tp_pki_anchors *anchors_for(const struct tp_pades_court *court, enum tp_pki_purpose purpose)
{
    bool stamping = purpose == TP_PKI_FOR_TIMESTAMPING && court->trial->tsa_anchors != NULL;
    return stamping ? court->trial->tsa_anchors : court->trial->anchors;
}

static enum tp_rc judge_with(struct tp_pades_court *court, struct tp_bytes leaf, enum tp_pki_purpose purpose, int64_t proven_ms,
                             const struct tp_evidence *evidence, struct tp_error *error, struct tp_validation_answer *ret_answer)
{
    struct tp_validation_question question = {.leaf = leaf, .purpose = purpose, .anchors = anchors_for(court, purpose),
                                              .now_ms = court->now_ms, .poe_ms = proven_ms};
    return tp_validation_certificate(&question, evidence, error, ret_answer);
}

enum tp_rc tp_pades_judge_alone(struct tp_pades_court *court, const struct tp_evidence *evidence, struct tp_bytes leaf,
                                enum tp_pki_purpose purpose, int64_t proven_ms, struct tp_error *error, bool *ret_passes)
{
    struct tp_validation_answer answer = {0};
    TP_TRY(judge_with(court, leaf, purpose, proven_ms, evidence, error, &answer));
    *ret_passes = answer.verdict.indication == TP_TOTAL_PASSED;
    tp_validation_answer_clear(&answer);
    return TP_OK;
}

/* ---- asking ---- */

static bool has_chain(const struct tp_validation_answer *answer)
{
    return answer->steps_len > 1 && answer->steps[answer->steps_len - 1].anchor;
}

static bool is_same_chain(const struct tp_validation_answer *a, const struct tp_validation_answer *b)
{
    bool same = a->steps_len == b->steps_len;
    for (size_t i = 0; same && i < a->steps_len; i++)
        same = tp_bytes_equal(tp_buf_bytes(&a->steps[i].der), tp_buf_bytes(&b->steps[i].der));
    return same;
}

static int64_t *left_for(struct tp_pades_court *court, enum tp_pki_purpose purpose)
{
    return &court->ask_left_ms[purpose == TP_PKI_FOR_TIMESTAMPING];
}

static enum tp_rc ask_about(struct tp_pades_court *court, enum tp_pki_purpose purpose, const struct tp_validation_answer *answer,
                            struct tp_error *missing)
{
    struct tp_bytes chain[TP_PKI_PATH_MAX];
    int64_t *left_ms = left_for(court, purpose), begun_ms = tp_clock_monotonic_ms();
    for (size_t i = 0; i < answer->steps_len; i++)
        chain[i] = tp_buf_bytes(&answer->steps[i].der);
    tp_error_clear(missing);
    const enum tp_rc rc = tp_validation_gather_statuses(court->trial->source, chain, answer->steps_len, court->now_ms,
                                                        begun_ms + *left_ms, court->all, missing);
    *left_ms -= tp_clock_monotonic_ms() - begun_ms;
    if (rc == TP_OK || rc == TP_REFUSED || rc == TP_MEMORY || *left_ms > 0)
        return rc;
    return tp_error_set(missing, TP_TOO_LARGE, "not asked any more: what this document names took too long");
}

static enum tp_rc complete_chain(struct tp_pades_court *court, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                                 struct tp_error *missing)
{
    int64_t *left_ms = left_for(court, purpose), begun_ms = tp_clock_monotonic_ms();
    const enum tp_rc rc = tp_validation_gather_chain(court->trial->source, leaf, purpose, anchors_for(court, purpose),
                                                     court->now_ms, begun_ms + *left_ms, court->all, missing);
    *left_ms -= tp_clock_monotonic_ms() - begun_ms;
    return rc;
}

/* How things are now is asked for the chain that is judged, and of all in it that have not ended: what the document brings along knows
 * nothing of a revocation since. */
static enum tp_rc ask_and_judge(struct tp_pades_court *court, struct tp_bytes leaf, enum tp_pki_purpose purpose, int64_t proven_ms,
                                struct tp_error *error, struct tp_error *missing, enum tp_rc *ret_gathered,
                                struct tp_validation_answer *ret_answer)
{
    struct tp_validation_answer asked TP_AUTO(tp_validation_answer_clear) = {0};
    const bool online = court->trial->source != NULL;
    if (online)
        *ret_gathered = complete_chain(court, leaf, purpose, missing);
    TP_TRY(judge_with(court, leaf, purpose, proven_ms, court->all, error, ret_answer));
    for (unsigned i = 0; online && has_chain(ret_answer) && !is_same_chain(&asked, ret_answer); i++) {
        if (i == CHAINS_MOST) {
            *ret_gathered = tp_error_set(missing, TP_TOO_LARGE, "there are too many ways to a trust anchor to ask about all of them");
            return TP_OK;
        }
        tp_validation_answer_clear(&asked);
        asked = *ret_answer, *ret_answer = (struct tp_validation_answer){0};
        *ret_gathered = ask_about(court, purpose, &asked, missing);
        TP_TRY(judge_with(court, leaf, purpose, proven_ms, court->all, error, ret_answer));
    }
    return TP_OK;
}

/* ---- the verdict ---- */

static bool is_for_want_of_evidence(enum tp_subindication sub)
{
    return sub == TP_SUB_TRY_LATER || sub == TP_SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE;
}

/* What helps when the evidence is not enough. */
static void advise(struct tp_pades_court *court, struct tp_verdict *verdict)
{
    const bool nobody = court->trial->anchors == NULL || tp_pki_anchors_len(court->trial->anchors) == 0;
    if (verdict->sub == TP_SUB_NO_CERTIFICATE_CHAIN_FOUND)
        verdict->hint = nobody ? "nobody is trusted yet: give the root certificate with --trust"
                               : "its root is not among those that are trusted: if you trust it, give it with --trust";
    else if (is_for_want_of_evidence(verdict->sub) && court->trial->source == NULL)
        verdict->hint = "nobody was asked: give --online, --ocsp or --crl";
}

/* The keys of the chain, and the hashes that its certificates are signed over; a trust anchor is trusted as it is. */
static enum tp_rc judge_chain(struct tp_validation_answer *answer, int64_t at_ms, bool proven)
{
    for (size_t i = 0; i < answer->steps_len && answer->verdict.indication == TP_TOTAL_PASSED; i++) {
        const struct tp_validation_step *step = &answer->steps[i];
        if (!step->anchor)
            TP_TRY(tp_pades_judge_strength(tp_buf_bytes(&step->der), step->certificate.hash, at_ms, proven, &answer->verdict));
    }
    return TP_OK;
}

/* That somebody did not answer takes nothing away from what is proven, and is told; our own bounds could be somebody's means. */
static void weigh_gathering(struct tp_pades_court *court, enum tp_rc gathered, const struct tp_error *missing, struct tp_verdict *verdict)
{
    const bool passed = verdict->indication == TP_TOTAL_PASSED;
    if (gathered == TP_OK || gathered == TP_REFUSED)
        return;
    if (passed && gathered != TP_TOO_LARGE) {
        if (court->unanswered[0] == '\0')
            (void)snprintf(court->unanswered, sizeof court->unanswered, "%s", tp_error_words(missing));
        return;
    }
    if (passed || verdict->sub == TP_SUB_TRY_LATER)
        tp_pades_verdict(verdict, TP_SUB_TRY_LATER, "%s", tp_error_words(missing));
}

enum tp_rc tp_pades_judge_certificate(struct tp_pades_court *court, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                                      int64_t proven_ms, struct tp_error *error, struct tp_validation_answer *ret_answer)
{
    struct tp_error missing = {.rc = TP_OK};
    enum tp_rc gathered = TP_OK;
    TP_TRY(ask_and_judge(court, leaf, purpose, proven_ms, error, &missing, &gathered, ret_answer));
    if (gathered == TP_MEMORY)
        return gathered;
    weigh_gathering(court, gathered, &missing, &ret_answer->verdict);
    if (ret_answer->verdict.indication == TP_TOTAL_PASSED)
        return judge_chain(ret_answer, proven_ms != INT64_MAX ? proven_ms : court->now_ms, proven_ms != INT64_MAX);
    advise(court, &ret_answer->verdict);
    return TP_OK;
}
