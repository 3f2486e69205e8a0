/* SPDX-License-Identifier: Apache-2.0
 *
 * The glyphs that a text needs, as a font inside the PDF: a Type0 font by Identity-H (ISO 32000-2 §9.7), with widths, ToUnicode
 * and CIDSet, which PDF/A-1 wants (ISO 19005-1 §6.3.5).
 */
#include "pades/visible/font.h"

#include "base/crypto.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hb-ot.h>
#include <hb-subset.h>

#define TAG_LEN  6
#define NAME_LEN 64

struct embedding {
    struct tp_pades_work *work;
    const struct tp_pades_font *font;
    const char *text;
    struct tp_pades_glyph *glyphs;
    size_t len;
    hb_face_t *subset;
    uint32_t *cids; /* of the subset's glyphs */
    size_t cids_len;
    char name[TAG_LEN + 1 + NAME_LEN];
};

static void clear(struct embedding *embedding)
{
    hb_face_destroy(embedding->subset);
    free(embedding->cids);
}

static enum tp_rc failed(const struct embedding *embedding, const char *what)
{
    return tp_error_set(embedding->work->error, TP_UNSUPPORTED, "the font cannot be embedded: %s; --font with another", what);
}

/* ---- the subset ---- */

/* What a PDF needs of a font is in glyf, loca, head, hhea, hmtx, maxp, or in CFF; all else says what is said elsewhere. */
static void drop_tables(hb_subset_input_t *input)
{
    static const char tags[][5] = {"BASE", "COLR", "CPAL", "DSIG", "GDEF", "GPOS", "GSUB", "HVAR", "JSTF", "LTSH", "MATH", "MVAR",
                                   "OS/2", "PCLT", "STAT", "SVG ", "VDMX", "VORG", "VVAR", "avar", "cmap", "fvar", "gasp", "gvar",
                                   "hdmx", "kern", "meta", "name", "post", "vhea", "vmtx"};
    hb_set_t *drop = hb_subset_input_set(input, HB_SUBSET_SETS_DROP_TABLE_TAG);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        hb_set_add(drop, HB_TAG(tags[i][0], tags[i][1], tags[i][2], tags[i][3]));
}

static enum tp_rc execute(struct embedding *embedding, hb_subset_input_t *input)
{
    hb_subset_plan_t *plan = hb_subset_plan_create_or_fail(embedding->font->face, input);
    if (plan == NULL)
        return failed(embedding, "no subset of it can be made");
    const hb_map_t *map = hb_subset_plan_old_to_new_glyph_mapping(plan);
    bool all = true;
    for (size_t i = 0; i < embedding->len; i++) {
        embedding->glyphs[i].code = hb_map_get(map, embedding->glyphs[i].glyph);
        all = all && embedding->glyphs[i].code != HB_MAP_VALUE_INVALID;
    }
    embedding->subset = hb_subset_plan_execute_or_fail(plan);
    hb_subset_plan_destroy(plan);
    return all && embedding->subset != NULL ? TP_OK : failed(embedding, "no subset of it can be made");
}

static enum tp_rc make_subset(struct embedding *embedding)
{
    hb_subset_input_t *input = hb_subset_input_create_or_fail();
    if (input == NULL)
        return TP_MEMORY;
    hb_subset_input_set_flags(input, HB_SUBSET_FLAGS_NO_HINTING);
    drop_tables(input);
    for (size_t i = 0; i < embedding->len; i++)
        hb_set_add(hb_subset_input_glyph_set(input), embedding->glyphs[i].glyph);
    enum tp_rc rc = execute(embedding, input);
    hb_subset_input_destroy(input);
    return rc;
}

/* Codes are CIDs: in TrueType the subset's own glyph numbers (CIDToGIDMap is the identity). */
static enum tp_rc number_glyphs(struct embedding *embedding)
{
    bool keyed;
    embedding->cids_len = hb_face_get_glyph_count(embedding->subset);
    embedding->cids = calloc(embedding->cids_len + 1, sizeof *embedding->cids);
    if (embedding->cids == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < embedding->cids_len; i++)
        embedding->cids[i] = (uint32_t)i;
    if (embedding->font->is_cff) {
        unsigned len;
        hb_blob_t *table = hb_face_reference_table(embedding->subset, HB_TAG('C', 'F', 'F', ' '));
        const char *data = hb_blob_get_data(table, &len);
        enum tp_rc rc = tp_pades_cff_cids(TP_BYTES(data, len), &keyed, embedding->cids, embedding->cids_len);
        hb_blob_destroy(table);
        if (rc != TP_OK)
            return failed(embedding, "its CFF table is damaged");
    }
    for (size_t i = 0; i < embedding->len; i++) {
        if (embedding->glyphs[i].code >= embedding->cids_len || embedding->cids[embedding->glyphs[i].code] > UINT16_MAX)
            return failed(embedding, "its glyphs have numbers that a PDF cannot name");
        embedding->glyphs[i].code = embedding->cids[embedding->glyphs[i].code];
    }
    return TP_OK;
}

/* ABCDEF+Name (§9.9.2); the letters are of the subset, so that two of one font in a document have different names. */
static enum tp_rc make_name(struct embedding *embedding)
{
    char *name = embedding->name, own[NAME_LEN] = "";
    unsigned len = sizeof own;
    uint8_t hash[TP_SHA256_LEN];
    TP_TRY(tp_sha256(TP_BYTES(embedding->glyphs, embedding->len * sizeof *embedding->glyphs),
                     tp_bytes_of_string(embedding->text), TP_BYTES_NONE, hash));
    hb_ot_name_get_utf8(embedding->font->face, HB_OT_NAME_ID_POSTSCRIPT_NAME, HB_LANGUAGE_INVALID, &len, own);
    for (size_t i = 0; i < TAG_LEN; i++)
        *name++ = (char)('A' + hash[i] % 26);
    *name++ = '+';
    for (const char *at = own; *at != '\0'; at++)
        if (*at > ' ' && *at < 0x7F && strchr("()<>[]{}/%#", *at) == NULL)
            *name++ = *at;
    if (own[0] == '\0')
        (void)strcpy(name, "Font");
    return TP_OK;
}

/* ---- the objects ---- */

static struct tp_pdf_arena *arena_of(const struct embedding *embedding)
{
    return embedding->work->arena;
}

static const struct tp_pdf_value *with_name(struct tp_pdf_arena *arena, const struct tp_pdf_value *value, const char *key,
                                            const char *name)
{
    return tp_pdf_with(arena, value, key, tp_pdf_new_name(arena, name));
}

static const struct tp_pdf_value *with_number(struct tp_pdf_arena *arena, const struct tp_pdf_value *value, const char *key,
                                              double number)
{
    return tp_pdf_with(arena, value, key, tp_pdf_new_integer(arena, (int64_t)(number < 0 ? number - 0.5 : number + 0.5)));
}

static enum tp_rc put_stream(struct embedding *embedding, const struct tp_pdf_value *dictionary, struct tp_bytes data,
                             struct tp_pdf_ref *ret_ref)
{
    struct tp_pades_work *work = embedding->work;
    *ret_ref = tp_pdf_update_new_ref(work->update);
    return tp_pdf_update_put_stream(work->update, *ret_ref, dictionary, data, true, work->error);
}

/* The font program: FontFile2 with /Length1, or FontFile3 with the bare CFF (Table 124). */
static enum tp_rc put_program(struct embedding *embedding, struct tp_pdf_ref *ret_ref)
{
    struct tp_pdf_arena *arena = arena_of(embedding);
    bool cff = embedding->font->is_cff;
    unsigned len;
    hb_blob_t *blob = cff ? hb_face_reference_table(embedding->subset, HB_TAG('C', 'F', 'F', ' '))
                          : hb_face_reference_blob(embedding->subset);
    const char *data = hb_blob_get_data(blob, &len);
    const struct tp_pdf_value *dictionary = tp_pdf_new_dictionary(arena);
    dictionary = cff ? with_name(arena, dictionary, "Subtype", "CIDFontType0C") : with_number(arena, dictionary, "Length1", len);
    enum tp_rc rc = put_stream(embedding, dictionary, TP_BYTES(data, len), ret_ref);
    hb_blob_destroy(blob);
    return rc;
}

/* A bit for each CID that is there, the highest first. */
static enum tp_rc put_cid_set(struct embedding *embedding, struct tp_pdf_ref *ret_ref)
{
    uint8_t *bits = calloc(1, (UINT16_MAX + 1) / 8);
    size_t len = 1;
    if (bits == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < embedding->cids_len; i++) {
        uint32_t cid = embedding->cids[i];
        if (cid > UINT16_MAX)
            continue;
        bits[cid / 8] |= (uint8_t)(0x80 >> cid % 8);
        len = cid / 8 + 1 > len ? cid / 8 + 1 : len;
    }
    enum tp_rc rc = put_stream(embedding, tp_pdf_new_dictionary(arena_of(embedding)), TP_BYTES(bits, len), ret_ref);
    free(bits);
    return rc;
}

/* The box that all glyphs lie in, from `head`; in thousandths of an em. */
static void font_box(const struct embedding *embedding, double ret_box[4])
{
    unsigned len;
    hb_blob_t *head = hb_face_reference_table(embedding->font->face, HB_TAG('h', 'e', 'a', 'd'));
    const uint8_t *data = (const uint8_t *)hb_blob_get_data(head, &len);
    for (size_t i = 0; i < 4; i++)
        ret_box[i] = len < 44 ? 0 : (int16_t)(data[36 + 2 * i] << 8 | data[37 + 2 * i]) * 1000 / (int)embedding->font->em;
    hb_blob_destroy(head);
}

static enum tp_rc put_descriptor(struct embedding *embedding, struct tp_pdf_ref *ret_ref)
{
    struct tp_pdf_arena *arena = arena_of(embedding);
    struct tp_pdf_ref program, cid_set;
    double box[4], ascent = tp_pades_font_ascent(embedding->font) * 1000;
    TP_TRY(put_program(embedding, &program));
    TP_TRY(put_cid_set(embedding, &cid_set));
    font_box(embedding, box);
    const struct tp_pdf_value *value = with_name(arena, tp_pdf_new_dictionary(arena), "Type", "FontDescriptor");
    value = with_name(arena, value, "FontName", embedding->name);
    value = with_number(arena, value, "Flags", 4); /* symbolic: no standard set of characters */
    value = tp_pdf_with(arena, value, "FontBBox", tp_pades_numbers(arena, box, 4));
    value = with_number(arena, value, "ItalicAngle", 0);
    value = with_number(arena, value, "Ascent", ascent);
    value = with_number(arena, value, "Descent", tp_pades_font_descent(embedding->font) * 1000);
    value = with_number(arena, value, "CapHeight", ascent * 4 / 5);
    value = with_number(arena, value, "StemV", 80);
    value = tp_pdf_with(arena, value, "CIDSet", tp_pdf_new_ref(arena, cid_set));
    value = tp_pdf_with(arena, value, embedding->font->is_cff ? "FontFile3" : "FontFile2", tp_pdf_new_ref(arena, program));
    *ret_ref = tp_pdf_update_new_ref(embedding->work->update);
    return tp_pdf_update_put(embedding->work->update, *ret_ref, value, embedding->work->error);
}

static int by_code(const void *a, const void *b)
{
    const struct tp_pades_glyph *one = *(const struct tp_pades_glyph *const *)a, *other = *(const struct tp_pades_glyph *const *)b;
    if (one->code != other->code)
        return one->code < other->code ? -1 : 1;
    return (one->len == 0) - (other->len == 0); /* first those that stand for something */
}

/* The glyphs, each once, in the order of their codes. */
static enum tp_rc sort(const struct embedding *embedding, const struct tp_pades_glyph ***ret_sorted, size_t *ret_len)
{
    const struct tp_pades_glyph **sorted = calloc(embedding->len + 1, sizeof *sorted);
    size_t len = 0;
    if (sorted == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < embedding->len; i++)
        sorted[i] = &embedding->glyphs[i];
    qsort(sorted, embedding->len, sizeof *sorted, by_code);
    for (size_t i = 0; i < embedding->len; i++)
        if (i == 0 || sorted[i]->code != sorted[len - 1]->code)
            sorted[len++] = sorted[i];
    *ret_sorted = sorted;
    *ret_len = len;
    return TP_OK;
}

/* /W: code [ width ] ... */
static const struct tp_pdf_value *widths(struct tp_pdf_arena *arena, const struct tp_pades_glyph *const *sorted, size_t len)
{
    const struct tp_pdf_value *array = tp_pdf_new_array(arena);
    for (size_t i = 0; i < len; i++) {
        double width = sorted[i]->width * 1000;
        array = tp_pdf_with_item(arena, array, tp_pdf_new_integer(arena, sorted[i]->code));
        array = tp_pdf_with_item(arena, array, tp_pades_numbers(arena, &width, 1));
    }
    return array;
}

/* <0001> <3042>: UTF-16BE. */
static enum tp_rc append_mapping(const struct embedding *embedding, const struct tp_pades_glyph *glyph, struct tp_buf *ret_map)
{
    struct tp_bytes text = TP_BYTES(embedding->text + glyph->at, glyph->len);
    TP_TRY(tp_buf_printf(ret_map, "<%04X> <", glyph->code));
    for (size_t at = 0; at < text.len;) {
        uint32_t c = tp_text_next(text, &at);
        if (c >= 0x10000)
            TP_TRY(tp_buf_printf(ret_map, "%04X%04X", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF)));
        else
            TP_TRY(tp_buf_printf(ret_map, "%04X", c));
    }
    return tp_buf_append_string(ret_map, ">\n");
}

static const char cmap_head[] = "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
                                "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
                                "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
                                "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n";
static const char cmap_tail[] = "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n";

/* §9.10.3; a section has a hundred entries at most. */
static enum tp_rc put_unicode(struct embedding *embedding, const struct tp_pades_glyph *const *sorted, size_t len,
                              struct tp_pdf_ref *ret_ref)
{
    struct tp_buf map TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_buf_append_string(&map, cmap_head));
    for (size_t first = 0; first < len; first += 100) {
        struct tp_buf section TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        size_t count = 0;
        for (size_t i = first; i < len && i < first + 100; i++) {
            if (sorted[i]->len == 0)
                continue;
            TP_TRY(append_mapping(embedding, sorted[i], &section));
            count++;
        }
        if (count > 0)
            TP_TRY(tp_buf_printf(&map, "%zu beginbfchar\n%sendbfchar\n", count, tp_buf_string(&section)));
    }
    TP_TRY(tp_buf_append_string(&map, cmap_tail));
    return put_stream(embedding, tp_pdf_new_dictionary(arena_of(embedding)), tp_buf_bytes(&map), ret_ref);
}

static const struct tp_pdf_value *identity(struct tp_pdf_arena *arena)
{
    const struct tp_pdf_value *value = tp_pdf_new_dictionary(arena);
    value = tp_pdf_with(arena, value, "Registry", tp_pdf_new_string(arena, tp_bytes_of_string("Adobe")));
    value = tp_pdf_with(arena, value, "Ordering", tp_pdf_new_string(arena, tp_bytes_of_string("Identity")));
    return tp_pdf_with(arena, value, "Supplement", tp_pdf_new_integer(arena, 0));
}

static enum tp_rc put_cid_font(struct embedding *embedding, const struct tp_pades_glyph *const *sorted, size_t len,
                               struct tp_pdf_ref *ret_ref)
{
    struct tp_pdf_arena *arena = arena_of(embedding);
    struct tp_pdf_ref descriptor;
    bool cff = embedding->font->is_cff;
    TP_TRY(put_descriptor(embedding, &descriptor));
    const struct tp_pdf_value *value = with_name(arena, tp_pdf_new_dictionary(arena), "Type", "Font");
    value = with_name(arena, value, "Subtype", cff ? "CIDFontType0" : "CIDFontType2");
    value = with_name(arena, value, "BaseFont", embedding->name);
    value = tp_pdf_with(arena, value, "CIDSystemInfo", identity(arena));
    value = tp_pdf_with(arena, value, "FontDescriptor", tp_pdf_new_ref(arena, descriptor));
    value = tp_pdf_with(arena, value, "W", widths(arena, sorted, len));
    if (!cff)
        value = with_name(arena, value, "CIDToGIDMap", "Identity");
    *ret_ref = tp_pdf_update_new_ref(embedding->work->update);
    return tp_pdf_update_put(embedding->work->update, *ret_ref, value, embedding->work->error);
}

static enum tp_rc put_font(struct embedding *embedding, const struct tp_pades_glyph *const *sorted, size_t len,
                           struct tp_pdf_ref *ret_ref)
{
    struct tp_pdf_arena *arena = arena_of(embedding);
    struct tp_pdf_ref cid_font, unicode;
    TP_TRY(put_cid_font(embedding, sorted, len, &cid_font));
    TP_TRY(put_unicode(embedding, sorted, len, &unicode));
    const struct tp_pdf_value *value = with_name(arena, tp_pdf_new_dictionary(arena), "Type", "Font");
    value = with_name(arena, value, "Subtype", "Type0");
    value = with_name(arena, value, "BaseFont", embedding->name);
    value = with_name(arena, value, "Encoding", "Identity-H");
    value = tp_pdf_with(arena, value, "DescendantFonts",
                        tp_pdf_with_item(arena, tp_pdf_new_array(arena), tp_pdf_new_ref(arena, cid_font)));
    value = tp_pdf_with(arena, value, "ToUnicode", tp_pdf_new_ref(arena, unicode));
    *ret_ref = tp_pdf_update_new_ref(embedding->work->update);
    return tp_pdf_update_put(embedding->work->update, *ret_ref, value, embedding->work->error);
}

enum tp_rc tp_pades_font_embed(struct tp_pades_work *work, const struct tp_pades_font *font, const char *text,
                               struct tp_pades_glyph *glyphs, size_t len, struct tp_pdf_ref *ret_ref)
{
    struct embedding embedding TP_AUTO(clear) = {.work = work, .font = font, .text = text, .glyphs = glyphs, .len = len};
    const struct tp_pades_glyph **sorted;
    TP_TRY(make_subset(&embedding));
    TP_TRY(number_glyphs(&embedding));
    TP_TRY(make_name(&embedding));
    TP_TRY(sort(&embedding, &sorted, &len));
    enum tp_rc rc = put_font(&embedding, sorted, len, ret_ref);
    free(sorted);
    return rc;
}
