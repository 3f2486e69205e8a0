/* SPDX-License-Identifier: Apache-2.0 */
#include "../pdf/forge.h"
#include "pades/form.h"
#include "pades/internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct tp_pdf_pool *pool;
static struct tp_error error;

static void setup(void)
{
    cr_assert_eq(tp_pdf_pool_new(NULL, &error, &pool), TP_OK, "%s", error.words);
}

static void teardown(void)
{
    tp_pdf_pool_free(pool);
}

TestSuite(form, .init = setup, .fini = teardown, .timeout = 60);

/* A document with CATALOG's entries, and FORM as object 6, FIELDS as 7, 8, 9. */
struct trial {
    int fd;
    struct tp_pdf_document *document;
    struct tp_pades_form form;
};

static enum tp_rc begin(struct trial *trial, const char *catalog, const char *const *objects)
{
    trial->fd = forge_page(catalog, objects);
    trial->document = NULL;
    cr_assert_eq(tp_pdf_document_open(pool, trial->fd, 0, NULL, &error, &trial->document), TP_OK, "%s", error.words);
    return tp_pades_form_read(trial->document, &error, &trial->form);
}

static void end(struct trial *trial)
{
    tp_pades_form_clear(&trial->form);
    tp_pdf_document_close(trial->document);
    (void)close(trial->fd);
}

Test(form, fields_by_full_name_with_what_they_inherit)
{
    const char *objects[] = {"<</Fields[5 0 R 8 0 R 9 0 R]>>", "<</T(a)/FT/Sig/Kids[6 0 R 7 0 R]>>", "<</T(b)/Parent 5 0 R>>",
                             "<</T(c)/Parent 5 0 R/V 10 0 R>>", "<</T(text)/FT/Tx>>",
                             "<</T(two)/FT/Sig/Kids[11 0 R 12 0 R]>>", "<</Type/Sig/Filter/X>>", "<</Subtype/Widget/Parent 9 0 R>>",
                             "<</Subtype/Widget/Parent 9 0 R>>", NULL};
    struct trial trial = {.fd = -1};
    cr_assert_eq(begin(&trial, "/AcroForm 4 0 R", objects), TP_OK, "%s", error.words);
    cr_assert_eq(trial.form.len, 3);
    const struct tp_pades_field *b = tp_pades_form_find(&trial.form, "a.b"), *c = tp_pades_form_find(&trial.form, "a.c");
    cr_assert(b != NULL && b->signature == NULL && b->ref.id == 6 && b->widgets_len == 1);
    cr_assert(c != NULL && c->signature != NULL && c->signature_ref.id == 10);
    const struct tp_pades_field *two = tp_pades_form_find(&trial.form, "two");
    cr_assert(two != NULL && two->widgets_len == 2 && two->widgets[1].id == 12);
    cr_assert_null(tp_pades_form_find(&trial.form, "text"));
    cr_assert(tp_pades_form_has_name(&trial.form, "text") && !tp_pades_form_has_name(&trial.form, "b"));
    end(&trial);
}

Test(form, a_name_that_nobody_has)
{
    const char *objects[] = {"<</Fields[5 0 R 6 0 R]>>", "<</T(S1)/FT/Tx>>", "<</T<FEFF00530032>/FT/Sig>>", NULL};
    struct trial trial = {.fd = -1};
    char name[32];
    cr_assert_eq(begin(&trial, "/AcroForm 4 0 R", objects), TP_OK);
    tp_pades_form_free_name(&trial.form, "S", name, sizeof name);
    cr_assert_str_eq(name, "S3");
    tp_pades_form_free_name(&trial.form, "S1", name, sizeof name); /* "" is no number */
    cr_assert_str_eq(name, "S11");
    end(&trial);
}

Test(form, without_a_form_there_are_no_fields)
{
    const char *none[] = {NULL};
    const char *const catalogs[] = {"", "/AcroForm null", "/AcroForm 17", "/AcroForm<</Fields 5>>", "/AcroForm 99 0 R"};
    for (size_t i = 0; i < sizeof catalogs / sizeof catalogs[0]; i++) {
        struct trial trial = {.fd = -1};
        cr_assert_eq(begin(&trial, catalogs[i], none), TP_OK, "%s: %s", catalogs[i], error.words);
        cr_assert_eq(trial.form.len, 0);
        end(&trial);
    }
}

Test(form, circles_and_names_with_zeros_are_refused)
{
    const char *circle[] = {"<</Fields[5 0 R]>>", "<</T(a)/FT/Sig/Kids[5 0 R]>>", NULL};
    const char *zero[] = {"<</Fields[5 0 R]>>", "<</T(a\\000b)/FT/Sig>>", NULL};
    struct trial trial = {.fd = -1};
    cr_assert_eq(begin(&trial, "/AcroForm 4 0 R", circle), TP_MALFORMED);
    end(&trial);
    cr_assert_eq(begin(&trial, "/AcroForm 4 0 R", zero), TP_MALFORMED);
    end(&trial);
}

/* ---- changes, where things are ---- */

static struct tp_pades_work open_work(struct tp_pades_service *service, const char *catalog, const char *const *objects, int *ret_fd)
{
    struct trial trial = {.fd = -1};
    struct tp_pades_work work;
    cr_assert_eq(begin(&trial, catalog, objects), TP_OK);
    *ret_fd = trial.fd;
    tp_pades_form_clear(&trial.form);
    tp_pdf_document_close(trial.document);
    cr_assert_eq(tp_pades_work_open(service, *ret_fd, NULL, false, &error, &work), TP_OK, "%s", error.words);
    return work;
}

static struct tp_pades_service *service_of(void)
{
    struct tp_pades_means means = {.pool = pool};
    struct tp_pades_service *service = NULL;
    cr_assert_eq(tp_pades_service_new(&means, &error, &service), TP_OK);
    return service;
}

static const struct tp_pdf_value *object(struct tp_pades_work *work, uint32_t id)
{
    const struct tp_pdf_value *value;
    cr_assert_eq(tp_pdf_update_object(work->update, (struct tp_pdf_ref){.id = id}, &error, &value), TP_OK);
    return value;
}

Test(form, a_field_is_added_where_the_array_is)
{
    const char *indirect[] = {"<</Fields 5 0 R/SigFlags 3>>", "[6 0 R]", "<</T(a)/FT/Tx>>", NULL};
    struct tp_pades_service *service = service_of();
    int fd;
    struct tp_pades_work work = open_work(service, "/AcroForm 4 0 R", indirect, &fd);
    const struct tp_pdf_value *form = object(&work, 4), *catalog = object(&work, 1);
    cr_assert_eq(tp_pades_edit_add_field(&work, (struct tp_pdf_ref){.id = 77}), TP_OK);
    cr_assert_eq(tp_pdf_len(object(&work, 5)), 2);
    cr_assert_eq(object(&work, 4), form, "the form was written although nothing of it changes");
    cr_assert_eq(object(&work, 1), catalog);
    tp_pades_work_close(&work);
    (void)close(fd);

    const char *direct[] = {"<</T(a)/FT/Tx>>", NULL};
    work = open_work(service, "/AcroForm<</Fields[4 0 R]/DA(x)>>", direct, &fd);
    cr_assert_eq(tp_pades_edit_add_field(&work, (struct tp_pdf_ref){.id = 77}), TP_OK);
    form = tp_pdf_get(object(&work, 1), "AcroForm");
    cr_assert_eq(tp_pdf_len(tp_pdf_get(form, "Fields")), 2);
    cr_assert_eq(tp_pdf_integer(tp_pdf_get(form, "SigFlags"), 0), 3);
    cr_assert_not_null(tp_pdf_get(form, "DA"));
    tp_pades_work_close(&work);
    (void)close(fd);

    const char *none[] = {NULL};
    work = open_work(service, "", none, &fd);
    cr_assert_eq(tp_pades_edit_add_field(&work, (struct tp_pdf_ref){.id = 77}), TP_OK);
    form = object(&work, tp_pdf_ref(tp_pdf_get(object(&work, 1), "AcroForm")).id);
    cr_assert_eq(tp_pdf_ref(tp_pdf_at(tp_pdf_get(form, "Fields"), 0)).id, 77);
    tp_pades_work_close(&work);
    (void)close(fd);
    tp_pades_service_free(service);
}

Test(form, an_extension_is_told_once_and_raised)
{
    const char *none[] = {NULL};
    struct tp_pades_service *service = service_of();
    int fd;
    struct tp_pades_work work = open_work(service, "/Extensions<</ADBE<</BaseVersion/1.7/ExtensionLevel 3>>>>", none, &fd);
    cr_assert_eq(tp_pades_extension_put(&work, 2), TP_OK);
    const struct tp_pdf_value *extensions = tp_pdf_get(object(&work, 1), "Extensions");
    cr_assert_eq(tp_pdf_integer(tp_pdf_get(tp_pdf_get(extensions, "ESIC"), "ExtensionLevel"), 0), 2);
    cr_assert_not_null(tp_pdf_get(extensions, "ADBE"));
    tp_pades_work_close(&work);
    (void)close(fd);
    work = open_work(service, "/Extensions<</ESIC<</BaseVersion/1.7/ExtensionLevel 5>>>>", none, &fd);
    const struct tp_pdf_value *catalog = object(&work, 1);
    cr_assert_eq(tp_pades_extension_put(&work, 5), TP_OK);
    cr_assert_eq(object(&work, 1), catalog);
    tp_pades_work_close(&work);
    (void)close(fd);
    tp_pades_service_free(service);
}
