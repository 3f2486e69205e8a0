/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/documents.h"
#include "cli/output.h"
#include "cli/pdf.h"
#include "cli/pdf_batch.h"
#include "cli/pdf_order.h"

#include <stdio.h>
#include <unistd.h>

struct signing {
    struct tp_cli *cli;
    struct tp_cli_pdf pdf;
    struct tp_cli_pdf_order order;
    struct tp_secret *password;
    struct tp_cli_pdf_list list;
};

static void clear(struct signing *signing)
{
    tp_cli_pdf_list_clear(&signing->list);
    tp_secret_free(signing->password);
    tp_cli_pdf_order_clear(&signing->order);
    tp_cli_pdf_close(&signing->pdf);
}

static const struct tp_cli_column columns[] = {
    {"out", "Signed"}, {"field", "Field"}, {"level", "Level"}, {"hash", "Hash"}, {"stamped", "Timestamp"}, {NULL, NULL},
};

static enum tp_rc emit(struct signing *signing, const char *out, const struct tp_pades_result *result)
{
    struct tp_cli *cli = signing->cli;
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "out", out);
    tp_cli_put_text(cli, object, "field", result->field);
    tp_cli_put_text(cli, object, "level", tp_pades_level_name(signing->order.order.level));
    tp_cli_put_text(cli, object, "hash", tp_pki_hash_name(result->hash));
    tp_cli_put_time(cli, object, "stamped", result->stamped_ms, false);
    tp_cli_put_count(cli, object, "length", result->length);
    tp_cli_put_text(cli, object, "note", result->note);
    TP_TRY(tp_cli_emit_record(cli, object, columns));
    if (result->note[0] != '\0')
        tp_cli_remark(cli, "note: %s", result->note);
    return TP_OK;
}

static enum tp_rc sign_open(struct signing *signing, int in, const char *out)
{
    struct tp_pades_place *place TP_AUTO(tp_pades_place_free_p) = NULL;
    struct tp_pades_result result;
    struct tp_error *error = &signing->cli->error;
    TP_TRY(tp_pades_place_new(out, in, tp_cli_flag(&signing->cli->args, "force"), error, &place));
    TP_TRY(tp_pades_sign(signing->pdf.service, in, &signing->order.order, place, error, &result));
    TP_TRY(tp_pades_place_commit(place, error));
    return emit(signing, out, &result);
}

/* Before anybody is asked for a PIN, whatever can be wrong with the names is. */
static enum tp_rc check_names(struct signing *signing, const char *path, const char *out)
{
    struct tp_pades_place *place TP_AUTO(tp_pades_place_free_p) = NULL;
    int in;
    TP_TRY(tp_cli_pdf_input(path, &signing->cli->error, &in));
    enum tp_rc rc = tp_pades_place_new(out, in, tp_cli_flag(&signing->cli->args, "force"), &signing->cli->error, &place);
    (void)close(in);
    return rc;
}

static enum tp_rc sign_one(struct signing *signing, const char *path, const char *out)
{
    int in;
    TP_TRY(tp_cli_pdf_input(path, &signing->cli->error, &in));
    enum tp_rc rc = sign_open(signing, in, out);
    (void)close(in);
    return rc == TP_OK || rc == TP_USAGE ? rc : tp_error_prefix(&signing->cli->error, rc, "%s", path);
}

/* ---- many ---- */

static enum tp_rc work(void *context, int in, struct tp_pades_place *place, struct tp_error *error, char *ret_note)
{
    struct signing *signing = context;
    struct tp_pades_result result;
    TP_TRY(tp_pades_sign(signing->pdf.service, in, &signing->order.order, place, error, &result));
    (void)snprintf(ret_note, TP_ERROR_WORDS_LEN, "%s", result.note);
    return TP_OK;
}

static enum tp_rc sign_many(struct signing *signing)
{
    struct tp_cli_pdf_batch batch = {.cli = signing->cli,
                                     .list = &signing->list,
                                     .threads = tp_cli_pdf_threads(signing->cli),
                                     .force = tp_cli_flag(&signing->cli->args, "force"),
                                     .work = work,
                                     .context = signing,
                                     .label = "signed"};
    return tp_cli_pdf_batch_run(&batch);
}

/* ---- the command ---- */

static enum tp_rc check_usage(struct tp_cli *cli)
{
    bool batch = tp_cli_text(&cli->args, "batch") != NULL, out = tp_cli_text(&cli->args, "out") != NULL;
    size_t operands = cli->args.operands_len;
    if (batch && (!out || operands > 0))
        return tp_error_set(&cli->error, TP_USAGE, "--batch DIR or LIST goes with --out DIR, and without IN and OUT");
    if (!batch && (out || operands != 2))
        return tp_error_set(&cli->error, TP_USAGE, "what is to be signed, and where to? trustp11 pdf sign IN OUT");
    return TP_OK;
}

static unsigned wants(const struct tp_pades_order *order)
{
    unsigned wants = TP_CLI_PDF_POOL | TP_CLI_PDF_KEY;
    wants |= order->level >= TP_PADES_B_T ? TP_CLI_PDF_TSA : 0;
    return wants | (order->level >= TP_PADES_B_LT ? TP_CLI_PDF_EVIDENCE : 0);
}

static enum tp_rc default_level(struct tp_cli *cli, char *ret_level, size_t ret_level_len)
{
    struct tp_documents_conf *conf TP_AUTO(tp_documents_conf_free_p) = NULL;
    TP_TRY(tp_cli_documents(cli, &conf));
    (void)snprintf(ret_level, ret_level_len, "%s", tp_documents_conf_level(conf));
    return TP_OK;
}

static enum tp_rc prepare(struct signing *signing)
{
    struct tp_cli *cli = signing->cli;
    const char *batch = tp_cli_text(&cli->args, "batch");
    char level[32];
    TP_TRY(check_usage(cli));
    TP_TRY(default_level(cli, level, sizeof level));
    TP_TRY(tp_cli_pdf_order_read(cli, level, &signing->order));
    if (batch != NULL)
        TP_TRY(tp_cli_pdf_list_read(cli, batch, tp_cli_text(&cli->args, "out"), &signing->list));
    else
        TP_TRY(check_names(signing, tp_cli_operand(&cli->args, 0), tp_cli_operand(&cli->args, 1)));
    TP_TRY(tp_cli_pdf_password(cli, &signing->password));
    TP_TRY(tp_cli_pdf_open(cli, wants(&signing->order.order), batch == NULL ? 1 : tp_cli_pdf_threads(cli), &signing->pdf));
    TP_TRY(tp_cli_pdf_hash(&signing->pdf, &signing->order.order.hash));
    signing->order.order.password = signing->password;
    return tp_pades_order_check(signing->pdf.service, &signing->order.order, &cli->error);
}

enum tp_rc tp_cli_pdf_sign(struct tp_cli *cli)
{
    struct signing signing TP_AUTO(clear) = {.cli = cli};
    TP_TRY(prepare(&signing));
    if (tp_cli_text(&cli->args, "batch") != NULL)
        return sign_many(&signing);
    return sign_one(&signing, tp_cli_operand(&cli->args, 0), tp_cli_operand(&cli->args, 1));
}
