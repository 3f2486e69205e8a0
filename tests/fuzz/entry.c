/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries of the log as an auditor reads them from a store that anybody may have written (audit/log_scan.h). What can
 * be read is followed, and must read the same after it has been packed again.
 */
#include "audit/log_scan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unknown fields may be such as the message library reads but does not write: number 0. */
static bool is_all_known(const Tp__Audit__Entry *entry)
{
    bool known = entry->base.n_unknown_fields == 0;
    for (size_t i = 0; i < entry->n_changes; i++)
        known = known && entry->changes[i]->base.n_unknown_fields == 0;
    for (size_t i = 0; i < entry->n_completions; i++)
        known = known && entry->completions[i]->base.n_unknown_fields == 0;
    return known;
}

static void pack_again(const Tp__Audit__Entry *entry)
{
    struct tp_buf packed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    Tp__Audit__Entry *again = NULL;

    if (tp_buf_reserve(&packed, tp__audit__entry__get_packed_size(entry)) != TP_OK)
        return;
    packed.len = tp__audit__entry__pack(entry, packed.data);
    if (packed.len == 0) /* all members have their defaults */
        return;
    if (tp_log_entry_parse(1, tp_buf_bytes(&packed), NULL, &again) != TP_OK)
        abort();
    if (strcmp(again->action, entry->action) != 0 || again->n_completions != entry->n_completions)
        abort();
    tp__audit__entry__free_unpacked(again, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tp_intents intents TP_AUTO(tp_intents_clear) = {0};
    Tp__Audit__Entry *entry = NULL;

    if (tp_log_entry_parse(0, TP_BYTES(data, size), NULL, &entry) != TP_OK)
        return 0;
    if (tp_log_intents_follow(&intents, 0, entry) == TP_OK && tp_intents_count(&intents) > 1)
        abort();
    if (is_all_known(entry))
        pack_again(entry);
    tp__audit__entry__free_unpacked(entry, NULL);
    return 0;
}
