/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tp_hsm_cache cache;

static void make(void)
{
    cr_assert_eq(tp_hsm_cache_init(&cache, 3), TP_OK);
}

static void clear(void)
{
    tp_hsm_cache_clear(&cache);
}

TestSuite(hsm_cache, .init = make, .fini = clear);

static struct tp_hsm_key *take(const char *id)
{
    uint64_t ticket;
    return tp_hsm_cache_take(&cache, id, 1, &ticket);
}

static struct tp_hsm_key *fresh(const char *id)
{
    struct tp_hsm_key *key = calloc(1, sizeof(*key));
    cr_assert_not_null(key);
    key->epoch = 1;
    snprintf(key->id, sizeof(key->id), "%s", id);
    return key;
}

static unsigned drop(struct tp_hsm_key *gone)
{
    unsigned count = 0;
    for (struct tp_hsm_key *key = gone; key != NULL; key = gone, count++) {
        gone = key->chain;
        free(key);
    }
    return count;
}

static struct tp_hsm_key *add_held(const char *id)
{
    struct tp_hsm_key *gone = NULL;
    struct tp_hsm_key *key = tp_hsm_cache_add(&cache, fresh(id), cache.forgotten, &gone);
    drop(gone);
    return key;
}

static unsigned put(struct tp_hsm_key *key)
{
    struct tp_hsm_key *gone = NULL;
    tp_hsm_cache_put(&cache, key, &gone);
    return drop(gone);
}

static bool has(const char *id)
{
    struct tp_hsm_key *key = take(id);
    if (key != NULL)
        put(key);
    return key != NULL;
}

Test(hsm_cache, finds_what_was_added_and_nothing_else)
{
    put(add_held("a"));
    cr_expect(has("a"));
    cr_expect_not(has("b"));
    cr_expect_eq(tp_hsm_cache_count(&cache), 1);
}

Test(hsm_cache, puts_out_the_least_recently_used)
{
    put(add_held("a"));
    put(add_held("b"));
    put(add_held("c"));
    cr_assert(has("a")); /* now used after b */
    put(add_held("d"));
    cr_expect_not(has("b"));
    cr_expect(has("a"));
    cr_expect(has("c"));
    cr_expect(has("d"));
    cr_expect_eq(tp_hsm_cache_count(&cache), 3);
}

Test(hsm_cache, never_puts_out_a_held_key_and_shrinks_when_it_comes_back)
{
    struct tp_hsm_key *held[5];
    const char *ids[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++)
        held[i] = add_held(ids[i]);
    cr_expect_eq(tp_hsm_cache_count(&cache), 5);
    cr_expect_eq(put(held[4]), 1);
    cr_expect_eq(put(held[0]), 1);
    cr_expect_eq(put(held[1]), 0);
    cr_expect_eq(tp_hsm_cache_count(&cache), 3);
    cr_expect_eq(put(held[2]) + put(held[3]), 0);
}

Test(hsm_cache, keeps_the_first_of_two_that_were_loaded_at_once)
{
    struct tp_hsm_key *gone = NULL, *first = add_held("a"), *late = fresh("a");
    cr_expect_eq(tp_hsm_cache_add(&cache, late, cache.forgotten, &gone), first);
    cr_expect_eq(gone, late);
    cr_expect_eq(drop(gone), 1);
    cr_expect_eq(first->holders, 2);
    cr_expect_eq(put(first) + put(first), 0);
}

Test(hsm_cache, forgets_an_idle_key_at_once)
{
    struct tp_hsm_key *gone = NULL;
    put(add_held("a"));
    tp_hsm_cache_forget(&cache, "b", &gone);
    cr_expect_null(gone);
    tp_hsm_cache_forget(&cache, "a", &gone);
    cr_expect_eq(drop(gone), 1);
    cr_expect_not(has("a"));
}

Test(hsm_cache, forgets_a_held_key_with_its_last_holder)
{
    struct tp_hsm_key *gone = NULL, *key = add_held("a");
    cr_assert_eq(take("a"), key);
    tp_hsm_cache_forget(&cache, "a", &gone);
    cr_expect_null(gone);
    cr_expect_not(has("a"));
    cr_expect_eq(put(key), 0);
    cr_expect_eq(put(key), 1);
}

Test(hsm_cache, does_not_keep_what_was_forgotten_while_it_was_loaded)
{
    struct tp_hsm_key *gone = NULL, *key;
    uint64_t ticket;
    cr_assert_null(tp_hsm_cache_take(&cache, "a", 1, &ticket));
    tp_hsm_cache_forget(&cache, "a", &gone);
    key = tp_hsm_cache_add(&cache, fresh("a"), ticket, &gone);
    cr_expect_not(has("a"));
    cr_expect_eq(put(key), 1);
}

Test(hsm_cache, hands_no_key_to_a_session_of_another_login_and_keeps_it_for_those_of_its_own)
{
    uint64_t ticket;
    put(add_held("a"));
    cr_expect_null(tp_hsm_cache_take(&cache, "a", 2, &ticket));
    cr_expect(has("a"));
}

Test(hsm_cache, does_not_let_a_key_of_an_ended_login_push_out_one_of_the_next)
{
    struct tp_hsm_key *gone = NULL, *late, *next;
    uint64_t ticket;
    cr_assert_null(tp_hsm_cache_take(&cache, "a", 1, &ticket));
    tp_hsm_cache_forget_all(&cache, &gone);
    next = add_held("a");
    late = tp_hsm_cache_add(&cache, fresh("a"), ticket, &gone);
    cr_expect_neq(late, next);
    cr_expect_null(gone);
    cr_expect_eq(put(late), 1);
    cr_expect_eq(put(next), 0);
    cr_expect(has("a"));
}

Test(hsm_cache, forgets_all_but_leaves_held_ones_to_their_holders)
{
    struct tp_hsm_key *gone = NULL, *held = add_held("a");
    put(add_held("b"));
    put(add_held("c"));
    tp_hsm_cache_forget_all(&cache, &gone);
    cr_expect_eq(drop(gone), 2);
    cr_expect_eq(tp_hsm_cache_count(&cache), 0);
    cr_expect_eq(put(held), 1);
}

Test(hsm_cache, holds_thousands)
{
    struct tp_hsm_cache large;
    struct tp_hsm_key *gone = NULL;
    char id[TP_ID_LEN];
    cr_assert_eq(tp_hsm_cache_init(&large, 10000), TP_OK);
    for (unsigned i = 0; i < 10500; i++) {
        snprintf(id, sizeof(id), "%032x", i);
        tp_hsm_cache_put(&large, tp_hsm_cache_add(&large, fresh(id), 0, &gone), &gone);
    }
    cr_expect_eq(drop(gone), 500);
    cr_expect_eq(tp_hsm_cache_count(&large), 10000);
    tp_hsm_cache_clear(&large);
}
