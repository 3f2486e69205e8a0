/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

void tp_cli_text_start(void)
{
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

/* Format characters (Cf), line separators and fillers that are not to be seen: they turn a line around, or make two
 * names look alike. Combining marks and variation selectors are not among them: names need those. */
static const struct {
    wchar_t from, to;
} invisible[] = {
    {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180e, 0x180e},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff9, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
};

static bool is_invisible(wchar_t wide)
{
    for (size_t i = 0; i < sizeof invisible / sizeof invisible[0]; i++)
        if (wide >= invisible[i].from && wide <= invisible[i].to)
            return true;
    return false;
}

/* One character: bytes used, at least 1; *RET_WIDTH is -1 when it is not fit to be shown. */
static size_t next_char(const char *text, size_t left, int *ret_width)
{
    wchar_t wide = 0;
    mbstate_t state;
    memset(&state, 0, sizeof state);
    size_t len = mbrtowc(&wide, text, left, &state);
    if (len == 0 || len > left) { /* NUL, not UTF-8, or cut short */
        *ret_width = -1;
        return 1;
    }
    *ret_width = iswprint((wint_t)wide) && !is_invisible(wide) ? wcwidth(wide) : -1;
    return len;
}

enum tp_rc tp_cli_text_clean(const char *text, struct tp_buf *ret_clean)
{
    size_t left = text == NULL ? 0 : strlen(text);
    while (left > 0) {
        int width;
        size_t len = next_char(text, left, &width);
        TP_TRY(tp_buf_append(ret_clean, width < 0 ? TP_BYTES("?", 1) : TP_BYTES(text, len)));
        text += len;
        left -= len;
    }
    return TP_OK;
}

size_t tp_cli_text_width(const char *clean)
{
    size_t width = 0, left = strlen(clean);
    while (left > 0) {
        int columns;
        size_t len = next_char(clean, left, &columns);
        width += columns < 0 ? 1 : (size_t)columns;
        clean += len;
        left -= len;
    }
    return width;
}
