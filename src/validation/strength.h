/* SPDX-License-Identifier: Apache-2.0
 *
 * Until when hashes and keys were held to be good enough: SOG-IS and ETSI TS 119 312, as validators commonly have it
 * (EN 319 102-1 §5.2.8).
 */
#ifndef TP_VALIDATION_STRENGTH_H
#define TP_VALIDATION_STRENGTH_H

#include "base/clock.h"
#include "pki/certificate.h"

struct tp_validation_weakness {
    bool found;
    char what[24];                /* "SHA-1", "rsa-1024" */
    char until[TP_TIME_TEXT_LEN]; /* "2012-08-01", "never" */
};
/* HASH and the key of CERTIFICATE (DER; may be none) at AT_MS: which of them was too weak by then, the hash first. */
TP_MUST_USE enum tp_rc tp_validation_strength(struct tp_bytes certificate, enum tp_pki_hash hash, int64_t at_ms,
                                              struct tp_validation_weakness *ret_weakness);

#endif
