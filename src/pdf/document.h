/* SPDX-License-Identifier: Apache-2.0
 *
 * A PDF file as a keyless process reads it (QPDF): bounded in time and memory, without files, network or other system
 * calls than it needs (seccomp). The reader is kept for the next file, and replaced after any error. What a hostile file
 * does to it costs an error message.
 */
#ifndef TP_PDF_DOCUMENT_H
#define TP_PDF_DOCUMENT_H

#include "base/secret.h"
#include "pdf/value.h"

struct tp_pdf_limits {      /* of one reader; 0: the default */
    int64_t time_ms;        /* for one question, wall clock; 10 s */
    size_t memory;          /* address space beside the file itself; 512 MiB */
    size_t stream_most;     /* bytes of one decoded stream; 64 MiB */
};

/* Readers; threads may share a pool, each open document has one reader. Start it before other threads hold secrets: its
 * processes are forks of this one, made from a helper that was forked here. */
struct tp_pdf_pool;
TP_MUST_USE enum tp_rc tp_pdf_pool_new(const struct tp_pdf_limits *limits, struct tp_error *error,
                                       struct tp_pdf_pool **ret_pool);
void tp_pdf_pool_free(struct tp_pdf_pool *pool);
TP_DEFINE_AUTO(struct tp_pdf_pool, tp_pdf_pool_free)

enum tp_pdf_xref { TP_PDF_XREF_TABLE, TP_PDF_XREF_STREAM, TP_PDF_XREF_HYBRID };
struct tp_pdf_facts {
    unsigned version;      /* 17 for 1.7, 20 for 2.0: the larger of header and catalog */
    int64_t startxref;     /* where the newest cross-reference section is */
    enum tp_pdf_xref xref; /* its form */
    uint32_t size;         /* trailer /Size: the first free object number */
    bool encrypted;
    bool repaired;         /* QPDF had to rebuild the cross-reference table: nothing can be appended to such a file */
    uint64_t header_at;    /* bytes before %PDF; offsets in the file count from there */
    uint64_t length;       /* bytes that were looked at */
};
struct tp_pdf_document; /* one thread at a time */

/* The first LENGTH bytes of FD (a regular file; 0: all), so that an earlier revision can be opened by its end. The descriptor
 * stays the caller's and must stay open. PASSWORD: user's or owner's; NULL: none. TP_PIN_WRONG: it needs another. TP_MALFORMED,
 * TP_TIMEOUT, TP_TOO_LARGE, TP_UNSUPPORTED. */
TP_MUST_USE enum tp_rc tp_pdf_document_open(struct tp_pdf_pool *pool, int fd, uint64_t length,
                                            const struct tp_secret *password, struct tp_error *error,
                                            struct tp_pdf_document **ret_document);
/* The same for who is going to need the first page: it comes along, unless there is none. Its errors are those of opening. */
TP_MUST_USE enum tp_rc tp_pdf_document_open_with_page(struct tp_pdf_pool *pool, int fd, uint64_t length,
                                                      const struct tp_secret *password, struct tp_error *error,
                                                      struct tp_pdf_document **ret_document);
void tp_pdf_document_close(struct tp_pdf_document *document);
TP_DEFINE_AUTO(struct tp_pdf_document, tp_pdf_document_close)

const struct tp_pdf_facts *tp_pdf_document_facts(const struct tp_pdf_document *document);
int tp_pdf_document_fd(const struct tp_pdf_document *document);
struct tp_pdf_arena *tp_pdf_document_arena(struct tp_pdf_document *document); /* values live as long as the document */
const struct tp_pdf_value *tp_pdf_document_trailer(const struct tp_pdf_document *document);
/* An object by number, asked for once and kept. What is not there, or a number outside the file, is the null object. */
TP_MUST_USE enum tp_rc tp_pdf_document_object(struct tp_pdf_document *document, struct tp_pdf_ref ref,
                                              struct tp_error *error, const struct tp_pdf_value **ret_value);
/* VALUE, or what it refers to, through any number of references up to ten. */
TP_MUST_USE enum tp_rc tp_pdf_document_resolve(struct tp_pdf_document *document, const struct tp_pdf_value *value,
                                               struct tp_error *error, const struct tp_pdf_value **ret_value);
/* KEY of DICTIONARY, resolved; NULL when it is not there. */
TP_MUST_USE enum tp_rc tp_pdf_document_get(struct tp_pdf_document *document, const struct tp_pdf_value *dictionary,
                                           const char *key, struct tp_error *error, const struct tp_pdf_value **ret_value);
/* A stream's data, all filters undone; appended. */
TP_MUST_USE enum tp_rc tp_pdf_document_stream(struct tp_pdf_document *document, struct tp_pdf_ref ref,
                                              struct tp_error *error, struct tp_buf *ret_data);
/* The page INDEX (from 0), found without changing anything: its object, and the attributes it inherits (§7.7.3.4) merged in.
 * TP_NOT_FOUND with how many there are. */
TP_MUST_USE enum tp_rc tp_pdf_document_page(struct tp_pdf_document *document, unsigned index, struct tp_error *error,
                                            struct tp_pdf_ref *ret_ref, const struct tp_pdf_value **ret_page);

/* Every object that can be reached from the trailer, for comparing revisions: a hash of its value (of a stream: dictionary without
 * /Length, and its raw data), where it is, and whether other readers may see something else there than ours does. */
enum tp_pdf_doubt {
    TP_PDF_DOUBT_GENERATION = 1, /* it is referred to by a generation that its number does not have */
    TP_PDF_DOUBT_SYNTAX = 2,     /* it, or its cross-reference, can be read in more than one way */
    TP_PDF_DOUBT_HIDDEN = 4      /* it is referred to where something can be read in more than one way, and not as QPDF reads it */
};
struct tp_pdf_digest {
    struct tp_pdf_ref ref;
    uint8_t hash[32];
    uint64_t at; /* in the file, from its header: the object, or the object stream that it is in; 0: nowhere */
    uint8_t doubts;
};
struct tp_pdf_digests {
    struct tp_pdf_digest *digests; /* by number */
    size_t len;
    bool lost;         /* the cross-reference sections cannot be followed: nobody can say what other readers see */
    bool nowhere;      /* a key of the trailer refers to what is not there */
    uint64_t stray;    /* in the file, behind the last object's beginning that no section has; 0: none */
    uint64_t late;     /* the same of the last that stands behind what is in use of its number, or has such a one in it */
    uint64_t root;     /* the same of the last that names a catalog, and is no trailer of the document, or names another */
    uint8_t doubt[32]; /* which sections can be read in more than one way; all 0: none */
};
TP_MUST_USE enum tp_rc tp_pdf_document_digests(struct tp_pdf_document *document, struct tp_error *error,
                                               struct tp_pdf_digests *ret_digests);
void tp_pdf_digests_clear(struct tp_pdf_digests *digests);
const struct tp_pdf_digest *tp_pdf_digests_find(const struct tp_pdf_digests *digests, uint32_t id); /* NULL: not reached */

#endif
