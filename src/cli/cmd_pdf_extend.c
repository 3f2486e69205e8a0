/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/pdf.h"
#include "cli/pdf_batch.h"
#include "pades/extend.h"

#include <stdio.h>
#include <unistd.h>

struct extending {
    struct tp_cli *cli;
    struct tp_cli_pdf pdf;
    struct tp_pades_extend_order order;
    struct tp_secret *password;
    struct tp_cli_pdf_list list;
};

static void clear(struct extending *extending)
{
    tp_cli_pdf_list_clear(&extending->list);
    tp_secret_free(extending->password);
    tp_cli_pdf_close(&extending->pdf);
}

static const struct tp_cli_column columns[] = {
    {"out", "Extended"}, {"level", "Level"}, {"stamped", "Timestamp"}, {NULL, NULL},
};

static enum tp_rc emit(struct extending *extending, const char *out, const struct tp_pades_result *result)
{
    struct tp_cli *cli = extending->cli;
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "out", out);
    tp_cli_put_text(cli, object, "level", tp_pades_level_name(extending->order.level));
    tp_cli_put_time(cli, object, "stamped", result->stamped_ms, false);
    tp_cli_put_count(cli, object, "length", result->length);
    tp_cli_put_text(cli, object, "note", result->note);
    TP_TRY(tp_cli_emit_record(cli, object, columns));
    if (result->note[0] != '\0')
        tp_cli_remark(cli, "note: %s", result->note);
    return TP_OK;
}

static enum tp_rc extend_open(struct extending *extending, int in, const char *out)
{
    struct tp_pades_place *place TP_AUTO(tp_pades_place_free_p) = NULL;
    struct tp_pades_result result;
    struct tp_error *error = &extending->cli->error;
    TP_TRY(tp_pades_place_new(out, in, tp_cli_flag(&extending->cli->args, "force"), error, &place));
    TP_TRY(tp_pades_extend(extending->pdf.service, in, &extending->order, place, error, &result));
    TP_TRY(tp_pades_place_commit(place, error));
    return emit(extending, out, &result);
}

static enum tp_rc extend_one(struct extending *extending, const char *path, const char *out)
{
    int in;
    TP_TRY(tp_cli_pdf_input(path, &extending->cli->error, &in));
    enum tp_rc rc = extend_open(extending, in, out);
    (void)close(in);
    return rc == TP_OK || rc == TP_USAGE ? rc : tp_error_prefix(&extending->cli->error, rc, "%s", path);
}

static enum tp_rc work(void *context, int in, struct tp_pades_place *place, struct tp_error *error, char *ret_note)
{
    struct extending *extending = context;
    struct tp_pades_result result;
    TP_TRY(tp_pades_extend(extending->pdf.service, in, &extending->order, place, error, &result));
    (void)snprintf(ret_note, TP_ERROR_WORDS_LEN, "%s", result.note);
    return TP_OK;
}

static enum tp_rc extend_many(struct extending *extending)
{
    struct tp_cli_pdf_batch batch = {.cli = extending->cli,
                                     .list = &extending->list,
                                     .threads = tp_cli_pdf_threads(extending->cli),
                                     .force = tp_cli_flag(&extending->cli->args, "force"),
                                     .work = work,
                                     .context = extending,
                                     .label = "extended"};
    return tp_cli_pdf_batch_run(&batch);
}

static enum tp_rc check_usage(struct tp_cli *cli)
{
    bool batch = tp_cli_text(&cli->args, "batch") != NULL, out = tp_cli_text(&cli->args, "out") != NULL;
    size_t operands = cli->args.operands_len;
    if (batch && (!out || operands > 0))
        return tp_error_set(&cli->error, TP_USAGE, "--batch DIR or LIST goes with --out DIR, and without IN and OUT");
    if (!batch && (out || operands != 2))
        return tp_error_set(&cli->error, TP_USAGE, "what is to be extended, and where to? trustp11 pdf extend IN OUT");
    return TP_OK;
}

static enum tp_rc prepare(struct extending *extending)
{
    struct tp_cli *cli = extending->cli;
    const char *batch = tp_cli_text(&cli->args, "batch"), *level = tp_cli_text(&cli->args, "level");
    TP_TRY(check_usage(cli));
    extending->order.level = level == NULL ? TP_PADES_B_LTA : tp_pades_level_parse(level);
    if (extending->order.level == TP_PADES_LEVEL_END || extending->order.level == TP_PADES_B_B)
        return tp_error_set(&cli->error, TP_USAGE, "'%s' is no level to extend to: B-T, B-LT, B-LTA (or ES-T, ES-A)", level);
    if (batch != NULL)
        TP_TRY(tp_cli_pdf_list_read(cli, batch, tp_cli_text(&cli->args, "out"), &extending->list));
    TP_TRY(tp_cli_pdf_password(cli, &extending->password));
    extending->order.password = extending->password;
    unsigned wants = TP_CLI_PDF_POOL | TP_CLI_PDF_TSA | (extending->order.level >= TP_PADES_B_LT ? TP_CLI_PDF_EVIDENCE : 0);
    TP_TRY(tp_cli_pdf_open(cli, wants, 1, &extending->pdf));
    return tp_cli_pdf_hash(&extending->pdf, &extending->order.hash);
}

enum tp_rc tp_cli_pdf_extend(struct tp_cli *cli)
{
    struct extending extending TP_AUTO(clear) = {.cli = cli};
    TP_TRY(prepare(&extending));
    if (tp_cli_text(&cli->args, "batch") != NULL)
        return extend_many(&extending);
    return extend_one(&extending, tp_cli_operand(&cli->args, 0), tp_cli_operand(&cli->args, 1));
}
