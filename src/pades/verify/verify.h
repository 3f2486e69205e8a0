/* SPDX-License-Identifier: Apache-2.0
 *
 * Judging signatures after EN 319 102-1: those of a PDF (ISO 32000-2 §12.8, PAdES), with what was changed in the document after each of
 * them, detached CMS, and timestamp tokens. docs/verification.md says what is judged how.
 *
 * The answer is a tree of plain values. Every text in it is UTF-8, but may come from the document: whoever shows it
 * escapes it.
 */
#ifndef TP_PADES_VERIFY_VERIFY_H
#define TP_PADES_VERIFY_VERIFY_H

#include "pades/restriction.h"
#include "pdf/document.h"
#include "validation/certificate.h"
#include "validation/source.h"

#define TP_PADES_SIGNATURES_MAX 64  /* that are judged, of a document */
#define TP_PADES_CHANGES_MAX    64  /* that are told, of a signature */
#define TP_PADES_NOTES_MAX      16
#define TP_PADES_TOKENS_MAX     8   /* signature timestamps of a signature */

struct tp_pades_trial { /* what a judgement rests on; everything is the caller's */
    const struct tp_pki_anchors *anchors;      /* of signers */
    const struct tp_pki_anchors *tsa_anchors;  /* of timestamp authorities; NULL: the same */
    int64_t at_ms;                       /* the time that it is judged at; 0: now */
    const struct tp_evidence *given;     /* from files; NULL: none. Not changed */
    struct tp_validation_source *source; /* asked for what is missing or may be newer; NULL: only what is there counts */
    bool fingerprint;                    /* the whole file is read once more for its SHA-256 */
};

enum tp_pades_signature_form { TP_PADES_APPROVAL, TP_PADES_CERTIFICATION, TP_PADES_DOCUMENT_TIMESTAMP, TP_PADES_CMS };
const char *tp_pades_signature_form_words(enum tp_pades_signature_form form); /* "certification signature" */

/* How far it got, by what is there and good. */
enum tp_pades_reached {
    TP_PADES_REACHED_NOTHING,
    TP_PADES_REACHED_CMS, /* good, but no PAdES or CAdES: "PKCS#7" */
    TP_PADES_REACHED_B,
    TP_PADES_REACHED_T,
    TP_PADES_REACHED_LT,
    TP_PADES_REACHED_LTA
};
const char *tp_pades_reached_name(enum tp_pades_reached reached); /* "B-LTA"; "" for nothing */

struct tp_pades_stamp { /* a timestamp over a signature or a document */
    struct tp_verdict verdict;
    int64_t time_ms;     /* 0: unreadable */
    int64_t accuracy_us; /* -1: not told */
    char tsa[TP_PKI_DN_MAX], algorithm[64], policy[128];
    struct tp_validation_answer answer; /* empty when it did not come so far */
};

enum tp_pades_nature { /* of a change */
    TP_PADES_CHANGE_EVIDENCE,   /* DSS, extensions: what every long-term signature adds */
    TP_PADES_CHANGE_TIMESTAMP,  /* a document timestamp */
    TP_PADES_CHANGE_SIGNATURE,  /* another signature, or an empty field for one */
    TP_PADES_CHANGE_FORM,       /* a form field filled in */
    TP_PADES_CHANGE_ANNOTATION, /* added, changed, removed */
    TP_PADES_CHANGE_METADATA,   /* about the document */
    TP_PADES_CHANGE_CONTENT     /* anything else */
};
const char *tp_pades_nature_name(enum tp_pades_nature nature); /* "content" */

struct tp_pades_change {
    enum tp_pades_nature nature;
    bool allowed, warned; /* warned: allowed, but it can mislead whoever looks at the page */
    unsigned revision;    /* that it came with, from 1; 0: not known */
    unsigned page;        /* that it shows on; 0: none */
    bool has_rect;
    double rect[4];       /* as /Rect: where it shows */
    struct tp_pdf_ref ref;
    char words[TP_PADES_LINE_MAX];
};

struct tp_pades_signature {
    enum tp_pades_signature_form form;
    struct tp_verdict verdict;
    enum tp_pades_reached reached;
    bool intact;                          /* hash and signature fit, whatever is thought of the signer */
    char field[TP_PADES_LINE_MAX];        /* full name; "" for a signature that no form field leads to */
    struct tp_pdf_ref ref;                /* of the signature dictionary; 0: it has no number */
    char sub_filter[64], reason[TP_PADES_LINE_MAX], location[TP_PADES_LINE_MAX], contact[TP_PADES_LINE_MAX];
    uint64_t range[4];                    /* ByteRange */
    unsigned revision;                    /* that it signs, from 1; 0: none */
    bool whole;                           /* it covers the file to its end */
    char signer[TP_PKI_DN_MAX], algorithm[64];
    enum tp_pki_hash hash;
    uint8_t digest[64];                   /* of what is signed, by HASH */
    size_t digest_len;
    enum tp_pki_hash signed_hash;
    uint8_t signed_digest[64];            /* of the data to be signed representation (EN 319 102-1), by SIGNED_HASH */
    size_t signed_digest_len;             /* 0: not known; of document timestamps, too */
    struct tp_buf value;                  /* the signature value, for reports */
    int64_t claimed_ms;                   /* when the signer says that it was; 0: not said */
    int64_t proven_ms;                    /* the earliest time at which it is proven to have existed; INT64_MAX: none */
    struct tp_pades_restriction restriction; /* DocMDP of all so far, locks of this one */
    struct tp_validation_answer answer;   /* the signer's certificate */
    struct tp_pades_stamp stamps[TP_PADES_TOKENS_MAX]; /* of a document timestamp: itself alone */
    size_t stamps_len;
    struct tp_pades_change changes[TP_PADES_CHANGES_MAX]; /* those not allowed first */
    size_t changes_len, changes_more;     /* more: how many there is no room for */
};

struct tp_pades_verification {
    struct tp_verdict verdict; /* the worst of all; of a document that is not signed WHY alone, since EN 319 102-1 has no word for it */
    int64_t at_ms;
    uint64_t length;
    uint8_t sha256[64];      /* of the file, up to LENGTH */
    size_t sha256_len;       /* 0: not asked for */
    unsigned revisions;
    bool encrypted, damaged; /* damaged: its cross-references had to be made anew */
    bool covered;            /* some good signature or timestamp covers the newest revision */
    struct tp_pades_signature *signatures[TP_PADES_SIGNATURES_MAX]; /* in the order in which they were made */
    size_t signatures_len;
    char notes[TP_PADES_NOTES_MAX][TP_PADES_LINE_MAX]; /* what else a person should know */
    size_t notes_len;
};

/* There is a signature in it, good or bad. Otherwise it has no verdict that passes: a timestamp, which anybody can get, signs nothing. */
bool tp_pades_is_signed(const struct tp_pades_verification *verification);
/* Its level is B-B although there are timestamps over it: none of them is proven. */
bool tp_pades_is_stamped_in_vain(const struct tp_pades_signature *signature);

/* All signatures of the PDF in FD. TP_OK: it was judged, whatever the verdict. Otherwise those of tp_pdf_document_open, and
 * TP_MALFORMED for a file that cannot be judged at all. */
TP_MUST_USE enum tp_rc tp_pades_verify(struct tp_pdf_pool *pool, int fd, const struct tp_secret *password,
                                       const struct tp_pades_trial *trial, struct tp_error *error,
                                       struct tp_pades_verification **ret_verification);
/* Detached CMS (DER, BER or PEM) over the file FD; one signature for each signer. */
TP_MUST_USE enum tp_rc tp_pades_verify_cms(struct tp_bytes cms, int fd, const struct tp_pades_trial *trial,
                                           struct tp_error *error, struct tp_pades_verification **ret_verification);
/* One timestamp token (RFC 3161, DER) by itself, over something whose hash, by the algorithm that the token names, is DIGEST (nothing
 * where that is not known): judged as one in a document is. RET_STAMP's answer is the caller's to clear. */
TP_MUST_USE enum tp_rc tp_pades_verify_token(struct tp_bytes token, struct tp_bytes digest, const struct tp_pades_trial *trial,
                                             struct tp_error *error, struct tp_pades_stamp *ret_stamp);
void tp_pades_verification_free(struct tp_pades_verification *verification);
TP_DEFINE_AUTO(struct tp_pades_verification, tp_pades_verification_free)

#endif
