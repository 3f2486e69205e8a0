/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/halves.h"
#include "base/crypto.h"

#include <string.h>

bool tp_halves_done(struct tp_halves *halves, enum tp_half half)
{
    return (atomic_fetch_or(&halves->done, half) | half) == (TP_HALF_SIGNED | TP_HALF_DURABLE);
}

bool tp_halves_durable(struct tp_halves *halves, enum tp_rc rc, const struct tp_error *error, uint64_t index, const char *what)
{
    halves->durable_rc = rc;
    halves->index = index;
    if (!tp_halves_done(halves, TP_HALF_DURABLE))
        return false; /* the signer's thread may be writing its own words: these are for when it has ended */
    if (rc != TP_OK) {
        halves->error = *error;
        (void)tp_error_prefix(&halves->error, rc, "the %s was not released, since it could not be recorded", what);
    }
    return true;
}

enum tp_rc tp_halves_rc(const struct tp_halves *halves)
{
    return halves->durable_rc != TP_OK ? halves->durable_rc : halves->sign_rc;
}

void tp_halves_hurry(struct tp_halves *halves, const struct tp_ledger_tx *tx, struct tp_engine *engine)
{
    if (tx->patient && (atomic_load(&halves->done) & TP_HALF_DURABLE) == 0)
        tp_ledger_hurry(engine->ledger);
}

void tp_halves_close(const struct tp_halves *halves, struct tp_engine *engine, bool ok, struct tp_bytes released)
{
    uint8_t hash[TP_SHA256_LEN] = {0};
    if (ok && tp_sha256(released, TP_BYTES_NONE, TP_BYTES_NONE, hash) != TP_OK)
        memset(hash, 0, sizeof hash);
    tp_ledger_complete(engine->ledger, halves->index, ok, hash);
}
