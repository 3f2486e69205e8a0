/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share among themselves.
 */
#ifndef TP_HTTP_INTERNAL_H
#define TP_HTTP_INTERNAL_H

#include "http/http.h"

#define TP_HTTP_URL_MAX 2048

/* What has to be known of a URL before it is asked for. */
struct tp_http_url {
    bool tls, loopback;
};
/* TP_BAD_ARGUMENT with words for what is neither http nor https, too long, or names a user: a password in a URL gets
 * into logs. */
TP_MUST_USE enum tp_rc tp_http_url_read(const char *url, struct tp_error *error, struct tp_http_url *ret_url);

#endif
