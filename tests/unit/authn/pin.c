/* SPDX-License-Identifier: Apache-2.0 */
#include "authn/pin.h"

#include <criterion/criterion.h>
#include <string.h>

/* ---- cost ---- */

Test(pin_cost, is_held_between_owasps_floor_and_what_a_server_can_bear)
{
    static const struct {
        struct tp_pin_cost cost;
        enum tp_rc strict, weak;
    } rows[] = {
        {{65536, 3, 1}, TP_OK, TP_OK},
        {{19456, 2, 1}, TP_OK, TP_OK},
        {{1 << 20, 64, 16}, TP_OK, TP_OK},
        {{19455, 2, 1}, TP_CONFIG, TP_OK},
        {{19456, 1, 1}, TP_CONFIG, TP_OK},
        {{8, 1, 1}, TP_CONFIG, TP_OK},
        {{7, 1, 1}, TP_CONFIG, TP_CONFIG},
        {{15, 1, 2}, TP_CONFIG, TP_CONFIG},
        {{65536, 0, 1}, TP_CONFIG, TP_CONFIG},
        {{65536, 3, 0}, TP_CONFIG, TP_CONFIG},
        {{65536, 65, 1}, TP_CONFIG, TP_CONFIG},
        {{65536, 3, 17}, TP_CONFIG, TP_CONFIG},
        {{(1 << 20) + 1, 3, 1}, TP_CONFIG, TP_CONFIG},
        {{65536, 3, UINT32_MAX}, TP_CONFIG, TP_CONFIG}, /* 8 × lanes must not wrap */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(tp_pin_cost_check(&rows[i].cost, false, NULL), rows[i].strict, "row %zu", i);
        cr_assert_eq(tp_pin_cost_check(&rows[i].cost, true, NULL), rows[i].weak, "row %zu", i);
    }
    const struct tp_pin_cost usual = TP_PIN_COST_DEFAULT;
    cr_assert_eq(tp_pin_cost_check(&usual, false, NULL), TP_OK);
}

/* ---- stretching ---- */

static const struct tp_pin_cost small = {.memory_kib = 256, .passes = 2, .lanes = 1};

/* From the reference implementation's command line tool (Debian's package argon2 0~20171227), which for the 8-byte salt
 * "somesalt" prints what its own test suite expects:
 *     printf password | argon2 somesaltsomesalt -id -t 2 -k 256 -p 1 -l 32 -r */
static const uint8_t known[TP_PIN_STRETCHED_LEN] = {
    0xca, 0xb7, 0x46, 0xb4, 0x62, 0x19, 0x93, 0xfd, 0xc9, 0x1e, 0xc5, 0x07, 0x87, 0x98, 0x0b, 0x41,
    0x4a, 0x90, 0xa6, 0x92, 0xf0, 0xbc, 0x68, 0xdf, 0xe1, 0x9f, 0x9c, 0x25, 0xb3, 0xcb, 0xa9, 0xec,
};

static const uint8_t salt[TP_PIN_SALT_LEN + 1] = "somesaltsomesalt";

Test(pin_stretch, gives_the_known_answer)
{
    struct tp_secret *stretched = NULL;
    cr_assert_eq(tp_pin_stretch(tp_bytes_of_string("password"), salt, &small, NULL, &stretched), TP_OK);
    cr_assert_eq(tp_secret_len(stretched), TP_PIN_STRETCHED_LEN);
    cr_assert_arr_eq(tp_secret_bytes(stretched).data, known, sizeof known);
    tp_secret_free(stretched);
}

static bool differs(const char *pin, const char *other_salt, struct tp_pin_cost cost)
{
    struct tp_secret *stretched = NULL;
    cr_assert_eq(tp_pin_stretch(tp_bytes_of_string(pin), (const uint8_t *)other_salt, &cost, NULL, &stretched), TP_OK);
    const bool same = memcmp(tp_secret_bytes(stretched).data, known, sizeof known) == 0;
    tp_secret_free(stretched);
    return !same;
}

Test(pin_stretch, depends_on_pin_salt_and_cost)
{
    cr_assert_not(differs("password", "somesaltsomesalt", small));
    cr_assert(differs("passworD", "somesaltsomesalt", small));
    cr_assert(differs("password", "somesaltsomesalT", small));
    cr_assert(differs("password", "somesaltsomesalt", (struct tp_pin_cost){256, 3, 1}));
    cr_assert(differs("password", "somesaltsomesalt", (struct tp_pin_cost){512, 2, 1}));
    cr_assert(differs("password", "somesaltsomesalt", (struct tp_pin_cost){256, 2, 2}));
}

Test(pin_stretch, refuses_no_pin_a_long_pin_and_an_impossible_cost)
{
    char pin[TP_PIN_MAX + 1];
    memset(pin, 'x', sizeof pin);
    struct tp_secret *stretched = NULL;
    cr_assert_eq(tp_pin_stretch(TP_BYTES_NONE, salt, &small, NULL, &stretched), TP_PIN_LENGTH);
    cr_assert_eq(tp_pin_stretch(TP_BYTES(pin, TP_PIN_MAX + 1), salt, &small, NULL, &stretched), TP_PIN_LENGTH);
    cr_assert_eq(tp_pin_stretch(TP_BYTES(pin, 8), salt, &(struct tp_pin_cost){1, 1, 1}, NULL, &stretched), TP_CONFIG);
    cr_assert_null(stretched);
    cr_assert_eq(tp_pin_stretch(TP_BYTES(pin, TP_PIN_MAX), salt, &small, NULL, &stretched), TP_OK);
    tp_secret_free(stretched);
}

/* ---- PINs that people choose ---- */

static enum tp_rc choose(const char *pin)
{
    return tp_pin_acceptable(tp_bytes_of_string(pin), 6, NULL);
}

Test(pin, that_is_long_enough_and_not_trivial_is_acceptable)
{
    static const char *const pins[] = {
        "correct horse",
        "13572468",
        "abcdeg",
        "abcdef1",
        "aaaaab",
        "123123",
        "543219",
        "\xe6\x9a\x97\xe8\xa8\xbc",           /* two characters, six bytes */
        "\xc3\xa4\xc3\xb6\xc3\xbc",           /* äöü */
        "\xf0\x9f\x94\x91\xf0\x9f\x97\x9d x", /* beyond the BMP */
        "\xf4\x8f\xbf\xbfyz",                 /* U+10FFFF */
    };
    for (size_t i = 0; i < sizeof pins / sizeof pins[0]; i++)
        cr_assert_eq(choose(pins[i]), TP_OK, "%s", pins[i]);
}

Test(pin, that_is_trivial_is_refused)
{
    static const char *const pins[] = {"111111",   "aaaaaaaa", "12345678", "1234567890",
                                       "87654321", "abcdefgh", "fedcba",   "\xc3\xa4\xc3\xa4\xc3\xa4",
                                       "890123",   "210987"};
    for (size_t i = 0; i < sizeof pins / sizeof pins[0]; i++)
        cr_assert_eq(choose(pins[i]), TP_BAD_ARGUMENT, "%s", pins[i]);
}

Test(pin, with_control_characters_or_broken_utf8_is_refused)
{
    static const char *const pins[] = {
        "abc\ndef",
        "abc\x7fxyz",
        "abc\xc2\x85xyz", /* NEL, a C1 control */
        "abcdef\x80",
        "abcdef\xc3",
        "abc\xc3(def",
        "abc\xc0\xafxyz",
        "abc\xe0\x80\xafxyz",
        "abc\xed\xa0\x80xyz",
        "abc\xf4\x90\x80\x80xyz",
        "abc\xf8\x88\x80\x80\x80xyz",
        "abc\xffxyz",
        "abcde\xf0\x9f\x94",
    };
    for (size_t i = 0; i < sizeof pins / sizeof pins[0]; i++)
        cr_assert_eq(choose(pins[i]), TP_BAD_ARGUMENT, "row %zu", i);
    cr_assert_eq(tp_pin_acceptable(TP_BYTES("abc\0def", 7), 6, NULL), TP_BAD_ARGUMENT);
}

Test(pin, outside_of_the_lengths_is_refused)
{
    char pin[TP_PIN_MAX + 1];
    for (size_t i = 0; i < sizeof pin; i++)
        pin[i] = i % 2 ? 'x' : 'a';
    struct tp_error error = {0};
    cr_assert_eq(tp_pin_acceptable(TP_BYTES(pin, TP_PIN_MAX), 6, &error), TP_OK);
    cr_assert_eq(tp_pin_acceptable(TP_BYTES(pin, TP_PIN_MAX + 1), 6, &error), TP_PIN_LENGTH);
    cr_assert_eq(tp_pin_acceptable(TP_BYTES(pin, 6), 6, &error), TP_OK);
    cr_assert_eq(tp_pin_acceptable(TP_BYTES(pin, 5), 6, &error), TP_PIN_LENGTH);
    cr_assert_null(strstr(tp_error_words(&error), "axaxa"), "never the PIN itself");
    cr_assert_eq(tp_pin_acceptable(TP_BYTES_NONE, 0, &error), TP_PIN_LENGTH);
}

/* ---- PIN ‖ code ---- */

Test(pin_split, cuts_the_code_off_the_end)
{
    static const struct {
        const char *given;
        unsigned digits;
        const char *pin, *code;
    } rows[] = {{"correct horse492039", 6, "correct horse", "492039"},
                {"12345678901234", 6, "12345678", "901234"},
                {"x12345678", 8, "x", "12345678"},
                {"only a PIN", 0, "only a PIN", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_bytes pin = TP_BYTES_NONE, code = TP_BYTES_NONE;
        cr_assert_eq(tp_pin_split(tp_bytes_of_string(rows[i].given), rows[i].digits, &pin, &code), TP_OK);
        cr_assert(tp_bytes_equal(pin, tp_bytes_of_string(rows[i].pin)), "row %zu", i);
        cr_assert(tp_bytes_equal(code, tp_bytes_of_string(rows[i].code)), "row %zu", i);
        cr_assert_eq((const char *)pin.data, rows[i].given, "a view");
    }
}

Test(pin_split, refuses_what_has_no_code_at_its_end_or_nothing_before)
{
    static const char *const givens[] = {
        "", "12345", "123456", "correct horse", "horse12345x", "horse 12345", "1234567890 ", "horse12345\xb9"};
    struct tp_bytes pin = TP_BYTES_NONE, code = TP_BYTES_NONE;
    for (size_t i = 0; i < sizeof givens / sizeof givens[0]; i++)
        cr_assert_eq(tp_pin_split(tp_bytes_of_string(givens[i]), 6, &pin, &code), TP_PIN_LENGTH, "row %zu", i);
    cr_assert_eq(tp_pin_split(TP_BYTES_NONE, 0, &pin, &code), TP_PIN_LENGTH);
    cr_assert_eq(pin.len + code.len, 0, "outputs stay as they were");
}

Test(pin_split, bounds_the_length)
{
    char given[TP_PIN_MAX + 7];
    struct tp_bytes pin, code;
    memset(given, '1', sizeof given);
    cr_assert_eq(tp_pin_split(TP_BYTES(given, TP_PIN_MAX + 6), 6, &pin, &code), TP_OK);
    cr_assert_eq(tp_pin_split(TP_BYTES(given, TP_PIN_MAX + 7), 6, &pin, &code), TP_PIN_LENGTH);
    cr_assert_eq(tp_pin_split(TP_BYTES(given, 7), UINT32_MAX, &pin, &code), TP_PIN_LENGTH);
}
