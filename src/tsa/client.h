/* SPDX-License-Identifier: Apache-2.0
 *
 * A client of timestamp authorities (RFC 3161 over HTTP, §3.4): several in order of preference, each answer checked
 * whole before it is believed, the next one asked after an error as well as after a bad answer (RS-4).
 */
#ifndef TP_TSA_CLIENT_H
#define TP_TSA_CLIENT_H

#include "http/http.h"
#include "pki/path.h"
#include "pki/timestamp.h"

#define TP_TSA_MOST    16
#define TP_TSA_WAIT_MS 2000

struct tp_tsa_place {
    const char *url;
    struct tp_http_access access;
    const char *policy; /* asked for, and demanded of the token; NULL: any */
    int64_t timeout_ms; /* 0: TP_HTTP_TIMEOUT_MS */
};
/* Whether it can be asked at all, before anything is done for it: TP_BAD_ARGUMENT, TP_REFUSED with words. */
TP_MUST_USE enum tp_rc tp_tsa_place_check(const struct tp_tsa_place *place, struct tp_error *error);

struct tp_tsa_client_config {
    const struct tp_tsa_place *places; /* in order of preference */
    size_t places_len;
    const struct tp_pki_anchors *anchors; /* of the TSAs; NULL: the chain is not checked (said so in the report) */
    int64_t clock_tolerance_ms;           /* that a token's time may differ from ours; 0: 5 minutes */
    /* With each token, by the thread that asked: WORDS of each TSA that failed before it, then NULL for the one that it
     * is of. What failed without a token is the error's alone. May be NULL. */
    void (*told)(void *context, const char *url, const char *words);
    void *context;
};
struct tp_tsa_client; /* threads may share it: back-off is per TSA, connections per thread */
/* Everything is copied, but ANCHORS, which must outlive it. Fails as tp_tsa_place_check. */
TP_MUST_USE enum tp_rc tp_tsa_client_new(const struct tp_tsa_client_config *config, struct tp_error *error,
                                         struct tp_tsa_client **ret_client);
void tp_tsa_client_free(struct tp_tsa_client *client);
TP_DEFINE_AUTO(struct tp_tsa_client, tp_tsa_client_free)

/* A token over DIGEST (by HASH), DER, appended: right imprint, nonce, policy, plausible time, certificate for
 * timestamping, chain. A TSA that failed is left alone for a while (1 s, doubled up to 10 min; longer where it said
 * Retry-After or 429). Where all are, or have failed now, the one that may be asked soonest is asked once more, if that is no
 * longer than TP_TSA_WAIT_MS: of those that have failed now only one whose trouble may be over (HTTP 5xx, no connection).
 * TP_UNREACHABLE with what each of them did when none is left. */
TP_MUST_USE enum tp_rc tp_tsa_client_stamp(struct tp_tsa_client *client, enum tp_pki_hash hash, struct tp_bytes digest,
                                           struct tp_error *error, struct tp_buf *ret_token);

#endif
