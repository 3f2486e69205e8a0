/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs, as libcurl reads them: what is judged here is what it will ask.
 */
#include "http/internal.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

TP_DEFINE_AUTO(CURLU, curl_url_cleanup)
TP_DEFINE_AUTO(char, curl_free)

static bool has(CURLU *handle, CURLUPart part)
{
    char *value TP_AUTO(curl_free_p) = NULL;
    return curl_url_get(handle, part, &value, 0) == CURLUE_OK;
}

/* "localhost" is loopback to libcurl, whatever the resolver says. */
static bool is_loopback(const char *host)
{
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static enum tp_rc judge(CURLU *handle, struct tp_error *error, struct tp_http_url *ret_url)
{
    char *scheme TP_AUTO(curl_free_p) = NULL;
    char *host TP_AUTO(curl_free_p) = NULL;
    if (curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(handle, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return tp_error_set(error, TP_BAD_ARGUMENT, "this is no URL of a server; one begins with http:// or https://");
    const bool tls = strcasecmp(scheme, "https") == 0;
    if (!tls && strcasecmp(scheme, "http") != 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "%s:// is not asked; only http:// and https:// are", scheme);
    if (has(handle, CURLUPART_USER) || has(handle, CURLUPART_PASSWORD))
        return tp_error_set(
            error, TP_BAD_ARGUMENT,
            "the URL of %s names a user or a password; give them apart from it, where no log shows them", host);
    *ret_url = (struct tp_http_url){.tls = tls, .loopback = is_loopback(host)};
    return TP_OK;
}

enum tp_rc tp_http_url_read(const char *url, struct tp_error *error, struct tp_http_url *ret_url)
{
    if (strlen(url) > TP_HTTP_URL_MAX)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the URL is longer than %d bytes", TP_HTTP_URL_MAX);
    CURLU *handle TP_AUTO(curl_url_cleanup_p) = curl_url();
    if (handle == NULL)
        return TP_MEMORY;
    const CURLUcode code = curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        return code == CURLUE_OUT_OF_MEMORY
                   ? TP_MEMORY
                   : tp_error_set(error, TP_BAD_ARGUMENT, "this is no URL; one begins with http:// or https://");
    return judge(handle, error, ret_url);
}
