/* SPDX-License-Identifier: Apache-2.0 */
#include "authn/otp.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/qr.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WORDS_LEN  512
#define FACTOR_LEN 96
#define CODES_MOST 3 /* times that a mistyped first code may be typed again */

/* ---- the seed, on its way to the authenticator app ---- */

static enum tp_rc make_uri(struct tp_cli *cli, const char *user, const Tp__Ipc__EnrolReply *enrol, struct tp_bytes seed,
                           struct tp_secret **ret_uri)
{
    struct tp_otp_params params = {
        .kind = strcmp(enrol->factor, "hotp") == 0 ? TP_OTP_HOTP : TP_OTP_TOTP,
        .digits = enrol->digits,
        .period_s = enrol->period_s,
    };
    TP_TRY(tp_otp_algorithm_parse(enrol->algorithm, &params.algorithm));
    return tp_otp_uri(&params, seed, enrol->issuer, user, enrol->counter, &cli->error, ret_uri);
}

/* Past stdio and its buffers, since all of it is secret. */
static enum tp_rc show(struct tp_cli *cli, struct tp_bytes secret)
{
    if (fflush(cli->out) != 0 || tp_cli_file_put(fileno(cli->out), secret) != TP_OK)
        return tp_error_set(&cli->error, TP_IO, "writing the output failed: %s", strerror(errno));
    return TP_OK;
}

static enum tp_rc show_uri(struct tp_cli *cli, struct tp_bytes uri)
{
    struct tp_secret *picture TP_AUTO(tp_secret_free_p) = NULL;
    bool wants_qr = !tp_cli_flag(&cli->args, "no-qr") && isatty(fileno(cli->out)) == 1;
    if (wants_qr) {
        TP_TRY(tp_cli_qr(uri, &cli->error, &picture));
        (void)fprintf(cli->out,
                      "Scan this with your authenticator app, or give it the line below. It is shown once.\n\n");
        TP_TRY(show(cli, tp_secret_bytes(picture)));
        (void)fputc('\n', cli->out);
    }
    TP_TRY(show(cli, uri));
    return show(cli, tp_bytes_of_string("\n"));
}

static enum tp_rc hand_over_seed(struct tp_cli *cli, const char *user, const struct tp_ipc_reply *reply)
{
    struct tp_secret *uri TP_AUTO(tp_secret_free_p) = NULL;
    const char *path = tp_cli_text(&cli->args, "uri-file");
    if (tp_secret_bytes(reply->secret).len == 0)
        return TP_OK; /* a hardware token has its seed already */
    TP_TRY(make_uri(cli, user, (const void *)reply->message, tp_secret_bytes(reply->secret), &uri));
    if (path != NULL)
        return tp_cli_file_write(path, S_IRUSR | S_IWUSR, tp_secret_bytes(uri), &cli->error);
    return show_uri(cli, tp_secret_bytes(uri));
}

/* ---- the two steps ---- */

/* RET_FACTOR: which token it is, for people; left as it is for a secret of one's own. */
static enum tp_rc begin(struct tp_cli *cli, char *user, const struct tp_secret *code, char ret_factor[FACTOR_LEN])
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_secret *pin TP_AUTO(tp_secret_free_p) = NULL;
    Tp__Ipc__EnrolRequest request = TP__IPC__ENROL_REQUEST__INIT;
    const char *factor = tp_cli_text(&cli->args, "factor"), *serial = tp_cli_text(&cli->args, "serial");
    request.user = user;
    request.factor = (char *)(uintptr_t)(factor == NULL ? "totp" : factor);
    request.serial = (char *)(uintptr_t)(serial == NULL ? "" : serial);
    if (cli->terminal)
        tp_cli_remark(cli,
                      "Choose a PIN. It seals your keys, and nobody can read or recover it: if it is forgotten, the "
                      "keys are lost.");
    TP_TRY(tp_cli_secret_ask_new(cli, "New PIN", "pin-file", &pin));
    TP_TRY(tp_cli_call(cli, TP_OP_ENROL, &request.base, code, pin, &reply));
    const Tp__Ipc__EnrolReply *enrol = (const void *)reply.message;
    if (enrol->serial[0] != '\0')
        (void)snprintf(ret_factor, FACTOR_LEN, " (token %s)", enrol->serial);
    return hand_over_seed(cli, user, &reply);
}

static enum tp_rc confirm_once(struct tp_cli *cli, char *user, const struct tp_secret *code, bool *ret_asked)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_secret *first TP_AUTO(tp_secret_free_p) = NULL;
    Tp__Ipc__EnrolConfirmRequest request = TP__IPC__ENROL_CONFIRM_REQUEST__INIT;
    request.user = user;
    *ret_asked = false;
    TP_TRY(tp_cli_secret_ask(cli, "First one-time code", NULL, &first));
    *ret_asked = true;
    return tp_cli_call(cli, TP_OP_ENROL_CONFIRM, &request.base, code, first, &reply);
}

/* The second step alone: with the same enrolment code, from the file where one was named. */
static void second_step(const struct tp_cli *cli, const char *user, char ret_words[WORDS_LEN])
{
    const char *path = tp_cli_text(&cli->args, "code-file");
    if (path != NULL)
        (void)snprintf(ret_words, WORDS_LEN, "trustp11 enrol --user %s --confirm --code-file %s, and a first one-time code",
                       user, path);
    else
        (void)snprintf(ret_words, WORDS_LEN,
                       "trustp11 enrol --user %s --confirm, which asks for the enrolment code again (or reads it with "
                       "--code-file FILE), then for a first one-time code",
                       user);
}

/* The first step is done and stays so: a code that is wrong or was not given does not mean beginning anew. */
static enum tp_rc say_how_to_go_on(struct tp_cli *cli, const char *user, enum tp_rc rc)
{
    const struct tp_error was = cli->error.rc == rc ? cli->error : (struct tp_error){.rc = rc};
    char words[WORDS_LEN];
    second_step(cli, user, words);
    return tp_error_set(&cli->error, rc, "%s; go on with: %s", tp_error_words(&was), words);
}

/* Programs show a slot for each user that the client configuration names, and none for others. */
static void say_when_not_configured(struct tp_cli *cli, const char *user)
{
    const struct tp_client_conf *conf;
    const char *name;
    if (tp_cli_conf(cli, &conf) != TP_OK || tp_client_conf_serves_all(conf))
        return;
    for (size_t i = 0; (name = tp_client_conf_user(conf, i)) != NULL; i++)
        if (strcmp(name, user) == 0)
            return;
    tp_cli_remark(cli, "Programs do not see %s yet: add the name to the line \"users = …\" of %s", user,
                  tp_client_conf_path(conf));
}

static enum tp_rc confirm(struct tp_cli *cli, char *user, const struct tp_secret *code, const char *factor)
{
    char words[WORDS_LEN];
    bool asked;
    second_step(cli, user, words);
    if (cli->terminal)
        tp_cli_remark(cli, "Now a first one-time code%s. Should this be interrupted here, go on with: %s", factor, words);
    enum tp_rc rc = confirm_once(cli, user, code, &asked);
    for (int left = CODES_MOST - 1; rc == TP_PIN_WRONG && cli->terminal && left > 0; left--) {
        tp_cli_remark(cli, "%s", tp_error_words(&cli->error));
        rc = confirm_once(cli, user, code, &asked);
    }
    if (rc == TP_PIN_WRONG || (rc != TP_OK && !asked))
        return say_how_to_go_on(cli, user, rc);
    TP_TRY(rc);
    TP_TRY(tp_cli_emit_ok(cli, "%s: PIN and second factor%s are set", user, factor));
    say_when_not_configured(cli, user);
    return TP_OK;
}

static enum tp_rc say_unconfirmed(struct tp_cli *cli, const char *user, const char *factor)
{
    char words[WORDS_LEN];
    second_step(cli, user, words);
    return tp_cli_emit_ok(cli, "%s: second factor%s not yet confirmed; next: %s", user, factor, words);
}

/* So that nobody types a code in vain, or takes what the engine says for a reason to try again. */
static enum tp_rc check_state(struct tp_cli *cli, char *user)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    request.user = user;
    TP_TRY(tp_cli_call(cli, TP_OP_TOKEN, &request.base, NULL, NULL, &reply));
    if (!((const Tp__Ipc__TokenReply *)(const void *)reply.message)->enrolled)
        return TP_OK;
    return tp_error_set(&cli->error, TP_EXISTS,
                        "%s is enrolled already, and no enrolment is open; a new one, which an officer starts (trustp11 user "
                        "reset), costs the keys",
                        user);
}

/* What would lose the seed or the code after they were made is refused before. */
static enum tp_rc check_options(struct tp_cli *cli)
{
    const char *path = tp_cli_text(&cli->args, "uri-file"), *factor = tp_cli_text(&cli->args, "factor");
    if (tp_cli_flag(&cli->args, "confirm") && tp_cli_flag(&cli->args, "no-confirm"))
        return tp_error_set(&cli->error, TP_USAGE, "--confirm and --no-confirm exclude each other");
    if (tp_cli_text(&cli->args, "serial") != NULL && (factor == NULL || strcmp(factor, "hardware") != 0))
        return tp_error_set(&cli->error, TP_USAGE, "--serial names a hardware token: say --factor hardware too");
    if (tp_cli_flag(&cli->args, "confirm") || (factor != NULL && strcmp(factor, "hardware") == 0))
        return TP_OK;
    if (cli->json && path == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "--json needs --uri-file: the seed does not go into JSON");
    if (path != NULL && access(path, F_OK) == 0)
        return tp_error_set(&cli->error, TP_EXISTS, "%s is there already; move it away first", path);
    return TP_OK;
}

enum tp_rc tp_cli_enrol(struct tp_cli *cli)
{
    struct tp_secret *code TP_AUTO(tp_secret_free_p) = NULL;
    char *user, factor[FACTOR_LEN] = "";
    TP_TRY(check_options(cli));
    TP_TRY(tp_cli_user(cli, &user));
    TP_TRY(check_state(cli, user));
    TP_TRY(tp_cli_secret_ask(cli, "Enrolment code", "code-file", &code));
    if (!tp_cli_flag(&cli->args, "confirm"))
        TP_TRY(begin(cli, user, code, factor));
    if (tp_cli_flag(&cli->args, "no-confirm"))
        return say_unconfirmed(cli, user, factor);
    return confirm(cli, user, code, factor);
}
