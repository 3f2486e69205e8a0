/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cli/breaking.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/pdf.h"
#include "cli/pdf_batch.h"
#include "cli/progress.h"
#include "pades/extend.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RENEWED   "renewed"
#define WITHIN_MS (INT64_C(90) * 24 * 3600 * 1000)

struct renewing {
    struct tp_cli *cli;
    struct tp_cli_pdf pdf;
    struct tp_secret *password;
    struct tp_cli_pdf_list list;
    enum tp_pki_hash hash;
    int64_t before_ms; /* what ends before is renewed */
    bool dry_run;
    size_t told, renewed, failed;
    size_t unlengthened;  /* for which the TSA has nothing that lasts longer */
    struct tp_error stop; /* what would fail for all that follow; OK: nothing */
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

static struct tp_pades_extend_order order_of(const struct renewing *renewing)
{
    return (struct tp_pades_extend_order){.level = TP_PADES_B_LTA, .hash = renewing->hash, .password = renewing->password};
}

/* The file in its own place: what is there is replaced when what comes after it is whole. AGE becomes the new one's. What would
 * last no longer is left: otherwise the next run would do it again, and each make the file longer. */
static enum tp_rc renew(struct renewing *renewing, int in, const char *path, struct tp_error *error, const char **ret_status,
                        struct tp_pades_age *age)
{
    struct tp_pades_place *place TP_AUTO(tp_pades_place_free_p) = NULL;
    const struct tp_pades_extend_order order = order_of(renewing);
    struct tp_pades_result result;
    struct tp_pades_age after;
    TP_TRY(tp_pades_place_new(path, in, false, error, &place));
    TP_TRY(tp_pades_extend(renewing->pdf.service, in, &order, place, error, &result));
    TP_TRY(tp_pades_age_read(renewing->pdf.service, tp_pades_place_fd(place), renewing->password, error, &after));
    *ret_status = "as long as can be";
    if (after.until_ms <= age->until_ms) {
        renewing->unlengthened++;
        return TP_OK;
    }
    *ret_status = RENEWED;
    if (result.note[0] != '\0')
        (void)snprintf(after.why, sizeof after.why, "%s", result.note);
    *age = after;
    TP_TRY(tp_pades_place_commit(place, error));
    renewing->cli->made = tp_cli_operand(&renewing->cli->args, 0);
    return TP_OK;
}

/* Without asking the TSA it is not known whether it has a certificate by now that ends later than the one of the newest timestamp. */
static void say_due(struct tp_pades_age *age)
{
    const size_t len = strlen(age->why);
    if (age->stamps > 0)
        (void)snprintf(age->why + len, sizeof age->why - len, "; as long as can be, unless the TSA has another by now");
}

/* In words: what is with this file, and what was done. */
static enum tp_rc look(struct renewing *renewing, int in, const char *path, struct tp_error *error, const char **ret_status,
                       struct tp_pades_age *ret_age)
{
    TP_TRY(tp_pades_age_read(renewing->pdf.service, in, renewing->password, error, ret_age));
    *ret_status = "not signed";
    if (ret_age->signatures + ret_age->stamps == 0)
        return TP_OK;
    const bool due = ret_age->until_ms <= renewing->before_ms;
    if (due && !renewing->dry_run)
        return renew(renewing, in, path, error, ret_status, ret_age);
    *ret_status = due ? "due" : "good";
    if (due)
        say_due(ret_age);
    const struct tp_pades_extend_order order = order_of(renewing);
    return tp_pades_extend_check(renewing->pdf.service, in, &order, error);
}

/* At once, since the report comes last, and not at all when the process is killed: for people what was changed or failed. */
static void tell_at_once(struct tp_cli *cli, const char *path, const char *status, const char *words, json_t *object)
{
    if (cli->json)
        tp_cli_remark_line(cli, json_incref(object));
    else if (strcmp(status, RENEWED) == 0)
        tp_cli_remark(cli, "%s: %s", path, status);
    else if (words != NULL)
        tp_cli_remark(cli, "%s: %s", path, words);
}

static void tell(struct renewing *renewing, const char *path, const char *status, const struct tp_pades_age *age,
                 const struct tp_error *error)
{
    struct tp_cli *cli = renewing->cli;
    json_t *object = json_object();
    renewing->told++;
    renewing->renewed += strcmp(status, RENEWED) == 0;
    renewing->failed += error != NULL;
    tp_cli_put_text(cli, object, "file", path);
    tp_cli_put_text(cli, object, "status", status);
    tp_cli_put_time(cli, object, "until", age->until_ms == INT64_MAX ? 0 : age->until_ms, false);
    tp_cli_put_text(cli, object, "why", error != NULL ? tp_error_words(error) : age->why);
    tp_cli_put_time(cli, object, "stamped", age->stamped_ms, false);
    tell_at_once(cli, path, status, error != NULL ? tp_error_words(error) : NULL, object);
    tp_cli_list_add(cli, renewing->report, object);
}

static void do_file(struct renewing *renewing, const char *path)
{
    struct tp_pades_age age = {.until_ms = INT64_MAX};
    struct tp_error error = {.rc = TP_OK};
    const char *status = "failed";
    int in;
    enum tp_rc rc = tp_cli_pdf_input_unnamed(path, &error, &in);
    if (rc == TP_OK) {
        rc = look(renewing, in, path, &error, &status, &age);
        (void)close(in);
    }
    if (rc != TP_OK && error.rc == TP_OK)
        (void)tp_error_set(&error, rc, "%s", tp_rc_words(rc));
    if (tp_cli_fails_for_all(rc))
        renewing->stop = error;
    if (rc == TP_REFUSED) /* it proves nothing, however long */
        age.until_ms = INT64_MAX;
    tell(renewing, path, rc == TP_OK ? status : "failed", &age, rc == TP_OK ? NULL : &error);
}

static enum tp_rc prepare(struct renewing *renewing)
{
    struct tp_cli *cli = renewing->cli;
    renewing->dry_run = tp_cli_flag(&cli->args, "dry-run");
    renewing->before_ms = tp_clock_utc_ms() + tp_cli_number(&cli->args, "within", WITHIN_MS);
    TP_TRY(tp_cli_pdf_list_read(cli, tp_cli_operand(&cli->args, 0), NULL, &renewing->list));
    TP_TRY(tp_cli_pdf_password(cli, &renewing->password));
    unsigned wants = TP_CLI_PDF_POOL | (renewing->dry_run ? TP_CLI_PDF_TRUST : TP_CLI_PDF_TSA | TP_CLI_PDF_EVIDENCE);
    TP_TRY(tp_cli_pdf_open(cli, wants, 1, &renewing->pdf));
    if (renewing->pdf.source == NULL)
        tp_cli_remark(cli, "nobody is trusted, so that what has been revoked is not known: --trust FILE");
    TP_TRY(tp_cli_pdf_hash(&renewing->pdf, &renewing->hash));
    renewing->report = json_array();
    return renewing->report == NULL ? TP_MEMORY : TP_OK;
}

static void do_all(struct renewing *renewing)
{
    struct tp_cli_breaking breaking;
    struct tp_cli_progress *progress = tp_cli_progress_begin(renewing->cli, "looking at signed documents");
    tp_cli_breaking_begin(&breaking);
    for (size_t i = 0; i < renewing->list.len && renewing->stop.rc == TP_OK && !tp_cli_broken_off(); i++) {
        tp_cli_progress_update(progress, i, renewing->list.len, NULL);
        do_file(renewing, renewing->list.items[i].in);
    }
    tp_cli_breaking_end(&breaking);
    tp_cli_progress_end(progress);
}

static void say_left(struct renewing *renewing, size_t left)
{
    struct tp_cli *cli = renewing->cli;
    if (cli->json) {
        json_t *object = json_object();
        tp_cli_put_count(cli, object, RENEWED, renewing->renewed);
        tp_cli_put_count(cli, object, "failed", renewing->failed);
        tp_cli_put_count(cli, object, "left", left);
        tp_cli_remark_line(cli, object);
        return;
    }
    tp_cli_remark(cli, "%zu renewed, %zu failed, %zu not tried", renewing->renewed, renewing->failed, left);
    tp_cli_breaking_say(cli, &renewing->stop);
}

enum tp_rc tp_cli_pdf_renew(struct tp_cli *cli)
{
    struct renewing renewing TP_AUTO(clear) = {.cli = cli};
    TP_TRY(prepare(&renewing));
    do_all(&renewing);
    const size_t left = renewing.list.len - renewing.told;
    json_t *report = renewing.report;
    renewing.report = NULL;
    TP_TRY(tp_cli_emit_list(cli, report, columns, left > 0 ? "None was looked at." : "There is no PDF in it."));
    if (renewing.unlengthened > 0)
        tp_cli_remark(cli, "%zu left as they were, since a new timestamp would last no longer: ask a TSA whose certificate does",
                      renewing.unlengthened);
    if (left > 0)
        say_left(&renewing, left);
    cli->failed_quietly = renewing.failed > 0 || left > 0;
    return cli->failed_quietly ? TP_REFUSED : TP_OK;
}
