/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/documents.h"
#include "cli/pdf_order.h"
#include "cli/pdf_task.h"

#include <string.h>
#include <unistd.h>

struct signing {
    struct tp_cli_pdf_task task;
    struct tp_cli_pdf_order order;
};

static void clear(struct signing *signing)
{
    tp_cli_pdf_order_clear(&signing->order);
    tp_cli_pdf_task_clear(&signing->task);
}

static enum tp_rc make(const struct tp_cli_pdf_task *task, int in, struct tp_pades_place *place, struct tp_error *error,
                       struct tp_pades_result *ret_result)
{
    return tp_pades_sign(task->pdf.service, in, task->order, place, error, ret_result);
}

static void put(const struct tp_cli_pdf_task *task, const struct tp_pades_result *result, json_t *object)
{
    tp_cli_put_text(task->cli, object, "field", result->field);
    tp_cli_put_text(task->cli, object, "level", tp_pades_level_name(result->level));
    tp_cli_put_text(task->cli, object, "hash", tp_pki_hash_name(result->hash));
}

static const struct tp_cli_column columns[] = {
    {"out", "Signed"}, {"field", "Field"}, {"level", "Level"}, {"hash", "Hash"}, {"stamped", "Timestamp"}, {NULL, NULL},
};
static const struct tp_cli_pdf_kind kind = {.verb = "sign", .done = "signed", .columns = columns, .make = make, .put = put};

static unsigned wants(const struct tp_pades_order *order)
{
    unsigned wants = TP_CLI_PDF_POOL | TP_CLI_PDF_KEY;
    wants |= order->level >= TP_PADES_B_T ? TP_CLI_PDF_TSA : 0;
    return wants | (order->level >= TP_PADES_B_LT ? TP_CLI_PDF_EVIDENCE : 0);
}

/* Whether somebody sits there with a PIN and a one-time code. */
static bool is_attended(const struct tp_cli *cli, const struct tp_documents_conf *conf)
{
    const char *uri = tp_cli_text(&cli->args, "key");
    if (tp_cli_text(&cli->args, "key-file") != NULL)
        return false;
    uri = uri != NULL ? uri : tp_documents_conf_key(conf);
    return uri != NULL && strstr(uri, "pin-source=") == NULL;
}

static enum tp_rc configured(struct tp_cli *cli, enum tp_pades_level *ret_level, bool *ret_attended)
{
    struct tp_documents_conf *conf TP_AUTO(tp_documents_conf_free_p) = NULL;
    TP_TRY(tp_cli_documents(cli, &conf));
    *ret_level = tp_documents_conf_level(conf);
    *ret_attended = is_attended(cli, conf);
    return TP_OK;
}

/* A document that cannot be read should cost nobody a one-time code. It is opened once more when it is signed. */
static enum tp_rc look_at_document(const struct tp_cli_pdf_task *task)
{
    struct tp_pdf_pool *pool TP_AUTO(tp_pdf_pool_free_p) = NULL;
    struct tp_error *error = &task->cli->error;
    const char *path = tp_cli_operand(&task->cli->args, 0);
    int in;
    TP_TRY(tp_pdf_pool_new(NULL, error, &pool));
    TP_TRY(tp_cli_pdf_input(path, error, &in));
    const enum tp_rc rc = tp_pades_readable(pool, in, task->password, error);
    (void)close(in);
    return rc == TP_OK ? rc : tp_error_prefix(error, rc, "%s", path);
}

static enum tp_rc prepare(struct signing *signing)
{
    struct tp_cli_pdf_task *task = &signing->task;
    struct tp_cli *cli = task->cli;
    struct tp_pades_order *order = &signing->order.order;
    enum tp_pades_level level;
    bool attended;
    TP_TRY(tp_cli_pdf_task_usage(task));
    TP_TRY(configured(cli, &level, &attended));
    TP_TRY(tp_cli_pdf_order_read(cli, level, &signing->order));
    TP_TRY(tp_cli_pdf_task_prepare(task));
    if (attended && cli->args.operands_len > 0)
        TP_TRY(look_at_document(task));
    TP_TRY(tp_cli_pdf_open(cli, wants(order), tp_cli_pdf_task_threads(task), &task->pdf));
    TP_TRY(tp_cli_pdf_hash(&task->pdf, &order->hash));
    order->password = task->password;
    task->order = order;
    return tp_pades_order_check(task->pdf.service, order, &cli->error);
}

static void note_unasked(struct tp_cli *cli, enum tp_pades_level level)
{
    if (level < TP_PADES_B_T && tp_cli_text(&cli->args, "tsa") != NULL)
        tp_cli_remark(cli, "note: no timestamp authority is asked at level %s: --level B-T or above has a timestamp",
                      tp_pades_level_name(level));
}

enum tp_rc tp_cli_pdf_sign(struct tp_cli *cli)
{
    struct signing signing TP_AUTO(clear) = {.task = {.kind = &kind, .cli = cli}};
    TP_TRY(prepare(&signing));
    TP_TRY(tp_cli_pdf_task_run(&signing.task));
    note_unasked(cli, signing.order.order.level);
    return TP_OK;
}
