/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/officer.h"
#include "base/log.h"
#include "p11/login.h"
#include "p11/module.h"
#include "p11/rv.h"
#include "p11/session.h"
#include "p11/slot.h"

#include <string.h>

#define LABEL_LEN 32 /* CK_TOKEN_INFO.label */

/* ---- who ---- */

/* "Invalid user type" is what C_Login has for it (3.0 §5.6.8): there is no SO here. CKR_USER_PIN_NOT_INITIALIZED is said of
 * the user's PIN, and "incorrect" would have a program ask for the PIN again. */
static CK_RV no_officer(struct tp_p11_call *call)
{
    (void)tp_error_set(&call->error, TP_CONFIG,
                       "nobody is the SO here: say in %s which officer is (officer = NAME), or name one with C_LoginUser",
                       tp_client_conf_path(call->module->conf));
    return CKR_USER_TYPE_INVALID;
}

/* What an SO does is done to one user's token. */
static CK_RV of_nobody(struct tp_p11_call *call)
{
    (void)tp_error_set(&call->error, TP_BAD_ARGUMENT,
                       "this slot serves many users, and has no token for an officer to look after: name the user in "
                       "trustp11.conf (users = NAME), or use trustp11 user");
    return CKR_USER_TYPE_INVALID;
}

static CK_RV choose(struct tp_p11_call *call, const struct tp_p11_slot *slot, struct tp_bytes name,
                    char ret_name[TP_CLIENT_USER_LEN])
{
    const char *configured = tp_client_conf_officer(call->module->conf);
    if (slot->serves_all)
        return of_nobody(call);
    if (name.len == 0 && configured == NULL)
        return no_officer(call);
    if (name.len == 0)
        name = tp_bytes_of_string(configured);
    if (name.len >= TP_CLIENT_USER_LEN || memchr(name.data, '\0', name.len) != NULL)
        return CKR_ARGUMENTS_BAD;
    memcpy(ret_name, name.data, name.len);
    ret_name[name.len] = '\0';
    return CKR_OK;
}

/* PIN and code were right, and are used up: no try has been lost. */
static CK_RV without_the_role(struct tp_p11_call *call, const struct tp_p11_applicant *applicant, struct tp_p11_grant *grant)
{
    tp_p11_login_give_back(applicant, grant);
    (void)tp_error_set(&call->error, TP_NOT_PERMITTED,
                       "%s is logged out again: not an officer, and so not the SO; name one who is (officer in %s)",
                       applicant->user, tp_client_conf_path(call->module->conf));
    return CKR_USER_TYPE_INVALID;
}

static CK_RV ask(struct tp_p11_call *call, const struct tp_p11_applicant *applicant, struct tp_bytes pin,
                 struct tp_p11_grant *ret_grant)
{
    CK_RV rv = tp_p11_login_ask(call, applicant, pin, ret_grant);
    if (rv != CKR_OK)
        return rv == CKR_TOKEN_NOT_PRESENT ? CKR_USER_TYPE_INVALID : rv; /* the engine knows no such user, and says so */
    return ret_grant->officer ? CKR_OK : without_the_role(call, applicant, ret_grant);
}

/* ---- C_Login ---- */

static bool has_read_only(struct tp_p11_slot *slot)
{
    return atomic_load(&slot->sessions) > atomic_load(&slot->rw_sessions);
}

/* Looked at once more when the login stands: see beside_the_officer in session.c. */
static CK_RV install(const struct tp_p11_applicant *applicant, struct tp_p11_grant *grant)
{
    CK_RV rv = tp_p11_login_install(applicant, grant);
    if (rv != CKR_OK || !has_read_only(applicant->slot))
        return rv;
    tp_p11_login_forget(applicant->slot);
    return CKR_SESSION_READ_ONLY_EXISTS;
}

CK_RV tp_p11_officer_login(struct tp_p11_call *call, struct tp_bytes pin, struct tp_bytes name)
{
    char user[TP_CLIENT_USER_LEN];
    struct tp_p11_slot *slot = call->session->slot;
    const struct tp_p11_applicant applicant = {.slot = slot, .user = user, .officer = true};
    struct tp_p11_grant grant;
    CK_RV rv = tp_p11_login_already(slot, true, NULL);
    if (rv == CKR_OK && has_read_only(slot))
        rv = CKR_SESSION_READ_ONLY_EXISTS;
    if (rv == CKR_OK)
        rv = choose(call, slot, name, user);
    if (rv == CKR_OK)
        rv = ask(call, &applicant, pin, &grant);
    return rv == CKR_OK ? install(&applicant, &grant) : rv;
}

/* ---- C_InitPIN ---- */

static void tell_pin(const struct tp_p11_call *call, const Tp__Ipc__PinInitReply *reply)
{
    const char *user = call->session->slot->user;
    if (reply->enrolment)
        tp_log(TP_LOG_INFO, "%s: %s has no second factor: the PIN is an enrolment code; next: trustp11 enrol --user %s",
               call->name, user, user);
    else
        tp_log(TP_LOG_INFO, "%s: the PIN of %s is good for C_SetPIN alone; keys that were lost with the old one: %u",
               call->name, user, (unsigned)reply->keys_lost);
}

static enum tp_rc init_pin(struct tp_p11_call *call, struct tp_bytes pin)
{
    struct tp_p11_slot *slot = call->session->slot;
    Tp__Ipc__PinInitRequest request = TP__IPC__PIN_INIT_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = slot->user;
    enum tp_rc rc =
        tp_ipc_call(slot->module->client, TP_OP_PIN_INIT, &request.base, pin, TP_BYTES_NONE, 0, &call->error, &reply);
    if (rc == TP_OK)
        tell_pin(call, (const Tp__Ipc__PinInitReply *)reply.message);
    tp_ipc_reply_clear(&reply);
    return rc;
}

/* The login is asked about first: who runs as root may do without in the engine, but not here. */
CK_RV tp_p11_officer_init_pin(struct tp_p11_call *call, struct tp_bytes pin)
{
    if (pin.data == NULL && pin.len > 0)
        return CKR_ARGUMENTS_BAD;
    if (tp_p11_login_already(call->session->slot, true, NULL) != CKR_USER_ALREADY_LOGGED_IN)
        return CKR_USER_NOT_LOGGED_IN;
    CK_RV rv = tp_p11_token_new_pin_check(pin);
    return rv != CKR_OK ? rv : tp_p11_token_new_pin_rv(init_pin(call, pin));
}

/* ---- C_InitToken ---- */

static CK_RV read_label(const CK_UTF8CHAR *label, char ret_label[LABEL_LEN + 1])
{
    size_t len = LABEL_LEN;
    if (memchr(label, '\0', LABEL_LEN) != NULL) /* "must not be null-terminated" (3.0 §5.5.6) */
        return CKR_ARGUMENTS_BAD;
    while (len > 0 && label[len - 1] == ' ')
        len--;
    memcpy(ret_label, label, len);
    ret_label[len] = '\0';
    return CKR_OK;
}

static enum tp_rc init_token(struct tp_p11_call *call, struct tp_p11_slot *slot, char *label)
{
    Tp__Ipc__TokenInitRequest request = TP__IPC__TOKEN_INIT_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = slot->user;
    request.label = label;
    enum tp_rc rc = tp_ipc_call(slot->module->client, TP_OP_TOKEN_INIT, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0,
                                &call->error, &reply);
    if (rc == TP_OK) {
        const Tp__Ipc__TokenInitReply *done = (const Tp__Ipc__TokenInitReply *)reply.message;
        tp_log(TP_LOG_INFO, "%s: %s %s, without a PIN; keys that were lost: %u", call->name, slot->user,
               done->added ? "was added" : "is as new", (unsigned)done->keys_lost);
    }
    tp_ipc_reply_clear(&reply);
    tp_p11_token_forget(slot);
    return rc;
}

/* The function carries the SO PIN, and there is no session: the login is for this one call. */
static CK_RV login_and_init(struct tp_p11_call *call, const struct tp_p11_applicant *applicant, struct tp_bytes pin,
                            char *label)
{
    struct tp_p11_grant grant;
    CK_RV rv = ask(call, applicant, pin, &grant);
    if (rv != CKR_OK)
        return rv;
    enum tp_rc rc = init_token(call, applicant->slot, label);
    tp_p11_login_give_back(applicant, &grant);
    return rc == TP_NOT_PERMITTED ? CKR_TOKEN_WRITE_PROTECTED : tp_p11_rv(rc);
}

CK_RV tp_p11_officer_init_token(struct tp_p11_call *call, CK_SLOT_ID id, struct tp_bytes pin, const CK_UTF8CHAR *label)
{
    char user[TP_CLIENT_USER_LEN], text[LABEL_LEN + 1];
    struct tp_p11_applicant applicant = {.slot = tp_p11_slot_find(call->module, id), .user = user, .officer = true};
    if (applicant.slot == NULL)
        return CKR_SLOT_ID_INVALID;
    if (label == NULL)
        return CKR_ARGUMENTS_BAD;
    if (atomic_load(&applicant.slot->sessions) > 0)
        return CKR_SESSION_EXISTS;
    CK_RV rv = choose(call, applicant.slot, TP_BYTES_NONE, user);
    if (rv == CKR_OK)
        rv = read_label(label, text);
    if (rv == CKR_OK)
        rv = login_and_init(call, &applicant, pin, text);
    return rv == CKR_USER_TYPE_INVALID ? CKR_TOKEN_WRITE_PROTECTED : rv; /* not by these, whoever they are */
}
