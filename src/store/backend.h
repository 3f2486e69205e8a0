/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands behind store.h: one const table of functions a database. Private to this room.
 *
 * store.c has checked everything that does not depend on the database before it calls one of these: that no walk is
 * under way, that a transaction is open where one is needed, that names end and fit, that integers fit in 63 bits. A
 * backend returns TP_NOT_FOUND and TP_EXISTS bare (store.c has the words; tp_store_open excepted), and sets words for
 * all else. When the database fails inside a transaction, the backend sets store->lost: some databases undo the whole
 * transaction by themselves then, and what came after would be written outside of it.
 */
#ifndef TP_STORE_BACKEND_H
#define TP_STORE_BACKEND_H

#include "store/store.h"

/* Integers are stored as the signed 64 bits that SQL has; the end of the log must fit as well. */
#define TP_STORE_INTEGER_MAX ((uint64_t)INT64_MAX)
#define TP_STORE_INDEX_MAX   (TP_STORE_INTEGER_MAX - 1)

enum tp_store_transaction { TP_STORE_NO_TRANSACTION, TP_STORE_TRANSACTION, TP_STORE_SAVEPOINT };

/* The head of every backend's handle. */
struct tp_store {
    const struct tp_store_backend *backend;
    enum tp_store_mode mode;
    enum tp_store_transaction transaction;
    enum tp_rc lost; /* why the open transaction can only be rolled back; TP_OK: it lives */
    bool walking;    /* inside an EACH callback */
};

struct tp_store_backend {
    const char *scheme; /* of the URL, without the colon */

    /* PLACE: the URL without scheme and colon. Sets backend and mode. */
    enum tp_rc (*open)(const char *place, enum tp_store_mode mode, struct tp_error *error, struct tp_store **ret_store);
    void (*close)(struct tp_store *store);
    enum tp_rc (*check)(struct tp_store *store, struct tp_error *error);

    /* For writing, or a snapshot when the mode is TP_STORE_READ. */
    enum tp_rc (*begin)(struct tp_store *store, struct tp_error *error);
    enum tp_rc (*commit)(struct tp_store *store, struct tp_error *error); /* store.c rolls back when it fails */
    void (*rollback)(struct tp_store *store);
    enum tp_rc (*savepoint)(struct tp_store *store, struct tp_error *error);
    enum tp_rc (*savepoint_release)(struct tp_store *store, struct tp_error *error);
    void (*savepoint_rollback)(struct tp_store *store);

    enum tp_rc (*record_get)(struct tp_store *store, const char *kind, const char *id, struct tp_error *error,
                             struct tp_store_record *ret_record);
    enum tp_rc (*record_find)(struct tp_store *store, const char *kind, const char *owner, const char *name,
                              struct tp_error *error, struct tp_store_record *ret_record);
    /* OWNER may be NULL, KIND only together with it; LIMIT is never 0. */
    enum tp_rc (*record_each)(struct tp_store *store, const char *kind, const char *owner, uint64_t after,
                              uint64_t limit, struct tp_error *error, tp_store_record_fn *each, void *context);
    enum tp_rc (*record_put)(struct tp_store *store, const struct tp_store_record *record, struct tp_error *error);
    enum tp_rc (*record_delete)(struct tp_store *store, const char *kind, const char *id, uint64_t version,
                                struct tp_error *error);
    enum tp_rc (*records_rewrite)(struct tp_store *store, struct tp_error *error);
    enum tp_rc (*slot_next)(struct tp_store *store, struct tp_error *error, uint64_t *ret_slot);
    enum tp_rc (*record_count)(struct tp_store *store, const char *kind, struct tp_error *error, uint64_t *ret_count);

    enum tp_rc (*entry_append)(struct tp_store *store, uint64_t index, struct tp_bytes content, struct tp_error *error);
    /* FIRST ≤ LAST, both included. */
    enum tp_rc (*entry_each)(struct tp_store *store, uint64_t first, uint64_t last, bool backwards,
                             struct tp_error *error, tp_store_entry_fn *each, void *context);
    enum tp_rc (*entry_end)(struct tp_store *store, struct tp_error *error, uint64_t *ret_end);
    enum tp_rc (*node_put)(struct tp_store *store, unsigned tree, unsigned level, uint64_t index, struct tp_bytes node,
                           struct tp_error *error);
    enum tp_rc (*node_get)(struct tp_store *store, unsigned tree, unsigned level, uint64_t index, uint8_t *ret_node,
                           size_t ret_node_len, struct tp_error *error);
    enum tp_rc (*node_remove)(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                              struct tp_error *error);
    enum tp_rc (*node_count)(struct tp_store *store, unsigned tree, struct tp_error *error, uint64_t *ret_count);
    enum tp_rc (*nodes_clear)(struct tp_store *store, unsigned tree, struct tp_error *error);
    enum tp_rc (*checkpoint_put)(struct tp_store *store, uint64_t size, struct tp_bytes note, struct tp_error *error);
    enum tp_rc (*checkpoint_get)(struct tp_store *store, uint64_t most, struct tp_error *error, uint64_t *ret_size,
                                 struct tp_buf *ret_note);
    enum tp_rc (*value_put)(struct tp_store *store, const char *name, struct tp_bytes value, struct tp_error *error);
    enum tp_rc (*value_get)(struct tp_store *store, const char *name, struct tp_error *error, struct tp_buf *ret_value);

    enum tp_rc (*text_put)(struct tp_store *store, const uint8_t *hash, struct tp_bytes salt, struct tp_bytes text,
                           struct tp_error *error);
    enum tp_rc (*text_get)(struct tp_store *store, const uint8_t *hash, struct tp_error *error, struct tp_buf *ret_salt,
                           struct tp_buf *ret_text);
    enum tp_rc (*text_erase)(struct tp_store *store, const uint8_t *hash, struct tp_error *error);
    enum tp_rc (*text_each)(struct tp_store *store, struct tp_error *error, tp_store_text_fn *each, void *context);
};

extern const struct tp_store_backend tp_store_sqlite;

#endif
