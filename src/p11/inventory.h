/* SPDX-License-Identifier: Apache-2.0
 *
 * All objects of one slot: the set that the engine told last, and the session objects of this process. Where the slot
 * serves all, the set is that of the login (epoch) in which it was asked for.
 */
#ifndef TP_P11_INVENTORY_H
#define TP_P11_INVENTORY_H

#include "p11/set.h"

#include <pthread.h>

struct tp_p11_slot;

struct tp_p11_inventory {
    pthread_rwlock_t lock;      /* of what is below; never held while the engine is asked */
    struct tp_p11_set *set;     /* NULL: not asked yet */
    uint64_t epoch;             /* whose set it may be; always 0 where the slot is one user's */
    struct tp_p11_object **own; /* session objects, in the order of their handles */
    size_t own_count, own_capacity;
    struct tp_buf gone; /* handles of what went with private keys that this program has destroyed */
    pthread_mutex_t refreshing; /* whoever brings a new set */
};

TP_MUST_USE enum tp_rc tp_p11_inventory_init(struct tp_p11_inventory *inventory);
void tp_p11_inventory_clear(struct tp_p11_inventory *inventory);

/* Asks the engine whether anything has changed, and takes it over. */
TP_MUST_USE enum tp_rc tp_p11_inventory_refresh(struct tp_p11_slot *slot, struct tp_error *error);
/* A reference; NULL when there is no such object, or it is private and SEE_PRIVATE is not given. */
struct tp_p11_object *tp_p11_inventory_get(struct tp_p11_slot *slot, CK_OBJECT_HANDLE handle, bool see_private);
/* Of a token object that the engine calls so; CK_INVALID_HANDLE when there is none. */
CK_OBJECT_HANDLE tp_p11_inventory_handle(struct tp_p11_slot *slot, enum tp_p11_role role, const char *engine_id);
/* What goes with a private key: public key and certificate; CK_INVALID_HANDLE where there is none. */
struct tp_p11_followers {
    CK_OBJECT_HANDLE handles[2];
};
struct tp_p11_followers tp_p11_inventory_followers(struct tp_p11_slot *slot, const char *engine_id);
/* They have gone with it: programs destroy them one by one all the same. */
void tp_p11_inventory_followed(struct tp_p11_slot *slot, const struct tp_p11_followers *followers);
/* Whether the object has gone so. Once: it is forgotten then. */
bool tp_p11_inventory_has_gone(struct tp_p11_slot *slot, CK_OBJECT_HANDLE handle);
/* Appends the handles of what matches. */
TP_MUST_USE enum tp_rc tp_p11_inventory_search(struct tp_p11_slot *slot, const CK_ATTRIBUTE *template, CK_ULONG count,
                                               bool see_private, struct tp_buf *ret_handles);

/* Session objects. Adding takes over OBJECT and gives it a handle. */
TP_MUST_USE enum tp_rc tp_p11_inventory_add(struct tp_p11_slot *slot, CK_SESSION_HANDLE owner,
                                            struct tp_p11_object *object, CK_OBJECT_HANDLE *ret_handle);
/* Puts OBJECT in the place of the session object ORIGINAL, and takes it over; false when that is not there any more, gone
 * or changed by another thread. The caller has a reference to ORIGINAL. */
bool tp_p11_inventory_replace(struct tp_p11_slot *slot, struct tp_p11_object *original, struct tp_p11_object *object);
bool tp_p11_inventory_remove(struct tp_p11_slot *slot, CK_OBJECT_HANDLE handle);
void tp_p11_inventory_drop_session(struct tp_p11_slot *slot, CK_SESSION_HANDLE owner);
void tp_p11_inventory_drop_private(struct tp_p11_slot *slot); /* at C_Logout, 3.0 §5.6.10 */
/* Where the slot serves all: nothing of an earlier login is left, and no answer to it is taken over any more. */
void tp_p11_inventory_begin(struct tp_p11_slot *slot, uint64_t epoch);

#endif
