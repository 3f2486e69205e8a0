/* SPDX-License-Identifier: Apache-2.0
 *
 * An audit entry under construction, with room of its own for every text: it can lie in a job or on a stack, and nothing
 * is allocated (the hot path makes one for each signature).
 */
#ifndef TP_ENGINE_TRAIL_H
#define TP_ENGINE_TRAIL_H

#include "engine/internal.h"

#include <stdarg.h>

struct tp_call;

struct tp_trail {
    Tp__Audit__Entry entry;
    char reason[192], program[64], object[TP_ID_LEN], authorisation[TP_ID_LEN], mechanism[48], detail[160];
    uint8_t subject[TP_SUBJECT_LEN], hash[64];
};

/* OUTCOME is a static text. */
void tp_trail_init(struct tp_trail *trail, enum tp_action action, const char *outcome);
void tp_trail_peer(struct tp_trail *trail, const struct tp_ipc_peer *peer);
void tp_trail_call(struct tp_trail *trail, const struct tp_call *call); /* peer, role, subject */
void tp_trail_role(struct tp_trail *trail, enum tp_role role);
void tp_trail_subject(struct tp_trail *trail, const uint8_t subject[TP_SUBJECT_LEN]);
void tp_trail_object(struct tp_trail *trail, const char *kind, const char *id); /* KIND is static */
void tp_trail_outcome(struct tp_trail *trail, const char *outcome, const char *reason);
void tp_trail_detail(struct tp_trail *trail, const char *format, va_list arguments) TP_PRINTF(2, 0);
void tp_trail_say(struct tp_trail *trail, const char *format, ...) TP_PRINTF(2, 3); /* the detail */
void tp_trail_authorisation(struct tp_trail *trail, const char *id);
void tp_trail_signing(struct tp_trail *trail, const struct tp_hsm_sign_params *params, enum tp_pki_hash hash,
                      struct tp_bytes digest, uint32_t use);
/* A timestamp's: what it is over. */
void tp_trail_imprint(struct tp_trail *trail, enum tp_pki_hash hash, struct tp_bytes imprint);
Tp__Audit__Entry *tp_trail_entry(struct tp_trail *trail);

/* Commits one entry without changes, and waits for it. */
TP_MUST_USE enum tp_rc tp_trail_commit(struct tp_engine *engine, struct tp_trail *trail, struct tp_error *error);
/* The same without waiting: for what has happened anyhow (a login that ran out). Lost only with the engine itself. */
void tp_trail_post(struct tp_engine *engine, const struct tp_trail *trail);

#endif
