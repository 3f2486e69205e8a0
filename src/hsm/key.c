/* SPDX-License-Identifier: Apache-2.0
 *
 * Unwrapped keys, from the cache or from their blobs.
 */
#include "base/clock.h"
#include "hsm/internal.h"

#include <stdlib.h>
#include <string.h>

void tp_hsm_wrapped_clear(struct tp_hsm_wrapped *wrapped)
{
    tp_buf_clear(&wrapped->uwk);
    tp_secret_free(wrapped->key);
    wrapped->key = NULL;
}

/* With no SESSION only the memory: the objects have ended with their login. */
void tp_hsm_keys_destroy(struct tp_hsm_session *session, struct tp_hsm_key *gone)
{
    while (gone != NULL) {
        struct tp_hsm_key *key = gone;
        gone = key->chain;
        if (session != NULL && key->epoch == session->epoch)
            tp_hsm_object_destroy(session, key->handle);
        free(key);
    }
}

/* For callers who have no session. When the token is lost, the keys end before its next login begins. When the anchor
 * does not come free, a call of its is stuck: then the keys end with the login, which has to. */
static void destroy_by_anchor(struct tp_hsm *hsm, struct tp_hsm_key *gone)
{
    if (gone == NULL || !tp_hsm_is_linked(hsm)) {
        tp_hsm_keys_destroy(NULL, gone);
        return;
    }
    pthread_mutex_lock(&hsm->lock);
    bool taken = tp_hsm_anchor_take(hsm, tp_clock_monotonic_ms() + hsm->stuck_ms);
    pthread_mutex_unlock(&hsm->lock);
    tp_hsm_keys_destroy(taken ? hsm->anchor : NULL, gone);
    if (!taken) {
        tp_hsm_mark_lost(hsm);
        return;
    }
    pthread_mutex_lock(&hsm->lock);
    tp_hsm_anchor_give(hsm);
    pthread_mutex_unlock(&hsm->lock);
}

static enum tp_rc unwrap_key(struct tp_hsm_session *session, const struct tp_hsm_wrapped *wrapped,
                             struct tp_error *error, CK_OBJECT_HANDLE *ret_handle)
{
    struct tp_hsm_scrap uwk TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    CK_OBJECT_HANDLE by;
    TP_TRY(tp_hsm_uwk_unwrap(session, tp_buf_bytes(&wrapped->uwk), TP_HSM_USE_UNWRAP, error, &uwk, &by));
    return tp_hsm_private_unwrap(session, by, wrapped->type, tp_secret_bytes(wrapped->key), error, ret_handle);
}

static enum tp_rc key_load(struct tp_hsm_session *session, const char *id, tp_hsm_load_fn *load, void *context,
                           struct tp_error *error, struct tp_hsm_key **ret_key)
{
    struct tp_hsm_wrapped wrapped TP_AUTO(tp_hsm_wrapped_clear) = {.key = NULL};
    TP_TRY(load(context, error, &wrapped));
    struct tp_hsm_key *key = calloc(1, sizeof(*key));
    if (key == NULL)
        return TP_MEMORY;
    enum tp_rc rc = unwrap_key(session, &wrapped, error, &key->handle);
    if (rc != TP_OK) {
        free(key);
        return rc;
    }
    key->hsm = session->hsm;
    key->epoch = session->epoch;
    key->type = wrapped.type;
    memcpy(key->id, id, strlen(id) + 1);
    *ret_key = key;
    return TP_OK;
}

enum tp_rc tp_hsm_key_get(struct tp_hsm_session *session, const char *id, tp_hsm_load_fn *load, void *context,
                          struct tp_error *error, struct tp_hsm_key **ret_key)
{
    struct tp_hsm_cache *cache = &session->hsm->cache;
    struct tp_hsm_key *gone = NULL, *fresh;
    uint64_t ticket;
    if (strlen(id) >= TP_ID_LEN)
        return tp_error_set(error, TP_BAD_ARGUMENT, "a key's id has at most %d characters", TP_ID_LEN - 1);
    struct tp_hsm_key *key = tp_hsm_cache_take(cache, id, session->epoch, &ticket);
    if (key == NULL) {
        TP_TRY(key_load(session, id, load, context, error, &fresh));
        key = tp_hsm_cache_add(cache, fresh, ticket, &gone);
        tp_hsm_keys_destroy(session, gone);
    }
    *ret_key = key;
    return TP_OK;
}

void tp_hsm_key_put(struct tp_hsm_key *key)
{
    struct tp_hsm *hsm = key->hsm;
    struct tp_hsm_key *gone = NULL;
    tp_hsm_cache_put(&hsm->cache, key, &gone);
    destroy_by_anchor(hsm, gone);
}

void tp_hsm_key_forget(struct tp_hsm *hsm, const char *id)
{
    struct tp_hsm_key *gone = NULL;
    tp_hsm_cache_forget(&hsm->cache, id, &gone);
    destroy_by_anchor(hsm, gone);
}
