/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/module.h"
#include "cli/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVICE_CONF "/etc/trustp11/engine.conf"
#define ADVICE_MAX   (PATH_MAX + 64)

void tp_cli_doctor_add(struct tp_cli *cli, json_t *list, const char *verdict, const char *name, const char *words,
                       const char *advice)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "verdict", verdict);
    tp_cli_put_text(cli, object, "name", name);
    tp_cli_put_text(cli, object, "words", words);
    tp_cli_put_text(cli, object, "advice", advice);
    tp_cli_list_add(cli, list, object);
}

/* ---- this side ---- */

static void check_configuration(struct tp_cli *cli, json_t *list)
{
    const struct tp_client_conf *conf;
    if (tp_cli_conf(cli, &conf) != TP_OK) {
        tp_cli_doctor_add(cli, list, "bad", "configuration", tp_error_words(&cli->error),
                          "correct it, or name yours with --config");
        return;
    }
    tp_cli_doctor_add(cli, list, "ok", "configuration", tp_client_conf_path(conf), NULL);
    if (tp_client_conf_users(conf) == 0 && !tp_client_conf_serves_all(conf))
        tp_cli_doctor_add(cli, list, "note", "users", "the client configuration names none, so programs see no slot",
                          "add a line: users = NAME, NAME");
}

/* The service is systemd's; in a folder the engine is started by hand, or by who needs it. */
static void advise_start(const struct tp_ipc_client_config *config, char ret_advice[ADVICE_MAX])
{
    if (config->spawn)
        (void)snprintf(ret_advice, ADVICE_MAX, "see what its log says: %s.log", config->socket_path);
    else if (strcmp(config->engine_conf, SERVICE_CONF) == 0)
        (void)snprintf(ret_advice, ADVICE_MAX,
                       "start the engine, or see why it does not run: systemctl status trustp11d");
    else
        (void)snprintf(ret_advice, ADVICE_MAX, "start the engine: trustp11d engine --config %s", config->engine_conf);
}

static void add_socket_missing(struct tp_cli *cli, json_t *list, const struct tp_ipc_client_config *config)
{
    char words[PATH_MAX + 128], advice[ADVICE_MAX] = "correct the key socket, or the rights";
    const char *path = config->socket_path;
    int reason = errno;
    if (config->spawn && reason == ENOENT) {
        tp_cli_doctor_add(cli, list, "note", "socket", path, "not there yet: the engine is started on first use");
        return;
    }
    (void)snprintf(words, sizeof words, "%s: %s", path, strerror(reason));
    if (reason == ENOENT)
        advise_start(config, advice);
    tp_cli_doctor_add(cli, list, "bad", "socket", words, advice);
}

static void check_socket(struct tp_cli *cli, json_t *list)
{
    struct tp_ipc_client_config config = {0};
    struct stat status;
    if (cli->conf == NULL)
        return;
    tp_client_conf_ipc(cli->conf, &config);
    if (stat(config.socket_path, &status) != 0)
        add_socket_missing(cli, list, &config);
    else if (!S_ISSOCK(status.st_mode))
        tp_cli_doctor_add(cli, list, "bad", "socket", config.socket_path, "this is no socket; correct the key socket");
    else
        tp_cli_doctor_add(cli, list, "ok", "socket", config.socket_path, NULL);
}

static const char *part(const json_t *check, const char *key)
{
    const char *text = json_string_value(json_object_get(check, key));
    return text == NULL ? "" : text;
}

/* The engine's clock is this machine's: when it has told, that is enough. */
static void check_clock(struct tp_cli *cli, json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(part(json_array_get(list, i), "name"), "clock") == 0)
            return;
    if (tp_clock_synchronised())
        tp_cli_doctor_add(cli, list, "ok", "clock", "kept by NTP", NULL);
    else
        tp_cli_doctor_add(cli, list, "note", "clock", "not synchronised: one-time codes may be refused",
                          "run chrony or systemd-timesyncd");
}

/* ---- the module ---- */

static const struct {
    const char *verdict, *words, *advice; /* WORDS NULL: what the loader says */
} modules[] = {
    [TP_CLI_MODULE_OK] = {"ok", NULL, NULL},
    [TP_CLI_MODULE_UNLOADABLE] = {"bad", NULL, "install it, or name it with --module"},
    [TP_CLI_MODULE_OTHER_ARCH] = {"bad", NULL, "it is for another kind of machine: install the one for this"},
    [TP_CLI_MODULE_NO_PKCS11] = {"bad", NULL, "this is no PKCS#11 module; name the right one with --module"},
    [TP_CLI_MODULE_NOT_OURS] = {"bad", NULL, "this is another PKCS#11 module; name libtrustp11.so with --module"},
    [TP_CLI_MODULE_NOT_STARTING] = {"note", "does not start with the configuration that programs would find",
                                    "set TRUSTP11_CONF for them; with TRUSTP11_DEBUG=stderr they say why"},
};

static void check_module(struct tp_cli *cli, json_t *list)
{
    char path[PATH_MAX], words[PATH_MAX + 256];
    tp_cli_module_path(cli, path);
    enum tp_cli_module found = tp_cli_module_look(path, words, sizeof words);
    tp_cli_doctor_add(cli, list, modules[found].verdict, "module",
                      modules[found].words == NULL ? words : modules[found].words, modules[found].advice);
}

static void check_memory(struct tp_cli *cli, json_t *list)
{
    struct tp_secret *probe TP_AUTO(tp_secret_free_p) = NULL;
    if (tp_secret_new(1, &probe) == TP_OK && tp_secret_locked())
        tp_cli_doctor_add(cli, list, "ok", "memory", "secrets stay out of swap", NULL);
    else
        tp_cli_doctor_add(cli, list, "note", "memory", "secrets of this program may reach the swap space",
                          "raise ulimit -l (LimitMEMLOCK)");
}

/* ---- the engine's side ---- */

static void add_engine_failed(struct tp_cli *cli, json_t *list, enum tp_rc rc)
{
    struct tp_ipc_client_config config = {0};
    char advice[ADVICE_MAX];
    const char *words = cli->error.rc == rc ? tp_error_words(&cli->error) : tp_rc_words(rc);
    const bool unreachable = rc == TP_UNREACHABLE && cli->conf != NULL;
    if (unreachable) {
        tp_client_conf_ipc(cli->conf, &config);
        advise_start(&config, advice);
    }
    tp_cli_doctor_add(cli, list, "bad", "engine", words, unreachable ? advice : NULL);
}

static void check_engine(struct tp_cli *cli, json_t *list)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__Empty request = TP__IPC__EMPTY__INIT;
    enum tp_rc rc = tp_cli_call(cli, TP_OP_DOCTOR, &request.base, NULL, NULL, &reply);
    if (rc == TP_NOT_PERMITTED || rc == TP_NOT_LOGGED_IN) {
        tp_cli_doctor_add(cli, list, "ok", "engine", "answers, and runs as the user that it should", NULL);
        tp_cli_doctor_add(cli, list, "note", "engine", "tells how it is to officers, auditors and operators only",
                          "trustp11 login as one of them, or ask one");
        return;
    }
    if (rc != TP_OK) {
        add_engine_failed(cli, list, rc);
        return;
    }
    tp_cli_doctor_add(cli, list, "ok", "engine", "answers, and runs as the user that it should", NULL);
    const Tp__Ipc__DoctorReply *doctor = (const void *)reply.message;
    for (size_t i = 0; i < doctor->n_checks; i++)
        tp_cli_doctor_add(cli, list, doctor->checks[i]->verdict, doctor->checks[i]->name, doctor->checks[i]->words,
                          doctor->checks[i]->advice);
}

/* ---- who is configured ---- */

static void check_user(struct tp_cli *cli, json_t *list, const char *user)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    char words[256], advice[256];
    request.user = (char *)(uintptr_t)user;
    enum tp_rc rc = tp_cli_call(cli, TP_OP_TOKEN, &request.base, NULL, NULL, &reply);
    const Tp__Ipc__TokenReply *token = (const void *)reply.message;
    if (rc == TP_NOT_FOUND) {
        (void)snprintf(words, sizeof words, "the client configuration names %s, whom the engine does not know", user);
        (void)snprintf(advice, sizeof advice, "trustp11 user add %s, or take the name out of the line users", user);
        tp_cli_doctor_add(cli, list, "note", "users", words, advice);
    } else if (rc == TP_OK && !token->enrolled) {
        (void)snprintf(words, sizeof words, "%s has not enrolled yet, and cannot log in", user);
        (void)snprintf(advice, sizeof advice, "trustp11 enrol --user %s", user);
        tp_cli_doctor_add(cli, list, "note", "users", words, advice);
    } else if (rc == TP_OK) {
        tp_cli_doctor_keys(cli, list, user);
    }
}

/* Only where an engine answers: else that is what is wrong, and has been said. */
static void check_users(struct tp_cli *cli, json_t *list)
{
    const char *user;
    bool answers = false;
    for (size_t i = 0; i < json_array_size(list); i++)
        answers = answers || (strcmp(part(json_array_get(list, i), "name"), "engine") == 0 &&
                              strcmp(part(json_array_get(list, i), "verdict"), "ok") == 0);
    for (size_t i = 0; answers && cli->conf != NULL && (user = tp_client_conf_user(cli->conf, i)) != NULL; i++)
        check_user(cli, list, user);
}

static bool any_bad(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(part(json_array_get(list, i), "verdict"), "bad") == 0)
            return true;
    return false;
}

/* Not a table: what was found may be long. */
static enum tp_rc print_check(struct tp_cli *cli, const json_t *check)
{
    struct tp_buf line TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_cli_text_clean(part(check, "name"), &line));
    TP_TRY(tp_buf_append_string(&line, ": "));
    TP_TRY(tp_cli_text_clean(part(check, "words"), &line));
    if (part(check, "advice")[0] != '\0') {
        TP_TRY(tp_buf_append_string(&line, "\n      what to do: "));
        TP_TRY(tp_cli_text_clean(part(check, "advice"), &line));
    }
    (void)fprintf(cli->out, "%-4s  %s\n", part(check, "verdict"), tp_buf_string(&line));
    return TP_OK;
}

static enum tp_rc print_checks(struct tp_cli *cli, json_t *list)
{
    if (cli->json || cli->memory_out)
        return tp_cli_emit_list(cli, list, NULL, "");
    enum tp_rc rc = TP_OK;
    for (size_t i = 0; rc == TP_OK && i < json_array_size(list); i++)
        rc = print_check(cli, json_array_get(list, i));
    json_decref(list);
    return rc;
}

enum tp_rc tp_cli_doctor(struct tp_cli *cli)
{
    static void (*const checks[])(struct tp_cli * cli, json_t * list) = {
        check_configuration, check_socket, check_module, tp_cli_doctor_programs,
        check_memory,        check_engine, check_clock,  check_users,
    };
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        checks[i](cli, list);
    bool bad = any_bad(list);
    TP_TRY(print_checks(cli, list));
    cli->failed_quietly = bad;
    return bad ? TP_CONFIG : TP_OK;
}
