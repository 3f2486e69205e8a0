/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/inventory.h"
#include "p11/module.h"
#include "p11/slot.h"

#include <stdlib.h>
#include <string.h>

enum tp_rc tp_p11_inventory_init(struct tp_p11_inventory *inventory)
{
    pthread_rwlockattr_t attributes;
    if (pthread_mutex_init(&inventory->refreshing, NULL) != 0 || pthread_rwlockattr_init(&attributes) != 0)
        return TP_MEMORY;
    /* readers come in an endless stream when many threads sign: a writer must get its turn */
    (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    int failed = pthread_rwlock_init(&inventory->lock, &attributes);
    (void)pthread_rwlockattr_destroy(&attributes);
    return failed != 0 ? TP_MEMORY : TP_OK;
}

void tp_p11_inventory_clear(struct tp_p11_inventory *inventory)
{
    for (size_t i = 0; i < inventory->own_count; i++)
        tp_p11_object_unref(inventory->own[i]);
    free(inventory->own);
    tp_buf_clear(&inventory->gone);
    tp_p11_set_unref(inventory->set);
    (void)pthread_rwlock_destroy(&inventory->lock);
    (void)pthread_mutex_destroy(&inventory->refreshing);
}

static struct tp_p11_set *current_set(struct tp_p11_inventory *inventory)
{
    pthread_rwlock_rdlock(&inventory->lock);
    struct tp_p11_set *set = inventory->set == NULL ? NULL : tp_p11_set_ref(inventory->set);
    pthread_rwlock_unlock(&inventory->lock);
    return set;
}

/* ---- refreshing ---- */

/* For whom, and in which login: first of all, so that what is known when it is looked at is theirs, or of later. */
struct asker {
    char who[TP_CLIENT_USER_LEN];
    uint64_t epoch;
};

static enum tp_rc ask(struct tp_p11_slot *slot, struct asker *asker, const struct tp_p11_set *known,
                      struct tp_error *error, struct tp_ipc_reply *ret_reply)
{
    Tp__Ipc__ObjectsRequest request = TP__IPC__OBJECTS_REQUEST__INIT;
    request.user = asker->who;
    request.known = known == NULL ? 0 : known->generation;
    return tp_p11_module_ask(slot->module, TP_OP_OBJECTS, &request.base, error, ret_reply);
}

static enum tp_p11_privacy privacy_of(const struct tp_p11_slot *slot)
{
    if (slot->serves_all)
        return TP_P11_ALL_PRIVATE;
    return slot->module->session_login ? TP_P11_NONE_PRIVATE : TP_P11_KEYS_PRIVATE;
}

/* False when another login has begun meanwhile: SET stays the caller's. */
static bool put_in_place(struct tp_p11_inventory *inventory, uint64_t epoch, struct tp_p11_set *set)
{
    struct tp_p11_set *old = NULL;
    pthread_rwlock_wrlock(&inventory->lock);
    bool fits = inventory->epoch == epoch;
    if (fits) {
        old = inventory->set;
        inventory->set = set;
    }
    pthread_rwlock_unlock(&inventory->lock);
    tp_p11_set_unref(old);
    return fits;
}

static enum tp_rc take_over(struct tp_p11_slot *slot, uint64_t epoch, const struct tp_p11_set *known,
                            const Tp__Ipc__ObjectsReply *reply, bool *ret_taken)
{
    struct tp_p11_set *set = NULL;
    *ret_taken = true;
    if (reply->unchanged && known != NULL)
        return TP_OK;
    TP_TRY(tp_p11_set_new(reply, privacy_of(slot), known, &slot->module->last_object, &set));
    *ret_taken = put_in_place(&slot->inventory, epoch, set);
    if (!*ret_taken)
        tp_p11_set_unref(set);
    return TP_OK;
}

/* Whether what is known is still true, without holding anything: many threads may ask this at the same time. */
static enum tp_rc ask_unchanged(struct tp_p11_slot *slot, struct asker *asker, struct tp_error *error,
                                bool *ret_unchanged)
{
    struct tp_p11_set *known TP_AUTO(tp_p11_set_unref_p) = current_set(&slot->inventory);
    struct tp_ipc_reply reply = {0};
    *ret_unchanged = false;
    if (known == NULL)
        return TP_OK;
    TP_TRY(ask(slot, asker, known, error, &reply));
    *ret_unchanged = ((const Tp__Ipc__ObjectsReply *)reply.message)->unchanged;
    tp_ipc_reply_clear(&reply);
    return TP_OK;
}

/* One thread at a time, from question to taking over: an older answer never replaces a newer one. */
static enum tp_rc bring(struct tp_p11_slot *slot, struct asker *asker, struct tp_error *error, bool *ret_taken)
{
    struct tp_ipc_reply reply = {0};
    pthread_mutex_lock(&slot->inventory.refreshing);
    struct tp_p11_set *known TP_AUTO(tp_p11_set_unref_p) = current_set(&slot->inventory);
    enum tp_rc rc = ask(slot, asker, known, error, &reply);
    if (rc == TP_OK)
        rc = take_over(slot, asker->epoch, known, (const Tp__Ipc__ObjectsReply *)reply.message, ret_taken);
    pthread_mutex_unlock(&slot->inventory.refreshing);
    tp_ipc_reply_clear(&reply);
    return rc;
}

/* A token that is not initialised has no objects. */
static enum tp_rc empty(struct tp_p11_slot *slot, struct tp_error *error)
{
    pthread_rwlock_wrlock(&slot->inventory.lock);
    struct tp_p11_set *old = slot->inventory.set;
    slot->inventory.set = NULL;
    pthread_rwlock_unlock(&slot->inventory.lock);
    tp_p11_set_unref(old);
    if (error != NULL)
        tp_error_clear(error);
    return TP_OK;
}

/* DONE is false when it was asked for in a login that has ended, and another has begun. */
static enum tp_rc refresh_once(struct tp_p11_slot *slot, struct tp_error *error, bool *ret_done)
{
    struct asker asker;
    *ret_done = true;
    if (!tp_p11_login_who(slot, asker.who, &asker.epoch))
        return TP_OK; /* nobody, and so nothing */
    bool unchanged = false;
    TP_TRY(ask_unchanged(slot, &asker, error, &unchanged));
    return unchanged ? TP_OK : bring(slot, &asker, error, ret_done);
}

enum tp_rc tp_p11_inventory_refresh(struct tp_p11_slot *slot, struct tp_error *error)
{
    bool done = false;
    enum tp_rc rc = TP_OK;
    while (rc == TP_OK && !done)
        rc = refresh_once(slot, error, &done);
    return rc == TP_NOT_FOUND && tp_p11_token_can_be_blank(slot) ? empty(slot, error) : rc;
}

/* ---- looking up ---- */

static int compare_handles(const void *a, const void *b)
{
    CK_OBJECT_HANDLE x = (*(struct tp_p11_object *const *)a)->handle, y = (*(struct tp_p11_object *const *)b)->handle;
    return x < y ? -1 : x > y;
}

/* New handles are greater than all that were: the array is in order. */
static struct tp_p11_object **find_own(const struct tp_p11_inventory *inventory, CK_OBJECT_HANDLE handle)
{
    struct tp_p11_object key, *wanted = &key;
    key.handle = handle;
    if (inventory->own_count == 0)
        return NULL;
    return bsearch(&wanted, inventory->own, inventory->own_count, sizeof(struct tp_p11_object *), compare_handles);
}

struct tp_p11_object *tp_p11_inventory_get(struct tp_p11_slot *slot, CK_OBJECT_HANDLE handle, bool see_private)
{
    struct tp_p11_inventory *inventory = &slot->inventory;
    pthread_rwlock_rdlock(&inventory->lock);
    struct tp_p11_object **own = find_own(inventory, handle);
    struct tp_p11_object *object = own != NULL ? *own : tp_p11_set_find(inventory->set, handle);
    if (object != NULL && object->is_private && !see_private)
        object = NULL;
    if (object != NULL)
        (void)tp_p11_object_ref(object);
    pthread_rwlock_unlock(&inventory->lock);
    return object;
}

CK_OBJECT_HANDLE tp_p11_inventory_handle(struct tp_p11_slot *slot, enum tp_p11_role role, const char *engine_id)
{
    struct tp_p11_set *set TP_AUTO(tp_p11_set_unref_p) = current_set(&slot->inventory);
    const struct tp_p11_object *object = tp_p11_set_find_own(set, role, engine_id);
    return object == NULL ? CK_INVALID_HANDLE : object->handle;
}

/* ---- what goes with a private key ---- */

#define GONE_MAX (64 * sizeof(CK_OBJECT_HANDLE)) /* a program that destroys them one by one does so at once */

struct tp_p11_followers tp_p11_inventory_followers(struct tp_p11_slot *slot, const char *engine_id)
{
    return (struct tp_p11_followers){{tp_p11_inventory_handle(slot, TP_P11_PUBLIC_KEY, engine_id),
                                      tp_p11_inventory_handle(slot, TP_P11_CERTIFICATE, engine_id)}};
}

void tp_p11_inventory_followed(struct tp_p11_slot *slot, const struct tp_p11_followers *followers)
{
    struct tp_p11_inventory *inventory = &slot->inventory;
    pthread_rwlock_wrlock(&inventory->lock);
    if (inventory->gone.len >= GONE_MAX)
        tp_buf_reset(&inventory->gone);
    if (tp_buf_append(&inventory->gone, TP_BYTES(followers->handles, sizeof(followers->handles))) != TP_OK)
        tp_buf_reset(&inventory->gone); /* a courtesy: without it, they are "no such object" */
    pthread_rwlock_unlock(&inventory->lock);
}

bool tp_p11_inventory_has_gone(struct tp_p11_slot *slot, CK_OBJECT_HANDLE handle)
{
    struct tp_buf *gone = &slot->inventory.gone;
    bool found = false;
    pthread_rwlock_wrlock(&slot->inventory.lock);
    for (size_t at = 0; at < gone->len && !found && handle != CK_INVALID_HANDLE; at += sizeof(handle)) {
        found = memcmp(gone->data + at, &handle, sizeof(handle)) == 0;
        if (found)
            memset(gone->data + at, 0, sizeof(handle)); /* CK_INVALID_HANDLE */
    }
    pthread_rwlock_unlock(&slot->inventory.lock);
    return found;
}

struct search {
    bool see_private;
    struct tp_buf *handles;
};

static enum tp_rc collect(void *context, struct tp_p11_object *object)
{
    const struct search *search = context;
    if (object->is_private && !search->see_private)
        return TP_OK;
    return tp_buf_append(search->handles, TP_BYTES(&object->handle, sizeof(object->handle)));
}

static enum tp_rc search_own(struct tp_p11_inventory *inventory, const CK_ATTRIBUTE *template, CK_ULONG count,
                             struct search *search)
{
    enum tp_rc rc = TP_OK;
    pthread_rwlock_rdlock(&inventory->lock);
    for (size_t i = 0; rc == TP_OK && i < inventory->own_count; i++)
        if (tp_p11_attributes_match(&inventory->own[i]->attributes, template, count))
            rc = collect(search, inventory->own[i]);
    pthread_rwlock_unlock(&inventory->lock);
    return rc;
}

enum tp_rc tp_p11_inventory_search(struct tp_p11_slot *slot, const CK_ATTRIBUTE *template, CK_ULONG count,
                                   bool see_private, struct tp_buf *ret_handles)
{
    struct search search = {see_private, ret_handles};
    struct tp_p11_set *set TP_AUTO(tp_p11_set_unref_p) = current_set(&slot->inventory);
    if (set != NULL)
        TP_TRY(tp_p11_set_search(set, template, count, collect, &search));
    return search_own(&slot->inventory, template, count, &search);
}

/* ---- session objects ---- */

static enum tp_rc own_reserve(struct tp_p11_inventory *inventory)
{
    if (inventory->own_count < inventory->own_capacity)
        return TP_OK;
    size_t capacity = inventory->own_capacity == 0 ? 8 : 2 * inventory->own_capacity;
    struct tp_p11_object **own = reallocarray(inventory->own, capacity, sizeof(struct tp_p11_object *));
    if (own == NULL)
        return TP_MEMORY;
    inventory->own = own;
    inventory->own_capacity = capacity;
    return TP_OK;
}

enum tp_rc tp_p11_inventory_add(struct tp_p11_slot *slot, CK_SESSION_HANDLE owner, struct tp_p11_object *object,
                                CK_OBJECT_HANDLE *ret_handle)
{
    struct tp_p11_inventory *inventory = &slot->inventory;
    pthread_rwlock_wrlock(&inventory->lock);
    enum tp_rc rc = own_reserve(inventory);
    if (rc == TP_OK) {
        object->owner = owner;
        object->handle = atomic_fetch_add(&slot->module->last_object, 1) + 1; /* under the lock: keeps the order */
        *ret_handle = object->handle;
        inventory->own[inventory->own_count++] = object;
    }
    pthread_rwlock_unlock(&inventory->lock);
    return rc;
}

bool tp_p11_inventory_replace(struct tp_p11_slot *slot, struct tp_p11_object *original, struct tp_p11_object *object)
{
    pthread_rwlock_wrlock(&slot->inventory.lock);
    struct tp_p11_object **place = find_own(&slot->inventory, original->handle);
    bool there = place != NULL && *place == original;
    if (there) {
        object->owner = original->owner;
        object->handle = original->handle;
        *place = object;
    }
    pthread_rwlock_unlock(&slot->inventory.lock);
    if (there)
        tp_p11_object_unref(original);
    return there;
}

/* Drops session objects for which WANTED holds. Returns how many. */
static size_t drop_if(struct tp_p11_slot *slot, bool (*wanted)(const struct tp_p11_object *object, CK_ULONG number),
                      CK_ULONG number)
{
    struct tp_p11_inventory *inventory = &slot->inventory;
    size_t kept = 0, dropped = 0;
    pthread_rwlock_wrlock(&inventory->lock);
    for (size_t i = 0; i < inventory->own_count; i++)
        if (wanted(inventory->own[i], number))
            tp_p11_object_unref(inventory->own[i]);
        else
            inventory->own[kept++] = inventory->own[i];
    dropped = inventory->own_count - kept;
    inventory->own_count = kept;
    pthread_rwlock_unlock(&inventory->lock);
    return dropped;
}

static bool has_handle(const struct tp_p11_object *object, CK_ULONG number)
{
    return object->handle == number;
}

static bool has_owner(const struct tp_p11_object *object, CK_ULONG number)
{
    return object->owner == number;
}

static bool is_private(const struct tp_p11_object *object, CK_ULONG number)
{
    (void)number;
    return object->is_private;
}

bool tp_p11_inventory_remove(struct tp_p11_slot *slot, CK_OBJECT_HANDLE handle)
{
    return drop_if(slot, has_handle, handle) > 0;
}

void tp_p11_inventory_drop_session(struct tp_p11_slot *slot, CK_SESSION_HANDLE owner)
{
    (void)drop_if(slot, has_owner, owner);
}

void tp_p11_inventory_drop_private(struct tp_p11_slot *slot)
{
    (void)drop_if(slot, is_private, 0);
}

void tp_p11_inventory_begin(struct tp_p11_slot *slot, uint64_t epoch)
{
    struct tp_p11_inventory *inventory = &slot->inventory;
    pthread_rwlock_wrlock(&inventory->lock);
    struct tp_p11_set *old = inventory->set;
    inventory->set = NULL;
    inventory->epoch = epoch;
    pthread_rwlock_unlock(&inventory->lock);
    tp_p11_set_unref(old);
    tp_p11_inventory_drop_private(slot);
}
