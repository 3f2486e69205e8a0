/* SPDX-License-Identifier: Apache-2.0
 *
 * EN 319 102-1, the part about certificates, as one walk instead of three building blocks that call each other: a
 * control time begins now and slides back (§5.6.2.2) while we go from the anchor to the leaf; what made it slide is
 * remembered. The signature is good if it is proven to have existed by then, within the leaf's validity (§5.6.2.4);
 * otherwise what made it slide says which sub-indication it is (§5.2.6.4). With nothing to slide for, that is X.509
 * validation at the present time (§5.2.6).
 */
#include "validation/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why the control time is where it is. */
enum cause { CAUSE_NOW, CAUSE_REVOKED, CAUSE_EXPIRED_CA, CAUSE_STALE };

#define WAYS_MOST 4 /* to a trust anchor */

/* CA certificates that another way went by in vain. */
struct passed_over {
    struct tp_buf items[WAYS_MOST];
    size_t len;
};

struct walk {
    const struct tp_validation_question *question;
    const struct passed_over *passed_over;
    const struct tp_evidence *evidence;
    struct tp_validation_answer *answer;
    struct tp_pki_path path;
    int64_t control_ms;
    int64_t heard_ms; /* until when what CAs say is theirs: that nobody knows of one what it is now, does not lower it */
    enum cause cause;
    size_t cause_at;
    struct tp_verdict failure; /* why the walk ended early; sub NONE: it did not */
    size_t failure_at;
    size_t blamed; /* whose fault it is that it has not passed; 0: the leaf's, or everybody's */
    bool leaf_status_known, leaf_revoked;
    int64_t leaf_vouched_ms;
};

static int64_t best_signature_time(const struct tp_validation_question *question)
{
    return question->poe_ms < question->now_ms ? question->poe_ms : question->now_ms;
}

TP_PRINTF(4, 5)
static void say(struct tp_verdict *verdict, enum tp_indication indication, enum tp_subindication sub,
                const char *format, ...)
{
    va_list args;
    verdict->indication = indication;
    verdict->sub = sub;
    va_start(args, format);
    (void)vsnprintf(verdict->why, sizeof verdict->why, format, args);
    va_end(args);
}

/* ---- the chain: §5.2.6.4 (2), §5.6.2.1 (1) ---- */

static void leave_out(const struct passed_over *passed_over, struct tp_bytes *pool, size_t pool_len)
{
    for (size_t i = 0; i < passed_over->len; i++)
        for (size_t k = 0; k < pool_len; k++)
            if (tp_bytes_equal(pool[k], tp_buf_bytes(&passed_over->items[i])))
                pool[k] = TP_BYTES_NONE; /* no certificate, and passed over */
}

static enum tp_rc build(struct walk *walk, int64_t at_ms, struct tp_error *error)
{
    struct tp_bytes *pool = NULL;
    size_t pool_len = 0;
    TP_TRY(tp_evidence_views(walk->evidence, TP_EVIDENCE_CERTIFICATE, &pool, &pool_len));
    leave_out(walk->passed_over, pool, pool_len);
    tp_pki_path_clear(&walk->path);
    const enum tp_rc rc = tp_pki_path_build(walk->question->leaf, pool, pool_len, walk->question->anchors,
                                            walk->question->purpose, at_ms, error, &walk->path);
    free(pool);
    return rc;
}

static enum tp_rc read_steps(struct walk *walk, struct tp_error *error)
{
    struct tp_validation_answer *answer = walk->answer;
    tp_validation_answer_clear(answer);
    answer->steps = calloc(walk->path.len + 1, sizeof *answer->steps);
    if (answer->steps == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < walk->path.len; i++) {
        struct tp_validation_step *step = &answer->steps[answer->steps_len++];
        TP_TRY(tp_buf_append(&step->der, tp_buf_bytes(&walk->path.certificates[i])));
        TP_TRY(tp_pki_certificate_parse(tp_buf_bytes(&step->der), error, &step->certificate));
    }
    return TP_OK;
}

/* A moment at which the whole chain was valid: constraints are judged there (§5.6.2.1 (2)), the end of validity
 * separately. The anchor's validity does not count: it is trusted because it is there. RET_ANY false: there never was
 * one. */
static int64_t common_moment(const struct walk *walk, bool *ret_any)
{
    const struct tp_validation_answer *answer = walk->answer;
    int64_t from = INT64_MIN, until = INT64_MAX;
    for (size_t i = 0; i < answer->steps_len; i++) {
        const struct tp_pki_certificate *certificate = &answer->steps[i].certificate;
        if (i > 0 && i + 1 == answer->steps_len)
            continue;
        from = certificate->not_before_ms > from ? certificate->not_before_ms : from;
        until = certificate->not_after_ms - 1000 < until ? certificate->not_after_ms - 1000
                                                         : until; /* libcrypto: up to, not with */
    }
    const int64_t best = best_signature_time(walk->question);
    *ret_any = from <= until;
    return best < from ? from : best > until ? until : best;
}

static const struct {
    enum tp_pki_path_flaw flaw;
    enum tp_subindication sub;
} flaws[] = {
    {TP_PKI_PATH_NO_ANCHOR, TP_SUB_NO_CERTIFICATE_CHAIN_FOUND},
    {TP_PKI_PATH_CONSTRAINTS, TP_SUB_CHAIN_CONSTRAINTS_FAILURE},
    {TP_PKI_PATH_BROKEN, TP_SUB_CERTIFICATE_CHAIN_GENERAL_FAILURE},
};

static void note_flaw(struct walk *walk)
{
    enum tp_subindication sub = TP_SUB_CERTIFICATE_CHAIN_GENERAL_FAILURE;
    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++)
        if (flaws[i].flaw == walk->path.flaw)
            sub = flaws[i].sub;
    say(&walk->failure, TP_INDETERMINATE, sub, "%s",
        walk->path.why[0] != '\0' ? walk->path.why : tp_subindication_words(sub));
}

static bool is_out_of_time(enum tp_pki_path_flaw flaw)
{
    return flaw == TP_PKI_PATH_EXPIRED || flaw == TP_PKI_PATH_NOT_YET;
}

static enum tp_rc find_chain(struct walk *walk, struct tp_error *error)
{
    bool any = false;
    TP_TRY(build(walk, best_signature_time(walk->question), error));
    TP_TRY(read_steps(walk, error));
    const int64_t at_ms = common_moment(walk, &any);
    if (is_out_of_time(walk->path.flaw) && any) {
        TP_TRY(build(walk, at_ms, error));
        TP_TRY(read_steps(walk, error)); /* another time may have another way */
    }
    if (walk->path.len == 0) {
        note_flaw(walk);
        return TP_OK;
    }
    if (walk->path.flaw == TP_PKI_PATH_GOOD) {
        walk->answer->steps[walk->answer->steps_len - 1].anchor = true;
        return TP_OK;
    }
    if (is_out_of_time(walk->path.flaw) && walk->path.flaw_at > 0 && walk->path.flaw_at + 1 == walk->path.len) {
        walk->answer->steps[walk->answer->steps_len - 1].anchor = true; /* an anchor has no end */
        return TP_OK;
    }
    note_flaw(walk);
    return TP_OK;
}

/* What libcrypto reads, and we do not (a serial of 300 bits): nothing is known of it, and that is no error of the question's. */
static enum tp_rc find_readable_chain(struct walk *walk, struct tp_error *error)
{
    const enum tp_rc rc = find_chain(walk, error);
    if (rc != TP_MALFORMED && rc != TP_UNSUPPORTED && rc != TP_TOO_LARGE)
        return rc;
    tp_validation_answer_clear(walk->answer);
    say(&walk->failure, TP_INDETERMINATE, TP_SUB_CERTIFICATE_CHAIN_GENERAL_FAILURE, "a certificate of the chain cannot be read: %s",
        tp_error_words(error));
    return TP_OK;
}

/* ---- control time sliding: §5.6.2.2 ---- */

static void slide(struct walk *walk, int64_t to_ms, enum cause cause, size_t at)
{
    if (cause != CAUSE_STALE && to_ms < walk->heard_ms)
        walk->heard_ms = to_ms;
    if (to_ms >= walk->control_ms)
        return;
    walk->control_ms = to_ms;
    walk->cause = cause;
    walk->cause_at = at;
}

/* After its end nobody answers for a CA's key any more, and nobody can revoke it. */
static void slide_to_end_of_ca(struct walk *walk, size_t at)
{
    if (at > 0)
        slide(walk, walk->answer->steps[at].certificate.not_after_ms, CAUSE_EXPIRED_CA, at);
}

static void describe_status(const struct walk *walk, const struct tp_validation_status *status,
                            struct tp_validation_step *step, const struct tp_pki_certificate *issuer)
{
    struct tp_pki_certificate responder = {0};
    char time[TP_VALIDATION_TIME_LEN];
    tp_validation_time_text(status->this_ms, time);
    if (status->responder.len > 0)
        (void)!tp_pki_certificate_parse(tp_buf_bytes(&status->responder), NULL, &responder);
    (void)snprintf(step->status_from, sizeof step->status_from, "%s of %.160s, %s (%.240s)",
                   status->kind == TP_EVIDENCE_OCSP ? "OCSP" : "CRL",
                   responder.subject[0] != '\0' ? responder.subject : issuer->subject, time,
                   tp_evidence_from(walk->evidence, status->kind, status->index));
    tp_pki_certificate_clear(&responder);
    step->status_ms = status->this_ms;
    step->revoked = status->revoked;
    step->revoked_ms = status->revoked_ms;
    step->reason = status->reason;
}

/* (2) a: none was found. */
static void note_missing(struct walk *walk, const struct tp_validation_status *status, size_t at)
{
    const char *subject = walk->answer->steps[at].certificate.subject;
    const char *why = status->last.words[0] != '\0' ? status->last.words : "there is no revocation data";
    walk->failure_at = at;
    say(&walk->failure, TP_INDETERMINATE,
        status->out_of_bounds > 0 ? TP_SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE
        : status->weak > 0        ? TP_SUB_CRYPTO_CONSTRAINTS_FAILURE_NO_POE
                                  : TP_SUB_TRY_LATER,
        "%.160s: %s", subject, why);
    (void)snprintf(walk->answer->steps[at].status_from, sizeof walk->answer->steps[at].status_from, "none: %.480s",
                   why);
}

/* A signature that exists by a revocation's second is not proven to be older: the time before counts. */
static void slide_to_revocation(struct walk *walk, const struct tp_validation_status *status, size_t at)
{
    walk->leaf_revoked = walk->leaf_revoked || at == 0;
    slide(walk, status->revoked_ms - 1, CAUSE_REVOKED, at);
}

/* (2) c. */
static void slide_by_status(struct walk *walk, const struct tp_validation_status *status, size_t at)
{
    const int64_t until_ms = tp_validation_status_until(status, walk->question->grace_ms);
    if (at == 0) {
        walk->leaf_status_known = !status->revoked;
        walk->leaf_vouched_ms = until_ms;
    }
    if (status->revoked)
        slide_to_revocation(walk, status, at);
    else if (until_ms < walk->control_ms)
        slide(walk, walk->question->strict ? status->this_ms : until_ms, CAUSE_STALE, at);
}

/* The present is told by other people's clocks; by whichever, of a revocation. */
static int64_t vouches_until(const struct walk *walk)
{
    return walk->control_ms == walk->question->now_ms ? walk->control_ms + TP_VALIDATION_CLOCKS_MS : walk->control_ms;
}

static int64_t heard_until(const struct walk *walk)
{
    return walk->heard_ms == walk->question->now_ms ? INT64_MAX : walk->heard_ms;
}

static enum tp_rc find_status(const struct walk *walk, size_t at, struct tp_validation_status *ret_status)
{
    const struct tp_validation_ask ask = {.certificate = tp_buf_bytes(&walk->answer->steps[at].der),
                                          .issuer = tp_buf_bytes(&walk->answer->steps[at + 1].der),
                                          .evidence = walk->evidence,
                                          .by_ms = vouches_until(walk),
                                          .heard_ms = heard_until(walk),
                                          .harm_ms = best_signature_time(walk->question),
                                          .now_ms = walk->question->now_ms,
                                          .trusts_issuer = walk->answer->steps[at + 1].anchor};
    return tp_validation_status_find(&ask, ret_status);
}

static enum tp_rc look_at(struct walk *walk, size_t at)
{
    struct tp_validation_step *step = &walk->answer->steps[at];
    struct tp_validation_status status TP_AUTO(tp_validation_status_clear) = {0};
    TP_TRY(find_status(walk, at, &status));
    if (!status.found) {
        note_missing(walk, &status, at);
        return TP_OK;
    }
    describe_status(walk, &status, step, &walk->answer->steps[at + 1].certificate);
    if (status.poe_ms <= (status.revoked ? walk->heard_ms : walk->control_ms)) {
        slide_by_status(walk, &status, at);
        return TP_OK;
    }
    walk->failure_at = at; /* (2) b */
    say(&walk->failure, TP_INDETERMINATE, TP_SUB_NO_POE, "%.160s: nothing proves that its revocation data is older than that",
        step->certificate.subject);
    return TP_OK;
}

/* What is not known of a CA does not hide that the leaf has been revoked (§5.2.6.4 looks at the leaf by itself). */
static enum tp_rc look_at_leaf_alone(struct walk *walk)
{
    struct tp_validation_status status TP_AUTO(tp_validation_status_clear) = {0};
    TP_TRY(find_status(walk, 0, &status));
    if (!status.found || !status.revoked)
        return TP_OK;
    describe_status(walk, &status, &walk->answer->steps[0], &walk->answer->steps[1].certificate);
    slide_to_revocation(walk, &status, 0);
    return TP_OK;
}

static enum tp_rc slide_control_time(struct walk *walk)
{
    walk->control_ms = walk->heard_ms = walk->question->now_ms;
    for (size_t at = walk->answer->steps_len - 1; at-- > 0 && walk->failure.sub == TP_SUB_NONE;) {
        TP_TRY(look_at(walk, at));
        slide_to_end_of_ca(walk, at); /* for what it has issued */
        if (at > 0 && walk->failure.sub != TP_SUB_NONE)
            return look_at_leaf_alone(walk);
    }
    return TP_OK;
}

/* ---- what it comes to: §5.2.6.4, §5.6.2.4 ---- */

static bool proven_after(const struct tp_validation_question *question, int64_t time_ms)
{
    return question->after_ms != 0 && question->after_ms >= time_ms;
}

static void say_revoked(struct walk *walk, size_t at, struct tp_verdict *verdict)
{
    const struct tp_validation_step *step = &walk->answer->steps[at];
    char time[TP_VALIDATION_TIME_LEN];
    const bool leaf = at == 0, failed = leaf && proven_after(walk->question, step->revoked_ms);
    tp_validation_time_text(step->revoked_ms, time);
    say(verdict, failed ? TP_TOTAL_FAILED : TP_INDETERMINATE,
        failed ? TP_SUB_REVOKED
        : leaf ? TP_SUB_REVOKED_NO_POE
               : TP_SUB_REVOKED_CA_NO_POE,
        "%.160s was revoked at %s (%s)%s", step->certificate.subject, time,
        step->reason != NULL ? step->reason : "no reason given",
        failed ? ", and it signed after that" : ", and nothing proves that it was used before");
}

/* The leaf's own validity. True: it was said. */
static bool say_out_of_bounds(struct walk *walk, struct tp_verdict *verdict)
{
    const struct tp_validation_question *question = walk->question;
    const struct tp_pki_certificate *leaf = &walk->answer->steps[0].certificate;
    const int64_t best = best_signature_time(question);
    char time[TP_VALIDATION_TIME_LEN];
    if (best < leaf->not_before_ms) {
        const bool failed = question->poe_ms < leaf->not_before_ms;
        tp_validation_time_text(leaf->not_before_ms, time);
        say(verdict, failed ? TP_TOTAL_FAILED : TP_INDETERMINATE,
            failed ? TP_SUB_NOT_YET_VALID : TP_SUB_OUT_OF_BOUNDS_NO_POE, "%.160s is valid from %s only", leaf->subject,
            time);
        return true;
    }
    if (best <= leaf->not_after_ms)
        return false;
    const bool failed = proven_after(question, leaf->not_after_ms + 1);
    const bool not_revoked = walk->leaf_status_known && walk->leaf_vouched_ms >= leaf->not_after_ms;
    tp_validation_time_text(leaf->not_after_ms, time);
    say(verdict, failed ? TP_TOTAL_FAILED : TP_INDETERMINATE,
        failed        ? TP_SUB_EXPIRED
        : not_revoked ? TP_SUB_OUT_OF_BOUNDS_NOT_REVOKED
                      : TP_SUB_OUT_OF_BOUNDS_NO_POE,
        "%.160s expired at %s, and %s", leaf->subject, time,
        failed ? "it signed after that" : "nothing proves that it signed before");
    return true;
}

static bool waits(enum tp_subindication sub)
{
    return sub == TP_SUB_TRY_LATER || sub == TP_SUB_NO_POE;
}

/* Fresh data will not come any more for what has expired: TRY_LATER would be bad advice (§5.6.2.4: the status before).
 */
static void say_stale(struct walk *walk, struct tp_verdict *verdict, const struct tp_verdict *what)
{
    const bool expired = walk->question->now_ms > walk->answer->steps[0].certificate.not_after_ms;
    *verdict = *what;
    if (expired && waits(what->sub))
        verdict->sub = TP_SUB_OUT_OF_BOUNDS_NO_POE;
}

/* The signature is not proven to have existed by the control time: what made that slide says why. */
static void say_cause(struct walk *walk, struct tp_verdict *verdict)
{
    const struct tp_pki_certificate *certificate = &walk->answer->steps[walk->cause_at].certificate;
    struct tp_verdict what = {0};
    char time[TP_VALIDATION_TIME_LEN];
    tp_validation_time_text(walk->control_ms, time);
    walk->blamed = walk->cause_at;
    if (walk->cause == CAUSE_REVOKED) {
        say_revoked(walk, walk->cause_at, verdict);
        return;
    }
    if (walk->cause == CAUSE_EXPIRED_CA) {
        say(verdict, TP_INDETERMINATE, TP_SUB_OUT_OF_BOUNDS_NO_POE,
            "the CA %.160s expired at %s, and nothing proves more from before", certificate->subject, time);
        return;
    }
    say(&what, TP_INDETERMINATE, TP_SUB_TRY_LATER, "%.160s: its revocation data is good up to %s only",
        certificate->subject, time);
    say_stale(walk, verdict, &what);
}

static void conclude(struct walk *walk)
{
    struct tp_verdict *verdict = &walk->answer->verdict;
    walk->answer->control_ms = walk->control_ms;
    if (walk->leaf_revoked && best_signature_time(walk->question) >= walk->answer->steps[0].revoked_ms)
        say_revoked(walk, 0, verdict);
    else if (say_out_of_bounds(walk, verdict))
        return;
    else if (waits(walk->failure.sub) &&
             walk->cause != CAUSE_NOW) /* it was there, or would do, but for what made time slide */
        say_cause(walk, verdict);
    else if (walk->failure.sub != TP_SUB_NONE) {
        walk->blamed = walk->failure_at;
        say_stale(walk, verdict, &walk->failure);
    } else if (best_signature_time(walk->question) > walk->control_ms)
        say_cause(walk, verdict);
    else
        say(verdict, TP_TOTAL_PASSED, TP_SUB_NONE, "%.160s was good when it signed",
            walk->answer->steps[0].certificate.subject);
}

static enum tp_rc walk_all(struct walk *walk, struct tp_error *error)
{
    TP_TRY(find_readable_chain(walk, error));
    if (walk->failure.sub != TP_SUB_NONE) {
        walk->answer->verdict = walk->failure;
        walk->answer->control_ms = walk->question->now_ms;
        return TP_OK;
    }
    struct tp_validation_step *anchor = &walk->answer->steps[walk->answer->steps_len - 1];
    (void)snprintf(anchor->status_from, sizeof anchor->status_from, "not checked: anchor");
    TP_TRY(slide_control_time(walk));
    conclude(walk);
    return TP_OK;
}

/* ---- another way: §5.2.6.4 (2) goes on with the next chain ---- */

/* Whose CA's key nobody else has is as good by another certificate of that CA. */
static bool is_key_in_doubt(const struct tp_validation_step *step)
{
    static const char *const harmless[] = {"superseded", "affiliationChanged", "cessationOfOperation"};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (step->reason != NULL && strcmp(step->reason, harmless[i]) == 0)
            return false;
    return step->revoked;
}

static enum tp_rc go_one_way(const struct tp_validation_question *question, const struct tp_evidence *evidence,
                             const struct passed_over *passed_over, struct tp_error *error, struct tp_validation_answer *ret_answer,
                             size_t *ret_blamed)
{
    struct tp_validation_answer answer = {0};
    struct walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL)
        return TP_MEMORY;
    *walk = (struct walk){.question = question, .evidence = evidence, .passed_over = passed_over, .answer = &answer};
    const enum tp_rc rc = walk_all(walk, error);
    *ret_blamed = walk->blamed;
    tp_pki_path_clear(&walk->path);
    free(walk);
    if (rc != TP_OK) {
        tp_validation_answer_clear(&answer);
        return rc;
    }
    *ret_answer = answer;
    return TP_OK;
}

/* Whether ANOTHER is worth more than what was found first: it passes, or would as soon as somebody is asked about it. */
static bool is_worth_more(const struct tp_validation_answer *another, const struct tp_validation_answer *first)
{
    return another->verdict.indication == TP_TOTAL_PASSED ||
           (another->verdict.sub == TP_SUB_TRY_LATER && first->verdict.sub != TP_SUB_TRY_LATER);
}

static enum tp_rc try_others(const struct tp_validation_question *question, const struct tp_evidence *evidence, size_t blamed,
                             struct passed_over *passed_over, struct tp_error *error, struct tp_validation_answer *answer)
{
    struct tp_validation_answer last = {0}, *current = answer;
    enum tp_rc rc = TP_OK;
    while (rc == TP_OK && blamed > 0 && blamed + 1 < current->steps_len && passed_over->len < WAYS_MOST &&
           !is_key_in_doubt(&current->steps[blamed])) {
        rc = tp_buf_append(&passed_over->items[passed_over->len++], tp_buf_bytes(&current->steps[blamed].der));
        tp_validation_answer_clear(&last);
        if (rc == TP_OK)
            rc = go_one_way(question, evidence, passed_over, error, &last, &blamed);
        current = &last;
        if (rc == TP_OK && is_worth_more(&last, answer)) {
            tp_validation_answer_clear(answer);
            *answer = last;
            return TP_OK;
        }
    }
    tp_validation_answer_clear(&last);
    return rc;
}

enum tp_rc tp_validation_certificate(const struct tp_validation_question *question, const struct tp_evidence *evidence,
                                     struct tp_error *error, struct tp_validation_answer *ret_answer)
{
    struct passed_over passed_over = {.len = 0};
    struct tp_validation_answer answer = {0};
    size_t blamed = 0;
    TP_TRY(go_one_way(question, evidence, &passed_over, error, &answer, &blamed));
    const enum tp_rc rc = try_others(question, evidence, blamed, &passed_over, error, &answer);
    for (size_t i = 0; i < passed_over.len; i++)
        tp_buf_clear(&passed_over.items[i]);
    if (rc != TP_OK) {
        tp_validation_answer_clear(&answer);
        return rc;
    }
    *ret_answer = answer;
    return TP_OK;
}

void tp_validation_answer_clear(struct tp_validation_answer *answer)
{
    for (size_t i = 0; i < answer->steps_len; i++) {
        tp_pki_certificate_clear(&answer->steps[i].certificate);
        tp_buf_clear(&answer->steps[i].der);
    }
    free(answer->steps);
    *answer = (struct tp_validation_answer){0};
}
