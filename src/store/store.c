/* SPDX-License-Identifier: Apache-2.0
 *
 * store.h over whichever backend the URL names: opening and transactions. Misuse is caught here, once for all
 * databases, and answered with TP_INTERNAL: it is a mistake in this program, never something that a user did.
 */
#include "store/internal.h"

#include <string.h>

/* The first is what a bare path means. */
static const struct tp_store_backend *const backends[] = {&tp_store_sqlite};
#define BACKEND_COUNT (sizeof backends / sizeof backends[0])

/* Length of "scheme" in "scheme:place"; 0 when there is none before the first '/': URL is a path. */
static size_t scheme_len(const char *url)
{
    size_t len = strcspn(url, ":/");

    return url[len] == ':' ? len : 0;
}

static const struct tp_store_backend *backend_named(const char *scheme, size_t len)
{
    if (len == 0)
        return backends[0];
    for (size_t i = 0; i < BACKEND_COUNT; i++)
        if (strlen(backends[i]->scheme) == len && memcmp(backends[i]->scheme, scheme, len) == 0)
            return backends[i];
    return NULL;
}

enum tp_rc tp_store_open(const char *url, enum tp_store_mode mode, struct tp_error *error, struct tp_store **ret_store)
{
    size_t len = scheme_len(url);
    const struct tp_store_backend *backend = backend_named(url, len);
    const char *place = len == 0 ? url : url + len + 1;

    /* The URL may hold a password: of one that we do not understand, only the scheme is repeated. */
    if (backend == NULL)
        return tp_error_set(error, TP_UNSUPPORTED,
                            "store: no database of the kind '%.*s' is known; write a path, or sqlite:PATH",
                            (int)(len > 32 ? 32 : len), url);
    if (place[0] == '\0')
        return tp_error_set(error, TP_BAD_ARGUMENT, "store: no path is given; write a path, or sqlite:PATH");
    return backend->open(place, mode, error, ret_store);
}

void tp_store_close(struct tp_store *store)
{
    if (store != NULL)
        store->backend->close(store);
}

enum tp_rc tp_store_enter(struct tp_store *store, struct tp_error *error)
{
    if (store->walking)
        return tp_error_set(error, TP_INTERNAL, "store: called from within a walk over it; finish the walk first");
    if (store->lost != TP_OK)
        return tp_error_set(error, store->lost,
                            "store: the transaction was lost to an earlier failure (%s); roll back and begin again",
                            tp_rc_words(store->lost));
    return TP_OK;
}

enum tp_rc tp_store_enter_write(struct tp_store *store, struct tp_error *error)
{
    TP_TRY(tp_store_enter(store, error));
    if (store->mode == TP_STORE_READ)
        return tp_error_set(error, TP_INTERNAL, "store: it was opened for reading only; open it for writing");
    if (store->transaction == TP_STORE_NO_TRANSACTION)
        return tp_error_set(error, TP_INTERNAL, "store: a write outside of a transaction; begin one first");
    return TP_OK;
}

enum tp_rc tp_store_check(struct tp_store *store, struct tp_error *error)
{
    TP_TRY(tp_store_enter(store, error));
    return store->backend->check(store, error);
}

static enum tp_rc expect(const struct tp_store *store, enum tp_store_transaction wanted, const char *verb,
                         struct tp_error *error)
{
    static const char *const states[] = {
        [TP_STORE_NO_TRANSACTION] = "no transaction is open",
        [TP_STORE_TRANSACTION] = "a transaction is open",
        [TP_STORE_SAVEPOINT] = "a savepoint is open",
    };

    if (store->transaction == wanted)
        return TP_OK;
    return tp_error_set(error, TP_INTERNAL, "store: %s while %s", verb, states[store->transaction]);
}

enum tp_rc tp_store_begin(struct tp_store *store, struct tp_error *error)
{
    TP_TRY(tp_store_enter(store, error));
    TP_TRY(expect(store, TP_STORE_NO_TRANSACTION, "begin", error));
    TP_TRY(store->backend->begin(store, error));
    store->transaction = TP_STORE_TRANSACTION;
    return TP_OK;
}

enum tp_rc tp_store_commit(struct tp_store *store, struct tp_error *error)
{
    enum tp_rc rc;

    if (store->walking)
        return tp_store_enter(store, error);
    TP_TRY(expect(store, TP_STORE_TRANSACTION, "commit", error));
    rc = tp_store_enter(store, error);
    if (rc == TP_OK)
        rc = store->backend->commit(store, error);
    if (rc != TP_OK) {
        tp_store_rollback(store);
        return rc;
    }
    store->transaction = TP_STORE_NO_TRANSACTION;
    return TP_OK;
}

/* Inside a walk the statement under way still needs the transaction; the next begin tells that it is still open. */
void tp_store_rollback(struct tp_store *store)
{
    if (store->walking || store->transaction == TP_STORE_NO_TRANSACTION)
        return;
    store->backend->rollback(store);
    store->transaction = TP_STORE_NO_TRANSACTION;
    store->lost = TP_OK;
}

enum tp_rc tp_store_savepoint(struct tp_store *store, struct tp_error *error)
{
    TP_TRY(tp_store_enter_write(store, error));
    TP_TRY(expect(store, TP_STORE_TRANSACTION, "savepoint", error));
    TP_TRY(store->backend->savepoint(store, error));
    store->transaction = TP_STORE_SAVEPOINT;
    return TP_OK;
}

enum tp_rc tp_store_savepoint_release(struct tp_store *store, struct tp_error *error)
{
    TP_TRY(tp_store_enter_write(store, error));
    TP_TRY(expect(store, TP_STORE_SAVEPOINT, "savepoint release", error));
    TP_TRY(store->backend->savepoint_release(store, error));
    store->transaction = TP_STORE_TRANSACTION;
    return TP_OK;
}

/* A lost transaction stays lost: undoing a part of it would not bring back the rest. */
void tp_store_savepoint_rollback(struct tp_store *store)
{
    if (store->walking || store->transaction != TP_STORE_SAVEPOINT)
        return;
    if (store->lost == TP_OK)
        store->backend->savepoint_rollback(store);
    store->transaction = TP_STORE_TRANSACTION;
}
