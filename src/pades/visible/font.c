/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/visible/font.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include <hb-ot.h>

#define FILE_MOST ((size_t)64 << 20)

/* Japanese first: its fonts have Latin letters, too. */
static const char *const installed[] = {
    "/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
};

void tp_pades_font_free(struct tp_pades_font *font)
{
    if (font == NULL)
        return;
    hb_font_destroy(font->font);
    hb_face_destroy(font->face);
    free(font);
}

bool tp_pades_font_has_table(const struct tp_pades_font *font, hb_tag_t tag)
{
    hb_blob_t *table = hb_face_reference_table(font->face, tag);
    bool has = hb_blob_get_length(table) > 0;
    hb_blob_destroy(table);
    return has;
}

/* Embedding rights (OpenType, OS/2 fsType): 2 restricted, 0x200 bitmaps only. */
static bool may_embed(const struct tp_pades_font *font)
{
    unsigned len = 0;
    hb_blob_t *table = hb_face_reference_table(font->face, HB_TAG('O', 'S', '/', '2'));
    const char *data = hb_blob_get_data(table, &len);
    unsigned type = len < 10 ? 0 : (unsigned)((uint8_t)data[8] << 8 | (uint8_t)data[9]);
    hb_blob_destroy(table);
    return (type & 0xF) != 2 && (type & 0x200) == 0;
}

static enum tp_rc check(struct tp_pades_font *font, const char *path, struct tp_error *error)
{
    font->is_cff = tp_pades_font_has_table(font, HB_TAG('C', 'F', 'F', ' '));
    if (!font->is_cff && !tp_pades_font_has_table(font, HB_TAG('g', 'l', 'y', 'f')))
        return tp_error_set(error, TP_UNSUPPORTED, "%s is no TrueType or OpenType font with outlines", path);
    if (!may_embed(font))
        return tp_error_set(error, TP_UNSUPPORTED, "%s may not be embedded, its maker says; use another font", path);
    font->em = hb_face_get_upem(font->face);
    return font->em > 0 ? TP_OK : tp_error_set(error, TP_MALFORMED, "%s does not say how large its glyphs are", path);
}

static enum tp_rc load(const char *path, struct tp_error *error, struct tp_pades_font **ret_font)
{
    hb_blob_t *blob = hb_blob_create_from_file_or_fail(path);
    if (blob == NULL)
        return tp_error_set(error, TP_NOT_FOUND, "%s cannot be read", path);
    struct tp_pades_font *font TP_AUTO(tp_pades_font_free_p) = calloc(1, sizeof *font);
    bool fits = hb_blob_get_length(blob) <= FILE_MOST;
    if (font != NULL)
        font->face = hb_face_create(blob, 0);
    hb_blob_destroy(blob);
    if (font == NULL)
        return TP_MEMORY;
    if (!fits)
        return tp_error_set(error, TP_TOO_LARGE, "%s is larger than %zu bytes", path, FILE_MOST);
    TP_TRY(check(font, path, error));
    font->font = hb_font_create(font->face); /* its scale is the em */
    *ret_font = font;
    font = NULL;
    return TP_OK;
}

/* The first character that FONT has no glyph for; 0: none. */
static uint32_t lacks(const struct tp_pades_font *font, struct tp_bytes text)
{
    hb_codepoint_t glyph;
    for (size_t at = 0; at < text.len;) {
        uint32_t character = tp_text_next(text, &at);
        if (!tp_text_is_control(character) && !hb_font_get_nominal_glyph(font->font, character, &glyph))
            return character;
    }
    return 0;
}

static enum tp_rc open_named(const char *path, const char *text, struct tp_error *error, struct tp_pades_font **ret_font)
{
    struct tp_pades_font *font TP_AUTO(tp_pades_font_free_p) = NULL;
    TP_TRY(load(path, error, &font));
    uint32_t missing = lacks(font, tp_bytes_of_string(text));
    if (missing != 0)
        return tp_error_set(error, TP_UNSUPPORTED, "%s has no glyph for U+%04X; --font with another", path, missing);
    *ret_font = font;
    font = NULL;
    return TP_OK;
}

enum tp_rc tp_pades_font_open(const char *path, const char *text, struct tp_error *error, struct tp_pades_font **ret_font)
{
    struct tp_error last = {.rc = TP_OK};
    bool any = false;
    if (path != NULL)
        return open_named(path, text, error, ret_font);
    for (size_t i = 0; i < sizeof installed / sizeof installed[0]; i++) {
        enum tp_rc rc = open_named(installed[i], text, &last, ret_font);
        if (rc == TP_OK)
            return TP_OK;
        any = any || rc != TP_NOT_FOUND;
    }
    return any ? tp_error_set(error, TP_UNSUPPORTED, "no font that was found has all characters of the visible text; --font with "
                              "one that has, or install fonts-noto-cjk")
               : tp_error_set(error, TP_NOT_FOUND, "there is no font for the visible text: install fonts-ipaexfont-gothic, or name "
                              "one with --font");
}

/* ---- shaping ---- */

static void take(const struct tp_pades_font *font, const hb_glyph_info_t *info, const hb_glyph_position_t *position,
                 struct tp_pades_glyph *ret_glyph)
{
    double em = font->em;
    *ret_glyph = (struct tp_pades_glyph){.glyph = info->codepoint,
                                         .at = info->cluster,
                                         .advance = position->x_advance / em,
                                         .x = position->x_offset / em,
                                         .y = position->y_offset / em,
                                         .width = hb_font_get_glyph_h_advance(font->font, info->codepoint) / em};
}

/* Where the text of each cluster ends: at the next larger one. Only the first glyph of a cluster stands for it. */
static void set_lengths(struct tp_pades_glyph *glyphs, size_t len, size_t text_len)
{
    for (size_t i = 0; i < len; i++) {
        size_t end = text_len;
        bool first = i == 0 || glyphs[i - 1].at != glyphs[i].at;
        for (size_t j = 0; j < len && first; j++)
            if (glyphs[j].at > glyphs[i].at && glyphs[j].at < end)
                end = glyphs[j].at;
        glyphs[i].len = first ? end - glyphs[i].at : 0;
    }
}

enum tp_rc tp_pades_font_shape(const struct tp_pades_font *font, struct tp_bytes text, struct tp_error *error,
                               struct tp_pades_glyph *ret_glyphs, size_t *len, bool *ret_right)
{
    unsigned count = 0;
    hb_buffer_t *buffer = hb_buffer_create();
    hb_buffer_add_utf8(buffer, (const char *)text.data, (int)text.len, 0, (int)text.len);
    hb_buffer_guess_segment_properties(buffer);
    hb_shape(font->font, buffer, NULL, 0);
    const hb_glyph_info_t *infos = hb_buffer_get_glyph_infos(buffer, &count);
    const hb_glyph_position_t *positions = hb_buffer_get_glyph_positions(buffer, &count);
    bool good = hb_buffer_allocation_successful(buffer), fits = count <= *len;
    for (unsigned i = 0; i < count && fits; i++)
        take(font, &infos[i], &positions[i], &ret_glyphs[i]);
    *ret_right = HB_DIRECTION_IS_BACKWARD(hb_buffer_get_direction(buffer));
    hb_buffer_destroy(buffer);
    if (!good)
        return TP_MEMORY;
    if (!fits)
        return tp_error_set(error, TP_TOO_LARGE, "the visible text is longer than %d glyphs", TP_PADES_GLYPHS_MAX);
    set_lengths(ret_glyphs, count, text.len);
    *len = count;
    return TP_OK;
}

static hb_font_extents_t extents(const struct tp_pades_font *font)
{
    hb_font_extents_t extents = {.ascender = 0};
    if (!hb_font_get_h_extents(font->font, &extents)) {
        extents.ascender = (int)font->em * 4 / 5;
        extents.descender = -(int)font->em / 5;
    }
    return extents;
}

double tp_pades_font_ascent(const struct tp_pades_font *font)
{
    return (double)extents(font).ascender / font->em;
}

double tp_pades_font_descent(const struct tp_pades_font *font)
{
    return (double)extents(font).descender / font->em;
}
