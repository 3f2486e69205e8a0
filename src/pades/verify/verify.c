/* SPDX-License-Identifier: Apache-2.0 */
/* A document before the court: its signatures are found, each is looked at in the revision that it signs, what came after it is
 * compared, timestamps are judged from the newest to the oldest (each proves what it covers), then signatures. */
#include "pades/verify/verify.h"
#include "base/clock.h"
#include "pades/verify/hearing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_DATA "1.2.840.113549.1.7.1" /* EN 319 142-1 §5.2 (c): what a PDF's signature is over */

#define EXAMINE_MS 120000 /* of one document */
#define ASK_MS     60000  /* for asking about signers, and for asking about TSAs, of one document */

/* ---- beginning and end ---- */

static void clear_signature(struct tp_pades_signature *signature)
{
    tp_validation_answer_clear(&signature->answer);
    for (size_t i = 0; i < signature->stamps_len; i++)
        tp_validation_answer_clear(&signature->stamps[i].answer);
    tp_buf_clear(&signature->value);
    tp_pades_restriction_clear(&signature->restriction);
    free(signature);
}

void tp_pades_verification_free(struct tp_pades_verification *verification)
{
    for (size_t i = 0; verification != NULL && i < verification->signatures_len; i++)
        clear_signature(verification->signatures[i]);
    free(verification);
}

static void hearing_clear(struct tp_pades_hearing *hearing)
{
    for (size_t i = 0; i < hearing->len; i++) {
        tp_pades_subject_close(hearing, &hearing->subjects[i]);
        tp_buf_clear(&hearing->subjects[i].contents);
    }
    for (size_t i = 0; hearing->history != NULL && i < hearing->revisions.len; i++)
        tp_pdf_digests_clear(&hearing->history[i]);
    free(hearing->history);
    tp_pdf_digests_clear(&hearing->newest);
    tp_pades_finds_clear(&hearing->finds);
    tp_pades_revisions_clear(&hearing->revisions);
    if (hearing->document != NULL)
        tp_pdf_document_close(hearing->document);
    tp_pades_court_close(&hearing->court);
    if (hearing->verification != NULL)
        tp_pades_verification_free(hearing->verification);
    free(hearing);
}
TP_DEFINE_AUTO(struct tp_pades_hearing, hearing_clear)

enum tp_rc tp_pades_court_open(const struct tp_pades_trial *trial, struct tp_pades_court *ret_court)
{
    ret_court->trial = trial;
    ret_court->now_ms = trial->at_ms != 0 ? trial->at_ms : tp_clock_utc_ms();
    ret_court->ask_left_ms[0] = ret_court->ask_left_ms[1] = ASK_MS;
    TP_TRY(tp_evidence_new(&ret_court->all));
    TP_TRY(tp_evidence_new(&ret_court->embedded));
    TP_TRY(tp_evidence_new(&ret_court->stamped));
    return tp_pades_evidence_copy(trial->given, ret_court->all);
}

void tp_pades_court_close(struct tp_pades_court *court)
{
    tp_evidence_free(court->all);
    tp_evidence_free(court->embedded);
    tp_evidence_free(court->stamped);
    court->all = court->embedded = court->stamped = NULL;
}

void tp_pades_court_note(const struct tp_pades_court *court, struct tp_pades_verification *verification)
{
    if (court->unanswered[0] != '\0')
        tp_pades_note(verification, "what has happened since could not be asked for everywhere: %s", court->unanswered);
}

enum tp_rc tp_pades_signature_new(struct tp_pades_verification *verification, struct tp_pades_signature **ret_signature)
{
    struct tp_pades_signature *signature = calloc(1, sizeof *signature);
    if (signature == NULL)
        return TP_MEMORY;
    signature->proven_ms = INT64_MAX;
    verification->signatures[verification->signatures_len++] = signature;
    *ret_signature = signature;
    return TP_OK;
}

/* ---- the judgement ---- */

/* The earliest good timestamp over a document of which this is a part; NULL: none. */
static const struct tp_pades_stamp *proof_of(const struct tp_pades_hearing *hearing, size_t index)
{
    const struct tp_pades_stamp *earliest = NULL;
    for (size_t i = index + 1; i < hearing->len; i++)
        if (hearing->subjects[i].proves && (earliest == NULL || hearing->subjects[i].signature->stamps[0].time_ms < earliest->time_ms))
            earliest = &hearing->subjects[i].signature->stamps[0];
    return earliest;
}

static int64_t time_of(const struct tp_pades_stamp *proof)
{
    return proof == NULL ? INT64_MAX : proof->time_ms;
}

/* §5.5.4, step 4, of document timestamps: each covers those before it, and cannot be earlier. */
static bool is_contradicted(const struct tp_pades_hearing *hearing, size_t index)
{
    for (size_t i = index + 1; i < hearing->len; i++)
        for (size_t k = i + 1; hearing->subjects[i].proves && k < hearing->len; k++)
            if (hearing->subjects[k].proves &&
                tp_pades_stamp_precedes(&hearing->subjects[k].signature->stamps[0], &hearing->subjects[i].signature->stamps[0]))
                return true;
    return false;
}

/* What the timestamp's revision has of evidence existed then. */
static enum tp_rc prove_store(struct tp_pades_hearing *hearing, struct tp_pades_subject *subject, int64_t time_ms)
{
    struct tp_pdf_document *document TP_AUTO(tp_pdf_document_close_p) = NULL;
    TP_TRY(tp_pdf_document_open(hearing->pool, hearing->fd, tp_pades_subject_end(subject), hearing->password, hearing->error, &document));
    struct tp_evidence *const sets[] = {hearing->court.embedded, hearing->court.stamped, hearing->court.all, NULL};
    return tp_pades_evidence_dss(document, time_ms, hearing->error, sets, &subject->store);
}

static enum tp_rc judge_document_stamp(struct tp_pades_hearing *hearing, size_t index)
{
    struct tp_pades_subject *subject = &hearing->subjects[index];
    struct tp_pades_signature *signature = subject->signature;
    struct tp_pades_stamped stamped = {.fd = hearing->fd, .range = signature->range};
    struct tp_pades_stamp *stamp = &signature->stamps[0];
    signature->stamps_len = 1, signature->proven_ms = time_of(proof_of(hearing, index));
    TP_TRY(tp_pades_judge_stamp(&hearing->court, tp_buf_bytes(&subject->contents), &stamped, signature->proven_ms, hearing->error, stamp));
    signature->verdict = stamp->verdict;
    signature->intact = stamp->verdict.sub != TP_SUB_FORMAT_FAILURE && stamp->verdict.sub != TP_SUB_HASH_FAILURE &&
                        stamp->verdict.sub != TP_SUB_SIG_CRYPTO_FAILURE;
    memcpy(signature->signer, stamp->tsa, sizeof signature->signer);
    memcpy(signature->algorithm, stamp->algorithm, sizeof signature->algorithm);
    signature->claimed_ms = stamp->time_ms;
    subject->proves = stamp->verdict.indication == TP_TOTAL_PASSED;
    return subject->proves ? prove_store(hearing, subject, stamp->time_ms) : TP_OK;
}

static const struct sub_filter {
    const char *name;
    bool cades, sha1_content;
} sub_filters[] = {
    {"ETSI.CAdES.detached", true, false},
    {"adbe.pkcs7.detached", false, false},
    {"adbe.pkcs7.sha1", false, true},
};

static const struct sub_filter *sub_filter_of(const struct tp_pades_signature *signature)
{
    for (size_t i = 0; i < sizeof sub_filters / sizeof sub_filters[0]; i++)
        if (strcmp(signature->sub_filter, sub_filters[i].name) == 0)
            return &sub_filters[i];
    return NULL;
}

static enum tp_rc judge_signature(struct tp_pades_hearing *hearing, size_t index)
{
    struct tp_pki_cms *cms TP_AUTO(tp_pki_cms_free_p) = NULL;
    struct tp_pades_subject *subject = &hearing->subjects[index];
    struct tp_pades_signature *signature = subject->signature;
    const struct sub_filter *filter = sub_filter_of(signature);
    if (filter == NULL) {
        tp_pades_verdict(&signature->verdict, TP_SUB_CUSTOM, "the signature's form /SubFilter %s is not supported",
                         signature->sub_filter[0] == '\0' ? "(none)" : signature->sub_filter);
        return TP_OK;
    }
    enum tp_rc rc = tp_pki_cms_parse(tp_buf_bytes(&subject->contents), hearing->error, &cms);
    if (rc == TP_MEMORY)
        return rc;
    if (rc != TP_OK) {
        tp_pades_verdict(&signature->verdict, TP_SUB_FORMAT_FAILURE, "/Contents: %s", tp_error_words(hearing->error));
        return TP_OK;
    }
    if (tp_pki_cms_signers_len(cms) != 1 || (tp_pki_cms_content(cms).len > 0) != filter->sha1_content ||
        strcmp(tp_pki_cms_content_type(cms), ID_DATA) != 0) {
        tp_pades_verdict(&signature->verdict, TP_SUB_FORMAT_FAILURE, "/Contents: not a %s signature by one signer",
                         filter->sha1_content ? "SHA-1" : "detached");
        return TP_OK;
    }
    struct tp_pades_case lawsuit = {.cms = cms, .fd = hearing->fd, .range = signature->range, .proof = proof_of(hearing, index),
                                    .proven_ms = time_of(proof_of(hearing, index)), .contradicted = is_contradicted(hearing, index),
                                    .evidence_in_document = hearing->store, .cades = filter->cades,
                                    .sha1_content = filter->sha1_content};
    for (size_t i = index + 1; i < hearing->len; i++)
        lawsuit.stamped_evidence = lawsuit.stamped_evidence || (hearing->subjects[i].proves && hearing->subjects[i].store);
    int64_t claimed_ms = signature->claimed_ms;
    rc = tp_pades_judge(&hearing->court, &lawsuit, hearing->error, signature);
    signature->claimed_ms = claimed_ms != 0 ? claimed_ms : signature->claimed_ms;
    return rc;
}

/* ISO 32000-2 §12.8.2.2.2: a signature whose document was changed beyond what it allows is not valid. */
static void weigh_changes(struct tp_pades_signature *signature)
{
    if (signature->changes_len == 0 || signature->changes[0].allowed || signature->verdict.indication == TP_TOTAL_FAILED)
        return;
    const struct tp_pades_change *change = &signature->changes[0];
    char where[48] = "";
    if (change->revision > 0)
        (void)snprintf(where, sizeof where, " (in revision %u)", change->revision);
    tp_pades_verdict(&signature->verdict, TP_SUB_FORMAT_FAILURE, "changed after signing: %s%s", change->words, where);
}

/* From outside in: what is newer proves what is older. */
static enum tp_rc judge_all(struct tp_pades_hearing *hearing)
{
    struct tp_evidence *const sets[] = {hearing->court.embedded, hearing->court.all, NULL};
    TP_TRY(tp_pades_evidence_dss(hearing->document, INT64_MAX, hearing->error, sets, &hearing->store));
    for (size_t i = hearing->len; i > 0; i--)
        if (hearing->subjects[i - 1].usable && hearing->subjects[i - 1].signature->form == TP_PADES_DOCUMENT_TIMESTAMP)
            TP_TRY(judge_document_stamp(hearing, i - 1));
    for (size_t i = hearing->len; i > 0; i--)
        if (hearing->subjects[i - 1].usable && hearing->subjects[i - 1].signature->form != TP_PADES_DOCUMENT_TIMESTAMP)
            TP_TRY(judge_signature(hearing, i - 1));
    for (size_t i = 0; i < hearing->len; i++)
        weigh_changes(hearing->subjects[i].signature);
    return TP_OK;
}

static bool misleading(const struct tp_pades_verification *verification)
{
    for (size_t i = 0; i < verification->signatures_len; i++)
        for (size_t k = 0; k < verification->signatures[i]->changes_len; k++)
            if (verification->signatures[i]->changes[k].warned)
                return true;
    return false;
}

void tp_pades_sum_up(struct tp_pades_verification *verification)
{
    static const int weights[] = {[TP_TOTAL_PASSED] = 0, [TP_INDETERMINATE] = 1, [TP_TOTAL_FAILED] = 2};
    const struct tp_pades_signature *worst = NULL;
    size_t others = 0;
    for (size_t i = 0; i < verification->signatures_len; i++)
        others += verification->signatures[i]->form != TP_PADES_DOCUMENT_TIMESTAMP;
    for (size_t i = 0; i < verification->signatures_len; i++) {
        const struct tp_pades_signature *signature = verification->signatures[i];
        bool spare = signature->form == TP_PADES_DOCUMENT_TIMESTAMP && others > 0;
        verification->covered = verification->covered || (signature->whole && signature->intact);
        if (spare && signature->verdict.indication == TP_INDETERMINATE) /* it proves nothing, and takes nothing away */
            tp_pades_note(verification, "a document timestamp proves nothing here: %s", signature->verdict.why[0] != '\0'
                                                                                             ? signature->verdict.why
                                                                                             : tp_subindication_words(signature->verdict.sub));
        else if (worst == NULL || weights[signature->verdict.indication] > weights[worst->verdict.indication])
            worst = signature;
    }
    if (others == 0 && worst != NULL && worst->verdict.indication == TP_TOTAL_PASSED)
        tp_pades_verdict(&verification->verdict, TP_SUB_NONE, "nobody has signed this document; %s",
                         verification->signatures_len == 1 ? "its timestamp is good" : "its timestamps are good");
    else if (worst != NULL && worst->verdict.indication == TP_TOTAL_PASSED)
        tp_pades_verdict(&verification->verdict, TP_SUB_NONE, "%s good%s", verification->signatures_len == 1 ? "the signature is" : "all signatures are",
                         misleading(verification) ? ", but a change that came later can mislead: look at it" : "");
    else if (worst != NULL)
        verification->verdict = worst->verdict;
    else
        tp_pades_verdict(&verification->verdict, TP_SUB_CUSTOM, "there is no signature in this document%s",
                         verification->damaged ? ", as far as it can be read: it is damaged" : "");
}

/* B-LT: what proves the certificates comes behind the last signature, and need not be covered by any. */
static bool only_evidence_since(const struct tp_pades_hearing *hearing)
{
    const struct tp_pades_subject *last = &hearing->subjects[hearing->len - 1];
    for (size_t i = 0; i < last->signature->changes_len; i++)
        if (last->signature->changes[i].nature != TP_PADES_CHANGE_EVIDENCE)
            return false;
    return last->usable && last->signature->changes_len > 0;
}

/* Good or not: that a bad one is bad is told by its verdict. */
static bool any_is_whole(const struct tp_pades_verification *verification)
{
    for (size_t i = 0; i < verification->signatures_len; i++)
        if (verification->signatures[i]->whole)
            return true;
    return false;
}

/* One that was not looked at may be bad. */
static void weigh_number(const struct tp_pades_hearing *hearing)
{
    struct tp_verdict *verdict = &hearing->verification->verdict;
    if (hearing->finds.more && verdict->indication == TP_TOTAL_PASSED)
        tp_pades_verdict(verdict, TP_SUB_CUSTOM, "there are more signatures than the %d that are judged", TP_PADES_SIGNATURES_MAX);
}

static enum tp_rc hear(struct tp_pades_hearing *hearing)
{
    TP_TRY(tp_pades_hearing_read(hearing));
    TP_TRY(tp_pades_hearing_examine(hearing));
    TP_TRY(judge_all(hearing));
    tp_pades_sum_up(hearing->verification);
    weigh_number(hearing);
    tp_pades_court_note(&hearing->court, hearing->verification);
    if (hearing->len > 0 && !any_is_whole(hearing->verification) && !only_evidence_since(hearing))
        tp_pades_note(hearing->verification, "the newest revision of the document is covered by no signature");
    return hearing->court.trial->fingerprint ? tp_pades_fingerprint(hearing->fd, hearing->error, hearing->verification) : TP_OK;
}

enum tp_rc tp_pades_verify(struct tp_pdf_pool *pool, int fd, const struct tp_secret *password, const struct tp_pades_trial *trial,
                           struct tp_error *error, struct tp_pades_verification **ret_verification)
{
    struct tp_error unwanted = {.rc = TP_OK};
    struct tp_pades_hearing *hearing TP_AUTO(hearing_clear_p) = calloc(1, sizeof *hearing);
    if (hearing == NULL)
        return TP_MEMORY;
    hearing->pool = pool, hearing->fd = fd, hearing->password = password;
    hearing->until_ms = tp_clock_monotonic_ms() + EXAMINE_MS;
    hearing->error = error != NULL ? error : &unwanted;
    hearing->verification = calloc(1, sizeof *hearing->verification);
    if (hearing->verification == NULL)
        return TP_MEMORY;
    TP_TRY(tp_pades_court_open(trial, &hearing->court));
    hearing->verification->at_ms = hearing->court.now_ms;
    TP_TRY(hear(hearing));
    *ret_verification = hearing->verification;
    hearing->verification = NULL;
    return TP_OK;
}
