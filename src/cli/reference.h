/* SPDX-License-Identifier: Apache-2.0
 *
 * The commented reference configurations (conf/engine.conf, conf/trustp11.conf), carried in the program, as the start
 * of a deployment's own: what `trustp11 init` writes is the reference with some keys set.
 */
#ifndef TP_CLI_REFERENCE_H
#define TP_CLI_REFERENCE_H

#include "base/bytes.h"
#include "base/error.h"

enum tp_cli_reference { TP_CLI_ENGINE_CONF, TP_CLI_CLIENT_CONF };

struct tp_cli_setting {
    const char *key;   /* of the unnamed section; must stand in the reference, commented or not */
    const char *value; /* NULL: left as it is */
};

/* Appends the reference with SETTINGS (ending with a row without key). TP_BAD_ARGUMENT when a value cannot be written.
 */
TP_MUST_USE enum tp_rc tp_cli_reference_fill(enum tp_cli_reference reference, const struct tp_cli_setting *settings,
                                             struct tp_error *error, struct tp_buf *ret_text);

#endif
