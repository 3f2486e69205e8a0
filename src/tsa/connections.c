/* SPDX-License-Identifier: Apache-2.0 */
#include "tsa/internal.h"

enum tp_rc tp_tsa_connections_init(struct tp_tsa_connections *connections)
{
    connections->idle_len = 0;
    return pthread_mutex_init(&connections->lock, NULL) == 0 ? TP_OK : TP_MEMORY;
}

void tp_tsa_connections_clear(struct tp_tsa_connections *connections)
{
    for (size_t i = 0; i < connections->idle_len; i++)
        tp_http_free(connections->idle[i]);
    (void)pthread_mutex_destroy(&connections->lock);
}

enum tp_rc tp_tsa_connections_take(struct tp_tsa_connections *connections, struct tp_error *error,
                                   struct tp_http **ret_http)
{
    struct tp_http *http = NULL;
    (void)pthread_mutex_lock(&connections->lock);
    if (connections->idle_len > 0)
        http = connections->idle[--connections->idle_len];
    (void)pthread_mutex_unlock(&connections->lock);
    if (http == NULL)
        TP_TRY(tp_http_new(error, &http));
    *ret_http = http;
    return TP_OK;
}

void tp_tsa_connections_give(struct tp_tsa_connections *connections, struct tp_http *http)
{
    (void)pthread_mutex_lock(&connections->lock);
    if (connections->idle_len < TP_TSA_CONNECTIONS) {
        connections->idle[connections->idle_len++] = http;
        http = NULL;
    }
    (void)pthread_mutex_unlock(&connections->lock);
    tp_http_free(http);
}
