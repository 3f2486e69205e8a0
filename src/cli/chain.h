/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificates of one file: PEM (any number), one DER, or PKCS#7.
 */
#ifndef TP_CLI_CHAIN_H
#define TP_CLI_CHAIN_H

#include "cli/cli.h"

#include <protobuf-c/protobuf-c.h>

#define TP_CLI_CHAIN_MAX 16 /* an end entity and its issuers */

/* In the file's order; .len = 0 to begin with. */
struct tp_cli_chain {
    ProtobufCBinaryData der[TP_CLI_CHAIN_MAX];
    size_t len;
};

/* One at least. Errors begin with PATH. */
TP_MUST_USE enum tp_rc tp_cli_chain_read(struct tp_cli *cli, const char *path, struct tp_cli_chain *chain);
void tp_cli_chain_clear(struct tp_cli_chain *chain);

#endif
