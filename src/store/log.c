/* SPDX-License-Identifier: Apache-2.0
 *
 * The log and the texts: the checks and words that are the same for every database.
 */
#include "store/internal.h"

#include <inttypes.h>

enum tp_rc tp_store_entry_append(struct tp_store *store, uint64_t index, struct tp_bytes content,
                                 struct tp_error *error)
{
    enum tp_rc rc;

    TP_TRY(tp_store_enter_write(store, error));
    TP_TRY(tp_store_limit_integer("log index", index, 0, TP_STORE_INDEX_MAX, error));
    TP_TRY(tp_store_limit_content("log entry", content, error));
    rc = store->backend->entry_append(store, index, content, error);
    if (rc == TP_EXISTS)
        return tp_error_set(error, rc, "store: log entry %" PRIu64 " is there already; another process writes the log",
                            index);
    return rc;
}

enum tp_rc tp_store_entry_each(struct tp_store *store, uint64_t from, uint64_t count, bool backwards,
                               struct tp_error *error, tp_store_entry_fn *each, void *context)
{
    uint64_t reach = count - 1; /* COUNT 0 is answered before this is used */
    uint64_t first = !backwards ? from : from > reach ? from - reach : 0;
    uint64_t last = backwards ? from : from > UINT64_MAX - reach ? UINT64_MAX : from + reach;
    enum tp_rc rc;

    TP_TRY(tp_store_enter(store, error));
    if (last > TP_STORE_INDEX_MAX)
        last = TP_STORE_INDEX_MAX;
    if (count == 0 || first > last)
        return TP_OK;
    store->walking = true;
    rc = store->backend->entry_each(store, first, last, backwards, error, each, context);
    store->walking = false;
    return rc;
}

enum tp_rc tp_store_entry_end(struct tp_store *store, struct tp_error *error, uint64_t *ret_end)
{
    TP_TRY(tp_store_enter(store, error));
    return store->backend->entry_end(store, error, ret_end);
}

enum tp_rc tp_store_node_put(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                             struct tp_bytes node, struct tp_error *error)
{
    TP_TRY(tp_store_enter_write(store, error));
    TP_TRY(tp_store_limit_integer("tree node's index", index, 0, TP_STORE_INDEX_MAX, error));
    TP_TRY(tp_store_limit_content("tree node", node, error));
    if (node.len == 0)
        return store->backend->node_remove(store, tree, level, index, error);
    return store->backend->node_put(store, tree, level, index, node, error);
}

enum tp_rc tp_store_node_get(struct tp_store *store, unsigned tree, unsigned level, uint64_t index, uint8_t *ret_node,
                             size_t ret_node_len, struct tp_error *error)
{
    enum tp_rc rc;

    TP_TRY(tp_store_enter(store, error));
    TP_TRY(tp_store_limit_integer("tree node's index", index, 0, TP_STORE_INDEX_MAX, error));
    rc = store->backend->node_get(store, tree, level, index, ret_node, ret_node_len, error);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, rc, "store: tree %u has no node of %zu bytes at level %u, index %" PRIu64, tree,
                            ret_node_len, level, index);
    return rc;
}

enum tp_rc tp_store_node_count(struct tp_store *store, unsigned tree, struct tp_error *error, uint64_t *ret_count)
{
    TP_TRY(tp_store_enter(store, error));
    return store->backend->node_count(store, tree, error, ret_count);
}

enum tp_rc tp_store_nodes_clear(struct tp_store *store, unsigned tree, struct tp_error *error)
{
    TP_TRY(tp_store_enter_write(store, error));
    return store->backend->nodes_clear(store, tree, error);
}

enum tp_rc tp_store_checkpoint_put(struct tp_store *store, uint64_t size, struct tp_bytes note, struct tp_error *error)
{
    TP_TRY(tp_store_enter_write(store, error));
    TP_TRY(tp_store_limit_integer("checkpoint's size", size, 0, TP_STORE_INTEGER_MAX, error));
    TP_TRY(tp_store_limit_content("checkpoint", note, error));
    return store->backend->checkpoint_put(store, size, note, error);
}

enum tp_rc tp_store_checkpoint_get(struct tp_store *store, uint64_t most, struct tp_error *error, uint64_t *ret_size,
                                   struct tp_buf *ret_note)
{
    enum tp_rc rc;

    TP_TRY(tp_store_enter(store, error));
    if (most > TP_STORE_INTEGER_MAX)
        most = TP_STORE_INTEGER_MAX;
    rc = store->backend->checkpoint_get(store, most, error, ret_size, ret_note);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, rc, "store: there is no checkpoint of a tree of at most %" PRIu64 " entries", most);
    return rc;
}

static enum tp_rc limit_value_name(const char *name, struct tp_error *error)
{
    return tp_store_limit_text("value's name", name, TP_STORE_NAME_MAX + 1, false, error);
}

enum tp_rc tp_store_value_put(struct tp_store *store, const char *name, struct tp_bytes value, struct tp_error *error)
{
    TP_TRY(tp_store_enter_write(store, error));
    TP_TRY(limit_value_name(name, error));
    TP_TRY(tp_store_limit_content("value", value, error));
    return store->backend->value_put(store, name, value, error);
}

enum tp_rc tp_store_value_get(struct tp_store *store, const char *name, struct tp_error *error,
                              struct tp_buf *ret_value)
{
    enum tp_rc rc;

    TP_TRY(tp_store_enter(store, error));
    TP_TRY(limit_value_name(name, error));
    rc = store->backend->value_get(store, name, error, ret_value);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, rc, "store: there is no value '%s'", name);
    return rc;
}

enum tp_rc tp_store_text_put(struct tp_store *store, const uint8_t hash[TP_STORE_HASH_LEN], struct tp_bytes salt,
                             struct tp_bytes text, struct tp_error *error)
{
    TP_TRY(tp_store_enter_write(store, error));
    TP_TRY(tp_store_limit_content("salt", salt, error));
    TP_TRY(tp_store_limit_content("text", text, error));
    return store->backend->text_put(store, hash, salt, text, error);
}

/* Not found means erased: the hash in the log outlives the text. */
static enum tp_rc erased(enum tp_rc rc, struct tp_error *error)
{
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, rc, "store: that text has been erased, or was never kept");
    return rc;
}

enum tp_rc tp_store_text_get(struct tp_store *store, const uint8_t hash[TP_STORE_HASH_LEN], struct tp_error *error,
                             struct tp_buf *ret_salt, struct tp_buf *ret_text)
{
    TP_TRY(tp_store_enter(store, error));
    return erased(store->backend->text_get(store, hash, error, ret_salt, ret_text), error);
}

enum tp_rc tp_store_text_erase(struct tp_store *store, const uint8_t hash[TP_STORE_HASH_LEN], struct tp_error *error)
{
    TP_TRY(tp_store_enter_write(store, error));
    return erased(store->backend->text_erase(store, hash, error), error);
}

enum tp_rc tp_store_text_each(struct tp_store *store, struct tp_error *error, tp_store_text_fn *each, void *context)
{
    enum tp_rc rc;

    TP_TRY(tp_store_enter(store, error));
    store->walking = true;
    rc = store->backend->text_each(store, error, each, context);
    store->walking = false;
    return rc;
}
