/* SPDX-License-Identifier: Apache-2.0
 *
 * The open intents: entries that announce something whose end is not recorded yet. Ascending by index, since indices
 * only grow. Ends are marked by any thread and recorded by the committer; a mark survives a batch that failed.
 * Not locked: its owner does that.
 */
#ifndef TP_AUDIT_INTENTS_H
#define TP_AUDIT_INTENTS_H

#include "base/crypto.h"

#include <stdbool.h>

enum tp_intent_state {
    TP_INTENT_OPEN,
    TP_INTENT_OK,
    TP_INTENT_FAILED,
    TP_INTENT_UNKNOWN, /* the engine ended, or could not know whether the intent was committed */
    TP_INTENT_CLOSED   /* its completion is recorded */
};

struct tp_intent {
    uint64_t index;
    enum tp_intent_state state;
    bool taken; /* into the batch that is being made */
    uint8_t signature_hash[TP_SHA256_LEN];
};

struct tp_intents {
    struct tp_intent *item;
    size_t len, capacity;
    size_t ended;  /* OK, FAILED or UNKNOWN */
    size_t closed; /* still in the list */
};

void tp_intents_clear(struct tp_intents *intents);
/* Room for MORE: tp_intents_add then cannot fail. */
TP_MUST_USE enum tp_rc tp_intents_reserve(struct tp_intents *intents, size_t more);
void tp_intents_add(struct tp_intents *intents, uint64_t index, enum tp_intent_state state);
/* False when INDEX is not open: never was, or has ended already. */
bool tp_intents_end(struct tp_intents *intents, uint64_t index, enum tp_intent_state state,
                    const uint8_t *signature_hash /* may be NULL */);
/* Whether INDEX has no completion in the log yet. */
bool tp_intents_have(const struct tp_intents *intents, uint64_t index);
/* The engine of the intents has gone: all that are open have ended unknown. */
void tp_intents_orphan(struct tp_intents *intents);
/* The completion of INDEX is in the log; one that is not there is fine. */
void tp_intents_close(struct tp_intents *intents, uint64_t index);
/* The batch of those that are taken: RECORDED closes them, otherwise they wait for the next. */
void tp_intents_settle(struct tp_intents *intents, bool recorded);
/* How many have no completion in the log yet. */
size_t tp_intents_count(const struct tp_intents *intents);
/* The lowest index of those that are neither closed nor taken; NONE when there is none. */
uint64_t tp_intents_lowest(const struct tp_intents *intents, uint64_t none);

#endif
