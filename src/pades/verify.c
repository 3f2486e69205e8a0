/* SPDX-License-Identifier: Apache-2.0 */
/* A document before the court: its signatures are found, each is looked at in the revision that it signs, what came after it is
 * compared, timestamps are judged from the newest to the oldest (each proves what it covers), then signatures. */
#include "pades/verify.h"
#include "base/clock.h"
#include "pades/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_MOST  16     /* revisions that are read to say when a change came */
#define HISTORY_LARGE 50000  /* objects: not in documents of more */

struct subject { /* one signature on its way */
    struct tp_pades_signature *signature; /* the verification's */
    struct tp_pades_found found;          /* values of the newest document, then of the signed revision */
    struct tp_buf contents;
    struct tp_pdf_document *document;     /* the signed revision; the hearing's own when it is the newest */
    bool usable;                          /* bytes and revision are in order */
    bool store;                           /* its revision has a DSS; of document timestamps */
    bool proves;                          /* a document timestamp that is good */
};

struct hearing {
    struct tp_pdf_pool *pool;
    int fd;
    const struct tp_secret *password;
    struct tp_error *error;
    struct tp_pades_revisions revisions;
    struct tp_pdf_document *document; /* the newest revision */
    struct tp_pades_finds finds;
    struct tp_pades_digests newest;
    struct tp_pades_digests *history; /* by revision; empty ones are not known */
    struct tp_pades_court court;
    bool store;                       /* the newest revision has a DSS */
    struct subject subjects[TP_PADES_SIGNATURES_MAX];
    size_t len;
    struct tp_pades_verification *verification;
};

/* ---- beginning and end ---- */

static void clear_signature(struct tp_pades_signature *signature)
{
    tp_validation_answer_clear(&signature->answer);
    for (size_t i = 0; i < signature->stamps_len; i++)
        tp_validation_answer_clear(&signature->stamps[i].answer);
    tp_buf_clear(&signature->value);
    free(signature);
}

void tp_pades_verification_free(struct tp_pades_verification *verification)
{
    for (size_t i = 0; verification != NULL && i < verification->signatures_len; i++)
        clear_signature(verification->signatures[i]);
    free(verification);
}

static void close_subject(struct hearing *hearing, struct subject *subject)
{
    if (subject->document != NULL && subject->document != hearing->document)
        tp_pdf_document_close(subject->document);
    subject->document = NULL;
}

static void hearing_clear(struct hearing *hearing)
{
    for (size_t i = 0; i < hearing->len; i++) {
        close_subject(hearing, &hearing->subjects[i]);
        tp_buf_clear(&hearing->subjects[i].contents);
    }
    for (size_t i = 0; hearing->history != NULL && i < hearing->revisions.len; i++)
        tp_pades_digests_clear(&hearing->history[i]);
    free(hearing->history);
    tp_pades_digests_clear(&hearing->newest);
    tp_pades_finds_clear(&hearing->finds);
    tp_pades_revisions_clear(&hearing->revisions);
    if (hearing->document != NULL)
        tp_pdf_document_close(hearing->document);
    if (hearing->court.all != NULL)
        tp_evidence_free(hearing->court.all);
    if (hearing->court.embedded != NULL)
        tp_evidence_free(hearing->court.embedded);
    if (hearing->verification != NULL)
        tp_pades_verification_free(hearing->verification);
    free(hearing);
}
TP_DEFINE_AUTO(struct hearing, hearing_clear)

enum tp_rc tp_pades_court_open(const struct tp_pades_trial *trial, struct tp_pades_court *ret_court)
{
    ret_court->trial = trial;
    ret_court->now_ms = trial->at_ms != 0 ? trial->at_ms : tp_clock_utc_ms();
    TP_TRY(tp_evidence_new(&ret_court->all));
    TP_TRY(tp_evidence_new(&ret_court->embedded));
    return tp_pades_evidence_copy(trial->given, ret_court->all);
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

/* ---- what is in the document ---- */

static enum tp_rc read_document(struct hearing *hearing)
{
    TP_TRY(tp_pades_revisions_read(hearing->fd, hearing->error, &hearing->revisions));
    TP_TRY(tp_pdf_document_open(hearing->pool, hearing->fd, 0, hearing->password, hearing->error, &hearing->document));
    TP_TRY(tp_pades_find(hearing->document, false, hearing->error, &hearing->finds));
    if (hearing->revisions.marks > hearing->finds.len) {
        tp_pades_finds_clear(&hearing->finds);
        TP_TRY(tp_pades_find(hearing->document, true, hearing->error, &hearing->finds));
    }
    struct tp_pades_verification *verification = hearing->verification;
    verification->length = hearing->revisions.length;
    verification->revisions = (unsigned)hearing->revisions.len;
    verification->damaged = tp_pdf_document_facts(hearing->document)->repaired;
    verification->encrypted = tp_pdf_document_facts(hearing->document)->encrypted;
    if (hearing->revisions.marks > hearing->finds.len)
        tp_pades_note(verification, "\"/ByteRange\" stands %zu times in the file, and %zu signatures are in use", hearing->revisions.marks,
                      hearing->finds.len);
    if (hearing->finds.more)
        tp_pades_note(verification, "there are more than %d signatures; the others were not judged", TP_PADES_SIGNATURES_MAX);
    return TP_OK;
}

static enum tp_rc name_of(struct hearing *hearing, struct tp_pdf_document *document, const struct tp_pdf_value *dictionary,
                          const char *key, char *ret_text, size_t text_len)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pdf_value *value;
    TP_TRY(tp_pdf_document_get(document, dictionary, key, hearing->error, &value));
    if (tp_pdf_kind(value) == TP_PDF_STRING && tp_pdf_text(tp_pdf_bytes(value), &text) != TP_OK)
        tp_buf_reset(&text);
    if (tp_pdf_kind(value) == TP_PDF_NAME)
        TP_TRY(tp_buf_append(&text, tp_pdf_bytes(value)));
    tp_pades_line(tp_buf_string(&text), ret_text, text_len);
    return TP_OK;
}

/* From the revision that was signed: later ones could say anything. */
static enum tp_rc describe(struct hearing *hearing, struct subject *subject, struct tp_pdf_document *document)
{
    struct tp_pades_signature *signature = subject->signature;
    const struct tp_pdf_value *dictionary = subject->found.dictionary, *type, *date;
    TP_TRY(name_of(hearing, document, dictionary, "SubFilter", signature->sub_filter, sizeof signature->sub_filter));
    TP_TRY(name_of(hearing, document, dictionary, "Reason", signature->reason, sizeof signature->reason));
    TP_TRY(name_of(hearing, document, dictionary, "Location", signature->location, sizeof signature->location));
    TP_TRY(name_of(hearing, document, dictionary, "ContactInfo", signature->contact, sizeof signature->contact));
    TP_TRY(tp_pdf_document_get(document, dictionary, "Type", hearing->error, &type));
    TP_TRY(tp_pdf_document_get(document, dictionary, "M", hearing->error, &date));
    if (tp_pdf_kind(date) != TP_PDF_STRING || tp_pdf_date(tp_pdf_bytes(date), &signature->claimed_ms) != TP_OK)
        signature->claimed_ms = 0;
    if (tp_pdf_is_name(type, "DocTimeStamp") || strcmp(signature->sub_filter, "ETSI.RFC3161") == 0)
        signature->form = TP_PADES_DOCUMENT_TIMESTAMP;
    return TP_OK;
}

static enum tp_rc take_find(struct hearing *hearing, const struct tp_pades_found *found)
{
    struct tp_error words = {.rc = TP_OK};
    struct subject *subject = &hearing->subjects[hearing->len++];
    TP_TRY(tp_pades_signature_new(hearing->verification, &subject->signature));
    subject->found = *found;
    subject->signature->ref = found->ref;
    memcpy(subject->signature->field, found->field, sizeof found->field);
    TP_TRY(describe(hearing, subject, hearing->document));
    enum tp_rc rc = tp_pades_range_check(hearing->document, found->dictionary, &hearing->revisions, &words, subject->signature,
                                         &subject->contents);
    subject->usable = rc == TP_OK;
    if (rc != TP_OK && rc != TP_MALFORMED && rc != TP_NOT_FOUND)
        return tp_error_set(hearing->error, rc, "%s", tp_error_words(&words));
    if (rc != TP_OK)
        tp_pades_verdict(&subject->signature->verdict, TP_SUB_FORMAT_FAILURE, "%s", tp_error_words(&words));
    return TP_OK;
}

static uint64_t end_of(const struct tp_pades_signature *signature)
{
    return signature->range[2] + signature->range[3];
}

static int by_end(const void *a, const void *b)
{
    const struct subject *left = a, *right = b;
    uint64_t left_end = end_of(left->signature), right_end = end_of(right->signature);
    return (left_end > right_end) - (left_end < right_end);
}

static void refuse(struct subject *subject, const char *words)
{
    subject->usable = false;
    tp_pades_verdict(&subject->signature->verdict, TP_SUB_FORMAT_FAILURE, "%s", words);
}

static enum tp_rc take_finds(struct hearing *hearing)
{
    for (size_t i = 0; i < hearing->finds.len; i++)
        if (hearing->finds.finds[i].usage_rights)
            tp_pades_note(hearing->verification, "usage rights (UR3) were given to a viewer by a signature, which is not judged");
        else
            TP_TRY(take_find(hearing, &hearing->finds.finds[i]));
    qsort(hearing->subjects, hearing->len, sizeof hearing->subjects[0], by_end);
    for (size_t i = 0; i < hearing->len; i++)
        hearing->verification->signatures[i] = hearing->subjects[i].signature;
    for (size_t i = 1; i < hearing->len; i++)
        if (hearing->subjects[i].usable && hearing->subjects[i].signature->revision == hearing->subjects[i - 1].signature->revision) {
            refuse(&hearing->subjects[i], "two signatures sign the same revision: at most one of them can be genuine");
            refuse(&hearing->subjects[i - 1], "two signatures sign the same revision: at most one of them can be genuine");
        }
    return TP_OK;
}

/* ---- the signed revision ---- */

/* The signature must be what it says in the revision that it signs, too: a copy in a later one signs nothing. */
static enum tp_rc find_again(struct hearing *hearing, struct subject *subject, bool everywhere, bool *ret_found)
{
    struct tp_pades_finds finds = {0};
    const struct tp_pdf_value *now = subject->found.dictionary;
    TP_TRY(tp_pades_find(subject->document, everywhere, hearing->error, &finds));
    *ret_found = false;
    for (size_t i = 0; !*ret_found && i < finds.len; i++) {
        const struct tp_pades_found *found = &finds.finds[i];
        const struct tp_pdf_value *contents = tp_pdf_get(found->dictionary, "Contents"), *range = tp_pdf_get(found->dictionary, "ByteRange");
        *ret_found = found->ref.id == subject->found.ref.id && strcmp(found->field, subject->found.field) == 0 && contents != NULL &&
                     range != NULL && tp_pdf_equal(contents, tp_pdf_get(now, "Contents")) &&
                     tp_pdf_equal(range, tp_pdf_get(now, "ByteRange"));
        if (*ret_found)
            subject->found = *found;
    }
    tp_pades_finds_clear(&finds);
    return TP_OK;
}

static enum tp_rc open_signed(struct hearing *hearing, struct subject *subject)
{
    struct tp_error words = {.rc = TP_OK};
    bool found;
    if (subject->signature->whole) {
        subject->document = hearing->document;
    } else {
        enum tp_rc rc = tp_pdf_document_open(hearing->pool, hearing->fd, end_of(subject->signature), hearing->password, &words,
                                             &subject->document);
        if (rc == TP_MEMORY)
            return rc;
        if (rc != TP_OK || tp_pdf_document_facts(subject->document)->repaired) {
            refuse(subject, "the revision that it signs cannot be read as it was");
            return TP_OK;
        }
    }
    if (tp_pdf_document_facts(subject->document)->repaired) {
        refuse(subject, "the document's cross-references are damaged: nobody can say what was signed");
        return TP_OK;
    }
    TP_TRY(find_again(hearing, subject, subject->found.field_dictionary == NULL, &found));
    if (!found)
        refuse(subject, "the signature is not part of the revision that it claims to sign");
    return found ? describe(hearing, subject, subject->document) : TP_OK;
}

/* ---- changes ---- */

static enum tp_rc read_history(struct hearing *hearing)
{
    size_t len = hearing->revisions.len;
    enum tp_rc rc = tp_pades_digests_read(hearing->document, hearing->error, &hearing->newest);
    if (rc != TP_OK && rc != TP_MALFORMED) /* a damaged object is told by the comparison, which misses it */
        return rc;
    hearing->history = calloc(len == 0 ? 1 : len, sizeof *hearing->history);
    if (hearing->history == NULL)
        return TP_MEMORY;
    for (size_t i = 0; len <= HISTORY_MOST && hearing->newest.len <= HISTORY_LARGE && i + 1 < len; i++) {
        struct tp_pdf_document *document TP_AUTO(tp_pdf_document_close_p) = NULL;
        if (tp_pdf_document_open(hearing->pool, hearing->fd, hearing->revisions.ends[i], hearing->password, NULL, &document) != TP_OK ||
            tp_pdf_document_facts(document)->repaired)
            continue;
        if (tp_pades_digests_read(document, hearing->error, &hearing->history[i]) == TP_MEMORY)
            return TP_MEMORY;
    }
    return TP_OK;
}

/* Bytes that follow the signed revision, though no cross-reference that a reader follows is in them. Some readers look at them all
 * the same (incremental saving attacks). */
static void check_rest(struct hearing *hearing, struct tp_pades_comparison *comparison, uint64_t end)
{
    const struct tp_pdf_facts *facts = tp_pdf_document_facts(hearing->document);
    struct tp_pades_told told = {.nature = TP_PADES_CHANGE_CONTENT};
    if (facts->repaired)
        tp_pades_tell(comparison, told, "the cross-references are damaged since: readers may show different things");
    else if (facts->startxref >= 0 && (uint64_t)facts->startxref + facts->header_at < end)
        tp_pades_tell(comparison, told, "what was appended has no cross-references of its own: readers may show different things");
    else if (hearing->revisions.len > 0 && hearing->revisions.text_end > hearing->revisions.ends[hearing->revisions.len - 1])
        tp_pades_tell(comparison, told, "there is something behind the end of the newest revision");
}

static enum tp_rc compare(struct hearing *hearing, struct subject *subject, const struct tp_pades_locks *locks)
{
    unsigned revision = subject->signature->revision;
    struct tp_pades_digests old = {0};
    struct tp_pades_comparison comparison = {
        .before = subject->document, .after = hearing->document, .old = &old, .new = &hearing->newest,
        .between = hearing->history + revision, .between_len = hearing->revisions.len > revision ? hearing->revisions.len - revision : 0,
        .first_revision = revision + 1, .permission = subject->signature->permission, .locks = locks, .error = hearing->error,
        .signature = subject->signature};
    check_rest(hearing, &comparison, end_of(subject->signature));
    enum tp_rc rc = tp_pades_digests_read(subject->document, hearing->error, &old);
    if (rc == TP_OK)
        rc = tp_pades_compare(&comparison);
    tp_pades_digests_clear(&old);
    if (rc == TP_TOO_LARGE || rc == TP_MALFORMED) { /* what cannot be compared cannot be called unchanged */
        tp_pades_tell(&comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT}, "%s", tp_error_words(hearing->error));
        return TP_OK;
    }
    return rc;
}

static unsigned stricter(unsigned a, unsigned b)
{
    return a == 0 ? b : b == 0 || a < b ? a : b;
}

static enum tp_rc check_changes(struct hearing *hearing, struct subject *subject)
{
    struct tp_pades_locks locks TP_AUTO(tp_pades_locks_clear) = {.kind = TP_PADES_LOCKS_NONE};
    struct tp_pdf_ref certifying;
    unsigned by_document, by_itself, by_lock;
    struct tp_pades_signature *signature = subject->signature;
    TP_TRY(tp_pades_certified(subject->document, hearing->error, &by_document, &certifying));
    TP_TRY(tp_pades_docmdp(subject->document, subject->found.dictionary, hearing->error, &by_itself));
    TP_TRY(tp_pades_locks_read(subject->document, &subject->found, hearing->error, &locks, &by_lock));
    if (certifying.id != 0 && certifying.id == signature->ref.id)
        signature->form = TP_PADES_CERTIFICATION;
    signature->permission = stricter(stricter(by_document, by_itself), by_lock);
    if (signature->whole)
        return TP_OK;
    if (hearing->history == NULL)
        TP_TRY(read_history(hearing));
    return compare(hearing, subject, &locks);
}

static enum tp_rc examine(struct hearing *hearing)
{
    for (size_t i = 0; i < hearing->len; i++) {
        struct subject *subject = &hearing->subjects[i];
        if (subject->usable)
            TP_TRY(open_signed(hearing, subject));
        if (subject->usable)
            TP_TRY(check_changes(hearing, subject));
        subject->found.dictionary = subject->found.field_dictionary = NULL;
        close_subject(hearing, subject);
    }
    return TP_OK;
}

/* ---- the judgement ---- */

/* The earliest good timestamp over a document of which this is a part. */
static int64_t proof_of(const struct hearing *hearing, size_t index)
{
    int64_t earliest = INT64_MAX;
    for (size_t i = index + 1; i < hearing->len; i++)
        if (hearing->subjects[i].proves && hearing->subjects[i].signature->stamps[0].time_ms < earliest)
            earliest = hearing->subjects[i].signature->stamps[0].time_ms;
    return earliest;
}

/* What the timestamp's revision has of evidence existed then. */
static enum tp_rc prove_store(struct hearing *hearing, struct subject *subject, int64_t time_ms)
{
    struct tp_pdf_document *document TP_AUTO(tp_pdf_document_close_p) = NULL;
    TP_TRY(tp_pdf_document_open(hearing->pool, hearing->fd, end_of(subject->signature), hearing->password, hearing->error, &document));
    TP_TRY(tp_pades_evidence_dss(document, time_ms, hearing->error, hearing->court.embedded, &subject->store));
    return tp_pades_evidence_dss(document, time_ms, hearing->error, hearing->court.all, &subject->store);
}

static enum tp_rc judge_document_stamp(struct hearing *hearing, size_t index)
{
    struct subject *subject = &hearing->subjects[index];
    struct tp_pades_signature *signature = subject->signature;
    struct tp_pades_stamped stamped = {.fd = hearing->fd, .range = signature->range};
    struct tp_pades_stamp *stamp = &signature->stamps[0];
    signature->stamps_len = 1, signature->proven_ms = proof_of(hearing, index);
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

static enum tp_rc judge_signature(struct hearing *hearing, size_t index)
{
    struct tp_pki_cms *cms TP_AUTO(tp_pki_cms_free_p) = NULL;
    struct subject *subject = &hearing->subjects[index];
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
    if (tp_pki_cms_signers_len(cms) != 1 || (tp_pki_cms_content(cms).len > 0) != filter->sha1_content) {
        tp_pades_verdict(&signature->verdict, TP_SUB_FORMAT_FAILURE, "/Contents: not a %s signature by one signer",
                         filter->sha1_content ? "SHA-1" : "detached");
        return TP_OK;
    }
    struct tp_pades_case lawsuit = {.cms = cms, .fd = hearing->fd, .range = signature->range, .proven_ms = proof_of(hearing, index),
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
static enum tp_rc judge_all(struct hearing *hearing)
{
    TP_TRY(tp_pades_evidence_dss(hearing->document, INT64_MAX, hearing->error, hearing->court.embedded, &hearing->store));
    TP_TRY(tp_pades_evidence_dss(hearing->document, INT64_MAX, hearing->error, hearing->court.all, &hearing->store));
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
    if (worst != NULL && worst->verdict.indication == TP_TOTAL_PASSED)
        tp_pades_verdict(&verification->verdict, TP_SUB_NONE, "%s good%s", verification->signatures_len == 1 ? "the signature is" : "all signatures are",
                         misleading(verification) ? ", but a change that came later can mislead: look at it" : "");
    else if (worst != NULL)
        verification->verdict = worst->verdict;
    else
        tp_pades_verdict(&verification->verdict, TP_SUB_FORMAT_FAILURE, "there is no signature in this document%s",
                         verification->damaged ? ", as far as it can be read: it is damaged" : "");
}

static enum tp_rc hear(struct hearing *hearing)
{
    TP_TRY(read_document(hearing));
    TP_TRY(take_finds(hearing));
    TP_TRY(examine(hearing));
    TP_TRY(judge_all(hearing));
    tp_pades_sum_up(hearing->verification);
    if (hearing->len > 0 && !hearing->verification->covered)
        tp_pades_note(hearing->verification, "the newest revision of the document is covered by no signature");
    return TP_OK;
}

enum tp_rc tp_pades_verify(struct tp_pdf_pool *pool, int fd, const struct tp_secret *password, const struct tp_pades_trial *trial,
                           struct tp_error *error, struct tp_pades_verification **ret_verification)
{
    struct tp_error unwanted = {.rc = TP_OK};
    struct hearing *hearing TP_AUTO(hearing_clear_p) = calloc(1, sizeof *hearing);
    if (hearing == NULL)
        return TP_MEMORY;
    hearing->pool = pool, hearing->fd = fd, hearing->password = password;
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
