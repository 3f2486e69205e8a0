/* SPDX-License-Identifier: Apache-2.0 */
#include "tsa/serial.h"

#include "base/bytes.h"
#include "base/crypto.h"

#include <string.h>

/* A positive INTEGER of one length: its first bit is 0, its second 1. */
enum tp_rc tp_tsa_serials_begin(struct tp_tsa_serials *serials)
{
    TP_TRY(tp_random(serials->prefix, sizeof serials->prefix));
    serials->prefix[0] = (uint8_t)((serials->prefix[0] & 0x3f) | 0x40);
    atomic_init(&serials->count, 0);
    return TP_OK;
}

void tp_tsa_serials_next(struct tp_tsa_serials *serials, uint8_t ret_serial[TP_TSA_SERIAL_LEN])
{
    uint8_t count[8];
    tp_put_be64(count, atomic_fetch_add_explicit(&serials->count, 1, memory_order_relaxed) + 1);
    memcpy(ret_serial, serials->prefix, sizeof serials->prefix);
    memcpy(ret_serial + sizeof serials->prefix, count + 2, 6);
}
