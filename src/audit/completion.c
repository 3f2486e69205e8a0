/* SPDX-License-Identifier: Apache-2.0
 *
 * How intents ended: one entry for all that did since the last batch.
 */
#include "audit/action.h"
#include "audit/internal.h"

#include <string.h>

static const char *const outcomes[] = {
    [TP_INTENT_OK] = TP_OUTCOME_OK,
    [TP_INTENT_FAILED] = TP_OUTCOME_FAILED,
    [TP_INTENT_UNKNOWN] = TP_OUTCOME_UNKNOWN,
};

static void say(struct tp_batch *batch, size_t at, const struct tp_intent *intent)
{
    Tp__Audit__Completion *said = &batch->completion[at];

    tp__audit__completion__init(said);
    said->intent = intent->index;
    said->outcome = (char *)(uintptr_t)outcomes[intent->state]; /* packed only */
    if (intent->state == TP_INTENT_OK) {
        memcpy(batch->completion_hash[at], intent->signature_hash, TP_SHA256_LEN);
        said->signature = (ProtobufCBinaryData){.len = TP_SHA256_LEN, .data = batch->completion_hash[at]};
    }
    batch->completion_list[at] = said;
}

static bool belongs(const struct tp_intent *intent, bool unknown)
{
    if (intent->taken)
        return false;
    if (unknown)
        return intent->state == TP_INTENT_UNKNOWN;
    return intent->state == TP_INTENT_OK || intent->state == TP_INTENT_FAILED;
}

/* Takes what has ended UNKNOWN, or otherwise, into the batch. */
static size_t take(struct tp_ledger *ledger, bool unknown)
{
    size_t len = 0;

    pthread_mutex_lock(&ledger->queue_mutex);
    for (size_t i = 0; i < ledger->intents.len && len < TP_COMPLETIONS_MAX && ledger->intents.ended != 0; i++) {
        struct tp_intent *intent = &ledger->intents.item[i];

        if (!belongs(intent, unknown))
            continue;
        intent->taken = true;
        say(ledger->batch, len++, intent);
    }
    pthread_mutex_unlock(&ledger->queue_mutex);
    return len;
}

static enum tp_rc append(struct tp_ledger *ledger, bool unknown, size_t len, struct tp_error *error)
{
    Tp__Audit__Entry entry = TP__AUDIT__ENTRY__INIT;
    uint64_t index;

    entry.action = tp_action_name(unknown ? TP_ACTION_OUTCOME_UNKNOWN : TP_ACTION_SIGN_COMPLETED);
    entry.outcome = (char *)(uintptr_t)(unknown ? TP_OUTCOME_UNKNOWN : TP_OUTCOME_OK);
    entry.role = (char *)(uintptr_t) "engine";
    entry.completions = ledger->batch->completion_list;
    entry.n_completions = len;
    return tp_batch_append(ledger, &entry, error, &index);
}

static enum tp_rc completions_of(struct tp_ledger *ledger, bool unknown, struct tp_error *error)
{
    size_t len;

    do {
        len = take(ledger, unknown);
        if (len != 0)
            TP_TRY(append(ledger, unknown, len, error));
    } while (len == TP_COMPLETIONS_MAX);
    return TP_OK;
}

enum tp_rc tp_batch_completions(struct tp_ledger *ledger, struct tp_error *error)
{
    TP_TRY(completions_of(ledger, false, error));
    return completions_of(ledger, true, error);
}
