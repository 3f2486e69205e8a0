/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/line.h"

#include "base/text.h"

#include <string.h>

void tp_pades_line(const char *text, char *ret_line, size_t line_len)
{
    struct tp_bytes bytes = tp_bytes_of_string(text);
    size_t at = 0, len = 0;
    while (at < bytes.len) {
        size_t from = at;
        uint32_t character = tp_text_next(bytes, &at);
        bool odd = character == TP_TEXT_NOT_UTF8 || tp_text_is_control(character);
        size_t size = odd ? 1 : at - from;
        const bool rest_fits = len + (bytes.len - from) < line_len;
        if (!rest_fits && len + size + 3 >= line_len) { /* no room for it and the ellipsis */
            memcpy(ret_line + len, "\xe2\x80\xa6", 3), len += 3;
            break;
        }
        memcpy(ret_line + len, odd ? "?" : (const char *)bytes.data + from, size);
        len += size;
    }
    ret_line[len] = '\0';
}

bool tp_pades_name_line(const char *name, size_t name_len, char ret_line[TP_PADES_LINE_MAX])
{
    tp_pades_line(name, ret_line, TP_PADES_LINE_MAX);
    const bool defined = strstr(name, "\xef\xbf\xbd") == NULL; /* U+FFFD, of which there may be several */
    return defined && strlen(name) == name_len && strcmp(name, ret_line) == 0;
}
