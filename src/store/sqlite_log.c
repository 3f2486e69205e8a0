/* SPDX-License-Identifier: Apache-2.0
 *
 * The log and the texts in SQLite.
 */
#include "store/sqlite.h"

#include <inttypes.h>

static enum tp_rc read_last(struct tp_store_query *query, struct tp_error *error, uint64_t *ret_end)
{
    uint64_t last = 0;

    TP_TRY(tp_store_query_step(query, error));
    if (sqlite3_column_type(query->statement, 0) == SQLITE_NULL) { /* max() of nothing */
        *ret_end = 0;
        return TP_OK;
    }
    if (!tp_store_query_get_integer(query, 0, &last))
        return tp_store_sqlite_damaged(query->sqlite, "a log index is malformed", error);
    *ret_end = last + 1;
    return TP_OK;
}

enum tp_rc tp_store_sqlite_entry_end(struct tp_store *store, struct tp_error *error, uint64_t *ret_end)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_ENTRY_LAST);
    enum tp_rc rc = read_last(&query, error, ret_end);

    tp_store_query_end(&query);
    return rc;
}

/* Asked once a transaction, then counted: the lock is ours. */
static enum tp_rc learn_end(struct tp_store_sqlite *sqlite, struct tp_error *error)
{
    if (sqlite->end_known)
        return TP_OK;
    TP_TRY(tp_store_sqlite_entry_end(&sqlite->store, error, &sqlite->end));
    sqlite->end_known = true;
    return TP_OK;
}

enum tp_rc tp_store_sqlite_entry_append(struct tp_store *store, uint64_t index, struct tp_bytes content,
                                        struct tp_error *error)
{
    struct tp_store_sqlite *sqlite = tp_store_sqlite_of(store);
    struct tp_store_query query;

    TP_TRY(learn_end(sqlite, error));
    if (index < sqlite->end)
        return TP_EXISTS;
    if (index > sqlite->end)
        return tp_error_set(error, TP_STORE, "%s: log entry %" PRIu64 " would leave a gap; the next is %" PRIu64,
                            sqlite->path, index, sqlite->end);
    query = tp_store_query_start(sqlite, TP_STORE_QUERY_ENTRY_APPEND);
    tp_store_query_integer(&query, 1, index);
    tp_store_query_bytes(&query, 2, content);
    TP_TRY(tp_store_query_run(&query, error));
    sqlite->end++;
    return TP_OK;
}

enum tp_rc tp_store_sqlite_entry_each(struct tp_store *store, uint64_t first, uint64_t last, bool backwards,
                                      struct tp_error *error, tp_store_entry_fn *each, void *context)
{
    struct tp_store_query query = tp_store_query_start(
        tp_store_sqlite_of(store), backwards ? TP_STORE_QUERY_ENTRY_EACH_BACKWARDS : TP_STORE_QUERY_ENTRY_EACH);
    uint64_t index = 0;
    enum tp_rc rc;
    bool more;

    tp_store_query_integer(&query, 1, first);
    tp_store_query_integer(&query, 2, last);
    do {
        rc = tp_store_query_step(&query, error);
        more = rc == TP_OK;
        if (more && !tp_store_query_get_integer(&query, 0, &index))
            rc = tp_store_sqlite_damaged(query.sqlite, "a log index is malformed", error);
        if (more && rc == TP_OK)
            rc = each(context, index, tp_store_query_get_bytes(&query, 1));
    } while (more && rc == TP_OK);
    tp_store_query_end(&query);
    return !more && rc == TP_NOT_FOUND ? TP_OK : rc;
}

enum tp_rc tp_store_sqlite_node_put(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                                    struct tp_bytes node, struct tp_error *error)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_NODE_PUT);

    tp_store_query_integer(&query, 1, tree);
    tp_store_query_integer(&query, 2, level);
    tp_store_query_integer(&query, 3, index);
    tp_store_query_bytes(&query, 4, node);
    return tp_store_query_run(&query, error);
}

enum tp_rc tp_store_sqlite_node_get(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                                    uint8_t *ret_node, size_t ret_node_len, struct tp_error *error)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_NODE_GET);
    enum tp_rc rc;

    tp_store_query_integer(&query, 1, tree);
    tp_store_query_integer(&query, 2, level);
    tp_store_query_integer(&query, 3, index);
    rc = tp_store_query_step(&query, error);
    if (rc == TP_OK && !tp_store_query_get_array(&query, 0, ret_node, ret_node_len))
        rc = TP_NOT_FOUND;
    tp_store_query_end(&query);
    return rc;
}

enum tp_rc tp_store_sqlite_node_remove(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                                       struct tp_error *error)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_NODE_REMOVE);

    tp_store_query_integer(&query, 1, tree);
    tp_store_query_integer(&query, 2, level);
    tp_store_query_integer(&query, 3, index);
    return tp_store_query_run(&query, error);
}

enum tp_rc tp_store_sqlite_nodes_clear(struct tp_store *store, unsigned tree, struct tp_error *error)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_NODES_CLEAR);

    tp_store_query_integer(&query, 1, tree);
    return tp_store_query_run(&query, error);
}

enum tp_rc tp_store_sqlite_node_count(struct tp_store *store, unsigned tree, struct tp_error *error,
                                      uint64_t *ret_count)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_NODE_COUNT);
    enum tp_rc rc;

    tp_store_query_integer(&query, 1, tree);
    rc = tp_store_query_step(&query, error);
    if (rc == TP_OK && !tp_store_query_get_integer(&query, 0, ret_count))
        rc = tp_store_sqlite_damaged(query.sqlite, "a number is malformed", error);
    tp_store_query_end(&query);
    return rc;
}

/* Appends column AT of the row. */
static enum tp_rc append_column(struct tp_store_query *query, int at, struct tp_error *error, struct tp_buf *ret_bytes)
{
    if (tp_buf_append(ret_bytes, tp_store_query_get_bytes(query, at)) != TP_OK)
        return tp_error_set(error, TP_MEMORY, "%s: out of memory", query->sqlite->path);
    return TP_OK;
}

enum tp_rc tp_store_sqlite_checkpoint_put(struct tp_store *store, uint64_t size, struct tp_bytes note,
                                          struct tp_error *error)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_CHECKPOINT_PUT);

    tp_store_query_integer(&query, 1, size);
    tp_store_query_bytes(&query, 2, note);
    return tp_store_query_run(&query, error);
}

static enum tp_rc read_checkpoint(struct tp_store_query *query, struct tp_error *error, uint64_t *ret_size,
                                  struct tp_buf *ret_note)
{
    uint64_t size = 0;

    TP_TRY(tp_store_query_step(query, error));
    if (!tp_store_query_get_integer(query, 0, &size))
        return tp_store_sqlite_damaged(query->sqlite, "a checkpoint is malformed", error);
    TP_TRY(append_column(query, 1, error, ret_note));
    *ret_size = size;
    return TP_OK;
}

enum tp_rc tp_store_sqlite_checkpoint_get(struct tp_store *store, uint64_t most, struct tp_error *error,
                                          uint64_t *ret_size, struct tp_buf *ret_note)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_CHECKPOINT_GET);
    enum tp_rc rc;

    tp_store_query_integer(&query, 1, most);
    rc = read_checkpoint(&query, error, ret_size, ret_note);
    tp_store_query_end(&query);
    return rc;
}

enum tp_rc tp_store_sqlite_value_put(struct tp_store *store, const char *name, struct tp_bytes value,
                                     struct tp_error *error)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_VALUE_PUT);

    tp_store_query_text(&query, 1, name);
    tp_store_query_bytes(&query, 2, value);
    return tp_store_query_run(&query, error);
}

enum tp_rc tp_store_sqlite_value_get(struct tp_store *store, const char *name, struct tp_error *error,
                                     struct tp_buf *ret_value)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_VALUE_GET);
    enum tp_rc rc;

    tp_store_query_text(&query, 1, name);
    rc = tp_store_query_step(&query, error);
    if (rc == TP_OK)
        rc = append_column(&query, 0, error, ret_value);
    tp_store_query_end(&query);
    return rc;
}

static struct tp_bytes bytes_of_hash(const uint8_t *hash)
{
    return TP_BYTES(hash, TP_STORE_HASH_LEN);
}

enum tp_rc tp_store_sqlite_text_put(struct tp_store *store, const uint8_t *hash, struct tp_bytes salt,
                                    struct tp_bytes text, struct tp_error *error)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_TEXT_PUT);

    tp_store_query_bytes(&query, 1, bytes_of_hash(hash));
    tp_store_query_bytes(&query, 2, salt);
    tp_store_query_bytes(&query, 3, text);
    return tp_store_query_run(&query, error);
}

/* Room for both is made first, so that a failure leaves both as they were. */
static enum tp_rc read_text(struct tp_store_query *query, struct tp_error *error, struct tp_buf *ret_salt,
                            struct tp_buf *ret_text)
{
    TP_TRY(tp_store_query_step(query, error));
    if (tp_buf_reserve(ret_text, tp_store_query_get_bytes(query, 1).len) != TP_OK)
        return tp_error_set(error, TP_MEMORY, "%s: out of memory", query->sqlite->path);
    TP_TRY(append_column(query, 0, error, ret_salt));
    return append_column(query, 1, error, ret_text);
}

enum tp_rc tp_store_sqlite_text_get(struct tp_store *store, const uint8_t *hash, struct tp_error *error,
                                    struct tp_buf *ret_salt, struct tp_buf *ret_text)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_TEXT_GET);
    enum tp_rc rc;

    tp_store_query_bytes(&query, 1, bytes_of_hash(hash));
    rc = read_text(&query, error, ret_salt, ret_text);
    tp_store_query_end(&query);
    return rc;
}

/* The row is overwritten (sqlite_schema.c says how); the page as it was may still be in the write-ahead log. */
enum tp_rc tp_store_sqlite_text_erase(struct tp_store *store, const uint8_t *hash, struct tp_error *error)
{
    struct tp_store_sqlite *sqlite = tp_store_sqlite_of(store);
    struct tp_store_query query = tp_store_query_start(sqlite, TP_STORE_QUERY_TEXT_ERASE);

    tp_store_query_bytes(&query, 1, bytes_of_hash(hash));
    TP_TRY(tp_store_query_change(&query, error));
    sqlite->purge_due = true;
    return TP_OK;
}

static bool all_zero(struct tp_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] != 0)
            return false;
    return true;
}

static enum tp_rc hand_text(struct tp_store_query *query, struct tp_error *error, tp_store_text_fn *each, void *context)
{
    struct tp_bytes salt = tp_store_query_get_bytes(query, 2), text = tp_store_query_get_bytes(query, 3);
    uint8_t hash[TP_STORE_HASH_LEN];
    uint64_t is_erased = 0;

    if (!tp_store_query_get_array(query, 0, hash, sizeof hash) || !tp_store_query_get_integer(query, 1, &is_erased))
        return tp_store_sqlite_damaged(query->sqlite, "a text is malformed", error);
    if (is_erased == 0)
        return each(context, hash, salt, text);
    if (!all_zero(salt) || !all_zero(text))
        return tp_store_sqlite_damaged(query->sqlite, "an erased text is still there", error);
    return TP_OK;
}

enum tp_rc tp_store_sqlite_text_each(struct tp_store *store, struct tp_error *error, tp_store_text_fn *each,
                                     void *context)
{
    struct tp_store_query query = tp_store_query_start(tp_store_sqlite_of(store), TP_STORE_QUERY_TEXT_EACH);
    enum tp_rc rc;
    bool more;

    tp_store_query_integer(&query, 1, 0);
    do {
        rc = tp_store_query_step(&query, error);
        more = rc == TP_OK;
        if (more)
            rc = hand_text(&query, error, each, context);
    } while (more && rc == TP_OK);
    tp_store_query_end(&query);
    return !more && rc == TP_NOT_FOUND ? TP_OK : rc;
}
