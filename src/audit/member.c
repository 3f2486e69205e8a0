/* SPDX-License-Identifier: Apache-2.0
 *
 * One transaction within a batch.
 */
#include "audit/action.h"
#include "audit/internal.h"
#include "audit/log_scan.h"

#include <stdlib.h>
#include <string.h>

bool tp_member_fails_alone(enum tp_rc rc)
{
    static const enum tp_rc alone[] = {TP_BUSY, TP_EXISTS, TP_NOT_FOUND, TP_BAD_ARGUMENT, TP_TOO_LARGE};

    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        if (alone[i] == rc)
            return true;
    return false;
}

/* ---- the entry ---- */

enum tp_rc tp_member_check_entry(const Tp__Audit__Entry *entry, bool intent, struct tp_error *error)
{
    if (entry == NULL || entry->action == NULL || entry->action[0] == '\0' || entry->outcome == NULL ||
        entry->outcome[0] == '\0' || entry->n_changes != 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "audit: an entry needs an action and an outcome, and no changes");
    /* start-up knows intents by their outcome alone */
    if (intent != (strcmp(entry->outcome, TP_OUTCOME_INTENT) == 0))
        return tp_error_set(error, TP_BAD_ARGUMENT, "audit: an intent, and nothing else, has the outcome \"intent\"");
    return TP_OK;
}

static enum tp_rc pack(struct tp_batch *batch, const Tp__Audit__Entry *entry, struct tp_error *error)
{
    size_t len = tp__audit__entry__get_packed_size(entry);

    if (len > TP_ENTRY_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "audit: an entry of the log is larger than %zu bytes", TP_ENTRY_MAX);
    tp_buf_reset(&batch->packed);
    TP_TRY(tp_buf_reserve(&batch->packed, len));
    batch->packed.len = tp__audit__entry__pack(entry, batch->packed.data);
    return TP_OK;
}

/* Somebody else's entry at our index is no fault of this transaction: the code must not be one that fails alone. */
static enum tp_rc append(struct tp_ledger *ledger, struct tp_error *error)
{
    struct tp_batch *batch = ledger->batch;
    enum tp_rc rc = tp_store_entry_append(ledger->writer, batch->trees.tlog.size, tp_buf_bytes(&batch->packed), error);

    if (!tp_member_fails_alone(rc))
        return rc;
    return tp_error_set(error, TP_STORE,
                        "audit: the log in the store is not where this engine left it; stop whatever "
                        "else writes to it, then restart");
}

enum tp_rc tp_batch_append(struct tp_ledger *ledger, Tp__Audit__Entry *entry, struct tp_error *error,
                           uint64_t *ret_index)
{
    struct tp_batch *batch = ledger->batch;
    struct tp_tlog_kept kept;
    struct tp_tlog_hash leaf;

    if (entry->time_ms == 0)
        entry->time_ms = batch->now_ms;
    TP_TRY(pack(batch, entry, error));
    TP_TRY(append(ledger, error));
    *ret_index = batch->trees.tlog.size;
    TP_TRY(tp_tlog_leaf(tp_buf_bytes(&batch->packed), &leaf));
    TP_TRY(tp_tlog_append(&batch->trees.tlog, &leaf, &kept));
    for (size_t i = 0; i < kept.len; i++)
        TP_TRY(tp_log_node_put(ledger->writer, &kept.node[i], error));
    return TP_OK;
}

/* ---- what the entry says about records ---- */

static enum tp_rc said_reserve(struct tp_batch *batch, size_t len)
{
    void *said, *list, *leaf;

    if (len <= batch->said_capacity)
        return TP_OK;
    if (len > TP_ENTRY_MAX)
        return TP_TOO_LARGE;
    said = realloc(batch->said, len * sizeof *batch->said);
    batch->said = said == NULL ? batch->said : said;
    list = realloc(batch->said_list, len * sizeof *batch->said_list);
    batch->said_list = list == NULL ? batch->said_list : list;
    leaf = realloc(batch->said_leaf, len * sizeof *batch->said_leaf);
    batch->said_leaf = leaf == NULL ? batch->said_leaf : leaf;
    if (said == NULL || list == NULL || leaf == NULL)
        return TP_MEMORY;
    batch->said_capacity = len;
    return TP_OK;
}

static void say_change(struct tp_batch *batch, size_t at, const struct tp_ledger_change *change)
{
    Tp__Audit__Change *said = &batch->said[at];

    tp__audit__change__init(said);
    said->kind = (char *)(uintptr_t)change->kind; /* packed only: protobuf-c does not write through it */
    said->id = (char *)(uintptr_t)change->id;
    said->version = change->version;
    said->deleted = change->delete;
    if (!change->delete)
        said->leaf = (ProtobufCBinaryData){.len = TP_SHA256_LEN, .data = batch->said_leaf[at].bytes};
    batch->said_list[at] = said;
}

static enum tp_rc apply_records(struct tp_ledger *ledger, const struct tp_ledger_tx *tx, struct tp_error *error)
{
    struct tp_batch *batch = ledger->batch;

    TP_TRY(said_reserve(batch, tx->changes_len));
    for (size_t i = 0; i < tx->changes_len; i++) {
        TP_TRY(tp_change_apply(ledger, &tx->changes[i], error, &batch->said_leaf[i]));
        say_change(batch, i, &tx->changes[i]);
    }
    return TP_OK;
}

/* One that is not there any more is erased, too. */
static enum tp_rc erase_text(struct tp_ledger *ledger, const uint8_t hash[TP_STORE_HASH_LEN], struct tp_error *error)
{
    enum tp_rc rc = tp_store_text_erase(ledger->writer, hash, error);

    return rc == TP_NOT_FOUND ? TP_OK : rc;
}

static enum tp_rc apply_texts(struct tp_ledger *ledger, const struct tp_ledger_tx *tx, struct tp_error *error)
{
    bool erased = false;

    for (size_t i = 0; i < tx->texts_len; i++) {
        const struct tp_ledger_text *text = &tx->texts[i];
        uint8_t hash[TP_STORE_HASH_LEN];

        TP_TRY(tp_sha256(text->salt, text->text, TP_BYTES_NONE, hash));
        if (text->erase)
            TP_TRY(erase_text(ledger, hash, error));
        else
            TP_TRY(tp_store_text_put(ledger->writer, hash, text->salt, text->text, error));
        erased = erased || text->erase;
    }
    return erased ? tp_store_records_rewrite(ledger->writer, error) : TP_OK;
}

static enum tp_rc apply_entry(struct tp_ledger *ledger, const struct tp_ledger_tx *tx, struct tp_error *error,
                              uint64_t *ret_index)
{
    struct tp_batch *batch = ledger->batch;
    enum tp_rc rc;

    tx->entry->changes = tx->changes_len == 0 ? NULL : batch->said_list;
    tx->entry->n_changes = tx->changes_len;
    rc = tp_batch_append(ledger, tx->entry, error, ret_index);
    tx->entry->changes = NULL;
    tx->entry->n_changes = 0;
    return rc;
}

static enum tp_rc apply_all(struct tp_ledger *ledger, const struct tp_ledger_tx *tx, struct tp_error *error,
                            uint64_t *ret_index)
{
    TP_TRY(apply_records(ledger, tx, error));
    TP_TRY(apply_texts(ledger, tx, error));
    return apply_entry(ledger, tx, error, ret_index);
}

/* ---- the whole ---- */

/* Records and texts can clash with what is there: then this member alone is undone. */
static enum tp_rc apply_in_savepoint(struct tp_ledger *ledger, const struct tp_ledger_tx *tx, struct tp_error *error,
                                     uint64_t *ret_index)
{
    struct tp_batch *batch = ledger->batch;
    const struct tp_trees before = batch->trees;
    size_t changes = batch->changes;
    enum tp_rc rc;

    TP_TRY(tp_store_savepoint(ledger->writer, error));
    rc = apply_all(ledger, tx, error, ret_index);
    if (rc == TP_OK)
        return tp_store_savepoint_release(ledger->writer, error);
    tp_store_savepoint_rollback(ledger->writer);
    batch->trees = before;
    batch->changes = changes;
    return rc;
}

enum tp_rc tp_member_apply(struct tp_ledger *ledger, struct tp_ledger_tx *tx, struct tp_error *error,
                           uint64_t *ret_index)
{
    TP_TRY(tp_member_check_entry(tx->entry, tx->intent, error));
    if (tx->changes_len != 0 || tx->texts_len != 0)
        TP_TRY(apply_in_savepoint(ledger, tx, error, ret_index));
    else
        TP_TRY(apply_entry(ledger, tx, error, ret_index));
    if (tx->intent)
        ledger->batch->intent[ledger->batch->intents++] = *ret_index;
    return TP_OK;
}
