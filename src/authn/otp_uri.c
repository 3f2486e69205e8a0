/* SPDX-License-Identifier: Apache-2.0
 *
 * otpauth URIs, as authenticator apps scan them. There is no RFC; the apps agree on the Key Uri Format of Google
 * Authenticator's wiki.
 */
#include "authn/otp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define URI_MAX   1536 /* three times three labels, the longest seed, and what is between */
#define LABEL_MAX 128  /* bytes of issuer, and of account */

/* RFC 3986 §2.3 unreserved; all else is percent-encoded, the colon too, which separates issuer from account. */
static enum tp_rc text_append(struct tp_secret *uri, const char *text)
{
    static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (const char *c = text; *c != '\0'; c++) {
        char encoded[4] = {*c, '\0'};
        if (strchr(unreserved, *c) == NULL)
            (void)snprintf(encoded, sizeof encoded, "%%%02X", (unsigned)(unsigned char)*c);
        TP_TRY(tp_secret_append(uri, tp_bytes_of_string(encoded)));
    }
    return TP_OK;
}

static enum tp_rc seed_append(struct tp_secret *uri, struct tp_bytes seed)
{
    char text[(TP_OTP_SEED_MAX * 8 + 4) / 5 + 1];
    tp_base32_encode(seed, text);
    const enum tp_rc rc = tp_secret_append(uri, tp_bytes_of_string(text));
    tp_wipe(text, sizeof text);
    return rc;
}

static enum tp_rc params_append(struct tp_secret *uri, const struct tp_otp_params *params, uint64_t counter)
{
    char text[96];
    const bool is_totp = params->kind == TP_OTP_TOTP;
    (void)snprintf(text, sizeof text, "&algorithm=%s&digits=%u&%s=%" PRIu64, tp_otp_algorithm_name(params->algorithm),
                   params->digits, is_totp ? "period" : "counter", is_totp ? params->period_s : counter);
    return tp_secret_append(uri, tp_bytes_of_string(text));
}

static enum tp_rc uri_fill(struct tp_secret *uri, const struct tp_otp_params *params, struct tp_bytes seed,
                           const char *issuer, const char *account, uint64_t counter)
{
    const char *start = params->kind == TP_OTP_TOTP ? "otpauth://totp/" : "otpauth://hotp/";
    TP_TRY(tp_secret_append(uri, tp_bytes_of_string(start)));
    TP_TRY(text_append(uri, issuer));
    TP_TRY(tp_secret_append(uri, tp_bytes_of_string(":")));
    TP_TRY(text_append(uri, account));
    TP_TRY(tp_secret_append(uri, tp_bytes_of_string("?secret=")));
    TP_TRY(seed_append(uri, seed));
    TP_TRY(tp_secret_append(uri, tp_bytes_of_string("&issuer=")));
    TP_TRY(text_append(uri, issuer));
    return params_append(uri, params, counter);
}

static bool is_label(const char *text)
{
    return text[0] != '\0' && strlen(text) <= LABEL_MAX;
}

enum tp_rc tp_otp_uri(const struct tp_otp_params *params, struct tp_bytes seed, const char *issuer, const char *account,
                      uint64_t counter, struct tp_error *error, struct tp_secret **ret_uri)
{
    TP_TRY(tp_otp_params_check(params, error));
    if (seed.len < TP_OTP_SEED_MIN || seed.len > TP_OTP_SEED_MAX)
        return tp_error_set(error, TP_BAD_ARGUMENT, "an OTP seed has %d to %d bytes", TP_OTP_SEED_MIN, TP_OTP_SEED_MAX);
    if (!is_label(issuer) || !is_label(account))
        return tp_error_set(error, TP_BAD_ARGUMENT, "issuer and account of an otpauth URI have 1 to %d bytes",
                            LABEL_MAX);
    struct tp_secret *uri TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(URI_MAX, &uri));
    TP_TRY(uri_fill(uri, params, seed, issuer, account, counter));
    *ret_uri = uri;
    uri = NULL;
    return TP_OK;
}
