/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tlog.h"

#include <string.h>

static struct tp_bytes hash_bytes(const struct tp_tlog_hash *hash)
{
    return TP_BYTES(hash->bytes, sizeof hash->bytes);
}

enum tp_rc tp_tlog_leaf(struct tp_bytes entry, struct tp_tlog_hash *ret_hash)
{
    static const uint8_t tag = 0x00;

    return tp_sha256(TP_BYTES(&tag, 1), entry, TP_BYTES_NONE, ret_hash->bytes);
}

enum tp_rc tp_tlog_join(const struct tp_tlog_hash *left, const struct tp_tlog_hash *right,
                        struct tp_tlog_hash *ret_hash)
{
    static const uint8_t tag = 0x01;

    return tp_sha256(TP_BYTES(&tag, 1), hash_bytes(left), hash_bytes(right), ret_hash->bytes);
}

static void keep(struct tp_tlog_kept *kept, unsigned level, uint64_t index, const struct tp_tlog_hash *hash)
{
    if (level == 0 || level % TP_TLOG_STRIDE != 0)
        return;
    kept->node[kept->len++] = (struct tp_tlog_node){.level = level, .index = index, .hash = *hash};
}

enum tp_rc tp_tlog_append(struct tp_tlog *tlog, const struct tp_tlog_hash *leaf, struct tp_tlog_kept *ret_kept)
{
    struct tp_tlog_hash hash = *leaf;
    unsigned level = 0;

    ret_kept->len = 0;
    if (tlog->size >= ((uint64_t)1 << (TP_TLOG_LEVELS - 1)))
        return TP_TOO_LARGE;
    for (; (tlog->size >> level & 1) != 0; level++) {
        TP_TRY(tp_tlog_join(&tlog->frontier[level], &hash, &hash));
        keep(ret_kept, level + 1, tlog->size >> (level + 1), &hash);
    }
    tlog->frontier[level] = hash;
    tlog->size++;
    return TP_OK;
}

enum tp_rc tp_tlog_root(const struct tp_tlog *tlog, struct tp_tlog_hash *ret_root)
{
    struct tp_tlog_hash root = {{0}};
    bool any = false;

    if (tlog->size == 0)
        return tp_sha256(TP_BYTES_NONE, TP_BYTES_NONE, TP_BYTES_NONE, ret_root->bytes);
    for (unsigned level = 0; level < TP_TLOG_LEVELS; level++) {
        if ((tlog->size >> level & 1) == 0)
            continue;
        if (any)
            TP_TRY(tp_tlog_join(&tlog->frontier[level], &root, &root));
        else
            root = tlog->frontier[level];
        any = true;
    }
    *ret_root = root;
    return TP_OK;
}

enum tp_rc tp_tlog_subtree(const struct tp_tlog_source *source, unsigned level, uint64_t index, struct tp_error *error,
                           struct tp_tlog_hash *ret_hash)
{
    struct tp_tlog_hash left, right;

    if (level % TP_TLOG_STRIDE == 0)
        return source->get(source->context, level, index, error, ret_hash);
    TP_TRY(tp_tlog_subtree(source, level - 1, 2 * index, error, &left));
    TP_TRY(tp_tlog_subtree(source, level - 1, 2 * index + 1, error, &right));
    return tp_tlog_join(&left, &right, ret_hash);
}

enum tp_rc tp_tlog_load(const struct tp_tlog_source *source, uint64_t size, struct tp_error *error,
                        struct tp_tlog *ret_tlog)
{
    struct tp_tlog tlog = {.size = size};

    if (size > ((uint64_t)1 << (TP_TLOG_LEVELS - 1)))
        return tp_error_set(error, TP_TOO_LARGE, "audit: a log cannot have so many entries");
    for (unsigned level = 0; level < TP_TLOG_LEVELS; level++)
        if ((size >> level & 1) != 0)
            TP_TRY(tp_tlog_subtree(source, level, (size >> level) - 1, error, &tlog.frontier[level]));
    *ret_tlog = tlog;
    return TP_OK;
}
