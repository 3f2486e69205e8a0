/* SPDX-License-Identifier: Apache-2.0
 *
 * What `pdf sign` and `pdf extend` have in common: one document, or a batch of them, is made into new files.
 */
#ifndef TP_CLI_PDF_TASK_H
#define TP_CLI_PDF_TASK_H

#include "cli/output.h"
#include "cli/pdf.h"
#include "cli/pdf_batch.h"
#include "pades/sign.h"

struct tp_cli_pdf_task;
struct tp_cli_pdf_kind {
    const char *verb, *done; /* "sign", "signed" */
    const struct tp_cli_column *columns;
    /* IN into PLACE, uncommitted. From several threads. */
    enum tp_rc (*make)(const struct tp_cli_pdf_task *task, int in, struct tp_pades_place *place, struct tp_error *error,
                       struct tp_pades_result *ret_result);
    void (*put)(const struct tp_cli_pdf_task *task, const struct tp_pades_result *result, json_t *object);
};
struct tp_cli_pdf_task {
    const struct tp_cli_pdf_kind *kind;
    struct tp_cli *cli;
    const void *order; /* KIND's */
    struct tp_cli_pdf pdf;
    struct tp_secret *password;
    struct tp_cli_pdf_list list;
};
/* Either --batch with --out, or IN and OUT. */
TP_MUST_USE enum tp_rc tp_cli_pdf_task_usage(const struct tp_cli_pdf_task *task);
/* Whatever can be wrong with names and password, before anybody is asked for a PIN. */
TP_MUST_USE enum tp_rc tp_cli_pdf_task_prepare(struct tp_cli_pdf_task *task);
/* How many documents at a time. */
unsigned tp_cli_pdf_task_threads(const struct tp_cli_pdf_task *task);
TP_MUST_USE enum tp_rc tp_cli_pdf_task_run(struct tp_cli_pdf_task *task);
void tp_cli_pdf_task_clear(struct tp_cli_pdf_task *task);

#endif
