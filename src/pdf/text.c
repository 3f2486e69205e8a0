/* SPDX-License-Identifier: Apache-2.0
 *
 * Text strings (ISO 32000-2 §7.9.2.2): PDFDocEncoding, UTF-16BE or UTF-8, told apart by what they begin with.
 */
#include "base/text.h"
#include "pdf/internal.h"
#include "pdf/text.h"

#include <string.h>

#define REPLACEMENT 0xFFFDu
#define ESCAPE      0x1Bu /* before and behind a language in UTF-16 (§7.9.2.2.1) */

/* Annex D.3; what is not in the tables is Latin-1, or (below 18, 7F, 9F, AD) undefined. */
static const uint16_t from_18[] = {0x02D8, 0x02C7, 0x02C6, 0x02D9, 0x02DD, 0x02DB, 0x02DA, 0x02DC};
static const uint16_t from_80[] = {0x2022, 0x2020, 0x2021, 0x2026, 0x2014, 0x2013, 0x0192, 0x2044, 0x2039, 0x203A, 0x2212,
                                   0x2030, 0x201E, 0x201C, 0x201D, 0x2018, 0x2019, 0x201A, 0x2122, 0xFB01, 0xFB02, 0x0141,
                                   0x0152, 0x0160, 0x0178, 0x017D, 0x0131, 0x0142, 0x0153, 0x0161, 0x017E, REPLACEMENT, 0x20AC};

#define TABLE_LEN(table) (sizeof(table) / sizeof((table)[0]))

static uint32_t doc_character(uint8_t byte)
{
    if (byte >= 0x18 && byte < 0x18 + TABLE_LEN(from_18))
        return from_18[byte - 0x18];
    if (byte >= 0x80 && byte < 0x80 + TABLE_LEN(from_80))
        return from_80[byte - 0x80];
    return byte == 0x7F || byte == 0xAD ? REPLACEMENT : byte;
}

static bool doc_byte(uint32_t character, uint8_t *ret_byte)
{
    for (unsigned byte = 0; byte < 0x100; byte++)
        if (doc_character((uint8_t)byte) == character && character != REPLACEMENT) {
            *ret_byte = (uint8_t)byte;
            return true;
        }
    return false;
}

enum tp_rc tp_pdf_text_to_doc(struct tp_bytes text, struct tp_buf *ret_string)
{
    for (size_t at = 0; at < text.len;) {
        uint8_t byte = 0;
        if (!doc_byte(tp_text_next(text, &at), &byte))
            return TP_MALFORMED;
        TP_TRY(tp_buf_append_u8(ret_string, byte));
    }
    return TP_OK;
}

static enum tp_rc put_utf8(uint32_t character, struct tp_buf *text)
{
    uint8_t bytes[4];
    size_t len = 0;
    if (character < 0x80) {
        bytes[len++] = (uint8_t)character;
    } else if (character < 0x800) {
        bytes[len++] = (uint8_t)(0xC0 | character >> 6);
    } else if (character < 0x10000) {
        bytes[len++] = (uint8_t)(0xE0 | character >> 12);
        bytes[len++] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
    } else {
        bytes[len++] = (uint8_t)(0xF0 | character >> 18);
        bytes[len++] = (uint8_t)(0x80 | (character >> 12 & 0x3F));
        bytes[len++] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
    }
    if (character >= 0x80)
        bytes[len++] = (uint8_t)(0x80 | (character & 0x3F));
    return tp_buf_append(text, TP_BYTES(bytes, len));
}

/* ---- UTF-16 ---- */

static uint32_t unit_at(struct tp_bytes string, size_t at, bool little)
{
    return little ? (uint32_t)(string.data[at + 1] << 8 | string.data[at])
                  : (uint32_t)(string.data[at] << 8 | string.data[at + 1]);
}

/* *AT moves behind the character; half of a pair is the replacement character. */
static uint32_t next_utf16(struct tp_bytes string, size_t *at, bool little)
{
    const uint32_t unit = unit_at(string, *at, little);
    *at += 2;
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    if (unit > 0xDBFF || string.len - *at < 2)
        return REPLACEMENT;
    const uint32_t low = unit_at(string, *at, little);
    if (low < 0xDC00 || low > 0xDFFF)
        return REPLACEMENT;
    *at += 2;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

static enum tp_rc from_utf16(struct tp_bytes string, bool little, struct tp_buf *text)
{
    bool in_language = false;
    for (size_t at = 2; at + 1 < string.len;) {
        const uint32_t character = next_utf16(string, &at, little);
        if (character == ESCAPE)
            in_language = !in_language;
        else if (!in_language)
            TP_TRY(put_utf8(character, text));
    }
    return TP_OK;
}

static enum tp_rc put_utf16(uint32_t character, struct tp_buf *string)
{
    const uint32_t above = character - 0x10000;
    const uint32_t units[2] = {character < 0x10000 ? character : 0xD800 + (above >> 10), 0xDC00 + (above & 0x3FF)};
    for (size_t i = 0; i < (character < 0x10000 ? 1u : 2u); i++) {
        TP_TRY(tp_buf_append_u8(string, (uint8_t)(units[i] >> 8)));
        TP_TRY(tp_buf_append_u8(string, (uint8_t)(units[i] & 0xFF)));
    }
    return TP_OK;
}

/* ---- text strings ---- */

static bool begins_with(struct tp_bytes string, const char *mark)
{
    const size_t len = strlen(mark);
    return string.len >= len && memcmp(string.data, mark, len) == 0;
}

static enum tp_rc from_utf8(struct tp_bytes string, struct tp_buf *text)
{
    for (size_t at = 3; at < string.len;) {
        const uint32_t character = tp_text_next(string, &at);
        TP_TRY(put_utf8(character == TP_TEXT_NOT_UTF8 ? REPLACEMENT : character, text));
    }
    return TP_OK;
}

enum tp_rc tp_pdf_text(struct tp_bytes string, struct tp_buf *ret_text)
{
    if (begins_with(string, "\xFE\xFF") || begins_with(string, "\xFF\xFE")) /* the latter is not allowed, and seen */
        return from_utf16(string, string.data[0] == 0xFF, ret_text);
    if (begins_with(string, "\xEF\xBB\xBF"))
        return from_utf8(string, ret_text);
    for (size_t i = 0; i < string.len; i++)
        TP_TRY(put_utf8(doc_character(string.data[i]), ret_text));
    return TP_OK;
}

static bool is_ascii(struct tp_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.data[i] < ' ' && strchr("\t\n\r", text.data[i]) == NULL) || text.data[i] >= 0x7F)
            return false;
    return true;
}

static enum tp_rc to_utf16(struct tp_bytes text, struct tp_buf *string)
{
    TP_TRY(tp_buf_append(string, TP_BYTES("\xFE\xFF", 2)));
    for (size_t at = 0; at < text.len;) {
        const uint32_t character = tp_text_next(text, &at);
        TP_TRY(put_utf16(character == TP_TEXT_NOT_UTF8 ? REPLACEMENT : character, string));
    }
    return TP_OK;
}

const struct tp_pdf_value *tp_pdf_new_text(struct tp_pdf_arena *arena, const char *text)
{
    const struct tp_bytes bytes = tp_bytes_of_string(text);
    struct tp_buf string TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (is_ascii(bytes))
        return tp_pdf_new_string(arena, bytes);
    return to_utf16(bytes, &string) == TP_OK ? tp_pdf_new_string(arena, tp_buf_bytes(&string))
                                             : tp_pdf_arena_take(arena, SIZE_MAX);
}
