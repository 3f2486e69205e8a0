/* SPDX-License-Identifier: Apache-2.0 */
#include "pdf/syntax.h"
#include "pdf/internal.h"

#include <criterion/criterion.h>
#include <string.h>

static struct tp_pdf_arena *arena;

static void setup(void)
{
    cr_assert_eq(tp_pdf_arena_new(&arena), TP_OK);
}

static void teardown(void)
{
    tp_pdf_arena_free(arena);
}

TestSuite(syntax, .init = setup, .fini = teardown);

static enum tp_rc read_text(struct tp_bytes text, const struct tp_pdf_value **ret_value)
{
    struct tp_pdf_syntax syntax = {.text = text};
    return tp_pdf_syntax_value(&syntax, arena, ret_value);
}

/* As our writer writes what was read. */
static const struct {
    const char *text, *written;
} values[] = {
    {"null", "null"},
    {" %a comment\r\n true", "true"},
    {"+17", "17"},
    {"-0.50", "-0.50"},
    {"(a\\(b\\)(c)\\053\\101\\\nd\\q)", "(a\\(b\\)\\(c\\)+Adq)"},
    {"(a\r\nb\rc)", "<610A620A63>"},
    {"<48 65 6c6C 6>", "(Hell`)"},
    {"/A#20B#2", "/A#20B#232"},
    {"/", "/"},
    {"[1 2 R 3 0 R[]]", "[1 2 R 3 0 R []]"},
    {"<</B 1/A<</C null/D()>>>>", "<< /A << /D () >> /B 1 >>"},
    {"<</A 1/A 1>>", "<< /A 1 >>"},
};

Test(syntax, values_are_read_as_they_are_written)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct tp_buf text = TP_BUF_INIT, again = TP_BUF_INIT;
        const struct tp_pdf_value *value = NULL, *expected = NULL;
        cr_assert_eq(read_text(tp_bytes_of_string(values[i].text), &value), TP_OK, "%s", values[i].text);
        cr_assert_eq(read_text(tp_bytes_of_string(values[i].written), &expected), TP_OK, "%s", values[i].written);
        cr_assert(tp_pdf_equal(value, expected), "%s", values[i].text);
        cr_assert_eq(tp_pdf_write(value, NULL, &text), TP_OK);
        cr_assert_eq(tp_pdf_write(expected, NULL, &again), TP_OK);
        cr_assert_str_eq(tp_buf_string(&text), tp_buf_string(&again));
        tp_buf_clear(&text), tp_buf_clear(&again);
    }
}

Test(syntax, what_readers_read_in_different_ways_is_refused)
{
    static const char *const texts[] = {"",       "<< /A 1 /A 2 >>", "<< /A >>", "<< 1 2 >>", "<< /A 1", "[1",  "(a",     "(a\\",
                                        "<4",     "<4x>",            "--1",      "1.2.3",     "1e5",     "nul",    "True",
                                        "/A#00B", ">>",              "]",        "}",         ".",       "-",   "<< /A 1 >"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct tp_pdf_value *value = NULL;
        const enum tp_rc rc = read_text(tp_bytes_of_string(texts[i]), &value);
        cr_assert_eq(rc, TP_MALFORMED, "%s: %d", texts[i], rc);
    }
}

Test(syntax, numbers_that_do_not_fit_are_refused)
{
    const struct tp_pdf_value *value = NULL;
    struct tp_pdf_ref ref = {0, 0};
    cr_assert_eq(read_text(tp_bytes_of_string("99999999999999999999"), &value), TP_MALFORMED);
    cr_assert_eq(read_text(tp_bytes_of_string("[4 65536 R]"), &value), TP_MALFORMED);
    struct tp_pdf_syntax syntax = {.text = tp_bytes_of_string("8388608 0 obj")};
    cr_assert_not(tp_pdf_syntax_object(&syntax, &ref));
    cr_assert_eq(syntax.at, 0);
    syntax = (struct tp_pdf_syntax){.text = tp_bytes_of_string("\n8388607 65535 obj<<")};
    cr_assert(tp_pdf_syntax_object(&syntax, &ref));
    cr_assert(ref.id == 8388607 && ref.generation == 65535);
}

Test(syntax, depth_is_bounded)
{
    char text[2 * TP_PDF_DEPTH_MAX + 8];
    const struct tp_pdf_value *value = NULL;
    memset(text, '[', TP_PDF_DEPTH_MAX + 1), memset(text + TP_PDF_DEPTH_MAX + 1, ']', TP_PDF_DEPTH_MAX + 1);
    cr_assert_eq(read_text(TP_BYTES(text, 2 * TP_PDF_DEPTH_MAX + 2), &value), TP_OK);
    memset(text, '[', TP_PDF_DEPTH_MAX + 2);
    cr_assert_eq(read_text(TP_BYTES(text, TP_PDF_DEPTH_MAX + 2), &value), TP_TOO_LARGE);
}

static bool even_is_absent(void *context, struct tp_pdf_ref ref)
{
    ++*(int *)context;
    return ref.id % 2 == 0;
}

Test(syntax, what_a_key_refers_to_may_be_absent)
{
    int asked = 0;
    const struct tp_pdf_value *value = NULL;
    struct tp_pdf_syntax syntax = {.text = tp_bytes_of_string("<< /A 2 0 R /B 3 0 R /C [2 0 R] >>"), .absence = {even_is_absent, &asked}};
    cr_assert_eq(tp_pdf_syntax_value(&syntax, arena, &value), TP_OK);
    cr_assert_eq(asked, 2);
    cr_assert(tp_pdf_get(value, "A") == NULL && tp_pdf_get(value, "B") != NULL);
    cr_assert_eq(tp_pdf_len(tp_pdf_get(value, "C")), 1);
}
