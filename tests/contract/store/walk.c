/* SPDX-License-Identifier: Apache-2.0
 *
 * What the audit's verification needs of a store: all records, all texts, and what nodes there are.
 */
#include "fixture.h"

/* ---- all records ---- */

struct slots {
    size_t len;
    uint64_t slot[8];
};

static enum tp_rc take_slot(void *context, const struct tp_store_record *record)
{
    struct slots *slots = context;

    slots->slot[slots->len++] = record->slot;
    return TP_OK;
}

CONTRACT(store_walk, over_all_kinds_goes_by_slot)
{
    struct tp_store_record records[] = {store_record("user", 3, "", ""), store_record("key", 1, "a", ""),
                                        store_record("user", 2, "b", "")};
    struct slots slots = {.len = 0};

    for (size_t i = 0; i < 3; i++)
        store_record_put(f, &records[i]);
    MUST(tp_store_record_each(f->store, NULL, NULL, 0, 0, &f->error, take_slot, &slots));
    cr_assert_eq(slots.len, 3);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(slots.slot[i], i + 1);
    slots.len = 0;
    MUST(tp_store_record_each(f->store, NULL, NULL, 1, 1, &f->error, take_slot, &slots));
    cr_assert_eq(slots.len, 1);
    cr_assert_eq(slots.slot[0], 2);
    ANSWERS(TP_INTERNAL, tp_store_record_each(f->store, NULL, "a", 0, 0, &f->error, take_slot, &slots));
}

/* ---- nodes ---- */

CONTRACT(store_walk, counts_the_nodes_of_one_tree_and_clears_them)
{
    uint8_t node[32] = {1};
    uint64_t count = 99;

    MUST(tp_store_begin(f->store, &f->error));
    for (uint64_t i = 0; i < 3; i++)
        MUST(tp_store_node_put(f->store, 7, 8, i, TP_BYTES(node, sizeof node), &f->error));
    MUST(tp_store_node_put(f->store, 8, 8, 0, TP_BYTES(node, sizeof node), &f->error));
    MUST(tp_store_node_count(f->store, 7, &f->error, &count));
    cr_assert_eq(count, 3);
    MUST(tp_store_nodes_clear(f->store, 7, &f->error));
    MUST(tp_store_node_count(f->store, 7, &f->error, &count));
    cr_assert_eq(count, 0);
    MUST(tp_store_node_count(f->store, 8, &f->error, &count));
    cr_assert_eq(count, 1);
    MUST(tp_store_commit(f->store, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_nodes_clear(f->store, 8, &f->error));
}

CONTRACT(store_walk, has_no_node_where_an_empty_one_was_put)
{
    uint8_t node[32] = {1};

    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_node_put(f->store, 1, 1, 5, TP_BYTES(node, sizeof node), &f->error));
    MUST(tp_store_node_put(f->store, 1, 1, 5, TP_BYTES_NONE, &f->error));
    MUST(tp_store_node_put(f->store, 1, 1, 6, TP_BYTES_NONE, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_node_get(f->store, 1, 1, 5, node, sizeof node, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_node_get(f->store, 1, 1, 6, node, 0, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
}

/* ---- texts ---- */

struct texts {
    size_t len;
    uint8_t first;
    bool stop;
};

static enum tp_rc take_text(void *context, const uint8_t hash[TP_STORE_HASH_LEN], struct tp_bytes salt,
                            struct tp_bytes text)
{
    struct texts *texts = context;

    texts->len++;
    texts->first = hash[0];
    cr_assert_eq(salt.len, 4);
    cr_assert_eq(text.len, 5);
    return texts->stop ? TP_REFUSED : TP_OK;
}

CONTRACT(store_walk, over_texts_leaves_out_those_that_are_erased)
{
    uint8_t first[TP_STORE_HASH_LEN] = {1}, second[TP_STORE_HASH_LEN] = {2};
    struct texts texts = {.len = 0};

    MUST(tp_store_text_each(f->store, &f->error, take_text, &texts));
    cr_assert_eq(texts.len, 0);
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_text_put(f->store, first, TP_BYTES("salt", 4), TP_BYTES("texts", 5), &f->error));
    MUST(tp_store_text_put(f->store, second, TP_BYTES("salt", 4), TP_BYTES("texts", 5), &f->error));
    MUST(tp_store_text_erase(f->store, first, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    MUST(tp_store_text_each(f->store, &f->error, take_text, &texts));
    cr_assert_eq(texts.len, 1);
    cr_assert_eq(texts.first, 2);
    texts.stop = true;
    cr_assert_eq(tp_store_text_each(f->store, &f->error, take_text, &texts), TP_REFUSED);
}
