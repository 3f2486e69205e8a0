/* SPDX-License-Identifier: Apache-2.0
 *
 * PINs: their form, the split of what a PKCS#11 program gives (PIN followed by the one-time code), and the stretching
 * (Argon2id, RFC 9106) whose result goes on to the HSM: once to become the verifier, once to become the sealing key
 * (architecture: Keys). Nothing here says whether a PIN is right: that takes the HSM.
 */
#ifndef TP_AUTHN_PIN_H
#define TP_AUTHN_PIN_H

#include "base/error.h"
#include "base/secret.h"

#define TP_PIN_MAX           128 /* bytes of UTF-8 */
#define TP_PIN_SALT_LEN      16
#define TP_PIN_STRETCHED_LEN 32

struct tp_pin_cost {
    uint32_t memory_kib, passes, lanes;
};
#define TP_PIN_COST_DEFAULT ((struct tp_pin_cost){.memory_kib = 65536, .passes = 3, .lanes = 1})
/* Below OWASP's floor (19 MiB, 2 passes) or above 1 GiB, 64 passes, 16 lanes: TP_CONFIG. ALLOW_WEAK: tests and demos.
 */
TP_MUST_USE enum tp_rc tp_pin_cost_check(const struct tp_pin_cost *cost, bool allow_weak, struct tp_error *error);

TP_MUST_USE enum tp_rc tp_pin_stretch(struct tp_bytes pin, const uint8_t salt[TP_PIN_SALT_LEN],
                                      const struct tp_pin_cost *cost, struct tp_error *error,
                                      struct tp_secret **ret_stretched);

/* A PIN that a person wants to set: length (LEAST bytes at least, TP_PIN_MAX at most), valid UTF-8 without control
 * characters, not one character repeated, not an ascending or descending run ("12345678"). It may end in digits: the
 * split below is by the factor's digit count. TP_PIN_LENGTH or TP_BAD_ARGUMENT. */
TP_MUST_USE enum tp_rc tp_pin_acceptable(struct tp_bytes pin, size_t least, struct tp_error *error);

/* PIN ‖ code of CODE_DIGITS digits. Views into GIVEN. TP_PIN_LENGTH when it is empty, too long, has no such digits at
 * its end, or nothing before them. */
TP_MUST_USE enum tp_rc tp_pin_split(struct tp_bytes given, unsigned code_digits, struct tp_bytes *ret_pin,
                                    struct tp_bytes *ret_code);

#endif
