/* SPDX-License-Identifier: Apache-2.0
 *
 * The two halves of what is signed while it is recorded (architecture: A signature). The later one lets it out: what was not
 * recorded was never released (M-2).
 */
#ifndef TP_ENGINE_HALVES_H
#define TP_ENGINE_HALVES_H

#include "engine/internal.h"

#include <stdatomic.h>

enum tp_half { TP_HALF_SIGNED = 1, TP_HALF_DURABLE = 2 };
struct tp_halves {
    atomic_uint done;
    enum tp_rc durable_rc, sign_rc;
    uint64_t index;        /* of the intent */
    struct tp_error error; /* the signer's, until both are done */
};
/* Whether HALF was the later one: then it is for the caller to finish, and nobody else has it any more. */
bool tp_halves_done(struct tp_halves *halves, enum tp_half half);
/* The ledger's half, as its callback was told. WHAT is not released where it could not be recorded. Returns as tp_halves_done. */
bool tp_halves_durable(struct tp_halves *halves, enum tp_rc rc, const struct tp_error *error, uint64_t index, const char *what);
/* How both have ended. */
enum tp_rc tp_halves_rc(const struct tp_halves *halves);
/* By a signer whose record TX waits for company: it is needed now, with those of all others that wait. */
void tp_halves_hurry(struct tp_halves *halves, const struct tp_ledger_tx *tx, struct tp_engine *engine);
/* Closes the intent: RELEASED has left, or, when not OK, nothing has. */
void tp_halves_close(const struct tp_halves *halves, struct tp_engine *engine, bool ok, struct tp_bytes released);

#endif
