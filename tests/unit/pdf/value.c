/* SPDX-License-Identifier: Apache-2.0 */
#include "pdf/internal.h"
#include "pdf/text.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static struct tp_pdf_arena *arena;

static void setup(void)
{
    cr_assert_eq(tp_pdf_arena_new(&arena), TP_OK);
}

static void teardown(void)
{
    cr_assert_eq(tp_pdf_arena_check(arena), TP_OK);
    tp_pdf_arena_free(arena);
}

TestSuite(value, .init = setup, .fini = teardown);

static const struct tp_pdf_value *string(const char *text)
{
    return tp_pdf_new_string(arena, tp_bytes_of_string(text));
}

static void assert_written(const struct tp_pdf_value *value, const char *expected)
{
    struct tp_buf text = TP_BUF_INIT;
    cr_assert_eq(tp_pdf_write(value, NULL, &text), TP_OK);
    cr_assert_str_eq(tp_buf_string(&text), expected);
    tp_buf_clear(&text);
}

static const struct tp_pdf_value *nested(int depth)
{
    const struct tp_pdf_value *value = tp_pdf_new_array(arena);
    for (int i = 0; i < depth; i++)
        value = tp_pdf_with_item(arena, tp_pdf_new_array(arena), value);
    return value;
}

static const struct tp_pdf_value *one_of_each(void)
{
    const struct tp_pdf_value *array = tp_pdf_new_array(arena), *dictionary = tp_pdf_new_dictionary(arena);
    array = tp_pdf_with_item(arena, array, tp_pdf_new_null(arena));
    array = tp_pdf_with_item(arena, array, tp_pdf_new_boolean(arena, true));
    array = tp_pdf_with_item(arena, array, tp_pdf_new_integer(arena, INT64_MIN));
    array = tp_pdf_with_item(arena, array, tp_pdf_new_real(arena, -0.5));
    array = tp_pdf_with_item(arena, array, string("(a\\"));
    array = tp_pdf_with_item(arena, array, tp_pdf_new_string(arena, TP_BYTES("\0\xFF", 2)));
    array = tp_pdf_with_item(arena, array, tp_pdf_new_name(arena, "A b#/\xC3"));
    array = tp_pdf_with_item(arena, array, tp_pdf_new_ref(arena, (struct tp_pdf_ref){12, 65535}));
    dictionary = tp_pdf_with(arena, dictionary, "B", array);
    return tp_pdf_with(arena, dictionary, "A", tp_pdf_new_dictionary(arena));
}

Test(value, is_looked_at)
{
    const struct tp_pdf_value *value = one_of_each(), *array = tp_pdf_get(value, "B");
    struct tp_bytes key;
    cr_assert_eq(tp_pdf_kind(value), TP_PDF_DICTIONARY);
    cr_assert_eq(tp_pdf_len(value), 2);
    cr_assert_eq(tp_pdf_len(array), 8);
    cr_assert(tp_pdf_boolean(tp_pdf_at(array, 1), false));
    cr_assert_eq(tp_pdf_integer(tp_pdf_at(array, 2), 0), INT64_MIN);
    cr_assert_float_eq(tp_pdf_number(tp_pdf_at(array, 3), 0), -0.5, 1e-9);
    cr_assert(tp_bytes_equal(tp_pdf_bytes(tp_pdf_at(array, 4)), tp_bytes_of_string("(a\\")));
    cr_assert_eq(tp_pdf_ref(tp_pdf_at(array, 7)).id, 12);
    cr_assert_eq(tp_pdf_kind(tp_pdf_entry(value, 0, &key)), TP_PDF_DICTIONARY);
    cr_assert(tp_bytes_equal(key, tp_bytes_of_string("A")));
}

Test(value, what_is_not_there_is_null)
{
    const struct tp_pdf_value *value = one_of_each();
    struct tp_bytes key;
    cr_assert_null(tp_pdf_get(value, "C"));
    cr_assert_null(tp_pdf_get(NULL, "C"));
    cr_assert_null(tp_pdf_at(tp_pdf_get(value, "B"), 8));
    cr_assert_null(tp_pdf_at(value, 0));
    cr_assert_null(tp_pdf_entry(value, 2, &key));
    cr_assert_eq(tp_pdf_kind(NULL), TP_PDF_NULL);
    cr_assert_eq(tp_pdf_integer(string("7"), -1), -1);
    cr_assert_eq(tp_pdf_ref(string("7")).id, 0);
    cr_assert(tp_pdf_equal(NULL, tp_pdf_new_null(arena)));
}

Test(value, numbers_are_read_as_they_are_written)
{
    static const struct {
        const char *text;
        double number;
        int64_t integer;
    } rows[] = {{"1.0", 1, 1}, {"-.002", -.002, -9}, {"+17.", 17, 17}, {".5", .5, -9}, {"1.", 1, 1}, {"-0", 0, 0},
                {"99999999999999999999", 1e20, -9}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct tp_pdf_value *value = tp_pdf_new_bytes(arena, TP_PDF_REAL, tp_bytes_of_string(rows[i].text));
        cr_assert_float_eq(tp_pdf_number(value, -1), rows[i].number, 1e-6 + 1e-9 * rows[i].number, "%s", rows[i].text);
        cr_assert_eq(tp_pdf_integer(value, -9), rows[i].integer, "%s", rows[i].text);
    }
}

Test(value, is_written_in_one_way)
{
    assert_written(one_of_each(), "<</A <<>>\n/B [null true -9223372036854775808 -0.5 (\\(a\\\\) <00FF> /A#20b#23#2F#C3 "
                                  "12 65535 R]>>");
}

Test(value, reals_have_no_exponent_and_no_comma)
{
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    assert_written(tp_pdf_new_real(arena, 1e-9), "0");
    assert_written(tp_pdf_new_real(arena, -1234.56789), "-1234.56789");
    assert_written(tp_pdf_new_real(arena, 0.99999999), "1");
    assert_written(tp_pdf_new_real(arena, 595.2756), "595.2756");
    assert_written(tp_pdf_new_real(arena, 1e300), "1000000000000000");
    assert_written(tp_pdf_new_real(arena, strtod("nan", NULL)), "0");
}

Test(value, a_changed_dictionary_is_a_new_one)
{
    const struct tp_pdf_value *before = one_of_each();
    const struct tp_pdf_value *after = tp_pdf_with(arena, before, "A", tp_pdf_new_integer(arena, 1));
    cr_assert_eq(tp_pdf_kind(tp_pdf_get(before, "A")), TP_PDF_DICTIONARY);
    cr_assert_eq(tp_pdf_integer(tp_pdf_get(after, "A"), 0), 1);
    cr_assert_eq(tp_pdf_get(after, "B"), tp_pdf_get(before, "B"));
    cr_assert(!tp_pdf_equal(before, after));
    cr_assert_eq(tp_pdf_len(tp_pdf_with(arena, after, "A", NULL)), 1);
    cr_assert_eq(tp_pdf_len(tp_pdf_with(arena, after, "Z", NULL)), 2);
    cr_assert(tp_pdf_equal(before, one_of_each()));
}

Test(value, one_and_one_point_nought_differ)
{
    cr_assert(!tp_pdf_equal(tp_pdf_new_integer(arena, 1), tp_pdf_new_bytes(arena, TP_PDF_REAL, TP_BYTES("1.0", 3))));
    cr_assert(!tp_pdf_equal(string("A"), tp_pdf_new_name(arena, "A")));
}

Test(value, too_deep_is_refused)
{
    struct tp_buf text = TP_BUF_INIT;
    cr_assert_eq(tp_pdf_write(nested(TP_PDF_DEPTH_MAX), NULL, &text), TP_OK);
    cr_assert_eq(tp_pdf_write(nested(TP_PDF_DEPTH_MAX + 1), NULL, &text), TP_TOO_LARGE);
    cr_assert_eq(tp_pdf_wire_encode(nested(TP_PDF_DEPTH_MAX + 1), &text), TP_TOO_LARGE);
    tp_buf_clear(&text);
}

/* ---- between the processes ---- */

Test(value, comes_back_from_its_encoding)
{
    struct tp_buf wire = TP_BUF_INIT;
    const struct tp_pdf_value *back = NULL;
    cr_assert_eq(tp_pdf_wire_encode(one_of_each(), &wire), TP_OK);
    cr_assert_eq(tp_pdf_wire_decode(arena, tp_buf_bytes(&wire), &back), TP_OK);
    cr_assert(tp_pdf_equal(back, one_of_each()));
    for (size_t len = 0; len < wire.len; len++)
        cr_assert_eq(tp_pdf_wire_decode(arena, TP_BYTES(wire.data, len), &back), TP_MALFORMED, "%zu", len);
    cr_assert_eq(tp_buf_append_u8(&wire, 0), TP_OK);
    cr_assert_eq(tp_pdf_wire_decode(arena, tp_buf_bytes(&wire), &back), TP_MALFORMED);
    tp_buf_clear(&wire);
}

Test(value, encodings_that_nobody_makes_are_refused)
{
    static const struct {
        enum tp_rc rc;
        size_t len;
        const char *wire;
    } rows[] = {
        {TP_MALFORMED, 2, "\x01\x02"},                                            /* neither true nor false */
        {TP_MALFORMED, 1, "\x0A"},                                                /* no such kind */
        {TP_MALFORMED, 10, "\x06\x00\x00\x00\x01\x08\x00\x00\x00\x00"},           /* a stream in an array */
        {TP_MALFORMED, 5, "\x06\xFF\xFF\xFF\xFF"},                                /* a count without members */
        {TP_MALFORMED, 9, "\x04\xFF\xFF\xFF\xFF" "abcd"},                         /* a length without bytes */
        {TP_MALFORMED, 8, "\x03\x00\x00\x00\x03" "1/A"},                          /* a real that is none */
        {TP_MALFORMED, 5, "\x03\x00\x00\x00\x00"},
        {TP_MALFORMED, 17, "\x07\x00\x00\x00\x02\x00\x00\x00\x01" "b\x00\x00\x00\x00\x01" "a\x00"}, /* keys out of order */
        {TP_MALFORMED, 17, "\x07\x00\x00\x00\x02\x00\x00\x00\x01" "a\x00\x00\x00\x00\x01" "a\x00"}, /* or twice */
    };
    const struct tp_pdf_value *value = NULL;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(tp_pdf_wire_decode(arena, TP_BYTES(rows[i].wire, rows[i].len), &value), rows[i].rc, "%zu", i);
}

/* ---- text strings and dates ---- */

static void assert_text(struct tp_bytes bytes, const char *expected)
{
    struct tp_buf text = TP_BUF_INIT;
    cr_assert_eq(tp_pdf_text(bytes, &text), TP_OK);
    cr_assert_str_eq(tp_buf_string(&text), expected);
    tp_buf_clear(&text);
}

Test(value, text_strings_are_read_in_all_their_encodings)
{
    assert_text(TP_BYTES("plain", 5), "plain");
    assert_text(TP_BYTES("\x80\x92\xA0\xE4\x18\x7F", 6), "•™€ä˘\xEF\xBF\xBD");
    assert_text(TP_BYTES("\xFE\xFF\x5C\x71\xD8\x40\xDC\x0B", 8), "山𠀋");
    assert_text(TP_BYTES("\xFF\xFE\x71\x5C", 4), "山");
    assert_text(TP_BYTES("\xFE\xFF\x00\x1B" "ja" "\x00\x1B\x00" "A", 10), "A"); /* with a language */
    assert_text(TP_BYTES("\xFE\xFF\xD8\x40\x00", 5), "\xEF\xBF\xBD");             /* half a pair, half a unit */
    assert_text(TP_BYTES("\xEF\xBB\xBF\xC3\xA4\xFF", 6), "ä\xEF\xBF\xBD");
    assert_text(TP_BYTES_NONE, "");
}

Test(value, text_strings_are_made_of_text)
{
    static const char *const texts[] = {"", "plain (x)", "Zürich", "山田𠀋"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_text(tp_pdf_bytes(tp_pdf_new_text(arena, texts[i])), texts[i]);
    cr_assert_eq(tp_pdf_bytes(tp_pdf_new_text(arena, "plain")).len, 5);
    cr_assert(tp_bytes_equal(tp_pdf_bytes(tp_pdf_new_text(arena, "ä")), TP_BYTES("\xFE\xFF\x00\xE4", 4)));
}

Test(value, passwords_are_put_into_pdfdocencoding_where_that_can_be)
{
    struct tp_buf string_ = TP_BUF_INIT;
    cr_assert_eq(tp_pdf_text_to_doc(tp_bytes_of_string("a€ä"), &string_), TP_OK);
    cr_assert(tp_bytes_equal(tp_buf_bytes(&string_), TP_BYTES("a\xA0\xE4", 3)));
    cr_assert_eq(tp_pdf_text_to_doc(tp_bytes_of_string("山"), &string_), TP_MALFORMED);
    cr_assert_eq(tp_pdf_text_to_doc(tp_bytes_of_string("\xFF"), &string_), TP_MALFORMED);
    tp_buf_clear(&string_);
}

Test(value, dates_are_read)
{
    static const struct {
        const char *text;
        int64_t utc_ms;
    } rows[] = {
        {"D:20261128145000Z", 1795877400000}, {"D:20261128235000+09'00'", 1795877400000},
        {"D:20261128235000+09'00", 1795877400000}, {"D:20261128135000-0100", 1795877400000},
        {"D:20261128145000", 1795877400000}, {"20261128145000Z00'00'", 1795877400000},
        {"D:2026", 1767225600000}, {"D:20240229", 1709164800000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t utc_ms = 0;
        cr_assert_eq(tp_pdf_date(tp_bytes_of_string(rows[i].text), &utc_ms), TP_OK, "%s", rows[i].text);
        cr_assert_eq(utc_ms, rows[i].utc_ms, "%s: %lld", rows[i].text, (long long)utc_ms);
    }
    cr_assert(tp_bytes_equal(tp_pdf_bytes(tp_pdf_new_date(arena, 1795877400999)), tp_bytes_of_string("D:20261128145000Z")));
}

Test(value, what_is_no_date_is_refused)
{
    static const char *const texts[] = {"", "D:", "D:202", "D:20261301", "D:20260231", "D:20261128146000", "D:2026112814500",
                                        "D:20261128145000Zulu", "D:20261128145000+25'00", "D:20261128145000x", "today",
                                        "D:20261128145000Z01'00"};
    int64_t utc_ms = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        cr_assert_eq(tp_pdf_date(tp_bytes_of_string(texts[i]), &utc_ms), TP_MALFORMED, "%s", texts[i]);
}
