/* SPDX-License-Identifier: Apache-2.0
 *
 * What an authority promises, checked before it promises it to anybody.
 */
#include "base/conf.h"
#include "base/der.h"
#include "pki/certificate.h"
#include "tsa/reply.h"

#include <stdio.h>

static enum tp_rc policy_check(const char *policy, struct tp_error *error)
{
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (tp_der_put_oid(&der, policy) == TP_OK)
        return TP_OK;
    return tp_error_set(error, TP_CONFIG, "the policy \"%s\" is no object identifier, such as 1.2.392.200000.1", policy);
}

enum tp_rc tp_tsa_profile_policies(struct tp_tsa_profile *profile, const char *list, struct tp_error *error)
{
    char policy[TP_PKI_OID_MAX];
    for (size_t i = 0; tp_conf_list_item(list, i, policy, sizeof policy); i++) {
        if (profile->policies_len == TP_TSA_POLICIES)
            return tp_error_set(error, TP_CONFIG, "more than %d policies", TP_TSA_POLICIES);
        TP_TRY(policy_check(policy, error));
        (void)snprintf(profile->policies[profile->policies_len++], TP_PKI_OID_MAX, "%s", policy);
    }
    if (profile->policies_len > 0)
        return TP_OK;
    return tp_error_set(error, TP_CONFIG, "no policy: each timestamp is given under one (RFC 3161 §2.4.2)");
}

/* Ed25519 has no hash of its own to go by: RFC 8419 §2.3 takes SHA-512. */
static enum tp_rc choose_hash(struct tp_tsa_profile *profile, struct tp_error *error)
{
    if (profile->hash == TP_PKI_HASH_NONE)
        profile->hash = tp_pki_signer_hash(profile->signer);
    if (profile->hash == TP_PKI_HASH_NONE)
        profile->hash = TP_PKI_SHA512;
    if (profile->hash != TP_PKI_SHA1 && profile->hash != TP_PKI_MD5)
        return TP_OK;
    return tp_error_set(error, TP_CONFIG, "timestamps are not signed with %s, which can be forged", tp_pki_hash_name(profile->hash));
}

/* One that is not valid yet may be soon, or the clock has not been set yet: tp_tsa_decide looks again. */
static enum tp_rc validity(struct tp_tsa_profile *profile, const struct tp_pki_certificate *certificate, int64_t now_ms,
                           struct tp_error *error)
{
    profile->not_before_ms = certificate->not_before_ms;
    profile->not_after_ms = certificate->not_after_ms;
    if (now_ms <= certificate->not_after_ms)
        return TP_OK;
    return tp_error_set(error, TP_CONFIG, "the certificate of %s has expired; have a new one issued", certificate->subject);
}

enum tp_rc tp_tsa_profile_check(struct tp_tsa_profile *profile, int64_t now_ms, struct tp_error *error)
{
    struct tp_pki_certificate certificate TP_AUTO(tp_pki_certificate_clear) = {0};
    const struct tp_bytes der = tp_pki_signer_certificate(profile->signer, 0);
    if (profile->policies_len == 0)
        return tp_error_set(error, TP_CONFIG, "no policy: each timestamp is given under one (RFC 3161 §2.4.2)");
    if (der.len == 0)
        return tp_error_set(error, TP_CONFIG, "the key has no certificate: have one issued for timestamping");
    TP_TRY(tp_pki_certificate_parse(der, error, &certificate));
    TP_TRY(tp_pki_timestamp_certificate_check(der, error));
    TP_TRY(validity(profile, &certificate, now_ms, error));
    return choose_hash(profile, error);
}
