/* SPDX-License-Identifier: Apache-2.0
 *
 * Serial numbers of tokens: each used once, by whichever process, without anything being written down for it.
 *
 * 16 bytes: 78 random bits, drawn when the series begins, then a count of 48 bits. Within a series the count makes them
 * different; of two series (another process, a restart, a store that was restored from a backup, the same key on another
 * machine) the random bits: after a million series, that any two of them are the same has a chance of 2^-39. A number that
 * came from the log instead would come again when the store is put back to an older state, which is when it matters most.
 */
#ifndef TP_TSA_SERIAL_H
#define TP_TSA_SERIAL_H

#include "base/rc.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define TP_TSA_SERIAL_LEN 16

struct tp_tsa_serials { /* threads may share it */
    uint8_t prefix[TP_TSA_SERIAL_LEN - 6];
    atomic_uint_fast64_t count;
};
TP_MUST_USE enum tp_rc tp_tsa_serials_begin(struct tp_tsa_serials *serials);
void tp_tsa_serials_next(struct tp_tsa_serials *serials, uint8_t ret_serial[TP_TSA_SERIAL_LEN]);

#endif
