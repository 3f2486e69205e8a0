/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of user keys, and how PKCS#11 and libcrypto call them.
 */
#ifndef TP_HSM_KEY_TYPE_H
#define TP_HSM_KEY_TYPE_H

#include "base/bytes.h"
#include "hsm/hsm.h"

#include <trustp11/cryptoki.h>

struct tp_hsm_key_kind {
    const char *name;
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE generate;
    CK_ULONG bits;
    struct tp_bytes ec_params; /* DER of the curve's OBJECT IDENTIFIER; none for RSA */
    size_t point_len;          /* uncompressed, or the Ed25519 key; 0 for RSA */
    const char *group;         /* libcrypto's name of the curve */
    enum tp_hsm_mechanism sign;
};

/* NULL for a number that is none. */
const struct tp_hsm_key_kind *tp_hsm_key_kind_of(enum tp_hsm_key_type type);

#endif
