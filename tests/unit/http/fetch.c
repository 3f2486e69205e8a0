/* SPDX-License-Identifier: Apache-2.0
 *
 * Against a real server on loopback: server.py.
 */
#include "base/clock.h"
#include "http/http.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/http-XXXXXX";
static int plain, tls, mutual, to_server;
static pid_t server;
static struct tp_http *http;

static void server_start(void)
{
    int in[2], out[2];
    cr_assert_not_null(mkdtemp(folder));
    cr_assert(pipe(in) == 0 && pipe(out) == 0);
    server = fork();
    if (server == 0) {
        (void)dup2(in[0], 0), (void)dup2(out[1], 1);
        (void)close(in[1]), (void)close(out[0]);
        execlp("python3", "python3", TP_TEST_SERVER, folder, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]), (void)close(out[1]);
    to_server = in[1];
    FILE *said = fdopen(out[0], "r");
    cr_assert_eq(fscanf(said, "%d %d %d", &plain, &tls, &mutual), 3);
    (void)fclose(said);
}

static void setup(void)
{
    server_start();
    cr_assert_eq(tp_http_new(NULL, &http), TP_OK);
}

static void teardown(void)
{
    char command[64];
    tp_http_free(http);
    (void)close(to_server); /* that is what ends it */
    cr_assert_eq(waitpid(server, NULL, 0), server);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(fetch, .init = setup, .fini = teardown, .timeout = 60);

struct answer {
    enum tp_rc rc;
    int status;
    struct tp_error error;
    char text[512];
};

static const char *in_folder(const char *name)
{
    static char paths[8][64];
    static size_t next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static struct answer ask(int port, const char *path, struct tp_http_request request)
{
    struct answer answer = {0};
    struct tp_buf body TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char url[128];
    (void)snprintf(url, sizeof url, "http%s://localhost:%d/%s", port == plain ? "" : "s", port, path);
    request.url = url;
    request.most = request.most == 0 ? 1000 : request.most;
    request.timeout_ms = request.timeout_ms == 0 ? 4000 : request.timeout_ms;
    cr_assert_eq(tp_buf_append_string(&body, "before "), TP_OK);
    answer.rc = tp_http_fetch(http, &request, &answer.error, &answer.status, &body);
    cr_assert(answer.rc == TP_OK || strcmp(tp_buf_string(&body), "before ") == 0, "a failure leaves nothing");
    (void)snprintf(answer.text, sizeof answer.text, "%s", tp_buf_string(&body) + strlen("before "));
    return answer;
}

#define ASK(path, ...) ask(plain, path, (struct tp_http_request){__VA_ARGS__})

static bool says(const struct answer *answer, const char *words)
{
    return strstr(answer->error.words, words) != NULL;
}

Test(fetch, gets_and_posts)
{
    struct answer got = ASK("good", .accept = "text/plain");
    cr_expect_eq(got.rc, TP_OK, "%s", got.error.words);
    cr_expect_eq(got.status, 200);
    cr_expect_str_eq(got.text, "good");
    got = ASK("echo", .content_type = "application/x", .body = TP_BYTES("a=b", 3));
    cr_expect_str_eq(got.text, "POST application/x a=b");
    got = ASK("echo", .content_type = "application/x");
    cr_expect_str_eq(got.text, "POST application/x ", "an empty body is one");
    got = ASK("who", .accept = "text/plain");
    cr_expect_not_null(strstr(got.text, "Authorization: None\nUser-Agent: trustp11/"));
    cr_expect_not_null(strstr(got.text, "Accept: text/plain\nExpect: None"));
}

Test(fetch, a_status_other_than_200_is_a_refusal)
{
    struct answer got = ASK("nothing");
    cr_expect_eq(got.rc, TP_REFUSED);
    cr_expect_eq(got.status, 404);
    cr_expect(says(&got, "/nothing") && says(&got, "404"), "%s", got.error.words);
    cr_expect_eq(ASK("bad").status, 400);
}

Test(fetch, retry_after_is_told_and_bounded)
{
    cr_expect_eq(ASK("busy").status, 429);
    cr_expect_eq(tp_http_retry_after_ms(http), 7000);
    cr_expect_eq(ASK("busy_for_years").status, 503);
    cr_expect_eq(tp_http_retry_after_ms(http), 24 * 3600 * 1000);
    cr_expect_eq(ASK("bad").status, 400);
    cr_expect_eq(tp_http_retry_after_ms(http), 0);
}

Test(fetch, types_are_compared_without_case_and_parameters)
{
    cr_expect_eq(ASK("typed", .accept = "application/ocsp-response").rc, TP_OK);
    cr_expect_eq(ASK("typed").rc, TP_OK);
    struct answer got = ASK("typed", .accept = "application/ocsp");
    cr_expect_eq(got.rc, TP_MALFORMED);
    cr_expect(says(&got, "OCSP-response"), "%s", got.error.words);
    cr_expect_eq(ASK("untyped", .accept = "text/plain").rc, TP_MALFORMED);
}

Test(fetch, has_an_end_in_time)
{
    static const char *const paths[] = {"silent", "slow"};
    for (size_t i = 0; i < 2; i++) {
        const int64_t begin = tp_clock_monotonic_ms();
        struct answer got = ASK(paths[i], .timeout_ms = 300);
        cr_expect_eq(got.rc, TP_TIMEOUT, "%s", got.error.words);
        cr_expect_lt(tp_clock_monotonic_ms() - begin, 2000);
    }
}

Test(fetch, has_an_end_in_size)
{
    cr_expect_eq(ASK("large", .most = 5000).rc, TP_OK);
    cr_expect_eq(ASK("large", .most = 4999).rc, TP_TOO_LARGE);
    struct answer got = ASK("endless", .most = 100000);
    cr_expect_eq(got.rc, TP_TOO_LARGE);
    cr_expect(says(&got, "100000 bytes"), "%s", got.error.words);
}

Test(fetch, what_is_no_answer_is_none)
{
    cr_expect_neq(ASK("cut").rc, TP_OK);
    cr_expect_eq(ASK("closes").rc, TP_UNREACHABLE);
    struct answer got = ASK("garbage");
    cr_expect_eq(got.rc, TP_MALFORMED);
    cr_expect(says(&got, "HTTP/0.9"), "%s", got.error.words);
    struct tp_http_request nobody = {.url = "http://127.0.0.1:1/", .most = 10, .timeout_ms = 2000};
    struct tp_buf body = TP_BUF_INIT;
    struct tp_error error = {0};
    int status = 7;
    cr_expect_eq(tp_http_fetch(http, &nobody, &error, &status, &body), TP_UNREACHABLE);
    cr_expect_eq(status, 0);
    cr_expect_eq(strncmp(error.words, "http://127.0.0.1:1/: ", 21), 0, "%s", error.words);
}

/* libcurl calls it "out of memory", which would be our fault: nobody else would be asked. */
Test(fetch, a_header_without_an_end_is_the_server_s_fault)
{
    const struct answer got = ASK("long_header");
    cr_expect_eq(got.rc, TP_TOO_LARGE);
    cr_expect(says(&got, "a header of its answer"), "%s", got.error.words);
    const struct answer many = ASK("many_headers");
    cr_expect_eq(many.rc, TP_TOO_LARGE, "%s", many.error.words);
    cr_expect_eq(ASK("good").rc, TP_OK, "afterwards as before");
}

Test(fetch, follows_three_redirects_and_no_more)
{
    struct answer got = ASK("thrice", .content_type = "text/x", .body = TP_BYTES("p", 1));
    cr_expect_str_eq(got.text, "POST text/x p", "%s", got.error.words);
    got = ASK("see", .content_type = "text/x", .body = TP_BYTES("p", 1));
    cr_expect_eq(strncmp(got.text, "GET ", 4), 0, "%s", got.text);
    got = ASK("loop");
    cr_expect_eq(got.rc, TP_REFUSED);
    cr_expect(says(&got, "from one place to the next"), "%s", got.error.words);
    got = ASK("file");
    cr_expect_eq(got.rc, TP_REFUSED);
    cr_expect(says(&got, "a place that is not asked") && says(&got, "file") && !says(&got, "https"), "%s", got.error.words);
    static const char *const nowhere[] = {"not_modified", "nowhere"};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        got = ASK(nowhere[i]);
        cr_expect_eq(got.rc, TP_REFUSED);
        cr_expect(says(&got, "HTTP status 30") && !says(&got, "certificate"), "%s", got.error.words);
    }
}

Test(fetch, tls_is_checked_against_the_given_anchors)
{
    struct tp_http_access right = {.ca_file = in_folder("ca.pem")}, wrong = {.ca_file = in_folder("other.pem")},
                          none = {.ca_file = in_folder("nothing.pem")};
    struct answer got = ask(tls, "good", (struct tp_http_request){.access = &right});
    cr_expect_eq(got.rc, TP_OK, "%s", got.error.words);
    cr_expect_eq(ask(tls, "good", (struct tp_http_request){.access = &wrong}).rc, TP_PEER);
    cr_expect_eq(ask(tls, "good", (struct tp_http_request){.access = NULL}).rc, TP_PEER, "not the system's");
    cr_expect_eq(ask(tls, "good", (struct tp_http_request){.access = &none}).rc, TP_CONFIG);
    cr_expect_eq(ask(tls, "good", (struct tp_http_request){.access = &wrong}).rc, TP_PEER,
                 "no kept connection of other anchors");
}

Test(fetch, the_server_has_the_name_that_was_asked_for)
{
    char url[64];
    struct tp_buf body = TP_BUF_INIT;
    struct tp_http_access right = {.ca_file = in_folder("ca.pem")};
    (void)snprintf(url, sizeof url, "https://127.0.0.3:%d/good", tls);
    struct tp_http_request request = {.url = url, .most = 10, .access = &right};
    cr_expect_neq(tp_http_fetch(http, &request, NULL, NULL, &body), TP_OK);
    cr_expect_eq(body.len, 0);
}

Test(fetch, never_leaves_tls)
{
    struct tp_http_access right = {.ca_file = in_folder("ca.pem")};
    struct answer got = ask(tls, "down", (struct tp_http_request){.access = &right});
    cr_expect_eq(got.rc, TP_REFUSED);
    cr_expect(says(&got, "from https only to https"), "%s", got.error.words);
    got = ASK("up", .access = &right);
    cr_expect_eq(got.rc, TP_OK, "%s", got.error.words);
}

Test(fetch, shows_a_client_certificate)
{
    struct tp_http_access access = {.ca_file = in_folder("ca.pem"),
                                    .certificate_file = in_folder("client.pem"),
                                    .key_file = in_folder("server.key")};
    cr_expect_eq(ask(mutual, "good", (struct tp_http_request){.access = &access}).rc, TP_CONFIG, "of another certificate");
    access.key_file = in_folder("client.encrypted.key"); /* is refused without anybody being asked for a password */
    cr_expect_eq(ask(mutual, "good", (struct tp_http_request){.access = &access}).rc, TP_CONFIG);
    access.key_file = in_folder("client.key");
    struct answer got = ask(mutual, "good", (struct tp_http_request){.access = &access});
    cr_expect_eq(got.rc, TP_OK, "%s", got.error.words);
    got = ask(mutual, "once", (struct tp_http_request){.access = &access});
    cr_expect_eq(got.rc, TP_REFUSED, "to nobody else");
    cr_expect(says(&got, "client certificate"), "%s", got.error.words);
    access.certificate_file = access.key_file = NULL;
    cr_expect_neq(ask(mutual, "good", (struct tp_http_request){.access = &access}).rc, TP_OK);
}

Test(fetch, a_password_goes_to_loopback_or_over_tls_only)
{
    struct tp_secret *password = NULL;
    cr_assert_eq(tp_secret_new_copy(TP_BYTES("secret!", 7), &password), TP_OK);
    struct tp_http_access access = {.user = "alice", .password = password, .ca_file = in_folder("ca.pem")};
    cr_expect_eq(ASK("private", .access = &access).rc, TP_OK);
    cr_expect_eq(ask(tls, "private", (struct tp_http_request){.access = &access}).rc, TP_OK);
    cr_expect_eq(ASK("private").status, 401);
    struct tp_http_request far = {.url = "http://tsa.example/", .most = 10, .access = &access};
    struct tp_buf body = TP_BUF_INIT;
    struct tp_error error = {0};
    cr_expect_eq(tp_http_fetch(http, &far, &error, NULL, &body), TP_REFUSED);
    cr_expect_not_null(strstr(error.words, "in clear"), "%s", error.words);
    struct answer got = ASK("elsewhere", .access = &access);
    cr_expect_eq(got.rc, TP_OK, "%s", got.error.words);
    cr_expect_not_null(strstr(got.text, "Authorization: None"), "not to another host that it is sent to: %s", got.text);
    tp_secret_free(password);
}

Test(fetch, reads_no_proxy_from_the_environment)
{
    (void)setenv("http_proxy", "http://127.0.0.1:1/", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
    cr_expect_eq(ASK("good").rc, TP_OK);
}
