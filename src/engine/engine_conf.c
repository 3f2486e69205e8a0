/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_conf.h"

#include <string.h>
#include <unistd.h>

#define KIB_PER_GIB (1024 * 1024)
#define WORKERS_MOST 64
#define DAY_MS (24LL * 3600 * 1000)

static const struct tp_conf_key schema[] = {
    {"", "name", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"", "socket", TP_CONF_PATH, "/run/trustp11/engine.sock", NULL, 0, 0},
    {"", "socket_open", TP_CONF_BOOLEAN, "yes", NULL, 0, 0},
    {"", "store", TP_CONF_PATH, "/var/lib/trustp11/store.db", NULL, 0, 0},
    {"", "hsm", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"", "audit_key", TP_CONF_PATH, "/var/lib/trustp11/audit.pem", NULL, 0, 0},
    {"", "workers", TP_CONF_INTEGER, "0", NULL, 0, WORKERS_MOST},
    {"", "login_workers", TP_CONF_INTEGER, "2", NULL, 1, 16},
    {"", "cached_keys", TP_CONF_INTEGER, "10000", NULL, 1, 1000000},
    {"", "idle", TP_CONF_DURATION, "10m", NULL, 1000, 30 * DAY_MS},
    {"", "authorisations", TP_CONF_INTEGER, "100000", NULL, 1, 10000000},
    {"audit", "checkpoint_entries", TP_CONF_INTEGER, "65536", NULL, 1, 1 << 30},
    {"audit", "checkpoint_every", TP_CONF_DURATION, "1h", NULL, 1000, 7 * DAY_MS},
    {"pin", "least", TP_CONF_INTEGER, "8", NULL, 4, TP_PIN_MAX},
    {"pin", "tries", TP_CONF_INTEGER, "5", NULL, 1, 100},
    {"pin", "enrolment", TP_CONF_DURATION, "7d", NULL, 1000, 365 * DAY_MS},
    {"pin", "memory_kib", TP_CONF_INTEGER, "65536", NULL, 8, KIB_PER_GIB},
    {"pin", "passes", TP_CONF_INTEGER, "3", NULL, 1, 64},
    {"pin", "lanes", TP_CONF_INTEGER, "1", NULL, 1, 16},
    {"pin", "insecure_cheap", TP_CONF_BOOLEAN, "no", NULL, 0, 0},
    {"otp", "issuer", TP_CONF_STRING, "trustp11", NULL, 0, 0},
    {"otp", "digits", TP_CONF_INTEGER, "6", NULL, 6, 8},
    {"otp", "period", TP_CONF_INTEGER, "30", NULL, 15, 300},
    {"otp", "algorithm", TP_CONF_CHOICE, "SHA1", "SHA1|SHA256|SHA512", 0, 0},
    {"login", "for", TP_CONF_DURATION, "15m", NULL, 1000, DAY_MS},
    {"login", "shared_for", TP_CONF_DURATION, "8h", NULL, 1000, 7 * DAY_MS},
    {"login", "approval", TP_CONF_BOOLEAN, "no", NULL, 0, 0},
#define ROW(name, key, fallback, words) {"owner", key, TP_CONF_BOOLEAN, fallback, NULL, 0, 0},
    TP_OWNER_WISHES(ROW)
#undef ROW
    {"policy", "signatures", TP_CONF_INTEGER, "0", NULL, 0, 1 << 30},
    {"policy", "login_age", TP_CONF_DURATION, "8h", NULL, 1000, 7 * DAY_MS},
    {"policy", "insecure_sha1", TP_CONF_BOOLEAN, "no", NULL, 0, 0},
    {"policy", "without_certificate", TP_CONF_BOOLEAN, "no", NULL, 0, 0},
    {"policy", "synchronised_clock", TP_CONF_BOOLEAN, "no", NULL, 0, 0},
    {"policy", "rsa_bits", TP_CONF_INTEGER, "2048", NULL, 2048, 16384},
    {"policy", "hour_from", TP_CONF_INTEGER, "0", NULL, 0, 23},
    {"policy", "hour_until", TP_CONF_INTEGER, "24", NULL, 1, 24},
    {"policy", "rsa_pkcs", TP_CONF_BOOLEAN, "yes", NULL, 0, 0},
    {"policy", "rsa_pss", TP_CONF_BOOLEAN, "yes", NULL, 0, 0},
    {"policy", "ecdsa", TP_CONF_BOOLEAN, "yes", NULL, 0, 0},
    {"policy", "eddsa", TP_CONF_BOOLEAN, "yes", NULL, 0, 0},
    {"tsa", "key", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"tsa", "certificates", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"tsa", "policies", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"tsa", "accuracy_ms", TP_CONF_INTEGER, "1000", NULL, 1, 3600000},
    {"tsa", "ordering", TP_CONF_BOOLEAN, "no", NULL, 0, 0},
    {"tsa", "hash", TP_CONF_CHOICE, "fitting", "fitting|sha256|sha384|sha512|sha3-256|sha3-384|sha3-512", 0, 0},
    {"tsa", "reserve_mb", TP_CONF_INTEGER, "256", NULL, 0, 1 << 30},
    {"tsa", "unwatched_clock", TP_CONF_BOOLEAN, "no", NULL, 0, 0},
    {NULL, NULL, TP_CONF_STRING, NULL, NULL, 0, 0},
};

const char *tp_owner_wish_name(enum tp_owner_wish wish)
{
    static const char *const names[TP_OWNER_WISHES_LEN] = {
#define NAME(name, key, fallback, words) [TP_OWNER_##name] = key,
        TP_OWNER_WISHES(NAME)
#undef NAME
    };
    return names[wish];
}

static enum tp_rc required(const struct tp_conf *file, const char *key, struct tp_error *error, const char **ret_value)
{
    const char *value = tp_conf_string(file, "", key);
    if (value == NULL || value[0] == '\0')
        return tp_error_set(error, TP_CONFIG, "%s: the key \"%s\" is missing; see conf/engine.conf for what it means",
                            tp_conf_path(file), key);
    *ret_value = value;
    return TP_OK;
}

static enum tp_rc read_otp(const struct tp_conf *file, struct tp_error *error, struct tp_engine_conf *conf)
{
    conf->otp_issuer = tp_conf_string(file, "otp", "issuer");
    conf->otp.kind = TP_OTP_TOTP;
    conf->otp.digits = (unsigned)tp_conf_integer(file, "otp", "digits");
    conf->otp.period_s = (unsigned)tp_conf_integer(file, "otp", "period");
    TP_TRY(tp_otp_algorithm_parse(tp_conf_string(file, "otp", "algorithm"), &conf->otp.algorithm));
    return tp_otp_params_check(&conf->otp, error);
}

static enum tp_rc read_pin(const struct tp_conf *file, struct tp_error *error, struct tp_engine_conf *conf)
{
    conf->pin_least = (size_t)tp_conf_integer(file, "pin", "least");
    conf->tries_most = (uint32_t)tp_conf_integer(file, "pin", "tries");
    conf->enrol_ms = tp_conf_integer(file, "pin", "enrolment");
    conf->pin_cost.memory_kib = (uint32_t)tp_conf_integer(file, "pin", "memory_kib");
    conf->pin_cost.passes = (uint32_t)tp_conf_integer(file, "pin", "passes");
    conf->pin_cost.lanes = (uint32_t)tp_conf_integer(file, "pin", "lanes");
    enum tp_rc rc = tp_pin_cost_check(&conf->pin_cost, tp_conf_boolean(file, "pin", "insecure_cheap"), error);
    return rc == TP_OK ? TP_OK : tp_error_prefix(error, rc, "%s: [pin]", tp_conf_path(file));
}

static void read_owner(const struct tp_conf *file, struct tp_engine_conf *conf)
{
    for (size_t i = 0; i < TP_OWNER_WISHES_LEN; i++)
        conf->owner[i] = tp_conf_boolean(file, "owner", tp_owner_wish_name((enum tp_owner_wish)i));
}

static uint32_t allowed_mechanism(const struct tp_conf *file, const char *key, enum tp_hsm_mechanism mechanism)
{
    return tp_conf_boolean(file, "policy", key) ? 1U << mechanism : 0;
}

static void read_policy(const struct tp_conf *file, struct tp_policy *policy)
{
    policy->allow_sha1 = tp_conf_boolean(file, "policy", "insecure_sha1");
    policy->allow_no_certificate = tp_conf_boolean(file, "policy", "without_certificate");
    policy->require_synchronised_clock = tp_conf_boolean(file, "policy", "synchronised_clock");
    policy->rsa_bits_least = (unsigned)tp_conf_integer(file, "policy", "rsa_bits");
    policy->signatures_most = (uint32_t)tp_conf_integer(file, "policy", "signatures");
    policy->login_age_most_ms = tp_conf_integer(file, "policy", "login_age");
    policy->hour_from = (unsigned)tp_conf_integer(file, "policy", "hour_from");
    policy->hour_until = (unsigned)tp_conf_integer(file, "policy", "hour_until");
    policy->mechanisms = allowed_mechanism(file, "rsa_pkcs", TP_HSM_RSA_PKCS) |
                         allowed_mechanism(file, "rsa_pss", TP_HSM_RSA_PSS) |
                         allowed_mechanism(file, "ecdsa", TP_HSM_ECDSA) |
                         allowed_mechanism(file, "eddsa", TP_HSM_EDDSA);
}

/* A software HSM is as fast as there are processors, and slower with more threads than that; an HSM on a network takes as
 * many calls at a time as its maker says, which only the operator knows. */
static unsigned workers(const struct tp_conf *file)
{
    int64_t wanted = tp_conf_integer(file, "", "workers");
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted > 0)
        return (unsigned)wanted;
    return processors < 2 ? 2 : processors > WORKERS_MOST ? WORKERS_MOST : (unsigned)processors;
}

static bool is_key(const char *key)
{
    return strcmp(key, "hsm") == 0 || strncmp(key, "file:/", 6) == 0 || strncmp(key, "pkcs11:", 7) == 0;
}

static enum tp_rc read_authority(const struct tp_conf *file, struct tp_error *error, struct tp_authority_conf *conf)
{
    const char *policies = tp_conf_string(file, "tsa", "policies");
    conf->key = tp_conf_string(file, "tsa", "key");
    if (conf->key == NULL || conf->key[0] == '\0') {
        conf->key = NULL;
        return TP_OK;
    }
    if (!is_key(conf->key))
        return tp_error_set(error, TP_CONFIG, "%s: [tsa] key is \"hsm\", file:/… or a pkcs11: URI", tp_conf_path(file));
    conf->certificates = tp_conf_string(file, "tsa", "certificates");
    if (conf->certificates != NULL && conf->certificates[0] == '\0')
        conf->certificates = NULL;
    if (conf->certificates != NULL && conf->certificates[0] != '/')
        return tp_error_set(error, TP_CONFIG, "%s: [tsa] certificates is a path that begins with \"/\"", tp_conf_path(file));
    conf->unwatched_clock = tp_conf_boolean(file, "tsa", "unwatched_clock");
    conf->reserve_bytes = (uint64_t)tp_conf_integer(file, "tsa", "reserve_mb") << 20;
    conf->profile.hash = tp_pki_hash_parse(tp_conf_string(file, "tsa", "hash"));
    conf->profile.accuracy_us = tp_conf_integer(file, "tsa", "accuracy_ms") * 1000;
    conf->profile.ordering = tp_conf_boolean(file, "tsa", "ordering");
    const enum tp_rc rc = tp_tsa_profile_policies(&conf->profile, policies == NULL ? "" : policies, error);
    return rc == TP_OK ? TP_OK : tp_error_prefix(error, rc, "%s: [tsa] policies", tp_conf_path(file));
}

static enum tp_rc read_all(struct tp_conf *file, struct tp_error *error, struct tp_engine_conf *conf)
{
    TP_TRY(required(file, "name", error, &conf->name));
    TP_TRY(required(file, "hsm", error, &conf->hsm));
    conf->socket = tp_conf_string(file, "", "socket");
    conf->socket_open = tp_conf_boolean(file, "", "socket_open");
    conf->store = tp_conf_string(file, "", "store");
    conf->audit_key = tp_conf_string(file, "", "audit_key");
    conf->workers = workers(file);
    conf->login_workers = (unsigned)tp_conf_integer(file, "", "login_workers");
    conf->cached_keys = (size_t)tp_conf_integer(file, "", "cached_keys");
    conf->idle_ms = tp_conf_integer(file, "", "idle");
    conf->authorisations_most = (unsigned)tp_conf_integer(file, "", "authorisations");
    conf->checkpoint_entries = (unsigned)tp_conf_integer(file, "audit", "checkpoint_entries");
    conf->checkpoint_ms = tp_conf_integer(file, "audit", "checkpoint_every");
    conf->login_ms = tp_conf_integer(file, "login", "for");
    conf->shared_login_ms = tp_conf_integer(file, "login", "shared_for");
    conf->approval = tp_conf_boolean(file, "login", "approval");
    TP_TRY(read_pin(file, error, conf));
    TP_TRY(read_otp(file, error, conf));
    read_owner(file, conf);
    read_policy(file, &conf->policy);
    return read_authority(file, error, &conf->authority);
}

enum tp_rc tp_engine_conf_read(const char *path, struct tp_error *error, struct tp_engine_conf *ret_conf)
{
    struct tp_conf *file TP_AUTO(tp_conf_free_p) = NULL;
    struct tp_engine_conf conf = {0};
    TP_TRY(tp_conf_read(path, schema, true, error, &file));
    TP_TRY(read_all(file, error, &conf));
    conf.file = file;
    file = NULL;
    *ret_conf = conf;
    return TP_OK;
}

void tp_engine_conf_clear(struct tp_engine_conf *conf)
{
    tp_conf_free(conf->file);
    memset(conf, 0, sizeof *conf);
}
