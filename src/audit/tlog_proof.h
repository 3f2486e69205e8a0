/* SPDX-License-Identifier: Apache-2.0
 *
 * Proofs about a log tree (RFC 6962 §2.1.1, §2.1.2), and their verification (RFC 9162 §2.1.3.2, §2.1.4.2), which needs
 * neither the tree nor this program.
 */
#ifndef TP_AUDIT_TLOG_PROOF_H
#define TP_AUDIT_TLOG_PROOF_H

#include "audit/tlog.h"

#define TP_TLOG_PROOF_MAX (TP_TLOG_LEVELS + 1)

struct tp_tlog_proof {
    size_t len;
    struct tp_tlog_hash hash[TP_TLOG_PROOF_MAX];
};

/* That leaf INDEX is in the tree of SIZE leaves. TP_BAD_ARGUMENT unless INDEX < SIZE. */
TP_MUST_USE enum tp_rc tp_tlog_prove_inclusion(const struct tp_tlog_source *source, uint64_t size, uint64_t index,
                                               struct tp_error *error, struct tp_tlog_proof *ret_proof);
/* That the tree of SIZE leaves begins with the one of OLD leaves. TP_BAD_ARGUMENT unless OLD ≤ SIZE. */
TP_MUST_USE enum tp_rc tp_tlog_prove_consistency(const struct tp_tlog_source *source, uint64_t old, uint64_t size,
                                                 struct tp_error *error, struct tp_tlog_proof *ret_proof);

/* TP_TAMPERED when the proof does not prove it. */
TP_MUST_USE enum tp_rc tp_tlog_check_inclusion(uint64_t size, uint64_t index, const struct tp_tlog_hash *leaf,
                                               const struct tp_tlog_proof *proof, const struct tp_tlog_hash *root);
TP_MUST_USE enum tp_rc tp_tlog_check_consistency(uint64_t old, const struct tp_tlog_hash *old_root, uint64_t size,
                                                 const struct tp_tlog_hash *root, const struct tp_tlog_proof *proof);

#endif
