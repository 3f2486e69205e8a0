/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

HSM_SUITE(hsm_token);

static enum tp_rc try_open(const char *uri, struct tp_error *error)
{
    struct tp_hsm *hsm = NULL;
    struct tp_hsm_config config = {.uri = uri, .sessions = 2, .cached_keys = 4};
    enum tp_rc rc = tp_hsm_open(&config, error, &hsm);
    cr_assert_eq(hsm != NULL, rc == TP_OK);
    tp_hsm_close(hsm);
    return rc;
}

static void refuses(const char *uri, enum tp_rc expected, const char *word)
{
    struct tp_error error = {0};
    enum tp_rc rc = try_open(uri, &error);
    cr_expect_eq(rc, expected, "%s: %s, %s", uri, tp_rc_name(rc), tp_error_words(&error));
    cr_expect_not_null(strstr(tp_error_words(&error), word), "%s: no \"%s\" in: %s", uri, word, tp_error_words(&error));
}

Test(hsm_token, opens_and_tells_what_it_is)
{
    struct tp_hsm *hsm = open_hsm(fx.uri, 3, 4);
    struct tp_hsm_info info;
    tp_hsm_info(hsm, &info);
    cr_expect_str_eq(info.token, "test");
    cr_expect_str_eq(info.manufacturer, "SoftHSM project");
    cr_expect_str_eq(info.module, "/usr/lib/softhsm/libsofthsm2.so");
    cr_expect_eq(strlen(info.serial), 16);
    cr_expect(info.present);
    cr_expect_eq(info.sessions_free, 3);
    cr_expect_eq(info.stuck, 0);
    cr_expect_eq(info.losses, 0);
    tp_hsm_close(hsm);
}

Test(hsm_token, opens_again_after_a_close)
{
    tp_hsm_close(open_hsm(fx.uri, 1, 1));
    tp_hsm_close(open_hsm(fx.uri, 1, 1));
}

Test(hsm_token, refuses_uris_that_lack_or_leak_something)
{
    const struct {
        const char *uri, *word;
    } bad[] = {
        {"pkcs11:token=test?module-path=/m.so&pin-value=1234", "pin-source=file:"},
        {"pkcs11:token=test?module-path=/m.so&pin-value=1234&pin-source=file:/p", "pin-value"},
        {"pkcs11:token=test?pin-source=file:/p", "module-path"},
        {"pkcs11:token=test?module-path=m.so&pin-source=file:/p", "absolute"},
        {"pkcs11:token=test?module-path=/m.so", "pin-source"},
        {"pkcs11:token=test?module-path=/m.so&pin-source=%7C/bin/pin", "pin-source"},
        {"pkcs11:token=test?module-path=/m.so&pin-source=pin", "pin-source"},
        {"pkcs11:token=test?module-path=/m.so&pin-source=file:pin", "pin-source"},
        {"pkcs11:?module-path=/m.so&pin-source=file:/p", "names no token"},
        {"pkcs11:toke=test?module-path=/m.so&pin-source=file:/p", "not known"},
        {"https://hsm", "not a PKCS#11 URI"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refuses(bad[i].uri, TP_CONFIG, bad[i].word);
}

Test(hsm_token, never_repeats_a_pin_value)
{
    struct tp_error error = {0};
    cr_assert_eq(try_open("pkcs11:token=test?module-path=/m.so&pin-value=8642&pin-source=file:/p", &error), TP_CONFIG);
    cr_expect_null(strstr(tp_error_words(&error), "8642"));
}

Test(hsm_token, refuses_a_library_that_is_not_there_or_none)
{
    char uri[512];
    snprintf(uri, sizeof(uri), "pkcs11:token=test?module-path=/nowhere/x.so&pin-source=file:%s", fx.pin_file);
    refuses(uri, TP_CONFIG,
            "library /nowhere/x.so: cannot open shared object file: No such file or directory; see module-path");
    snprintf(uri, sizeof(uri), "pkcs11:token=test?module-path=%s&pin-source=file:%s", fx.pin_file, fx.pin_file);
    refuses(uri, TP_CONFIG, "PKCS#11 library");
}

Test(hsm_token, reads_a_pin_file_with_and_without_newline)
{
    struct tp_error error = {0};
    fixture_write(fx.pin_file, FIXTURE_PIN, 0400);
    cr_expect_eq(try_open(fx.uri, &error), TP_OK, "%s", tp_error_words(&error));
    chmod(fx.pin_file, 0600);
    fixture_write(fx.pin_file, FIXTURE_PIN "\n", 0600);
    cr_expect_eq(try_open(fx.uri, &error), TP_OK, "%s", tp_error_words(&error));
}

Test(hsm_token, refuses_pin_files_that_others_may_read)
{
    const unsigned modes[] = {0640, 0604, 0660, 0610};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        chmod(fx.pin_file, modes[i]);
        refuses(fx.uri, TP_CONFIG, "chmod 600");
    }
}

Test(hsm_token, refuses_pin_files_that_hold_no_pin)
{
    char text[400];
    fixture_write(fx.pin_file, "", 0600);
    refuses(fx.uri, TP_CONFIG, "empty");
    fixture_write(fx.pin_file, "\n", 0600);
    refuses(fx.uri, TP_CONFIG, "empty");
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    fixture_write(fx.pin_file, text, 0600);
    refuses(fx.uri, TP_CONFIG, "too long");
    remove(fx.pin_file);
    refuses(fx.uri, TP_CONFIG, "cannot open");
    mkdir(fx.pin_file, 0700);
    refuses(fx.uri, TP_CONFIG, "regular file");
}

Test(hsm_token, tells_a_wrong_pin_from_everything_else)
{
    struct tp_error error = {0};
    fixture_write(fx.pin_file, "wrong-horse\n", 0600);
    cr_expect_eq(try_open(fx.uri, &error), TP_HSM_PIN);
    cr_expect_null(strstr(tp_error_words(&error), "wrong-horse"), "the PIN is in the words");
    cr_expect_not_null(strstr(tp_error_words(&error), "CKR_PIN_INCORRECT"));
}

static void with_token(char *ret_uri, size_t len, const char *attributes)
{
    snprintf(ret_uri, len, "pkcs11:%s?%s", attributes, strchr(fx.uri, '?') + 1);
}

Test(hsm_token, does_not_find_what_is_not_there)
{
    char uri[512];
    with_token(uri, sizeof(uri), "token=other");
    refuses(uri, TP_HSM_ABSENT, "no token other");
    fixture_empty();
    refuses(fx.uri, TP_HSM_ABSENT, "no token test");
}

Test(hsm_token, knows_a_token_by_its_serial_number)
{
    char uri[512], attributes[64];
    struct tp_hsm *hsm = open_hsm(fx.uri, 1, 1);
    struct tp_hsm_info info;
    tp_hsm_info(hsm, &info);
    tp_hsm_close(hsm);
    snprintf(attributes, sizeof(attributes), "serial=%s", info.serial);
    with_token(uri, sizeof(uri), attributes);
    tp_hsm_close(open_hsm(uri, 1, 1));
    with_token(uri, sizeof(uri), "token=test;serial=0000000000000000");
    refuses(uri, TP_HSM_SWAPPED, "another serial number");
}

Test(hsm_token, refuses_to_choose_between_two_tokens)
{
    fixture_add_token("second");
    tp_hsm_close(open_hsm(fx.uri, 1, 1));
    fixture_add_token("test");
    refuses(fx.uri, TP_CONFIG, "serial=");
}

Test(hsm_token, refuses_a_pool_without_sessions)
{
    struct tp_error error = {0};
    struct tp_hsm *hsm = NULL;
    struct tp_hsm_config none = {.uri = fx.uri, .sessions = 0},
                         negative = {.uri = fx.uri, .sessions = 1, .stuck_ms = -1};
    cr_expect_eq(tp_hsm_open(&none, &error, &hsm), TP_CONFIG);
    cr_expect_eq(tp_hsm_open(&negative, &error, &hsm), TP_CONFIG);
    cr_expect_null(hsm);
}
