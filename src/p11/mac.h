/* SPDX-License-Identifier: Apache-2.0
 *
 * HMAC and CMAC with a secret key of the session: what operation.h, and so C_Sign… and C_Verify…, computes with when
 * the mechanism is one of these. The engine is not asked.
 */
#ifndef TP_P11_MAC_H
#define TP_P11_MAC_H

#include "p11/object.h"

#include <openssl/evp.h>

#define TP_P11_MAC_MAX 64 /* bytes */

/* All zero is empty. */
struct tp_p11_mac {
    EVP_MAC_CTX *ctx;
    size_t len; /* bytes that a signature has */
};
bool tp_p11_mac_is(const struct tp_p11_mechanism *mechanism);
void tp_p11_mac_clear(struct tp_p11_mac *mac); /* what libcrypto knows of the key is wiped */
/* KEY is for the mechanism. CKR_MECHANISM_PARAM_INVALID. */
CK_RV tp_p11_mac_begin(struct tp_p11_mac *mac, const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism,
                       const struct tp_p11_object *key);
/* MAC as MODEL was when it had been begun: nothing has been added to MODEL. */
TP_MUST_USE enum tp_rc tp_p11_mac_begin_like(struct tp_p11_mac *mac, const struct tp_p11_mac *model);
TP_MUST_USE enum tp_rc tp_p11_mac_update(struct tp_p11_mac *mac, struct tp_bytes part);
TP_MUST_USE enum tp_rc tp_p11_mac_finish(struct tp_p11_mac *mac, uint8_t ret_value[TP_P11_MAC_MAX]);

#endif
