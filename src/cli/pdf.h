/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands that make or lengthen signatures of documents have in common: documents.conf, the key, TSAs, trust.
 */
#ifndef TP_CLI_PDF_H
#define TP_CLI_PDF_H

#include "cli/cli.h"
#include "cli/documents_conf.h"
#include "pades/service.h"

struct tp_cli_pdf {
    struct tp_cli *cli;
    struct tp_documents_conf *conf;
    struct tp_pdf_pool *pool;
    struct tp_pki_signer *signer;
    struct tp_pki_anchors *anchors, *tsa_anchors;
    struct tp_tsa_client *tsa;
    struct tp_validation_source *source;
    struct tp_evidence *given;
    struct tp_pades_service *service;
};
enum tp_cli_pdf_wants {
    TP_CLI_PDF_POOL = 1,
    TP_CLI_PDF_KEY = 2,
    TP_CLI_PDF_TSA = 4,
    TP_CLI_PDF_EVIDENCE = 8,
    TP_CLI_PDF_TRUST = 16 /* evidence, too, unless nobody is trusted */
};

/* THREADS may sign at a time. The reader of PDFs is made before a PIN is asked for. */
TP_MUST_USE enum tp_rc tp_cli_pdf_open(struct tp_cli *cli, unsigned wants, unsigned threads, struct tp_cli_pdf *ret_pdf);
void tp_cli_pdf_close(struct tp_cli_pdf *pdf);
/* --jobs, or twice the processors. */
unsigned tp_cli_pdf_threads(const struct tp_cli *cli);
/* --password-file's first line; NULL without. */
TP_MUST_USE enum tp_rc tp_cli_pdf_password(struct tp_cli *cli, struct tp_secret **ret_password);
/* A regular file, open for reading. Words begin with PATH. */
TP_MUST_USE enum tp_rc tp_cli_pdf_input(const char *path, struct tp_error *error, int *ret_fd);
/* For whoever tells PATH beside the words. */
TP_MUST_USE enum tp_rc tp_cli_pdf_input_unnamed(const char *path, struct tp_error *error, int *ret_fd);
/* Where there is no room for a result is told by its name, not by the document's: OUT before the words, unless they have it. */
enum tp_rc tp_cli_pdf_name_place(struct tp_error *error, enum tp_rc rc, const char *out);
/* --hash, or of documents.conf; NONE: what fits the key, if there is one. */
TP_MUST_USE enum tp_rc tp_cli_pdf_hash(const struct tp_cli_pdf *pdf, enum tp_pki_hash *ret_hash);

#endif
