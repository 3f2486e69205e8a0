/* SPDX-License-Identifier: Apache-2.0
 *
 * The one OSSL_LIB_CTX that all rooms do their libcrypto work in: private, with the default provider and no
 * configuration, so that OpenSSL → provider → libtrustp11.so → OpenSSL never recurses and no atexit handler is ours
 * (pkcs11-consumers.md, complaint 2).
 */
#ifndef TP_BASE_CRYPTO_H
#define TP_BASE_CRYPTO_H

#include "base/bytes.h"

#include <openssl/evp.h>
#include <openssl/provider.h>

#define TP_SHA256_LEN 32

/* Made on first use, thread-safe; NULL only when memory is out. */
OSSL_LIB_CTX *tp_crypto_libctx(void);
/* Fetched once, kept: fetching for each digest costs more than hashing 32 bytes. NULL when libcrypto has no such
 * digest. NAME is libcrypto's ("SHA256", "SHA3-256", …). */
const EVP_MD *tp_crypto_digest(const char *name);
/* A second context, with the default provider and one that is built in (room pki's: there is one of them), whose algorithms
 * may have names that the default provider has, too. Apart, since libcrypto 3.0 remembers what it fetched by name and
 * query alone: once one provider was asked for a name, everybody gets its implementation (crypto/property/property.c,
 * query_cmp). Made on first use, goes with the first context; NULL when memory is out or the provider does not start. */
OSSL_LIB_CTX *tp_crypto_libctx_with(const char *name, OSSL_provider_init_fn *init);
/* Frees contexts and digests. For the module's C_Finalize; afterwards a first use makes them anew. */
void tp_crypto_release(void);
/* In a child of fork: forgets context and digests without touching them, since other threads of the parent may have
 * held libcrypto's locks on them; a first use makes them anew. */
void tp_crypto_abandon(void);

/* From here on whatever libcrypto frees, in whichever context, is wiped first: also what its decoders leave of a private
 * key, and what an HSM in software does in this process. For this whole process, before its first use of libcrypto: in
 * services and the command line only. False when it came too late. */
TP_MUST_USE bool tp_crypto_wipe_freed(void);
/* In our own programs, right after tp_crypto_wipe_freed: libcrypto reads no openssl.cnf here. Whoever can set $OPENSSL_CONF must not put a
 * provider next to PINs and keys; and one that is active in every program may have libtrustp11.so inside, with which
 * the engine would wait for itself. */
void tp_crypto_ignore_conf(void);
/* Whether libcrypto has cleaned itself up, which it does in exit(3) before exit handlers that are older than its first
 * use. It is not to be called any more then, not even to free something: it crashes. */
bool tp_crypto_ended(void);

TP_MUST_USE enum tp_rc tp_sha256(struct tp_bytes a, struct tp_bytes b, struct tp_bytes c,
                                 uint8_t ret_hash[TP_SHA256_LEN]); /* of a ‖ b ‖ c */
/* From the private random generator: good for keys. After a failure the bytes must not be used. */
TP_MUST_USE enum tp_rc tp_random(void *ret_bytes, size_t len);

#endif
