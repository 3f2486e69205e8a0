/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share among themselves.
 */
#ifndef TP_TSA_INTERNAL_H
#define TP_TSA_INTERNAL_H

#include "tsa/client.h"

/* ---- rest.c: how long one that failed is left alone ---- */

#define TP_TSA_REST_FIRST_MS ((int64_t)1000)
#define TP_TSA_REST_MOST_MS  ((int64_t)600000)
#define TP_TSA_REST_429_MS   ((int64_t)60000) /* "too many requests" that does not say how long (RFC 6585 §4) */

struct tp_tsa_rest {
    int64_t until_ms; /* monotonic; 0: it may be asked */
    unsigned failures;
};
void tp_tsa_rest_failed(struct tp_tsa_rest *rest, int http_status, int64_t retry_after_ms, int64_t now_ms);
void tp_tsa_rest_succeeded(struct tp_tsa_rest *rest);
int64_t tp_tsa_rest_left_ms(const struct tp_tsa_rest *rest, int64_t now_ms); /* 0: none */

/* ---- exchange.c: one request to one TSA, and whether its answer is good ---- */

struct tp_tsa_question {
    const struct tp_tsa_place *place;
    enum tp_pki_hash hash;
    struct tp_bytes digest;
    const struct tp_pki_anchors *anchors; /* NULL: the chain is not checked */
    int64_t tolerance_ms;
};
/* Words begin with the place's URL. RET_STATUS and RET_RETRY_AFTER_MS as of tp_http_fetch. Appended. */
TP_MUST_USE enum tp_rc tp_tsa_exchange(const struct tp_tsa_question *question, struct tp_http *http,
                                       struct tp_error *error, int *ret_status, int64_t *ret_retry_after_ms,
                                       struct tp_buf *ret_token);

#endif
