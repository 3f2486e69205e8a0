/* SPDX-License-Identifier: Apache-2.0
 *
 * Text in a box: as large as fits, broken where its script breaks. One direction a line: what is written from right to left is
 * not broken, and mixed directions are as HarfBuzz sees the first letters.
 */
#include "pades/visible/look.h"

#include "base/text.h"

#include <string.h>

#define SIZE_MOST  16.0 /* points: larger looks like a poster */
#define SIZE_EASY  8.0  /* read without effort: above it lines are rather smaller than broken */
#define SIZE_LEAST 2.0
#define SIZE_WORDS 5.0  /* below it words are broken rather than text made smaller */
#define STEP       0.25
#define LEADING    1.25

struct fitting {
    const char *text;
    struct tp_pades_layout *layout;
    struct tp_pades_line paragraphs[TP_PADES_LINES_MAX];
    size_t paragraphs_len;
};

/* Characters that no line begins with, and that none ends with (JIS X 4051, the common ones). */
static bool is_among(uint32_t character, const char *set)
{
    struct tp_bytes bytes = tp_bytes_of_string(set);
    for (size_t at = 0; at < bytes.len;)
        if (tp_text_next(bytes, &at) == character)
            return true;
    return false;
}

static bool never_first(uint32_t c)
{
    return is_among(c, ")]},.!?:;%、。，．・：；？！ー々ゝゞ」』）］｝】〉》〕ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ");
}

static bool never_last(uint32_t c)
{
    return is_among(c, "([{「『（［｛【〈《〔");
}

/* Scripts that break anywhere: kana, ideographs, their punctuation, full width forms, Hangul left out. */
static bool breaks_anywhere(uint32_t c)
{
    return (c >= 0x2E80 && c <= 0x30FF) || (c >= 0x3100 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0xFF00 && c <= 0xFFEF) || (c >= 0x20000 && c <= 0x3FFFF);
}

static uint32_t character_at(const struct fitting *fitting, const struct tp_pades_glyph *glyph)
{
    size_t at = glyph->at;
    return tp_text_next(tp_bytes_of_string(fitting->text), &at);
}

/* Whether a line may end behind glyph I, which another follows. */
static bool may_break(const struct fitting *fitting, size_t i)
{
    const struct tp_pades_glyph *glyphs = fitting->layout->glyphs;
    if (glyphs[i + 1].len == 0)
        return false;
    uint32_t here = character_at(fitting, &glyphs[i]), next = character_at(fitting, &glyphs[i + 1]);
    if (next == ' ' || never_first(next) || never_last(here))
        return false;
    return here == ' ' || (here == '-' && !(next >= '0' && next <= '9')) || breaks_anywhere(here) || breaks_anywhere(next);
}

static bool is_space(const struct fitting *fitting, size_t i)
{
    return character_at(fitting, &fitting->layout->glyphs[i]) == ' ';
}

static bool add_line(struct fitting *fitting, size_t first, size_t end, bool right)
{
    struct tp_pades_layout *layout = fitting->layout;
    double width = 0;
    if (layout->lines_len == TP_PADES_LINES_MAX)
        return false;
    while (end > first && is_space(fitting, end - 1))
        end--;
    for (size_t i = first; i < end; i++)
        width += layout->glyphs[i].advance;
    layout->lines[layout->lines_len++] =
        (struct tp_pades_line){.first = first, .len = end - first, .width = width, .right = right};
    return true;
}

/* The end of the line that begins with glyph FIRST; FIRST itself when not even a word fits. */
static size_t line_end(const struct fitting *fitting, size_t first, size_t end, double most, bool break_words)
{
    double width = 0;
    size_t last = first;
    for (size_t i = first; i < end; i++) {
        width += fitting->layout->glyphs[i].advance;
        if (width > most && !is_space(fitting, i))
            return last > first || !break_words ? last : i > first ? i : first + 1;
        if (i + 1 == end || may_break(fitting, i))
            last = i + 1;
    }
    return end;
}

static bool break_paragraph(struct fitting *fitting, const struct tp_pades_line *paragraph, double most, bool break_words)
{
    size_t end = paragraph->first + paragraph->len;
    if (paragraph->right || paragraph->len == 0)
        return paragraph->width <= most && add_line(fitting, paragraph->first, end, paragraph->right);
    for (size_t first = paragraph->first; first < end;) {
        size_t next = line_end(fitting, first, end, most, break_words);
        if (next == first || !add_line(fitting, first, next, false))
            return false;
        for (first = next; first < end && is_space(fitting, first);)
            first++;
    }
    return true;
}

static bool fits(struct fitting *fitting, double size, double width, double height)
{
    fitting->layout->lines_len = 0;
    for (size_t i = 0; i < fitting->paragraphs_len; i++)
        if (!break_paragraph(fitting, &fitting->paragraphs[i], width / size, size < SIZE_WORDS))
            return false;
    return (double)fitting->layout->lines_len * size * LEADING <= height;
}

static bool is_unbroken(const struct fitting *fitting)
{
    return fitting->layout->lines_len == fitting->paragraphs_len;
}

/* The largest size from LEAST on at which all of it fits. */
static bool find_size(struct fitting *fitting, double width, double height, double least, bool unbroken, double *ret_size)
{
    for (*ret_size = SIZE_MOST; *ret_size >= least; *ret_size -= STEP)
        if (fits(fitting, *ret_size, width, height) && (!unbroken || is_unbroken(fitting)))
            return true;
    return false;
}

static enum tp_rc shape(struct fitting *fitting, const struct tp_pades_font *font, size_t at, size_t len, struct tp_error *error)
{
    struct tp_pades_layout *layout = fitting->layout;
    struct tp_pades_line line = {.first = layout->glyphs_len, .len = TP_PADES_GLYPHS_MAX - layout->glyphs_len};
    if (fitting->paragraphs_len == TP_PADES_LINES_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the visible text has more than %d lines", TP_PADES_LINES_MAX);
    TP_TRY(tp_pades_font_shape(font, TP_BYTES(fitting->text + at, len), error, layout->glyphs + line.first, &line.len, &line.right));
    for (size_t i = line.first; i < line.first + line.len; i++) {
        layout->glyphs[i].at += at;
        line.width += layout->glyphs[i].advance;
    }
    layout->glyphs_len += line.len;
    fitting->paragraphs[fitting->paragraphs_len++] = line;
    return TP_OK;
}

enum tp_rc tp_pades_layout_make(const struct tp_pades_font *font, const char *text, double width, double height,
                                struct tp_error *error, struct tp_pades_layout *ret_layout)
{
    struct fitting fitting = {.text = text, .layout = ret_layout};
    ret_layout->glyphs_len = 0;
    for (size_t at = 0; text[at] != '\0';) {
        size_t len = strcspn(text + at, "\n");
        TP_TRY(shape(&fitting, font, at, len, error));
        at += len + (text[at + len] == '\n');
    }
    if (!find_size(&fitting, width, height, SIZE_EASY, true, &ret_layout->size) &&
        !find_size(&fitting, width, height, SIZE_LEAST, false, &ret_layout->size))
        return tp_error_set(error, TP_BAD_ARGUMENT, "the visible text does not fit into %.0f x %.0f points; a larger --size or --rect, or "
                            "a shorter --text", width, height);
    ret_layout->leading = ret_layout->size * LEADING;
    return TP_OK;
}
