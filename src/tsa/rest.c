/* SPDX-License-Identifier: Apache-2.0
 *
 * TSAs ban clients that ask too often: whatever went wrong, a status of HTTP 400 or a bad answer as well as a silent
 * network, asking again at once does not mend it.
 */
#include "tsa/internal.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void tp_tsa_rest_failed(struct tp_tsa_rest *rest, int http_status, int64_t retry_after_ms, int64_t now_ms)
{
    if (tp_tsa_rest_left_ms(rest, now_ms) > 0) { /* threads that asked at the same time: one failure */
        rest->until_ms = larger(rest->until_ms, now_ms + retry_after_ms);
        return;
    }
    int64_t rest_ms = TP_TSA_REST_FIRST_MS;
    for (unsigned i = 0; i < rest->failures && rest_ms < TP_TSA_REST_MOST_MS; i++)
        rest_ms *= 2;
    if (rest_ms > TP_TSA_REST_MOST_MS)
        rest_ms = TP_TSA_REST_MOST_MS;
    if (http_status == 429 && retry_after_ms == 0)
        rest_ms = larger(rest_ms, TP_TSA_REST_429_MS);
    rest->failures++;
    rest->until_ms = now_ms + larger(rest_ms, retry_after_ms);
}

void tp_tsa_rest_succeeded(struct tp_tsa_rest *rest)
{
    *rest = (struct tp_tsa_rest){0};
}

int64_t tp_tsa_rest_left_ms(const struct tp_tsa_rest *rest, int64_t now_ms)
{
    return larger(rest->until_ms - now_ms, 0);
}
