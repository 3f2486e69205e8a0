/* SPDX-License-Identifier: Apache-2.0
 *
 * The standard security handler (ISO 32000-2 §7.6.4): the file's key from a password, and what is new encrypted with it. What is
 * there already the reader decrypts (QPDF), whose C API does not give the key.
 */
#ifndef TP_PDF_SECURITY_H
#define TP_PDF_SECURITY_H

#include "base/secret.h"
#include "pdf/document.h"

struct tp_pdf_security;
/* TP_PIN_WRONG: PASSWORD (NULL, empty: none) is neither the user's nor the owner's, nor is the user's empty. TP_UNSUPPORTED:
 * another handler, or an algorithm that is not known or not there. */
TP_MUST_USE enum tp_rc tp_pdf_security_new(struct tp_pdf_document *document, const struct tp_secret *password,
                                           struct tp_error *error, struct tp_pdf_security **ret_security);
void tp_pdf_security_free(struct tp_pdf_security *security);
TP_DEFINE_AUTO(struct tp_pdf_security, tp_pdf_security_free)
/* Of the object REF. Appended. */
TP_MUST_USE enum tp_rc tp_pdf_security_string(struct tp_pdf_security *security, struct tp_pdf_ref ref, struct tp_bytes plain,
                                              struct tp_buf *ret_string);
/* DICTIONARY says whether it is metadata or an embedded file, which may have a key or none of their own. */
TP_MUST_USE enum tp_rc tp_pdf_security_stream(struct tp_pdf_security *security, struct tp_pdf_ref ref,
                                              const struct tp_pdf_value *dictionary, struct tp_bytes plain,
                                              struct tp_buf *ret_data);

/* ---- what its files share ---- */

#include <openssl/evp.h>

#define TP_PDF_KEY_MAX      32
#define TP_PDF_PASSWORD_MAX 127 /* bytes that count (§7.6.4.3.3) */

/* What the encryption dictionary says of keys (Tables 20 and 21). */
struct tp_pdf_lock {
    unsigned revision;
    size_t key_len;
    uint32_t permissions;
    bool metadata; /* is encrypted */
    struct tp_bytes owner, user, owner_key, user_key, id;
};
/* RC4, which libcrypto keeps in a provider of its own: loaded at first use, into a context of ours. */
struct tp_pdf_rc4 {
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *legacy;
    EVP_CIPHER *cipher;
};
void tp_pdf_rc4_clear(struct tp_pdf_rc4 *rc4);
/* In place. TP_UNSUPPORTED: the provider is not installed. */
TP_MUST_USE enum tp_rc tp_pdf_rc4_apply(struct tp_pdf_rc4 *rc4, struct tp_bytes key, uint8_t *data, size_t len);
/* AES-CBC with a key of 16 or 32 bytes. Without PADDED, LEN is a multiple of 16; with it, up to 16 bytes more come out. */
TP_MUST_USE enum tp_rc tp_pdf_aes(bool encrypt, struct tp_bytes key, const uint8_t iv[16], bool padded, struct tp_bytes input,
                                  uint8_t *ret_output, size_t *ret_len);
/* Of up to five parts. RET_HASH has room for 64 bytes. */
TP_MUST_USE enum tp_rc tp_pdf_hash(const char *name, const struct tp_bytes *parts, size_t parts_len, uint8_t *ret_hash);

/* The file's key, into KEY. TP_PIN_WRONG. */
TP_MUST_USE enum tp_rc tp_pdf_lock_open(const struct tp_pdf_lock *lock, struct tp_pdf_rc4 *rc4, struct tp_bytes password,
                                        struct tp_secret *key);

#endif
