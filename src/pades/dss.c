/* SPDX-License-Identifier: Apache-2.0
 *
 * The document security store (ISO 32000-2 §12.8.4.3; EN 319 142-1 §5.4.2): certificates, OCSP responses and CRLs, each a stream
 * that stands there once for all signatures. No /VRI: it is optional, says for each signature what the certificates
 * themselves say, and readers that look into it only do so for what they cannot find without. One that is there stays.
 */
#include "pades/internal.h"

static const struct {
    enum tp_evidence_kind kind;
    const char *key;
} shelves[] = {{TP_EVIDENCE_CERTIFICATE, "Certs"}, {TP_EVIDENCE_OCSP, "OCSPs"}, {TP_EVIDENCE_CRL, "CRLs"}};
#define SHELVES (sizeof shelves / sizeof shelves[0])

static enum tp_rc read_shelf(struct tp_pdf_document *document, const struct tp_pdf_value *dss, size_t shelf,
                             struct tp_evidence *evidence, struct tp_error *error)
{
    const struct tp_pdf_value *streams;
    TP_TRY(tp_pdf_document_get(document, dss, shelves[shelf].key, error, &streams));
    for (size_t i = 0; i < tp_pdf_len(streams) && tp_pdf_kind(streams) == TP_PDF_ARRAY; i++) {
        struct tp_buf data TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        struct tp_pdf_ref ref = tp_pdf_ref(tp_pdf_at(streams, i));
        const struct tp_pdf_value *stream;
        TP_TRY(tp_pdf_document_object(document, ref, error, &stream));
        if (tp_pdf_kind(stream) != TP_PDF_STREAM)
            continue;
        TP_TRY(tp_pdf_document_stream(document, ref, error, &data));
        TP_TRY(tp_evidence_add(evidence, shelves[shelf].kind, tp_buf_bytes(&data), "DSS", INT64_MAX));
    }
    return TP_OK;
}

static enum tp_rc find(struct tp_pdf_document *document, struct tp_error *error, struct tp_pdf_ref *ret_ref,
                       const struct tp_pdf_value **ret_dss)
{
    const struct tp_pdf_value *catalog;
    TP_TRY(tp_pdf_document_get(document, tp_pdf_document_trailer(document), "Root", error, &catalog));
    *ret_ref = tp_pdf_ref(tp_pdf_get(catalog, "DSS"));
    return tp_pdf_document_get(document, catalog, "DSS", error, ret_dss);
}

enum tp_rc tp_pades_dss_read(struct tp_pdf_document *document, struct tp_evidence *evidence, struct tp_error *error)
{
    struct tp_pdf_ref ref;
    const struct tp_pdf_value *dss;
    TP_TRY(find(document, error, &ref, &dss));
    for (size_t i = 0; i < SHELVES && tp_pdf_kind(dss) == TP_PDF_DICTIONARY; i++)
        TP_TRY(read_shelf(document, dss, i, evidence, error));
    return TP_OK;
}

static bool has(const struct tp_evidence *evidence, enum tp_evidence_kind kind, struct tp_bytes der)
{
    for (size_t i = 0; i < tp_evidence_len(evidence, kind); i++)
        if (tp_bytes_equal(tp_evidence_at(evidence, kind, i), der))
            return true;
    return false;
}

/* What THERE lacks of EVIDENCE as streams behind those of ARRAY. */
static enum tp_rc fill_shelf(struct tp_pades_work *work, const struct tp_evidence *evidence, const struct tp_evidence *there,
                             enum tp_evidence_kind kind, const struct tp_pdf_value **array, size_t *added)
{
    const struct tp_pdf_value *dictionary = tp_pdf_new_dictionary(work->arena);
    for (size_t i = 0; i < tp_evidence_len(evidence, kind); i++) {
        struct tp_bytes der = tp_evidence_at(evidence, kind, i);
        if (has(there, kind, der))
            continue;
        struct tp_pdf_ref ref = tp_pdf_update_new_ref(work->update);
        bool compress = kind == TP_EVIDENCE_CRL; /* the others are mostly keys, hashes and signatures */
        TP_TRY(tp_pdf_update_put_stream(work->update, ref, dictionary, der, compress, work->error));
        *array = tp_pdf_with_item(work->arena, *array, tp_pdf_new_ref(work->arena, ref));
        ++*added;
    }
    return TP_OK;
}

/* Shelves become arrays in the dictionary itself, wherever they were. */
static enum tp_rc fill(struct tp_pades_work *work, const struct tp_evidence *evidence, const struct tp_pdf_value **dss,
                       size_t *added)
{
    struct tp_evidence *there TP_AUTO(tp_evidence_free_p) = NULL;
    TP_TRY(tp_evidence_new(&there));
    TP_TRY(tp_pades_dss_read(work->document, there, work->error));
    for (size_t i = 0; i < SHELVES; i++) {
        const struct tp_pdf_value *array;
        size_t before = *added;
        TP_TRY(tp_pdf_document_get(work->document, *dss, shelves[i].key, work->error, &array));
        if (tp_pdf_kind(array) != TP_PDF_ARRAY)
            array = tp_pdf_new_array(work->arena);
        TP_TRY(fill_shelf(work, evidence, there, shelves[i].kind, &array, added));
        if (*added > before)
            *dss = tp_pdf_with(work->arena, *dss, shelves[i].key, array);
    }
    return TP_OK;
}

static enum tp_rc put(struct tp_pades_work *work, struct tp_pdf_ref ref, const struct tp_pdf_value *dss)
{
    if (ref.id != 0)
        return tp_pdf_update_put(work->update, ref, dss, work->error);
    ref = tp_pdf_update_new_ref(work->update);
    TP_TRY(tp_pdf_update_put(work->update, ref, dss, work->error));
    return tp_pades_edit_set(work, work->catalog, "DSS", tp_pdf_new_ref(work->arena, ref));
}

static enum tp_rc build(struct tp_pades_work *work, const struct tp_evidence *evidence, size_t *ret_added)
{
    struct tp_pdf_ref ref;
    const struct tp_pdf_value *dss;
    *ret_added = 0;
    TP_TRY(find(work->document, work->error, &ref, &dss));
    if (tp_pdf_kind(dss) != TP_PDF_DICTIONARY) {
        ref = (struct tp_pdf_ref){.id = 0};
        dss = tp_pdf_with(work->arena, tp_pdf_new_dictionary(work->arena), "Type", tp_pdf_new_name(work->arena, "DSS"));
    }
    TP_TRY(fill(work, evidence, &dss, ret_added));
    if (*ret_added == 0)
        return TP_OK;
    TP_TRY(put(work, ref, dss));
    return tp_pades_extension_put(work, 5);
}

enum tp_rc tp_pades_dss_append(struct tp_pades_service *service, int fd, const struct tp_secret *password,
                               const struct tp_evidence *evidence, struct tp_pades_place *place, struct tp_error *error)
{
    struct tp_pades_work work TP_AUTO(tp_pades_work_close) = {.update = NULL};
    struct tp_pdf_written written;
    size_t added;
    int out;
    TP_TRY(tp_pades_work_open(service, fd, password, false, error, &work));
    TP_TRY(build(&work, evidence, &added));
    TP_TRY(tp_pdf_arena_check(work.arena));
    if (added == 0)
        return TP_OK;
    TP_TRY(tp_pades_place_next(place, error, &out));
    TP_TRY(tp_pdf_update_write(work.update, out, NULL, error, &written, NULL));
    return tp_pades_place_check_in(place, error);
}
