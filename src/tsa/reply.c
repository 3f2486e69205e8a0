/* SPDX-License-Identifier: Apache-2.0 */
#include "tsa/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define US_PER_MS 1000

/* What imprints are made with. SHA-1 and MD5 collide: two documents could share one token. */
static bool is_accepted(enum tp_pki_hash hash)
{
    return hash != TP_PKI_HASH_NONE && hash != TP_PKI_SHA1 && hash != TP_PKI_MD5;
}

static void reject(struct tp_tsa_outcome *outcome, int failure, const char *format, ...) TP_PRINTF(3, 4);
static void reject(struct tp_tsa_outcome *outcome, int failure, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    outcome->granted = false;
    outcome->failure = failure;
    (void)vsnprintf(outcome->why, sizeof outcome->why, format, arguments);
    va_end(arguments);
}

/* NULL: not one of ours. */
static const char *policy_of(const struct tp_tsa_profile *profile, const char *asked)
{
    if (asked[0] == '\0')
        return profile->policies[0];
    for (size_t i = 0; i < profile->policies_len; i++)
        if (strcmp(profile->policies[i], asked) == 0)
            return profile->policies[i];
    return NULL;
}

static void grant(const struct tp_tsa_profile *profile, const struct tp_pki_timestamp_request *request, const char *policy,
                  const struct tp_tsa_moment *moment, struct tp_tsa_outcome *outcome)
{
    struct tp_pki_timestamp_info *info = &outcome->info;
    outcome->granted = true;
    outcome->failure = -1;
    outcome->certificates = request->cert_req;
    info->hash = request->hash;
    info->imprint_len = request->imprint_len;
    info->imprint_bare = request->imprint_bare;
    memcpy(info->imprint, request->imprint, sizeof info->imprint);
    memcpy(info->policy, policy, strlen(policy) + 1);
    info->serial_len = moment->serial_len;
    memcpy(info->serial, moment->serial, sizeof info->serial);
    info->time_us = moment->time_us;
    info->accuracy_us = profile->accuracy_us;
    info->ordering = profile->ordering;
    info->nonce_len = request->nonce_len;
    memcpy(info->nonce, request->nonce, sizeof info->nonce);
}

/* In the order in which a client can do something about it. */
void tp_tsa_decide(const struct tp_tsa_profile *profile, struct tp_bytes der, const struct tp_tsa_moment *moment,
                   struct tp_tsa_outcome *ret_outcome)
{
    struct tp_error error = {0};
    struct tp_pki_timestamp_request request;
    int failure = TP_PKI_SYSTEM_FAILURE;
    memset(ret_outcome, 0, sizeof *ret_outcome);
    if (tp_pki_timestamp_request_parse(der, &error, &request, &failure) != TP_OK) {
        reject(ret_outcome, failure, "%s", tp_error_words(&error));
        tp_error_clear(&error);
        return;
    }
    const char *policy = policy_of(profile, request.policy);
    const int64_t time_ms = moment->time_us / US_PER_MS;
    if (!is_accepted(request.hash))
        reject(ret_outcome, TP_PKI_BAD_ALG, "the imprint is by %s; use SHA-2 or SHA-3",
               request.hash == TP_PKI_HASH_NONE ? "an algorithm that is not known" : tp_pki_hash_name(request.hash));
    else if (request.has_extensions)
        reject(ret_outcome, TP_PKI_UNACCEPTED_EXTENSION, "no extension is known here");
    else if (policy == NULL)
        reject(ret_outcome, TP_PKI_UNACCEPTED_POLICY, "no timestamps are given under policy %s", request.policy);
    else if (moment->no_time != NULL)
        reject(ret_outcome, TP_PKI_TIME_NOT_AVAILABLE, "%s", moment->no_time);
    else if (time_ms < profile->not_before_ms || time_ms > profile->not_after_ms)
        reject(ret_outcome, TP_PKI_SYSTEM_FAILURE, "the authority's certificate is not valid now");
    else
        grant(profile, &request, policy, moment, ret_outcome);
}

enum tp_rc tp_tsa_answer(const struct tp_tsa_profile *profile, const struct tp_tsa_outcome *outcome, struct tp_error *error,
                         struct tp_buf *ret_response)
{
    if (outcome->granted)
        return tp_pki_timestamp_grant(&outcome->info, profile->signer, profile->hash, outcome->certificates, error, ret_response);
    return tp_pki_timestamp_reject(outcome->failure, outcome->why, ret_response);
}
