/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a DigestInfo. What is accepted must be exactly what we would have written for the hash and
 * digest that were found, with the NULL parameters or without.
 */
#include "pki/digest_info.h"

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
    enum tp_pki_hash hash = TP_PKI_HASH_NONE;
    struct tp_bytes digest = TP_BYTES_NONE;
    if (tp_pki_digest_info_parse(TP_BYTES(data, len), &hash, &digest) != TP_OK)
        return 0;
    uint8_t der[TP_PKI_DIGEST_INFO_MAX];
    size_t der_len = 0;
    require(tp_pki_digest_info_make(hash, digest, der, &der_len) == TP_OK);
    require(digest.data + digest.len == data + len && digest.len == tp_pki_hash_len(hash));
    require(len == der_len || len + 2 == der_len);
    if (len == der_len)
        require(memcmp(data, der, len) == 0);
    return 0;
}
