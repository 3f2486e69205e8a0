/* SPDX-License-Identifier: Apache-2.0
 *
 * The hashes, one row each.
 */
#include "pki/internal.h"

#include <string.h>
#include <strings.h>

/* DER of the OBJECT IDENTIFIERs: RFC 8017 appendix B.1, NIST's CSOR for SHA-3 (2.16.840.1.101.3.4.2.n). */
#define OID_NIST_HASH(n) "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" n

static const struct {
    const char *name, *libcrypto;
    size_t len;
    const char *oid;
    size_t oid_len;
} hashes[TP_PKI_HASH_END] = {
    [TP_PKI_MD5] = {"MD5", "MD5", 16, "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05", 10},
    [TP_PKI_SHA1] = {"SHA-1", "SHA1", 20, "\x06\x05\x2b\x0e\x03\x02\x1a", 7},
    [TP_PKI_SHA224] = {"SHA-224", "SHA224", 28, OID_NIST_HASH("\x04"), 11},
    [TP_PKI_SHA256] = {"SHA-256", "SHA256", 32, OID_NIST_HASH("\x01"), 11},
    [TP_PKI_SHA384] = {"SHA-384", "SHA384", 48, OID_NIST_HASH("\x02"), 11},
    [TP_PKI_SHA512] = {"SHA-512", "SHA512", 64, OID_NIST_HASH("\x03"), 11},
    [TP_PKI_SHA3_224] = {"SHA3-224", "SHA3-224", 28, OID_NIST_HASH("\x07"), 11},
    [TP_PKI_SHA3_256] = {"SHA3-256", "SHA3-256", 32, OID_NIST_HASH("\x08"), 11},
    [TP_PKI_SHA3_384] = {"SHA3-384", "SHA3-384", 48, OID_NIST_HASH("\x09"), 11},
    [TP_PKI_SHA3_512] = {"SHA3-512", "SHA3-512", 64, OID_NIST_HASH("\x0a"), 11},
    [TP_PKI_SHA512_224] = {"SHA-512/224", "SHA512-224", 28, OID_NIST_HASH("\x05"), 11},
    [TP_PKI_SHA512_256] = {"SHA-512/256", "SHA512-256", 32, OID_NIST_HASH("\x06"), 11},
};

static bool is_hash(enum tp_pki_hash hash)
{
    return hash > TP_PKI_HASH_NONE && hash < TP_PKI_HASH_END;
}

const char *tp_pki_hash_name(enum tp_pki_hash hash)
{
    return is_hash(hash) ? hashes[hash].name : "unknown";
}

const char *tp_pki_hash_libcrypto(enum tp_pki_hash hash)
{
    return is_hash(hash) ? hashes[hash].libcrypto : NULL;
}

size_t tp_pki_hash_len(enum tp_pki_hash hash)
{
    return is_hash(hash) ? hashes[hash].len : 0;
}

struct tp_bytes tp_pki_hash_oid(enum tp_pki_hash hash)
{
    return is_hash(hash) ? TP_BYTES(hashes[hash].oid, hashes[hash].oid_len) : TP_BYTES_NONE;
}

enum tp_pki_hash tp_pki_hash_parse(const char *name)
{
    if (name == NULL)
        return TP_PKI_HASH_NONE;
    for (enum tp_pki_hash hash = TP_PKI_HASH_NONE + 1; hash < TP_PKI_HASH_END; hash++)
        if (strcasecmp(name, hashes[hash].name) == 0 || strcasecmp(name, hashes[hash].libcrypto) == 0)
            return hash;
    return TP_PKI_HASH_NONE;
}

/* The table names SHA-1 and SHA-2 before SHA-3 and the cut SHA-512, so the first of a length is what raw ECDSA means in practice. */
enum tp_pki_hash tp_pki_hash_by_len(size_t len)
{
    for (enum tp_pki_hash hash = TP_PKI_HASH_NONE + 1; hash < TP_PKI_HASH_END; hash++)
        if (hashes[hash].len == len)
            return hash;
    return TP_PKI_HASH_NONE;
}

enum tp_pki_hash tp_pki_hash_of_md(const EVP_MD *md)
{
    for (enum tp_pki_hash hash = TP_PKI_HASH_NONE + 1; hash < TP_PKI_HASH_END; hash++)
        if (EVP_MD_is_a(md, hashes[hash].libcrypto) == 1)
            return hash;
    return TP_PKI_HASH_NONE;
}
