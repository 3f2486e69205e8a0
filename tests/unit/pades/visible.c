/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/visible/look.h"

#include <criterion/criterion.h>
#include <string.h>

Test(level, names_of_either_kind)
{
    const struct {
        const char *text;
        enum tp_pades_level level;
    } rows[] = {{"B-B", TP_PADES_B_B},          {"ES", TP_PADES_B_B},     {"b-t", TP_PADES_B_T},
                {"PAdES-B-LT", TP_PADES_B_LT},  {"ES-A", TP_PADES_B_LTA}, {"pades-b-lta", TP_PADES_B_LTA},
                {"ES-T", TP_PADES_B_T},         {"B", TP_PADES_LEVEL_END}, {"", TP_PADES_LEVEL_END},
                {"B-LTAA", TP_PADES_LEVEL_END}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(tp_pades_level_parse(rows[i].text), rows[i].level, "%s", rows[i].text);
    cr_assert_str_eq(tp_pades_level_name(TP_PADES_B_LTA), "B-LTA");
}

Test(rect, in_points_and_millimetres)
{
    struct tp_pades_rect rect;
    cr_assert_eq(tp_pades_rect_parse("10,20.5,200,60pt", NULL, &rect), TP_OK);
    cr_assert(rect.x == 10 && rect.y == 20.5 && rect.width == 200 && rect.height == 60);
    cr_assert_eq(tp_pades_rect_parse("25.4mm,0,25.4mm,1mm", NULL, &rect), TP_OK);
    cr_assert_float_eq(rect.x, 72, 1e-9);
    cr_assert_float_eq(rect.height, 72 / 25.4, 1e-9);
    cr_assert_eq(tp_pades_size_parse("70mmx20mm", NULL, &rect), TP_OK);
    cr_assert_float_eq(rect.width, 70 * 72 / 25.4, 1e-9);
}

Test(rect, what_is_none_is_refused)
{
    const char *rects[] = {"", "1,2,3", "1,2,3,4,5", "1,2,3,4 ", "a,b,c,d", "1,2,0,4", "1,2,-3,4", "1,2,nan,4", "1,2,inf,4",
                           "1e9,2,3,4", "1cm,2,3,4", "1,,3,4"};
    struct tp_pades_rect rect = {.x = 7};
    for (size_t i = 0; i < sizeof rects / sizeof rects[0]; i++)
        cr_assert_eq(tp_pades_rect_parse(rects[i], NULL, &rect), TP_USAGE, "%s", rects[i]);
    cr_assert_eq(tp_pades_size_parse("70", NULL, &rect), TP_USAGE);
    cr_assert_eq(tp_pades_size_parse("0x5", NULL, &rect), TP_USAGE);
    cr_assert(rect.x == 7, "a refused text has changed the result");
}

Test(pages, lists)
{
    struct tp_pades_visible visible = {.pages_len = 0};
    cr_assert_eq(tp_pades_pages_parse("1,3,last", NULL, &visible), TP_OK);
    const struct tp_pades_pages *pages = visible.pages;
    cr_assert(visible.pages_len == 3 && pages[0].first == 1 && pages[0].last == 1 && pages[1].first == 3 &&
              pages[2].first == TP_PADES_PAGE_LAST && pages[2].last == TP_PADES_PAGE_LAST);
    cr_assert_eq(tp_pades_pages_parse("2-4,7-last,all", NULL, &visible), TP_OK);
    cr_assert(visible.pages_len == 3 && pages[0].first == 2 && pages[0].last == 4 && pages[1].first == 7 &&
              pages[1].last == TP_PADES_PAGE_LAST && pages[2].first == 1 && pages[2].last == TP_PADES_PAGE_LAST);
    const char *wrong[] = {"", "0", "-1", "1,", ",1", "3-1", "1-", "1-2-3", "last-1", "alle", "0-2", "lastly", "1 ", "99999999999", "4294967295"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_eq(tp_pades_pages_parse(wrong[i], NULL, &visible), TP_USAGE, "%s", wrong[i]);
    char many[TP_PADES_PAGES_MAX * 2 + 3] = "1";
    for (size_t i = 0; i < TP_PADES_PAGES_MAX; i++)
        strcat(many, ",1");
    cr_assert_eq(tp_pades_pages_parse(many, NULL, &visible), TP_USAGE);
}

static void assert_text(const char *template, const char *language, const char *wanted)
{
    struct tp_pades_visible visible = {.text = template, .language = language};
    struct tp_pades_order order = {.visible = &visible, .name = "A", .reason = "R", .time_ms = 1795878192123};
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error error = {.rc = TP_OK};
    cr_assert_eq(tp_pades_visible_text(&order, NULL, &error, &text), TP_OK, "%s", error.words);
    cr_assert_str_eq(tp_buf_string(&text), wanted);
}

Test(text, placeholders_and_lines_without_anything_to_say)
{
    assert_text("{name}: {reason}\nat {location}\n{date}\nend", NULL, "A: R\n2026-11-28 15:03:12 UTC\nend");
    assert_text("on {date} in {location}", NULL, "on 2026-11-28 15:03:12 UTC in ");
    assert_text(NULL, "ja", "電子署名：A\n日時：2026-11-28 15:03:12 UTC\n理由：R");
    assert_text("", NULL, "");
    assert_text("a { b", NULL, "a { b");
    assert_text("{contact}\n{name}", NULL, "A");
}

/* Somebody who asks for a visible signature wants to see something. */
Test(text, that_would_show_nothing_is_refused)
{
    struct tp_pades_visible visible = {.text = "{contact}\nat {location}"};
    struct tp_pades_order order = {.visible = &visible, .name = "A"};
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error error = {.rc = TP_OK};
    cr_assert_eq(tp_pades_visible_text(&order, NULL, &error, &text), TP_BAD_ARGUMENT);
    visible.image = TP_BYTES("x", 1);
    cr_assert_eq(tp_pades_visible_text(&order, NULL, &error, &text), TP_OK, "an image is seen");
}

Test(text, what_is_not_known_is_refused)
{
    struct tp_pades_visible visible = {.text = "{password}"};
    struct tp_pades_order order = {.visible = &visible, .name = "A"};
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error error = {.rc = TP_OK};
    cr_assert_eq(tp_pades_visible_text(&order, NULL, &error, &text), TP_BAD_ARGUMENT);
    cr_assert(strstr(error.words, "{password}") != NULL);
    cr_assert_eq(tp_pades_language_check("tlh", &error), TP_UNSUPPORTED);
    cr_assert_eq(tp_pades_language_check("zh", &error), TP_OK);
}
