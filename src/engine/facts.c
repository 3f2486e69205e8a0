/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/facts.h"

#include "base/clock.h"
#include "engine/login.h"

#include <time.h>

static enum tp_policy_state state_of(const struct tp_credential *credential)
{
    enum tp_policy_state state = (enum tp_policy_state)credential->record->state;
    return state == TP_STATE_ACTIVE && credential->record->pending ? TP_STATE_PENDING : state;
}

static void about_credential(const struct tp_credential *credential, struct tp_policy_facts *facts)
{
    facts->state = state_of(credential);
    facts->key_type = (enum tp_hsm_key_type)credential->record->type;
    facts->key_bits = credential->key_bits;
    facts->has_certificate = credential->record->n_certificates > 0;
    facts->certificate_matches = credential->certificate_matches;
    facts->not_before_ms = credential->not_before_ms;
    facts->not_after_ms = credential->not_after_ms;
    facts->key_usage = credential->key_usage;
    facts->always_authenticate = credential->record->always_authenticate;
}

static void about_authorisation(const struct tp_authorisation *authorisation, struct tp_policy_facts *facts)
{
    int64_t now_ms = tp_clock_monotonic_ms();
    facts->authorised = true;
    facts->single = authorisation->credential[0] != '\0';
    facts->used = authorisation->used;
    facts->granted = authorisation->granted;
    facts->login_age_ms = now_ms - authorisation->opened_ms;
    facts->authorisation_left_ms = authorisation->until_ms - now_ms;
}

void tp_facts_locked(const struct tp_engine *engine, const struct tp_credential *credential,
                     const struct tp_authorisation *authorisation, struct tp_policy_facts *ret_facts)
{
    const Tp__Engine__User *user = credential->user->record;
    *ret_facts = (struct tp_policy_facts){
        .user_active = user->enrolled && !user->suspended && !user->closed,
        .user_locked = tp_login_locked(engine, user),
        .now_ms = tp_clock_utc_ms(),
        .local_hour = engine->local_hour,
        .clock_synchronised = engine->clock_synchronised,
    };
    about_credential(credential, ret_facts);
    if (authorisation != NULL)
        about_authorisation(authorisation, ret_facts);
}

enum tp_rc tp_facts_params(uint32_t mechanism, uint32_t hash_bits, uint32_t mgf_bits, uint32_t salt_len,
                           struct tp_hsm_sign_params *ret_params)
{
    if (mechanism < TP_HSM_RSA_PKCS || mechanism > TP_HSM_EDDSA)
        return TP_MECHANISM;
    *ret_params = (struct tp_hsm_sign_params){
        .mechanism = (enum tp_hsm_mechanism)mechanism,
        .hash_bits = hash_bits,
        .mgf_bits = mgf_bits,
        .salt_len = salt_len,
    };
    return TP_OK;
}

void tp_facts_clock(struct tp_engine *engine)
{
    time_t now = (time_t)(tp_clock_utc_ms() / 1000);
    struct tm local = {0};
    bool synchronised = tp_clock_synchronised();
    localtime_r(&now, &local);
    pthread_mutex_lock(&engine->lock);
    engine->clock_synchronised = synchronised;
    engine->local_hour = (unsigned)local.tm_hour;
    pthread_mutex_unlock(&engine->lock);
}
