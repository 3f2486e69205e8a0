/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules, one row each; deciding and explaining walk the same table. A rule refuses or finds nothing to refuse:
 * there is no rule that can allow what another refused.
 */
#include "engine/policy.h"

#include "base/clock.h"
#include "pki/certificate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One walk over the table. */
struct asking {
    const struct tp_policy *policy;
    const struct tp_policy_facts *facts;
    bool tell;             /* words also for what is well; the hot path does without */
    char *words;           /* of the rule that is being asked; 160 bytes */
    enum tp_pki_hash hash; /* what is being signed, as far as it is known by now */
    struct tp_bytes digest;
};

#define WORDS_LEN sizeof(((struct tp_policy_finding *)NULL)->words)

static enum tp_rc TP_PRINTF(3, 4) refuse(struct asking *asking, enum tp_rc rc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(asking->words, WORDS_LEN, format, args);
    va_end(args);
    return rc;
}

static enum tp_rc TP_PRINTF(2, 3) fine(struct asking *asking, const char *format, ...)
{
    if (!asking->tell)
        return TP_OK;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(asking->words, WORDS_LEN, format, args);
    va_end(args);
    return TP_OK;
}

/* ---- states ---- */

static const struct {
    const char *name;
    const char *why; /* it does not sign; NULL: it does */
} states[] = {
    [TP_STATE_ACTIVE] = {"active", NULL},
    [TP_STATE_SUSPENDED] = {"suspended", "the key is suspended; an officer can make it active again"},
    [TP_STATE_DOUBT] =
        {"doubt", "the key or its certificate is in doubt; it signs nothing until an officer has decided (RS-16)"},
    [TP_STATE_REVOKED] = {"revoked", "the certificate has been revoked; the key signs nothing any more (RS-16)"},
    [TP_STATE_DELETED] = {"deleted", "the key has been deleted"},
    [TP_STATE_PENDING] = {"pending", "the key is not sealed yet: its owner must log in once"},
};

#define STATES (sizeof states / sizeof states[0])

const char *tp_policy_state_name(enum tp_policy_state state)
{
    return (size_t)state < STATES ? states[state].name : "unknown";
}

enum tp_rc tp_policy_state_parse(const char *name, enum tp_policy_state *ret_state)
{
    for (size_t i = 0; i < STATES; i++) {
        if (strcmp(states[i].name, name) != 0)
            continue;
        *ret_state = (enum tp_policy_state)i;
        return TP_OK;
    }
    return TP_BAD_ARGUMENT;
}

static enum tp_rc user_state(struct asking *asking)
{
    if (!asking->facts->user_active)
        return refuse(asking, TP_REFUSED, "the user is not active; an officer can see why");
    return fine(asking, "the user is active");
}

static enum tp_rc user_lock(struct asking *asking)
{
    if (asking->facts->user_locked)
        return refuse(asking, TP_REFUSED, "the user is locked after wrong PINs or codes; an officer can unlock");
    return fine(asking, "the user is not locked");
}

static enum tp_rc key_state(struct asking *asking)
{
    const enum tp_policy_state state = asking->facts->state;
    if ((size_t)state >= STATES)
        return refuse(asking, TP_KEY_UNUSABLE, "the key is in a state that this version does not know");
    if (states[state].why != NULL)
        return refuse(asking, TP_KEY_UNUSABLE, "%s", states[state].why);
    return fine(asking, "the key is active");
}

/* ---- certificate ---- */

static enum tp_rc certificate_present(struct asking *asking)
{
    if (asking->facts->has_certificate)
        return fine(asking, "there is a certificate");
    if (!asking->policy->allow_no_certificate)
        return refuse(asking, TP_REFUSED,
                      "the key has no certificate yet; import one, or allow keys without in the policy");
    return fine(asking, "there is none, and the policy allows that");
}

static enum tp_rc certificate_matches(struct asking *asking)
{
    if (!asking->facts->has_certificate)
        return fine(asking, "there is no certificate");
    if (!asking->facts->certificate_matches)
        return refuse(asking, TP_REFUSED, "the certificate is for another public key");
    return fine(asking, "the certificate is for this key");
}

static enum tp_rc certificate_validity(struct asking *asking)
{
    const struct tp_policy_facts *facts = asking->facts;
    if (!facts->has_certificate)
        return fine(asking, "there is no certificate");
    char time[TP_TIME_TEXT_LEN];
    const bool early = facts->now_ms<facts->not_before_ms, late = facts->now_ms> facts->not_after_ms;
    if (early || late || asking->tell)
        tp_time_format(early ? facts->not_before_ms : facts->not_after_ms, false, time);
    if (early)
        return refuse(asking, TP_REFUSED, "the certificate is not valid before %s", time);
    if (late)
        return refuse(asking, TP_REFUSED, "the certificate has expired at %s; renew it", time);
    return fine(asking, "the certificate is valid until %s", asking->tell ? time : "");
}

/* RS-24; a certificate without the extension is not limited (RFC 5280 §4.2.1.3). */
static enum tp_rc certificate_usage(struct asking *asking)
{
    if (!asking->facts->has_certificate)
        return fine(asking, "there is no certificate");
    if ((asking->facts->key_usage & (TP_PKI_DIGITAL_SIGNATURE | TP_PKI_NON_REPUDIATION)) == 0)
        return refuse(asking, TP_REFUSED, "the certificate's key usage does not allow signatures (RS-24)");
    return fine(asking, "the certificate's key usage allows signatures");
}

/* ---- time and authorisation ---- */

static enum tp_rc clock_synchronised(struct asking *asking)
{
    if (asking->facts->clock_synchronised)
        return fine(asking, "the clock is synchronised");
    if (asking->policy->require_synchronised_clock)
        return refuse(asking, TP_REFUSED,
                      "the clock is not synchronised (RS-13); see to chrony or ntpd on the engine's machine");
    return fine(asking, "the clock is not synchronised, and the policy does not ask for it");
}

static bool is_hour(unsigned from, unsigned until, unsigned hour)
{
    return from <= until ? from <= hour && hour < until : hour >= from || hour < until;
}

static enum tp_rc hours(struct asking *asking)
{
    const struct tp_policy *policy = asking->policy;
    if (!is_hour(policy->hour_from, policy->hour_until, asking->facts->local_hour))
        return refuse(asking, TP_REFUSED, "signing is allowed from %u:00 to %u:00 local time", policy->hour_from,
                      policy->hour_until);
    return fine(asking, "it is within %u:00 to %u:00", policy->hour_from, policy->hour_until);
}

static enum tp_rc authorisation(struct asking *asking)
{
    if (!asking->facts->authorised)
        return refuse(asking, TP_NOT_LOGGED_IN, "there is no authorisation for this key: log in");
    return fine(asking, "there is an authorisation for this key");
}

static enum tp_rc single_login(struct asking *asking)
{
    const struct tp_policy_facts *facts = asking->facts;
    if (facts->always_authenticate && !facts->single)
        return refuse(asking, TP_NOT_LOGGED_IN, "the key wants a login for each signature: give PIN and code again");
    if (!facts->always_authenticate && facts->single)
        return refuse(asking, TP_NOT_LOGGED_IN, "that login was for one signature with another key: log in");
    return fine(asking, facts->single ? "the login is for this signature" : "the key wants no login for each signature");
}

static enum tp_rc login_age(struct asking *asking)
{
    const int64_t age_ms = asking->facts->login_age_ms, most_ms = asking->policy->login_age_most_ms;
    if (age_ms < 0 || age_ms > most_ms)
        return refuse(asking, TP_NOT_LOGGED_IN, "the login is older than the %lld s that are allowed: log in again",
                      (long long)(most_ms / 1000));
    return fine(asking, "the login is %lld s old", (long long)(age_ms / 1000));
}

static enum tp_rc authorisation_time(struct asking *asking)
{
    const int64_t left_ms = asking->facts->authorisation_left_ms;
    if (left_ms <= 0)
        return refuse(asking, TP_NOT_LOGGED_IN, "the authorisation has ended: log in again");
    return fine(asking, "the authorisation lasts another %lld s", (long long)(left_ms / 1000));
}

static enum tp_rc signatures_left(struct asking *asking)
{
    const uint32_t used = asking->facts->used, granted = asking->facts->granted, most = asking->policy->signatures_most;
    if (granted != 0 && used >= granted)
        return refuse(asking, TP_NOT_LOGGED_IN, "the authorisation's %u signatures have been made: log in again",
                      granted);
    if (most != 0 && used >= most)
        return refuse(asking, TP_NOT_LOGGED_IN, "the policy allows %u signatures for one login: log in again", most);
    return fine(asking, "%u signatures made so far", used);
}

/* ---- mechanism and key ---- */

enum family { FAMILY_NONE, FAMILY_RSA, FAMILY_EC, FAMILY_ED };

static const enum family families[TP_HSM_KEY_TYPE_END] = {
    [TP_HSM_RSA_2048] = FAMILY_RSA, [TP_HSM_RSA_3072] = FAMILY_RSA, [TP_HSM_RSA_4096] = FAMILY_RSA,
    [TP_HSM_P256] = FAMILY_EC,      [TP_HSM_P384] = FAMILY_EC,      [TP_HSM_P521] = FAMILY_EC,
    [TP_HSM_ED25519] = FAMILY_ED,
};

static enum tp_rc data_rsa_pkcs(struct asking *asking);
static enum tp_rc data_rsa_pss(struct asking *asking);
static enum tp_rc data_ecdsa(struct asking *asking);
static enum tp_rc data_eddsa(struct asking *asking);

static const struct mechanism {
    const char *name;
    enum family family;
    enum tp_rc (*data)(struct asking *); /* judges the form of the data, and sets asking->hash and ->digest */
} mechanisms[] = {
    [TP_HSM_RSA_PKCS] = {"RSA PKCS#1 v1.5", FAMILY_RSA, data_rsa_pkcs},
    [TP_HSM_RSA_PSS] = {"RSA PSS", FAMILY_RSA, data_rsa_pss},
    [TP_HSM_ECDSA] = {"ECDSA", FAMILY_EC, data_ecdsa},
    [TP_HSM_EDDSA] = {"EdDSA", FAMILY_ED, data_eddsa},
};

/* NULL when it is none that we know. */
static const struct mechanism *mechanism_of(const struct tp_policy_facts *facts)
{
    const size_t number = (size_t)facts->params.mechanism;
    return number > 0 && number < sizeof mechanisms / sizeof mechanisms[0] ? &mechanisms[number] : NULL;
}

static enum tp_rc mechanism_allowed(struct asking *asking)
{
    const struct mechanism *mechanism = mechanism_of(asking->facts);
    if (mechanism == NULL)
        return refuse(asking, TP_MECHANISM, "the mechanism is not known");
    if ((asking->policy->mechanisms & (UINT32_C(1) << asking->facts->params.mechanism)) == 0)
        return refuse(asking, TP_MECHANISM, "the policy does not allow %s", mechanism->name);
    return fine(asking, "the policy allows %s", mechanism->name);
}

static enum tp_rc mechanism_fits(struct asking *asking)
{
    const struct mechanism *mechanism = mechanism_of(asking->facts);
    const size_t type = (size_t)asking->facts->key_type;
    const enum family family = type < TP_HSM_KEY_TYPE_END ? families[type] : FAMILY_NONE;
    if (mechanism == NULL || family == FAMILY_NONE || mechanism->family != family)
        return refuse(asking, TP_MECHANISM, "the mechanism is for another type of key");
    return fine(asking, "the mechanism is for this type of key");
}

static enum tp_rc key_size(struct asking *asking)
{
    const size_t type = (size_t)asking->facts->key_type;
    const bool is_rsa = type < TP_HSM_KEY_TYPE_END && families[type] == FAMILY_RSA;
    const unsigned least = is_rsa ? asking->policy->rsa_bits_least : 256;
    if (asking->facts->key_bits < least)
        return refuse(asking, TP_REFUSED, "the key has %u bits, the policy asks for %u", asking->facts->key_bits,
                      least);
    return fine(asking, "the key has %u bits", asking->facts->key_bits);
}

/* ---- PSS parameters ---- */

static enum tp_pki_hash pss_hash(unsigned bits)
{
    static const struct {
        unsigned bits;
        enum tp_pki_hash hash;
    } rows[] = {
        {160, TP_PKI_SHA1}, {224, TP_PKI_SHA224}, {256, TP_PKI_SHA256}, {384, TP_PKI_SHA384}, {512, TP_PKI_SHA512}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].bits == bits)
            return rows[i].hash;
    return TP_PKI_HASH_NONE;
}

/* RFC 8017 §9.1.1: emLen is at least hLen + sLen + 2. Two different hashes are legal there, but no one needs them, and
 * a weak MGF hash would be a second thing to judge. */
static enum tp_rc pss_parameters(struct asking *asking)
{
    const struct tp_policy_facts *facts = asking->facts;
    if (facts->params.mechanism != TP_HSM_RSA_PSS)
        return fine(asking, "there are none");
    const enum tp_pki_hash hash = pss_hash(facts->params.hash_bits);
    if (hash == TP_PKI_HASH_NONE)
        return refuse(asking, TP_MECHANISM, "PSS with a hash that is not known");
    if (facts->params.mgf_bits != facts->params.hash_bits)
        return refuse(asking, TP_MECHANISM, "PSS whose mask generation uses another hash than the message");
    const size_t encoded_len = (facts->key_bits + 6) / 8; /* ⌈(bits − 1) / 8⌉ */
    if (tp_pki_hash_len(hash) + facts->params.salt_len + 2 > encoded_len)
        return refuse(asking, TP_MECHANISM, "PSS with a salt of %u bytes does not fit the key", facts->params.salt_len);
    asking->hash = hash;
    return fine(asking, "%s, a salt of %u bytes", tp_pki_hash_name(hash), facts->params.salt_len);
}

/* ---- data ---- */

static enum tp_rc data_rsa_pkcs(struct asking *asking)
{
    if (tp_pki_digest_info_parse(asking->facts->data, &asking->hash, &asking->digest) != TP_OK)
        return refuse(asking, TP_DATA, "the data is not a DigestInfo in DER with a known hash (RFC 8017 §9.2)");
    return fine(asking, "the data is a DigestInfo with %s", tp_pki_hash_name(asking->hash));
}

static enum tp_rc data_rsa_pss(struct asking *asking)
{
    const struct tp_policy_facts *facts = asking->facts;
    const size_t hash_len = facts->params.hash_bits / 8;
    if (facts->data.len != hash_len)
        return refuse(asking, TP_DATA_LENGTH, "the data has %zu bytes, the hash of PSS %zu", facts->data.len, hash_len);
    asking->digest = facts->data;
    return fine(asking, "the data is as long as the hash of PSS");
}

/* The length alone cannot tell SHA-2 from SHA-3: there the client's word counts, and goes into the record as such. */
static enum tp_rc data_ecdsa(struct asking *asking)
{
    const struct tp_policy_facts *facts = asking->facts;
    asking->hash = tp_pki_hash_by_len(facts->data.len);
    if (asking->hash == TP_PKI_HASH_NONE)
        return refuse(asking, TP_DATA_LENGTH, "the data has %zu bytes, which is the length of no hash",
                      facts->data.len);
    if (facts->claimed != TP_PKI_HASH_NONE && tp_pki_hash_len(facts->claimed) == facts->data.len)
        asking->hash = facts->claimed;
    asking->digest = facts->data;
    return fine(asking, "the data is as long as a hash of %s", tp_pki_hash_name(asking->hash));
}

static enum tp_rc data_eddsa(struct asking *asking)
{
    asking->digest = asking->facts->data;
    return fine(asking, "the message itself is signed");
}

static enum tp_rc data_form(struct asking *asking)
{
    const struct mechanism *mechanism = mechanism_of(asking->facts);
    if (!asking->facts->has_data)
        return fine(asking, "there is no data yet");
    if (mechanism == NULL)
        return refuse(asking, TP_DATA, "the data cannot be judged without knowing the mechanism");
    return mechanism->data(asking);
}

static enum tp_rc hash_claimed(struct asking *asking)
{
    const enum tp_pki_hash claimed = asking->facts->claimed;
    if (claimed == TP_PKI_HASH_NONE)
        return fine(asking, "the client has not named a hash");
    if (asking->hash != TP_PKI_HASH_NONE && asking->hash != claimed)
        return refuse(asking, TP_DATA, "the client says %s, but the data is %s", tp_pki_hash_name(claimed),
                      tp_pki_hash_name(asking->hash));
    return fine(asking, "the client says %s", tp_pki_hash_name(claimed));
}

/* EdDSA hashes the message itself, with a hash that belongs to the key. */
static enum tp_rc hash_allowed(struct asking *asking)
{
    const struct tp_policy_facts *facts = asking->facts;
    const enum tp_pki_hash hash = asking->hash != TP_PKI_HASH_NONE ? asking->hash : facts->claimed;
    const bool own_hash = facts->params.mechanism == TP_HSM_EDDSA;
    if (hash == TP_PKI_HASH_NONE && (own_hash || !facts->has_data))
        return fine(asking, own_hash ? "the key type has its own" : "not known before there is data");
    if (hash <= TP_PKI_HASH_NONE || hash >= TP_PKI_HASH_END)
        return refuse(asking, TP_REFUSED, "the hash is not known");
    if (hash == TP_PKI_MD5)
        return refuse(asking, TP_REFUSED, "MD5 is broken, and never signed");
    if (hash == TP_PKI_SHA1 && !asking->policy->allow_sha1)
        return refuse(asking, TP_REFUSED, "SHA-1 is not allowed by the policy; use SHA-256");
    return fine(asking, "%s is allowed", tp_pki_hash_name(hash));
}

/* ---- the table ---- */

/* What costs nothing and says most comes first: a suspended key is told as such, not as a missing login. */
static const struct {
    const char *name;
    enum tp_rc (*ask)(struct asking *);
} rules[] = {
    {"user state", user_state},
    {"user lock", user_lock},
    {"key state", key_state},
    {"certificate present", certificate_present},
    {"certificate matches", certificate_matches},
    {"certificate validity", certificate_validity},
    {"certificate usage", certificate_usage},
    {"clock", clock_synchronised},
    {"authorisation", authorisation},
    {"single login", single_login},
    {"login age", login_age},
    {"authorisation time", authorisation_time},
    {"signatures left", signatures_left},
    {"hours", hours},
    {"mechanism", mechanism_allowed},
    {"mechanism and key", mechanism_fits},
    {"key size", key_size},
    {"PSS parameters", pss_parameters},
    {"data", data_form},
    {"hash as claimed", hash_claimed},
    {"hash", hash_allowed},
};

#define RULES (sizeof rules / sizeof rules[0])
_Static_assert(RULES <= TP_POLICY_RULES_MAX, "callers give tp_policy_explain() room for TP_POLICY_RULES_MAX findings");
_Static_assert(sizeof(((struct tp_policy_decision *)NULL)->words) == WORDS_LEN, "refuse() writes into either");

void tp_policy_decide(const struct tp_policy *policy, const struct tp_policy_facts *facts,
                      struct tp_policy_decision *ret_decision)
{
    struct tp_policy_decision decision = {.rc = TP_OK};
    struct asking asking = {.policy = policy, .facts = facts, .words = decision.words};
    for (size_t i = 0; i < RULES && decision.rc == TP_OK; i++) {
        decision.rc = rules[i].ask(&asking);
        decision.rule = decision.rc != TP_OK ? rules[i].name : NULL;
    }
    decision.hash = asking.hash != TP_PKI_HASH_NONE ? asking.hash : facts->claimed;
    decision.digest = asking.digest;
    *ret_decision = decision;
}

size_t tp_policy_explain(const struct tp_policy *policy, const struct tp_policy_facts *facts,
                         struct tp_policy_finding ret_findings[TP_POLICY_RULES_MAX])
{
    struct asking asking = {.policy = policy, .facts = facts, .tell = true};
    for (size_t i = 0; i < RULES; i++) {
        struct tp_policy_finding *finding = &ret_findings[i];
        *finding = (struct tp_policy_finding){.rule = rules[i].name};
        asking.words = finding->words;
        finding->rc = rules[i].ask(&asking);
        finding->ok = finding->rc == TP_OK;
    }
    return RULES;
}
