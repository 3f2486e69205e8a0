/* SPDX-License-Identifier: Apache-2.0
 *
 * The token objects of one slot as the engine last told them: an immutable, indexed set. A change makes a new set, in
 * which everything that is unchanged is shared with the old one, and keeps its handle.
 */
#ifndef TP_P11_SET_H
#define TP_P11_SET_H

#include "p11/object.h"

struct tp_p11_posting {
    uint64_t hash;   /* of an attribute's type and value */
    uint32_t object; /* its place in `objects` */
};

struct tp_p11_set {
    atomic_uint refs;
    uint64_t generation;            /* the engine's */
    struct tp_p11_object **objects; /* in the order of their handles */
    size_t count, capacity;
    struct tp_p11_object **by_identity;
    struct tp_p11_posting *postings; /* in the order of their hashes */
    size_t posting_count;
};

struct tp_p11_set *tp_p11_set_ref(struct tp_p11_set *set);
void tp_p11_set_unref(struct tp_p11_set *set); /* NULL is allowed */
TP_DEFINE_AUTO(struct tp_p11_set, tp_p11_set_unref)

/* PREVIOUS (or NULL) lends objects and handles; new handles come from LAST_HANDLE. What the engine says that cannot be
 * understood is left out, and told to the log. */
TP_MUST_USE enum tp_rc tp_p11_set_new(const Tp__Ipc__ObjectsReply *reply, enum tp_p11_privacy privacy,
                                      const struct tp_p11_set *previous, atomic_ulong *last_handle,
                                      struct tp_p11_set **ret_set);

/* Borrowed; NULL when there is none. */
struct tp_p11_object *tp_p11_set_find(const struct tp_p11_set *set, CK_OBJECT_HANDLE handle);
/* The one that ROLE and what the engine calls it make; likewise. */
struct tp_p11_object *tp_p11_set_find_own(const struct tp_p11_set *set, enum tp_p11_role role, const char *engine_id);
/* Calls EACH for every object that matches, in the order of handles or of the index; stops when it fails. */
typedef enum tp_rc tp_p11_object_fn(void *context, struct tp_p11_object *object);
TP_MUST_USE enum tp_rc tp_p11_set_search(const struct tp_p11_set *set, const CK_ATTRIBUTE *template, CK_ULONG count,
                                         tp_p11_object_fn *each, void *context);

#endif
