/* SPDX-License-Identifier: Apache-2.0
 *
 * PSKC key packages to tokens. A signature over the file is passed over: whom to trust is the officer's business, who
 * gets the file and its key over different ways.
 */
#include "authn/internal.h"
#include "authn/otp.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define URN              "urn:ietf:params:xml:ns:keyprov:pskc:"
#define PERIOD_DEFAULT_S 30 /* RFC 6238 §4.1 */

struct reading {
    struct tp_error *error;
    tp_otp_token_fn *each;
    void *context;
    struct tp_pskc_keys keys;
    size_t count;
};

enum tp_rc tp_pskc_number(const char *text, uint64_t most, uint64_t *ret_number)
{
    uint64_t number = 0;
    const size_t len = strlen(text);
    if (len == 0 || len > 19 || strspn(text, "0123456789") != len) /* 19 digits fit into 64 bits */
        return TP_MALFORMED;
    for (size_t i = 0; i < len; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    if (number > most)
        return TP_MALFORMED;
    *ret_number = number;
    return TP_OK;
}

/* Not tp_base64_decode(), whose result lies in ordinary memory. */
static enum tp_rc block_decode(const char *text, size_t len, struct tp_secret *bytes)
{
    const size_t pad = len == 0 ? 0 : text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
    const int decoded = EVP_DecodeBlock(tp_secret_data(bytes), (const unsigned char *)text, (int)len);
    if (decoded < 0 || (size_t)decoded < pad || memchr(text, '=', len - pad) != NULL)
        return TP_MALFORMED;
    return tp_secret_set_len(bytes, (size_t)decoded - pad);
}

enum tp_rc tp_pskc_base64(const char *text, struct tp_secret **ret_bytes)
{
    struct tp_secret *dense TP_AUTO(tp_secret_free_p) = NULL, *bytes TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(TP_PSKC_VALUE_MAX, &dense));
    TP_TRY(tp_secret_new(TP_PSKC_VALUE_MAX, &bytes));
    for (const char *c = text; *c != '\0'; c++)
        if (strchr(" \t\r\n", *c) == NULL)
            TP_TRY(tp_secret_append(dense, TP_BYTES(c, 1)));
    if (tp_secret_len(dense) % 4 != 0)
        return TP_MALFORMED;
    TP_TRY(block_decode((const char *)tp_secret_data(dense), tp_secret_len(dense), bytes));
    *ret_bytes = bytes;
    bytes = NULL;
    return TP_OK;
}

/* ---- one package ---- */

/* The text without white space at its ends; XML puts line ends there. */
static enum tp_rc text_copy(const char *text, char *ret_text, size_t size)
{
    static const char space[] = " \t\r\n";
    text += strspn(text, space);
    size_t len = strlen(text);
    while (len > 0 && strchr(space, text[len - 1]) != NULL)
        len--;
    if (len >= size)
        return TP_TOO_LARGE;
    memcpy(ret_text, text, len);
    ret_text[len] = '\0';
    return TP_OK;
}

/* "HMAC-SHA256" in RFC 6030's registry of suites; vendors also write SHA256 and SHA-256. */
static enum tp_rc algorithm_of_suite(const char *suite, enum tp_otp_algorithm *ret_algorithm)
{
    char name[32];
    size_t len = 0;
    const char *hash = strncasecmp(suite, "HMAC-", 5) == 0 ? suite + 5 : suite;
    for (; *hash != '\0' && len + 1 < sizeof name; hash++)
        if (*hash != '-')
            name[len++] = *hash;
    name[len] = '\0';
    return tp_otp_algorithm_parse(len == 0 ? "SHA1" : name, ret_algorithm);
}

static enum tp_rc kind_read(const char *algorithm, struct tp_error *error, enum tp_otp_kind *ret_kind)
{
    if (strcasecmp(algorithm, URN "totp") == 0)
        *ret_kind = TP_OTP_TOTP;
    else if (strcasecmp(algorithm, URN "hotp") == 0)
        *ret_kind = TP_OTP_HOTP;
    else
        return tp_error_set(error, TP_UNSUPPORTED, "the PSKC file holds a key that is neither TOTP nor HOTP: %.60s",
                            algorithm);
    return TP_OK;
}

static bool is_yes(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

static enum tp_rc params_read(const struct tp_pskc_values *values, struct tp_error *error,
                              struct tp_otp_params *ret_params)
{
    struct tp_otp_params params;
    uint64_t digits = 0, period_s = PERIOD_DEFAULT_S, start = 0;
    char number[32];
    TP_TRY(kind_read(values->text[TP_PSKC_ALGORITHM], error, &params.kind));
    if (algorithm_of_suite(values->text[TP_PSKC_SUITE], &params.algorithm) != TP_OK)
        return tp_error_set(error, TP_UNSUPPORTED,
                            "the PSKC file names a suite other than HMAC with SHA1, SHA256, SHA512");
    if (strcmp(values->text[TP_PSKC_ENCODING], "DECIMAL") != 0 || is_yes(values->text[TP_PSKC_CHECK_DIGIT]))
        return tp_error_set(error, TP_UNSUPPORTED, "the PSKC file's codes are not plain decimal digits");
    if (tp_pskc_number(values->text[TP_PSKC_DIGITS], UINT32_MAX, &digits) != TP_OK)
        return tp_error_set(error, TP_MALFORMED, "the PSKC file does not say how long the codes are");
    if (text_copy(values->text[TP_PSKC_PERIOD], number, sizeof number) != TP_OK ||
        (number[0] != '\0' && tp_pskc_number(number, UINT32_MAX, &period_s) != TP_OK))
        return tp_error_set(error, TP_MALFORMED, "the PSKC file's TimeInterval is not a number");
    if (text_copy(values->text[TP_PSKC_START], number, sizeof number) != TP_OK ||
        (number[0] != '\0' && (tp_pskc_number(number, UINT32_MAX, &start) != TP_OK || start != 0)))
        return tp_error_set(error, TP_UNSUPPORTED, "the PSKC file counts time from other than 1970 (Time is not 0)");
    params.digits = (unsigned)digits;
    params.period_s = params.kind == TP_OTP_TOTP ? (unsigned)period_s : 0;
    TP_TRY(tp_otp_params_check(&params, error));
    *ret_params = params;
    return TP_OK;
}

static enum tp_rc labels_read(const struct tp_pskc_values *values, struct tp_error *error, struct tp_otp_token *token)
{
    char number[32];
    if (text_copy(values->text[TP_PSKC_SERIAL], token->serial, sizeof token->serial) != TP_OK ||
        text_copy(values->text[TP_PSKC_MANUFACTURER], token->manufacturer, sizeof token->manufacturer) != TP_OK)
        return tp_error_set(error, TP_TOO_LARGE, "the PSKC file's serial number or manufacturer is too long");
    if (text_copy(values->text[TP_PSKC_COUNTER], number, sizeof number) != TP_OK ||
        (number[0] != '\0' && tp_pskc_number(number, INT64_MAX / 2, &token->counter) != TP_OK))
        return tp_error_set(error, TP_MALFORMED, "the PSKC file's Counter is not a number");
    return TP_OK;
}

static enum tp_rc seed_read(const struct tp_pskc_values *values, struct reading *reading, struct tp_secret **ret_seed)
{
    const bool plain = values->text[TP_PSKC_SEED][0] != '\0';
    const bool encrypted = values->text[TP_PSKC_SEED_ENCRYPTED][0] != '\0';
    if (plain == encrypted)
        return tp_error_set(reading->error, TP_MALFORMED, "a key of the PSKC file has no secret, or two");
    struct tp_secret *seed TP_AUTO(tp_secret_free_p) = NULL;
    if (encrypted)
        TP_TRY(tp_pskc_seed_decrypt(values, &reading->keys, reading->error, &seed));
    else if (tp_pskc_base64(values->text[TP_PSKC_SEED], &seed) != TP_OK)
        return tp_error_set(reading->error, TP_MALFORMED, "a secret of the PSKC file is not base64");
    if (tp_secret_len(seed) < TP_OTP_SEED_MIN || tp_secret_len(seed) > TP_OTP_SEED_MAX)
        return tp_error_set(reading->error, TP_BAD_ARGUMENT, "a secret of the PSKC file does not have %d to %d bytes",
                            TP_OTP_SEED_MIN, TP_OTP_SEED_MAX);
    *ret_seed = seed;
    seed = NULL;
    return TP_OK;
}

static enum tp_rc package_take(void *context, const struct tp_pskc_values *values)
{
    struct reading *reading = context;
    struct tp_otp_token token = {.counter = 0};
    if (strcmp(values->text[TP_PSKC_VERSION], "1.0") != 0) /* §4.1 */
        return tp_error_set(reading->error, TP_UNSUPPORTED, "the PSKC file is not of version 1.0");
    TP_TRY(params_read(values, reading->error, &token.params));
    TP_TRY(labels_read(values, reading->error, &token));
    struct tp_secret *seed TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(seed_read(values, reading, &seed));
    token.seed = seed;
    reading->count++;
    return reading->each(reading->context, &token);
}

enum tp_rc tp_otp_pskc_read(struct tp_bytes file, struct tp_bytes key, struct tp_bytes passphrase,
                            struct tp_error *error, tp_otp_token_fn *each, void *context)
{
    struct reading reading = {
        .error = error, .each = each, .context = context, .keys = {.key = key, .passphrase = passphrase}};
    const enum tp_rc rc = tp_pskc_xml_read(file, error, package_take, &reading);
    tp_pskc_keys_clear(&reading.keys);
    TP_TRY(rc);
    if (reading.count == 0)
        return tp_error_set(error, TP_NOT_FOUND, "the PSKC file holds no key");
    return TP_OK;
}
