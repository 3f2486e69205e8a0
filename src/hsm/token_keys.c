/* SPDX-License-Identifier: Apache-2.0
 *
 * The deployment's own keys on the token: made once, found at each login.
 */
#include "base/clock.h"
#include "hsm/internal.h"
#include "hsm/oaep.h"
#include "hsm/public_key.h"

#include <stdio.h>
#include <string.h>

/* Labels carry a generation, so that a later one can be made beside the first. */
#define LABEL_LEN  16
#define GENERATION 1

#define AFTER_LOSS_MS 5000 /* how long a token that was lost while its keys were made is looked for */

static const struct role {
    const char *name;
    CK_KEY_TYPE type;
    unsigned uses;
} roles[TP_HSM_ROLE_END] = {
    [TP_HSM_ROLE_KEK] = {"kek", CKK_AES, TP_HSM_USE_WRAP | TP_HSM_USE_UNWRAP},
    [TP_HSM_ROLE_PIN] = {"pin", CKK_GENERIC_SECRET, TP_HSM_USE_SIGN | TP_HSM_USE_VERIFY},
    [TP_HSM_ROLE_SEAL] = {"seal", CKK_GENERIC_SECRET, TP_HSM_USE_SIGN | TP_HSM_USE_VERIFY},
    [TP_HSM_ROLE_ROW] = {"row", CKK_GENERIC_SECRET, TP_HSM_USE_SIGN | TP_HSM_USE_VERIFY},
    [TP_HSM_ROLE_OTP] = {"otp", CKK_AES, TP_HSM_USE_ENCRYPT | TP_HSM_USE_DECRYPT},
};

struct found {
    CK_OBJECT_HANDLE objects[2]; /* one more than there may be */
    CK_ULONG count;
};

const char *tp_hsm_role_name(enum tp_hsm_role role)
{
    return role < TP_HSM_ROLE_END ? roles[role].name : "unknown";
}

static size_t label_of(unsigned role, char ret_label[LABEL_LEN])
{
    return (size_t)snprintf(ret_label, LABEL_LEN, "%s/%d", roles[role].name, GENERATION);
}

enum tp_rc tp_hsm_token_key(const struct tp_hsm *hsm, enum tp_hsm_role role, struct tp_error *error,
                            CK_OBJECT_HANDLE *ret_key)
{
    CK_OBJECT_HANDLE key = atomic_load(&hsm->token_keys[role]);
    if (key == 0)
        return tp_error_set(error, TP_NOT_FOUND,
                            "the keys of token %s have not been looked up; make them with trustp11 init",
                            tp_hsm_uri_name(hsm->uri));
    *ret_key = key;
    return TP_OK;
}

/* ---- finding ---- */

static enum tp_rc find_role(struct tp_hsm_session *session, unsigned role, struct tp_error *error,
                            struct found *ret_found)
{
    char label[LABEL_LEN];
    struct tp_hsm_template template = {.count = 0};
    struct found found = {.count = 0};
    tp_hsm_template_add(&template, CKA_CLASS, &tp_hsm_class_secret, sizeof(tp_hsm_class_secret));
    tp_hsm_template_add_bool(&template, CKA_TOKEN, true);
    tp_hsm_template_add(&template, CKA_LABEL, label, label_of(role, label));
    TP_HSM_TRY(session, error, C_FindObjectsInit, template.at, template.count);
    CK_RV rv = TP_HSM_CALL(session, C_FindObjects, found.objects, 2, &found.count);
    struct tp_hsm *hsm = session->hsm;
    if (tp_hsm_call_begin(session)) /* the search ends on every way out */
        rv = tp_hsm_call_end(session, hsm->module->calls->C_FindObjectsFinal(session->handle)) != CKR_OK && rv == CKR_OK
                 ? CKR_SESSION_CLOSED
                 : rv;
    TP_TRY(tp_hsm_call_rc(hsm, rv, "C_FindObjects", error));
    *ret_found = found;
    return TP_OK;
}

/* What a token key must be, whoever put it there. */
static void expect(unsigned role, struct tp_hsm_template *ret_template)
{
    ret_template->count = 0;
    tp_hsm_template_add_bool(ret_template, CKA_PRIVATE, true);
    tp_hsm_template_add_bool(ret_template, CKA_SENSITIVE, true);
    tp_hsm_template_add_bool(ret_template, CKA_EXTRACTABLE, false);
    tp_hsm_template_add_uses(ret_template, CKO_SECRET_KEY, roles[role].uses);
    tp_hsm_template_add(ret_template, CKA_KEY_TYPE, &roles[role].type, sizeof(roles[role].type));
}

static enum tp_rc check_key(struct tp_hsm_session *session, unsigned role, CK_OBJECT_HANDLE key, struct tp_error *error)
{
    struct tp_hsm_template wanted, actual;
    union {
        CK_BBOOL yes;
        CK_KEY_TYPE type;
    } values[TP_HSM_TEMPLATE_MAX] = {{0}};
    expect(role, &wanted);
    actual = wanted;
    for (CK_ULONG i = 0; i < actual.count; i++)
        actual.at[i].pValue = &values[i];
    TP_HSM_TRY(session, error, C_GetAttributeValue, key, actual.at, actual.count);
    for (CK_ULONG i = 0; i < wanted.count; i++)
        if (actual.at[i].ulValueLen != wanted.at[i].ulValueLen ||
            memcmp(actual.at[i].pValue, wanted.at[i].pValue, wanted.at[i].ulValueLen) != 0)
            return tp_error_set(
                error, TP_KEY_UNUSABLE,
                "the key %s/%d of token %s has a wrong %s: it was not made by trustp11 init; use another "
                "token",
                roles[role].name, GENERATION, tp_hsm_uri_name(session->hsm->uri),
                tp_hsm_attribute_name(wanted.at[i].type));
    return TP_OK;
}

static enum tp_rc find_checked(struct tp_hsm_session *session, unsigned role, struct tp_error *error,
                               CK_OBJECT_HANDLE *ret_key)
{
    struct found found;
    const char *token = tp_hsm_uri_name(session->hsm->uri);
    TP_TRY(find_role(session, role, error, &found));
    if (found.count == 0)
        return tp_error_set(error, TP_NOT_FOUND, "the token %s has no key %s/%d: trustp11 init makes it", token,
                            roles[role].name, GENERATION);
    if (found.count > 1)
        return tp_error_set(error, TP_KEY_UNUSABLE,
                            "the token %s has more than one key %s/%d: remove those that are not ours", token,
                            roles[role].name, GENERATION);
    TP_TRY(check_key(session, role, found.objects[0], error));
    *ret_key = found.objects[0];
    return TP_OK;
}

enum tp_rc tp_hsm_token_keys_find(struct tp_hsm_session *session, struct tp_error *error)
{
    CK_OBJECT_HANDLE keys[TP_HSM_ROLE_END];
    struct tp_hsm *hsm = session->hsm;
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++)
        TP_TRY(find_checked(session, role, error, &keys[role]));
    /* Inside the gate, so that handles of a login that has ended do not overwrite those of the next. */
    if (!tp_hsm_call_begin(session))
        return tp_hsm_call_rc(hsm, TP_CKR_NOT_CALLED, "C_FindObjects", error);
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++)
        atomic_store(&hsm->token_keys[role], keys[role]);
    atomic_store(&hsm->token_keys_wanted, true);
    tp_hsm_call_end(session, CKR_OK);
    return TP_OK;
}

/* ---- making ---- */

/* What the KEK unwraps comes out sensitive and cannot decrypt, whatever template is asked for: otherwise a wrapped key
 * could be brought back as one that decrypts wrapped keys. */
static CK_ATTRIBUTE unwrap_template[] = {
    {CKA_PRIVATE, (void *)&tp_hsm_yes, sizeof(CK_BBOOL)},
    {CKA_SENSITIVE, (void *)&tp_hsm_yes, sizeof(CK_BBOOL)},
    {CKA_DECRYPT, (void *)&tp_hsm_no, sizeof(CK_BBOOL)},
};

static CK_RV generate_with(struct tp_hsm_session *session, unsigned role, bool with_unwrap_template,
                           CK_OBJECT_HANDLE *ret_key)
{
    CK_MECHANISM mechanism = {.mechanism = roles[role].type == CKK_AES ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN};
    struct tp_hsm_template template;
    tp_hsm_template_start(&template, &tp_hsm_class_secret, &roles[role].type, true, roles[role].uses);
    tp_hsm_template_add(&template, CKA_VALUE_LEN, &tp_hsm_aes_len, sizeof(tp_hsm_aes_len));
    if (with_unwrap_template)
        tp_hsm_template_add(&template, CKA_UNWRAP_TEMPLATE, unwrap_template, sizeof(unwrap_template));
    return TP_HSM_CALL(session, C_GenerateKey, &mechanism, template.at, template.count, ret_key);
}

/* CKA_UNWRAP_TEMPLATE is not known everywhere: without it where it is refused. */
static enum tp_rc generate(struct tp_hsm_session *session, unsigned role, struct tp_error *error,
                           struct tp_hsm_scrap *ret_key)
{
    CK_OBJECT_HANDLE key = 0;
    bool wants_template = role == TP_HSM_ROLE_KEK;
    CK_RV rv = generate_with(session, role, wants_template, &key);
    if (wants_template && tp_hsm_ckr_rc(rv) == TP_UNSUPPORTED)
        rv = generate_with(session, role, false, &key);
    TP_TRY(tp_hsm_call_rc(session->hsm, rv, "C_GenerateKey", error));
    *ret_key = (struct tp_hsm_scrap){.session = session, .object = key};
    return TP_OK;
}

static enum tp_rc copy_to_token(struct tp_hsm_session *session, unsigned role, CK_OBJECT_HANDLE key,
                                struct tp_error *error, CK_OBJECT_HANDLE *ret_copy)
{
    char label[LABEL_LEN];
    struct tp_hsm_template template = {.count = 0};
    CK_OBJECT_HANDLE copy;
    tp_hsm_template_add_bool(&template, CKA_TOKEN, true);
    tp_hsm_template_add_bool(&template, CKA_PRIVATE, true);
    tp_hsm_template_add_bool(&template, CKA_EXTRACTABLE, false);
    tp_hsm_template_add(&template, CKA_LABEL, label, label_of(role, label));
    TP_HSM_TRY(session, error, C_CopyObject, key, template.at, template.count, &copy);
    *ret_copy = copy;
    return TP_OK;
}

/* Everything that one run makes; what is still in here at its end is destroyed. */
struct making {
    struct tp_hsm_scrap custodian;
    struct tp_hsm_scrap session_keys[TP_HSM_ROLE_END];
    struct tp_hsm_scrap token_keys[TP_HSM_ROLE_END];
    struct tp_buf backups[TP_HSM_ROLE_END];
};

static void making_clear(struct making *making)
{
    tp_hsm_scrap_destroy(&making->custodian);
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++) {
        tp_hsm_scrap_destroy(&making->token_keys[role]);
        tp_hsm_scrap_destroy(&making->session_keys[role]);
        tp_buf_clear(&making->backups[role]);
    }
}

static enum tp_rc refuse_existing(struct tp_hsm_session *session, struct tp_error *error)
{
    struct found found;
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++) {
        TP_TRY(find_role(session, role, error, &found));
        if (found.count > 0)
            return tp_error_set(
                error, TP_EXISTS,
                "the token %s holds a key %s/%d already: it belongs to a deployment, or is what a failed "
                "init has left; use an empty token",
                tp_hsm_uri_name(session->hsm->uri), roles[role].name, GENERATION);
    }
    return TP_OK;
}

/* All that can fail for a reason of the token's comes before the first object is put onto it. */
static enum tp_rc make_session_keys(struct tp_hsm_session *session, bool with_backup, struct tp_error *error,
                                    struct making *making)
{
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++) {
        TP_TRY(generate(session, role, error, &making->session_keys[role]));
        if (with_backup)
            TP_TRY(tp_hsm_oaep_wrap(session, making->custodian.object, making->session_keys[role].object, error,
                                    &making->backups[role]));
    }
    return TP_OK;
}

static enum tp_rc make_token_keys(struct tp_hsm_session *session, struct tp_error *error, struct making *making)
{
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++) {
        struct tp_hsm_scrap *copy = &making->token_keys[role];
        TP_TRY(copy_to_token(session, role, making->session_keys[role].object, error, &copy->object));
        copy->session = session;
        TP_TRY(check_key(session, role, copy->object, error));
    }
    return TP_OK;
}

static void hand_over(struct making *making, struct tp_buf ret_backups[TP_HSM_ROLE_END])
{
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++) {
        making->token_keys[role].object = 0;
        ret_backups[role] = making->backups[role];
        making->backups[role] = TP_BUF_INIT;
    }
}

/* The token held none of these keys when we began: what it holds now, if it is back, is ours. */
static enum tp_rc remove_after_loss(struct tp_hsm_session *session, struct tp_error *error, struct making *making)
{
    struct tp_error ignored = {0};
    making->custodian.object = 0; /* these handles ended with the login */
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++)
        making->session_keys[role].object = making->token_keys[role].object = 0;
    if (tp_hsm_session_renew(session, tp_clock_monotonic_ms() + AFTER_LOSS_MS, &ignored) != TP_OK)
        return tp_error_prefix(error, TP_HSM_ABSENT,
                               "the token was lost while its keys were made, some may be left on it");
    tp_hsm_token_keys_remove(session);
    return TP_HSM_ABSENT;
}

enum tp_rc tp_hsm_token_keys_make(struct tp_hsm_session *session, struct tp_bytes custodian_spki,
                                  struct tp_error *error, struct tp_buf ret_backups[TP_HSM_ROLE_END])
{
    struct making making TP_AUTO(making_clear) = {.custodian = {.session = session}};
    bool with_backup = custodian_spki.len > 0;
    TP_TRY(refuse_existing(session, error));
    if (with_backup)
        TP_TRY(tp_hsm_public_key_import(session, custodian_spki, error, &making.custodian));
    TP_TRY(make_session_keys(session, with_backup, error, &making));
    enum tp_rc rc = make_token_keys(session, error, &making);
    if (rc == TP_HSM_ABSENT)
        return remove_after_loss(session, error, &making);
    if (rc == TP_OK)
        hand_over(&making, ret_backups);
    return rc;
}

void tp_hsm_token_keys_remove(struct tp_hsm_session *session)
{
    atomic_store(&session->hsm->token_keys_wanted, false);
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++) {
        struct found found;
        atomic_store(&session->hsm->token_keys[role], 0);
        if (find_role(session, role, NULL, &found) != TP_OK)
            continue;
        for (CK_ULONG i = 0; i < found.count; i++)
            tp_hsm_object_destroy(session, found.objects[i]);
    }
}
