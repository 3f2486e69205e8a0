/* SPDX-License-Identifier: Apache-2.0
 *
 * How intents ended, for those who read the log: an intent and its completion are two entries, and the second may stand
 * far behind the first (a signature that hung in the HSM). The open intents in memory say which have none yet, so that
 * the search for the others ends with the last completion that there is to find.
 */
#include "audit/action.h"
#include "audit/internal.h"

#include <string.h>

static const char *const endings[] = {TP_OUTCOME_OK, TP_OUTCOME_FAILED, TP_OUTCOME_UNKNOWN};

struct search {
    struct tp_ledger *ledger;
    uint64_t from;
    size_t count;
    size_t missing; /* intents seen whose completion is in the log, and has not been met */
    const char **outcomes;
};

static bool is_open(struct tp_ledger *ledger, uint64_t index)
{
    pthread_mutex_lock(&ledger->queue_mutex);
    bool open = tp_intents_have(&ledger->intents, index);
    pthread_mutex_unlock(&ledger->queue_mutex);
    return open;
}

static const char *ending_of(const Tp__Audit__Completion *completion)
{
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(endings[i], completion->outcome) == 0)
            return endings[i];
    return TP_OUTCOME_UNKNOWN;
}

static void note(struct search *search, const Tp__Audit__Completion *completion)
{
    if (completion->intent < search->from || completion->intent - search->from >= search->count)
        return;
    const char **outcome = &search->outcomes[completion->intent - search->from];
    if (*outcome == NULL && search->missing > 0)
        search->missing--;
    *outcome = ending_of(completion);
}

/* TP_BUSY ends the search: all have been found. */
static enum tp_rc each(void *context, uint64_t index, const Tp__Audit__Entry *entry)
{
    struct search *search = context;
    bool within = index - search->from < search->count;

    if (!within && search->missing == 0)
        return TP_BUSY;
    if (within && strcmp(entry->outcome, TP_OUTCOME_INTENT) == 0 && !is_open(search->ledger, index))
        search->missing++;
    for (size_t i = 0; i < entry->n_completions; i++)
        note(search, entry->completions[i]);
    return TP_OK;
}

enum tp_rc tp_ledger_endings(struct tp_ledger *ledger, uint64_t from, size_t count, struct tp_error *error,
                             const char **ret_outcomes)
{
    struct search search = {.ledger = ledger, .from = from, .count = count, .outcomes = ret_outcomes};
    enum tp_rc rc;

    for (size_t i = 0; i < count; i++)
        ret_outcomes[i] = NULL;
    rc = tp_ledger_entries(ledger, from, UINT64_MAX, false, error, each, &search);
    return rc == TP_BUSY ? TP_OK : rc;
}
