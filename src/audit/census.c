/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/census.h"

#include "base/crypto.h"

#include <stdlib.h>
#include <string.h>

#define KEY_LEN       16
#define TABLE_FIRST   64
#define KEYS_A_RECORD 4

/* Most keys have one slot, which needs no memory of its own. */
struct cell {
    uint8_t key[KEY_LEN];
    uint32_t len;
    uint32_t capacity; /* of `many`; 0: `one` is meant */
    union {
        uint32_t one;
        uint32_t *many;
    } slots;
    bool used; /* stays when the last slot has gone, until the table is made anew */
};

struct tp_census {
    uint8_t salt[KEY_LEN];
    struct cell *table; /* open addressing; capacity is a power of two, at most 3/4 used */
    size_t capacity, used;
    uint64_t records;
};

static void table_free(struct cell *table, size_t capacity)
{
    for (size_t i = 0; i < capacity; i++)
        if (table[i].capacity != 0)
            free(table[i].slots.many);
    free(table);
}

enum tp_rc tp_census_new(struct tp_census **ret_census)
{
    struct tp_census *census TP_AUTO(tp_census_free_p) = calloc(1, sizeof *census);

    if (census == NULL)
        return TP_MEMORY;
    TP_TRY(tp_random(census->salt, sizeof census->salt));
    census->table = calloc(TABLE_FIRST, sizeof *census->table);
    if (census->table == NULL)
        return TP_MEMORY;
    census->capacity = TABLE_FIRST;
    *ret_census = census;
    census = NULL;
    return TP_OK;
}

void tp_census_free(struct tp_census *census)
{
    if (census == NULL)
        return;
    table_free(census->table, census->capacity);
    free(census);
}

uint64_t tp_census_records(const struct tp_census *census)
{
    return census->records;
}

/* ---- keys ---- */

/* Each member with a mark of whether it is there and its length, so that no two keys have the same bytes. */
static size_t put_member(uint8_t *at, const char *text)
{
    size_t len = text == NULL ? 0 : strnlen(text, TP_STORE_NAME_MAX);

    at[0] = text != NULL;
    at[1] = (uint8_t)len;
    if (len != 0)
        memcpy(at + 2, text, len);
    return 2 + len;
}

static enum tp_rc key_make(const struct tp_census *census, const struct tp_census_key *key, uint8_t ret_key[KEY_LEN])
{
    uint8_t bytes[4 * (2 + TP_STORE_NAME_MAX)], hash[TP_SHA256_LEN];
    size_t len = 0;

    len += put_member(bytes + len, key->kind);
    len += put_member(bytes + len, key->id);
    len += put_member(bytes + len, key->owner);
    len += put_member(bytes + len, key->name);
    TP_TRY(tp_sha256(TP_BYTES(census->salt, sizeof census->salt), TP_BYTES(bytes, len), TP_BYTES_NONE, hash));
    memcpy(ret_key, hash, KEY_LEN);
    return TP_OK;
}

/* All ways in which RECORD can be asked for. */
static size_t keys_of(const struct tp_store_record *record, struct tp_census_key ret_keys[KEYS_A_RECORD])
{
    size_t len = 0;

    ret_keys[len++] = (struct tp_census_key){.kind = record->kind, .id = record->id};
    ret_keys[len++] = (struct tp_census_key){.kind = record->kind};
    ret_keys[len++] = (struct tp_census_key){.kind = record->kind, .owner = record->owner};
    if (record->name[0] != '\0')
        ret_keys[len++] = (struct tp_census_key){.kind = record->kind, .owner = record->owner, .name = record->name};
    return len;
}

/* ---- the table ---- */

/* The cell of KEY, or the unused one where it belongs. */
static struct cell *cell_find(struct cell *table, size_t capacity, const uint8_t key[KEY_LEN])
{
    size_t at = (size_t)tp_get_be64(key) & (capacity - 1);

    while (table[at].used && memcmp(table[at].key, key, KEY_LEN) != 0)
        at = (at + 1) & (capacity - 1);
    return &table[at];
}

/* Twice as large, without the cells whose slots have all gone. */
static enum tp_rc table_grow(struct tp_census *census)
{
    size_t capacity = census->capacity * 2, used = 0;
    struct cell *table = calloc(capacity, sizeof *table);

    if (table == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < census->capacity; i++) {
        struct cell *cell = &census->table[i];

        if (!cell->used || cell->len == 0)
            continue;
        *cell_find(table, capacity, cell->key) = *cell;
        cell->capacity = 0; /* moved */
        used++;
    }
    table_free(census->table, census->capacity);
    census->table = table;
    census->capacity = capacity;
    census->used = used;
    return TP_OK;
}

static enum tp_rc cell_for_adding(struct tp_census *census, const uint8_t key[KEY_LEN], struct cell **ret_cell)
{
    struct cell *cell;

    if (census->used >= census->capacity / 4 * 3)
        TP_TRY(table_grow(census));
    cell = cell_find(census->table, census->capacity, key);
    if (!cell->used) {
        memcpy(cell->key, key, KEY_LEN);
        cell->used = true;
        census->used++;
    }
    *ret_cell = cell;
    return TP_OK;
}

/* ---- the slots of a cell ---- */

static uint32_t *slots_of(struct cell *cell)
{
    return cell->capacity == 0 ? &cell->slots.one : cell->slots.many;
}

/* The place of the first slot ≥ SLOT. New records have the highest slots, so the end is looked at first. */
static uint32_t place_of(struct cell *cell, uint64_t slot)
{
    const uint32_t *slots = slots_of(cell);
    uint32_t low = 0, high = cell->len;

    if (high == 0 || slots[high - 1] < slot)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (slots[middle] < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum tp_rc cell_reserve(struct cell *cell)
{
    uint32_t room = cell->capacity == 0 ? 1 : cell->capacity, wanted = room == 1 ? 4 : room * 2;
    uint32_t *many;

    if (cell->len < room)
        return TP_OK;
    if (wanted <= room)
        return TP_TOO_LARGE;
    many = realloc(cell->capacity == 0 ? NULL : cell->slots.many, wanted * sizeof *many);
    if (many == NULL)
        return TP_MEMORY;
    if (cell->capacity == 0)
        many[0] = cell->slots.one;
    cell->slots.many = many;
    cell->capacity = wanted;
    return TP_OK;
}

static enum tp_rc key_add(struct tp_census *census, const struct tp_census_key *names, uint32_t slot)
{
    uint8_t key[KEY_LEN];
    struct cell *cell;
    uint32_t at;

    TP_TRY(key_make(census, names, key));
    TP_TRY(cell_for_adding(census, key, &cell));
    TP_TRY(cell_reserve(cell));
    at = place_of(cell, slot);
    memmove(slots_of(cell) + at + 1, slots_of(cell) + at, (cell->len - at) * sizeof(uint32_t));
    slots_of(cell)[at] = slot;
    cell->len++;
    return TP_OK;
}

static void key_remove(struct tp_census *census, const struct tp_census_key *names, uint64_t slot)
{
    uint8_t key[KEY_LEN];
    struct cell *cell;
    uint32_t at;

    if (key_make(census, names, key) != TP_OK)
        return; /* hashing failed: the record counts as missing from now on, which refuses it */
    cell = cell_find(census->table, census->capacity, key);
    at = place_of(cell, slot);
    if (at == cell->len || slots_of(cell)[at] != slot)
        return;
    memmove(slots_of(cell) + at, slots_of(cell) + at + 1, (cell->len - at - 1) * sizeof(uint32_t));
    cell->len--;
}

enum tp_rc tp_census_add(struct tp_census *census, const struct tp_store_record *record)
{
    struct tp_census_key keys[KEYS_A_RECORD];
    size_t len = keys_of(record, keys);

    if (record->slot > UINT32_MAX)
        return TP_TOO_LARGE;
    for (size_t i = 0; i < len; i++) {
        enum tp_rc rc = key_add(census, &keys[i], (uint32_t)record->slot);

        if (rc == TP_OK)
            continue;
        while (i-- > 0)
            key_remove(census, &keys[i], record->slot);
        return rc;
    }
    census->records++;
    return TP_OK;
}

void tp_census_remove(struct tp_census *census, const struct tp_store_record *record)
{
    struct tp_census_key keys[KEYS_A_RECORD];
    size_t len = keys_of(record, keys);

    for (size_t i = 0; i < len; i++)
        key_remove(census, &keys[i], record->slot);
    census->records--;
}

enum tp_rc tp_census_slots(const struct tp_census *census, const struct tp_census_key *names, uint64_t after,
                           size_t most, uint32_t *ret_slots, size_t *ret_len)
{
    uint8_t key[KEY_LEN];
    struct cell *cell;
    uint32_t at, len;

    TP_TRY(key_make(census, names, key));
    cell = cell_find(census->table, census->capacity, key);
    at = after == UINT64_MAX ? cell->len : place_of(cell, after + 1);
    len = cell->len - at < most ? cell->len - at : (uint32_t)most;
    memcpy(ret_slots, slots_of(cell) + at, len * sizeof *ret_slots);
    *ret_len = len;
    return TP_OK;
}
