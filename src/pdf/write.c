/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as PDF syntax (ISO 32000-2 §7.3): always the same text for the same value.
 */
#include "pdf/internal.h"

#include <stdio.h>
#include <string.h>

static const char hex_digits[] = "0123456789ABCDEF";

struct writing {
    const struct tp_pdf_write_hook *hook;
    struct tp_buf *text;
};

static enum tp_rc write_value(const struct writing *writing, const struct tp_pdf_value *value, int depth);

/* §7.3.5: regular characters of the range ! to ~ as they are, others by their code. */
static bool is_regular(uint8_t c)
{
    return c > ' ' && c < 0x7F && strchr("()<>[]{}/%#", c) == NULL;
}

enum tp_rc tp_pdf_write_name(struct tp_bytes name, struct tp_buf *ret_text)
{
    TP_TRY(tp_buf_append_u8(ret_text, '/'));
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t c = name.data[i];
        const uint8_t coded[3] = {'#', (uint8_t)hex_digits[c >> 4], (uint8_t)hex_digits[c & 15]};
        TP_TRY(tp_buf_append(ret_text, is_regular(c) ? TP_BYTES(&c, 1) : TP_BYTES(coded, 3)));
    }
    return TP_OK;
}

static bool is_printable(struct tp_bytes string)
{
    for (size_t i = 0; i < string.len; i++)
        if (string.data[i] < ' ' || string.data[i] >= 0x7F)
            return false;
    return true;
}

static enum tp_rc write_hex(struct tp_bytes string, struct tp_buf *text)
{
    TP_TRY(tp_buf_reserve(text, 2 * string.len + 2));
    TP_TRY(tp_buf_append_u8(text, '<'));
    for (size_t i = 0; i < string.len; i++) {
        const uint8_t pair[2] = {(uint8_t)hex_digits[string.data[i] >> 4], (uint8_t)hex_digits[string.data[i] & 15]};
        TP_TRY(tp_buf_append(text, TP_BYTES(pair, 2)));
    }
    return tp_buf_append_u8(text, '>');
}

enum tp_rc tp_pdf_write_string(struct tp_bytes string, struct tp_buf *ret_text)
{
    if (string.len > TP_BUF_MAX / 4)
        return TP_TOO_LARGE;
    if (!is_printable(string))
        return write_hex(string, ret_text);
    TP_TRY(tp_buf_append_u8(ret_text, '('));
    for (size_t i = 0; i < string.len; i++) {
        const uint8_t c = string.data[i];
        if (c == '(' || c == ')' || c == '\\')
            TP_TRY(tp_buf_append_u8(ret_text, '\\'));
        TP_TRY(tp_buf_append_u8(ret_text, c));
    }
    return tp_buf_append_u8(ret_text, ')');
}

static enum tp_rc write_hooked_string(const struct writing *writing, struct tp_bytes string)
{
    if (writing->hook == NULL || writing->hook->string == NULL)
        return tp_pdf_write_string(string, writing->text);
    struct tp_buf changed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(writing->hook->string(writing->hook->context, string, &changed));
    return write_hex(tp_buf_bytes(&changed), writing->text);
}

static enum tp_rc write_array(const struct writing *writing, const struct tp_pdf_value *array, int depth)
{
    TP_TRY(tp_buf_append_u8(writing->text, '['));
    for (size_t i = 0; i < array->array.len; i++) {
        if (i > 0)
            TP_TRY(tp_buf_append_u8(writing->text, ' '));
        TP_TRY(write_value(writing, array->array.items[i], depth + 1));
    }
    return tp_buf_append_u8(writing->text, ']');
}

static enum tp_rc write_dictionary(const struct writing *writing, const struct tp_pdf_value *dictionary, int depth)
{
    TP_TRY(tp_buf_append_string(writing->text, "<<"));
    for (size_t i = 0; i < dictionary->dictionary.len; i++) {
        const struct tp_pdf_entry *entry = &dictionary->dictionary.entries[i];
        if (i > 0)
            TP_TRY(tp_buf_append_u8(writing->text, '\n'));
        TP_TRY(tp_pdf_write_name(entry->key, writing->text));
        TP_TRY(tp_buf_append_u8(writing->text, ' '));
        TP_TRY(write_value(writing, entry->value, depth + 1));
    }
    return tp_buf_append_string(writing->text, ">>");
}

static enum tp_rc write_value(const struct writing *writing, const struct tp_pdf_value *value, int depth)
{
    struct tp_buf *text = writing->text;
    if (depth > TP_PDF_DEPTH_MAX)
        return TP_TOO_LARGE;
    switch (tp_pdf_kind(value)) {
    case TP_PDF_NULL:
        return tp_buf_append_string(text, "null");
    case TP_PDF_BOOLEAN:
        return tp_buf_append_string(text, value->boolean ? "true" : "false");
    case TP_PDF_INTEGER:
        return tp_buf_printf(text, "%lld", (long long)value->integer);
    case TP_PDF_REAL:
        return tp_buf_append(text, value->bytes);
    case TP_PDF_STRING:
        return write_hooked_string(writing, value->bytes);
    case TP_PDF_NAME:
        return tp_pdf_write_name(value->bytes, text);
    case TP_PDF_REFERENCE:
        return tp_buf_printf(text, "%u %u R", value->ref.id, value->ref.generation);
    case TP_PDF_ARRAY:
        return write_array(writing, value, depth);
    default:
        return write_dictionary(writing, value, depth);
    }
}

enum tp_rc tp_pdf_write(const struct tp_pdf_value *value, const struct tp_pdf_write_hook *hook, struct tp_buf *ret_text)
{
    const struct writing writing = {.hook = hook, .text = ret_text};
    return write_value(&writing, value, 0);
}
