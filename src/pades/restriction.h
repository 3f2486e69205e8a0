/* SPDX-License-Identifier: Apache-2.0
 *
 * What a signature forbids to those who come after it: DocMDP (ISO 32000-2 §12.8.2.2), FieldMDP (§12.8.2.4) and the /Lock of its
 * field (Table 236). Who makes a signature asks here whether it may, who verifies one asks what came after it, so that both
 * go by the same: whatever is in doubt is forbidden.
 */
#ifndef TP_PADES_RESTRICTION_H
#define TP_PADES_RESTRICTION_H

#include "pades/line.h"
#include "pdf/document.h"

#define TP_PADES_LOCKS_MAX 256

enum tp_pades_locking { TP_PADES_LOCKS_NONE, TP_PADES_LOCKS_ALL, TP_PADES_LOCKS_INCLUDE, TP_PADES_LOCKS_EXCLUDE };
const char *tp_pades_locking_name(enum tp_pades_locking locking); /* "include"; "" for none */
struct tp_pades_locks { /* form fields that may not change any more */
    enum tp_pades_locking kind;
    char (*names)[TP_PADES_LINE_MAX]; /* full; a field that is named stands for those below it */
    size_t len;
};
bool tp_pades_locks_hold(const struct tp_pades_locks *locks, const char *field);
/* The names with commas between them, as many as there is room for; "" for none. */
void tp_pades_locks_list(const struct tp_pades_locks *locks, char *ret_list, size_t ret_list_len);

struct tp_pades_restriction {
    unsigned permission; /* DocMDP, be it the signature's or its lock's: 1 to 3; 0: none */
    struct tp_pades_locks locks;
};
/* Of a signature dictionary; FIELD is that of its field, NULL where none leads to it. TP_TOO_LARGE: more than
 * TP_PADES_LOCKS_MAX names. */
TP_MUST_USE enum tp_rc tp_pades_restriction_read(struct tp_pdf_document *document, const struct tp_pdf_value *signature,
                                                 const struct tp_pdf_value *field, struct tp_error *error,
                                                 struct tp_pades_restriction *ret_restriction);
void tp_pades_restriction_clear(struct tp_pades_restriction *restriction);
/* What the certification allows that the catalog names (§12.8.6): 1 to 3; 0: there is none. RET_REF: its dictionary. */
TP_MUST_USE enum tp_rc tp_pades_certified(struct tp_pdf_document *document, struct tp_error *error, unsigned *ret_permission,
                                          struct tp_pdf_ref *ret_ref);
unsigned tp_pades_stricter(unsigned permission, unsigned other); /* 0 is none */

#endif
