/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys at rest (architecture: Keys): verifiers, sealing keys and sealed blobs, and the ledger's MACs and checkpoint
 * signatures: what the engine asks of the HSM apart from the users' signatures.
 *
 *   stretched    = Argon2id(PIN)                                          authn/pin.h
 *   verifier     = HSM-HMAC(pin key,  "pin"  ‖ user id ‖ stretched)
 *   sealing key  = HSM-HMAC(seal key, "seal" ‖ user id ‖ stretched)       never stored
 *   blob at rest = AES-256-GCM(sealing key, user key wrapped by the user wrapping key), bound to user and credential
 *
 * A stolen store gives nothing, the PIN cannot be guessed from it, and a store with the HSM still does not sign without it.
 */
#ifndef TP_ENGINE_VAULT_H
#define TP_ENGINE_VAULT_H

#include "audit/ledger.h"
#include "hsm/hsm.h"

#define TP_SEALING_KEY_LEN 32

struct tp_vault;

/* The vtable that the ledger asks for; VAULT must outlive the ledger. */
void tp_vault_ledger_keys(struct tp_vault *vault, struct tp_ledger_keys *ret_keys);

TP_MUST_USE enum tp_rc tp_vault_pin_verifier(struct tp_hsm_session *session, const char *user_id,
                                             struct tp_bytes stretched, struct tp_error *error,
                                             uint8_t ret_verifier[TP_HSM_MAC_LEN]);
TP_MUST_USE enum tp_rc tp_vault_code_verifier(struct tp_hsm_session *session, const char *user_id, struct tp_bytes code,
                                              struct tp_error *error, uint8_t ret_verifier[TP_HSM_MAC_LEN]);
TP_MUST_USE enum tp_rc tp_vault_sealing_key(struct tp_hsm_session *session, const char *user_id,
                                            struct tp_bytes stretched, struct tp_error *error,
                                            struct tp_secret **ret_key);

/* BLOB sealed for one credential of one user: nonce ‖ ciphertext ‖ tag, appended. */
TP_MUST_USE enum tp_rc tp_vault_seal(struct tp_bytes sealing_key, const char *user_id, const char *credential_id,
                                     struct tp_bytes blob, struct tp_error *error, struct tp_buf *ret_sealed);
/* TP_KEY_DAMAGED when it was not sealed by this key for this credential. */
TP_MUST_USE enum tp_rc tp_vault_unseal(struct tp_bytes sealing_key, const char *user_id, const char *credential_id,
                                       struct tp_bytes sealed, struct tp_error *error, struct tp_secret **ret_blob);

#endif
