/* SPDX-License-Identifier: Apache-2.0
 *
 * The timestamp authority of an engine: its key with certificates, what it promises, and its clock. Where engine.conf names a
 * key that cannot be used (its certificate has expired, a token is away), the engine serves without timestamps and says why:
 * people's signatures do not wait for it.
 */
#ifndef TP_ENGINE_AUTHORITY_H
#define TP_ENGINE_AUTHORITY_H

#include "engine/internal.h"
#include "pki/signer.h"
#include "tsa/reply.h"

struct tp_authority {
    unsigned references; /* under the engine's lock */
    struct tp_pki_signer *signer;
    struct tp_tsa_profile profile;
    bool in_hsm; /* signs with the session that it is lent (authority_key.h) */
};

/* After the ledger is open. Fails for want of memory alone. */
TP_MUST_USE enum tp_rc tp_authority_start(struct tp_engine *engine, struct tp_error *error);
void tp_authority_stop(struct tp_engine *engine);
void tp_authority_tick(struct tp_engine *engine);
/* Whether there is room for its records: TP_STORE_FULL with words when what is left is people's. */
TP_MUST_USE enum tp_rc tp_authority_why_not(struct tp_engine *engine, struct tp_error *error);
/* The key is opened anew: it has another certificate. */
TP_MUST_USE enum tp_rc tp_authority_renew(struct tp_engine *engine, struct tp_error *error);
/* With the engine's lock held: a reference; NULL when there is none. */
struct tp_authority *tp_authority_take_locked(struct tp_engine *engine);
void tp_authority_give(struct tp_engine *engine, struct tp_authority *authority);

#endif
