/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/restriction.h"
#include "../pdf/forge.h"

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

TestSuite(restriction, .init = setup, .fini = teardown, .timeout = 60);

struct trial {
    int fd;
    struct tp_pdf_document *document;
    enum tp_rc rc;
    struct tp_pades_restriction restriction;
};

/* A document whose catalog has CATALOG's entries; the signature dictionary is object 4, its field object 5. */
static struct trial read_it(const char *catalog, const char *signature, const char *field)
{
    struct trial trial = {.rc = TP_OK};
    const struct tp_pdf_value *signature_value, *field_value;
    char entries[128];
    (void)snprintf(entries, sizeof entries, "%s/Signature 4 0 R/Field 5 0 R", catalog);
    trial.fd = forge_page(entries, (const char *const[]){signature, field, NULL});
    cr_assert_eq(tp_pdf_document_open(pool, trial.fd, 0, NULL, &error, &trial.document), TP_OK, "%s", error.words);
    cr_assert_eq(tp_pdf_document_object(trial.document, (struct tp_pdf_ref){.id = 4}, &error, &signature_value), TP_OK);
    cr_assert_eq(tp_pdf_document_object(trial.document, (struct tp_pdf_ref){.id = 5}, &error, &field_value), TP_OK);
    trial.rc = tp_pades_restriction_read(trial.document, signature_value, field_value, &error, &trial.restriction);
    return trial;
}

static void end(struct trial *trial)
{
    tp_pades_restriction_clear(&trial->restriction);
    tp_pdf_document_close(trial->document);
    (void)close(trial->fd);
}

#define DOCMDP(params)   "<</TransformMethod/DocMDP/TransformParams<<" params ">>>>"
#define FIELDMDP(params) "<</TransformMethod/FieldMDP/TransformParams<<" params ">>>>"
#define SIGNED(references) "<</Type/Sig/Reference[" references "]>>"

Test(restriction, what_is_in_doubt_is_forbidden)
{
    static const struct {
        const char *signature, *field;
        unsigned permission;
        enum tp_pades_locking kind;
        bool holds; /* the field a.b */
    } rows[] = {
        {SIGNED(""), "<<>>", 0, TP_PADES_LOCKS_NONE, false},
        {SIGNED(DOCMDP("/P 1")), "<<>>", 1, TP_PADES_LOCKS_NONE, false},
        {SIGNED(DOCMDP("/P 3")), "<<>>", 3, TP_PADES_LOCKS_NONE, false},
        {SIGNED(DOCMDP("")), "<<>>", 2, TP_PADES_LOCKS_NONE, false},
        {SIGNED(DOCMDP("/P 9")), "<<>>", 2, TP_PADES_LOCKS_NONE, false},
        {SIGNED(DOCMDP("/P 3") DOCMDP("/P 1") DOCMDP("/P 2")), "<<>>", 1, TP_PADES_LOCKS_NONE, false},
        {SIGNED(FIELDMDP("/Action/All")), "<<>>", 0, TP_PADES_LOCKS_ALL, true},
        {SIGNED(FIELDMDP("/Action/Some")), "<<>>", 0, TP_PADES_LOCKS_ALL, true},
        {SIGNED(FIELDMDP("")), "<<>>", 0, TP_PADES_LOCKS_ALL, true},
        {SIGNED(FIELDMDP("/Action/Include/Fields[(a)]")), "<<>>", 0, TP_PADES_LOCKS_INCLUDE, true},
        {SIGNED(FIELDMDP("/Action/Include/Fields[(a.b)]")), "<<>>", 0, TP_PADES_LOCKS_INCLUDE, true},
        {SIGNED(FIELDMDP("/Action/Include/Fields[(a.)(b)(a.bc)]")), "<<>>", 0, TP_PADES_LOCKS_INCLUDE, false},
        {SIGNED(FIELDMDP("/Action/Exclude/Fields[(a)]")), "<<>>", 0, TP_PADES_LOCKS_EXCLUDE, false},
        {SIGNED(FIELDMDP("/Action/Exclude/Fields[(c)]")), "<<>>", 0, TP_PADES_LOCKS_EXCLUDE, true},
        {SIGNED(FIELDMDP("/Action/Include/Fields[(c)7]")), "<<>>", 0, TP_PADES_LOCKS_ALL, true},
        {SIGNED(FIELDMDP("/Action/Include/Fields[(c\\n)]")), "<<>>", 0, TP_PADES_LOCKS_ALL, true},
        {SIGNED(FIELDMDP("/Action/Include/Fields[(c)]") FIELDMDP("/Action/Include/Fields[(d)]")), "<<>>", 0,
         TP_PADES_LOCKS_ALL, true},
        {SIGNED(""), "<</Lock<</Action/Include/Fields[(a.b)]>>>>", 0, TP_PADES_LOCKS_INCLUDE, true},
        {SIGNED(""), "<</Lock<</Action/Include/Fields[(c)]/P 1>>>>", 1, TP_PADES_LOCKS_INCLUDE, false},
        {SIGNED(DOCMDP("/P 3")), "<</Lock<</Action/Include/Fields[(c)]/P 2>>>>", 2, TP_PADES_LOCKS_INCLUDE, false},
        {SIGNED(FIELDMDP("/Action/Include/Fields[(c)]")), "<</Lock<</Action/All>>>>", 0, TP_PADES_LOCKS_INCLUDE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial trial = read_it("", rows[i].signature, rows[i].field);
        cr_assert_eq(trial.rc, TP_OK, "row %zu", i);
        cr_expect_eq(trial.restriction.permission, rows[i].permission, "row %zu: %u", i, trial.restriction.permission);
        cr_expect_eq(trial.restriction.locks.kind, rows[i].kind, "row %zu: %u", i, trial.restriction.locks.kind);
        cr_expect_eq(tp_pades_locks_hold(&trial.restriction.locks, "a.b"), rows[i].holds, "row %zu", i);
        end(&trial);
    }
}

Test(restriction, more_references_than_are_read_forbid_everything)
{
    struct tp_buf many TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    for (int i = 0; i < 17; i++)
        cr_assert_eq(tp_buf_append_string(&many, "<</TransformMethod/Identity>>"), TP_OK);
    char signature[1024];
    (void)snprintf(signature, sizeof signature, SIGNED("%s"), tp_buf_string(&many));
    struct trial trial = read_it("", signature, "<<>>");
    cr_assert_eq(trial.rc, TP_OK);
    cr_expect_eq(trial.restriction.permission, 1);
    cr_expect_eq(trial.restriction.locks.kind, TP_PADES_LOCKS_ALL);
    end(&trial);
}

Test(restriction, more_names_than_are_read_are_an_error_and_leave_nothing)
{
    struct tp_buf many TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append_string(&many, "<</Type/Sig/Reference[<</TransformMethod/FieldMDP/TransformParams<</Action/Include/Fields["), TP_OK);
    for (int i = 0; i <= TP_PADES_LOCKS_MAX; i++)
        cr_assert_eq(tp_buf_append_string(&many, "(a)"), TP_OK);
    cr_assert_eq(tp_buf_append_string(&many, "]>>>>]>>"), TP_OK);
    struct trial trial = read_it("", tp_buf_string(&many), "<<>>");
    cr_assert_eq(trial.rc, TP_TOO_LARGE);
    cr_expect_null(trial.restriction.locks.names);
    end(&trial);
}

Test(restriction, the_catalog_names_the_certification)
{
    static const struct {
        const char *catalog, *signature;
        unsigned permission;
        uint32_t id;
    } rows[] = {
        {"", SIGNED(DOCMDP("/P 1")), 0, 0},
        {"/Perms<</DocMDP 4 0 R>>", SIGNED(DOCMDP("/P 1")), 1, 4},
        {"/Perms<</DocMDP 4 0 R>>", SIGNED(""), 2, 4},
        {"/Perms<</UR3 4 0 R>>", SIGNED(DOCMDP("/P 1")), 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial trial = read_it(rows[i].catalog, rows[i].signature, "<<>>");
        unsigned permission = 9;
        struct tp_pdf_ref certifying;
        cr_assert_eq(tp_pades_certified(trial.document, &error, &permission, &certifying), TP_OK);
        cr_expect_eq(permission, rows[i].permission, "row %zu", i);
        cr_expect_eq(certifying.id, rows[i].id, "row %zu", i);
        end(&trial);
    }
}
