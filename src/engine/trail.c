/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/trail.h"

#include "base/clock.h"
#include "engine/call.h"
#include "pki/digest_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The message library writes its texts as char * although it only reads those of a message to be packed. */
static char *text(const char *value)
{
    return (char *)(uintptr_t)value;
}

void tp_trail_init(struct tp_trail *trail, enum tp_action action, const char *outcome)
{
    tp__audit__entry__init(&trail->entry);
    trail->entry.action = tp_action_name(action);
    trail->entry.outcome = text(outcome);
}

void tp_trail_peer(struct tp_trail *trail, const struct tp_ipc_peer *peer)
{
    trail->entry.has_client = true;
    trail->entry.uid = peer->uid;
    trail->entry.pid = (uint32_t)peer->pid;
    snprintf(trail->program, sizeof trail->program, "%s", peer->program);
    trail->entry.program = trail->program;
}

void tp_trail_role(struct tp_trail *trail, enum tp_role role)
{
    trail->entry.role = text(tp_role_name(role));
}

void tp_trail_call(struct tp_trail *trail, const struct tp_call *call)
{
    tp_trail_peer(trail, call->request->peer);
    tp_trail_role(trail, call->role);
    if (call->has_subject)
        tp_trail_subject(trail, call->subject);
}

void tp_trail_subject(struct tp_trail *trail, const uint8_t subject[TP_SUBJECT_LEN])
{
    memcpy(trail->subject, subject, TP_SUBJECT_LEN);
    trail->entry.subject = (ProtobufCBinaryData){.data = trail->subject, .len = TP_SUBJECT_LEN};
}

void tp_trail_object(struct tp_trail *trail, const char *kind, const char *id)
{
    snprintf(trail->object, sizeof trail->object, "%s", id);
    trail->entry.object_kind = text(kind);
    trail->entry.object = trail->object;
}

void tp_trail_outcome(struct tp_trail *trail, const char *outcome, const char *reason)
{
    trail->entry.outcome = text(outcome);
    snprintf(trail->reason, sizeof trail->reason, "%s", reason);
    trail->entry.reason = trail->reason;
}

void tp_trail_detail(struct tp_trail *trail, const char *format, va_list arguments)
{
    vsnprintf(trail->detail, sizeof trail->detail, format, arguments);
    trail->entry.detail = trail->detail;
}

void tp_trail_say(struct tp_trail *trail, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tp_trail_detail(trail, format, arguments);
    va_end(arguments);
}

void tp_trail_authorisation(struct tp_trail *trail, const char *id)
{
    snprintf(trail->authorisation, sizeof trail->authorisation, "%s", id);
    trail->entry.authorisation = trail->authorisation;
}

static const char *const mechanism_names[] = {
    [TP_HSM_RSA_PKCS] = "CKM_RSA_PKCS",
    [TP_HSM_RSA_PSS] = "CKM_RSA_PKCS_PSS",
    [TP_HSM_ECDSA] = "CKM_ECDSA",
    [TP_HSM_EDDSA] = "CKM_EDDSA",
};

static const char *mechanism_name(enum tp_hsm_mechanism mechanism)
{
    size_t at = (size_t)mechanism;
    return at < sizeof mechanism_names / sizeof mechanism_names[0] && mechanism_names[at] != NULL ? mechanism_names[at]
                                                                                                   : "unknown";
}

static void put_hash(struct tp_trail *trail, struct tp_bytes hash)
{
    if (hash.len == 0 || hash.len > sizeof trail->hash)
        return;
    memcpy(trail->hash, hash.data, hash.len);
    trail->entry.hash = (ProtobufCBinaryData){.data = trail->hash, .len = hash.len};
}

void tp_trail_signing(struct tp_trail *trail, const struct tp_hsm_sign_params *params, enum tp_pki_hash hash,
                      struct tp_bytes digest, uint32_t use)
{
    const char *hash_name = hash == TP_PKI_HASH_NONE ? "" : tp_pki_hash_name(hash);
    snprintf(trail->mechanism, sizeof trail->mechanism, "%s%s%s", mechanism_name(params->mechanism),
             hash_name[0] != '\0' ? " " : "", hash_name);
    trail->entry.mechanism = trail->mechanism;
    put_hash(trail, digest);
    trail->entry.use = use;
}

void tp_trail_imprint(struct tp_trail *trail, enum tp_pki_hash hash, struct tp_bytes imprint)
{
    snprintf(trail->mechanism, sizeof trail->mechanism, "%s", tp_pki_hash_name(hash));
    trail->entry.mechanism = trail->mechanism;
    put_hash(trail, imprint);
}

Tp__Audit__Entry *tp_trail_entry(struct tp_trail *trail)
{
    return &trail->entry;
}

enum tp_rc tp_trail_commit(struct tp_engine *engine, struct tp_trail *trail, struct tp_error *error)
{
    struct tp_ledger_tx tx = {.entry = &trail->entry};
    return tp_ledger_commit(engine->ledger, &tx, tp_clock_monotonic_ms() + TP_COMMIT_WAIT_MS, error, NULL);
}

/* ---- posted entries ---- */

struct posted {
    struct tp_ledger_tx tx;
    struct tp_trail trail;
};

static void posted_done(struct tp_ledger_tx *tx, enum tp_rc rc, const struct tp_error *error, uint64_t index)
{
    (void)rc, (void)error, (void)index;
    free(tx->context);
}

/* A text that lay within FROM lies at the same place within TO. */
static char *moved(char *value, const struct tp_trail *from, struct tp_trail *to)
{
    uintptr_t begin = (uintptr_t)from, at = (uintptr_t)value;
    return at >= begin && at < begin + sizeof *from ? (char *)to + (at - begin) : value;
}

static void copy_trail(const struct tp_trail *from, struct tp_trail *to)
{
    *to = *from;
    char **texts[] = {&to->entry.reason, &to->entry.program,   &to->entry.object,
                      &to->entry.detail, &to->entry.mechanism, &to->entry.authorisation};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = moved(*texts[i], from, to);
    to->entry.subject.data = to->subject;
    to->entry.hash.data = to->hash;
}

void tp_trail_post(struct tp_engine *engine, const struct tp_trail *trail)
{
    struct posted *posted = calloc(1, sizeof *posted);
    if (posted == NULL)
        return;
    copy_trail(trail, &posted->trail);
    posted->tx.entry = &posted->trail.entry;
    posted->tx.done = posted_done;
    posted->tx.context = posted;
    tp_ledger_submit(engine->ledger, &posted->tx);
}
