/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "audit/tlog_proof.h"

#define SIZES 70

/* ---- an implementation of RFC 6962 §2.1 in other words: everything is computed from all leaves, every time ---- */

static struct tp_tlog_hash leaves[SIZES + 1];

static void make_leaves(void)
{
    for (size_t i = 0; i <= SIZES; i++) {
        uint8_t entry[2] = {(uint8_t)i, (uint8_t)(i * 7)};

        assert_ok(tp_tlog_leaf(TP_BYTES(entry, sizeof entry), &leaves[i]));
    }
}

static struct tp_tlog_hash naive_root(size_t from, size_t to)
{
    struct tp_tlog_hash left, right, hash;
    uint8_t joined[65] = {1};
    size_t half = 1;

    if (to - from == 1)
        return leaves[from];
    while (half * 2 < to - from)
        half *= 2;
    left = naive_root(from, from + half);
    right = naive_root(from + half, to);
    memcpy(joined + 1, left.bytes, 32);
    memcpy(joined + 33, right.bytes, 32);
    assert_ok(tp_sha256(TP_BYTES(joined, sizeof joined), TP_BYTES_NONE, TP_BYTES_NONE, hash.bytes));
    return hash;
}

static enum tp_rc naive_get(void *context, unsigned level, uint64_t index, struct tp_error *error,
                            struct tp_tlog_hash *ret_hash)
{
    (void)context;
    (void)error;
    cr_assert(level % 8 == 0);
    *ret_hash = naive_root((size_t)(index << level), (size_t)((index + 1) << level));
    return TP_OK;
}

static const struct tp_tlog_source source = {.get = naive_get};

static bool same(const struct tp_tlog_hash *a, const struct tp_tlog_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- roots ---- */

Test(tlog, has_the_roots_of_the_well_known_test_tree)
{
    static const struct {
        const char *leaf, *root;
    } known[] = {
        {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct tp_tlog tlog = {.size = 0};
    struct tp_tlog_hash root;
    struct tp_tlog_kept kept;
    char hex[65];

    assert_ok(tp_tlog_root(&tlog, &root));
    tp_hex_encode(TP_BYTES(root.bytes, 32), hex);
    cr_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct tp_buf leaf TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        struct tp_tlog_hash hash;

        assert_ok(tp_hex_decode(known[i].leaf, strlen(known[i].leaf), &leaf));
        assert_ok(tp_tlog_leaf(tp_buf_bytes(&leaf), &hash));
        assert_ok(tp_tlog_append(&tlog, &hash, &kept));
        assert_ok(tp_tlog_root(&tlog, &root));
        tp_hex_encode(TP_BYTES(root.bytes, 32), hex);
        cr_assert_str_eq(hex, known[i].root, "size %zu", i + 1);
    }
}

Test(tlog, grows_and_loads_to_the_roots_of_the_definition)
{
    struct tp_tlog tlog = {.size = 0}, loaded;
    struct tp_tlog_kept kept;

    make_leaves();
    for (size_t size = 1; size <= SIZES; size++) {
        struct tp_tlog_hash expected = naive_root(0, size), root;

        assert_ok(tp_tlog_append(&tlog, &leaves[size - 1], &kept));
        assert_ok(tp_tlog_root(&tlog, &root));
        cr_assert(same(&root, &expected), "appended, size %zu", size);
        assert_ok(tp_tlog_load(&source, size, NULL, &loaded));
        assert_ok(tp_tlog_root(&loaded, &root));
        cr_assert(same(&root, &expected), "loaded, size %zu", size);
    }
}

Test(tlog, hands_out_the_nodes_of_every_eighth_level_once)
{
    struct tp_tlog tlog = {.size = 0};
    struct tp_tlog_hash leaf = {{7}};
    struct tp_tlog_kept kept;
    size_t low = 0, high = 0;

    for (size_t i = 0; i < 65536 + 255; i++) {
        assert_ok(tp_tlog_append(&tlog, &leaf, &kept));
        for (size_t k = 0; k < kept.len; k++) {
            cr_assert(kept.node[k].level == 8 || kept.node[k].level == 16);
            cr_assert_eq(kept.node[k].index, i >> kept.node[k].level);
            low += kept.node[k].level == 8;
            high += kept.node[k].level == 16;
        }
    }
    cr_assert_eq(low, 256);
    cr_assert_eq(high, 1);
}

/* ---- proofs ---- */

Test(tlog, proves_every_leaf_of_every_size)
{
    make_leaves();
    for (uint64_t size = 1; size <= SIZES; size++)
        for (uint64_t index = 0; index < size; index++) {
            struct tp_tlog_hash root = naive_root(0, (size_t)size);
            struct tp_tlog_proof proof;

            assert_ok(tp_tlog_prove_inclusion(&source, size, index, NULL, &proof));
            assert_ok(tp_tlog_check_inclusion(size, index, &leaves[index], &proof, &root));
        }
}

Test(tlog, refuses_a_proof_of_another_leaf_place_size_or_root)
{
    make_leaves();
    for (uint64_t size = 2; size <= SIZES; size++)
        for (uint64_t index = 0; index < size; index++) {
            struct tp_tlog_hash root = naive_root(0, (size_t)size), other = naive_root(0, (size_t)size - 1);
            struct tp_tlog_proof proof, shorter, longer;

            assert_ok(tp_tlog_prove_inclusion(&source, size, index, NULL, &proof));
            shorter = longer = proof;
            shorter.len--;
            longer.hash[longer.len++] = root;
            assert_rc(tp_tlog_check_inclusion(size, index, &leaves[(index + 1) % size], &proof, &root), TP_TAMPERED);
            assert_rc(tp_tlog_check_inclusion(size, (index + 1) % size, &leaves[index], &proof, &root), TP_TAMPERED);
            assert_rc(tp_tlog_check_inclusion(size, index, &leaves[index], &proof, &other), TP_TAMPERED);
            assert_rc(tp_tlog_check_inclusion(size, index, &leaves[index], &shorter, &root), TP_TAMPERED);
            assert_rc(tp_tlog_check_inclusion(size, index, &leaves[index], &longer, &root), TP_TAMPERED);
            assert_rc(tp_tlog_check_inclusion(size, size, &leaves[index], &proof, &root), TP_TAMPERED);
            for (size_t i = 0; i < proof.len; i++) {
                struct tp_tlog_proof flipped = proof;

                flipped.hash[i].bytes[i % 32] ^= 1;
                assert_rc(tp_tlog_check_inclusion(size, index, &leaves[index], &flipped, &root), TP_TAMPERED);
            }
        }
}

Test(tlog, proves_that_every_size_extends_every_smaller_one)
{
    struct tp_tlog empty = {.size = 0};

    make_leaves();
    for (uint64_t size = 1; size <= SIZES; size++)
        for (uint64_t old = 0; old <= size; old++) {
            struct tp_tlog_hash root = naive_root(0, (size_t)size), old_root;
            struct tp_tlog_proof proof;

            if (old == 0)
                assert_ok(tp_tlog_root(&empty, &old_root));
            else
                old_root = naive_root(0, (size_t)old);
            assert_ok(tp_tlog_prove_consistency(&source, old, size, NULL, &proof));
            assert_ok(tp_tlog_check_consistency(old, &old_root, size, &root, &proof));
        }
}

Test(tlog, refuses_a_proof_that_a_log_extends_another)
{
    make_leaves();
    for (uint64_t size = 2; size <= SIZES; size++)
        for (uint64_t old = 1; old < size; old++) {
            struct tp_tlog_hash root = naive_root(0, (size_t)size), old_root = naive_root(0, (size_t)old);
            struct tp_tlog_hash wrong = old_root;
            struct tp_tlog_proof proof, shorter;

            assert_ok(tp_tlog_prove_consistency(&source, old, size, NULL, &proof));
            wrong.bytes[31] ^= 0x80;
            assert_rc(tp_tlog_check_consistency(old, &wrong, size, &root, &proof), TP_TAMPERED);
            assert_rc(tp_tlog_check_consistency(old, &old_root, size, &wrong, &proof), TP_TAMPERED);
            assert_rc(tp_tlog_check_consistency(size, &root, old, &old_root, &proof), TP_TAMPERED);
            shorter = proof;
            shorter.len--;
            assert_rc(tp_tlog_check_consistency(old, &old_root, size, &root, &shorter), TP_TAMPERED);
            for (size_t i = 0; i < proof.len; i++) {
                struct tp_tlog_proof flipped = proof;

                flipped.hash[i].bytes[i % 32] ^= 1;
                assert_rc(tp_tlog_check_consistency(old, &old_root, size, &root, &flipped), TP_TAMPERED);
            }
        }
}

Test(tlog, refuses_to_prove_what_is_not_there)
{
    struct tp_tlog_proof proof;

    make_leaves();
    assert_rc(tp_tlog_prove_inclusion(&source, 5, 5, NULL, &proof), TP_BAD_ARGUMENT);
    assert_rc(tp_tlog_prove_consistency(&source, 6, 5, NULL, &proof), TP_BAD_ARGUMENT);
}
