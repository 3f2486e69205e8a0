/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's clocks, and what it says of them.
 */
#include "tsa/clock.h"

#include <sys/timex.h>
#include <time.h>

#define TRIES      4
#define APART_US   50 /* two readings that are not further apart than this were not interrupted */

static int64_t read_us(clockid_t which)
{
    struct timespec now = {0};
    (void)clock_gettime(which, &now); /* fails only for a clock that Linux does not have */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A thread that lost its processor between two readings would see a step: the closest of some pairs counts. */
__attribute__((weak)) void tp_tsa_kernel_clocks(int64_t *ret_utc_us, int64_t *ret_boot_us)
{
    int64_t closest_us = INT64_MAX;
    for (unsigned i = 0; i < TRIES && closest_us > APART_US; i++) {
        const int64_t before_us = read_us(CLOCK_BOOTTIME), utc_us = read_us(CLOCK_REALTIME),
                      apart_us = read_us(CLOCK_BOOTTIME) - before_us;
        if (apart_us >= closest_us)
            continue;
        closest_us = apart_us;
        *ret_utc_us = utc_us;
        *ret_boot_us = before_us + apart_us / 2;
    }
}

__attribute__((weak)) void tp_tsa_kernel_discipline(struct tp_tsa_discipline *ret_discipline)
{
    struct timex kernel = {.modes = 0};
    const int state = adjtimex(&kernel);
    ret_discipline->synchronised = state >= 0 && state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
    ret_discipline->leaping = state == TIME_OOP;
    ret_discipline->error_us = kernel.maxerror > kernel.esterror ? kernel.maxerror : kernel.esterror;
}
