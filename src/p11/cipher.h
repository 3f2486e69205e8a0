/* SPDX-License-Identifier: Apache-2.0
 *
 * C_Encrypt… and C_Decrypt… with AES keys of the session, in this process. One of each may be active in a session.
 */
#ifndef TP_P11_CIPHER_H
#define TP_P11_CIPHER_H

#include "p11/call.h"
#include "p11/mechanism.h"

#include <openssl/evp.h>

struct tp_p11_cipher {
    const struct tp_p11_mechanism *mechanism; /* NULL: no operation is active */
    bool decrypting;
    bool in_parts;
    EVP_CIPHER_CTX *ctx; /* knows the key, and forgets it at the end */
    size_t pending_len;  /* bytes that went in and have not come out */
    uint64_t left;       /* bytes that may still come: of the counter, of GCM */
    size_t tag_len;      /* GCM */
    struct tp_buf held;  /* GCM, decrypting: what came so far, since nothing comes out before the tag is known */
};
void tp_p11_cipher_end(struct tp_p11_cipher *cipher); /* may be called when none is active */

/* CIPHER is one of the session of CALL. */
CK_RV tp_p11_cipher_init(struct tp_p11_call *call, struct tp_p11_cipher *cipher, CK_FLAGS use,
                         const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV tp_p11_cipher_whole(struct tp_p11_cipher *cipher, struct tp_bytes data, CK_BYTE *ret_data, CK_ULONG *ret_len);
CK_RV tp_p11_cipher_update(struct tp_p11_cipher *cipher, struct tp_bytes part, CK_BYTE *ret_part, CK_ULONG *ret_len);
CK_RV tp_p11_cipher_final(struct tp_p11_cipher *cipher, CK_BYTE *ret_part, CK_ULONG *ret_len);

#endif
