/* SPDX-License-Identifier: Apache-2.0 */
/* What a document brings along: the document security store (ISO 32000-2 §12.8.4.3), and what lies in CMS. */
#include "pades/verify/internal.h"

#include <stdlib.h>

#define VRI_MAX 256

struct store {
    struct tp_pdf_document *document;
    struct tp_evidence *const *sets; /* NULL behind the last */
    int64_t poe_ms;
    struct tp_error *error;
    bool any; /* there is something in it */
};

/* One that cannot be read or is too much is left out: what then lacks is found out by whoever needs it. */
static enum tp_rc add_to_all(const struct store *store, enum tp_evidence_kind kind, struct tp_bytes der)
{
    for (size_t i = 0; store->sets[i] != NULL; i++)
        if (tp_evidence_add_share(store->sets[i], TP_EVIDENCE_OF_STORE, kind, der, "the document", store->poe_ms) == TP_MEMORY)
            return TP_MEMORY;
    return TP_OK;
}

static enum tp_rc add_stream(struct store *store, enum tp_evidence_kind kind, const struct tp_pdf_value *item)
{
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pdf_ref ref = tp_pdf_ref(item);
    const struct tp_pdf_value *value;
    if (ref.id == 0)
        return TP_OK;
    TP_TRY(tp_pdf_document_object(store->document, ref, store->error, &value));
    if (tp_pdf_kind(value) != TP_PDF_STREAM)
        return TP_OK;
    const enum tp_rc rc = tp_pdf_document_stream(store->document, ref, store->error, &der);
    if (rc != TP_OK || der.len == 0)
        return rc == TP_MEMORY || rc == TP_TIMEOUT ? rc : TP_OK;
    store->any = true;
    return add_to_all(store, kind, tp_buf_bytes(&der));
}

static enum tp_rc add_arrays(struct store *store, const struct tp_pdf_value *dictionary, const char *const keys[3])
{
    static const enum tp_evidence_kind kinds[] = {TP_EVIDENCE_CERTIFICATE, TP_EVIDENCE_OCSP, TP_EVIDENCE_CRL};
    const struct tp_pdf_value *array;
    for (size_t k = 0; k < 3; k++) {
        TP_TRY(tp_pdf_document_get(store->document, dictionary, keys[k], store->error, &array));
        size_t len = tp_pdf_kind(array) == TP_PDF_ARRAY ? tp_pdf_len(array) : 0;
        for (size_t i = 0; i < len && i < TP_EVIDENCE_SHARE_ITEMS; i++)
            TP_TRY(add_stream(store, kinds[k], tp_pdf_at(array, i)));
    }
    return TP_OK;
}

enum tp_rc tp_pades_evidence_dss(struct tp_pdf_document *document, int64_t poe_ms, struct tp_error *error,
                                 struct tp_evidence *const *sets, bool *ret_has)
{
    static const char *const of_store[] = {"Certs", "OCSPs", "CRLs"}, *const of_vri[] = {"Cert", "OCSP", "CRL"};
    struct store store = {.document = document, .sets = sets, .poe_ms = poe_ms, .error = error};
    const struct tp_pdf_value *catalog, *dss, *vri, *entry;
    struct tp_bytes key;
    TP_TRY(tp_pades_catalog(document, error, &catalog));
    TP_TRY(tp_pdf_document_get(document, catalog, "DSS", error, &dss));
    *ret_has = false;
    if (tp_pdf_kind(dss) != TP_PDF_DICTIONARY)
        return TP_OK;
    TP_TRY(add_arrays(&store, dss, of_store));
    TP_TRY(tp_pdf_document_get(document, dss, "VRI", error, &vri));
    size_t len = tp_pdf_kind(vri) == TP_PDF_DICTIONARY ? tp_pdf_len(vri) : 0;
    for (size_t i = 0; i < len && i < VRI_MAX; i++) {
        TP_TRY(tp_pdf_document_resolve(document, tp_pdf_entry(vri, i, &key), error, &entry));
        TP_TRY(add_arrays(&store, entry, of_vri));
    }
    *ret_has = store.any;
    return TP_OK;
}

static enum tp_rc add_each(const struct tp_pki_cms *cms, enum tp_evidence_kind kind, size_t len,
                           struct tp_bytes (*at)(const struct tp_pki_cms *cms, size_t index), int64_t poe_ms,
                           struct tp_evidence *evidence)
{
    for (size_t i = 0; i < len; i++) {
        enum tp_rc rc = tp_evidence_add_share(evidence, TP_EVIDENCE_OF_SIGNATURES, kind, at(cms, i), "the signature", poe_ms);
        if (rc == TP_MEMORY)
            return rc;
    }
    return TP_OK;
}

enum tp_rc tp_pades_evidence_cms(const struct tp_pki_cms *cms, int64_t poe_ms, struct tp_evidence *evidence)
{
    TP_TRY(add_each(cms, TP_EVIDENCE_CERTIFICATE, tp_pki_cms_certificates_len(cms), tp_pki_cms_certificate, poe_ms, evidence));
    TP_TRY(add_each(cms, TP_EVIDENCE_OCSP, tp_pki_cms_ocsps_len(cms), tp_pki_cms_ocsp, poe_ms, evidence));
    TP_TRY(add_each(cms, TP_EVIDENCE_CRL, tp_pki_cms_crls_len(cms), tp_pki_cms_crl, poe_ms, evidence));
    for (size_t i = tp_pki_cms_certificates_len(cms); i-- > 0;) /* in their own order */
        tp_evidence_prefer(evidence, tp_pki_cms_certificate(cms, i));
    return TP_OK;
}

enum tp_rc tp_pades_evidence_copy(const struct tp_evidence *from, struct tp_evidence *evidence)
{
    for (enum tp_evidence_kind kind = TP_EVIDENCE_CERTIFICATE; from != NULL && kind < TP_EVIDENCE_KIND_END; kind++)
        for (size_t i = 0; i < tp_evidence_len(from, kind); i++)
            TP_TRY(tp_evidence_add(evidence, kind, tp_evidence_at(from, kind, i), "a given file", INT64_MAX));
    return TP_OK;
}
