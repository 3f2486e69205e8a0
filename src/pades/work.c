/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/internal.h"

void tp_pades_work_close(struct tp_pades_work *work)
{
    tp_pdf_update_free(work->update);
    tp_pdf_document_close(work->document);
    *work = (struct tp_pades_work){.update = NULL};
}

/* A form that a viewer lays out by itself (XFA) shows something else than what is signed. */
static enum tp_rc check_form(struct tp_pades_work *work, const struct tp_pdf_value *catalog)
{
    const struct tp_pdf_value *dynamic;
    TP_TRY(tp_pdf_document_get(work->document, catalog, "NeedsRendering", work->error, &dynamic));
    if (tp_pdf_boolean(dynamic, false))
        return tp_error_set(work->error, TP_UNSUPPORTED,
                            "it is a dynamic XFA form, whose pages each viewer makes by itself: what is signed would not be "
                            "what is seen; print it to PDF first");
    return TP_OK;
}

static enum tp_rc check(struct tp_pades_work *work)
{
    const struct tp_pdf_value *trailer = tp_pdf_document_trailer(work->document), *catalog;
    if (tp_pdf_document_facts(work->document)->repaired)
        return tp_error_set(work->error, TP_UNSUPPORTED,
                            "its cross-references are damaged, so nothing can be appended to it; have it written anew, as by "
                            "qpdf IN OUT");
    work->catalog = tp_pdf_ref(tp_pdf_get(trailer, "Root"));
    TP_TRY(tp_pdf_document_get(work->document, trailer, "Root", work->error, &catalog));
    if (work->catalog.id == 0 || tp_pdf_kind(catalog) != TP_PDF_DICTIONARY)
        return tp_error_set(work->error, TP_MALFORMED, "the PDF has no catalog");
    return check_form(work, catalog);
}

enum tp_rc tp_pades_work_opened(enum tp_rc rc, struct tp_error *error)
{
    if (rc != TP_PIN_WRONG)
        return rc;
    return tp_error_set(error, TP_NOT_PERMITTED, "the document is encrypted, and the password is wrong or missing; give its user's or "
                        "its owner's: --password-file FILE");
}

enum tp_rc tp_pades_readable(struct tp_pdf_pool *pool, int in, const struct tp_secret *password, struct tp_error *error)
{
    struct tp_pdf_document *document TP_AUTO(tp_pdf_document_close_p) = NULL;
    return tp_pades_work_opened(tp_pdf_document_open(pool, in, 0, password, error, &document), error);
}

static enum tp_rc open_document(struct tp_pades_work *work, int fd, const struct tp_secret *password, bool first_page)
{
    struct tp_pdf_pool *pool = tp_pades_service_means(work->service)->pool;
    const enum tp_rc rc = first_page ? tp_pdf_document_open_with_page(pool, fd, 0, password, work->error, &work->document)
                                     : tp_pdf_document_open(pool, fd, 0, password, work->error, &work->document);
    return tp_pades_work_opened(rc, work->error);
}

enum tp_rc tp_pades_work_open(struct tp_pades_service *service, int fd, const struct tp_secret *password, bool first_page,
                              struct tp_error *error, struct tp_pades_work *ret_work)
{
    struct tp_pades_work work TP_AUTO(tp_pades_work_close) = {.service = service, .error = error};
    TP_TRY(open_document(&work, fd, password, first_page));
    work.arena = tp_pdf_document_arena(work.document);
    TP_TRY(check(&work));
    TP_TRY(tp_pdf_update_new(work.document, error, &work.update));
    *ret_work = work;
    work = (struct tp_pades_work){.update = NULL};
    return TP_OK;
}

enum tp_rc tp_pades_work_again(struct tp_pades_work *work)
{
    tp_pdf_update_free(work->update);
    work->update = NULL;
    work->look.ref = (struct tp_pdf_ref){.id = 0};
    return tp_pdf_update_new(work->document, work->error, &work->update);
}
