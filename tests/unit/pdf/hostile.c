/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that mean ill, or are broken: each costs an error in bounded time, and the next file is read as ever.
 */
#include "forge.h"
#include "base/clock.h"
#include "pdf/process.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define MEBI ((size_t)1 << 20)

static struct tp_pdf_pool *pool;
static struct tp_error error;

static void setup(void)
{
    const struct tp_pdf_limits limits = {.time_ms = 5000, .memory = 128 * MEBI, .stream_most = MEBI};
    cr_assert_eq(tp_pdf_pool_new(&limits, &error, &pool), TP_OK);
}

/* A good file after the bad ones. */
static void teardown(void)
{
    struct tp_buf bytes = forge_document("1.7", FORGE_TABLE);
    struct tp_pdf_document *document = NULL;
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&bytes)), 0, NULL, &error, &document), TP_OK);
    cr_assert(!tp_pdf_document_facts(document)->repaired);
    tp_pdf_document_close(document);
    tp_buf_clear(&bytes);
    tp_pdf_pool_free(pool);
}

TestSuite(hostile, .init = setup, .fini = teardown, .timeout = 120);

/* Everything that can be asked; the worst that is answered. */
static enum tp_rc ask_all(struct tp_pdf_document *document)
{
    enum tp_rc worst = TP_OK;
    struct tp_pdf_digests digests = {0};
    const struct tp_pdf_value *page = NULL, *object = NULL;
    struct tp_pdf_ref ref;
    enum tp_rc rc = tp_pdf_document_page(document, 0, &error, &ref, &page);
    worst = rc != TP_OK ? rc : worst;
    for (uint32_t id = 1; id < 16 && rc != TP_IO && rc != TP_TIMEOUT; id++) {
        rc = tp_pdf_document_object(document, (struct tp_pdf_ref){id, 0}, &error, &object);
        worst = rc != TP_OK ? rc : worst;
    }
    rc = tp_pdf_document_digests(document, &error, &digests);
    tp_pdf_digests_clear(&digests);
    return rc != TP_OK ? rc : worst;
}

static enum tp_rc try_file(struct tp_bytes bytes, bool *ret_repaired)
{
    const int64_t begin = tp_clock_monotonic_ms();
    struct tp_pdf_document *document = NULL;
    const int fd = forge_file(bytes);
    enum tp_rc rc = tp_pdf_document_open(pool, fd, 0, NULL, &error, &document);
    if (rc == TP_OK) {
        *ret_repaired = tp_pdf_document_facts(document)->repaired;
        rc = ask_all(document);
    }
    tp_pdf_document_close(document);
    (void)close(fd);
    cr_assert_lt(tp_clock_monotonic_ms() - begin, 8000);
    return rc;
}

static enum tp_rc try_forge(struct forge *forge)
{
    bool repaired = false;
    const enum tp_rc rc = try_file(tp_buf_bytes(&forge->text), &repaired);
    cr_assert(!repaired);
    tp_buf_clear(&forge->text);
    return rc;
}

Test(hostile, truncated_at_any_length)
{
    for (enum forge_form form = FORGE_TABLE; form <= FORGE_HYBRID; form++) {
        struct tp_buf bytes = forge_document("1.7", form);
        for (size_t len = 1; len + 8 < bytes.len; len += bytes.len / 40) {
            bool repaired = false;
            const enum tp_rc rc = try_file(TP_BYTES(bytes.data, len), &repaired);
            cr_assert(rc != TP_OK || repaired, "%zu", len);
            cr_assert(rc == TP_OK || rc == TP_MALFORMED || rc == TP_NOT_FOUND, "%zu: %s", len, error.words);
        }
        tp_buf_clear(&bytes);
    }
}

Test(hostile, what_is_no_pdf)
{
    static const char *const texts[] = {"\n", "%PDF-1.7\n", "hello", "%PDF-1.7\nstartxref\n0\n%%EOF\n", "\177ELF"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        bool repaired = false;
        cr_assert_eq(try_file(tp_bytes_of_string(texts[i]), &repaired), TP_MALFORMED, "%s", texts[i]);
        cr_assert_neq(error.words[0], '\0');
    }
}

Test(hostile, what_is_no_file)
{
    int ends[2];
    struct tp_pdf_document *document = NULL;
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(tp_pdf_document_open(pool, ends[0], 0, NULL, &error, &document), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(TP_BYTES_NONE), 0, NULL, &error, &document), TP_MALFORMED);
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(TP_BYTES("x", 1)), 2, NULL, &error, &document), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_pdf_document_open(pool, -1, 0, NULL, &error, &document), TP_IO);
}

/* A document whose catalog is 1, its page tree 2, with these. */
static struct forge begin(const char *pages)
{
    struct forge forge;
    forge_begin(&forge, "1.7");
    forge_object(&forge, 1, "<< /Type /Catalog /Pages 2 0 R /Extra 4 0 R >>");
    forge_object(&forge, 2, pages);
    forge_object(&forge, 3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>");
    return forge;
}
#define ONE_PAGE "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"

/* One page, and a catalog that does not lead to object 4. */
static struct forge begin_apart(void)
{
    struct forge forge = begin(ONE_PAGE);
    forge_object(&forge, 1, "<< /Type /Catalog /Pages 2 0 R >>");
    return forge;
}

Test(hostile, a_table_that_leads_to_itself)
{
    char trailer[64];
    struct forge forge = begin(ONE_PAGE);
    (void)snprintf(trailer, sizeof(trailer), "/Root 1 0 R /Prev %zu", forge.text.len);
    forge_end(&forge, FORGE_TABLE, trailer);
    bool repaired = false;
    const enum tp_rc rc = try_file(tp_buf_bytes(&forge.text), &repaired);
    cr_assert(rc == TP_MALFORMED || repaired);
    tp_buf_clear(&forge.text);
}

Test(hostile, a_page_tree_that_leads_to_itself)
{
    struct forge forge = begin("<< /Type /Pages /Kids [2 0 R 4 0 R 3 0 R 3 0 R 99 0 R] /Count 4 /Parent 4 0 R >>");
    forge_object(&forge, 4, "<< /Type /Pages /Kids [2 0 R 4 0 R] /Count 1 /Parent 2 0 R >>");
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    struct tp_pdf_document *document = NULL;
    const struct tp_pdf_value *page = NULL;
    struct tp_pdf_ref ref;
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&forge.text)), 0, NULL, &error, &document), TP_OK);
    cr_assert_eq(tp_pdf_document_page(document, 0, &error, &ref, &page), TP_OK);
    cr_assert_eq(ref.id, 3);
    cr_assert_eq(tp_pdf_document_page(document, 1, &error, &ref, &page), TP_NOT_FOUND);
    cr_assert_not_null(strstr(error.words, "1 page,"));
    tp_pdf_document_close(document);
    tp_buf_clear(&forge.text);
}

Test(hostile, pages_that_are_none)
{
    struct forge forge = begin("[ 7 ]");
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    bool repaired = false;
    cr_assert_neq(try_file(tp_buf_bytes(&forge.text), &repaired), TP_OK);
    tp_buf_clear(&forge.text);
}

static struct forge nested(size_t depth)
{
    struct forge forge = begin(ONE_PAGE);
    char *text = calloc(2, depth + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    forge_object(&forge, 4, text);
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    free(text);
    return forge;
}

Test(hostile, arrays_in_arrays)
{
    struct forge good = nested(TP_PDF_DEPTH_MAX), deep = nested(TP_PDF_DEPTH_MAX + 2), abyss = nested(1000000);
    cr_assert_eq(try_forge(&good), TP_OK, "%s", error.words);
    cr_assert_eq(try_forge(&deep), TP_TOO_LARGE);
    cr_assert_neq(error.words[0], '\0');
    (void)try_forge(&abyss); /* null for QPDF, which goes 500 deep */
}

/* ---- streams ---- */

static struct tp_buf zeros_deflated(size_t len)
{
    static uint8_t zeros[65536], out[65536];
    struct tp_buf packed = TP_BUF_INIT;
    z_stream z = {0};
    cr_assert_eq(deflateInit(&z, 1), Z_OK);
    while (len > 0 || z.avail_out == 0) {
        const size_t part = len < sizeof(zeros) ? len : sizeof(zeros);
        z.next_in = zeros, z.avail_in = (uInt)part, len -= part;
        do {
            z.next_out = out, z.avail_out = sizeof(out);
            (void)deflate(&z, len == 0 ? Z_FINISH : Z_NO_FLUSH);
            cr_assert_eq(tp_buf_append(&packed, TP_BYTES(out, sizeof(out) - z.avail_out)), TP_OK);
        } while (z.avail_out == 0);
    }
    (void)deflateEnd(&z);
    return packed;
}

static struct forge bomb(size_t len)
{
    struct forge forge = begin(ONE_PAGE);
    struct tp_buf packed = zeros_deflated(len);
    forge_stream(&forge, 4, "/Filter /FlateDecode", tp_buf_bytes(&packed));
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    tp_buf_clear(&packed);
    return forge;
}

static enum tp_rc decode(struct tp_pdf_pool *with, struct forge *forge, size_t *ret_len)
{
    struct tp_buf data = TP_BUF_INIT;
    struct tp_pdf_document *document = NULL;
    cr_assert_eq(tp_pdf_document_open(with, forge_file(tp_buf_bytes(&forge->text)), 0, NULL, &error, &document), TP_OK);
    const enum tp_rc rc = tp_pdf_document_stream(document, (struct tp_pdf_ref){4, 0}, &error, &data);
    *ret_len = data.len;
    tp_pdf_document_close(document);
    tp_buf_clear(&data);
    return rc;
}

Test(hostile, streams_larger_than_is_allowed)
{
    struct forge allowed = bomb(MEBI), above = bomb(MEBI + 1), huge = bomb(1024 * MEBI);
    size_t len = 0;
    cr_assert_eq(decode(pool, &allowed, &len), TP_OK, "%s", error.words);
    cr_assert_eq(len, MEBI);
    cr_assert_eq(decode(pool, &above, &len), TP_TOO_LARGE);
    if (TP_PDF_CONFINED) /* by memory's limit */
        cr_assert_eq(decode(pool, &huge, &len), TP_TOO_LARGE, "%s", error.words);
    tp_buf_clear(&allowed.text), tp_buf_clear(&above.text), tp_buf_clear(&huge.text);
}

Test(hostile, one_that_takes_too_long)
{
    struct forge huge = bomb(1024 * MEBI);
    struct tp_pdf_pool *hasty = NULL;
    size_t len = 0;
    cr_assert_eq(tp_pdf_pool_new(&(struct tp_pdf_limits){.time_ms = 50, .memory = 4096 * MEBI}, &error, &hasty), TP_OK);
    const int64_t begun = tp_clock_monotonic_ms();
    cr_assert_eq(decode(hasty, &huge, &len), TP_TIMEOUT, "%s", error.words);
    cr_assert_lt(tp_clock_monotonic_ms() - begun, 3000);
    tp_pdf_pool_free(hasty);
    tp_buf_clear(&huge.text);
}

/* The stream's length is found by its end; nothing is "repaired", and both revisions see the same. */
Test(hostile, a_length_that_lies)
{
    static const char *const lengths[] = {"1", "99", "999999999", "-1", "(x)"};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char text[128];
        size_t len = 0;
        struct forge forge = begin(ONE_PAGE);
        (void)snprintf(text, sizeof(text), "<< /Length %s >>\nstream\n0123456789\nendstream", lengths[i]);
        forge_object(&forge, 4, text);
        forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
        cr_assert_eq(decode(pool, &forge, &len), TP_OK, "%s: %s", lengths[i], error.words);
        cr_assert(len == 10 || len == 11, "%s: %zu", lengths[i], len);
        tp_buf_clear(&forge.text);
    }
}

Test(hostile, data_that_are_no_deflate)
{
    struct forge forge = begin(ONE_PAGE);
    size_t len = 0;
    forge_stream(&forge, 4, "/Filter /FlateDecode", tp_bytes_of_string("this is not deflate"));
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    cr_assert_eq(decode(pool, &forge, &len), TP_MALFORMED);
    tp_buf_clear(&forge.text);
}

/* ---- cross-references ---- */

Test(hostile, objects_beyond_the_end)
{
    struct forge forge = begin_apart();
    forge.at[4] = 999999999;
    forge.size = 5;
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    struct tp_pdf_document *document = NULL;
    const struct tp_pdf_value *value = NULL;
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&forge.text)), 0, NULL, &error, &document), TP_OK);
    const enum tp_rc rc = tp_pdf_document_object(document, (struct tp_pdf_ref){4, 0}, &error, &value);
    cr_assert(rc == TP_MALFORMED || (rc == TP_OK && tp_pdf_kind(value) == TP_PDF_NULL));
    tp_pdf_document_close(document);
    tp_buf_clear(&forge.text);
}

Test(hostile, sizes_out_of_range)
{
    static const char *const sizes[] = {"0", "-1", "99999999999999999999", "8388609", "2147483647", "(x)", "1.5"};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct forge forge = begin(ONE_PAGE);
        char trailer[64];
        (void)snprintf(trailer, sizeof(trailer), "/Root 1 0 R /Size %s", sizes[i]); /* the later one counts */
        forge_end(&forge, FORGE_TABLE, trailer);
        bool repaired = false;
        const enum tp_rc rc = try_file(tp_buf_bytes(&forge.text), &repaired);
        cr_assert_eq(rc, TP_MALFORMED, "%s: %s", sizes[i], error.words);
        tp_buf_clear(&forge.text);
    }
}

Test(hostile, references_without_end)
{
    struct forge forge = begin(ONE_PAGE);
    struct tp_pdf_document *document = NULL;
    const struct tp_pdf_value *value = NULL, *array = NULL;
    forge_object(&forge, 4, "5 0 R");
    forge_object(&forge, 5, "4 0 R");
    forge_object(&forge, 6, "[4 0 R 6 0 R 3 0 R]");
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&forge.text)), 0, NULL, &error, &document), TP_OK);
    cr_assert_eq(tp_pdf_document_object(document, (struct tp_pdf_ref){6, 0}, &error, &array), TP_OK);
    cr_assert_eq(tp_pdf_document_resolve(document, tp_pdf_at(array, 0), &error, &value), TP_OK);
    cr_assert_neq(tp_pdf_kind(value), TP_PDF_REFERENCE); /* for QPDF an object is the number that the reference begins with */
    cr_assert_eq(tp_pdf_document_resolve(document, tp_pdf_at(array, 1), &error, &value), TP_OK);
    cr_assert_eq(tp_pdf_kind(value), TP_PDF_ARRAY);
    tp_pdf_document_close(document);
    tp_buf_clear(&forge.text);
}

Test(hostile, a_damaged_table_is_said_and_nothing_is_appended)
{
    struct tp_buf bytes = forge_document("1.7", FORGE_TABLE);
    char *startxref = memmem(bytes.data, bytes.len, "startxref\n", 10);
    struct tp_pdf_document *document = NULL;
    struct tp_pdf_update *update = NULL;
    memcpy(startxref + 10, "7", 1);
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&bytes)), 0, NULL, &error, &document), TP_OK);
    cr_assert(tp_pdf_document_facts(document)->repaired);
    cr_assert_eq(tp_pdf_update_new(document, &error, &update), TP_UNSUPPORTED);
    cr_assert_not_null(strstr(error.words, "qpdf in.pdf out.pdf"));
    tp_pdf_document_close(document);
    tp_buf_clear(&bytes);
}

Test(hostile, a_table_that_lies_about_one_object_is_not_believed)
{
    struct forge forge = begin_apart();
    forge_object(&forge, 4, "(four)");
    forge.at[4] += 3;
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    struct tp_pdf_document *document = NULL;
    const struct tp_pdf_value *value = NULL;
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&forge.text)), 0, NULL, &error, &document), TP_OK);
    cr_assert_eq(tp_pdf_document_object(document, (struct tp_pdf_ref){3, 0}, &error, &value), TP_OK);
    cr_assert_eq(tp_pdf_document_object(document, (struct tp_pdf_ref){4, 0}, &error, &value), TP_MALFORMED);
    /* nor what else there is */
    cr_assert_eq(tp_pdf_document_object(document, (struct tp_pdf_ref){2, 0}, &error, &value), TP_MALFORMED);
    tp_pdf_document_close(document);
    tp_buf_clear(&forge.text);
}

/* The catalog comes along with the answer that a document is open. */
Test(hostile, a_table_that_lies_about_what_the_catalog_names_opens_nothing)
{
    struct forge forge = begin(ONE_PAGE);
    forge_object(&forge, 4, "(four)");
    forge.at[4] += 3;
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    struct tp_pdf_document *document = NULL;
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&forge.text)), 0, NULL, &error, &document), TP_MALFORMED);
    cr_assert_not_null(strstr(error.words, "object 1 0"), "%s", error.words);
    tp_buf_clear(&forge.text);
}

Test(hostile, a_table_that_lies_about_what_the_trailer_names_is_damaged)
{
    struct forge forge = begin(ONE_PAGE);
    forge_object(&forge, 4, "<< /Title (four) >>");
    forge.at[4] += 3;
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R /Info 4 0 R");
    bool repaired = false;
    cr_assert_eq(try_file(tp_buf_bytes(&forge.text), &repaired), TP_OK, "%s", error.words);
    cr_assert(repaired);
    tp_buf_clear(&forge.text);
}

Test(hostile, bytes_before_the_header_are_read_over_but_not_appended_to)
{
    struct tp_buf bytes = forge_document("1.7", FORGE_TABLE), moved = TP_BUF_INIT;
    struct tp_pdf_document *document = NULL;
    struct tp_pdf_update *update = NULL;
    cr_assert_eq(tp_buf_append_string(&moved, "From: a mail\n\n"), TP_OK);
    cr_assert_eq(tp_buf_append(&moved, tp_buf_bytes(&bytes)), TP_OK);
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&moved)), 0, NULL, &error, &document), TP_OK);
    cr_assert_eq(tp_pdf_document_facts(document)->header_at, 14);
    cr_assert_eq(tp_pdf_document_facts(document)->xref, TP_PDF_XREF_TABLE);
    cr_assert_eq(tp_pdf_update_new(document, &error, &update), TP_UNSUPPORTED);
    tp_pdf_document_close(document);
    tp_buf_clear(&bytes), tp_buf_clear(&moved);
}

Test(hostile, names_with_a_number_sign_that_begins_no_code)
{
    struct forge forge = begin(ONE_PAGE);
    struct tp_pdf_document *document = NULL;
    const struct tp_pdf_value *value = NULL;
    forge_object(&forge, 4, "[ /A#1 /B#41 /# ]");
    forge_object(&forge, 5, "<< /A#1 1 /A#2 2 >>");
    forge_object(&forge, 6, "<< /A#1 1 >>");
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&forge.text)), 0, NULL, &error, &document), TP_OK);
    cr_assert_eq(tp_pdf_document_object(document, (struct tp_pdf_ref){4, 0}, &error, &value), TP_OK);
    cr_assert(tp_pdf_is_name(tp_pdf_at(value, 0), "A#1"));
    cr_assert(tp_pdf_is_name(tp_pdf_at(value, 1), "BA"));
    cr_assert(tp_pdf_is_name(tp_pdf_at(value, 2), "#"));
    cr_assert_eq(tp_pdf_document_object(document, (struct tp_pdf_ref){5, 0}, &error, &value), TP_UNSUPPORTED);
    cr_assert_eq(tp_pdf_document_object(document, (struct tp_pdf_ref){6, 0}, &error, &value), TP_UNSUPPORTED);
    cr_assert_not_null(strstr(error.words, "#"));
    tp_pdf_document_close(document);
    tp_buf_clear(&forge.text);
}

Test(hostile, encrypted_to_certificates_is_not_supported)
{
    struct forge forge = begin(ONE_PAGE);
    forge_object(&forge, 4, "<< /Filter /Adobe.PubSec /SubFilter /adbe.pkcs7.s5 /V 4 /Recipients [] >>");
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R /Encrypt 4 0 R /ID [(a) (b)]");
    bool repaired = false;
    cr_assert_eq(try_file(tp_buf_bytes(&forge.text), &repaired), TP_UNSUPPORTED, "%s", error.words);
    cr_assert_neq(error.words[0], '\0');
    tp_buf_clear(&forge.text);
}

/* ---- many at once ---- */

static void *use_pool(void *context)
{
    struct tp_buf good = forge_document("1.7", FORGE_STREAM);
    size_t *right = context;
    for (int i = 0; i < 30; i++) {
        struct tp_pdf_document *document = NULL;
        const size_t len = i % 3 == 2 ? good.len / 3 : good.len;
        const int fd = forge_file(TP_BYTES(good.data, len));
        const enum tp_rc rc = tp_pdf_document_open(pool, fd, 0, NULL, NULL, &document);
        *right += (rc == TP_OK && !tp_pdf_document_facts(document)->repaired) == (len == good.len) ? 1 : 0;
        tp_pdf_document_close(document);
        (void)close(fd);
    }
    tp_buf_clear(&good);
    return NULL;
}

Test(hostile, threads_share_a_pool_and_each_gets_its_own)
{
    pthread_t threads[4];
    size_t right[4] = {0};
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, use_pool, &right[i]), 0);
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
        cr_assert_eq(right[i], 30);
    }
}
