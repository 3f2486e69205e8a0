/* SPDX-License-Identifier: Apache-2.0
 *
 * One-time codes over liboath: TOTP (RFC 6238) and HOTP (RFC 4226), otpauth URIs, and PSKC (RFC 6030) files of hardware
 * tokens, over expat. A used code is remembered as the last accepted moving factor: nothing at or below it is accepted
 * again, so one number, kept durably, is the whole memory.
 */
#ifndef TP_AUTHN_OTP_H
#define TP_AUTHN_OTP_H

#include "base/error.h"
#include "base/secret.h"

#define TP_OTP_SEED_LEN    20 /* bytes of a seed that we make: RFC 4226 R6's recommendation */
#define TP_OTP_SEED_MIN    16 /* RFC 4226 R6 */
#define TP_OTP_SEED_MAX    64
#define TP_OTP_TOTP_WINDOW 1  /* steps before and after now */
#define TP_OTP_HOTP_WINDOW 10 /* codes ahead: presses that never reached us (RFC 4226 §7.4) */

enum tp_otp_kind { TP_OTP_TOTP = 1, TP_OTP_HOTP };
enum tp_otp_algorithm { TP_OTP_SHA1 = 1, TP_OTP_SHA256, TP_OTP_SHA512 };

struct tp_otp_params {
    enum tp_otp_kind kind;
    enum tp_otp_algorithm algorithm;
    unsigned digits;   /* 6 … 8 */
    unsigned period_s; /* TOTP: 15 … 300 */
};
TP_MUST_USE enum tp_rc tp_otp_params_check(const struct tp_otp_params *params, struct tp_error *error);
const char *tp_otp_algorithm_name(enum tp_otp_algorithm algorithm); /* "SHA1" as in otpauth URIs */
TP_MUST_USE enum tp_rc tp_otp_algorithm_parse(const char *name, enum tp_otp_algorithm *ret_algorithm);

enum tp_otp_verdict {
    TP_OTP_RIGHT,
    TP_OTP_USED, /* a right code at or below the last accepted moving factor */
    TP_OTP_WRONG
};
/* LAST: the last accepted moving factor (time step or counter), or -1. On TP_OTP_RIGHT *RET_FACTOR is the one that CODE
 * belongs to and must be remembered as the new LAST before the code counts for anything. Compares in constant time. The
 * code of LAST itself is known as used for ever; others below LAST only within the window. */
TP_MUST_USE enum tp_rc tp_otp_check(const struct tp_otp_params *params, struct tp_bytes seed, struct tp_bytes code,
                                    int64_t utc_ms, int64_t last, struct tp_error *error,
                                    enum tp_otp_verdict *ret_verdict, int64_t *ret_factor);

/* otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=…&algorithm=…&digits=…&period=… (counter= for HOTP), percent-encoded.
 * Secret, since the seed is in it. */
TP_MUST_USE enum tp_rc tp_otp_uri(const struct tp_otp_params *params, struct tp_bytes seed, const char *issuer,
                                  const char *account, uint64_t counter, struct tp_error *error,
                                  struct tp_secret **ret_uri);

/* One token of a PSKC file. */
struct tp_otp_token {
    char serial[64], manufacturer[64];
    struct tp_otp_params params;
    uint64_t counter;
    struct tp_secret *seed;
};
/* FILE: the XML (at most 1 MiB). KEY: its pre-shared key (raw bytes) or PASSPHRASE when it is encrypted (RFC 6030 §6),
 * none otherwise. EACH owns nothing; what it returns other than TP_OK ends the reading and is returned. TP_UNSUPPORTED
 * for key types other than TOTP and HOTP. The MAC is checked where there is one: TP_PIN_WRONG when it does not fit,
 * since a wrong key is the likely reason. */
typedef enum tp_rc tp_otp_token_fn(void *context, const struct tp_otp_token *token);
TP_MUST_USE enum tp_rc tp_otp_pskc_read(struct tp_bytes file, struct tp_bytes key, struct tp_bytes passphrase,
                                        struct tp_error *error, tp_otp_token_fn *each, void *context);

#endif
