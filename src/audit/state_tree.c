/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/state_tree.h"

#include <inttypes.h>
#include <string.h>

/* Level L (1 … 8): the node of SLOT, and where in it the way to SLOT goes on. */
static uint64_t node_index(uint64_t slot, unsigned level)
{
    return slot >> (4 * level);
}

static size_t child_at(uint64_t slot, unsigned level)
{
    return (size_t)(slot >> (4 * (level - 1)) & (TP_STATE_FAN - 1)) * TP_SHA256_LEN;
}

bool tp_state_hash_equal(const struct tp_state_hash *a, const struct tp_state_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool tp_state_hash_absent(const struct tp_state_hash *hash)
{
    static const struct tp_state_hash none;

    return tp_state_hash_equal(hash, &none);
}

static bool node_empty(const struct tp_state_node *node)
{
    static const struct tp_state_node none;

    return memcmp(node->bytes, none.bytes, sizeof node->bytes) == 0;
}

enum tp_rc tp_state_node_hash(const struct tp_state_node *node, struct tp_state_hash *ret_hash)
{
    static const char tag[] = "trustp11 state node 1";

    if (node_empty(node)) {
        *ret_hash = (struct tp_state_hash){{0}};
        return TP_OK;
    }
    return tp_sha256(TP_BYTES(tag, sizeof tag), TP_BYTES(node->bytes, sizeof node->bytes), TP_BYTES_NONE,
                     ret_hash->bytes);
}

static enum tp_rc check_slot(uint64_t slot, struct tp_error *error)
{
    if (slot == 0 || slot >= TP_STATE_SLOTS)
        return tp_error_set(error, TP_TOO_LARGE, "audit: slot %" PRIu64 " is outside of the state tree", slot);
    return TP_OK;
}

static enum tp_rc node_tampered(unsigned level, uint64_t index, struct tp_error *error)
{
    return tp_error_set(error, TP_TAMPERED,
                        "audit: node %" PRIu64 " of level %u of the state tree was changed outside of this program",
                        index, level);
}

/* The node of SLOT at LEVEL, which must have the hash EXPECTED. */
static enum tp_rc node_read(struct tp_store *store, uint64_t slot, unsigned level, const struct tp_state_hash *expected,
                            struct tp_error *error, struct tp_state_node *ret_node)
{
    uint64_t index = node_index(slot, level);
    struct tp_state_hash hash;
    enum tp_rc rc;

    if (tp_state_hash_absent(expected)) {
        *ret_node = (struct tp_state_node){{0}};
        return TP_OK;
    }
    rc = tp_store_node_get(store, TP_AUDIT_TREE_STATE, level, index, ret_node->bytes, sizeof ret_node->bytes, error);
    if (rc == TP_NOT_FOUND)
        return node_tampered(level, index, error);
    TP_TRY(rc);
    TP_TRY(tp_state_node_hash(ret_node, &hash));
    return tp_state_hash_equal(&hash, expected) ? TP_OK : node_tampered(level, index, error);
}

/* All nodes from the root down to SLOT; [0] stays unused. */
static enum tp_rc path_read(struct tp_store *store, const struct tp_state_hash *root, uint64_t slot,
                            struct tp_error *error, struct tp_state_node ret_path[TP_STATE_DEPTH + 1],
                            struct tp_state_hash *ret_leaf)
{
    struct tp_state_hash expected = *root;

    TP_TRY(check_slot(slot, error));
    for (unsigned level = TP_STATE_DEPTH; level >= 1; level--) {
        TP_TRY(node_read(store, slot, level, &expected, error, &ret_path[level]));
        memcpy(expected.bytes, ret_path[level].bytes + child_at(slot, level), sizeof expected.bytes);
    }
    *ret_leaf = expected;
    return TP_OK;
}

enum tp_rc tp_state_tree_get(struct tp_store *store, const struct tp_state_hash *root, uint64_t slot,
                             struct tp_error *error, struct tp_state_hash *ret_leaf)
{
    struct tp_state_node path[TP_STATE_DEPTH + 1];

    return path_read(store, root, slot, error, path, ret_leaf);
}

static enum tp_rc node_write(struct tp_store *store, unsigned level, uint64_t index, const struct tp_state_node *node,
                             struct tp_error *error)
{
    struct tp_bytes bytes = node_empty(node) ? TP_BYTES_NONE : TP_BYTES(node->bytes, sizeof node->bytes);

    return tp_store_node_put(store, TP_AUDIT_TREE_STATE, level, index, bytes, error);
}

enum tp_rc tp_state_tree_set(struct tp_store *store, struct tp_state_hash *root, uint64_t slot,
                             const struct tp_state_hash *old, const struct tp_state_hash *new, struct tp_error *error)
{
    struct tp_state_node path[TP_STATE_DEPTH + 1];
    struct tp_state_hash hash;

    TP_TRY(path_read(store, root, slot, error, path, &hash));
    if (!tp_state_hash_equal(&hash, old))
        return tp_error_set(error, TP_TAMPERED,
                            "audit: the record in slot %" PRIu64 " was changed outside of this program", slot);
    hash = *new;
    for (unsigned level = 1; level <= TP_STATE_DEPTH; level++) {
        memcpy(path[level].bytes + child_at(slot, level), hash.bytes, sizeof hash.bytes);
        TP_TRY(node_write(store, level, node_index(slot, level), &path[level], error));
        TP_TRY(tp_state_node_hash(&path[level], &hash));
    }
    *root = hash;
    return TP_OK;
}

/* ---- a whole tree from its leaves ---- */

void tp_state_builder_init(struct tp_state_builder *builder, tp_state_node_fn *emit, void *context)
{
    memset(builder, 0, sizeof *builder);
    builder->emit = emit;
    builder->context = context;
    builder->next = 1;
}

/* Puts HASH into the node of LEVEL; INDEX is the child's, one level below. */
static void builder_put(struct tp_state_builder *builder, unsigned level, uint64_t index,
                        const struct tp_state_hash *hash)
{
    size_t at = (size_t)(index & (TP_STATE_FAN - 1)) * TP_SHA256_LEN;

    if (!builder->open[level]) {
        builder->open[level] = true;
        builder->index[level] = index >> 4;
        builder->node[level] = (struct tp_state_node){{0}};
    }
    memcpy(builder->node[level].bytes + at, hash->bytes, sizeof hash->bytes);
}

/* Nothing more comes into the node of LEVEL: its hash goes up. */
static enum tp_rc builder_flush(struct tp_state_builder *builder, unsigned level, struct tp_error *error,
                                struct tp_state_hash *ret_hash)
{
    TP_TRY(tp_state_node_hash(&builder->node[level], ret_hash));
    if (builder->emit != NULL)
        TP_TRY(builder->emit(builder->context, level, builder->index[level], &builder->node[level], error));
    builder->open[level] = false;
    if (level < TP_STATE_DEPTH)
        builder_put(builder, level + 1, builder->index[level], ret_hash);
    return TP_OK;
}

enum tp_rc tp_state_builder_add(struct tp_state_builder *builder, uint64_t slot, const struct tp_state_hash *leaf,
                                struct tp_error *error)
{
    struct tp_state_hash hash;

    TP_TRY(check_slot(slot, error));
    if (slot < builder->next)
        return tp_error_set(error, TP_TAMPERED, "audit: slot %" PRIu64 " is used twice", slot);
    builder->next = slot + 1;
    for (unsigned level = 1; level <= TP_STATE_DEPTH; level++)
        if (builder->open[level] && builder->index[level] != node_index(slot, level))
            TP_TRY(builder_flush(builder, level, error, &hash));
    builder_put(builder, 1, slot, leaf);
    return TP_OK;
}

enum tp_rc tp_state_builder_finish(struct tp_state_builder *builder, struct tp_error *error,
                                   struct tp_state_hash *ret_root)
{
    struct tp_state_hash hash = {{0}};

    for (unsigned level = 1; level <= TP_STATE_DEPTH; level++)
        if (builder->open[level])
            TP_TRY(builder_flush(builder, level, error, &hash));
    *ret_root = hash;
    return TP_OK;
}
