/* SPDX-License-Identifier: Apache-2.0
 *
 * Second factors that an officer registers: hardware tokens, whose seeds come from their maker's PSKC file.
 */
#include "base/clock.h"
#include "engine/edit.h"
#include "engine/login.h"
#include "engine/people.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FACTORS_MOST 64

static enum tp_rc params_of(struct tp_call *call, const Tp__Ipc__FactorAddRequest *message,
                            struct tp_otp_params *ret_params)
{
    struct tp_otp_params params = {.digits = message->digits, .period_s = message->period_s};
    if (strcmp(message->kind, "totp") == 0)
        params.kind = TP_OTP_TOTP;
    else if (strcmp(message->kind, "hotp") == 0)
        params.kind = TP_OTP_HOTP;
    else
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the kind of a factor is totp or hotp");
    if (tp_otp_algorithm_parse(message->algorithm[0] != '\0' ? message->algorithm : "SHA1", &params.algorithm) != TP_OK)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the algorithm of a factor is SHA1, SHA256 or SHA512");
    TP_TRY(tp_otp_params_check(&params, &call->error));
    *ret_params = params;
    return TP_OK;
}

/* ---- whose a token is ---- */

#define LABEL_MOST 63 /* characters of a serial number, or of a maker's name */

/* Serial numbers are unique to their maker: "MAKER/SERIAL". "" for a token that has none. */
static enum tp_rc name_of_token(struct tp_call *call, const Tp__Ipc__FactorAddRequest *message,
                                char ret_name[2 * LABEL_MOST + 2])
{
    if (strlen(message->serial) > LABEL_MOST || strlen(message->manufacturer) > LABEL_MOST)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a serial number, or a maker's name, has at most %d characters",
                            LABEL_MOST);
    bool nameless = message->serial[0] == '\0';
    snprintf(ret_name, 2 * LABEL_MOST + 2, "%s%s%s", nameless ? "" : message->manufacturer, nameless ? "" : "/",
             message->serial);
    return TP_OK;
}

static enum tp_rc is_taken(struct tp_call *call, const struct tp_factor *factor)
{
    struct tp_user *owner = NULL;
    TP_TRY(tp_people_get_by_id(call->engine, factor->owner, &call->error, &owner));
    enum tp_rc rc = tp_error_set(&call->error, TP_EXISTS,
                                 "the token with serial number \"%s\" is registered already, for %s: its codes are one "
                                 "person's; trustp11 factor remove %s --user %s frees it",
                                 factor->record->serial, owner->name, factor->id, owner->name);
    tp_people_release(call->engine, owner);
    return rc;
}

/* The token's record, where it was registered before: for a factor that is there still, or for one that has been removed. */
static enum tp_rc is_free(struct tp_call *call, const struct tp_ledger_record *record)
{
    Tp__Engine__Token *token = tp__engine__token__unpack(NULL, record->content.len, record->content.data);
    struct tp_factor factor = {0};
    if (token == NULL)
        return tp_error_set(&call->error, TP_STORE_DAMAGED, "the record of token %s cannot be read", record->name);
    enum tp_rc rc = tp_factor_read(call->engine, token->factor, &call->error, &factor);
    tp__engine__token__free_unpacked(token, NULL);
    if (rc == TP_OK)
        rc = is_taken(call, &factor);
    else if (rc == TP_NOT_FOUND)
        rc = TP_OK;
    tp_factor_clear(&factor);
    return rc;
}

/* One token, one owner: two counts of one token's codes would let a code be used twice. */
static enum tp_rc take_token(struct tp_call *call, const char *name, const char *factor, struct tp_edit *edit)
{
    struct tp_ledger_record record = {0};
    Tp__Engine__Token token = TP__ENGINE__TOKEN__INIT;
    char id[TP_ID_LEN];
    if (name[0] == '\0')
        return TP_OK;
    TP_TRY(tp_id_make(id));
    token.factor = (char *)(uintptr_t)factor;
    enum tp_rc rc = tp_ledger_find(call->engine->ledger, "token", "", name, &call->error, &record);
    if (rc == TP_NOT_FOUND)
        return tp_edit_token(edit, id, name, 0, &token);
    if (rc == TP_OK)
        rc = is_free(call, &record);
    if (rc == TP_OK)
        rc = tp_edit_token(edit, record.id, name, record.version, &token);
    tp_ledger_record_clear(&record);
    return rc;
}

/* ---- add ---- */

static enum tp_rc add(struct tp_call *call, struct tp_user *user, const char *id, struct tp_edit *edit)
{
    const Tp__Ipc__FactorAddRequest *message = (const Tp__Ipc__FactorAddRequest *)call->request->message;
    struct tp_bytes seed = tp_secret_bytes(call->request->secret[0]);
    struct tp_buf cipher TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_otp_params params = {0};
    char name[2 * LABEL_MOST + 2];
    Tp__Engine__Factor factor = TP__ENGINE__FACTOR__INIT;
    if (user->record->closed)
        return tp_error_set(&call->error, TP_NOT_PERMITTED, "the user is closed, for good");
    TP_TRY(params_of(call, message, &params));
    if (seed.len < TP_OTP_SEED_MIN || seed.len > TP_OTP_SEED_MAX)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a seed has %d to %d bytes", TP_OTP_SEED_MIN, TP_OTP_SEED_MAX);
    if (message->counter > INT64_MAX / 2) /* codes are looked for beyond it */
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "a counter of %" PRIu64 " is too large", message->counter);
    TP_TRY(name_of_token(call, message, name));
    TP_TRY(take_token(call, name, id, edit));
    TP_TRY(tp_hsm_encrypt(call->session, seed, &call->error, &cipher));
    factor.kind = (uint32_t)params.kind;
    factor.algorithm = (uint32_t)params.algorithm;
    factor.digits = params.digits;
    factor.period_s = params.period_s;
    factor.seed = (ProtobufCBinaryData){.data = cipher.data, .len = cipher.len};
    factor.last = params.kind == TP_OTP_HOTP ? (int64_t)message->counter - 1 : -1;
    factor.serial = message->serial;
    factor.hardware = true;
    factor.created_ms = tp_clock_utc_ms();
    TP_TRY(tp_edit_factor(edit, id, user->id, name[0] != '\0' ? name : id, 0, &factor));
    tp_edit_object(edit, "factor", id);
    tp_edit_detail(edit, "%s for user %s", message->kind, user->id);
    enum tp_rc rc = tp_edit_commit(edit, &call->error);
    if (rc == TP_EXISTS)
        return tp_error_set(&call->error, rc, "a token with serial number \"%s\" is registered already", message->serial);
    return rc;
}

enum tp_rc tp_op_factor_add(struct tp_call *call)
{
    const Tp__Ipc__FactorAddRequest *message = (const Tp__Ipc__FactorAddRequest *)call->request->message;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    struct tp_user *user = NULL;
    char id[TP_ID_LEN];
    TP_TRY(tp_id_make(id));
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_FACTOR_ADD, &edit));
    TP_TRY(tp_call_turn(call, message->user, &user));
    enum tp_rc rc = add(call, user, id, edit);
    tp_people_release_turn(call->engine, user);
    TP_TRY(rc);
    Tp__Ipc__Factor reply = TP__IPC__FACTOR__INIT;
    reply.id = id;
    reply.kind = message->kind;
    reply.serial = message->serial;
    reply.digits = message->digits;
    reply.state = (char *)(uintptr_t)"registered";
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

/* ---- list ---- */

struct listing {
    char chosen[TP_ID_LEN]; /* the user's factor in use, or to be confirmed */
    Tp__Ipc__Factor factors[FACTORS_MOST];
    Tp__Ipc__Factor *pointers[FACTORS_MOST];
    Tp__Engine__Factor *records[FACTORS_MOST];
    char ids[FACTORS_MOST][TP_ID_LEN];
    size_t len;
};

static const char *state_of(const struct listing *listing, const char *id, const Tp__Engine__Factor *factor)
{
    bool chosen = strcmp(listing->chosen, id) == 0;
    return chosen && factor->confirmed ? "in use" : chosen ? "unconfirmed" : "registered";
}

static enum tp_rc list_each(void *context, const struct tp_ledger_record *record)
{
    struct listing *listing = context;
    if (listing->len == FACTORS_MOST)
        return TP_OK;
    Tp__Engine__Factor *factor = tp__engine__factor__unpack(NULL, record->content.len, record->content.data);
    if (factor == NULL)
        return TP_STORE_DAMAGED;
    size_t at = listing->len++;
    Tp__Ipc__Factor *item = &listing->factors[at];
    snprintf(listing->ids[at], TP_ID_LEN, "%s", record->id);
    tp__ipc__factor__init(item);
    item->id = listing->ids[at];
    item->kind = (char *)(uintptr_t)(factor->kind == TP_OTP_HOTP ? "hotp" : "totp");
    item->serial = factor->serial;
    item->digits = factor->digits;
    item->state = (char *)(uintptr_t)state_of(listing, record->id, factor);
    item->created_ms = factor->created_ms;
    listing->records[at] = factor;
    listing->pointers[at] = item;
    return TP_OK;
}

static enum tp_rc list(struct tp_call *call, const struct tp_user *user, struct listing *listing)
{
    uint64_t cursor = 0;
    pthread_mutex_lock(&call->engine->lock);
    snprintf(listing->chosen, sizeof listing->chosen, "%s", user->record->factor);
    pthread_mutex_unlock(&call->engine->lock);
    TP_TRY(tp_ledger_each(call->engine->ledger, "factor", user->id, &cursor, SIZE_MAX, &call->error, list_each, listing));
    Tp__Ipc__FactorListReply reply = TP__IPC__FACTOR_LIST_REPLY__INIT;
    reply.factors = listing->pointers;
    reply.n_factors = listing->len;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_factor_list(struct tp_call *call)
{
    const Tp__Ipc__FactorRequest *message = (const Tp__Ipc__FactorRequest *)call->request->message;
    struct tp_user *user = NULL;
    TP_TRY(tp_people_get(call->engine, message->user, &call->error, &user));
    struct listing *listing = calloc(1, sizeof *listing);
    enum tp_rc rc = TP_MEMORY;
    if (listing != NULL) {
        rc = list(call, user, listing);
        for (size_t i = 0; i < listing->len; i++)
            tp__engine__factor__free_unpacked(listing->records[i], NULL);
        free(listing);
    }
    tp_people_release(call->engine, user);
    return rc;
}

/* ---- remove ---- */

static enum tp_rc remove_factor(struct tp_call *call, const struct tp_user *user, const struct tp_factor *factor)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    if (strcmp(factor->owner, user->id) != 0)
        return tp_error_set(&call->error, TP_NOT_FOUND, "the user has no such factor; see: trustp11 factor list");
    if (strcmp(user->record->factor, factor->id) == 0 && user->record->enrolled)
        return tp_error_set(&call->error, TP_NOT_PERMITTED,
                            "that factor is in use; a user without a second factor cannot sign: use trustp11 user reset");
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_FACTOR_REMOVE, &edit));
    TP_TRY(tp_edit_factor_delete(edit, factor->id, factor->version));
    tp_edit_object(edit, "factor", factor->id);
    return tp_edit_commit(edit, &call->error);
}

enum tp_rc tp_op_factor_remove(struct tp_call *call)
{
    const Tp__Ipc__FactorRequest *message = (const Tp__Ipc__FactorRequest *)call->request->message;
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_factor factor = {0};
    struct tp_user *user = NULL;
    TP_TRY(tp_call_turn(call, message->user, &user));
    enum tp_rc rc = tp_factor_read(call->engine, message->factor, &call->error, &factor);
    if (rc == TP_OK)
        rc = remove_factor(call, user, &factor);
    tp_people_release_turn(call->engine, user);
    tp_factor_clear(&factor);
    if (rc == TP_OK)
        tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return rc;
}
