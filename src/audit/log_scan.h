/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the stored log: as a source of subtree hashes, and from one end to the other with its tree growing along.
 *
 * An entry that is missing counts as an empty one, which no program writes: the tree's root then tells, as for any
 * other change, and a log with a hole that an officer has accepted can still be opened (tp_ledger_accept).
 */
#ifndef TP_AUDIT_LOG_SCAN_H
#define TP_AUDIT_LOG_SCAN_H

#include "audit/entry.pb-c.h"
#include "audit/intents.h"
#include "audit/tlog.h"
#include "store/store.h"

/* Subtrees from the stored nodes and entries. STORE must outlive the source. */
struct tp_tlog_source tp_log_source(struct tp_store *store);
TP_MUST_USE enum tp_rc tp_log_node_put(struct tp_store *store, const struct tp_tlog_node *node, struct tp_error *error);

struct tp_log_scan {
    struct tp_store *store;
    struct tp_tlog tlog; /* what has been read up to now; at first, where to begin */
    void *context;
    /* Each entry, after the tree has taken it; may not call the store. CONTENT is empty when it is missing. */
    enum tp_rc (*entry)(void *context, const struct tp_tlog *tlog, uint64_t index, struct tp_bytes content,
                        struct tp_error *error);
    /* Each completed node of a kept level; may call the store; may be NULL. */
    enum tp_rc (*node)(void *context, const struct tp_tlog_node *node, struct tp_error *error);
};
/* Up to, not including, entry END. */
TP_MUST_USE enum tp_rc tp_log_scan_run(struct tp_log_scan *scan, uint64_t end, struct tp_error *error);

/* The entry in CONTENT; free with tp__audit__entry__free_unpacked(…, NULL). TP_TAMPERED when it is not well-formed. */
TP_MUST_USE enum tp_rc tp_log_entry_parse(uint64_t index, struct tp_bytes content, struct tp_error *error,
                                          Tp__Audit__Entry **ret_entry);
/* What ENTRY opens and closes. */
TP_MUST_USE enum tp_rc tp_log_intents_follow(struct tp_intents *intents, uint64_t index, const Tp__Audit__Entry *entry);

#endif
