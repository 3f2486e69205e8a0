/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pdf.h"
#include "cli/documents.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void tp_cli_pdf_close(struct tp_cli_pdf *pdf)
{
    tp_pades_service_free(pdf->service);
    tp_evidence_free(pdf->given);
    tp_validation_source_free(pdf->source);
    tp_tsa_client_free(pdf->tsa);
    tp_pki_anchors_free(pdf->tsa_anchors);
    tp_pki_anchors_free(pdf->anchors);
    tp_pki_signer_free(pdf->signer);
    tp_pdf_pool_free(pdf->pool);
    tp_documents_conf_free(pdf->conf);
    *pdf = (struct tp_cli_pdf){.cli = NULL};
}

/* ---- the key ---- */

static bool reads_input(const struct tp_cli *cli)
{
    bool any = false;
    for (size_t i = 0; i < cli->args.operands_len; i++)
        any = any || strcmp(cli->args.operands[i], "-") == 0;
    return any;
}

/* The key of documents.conf has its own certificate, and paths from its own place. */
static enum tp_rc open_key(struct tp_cli_pdf *pdf, unsigned threads)
{
    struct tp_cli *cli = pdf->cli;
    struct tp_cli_signer_order order = {.uri = tp_cli_text(&cli->args, "key"),
                                        .file = tp_cli_text(&cli->args, "key-file"),
                                        .folder = ".",
                                        .certificate = tp_cli_text(&cli->args, "certificate"),
                                        .threads = threads,
                                        .input_taken = reads_input(cli)};
    if (order.uri != NULL && order.file != NULL)
        return tp_error_set(&cli->error, TP_USAGE, "--key and --key-file name two keys");
    if (order.uri == NULL && order.file == NULL) {
        order.uri = tp_documents_conf_key(pdf->conf);
        order.folder = tp_documents_conf_folder(pdf->conf);
        order.certificate = order.certificate != NULL ? order.certificate : tp_documents_conf_certificate(pdf->conf);
    }
    if (order.uri == NULL && order.file == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "which key? --key with a PKCS#11 URI, or key in [signing] of documents.conf(5)");
    return tp_cli_signer_open(cli, &order, &pdf->signer);
}

/* ---- trust, TSAs, evidence ---- */

static enum tp_rc open_trust(struct tp_cli_pdf *pdf)
{
    TP_TRY(tp_cli_documents_anchors(pdf->cli, pdf->conf, TP_DOCUMENTS_SIGNERS, &pdf->anchors));
    return tp_cli_documents_anchors(pdf->cli, pdf->conf, TP_DOCUMENTS_TSAS, &pdf->tsa_anchors);
}

static enum tp_rc add_certificate(void *context, struct tp_bytes der)
{
    return tp_evidence_add(context, TP_EVIDENCE_CERTIFICATE, der, "file", INT64_MAX);
}

/* A file of evidence is what it looks like: a CRL, or certificates. */
static enum tp_rc read_evidence(struct tp_cli_pdf *pdf, const char *path)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT, der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error *error = &pdf->cli->error;
    TP_TRY(tp_cli_file_read(path, TP_CLI_FILE_MAX, error, &file));
    if (tp_pki_crl_der(tp_buf_bytes(&file), NULL, &der) == TP_OK)
        return tp_evidence_add(pdf->given, TP_EVIDENCE_CRL, tp_buf_bytes(&der), path, INT64_MAX);
    enum tp_rc rc = tp_pki_certificates_read(tp_buf_bytes(&file), error, add_certificate, pdf->given);
    return rc == TP_OK ? TP_OK : tp_error_prefix(error, rc, "%s: neither a CRL nor certificates", path);
}

static enum tp_rc open_evidence(struct tp_cli_pdf *pdf)
{
    const char *path;
    if (tp_pki_anchors_len(pdf->anchors) == 0)
        return tp_error_set(&pdf->cli->error, TP_USAGE, "certificates are proven to trust anchors at this level: --trust FILE, or "
                            "signers in [trust] of documents.conf(5)");
    TP_TRY(tp_evidence_new(&pdf->given));
    for (size_t i = 0; (path = tp_cli_text_at(&pdf->cli->args, "evidence", i)) != NULL; i++)
        TP_TRY(read_evidence(pdf, path));
    return tp_documents_conf_source(pdf->conf, tp_cli_flag(&pdf->cli->args, "offline") ? TP_DOCUMENTS_OFFLINE : TP_DOCUMENTS_ASK,
                                    &pdf->cli->error, &pdf->source);
}

static enum tp_rc open_all(struct tp_cli_pdf *pdf, unsigned wants, unsigned threads)
{
    struct tp_error *error = &pdf->cli->error;
    if ((wants & TP_CLI_PDF_POOL) != 0)
        TP_TRY(tp_pdf_pool_new(NULL, error, &pdf->pool));
    if ((wants & (TP_CLI_PDF_TSA | TP_CLI_PDF_EVIDENCE | TP_CLI_PDF_TRUST)) != 0)
        TP_TRY(open_trust(pdf));
    if ((wants & TP_CLI_PDF_EVIDENCE) != 0 || ((wants & TP_CLI_PDF_TRUST) != 0 && tp_pki_anchors_len(pdf->anchors) > 0))
        TP_TRY(open_evidence(pdf));
    if ((wants & TP_CLI_PDF_TSA) != 0)
        TP_TRY(tp_cli_documents_tsa(pdf->cli, pdf->conf, NULL, pdf->tsa_anchors, &pdf->tsa));
    if ((wants & TP_CLI_PDF_KEY) != 0)
        TP_TRY(open_key(pdf, threads));
    struct tp_pades_means means = {.pool = pdf->pool,
                                   .signer = pdf->signer,
                                   .tsa = pdf->tsa,
                                   .source = pdf->source,
                                   .anchors = pdf->anchors,
                                   .tsa_anchors = pdf->tsa_anchors,
                                   .given = pdf->given};
    return tp_pades_service_new(&means, error, &pdf->service);
}

enum tp_rc tp_cli_pdf_open(struct tp_cli *cli, unsigned wants, unsigned threads, struct tp_cli_pdf *ret_pdf)
{
    struct tp_cli_pdf pdf TP_AUTO(tp_cli_pdf_close) = {.cli = cli};
    TP_TRY(tp_cli_documents(cli, &pdf.conf));
    TP_TRY(open_all(&pdf, wants, threads));
    *ret_pdf = pdf;
    pdf = (struct tp_cli_pdf){.cli = NULL};
    return TP_OK;
}

/* ---- small things ---- */

unsigned tp_cli_pdf_threads(const struct tp_cli *cli)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return (unsigned)tp_cli_number(&cli->args, "jobs", processors < 1 ? 2 : processors > 32 ? 64 : processors * 2);
}

enum tp_rc tp_cli_pdf_password(struct tp_cli *cli, struct tp_secret **ret_password)
{
    if (tp_cli_text(&cli->args, "password-file") == NULL)
        return TP_OK;
    return tp_cli_secret_ask(cli, "Password of the PDF", "password-file", ret_password);
}

enum tp_rc tp_cli_pdf_input_unnamed(const char *path, struct tp_error *error, int *ret_fd)
{
    struct stat status = {.st_mode = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would be waited for */
    if (fd < 0)
        return tp_error_set(error, errno == ENOENT ? TP_NOT_FOUND : TP_IO, "%s", strerror(errno));
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        (void)close(fd);
        return tp_error_set(error, TP_BAD_ARGUMENT, S_ISDIR(status.st_mode) ? "it is a folder: name a file that is in it"
                                                                            : "it is no regular file");
    }
    *ret_fd = fd;
    return TP_OK;
}

enum tp_rc tp_cli_pdf_input(const char *path, struct tp_error *error, int *ret_fd)
{
    const enum tp_rc rc = tp_cli_pdf_input_unnamed(path, error, ret_fd);
    return rc == TP_OK ? TP_OK : tp_error_prefix(error, rc, "%s", path);
}

enum tp_rc tp_cli_pdf_name_place(struct tp_error *error, enum tp_rc rc, const char *out)
{
    const bool named = strncmp(tp_error_words(error), out, strlen(out)) == 0;
    return named ? rc : tp_error_prefix(error, rc, "%s", out);
}

enum tp_rc tp_cli_pdf_hash(const struct tp_cli_pdf *pdf, enum tp_pki_hash *ret_hash)
{
    const char *name = tp_cli_text(&pdf->cli->args, "hash");
    *ret_hash = name == NULL ? TP_PKI_HASH_NONE : tp_pki_hash_parse(name);
    if (name != NULL && *ret_hash == TP_PKI_HASH_NONE)
        return tp_error_set(&pdf->cli->error, TP_USAGE, "'%s' is no hash that is known; sha256, sha384, sha512, sha3-256, …", name);
    if (name == NULL && (pdf->signer == NULL || !tp_pki_signer_info(pdf->signer)->is_ed))
        *ret_hash = tp_documents_conf_hash_wish(pdf->conf);
    return TP_OK;
}
