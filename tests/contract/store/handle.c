/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening, and transactions.
 */
#include "fixture.h"

static void put_value(struct store_fixture *f, struct tp_store *store, const char *text)
{
    MUST(tp_store_value_put(store, "v", tp_bytes_of_string(text), &f->error));
}

static void commit_value(struct store_fixture *f, const char *text)
{
    MUST(tp_store_begin(f->store, &f->error));
    put_value(f, f->store, text);
    MUST(tp_store_commit(f->store, &f->error));
}

/* What STORE sees under "v"; "" when there is none. */
static bool sees(struct store_fixture *f, struct tp_store *store, const char *text)
{
    struct tp_buf value TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    enum tp_rc rc = tp_store_value_get(store, "v", &f->error, &value);

    cr_assert(rc == TP_OK || rc == TP_NOT_FOUND, "%s", tp_error_words(&f->error));
    return strcmp(tp_buf_string(&value), text) == 0;
}

CONTRACT(store_open, create_refuses_one_that_is_there_and_leaves_it_alone)
{
    struct tp_store *other = NULL;

    commit_value(f, "kept");
    ANSWERS(TP_EXISTS, tp_store_open(f->url, TP_STORE_CREATE, &f->error, &other));
    cr_assert_null(other);
    cr_assert(sees(f, f->store, "kept"));
}

CONTRACT(store_open, one_that_is_not_there_is_not_found_and_not_made)
{
    static const enum tp_store_mode modes[] = {TP_STORE_WRITE, TP_STORE_READ};
    char url[STORE_URL_LEN];
    struct tp_store *store = NULL;

    f->backend->url_make(url);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        ANSWERS(TP_NOT_FOUND, tp_store_open(url, modes[i], &f->error, &store));
        cr_assert_null(store);
    }
    MUST(tp_store_open(url, TP_STORE_CREATE, &f->error, &store));
    tp_store_close(store);
    f->backend->url_remove(url);
}

CONTRACT(store_open, what_was_committed_is_there_when_opened_again)
{
    static const enum tp_store_mode modes[] = {TP_STORE_WRITE, TP_STORE_READ};

    commit_value(f, "kept");
    tp_store_close(f->store);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        f->store = store_again(f, modes[i]);
        cr_assert(sees(f, f->store, "kept"));
        if (i == 0)
            tp_store_close(f->store);
    }
}

CONTRACT(store_open, the_check_is_content)
{
    MUST(tp_store_check(f->store, &f->error));
}

CONTRACT(store_open, a_reader_reads_while_another_writes)
{
    struct tp_store *reader = store_again(f, TP_STORE_READ);

    commit_value(f, "one");
    cr_assert(sees(f, reader, "one"));
    MUST(tp_store_begin(f->store, &f->error));
    put_value(f, f->store, "two");
    cr_assert(sees(f, f->store, "two"));
    cr_assert(sees(f, reader, "one"));
    MUST(tp_store_commit(f->store, &f->error));
    cr_assert(sees(f, reader, "two"));
    tp_store_close(reader);
}

CONTRACT(store_open, a_reader_may_not_write)
{
    struct tp_store *reader = store_again(f, TP_STORE_READ);

    commit_value(f, "kept");
    ANSWERS(TP_INTERNAL, tp_store_value_put(reader, "v", TP_BYTES("x", 1), &f->error));
    MUST(tp_store_begin(reader, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_value_put(reader, "v", TP_BYTES("x", 1), &f->error));
    ANSWERS(TP_INTERNAL, tp_store_savepoint(reader, &f->error));
    tp_store_rollback(reader);
    tp_store_close(reader);
    cr_assert(sees(f, f->store, "kept"));
}

CONTRACT(store_open, a_readers_transaction_is_one_unchanging_view)
{
    struct tp_store *reader = store_again(f, TP_STORE_READ);

    commit_value(f, "one");
    MUST(tp_store_begin(reader, &f->error));
    cr_assert(sees(f, reader, "one"));
    commit_value(f, "two");
    cr_assert(sees(f, reader, "one"));
    MUST(tp_store_commit(reader, &f->error));
    cr_assert(sees(f, reader, "two"));
    tp_store_close(reader);
}

CONTRACT(store_transaction, rollback_undoes_and_the_next_one_works)
{
    commit_value(f, "one");
    MUST(tp_store_begin(f->store, &f->error));
    put_value(f, f->store, "two");
    tp_store_rollback(f->store);
    cr_assert(sees(f, f->store, "one"));
    commit_value(f, "three");
    cr_assert(sees(f, f->store, "three"));
}

CONTRACT(store_transaction, close_without_commit_undoes)
{
    struct tp_store *writer = store_again(f, TP_STORE_WRITE);

    MUST(tp_store_begin(writer, &f->error));
    put_value(f, writer, "lost");
    tp_store_close(writer);
    cr_assert(sees(f, f->store, ""));
    commit_value(f, "mine");
}

CONTRACT(store_transaction, nothing_is_written_outside_of_one)
{
    static const uint8_t hash[TP_STORE_HASH_LEN];
    struct tp_store_record record = store_record("user", 1, "", "");

    ANSWERS(TP_INTERNAL, tp_store_value_put(f->store, "v", TP_BYTES("x", 1), &f->error));
    ANSWERS(TP_INTERNAL, tp_store_record_put(f->store, &record, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_record_delete(f->store, "user", record.id, 1, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_records_rewrite(f->store, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_entry_append(f->store, 0, TP_BYTES("x", 1), &f->error));
    ANSWERS(TP_INTERNAL, tp_store_node_put(f->store, 0, 0, 0, TP_BYTES("x", 1), &f->error));
    ANSWERS(TP_INTERNAL, tp_store_checkpoint_put(f->store, 1, TP_BYTES("x", 1), &f->error));
    ANSWERS(TP_INTERNAL, tp_store_text_put(f->store, hash, TP_BYTES_NONE, TP_BYTES_NONE, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_text_erase(f->store, hash, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_savepoint(f->store, &f->error));
    cr_assert(sees(f, f->store, ""));
}

CONTRACT(store_transaction, begin_and_commit_come_in_pairs)
{
    ANSWERS(TP_INTERNAL, tp_store_commit(f->store, &f->error));
    MUST(tp_store_begin(f->store, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_begin(f->store, &f->error));
    put_value(f, f->store, "one");
    MUST(tp_store_commit(f->store, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_commit(f->store, &f->error));
    tp_store_rollback(f->store);
    cr_assert(sees(f, f->store, "one"));
}

CONTRACT(store_transaction, a_second_writer_is_told_that_it_is_busy_and_may_come_back)
{
    struct tp_store *other = store_again(f, TP_STORE_WRITE);

    MUST(tp_store_begin(f->store, &f->error));
    ANSWERS(TP_STORE_BUSY, tp_store_begin(other, &f->error));
    put_value(f, f->store, "one");
    MUST(tp_store_commit(f->store, &f->error));
    MUST(tp_store_begin(other, &f->error));
    put_value(f, other, "two");
    MUST(tp_store_commit(other, &f->error));
    cr_assert(sees(f, f->store, "two"));
    tp_store_close(other);
}

CONTRACT(store_savepoint, rolled_back_undoes_one_member_only)
{
    MUST(tp_store_begin(f->store, &f->error));
    put_value(f, f->store, "first member");
    MUST(tp_store_entry_append(f->store, 0, TP_BYTES("a", 1), &f->error));
    MUST(tp_store_savepoint(f->store, &f->error));
    put_value(f, f->store, "second member");
    MUST(tp_store_entry_append(f->store, 1, TP_BYTES("b", 1), &f->error));
    tp_store_savepoint_rollback(f->store);
    cr_assert(sees(f, f->store, "first member"));
    MUST(tp_store_entry_append(f->store, 1, TP_BYTES("c", 1), &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    cr_assert(sees(f, f->store, "first member"));
}

CONTRACT(store_savepoint, released_stays)
{
    MUST(tp_store_begin(f->store, &f->error));
    for (int i = 0; i < 3; i++) {
        MUST(tp_store_savepoint(f->store, &f->error));
        put_value(f, f->store, i == 2 ? "last" : "not last");
        MUST(tp_store_savepoint_release(f->store, &f->error));
    }
    tp_store_savepoint_rollback(f->store);
    MUST(tp_store_commit(f->store, &f->error));
    cr_assert(sees(f, f->store, "last"));
}

CONTRACT(store_savepoint, they_do_not_nest_and_must_end_before_commit)
{
    MUST(tp_store_begin(f->store, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_savepoint_release(f->store, &f->error));
    MUST(tp_store_savepoint(f->store, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_savepoint(f->store, &f->error));
    ANSWERS(TP_INTERNAL, tp_store_commit(f->store, &f->error));
    put_value(f, f->store, "one");
    MUST(tp_store_savepoint_release(f->store, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
    cr_assert(sees(f, f->store, "one"));
}

CONTRACT(store_savepoint, rollback_of_the_whole_takes_it_along)
{
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_savepoint(f->store, &f->error));
    put_value(f, f->store, "lost");
    tp_store_rollback(f->store);
    cr_assert(sees(f, f->store, ""));
    commit_value(f, "kept");
    cr_assert(sees(f, f->store, "kept"));
}
