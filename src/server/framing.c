/* SPDX-License-Identifier: Apache-2.0 */
#include "server/framing.h"

#include <event2/keyvalq_struct.h>
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

static bool is_chunked(const char *value)
{
    return strcasecmp(value, "chunked") == 0;
}

static const struct {
    const char *name;
    bool (*is_good)(const char *value);
} fields[] = {{"Content-Length", is_length}, {"Transfer-Encoding", is_chunked}};

bool tp_framing_is_clear(struct evhttp_request *request)
{
    const struct evkeyval *header;
    unsigned found = 0;
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(request), next)
    {
        if (!is_of(header->key, TOKEN))
            return false;
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            if (strcasecmp(header->key, fields[i].name) == 0 && (found++ > 0 || !fields[i].is_good(header->value)))
                return false;
    }
    return true;
}
