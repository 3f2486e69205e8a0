/* SPDX-License-Identifier: Apache-2.0
 *
 * What a person sees of a signature: where on which pages, and what stands there.
 */
#ifndef TP_PADES_VISIBLE_VISIBLE_H
#define TP_PADES_VISIBLE_VISIBLE_H

#include "base/bytes.h"
#include "base/error.h"

#define TP_PADES_PAGES_MAX 64
#define TP_PADES_PAGE_LAST UINT32_MAX

enum tp_pades_corner {
    TP_PADES_TOP_LEFT,
    TP_PADES_TOP_RIGHT,
    TP_PADES_BOTTOM_LEFT,
    TP_PADES_BOTTOM_RIGHT,
    TP_PADES_NO_CORNER /* the rectangle says where */
};
/* In points (1/72 inch), from the lower left corner of the page as it is shown, so after /Rotate. */
struct tp_pades_rect {
    double x, y, width, height;
};

struct tp_pades_pages { /* from 1; PAGE_LAST */
    uint32_t first, last;
};

struct tp_pades_visible {
    bool placed; /* somebody has said where: refused for a field that has its place already */
    struct tp_pades_pages pages[TP_PADES_PAGES_MAX]; /* none: the first; TP_PADES_PAGES_MAX of a document at most */
    size_t pages_len;
    enum tp_pades_corner corner; /* then only width and height of RECT count */
    struct tp_pades_rect rect;   /* all 0: the default size */
    /* Lines of UTF-8, separated by newlines, with {name}, {date}, {reason}, {location}, {contact}; a line all of
     * whose placeholders have nothing to say is left out. NULL: the lines of LANGUAGE. "": no text. */
    const char *text;
    const char *language; /* "en", "ja", "de", "fr", "es", "zh"; NULL: en */
    bool local_time;      /* {date} in the time zone of TZ, with its offset; else in UTC */
    struct tp_bytes image; /* PNG or JPEG; none */
    const char *font;      /* path of a TrueType or OpenType font; NULL: one that is installed */
};
/* "10,20,200,60", each with "mm" or "pt" (default) behind it. */
TP_MUST_USE enum tp_rc tp_pades_rect_parse(const char *text, struct tp_error *error, struct tp_pades_rect *ret_rect);
/* "200x60", likewise. */
TP_MUST_USE enum tp_rc tp_pades_size_parse(const char *text, struct tp_error *error, struct tp_pades_rect *ret_rect);
/* "1,3,last", "1-3", "2-last", "all". */
TP_MUST_USE enum tp_rc tp_pades_pages_parse(const char *text, struct tp_error *error, struct tp_pades_visible *ret_visible);
/* TP_UNSUPPORTED with those that there are. */
TP_MUST_USE enum tp_rc tp_pades_language_check(const char *language, struct tp_error *error);

#endif
