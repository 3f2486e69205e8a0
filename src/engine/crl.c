/* SPDX-License-Identifier: Apache-2.0
 *
 * Revocation lists (RS-16): who is believed, which of our certificates are on one, and the newest of each issuer, kept.
 *
 * A list speaks for an issuer: a name and a key. Two CAs may have the same name, and one may get a new key; so a
 * certificate that came with its issuer's certificate is judged by lists of that key alone. One that came without has the
 * name only, and then the name decides: a key that is stopped by mistake can be resumed, a signature cannot be taken back.
 */
#include "engine/crl.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "engine/edit.h"
#include "engine/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MOST 256
#define ISSUERS_MOST 16
#define AHEAD_MOST_MS 3600000 /* clocks differ; a list from the future would keep all others out until then */

#define KEY_LEN TP_SHA256_LEN /* of an issuer: SHA-256 of its SubjectPublicKeyInfo */

/* A certificate of ours with the list's issuer name. */
struct candidate {
    char user_id[TP_ID_LEN], credential[TP_ID_LEN];
    bool has_issuer;
    uint8_t issuer_key[KEY_LEN];
    const char *reason; /* static; NULL: it is not on the list */
    bool hold;
};

struct import {
    struct tp_call *call;
    struct tp_buf der;
    struct tp_pki_crl crl;
    struct tp_pki_crl_index *index;
    struct tp_buf issuer; /* the certificate that verifies the list; empty until it is found */
    uint8_t issuer_key[KEY_LEN];
    uint8_t tried[ISSUERS_MOST][KEY_LEN]; /* keys that do not verify it: users of one CA have the same issuer */
    size_t tried_len;
    struct candidate *candidates;
    size_t candidates_len, candidates_capacity;
    size_t hits, unjudged;
};

static const Tp__Ipc__CrlRequest *message_of(const struct import *import)
{
    return (const Tp__Ipc__CrlRequest *)import->call->request->message;
}

/* ---- how a list is kept ---- */

static void hex_cut(const uint8_t hash[TP_SHA256_LEN], char *ret_text, size_t ret_text_size)
{
    char text[2 * TP_SHA256_LEN + 1];
    tp_hex_encode(TP_BYTES(hash, TP_SHA256_LEN), text);
    snprintf(ret_text, ret_text_size, "%.*s", (int)ret_text_size - 1, text);
}

/* All lists of a name have the same owner, so that they are found without looking at others. */
static enum tp_rc owner_of(struct tp_bytes issuer_der, char ret_owner[TP_ID_LEN])
{
    uint8_t hash[TP_SHA256_LEN];
    TP_TRY(tp_sha256(issuer_der, TP_BYTES_NONE, TP_BYTES_NONE, hash));
    hex_cut(hash, ret_owner, TP_ID_LEN);
    return TP_OK;
}

/* The newest takes the place of another of the same issuer, key and partition (RFC 5280 §5.2.5). */
static enum tp_rc name_of(const struct import *import, char ret_name[2 * TP_SHA256_LEN + 1])
{
    uint8_t hash[TP_SHA256_LEN];
    TP_TRY(tp_sha256(TP_BYTES(import->issuer_key, KEY_LEN), tp_buf_bytes(&import->crl.issuer_der),
                     tp_buf_bytes(&import->crl.scope), hash));
    hex_cut(hash, ret_name, 2 * TP_SHA256_LEN + 1);
    return TP_OK;
}

static enum tp_rc key_hash(const struct tp_pki_certificate *certificate, uint8_t ret_key[KEY_LEN])
{
    return tp_sha256(tp_buf_bytes(&certificate->spki), TP_BYTES_NONE, TP_BYTES_NONE, ret_key);
}

/* ---- who is believed ---- */

static bool was_tried(const struct import *import, const uint8_t key[KEY_LEN])
{
    for (size_t i = 0; i < import->tried_len; i++)
        if (memcmp(import->tried[i], key, KEY_LEN) == 0)
            return true;
    return false;
}

static enum tp_rc try_parsed(struct import *import, struct tp_bytes der, const struct tp_pki_certificate *issuer)
{
    uint8_t key[KEY_LEN];
    if (!tp_bytes_equal(tp_buf_bytes(&issuer->subject_der), tp_buf_bytes(&import->crl.issuer_der)))
        return TP_OK;
    TP_TRY(key_hash(issuer, key));
    if (was_tried(import, key))
        return TP_OK;
    if (tp_pki_crl_verify(tp_buf_bytes(&import->der), der, NULL) == TP_OK) {
        memcpy(import->issuer_key, key, KEY_LEN);
        return tp_buf_append(&import->issuer, der);
    }
    if (import->tried_len < ISSUERS_MOST)
        memcpy(import->tried[import->tried_len++], key, KEY_LEN);
    return TP_OK;
}

/* Whether the certificate verifies the list; nothing to do once one does. */
static enum tp_rc try_issuer(struct import *import, struct tp_bytes der)
{
    struct tp_pki_certificate issuer = {0};
    if (import->issuer.len > 0 || tp_pki_certificate_parse(der, NULL, &issuer) != TP_OK)
        return TP_OK;
    enum tp_rc rc = try_parsed(import, der, &issuer);
    tp_pki_certificate_clear(&issuer);
    return rc;
}

static enum tp_rc try_given(struct import *import)
{
    const Tp__Ipc__CrlRequest *message = message_of(import);
    if (message->n_issuers > ISSUERS_MOST)
        return tp_error_set(&import->call->error, TP_BAD_ARGUMENT, "give at most %d issuers", ISSUERS_MOST);
    for (size_t i = 0; i < message->n_issuers; i++)
        TP_TRY(try_issuer(import, tp_field(message->issuers[i])));
    if (message->n_issuers > 0 && import->issuer.len == 0)
        return tp_error_set(&import->call->error, TP_BAD_ARGUMENT,
                            "the issuer's certificate that was given does not verify this CRL of \"%s\"; give the one that has signed it",
                            import->crl.issuer);
    return TP_OK;
}

static enum tp_rc try_kept(void *context, const struct tp_ledger_record *record)
{
    Tp__Engine__Crl *kept = tp__engine__crl__unpack(NULL, record->content.len, record->content.data);
    if (kept == NULL)
        return TP_STORE_DAMAGED;
    enum tp_rc rc = try_issuer(context, tp_field(kept->issuer));
    tp__engine__crl__free_unpacked(kept, NULL);
    return rc;
}

/* ---- the certificates of that issuer ---- */

static enum tp_rc room_for_candidate(struct import *import)
{
    if (import->candidates_len < import->candidates_capacity)
        return TP_OK;
    size_t capacity = import->candidates_capacity == 0 ? 16 : import->candidates_capacity * 2;
    struct candidate *candidates = realloc(import->candidates, capacity * sizeof *candidates);
    if (candidates == NULL)
        return TP_MEMORY;
    import->candidates = candidates;
    import->candidates_capacity = capacity;
    return TP_OK;
}

static enum tp_rc issuer_key_of(const Tp__Engine__Key *key, struct candidate *candidate)
{
    struct tp_pki_certificate issuer = {0};
    if (key->n_certificates < 2)
        return TP_OK;
    TP_TRY(tp_pki_certificate_parse(tp_field(key->certificates[1]), NULL, &issuer));
    enum tp_rc rc = key_hash(&issuer, candidate->issuer_key);
    candidate->has_issuer = rc == TP_OK;
    tp_pki_certificate_clear(&issuer);
    return rc;
}

static enum tp_rc add_candidate(struct import *import, const struct tp_ledger_record *record,
                                const Tp__Engine__Key *key, const struct tp_pki_certificate *certificate)
{
    struct candidate candidate = {.reason = NULL};
    if (!tp_bytes_equal(tp_buf_bytes(&certificate->issuer_der), tp_buf_bytes(&import->crl.issuer_der)))
        return TP_OK;
    snprintf(candidate.user_id, sizeof candidate.user_id, "%s", record->owner);
    snprintf(candidate.credential, sizeof candidate.credential, "%s", record->id);
    TP_TRY(issuer_key_of(key, &candidate));
    enum tp_rc rc = tp_pki_crl_find(import->index, tp_buf_bytes(&certificate->serial_der), &candidate.reason, &candidate.hold);
    if (rc != TP_OK && rc != TP_NOT_FOUND)
        return rc;
    TP_TRY(room_for_candidate(import));
    import->candidates[import->candidates_len++] = candidate;
    return TP_OK;
}

/* Notes the certificate if it is that issuer's, and tries what came with it as the list's issuer. */
static enum tp_rc look_at(struct import *import, const struct tp_ledger_record *record, const Tp__Engine__Key *key)
{
    struct tp_pki_certificate certificate = {0};
    for (size_t i = 1; i < key->n_certificates; i++)
        TP_TRY(try_issuer(import, tp_field(key->certificates[i])));
    if (key->n_certificates == 0 || tp_pki_certificate_parse(tp_field(key->certificates[0]), NULL, &certificate) != TP_OK)
        return TP_OK;
    enum tp_rc rc = add_candidate(import, record, key, &certificate);
    tp_pki_certificate_clear(&certificate);
    return rc;
}

static enum tp_rc look_at_each(void *context, const struct tp_ledger_record *record)
{
    Tp__Engine__Key *key = tp__engine__key__unpack(NULL, record->content.len, record->content.data);
    if (key == NULL)
        return TP_STORE_DAMAGED;
    enum tp_rc rc = look_at(context, record, key);
    tp__engine__key__free_unpacked(key, NULL);
    return rc;
}

/* Given with the command, kept from an earlier list, or imported with some user's certificate. */
static enum tp_rc find_issuer(struct import *import, const char *owner)
{
    struct tp_call *call = import->call;
    uint64_t cursor = 0;
    TP_TRY(try_given(import));
    TP_TRY(tp_ledger_each(call->engine->ledger, "crl", owner, &cursor, SIZE_MAX, &call->error, try_kept, import));
    cursor = 0;
    TP_TRY(tp_ledger_each(call->engine->ledger, "credential", NULL, &cursor, SIZE_MAX, &call->error, look_at_each, import));
    if (import->issuer.len == 0)
        return tp_error_set(&call->error, TP_NOT_FOUND,
                            "no issuer that is known here verifies this CRL of \"%s\"; give its certificate: --issuer FILE",
                            import->crl.issuer);
    return TP_OK;
}

/* Once it is known whose list it is: who is on it, and of whom it does not speak. */
static void judge(struct import *import)
{
    for (size_t i = 0; i < import->candidates_len; i++) {
        struct candidate *at = &import->candidates[i];
        const bool other = at->has_issuer && memcmp(at->issuer_key, import->issuer_key, KEY_LEN) != 0;
        if (other)
            at->reason = NULL;
        import->unjudged += other;
        import->hits += at->reason != NULL;
    }
}

/* ---- keeping it ---- */

static bool is_older(const struct tp_pki_crl *crl, const Tp__Engine__Crl *kept)
{
    if (crl->has_number && kept->number.len == sizeof crl->number) {
        const int order = memcmp(crl->number, kept->number.data, sizeof crl->number);
        if (order != 0)
            return order < 0;
    }
    return crl->this_update_ms < kept->this_update_ms;
}

/* An old list does not have those who were revoked since; whoever can pass one on could have them forgotten. */
static enum tp_rc check_newer(struct import *import, const Tp__Engine__Crl *kept)
{
    char kept_time[TP_TIME_TEXT_LEN], time[TP_TIME_TEXT_LEN];
    if (!is_older(&import->crl, kept))
        return TP_OK;
    tp_time_format(kept->this_update_ms, false, kept_time);
    tp_time_format(import->crl.this_update_ms, false, time);
    return tp_error_set(&import->call->error, TP_BAD_ARGUMENT,
                        "this CRL of \"%s\" is of %s, and a newer one is kept (of %s); fetch the present one",
                        import->crl.issuer, time, kept_time);
}

static enum tp_rc put(struct import *import, struct tp_edit *edit, const char *id, const char *owner, const char *name,
                      uint64_t version)
{
    Tp__Engine__Crl record = TP__ENGINE__CRL__INIT;
    record.der = (ProtobufCBinaryData){.data = import->der.data, .len = import->der.len};
    record.issuer = (ProtobufCBinaryData){.data = import->issuer.data, .len = import->issuer.len};
    record.issuer_text = import->crl.issuer;
    record.this_update_ms = import->crl.this_update_ms;
    record.next_update_ms = import->crl.next_update_ms;
    if (import->crl.has_number)
        record.number = (ProtobufCBinaryData){.data = import->crl.number, .len = sizeof import->crl.number};
    return tp_edit_crl(edit, id, owner, name, version, &record);
}

static enum tp_rc put_if_new(struct import *import, struct tp_edit *edit, const char *owner, const char *name,
                             const struct tp_ledger_record *record)
{
    Tp__Engine__Crl *kept = tp__engine__crl__unpack(NULL, record->content.len, record->content.data);
    if (kept == NULL)
        return TP_STORE_DAMAGED;
    enum tp_rc rc = check_newer(import, kept);
    if (rc == TP_OK && !tp_bytes_equal(tp_field(kept->der), tp_buf_bytes(&import->der)))
        rc = put(import, edit, record->id, owner, name, record->version);
    tp__engine__crl__free_unpacked(kept, NULL);
    return rc;
}

static enum tp_rc prepare(struct import *import, struct tp_edit *edit, const char *owner, char ret_id[TP_ID_LEN])
{
    struct tp_call *call = import->call;
    struct tp_ledger_record record = {0};
    char name[2 * TP_SHA256_LEN + 1];
    TP_TRY(name_of(import, name));
    enum tp_rc rc = tp_ledger_find(call->engine->ledger, "crl", owner, name, &call->error, &record);
    if (rc == TP_NOT_FOUND) {
        TP_TRY(tp_id_make(ret_id));
        return put(import, edit, ret_id, owner, name, 0);
    }
    TP_TRY(rc);
    memcpy(ret_id, record.id, TP_ID_LEN);
    rc = put_if_new(import, edit, owner, name, &record);
    tp_ledger_record_clear(&record);
    return rc;
}

static enum tp_rc keep(struct import *import, const char *owner)
{
    struct tp_call *call = import->call;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    char id[TP_ID_LEN];
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_CRL_IMPORT, &edit));
    TP_TRY(prepare(import, edit, owner, id));
    tp_edit_object(edit, "crl", id);
    tp_edit_detail(edit, "%zu of our certificates are on it, %zu were not judged", import->hits, import->unjudged);
    return tp_edit_commit(edit, &call->error);
}

/* ---- stopping keys ---- */

static bool is_stopped(const Tp__Engine__Key *record, enum tp_policy_state to)
{
    return record->state == TP_STATE_REVOKED || record->state == (uint32_t)to ||
           (record->state == TP_STATE_DOUBT && to == TP_STATE_SUSPENDED); /* a doubt is more than a hold */
}

static enum tp_rc revoke(struct tp_call *call, struct tp_user *user, const struct candidate *hit)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    enum tp_policy_state to = hit->hold ? TP_STATE_SUSPENDED : TP_STATE_REVOKED;
    pthread_mutex_lock(&call->engine->lock);
    struct tp_credential *credential = tp_people_credential(user, hit->credential);
    pthread_mutex_unlock(&call->engine->lock);
    if (credential == NULL || is_stopped(credential->record, to))
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
static enum tp_rc revoke_hit(struct tp_call *call, const struct candidate *hit)
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

/* One that cannot be stopped keeps none of the others from it. */
static enum tp_rc revoke_hits(struct import *import)
{
    struct tp_call *call = import->call;
    enum tp_rc worst = TP_OK;
    size_t failed = 0;
    for (size_t i = 0; i < import->candidates_len; i++) {
        const enum tp_rc rc = import->candidates[i].reason == NULL ? TP_OK : revoke_hit(call, &import->candidates[i]);
        if (rc == TP_OK || rc == TP_NOT_FOUND) /* not found: the user is gone, with the keys */
            continue;
        worst = rc;
        failed++;
    }
    return failed == 0 ? TP_OK
                       : tp_error_prefix(&call->error, worst, "%zu of %zu keys could not be stopped; import the CRL again",
                                         failed, import->hits);
}

/* ---- import ---- */

/* At most NAMED_MOST credentials are named in the answer; the log names all. */
static void answer(struct import *import)
{
    char *named[NAMED_MOST];
    Tp__Ipc__CrlReply reply = TP__IPC__CRL_REPLY__INIT;
    for (size_t i = 0; i < import->candidates_len && reply.n_credentials < NAMED_MOST; i++)
        if (import->candidates[i].reason != NULL)
            named[reply.n_credentials++] = import->candidates[i].credential;
    reply.revoked = (uint32_t)import->hits;
    reply.unjudged = (uint32_t)import->unjudged;
    reply.credentials = named;
    reply.next_update_ms = import->crl.next_update_ms;
    reply.issuer = import->crl.issuer;
    tp_ipc_answer(import->call->request, &reply.base, TP_BYTES_NONE);
}

static enum tp_rc read_list(struct import *import)
{
    struct tp_error *error = &import->call->error;
    struct tp_bytes file = tp_field(message_of(import)->der);
    TP_TRY(tp_pki_crl_parse(file, error, &import->crl));
    TP_TRY(tp_pki_crl_der(file, error, &import->der));
    TP_TRY(tp_pki_crl_index_new(tp_buf_bytes(&import->der), error, &import->index));
    if (import->crl.this_update_ms > tp_clock_utc_ms() + AHEAD_MOST_MS)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the CRL is dated in the future; are both clocks right?");
    return TP_OK;
}

static enum tp_rc import_list(struct import *import)
{
    char owner[TP_ID_LEN];
    TP_TRY(owner_of(tp_buf_bytes(&import->crl.issuer_der), owner));
    TP_TRY(find_issuer(import, owner));
    judge(import);
    TP_TRY(keep(import, owner));
    TP_TRY(revoke_hits(import));
    answer(import);
    return TP_OK;
}

static void import_clear(struct import *import)
{
    tp_pki_crl_index_free(import->index);
    tp_pki_crl_clear(&import->crl);
    tp_buf_clear(&import->der);
    tp_buf_clear(&import->issuer);
    free(import->candidates);
}

enum tp_rc tp_op_crl_import(struct tp_call *call)
{
    struct import import = {.call = call};
    enum tp_rc rc = read_list(&import);
    if (rc == TP_OK) {
        pthread_mutex_lock(&call->engine->sweep);
        rc = import_list(&import);
        pthread_mutex_unlock(&call->engine->sweep);
    }
    import_clear(&import);
    return rc;
}

/* ---- certificates that come later ---- */

struct judgement {
    const struct tp_pki_certificate *certificate;
    bool has_issuer;
    uint8_t issuer_key[KEY_LEN];
    struct tp_error *error;
};

static enum tp_rc key_of(struct tp_bytes der, struct tp_bytes issuer_der, uint8_t ret_key[KEY_LEN])
{
    struct tp_pki_certificate issuer = {0};
    TP_TRY(tp_pki_certificate_parse(der, NULL, &issuer));
    enum tp_rc rc = key_hash(&issuer, ret_key);
    if (rc == TP_OK && !tp_bytes_equal(tp_buf_bytes(&issuer.subject_der), issuer_der))
        rc = TP_NOT_FOUND;
    tp_pki_certificate_clear(&issuer);
    return rc;
}

static enum tp_rc judge_by(const struct judgement *judgement, const Tp__Engine__Crl *kept)
{
    const struct tp_pki_certificate *certificate = judgement->certificate;
    struct tp_pki_crl_index *index TP_AUTO(tp_pki_crl_index_free_p) = NULL;
    uint8_t key[KEY_LEN];
    const char *reason = NULL;
    bool hold = false;
    enum tp_rc rc = key_of(tp_field(kept->issuer), tp_buf_bytes(&certificate->issuer_der), key);
    if (rc == TP_NOT_FOUND || (rc == TP_OK && judgement->has_issuer && memcmp(key, judgement->issuer_key, KEY_LEN) != 0))
        return TP_OK;
    TP_TRY(rc);
    TP_TRY(tp_pki_crl_index_new(tp_field(kept->der), judgement->error, &index));
    rc = tp_pki_crl_find(index, tp_buf_bytes(&certificate->serial_der), &reason, &hold);
    if (rc == TP_NOT_FOUND)
        return TP_OK;
    TP_TRY(rc);
    return tp_error_set(judgement->error, TP_REFUSED,
                        "the certificate (serial %s) is on the kept CRL of \"%s\": %s; have a new one issued", certificate->serial,
                        kept->issuer_text, reason);
}

static enum tp_rc judge_by_each(void *context, const struct tp_ledger_record *record)
{
    Tp__Engine__Crl *kept = tp__engine__crl__unpack(NULL, record->content.len, record->content.data);
    if (kept == NULL)
        return TP_STORE_DAMAGED;
    enum tp_rc rc = judge_by(context, kept);
    tp__engine__crl__free_unpacked(kept, NULL);
    return rc;
}

enum tp_rc tp_crl_judge(struct tp_engine *engine, const struct tp_pki_certificate *certificate, struct tp_bytes issuer,
                        struct tp_error *error)
{
    struct judgement judgement = {.certificate = certificate, .has_issuer = issuer.len > 0, .error = error};
    struct tp_bytes issuer_der = tp_buf_bytes(&certificate->issuer_der);
    char owner[TP_ID_LEN];
    uint64_t cursor = 0;
    TP_TRY(owner_of(issuer_der, owner));
    if (judgement.has_issuer)
        TP_TRY(key_of(issuer, issuer_der, judgement.issuer_key));
    return tp_ledger_each(engine->ledger, "crl", owner, &cursor, SIZE_MAX, error, judge_by_each, &judgement);
}

/* ---- for doctor ---- */

static enum tp_rc count_each(void *context, const struct tp_ledger_record *record)
{
    struct tp_crl_state *state = context;
    Tp__Engine__Crl *kept = tp__engine__crl__unpack(NULL, record->content.len, record->content.data);
    if (kept == NULL)
        return TP_STORE_DAMAGED;
    const bool overdue = kept->next_update_ms != 0 && kept->next_update_ms < tp_clock_utc_ms();
    if (overdue && (state->overdue == 0 || kept->next_update_ms < state->next_update_ms)) {
        state->next_update_ms = kept->next_update_ms;
        snprintf(state->issuer, sizeof state->issuer, "%s", kept->issuer_text);
    }
    state->kept++;
    state->overdue += overdue;
    tp__engine__crl__free_unpacked(kept, NULL);
    return TP_OK;
}

enum tp_rc tp_crl_state(struct tp_engine *engine, struct tp_error *error, struct tp_crl_state *ret_state)
{
    struct tp_crl_state state = {.kept = 0};
    uint64_t cursor = 0;
    TP_TRY(tp_ledger_each(engine->ledger, "crl", NULL, &cursor, SIZE_MAX, error, count_each, &state));
    *ret_state = state;
    return TP_OK;
}
