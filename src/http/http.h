/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP exchange with a server that is not ours: bounded in time, size and redirects, over libcurl. Nothing of the
 * environment is read (no proxy variables, no .netrc) but what the caller gives.
 */
#ifndef TP_HTTP_HTTP_H
#define TP_HTTP_HTTP_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

#define TP_HTTP_TIMEOUT_MS 15000
#define TP_HTTP_REDIRECTS  3

struct tp_http; /* a client with its kept connections; one thread at a time */

struct tp_http_access {                      /* all may be NULL; paths are of PEM files */
    const char *ca_file;                     /* trust anchors of the server's certificate; NULL: the system's */
    const char *certificate_file, *key_file; /* client certificate */
    const char *user;
    const struct tp_secret *password; /* basic authentication; over plain HTTP only where the URL's host is loopback */
};

TP_MUST_USE enum tp_rc tp_http_new(struct tp_error *error, struct tp_http **ret_http);
void tp_http_free(struct tp_http *http);
TP_DEFINE_AUTO(struct tp_http, tp_http_free)

struct tp_http_request {
    const char *url;                     /* http:// or https:// */
    struct tp_bytes body;                /* POST with CONTENT_TYPE; GET without */
    const char *content_type;            /* of the body */
    const char *accept;                  /* content type that the answer must have; NULL: any */
    size_t most;                         /* bytes of the answer */
    int64_t timeout_ms;                  /* all in all; 0: TP_HTTP_TIMEOUT_MS */
    const struct tp_http_access *access; /* NULL: none */
};
/* TP_OK with status 200 only; RET_STATUS (may be NULL) is the HTTP status also when that is why it failed, 0 without
 * one. TP_TIMEOUT, TP_UNREACHABLE, TP_TOO_LARGE, TP_MALFORMED (content type), TP_PEER (TLS), TP_REFUSED (a status); the
 * words name the URL without a password. Appended. */
TP_MUST_USE enum tp_rc tp_http_fetch(struct tp_http *http, const struct tp_http_request *request,
                                     struct tp_error *error, int *ret_status, struct tp_buf *ret_body);

/* Whether URL can be asked with ACCESS (NULL: none) at all, before anything is done for it: TP_BAD_ARGUMENT, TP_REFUSED with the
 * words of tp_http_fetch. */
TP_MUST_USE enum tp_rc tp_http_check(const char *url, const struct tp_http_access *access, struct tp_error *error);

/* What the server of the last fetch asked for by Retry-After (RFC 9110 §10.2.3), from now on; 0: nothing. At most a
 * day. */
int64_t tp_http_retry_after_ms(const struct tp_http *http);

#endif
