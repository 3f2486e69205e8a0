/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a token, logging in to it once, and sessions for its threads.
 */
#include "base/clock.h"
#include "hsm/signer_internal.h"
#include "hsm/uri.h"

#include <stdio.h>
#include <string.h>

#define SLOTS_MAX   256
#define PATIENCE_MS 10000 /* for others in this process to come out of the module */
#define LISTED_MAX  256

/* ---- words ---- */

/* A login that has ended, in whichever way the module says so. */
static bool is_logged_out(CK_RV rv)
{
    return rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED;
}

enum tp_rc tp_hsm_card_rc(const struct tp_hsm_card *card, CK_RV rv, const char *call, struct tp_error *error)
{
    const enum tp_rc rc = tp_hsm_ckr_rc(rv);
    if (rc == TP_OK)
        return TP_OK;
    if (is_logged_out(rv))
        return tp_error_set(error, TP_NOT_LOGGED_IN, "the login to the token \"%s\" has ended (%s: %s); start again",
                            card->name, call, tp_hsm_ckr_name(rv));
    if (rv == CKR_FUNCTION_REJECTED) /* a policy, as libtrustp11.so has it, or a person at the device */
        return tp_error_set(error, TP_REFUSED,
                            "the token \"%s\" refuses to sign with this key now (%s): see its policy, or the device",
                            card->name, tp_hsm_ckr_name(rv));
    if (rc == TP_HSM_ABSENT)
        return tp_error_set(error, rc, "the token \"%s\" is not answering (%s: %s, 0x%lx); is it still connected?",
                            card->name, call, tp_hsm_ckr_name(rv), rv);
    return tp_error_set(error, rc, "the token \"%s\" answered %s (0x%lx) to %s; see what its own tools say of it", card->name,
                        tp_hsm_ckr_name(rv), rv, call);
}

/* ---- the module ---- */

/* C_Initialize is the process's: whoever is in the module already has made it, and stays. */
static enum tp_rc start(struct tp_hsm_module *module, struct tp_error *error)
{
    if (!tp_hsm_gate_close(&module->gate, tp_clock_monotonic_ms() + PATIENCE_MS))
        return tp_error_set(error, TP_BUSY, "the PKCS#11 library is busy in this process; try again");
    const enum tp_rc rc = atomic_load(&module->epoch) != 0 ? TP_OK : tp_hsm_module_restart(module, error);
    if (rc == TP_OK)
        atomic_fetch_add(&module->linked, 1);
    tp_hsm_gate_open(&module->gate);
    return rc;
}

/* ---- the token ---- */

struct search {
    CK_SLOT_ID slot;
    CK_TOKEN_INFO token;
    unsigned tokens, matches;
    char others[LISTED_MAX]; /* or all that match */
};

static void list(struct search *search, const CK_TOKEN_INFO *token)
{
    char label[sizeof token->label + 1], serial[sizeof token->serialNumber + 1];
    const size_t len = strlen(search->others);
    tp_hsm_unpad(label, token->label, sizeof token->label);
    tp_hsm_unpad(serial, token->serialNumber, sizeof token->serialNumber);
    (void)snprintf(search->others + len, sizeof search->others - len, "%stoken=%s;serial=%s", len > 0 ? ", " : "",
                   label, serial);
}

static bool slot_fits(P11KitUri *uri, CK_FUNCTION_LIST *calls, CK_SLOT_ID slot)
{
    CK_SLOT_INFO info = {.flags = 0};
    const CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
    return (wanted == (CK_SLOT_ID)-1 || wanted == slot) && calls->C_GetSlotInfo(slot, &info) == CKR_OK &&
           p11_kit_uri_match_slot_info(uri, &info) == 1;
}

static void look(const struct tp_hsm_card *card, CK_SLOT_ID slot, struct search *search)
{
    CK_TOKEN_INFO token = {.flags = 0};
    if (card->module->calls->C_GetTokenInfo(slot, &token) != CKR_OK || (token.flags & CKF_TOKEN_INITIALIZED) == 0)
        return;
    const bool fits =
        slot_fits(card->uri, card->module->calls, slot) && p11_kit_uri_match_token_info(card->uri, &token) == 1;
    search->tokens++;
    if (fits && search->matches++ == 0) {
        search->others[0] = '\0';
        search->slot = slot;
        search->token = token;
    }
    if (fits || search->matches == 0)
        list(search, &token);
}

static enum tp_rc judge(const struct tp_hsm_card *card, const struct search *search, struct tp_error *error)
{
    if (search->matches == 1)
        return TP_OK;
    if (search->tokens == 0)
        return tp_error_set(error, TP_NOT_FOUND,
                            "%s has no token: connect the device, or see the library's own configuration",
                            tp_hsm_card_uri_module(card->uri));
    if (search->matches == 0)
        return tp_error_set(error, TP_NOT_FOUND, "no token of %s is the one that the key's URI names; there is %s",
                            tp_hsm_card_uri_module(card->uri), search->others);
    return tp_error_set(error, TP_BAD_ARGUMENT, "%u tokens match the key's URI: name one of %s", search->matches,
                        search->others);
}

static enum tp_rc find(struct tp_hsm_card *card, struct tp_error *error)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = 0;
    struct search search = {.matches = 0};
    /* With NULL first: only that makes a module look for slots again (PKCS#11, C_GetSlotList). */
    TP_HSM_CARD_TRY(card, error, C_GetSlotList, CK_TRUE, NULL, &count);
    count = SLOTS_MAX;
    TP_HSM_CARD_TRY(card, error, C_GetSlotList, CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; i < count; i++)
        look(card, slots[i], &search);
    TP_TRY(judge(card, &search, error));
    card->slot = search.slot;
    card->token = search.token;
    tp_hsm_unpad(card->name, card->token.label, sizeof card->token.label);
    return TP_OK;
}

/* ---- the login ---- */

/* What the token says of its PIN now, after a wrong one. */
static const char *tries_left(const struct tp_hsm_card *card)
{
    CK_TOKEN_INFO token = {.flags = 0};
    if (card->module->calls->C_GetTokenInfo(card->slot, &token) != CKR_OK)
        return "";
    if ((token.flags & CKF_USER_PIN_LOCKED) != 0)
        return "; it is locked now";
    if ((token.flags & CKF_USER_PIN_FINAL_TRY) != 0)
        return "; ONE try is left before it locks";
    return (token.flags & CKF_USER_PIN_COUNT_LOW) != 0 ? "; a few tries are left before it locks" : "";
}

/* PKCS#11 has no code for "the one-time code": our own tokens (p11/token.c) want one behind the PIN. */
#define CODE_WORDS ": it wants the PIN and right behind it a one-time code that has not been used yet"
static bool wants_code(const struct tp_hsm_card *card)
{
    static const char ours[] = "trustp11 "; /* padded with blanks */
    return memcmp(card->token.manufacturerID, ours, sizeof ours - 1) == 0;
}

static enum tp_rc login_rc(const struct tp_hsm_card *card, CK_RV rv, struct tp_error *error)
{
    switch (rv) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN: /* by somebody else in this process: the login is the process's */
        return TP_OK;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
        return tp_error_set(error, TP_PIN_WRONG, "the token \"%s\" does not accept this PIN (%s)%s%s", card->name,
                            tp_hsm_ckr_name(rv), wants_code(card) ? CODE_WORDS : "", tries_left(card));
    case CKR_PIN_LEN_RANGE:
        return tp_error_set(error, TP_PIN_LENGTH, "the PIN for the token \"%s\" is too short or too long%s", card->name,
                            tries_left(card));
    case CKR_PIN_LOCKED:
        return tp_error_set(error, TP_PIN_LOCKED,
                            "the token \"%s\" is locked after too many wrong PINs, or its user is suspended; whoever administers "
                            "it knows which, and can undo it", card->name);
    case CKR_PIN_EXPIRED:
        return tp_error_set(error, TP_PIN_EXPIRED, "the PIN of the token \"%s\" has expired: set a new one first",
                            card->name);
    case CKR_GENERAL_ERROR: /* OpenSC, of cards that have no better answer to a wrong PIN */
    case CKR_FUNCTION_FAILED:
        return tp_error_set(error, tp_hsm_ckr_rc(rv),
                            "the token \"%s\" does not log in (%s): check the PIN, and the token with its own tools%s",
                            card->name, tp_hsm_ckr_name(rv), tries_left(card));
    case CKR_USER_PIN_NOT_INITIALIZED:
        return tp_error_set(error, TP_NOT_ENROLLED, "the token \"%s\" has no PIN yet: set one first", card->name);
    default:
        return tp_hsm_card_rc(card, rv, "C_Login", error);
    }
}

static enum tp_rc ask(struct tp_hsm_card *card, struct tp_error *error, struct tp_secret **ret_pin)
{
    if (tp_hsm_card_uri_has_pin(card->uri))
        return tp_hsm_pin_source_read(p11_kit_uri_get_pin_source(card->uri), error, ret_pin);
    const enum tp_rc rc =
        card->ask_pin != NULL ? card->ask_pin(card->ask_context, card->name, wants_code(card), error, ret_pin) : TP_NOT_FOUND;
    if (rc != TP_NOT_FOUND)
        return rc;
    return tp_error_set(
        error, TP_CONFIG,
        "the token \"%s\" wants a PIN and there is nobody to ask: add pin-source=file:/path to the key's URI",
        card->name);
}

enum tp_rc tp_hsm_card_login(struct tp_hsm_card *card, CK_SESSION_HANDLE session, CK_USER_TYPE user,
                             struct tp_error *error)
{
    struct tp_secret *pin TP_AUTO(tp_secret_free_p) = NULL;
    if ((card->token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) !=
        0) /* the device asks by itself: no PIN passes here */
        return login_rc(card, card->module->calls->C_Login(session, user, NULL, 0), error);
    pthread_mutex_lock(&card->asking);
    const enum tp_rc rc = ask(card, error, &pin);
    pthread_mutex_unlock(&card->asking);
    TP_TRY(rc);
    const struct tp_bytes text = tp_secret_bytes(pin);
    return login_rc(card, card->module->calls->C_Login(session, user, (CK_UTF8CHAR_PTR)text.data, text.len), error);
}

/* ---- sessions ---- */

static CK_RV open_session(struct tp_hsm_card *card, CK_SESSION_HANDLE *ret_session)
{
    return card->module->calls->C_OpenSession(card->slot, CKF_SERIAL_SESSION, NULL, NULL, ret_session);
}

enum tp_rc tp_hsm_card_session_take(struct tp_hsm_card *card, struct tp_error *error, CK_SESSION_HANDLE *ret_session)
{
    pthread_mutex_lock(&card->lock);
    while (card->idle_len == 0 && card->opened == card->most)
        pthread_cond_wait(&card->came_back, &card->lock);
    const bool have = card->idle_len > 0;
    if (have)
        *ret_session = card->idle[--card->idle_len];
    else
        card->opened++;
    pthread_mutex_unlock(&card->lock);
    if (have)
        return TP_OK;
    const enum tp_rc rc = tp_hsm_card_rc(card, open_session(card, ret_session), "C_OpenSession", error);
    if (rc == TP_OK)
        return TP_OK;
    pthread_mutex_lock(&card->lock);
    card->opened--;
    pthread_cond_signal(&card->came_back);
    pthread_mutex_unlock(&card->lock);
    return rc;
}

void tp_hsm_card_session_give(struct tp_hsm_card *card, CK_SESSION_HANDLE session, bool spoilt)
{
    if (spoilt)
        (void)card->module->calls->C_CloseSession(session);
    pthread_mutex_lock(&card->lock);
    if (spoilt)
        card->opened--;
    else
        card->idle[card->idle_len++] = session;
    pthread_cond_signal(&card->came_back);
    pthread_mutex_unlock(&card->lock);
}

/* ---- all of it ---- */

static enum tp_rc connect_token(struct tp_hsm_card *card, struct tp_error *error)
{
    TP_TRY(tp_hsm_module_load(tp_hsm_card_uri_module(card->uri), error, &card->module));
    TP_TRY(start(card->module, error));
    card->in_use = true;
    TP_TRY(find(card, error));
    TP_TRY(tp_hsm_card_rc(card, open_session(card, &card->anchor), "C_OpenSession", error));
    card->has_anchor = true;
    /* A token that wants no login gets one where the URI has a PIN for it: it may hide its keys without. */
    if ((card->token.flags & CKF_LOGIN_REQUIRED) == 0 && !tp_hsm_card_uri_has_pin(card->uri))
        return TP_OK;
    return tp_hsm_card_login(card, card->anchor, CKU_USER, error);
}

enum tp_rc tp_hsm_card_open(struct tp_hsm_card *card, const struct tp_hsm_signer_config *config, struct tp_error *error)
{
    card->most = config->threads == 0                     ? 1
                 : config->threads < TP_HSM_CARD_SESSIONS ? config->threads
                                                          : TP_HSM_CARD_SESSIONS;
    card->ask_pin = config->ask_pin;
    card->ask_context = config->ask_context;
    (void)pthread_mutex_init(&card->asking, NULL);
    (void)pthread_mutex_init(&card->lock, NULL);
    (void)pthread_cond_init(&card->came_back, NULL);
    TP_TRY(tp_hsm_card_uri_parse(config->uri, config->folder, error, &card->uri));
    return connect_token(card, error);
}

/* With the last session the login ends; no C_Logout, since it would be another's, too, who has a login in this process.
 */
void tp_hsm_card_clear(struct tp_hsm_card *card)
{
    for (unsigned i = 0; i < card->idle_len; i++)
        (void)card->module->calls->C_CloseSession(card->idle[i]);
    if (card->has_anchor)
        (void)card->module->calls->C_CloseSession(card->anchor);
    if (card->in_use)
        atomic_fetch_sub(&card->module->linked, 1);
    if (card->module != NULL)
        tp_hsm_module_release(card->module);
    p11_kit_uri_free(card->uri);
    (void)pthread_cond_destroy(&card->came_back);
    (void)pthread_mutex_destroy(&card->lock);
    (void)pthread_mutex_destroy(&card->asking);
}
