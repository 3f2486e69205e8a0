/* SPDX-License-Identifier: Apache-2.0 */
#include "server/framing.h"

#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#define DIGITS "0123456789"
/* RFC 9110 §5.6.2 */
#define TOKEN "!#$%&'*+-.^_`|~" DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool is_of(const char *text, const char *letters)
{
    return text[0] != '\0' && text[strspn(text, letters)] == '\0';
}

static bool is_length(const char *value)
{
    return is_of(value, DIGITS);
}

static bool is_host(const char *value)
{
    return value[0] != '\0';
}

/* No field is there twice, and none without a judge at all. */
static const struct {
    const char *name;
    bool (*is_good)(const char *value);
    int status;
    const char *words;
} fields[] = {
    {"Content-Length", is_length, HTTP_BADREQUEST, "where this request ends is not clear"},
    {"Transfer-Encoding", NULL, 411, TP_FRAMING_NO_LENGTH},
    {"Host", is_host, HTTP_BADREQUEST, "which host this request is for is not clear"},
};
#define FIELDS (sizeof fields / sizeof fields[0])

static size_t field_of(const char *name)
{
    size_t i = 0;
    while (i < FIELDS && strcasecmp(name, fields[i].name) != 0)
        i++;
    return i;
}

int tp_framing_judge(struct evhttp_request *request, const char **ret_words)
{
    const struct evkeyval *header;
    unsigned found[FIELDS + 1] = {0}; /* the last: of all other names */
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(request), next)
    {
        const size_t i = field_of(header->key);
        *ret_words = i < FIELDS ? fields[i].words : "a field of this request is not clear";
        if (!is_of(header->key, TOKEN))
            return HTTP_BADREQUEST;
        if (i < FIELDS && (fields[i].is_good == NULL || found[i]++ > 0 || !fields[i].is_good(header->value)))
            return fields[i].status;
    }
    const size_t host = field_of("Host");
    *ret_words = fields[host].words;
    return found[host] == 0 && request->minor > 0 ? fields[host].status : 0; /* HTTP/1.0 has none */
}
