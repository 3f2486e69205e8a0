/* SPDX-License-Identifier: Apache-2.0
 *
 * The count of wrong tries, as a state machine over numbers that its owner keeps durably: a try is reserved *before*
 * PIN or code are looked at, and given back on success, so that a crash, or 64 guesses at once, can only ever count too
 * much.
 */
#ifndef TP_AUTHN_TRIES_H
#define TP_AUTHN_TRIES_H

#include "base/rc.h"

#include <stdbool.h>
#include <stdint.h>

struct tp_tries {
    uint32_t used; /* wrong or unfinished tries since the last success */
    bool locked;
};

enum tp_try_end {
    TP_TRY_RIGHT, /* count starts anew */
    TP_TRY_WRONG, /* stays counted */
    TP_TRY_STALE  /* right PIN, used code: refused, not counted (architecture: One-time codes) */
};
/* TP_PIN_LOCKED when locked or MOST are used; otherwise counts one. */
TP_MUST_USE enum tp_rc tp_tries_reserve(struct tp_tries *tries, uint32_t most);
void tp_tries_end(struct tp_tries *tries, uint32_t most, enum tp_try_end end);
/* Also when the last try was reserved and never ended: whoever has it, or an engine that was killed with it. */
bool tp_tries_locked(const struct tp_tries *tries, uint32_t most);
uint32_t tp_tries_left(const struct tp_tries *tries, uint32_t most);
void tp_tries_unlock(struct tp_tries *tries);

/* A bucket that limits how often something not counted may happen (stale codes, malformed PINs): at most BURST at once,
 * one more each EVERY_MS. Not durable. */
struct tp_bucket {
    int64_t full_ms; /* monotonic time when it is full again */
};
bool tp_bucket_take(struct tp_bucket *bucket, unsigned burst, int64_t every_ms, int64_t now_ms);

#endif
