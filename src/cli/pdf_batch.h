/* SPDX-License-Identifier: Apache-2.0
 *
 * Many documents with one login: threads sign, one more makes what they have signed durable, many at a time, and gives it its
 * name. A file that is there under its name is whole; so a batch that was broken off goes on where it was.
 */
#ifndef TP_CLI_PDF_BATCH_H
#define TP_CLI_PDF_BATCH_H

#include "cli/cli.h"

#define TP_CLI_PDF_BATCH_MOST 1000000 /* files */

/* The names of one batch: what is signed, and what comes of it. */
struct tp_cli_pdf_item {
    char *in, *out;
};
struct tp_cli_pdf_list {
    struct tp_cli_pdf_item *items;
    size_t len, capacity;
};
/* The *.pdf of a folder (not of those in it), in the order of their names; or the paths in a file, one a line; "-": in standard
 * input. Results get their own names in OUT. OUT NULL: they stay where they are, and folders in the folder count, too.
 * TP_EXISTS: two would have one name. */
TP_MUST_USE enum tp_rc tp_cli_pdf_list_read(struct tp_cli *cli, const char *batch, const char *out,
                                            struct tp_cli_pdf_list *ret_list);
void tp_cli_pdf_list_clear(struct tp_cli_pdf_list *list);

/* What is done with each. */
struct tp_pades_place;
struct tp_cli_pdf_batch {
    struct tp_cli *cli;
    const struct tp_cli_pdf_list *list;
    unsigned threads;
    bool force;
    /* IN into PLACE, uncommitted. NOTE (512 bytes): what a person should know; "". */
    enum tp_rc (*work)(void *context, int in, struct tp_pades_place *place, struct tp_error *error, char *ret_note);
    void *context;
    const char *done; /* "signed" */
};
/* A line of JSON for each file with --json, and one that counts them; what failed, notes and a summary for people. The exit status is 1 when
 * anything failed or was not tried. Signals break it off (breaking.h). */
TP_MUST_USE enum tp_rc tp_cli_pdf_batch_run(const struct tp_cli_pdf_batch *batch);

#endif
