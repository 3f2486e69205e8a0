/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "cli/chain.h"
#include "cli/commands.h"
#include "cli/credential.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>

static const struct tp_cli_column columns[] = {
    {"key", "Key"},
    {"subject", "Subject"},
    {"issuer", "Issuer"},
    {"serial", "Serial"},
    {"type", "Key type"},
    {"not_before", "Valid from"},
    {"not_after", "Valid until"},
    {"ca", "CA"},
    {"chain", "Issuers with it"},
    {"sha256", "SHA-256"},
    {NULL, NULL},
};

static enum tp_rc tell_imported(struct tp_cli *cli, const char *user, const Tp__Ipc__Credential *credential)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "user", user);
    tp_cli_put_text(cli, object, "key", credential->id);
    tp_cli_put_text(cli, object, "label", credential->label);
    return tp_cli_emit_done(cli, object, "%s: the certificate is registered for key \"%s\" (%s)", user, credential->label,
                            credential->id);
}

enum tp_rc tp_cli_cert_import(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_cli_chain chain TP_AUTO(tp_cli_chain_clear) = {.len = 0};
    Tp__Ipc__CertificateRequest request = TP__IPC__CERTIFICATE_REQUEST__INIT;
    const char *key = tp_cli_text(&cli->args, "key");
    TP_TRY(tp_cli_user(cli, &request.user));
    TP_TRY(tp_cli_chain_read(cli, tp_cli_operand(&cli->args, 0), &chain));
    request.credential = (char *)(uintptr_t)(key == NULL ? "" : key);
    request.der = chain.der;
    request.n_der = chain.len;
    TP_TRY(tp_cli_call(cli, TP_OP_CERT_IMPORT, &request.base, NULL, NULL, &reply));
    const Tp__Ipc__Credential *credential = ((const Tp__Ipc__KeyReply *)(const void *)reply.message)->credential;
    if (credential == NULL)
        return tp_error_set(&cli->error, TP_INTERNAL, "the engine did not say for which key it registered the certificate");
    return tell_imported(cli, request.user, credential);
}

enum tp_rc tp_cli_cert_remove(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__KeyRequest request = TP__IPC__KEY_REQUEST__INIT;
    const char *reason = tp_cli_text(&cli->args, "reason");
    TP_TRY(tp_cli_user(cli, &request.user));
    TP_TRY(tp_cli_confirm(cli, "This takes the certificate away; without one, the key does not sign. Go on?"));
    request.credential = (char *)(uintptr_t)tp_cli_operand(&cli->args, 0);
    request.reason = (char *)(uintptr_t)(reason == NULL ? "" : reason);
    TP_TRY(tp_cli_call(cli, TP_OP_CERT_REMOVE, &request.base, NULL, NULL, &reply));
    return tp_cli_emit_ok(cli, "%s: has no certificate any more", request.credential);
}

/* ---- showing ---- */

static void put_key_type(struct tp_cli *cli, json_t *object, struct tp_bytes spki)
{
    struct tp_pki_key_info info;
    if (tp_pki_key_info(spki, NULL, &info) == TP_OK)
        tp_cli_put_text(cli, object, "type", info.type);
}

static void put_fingerprint(struct tp_cli *cli, json_t *object, struct tp_bytes der)
{
    uint8_t hash[TP_SHA256_LEN];
    if (tp_sha256(der, TP_BYTES_NONE, TP_BYTES_NONE, hash) == TP_OK)
        tp_cli_put_hex(cli, object, "sha256", TP_BYTES(hash, sizeof hash));
}

static enum tp_rc describe(struct tp_cli *cli, struct tp_bytes der, json_t *object)
{
    struct tp_pki_certificate certificate = {.key_usage = 0};
    TP_TRY(tp_pki_certificate_parse(der, &cli->error, &certificate));
    tp_cli_put_text(cli, object, "subject", certificate.subject);
    tp_cli_put_text(cli, object, "issuer", certificate.issuer);
    tp_cli_put_text(cli, object, "serial", certificate.serial);
    put_key_type(cli, object, tp_buf_bytes(&certificate.spki));
    tp_cli_put_time(cli, object, "not_before", certificate.not_before_ms, false);
    tp_cli_put_time(cli, object, "not_after", certificate.not_after_ms, false);
    tp_cli_put_flag(cli, object, "ca", certificate.is_ca);
    put_fingerprint(cli, object, der);
    tp_pki_certificate_clear(&certificate);
    return TP_OK;
}

static enum tp_rc add_pem(struct tp_cli *cli, struct tp_bytes der, json_t *object)
{
    struct tp_buf pem TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pki_pem_write("CERTIFICATE", der, &pem));
    if (cli->json)
        tp_cli_put_text(cli, object, "pem", tp_buf_string(&pem));
    else
        (void)fputs(tp_buf_string(&pem), cli->out);
    return TP_OK;
}

/* One certificate: described, or as PEM, into LIST (for --json) or out. */
static enum tp_rc show(struct tp_cli *cli, const char *key, const ProtobufCBinaryData *data, size_t chain_len,
                       json_t *list)
{
    struct tp_bytes der = TP_BYTES(data->data, data->len);
    bool pem = tp_cli_flag(&cli->args, "pem");
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "key", key);
    enum tp_rc rc = describe(cli, der, object);
    if (rc == TP_OK && chain_len > 0)
        tp_cli_put_count(cli, object, "chain", chain_len);
    if (rc == TP_OK && pem)
        rc = add_pem(cli, der, object);
    if (rc != TP_OK) {
        json_decref(object);
        return rc;
    }
    tp_cli_list_add(cli, list, object);
    return TP_OK;
}

static enum tp_rc show_file(struct tp_cli *cli, const char *path, json_t *list)
{
    struct tp_cli_chain chain TP_AUTO(tp_cli_chain_clear) = {.len = 0};
    TP_TRY(tp_cli_chain_read(cli, path, &chain));
    for (size_t i = 0; i < chain.len; i++)
        TP_TRY(show(cli, NULL, &chain.der[i], 0, list));
    return TP_OK;
}

static enum tp_rc show_credential(struct tp_cli *cli, const Tp__Ipc__Credential *credential, json_t *list)
{
    if (credential->certificate.len == 0)
        return TP_OK;
    TP_TRY(show(cli, credential->label, &credential->certificate, credential->n_chain, list));
    for (size_t i = 0; tp_cli_flag(&cli->args, "pem") && i < credential->n_chain; i++)
        TP_TRY(show(cli, NULL, &credential->chain[i], 0, list));
    return TP_OK;
}

static enum tp_rc show_user(struct tp_cli *cli, json_t *list)
{
    struct tp_ipc_reply objects TP_AUTO(tp_ipc_reply_clear) = {0};
    const Tp__Ipc__Credential *credential;
    const char *key = tp_cli_operand(&cli->args, 0);
    char *user;
    TP_TRY(tp_cli_user(cli, &user));
    TP_TRY(tp_cli_credentials(cli, user, &objects));
    if (key != NULL) {
        TP_TRY(tp_cli_credential_find(cli, &objects, key, &credential));
        return show_credential(cli, credential, list);
    }
    const Tp__Ipc__ObjectsReply *reply = (const void *)objects.message;
    for (size_t i = 0; i < reply->n_credentials; i++)
        TP_TRY(show_credential(cli, reply->credentials[i], list));
    return TP_OK;
}

static enum tp_rc print_list(struct tp_cli *cli, json_t *list)
{
    if (cli->json || json_array_size(list) == 0)
        return tp_cli_emit_list(cli, list, columns, "no certificate; trustp11 cert import registers one");
    enum tp_rc rc = TP_OK;
    for (size_t i = 0; rc == TP_OK && !tp_cli_flag(&cli->args, "pem") && i < json_array_size(list); i++) {
        (void)fputs(i > 0 ? "\n" : "", cli->out);
        rc = tp_cli_emit_record(cli, json_incref(json_array_get(list, i)), columns);
    }
    json_decref(list);
    return rc;
}

enum tp_rc tp_cli_cert_show(struct tp_cli *cli)
{
    const char *path = tp_cli_text(&cli->args, "file");
    if (path != NULL && tp_cli_operand(&cli->args, 0) != NULL)
        return tp_error_set(&cli->error, TP_USAGE, "--file and a key exclude each other");
    json_t *list = json_array();
    enum tp_rc rc = path != NULL ? show_file(cli, path, list) : show_user(cli, list);
    if (rc != TP_OK) {
        json_decref(list);
        return rc;
    }
    return print_list(cli, list);
}
