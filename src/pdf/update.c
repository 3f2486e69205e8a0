/* SPDX-License-Identifier: Apache-2.0
 *
 * What an update consists of. An object is turned into its bytes when it is put, so that writing is copying.
 */
#include "pdf/update_internal.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- whether and what ---- */

static enum tp_rc refuse_damaged(const struct tp_pdf_facts *facts, struct tp_error *error)
{
    if (facts->repaired)
        return tp_error_set(error, TP_UNSUPPORTED,
                            "the document's cross-reference table is damaged, and nothing can be appended to it; write it anew "
                            "first, where that breaks no signature: qpdf in.pdf out.pdf");
    if (facts->header_at > 0)
        return tp_error_set(error, TP_UNSUPPORTED,
                            "%llu bytes stand before the document's %%PDF, and whether offsets and a signature's range count "
                            "from there or from the file's beginning, programs do not agree; write it anew first: "
                            "qpdf in.pdf out.pdf",
                            (unsigned long long)facts->header_at);
    return TP_OK;
}

enum tp_rc tp_pdf_update_new(struct tp_pdf_document *document, struct tp_error *error, struct tp_pdf_update **ret_update)
{
    const struct tp_pdf_facts *facts = tp_pdf_document_facts(document);
    struct tp_pdf_update *update TP_AUTO(tp_pdf_update_free_p) = NULL;
    TP_TRY(refuse_damaged(facts, error));
    if (tp_pdf_ref(tp_pdf_get(tp_pdf_document_trailer(document), "Root")).id == 0 || facts->startxref < 0)
        return tp_error_set(error, TP_MALFORMED, "the document's trailer has no reference to a catalog (/Root)");
    update = calloc(1, sizeof(*update));
    if (update == NULL)
        return TP_MEMORY;
    update->document = document;
    update->next_id = facts->size;
    TP_TRY(tp_pdf_arena_new(&update->arena));
    if (facts->encrypted)
        TP_TRY(tp_pdf_security_new(document, tp_pdf_document_password(document), error, &update->security));
    *ret_update = update;
    update = NULL;
    return TP_OK;
}

static void free_item(struct tp_pdf_item *item)
{
    tp_buf_clear(&item->text);
    free(item);
}

void tp_pdf_update_free(struct tp_pdf_update *update)
{
    struct tp_pdf_item *item, *next;
    if (update == NULL)
        return;
    HASH_ITER(hh, update->items, item, next) {
        HASH_DEL(update->items, item);
        free_item(item);
    }
    tp_pdf_arena_free(update->arena);
    tp_pdf_security_free(update->security);
    free(update);
}

/* ---- objects ---- */

struct tp_pdf_ref tp_pdf_update_new_ref(struct tp_pdf_update *update)
{
    return update->next_id > TP_PDF_OBJECTS_MAX ? (struct tp_pdf_ref){0, 0} : (struct tp_pdf_ref){update->next_id++, 0};
}

static struct tp_pdf_item *find(const struct tp_pdf_update *update, uint32_t id)
{
    struct tp_pdf_item *item = NULL;
    HASH_FIND(hh, update->items, &id, sizeof(id), item);
    return item;
}

enum tp_rc tp_pdf_update_object(struct tp_pdf_update *update, struct tp_pdf_ref ref, struct tp_error *error,
                                const struct tp_pdf_value **ret_value)
{
    const struct tp_pdf_item *item = find(update, ref.id);
    if (item == NULL)
        return tp_pdf_document_object(update->document, ref, error, ret_value);
    *ret_value = item->ref.generation == ref.generation ? item->value : &tp_pdf_null;
    return TP_OK;
}

/* Takes over ITEM, in place of one of the same number. */
static void put(struct tp_pdf_update *update, struct tp_pdf_item *item)
{
    struct tp_pdf_item *before = find(update, item->ref.id);
    if (before != NULL) {
        update->signature = update->signature == before ? NULL : update->signature;
        HASH_DEL(update->items, before);
        free_item(before);
    }
    HASH_ADD(hh, update->items, ref.id, sizeof(item->ref.id), item);
}

static enum tp_rc check_put(const struct tp_pdf_update *update, struct tp_pdf_ref ref, const struct tp_pdf_value *value,
                            struct tp_error *error)
{
    if (ref.id == 0 || ref.id >= update->next_id)
        return tp_error_set(error, TP_BAD_ARGUMENT, "object %u is neither of the document nor new", ref.id);
    if (value == NULL)
        return TP_MEMORY; /* what a constructor answers when it is out */
    return TP_OK;
}

static enum tp_rc begin_item(struct tp_pdf_ref ref, const struct tp_pdf_value *value, struct tp_pdf_item **ret_item)
{
    struct tp_pdf_item *item = calloc(1, sizeof(*item));
    if (item == NULL)
        return TP_MEMORY;
    item->ref = ref;
    item->value = value;
    const enum tp_rc rc = tp_buf_printf(&item->text, "%u %u obj\n", ref.id, ref.generation);
    if (rc != TP_OK)
        free_item(item);
    else
        *ret_item = item;
    return rc;
}

TP_DEFINE_AUTO(struct tp_pdf_item, free_item)

struct encrypting {
    struct tp_pdf_security *security;
    struct tp_pdf_ref ref;
};

static enum tp_rc encrypt_string(void *context, struct tp_bytes plain, struct tp_buf *ret_string)
{
    const struct encrypting *encrypting = context;
    return tp_pdf_security_string(encrypting->security, encrypting->ref, plain, ret_string);
}

static enum tp_rc write_value(const struct tp_pdf_update *update, struct tp_pdf_ref ref, const struct tp_pdf_value *value,
                              struct tp_buf *text)
{
    struct encrypting encrypting = {update->security, ref};
    const struct tp_pdf_write_hook hook = {encrypt_string, &encrypting};
    return tp_pdf_write(value, update->security == NULL ? NULL : &hook, text);
}

static enum tp_rc write_object(const struct tp_pdf_update *update, struct tp_pdf_item *item)
{
    TP_TRY(write_value(update, item->ref, item->value, &item->text));
    return tp_buf_append_string(&item->text, "\nendobj\n");
}

static enum tp_rc say_size(enum tp_rc rc, struct tp_pdf_ref ref, struct tp_error *error)
{
    return rc == TP_TOO_LARGE ? tp_error_set(error, rc, "object %u is too large, or nested deeper than %d", ref.id,
                                             TP_PDF_DEPTH_MAX)
                              : rc;
}

enum tp_rc tp_pdf_update_put(struct tp_pdf_update *update, struct tp_pdf_ref ref, const struct tp_pdf_value *value,
                             struct tp_error *error)
{
    struct tp_pdf_item *item TP_AUTO(free_item_p) = NULL;
    TP_TRY(check_put(update, ref, value, error));
    if (tp_pdf_kind(value) == TP_PDF_STREAM)
        return tp_error_set(error, TP_BAD_ARGUMENT, "object %u is a stream, and is put with its data", ref.id);
    TP_TRY(begin_item(ref, value, &item));
    TP_TRY(say_size(write_object(update, item), ref, error));
    put(update, item);
    item = NULL;
    return TP_OK;
}

/* ---- streams ---- */

static enum tp_rc deflate_data(struct tp_bytes data, struct tp_buf *packed)
{
    uLongf len = compressBound(data.len);
    TP_TRY(tp_buf_reserve(packed, len));
    if (compress2(packed->data, &len, data.data, data.len, Z_DEFAULT_COMPRESSION) != Z_OK)
        return TP_MEMORY;
    packed->len = len;
    return TP_OK;
}

static enum tp_rc write_stream(const struct tp_pdf_update *update, struct tp_pdf_item *item, struct tp_bytes data)
{
    TP_TRY(write_value(update, item->ref, item->value, &item->text));
    TP_TRY(tp_buf_append_string(&item->text, "\nstream\n"));
    TP_TRY(tp_buf_append(&item->text, data));
    return tp_buf_append_string(&item->text, "\nendstream\nendobj\n");
}

/* Data that have a filter already stay as they are: an image is not made smaller by another. */
static enum tp_rc pack(struct tp_pdf_update *update, bool compress, const struct tp_pdf_value **dictionary,
                       struct tp_bytes *data, struct tp_buf *packed)
{
    if (!compress || data->len == 0 || tp_pdf_get(*dictionary, "Filter") != NULL)
        return TP_OK;
    TP_TRY(deflate_data(*data, packed));
    if (packed->len >= data->len)
        return TP_OK;
    *data = tp_buf_bytes(packed);
    *dictionary = tp_pdf_with(update->arena, *dictionary, "Filter", tp_pdf_new_name(update->arena, "FlateDecode"));
    return tp_pdf_arena_check(update->arena);
}

enum tp_rc tp_pdf_update_put_stream(struct tp_pdf_update *update, struct tp_pdf_ref ref, const struct tp_pdf_value *dictionary,
                                    struct tp_bytes data, bool compress, struct tp_error *error)
{
    struct tp_pdf_item *item TP_AUTO(free_item_p) = NULL;
    struct tp_buf packed TP_AUTO(tp_buf_clear) = TP_BUF_INIT, encrypted TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(check_put(update, ref, dictionary, error));
    if (!tp_pdf_is_dictionary(dictionary))
        return tp_error_set(error, TP_BAD_ARGUMENT, "the stream %u has no dictionary", ref.id);
    TP_TRY(say_size(pack(update, compress, &dictionary, &data, &packed), ref, error));
    if (update->security != NULL) {
        TP_TRY(say_size(tp_pdf_security_stream(update->security, ref, dictionary, data, &encrypted), ref, error));
        data = tp_buf_bytes(&encrypted);
    }
    dictionary = tp_pdf_with(update->arena, dictionary, "Length", tp_pdf_new_integer(update->arena, (int64_t)data.len));
    const struct tp_pdf_value *stream = tp_pdf_new_stream(update->arena, dictionary);
    TP_TRY(tp_pdf_arena_check(update->arena));
    TP_TRY(begin_item(ref, stream, &item));
    TP_TRY(say_size(write_stream(update, item, data), ref, error));
    put(update, item);
    item = NULL;
    return TP_OK;
}

/* ---- the signature ---- */

static enum tp_rc write_contents(struct tp_pdf_item *item, size_t contents_len)
{
    TP_TRY(tp_buf_append_string(&item->text, "\n/Contents "));
    item->contents_at = item->text.len;
    item->contents_len = 2 * contents_len + 2;
    TP_TRY(tp_buf_reserve(&item->text, item->contents_len));
    memset(item->text.data + item->text.len, '0', item->contents_len);
    item->text.data[item->text.len] = '<';
    item->text.len += item->contents_len;
    item->text.data[item->text.len - 1] = '>';
    return tp_buf_append_string(&item->text, ">>\nendobj\n");
}

/* The dictionary's end is taken off again and written behind what comes in. */
static enum tp_rc write_signature(const struct tp_pdf_update *update, struct tp_pdf_item *item, size_t contents_len)
{
    TP_TRY(write_value(update, item->ref, item->value, &item->text));
    item->text.len -= strlen(">>");
    TP_TRY(tp_buf_append_string(&item->text, "\n/ByteRange "));
    item->range_at = item->text.len;
    TP_TRY(tp_buf_printf(&item->text, "%*s", TP_PDF_RANGE_LEN, ""));
    return write_contents(item, contents_len);
}

enum tp_rc tp_pdf_update_put_signature(struct tp_pdf_update *update, struct tp_pdf_ref ref, const struct tp_pdf_value *value,
                                       size_t contents_len, struct tp_error *error)
{
    struct tp_pdf_item *item TP_AUTO(free_item_p) = NULL;
    TP_TRY(check_put(update, ref, value, error));
    if (tp_pdf_kind(value) != TP_PDF_DICTIONARY || contents_len == 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the signature %u is no dictionary, or has no room", ref.id);
    if (contents_len > TP_BUF_MAX / 4)
        return tp_error_set(error, TP_TOO_LARGE, "a signature of %zu bytes is too large", contents_len);
    if (update->signature != NULL && update->signature->ref.id != ref.id)
        return tp_error_set(error, TP_EXISTS, "an update has one signature; write this one first");
    value = tp_pdf_with(update->arena, value, "ByteRange", NULL);
    value = tp_pdf_with(update->arena, value, "Contents", NULL);
    TP_TRY(tp_pdf_arena_check(update->arena));
    TP_TRY(begin_item(ref, value, &item));
    TP_TRY(say_size(write_signature(update, item, contents_len), ref, error));
    put(update, item);
    update->signature = item;
    item = NULL;
    return TP_OK;
}
