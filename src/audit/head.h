/* SPDX-License-Identifier: Apache-2.0
 *
 * The head: all that the ledger vouches for, in 144 bytes with a MAC made in the HSM, replaced with each commit.
 */
#ifndef TP_AUDIT_HEAD_H
#define TP_AUDIT_HEAD_H

#include "audit/ledger.h"
#include "audit/state_tree.h"
#include "audit/tlog.h"

#define TP_HEAD_NAME     "head" /* of the store's value */
#define TP_HEAD_TAG_LEN  16
#define TP_HEAD_BODY_LEN (TP_HEAD_TAG_LEN + 8 + 32 + 32 + 8 + 8 + 8)
#define TP_HEAD_LEN      (TP_HEAD_BODY_LEN + TP_STORE_MAC_LEN)

struct tp_head {
    uint64_t entries;
    struct tp_tlog_hash log_root;
    struct tp_state_hash state_root;
    uint64_t slots;       /* the next slot to be given */
    uint64_t lowest_open; /* the oldest intent without completion; `entries` when there is none */
    uint64_t checkpoint;  /* the size that the newest checkpoint speaks of; 0: there is none */
};

struct tp_head_value {
    uint8_t bytes[TP_HEAD_LEN]; /* tag ‖ the members above, big-endian ‖ MAC of what stands before */
};

TP_MUST_USE enum tp_rc tp_head_seal(const struct tp_head *head, const struct tp_ledger_keys *keys,
                                    struct tp_error *error, struct tp_head_value *ret_value);
/* TP_TAMPERED when it is not well-formed. Says nothing about the MAC: an auditor cannot. */
TP_MUST_USE enum tp_rc tp_head_parse(const struct tp_head_value *value, struct tp_error *error,
                                     struct tp_head *ret_head);
/* TP_TAMPERED when the MAC is not right. */
TP_MUST_USE enum tp_rc tp_head_check(const struct tp_head_value *value, const struct tp_ledger_keys *keys,
                                     struct tp_error *error);

/* The value as it stands in the store. TP_TAMPERED when there is none, or of another length. */
TP_MUST_USE enum tp_rc tp_head_read(struct tp_store *store, struct tp_error *error, struct tp_head_value *ret_value);
TP_MUST_USE enum tp_rc tp_head_write(struct tp_store *store, const struct tp_head_value *value, struct tp_error *error);

#endif
