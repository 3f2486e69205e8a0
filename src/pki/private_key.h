/* SPDX-License-Identifier: Apache-2.0
 *
 * Private keys that come from elsewhere, as PKCS#8 (RFC 5958), on their way into an HSM: only this room lets libcrypto
 * see one. What libcrypto makes of it is wiped when it is freed (tp_crypto_wipe_freed), what we keep is a tp_secret.
 */
#ifndef TP_PKI_PRIVATE_KEY_H
#define TP_PKI_PRIVATE_KEY_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

#define TP_PKI_PRIVATE_KEY_MAX ((size_t)2560) /* RSA-4096 takes 2375 bytes, some more with a longer exponent */
#define TP_PKI_PRIVATE_FILE_CERTIFICATES 16

/* A PrivateKeyInfo in DER: RSA of 2048, 3072 or 4096 bits, P-256, P-384, P-521 by name, Ed25519; whole and consistent
 * with itself. RET_PKCS8 is written anew, without attributes: the same key gives the same bytes. RET_SPKI is appended.
 * TP_MALFORMED: no key; TP_UNSUPPORTED: one of another kind; TP_BAD_ARGUMENT: one whose parts do not fit. */
TP_MUST_USE enum tp_rc tp_pki_private_key_parse(struct tp_bytes der, struct tp_error *error,
                                                struct tp_secret **ret_pkcs8, struct tp_buf *ret_spki);

/* A new P-256 key, for trials of what takes such keys; SPKI appended. */
TP_MUST_USE enum tp_rc tp_pki_private_key_make(struct tp_secret **ret_pkcs8, struct tp_buf *ret_spki);

/* What a file holds: one private key, as tp_pki_private_key_parse gives it, and the certificates that came with it. */
struct tp_pki_private_file {
    struct tp_secret *pkcs8;
    struct tp_buf spki;
    /* DER: the key's own first, each following one the issuer of the one before, as far as they are there; none when
     * none is of the key. */
    struct tp_buf certificates[TP_PKI_PRIVATE_FILE_CERTIFICATES];
    size_t certificates_len;
    size_t others; /* certificates that are neither */
};
void tp_pki_private_file_clear(struct tp_pki_private_file *file);
/* Whether it can only be read with a password. */
bool tp_pki_private_file_wants_password(struct tp_bytes file);
/* PKCS#12 (RFC 7292), PEM (PKCS#8 or traditional, encrypted or not), or DER; PASSWORD may be NULL. At most
 * TP_SECRET_MAX bytes. More than one private key is TP_BAD_ARGUMENT, none TP_NOT_FOUND. Not for the module: OpenSSL's
 * legacy provider is loaded for as long as it takes, in a library context of its own, since PKCS#12 files are still made
 * with RC2 and triple DES. */
TP_MUST_USE enum tp_rc tp_pki_private_file_read(struct tp_bytes file, const struct tp_secret *password,
                                                struct tp_error *error, struct tp_pki_private_file *ret_file);

#endif
