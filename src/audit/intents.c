/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/intents.h"

#include <stdlib.h>
#include <string.h>

void tp_intents_clear(struct tp_intents *intents)
{
    free(intents->item);
    *intents = (struct tp_intents){0};
}

enum tp_rc tp_intents_reserve(struct tp_intents *intents, size_t more)
{
    size_t capacity = intents->capacity == 0 ? 64 : intents->capacity;
    struct tp_intent *item;

    if (more <= intents->capacity - intents->len)
        return TP_OK;
    if (more > SIZE_MAX / sizeof *item / 4 - intents->len)
        return TP_TOO_LARGE;
    while (capacity < intents->len + more)
        capacity *= 2;
    item = realloc(intents->item, capacity * sizeof *item);
    if (item == NULL)
        return TP_MEMORY;
    intents->item = item;
    intents->capacity = capacity;
    return TP_OK;
}

void tp_intents_add(struct tp_intents *intents, uint64_t index, enum tp_intent_state state)
{
    intents->item[intents->len++] = (struct tp_intent){.index = index, .state = state};
    if (state != TP_INTENT_OPEN)
        intents->ended++;
}

static struct tp_intent *find(const struct tp_intents *intents, uint64_t index)
{
    size_t low = 0, high = intents->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (intents->item[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low < intents->len && intents->item[low].index == index ? &intents->item[low] : NULL;
}

bool tp_intents_end(struct tp_intents *intents, uint64_t index, enum tp_intent_state state,
                    const uint8_t *signature_hash)
{
    struct tp_intent *intent = find(intents, index);

    if (intent == NULL || intent->state != TP_INTENT_OPEN)
        return false;
    intent->state = state;
    if (signature_hash != NULL)
        memcpy(intent->signature_hash, signature_hash, sizeof intent->signature_hash);
    intents->ended++;
    return true;
}

bool tp_intents_have(const struct tp_intents *intents, uint64_t index)
{
    const struct tp_intent *intent = find(intents, index);

    return intent != NULL && intent->state != TP_INTENT_CLOSED;
}

void tp_intents_orphan(struct tp_intents *intents)
{
    for (size_t i = 0; i < intents->len; i++)
        if (intents->item[i].state == TP_INTENT_OPEN) {
            intents->item[i].state = TP_INTENT_UNKNOWN;
            intents->ended++;
        }
}

static void sweep(struct tp_intents *intents)
{
    size_t kept = 0;

    for (size_t i = 0; i < intents->len; i++)
        if (intents->item[i].state != TP_INTENT_CLOSED)
            intents->item[kept++] = intents->item[i];
    intents->len = kept;
    intents->closed = 0;
}

/* Swept when half of the list is closed, so that closing costs a constant on the average. */
void tp_intents_close(struct tp_intents *intents, uint64_t index)
{
    struct tp_intent *intent = find(intents, index);

    if (intent == NULL || intent->state == TP_INTENT_CLOSED)
        return;
    if (intent->state != TP_INTENT_OPEN)
        intents->ended--;
    intent->state = TP_INTENT_CLOSED;
    intents->closed++;
    if (intents->closed * 2 > intents->len)
        sweep(intents);
}

void tp_intents_settle(struct tp_intents *intents, bool recorded)
{
    for (size_t i = 0; i < intents->len; i++) {
        struct tp_intent *intent = &intents->item[i];

        if (!intent->taken)
            continue;
        intent->taken = false;
        if (!recorded)
            continue;
        intent->state = TP_INTENT_CLOSED;
        intents->ended--;
        intents->closed++;
    }
    if (intents->closed != 0)
        sweep(intents);
}

size_t tp_intents_count(const struct tp_intents *intents)
{
    return intents->len - intents->closed;
}

uint64_t tp_intents_lowest(const struct tp_intents *intents, uint64_t none)
{
    for (size_t i = 0; i < intents->len; i++)
        if (intents->item[i].state != TP_INTENT_CLOSED && !intents->item[i].taken)
            return intents->item[i].index;
    return none;
}
