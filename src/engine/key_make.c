/* SPDX-License-Identifier: Apache-2.0
 *
 * How a user comes by a key: made in the HSM, or made elsewhere and put into it; either way wrapped by the user's wrapping
 * key, and sealed (RS-5).
 */
#include "base/clock.h"
#include "engine/authorisation.h"
#include "engine/certificate.h"
#include "engine/edit.h"
#include "engine/key.h"
#include "engine/people.h"
#include "engine/vault.h"
#include "pki/private_key.h"

#include <string.h>

#define OWN_MOST 100 /* keys up to which an owner may make more; an officer may go on */

struct making {
    /* what is wished for */
    const char *label;
    struct tp_bytes cka_id;
    bool always_authenticate;
    struct tp_certificates certificates; /* that come with it; .len 0: none */
    /* what becomes of it */
    struct tp_user *user;
    enum tp_hsm_key_type type;
    char id[TP_ID_LEN];
    struct tp_edit *edit;
    struct tp_secret *pkcs8; /* of a key that is imported; NULL: it is made here */
    struct tp_secret *wrapped;
    struct tp_buf spki, uwk;
    struct tp_pki_certificate certificate; /* the first of them */
};

static void making_clear(struct making *making)
{
    tp_edit_free(making->edit);
    tp_secret_free(making->pkcs8);
    tp_secret_free(making->wrapped);
    tp_buf_clear(&making->spki);
    tp_buf_clear(&making->uwk);
    tp_pki_certificate_clear(&making->certificate);
}

/* ---- whether ---- */

bool tp_key_can_make(const struct tp_engine *engine, enum tp_hsm_key_type type)
{
    const struct tp_hsm_abilities *abilities = &engine->abilities;
    return abilities->key[type].generate && abilities->key[type].wrap && abilities->key[type].unwrap;
}

static enum tp_rc can_make(struct tp_call *call, enum tp_hsm_key_type type)
{
    if (tp_key_can_make(call->engine, type))
        return TP_OK;
    return tp_error_set(&call->error, TP_UNSUPPORTED, "this HSM cannot keep %s keys wrapped (%s); see: trustp11 doctor",
                        tp_hsm_key_type_name(type), call->engine->abilities.key[type].why_not);
}

/* Every key costs memory in the engine, and time whenever somebody looks. */
static enum tp_rc may_have_more(struct tp_call *call, const struct tp_user *user)
{
    unsigned keys = 0;
    if (user->record->closed)
        return tp_error_set(&call->error, TP_NOT_PERMITTED, "the user is closed, for good");
    for (const struct tp_credential *at = user->credentials; at != NULL; at = at->next)
        keys++;
    if (keys < OWN_MOST || call->role != TP_ROLE_OWNER || tp_call_act_as_officer(call))
        return TP_OK;
    return tp_error_set(&call->error, TP_NOT_PERMITTED, "there are %u keys already; ask an officer for more, or to delete some",
                        keys);
}

/* ---- the record ---- */

/* The user wrapping key: made with the first key, or by enrolment. */
static enum tp_rc user_wrapping_key(struct tp_call *call, struct making *making)
{
    struct tp_user *user = making->user;
    if (user->record->uwk.len > 0)
        return tp_buf_append(&making->uwk, tp_field(user->record->uwk));
    Tp__Engine__User *record = tp_edit_user(making->edit, user);
    if (record == NULL)
        return TP_MEMORY;
    TP_TRY(tp_hsm_uwk_generate(call->session, &call->error, &making->uwk));
    return tp_field_bytes(&record->uwk, tp_buf_bytes(&making->uwk));
}

/* Sealed at once when its owner is logged in; pending otherwise (architecture: Keys). */
static enum tp_rc protect(struct tp_call *call, struct making *making, Tp__Engine__Key *record)
{
    struct tp_secret *key TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_bytes wrapped = tp_secret_bytes(making->wrapped);
    enum tp_rc rc = tp_authorisation_sealing_key(call->engine, making->user, "", &key);
    record->pending = rc != TP_OK;
    if (rc != TP_OK)
        return tp_field_bytes(&record->blob, wrapped);
    TP_TRY(tp_vault_seal(tp_secret_bytes(key), making->user->id, making->id, wrapped, &call->error, &sealed));
    return tp_field_bytes(&record->blob, tp_buf_bytes(&sealed));
}

static enum tp_rc fill_record(struct tp_call *call, struct making *making, Tp__Engine__Key *record)
{
    struct tp_pki_key_info info;
    struct tp_bytes cka_id = making->cka_id;
    TP_TRY(tp_pki_key_info(tp_buf_bytes(&making->spki), &call->error, &info));
    if (cka_id.len == 0)
        cka_id = TP_BYTES(info.key_id, sizeof info.key_id);
    TP_TRY(tp_key_check_id(call, making->user, NULL, cka_id));
    record->type = (uint32_t)making->type;
    record->state = (uint32_t)TP_STATE_ACTIVE;
    record->created_ms = tp_clock_utc_ms();
    record->always_authenticate = making->always_authenticate;
    record->imported = making->pkcs8 != NULL;
    TP_TRY(tp_field_bytes(&record->cka_id, cka_id));
    TP_TRY(tp_field_bytes(&record->spki, tp_buf_bytes(&making->spki)));
    if (making->certificates.len > 0)
        TP_TRY(tp_certificates_put(&making->certificates, record));
    return protect(call, making, record);
}

static enum tp_rc commit(struct tp_call *call, struct making *making)
{
    Tp__Engine__Key *record = tp_edit_key_new(making->edit, making->user, making->id, making->label);
    bool certified = making->certificates.len > 0;
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    TP_TRY(fill_record(call, making, record));
    tp_edit_object(making->edit, "credential", making->id);
    tp_edit_detail(making->edit, "%s for user %s%s%s%s%s", tp_hsm_key_type_name(making->type), making->user->id,
                   record->pending ? ", pending" : "", record->always_authenticate ? ", always authenticates" : "",
                   certified ? ", certificate serial " : "", certified ? making->certificate.serial : "");
    enum tp_rc rc = tp_edit_commit(making->edit, &call->error);
    return rc == TP_EXISTS ? tp_key_label_exists(call, making->label) : rc;
}

static enum tp_rc begin(struct tp_call *call, enum tp_action action, struct making *making)
{
    TP_TRY(may_have_more(call, making->user));
    TP_TRY(tp_edit_new(call->engine, call, action, &making->edit));
    return user_wrapping_key(call, making);
}

typedef enum tp_rc make_fn(struct tp_call *call, struct making *making);

/* MAKE with the turn of the user NAME taken, and the answer. */
static enum tp_rc make_and_answer(struct tp_call *call, const char *name, make_fn *make, struct making *making)
{
    struct tp_credential *made = NULL;
    TP_TRY(tp_id_make(making->id));
    TP_TRY(tp_call_turn(call, name, &making->user));
    enum tp_rc rc = make(call, making);
    if (rc == TP_OK) {
        pthread_mutex_lock(&call->engine->lock);
        HASH_FIND_STR(call->engine->credentials, making->id, made);
        pthread_mutex_unlock(&call->engine->lock);
        tp_key_answer(call, made);
    }
    tp_people_release_turn(call->engine, making->user);
    return rc;
}

/* ---- made here ---- */

static enum tp_rc generate(struct tp_call *call, struct making *making)
{
    TP_TRY(tp_call_owner_may(call, TP_OWNER_GENERATE));
    TP_TRY(begin(call, TP_ACTION_KEY_GENERATE, making));
    TP_TRY(tp_hsm_key_generate(call->session, tp_buf_bytes(&making->uwk), making->type, &call->error, &making->wrapped,
                               &making->spki));
    return commit(call, making);
}

enum tp_rc tp_op_key_generate(struct tp_call *call)
{
    const Tp__Ipc__KeyGenerateRequest *message = (const Tp__Ipc__KeyGenerateRequest *)call->request->message;
    struct making making TP_AUTO(making_clear) = {.label = message->label,
                                                  .cka_id = tp_field(message->cka_id),
                                                  .always_authenticate = message->always_authenticate};
    const char *type = message->key_type[0] != '\0' ? message->key_type : "p-256";
    if (tp_hsm_key_type_parse(type, &making.type) != TP_OK)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT,
                            "there is no key type \"%s\": rsa-2048, rsa-3072, rsa-4096, p-256, p-384, p-521, ed25519", type);
    TP_TRY(tp_key_check_label(call, making.label));
    TP_TRY(can_make(call, making.type));
    return make_and_answer(call, message->user, generate, &making);
}

/* ---- made elsewhere ---- */

static enum tp_rc can_import(struct tp_call *call, enum tp_hsm_key_type type)
{
    const struct tp_hsm_abilities *abilities = &call->engine->abilities;
    TP_TRY(can_make(call, type));
    if (abilities->import)
        return TP_OK;
    return tp_error_set(&call->error, TP_UNSUPPORTED, "this HSM takes no keys that were made elsewhere (%s); see: trustp11 doctor",
                        abilities->import_why_not);
}

/* What the client has sent is foreign, whatever the client has looked at. */
static enum tp_rc read_key(struct tp_call *call, struct making *making)
{
    struct tp_pki_key_info info;
    TP_TRY(tp_pki_private_key_parse(tp_secret_bytes(call->request->secret[0]), &call->error, &making->pkcs8, &making->spki));
    TP_TRY(tp_pki_key_info(tp_buf_bytes(&making->spki), &call->error, &info));
    if (tp_hsm_key_type_parse(info.type, &making->type) != TP_OK)
        return tp_error_set(&call->error, TP_UNSUPPORTED, "keys of type %s are not kept here", info.type);
    return can_import(call, making->type);
}

static enum tp_rc read_certificates(struct tp_call *call, struct making *making)
{
    if (making->certificates.len == 0)
        return TP_OK;
    TP_TRY(tp_certificates_parse(call, &making->certificates, &making->certificate));
    if (tp_bytes_equal(tp_buf_bytes(&making->certificate.spki), tp_buf_bytes(&making->spki)))
        return TP_OK;
    return tp_error_set(&call->error, TP_BAD_ARGUMENT,
                        "the first certificate is not the key's: its public key is another; import the key alone, or with its own");
}

/* One key twice would be two records with one fate: revoking one would leave the other. */
static enum tp_rc is_new(struct tp_call *call, const struct making *making)
{
    for (const struct tp_credential *at = making->user->credentials; at != NULL; at = at->next)
        if (tp_bytes_equal(tp_field(at->record->spki), tp_buf_bytes(&making->spki)))
            return tp_error_set(&call->error, TP_EXISTS,
                                "the user has this key already (trustp11 key list); to replace it, delete that one first");
    return TP_OK;
}

static enum tp_rc import(struct tp_call *call, struct making *making)
{
    TP_TRY(tp_call_owner_may(call, TP_OWNER_IMPORT)); /* as before, but with the turn */
    TP_TRY(is_new(call, making));
    if (making->certificates.len > 0)
        TP_TRY(tp_certificates_judge(call, &making->certificates, &making->certificate));
    TP_TRY(begin(call, TP_ACTION_KEY_IMPORT, making));
    TP_TRY(tp_hsm_key_import(call->session, tp_buf_bytes(&making->uwk), making->type, tp_secret_bytes(making->pkcs8),
                             tp_buf_bytes(&making->spki), &call->error, &making->wrapped));
    return commit(call, making);
}

enum tp_rc tp_op_key_import(struct tp_call *call)
{
    const Tp__Ipc__KeyImportRequest *message = (const Tp__Ipc__KeyImportRequest *)call->request->message;
    struct making making TP_AUTO(making_clear) = {
        .label = message->label,
        .cka_id = tp_field(message->cka_id),
        .always_authenticate = message->always_authenticate,
        .certificates = {.der = message->certificates, .len = message->n_certificates}};
    TP_TRY(tp_call_owner_may(call, TP_OWNER_IMPORT));
    TP_TRY(tp_key_check_label(call, making.label));
    TP_TRY(read_key(call, &making));
    TP_TRY(read_certificates(call, &making));
    if (making.certificates.len == 0)
        return make_and_answer(call, message->user, import, &making);
    /* No list may come between the judgement and the commit. The HSM works meanwhile: what looks at many users at once waits
     * for that, which the order of the locks wants. */
    pthread_mutex_lock(&call->engine->sweep);
    enum tp_rc rc = make_and_answer(call, message->user, import, &making);
    pthread_mutex_unlock(&call->engine->sweep);
    return rc;
}
