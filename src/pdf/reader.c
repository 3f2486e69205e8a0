/* SPDX-License-Identifier: Apache-2.0
 *
 * QPDF's C API. Of it: strings that it returns die at the next call; a dictionary's keys are iterated one dictionary at a time;
 * page functions repair the tree in memory and invent objects, so none is used here (pages.c).
 */
#include "pdf/reader.h"
#include "pdf/internal.h"
#include "pdf/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- QPDF's complaints ---- */

static enum tp_rc rc_of(enum qpdf_error_code_e code)
{
    switch (code) {
    case qpdf_e_password:
        return TP_PIN_WRONG;
    case qpdf_e_unsupported:
        return TP_UNSUPPORTED;
    case qpdf_e_system:
        return TP_TOO_LARGE;
    default:
        return TP_MALFORMED;
    }
}

/* std::bad_alloc comes as an internal error with these words. */
static bool is_memory(const char *words)
{
    return strstr(words, "bad_alloc") != NULL || strstr(words, "length_error") != NULL;
}

static enum tp_rc fail(struct tp_pdf_reader *reader, qpdf_error complaint, const char *what, struct tp_error *error)
{
    char words[256] = "";
    const enum tp_rc rc = rc_of(qpdf_get_error_code(reader->qpdf, complaint));
    (void)snprintf(words, sizeof(words), "%s", qpdf_get_error_message_detail(reader->qpdf, complaint));
    if (is_memory(qpdf_get_error_full_text(reader->qpdf, complaint)) || is_memory(words))
        return tp_error_set(error, TP_TOO_LARGE, "%s: it needs more memory than a reader of PDFs gets", what);
    if (rc == TP_PIN_WRONG)
        return tp_error_set(error, rc, "the document is encrypted, and the password is wrong or missing; give its user's or its owner's");
    return tp_error_set(error, rc, "%s: %s", what, words[0] == '\0' ? "damaged" : words);
}

/* Warnings about what was mended: of a stream's length nothing is lost, but a table that was rebuilt has nothing to do with
 * what other readers see. */
static bool has_rebuilt(struct tp_pdf_reader *reader)
{
    bool rebuilt = false;
    while (qpdf_more_warnings(reader->qpdf)) {
        const char *words = qpdf_get_error_message_detail(reader->qpdf, qpdf_next_warning(reader->qpdf));
        rebuilt = rebuilt || strstr(words, "reconstruct") != NULL;
    }
    return rebuilt;
}

enum tp_rc tp_pdf_reader_check(struct tp_pdf_reader *reader, const char *what, struct tp_error *error)
{
    if (qpdf_has_error(reader->qpdf))
        return fail(reader, qpdf_get_error(reader->qpdf), what, error);
    if (has_rebuilt(reader) && !reader->repaired)
        return tp_error_set(error, TP_MALFORMED, "%s: it is not where the cross-reference table says", what);
    return TP_OK;
}

/* ---- values ---- */

struct tp_pdf_ref tp_pdf_reader_ref(struct tp_pdf_reader *reader, qpdf_oh oh)
{
    if (!qpdf_oh_is_indirect(reader->qpdf, oh))
        return (struct tp_pdf_ref){0, 0};
    const int id = qpdf_oh_get_object_id(reader->qpdf, oh), generation = qpdf_oh_get_generation(reader->qpdf, oh);
    if (id <= 0 || generation < 0 || generation > UINT16_MAX)
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

static enum tp_rc encode_entry(struct encoding *encoding, qpdf_oh dictionary, const char *key, int depth)
{
    struct tp_buf contents TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pdf_wire_put_bytes(encoding->wire, without_slash(key)));
    if (strcmp(key, "/Contents") == 0 && tp_pdf_reader_contents(encoding->reader, dictionary, &contents)) {
        TP_TRY(tp_pdf_wire_put_kind(encoding->wire, TP_PDF_STRING));
        return tp_pdf_wire_put_bytes(encoding->wire, tp_buf_bytes(&contents));
    }
    return encode_member(encoding, qpdf_oh_get_key(encoding->reader->qpdf, dictionary, key), depth + 1);
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
        return tp_pdf_wire_put_bytes(encoding->wire, without_slash(qpdf_oh_get_name(qpdf, oh)));
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

/* ---- answers ---- */

static enum tp_rc too_large(enum tp_rc rc, const char *what, struct tp_error *error)
{
    return rc == TP_TOO_LARGE ? tp_error_set(error, rc, "%s: nested deeper than %d, or too large", what, TP_PDF_DEPTH_MAX)
                              : rc;
}

static void name_object(struct tp_pdf_ref ref, char ret_words[48])
{
    (void)snprintf(ret_words, 48, "object %u %u of the document", ref.id, ref.generation);
}

enum tp_rc tp_pdf_reader_object(struct tp_pdf_reader *reader, struct tp_pdf_ref ref, struct tp_error *error,
                                struct tp_buf *ret_answer)
{
    char what[48];
    name_object(ref, what);
    const enum tp_rc rc = tp_pdf_reader_encode(reader, tp_pdf_reader_look_up(reader, ref), ret_answer);
    qpdf_oh_release_all(reader->qpdf);
    TP_TRY(tp_pdf_reader_check(reader, what, error));
    return too_large(rc, what, error);
}

enum tp_rc tp_pdf_reader_data(struct tp_pdf_reader *reader, qpdf_oh stream, bool raw, struct tp_error *error,
                              unsigned char **ret_data, size_t *ret_len)
{
    QPDF_BOOL filtered = QPDF_FALSE;
    unsigned char *data = NULL;
    size_t len = 0;
    TP_TRY(tp_pdf_reader_check(reader, "a stream of the document", error)); /* earlier warnings are not this one's */
    const QPDF_ERROR_CODE code = qpdf_oh_get_stream_data(reader->qpdf, stream, raw ? qpdf_dl_none : qpdf_dl_specialized,
                                                         &filtered, &data, &len);
    enum tp_rc rc = tp_pdf_reader_check(reader, "a stream of the document", error);
    if (rc == TP_OK && ((code & QPDF_ERRORS) != 0 || (!raw && (code & QPDF_WARNINGS) != 0)))
        rc = tp_error_set(error, TP_MALFORMED, "a stream of the document cannot be decoded");
    if (rc == TP_OK && !raw && !filtered)
        rc = tp_error_set(error, TP_UNSUPPORTED, "a stream of the document has a filter that is not known here");
    if (rc != TP_OK) {
        free(data);
        return rc;
    }
    *ret_data = data;
    *ret_len = len;
    return TP_OK;
}

enum tp_rc tp_pdf_reader_stream(struct tp_pdf_reader *reader, struct tp_pdf_ref ref, struct tp_error *error,
                                struct tp_buf *ret_answer)
{
    char what[48];
    unsigned char *data = NULL;
    size_t len = 0;
    name_object(ref, what);
    qpdf_oh stream = tp_pdf_reader_look_up(reader, ref);
    if (!qpdf_oh_is_stream(reader->qpdf, stream)) {
        qpdf_oh_release_all(reader->qpdf);
        TP_TRY(tp_pdf_reader_check(reader, what, error));
        return tp_error_set(error, TP_NOT_FOUND, "%s is no stream", what);
    }
    enum tp_rc rc = tp_pdf_reader_data(reader, stream, false, error, &data, &len);
    qpdf_oh_release_all(reader->qpdf);
    if (rc == TP_OK && len > reader->stream_most)
        rc = tp_error_set(error, TP_TOO_LARGE, "%s: its data are larger than %zu bytes", what, reader->stream_most);
    if (rc == TP_OK)
        rc = tp_buf_append(ret_answer, TP_BYTES(data, len));
    free(data);
    return rc;
}

/* ---- opening ---- */

/* "1.7" is 17. */
static unsigned version_of(const char *text)
{
    return text[0] >= '1' && text[0] <= '9' && text[1] == '.' && text[2] >= '0' && text[2] <= '9'
               ? (unsigned)(text[0] - '0') * 10 + (unsigned)(text[2] - '0')
               : 0;
}

static unsigned catalog_version(struct tp_pdf_reader *reader)
{
    qpdf_oh version = qpdf_oh_get_key(reader->qpdf, qpdf_get_root(reader->qpdf), "/Version");
    const char *name = qpdf_oh_is_name(reader->qpdf, version) ? qpdf_oh_get_name(reader->qpdf, version) : "";
    return name[0] == '/' ? version_of(name + 1) : 0;
}

static uint8_t form_of(struct tp_pdf_reader *reader, qpdf_oh trailer)
{
    const bool hybrid = qpdf_oh_has_key(reader->qpdf, trailer, "/XRefStm") != 0;
    return !reader->ends.table ? TP_PDF_XREF_STREAM : hybrid ? TP_PDF_XREF_HYBRID : TP_PDF_XREF_TABLE;
}

enum tp_rc tp_pdf_reader_facts(struct tp_pdf_reader *reader, struct tp_error *error, struct tp_buf *ret_answer)
{
    qpdf_oh trailer = qpdf_get_trailer(reader->qpdf);
    const unsigned header = version_of(qpdf_get_pdf_version(reader->qpdf)), catalog = catalog_version(reader);
    TP_TRY(tp_buf_append_u8(ret_answer, (uint8_t)(header > catalog ? header : catalog)));
    TP_TRY(tp_buf_append_u8(ret_answer, form_of(reader, trailer)));
    TP_TRY(tp_buf_append_u8(ret_answer, qpdf_is_encrypted(reader->qpdf) ? 1 : 0));
    TP_TRY(tp_buf_append_u8(ret_answer, reader->repaired ? 1 : 0));
    TP_TRY(tp_pdf_wire_put_u32(ret_answer, reader->size));
    TP_TRY(tp_pdf_wire_put_u64(ret_answer, (uint64_t)reader->ends.startxref));
    TP_TRY(tp_pdf_wire_put_u64(ret_answer, reader->ends.header_at));
    const enum tp_rc rc = tp_pdf_reader_encode(reader, trailer, ret_answer);
    qpdf_oh_release_all(reader->qpdf);
    TP_TRY(tp_pdf_reader_check(reader, "the document's trailer", error));
    return too_large(rc, "the document's trailer", error);
}

static void drop(struct tp_pdf_reader *reader)
{
    if (reader->qpdf != NULL)
        qpdf_cleanup(&reader->qpdf);
    reader->qpdf = NULL;
}

static enum tp_rc attempt(struct tp_pdf_reader *reader, const char *password, bool recover, struct tp_error *error)
{
    drop(reader);
    reader->qpdf = qpdf_init();
    reader->repaired = recover;
    qpdf_silence_errors(reader->qpdf);
    qpdf_set_suppress_warnings(reader->qpdf, QPDF_TRUE);
    qpdf_set_attempt_recovery(reader->qpdf, recover ? QPDF_TRUE : QPDF_FALSE);
    (void)qpdf_read_memory(reader->qpdf, "document", (const char *)reader->file.data, reader->file.len, password);
    return tp_pdf_reader_check(reader, "the document", error);
}

/* As security.c does: as given, in PDFDocEncoding, and none. */
static enum tp_rc try_passwords(struct tp_pdf_reader *reader, const char *password, bool recover, struct tp_error *error)
{
    struct tp_buf doc TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    enum tp_rc rc = attempt(reader, password, recover, error);
    if (rc == TP_PIN_WRONG && tp_pdf_text_to_doc(tp_bytes_of_string(password), &doc) == TP_OK)
        rc = attempt(reader, tp_buf_string(&doc), recover, error);
    return rc == TP_PIN_WRONG ? attempt(reader, "", recover, error) : rc;
}

/* Without mending first, to know whether there is something to mend. */
static enum tp_rc read_file(struct tp_pdf_reader *reader, const char *password, struct tp_error *error)
{
    enum tp_rc rc = try_passwords(reader, password, false, error);
    if (rc == TP_MALFORMED)
        rc = try_passwords(reader, password, true, error);
    TP_TRY(rc);
    qpdf_set_attempt_recovery(reader->qpdf, QPDF_TRUE); /* lengths of streams; see tp_pdf_reader_check */
    return TP_OK;
}

static enum tp_rc read_size(struct tp_pdf_reader *reader, struct tp_error *error)
{
    qpdf_oh size = qpdf_oh_get_key(reader->qpdf, qpdf_get_trailer(reader->qpdf), "/Size");
    const long long number = qpdf_oh_is_integer(reader->qpdf, size) ? qpdf_oh_get_int_value(reader->qpdf, size) : 0;
    if (!qpdf_oh_is_dictionary(reader->qpdf, qpdf_get_root(reader->qpdf)))
        return tp_error_set(error, TP_MALFORMED, "the document has no catalog (/Root)");
    TP_TRY(tp_pdf_reader_check(reader, "the document", error));
    if (number < 1 || number > (long long)TP_PDF_OBJECTS_MAX + 1)
        return tp_error_set(error, TP_MALFORMED, "the document's /Size of %lld is out of range", number);
    reader->size = (uint32_t)number;
    return TP_OK;
}

enum tp_rc tp_pdf_reader_open(struct tp_bytes file, const char *password, size_t stream_most, struct tp_error *error,
                              struct tp_pdf_reader **ret_reader)
{
    struct tp_pdf_reader *reader TP_AUTO(tp_pdf_reader_free_p) = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return TP_MEMORY;
    reader->file = file;
    reader->stream_most = stream_most;
    tp_pdf_ends_look(file, &reader->ends);
    TP_TRY(read_file(reader, password, error));
    TP_TRY(read_size(reader, error));
    *ret_reader = reader;
    reader = NULL;
    return TP_OK;
}

void tp_pdf_reader_free(struct tp_pdf_reader *reader)
{
    if (reader == NULL)
        return;
    drop(reader);
    free(reader);
}
