/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a document: its revisions, its signatures, and whether their bytes are what they must be. */
#include "pades/verify/hearing.h"

#include <stdlib.h>
#include <string.h>

void tp_pades_subject_close(const struct tp_pades_hearing *hearing, struct tp_pades_subject *subject)
{
    if (subject->document != NULL && subject->document != hearing->document)
        tp_pdf_document_close(subject->document);
    subject->document = NULL;
}

static enum tp_rc read_document(struct tp_pades_hearing *hearing)
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

static enum tp_rc name_of(struct tp_pades_hearing *hearing, struct tp_pdf_document *document, const struct tp_pdf_value *dictionary,
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
enum tp_rc tp_pades_subject_describe(struct tp_pades_hearing *hearing, struct tp_pades_subject *subject, struct tp_pdf_document *document)
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

static enum tp_rc take_find(struct tp_pades_hearing *hearing, const struct tp_pades_found *found)
{
    struct tp_error words = {.rc = TP_OK};
    struct tp_pades_subject *subject = &hearing->subjects[hearing->len++];
    TP_TRY(tp_pades_signature_new(hearing->verification, &subject->signature));
    subject->found = *found;
    subject->signature->ref = found->ref;
    if (found->field_dictionary == NULL)
        tp_pades_note(hearing->verification, "a signature (object %u) is in no field of the form: some programs do not show it",
                      found->ref.id);
    memcpy(subject->signature->field, found->field, sizeof found->field);
    TP_TRY(tp_pades_subject_describe(hearing, subject, hearing->document));
    enum tp_rc rc = tp_pades_range_check(hearing->document, found->dictionary, &hearing->revisions, &words, subject->signature,
                                         &subject->contents);
    subject->usable = rc == TP_OK;
    if (rc != TP_OK && rc != TP_MALFORMED && rc != TP_NOT_FOUND)
        return tp_error_set(hearing->error, rc, "%s", tp_error_words(&words));
    if (rc != TP_OK)
        tp_pades_verdict(&subject->signature->verdict, TP_SUB_FORMAT_FAILURE, "%s", tp_error_words(&words));
    return TP_OK;
}

uint64_t tp_pades_subject_end(const struct tp_pades_subject *subject)
{
    return subject->signature->range[2] + subject->signature->range[3];
}

static int by_end(const void *a, const void *b)
{
    const struct tp_pades_subject *left = a, *right = b;
    uint64_t left_end = tp_pades_subject_end(left), right_end = tp_pades_subject_end(right);
    return (left_end > right_end) - (left_end < right_end);
}

void tp_pades_subject_refuse(struct tp_pades_subject *subject, const char *words)
{
    subject->usable = false;
    tp_pades_verdict(&subject->signature->verdict, TP_SUB_FORMAT_FAILURE, "%s", words);
}

static enum tp_rc take_finds(struct tp_pades_hearing *hearing)
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
            tp_pades_subject_refuse(&hearing->subjects[i], "two signatures sign the same revision: at most one of them can be genuine");
            tp_pades_subject_refuse(&hearing->subjects[i - 1], "two signatures sign the same revision: at most one of them can be genuine");
        }
    return TP_OK;
}

enum tp_rc tp_pades_hearing_read(struct tp_pades_hearing *hearing)
{
    TP_TRY(read_document(hearing));
    return take_finds(hearing);
}
