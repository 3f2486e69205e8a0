/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 3161 §2.4.2 and §3.4: what a client has to look at before it believes a token.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "tsa/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MOST TP_PKI_CMS_CERTIFICATES
#define NONCE_LEN 9 /* a 1, so that the INTEGER is positive and as short as DER wants it, and 64 random bits */

/* ---- asking ---- */

static enum tp_rc request_fill(const struct tp_tsa_question *question, struct tp_pki_timestamp_request *request)
{
    *request = (struct tp_pki_timestamp_request){.hash = question->hash, .cert_req = true, .nonce_len = NONCE_LEN};
    if (question->digest.len != tp_pki_hash_len(question->hash) || question->digest.len > sizeof request->imprint)
        return TP_DATA_LENGTH;
    memcpy(request->imprint, question->digest.data, question->digest.len);
    request->imprint_len = question->digest.len;
    if (question->place->policy != NULL) {
        if (strlen(question->place->policy) >= sizeof request->policy)
            return TP_TOO_LARGE;
        memcpy(request->policy, question->place->policy, strlen(question->place->policy) + 1);
    }
    request->nonce[0] = 1;
    return tp_random(request->nonce + 1, NONCE_LEN - 1);
}

/* What to do about it, where that can be told from here. The first row that fits. */
static const struct {
    enum tp_rc rc;
    int status; /* 0: any */
    const char *words, *with_user; /* the latter, unless NULL, where it was told who asks */
} steps[] = {
    {TP_REFUSED, 401, "say user and password_file for it in documents.conf",
     "is what documents.conf says for it right: user, and the first line of password_file?"},
    {TP_REFUSED, 404, "look at the path in its URL; that of trustp11d net is /tsa", NULL},
    {TP_REFUSED, 405, "is its URL that of a timestamp authority?", NULL},
    {TP_MALFORMED, 200, "is its URL that of a timestamp authority?", NULL},
    {TP_REFUSED, 429, "it has been asked too often: ask later", NULL},
    {TP_REFUSED, 503, "it cannot answer now: ask later, or look at its log if it is yours", NULL},
    {TP_UNREACHABLE, 0, "is it running, and the URL right?", NULL},
    {TP_TIMEOUT, 0, "ask later, or name another with --tsa or in documents.conf", NULL},
};

static enum tp_rc say_next_step(enum tp_rc rc, int status, bool has_user, const struct tp_error *own, struct tp_error *error)
{
    if (own->rc != rc)
        return rc;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (steps[i].rc == rc && (steps[i].status == 0 || steps[i].status == status))
            return tp_error_set(error, rc, "%s (%s)", own->words,
                                has_user && steps[i].with_user != NULL ? steps[i].with_user : steps[i].words);
    return tp_error_set(error, rc, "%s", own->words);
}

static enum tp_rc ask(const struct tp_tsa_question *question, struct tp_http *http, struct tp_bytes request,
                      struct tp_error *error, int *ret_status, int64_t *ret_retry_after_ms, struct tp_buf *ret_response)
{
    const struct tp_http_request fetch = {.url = question->place->url,
                                          .body = request,
                                          .content_type = "application/timestamp-query",
                                          .accept = "application/timestamp-reply",
                                          .most = TP_PKI_TIMESTAMP_RESPONSE_MAX,
                                          .timeout_ms = question->place->timeout_ms,
                                          .access = &question->place->access};
    struct tp_error own = {0};
    const enum tp_rc rc = tp_http_fetch(http, &fetch, &own, ret_status, ret_response);
    *ret_retry_after_ms = tp_http_retry_after_ms(http);
    return rc == TP_OK ? rc : say_next_step(rc, *ret_status, fetch.access->user != NULL, &own, error);
}

/* ---- believing ---- */

static enum tp_rc check_imprint(const struct tp_tsa_question *question, const struct tp_pki_timestamp *timestamp,
                                struct tp_error *error)
{
    if (tp_pki_timestamp_info(timestamp)->hash != question->hash)
        return tp_error_set(error, TP_DATA, "its token is over another kind of hash than the one sent");
    if (tp_pki_timestamp_is_over(timestamp, question->digest, NULL) != TP_OK)
        return tp_error_set(error, TP_DATA, "its token is over something else than what was sent");
    return TP_OK;
}

/* Without the nonce an old token of somebody else's would do. */
static enum tp_rc check_nonce(const struct tp_pki_timestamp_info *info, const struct tp_pki_timestamp_request *request,
                              struct tp_error *error)
{
    if (info->nonce_len == 0)
        return tp_error_set(error, TP_PEER, "its token lacks the nonce that was sent");
    if (!tp_bytes_equal(TP_BYTES(info->nonce, info->nonce_len), TP_BYTES(request->nonce, request->nonce_len)))
        return tp_error_set(error, TP_PEER, "its token has another nonce than the one sent");
    return TP_OK;
}

static enum tp_rc check_policy(const struct tp_pki_timestamp_info *info, const struct tp_pki_timestamp_request *request,
                               struct tp_error *error)
{
    if (request->policy[0] == '\0' || strcmp(info->policy, request->policy) == 0)
        return TP_OK;
    return tp_error_set(error, TP_PEER, "its token is under policy %s instead of %s", info->policy, request->policy);
}

static enum tp_rc check_time(const struct tp_pki_timestamp_info *info, int64_t tolerance_ms, int64_t sent_ms,
                             struct tp_error *error)
{
    const int64_t time_ms = info->time_us / 1000, received_ms = tp_clock_utc_ms();
    const int64_t off_ms = time_ms < sent_ms ? sent_ms - time_ms : time_ms > received_ms ? time_ms - received_ms : 0;
    if (off_ms <= tolerance_ms)
        return TP_OK;
    return tp_error_set(error, TP_PEER, "its token's time is %" PRId64 " s %s our clock's; one of the two is wrong",
                        off_ms / 1000, time_ms < sent_ms ? "before" : "after");
}

/* No proof of anything for whoever verifies it: then another authority is asked while there is time. */
static enum tp_rc check_strength(const struct tp_pki_timestamp *timestamp, struct tp_error *error)
{
    struct tp_pki_cms_signer signer = {0};
    tp_pki_cms_signer(tp_pki_timestamp_cms(timestamp), 0, &signer);
    if (!signer.weak)
        return TP_OK;
    return tp_error_set(error, TP_PEER, "its token is signed too weakly to prove anything (%s)", signer.algorithm);
}

/* An anchor is trusted as it is. */
static enum tp_rc check_path_strength(const struct tp_pki_path *path, struct tp_error *error)
{
    for (size_t i = 0; i + 1 < path->len; i++) {
        struct tp_pki_certificate certificate TP_AUTO(tp_pki_certificate_clear) = {0};
        bool weak = false;
        TP_TRY(tp_pki_certificate_is_weak(tp_buf_bytes(&path->certificates[i]), error, &weak));
        if (!weak)
            continue;
        TP_TRY(tp_pki_certificate_parse(tp_buf_bytes(&path->certificates[i]), error, &certificate));
        return tp_error_set(error, TP_PEER, "the TSA's certificate: that of %.300s is signed too weakly, or its key is too weak, to "
                            "prove anything", certificate.subject);
    }
    return TP_OK;
}

static enum tp_rc check_chain(const struct tp_tsa_question *question, const struct tp_pki_timestamp *timestamp,
                              struct tp_bytes certificate, struct tp_error *error)
{
    if (question->anchors == NULL)
        return TP_OK;
    struct tp_bytes pool[POOL_MOST];
    size_t pool_len = 0;
    const struct tp_pki_cms *cms = tp_pki_timestamp_cms(timestamp);
    for (size_t i = 0; i < tp_pki_cms_certificates_len(cms) && pool_len < POOL_MOST; i++)
        pool[pool_len++] = tp_pki_cms_certificate(cms, i);
    struct tp_pki_path *path = calloc(1, sizeof *path);
    if (path == NULL)
        return TP_MEMORY;
    enum tp_rc rc = tp_pki_path_build(certificate, pool, pool_len, question->anchors, TP_PKI_FOR_TIMESTAMPING,
                                      tp_pki_timestamp_info(timestamp)->time_us / 1000, error, path);
    if (rc == TP_OK && path->flaw != TP_PKI_PATH_GOOD)
        rc = tp_error_set(error, TP_PEER, "the TSA's certificate: %s", path->why);
    if (rc == TP_OK)
        rc = check_path_strength(path, error);
    tp_pki_path_clear(path);
    free(path);
    return rc;
}

static enum tp_rc check_token(const struct tp_tsa_question *question, const struct tp_pki_timestamp_request *request,
                              struct tp_bytes token, int64_t sent_ms, struct tp_error *error)
{
    struct tp_pki_timestamp *timestamp TP_AUTO(tp_pki_timestamp_free_p) = NULL;
    struct tp_bytes certificate = TP_BYTES_NONE;
    TP_TRY(tp_pki_timestamp_parse(token, error, &timestamp));
    const struct tp_pki_timestamp_info *info = tp_pki_timestamp_info(timestamp);
    TP_TRY(check_imprint(question, timestamp, error));
    TP_TRY(check_nonce(info, request, error));
    TP_TRY(check_policy(info, request, error));
    TP_TRY(check_time(info, question->tolerance_ms, sent_ms, error));
    TP_TRY(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, error, &certificate));
    TP_TRY(check_strength(timestamp, error));
    return check_chain(question, timestamp, certificate, error);
}

static enum tp_rc believe(const struct tp_tsa_question *question, const struct tp_pki_timestamp_request *request,
                          struct tp_bytes response, int64_t sent_ms, struct tp_error *error, struct tp_buf *ret_token)
{
    struct tp_buf token TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pki_timestamp_response_token(response, error, &token));
    TP_TRY(check_token(question, request, tp_buf_bytes(&token), sent_ms, error));
    return tp_buf_append(ret_token, tp_buf_bytes(&token));
}

enum tp_rc tp_tsa_exchange(const struct tp_tsa_question *question, struct tp_http *http, struct tp_error *error,
                           int *ret_status, int64_t *ret_retry_after_ms, struct tp_buf *ret_token)
{
    struct tp_pki_timestamp_request request;
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT, response TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(request_fill(question, &request));
    TP_TRY(tp_pki_timestamp_request_make(&request, &der));
    const int64_t sent_ms = tp_clock_utc_ms();
    TP_TRY(ask(question, http, tp_buf_bytes(&der), error, ret_status, ret_retry_after_ms, &response));
    struct tp_error own = {0};
    const enum tp_rc rc = believe(question, &request, tp_buf_bytes(&response), sent_ms, &own, ret_token);
    if (rc == TP_OK)
        return TP_OK;
    return tp_error_set(error, rc, "%.200s: %s", question->place->url, own.rc == rc ? own.words : tp_rc_words(rc));
}
