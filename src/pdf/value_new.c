/* SPDX-License-Identifier: Apache-2.0
 *
 * Building values. NULL comes out where memory is out; the arena knows.
 */
#include "pdf/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define REAL_DECIMALS 5
#define REAL_MOST     1e15 /* beyond, a double has no decimals, and readers have other limits anyway */

const struct tp_pdf_value *tp_pdf_new_null(struct tp_pdf_arena *arena)
{
    (void)arena;
    return &tp_pdf_null;
}

const struct tp_pdf_value *tp_pdf_new_boolean(struct tp_pdf_arena *arena, bool boolean)
{
    struct tp_pdf_value *value = tp_pdf_arena_value(arena, TP_PDF_BOOLEAN);
    if (value != NULL)
        value->boolean = boolean;
    return value;
}

const struct tp_pdf_value *tp_pdf_new_integer(struct tp_pdf_arena *arena, int64_t integer)
{
    struct tp_pdf_value *value = tp_pdf_arena_value(arena, TP_PDF_INTEGER);
    if (value != NULL)
        value->integer = integer;
    return value;
}

const struct tp_pdf_value *tp_pdf_new_bytes(struct tp_pdf_arena *arena, enum tp_pdf_kind kind, struct tp_bytes bytes)
{
    struct tp_pdf_value *value = tp_pdf_arena_value(arena, kind);
    return value != NULL && tp_pdf_arena_copy(arena, bytes, &value->bytes) ? value : NULL;
}

/* In thousandths of thousandths…, so that no locale writes a comma. */
const struct tp_pdf_value *tp_pdf_new_real(struct tp_pdf_arena *arena, double number)
{
    char text[40];
    const double bounded = isnan(number) ? 0 : fmax(-REAL_MOST, fmin(REAL_MOST, number));
    const double whole = trunc(bounded);
    long long integer = (long long)fabs(whole), scale = 1;
    for (int i = 0; i < REAL_DECIMALS; i++)
        scale *= 10;
    long long fraction = llround(fabs(bounded - whole) * (double)scale);
    integer += fraction / scale;
    fraction %= scale;
    int len = snprintf(text, sizeof(text), "%s%lld.%0*lld", bounded < 0 && (integer > 0 || fraction > 0) ? "-" : "",
                       integer, REAL_DECIMALS, fraction);
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    return tp_pdf_new_bytes(arena, TP_PDF_REAL, TP_BYTES(text, (size_t)len));
}

const struct tp_pdf_value *tp_pdf_new_name(struct tp_pdf_arena *arena, const char *name)
{
    return tp_pdf_new_bytes(arena, TP_PDF_NAME, tp_bytes_of_string(name));
}

const struct tp_pdf_value *tp_pdf_new_string(struct tp_pdf_arena *arena, struct tp_bytes bytes)
{
    return tp_pdf_new_bytes(arena, TP_PDF_STRING, bytes);
}

const struct tp_pdf_value *tp_pdf_new_ref(struct tp_pdf_arena *arena, struct tp_pdf_ref ref)
{
    struct tp_pdf_value *value = tp_pdf_arena_value(arena, TP_PDF_REFERENCE);
    if (value != NULL)
        value->ref = ref;
    return value;
}

const struct tp_pdf_value *tp_pdf_new_array(struct tp_pdf_arena *arena)
{
    return tp_pdf_arena_value(arena, TP_PDF_ARRAY);
}

const struct tp_pdf_value *tp_pdf_new_dictionary(struct tp_pdf_arena *arena)
{
    return tp_pdf_arena_value(arena, TP_PDF_DICTIONARY);
}

const struct tp_pdf_value *tp_pdf_new_stream(struct tp_pdf_arena *arena, const struct tp_pdf_value *dictionary)
{
    struct tp_pdf_value *value = tp_pdf_arena_value(arena, TP_PDF_STREAM);
    if (value != NULL && tp_pdf_is_dictionary(dictionary))
        value->dictionary = dictionary->dictionary;
    return value;
}

/* ARRAY that is no array is like an empty one. */
const struct tp_pdf_value *tp_pdf_with_item(struct tp_pdf_arena *arena, const struct tp_pdf_value *array,
                                            const struct tp_pdf_value *item)
{
    const size_t len = tp_pdf_kind(array) == TP_PDF_ARRAY ? array->array.len : 0;
    struct tp_pdf_value *value = tp_pdf_arena_value(arena, TP_PDF_ARRAY);
    const struct tp_pdf_value **items = tp_pdf_arena_take(arena, (len + 1) * sizeof(*items));
    if (value == NULL || items == NULL)
        return NULL;
    if (len > 0)
        memcpy(items, array->array.items, len * sizeof(*items));
    items[len] = item != NULL ? item : &tp_pdf_null;
    value->array.items = items;
    value->array.len = len + 1;
    return value;
}

/* Entries of FROM without KEY, and with it where VALUE is something. */
static size_t merge(const struct tp_pdf_value *from, struct tp_bytes key, const struct tp_pdf_value *value,
                    struct tp_pdf_entry *into)
{
    const size_t len = tp_pdf_is_dictionary(from) ? from->dictionary.len : 0;
    size_t done = 0, i = 0;
    for (; i < len && tp_pdf_key_compare(from->dictionary.entries[i].key, key) < 0; i++)
        into[done++] = from->dictionary.entries[i];
    if (value != NULL)
        into[done++] = (struct tp_pdf_entry){key, value};
    if (i < len && tp_bytes_equal(from->dictionary.entries[i].key, key))
        i++;
    for (; i < len; i++)
        into[done++] = from->dictionary.entries[i];
    return done;
}

const struct tp_pdf_value *tp_pdf_with(struct tp_pdf_arena *arena, const struct tp_pdf_value *dictionary, const char *key,
                                       const struct tp_pdf_value *value)
{
    const size_t len = tp_pdf_is_dictionary(dictionary) ? dictionary->dictionary.len : 0;
    struct tp_pdf_value *made = tp_pdf_arena_value(
        arena, tp_pdf_kind(dictionary) == TP_PDF_STREAM ? TP_PDF_STREAM : TP_PDF_DICTIONARY);
    struct tp_pdf_entry *entries = tp_pdf_arena_take(arena, (len + 1) * sizeof(*entries));
    struct tp_bytes own_key;
    if (made == NULL || entries == NULL || !tp_pdf_arena_copy(arena, tp_bytes_of_string(key), &own_key))
        return NULL;
    made->dictionary.len = merge(dictionary, own_key, value, entries);
    made->dictionary.entries = entries;
    return made;
}
