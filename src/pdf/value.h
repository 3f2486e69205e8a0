/* SPDX-License-Identifier: Apache-2.0
 *
 * PDF objects (ISO 32000-2 §7.3) as trees of values. Values live in an arena and go with it; they are never changed after they
 * were given to somebody: a changed dictionary is a new one that shares what stays.
 *
 * Building needs no error paths: constructors answer NULL when memory is out and take NULL for "nothing"; the arena remembers,
 * and tp_pdf_arena_check() says so once, at the end.
 */
#ifndef TP_PDF_VALUE_H
#define TP_PDF_VALUE_H

#include "base/bytes.h"
#include "base/error.h"

#define TP_PDF_DEPTH_MAX  100            /* nesting of arrays and dictionaries */
#define TP_PDF_OBJECTS_MAX 8388607u      /* ISO 32000-1 annex C */

enum tp_pdf_kind {
    TP_PDF_NULL,
    TP_PDF_BOOLEAN,
    TP_PDF_INTEGER,
    TP_PDF_REAL,
    TP_PDF_STRING,
    TP_PDF_NAME,
    TP_PDF_ARRAY,
    TP_PDF_DICTIONARY,
    TP_PDF_STREAM, /* its dictionary; the data is asked for by object number */
    TP_PDF_REFERENCE
};
struct tp_pdf_ref {
    uint32_t id; /* 0: none */
    uint16_t generation;
};

struct tp_pdf_arena;
struct tp_pdf_value;

TP_MUST_USE enum tp_rc tp_pdf_arena_new(struct tp_pdf_arena **ret_arena);
void tp_pdf_arena_free(struct tp_pdf_arena *arena);
TP_DEFINE_AUTO(struct tp_pdf_arena, tp_pdf_arena_free)
TP_MUST_USE enum tp_rc tp_pdf_arena_check(const struct tp_pdf_arena *arena); /* TP_MEMORY once something has failed */

/* ---- looking; NULL is allowed everywhere and is like the null object ---- */

enum tp_pdf_kind tp_pdf_kind(const struct tp_pdf_value *value);
bool tp_pdf_is_name(const struct tp_pdf_value *value, const char *name); /* without the slash */
bool tp_pdf_boolean(const struct tp_pdf_value *value, bool fallback);
int64_t tp_pdf_integer(const struct tp_pdf_value *value, int64_t fallback); /* also a real without a fraction */
double tp_pdf_number(const struct tp_pdf_value *value, double fallback);    /* INTEGER or REAL */
/* STRING: its bytes, decrypted. NAME: the name, #xx resolved, without the slash. Others: none. */
struct tp_bytes tp_pdf_bytes(const struct tp_pdf_value *value);
struct tp_pdf_ref tp_pdf_ref(const struct tp_pdf_value *value); /* id 0 unless it is a REFERENCE */
size_t tp_pdf_len(const struct tp_pdf_value *value);            /* of ARRAY, DICTIONARY, STREAM (its dictionary) */
const struct tp_pdf_value *tp_pdf_at(const struct tp_pdf_value *array, size_t index);
const struct tp_pdf_value *tp_pdf_get(const struct tp_pdf_value *dictionary, const char *key); /* NULL: not there */
/* The index-th entry of a dictionary, sorted by key; KEY as in tp_pdf_bytes of a NAME. */
const struct tp_pdf_value *tp_pdf_entry(const struct tp_pdf_value *dictionary, size_t index, struct tp_bytes *ret_key);
bool tp_pdf_equal(const struct tp_pdf_value *a, const struct tp_pdf_value *b); /* as written: 1 and 1.0 differ */

/* ---- building ---- */

const struct tp_pdf_value *tp_pdf_new_null(struct tp_pdf_arena *arena);
const struct tp_pdf_value *tp_pdf_new_boolean(struct tp_pdf_arena *arena, bool value);
const struct tp_pdf_value *tp_pdf_new_integer(struct tp_pdf_arena *arena, int64_t value);
const struct tp_pdf_value *tp_pdf_new_real(struct tp_pdf_arena *arena, double value); /* at most 5 decimals, never in e-notation */
const struct tp_pdf_value *tp_pdf_new_name(struct tp_pdf_arena *arena, const char *name);
const struct tp_pdf_value *tp_pdf_new_string(struct tp_pdf_arena *arena, struct tp_bytes bytes);
/* A text string (§7.9.2.2): PDFDocEncoding where ASCII will do, UTF-16BE with BOM otherwise. TEXT is UTF-8. */
const struct tp_pdf_value *tp_pdf_new_text(struct tp_pdf_arena *arena, const char *text);
const struct tp_pdf_value *tp_pdf_new_date(struct tp_pdf_arena *arena, int64_t utc_ms); /* D:20261128145000Z */
const struct tp_pdf_value *tp_pdf_new_ref(struct tp_pdf_arena *arena, struct tp_pdf_ref ref);
const struct tp_pdf_value *tp_pdf_new_array(struct tp_pdf_arena *arena);
const struct tp_pdf_value *tp_pdf_new_dictionary(struct tp_pdf_arena *arena);
/* New values that share the rest: ARRAY with ITEM at its end; DICTIONARY with KEY set to VALUE (NULL: taken out). */
const struct tp_pdf_value *tp_pdf_with_item(struct tp_pdf_arena *arena, const struct tp_pdf_value *array,
                                            const struct tp_pdf_value *item);
const struct tp_pdf_value *tp_pdf_with(struct tp_pdf_arena *arena, const struct tp_pdf_value *dictionary, const char *key,
                                       const struct tp_pdf_value *value);
/* A text string to UTF-8, appended: PDFDocEncoding, UTF-16BE, UTF-8 with BOM. */
TP_MUST_USE enum tp_rc tp_pdf_text(struct tp_bytes string, struct tp_buf *ret_text);
/* D:YYYYMMDDHHmmSSOHH'mm' (§7.9.4); TP_MALFORMED. */
TP_MUST_USE enum tp_rc tp_pdf_date(struct tp_bytes string, int64_t *ret_utc_ms);

#endif
