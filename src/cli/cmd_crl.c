/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/chain.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/output.h"
#include "pki/certificate.h"

static const struct tp_cli_column columns[] = {
    {"issuer", "Issuer"}, {"next_update", "Next update"}, {"on_it", "Keys on it"}, {"credentials", "Which"},
    {"not_judged", "Not judged"}, {NULL, NULL},
};

/* So that a wrong file is found here, with its name, before it is sent. */
static enum tp_rc check(struct tp_cli *cli, const char *path, struct tp_bytes file)
{
    struct tp_pki_crl crl = {.revoked = 0};
    enum tp_rc rc = tp_pki_crl_parse(file, &cli->error, &crl);
    if (rc != TP_OK)
        return tp_error_prefix(&cli->error, rc, "%s", path);
    tp_pki_crl_clear(&crl);
    return TP_OK;
}

static enum tp_rc emit(struct tp_cli *cli, const Tp__Ipc__CrlReply *crl)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "issuer", crl->issuer);
    tp_cli_put_time(cli, object, "next_update", crl->next_update_ms, false);
    tp_cli_put_count(cli, object, "on_it", crl->revoked);
    tp_cli_put_list(cli, object, "credentials", crl->credentials, crl->n_credentials);
    tp_cli_put_count(cli, object, "not_judged", crl->unjudged);
    TP_TRY(tp_cli_emit_record(cli, object, columns));
    if (crl->unjudged > 0)
        tp_cli_remark(cli, "note: %u certificates are of an issuer of that name with another key, of whom this list says "
                           "nothing; import the list of that key, too",
                      (unsigned)crl->unjudged);
    return TP_OK;
}

static enum tp_rc send_list(struct tp_cli *cli, Tp__Ipc__CrlRequest *request)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_cli_chain issuers TP_AUTO(tp_cli_chain_clear) = {.len = 0};
    const char *path = tp_cli_text(&cli->args, "issuer");
    if (path != NULL)
        TP_TRY(tp_cli_chain_read(cli, path, &issuers));
    request->issuers = issuers.der;
    request->n_issuers = issuers.len;
    TP_TRY(tp_cli_call(cli, TP_OP_CRL_IMPORT, &request->base, NULL, NULL, &reply));
    return emit(cli, (const void *)reply.message);
}

enum tp_rc tp_cli_crl_import(struct tp_cli *cli)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    Tp__Ipc__CrlRequest request = TP__IPC__CRL_REQUEST__INIT;
    const char *path = tp_cli_operand(&cli->args, 0);
    TP_TRY(tp_cli_file_read(path, TP_CLI_FILE_MAX, &cli->error, &file));
    TP_TRY(check(cli, path, tp_buf_bytes(&file)));
    request.der = (ProtobufCBinaryData){.data = file.data, .len = file.len};
    return send_list(cli, &request);
}
