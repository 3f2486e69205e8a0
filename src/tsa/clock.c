/* SPDX-License-Identifier: Apache-2.0 */
#include "tsa/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#define LOOK_US INT64_C(100000) /* how often the kernel is asked for its discipline: it changes every second at most */

struct tp_tsa_clock {
    int64_t accuracy_us;
    bool unwatched;
    pthread_mutex_t lock; /* of what is below */
    bool looked;
    int64_t looked_us;  /* boot time of the last look at the discipline */
    bool begun;
    int64_t base_us;    /* UTC less boot time at the beginning, or after the last step that was noticed */
    int64_t step_us;    /* by how much the clock was set since then … */
    int64_t rest_us;    /* … and boot time until which nothing is vouched for */
    int64_t told_us;    /* the last time that was told */
    struct tp_tsa_discipline discipline;
};

enum tp_rc tp_tsa_clock_new(int64_t accuracy_us, bool unwatched, struct tp_tsa_clock **ret_clock)
{
    if (accuracy_us <= 0)
        return TP_BAD_ARGUMENT;
    struct tp_tsa_clock *clock = calloc(1, sizeof *clock);
    if (clock == NULL)
        return TP_MEMORY;
    clock->accuracy_us = accuracy_us;
    clock->unwatched = unwatched;
    pthread_mutex_init(&clock->lock, NULL);
    *ret_clock = clock;
    return TP_OK;
}

void tp_tsa_clock_free(struct tp_tsa_clock *clock)
{
    if (clock == NULL)
        return;
    pthread_mutex_destroy(&clock->lock);
    free(clock);
}

void tp_tsa_clock_begin_after(struct tp_tsa_clock *clock, int64_t utc_us)
{
    pthread_mutex_lock(&clock->lock);
    if (utc_us > clock->told_us)
        clock->told_us = utc_us;
    pthread_mutex_unlock(&clock->lock);
}

static void look(struct tp_tsa_clock *clock, int64_t utc_us, int64_t boot_us)
{
    const int64_t offset_us = utc_us - boot_us, step_us = offset_us - clock->base_us;
    if (!clock->begun) {
        clock->base_us = offset_us;
        clock->begun = true;
    } else if (llabs(step_us) > clock->accuracy_us) {
        clock->step_us = step_us;
        clock->base_us = offset_us;
        clock->rest_us = boot_us + TP_TSA_CLOCK_REST_US;
        clock->looked = false;
    }
    if (!clock->looked || boot_us - clock->looked_us >= LOOK_US) {
        tp_tsa_kernel_discipline(&clock->discipline);
        clock->looked_us = boot_us;
        clock->looked = true;
    }
}

static enum tp_rc vouch(const struct tp_tsa_clock *clock, int64_t boot_us, struct tp_error *error)
{
    const struct tp_tsa_discipline *discipline = &clock->discipline;
    if (clock->unwatched)
        return TP_OK;
    if (!discipline->synchronised)
        return tp_error_set(error, TP_REFUSED, "the machine's clock is not synchronised; start an NTP service such as chronyd");
    if (discipline->error_us > clock->accuracy_us)
        return tp_error_set(error, TP_REFUSED, "the machine's clock may be wrong by %" PRId64 " us, and %" PRId64 " us are promised",
                            discipline->error_us, clock->accuracy_us);
    if (discipline->leaping)
        return tp_error_set(error, TP_REFUSED, "a leap second is going on");
    if (boot_us < clock->rest_us)
        return tp_error_set(error, TP_REFUSED, "the machine's clock was set by %" PRId64 " us a moment ago", clock->step_us);
    return TP_OK;
}

static enum tp_rc tell(struct tp_tsa_clock *clock, int64_t utc_us, struct tp_error *error, int64_t *ret_utc_us)
{
    if (utc_us <= clock->told_us) {
        if (clock->told_us - utc_us >= clock->accuracy_us)
            return tp_error_set(error, TP_REFUSED, "the machine's clock is %" PRId64 " ms behind a timestamp that was given before",
                                (clock->told_us - utc_us) / 1000);
        utc_us = clock->told_us + 1;
    }
    clock->told_us = *ret_utc_us = utc_us;
    return TP_OK;
}

void tp_tsa_clock_watch(struct tp_tsa_clock *clock)
{
    int64_t utc_us, boot_us;
    pthread_mutex_lock(&clock->lock);
    tp_tsa_kernel_clocks(&utc_us, &boot_us);
    look(clock, utc_us, boot_us);
    pthread_mutex_unlock(&clock->lock);
}

enum tp_rc tp_tsa_clock_now(struct tp_tsa_clock *clock, struct tp_error *error, int64_t *ret_utc_us)
{
    int64_t utc_us, boot_us;
    pthread_mutex_lock(&clock->lock);
    tp_tsa_kernel_clocks(&utc_us, &boot_us);
    look(clock, utc_us, boot_us);
    enum tp_rc rc = vouch(clock, boot_us, error);
    if (rc == TP_OK)
        rc = tell(clock, utc_us, error, ret_utc_us);
    pthread_mutex_unlock(&clock->lock);
    return rc;
}
