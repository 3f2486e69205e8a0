/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys as SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
 */
#ifndef TP_PKI_KEY_H
#define TP_PKI_KEY_H

#include "base/bytes.h"
#include "base/error.h"
#include "pki/digest_info.h"

#include <openssl/evp.h>

struct tp_pki_key_info {
    char type[16]; /* "rsa-2048", "p-256", "p-384", "p-521", "ed25519", "ed448" */
    bool is_rsa, is_ec, is_ed;
    unsigned bits;      /* of the modulus, or of the curve's order */
    unsigned field_len; /* EC: bytes of one coordinate */
    uint8_t key_id[20]; /* SHA-1 of the BIT STRING, RFC 5280 §4.2.1.2 (1): the CKA_ID that we give by default */
};
TP_MUST_USE enum tp_rc tp_pki_key_info(struct tp_bytes spki, struct tp_error *error, struct tp_pki_key_info *ret_info);
/* What a key's strength is judged by, of every kind that libcrypto reads, whether we make such keys or not. */
struct tp_pki_key_size {
    char name[24];   /* "rsa-2048", "ec-161" */
    bool is_modulus; /* RSA and DSA; else BITS are those of a curve */
    unsigned bits;
};
TP_MUST_USE enum tp_rc tp_pki_key_size(struct tp_bytes spki, struct tp_error *error, struct tp_pki_key_size *ret_size);
/* In tp_crypto_libctx(); owned by the caller. */
TP_MUST_USE enum tp_rc tp_pki_key_load(struct tp_bytes spki, struct tp_error *error, EVP_PKEY **ret_key);
/* PEM or DER, SPKI or the key of a certificate, from a file's bytes; DER appended. */
TP_MUST_USE enum tp_rc tp_pki_key_read(struct tp_bytes file, struct tp_error *error, struct tp_buf *ret_spki);
/* r ‖ s, each half the length, to the DER SEQUENCE of X9.62, appended. */
TP_MUST_USE enum tp_rc tp_pki_ecdsa_to_der(struct tp_bytes raw, struct tp_buf *ret_der);

#endif
