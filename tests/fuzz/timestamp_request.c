/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a TimeStampReq. What is read and written again is read as the same.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_pki_timestamp_request request = {0}, again = {0};
    struct tp_error error = {0};
    struct tp_buf der = TP_BUF_INIT;
    int failure = -1;
    if (tp_pki_timestamp_request_parse(TP_BYTES(data, len), &error, &request, &failure) != TP_OK) {
        require(error.words[0] != '\0' && (failure == TP_PKI_BAD_REQUEST || failure == TP_PKI_BAD_DATA_FORMAT));
        return 0;
    }
    require(request.nonce_len <= TP_PKI_NONCE_MAX && request.imprint_len <= sizeof request.imprint);
    require(memchr(request.policy, '\0', sizeof request.policy) != NULL);
    request.has_extensions = false;
    if (request.hash != TP_PKI_HASH_NONE && tp_pki_timestamp_request_make(&request, &der) == TP_OK) {
        require(tp_pki_timestamp_request_parse(tp_buf_bytes(&der), &error, &again, &failure) == TP_OK);
        require(memcmp(&request, &again, sizeof again) == 0);
    }
    tp_buf_clear(&der);
    return 0;
}
