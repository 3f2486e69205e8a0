/* SPDX-License-Identifier: Apache-2.0
 *
 * The small parts: records' bytes, the head, the census, intents, the map, the table of actions.
 */
#include "fixture.h"

#include "audit/census.h"
#include "audit/head.h"
#include "audit/intents.h"
#include "audit/keymap.h"
#include "audit/record_mac.h"

/* ---- records ---- */

static struct tp_store_record record_like(const char *kind, const char *id, const char *owner, const char *name)
{
    struct tp_store_record record = {.slot = 5, .version = 2, .content = tp_bytes_of_string("content")};

    snprintf(record.kind, sizeof record.kind, "%s", kind);
    snprintf(record.id, sizeof record.id, "%s", id);
    snprintf(record.owner, sizeof record.owner, "%s", owner);
    snprintf(record.name, sizeof record.name, "%s", name);
    return record;
}

Test(record, has_another_mac_and_leaf_when_anything_differs)
{
    struct tp_store_record all[9];
    uint8_t mac[9][TP_STORE_MAC_LEN];
    struct tp_state_hash leaf[9];
    struct tp_ledger_keys signer;
    struct fake_keys keys;

    fake_keys_make(&keys);
    signer = fake_keys_of(&keys);
    for (size_t i = 0; i < 9; i++)
        all[i] = record_like("user", "id", "owner", "name");
    all[1] = record_like("use", "rid", "owner", "name"); /* the same letters, other borders */
    all[2] = record_like("user", "ido", "wner", "name");
    all[3] = record_like("user", "id", "ownern", "ame");
    all[4].slot++;
    all[5].version++;
    all[6].content = tp_bytes_of_string("contenu");
    all[7].content = tp_bytes_of_string("conten");
    all[8] = record_like("user", "id", "", "ownername");
    for (size_t i = 0; i < 9; i++) {
        assert_ok(tp_record_mac(&signer, &all[i], NULL, mac[i]));
        assert_ok(tp_record_leaf(&all[i], &leaf[i]));
        for (size_t k = 0; k < i; k++) {
            cr_assert(memcmp(mac[i], mac[k], sizeof mac[i]) != 0, "%zu and %zu", i, k);
            cr_assert(!tp_state_hash_equal(&leaf[i], &leaf[k]), "%zu and %zu", i, k);
        }
    }
    fake_keys_clear(&keys);
}

Test(record, is_believed_with_its_mac_and_not_with_another)
{
    struct tp_store_record record = record_like("user", "id", "", "");
    struct tp_ledger_keys signer;
    struct fake_keys keys;

    fake_keys_make(&keys);
    signer = fake_keys_of(&keys);
    assert_ok(tp_record_mac(&signer, &record, NULL, record.mac));
    assert_ok(tp_record_mac_check(&signer, &record, NULL));
    record.mac[31] ^= 1;
    assert_rc(tp_record_mac_check(&signer, &record, NULL), TP_TAMPERED);
    fake_keys_clear(&keys);
}

/* ---- the head ---- */

Test(head, reads_back_what_was_sealed_and_refuses_every_flipped_bit)
{
    struct tp_head head = {.entries = 10, .slots = 3, .lowest_open = 7, .checkpoint = 5}, read;
    struct tp_head_value value;
    struct tp_ledger_keys signer;
    struct fake_keys keys;

    fake_keys_make(&keys);
    signer = fake_keys_of(&keys);
    assert_ok(tp_head_seal(&head, &signer, NULL, &value));
    assert_ok(tp_head_check(&value, &signer, NULL));
    assert_ok(tp_head_parse(&value, NULL, &read));
    cr_assert(read.entries == 10 && read.slots == 3 && read.lowest_open == 7 && read.checkpoint == 5);
    for (size_t i = 0; i < sizeof value.bytes * 8; i++) {
        value.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_rc(tp_head_check(&value, &signer, NULL), TP_TAMPERED);
        value.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    fake_keys_clear(&keys);
}

/* ---- the census ---- */

static size_t slots_of(struct tp_census *census, struct tp_census_key key, uint64_t after, uint32_t *ret_slots)
{
    size_t len = 0;

    assert_ok(tp_census_slots(census, &key, after, 8, ret_slots, &len));
    return len;
}

Test(census, knows_a_record_by_all_its_ways_and_forgets_it)
{
    struct tp_store_record record = record_like("user", "1", "o", "n");
    struct tp_census *census = NULL;
    uint32_t slots[8];

    assert_ok(tp_census_new(&census));
    assert_ok(tp_census_add(census, &record));
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", "1", NULL, NULL}, 0, slots), 1);
    cr_assert_eq(slots[0], 5);
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", NULL, "o", "n"}, 0, slots), 1);
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", NULL, "o", NULL}, 0, slots), 1);
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", NULL, NULL, NULL}, 0, slots), 1);
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", "2", NULL, NULL}, 0, slots), 0);
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", NULL, "n", "o"}, 0, slots), 0);
    cr_assert_eq(tp_census_records(census), 1);
    tp_census_remove(census, &record);
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", "1", NULL, NULL}, 0, slots), 0);
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", NULL, NULL, NULL}, 0, slots), 0);
    cr_assert_eq(tp_census_records(census), 0);
    tp_census_free(census);
}

Test(census, lists_slots_in_order_whatever_came_and_went)
{
    struct tp_census *census = NULL;
    uint32_t slots[8];
    char id[16];

    assert_ok(tp_census_new(&census));
    for (unsigned i = 0; i < 5000; i++) {
        struct tp_store_record record;

        snprintf(id, sizeof id, "%u", i);
        record = record_like("user", id, i % 2 == 0 ? "even" : "odd", "");
        record.slot = 5000 - i;
        assert_ok(tp_census_add(census, &record));
        if (i % 3 == 0)
            tp_census_remove(census, &record);
    }
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", NULL, "even", NULL}, 4000, slots), 8);
    for (size_t i = 0; i < 8; i++) {
        cr_assert_eq(slots[i] % 2, 0);
        cr_assert_neq((5000 - slots[i]) % 3, 0);
        cr_assert(i == 0 ? slots[0] > 4000 : slots[i] > slots[i - 1]);
    }
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", NULL, NULL, NULL}, 4999, slots), 0);
    cr_assert_eq(slots_of(census, (struct tp_census_key){"user", NULL, NULL, NULL}, UINT64_MAX, slots), 0);
    tp_census_free(census);
}

/* ---- intents ---- */

Test(intents, end_once_and_are_swept_when_recorded)
{
    struct tp_intents intents = {0};

    assert_ok(tp_intents_reserve(&intents, 1000));
    for (uint64_t i = 0; i < 1000; i++)
        tp_intents_add(&intents, i * 2, TP_INTENT_OPEN);
    cr_assert_eq(tp_intents_lowest(&intents, 7777), 0);
    cr_assert(tp_intents_end(&intents, 0, TP_INTENT_OK, NULL));
    cr_assert(!tp_intents_end(&intents, 0, TP_INTENT_FAILED, NULL));
    cr_assert(!tp_intents_end(&intents, 1, TP_INTENT_OK, NULL));
    intents.item[0].taken = true;
    cr_assert_eq(tp_intents_lowest(&intents, 7777), 2);
    tp_intents_settle(&intents, false);
    cr_assert_eq(tp_intents_lowest(&intents, 7777), 0);
    cr_assert_eq(intents.ended, 1);
    intents.item[0].taken = true;
    tp_intents_settle(&intents, true);
    cr_assert_eq(intents.ended, 0);
    cr_assert_eq(tp_intents_count(&intents), 999);
    for (uint64_t i = 1; i < 1000; i++)
        tp_intents_close(&intents, i * 2);
    cr_assert_eq(tp_intents_count(&intents), 0);
    cr_assert_eq(tp_intents_lowest(&intents, 7777), 7777);
    tp_intents_clear(&intents);
}

/* ---- the map ---- */

Test(keymap, finds_what_was_put_and_nothing_else)
{
    struct tp_keymap map;
    size_t cursor = 0, seen = 0;
    uint8_t key[TP_KEYMAP_KEY_LEN] = {0};
    void *value;

    tp_keymap_init(&map, 3);
    cr_assert_null(tp_keymap_get(&map, key));
    for (uint64_t i = 0; i < 1000; i++) {
        tp_put_be64(key, i % 10); /* many collide */
        tp_put_be64(key + 8, i);
        assert_ok(tp_keymap_put(&map, key, &value));
        cr_assert_eq(((uint8_t *)value)[0], 0);
        ((uint8_t *)value)[0] = (uint8_t)(1 + i % 200);
    }
    for (uint64_t i = 0; i < 1000; i++) {
        tp_put_be64(key, i % 10);
        tp_put_be64(key + 8, i);
        cr_assert_eq(*(uint8_t *)tp_keymap_get(&map, key), 1 + i % 200);
    }
    tp_put_be64(key + 8, 1001);
    cr_assert_null(tp_keymap_get(&map, key));
    while (tp_keymap_next(&map, &cursor) != NULL)
        seen++;
    cr_assert_eq(seen, 1000);
    tp_keymap_clear(&map);
}

/* ---- actions ---- */

Test(action, has_one_name_and_words_for_each)
{
    for (int i = 0; i < TP_ACTION_COUNT; i++) {
        cr_assert_not_null(tp_action_words(tp_action_name((enum tp_action)i)));
        for (int k = 0; k < i; k++)
            cr_assert_str_neq(tp_action_name((enum tp_action)i), tp_action_name((enum tp_action)k));
    }
    cr_assert_null(tp_action_words("no.such.action"));
}
