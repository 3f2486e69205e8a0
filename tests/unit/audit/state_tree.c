/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "audit/state_tree.h"

static struct fixture fixture;
static struct tp_store *store;
static struct tp_state_hash root, absent;

static void setup(void)
{
    fixture_begin(&fixture);
    assert_ok(tp_store_open(fixture.store, TP_STORE_CREATE, NULL, &store));
    assert_ok(tp_store_begin(store, NULL));
    memset(&root, 0, sizeof root);
}

static void teardown(void)
{
    tp_store_rollback(store);
    tp_store_close(store);
    fixture_end(&fixture);
}

TestSuite(state_tree, .init = setup, .fini = teardown);

static struct tp_state_hash leaf_of(uint64_t slot)
{
    struct tp_state_hash leaf = {{1}};

    tp_put_be64(leaf.bytes + 8, slot);
    return leaf;
}

static const uint64_t slots[] = {1, 2, 15, 16, 17, 255, 256, 65537, 1 << 20, TP_STATE_SLOTS - 1};
#define SLOTS (sizeof slots / sizeof slots[0])

static void set_all(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct tp_state_hash leaf = leaf_of(slots[i]);

        assert_ok(tp_state_tree_set(store, &root, slots[i], &absent, &leaf, NULL));
    }
}

static enum tp_rc count_node(void *context, unsigned level, uint64_t index, const struct tp_state_node *node,
                             struct tp_error *error)
{
    (void)level;
    (void)index;
    (void)node;
    (void)error;
    ++*(uint64_t *)context;
    return TP_OK;
}

Test(state_tree, gives_back_each_leaf_and_absence_elsewhere)
{
    struct tp_state_hash leaf;

    set_all();
    for (size_t i = 0; i < SLOTS; i++) {
        struct tp_state_hash expected = leaf_of(slots[i]);

        assert_ok(tp_state_tree_get(store, &root, slots[i], NULL, &leaf));
        cr_assert(tp_state_hash_equal(&leaf, &expected));
    }
    assert_ok(tp_state_tree_get(store, &root, 3, NULL, &leaf));
    cr_assert(tp_state_hash_absent(&leaf));
    assert_ok(tp_state_tree_get(store, &root, 1 << 24, NULL, &leaf));
    cr_assert(tp_state_hash_absent(&leaf));
}

Test(state_tree, is_what_the_builder_makes_of_the_same_leaves)
{
    struct tp_state_builder builder;
    struct tp_state_hash built;
    uint64_t nodes = 0, stored = 0;

    set_all();
    tp_state_builder_init(&builder, count_node, &nodes);
    for (size_t i = 0; i < SLOTS; i++) {
        struct tp_state_hash leaf = leaf_of(slots[i]);

        assert_ok(tp_state_builder_add(&builder, slots[i], &leaf, NULL));
    }
    assert_ok(tp_state_builder_finish(&builder, NULL, &built));
    cr_assert(tp_state_hash_equal(&built, &root));
    assert_ok(tp_store_node_count(store, TP_AUDIT_TREE_STATE, NULL, &stored));
    cr_assert_eq(nodes, stored);
}

Test(state_tree, refuses_leaves_that_come_in_another_order)
{
    struct tp_state_builder builder;
    struct tp_state_hash leaf = leaf_of(1);

    tp_state_builder_init(&builder, NULL, NULL);
    assert_ok(tp_state_builder_add(&builder, 5, &leaf, NULL));
    assert_rc(tp_state_builder_add(&builder, 5, &leaf, NULL), TP_TAMPERED);
    assert_rc(tp_state_builder_add(&builder, 4, &leaf, NULL), TP_TAMPERED);
}

Test(state_tree, is_empty_again_when_all_leaves_have_gone)
{
    uint64_t nodes = 99;

    set_all();
    for (size_t i = 0; i < SLOTS; i++) {
        struct tp_state_hash leaf = leaf_of(slots[i]);

        assert_ok(tp_state_tree_set(store, &root, slots[i], &leaf, &absent, NULL));
    }
    cr_assert(tp_state_hash_absent(&root));
    assert_ok(tp_store_node_count(store, TP_AUDIT_TREE_STATE, NULL, &nodes));
    cr_assert_eq(nodes, 0);
}

Test(state_tree, is_not_changed_on_a_leaf_that_is_not_there)
{
    struct tp_state_hash leaf = leaf_of(9), before;

    set_all();
    before = root;
    assert_rc(tp_state_tree_set(store, &root, 9, &leaf, &absent, NULL), TP_TAMPERED);
    assert_rc(tp_state_tree_set(store, &root, 1, &absent, &leaf, NULL), TP_TAMPERED);
    cr_assert(tp_state_hash_equal(&before, &root));
}

Test(state_tree, refuses_slots_outside)
{
    struct tp_state_hash leaf;

    assert_rc(tp_state_tree_get(store, &root, 0, NULL, &leaf), TP_TOO_LARGE);
    assert_rc(tp_state_tree_get(store, &root, TP_STATE_SLOTS, NULL, &leaf), TP_TOO_LARGE);
}

/* Whichever node on the way down is another: not read, and not built upon. */
Test(state_tree, refuses_a_changed_node_at_every_level)
{
    set_all();
    for (unsigned level = 1; level <= TP_STATE_DEPTH; level++) {
        struct tp_state_hash leaf = leaf_of(1), other = leaf_of(2), read;
        struct tp_state_node node;

        assert_ok(tp_store_node_get(store, TP_AUDIT_TREE_STATE, level, 0, node.bytes, sizeof node.bytes, NULL));
        node.bytes[500] ^= 1;
        assert_ok(
            tp_store_node_put(store, TP_AUDIT_TREE_STATE, level, 0, TP_BYTES(node.bytes, sizeof node.bytes), NULL));
        assert_rc(tp_state_tree_get(store, &root, 1, NULL, &read), TP_TAMPERED);
        assert_rc(tp_state_tree_set(store, &root, 1, &leaf, &other, NULL), TP_TAMPERED);
        node.bytes[500] ^= 1;
        assert_ok(
            tp_store_node_put(store, TP_AUDIT_TREE_STATE, level, 0, TP_BYTES(node.bytes, sizeof node.bytes), NULL));
        assert_ok(tp_state_tree_get(store, &root, 1, NULL, &read));
    }
}
