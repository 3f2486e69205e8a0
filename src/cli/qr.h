/* SPDX-License-Identifier: Apache-2.0
 *
 * A QR code in a terminal (ISO/IEC 18004), two rows of modules to a line.
 */
#ifndef TP_CLI_QR_H
#define TP_CLI_QR_H

#include "base/error.h"
#include "base/secret.h"

/* TEXT is secret (an otpauth URI holds the seed), and so is its picture. Colours are set, so that the code is dark on
 * light whatever the terminal's are. */
TP_MUST_USE enum tp_rc tp_cli_qr(struct tp_bytes text, struct tp_error *error, struct tp_secret **ret_picture);

#endif
