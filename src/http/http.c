/* SPDX-License-Identifier: Apache-2.0
 *
 * One exchange: a libcurl handle that keeps its connections, set anew for each request.
 */
#include "base/clock.h"
#include "http/internal.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LARGE_HEADERS       "Too large response headers" /* libcurl's word for all together, with a broken connection's code */
#define RETRY_AFTER_MOST_MS ((int64_t)24 * 3600 * 1000)

struct tp_http {
    CURL *curl;
    int64_t retry_after_ms;
};

TP_DEFINE_AUTO(struct curl_slist, curl_slist_free_all)

/* ---- the handle ---- */

static CURLcode global_code;

static void global_start(void)
{
    global_code = curl_global_init(CURL_GLOBAL_DEFAULT); /* what it holds lasts as long as the process */
}

enum tp_rc tp_http_new(struct tp_error *error, struct tp_http **ret_http)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, global_start) != 0 || global_code != CURLE_OK)
        return tp_error_set(error, TP_INTERNAL, "libcurl does not start: %s", curl_easy_strerror(global_code));
    struct tp_http *http TP_AUTO(tp_http_free_p) = calloc(1, sizeof *http);
    if (http == NULL || (http->curl = curl_easy_init()) == NULL)
        return TP_MEMORY;
    *ret_http = http;
    http = NULL;
    return TP_OK;
}

void tp_http_free(struct tp_http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl);
    free(http);
}

int64_t tp_http_retry_after_ms(const struct tp_http *http)
{
    return http->retry_after_ms;
}

/* ---- one exchange ---- */

struct exchange {
    struct tp_http *http;
    const struct tp_http_request *request;
    struct tp_error *error;
    struct tp_buf *body;
    size_t body_begin;  /* what was in BODY before */
    bool tls;           /* it begins with it */
    enum tp_rc stopped; /* why we ended it ourselves; TP_OK: we did not */
    char curl_words[CURL_ERROR_SIZE];
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const size_t len = size * count, have = exchange->body->len - exchange->body_begin;
    if (len > exchange->request->most - have)
        exchange->stopped = TP_TOO_LARGE;
    else
        exchange->stopped = tp_buf_append(exchange->body, TP_BYTES(data, len));
    return exchange->stopped == TP_OK ? len : CURL_WRITEFUNC_ERROR;
}

static enum tp_rc set_headers(CURL *curl, const struct tp_http_request *request, struct curl_slist **headers)
{
    struct tp_buf line TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (request->accept != NULL)
        TP_TRY(tp_buf_printf(&line, "Accept: %s", request->accept));
    struct curl_slist *list = curl_slist_append(NULL, request->accept != NULL ? tp_buf_string(&line) : "Accept: */*");
    *headers = list;
    tp_buf_reset(&line);
    if (list != NULL && request->content_type != NULL) {
        TP_TRY(tp_buf_printf(&line, "Content-Type: %s", request->content_type));
        list = curl_slist_append(list, tp_buf_string(&line));
    }
    if (list != NULL) /* no "Expect: 100-continue": old servers do not know it */
        list = curl_slist_append(list, "Expect:");
    if (list == NULL || curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers) != CURLE_OK)
        return TP_MEMORY;
    return TP_OK;
}

static CURLcode set_body(CURL *curl, const struct tp_http_request *request)
{
    if (request->content_type == NULL)
        return curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    CURLcode code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    return code != CURLE_OK ? code
                            : curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                                               request->body.data != NULL ? (const char *)request->body.data : "");
}

/* What is the same for all: nothing of the environment (proxies, .netrc), two schemes, bounds. Who began with TLS stays
 * with it; a POST that is sent elsewhere stays one (RFC 9110 §15.4.2 lets it), but after "see other". Who shows a client
 * certificate is not sent anywhere: libcurl would show it there, too. */
static CURLcode set_bounds(CURL *curl, const struct tp_http_request *request, bool tls)
{
    const bool certified = request->access != NULL && request->access->certificate_file != NULL;
    const long timeout_ms = (long)(request->timeout_ms > 0 ? request->timeout_ms : TP_HTTP_TIMEOUT_MS);
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_TIMEOUT_MS, timeout_ms},
        {CURLOPT_CONNECTTIMEOUT_MS, timeout_ms},
        {CURLOPT_FOLLOWLOCATION, certified ? 0 : 1},
        {CURLOPT_MAXREDIRS, TP_HTTP_REDIRECTS},
        {CURLOPT_POSTREDIR, CURL_REDIR_POST_301 | CURL_REDIR_POST_302},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    };
    const struct {
        CURLoption option;
        const char *value;
    } texts[] = {
        {CURLOPT_PROXY, ""},
        {CURLOPT_PROTOCOLS_STR, "http,https"},
        {CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https"},
        {CURLOPT_USERAGENT, "trustp11/" TP_VERSION},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; code == CURLE_OK && i < sizeof numbers / sizeof numbers[0]; i++)
        code = curl_easy_setopt(curl, numbers[i].option, numbers[i].value);
    for (size_t i = 0; code == CURLE_OK && i < sizeof texts / sizeof texts[0]; i++)
        code = curl_easy_setopt(curl, texts[i].option, texts[i].value);
    return code;
}

/* libcurl wants a string, and keeps a copy until the next reset. */
static enum tp_rc set_password(CURL *curl, const struct tp_http_access *access)
{
    struct tp_secret *text TP_AUTO(tp_secret_free_p) = NULL;
    const struct tp_bytes password = tp_secret_bytes(access->password);
    TP_TRY(tp_secret_new(password.len + 1, &text));
    TP_TRY(tp_secret_append(text, password));
    TP_TRY(tp_secret_append(text, TP_BYTES("", 1)));
    const bool good = curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_USERNAME, access->user) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_PASSWORD, (const char *)tp_secret_data(text)) == CURLE_OK;
    return good ? TP_OK : TP_MEMORY;
}

static enum tp_rc check_access(const struct tp_http_access *access, const struct tp_http_url *url, struct tp_error *error)
{
    if (access != NULL && access->user != NULL && !url->tls && !url->loopback)
        return tp_error_set(error, TP_REFUSED, "a password is not sent in clear to another machine; use https://");
    return TP_OK;
}

static enum tp_rc set_access(CURL *curl, const struct tp_http_access *access, const struct tp_http_url *url,
                             struct tp_error *error)
{
    const struct {
        CURLoption option;
        const char *value;
    } files[] = {
        {CURLOPT_CAINFO, access->ca_file},
        {CURLOPT_SSLCERT, access->certificate_file},
        {CURLOPT_SSLKEY, access->key_file},
        {CURLOPT_KEYPASSWD,
         access->key_file != NULL ? "" : NULL}, /* an encrypted one fails instead of asking the terminal */
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i].value != NULL && curl_easy_setopt(curl, files[i].option, files[i].value) != CURLE_OK)
            return TP_MEMORY;
    if (access->ca_file != NULL && curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) != CURLE_OK)
        return TP_MEMORY; /* these anchors instead of the system's, not besides */
    if (access->user == NULL)
        return TP_OK;
    TP_TRY(check_access(access, url, error));
    return set_password(curl, access);
}

static enum tp_rc prepare(struct exchange *exchange, const struct tp_http_url *url, struct curl_slist **headers)
{
    CURL *curl = exchange->http->curl;
    const struct tp_http_request *request = exchange->request;
    const bool good = curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->curl_words) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
                      set_body(curl, request) == CURLE_OK;
    if (!good)
        return TP_MEMORY;
    const CURLcode code = set_bounds(curl, request, url->tls);
    if (code != CURLE_OK)
        return tp_error_set(exchange->error, TP_INTERNAL, "libcurl: %s", curl_easy_strerror(code));
    TP_TRY(set_headers(curl, request, headers));
    return request->access == NULL ? TP_OK : set_access(curl, request->access, url, exchange->error);
}

/* ---- what became of it ---- */

static const struct {
    CURLcode code;
    enum tp_rc rc;
    const char *words; /* NULL: libcurl's */
} endings[] = {
    {CURLE_OPERATION_TIMEDOUT, TP_TIMEOUT, "no answer in time"},
    {CURLE_TOO_MANY_REDIRECTS, TP_REFUSED, "it sends from one place to the next"},
    {CURLE_URL_MALFORMAT, TP_REFUSED, "it sends to something that is no URL"},
    {CURLE_PEER_FAILED_VERIFICATION, TP_PEER, NULL},
    {CURLE_SSL_CONNECT_ERROR, TP_PEER, NULL},
    {CURLE_SSL_CIPHER, TP_PEER, NULL},
    {CURLE_SSL_ISSUER_ERROR, TP_PEER, NULL},
    {CURLE_SSL_INVALIDCERTSTATUS, TP_PEER, NULL},
    {CURLE_SSL_CERTPROBLEM, TP_CONFIG, NULL},
    {CURLE_SSL_CACERT_BADFILE, TP_CONFIG, NULL},
    {CURLE_FILESIZE_EXCEEDED, TP_TOO_LARGE, "the answer is too large"},
    {CURLE_WEIRD_SERVER_REPLY, TP_MALFORMED, NULL},
    {CURLE_OUT_OF_MEMORY, TP_TOO_LARGE, "a header of its answer is larger than any should be"}, /* libcurl's word for it */
};

/* What libcurl says of HTTP/0.9 as well as of another scheme. */
static enum tp_rc ended_with_another_protocol(const struct exchange *exchange, const char *words)
{
    long redirects = 0;
    (void)curl_easy_getinfo(exchange->http->curl, CURLINFO_REDIRECT_COUNT, &redirects);
    if (redirects == 0)
        return tp_error_set(exchange->error, TP_MALFORMED, "%s", words);
    if (!exchange->tls)
        return tp_error_set(exchange->error, TP_REFUSED, "it sends to a place that is not asked: %s", words);
    return tp_error_set(exchange->error, TP_REFUSED, "it sends to a place that is not asked (from https only to https)");
}

static enum tp_rc ended_badly(const struct exchange *exchange, CURLcode code)
{
    const char *words = exchange->curl_words[0] != '\0' ? exchange->curl_words : curl_easy_strerror(code);
    if (exchange->stopped == TP_TOO_LARGE)
        return tp_error_set(exchange->error, TP_TOO_LARGE, "the answer is larger than %zu bytes",
                            exchange->request->most);
    if (exchange->stopped != TP_OK)
        return exchange->stopped;
    if (strncmp(words, LARGE_HEADERS, sizeof LARGE_HEADERS - 1) == 0)
        code = CURLE_FILESIZE_EXCEEDED;
    if (code == CURLE_UNSUPPORTED_PROTOCOL)
        return ended_with_another_protocol(exchange, words);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (endings[i].code == code)
            return tp_error_set(exchange->error, endings[i].rc, "%s",
                                endings[i].words != NULL ? endings[i].words : words);
    return tp_error_set(exchange->error, TP_UNREACHABLE, "%s", words);
}

static void note_retry_after(struct tp_http *http)
{
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds <= 0)
        return;
    http->retry_after_ms = seconds >= RETRY_AFTER_MOST_MS / 1000 ? RETRY_AFTER_MOST_MS : (int64_t)seconds * 1000;
}

/* Media types without their parameters, in any case (RFC 9110 §8.3.1). */
static bool is_of_type(const char *type, const char *expected)
{
    const size_t len = strcspn(type, "; \t");
    return len == strlen(expected) && strncasecmp(type, expected, len) == 0;
}

static enum tp_rc check_answer(const struct exchange *exchange, long status)
{
    const char *accept = exchange->request->accept;
    const struct tp_http_access *access = exchange->request->access;
    char *type = NULL;
    if (status / 100 == 3 && access != NULL && access->certificate_file != NULL) /* others are followed: set_bounds */
        return tp_error_set(exchange->error, TP_REFUSED, "it sends to another place (HTTP status %ld), which a client certificate is "
                            "not shown to; give that place's own URL", status);
    if (status != 200)
        return tp_error_set(exchange->error, TP_REFUSED, "it answers with HTTP status %ld", status);
    if (accept == NULL)
        return TP_OK;
    (void)curl_easy_getinfo(exchange->http->curl, CURLINFO_CONTENT_TYPE, &type);
    if (type == NULL || !is_of_type(type, accept))
        return tp_error_set(exchange->error, TP_MALFORMED, "it answers with %s instead of %s",
                            type != NULL ? type : "something without a type", accept);
    return TP_OK;
}

static enum tp_rc perform(struct exchange *exchange, int *ret_status)
{
    struct curl_slist *headers TP_AUTO(curl_slist_free_all_p) = NULL;
    struct tp_http_url url = {0};
    TP_TRY(tp_http_url_read(exchange->request->url, exchange->error, &url));
    exchange->tls = url.tls;
    enum tp_rc rc = prepare(exchange, &url, &headers);
    if (rc == TP_OK) {
        const CURLcode code = curl_easy_perform(exchange->http->curl);
        long status = 0;
        (void)curl_easy_getinfo(exchange->http->curl, CURLINFO_RESPONSE_CODE, &status);
        *ret_status = (int)status;
        note_retry_after(exchange->http);
        rc = code != CURLE_OK ? ended_badly(exchange, code) : check_answer(exchange, status);
    }
    curl_easy_reset(exchange->http->curl); /* drops the password and what points at our stack; keeps connections */
    return rc;
}

/* The words begin with the URL, unless it is what must not be shown. */
static enum tp_rc name_url(const char *url, struct tp_error *own, struct tp_error *error, enum tp_rc rc)
{
    const char *words = own->rc == rc ? own->words : tp_rc_words(rc);
    if (rc == TP_BAD_ARGUMENT && strchr(url, '@') != NULL)
        return tp_error_set(error, rc, "%s", words);
    return tp_error_set(error, rc, "%.200s: %s", url, words);
}

enum tp_rc tp_http_fetch(struct tp_http *http, const struct tp_http_request *request, struct tp_error *error,
                         int *ret_status, struct tp_buf *ret_body)
{
    struct tp_error own = {0};
    struct exchange exchange = {
        .http = http, .request = request, .error = &own, .body = ret_body, .body_begin = ret_body->len};
    int status = 0;
    http->retry_after_ms = 0;
    const enum tp_rc rc = perform(&exchange, &status);
    if (ret_status != NULL)
        *ret_status = status;
    if (rc == TP_OK)
        return TP_OK;
    if (ret_body->len > exchange.body_begin) /* nothing of an answer that was refused */
        ret_body->len = exchange.body_begin, ret_body->data[exchange.body_begin] = '\0';
    return name_url(request->url, &own, error, rc);
}

enum tp_rc tp_http_check(const char *url, const struct tp_http_access *access, struct tp_error *error)
{
    struct tp_error own = {0};
    struct tp_http_url read = {0};
    enum tp_rc rc = tp_http_url_read(url, &own, &read);
    if (rc == TP_OK)
        rc = check_access(access, &read, &own);
    return rc == TP_OK ? rc : name_url(url, &own, error, rc);
}
