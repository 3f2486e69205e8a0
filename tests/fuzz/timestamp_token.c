/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a TSA's answer, and as a token.
 */
#include "pki/timestamp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void token_look(struct tp_bytes token)
{
    struct tp_pki_timestamp *timestamp = NULL;
    struct tp_error error = {0};
    struct tp_bytes certificate = TP_BYTES_NONE;
    if (tp_pki_timestamp_parse(token, &error, &timestamp) != TP_OK) {
        require(error.words[0] != '\0' && timestamp == NULL);
        return;
    }
    const struct tp_pki_timestamp_info *info = tp_pki_timestamp_info(timestamp);
    require(info->serial_len <= sizeof info->serial && info->nonce_len <= sizeof info->nonce);
    require(info->imprint_len <= sizeof info->imprint && info->accuracy_us >= -1 && info->time_us >= 0);
    require(memchr(info->policy, '\0', sizeof info->policy) != NULL);
    const bool verifies = tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, &error, &certificate) == TP_OK;
    require(verifies == (certificate.len > 0));
    (void)!tp_pki_timestamp_is_over(timestamp, TP_BYTES(info->imprint, info->imprint_len), &error);
    tp_pki_timestamp_free(timestamp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_buf token = TP_BUF_INIT;
    struct tp_error error = {0};
    token_look(TP_BYTES(data, len));
    if (tp_pki_timestamp_response_token(TP_BYTES(data, len), &error, &token) == TP_OK)
        token_look(tp_buf_bytes(&token));
    else
        require(error.words[0] != '\0' && token.len == 0);
    tp_buf_clear(&token);
    return 0;
}
