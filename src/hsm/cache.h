/* SPDX-License-Identifier: Apache-2.0
 *
 * The map from key id to unwrapped key: a hash table with a list of the keys that nobody holds, least recently used
 * first out. It makes no PKCS#11 call: what has to go is handed to the caller, who destroys it without the cache's
 * lock.
 *
 * Two threads that miss the same id at the same time both load it, and the second finds its own superfluous: no thread
 * ever waits for another's call into the HSM, which might be stuck.
 */
#ifndef TP_HSM_CACHE_H
#define TP_HSM_CACHE_H

#include "base/ids.h"
#include "hsm/hsm.h"

#include <pthread.h>
#include <trustp11/cryptoki.h>

struct tp_hsm_key {
    struct tp_hsm *hsm;
    CK_OBJECT_HANDLE handle;
    uint64_t epoch;                   /* of the login that it was unwrapped in, and ends with */
    struct tp_hsm_key *chain;         /* next in its bucket; or next of those that have to go */
    struct tp_hsm_key *older, *newer; /* in the list of those that nobody holds */
    uint32_t holders;
    enum tp_hsm_key_type type;
    bool leaving; /* no longer in the table; goes with its last holder */
    char id[TP_ID_LEN];
};

struct tp_hsm_cache {
    pthread_mutex_t lock;
    struct tp_hsm_key **buckets;
    size_t bucket_mask;
    size_t capacity; /* held keys are never put out, so there can be more */
    size_t count;    /* in the table */
    uint64_t forgotten; /* how often something was: a ticket from before is void */
    struct tp_hsm_key *oldest, *newest;
};

TP_MUST_USE enum tp_rc tp_hsm_cache_init(struct tp_hsm_cache *cache, size_t capacity);
void tp_hsm_cache_clear(struct tp_hsm_cache *cache); /* nobody holds a key */

/* The key of ID and EPOCH, held once more, or NULL. RET_TICKET is for add(): a forget() in between makes it void. */
struct tp_hsm_key *tp_hsm_cache_take(struct tp_hsm_cache *cache, const char *id, uint64_t epoch, uint64_t *ret_ticket);
/* Takes over FRESH (id, handle, epoch set), held once; answers the key to use, which is another's if that came first.
 */
struct tp_hsm_key *tp_hsm_cache_add(struct tp_hsm_cache *cache, struct tp_hsm_key *fresh, uint64_t ticket,
                                    struct tp_hsm_key **ret_gone);
void tp_hsm_cache_put(struct tp_hsm_cache *cache, struct tp_hsm_key *key, struct tp_hsm_key **ret_gone);
void tp_hsm_cache_forget(struct tp_hsm_cache *cache, const char *id, struct tp_hsm_key **ret_gone);
/* All of them: the login that they were unwrapped in has ended, and a key that was being loaded in it comes too late. So
 * all keys in the table are of one login. */
void tp_hsm_cache_forget_all(struct tp_hsm_cache *cache, struct tp_hsm_key **ret_gone);
size_t tp_hsm_cache_count(struct tp_hsm_cache *cache);

#endif
