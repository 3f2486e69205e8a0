/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's keys, once they are there: one of the states that the policy knows (RS-5, RS-16), and what they may sign without a
 * certificate. How they come about is in key_make.c.
 */
#include "engine/key.h"

#include "base/clock.h"
#include "engine/authorisation.h"
#include "engine/edit.h"
#include "engine/facts.h"
#include "engine/people.h"
#include "engine/vault.h"
#include "pki/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 32 /* subjectAltNames of a request, of one kind */

/* ---- view ---- */

enum tp_rc tp_key_view_locked(const struct tp_credential *credential, struct tp_key_view *ret_view)
{
    const Tp__Engine__Key *from = credential->record;
    struct tp_key_view *view = ret_view;
    size_t len = tp__engine__key__get_packed_size(from);
    uint8_t *packed = malloc(len + 1);
    memset(view, 0, sizeof *view);
    if (packed == NULL)
        return TP_MEMORY;
    tp__engine__key__pack(from, packed);
    view->record = tp__engine__key__unpack(NULL, len, packed);
    free(packed);
    if (view->record == NULL)
        return TP_MEMORY;
    snprintf(view->id, sizeof view->id, "%s", credential->id);
    snprintf(view->label, sizeof view->label, "%s", credential->label);
    const Tp__Engine__Key *record = view->record;
    tp__ipc__credential__init(&view->message);
    view->message.id = view->id;
    view->message.cka_id = record->cka_id;
    view->message.label = view->label;
    view->message.key_type = (char *)(uintptr_t)tp_hsm_key_type_name((enum tp_hsm_key_type)record->type);
    view->message.spki = record->spki;
    if (record->n_certificates > 0)
        view->message.certificate = record->certificates[0];
    if (record->n_certificates > 1) {
        view->message.chain = record->certificates + 1;
        view->message.n_chain = record->n_certificates - 1;
    }
    view->message.state = (char *)(uintptr_t)tp_policy_state_name((enum tp_policy_state)record->state);
    view->message.pending = record->pending;
    view->message.created_ms = record->created_ms;
    view->message.reason = record->reason;
    view->message.always_authenticate = record->always_authenticate;
    view->message.imported = record->imported;
    return TP_OK;
}

void tp_key_view_clear(struct tp_key_view *view)
{
    if (view->record != NULL)
        tp__engine__key__free_unpacked(view->record, NULL);
    view->record = NULL;
}

void tp_key_answer(struct tp_call *call, struct tp_credential *credential)
{
    Tp__Ipc__KeyReply reply = TP__IPC__KEY_REPLY__INIT;
    struct tp_key_view view;
    pthread_mutex_lock(&call->engine->lock);
    enum tp_rc rc = tp_key_view_locked(credential, &view);
    pthread_mutex_unlock(&call->engine->lock);
    if (rc != TP_OK) {
        tp_ipc_refuse(call->request, rc, NULL, 0);
        return;
    }
    reply.credential = &view.message;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    tp_key_view_clear(&view);
}

/* Runs FUNCTION with the user's turn taken, and the credential that the request names. */
typedef enum tp_rc key_fn(struct tp_call *call, struct tp_user *user, struct tp_credential *credential);

static enum tp_rc with_key(struct tp_call *call, const char *user_name, const char *name, key_fn *function)
{
    struct tp_user *user = NULL;
    TP_TRY(tp_call_turn(call, user_name, &user));
    pthread_mutex_lock(&call->engine->lock);
    struct tp_credential *credential = tp_people_credential(user, name);
    pthread_mutex_unlock(&call->engine->lock);
    enum tp_rc rc = credential == NULL
                        ? tp_error_set(&call->error, TP_NOT_FOUND, "%s", tp_people_no_credential(user))
                        : function(call, user, credential); /* it cannot go away while we have the turn */
    tp_people_release_turn(call->engine, user);
    return rc;
}

bool tp_key_as_officer(struct tp_call *call)
{
    if ((call->held & (TP_ROLE_OFFICER | TP_ROLE_ENGINE)) == 0)
        return false;
    tp_call_act_as(call, (call->held & TP_ROLE_OFFICER) != 0 ? TP_ROLE_OFFICER : TP_ROLE_ENGINE);
    return true;
}

/* ---- states ---- */

/* Who may lead from where to where. Revoked is for good. */
static const struct transition {
    enum tp_policy_state from, to;
    bool owner; /* the owner may do it too: a key is stopped at once (RS-16) */
} transitions[] = {
    {TP_STATE_ACTIVE, TP_STATE_SUSPENDED, true},    {TP_STATE_ACTIVE, TP_STATE_DOUBT, true},
    {TP_STATE_ACTIVE, TP_STATE_REVOKED, false},     {TP_STATE_SUSPENDED, TP_STATE_ACTIVE, false},
    {TP_STATE_SUSPENDED, TP_STATE_DOUBT, true},     {TP_STATE_SUSPENDED, TP_STATE_REVOKED, false},
    {TP_STATE_DOUBT, TP_STATE_ACTIVE, false},       {TP_STATE_DOUBT, TP_STATE_SUSPENDED, false},
    {TP_STATE_DOUBT, TP_STATE_REVOKED, false},
};

static bool owner_may_make(enum tp_policy_state to)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
        if (transitions[i].to == to && transitions[i].owner)
            return true;
    return false;
}

static enum tp_rc check_transition(struct tp_call *call, enum tp_policy_state from, enum tp_policy_state to)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++) {
        if (transitions[i].from != from || transitions[i].to != to)
            continue;
        if (call->role != TP_ROLE_OWNER || transitions[i].owner || tp_key_as_officer(call))
            return TP_OK;
        return tp_error_set(&call->error, TP_NOT_PERMITTED, "only an officer can make a key %s", tp_policy_state_name(to));
    }
    if (from == to)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the key's state is \"%s\" already", tp_policy_state_name(to));
    return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a key in state \"%s\" cannot be made \"%s\"; see: trustp11 key list",
                        tp_policy_state_name(from), tp_policy_state_name(to));
}

static enum tp_rc set_state(struct tp_call *call, struct tp_user *user, struct tp_credential *credential)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    enum tp_policy_state to = TP_STATE_DELETED;
    (void)user;
    if (tp_policy_state_parse(message->state, &to) != TP_OK || to == TP_STATE_DELETED || to == TP_STATE_PENDING)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a key is made active, suspended, doubt or revoked");
    if (call->role == TP_ROLE_OWNER && !owner_may_make(to))
        (void)tp_key_as_officer(call); /* whether or not it succeeds: it is not the owner's to do */
    TP_TRY(check_transition(call, (enum tp_policy_state)credential->record->state, to));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_KEY_STATE, &edit));
    Tp__Engine__Key *record = tp_edit_key(edit, credential);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    record->state = (uint32_t)to;
    TP_TRY(tp_field_text(&record->reason, message->reason));
    tp_edit_object(edit, "credential", credential->id);
    tp_edit_outcome(edit, "ok", message->reason);
    tp_edit_detail(edit, "state %s", tp_policy_state_name(to));
    TP_TRY(tp_edit_commit(edit, &call->error));
    tp_key_answer(call, credential);
    return TP_OK;
}

enum tp_rc tp_op_key_state(struct tp_call *call)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    return with_key(call, message->user, message->credential, set_state);
}

static enum tp_rc delete_key(struct tp_call *call, struct tp_user *user, struct tp_credential *credential)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    char id[TP_ID_LEN];
    memcpy(id, credential->id, sizeof id);
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_KEY_DELETE, &edit));
    TP_TRY(tp_edit_key_delete(edit, credential));
    tp_edit_object(edit, "credential", id);
    tp_edit_outcome(edit, "ok", message->reason);
    tp_edit_detail(edit, "of user %s", user->id);
    TP_TRY(tp_edit_commit(edit, &call->error));
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_key_delete(struct tp_call *call)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    return with_key(call, message->user, message->credential, delete_key);
}

/* ---- certificate request ---- */

/* The one thing that a key without certificate may sign: its own request, built here so that nobody can pass anything else
 * off as one. */
struct request_signer {
    struct tp_call *call;
    struct tp_user *user;
    struct tp_credential *credential;
};

static enum tp_rc load(void *context, struct tp_error *error, struct tp_hsm_wrapped *ret_wrapped)
{
    struct request_signer *signer = context;
    const Tp__Engine__Key *record = signer->credential->record;
    struct tp_secret *key TP_AUTO(tp_secret_free_p) = NULL;
    enum tp_rc rc = tp_authorisation_sealing_key(signer->call->engine, signer->user, "", &key);
    if (rc != TP_OK)
        return tp_error_set(error, rc, "the login has ended; log in again");
    ret_wrapped->type = (enum tp_hsm_key_type)record->type;
    TP_TRY(tp_buf_append(&ret_wrapped->uwk, tp_field(signer->user->record->uwk)));
    return tp_vault_unseal(tp_secret_bytes(key), signer->user->id, signer->credential->id, tp_field(record->blob), error,
                           &ret_wrapped->key);
}

/* The policy without its certificate rules; everything else holds. */
static enum tp_rc decide_request(struct request_signer *signer, const struct tp_hsm_sign_params *params,
                                 struct tp_bytes data)
{
    struct tp_engine *engine = signer->call->engine;
    struct tp_policy policy = engine->conf.policy;
    struct tp_policy_facts facts;
    struct tp_policy_decision decision;
    pthread_mutex_lock(&engine->lock);
    struct tp_authorisation *own = tp_call_owner_locked(engine, signer->call->request->peer, signer->user->name);
    tp_facts_locked(engine, signer->credential, own, &facts);
    policy.allow_no_certificate = true;
    facts.has_certificate = false;
    facts.single = facts.always_authenticate; /* what is signed is the engine's own making: any login of the owner's will do */
    facts.params = *params;
    facts.data = data;
    facts.has_data = true;
    tp_policy_decide(&policy, &facts, &decision);
    if (decision.rc == TP_OK && own != NULL)
        own->used++;
    pthread_mutex_unlock(&engine->lock);
    return decision.rc == TP_OK ? TP_OK : tp_error_set(&signer->call->error, decision.rc, "%s", decision.words);
}

static enum tp_rc sign_request(struct request_signer *signer, const struct tp_hsm_sign_params *params,
                               struct tp_bytes data, struct tp_error *error, struct tp_buf *ret_signature)
{
    struct tp_hsm_key *key = NULL;
    size_t len = 0;
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    TP_TRY(tp_hsm_key_get(signer->call->session, signer->credential->id, load, signer, error, &key));
    enum tp_rc rc = tp_hsm_sign(signer->call->session, key, params, data, error, signature, &len);
    tp_hsm_key_put(key);
    TP_TRY(rc);
    return tp_buf_append(ret_signature, TP_BYTES(signature, len));
}

static enum tp_rc sign_callback(void *context, enum tp_pki_hash hash, struct tp_bytes digest, struct tp_error *error,
                                struct tp_buf *ret_signature)
{
    struct request_signer *signer = context;
    bool rsa = signer->credential->record->type <= TP_HSM_RSA_4096;
    struct tp_hsm_sign_params params = {
        .mechanism = rsa ? TP_HSM_RSA_PKCS : hash == TP_PKI_HASH_NONE ? TP_HSM_EDDSA : TP_HSM_ECDSA};
    uint8_t info[TP_PKI_DIGEST_INFO_MAX];
    size_t info_len = 0;
    if (rsa)
        TP_TRY(tp_pki_digest_info_make(hash, digest, info, &info_len));
    struct tp_bytes data = rsa ? TP_BYTES(info, info_len) : digest;
    TP_TRY(decide_request(signer, &params, data));
    return sign_request(signer, &params, data, error, ret_signature);
}

static enum tp_rc make_request(struct tp_call *call, struct tp_user *user, struct tp_credential *credential)
{
    const Tp__Ipc__CsrRequest *message = (const Tp__Ipc__CsrRequest *)call->request->message;
    struct request_signer signer = {.call = call, .user = user, .credential = credential};
    struct tp_pki_sign sign = {.context = &signer, .sign = sign_callback};
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    Tp__Ipc__DerReply reply = TP__IPC__DER_REPLY__INIT;
    if (message->n_dns > NAMES_MAX || message->n_email > NAMES_MAX)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "at most %d names of a kind", NAMES_MAX);
    TP_TRY(tp_pki_request_make(tp_field(credential->record->spki), message->subject,
                               (const char *const *)message->dns, message->n_dns, (const char *const *)message->email,
                               message->n_email, &sign, &call->error, &der));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_KEY_CSR, &edit));
    tp_edit_object(edit, "credential", credential->id);
    TP_TRY(tp_edit_commit(edit, &call->error)); /* recorded before it is released */
    reply.der = (ProtobufCBinaryData){.data = der.data, .len = der.len};
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_csr(struct tp_call *call)
{
    const Tp__Ipc__CsrRequest *message = (const Tp__Ipc__CsrRequest *)call->request->message;
    return with_key(call, message->user, message->credential, make_request);
}
