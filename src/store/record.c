/* SPDX-License-Identifier: Apache-2.0
 *
 * Records: the checks and words that are the same for every database. Words name kind and id, never a record's name or
 * content: those may be personal data (RS-25), and words end up in logs.
 */
#include "store/internal.h"

#include <inttypes.h>

static enum tp_rc limit_kind(const char *kind, struct tp_error *error)
{
    return tp_store_limit_text("kind of record", kind, TP_STORE_KIND_SIZE, false, error);
}

static enum tp_rc limit_key(const char *kind, const char *id, struct tp_error *error)
{
    TP_TRY(limit_kind(kind, error));
    return tp_store_limit_text("record's id", id, TP_ID_LEN, false, error);
}

static enum tp_rc limit_owner(const char *owner, struct tp_error *error)
{
    return tp_store_limit_text("record's owner", owner, TP_ID_LEN, true, error);
}

static enum tp_rc limit_name(const char *name, struct tp_error *error)
{
    return tp_store_limit_text("record's name", name, TP_STORE_NAME_MAX + 1, true, error);
}

enum tp_rc tp_store_record_get(struct tp_store *store, const char *kind, const char *id, struct tp_error *error,
                               struct tp_store_record *ret_record)
{
    enum tp_rc rc;

    TP_TRY(tp_store_enter(store, error));
    TP_TRY(limit_key(kind, id, error));
    rc = store->backend->record_get(store, kind, id, error, ret_record);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, rc, "store: there is no %s with the id %s", kind, id);
    return rc;
}

enum tp_rc tp_store_record_find(struct tp_store *store, const char *kind, const char *owner, const char *name,
                                struct tp_error *error, struct tp_store_record *ret_record)
{
    enum tp_rc rc;

    TP_TRY(tp_store_enter(store, error));
    TP_TRY(limit_kind(kind, error));
    TP_TRY(limit_owner(owner, error));
    TP_TRY(limit_name(name, error));
    rc = store->backend->record_find(store, kind, owner, name, error, ret_record);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, rc, "store: there is no %s of that name", kind);
    return rc;
}

enum tp_rc tp_store_record_each(struct tp_store *store, const char *kind, const char *owner, uint64_t after,
                                size_t limit, struct tp_error *error, tp_store_record_fn *each, void *context)
{
    uint64_t most = limit == 0 || limit > TP_STORE_INTEGER_MAX ? TP_STORE_INTEGER_MAX : limit;
    enum tp_rc rc;

    TP_TRY(tp_store_enter(store, error));
    if (kind != NULL)
        TP_TRY(limit_kind(kind, error));
    if (owner != NULL)
        TP_TRY(limit_owner(owner, error));
    if (kind == NULL && owner != NULL)
        return tp_error_set(error, TP_INTERNAL, "store: the records of an owner are listed kind by kind");
    if (after >= TP_STORE_INTEGER_MAX)
        return TP_OK;
    store->walking = true;
    rc = store->backend->record_each(store, kind, owner, after, most, error, each, context);
    store->walking = false;
    return rc;
}

static enum tp_rc limit_record(const struct tp_store_record *record, struct tp_error *error)
{
    TP_TRY(limit_key(record->kind, record->id, error));
    TP_TRY(limit_owner(record->owner, error));
    TP_TRY(limit_name(record->name, error));
    TP_TRY(tp_store_limit_integer("record's slot", record->slot, 1, TP_STORE_INTEGER_MAX, error));
    TP_TRY(tp_store_limit_integer("record's version", record->version, 1, TP_STORE_INTEGER_MAX, error));
    return tp_store_limit_content("record", record->content, error);
}

enum tp_rc tp_store_record_put(struct tp_store *store, const struct tp_store_record *record, struct tp_error *error)
{
    enum tp_rc rc;

    TP_TRY(tp_store_enter_write(store, error));
    TP_TRY(limit_record(record, error));
    rc = store->backend->record_put(store, record, error);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, rc, "store: there is no version %" PRIu64 " of the %s %s to replace; read it again",
                            record->version - 1, record->kind, record->id);
    if (rc == TP_EXISTS)
        return tp_error_set(error, rc, "store: the id, slot or name of the %s %s is taken; choose another",
                            record->kind, record->id);
    return rc;
}

enum tp_rc tp_store_record_delete(struct tp_store *store, const char *kind, const char *id, uint64_t version,
                                  struct tp_error *error)
{
    enum tp_rc rc;

    TP_TRY(tp_store_enter_write(store, error));
    TP_TRY(limit_key(kind, id, error));
    TP_TRY(tp_store_limit_integer("record's version", version, 1, TP_STORE_INTEGER_MAX, error));
    rc = store->backend->record_delete(store, kind, id, version, error);
    if (rc == TP_NOT_FOUND)
        return tp_error_set(error, rc, "store: there is no version %" PRIu64 " of the %s %s to delete; read it again",
                            version, kind, id);
    return rc;
}

enum tp_rc tp_store_records_rewrite(struct tp_store *store, struct tp_error *error)
{
    TP_TRY(tp_store_enter_write(store, error));
    return store->backend->records_rewrite(store, error);
}

enum tp_rc tp_store_slot_next(struct tp_store *store, struct tp_error *error, uint64_t *ret_slot)
{
    TP_TRY(tp_store_enter(store, error));
    return store->backend->slot_next(store, error, ret_slot);
}

enum tp_rc tp_store_record_count(struct tp_store *store, const char *kind, struct tp_error *error, uint64_t *ret_count)
{
    TP_TRY(tp_store_enter(store, error));
    TP_TRY(limit_kind(kind, error));
    return store->backend->record_count(store, kind, error, ret_count);
}
