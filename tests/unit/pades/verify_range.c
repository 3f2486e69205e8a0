/* SPDX-License-Identifier: Apache-2.0 */
#include "../pdf/forge.h"
#include "pades/verify/internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct tp_pdf_pool *pool;
static struct tp_error error;

static void setup(void)
{
    cr_assert_eq(tp_pdf_pool_new(&(struct tp_pdf_limits){.time_ms = 5000}, &error, &pool), TP_OK);
}

static void teardown(void)
{
    tp_pdf_pool_free(pool);
}

TestSuite(range, .init = setup, .fini = teardown, .timeout = 60);

/* A document with one signature dictionary, which says what RANGE and CONTENTS say; the right range is known. */
struct paper {
    struct tp_buf text;
    uint64_t open_at, close_at; /* the gap: of "<", and behind ">" */
    size_t range_at;
};

static struct paper write_paper(const char *contents)
{
    struct paper paper = {0};
    struct forge forge;
    char dictionary[512];
    (void)snprintf(dictionary, sizeof dictionary, "<< /Type /Sig /ByteRange [%-40s] /Contents %s >>", "0 0 0 0", contents);
    forge_begin(&forge, "1.7");
    forge_object(&forge, 1, "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [3 0 R] >> >>");
    forge_object(&forge, 2, "<< /Type /Pages /Kids [] /Count 0 >>");
    forge_object(&forge, 3, "<< /FT /Sig /T (s) /V 4 0 R >>");
    forge_object(&forge, 4, dictionary);
    forge_end(&forge, FORGE_TABLE, "/Root 1 0 R");
    paper.text = forge.text;
    const char *text = tp_buf_string(&paper.text), *found = strstr(text, contents);
    paper.open_at = (uint64_t)(found - text);
    paper.close_at = paper.open_at + strlen(contents);
    paper.range_at = (size_t)(strstr(text, "/ByteRange [") + 12 - text);
    return paper;
}

static void put_range(struct paper *paper, const char *range)
{
    cr_assert_leq(strlen(range), 40);
    memset(paper->text.data + paper->range_at, ' ', 40);
    memcpy(paper->text.data + paper->range_at, range, strlen(range));
}

static enum tp_rc check(struct paper *paper, struct tp_pades_signature *ret_signature)
{
    struct tp_pdf_document *document = NULL;
    struct tp_pades_revisions revisions = {0};
    struct tp_pades_finds finds = {0};
    struct tp_buf contents = TP_BUF_INIT;
    const int fd = forge_file(tp_buf_bytes(&paper->text));
    cr_assert_eq(tp_pades_revisions_read(fd, &error, &revisions), TP_OK);
    cr_assert_eq(tp_pdf_document_open(pool, fd, 0, NULL, &error, &document), TP_OK, "%s", error.words);
    cr_assert_eq(tp_pades_find(document, false, &error, &finds), TP_OK);
    cr_assert_eq(finds.len, 1);
    tp_error_clear(&error);
    enum tp_rc rc = tp_pades_range_check(document, finds.finds[0].dictionary, &revisions, &error, ret_signature, &contents);
    tp_buf_clear(&contents);
    tp_pades_finds_clear(&finds);
    tp_pades_revisions_clear(&revisions);
    tp_pdf_document_close(document);
    (void)close(fd);
    return rc;
}

static void right_range(const struct paper *paper, int64_t a, int64_t b, int64_t c, char ret_range[64])
{
    (void)snprintf(ret_range, 64, "0 %lld %lld %lld", (long long)paper->open_at + a, (long long)paper->close_at + b,
                   (long long)(paper->text.len - paper->close_at) + c);
}

Test(range, all_but_the_contents_to_the_end_of_a_revision)
{
    char range[64];
    struct paper paper = write_paper("<30800000>");
    for (int64_t less = 0; less <= 1; less++) { /* with the line's end behind %%EOF, and without */
        struct tp_pades_signature signature = {0};
        right_range(&paper, 0, 0, -less, range);
        put_range(&paper, range);
        cr_assert_eq(check(&paper, &signature), TP_OK, "%s", error.words);
        cr_assert_eq(signature.revision, 1);
        cr_assert(signature.whole);
    }
    tp_buf_clear(&paper.text);
}

Test(range, nothing_else)
{
    static const struct {
        int64_t a, b, c;
    } shifts[] = {{1, 0, 0}, {-1, 0, 0}, {0, 1, -1}, {0, -1, 1}, {0, 0, 1}, {0, 0, -2}, {0, 0, -7}, {-9, 0, 0}, {0, 9, -9}};
    static const char *const ranges[] = {"", "0", "0 1 2", "0 1 2 3 4", "0 0 0 0", "0 -1 9 9", "0 9 8 9", "1.5 2 3 4", "null", "(0) 1 2 3",
                                         "0 99999999999 0 0", "0 9223372036854775807 9 9", "4 0 R"};
    char range[64];
    struct paper paper = write_paper("<30800000>");
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        struct tp_pades_signature signature = {0};
        right_range(&paper, shifts[i].a, shifts[i].b, shifts[i].c, range);
        put_range(&paper, range);
        cr_assert_eq(check(&paper, &signature), TP_MALFORMED, "%s", range);
    }
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        struct tp_pades_signature signature = {0};
        put_range(&paper, ranges[i]);
        cr_assert_eq(check(&paper, &signature), TP_MALFORMED, "%s", ranges[i]);
    }
    tp_buf_clear(&paper.text);
}

Test(range, contents_are_hex_digits_alone)
{
    static const char *const contents[] = {"<3080 0000>", "<308>", "<3080000g>", "(aaaa)", "<>", "<3080%0\n>"};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        char range[64];
        struct tp_pades_signature signature = {0};
        struct paper paper = write_paper(contents[i]);
        right_range(&paper, 0, 0, 0, range);
        put_range(&paper, range);
        cr_assert_eq(check(&paper, &signature), TP_MALFORMED, "%s", contents[i]);
        tp_buf_clear(&paper.text);
    }
}

Test(range, another_string_in_the_gap_is_not_this_signature)
{
    char range[64];
    struct tp_pades_signature signature = {0};
    struct paper paper = write_paper("<30800000> /Cert <30800000>");
    paper.open_at += strlen("<30800000> /Cert ");
    right_range(&paper, 0, 0, 0, range);
    put_range(&paper, range);
    cr_assert_eq(check(&paper, &signature), TP_MALFORMED);
    cr_assert_not_null(strstr(error.words, "/Contents"));
    tp_buf_clear(&paper.text);
}

Test(range, both_parts_are_hashed)
{
    uint8_t digest[64], other[64];
    size_t len = 0;
    const int fd = forge_file(tp_bytes_of_string("abXXc")), plain = forge_file(tp_bytes_of_string("abc"));
    cr_assert_eq(tp_pades_range_hash(fd, (uint64_t[]){0, 2, 4, 1}, TP_PKI_SHA256, NULL, digest, &len), TP_OK);
    cr_assert_eq(len, 32);
    cr_assert_eq(tp_pades_range_hash(plain, (uint64_t[]){0, 3, 3, 0}, TP_PKI_SHA256, NULL, other, &len), TP_OK);
    cr_assert_arr_eq(digest, other, 32);
    cr_assert_eq(tp_pades_range_hash(fd, (uint64_t[]){0, 2, 4, 2}, TP_PKI_SHA256, NULL, digest, &len), TP_NOT_FOUND);
    cr_assert_eq(tp_pades_range_hash(fd, (uint64_t[]){0, 2, 4, 1}, TP_PKI_HASH_NONE, NULL, digest, &len), TP_UNSUPPORTED);
    (void)close(fd), (void)close(plain);
}
