/* SPDX-License-Identifier: Apache-2.0
 *
 * The user's own start: with a one-time code from an officer, the user sets PIN and second factor (RS-6: no officer ever
 * knows a PIN or sees a seed). Two steps: PIN and new seed; then a first code from it, which makes both count. Until then the
 * enrolment code stays good, so that a lost QR code is no disaster.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "engine/authorisation.h"
#include "engine/login.h"
#include "engine/people.h"
#include "engine/vault.h"

#include <stdio.h>
#include <string.h>

/* ---- the enrolment code ---- */

static enum tp_rc code_expired(struct tp_call *call, const struct tp_user *user)
{
    const Tp__Engine__User *record = user->record;
    if (record->closed || record->suspended)
        return tp_error_set(&call->error, TP_NOT_PERMITTED, "the user is closed or suspended; ask an officer");
    if (record->enrol_verifier.len != TP_HSM_MAC_LEN)
        return tp_error_set(&call->error, TP_NOT_PERMITTED,
                            "no enrolment is open for this user; an officer starts one: trustp11 user reset");
    if (tp_clock_utc_ms() >= record->enrol_until_ms)
        return tp_error_set(&call->error, TP_NOT_PERMITTED,
                            "the enrolment code has run out; an officer makes a new one: trustp11 user reset");
    return TP_OK;
}

/* A code that can be guessed is a PIN that can be set: wrong ones count towards the lock. */
static enum tp_rc check_code(struct tp_call *call, struct tp_user *user, enum tp_action action)
{
    uint8_t verifier[TP_HSM_MAC_LEN];
    TP_TRY(code_expired(call, user));
    TP_TRY(tp_login_try(call, user, action));
    enum tp_rc rc = tp_vault_code_verifier(call->session, user->id, tp_secret_bytes(call->request->secret[0]),
                                           &call->error, verifier);
    if (rc != TP_OK)
        return tp_login_unfinished(call, user, action, rc);
    if (!tp_bytes_equal_secret(TP_BYTES(verifier, sizeof verifier), tp_field(user->record->enrol_verifier)))
        return tp_login_wrong(call, user, action, "wrong enrolment code");
    return TP_OK;
}

/* ---- step one ---- */

struct enrolment {
    struct tp_user *user;
    struct tp_edit *edit;
    Tp__Engine__User *record;
    struct tp_secret *seed; /* NULL for a hardware token */
    struct tp_factor factor;
};

static void enrolment_clear(struct enrolment *enrolment)
{
    tp_edit_free(enrolment->edit);
    tp_secret_free(enrolment->seed);
    tp_factor_clear(&enrolment->factor);
}

struct find_hardware {
    const char *serial; /* wanted; "": any */
    char id[TP_ID_LEN];
    unsigned found;
};

static enum tp_rc find_hardware(void *context, const struct tp_ledger_record *record)
{
    struct find_hardware *find = context;
    Tp__Engine__Factor *factor = tp__engine__factor__unpack(NULL, record->content.len, record->content.data);
    if (factor != NULL && factor->hardware && (find->serial[0] == '\0' || strcmp(find->serial, factor->serial) == 0)) {
        snprintf(find->id, sizeof find->id, "%s", record->id);
        find->found++;
    }
    if (factor != NULL)
        tp__engine__factor__free_unpacked(factor, NULL);
    return TP_OK;
}

static enum tp_rc use_hardware(struct tp_call *call, struct enrolment *enrolment)
{
    const Tp__Ipc__EnrolRequest *message = (const Tp__Ipc__EnrolRequest *)call->request->message;
    struct find_hardware find = {.serial = message->serial};
    uint64_t cursor = 0;
    TP_TRY(tp_ledger_each(call->engine->ledger, "factor", enrolment->user->id, &cursor, SIZE_MAX, &call->error, find_hardware,
                          &find));
    if (find.found > 1)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT, "%u hardware tokens are registered for this user; say which: --serial",
                            find.found);
    if (find.found == 0 && find.serial[0] != '\0')
        return tp_error_set(&call->error, TP_NOT_FOUND, "no hardware token with serial number \"%s\" is registered for this user",
                            find.serial);
    if (find.found == 0)
        return tp_error_set(&call->error, TP_NOT_FOUND,
                            "no hardware token is registered for this user; an officer does that: trustp11 factor import");
    TP_TRY(tp_factor_read(call->engine, find.id, &call->error, &enrolment->factor));
    return tp_field_text(&enrolment->record->factor, find.id);
}

/* A seed of our own making, never seen by anyone but the user. */
static enum tp_rc make_factor(struct tp_call *call, struct enrolment *enrolment, enum tp_otp_kind kind)
{
    const struct tp_otp_params *params = &call->engine->conf.otp;
    struct tp_buf cipher TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char id[TP_ID_LEN];
    Tp__Engine__Factor factor = TP__ENGINE__FACTOR__INIT;
    TP_TRY(tp_id_make(id));
    TP_TRY(tp_secret_new(TP_OTP_SEED_LEN, &enrolment->seed));
    TP_TRY(tp_secret_set_len(enrolment->seed, TP_OTP_SEED_LEN));
    TP_TRY(tp_random(tp_secret_data(enrolment->seed), TP_OTP_SEED_LEN));
    TP_TRY(tp_hsm_encrypt(call->session, tp_secret_bytes(enrolment->seed), &call->error, &cipher));
    factor.kind = (uint32_t)kind;
    factor.algorithm = kind == TP_OTP_HOTP ? (uint32_t)TP_OTP_SHA1 : (uint32_t)params->algorithm; /* RFC 4226 */
    factor.digits = params->digits;
    factor.period_s = params->period_s;
    factor.seed = (ProtobufCBinaryData){.data = cipher.data, .len = cipher.len};
    factor.last = -1;
    factor.created_ms = tp_clock_utc_ms();
    TP_TRY(tp_edit_factor(enrolment->edit, id, enrolment->user->id, id, 0, &factor));
    return tp_field_text(&enrolment->record->factor, id);
}

/* A factor from an enrolment that was begun and not finished makes room. */
static enum tp_rc drop_unconfirmed(struct tp_call *call, struct enrolment *enrolment)
{
    struct tp_factor old = {0};
    if (enrolment->user->record->factor[0] == '\0')
        return TP_OK;
    enum tp_rc rc = tp_factor_read(call->engine, enrolment->user->record->factor, &call->error, &old);
    if (rc == TP_NOT_FOUND)
        return TP_OK;
    TP_TRY(rc);
    if (!old.record->hardware)
        rc = tp_edit_factor_delete(enrolment->edit, old.id, old.version);
    tp_factor_clear(&old);
    return rc;
}

static enum tp_rc choose_factor(struct tp_call *call, struct enrolment *enrolment, const char *kind)
{
    TP_TRY(drop_unconfirmed(call, enrolment));
    if (strcmp(kind, "hardware") == 0)
        return use_hardware(call, enrolment);
    if (strcmp(kind, "hotp") == 0)
        return make_factor(call, enrolment, TP_OTP_HOTP);
    if (kind[0] == '\0' || strcmp(kind, "totp") == 0)
        return make_factor(call, enrolment, TP_OTP_TOTP);
    return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the factor is one of: totp, hotp, hardware");
}

static void answer_enrol(struct tp_call *call, const struct enrolment *enrolment, const char *kind)
{
    const struct tp_engine_conf *conf = &call->engine->conf;
    const Tp__Engine__Factor *hardware = enrolment->factor.record;
    Tp__Ipc__EnrolReply reply = TP__IPC__ENROL_REPLY__INIT;
    bool hotp = strcmp(kind, "hotp") == 0;
    reply.issuer = (char *)(uintptr_t)conf->otp_issuer;
    reply.factor = (char *)(uintptr_t)(hardware != NULL ? "hardware" : hotp ? "hotp" : "totp");
    reply.digits = hardware != NULL ? hardware->digits : conf->otp.digits;
    reply.serial = hardware != NULL ? hardware->serial : reply.serial;
    reply.period_s = conf->otp.period_s;
    reply.algorithm = (char *)(uintptr_t)tp_otp_algorithm_name(hotp ? TP_OTP_SHA1 : conf->otp.algorithm);
    tp_ipc_answer(call->request, &reply.base, tp_secret_bytes(enrolment->seed));
}

static enum tp_rc ensure_uwk(struct tp_call *call, Tp__Engine__User *record)
{
    struct tp_buf uwk TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (record->uwk.len > 0)
        return TP_OK;
    TP_TRY(tp_hsm_uwk_generate(call->session, &call->error, &uwk));
    return tp_field_bytes(&record->uwk, tp_buf_bytes(&uwk));
}

/* The code was right. */
static enum tp_rc begin(struct tp_call *call, struct enrolment *enrolment)
{
    const Tp__Ipc__EnrolRequest *message = (const Tp__Ipc__EnrolRequest *)call->request->message;
    struct tp_user *user = enrolment->user;
    struct tp_secret *key TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_ENROL, &enrolment->edit));
    enrolment->record = tp_edit_user(enrolment->edit, user);
    if (enrolment->record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    enrolment->record->tries_used = 0;
    TP_TRY(ensure_uwk(call, enrolment->record));
    TP_TRY(tp_login_set_pin(call, user->id, enrolment->record, tp_secret_bytes(call->request->secret[1]), &key));
    TP_TRY(choose_factor(call, enrolment, message->factor));
    tp_edit_subject(enrolment->edit, user);
    tp_edit_object(enrolment->edit, "user", user->id);
    tp_edit_detail(enrolment->edit, "factor %s", message->factor[0] != '\0' ? message->factor : "totp");
    return tp_edit_commit(enrolment->edit, &call->error);
}

/* RS-6: nobody but the user knows a PIN that signs, and an officer has given, or chosen, what it is compared with here. */
static enum tp_rc check_own(struct tp_call *call, struct tp_bytes officers, const char *whose)
{
    if (!tp_bytes_equal_secret(tp_secret_bytes(call->request->secret[1]), officers))
        return TP_OK;
    return tp_error_set(&call->error, TP_BAD_ARGUMENT, "the PIN is the %s, which an officer may know: choose another", whose);
}

static enum tp_rc enrol(struct tp_call *call, struct enrolment *enrolment)
{
    const Tp__Ipc__EnrolRequest *message = (const Tp__Ipc__EnrolRequest *)call->request->message;
    TP_TRY(check_own(call, tp_secret_bytes(call->request->secret[0]), "enrolment code"));
    TP_TRY(tp_pin_acceptable(tp_secret_bytes(call->request->secret[1]), call->engine->conf.pin_least, &call->error));
    TP_TRY(check_code(call, enrolment->user, TP_ACTION_ENROL));
    enum tp_rc rc = begin(call, enrolment);
    if (rc != TP_OK)
        return tp_login_unfinished(call, enrolment->user, TP_ACTION_ENROL, rc);
    answer_enrol(call, enrolment, message->factor);
    return TP_OK;
}

enum tp_rc tp_op_enrol(struct tp_call *call)
{
    const Tp__Ipc__EnrolRequest *message = (const Tp__Ipc__EnrolRequest *)call->request->message;
    struct enrolment enrolment = {0};
    TP_TRY(tp_call_turn(call, message->user, &enrolment.user));
    enum tp_rc rc = enrol(call, &enrolment);
    tp_people_release_turn(call->engine, enrolment.user);
    enrolment_clear(&enrolment);
    return rc;
}

/* ---- step two ---- */

static enum tp_rc look_at_first(struct tp_call *call, struct tp_user *user, struct tp_factor *factor,
                                enum tp_otp_verdict *ret_verdict)
{
    int64_t moving = -1;
    if (user->record->pin_verifier.len == 0 || user->record->factor[0] == '\0')
        return tp_error_set(&call->error, TP_NOT_ENROLLED, "set the PIN first: trustp11 enrol");
    TP_TRY(tp_factor_read(call->engine, user->record->factor, &call->error, factor));
    TP_TRY(tp_factor_check(call, factor, tp_secret_bytes(call->request->secret[1]), ret_verdict, &moving));
    factor->record->last = moving;
    factor->record->confirmed = true;
    return TP_OK;
}

/* Both codes were right. */
static enum tp_rc complete(struct tp_call *call, struct tp_user *user, const struct tp_factor *factor)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_ENROL_CONFIRM, &edit));
    Tp__Engine__User *record = tp_edit_user(edit, user);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    record->enrolled = true;
    record->tries_used = 0;
    TP_TRY(tp_field_bytes(&record->enrol_verifier, TP_BYTES_NONE));
    TP_TRY(tp_edit_factor(edit, factor->id, user->id, factor->name, factor->version, factor->record));
    tp_edit_subject(edit, user);
    tp_edit_object(edit, "user", user->id);
    return tp_edit_commit(edit, &call->error);
}

static enum tp_rc confirm(struct tp_call *call, struct tp_user *user, struct tp_factor *factor)
{
    enum tp_otp_verdict verdict = TP_OTP_WRONG;
    TP_TRY(check_code(call, user, TP_ACTION_ENROL_CONFIRM));
    enum tp_rc rc = look_at_first(call, user, factor, &verdict);
    if (rc == TP_OK && verdict != TP_OTP_RIGHT)
        return tp_login_wrong(call, user, TP_ACTION_ENROL_CONFIRM, "wrong one-time code");
    if (rc == TP_OK)
        rc = complete(call, user, factor);
    return rc == TP_OK ? TP_OK : tp_login_unfinished(call, user, TP_ACTION_ENROL_CONFIRM, rc);
}

enum tp_rc tp_op_enrol_confirm(struct tp_call *call)
{
    const Tp__Ipc__EnrolConfirmRequest *message = (const Tp__Ipc__EnrolConfirmRequest *)call->request->message;
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_factor factor = {0};
    struct tp_user *user = NULL;
    TP_TRY(tp_call_turn(call, message->user, &user));
    enum tp_rc rc = confirm(call, user, &factor);
    tp_people_release_turn(call->engine, user);
    tp_factor_clear(&factor);
    if (rc == TP_OK)
        tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return rc;
}

/* ---- a new PIN for one who knows the old ---- */

/* Every key is sealed anew in the same transaction as the verifier: there is no moment with two PINs, or none. */
static enum tp_rc reseal(struct tp_call *call, struct tp_user *user, struct tp_bytes old_key, struct tp_bytes new_key,
                         struct tp_edit *edit)
{
    for (struct tp_credential *at = user->credentials; at != NULL; at = at->next) {
        struct tp_secret *blob TP_AUTO(tp_secret_free_p) = NULL;
        struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        if (at->record->pending)
            continue; /* under an officer's PIN: the next login seals it. Else this one's has: tp_login_seal_pending */
        TP_TRY(tp_vault_unseal(old_key, user->id, at->id, tp_field(at->record->blob), &call->error, &blob));
        TP_TRY(tp_vault_seal(new_key, user->id, at->id, tp_secret_bytes(blob), &call->error, &sealed));
        Tp__Engine__Key *record = tp_edit_key(edit, at);
        if (record == NULL)
            return tp_error_set(&call->error, TP_MEMORY, "out of memory");
        TP_TRY(tp_field_bytes(&record->blob, tp_buf_bytes(&sealed)));
    }
    return TP_OK;
}

static enum tp_rc set_new_pin(struct tp_call *call, struct tp_user *user, const struct tp_proven *proven)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    struct tp_secret *key TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_edit_new(call->engine, call, TP_ACTION_PIN_CHANGE, &edit));
    Tp__Engine__User *record = tp_edit_user(edit, user);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    record->pin_initial = false;
    TP_TRY(ensure_uwk(call, record)); /* with an officer's PIN the old one has gone */
    TP_TRY(tp_login_set_pin(call, user->id, record, tp_secret_bytes(call->request->secret[1]), &key));
    TP_TRY(reseal(call, user, tp_secret_bytes(proven->sealing_key), tp_secret_bytes(key), edit));
    tp_edit_subject(edit, user);
    tp_edit_object(edit, "user", user->id);
    return tp_edit_commit(edit, &call->error);
}

static enum tp_rc settle_and_set(struct tp_call *call, struct tp_user *user, struct tp_proven *proven)
{
    TP_TRY(tp_login_settle(call, user, TP_ACTION_PIN_CHANGE_LOGIN, proven));
    /* First: no sealing key of the old PIN may meet a key that is sealed by the new one. */
    tp_authorisation_end_user(call->engine, user, "the PIN is being changed");
    return set_new_pin(call, user, proven);
}

static enum tp_rc change(struct tp_call *call, struct tp_user *user)
{
    struct tp_proven proven = {0};
    TP_TRY(tp_pin_acceptable(tp_secret_bytes(call->request->secret[1]), call->engine->conf.pin_least, &call->error));
    TP_TRY(tp_login_authenticate(call, user, tp_secret_bytes(call->request->secret[0]), TP_ACTION_PIN_CHANGE_LOGIN, &proven));
    enum tp_rc rc = user->record->pin_initial ? check_own(call, proven.pin, "initial PIN") : TP_OK;
    rc = rc == TP_OK ? settle_and_set(call, user, &proven)
                     : tp_login_unfinished(call, user, TP_ACTION_PIN_CHANGE_LOGIN, rc); /* the code is still good */
    tp_proven_clear(&proven);
    return rc == TP_OK ? tp_call_done(call) : rc;
}

enum tp_rc tp_op_pin_change(struct tp_call *call)
{
    const Tp__Ipc__PinChangeRequest *message = (const Tp__Ipc__PinChangeRequest *)call->request->message;
    return tp_call_on_user(call, message->user, change);
}
