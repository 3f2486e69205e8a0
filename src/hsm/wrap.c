/* SPDX-License-Identifier: Apache-2.0
 *
 * Wrapping and unwrapping with AES (RFC 5649), and what is generated to be wrapped: user wrapping keys and user keys.
 */
#include "hsm/internal.h"
#include "hsm/key_type.h"
#include "hsm/public_key.h"

#include <string.h>

static const CK_BYTE rsa_exponent[] = {0x01, 0x00, 0x01};

enum tp_rc tp_hsm_wrap_mechanism(const struct tp_hsm *hsm, struct tp_error *error, CK_MECHANISM *ret_mechanism)
{
    CK_MECHANISM_TYPE type = atomic_load(&hsm->wrap_mechanism);
    if (type == 0)
        return tp_error_set(error, TP_UNSUPPORTED,
                            "the HSM's token %s knows neither CKM_AES_KEY_WRAP_KWP nor CKM_AES_KEY_WRAP_PAD, without "
                            "which no key can be kept outside of it",
                            tp_hsm_uri_name(hsm->uri));
    *ret_mechanism = (CK_MECHANISM){.mechanism = type};
    return TP_OK;
}

enum tp_rc tp_hsm_wrap(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE key,
                       struct tp_error *error, uint8_t *ret_wrapped, size_t capacity, size_t *ret_len)
{
    CK_MECHANISM mechanism;
    CK_ULONG len = capacity;
    TP_TRY(tp_hsm_wrap_mechanism(session->hsm, error, &mechanism));
    TP_HSM_TRY(session, error, C_WrapKey, &mechanism, by, key, ret_wrapped, &len);
    *ret_len = len;
    return TP_OK;
}

/* The two codes that say nothing: damage, or a token in trouble. */
static bool is_vague(CK_RV rv)
{
    return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED;
}

/* Whether the token still knows its own keys; a loss is noticed on the way. */
static bool token_answers(struct tp_hsm_session *session, CK_OBJECT_HANDLE by)
{
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE attribute = {.type = CKA_KEY_TYPE, .pValue = &type, .ulValueLen = sizeof(type)};
    CK_TOKEN_INFO token;
    if (TP_HSM_SLOT_CALL(session, C_GetTokenInfo, &token) == CKR_OK &&
        TP_HSM_CALL(session, C_GetAttributeValue, by, &attribute, 1) == CKR_OK)
        return true;
    tp_hsm_mark_lost(session->hsm);
    return false;
}

static enum tp_rc unwrap_rc(const struct tp_hsm *hsm, CK_RV rv, struct tp_error *error)
{
    if (tp_hsm_ckr_rc(rv) != TP_HSM)
        return tp_hsm_call_rc(hsm, rv, "C_UnwrapKey", error);
    return tp_error_set(error, TP_KEY_DAMAGED,
                        "a stored key does not unwrap (C_UnwrapKey: %s, 0x%lx): it is damaged, or belongs to another "
                        "user or token; restore it from a backup",
                        tp_hsm_ckr_name(rv), rv);
}

enum tp_rc tp_hsm_unwrap(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, struct tp_bytes wrapped,
                         struct tp_hsm_template *template, struct tp_error *error, CK_OBJECT_HANDLE *ret_key)
{
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE key = 0;
    CK_RV rv;
    TP_TRY(tp_hsm_wrap_mechanism(session->hsm, error, &mechanism));
    if (wrapped.len == 0 || wrapped.len > TP_HSM_WRAPPED_MAX)
        return tp_error_set(error, TP_KEY_DAMAGED, "a stored key of %zu bytes is none: restore it from a backup",
                            wrapped.len);
    for (int tries = 0; tries < 2; tries++) { /* damage answers the same twice; a hiccup does not */
        rv = TP_HSM_CALL(session, C_UnwrapKey, &mechanism, by, (CK_BYTE_PTR)wrapped.data, wrapped.len, template->at,
                         template->count, &key);
        if (!is_vague(rv))
            break;
        if (!token_answers(session, by))
            return tp_hsm_call_rc(session->hsm, CKR_DEVICE_REMOVED, "C_UnwrapKey", error);
    }
    if (rv != CKR_OK)
        return unwrap_rc(session->hsm, rv, error);
    *ret_key = key;
    return TP_OK;
}

enum tp_rc tp_hsm_uwk_unwrap(struct tp_hsm_session *session, struct tp_bytes wrapped_uwk, enum tp_hsm_use use,
                             struct tp_error *error, struct tp_hsm_scrap *ret_scrap, CK_OBJECT_HANDLE *ret_uwk)
{
    CK_OBJECT_HANDLE kek, uwk;
    struct tp_hsm_template template;
    TP_TRY(tp_hsm_token_key(session->hsm, TP_HSM_ROLE_KEK, error, &kek));
    if (wrapped_uwk.len == 0) {
        *ret_uwk = kek;
        return TP_OK;
    }
    tp_hsm_template_start(&template, &tp_hsm_class_secret, &tp_hsm_type_aes, false, use);
    TP_TRY(tp_hsm_unwrap(session, kek, wrapped_uwk, &template, error, &uwk));
    *ret_scrap = (struct tp_hsm_scrap){.session = session, .object = uwk};
    *ret_uwk = uwk;
    return TP_OK;
}

enum tp_rc tp_hsm_private_unwrap(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, enum tp_hsm_key_type type,
                                 struct tp_bytes wrapped, struct tp_error *error, CK_OBJECT_HANDLE *ret_key)
{
    const struct tp_hsm_key_kind *kind = tp_hsm_key_kind_of(type);
    struct tp_hsm_template template;
    if (kind == NULL)
        return tp_error_set(error, TP_KEY_DAMAGED, "a stored key is of a kind that is not known (%d)", (int)type);
    tp_hsm_template_start(&template, &tp_hsm_class_private, &kind->type, false, TP_HSM_USE_SIGN);
    return tp_hsm_unwrap(session, by, wrapped, &template, error, ret_key);
}

enum tp_rc tp_hsm_uwk_generate(struct tp_hsm_session *session, struct tp_error *error, struct tp_buf *ret_wrapped)
{
    uint8_t wrapped[TP_HSM_WRAPPED_AES_MAX];
    size_t len;
    CK_OBJECT_HANDLE kek;
    struct tp_hsm_scrap uwk TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    TP_TRY(tp_hsm_token_key(session->hsm, TP_HSM_ROLE_KEK, error, &kek));
    TP_TRY(tp_hsm_secret_generate(session, CKK_AES, true, TP_HSM_USE_WRAP | TP_HSM_USE_UNWRAP, error, &uwk.object));
    TP_TRY(tp_hsm_wrap(session, kek, uwk.object, error, wrapped, sizeof(wrapped), &len));
    return tp_buf_append(ret_wrapped, TP_BYTES(wrapped, len));
}

static void pair_templates(const struct tp_hsm_key_kind *kind, const struct tp_hsm_pair_uses *uses,
                           struct tp_hsm_template *public_half, struct tp_hsm_template *private_half)
{
    tp_hsm_template_start(public_half, &tp_hsm_class_public, &kind->type, false, uses->public_uses);
    if (kind->type == CKK_RSA) {
        tp_hsm_template_add(public_half, CKA_MODULUS_BITS, &kind->bits, sizeof(kind->bits));
        tp_hsm_template_add(public_half, CKA_PUBLIC_EXPONENT, rsa_exponent, sizeof(rsa_exponent));
    } else {
        tp_hsm_template_add(public_half, CKA_EC_PARAMS, kind->ec_params.data, kind->ec_params.len);
    }
    tp_hsm_template_start(private_half, &tp_hsm_class_private, &kind->type, uses->extractable, uses->private_uses);
}

enum tp_rc tp_hsm_pair_generate_for(struct tp_hsm_session *session, const struct tp_hsm_key_kind *kind,
                                    const struct tp_hsm_pair_uses *uses, struct tp_error *error,
                                    struct tp_hsm_scrap *ret_public, struct tp_hsm_scrap *ret_private)
{
    CK_MECHANISM mechanism = {.mechanism = kind->generate};
    CK_OBJECT_HANDLE public_key, private_key;
    struct tp_hsm_template public_half, private_half;
    pair_templates(kind, uses, &public_half, &private_half);
    TP_HSM_TRY(session, error, C_GenerateKeyPair, &mechanism, public_half.at, public_half.count, private_half.at,
               private_half.count, &public_key, &private_key);
    *ret_public = (struct tp_hsm_scrap){.session = session, .object = public_key};
    *ret_private = (struct tp_hsm_scrap){.session = session, .object = private_key};
    return TP_OK;
}

enum tp_rc tp_hsm_pair_generate(struct tp_hsm_session *session, const struct tp_hsm_key_kind *kind,
                                struct tp_error *error, struct tp_hsm_scrap *ret_public,
                                struct tp_hsm_scrap *ret_private)
{
    const struct tp_hsm_pair_uses uses = {
        .public_uses = TP_HSM_USE_VERIFY, .private_uses = TP_HSM_USE_SIGN, .extractable = true};
    return tp_hsm_pair_generate_for(session, kind, &uses, error, ret_public, ret_private);
}

enum tp_rc tp_hsm_wrap_to_secret(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE key,
                                 struct tp_error *error, struct tp_secret **ret_wrapped)
{
    struct tp_secret *scratch TP_AUTO(tp_secret_free_p) = NULL;
    size_t len;
    TP_TRY(tp_secret_new(TP_HSM_WRAPPED_MAX, &scratch));
    TP_TRY(tp_hsm_wrap(session, by, key, error, tp_secret_data(scratch), TP_HSM_WRAPPED_MAX, &len));
    /* A copy of the right size: callers keep it. */
    return tp_secret_new_copy(TP_BYTES(tp_secret_data(scratch), len), ret_wrapped);
}

enum tp_rc tp_hsm_key_generate(struct tp_hsm_session *session, struct tp_bytes wrapped_uwk, enum tp_hsm_key_type type,
                               struct tp_error *error, struct tp_secret **ret_wrapped, struct tp_buf *ret_spki)
{
    const struct tp_hsm_key_kind *kind = tp_hsm_key_kind_of(type);
    CK_OBJECT_HANDLE by;
    struct tp_hsm_scrap uwk TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    struct tp_hsm_scrap public_key TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    struct tp_hsm_scrap private_key TP_AUTO(tp_hsm_scrap_destroy) = {.session = session};
    struct tp_secret *wrapped TP_AUTO(tp_secret_free_p) = NULL;
    if (kind == NULL)
        return tp_error_set(error, TP_BAD_ARGUMENT, "no key type has the number %d", (int)type);
    TP_TRY(tp_hsm_uwk_unwrap(session, wrapped_uwk, TP_HSM_USE_WRAP, error, &uwk, &by));
    TP_TRY(tp_hsm_pair_generate(session, kind, error, &public_key, &private_key));
    TP_TRY(tp_hsm_wrap_to_secret(session, by, private_key.object, error, &wrapped));
    TP_TRY(tp_hsm_public_key_read(session, public_key.object, kind, error, ret_spki));
    *ret_wrapped = wrapped;
    wrapped = NULL;
    return TP_OK;
}
