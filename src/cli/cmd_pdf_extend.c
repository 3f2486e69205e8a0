/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/pdf_task.h"
#include "pades/extend.h"

static enum tp_rc make(const struct tp_cli_pdf_task *task, int in, struct tp_pades_place *place, struct tp_error *error,
                       struct tp_pades_result *ret_result)
{
    return tp_pades_extend(task->pdf.service, in, task->order, place, error, ret_result);
}

static void put(const struct tp_cli_pdf_task *task, const struct tp_pades_result *result, json_t *object)
{
    tp_cli_put_text(task->cli, object, "level", tp_pades_level_name(result->level));
}

static const struct tp_cli_column columns[] = {
    {"out", "Extended"}, {"level", "Level"}, {"stamped", "Timestamp"}, {NULL, NULL},
};
static const struct tp_cli_pdf_kind kind = {
    .verb = "extend", .done = "extended", .columns = columns, .make = make, .put = put};

static enum tp_rc read_level(struct tp_cli *cli, enum tp_pades_level *ret_level)
{
    const char *text = tp_cli_text(&cli->args, "level");
    const enum tp_pades_level level = text == NULL ? TP_PADES_B_LTA : tp_pades_level_parse(text);
    if (level == TP_PADES_LEVEL_END || level == TP_PADES_B_B)
        return tp_error_set(&cli->error, TP_USAGE, "'%s' is no level to extend to: B-T, B-LT, B-LTA (or ES-T, ES-A)", text);
    *ret_level = level;
    return TP_OK;
}

static enum tp_rc prepare(struct tp_cli_pdf_task *task, struct tp_pades_extend_order *order)
{
    TP_TRY(tp_cli_pdf_task_usage(task));
    TP_TRY(read_level(task->cli, &order->level));
    TP_TRY(tp_cli_pdf_task_prepare(task));
    order->password = task->password;
    unsigned wants = TP_CLI_PDF_POOL | TP_CLI_PDF_TSA | (order->level >= TP_PADES_B_LT ? TP_CLI_PDF_EVIDENCE : 0);
    TP_TRY(tp_cli_pdf_open(task->cli, wants, 1, &task->pdf));
    return tp_cli_pdf_hash(&task->pdf, &order->hash);
}

enum tp_rc tp_cli_pdf_extend(struct tp_cli *cli)
{
    struct tp_pades_extend_order order = {.level = TP_PADES_B_LTA};
    struct tp_cli_pdf_task task TP_AUTO(tp_cli_pdf_task_clear) = {.kind = &kind, .cli = cli, .order = &order};
    TP_TRY(prepare(&task, &order));
    return tp_cli_pdf_task_run(&task);
}
