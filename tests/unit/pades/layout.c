/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/visible/look.h"

#include <criterion/criterion.h>
#include <string.h>

#define GOTHIC "/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf"

static struct tp_pades_layout layout;
static struct tp_error error;

static void lay(const char *text, double width, double height)
{
    struct tp_pades_font *font TP_AUTO(tp_pades_font_free_p) = NULL;
    cr_assert_eq(tp_pades_font_open(GOTHIC, text, &error, &font), TP_OK, "%s", error.words);
    cr_assert_eq(tp_pades_layout_make(font, text, width, height, &error, &layout), TP_OK, "%s", error.words);
}

static void assert_within(double width, double height)
{
    cr_assert(layout.size >= 2 && layout.size <= 16);
    cr_assert_leq((double)layout.lines_len * layout.leading, height);
    for (size_t i = 0; i < layout.lines_len; i++)
        cr_assert_leq(layout.lines[i].width * layout.size, width + 1e-6);
}

/* The text of line I. */
static void line_text(const char *text, size_t i, char *ret_text)
{
    for (size_t g = layout.lines[i].first; g < layout.lines[i].first + layout.lines[i].len; g++) {
        memcpy(ret_text, text + layout.glyphs[g].at, layout.glyphs[g].len);
        ret_text += layout.glyphs[g].len;
    }
    *ret_text = '\0';
}

Test(layout, fits_the_box)
{
    const char *text = "Digitally signed by A\nReason: a reason that is so long that it has to be broken several times";
    const double boxes[][2] = {{200, 60}, {60, 200}, {500, 20}, {100, 50}};
    for (size_t i = 0; i < 4; i++) {
        lay(text, boxes[i][0], boxes[i][1]);
        assert_within(boxes[i][0], boxes[i][1]);
    }
    lay("A", 500, 500);
    cr_assert(layout.size == 16 && layout.lines_len == 1);
}

Test(layout, words_stay_whole_and_lines_begin_with_none_that_may_not)
{
    char line[256];
    const char *latin = "one two three four five six seven eight nine ten";
    lay(latin, 60, 60);
    for (size_t i = 0; i < layout.lines_len; i++) {
        line_text(latin, i, line);
        cr_assert(line[0] != ' ' && line[strlen(line) - 1] != ' ', "'%s'", line);
        const char *at = strstr(latin, line);
        cr_assert(at != NULL && (at == latin || at[-1] == ' ') && (at[strlen(line)] == ' ' || at[strlen(line)] == '\0'), "'%s'", line);
    }
    const char *japanese = "これは、とても長い文章です。折り返されますが、句読点は行頭に来ません。";
    for (double width = 40; width < 160; width += 7) {
        lay(japanese, width, 120);
        for (size_t i = 0; i < layout.lines_len; i++) {
            line_text(japanese, i, line);
            cr_assert(strncmp(line, "、", 3) != 0 && strncmp(line, "。", 3) != 0, "'%s'", line);
        }
    }
}

Test(layout, lines_are_rather_smaller_than_broken_as_long_as_they_can_be_read)
{
    const char *text = "Digitally signed by Alice Example\nDate: 2026-11-28 15:03:12 +09:00";
    char line[256];
    lay(text, 194, 54); /* the default box without its padding */
    cr_assert(layout.lines_len == 2 && layout.size >= 8, "%zu lines at %.2f", layout.lines_len, layout.size);
    line_text(text, 1, line);
    cr_assert_str_eq(line, "Date: 2026-11-28 15:03:12 +09:00");
    lay(text, 90, 54); /* too narrow for that */
    cr_assert_gt(layout.lines_len, 2);
    assert_within(90, 54);
}

Test(layout, what_cannot_fit_is_refused)
{
    struct tp_pades_font *font TP_AUTO(tp_pades_font_free_p) = NULL;
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_eq(tp_pades_font_open(GOTHIC, text, &error, &font), TP_OK);
    cr_assert_eq(tp_pades_layout_make(font, text, 30, 10, &error, &layout), TP_BAD_ARGUMENT);
    char long_text[TP_PADES_GLYPHS_MAX + 100];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    cr_assert_eq(tp_pades_layout_make(font, long_text, 30, 10, &error, &layout), TP_TOO_LARGE);
    memset(text, '\n', TP_PADES_LINES_MAX + 1);
    text[TP_PADES_LINES_MAX + 1] = '\0';
    cr_assert_eq(tp_pades_layout_make(font, text, 300, 1000, &error, &layout), TP_TOO_LARGE);
}

Test(font, one_that_has_the_characters_is_found)
{
    struct tp_pades_font *font TP_AUTO(tp_pades_font_free_p) = NULL;
    cr_assert_eq(tp_pades_font_open(NULL, "山田", &error, &font), TP_OK, "%s", error.words);
    struct tp_pades_font *other = NULL;
    cr_assert_eq(tp_pades_font_open(GOTHIC, "\xF0\x9F\x98\x80", &error, &other), TP_UNSUPPORTED);
    cr_assert(strstr(error.words, "U+1F600") != NULL);
    cr_assert_eq(tp_pades_font_open("/nowhere.ttf", "x", &error, &other), TP_NOT_FOUND);
    cr_assert_eq(tp_pades_font_open("/proc/self/exe", "x", &error, &other), TP_UNSUPPORTED);
}

Test(font, glyphs_stand_for_all_of_the_text)
{
    struct tp_pades_font *font TP_AUTO(tp_pades_font_free_p) = NULL;
    struct tp_pades_glyph glyphs[16];
    size_t len = 16, bytes = 0;
    bool right;
    const char *text = "fi 山";
    cr_assert_eq(tp_pades_font_open(GOTHIC, text, &error, &font), TP_OK);
    cr_assert_eq(tp_pades_font_shape(font, tp_bytes_of_string(text), &error, glyphs, &len, &right), TP_OK);
    for (size_t i = 0; i < len; i++)
        bytes += glyphs[i].len;
    cr_assert(bytes == strlen(text) && !right);
    len = 1;
    cr_assert_eq(tp_pades_font_shape(font, tp_bytes_of_string(text), &error, glyphs, &len, &right), TP_TOO_LARGE);
}

/* A CFF of one font whose Top DICT is DICT, then CHARSET. */
#define CFF_HEAD "\1\0\4\1" "\0\1\1\1\2" "A" "\0\1\1\1"

Test(cff, charsets_of_fonts_with_and_without_cids)
{
    uint32_t cids[4];
    bool keyed;
    /* ROS (12 30) with charset (15) at offset 23: format 2, one range from CID 100 */
    static const char with[] = CFF_HEAD "\x09" "\x8B\x8B\x8B\x0C\x1E" "\xA2\x0F\x8B" "\2\0\x64\0\2";
    cr_assert_eq(tp_pades_cff_cids(TP_BYTES(with, sizeof with - 1), &keyed, cids, 4), TP_OK);
    cr_assert(keyed && cids[0] == 0 && cids[1] == 100 && cids[2] == 101 && cids[3] == 102);
    static const char without[] = CFF_HEAD "\3" "\xA1\x0F";
    cr_assert_eq(tp_pades_cff_cids(TP_BYTES(without, sizeof without - 1), &keyed, cids, 4), TP_OK);
    cr_assert(!keyed && cids[3] == 3);
}

Test(cff, every_cut_is_an_error_or_harmless)
{
    static const char with[] = CFF_HEAD "\x09" "\x8B\x8B\x8B\x0C\x1E" "\xA2\x0F\x8B" "\2\0\x64\0\2";
    for (size_t len = 0; len < sizeof with - 1; len++) {
        uint32_t cids[4];
        bool keyed;
        cr_assert_eq(tp_pades_cff_cids(TP_BYTES(with, len), &keyed, cids, 4), TP_MALFORMED, "%zu", len);
    }
}
