/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical bytes of a record, and the two things made of them: its MAC (in the HSM) and its leaf in the state
 * tree.
 *
 *   be32 len ‖ kind ‖ be32 len ‖ id ‖ be32 len ‖ owner ‖ be32 len ‖ name ‖ be64 slot ‖ be64 version ‖ be64 len ‖
 * content
 *
 * after a tag that says which of the two it is (the row key makes the head's MAC too). Each length stands before what
 * it measures, so that no two records have the same bytes.
 *
 * The leaf is over the bytes and the MAC. The MAC alone would do for the engine; with the bytes in it an auditor, who
 * has no HSM, sees an edited row as well. It may stand in the log for ever: once the row is gone, nobody can guess the
 * content from it without the MAC, which only the HSM can make again (RS-25).
 */
#ifndef TP_AUDIT_RECORD_MAC_H
#define TP_AUDIT_RECORD_MAC_H

#include "audit/ledger.h"
#include "audit/state_tree.h"

TP_MUST_USE enum tp_rc tp_record_mac(const struct tp_ledger_keys *keys, const struct tp_store_record *record,
                                     struct tp_error *error, uint8_t ret_mac[TP_STORE_MAC_LEN]);
/* TP_TAMPERED when the record's MAC is not that of its content. */
TP_MUST_USE enum tp_rc tp_record_mac_check(const struct tp_ledger_keys *keys, const struct tp_store_record *record,
                                           struct tp_error *error);
TP_MUST_USE enum tp_rc tp_record_leaf(const struct tp_store_record *record, struct tp_state_hash *ret_leaf);

#endif
