/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tlog_proof.h"

#include <string.h>

/* The leaves LOW … HIGH-1 of a tree; LOW is a multiple of the largest power of two below the length. */
struct range {
    uint64_t low, high;
};

/* RFC 6962 §2.1: the largest power of two smaller than LEN, which is at least 2. */
static uint64_t split(uint64_t len)
{
    return (uint64_t)1 << (63 - __builtin_clzll(len - 1));
}

static enum tp_rc range_hash(const struct tp_tlog_source *source, struct range range, struct tp_error *error,
                             struct tp_tlog_hash *ret_hash)
{
    uint64_t len = range.high - range.low, half;
    struct tp_tlog_hash left, right;
    unsigned level;

    if ((len & (len - 1)) == 0) {
        level = (unsigned)__builtin_ctzll(len);
        return tp_tlog_subtree(source, level, range.low >> level, error, ret_hash);
    }
    half = split(len);
    TP_TRY(range_hash(source, (struct range){range.low, range.low + half}, error, &left));
    TP_TRY(range_hash(source, (struct range){range.low + half, range.high}, error, &right));
    return tp_tlog_join(&left, &right, ret_hash);
}

static enum tp_rc add(const struct tp_tlog_source *source, struct range range, struct tp_error *error,
                      struct tp_tlog_proof *proof)
{
    if (proof->len == TP_TLOG_PROOF_MAX)
        return tp_error_set(error, TP_INTERNAL, "audit: a proof is longer than any tree is high");
    TP_TRY(range_hash(source, range, error, &proof->hash[proof->len]));
    proof->len++;
    return TP_OK;
}

/* PATH(m, D[low:high]) of §2.1.1. */
static enum tp_rc path(const struct tp_tlog_source *source, uint64_t index, struct range range, struct tp_error *error,
                       struct tp_tlog_proof *proof)
{
    uint64_t middle;

    if (range.high - range.low == 1)
        return TP_OK;
    middle = range.low + split(range.high - range.low);
    if (index < middle) {
        TP_TRY(path(source, index, (struct range){range.low, middle}, error, proof));
        return add(source, (struct range){middle, range.high}, error, proof);
    }
    TP_TRY(path(source, index, (struct range){middle, range.high}, error, proof));
    return add(source, (struct range){range.low, middle}, error, proof);
}

/* SUBPROOF(m, D[low:high], b) of §2.1.2; OLD is an index here, not a length. KNOWN: the verifier has this subtree. */
static enum tp_rc subproof(const struct tp_tlog_source *source, uint64_t old, struct range range, bool known,
                           struct tp_error *error, struct tp_tlog_proof *proof)
{
    uint64_t middle;

    if (old == range.high)
        return known ? TP_OK : add(source, range, error, proof);
    middle = range.low + split(range.high - range.low);
    if (old <= middle) {
        TP_TRY(subproof(source, old, (struct range){range.low, middle}, known, error, proof));
        return add(source, (struct range){middle, range.high}, error, proof);
    }
    TP_TRY(subproof(source, old, (struct range){middle, range.high}, false, error, proof));
    return add(source, (struct range){range.low, middle}, error, proof);
}

enum tp_rc tp_tlog_prove_inclusion(const struct tp_tlog_source *source, uint64_t size, uint64_t index,
                                   struct tp_error *error, struct tp_tlog_proof *ret_proof)
{
    struct tp_tlog_proof proof = {.len = 0};

    if (index >= size)
        return tp_error_set(error, TP_BAD_ARGUMENT, "audit: no such entry in a log of that size");
    TP_TRY(path(source, index, (struct range){0, size}, error, &proof));
    *ret_proof = proof;
    return TP_OK;
}

enum tp_rc tp_tlog_prove_consistency(const struct tp_tlog_source *source, uint64_t old, uint64_t size,
                                     struct tp_error *error, struct tp_tlog_proof *ret_proof)
{
    struct tp_tlog_proof proof = {.len = 0};

    if (old > size)
        return tp_error_set(error, TP_BAD_ARGUMENT, "audit: the log is smaller than that older size");
    if (old != 0) /* the empty tree is the beginning of every tree: nothing to prove */
        TP_TRY(subproof(source, old, (struct range){0, size}, true, error, &proof));
    *ret_proof = proof;
    return TP_OK;
}

static bool same(const struct tp_tlog_hash *a, const struct tp_tlog_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* The place that a proof has climbed to: of the leaf, and of the last leaf. */
struct climb {
    uint64_t leaf, last;
};

static void up(struct climb *climb)
{
    climb->leaf >>= 1;
    climb->last >>= 1;
}

/* Whether the next hash of the proof stands on the left; skips levels where the last node has no sibling. */
static bool from_left(struct climb *climb)
{
    if ((climb->leaf & 1) == 0 && climb->leaf != climb->last)
        return false;
    while ((climb->leaf & 1) == 0 && climb->leaf != 0)
        up(climb);
    return true;
}

enum tp_rc tp_tlog_check_inclusion(uint64_t size, uint64_t index, const struct tp_tlog_hash *leaf,
                                   const struct tp_tlog_proof *proof, const struct tp_tlog_hash *root)
{
    struct climb climb = {.leaf = index, .last = size - 1};
    struct tp_tlog_hash hash = *leaf;

    if (index >= size || proof->len > TP_TLOG_PROOF_MAX)
        return TP_TAMPERED;
    for (size_t i = 0; i < proof->len; i++, up(&climb)) {
        if (climb.last == 0)
            return TP_TAMPERED;
        if (from_left(&climb))
            TP_TRY(tp_tlog_join(&proof->hash[i], &hash, &hash));
        else
            TP_TRY(tp_tlog_join(&hash, &proof->hash[i], &hash));
    }
    return climb.last == 0 && same(&hash, root) ? TP_OK : TP_TAMPERED;
}

/* One step of a consistency proof: towards the old root only from the left, towards the new one always. */
static enum tp_rc step(struct climb *climb, const struct tp_tlog_hash *hash, struct tp_tlog_hash *older,
                       struct tp_tlog_hash *newer)
{
    if (climb->last == 0)
        return TP_TAMPERED;
    if (from_left(climb)) {
        TP_TRY(tp_tlog_join(hash, older, older));
        TP_TRY(tp_tlog_join(hash, newer, newer));
    } else {
        TP_TRY(tp_tlog_join(newer, hash, newer));
    }
    up(climb);
    return TP_OK;
}

static enum tp_rc check_growth(uint64_t old, const struct tp_tlog_hash *old_root, uint64_t size,
                               const struct tp_tlog_hash *root, const struct tp_tlog_proof *proof)
{
    struct climb climb = {.leaf = old - 1, .last = size - 1};
    bool whole = (old & (old - 1)) == 0; /* then the old root is itself a node of the tree, and not in the proof */
    struct tp_tlog_hash older, newer;

    if (proof->len == 0 || proof->len > TP_TLOG_PROOF_MAX)
        return TP_TAMPERED;
    while ((climb.leaf & 1) != 0)
        up(&climb);
    older = newer = whole ? *old_root : proof->hash[0];
    for (size_t i = whole ? 0 : 1; i < proof->len; i++)
        TP_TRY(step(&climb, &proof->hash[i], &older, &newer));
    return climb.last == 0 && same(&older, old_root) && same(&newer, root) ? TP_OK : TP_TAMPERED;
}

enum tp_rc tp_tlog_check_consistency(uint64_t old, const struct tp_tlog_hash *old_root, uint64_t size,
                                     const struct tp_tlog_hash *root, const struct tp_tlog_proof *proof)
{
    const struct tp_tlog empty = {.size = 0};
    struct tp_tlog_hash empty_root;

    if (old > size)
        return TP_TAMPERED;
    if (old == size)
        return proof->len == 0 && same(old_root, root) ? TP_OK : TP_TAMPERED;
    if (old != 0)
        return check_growth(old, old_root, size, root, proof);
    TP_TRY(tp_tlog_root(&empty, &empty_root));
    return proof->len == 0 && same(old_root, &empty_root) ? TP_OK : TP_TAMPERED;
}
