/* SPDX-License-Identifier: Apache-2.0
 *
 * Detached signatures over files of any kind: CAdES (ETSI EN 319 122-1) B-B and B-T.
 */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/documents.h"
#include "cli/file.h"
#include "cli/file_digest.h"
#include "cli/output.h"
#include "cli/pdf.h"
#include "pades/sign.h"
#include "pki/cms.h"

#include <string.h>

struct signing {
    struct tp_cli *cli;
    struct tp_cli_pdf pdf;
    enum tp_pades_level level;
    enum tp_pki_hash hash;
    struct tp_buf cms;
    int64_t stamped_ms;
};

static void clear(struct signing *signing)
{
    tp_buf_clear(&signing->cms);
    tp_cli_pdf_close(&signing->pdf);
}

static const struct tp_cli_column columns[] = {
    {"out", "Signature"}, {"level", "Level"}, {"hash", "Hash"}, {"stamped", "Timestamp"}, {NULL, NULL},
};

static enum tp_rc stamp(struct signing *signing)
{
    struct tp_buf token TP_AUTO(tp_buf_clear) = TP_BUF_INIT, stamped TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error *error = &signing->cli->error;
    struct tp_bytes signature;
    TP_TRY(tp_pki_cms_signature(tp_buf_bytes(&signing->cms), error, &signature));
    TP_TRY(tp_pades_stamp_value(signing->pdf.service, signing->hash, signature, error, &token, &signing->stamped_ms));
    TP_TRY(tp_pki_cms_add_timestamp(tp_buf_bytes(&signing->cms), tp_buf_bytes(&token), error, &stamped));
    tp_buf_clear(&signing->cms);
    signing->cms = stamped;
    stamped = TP_BUF_INIT;
    return TP_OK;
}

/* The signing time is among the signed attributes here, where PAdES has it in the document (EN 319 122-1 §6.3). */
static enum tp_rc sign(struct signing *signing)
{
    uint8_t digest[TP_CLI_DIGEST_MAX];
    struct tp_cli *cli = signing->cli;
    TP_TRY(tp_cli_file_digest(tp_cli_operand(&cli->args, 0), signing->hash, &cli->error, digest));
    struct tp_pki_cms_order order = {.signer = signing->pdf.signer,
                                     .hash = signing->hash,
                                     .pss = tp_cli_flag(&cli->args, "pss"),
                                     .digest = TP_BYTES(digest, tp_pki_hash_len(signing->hash)),
                                     .signing_time_ms = tp_clock_utc_ms()};
    TP_TRY(tp_pki_cms_make(&order, &cli->error, &signing->cms));
    return signing->level == TP_PADES_B_T ? stamp(signing) : TP_OK;
}

static enum tp_rc emit(struct signing *signing, const char *out)
{
    struct tp_cli *cli = signing->cli;
    json_t *object = json_object();
    cli->made = out;
    tp_cli_put_text(cli, object, "out", out);
    tp_cli_put_text(cli, object, "level", tp_pades_level_name(signing->level));
    tp_cli_put_text(cli, object, "hash", tp_pki_hash_name(signing->hash));
    tp_cli_put_time(cli, object, "stamped", signing->stamped_ms, false);
    return tp_cli_emit_record(cli, object, columns);
}

static enum tp_rc read_level(struct signing *signing)
{
    const char *level = tp_cli_text(&signing->cli->args, "level");
    signing->level = level == NULL ? TP_PADES_B_B : tp_pades_level_parse(level);
    if (signing->level == TP_PADES_B_B || signing->level == TP_PADES_B_T)
        return TP_OK;
    return tp_error_set(&signing->cli->error, TP_USAGE, "'%s' is no level of a detached signature here: B-B, B-T (or ES, ES-T)", level);
}

static enum tp_rc check_order(struct signing *signing)
{
    struct tp_pades_order order = {.level = TP_PADES_B_B, .hash = signing->hash, .pss = tp_cli_flag(&signing->cli->args, "pss")};
    TP_TRY(tp_pades_order_check(signing->pdf.service, &order, &signing->cli->error));
    if (signing->hash == TP_PKI_HASH_NONE)
        signing->hash = tp_pki_signer_info(signing->pdf.signer)->is_ed ? TP_PKI_SHA512 : tp_pki_signer_hash(signing->pdf.signer);
    return TP_OK;
}

/* The file for the result is made before anything is signed: a signature that cannot be written has been made in vain. */
enum tp_rc tp_cli_cms_sign(struct tp_cli *cli)
{
    struct signing signing TP_AUTO(clear) = {.cli = cli};
    const char *out = tp_cli_text(&cli->args, "out");
    struct tp_cli_new_file *file TP_AUTO(tp_cli_new_file_free_p) = NULL;
    if (out == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "say where the signature goes: --out FILE");
    TP_TRY(tp_cli_out_check(cli, out));
    TP_TRY(read_level(&signing));
    TP_TRY(tp_cli_file_digest_check(tp_cli_operand(&cli->args, 0), &cli->error)); /* what cannot be done costs nobody a PIN */
    TP_TRY(tp_cli_file_place_check(out, &cli->error));
    unsigned wants = TP_CLI_PDF_KEY | (signing.level == TP_PADES_B_T ? TP_CLI_PDF_TSA : 0);
    TP_TRY(tp_cli_pdf_open(cli, wants, 1, &signing.pdf));
    TP_TRY(tp_cli_pdf_hash(&signing.pdf, &signing.hash));
    TP_TRY(check_order(&signing));
    TP_TRY(tp_cli_file_make(out, 0644, &cli->error, &file));
    TP_TRY(sign(&signing));
    TP_TRY(tp_cli_file_fill(file, tp_buf_bytes(&signing.cms), &cli->error));
    return emit(&signing, out);
}
