/* SPDX-License-Identifier: Apache-2.0
 *
 * The log tree: RFC 6962 §2.1, SHA-256. Leaf: SHA-256(0x00 ‖ entry), node: SHA-256(0x01 ‖ left ‖ right).
 *
 * A tree that grows needs only its frontier: the roots of the complete subtrees that its size is made of, one for each
 * bit that is set. Appending is a binary counter. Of the complete subtrees, those whose level is a multiple of 8 are
 * kept (the layout of C2SP tlog-tiles, so that a tile is read off in one go); level 0 is hashed from the entries again,
 * and what lies between from the level below: no proof needs more than 255 hashes a band of 8 levels.
 */
#ifndef TP_AUDIT_TLOG_H
#define TP_AUDIT_TLOG_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/error.h"

#define TP_TLOG_LEVELS   63  /* sizes fit in 63 bits, as the store's integers do */
#define TP_TLOG_STRIDE   8   /* levels that are kept: its multiples, without 0 */
#define TP_TLOG_TILE     256 /* entries below a node of the lowest kept level */
#define TP_TLOG_KEPT_MAX 8   /* nodes of kept levels that one leaf can complete */

struct tp_tlog_hash {
    uint8_t bytes[TP_SHA256_LEN];
};

/* Plain data: copying it is how a batch works on a tree that may have to be forgotten. */
struct tp_tlog {
    uint64_t size;
    struct tp_tlog_hash frontier[TP_TLOG_LEVELS]; /* [l] means something when bit l of size is set */
};

struct tp_tlog_node {
    unsigned level;
    uint64_t index;
    struct tp_tlog_hash hash;
};

/* Nodes of kept levels that an append has completed, for the caller to store or to compare. */
struct tp_tlog_kept {
    size_t len;
    struct tp_tlog_node node[TP_TLOG_KEPT_MAX];
};

TP_MUST_USE enum tp_rc tp_tlog_leaf(struct tp_bytes entry, struct tp_tlog_hash *ret_hash);
TP_MUST_USE enum tp_rc tp_tlog_join(const struct tp_tlog_hash *left, const struct tp_tlog_hash *right,
                                    struct tp_tlog_hash *ret_hash);
/* RET_KEPT is set to what this leaf has completed (nothing, for 255 of 256 leaves). On failure the tree is spoilt. */
TP_MUST_USE enum tp_rc tp_tlog_append(struct tp_tlog *tlog, const struct tp_tlog_hash *leaf,
                                      struct tp_tlog_kept *ret_kept);
/* The empty tree has SHA-256(""). */
TP_MUST_USE enum tp_rc tp_tlog_root(const struct tp_tlog *tlog, struct tp_tlog_hash *ret_root);

/* ---- reading a tree ---- */

/* Where complete subtrees come from: called with levels that are multiples of 8; level 0 are leaves. */
struct tp_tlog_source {
    void *context;
    enum tp_rc (*get)(void *context, unsigned level, uint64_t index, struct tp_error *error,
                      struct tp_tlog_hash *ret_hash);
};

/* The complete subtree INDEX at any LEVEL. */
TP_MUST_USE enum tp_rc tp_tlog_subtree(const struct tp_tlog_source *source, unsigned level, uint64_t index,
                                       struct tp_error *error, struct tp_tlog_hash *ret_hash);
/* The tree as it was when it had SIZE leaves. */
TP_MUST_USE enum tp_rc tp_tlog_load(const struct tp_tlog_source *source, uint64_t size, struct tp_error *error,
                                    struct tp_tlog *ret_tlog);

#endif
