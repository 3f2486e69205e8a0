/* SPDX-License-Identifier: Apache-2.0
 *
 * A walk over the rows of all records, in order of slot, that makes the state tree which they have.
 */
#ifndef TP_AUDIT_ROWS_H
#define TP_AUDIT_ROWS_H

#include "audit/census.h"
#include "audit/state_tree.h"

struct tp_rows_walk {
    struct tp_store *store;
    void *context;
    /* Each row and its leaf; may not call the store. */
    enum tp_rc (*row)(void *context, const struct tp_store_record *record, const struct tp_state_hash *leaf,
                      struct tp_error *error);
    tp_state_node_fn *node; /* each node of the tree; may call the store; may be NULL */
};
TP_MUST_USE enum tp_rc tp_rows_walk(const struct tp_rows_walk *walk, struct tp_error *error,
                                    struct tp_state_hash *ret_root);

/* A `row` whose CONTEXT is a census, which takes the record in. */
enum tp_rc tp_rows_to_census(void *context, const struct tp_store_record *record, const struct tp_state_hash *leaf,
                             struct tp_error *error);

#endif
