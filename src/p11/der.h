/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a certificate and of a SubjectPublicKeyInfo that attributes are made of, as they stand in the DER.
 *
 * Not through libcrypto: it decodes the key each time, and 150 µs for each of a user's thousand objects are what makes
 * modules slow to open. Nothing is trusted that is read here: libcrypto reads a key again before it verifies with it.
 */
#ifndef TP_P11_DER_H
#define TP_P11_DER_H

#include "base/bytes.h"

/* RFC 5280 §4.1.2.7. */
struct tp_p11_spki {
    struct tp_bytes algorithm;  /* OBJECT IDENTIFIER, with tag and length */
    struct tp_bytes parameters; /* with tag and length; may be none */
    struct tp_bytes bits;       /* the content of the BIT STRING */
};
/* Views into DER. TP_MALFORMED. */
TP_MUST_USE enum tp_rc tp_p11_spki_read(struct tp_bytes der, struct tp_p11_spki *ret_spki);
/* RFC 8017 §A.1.1, from `bits`: both without leading zeros. */
TP_MUST_USE enum tp_rc tp_p11_rsa_read(struct tp_bytes bits, struct tp_bytes *ret_modulus,
                                       struct tp_bytes *ret_exponent);

#define TP_P11_DATE_LEN 8 /* YYYYMMDD, CK_DATE */
/* RFC 5280 §4.1. All with tag and length. */
struct tp_p11_certificate {
    struct tp_bytes serial, issuer, subject, spki;
    uint8_t start[TP_P11_DATE_LEN], end[TP_P11_DATE_LEN];
};
TP_MUST_USE enum tp_rc tp_p11_certificate_read(struct tp_bytes der, struct tp_p11_certificate *ret_certificate);

#endif
