/* SPDX-License-Identifier: Apache-2.0
 *
 * DigestInfo, read by comparing with what we would have written: there is no parser to be lax.
 */
#include "pki/internal.h"

#include <string.h>

#define DER_SEQUENCE     0x30
#define DER_OCTET_STRING 0x04
#define DER_NULL         0x05
#define PREFIX_MAX       (TP_PKI_DIGEST_INFO_MAX - 64)

static uint8_t *put(uint8_t *at, size_t byte)
{
    *at = (uint8_t)byte;
    return at + 1;
}

/* Everything before the hash itself. All lengths are below 128, so each takes one byte. RFC 8017 §9.2 note 1 wants NULL
 * parameters; RFC 5754 §2 has verifiers accept them absent, and some programs send them so. */
static size_t prefix_write(enum tp_pki_hash hash, bool with_null, uint8_t ret_prefix[PREFIX_MAX])
{
    const struct tp_bytes oid = tp_pki_hash_oid(hash);
    const size_t hash_len = tp_pki_hash_len(hash), algorithm_len = oid.len + (with_null ? 2 : 0);
    uint8_t *at = ret_prefix;
    at = put(at, DER_SEQUENCE);
    at = put(at, 2 + algorithm_len + 2 + hash_len);
    at = put(at, DER_SEQUENCE);
    at = put(at, algorithm_len);
    memcpy(at, oid.data, oid.len);
    at += oid.len;
    if (with_null)
        at = put(put(at, DER_NULL), 0);
    at = put(put(at, DER_OCTET_STRING), hash_len);
    return (size_t)(at - ret_prefix);
}

enum tp_rc tp_pki_digest_info_make(enum tp_pki_hash hash, struct tp_bytes digest, uint8_t *ret_der, size_t *ret_der_len)
{
    if (tp_pki_hash_len(hash) == 0)
        return TP_UNSUPPORTED;
    if (digest.len != tp_pki_hash_len(hash))
        return TP_DATA_LENGTH;
    const size_t prefix_len = prefix_write(hash, true, ret_der);
    memcpy(ret_der + prefix_len, digest.data, digest.len);
    *ret_der_len = prefix_len + digest.len;
    return TP_OK;
}

static bool starts_with(struct tp_bytes der, enum tp_pki_hash hash, bool with_null)
{
    uint8_t prefix[PREFIX_MAX];
    const size_t prefix_len = prefix_write(hash, with_null, prefix);
    return der.len == prefix_len + tp_pki_hash_len(hash) && memcmp(der.data, prefix, prefix_len) == 0;
}

enum tp_rc tp_pki_digest_info_parse(struct tp_bytes der, enum tp_pki_hash *ret_hash, struct tp_bytes *ret_digest)
{
    for (enum tp_pki_hash hash = TP_PKI_HASH_NONE + 1; hash < TP_PKI_HASH_END; hash++) {
        if (!starts_with(der, hash, true) && !starts_with(der, hash, false))
            continue;
        const size_t len = tp_pki_hash_len(hash);
        *ret_hash = hash;
        *ret_digest = TP_BYTES(der.data + der.len - len, len);
        return TP_OK;
    }
    return TP_MALFORMED;
}
