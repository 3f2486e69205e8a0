/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash map from 16-byte keys, which must themselves be the beginnings of hashes, to values of one fixed size.
 */
#ifndef TP_AUDIT_KEYMAP_H
#define TP_AUDIT_KEYMAP_H

#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TP_KEYMAP_KEY_LEN 16

struct tp_keymap {
    size_t value_len;
    uint8_t *cell; /* the value, the key, a mark */
    size_t capacity, len;
};

void tp_keymap_init(struct tp_keymap *map, size_t value_len);
void tp_keymap_clear(struct tp_keymap *map);
/* NULL when there is none. Valid until the next tp_keymap_put. */
void *tp_keymap_get(const struct tp_keymap *map, const uint8_t key[TP_KEYMAP_KEY_LEN]);
/* The value of KEY, all zero when it is new. */
TP_MUST_USE enum tp_rc tp_keymap_put(struct tp_keymap *map, const uint8_t key[TP_KEYMAP_KEY_LEN], void **ret_value);
/* The value after the one at *CURSOR (0: the first); NULL at the end. */
void *tp_keymap_next(const struct tp_keymap *map, size_t *cursor);

#endif
