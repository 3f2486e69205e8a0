/* SPDX-License-Identifier: Apache-2.0 */
#include "authn/otp.h"

#include <criterion/criterion.h>
#include <string.h>

/* RFC 4226 appendix D and RFC 6238 appendix B: the ASCII string "1234567890" repeated up to the hash's length. */
static const char seeds[] = "1234567890123456789012345678901234567890123456789012345678901234";

#define SEED(len) TP_BYTES(seeds, (len))

static const struct tp_otp_params hotp = {.kind = TP_OTP_HOTP, .algorithm = TP_OTP_SHA1, .digits = 6};
static const struct tp_otp_params totp = {.kind = TP_OTP_TOTP, .algorithm = TP_OTP_SHA1, .digits = 8, .period_s = 30};

static const char *const hotp_codes[] = {"755224", "287082", "359152", "969429", "338314",
                                         "254676", "287922", "162583", "399871", "520489"};

/* The verdict; *RET_FACTOR is -7 where the function leaves it alone. */
static enum tp_otp_verdict check(const struct tp_otp_params *params, size_t seed_len, const char *code, int64_t utc_s,
                                 int64_t last, int64_t *ret_factor)
{
    enum tp_otp_verdict verdict = (enum tp_otp_verdict)99;
    *ret_factor = -7;
    cr_assert_eq(
        tp_otp_check(params, SEED(seed_len), tp_bytes_of_string(code), utc_s * 1000, last, NULL, &verdict, ret_factor),
        TP_OK);
    cr_assert_eq(*ret_factor != -7, verdict == TP_OTP_RIGHT, "a factor comes with a right code only");
    return verdict;
}

Test(hotp, gives_rfc_4226_appendix_d)
{
    for (int64_t counter = 0; counter < 10; counter++) {
        int64_t factor;
        cr_assert_eq(check(&hotp, 20, hotp_codes[counter], 0, counter - 1, &factor), TP_OTP_RIGHT);
        cr_assert_eq(factor, counter);
    }
}

Test(hotp, takes_codes_in_the_window_ahead_and_none_beyond)
{
    int64_t factor;
    cr_assert_eq(check(&hotp, 20, hotp_codes[9], 0, -1, &factor), TP_OTP_RIGHT);
    cr_assert_eq(factor, 9, "the tenth code ahead");
    for (int64_t counter = 0; counter < 9; counter++)
        cr_assert_eq(check(&hotp, 20, hotp_codes[counter], 0, 8 + 100, &factor), TP_OTP_WRONG);
    static const char eleventh[] = "403154"; /* oathtool -c 10 3132…3930 */
    cr_assert_eq(check(&hotp, 20, eleventh, 0, -1, &factor), TP_OTP_WRONG);
    cr_assert_eq(check(&hotp, 20, eleventh, 0, 0, &factor), TP_OTP_RIGHT);
}

Test(hotp, knows_the_last_code_again_and_never_takes_it_twice)
{
    int64_t factor;
    cr_assert_eq(check(&hotp, 20, hotp_codes[4], 0, 3, &factor), TP_OTP_RIGHT);
    cr_assert_eq(check(&hotp, 20, hotp_codes[4], 0, 4, &factor), TP_OTP_USED);
    cr_assert_eq(check(&hotp, 20, hotp_codes[3], 0, 4, &factor), TP_OTP_WRONG, "one before the last");
}

static const struct {
    int64_t utc_s;
    const char *sha1, *sha256, *sha512;
} rfc_6238[] = {
    {59, "94287082", "46119246", "90693936"},         {1111111109, "07081804", "68084774", "25091201"},
    {1111111111, "14050471", "67062674", "99943326"}, {1234567890, "89005924", "91819424", "93441116"},
    {2000000000, "69279037", "90698825", "38618901"}, {20000000000, "65353130", "77737706", "47863826"},
};

Test(totp, gives_rfc_6238_appendix_b)
{
    for (size_t i = 0; i < sizeof rfc_6238 / sizeof rfc_6238[0]; i++) {
        struct tp_otp_params params = totp;
        const int64_t utc_s = rfc_6238[i].utc_s;
        int64_t factor;
        cr_assert_eq(check(&params, 20, rfc_6238[i].sha1, utc_s, -1, &factor), TP_OTP_RIGHT);
        cr_assert_eq(factor, utc_s / 30);
        params.algorithm = TP_OTP_SHA256;
        cr_assert_eq(check(&params, 32, rfc_6238[i].sha256, utc_s, -1, &factor), TP_OTP_RIGHT);
        cr_assert_eq(check(&params, 32, rfc_6238[i].sha1, utc_s, -1, &factor), TP_OTP_WRONG);
        params.algorithm = TP_OTP_SHA512;
        cr_assert_eq(check(&params, 64, rfc_6238[i].sha512, utc_s, -1, &factor), TP_OTP_RIGHT);
        cr_assert_eq(check(&params, 64, rfc_6238[i].sha256, utc_s, -1, &factor), TP_OTP_WRONG);
    }
}

/* Of RFC 6238's vectors 1111111109 and 1111111111 are in neighbouring steps: 37037036 and 37037037. */
#define STEP_A INT64_C(37037036)
#define CODE_A "07081804"
#define STEP_B INT64_C(37037037)
#define CODE_B "14050471"

Test(totp, takes_one_step_before_and_after_and_no_more)
{
    int64_t factor;
    for (int64_t now = STEP_A - 3; now <= STEP_A + 3; now++) {
        const bool near = now >= STEP_A - 1 && now <= STEP_A + 1;
        cr_assert_eq(check(&totp, 20, CODE_A, now * 30, -1, &factor), near ? TP_OTP_RIGHT : TP_OTP_WRONG);
        cr_assert_eq(check(&totp, 20, CODE_A, now * 30 + 29, -1, &factor), near ? TP_OTP_RIGHT : TP_OTP_WRONG);
        cr_assert_eq(factor, near ? STEP_A : -7);
    }
}

Test(totp, takes_no_code_at_or_below_the_last_one)
{
    int64_t factor;
    cr_assert_eq(check(&totp, 20, CODE_A, STEP_B * 30, STEP_A - 1, &factor), TP_OTP_RIGHT);
    cr_assert_eq(check(&totp, 20, CODE_A, STEP_B * 30, STEP_A, &factor), TP_OTP_USED, "the same again");
    cr_assert_eq(check(&totp, 20, CODE_A, STEP_B * 30, STEP_B, &factor), TP_OTP_USED,
                 "an earlier one, still in the window");
    cr_assert_eq(check(&totp, 20, CODE_B, STEP_B * 30, STEP_A, &factor), TP_OTP_RIGHT, "the next one");
}

/* A program that has kept PIN and code for hours is not guessing. */
Test(totp, knows_the_last_code_again_long_after_its_time)
{
    int64_t factor;
    cr_assert_eq(check(&totp, 20, CODE_A, (STEP_A + 960) * 30, STEP_A, &factor), TP_OTP_USED);
    cr_assert_eq(check(&totp, 20, CODE_A, (STEP_A + 960) * 30, STEP_A + 5, &factor), TP_OTP_WRONG);
}

Test(totp, at_the_beginning_of_time_works)
{
    int64_t factor;
    struct tp_otp_params params = totp;
    params.digits = 6;
    cr_assert_eq(check(&params, 20, hotp_codes[0], 0, -1, &factor), TP_OTP_RIGHT);
    cr_assert_eq(check(&params, 20, hotp_codes[1], 0, -1, &factor), TP_OTP_RIGHT);
    cr_assert_eq(check(&params, 20, hotp_codes[2], 0, -1, &factor), TP_OTP_WRONG);
}

Test(otp, that_is_cut_extended_or_changed_is_wrong)
{
    static const char *const codes[] = {"", "7", "75522", "7552244", " 755224", "755225", "855224", "75522x"};
    int64_t factor;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        cr_assert_eq(check(&hotp, 20, codes[i], 0, -1, &factor), TP_OTP_WRONG, "%s", codes[i]);
    cr_assert_eq(check(&hotp, 20, "755224", 0, -1, &factor), TP_OTP_RIGHT);
}

Test(otp, with_parameters_that_are_not_supported_is_refused)
{
    static const struct {
        struct tp_otp_params params;
        enum tp_rc rc;
    } rows[] = {
        {{TP_OTP_TOTP, TP_OTP_SHA1, 6, 30}, TP_OK},
        {{TP_OTP_TOTP, TP_OTP_SHA512, 8, 15}, TP_OK},
        {{TP_OTP_TOTP, TP_OTP_SHA256, 7, 300}, TP_OK},
        {{TP_OTP_HOTP, TP_OTP_SHA1, 8, 0}, TP_OK},
        {{TP_OTP_HOTP, TP_OTP_SHA256, 6, 0}, TP_UNSUPPORTED},
        {{TP_OTP_HOTP, TP_OTP_SHA512, 6, 0}, TP_UNSUPPORTED},
        {{(enum tp_otp_kind)0, TP_OTP_SHA1, 6, 30}, TP_UNSUPPORTED},
        {{(enum tp_otp_kind)3, TP_OTP_SHA1, 6, 30}, TP_UNSUPPORTED},
        {{TP_OTP_TOTP, (enum tp_otp_algorithm)0, 6, 30}, TP_UNSUPPORTED},
        {{TP_OTP_TOTP, (enum tp_otp_algorithm)4, 6, 30}, TP_UNSUPPORTED},
        {{TP_OTP_TOTP, TP_OTP_SHA1, 5, 30}, TP_BAD_ARGUMENT},
        {{TP_OTP_TOTP, TP_OTP_SHA1, 9, 30}, TP_BAD_ARGUMENT},
        {{TP_OTP_TOTP, TP_OTP_SHA1, 6, 14}, TP_BAD_ARGUMENT},
        {{TP_OTP_TOTP, TP_OTP_SHA1, 6, 301}, TP_BAD_ARGUMENT},
        {{TP_OTP_TOTP, TP_OTP_SHA1, 6, 0}, TP_BAD_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum tp_otp_verdict verdict;
        int64_t factor;
        cr_assert_eq(tp_otp_params_check(&rows[i].params, NULL), rows[i].rc, "row %zu", i);
        cr_assert_eq(
            tp_otp_check(&rows[i].params, SEED(20), tp_bytes_of_string("123456"), 0, -1, NULL, &verdict, &factor),
            rows[i].rc, "row %zu", i);
    }
}

Test(otp, with_a_seed_a_time_or_a_counter_out_of_range_is_refused)
{
    static const struct {
        size_t seed_len;
        int64_t utc_ms, last;
        enum tp_rc rc;
    } rows[] = {
        {16, 0, -1, TP_OK},
        {64, 0, INT64_MAX - 11, TP_OK},
        {15, 0, -1, TP_BAD_ARGUMENT},
        {0, 0, -1, TP_BAD_ARGUMENT},
        {20, -1, -1, TP_BAD_ARGUMENT},
        {20, 0, -2, TP_BAD_ARGUMENT},
        {20, 0, INT64_MAX, TP_BAD_ARGUMENT},
        {20, 0, INT64_MAX - 10, TP_BAD_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum tp_otp_verdict verdict;
        int64_t factor;
        cr_assert_eq(tp_otp_check(&hotp, SEED(rows[i].seed_len), tp_bytes_of_string("123456"), rows[i].utc_ms,
                                  rows[i].last, NULL, &verdict, &factor),
                     rows[i].rc, "row %zu", i);
    }
    static const uint8_t large[65] = {1};
    enum tp_otp_verdict verdict;
    int64_t factor;
    cr_assert_eq(tp_otp_check(&hotp, TP_BYTES(large, 65), tp_bytes_of_string("123456"), 0, -1, NULL, &verdict, &factor),
                 TP_BAD_ARGUMENT);
}

Test(otp, algorithms_have_the_names_of_otpauth_uris)
{
    enum tp_otp_algorithm algorithm = (enum tp_otp_algorithm)0;
    cr_assert_eq(tp_otp_algorithm_parse("SHA256", &algorithm), TP_OK);
    cr_assert_eq(algorithm, TP_OTP_SHA256);
    cr_assert_eq(tp_otp_algorithm_parse("sha1", &algorithm), TP_OK);
    cr_assert_eq(algorithm, TP_OTP_SHA1);
    cr_assert_eq(tp_otp_algorithm_parse("MD5", &algorithm), TP_UNSUPPORTED);
    cr_assert_eq(tp_otp_algorithm_parse("", &algorithm), TP_UNSUPPORTED);
    cr_assert_eq(algorithm, TP_OTP_SHA1, "outputs stay as they were");
    cr_assert_str_eq(tp_otp_algorithm_name(TP_OTP_SHA512), "SHA512");
    cr_assert_str_eq(tp_otp_algorithm_name((enum tp_otp_algorithm)9), "unknown");
}

/* ---- otpauth ---- */

static void uri_is(const struct tp_otp_params *params, const char *issuer, const char *account, uint64_t counter,
                   const char *expected)
{
    struct tp_secret *uri = NULL;
    cr_assert_eq(tp_otp_uri(params, SEED(20), issuer, account, counter, NULL, &uri), TP_OK);
    cr_assert(tp_bytes_equal(tp_secret_bytes(uri), tp_bytes_of_string(expected)), "%.*s", (int)tp_secret_len(uri),
              (const char *)tp_secret_data(uri));
    tp_secret_free(uri);
}

#define BASE32 "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

Test(otp_uri, is_what_authenticator_apps_read)
{
    uri_is(&totp, "Example", "hanako", 0,
           "otpauth://totp/Example:hanako?secret=" BASE32 "&issuer=Example&algorithm=SHA1&digits=8&period=30");
    uri_is(&hotp, "Example", "hanako", UINT64_MAX,
           "otpauth://hotp/Example:hanako?secret=" BASE32
           "&issuer=Example&algorithm=SHA1&digits=6&counter=18446744073709551615");
}

Test(otp_uri, encodes_all_that_has_a_meaning_in_uris)
{
    uri_is(&totp, "A&B: ?#%/", "\xe5\xb1\xb1@example.jp", 0,
           "otpauth://totp/A%26B%3A%20%3F%23%25%2F:%E5%B1%B1%40example.jp?secret=" BASE32
           "&issuer=A%26B%3A%20%3F%23%25%2F&algorithm=SHA1&digits=8&period=30");
}

Test(otp_uri, holds_the_longest_names_and_seed_and_refuses_longer_and_none)
{
    char name[130];
    struct tp_secret *uri = NULL;
    memset(name, '%', sizeof name);
    name[128] = '\0';
    struct tp_otp_params params = totp;
    params.algorithm = TP_OTP_SHA512;
    cr_assert_eq(tp_otp_uri(&params, SEED(64), name, name, UINT64_MAX, NULL, &uri), TP_OK);
    tp_secret_free(uri);
    uri = NULL;
    name[128] = '%';
    name[129] = '\0';
    cr_assert_eq(tp_otp_uri(&params, SEED(20), name, "a", 0, NULL, &uri), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_otp_uri(&params, SEED(20), "a", name, 0, NULL, &uri), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_otp_uri(&params, SEED(20), "", "a", 0, NULL, &uri), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_otp_uri(&params, SEED(20), "a", "", 0, NULL, &uri), TP_BAD_ARGUMENT);
    cr_assert_eq(tp_otp_uri(&params, SEED(15), "a", "a", 0, NULL, &uri), TP_BAD_ARGUMENT);
    params.digits = 5;
    cr_assert_eq(tp_otp_uri(&params, SEED(20), "a", "a", 0, NULL, &uri), TP_BAD_ARGUMENT);
    cr_assert_null(uri);
}
