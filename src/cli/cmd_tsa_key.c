/* SPDX-License-Identifier: Apache-2.0
 *
 * `tsa key`, `tsa cert`: the timestamp authority's own key in the HSM, and its certificate.
 */
#include "cli/chain.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/output.h"
#include "pki/certificate.h"

#include <stdio.h>
#include <string.h>

static enum tp_rc tell_key(struct tp_cli *cli, const struct tp_ipc_reply *reply, const char *words)
{
    const Tp__Ipc__TsaKeyReply *key = (const void *)reply->message;
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "type", key->key_type);
    tp_cli_put_hex(cli, object, "public_key", TP_BYTES(key->spki.data, key->spki.len));
    tp_cli_put_time(cli, object, "not_after", key->not_after_ms, false);
    return tp_cli_emit_done(cli, object, "%s (%s)", words, key->key_type);
}

static enum tp_rc make(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__TsaKeyRequest request = TP__IPC__TSA_KEY_REQUEST__INIT;
    const char *type = tp_cli_text(&cli->args, "type");
    request.key_type = (char *)(uintptr_t)(type == NULL ? "" : type);
    request.replace = tp_cli_flag(&cli->args, "replace");
    TP_TRY(tp_cli_call(cli, TP_OP_TSA_KEY_MAKE, &request.base, NULL, NULL, &reply));
    return tell_key(cli, &reply, "a key was made, and waits for its certificate: trustp11 tsa key csr");
}

static enum tp_rc write_request(struct tp_cli *cli, struct tp_bytes der)
{
    struct tp_buf pem TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const char *out = tp_cli_text(&cli->args, "out");
    TP_TRY(tp_pki_pem_write("CERTIFICATE REQUEST", der, &pem));
    if (out != NULL)
        TP_TRY(tp_cli_file_write(out, 0644, tp_buf_bytes(&pem), &cli->error));
    if (out == NULL && !cli->json)
        return fwrite(pem.data, 1, pem.len, cli->out) == pem.len ? TP_OK : tp_cli_output_failed(cli);
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "file", out);
    if (out == NULL)
        tp_cli_put_text(cli, object, "request", tp_buf_string(&pem));
    return tp_cli_emit_done(cli, object, "the request is in %s", out == NULL ? "" : out);
}

static enum tp_rc csr(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__TsaCsrRequest request = TP__IPC__TSA_CSR_REQUEST__INIT;
    const char *subject = tp_cli_text(&cli->args, "subject");
    if (subject == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "say who the authority is: --subject '/C=JP/O=Example/CN=Example TSA'");
    TP_TRY(tp_cli_usage(cli, tp_pki_request_check(subject, NULL, 0, NULL, 0, &cli->error)));
    request.subject = (char *)(uintptr_t)subject;
    TP_TRY(tp_cli_call(cli, TP_OP_TSA_KEY_CSR, &request.base, NULL, NULL, &reply));
    const Tp__Ipc__DerReply *der = (const void *)reply.message;
    return write_request(cli, TP_BYTES(der->der.data, der->der.len));
}

enum tp_rc tp_cli_tsa_key(struct tp_cli *cli)
{
    static const struct {
        const char *name;
        enum tp_rc (*run)(struct tp_cli *cli);
    } actions[] = {{"make", make}, {"csr", csr}};
    const char *wanted = tp_cli_operand(&cli->args, 0);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].name, wanted) == 0)
            return actions[i].run(cli);
    return tp_error_set(&cli->error, TP_USAGE, "\"%s\" is neither make nor csr", wanted);
}

enum tp_rc tp_cli_tsa_cert(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_cli_chain chain TP_AUTO(tp_cli_chain_clear) = {.len = 0};
    Tp__Ipc__TsaCertificateRequest request = TP__IPC__TSA_CERTIFICATE_REQUEST__INIT;
    if (strcmp(tp_cli_operand(&cli->args, 0), "import") != 0)
        return tp_error_set(&cli->error, TP_USAGE, "\"%s\" is not import", tp_cli_operand(&cli->args, 0));
    TP_TRY(tp_cli_chain_read(cli, tp_cli_operand(&cli->args, 1), &chain));
    request.der = chain.der;
    request.n_der = chain.len;
    TP_TRY(tp_cli_call(cli, TP_OP_TSA_CERT_IMPORT, &request.base, NULL, NULL, &reply));
    return tell_key(cli, &reply, "timestamps are signed with this key and certificate from now on");
}
