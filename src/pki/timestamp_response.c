/* SPDX-License-Identifier: Apache-2.0
 *
 * TimeStampResp (RFC 3161 §2.4.2).
 */
#include "base/text.h"
#include "pki/internal.h"
#include "pki/timestamp_parts.h"

#include <stdio.h>
#include <string.h>

#define DER_UTF8_STRING   0x0c
#define GRANTED           0
#define GRANTED_WITH_MODS 1
#define REJECTION         2
#define FAILURE_BITS_MOST 32
#define WORDS_SHOWN       200

static const struct {
    int failure;
    const char *name;
} failures[] = {
    {TP_PKI_BAD_ALG, "badAlg"},
    {TP_PKI_BAD_REQUEST, "badRequest"},
    {TP_PKI_BAD_DATA_FORMAT, "badDataFormat"},
    {TP_PKI_TIME_NOT_AVAILABLE, "timeNotAvailable"},
    {TP_PKI_UNACCEPTED_POLICY, "unacceptedPolicy"},
    {TP_PKI_UNACCEPTED_EXTENSION, "unacceptedExtension"},
    {TP_PKI_ADD_INFO_NOT_AVAILABLE, "addInfoNotAvailable"},
    {TP_PKI_SYSTEM_FAILURE, "systemFailure"},
};

const char *tp_pki_timestamp_failure_name(int failure)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].failure == failure)
            return failures[i].name;
    return "none of RFC 3161";
}

/* ---- writing ---- */

/* A BIT STRING of named bits ends with the last one that is set (X.690 §11.2.2). */
static enum tp_rc failure_put(struct tp_buf *buf, int failure)
{
    uint8_t content[1 + FAILURE_BITS_MOST / 8] = {(uint8_t)(7 - failure % 8)};
    content[1 + failure / 8] = (uint8_t)(0x80 >> failure % 8);
    return tp_der_put(buf, TP_DER_BIT_STRING, TP_BYTES(content, 2 + (size_t)failure / 8));
}

enum tp_rc tp_pki_timestamp_reject(int failure, const char *words, struct tp_buf *ret_response)
{
    size_t response, status, strings;
    if (failure < 0 || failure >= FAILURE_BITS_MOST)
        return TP_BAD_ARGUMENT;
    TP_TRY(tp_der_open(ret_response, TP_DER_SEQUENCE, &response));
    TP_TRY(tp_der_open(ret_response, TP_DER_SEQUENCE, &status));
    TP_TRY(tp_der_put_number(ret_response, REJECTION));
    TP_TRY(tp_der_open(ret_response, TP_DER_SEQUENCE, &strings));
    TP_TRY(tp_der_put(ret_response, DER_UTF8_STRING, tp_bytes_of_string(words)));
    TP_TRY(tp_der_close(ret_response, strings));
    TP_TRY(failure_put(ret_response, failure));
    TP_TRY(tp_der_close(ret_response, status));
    return tp_der_close(ret_response, response);
}

enum tp_rc tp_pki_timestamp_grant(const struct tp_pki_timestamp_info *info, const struct tp_pki_signer *signer,
                                  enum tp_pki_hash hash, bool certificates, struct tp_error *error,
                                  struct tp_buf *ret_response)
{
    size_t mark, status;
    struct tp_buf content TP_AUTO(tp_buf_clear) = TP_BUF_INIT, response TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const enum tp_rc rc = tp_pki_timestamp_info_write(info, &content);
    if (rc != TP_OK)
        return tp_error_set(error, rc, "the timestamp's policy, time, imprint or serial number cannot be written");
    const struct tp_pki_cms_order order = {.signer = signer,
                                           .hash = hash,
                                           .content_type = TP_PKI_TIMESTAMP_CONTENT,
                                           .content = tp_buf_bytes(&content),
                                           .no_certificates = !certificates};
    TP_TRY(tp_der_open(&response, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_der_open(&response, TP_DER_SEQUENCE, &status));
    TP_TRY(tp_der_put_number(&response, GRANTED));
    TP_TRY(tp_der_close(&response, status));
    TP_TRY(tp_pki_cms_make(&order, error, &response));
    TP_TRY(tp_der_close(&response, mark));
    return tp_buf_append(ret_response, tp_buf_bytes(&response));
}

/* ---- reading ---- */

struct status {
    unsigned number;
    int failure; /* -1: none */
    char words[WORDS_SHOWN];
};

/* What a stranger says about itself: one line, printable (tp_error_set sees to the rest). */
static void words_fill(struct tp_bytes strings, char ret_words[WORDS_SHOWN])
{
    struct tp_bytes text;
    ret_words[0] = '\0';
    for (size_t used = 0; tp_der_take(&strings, DER_UTF8_STRING, NULL, &text) && used + 3 < WORDS_SHOWN;) {
        const size_t room = WORDS_SHOWN - used - 3, len = text.len < room ? text.len : room;
        used += (size_t)snprintf(ret_words + used, WORDS_SHOWN - used, "%s%.*s", used > 0 ? "; " : "", (int)len,
                                 text.len > 0 ? (const char *)text.data : "");
    }
}

static int failure_of(struct tp_bytes bits)
{
    for (size_t bit = 0; bits.len > 1 && bit < 8 * (bits.len - 1) && bit < FAILURE_BITS_MOST; bit++)
        if ((bits.data[1 + bit / 8] & (0x80 >> bit % 8)) != 0)
            return (int)bit;
    return -1;
}

static enum tp_rc status_take(struct tp_bytes *at, struct status *ret_status)
{
    struct tp_bytes info, number, strings = TP_BYTES_NONE, bits = TP_BYTES_NONE;
    if (!tp_der_take(at, TP_DER_SEQUENCE, NULL, &info) || !tp_der_take(&info, TP_DER_INTEGER, NULL, &number) ||
        number.len != 1)
        return TP_MALFORMED;
    (void)!tp_der_take(&info, TP_DER_SEQUENCE, NULL, &strings);
    (void)!tp_der_take(&info, TP_DER_BIT_STRING, NULL, &bits);
    if (info.len != 0)
        return TP_MALFORMED;
    ret_status->number = number.data[0];
    ret_status->failure = failure_of(bits);
    words_fill(strings, ret_status->words);
    return TP_OK;
}

static enum tp_rc refused(const struct status *status, struct tp_error *error)
{
    static const char *const names[] = {"granted", "granted with changes", "rejection",
                                        "waiting", "revocation warning",   "revocation notification"};
    const char *name = status->number < sizeof names / sizeof names[0] ? names[status->number] : "a status not known";
    return tp_error_set(error, TP_REFUSED, "the TSA refuses (%s, %s)%s%s", name,
                        status->failure < 0 ? "no reason given" : tp_pki_timestamp_failure_name(status->failure),
                        status->words[0] != '\0' ? ": " : "", status->words);
}

/* The token may be BER, and then all around it is. DER keeps what comes of it. */
static bool response_take(struct tp_bytes response, struct tp_buf *der, struct tp_bytes *ret_fields)
{
    size_t used = 0;
    struct tp_bytes at = response;
    if (tp_der_take(&at, TP_DER_SEQUENCE, NULL, ret_fields))
        return at.len == 0;
    if (tp_pki_ber_to_der(response, der, &used) != TP_OK || used != response.len)
        return false;
    at = tp_buf_bytes(der);
    return tp_der_take(&at, TP_DER_SEQUENCE, NULL, ret_fields);
}

enum tp_rc tp_pki_timestamp_response_token(struct tp_bytes response, struct tp_error *error, struct tp_buf *ret_token)
{
    TP_PKI_ERRORS_KEEP;
    struct tp_bytes fields;
    struct status status;
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (response.len > TP_PKI_TIMESTAMP_RESPONSE_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the TSA's answer is larger than 1 MiB");
    if (!response_take(response, &der, &fields) || status_take(&fields, &status) != TP_OK)
        return tp_error_set(error, TP_MALFORMED, "the TSA's answer is not a TimeStampResp of RFC 3161");
    if (status.number != GRANTED && status.number != GRANTED_WITH_MODS)
        return refused(&status, error);
    if (fields.len == 0)
        return tp_error_set(error, TP_MALFORMED, "the TSA grants a timestamp, but sends none");
    return tp_buf_append(ret_token, fields); /* the rest is the token; whoever parses it checks it */
}
