/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects as QPDF has them, encoded. Its C API gives strings that die at the next call, and iterates the keys of one dictionary
 * at a time.
 */
#include "pdf/internal.h"
#include "pdf/reader.h"

#include <string.h>

struct tp_pdf_ref tp_pdf_reader_ref(struct tp_pdf_reader *reader, qpdf_oh oh)
{
    const int id = qpdf_oh_get_object_id(reader->qpdf, oh);
    if (id == 0)
        return (struct tp_pdf_ref){0, 0}; /* direct */
    const int generation = qpdf_oh_get_generation(reader->qpdf, oh);
    if (id < 0 || generation < 0 || generation > UINT16_MAX)
        return (struct tp_pdf_ref){UINT32_MAX, 0}; /* outside every file: null */
    return (struct tp_pdf_ref){(uint32_t)id, (uint16_t)generation};
}

qpdf_oh tp_pdf_reader_look_up(struct tp_pdf_reader *reader, struct tp_pdf_ref ref)
{
    if (ref.id == 0 || ref.id >= reader->size)
        return qpdf_oh_new_null(reader->qpdf);
    return qpdf_get_object_by_id(reader->qpdf, (int)ref.id, ref.generation);
}

struct encoding {
    struct tp_pdf_reader *reader;
    const char *without; /* a key, at depth 0 */
    struct tp_buf *wire;
    size_t values_left;
};

static enum tp_rc encode(struct encoding *encoding, qpdf_oh oh, int depth);

/* A member; its handle goes again, so that they are not one for each value of the file. */
static enum tp_rc encode_member(struct encoding *encoding, qpdf_oh oh, int depth)
{
    const struct tp_pdf_ref ref = tp_pdf_reader_ref(encoding->reader, oh);
    enum tp_rc rc = TP_OK;
    if (ref.id != 0) {
        rc = encoding->values_left-- == 0 ? TP_TOO_LARGE : tp_pdf_wire_put_kind(encoding->wire, TP_PDF_REFERENCE);
        if (rc == TP_OK)
            rc = tp_pdf_wire_put_ref(encoding->wire, ref);
    } else {
        rc = encode(encoding, oh, depth);
    }
    qpdf_oh_release(encoding->reader->qpdf, oh);
    return rc;
}

static enum tp_rc encode_array(struct encoding *encoding, qpdf_oh array, int depth)
{
    const int len = qpdf_oh_get_array_n_items(encoding->reader->qpdf, array);
    TP_TRY(tp_pdf_wire_put_u32(encoding->wire, (uint32_t)len));
    for (int i = 0; i < len; i++)
        TP_TRY(encode_member(encoding, qpdf_oh_get_array_item(encoding->reader->qpdf, array, i), depth + 1));
    return TP_OK;
}

/* The keys, each with its NUL, since the iteration is QPDF's only one, and members may be dictionaries. */
static enum tp_rc collect_keys(struct encoding *encoding, qpdf_oh dictionary, int depth, struct tp_buf *keys, uint32_t *ret_count)
{
    qpdf_data qpdf = encoding->reader->qpdf;
    uint32_t count = 0;
    qpdf_oh_begin_dict_key_iter(qpdf, dictionary);
    while (qpdf_oh_dict_more_keys(qpdf)) {
        const char *key = qpdf_oh_dict_next_key(qpdf);
        if (depth == 0 && encoding->without != NULL && strcmp(key, encoding->without) == 0)
            continue;
        TP_TRY(tp_buf_append(keys, TP_BYTES(key, strlen(key) + 1)));
        count++;
    }
    *ret_count = count;
    return TP_OK;
}

static struct tp_bytes without_slash(const char *name)
{
    return tp_bytes_of_string(name[0] == '/' ? name + 1 : name);
}

/* A # that begins no code is a NUL in QPDF, and its C API cuts keys there: such a one is not found again. */
static enum tp_rc encode_entry(struct encoding *encoding, qpdf_oh dictionary, const char *key, int depth)
{
    struct tp_buf contents TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const qpdf_oh value = qpdf_oh_get_key(encoding->reader->qpdf, dictionary, key);
    if (qpdf_oh_is_null(encoding->reader->qpdf, value))
        return TP_UNSUPPORTED;
    TP_TRY(tp_pdf_wire_put_bytes(encoding->wire, without_slash(key)));
    if (strcmp(key, "/Contents") == 0 && tp_pdf_reader_contents(encoding->reader, dictionary, &contents)) {
        TP_TRY(tp_pdf_wire_put_kind(encoding->wire, TP_PDF_STRING));
        return tp_pdf_wire_put_bytes(encoding->wire, tp_buf_bytes(&contents));
    }
    return encode_member(encoding, value, depth + 1);
}

static enum tp_rc encode_dictionary(struct encoding *encoding, qpdf_oh dictionary, int depth)
{
    struct tp_buf keys TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint32_t count = 0;
    TP_TRY(collect_keys(encoding, dictionary, depth, &keys, &count));
    TP_TRY(tp_pdf_wire_put_u32(encoding->wire, count));
    const char *key = tp_buf_string(&keys);
    for (uint32_t i = 0; i < count; i++, key += strlen(key) + 1)
        TP_TRY(encode_entry(encoding, dictionary, key, depth));
    return TP_OK;
}

static enum tp_rc encode_string(struct encoding *encoding, qpdf_oh oh)
{
    size_t len = 0;
    const char *bytes = qpdf_oh_get_binary_string_value(encoding->reader->qpdf, oh, &len);
    return tp_pdf_wire_put_bytes(encoding->wire, TP_BYTES(bytes, len));
}

/* Most readers take a # that begins no code for itself. */
static enum tp_rc encode_name(struct encoding *encoding, qpdf_oh oh)
{
    struct tp_buf name TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const char *raw = "";
    size_t len = 0;
    if (!qpdf_oh_get_value_as_name(encoding->reader->qpdf, oh, &raw, &len))
        len = 0;
    for (size_t i = 1; i < len; i++) /* behind the slash */
        TP_TRY(tp_buf_append_u8(&name, raw[i] == '\0' ? '#' : (uint8_t)raw[i]));
    return tp_pdf_wire_put_bytes(encoding->wire, tp_buf_bytes(&name));
}

static const enum tp_pdf_kind kinds[] = {
    [ot_null] = TP_PDF_NULL,     [ot_boolean] = TP_PDF_BOOLEAN, [ot_integer] = TP_PDF_INTEGER,
    [ot_real] = TP_PDF_REAL,     [ot_string] = TP_PDF_STRING,   [ot_name] = TP_PDF_NAME,
    [ot_array] = TP_PDF_ARRAY,   [ot_dictionary] = TP_PDF_DICTIONARY, [ot_stream] = TP_PDF_STREAM,
};

/* What is no object in a file (an operator, an unreadable thing) is null. */
static enum tp_pdf_kind kind_of(struct tp_pdf_reader *reader, qpdf_oh oh)
{
    const size_t code = (size_t)qpdf_oh_get_type_code(reader->qpdf, oh);
    return code < sizeof(kinds) / sizeof(kinds[0]) ? kinds[code] : TP_PDF_NULL;
}

static enum tp_rc encode_content(struct encoding *encoding, enum tp_pdf_kind kind, qpdf_oh oh, int depth)
{
    qpdf_data qpdf = encoding->reader->qpdf;
    switch (kind) {
    case TP_PDF_BOOLEAN:
        return tp_buf_append_u8(encoding->wire, qpdf_oh_get_bool_value(qpdf, oh) ? 1 : 0);
    case TP_PDF_INTEGER:
        return tp_pdf_wire_put_u64(encoding->wire, (uint64_t)qpdf_oh_get_int_value(qpdf, oh));
    case TP_PDF_REAL:
        return tp_pdf_wire_put_bytes(encoding->wire, tp_bytes_of_string(qpdf_oh_get_real_value(qpdf, oh)));
    case TP_PDF_STRING:
        return encode_string(encoding, oh);
    case TP_PDF_NAME:
        return encode_name(encoding, oh);
    case TP_PDF_ARRAY:
        return encode_array(encoding, oh, depth);
    case TP_PDF_DICTIONARY:
        return encode_dictionary(encoding, oh, depth);
    case TP_PDF_STREAM:
        return encode_dictionary(encoding, qpdf_oh_get_dict(qpdf, oh), depth);
    default:
        return TP_OK;
    }
}

static enum tp_rc encode(struct encoding *encoding, qpdf_oh oh, int depth)
{
    enum tp_pdf_kind kind = kind_of(encoding->reader, oh);
    if (depth > TP_PDF_DEPTH_MAX || encoding->values_left-- == 0)
        return TP_TOO_LARGE;
    if (kind == TP_PDF_STREAM && depth > 0)
        kind = TP_PDF_NULL; /* §7.3.8.1: streams are indirect */
    TP_TRY(tp_pdf_wire_put_kind(encoding->wire, kind));
    return encode_content(encoding, kind, oh, depth);
}

enum tp_rc tp_pdf_reader_encode_without(struct tp_pdf_reader *reader, qpdf_oh oh, const char *without,
                                        struct tp_buf *ret_wire)
{
    struct encoding encoding = {reader, without, ret_wire, TP_PDF_WIRE_VALUES_MAX};
    return encode(&encoding, oh, 0);
}

enum tp_rc tp_pdf_reader_encode(struct tp_pdf_reader *reader, qpdf_oh oh, struct tp_buf *ret_wire)
{
    return tp_pdf_reader_encode_without(reader, oh, NULL, ret_wire);
}
