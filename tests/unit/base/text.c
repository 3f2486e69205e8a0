/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <criterion/criterion.h>
#include <string.h>

static uint32_t only(const char *text, size_t len)
{
    size_t at = 0;
    const uint32_t character = tp_text_next(TP_BYTES(text, len), &at);
    if (character != TP_TEXT_NOT_UTF8)
        cr_assert_eq(at, len);
    return character;
}

Test(text, characters_of_each_length_are_read)
{
    cr_expect_eq(only("a", 1), 'a');
    cr_expect_eq(only("\0", 1), 0);
    cr_expect_eq(only("\xc3\xab", 2), 0xeb);
    cr_expect_eq(only("\xe7\xbd\xb2", 3), 0x7f72);
    cr_expect_eq(only("\xf0\x9f\x94\x91", 4), 0x1f511);
    cr_expect_eq(only("\xf4\x8f\xbf\xbf", 4), 0x10ffff);
}

Test(text, what_is_not_utf8_is_none)
{
    static const char *const bad[] = {
        "\x80",         "\xff",         "\xc3",         "\xc0\xaf", /* longer than need be */
        "\xe0\x80\xaf", "\xe7\xbd",     "\xed\xa0\x80",             /* a surrogate */
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3\x28",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(only(bad[i], strlen(bad[i])), TP_TEXT_NOT_UTF8, "%zu", i);
        cr_expect_eq(tp_text_check("x", bad[i], NULL), TP_BAD_ARGUMENT, "%zu", i);
    }
}

Test(text, people_write_what_they_like)
{
    static const char *const good[] = {"", "Alice signs", "Zo\xc3\xab \"O'Neil\" <x>", "\xe7\xbd\xb2\xe5\x90\x8d",
                                       "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "\xf0\x9f\x94\x91", "\xe2\x80\x8d"};
    struct tp_error error = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect_eq(tp_text_check("label", good[i], &error), TP_OK, "%zu: %s", i, error.words);
    cr_expect_eq(tp_text_check("label", NULL, &error), TP_OK);
}

Test(text, what_steers_terminals_or_turns_text_around_is_refused_by_name)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"a\x1b[2J", "U+001B"},       {"\n", "U+000A"},          {"\x7f", "U+007F"},          {"\xc2\x9b", "U+009B"},
        {"\xe2\x80\xaa", "U+202A"}, {"x\xe2\x80\xae", "U+202E"}, {"\xe2\x81\xa6", "U+2066"}, {"\xe2\x81\xa9", "U+2069"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tp_error error = {0};
        cr_expect_eq(tp_text_check("label", bad[i].text, &error), TP_BAD_ARGUMENT, "%zu", i);
        cr_expect_eq(strncmp(error.words, "label: ", 7), 0, "%s", error.words);
        cr_expect_not_null(strstr(error.words, bad[i].words), "%s", error.words);
    }
}
