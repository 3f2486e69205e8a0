/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients with their kept connections, lent to one thread at a time.
 */
#ifndef TP_HTTP_POOL_H
#define TP_HTTP_POOL_H

#include "http/http.h"

struct tp_http_pool; /* threads may share it */
TP_MUST_USE enum tp_rc tp_http_pool_new(struct tp_http_pool **ret_pool);
void tp_http_pool_free(struct tp_http_pool *pool); /* with all given back */
TP_DEFINE_AUTO(struct tp_http_pool, tp_http_pool_free)
TP_MUST_USE enum tp_rc tp_http_pool_take(struct tp_http_pool *pool, struct tp_error *error, struct tp_http **ret_http);
void tp_http_pool_give(struct tp_http_pool *pool, struct tp_http *http);

#endif
