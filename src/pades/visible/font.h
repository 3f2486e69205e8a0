/* SPDX-License-Identifier: Apache-2.0
 *
 * A font as HarfBuzz has it; for font.c and font_embed.c.
 */
#ifndef TP_PADES_VISIBLE_FONT_H
#define TP_PADES_VISIBLE_FONT_H

#include "pades/visible/look.h"

#include <hb.h>

struct tp_pades_font {
    hb_face_t *face;
    hb_font_t *font;
    unsigned em;  /* units of one */
    bool is_cff;
};
bool tp_pades_font_has_table(const struct tp_pades_font *font, hb_tag_t tag);

#endif
