/* SPDX-License-Identifier: Apache-2.0
 *
 * Appearance streams (ISO 32000-2 §12.5.5): an image, text, or both side by side. Colours are calibrated (§8.6.5), so that a PDF/A
 * document needs no output intent for them; images are flat in PDF/A, whose pages may not become transparent.
 */
#include "pades/visible/look.h"

#include <stdlib.h>
#include <string.h>

#define PADDING 3.0
#define GAP     4.0
#define PART    0.4 /* of the longer side, for an image that has text beside it */

struct area {
    double x, y, width, height;
};
struct drawing {
    struct tp_pades_work *work;
    const struct tp_pades_order *order;
    struct tp_buf content;
    const struct tp_pdf_value *fonts, *images; /* of the resources; NULL: none */
};

static const struct tp_pdf_value *colour_space(struct tp_pdf_arena *arena, bool grey)
{
    static const double white[3] = {0.9505, 1, 1.089}, gamma[3] = {2.2, 2.2, 2.2};
    static const double matrix[9] = {0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505}; /* sRGB */
    const struct tp_pdf_value *value = tp_pdf_new_dictionary(arena), *array = tp_pdf_new_array(arena);
    value = tp_pdf_with(arena, value, "WhitePoint", tp_pades_numbers(arena, white, 3));
    value = tp_pdf_with(arena, value, "Gamma", grey ? tp_pdf_new_real(arena, gamma[0]) : tp_pades_numbers(arena, gamma, 3));
    if (!grey)
        value = tp_pdf_with(arena, value, "Matrix", tp_pades_numbers(arena, matrix, 9));
    array = tp_pdf_with_item(arena, array, tp_pdf_new_name(arena, grey ? "CalGray" : "CalRGB"));
    return tp_pdf_with_item(arena, array, value);
}

/* ---- image ---- */

static const struct tp_pdf_value *image_dictionary(struct tp_pdf_arena *arena, const struct tp_pades_image *image,
                                                   const struct tp_pdf_value *space)
{
    const struct tp_pdf_value *value = tp_pdf_new_dictionary(arena);
    value = tp_pdf_with(arena, value, "Type", tp_pdf_new_name(arena, "XObject"));
    value = tp_pdf_with(arena, value, "Subtype", tp_pdf_new_name(arena, "Image"));
    value = tp_pdf_with(arena, value, "Width", tp_pdf_new_integer(arena, image->width));
    value = tp_pdf_with(arena, value, "Height", tp_pdf_new_integer(arena, image->height));
    value = tp_pdf_with(arena, value, "BitsPerComponent", tp_pdf_new_integer(arena, 8));
    return tp_pdf_with(arena, value, "ColorSpace", space);
}

static enum tp_rc put_alpha(struct tp_pades_work *work, const struct tp_pades_image *image, struct tp_pdf_ref *ret_ref)
{
    const struct tp_pdf_value *value = image_dictionary(work->arena, image, tp_pdf_new_name(work->arena, "DeviceGray"));
    *ret_ref = tp_pdf_update_new_ref(work->update);
    return tp_pdf_update_put_stream(work->update, *ret_ref, value, tp_buf_bytes(&image->alpha), true, work->error);
}

static enum tp_rc put_png(struct tp_pades_work *work, const struct tp_pades_image *image, struct tp_pdf_ref *ret_ref)
{
    const struct tp_pdf_value *value = image_dictionary(work->arena, image, colour_space(work->arena, image->components == 1));
    struct tp_pdf_ref alpha;
    if (image->alpha.len > 0) {
        TP_TRY(put_alpha(work, image, &alpha));
        value = tp_pdf_with(work->arena, value, "SMask", tp_pdf_new_ref(work->arena, alpha));
    }
    *ret_ref = tp_pdf_update_new_ref(work->update);
    return tp_pdf_update_put_stream(work->update, *ret_ref, value, tp_buf_bytes(&image->pixels), true, work->error);
}

static enum tp_rc put_jpeg(struct tp_pades_work *work, const struct tp_pades_image *image, struct tp_pdf_ref *ret_ref)
{
    static const double inverted[8] = {1, 0, 1, 0, 1, 0, 1, 0};
    struct tp_pdf_arena *arena = work->arena;
    const struct tp_pdf_value *space =
        image->components == 4 ? tp_pdf_new_name(arena, "DeviceCMYK") : colour_space(arena, image->components == 1);
    const struct tp_pdf_value *value = image_dictionary(arena, image, space);
    value = tp_pdf_with(arena, value, "Filter", tp_pdf_new_name(arena, "DCTDecode"));
    if (image->inverted)
        value = tp_pdf_with(arena, value, "Decode", tp_pades_numbers(arena, inverted, 8));
    *ret_ref = tp_pdf_update_new_ref(work->update);
    return tp_pdf_update_put_stream(work->update, *ret_ref, value, image->file, false, work->error);
}

/* Within AREA, in its middle, as large as its proportions allow. */
static enum tp_rc draw_image(struct drawing *drawing, const struct tp_pades_image *image, const struct area *area)
{
    struct tp_pades_work *work = drawing->work;
    struct tp_pdf_ref ref;
    double across = area->width / image->width, up = area->height / image->height, scale = across < up ? across : up;
    double width = image->width * scale, height = image->height * scale;
    TP_TRY(image->jpeg ? put_jpeg(work, image, &ref) : put_png(work, image, &ref));
    drawing->images = tp_pdf_with(work->arena, tp_pdf_new_dictionary(work->arena), "I", tp_pdf_new_ref(work->arena, ref));
    return tp_buf_printf(&drawing->content, "q %.3f 0 0 %.3f %.3f %.3f cm /I Do Q\n", width, height,
                         area->x + (area->width - width) / 2, area->y + (area->height - height) / 2);
}

static enum tp_rc read_image(struct drawing *drawing, struct tp_pades_image *ret_image)
{
    struct tp_pades_work *work = drawing->work;
    unsigned part;
    TP_TRY(tp_pades_pdfa_part(work, &part));
    TP_TRY(tp_pades_image_read(drawing->order->visible->image, part != 0, work->error, ret_image));
    if (part != 0 && ret_image->components == 4)
        return tp_error_set(work->error, TP_UNSUPPORTED, "a CMYK image would make the document no PDF/A any more; use one in RGB");
    return TP_OK;
}

/* ---- text ---- */

/* What the pen has to move besides the glyph's own width, in thousandths of the size; TJ takes it away (§9.4.3). */
static enum tp_rc draw_move(struct drawing *drawing, double em)
{
    double thousandths = -em * 1000;
    if (thousandths > -0.5 && thousandths < 0.5)
        return TP_OK;
    return tp_buf_printf(&drawing->content, " %.1f ", thousandths);
}

static enum tp_rc draw_glyph(struct drawing *drawing, const struct tp_pades_glyph *glyph, double size)
{
    bool raised = glyph->y > 0.0005 || glyph->y < -0.0005;
    TP_TRY(draw_move(drawing, glyph->x));
    if (raised)
        TP_TRY(tp_buf_printf(&drawing->content, "] TJ %.3f Ts [", glyph->y * size));
    TP_TRY(tp_buf_printf(&drawing->content, "<%04X>", glyph->code));
    if (raised)
        TP_TRY(tp_buf_append_string(&drawing->content, "] TJ 0 Ts ["));
    return draw_move(drawing, glyph->advance - glyph->width - glyph->x);
}

static enum tp_rc draw_line(struct drawing *drawing, const struct tp_pades_layout *layout, const struct tp_pades_line *line,
                            double x, double y)
{
    TP_TRY(tp_buf_printf(&drawing->content, "1 0 0 1 %.3f %.3f Tm [", x, y));
    for (size_t i = line->first; i < line->first + line->len; i++)
        TP_TRY(draw_glyph(drawing, &layout->glyphs[i], layout->size));
    return tp_buf_append_string(&drawing->content, "] TJ\n");
}

/* From the middle of the height; the baseline lies so that ascent and descent are in the middle of the leading. */
static enum tp_rc draw_lines(struct drawing *drawing, const struct tp_pades_font *font, const struct tp_pades_layout *layout,
                             const struct area *area)
{
    double ascent = tp_pades_font_ascent(font), descent = tp_pades_font_descent(font), size = layout->size;
    double top = area->y + area->height - (area->height - (double)layout->lines_len * layout->leading) / 2;
    double base = top - layout->leading / 2 - size * (ascent + descent) / 2;
    TP_TRY(tp_buf_printf(&drawing->content, "BT /C cs 0 sc /F %.2f Tf\n", size));
    for (size_t i = 0; i < layout->lines_len; i++) {
        const struct tp_pades_line *line = &layout->lines[i];
        double x = line->right ? area->x + area->width - line->width * size : area->x;
        TP_TRY(draw_line(drawing, layout, line, x, base - (double)i * layout->leading));
    }
    return tp_buf_append_string(&drawing->content, "ET\n");
}

static enum tp_rc draw_layout(struct drawing *drawing, const struct tp_pades_font *font, const char *text,
                              struct tp_pades_layout *layout, const struct area *area)
{
    struct tp_pades_work *work = drawing->work;
    struct tp_pdf_ref ref;
    TP_TRY(tp_pades_layout_make(font, text, area->width, area->height, work->error, layout));
    TP_TRY(tp_pades_font_embed(work, font, text, layout->glyphs, layout->glyphs_len, &ref));
    drawing->fonts = tp_pdf_with(work->arena, tp_pdf_new_dictionary(work->arena), "F", tp_pdf_new_ref(work->arena, ref));
    return draw_lines(drawing, font, layout, area);
}

static enum tp_rc draw_text(struct drawing *drawing, const char *text, const struct area *area)
{
    struct tp_pades_font *font TP_AUTO(tp_pades_font_free_p) = NULL;
    TP_TRY(tp_pades_font_open(drawing->order->visible->font, text, drawing->work->error, &font));
    struct tp_pades_layout *layout = calloc(1, sizeof *layout);
    if (layout == NULL)
        return TP_MEMORY;
    enum tp_rc rc = draw_layout(drawing, font, text, layout, area);
    free(layout);
    return rc;
}

/* ---- both ---- */

/* A wide box has the image to the left of the text, a high one above it. */
static void divide(const struct area *whole, struct area *ret_image, struct area *ret_text)
{
    *ret_image = *ret_text = *whole;
    if (whole->width >= whole->height) {
        ret_image->width = whole->width * PART;
        ret_text->x += ret_image->width + GAP;
        ret_text->width -= ret_image->width + GAP;
        return;
    }
    ret_image->height = whole->height * PART;
    ret_image->y += whole->height - ret_image->height;
    ret_text->height -= ret_image->height + GAP;
}

static enum tp_rc draw(struct drawing *drawing, const struct tp_pades_box *box)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pades_image image TP_AUTO(tp_pades_image_clear) = {.width = 0};
    const struct tp_pades_means *means = tp_pades_service_means(drawing->work->service);
    double padding = box->width > 6 * PADDING && box->height > 6 * PADDING ? PADDING : 0;
    struct area whole = {padding, padding, box->width - 2 * padding, box->height - 2 * padding};
    struct area for_image = whole, for_text = whole;
    bool has_image = drawing->order->visible->image.len > 0;
    TP_TRY(tp_pades_visible_text(drawing->order, means->signer, drawing->work->error, &text));
    if (has_image && text.len > 0)
        divide(&whole, &for_image, &for_text);
    if (has_image)
        TP_TRY(read_image(drawing, &image));
    if (has_image)
        TP_TRY(draw_image(drawing, &image, &for_image));
    return text.len == 0 ? TP_OK : draw_text(drawing, tp_buf_string(&text), &for_text);
}

/* The form's own coordinates are those of the box as it is seen; /Matrix turns it against the page's rotation, and viewers
 * fit what comes of that into the annotation's rectangle. */
static const struct tp_pdf_value *form_dictionary(struct tp_pdf_arena *arena, const struct tp_pades_box *box)
{
    double bbox[4] = {0, 0, box->width, box->height};
    double turns[4][6] = {{1, 0, 0, 1, 0, 0},
                          {0, 1, -1, 0, box->height, 0},
                          {-1, 0, 0, -1, box->width, box->height},
                          {0, -1, 1, 0, 0, box->width}};
    const struct tp_pdf_value *value = tp_pdf_new_dictionary(arena);
    value = tp_pdf_with(arena, value, "Type", tp_pdf_new_name(arena, "XObject"));
    value = tp_pdf_with(arena, value, "Subtype", tp_pdf_new_name(arena, "Form"));
    value = tp_pdf_with(arena, value, "BBox", tp_pades_numbers(arena, bbox, 4));
    return box->rotate == 0 ? value : tp_pdf_with(arena, value, "Matrix", tp_pades_numbers(arena, turns[box->rotate / 90], 6));
}

static const struct tp_pdf_value *resources(const struct drawing *drawing)
{
    struct tp_pdf_arena *arena = drawing->work->arena;
    const struct tp_pdf_value *value = tp_pdf_new_dictionary(arena), *spaces = tp_pdf_new_dictionary(arena);
    if (drawing->fonts != NULL) {
        spaces = tp_pdf_with(arena, spaces, "C", colour_space(arena, true));
        value = tp_pdf_with(arena, tp_pdf_with(arena, value, "ColorSpace", spaces), "Font", drawing->fonts);
    }
    return tp_pdf_with(arena, value, "XObject", drawing->images);
}

static enum tp_rc put(struct drawing *drawing, const struct tp_pades_box *box, struct tp_pdf_ref *ret_ref)
{
    struct tp_pades_work *work = drawing->work;
    const struct tp_pdf_value *value = form_dictionary(work->arena, box);
    value = tp_pdf_with(work->arena, value, "Resources", resources(drawing));
    *ret_ref = tp_pdf_update_new_ref(work->update);
    return tp_pdf_update_put_stream(work->update, *ret_ref, value, tp_buf_bytes(&drawing->content), true, work->error);
}

static bool is_same(const struct tp_pades_box *a, const struct tp_pades_box *b)
{
    return a->width == b->width && a->height == b->height && a->rotate == b->rotate;
}

enum tp_rc tp_pades_appearance_put(struct tp_pades_work *work, const struct tp_pades_order *order, const struct tp_pades_box *box,
                                   struct tp_pdf_ref *ret_ref)
{
    struct drawing drawing = {.work = work, .order = order, .content = TP_BUF_INIT};
    if (work->look.ref.id != 0 && is_same(&work->look.box, box)) {
        *ret_ref = work->look.ref; /* the same on several pages */
        return TP_OK;
    }
    enum tp_rc rc = draw(&drawing, box);
    if (rc == TP_OK)
        rc = put(&drawing, box, ret_ref);
    tp_buf_clear(&drawing.content);
    TP_TRY(rc);
    work->look.box = *box;
    work->look.ref = *ret_ref;
    return TP_OK;
}

enum tp_rc tp_pades_appearance_empty(struct tp_pades_work *work, struct tp_pdf_ref *ret_ref)
{
    static const struct tp_pades_box nothing = {.width = 0, .height = 0, .rotate = 0};
    struct drawing drawing = {.work = work, .content = TP_BUF_INIT};
    return put(&drawing, &nothing, ret_ref);
}
