/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates of users' keys, and the CRLs that say which of them are no longer good (RS-16).
 */
#include "pki/certificate.h"

#include "base/clock.h"
#include "engine/authorisation.h"
#include "engine/edit.h"
#include "engine/key.h"
#include "engine/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MOST 8
#define NAMED_MOST 256

/* ---- import ---- */

static struct tp_bytes der_at(const Tp__Ipc__CertificateRequest *message, size_t at)
{
    return TP_BYTES(message->der[at].data, message->der[at].len);
}

static struct tp_credential *key_of_certificate(struct tp_engine *engine, struct tp_user *user, struct tp_bytes spki)
{
    struct tp_credential *found = NULL;
    pthread_mutex_lock(&engine->lock);
    for (struct tp_credential *at = user->credentials; at != NULL && found == NULL; at = at->next)
        if (tp_bytes_equal(TP_BYTES(at->record->spki.data, at->record->spki.len), spki))
            found = at;
    pthread_mutex_unlock(&engine->lock);
    return found;
}

/* The key that the certificate speaks of must be the one that the caller means (pkcs11-consumers, complaint 8). */
static enum tp_rc find_key(struct tp_call *call, struct tp_user *user, const struct tp_pki_certificate *certificate,
                           struct tp_credential **ret_credential)
{
    const Tp__Ipc__CertificateRequest *message = (const Tp__Ipc__CertificateRequest *)call->request->message;
    struct tp_credential *found = key_of_certificate(call->engine, user, tp_buf_bytes(&certificate->spki));
    if (found == NULL)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT,
                            "the certificate's public key is not that of any key of user %s; was it issued for another request?",
                            user->name);
    if (message->credential[0] != '\0' && strcmp(found->id, message->credential) != 0 &&
        strcmp(found->label, message->credential) != 0)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the certificate belongs to the key \"%s\", not to \"%s\"",
                            found->label, message->credential);
    *ret_credential = found;
    return TP_OK;
}

static enum tp_rc check_chain(struct tp_call *call, const Tp__Ipc__CertificateRequest *message)
{
    if (message->n_der == 0 || message->n_der > CHAIN_MOST + 1)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "give the certificate and at most %d issuers", CHAIN_MOST);
    for (size_t i = 0; i + 1 < message->n_der; i++)
        if (tp_pki_certificate_issued_by(der_at(message, i), der_at(message, i + 1), NULL) != TP_OK)
            return tp_error_set(&call->error, TP_BAD_ARGUMENT,
                                "certificate %zu was not issued by certificate %zu: give the user's own first, then its issuers in order",
                                i + 1, i + 2);
    return TP_OK;
}

static enum tp_rc put_certificates(const Tp__Ipc__CertificateRequest *message, Tp__Engine__Key *record)
{
    for (size_t i = 0; i < record->n_certificates; i++)
        free(record->certificates[i].data);
    free(record->certificates);
    record->n_certificates = 0;
    record->certificates = calloc(message->n_der, sizeof record->certificates[0]);
    if (record->certificates == NULL)
        return TP_MEMORY;
    for (; record->n_certificates < message->n_der; record->n_certificates++)
        TP_TRY(tp_field_bytes(&record->certificates[record->n_certificates], der_at(message, record->n_certificates)));
    return TP_OK;
}

static enum tp_rc import(struct tp_call *call, struct tp_user *user, const struct tp_pki_certificate *certificate)
{
    const Tp__Ipc__CertificateRequest *message = (const Tp__Ipc__CertificateRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    struct tp_credential *credential = NULL;
    TP_TRY(find_key(call, user, certificate, &credential));
    if (certificate->not_after_ms <= tp_clock_utc_ms())
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the certificate has expired; renew it first");
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_CERT_IMPORT, &edit));
    Tp__Engine__Key *record = tp_edit_key(edit, credential);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    TP_TRY(put_certificates(message, record));
    tp_edit_object(edit, "credential", credential->id);
    tp_edit_detail(edit, "serial %s", certificate->serial);
    TP_TRY(tp_edit_commit(edit, &call->error));
    tp_key_answer(call, credential);
    return TP_OK;
}

enum tp_rc tp_op_cert_import(struct tp_call *call)
{
    const Tp__Ipc__CertificateRequest *message = (const Tp__Ipc__CertificateRequest *)call->request->message;
    struct tp_pki_certificate certificate = {0};
    struct tp_user *user = NULL;
    TP_TRY(check_chain(call, message));
    TP_TRY(tp_pki_certificate_parse(der_at(message, 0), &call->error, &certificate));
    enum tp_rc rc = tp_call_turn(call, message->user, &user);
    if (rc == TP_OK) {
        rc = import(call, user, &certificate);
        tp_people_release_turn(call->engine, user);
    }
    tp_pki_certificate_clear(&certificate);
    return rc;
}

/* ---- CRL ---- */

/* A credential whose certificate is on the list. */
struct hit {
    char user_id[TP_ID_LEN], credential[TP_ID_LEN];
    const char *reason; /* static */
    bool hold;
};

struct search {
    struct tp_call *call;
    struct tp_pki_crl crl;
    struct tp_pki_crl_index *index;
    bool issuer_known; /* some credential's issuer certificate verifies the list */
    struct hit *hits;
    size_t hits_len, hits_capacity;
};

static enum tp_rc add_hit(struct search *search, const struct tp_ledger_record *record, const char *reason, bool hold)
{
    if (search->hits_len == search->hits_capacity) {
        size_t capacity = search->hits_capacity == 0 ? 16 : search->hits_capacity * 2;
        struct hit *hits = realloc(search->hits, capacity * sizeof *hits);
        if (hits == NULL)
            return TP_MEMORY;
        search->hits = hits;
        search->hits_capacity = capacity;
    }
    struct hit *hit = &search->hits[search->hits_len++];
    *hit = (struct hit){.reason = reason, .hold = hold};
    snprintf(hit->user_id, sizeof hit->user_id, "%s", record->owner);
    snprintf(hit->credential, sizeof hit->credential, "%s", record->id);
    return TP_OK;
}

/* A list is believed only when the issuer certificate that came with some user's certificate verifies it. */
static bool believed(struct search *search, const Tp__Engine__Key *key)
{
    const Tp__Ipc__CrlRequest *message = (const Tp__Ipc__CrlRequest *)search->call->request->message;
    if (!search->issuer_known && key->n_certificates > 1)
        search->issuer_known =
            tp_pki_crl_verify(TP_BYTES(message->der.data, message->der.len),
                              TP_BYTES(key->certificates[1].data, key->certificates[1].len), NULL) == TP_OK;
    return search->issuer_known;
}

static enum tp_rc match(struct search *search, const struct tp_ledger_record *record, const Tp__Engine__Key *key)
{
    struct tp_pki_certificate certificate = {0};
    const char *reason = NULL;
    bool hold = false;
    if (key->n_certificates == 0 ||
        tp_pki_certificate_parse(TP_BYTES(key->certificates[0].data, key->certificates[0].len), NULL, &certificate) != TP_OK)
        return TP_OK;
    enum tp_rc rc = TP_OK;
    if (tp_bytes_equal(tp_buf_bytes(&certificate.issuer_der), tp_buf_bytes(&search->crl.issuer_der))) {
        bool good = believed(search, key);
        if (good && tp_pki_crl_find(search->index, tp_buf_bytes(&certificate.serial_der), &reason, &hold) == TP_OK)
            rc = add_hit(search, record, reason, hold);
    }
    tp_pki_certificate_clear(&certificate);
    return rc;
}

static enum tp_rc match_each(void *context, const struct tp_ledger_record *record)
{
    Tp__Engine__Key *key = tp__engine__key__unpack(NULL, record->content.len, record->content.data);
    if (key == NULL)
        return TP_STORE_DAMAGED;
    enum tp_rc rc = match(context, record, key);
    tp__engine__key__free_unpacked(key, NULL);
    return rc;
}

static enum tp_rc revoke(struct tp_call *call, struct tp_user *user, const struct hit *hit)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    enum tp_policy_state to = hit->hold ? TP_STATE_SUSPENDED : TP_STATE_REVOKED;
    pthread_mutex_lock(&call->engine->lock);
    struct tp_credential *credential = tp_people_credential(user, hit->credential);
    pthread_mutex_unlock(&call->engine->lock);
    if (credential == NULL || credential->record->state == TP_STATE_REVOKED || credential->record->state == (uint32_t)to)
        return TP_OK;
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_CRL_IMPORT, &edit));
    Tp__Engine__Key *record = tp_edit_key(edit, credential);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    record->state = (uint32_t)to;
    TP_TRY(tp_field_text(&record->reason, hit->reason));
    tp_edit_object(edit, "credential", credential->id);
    tp_edit_outcome(edit, "ok", hit->reason);
    tp_edit_detail(edit, "state %s", tp_policy_state_name(to));
    return tp_edit_commit(edit, &call->error);
}

/* Late or not: a CRL that has been begun is applied to its end, since what is on it must stop. */
static enum tp_rc revoke_hit(struct tp_call *call, const struct hit *hit)
{
    struct tp_user *user = NULL;
    TP_TRY(tp_people_get_by_id(call->engine, hit->user_id, &call->error, &user));
    enum tp_rc rc = tp_people_turn(call->engine, user, INT64_MAX, &call->error);
    if (rc == TP_OK) {
        rc = revoke(call, user, hit);
        tp_people_turn_end(user);
    }
    tp_people_release(call->engine, user);
    return rc;
}

static enum tp_rc apply_crl(struct search *search)
{
    struct tp_call *call = search->call;
    uint64_t cursor = 0;
    TP_TRY(tp_ledger_each(call->engine->ledger, "credential", NULL, &cursor, SIZE_MAX, &call->error, match_each, search));
    if (!search->issuer_known)
        return tp_error_set(&call->error, TP_NOT_FOUND,
                            "no imported certificate has an issuer that verifies this CRL of \"%s\"; import certificates with their chain",
                            search->crl.issuer);
    for (size_t i = 0; i < search->hits_len; i++)
        TP_TRY(revoke_hit(call, &search->hits[i]));
    return TP_OK;
}

/* At most NAMED_MOST credentials are named in the answer; the log names all. */
static void answer_crl(struct search *search)
{
    char *named[NAMED_MOST];
    size_t named_len = search->hits_len < NAMED_MOST ? search->hits_len : NAMED_MOST;
    Tp__Ipc__CrlReply reply = TP__IPC__CRL_REPLY__INIT;
    for (size_t i = 0; i < named_len; i++)
        named[i] = search->hits[i].credential;
    reply.revoked = (uint32_t)search->hits_len;
    reply.credentials = named;
    reply.n_credentials = named_len;
    reply.next_update_ms = search->crl.next_update_ms;
    reply.issuer = search->crl.issuer;
    tp_ipc_answer(search->call->request, &reply.base, TP_BYTES_NONE);
}

static enum tp_rc import_crl(struct search *search)
{
    struct tp_call *call = search->call;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    const Tp__Ipc__CrlRequest *message = (const Tp__Ipc__CrlRequest *)call->request->message;
    struct tp_bytes der = TP_BYTES(message->der.data, message->der.len);
    TP_TRY(tp_pki_crl_parse(der, &call->error, &search->crl));
    TP_TRY(tp_pki_crl_index_new(der, &call->error, &search->index));
    TP_TRY(apply_crl(search));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_CRL_IMPORT, &edit));
    tp_edit_detail(edit, "%zu of our certificates are on it", search->hits_len);
    TP_TRY(tp_edit_commit(edit, &call->error));
    answer_crl(search);
    return TP_OK;
}

enum tp_rc tp_op_crl_import(struct tp_call *call)
{
    struct search search = {.call = call};
    enum tp_rc rc = import_crl(&search);
    tp_pki_crl_index_free(search.index);
    tp_pki_crl_clear(&search.crl);
    free(search.hits);
    return rc;
}
