/* SPDX-License-Identifier: Apache-2.0 */
#include "forge.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tp_pdf_pool *pool;
static struct tp_error error;

static void setup(void)
{
    cr_assert_eq(tp_pdf_pool_new(&(struct tp_pdf_limits){.time_ms = 5000, .memory = (size_t)256 << 20}, &error, &pool), TP_OK);
}

static void teardown(void)
{
    tp_pdf_pool_free(pool);
}

TestSuite(document, .init = setup, .fini = teardown, .timeout = 60);

static struct tp_pdf_document *open_bytes(struct tp_bytes bytes)
{
    struct tp_pdf_document *document = NULL;
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(bytes), 0, NULL, &error, &document), TP_OK, "%s", error.words);
    return document;
}

static void close_document(struct tp_pdf_document *document)
{
    const int fd = tp_pdf_document_fd(document);
    tp_pdf_document_close(document);
    (void)close(fd);
}

static const enum tp_pdf_xref forms[] = {
    [FORGE_TABLE] = TP_PDF_XREF_TABLE, [FORGE_STREAM] = TP_PDF_XREF_STREAM, [FORGE_HYBRID] = TP_PDF_XREF_HYBRID};

Test(document, says_what_it_is)
{
    for (enum forge_form form = FORGE_TABLE; form <= FORGE_HYBRID; form++) {
        struct tp_buf bytes = forge_document("1.7", form);
        struct tp_pdf_document *document = open_bytes(tp_buf_bytes(&bytes));
        const struct tp_pdf_facts *facts = tp_pdf_document_facts(document);
        cr_assert_eq(facts->version, 17);
        cr_assert_eq(facts->xref, forms[form]);
        cr_assert_eq(facts->length, bytes.len);
        cr_assert_eq(facts->size, form == FORGE_STREAM ? 12 : form == FORGE_HYBRID ? 12 : 11);
        cr_assert(!facts->encrypted && !facts->repaired);
        cr_assert_eq(tp_pdf_ref(tp_pdf_get(tp_pdf_document_trailer(document), "Root")).id, 1);
        close_document(document);
        tp_buf_clear(&bytes);
    }
}

Test(document, objects_are_as_written)
{
    struct tp_buf bytes = forge_document("1.4", FORGE_TABLE);
    struct tp_pdf_document *document = open_bytes(tp_buf_bytes(&bytes));
    const struct tp_pdf_value *array = NULL;
    cr_assert_eq(tp_pdf_document_get(document, tp_pdf_document_trailer(document), "Extra", &error, &array), TP_OK);
    cr_assert_eq(tp_pdf_len(array), 11);
    cr_assert_eq(tp_pdf_kind(tp_pdf_at(array, 0)), TP_PDF_NULL);
    cr_assert_eq(tp_pdf_integer(tp_pdf_at(array, 2), 0), -7);
    cr_assert_float_eq(tp_pdf_number(tp_pdf_at(array, 4), 0), -.002, 1e-9);
    cr_assert(tp_bytes_equal(tp_pdf_bytes(tp_pdf_at(array, 5)), TP_BYTES("a)b\0c", 5)));
    cr_assert(tp_pdf_is_name(tp_pdf_at(array, 7), "A B"));
    cr_assert_eq(tp_pdf_ref(tp_pdf_at(array, 10)).id, 9);
    cr_assert_eq(tp_pdf_document_resolve(document, tp_pdf_at(array, 10), &error, &array), TP_OK);
    cr_assert(tp_pdf_is_name(tp_pdf_get(array, "Type"), "Font"));
    close_document(document);
    tp_buf_clear(&bytes);
}

Test(document, what_is_not_in_the_file_is_null)
{
    struct tp_buf bytes = forge_document("1.4", FORGE_TABLE);
    struct tp_pdf_document *document = open_bytes(tp_buf_bytes(&bytes));
    const struct tp_pdf_ref refs[] = {{0, 0}, {11, 0}, {4000000000u, 0}, {1, 7}};
    for (size_t i = 0; i < 4; i++) {
        const struct tp_pdf_value *value = NULL;
        cr_assert_eq(tp_pdf_document_object(document, refs[i], &error, &value), TP_OK);
        cr_assert_eq(tp_pdf_kind(value), TP_PDF_NULL, "%zu", i);
    }
    close_document(document);
    tp_buf_clear(&bytes);
}

Test(document, pages_come_with_what_they_inherit)
{
    struct tp_buf bytes = forge_document("1.7", FORGE_STREAM), data = TP_BUF_INIT;
    struct tp_pdf_document *document = open_bytes(tp_buf_bytes(&bytes));
    const struct tp_pdf_value *page = NULL;
    struct tp_pdf_ref ref;
    cr_assert_eq(tp_pdf_document_page(document, 0, &error, &ref, &page), TP_OK);
    cr_assert_eq(ref.id, 3);
    cr_assert_eq(tp_pdf_integer(tp_pdf_get(page, "Rotate"), 0), 90);
    cr_assert_eq(tp_pdf_document_object(document, ref, &error, &page), TP_OK);
    cr_assert_null(tp_pdf_get(page, "Rotate")); /* as it stands */
    cr_assert_eq(tp_pdf_document_page(document, 1, &error, &ref, &page), TP_OK);
    cr_assert_eq(ref.id, 5);
    cr_assert_eq(tp_pdf_integer(tp_pdf_get(page, "Rotate"), 0), 180);
    cr_assert_eq(tp_pdf_integer(tp_pdf_at(tp_pdf_get(page, "MediaBox"), 3), 0), 842);
    cr_assert_eq(tp_pdf_document_stream(document, tp_pdf_ref(tp_pdf_get(page, "Contents")), &error, &data), TP_OK);
    cr_assert_not_null(strstr(tp_buf_string(&data), "(second)"));
    cr_assert_eq(tp_pdf_document_page(document, 2, &error, &ref, &page), TP_NOT_FOUND);
    cr_assert_not_null(strstr(error.words, "2 pages"));
    close_document(document);
    tp_buf_clear(&data), tp_buf_clear(&bytes);
}

static struct tp_pdf_document *open_with_page(struct tp_bytes bytes)
{
    struct tp_pdf_document *document = NULL;
    cr_assert_eq(tp_pdf_document_open_with_page(pool, forge_file(bytes), 0, NULL, &error, &document), TP_OK, "%s", error.words);
    return document;
}

Test(document, the_first_page_comes_along_when_it_is_wanted)
{
    struct tp_buf bytes = forge_document("1.7", FORGE_TABLE);
    struct tp_pdf_document *one = open_with_page(tp_buf_bytes(&bytes)), *other = open_bytes(tp_buf_bytes(&bytes));
    struct tp_pdf_ref ref, same;
    const struct tp_pdf_value *page = NULL, *asked = NULL;
    for (unsigned i = 0; i < 2; i++) { /* twice: it stays; the second page is asked for as ever */
        cr_assert_eq(tp_pdf_document_page(one, 0, &error, &ref, &page), TP_OK);
        cr_assert_eq(tp_pdf_document_page(other, 0, &error, &same, &asked), TP_OK);
        cr_assert(ref.id == same.id && tp_pdf_equal(page, asked));
        cr_assert_eq(tp_pdf_document_page(one, 1, &error, &ref, &page), TP_OK);
        cr_assert_eq(ref.id, 5);
    }
    close_document(one), close_document(other);
    tp_buf_clear(&bytes);
}

static struct tp_buf forge_pages(const char *pages)
{
    struct forge forge;
    forge_begin(&forge, "1.7");
    forge_object(&forge, 1, "<< /Type /Catalog /Pages 2 0 R >>");
    forge_object(&forge, 2, pages);
    forge_object(&forge, 3, "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>");
    forge_object(&forge, 4, "(four)");
    forge.at[4] += 3; /* where it is not */
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    return forge.text;
}

Test(document, a_page_that_is_not_there_is_missed_when_it_is_asked_for)
{
    struct tp_buf bytes = forge_pages("<< /Type /Pages /Kids [] /Count 0 >>");
    struct tp_pdf_document *document = open_with_page(tp_buf_bytes(&bytes));
    struct tp_pdf_ref ref;
    const struct tp_pdf_value *page = NULL;
    cr_assert_eq(tp_pdf_document_page(document, 0, &error, &ref, &page), TP_NOT_FOUND);
    cr_assert_not_null(strstr(error.words, "0 pages"), "%s", error.words);
    tp_pdf_document_close(document);
    tp_buf_clear(&bytes);
}

Test(document, a_page_that_is_damaged_opens_nothing_for_who_wants_it)
{
    struct tp_buf bytes = forge_pages("<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
    struct tp_pdf_document *document = NULL;
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&bytes)), 0, NULL, &error, &document), TP_OK);
    tp_pdf_document_close(document);
    document = NULL;
    cr_assert_eq(tp_pdf_document_open_with_page(pool, forge_file(tp_buf_bytes(&bytes)), 0, NULL, &error, &document), TP_MALFORMED);
    cr_assert_not_null(strstr(error.words, "page tree"), "%s", error.words);
    tp_buf_clear(&bytes);
}

static struct tp_pdf_digests digests_of(struct tp_bytes bytes)
{
    struct tp_pdf_digests digests;
    struct tp_pdf_document *document = open_bytes(bytes);
    cr_assert_eq(tp_pdf_document_digests(document, &error, &digests), TP_OK, "%s", error.words);
    close_document(document);
    return digests;
}

Test(document, digests_tell_what_has_changed)
{
    struct tp_buf bytes = forge_document("1.7", FORGE_TABLE);
    struct tp_pdf_digests before = digests_of(tp_buf_bytes(&bytes));
    *strstr((char *)bytes.data + 20, "(second)") = '<'; /* a page's content alone */
    struct tp_pdf_digests after = digests_of(tp_buf_bytes(&bytes));
    cr_assert_eq(before.len, 10);
    cr_assert_eq(before.len, after.len);
    for (uint32_t id = 1; id <= 10; id++) {
        const struct tp_pdf_digest *a = tp_pdf_digests_find(&before, id), *b = tp_pdf_digests_find(&after, id);
        cr_assert(a != NULL && b != NULL);
        cr_assert_eq(memcmp(a->hash, b->hash, 32) == 0, id != 7, "%u", id);
        cr_assert_eq(a->doubts | b->doubts, 0, "%u", id);
        cr_assert_eq(a->at, b->at);
    }
    tp_pdf_digests_clear(&before), tp_pdf_digests_clear(&after);
    tp_buf_clear(&bytes);
}
