/* SPDX-License-Identifier: Apache-2.0
 *
 * The log, tree nodes, checkpoints, values.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void append(struct store_fixture *f, uint64_t first, uint64_t count)
{
    MUST(tp_store_begin(f->store, &f->error));
    for (uint64_t i = first; i < first + count; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "entry %u", (unsigned)i);

        MUST(tp_store_entry_append(f->store, i, TP_BYTES(text, (size_t)len), &f->error));
    }
    MUST(tp_store_commit(f->store, &f->error));
}

static uint64_t end_of(struct store_fixture *f)
{
    uint64_t end = 99;

    MUST(tp_store_entry_end(f->store, &f->error, &end));
    return end;
}

struct walk {
    unsigned count;
    uint64_t indices[64];
    unsigned stop_after;
};

static enum tp_rc note_entry(void *context, uint64_t index, struct tp_bytes content)
{
    struct walk *walk = context;
    char text[32];

    (void)snprintf(text, sizeof text, "entry %u", (unsigned)index);
    cr_assert(tp_bytes_equal(content, tp_bytes_of_string(text)));
    cr_assert_lt(walk->count, 64);
    walk->indices[walk->count++] = index;
    return walk->count == walk->stop_after ? TP_REFUSED : TP_OK;
}

static bool walked(const struct walk *walk, uint64_t first, unsigned count, int step)
{
    for (unsigned i = 0; i < walk->count; i++)
        if (walk->indices[i] != first + (uint64_t)(int64_t)step * i)
            return false;
    return walk->count == count;
}

CONTRACT(store_log, is_appended_from_zero_without_gaps)
{
    cr_assert_eq(end_of(f), 0);
    append(f, 0, 3);
    cr_assert_eq(end_of(f), 3);
    append(f, 3, 40);
    cr_assert_eq(end_of(f), 43);
}

CONTRACT(store_log, refuses_an_index_that_is_taken_and_the_transaction_lives)
{
    append(f, 0, 3);
    MUST(tp_store_begin(f->store, &f->error));
    ANSWERS(TP_EXISTS, tp_store_entry_append(f->store, 0, TP_BYTES("x", 1), &f->error));
    ANSWERS(TP_EXISTS, tp_store_entry_append(f->store, 2, TP_BYTES("x", 1), &f->error));
    MUST(tp_store_entry_append(f->store, 3, TP_BYTES("entry 3", 7), &f->error));
    ANSWERS(TP_EXISTS, tp_store_entry_append(f->store, 3, TP_BYTES("x", 1), &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    cr_assert_eq(end_of(f), 4);
}

CONTRACT(store_log, refuses_a_gap)
{
    static const uint64_t gaps[] = {1, 5, INT64_MAX - 1};

    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        MUST(tp_store_begin(f->store, &f->error));
        ANSWERS(TP_STORE, tp_store_entry_append(f->store, gaps[i], TP_BYTES("x", 1), &f->error));
        tp_store_rollback(f->store);
    }
    MUST(tp_store_begin(f->store, &f->error));
    ANSWERS(TP_BAD_ARGUMENT, tp_store_entry_append(f->store, INT64_MAX, TP_BYTES("x", 1), &f->error));
    ANSWERS(TP_BAD_ARGUMENT, tp_store_entry_append(f->store, UINT64_MAX, TP_BYTES("x", 1), &f->error));
    tp_store_rollback(f->store);
    cr_assert_eq(end_of(f), 0);
}

CONTRACT(store_log, that_was_rolled_back_goes_on_where_it_was)
{
    append(f, 0, 2);
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_entry_append(f->store, 2, TP_BYTES("lost", 4), &f->error));
    tp_store_rollback(f->store);
    cr_assert_eq(end_of(f), 2);
    append(f, 2, 1);
}

CONTRACT(store_log, notices_what_another_handle_has_appended)
{
    struct tp_store *mine = f->store;

    append(f, 0, 2);
    f->store = store_again(f, TP_STORE_WRITE);
    append(f, 2, 2);
    tp_store_close(f->store);
    f->store = mine;
    append(f, 4, 1);
    cr_assert_eq(end_of(f), 5);
}

CONTRACT(store_log, is_read_forwards)
{
    struct walk all = {0}, some = {0}, over_the_end = {0}, past = {0};

    append(f, 0, 40);
    MUST(tp_store_entry_each(f->store, 0, UINT64_MAX, false, &f->error, note_entry, &all));
    cr_assert(walked(&all, 0, 40, 1));
    MUST(tp_store_entry_each(f->store, 10, 5, false, &f->error, note_entry, &some));
    cr_assert(walked(&some, 10, 5, 1));
    MUST(tp_store_entry_each(f->store, 38, 5, false, &f->error, note_entry, &over_the_end));
    cr_assert(walked(&over_the_end, 38, 2, 1));
    MUST(tp_store_entry_each(f->store, 40, 5, false, &f->error, note_entry, &past));
    MUST(tp_store_entry_each(f->store, UINT64_MAX, UINT64_MAX, false, &f->error, note_entry, &past));
    MUST(tp_store_entry_each(f->store, 3, 0, false, &f->error, note_entry, &past));
    cr_assert_eq(past.count, 0);
}

CONTRACT(store_log, is_read_backwards)
{
    struct walk all = {0}, some = {0}, over_the_start = {0}, none = {0};

    append(f, 0, 40);
    MUST(tp_store_entry_each(f->store, 1000, UINT64_MAX, true, &f->error, note_entry, &all));
    cr_assert(walked(&all, 39, 40, -1));
    MUST(tp_store_entry_each(f->store, 20, 5, true, &f->error, note_entry, &some));
    cr_assert(walked(&some, 20, 5, -1));
    MUST(tp_store_entry_each(f->store, 2, 5, true, &f->error, note_entry, &over_the_start));
    cr_assert(walked(&over_the_start, 2, 3, -1));
    MUST(tp_store_entry_each(f->store, 50, 5, true, &f->error, note_entry, &none));
    MUST(tp_store_entry_each(f->store, UINT64_MAX, 5, true, &f->error, note_entry, &none));
    MUST(tp_store_entry_each(f->store, 3, 0, true, &f->error, note_entry, &none));
    cr_assert_eq(none.count, 0);
}

CONTRACT(store_log, walk_stops_with_the_code_of_the_caller)
{
    struct walk walk = {.stop_after = 3};

    append(f, 0, 10);
    cr_assert_eq(tp_store_entry_each(f->store, 0, 10, false, &f->error, note_entry, &walk), TP_REFUSED);
    cr_assert_eq(walk.count, 3);
    append(f, 10, 1);
}

static enum tp_rc call_the_store(void *context, uint64_t index, struct tp_bytes content)
{
    struct store_fixture *f = context;
    uint64_t end = 0;

    (void)index;
    (void)content;
    ANSWERS(TP_INTERNAL, tp_store_entry_end(f->store, &f->error, &end));
    return TP_OK;
}

CONTRACT(store_log, walk_may_not_call_the_store)
{
    append(f, 0, 2);
    cr_assert_eq(tp_store_entry_each(f->store, 0, 2, false, &f->error, call_the_store, f), TP_OK);
    cr_assert_eq(end_of(f), 2);
}

CONTRACT(store_log, keeps_an_empty_entry)
{
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_entry_append(f->store, 0, TP_BYTES_NONE, &f->error));
    ANSWERS(TP_TOO_LARGE, tp_store_entry_append(f->store, 1, TP_BYTES("", TP_STORE_CONTENT_MAX + 1), &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    cr_assert_eq(end_of(f), 1);
}

/* ---- nodes ---- */

static bool node_is(struct store_fixture *f, unsigned tree, unsigned level, uint64_t index, const char *four)
{
    uint8_t node[4];

    MUST(tp_store_node_get(f->store, tree, level, index, node, sizeof node, &f->error));
    return memcmp(node, four, sizeof node) == 0;
}

CONTRACT(store_node, is_kept_by_tree_level_and_index_and_replaced)
{
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_node_put(f->store, 0, 1, 2, TP_BYTES("0-12", 4), &f->error));
    MUST(tp_store_node_put(f->store, 1, 1, 2, TP_BYTES("1-12", 4), &f->error));
    MUST(tp_store_node_put(f->store, 0, 2, 1, TP_BYTES("0-21", 4), &f->error));
    MUST(tp_store_node_put(f->store, 0, 1, 2, TP_BYTES("0+12", 4), &f->error));
    MUST(tp_store_node_put(f->store, UINT32_MAX, UINT32_MAX, INT64_MAX - 1, TP_BYTES("last", 4), &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    cr_assert(node_is(f, 0, 1, 2, "0+12"));
    cr_assert(node_is(f, 1, 1, 2, "1-12"));
    cr_assert(node_is(f, 0, 2, 1, "0-21"));
    cr_assert(node_is(f, UINT32_MAX, UINT32_MAX, INT64_MAX - 1, "last"));
}

CONTRACT(store_node, missing_or_of_another_size_is_not_found_and_the_output_untouched)
{
    uint8_t node[5] = "mine";

    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_node_put(f->store, 0, 1, 2, TP_BYTES("0-12", 4), &f->error));
    ANSWERS(TP_BAD_ARGUMENT, tp_store_node_put(f->store, 0, 1, UINT64_MAX, TP_BYTES("0-12", 4), &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_node_get(f->store, 0, 1, 3, node, 4, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_node_get(f->store, 0, 2, 2, node, 4, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_node_get(f->store, 1, 1, 2, node, 4, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_node_get(f->store, 0, 1, 2, node, 3, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_node_get(f->store, 0, 1, 2, node, 5, &f->error));
    cr_assert_str_eq((const char *)node, "mine");
}

/* ---- checkpoints ---- */

CONTRACT(store_checkpoint, newest_that_is_not_past_the_size_is_given)
{
    static const struct {
        uint64_t most, size;
        const char *note;
    } rows[] = {{5, 5, "five"}, {6, 5, "five"}, {8, 8, "eight, again"}, {UINT64_MAX, 8, "eight, again"}};

    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_checkpoint_put(f->store, 8, TP_BYTES("eight", 5), &f->error));
    MUST(tp_store_checkpoint_put(f->store, 5, TP_BYTES("five", 4), &f->error));
    MUST(tp_store_checkpoint_put(f->store, 8, tp_bytes_of_string("eight, again"), &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        uint64_t size = 0;

        MUST(tp_store_checkpoint_get(f->store, rows[i].most, &f->error, &size, &note));
        cr_assert_eq(size, rows[i].size);
        cr_assert_str_eq(tp_buf_string(&note), rows[i].note);
    }
}

CONTRACT(store_checkpoint, before_the_first_is_not_found_and_the_outputs_untouched)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint64_t size = 99;

    ANSWERS(TP_NOT_FOUND, tp_store_checkpoint_get(f->store, UINT64_MAX, &f->error, &size, &note));
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_checkpoint_put(f->store, 5, TP_BYTES("five", 4), &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_checkpoint_get(f->store, 4, &f->error, &size, &note));
    cr_assert_eq(size, 99);
    cr_assert_eq(note.len, 0);
}

/* ---- values ---- */

CONTRACT(store_value, is_replaced_and_appended_to_what_the_caller_has)
{
    struct tp_buf value TP_AUTO(tp_buf_clear) = TP_BUF_INIT;

    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_value_put(f->store, "head", TP_BYTES("a longer one", 12), &f->error));
    MUST(tp_store_value_put(f->store, "head", TP_BYTES("new", 3), &f->error));
    MUST(tp_store_value_put(f->store, "empty", TP_BYTES_NONE, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    cr_assert_eq(tp_buf_append_string(&value, "head="), TP_OK);
    MUST(tp_store_value_get(f->store, "head", &f->error, &value));
    MUST(tp_store_value_get(f->store, "empty", &f->error, &value));
    cr_assert_str_eq(tp_buf_string(&value), "head=new");
}

CONTRACT(store_value, of_another_name_is_not_found_and_names_have_limits)
{
    struct tp_buf value TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char long_name[TP_STORE_NAME_MAX + 2];

    memset(long_name, 'n', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_value_put(f->store, "head", TP_BYTES("x", 1), &f->error));
    ANSWERS(TP_BAD_ARGUMENT, tp_store_value_put(f->store, long_name, TP_BYTES("x", 1), &f->error));
    ANSWERS(TP_BAD_ARGUMENT, tp_store_value_put(f->store, "", TP_BYTES("x", 1), &f->error));
    MUST(tp_store_value_put(f->store, long_name + 1, TP_BYTES("x", 1), &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    ANSWERS(TP_NOT_FOUND, tp_store_value_get(f->store, "Head", &f->error, &value));
    cr_assert_eq(value.len, 0);
    MUST(tp_store_value_get(f->store, long_name + 1, &f->error, &value));
}
