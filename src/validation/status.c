/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of the evidence says something about a certificate, and whether it is to be believed: EN 319 102-1 §5.2.5 and
 * §5.6.2.2 (2) a, RFC 6960 §4.2.2.2, RFC 5280 §6.3.3. Each item is verified here, wherever it came from.
 */
#include "base/clock.h"
#include "validation/internal.h"
#include "validation/strength.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An ask, prepared. DEPTH: a responder's own status may itself come from a responder, but not for ever. */
struct search {
    const struct tp_validation_ask *ask;
    int depth;
    struct tp_pki_certificate certificate, issuer;
    struct tp_bytes *pool;
    size_t pool_len;
    unsigned failures; /* of data about the certificate, or by its issuer's name, that are not genuine */
    struct tp_validation_status best;
};

#define FAILURES_MOST 64 /* each has cost signatures to be checked; honest documents have hardly any */

static enum tp_rc search_find(const struct tp_validation_ask *ask, int depth, struct tp_validation_status *ret_status);

void tp_validation_time_text(int64_t utc_ms, char ret_text[TP_VALIDATION_TIME_LEN])
{
    struct tm tm;
    tp_time_split(utc_ms / 1000, &tm);
    (void)snprintf(ret_text, TP_VALIDATION_TIME_LEN, "%04d-%02u-%02u %02u:%02u:%02u UTC", (tm.tm_year + 1900) % 10000,
                   (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

int64_t tp_validation_status_until(const struct tp_validation_status *status, int64_t grace_ms)
{
    return status->next_ms != 0 ? status->next_ms
                                : status->this_ms + (grace_ms != 0 ? grace_ms : TP_VALIDATION_GRACE_MS);
}

void tp_validation_status_clear(struct tp_validation_status *status)
{
    tp_buf_clear(&status->responder);
    *status = (struct tp_validation_status){0};
}

/* ---- is it to be believed? ---- */

/* What says "not revoked" after the certificate's end says nothing: CAs may drop what has expired (§5.6.2.2, note on
 * expiredCertsOnCRL and archive cutoff). */
static bool speaks_in_time(struct search *search, const struct tp_validation_status *status)
{
    if (status->this_ms > search->ask->by_ms) {
        (void)tp_error_set(&search->best.last, TP_NOT_FOUND, "revocation data was issued after the time in question");
        return false;
    }
    if (status->revoked || status->this_ms <= search->certificate.not_after_ms)
        return true;
    (void)tp_error_set(&search->best.last, TP_NOT_FOUND,
                       "revocation data was issued after the certificate had expired");
    return false;
}

/* Whoever signed it was valid while it was proven to exist: REVOCATION_OUT_OF_BOUNDS_NO_POE otherwise. */
static bool signer_was_valid(struct search *search, const struct tp_validation_status *status,
                             const struct tp_pki_certificate *signer)
{
    const bool has_end = status->responder.len > 0 || !search->ask->trusts_issuer;
    if ((!has_end || status->poe_ms <= signer->not_after_ms) && status->this_ms + TP_VALIDATION_CLOCKS_MS >= signer->not_before_ms)
        return true;
    search->best.out_of_bounds++;
    (void)tp_error_set(&search->best.last, TP_NOT_FOUND, "revocation data is by %s, whose certificate %s",
                       signer->subject,
                       status->poe_ms > signer->not_after_ms ? "has expired, and nothing proves that the data is older"
                                                             : "was not valid yet");
    return false;
}

/* §5.2.8, as of when it is proven to exist: its own signature, and of a delegate key and certificate, which no chain
 * has in it. What says "revoked" is heard all the same: nobody gains by that but who is careful. */
static bool is_strong(struct search *search, const struct tp_validation_status *status,
                      const struct tp_pki_certificate *signer)
{
    struct tp_validation_weakness own, delegate = {0};
    if (status->revoked)
        return true;
    enum tp_rc rc = tp_validation_strength(TP_BYTES_NONE, status->hash, status->poe_ms, &own);
    if (rc == TP_OK && status->responder.len > 0)
        rc = tp_validation_strength(tp_buf_bytes(&status->responder), signer->hash, status->poe_ms, &delegate);
    if (rc == TP_OK && !own.found && !delegate.found)
        return true;
    const struct tp_validation_weakness *weakness = own.found ? &own : &delegate;
    search->best.weak++;
    (void)tp_error_set(&search->best.last, TP_NOT_FOUND,
                       "revocation data by %.160s is signed with %s, which was good enough until %s, and nothing "
                       "proves that the data is older",
                       signer->subject, weakness->what, weakness->until);
    return false;
}

/* A delegate without id-pkix-ocsp-nocheck is as good as its own status (RFC 6960 §4.2.2.2.1), for as long as that is
 * fresh: whoever has stolen a key that was revoked since makes responses of any date, and keeps the old list. */
static bool responder_is_good(struct search *search, const struct tp_validation_status *status)
{
    if (status->responder.len == 0 || status->no_check || search->ask->trusts_responder)
        return true;
    struct tp_validation_status own TP_AUTO(tp_validation_status_clear) = {0};
    struct tp_validation_ask ask = *search->ask;
    ask.certificate = tp_buf_bytes(&status->responder);
    if (search->depth == 0 || search_find(&ask, search->depth - 1, &own) != TP_OK || !own.found) {
        (void)tp_error_set(&search->best.last, TP_NOT_FOUND,
                           "nothing says that the OCSP responder itself is not revoked");
        return false;
    }
    if (own.revoked && own.revoked_ms <= status->poe_ms) {
        (void)tp_error_set(&search->best.last, TP_NOT_FOUND, "the OCSP responder itself has been revoked");
        return false;
    }
    if (!own.revoked && tp_validation_status_until(&own, 0) < status->poe_ms) {
        (void)tp_error_set(&search->best.last, TP_NOT_FOUND,
                           "what says that the OCSP responder itself is not revoked is older than its response");
        return false;
    }
    return true;
}

/* Revoked for good outweighs all: a later list may have dropped it. Else the newest: who was on hold may be good again; of two as
 * new as each other the one that is not good. */
static bool outweighs(const struct tp_validation_status *a, const struct tp_validation_status *b)
{
    const bool a_for_good = a->revoked && !a->hold, b_for_good = b->revoked && !b->hold;
    if (!b->found || a_for_good != b_for_good)
        return !b->found || a_for_good;
    if (a_for_good)
        return a->revoked_ms < b->revoked_ms;
    return a->this_ms != b->this_ms ? a->this_ms > b->this_ms : a->revoked && !b->revoked;
}

/* Takes STATUS over. */
static void offer(struct search *search, struct tp_validation_status *status)
{
    if (!outweighs(status, &search->best)) {
        tp_validation_status_clear(status);
        return;
    }
    status->found = true;
    status->out_of_bounds = search->best.out_of_bounds;
    status->weak = search->best.weak;
    status->last = search->best.last;
    tp_buf_clear(&search->best.responder);
    search->best = *status;
}

/* What takes a signature's goodness away need not be as good itself: nobody gains by believing it but who is careful. */
static bool is_harmful(const struct search *search, const struct tp_validation_status *status)
{
    return status->revoked && status->revoked_ms <= search->ask->harm_ms && status->this_ms <= search->ask->by_ms;
}

static void judge(struct search *search, struct tp_validation_status *status, const struct tp_pki_certificate *signer)
{
    if (is_harmful(search, status) || (speaks_in_time(search, status) && signer_was_valid(search, status, signer) &&
                                       is_strong(search, status, signer) && responder_is_good(search, status)))
        offer(search, status);
    else
        tp_validation_status_clear(status);
}

static int64_t poe_of(const struct search *search, enum tp_evidence_kind kind, size_t index)
{
    const int64_t poe_ms = tp_evidence_poe_ms(search->ask->evidence, kind, index);
    return poe_ms < search->ask->now_ms ? poe_ms : search->ask->now_ms;
}

/* ---- OCSP ---- */

static enum tp_rc look_at_ocsp(struct search *search, size_t index)
{
    struct tp_pki_ocsp_answer answer = {0};
    struct tp_error why = {0};
    const struct tp_validation_ask *ask = search->ask;
    const enum tp_rc rc =
        tp_validation_ocsp_find(tp_evidence_at(ask->evidence, TP_EVIDENCE_OCSP, index), ask->certificate, ask->issuer,
                                search->pool, search->pool_len, &why, &answer);
    if (rc != TP_OK || answer.status == TP_PKI_OCSP_UNKNOWN) {
        if (rc == TP_OK)
            (void)tp_error_set(&why, TP_NOT_FOUND, "the OCSP responder does not know the certificate");
        if (rc != TP_NOT_FOUND)
            search->best.last = why;
        search->failures += rc != TP_OK && rc != TP_NOT_FOUND ? 1 : 0;
        tp_pki_ocsp_answer_clear(&answer);
        return rc == TP_MEMORY ? rc : TP_OK;
    }
    struct tp_validation_status status = {.revoked = answer.status == TP_PKI_OCSP_REVOKED,
                                          .hold =
                                              answer.reason != NULL && strcmp(answer.reason, "certificateHold") == 0,
                                          .revoked_ms = answer.revoked_ms,
                                          .reason = answer.reason,
                                          .this_ms = answer.this_update_ms,
                                          .next_ms = answer.next_update_ms,
                                          .poe_ms = poe_of(search, TP_EVIDENCE_OCSP, index),
                                          .kind = TP_EVIDENCE_OCSP,
                                          .index = index,
                                          .no_check = answer.no_check,
                                          .hash = answer.hash};
    struct tp_pki_certificate signer = {0};
    enum tp_rc parsed = tp_pki_certificate_parse(tp_buf_bytes(&answer.responder), &search->best.last, &signer);
    if (parsed == TP_OK && answer.by_delegate)
        status.responder = answer.responder, answer.responder = TP_BUF_INIT;
    if (parsed == TP_OK)
        judge(search, &status, &signer);
    tp_pki_certificate_clear(&signer);
    tp_pki_ocsp_answer_clear(&answer);
    return parsed == TP_MEMORY ? parsed : TP_OK;
}

/* ---- CRLs ---- */

static enum tp_rc read_crl(struct search *search, size_t index, struct tp_error *why,
                           struct tp_validation_status *status)
{
    const struct tp_validation_ask *ask = search->ask;
    const struct tp_pki_crl *crl = NULL;
    const struct tp_pki_crl_index *entries = NULL;
    struct tp_pki_crl_entry entry = {0};
    bool all_reasons = false;
    TP_TRY(tp_evidence_crl(ask->evidence, index, why, &crl, &entries));
    if (!tp_pki_names_equal(tp_buf_bytes(&crl->issuer_der), tp_buf_bytes(&search->certificate.issuer_der)))
        return TP_NOT_FOUND;
    TP_TRY(tp_pki_crl_covers(tp_buf_bytes(&crl->scope), ask->certificate, why, &all_reasons));
    TP_TRY(tp_evidence_crl_verify(ask->evidence, index, ask->issuer, why));
    const enum tp_rc rc = tp_pki_crl_entry(entries, tp_buf_bytes(&search->certificate.serial_der), &entry);
    if (rc == TP_UNSUPPORTED)
        return tp_error_set(why, TP_NOT_FOUND, "the CRL has entries with extensions that are not known, and says nothing of the others");
    if (rc == TP_NOT_FOUND && !all_reasons)
        return tp_error_set(why, TP_NOT_FOUND, "the CRL is about some reasons only");
    if (rc != TP_OK && rc != TP_NOT_FOUND)
        return rc;
    *status = (struct tp_validation_status){.revoked = rc == TP_OK,
                                            .hold = entry.hold,
                                            .revoked_ms = entry.revoked_ms,
                                            .reason = entry.reason,
                                            .this_ms = crl->this_update_ms,
                                            .next_ms = crl->next_update_ms,
                                            .poe_ms = poe_of(search, TP_EVIDENCE_CRL, index),
                                            .kind = TP_EVIDENCE_CRL,
                                            .index = index,
                                            .hash = crl->hash};
    return TP_OK;
}

static enum tp_rc look_at_crl(struct search *search, size_t index)
{
    struct tp_validation_status status = {0};
    struct tp_error why = {0};
    const enum tp_rc rc = read_crl(search, index, &why, &status);
    if (rc == TP_OK)
        judge(search, &status, &search->issuer);
    else if (why.rc == rc)
        search->best.last = why;
    search->failures += rc != TP_OK && rc != TP_NOT_FOUND ? 1 : 0;
    return rc == TP_MEMORY ? rc : TP_OK;
}

/* ---- all of it ---- */

static bool is_patient(const struct search *search)
{
    return search->failures <= FAILURES_MOST;
}

/* Whoever buries evidence under rubbish hides something: what says "not revoked" is not believed then. */
static void give_up(struct search *search)
{
    if (is_patient(search) || search->best.revoked)
        return;
    search->best.found = false;
    (void)tp_error_set(
        &search->best.last, TP_TOO_LARGE,
        "more than %d pieces of revocation data about it are not genuine; they were not looked at further",
        FAILURES_MOST);
}

/* What came last first: that is what was asked for, behind whatever the document has brought along. */
static enum tp_rc look_at_all(struct search *search)
{
    const struct tp_validation_ask *ask = search->ask;
    TP_TRY(tp_pki_certificate_parse(ask->certificate, &search->best.last, &search->certificate));
    TP_TRY(tp_pki_certificate_parse(ask->issuer, &search->best.last, &search->issuer));
    TP_TRY(tp_evidence_views(ask->evidence, TP_EVIDENCE_CERTIFICATE, &search->pool, &search->pool_len));
    for (size_t i = tp_evidence_len(ask->evidence, TP_EVIDENCE_OCSP); i-- > 0 && is_patient(search);)
        TP_TRY(look_at_ocsp(search, i));
    for (size_t i = tp_evidence_len(ask->evidence, TP_EVIDENCE_CRL); i-- > 0 && is_patient(search);)
        TP_TRY(look_at_crl(search, i));
    give_up(search);
    return TP_OK;
}

static enum tp_rc search_once(const struct tp_validation_ask *ask, int depth, struct tp_validation_status *ret_status)
{
    struct search search = {.ask = ask, .depth = depth};
    const enum tp_rc rc = look_at_all(&search);
    tp_pki_certificate_clear(&search.certificate);
    tp_pki_certificate_clear(&search.issuer);
    free(search.pool);
    if (rc != TP_OK) {
        tp_validation_status_clear(&search.best);
        return rc;
    }
    *ret_status = search.best;
    return TP_OK;
}

/* What is too new to vouch is heard all the same when all that is known, taken together, says "revoked". */
static enum tp_rc search_find(const struct tp_validation_ask *ask, int depth, struct tp_validation_status *ret_status)
{
    if (ask->heard_ms > ask->by_ms) {
        struct tp_validation_status latest TP_AUTO(tp_validation_status_clear) = {0};
        struct tp_validation_ask all = *ask;
        all.by_ms = ask->heard_ms;
        TP_TRY(search_once(&all, depth, &latest));
        if (latest.found && latest.revoked) {
            *ret_status = latest, latest = (struct tp_validation_status){0};
            return TP_OK;
        }
    }
    return search_once(ask, depth, ret_status);
}

enum tp_rc tp_validation_status_find(const struct tp_validation_ask *ask, struct tp_validation_status *ret_status)
{
    return search_find(ask, 2, ret_status);
}
