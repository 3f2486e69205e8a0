/* SPDX-License-Identifier: Apache-2.0 */
#include "tsa/reply.h"

#include "../pki/forge.h"
#include "base/clock.h"
#include "tsa/serial.h"

#include <criterion/criterion.h>
#include <string.h>

#define POLICY "1.2.3.4"
#define OTHER  "1.2.3.5"

static EVP_PKEY *key, *ca_key;
static struct tp_pki_signer *signer;
static struct tp_tsa_profile profile;
static struct tp_tsa_moment moment;

static struct tp_pki_signer *signer_make(const char *type, const char *usage)
{
    struct forge_certificate plan = {.subject = "tsa", .issuer = "ca", .serial = "7", .issuer_key = ca_key,
                                     .key_usage = "critical,digitalSignature"};
    struct tp_pki_signer *made = NULL;
    key = plan.key = forge_key(type);
    if (usage != NULL)
        plan.extensions[0] = (struct forge_extension){"extendedKeyUsage", usage};
    struct tp_buf certificate = forge_certificate(&plan), spki = forge_spki(key);
    const struct tp_bytes chain[] = {tp_buf_bytes(&certificate)};
    cr_assert_eq(tp_pki_signer_new(tp_buf_bytes(&spki), chain, 1, &forge_true, key, NULL, &made), TP_OK);
    tp_buf_clear(&certificate), tp_buf_clear(&spki);
    return made;
}

static void setup(void)
{
    struct tp_error error = {0};
    ca_key = forge_key("P-256");
    signer = signer_make("P-256", "critical,timeStamping");
    profile = (struct tp_tsa_profile){.signer = signer, .accuracy_us = 1000000};
    cr_assert_eq(tp_tsa_profile_policies(&profile, POLICY ", " OTHER, &error), TP_OK);
    cr_assert_eq(tp_tsa_profile_check(&profile, tp_clock_utc_ms(), &error), TP_OK, "%s", tp_error_words(&error));
    moment = (struct tp_tsa_moment){.time_us = tp_clock_utc_ms() * 1000 + 7, .serial = {0x42, 1}, .serial_len = 2};
}

static void teardown(void)
{
    tp_pki_signer_free(signer);
    EVP_PKEY_free(ca_key);
}

TestSuite(reply, .init = setup, .fini = teardown);

static struct tp_pki_timestamp_request request_of(enum tp_pki_hash hash)
{
    struct tp_pki_timestamp_request request = {.hash = hash, .imprint_len = tp_pki_hash_len(hash), .cert_req = true};
    memset(request.imprint, 0x5a, request.imprint_len);
    return request;
}

static void decide(const struct tp_pki_timestamp_request *request, struct tp_tsa_outcome *ret_outcome)
{
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_eq(tp_pki_timestamp_request_make(request, &der), TP_OK);
    tp_tsa_decide(&profile, tp_buf_bytes(&der), &moment, ret_outcome);
}

static void rejects(const struct tp_pki_timestamp_request *request, int failure, const char *word)
{
    struct tp_tsa_outcome outcome;
    decide(request, &outcome);
    cr_expect_not(outcome.granted);
    cr_expect_eq(outcome.failure, failure, "%d: %s", outcome.failure, outcome.why);
    cr_expect(strstr(outcome.why, word) != NULL, "%s", outcome.why);
    struct tp_buf response TP_AUTO(tp_buf_clear) = TP_BUF_INIT, token TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error error = {0};
    cr_assert_eq(tp_tsa_answer(&profile, &outcome, &error, &response), TP_OK);
    cr_expect_eq(tp_pki_timestamp_response_token(tp_buf_bytes(&response), &error, &token), TP_REFUSED);
    cr_expect(strstr(tp_error_words(&error), tp_pki_timestamp_failure_name(failure)) != NULL, "%s", tp_error_words(&error));
    cr_expect_eq(token.len, 0);
}

static struct tp_pki_timestamp *grants(const struct tp_pki_timestamp_request *request)
{
    struct tp_tsa_outcome outcome;
    struct tp_pki_timestamp *timestamp = NULL;
    struct tp_error error = {0};
    struct tp_buf response TP_AUTO(tp_buf_clear) = TP_BUF_INIT, token TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    decide(request, &outcome);
    cr_assert(outcome.granted, "%s", outcome.why);
    cr_assert_eq(outcome.failure, -1);
    cr_assert_eq(tp_tsa_answer(&profile, &outcome, &error, &response), TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(tp_pki_timestamp_response_token(tp_buf_bytes(&response), &error, &token), TP_OK);
    cr_assert_eq(tp_pki_timestamp_parse(tp_buf_bytes(&token), &error, &timestamp), TP_OK, "%s", tp_error_words(&error));
    return timestamp;
}

Test(reply, grants_what_is_asked)
{
    struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA384);
    struct tp_error error = {0};
    struct tp_bytes certificate;
    strcpy(request.policy, OTHER);
    request.nonce[0] = 0x11;
    request.nonce_len = 1;
    struct tp_pki_timestamp *timestamp = grants(&request);
    const struct tp_pki_timestamp_info *info = tp_pki_timestamp_info(timestamp);
    cr_expect_str_eq(info->policy, OTHER);
    cr_expect_eq(info->hash, TP_PKI_SHA384);
    cr_expect_arr_eq(info->imprint, request.imprint, request.imprint_len);
    cr_expect_eq(info->time_us, moment.time_us);
    cr_expect_eq(info->accuracy_us, 1000000);
    cr_expect_not(info->ordering);
    cr_expect_eq(info->nonce_len, 1);
    cr_expect_arr_eq(info->serial, moment.serial, 2);
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, &error, &certificate), TP_OK, "%s", tp_error_words(&error));
    tp_pki_timestamp_free(timestamp);
}

Test(reply, certificates_and_ordering_as_they_should)
{
    struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA256);
    struct tp_bytes certificate;
    request.cert_req = false;
    profile.ordering = true;
    struct tp_pki_timestamp *timestamp = grants(&request);
    cr_expect(tp_pki_timestamp_info(timestamp)->ordering);
    cr_expect_str_eq(tp_pki_timestamp_info(timestamp)->policy, POLICY);
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, NULL, &certificate), TP_NOT_FOUND);
    cr_expect_eq(tp_pki_timestamp_verify(timestamp, tp_pki_signer_certificate(signer, 0), NULL, &certificate), TP_OK);
    tp_pki_timestamp_free(timestamp);
}

Test(reply, takes_sha_2_and_sha_3_alone)
{
    for (enum tp_pki_hash hash = TP_PKI_HASH_NONE + 1; hash < TP_PKI_HASH_END; hash++) {
        const struct tp_pki_timestamp_request request = request_of(hash);
        if (hash == TP_PKI_MD5 || hash == TP_PKI_SHA1)
            rejects(&request, TP_PKI_BAD_ALG, tp_pki_hash_name(hash));
        else
            tp_pki_timestamp_free(grants(&request));
    }
}

Test(reply, refuses_a_policy_of_others)
{
    struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA256);
    strcpy(request.policy, "1.2.3.6");
    rejects(&request, TP_PKI_UNACCEPTED_POLICY, "1.2.3.6");
}

Test(reply, refuses_without_a_time)
{
    const struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA256);
    moment.no_time = "the clock has stopped";
    rejects(&request, TP_PKI_TIME_NOT_AVAILABLE, "the clock has stopped");
}

Test(reply, refuses_beside_the_certificates_validity)
{
    const struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA256);
    moment.time_us = (profile.not_after_ms + 1) * 1000;
    rejects(&request, TP_PKI_SYSTEM_FAILURE, "not valid");
    moment.time_us = profile.not_before_ms * 1000 - 1000;
    rejects(&request, TP_PKI_SYSTEM_FAILURE, "not valid");
}

Test(reply, refuses_garbage_at_every_length)
{
    const struct tp_pki_timestamp_request request = request_of(TP_PKI_SHA256);
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_eq(tp_pki_timestamp_request_make(&request, &der), TP_OK);
    for (size_t len = 0; len < der.len; len++) {
        struct tp_tsa_outcome outcome;
        tp_tsa_decide(&profile, TP_BYTES(der.data, len), &moment, &outcome);
        cr_expect_not(outcome.granted);
        cr_expect_eq(outcome.failure, TP_PKI_BAD_DATA_FORMAT);
    }
}

/* ---- the profile ---- */

Test(reply, policies_are_object_identifiers)
{
    static const char *const bad[] = {"", " , ", "1.2.x", "1", "9.9.9", "1.2.3.4, two"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tp_tsa_profile other = {.signer = signer};
        cr_expect_eq(tp_tsa_profile_policies(&other, bad[i], NULL), TP_CONFIG, "\"%s\"", bad[i]);
    }
    struct tp_tsa_profile none = {.signer = signer};
    cr_expect_eq(tp_tsa_profile_check(&none, tp_clock_utc_ms(), NULL), TP_CONFIG);
}

Test(reply, the_certificate_is_for_timestamps_alone)
{
    static const char *const usages[] = {NULL, "timeStamping", "critical,timeStamping,emailProtection", "critical,clientAuth"};
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++) {
        struct tp_error error = {0};
        struct tp_tsa_profile other = profile;
        struct tp_pki_signer *unfit = signer_make("P-256", usages[i]);
        other.signer = unfit;
        cr_expect_eq(tp_tsa_profile_check(&other, tp_clock_utc_ms(), &error), TP_CONFIG, "%s", usages[i]);
        cr_expect(strstr(tp_error_words(&error), "timestamps alone") != NULL);
        tp_pki_signer_free(unfit);
    }
}

Test(reply, the_certificate_holds_and_the_hash_is_good)
{
    struct tp_error error = {0};
    struct tp_tsa_profile other = profile;
    cr_expect_eq(tp_tsa_profile_check(&other, profile.not_after_ms + 1, &error), TP_CONFIG);
    cr_expect(strstr(tp_error_words(&error), "expired") != NULL);
    cr_expect_eq(tp_tsa_profile_check(&other, profile.not_before_ms - 1, &error), TP_OK); /* it may be soon */
    other.hash = TP_PKI_SHA1;
    cr_expect_eq(tp_tsa_profile_check(&other, tp_clock_utc_ms(), &error), TP_CONFIG);
    cr_expect_eq(profile.hash, TP_PKI_SHA256); /* what fits P-256 */
}

/* ---- serial numbers ---- */

Test(serials, never_come_twice)
{
    struct tp_tsa_serials series[2];
    uint8_t seen[2][3][TP_TSA_SERIAL_LEN];
    for (int s = 0; s < 2; s++) {
        cr_assert_eq(tp_tsa_serials_begin(&series[s]), TP_OK);
        for (int i = 0; i < 3; i++) {
            tp_tsa_serials_next(&series[s], seen[s][i]);
            cr_expect_eq(seen[s][i][0] & 0xc0, 0x40); /* positive, and always as long */
        }
        cr_expect_arr_neq(seen[s][0], seen[s][1], TP_TSA_SERIAL_LEN);
        cr_expect_arr_eq(seen[s][0], seen[s][1], TP_TSA_SERIAL_LEN - 6);
    }
    cr_expect_arr_neq(seen[0][0], seen[1][0], TP_TSA_SERIAL_LEN - 6);
}
