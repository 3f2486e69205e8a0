/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/internal.h"

#include <stdlib.h>

/* What did not fit. Freed one by one, too: protobuf-c's scratch memory for a large message is larger than the message.
 */
struct tp_ipc_arena_block {
    struct tp_ipc_arena_block *next, *previous;
    alignas(max_align_t) uint8_t bytes[];
};

static bool is_own(const struct tp_ipc_arena *arena, const void *pointer)
{
    uintptr_t at = (uintptr_t)pointer;
    return at >= (uintptr_t)arena->own && at < (uintptr_t)arena->own + sizeof(arena->own);
}

static void *block_alloc(struct tp_ipc_arena *arena, size_t size)
{
    struct tp_ipc_arena_block *block = size > SIZE_MAX - sizeof(*block) ? NULL : malloc(sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    block->previous = NULL;
    block->next = arena->blocks;
    if (block->next != NULL)
        block->next->previous = block;
    arena->blocks = block;
    return block->bytes;
}

static void *arena_alloc(void *context, size_t size)
{
    struct tp_ipc_arena *arena = context;
    const size_t align = alignof(max_align_t);
    if (size > sizeof(arena->own))
        return block_alloc(arena, size);
    size_t rounded = (size + align - 1) / align * align;
    if (rounded > sizeof(arena->own) - arena->used)
        return block_alloc(arena, size);
    void *at = arena->own + arena->used;
    arena->used += rounded;
    return at;
}

static void arena_free(void *context, void *pointer)
{
    struct tp_ipc_arena *arena = context;
    if (pointer == NULL || is_own(arena, pointer))
        return;
    struct tp_ipc_arena_block *block =
        (struct tp_ipc_arena_block *)((uint8_t *)pointer - offsetof(struct tp_ipc_arena_block, bytes));
    if (block->next != NULL)
        block->next->previous = block->previous;
    if (block->previous != NULL)
        block->previous->next = block->next;
    else
        arena->blocks = block->next;
    free(block);
}

void tp_ipc_arena_init(struct tp_ipc_arena *arena)
{
    arena->allocator = (ProtobufCAllocator){.alloc = arena_alloc, .free = arena_free, .allocator_data = arena};
    arena->blocks = NULL;
    arena->used = 0;
}

void tp_ipc_arena_clear(struct tp_ipc_arena *arena)
{
    while (arena->blocks != NULL) {
        struct tp_ipc_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
    arena->used = 0;
}
