/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that were made elsewhere. The file goes into locked memory, and from there nothing but the key goes on.
 */
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/key.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "pki/private_key.h"

#include <string.h>

/* Standard input has been read to its end when the password would be asked for. */
static enum tp_rc ask_password(struct tp_cli *cli, const char *path, struct tp_secret **ret_password)
{
    if (strcmp(path, "-") == 0 && tp_cli_text(&cli->args, "password-file") == NULL)
        return tp_error_set(&cli->error, TP_USAGE,
                            "standard input is the file, so its password cannot come from there: --password-file FILE");
    return tp_cli_secret_ask(cli, "Password of the file", "password-file", ret_password);
}

static enum tp_rc read_file(struct tp_cli *cli, const char *path, struct tp_pki_private_file *ret_file)
{
    struct tp_secret *content TP_AUTO(tp_secret_free_p) = NULL, *password TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_cli_file_read_secret(path, &cli->error, &content));
    if (tp_pki_private_file_wants_password(tp_secret_bytes(content)))
        TP_TRY(ask_password(cli, path, &password));
    enum tp_rc rc = tp_pki_private_file_read(tp_secret_bytes(content), password, &cli->error, ret_file);
    return rc == TP_OK ? TP_OK : tp_error_prefix(&cli->error, rc, "%s", path);
}

/* A file whose certificates are all of others is more likely the wrong one than one to take half of. */
static enum tp_rc choose_certificates(struct tp_cli *cli, const char *path, const struct tp_pki_private_file *file,
                                      ProtobufCBinaryData *certificates, size_t *ret_len)
{
    *ret_len = 0;
    if (tp_cli_flag(&cli->args, "key-only"))
        return TP_OK;
    if (file->certificates_len == 0 && file->others > 0)
        return tp_error_set(&cli->error, TP_BAD_ARGUMENT,
                            "%s: none of its certificates is the key's; --key-only imports the key without", path);
    for (; *ret_len < file->certificates_len; ++*ret_len)
        certificates[*ret_len] = (ProtobufCBinaryData){.data = file->certificates[*ret_len].data,
                                                       .len = file->certificates[*ret_len].len};
    if (file->others > 0 && !cli->json)
        tp_cli_remark(cli, "%s: left out: %zu certificates that are not issuers of the key's", path, file->others);
    return TP_OK;
}

static enum tp_rc import(struct tp_cli *cli, const char *path, const struct tp_pki_private_file *file)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct tp_buf id TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    ProtobufCBinaryData certificates[TP_PKI_PRIVATE_FILE_CERTIFICATES];
    Tp__Ipc__KeyImportRequest request = TP__IPC__KEY_IMPORT_REQUEST__INIT;
    const char *label = tp_cli_text(&cli->args, "label");
    TP_TRY(tp_cli_key_id(cli, &id));
    TP_TRY(tp_cli_user(cli, &request.user));
    TP_TRY(choose_certificates(cli, path, file, certificates, &request.n_certificates));
    request.certificates = certificates;
    request.label = (char *)(uintptr_t)(label == NULL ? request.user : label);
    request.cka_id = (ProtobufCBinaryData){.data = id.data, .len = id.len};
    request.always_authenticate = tp_cli_flag(&cli->args, "always-authenticate");
    TP_TRY(tp_cli_call(cli, TP_OP_KEY_IMPORT, &request.base, file->pkcs8, NULL, &reply));
    TP_TRY(tp_cli_key_made(cli, &reply));
    if (!cli->json)
        tp_cli_remark(cli, "Whoever has %s, or a copy of it, can sign with this key: destroy them.",
                      strcmp(path, "-") == 0 ? "what it was read from" : path);
    return TP_OK;
}

enum tp_rc tp_cli_key_import(struct tp_cli *cli)
{
    struct tp_pki_private_file file TP_AUTO(tp_pki_private_file_clear) = {.certificates_len = 0};
    const char *path = tp_cli_operand(&cli->args, 0);
    TP_TRY(read_file(cli, path, &file));
    return import(cli, path, &file);
}
