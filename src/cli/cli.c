/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* What to do next, for refusals that come with nothing but their code's words. */
static const struct {
    enum tp_rc rc;
    const char *advice;
} advices[] = {
    {TP_NOT_LOGGED_IN, "log in first: trustp11 login --user USER"},
    {TP_NOT_PERMITTED, "run it as the engine's user, or log in as an officer: trustp11 login --user OFFICER"},
    {TP_NOT_ENROLLED, "set PIN and second factor first: trustp11 enrol --user USER"},
    {TP_PIN_LOCKED, "an officer can unlock it: trustp11 user unlock USER"},
    {TP_OTP_STALE, "wait for the next code"},
    {TP_UNREACHABLE, "trustp11 doctor says why"},
    {TP_PEER, "another program sits at the socket; trustp11 doctor says which"},
    {TP_TIMEOUT, "give it more time with --timeout 2m, or look at trustp11 status"},
    {TP_TAMPERED, "look at trustp11 audit verify before anything else"},
};

static const char *advice_for(const struct tp_error *error)
{
    if (strcmp(tp_error_words(error), tp_rc_words(error->rc)) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (advices[i].rc == error->rc)
            return advices[i].advice;
    return NULL;
}

/* A file that somebody named, perhaps long ago in a profile, is told with who did. */
static enum tp_rc read_conf(struct tp_cli *cli)
{
    const char *path = tp_cli_text(&cli->args, "config"), *variable = secure_getenv("TRUSTP11_CONF");
    bool named = path != NULL || (variable != NULL && variable[0] != '\0');
    enum tp_rc rc = tp_client_conf_read(path, &cli->error, &cli->conf);
    if (rc == TP_OK || !named)
        return rc;
    return tp_error_prefix(&cli->error, rc, "the client configuration, as %s names it",
                           path != NULL ? "--config" : "TRUSTP11_CONF");
}

enum tp_rc tp_cli_conf(struct tp_cli *cli, const struct tp_client_conf **ret_conf)
{
    if (cli->conf == NULL)
        TP_TRY(read_conf(cli));
    *ret_conf = cli->conf;
    return TP_OK;
}

static enum tp_rc connect_engine(struct tp_cli *cli)
{
    if (cli->client != NULL || cli->call != tp_ipc_call)
        return TP_OK;
    const struct tp_client_conf *conf;
    struct tp_ipc_client_config config = {0};
    TP_TRY(tp_cli_conf(cli, &conf));
    tp_client_conf_ipc(conf, &config);
    config.program = "trustp11";
    return tp_ipc_client_new(&config, &cli->client);
}

enum tp_rc tp_cli_call(struct tp_cli *cli, enum tp_ipc_op op, const ProtobufCMessage *request,
                       const struct tp_secret *secret_0, const struct tp_secret *secret_1,
                       struct tp_ipc_reply *ret_reply)
{
    TP_TRY(connect_engine(cli));
    struct tp_cli_progress *progress = tp_cli_progress_begin(cli, tp_ipc_operation(op)->words);
    enum tp_rc rc = cli->call(cli->client, op, request, tp_secret_bytes(secret_0), tp_secret_bytes(secret_1),
                              tp_cli_number(&cli->args, "timeout", 0), &cli->error, ret_reply);
    tp_cli_progress_end(progress);
    return rc;
}

enum tp_rc tp_cli_input_check(struct tp_cli *cli, const char *path)
{
    if (!cli->in_closed || strcmp(path, "-") != 0)
        return TP_OK;
    return tp_error_set(&cli->error, TP_IO, "- is standard input, which is closed: give it one, or name a file");
}

enum tp_rc tp_cli_out_check(struct tp_cli *cli, const char *out)
{
    if (strcmp(out, "-") != 0)
        return TP_OK;
    return tp_error_set(&cli->error, TP_USAGE, "--out is a file, not standard output; a file of that name is ./-");
}

enum tp_rc tp_cli_usage(struct tp_cli *cli, enum tp_rc rc)
{
    if (rc != TP_BAD_ARGUMENT)
        return rc;
    if (cli->error.rc == rc)
        cli->error.rc = TP_USAGE;
    return TP_USAGE;
}

enum tp_rc tp_cli_user(struct tp_cli *cli, char **ret_user)
{
    const char *user = tp_cli_text(&cli->args, "user");
    if (user == NULL) {
        const struct tp_client_conf *conf;
        TP_TRY(tp_cli_conf(cli, &conf));
        if (tp_client_conf_users(conf) != 1)
            return tp_error_set(&cli->error, TP_USAGE, "say whom it is about: --user USER (%s names %s)",
                                tp_client_conf_path(conf), tp_client_conf_users(conf) == 0 ? "nobody" : "several");
        user = tp_client_conf_user(conf, 0);
    }
    *ret_user = (char *)(uintptr_t)user; /* protobuf-c's fields are char *, and only read */
    return TP_OK;
}

/* ---- one run ---- */

/* Whatever is read: what is written goes nowhere near standard input. */
static enum tp_rc check_inputs(struct tp_cli *cli)
{
    const struct tp_cli_args *args = &cli->args;
    for (size_t i = 0; i < args->operands_len; i++)
        TP_TRY(tp_cli_input_check(cli, args->operands[i]));
    for (size_t i = 0; i < args->values_len; i++) {
        const struct tp_cli_option *option = args->values[i].option;
        const bool is_file = option->kind == TP_CLI_FILE && strcmp(option->name, "out") != 0;
        if (is_file || strcmp(option->name, "batch") == 0)
            TP_TRY(tp_cli_input_check(cli, args->values[i].text));
    }
    return TP_OK;
}

static enum tp_rc run_wish(struct tp_cli *cli)
{
    cli->json = tp_cli_flag(&cli->args, "json");
    if (cli->out_closed) /* refused before anything is asked for whose answer would be lost */
        return tp_error_set(&cli->error, TP_IO, "writing the output failed: standard output is closed");
    switch (cli->args.wish) {
    case TP_CLI_HELP:
        tp_cli_help(cli->out, &cli->args);
        return TP_OK;
    case TP_CLI_VERSION:
        return tp_cli_emit_version(cli);
    case TP_CLI_COMPLETION:
        return tp_cli_completion(cli->out, cli->args.shell, &cli->error);
    case TP_CLI_RUN:
        break;
    }
    TP_TRY(check_inputs(cli));
    return cli->args.command->run(cli);
}

/* Nobody reads OUT's pipe any more. */
static bool reader_gone(FILE *out)
{
    struct pollfd end = {.fd = fileno(out), .events = POLLOUT};
    return end.fd >= 0 && poll(&end, 1, 0) == 1 && (end.revents & POLLERR) != 0;
}

/* A reader that has seen enough (`trustp11 audit list | head`) is no failure, and ends the run without a word. What the
 * command itself answered (a "no", a refusal) stays. */
static enum tp_rc finish_output(struct tp_cli *cli, enum tp_rc rc)
{
    bool failed = fflush(cli->out) != 0 || ferror(cli->out) != 0;
    if (rc == TP_OK && failed)
        rc = tp_cli_output_failed(cli);
    return cli->out_failed && reader_gone(cli->out) ? TP_OK : rc;
}

static void report(struct tp_cli *cli, enum tp_rc rc)
{
    if (cli->failed_quietly)
        return;
    if (cli->error.rc != rc) /* a code whose words nobody set, or words of something that was survived */
        cli->error = (struct tp_error){.rc = rc};
    tp_cli_emit_error(cli, advice_for(&cli->error));
}

int tp_cli_run(struct tp_cli *cli, int argc, char *const *argv)
{
    tp_error_clear(&cli->error);
    cli->json = tp_cli_wants_json(argc, argv);
    enum tp_rc rc = tp_cli_parse(argc, argv, &cli->error, &cli->args);
    if (rc == TP_OK)
        rc = run_wish(cli);
    rc = finish_output(cli, rc);
    if (rc != TP_OK)
        report(cli, rc);
    if (cli->client != NULL)
        tp_ipc_client_free(cli->client);
    if (cli->conf != NULL)
        tp_client_conf_free(cli->conf);
    cli->client = NULL;
    cli->conf = NULL;
    return rc != TP_OK && cli->status != 0 ? cli->status : tp_rc_status(rc);
}
