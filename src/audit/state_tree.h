/* SPDX-License-Identifier: Apache-2.0
 *
 * The state tree: what the records are now. A Merkle tree of fixed depth 8 with 16 children a node over the records'
 * slots (2^32 of them; a slot is given once and never again). Its root stands in the head.
 *
 * A node is its 16 child hashes, 512 bytes; an absent child is the zero hash. A node without children is itself absent:
 * it is not stored, and its hash is zero. So a tree has one form for one set of records, whatever happened before. A
 * leaf is the hash of a whole row: record_mac.h. What follows from that:
 *  - a row edited, swapped with another, or replaced by an older version with its once valid MAC has another leaf;
 *  - a row put in has no leaf;
 *  - a row *deleted* leaves its leaf behind. That cannot be seen from the row, since there is none, and a slot says
 * nothing about whose it was: so the ledger knows in memory which slots hold which record and whose lists they are in
 *    (census.h). It learns that at start-up from the rows, after their leaves have been found to have the head's root,
 * and from each commit. "Not found" and the end of a list are thus answers that are verified as well.
 *
 * Nodes are read from the root down, each compared with the hash that its parent has for it, so that nothing is
 * believed, and no update built, on a node that somebody else wrote.
 */
#ifndef TP_AUDIT_STATE_TREE_H
#define TP_AUDIT_STATE_TREE_H

#include "base/crypto.h"
#include "store/store.h"

#define TP_STATE_DEPTH    8
#define TP_STATE_FAN      16
#define TP_STATE_SLOTS    ((uint64_t)1 << 32)
#define TP_STATE_NODE_LEN (TP_STATE_FAN * TP_SHA256_LEN)

/* Numbers of the trees in the store. */
#define TP_AUDIT_TREE_LOG   0
#define TP_AUDIT_TREE_STATE 1

struct tp_state_hash {
    uint8_t bytes[TP_SHA256_LEN]; /* all zero: absent */
};
struct tp_state_node {
    uint8_t bytes[TP_STATE_NODE_LEN];
};

bool tp_state_hash_equal(const struct tp_state_hash *a, const struct tp_state_hash *b);
bool tp_state_hash_absent(const struct tp_state_hash *hash);
/* Zero for a node without children. */
TP_MUST_USE enum tp_rc tp_state_node_hash(const struct tp_state_node *node, struct tp_state_hash *ret_hash);

/* The leaf of SLOT in the tree ROOT, absent when it has none. TP_TAMPERED when a stored node is not what it must be. */
TP_MUST_USE enum tp_rc tp_state_tree_get(struct tp_store *store, const struct tp_state_hash *root, uint64_t slot,
                                         struct tp_error *error, struct tp_state_hash *ret_leaf);
/* Replaces OLD by NEW (either may be absent) at SLOT, in the store and in *ROOT. TP_TAMPERED when OLD is not there. */
TP_MUST_USE enum tp_rc tp_state_tree_set(struct tp_store *store, struct tp_state_hash *root, uint64_t slot,
                                         const struct tp_state_hash *old, const struct tp_state_hash *new,
                                         struct tp_error *error);

/* ---- a whole tree from its leaves ---- */

/* Called with each node of the tree once it is complete. */
typedef enum tp_rc tp_state_node_fn(void *context, unsigned level, uint64_t index, const struct tp_state_node *node,
                                    struct tp_error *error);

struct tp_state_builder {
    tp_state_node_fn *emit; /* may be NULL */
    void *context;
    uint64_t next; /* smallest slot that may come */
    bool open[TP_STATE_DEPTH + 1];
    uint64_t index[TP_STATE_DEPTH + 1];
    struct tp_state_node node[TP_STATE_DEPTH + 1]; /* by level, 1 … 8 */
};

void tp_state_builder_init(struct tp_state_builder *builder, tp_state_node_fn *emit, void *context);
/* Leaves in ascending order of slot: TP_TAMPERED otherwise (a store that lists them otherwise is damaged). */
TP_MUST_USE enum tp_rc tp_state_builder_add(struct tp_state_builder *builder, uint64_t slot,
                                            const struct tp_state_hash *leaf, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_state_builder_finish(struct tp_state_builder *builder, struct tp_error *error,
                                               struct tp_state_hash *ret_root);

#endif
