/* SPDX-License-Identifier: Apache-2.0
 *
 * What the token's secret keys do all day: MACs, and the encryption of OTP secrets.
 */
#include "base/crypto.h"
#include "hsm/internal.h"

#include <string.h>

#define MAC_SHORT_MAX 2048 /* in one call: a network HSM charges a round trip for each */
#define AES_BLOCK     16

static enum tp_rc mac_short(struct tp_hsm_session *session, struct tp_bytes a, struct tp_bytes b,
                            struct tp_error *error, uint8_t *ret_mac, CK_ULONG *ret_len)
{
    uint8_t joined[MAC_SHORT_MAX];
    if (a.len > 0)
        memcpy(joined, a.data, a.len);
    if (b.len > 0)
        memcpy(joined + a.len, b.data, b.len);
    CK_RV rv = TP_HSM_CALL(session, C_Sign, joined, a.len + b.len, ret_mac, ret_len);
    tp_wipe(joined, a.len + b.len);
    return tp_hsm_call_rc(session->hsm, rv, "C_Sign", error);
}

static enum tp_rc mac_long(struct tp_hsm_session *session, struct tp_bytes a, struct tp_bytes b, struct tp_error *error,
                           uint8_t *ret_mac, CK_ULONG *ret_len)
{
    const struct tp_bytes parts[] = {a, b};
    for (size_t i = 0; i < 2; i++)
        if (parts[i].len > 0)
            TP_HSM_TRY(session, error, C_SignUpdate, (CK_BYTE_PTR)parts[i].data, parts[i].len);
    TP_HSM_TRY(session, error, C_SignFinal, ret_mac, ret_len);
    return TP_OK;
}

enum tp_rc tp_hsm_mac(struct tp_hsm_session *session, enum tp_hsm_role role, struct tp_bytes a, struct tp_bytes b,
                      struct tp_error *error, uint8_t ret_mac[TP_HSM_MAC_LEN])
{
    CK_MECHANISM mechanism = {.mechanism = CKM_SHA256_HMAC};
    CK_OBJECT_HANDLE key;
    CK_BYTE mac[TP_HSM_MAC_LEN];
    CK_ULONG mac_len = sizeof(mac);
    if (role != TP_HSM_ROLE_PIN && role != TP_HSM_ROLE_SEAL && role != TP_HSM_ROLE_ROW)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the key %s makes no MACs", tp_hsm_role_name(role));
    TP_TRY(tp_hsm_token_key(session->hsm, role, error, &key));
    TP_HSM_TRY(session, error, C_SignInit, &mechanism, key);
    bool is_short = a.len <= MAC_SHORT_MAX && b.len <= MAC_SHORT_MAX - a.len;
    TP_TRY((is_short ? mac_short : mac_long)(session, a, b, error, mac, &mac_len));
    if (mac_len != TP_HSM_MAC_LEN)
        return tp_error_set(error, TP_HSM, "the HSM made an HMAC-SHA-256 of %lu bytes", mac_len);
    memcpy(ret_mac, mac, TP_HSM_MAC_LEN);
    tp_wipe(mac, sizeof(mac));
    return TP_OK;
}

static enum tp_rc encrypt_to(struct tp_hsm_session *session, CK_OBJECT_HANDLE key, struct tp_bytes clear,
                             struct tp_error *error, struct tp_buf *out)
{
    uint8_t iv[AES_BLOCK];
    TP_TRY(tp_random(iv, sizeof(iv)));
    TP_TRY(tp_buf_reserve(out, AES_BLOCK + clear.len + AES_BLOCK));
    TP_TRY(tp_buf_append(out, TP_BYTES(iv, sizeof(iv))));
    CK_MECHANISM mechanism = {CKM_AES_CBC_PAD, iv, sizeof(iv)};
    CK_ULONG len = clear.len + AES_BLOCK;
    TP_HSM_TRY(session, error, C_EncryptInit, &mechanism, key);
    TP_HSM_TRY(session, error, C_Encrypt, (CK_BYTE_PTR)clear.data, clear.len, out->data + AES_BLOCK, &len);
    out->len = AES_BLOCK + len;
    return TP_OK;
}

enum tp_rc tp_hsm_encrypt(struct tp_hsm_session *session, struct tp_bytes clear, struct tp_error *error,
                          struct tp_buf *ret_cipher)
{
    CK_OBJECT_HANDLE key;
    struct tp_buf cipher = TP_BUF_INIT;
    if (clear.len > TP_SECRET_MAX)
        return TP_TOO_LARGE;
    TP_TRY(tp_hsm_token_key(session->hsm, TP_HSM_ROLE_OTP, error, &key));
    enum tp_rc rc = encrypt_to(session, key, clear, error, &cipher);
    if (rc == TP_OK)
        rc = tp_buf_append(ret_cipher, tp_buf_bytes(&cipher));
    tp_buf_clear(&cipher);
    return rc;
}

enum tp_rc tp_hsm_decrypt(struct tp_hsm_session *session, struct tp_bytes cipher, struct tp_error *error,
                          struct tp_secret **ret_clear)
{
    CK_OBJECT_HANDLE key;
    struct tp_secret *clear TP_AUTO(tp_secret_free_p) = NULL;
    if (cipher.len < (size_t)2 * AES_BLOCK || cipher.len % AES_BLOCK != 0 || cipher.len > TP_SECRET_MAX + 2 * AES_BLOCK)
        return tp_error_set(error, TP_KEY_DAMAGED, "a stored secret of %zu bytes is none: restore it from a backup",
                            cipher.len);
    TP_TRY(tp_hsm_token_key(session->hsm, TP_HSM_ROLE_OTP, error, &key));
    CK_ULONG len = cipher.len - AES_BLOCK;
    TP_TRY(tp_secret_new(len, &clear));
    CK_MECHANISM mechanism = {CKM_AES_CBC_PAD, (void *)cipher.data, AES_BLOCK};
    TP_HSM_TRY(session, error, C_DecryptInit, &mechanism, key);
    CK_RV rv = TP_HSM_CALL(session, C_Decrypt, (CK_BYTE_PTR)cipher.data + AES_BLOCK, len, tp_secret_data(clear), &len);
    if (rv != CKR_OK && tp_hsm_ckr_rc(rv) == TP_HSM)
        return tp_error_set(error, TP_KEY_DAMAGED,
                            "a stored secret does not decrypt (C_Decrypt: %s, 0x%lx): restore it from a backup",
                            tp_hsm_ckr_name(rv), rv);
    TP_TRY(tp_hsm_call_rc(session->hsm, rv, "C_Decrypt", error));
    TP_TRY(tp_secret_set_len(clear, len));
    *ret_clear = clear;
    clear = NULL;
    return TP_OK;
}
