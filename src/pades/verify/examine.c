/* SPDX-License-Identifier: Apache-2.0 */
/* A signature in the revision that it signs, and what was changed since. */
#include "pades/verify/hearing.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define HISTORY_MOST  16     /* revisions that are read to say when a change came */
#define HISTORY_LARGE 50000  /* objects: not in documents of more */

/* ---- the signed revision ---- */

/* The signature must be what it says in the revision that it signs, too: a copy in a later one signs nothing. */
static enum tp_rc find_again(struct tp_pades_hearing *hearing, struct tp_pades_subject *subject, bool everywhere, bool *ret_found)
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

static enum tp_rc open_signed(struct tp_pades_hearing *hearing, struct tp_pades_subject *subject)
{
    struct tp_error words = {.rc = TP_OK};
    bool found;
    if (subject->signature->whole) {
        subject->document = hearing->document;
    } else {
        enum tp_rc rc = tp_pdf_document_open(hearing->pool, hearing->fd, tp_pades_subject_end(subject), hearing->password, &words,
                                             &subject->document);
        if (rc == TP_MEMORY)
            return rc;
        if (rc != TP_OK || tp_pdf_document_facts(subject->document)->repaired) {
            tp_pades_subject_refuse(subject, "the revision that it signs cannot be read as it was");
            return TP_OK;
        }
    }
    if (tp_pdf_document_facts(subject->document)->repaired) {
        tp_pades_subject_refuse(subject, "the document's cross-references are damaged: nobody can say what was signed");
        return TP_OK;
    }
    TP_TRY(find_again(hearing, subject, subject->found.field_dictionary == NULL, &found));
    if (!found)
        tp_pades_subject_refuse(subject, "the signature is not part of the revision that it claims to sign");
    return found ? tp_pades_subject_describe(hearing, subject, subject->document) : TP_OK;
}

/* ---- changes ---- */

static enum tp_rc read_history(struct tp_pades_hearing *hearing)
{
    size_t len = hearing->revisions.len;
    enum tp_rc rc = tp_pdf_document_digests(hearing->document, hearing->error, &hearing->newest);
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
        if (tp_pdf_document_digests(document, hearing->error, &hearing->history[i]) == TP_MEMORY)
            return TP_MEMORY;
    }
    return TP_OK;
}

/* Bytes that follow the signed revision, though no cross-reference that a reader follows is in them. Some readers look at them all
 * the same (incremental saving attacks). */
static void check_rest(struct tp_pades_hearing *hearing, struct tp_pades_comparison *comparison, uint64_t end)
{
    const struct tp_pdf_facts *facts = tp_pdf_document_facts(hearing->document);
    struct tp_pades_told told = {.nature = TP_PADES_CHANGE_CONTENT};
    if (facts->repaired)
        tp_pades_tell(comparison, told, "the cross-references are damaged since: readers may show different things");
    else if (facts->startxref >= 0 && (uint64_t)facts->startxref + facts->header_at < end)
        tp_pades_tell(comparison, told, "what was appended has no cross-references of its own: readers may show different things");
    else if (hearing->newest.stray > end)
        tp_pades_tell(comparison, told, "what was appended has an object that no cross-reference leads to: readers may show different things");
    else if (hearing->newest.late > end)
        tp_pades_tell(comparison, told, "what was appended has an object behind the one of its number that is in use: readers may show different things");
    else if (hearing->newest.root > end)
        tp_pades_tell(comparison, told, "what was appended has a trailer that is not in use: readers may show different things");
    else if (hearing->revisions.len > 0 && hearing->revisions.text_end > hearing->revisions.ends[hearing->revisions.len - 1])
        tp_pades_tell(comparison, told, "there is something behind the end of the newest revision");
}

static enum tp_rc compare(struct tp_pades_hearing *hearing, struct tp_pades_subject *subject)
{
    unsigned revision = subject->signature->revision;
    struct tp_pdf_digests old = {0};
    struct tp_pades_comparison comparison = {
        .before = subject->document, .after = hearing->document, .old = &old, .new = &hearing->newest,
        .between = hearing->history + revision, .between_len = hearing->revisions.len > revision ? hearing->revisions.len - revision : 0,
        .first_revision = revision + 1, .finds = &hearing->finds,
        .error = hearing->error, .signature = subject->signature};
    check_rest(hearing, &comparison, tp_pades_subject_end(subject));
    enum tp_rc rc = tp_pdf_document_digests(subject->document, hearing->error, &old);
    if (rc == TP_OK)
        rc = tp_pades_compare(&comparison);
    tp_pdf_digests_clear(&old);
    if (rc == TP_TOO_LARGE || rc == TP_MALFORMED) { /* what cannot be compared cannot be called unchanged */
        tp_pades_tell(&comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT}, "%s", tp_error_words(hearing->error));
        return TP_OK;
    }
    return rc;
}

static enum tp_rc check_changes(struct tp_pades_hearing *hearing, struct tp_pades_subject *subject)
{
    struct tp_pdf_ref certifying;
    unsigned by_document;
    struct tp_pades_signature *signature = subject->signature;
    TP_TRY(tp_pades_certified(subject->document, hearing->error, &by_document, &certifying));
    TP_TRY(tp_pades_restriction_read(subject->document, subject->found.dictionary, subject->found.field_dictionary,
                                     hearing->error, &signature->restriction));
    if (certifying.id != 0 && certifying.id == signature->ref.id)
        signature->form = TP_PADES_CERTIFICATION;
    signature->restriction.permission = tp_pades_stricter(by_document, signature->restriction.permission);
    if (signature->whole)
        return TP_OK;
    if (hearing->history == NULL)
        TP_TRY(read_history(hearing));
    return compare(hearing, subject);
}

/* Each signature is compared with all that came after: who makes many, and much after them, wants us to be busy. */
static void check_time(const struct tp_pades_hearing *hearing, struct tp_pades_subject *subject)
{
    if (!subject->usable || tp_clock_monotonic_ms() < hearing->until_ms)
        return;
    subject->usable = false;
    tp_pades_verdict(&subject->signature->verdict, TP_SUB_CUSTOM,
                     "the document takes too long to be examined: this signature was not looked at");
}

enum tp_rc tp_pades_hearing_examine(struct tp_pades_hearing *hearing)
{
    for (size_t i = 0; i < hearing->len; i++) {
        struct tp_pades_subject *subject = &hearing->subjects[i];
        check_time(hearing, subject);
        if (subject->usable)
            TP_TRY(open_signed(hearing, subject));
        if (subject->usable)
            TP_TRY(check_changes(hearing, subject));
        subject->found.dictionary = subject->found.field_dictionary = NULL;
        tp_pades_subject_close(hearing, subject);
    }
    return TP_OK;
}
