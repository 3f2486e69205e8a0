/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a certification path: from the leaf up, the shortest first, over every issuer that may be meant. libcrypto
 * takes the first issuer that looks right and does not come back, so that a cross certificate leads it astray.
 */
#include "pki/path_parts.h"

#include <stdlib.h>
#include <string.h>

#define NODES_MOST      512
#define SIGNATURES_MOST 256 /* checked: what a pool of strangers may cost is bounded by these, not by its size */
#define JUDGED_MOST     16
#define VISITS_MOST     3 /* of one certificate, below different ones */

/* A certificate, and the one that it issued. */
struct node {
    X509 *x509;
    struct tp_bytes der;
    size_t child; /* index; SIZE_MAX: it is the leaf */
    size_t depth; /* 1: the leaf */
    bool is_anchor;
};

struct candidate {
    X509 *x509;
    struct tp_bytes der;
    bool is_anchor, is_valid; /* at the time asked for */
};

struct search {
    struct candidate *candidates;
    size_t candidates_len;
    X509 **owned; /* those of the pool */
    size_t owned_len;
    struct node nodes[NODES_MOST];
    size_t nodes_len;
    unsigned signatures, judged;
    enum tp_pki_purpose purpose;
    int64_t at_ms;
    bool found; /* a path to an anchor */
    struct tp_pki_chain best;
    struct tp_pki_path_verdict verdict;
};

static void search_free(struct search *search)
{
    if (search == NULL)
        return;
    for (size_t i = 0; i < search->owned_len; i++)
        X509_free(search->owned[i]);
    free(search->owned);
    free(search->candidates);
    free(search);
}
TP_DEFINE_AUTO(struct search, search_free)

/* ---- who may have issued ---- */

static bool is_valid_at(const X509 *x509, int64_t at_ms)
{
    int64_t begin, end;
    return tp_pki_time(X509_get0_notBefore(x509), &begin) == TP_OK &&
           tp_pki_time(X509_get0_notAfter(x509), &end) == TP_OK && begin <= at_ms && at_ms <= end;
}

static void candidate_add(struct search *search, X509 *x509, struct tp_bytes der, bool is_anchor)
{
    search->candidates[search->candidates_len++] = (struct candidate){
        .x509 = x509, .der = der, .is_anchor = is_anchor, .is_valid = is_anchor || is_valid_at(x509, search->at_ms)};
}

/* Anchors first: the shortest way out. What cannot be read cannot have issued anything. */
static enum tp_rc candidates_fill(struct search *search, const struct tp_pki_anchors *anchors,
                                  const struct tp_bytes *pool, size_t pool_len)
{
    if (pool_len > SIZE_MAX / sizeof search->candidates[0] - anchors->len)
        return TP_TOO_LARGE;
    search->candidates = calloc(anchors->len + pool_len + 1, sizeof search->candidates[0]);
    search->owned = calloc(pool_len + 1, sizeof search->owned[0]);
    if (search->candidates == NULL || search->owned == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < anchors->len; i++)
        candidate_add(search, anchors->items[i].x509, tp_buf_bytes(&anchors->items[i].der), true);
    for (size_t i = 0; i < pool_len; i++) {
        if (tp_pki_x509_load(pool[i], NULL, &search->owned[search->owned_len]) != TP_OK)
            continue;
        if (!tp_pki_anchors_have(anchors, pool[i]))
            candidate_add(search, search->owned[search->owned_len], pool[i], false);
        search->owned_len++;
    }
    return TP_OK;
}

/* By name, key identifier and kind of key. That a CA may not issue is for the judge to say. */
static bool may_have_issued(X509 *issuer, X509 *subject)
{
    if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(subject)) != 0)
        return false;
    const int why = X509_check_issued(issuer, subject);
    return why == X509_V_OK || why == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
}

static bool is_below(const struct search *search, size_t at, struct tp_bytes der)
{
    for (; at != SIZE_MAX; at = search->nodes[at].child)
        if (tp_bytes_equal(search->nodes[at].der, der))
            return true;
    return false;
}

static bool was_visited(const struct search *search, struct tp_bytes der)
{
    unsigned visits = 0;
    for (size_t i = 0; i < search->nodes_len; i++)
        visits += tp_bytes_equal(search->nodes[i].der, der) ? 1 : 0;
    return visits >= VISITS_MOST;
}

/* ---- chains ---- */

static void chain_fill(const struct search *search, size_t at, struct tp_pki_chain *ret_chain)
{
    ret_chain->len = search->nodes[at].depth;
    for (size_t i = ret_chain->len; i-- > 0; at = search->nodes[at].child) {
        ret_chain->x509[i] = search->nodes[at].x509;
        ret_chain->der[i] = search->nodes[at].der;
    }
}

static enum tp_rc judge(struct search *search, size_t at)
{
    struct tp_pki_chain chain;
    struct tp_pki_path_verdict verdict;
    if (search->judged == JUDGED_MOST)
        return TP_OK;
    search->judged++;
    chain_fill(search, at, &chain);
    TP_TRY(tp_pki_chain_judge(&chain, search->purpose, search->at_ms, &verdict));
    if (!search->found || tp_pki_flaw_is_worse(search->verdict.flaw, verdict.flaw)) {
        search->best = chain;
        search->verdict = verdict;
    }
    search->found = true;
    return TP_OK;
}

static bool is_done(const struct search *search)
{
    return search->found && search->verdict.flaw == TP_PKI_PATH_GOOD;
}

/* No anchor so far: the longest way, or one where a signature does not fit. */
static void dead_end(struct search *search, size_t at, enum tp_pki_path_flaw flaw, const char *why)
{
    const size_t len = search->nodes[at].depth;
    const bool worse = search->best.len == 0 || tp_pki_flaw_is_worse(flaw, search->verdict.flaw);
    const bool longer = flaw == search->verdict.flaw && len > search->best.len;
    if (search->found || (!worse && !longer))
        return;
    chain_fill(search, at, &search->best);
    tp_pki_verdict_set(&search->verdict, flaw, len - 1, search->nodes[at].x509, why);
}

/* ---- the way up ---- */

static enum tp_rc node_add(struct search *search, const struct candidate *candidate, size_t child)
{
    if (search->nodes_len == NODES_MOST)
        return TP_OK;
    search->nodes[search->nodes_len] = (struct node){.x509 = candidate->x509,
                                                     .der = candidate->der,
                                                     .child = child,
                                                     .depth = search->nodes[child].depth + 1,
                                                     .is_anchor = candidate->is_anchor};
    search->nodes_len++;
    return candidate->is_anchor ? judge(search, search->nodes_len - 1) : TP_OK;
}

/* Tries one issuer of the node at AT; RET_STATE is 1 when its signature fits, -1 when it does not. */
static enum tp_rc issuer_try(struct search *search, size_t at, const struct candidate *candidate, int *ret_state)
{
    X509 *subject = search->nodes[at].x509;
    *ret_state = 0;
    if (!may_have_issued(candidate->x509, subject) || is_below(search, at, candidate->der) ||
        was_visited(search, candidate->der) || search->signatures == SIGNATURES_MOST)
        return TP_OK;
    search->signatures++;
    EVP_PKEY *key = X509_get0_pubkey(candidate->x509);
    *ret_state = key != NULL && X509_verify(subject, key) == 1 ? 1 : -1;
    return *ret_state == 1 ? node_add(search, candidate, at) : TP_OK;
}

/* First issuers that were valid at the time, then the others. */
static enum tp_rc issuers_try(struct search *search, size_t at)
{
    bool fits = false, broken = false;
    for (int valid = 1; valid >= 0; valid--)
        for (size_t i = 0; i < search->candidates_len && !is_done(search); i++) {
            int state;
            if (search->candidates[i].is_valid != (valid == 1))
                continue;
            TP_TRY(issuer_try(search, at, &search->candidates[i], &state));
            fits = fits || state == 1;
            broken = broken || state == -1;
        }
    if (!fits && broken)
        dead_end(search, at, TP_PKI_PATH_BROKEN, "its signature does not fit the key of its issuer");
    else if (!fits)
        dead_end(search, at, TP_PKI_PATH_NO_ANCHOR,
                 "nothing that is trusted has issued it, and nothing that is at hand");
    return TP_OK;
}

static enum tp_rc climb(struct search *search)
{
    if (search->nodes[0].is_anchor)
        return judge(search, 0);
    for (size_t at = 0; at < search->nodes_len && !is_done(search); at++)
        if (!search->nodes[at].is_anchor && search->nodes[at].depth < TP_PKI_PATH_MAX)
            TP_TRY(issuers_try(search, at));
    if (!search->found && search->best.len == 0)
        dead_end(search, search->nodes_len - 1, TP_PKI_PATH_NO_ANCHOR, "the way to something trusted is too long");
    return TP_OK;
}

/* ---- the result ---- */

void tp_pki_path_clear(struct tp_pki_path *path)
{
    for (size_t i = 0; i < TP_PKI_PATH_MAX; i++)
        tp_buf_clear(&path->certificates[i]);
    *path = (struct tp_pki_path){0};
}

static enum tp_rc path_fill(const struct search *search, struct tp_pki_path *path)
{
    for (; path->len < search->best.len; path->len++)
        TP_TRY(tp_buf_append(&path->certificates[path->len], search->best.der[path->len]));
    path->flaw = search->verdict.flaw;
    path->flaw_at = search->verdict.at;
    memcpy(path->why, search->verdict.why, sizeof path->why);
    return TP_OK;
}

enum tp_rc tp_pki_path_build(struct tp_bytes leaf, const struct tp_bytes *pool, size_t pool_len,
                             const struct tp_pki_anchors *anchors, enum tp_pki_purpose purpose, int64_t at_ms,
                             struct tp_error *error, struct tp_pki_path *ret_path)
{
    TP_PKI_ERRORS_KEEP;
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    struct tp_pki_path path TP_AUTO(tp_pki_path_clear) = {0};
    struct search *search TP_AUTO(search_free_p) = calloc(1, sizeof *search);
    if (search == NULL)
        return TP_MEMORY;
    search->purpose = purpose;
    search->at_ms = at_ms;
    TP_TRY(tp_pki_x509_load(leaf, error, &x509));
    TP_TRY(candidates_fill(search, anchors, pool, pool_len));
    search->nodes[0] = (struct node){
        .x509 = x509, .der = leaf, .child = SIZE_MAX, .depth = 1, .is_anchor = tp_pki_anchors_have(anchors, leaf)};
    search->nodes_len = 1;
    TP_TRY(climb(search));
    TP_TRY(path_fill(search, &path));
    *ret_path = path;
    path = (struct tp_pki_path){0};
    return TP_OK;
}
