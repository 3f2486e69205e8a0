/* SPDX-License-Identifier: Apache-2.0
 *
 * DigestInfo (RFC 8017 §9.2): what CKM_RSA_PKCS is given. Strict: DER only, a known hash, parameters NULL or absent,
 * the hash of the right length, nothing behind it: anything looser lets a caller sign what the policy did not see.
 */
#ifndef TP_PKI_DIGEST_INFO_H
#define TP_PKI_DIGEST_INFO_H

#include "base/bytes.h"

/* The hashes that a signature may be over; the order is that of the table in digest.c. */
enum tp_pki_hash {
    TP_PKI_HASH_NONE,
    TP_PKI_MD5,
    TP_PKI_SHA1,
    TP_PKI_SHA224,
    TP_PKI_SHA256,
    TP_PKI_SHA384,
    TP_PKI_SHA512,
    TP_PKI_SHA3_224,
    TP_PKI_SHA3_256,
    TP_PKI_SHA3_384,
    TP_PKI_SHA3_512,
    TP_PKI_SHA512_224,
    TP_PKI_SHA512_256,
    TP_PKI_HASH_END
};
const char *tp_pki_hash_name(enum tp_pki_hash hash);      /* "SHA-256" */
const char *tp_pki_hash_libcrypto(enum tp_pki_hash hash); /* "SHA256", for tp_crypto_digest */
size_t tp_pki_hash_len(enum tp_pki_hash hash);            /* bytes */
enum tp_pki_hash tp_pki_hash_parse(const char *name);     /* either name, any case; TP_PKI_HASH_NONE when unknown */
/* By length alone, as raw ECDSA leaves it: 20 is SHA-1, 28 SHA-224, 32 SHA-256, 48, 64; NONE for others (16 is MD5). */
enum tp_pki_hash tp_pki_hash_by_len(size_t len);

#define TP_PKI_DIGEST_INFO_MAX 83
/* RET_DER has TP_PKI_DIGEST_INFO_MAX bytes. */
TP_MUST_USE enum tp_rc tp_pki_digest_info_make(enum tp_pki_hash hash, struct tp_bytes digest, uint8_t *ret_der,
                                               size_t *ret_der_len);
/* TP_MALFORMED unless DER is exactly a DigestInfo as said above; RET_DIGEST is a view into DER. */
TP_MUST_USE enum tp_rc tp_pki_digest_info_parse(struct tp_bytes der, enum tp_pki_hash *ret_hash,
                                                struct tp_bytes *ret_digest);

#endif
