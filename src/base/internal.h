/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share among themselves.
 */
#ifndef TP_BASE_INTERNAL_H
#define TP_BASE_INTERNAL_H

#include "base/bytes.h"
#include "base/conf.h"

/* Makes TEXT fit for a log line or a terminal: control characters (C0, DEL, C1) and bytes that are not UTF-8 become
 * '?', so that nothing in it can start a new line or steer a terminal. */
void tp_base_line_clean(char *text);

/* Appends the whole file: a regular one of at most 1 MiB and, when OWNER_ONLY, that only its owner (us, or root) may
 * write. TP_CONFIG with words that begin with FILE. */
TP_MUST_USE enum tp_rc tp_conf_file_read(const char *file, bool owner_only, struct tp_error *error,
                                         struct tp_buf *ret_text);

/* Where a section or a key stands in the text of a configuration file. A section's own line has an empty key. */
struct tp_conf_place {
    char *section; /* "" is the unnamed section */
    char *key;
    unsigned line; /* from 1 */
};

struct tp_conf_places {
    struct tp_conf_place *items;
    size_t count;
    size_t capacity;
};

/* Goes through TEXT before NCONF sees it: refuses what must never be acted upon (.include, .pragma, $ENV::x) or would
 * be lost silently (a key set twice), and notes where everything stands. FILE is for the words only. */
TP_MUST_USE enum tp_rc tp_conf_text_scan(const char *file, struct tp_bytes text, struct tp_error *error,
                                         struct tp_conf_places *ret_places);
void tp_conf_places_clear(struct tp_conf_places *places);
const struct tp_conf_place *tp_conf_places_find(const struct tp_conf_places *places, const char *section,
                                                const char *key);

/* A value of the type that its row names. */
struct tp_conf_value {
    char *text;     /* owned; a PATH is absolute */
    int64_t number; /* INTEGER, DURATION in ms, BOOLEAN 0 or 1 */
};

/* TP_CONFIG with words that say what the row accepts (without file and line). FOLDER is absolute. */
TP_MUST_USE enum tp_rc tp_conf_value_parse(const struct tp_conf_key *row, const char *folder, const char *text,
                                           struct tp_error *error, struct tp_conf_value *ret_value);
void tp_conf_value_clear(struct tp_conf_value *value);

#endif
