/* SPDX-License-Identifier: Apache-2.0 */
#include "../pdf/forge.h"
#include "pades/change/change.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Two documents that differ in what a test says; what is told of it, by each permission. */
struct part {
    uint32_t id;
    const char *content, *data; /* DATA: of a stream, whose entries CONTENT is */
};
#define PARTS_MAX 20
#define SIGNATURE "<< /Type /Sig /ByteRange [0 1 2 3] /Contents <00> >>"
#define STAMP "<< /Type /DocTimeStamp /ByteRange [0 1 2 3] /Contents <00> >>"

static const struct part base_parts[] = {
    {1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 6 0 R /Metadata 12 0 R /Names << /Dests 13 0 R >> >>", NULL},
    {2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", NULL},
    {3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R] >>", NULL},
    {4, "", "q Q"},
    {6, "<< /Fields [7 0 R 10 0 R 14 0 R] /DR << /Font << /F1 9 0 R >> >> >>", NULL},
    {7, "<< /Subtype /Widget /FT /Tx /T (a) /V (1) /AP << /N 8 0 R >> /Rect [0 0 1 1] >>", NULL},
    {8, "/Subtype /Form", "1"},
    {9, "<< /Type /Font /BaseFont /Helvetica >>", NULL},
    {10, "<< /Subtype /Widget /FT /Sig /T (s) /Rect [0 0 1 1] >>", NULL},
    {11, "<< /Subtype /Text /Rect [1 1 2 2] /Contents (note) >>", NULL},
    {12, "/Type /Metadata", "x"},
    {13, "<< /Names [] >>", NULL},
    {14, "<< /FT /Btn /Ff 32768 /T (radio) /V /A /Kids [15 0 R] >>", NULL},
    {15, "<< /Subtype /Widget /Parent 14 0 R /AS /A /Rect [0 0 1 1] >>", NULL},
};

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

TestSuite(change, .init = setup, .fini = teardown, .timeout = 120);

static struct tp_pdf_document *make(const struct part *changes, const char *trailer)
{
    struct forge forge;
    struct tp_pdf_document *document = NULL;
    forge_begin(&forge, "1.7");
    for (uint32_t id = 1; id < 40; id++) {
        const struct part *part = NULL;
        for (size_t i = 0; i < sizeof base_parts / sizeof base_parts[0]; i++)
            part = base_parts[i].id == id ? &base_parts[i] : part;
        for (size_t i = 0; changes != NULL && changes[i].id != 0; i++)
            part = changes[i].id == id ? &changes[i] : part;
        if (part != NULL && part->content != NULL && part->data != NULL)
            forge_stream(&forge, id, part->content, tp_bytes_of_string(part->data));
        else if (part != NULL && part->content != NULL)
            forge_object(&forge, id, part->content);
    }
    forge_end(&forge, FORGE_TABLE, trailer);
    cr_assert_eq(tp_pdf_document_open(pool, forge_file(tp_buf_bytes(&forge.text)), 0, NULL, &error, &document), TP_OK, "%s", error.words);
    tp_buf_clear(&forge.text);
    return document;
}

static void done(struct tp_pdf_document *document)
{
    const int fd = tp_pdf_document_fd(document);
    tp_pdf_document_close(document);
    (void)close(fd);
}

static struct tp_pades_signature compare(const struct part *old_changes, const struct part *new_changes, const char *trailer,
                                         unsigned permission, const struct tp_pades_locks *locks)
{
    struct tp_pdf_digests old = {0}, new = {0};
    struct tp_pades_signature signature = {.restriction.permission = permission};
    struct tp_pades_finds finds = {0};
    struct tp_pdf_document *before = make(old_changes, "/Root 1 0 R"), *after = make(new_changes, trailer);
    if (locks != NULL)
        signature.restriction.locks = *locks;
    cr_assert_eq(tp_pdf_document_digests(before, &error, &old), TP_OK);
    cr_assert_eq(tp_pdf_document_digests(after, &error, &new), TP_OK);
    cr_assert_eq(tp_pades_find(after, true, &error, &finds), TP_OK);
    struct tp_pades_comparison comparison = {.before = before, .after = after, .old = &old, .new = &new, .finds = &finds, .error = &error,
                                             .signature = &signature};
    cr_assert_eq(tp_pades_compare(&comparison), TP_OK, "%s", error.words);
    tp_pdf_digests_clear(&old), tp_pdf_digests_clear(&new), tp_pades_finds_clear(&finds);
    done(before), done(after);
    return signature;
}

Test(change, nothing_is_told_of_the_same)
{
    struct tp_pades_signature signature = compare(NULL, NULL, "/Root 1 0 R", 1, NULL);
    cr_assert_eq(signature.changes_len, 0, "%s", signature.changes[0].words);
}

/* Allowed with DocMDP 1, 2, 3, and where nobody says anything; the first thing told, and its nature. */
#define YES "yyyy"
#define FORM "nyyy"
#define NOTE "nnyy"
#define NO "nnnn"
static const struct {
    const char *words, *allowed;
    enum tp_pades_nature nature;
    struct part changes[4];
} cases[] = {
    {"page 1 /Contents was replaced", NO, TP_PADES_CHANGE_CONTENT, {{4, "", "Q q"}}},
    {"page 1 /Contents was changed", NO, TP_PADES_CHANGE_CONTENT,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents [4 0 R] /Annots [7 0 R 10 0 R 11 0 R] >>", NULL}}},
    {"page 1 /Resources was added", NO, TP_PADES_CHANGE_CONTENT,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << >> /Annots [7 0 R 10 0 R 11 0 R] >>", NULL}}},
    {"pages were added, removed, or put in another order", NO, TP_PADES_CHANGE_CONTENT,
     {{2, "<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 1 >>", NULL}}},
    {"the document's /Names was replaced", NO, TP_PADES_CHANGE_CONTENT, {{13, "<< /Names [(x) null] >>", NULL}}},
    {"the metadata (XMP) were changed", YES, TP_PADES_CHANGE_METADATA, {{12, "/Type /Metadata", "y"}}},
    {"certificates and revocation data were added (DSS)", YES, TP_PADES_CHANGE_EVIDENCE,
     {{1, "<< /Type /Catalog /Pages 2 0 R /AcroForm 6 0 R /Metadata 12 0 R /Names << /Dests 13 0 R >> /DSS << /Certs [30 0 R] >> >>", NULL},
      {30, "", "x"}}},
    {"form field \"a\" was filled in", FORM, TP_PADES_CHANGE_FORM,
     {{7, "<< /Subtype /Widget /FT /Tx /T (a) /V (2) /AP << /N 30 0 R >> /Rect [0 0 1 1] >>", NULL}, {30, "/Subtype /Form", "2"}}},
    {"form field \"radio\" was filled in", FORM, TP_PADES_CHANGE_FORM,
     {{14, "<< /FT /Btn /Ff 32768 /T (radio) /V /B /Kids [15 0 R] >>", NULL},
      {15, "<< /Subtype /Widget /Parent 14 0 R /AS /B /Rect [0 0 1 1] >>", NULL}}},
    {"a signature was added in a new field \"radio.k\"", FORM, TP_PADES_CHANGE_SIGNATURE,
     {{14, "<< /FT /Btn /Ff 32768 /T (radio) /V /A /Kids [15 0 R 31 0 R] >>", NULL},
      {30, "<< /Type /Sig >>", NULL},
      {31, "<< /FT /Sig /T (k) /V 30 0 R >>", NULL}}},
    {"form field \"radio.k\" was added", NO, TP_PADES_CHANGE_CONTENT,
     {{14, "<< /FT /Btn /Ff 32768 /T (radio) /V /A /Kids [15 0 R 31 0 R] >>", NULL}, {31, "<< /T (k) /Subtype /Widget >>", NULL}}},
    {"form fields were removed", NO, TP_PADES_CHANGE_CONTENT, {{14, "<< /FT /Btn /Ff 32768 /T (radio) /V /A /Kids [] >>", NULL}}},
    {"form field \"radio\" /AS was changed", NO, TP_PADES_CHANGE_CONTENT,
     {{15, "<< /Subtype /Widget /Parent 14 0 R /AS /B /Rect [0 0 1 1] >>", NULL}}},
    {"form field \"a\" /AP was replaced", NO, TP_PADES_CHANGE_CONTENT, {{8, "/Subtype /Form", "2"}}},
    {"form field \"a\" /Rect was changed", NO, TP_PADES_CHANGE_CONTENT,
     {{7, "<< /Subtype /Widget /FT /Tx /T (a) /V (1) /AP << /N 8 0 R >> /Rect [0 0 5 5] >>", NULL}}},
    {"the form's /DR /Font was changed", NO, TP_PADES_CHANGE_CONTENT, {{6, "<< /Fields [7 0 R 10 0 R 14 0 R] /DR << /Font << /F1 8 0 R >> >> >>", NULL}}},
    {"the form's /DR /XObject was added", NO, TP_PADES_CHANGE_CONTENT,
     {{6, "<< /Fields [7 0 R 10 0 R 14 0 R] /DR << /Font << /F1 9 0 R >> /XObject << /X 8 0 R >> >> >>", NULL}}},
    {"the form's /XFA was added", NO, TP_PADES_CHANGE_CONTENT,
     {{6, "<< /Fields [7 0 R 10 0 R 14 0 R] /DR << /Font << /F1 9 0 R >> >> /XFA [] >>", NULL}}},
    {"a signature was added in the field \"s\"", FORM, TP_PADES_CHANGE_SIGNATURE,
     {{10, "<< /Subtype /Widget /FT /Sig /T (s) /V 30 0 R /Rect [0 0 1 1] /F 132 >>", NULL}, {30, "<< /Type /Sig >>", NULL}}},
    {"a document timestamp was added in a new field \"t\"", YES, TP_PADES_CHANGE_TIMESTAMP,
     {{6, "<< /Fields [7 0 R 10 0 R 14 0 R 31 0 R] /SigFlags 3 /DR << /Font << /F1 9 0 R >> >> >>", NULL},
      {30, "<< /Type /DocTimeStamp >>", NULL}, {31, "<< /FT /Sig /T (t) /V 30 0 R >>", NULL}}},
    {"an annotation (Text) was changed", NOTE, TP_PADES_CHANGE_ANNOTATION, {{11, "<< /Subtype /Text /Rect [1 1 2 2] /Contents (other) >>", NULL}}},
    {"an annotation (Text) was removed", NOTE, TP_PADES_CHANGE_ANNOTATION,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R] >>", NULL}}},
    {"an annotation (Stamp) was added", NOTE, TP_PADES_CHANGE_ANNOTATION,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 30 0 R 10 0 R 11 0 R] >>", NULL},
      {30, "<< /Subtype /Stamp /Rect [0 0 9 9] >>", NULL}}},
    {"an annotation (Stamp) was added", NO, TP_PADES_CHANGE_CONTENT,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 30 0 R 10 0 R 11 0 R] >>", NULL},
      {30, "<< /Subtype /Stamp /Rect [0 0 9 9] /AA << >> >>", NULL}}},
    {"a signature was added in a new field \"u\"", FORM, TP_PADES_CHANGE_SIGNATURE,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R 31 0 R] >>", NULL},
      {30, SIGNATURE, NULL}, {31, "<< /FT /Sig /Subtype /Widget /T (u) /V 30 0 R /DV 30 0 R /Rect [0 0 0 0] >>", NULL}}}, /* as LibreOffice writes it */
    {"form field \"u\" was added: its value is no signature that is judged", NO, TP_PADES_CHANGE_CONTENT,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R 31 0 R] >>", NULL},
      {30, "<< /Type /Sig >>", NULL}, {31, "<< /FT /Sig /Subtype /Widget /T (u) /V 30 0 R /Rect [0 0 0 0] >>", NULL}}},
    {"form field \"u\" was added: it is no widget", NO, TP_PADES_CHANGE_CONTENT,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R 31 0 R] >>", NULL},
      {30, SIGNATURE, NULL}, {31, "<< /FT /Sig /Subtype /Ink /T (u) /V 30 0 R /Rect [0 0 0 0] >>", NULL}}},
    {"an annotation was added", NO, TP_PADES_CHANGE_CONTENT,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R 31 0 R] >>", NULL},
      {30, STAMP, NULL}, {31, "<< /FT /Sig /T (u) /V 30 0 R /Rect [0 0 0 0] >>", NULL}}},
    {"an empty signature field was added in a new field \"e\"", FORM, TP_PADES_CHANGE_SIGNATURE,
     {{6, "<< /Fields [7 0 R 10 0 R 14 0 R 31 0 R] /DR << /Font << /F1 9 0 R >> >> >>", NULL},
      {31, "<< /Type /Annot /Subtype /Widget /FT /Sig /T (e) /F 132 /P 3 0 R /Rect [0 0 0 0] /DA () /Ff 1 /TU (x) /Lock << >> /SV << >> >>", NULL}}},
    {"form field \"e\" was added: it has /Dest, which signature fields do not have", NO, TP_PADES_CHANGE_CONTENT,
     {{6, "<< /Fields [7 0 R 10 0 R 14 0 R 31 0 R] /DR << /Font << /F1 9 0 R >> >> >>", NULL},
      {31, "<< /Subtype /Widget /FT /Sig /T (e) /Rect [0 0 0 0] /Dest [3 0 R /Fit] >>", NULL}}},
    {"form field \"e\" was added: it has /AA, which signature fields do not have", NO, TP_PADES_CHANGE_CONTENT,
     {{6, "<< /Fields [7 0 R 10 0 R 14 0 R 31 0 R] /DR << /Font << /F1 9 0 R >> >> >>", NULL},
      {31, "<< /Subtype /Widget /FT /Sig /T (e) /Rect [0 0 0 0] /AA << >> >>", NULL}}},
    {"page 1 /MediaBox was changed", NO, TP_PADES_CHANGE_CONTENT,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9.01] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R] >>", NULL}}},
    {"an annotation was added", NO, TP_PADES_CHANGE_CONTENT,
     {{3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 30 0 R 10 0 R 11 0 R] >>", NULL},
      {30, "<< /Subtype /Widget /Rect [0 0 9 9] >>", NULL}}},
};

Test(change, each_is_told_and_allowed_as_docmdp_says)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (unsigned permission = 0; permission <= 3; permission++) {
            struct tp_pades_signature signature = compare(NULL, cases[i].changes, "/Root 1 0 R", permission, NULL);
            const bool allowed = cases[i].allowed[permission == 0 ? 3 : permission - 1] == 'y';
            cr_assert_gt(signature.changes_len, 0, "%s: not found", cases[i].words);
            const struct tp_pades_change *change = &signature.changes[0];
            cr_assert_eq(strncmp(change->words, cases[i].words, strlen(cases[i].words)), 0, "%s, not %s", change->words, cases[i].words);
            cr_assert_eq(change->nature, cases[i].nature, "%s", change->words);
            cr_assert_eq(change->allowed, allowed, "%s with P=%u", change->words, permission);
        }
}

Test(change, an_object_counts_by_its_strictest_place)
{
    const struct part shared[] = {
        {3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 12 0 R /Annots [7 0 R 10 0 R 11 0 R] >>", NULL}, {0}};
    const struct part changed[] = {shared[0], {12, "/Type /Metadata", "y"}, {0}};
    struct tp_pades_signature signature = compare(shared, changed, "/Root 1 0 R", 0, NULL);
    cr_assert_not(signature.changes[0].allowed);
    cr_assert_str_eq(signature.changes[0].words, "page 1 /Contents was replaced");
}

Test(change, numbers_may_be_written_with_other_digits)
{
    const struct part rewritten[] = {
        {3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0.0 9 9.0000001] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R] >>", NULL}, {0}};
    const struct part exact[] = {
        {3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0.0 9 9.0] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R] >>", NULL}, {0}};
    struct tp_pades_signature signature = compare(exact, rewritten, "/Root 1 0 R", 1, NULL);
    cr_assert_eq(signature.changes_len, 0, "%s", signature.changes[0].words);
}

/* The form's resources are the page's, too: text that lacked its font would be drawn with one that comes. */
Test(change, a_font_that_pages_could_use_is_told)
{
    static const char form[] = "<< /Fields [7 0 R 10 0 R 14 0 R] /DR 20 0 R >>";
    static const char page[] = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources 20 0 R /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R] >>";
    const struct part before[] = {{3, page, NULL}, {6, form, NULL}, {20, "<< /Font 21 0 R >>", NULL}, {21, "<< /F1 9 0 R >>", NULL}, {0}};
    const struct part after[] = {before[0], before[1], before[2], {21, "<< /F1 9 0 R /F2 9 0 R >>", NULL}, {0}};
    struct tp_pades_signature signature = compare(before, after, "/Root 1 0 R", 0, NULL);
    cr_assert_eq(signature.changes_len, 1);
    cr_assert(signature.changes[0].allowed && signature.changes[0].warned, "%s", signature.changes[0].words);
    const struct part other[] = {before[0], before[1], before[2], {21, "<< /F1 8 0 R >>", NULL}, {0}};
    signature = compare(before, other, "/Root 1 0 R", 0, NULL);
    cr_assert_not(signature.changes[0].allowed);
}

Test(change, what_comes_where_nothing_was_is_found)
{
    const struct part dangling[] = {{13, "<< /Names [39 0 R] >>", NULL}, {0}};
    const struct part filled[] = {dangling[0], {39, "<< /S /JavaScript >>", NULL}, {0}};
    struct tp_pades_signature signature = compare(dangling, filled, "/Root 1 0 R", 0, NULL);
    cr_assert_eq(signature.changes_len, 1);
    cr_assert_not(signature.changes[0].allowed);
    signature = compare(filled, dangling, "/Root 1 0 R", 0, NULL);
    cr_assert_not(signature.changes[0].allowed);
}

Test(change, another_catalog_is_content)
{
    const struct part other[] = {{30, base_parts[0].content, NULL}, {0}};
    struct tp_pades_signature signature = compare(other, other, "/Root 30 0 R", 0, NULL);
    cr_assert_not(signature.changes[0].allowed);
    cr_assert_str_eq(signature.changes[0].words, "the catalog was replaced by another object");
}

Test(change, a_new_signature_field_that_is_seen_is_told_with_its_place)
{
    const struct part seen[] = {
        {3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R 31 0 R] >>", NULL},
        {6, "<< /Fields [7 0 R 10 0 R 14 0 R 31 0 R] /DR << /Font << /F1 9 0 R >> >> >>", NULL},
        {30, "<< /Type /Sig >>", NULL},
        {31, "<< /FT /Sig /Subtype /Widget /T (t) /V 30 0 R /Rect [1 2 3 4] >>", NULL},
        {0}};
    struct tp_pades_signature signature = compare(NULL, seen, "/Root 1 0 R", 2, NULL);
    cr_assert_eq(signature.changes_len, 2);
    cr_assert(signature.changes[0].allowed && signature.changes[0].warned && signature.changes[0].has_rect);
    cr_assert_eq(signature.changes[0].page, 1);
    cr_assert_float_eq(signature.changes[0].rect[3], 4, 0.001);
    signature = compare(NULL, seen, "/Root 1 0 R", 1, NULL);
    cr_assert_not(signature.changes[0].allowed);
    signature = compare(NULL, seen, "/Root 1 0 R", 0, NULL);
    cr_assert(signature.changes[0].allowed && !signature.changes[0].warned && !signature.changes[1].warned);
}

/* What no signer answers for may be a frame to sign in, and draws nothing by itself. */
Test(change, a_new_signature_field_of_nobody_draws_nothing)
{
    static const char page[] = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R 31 0 R] >>";
    static const char form[] = "<< /Fields [7 0 R 10 0 R 14 0 R 31 0 R] /DR << /Font << /F1 9 0 R >> >> >>";
    static const struct {
        const char *entries, *look; /* of 32, a stream */
        bool told, allowed;
    } fields[] = {
        {"/Rect [0 0 0 0]", NULL, false, true},
        {"/Rect [1 2 3 4] /F 2 /AP << /N 32 0 R >>", "/BBox [0 0 9 9]", false, true},
        {"/Rect [0 0 0 0] /AP << /N 32 0 R >>", "/BBox [0 0 0 0]", false, true},
        {"/Rect [0 0 0 0] /MK << /R 90 /BG [] >>", NULL, false, true},
        {"/Rect [1 2 3 4]", NULL, true, true},
        {"/Rect [1 2 3 4] /V 30 0 R", NULL, true, true},
        {"/Rect [1 2 3 4] /AP << /N 32 0 R >>", "/BBox [0 0 9 9]", true, false},
        {"/Rect [1 2 3 4] /V 30 0 R /AP << /N 32 0 R >>", "/BBox [0 0 9 9]", true, false},
        {"/Rect [0 0 0 0] /AP << /N 32 0 R >>", "", true, false},
        {"/Rect [0 0 0 0] /AP << /N 32 0 R >>", "/BBox [0 0 9]", true, false},
        {"/Rect [0 0 0 0] /AP << /N 32 0 R >>", "/BBox [0 0 /a /b]", true, false},
        {"/Rect [0 0 0 0] /AP << /D 32 0 R >>", "/BBox [0 0 9 9]", true, false},
        {"/Rect [0 0 0 0] /MK << /BC [1 0 0] >>", NULL, true, false},
        {"/AP << /N 32 0 R >>", "/BBox [0 0 9 9]", true, false},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        for (unsigned permission = 0; permission <= 3; permission += permission == 0 ? 2 : 1) {
            char field[160];
            (void)snprintf(field, sizeof field, "<< /FT /Sig /Subtype /Widget /T (t) %s >>", fields[i].entries);
            const struct part shown[] = {{3, page, NULL}, {6, form, NULL}, {30, STAMP, NULL}, {31, field, NULL},
                                         {fields[i].look == NULL ? 0 : 32, fields[i].look, "q Q"}, {0}};
            struct tp_pades_signature signature = compare(NULL, shown, "/Root 1 0 R", permission, NULL);
            cr_assert_eq(signature.changes_len, fields[i].told ? 2 : 1, "%s", fields[i].entries);
            cr_assert_eq(signature.changes[0].warned, fields[i].told, "%s", fields[i].entries);
            cr_assert_eq(signature.changes[0].allowed, fields[i].allowed, "%s: %s", fields[i].entries, signature.changes[0].words);
        }
}

/* The signer of one field answers for it alone. */
Test(change, a_signature_is_in_one_field)
{
    static const char page[] = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R 31 0 R] >>";
    const struct part before[] = {{10, "<< /Subtype /Widget /FT /Sig /T (s) /V 30 0 R /Rect [0 0 1 1] >>", NULL}, {30, SIGNATURE, NULL}, {0}};
    const struct part after[] = {
        before[0], before[1], {3, page, NULL}, {31, "<< /FT /Sig /Subtype /Widget /T (t) /V 30 0 R /Rect [1 2 3 4] >>", NULL}, {0}};
    struct tp_pades_signature signature = compare(before, after, "/Root 1 0 R", 0, NULL);
    cr_assert_str_eq(signature.changes[0].words, "form field \"t\" was added: its value is no signature that is judged");
    cr_assert_not(signature.changes[0].allowed);
}

/* A pop-up is spared the warning when it can show nothing but what its comment says. */
Test(change, a_pop_up_is_the_window_of_a_comment)
{
    static const char page[] = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 10 0 R 11 0 R 31 0 R] >>";
    static const struct {
        const char *entries;
        bool warned;
    } windows[] = {
        {"/Parent 11 0 R /Open false", false},    {"/Parent 11 0 R /Open true", true}, {"", true},          {"/Parent 31 0 R", true},
        {"/Parent 11 0 R /AP << /N 8 0 R >>", true}, {"/Parent 7 0 R", true},           {"/Parent 13 0 R", true},
    };
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        char window[120], comment[120];
        (void)snprintf(window, sizeof window, "<< /Subtype /Popup /Rect [0 0 9 9] %s >>", windows[i].entries);
        (void)snprintf(comment, sizeof comment, "<< /Subtype /FreeText /Rect [0 0 9 9] %s >>", windows[i].entries);
        const struct part came[] = {{3, page, NULL}, {31, window, NULL}, {0}};
        struct tp_pades_signature signature = compare(NULL, came, "/Root 1 0 R", 0, NULL);
        cr_assert_eq(signature.changes_len, 1);
        cr_assert(signature.changes[0].allowed);
        cr_assert_eq(signature.changes[0].warned, windows[i].warned, "%s", windows[i].entries);
        const struct part was[] = {{3, page, NULL}, {31, comment, NULL}, {0}};
        signature = compare(was, came, "/Root 1 0 R", 0, NULL);
        cr_assert(signature.changes[0].allowed && signature.changes[0].warned, "%s", windows[i].entries);
    }
}

/* A list of fields that is a part of a tree of names: fields that come would be scripts. */
Test(change, kids_of_names_are_no_fields)
{
    static const char catalog[] = "<< /Type /Catalog /Pages 2 0 R /AcroForm 6 0 R /Metadata 12 0 R /Names << /JavaScript << /Kids 20 0 R >> >> >>";
    static const char form[] = "<< /Fields 20 0 R /DR << /Font << /F1 9 0 R >> >> >>";
    const struct part before[] = {{1, catalog, NULL}, {6, form, NULL}, {20, "[7 0 R 10 0 R 14 0 R]", NULL}, {0}};
    const struct part after[] = {before[0], before[1], {20, "[7 0 R 10 0 R 14 0 R 31 0 R]", NULL}, {31, "<< /FT /Sig /T (t) >>", NULL}, {0}};
    struct tp_pades_signature signature = compare(before, after, "/Root 1 0 R", 0, NULL);
    cr_assert_not(signature.changes[0].allowed);
    cr_assert_str_eq(signature.changes[0].words, "the document's /Names was changed, which stands in another place of the document, too");
    const struct part alone[] = {{6, form, NULL}, {20, "[7 0 R 10 0 R 14 0 R]", NULL}, {0}};
    const struct part more[] = {alone[0], after[2], after[3], {0}};
    signature = compare(alone, more, "/Root 1 0 R", 0, NULL);
    cr_assert(signature.changes[0].allowed, "%s", signature.changes[0].words);
}

Test(change, an_old_object_does_not_become_a_signature_field)
{
    const struct part hidden[] = {{13, "<< /Names [] /X 31 0 R >>", NULL}, {31, "<< /FT /Sig /T (t) >>", NULL}, {0}};
    const struct part shown[] = {hidden[0],
                                 {31, "<< /FT /Sig /T (t) /V 30 0 R >>", NULL},
                                 {30, "<< /Type /Sig >>", NULL},
                                 {6, "<< /Fields [7 0 R 10 0 R 14 0 R 31 0 R] /DR << /Font << /F1 9 0 R >> >> >>", NULL},
                                 {0}};
    struct tp_pades_signature signature = compare(hidden, shown, "/Root 1 0 R", 0, NULL);
    cr_assert_not(signature.changes[0].allowed);
}

Test(change, locked_fields_stay)
{
    char names[2][TP_PADES_LINE_MAX] = {"x", "a"};
    const struct part filled[] = {{7, "<< /Subtype /Widget /FT /Tx /T (a) /V (2) /AP << /N 8 0 R >> /Rect [0 0 1 1] >>", NULL}, {0}};
    const struct {
        enum tp_pades_locking kind;
        size_t len;
        bool allowed;
    } kinds[] = {{TP_PADES_LOCKS_ALL, 0, false},    {TP_PADES_LOCKS_INCLUDE, 2, false}, {TP_PADES_LOCKS_INCLUDE, 1, true},
                 {TP_PADES_LOCKS_EXCLUDE, 2, true}, {TP_PADES_LOCKS_EXCLUDE, 1, false}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct tp_pades_locks locks = {.kind = kinds[i].kind, .names = names, .len = kinds[i].len};
        struct tp_pades_signature signature = compare(NULL, filled, "/Root 1 0 R", 0, &locks);
        cr_assert_eq(signature.changes[0].allowed, kinds[i].allowed, "case %zu", i);
    }
    struct tp_pades_locks parent = {.kind = TP_PADES_LOCKS_INCLUDE, .names = &names[1], .len = 1};
    cr_assert(tp_pades_locks_hold(&parent, "a.b"));
    cr_assert_not(tp_pades_locks_hold(&parent, "ab"));
}

Test(change, there_is_room_for_the_worst)
{
    struct tp_pades_signature signature = {0};
    struct tp_pdf_digests none = {0};
    struct tp_pades_comparison comparison = {.signature = &signature, .old = &none, .new = &none};
    for (unsigned i = 0; i < TP_PADES_CHANGES_MAX + 10; i++)
        tp_pades_tell(&comparison, (struct tp_pades_told){.allowed = true}, "allowed %u", i);
    tp_pades_tell(&comparison, (struct tp_pades_told){.allowed = false}, "not allowed");
    tp_pades_tell(&comparison, (struct tp_pades_told){.allowed = false}, "not allowed");
    cr_assert_eq(signature.changes_len, TP_PADES_CHANGES_MAX);
    cr_assert_eq(signature.changes_more, 11);
    cr_assert_str_eq(signature.changes[0].words, "not allowed");
    cr_assert_str_eq(signature.changes[1].words, "allowed 0");
}
