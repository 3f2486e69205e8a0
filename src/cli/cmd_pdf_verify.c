/* SPDX-License-Identifier: Apache-2.0 */
/* `pdf verify` and `cms verify`: whether signatures are good, in words, as JSON, as a report. */
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/pdf.h"
#include "cli/verification.h"
#include "pki/cms.h"

#include <unistd.h>

#define STATUS_BAD        1
#define STATUS_NOT_SIGNED 3 /* 2 is wrong usage */

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

/* With --json one object a file: a single one spread out, several a line each. */
static enum tp_rc tell(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification, bool alone)
{
    if (!cli->json) {
        tp_cli_verification_print(cli, name, verification);
        return TP_OK;
    }
    json_t *object = tp_cli_verification_json(cli, name, verification);
    return alone ? tp_cli_emit_record(cli, object, NULL) : tp_cli_emit_line(cli, object);
}

static enum tp_rc verify_one(struct tp_cli *cli, struct tp_pdf_pool *pool, const struct tp_secret *password,
                             const struct tp_pades_trial *trial, const char *path, bool alone, bool *ret_judged)
{
    struct tp_pades_verification *verification TP_AUTO(tp_pades_verification_free_p) = NULL;
    int fd TP_AUTO(close_fd) = -1;
    TP_TRY(tp_cli_pdf_input(path, &cli->error, &fd));
    enum tp_rc rc = tp_pades_verify(pool, fd, password, trial, &cli->error, &verification);
    if (rc == TP_PIN_WRONG && password == NULL)
        return tp_error_set(&cli->error, rc, "%s: it is encrypted and needs its password: --password-file FILE", path);
    if (rc != TP_OK)
        return tp_error_prefix(&cli->error, rc, "%s", path);
    TP_TRY(tell(cli, path, verification, alone));
    TP_TRY(tp_cli_verification_report(cli, path, verification));
    *ret_judged = true;
    if (!tp_pades_is_signed(verification) && (verification->signatures_len == 0 || verification->verdict.indication == TP_TOTAL_PASSED))
        return TP_NOT_FOUND;
    return verification->verdict.indication == TP_TOTAL_PASSED ? TP_OK : TP_REFUSED;
}

/* A bad signature among several files is worse than none. */
static int worse(int status, bool judged, enum tp_rc rc)
{
    if (rc == TP_OK || status == STATUS_BAD)
        return status;
    return judged && rc == TP_NOT_FOUND ? STATUS_NOT_SIGNED : STATUS_BAD;
}

/* A file that cannot be judged does not keep the others from being. */
static enum tp_rc verify_all(struct tp_cli *cli, struct tp_pdf_pool *pool, const struct tp_secret *password, const struct tp_pades_trial *trial)
{
    bool alone = cli->args.operands_len == 1;
    for (size_t i = 0; i < cli->args.operands_len; i++) {
        bool judged = false;
        enum tp_rc rc = verify_one(cli, pool, password, trial, tp_cli_operand(&cli->args, i), alone, &judged);
        if (!judged && alone)
            return rc;
        if (!judged)
            tp_cli_emit_error(cli, NULL);
        cli->status = worse(cli->status, judged, rc);
    }
    cli->failed_quietly = cli->status != 0;
    return cli->failed_quietly ? TP_REFUSED : TP_OK;
}

static enum tp_rc check_arguments(struct tp_cli *cli)
{
    if (cli->args.operands_len > 1 && tp_cli_text(&cli->args, "report") != NULL)
        return tp_error_set(&cli->error, TP_USAGE, "--report is about one file; give one FILE at a time");
    return tp_cli_verification_report_check(cli);
}

enum tp_rc tp_cli_pdf_verify(struct tp_cli *cli)
{
    struct tp_pdf_pool *pool TP_AUTO(tp_pdf_pool_free_p) = NULL; /* first: its processes are to know no secret */
    struct tp_secret *password TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_cli_trial trial TP_AUTO(tp_cli_trial_close) = {.anchors = NULL};
    TP_TRY(check_arguments(cli));
    TP_TRY(tp_pdf_pool_new(&(struct tp_pdf_limits){.time_ms = 0}, &cli->error, &pool));
    TP_TRY(tp_cli_pdf_password(cli, &password));
    TP_TRY(tp_cli_trial_open(cli, &trial));
    return verify_all(cli, pool, password, &trial.trial);
}

/* Two files in the wrong order are a common mistake: what is no CMS at all is told so. */
static enum tp_rc refuse_cms(struct tp_cli *cli, const char *path, struct tp_bytes cms, enum tp_rc rc)
{
    const bool begins = cms.len > 0 && (cms.data[0] == 0x30 || cms.data[0] == '-'); /* SEQUENCE, PEM */
    const struct tp_error own = cli->error;
    if (rc == TP_MALFORMED && !begins)
        return tp_error_set(&cli->error, rc, "%s: %s; first the signature is named, then what it is over", path,
                            tp_error_words(&own));
    return tp_error_prefix(&cli->error, rc, "%s", path);
}

enum tp_rc tp_cli_cms_verify(struct tp_cli *cli)
{
    struct tp_pades_verification *verification TP_AUTO(tp_pades_verification_free_p) = NULL;
    struct tp_cli_trial trial TP_AUTO(tp_cli_trial_close) = {.anchors = NULL};
    struct tp_buf cms TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    int fd TP_AUTO(close_fd) = -1;
    const char *signature = tp_cli_operand(&cli->args, 0), *path = tp_cli_operand(&cli->args, 1);
    TP_TRY(tp_cli_verification_report_check(cli));
    TP_TRY(tp_cli_file_read(signature, 2 * TP_PKI_CMS_MAX, &cli->error, &cms));
    TP_TRY(tp_cli_pdf_input(path, &cli->error, &fd));
    TP_TRY(tp_cli_trial_open(cli, &trial));
    enum tp_rc rc = tp_pades_verify_cms(tp_buf_bytes(&cms), fd, &trial.trial, &cli->error, &verification);
    if (rc != TP_OK)
        return refuse_cms(cli, signature, tp_buf_bytes(&cms), rc);
    TP_TRY(tell(cli, path, verification, true));
    TP_TRY(tp_cli_verification_report(cli, path, verification));
    cli->failed_quietly = verification->verdict.indication != TP_TOTAL_PASSED;
    return cli->failed_quietly ? TP_REFUSED : TP_OK;
}
