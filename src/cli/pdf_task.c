/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pdf_task.h"
#include "pades/place.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void tp_cli_pdf_task_clear(struct tp_cli_pdf_task *task)
{
    tp_cli_pdf_list_clear(&task->list);
    tp_secret_free(task->password);
    tp_cli_pdf_close(&task->pdf);
}

static bool is_batch(const struct tp_cli_pdf_task *task)
{
    return tp_cli_text(&task->cli->args, "batch") != NULL;
}

static bool may_replace(const struct tp_cli_pdf_task *task)
{
    return tp_cli_flag(&task->cli->args, "force");
}

enum tp_rc tp_cli_pdf_task_usage(const struct tp_cli_pdf_task *task)
{
    struct tp_cli *cli = task->cli;
    const bool out = tp_cli_text(&cli->args, "out") != NULL;
    const size_t operands = cli->args.operands_len;
    if (is_batch(task) && (!out || operands > 0))
        return tp_error_set(&cli->error, TP_USAGE, "--batch DIR or LIST goes with --out DIR, and without IN and OUT");
    if (!is_batch(task) && (out || operands != 2))
        return tp_error_set(&cli->error, TP_USAGE, "what is to be %s, and where to? trustp11 pdf %s IN OUT", task->kind->done,
                            task->kind->verb);
    for (size_t i = 0; i < operands; i++)
        if (strcmp(tp_cli_operand(&cli->args, i), "-") == 0)
            return tp_error_set(&cli->error, TP_USAGE, "%s is a file, not standard %s: it is %s; a file of that name is ./-",
                                i == 0 ? "IN" : "OUT", i == 0 ? "input" : "output",
                                i == 0 ? "read here and there" : "named when it is whole");
    return TP_OK;
}

static enum tp_rc check_names(const struct tp_cli_pdf_task *task)
{
    struct tp_pades_place *place TP_AUTO(tp_pades_place_free_p) = NULL;
    struct tp_cli *cli = task->cli;
    const char *path = tp_cli_operand(&cli->args, 0);
    struct stat status;
    int in;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return tp_error_set(&cli->error, TP_BAD_ARGUMENT, "%s is a folder: its PDFs are %s with --batch DIR --out DIR", path,
                            task->kind->done);
    TP_TRY(tp_cli_pdf_input(path, &cli->error, &in));
    const enum tp_rc rc = tp_pades_place_new(tp_cli_operand(&cli->args, 1), in, may_replace(task), &cli->error, &place);
    (void)close(in);
    return rc;
}

enum tp_rc tp_cli_pdf_task_prepare(struct tp_cli_pdf_task *task)
{
    const struct tp_cli_args *args = &task->cli->args;
    if (is_batch(task))
        TP_TRY(tp_cli_pdf_list_read(task->cli, tp_cli_text(args, "batch"), tp_cli_text(args, "out"), &task->list));
    else
        TP_TRY(check_names(task));
    return tp_cli_pdf_password(task->cli, &task->password);
}

unsigned tp_cli_pdf_task_threads(const struct tp_cli_pdf_task *task)
{
    return is_batch(task) ? tp_cli_pdf_threads(task->cli) : 1;
}

/* ---- one ---- */

static enum tp_rc emit(const struct tp_cli_pdf_task *task, const char *out, const struct tp_pades_result *result)
{
    struct tp_cli *cli = task->cli;
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "out", out);
    task->kind->put(task, result, object);
    tp_cli_put_time(cli, object, "stamped", result->stamped_ms, false);
    tp_cli_put_count(cli, object, "length", result->length);
    tp_cli_put_text(cli, object, "note", result->note);
    TP_TRY(tp_cli_emit_record(cli, object, task->kind->columns));
    if (result->note[0] != '\0')
        tp_cli_remark(cli, "note: %s", result->note);
    return TP_OK;
}

static enum tp_rc make_one(const struct tp_cli_pdf_task *task, const char *path, int in, const char *out)
{
    struct tp_pades_place *place TP_AUTO(tp_pades_place_free_p) = NULL;
    struct tp_pades_result result;
    struct tp_error *error = &task->cli->error;
    TP_TRY(tp_pades_place_new(out, in, may_replace(task), error, &place));
    const enum tp_rc rc = task->kind->make(task, in, place, error, &result);
    if (rc == TP_STORE_FULL)
        return tp_cli_pdf_name_place(error, rc, out);
    if (rc != TP_OK)
        return rc == TP_USAGE ? rc : tp_error_prefix(error, rc, "%s", path);
    TP_TRY(tp_pades_place_commit(place, error));
    task->cli->made = out;
    return emit(task, out, &result);
}

static enum tp_rc run_one(const struct tp_cli_pdf_task *task, const char *path, const char *out)
{
    int in;
    TP_TRY(tp_cli_pdf_input(path, &task->cli->error, &in));
    const enum tp_rc rc = make_one(task, path, in, out);
    (void)close(in);
    return rc;
}

/* ---- many ---- */

static enum tp_rc work(void *context, int in, struct tp_pades_place *place, struct tp_error *error, char *ret_note)
{
    const struct tp_cli_pdf_task *task = context;
    struct tp_pades_result result;
    TP_TRY(task->kind->make(task, in, place, error, &result));
    (void)snprintf(ret_note, TP_ERROR_WORDS_LEN, "%s", result.note);
    return TP_OK;
}

static enum tp_rc run_many(struct tp_cli_pdf_task *task)
{
    const struct tp_cli_pdf_batch batch = {.cli = task->cli,
                                           .list = &task->list,
                                           .threads = tp_cli_pdf_task_threads(task),
                                           .force = may_replace(task),
                                           .work = work,
                                           .context = task,
                                           .done = task->kind->done};
    return tp_cli_pdf_batch_run(&batch);
}

enum tp_rc tp_cli_pdf_task_run(struct tp_cli_pdf_task *task)
{
    const struct tp_cli_args *args = &task->cli->args;
    return is_batch(task) ? run_many(task) : run_one(task, tp_cli_operand(args, 0), tp_cli_operand(args, 1));
}
