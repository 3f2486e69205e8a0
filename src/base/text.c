/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

uint32_t tp_text_next(struct tp_bytes text, size_t *at)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const uint8_t first = text.data[(*at)++];
    const unsigned more = first < 0x80 ? 0 : (first & 0xe0) == 0xc0 ? 1 : (first & 0xf0) == 0xe0 ? 2 : 3;
    if (first >= 0x80 && (first < 0xc2 || first > 0xf4))
        return TP_TEXT_NOT_UTF8;
    uint32_t character = more == 0 ? first : first & (0x3fu >> more);
    for (unsigned i = 0; i < more; i++) {
        if (*at == text.len || (text.data[*at] & 0xc0) != 0x80)
            return TP_TEXT_NOT_UTF8;
        character = character << 6 | (text.data[(*at)++] & 0x3fu);
    }
    const bool surrogate = character >= 0xd800 && character <= 0xdfff;
    return character < least[more] || character > 0x10ffff || surrogate ? TP_TEXT_NOT_UTF8 : character;
}

bool tp_text_is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

/* UAX #9 §2: "alice" can be made to look like something else with these. */
static bool turns_around(uint32_t character)
{
    return (character >= 0x202a && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
}

enum tp_rc tp_text_check(const char *what, const char *text, struct tp_error *error)
{
    const struct tp_bytes bytes = tp_bytes_of_string(text);
    for (size_t at = 0; at < bytes.len;) {
        const uint32_t character = tp_text_next(bytes, &at);
        if (character == TP_TEXT_NOT_UTF8)
            return tp_error_set(error, TP_BAD_ARGUMENT, "%s: is not UTF-8; write it anew", what);
        if (tp_text_is_control(character) || turns_around(character))
            return tp_error_set(error, TP_BAD_ARGUMENT, "%s: holds a control character (U+%04X); write it without", what,
                                (unsigned)character);
    }
    return TP_OK;
}
