/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signer.h"
#include "cli/chain.h"
#include "cli/file.h"
#include "cli/prompt.h"
#include "hsm/signer.h"
#include "pki/private_key.h"

#include <stdio.h>
#include <string.h>

/* ---- asking ---- */

static enum tp_rc ask_person(void *context, const char *token, bool code, struct tp_error *error, struct tp_secret **ret_pin)
{
    struct tp_cli *cli = context;
    char label[128];
    (void)snprintf(label, sizeof label, "PIN%s of %.64s", code ? " and one-time code" : "", token);
    const enum tp_rc rc = tp_cli_secret_ask(cli, label, NULL, ret_pin);
    return rc == TP_OK ? TP_OK : tp_error_set(error, rc, "%s", tp_error_words(&cli->error));
}

static enum tp_rc ask_nobody(void *cli, const char *token, bool code, struct tp_error *error, struct tp_secret **ret_pin)
{
    (void)cli, (void)code, (void)ret_pin;
    return tp_error_set(error, TP_USAGE, "standard input is the file, so the PIN of %.64s cannot come from there: a URI with pin-source",
                        token);
}

static bool can_ask(const struct tp_cli *cli, const struct tp_cli_signer_order *order)
{
    return !order->input_taken || cli->terminal;
}

/* ---- opening ---- */

struct chain {
    struct tp_cli_chain read;
    struct tp_bytes views[TP_CLI_CHAIN_MAX];
};

static void clear(struct chain *chain)
{
    tp_cli_chain_clear(&chain->read);
}

static enum tp_rc read_chain(struct tp_cli *cli, const char *path, struct chain *chain)
{
    if (path == NULL)
        return TP_OK;
    TP_TRY(tp_cli_chain_read(cli, path, &chain->read));
    for (size_t i = 0; i < chain->read.len; i++)
        chain->views[i] = TP_BYTES(chain->read.der[i].data, chain->read.der[i].len);
    return TP_OK;
}

static enum tp_rc open_uri(struct tp_cli *cli, const struct tp_cli_signer_order *order, const struct chain *chain,
                           struct tp_pki_signer **ret_signer)
{
    const struct tp_hsm_signer_config config = {
        .uri = order->uri,
        .folder = order->folder,
        .threads = order->threads,
        .ask_pin = can_ask(cli, order) ? ask_person : ask_nobody,
        .ask_context = cli,
        .certificates = chain->views,
        .certificates_len = chain->read.len};
    return tp_hsm_signer_open(&config, &cli->error, ret_signer);
}

static enum tp_rc ask_password(struct tp_cli *cli, const struct tp_cli_signer_order *order, struct tp_secret **ret_password)
{
    if (!can_ask(cli, order))
        return tp_error_set(&cli->error, TP_USAGE, "%s: it has a password, which cannot come from standard input, since that is the file",
                            order->file);
    return tp_cli_secret_ask(cli, "Password of the key", NULL, ret_password);
}

static enum tp_rc open_file(struct tp_cli *cli, const struct tp_cli_signer_order *order, const struct chain *chain,
                            struct tp_pki_signer **ret_signer)
{
    struct tp_secret *file TP_AUTO(tp_secret_free_p) = NULL, *password TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_cli_file_read_secret(order->file, &cli->error, &file));
    if (tp_pki_private_file_wants_password(tp_secret_bytes(file)))
        TP_TRY(ask_password(cli, order, &password));
    const enum tp_rc rc = tp_pki_signer_of_file(tp_secret_bytes(file), password, chain->views, chain->read.len, &cli->error, ret_signer);
    return rc == TP_OK ? TP_OK : tp_error_prefix(&cli->error, rc, "%s", order->file);
}

enum tp_rc tp_cli_signer_open(struct tp_cli *cli, const struct tp_cli_signer_order *order, struct tp_pki_signer **ret_signer)
{
    struct chain chain TP_AUTO(clear) = {.read = {.len = 0}};
    TP_TRY(read_chain(cli, order->certificate, &chain));
    return order->file != NULL ? open_file(cli, order, &chain, ret_signer) : open_uri(cli, order, &chain, ret_signer);
}
