/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/authority_key.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "engine/authority.h"
#include "engine/edit.h"
#include "pki/certificate.h"
#include "pki/digest_info.h"

#include <stdlib.h>
#include <string.h>

#define SERVICE_ID "00000000000000000000000000000002" /* taken by intent, as in service_key.c */
#define SERVICE_NAME "tsa"
#define CACHE_ID_LEN 24
#define KEY_TYPE "rsa-3072" /* the least RSA that is good beyond 2030 (NIST SP 800-131A) */

/* ---- the record ---- */

struct stored {
    uint64_t version; /* 0: there is none */
    Tp__Engine__ServiceKey *key;
};

static void stored_clear(struct stored *stored)
{
    if (stored->key != NULL)
        tp__engine__service_key__free_unpacked(stored->key, NULL);
}

static enum tp_rc stored_read(struct tp_engine *engine, struct tp_error *error, struct stored *ret_stored)
{
    struct tp_ledger_record record = {0};
    const enum tp_rc rc = tp_ledger_find(engine->ledger, "service", "", SERVICE_NAME, error, &record);
    if (rc == TP_NOT_FOUND) {
        tp_error_clear(error);
        return TP_OK;
    }
    TP_TRY(rc);
    ret_stored->version = record.version;
    ret_stored->key = tp__engine__service_key__unpack(NULL, record.content.len, record.content.data);
    tp_ledger_record_clear(&record);
    if (ret_stored->key == NULL)
        return tp_error_set(error, TP_STORE_DAMAGED, "the record of the timestamp authority's key cannot be read");
    return TP_OK;
}

/* The one to have certified: what waits, or else the one in use. NULL: there is neither. */
static const Tp__Engine__ServiceKey *key_to_certify(const struct stored *stored)
{
    if (stored->key == NULL)
        return NULL;
    return stored->key->next != NULL ? stored->key->next : stored->key;
}

/* ---- signing ---- */

static _Thread_local struct tp_hsm_session *lent;

void tp_authority_key_lend(struct tp_hsm_session *session)
{
    lent = session;
}

struct context {
    char id[CACHE_ID_LEN]; /* in the cache of unwrapped keys: another key, another name */
    enum tp_hsm_key_type type;
    struct tp_buf blob;
};

static enum tp_rc load(void *own, struct tp_error *error, struct tp_hsm_wrapped *ret_wrapped)
{
    const struct context *context = own;
    (void)error;
    ret_wrapped->type = context->type;
    return tp_secret_new_copy(tp_buf_bytes(&context->blob), &ret_wrapped->key);
}

static enum tp_rc sign_raw(struct context *context, const struct tp_hsm_sign_params *params, struct tp_bytes data,
                           struct tp_error *error, struct tp_buf *ret_signature)
{
    struct tp_hsm_key *key = NULL;
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len = 0;
    if (lent == NULL)
        return tp_error_set(error, TP_HSM_ABSENT, "the HSM is away");
    TP_TRY(tp_hsm_key_get(lent, context->id, load, context, error, &key));
    const enum tp_rc rc = tp_hsm_sign(lent, key, params, data, error, signature, &len);
    tp_hsm_key_put(key);
    TP_TRY(rc);
    return tp_buf_append(ret_signature, TP_BYTES(signature, len));
}

static enum tp_rc sign(void *own, const struct tp_pki_sign_input *input, struct tp_error *error, struct tp_buf *ret_signature)
{
    const bool rsa = input->scheme == TP_PKI_RSA_PKCS1;
    const struct tp_hsm_sign_params params = {.mechanism = rsa ? TP_HSM_RSA_PKCS : TP_HSM_ECDSA};
    uint8_t info[TP_PKI_DIGEST_INFO_MAX];
    size_t info_len = 0;
    if (!rsa)
        return sign_raw(own, &params, input->input, error, ret_signature);
    TP_TRY(tp_pki_digest_info_make(input->hash, input->input, info, &info_len));
    return sign_raw(own, &params, TP_BYTES(info, info_len), error, ret_signature);
}

static void release(void *own)
{
    struct context *context = own;
    tp_buf_clear(&context->blob);
    free(context);
}

static enum tp_rc context_new(const Tp__Engine__ServiceKey *key, struct context **ret_context)
{
    uint8_t hash[TP_SHA256_LEN];
    TP_TRY(tp_sha256(tp_field(key->spki), TP_BYTES_NONE, TP_BYTES_NONE, hash));
    struct context *context = calloc(1, sizeof *context);
    if (context == NULL)
        return TP_MEMORY;
    memcpy(context->id, "tsa-", 4);
    tp_hex_encode(TP_BYTES(hash, 8), context->id + 4);
    context->type = (enum tp_hsm_key_type)key->type;
    const enum tp_rc rc = tp_buf_append(&context->blob, tp_field(key->blob));
    if (rc != TP_OK) {
        release(context);
        return rc;
    }
    *ret_context = context;
    return TP_OK;
}

static enum tp_rc signer_of(const Tp__Engine__ServiceKey *key, struct tp_error *error, struct tp_pki_signer **ret_signer)
{
    static const struct tp_pki_signer_calls calls = {.sign = sign, .release = release};
    struct tp_bytes certificates[TP_PKI_SIGNER_CERTIFICATES];
    struct context *context = NULL;
    if (key->n_certificates > TP_PKI_SIGNER_CERTIFICATES)
        return TP_TOO_LARGE;
    for (size_t i = 0; i < key->n_certificates; i++)
        certificates[i] = tp_field(key->certificates[i]);
    TP_TRY(context_new(key, &context));
    return tp_pki_signer_new(tp_field(key->spki), certificates, key->n_certificates, &calls, context, error, ret_signer);
}

enum tp_rc tp_authority_key_signer(struct tp_engine *engine, struct tp_error *error, struct tp_pki_signer **ret_signer)
{
    struct stored stored TP_AUTO(stored_clear) = {0};
    TP_TRY(stored_read(engine, error, &stored));
    if (stored.key == NULL)
        return tp_error_set(error, TP_NOT_FOUND, "the timestamp authority has no key yet; make one: trustp11 tsa key make");
    if (stored.key->n_certificates == 0)
        return tp_error_set(error, TP_NOT_FOUND,
                            "the timestamp authority's key has no certificate yet; trustp11 tsa key csr, then trustp11 tsa cert import");
    return signer_of(stored.key, error, ret_signer);
}

/* ---- operations ---- */

static enum tp_rc demand_hsm_key(const struct tp_call *call, struct tp_error *error)
{
    const char *key = call->engine->conf.authority.key;
    if (key != NULL && strcmp(key, "hsm") == 0)
        return TP_OK;
    return tp_error_set(error, TP_CONFIG, "the timestamp authority's key is not the engine's; set [tsa] key = hsm in engine.conf and restart the engine");
}

static enum tp_rc answer_with(struct tp_call *call, const Tp__Engine__ServiceKey *key)
{
    Tp__Ipc__TsaKeyReply reply = TP__IPC__TSA_KEY_REPLY__INIT;
    struct tp_pki_certificate certificate TP_AUTO(tp_pki_certificate_clear) = {0};
    reply.key_type = (char *)(uintptr_t)tp_hsm_key_type_name((enum tp_hsm_key_type)key->type);
    reply.spki = key->spki;
    if (key->n_certificates > 0 && tp_pki_certificate_parse(tp_field(key->certificates[0]), NULL, &certificate) == TP_OK)
        reply.not_after_ms = certificate.not_after_ms;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

static enum tp_rc commit(struct tp_call *call, enum tp_action action, const struct stored *stored, const Tp__Engine__ServiceKey *key)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    TP_TRY(tp_edit_new(call->engine, call, action, &edit));
    tp_edit_object(edit, "service", SERVICE_ID);
    TP_TRY(tp_edit_service(edit, SERVICE_ID, SERVICE_NAME, stored->version, key));
    return tp_edit_commit(edit, &call->error);
}

/* Timestamps are CMS signatures, which want a hash (RFC 5652): what signs messages itself is left out. */
static bool is_fit(enum tp_hsm_key_type type)
{
    return type == TP_HSM_RSA_2048 || type == TP_HSM_RSA_3072 || type == TP_HSM_RSA_4096 || type == TP_HSM_P256 || type == TP_HSM_P384;
}

static enum tp_rc wanted_type(struct tp_call *call, const char *name, enum tp_hsm_key_type *ret_type)
{
    if (tp_hsm_key_type_parse(name[0] == '\0' ? KEY_TYPE : name, ret_type) != TP_OK || !is_fit(*ret_type))
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "keys for timestamps are rsa-2048, rsa-3072, rsa-4096, p-256 or p-384");
    const char *why_not = call->engine->abilities.key[*ret_type].why_not;
    return why_not[0] == '\0' ? TP_OK : tp_error_set(&call->error, TP_UNSUPPORTED, "this HSM has no such keys: %s", why_not);
}

static enum tp_rc make_next(struct tp_call *call, enum tp_hsm_key_type type, const struct stored *stored)
{
    struct tp_secret *wrapped TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_buf spki TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    Tp__Engine__ServiceKey next = TP__ENGINE__SERVICE_KEY__INIT, whole = TP__ENGINE__SERVICE_KEY__INIT;
    TP_TRY(tp_hsm_key_generate(call->session, TP_BYTES_NONE, type, &call->error, &wrapped, &spki));
    next.type = type;
    next.spki = (ProtobufCBinaryData){.data = spki.data, .len = spki.len};
    next.blob = (ProtobufCBinaryData){.data = tp_secret_data(wrapped), .len = tp_secret_len(wrapped)};
    if (stored->key != NULL)
        whole = *stored->key;
    whole.next = &next;
    TP_TRY(commit(call, TP_ACTION_TSA_KEY_MAKE, stored, &whole));
    return answer_with(call, &next);
}

/* Two at a time would write over each other's: `sweep` is for that (internal.h). */
enum tp_rc tp_op_tsa_key_make(struct tp_call *call)
{
    const Tp__Ipc__TsaKeyRequest *message = (const Tp__Ipc__TsaKeyRequest *)call->request->message;
    struct stored stored TP_AUTO(stored_clear) = {0};
    enum tp_hsm_key_type type;
    TP_TRY(demand_hsm_key(call, &call->error));
    TP_TRY(wanted_type(call, message->key_type, &type));
    pthread_mutex_lock(&call->engine->sweep);
    enum tp_rc rc = stored_read(call->engine, &call->error, &stored);
    if (rc == TP_OK && stored.key != NULL && stored.key->next != NULL && !message->replace)
        rc = tp_error_set(&call->error, TP_EXISTS,
                          "a key of the timestamp authority waits for its certificate already; --replace gives it up");
    if (rc == TP_OK)
        rc = make_next(call, type, &stored);
    pthread_mutex_unlock(&call->engine->sweep);
    return rc;
}

static enum tp_rc make_request(struct tp_call *call, const Tp__Engine__ServiceKey *key, const char *subject)
{
    struct tp_pki_signer *signer TP_AUTO(tp_pki_signer_free_p) = NULL;
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    Tp__Ipc__DerReply reply = TP__IPC__DER_REPLY__INIT;
    Tp__Engine__ServiceKey bare = *key;
    bare.n_certificates = 0;
    TP_TRY(signer_of(&bare, &call->error, &signer));
    tp_authority_key_lend(call->session);
    const enum tp_rc rc = tp_pki_request_make(signer, subject, NULL, 0, NULL, 0, &call->error, &der);
    tp_authority_key_lend(NULL);
    TP_TRY(rc);
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_TSA_KEY_CSR, &edit));
    tp_edit_object(edit, "service", SERVICE_ID);
    TP_TRY(tp_edit_commit(edit, &call->error)); /* recorded before it is released */
    reply.der = (ProtobufCBinaryData){.data = der.data, .len = der.len};
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_tsa_key_csr(struct tp_call *call)
{
    const Tp__Ipc__TsaCsrRequest *message = (const Tp__Ipc__TsaCsrRequest *)call->request->message;
    struct stored stored TP_AUTO(stored_clear) = {0};
    TP_TRY(demand_hsm_key(call, &call->error));
    TP_TRY(stored_read(call->engine, &call->error, &stored));
    const Tp__Engine__ServiceKey *key = key_to_certify(&stored);
    if (key == NULL)
        return tp_error_set(&call->error, TP_NOT_FOUND, "the timestamp authority has no key yet; make one: trustp11 tsa key make");
    return make_request(call, key, message->subject);
}

/* The key that the certificate is for: the one that waits, or the one in use. */
static enum tp_rc choose(const struct stored *stored, struct tp_bytes spki, struct tp_error *error, const Tp__Engine__ServiceKey **ret_key)
{
    const Tp__Engine__ServiceKey *const keys[] = {stored->key, stored->key == NULL ? NULL : stored->key->next};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i] != NULL && tp_bytes_equal(tp_field(keys[i]->spki), spki)) {
            *ret_key = keys[i];
            return TP_OK;
        }
    return tp_error_set(error, TP_BAD_ARGUMENT, "the certificate is not for the timestamp authority's key, nor for one that waits");
}

/* As an authority with it would be: for timestamps alone, valid, and the chain in order. */
static enum tp_rc check_certificates(const struct tp_call *call, const Tp__Engine__ServiceKey *key, struct tp_error *error)
{
    struct tp_pki_signer *signer TP_AUTO(tp_pki_signer_free_p) = NULL;
    struct tp_tsa_profile profile = call->engine->conf.authority.profile;
    for (size_t i = 0; i + 1 < key->n_certificates; i++)
        TP_TRY(tp_pki_certificate_issued_by(tp_field(key->certificates[i]), tp_field(key->certificates[i + 1]), error));
    TP_TRY(signer_of(key, error, &signer));
    profile.signer = signer;
    return tp_tsa_profile_check(&profile, tp_clock_utc_ms(), error);
}

static enum tp_rc import(struct tp_call *call, const Tp__Ipc__TsaCertificateRequest *message, const struct stored *stored)
{
    struct tp_pki_certificate own TP_AUTO(tp_pki_certificate_clear) = {0};
    const Tp__Engine__ServiceKey *key = NULL;
    TP_TRY(tp_pki_certificate_parse(tp_field(message->der[0]), &call->error, &own));
    TP_TRY(choose(stored, tp_buf_bytes(&own.spki), &call->error, &key));
    Tp__Engine__ServiceKey whole = *key;
    whole.n_certificates = message->n_der;
    whole.certificates = message->der;
    whole.next = key == stored->key ? key->next : NULL; /* what waited is now the one in use */
    TP_TRY(check_certificates(call, &whole, &call->error));
    TP_TRY(commit(call, TP_ACTION_TSA_CERT_IMPORT, stored, &whole));
    TP_TRY(tp_authority_renew(call->engine, &call->error));
    return answer_with(call, &whole);
}

enum tp_rc tp_op_tsa_cert_import(struct tp_call *call)
{
    const Tp__Ipc__TsaCertificateRequest *message = (const Tp__Ipc__TsaCertificateRequest *)call->request->message;
    struct stored stored TP_AUTO(stored_clear) = {0};
    TP_TRY(demand_hsm_key(call, &call->error));
    if (message->n_der == 0 || message->n_der > TP_PKI_SIGNER_CERTIFICATES)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a certificate and its issuers: one to %d", TP_PKI_SIGNER_CERTIFICATES);
    pthread_mutex_lock(&call->engine->sweep);
    enum tp_rc rc = stored_read(call->engine, &call->error, &stored);
    if (rc == TP_OK)
        rc = import(call, message, &stored);
    pthread_mutex_unlock(&call->engine->sweep);
    return rc;
}
