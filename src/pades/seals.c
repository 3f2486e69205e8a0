/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/seals.h"

#include <stdlib.h>

void tp_pades_seals_clear(struct tp_pades_seals *seals)
{
    for (size_t i = 0; i < seals->len; i++) {
        tp_pki_cms_free(seals->seals[i].cms);
        tp_pki_timestamp_free(seals->seals[i].timestamp);
    }
    free(seals->seals);
    tp_pades_form_clear(&seals->form);
    *seals = (struct tp_pades_seals){.len = 0};
}

/* What cannot be read is nobody's to extend; the words for it come later, from whoever needs it. */
static enum tp_rc unless_memory(enum tp_rc rc)
{
    return rc == TP_MEMORY ? rc : TP_OK;
}

static enum tp_rc read_stamp(struct tp_bytes contents, struct tp_pades_seal *seal)
{
    struct tp_pki_cms *cms TP_AUTO(tp_pki_cms_free_p) = NULL;
    enum tp_rc rc = tp_pki_cms_parse(contents, NULL, &cms); /* for the length without padding */
    if (rc == TP_OK)
        rc = tp_pki_timestamp_parse(TP_BYTES(contents.data, tp_pki_cms_len(cms)), NULL, &seal->timestamp);
    return unless_memory(rc);
}

static enum tp_rc read_signature(struct tp_bytes contents, struct tp_pades_seal *seal)
{
    struct tp_pki_cms_signer signer;
    enum tp_rc rc = tp_pki_cms_parse(contents, NULL, &seal->cms);
    if (rc != TP_OK || tp_pki_cms_signers_len(seal->cms) == 0)
        return unless_memory(rc);
    tp_pki_cms_signer(seal->cms, 0, &signer);
    if (signer.timestamps_len == 0)
        return TP_OK;
    return unless_memory(tp_pki_timestamp_parse(signer.timestamps[0], NULL, &seal->timestamp));
}

static enum tp_rc read_range(struct tp_pdf_document *document, const struct tp_pdf_value *signature, struct tp_error *error,
                             uint64_t *ret_end)
{
    const struct tp_pdf_value *range, *at, *len;
    *ret_end = 0;
    TP_TRY(tp_pdf_document_get(document, signature, "ByteRange", error, &range));
    if (tp_pdf_kind(range) != TP_PDF_ARRAY || tp_pdf_len(range) < 4)
        return TP_OK;
    TP_TRY(tp_pdf_document_resolve(document, tp_pdf_at(range, 2), error, &at));
    TP_TRY(tp_pdf_document_resolve(document, tp_pdf_at(range, 3), error, &len));
    int64_t first = tp_pdf_integer(at, 0), more = tp_pdf_integer(len, 0);
    if (first >= 0 && more >= 0)
        *ret_end = (uint64_t)first + (uint64_t)more;
    return TP_OK;
}

static enum tp_rc read_seal(struct tp_pdf_document *document, const struct tp_pades_field *field, struct tp_error *error,
                            struct tp_pades_seal *ret_seal)
{
    const struct tp_pdf_value *contents, *filter;
    TP_TRY(tp_pdf_document_get(document, field->signature, "Contents", error, &contents));
    TP_TRY(tp_pdf_document_get(document, field->signature, "SubFilter", error, &filter));
    TP_TRY(read_range(document, field->signature, error, &ret_seal->end));
    ret_seal->field = field->name;
    ret_seal->is_stamp = tp_pdf_is_name(filter, "ETSI.RFC3161");
    struct tp_bytes bytes = tp_pdf_bytes(contents);
    return ret_seal->is_stamp ? read_stamp(bytes, ret_seal) : read_signature(bytes, ret_seal);
}

static int by_end(const void *a, const void *b)
{
    uint64_t one = ((const struct tp_pades_seal *)a)->end, other = ((const struct tp_pades_seal *)b)->end;
    return (one > other) - (one < other);
}

static enum tp_rc read_all(struct tp_pdf_document *document, struct tp_error *error, struct tp_pades_seals *seals)
{
    TP_TRY(tp_pades_form_read(document, error, &seals->form));
    if (seals->form.len > TP_PADES_SEALS_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the document has more than %d signature fields", TP_PADES_SEALS_MAX);
    if ((seals->seals = calloc(seals->form.len + 1, sizeof *seals->seals)) == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < seals->form.len; i++)
        if (seals->form.fields[i].signature != NULL)
            TP_TRY(read_seal(document, &seals->form.fields[i], error, &seals->seals[seals->len++]));
    qsort(seals->seals, seals->len, sizeof *seals->seals, by_end);
    return TP_OK;
}

enum tp_rc tp_pades_seals_read(struct tp_pdf_document *document, struct tp_error *error, struct tp_pades_seals *ret_seals)
{
    struct tp_pades_seals seals TP_AUTO(tp_pades_seals_clear) = {.len = 0};
    TP_TRY(read_all(document, error, &seals));
    *ret_seals = seals;
    seals = (struct tp_pades_seals){.len = 0};
    return TP_OK;
}

struct tp_bytes tp_pades_seal_certificate(const struct tp_pades_seal *seal)
{
    struct tp_pki_cms_signer signer = {.hash = TP_PKI_HASH_NONE};
    const struct tp_pki_cms *cms = seal->is_stamp && seal->timestamp != NULL ? tp_pki_timestamp_cms(seal->timestamp) : seal->cms;
    if (cms == NULL || tp_pki_cms_signers_len(cms) == 0)
        return TP_BYTES_NONE;
    tp_pki_cms_signer(cms, 0, &signer);
    return signer.certificate;
}

static int64_t time_of(const struct tp_pki_timestamp *timestamp)
{
    return timestamp == NULL ? 0 : tp_pki_timestamp_info(timestamp)->time_us / 1000;
}

int64_t tp_pades_seal_proven_ms(const struct tp_pades_seals *seals, size_t index)
{
    if (time_of(seals->seals[index].timestamp) != 0)
        return time_of(seals->seals[index].timestamp);
    for (size_t i = index + 1; i < seals->len; i++)
        if (seals->seals[i].is_stamp && time_of(seals->seals[i].timestamp) != 0)
            return time_of(seals->seals[i].timestamp);
    return 0;
}
