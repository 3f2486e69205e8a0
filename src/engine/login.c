/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/login.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "engine/account.h"
#include "engine/approval.h"
#include "engine/authorisation.h"
#include "engine/people.h"
#include "engine/refusals.h"
#include "engine/trail.h"
#include "engine/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STALE_BURST 5
#define STALE_EVERY_MS 2000

void tp_factor_clear(struct tp_factor *factor)
{
    if (factor->record != NULL)
        tp__engine__factor__free_unpacked(factor->record, NULL);
    factor->record = NULL;
}

enum tp_rc tp_factor_read(struct tp_engine *engine, const char *id, struct tp_error *error,
                          struct tp_factor *ret_factor)
{
    struct tp_ledger_record record = {0};
    TP_TRY(tp_ledger_get(engine->ledger, "factor", id, error, &record));
    struct tp_factor factor = {.version = record.version};
    snprintf(factor.id, sizeof factor.id, "%s", record.id);
    snprintf(factor.owner, sizeof factor.owner, "%s", record.owner);
    snprintf(factor.name, sizeof factor.name, "%s", record.name);
    factor.record = tp__engine__factor__unpack(NULL, record.content.len, record.content.data);
    tp_ledger_record_clear(&record);
    if (factor.record == NULL)
        return tp_error_set(error, TP_STORE_DAMAGED, "the record of factor %s cannot be read", id);
    *ret_factor = factor;
    return TP_OK;
}

enum tp_rc tp_factor_check(struct tp_call *call, const struct tp_factor *factor, struct tp_bytes code,
                           enum tp_otp_verdict *ret_verdict, int64_t *ret_moving)
{
    const Tp__Engine__Factor *record = factor->record;
    struct tp_otp_params params = {
        .kind = (enum tp_otp_kind)record->kind,
        .algorithm = (enum tp_otp_algorithm)record->algorithm,
        .digits = record->digits,
        .period_s = record->period_s,
    };
    struct tp_secret *seed TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_hsm_decrypt(call->session, tp_field(record->seed), &call->error, &seed));
    return tp_otp_check(&params, tp_secret_bytes(seed), code, tp_clock_utc_ms(), record->last, &call->error,
                        ret_verdict, ret_moving);
}

void tp_proven_clear(struct tp_proven *proven)
{
    tp_secret_free(proven->sealing_key);
    tp_edit_free(proven->edit);
    *proven = (struct tp_proven){0};
}

/* ---- tries ---- */

static enum tp_rc locked_words(struct tp_call *call, const struct tp_user *user)
{
    call->tries_left = 0;
    return tp_error_set(&call->error, TP_PIN_LOCKED,
                        "locked after %u wrong tries; an officer can unlock: trustp11 user unlock %s",
                        (unsigned)call->engine->conf.tries_most, user->name);
}

static struct tp_tries tries_of(const Tp__Engine__User *record)
{
    return (struct tp_tries){.used = record->tries_used, .locked = record->locked};
}

bool tp_login_locked(const struct tp_engine *engine, const Tp__Engine__User *record)
{
    struct tp_tries tries = tries_of(record);
    return tp_tries_locked(&tries, engine->conf.tries_most);
}

static void put_tries(Tp__Engine__User *record, const struct tp_tries *tries)
{
    record->tries_used = tries->used;
    record->locked = tries->locked;
}

/* An edit of USER under ACTION, about USER. */
static enum tp_rc edit_of(struct tp_call *call, struct tp_user *user, enum tp_action action, struct tp_edit **ret_edit,
                          Tp__Engine__User **ret_record)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    TP_TRY(tp_edit_new(call->engine, call, action, &edit));
    Tp__Engine__User *record = tp_edit_user(edit, user);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    tp_edit_subject(edit, user);
    tp_edit_object(edit, "user", user->id);
    *ret_record = record;
    *ret_edit = edit;
    edit = NULL;
    return TP_OK;
}

/* Refusals that change nothing are entries too. */
static enum tp_rc refused(struct tp_call *call, struct tp_user *user, enum tp_action action, enum tp_rc rc)
{
    struct tp_trail trail;
    struct tp_error error = {0};
    call->written = true;
    if (!tp_refusals_admit(call->engine, call->request->peer->uid))
        return rc;
    tp_trail_init(&trail, action, "refused");
    tp_trail_call(&trail, call);
    tp_trail_subject(&trail, user->subject);
    tp_trail_object(&trail, "user", user->id);
    tp_trail_outcome(&trail, "refused", tp_error_words(&call->error));
    enum tp_rc recorded = tp_trail_commit(call->engine, &trail, &error);
    if (recorded != TP_OK)
        call->error = error;
    return recorded == TP_OK ? rc : recorded;
}

enum tp_rc tp_login_try(struct tp_call *call, struct tp_user *user, enum tp_action action)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    Tp__Engine__User *record = NULL;
    uint32_t most = call->engine->conf.tries_most;
    TP_TRY(edit_of(call, user, TP_ACTION_LOGIN_TRY, &edit, &record));
    struct tp_tries tries = tries_of(record);
    if (tp_tries_reserve(&tries, most) != TP_OK) {
        locked_words(call, user);
        return refused(call, user, action, TP_PIN_LOCKED);
    }
    put_tries(record, &tries);
    tp_edit_detail(edit, "%s, tries %u of %u", tp_action_name(action), tries.used, most);
    return tp_edit_commit(edit, &call->error);
}

static const char *what_was_given(enum tp_action action)
{
    return action == TP_ACTION_ENROL           ? "the enrolment code"
           : action == TP_ACTION_ENROL_CONFIRM ? "the enrolment code or the one-time code"
                                               : "the PIN or the one-time code";
}

/* The try that was reserved stays counted; the last one locks. */
enum tp_rc tp_login_wrong(struct tp_call *call, struct tp_user *user, enum tp_action action, const char *reason)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    Tp__Engine__User *record = NULL;
    uint32_t most = call->engine->conf.tries_most;
    TP_TRY(edit_of(call, user, action, &edit, &record));
    struct tp_tries tries = tries_of(record);
    tp_tries_end(&tries, most, TP_TRY_WRONG);
    put_tries(record, &tries);
    tp_edit_outcome(edit, "refused", reason);
    tp_edit_detail(edit, "tries %u of %u%s", tries.used, most, tries.locked ? ", locked" : "");
    TP_TRY(tp_edit_commit(edit, &call->error));
    call->written = true;
    if (tries.locked)
        return locked_words(call, user);
    call->tries_left = tp_tries_left(&tries, most);
    return tp_error_set(&call->error, TP_PIN_WRONG, "%s is wrong; %u %s left", what_was_given(action),
                        (unsigned)call->tries_left, call->tries_left == 1 ? "try" : "tries");
}

/* Right PIN, used code: refused like a wrong one, limited in rate, but not counted. */
static enum tp_rc stale(struct tp_call *call, struct tp_user *user, enum tp_action action)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    Tp__Engine__User *record = NULL;
    TP_TRY(edit_of(call, user, action, &edit, &record));
    struct tp_tries tries = tries_of(record);
    tp_tries_end(&tries, call->engine->conf.tries_most, TP_TRY_STALE);
    put_tries(record, &tries);
    tp_edit_outcome(edit, "refused", "the one-time code has been used");
    TP_TRY(tp_edit_commit(edit, &call->error));
    call->written = true;
    call->tries_left = tp_tries_left(&tries, call->engine->conf.tries_most);
    return tp_error_set(&call->error, TP_OTP_STALE, "that one-time code has been used; wait for the next one");
}

enum tp_rc tp_login_unfinished(struct tp_call *call, struct tp_user *user, enum tp_action action, enum tp_rc rc)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    struct tp_error ignored = {0};
    Tp__Engine__User *record = NULL;
    if (edit_of(call, user, action, &edit, &record) != TP_OK)
        return rc;
    struct tp_tries tries = tries_of(record);
    tp_tries_end(&tries, call->engine->conf.tries_most, TP_TRY_STALE);
    put_tries(record, &tries);
    tp_edit_outcome(edit, "failed", tp_error_words(&call->error));
    if (tp_edit_commit(edit, &ignored) != TP_OK)
        tp_error_clear(&ignored); /* it stays counted */
    else
        call->written = true;
    return rc;
}

/* ---- PINs ---- */

static enum tp_rc stretch(const uint8_t *salt, size_t salt_len, const struct tp_pin_cost *cost, struct tp_bytes pin,
                          struct tp_error *error, struct tp_secret **ret_stretched)
{
    if (salt_len != TP_PIN_SALT_LEN)
        return tp_error_set(error, TP_STORE_DAMAGED, "the user's record has no salt for the PIN");
    return tp_pin_stretch(pin, salt, cost, error, ret_stretched);
}

enum tp_rc tp_login_stretch(const Tp__Engine__User *record, struct tp_bytes pin, struct tp_error *error,
                            struct tp_secret **ret_stretched)
{
    struct tp_pin_cost cost = {
        .memory_kib = record->pin_memory_kib, .passes = record->pin_passes, .lanes = record->pin_lanes};
    return stretch(record->pin_salt.data, record->pin_salt.len, &cost, pin, error, ret_stretched);
}

enum tp_rc tp_login_set_pin(struct tp_call *call, const char *user_id, Tp__Engine__User *record, struct tp_bytes pin,
                            struct tp_secret **ret_key)
{
    const struct tp_pin_cost *cost = &call->engine->conf.pin_cost;
    uint8_t salt[TP_PIN_SALT_LEN], verifier[TP_HSM_MAC_LEN];
    struct tp_secret *stretched TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_pin_acceptable(pin, call->engine->conf.pin_least, &call->error));
    TP_TRY(tp_random(salt, sizeof salt));
    TP_TRY(stretch(salt, sizeof salt, cost, pin, &call->error, &stretched));
    TP_TRY(tp_vault_pin_verifier(call->session, user_id, tp_secret_bytes(stretched), &call->error, verifier));
    TP_TRY(tp_field_bytes(&record->pin_salt, TP_BYTES(salt, sizeof salt)));
    TP_TRY(tp_field_bytes(&record->pin_verifier, TP_BYTES(verifier, sizeof verifier)));
    record->pin_memory_kib = cost->memory_kib;
    record->pin_passes = cost->passes;
    record->pin_lanes = cost->lanes;
    return tp_vault_sealing_key(call->session, user_id, tp_secret_bytes(stretched), &call->error, ret_key);
}

enum tp_rc tp_login_seal_pending(struct tp_call *call, struct tp_user *user, struct tp_bytes sealing_key,
                                 struct tp_edit *edit)
{
    for (struct tp_credential *at = user->credentials; at != NULL; at = at->next) {
        if (!at->record->pending)
            continue;
        struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        Tp__Engine__Key *record = tp_edit_key(edit, at);
        if (record == NULL)
            return tp_error_set(&call->error, TP_MEMORY, "out of memory");
        TP_TRY(tp_vault_seal(sealing_key, user->id, at->id, tp_field(record->blob), &call->error, &sealed));
        TP_TRY(tp_field_bytes(&record->blob, tp_buf_bytes(&sealed)));
        record->pending = false;
    }
    return TP_OK;
}

/* ---- both factors ---- */

struct verdict {
    bool pin_right;
    enum tp_otp_verdict code;
    int64_t moving;
};

/* Both are always looked at, so that the time taken does not tell which one was wrong. */
static enum tp_rc check_both(struct tp_call *call, const struct tp_user *user, const struct tp_factor *factor,
                             struct tp_bytes pin, struct tp_bytes code, struct verdict *ret_verdict,
                             struct tp_secret **ret_stretched)
{
    uint8_t verifier[TP_HSM_MAC_LEN];
    struct tp_secret *stretched TP_AUTO(tp_secret_free_p) = NULL;
    struct verdict verdict = {.moving = -1};
    TP_TRY(tp_login_stretch(user->record, pin, &call->error, &stretched));
    TP_TRY(tp_vault_pin_verifier(call->session, user->id, tp_secret_bytes(stretched), &call->error, verifier));
    TP_TRY(tp_factor_check(call, factor, code, &verdict.code, &verdict.moving));
    verdict.pin_right =
        tp_bytes_equal_secret(TP_BYTES(verifier, sizeof verifier), tp_field(user->record->pin_verifier));
    *ret_verdict = verdict;
    *ret_stretched = stretched;
    stretched = NULL;
    return TP_OK;
}

/* What makes the login count: the code is used, the count of tries starts anew, keys made meanwhile are sealed. */
static enum tp_rc prepare(struct tp_call *call, struct tp_user *user, struct tp_factor *factor, int64_t moving,
                          enum tp_action action, struct tp_proven *proven)
{
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    Tp__Engine__User *record = NULL;
    TP_TRY(edit_of(call, user, action, &edit, &record));
    struct tp_tries tries = tries_of(record);
    tp_tries_end(&tries, call->engine->conf.tries_most, TP_TRY_RIGHT);
    put_tries(record, &tries);
    record->last_login_ms = tp_clock_utc_ms();
    factor->record->last = moving;
    TP_TRY(tp_edit_factor(edit, factor->id, user->id, factor->name, factor->version, factor->record));
    if (!record->pin_initial) /* an officer knows that one: it seals nothing */
        TP_TRY(tp_login_seal_pending(call, user, tp_secret_bytes(proven->sealing_key), edit));
    proven->edit = edit;
    edit = NULL;
    return TP_OK;
}

static enum tp_rc judge(struct tp_call *call, struct tp_user *user, struct tp_factor *factor, struct tp_bytes pin,
                        struct tp_bytes code, enum tp_action action, struct tp_proven *proven)
{
    struct verdict verdict;
    struct tp_secret *stretched TP_AUTO(tp_secret_free_p) = NULL;
    enum tp_rc rc = check_both(call, user, factor, pin, code, &verdict, &stretched);
    if (rc != TP_OK)
        return tp_login_unfinished(call, user, action, rc);
    if (!verdict.pin_right)
        return tp_login_wrong(call, user, action, "wrong PIN or code");
    if (verdict.code == TP_OTP_USED)
        return stale(call, user, action);
    if (verdict.code != TP_OTP_RIGHT)
        return tp_login_wrong(call, user, action, "wrong PIN or code");
    proven->pin = pin;
    rc = tp_vault_sealing_key(call->session, user->id, tp_secret_bytes(stretched), &call->error, &proven->sealing_key);
    if (rc == TP_OK)
        rc = prepare(call, user, factor, verdict.moving, action, proven);
    return rc == TP_OK ? TP_OK : tp_login_unfinished(call, user, action, rc);
}

static enum tp_rc may_log_in(struct tp_call *call, struct tp_user *user, enum tp_action action)
{
    const Tp__Engine__User *record = user->record;
    if (record->closed || record->suspended) {
        tp_error_set(&call->error, TP_NOT_PERMITTED, "the user is %s; ask an officer",
                     record->closed ? "closed" : "suspended");
        return refused(call, user, action, TP_NOT_PERMITTED);
    }
    if (!record->enrolled)
        return tp_error_set(&call->error, TP_NOT_ENROLLED, "%s",
                            tp_account_is_blank(record)
                                ? "the token has no PIN: an officer sets a first one (C_InitPIN), or runs trustp11 user reset"
                                : "the user has not set a PIN and a second factor yet; run: trustp11 enrol");
    if (record->pin_initial && action != TP_ACTION_PIN_CHANGE_LOGIN) { /* before anything is looked at: it tells nothing */
        tp_error_set(&call->error, TP_PIN_EXPIRED,
                     "the PIN is the one that an officer has set, good only to set another: trustp11 pin change");
        return refused(call, user, action, TP_PIN_EXPIRED);
    }
    return TP_OK;
}

/* Not durable and not counted, so it must be slow: see authn/tries.h. */
static enum tp_rc stale_limit(struct tp_user *user, enum tp_rc rc)
{
    if (rc == TP_OTP_STALE && !tp_bucket_take(&user->stale, STALE_BURST, STALE_EVERY_MS, tp_clock_monotonic_ms()))
        user->wait_until_ms = tp_clock_monotonic_ms() + STALE_EVERY_MS;
    return rc;
}

static enum tp_rc not_slowed_down(struct tp_call *call, const struct tp_user *user)
{
    if (tp_clock_monotonic_ms() >= user->wait_until_ms)
        return TP_OK;
    return tp_error_set(&call->error, TP_BUSY, "too many used codes in a row; wait for a new one");
}

enum tp_rc tp_login_authenticate(struct tp_call *call, struct tp_user *user, struct tp_bytes given, enum tp_action action,
                                 struct tp_proven *ret_proven)
{
    struct tp_factor factor = {0};
    struct tp_proven proven = {0};
    struct tp_bytes pin, code;
    TP_TRY(may_log_in(call, user, action));
    TP_TRY(not_slowed_down(call, user));
    TP_TRY(tp_factor_read(call->engine, user->record->factor, &call->error, &factor));
    enum tp_rc rc = tp_pin_split(given, factor.record->digits, &pin, &code);
    if (rc != TP_OK)
        rc = tp_error_set(&call->error, TP_PIN_LENGTH, "give the PIN followed by the %u digits of the one-time code",
                          (unsigned)factor.record->digits);
    if (rc == TP_OK)
        rc = tp_login_try(call, user, action);
    if (rc == TP_OK)
        rc = judge(call, user, &factor, pin, code, action, &proven);
    tp_factor_clear(&factor);
    if (rc != TP_OK) {
        tp_proven_clear(&proven);
        return stale_limit(user, rc);
    }
    *ret_proven = proven;
    return TP_OK;
}

enum tp_rc tp_login_settle(struct tp_call *call, struct tp_user *user, enum tp_action action, struct tp_proven *proven)
{
    enum tp_rc rc = tp_edit_commit(proven->edit, &call->error);
    return rc == TP_OK ? TP_OK : tp_login_unfinished(call, user, action, rc);
}

/* ---- the operation ---- */

static uint32_t least_of(uint32_t wish, uint32_t most)
{
    return wish == 0 ? most : most == 0 || wish < most ? wish : most;
}

static int64_t duration(const struct tp_engine_conf *conf, const Tp__Ipc__LoginRequest *message)
{
    int64_t most = message->shared ? conf->shared_login_ms : conf->login_ms;
    if (most > conf->policy.login_age_most_ms) /* it would go on, and sign nothing */
        most = conf->policy.login_age_most_ms;
    int64_t usual = conf->login_ms < most ? conf->login_ms : most;
    if (message->for_ms <= 0)
        return usual;
    return message->for_ms < most ? message->for_ms : most;
}

static void answer(struct tp_call *call, const struct tp_user *user, const struct tp_authorisation_view *view, bool joined)
{
    Tp__Ipc__LoginReply reply = TP__IPC__LOGIN_REPLY__INIT;
    reply.authorisation = (char *)(uintptr_t)view->id;
    reply.until_ms = view->until_utc_ms;
    reply.signatures_left = view->signatures_left;
    reply.joined = joined;
    reply.roles = user->record->roles;
    reply.n_roles = user->record->n_roles;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
}

static const Tp__Ipc__LoginRequest *message_of(const struct tp_call *call)
{
    return (const Tp__Ipc__LoginRequest *)call->request->message;
}

static bool is_single(const struct tp_call *call)
{
    return message_of(call)->credential[0] != '\0';
}

static struct tp_authorisation_wish wish_of(const struct tp_call *call, struct tp_bytes given, struct tp_bytes pin,
                                            const struct tp_secret *sealing_key)
{
    const Tp__Ipc__LoginRequest *message = message_of(call);
    const struct tp_engine_conf *conf = &call->engine->conf;
    return (struct tp_authorisation_wish){
        .scope = message->shared ? TP_SCOPE_UID : TP_SCOPE_PROCESS,
        .for_ms = duration(conf, message),
        .signatures = is_single(call) ? 1 : least_of(message->signatures, conf->policy.signatures_most),
        .credential = message->credential,
        .given = given,
        .pin = pin,
        .sealing_key = tp_secret_bytes(sealing_key),
    };
}

/* GIVEN: what the program gave, and will give again to join. BY: who approved it, or "". */
static enum tp_rc open_authorisation(struct tp_call *call, struct tp_user *user, struct tp_bytes given, const char *by,
                                     struct tp_proven *proven)
{
    struct tp_authorisation_view view;
    char id[TP_ID_LEN];
    struct tp_authorisation_wish wish = wish_of(call, given, proven->pin, proven->sealing_key);
    enum tp_rc rc = tp_authorisation_room(call->engine, user, &call->error);
    if (rc != TP_OK)
        return tp_login_unfinished(call, user, TP_ACTION_LOGIN, rc); /* neither try nor code is used up */
    TP_TRY(tp_id_make(id));
    tp_edit_authorisation(proven->edit, id);
    tp_edit_detail(proven->edit, "%s, for %lld s, signatures %u%s%s%s%s",
                   wish.scope == TP_SCOPE_UID ? "shared" : "process", (long long)(wish.for_ms / 1000), wish.signatures,
                   is_single(call) ? ", with credential " : "", wish.credential, by[0] != '\0' ? ", " : "", by);
    TP_TRY(tp_login_settle(call, user, TP_ACTION_LOGIN, proven));
    TP_TRY(tp_authorisation_open(call->engine, user, call->request->peer, &wish, id, &call->error, &view));
    answer(call, user, &view, false);
    return TP_OK;
}

/* A PIN alone, while a shared authorisation is open, has been compared with its PIN: that is a try, and counts. */
static enum tp_rc count_guess(struct tp_call *call, struct tp_user *user)
{
    TP_TRY(tp_login_try(call, user, TP_ACTION_LOGIN));
    return tp_login_wrong(call, user, TP_ACTION_LOGIN, "wrong PIN for the open login");
}

static enum tp_rc authenticate_and_open(struct tp_call *call, struct tp_user *user, struct tp_bytes given)
{
    struct tp_proven proven = {0};
    TP_TRY(tp_login_authenticate(call, user, given, TP_ACTION_LOGIN, &proven));
    enum tp_rc rc = open_authorisation(call, user, given, "", &proven);
    tp_proven_clear(&proven);
    return rc;
}

static enum tp_rc with_code(struct tp_bytes pin, struct tp_bytes code, struct tp_secret **ret_both)
{
    struct tp_secret *both TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(pin.len + code.len + 1, &both));
    TP_TRY(tp_secret_append(both, pin));
    TP_TRY(tp_secret_append(both, code));
    *ret_both = both;
    both = NULL;
    return TP_OK;
}

static enum tp_rc check_approved(struct tp_call *call, const struct tp_user *user, struct tp_bytes code)
{
    struct tp_factor factor = {0};
    TP_TRY(tp_factor_read(call->engine, user->record->factor, &call->error, &factor));
    uint32_t digits = factor.record->digits;
    tp_factor_clear(&factor);
    if (code.len == digits) /* or some of it would be taken for the PIN's end */
        return TP_OK;
    return tp_error_set(&call->error, TP_PIN_LENGTH, "a one-time code of this user has %u digits; the login waits on",
                        (unsigned)digits);
}

enum tp_rc tp_login_approved(struct tp_call *call, struct tp_user *user, struct tp_bytes code, const char *by)
{
    struct tp_bytes pin = tp_secret_bytes(call->request->secret[0]);
    struct tp_secret *both TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_proven proven = {0};
    TP_TRY(check_approved(call, user, code));
    TP_TRY(with_code(pin, code, &both));
    TP_TRY(tp_login_authenticate(call, user, tp_secret_bytes(both), TP_ACTION_LOGIN, &proven));
    enum tp_rc rc = open_authorisation(call, user, pin, by, &proven);
    tp_proven_clear(&proven);
    return rc;
}

/* For all signatures but those of keys that always authenticate. */
static enum tp_rc log_in(struct tp_call *call, struct tp_user *user, struct tp_bytes given)
{
    struct tp_authorisation_view view;
    bool shared = false;
    enum tp_rc rc = tp_authorisation_join(call->engine, user, call->request->peer, given, &view, &shared);
    if (rc == TP_OK)
        answer(call, user, &view, true);
    if (rc != TP_NOT_FOUND)
        return rc;
    if (call->engine->conf.approval && given.len > 0)
        return shared ? count_guess(call, user) : tp_approval_wait(call);
    rc = authenticate_and_open(call, user, given);
    return rc == TP_PIN_LENGTH && shared && given.len > 0 ? count_guess(call, user) : rc;
}

/* ---- for one signature (CKA_ALWAYS_AUTHENTICATE, CKU_CONTEXT_SPECIFIC) ---- */

static enum tp_rc check_single(struct tp_call *call, struct tp_user *user)
{
    const Tp__Ipc__LoginRequest *message = message_of(call);
    const struct tp_credential *credential = tp_people_credential(user, message->credential);
    if (credential == NULL || strcmp(credential->id, message->credential) != 0)
        return tp_error_set(&call->error, TP_NOT_FOUND, "%s", tp_people_no_credential(user));
    if (!credential->record->always_authenticate || message->shared)
        return tp_error_set(&call->error, TP_BAD_ARGUMENT,
                            "a login for one signature is for a key that always authenticates, and for one program");
    return TP_OK;
}

/* The code has been checked and used up by the login that it has opened; this is the one signature that it is good for. */
static enum tp_rc open_lent(struct tp_call *call, struct tp_user *user, struct tp_bytes given,
                            const struct tp_secret *sealing_key)
{
    struct tp_authorisation_view view;
    struct tp_trail trail;
    char id[TP_ID_LEN];
    struct tp_authorisation_wish wish = wish_of(call, given, TP_BYTES_NONE, sealing_key);
    TP_TRY(tp_authorisation_room(call->engine, user, &call->error));
    TP_TRY(tp_id_make(id));
    tp_trail_init(&trail, TP_ACTION_LOGIN, "ok");
    tp_trail_call(&trail, call);
    tp_trail_subject(&trail, user->subject);
    tp_trail_object(&trail, "user", user->id);
    tp_trail_authorisation(&trail, id);
    tp_trail_say(&trail, "process, for %lld s, signatures 1, with credential %s, by the code of the open login",
                 (long long)(wish.for_ms / 1000), wish.credential);
    TP_TRY(tp_trail_commit(call->engine, &trail, &call->error));
    TP_TRY(tp_authorisation_open(call->engine, user, call->request->peer, &wish, id, &call->error, &view));
    answer(call, user, &view, false);
    return TP_OK;
}

static enum tp_rc log_in_single(struct tp_call *call, struct tp_user *user, struct tp_bytes given)
{
    struct tp_secret *sealing_key TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(check_single(call, user));
    enum tp_rc rc = tp_authorisation_lend(call->engine, user, call->request->peer, given, &sealing_key);
    if (rc == TP_NOT_FOUND)
        return call->engine->conf.approval ? tp_approval_wait(call) : authenticate_and_open(call, user, given);
    return rc == TP_OK ? open_lent(call, user, given, sealing_key) : rc;
}

static enum tp_rc begin(struct tp_call *call, struct tp_user *user)
{
    struct tp_bytes given = tp_secret_bytes(call->request->secret[0]);
    TP_TRY(may_log_in(call, user, TP_ACTION_LOGIN));
    if (tp_login_locked(call->engine, user->record)) {
        locked_words(call, user);
        return refused(call, user, TP_ACTION_LOGIN, TP_PIN_LOCKED);
    }
    TP_TRY(not_slowed_down(call, user)); /* before anything is compared that would not be counted then */
    return is_single(call) ? log_in_single(call, user, given) : log_in(call, user, given);
}

enum tp_rc tp_op_login(struct tp_call *call)
{
    return tp_call_on_user(call, message_of(call)->user, begin);
}

enum tp_rc tp_op_logout(struct tp_call *call)
{
    const Tp__Ipc__LogoutRequest *message = (const Tp__Ipc__LogoutRequest *)call->request->message;
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_engine *engine = call->engine;
    pthread_mutex_lock(&engine->lock);
    struct tp_authorisation *found =
        tp_authorisation_find_locked(engine, call->request->peer, message->authorisation, message->user);
    /* A program's C_Logout leaves what `trustp11 login` opened for others; only `trustp11 logout` ends that. */
    bool end = found != NULL && (message->authorisation[0] == '\0' || found->scope == TP_SCOPE_PROCESS);
    if (end)
        tp_authorisation_end_locked(engine, found, "logout");
    pthread_mutex_unlock(&engine->lock);
    if (found == NULL && message->authorisation[0] == '\0')
        return tp_error_set(&call->error, TP_NOT_LOGGED_IN, "no login of %s is open here", message->user);
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}

enum tp_rc tp_op_authorisation(struct tp_call *call)
{
    const Tp__Ipc__AuthorisationRequest *message = (const Tp__Ipc__AuthorisationRequest *)call->request->message;
    Tp__Ipc__AuthorisationReply reply = TP__IPC__AUTHORISATION_REPLY__INIT;
    struct tp_authorisation_view view = {0};
    pthread_mutex_lock(&call->engine->lock);
    struct tp_authorisation *found =
        tp_authorisation_find_locked(call->engine, call->request->peer, message->authorisation, message->user);
    if (found != NULL)
        tp_authorisation_view_locked(found, &view);
    pthread_mutex_unlock(&call->engine->lock);
    reply.open = found != NULL;
    reply.until_ms = view.until_utc_ms;
    reply.signatures_left = view.signatures_left;
    reply.authorisation = view.id;
    tp_ipc_answer(call->request, &reply.base, TP_BYTES_NONE);
    return TP_OK;
}
