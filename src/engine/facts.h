/* SPDX-License-Identifier: Apache-2.0
 *
 * What the policy is asked about, from what is in memory. With the engine's lock held.
 */
#ifndef TP_ENGINE_FACTS_H
#define TP_ENGINE_FACTS_H

#include "engine/internal.h"
#include "ipc/messages.pb-c.h"

/* Everything but params, data and claimed. AUTHORISATION may be NULL. */
void tp_facts_locked(const struct tp_engine *engine, const struct tp_credential *credential,
                     const struct tp_authorisation *authorisation, struct tp_policy_facts *ret_facts);
/* TP_MECHANISM for a number that is none. */
TP_MUST_USE enum tp_rc tp_facts_params(uint32_t mechanism, uint32_t hash_bits, uint32_t mgf_bits, uint32_t salt_len,
                                       struct tp_hsm_sign_params *ret_params);
/* Refreshes what the clock says; for the tick. */
void tp_facts_clock(struct tp_engine *engine);

#endif
