/* SPDX-License-Identifier: Apache-2.0
 *
 * The timestamp authority's key in the HSM: a service key (architecture: Keys), wrapped by the KEK, without a PIN layer. Its
 * record holds the key in use with its certificates, and the one that waits for its certificate: so a key is replaced without
 * a gap.
 */
#ifndef TP_ENGINE_AUTHORITY_KEY_H
#define TP_ENGINE_AUTHORITY_KEY_H

#include "engine/call.h"
#include "pki/signer.h"

/* The key in use. TP_NOT_FOUND with words when there is none, or it has no certificate yet. It signs with the session that
 * the thread has been lent. */
TP_MUST_USE enum tp_rc tp_authority_key_signer(struct tp_engine *engine, struct tp_error *error, struct tp_pki_signer **ret_signer);
/* For this thread, until it is lent another one, or NULL. */
void tp_authority_key_lend(struct tp_hsm_session *session);

#endif
