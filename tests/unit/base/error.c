/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <criterion/criterion.h>
#include <string.h>

Test(error, set_keeps_code_and_words_and_returns_the_code)
{
    struct tp_error error = {0};
    cr_assert_eq(tp_error_set(&error, TP_CONFIG, "%s:%d: bad", "f", 3), TP_CONFIG);
    cr_assert_eq(error.rc, TP_CONFIG);
    cr_assert_str_eq(tp_error_words(&error), "f:3: bad");
}

Test(error, nobody_has_to_want_the_words)
{
    cr_assert_eq(tp_error_set(NULL, TP_BUSY, "x"), TP_BUSY);
    cr_assert_eq(tp_error_prefix(NULL, TP_BUSY, "x"), TP_BUSY);
    tp_error_clear(NULL);
    cr_assert_not_null(tp_error_words(NULL));
}

Test(error, without_words_the_table_speaks)
{
    struct tp_error error = {.rc = TP_PEER};
    cr_assert_str_eq(tp_error_words(&error), tp_rc_words(TP_PEER));
    tp_error_clear(&error);
    cr_assert_str_eq(tp_error_words(&error), tp_rc_words(TP_OK));
}

Test(error, prefix_stands_before_words_that_are_there)
{
    struct tp_error error = {0};
    (void)tp_error_set(&error, TP_IO, "disk gone");
    cr_assert_eq(tp_error_prefix(&error, TP_STORE, "store %d", 7), TP_STORE);
    cr_assert_eq(error.rc, TP_STORE);
    cr_assert_str_eq(error.words, "store 7: disk gone");
}

Test(error, prefix_stands_before_table_words_when_there_are_none)
{
    struct tp_error error = {0};
    (void)tp_error_prefix(&error, TP_MEMORY, "a");
    cr_assert_str_eq(error.words, "a: out of memory");
}

Test(error, its_own_words_may_be_arguments)
{
    struct tp_error error = {0};
    (void)tp_error_set(&error, TP_IO, "inner");
    (void)tp_error_set(&error, TP_IO, "outer (%s)", error.words);
    cr_assert_str_eq(error.words, "outer (inner)");
}

Test(error, control_characters_and_broken_utf8_become_question_marks)
{
    struct tp_error error = {0};
    (void)tp_error_set(&error, TP_IO,
                       "a\nb\tc\x1B[2Jd\x7F"
                       "e\xC2\x9B"
                       "f\xFFg\xC0\x80h\xED\xA0\x80i\xE2\x82");
    cr_assert_str_eq(error.words, "a?b?c?[2Jd?e??f?g??h???i??");
}

Test(error, text_in_other_languages_stays)
{
    static const char text[] = "caf\xC3\xA9 \xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x94\x91";
    struct tp_error error = {0};
    (void)tp_error_set(&error, TP_IO, "%s", text);
    cr_assert_str_eq(error.words, text);
}

Test(error, long_words_are_cut_between_characters)
{
    for (int shift = 0; shift < 4; shift++) {
        char text[2 * TP_ERROR_WORDS_LEN];
        struct tp_error error = {0};
        memset(text, 'a', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        for (size_t i = TP_ERROR_WORDS_LEN - 16 + (size_t)shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xE6\x97\xA5", 3);
        (void)tp_error_set(&error, TP_IO, "%s", text);
        cr_assert_null(strchr(error.words, '?'));
        cr_assert_geq(strlen(error.words), TP_ERROR_WORDS_LEN - 4);
        cr_assert_eq(strncmp(error.words, text, strlen(error.words)), 0);
    }
}

/* "/dddd…/dddd…/last: why" with a path of LEN bytes. */
static const char *words_of_path(size_t len, const char *piece, const char *why, struct tp_error *error)
{
    char path[4096] = "";
    while (strlen(path) + strlen(piece) < len)
        strcat(path, piece);
    strcat(path, "/last.pdf");
    (void)tp_error_set(error, TP_IO, "%s", why);
    (void)tp_error_prefix(error, TP_IO, "%s", path);
    return tp_error_words(error);
}

Test(error, of_a_long_path_the_end_is_told_and_why)
{
    static const char *const pieces[] = {"/folder", "/日本語", "/with some spaces", "/0123456789012345678901234567890123456789",
                                         "../up"};
    struct tp_error error = {0};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        for (size_t len = 480; len < 3900; len += 57) {
            const char *words = words_of_path(len, pieces[i], "No such file or directory; name another", &error);
            const char *end = strstr(words, "/last.pdf: No such file or directory; name another");
            cr_assert(end != NULL, "%s", words);
            cr_assert_str_eq(end + 9, ": No such file or directory; name another");
            cr_assert_null(strchr(words, '?'));
            cr_assert(len < 500 || strstr(words, "…/") != NULL, "%s", words);
        }
    cr_assert_null(strstr(words_of_path(300, "/folder", "gone", &error), "…"), "what has room stays whole");
}

Test(error, a_long_name_without_slashes_is_cut_between_characters)
{
    for (size_t shift = 0; shift < 4; shift++) {
        char path[700] = "./aaaa";
        struct tp_error error = {0};
        path[2 + shift] = '\0';
        while (strlen(path) < 600)
            strcat(path, "日");
        (void)tp_error_set(&error, TP_IO, "%s: gone", path);
        cr_assert_null(strchr(error.words, '?'));
        cr_assert_str_eq(error.words + strlen(error.words) - 9, "日: gone");
    }
}

Test(error, two_long_paths_leave_room_for_the_words_between)
{
    char a[1000] = "/a", b[1000] = "/b";
    struct tp_error error = {0};
    while (strlen(a) < 900) {
        strcat(a, "/aaaaaaaaa");
        strcat(b, "/bbbbbbbbb");
    }
    (void)tp_error_set(&error, TP_EXISTS, "%s and %s are one; choose", a, b);
    cr_assert(strstr(error.words, "/aaaaaaaaa and …/bbbbbbbbb") != NULL, "%s", error.words);
    cr_assert_str_eq(error.words + strlen(error.words) - 16, " are one; choose");
}

Test(error, the_host_of_a_long_url_stays)
{
    char url[700] = "http://tsa.example.org";
    struct tp_error error = {0};
    while (strlen(url) < 600)
        strcat(url, "/aaaaaaaaa");
    (void)tp_error_set(&error, TP_IO, "no timestamp: %s: gone", url);
    cr_assert_eq(strncmp(error.words, "no timestamp: http://tsa.example.org/aaaaaaaaa", 46), 0);
}
