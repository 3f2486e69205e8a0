/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a visible signature: a font, lines of text that fit a box, an image.
 */
#ifndef TP_PADES_VISIBLE_LOOK_H
#define TP_PADES_VISIBLE_LOOK_H

#include "pades/internal.h"

#define TP_PADES_GLYPHS_MAX 4096 /* of one text */
#define TP_PADES_LINES_MAX  64

/* ---- font.c, font_embed.c ---- */

struct tp_pades_font;
/* PATH, or the first of those that are installed which has every character of TEXT. TP_NOT_FOUND with the package that helps;
 * TP_UNSUPPORTED: it has not all characters, may not be embedded, or is of another kind. */
TP_MUST_USE enum tp_rc tp_pades_font_open(const char *path, const char *text, struct tp_error *error,
                                          struct tp_pades_font **ret_font);
void tp_pades_font_free(struct tp_pades_font *font);
TP_DEFINE_AUTO(struct tp_pades_font, tp_pades_font_free)

/* A glyph in its place; lengths in em, so that they are multiplied by the size. */
struct tp_pades_glyph {
    uint32_t glyph;   /* of the font */
    uint32_t code;    /* in the embedded font, once it is */
    size_t at, len;   /* the bytes of the text that it stands for; len 0: another glyph stands for them */
    double advance, x, y;
    double width; /* of the glyph by itself */
};
/* The glyphs of one line in the order in which they are seen. RET_RIGHT: written from right to left. */
TP_MUST_USE enum tp_rc tp_pades_font_shape(const struct tp_pades_font *font, struct tp_bytes text, struct tp_error *error,
                                           struct tp_pades_glyph *ret_glyphs, size_t *len, bool *ret_right);
double tp_pades_font_ascent(const struct tp_pades_font *font);
double tp_pades_font_descent(const struct tp_pades_font *font); /* negative */
/* A Type0 font with the GLYPHS alone (§9.7), whose codes are set; TEXT is what they stand for. */
TP_MUST_USE enum tp_rc tp_pades_font_embed(struct tp_pades_work *work, const struct tp_pades_font *font, const char *text,
                                           struct tp_pades_glyph *glyphs, size_t len, struct tp_pdf_ref *ret_ref);

/* ---- cff.c ---- */

/* Of a CFF table (Adobe 5176): whether its glyphs are known by CIDs, and the CIDs of the first LEN. TP_MALFORMED. */
TP_MUST_USE enum tp_rc tp_pades_cff_cids(struct tp_bytes cff, bool *ret_keyed, uint32_t *ret_cids, size_t len);

/* ---- layout.c ---- */

struct tp_pades_line {
    size_t first, len; /* of the glyphs */
    double width;      /* in em */
    bool right;
};
struct tp_pades_layout {
    double size, leading; /* points */
    struct tp_pades_glyph glyphs[TP_PADES_GLYPHS_MAX];
    size_t glyphs_len;
    struct tp_pades_line lines[TP_PADES_LINES_MAX];
    size_t lines_len;
};
/* TEXT in lines, as large as WIDTH and HEIGHT (points) allow, within reason. TP_BAD_ARGUMENT: it does not fit. */
TP_MUST_USE enum tp_rc tp_pades_layout_make(const struct tp_pades_font *font, const char *text, double width, double height,
                                            struct tp_error *error, struct tp_pades_layout *ret_layout);

/* ---- image.c ---- */

struct tp_pades_image {
    unsigned width, height, components; /* 1 grey, 3 RGB, 4 CMYK */
    bool jpeg, inverted;                /* inverted: CMYK as Adobe writes it */
    struct tp_bytes file;               /* of a JPEG: goes in as it is; the caller's */
    struct tp_buf pixels, alpha;        /* of a PNG; alpha: empty when all is opaque */
};
/* PNG or JPEG. FLAT: on white instead of with transparency. TP_UNSUPPORTED, TP_MALFORMED, TP_TOO_LARGE. */
TP_MUST_USE enum tp_rc tp_pades_image_read(struct tp_bytes file, bool flat, struct tp_error *error, struct tp_pades_image *ret_image);
void tp_pades_image_clear(struct tp_pades_image *image);

/* ---- visible.c ---- */

/* The text of an order with its placeholders replaced; appended. */
TP_MUST_USE enum tp_rc tp_pades_visible_text(const struct tp_pades_order *order, const struct tp_pki_signer *signer,
                                             struct tp_error *error, struct tp_buf *ret_text);

#endif
