/* SPDX-License-Identifier: Apache-2.0
 *
 * A question for the length, or a buffer that is too small, must change neither operation: the cipher, which alone has
 * output, is asked first. When one of the two fails, it ends, and the other goes on: whoever called ends that.
 */
#include "p11/dual.h"
#include "p11/session.h"
#include "p11/sign.h"

static bool is_other_active(const struct tp_p11_session *session, tp_p11_update_fn *other)
{
    if (other == tp_p11_digest_update)
        return session->digest.which != TP_PKI_HASH_NONE;
    return (other == tp_p11_sign_update ? &session->sign : &session->verify)->mechanism != NULL;
}

/* CKR_OK when there is room for what CIPHER will give. */
static CK_RV ask(struct tp_p11_cipher *cipher, struct tp_bytes part, const CK_BYTE *output, CK_ULONG *ret_len)
{
    CK_ULONG needed = 0;
    if (ret_len == NULL)
        return tp_p11_cipher_update(cipher, part, NULL, NULL); /* ends it, as the answer wants */
    CK_RV rv = tp_p11_cipher_update(cipher, part, NULL, &needed);
    if (rv == CKR_OK && (output == NULL || *ret_len < needed)) {
        rv = output == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
        *ret_len = needed;
    }
    return rv;
}

CK_RV tp_p11_dual_encrypt(struct tp_p11_call *call, tp_p11_update_fn *other, struct tp_bytes part, CK_BYTE *ret_part,
                          CK_ULONG *ret_len)
{
    struct tp_p11_cipher *cipher = &call->session->encrypt;
    if (!is_other_active(call->session, other))
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = ask(cipher, part, ret_part, ret_len);
    if (rv == CKR_OK && ret_part != NULL)
        rv = other(call, part); /* first: the output may lie where the input was */
    if (rv == CKR_OK && ret_part != NULL)
        rv = tp_p11_cipher_update(cipher, part, ret_part, ret_len);
    return rv;
}

CK_RV tp_p11_dual_decrypt(struct tp_p11_call *call, tp_p11_update_fn *other, struct tp_bytes part, CK_BYTE *ret_part,
                          CK_ULONG *ret_len)
{
    if (!is_other_active(call->session, other))
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = tp_p11_cipher_update(&call->session->decrypt, part, ret_part, ret_len);
    if (rv != CKR_OK || ret_part == NULL)
        return rv;
    return other(call, TP_BYTES(ret_part, *ret_len));
}
