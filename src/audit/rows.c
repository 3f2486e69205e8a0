/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/rows.h"

#include "audit/record_mac.h"

#define CHUNK 64

/* The store cannot be asked for nodes within a walk over its rows: leaves are gathered first. */
struct chunk {
    const struct tp_rows_walk *walk;
    struct tp_error *error;
    size_t len;
    uint64_t slot[CHUNK];
    struct tp_state_hash leaf[CHUNK];
};

static enum tp_rc chunk_each(void *context, const struct tp_store_record *record)
{
    struct chunk *chunk = context;
    struct tp_state_hash *leaf = &chunk->leaf[chunk->len];

    if (chunk->len == CHUNK)
        return tp_error_set(chunk->error, TP_INTERNAL, "audit: the store gave more records than were asked for");
    TP_TRY(tp_record_leaf(record, leaf));
    chunk->slot[chunk->len++] = record->slot;
    return chunk->walk->row(chunk->walk->context, record, leaf, chunk->error);
}

static enum tp_rc chunk_read(struct chunk *chunk, struct tp_state_builder *builder, uint64_t *after)
{
    chunk->len = 0;
    TP_TRY(tp_store_record_each(chunk->walk->store, NULL, NULL, *after, CHUNK, chunk->error, chunk_each, chunk));
    for (size_t i = 0; i < chunk->len; i++) {
        TP_TRY(tp_state_builder_add(builder, chunk->slot[i], &chunk->leaf[i], chunk->error));
        *after = chunk->slot[i];
    }
    return TP_OK;
}

enum tp_rc tp_rows_walk(const struct tp_rows_walk *walk, struct tp_error *error, struct tp_state_hash *ret_root)
{
    struct chunk chunk = {.walk = walk, .error = error};
    struct tp_state_builder builder;
    uint64_t after = 0;

    tp_state_builder_init(&builder, walk->node, walk->context);
    do
        TP_TRY(chunk_read(&chunk, &builder, &after));
    while (chunk.len != 0);
    return tp_state_builder_finish(&builder, error, ret_root);
}

enum tp_rc tp_rows_to_census(void *context, const struct tp_store_record *record, const struct tp_state_hash *leaf,
                             struct tp_error *error)
{
    (void)leaf;
    (void)error;
    return tp_census_add(context, record);
}
