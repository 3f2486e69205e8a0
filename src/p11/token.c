/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/token.h"
#include "base/clock.h"
#include "p11/key_type.h"
#include "p11/module.h"
#include "p11/rv.h"
#include "p11/session.h"
#include "p11/slot.h"
#include "p11/watch.h"

#include <stdio.h>

#define PATIENCE_MS 1000 /* after a question that was never answered, the next one is not asked before */
#define PRESENCE_MS 1000 /* whether there is a token is believed for this long */

enum tp_rc tp_p11_token_init(struct tp_p11_token *token)
{
    return pthread_mutex_init(&token->mutex, NULL) == 0 ? TP_OK : TP_MEMORY;
}

void tp_p11_token_clear(struct tp_p11_token *token)
{
    (void)pthread_mutex_destroy(&token->mutex);
}

/* Consumers ask for the token's information again and again (NSS): an engine that hangs must cost the timeout once, not
 * each time. One that cannot be reached says so at once, and is asked at once. */
static bool is_hanging(struct tp_p11_token *token)
{
    pthread_mutex_lock(&token->mutex);
    int64_t since_ms = token->timed_out_ms;
    pthread_mutex_unlock(&token->mutex);
    return since_ms != 0 && tp_clock_monotonic_ms() - since_ms < PATIENCE_MS;
}

static void remember(struct tp_p11_token *token, enum tp_rc rc, const struct tp_p11_token_facts *facts)
{
    pthread_mutex_lock(&token->mutex);
    token->heard = rc;
    token->heard_ms = tp_clock_monotonic_ms();
    token->timed_out_ms = rc == TP_TIMEOUT ? token->heard_ms : 0;
    if (rc == TP_OK) {
        token->known = true;
        token->pin_min = facts->pin_min;
        token->key_types = facts->key_types;
    }
    pthread_mutex_unlock(&token->mutex);
}

/* A question about the slot's user tells what has happened as well as one for events. */
static void tell_watch(struct tp_p11_slot *slot, enum tp_rc rc, const struct tp_p11_token_facts *facts)
{
    struct tp_p11_seen seen = {.present = rc == TP_OK};
    if (slot->serves_all || (rc != TP_OK && rc != TP_NOT_FOUND))
        return;
    if (rc == TP_OK) {
        seen.enrolled = facts->enrolled;
        seen.locked = facts->locked;
        seen.suspended = facts->suspended;
        (void)snprintf(seen.id, sizeof(seen.id), "%s", facts->serial);
    }
    tp_p11_watch_see(slot, &seen);
}

static void read_reply(const Tp__Ipc__TokenReply *reply, struct tp_p11_token_facts *facts)
{
    *facts = (struct tp_p11_token_facts){
        .enrolled = reply->enrolled,
        .locked = reply->locked,
        .suspended = reply->suspended,
        .pin_initial = reply->pin_initial,
        .tries_left = reply->tries_left,
        .tries_most = reply->tries_most,
        .pin_min = reply->pin_min,
        .pin_max = reply->pin_max,
        .code_digits = reply->code_digits,
        .key_types = tp_p11_key_types_of(reply->key_types, reply->n_key_types),
    };
    (void)snprintf(facts->label, sizeof(facts->label), "%s", reply->label);
    /* CK_TOKEN_INFO has room for half of an identifier; 64 bits tell the users of a deployment apart */
    (void)snprintf(facts->serial, sizeof(facts->serial), "%s", reply->user_id);
}

enum tp_rc tp_p11_token_facts(struct tp_p11_slot *slot, struct tp_error *error, struct tp_p11_token_facts *ret_facts)
{
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    struct tp_p11_token_facts facts = {0};
    if (is_hanging(&slot->token))
        return tp_error_set(error, TP_TIMEOUT, "the engine did not answer a moment ago; look at its log");
    request.user = slot->user;
    enum tp_rc rc = tp_p11_module_ask(slot->module, TP_OP_TOKEN, &request.base, error, &reply);
    if (rc == TP_OK)
        read_reply((const Tp__Ipc__TokenReply *)reply.message, &facts);
    tp_ipc_reply_clear(&reply);
    remember(&slot->token, rc, &facts);
    tell_watch(slot, rc, &facts);
    if (rc == TP_OK)
        *ret_facts = facts;
    return rc;
}

enum tp_rc tp_p11_token_presence(struct tp_p11_slot *slot)
{
    struct tp_p11_token_facts facts;
    pthread_mutex_lock(&slot->token.mutex);
    enum tp_rc heard = slot->token.heard;
    int64_t heard_ms = slot->token.heard_ms;
    pthread_mutex_unlock(&slot->token.mutex);
    if (heard_ms != 0 && tp_clock_monotonic_ms() - heard_ms < PRESENCE_MS)
        return heard;
    return tp_p11_token_facts(slot, NULL, &facts);
}

enum tp_rc tp_p11_token_pin_min(struct tp_p11_slot *slot, struct tp_error *error, uint32_t *ret_pin_min)
{
    struct tp_p11_token_facts facts = {0};
    pthread_mutex_lock(&slot->token.mutex);
    bool known = slot->token.known;
    facts.pin_min = slot->token.pin_min;
    pthread_mutex_unlock(&slot->token.mutex);
    if (!known)
        TP_TRY(tp_p11_token_facts(slot, error, &facts));
    *ret_pin_min = facts.pin_min;
    return TP_OK;
}

unsigned tp_p11_token_key_types(struct tp_p11_slot *slot)
{
    struct tp_p11_token_facts facts = {0};
    pthread_mutex_lock(&slot->token.mutex);
    bool known = slot->token.known;
    facts.key_types = slot->token.key_types;
    pthread_mutex_unlock(&slot->token.mutex);
    if (!known && tp_p11_token_facts(slot, NULL, &facts) != TP_OK)
        return 0;
    return facts.key_types;
}

/* ---- C_GetTokenInfo ---- */

/* LOCKED means that "user login to the token is not possible" (3.0 §3.2), which a suspended user's is not either. */
static CK_FLAGS token_flags(const struct tp_p11_slot *slot, const struct tp_p11_token_facts *facts)
{
    CK_FLAGS flags = CKF_RNG | CKF_DUAL_CRYPTO_OPERATIONS;
    if (!facts->uninitialised)
        flags |= CKF_TOKEN_INITIALIZED;
    if (!slot->module->session_login || slot->serves_all)
        flags |= CKF_LOGIN_REQUIRED;
    if (facts->enrolled)
        flags |= CKF_USER_PIN_INITIALIZED;
    if (facts->pin_initial)
        flags |= CKF_USER_PIN_TO_BE_CHANGED;
    if (facts->locked || facts->suspended)
        return flags | CKF_USER_PIN_LOCKED;
    if (facts->tries_left < facts->tries_most)
        flags |= CKF_USER_PIN_COUNT_LOW;
    if (facts->tries_left == 1)
        flags |= CKF_USER_PIN_FINAL_TRY;
    return flags;
}

/* The PIN field takes the PIN with the one-time code behind it, or, after `trustp11 login`, the PIN alone: programs
 * that check lengths must let both pass. */
static void fill_info(const struct tp_p11_slot *slot, const struct tp_p11_token_facts *facts, CK_TOKEN_INFO *info)
{
    *info = (CK_TOKEN_INFO){
        .flags = token_flags(slot, facts),
        .ulMaxSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulSessionCount = atomic_load(&slot->sessions),
        .ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulRwSessionCount = atomic_load(&slot->rw_sessions),
        .ulMaxPinLen = (CK_ULONG)facts->pin_max + facts->code_digits,
        .ulMinPinLen = facts->pin_min,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
    };
    tp_p11_pad(info->label, sizeof(info->label), facts->label);
    tp_p11_pad(info->manufacturerID, sizeof(info->manufacturerID), TP_P11_MANUFACTURER);
    tp_p11_pad(info->model, sizeof(info->model), TP_P11_MODEL);
    tp_p11_pad(info->serialNumber, sizeof(info->serialNumber), facts->serial);
    tp_p11_pad(info->utcTime, sizeof(info->utcTime), ""); /* no CKF_CLOCK_ON_TOKEN */
}

CK_RV tp_p11_token_info(struct tp_p11_call *call, CK_SLOT_ID id, CK_TOKEN_INFO *ret_info)
{
    static const struct tp_p11_token_facts blank = {.uninitialised = true};
    struct tp_p11_slot *slot = tp_p11_slot_find(call->module, id);
    struct tp_p11_token_facts facts;
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    if (ret_info == NULL)
        return CKR_ARGUMENTS_BAD;
    enum tp_rc rc = tp_p11_token_facts(slot, &call->error, &facts);
    if (rc == TP_NOT_FOUND && tp_p11_token_can_be_blank(slot)) {
        tp_error_clear(&call->error);
        facts = blank;
    } else if (rc != TP_OK) {
        return tp_p11_rv(rc);
    }
    fill_info(slot, &facts, ret_info);
    return CKR_OK;
}

/* ---- what changes the token ---- */

bool tp_p11_token_can_be_blank(const struct tp_p11_slot *slot)
{
    return !slot->serves_all && tp_client_conf_officer(slot->module->conf) != NULL;
}

void tp_p11_token_forget(struct tp_p11_slot *slot)
{
    pthread_mutex_lock(&slot->token.mutex);
    slot->token.heard_ms = 0;
    pthread_mutex_unlock(&slot->token.mutex);
}

CK_RV tp_p11_token_new_pin_check(struct tp_bytes pin)
{
    return pin.len == 0 || pin.len > TP_P11_PIN_MOST ? CKR_PIN_LEN_RANGE : CKR_OK;
}

CK_RV tp_p11_token_new_pin_rv(enum tp_rc rc)
{
    return rc == TP_BAD_ARGUMENT ? CKR_PIN_INVALID : tp_p11_rv(rc);
}

/* Of whoever is logged in, or of the user (3.0 §5.5.8). */
CK_RV tp_p11_token_set_pin(struct tp_p11_call *call, struct tp_bytes old_pin, struct tp_bytes new_pin)
{
    struct tp_p11_slot *slot = call->session->slot;
    Tp__Ipc__PinChangeRequest request = TP__IPC__PIN_CHANGE_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    char user[TP_CLIENT_USER_LEN];
    if ((call->session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    if ((old_pin.data == NULL && old_pin.len > 0) || (new_pin.data == NULL && new_pin.len > 0))
        return CKR_ARGUMENTS_BAD;
    if (tp_p11_token_new_pin_check(new_pin) != CKR_OK)
        return CKR_PIN_LEN_RANGE;
    if (old_pin.len == 0 || old_pin.len > TP_P11_PIN_MOST)
        return CKR_PIN_INCORRECT; /* cannot be right: no try is spent on it */
    if (!tp_p11_login_name(slot, user))
        return CKR_USER_NOT_LOGGED_IN;
    request.user = user;
    enum tp_rc rc =
        tp_ipc_call(slot->module->client, TP_OP_PIN_CHANGE, &request.base, old_pin, new_pin, 0, &call->error, &reply);
    tp_ipc_reply_clear(&reply);
    return tp_p11_token_new_pin_rv(rc);
}
