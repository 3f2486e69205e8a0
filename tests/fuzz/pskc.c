/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a PSKC file, with a key and with a passphrase. A token that comes out has parameters and a
 * seed that the rest of the room accepts.
 */
#include "authn/otp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static enum tp_rc look(void *context, const struct tp_otp_token *token)
{
    (void)context;
    enum tp_otp_verdict verdict;
    int64_t factor;
    require(memchr(token->serial, '\0', sizeof token->serial) != NULL);
    require(memchr(token->manufacturer, '\0', sizeof token->manufacturer) != NULL);
    require(tp_otp_params_check(&token->params, NULL) == TP_OK);
    require(token->counter <= INT64_MAX / 2);
    require(tp_otp_check(&token->params, tp_secret_bytes(token->seed), tp_bytes_of_string("123456"), 0,
                         (int64_t)token->counter - 1, NULL, &verdict, &factor) == TP_OK);
    return TP_OK;
}

/* 10 million rounds of PBKDF2 are allowed, but keep a fuzzer from its work: only counts of up to four digits are tried.
 */
static bool is_slow(struct tp_bytes file)
{
    static const char name[] = "IterationCount";
    const uint8_t *at = file.len > 0 ? memmem(file.data, file.len, name, sizeof name - 1) : NULL;
    for (size_t digits = 0; at != NULL && at < file.data + file.len; at++) {
        digits = *at >= '0' && *at <= '9' ? digits + 1 : 0;
        if (digits > 4)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_error error = {0};
    if (is_slow(TP_BYTES(data, len)))
        return 0;
    const struct tp_bytes key = tp_bytes_of_string("0123456789abcdef"), passphrase = tp_bytes_of_string("qwerty");
    const enum tp_rc rc = tp_otp_pskc_read(TP_BYTES(data, len), key, passphrase, &error, look, NULL);
    require(rc == TP_OK || tp_error_words(&error)[0] != '\0');
    return 0;
}
