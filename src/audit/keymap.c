/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/keymap.h"

#include <stdlib.h>
#include <string.h>

/* A cell: the value (its size rounded up to 8, so that every value is aligned), the key, a mark, padding. */
#define TAIL_LEN       (TP_KEYMAP_KEY_LEN + 8)
#define FIRST_CAPACITY 64

static size_t cell_len(const struct tp_keymap *map)
{
    return map->value_len + TAIL_LEN;
}

static uint8_t *cell_at(const struct tp_keymap *map, size_t at)
{
    return map->cell + at * cell_len(map);
}

static uint8_t *cell_key(const struct tp_keymap *map, uint8_t *cell)
{
    return cell + map->value_len;
}

static bool cell_used(const struct tp_keymap *map, uint8_t *cell)
{
    return cell_key(map, cell)[TP_KEYMAP_KEY_LEN] != 0;
}

void tp_keymap_init(struct tp_keymap *map, size_t value_len)
{
    *map = (struct tp_keymap){.value_len = (value_len + 7) & ~(size_t)7};
}

void tp_keymap_clear(struct tp_keymap *map)
{
    free(map->cell);
    tp_keymap_init(map, map->value_len);
}

/* The cell of KEY, or the unused one where it belongs. */
static uint8_t *cell_find(const struct tp_keymap *map, const uint8_t key[TP_KEYMAP_KEY_LEN])
{
    uint64_t at;
    uint8_t *cell;

    memcpy(&at, key, sizeof at);
    for (;; at++) {
        cell = cell_at(map, (size_t)at & (map->capacity - 1));
        if (!cell_used(map, cell) || memcmp(cell_key(map, cell), key, TP_KEYMAP_KEY_LEN) == 0)
            return cell;
    }
}

void *tp_keymap_get(const struct tp_keymap *map, const uint8_t key[TP_KEYMAP_KEY_LEN])
{
    uint8_t *cell;

    if (map->capacity == 0)
        return NULL;
    cell = cell_find(map, key);
    return cell_used(map, cell) ? cell : NULL;
}

static enum tp_rc grow(struct tp_keymap *map)
{
    struct tp_keymap larger = *map;

    larger.capacity = map->capacity == 0 ? FIRST_CAPACITY : map->capacity * 2;
    larger.cell = calloc(larger.capacity, cell_len(map));
    if (larger.cell == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < map->capacity; i++) {
        uint8_t *cell = cell_at(map, i);

        if (cell_used(map, cell))
            memcpy(cell_find(&larger, cell_key(map, cell)), cell, cell_len(map));
    }
    free(map->cell);
    *map = larger;
    return TP_OK;
}

enum tp_rc tp_keymap_put(struct tp_keymap *map, const uint8_t key[TP_KEYMAP_KEY_LEN], void **ret_value)
{
    uint8_t *cell;

    if (map->len >= map->capacity / 4 * 3)
        TP_TRY(grow(map));
    cell = cell_find(map, key);
    if (!cell_used(map, cell)) {
        memcpy(cell_key(map, cell), key, TP_KEYMAP_KEY_LEN);
        cell_key(map, cell)[TP_KEYMAP_KEY_LEN] = 1;
        map->len++;
    }
    *ret_value = cell;
    return TP_OK;
}

void *tp_keymap_next(const struct tp_keymap *map, size_t *cursor)
{
    while (*cursor < map->capacity) {
        uint8_t *cell = cell_at(map, (*cursor)++);

        if (cell_used(map, cell))
            return cell;
    }
    return NULL;
}
