/* SPDX-License-Identifier: Apache-2.0 */
#include "authn/tries.h"

enum tp_rc tp_tries_reserve(struct tp_tries *tries, uint32_t most)
{
    if (tp_tries_locked(tries, most))
        return TP_PIN_LOCKED;
    tries->used++;
    return TP_OK;
}

/* An officer's lock that fell between reserving and ending stays: only tp_tries_unlock() opens it. */
void tp_tries_end(struct tp_tries *tries, uint32_t most, enum tp_try_end end)
{
    if (end == TP_TRY_RIGHT)
        tries->used = 0;
    else if (end == TP_TRY_STALE && tries->used > 0)
        tries->used--;
    else if (end == TP_TRY_WRONG && tries->used >= most)
        tries->locked = true;
}

bool tp_tries_locked(const struct tp_tries *tries, uint32_t most)
{
    return tries->locked || tries->used >= most;
}

uint32_t tp_tries_left(const struct tp_tries *tries, uint32_t most)
{
    return tp_tries_locked(tries, most) ? 0 : most - tries->used;
}

void tp_tries_unlock(struct tp_tries *tries)
{
    *tries = (struct tp_tries){.used = 0, .locked = false};
}

/* Each taking moves the time of being full again by EVERY_MS; BURST of them may be outstanding. A bucket that has long
 * been full is as good as one that became full now. */
bool tp_bucket_take(struct tp_bucket *bucket, unsigned burst, int64_t every_ms, int64_t now_ms)
{
    const int64_t outstanding_ms = bucket->full_ms > now_ms ? bucket->full_ms - now_ms : 0;
    if (burst == 0 || outstanding_ms > (int64_t)(burst - 1) * every_ms)
        return false;
    bucket->full_ms = now_ms + outstanding_ms + every_ms;
    return true;
}
