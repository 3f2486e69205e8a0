/* SPDX-License-Identifier: Apache-2.0
 *
 * The places that a certificate names: asked through the cache, each answer judged before it is kept.
 */
#include "base/clock.h"
#include "validation/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CRL_MOST        ((size_t)10 << 20) /* that is read at all */
#define CRL_WORTH       ((size_t)2 << 20)  /* that is embedded */
#define CERTIFICATES    ((size_t)1 << 20)
#define FAILURE_REST_MS 30000
#define ISSUER_KEPT_MS  ((int64_t)7 * 86400000)

/* What is asked of one place, and how its answer is judged. */
struct question {
    const char *kind, *url, *content_type, *accept;
    struct tp_bytes request;
    size_t most;
    struct tp_bytes certificate, issuer;
    /* Whether ANSWER is good, into the errand's evidence if so; until when it may be kept. */
    enum tp_rc (*judge)(struct tp_validation_errand *errand, const struct question *question, struct tp_bytes answer,
                        const char *from, struct tp_error *error, int64_t *ret_until_ms);
};

/* ---- what does not answer ---- */

/* A place that cannot be reached, for questions of this kind; or one question, that is answered with an error. A certificate can name
 * anybody's place, and what comes of asking something odd there says nothing of what others ask. */
struct failing {
    tp_validation_key place, question;
};

static enum tp_rc failing_of(const struct question *question, struct failing *ret_failing)
{
    char kind[32];
    (void)snprintf(kind, sizeof kind, "failure %s", question->kind);
    TP_TRY(tp_validation_cache_key(kind, question->url, TP_BYTES_NONE, ret_failing->place));
    (void)snprintf(kind, sizeof kind, "refusal %s", question->kind);
    return tp_validation_cache_key(kind, question->url, question->request, ret_failing->question);
}

static bool failed_lately(struct tp_validation_source *source, const struct failing *failing, struct tp_error *error)
{
    bool failed = false;
    (void)pthread_mutex_lock(&source->lock);
    for (size_t i = 0; i < TP_VALIDATION_FAILURES && !failed; i++) {
        failed = source->failures[i].until_ms > tp_clock_monotonic_ms() &&
                 (memcmp(source->failures[i].what, failing->place, sizeof(tp_validation_key)) == 0 ||
                  memcmp(source->failures[i].what, failing->question, sizeof(tp_validation_key)) == 0);
        if (failed)
            (void)tp_error_set(error, TP_UNREACHABLE, "%s (a moment ago)", source->failures[i].words);
    }
    (void)pthread_mutex_unlock(&source->lock);
    return failed;
}

/* Who had less time than anybody is given knows nothing of the place. */
static void note_failure(struct tp_validation_errand *errand, const struct failing *failing, bool hurried, enum tp_rc rc,
                         const struct tp_error *error)
{
    struct tp_validation_source *source = errand->source;
    const bool of_place = rc == TP_UNREACHABLE || rc == TP_TIMEOUT;
    if (rc == TP_MEMORY || (of_place && hurried))
        return;
    (void)pthread_mutex_lock(&source->lock);
    const size_t at = source->next_failure++ % TP_VALIDATION_FAILURES;
    memcpy(source->failures[at].what, of_place ? failing->place : failing->question, sizeof(tp_validation_key));
    source->failures[at].until_ms = tp_clock_monotonic_ms() + FAILURE_REST_MS;
    (void)snprintf(source->failures[at].words, sizeof source->failures[at].words, "%.150s", tp_error_words(error));
    (void)pthread_mutex_unlock(&source->lock);
}

static bool is_hurried(const struct tp_validation_errand *errand)
{
    return tp_deadline_left_ms(errand->deadline_ms) < errand->source->config.timeout_ms;
}

/* ---- one place ---- */

static enum tp_rc fetch(struct tp_validation_errand *errand, const struct question *question, struct tp_error *error,
                        struct tp_buf *ret_answer)
{
    struct tp_http *http = NULL;
    const int left_ms = tp_deadline_left_ms(errand->deadline_ms);
    if (left_ms == 0)
        return tp_error_set(error, TP_TIMEOUT, "not asked any more: the others took too long");
    const int64_t timeout_ms = errand->source->config.timeout_ms;
    const struct tp_http_request request = {.url = question->url,
                                            .body = question->request,
                                            .content_type = question->content_type,
                                            .accept = question->accept,
                                            .most = question->most,
                                            .timeout_ms = timeout_ms < left_ms ? timeout_ms : left_ms};
    TP_TRY(tp_http_pool_take(errand->source->pool, error, &http));
    const enum tp_rc rc = tp_http_fetch(http, &request, error, NULL, ret_answer);
    tp_http_pool_give(errand->source->pool, http);
    return rc;
}

static enum tp_rc ask_network(struct tp_validation_errand *errand, const struct question *question,
                              const tp_validation_key key, struct tp_error *error)
{
    struct tp_buf answer TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct failing failing;
    int64_t until_ms = 0;
    TP_TRY(failing_of(question, &failing));
    if (failed_lately(errand->source, &failing, error))
        return TP_UNREACHABLE;
    const bool hurried = is_hurried(errand);
    enum tp_rc rc = fetch(errand, question, error, &answer);
    if (rc != TP_OK) {
        note_failure(errand, &failing, hurried, rc, error);
        return rc;
    }
    rc = question->judge(errand, question, tp_buf_bytes(&answer), question->url, error, &until_ms);
    if (rc == TP_OK || rc == TP_TOO_LARGE) /* true, if not welcome */
        tp_validation_cache_put(errand->source->cache, key, tp_buf_bytes(&answer), until_ms, errand->now_ms);
    return rc;
}

/* What is in the cache is judged as what comes from outside: it lies in a folder. */
static enum tp_rc ask_cache(struct tp_validation_errand *errand, const struct question *question, const tp_validation_key key,
                            int64_t since_ms)
{
    struct tp_buf answer TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error error = {0};
    int64_t until_ms = 0;
    TP_TRY(tp_validation_cache_get(errand->source->cache, key, errand->now_ms, since_ms, &answer));
    const enum tp_rc rc = question->judge(errand, question, tp_buf_bytes(&answer), question->url, &error, &until_ms);
    return rc == TP_OK || rc == TP_MEMORY || rc == TP_TOO_LARGE ? rc : TP_NOT_FOUND;
}

/* From when on what is in the cache will do. */
static int64_t recent_since(const struct tp_validation_errand *errand)
{
    const struct tp_validation_source_config *config = &errand->source->config;
    return config->offline || config->recent_ms == 0 ? INT64_MIN : errand->now_ms - config->recent_ms;
}

static enum tp_rc ask_place(struct tp_validation_errand *errand, const struct question *question)
{
    struct tp_error error = {0};
    tp_validation_key key;
    TP_TRY(tp_validation_cache_key(question->kind, question->url, question->request, key));
    enum tp_rc rc = ask_cache(errand, question, key, recent_since(errand));
    if (rc != TP_NOT_FOUND || errand->source->config.offline)
        return rc;
    rc = ask_network(errand, question, key, &error);
    if (rc != TP_OK && rc != TP_MEMORY && rc != TP_TOO_LARGE && rc != TP_NOT_FOUND) { /* no answer, or nonsense */
        const enum tp_rc older = ask_cache(errand, question, key, INT64_MIN);
        rc = older == TP_NOT_FOUND ? rc : older;
    }
    if (rc != TP_OK && rc != TP_MEMORY) {
        const bool named = strncmp(error.words, question->url, strnlen(question->url, 200)) == 0;
        TP_TRY(tp_buf_printf(&errand->tried, "%s%.200s%s%.160s", errand->tried.len > 0 ? "; " : "",
                             named ? "" : question->url, named ? "" : ": ", tp_error_words(&error)));
    }
    return rc;
}

static enum tp_rc ask_places(struct tp_validation_errand *errand, char *const *urls, size_t urls_len,
                             struct question *question)
{
    enum tp_rc rc = TP_NOT_FOUND;
    for (size_t i = 0; i < urls_len; i++) {
        question->url = urls[i];
        rc = ask_place(errand, question);
        if (rc == TP_OK || rc == TP_MEMORY || rc == TP_TOO_LARGE)
            return rc;
    }
    return rc == TP_OK ? TP_OK : TP_NOT_FOUND;
}

/* ---- revocation data ---- */

/* Alone, with the certificates that are there: what it says by itself is what counts. */
static enum tp_rc judge_status(struct tp_validation_errand *errand, const struct question *question,
                               enum tp_evidence_kind kind, struct tp_bytes answer, struct tp_error *error,
                               struct tp_validation_status *ret_status)
{
    struct tp_evidence *alone TP_AUTO(tp_evidence_free_p) = NULL;
    TP_TRY(tp_evidence_new(&alone));
    for (size_t i = 0; i < tp_evidence_len(errand->evidence, TP_EVIDENCE_CERTIFICATE); i++)
        TP_TRY(tp_evidence_add(alone, TP_EVIDENCE_CERTIFICATE,
                               tp_evidence_at(errand->evidence, TP_EVIDENCE_CERTIFICATE, i), "", INT64_MAX));
    TP_TRY(tp_evidence_add(alone, kind, answer, "", INT64_MAX));
    const int64_t latest_ms = errand->at_ms > errand->now_ms ? errand->at_ms : errand->now_ms;
    const struct tp_validation_ask ask = {.certificate = question->certificate,
                                          .issuer = question->issuer,
                                          .evidence = alone,
                                          .by_ms = latest_ms + TP_VALIDATION_CLOCKS_MS,
                                          .heard_ms = INT64_MAX,
                                          .harm_ms = errand->at_ms,
                                          .now_ms = errand->at_ms,
                                          .trusts_responder = true};
    struct tp_validation_status status = {0};
    TP_TRY(tp_validation_status_find(&ask, &status));
    if (!status.found) {
        const char *why = status.last.words[0] != '\0' ? status.last.words : "the answer is about other certificates";
        (void)tp_error_set(error, TP_NOT_FOUND, "%s", why);
        tp_validation_status_clear(&status);
        return TP_NOT_FOUND;
    }
    *ret_status = status;
    return TP_OK;
}

static enum tp_rc judge_revocation(struct tp_validation_errand *errand, const struct question *question,
                                   enum tp_evidence_kind kind, struct tp_bytes answer, const char *from,
                                   struct tp_error *error, int64_t *ret_until_ms)
{
    struct tp_validation_status status TP_AUTO(tp_validation_status_clear) = {0};
    TP_TRY(judge_status(errand, question, kind, answer, error, &status));
    const int64_t until_ms = tp_validation_status_until(&status, 0);
    *ret_until_ms = status.next_ms;
    if (!status.revoked && until_ms <= errand->at_ms) {
        char time[TP_VALIDATION_TIME_LEN];
        tp_validation_time_text(until_ms, time);
        return tp_error_set(error, TP_NOT_FOUND, "its answer was good up to %s only", time);
    }
    const size_t worth = errand->source->config.crl_most != 0 ? errand->source->config.crl_most : CRL_WORTH;
    if (!errand->verifies && !status.revoked && kind == TP_EVIDENCE_CRL && answer.len > worth)
        return tp_error_set(error, TP_TOO_LARGE, "the CRL has %zu bytes: more than the %zu that are embedded",
                            answer.len, worth);
    TP_TRY(tp_evidence_add(errand->evidence, kind, answer, from, INT64_MAX));
    tp_validation_status_clear(&errand->answered);
    errand->answered = status;
    status = (struct tp_validation_status){0};
    return TP_OK;
}

static enum tp_rc judge_ocsp(struct tp_validation_errand *errand, const struct question *question,
                             struct tp_bytes answer, const char *from, struct tp_error *error, int64_t *ret_until_ms)
{
    return judge_revocation(errand, question, TP_EVIDENCE_OCSP, answer, from, error, ret_until_ms);
}

static enum tp_rc judge_crl(struct tp_validation_errand *errand, const struct question *question,
                            struct tp_bytes answer, const char *from, struct tp_error *error, int64_t *ret_until_ms)
{
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pki_crl_der(answer, error, &der)); /* some serve PEM */
    return judge_revocation(errand, question, TP_EVIDENCE_CRL, tp_buf_bytes(&der), from, error, ret_until_ms);
}

enum tp_rc tp_validation_ask_ocsp(struct tp_validation_errand *errand, struct tp_bytes certificate,
                                  struct tp_bytes issuer)
{
    struct tp_pki_places places = {0};
    struct tp_buf request TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (errand->source->config.crl_only)
        return TP_NOT_FOUND;
    TP_TRY(tp_pki_places_read(certificate, NULL, &places));
    enum tp_rc rc = tp_pki_ocsp_request(certificate, issuer, TP_BYTES_NONE, NULL, &request);
    struct question question = {.kind = "ocsp",
                                .content_type = "application/ocsp-request",
                                .accept = "application/ocsp-response",
                                .request = tp_buf_bytes(&request),
                                .most = TP_PKI_OCSP_MAX,
                                .certificate = certificate,
                                .issuer = issuer,
                                .judge = judge_ocsp};
    if (rc == TP_OK)
        rc = ask_places(errand, places.ocsp, places.ocsp_len, &question);
    tp_pki_places_clear(&places);
    return rc;
}

enum tp_rc tp_validation_ask_crl(struct tp_validation_errand *errand, struct tp_bytes certificate,
                                 struct tp_bytes issuer)
{
    struct tp_pki_places places = {0};
    TP_TRY(tp_pki_places_read(certificate, NULL, &places));
    struct question question = {
        .kind = "crl", .most = CRL_MOST, .certificate = certificate, .issuer = issuer, .judge = judge_crl};
    const enum tp_rc rc = ask_places(errand, places.crl, places.crl_len, &question);
    tp_pki_places_clear(&places);
    return rc;
}

/* ---- issuers ---- */

struct taking {
    struct tp_validation_errand *errand;
    const struct question *question;
    const char *from;
    size_t taken;
    int64_t not_after_ms;
};

static enum tp_rc take_issuer(void *context, struct tp_bytes der)
{
    struct taking *taking = context;
    struct tp_pki_certificate certificate = {0};
    if (tp_pki_certificate_issued_by(taking->question->certificate, der, NULL) != TP_OK ||
        tp_pki_certificate_parse(der, NULL, &certificate) != TP_OK)
        return TP_OK;
    taking->taken++;
    taking->not_after_ms = certificate.not_after_ms;
    tp_pki_certificate_clear(&certificate);
    return tp_evidence_add(taking->errand->evidence, TP_EVIDENCE_CERTIFICATE, der, taking->from, INT64_MAX);
}

static enum tp_rc judge_issuer(struct tp_validation_errand *errand, const struct question *question,
                               struct tp_bytes answer, const char *from, struct tp_error *error, int64_t *ret_until_ms)
{
    struct taking taking = {.errand = errand, .question = question, .from = from};
    TP_TRY(tp_pki_certificates_read(answer, error, take_issuer, &taking));
    if (taking.taken == 0)
        return tp_error_set(error, TP_NOT_FOUND, "the certificate there is not the issuer's");
    *ret_until_ms =
        errand->now_ms + ISSUER_KEPT_MS < taking.not_after_ms ? errand->now_ms + ISSUER_KEPT_MS : taking.not_after_ms;
    return TP_OK;
}

enum tp_rc tp_validation_ask_issuer(struct tp_validation_errand *errand, struct tp_bytes certificate)
{
    struct tp_pki_places places = {0};
    TP_TRY(tp_pki_places_read(certificate, NULL, &places));
    struct question question = {
        .kind = "issuer", .most = CERTIFICATES, .certificate = certificate, .judge = judge_issuer};
    const enum tp_rc rc = ask_places(errand, places.issuer, places.issuer_len, &question);
    tp_pki_places_clear(&places);
    return rc;
}
