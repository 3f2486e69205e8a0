/* SPDX-License-Identifier: Apache-2.0
 *
 * Signature algorithms as AlgorithmIdentifiers, and checking signatures with public keys.
 */
#ifndef TP_PKI_SIGNATURE_H
#define TP_PKI_SIGNATURE_H

#include "pki/signer.h"

struct tp_pki_signature_algorithm {
    enum tp_pki_scheme scheme;
    enum tp_pki_hash hash; /* NONE: the algorithm does not say (rsaEncryption), or has none (EdDSA) */
    int edwards;           /* EVP_PKEY_ED25519 or _ED448 */
    enum tp_pki_hash mask_hash;
    unsigned salt_len; /* PSS */
};
/* ALGORITHM: the whole AlgorithmIdentifier. TP_UNSUPPORTED: it is not known. */
TP_MUST_USE enum tp_rc tp_pki_signature_algorithm_read(struct tp_bytes algorithm, struct tp_error *error,
                                                       struct tp_pki_signature_algorithm *ret_algorithm);
/* An AlgorithmIdentifier of a hash, whatever its parameters; NONE when it is not known. */
enum tp_pki_hash tp_pki_hash_of_algorithm(struct tp_bytes algorithm);
/* TP_CRYPTO: the signature does not fit. The algorithm's hash must be known by now, but with EdDSA. */
TP_MUST_USE enum tp_rc tp_pki_signature_check(const struct tp_pki_signature_algorithm *algorithm, EVP_PKEY *key,
                                              struct tp_bytes message, struct tp_bytes signature,
                                              struct tp_error *error);
/* Over a hash that was made before; TP_UNSUPPORTED with EdDSA, which signs messages only. */
TP_MUST_USE enum tp_rc tp_pki_signature_check_digest(const struct tp_pki_signature_algorithm *algorithm, EVP_PKEY *key,
                                                     struct tp_bytes digest, struct tp_bytes signature,
                                                     struct tp_error *error);
/* "RSA-2048, PKCS#1 v1.5, SHA-256", "ECDSA P-256, SHA-256", "Ed25519". KEY may be NULL. */
void tp_pki_signature_text(const struct tp_pki_signature_algorithm *algorithm, const EVP_PKEY *key, char *ret_text,
                           size_t ret_text_len);
/* RSA whose public exponent is 1 or even: whoever has the public key makes its signatures. */
bool tp_pki_key_is_anybodys(const EVP_PKEY *key);
/* MD5 or SHA-1, RSA below 2048 bits, EC below 224. KEY may be NULL. */
bool tp_pki_signature_is_weak(const struct tp_pki_signature_algorithm *algorithm, const EVP_PKEY *key);

#endif
