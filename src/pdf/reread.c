/* SPDX-License-Identifier: Apache-2.0 */
#include "pdf/reread.h"
#include "base/crypto.h"
#include "pdf/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- objects in the file ---- */

static bool agree(const struct tp_pdf_value *a, const struct tp_pdf_value *b, bool strings);

static bool members_agree(const struct tp_pdf_value *a, const struct tp_pdf_value *b, bool strings)
{
    struct tp_bytes key, other;
    if (tp_pdf_len(a) != tp_pdf_len(b))
        return false;
    for (size_t i = 0; i < tp_pdf_len(a); i++) {
        if (tp_pdf_kind(a) == TP_PDF_ARRAY && !agree(tp_pdf_at(a, i), tp_pdf_at(b, i), strings))
            return false;
        if (tp_pdf_is_dictionary(a) &&
            (!agree(tp_pdf_entry(a, i, &key), tp_pdf_entry(b, i, &other), strings) || !tp_bytes_equal(key, other)))
            return false;
    }
    return true;
}

static bool agree(const struct tp_pdf_value *a, const struct tp_pdf_value *b, bool strings)
{
    if (tp_pdf_kind(a) != tp_pdf_kind(b))
        return false;
    if (tp_pdf_kind(a) == TP_PDF_ARRAY || tp_pdf_is_dictionary(a))
        return members_agree(a, b, strings);
    return (tp_pdf_kind(a) == TP_PDF_STRING && !strings) || tp_pdf_equal(a, b);
}

/* TP_MALFORMED: others may see something else. */
static enum tp_rc compare(struct tp_pdf_syntax *syntax, struct tp_pdf_arena *arena, const struct tp_pdf_reread *expected, bool strings)
{
    const struct tp_pdf_value *value = NULL;
    struct tp_pdf_ref ref;
    if (!tp_pdf_syntax_object(syntax, &ref) || ref.id != expected->ref.id || ref.generation != expected->ref.generation)
        return TP_MALFORMED;
    TP_TRY(tp_pdf_syntax_value(syntax, arena, &value));
    if (tp_pdf_kind(expected->value) == TP_PDF_STREAM) {
        if (!tp_pdf_syntax_stream(syntax) || expected->length > syntax->text.len - syntax->at)
            return TP_MALFORMED;
        syntax->at += expected->length;
        if (!tp_pdf_syntax_word(syntax, "endstream"))
            return TP_MALFORMED;
        value = tp_pdf_new_stream(arena, tp_pdf_with(arena, value, "Length", NULL));
    }
    TP_TRY(tp_pdf_arena_check(arena));
    return tp_pdf_syntax_word(syntax, "endobj") && agree(expected->value, value, strings) ? TP_OK : TP_MALFORMED;
}

enum tp_rc tp_pdf_reread_object(struct tp_pdf_reader *reader, uint64_t at, const struct tp_pdf_reread *expected, bool *ret_same)
{
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    const size_t header = reader->ends.header_at;
    struct tp_pdf_syntax syntax = {TP_BYTES(reader->file.data + header, reader->file.len - header), (size_t)at, expected->absence};
    *ret_same = false;
    if (at >= syntax.text.len)
        return TP_OK;
    TP_TRY(tp_pdf_arena_new(&arena));
    const enum tp_rc rc = compare(&syntax, arena, expected, !qpdf_is_encrypted(reader->qpdf));
    *ret_same = rc == TP_OK;
    return rc == TP_MEMORY ? rc : TP_OK;
}

/* ---- object streams ---- */

/* It is not in another, its object is what QPDF has, and RET_DICTIONARY (in ARENA) is that. */
static enum tp_rc check_stream(struct tp_pdf_reader *reader, const struct tp_pdf_object_stream *stream, struct tp_pdf_arena *arena,
                               const struct tp_pdf_number *number, uint32_t id, qpdf_oh oh, const struct tp_pdf_value **ret_dictionary)
{
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    bool same = false;
    if (number->kind != TP_PDF_ENTRY_USED || number->generation != 0 || number->twice || !qpdf_oh_is_stream(reader->qpdf, oh))
        return TP_MALFORMED;
    TP_TRY(tp_pdf_reader_encode_without(reader, oh, "/Length", &wire));
    TP_TRY(tp_pdf_wire_decode(arena, tp_buf_bytes(&wire), ret_dictionary));
    const struct tp_pdf_reread expected = {{id, 0}, *ret_dictionary, tp_pdf_reader_length(reader, oh), stream->absence};
    TP_TRY(tp_pdf_reread_object(reader, number->at, &expected, &same));
    return same && tp_pdf_is_name(tp_pdf_get(*ret_dictionary, "Type"), "ObjStm") ? TP_OK : TP_MALFORMED;
}

enum tp_rc tp_pdf_reread_is_object_stream(const struct tp_pdf_reader *reader, uint64_t at, bool *ret_is)
{
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    const size_t header = reader->ends.header_at;
    struct tp_pdf_syntax syntax = {.text = TP_BYTES(reader->file.data + header, reader->file.len - header), .at = (size_t)at};
    const struct tp_pdf_value *value = NULL;
    struct tp_pdf_ref ref;
    TP_TRY(tp_pdf_arena_new(&arena));
    if (!tp_pdf_syntax_object(&syntax, &ref))
        return TP_MALFORMED;
    TP_TRY(tp_pdf_syntax_value(&syntax, arena, &value));
    TP_TRY(tp_pdf_arena_check(arena));
    const struct tp_pdf_value *type = tp_pdf_is_dictionary(value) ? tp_pdf_get(value, "Type") : NULL;
    *ret_is = tp_pdf_is_name(type, "ObjStm") || tp_pdf_kind(type) == TP_PDF_REFERENCE;
    return TP_OK;
}

static int by_id(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* A number twice: some readers take the first, some the last. */
static enum tp_rc check_members(const struct tp_pdf_object_stream *stream)
{
    enum tp_rc rc = TP_OK;
    uint32_t *ids = calloc(stream->len + 1, sizeof(*ids));
    if (ids == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < stream->len; i++)
        ids[i] = stream->members[i].id;
    qsort(ids, stream->len, sizeof(*ids), by_id);
    for (size_t i = 1; i < stream->len; i++)
        if (ids[i - 1] == ids[i])
            rc = TP_MALFORMED;
    free(ids);
    return rc;
}

static enum tp_rc read_members(const struct tp_pdf_value *dictionary, struct tp_pdf_object_stream *stream)
{
    const int64_t len = tp_pdf_integer(tp_pdf_get(dictionary, "N"), -1), first = tp_pdf_integer(tp_pdf_get(dictionary, "First"), -1);
    struct tp_pdf_syntax syntax = {TP_BYTES(stream->data, stream->data_len), 0, stream->absence};
    if (len < 0 || first < 0 || (uint64_t)len > stream->data_len || (uint64_t)first > stream->data_len)
        return TP_MALFORMED;
    stream->members = calloc((size_t)len + 1, sizeof(*stream->members));
    if (stream->members == NULL)
        return TP_MEMORY;
    for (; stream->len < (size_t)len; stream->len++) {
        uint64_t id = 0, at = 0;
        if (!tp_pdf_syntax_number(&syntax, &id) || !tp_pdf_syntax_number(&syntax, &at) || id > TP_PDF_OBJECTS_MAX ||
            at > stream->data_len - (size_t)first)
            return TP_MALFORMED;
        stream->members[stream->len] = (struct tp_pdf_member){(uint32_t)id, (size_t)first + (size_t)at};
    }
    return check_members(stream);
}

static enum tp_rc open_stream(struct tp_pdf_reader *reader, const struct tp_pdf_numbering *numbering, uint64_t id,
                              struct tp_pdf_object_stream *stream)
{
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    struct tp_error error = {.rc = TP_OK};
    const struct tp_pdf_value *dictionary = NULL;
    if (id == 0 || id >= numbering->size)
        return TP_MALFORMED;
    TP_TRY(tp_pdf_arena_new(&arena));
    qpdf_oh oh = tp_pdf_reader_look_up(reader, (struct tp_pdf_ref){(uint32_t)id, 0});
    TP_TRY(check_stream(reader, stream, arena, &numbering->numbers[id], (uint32_t)id, oh, &dictionary));
    TP_TRY(tp_pdf_reader_data(reader, oh, false, &error, &stream->data, &stream->data_len));
    return read_members(dictionary, stream);
}

enum tp_rc tp_pdf_object_stream_open(struct tp_pdf_reader *reader, const struct tp_pdf_numbering *numbering, uint64_t id,
                                     struct tp_pdf_absence absence, struct tp_pdf_object_stream *ret_stream)
{
    *ret_stream = (struct tp_pdf_object_stream){.absence = absence};
    const enum tp_rc rc = open_stream(reader, numbering, id, ret_stream);
    qpdf_oh_release_all(reader->qpdf);
    if (rc == TP_OK)
        return TP_OK;
    tp_pdf_object_stream_close(ret_stream);
    return rc == TP_MEMORY ? rc : TP_MALFORMED;
}

void tp_pdf_object_stream_close(struct tp_pdf_object_stream *stream)
{
    free(stream->members);
    free(stream->data);
    *stream = (struct tp_pdf_object_stream){.len = 0};
}

static enum tp_rc hash_member(const struct tp_pdf_object_stream *stream, size_t at, uint8_t ret_hash[32])
{
    struct tp_pdf_arena *arena TP_AUTO(tp_pdf_arena_free_p) = NULL;
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pdf_syntax syntax = {TP_BYTES(stream->data, stream->data_len), at, stream->absence};
    const struct tp_pdf_value *value = NULL;
    TP_TRY(tp_pdf_arena_new(&arena));
    TP_TRY(tp_pdf_syntax_value(&syntax, arena, &value));
    TP_TRY(tp_pdf_arena_check(arena));
    TP_TRY(tp_pdf_wire_encode(value, &wire));
    return tp_sha256(tp_buf_bytes(&wire), TP_BYTES_NONE, TP_BYTES_NONE, ret_hash);
}

enum tp_rc tp_pdf_reread_member(const struct tp_pdf_object_stream *stream, uint32_t id, uint32_t index, const uint8_t hash[32],
                                bool *ret_same)
{
    uint8_t found[32];
    *ret_same = false;
    if (index >= stream->len || stream->members[index].id != id)
        return TP_OK;
    const enum tp_rc rc = hash_member(stream, stream->members[index].at, found);
    *ret_same = rc == TP_OK && memcmp(found, hash, sizeof(found)) == 0;
    return rc == TP_MEMORY ? rc : TP_OK;
}
