/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/login.h"
#include "base/clock.h"
#include "p11/module.h"
#include "p11/officer.h"
#include "p11/rv.h"
#include "p11/session.h"
#include "p11/sign.h"
#include "p11/slot.h"

#include <stdio.h>
#include <string.h>

#define ASK_AGAIN_MS   1000 /* what the engine said is believed for this long */
#define MALFORMED_MOST 10   /* PINs that cannot be right, before the answer is CKR_PIN_LOCKED */

enum tp_rc tp_p11_login_init(struct tp_p11_login *login)
{
    return pthread_mutex_init(&login->mutex, NULL) == 0 ? TP_OK : TP_MEMORY;
}

void tp_p11_login_clear(struct tp_p11_login *login)
{
    (void)pthread_mutex_destroy(&login->mutex);
}

/* ---- state; the mutex is held ---- */

static void end(struct tp_p11_login *login)
{
    login->open = login->officer = false;
    login->id[0] = login->user[0] = '\0';
}

/* What can be known without asking. */
static bool open_by_clock(struct tp_p11_login *login)
{
    if (login->open && login->until_ms != 0 && tp_clock_utc_ms() >= login->until_ms)
        end(login);
    return login->open;
}

static void set_terms(struct tp_p11_login *login, int64_t until_ms, uint32_t signatures_left, uint64_t generation)
{
    login->until_ms = until_ms;
    login->counted = signatures_left != 0;
    login->signatures_left = signatures_left;
    login->generation = generation;
    login->asked_ms = tp_clock_monotonic_ms();
}

bool tp_p11_login_who(struct tp_p11_slot *slot, char ret_user[TP_CLIENT_USER_LEN], uint64_t *ret_epoch)
{
    struct tp_p11_login *login = &slot->login;
    pthread_mutex_lock(&login->mutex);
    (void)snprintf(ret_user, TP_CLIENT_USER_LEN, "%s",
                   slot->serves_all && open_by_clock(login) ? login->user : slot->user);
    if (ret_epoch != NULL)
        *ret_epoch = slot->serves_all ? login->epoch : 0;
    pthread_mutex_unlock(&login->mutex);
    return ret_user[0] != '\0';
}

/* ---- asking ---- */

/* LOGIN_EPOCH is the login that was asked about: another may have begun meanwhile. */
static void take_answer(struct tp_p11_slot *slot, const struct tp_p11_authorisation *asked,
                        const Tp__Ipc__AuthorisationReply *reply)
{
    struct tp_p11_login *login = &slot->login;
    pthread_mutex_lock(&login->mutex);
    if (login->open && login->epoch == asked->epoch) {
        if (!reply->open)
            end(login);
        else
            set_terms(login, reply->until_ms, reply->signatures_left, tp_ipc_client_generation(slot->module->client));
    }
    pthread_mutex_unlock(&login->mutex);
}

/* An engine that cannot be reached says nothing: the login stays as it is, and the next signature finds out. */
static void ask(struct tp_p11_slot *slot, const struct tp_p11_authorisation *about)
{
    Tp__Ipc__AuthorisationRequest request = TP__IPC__AUTHORISATION_REQUEST__INIT;
    struct tp_p11_authorisation copy = *about;
    struct tp_ipc_reply reply = {0};
    request.user = copy.user;
    request.authorisation = copy.id;
    enum tp_rc rc = tp_p11_module_ask(slot->module, TP_OP_AUTHORISATION, &request.base, NULL, &reply);
    static const Tp__Ipc__AuthorisationReply ended = TP__IPC__AUTHORISATION_REPLY__INIT;
    if (rc == TP_OK)
        take_answer(slot, about, (const Tp__Ipc__AuthorisationReply *)reply.message);
    else if (rc == TP_NOT_FOUND || rc == TP_NOT_LOGGED_IN || rc == TP_NOT_PERMITTED)
        take_answer(slot, about, &ended);
    tp_ipc_reply_clear(&reply);
}

/* Copies out what is open now. IS_STALE: it is worth asking the engine about it; the caller that is told so asks. */
static bool look(struct tp_p11_slot *slot, bool by_time, struct tp_p11_authorisation *ret_authorisation,
                 bool *ret_is_stale)
{
    struct tp_p11_login *login = &slot->login;
    pthread_mutex_lock(&login->mutex);
    bool open = open_by_clock(login);
    *ret_is_stale = false;
    if (open) {
        memcpy(ret_authorisation->id, login->id, sizeof(login->id));
        memcpy(ret_authorisation->user, login->user, sizeof(login->user));
        ret_authorisation->officer = login->officer;
        ret_authorisation->epoch = login->epoch;
        *ret_is_stale = login->generation != tp_ipc_client_generation(slot->module->client) ||
                        (by_time && tp_clock_monotonic_ms() - login->asked_ms >= ASK_AGAIN_MS);
        if (*ret_is_stale)
            login->asked_ms = tp_clock_monotonic_ms();
    }
    pthread_mutex_unlock(&login->mutex);
    return open;
}

static bool look_and_ask(struct tp_p11_slot *slot, bool by_time, struct tp_p11_authorisation *ret_authorisation)
{
    bool is_stale = false;
    if (!look(slot, by_time, ret_authorisation, &is_stale))
        return false;
    if (!is_stale)
        return true;
    ask(slot, ret_authorisation);
    return look(slot, false, ret_authorisation, &is_stale);
}

enum tp_p11_party tp_p11_login_party(struct tp_p11_slot *slot)
{
    struct tp_p11_authorisation authorisation;
    if (!look_and_ask(slot, true, &authorisation))
        return TP_P11_NOBODY;
    return authorisation.officer ? TP_P11_OFFICER : TP_P11_USER;
}

bool tp_p11_login_is_open(struct tp_p11_slot *slot)
{
    return tp_p11_login_party(slot) == TP_P11_USER;
}

bool tp_p11_login_seems_open(struct tp_p11_slot *slot)
{
    pthread_mutex_lock(&slot->login.mutex);
    bool open = open_by_clock(&slot->login) && !slot->login.officer;
    pthread_mutex_unlock(&slot->login.mutex);
    return open;
}

bool tp_p11_login_name(struct tp_p11_slot *slot, char ret_name[TP_CLIENT_USER_LEN])
{
    pthread_mutex_lock(&slot->login.mutex);
    (void)snprintf(ret_name, TP_CLIENT_USER_LEN, "%s", open_by_clock(&slot->login) ? slot->login.user : slot->user);
    pthread_mutex_unlock(&slot->login.mutex);
    return ret_name[0] != '\0';
}

enum tp_rc tp_p11_login_authorisation(struct tp_p11_slot *slot, struct tp_p11_authorisation *ret_authorisation)
{
    struct tp_p11_authorisation authorisation = {.epoch = 0};
    if (!look_and_ask(slot, false, &authorisation) || authorisation.officer) {
        /* without a login of our own, login = session stands on the one that `trustp11 login` has opened */
        if (!slot->module->session_login || slot->serves_all)
            return TP_NOT_LOGGED_IN;
        authorisation = (struct tp_p11_authorisation){.epoch = 0};
        (void)snprintf(authorisation.user, sizeof(authorisation.user), "%s", slot->user);
    }
    *ret_authorisation = authorisation;
    return TP_OK;
}

void tp_p11_login_account(struct tp_p11_slot *slot, const struct tp_p11_authorisation *authorisation, enum tp_rc rc)
{
    struct tp_p11_login *login = &slot->login;
    if (authorisation->epoch == 0 || (rc != TP_OK && rc != TP_NOT_LOGGED_IN))
        return;
    pthread_mutex_lock(&login->mutex);
    if (login->open && login->epoch == authorisation->epoch) {
        if (rc == TP_OK && login->counted && login->signatures_left > 0)
            login->signatures_left--;
        if (rc == TP_NOT_LOGGED_IN || (login->counted && login->signatures_left == 0))
            end(login);
    }
    pthread_mutex_unlock(&login->mutex);
}

/* ---- C_Login ---- */

/* A PIN that cannot be right is refused here and counts towards nothing in the engine. A consumer that goes on sending
 * such PINs (NSS: 43,528 empty ones in a minute) is told "locked", which all understand as an end; a well-formed PIN
 * still goes through. CKR_PIN_LEN_RANGE would be for functions that set a PIN (3.0 §5.1.6). */
static CK_RV count_malformed(struct tp_p11_login *login)
{
    pthread_mutex_lock(&login->mutex);
    bool locked = login->malformed >= MALFORMED_MOST;
    if (!locked)
        login->malformed++;
    pthread_mutex_unlock(&login->mutex);
    return locked ? CKR_PIN_LOCKED : CKR_PIN_INCORRECT;
}

/* WHY fits "it is …", and says nothing of the PIN that its length does not. */
static CK_RV refuse_malformed(struct tp_p11_call *call, const struct tp_p11_applicant *applicant, const char *why)
{
    (void)tp_error_set(
        &call->error, TP_PIN_WRONG,
        "the PIN for user %s was not sent to the engine: it is %s; give the PIN followed by the one-time "
        "code, or, after `trustp11 login`, the PIN alone",
        applicant->user, why);
    return count_malformed(&applicant->slot->login);
}

static void forgive_malformed(struct tp_p11_login *login)
{
    pthread_mutex_lock(&login->mutex);
    login->malformed = 0;
    pthread_mutex_unlock(&login->mutex);
}

/* A suspended or closed user is what C_GetTokenInfo shows as locked; one who is not known, as not initialised. */
static CK_RV rv_of(const struct tp_p11_applicant *applicant, enum tp_rc rc)
{
    if (rc == TP_NOT_FOUND && !applicant->officer && tp_p11_token_can_be_blank(applicant->slot))
        return CKR_USER_PIN_NOT_INITIALIZED;
    return rc == TP_NOT_PERMITTED ? CKR_PIN_LOCKED : tp_p11_rv(rc);
}

static CK_RV check_pin(struct tp_p11_call *call, const struct tp_p11_applicant *applicant, struct tp_bytes pin)
{
    uint32_t pin_min = 0;
    if (pin.data == NULL && pin.len > 0)
        return CKR_ARGUMENTS_BAD;
    if (pin.len == 0)
        return refuse_malformed(call, applicant, "empty");
    if (pin.len > TP_P11_PIN_MOST)
        return refuse_malformed(call, applicant, "longer than any PIN");
    /* there may be no token yet that an officer makes one in */
    enum tp_rc rc = applicant->officer ? TP_OK : tp_p11_token_pin_min(applicant->slot, &call->error, &pin_min);
    if (rc != TP_OK)
        return rv_of(applicant, rc);
    return pin.len < pin_min ? refuse_malformed(call, applicant, "shorter than any PIN") : CKR_OK;
}

static enum tp_rc send_logout(struct tp_p11_slot *slot, char *user, char *authorisation, struct tp_error *error)
{
    Tp__Ipc__LogoutRequest request = TP__IPC__LOGOUT_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = user;
    request.authorisation = authorisation;
    enum tp_rc rc =
        tp_ipc_call(slot->module->client, TP_OP_LOGOUT, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, error, &reply);
    tp_ipc_reply_clear(&reply);
    return rc;
}

void tp_p11_login_give_back(const struct tp_p11_applicant *applicant, struct tp_p11_grant *grant)
{
    if (!grant->joined) /* or it is another login's, which goes on */
        (void)send_logout(applicant->slot, applicant->user, grant->id, NULL);
}

/* A user's goes on in the engine, where the same process may join it again. What an officer may is not left lying about. */
void tp_p11_login_forget(struct tp_p11_slot *slot)
{
    struct tp_p11_authorisation ended = {.officer = false};
    pthread_mutex_lock(&slot->login.mutex);
    if (open_by_clock(&slot->login) && slot->login.officer) {
        memcpy(ended.id, slot->login.id, sizeof(ended.id));
        memcpy(ended.user, slot->login.user, sizeof(ended.user));
        ended.officer = true;
    }
    end(&slot->login);
    pthread_mutex_unlock(&slot->login.mutex);
    if (ended.officer)
        (void)send_logout(slot, ended.user, ended.id, NULL);
}

static bool has_officer(const Tp__Ipc__LoginReply *reply)
{
    for (size_t i = 0; i < reply->n_roles; i++)
        if (strcmp(reply->roles[i], "officer") == 0)
            return true;
    return false;
}

static enum tp_rc read_grant(const Tp__Ipc__LoginReply *reply, struct tp_p11_grant *ret_grant)
{
    size_t len = strlen(reply->authorisation);
    if (len == 0 || len >= sizeof(ret_grant->id))
        return TP_MALFORMED;
    memcpy(ret_grant->id, reply->authorisation, len + 1);
    ret_grant->until_ms = reply->until_ms;
    ret_grant->signatures_left = reply->signatures_left;
    ret_grant->joined = reply->joined;
    ret_grant->officer = has_officer(reply);
    return TP_OK;
}

CK_RV tp_p11_login_ask(struct tp_p11_call *call, const struct tp_p11_applicant *applicant, struct tp_bytes pin,
                       struct tp_p11_grant *ret_grant)
{
    struct tp_p11_slot *slot = applicant->slot;
    Tp__Ipc__LoginRequest request = TP__IPC__LOGIN_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    CK_RV rv = check_pin(call, applicant, pin);
    if (rv != CKR_OK)
        return rv;
    request.user = applicant->user;
    if (applicant->credential != NULL)
        request.credential = applicant->credential;
    enum tp_rc rc =
        tp_ipc_call(slot->module->client, TP_OP_LOGIN, &request.base, pin, TP_BYTES_NONE, 0, &call->error, &reply);
    if (rc == TP_OK)
        rc = read_grant((const Tp__Ipc__LoginReply *)reply.message, ret_grant);
    tp_ipc_reply_clear(&reply);
    if (rc == TP_OK)
        forgive_malformed(&slot->login);
    /* lacks the code, or too short without it, or nobody has that name: the engine counts that towards nothing, so the
     * bound on it is ours; its words stay */
    if (rc == TP_PIN_LENGTH || (rc == TP_NOT_FOUND && slot->serves_all))
        return count_malformed(&slot->login);
    return rv_of(applicant, rc);
}

/* 3.0 §5.6.9. */
static CK_RV already(const struct tp_p11_login *login, bool officer, const char *user)
{
    if (!login->open)
        return CKR_OK;
    bool same = login->officer == officer && (user == NULL || strcmp(login->user, user) == 0);
    return same ? CKR_USER_ALREADY_LOGGED_IN : CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
}

CK_RV tp_p11_login_install(const struct tp_p11_applicant *applicant, struct tp_p11_grant *grant)
{
    struct tp_p11_slot *slot = applicant->slot;
    struct tp_p11_login *login = &slot->login;
    pthread_mutex_lock(&login->mutex);
    (void)open_by_clock(login);
    bool same = strcmp(login->id, grant->id) == 0;
    CK_RV rv = already(login, applicant->officer, applicant->user);
    if (rv == CKR_OK) {
        login->epoch++;
        if (slot->serves_all) /* what an earlier user has left is gone before the next one is in */
            tp_p11_inventory_begin(slot, login->epoch);
        login->open = true;
        login->officer = applicant->officer;
        memcpy(login->id, grant->id, sizeof(login->id));
        (void)snprintf(login->user, sizeof(login->user), "%s", applicant->user);
        set_terms(login, grant->until_ms, grant->signatures_left, tp_ipc_client_generation(slot->module->client));
    }
    pthread_mutex_unlock(&login->mutex);
    if (rv != CKR_OK && !same) /* nobody would ever use it: give it back rather than leave it open */
        tp_p11_login_give_back(applicant, grant);
    return rv;
}

CK_RV tp_p11_login_already(struct tp_p11_slot *slot, bool officer, const char *user)
{
    struct tp_p11_authorisation authorisation;
    bool is_stale = false;
    if (look(slot, false, &authorisation, &is_stale))
        ask(slot, &authorisation);
    pthread_mutex_lock(&slot->login.mutex);
    (void)open_by_clock(&slot->login);
    CK_RV rv = already(&slot->login, officer, user);
    pthread_mutex_unlock(&slot->login.mutex);
    return rv;
}

static CK_RV login_as_user(struct tp_p11_call *call, char *who, struct tp_bytes pin)
{
    struct tp_p11_slot *slot = call->session->slot;
    const struct tp_p11_applicant applicant = {.slot = slot, .user = who};
    struct tp_p11_grant grant;
    CK_RV rv = tp_p11_login_already(slot, false, who);
    if (rv == CKR_OK)
        rv = tp_p11_login_ask(call, &applicant, pin, &grant);
    return rv == CKR_OK ? tp_p11_login_install(&applicant, &grant) : rv;
}

/* For one signature with a CKA_ALWAYS_AUTHENTICATE key: between C_SignInit and C_Sign (3.0 §5.6.8). */
static CK_RV login_for_signature(struct tp_p11_call *call, char *who, struct tp_bytes pin)
{
    struct tp_p11_slot *slot = call->session->slot;
    const struct tp_p11_applicant applicant = {
        .slot = slot, .user = who, .credential = tp_p11_sign_wants_login(call->session)};
    struct tp_p11_grant grant;
    if (applicant.credential == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = tp_p11_login_ask(call, &applicant, pin, &grant);
    if (rv == CKR_OK)
        tp_p11_sign_authorise(call->session, grant.id);
    return rv;
}

/* A PIN is never tried on somebody whom nobody has named: it would count as a wrong one of theirs. */
static CK_RV nobody_named(struct tp_p11_call *call)
{
    (void)tp_error_set(&call->error, TP_BAD_ARGUMENT,
                       "this slot serves many users, and the program does not say whose PIN this is: it must call "
                       "C_LoginUser; for one that cannot, name its user in trustp11.conf: users = NAME");
    return CKR_USER_TYPE_INVALID;
}

/* Whom USER names. A slot that is one user's is nobody else's; one that serves all must be told, unless it is for a
 * signature of who is logged in. */
static CK_RV find_who(struct tp_p11_call *call, CK_USER_TYPE user_type, struct tp_bytes user,
                      char ret_who[TP_CLIENT_USER_LEN])
{
    struct tp_p11_slot *slot = call->session->slot;
    bool known = tp_p11_login_who(slot, ret_who, NULL);
    if (slot->serves_all && user_type == CKU_CONTEXT_SPECIFIC && !known)
        return CKR_USER_NOT_LOGGED_IN;
    if (!slot->serves_all || user_type == CKU_CONTEXT_SPECIFIC)
        return user.len == 0 || tp_bytes_equal(user, tp_bytes_of_string(ret_who)) ? CKR_OK : CKR_ARGUMENTS_BAD;
    if (user.len == 0)
        return nobody_named(call);
    if (user.len >= TP_CLIENT_USER_LEN || memchr(user.data, '\0', user.len) != NULL)
        return CKR_ARGUMENTS_BAD;
    memcpy(ret_who, user.data, user.len);
    ret_who[user.len] = '\0';
    return CKR_OK;
}

CK_RV tp_p11_login_user(struct tp_p11_call *call, CK_USER_TYPE user_type, struct tp_bytes pin, struct tp_bytes user)
{
    char who[TP_CLIENT_USER_LEN];
    if (user.data == NULL && user.len > 0)
        return CKR_ARGUMENTS_BAD;
    if (user_type == CKU_SO) /* officers are of all slots, whatever a slot's user is called */
        return tp_p11_officer_login(call, pin, user);
    if (user_type != CKU_USER && user_type != CKU_CONTEXT_SPECIFIC)
        return CKR_USER_TYPE_INVALID;
    CK_RV rv = find_who(call, user_type, user, who);
    if (rv != CKR_OK)
        return rv;
    return user_type == CKU_USER ? login_as_user(call, who, pin) : login_for_signature(call, who, pin);
}

CK_RV tp_p11_login(struct tp_p11_call *call, CK_USER_TYPE user_type, struct tp_bytes pin)
{
    return tp_p11_login_user(call, user_type, pin, TP_BYTES_NONE);
}

/* ---- C_Logout ---- */

CK_RV tp_p11_logout(struct tp_p11_call *call)
{
    struct tp_p11_slot *slot = call->session->slot;
    struct tp_p11_login *login = &slot->login;
    char id[TP_ID_LEN], user[TP_CLIENT_USER_LEN];
    pthread_mutex_lock(&login->mutex);
    bool open = open_by_clock(login);
    memcpy(id, login->id, sizeof(id));
    memcpy(user, login->user, sizeof(user));
    if (open && slot->serves_all)
        tp_p11_inventory_begin(slot, login->epoch);
    end(login);
    pthread_mutex_unlock(&login->mutex);
    if (!open)
        return CKR_USER_NOT_LOGGED_IN;
    tp_p11_inventory_drop_private(slot);
    /* logged out here whatever the engine says; that it did not hear of it is for the log */
    (void)send_logout(slot, user, id, &call->error);
    return CKR_OK;
}
