/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: their arena, and looking at them.
 */
#include "pdf/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_LEN ((size_t)16 << 10)
#define ALIGNMENT ((size_t)16)

struct chunk {
    struct chunk *next;
    size_t used, len;
    _Alignas(16) uint8_t memory[];
};

struct tp_pdf_arena {
    struct chunk *chunks; /* the first is being filled */
    bool failed;
};

const struct tp_pdf_value tp_pdf_null = {.kind = TP_PDF_NULL};

enum tp_rc tp_pdf_arena_new(struct tp_pdf_arena **ret_arena)
{
    struct tp_pdf_arena *arena = calloc(1, sizeof(*arena));
    if (arena == NULL)
        return TP_MEMORY;
    *ret_arena = arena;
    return TP_OK;
}

void tp_pdf_arena_free(struct tp_pdf_arena *arena)
{
    if (arena == NULL)
        return;
    while (arena->chunks != NULL) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
    free(arena);
}

enum tp_rc tp_pdf_arena_check(const struct tp_pdf_arena *arena)
{
    return arena->failed ? TP_MEMORY : TP_OK;
}

/* One that is too large for what is left gets a chunk of its own; smaller ones go on in the next. */
static bool add_chunk(struct tp_pdf_arena *arena, size_t len)
{
    const size_t chunk_len = len > CHUNK_LEN ? len : CHUNK_LEN;
    struct chunk *chunk = chunk_len > SIZE_MAX - sizeof(*chunk) ? NULL : calloc(1, sizeof(*chunk) + chunk_len);
    if (chunk == NULL)
        return false;
    chunk->len = chunk_len;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return true;
}

void *tp_pdf_arena_take(struct tp_pdf_arena *arena, size_t len)
{
    const size_t padded = len > SIZE_MAX - ALIGNMENT ? 0 : (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct chunk *chunk = arena->chunks;
    if (padded < len || ((chunk == NULL || chunk->len - chunk->used < padded) && !add_chunk(arena, padded))) {
        arena->failed = true;
        return NULL;
    }
    chunk = arena->chunks;
    void *memory = chunk->memory + chunk->used;
    chunk->used += padded;
    return memory;
}

bool tp_pdf_arena_copy(struct tp_pdf_arena *arena, struct tp_bytes bytes, struct tp_bytes *ret_copy)
{
    uint8_t *copy = bytes.len == SIZE_MAX ? NULL : tp_pdf_arena_take(arena, bytes.len + 1);
    if (copy == NULL)
        return false;
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    *ret_copy = TP_BYTES(copy, bytes.len);
    return true;
}

struct tp_pdf_value *tp_pdf_arena_value(struct tp_pdf_arena *arena, enum tp_pdf_kind kind)
{
    struct tp_pdf_value *value = tp_pdf_arena_take(arena, sizeof(*value));
    if (value != NULL)
        value->kind = kind;
    return value;
}

/* ---- looking ---- */

enum tp_pdf_kind tp_pdf_kind(const struct tp_pdf_value *value)
{
    return value == NULL ? TP_PDF_NULL : value->kind;
}

bool tp_pdf_is_dictionary(const struct tp_pdf_value *value)
{
    return tp_pdf_kind(value) == TP_PDF_DICTIONARY || tp_pdf_kind(value) == TP_PDF_STREAM;
}

bool tp_pdf_is_name(const struct tp_pdf_value *value, const char *name)
{
    return tp_pdf_kind(value) == TP_PDF_NAME && tp_bytes_equal(value->bytes, tp_bytes_of_string(name));
}

bool tp_pdf_boolean(const struct tp_pdf_value *value, bool fallback)
{
    return tp_pdf_kind(value) == TP_PDF_BOOLEAN ? value->boolean : fallback;
}

/* §7.3.3: digits, a sign, a point; strtod(3) would ask the locale what a point is, and know exponents. Signs in odd places,
 * which some programs write, end the number. */
static double real(struct tp_bytes text)
{
    double number = 0, scale = 1;
    bool behind_point = false;
    size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    for (; at < text.len; at++) {
        const uint8_t c = text.data[at];
        if (c == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        number = number * 10 + (c - '0');
        scale *= behind_point ? 10 : 1;
    }
    number = isfinite(scale) ? number / scale : 0;
    return text.len > 0 && text.data[0] == '-' ? -number : number;
}

double tp_pdf_number(const struct tp_pdf_value *value, double fallback)
{
    switch (tp_pdf_kind(value)) {
    case TP_PDF_INTEGER:
        return (double)value->integer;
    case TP_PDF_REAL:
        return real(value->bytes);
    default:
        return fallback;
    }
}

int64_t tp_pdf_integer(const struct tp_pdf_value *value, int64_t fallback)
{
    if (tp_pdf_kind(value) == TP_PDF_INTEGER)
        return value->integer;
    if (tp_pdf_kind(value) != TP_PDF_REAL)
        return fallback;
    const double number = real(value->bytes);
    return number == floor(number) && fabs(number) < 9e15 ? (int64_t)number : fallback;
}

struct tp_bytes tp_pdf_bytes(const struct tp_pdf_value *value)
{
    const enum tp_pdf_kind kind = tp_pdf_kind(value);
    return kind == TP_PDF_STRING || kind == TP_PDF_NAME ? value->bytes : TP_BYTES_NONE;
}

struct tp_pdf_ref tp_pdf_ref(const struct tp_pdf_value *value)
{
    return tp_pdf_kind(value) == TP_PDF_REFERENCE ? value->ref : (struct tp_pdf_ref){0, 0};
}

size_t tp_pdf_len(const struct tp_pdf_value *value)
{
    if (tp_pdf_kind(value) == TP_PDF_ARRAY)
        return value->array.len;
    return tp_pdf_is_dictionary(value) ? value->dictionary.len : 0;
}

const struct tp_pdf_value *tp_pdf_at(const struct tp_pdf_value *array, size_t index)
{
    return tp_pdf_kind(array) == TP_PDF_ARRAY && index < array->array.len ? array->array.items[index] : NULL;
}

int tp_pdf_key_compare(struct tp_bytes a, struct tp_bytes b)
{
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

const struct tp_pdf_value *tp_pdf_get(const struct tp_pdf_value *dictionary, const char *key)
{
    const struct tp_bytes wanted = tp_bytes_of_string(key);
    size_t low = 0, high = tp_pdf_is_dictionary(dictionary) ? dictionary->dictionary.len : 0;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct tp_pdf_entry *entry = &dictionary->dictionary.entries[middle];
        const int order = tp_pdf_key_compare(entry->key, wanted);
        if (order == 0)
            return entry->value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct tp_pdf_value *tp_pdf_entry(const struct tp_pdf_value *dictionary, size_t index, struct tp_bytes *ret_key)
{
    if (!tp_pdf_is_dictionary(dictionary) || index >= dictionary->dictionary.len)
        return NULL;
    *ret_key = dictionary->dictionary.entries[index].key;
    return dictionary->dictionary.entries[index].value;
}

/* ---- comparing ---- */

static bool equal_to(const struct tp_pdf_value *a, const struct tp_pdf_value *b, int depth);

static bool arrays_equal(const struct tp_pdf_value *a, const struct tp_pdf_value *b, int depth)
{
    if (a->array.len != b->array.len)
        return false;
    for (size_t i = 0; i < a->array.len; i++)
        if (!equal_to(a->array.items[i], b->array.items[i], depth + 1))
            return false;
    return true;
}

static bool dictionaries_equal(const struct tp_pdf_value *a, const struct tp_pdf_value *b, int depth)
{
    if (a->dictionary.len != b->dictionary.len)
        return false;
    for (size_t i = 0; i < a->dictionary.len; i++) {
        const struct tp_pdf_entry *left = &a->dictionary.entries[i], *right = &b->dictionary.entries[i];
        if (!tp_bytes_equal(left->key, right->key) || !equal_to(left->value, right->value, depth + 1))
            return false;
    }
    return true;
}

static bool equal_to(const struct tp_pdf_value *a, const struct tp_pdf_value *b, int depth)
{
    if (tp_pdf_kind(a) != tp_pdf_kind(b) || depth > 2 * TP_PDF_DEPTH_MAX)
        return false;
    switch (tp_pdf_kind(a)) {
    case TP_PDF_NULL:
        return true;
    case TP_PDF_BOOLEAN:
        return a->boolean == b->boolean;
    case TP_PDF_INTEGER:
        return a->integer == b->integer;
    case TP_PDF_REAL:
    case TP_PDF_STRING:
    case TP_PDF_NAME:
        return tp_bytes_equal(a->bytes, b->bytes);
    case TP_PDF_REFERENCE:
        return a->ref.id == b->ref.id && a->ref.generation == b->ref.generation;
    case TP_PDF_ARRAY:
        return arrays_equal(a, b, depth);
    default:
        return dictionaries_equal(a, b, depth);
    }
}

bool tp_pdf_equal(const struct tp_pdf_value *a, const struct tp_pdf_value *b)
{
    return equal_to(a, b, 0);
}
