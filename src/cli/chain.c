/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/chain.h"
#include "cli/file.h"
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>

void tp_cli_chain_clear(struct tp_cli_chain *chain)
{
    for (size_t i = 0; i < chain->len; i++)
        free(chain->der[i].data);
    chain->len = 0;
}

static enum tp_rc chain_add(void *context, struct tp_bytes der)
{
    struct tp_cli_chain *chain = context;
    if (chain->len == TP_CLI_CHAIN_MAX)
        return TP_TOO_LARGE;
    uint8_t *copy = malloc(der.len > 0 ? der.len : 1);
    if (copy == NULL)
        return TP_MEMORY;
    memcpy(copy, der.data, der.len);
    chain->der[chain->len++] = (ProtobufCBinaryData){.data = copy, .len = der.len};
    return TP_OK;
}

enum tp_rc tp_cli_chain_read(struct tp_cli *cli, const char *path, struct tp_cli_chain *chain)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_cli_file_read(path, TP_CLI_FILE_MAX, &cli->error, &file));
    enum tp_rc rc = tp_pki_certificates_read(tp_buf_bytes(&file), &cli->error, chain_add, chain);
    if (rc == TP_TOO_LARGE)
        return tp_error_set(&cli->error, rc, "%s: more than %d certificates; give one and its issuers", path,
                            TP_CLI_CHAIN_MAX);
    if (rc == TP_MALFORMED)
        return tp_error_set(&cli->error, rc, "%s: neither PEM, DER nor PKCS#7 with a certificate in it", path);
    if (rc != TP_OK)
        return tp_error_prefix(&cli->error, rc, "%s", path);
    return chain->len > 0 ? TP_OK : tp_error_set(&cli->error, TP_NOT_FOUND, "%s: no certificate in it", path);
}
