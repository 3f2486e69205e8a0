/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificate requests (PKCS#10): the one thing that a key without certificate may sign is its own, built here so that
 * nobody can pass anything else off as one.
 */
#include "engine/authorisation.h"
#include "engine/edit.h"
#include "engine/facts.h"
#include "engine/key.h"
#include "engine/vault.h"
#include "pki/certificate.h"
#include "pki/signer.h"

#define NAMES_MAX 32 /* subjectAltNames of a request, of one kind */

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
                                 struct tp_bytes data, struct tp_error *error)
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
    return decision.rc == TP_OK ? TP_OK : tp_error_set(error, decision.rc, "%s", decision.words);
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

static enum tp_rc sign_callback(void *context, const struct tp_pki_sign_input *input, struct tp_error *error,
                                struct tp_buf *ret_signature)
{
    struct request_signer *signer = context;
    const bool rsa = input->scheme == TP_PKI_RSA_PKCS1;
    const struct tp_hsm_sign_params params = {
        .mechanism = rsa ? TP_HSM_RSA_PKCS : input->scheme == TP_PKI_EDDSA ? TP_HSM_EDDSA : TP_HSM_ECDSA};
    uint8_t info[TP_PKI_DIGEST_INFO_MAX];
    size_t info_len = 0;
    if (rsa)
        TP_TRY(tp_pki_digest_info_make(input->hash, input->input, info, &info_len));
    const struct tp_bytes data = rsa ? TP_BYTES(info, info_len) : input->input;
    TP_TRY(decide_request(signer, &params, data, error));
    return sign_request(signer, &params, data, error, ret_signature);
}

static enum tp_rc make_request(struct tp_call *call, struct tp_user *user, struct tp_credential *credential)
{
    const Tp__Ipc__CsrRequest *message = (const Tp__Ipc__CsrRequest *)call->request->message;
    static const struct tp_pki_signer_calls calls = {.sign = sign_callback};
    struct request_signer context = {.call = call, .user = user, .credential = credential};
    struct tp_pki_signer *signer TP_AUTO(tp_pki_signer_free_p) = NULL;
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    Tp__Ipc__DerReply reply = TP__IPC__DER_REPLY__INIT;
    if (message->n_dns > NAMES_MAX || message->n_email > NAMES_MAX)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "at most %d names of a kind", NAMES_MAX);
    TP_TRY(tp_pki_signer_new(tp_field(credential->record->spki), NULL, 0, &calls, &context, &call->error, &signer));
    TP_TRY(tp_pki_request_make(signer, message->subject, (const char *const *)message->dns, message->n_dns,
                               (const char *const *)message->email, message->n_email, &call->error, &der));
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
    return tp_key_with(call, message->user, message->credential, make_request);
}
