/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ids.h"
#include "base/crypto.h"

enum tp_rc tp_id_make(char ret_id[TP_ID_LEN])
{
    uint8_t bytes[(TP_ID_LEN - 1) / 2];
    TP_TRY(tp_random(bytes, sizeof(bytes)));
    tp_hex_encode(TP_BYTES(bytes, sizeof(bytes)), ret_id);
    return TP_OK;
}
