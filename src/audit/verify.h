/* SPDX-License-Identifier: Apache-2.0
 *
 * What an auditor who trusts nothing can check with the store's file, the log's public key and, to find a log that was
 * cut or replaced, an older checkpoint kept elsewhere. Needs neither the engine nor the HSM, and does not write.
 */
#ifndef TP_AUDIT_VERIFY_H
#define TP_AUDIT_VERIFY_H

#include "base/error.h"
#include "store/store.h"

struct tp_verify_report {
    uint64_t entries, checkpoints, records, texts_erased;
    uint64_t bad_index; /* of the first entry that is wrong; UINT64_MAX when none can be named */
    uint64_t last_checkpoint_size;
    uint64_t unsigned_entries; /* after the last checkpoint: covered by the head only */
};

/* Progress: DONE of TOTAL entries; may be NULL. */
typedef void tp_verify_progress_fn(void *context, uint64_t done, uint64_t total);

/* Checks the database's structure, that entries are complete and well-formed, that their tree has the root of the head
 * and of every checkpoint stored, each checkpoint's signature, that every stored node is right, that each record is the
 * version that the log names last (an older one was rolled back, a missing one deleted), that clear texts match their
 * hashes; and, when OLDER is given (a signed note), that its signature is right and that the log extends it.
 * ORIGIN/SPKI: of the log. TP_TAMPERED with words that name the first thing that is wrong; *RET_REPORT then says how
 * far it got. The head's MAC and the records' can only be checked by the engine, with its HSM. STORE: best opened for
 * reading, so that the one snapshot it takes holds up no engine. */
TP_MUST_USE enum tp_rc tp_audit_verify(struct tp_store *store, const char *origin, struct tp_bytes spki,
                                       struct tp_bytes older, tp_verify_progress_fn *progress, void *context,
                                       struct tp_error *error, struct tp_verify_report *ret_report);

#endif
