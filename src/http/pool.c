/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pool.h"

#include <pthread.h>
#include <stdlib.h>

#define IDLE_MOST 8 /* kept; more threads make more, which end after use */

struct tp_http_pool {
    pthread_mutex_t lock;
    struct tp_http *idle[IDLE_MOST];
    size_t idle_len;
};

enum tp_rc tp_http_pool_new(struct tp_http_pool **ret_pool)
{
    struct tp_http_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return TP_MEMORY;
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return TP_MEMORY;
    }
    *ret_pool = pool;
    return TP_OK;
}

void tp_http_pool_free(struct tp_http_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->idle_len; i++)
        tp_http_free(pool->idle[i]);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

enum tp_rc tp_http_pool_take(struct tp_http_pool *pool, struct tp_error *error, struct tp_http **ret_http)
{
    struct tp_http *http = NULL;
    (void)pthread_mutex_lock(&pool->lock);
    if (pool->idle_len > 0)
        http = pool->idle[--pool->idle_len];
    (void)pthread_mutex_unlock(&pool->lock);
    if (http == NULL)
        TP_TRY(tp_http_new(error, &http));
    *ret_http = http;
    return TP_OK;
}

void tp_http_pool_give(struct tp_http_pool *pool, struct tp_http *http)
{
    (void)pthread_mutex_lock(&pool->lock);
    if (pool->idle_len < IDLE_MOST) {
        pool->idle[pool->idle_len++] = http;
        http = NULL;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    tp_http_free(http);
}
