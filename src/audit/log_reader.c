/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading entries and texts. Entries are what the store holds: start-up has checked those since the newest checkpoint,
 * the auditor's program checks all (verify.h). A text proves itself by its hash.
 */
#include "audit/internal.h"
#include "audit/log_scan.h"

#include <inttypes.h>
#include <string.h>

#define PAGE 32 /* entries that are read in one go */

/* ---- texts ---- */

enum tp_rc tp_ledger_text(struct tp_ledger *ledger, const uint8_t hash[32], struct tp_error *error,
                          struct tp_buf *ret_text)
{
    struct tp_buf salt TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint8_t found[TP_STORE_HASH_LEN];
    enum tp_rc rc;

    pthread_mutex_lock(&ledger->reader_mutex);
    rc = tp_store_text_get(ledger->reader, hash, error, &salt, &text);
    pthread_mutex_unlock(&ledger->reader_mutex);
    TP_TRY(rc);
    TP_TRY(tp_sha256(tp_buf_bytes(&salt), tp_buf_bytes(&text), TP_BYTES_NONE, found));
    if (memcmp(found, hash, sizeof found) != 0)
        return tp_error_set(error, TP_TAMPERED, "audit: a clear text was changed outside of this program");
    return tp_buf_append(ret_text, tp_buf_bytes(&text));
}

/* ---- entries ---- */

/* Copies, so that whoever looks at them may take its time, and call the ledger. */
struct entries {
    size_t len;
    uint64_t index[PAGE];
    struct tp_buf content[PAGE];
};

static void entries_clear(struct entries *entries)
{
    for (size_t i = 0; i < PAGE; i++)
        tp_buf_clear(&entries->content[i]);
}

static enum tp_rc entry_take(void *context, uint64_t index, struct tp_bytes content)
{
    struct entries *entries = context;

    if (entries->len == PAGE)
        return TP_INTERNAL;
    entries->index[entries->len] = index;
    TP_TRY(tp_buf_append(&entries->content[entries->len], content));
    entries->len++;
    return TP_OK;
}

static enum tp_rc entry_deliver(uint64_t index, struct tp_bytes content, struct tp_error *error,
                                tp_ledger_entry_fn *each, void *context)
{
    Tp__Audit__Entry *entry;
    enum tp_rc rc;

    TP_TRY(tp_log_entry_parse(index, content, error, &entry));
    rc = each(context, index, entry);
    tp__audit__entry__free_unpacked(entry, NULL);
    return rc;
}

static enum tp_rc entries_read(struct tp_ledger *ledger, uint64_t from, uint64_t count, bool backwards,
                               struct tp_error *error, struct entries *entries)
{
    enum tp_rc rc;

    pthread_mutex_lock(&ledger->reader_mutex);
    rc = tp_store_entry_each(ledger->reader, from, count, backwards, error, entry_take, entries);
    pthread_mutex_unlock(&ledger->reader_mutex);
    for (size_t i = 0; rc == TP_OK && i < entries->len; i++)
        if (entries->index[i] != (backwards ? from - i : from + i))
            rc = tp_error_set(error, TP_TAMPERED, "audit: entry %" PRIu64 " of the log is missing",
                              backwards ? from - i : from + i);
    return rc;
}

static enum tp_rc entries_page(struct tp_ledger *ledger, uint64_t from, uint64_t count, bool backwards,
                               struct tp_error *error, tp_ledger_entry_fn *each, void *context)
{
    struct entries entries TP_AUTO(entries_clear) = {.len = 0};

    TP_TRY(entries_read(ledger, from, count, backwards, error, &entries));
    if (entries.len != count)
        return tp_error_set(error, TP_TAMPERED, "audit: the log ends before its head says so");
    for (size_t i = 0; i < entries.len; i++)
        TP_TRY(entry_deliver(entries.index[i], tp_buf_bytes(&entries.content[i]), error, each, context));
    return TP_OK;
}

static uint64_t entries_end(struct tp_ledger *ledger)
{
    uint64_t end;

    pthread_mutex_lock(&ledger->state_mutex);
    end = ledger->view.entries;
    pthread_mutex_unlock(&ledger->state_mutex);
    return end;
}

enum tp_rc tp_ledger_entries(struct tp_ledger *ledger, uint64_t from, uint64_t count, bool backwards,
                             struct tp_error *error, tp_ledger_entry_fn *each, void *context)
{
    uint64_t end = entries_end(ledger), left;

    if (backwards && end != 0 && from >= end)
        from = end - 1;
    left = from >= end ? 0 : backwards ? from + 1 : end - from;
    for (left = count < left ? count : left; left > 0;) {
        uint64_t page = left < PAGE ? left : PAGE;

        TP_TRY(entries_page(ledger, from, page, backwards, error, each, context));
        from = backwards ? from - page : from + page;
        left -= page;
    }
    return TP_OK;
}
