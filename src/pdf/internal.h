/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share among themselves: the shape of values, and how they are encoded.
 */
#ifndef TP_PDF_INTERNAL_H
#define TP_PDF_INTERNAL_H

#include "pdf/value.h"

#define TP_PDF_PASSWORD_WORDS "the document is encrypted, and the password is wrong or missing; give its user's or its owner's"

struct tp_pdf_entry {
    struct tp_bytes key;
    const struct tp_pdf_value *value;
};

struct tp_pdf_value {
    enum tp_pdf_kind kind;
    union {
        bool boolean;
        int64_t integer;
        struct tp_bytes bytes; /* STRING, NAME; REAL: its text as written */
        struct tp_pdf_ref ref;
        struct {
            const struct tp_pdf_value *const *items;
            size_t len;
        } array;
        struct {
            const struct tp_pdf_entry *entries; /* sorted by key, each once */
            size_t len;
        } dictionary; /* STREAM too */
    };
};

extern const struct tp_pdf_value tp_pdf_null;

/* Of two struct tp_pdf_digest, by number: for qsort(3) and bsearch(3). */
int tp_pdf_digest_compare(const void *a, const void *b);

/* ---- arena ---- */

/* Zeroed; NULL when memory is out, which the arena remembers. */
void *tp_pdf_arena_take(struct tp_pdf_arena *arena, size_t len);
/* A copy with a NUL behind it. False as above. */
bool tp_pdf_arena_copy(struct tp_pdf_arena *arena, struct tp_bytes bytes, struct tp_bytes *ret_copy);
struct tp_pdf_value *tp_pdf_arena_value(struct tp_pdf_arena *arena, enum tp_pdf_kind kind);
/* STRING, NAME, REAL of BYTES, which are copied. */
const struct tp_pdf_value *tp_pdf_new_bytes(struct tp_pdf_arena *arena, enum tp_pdf_kind kind, struct tp_bytes bytes);
/* DICTIONARY as a stream's. */
const struct tp_pdf_value *tp_pdf_new_stream(struct tp_pdf_arena *arena, const struct tp_pdf_value *dictionary);
int tp_pdf_key_compare(struct tp_bytes a, struct tp_bytes b);
bool tp_pdf_is_dictionary(const struct tp_pdf_value *value); /* STREAM too */

/* ---- text (write.c) ---- */

/* What is done to strings on their way into a file. NULL function: nothing. */
struct tp_pdf_write_hook {
    enum tp_rc (*string)(void *context, struct tp_bytes plain, struct tp_buf *ret_string);
    void *context;
};
/* As PDF syntax; of a STREAM its dictionary. Nested deeper than TP_PDF_DEPTH_MAX: TP_TOO_LARGE. Appended. */
TP_MUST_USE enum tp_rc tp_pdf_write(const struct tp_pdf_value *value, const struct tp_pdf_write_hook *hook,
                                    struct tp_buf *ret_text);
TP_MUST_USE enum tp_rc tp_pdf_write_name(struct tp_bytes name, struct tp_buf *ret_text);
TP_MUST_USE enum tp_rc tp_pdf_write_string(struct tp_bytes string, struct tp_buf *ret_text);

/* ---- between the processes (wire.c) ---- */

#define TP_PDF_WIRE_VALUES_MAX 2000000 /* in one object: some 100 MB of memory */

/* Appended. What it writes is the same for equal values, and differs for others. */
TP_MUST_USE enum tp_rc tp_pdf_wire_encode(const struct tp_pdf_value *value, struct tp_buf *ret_wire);
/* The whole of WIRE, copied into ARENA. TP_MALFORMED, TP_TOO_LARGE, TP_MEMORY. */
TP_MUST_USE enum tp_rc tp_pdf_wire_decode(struct tp_pdf_arena *arena, struct tp_bytes wire,
                                          const struct tp_pdf_value **ret_value);
/* Parts of an encoding, for who makes one without values. */
TP_MUST_USE enum tp_rc tp_pdf_wire_put_kind(struct tp_buf *wire, enum tp_pdf_kind kind);
TP_MUST_USE enum tp_rc tp_pdf_wire_put_u32(struct tp_buf *wire, uint32_t number);
TP_MUST_USE enum tp_rc tp_pdf_wire_put_u64(struct tp_buf *wire, uint64_t number);
TP_MUST_USE enum tp_rc tp_pdf_wire_put_bytes(struct tp_buf *wire, struct tp_bytes bytes);
TP_MUST_USE enum tp_rc tp_pdf_wire_put_ref(struct tp_buf *wire, struct tp_pdf_ref ref);

#endif
