/* SPDX-License-Identifier: Apache-2.0
 *
 * The arena: chunks of mapped memory, each for secrets of one size class and with a guard page at either end; a chunk's
 * first bytes hold its own bookkeeping. The handle (struct tp_secret) is ordinary memory and holds nothing secret.
 *
 * Fork, in a process that is not ours: chunks and the arena's own page are MADV_WIPEONFORK, so a child finds an arena
 * of zeros, which is an empty one with a free mutex, whatever another thread was doing at the time. Secrets inherited
 * from the parent are recognised by the lost magic of their chunk: they have length and capacity 0 and can only be
 * freed.
 */
#include "base/secret.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHUNK_MAGIC UINT64_C(0x74705f7365637265)
#define SLOT_MIN    ((size_t)32)
#define CLASS_COUNT 12 /* 32 bytes, 64, … 64 KiB = TP_SECRET_MAX */
#define SHARED_CHUNK_LEN                                                                                               \
    ((size_t)64 << 10) /* of secrets up to SHARED_SLOT_MAX; a larger one has a chunk of its own                        \
                        */
#define SHARED_SLOT_MAX ((size_t)4 << 10)
#define WORD_BITS       64
#define MAP_WORDS       (SHARED_CHUNK_LEN / SLOT_MIN / WORD_BITS)

struct chunk {
    uint64_t magic;                /* 0 in a child of fork */
    struct chunk *previous, *next; /* of the chunks of its class that have a free slot */
    size_t mapped_len;             /* with the guard pages */
    size_t slot_len;
    uint8_t *slots;
    unsigned class_index, slot_count, used_count;
    uint64_t used[MAP_WORDS]; /* bit i: slot i is taken */
};

/* All zero is the state of an arena that has been used by nobody: PTHREAD_MUTEX_INITIALIZER is all zeros on Linux,
 * which the unit test asserts. */
struct arena {
    pthread_mutex_t mutex;
    size_t live_count;               /* secrets */
    bool lock_refused;               /* an mlock failed */
    struct chunk *open[CLASS_COUNT]; /* chunks that have a free slot */
};

struct tp_secret {
    struct chunk *chunk;
    uint8_t *data;
    uint32_t len, capacity;
};

static _Atomic(struct arena *) the_arena;

static size_t page_len(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_up(size_t len, size_t unit)
{
    return (len + unit - 1) / unit * unit;
}

/* Zeroed pages that are neither dumped nor inherited, between two guard pages. */
static uint8_t *pages_map(size_t len)
{
    size_t page = page_len();
    uint8_t *all = mmap(NULL, len + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    if (mprotect(all + page, len, PROT_READ | PROT_WRITE) == 0 && madvise(all + page, len, MADV_WIPEONFORK) == 0 &&
        madvise(all + page, len, MADV_DONTDUMP) == 0)
        return all + page;
    (void)munmap(all, len + 2 * page);
    return NULL;
}

static void pages_unmap(void *pages, size_t len)
{
    (void)munmap((uint8_t *)pages - page_len(), len + 2 * page_len());
}

/* The one arena, made by whoever comes first; NULL when memory is out. */
static struct arena *arena_get(void)
{
    struct arena *arena = atomic_load(&the_arena);
    if (arena != NULL)
        return arena;
    struct arena *made = (struct arena *)(void *)pages_map(page_len());
    if (made == NULL || atomic_compare_exchange_strong(&the_arena, &arena, made))
        return made;
    pages_unmap(made, page_len());
    return arena;
}

static void list_add(struct arena *arena, struct chunk *chunk)
{
    struct chunk **head = &arena->open[chunk->class_index];
    chunk->previous = NULL;
    chunk->next = *head;
    if (chunk->next != NULL)
        chunk->next->previous = chunk;
    *head = chunk;
}

static void list_remove(struct arena *arena, struct chunk *chunk)
{
    if (chunk->previous != NULL)
        chunk->previous->next = chunk->next;
    else
        arena->open[chunk->class_index] = chunk->next;
    if (chunk->next != NULL)
        chunk->next->previous = chunk->previous;
}

/* Pages are locked as they are touched: a chunk that holds one secret costs one page or two. */
static struct chunk *chunk_new(struct arena *arena, unsigned class_index)
{
    size_t slot_len = SLOT_MIN << class_index;
    size_t head_len = round_up(sizeof(struct chunk), SLOT_MIN);
    bool shared = slot_len <= SHARED_SLOT_MAX;
    size_t len = shared ? SHARED_CHUNK_LEN : round_up(head_len + slot_len, page_len());
    uint8_t *pages = pages_map(len);
    if (pages == NULL)
        return NULL;
    if (mlock2(pages, len, MLOCK_ONFAULT) != 0)
        arena->lock_refused = true; /* RLIMIT_MEMLOCK: go on, and let doctor say so */
    struct chunk *chunk = (struct chunk *)(void *)pages;
    chunk->magic = CHUNK_MAGIC;
    chunk->mapped_len = len;
    chunk->slot_len = slot_len;
    chunk->slots = pages + head_len;
    chunk->class_index = class_index;
    chunk->slot_count = shared ? (unsigned)((len - head_len) / slot_len) : 1;
    list_add(arena, chunk);
    return chunk;
}

static uint8_t *chunk_take(struct arena *arena, struct chunk *chunk)
{
    unsigned slot = 0;
    while ((chunk->used[slot / WORD_BITS] >> slot % WORD_BITS & 1) != 0)
        slot += chunk->used[slot / WORD_BITS] == UINT64_MAX ? WORD_BITS : 1;
    chunk->used[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
    chunk->used_count++;
    arena->live_count++;
    if (chunk->used_count == chunk->slot_count)
        list_remove(arena, chunk);
    return chunk->slots + slot * chunk->slot_len;
}

static void chunk_unmap(struct arena *arena, struct chunk *chunk)
{
    list_remove(arena, chunk);
    pages_unmap(chunk, chunk->mapped_len);
}

/* One empty chunk a class is kept for the next secret, while there are secrets at all. */
static void chunk_give_back(struct arena *arena, struct chunk *chunk, const uint8_t *data)
{
    size_t slot = (size_t)(data - chunk->slots) / chunk->slot_len;
    if (chunk->used_count == chunk->slot_count)
        list_add(arena, chunk);
    chunk->used[slot / WORD_BITS] &= ~(UINT64_C(1) << slot % WORD_BITS);
    chunk->used_count--;
    arena->live_count--;
    bool only_one = chunk->previous == NULL && chunk->next == NULL;
    if (chunk->used_count == 0 && (!only_one || chunk->slot_count == 1))
        chunk_unmap(arena, chunk);
}

/* When the last secret has gone nothing stays behind in the process: the module may be unloaded. */
static void arena_trim(struct arena *arena)
{
    for (unsigned i = 0; arena->live_count == 0 && i < CLASS_COUNT; i++)
        while (arena->open[i] != NULL)
            chunk_unmap(arena, arena->open[i]);
}

static unsigned class_of(size_t capacity)
{
    unsigned class_index = 0;
    while (SLOT_MIN << class_index < capacity)
        class_index++;
    return class_index;
}

static bool secret_place(struct tp_secret *secret, size_t capacity)
{
    struct arena *arena = arena_get();
    if (arena == NULL)
        return false;
    unsigned class_index = class_of(capacity);
    pthread_mutex_lock(&arena->mutex);
    struct chunk *chunk = arena->open[class_index];
    if (chunk == NULL)
        chunk = chunk_new(arena, class_index);
    if (chunk != NULL)
        *secret = (struct tp_secret){chunk, chunk_take(arena, chunk), 0, (uint32_t)capacity};
    pthread_mutex_unlock(&arena->mutex);
    return chunk != NULL;
}

enum tp_rc tp_secret_new(size_t capacity, struct tp_secret **ret_secret)
{
    if (capacity > TP_SECRET_MAX)
        return TP_TOO_LARGE;
    struct tp_secret *secret = malloc(sizeof(*secret));
    if (secret == NULL)
        return TP_MEMORY;
    if (!secret_place(secret, capacity)) {
        free(secret);
        return TP_MEMORY;
    }
    *ret_secret = secret;
    return TP_OK;
}

enum tp_rc tp_secret_new_copy(struct tp_bytes bytes, struct tp_secret **ret_secret)
{
    struct tp_secret *secret TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(bytes.len, &secret));
    TP_TRY(tp_secret_append(secret, bytes));
    *ret_secret = secret;
    secret = NULL;
    return TP_OK;
}

/* False for a secret that this process has inherited from its parent, and whose content is therefore gone. */
static bool is_ours(const struct tp_secret *secret)
{
    return secret->chunk->magic == CHUNK_MAGIC;
}

void tp_secret_free(struct tp_secret *secret)
{
    if (secret == NULL)
        return;
    tp_wipe(secret->data, secret->capacity);
    if (is_ours(secret)) {
        struct arena *arena = arena_get();
        pthread_mutex_lock(&arena->mutex);
        chunk_give_back(arena, secret->chunk, secret->data);
        arena_trim(arena);
        pthread_mutex_unlock(&arena->mutex);
    }
    free(secret);
}

uint8_t *tp_secret_data(struct tp_secret *secret)
{
    return secret->data;
}

size_t tp_secret_len(const struct tp_secret *secret)
{
    return is_ours(secret) ? secret->len : 0;
}

size_t tp_secret_capacity(const struct tp_secret *secret)
{
    return is_ours(secret) ? secret->capacity : 0;
}

enum tp_rc tp_secret_set_len(struct tp_secret *secret, size_t len)
{
    if (len > tp_secret_capacity(secret))
        return TP_TOO_LARGE;
    tp_wipe(secret->data + len, secret->capacity - len);
    secret->len = (uint32_t)len;
    return TP_OK;
}

enum tp_rc tp_secret_append(struct tp_secret *secret, struct tp_bytes bytes)
{
    size_t len = tp_secret_len(secret);
    if (bytes.len > tp_secret_capacity(secret) - len)
        return TP_TOO_LARGE;
    if (bytes.len > 0)
        memcpy(secret->data + len, bytes.data, bytes.len);
    secret->len = (uint32_t)(len + bytes.len);
    return TP_OK;
}

struct tp_bytes tp_secret_bytes(const struct tp_secret *secret)
{
    return secret == NULL ? TP_BYTES_NONE : TP_BYTES(secret->data, tp_secret_len(secret));
}

void tp_wipe(void *data, size_t len)
{
    if (len > 0)
        explicit_bzero(data, len);
}

bool tp_secret_locked(void)
{
    struct arena *arena = arena_get();
    if (arena == NULL)
        return false;
    pthread_mutex_lock(&arena->mutex);
    bool locked = !arena->lock_refused;
    pthread_mutex_unlock(&arena->mutex);
    return locked;
}

void tp_process_harden(void)
{
    static const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}
