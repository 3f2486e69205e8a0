/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/pdf.h"
#include "cli/pdf_batch.h"
#include "cli/progress.h"
#include "pades/extend.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WITHIN_MS (INT64_C(90) * 24 * 3600 * 1000)

struct renewing {
    struct tp_cli *cli;
    struct tp_cli_pdf pdf;
    struct tp_secret *password;
    struct tp_cli_pdf_list list;
    enum tp_pki_hash hash;
    int64_t before_ms; /* what ends before is renewed */
    bool dry_run, any_failed;
    json_t *report;
};

static void clear(struct renewing *renewing)
{
    tp_cli_pdf_list_clear(&renewing->list);
    tp_secret_free(renewing->password);
    tp_cli_pdf_close(&renewing->pdf);
    json_decref(renewing->report);
}

static const struct tp_cli_column columns[] = {
    {"file", "File"}, {"status", "Status"}, {"until", "Good until"}, {"why", "Why"}, {NULL, NULL},
};

/* Otherwise the next run would do it again, and each make the file longer. */
static enum tp_rc check_longer(const struct tp_pades_age *before, const struct tp_pades_age *after, struct tp_error *error)
{
    char until[TP_TIME_TEXT_LEN];
    if (after->until_ms > before->until_ms)
        return TP_OK;
    tp_time_format(after->until_ms, false, until);
    return tp_error_set(error, TP_REFUSED, "left as it was: a new timestamp would last no longer, until %s (%s); ask a TSA whose "
                        "certificate does", until, after->why);
}

/* The file in its own place: what is there is replaced when what comes after it is whole. AGE becomes the new one's. */
static enum tp_rc renew(struct renewing *renewing, int in, const char *path, struct tp_error *error, struct tp_pades_age *age)
{
    struct tp_pades_place *place TP_AUTO(tp_pades_place_free_p) = NULL;
    struct tp_pades_extend_order order = {.level = TP_PADES_B_LTA, .hash = renewing->hash, .password = renewing->password};
    struct tp_pades_result result;
    struct tp_pades_age after;
    TP_TRY(tp_pades_place_new(path, in, false, error, &place));
    TP_TRY(tp_pades_extend(renewing->pdf.service, in, &order, place, error, &result));
    TP_TRY(tp_pades_age_read(renewing->pdf.service, tp_pades_place_fd(place), renewing->password, error, &after));
    TP_TRY(check_longer(age, &after, error));
    if (result.note[0] != '\0')
        (void)snprintf(after.why, sizeof after.why, "%s", result.note);
    *age = after;
    return tp_pades_place_commit(place, error);
}

/* In words: what is with this file, and what was done. */
static enum tp_rc look(struct renewing *renewing, int in, const char *path, struct tp_error *error, const char **ret_status,
                       struct tp_pades_age *ret_age)
{
    TP_TRY(tp_pades_age_read(renewing->pdf.service, in, renewing->password, error, ret_age));
    *ret_status = "not signed";
    if (ret_age->signatures + ret_age->stamps == 0)
        return TP_OK;
    *ret_status = "good";
    if (ret_age->until_ms > renewing->before_ms)
        return TP_OK;
    *ret_status = "due";
    if (renewing->dry_run)
        return TP_OK;
    *ret_status = "renewed";
    return renew(renewing, in, path, error, ret_age);
}

static void tell(struct renewing *renewing, const char *path, const char *status, const struct tp_pades_age *age,
                 const struct tp_error *error)
{
    struct tp_cli *cli = renewing->cli;
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "file", path);
    tp_cli_put_text(cli, object, "status", status);
    tp_cli_put_time(cli, object, "until", age->until_ms == INT64_MAX ? 0 : age->until_ms, false);
    tp_cli_put_text(cli, object, "why", error != NULL ? tp_error_words(error) : age->why);
    tp_cli_put_time(cli, object, "stamped", age->stamped_ms, false);
    tp_cli_list_add(cli, renewing->report, object);
}

static void do_file(struct renewing *renewing, const char *path)
{
    struct tp_pades_age age = {.until_ms = INT64_MAX};
    struct tp_error error = {.rc = TP_OK};
    const char *status = "failed";
    int in;
    enum tp_rc rc = tp_cli_pdf_input(path, &error, &in);
    if (rc == TP_OK) {
        rc = look(renewing, in, path, &error, &status, &age);
        (void)close(in);
    }
    if (rc != TP_OK && error.rc == TP_OK)
        (void)tp_error_set(&error, rc, "%s", tp_rc_words(rc));
    renewing->any_failed = renewing->any_failed || rc != TP_OK;
    tell(renewing, path, rc == TP_OK ? status : "failed", &age, rc == TP_OK ? NULL : &error);
}

static enum tp_rc prepare(struct renewing *renewing)
{
    struct tp_cli *cli = renewing->cli;
    renewing->dry_run = tp_cli_flag(&cli->args, "dry-run");
    renewing->before_ms = tp_clock_utc_ms() + tp_cli_number(&cli->args, "within", WITHIN_MS);
    TP_TRY(tp_cli_pdf_list_read(cli, tp_cli_operand(&cli->args, 0), NULL, &renewing->list));
    TP_TRY(tp_cli_pdf_password(cli, &renewing->password));
    unsigned wants = TP_CLI_PDF_POOL | (renewing->dry_run ? 0 : TP_CLI_PDF_TSA | TP_CLI_PDF_EVIDENCE);
    TP_TRY(tp_cli_pdf_open(cli, wants, 1, &renewing->pdf));
    TP_TRY(tp_cli_pdf_hash(&renewing->pdf, &renewing->hash));
    renewing->report = json_array();
    return renewing->report == NULL ? TP_MEMORY : TP_OK;
}

enum tp_rc tp_cli_pdf_renew(struct tp_cli *cli)
{
    struct renewing renewing TP_AUTO(clear) = {.cli = cli};
    TP_TRY(prepare(&renewing));
    struct tp_cli_progress *progress = tp_cli_progress_begin(cli, "looking at signed documents");
    for (size_t i = 0; i < renewing.list.len; i++) {
        tp_cli_progress_update(progress, i, renewing.list.len, NULL);
        do_file(&renewing, renewing.list.items[i].in);
    }
    tp_cli_progress_end(progress);
    json_t *report = renewing.report;
    renewing.report = NULL;
    TP_TRY(tp_cli_emit_list(cli, report, columns, "There is no PDF in it."));
    cli->failed_quietly = renewing.any_failed;
    return renewing.any_failed ? TP_REFUSED : TP_OK;
}
