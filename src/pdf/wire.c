/* SPDX-License-Identifier: Apache-2.0
 *
 * Values between the processes: kind, then numbers (big-endian), lengths and bytes, counts and members. What comes from the
 * reader is not believed: everything is bounded, and a dictionary's keys must be in order.
 */
#include "pdf/internal.h"

#define REF_LEN 6

/* ---- making ---- */

enum tp_rc tp_pdf_wire_put_kind(struct tp_buf *wire, enum tp_pdf_kind kind)
{
    return tp_buf_append_u8(wire, (uint8_t)kind);
}

enum tp_rc tp_pdf_wire_put_u32(struct tp_buf *wire, uint32_t number)
{
    uint8_t bytes[4];
    tp_put_be32(bytes, number);
    return tp_buf_append(wire, TP_BYTES(bytes, sizeof(bytes)));
}

enum tp_rc tp_pdf_wire_put_u64(struct tp_buf *wire, uint64_t number)
{
    uint8_t bytes[8];
    tp_put_be64(bytes, number);
    return tp_buf_append(wire, TP_BYTES(bytes, sizeof(bytes)));
}

enum tp_rc tp_pdf_wire_put_bytes(struct tp_buf *wire, struct tp_bytes bytes)
{
    if (bytes.len > TP_BUF_MAX)
        return TP_TOO_LARGE;
    TP_TRY(tp_pdf_wire_put_u32(wire, (uint32_t)bytes.len));
    return tp_buf_append(wire, bytes);
}

enum tp_rc tp_pdf_wire_put_ref(struct tp_buf *wire, struct tp_pdf_ref ref)
{
    uint8_t bytes[REF_LEN];
    tp_put_be32(bytes, ref.id);
    bytes[4] = (uint8_t)(ref.generation >> 8);
    bytes[5] = (uint8_t)(ref.generation & 0xFF);
    return tp_buf_append(wire, TP_BYTES(bytes, sizeof(bytes)));
}

static enum tp_rc encode(const struct tp_pdf_value *value, int depth, struct tp_buf *wire);

static enum tp_rc encode_array(const struct tp_pdf_value *array, int depth, struct tp_buf *wire)
{
    TP_TRY(tp_pdf_wire_put_u32(wire, (uint32_t)array->array.len));
    for (size_t i = 0; i < array->array.len; i++)
        TP_TRY(encode(array->array.items[i], depth + 1, wire));
    return TP_OK;
}

static enum tp_rc encode_dictionary(const struct tp_pdf_value *dictionary, int depth, struct tp_buf *wire)
{
    TP_TRY(tp_pdf_wire_put_u32(wire, (uint32_t)dictionary->dictionary.len));
    for (size_t i = 0; i < dictionary->dictionary.len; i++) {
        TP_TRY(tp_pdf_wire_put_bytes(wire, dictionary->dictionary.entries[i].key));
        TP_TRY(encode(dictionary->dictionary.entries[i].value, depth + 1, wire));
    }
    return TP_OK;
}

static enum tp_rc encode(const struct tp_pdf_value *value, int depth, struct tp_buf *wire)
{
    if (depth > TP_PDF_DEPTH_MAX)
        return TP_TOO_LARGE;
    TP_TRY(tp_pdf_wire_put_kind(wire, tp_pdf_kind(value)));
    switch (tp_pdf_kind(value)) {
    case TP_PDF_NULL:
        return TP_OK;
    case TP_PDF_BOOLEAN:
        return tp_buf_append_u8(wire, value->boolean ? 1 : 0);
    case TP_PDF_INTEGER:
        return tp_pdf_wire_put_u64(wire, (uint64_t)value->integer);
    case TP_PDF_REAL:
    case TP_PDF_STRING:
    case TP_PDF_NAME:
        return tp_pdf_wire_put_bytes(wire, value->bytes);
    case TP_PDF_REFERENCE:
        return tp_pdf_wire_put_ref(wire, value->ref);
    case TP_PDF_ARRAY:
        return encode_array(value, depth, wire);
    default:
        return encode_dictionary(value, depth, wire);
    }
}

enum tp_rc tp_pdf_wire_encode(const struct tp_pdf_value *value, struct tp_buf *ret_wire)
{
    return encode(value, 0, ret_wire);
}

/* ---- reading ---- */

struct decoding {
    struct tp_pdf_arena *arena;
    struct tp_bytes left;
    size_t values_left;
};

static enum tp_rc decode(struct decoding *decoding, int depth, const struct tp_pdf_value **ret_value);

static enum tp_rc take(struct decoding *decoding, size_t len, struct tp_bytes *ret_bytes)
{
    if (decoding->left.len < len)
        return TP_MALFORMED;
    *ret_bytes = TP_BYTES(decoding->left.data, len);
    decoding->left = TP_BYTES(decoding->left.data + len, decoding->left.len - len);
    return TP_OK;
}

static enum tp_rc take_bytes(struct decoding *decoding, struct tp_bytes *ret_bytes)
{
    struct tp_bytes len;
    TP_TRY(take(decoding, 4, &len));
    return take(decoding, tp_get_be32(len.data), ret_bytes);
}

/* A member takes MEMBER_LEN bytes at least, so that a count cannot ask for more memory than some times what came. */
static enum tp_rc take_count(struct decoding *decoding, size_t member_len, size_t *ret_count)
{
    struct tp_bytes bytes;
    TP_TRY(take(decoding, 4, &bytes));
    const size_t count = tp_get_be32(bytes.data);
    if (count > decoding->left.len / member_len)
        return TP_MALFORMED;
    if (count > decoding->values_left)
        return TP_TOO_LARGE;
    *ret_count = count;
    return TP_OK;
}

static enum tp_rc decode_array(struct decoding *decoding, int depth, struct tp_pdf_value *array)
{
    size_t count = 0;
    TP_TRY(take_count(decoding, 1, &count));
    const struct tp_pdf_value **items = tp_pdf_arena_take(decoding->arena, count * sizeof(*items));
    if (items == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < count; i++)
        TP_TRY(decode(decoding, depth + 1, &items[i]));
    array->array.items = items;
    array->array.len = count;
    return TP_OK;
}

static enum tp_rc decode_entry(struct decoding *decoding, int depth, struct tp_pdf_entry *entry)
{
    struct tp_bytes key;
    TP_TRY(take_bytes(decoding, &key));
    if (!tp_pdf_arena_copy(decoding->arena, key, &entry->key))
        return TP_MEMORY;
    return decode(decoding, depth + 1, &entry->value);
}

static enum tp_rc decode_dictionary(struct decoding *decoding, int depth, struct tp_pdf_value *dictionary)
{
    size_t count = 0;
    TP_TRY(take_count(decoding, 5, &count));
    struct tp_pdf_entry *entries = tp_pdf_arena_take(decoding->arena, count * sizeof(*entries));
    if (entries == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < count; i++) {
        TP_TRY(decode_entry(decoding, depth, &entries[i]));
        if (i > 0 && tp_pdf_key_compare(entries[i - 1].key, entries[i].key) >= 0)
            return TP_MALFORMED;
    }
    dictionary->dictionary.entries = entries;
    dictionary->dictionary.len = count;
    return TP_OK;
}

static enum tp_rc decode_boolean(struct decoding *decoding, struct tp_pdf_value *value)
{
    struct tp_bytes byte;
    TP_TRY(take(decoding, 1, &byte));
    value->boolean = byte.data[0] == 1;
    return byte.data[0] <= 1 ? TP_OK : TP_MALFORMED;
}

static enum tp_rc decode_integer(struct decoding *decoding, struct tp_pdf_value *value)
{
    struct tp_bytes bytes;
    TP_TRY(take(decoding, 8, &bytes));
    value->integer = (int64_t)tp_get_be64(bytes.data);
    return TP_OK;
}

static enum tp_rc decode_ref(struct decoding *decoding, struct tp_pdf_value *value)
{
    struct tp_bytes bytes;
    TP_TRY(take(decoding, REF_LEN, &bytes));
    value->ref.id = tp_get_be32(bytes.data);
    value->ref.generation = (uint16_t)(bytes.data[4] << 8 | bytes.data[5]);
    return TP_OK;
}

/* A real goes into a file as it is: it must be a number, and nothing besides. */
static enum tp_rc check_real(struct tp_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.data[i] < '0' || text.data[i] > '9') && text.data[i] != '.' && text.data[i] != '-' && text.data[i] != '+')
            return TP_MALFORMED;
    return text.len > 0 ? TP_OK : TP_MALFORMED;
}

static enum tp_rc decode_bytes(struct decoding *decoding, struct tp_pdf_value *value)
{
    struct tp_bytes bytes;
    TP_TRY(take_bytes(decoding, &bytes));
    if (value->kind == TP_PDF_REAL)
        TP_TRY(check_real(bytes));
    return tp_pdf_arena_copy(decoding->arena, bytes, &value->bytes) ? TP_OK : TP_MEMORY;
}

static enum tp_rc decode_content(struct decoding *decoding, int depth, struct tp_pdf_value *value)
{
    switch (value->kind) {
    case TP_PDF_NULL:
        return TP_OK;
    case TP_PDF_BOOLEAN:
        return decode_boolean(decoding, value);
    case TP_PDF_INTEGER:
        return decode_integer(decoding, value);
    case TP_PDF_REAL:
    case TP_PDF_STRING:
    case TP_PDF_NAME:
        return decode_bytes(decoding, value);
    case TP_PDF_REFERENCE:
        return decode_ref(decoding, value);
    case TP_PDF_ARRAY:
        return decode_array(decoding, depth, value);
    default:
        return decode_dictionary(decoding, depth, value);
    }
}

static enum tp_rc decode(struct decoding *decoding, int depth, const struct tp_pdf_value **ret_value)
{
    struct tp_bytes kind;
    if (depth > TP_PDF_DEPTH_MAX || decoding->values_left-- == 0)
        return TP_TOO_LARGE;
    TP_TRY(take(decoding, 1, &kind));
    if (kind.data[0] > TP_PDF_REFERENCE || (kind.data[0] == TP_PDF_STREAM && depth > 0))
        return TP_MALFORMED;
    struct tp_pdf_value *value = tp_pdf_arena_value(decoding->arena, kind.data[0]);
    if (value == NULL)
        return TP_MEMORY;
    TP_TRY(decode_content(decoding, depth, value));
    *ret_value = value;
    return TP_OK;
}

enum tp_rc tp_pdf_wire_decode(struct tp_pdf_arena *arena, struct tp_bytes wire, const struct tp_pdf_value **ret_value)
{
    struct decoding decoding = {.arena = arena, .left = wire, .values_left = TP_PDF_WIRE_VALUES_MAX};
    const struct tp_pdf_value *value = NULL;
    TP_TRY(decode(&decoding, 0, &value));
    if (decoding.left.len > 0)
        return TP_MALFORMED;
    *ret_value = value;
    return TP_OK;
}
