/* SPDX-License-Identifier: Apache-2.0
 *
 * The clock of a timestamp authority: the kernel's, as long as it is disciplined (adjtimex: synchronised, its estimated and
 * maximum error within the accuracy) and has not been set to another time since it was last looked at (RS-13, CP-11).
 *
 * A step is a change of CLOCK_REALTIME against CLOCK_BOOTTIME: NTP slews both alike (CLOCK_MONOTONIC_RAW alone is not slewed),
 * suspend stops neither, so that nothing but setting the clock (a leap second among it) moves one against the other, and nothing
 * has to be allowed for slewing. Steps add up, however small and far apart: an NTP service that sets the clock now and then costs
 * a rest when they come to more than the accuracy, and nobody moves the clock further by many small ones. After steps of more than the
 * accuracy nothing is vouched for during TP_TSA_CLOCK_REST_US, and then only if the kernel is told by NTP that it is right again (setting the
 * clock takes that away).
 */
#ifndef TP_TSA_CLOCK_H
#define TP_TSA_CLOCK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define TP_TSA_CLOCK_REST_US INT64_C(10000000)

struct tp_tsa_clock; /* threads may share it */

/* ACCURACY_US: what tokens promise. UNWATCHED: believe the clock without NTP, set or not: for development. */
TP_MUST_USE enum tp_rc tp_tsa_clock_new(int64_t accuracy_us, bool unwatched, struct tp_tsa_clock **ret_clock);
void tp_tsa_clock_free(struct tp_tsa_clock *clock);
TP_DEFINE_AUTO(struct tp_tsa_clock, tp_tsa_clock_free)
/* Tells no time before UTC_US: that of an earlier process's last token. */
void tp_tsa_clock_begin_after(struct tp_tsa_clock *clock, int64_t utc_us);
/* Looks for a step: to be called about every second where it may be long between two requests, or a step of long ago would be
 * taken for one of now. */
void tp_tsa_clock_watch(struct tp_tsa_clock *clock);
/* UTC in microseconds; each later than what this handle has told before, so that its tokens have an order. TP_REFUSED with words
 * when the clock cannot be vouched for. */
TP_MUST_USE enum tp_rc tp_tsa_clock_now(struct tp_tsa_clock *clock, struct tp_error *error, int64_t *ret_utc_us);

/* ---- what the kernel says: weak symbols, behind which a test puts a clock of its own ---- */

/* Both at one moment, as far as that can be had: microseconds. */
void tp_tsa_kernel_clocks(int64_t *ret_utc_us, int64_t *ret_boot_us);
struct tp_tsa_discipline {
    bool synchronised;
    bool leaping;     /* a leap second is going on, which Unix time cannot tell */
    int64_t error_us; /* the larger of estimated and maximum error */
};
void tp_tsa_kernel_discipline(struct tp_tsa_discipline *ret_discipline);

#endif
