/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash of a file of any size.
 */
#ifndef TP_CLI_FILE_DIGEST_H
#define TP_CLI_FILE_DIGEST_H

#include "base/error.h"
#include "pki/digest_info.h"

#define TP_CLI_DIGEST_MAX 64

/* Whether it can be had later, without opening it, since a pipe is opened once. Words begin with PATH. */
TP_MUST_USE enum tp_rc tp_cli_file_digest_check(const char *path, struct tp_error *error);
/* PATH "-": standard input. Words begin with PATH. */
TP_MUST_USE enum tp_rc tp_cli_file_digest(const char *path, enum tp_pki_hash hash, struct tp_error *error,
                                          uint8_t ret_digest[TP_CLI_DIGEST_MAX]);

#endif
