/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the auditor's program share: the log (verify_log.c) is read first, and says what the rest
 * (verify_rows.c) must be.
 */
#ifndef TP_AUDIT_VERIFY_INTERNAL_H
#define TP_AUDIT_VERIFY_INTERNAL_H

#include "audit/checkpoint.h"
#include "audit/head.h"
#include "audit/intents.h"
#include "audit/keymap.h"
#include "audit/verify.h"

/* What the log says last about a record. By kind and id. */
struct tp_verify_record {
    uint64_t version;
    bool deleted, seen;
    struct tp_state_hash leaf;
    char kind[16], id[TP_ID_LEN]; /* to name it */
};

struct tp_verify {
    struct tp_store *store;
    const char *origin;
    struct tp_bytes spki;
    tp_verify_progress_fn *progress;
    void *context;
    struct tp_verify_report report;

    struct tp_head head;
    struct tp_checkpoint *checkpoint; /* ascending */
    size_t checkpoints, checkpoints_capacity, checkpoints_passed;
    bool has_older;
    struct tp_checkpoint older;

    struct tp_intents intents;
    struct tp_keymap records;  /* struct tp_verify_record */
    struct tp_keymap subjects; /* bool: its clear text is there */
    uint64_t inserts;          /* records that were ever made: each has taken a slot */
    uint64_t nodes;            /* that the tree which is looked at must have */
};

TP_MUST_USE enum tp_rc tp_verify_key(const char *kind, const char *id, uint8_t ret_key[TP_KEYMAP_KEY_LEN]);
TP_MUST_USE enum tp_rc tp_verify_checkpoints(struct tp_verify *verify, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_verify_log(struct tp_verify *verify, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_verify_rows(struct tp_verify *verify, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_verify_texts(struct tp_verify *verify, struct tp_error *error);
/* That the store has no other node of TREE than those that were counted. */
TP_MUST_USE enum tp_rc tp_verify_node_count(struct tp_verify *verify, unsigned tree, struct tp_error *error);

#endif
