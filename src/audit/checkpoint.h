/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: C2SP tlog-checkpoint (origin, size, root) in a C2SP signed-note.
 *
 * Signature type 0x02: ECDSA over SHA-256 of the note's text, DER; its key id is the first four bytes of SHA-256 over
 * the public key's SubjectPublicKeyInfo. Not Ed25519, which more verifiers know: the key is kept wrapped and used only
 * inside the HSM, and HSMs such as SoftHSM 2.6 can neither wrap nor unwrap an Ed25519 key. Any note verifier with
 * support for ECDSA keys checks these.
 */
#ifndef TP_AUDIT_CHECKPOINT_H
#define TP_AUDIT_CHECKPOINT_H

#include "audit/ledger.h"
#include "audit/tlog.h"

#define TP_CHECKPOINT_NOTE_MAX 65536 /* bytes of a note that is read: signed-note asks for a limit */

struct tp_checkpoint {
    uint64_t size;
    struct tp_tlog_hash root;
};

/* TP_CONFIG unless ORIGIN can be a key's name: not empty, printable, without spaces and '+'. */
TP_MUST_USE enum tp_rc tp_checkpoint_origin_check(const char *origin, struct tp_error *error);
/* Signs; the note is appended. */
TP_MUST_USE enum tp_rc tp_checkpoint_make(const struct tp_checkpoint *checkpoint, const char *origin,
                                          const struct tp_ledger_keys *keys, struct tp_error *error,
                                          struct tp_buf *ret_note);
/* Reads a note of the log ORIGIN and checks its signature by the key SPKI; signatures by other keys are ignored
 * (witnesses may have added theirs). TP_MALFORMED: not such a note; TP_TAMPERED: no right signature, or another log's.
 */
TP_MUST_USE enum tp_rc tp_checkpoint_open(struct tp_bytes note, const char *origin, struct tp_bytes spki,
                                          struct tp_error *error, struct tp_checkpoint *ret_checkpoint);

#endif
