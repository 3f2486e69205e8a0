/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/vault.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "engine/internal.h"
#include "pki/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONCE_LEN 12
#define TAG_LEN 16
#define CONTEXT_MAX 128
#define SESSION_WAIT_MS 5000
#define CHECKPOINT_KEY "checkpoint"

/* "WHAT\0USER\0": with a fixed-length id behind the NUL no two contexts can run into each other. */
static struct tp_bytes context_bytes(char buffer[CONTEXT_MAX], const char *what, const char *user_id)
{
    int len = snprintf(buffer, CONTEXT_MAX, "%s%c%s", what, 0, user_id);
    return TP_BYTES(buffer, (size_t)len + 1);
}

enum tp_rc tp_vault_pin_verifier(struct tp_hsm_session *session, const char *user_id, struct tp_bytes stretched,
                                 struct tp_error *error, uint8_t ret_verifier[TP_HSM_MAC_LEN])
{
    char context[CONTEXT_MAX];
    return tp_hsm_mac(session, TP_HSM_ROLE_PIN, context_bytes(context, "pin", user_id), stretched, error, ret_verifier);
}

enum tp_rc tp_vault_code_verifier(struct tp_hsm_session *session, const char *user_id, struct tp_bytes code,
                                  struct tp_error *error, uint8_t ret_verifier[TP_HSM_MAC_LEN])
{
    char context[CONTEXT_MAX];
    return tp_hsm_mac(session, TP_HSM_ROLE_PIN, context_bytes(context, "enrol", user_id), code, error, ret_verifier);
}

enum tp_rc tp_vault_sealing_key(struct tp_hsm_session *session, const char *user_id, struct tp_bytes stretched,
                                struct tp_error *error, struct tp_secret **ret_key)
{
    char context[CONTEXT_MAX];
    struct tp_secret *key TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(TP_SEALING_KEY_LEN, &key));
    TP_TRY(tp_secret_set_len(key, TP_SEALING_KEY_LEN));
    TP_TRY(tp_hsm_mac(session, TP_HSM_ROLE_SEAL, context_bytes(context, "seal", user_id), stretched, error,
                      tp_secret_data(key)));
    *ret_key = key;
    key = NULL;
    return TP_OK;
}

/* What the seal is bound to, so that a blob moved to another credential or user does not open. */
static struct tp_bytes binding(char buffer[CONTEXT_MAX], const char *user_id, const char *credential_id)
{
    int len = snprintf(buffer, CONTEXT_MAX, "trustp11 key %s %s", user_id, credential_id);
    return TP_BYTES(buffer, (size_t)len);
}

/* AES-256-GCM with the whole of AAD and IN at once; TAG is written when sealing, checked when not. */
static bool gcm(bool seal, struct tp_bytes key, const uint8_t *nonce, struct tp_bytes aad, struct tp_bytes in,
                uint8_t *out, uint8_t tag[TAG_LEN])
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(tp_crypto_libctx(), "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int len = 0, end = 0;
    bool ok = cipher != NULL && context != NULL && in.len <= INT32_MAX &&
              EVP_CipherInit_ex2(context, cipher, key.data, nonce, seal ? 1 : 0, NULL) == 1 &&
              EVP_CipherUpdate(context, NULL, &len, aad.data, (int)aad.len) == 1 &&
              EVP_CipherUpdate(context, out, &len, in.data, (int)in.len) == 1 &&
              (seal || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) == 1) &&
              EVP_CipherFinal_ex(context, out + len, &end) == 1 &&
              (!seal || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) == 1);
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    return ok;
}

enum tp_rc tp_vault_seal(struct tp_bytes sealing_key, const char *user_id, const char *credential_id,
                         struct tp_bytes blob, struct tp_error *error, struct tp_buf *ret_sealed)
{
    char text[CONTEXT_MAX];
    if (sealing_key.len != TP_SEALING_KEY_LEN)
        return tp_error_set(error, TP_INTERNAL, "a sealing key of %zu bytes", sealing_key.len);
    size_t len = NONCE_LEN + blob.len + TAG_LEN;
    TP_TRY(tp_buf_reserve(ret_sealed, len));
    uint8_t *at = ret_sealed->data + ret_sealed->len;
    TP_TRY(tp_random(at, NONCE_LEN));
    if (!gcm(true, sealing_key, at, binding(text, user_id, credential_id), blob, at + NONCE_LEN,
             at + NONCE_LEN + blob.len))
        return tp_error_set(error, TP_CRYPTO, "sealing the key failed in libcrypto");
    ret_sealed->len += len;
    return TP_OK;
}

enum tp_rc tp_vault_unseal(struct tp_bytes sealing_key, const char *user_id, const char *credential_id,
                           struct tp_bytes sealed, struct tp_error *error, struct tp_secret **ret_blob)
{
    char text[CONTEXT_MAX];
    uint8_t tag[TAG_LEN];
    struct tp_secret *blob TP_AUTO(tp_secret_free_p) = NULL;
    if (sealing_key.len != TP_SEALING_KEY_LEN || sealed.len <= NONCE_LEN + TAG_LEN)
        return tp_error_set(error, TP_KEY_DAMAGED, "the stored key %s is damaged; restore it from a backup", credential_id);
    size_t len = sealed.len - NONCE_LEN - TAG_LEN;
    TP_TRY(tp_secret_new(len, &blob));
    memcpy(tag, sealed.data + NONCE_LEN + len, TAG_LEN);
    if (!gcm(false, sealing_key, sealed.data, binding(text, user_id, credential_id),
             TP_BYTES(sealed.data + NONCE_LEN, len), tp_secret_data(blob), tag))
        return tp_error_set(error, TP_KEY_DAMAGED, "the stored key %s is damaged or belongs to another user; restore it from a backup",
                            credential_id);
    TP_TRY(tp_secret_set_len(blob, len));
    *ret_blob = blob;
    blob = NULL;
    return TP_OK;
}

/* ---- for the ledger ---- */

static enum tp_rc ledger_mac(void *context, struct tp_bytes a, struct tp_bytes b, struct tp_error *error,
                             uint8_t ret_mac[TP_STORE_MAC_LEN])
{
    struct tp_vault *vault = context;
    struct tp_hsm_session *session TP_AUTO(tp_hsm_session_release_p) = NULL;
    TP_TRY(tp_hsm_session_acquire(vault->hsm, tp_clock_monotonic_ms() + SESSION_WAIT_MS, error, &session));
    return tp_hsm_mac(session, TP_HSM_ROLE_ROW, a, b, error, ret_mac);
}

static enum tp_rc load_checkpoint_key(void *context, struct tp_error *error, struct tp_hsm_wrapped *ret_wrapped)
{
    struct tp_vault *vault = context;
    (void)error;
    ret_wrapped->type = TP_HSM_P256;
    return tp_secret_new_copy(tp_buf_bytes(&vault->checkpoint_blob), &ret_wrapped->key);
}

static enum tp_rc checkpoint_sign(struct tp_vault *vault, struct tp_hsm_session *session, struct tp_bytes message,
                                  struct tp_error *error, struct tp_buf *ret_signature)
{
    static const struct tp_hsm_sign_params params = {.mechanism = TP_HSM_ECDSA};
    uint8_t hash[TP_SHA256_LEN], raw[TP_HSM_SIGNATURE_MAX];
    size_t raw_len = 0;
    struct tp_hsm_key *key = NULL;
    TP_TRY(tp_sha256(message, TP_BYTES_NONE, TP_BYTES_NONE, hash));
    TP_TRY(tp_hsm_key_get(session, CHECKPOINT_KEY, load_checkpoint_key, vault, error, &key));
    enum tp_rc rc = tp_hsm_sign(session, key, &params, TP_BYTES(hash, sizeof hash), error, raw, &raw_len);
    tp_hsm_key_put(key);
    TP_TRY(rc);
    return tp_pki_ecdsa_to_der(TP_BYTES(raw, raw_len), ret_signature);
}

static enum tp_rc ledger_sign(void *context, struct tp_bytes message, struct tp_error *error,
                              struct tp_buf *ret_signature)
{
    struct tp_vault *vault = context;
    struct tp_hsm_session *session TP_AUTO(tp_hsm_session_release_p) = NULL;
    if (vault->checkpoint_blob.len == 0)
        return tp_error_set(error, TP_KEY_DAMAGED, "the checkpoint key has not been read yet");
    TP_TRY(tp_hsm_session_acquire(vault->hsm, tp_clock_monotonic_ms() + SESSION_WAIT_MS, error, &session));
    return checkpoint_sign(vault, session, message, error, ret_signature);
}

void tp_vault_ledger_keys(struct tp_vault *vault, struct tp_ledger_keys *ret_keys)
{
    *ret_keys = (struct tp_ledger_keys){
        .context = vault,
        .mac = ledger_mac,
        .sign = ledger_sign,
        .sign_spki = tp_buf_bytes(&vault->checkpoint_spki),
    };
}
