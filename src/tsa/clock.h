/* SPDX-License-Identifier: Apache-2.0
 *
 * The clock of a timestamp authority: the kernel's, as long as it is disciplined (adjtimex: synchronised, its estimated and
 * maximum error within the accuracy) and has not stepped against the monotonic clock since it was last looked at (RS-13, CP-11).
 */
#ifndef TP_TSA_CLOCK_H
#define TP_TSA_CLOCK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct tp_tsa_clock; /* threads may share it */

/* ACCURACY_US: what tokens promise. UNWATCHED: believe the clock without NTP: for development, said so in the log. */
TP_MUST_USE enum tp_rc tp_tsa_clock_new(int64_t accuracy_us, bool unwatched, struct tp_tsa_clock **ret_clock);
void tp_tsa_clock_free(struct tp_tsa_clock *clock);
TP_DEFINE_AUTO(struct tp_tsa_clock, tp_tsa_clock_free)
/* UTC in microseconds; never earlier than what this handle has told before. TP_TIMEOUT is never; TP_REFUSED with words when the
 * clock cannot be vouched for. */
TP_MUST_USE enum tp_rc tp_tsa_clock_now(struct tp_tsa_clock *clock, struct tp_error *error, int64_t *ret_utc_us);

#endif
