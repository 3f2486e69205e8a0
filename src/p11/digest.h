/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashing: the context that signing and verifying share, and C_Digest….
 */
#ifndef TP_P11_DIGEST_H
#define TP_P11_DIGEST_H

#include "p11/call.h"
#include "pki/digest_info.h"

#include <openssl/evp.h>

#define TP_P11_HASH_MAX 64 /* bytes */

/* A context that is made once and used again and again. All zero is empty. */
struct tp_p11_hash {
    EVP_MD_CTX *ctx;
};
void tp_p11_hash_clear(struct tp_p11_hash *hash);
TP_MUST_USE enum tp_rc tp_p11_hash_begin(struct tp_p11_hash *hash, enum tp_pki_hash which);
TP_MUST_USE enum tp_rc tp_p11_hash_update(struct tp_p11_hash *hash, struct tp_bytes part);
TP_MUST_USE enum tp_rc tp_p11_hash_finish(struct tp_p11_hash *hash, uint8_t ret_hash[TP_P11_HASH_MAX]);

struct tp_p11_digest {
    enum tp_pki_hash which; /* NONE: no operation is active */
    bool in_parts;
    struct tp_p11_hash hash;
};
void tp_p11_digest_clear(struct tp_p11_digest *digest);
void tp_p11_digest_end(struct tp_p11_digest *digest);

CK_RV tp_p11_digest_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism);
CK_RV tp_p11_digest_whole(struct tp_p11_call *call, struct tp_bytes data, CK_BYTE *ret_digest, CK_ULONG *ret_len);
CK_RV tp_p11_digest_update(struct tp_p11_call *call, struct tp_bytes part);
CK_RV tp_p11_digest_key(struct tp_p11_call *call, CK_OBJECT_HANDLE key);
CK_RV tp_p11_digest_final(struct tp_p11_call *call, CK_BYTE *ret_digest, CK_ULONG *ret_len);

/* False when a caller's bytes cannot be in any memory: NULL with a length, or longer than the largest object of C. */
bool tp_p11_is_memory(struct tp_bytes bytes);

/* The rule for output (3.0 §5.2): without a buffer, or with one that is too small, the length, and the operation goes
 * on. True when there is room: then the function goes on, too. */
bool tp_p11_has_room(const CK_BYTE *output, CK_ULONG *ret_len, size_t needed, CK_RV *ret_rv);

#endif
