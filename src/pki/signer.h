/* SPDX-License-Identifier: Apache-2.0
 *
 * Whoever can sign: a public key, its certificates, and a callback. To libcrypto it is an EVP_PKEY, through a provider that is
 * built in (signer_provider.c), so that CMS, timestamps, certificates and requests all sign through this door and none
 * knows whether the key is behind the engine, in a PKCS#11 token, or in a file.
 */
#ifndef TP_PKI_SIGNER_H
#define TP_PKI_SIGNER_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"
#include "pki/digest_info.h"
#include "pki/key.h"

#define TP_PKI_SIGNER_CERTIFICATES 16

enum tp_pki_scheme {
    TP_PKI_RSA_PKCS1, /* RSASSA-PKCS1-v1_5 */
    TP_PKI_RSA_PSS,   /* MGF1 with the same hash; salt as long as the hash (RFC 8017 §9.1) */
    TP_PKI_ECDSA,
    TP_PKI_EDDSA /* PureEdDSA */
};

/* What is to be signed. INPUT is the hash of the message, of HASH's length; with EdDSA the message, and HASH is NONE. */
struct tp_pki_sign_input {
    enum tp_pki_scheme scheme;
    enum tp_pki_hash hash;
    struct tp_bytes input;
};

/* The callbacks of a kind of signer; one const table a kind. */
struct tp_pki_signer_calls {
    /* Appends the signature: as it is for RSA and EdDSA, r ‖ s for ECDSA. May be called by several threads at a time. */
    enum tp_rc (*sign)(void *context, const struct tp_pki_sign_input *input, struct tp_error *error,
                       struct tp_buf *ret_signature);
    void (*release)(void *context); /* with the signer; may be NULL */
    /* The key is one of libcrypto in this process, and its signatures need no second look. Others are verified with the public
     * key before anybody gets to see them: some 20 µs for RSA-2048. */
    bool own_libcrypto;
};

struct tp_pki_signer; /* immutable: threads may share it. Freed before tp_crypto_release() */

/* CERTIFICATES (DER): the key's own first, each following one the issuer of the one before, as far as known; their first one's
 * public key must be SPKI. None for a key that has no certificate yet (SPKI alone: requests). Everything is copied; CONTEXT
 * is the signer's from here on, also when this fails. */
TP_MUST_USE enum tp_rc tp_pki_signer_new(struct tp_bytes spki, const struct tp_bytes *certificates,
                                         size_t certificates_len, const struct tp_pki_signer_calls *calls,
                                         void *context, struct tp_error *error, struct tp_pki_signer **ret_signer);
void tp_pki_signer_free(struct tp_pki_signer *signer);
TP_DEFINE_AUTO(struct tp_pki_signer, tp_pki_signer_free)

const struct tp_pki_key_info *tp_pki_signer_info(const struct tp_pki_signer *signer);
struct tp_bytes tp_pki_signer_spki(const struct tp_pki_signer *signer);
size_t tp_pki_signer_certificates_len(const struct tp_pki_signer *signer);
/* DER; none when there is no such one. */
struct tp_bytes tp_pki_signer_certificate(const struct tp_pki_signer *signer, size_t index);
/* In a context of its own beside tp_crypto_libctx(); belongs to SIGNER. Good for EVP_DigestSign* (with RSA-PSS parameters), X509_REQ_sign, X509_sign, …;
 * what the callback said when it failed tp_pki_signer_failed tells, in the same thread. */
EVP_PKEY *tp_pki_signer_key(const struct tp_pki_signer *signer);
/* Copies the words of the last failed callback of this thread into ERROR, and returns their code; FALLBACK without. They are
 * forgotten with that, and when another operation begins; libcrypto may fail before it does: call this once before, too. */
enum tp_rc tp_pki_signer_failed(struct tp_error *error, enum tp_rc fallback);

/* The hash that fits a key when nobody asks for another: SHA-256, for P-384 SHA-384, for P-521 SHA-512, NONE for Ed25519 and
 * Ed448. */
enum tp_pki_hash tp_pki_signer_hash(const struct tp_pki_signer *signer);
/* Signs MESSAGE as the EVP_PKEY would, without the way through libcrypto; appended as X.509 and CMS want it (ECDSA: DER). */
TP_MUST_USE enum tp_rc tp_pki_signer_sign(const struct tp_pki_signer *signer, enum tp_pki_scheme scheme,
                                          enum tp_pki_hash hash, struct tp_bytes message, struct tp_error *error,
                                          struct tp_buf *ret_signature);

/* A key from a file (tp_pki_private_file_read): PEM, PKCS#8, PKCS#12. It lies in this process's memory: for tests, and for
 * services whose operator wants no HSM. CERTIFICATES as above, instead of those of the file; may be none. */
TP_MUST_USE enum tp_rc tp_pki_signer_of_file(struct tp_bytes file, const struct tp_secret *password,
                                             const struct tp_bytes *certificates, size_t certificates_len,
                                             struct tp_error *error, struct tp_pki_signer **ret_signer);

#endif
