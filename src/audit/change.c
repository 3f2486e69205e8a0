/* SPDX-License-Identifier: Apache-2.0
 *
 * One change of one record within a batch: the row, its place in the state tree, and a note for the census.
 */
#include "audit/internal.h"
#include "audit/record_mac.h"

#include <stdlib.h>
#include <string.h>

static enum tp_rc copy_text(const char *what, const char *text, size_t room, struct tp_error *error, char *ret_text)
{
    size_t len = text == NULL ? 0 : strlen(text);

    if (len >= room)
        return tp_error_set(error, TP_BAD_ARGUMENT, "audit: a record's %s is longer than %zu bytes", what, room - 1);
    memcpy(ret_text, len == 0 ? "" : text, len + 1);
    return TP_OK;
}

static enum tp_rc record_of(const struct tp_ledger_change *change, struct tp_error *error,
                            struct tp_store_record *ret_record)
{
    struct tp_store_record *record = ret_record;

    memset(record, 0, sizeof *record);
    TP_TRY(copy_text("kind", change->kind, sizeof record->kind, error, record->kind));
    TP_TRY(copy_text("id", change->id, sizeof record->id, error, record->id));
    TP_TRY(copy_text("owner", change->owner, sizeof record->owner, error, record->owner));
    TP_TRY(copy_text("name", change->name, sizeof record->name, error, record->name));
    record->version = change->version;
    record->content = change->content;
    if (record->kind[0] != '\0' && record->id[0] != '\0' && record->version != 0)
        return TP_OK;
    return tp_error_set(error, TP_BAD_ARGUMENT, "audit: a record needs a kind, an id and a version above 0");
}

/* ---- the census ---- */

static enum tp_rc note_change(struct tp_batch *batch, const struct tp_store_record *record, bool removed)
{
    if (batch->changes == batch->changes_capacity) {
        size_t capacity = batch->changes_capacity == 0 ? 16 : batch->changes_capacity * 2;
        struct tp_census_change *change = realloc(batch->change, capacity * sizeof *change);

        if (change == NULL)
            return TP_MEMORY;
        batch->change = change;
        batch->changes_capacity = capacity;
    }
    batch->change[batch->changes] = (struct tp_census_change){.removed = removed, .record = *record};
    batch->change[batch->changes++].record.content = TP_BYTES_NONE;
    return TP_OK;
}

static bool removed_in_batch(const struct tp_batch *batch, uint64_t slot)
{
    for (size_t i = batch->changes; i-- > 0;)
        if (batch->change[i].record.slot == slot && batch->change[i].removed)
            return true;
    return false;
}

/* The store has no row for KEY. Was there one that this program did not take away? */
static enum tp_rc check_absent(struct tp_ledger *ledger, const struct tp_census_key *key, struct tp_error *error)
{
    uint32_t slot;
    size_t len;
    enum tp_rc rc;

    pthread_mutex_lock(&ledger->state_mutex);
    rc = tp_census_slots(ledger->census, key, 0, 1, &slot, &len);
    pthread_mutex_unlock(&ledger->state_mutex);
    TP_TRY(rc);
    if (len == 0 || removed_in_batch(ledger->batch, slot))
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED,
                        "audit: a %s record was deleted outside of this program; restore it from a backup", key->kind);
}

/* ---- the three changes ---- */

/* The row that CHANGE is about must be at VERSION; its leaf now. */
static enum tp_rc row_now(struct tp_ledger *ledger, const struct tp_store_record *record, uint64_t version,
                          struct tp_error *error, struct tp_store_record *ret_now, struct tp_state_hash *ret_leaf)
{
    const struct tp_census_key key = {.kind = record->kind, .id = record->id};
    enum tp_rc rc = tp_store_record_get(ledger->writer, record->kind, record->id, error, ret_now);

    if (rc == TP_NOT_FOUND)
        TP_TRY(check_absent(ledger, &key, error));
    if (rc == TP_NOT_FOUND || (rc == TP_OK && ret_now->version != version))
        return tp_error_set(error, TP_BUSY,
                            "audit: %s %s has been changed by somebody else meanwhile; look at it again", record->kind,
                            record->id);
    TP_TRY(rc);
    return tp_record_leaf(ret_now, ret_leaf);
}

/* Kind, id and name of a new record: a row that is missing must not give way to another. */
static enum tp_rc check_new(struct tp_ledger *ledger, const struct tp_store_record *record, struct tp_error *error)
{
    const struct tp_census_key by_id = {.kind = record->kind, .id = record->id};
    const struct tp_census_key by_name = {.kind = record->kind, .owner = record->owner, .name = record->name};
    struct tp_store_record there;
    enum tp_rc rc = tp_store_record_get(ledger->writer, record->kind, record->id, error, &there);

    if (rc == TP_OK)
        return tp_error_set(error, TP_EXISTS, "audit: %s %s is there already", record->kind, record->id);
    if (rc != TP_NOT_FOUND)
        return rc;
    TP_TRY(check_absent(ledger, &by_id, error));
    if (record->name[0] == '\0')
        return TP_OK;
    rc = tp_store_record_find(ledger->writer, record->kind, record->owner, record->name, error, &there);
    if (rc == TP_OK)
        return tp_error_set(error, TP_EXISTS, "audit: there is a %s of that name already", record->kind);
    return rc == TP_NOT_FOUND ? check_absent(ledger, &by_name, error) : rc;
}

static enum tp_rc put(struct tp_ledger *ledger, struct tp_store_record *record, const struct tp_state_hash *old,
                      struct tp_error *error, struct tp_state_hash *ret_leaf)
{
    struct tp_batch *batch = ledger->batch;

    TP_TRY(tp_record_mac(&ledger->config.keys, record, error, record->mac));
    TP_TRY(tp_record_leaf(record, ret_leaf));
    TP_TRY(tp_store_record_put(ledger->writer, record, error));
    TP_TRY(tp_state_tree_set(ledger->writer, &batch->trees.state_root, record->slot, old, ret_leaf, error));
    return note_change(batch, record, false);
}

static enum tp_rc insert(struct tp_ledger *ledger, struct tp_store_record *record, struct tp_error *error,
                         struct tp_state_hash *ret_leaf)
{
    const struct tp_state_hash absent = {{0}};

    TP_TRY(check_new(ledger, record, error));
    record->slot = ledger->batch->trees.slots;
    if (record->slot >= TP_STATE_SLOTS)
        return tp_error_set(error, TP_TOO_LARGE, "audit: all 2^32 slots for records have been used");
    TP_TRY(put(ledger, record, &absent, error, ret_leaf));
    ledger->batch->trees.slots++;
    return TP_OK;
}

static enum tp_rc update(struct tp_ledger *ledger, struct tp_store_record *record, struct tp_error *error,
                         struct tp_state_hash *ret_leaf)
{
    struct tp_store_record now;
    struct tp_state_hash old;

    TP_TRY(row_now(ledger, record, record->version - 1, error, &now, &old));
    TP_TRY(note_change(ledger->batch, &now, true));
    record->slot = now.slot;
    return put(ledger, record, &old, error, ret_leaf);
}

static enum tp_rc delete (struct tp_ledger *ledger, struct tp_store_record *record, struct tp_error *error,
                          struct tp_state_hash *ret_leaf) {
    const struct tp_state_hash absent = {{0}}; struct tp_batch *batch = ledger->batch; struct tp_store_record now;
    struct tp_state_hash old;

    TP_TRY(row_now(ledger, record, record->version, error, &now, &old));
    TP_TRY(note_change(batch, &now, true));
    TP_TRY(tp_store_record_delete(ledger->writer, record->kind, record->id, record->version, error));
    TP_TRY(tp_state_tree_set(ledger->writer, &batch->trees.state_root, now.slot, &old, &absent, error));
    *ret_leaf = absent;
    return TP_OK;
}

enum tp_rc tp_change_apply(struct tp_ledger *ledger, const struct tp_ledger_change *change, struct tp_error *error,
                           struct tp_state_hash *ret_leaf)
{
    struct tp_store_record record;

    TP_TRY(record_of(change, error, &record));
    if (change->delete)
        return delete (ledger, &record, error, ret_leaf);
    return record.version == 1 ? insert(ledger, &record, error, ret_leaf) : update(ledger, &record, error, ret_leaf);
}

void tp_batch_free(struct tp_batch *batch)
{
    if (batch == NULL)
        return;
    tp_buf_clear(&batch->packed);
    free(batch->change);
    free(batch->said);
    free(batch->said_list);
    free(batch->said_leaf);
    free(batch);
}
