/* SPDX-License-Identifier: Apache-2.0 */
#include "authn/otp.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/prompt.h"

#include <string.h>

#define PSKC_MAX    ((size_t)1 << 20)
#define SERIALS_LEN 256

static const struct tp_cli_column columns[] = {
    {"id", "FACTOR"},   {"kind", "KIND"},       {"serial", "SERIAL"}, {"digits", "DIGITS"},
    {"state", "STATE"}, {"created", "CREATED"}, {NULL, NULL},
};

static json_t *describe(struct tp_cli *cli, const Tp__Ipc__Factor *factor)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "id", factor->id);
    tp_cli_put_text(cli, object, "kind", factor->kind);
    tp_cli_put_text(cli, object, "serial", factor->serial);
    tp_cli_put_count(cli, object, "digits", factor->digits);
    tp_cli_put_text(cli, object, "state", factor->state);
    tp_cli_put_time(cli, object, "created", factor->created_ms, false);
    return object;
}

enum tp_rc tp_cli_factor_list(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__FactorRequest request = TP__IPC__FACTOR_REQUEST__INIT;
    TP_TRY(tp_cli_user(cli, &request.user));
    TP_TRY(tp_cli_call(cli, TP_OP_FACTOR_LIST, &request.base, NULL, NULL, &reply));
    const Tp__Ipc__FactorListReply *factors = (const void *)reply.message;
    json_t *list = json_array();
    for (size_t i = 0; i < factors->n_factors; i++)
        tp_cli_list_add(cli, list, describe(cli, factors->factors[i]));
    return tp_cli_emit_list(cli, list, columns, "no second factor yet; trustp11 enrol sets one");
}

static enum tp_rc check_factor(struct tp_cli *cli, Tp__Ipc__FactorRequest *request)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__FactorRequest look = TP__IPC__FACTOR_REQUEST__INIT;
    look.user = request->user;
    TP_TRY(tp_cli_call(cli, TP_OP_FACTOR_LIST, &look.base, NULL, NULL, &reply));
    const Tp__Ipc__FactorListReply *factors = (const void *)reply.message;
    for (size_t i = 0; i < factors->n_factors; i++)
        if (strcmp(factors->factors[i]->id, request->factor) == 0)
            return TP_OK;
    return tp_error_set(&cli->error, TP_NOT_FOUND, "%s has no factor \"%s\"; trustp11 factor list shows them",
                        request->user, request->factor);
}

enum tp_rc tp_cli_factor_remove(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__FactorRequest request = TP__IPC__FACTOR_REQUEST__INIT;
    TP_TRY(tp_cli_user(cli, &request.user));
    request.factor = (char *)(uintptr_t)tp_cli_operand(&cli->args, 0);
    TP_TRY(check_factor(cli, &request));
    TP_TRY(tp_cli_confirm(cli, "A user without a second factor cannot log in. Take it away?"));
    TP_TRY(tp_cli_call(cli, TP_OP_FACTOR_REMOVE, &request.base, NULL, NULL, &reply));
    return tp_cli_emit_ok(cli, "%s: the factor is gone", request.user);
}

/* ---- import ---- */

struct search {
    const char *serial; /* wanted, or NULL */
    unsigned tokens;    /* in the file */
    unsigned matches;
    char serials[SERIALS_LEN]; /* of all, for people; "…" when there are more */
    struct tp_otp_token found; /* the first match; its seed is a copy */
};

static void note_serial(struct search *search, const char *serial)
{
    size_t len = strlen(search->serials);
    bool first = len == 0, fits = len + strlen(serial) + sizeof ", , …" <= SERIALS_LEN;
    if (fits)
        (void)snprintf(search->serials + len, SERIALS_LEN - len, "%s%s", first ? "" : ", ", serial);
    else if (len < 3 || strcmp(search->serials + len - strlen("…"), "…") != 0)
        (void)snprintf(search->serials + len, SERIALS_LEN - len, ", …");
}

static enum tp_rc look_at(void *context, const struct tp_otp_token *token)
{
    struct search *search = context;
    search->tokens++;
    note_serial(search, token->serial);
    if (search->serial != NULL && strcmp(search->serial, token->serial) != 0)
        return TP_OK;
    if (search->matches++ > 0)
        return TP_OK;
    search->found = *token;
    search->found.seed = NULL;
    return tp_secret_new_copy(tp_secret_bytes(token->seed), &search->found.seed);
}

static enum tp_rc check_found(struct tp_cli *cli, const char *path, const struct search *search)
{
    if (search->matches == 1)
        return TP_OK;
    if (search->serial == NULL && search->tokens > 1)
        return tp_error_set(&cli->error, TP_USAGE, "%s holds %u tokens; say which with --serial: %s", path, search->tokens,
                            search->serials);
    if (search->matches == 0)
        return tp_error_set(&cli->error, TP_NOT_FOUND, "%s holds no token with serial number %s, but: %s", path,
                            search->serial, search->serials);
    return tp_error_set(&cli->error, TP_MALFORMED, "%s holds %u tokens of that serial number", path, search->matches);
}

static enum tp_rc read_tokens(struct tp_cli *cli, const char *path, struct search *search)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_secret *key TP_AUTO(tp_secret_free_p) = NULL, *passphrase TP_AUTO(tp_secret_free_p) = NULL;
    const char *key_path = tp_cli_text(&cli->args, "key-file");
    TP_TRY(tp_cli_file_read(path, PSKC_MAX, &cli->error, &file));
    if (key_path != NULL)
        TP_TRY(tp_cli_file_read_secret(key_path, &cli->error, &key));
    if (tp_cli_text(&cli->args, "passphrase-file") != NULL)
        TP_TRY(tp_cli_secret_ask(cli, "Passphrase", "passphrase-file", &passphrase));
    enum tp_rc rc = tp_otp_pskc_read(tp_buf_bytes(&file), tp_secret_bytes(key), tp_secret_bytes(passphrase),
                                     &cli->error, look_at, search);
    tp_wipe(file.data, file.len); /* the seeds are in it, when it is not encrypted */
    return rc == TP_OK ? check_found(cli, path, search) : tp_error_prefix(&cli->error, rc, "%s", path);
}

static enum tp_rc add_factor(struct tp_cli *cli, char *user, bool enrolled, struct tp_otp_token *token)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__FactorAddRequest request = TP__IPC__FACTOR_ADD_REQUEST__INIT;
    request.user = user;
    request.kind = (char *)(uintptr_t)(token->params.kind == TP_OTP_HOTP ? "hotp" : "totp");
    request.serial = token->serial;
    request.manufacturer = token->manufacturer;
    request.digits = token->params.digits;
    request.period_s = token->params.period_s;
    request.algorithm = (char *)(uintptr_t)tp_otp_algorithm_name(token->params.algorithm);
    request.counter = token->counter;
    TP_TRY(tp_cli_call(cli, TP_OP_FACTOR_ADD, &request.base, token->seed, NULL, &reply));
    json_t *added = describe(cli, (const void *)reply.message);
    if (enrolled)
        return tp_cli_emit_done(cli, added,
                                "%s: token %s is registered; it takes effect at the next enrolment only, and %s is "
                                "enrolled: trustp11 user reset costs the keys",
                                user, token->serial, user);
    return tp_cli_emit_done(cli, added, "%s: token %s is registered; trustp11 enrol --user %s --factor hardware comes next",
                            user, token->serial, user);
}

static enum tp_rc is_enrolled(struct tp_cli *cli, char *user, bool *ret_enrolled)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    request.user = user;
    TP_TRY(tp_cli_call(cli, TP_OP_TOKEN, &request.base, NULL, NULL, &reply));
    *ret_enrolled = ((const Tp__Ipc__TokenReply *)(const void *)reply.message)->enrolled;
    return TP_OK;
}

enum tp_rc tp_cli_factor_import(struct tp_cli *cli)
{
    struct search search = {.serial = tp_cli_text(&cli->args, "serial")};
    char *user;
    bool enrolled = false;
    TP_TRY(tp_cli_user(cli, &user));
    enum tp_rc rc = read_tokens(cli, tp_cli_operand(&cli->args, 0), &search);
    if (rc == TP_OK)
        rc = is_enrolled(cli, user, &enrolled);
    if (rc == TP_OK)
        rc = add_factor(cli, user, enrolled, &search.found);
    tp_secret_free(search.found.seed);
    return rc;
}
