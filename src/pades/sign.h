/* SPDX-License-Identifier: Apache-2.0
 *
 * PDF signatures after ETSI EN 319 142-1 (PAdES baseline), as incremental updates: the bytes of the document, and so every
 * signature that is in it, stay as they are. docs/pades.md tells byte by byte what is written.
 *
 *   B-B    a signature                                              ES
 *   B-T    with a timestamp over it                                 ES-T
 *   B-LT   and what proves the certificates (DSS) in a second update
 *   B-LTA  and a document timestamp over all that in a third        ES-A
 */
#ifndef TP_PADES_SIGN_H
#define TP_PADES_SIGN_H

#include "pades/place.h"
#include "pades/service.h"
#include "pades/visible/visible.h"

#define TP_PADES_TEXT_MAX  1024 /* bytes of reason, location, contact, name */
#define TP_PADES_NAMES_MAX 256  /* fields that a lock names */

/* name of the baseline, and as Japanese law calls it */
#define TP_PADES_LEVELS(X)                                                                                             \
    X(B_B, "B-B", "ES")                                                                                                \
    X(B_T, "B-T", "ES-T")                                                                                              \
    X(B_LT, "B-LT", "ES-X-Long")                                                                                       \
    X(B_LTA, "B-LTA", "ES-A")

enum tp_pades_level {
#define TP_PADES_LEVEL_ENUM(id, name, other) TP_PADES_##id,
    TP_PADES_LEVELS(TP_PADES_LEVEL_ENUM)
#undef TP_PADES_LEVEL_ENUM
        TP_PADES_LEVEL_END
};
const char *tp_pades_level_name(enum tp_pades_level level); /* "B-LTA" */
/* "B-LTA", "PAdES-B-LTA", "ES-A", in any case; TP_PADES_LEVEL_END for what is none. */
enum tp_pades_level tp_pades_level_parse(const char *text);

/* FieldMDP (ISO 32000-2 §12.8.2.4): which form fields this signature locks. */
enum tp_pades_lock { TP_PADES_LOCK_NONE, TP_PADES_LOCK_ALL, TP_PADES_LOCK_INCLUDE, TP_PADES_LOCK_EXCLUDE };

struct tp_pades_order {
    enum tp_pades_level level;
    enum tp_pki_hash hash; /* NONE: what the field's seed value demands, or else what fits the key */
    bool pss;              /* RSA only */
    const char *reason, *location, *contact, *name; /* UTF-8; NULL: not said */
    int64_t time_ms;                                /* /M; 0: now */
    unsigned certify; /* DocMDP: 0 none; 1 no changes; 2 forms and signatures; 3 annotations, too */
    enum tp_pades_lock lock;
    const char *const *lock_names; /* full names, with INCLUDE and EXCLUDE */
    size_t lock_names_len;
    const char *field;                     /* an empty signature field's name, or that of a new one; NULL: a new one */
    const struct tp_pades_visible *visible; /* NULL: not to be seen, unless the field that is there has a place */
    const struct tp_secret *password;      /* of an encrypted document; NULL: none */
};

struct tp_pades_result {
    char field[128];     /* full name, cut when longer */
    enum tp_pki_hash hash;
    enum tp_pades_level level; /* that it has now */
    int64_t stamped_ms;  /* what the first timestamp says; 0: none */
    uint64_t length;     /* of the document now */
    char note[TP_ERROR_WORDS_LEN]; /* what a person should know although it worked; "" */
};

/* Signs the document that IN is (a regular file, open for reading) into PLACE, which is not committed here: nothing has
 * appeared yet under a name. Evidence is gathered before the key is used, so that a revoked signer signs nothing.
 * TP_REFUSED with words that say which rule of document, field or certificate forbids it; TP_KEY_UNUSABLE: whose certificate
 * it is was revoked, or leads to nobody who is trusted, so that no other document can be signed, either, at this level;
 * TP_UNSUPPORTED: a form of PDF that cannot be signed (repaired cross-references, dynamic XFA); TP_NOT_PERMITTED: it wants another password; those of
 * tp_pdf_document_open, of the signer, of the TSAs. */
TP_MUST_USE enum tp_rc tp_pades_sign(struct tp_pades_service *service, int in, const struct tp_pades_order *order,
                                     struct tp_pades_place *place, struct tp_error *error,
                                     struct tp_pades_result *ret_result);
/* Whether the document that IN is can be opened at all, with the errors of tp_pades_sign: before somebody is asked for a PIN. */
TP_MUST_USE enum tp_rc tp_pades_readable(struct tp_pdf_pool *pool, int in, const struct tp_secret *password,
                                         struct tp_error *error);
/* What can be known before any document is looked at: texts, level and means, the signer's certificate and hash. TP_USAGE or
 * TP_BAD_ARGUMENT with words. */
TP_MUST_USE enum tp_rc tp_pades_order_check(const struct tp_pades_service *service, const struct tp_pades_order *order,
                                            struct tp_error *error);
/* A timestamp over a signature's VALUE, which was made with HASH; DER, appended. */
TP_MUST_USE enum tp_rc tp_pades_stamp_value(struct tp_pades_service *service, enum tp_pki_hash hash, struct tp_bytes value,
                                            struct tp_error *error, struct tp_buf *ret_token, int64_t *ret_time_ms);

#endif
