/* SPDX-License-Identifier: Apache-2.0 */
#include "http/internal.h"

#include <criterion/criterion.h>
#include <string.h>

Test(url, tells_tls_and_loopback)
{
    static const struct {
        const char *url;
        bool tls, loopback;
    } rows[] = {
        {"http://tsa.example/", false, false},       {"HTTPS://tsa.example:8443/x?y", true, false},
        {"http://127.0.0.1:80", false, true},        {"http://127.9.9.9/", false, true},
        {"http://[::1]:8080/", false, true},         {"http://LocalHost/", false, true},
        {"http://localhost.example/", false, false}, {"http://127.0.0.1.example/", false, false},
        {"http://128.0.0.1/", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_http_url url = {0};
        cr_assert_eq(tp_http_url_read(rows[i].url, NULL, &url), TP_OK, "%s", rows[i].url);
        cr_expect_eq(url.tls, rows[i].tls, "%s", rows[i].url);
        cr_expect_eq(url.loopback, rows[i].loopback, "%s", rows[i].url);
    }
}

Test(url, refuses_other_schemes_and_what_is_no_url)
{
    static const char *const urls[] = {"",        "tsa.example", "ldap://x/y",      "file:///etc/passwd", "ftp://x/",
                                       "http://", "http://a b/", "http://x:99999/", "javascript:1"};
    char long_one[3000] = "http://x/";
    struct tp_http_url url = {0};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        cr_expect_eq(tp_http_url_read(urls[i], NULL, &url), TP_BAD_ARGUMENT, "%s", urls[i]);
    memset(long_one + 9, 'x', sizeof long_one - 10);
    cr_expect_eq(tp_http_url_read(long_one, NULL, &url), TP_BAD_ARGUMENT);
}

Test(url, with_a_password_is_refused_and_not_shown)
{
    struct tp_error error = {0};
    struct tp_http_url url = {0};
    cr_assert_eq(tp_http_url_read("http://alice:sesame@tsa.example/", &error, &url), TP_BAD_ARGUMENT);
    cr_assert_null(strstr(error.words, "sesame"));
    cr_assert_not_null(strstr(error.words, "tsa.example"));
}

Test(url, with_access_is_judged_before_it_is_asked)
{
    static const struct {
        const char *url, *user;
        enum tp_rc rc;
    } rows[] = {
        {"http://tsa.example/", NULL, TP_OK},       {"http://tsa.example/", "alice", TP_REFUSED}, {"https://tsa.example/", "alice", TP_OK},
        {"http://127.0.0.1/", "alice", TP_OK},      {"htp://tsa.example/", NULL, TP_BAD_ARGUMENT},
        {"http://alice:sesame@tsa.example/", NULL, TP_BAD_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tp_http_access access = {.user = rows[i].user};
        struct tp_error error = {0};
        cr_expect_eq(tp_http_check(rows[i].url, &access, &error), rows[i].rc, "%s", rows[i].url);
        cr_expect_null(strstr(error.words, "sesame"));
        cr_expect(rows[i].rc == TP_OK || strstr(error.words, "tsa.example") != NULL || strstr(error.words, "password") != NULL, "%s", error.words);
    }
    cr_expect_eq(tp_http_check("http://tsa.example/", NULL, NULL), TP_OK);
}
