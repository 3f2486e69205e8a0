/* SPDX-License-Identifier: Apache-2.0
 *
 * The signer (pki/signer.h) of a command that is told whose key to use: by a PKCS#11 URI, or in a file.
 */
#ifndef TP_CLI_SIGNER_H
#define TP_CLI_SIGNER_H

#include "cli/cli.h"
#include "pki/signer.h"

struct tp_cli_signer_order {
    const char *uri, *file;  /* one of them */
    const char *folder;      /* that a relative pin-source is below */
    const char *certificate; /* a file of certificates, the key's and its issuers'; NULL: those that come with the key */
    unsigned threads;        /* that may sign at a time */
    bool input_taken;        /* standard input is what is signed: unless there is a terminal, nobody can be asked */
};
/* PIN or password are asked for where they are needed, now or when CLI's command signs. */
TP_MUST_USE enum tp_rc tp_cli_signer_open(struct tp_cli *cli, const struct tp_cli_signer_order *order, struct tp_pki_signer **ret_signer);

#endif
