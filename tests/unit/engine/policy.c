/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/policy.h"

#include "pki/certificate.h"

#include <criterion/criterion.h>
#include <string.h>

#define ALL_MECHANISMS (1u << TP_HSM_RSA_PKCS | 1u << TP_HSM_RSA_PSS | 1u << TP_HSM_ECDSA | 1u << TP_HSM_EDDSA)

static const uint8_t hash_bytes[65] = {0xab, 1, 2, 3};

static struct tp_policy usual_policy(void)
{
    return (struct tp_policy){.require_synchronised_clock = true,
                              .rsa_bits_least = 2048,
                              .signatures_most = 100,
                              .login_age_most_ms = 3600000,
                              .hour_from = 0,
                              .hour_until = 24,
                              .mechanisms = ALL_MECHANISMS};
}

/* P-256, a SHA-256 hash, and nothing wrong. */
static struct tp_policy_facts usual_facts(void)
{
    return (struct tp_policy_facts){.user_active = true,
                                    .state = TP_STATE_ACTIVE,
                                    .key_type = TP_HSM_P256,
                                    .key_bits = 256,
                                    .has_certificate = true,
                                    .certificate_matches = true,
                                    .not_before_ms = 1000,
                                    .not_after_ms = 2000,
                                    .key_usage = TP_PKI_DIGITAL_SIGNATURE,
                                    .now_ms = 1500,
                                    .local_hour = 12,
                                    .clock_synchronised = true,
                                    .authorised = true,
                                    .used = 3,
                                    .granted = 10,
                                    .login_age_ms = 5000,
                                    .authorisation_left_ms = 60000,
                                    .params = {.mechanism = TP_HSM_ECDSA},
                                    .data = TP_BYTES(hash_bytes, 32),
                                    .has_data = true};
}

/* explain must say the same as decide: the first refusal's rule, code and words; and for all else a finding with words.
 */
static void explain_agrees(const struct tp_policy *policy, const struct tp_policy_facts *facts,
                           const struct tp_policy_decision *decision)
{
    struct tp_policy_finding findings[TP_POLICY_RULES_MAX];
    const size_t count = tp_policy_explain(policy, facts, findings);
    const struct tp_policy_finding *first = NULL;
    cr_assert_gt(count, 0);
    cr_assert_leq(count, TP_POLICY_RULES_MAX);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(findings[i].ok, findings[i].rc == TP_OK);
        cr_assert_neq(findings[i].words[0], '\0', "%s says nothing", findings[i].rule);
        if (first == NULL && !findings[i].ok)
            first = &findings[i];
    }
    cr_assert_eq(first != NULL, decision->rc != TP_OK);
    if (first == NULL)
        return;
    cr_assert_eq(first->rc, decision->rc);
    cr_assert_str_eq(first->rule, decision->rule);
    cr_assert_str_eq(first->words, decision->words);
}

static void expect(const struct tp_policy *policy, const struct tp_policy_facts *facts, enum tp_rc rc, const char *rule)
{
    struct tp_policy_decision decision;
    tp_policy_decide(policy, facts, &decision);
    cr_assert_eq(decision.rc, rc, "%s instead of %s: %s (%s)", tp_rc_name(decision.rc), tp_rc_name(rc), decision.words,
                 decision.rule != NULL ? decision.rule : "allowed");
    if (rule == NULL) {
        cr_assert_null(decision.rule);
        cr_assert_str_eq(decision.words, "");
    } else {
        cr_assert_str_eq(decision.rule, rule);
        cr_assert_neq(decision.words[0], '\0');
    }
    explain_agrees(policy, facts, &decision);
}

/* ---- one thing wrong at a time ---- */

struct change {
    const char *rule; /* that must refuse; NULL: must be allowed, the twin of the row before */
    enum tp_rc rc;
    void (*change)(struct tp_policy *, struct tp_policy_facts *);
};

#define CHANGE(name, ...)                                                                                              \
    static void name(struct tp_policy *policy, struct tp_policy_facts *facts)                                          \
    {                                                                                                                  \
        (void)policy, (void)facts;                                                                                     \
        __VA_ARGS__;                                                                                                   \
    }

CHANGE(nothing, )
CHANGE(inactive, facts->user_active = false)
CHANGE(locked, facts->user_locked = true)
CHANGE(suspended, facts->state = TP_STATE_SUSPENDED)
CHANGE(doubted, facts->state = TP_STATE_DOUBT)
CHANGE(revoked, facts->state = TP_STATE_REVOKED)
CHANGE(deleted, facts->state = TP_STATE_DELETED)
CHANGE(pending, facts->state = TP_STATE_PENDING)
CHANGE(no_state, facts->state = (enum tp_policy_state)77)
CHANGE(no_certificate, facts->has_certificate = false)
CHANGE(no_certificate_allowed, facts->has_certificate = false; facts->certificate_matches = false; facts->key_usage = 0;
       facts->not_after_ms = 0; policy->allow_no_certificate = true)
CHANGE(other_key, facts->certificate_matches = false)
CHANGE(other_key_allowed_without, facts->certificate_matches = false; policy->allow_no_certificate = true)
CHANGE(early, facts->now_ms = 999)
CHANGE(first_moment, facts->now_ms = 1000)
CHANGE(late, facts->now_ms = 2001)
CHANGE(last_moment, facts->now_ms = 2000)
CHANGE(encipherment_only, facts->key_usage = 1u << 2)
CHANGE(usage_zero, facts->key_usage = 0)
CHANGE(ca_only, facts->key_usage = TP_PKI_KEY_CERT_SIGN | TP_PKI_CRL_SIGN)
CHANGE(non_repudiation, facts->key_usage = TP_PKI_NON_REPUDIATION)
CHANGE(usage_absent, facts->key_usage = ~0u)
CHANGE(unsynchronised, facts->clock_synchronised = false)
CHANGE(unsynchronised_allowed, facts->clock_synchronised = false; policy->require_synchronised_clock = false)
CHANGE(not_authorised, facts->authorised = false)
CHANGE(old_login, facts->login_age_ms = 3600001)
CHANGE(login_from_the_future, facts->login_age_ms = -1)
CHANGE(oldest_login, facts->login_age_ms = 3600000)
CHANGE(always_authenticates, facts->always_authenticate = true)
CHANGE(always_authenticates_and_did, facts->always_authenticate = facts->single = true)
CHANGE(login_for_another_signature, facts->single = true)
CHANGE(no_time_left, facts->authorisation_left_ms = 0)
CHANGE(some_time_left, facts->authorisation_left_ms = 1)
CHANGE(used_up, facts->used = 10)
CHANGE(one_left, facts->used = 9)
CHANGE(used_past, facts->used = UINT32_MAX)
CHANGE(not_granted_by_number, facts->used = 99; facts->granted = 0)
CHANGE(most_reached, facts->used = 100; facts->granted = 0)
CHANGE(most_unlimited, facts->used = 1000000; facts->granted = 0; policy->signatures_most = 0)
CHANGE(before_hours, policy->hour_from = 13)
CHANGE(at_opening, policy->hour_from = 12)
CHANGE(after_hours, policy->hour_until = 12)
CHANGE(until_next_hour, policy->hour_until = 13)
CHANGE(day_while_night_only, policy->hour_from = 22; policy->hour_until = 6)
CHANGE(night_before_midnight, policy->hour_from = 22; policy->hour_until = 6; facts->local_hour = 22)
CHANGE(night_after_midnight, policy->hour_from = 22; policy->hour_until = 6; facts->local_hour = 5)
CHANGE(night_over, policy->hour_from = 22; policy->hour_until = 6; facts->local_hour = 6)
CHANGE(no_hours, policy->hour_from = 12; policy->hour_until = 12)
CHANGE(no_mechanism, facts->params.mechanism = (enum tp_hsm_mechanism)0)
CHANGE(unknown_mechanism, facts->params.mechanism = (enum tp_hsm_mechanism)9)
CHANGE(huge_mechanism, facts->params.mechanism = (enum tp_hsm_mechanism)1000)
CHANGE(forbidden_mechanism, policy->mechanisms = ALL_MECHANISMS & ~(1u << TP_HSM_ECDSA))
CHANGE(only_this_mechanism, policy->mechanisms = 1u << TP_HSM_ECDSA)
CHANGE(rsa_mechanism_with_ec_key, facts->params.mechanism = TP_HSM_RSA_PKCS)
CHANGE(ec_mechanism_with_rsa_key, facts->key_type = TP_HSM_RSA_2048; facts->key_bits = 2048)
CHANGE(ec_mechanism_with_ed_key, facts->key_type = TP_HSM_ED25519)
CHANGE(ed_mechanism_with_ec_key, facts->params.mechanism = TP_HSM_EDDSA)
CHANGE(unknown_key, facts->key_type = (enum tp_hsm_key_type)0)
CHANGE(huge_key, facts->key_type = (enum tp_hsm_key_type)1000)
CHANGE(p384, facts->key_type = TP_HSM_P384; facts->key_bits = 384)
CHANGE(p521, facts->key_type = TP_HSM_P521; facts->key_bits = 521)
CHANGE(small_ec, facts->key_bits = 224)
CHANGE(data_31, facts->data.len = 31)
CHANGE(data_0, facts->data = TP_BYTES_NONE)
CHANGE(data_65, facts->data.len = 65)
CHANGE(data_48, facts->data.len = 48)
CHANGE(data_64, facts->data.len = 64)
CHANGE(data_28, facts->data.len = 28)
CHANGE(no_data, facts->data = TP_BYTES_NONE; facts->has_data = false)
CHANGE(claims_384, facts->claimed = TP_PKI_SHA384)
CHANGE(claims_256, facts->claimed = TP_PKI_SHA256)
CHANGE(claims_sha3_256, facts->claimed = TP_PKI_SHA3_256)
CHANGE(claims_beyond, facts->claimed = TP_PKI_HASH_END)
CHANGE(sha1, facts->data.len = 20)
CHANGE(sha1_allowed, facts->data.len = 20; policy->allow_sha1 = true)
CHANGE(md5, facts->data.len = 16; policy->allow_sha1 = true)
CHANGE(claims_sha1_without_data, facts->has_data = false; facts->claimed = TP_PKI_SHA1)
CHANGE(claims_md5_without_data, facts->has_data = false; facts->claimed = TP_PKI_MD5; policy->allow_sha1 = true)
CHANGE(claims_256_without_data, facts->has_data = false; facts->claimed = TP_PKI_SHA256)

static const struct change changes[] = {
    {NULL, TP_OK, nothing},
    {"user state", TP_REFUSED, inactive},
    {"user lock", TP_REFUSED, locked},
    {"key state", TP_KEY_UNUSABLE, suspended},
    {"key state", TP_KEY_UNUSABLE, doubted},
    {"key state", TP_KEY_UNUSABLE, revoked},
    {"key state", TP_KEY_UNUSABLE, deleted},
    {"key state", TP_KEY_UNUSABLE, pending},
    {"key state", TP_KEY_UNUSABLE, no_state},
    {"certificate present", TP_REFUSED, no_certificate},
    {NULL, TP_OK, no_certificate_allowed},
    {"certificate matches", TP_REFUSED, other_key},
    {"certificate matches", TP_REFUSED, other_key_allowed_without},
    {"certificate validity", TP_REFUSED, early},
    {NULL, TP_OK, first_moment},
    {"certificate validity", TP_REFUSED, late},
    {NULL, TP_OK, last_moment},
    {"certificate usage", TP_REFUSED, encipherment_only},
    {"certificate usage", TP_REFUSED, usage_zero},
    {"certificate usage", TP_REFUSED, ca_only},
    {NULL, TP_OK, non_repudiation},
    {NULL, TP_OK, usage_absent},
    {"clock", TP_REFUSED, unsynchronised},
    {NULL, TP_OK, unsynchronised_allowed},
    {"authorisation", TP_NOT_LOGGED_IN, not_authorised},
    {"single login", TP_NOT_LOGGED_IN, always_authenticates},
    {NULL, TP_OK, always_authenticates_and_did},
    {"single login", TP_NOT_LOGGED_IN, login_for_another_signature},
    {"login age", TP_NOT_LOGGED_IN, old_login},
    {"login age", TP_NOT_LOGGED_IN, login_from_the_future},
    {NULL, TP_OK, oldest_login},
    {"authorisation time", TP_NOT_LOGGED_IN, no_time_left},
    {NULL, TP_OK, some_time_left},
    {"signatures left", TP_NOT_LOGGED_IN, used_up},
    {"signatures left", TP_NOT_LOGGED_IN, used_past},
    {NULL, TP_OK, one_left},
    {"signatures left", TP_NOT_LOGGED_IN, most_reached},
    {NULL, TP_OK, not_granted_by_number},
    {NULL, TP_OK, most_unlimited},
    {"hours", TP_REFUSED, before_hours},
    {NULL, TP_OK, at_opening},
    {"hours", TP_REFUSED, after_hours},
    {NULL, TP_OK, until_next_hour},
    {"hours", TP_REFUSED, day_while_night_only},
    {"hours", TP_REFUSED, night_over},
    {NULL, TP_OK, night_before_midnight},
    {NULL, TP_OK, night_after_midnight},
    {"hours", TP_REFUSED, no_hours},
    {"mechanism", TP_MECHANISM, no_mechanism},
    {"mechanism", TP_MECHANISM, unknown_mechanism},
    {"mechanism", TP_MECHANISM, huge_mechanism},
    {"mechanism", TP_MECHANISM, forbidden_mechanism},
    {NULL, TP_OK, only_this_mechanism},
    {"mechanism and key", TP_MECHANISM, rsa_mechanism_with_ec_key},
    {"mechanism and key", TP_MECHANISM, ec_mechanism_with_rsa_key},
    {"mechanism and key", TP_MECHANISM, ec_mechanism_with_ed_key},
    {"mechanism and key", TP_MECHANISM, ed_mechanism_with_ec_key},
    {"mechanism and key", TP_MECHANISM, unknown_key},
    {"mechanism and key", TP_MECHANISM, huge_key},
    {NULL, TP_OK, p384},
    {NULL, TP_OK, p521},
    {"key size", TP_REFUSED, small_ec},
    {"data", TP_DATA_LENGTH, data_31},
    {"data", TP_DATA_LENGTH, data_0},
    {"data", TP_DATA_LENGTH, data_65},
    {NULL, TP_OK, data_28},
    {NULL, TP_OK, data_48},
    {NULL, TP_OK, data_64},
    {NULL, TP_OK, no_data},
    {"hash as claimed", TP_DATA, claims_384},
    {"hash as claimed", TP_DATA, claims_beyond},
    {NULL, TP_OK, claims_256},
    {NULL, TP_OK, claims_sha3_256},
    {"hash", TP_REFUSED, sha1},
    {NULL, TP_OK, sha1_allowed},
    {"hash", TP_REFUSED, md5},
    {"hash", TP_REFUSED, claims_sha1_without_data},
    {"hash", TP_REFUSED, claims_md5_without_data},
    {NULL, TP_OK, claims_256_without_data},
};

Test(policy, refuses_each_single_thing_that_is_wrong_and_allows_its_twin)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct tp_policy policy = usual_policy();
        struct tp_policy_facts facts = usual_facts();
        changes[i].change(&policy, &facts);
        expect(&policy, &facts, changes[i].rc, changes[i].rule);
    }
}

Test(policy, has_a_case_above_for_each_of_its_rules)
{
    const struct tp_policy policy = usual_policy();
    const struct tp_policy_facts facts = usual_facts();
    struct tp_policy_finding findings[TP_POLICY_RULES_MAX];
    const size_t count = tp_policy_explain(&policy, &facts, findings);
    for (size_t rule = 0; rule < count; rule++) {
        bool tried = strcmp(findings[rule].rule, "PSS parameters") == 0; /* in a table of its own below */
        for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
            tried = tried || (changes[i].rule != NULL && strcmp(changes[i].rule, findings[rule].rule) == 0);
        cr_assert(tried, "%s", findings[rule].rule);
        for (size_t other = 0; other < rule; other++)
            cr_assert_str_neq(findings[rule].rule, findings[other].rule);
    }
}

Test(policy, with_nothing_set_allows_nothing)
{
    const struct tp_policy policy = {0};
    const struct tp_policy_facts facts = {0};
    expect(&policy, &facts, TP_REFUSED, "user state");
    struct tp_policy_finding findings[TP_POLICY_RULES_MAX];
    size_t refused = 0;
    const size_t count = tp_policy_explain(&policy, &facts, findings);
    for (size_t i = 0; i < count; i++)
        refused += !findings[i].ok;
    cr_assert_gt(refused, 5);
}

Test(policy, of_two_wrong_things_names_the_first)
{
    struct tp_policy policy = usual_policy();
    struct tp_policy_facts facts = usual_facts();
    facts.state = TP_STATE_REVOKED;
    facts.authorised = false;
    expect(&policy, &facts, TP_KEY_UNUSABLE, "key state");
}

/* ---- RSA ---- */

static struct tp_policy_facts rsa_facts(enum tp_hsm_mechanism mechanism, struct tp_bytes data)
{
    struct tp_policy_facts facts = usual_facts();
    facts.key_type = TP_HSM_RSA_2048;
    facts.key_bits = 2048;
    facts.params.mechanism = mechanism;
    facts.data = data;
    return facts;
}

Test(policy, of_rsa_pkcs_looks_into_the_digest_info)
{
    static const struct {
        enum tp_pki_hash hash, claimed;
        enum tp_rc rc;
        const char *rule;
    } rows[] = {
        {TP_PKI_SHA256, TP_PKI_HASH_NONE, TP_OK, NULL},
        {TP_PKI_SHA512, TP_PKI_SHA512, TP_OK, NULL},
        {TP_PKI_SHA3_256, TP_PKI_HASH_NONE, TP_OK, NULL},
        {TP_PKI_SHA256, TP_PKI_SHA3_256, TP_DATA, "hash as claimed"},
        {TP_PKI_SHA1, TP_PKI_HASH_NONE, TP_REFUSED, "hash"},
        {TP_PKI_MD5, TP_PKI_MD5, TP_REFUSED, "hash"},
        {TP_PKI_MD5, TP_PKI_SHA256, TP_DATA, "hash as claimed"},
    };
    const struct tp_policy policy = usual_policy();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t der[TP_PKI_DIGEST_INFO_MAX];
        size_t der_len = 0;
        const size_t hash_len = tp_pki_hash_len(rows[i].hash);
        cr_assert_eq(tp_pki_digest_info_make(rows[i].hash, TP_BYTES(hash_bytes, hash_len), der, &der_len), TP_OK);
        struct tp_policy_facts facts = rsa_facts(TP_HSM_RSA_PKCS, TP_BYTES(der, der_len));
        facts.claimed = rows[i].claimed;
        expect(&policy, &facts, rows[i].rc, rows[i].rule);
        struct tp_policy_decision decision;
        tp_policy_decide(&policy, &facts, &decision);
        cr_assert_eq(decision.hash, rows[i].hash);
        cr_assert_eq(decision.digest.data, der + der_len - hash_len, "a view");
        cr_assert_eq(decision.digest.len, hash_len);
    }
}

Test(policy, of_rsa_pkcs_refuses_what_is_no_digest_info)
{
    const struct tp_policy policy = usual_policy();
    const size_t lengths[] = {0, 20, 32, 36, 51, 65}; /* bare hashes; MD5 and SHA-1 of TLS 1.0 */
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const struct tp_policy_facts facts = rsa_facts(TP_HSM_RSA_PKCS, TP_BYTES(hash_bytes, lengths[i]));
        expect(&policy, &facts, TP_DATA, "data");
    }
}

Test(policy, of_rsa_asks_for_the_least_size)
{
    struct tp_policy policy = usual_policy();
    struct tp_policy_facts facts = rsa_facts(TP_HSM_RSA_PSS, TP_BYTES(hash_bytes, 32));
    facts.params.hash_bits = facts.params.mgf_bits = 256;
    facts.params.salt_len = 32;
    expect(&policy, &facts, TP_OK, NULL);
    facts.key_bits = 2047;
    expect(&policy, &facts, TP_REFUSED, "key size");
    facts.key_bits = 2048;
    policy.rsa_bits_least = 3072;
    expect(&policy, &facts, TP_REFUSED, "key size");
    facts.key_type = TP_HSM_RSA_3072;
    facts.key_bits = 3072;
    expect(&policy, &facts, TP_OK, NULL);
}

Test(policy, of_pss_asks_for_sound_parameters)
{
    static const struct {
        unsigned hash_bits, mgf_bits, salt_len;
        size_t data_len;
        enum tp_pki_hash claimed;
        enum tp_rc rc;
        const char *rule;
    } rows[] = {
        {256, 256, 32, 32, TP_PKI_HASH_NONE, TP_OK, NULL},
        {512, 512, 64, 64, TP_PKI_SHA512, TP_OK, NULL},
        {384, 384, 0, 48, TP_PKI_HASH_NONE, TP_OK, NULL},
        {224, 224, 28, 28, TP_PKI_HASH_NONE, TP_OK, NULL},
        {256, 256, 222, 32, TP_PKI_HASH_NONE, TP_OK, NULL}, /* 256 − 32 − 2 */
        {256, 256, 223, 32, TP_PKI_HASH_NONE, TP_MECHANISM, "PSS parameters"},
        {256, 256, 0xffffffffu, 32, TP_PKI_HASH_NONE, TP_MECHANISM, "PSS parameters"},
        {256, 160, 32, 32, TP_PKI_HASH_NONE, TP_MECHANISM, "PSS parameters"},
        {0, 0, 32, 32, TP_PKI_HASH_NONE, TP_MECHANISM, "PSS parameters"},
        {255, 255, 32, 32, TP_PKI_HASH_NONE, TP_MECHANISM, "PSS parameters"},
        {256, 256, 32, 31, TP_PKI_HASH_NONE, TP_DATA_LENGTH, "data"},
        {256, 256, 32, 51, TP_PKI_HASH_NONE, TP_DATA_LENGTH, "data"},
        {256, 256, 32, 32, TP_PKI_SHA3_256, TP_DATA, "hash as claimed"},
        {160, 160, 20, 20, TP_PKI_HASH_NONE, TP_REFUSED, "hash"},
    };
    const struct tp_policy policy = usual_policy();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_policy_facts facts = rsa_facts(TP_HSM_RSA_PSS, TP_BYTES(hash_bytes, rows[i].data_len));
        facts.params.hash_bits = rows[i].hash_bits;
        facts.params.mgf_bits = rows[i].mgf_bits;
        facts.params.salt_len = rows[i].salt_len;
        facts.claimed = rows[i].claimed;
        expect(&policy, &facts, rows[i].rc, rows[i].rule);
    }
}

Test(policy, of_pss_judges_the_hash_before_there_is_data)
{
    const struct tp_policy policy = usual_policy();
    struct tp_policy_facts facts = rsa_facts(TP_HSM_RSA_PSS, TP_BYTES_NONE);
    facts.has_data = false;
    facts.params =
        (struct tp_hsm_sign_params){.mechanism = TP_HSM_RSA_PSS, .hash_bits = 256, .mgf_bits = 256, .salt_len = 32};
    expect(&policy, &facts, TP_OK, NULL);
    facts.params.hash_bits = facts.params.mgf_bits = 160;
    expect(&policy, &facts, TP_REFUSED, "hash");
}

/* A modulus whose size is 1 mod 8: emBits fills one byte less. */
Test(policy, of_pss_counts_the_encoded_message_in_whole_bytes)
{
    struct tp_policy policy = usual_policy();
    struct tp_policy_facts facts = rsa_facts(TP_HSM_RSA_PSS, TP_BYTES(hash_bytes, 32));
    facts.params =
        (struct tp_hsm_sign_params){.mechanism = TP_HSM_RSA_PSS, .hash_bits = 256, .mgf_bits = 256, .salt_len = 222};
    facts.key_bits = 2049;
    expect(&policy, &facts, TP_OK, NULL);
    facts.params.salt_len = 223;
    expect(&policy, &facts, TP_MECHANISM, "PSS parameters");
    facts.key_bits = 2050;
    expect(&policy, &facts, TP_OK, NULL);
}

/* ---- EdDSA, and what decide hands on ---- */

Test(policy, of_eddsa_takes_any_message)
{
    const struct tp_policy policy = usual_policy();
    struct tp_policy_facts facts = usual_facts();
    facts.key_type = TP_HSM_ED25519;
    facts.params.mechanism = TP_HSM_EDDSA;
    for (size_t len = 0; len <= sizeof hash_bytes; len += 13) {
        struct tp_policy_decision decision;
        facts.data = TP_BYTES(hash_bytes, len);
        expect(&policy, &facts, TP_OK, NULL);
        tp_policy_decide(&policy, &facts, &decision);
        cr_assert_eq(decision.hash, TP_PKI_HASH_NONE);
        cr_assert(tp_bytes_equal(decision.digest, facts.data));
    }
    facts.authorised = false;
    expect(&policy, &facts, TP_NOT_LOGGED_IN, "authorisation");
}

Test(policy, of_ecdsa_takes_the_clients_word_between_hashes_of_one_length)
{
    const struct tp_policy policy = usual_policy();
    struct tp_policy_facts facts = usual_facts();
    struct tp_policy_decision decision;
    tp_policy_decide(&policy, &facts, &decision);
    cr_assert_eq(decision.hash, TP_PKI_SHA256);
    cr_assert_eq(decision.digest.data, hash_bytes);
    facts.claimed = TP_PKI_SHA3_256;
    tp_policy_decide(&policy, &facts, &decision);
    cr_assert_eq(decision.hash, TP_PKI_SHA3_256);
}

Test(policy_state, has_a_name_for_each_and_reads_it_back)
{
    static const char *const names[] = {"active", "suspended", "doubt", "revoked", "deleted", "pending"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        enum tp_policy_state state;
        cr_assert_str_eq(tp_policy_state_name((enum tp_policy_state)i), names[i]);
        cr_assert_eq(tp_policy_state_parse(names[i], &state), TP_OK);
        cr_assert_eq((size_t)state, i);
    }
    enum tp_policy_state state = TP_STATE_REVOKED;
    cr_assert_eq(tp_policy_state_parse("Active", &state), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_policy_state_parse("", &state), TP_BAD_ARGUMENT);
    cr_assert_eq(state, TP_STATE_REVOKED);
    cr_assert_str_eq(tp_policy_state_name((enum tp_policy_state)6), "unknown");
}
