/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share among themselves.
 */
#ifndef TP_PKI_INTERNAL_H
#define TP_PKI_INTERNAL_H

#include "base/crypto.h"
#include "pki/certificate.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define TP_PKI_SPKI_MAX        ((size_t)16 << 10) /* the modulus of RSA-16384 takes 2 KiB */
#define TP_PKI_CERTIFICATE_MAX ((size_t)64 << 10)
#define TP_PKI_FILE_MAX        ((size_t)1 << 20)
#define TP_PKI_CRL_MAX         ((size_t)10 << 20)

TP_DEFINE_AUTO(BIGNUM, BN_free)
TP_DEFINE_AUTO(BIO, BIO_free_all)
TP_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
TP_DEFINE_AUTO(X509, X509_free)
TP_DEFINE_AUTO(X509_CRL, X509_CRL_free)
TP_DEFINE_AUTO(X509_NAME, X509_NAME_free)
TP_DEFINE_AUTO(X509_PUBKEY, X509_PUBKEY_free)

/* libcrypto's error queue belongs to the thread, and in the module that is the program's: whatever we add goes again
 * when the function that says TP_PKI_ERRORS_KEEP returns. */
static inline void tp_pki_errors_drop(const int *mark)
{
    (void)mark;
    ERR_pop_to_mark();
}
#define TP_PKI_ERRORS_KEEP __attribute__((unused)) int tp_pki_mark_ TP_AUTO(tp_pki_errors_drop) = ERR_set_mark()

/* The DER of an OBJECT IDENTIFIER, tag and length included. */
struct tp_bytes tp_pki_hash_oid(enum tp_pki_hash hash);
enum tp_pki_hash tp_pki_hash_of_md(const EVP_MD *md); /* TP_PKI_HASH_NONE: none of ours */

/* Exactly one object, in tp_crypto_libctx(), nothing behind it. TP_TOO_LARGE, TP_MALFORMED. It may be shared: read only. */
TP_MUST_USE enum tp_rc tp_pki_x509_load(struct tp_bytes der, struct tp_error *error, X509 **ret_x509);
/* What tp_pki_x509_load asks first, and tells afterwards. NULL: not there. */
X509 *tp_pki_x509_cache_get(struct tp_bytes der);
void tp_pki_x509_cache_put(struct tp_bytes der, X509 *x509);
TP_MUST_USE enum tp_rc tp_pki_spki_load(struct tp_bytes der, struct tp_error *error, X509_PUBKEY **ret_spki);

/* Appends what an i2d function of libcrypto has allocated, and frees it; der is NULL before and after:
 *     TP_TRY(tp_pki_der_take(&der, i2d_X509_NAME(name, &der), buf)); */
TP_MUST_USE enum tp_rc tp_pki_der_take(unsigned char **der, int len, struct tp_buf *ret_der);

/* The element at the front of BER as DER, appended; RET_LEN is what it took of BER. TP_MALFORMED, TP_TOO_LARGE. */
TP_MUST_USE enum tp_rc tp_pki_ber_to_der(struct tp_bytes ber, struct tp_buf *ret_der, size_t *ret_len);
/* An OBJECT IDENTIFIER, whole, in dots. TP_MALFORMED also when it does not fit. */
TP_MUST_USE enum tp_rc tp_pki_oid_text(struct tp_bytes oid, char *ret_text, size_t ret_text_size);

/* CRLReason as a word, static; "unspecified" for a number that is none. */
const char *tp_pki_crl_reason(long code);

/* RFC 3161 §2.3: the extended key usage timeStamping alone, critical. */
bool tp_pki_is_for_timestamping(const X509 *x509);

/* RFC 4514, UTF-8; a longer one ends in an ellipsis. */
TP_MUST_USE enum tp_rc tp_pki_name_text(const X509_NAME *name, char ret_text[TP_PKI_DN_MAX]);
/* "/C=JP/CN=x" or RFC 4514, "CN=x,C=JP". */
TP_MUST_USE enum tp_rc tp_pki_name_parse(const char *text, struct tp_error *error, X509_NAME **ret_name);
TP_MUST_USE enum tp_rc tp_pki_time(const ASN1_TIME *time, int64_t *ret_utc_ms);
/* The UTCTime or GeneralizedTime at *AT, which moves behind it; TAG: one of the two, or TP_DER_ANY. TP_MALFORMED. */
TP_MUST_USE enum tp_rc tp_pki_time_take(struct tp_bytes *at, uint8_t tag, int64_t *ret_utc_ms);

/* What a file may make us compute in all, some seconds: RFC 8018 leaves it to the file, which could keep us busy for days.
 * Of scrypt a round is two blocks mixed. */
#define TP_PKI_ROUNDS_MOST 2000000
/* Rounds that a password-based encryption takes; -1: not to be told, or more than any file may. */
int64_t tp_pki_rounds(const X509_ALGOR *algorithm);
int64_t tp_pki_rounds_of_number(const ASN1_INTEGER *number); /* may be NULL */

/* One block of a PEM file. It may be a private key: its bytes do not stay in the heap. */
struct tp_pki_pem_block {
    char *label, *header;
    unsigned char *data;
    long len;
};
void tp_pki_pem_block_clear(struct tp_pki_pem_block *block);

/* Whether the file is PEM rather than DER. */
bool tp_pki_pem_is(struct tp_bytes file);
/* Every PEM block in the file's order, its content decoded; blocks with headers of their own are left out. EACH may
 * stop it by returning other than TP_OK, which is returned. TP_MALFORMED when a block is broken. */
typedef enum tp_rc tp_pki_pem_fn(void *context, const char *label, struct tp_bytes der);
TP_MUST_USE enum tp_rc tp_pki_pem_read(struct tp_bytes file, struct tp_error *error, tp_pki_pem_fn *each,
                                       void *context);

#endif
