/* SPDX-License-Identifier: Apache-2.0
 *
 * What the backend-independent files of this room share: the gates that every call passes, and the limits.
 */
#ifndef TP_STORE_INTERNAL_H
#define TP_STORE_INTERNAL_H

#include "store/backend.h"

#define TP_STORE_KIND_SIZE sizeof((struct tp_store_record){0}.kind)

/* TP_INTERNAL within a walk; the code of the loss when the transaction is lost. */
TP_MUST_USE enum tp_rc tp_store_enter(struct tp_store *store, struct tp_error *error);
/* The same, and TP_INTERNAL unless a transaction is open on a handle that may write. */
TP_MUST_USE enum tp_rc tp_store_enter_write(struct tp_store *store, struct tp_error *error);

/* TEXT ends within SIZE bytes, and is not empty unless it MAY_BE_EMPTY; WHAT is for the words. */
TP_MUST_USE enum tp_rc tp_store_limit_text(const char *what, const char *text, size_t size, bool may_be_empty,
                                           struct tp_error *error);
TP_MUST_USE enum tp_rc tp_store_limit_integer(const char *what, uint64_t value, uint64_t least, uint64_t most,
                                              struct tp_error *error);
TP_MUST_USE enum tp_rc tp_store_limit_content(const char *what, struct tp_bytes content, struct tp_error *error);

#endif
