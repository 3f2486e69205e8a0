/* SPDX-License-Identifier: Apache-2.0
 *
 * What a token can do, found out by doing it. Each row of a key type stops at the first thing that fails, whose CKR is
 * what doctor shows.
 */
#include "hsm/internal.h"
#include "hsm/oaep.h"
#include "hsm/public_key.h"
#include "pki/private_key.h"

#include <stdio.h>
#include <string.h>

#define HASH_LEN 32

struct trial {
    struct tp_hsm_session *session;
    CK_OBJECT_HANDLE wrapping_key;
    struct tp_error *error; /* of the step that failed */
    struct tp_hsm_scrap public_key, private_key, unwrapped;
    uint8_t wrapped[TP_HSM_WRAPPED_MAX];
    size_t wrapped_len;
};

static void trial_clear(struct trial *trial)
{
    tp_hsm_scrap_destroy(&trial->unwrapped);
    tp_hsm_scrap_destroy(&trial->private_key);
    tp_hsm_scrap_destroy(&trial->public_key);
    tp_wipe(trial->wrapped, sizeof(trial->wrapped));
}

/* A DigestInfo for SHA-256 of 19 + 32 bytes (RFC 8017, 9.2) where RSA wants one; else a hash. */
static enum tp_rc try_sign(struct trial *trial, const struct tp_hsm_key_kind *kind, enum tp_hsm_key_type type)
{
    static const uint8_t digest_info[19 + HASH_LEN] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len;
    struct tp_hsm_key key = {
        .hsm = trial->session->hsm, .handle = trial->unwrapped.object, .epoch = trial->session->epoch, .type = type};
    struct tp_hsm_sign_params params = {.mechanism = kind->sign};
    struct tp_bytes data =
        kind->type == CKK_RSA ? TP_BYTES(digest_info, sizeof(digest_info)) : TP_BYTES(digest_info + 19, HASH_LEN);
    return tp_hsm_sign(trial->session, &key, &params, data, trial->error, signature, &len);
}

#define TRY_STEP(step, call)                                                                                           \
    do {                                                                                                               \
        TP_TRY(call);                                                                                                  \
        (step) = true;                                                                                                 \
    } while (0)

static enum tp_rc try_type(struct trial *trial, enum tp_hsm_key_type type, struct tp_hsm_abilities *abilities)
{
    const struct tp_hsm_key_kind *kind = tp_hsm_key_kind_of(type);
    struct tp_hsm_session *session = trial->session;
    trial->unwrapped.session = session;
    TRY_STEP(abilities->key[type].generate,
             tp_hsm_pair_generate(session, kind, trial->error, &trial->public_key, &trial->private_key));
    TRY_STEP(abilities->key[type].wrap,
             tp_hsm_wrap(session, trial->wrapping_key, trial->private_key.object, trial->error, trial->wrapped,
                         sizeof(trial->wrapped), &trial->wrapped_len));
    TRY_STEP(abilities->key[type].unwrap,
             tp_hsm_private_unwrap(session, trial->wrapping_key, type, TP_BYTES(trial->wrapped, trial->wrapped_len),
                                   trial->error, &trial->unwrapped.object));
    TRY_STEP(abilities->key[type].sign, try_sign(trial, kind, type));
    return TP_OK;
}

/* RSA-2048's public key is what OAEP is tried with, under another template. */
static void try_oaep(struct trial *trial, struct tp_hsm_abilities *abilities)
{
    struct tp_buf spki = TP_BUF_INIT, wrapped = TP_BUF_INIT;
    struct tp_hsm_scrap wrapper TP_AUTO(tp_hsm_scrap_destroy) = {.session = trial->session};
    struct tp_hsm_scrap key TP_AUTO(tp_hsm_scrap_destroy) = {.session = trial->session};
    abilities->rsa_oaep_wrap =
        trial->public_key.object != 0 &&
        tp_hsm_public_key_read(trial->session, trial->public_key.object, tp_hsm_key_kind_of(TP_HSM_RSA_2048), NULL,
                               &spki) == TP_OK &&
        tp_hsm_public_key_import(trial->session, tp_buf_bytes(&spki), NULL, &wrapper) == TP_OK &&
        tp_hsm_secret_generate(trial->session, CKK_AES, true, TP_HSM_USE_WRAP, NULL, &key.object) == TP_OK &&
        tp_hsm_oaep_wrap(trial->session, wrapper.object, key.object, NULL, &wrapped) == TP_OK;
    tp_buf_clear(&spki);
    tp_buf_clear(&wrapped);
}

static void probe_type(struct tp_hsm_session *session, CK_OBJECT_HANDLE wrapping_key, enum tp_hsm_key_type type,
                       struct tp_hsm_abilities *abilities)
{
    struct tp_error error = {0};
    struct trial trial TP_AUTO(trial_clear) = {.session = session, .wrapping_key = wrapping_key, .error = &error};
    if (try_type(&trial, type, abilities) != TP_OK)
        snprintf(abilities->key[type].why_not, sizeof(abilities->key[type].why_not), "%s", tp_error_words(&error));
    if (type == TP_HSM_RSA_2048)
        try_oaep(&trial, abilities);
}

/* A larger RSA key does what RSA-2048 does, up to the size that the token says it generates. */
static void judge_larger_rsa(struct tp_hsm_session *session, enum tp_hsm_key_type type,
                             struct tp_hsm_abilities *abilities)
{
    CK_MECHANISM_INFO info = {0};
    CK_RV rv = TP_HSM_SLOT_CALL(session, C_GetMechanismInfo, CKM_RSA_PKCS_KEY_PAIR_GEN, &info);
    abilities->key[type] = abilities->key[TP_HSM_RSA_2048];
    if (rv == CKR_OK && info.ulMaxKeySize >= tp_hsm_key_kind_of(type)->bits)
        return;
    abilities->key[type].generate = false;
    snprintf(abilities->key[type].why_not, sizeof(abilities->key[type].why_not),
             "C_GetMechanismInfo: %s, RSA up to %lu bits", tp_hsm_ckr_name(rv), info.ulMaxKeySize);
}

static bool can_hmac(struct tp_hsm_session *session)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_SHA256_HMAC};
    CK_BYTE mac[TP_HSM_MAC_LEN], data[1] = {0};
    CK_ULONG len = sizeof(mac);
    struct tp_hsm_scrap key TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    return tp_hsm_secret_generate(session, CKK_GENERIC_SECRET, false, TP_HSM_USE_SIGN, NULL, &key.object) == TP_OK &&
           TP_HSM_CALL(session, C_SignInit, &mechanism, key.object) == CKR_OK &&
           TP_HSM_CALL(session, C_Sign, data, sizeof(data), mac, &len) == CKR_OK;
}

static bool can_encrypt(struct tp_hsm_session *session)
{
    CK_BYTE iv[16] = {0}, data[1] = {0}, cipher[32];
    CK_MECHANISM mechanism = {CKM_AES_CBC_PAD, iv, sizeof(iv)};
    CK_ULONG len = sizeof(cipher);
    struct tp_hsm_scrap key TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    return tp_hsm_secret_generate(session, CKK_AES, false, TP_HSM_USE_ENCRYPT, NULL, &key.object) == TP_OK &&
           TP_HSM_CALL(session, C_EncryptInit, &mechanism, key.object) == CKR_OK &&
           TP_HSM_CALL(session, C_Encrypt, data, sizeof(data), cipher, &len) == CKR_OK;
}

static bool can_random(struct tp_hsm_session *session)
{
    CK_BYTE bytes[16];
    return TP_HSM_CALL(session, C_GenerateRandom, bytes, sizeof(bytes)) == CKR_OK;
}

static enum tp_rc try_import(struct tp_hsm_session *session, CK_OBJECT_HANDLE wrapping_key, struct tp_error *error)
{
    struct tp_secret *pkcs8 TP_AUTO(tp_secret_free_p) = NULL, *wrapped TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_buf spki TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pki_private_key_make(&pkcs8, &spki));
    return tp_hsm_import_under(session, wrapping_key, TP_HSM_P256, tp_secret_bytes(pkcs8), tp_buf_bytes(&spki), error,
                               &wrapped);
}

static void probe_import(struct tp_hsm_session *session, CK_OBJECT_HANDLE wrapping_key,
                         struct tp_hsm_abilities *abilities)
{
    struct tp_error error = {0};
    abilities->import = try_import(session, wrapping_key, &error) == TP_OK;
    if (!abilities->import)
        snprintf(abilities->import_why_not, sizeof(abilities->import_why_not), "%s", tp_error_words(&error));
}

static const char *wrap_name(const struct tp_hsm *hsm)
{
    switch (atomic_load(&hsm->wrap_mechanism)) {
    case CKM_AES_KEY_WRAP_KWP:
        return "CKM_AES_KEY_WRAP_KWP";
    case CKM_AES_KEY_WRAP_PAD:
        return "CKM_AES_KEY_WRAP_PAD";
    default:
        return NULL;
    }
}

enum tp_rc tp_hsm_probe(struct tp_hsm_session *session, struct tp_error *error, struct tp_hsm_abilities *ret_abilities)
{
    struct tp_hsm_abilities abilities = {.wrap_mechanism = wrap_name(session->hsm)};
    struct tp_hsm_scrap key TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    TP_TRY(tp_hsm_secret_generate(session, CKK_AES, false, TP_HSM_USE_WRAP | TP_HSM_USE_UNWRAP, error, &key.object));
    for (int type = 1; type < TP_HSM_KEY_TYPE_END; type++) {
        if (type == TP_HSM_RSA_3072 || type == TP_HSM_RSA_4096)
            judge_larger_rsa(session, (enum tp_hsm_key_type)type, &abilities);
        else
            probe_type(session, key.object, (enum tp_hsm_key_type)type, &abilities);
    }
    abilities.hmac_sha256 = can_hmac(session);
    abilities.aes_cbc_pad = can_encrypt(session);
    abilities.random = can_random(session);
    probe_import(session, key.object, &abilities);
    /* What was tried on a token that went away says nothing about it. */
    if (!tp_hsm_is_linked(session->hsm))
        return tp_hsm_call_rc(session->hsm, CKR_DEVICE_REMOVED, "the probe", error);
    *ret_abilities = abilities;
    return TP_OK;
}
