/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates of users' keys. The lists of those that are no longer good are in crl.c.
 */
#include "engine/certificate.h"

#include "base/clock.h"
#include "engine/crl.h"
#include "engine/edit.h"
#include "engine/key.h"
#include "engine/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MOST 8

static struct tp_bytes der_at(const struct tp_certificates *certificates, size_t at)
{
    return tp_field(certificates->der[at]);
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
                            "the certificate's public key is not that of any key of user \"%s\"; was it issued for another request?",
                            user->name);
    if (message->credential[0] != '\0' && strcmp(found->id, message->credential) != 0 &&
        strcmp(found->label, message->credential) != 0)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the certificate belongs to another key than \"%s\"; leave --key away, and it finds its own",
                            message->credential);
    *ret_credential = found;
    return TP_OK;
}

static enum tp_rc check_chain(struct tp_call *call, const struct tp_certificates *certificates)
{
    if (certificates->len == 0 || certificates->len > CHAIN_MOST + 1)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "give the certificate and at most %d issuers", CHAIN_MOST);
    for (size_t i = 0; i + 1 < certificates->len; i++)
        if (tp_pki_certificate_issued_by(der_at(certificates, i), der_at(certificates, i + 1), NULL) != TP_OK)
            return tp_error_set(&call->error, TP_BAD_ARGUMENT,
                                "certificate %zu was not issued by certificate %zu: give the user's own first, then its issuers in order",
                                i + 1, i + 2);
    return TP_OK;
}

enum tp_rc tp_certificates_parse(struct tp_call *call, const struct tp_certificates *certificates,
                                 struct tp_pki_certificate *ret_own)
{
    TP_TRY(check_chain(call, certificates));
    return tp_pki_certificate_parse(der_at(certificates, 0), &call->error, ret_own);
}

static void drop_certificates(Tp__Engine__Key *record)
{
    for (size_t i = 0; i < record->n_certificates; i++)
        free(record->certificates[i].data);
    free(record->certificates);
    record->certificates = NULL;
    record->n_certificates = 0;
}

enum tp_rc tp_certificates_put(const struct tp_certificates *certificates, Tp__Engine__Key *record)
{
    drop_certificates(record);
    record->certificates = calloc(certificates->len, sizeof record->certificates[0]);
    if (record->certificates == NULL)
        return TP_MEMORY;
    for (; record->n_certificates < certificates->len; record->n_certificates++)
        TP_TRY(tp_field_bytes(&record->certificates[record->n_certificates], der_at(certificates, record->n_certificates)));
    return TP_OK;
}

/* One that is revoked is refused, not taken with the key revoked: that state is for good, and one wrong file would end a key
 * that is. Refused, the key stays as it was: without certificate it signs nothing, and with another one it was judged by
 * that. */
enum tp_rc tp_certificates_judge(struct tp_call *call, const struct tp_certificates *certificates,
                                 const struct tp_pki_certificate *own)
{
    if (own->not_after_ms <= tp_clock_utc_ms())
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the certificate has expired; renew it first");
    return tp_crl_judge(call->engine, own, certificates->len > 1 ? der_at(certificates, 1) : TP_BYTES_NONE, &call->error);
}

static struct tp_certificates certificates_of(const struct tp_call *call)
{
    const Tp__Ipc__CertificateRequest *message = (const Tp__Ipc__CertificateRequest *)call->request->message;
    return (struct tp_certificates){.der = message->der, .len = message->n_der};
}

static enum tp_rc import(struct tp_call *call, struct tp_user *user, const struct tp_pki_certificate *certificate)
{
    const Tp__Ipc__CertificateRequest *message = (const Tp__Ipc__CertificateRequest *)call->request->message;
    const struct tp_certificates certificates = certificates_of(call);
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    struct tp_credential *credential = NULL;
    TP_TRY(tp_call_owner_may(call, TP_OWNER_CERTIFICATE));
    TP_TRY(find_key(call, user, certificate, &credential));
    TP_TRY(tp_certificates_judge(call, &certificates, certificate));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_CERT_IMPORT, &edit));
    Tp__Engine__Key *record = tp_edit_key(edit, credential);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    TP_TRY(tp_certificates_put(&certificates, record));
    TP_TRY(tp_field_text(&record->certificate_label, message->label));
    tp_edit_object(edit, "credential", credential->id);
    tp_edit_detail(edit, "serial %s", certificate->serial);
    TP_TRY(tp_edit_commit(edit, &call->error));
    tp_key_answer(call, credential);
    return TP_OK;
}

static enum tp_rc import_for_user(struct tp_call *call, const struct tp_pki_certificate *certificate)
{
    const Tp__Ipc__CertificateRequest *message = (const Tp__Ipc__CertificateRequest *)call->request->message;
    struct tp_user *user = NULL;
    TP_TRY(tp_call_turn(call, message->user, &user));
    enum tp_rc rc = import(call, user, certificate);
    tp_people_release_turn(call->engine, user);
    return rc;
}

enum tp_rc tp_op_cert_import(struct tp_call *call)
{
    const struct tp_certificates certificates = certificates_of(call);
    struct tp_pki_certificate certificate = {0};
    const Tp__Ipc__CertificateRequest *message = (const Tp__Ipc__CertificateRequest *)call->request->message;
    if (message->label[0] != '\0')
        TP_TRY(tp_key_check_label(call, message->label));
    TP_TRY(tp_certificates_parse(call, &certificates, &certificate));
    pthread_mutex_lock(&call->engine->sweep); /* no list may come between the judgement and the commit */
    enum tp_rc rc = import_for_user(call, &certificate);
    pthread_mutex_unlock(&call->engine->sweep);
    tp_pki_certificate_clear(&certificate);
    return rc;
}

static enum tp_rc remove_certificate(struct tp_call *call, struct tp_user *user, struct tp_credential *credential)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    (void)user;
    TP_TRY(tp_call_owner_may(call, TP_OWNER_CERTIFICATE));
    if (credential->record->n_certificates == 0)
        return tp_error_set(&call->error, TP_NOT_FOUND, "the key has no certificate; see: trustp11 key list");
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_CERT_REMOVE, &edit));
    Tp__Engine__Key *record = tp_edit_key(edit, credential);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    drop_certificates(record);
    TP_TRY(tp_field_text(&record->certificate_label, ""));
    tp_edit_object(edit, "credential", credential->id);
    tp_edit_outcome(edit, "ok", message->reason);
    TP_TRY(tp_edit_commit(edit, &call->error));
    tp_key_answer(call, credential);
    return TP_OK;
}

enum tp_rc tp_op_cert_remove(struct tp_call *call)
{
    const Tp__Ipc__KeyRequest *message = (const Tp__Ipc__KeyRequest *)call->request->message;
    return tp_key_with(call, message->user, message->credential, remove_certificate);
}
