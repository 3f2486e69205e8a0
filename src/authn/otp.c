/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking one-time codes: all codes that could be meant are generated and compared, without stopping at the first, and
 * what matched is judged afterwards. liboath's own validation stops early, and knows nothing of used codes.
 */
#include "authn/otp.h"

#include <liboath/oath.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#define CODE_MAX 9 /* with NUL */
/* The most that are tried: HOTP's window and the last accepted one. */
#define CANDIDATES_MAX (TP_OTP_HOTP_WINDOW + 1)

static const struct {
    const char *name;
    int totp_flags;
} algorithms[] = {
    [TP_OTP_SHA1] = {"SHA1", 0},
    [TP_OTP_SHA256] = {"SHA256", OATH_TOTP_HMAC_SHA256},
    [TP_OTP_SHA512] = {"SHA512", OATH_TOTP_HMAC_SHA512},
};

#define ALGORITHMS_END (sizeof algorithms / sizeof algorithms[0])

const char *tp_otp_algorithm_name(enum tp_otp_algorithm algorithm)
{
    return algorithm >= TP_OTP_SHA1 && algorithm < ALGORITHMS_END ? algorithms[algorithm].name : "unknown";
}

enum tp_rc tp_otp_algorithm_parse(const char *name, enum tp_otp_algorithm *ret_algorithm)
{
    for (enum tp_otp_algorithm algorithm = TP_OTP_SHA1; algorithm < ALGORITHMS_END; algorithm++) {
        if (strcasecmp(name, algorithms[algorithm].name) != 0)
            continue;
        *ret_algorithm = algorithm;
        return TP_OK;
    }
    return TP_UNSUPPORTED;
}

enum tp_rc tp_otp_params_check(const struct tp_otp_params *params, struct tp_error *error)
{
    if (params->kind != TP_OTP_TOTP && params->kind != TP_OTP_HOTP)
        return tp_error_set(error, TP_UNSUPPORTED, "a one-time code is TOTP or HOTP");
    if (params->algorithm < TP_OTP_SHA1 || params->algorithm >= ALGORITHMS_END)
        return tp_error_set(error, TP_UNSUPPORTED, "one-time codes are made with SHA1, SHA256 or SHA512");
    if (params->kind == TP_OTP_HOTP && params->algorithm != TP_OTP_SHA1)
        return tp_error_set(error, TP_UNSUPPORTED, "HOTP is defined with SHA1 only (RFC 4226)");
    if (params->digits < 6 || params->digits > 8)
        return tp_error_set(error, TP_BAD_ARGUMENT, "a one-time code has 6 to 8 digits");
    if (params->kind == TP_OTP_TOTP && (params->period_s < 15 || params->period_s > 300))
        return tp_error_set(error, TP_BAD_ARGUMENT, "a TOTP period is 15 to 300 seconds");
    return TP_OK;
}

static int oath_ready = OATH_CRYPTO_ERROR;

static void oath_prepare(void)
{
    oath_ready = oath_init();
}

/* The seed passes through liboath's own buffers on the stack, which it does not promise to wipe. */
static enum tp_rc code_make(const struct tp_otp_params *params, struct tp_bytes seed, int64_t factor,
                            char ret_code[CODE_MAX])
{
    int answer = 0;
    if (params->kind == TP_OTP_HOTP)
        answer = oath_hotp_generate((const char *)seed.data, seed.len, (uint64_t)factor, params->digits, false,
                                    OATH_HOTP_DYNAMIC_TRUNCATION, ret_code);
    else
        answer = oath_totp_generate2((const char *)seed.data, seed.len, (time_t)(factor * params->period_s),
                                     params->period_s, OATH_TOTP_DEFAULT_START_TIME, params->digits,
                                     algorithms[params->algorithm].totp_flags, ret_code);
    return answer == OATH_OK ? TP_OK : TP_CRYPTO;
}

/* Which moving factors a code may belong to. The last accepted one is always among them, however long ago it was:
 * programs send the PIN and code that they remember again, and that must not look like guessing (TP_OTP_USED, not
 * _WRONG). */
static size_t candidates_list(const struct tp_otp_params *params, int64_t utc_ms, int64_t last,
                              int64_t ret_factors[CANDIDATES_MAX])
{
    size_t count = 0;
    if (last >= 0)
        ret_factors[count++] = last;
    const bool is_totp = params->kind == TP_OTP_TOTP;
    const int64_t now = is_totp ? utc_ms / 1000 / params->period_s : 0;
    const int64_t from = is_totp ? now - TP_OTP_TOTP_WINDOW : last + 1;
    const int64_t until = is_totp ? now + TP_OTP_TOTP_WINDOW : last + TP_OTP_HOTP_WINDOW;
    for (int64_t factor = from < 0 ? 0 : from; factor <= until; factor++)
        if (factor != last)
            ret_factors[count++] = factor;
    return count;
}

_Static_assert(2 * TP_OTP_TOTP_WINDOW + 1 + 1 <= CANDIDATES_MAX, "candidates_list writes into an array of this size");

struct matches {
    int64_t fresh; /* the lowest above LAST, or -1 */
    bool used;
};

static enum tp_rc candidates_compare(const struct tp_otp_params *params, struct tp_bytes seed, struct tp_bytes code,
                                     int64_t utc_ms, int64_t last, struct matches *ret_matches)
{
    int64_t factors[CANDIDATES_MAX];
    const size_t count = candidates_list(params, utc_ms, last, factors);
    struct matches matches = {.fresh = -1, .used = false};
    char expected[CODE_MAX];
    enum tp_rc rc = TP_OK;
    for (size_t i = 0; i < count && rc == TP_OK; i++) {
        rc = code_make(params, seed, factors[i], expected);
        const bool same = rc == TP_OK && tp_bytes_equal_secret(TP_BYTES(expected, params->digits), code);
        if (same && factors[i] > last && (matches.fresh < 0 || factors[i] < matches.fresh))
            matches.fresh = factors[i];
        matches.used = matches.used || (same && factors[i] <= last);
    }
    tp_wipe(expected, sizeof expected);
    TP_TRY(rc);
    *ret_matches = matches;
    return TP_OK;
}

enum tp_rc tp_otp_check(const struct tp_otp_params *params, struct tp_bytes seed, struct tp_bytes code, int64_t utc_ms,
                        int64_t last, struct tp_error *error, enum tp_otp_verdict *ret_verdict, int64_t *ret_factor)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    TP_TRY(tp_otp_params_check(params, error));
    if (seed.len < TP_OTP_SEED_MIN || seed.len > TP_OTP_SEED_MAX)
        return tp_error_set(error, TP_BAD_ARGUMENT, "an OTP seed has %d to %d bytes", TP_OTP_SEED_MIN, TP_OTP_SEED_MAX);
    if (utc_ms < 0 || last < -1 || last > INT64_MAX - TP_OTP_HOTP_WINDOW - 1)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the time or the counter of the one-time code is out of range");
    (void)pthread_once(&once, oath_prepare);
    struct matches matches;
    const enum tp_rc rc =
        oath_ready == OATH_OK ? candidates_compare(params, seed, code, utc_ms, last, &matches) : TP_CRYPTO;
    if (rc != TP_OK)
        return tp_error_set(error, rc, "liboath cannot compute one-time codes");
    *ret_verdict = matches.fresh >= 0 ? TP_OTP_RIGHT : matches.used ? TP_OTP_USED : TP_OTP_WRONG;
    if (matches.fresh >= 0)
        *ret_factor = matches.fresh;
    return TP_OK;
}
