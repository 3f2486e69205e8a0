/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share among themselves.
 */
#ifndef TP_VALIDATION_INTERNAL_H
#define TP_VALIDATION_INTERNAL_H

#include "http/pool.h"
#include "validation/certificate.h"
#include "validation/source.h"

#include <pthread.h>

#define TP_VALIDATION_CLOCKS_MS ((int64_t)300000)   /* that other people's clocks may be ahead of ours */
#define TP_VALIDATION_GRACE_MS  ((int64_t)86400000) /* revocation data without nextUpdate is good for so long */

/* "2026-11-28 15:04:05 UTC" */
#define TP_VALIDATION_TIME_LEN 32
void tp_validation_time_text(int64_t utc_ms, char ret_text[TP_VALIDATION_TIME_LEN]);

/* ---- evidence.c ---- */

/* Views of all items of KIND, in an array that the caller frees. */
TP_MUST_USE enum tp_rc tp_evidence_views(const struct tp_evidence *evidence, enum tp_evidence_kind kind,
                                         struct tp_bytes **ret_views, size_t *ret_len);
/* Parsed when first asked for, and kept with the item. */
TP_MUST_USE enum tp_rc tp_evidence_crl(const struct tp_evidence *evidence, size_t index, struct tp_error *error,
                                       const struct tp_pki_crl **ret_crl, const struct tp_pki_crl_index **ret_index);

/* As tp_pki_crl_verify; asked again with the same issuer, it is remembered. */
TP_MUST_USE enum tp_rc tp_evidence_crl_verify(const struct tp_evidence *evidence, size_t index, struct tp_bytes issuer,
                                              struct tp_error *error);

/* ---- ocsp_memo.c ---- */

/* As tp_pki_ocsp_find, without a nonce; what was found good is remembered. */
TP_MUST_USE enum tp_rc tp_validation_ocsp_find(struct tp_bytes response, struct tp_bytes certificate,
                                               struct tp_bytes issuer, const struct tp_bytes *extra, size_t extra_len,
                                               struct tp_error *error, struct tp_pki_ocsp_answer *ret_answer);

/* ---- status.c: what evidence says about one certificate ---- */

struct tp_validation_ask {
    struct tp_bytes certificate, issuer; /* DER */
    const struct tp_evidence *evidence;
    int64_t by_ms;         /* evidence issued later than this does not vouch */
    int64_t heard_ms;      /* but up to this says that it was revoked; at least by_ms */
    int64_t harm_ms;       /* revoked by then is heard whoever says it, as long as the signature is right */
    int64_t now_ms;        /* evidence without a proof of existence exists since now */
    bool trusts_responder; /* the status of an OCSP responder itself is looked at by the caller */
    bool trusts_issuer;    /* it is an anchor, which has no end */
};
struct tp_validation_status {
    bool found;
    bool revoked, hold;
    int64_t revoked_ms;
    const char *reason;
    int64_t this_ms, next_ms; /* next: 0 without */
    int64_t poe_ms;           /* at most now */
    enum tp_evidence_kind kind;
    size_t index;
    struct tp_buf responder; /* DER of an OCSP responder that is not the issuer itself */
    bool no_check;           /* whose own status is not to be asked */
    enum tp_pki_hash hash;   /* that it is signed over */
    size_t weak;             /* items that were not believed, since hash or key was too weak when they existed */
    size_t out_of_bounds; /* items that were not believed, since whoever signed them was not valid when they existed */
    struct tp_error last; /* why the last item that was not believed was not */
};
/* TP_OK also when there is none (`found`). Revoked for good counts before all else, then what is newest. */
TP_MUST_USE enum tp_rc tp_validation_status_find(const struct tp_validation_ask *ask,
                                                 struct tp_validation_status *ret_status);
void tp_validation_status_clear(struct tp_validation_status *status);
/* Until when it vouches. */
int64_t tp_validation_status_until(const struct tp_validation_status *status, int64_t grace_ms);

/* ---- cache.c ---- */

struct tp_validation_cache; /* threads, and processes, may share it */
typedef uint8_t tp_validation_key[32];
/* FOLDER NULL: in memory only; it is made, mode 0700, when it is not there. */
TP_MUST_USE enum tp_rc tp_validation_cache_new(const char *folder, struct tp_error *error,
                                               struct tp_validation_cache **ret_cache);
void tp_validation_cache_free(struct tp_validation_cache *cache);
/* SHA-256 of what was asked. */
TP_MUST_USE enum tp_rc tp_validation_cache_key(const char *kind, const char *url, struct tp_bytes request,
                                               tp_validation_key ret_key);
/* TP_NOT_FOUND: not there, damaged, not valid at NOW any more, or put there before SINCE. Appended. */
TP_MUST_USE enum tp_rc tp_validation_cache_get(struct tp_validation_cache *cache, const tp_validation_key key,
                                               int64_t now_ms, int64_t since_ms, struct tp_buf *ret_content);
/* A cache that cannot be written is no reason to fail: nothing is said. */
void tp_validation_cache_put(struct tp_validation_cache *cache, const tp_validation_key key, struct tp_bytes content,
                             int64_t until_ms, int64_t now_ms);

/* ---- source.c, ask.c ---- */

#define TP_VALIDATION_FAILURES 64
#define TP_VALIDATION_ERRAND   4 /* timeouts of one exchange that a whole errand may take */

struct tp_validation_source {
    struct tp_validation_source_config config;
    struct tp_validation_cache *cache;
    struct tp_http_pool *pool;
    pthread_mutex_t lock;
    struct { /* what did not answer is left alone for a while */
        tp_validation_key what;
        int64_t until_ms; /* monotonic */
        char words[160];
    } failures[TP_VALIDATION_FAILURES];
    size_t next_failure;
};

/* One errand: gathering for one leaf. */
struct tp_validation_errand {
    struct tp_validation_source *source;
    const struct tp_pki_anchors *anchors;
    struct tp_evidence *evidence;
    int64_t at_ms, now_ms;
    bool verifies; /* asks about all, also where there is an answer, and of whatever size; nothing of it is embedded */
    int64_t deadline_ms; /* monotonic, of all that is asked: a certificate may name many places that hang */
    struct tp_validation_status answered; /* by the last OCSP response or CRL that was good; the taker clears it */
    struct tp_buf tried; /* what was tried in vain for the certificate at hand, for the words */
};
/* Adds to the evidence what is at the places that CERTIFICATE names; TP_NOT_FOUND when there is nothing good, with what
 * was tried in the errand's words. */
TP_MUST_USE enum tp_rc tp_validation_ask_issuer(struct tp_validation_errand *errand, struct tp_bytes certificate);
TP_MUST_USE enum tp_rc tp_validation_ask_ocsp(struct tp_validation_errand *errand, struct tp_bytes certificate,
                                              struct tp_bytes issuer);
/* TP_TOO_LARGE: it says that the certificate is good, and is larger than is to be embedded. */
TP_MUST_USE enum tp_rc tp_validation_ask_crl(struct tp_validation_errand *errand, struct tp_bytes certificate,
                                             struct tp_bytes issuer);

#endif
