/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a certification path: from the leaf up, the shortest first, over every issuer that may be meant. libcrypto
 * takes the first issuer that looks right and does not come back, so that a cross certificate leads it astray.
 *
 * The pool is of strangers: anybody appends certificates to a document that was signed. So each is chosen by its parts
 * before it is read whole, those of the right key identifier first, and the certificates on the way take turns, lest
 * the issuers of one use up what the next would need.
 */
#include "pki/certificate_parts.h"
#include "pki/path_parts.h"

#include <stdlib.h>
#include <string.h>

#define NODES_MOST      512
#define SIGNATURES_MOST 256 /* checked: what a pool of strangers may cost is bounded by these, not by its size */
#define LOADS_MOST      256 /* read whole */
#define TURN            8   /* issuers that one certificate tries before the others go on */
#define JUDGED_MOST     16
#define VISITS_MOST     3 /* of one certificate, below different ones */

/* How likely it is to be the issuer: valid at the time, and with the key identifier that is asked for (RFC 5280
 * §4.2.1.1). Anchors come before others of the same rank. */
enum rank { RANK_VALID_NAMED, RANK_VALID, RANK_NAMED, RANK_OTHER, RANK_END };

/* A certificate, and the one that it issued. */
struct node {
    X509 *x509;
    struct tp_bytes der;
    size_t child; /* index; SIZE_MAX: it is the leaf */
    size_t depth; /* 1: the leaf */
    bool is_anchor;
    enum rank rank;    /* of its issuers: where it goes on, */
    size_t next;       /* and with which candidate */
    bool fits, broken; /* some issuer's signature does, does not */
};

struct candidate {
    X509_NAME *name;
    struct tp_bytes key_id;
    struct tp_bytes der;
    X509 *x509; /* NULL: not read yet */
    bool is_anchor, is_valid /* at the time asked for */, is_rubbish;
};

struct search {
    struct candidate *candidates;
    size_t candidates_len;
    struct node nodes[NODES_MOST];
    size_t nodes_len;
    unsigned signatures, loads, judged;
    bool exhausted; /* there were more candidates than it may cost */
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
    for (size_t i = 0; i < search->candidates_len; i++) {
        struct candidate *candidate = &search->candidates[i];
        X509_NAME_free(candidate->name);
        X509_free(candidate->x509);
    }
    free(search->candidates);
    free(search);
}
TP_DEFINE_AUTO(struct search, search_free)

/* ---- who may have issued ---- */

static void candidate_add(struct search *search, struct tp_bytes der, X509 *anchor)
{
    struct tp_pki_certificate_parts parts;
    if (tp_pki_certificate_parts_read(der, &parts) != TP_OK)
        return;
    X509_NAME *name = tp_pki_certificate_parts_subject(&parts);
    if (name == NULL)
        return;
    if (anchor != NULL)
        (void)X509_up_ref(anchor);
    search->candidates[search->candidates_len++] = (struct candidate){
        .name = name,
        .key_id = parts.key_id,
        .der = der,
        .x509 = anchor,
        .is_anchor = anchor != NULL,
        .is_valid = anchor != NULL || tp_pki_certificate_parts_valid(&parts, search->at_ms),
    };
}

/* Anchors first: the shortest way out. What cannot be read cannot have issued anything. */
static enum tp_rc candidates_fill(struct search *search, const struct tp_pki_anchors *anchors,
                                  const struct tp_bytes *pool, size_t pool_len)
{
    if (pool_len > SIZE_MAX / sizeof search->candidates[0] - anchors->len)
        return TP_TOO_LARGE;
    search->candidates = calloc(anchors->len + pool_len + 1, sizeof search->candidates[0]);
    if (search->candidates == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < anchors->len; i++)
        candidate_add(search, tp_buf_bytes(&anchors->items[i].der), anchors->items[i].x509);
    for (size_t i = 0; i < pool_len; i++)
        if (!tp_pki_anchors_have(anchors, pool[i]))
            candidate_add(search, pool[i], NULL);
    return TP_OK;
}

static struct tp_bytes key_id_asked_for(X509 *subject)
{
    const ASN1_OCTET_STRING *key_id = X509_get0_authority_key_id(subject);
    return key_id == NULL ? TP_BYTES_NONE : TP_BYTES(ASN1_STRING_get0_data(key_id), (size_t)ASN1_STRING_length(key_id));
}

/* RANK_END: its name or its key identifier is another one. */
static enum rank rank_of(const struct candidate *candidate, X509 *subject)
{
    const struct tp_bytes asked = key_id_asked_for(subject);
    const bool both = asked.len > 0 && candidate->key_id.len > 0;
    if (candidate->is_rubbish || X509_NAME_cmp(candidate->name, X509_get_issuer_name(subject)) != 0 ||
        (both && !tp_bytes_equal(asked, candidate->key_id)))
        return RANK_END;
    if (candidate->is_valid)
        return both || candidate->is_anchor ? RANK_VALID_NAMED : RANK_VALID;
    return both ? RANK_NAMED : RANK_OTHER;
}

/* By name, key identifier and kind of key. That a CA may not issue is for the judge to say. */
static bool may_have_issued(X509 *issuer, X509 *subject)
{
    const int why = X509_check_issued(issuer, subject);
    return why == X509_V_OK || why == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
}

/* Reads CANDIDATE whole, once. False: it is no certificate, or there were too many. */
static bool candidate_load(struct search *search, struct candidate *candidate)
{
    if (candidate->x509 != NULL)
        return true;
    if (search->loads == LOADS_MOST) {
        search->exhausted = true;
        return false;
    }
    search->loads++;
    candidate->is_rubbish = tp_pki_x509_load(candidate->der, NULL, &candidate->x509) != TP_OK;
    return !candidate->is_rubbish;
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

/* Whether the signature was checked, which is what a turn counts. */
static enum tp_rc issuer_try(struct search *search, size_t at, struct candidate *candidate, bool *ret_checked)
{
    struct node *node = &search->nodes[at];
    *ret_checked = false;
    if (is_below(search, at, candidate->der) || was_visited(search, candidate->der) ||
        !candidate_load(search, candidate) || !may_have_issued(candidate->x509, node->x509))
        return TP_OK;
    if (search->signatures == SIGNATURES_MOST) {
        search->exhausted = true;
        return TP_OK;
    }
    search->signatures++;
    *ret_checked = true;
    EVP_PKEY *key = X509_get0_pubkey(candidate->x509);
    const bool fits = key != NULL && X509_verify(node->x509, key) == 1;
    node->fits = node->fits || fits;
    node->broken = node->broken || !fits;
    return fits ? node_add(search, candidate, at) : TP_OK;
}

/* The next few issuers of the node at AT, the likeliest first. */
static enum tp_rc turn_take(struct search *search, size_t at)
{
    struct node *node = &search->nodes[at];
    unsigned tried = 0;
    while (node->rank < RANK_END && tried < TURN && !is_done(search) && !search->exhausted) {
        bool checked = false;
        if (node->next == search->candidates_len) {
            node->rank++;
            node->next = 0;
            continue;
        }
        struct candidate *candidate = &search->candidates[node->next++];
        if (rank_of(candidate, node->x509) == node->rank)
            TP_TRY(issuer_try(search, at, candidate, &checked));
        tried += checked ? 1 : 0;
    }
    return TP_OK;
}

static bool is_on_the_way(const struct node *node)
{
    return !node->is_anchor && node->depth < TP_PKI_PATH_MAX;
}

/* One turn of each, those that come up meanwhile included. RET_MORE: somebody has not tried all. */
static enum tp_rc round_take(struct search *search, bool *ret_more)
{
    *ret_more = false;
    for (size_t at = 0; at < search->nodes_len && !is_done(search) && !search->exhausted; at++)
        if (is_on_the_way(&search->nodes[at])) {
            TP_TRY(turn_take(search, at));
            *ret_more = *ret_more || search->nodes[at].rank < RANK_END;
        }
    return TP_OK;
}

static void dead_ends_note(struct search *search)
{
    for (size_t at = 0; at < search->nodes_len; at++) {
        const struct node *node = &search->nodes[at];
        if (!is_on_the_way(node) || node->fits)
            continue;
        if (search->exhausted && node->rank < RANK_END)
            dead_end(search, at, TP_PKI_PATH_NO_ANCHOR,
                     "too many certificates of its issuer's name are there, and not all were tried: whoever trusts its "
                     "issuer makes that an anchor");
        else if (node->broken)
            dead_end(search, at, TP_PKI_PATH_BROKEN, "its signature does not fit the key of its issuer");
        else
            dead_end(search, at, TP_PKI_PATH_NO_ANCHOR,
                     "nothing that is trusted has issued it, and nothing that is at hand");
    }
}

static enum tp_rc climb(struct search *search)
{
    if (search->nodes[0].is_anchor)
        return judge(search, 0);
    for (bool more = true; more && !is_done(search) && !search->exhausted;)
        TP_TRY(round_take(search, &more));
    dead_ends_note(search);
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
