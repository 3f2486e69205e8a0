/* SPDX-License-Identifier: Apache-2.0
 *
 * What a document says that it is: extensions of ETSI (ISO 32000-2 §7.12; TS 102 778-3 and -4 have the levels), and PDF/A.
 */
#include "pades/internal.h"

#include <string.h>

#define BASE_VERSION 17 /* the extension is one of PDF 1.7 */
#define XMP_PART     "pdfaid:part"

static const struct tp_pdf_value *esic(struct tp_pdf_arena *arena, int64_t level)
{
    const struct tp_pdf_value *value = tp_pdf_new_dictionary(arena);
    value = tp_pdf_with(arena, value, "BaseVersion", tp_pdf_new_name(arena, "1.7"));
    return tp_pdf_with(arena, value, "ExtensionLevel", tp_pdf_new_integer(arena, level));
}

/* An older document becomes 1.7 by its catalog, since an extension is of a version that the document has (Table 50); but for
 * PDF/A-1, which is 1.4 for good. PDF 2.0 has all that is used in itself. */
static enum tp_rc wanted(struct tp_pades_work *work, int64_t level, const struct tp_pdf_value *extensions, bool *ret_wanted)
{
    const struct tp_pdf_value *known;
    unsigned part = 0, version = tp_pdf_document_facts(work->document)->version;
    *ret_wanted = false;
    if (version >= 20)
        return TP_OK;
    TP_TRY(tp_pdf_document_get(work->document, extensions, "ESIC", work->error, &known));
    if (tp_pdf_integer(tp_pdf_get(known, "ExtensionLevel"), 0) >= level)
        return TP_OK;
    if (version < BASE_VERSION)
        TP_TRY(tp_pades_pdfa_part(work, &part));
    *ret_wanted = part != 1;
    return TP_OK;
}

enum tp_rc tp_pades_extension_put(struct tp_pades_work *work, int64_t level)
{
    const struct tp_pdf_value *catalog, *extensions;
    bool is_wanted;
    TP_TRY(tp_pdf_update_object(work->update, work->catalog, work->error, &catalog));
    struct tp_pdf_ref ref = tp_pdf_ref(tp_pdf_get(catalog, "Extensions"));
    TP_TRY(tp_pdf_document_get(work->document, catalog, "Extensions", work->error, &extensions));
    TP_TRY(wanted(work, level, extensions, &is_wanted));
    if (!is_wanted)
        return TP_OK;
    if (ref.id != 0 && tp_pdf_kind(extensions) == TP_PDF_DICTIONARY)
        return tp_pades_edit_set(work, ref, "ESIC", esic(work->arena, level));
    if (tp_pdf_kind(extensions) != TP_PDF_DICTIONARY)
        extensions = tp_pdf_new_dictionary(work->arena);
    extensions = tp_pdf_with(work->arena, extensions, "ESIC", esic(work->arena, level));
    if (tp_pdf_document_facts(work->document)->version < BASE_VERSION)
        TP_TRY(tp_pades_edit_set(work, work->catalog, "Version", tp_pdf_new_name(work->arena, "1.7")));
    return tp_pades_edit_set(work, work->catalog, "Extensions", extensions);
}

/* <pdfaid:part>2</pdfaid:part> or pdfaid:part="2" (ISO 19005-2 §6.6.4). */
static unsigned part_of(struct tp_bytes xmp)
{
    const uint8_t *at = xmp.len == 0 ? NULL : memmem(xmp.data, xmp.len, XMP_PART, strlen(XMP_PART));
    if (at == NULL)
        return 0;
    const uint8_t *end = xmp.data + xmp.len;
    for (at += strlen(XMP_PART); at < end && strchr(" \t\r\n=\"'>", *at) != NULL && *at != '\0';)
        at++;
    return at < end && *at >= '1' && *at <= '9' ? (unsigned)(*at - '0') : 0;
}

enum tp_rc tp_pades_pdfa_part(struct tp_pades_work *work, unsigned *ret_part)
{
    struct tp_buf xmp TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pdf_value *catalog;
    *ret_part = 0;
    TP_TRY(tp_pdf_document_object(work->document, work->catalog, work->error, &catalog));
    struct tp_pdf_ref ref = tp_pdf_ref(tp_pdf_get(catalog, "Metadata"));
    if (ref.id == 0)
        return TP_OK;
    enum tp_rc rc = tp_pdf_document_stream(work->document, ref, work->error, &xmp);
    if (rc == TP_NOT_FOUND || rc == TP_MALFORMED) /* damaged metadata claims nothing */
        return TP_OK;
    TP_TRY(rc);
    *ret_part = part_of(tp_buf_bytes(&xmp));
    return TP_OK;
}
