/* SPDX-License-Identifier: Apache-2.0
 *
 * A PIN that an officer sets (C_InitPIN). The officer knows it, so it must not sign (RS-6): it opens no login, seals no key,
 * and with a one-time code of the user's it sets another PIN, and does nothing else (login.c, enrol.c). What the former PIN
 * has sealed is lost, and the user wrapping key goes with it.
 *
 * Without a second factor there is no code to go with it. Then it is what `trustp11 user add` gives out: an enrolment code,
 * here one of the officer's choice.
 */
#include "base/clock.h"
#include "engine/account.h"
#include "engine/authorisation.h"
#include "engine/login.h"

struct init {
    struct tp_edit *edit;
    Tp__Engine__User *record;
    bool factor; /* the user has one that gives codes */
    unsigned keys_lost;
};

/* While an enrolment is open there is none: what the user has had is given up with it. */
static enum tp_rc look_for_factor(struct tp_call *call, const Tp__Engine__User *record, bool *ret_factor)
{
    struct tp_factor factor = {0};
    *ret_factor = record->enrolled;
    if (!tp_account_is_blank(record) || record->factor[0] == '\0')
        return TP_OK;
    enum tp_rc rc = tp_factor_read(call->engine, record->factor, &call->error, &factor);
    if (rc != TP_OK)
        return rc == TP_NOT_FOUND ? TP_OK : rc; /* removed since */
    *ret_factor = factor.record->confirmed;
    tp_factor_clear(&factor);
    return TP_OK;
}

/* What waits for its owner's login is sealed by no PIN, and goes on waiting. */
static enum tp_rc give_up_keys(const struct tp_user *user, struct init *init)
{
    if (!init->record->enrolled || init->record->pin_initial)
        return TP_OK;
    TP_TRY(tp_account_delete_keys(init->edit, user, &init->keys_lost));
    return tp_field_bytes(&init->record->uwk, TP_BYTES_NONE);
}

static enum tp_rc set_initial(struct tp_call *call, struct tp_user *user, struct init *init)
{
    struct tp_secret *unused TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(give_up_keys(user, init));
    TP_TRY(tp_login_set_pin(call, user->id, init->record, tp_secret_bytes(call->request->secret[0]), &unused));
    init->record->enrolled = init->record->pin_initial = true;
    return TP_OK;
}

static enum tp_rc set_code(struct tp_call *call, struct tp_user *user, struct init *init)
{
    TP_TRY(tp_field_bytes(&init->record->pin_verifier, TP_BYTES_NONE)); /* of an enrolment that was begun */
    return tp_account_open_enrolment(call, user->id, init->record, tp_secret_bytes(call->request->secret[0]));
}

static enum tp_rc prepare(struct tp_call *call, struct tp_user *user, struct init *init)
{
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_PIN_INIT, &init->edit));
    init->record = tp_edit_user(init->edit, user);
    if (init->record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    TP_TRY(tp_account_not_closed(call, init->record));
    TP_TRY(look_for_factor(call, init->record, &init->factor));
    TP_TRY(init->factor ? set_initial(call, user, init) : set_code(call, user, init));
    tp_account_renew(init->record);
    tp_edit_object(init->edit, "user", user->id);
    tp_edit_detail(init->edit, "%s, keys lost %u", init->factor ? "initial PIN" : "enrolment code", init->keys_lost);
    return TP_OK;
}

static void answer(struct tp_call *call, const struct init *init)
{
    Tp__Ipc__PinInitReply reply = TP__IPC__PIN_INIT_REPLY__INIT;
    reply.keys_lost = init->keys_lost;
    reply.enrolment = !init->factor;
    reply.until_ms = init->factor ? 0 : tp_clock_utc_ms() + call->engine->conf.enrol_ms;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
}

static enum tp_rc init_pin(struct tp_call *call, struct tp_user *user)
{
    struct init init = {.edit = NULL};
    TP_TRY(tp_pin_acceptable(tp_secret_bytes(call->request->secret[0]), call->engine->conf.pin_least, &call->error));
    enum tp_rc rc = prepare(call, user, &init);
    if (rc == TP_OK) {
        tp_authorisation_end_user(call->engine, user, "pin.init");
        rc = tp_edit_commit(init.edit, &call->error);
    }
    tp_edit_free(init.edit);
    if (rc == TP_OK)
        answer(call, &init);
    return rc;
}

enum tp_rc tp_op_pin_init(struct tp_call *call)
{
    const Tp__Ipc__PinInitRequest *message = (const Tp__Ipc__PinInitRequest *)call->request->message;
    return tp_call_on_user(call, message->user, init_pin);
}
