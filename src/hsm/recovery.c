/* SPDX-License-Identifier: Apache-2.0
 *
 * A lost token is looked for by one of those who need it, the others wait for what comes of it. An absent token costs
 * each of them one attempt, and attempts keep a distance: a module that is started anew twice a second is busy enough.
 */
#include "base/clock.h"
#include "hsm/internal.h"

#include <errno.h>

#define DISTANCE_AFTER_FAILURE_MS 500
#define DISTANCE_AFTER_SUCCESS_MS 100 /* a token that is lost again at once is not logged in to in a circle */

bool tp_hsm_wait(struct tp_hsm *hsm, int64_t deadline_ms)
{
    struct timespec until = tp_deadline_timespec(deadline_ms);
    return pthread_cond_timedwait(&hsm->changed, &hsm->lock, &until) != ETIMEDOUT;
}

bool tp_hsm_anchor_take(struct tp_hsm *hsm, int64_t deadline_ms)
{
    bool waiting = true;
    while (hsm->anchor_busy && waiting)
        waiting = tp_hsm_wait(hsm, deadline_ms);
    if (hsm->anchor_busy)
        return false;
    hsm->anchor_busy = true;
    return true;
}

void tp_hsm_anchor_give(struct tp_hsm *hsm)
{
    hsm->anchor_busy = false;
    pthread_cond_broadcast(&hsm->changed);
}

static void attempt(struct tp_hsm *hsm, int64_t deadline_ms)
{
    struct tp_error error = {0};
    hsm->anchor_busy = true;
    pthread_mutex_unlock(&hsm->lock);
    enum tp_rc rc = tp_hsm_token_link(hsm, deadline_ms, &error);
    pthread_mutex_lock(&hsm->lock);
    error.rc = rc;
    hsm->last_attempt = error;
    hsm->attempts++;
    hsm->next_attempt_ms =
        tp_clock_monotonic_ms() + (rc == TP_OK ? DISTANCE_AFTER_SUCCESS_MS : DISTANCE_AFTER_FAILURE_MS);
    tp_hsm_anchor_give(hsm);
}

static enum tp_rc last_attempt(const struct tp_hsm *hsm, struct tp_error *error)
{
    if (error != NULL)
        *error = hsm->last_attempt;
    return hsm->last_attempt.rc;
}

static enum tp_rc no_time(const struct tp_hsm *hsm, struct tp_error *error)
{
    if (hsm->last_attempt.rc != TP_OK)
        return last_attempt(hsm, error);
    return tp_error_set(error, TP_HSM_ABSENT, "the HSM's token %s was lost and has not been found again in time",
                        tp_hsm_uri_name(hsm->uri));
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

enum tp_rc tp_hsm_token_recover(struct tp_hsm *hsm, int64_t deadline_ms, struct tp_error *error)
{
    const uint64_t attempts_before = hsm->attempts;
    while (!tp_hsm_is_linked(hsm)) {
        int64_t now_ms = tp_clock_monotonic_ms();
        TP_TRY(tp_hsm_stuck_rc(hsm, error));
        if (hsm->attempts != attempts_before && hsm->last_attempt.rc != TP_OK)
            return last_attempt(hsm, error);
        if (now_ms >= deadline_ms)
            return no_time(hsm, error);
        /* Not past the moment at which somebody else's attempt counts as stuck. */
        if (hsm->anchor_busy)
            (void)tp_hsm_wait(hsm, earlier(deadline_ms, now_ms + hsm->stuck_ms + 1));
        else if (now_ms < hsm->next_attempt_ms)
            (void)tp_hsm_wait(hsm, earlier(deadline_ms, hsm->next_attempt_ms));
        else
            attempt(hsm, deadline_ms);
    }
    return TP_OK;
}
