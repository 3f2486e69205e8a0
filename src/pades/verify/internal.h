/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the verifying side share: verify.c goes through a document (hearing.h), find.c finds signatures in it,
 * range.c looks at their bytes, pades/change at what came after, judge.c and stamp.c at who signed and when.
 */
#ifndef TP_PADES_VERIFY_INTERNAL_H
#define TP_PADES_VERIFY_INTERNAL_H

#include "pades/form.h"
#include "pades/verify/revision.h"
#include "pades/verify/verify.h"
#include "pki/timestamp.h"

TP_PRINTF(3, 4) void tp_pades_verdict(struct tp_verdict *verdict, enum tp_subindication sub, const char *format, ...);
TP_PRINTF(2, 3) void tp_pades_note(struct tp_pades_verification *verification, const char *format, ...);

/* A new signature of VERIFICATION, which has room for one. */
TP_MUST_USE enum tp_rc tp_pades_signature_new(struct tp_pades_verification *verification, struct tp_pades_signature **ret_signature);
/* The verdict of the whole, and what is covered. */
void tp_pades_sum_up(struct tp_pades_verification *verification);

/* ---- a set of object numbers ---- */

struct tp_pades_set {
    uint8_t *bits;
    size_t len; /* bytes */
};
void tp_pades_set_clear(struct tp_pades_set *set);
bool tp_pades_set_has(const struct tp_pades_set *set, uint32_t id);
TP_MUST_USE enum tp_rc tp_pades_set_add(struct tp_pades_set *set, uint32_t id); /* TP_TOO_LARGE past TP_PDF_OBJECTS_MAX */

/* ---- finding (find.c) ---- */

struct tp_pades_found { /* a signature dictionary; values belong to the document */
    char field[TP_PADES_LINE_MAX];
    struct tp_pdf_ref ref;
    const struct tp_pdf_value *dictionary, *field_dictionary; /* the latter NULL when no field leads to it */
    bool usage_rights;
};
struct tp_pades_finds {
    struct tp_pades_found *finds;
    size_t len;
    bool more; /* than TP_PADES_SIGNATURES_MAX */
};
void tp_pades_finds_clear(struct tp_pades_finds *finds);
/* Through the form; with EVERYWHERE through every object that can be reached, too. */
TP_MUST_USE enum tp_rc tp_pades_find(struct tp_pdf_document *document, bool everywhere, struct tp_error *error,
                                     struct tp_pades_finds *ret_finds);
/* The catalog, or NULL. */
TP_MUST_USE enum tp_rc tp_pades_catalog(struct tp_pdf_document *document, struct tp_error *error,
                                        const struct tp_pdf_value **ret_catalog);

/* ---- bytes (range.c) ---- */

/* ByteRange and /Contents of a signature dictionary against the bytes of the file; RANGE, REVISION and WHOLE of SIGNATURE are set,
 * and CONTENTS (appended) is what lies in the gap. TP_MALFORMED with words otherwise. */
TP_MUST_USE enum tp_rc tp_pades_range_check(struct tp_pdf_document *document, const struct tp_pdf_value *dictionary,
                                            const struct tp_pades_revisions *revisions, struct tp_error *error,
                                            struct tp_pades_signature *signature, struct tp_buf *ret_contents);
/* The hash of both parts; the file is read once, through a window. */
TP_MUST_USE enum tp_rc tp_pades_range_hash(int fd, const uint64_t range[4], enum tp_pki_hash hash,
                                           struct tp_error *error, uint8_t ret_digest[64], size_t *ret_digest_len);
/* SHA-256 of the file, as long as VERIFICATION found it. */
TP_MUST_USE enum tp_rc tp_pades_fingerprint(int fd, struct tp_error *error, struct tp_pades_verification *verification);

/* ---- evidence (evidence.c) ---- */

/* Everything in DOCUMENT's DSS (§12.8.4.3), VRI included, read once and put into each of SETS, behind whose last is NULL. RET_HAS: there
 * is any. */
TP_MUST_USE enum tp_rc tp_pades_evidence_dss(struct tp_pdf_document *document, int64_t poe_ms, struct tp_error *error,
                                             struct tp_evidence *const *sets, bool *ret_has);
/* Its certificates come first from now on. */
TP_MUST_USE enum tp_rc tp_pades_evidence_cms(const struct tp_pki_cms *cms, int64_t poe_ms, struct tp_evidence *evidence);
TP_MUST_USE enum tp_rc tp_pades_evidence_copy(const struct tp_evidence *from, struct tp_evidence *evidence);

/* ---- judging (judge.c, stamp.c) ---- */

struct tp_pades_court {
    const struct tp_pades_trial *trial;
    int64_t now_ms;
    struct tp_evidence *all;      /* everything that there is */
    struct tp_evidence *embedded; /* what came with the document alone: that makes B-LT */
    struct tp_evidence *stamped;  /* of that, what a good document timestamp covers: that makes B-LTA */
    int64_t ask_left_ms[2];       /* for asking about signers, and about TSAs, so that none of these takes anything from those */
    char unanswered[TP_ERROR_WORDS_LEN]; /* the first who could not be asked how things are now; "": all were */
};
/* With what was given; to be closed also when this fails. */
TP_MUST_USE enum tp_rc tp_pades_court_open(const struct tp_pades_trial *trial, struct tp_pades_court *ret_court);
void tp_pades_court_close(struct tp_pades_court *court);
/* What the court has noticed, into VERIFICATION's notes. */
void tp_pades_court_note(const struct tp_pades_court *court, struct tp_pades_verification *verification);
/* The certificate at PROVEN_MS; gathers first when the network may be asked. */
TP_MUST_USE enum tp_rc tp_pades_judge_certificate(struct tp_pades_court *court, struct tp_bytes leaf,
                                                  enum tp_pki_purpose purpose, int64_t proven_ms,
                                                  struct tp_error *error, struct tp_validation_answer *ret_answer);
/* Whether it would pass with a part of the evidence alone: the court's `embedded`, or `stamped`. */
TP_MUST_USE enum tp_rc tp_pades_judge_alone(struct tp_pades_court *court, const struct tp_evidence *evidence, struct tp_bytes leaf,
                                            enum tp_pki_purpose purpose, int64_t proven_ms, struct tp_error *error, bool *ret_passes);
/* An algorithm or a key that was too weak at AT_MS makes VERDICT so; untouched otherwise. */
TP_MUST_USE enum tp_rc tp_pades_judge_strength(struct tp_bytes certificate, enum tp_pki_hash hash, int64_t at_ms,
                                               bool proven, struct tp_verdict *verdict);
/* The same of SIGNER by CERTIFICATE, with both of its hashes: that of the content, and that of the attributes which name it. */
TP_MUST_USE enum tp_rc tp_pades_judge_algorithms(const struct tp_pki_cms_signer *signer, struct tp_bytes certificate, int64_t at_ms,
                                                 bool proven, struct tp_verdict *verdict);

/* What a token is over: a signature value, or a part of a file. */
struct tp_pades_stamped {
    struct tp_bytes message;
    bool hashed; /* MESSAGE is the hash itself, by the algorithm that the token names */
    int fd;
    const uint64_t *range; /* instead of MESSAGE */
};
/* PROVEN_MS: when it is proven to have existed itself. Its verdict is in RET_STAMP. */
TP_MUST_USE enum tp_rc tp_pades_judge_stamp(struct tp_pades_court *court, struct tp_bytes token,
                                            const struct tp_pades_stamped *stamped, int64_t proven_ms,
                                            struct tp_error *error, struct tp_pades_stamp *ret_stamp);
/* Whether STAMP is earlier than OTHER beyond what their accuracies explain. */
bool tp_pades_stamp_precedes(const struct tp_pades_stamp *stamp, const struct tp_pades_stamp *other);

struct tp_pades_case { /* a signature before the court */
    const struct tp_pki_cms *cms;
    size_t signer;
    int fd;
    const uint64_t *range;
    const struct tp_pades_stamp *proof; /* the earliest good document timestamp that covers it; NULL: none */
    int64_t proven_ms;                  /* by that; INT64_MAX without */
    bool evidence_in_document, stamped_evidence; /* in a DSS; in one under a good document timestamp */
    bool contradicted; /* document timestamps over it tell times that cannot both be true */
    bool cades;        /* demanded: signed attributes of CAdES */
    bool sha1_content; /* adbe.pkcs7.sha1 */
};
/* Everything but the document's own rules: hash, signature, attributes, timestamps, certificate, level. */
TP_MUST_USE enum tp_rc tp_pades_judge(struct tp_pades_court *court, const struct tp_pades_case *lawsuit,
                                      struct tp_error *error, struct tp_pades_signature *signature);

#endif
