/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/cache.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN ((size_t)64)
#define BUCKETS_MAX ((size_t)1 << 20)

_Static_assert(sizeof(struct tp_hsm_key) <= 160, "a cached key costs little more than the HSM's own memory for it");

/* A power of two at or above the capacity: 8 bytes a key. */
static size_t bucket_count(size_t capacity)
{
    size_t count = BUCKETS_MIN;
    while (count < capacity && count < BUCKETS_MAX)
        count *= 2;
    return count;
}

enum tp_rc tp_hsm_cache_init(struct tp_hsm_cache *cache, size_t capacity)
{
    size_t count = bucket_count(capacity);
    *cache = (struct tp_hsm_cache){.capacity = capacity, .bucket_mask = count - 1};
    cache->buckets = calloc(count, sizeof(cache->buckets[0]));
    if (cache->buckets == NULL)
        return TP_MEMORY;
    pthread_mutex_init(&cache->lock, NULL);
    return TP_OK;
}

/* FNV-1a. Ids are ours and random, nobody chooses them to collide. */
static struct tp_hsm_key **bucket_of(struct tp_hsm_cache *cache, const char *id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *id != '\0'; id++)
        hash = (hash ^ (uint8_t)*id) * UINT64_C(0x100000001b3);
    return &cache->buckets[hash & cache->bucket_mask];
}

/* Where the pointer to the key of ID is, or the NULL at the end of its chain. */
static struct tp_hsm_key **place_of(struct tp_hsm_cache *cache, const char *id)
{
    struct tp_hsm_key **at = bucket_of(cache, id);
    while (*at != NULL && strcmp((*at)->id, id) != 0)
        at = &(*at)->chain;
    return at;
}

static void idle_remove(struct tp_hsm_cache *cache, struct tp_hsm_key *key)
{
    *(key->older != NULL ? &key->older->newer : &cache->oldest) = key->newer;
    *(key->newer != NULL ? &key->newer->older : &cache->newest) = key->older;
    key->older = key->newer = NULL;
}

static void idle_append(struct tp_hsm_cache *cache, struct tp_hsm_key *key)
{
    key->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = key;
    cache->newest = key;
}

static void hold(struct tp_hsm_cache *cache, struct tp_hsm_key *key)
{
    if (key->holders++ == 0)
        idle_remove(cache, key);
}

static void hand_out(struct tp_hsm_key *key, struct tp_hsm_key **ret_gone)
{
    key->chain = *ret_gone;
    *ret_gone = key;
}

/* Out of the table: at once to the caller, or, while it is held, with its last holder. */
static void take_out(struct tp_hsm_cache *cache, struct tp_hsm_key **at, struct tp_hsm_key **ret_gone)
{
    struct tp_hsm_key *key = *at;
    *at = key->chain;
    cache->count--;
    key->leaving = true;
    if (key->holders > 0)
        return;
    idle_remove(cache, key);
    hand_out(key, ret_gone);
}

static void make_room(struct tp_hsm_cache *cache, struct tp_hsm_key **ret_gone)
{
    while (cache->count > cache->capacity && cache->oldest != NULL)
        take_out(cache, place_of(cache, cache->oldest->id), ret_gone);
}

void tp_hsm_cache_clear(struct tp_hsm_cache *cache)
{
    struct tp_hsm_key *gone = NULL;
    if (cache->buckets == NULL)
        return;
    tp_hsm_cache_forget_all(cache, &gone);
    while (gone != NULL) {
        struct tp_hsm_key *key = gone;
        gone = key->chain;
        free(key);
    }
    free(cache->buckets);
    cache->buckets = NULL;
    pthread_mutex_destroy(&cache->lock);
}

struct tp_hsm_key *tp_hsm_cache_take(struct tp_hsm_cache *cache, const char *id, uint64_t epoch, uint64_t *ret_ticket)
{
    pthread_mutex_lock(&cache->lock);
    struct tp_hsm_key *key = *place_of(cache, id);
    if (key != NULL && key->epoch != epoch)
        key = NULL; /* the caller's session is of an ended login: not for it to judge what is in the table */
    if (key != NULL)
        hold(cache, key);
    *ret_ticket = cache->forgotten;
    pthread_mutex_unlock(&cache->lock);
    return key;
}

struct tp_hsm_key *tp_hsm_cache_add(struct tp_hsm_cache *cache, struct tp_hsm_key *fresh, uint64_t ticket,
                                    struct tp_hsm_key **ret_gone)
{
    struct tp_hsm_key *key = fresh;
    pthread_mutex_lock(&cache->lock);
    struct tp_hsm_key **at = place_of(cache, fresh->id);
    if (ticket != cache->forgotten) { /* it may be the one that had to be forgotten: for this holder only */
        fresh->leaving = true;
        fresh->holders = 1;
    } else if (*at != NULL) {
        key = *at;
        hold(cache, key);
        hand_out(fresh, ret_gone);
    } else {
        fresh->holders = 1;
        *at = fresh;
        cache->count++;
        make_room(cache, ret_gone);
    }
    pthread_mutex_unlock(&cache->lock);
    return key;
}

void tp_hsm_cache_put(struct tp_hsm_cache *cache, struct tp_hsm_key *key, struct tp_hsm_key **ret_gone)
{
    pthread_mutex_lock(&cache->lock);
    if (--key->holders == 0) {
        if (key->leaving) {
            hand_out(key, ret_gone);
        } else {
            idle_append(cache, key);
            make_room(cache, ret_gone);
        }
    }
    pthread_mutex_unlock(&cache->lock);
}

void tp_hsm_cache_forget(struct tp_hsm_cache *cache, const char *id, struct tp_hsm_key **ret_gone)
{
    pthread_mutex_lock(&cache->lock);
    struct tp_hsm_key **at = place_of(cache, id);
    cache->forgotten++;
    if (*at != NULL)
        take_out(cache, at, ret_gone);
    pthread_mutex_unlock(&cache->lock);
}

void tp_hsm_cache_forget_all(struct tp_hsm_cache *cache, struct tp_hsm_key **ret_gone)
{
    pthread_mutex_lock(&cache->lock);
    cache->forgotten++;
    for (size_t i = 0; i <= cache->bucket_mask; i++)
        while (cache->buckets[i] != NULL)
            take_out(cache, &cache->buckets[i], ret_gone);
    pthread_mutex_unlock(&cache->lock);
}

size_t tp_hsm_cache_count(struct tp_hsm_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    size_t count = cache->count;
    pthread_mutex_unlock(&cache->lock);
    return count;
}
