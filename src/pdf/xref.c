/* SPDX-License-Identifier: Apache-2.0
 *
 * Cross-references of an update (ISO 32000-2 §7.5.4, §7.5.8), in the form that the document has. A hybrid gets a table: its
 * /XRefStm would speak of the section before.
 */
#include "pdf/update_internal.h"
#include "base/crypto.h"
#include "base/secret.h"

#include <stdlib.h>

#define ID_LEN 16

/* ---- what the trailer says ---- */

/* Entries of an earlier section's own (Tables 17, 18, 19, and those of a stream). */
static const char *const of_the_section[] = {"Type", "Index", "W", "Length", "Filter", "DecodeParms", "DL", "Prev", "XRefStm"};

/* §14.4: the first stays, the second is new. A document without one gets both, unless it is encrypted: then its key was made
 * from no /ID at all, and would be another. */
static const struct tp_pdf_value *with_id(struct tp_pdf_update *update, const struct tp_pdf_value *trailer,
                                          const struct tp_pdf_value *id, struct tp_bytes fresh)
{
    struct tp_pdf_arena *arena = update->arena;
    const struct tp_pdf_value *second = tp_pdf_new_string(arena, fresh);
    const struct tp_pdf_value *first = tp_pdf_at(id, 0);
    if (tp_pdf_kind(first) != TP_PDF_STRING && tp_pdf_document_facts(update->document)->encrypted)
        return trailer;
    const struct tp_pdf_value *both =
        tp_pdf_with_item(arena, tp_pdf_new_array(arena), tp_pdf_kind(first) == TP_PDF_STRING ? first : second);
    return tp_pdf_with(arena, trailer, "ID", tp_pdf_with_item(arena, both, second));
}

static enum tp_rc make_trailer(struct tp_pdf_update *update, uint32_t size, struct tp_error *error,
                               const struct tp_pdf_value **ret_trailer)
{
    const struct tp_pdf_value *trailer = tp_pdf_document_trailer(update->document), *id = NULL;
    struct tp_pdf_arena *arena = update->arena;
    uint8_t fresh[ID_LEN];
    TP_TRY(tp_random(fresh, sizeof(fresh)));
    TP_TRY(tp_pdf_document_get(update->document, trailer, "ID", error, &id));
    for (size_t i = 0; i < sizeof(of_the_section) / sizeof(of_the_section[0]); i++)
        trailer = tp_pdf_with(arena, trailer, of_the_section[i], NULL);
    trailer = with_id(update, trailer, id, TP_BYTES(fresh, sizeof(fresh)));
    trailer = tp_pdf_with(arena, trailer, "Size", tp_pdf_new_integer(arena, size));
    trailer = tp_pdf_with(arena, trailer, "Prev",
                          tp_pdf_new_integer(arena, tp_pdf_document_facts(update->document)->startxref));
    *ret_trailer = trailer;
    return tp_pdf_arena_check(arena);
}

/* ---- entries in order ---- */

struct place {
    struct tp_pdf_ref ref;
    uint64_t at;
};

struct places {
    struct place *items;
    size_t len;
};

static int by_id(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    return (left->ref.id > right->ref.id) - (left->ref.id < right->ref.id);
}

/* With room for one more. */
static enum tp_rc collect(const struct tp_pdf_update *update, struct places *ret_places)
{
    const struct tp_pdf_item *item;
    struct place *items = calloc(HASH_COUNT(update->items) + 1, sizeof(*items));
    size_t len = 0;
    if (items == NULL)
        return TP_MEMORY;
    for (item = update->items; item != NULL; item = item->hh.next)
        items[len++] = (struct place){item->ref, item->at};
    qsort(items, len, sizeof(*items), by_id);
    *ret_places = (struct places){items, len};
    return TP_OK;
}

static void places_clear(struct places *places)
{
    free(places->items);
}

/* How many from FIRST on have numbers without a gap. */
static size_t run_len(const struct places *places, size_t first)
{
    size_t len = 1;
    while (first + len < places->len && places->items[first + len].ref.id == places->items[first].ref.id + len)
        len++;
    return len;
}

/* ---- the table ---- */

static enum tp_rc write_table(const struct places *places, struct tp_buf *text)
{
    TP_TRY(tp_buf_append_string(text, "xref\n"));
    for (size_t first = 0, len; first < places->len; first += len) {
        len = run_len(places, first);
        TP_TRY(tp_buf_printf(text, "%u %zu\n", places->items[first].ref.id, len));
        for (size_t i = first; i < first + len; i++)
            TP_TRY(tp_buf_printf(text, "%010llu %05u n \n", (unsigned long long)places->items[i].at,
                                 places->items[i].ref.generation));
    }
    return TP_OK;
}

static enum tp_rc make_table(struct tp_pdf_update *update, const struct places *places, struct tp_error *error,
                             struct tp_buf *text)
{
    const struct tp_pdf_value *trailer = NULL;
    TP_TRY(make_trailer(update, update->next_id, error, &trailer));
    TP_TRY(write_table(places, text));
    TP_TRY(tp_buf_append_string(text, "trailer\n"));
    return tp_pdf_write(trailer, NULL, text);
}

/* ---- the stream ---- */

static unsigned width_of(uint64_t most)
{
    unsigned width = 1;
    while (most >> (8 * width) != 0)
        width++;
    return width;
}

static enum tp_rc put_number(struct tp_buf *data, uint64_t number, unsigned width)
{
    for (unsigned i = width; i-- > 0;)
        TP_TRY(tp_buf_append_u8(data, (uint8_t)(number >> (8 * i) & 0xFF)));
    return TP_OK;
}

/* Type 1 (Table 18): offset, generation. */
static enum tp_rc write_entries(const struct places *places, unsigned width, struct tp_buf *data)
{
    for (size_t i = 0; i < places->len; i++) {
        TP_TRY(put_number(data, 1, 1));
        TP_TRY(put_number(data, places->items[i].at, width));
        TP_TRY(put_number(data, places->items[i].ref.generation, 2));
    }
    return TP_OK;
}

static const struct tp_pdf_value *numbers(struct tp_pdf_arena *arena, const uint64_t *values, size_t len)
{
    const struct tp_pdf_value *array = tp_pdf_new_array(arena);
    for (size_t i = 0; i < len; i++)
        array = tp_pdf_with_item(arena, array, tp_pdf_new_integer(arena, (int64_t)values[i]));
    return array;
}

static const struct tp_pdf_value *make_index(struct tp_pdf_arena *arena, const struct places *places)
{
    const struct tp_pdf_value *index = tp_pdf_new_array(arena);
    for (size_t first = 0, len; first < places->len; first += len) {
        len = run_len(places, first);
        index = tp_pdf_with_item(arena, index, tp_pdf_new_integer(arena, places->items[first].ref.id));
        index = tp_pdf_with_item(arena, index, tp_pdf_new_integer(arena, (int64_t)len));
    }
    return index;
}

static enum tp_rc make_stream(struct tp_pdf_update *update, struct places *places, uint64_t at, struct tp_error *error,
                              struct tp_buf *text)
{
    struct tp_buf data TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pdf_arena *arena = update->arena;
    const struct tp_pdf_value *trailer = NULL;
    const unsigned width = width_of(at);
    places->items[places->len++] = (struct place){{update->next_id, 0}, at}; /* it speaks of itself, too */
    TP_TRY(make_trailer(update, update->next_id + 1, error, &trailer));
    TP_TRY(write_entries(places, width, &data));
    trailer = tp_pdf_with(arena, trailer, "Type", tp_pdf_new_name(arena, "XRef"));
    trailer = tp_pdf_with(arena, trailer, "W", numbers(arena, (const uint64_t[]){1, width, 2}, 3));
    trailer = tp_pdf_with(arena, trailer, "Index", make_index(arena, places));
    trailer = tp_pdf_with(arena, trailer, "Length", tp_pdf_new_integer(arena, (int64_t)data.len));
    TP_TRY(tp_pdf_arena_check(arena));
    TP_TRY(tp_buf_printf(text, "%u 0 obj\n", update->next_id));
    TP_TRY(tp_pdf_write(trailer, NULL, text));
    TP_TRY(tp_buf_append_string(text, "\nstream\n"));
    TP_TRY(tp_buf_append(text, tp_buf_bytes(&data)));
    return tp_buf_append_string(text, "\nendstream\nendobj");
}

enum tp_rc tp_pdf_xref_make(struct tp_pdf_update *update, uint64_t at, struct tp_error *error, struct tp_buf *ret_text)
{
    struct places places TP_AUTO(places_clear) = {0};
    const bool stream = tp_pdf_document_facts(update->document)->xref == TP_PDF_XREF_STREAM;
    TP_TRY(collect(update, &places));
    TP_TRY(stream ? make_stream(update, &places, at, error, ret_text) : make_table(update, &places, error, ret_text));
    return tp_buf_printf(ret_text, "\nstartxref\n%llu\n%%%%EOF\n", (unsigned long long)at);
}
