/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/credential.h"
#include "cli/file.h"
#include "cli/key.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/session.h"
#include "pki/certificate.h"

#include <string.h>
#include <sys/stat.h>

static const struct tp_cli_column columns[] = {
    {"id", "KEY"},        {"label", "LABEL"},   {"type", "TYPE"},
    {"state", "STATE"},   {"pending", "WAITS"}, {"certificate", "CERTIFICATE"},
    {"cka_id", "CKA_ID"}, {"created", "CREATED"}, {NULL, NULL},
};

static json_t *describe(struct tp_cli *cli, const Tp__Ipc__Credential *credential)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "id", credential->id);
    tp_cli_put_hex(cli, object, "cka_id", TP_BYTES(credential->cka_id.data, credential->cka_id.len));
    tp_cli_put_text(cli, object, "label", credential->label);
    tp_cli_put_text(cli, object, "type", credential->key_type);
    tp_cli_put_text(cli, object, "state", credential->state);
    tp_cli_put_text(cli, object, "reason", credential->reason);
    tp_cli_put_flag(cli, object, "pending", credential->pending);
    tp_cli_put_flag(cli, object, "certificate", credential->certificate.len > 0);
    tp_cli_put_flag(cli, object, "always_authenticate", credential->always_authenticate);
    tp_cli_put_flag(cli, object, "imported", credential->imported);
    tp_cli_put_time(cli, object, "created", credential->created_ms, false);
    return object;
}

enum tp_rc tp_cli_key_list(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    char *user;
    TP_TRY(tp_cli_user(cli, &user));
    TP_TRY(tp_cli_credentials(cli, user, &reply));
    const Tp__Ipc__ObjectsReply *objects = (const void *)reply.message;
    json_t *list = json_array();
    for (size_t i = 0; i < objects->n_credentials; i++)
        tp_cli_list_add(cli, list, describe(cli, objects->credentials[i]));
    return tp_cli_emit_list(cli, list, columns, "no keys yet; trustp11 key generate makes one");
}

/* ---- making ---- */

enum tp_rc tp_cli_key_id(struct tp_cli *cli, struct tp_buf *ret_id)
{
    const char *hex = tp_cli_text(&cli->args, "id");
    if (hex != NULL && tp_hex_decode(hex, strlen(hex), ret_id) != TP_OK)
        return tp_error_set(&cli->error, TP_USAGE, "--id %s: not an even number of hexadecimal digits", hex);
    return TP_OK;
}

enum tp_rc tp_cli_key_made(struct tp_cli *cli, const struct tp_ipc_reply *reply)
{
    const Tp__Ipc__Credential *made = ((const Tp__Ipc__KeyReply *)(const void *)reply->message)->credential;
    if (made == NULL)
        return tp_error_set(&cli->error, TP_INTERNAL, "the engine did not say which key it made");
    return tp_cli_emit_done(cli, describe(cli, made), "%s  %s  %s%s", made->id, made->key_type, made->label,
                            made->pending ? "  (waits for its owner's first login)" : "");
}

enum tp_rc tp_cli_key_generate(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_buf id TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    Tp__Ipc__KeyGenerateRequest request = TP__IPC__KEY_GENERATE_REQUEST__INIT;
    const char *type = tp_cli_text(&cli->args, "type"), *label = tp_cli_text(&cli->args, "label");
    TP_TRY(tp_cli_key_id(cli, &id));
    TP_TRY(tp_cli_user(cli, &request.user));
    request.key_type = (char *)(uintptr_t)(type == NULL ? "p-256" : type);
    request.label = (char *)(uintptr_t)(label == NULL ? request.user : label);
    request.cka_id = (ProtobufCBinaryData){.data = id.data, .len = id.len};
    request.always_authenticate = tp_cli_flag(&cli->args, "always-authenticate");
    TP_TRY(tp_cli_usage(cli, tp_cli_call(cli, TP_OP_KEY_GENERATE, &request.base, NULL, NULL, &reply)));
    return tp_cli_key_made(cli, &reply);
}

/* ---- states ---- */

static enum tp_rc change(struct tp_cli *cli, enum tp_ipc_op op, const char *state, const char *question,
                         const char *what)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__KeyRequest request = TP__IPC__KEY_REQUEST__INIT;
    const char *reason = tp_cli_text(&cli->args, "reason");
    TP_TRY(tp_cli_user(cli, &request.user));
    if (question != NULL)
        TP_TRY(tp_cli_confirm(cli, question));
    request.credential = (char *)(uintptr_t)tp_cli_operand(&cli->args, 0);
    request.state = (char *)(uintptr_t)state;
    request.reason = (char *)(uintptr_t)(reason == NULL ? "" : reason);
    TP_TRY(tp_cli_call(cli, op, &request.base, NULL, NULL, &reply));
    return tp_cli_emit_ok(cli, "%s: %s", request.credential, what);
}

enum tp_rc tp_cli_key_suspend(struct tp_cli *cli)
{
    return change(cli, TP_OP_KEY_STATE, "suspended", NULL, "suspended; trustp11 key resume lets it sign again");
}

enum tp_rc tp_cli_key_resume(struct tp_cli *cli)
{
    return change(cli, TP_OP_KEY_STATE, "active", NULL, "may sign again");
}

enum tp_rc tp_cli_key_doubt(struct tp_cli *cli)
{
    return change(cli, TP_OP_KEY_STATE, "doubt", NULL, "stopped, until an officer resumes or revokes it");
}

enum tp_rc tp_cli_key_revoke(struct tp_cli *cli)
{
    return change(cli, TP_OP_KEY_STATE, "revoked", "A revoked key never signs again. Go on?",
                  "revoked; tell the CA, so that its certificate is revoked too");
}

enum tp_rc tp_cli_key_delete(struct tp_cli *cli)
{
    return change(cli, TP_OP_KEY_DELETE, "", "This destroys the key; it cannot be undone. Go on?", "deleted");
}

enum tp_rc tp_cli_key_change(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_buf id TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    Tp__Ipc__KeyChangeRequest request = TP__IPC__KEY_CHANGE_REQUEST__INIT;
    const char *label = tp_cli_text(&cli->args, "label");
    TP_TRY(tp_cli_key_id(cli, &id));
    if (label == NULL && id.len == 0)
        return tp_error_set(&cli->error, TP_USAGE, "give --label, --id or both: what the key is to be called");
    TP_TRY(tp_cli_user(cli, &request.user));
    request.credential = (char *)(uintptr_t)tp_cli_operand(&cli->args, 0);
    request.label = (char *)(uintptr_t)(label == NULL ? "" : label);
    request.cka_id = (ProtobufCBinaryData){.data = id.data, .len = id.len};
    TP_TRY(tp_cli_usage(cli, tp_cli_call(cli, TP_OP_KEY_CHANGE, &request.base, NULL, NULL, &reply)));
    const Tp__Ipc__Credential *changed = ((const Tp__Ipc__KeyReply *)(const void *)reply.message)->credential;
    if (changed == NULL)
        return tp_error_set(&cli->error, TP_INTERNAL, "the engine did not say which key it changed");
    return tp_cli_emit_done(cli, describe(cli, changed), "%s  %s  %s", changed->id, changed->key_type, changed->label);
}

/* ---- requests ---- */

static size_t gather(const struct tp_cli *cli, const char *option, char *ret_texts[TP_CLI_VALUES_MAX])
{
    size_t len = 0;
    const char *text;
    while ((text = tp_cli_text_at(&cli->args, option, len)) != NULL)
        ret_texts[len++] = (char *)(uintptr_t)text;
    return len;
}

/* What a request says, and where it goes: looked at before its owner spends a one-time code on it. */
struct wish {
    char *dns[TP_CLI_VALUES_MAX], *email[TP_CLI_VALUES_MAX];
    size_t dns_len, email_len;
    const char *subject, *path;
    struct tp_cli_new_file *file; /* for PATH */
};

static void wish_clear(struct wish *wish)
{
    tp_cli_new_file_free(wish->file);
}

static enum tp_rc wish_read(struct tp_cli *cli, struct wish *wish)
{
    wish->subject = tp_cli_text(&cli->args, "subject");
    wish->dns_len = gather(cli, "dns", wish->dns);
    wish->email_len = gather(cli, "email", wish->email);
    wish->path = tp_cli_text(&cli->args, "out");
    if (wish->subject == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "say whose key it is: --subject '/C=JP/O=Example/CN=Alice'");
    return tp_cli_usage(cli, tp_pki_request_check(wish->subject, (const char *const *)wish->dns, wish->dns_len,
                                                  (const char *const *)wish->email, wish->email_len, &cli->error));
}

static enum tp_rc make_place(struct tp_cli *cli, struct wish *wish)
{
    if (wish->path == NULL)
        return TP_OK;
    return tp_cli_file_make(wish->path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, &cli->error, &wish->file);
}

static enum tp_rc ask_request(struct tp_cli *cli, const struct tp_cli_session *session, char *credential,
                              struct wish *wish, struct tp_ipc_reply *ret_reply)
{
    Tp__Ipc__CsrRequest request = TP__IPC__CSR_REQUEST__INIT;
    request.authorisation = (char *)(uintptr_t)session->id;
    request.user = session->user;
    request.credential = credential;
    request.subject = (char *)(uintptr_t)wish->subject;
    request.n_dns = wish->dns_len;
    request.dns = wish->dns;
    request.n_email = wish->email_len;
    request.email = wish->email;
    return tp_cli_call(cli, TP_OP_CSR, &request.base, NULL, NULL, ret_reply);
}

static enum tp_rc tell_request(struct tp_cli *cli, const char *key, const char *path, const struct tp_buf *text)
{
    bool is_der = tp_cli_flag(&cli->args, "der");
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "key", key);
    tp_cli_put_text(cli, object, "file", path);
    if (path == NULL && is_der)
        tp_cli_put_hex(cli, object, "request_der", tp_buf_bytes(text));
    else if (path == NULL)
        tp_cli_put_text(cli, object, "request", tp_buf_string(text));
    return tp_cli_emit_done(cli, object, "the request is in %s", path == NULL ? "" : path);
}

static enum tp_rc write_request(struct tp_cli *cli, const char *key, struct tp_bytes der, struct wish *wish)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    bool is_der = tp_cli_flag(&cli->args, "der");
    TP_TRY(is_der ? tp_buf_append(&text, der) : tp_pki_pem_write("CERTIFICATE REQUEST", der, &text));
    if (wish->file != NULL)
        TP_TRY(tp_cli_file_fill(wish->file, tp_buf_bytes(&text), &cli->error));
    if (wish->path != NULL || cli->json)
        return tell_request(cli, key, wish->path, &text);
    if (fwrite(text.data, 1, text.len, cli->out) != text.len)
        return tp_cli_output_failed(cli);
    return TP_OK;
}

enum tp_rc tp_cli_key_csr(struct tp_cli *cli)
{
    struct tp_ipc_reply objects TP_AUTO(tp_ipc_reply_clear) = {0}, reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct wish wish TP_AUTO(wish_clear) = {.path = NULL};
    const Tp__Ipc__Credential *credential;
    struct tp_cli_session session;
    char *user;
    TP_TRY(wish_read(cli, &wish));
    TP_TRY(tp_cli_user(cli, &user));
    TP_TRY(tp_cli_credentials(cli, user, &objects));
    TP_TRY(tp_cli_credential_find(cli, &objects, tp_cli_operand(&cli->args, 0), &credential));
    TP_TRY(make_place(cli, &wish));
    TP_TRY(tp_cli_session_begin(cli, user, &session));
    enum tp_rc rc = ask_request(cli, &session, credential->id, &wish, &reply);
    tp_cli_session_end(&session);
    TP_TRY(rc);
    const Tp__Ipc__DerReply *der = (const void *)reply.message;
    return write_request(cli, credential->id, TP_BYTES(der->der.data, der->der.len), &wish);
}
