/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathering: a chain, then for each of its certificates a status, then the same for whoever has signed the status.
 */
#include "base/clock.h"
#include "validation/internal.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_MOST TP_PKI_PATH_MAX /* issuers that are fetched for one chain */

/* ---- the handle ---- */

enum tp_rc tp_validation_source_new(const struct tp_validation_source_config *config, struct tp_error *error,
                                    struct tp_validation_source **ret_source)
{
    struct tp_validation_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return TP_MEMORY;
    if (pthread_mutex_init(&source->lock, NULL) != 0) {
        free(source);
        return TP_MEMORY;
    }
    source->config = *config;
    source->config.cache_dir = NULL;
    if (source->config.timeout_ms == 0)
        source->config.timeout_ms = TP_HTTP_TIMEOUT_MS;
    enum tp_rc rc = tp_http_pool_new(&source->pool);
    if (rc == TP_OK)
        rc = tp_validation_cache_new(config->cache_dir, error, &source->cache);
    if (rc != TP_OK) {
        tp_validation_source_free(source);
        return rc;
    }
    *ret_source = source;
    return TP_OK;
}

void tp_validation_source_free(struct tp_validation_source *source)
{
    if (source == NULL)
        return;
    tp_validation_cache_free(source->cache);
    tp_http_pool_free(source->pool);
    (void)pthread_mutex_destroy(&source->lock);
    free(source);
}

/* ---- the chain ---- */

static enum tp_rc build(struct tp_validation_errand *errand, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                        struct tp_error *error, struct tp_pki_path *path)
{
    struct tp_bytes *pool = NULL;
    size_t pool_len = 0;
    TP_TRY(tp_evidence_views(errand->evidence, TP_EVIDENCE_CERTIFICATE, &pool, &pool_len));
    tp_pki_path_clear(path);
    const enum tp_rc rc = tp_pki_path_build(leaf, pool, pool_len, errand->anchors, purpose, errand->at_ms, error, path);
    free(pool);
    return rc;
}

static enum tp_rc refuse_chain(const struct tp_validation_errand *errand, const struct tp_pki_path *path,
                               struct tp_error *error)
{
    const char *why = path->why[0] != '\0' ? path->why : "no chain leads to a trust anchor";
    if (errand->tried.len > 0)
        return tp_error_set(error, TP_PEER, "%.200s; asked for issuers: %.250s", why, tp_buf_string(&errand->tried));
    return tp_error_set(error, TP_PEER, "%s", why);
}

/* Up to an anchor, with issuers from where certificates say that they are to be had. */
static enum tp_rc complete_chain(struct tp_validation_errand *errand, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                                 struct tp_error *error, struct tp_pki_path *path)
{
    tp_buf_reset(&errand->tried);
    for (int round = 0; round < ROUNDS_MOST; round++) {
        TP_TRY(build(errand, leaf, purpose, error, path));
        if (path->flaw != TP_PKI_PATH_NO_ANCHOR || path->len == 0)
            break;
        const enum tp_rc rc = tp_validation_ask_issuer(errand, tp_buf_bytes(&path->certificates[path->len - 1]));
        if (rc == TP_MEMORY)
            return rc;
        if (rc != TP_OK)
            break;
    }
    return path->flaw == TP_PKI_PATH_GOOD ? TP_OK : refuse_chain(errand, path, error);
}

static enum tp_rc keep_chain(struct tp_validation_errand *errand, const struct tp_pki_path *path)
{
    for (size_t i = 0; i < path->len; i++)
        TP_TRY(tp_evidence_add(errand->evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&path->certificates[i]), "chain",
                               INT64_MAX));
    return TP_OK;
}

/* ---- one certificate's status ---- */

struct subject {
    struct tp_bytes certificate, issuer;
    char name[TP_PKI_DN_MAX];
};

static enum tp_rc subject_fill(struct tp_bytes certificate, struct tp_bytes issuer, struct tp_error *error,
                               struct subject *ret_subject)
{
    struct tp_pki_certificate parsed = {0};
    TP_TRY(tp_pki_certificate_parse(certificate, error, &parsed));
    *ret_subject = (struct subject){.certificate = certificate, .issuer = issuer};
    memcpy(ret_subject->name, parsed.subject, sizeof ret_subject->name);
    tp_pki_certificate_clear(&parsed);
    return TP_OK;
}

static enum tp_rc status_in_evidence(struct tp_validation_errand *errand, const struct subject *subject,
                                     struct tp_validation_status *ret_status)
{
    const int64_t latest_ms = errand->at_ms > errand->now_ms ? errand->at_ms : errand->now_ms;
    const struct tp_validation_ask ask = {.certificate = subject->certificate,
                                          .issuer = subject->issuer,
                                          .evidence = errand->evidence,
                                          .by_ms = latest_ms + TP_VALIDATION_CLOCKS_MS,
                                          .heard_ms = INT64_MAX,
                                          .harm_ms = errand->at_ms,
                                          .now_ms = errand->at_ms,
                                          .trusts_responder = true};
    return tp_validation_status_find(&ask, ret_status);
}

static bool is_fresh(const struct tp_validation_errand *errand, const struct tp_validation_status *status)
{
    return status->found && (status->revoked || tp_validation_status_until(status, 0) > errand->at_ms);
}

/* A revocation; who asks about the past need not care for one since. */
static bool counts(const struct tp_validation_errand *errand, const struct tp_validation_status *status)
{
    const bool about_now = errand->at_ms + TP_VALIDATION_CLOCKS_MS >= errand->now_ms;
    return about_now || status->revoked_ms <= errand->at_ms;
}

static enum tp_rc refuse_revoked(const struct subject *subject, const struct tp_validation_status *status,
                                 struct tp_error *error)
{
    char time[TP_VALIDATION_TIME_LEN];
    tp_validation_time_text(status->revoked_ms, time);
    return tp_error_set(error, TP_REFUSED, "%.200s was revoked at %s (%s)", subject->name, time,
                        status->reason != NULL ? status->reason : "no reason given");
}

static enum tp_rc refuse_missing(const struct tp_validation_errand *errand, const struct subject *subject,
                                 struct tp_error *error)
{
    if (errand->tried.len > 0)
        return tp_error_set(error, TP_NOT_FOUND, "no revocation data for %.150s: %.300s", subject->name,
                            tp_buf_string(&errand->tried));
    return tp_error_set(error, TP_NOT_FOUND, "no revocation data for %.200s: %s", subject->name,
                        errand->source->config.offline ? "nothing fresh is there, and the network is not to be asked"
                                                       : "the certificate names no place that has any");
}

/* Whether the evidence that is there will do: what says "revoked" always does. */
static bool is_enough(const struct tp_validation_errand *errand, const struct tp_validation_status *status)
{
    return is_fresh(errand, status) && (status->revoked || (!errand->source->config.always && !errand->verifies));
}

/* OCSP first: a CRL can make a document of 100 KB one of 10 MB. */
static enum tp_rc ask_for_status(struct tp_validation_errand *errand, const struct subject *subject, struct tp_error *error)
{
    enum tp_rc (*const asks[])(struct tp_validation_errand *, struct tp_bytes,
                               struct tp_bytes) = {tp_validation_ask_ocsp, tp_validation_ask_crl};
    for (size_t i = 0; i < 2; i++) {
        const enum tp_rc rc = asks[i](errand, subject->certificate, subject->issuer); /* TP_OK: what is fresh, or revoked */
        if (rc == TP_OK || rc == TP_MEMORY)
            return rc;
        if (rc == TP_TOO_LARGE)
            return tp_error_set(error, rc, "%.150s: %.300s", subject->name, tp_buf_string(&errand->tried));
    }
    return TP_NOT_FOUND;
}

/* Where nobody answers, what is there counts for what it is worth; who verifies is told (ERROR is set, and TP_OK returned). */
static enum tp_rc have_status(struct tp_validation_errand *errand, const struct subject *subject,
                              struct tp_error *error, struct tp_validation_status *ret_status)
{
    tp_buf_reset(&errand->tried);
    TP_TRY(status_in_evidence(errand, subject, ret_status));
    if (is_enough(errand, ret_status))
        return TP_OK;
    const enum tp_rc rc = ask_for_status(errand, subject, error);
    if (rc == TP_OK) {
        tp_validation_status_clear(ret_status);
        *ret_status = errand->answered;
        errand->answered = (struct tp_validation_status){0};
    } else if (rc != TP_NOT_FOUND) {
        return rc;
    }
    if (!is_fresh(errand, ret_status))
        return refuse_missing(errand, subject, error);
    if (rc == TP_NOT_FOUND && errand->verifies)
        (void)refuse_missing(errand, subject, error);
    return TP_OK;
}

static enum tp_rc gather_one(struct tp_validation_errand *errand, struct tp_bytes certificate, struct tp_bytes issuer,
                             int depth, struct tp_error *error)
{
    struct subject subject;
    struct tp_validation_status status TP_AUTO(tp_validation_status_clear) = {0};
    TP_TRY(subject_fill(certificate, issuer, error, &subject));
    TP_TRY(have_status(errand, &subject, error, &status));
    if (status.revoked && counts(errand, &status))
        return refuse_revoked(&subject, &status, error);
    if (status.responder.len == 0 || status.no_check)
        return TP_OK;
    if (depth == 0)
        return tp_error_set(error, TP_NOT_FOUND, "OCSP responders of %.200s vouch for each other without end",
                            subject.name);
    TP_TRY(
        tp_evidence_add(errand->evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&status.responder), "OCSP", INT64_MAX));
    return gather_one(errand, tp_buf_bytes(&status.responder), issuer, depth - 1, error);
}

static bool has_ended(const struct tp_validation_errand *errand, struct tp_bytes certificate)
{
    struct tp_pki_certificate parsed = {0};
    const bool ended =
        tp_pki_certificate_parse(certificate, NULL, &parsed) == TP_OK && parsed.not_after_ms < errand->at_ms;
    tp_pki_certificate_clear(&parsed);
    return ended;
}

/* All of them, whatever the first ones come to: who validates wants to know as much as there is. What is revoked is
 * told before what cannot be had. Nobody answers for what has ended. */
static enum tp_rc gather_statuses(struct tp_validation_errand *errand, const struct tp_bytes *chain, size_t len,
                                  struct tp_error *error)
{
    enum tp_rc result = TP_OK;
    for (size_t i = 0; i + 1 < len; i++) {
        struct tp_error own = {0};
        if (has_ended(errand, chain[i]))
            continue;
        enum tp_rc rc = gather_one(errand, chain[i], chain[i + 1], 2, &own);
        rc = rc == TP_OK ? own.rc : rc;
        if (rc == TP_OK || (result != TP_OK && (rc != TP_REFUSED || result == TP_REFUSED)))
            continue;
        result = rc;
        (void)tp_error_set(error, rc, "%s", own.rc == rc ? own.words : tp_rc_words(rc));
    }
    return result;
}

static enum tp_rc gather_path(struct tp_validation_errand *errand, const struct tp_pki_path *path, struct tp_error *error)
{
    struct tp_bytes chain[TP_PKI_PATH_MAX];
    for (size_t i = 0; i < path->len; i++)
        chain[i] = tp_buf_bytes(&path->certificates[i]);
    return gather_statuses(errand, chain, path->len, error);
}

static enum tp_rc gather(struct tp_validation_errand *errand, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                         struct tp_pki_path *path, struct tp_error *error)
{
    const enum tp_rc rc = complete_chain(errand, leaf, purpose, error, path);
    if (rc != TP_OK && (rc != TP_PEER || path->flaw != TP_PKI_PATH_EXPIRED))
        return rc;
    TP_TRY(keep_chain(errand, path));
    if (rc == TP_OK)
        return gather_path(errand, path, error);
    /* What is known of a leaf from before it ended holds as long as its issuers are known to be good. */
    return gather_path(errand, path, NULL) == TP_MEMORY ? TP_MEMORY : rc;
}

/* ---- from outside ---- */

static struct tp_validation_errand errand_begin(struct tp_validation_source *source, const struct tp_pki_anchors *anchors,
                                                int64_t at_ms, int64_t until_ms, struct tp_evidence *evidence)
{
    const int64_t own_ms = tp_clock_monotonic_ms() + TP_VALIDATION_ERRAND * source->config.timeout_ms;
    return (struct tp_validation_errand){.source = source,
                                         .anchors = anchors,
                                         .evidence = evidence,
                                         .at_ms = at_ms,
                                         .now_ms = tp_clock_utc_ms(),
                                         .deadline_ms = own_ms < until_ms ? own_ms : until_ms};
}

static void errand_end(struct tp_validation_errand *errand)
{
    tp_validation_status_clear(&errand->answered);
    tp_buf_clear(&errand->tried);
}

enum tp_rc tp_validation_gather(struct tp_validation_source *source, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                                const struct tp_pki_anchors *anchors, int64_t at_ms, struct tp_evidence *evidence,
                                struct tp_error *error)
{
    struct tp_validation_errand errand TP_AUTO(errand_end) = errand_begin(source, anchors, at_ms, INT64_MAX, evidence);
    struct tp_pki_path path TP_AUTO(tp_pki_path_clear) = {0};
    return gather(&errand, leaf, purpose, &path, error);
}

enum tp_rc tp_validation_gather_chain(struct tp_validation_source *source, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                                      const struct tp_pki_anchors *anchors, int64_t at_ms, int64_t until_ms,
                                      struct tp_evidence *evidence, struct tp_error *error)
{
    struct tp_validation_errand errand TP_AUTO(errand_end) = errand_begin(source, anchors, at_ms, until_ms, evidence);
    struct tp_pki_path path TP_AUTO(tp_pki_path_clear) = {0};
    const enum tp_rc rc = complete_chain(&errand, leaf, purpose, error, &path);
    return rc == TP_OK ? keep_chain(&errand, &path) : rc;
}

enum tp_rc tp_validation_gather_statuses(struct tp_validation_source *source, const struct tp_bytes *chain, size_t len,
                                         int64_t at_ms, int64_t until_ms, struct tp_evidence *evidence, struct tp_error *error)
{
    struct tp_validation_errand errand TP_AUTO(errand_end) = errand_begin(source, NULL, at_ms, until_ms, evidence);
    errand.verifies = true;
    return gather_statuses(&errand, chain, len, error);
}
